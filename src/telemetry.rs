//! Logs: JSON lines on standard error, from our own code only, and counters of what was refused unread.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::domain::Moment;

/// Starts logging at `level`. Libraries are heard from `warn` up only: what they say below that may hold bodies.
pub fn start(level: Level) {
    let ours = Targets::new().with_target("relatch", level).with_default(Level::WARN.min(level));
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
    // A second start in one process (tests, the demo) keeps the first.
    if tracing_subscriber::registry().with(lines).with(ours).try_init().is_err() {
        tracing::debug!("logging is already on");
    }
}

/// Counts requests that were refused before anything was read from them, and logs at most one a second.
#[derive(Debug, Default)]
pub struct UnsignedCounter {
    total: AtomicU64,
    logged_at: AtomicI64,
}

impl UnsignedCounter {
    /// Notes one refused request; `reason` is one of a closed set of words.
    pub fn note(&self, platform: &'static str, reason: &'static str, now: Moment) {
        let total = self.total.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let last = self.logged_at.load(Ordering::Relaxed);
        let due = now.0.saturating_sub(last) >= 1000 || now.0 < last;
        if due && self.logged_at.compare_exchange(last, now.0, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            tracing::warn!(platform, reason, unsigned.total = total, "refused an unsigned request");
        }
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}
