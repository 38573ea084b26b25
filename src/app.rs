//! Everything a request needs, built once at the start and shared. A reload of the settings builds the next [`App`].

mod admins;
mod card_locks;
mod held;
mod latest;
mod organization;
mod queue;
mod recent_requests;

use std::sync::Arc;

use tokio_util::task::TaskTracker;

pub use self::admins::Admins;
pub use self::card_locks::CardLocks;
pub use self::held::{HOLD_FOR, HeldPassword, HeldPasswords};
pub use self::latest::{Latest, Living};
pub use self::organization::{Identity, Organization};
pub use self::queue::{ProgressTold, QueuedReset, ResetQueue, WORKERS, WORKING_AFTER};
pub use self::recent_requests::RecentRequests;
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
    /// The present time.
    pub clock: Clock,
    /// Randomness.
    pub chance: Chance,
    /// The time zone of texts.
    pub zone: Zone,
    /// Our own MAC and sealing key.
    pub keys: Keys,
    /// The record.
    pub store: Store,
    /// Members and their passwords.
    pub directories: Directories,
    /// E-mail and SMS.
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
}
