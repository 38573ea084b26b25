//! Undelivered passwords. They stay in memory for a few minutes, so that the administrator can choose another way.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::domain::{MemberId, Moment, Password, ResetId, Span};
use crate::store::Reservation;

/// How long an undelivered password can be sent another way before it is wiped (docs/rules.md, Q3).
pub const HOLD_FOR: Span = Span::minutes(10);

/// A password that was set in the directory and delivered to nobody.
pub struct HeldPassword {
    /// The password.
    pub password: Password,
    /// The right to continue its reset.
    pub reservation: Reservation,
    /// When it is wiped.
    pub until: Moment,
}

/// All undelivered passwords of this process. They are never written to the record.
#[derive(Default)]
pub struct HeldPasswords(Mutex<HashMap<ResetId, HeldPassword>>);

impl HeldPasswords {
    /// Keeps a password for another way of delivery.
    pub fn keep(&self, held: HeldPassword) {
        if let Ok(mut all) = self.0.lock() {
            all.insert(held.reservation.reset_id(), held);
        }
    }

    /// Takes a password out unless it has expired. Of several clicks only one gets it.
    pub fn take(&self, id: ResetId, now: Moment) -> Option<HeldPassword> {
        let mut all = self.0.lock().ok()?;
        // An expired one is left to the sweep, which also records that its reset is over.
        if all.get(&id)?.until > now {
            all.remove(&id)
        } else {
            None
        }
    }

    /// True while [`HeldPasswords::take`] would return the password.
    pub fn has(&self, id: ResetId, now: Moment) -> bool {
        self.0
            .lock()
            .is_ok_and(|all| all.get(&id).is_some_and(|held| held.until > now))
    }

    /// Wipes the passwords of a member whose password is about to be replaced.
    pub fn forget(&self, member: &MemberId) {
        if let Ok(mut all) = self.0.lock() {
            all.retain(|_, held| held.reservation.member() != member);
        }
    }

    /// Wipes the expired passwords and returns the ids of their resets.
    pub fn wipe(&self, now: Moment) -> Vec<ResetId> {
        let Ok(mut all) = self.0.lock() else {
            return Vec::new();
        };
        let expired: Vec<ResetId> = all
            .iter()
            .filter(|(_, held)| held.until <= now)
            .map(|(id, _)| *id)
            .collect();
        all.retain(|id, _| !expired.contains(id));
        expired
    }
}
