//! A channel that keeps what it is given, and can be told how the next call shall end; for the demo and for tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::domain::Channel;
use crate::domain::delivery::{Outcome, Refusal};

/// One message as it arrived. Only the demo and tests ever see it.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivered {
    /// By which channel.
    pub channel: Channel,
    /// The full address.
    pub to: String,
    /// The heading of an e-mail.
    pub subject: String,
    /// The text.
    pub text: String,
}

/// A shared outbox.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    delivered: Vec<Delivered>,
    prepares: VecDeque<Refusal>,
    sends: VecDeque<Outcome>,
}

impl Outbox {
    /// Everything that arrived since the last call.
    pub fn take(&self) -> Vec<Delivered> {
        self.0
            .lock()
            .map(|mut inside| std::mem::take(&mut inside.delivered))
            .unwrap_or_default()
    }

    /// Lets the next preparation of an e-mail fail.
    pub fn fail_next_prepare(&self, why: Refusal) {
        if let Ok(mut inside) = self.0.lock() {
            inside.prepares.push_back(why);
        }
    }

    /// Lets the next message end like this.
    pub fn end_next_send(&self, outcome: Outcome) {
        if let Ok(mut inside) = self.0.lock() {
            inside.sends.push_back(outcome);
        }
    }

    pub(super) fn prepare(&self) -> Result<(), Refusal> {
        let next = self
            .0
            .lock()
            .ok()
            .and_then(|mut inside| inside.prepares.pop_front());
        next.map_or(Ok(()), Err)
    }

    pub(super) fn send(&self, channel: Channel, to: &str, subject: &str, text: &str) -> Outcome {
        let Ok(mut inside) = self.0.lock() else {
            return Outcome::Unknown;
        };
        let outcome = inside.sends.pop_front().unwrap_or(Outcome::Accepted);
        if outcome == Outcome::Accepted {
            let (to, subject, text) = (to.to_owned(), subject.to_owned(), text.to_owned());
            inside.delivered.push(Delivered {
                channel,
                to,
                subject,
                text,
            });
        }
        outcome
    }
}
