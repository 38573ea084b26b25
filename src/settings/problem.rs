//! What is wrong with the settings, and what `relatch check` found out about one key.

use std::fmt;

/// One thing that is wrong with the settings, or that their owner should look at. Its text never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, such as `policy.window`.
    pub key: String,
    /// What is wrong with it, and what to do.
    pub text: String,
    /// For a key that is unknown: the nearest one that there is.
    pub nearest: Option<String>,
    /// The settings can be used all the same.
    pub is_warning: bool,
    /// `check` fails with it, though it is a warning.
    pub fails_check: bool,
}

impl Problem {
    pub(crate) fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            text: text.into(),
            nearest: None,
            is_warning: false,
            fails_check: false,
        }
    }

    /// What is wrong and what to do, without the key.
    pub(crate) fn advice(&self) -> String {
        match &self.nearest {
            Some(nearest) => format!("{}; did you mean {nearest}?", self.text),
            None => self.text.clone(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.advice())
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

/// A sentence for the operator about one key of the section that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The key inside of its section; empty where it is about the whole section.
    pub key: &'static str,
    /// What was found, and what to do.
    pub text: String,
}

impl Finding {
    pub(crate) fn of(key: &'static str, text: impl Into<String>) -> Self {
        Self {
            key,
            text: text.into(),
        }
    }
}

impl From<String> for Finding {
    /// About the whole section.
    fn from(text: String) -> Self {
        Self::of("", text)
    }
}
