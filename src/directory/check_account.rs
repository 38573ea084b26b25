//! The account of `check_account`, which `relatch check` looks up.

use super::{Match, Unavailable};
use crate::domain::EmailAddress;

/// The look-up has to find exactly one member.
pub(super) fn found_one(
    found: Result<Vec<Match>, Unavailable>,
    email: &EmailAddress,
) -> Result<(), String> {
    let why = match found.map(|mut found| found.pop()) {
        Ok(Some(Match::One(_))) => return Ok(()),
        Ok(Some(Match::Several(_))) => "stands for several entries",
        Ok(Some(Match::Nobody) | None) => "is not found",
        Ok(Some(Match::Unreadable)) => "cannot be read in full",
        Err(Unavailable::ForNow | Unavailable::Misconfigured) => "could not be looked up",
    };
    Err(format!("the account {} {why}", email.masked()))
}
