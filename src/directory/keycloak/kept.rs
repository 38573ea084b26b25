//! Members that were read within the last half minute, for clicks that change nothing in Keycloak. A command and a reset
//! read anew.

use std::sync::Mutex;

use crate::directory::{By, Wanted};
use crate::domain::{Member, Moment, Span};
use crate::recent::Recent;

/// As long as a chat profile is good enough for a card.
const LIFE: Span = Span::seconds(30);

/// How many of the latest are kept at least.
const SIZE: usize = 1_000;

/// What was asked, and whether it was of a caller, of whom less is read.
type Key = (String, bool);

pub(super) struct KeptMembers(Mutex<Recent<Key, (Moment, Member)>>);

impl Default for KeptMembers {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(LIFE, SIZE)))
    }
}

impl KeptMembers {
    /// What was read of this person, if that was a moment ago and may be used.
    pub(super) fn get(&self, wanted: &Wanted, now: Moment) -> Option<Member> {
        if !wanted.may_be_kept {
            return None;
        }
        let kept = self.0.lock().ok()?;
        kept.get(&key(&wanted.by, wanted.is_caller))
            // If the clock was set back, nothing counts as recent.
            .filter(|(read_at, _)| (now - *read_at).0.abs() < LIFE.0)
            .map(|(_, member)| member.clone())
    }

    /// Keeps a member under the question and under the id: a command asks by e-mail, the card's buttons by id.
    pub(super) fn put(&self, wanted: &Wanted, member: &Member, read_at: Moment) {
        let Ok(mut kept) = self.0.lock() else { return };
        for by in [wanted.by.clone(), By::Id(member.id.clone())] {
            let key = key(&by, wanted.is_caller);
            kept.insert(key, (read_at, member.clone()), read_at);
        }
    }
}

fn key(by: &By, is_caller: bool) -> Key {
    let text = match by {
        By::Email(email) => format!("email {}", email.key()),
        By::Id(id) => format!("id {id}"),
    };
    (text, is_caller)
}
