//! The built-in directory, as commands use it.

use super::Failure;
use crate::chance::Chance;
use crate::directory::{Backend, Builtin, By, Hasher, Match, Unavailable};
use crate::domain::{EmailAddress, Member};
use crate::store::Store;

/// The built-in directory over this record.
pub(super) fn directory(store: &Store) -> Result<Builtin, Failure> {
    Ok(Builtin::new(
        store.clone(),
        Hasher::start()?,
        Chance::System,
    ))
}

/// Finds a member, or tells that there is none.
pub(super) async fn find(directory: &Builtin, email: &EmailAddress) -> Result<Member, Failure> {
    let found = directory
        .find(&[By::Email(email.clone())])
        .await
        .map_err(unanswered)?;
    match found.into_iter().next() {
        Some(Match::One(member)) => Ok(*member),
        Some(Match::Nobody | Match::Several(_) | Match::Unreadable) | None => {
            Err(no_such_member(email))
        }
    }
}

/// The directory could not do its part, and everything stays as it was.
pub(super) fn unanswered(error: Unavailable) -> Failure {
    Failure::Said(format!("{error}. Nothing was changed."))
}

pub(super) fn no_such_member(email: &EmailAddress) -> Failure {
    Failure::Said(format!(
        "no member has the business e-mail {email}. Nothing was changed."
    ))
}
