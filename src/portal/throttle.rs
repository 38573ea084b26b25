//! Slows down guessing: the same for every address, whether somebody has it or not.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::domain::{Moment, Span};

/// Tries that cost nothing.
const FREE: u32 = 3;

/// The longest pause between two tries.
const LONGEST: Span = Span::seconds(60);

/// How many addresses are remembered; beyond that the memory begins anew, and the lock of the account remains.
const SIZE: usize = 20_000;

/// Tries since the last right one, and when the last was, by address.
#[derive(Default)]
pub(super) struct Throttle(Mutex<HashMap<String, (u32, Moment)>>);

impl Throttle {
    /// Counts a try before its password is looked at, so that many at once are as slow as one after the other. The error
    /// is when the next try is allowed.
    pub(super) fn take_try(&self, email_key: &str, now: Moment) -> Result<(), Moment> {
        let Ok(mut all) = self.0.lock() else { return Ok(()) };
        if all.len() >= SIZE && !all.contains_key(email_key) {
            all.clear();
        }
        let (tries, last) = all.entry(email_key.to_owned()).or_insert((0, now));
        if let Some(doublings) = tries.checked_sub(FREE) {
            let until = *last + Span::seconds(1 << doublings.min(6)).min(LONGEST);
            if until > now {
                return Err(until);
            }
        }
        (*tries, *last) = (tries.saturating_add(1), now);
        Ok(())
    }

    /// Forgets an address that signed in.
    pub(super) fn succeeded(&self, email_key: &str) {
        if let Ok(mut tries) = self.0.lock() {
            tries.remove(email_key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_after_three_tries() {
        let throttle = Throttle::default();
        let mut now = Moment(0);
        for pause in [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60] {
            let until = now + Span::seconds(pause);
            if pause > 0 {
                assert_eq!(throttle.take_try("a@acme.example", now), Err(until));
            }
            now = until;
            assert_eq!(throttle.take_try("a@acme.example", now), Ok(()));
        }
        assert_eq!(throttle.take_try("b@acme.example", now), Ok(()));
        throttle.succeeded("a@acme.example");
        assert_eq!(throttle.take_try("a@acme.example", now), Ok(()));
    }
}
