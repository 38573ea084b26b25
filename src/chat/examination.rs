//! What `relatch check` asks about a platform, and what it finds out.

use crate::domain::EmailAddress;
use crate::settings::Finding;

/// How people are recognised, for the platforms on which that depends on their server.
#[derive(Clone, Debug)]
pub struct Matching {
    /// True where confirmed e-mails count; else only links do.
    pub is_by_email: bool,
    /// The accounts to look at: each directory's `check_account`.
    pub accounts: Vec<EmailAddress>,
}

/// What was found, each with the key of the platform's section that it is about.
#[derive(Clone, Debug, Default)]
pub struct Examination {
    pub failures: Vec<Finding>,
    /// What works in part, or is to be known.
    pub warnings: Vec<Finding>,
    pub notes: Vec<Finding>,
}

impl Examination {
    pub(super) fn fail(&mut self, key: &'static str, text: impl Into<String>) {
        self.failures.push(Finding::of(key, text));
    }

    pub(super) fn warn(&mut self, key: &'static str, text: impl Into<String>) {
        self.warnings.push(Finding::of(key, text));
    }

    pub(super) fn note(&mut self, key: &'static str, text: impl Into<String>) {
        self.notes.push(Finding::of(key, text));
    }
}
