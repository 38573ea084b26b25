//! Locks for drawing cards: tasks that draw the same card do it one after the other.

use tokio::sync::{Mutex, MutexGuard};

use crate::domain::ResetId;

/// How many locks the cards share.
const LOCKS: usize = 64;

/// A small fixed set of locks. Two cards may share one; that only costs a short wait.
pub struct CardLocks([Mutex<()>; LOCKS]);

impl Default for CardLocks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl CardLocks {
    /// Locks a card until the guard is dropped.
    pub async fn lock(&self, id: ResetId) -> Option<MutexGuard<'_, ()>> {
        let [.., last] = id.0;
        match self.0.get(usize::from(last) % self.0.len()) {
            Some(lock) => Some(lock.lock().await),
            None => None,
        }
    }
}
