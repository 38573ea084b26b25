//! Undelivered passwords. They stay in memory for a few minutes, so that the administrator can choose another way.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{MemberId, Moment, Password, ResetId, Span};
use crate::store::Reservation;

/// How long an undelivered password can be sent another way before it is wiped (docs/rules.md, Q3).
pub(crate) const HOLD_FOR: Span = Span::minutes(10);

/// A password that was set in the directory and delivered to nobody.
pub struct HeldPassword {
    /// The only copy; it is wiped when it is dropped.
    pub password: Password,
    /// The right to continue its reset.
    pub reservation: Reservation,
    /// The sweep wipes it then, and records that its reset is over.
    pub until: Moment,
}

/// What became of an attempt to take a password.
pub enum Taken {
    /// The only copy. It must be put back, or its place given up.
    Yes(HeldPassword),
    /// Another click has taken it, and may still put it back.
    InUse,
    /// It was delivered or replaced, or its time is over.
    No,
}

/// Where a password is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It can be taken until then.
    Here { until: Moment },
    /// A click has taken it, and may still put it back.
    InUse,
    /// It was delivered or replaced, or its time is over.
    Gone,
}

/// All undelivered passwords of this process. They are never written to the record.
#[derive(Default)]
pub struct HeldPasswords(Mutex<HashMap<ResetId, Place>>);

/// The place of one reset.
enum Place {
    Held(HeldPassword),
    /// Its password is about to be put here. A newer reset of the member removes the place, and with it the password.
    Awaited {
        member: MemberId,
        /// The place ends then, even if the work that was to fill it has panicked.
        until: Moment,
    },
}

impl Place {
    fn member(&self) -> &MemberId {
        match self {
            Self::Held(held) => held.reservation.member(),
            Self::Awaited { member, .. } => member,
        }
    }

    fn until(&self) -> Moment {
        match self {
            Self::Held(held) => held.until,
            Self::Awaited { until, .. } => *until,
        }
    }
}

impl HeldPasswords {
    /// Makes a place for a password that may turn out undelivered. It is made while no other reset of the member can
    /// begin, so that a newer one finds it.
    pub fn make_place(&self, id: ResetId, member: &MemberId, until: Moment) {
        let member = member.clone();
        self.lock().insert(id, Place::Awaited { member, until });
    }

    /// Puts an undelivered password in its place. Where there is none it is wiped, because a newer reset has replaced it,
    /// the member has disowned it or its time is over; then the answer is false.
    #[must_use]
    pub fn put(&self, held: HeldPassword) -> bool {
        match self.lock().get_mut(&held.reservation.reset_id()) {
            Some(place) => {
                *place = Place::Held(held);
                true
            }
            None => false,
        }
    }

    /// Takes a password out unless it has expired; its place stays. Of several clicks only one gets it.
    pub fn take(&self, id: ResetId, now: Moment) -> Taken {
        let mut all = self.lock();
        let Some(place) = all.get_mut(&id) else {
            return Taken::No;
        };
        let awaited = match place {
            Place::Awaited { .. } => return Taken::InUse,
            // An expired one is left to the sweep, which also records that its reset is over.
            Place::Held(held) if held.until <= now => return Taken::No,
            Place::Held(held) => Place::Awaited {
                member: held.reservation.member().clone(),
                until: held.until,
            },
        };
        match std::mem::replace(place, awaited) {
            Place::Held(held) => Taken::Yes(held),
            Place::Awaited { .. } => Taken::InUse,
        }
    }

    /// Gives up a place: its password was delivered, or nobody knows whether it was.
    pub fn give_up_place(&self, id: ResetId) {
        self.lock().remove(&id);
    }

    /// What [`HeldPasswords::take`] would come to. Nothing is taken.
    pub fn look(&self, id: ResetId, now: Moment) -> Presence {
        match self.lock().get(&id) {
            Some(Place::Held(held)) if held.until > now => Presence::Here { until: held.until },
            Some(Place::Awaited { .. }) => Presence::InUse,
            Some(Place::Held(_)) | None => Presence::Gone,
        }
    }

    /// True while [`HeldPasswords::take`] would return the password.
    pub fn has(&self, id: ResetId, now: Moment) -> bool {
        self.until(id, now).is_some()
    }

    /// Until when [`HeldPasswords::take`] returns the password; none where it does not now.
    pub fn until(&self, id: ResetId, now: Moment) -> Option<Moment> {
        match self.look(id, now) {
            Presence::Here { until } => Some(until),
            Presence::InUse | Presence::Gone => None,
        }
    }

    /// Wipes the passwords of a member whose password is about to be replaced.
    pub fn forget(&self, member: &MemberId) {
        self.lock().retain(|_, place| place.member() != member);
    }

    /// Ends the expired places, wipes their passwords and returns the ids of their resets. A password that is in use then is
    /// not put back.
    pub fn wipe(&self, now: Moment) -> Vec<ResetId> {
        let mut expired = Vec::new();
        self.lock().retain(|id, place| {
            let is_over = place.until() <= now;
            if is_over {
                expired.push(*id);
            }
            !is_over
        });
        expired
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ResetId, Place>> {
        // Each change is one step, so a panic elsewhere leaves them consistent; the only copy of a password is not lost.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    const NOW: Moment = Moment(0);
    const ID: ResetId = ResetId([1; 16]);

    /// A held password of the member whom every sample is about.
    fn held(all: &HeldPasswords, id: ResetId) -> MemberId {
        let reservation = Reservation::sample(id);
        let member = reservation.member().clone();
        all.make_place(id, &member, NOW + HOLD_FOR);
        let is_put = all.put(HeldPassword {
            password: Password::generate(&mut StdRng::seed_from_u64(1), 8),
            reservation,
            until: NOW + HOLD_FOR,
        });
        assert!(is_put);
        member
    }

    /// A newer reset of the member replaced the password while a click had taken it.
    #[test]
    fn a_password_that_was_replaced_meanwhile_is_not_put_back() {
        let all = HeldPasswords::default();
        let member = held(&all, ID);
        let Taken::Yes(taken) = all.take(ID, NOW) else {
            panic!("it is there");
        };
        all.forget(&member);
        assert!(!all.put(taken));
        assert!(!all.has(ID, NOW));
        assert!(matches!(all.take(ID, NOW), Taken::No));
    }

    #[test]
    fn a_password_is_taken_once_and_can_be_put_back() {
        let all = HeldPasswords::default();
        held(&all, ID);
        let Taken::Yes(taken) = all.take(ID, NOW) else {
            panic!("it is there");
        };
        assert!(!all.has(ID, NOW));
        assert!(matches!(all.take(ID, NOW), Taken::InUse));
        assert!(all.put(taken));
        assert!(all.has(ID, NOW));
        assert!(matches!(all.take(ID, NOW + HOLD_FOR), Taken::No));
        assert_eq!(all.wipe(NOW + HOLD_FOR), [ID]);
        assert!(matches!(all.take(ID, NOW), Taken::No));
    }

    /// A panic of the work that had taken it dropped it. Its place ends all the same, and its reset is given up.
    #[test]
    fn a_place_ends_with_the_time_of_its_password() {
        let all = HeldPasswords::default();
        held(&all, ID);
        drop(all.take(ID, NOW));
        assert!(all.wipe(NOW).is_empty(), "it may still be put back");
        assert!(matches!(all.take(ID, NOW), Taken::InUse));
        assert_eq!(all.wipe(NOW + HOLD_FOR), [ID]);
        assert!(matches!(all.take(ID, NOW + HOLD_FOR), Taken::No));
    }

    /// A panic elsewhere must not lose the only copy of a password.
    #[test]
    fn a_panic_elsewhere_loses_no_password() {
        let all = HeldPasswords::default();
        held(&all, ID);
        let panicked = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    let _guard = all.0.lock();
                    panic!("elsewhere");
                })
                .join()
        });
        assert!(panicked.is_err());
        assert!(all.has(ID, NOW));
        let other = ResetId([2; 16]);
        held(&all, other);
        assert!(matches!(all.take(other, NOW), Taken::Yes(_)));
    }
}
