//! Logs: JSON lines on standard error, and a counter of unsigned requests.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tracing::Level;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

use crate::domain::Moment;

/// The filter of the running log, to change its level.
static LEVEL: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Starts logging at `level`. Libraries log from `warn` up only, because their lower levels may hold bodies.
pub(crate) fn start(level: Level) {
    let (level, handle) = reload::Layer::new(targets(level));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        // The list holds the current span too.
        .with_current_span(false)
        .with_writer(|| StandardError);
    // Tests and the demo may start it twice in one process; the first log stays.
    if tracing_subscriber::registry()
        .with(level)
        .with(lines)
        .try_init()
        .is_err()
    {
        tracing::debug!("logging is already on");
    } else if LEVEL.set(handle).is_err() {
        tracing::debug!("the level of an earlier log is kept");
    }
}

pub(crate) fn set_level(level: Level) {
    if let Some(handle) = LEVEL.get()
        && let Err(error) = handle.reload(targets(level))
    {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the level of the log stays as it was"
        );
    }
}

fn targets(level: Level) -> Targets {
    Targets::new()
        .with_target("relatch", level)
        .with_default(Level::WARN.min(level))
}

/// Standard error. Lines that cannot be written are dropped: a closed terminal, a pipe without a reader or a full disk must
/// not stop relatch.
struct StandardError;

impl Write for StandardError {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(std::io::stderr().write(bytes).unwrap_or(bytes.len()))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush().or(Ok(()))
    }
}

/// Watches whether the terminal is closed in which the program was started.
pub(crate) struct Terminal {
    was_there: bool,
}

impl Terminal {
    /// Looks for a terminal on standard input, output and error.
    pub(crate) fn at_start() -> Self {
        Self {
            was_there: Self::is_there(),
        }
    }

    /// True once, after the terminal was closed.
    pub(crate) fn has_gone(&mut self) -> bool {
        let has_gone = self.was_there && !Self::is_there();
        self.was_there &= !has_gone;
        has_gone
    }

    fn is_there() -> bool {
        std::io::stdin().is_terminal()
            || std::io::stdout().is_terminal()
            || std::io::stderr().is_terminal()
    }
}

/// Logs every panic by its place only: its message may hold a secret.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(place, "a task panicked; this is a mistake in relatch");
    }));
}

/// Lets one log line a second through, for events that anybody can cause.
#[derive(Debug, Default)]
pub(crate) struct LogSampler {
    logged_at: AtomicI64,
}

impl LogSampler {
    /// True if the event is to be logged.
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        let last = self.logged_at.load(Ordering::Relaxed);
        let is_due = now.0.saturating_sub(last) >= 1000 || now.0 < last;
        is_due
            && self
                .logged_at
                .compare_exchange(last, now.0, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

/// Counts what anybody can cause, and says once a second that it may be logged.
#[derive(Debug, Default)]
pub(crate) struct SampledCounter {
    total: AtomicU64,
    sampler: LogSampler,
}

impl SampledCounter {
    /// Counts one more. The total, if a line may be logged now.
    pub(crate) fn count(&self, now: Moment) -> Option<u64> {
        let total = self.total.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        self.sampler.is_due(now).then_some(total)
    }
}

/// Counts requests without a valid signature, and logs at most one a second: anybody can send them.
#[derive(Debug, Default)]
pub struct UnsignedCounter(SampledCounter);

impl UnsignedCounter {
    /// Counts one refused request; `reason` is one of a fixed set of words, because the request is not trusted.
    pub fn note(
        &self,
        platform: &'static str,
        reason: &'static str,
        advice: Option<&'static str>,
        now: Moment,
    ) {
        if let Some(total) = self.0.count(now) {
            let advice = advice.map_or_else(String::new, |advice| {
                format!("; if that is so with every request, {advice}")
            });
            tracing::warn!(
                platform,
                reason,
                unsigned.total = total,
                "refused an unsigned request{advice}"
            );
        }
    }

    /// Counts one request that was signed and came to another address than its own.
    pub fn note_misplaced(
        &self,
        platform: &'static str,
        reason: &'static str,
        advice: &'static str,
        now: Moment,
    ) {
        if let Some(total) = self.0.count(now) {
            tracing::warn!(
                platform,
                reason,
                unsigned.total = total,
                "refused a request at another address than its own: {advice}"
            );
        }
    }

    /// Counts one request whose time is so many seconds behind our clock, or ahead of it if the number is negative.
    pub fn note_stale(&self, platform: &'static str, behind: i64, now: Moment) {
        if let Some(total) = self.0.count(now) {
            let side = if behind < 0 { "ahead of" } else { "behind" };
            tracing::warn!(
                platform,
                reason = "stale",
                clock.behind_s = behind,
                unsigned.total = total,
                "refused a stale request: its time is {} s {side} this machine's clock; if that is so with every request, set the clock",
                behind.unsigned_abs()
            );
        }
    }

    /// The number of refused requests since the start.
    pub fn total(&self) -> u64 {
        self.0.total.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
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
        let lines = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone())
            .finish();
        let usual = std::panic::take_hook();
        log_panics();
        let ended = tracing::subscriber::with_default(lines, || {
            std::panic::catch_unwind(|| panic!("a canary\nin two"))
        });
        std::panic::set_hook(usual);
        assert!(ended.is_err());
        let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(log.lines().count() == 1 && !log.contains("canary"), "{log}");
        let line: serde_json::Value = serde_json::from_str(&log).unwrap();
        let place = line["place"].as_str().unwrap();
        assert!(
            place.starts_with(file!()) && line["level"] == "ERROR",
            "{log}"
        );
    }
}
