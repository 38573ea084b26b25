//! What `relatch check` asks about a platform, and what it finds out.

use crate::domain::EmailAddress;

/// How people are recognised, for the platforms on which that depends on their server.
#[derive(Clone, Debug)]
pub struct Matching {
    /// True where confirmed e-mails count; else only links do.
    pub is_by_email: bool,
    /// The accounts to look at: each directory's `check_account`.
    pub accounts: Vec<EmailAddress>,
}

/// What was found, each a sentence for the operator.
#[derive(Clone, Debug, Default)]
pub struct Examination {
    pub failures: Vec<String>,
    /// What works in part, or is to be known.
    pub warnings: Vec<String>,
    pub notes: Vec<String>,
}
