//! What the server tells about itself: kept, and asked for again by one caller at a time.

use std::sync::{PoisonError, RwLock};

use crate::domain::{Moment, Span};

/// How long an answer stands before the server is asked again.
const AFTER_ANSWER: Span = Span::minutes(1);
/// How soon it is asked again when it did not answer.
const AFTER_FAILURE: Span = Span::seconds(5);

/// One fact about the server.
pub(super) struct Learned<T> {
    value: RwLock<Option<T>>,
    ask_again_at: tokio::sync::Mutex<Option<Moment>>,
}

impl<T> Default for Learned<T> {
    fn default() -> Self {
        Self { value: RwLock::new(None), ask_again_at: tokio::sync::Mutex::default() }
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

    /// Asks, unless somebody asked not long ago. Callers who come meanwhile wait for that answer. What was known stays
    /// where there is no answer.
    pub(super) async fn ask<E>(&self, now: Moment, ask: impl Future<Output = Result<T, E>>) {
        let mut ask_again_at = self.ask_again_at.lock().await;
        // A clock that was set back does not make anybody wait longer.
        if ask_again_at.is_some_and(|at| now < at && at - now <= AFTER_ANSWER) {
            return;
        }
        // Whoever asks may hang up before the answer is there.
        *ask_again_at = Some(now + AFTER_FAILURE);
        let answer = ask.await;
        *ask_again_at = Some(now + if answer.is_ok() { AFTER_ANSWER } else { AFTER_FAILURE });
        if let Ok(value) = answer {
            self.set(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(learned: &Learned<u8>, at: i64, answer: Result<u8, ()>) -> Option<u8> {
        learned.ask(Moment(at * 1000), async { answer }).await;
        learned.get()
    }

    #[tokio::test]
    async fn the_server_is_asked_once_a_minute_and_sooner_after_silence() {
        let learned = Learned::default();
        assert_eq!(ask(&learned, 100, Err(())).await, None);
        assert_eq!(ask(&learned, 104, Ok(1)).await, None, "not yet");
        assert_eq!(ask(&learned, 105, Ok(1)).await, Some(1));
        assert_eq!(ask(&learned, 164, Ok(2)).await, Some(1));
        assert_eq!(ask(&learned, 165, Err(())).await, Some(1), "what was known stays");
        assert_eq!(ask(&learned, 170, Ok(3)).await, Some(3));
        assert_eq!(ask(&learned, 50, Ok(4)).await, Some(4), "the clock was set back");
    }
}
