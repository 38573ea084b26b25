//! A circuit breaker: a directory that does not answer is not called for a while. Commands fail at once instead of waiting
//! for the same timeout, and a directory that recovers does not get all waiting calls at once.

use std::sync::Mutex;

use crate::clock::Clock;
use crate::domain::{Moment, Span};

/// How many failures in a row open it.
const FAILURE_LIMIT: u32 = 3;

/// How long it stays open before one trial call is allowed.
const OPEN_FOR: Span = Span::seconds(20);

/// Counts failures in a row, and opens after too many.
pub(super) struct Breaker {
    clock: Clock,
    failures: Mutex<Failures>,
}

#[derive(Default)]
struct Failures {
    in_a_row: u32,
    open_until: Option<Moment>,
}

impl Breaker {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            failures: Mutex::default(),
        }
    }

    /// True when a call may be made. While the breaker is open, that is one trial call in each period.
    pub(super) fn may_call(&self) -> bool {
        let Ok(mut failures) = self.failures.lock() else {
            return true;
        };
        let now = self.clock.now();
        match failures.open_until {
            Some(until) if now < until => false,
            Some(_) => {
                failures.open_until = Some(now + OPEN_FOR);
                true
            }
            None => true,
        }
    }

    /// Notes how a call ended.
    pub(super) fn note(&self, has_answered: bool) {
        let Ok(mut failures) = self.failures.lock() else {
            return;
        };
        if has_answered {
            *failures = Failures::default();
            return;
        }
        failures.in_a_row = failures.in_a_row.saturating_add(1);
        if failures.in_a_row >= FAILURE_LIMIT {
            failures.open_until = Some(self.clock.now() + OPEN_FOR);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_three_failures_only_one_trial_call_is_allowed_at_a_time() {
        let clock = Clock::fixed(Moment(0));
        let breaker = Breaker::new(clock.clone());
        for _ in 0..FAILURE_LIMIT {
            assert!(breaker.may_call());
            breaker.note(false);
        }
        assert!(!breaker.may_call());
        clock.advance(OPEN_FOR);
        assert!(
            breaker.may_call() && !breaker.may_call(),
            "one trial, not two"
        );
        breaker.note(false);
        assert!(!breaker.may_call());
        clock.advance(OPEN_FOR);
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
