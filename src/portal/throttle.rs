//! Slows down guessing: the same for every address, whether somebody has it or not.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::domain::{Moment, Span};

/// Failed tries that cost nothing.
const FREE: u32 = 3;

/// The longest pause between two tries.
const LONGEST: Span = Span::seconds(60);

/// How many addresses are remembered; beyond that the memory begins anew, and the lock of the account remains.
const SIZE: usize = 20_000;

/// Failed tries by address.
#[derive(Default)]
pub(super) struct Throttle(Mutex<HashMap<String, (u32, Moment)>>);

impl Throttle {
    /// When the next try is allowed, if not now.
    pub(super) fn wait(&self, email_key: &str, now: Moment) -> Option<Moment> {
        let tries = self.0.lock().ok()?;
        let (failed, last) = *tries.get(email_key)?;
        let doublings = failed.checked_sub(FREE)?.min(6);
        let pause = Span::seconds(1 << doublings).min(LONGEST);
        Some(last + pause).filter(|until| *until > now)
    }

    /// Counts a failed try.
    pub(super) fn failed(&self, email_key: &str, now: Moment) {
        if let Ok(mut tries) = self.0.lock() {
            if tries.len() >= SIZE {
                tries.clear();
            }
            let (failed, last) = tries.entry(email_key.to_owned()).or_insert((0, now));
            (*failed, *last) = (failed.saturating_add(1), now);
        }
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
        let (throttle, now) = (Throttle::default(), Moment(0));
        for pause in [0, 0, 1, 2, 4, 8, 16, 32, 60, 60] {
            throttle.failed("a@acme.example", now);
            let until = throttle.wait("a@acme.example", now);
            assert_eq!(until, (pause > 0).then(|| now + Span::seconds(pause)));
        }
        assert_eq!(throttle.wait("b@acme.example", now), None);
        assert_eq!(throttle.wait("a@acme.example", now + LONGEST), None);
        throttle.succeeded("a@acme.example");
        assert_eq!(throttle.wait("a@acme.example", now), None);
    }
}
