//! What came of an import: who was added, replaced, moved or changed, or why nothing was.

use super::engine::WriteError;
use super::{ContactRow, MemberRow, NotDone, StoreError};
use crate::domain::person::Difference;
use crate::domain::{Destination, MemberId};

#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// Members under addresses that nobody had.
    pub added: usize,
    /// Members under addresses that were there, new persons among them.
    pub updated: usize,
    /// Who took the place of somebody else.
    pub new_persons: Vec<NewPerson>,
    /// Who has another address now.
    pub moved: Vec<Moved>,
    /// Whose phone or private e-mail is another one now.
    pub changed: Vec<ChangedContacts>,
}

/// A member whose phone or private e-mail is another one now.
#[derive(Clone, Debug)]
pub struct ChangedContacts {
    /// The member with the contacts from before the import, under the present business address: one from before may be
    /// another person's now.
    pub before: MemberRow,
    /// Each contact that changed: what it was, and what it is; none where there was or is none.
    pub contacts: Vec<(Option<Destination>, Option<Destination>)>,
    /// The contacts that were added for codes, also where they go with the import.
    pub added: Vec<ContactRow>,
}

/// Somebody who took the place of another under their address. Nothing of the other went over.
#[derive(Clone, Debug)]
pub struct NewPerson {
    pub name: String,
    /// The address of both.
    pub email: String,
    /// The name of the other.
    pub former: String,
    /// Why they are not the same.
    pub why: Difference,
    /// False for somebody who resigned: the import would wipe that account in any case.
    pub(super) counts: bool,
}

/// A member who has another address now.
#[derive(Clone, Debug)]
pub struct Moved {
    pub name: String,
    pub from: String,
    pub to: String,
    pub(super) member_id: MemberId,
}

#[derive(Debug, thiserror::Error)]
pub enum NotImported {
    /// The address belongs to somebody who keeps it.
    #[error("line {line}: {email} belongs to {owner}")]
    AddressTaken {
        /// The line in the file.
        line: u64,
        email: String,
        owner: String,
    },
    /// So many new persons take the place of others, and the number was not named, or another one.
    #[error("{count} members would be replaced by new persons")]
    NewPersons {
        count: usize,
        persons: Vec<NewPerson>,
    },
    /// A member who would be removed is being reset, or the record does not answer.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl From<StoreError> for NotImported {
    fn from(error: StoreError) -> Self {
        Self::NotDone(error.into())
    }
}

impl WriteError for NotImported {
    fn failure(&self) -> Option<StoreError> {
        match self {
            Self::AddressTaken { .. } | Self::NewPersons { .. } => None,
            Self::NotDone(not_done) => not_done.failure(),
        }
    }
}
