//! The account of `check_account`, which `relatch check` looks up.

use super::{Match, Unavailable};
use crate::domain::EmailAddress;
use crate::settings::Finding;

/// The look-up has to find exactly one member.
pub(super) fn found_one(
    found: Result<Vec<Match>, Unavailable>,
    email: &EmailAddress,
) -> Result<(), Finding> {
    let why = match found.map(|mut found| found.pop()) {
        Ok(Some(Match::One(_))) => return Ok(()),
        Ok(Some(Match::Several(_))) => "stands for several entries",
        Ok(Some(Match::Nobody) | None) => "is not found",
        Ok(Some(Match::Unreadable)) => "cannot be read in full",
        Err(Unavailable::ForNow | Unavailable::Misconfigured) => "could not be looked up",
    };
    let told = format!("the account {} {why}", email.masked());
    Err(Finding::of("check_account", told))
}
