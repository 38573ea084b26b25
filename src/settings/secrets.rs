//! Secrets in the settings and in files of their own: how they are read, and which are refused before anybody uses them.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::Section;
use crate::secret::is_weak_secret;

/// Of a file of ours that whoever may write it would decide about.
pub(crate) const WRITABLE_BY_OTHERS: &str = "may be written by others; run chmod go-w on it";

/// Of a file that another program saved.
pub(crate) const NOT_UTF8: &str = "is no UTF-8 text; save it as UTF-8";

/// Why a file of the settings was not read, and what to do.
pub(crate) fn why_not_read(error: &std::io::Error) -> String {
    let kind = error.kind();
    if kind == ErrorKind::NotFound {
        "is not there; correct the path, or make the file".to_owned()
    } else if kind == ErrorKind::PermissionDenied {
        "may not be read by this user; run relatch as the user who owns it, or give it to this one"
            .to_owned()
    } else {
        format!("cannot be read: {kind}")
    }
}

/// What a secret must look like.
#[derive(Clone, Copy)]
pub(crate) enum SecretForm {
    /// A token of Slack, Discord, Mattermost or Twilio: strong, and made of letters, digits, `-`, `_` and `.`. The function
    /// says what else is wrong with it.
    Token(fn(&str) -> Option<&'static str>),
    /// Long enough to be no placeholder, and taken as it is.
    Strong,
    /// A password of another service, taken as it is.
    Password,
}

impl SecretForm {
    /// A token of which nothing else is known.
    pub(crate) const TOKEN: Self = Self::Token(|_| None);
}

/// A secret, and where it stands.
struct GivenSecret {
    text: String,
    /// The key that complaints name.
    key: &'static str,
    file: Option<PathBuf>,
}

impl GivenSecret {
    /// Begins a complaint: a file is named, a value is not.
    fn about(&self, what: &str) -> String {
        match &self.file {
            Some(file) => format!("{} {what}", file.display()),
            None => what.to_owned(),
        }
    }
}

impl Section<'_> {
    /// A secret, given as `key` or in the file that `file_key` names.
    pub(crate) fn secret(
        &mut self,
        key: &'static str,
        file_key: &'static str,
        form: SecretForm,
    ) -> Option<SecretString> {
        let given = match (self.text(key), self.path(file_key)) {
            (Some(_), Some(_)) => {
                self.problem(key, format!("is given twice: here and as {file_key}"));
                return None;
            }
            (Some(text), None) => GivenSecret {
                text,
                key,
                file: None,
            },
            (None, Some(path)) => GivenSecret {
                text: self.read_secret(file_key, &path)?,
                key: file_key,
                file: Some(path),
            },
            (None, None) => return None,
        };
        if let Some(wrong) = what_is_wrong(&given.text, form) {
            self.problem(given.key, given.about(wrong));
            return None;
        }
        if given.text.trim() != given.text {
            let told = "begins or ends with a blank or a line end, which is taken as a part of it; remove it if it is none";
            self.warn(given.key, given.about(told));
        }
        Some(given.text.into())
    }

    /// The same for a secret that must be set.
    pub(crate) fn required_secret(
        &mut self,
        key: &'static str,
        file_key: &'static str,
        form: SecretForm,
    ) -> Option<SecretString> {
        let before = self.problem_count();
        let secret = self.secret(key, file_key, form);
        if secret.is_none() && self.problem_count() == before {
            self.problem(key, format!("is missing; give it here or as {file_key}"));
        }
        secret
    }

    fn read_secret(&mut self, key: &'static str, path: &Path) -> Option<String> {
        let file = path.display();
        let mode = std::fs::metadata(path).map(|meta| meta.permissions().mode());
        let is_open_to = |who| mode.as_ref().is_ok_and(|mode| mode & who != 0);
        if is_open_to(0o022) {
            let told = format!("{file} {WRITABLE_BY_OTHERS}");
            self.problem(key, told);
            return None;
        }
        if is_open_to(0o004) {
            let told = "may be read by every user of this machine; run chmod o= on it";
            self.warn(key, format!("{file} {told}"));
        }
        match std::fs::read_to_string(path) {
            Ok(text) => Some(secret_in(&text).to_owned()),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                self.problem(key, format!("{file} {NOT_UTF8}"));
                None
            }
            Err(error) => {
                self.problem(key, format!("{file} {}", why_not_read(&error)));
                None
            }
        }
    }
}

/// The secret in the text of a file: without one byte order mark and one line end, which editors add.
pub(crate) fn secret_in(text: &str) -> &str {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let ends = ["\r\n", "\n", "\r"];
    let stripped = ends.iter().find_map(|end| text.strip_suffix(end));
    stripped.unwrap_or(text)
}

/// Why a secret is refused. No text holds any of it.
fn what_is_wrong(secret: &str, form: SecretForm) -> Option<&'static str> {
    if secret.trim().is_empty() {
        return Some("is empty");
    }
    if let SecretForm::Token(_) = form
        && let Some(wrong) = foreign_to_tokens(secret)
    {
        return Some(wrong);
    }
    match form {
        SecretForm::Token(_) | SecretForm::Strong if is_weak_secret(secret) => {
            Some("is shorter than 16 characters or a placeholder; use the real one")
        }
        SecretForm::Token(more) => more(secret),
        SecretForm::Strong | SecretForm::Password => None,
    }
}

/// What no token of these vendors holds, and how it got there.
pub(crate) fn foreign_to_tokens(token: &str) -> Option<&'static str> {
    if token.contains(['"', '\'', '`', '“', '”', '’']) {
        Some("holds a quote; write the token alone, without quotes around it")
    } else if token.contains(['=', ':']) {
        Some("looks like name=value; write the value alone")
    } else if token.contains(char::is_whitespace) {
        Some("holds a blank or a line end; write the token alone, on one line")
    } else if token.contains('…') {
        Some("is shortened with …; copy the whole token")
    } else {
        let is_of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        (!token.chars().all(is_of_token))
            .then_some("holds a character that is in no such token; copy it again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mark_and_one_line_end_are_taken_off() {
        for (text, secret) in [
            ("secret", "secret"),
            ("secret\n", "secret"),
            ("\u{feff}secret\r\n", "secret"),
            ("secret\n\n", "secret\n"),
            ("\u{feff}\u{feff}secret", "\u{feff}secret"),
            (" secret \r", " secret "),
            ("", ""),
        ] {
            assert_eq!(secret_in(text), secret, "{text:?}");
        }
    }
}
