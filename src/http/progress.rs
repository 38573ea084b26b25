//! The state of one connection, and its deadline in that state.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::connections::ConnectionLease;
use super::limits::ConnectionLimits;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between two requests, or before the first.
    Idle { since: Instant },
    /// A part of a head was read.
    Head { since: Instant },
    /// The head was read; the body is being read.
    Body,
    /// The request runs, and the client waits for us.
    Work,
    /// The answer is being sent. It is complete when the web server has all of it, even if the client does not.
    Answer { is_complete: bool },
    /// A deadline has passed, or another connection needs the room.
    Aborted,
}

#[derive(Debug)]
struct ProgressState {
    phase: Phase,
    accepted_at: Instant,
    is_trusted: bool,
    /// It carried a good request: a verified webhook, a page that was answered with 2xx or 3xx, or any request of a
    /// trusted proxy.
    is_good: bool,
    /// Since when the client does not take the bytes that wait for it.
    write_waits: Option<Instant>,
    /// Bytes of the next request were read before the answer to the last one was sent.
    has_early_bytes: bool,
    /// Wakes the next request, which waits until the last answer is sent.
    waiting: Option<Waker>,
}

/// Shared by the transport, the service and the deadline timer of one connection.
#[derive(Clone)]
pub(super) struct ConnectionProgress {
    state: Arc<Mutex<ProgressState>>,
    limits: Arc<ConnectionLimits>,
    keep_alive: Duration,
    lease: ConnectionLease,
}

impl ConnectionProgress {
    pub(super) fn new(
        lease: ConnectionLease,
        is_trusted: bool,
        keep_alive: Duration,
        limits: Arc<ConnectionLimits>,
    ) -> Self {
        let now = Instant::now();
        let state = ProgressState {
            phase: Phase::Idle { since: now },
            accepted_at: now,
            is_trusted,
            is_good: false,
            write_waits: None,
            has_early_bytes: false,
            waiting: None,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            limits,
            keep_alive,
            lease,
        }
    }

    fn state(&self) -> MutexGuard<'_, ProgressState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the connection is aborted unless something happens; none while others keep the deadline.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let state = self.state();
        let of_phase = match state.phase {
            Phase::Idle { since } if state.is_good => Some(since + self.keep_alive),
            Phase::Idle { since } | Phase::Head { since } => Some(since + self.limits.head),
            // `read_body` and the handlers keep their own deadlines.
            Phase::Body | Phase::Work | Phase::Answer { .. } | Phase::Aborted => None,
        };
        let of_write = state.write_waits.map(|since| since + self.limits.write);
        let is_limited = !state.is_trusted && !state.is_good && state.phase != Phase::Work;
        let of_life = is_limited.then_some(state.accepted_at + self.limits.unverified_life);
        [of_phase, of_write, of_life].into_iter().flatten().min()
    }

    pub(super) fn did_read(&self) {
        let mut state = self.state();
        match state.phase {
            Phase::Idle { .. } => {
                state.phase = Phase::Head {
                    since: Instant::now(),
                }
            }
            Phase::Work | Phase::Answer { .. } => state.has_early_bytes = true,
            Phase::Head { .. } | Phase::Body | Phase::Aborted => {}
        }
    }

    /// The client took bytes, or bytes have to wait for it.
    pub(super) fn did_write(&self, is_taken: bool) {
        let mut state = self.state();
        if is_taken {
            state.write_waits = None;
        } else if state.write_waits.is_none() {
            state.write_waits = Some(Instant::now());
        }
    }

    /// The web server has written all it had to write.
    pub(super) fn did_flush(&self) {
        let mut state = self.state();
        state.write_waits = None;
        if state.phase != (Phase::Answer { is_complete: true }) {
            return;
        }
        let now = Instant::now();
        state.phase = if std::mem::take(&mut state.has_early_bytes) {
            Phase::Head { since: now }
        } else {
            Phase::Idle { since: now }
        };
        let waiting = state.waiting.take();
        drop(state);
        self.lease.set_idle();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Begins a request once the last answer is sent.
    pub(super) fn poll_begin(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if matches!(state.phase, Phase::Answer { .. }) {
            state.waiting = Some(context.waker().clone());
            return Poll::Pending;
        }
        state.phase = Phase::Body;
        state.has_early_bytes = false;
        Poll::Ready(())
    }

    /// The whole body was read: from now on the connection is not closed for another one.
    pub(super) fn body_was_read(&self) {
        self.state().phase = Phase::Work;
        self.lease.set_busy();
    }

    /// The answer begins. True if the connection may carry another request.
    pub(super) fn begin_answer(&self, is_good: bool) -> bool {
        let mut state = self.state();
        state.phase = Phase::Answer { is_complete: false };
        state.is_good |= is_good || state.is_trusted;
        (is_good || state.is_trusted) && state.accepted_at.elapsed() < self.limits.greatest_age
    }

    /// The connection ends by a deadline, or for another one.
    pub(super) fn abort(&self) {
        self.state().phase = Phase::Aborted;
    }

    /// True if the client will not take the bytes that are left.
    pub(super) fn has_unsendable_bytes(&self) -> bool {
        let state = self.state();
        state.phase == Phase::Aborted || state.write_waits.is_some()
    }

    /// The web server has all of the answer.
    pub(super) fn answer_is_complete(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Answer { .. }) {
            state.phase = Phase::Answer { is_complete: true };
        }
        drop(state);
        // Only the client is waited for now.
        self.lease.set_idle();
    }
}

/// An extension of each request, by which its handler reports progress.
#[derive(Clone)]
pub(crate) struct RequestProgress(pub(super) ConnectionProgress);

impl RequestProgress {
    /// The whole body was read.
    pub(super) fn body_was_read(&self) {
        self.0.body_was_read();
    }
}

/// Reports that an answer is complete when it is dropped.
pub(super) struct AnswerGuard(pub(super) ConnectionProgress);

impl Drop for AnswerGuard {
    fn drop(&mut self) {
        self.0.answer_is_complete();
    }
}

#[cfg(test)]
mod tests {
    use super::super::connections::Connections;
    use super::*;

    const KEEP_ALIVE: Duration = Duration::from_secs(130);

    fn fresh(is_trusted: bool) -> ConnectionProgress {
        let lease = Connections::new(10, 10)
            .admit("192.0.2.1".parse().unwrap(), is_trusted)
            .unwrap();
        ConnectionProgress::new(
            lease,
            is_trusted,
            KEEP_ALIVE,
            Arc::new(ConnectionLimits::default()),
        )
    }

    fn begin(progress: &ConnectionProgress) -> bool {
        progress
            .poll_begin(&Context::from_waker(Waker::noop()))
            .is_ready()
    }

    fn request(progress: &ConnectionProgress, is_good: bool) -> bool {
        progress.did_read();
        assert!(begin(progress));
        progress.body_was_read();
        let is_kept = progress.begin_answer(is_good);
        progress.answer_is_complete();
        progress.did_flush();
        is_kept
    }

    /// Until the deadline, in whole seconds.
    fn left(progress: &ConnectionProgress) -> Option<Duration> {
        let left = progress.deadline()? - Instant::now();
        Some(Duration::from_secs(
            (left + Duration::from_millis(500)).as_secs(),
        ))
    }

    /// Moves all times into the past.
    fn pass(progress: &ConnectionProgress, span: Duration) {
        let mut state = progress.state();
        state.accepted_at -= span;
        if let Some(since) = &mut state.write_waits {
            *since -= span;
        }
        if let Phase::Idle { since } | Phase::Head { since } = &mut state.phase {
            *since -= span;
        }
    }

    #[test]
    fn a_head_has_its_own_deadline_and_a_good_connection_may_stay_idle() {
        let progress = fresh(false);
        assert_eq!(left(&progress), Some(Duration::from_secs(5)));
        pass(&progress, Duration::from_secs(4));
        progress.did_read();
        assert_eq!(left(&progress), Some(Duration::from_secs(5)));
        pass(&progress, Duration::from_secs(4));
        // A further byte does not prolong it.
        progress.did_read();
        assert_eq!(left(&progress), Some(Duration::from_secs(1)));
        assert!(begin(&progress));
        progress.body_was_read();
        assert_eq!(left(&progress), None);
        assert!(progress.begin_answer(true));
        progress.answer_is_complete();
        progress.did_flush();
        assert_eq!(left(&progress), Some(KEEP_ALIVE));
        progress.did_read();
        assert_eq!(left(&progress), Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_direct_connection_without_a_good_request_lives_fifteen_seconds() {
        let progress = fresh(false);
        assert!(!request(&progress, false));
        pass(&progress, Duration::from_secs(2));
        progress.did_read();
        assert!(begin(&progress));
        // Also with a body that comes a byte at a time.
        assert_eq!(left(&progress), Some(Duration::from_secs(13)));
        progress.did_write(false);
        assert_eq!(left(&progress), Some(Duration::from_secs(10)));
    }

    #[test]
    fn any_request_of_a_trusted_proxy_is_good() {
        let progress = fresh(true);
        assert_eq!(left(&progress), Some(Duration::from_secs(5)));
        assert!(request(&progress, false));
        assert_eq!(left(&progress), Some(KEEP_ALIVE));
    }

    #[test]
    fn bytes_that_wait_have_ten_seconds_and_each_that_is_taken_ten_more() {
        let progress = fresh(true);
        progress.did_read();
        assert!(begin(&progress));
        progress.body_was_read();
        assert!(progress.begin_answer(true));
        progress.did_write(false);
        pass(&progress, Duration::from_secs(9));
        progress.did_write(false);
        assert_eq!(left(&progress), Some(Duration::from_secs(1)));
        progress.did_write(true);
        assert_eq!(left(&progress), None);
        progress.did_write(false);
        assert_eq!(left(&progress), Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_second_request_waits_until_the_first_answer_is_gone() {
        let progress = fresh(false);
        progress.did_read();
        assert!(begin(&progress));
        progress.body_was_read();
        progress.did_read();
        assert!(progress.begin_answer(true));
        // A stream flushes before its end too.
        progress.did_flush();
        assert!(!begin(&progress));
        progress.answer_is_complete();
        assert!(!begin(&progress));
        progress.did_flush();
        // The next head has begun already.
        assert_eq!(left(&progress), Some(Duration::from_secs(5)));
        assert!(begin(&progress));
    }

    #[test]
    fn age_alone_closes_nothing_but_the_next_answer_says_close() {
        let limits = ConnectionLimits {
            greatest_age: Duration::from_secs(100),
            ..ConnectionLimits::default()
        };
        let progress = ConnectionProgress {
            limits: Arc::new(limits),
            ..fresh(true)
        };
        assert!(request(&progress, true));
        pass(&progress, Duration::from_secs(101));
        assert_eq!(left(&progress), Some(Duration::from_secs(29)));
        assert!(!request(&progress, true));
    }
}
