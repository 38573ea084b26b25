//! What is remembered of entries, so that their groups can be asked for together with the entry.

use std::sync::{Arc, Mutex, PoisonError};

use super::entry::LdapEntry;
use crate::clock::Clock;
use crate::directory::By;
use crate::domain::{MemberId, Span};
use crate::recent::Recent;

/// A card and the clicks on it fall into this time.
const LIFE: Span = Span::minutes(15);

/// How many entries are remembered at least.
const ENTRIES: usize = 1000;

/// Names of entries that were found a while ago: what groups know them by, and nothing else. They are a guess at what will be
/// found again. What was asked with them counts only if the entry, which is always read, still has the same ones.
pub(in crate::directory) struct KnownEntries {
    clock: Clock,
    names: Mutex<Recent<By, Arc<LdapEntry>>>,
}

impl KnownEntries {
    pub(in crate::directory) fn new(clock: Clock) -> Self {
        Self {
            clock,
            names: Mutex::new(Recent::new(LIFE, ENTRIES)),
        }
    }

    pub(in crate::directory) fn get(&self, by: &By) -> Option<Arc<LdapEntry>> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(by).map(Arc::clone)
    }

    /// Remembers the names of an entry under the question that found it and under its id.
    pub(in crate::directory) fn insert(&self, by: &By, id: &MemberId, entry: LdapEntry) {
        let (now, entry) = (self.clock.now(), Arc::new(entry));
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let By::Email(_) = by {
            names.insert(by.clone(), Arc::clone(&entry), now);
        }
        names.insert(By::Id(id.clone()), entry, now);
    }
}
