//! Everything a request needs, built once at the start and shared. A reload of the settings builds the next [`App`].

mod admins;
mod card_locks;
mod held;
mod organization;
mod queue;
mod recent_requests;

use std::sync::{Arc, PoisonError, RwLock, Weak};

use tokio_util::task::TaskTracker;

pub use self::admins::Admins;
pub(crate) use self::card_locks::CardLocks;
pub(crate) use self::held::{HOLD_FOR, HeldPassword, HeldPasswords, Presence, Taken};
pub use self::organization::{Identity, Organization};
pub use self::queue::ResetQueue;
pub(crate) use self::queue::{ProgressTold, QueuedReset, WORKERS, WORKING_AFTER};
pub(crate) use self::recent_requests::RecentRequests;
use crate::chance::Chance;
use crate::chat::{Adapter, Chat};
use crate::clock::{Clock, Zone};
use crate::delivery::Deliveries;
use crate::directory::Directories;
use crate::domain::Platform;
use crate::secret::Keys;
use crate::store::Store;
use crate::telemetry::UnsignedCounter;

/// The program without its web server.
pub struct App {
    /// The only source of the present time; tests stop and move it.
    pub clock: Clock,
    /// The only source of randomness; tests seed it.
    pub chance: Chance,
    /// The time zone of texts.
    pub zone: Zone,
    /// Our own MAC and sealing key.
    pub keys: Keys,
    /// What was done and what was meant to be done, on disk.
    pub store: Store,
    /// Where members and their passwords are.
    pub directories: Directories,
    /// The channels that have settings, and the ways that policy allows.
    pub deliveries: Deliveries,
    /// The chat platforms that have settings.
    pub chats: Vec<Chat>,
    /// What the settings say about the organization.
    pub organization: Organization,
    /// Undelivered passwords that can still be sent another way.
    pub held: Arc<HeldPasswords>,
    /// Signed requests of the last minutes.
    pub recent_requests: Arc<RecentRequests>,
    /// Locks, so that one card is drawn by one task at a time.
    pub card_locks: Arc<CardLocks>,
    /// Confirmed resets that wait for a worker or are in progress.
    pub queue: Arc<ResetQueue>,
    /// Counts requests that failed verification.
    pub unsigned: Arc<UnsignedCounter>,
    /// Background work. Shutdown waits for it.
    pub tasks: TaskTracker,
    /// Finds the [`App`] that is in use after a reload.
    pub latest: Latest,
}

impl App {
    /// The chat adapter of a platform, if it has settings.
    pub fn chat(&self, platform: Platform) -> Option<&Chat> {
        self.chats.iter().find(|chat| chat.platform() == platform)
    }
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

/// The state that does not come from the settings and that a reload must not lose. Each field is as in [`App`].
#[derive(Clone, Default)]
pub struct Living {
    pub held: Arc<HeldPasswords>,
    pub recent_requests: Arc<RecentRequests>,
    pub card_locks: Arc<CardLocks>,
    pub queue: Arc<ResetQueue>,
    pub unsigned: Arc<UnsignedCounter>,
    pub tasks: TaskTracker,
    pub latest: Latest,
}
