//! A reload replaces the [`App`]; this finds the one that is in use now.

use std::sync::{Arc, PoisonError, RwLock, Weak};

use tokio_util::task::TaskTracker;

use super::{App, CardLocks, HeldPasswords, RecentRequests, ResetQueue};
use crate::telemetry::UnsignedCounter;

/// A pointer to the [`App`] in use, shared by all generations. It is weak; `serve` keeps the [`App`] alive.
#[derive(Clone, Default)]
pub struct Latest(Arc<RwLock<Weak<App>>>);

impl Latest {
    /// Makes `app` the one that new requests use. Work that has begun keeps the one it began with.
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
    /// The [`App`] in use now. Every request and every round of the sweep starts with it.
    #[must_use]
    pub fn present(self: &Arc<Self>) -> Arc<Self> {
        self.latest.get().unwrap_or_else(|| Arc::clone(self))
    }

    /// The parts that live through a reload, shared with the next [`App`].
    pub fn living(&self) -> Living {
        Living {
            held: Arc::clone(&self.held),
            recent_requests: Arc::clone(&self.recent_requests),
            card_locks: Arc::clone(&self.card_locks),
            queue: Arc::clone(&self.queue),
            unsigned: Arc::clone(&self.unsigned),
            tasks: self.tasks.clone(),
            latest: self.latest.clone(),
        }
    }
}

/// The state that does not come from the settings and that a reload must not lose. Each field is as in [`App`].
#[derive(Clone, Default)]
#[expect(missing_docs, reason = "the fields are described at `App`")]
pub struct Living {
    pub held: Arc<HeldPasswords>,
    pub recent_requests: Arc<RecentRequests>,
    pub card_locks: Arc<CardLocks>,
    pub queue: Arc<ResetQueue>,
    pub unsigned: Arc<UnsignedCounter>,
    pub tasks: TaskTracker,
    pub latest: Latest,
}
