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

/// Has every panic logged by its place alone: what it would say may hold anything.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a task panicked; this is a mistake in relatch");
    }));
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was written to it.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_one_line_with_its_place_and_nothing_it_says() {
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
        let usual = std::panic::take_hook();
        log_panics();
        let ended =
            tracing::subscriber::with_default(lines, || std::panic::catch_unwind(|| panic!("a canary\nin two")));
        std::panic::set_hook(usual);
        assert!(ended.is_err());
        let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(log.lines().count() == 1 && !log.contains("canary"), "{log}");
        let line: serde_json::Value = serde_json::from_str(&log).unwrap();
        let place = line["place"].as_str().unwrap();
        assert!(place.starts_with(file!()) && line["level"] == "ERROR", "{log}");
    }
}
