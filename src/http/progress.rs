//! What one connection is doing, and until when it may go on with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::connections::Seat;
use super::front::Limits;

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between two requests, or before the first.
    Idle { since: Instant },
    /// A part of a head has come.
    Head { since: Instant },
    /// The head was read, and the body not to its end.
    Body,
    /// The request is at work.
    Work,
    /// The answer is on its way; complete when the web server has all of it, and the other side not.
    Answer { is_complete: bool },
    /// It ends by a deadline, or for another connection.
    Cut,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    accepted_at: Instant,
    is_trusted: bool,
    /// It carried a good request: verified, a page that was answered with 2xx or 3xx, or any of a trusted proxy.
    is_good: bool,
    /// Since when bytes wait that the other side does not take.
    write_waits: Option<Instant>,
    /// Bytes of a further request came before the answer to the one before was gone.
    has_early_bytes: bool,
    /// The request that waits until the answer before it is gone.
    waiting: Option<Waker>,
}

/// Shared by the transport, the service and the watch of one connection.
#[derive(Clone)]
pub(super) struct Progress {
    state: Arc<Mutex<State>>,
    limits: Arc<Limits>,
    keep_alive: Duration,
    seat: Seat,
}

impl Progress {
    pub(super) fn new(
        seat: Seat,
        is_trusted: bool,
        keep_alive: Duration,
        limits: Arc<Limits>,
    ) -> Self {
        let now = Instant::now();
        let state = State {
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
            seat,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when the connection may stay as it is; none while that is for others to decide.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let state = self.state();
        let of_phase = match state.phase {
            Phase::Idle { since } if state.is_good => Some(since + self.keep_alive),
            Phase::Idle { since } | Phase::Head { since } => Some(since + self.limits.head),
            // Whoever reads the body sets its deadline; whoever works sets their own.
            Phase::Body | Phase::Work | Phase::Answer { .. } | Phase::Cut => None,
        };
        let of_write = state.write_waits.map(|since| since + self.limits.write);
        let is_limited = !state.is_trusted && !state.is_good && state.phase != Phase::Work;
        let of_life = is_limited.then_some(state.accepted_at + self.limits.unverified_life);
        [of_phase, of_write, of_life].into_iter().flatten().min()
    }

    /// Bytes arrived.
    pub(super) fn did_read(&self) {
        let mut state = self.state();
        match state.phase {
            Phase::Idle { .. } => {
                state.phase = Phase::Head {
                    since: Instant::now(),
                }
            }
            Phase::Work | Phase::Answer { .. } => state.has_early_bytes = true,
            Phase::Head { .. } | Phase::Body | Phase::Cut => {}
        }
    }

    /// Bytes were taken by the other side, or have to wait for it.
    pub(super) fn did_write(&self, is_taken: bool) {
        let mut state = self.state();
        if is_taken {
            state.write_waits = None;
        } else if state.write_waits.is_none() {
            state.write_waits = Some(Instant::now());
        }
    }

    /// Everything that the web server had to write is written.
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
        self.seat.is_quiet();
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// Begins a request once the answer before it is gone.
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

    /// The body was read to its end; from now on the connection is not closed for others.
    pub(super) fn body_was_read(&self) {
        self.state().phase = Phase::Work;
        self.seat.is_busy();
    }

    /// The answer is there. True where the connection may be used again.
    pub(super) fn answer(&self, is_good: bool) -> bool {
        let mut state = self.state();
        state.phase = Phase::Answer { is_complete: false };
        state.is_good |= is_good || state.is_trusted;
        (is_good || state.is_trusted) && state.accepted_at.elapsed() < self.limits.greatest_age
    }

    /// The connection ends by a deadline, or for another one.
    pub(super) fn cut(&self) {
        self.state().phase = Phase::Cut;
    }

    /// True where what is left unsent will not be taken any more.
    pub(super) fn is_in_vain(&self) -> bool {
        let state = self.state();
        state.phase == Phase::Cut || state.write_waits.is_some()
    }

    /// The web server has all of the answer.
    pub(super) fn answer_is_complete(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Answer { .. }) {
            state.phase = Phase::Answer { is_complete: true };
        }
        drop(state);
        // From here on only the other side is waited for.
        self.seat.is_quiet();
    }
}

/// The extension of a request by which its handler tells how far it is.
#[derive(Clone)]
pub(crate) struct Exchange(pub(super) Progress);

impl Exchange {
    /// The body was read to its end.
    pub(super) fn body_was_read(&self) {
        self.0.body_was_read();
    }
}

/// Tells that an answer is complete, when it is dropped.
pub(super) struct AnswerGuard(pub(super) Progress);

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

    fn fresh(is_trusted: bool) -> Progress {
        let seat = Connections::new(10, 10)
            .enter("192.0.2.1".parse().unwrap(), is_trusted)
            .unwrap();
        Progress::new(seat, is_trusted, KEEP_ALIVE, Arc::new(Limits::default()))
    }

    fn begin(progress: &Progress) -> bool {
        progress
            .poll_begin(&Context::from_waker(Waker::noop()))
            .is_ready()
    }

    fn request(progress: &Progress, is_good: bool) -> bool {
        progress.did_read();
        assert!(begin(progress));
        progress.body_was_read();
        let is_kept = progress.answer(is_good);
        progress.answer_is_complete();
        progress.did_flush();
        is_kept
    }

    /// Until the deadline, in whole seconds.
    fn left(progress: &Progress) -> Option<Duration> {
        let left = progress.deadline()? - Instant::now();
        Some(Duration::from_secs(
            (left + Duration::from_millis(500)).as_secs(),
        ))
    }

    /// As if this time had passed.
    fn pass(progress: &Progress, span: Duration) {
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
        assert!(progress.answer(true));
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
        assert!(progress.answer(true));
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
        assert!(progress.answer(true));
        // A stream flushes now and then, and is not at its end.
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
        let limits = Limits {
            greatest_age: Duration::from_secs(100),
            ..Limits::default()
        };
        let progress = Progress {
            limits: Arc::new(limits),
            ..fresh(true)
        };
        assert!(request(&progress, true));
        pass(&progress, Duration::from_secs(101));
        assert_eq!(left(&progress), Some(Duration::from_secs(29)));
        assert!(!request(&progress, true));
    }
}
