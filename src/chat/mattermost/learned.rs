//! What the server tells about itself: kept, and asked for again by one caller at a time.

use std::sync::{PoisonError, RwLock};

use crate::clock::Clock;
use crate::domain::{Moment, Span};

/// How long an answer stands before the server is asked again.
const AFTER_ANSWER: Span = Span::minutes(1);
/// How soon it is asked again when it did not answer.
const AFTER_FAILURE: Span = Span::seconds(5);
/// How often a failure is logged.
const LOG_EVERY: Span = Span::minutes(1);

/// One fact about the server.
pub(super) struct Learned<T> {
    value: RwLock<Option<T>>,
    next: tokio::sync::Mutex<Next>,
}

/// When something is done again.
#[derive(Default)]
struct Next {
    ask_at: Option<Moment>,
    log_at: Option<Moment>,
}

impl<T> Default for Learned<T> {
    fn default() -> Self {
        Self {
            value: RwLock::new(None),
            next: tokio::sync::Mutex::default(),
        }
    }
}

impl<T: Copy> Learned<T> {
    /// What is known; none before the first answer.
    pub(super) fn get(&self) -> Option<T> {
        *self.value.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what another call has shown.
    pub(super) fn set(&self, value: T) {
        *self.value.write().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// Asks, unless somebody asked not long ago. What was known stays where there is no answer, and whoever knows
    /// something does not wait while another asks. The first failure of a minute is given back, to be logged.
    pub(super) async fn ask<E>(
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
        // A clock that was set back does not make anybody wait longer.
        let is_before =
            |at: Option<Moment>| at.is_some_and(|at| now < at && at - now <= AFTER_ANSWER);
        if is_before(next.ask_at) {
            return Ok(());
        }
        // Whoever asks may hang up before the answer is there.
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

    async fn ask(learned: &Learned<u8>, at: i64, answer: Result<u8, ()>) -> Option<u8> {
        let asked = learned
            .ask(&Clock::fixed(Moment(at * 1000)), async { answer })
            .await;
        assert!(asked.is_ok() || answer.is_err());
        learned.get()
    }

    /// The time of an answer is when it comes: one that took a minute is not followed by the next at once.
    #[tokio::test]
    async fn the_next_time_is_counted_from_the_answer() {
        let (learned, clock) = (Learned::default(), Clock::fixed(Moment(0)));
        let slow = async {
            clock.advance(Span::minutes(5));
            Ok::<_, ()>(1)
        };
        assert_eq!(learned.ask(&clock, slow).await, Ok(()));
        assert_eq!(learned.ask(&clock, async { Ok::<_, ()>(2) }).await, Ok(()));
        assert_eq!(learned.get(), Some(1));
    }

    /// Whoever knows something goes on with it while another asks.
    #[tokio::test]
    async fn what_is_known_is_not_waited_for() {
        let (learned, clock) = (Learned::default(), Clock::fixed(Moment(0)));
        learned.set(1);
        let hanging = learned.ask(&clock, std::future::pending::<Result<u8, ()>>());
        let other = async { learned.ask(&clock, async { Ok::<_, ()>(2) }).await };
        tokio::select! {
            biased;
            _ = hanging => panic!("it hangs"),
            asked = other => assert_eq!(asked, Ok(())),
        }
        assert_eq!(learned.get(), Some(1));
    }

    #[tokio::test]
    async fn a_failure_is_told_once_a_minute() {
        let learned = Learned::<u8>::default();
        for (at, is_told) in [(0, true), (30, false), (54, false), (60, true), (90, false)] {
            let asked = learned
                .ask(&Clock::fixed(Moment(at * 1000)), async { Err(()) })
                .await;
            assert_eq!(asked.is_err(), is_told, "{at}");
        }
    }

    #[tokio::test]
    async fn the_server_is_asked_once_a_minute_and_sooner_after_silence() {
        let learned = Learned::default();
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
