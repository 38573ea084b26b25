//! People of other tenants in shared groups: each is answered once in some minutes.

use std::sync::Mutex;

use crate::domain::{ChatUser, Moment, Span};
use crate::recent::Recent;
use crate::telemetry::LogSampler;

/// How long somebody gets no second answer. Each answer costs a row of the record and up to two sends, which Lark limits for
/// the whole tenant.
const SILENCE: Span = Span::minutes(5);
/// How many people are remembered at least.
const CAPACITY: usize = 10_000;

/// Who of another tenant was answered in the last minutes.
pub(super) struct Guests {
    answered: Mutex<Recent<ChatUser, Moment>>,
    sampler: LogSampler,
}

impl Default for Guests {
    fn default() -> Self {
        Self {
            answered: Mutex::new(Recent::new(SILENCE, CAPACITY)),
            sampler: LogSampler::default(),
        }
    }
}

impl Guests {
    /// True if they are to be answered now. Then they get no other answer for a while.
    pub(super) fn take_answer(&self, guest: &ChatUser, now: Moment) -> bool {
        let Ok(mut answered) = self.answered.lock() else {
            return false;
        };
        let is_silent = answered
            .get(guest)
            .is_some_and(|at| now - *at < SILENCE && now >= *at);
        if is_silent {
            if self.sampler.is_due(now) {
                tracing::info!(
                    platform = "lark",
                    "somebody of another tenant was told so a moment ago and gets no second answer"
                );
            }
        } else {
            answered.insert(guest.clone(), now, now);
        }
        !is_silent
    }
}
