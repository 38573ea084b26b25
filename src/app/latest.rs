//! A reload replaces the [`App`]; this finds the one that is in use now.

use std::sync::{Arc, PoisonError, RwLock, Weak};

use super::App;

/// Which [`App`] is in use. All that share their living parts share this too. It holds no [`App`] alive; `serve` does.
#[derive(Clone, Default)]
pub struct Latest(Arc<RwLock<Weak<App>>>);

impl Latest {
    /// From now on requests use this one. Work that has begun ends on the one that it began with.
    pub fn replace(&self, app: &Arc<App>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(app);
    }

    fn get(&self) -> Option<Arc<App>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .upgrade()
    }
}

impl App {
    /// The one that is in use now. Every request and every round of the sweep asks at its start.
    #[must_use]
    pub fn present(self: &Arc<Self>) -> Arc<Self> {
        self.latest.get().unwrap_or_else(|| Arc::clone(self))
    }

    /// The parts that live through a reload, shared with the next [`App`].
    pub fn living(&self) -> Living {
        Living {
            held: Arc::clone(&self.held),
            seen: Arc::clone(&self.seen),
            card_locks: Arc::clone(&self.card_locks),
            at_work: Arc::clone(&self.at_work),
            unsigned: Arc::clone(&self.unsigned),
            tasks: self.tasks.clone(),
            latest: self.latest.clone(),
        }
    }
}

/// What the settings do not decide, and what a reload must not lose.
#[derive(Clone, Default)]
pub struct Living {
    /// Undelivered passwords.
    pub held: Arc<super::Held>,
    /// Signed requests of the last minutes.
    pub seen: Arc<super::Seen>,
    /// Turns at showing a card.
    pub card_locks: Arc<super::CardLocks>,
    /// Resets at work and the queue of those that wait.
    pub at_work: Arc<super::AtWork>,
    /// Requests that were refused unread.
    pub unsigned: Arc<crate::telemetry::UnsignedCounter>,
    /// Background work.
    pub tasks: tokio_util::task::TaskTracker,
    /// Which [`App`] is in use.
    pub latest: Latest,
}
