//! A fact about the server: cached, and refreshed by one caller at a time.

use std::sync::{PoisonError, RwLock};

use crate::clock::Clock;
use crate::domain::{Moment, Span};

/// How long an answer is fresh.
const AFTER_ANSWER: Span = Span::minutes(1);
/// The pause after a failure.
const AFTER_FAILURE: Span = Span::seconds(5);
/// The pause between two log lines about failures.
const LOG_EVERY: Span = Span::minutes(1);

/// One fact about the server.
pub(super) struct ServerFact<T> {
    value: RwLock<Option<T>>,
    next: tokio::sync::Mutex<NextTimes>,
}

/// The earliest times of the next call and the next log line.
#[derive(Default)]
struct NextTimes {
    ask_at: Option<Moment>,
    log_at: Option<Moment>,
}

impl<T> Default for ServerFact<T> {
    fn default() -> Self {
        Self {
            value: RwLock::new(None),
            next: tokio::sync::Mutex::default(),
        }
    }
}

impl<T: Copy> ServerFact<T> {
    /// The last answer; none before the first one.
    pub(super) fn get(&self) -> Option<T> {
        *self.value.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets it to what another call has shown.
    pub(super) fn set(&self, value: T) {
        *self.value.write().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// Forgets the last answer, for a fact that must not outlive a failure.
    pub(super) fn forget(&self) {
        *self.value.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Asks the server, unless the last answer is fresh. A failure keeps the last answer. While one caller asks, others use
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
            |at: Option<Moment>| at.is_some_and(|at| now < at && at - now <= AFTER_ANSWER);
        if is_before(next.ask_at) {
            return Ok(());
        }
        // Set before the call, because the caller may be cancelled during it.
        next.ask_at = Some(now + AFTER_FAILURE);
        let answer = ask.await;
        let now = clock.now();
        next.ask_at = Some(
            now + if answer.is_ok() {
                AFTER_ANSWER
            } else {
                AFTER_FAILURE
            },
        );
        match answer {
            Ok(value) => {
                self.set(value);
                Ok(())
            }
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
        learned.set(1);
        let hanging = learned.refresh(&clock, std::future::pending::<Result<u8, ()>>());
        let other = async { learned.refresh(&clock, async { Ok::<_, ()>(2) }).await };
        tokio::select! {
            biased;
            _ = hanging => panic!("it hangs"),
            asked = other => assert_eq!(asked, Ok(())),
        }
        assert_eq!(learned.get(), Some(1));
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
