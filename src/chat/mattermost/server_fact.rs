//! A fact about the server: cached, and refreshed by one caller at a time.

use std::sync::{PoisonError, RwLock};

use crate::clock::Clock;
use crate::domain::{Moment, Span};

/// How long an answer is recent.
const AFTER_ANSWER: Span = Span::minutes(1);
/// The pause after a failure.
const AFTER_FAILURE: Span = Span::seconds(5);
/// The pause between two log lines about failures.
const LOG_EVERY: Span = Span::minutes(1);

/// One fact about the server.
pub(super) struct ServerFact<T> {
    /// The last answer and when it came.
    answer: RwLock<Option<(T, Moment)>>,
    next: tokio::sync::Mutex<NextTimes>,
}

/// The earliest times of the next call after a failure and of the next log line.
#[derive(Default)]
struct NextTimes {
    ask_at: Option<Moment>,
    log_at: Option<Moment>,
}

impl<T> Default for ServerFact<T> {
    fn default() -> Self {
        Self {
            answer: RwLock::new(None),
            next: tokio::sync::Mutex::default(),
        }
    }
}

impl<T: Copy> ServerFact<T> {
    /// The last answer; none before the first one.
    pub(super) fn get(&self) -> Option<T> {
        self.answer().map(|(value, _)| value)
    }

    /// Notes an answer and when it came.
    pub(super) fn set(&self, value: T, at: Moment) {
        *self.answer.write().unwrap_or_else(PoisonError::into_inner) = Some((value, at));
    }

    /// Asks the server now. The answer counts for others as well.
    pub(super) async fn ask<E>(
        &self,
        clock: &Clock,
        ask: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let value = ask.await?;
        self.set(value, clock.now());
        Ok(value)
    }

    /// An answer that is less than a minute old: the last one or a new one. While another caller asks, it is waited for.
    pub(super) async fn recent<E>(
        &self,
        clock: &Clock,
        ask: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        if let Some(value) = self.recent_answer(clock.now()) {
            return Ok(value);
        }
        let turn = self.next.try_lock();
        if turn.is_err() {
            // If the other one fails, those who waited ask beside each other.
            drop(self.next.lock().await);
        }
        match self.recent_answer(clock.now()) {
            Some(value) => Ok(value),
            None => self.ask(clock, ask).await,
        }
    }

    /// Asks the server, unless the last answer is recent. A failure keeps the last answer. While one caller asks, others use
    /// the last answer; only if there is none they wait. The first failure of a minute is returned, to be logged.
    pub(super) async fn refresh<E>(
        &self,
        clock: &Clock,
        ask: impl Future<Output = Result<T, E>>,
    ) -> Result<(), E> {
        let mut next = match self.next.try_lock() {
            Ok(next) => next,
            Err(_) if self.get().is_some() => return Ok(()),
            Err(_) => self.next.lock().await,
        };
        let now = clock.now();
        // If the clock was set back, nobody waits longer than that.
        let is_before =
            |at: Option<Moment>| at.is_some_and(|at| now < at && at - now <= AFTER_FAILURE);
        if self.recent_answer(now).is_some() || is_before(next.ask_at) {
            return Ok(());
        }
        // Set before the call, because the caller may be cancelled during it.
        next.ask_at = Some(now + AFTER_FAILURE);
        let asked = self.ask(clock, ask).await;
        let now = clock.now();
        next.ask_at = asked.is_err().then_some(now + AFTER_FAILURE);
        match asked {
            Ok(_) => Ok(()),
            Err(_)
                if next
                    .log_at
                    .is_some_and(|at| now < at && at - now <= LOG_EVERY) =>
            {
                Ok(())
            }
            Err(error) => {
                next.log_at = Some(now + LOG_EVERY);
                Err(error)
            }
        }
    }

    fn answer(&self) -> Option<(T, Moment)> {
        *self.answer.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer from the future is none: the clock was set back.
    fn recent_answer(&self, now: Moment) -> Option<T> {
        let is_recent = |at: Moment| at <= now && now - at < AFTER_ANSWER;
        self.answer()
            .filter(|(_, at)| is_recent(*at))
            .map(|(value, _)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(learned: &ServerFact<u8>, at: i64, answer: Result<u8, ()>) -> Option<u8> {
        let asked = learned
            .refresh(&Clock::fixed(Moment(at * 1000)), async { answer })
            .await;
        assert!(asked.is_ok() || answer.is_err());
        learned.get()
    }

    /// The pause begins when the answer arrives: after a call of a minute the next one does not follow at once.
    #[tokio::test]
    async fn the_next_time_is_counted_from_the_answer() {
        let (learned, clock) = (ServerFact::default(), Clock::fixed(Moment(0)));
        let slow = async {
            clock.advance(Span::minutes(5));
            Ok::<_, ()>(1)
        };
        assert_eq!(learned.refresh(&clock, slow).await, Ok(()));
        assert_eq!(
            learned.refresh(&clock, async { Ok::<_, ()>(2) }).await,
            Ok(())
        );
        assert_eq!(learned.get(), Some(1));
    }

    /// While one caller asks, others use the last answer.
    #[tokio::test]
    async fn what_is_known_is_not_waited_for() {
        let (learned, clock) = (ServerFact::default(), Clock::fixed(Moment(0)));
        learned.set(1, Moment(0) - AFTER_ANSWER);
        let hanging = learned.refresh(&clock, std::future::pending::<Result<u8, ()>>());
        let other = async { learned.refresh(&clock, async { Ok::<_, ()>(2) }).await };
        tokio::select! {
            biased;
            _ = hanging => panic!("it hangs"),
            asked = other => assert_eq!(asked, Ok(())),
        }
        assert_eq!(learned.get(), Some(1));
    }

    /// Where an answer must be recent, one that is a minute old is not used, not even after a failure or while another
    /// caller asks.
    #[tokio::test]
    async fn a_recent_answer_is_less_than_a_minute_old() {
        let (learned, clock) = (ServerFact::default(), Clock::fixed(Moment(0)));
        let recent = async |answer| learned.recent(&clock, async move { answer }).await;
        assert_eq!(recent(Err(1)).await, Err(1));
        assert_eq!(recent(Ok(2)).await, Ok(2), "no pause after a failure");
        clock.advance(Span::seconds(59));
        assert_eq!(recent(Ok(3)).await, Ok(2));
        clock.advance(Span::seconds(1));
        assert_eq!(recent(Err(4)).await, Err(4));
        let cut_short = learned.refresh(&clock, std::future::pending::<Result<u8, u8>>());
        tokio::select! {
            biased;
            _ = cut_short => panic!("it hangs"),
            () = async {} => {}
        }
        assert_eq!(recent(Ok(5)).await, Ok(5), "somebody gave up asking");
        assert_eq!(learned.ask(&clock, async { Ok::<_, u8>(6) }).await, Ok(6));
        assert_eq!(recent(Ok(7)).await, Ok(6), "asked at the act");
    }

    /// Two callers at once make one call.
    #[tokio::test]
    async fn a_recent_answer_is_asked_for_once() {
        let (learned, clock) = (ServerFact::default(), Clock::fixed(Moment(0)));
        let slow = learned.recent(&clock, async {
            tokio::task::yield_now().await;
            Ok::<_, ()>(1)
        });
        let other = learned.recent(&clock, async { Ok::<_, ()>(2) });
        assert_eq!(tokio::join!(slow, other), (Ok(1), Ok(1)));
    }

    #[tokio::test]
    async fn a_failure_is_told_once_a_minute() {
        let learned = ServerFact::<u8>::default();
        for (at, is_told) in [(0, true), (30, false), (54, false), (60, true), (90, false)] {
            let asked = learned
                .refresh(&Clock::fixed(Moment(at * 1000)), async { Err(()) })
                .await;
            assert_eq!(asked.is_err(), is_told, "{at}");
        }
    }

    #[tokio::test]
    async fn the_server_is_asked_once_a_minute_and_sooner_after_silence() {
        let learned = ServerFact::default();
        assert_eq!(ask(&learned, 100, Err(())).await, None);
        assert_eq!(ask(&learned, 104, Ok(1)).await, None, "not yet");
        assert_eq!(ask(&learned, 105, Ok(1)).await, Some(1));
        assert_eq!(ask(&learned, 164, Ok(2)).await, Some(1));
        assert_eq!(
            ask(&learned, 165, Err(())).await,
            Some(1),
            "what was known stays"
        );
        assert_eq!(ask(&learned, 170, Ok(3)).await, Some(3));
        assert_eq!(
            ask(&learned, 50, Ok(4)).await,
            Some(4),
            "the clock was set back"
        );
    }
}
