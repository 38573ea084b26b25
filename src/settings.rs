//! Reads typed values out of a section of the settings, and collects every problem with its key instead of stopping at the
//! first.
//!
//! An adapter reads its own section with it. Which sections exist, and checks across sections, are in `config`.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::SecretString;
use toml::{Table, Value};
use url::Url;

use crate::net;
use crate::secret::is_weak_secret;

/// One thing that is wrong with the settings. Its text never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, such as `policy.window`.
    pub key: String,
    /// What is wrong with it, and what to do.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.text)
    }
}

/// Everything that is wrong with the settings, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.0.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// One section of the settings. Values are taken out one by one; a key that is left at the end is unknown.
pub struct Section<'a> {
    name: String,
    table: Table,
    known: BTreeSet<&'static str>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Section<'a> {
    pub(crate) fn new(
        name: impl Into<String>,
        table: Table,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        Self {
            name: name.into(),
            table,
            known: BTreeSet::new(),
            problems,
        }
    }

    fn key(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    /// Notes a problem with a key.
    pub(crate) fn problem(&mut self, key: &str, text: impl Into<String>) {
        let key = self.key(key);
        self.problems.push(Problem {
            key,
            text: text.into(),
        });
    }

    /// How many problems were noted so far, in all sections; for telling whether a read noted one.
    pub(crate) fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// Takes a value of any type.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.insert(key);
        self.table.remove(key)
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.take(key)?;
        if let Value::String(text) = value {
            return Some(text);
        }
        self.problem(key, "must be a text in quotes");
        None
    }

    /// A text that must be set and not be empty.
    pub(crate) fn required(&mut self, key: &'static str) -> Option<String> {
        let had_one = self.table.contains_key(key);
        let text = self.text(key).filter(|text| !text.trim().is_empty());
        if text.is_none() && !(had_one && self.has_problem(key)) {
            self.problem(key, "is missing");
        }
        text
    }

    fn has_problem(&self, key: &str) -> bool {
        let key = self.key(key);
        self.problems.iter().any(|problem| problem.key == key)
    }

    /// A text that is parsed.
    pub(crate) fn parsed<T>(&mut self, key: &'static str) -> Option<T>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let text = self.text(key)?;
        text.parse()
            .map_err(|error: T::Err| self.problem(key, format!("\"{}\" {error}", shorten(&text))))
            .ok()
    }

    /// A whole number within limits.
    pub(crate) fn number(&mut self, key: &'static str, from: i64, to: i64) -> Option<i64> {
        let value = self.take(key)?;
        // Values from environment variables are texts.
        let number = value
            .as_integer()
            .or_else(|| value.as_str()?.trim().parse().ok());
        let number = number.filter(|number| (from..=to).contains(number));
        if number.is_none() {
            self.problem(key, format!("must be a whole number from {from} to {to}"));
        }
        number
    }

    /// True or false.
    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.take(key)?;
        // Values from environment variables are texts.
        let flag = value
            .as_bool()
            .or_else(|| value.as_str()?.trim().parse().ok());
        if flag.is_none() {
            self.problem(key, "must be true or false");
        }
        flag
    }

    /// Notes that a key is missing, unless another problem with it was noted.
    pub(crate) fn missing(&mut self, key: &str) {
        if !self.has_problem(key) {
            self.problem(key, "is missing");
        }
    }

    /// A list of texts. In an environment variable they are separated by commas, or written as in the file: `["…", "…"]`.
    pub(crate) fn list(&mut self, key: &'static str) -> Option<Vec<String>> {
        let value = self.take(key)?;
        let written = value
            .as_str()
            .map(str::trim)
            .filter(|text| text.starts_with('['));
        let value = written.and_then(|text| text.parse().ok()).unwrap_or(value);
        let texts: Option<Vec<String>> = match (value.as_array(), value.as_str()) {
            (Some(items), _) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect(),
            (None, Some(text)) if text.trim().starts_with('[') => None,
            (None, Some(text)) => {
                Some(text.split(',').map(|part| part.trim().to_owned()).collect())
            }
            (None, None) => None,
        };
        if texts.is_none() {
            self.problem(key, "must be a list of texts");
        }
        texts
    }

    /// A list of texts that are parsed; each wrong one is a problem.
    pub(crate) fn parsed_list<T>(&mut self, key: &'static str) -> Option<Vec<T>>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let texts = self.list(key)?;
        let mut values = Vec::new();
        for text in texts {
            match text.parse() {
                Ok(value) => values.push(value),
                Err(error) => {
                    let error: T::Err = error;
                    self.problem(key, format!("\"{}\" {error}", shorten(&text)));
                }
            }
        }
        Some(values)
    }

    /// An address with https, or with http to this machine.
    pub(crate) fn url(&mut self, key: &'static str) -> Option<Url> {
        let text = self.text(key)?;
        match Url::parse(&text) {
            Ok(url)
                if net::is_acceptable_url(&url)
                    && url.username().is_empty()
                    && url.password().is_none() =>
            {
                Some(url)
            }
            _ => {
                self.problem(key, "must be an https:// address (http:// only to this machine), without a user name");
                None
            }
        }
    }

    /// An address that must be set. It may hold a user name, as addresses of gateways do.
    pub(crate) fn required_url(&mut self, key: &'static str) -> Option<Url> {
        let url = self.text(key);
        match url.as_deref().map(Url::parse) {
            Some(Ok(url)) if net::is_acceptable_url(&url) => Some(url),
            Some(_) => {
                self.problem(
                    key,
                    "must be an https:// address (http:// only to this machine)",
                );
                None
            }
            None => {
                self.problem(key, "is missing");
                None
            }
        }
    }

    /// `api_url`, or the vendor's own; with a slash at its end.
    pub(crate) fn api_url(&mut self, vendors: &str) -> Option<Url> {
        if self.table.contains_key("api_url") {
            self.url("api_url").map(with_slash)
        } else {
            Url::parse(vendors).ok()
        }
    }

    /// `ca_file`: certificates that are trusted besides the machine's own.
    pub(crate) fn ca_file(&mut self) -> Option<PathBuf> {
        let path = self.path("ca_file")?;
        if let Err(error) = net::tls_config(Some(&path)) {
            self.problem("ca_file", error.to_string());
        }
        Some(path)
    }

    /// A path of a file.
    pub(crate) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    /// A secret, given as `key` or in the file that `file_key` names. With `strong`, a weak one is refused.
    pub(crate) fn secret(
        &mut self,
        key: &'static str,
        file_key: &'static str,
        strong: bool,
    ) -> Option<SecretString> {
        let direct = self.text(key);
        let file = self.path(file_key);
        let secret = match (direct, file) {
            (Some(_), Some(_)) => {
                self.problem(key, format!("is given twice: here and as {file_key}"));
                return None;
            }
            (Some(secret), None) => secret,
            (None, Some(path)) => self.read_secret(file_key, &path)?,
            (None, None) => return None,
        };
        if secret.trim().is_empty() {
            self.problem(key, "is empty");
            return None;
        }
        if strong && is_weak_secret(&secret) {
            self.problem(
                key,
                "is shorter than 16 characters or a placeholder; use the real one",
            );
            return None;
        }
        Some(secret.into())
    }

    /// The same for a secret that must be set.
    pub(crate) fn required_secret(
        &mut self,
        key: &'static str,
        file_key: &'static str,
        strong: bool,
    ) -> Option<SecretString> {
        let before = self.problem_count();
        let secret = self.secret(key, file_key, strong);
        if secret.is_none() && self.problem_count() == before {
            self.problem(key, format!("is missing; give it here or as {file_key}"));
        }
        secret
    }

    fn read_secret(&mut self, key: &'static str, path: &Path) -> Option<String> {
        use std::os::unix::fs::PermissionsExt;

        let mode = std::fs::metadata(path).map(|meta| meta.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o022 != 0) {
            self.problem(
                key,
                format!(
                    "{} can be written by others; take that right away with chmod go-w",
                    path.display()
                ),
            );
            return None;
        }
        match std::fs::read_to_string(path) {
            Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) => {
                self.problem(
                    key,
                    format!("{} cannot be read: {}", path.display(), error.kind()),
                );
                None
            }
        }
    }

    /// Ends the section: every key that is left is unknown, with a hint where a known one is similar.
    pub(crate) fn end(mut self) {
        let left: Vec<String> = self.table.keys().cloned().collect();
        for key in left {
            let near = self.known.iter().find(|known| distance(known, &key) <= 2);
            let hint = near
                .map(|known| format!("; did you mean \"{known}\"?"))
                .unwrap_or_default();
            self.problem(&key, format!("is no setting{hint}"));
        }
    }
}

/// The address with a slash at its end, so that paths can be joined to it.
pub(crate) fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

/// Shortens a value for a problem. Values of secrets never get here.
fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Edit distance of two words. Our own: `strsim` would save these lines for one more crate.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(other.bytes()) {
            let above = *cell;
            left = (corner + usize::from(a != b)).min(above + 1).min(left + 1);
            corner = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A DN has commas in it.
    #[test]
    fn a_list_in_a_variable_may_be_written_as_in_the_file() {
        let read = |text: &str| {
            let mut problems = Vec::new();
            let table = Table::from_iter([("groups".to_owned(), Value::String(text.to_owned()))]);
            let list = Section::new("directory", table, &mut problems).list("groups");
            assert_eq!(list.is_none(), !problems.is_empty());
            list
        };
        let texts = |texts: &[&str]| {
            Some(
                texts
                    .iter()
                    .map(|text| (*text).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(read("a, b"), texts(&["a", "b"]));
        assert_eq!(
            read(r#" ["cn=it,dc=acme", 'cn=hr,dc=acme'] "#),
            texts(&["cn=it,dc=acme", "cn=hr,dc=acme"])
        );
        assert_eq!(read("[]"), texts(&[]));
        for bad in ["[\"a\"", "[1]", "[\"a\"]\nb = 1", "[cn=it,dc=acme]"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn near_words_are_near() {
        assert_eq!(distance("window", "windwo"), 2);
        assert_eq!(distance("window", "window"), 0);
        assert_eq!(distance("", "abc"), 3);
        assert!(distance("bot_token", "signing_secret") > 2);
    }
}
