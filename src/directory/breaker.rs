//! A circuit breaker: a directory that does not answer is left alone for a while, so that a command hears "no" at once
//! instead of waiting for the same silence, and a directory that comes back is not met by everybody at once.

use std::sync::Mutex;

use crate::clock::Clock;
use crate::domain::{Moment, Span};

/// So many failures in a row open it.
const PATIENCE: u32 = 3;

/// How long it stays open before one call is let through again.
const REST: Span = Span::seconds(20);

/// Counts failures in a row.
pub(super) struct Breaker {
    clock: Clock,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    failures: u32,
    closed_until: Option<Moment>,
}

impl Breaker {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            seen: Mutex::default(),
        }
    }

    /// True when a call may be made. While the breaker is open, one call in every rest is the trial.
    pub(super) fn may_call(&self) -> bool {
        let Ok(mut seen) = self.seen.lock() else {
            return true;
        };
        let now = self.clock.now();
        match seen.closed_until {
            Some(until) if now < until => false,
            Some(_) => {
                seen.closed_until = Some(now + REST);
                true
            }
            None => true,
        }
    }

    /// Notes how a call ended.
    pub(super) fn note(&self, has_answered: bool) {
        let Ok(mut seen) = self.seen.lock() else {
            return;
        };
        if has_answered {
            *seen = Seen::default();
            return;
        }
        seen.failures = seen.failures.saturating_add(1);
        if seen.failures >= PATIENCE {
            seen.closed_until = Some(self.clock.now() + REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_three_failures_only_one_call_in_a_while_is_let_through() {
        let clock = Clock::fixed(Moment(0));
        let breaker = Breaker::new(clock.clone());
        for _ in 0..PATIENCE {
            assert!(breaker.may_call());
            breaker.note(false);
        }
        assert!(!breaker.may_call());
        clock.advance(REST);
        assert!(
            breaker.may_call() && !breaker.may_call(),
            "one trial, not two"
        );
        breaker.note(false);
        assert!(!breaker.may_call());
        clock.advance(REST);
        assert!(breaker.may_call());
        breaker.note(true);
        assert!(breaker.may_call() && breaker.may_call());
    }

    #[test]
    fn failures_that_are_not_in_a_row_do_not_count() {
        let breaker = Breaker::new(Clock::fixed(Moment(0)));
        for _ in 0..10 {
            breaker.note(false);
            breaker.note(false);
            breaker.note(true);
        }
        assert!(breaker.may_call());
    }
}
