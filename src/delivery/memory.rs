//! An outbox in memory in place of a mail server or gateway, which can be told how the next call ends; for the demo and
//! for tests.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::OutgoingText;
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{Channel, Destination};

/// One message as it arrived. Only the demo and tests ever see it.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The channel that it was sent by.
    pub channel: Channel,
    /// The full address, not masked.
    pub to: String,
    /// The subject of an e-mail; empty for SMS.
    pub subject: String,
    /// The text with whatever secret it carries.
    pub text: String,
}

/// An outbox that its clones share.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    delivered: Vec<Delivered>,
    prepares: VecDeque<Refusal>,
    sends: VecDeque<Outcome>,
    /// Addresses whose messages take a while.
    slow: HashMap<String, Duration>,
    /// The ids of the short messages that a gateway has, or may have, accepted.
    known: HashSet<String>,
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

    /// Lets messages to this address take so long from now on.
    pub fn slow_down(&self, to: &str, by: Duration) {
        if let Ok(mut inside) = self.0.lock() {
            inside.slow.insert(to.to_owned(), by);
        }
    }

    /// A short message has nothing to prepare.
    pub(super) fn prepare(&self, to: &Destination) -> Result<(), Refusal> {
        if to.channel().facts().is_short {
            return Ok(());
        }
        let next = self
            .0
            .lock()
            .ok()
            .and_then(|mut inside| inside.prepares.pop_front());
        next.map_or(Ok(()), Err)
    }

    pub(super) async fn send(&self, to: &Destination, text: OutgoingText<'_>) -> Outcome {
        let slow = self.0.lock().ok();
        let slow = slow.and_then(|inside| inside.slow.get(to.full()).copied());
        if let Some(by) = slow {
            tokio::time::sleep(by).await;
        }
        self.send_now(to, text)
    }

    fn send_now(&self, to: &Destination, text: OutgoingText<'_>) -> Outcome {
        let Ok(mut inside) = self.0.lock() else {
            return Outcome::Unknown;
        };
        let is_short = to.channel().facts().is_short;
        // As a gateway that recognises a repetition by its id.
        if is_short && inside.known.contains(text.id) {
            return Outcome::Accepted;
        }
        let outcome = inside.sends.pop_front().unwrap_or(Outcome::Accepted);
        if is_short && matches!(outcome, Outcome::Accepted | Outcome::Unknown) {
            inside.known.insert(text.id.to_owned());
        }
        if outcome == Outcome::Accepted {
            let subject = Some(text.subject).filter(|_| !is_short);
            inside.delivered.push(Delivered {
                channel: to.channel(),
                to: to.full().to_owned(),
                subject: subject.unwrap_or_default().to_owned(),
                text: text.body.to_owned(),
            });
        }
        outcome
    }
}
