//! Reads typed values out of a section of the settings, and collects every problem with its key instead of stopping at the
//! first.
//!
//! An adapter reads its own section with it. Which sections exist, and checks across sections, are in `config`.

pub(crate) mod nearest;
mod problem;
mod secrets;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use toml::{Table, Value};
use url::Url;

pub(crate) use self::problem::{Finding, Problem, Problems};
pub(crate) use self::secrets::{
    NOT_UTF8, SecretForm, WRITABLE_BY_OTHERS, foreign_to_tokens, secret_in, why_not_read,
};
use crate::domain::shorten::shorten;
use crate::net;

/// Of a key that no section of this name has.
pub(crate) const NO_SETTING: &str = "is no setting";

/// One section of the settings. Values are taken out one by one; a key that is left at the end is unknown.
pub struct Section<'a> {
    name: String,
    table: Table,
    known: BTreeSet<&'static str>,
    /// Of the known ones, those that are read as sections of their own.
    sections: Vec<&'static str>,
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
            sections: Vec::new(),
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
        self.problems.push(Problem::new(key, text));
    }

    /// Notes what the operator should look at; the settings can be used all the same.
    fn warn(&mut self, key: &str, text: impl Into<String>) {
        let problem = Problem::new(self.key(key), text);
        self.problems.push(Problem {
            is_warning: true,
            ..problem
        });
    }

    /// Names the sections inside of this one, so that a mistyped key is compared with them too.
    pub(crate) fn know_sections(&mut self, sections: &[&'static str]) {
        self.known.extend(sections);
        self.sections.extend(sections);
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
        self.problem(key, format!("must be a text in quotes: {key} = \"…\""));
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

    /// A text that is parsed. The error says what it should look like.
    pub(crate) fn parsed<T>(&mut self, key: &'static str) -> Option<T>
    where
        T: FromStr<Err: fmt::Display>,
    {
        self.parsed_like(key, "")
    }

    /// The same for a type whose error shows no example.
    pub(crate) fn parsed_like<T>(&mut self, key: &'static str, example: &str) -> Option<T>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let text = self.text(key)?;
        let told = |error: T::Err| {
            let shown = shorten(&text, VALUE);
            if example.is_empty() {
                format!("\"{shown}\" {error}")
            } else {
                format!("\"{shown}\" cannot be used ({error}); write it like {example}")
            }
        };
        let parsed = text.parse().map_err(told);
        parsed.map_err(|told| self.problem(key, told)).ok()
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
            self.problem(key, "must be a list of texts, such as [\"one\", \"two\"]");
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
                    self.problem(key, format!("\"{}\" {error}", shorten(&text, VALUE)));
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
                let told = "must be an address such as https://acme.example (http:// only to this machine), without a user name";
                self.problem(key, told);
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
                    "must be an address such as https://acme.example (http:// only to this machine)",
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
            self.problem("ca_file", format!("{}: {error}", path.display()));
        }
        Some(path)
    }

    /// A path of a file.
    pub(crate) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    /// Ends the section: every key that is left is unknown, with a hint where a known one is similar.
    pub(crate) fn end(mut self) {
        let left: Vec<String> = self.table.keys().cloned().collect();
        for key in left {
            let nearest = nearest::nearest(&self.known, &key).map(str::to_owned);
            let nearest = nearest.or_else(|| self.with_section(&key));
            self.problem(&key, NO_SETTING);
            if let Some(problem) = self.problems.last_mut() {
                problem.nearest = nearest;
            }
        }
    }

    /// `policy_window`, outside of any section, was meant to be `policy.window`.
    fn with_section(&self, key: &str) -> Option<String> {
        let rest = |section: &str| key.strip_prefix(section)?.strip_prefix('_');
        let mut sections = self.sections.iter();
        sections.find_map(|section| Some(format!("{section}.{}", rest(section)?)))
    }
}

/// The address with a slash at its end, so that paths can be joined to it.
pub(crate) fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

/// The longest part of a value that a problem shows. Values of secrets never get there.
const VALUE: usize = 40;

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
}
