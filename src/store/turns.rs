//! The one task that speaks to SQLite for the hot path: it takes turns between look-ups and writes, on one connection.
//!
//! Look-ups go first, because the writes that follow from them then share a commit with those that wait already: few
//! commits with much in them cost less than many. A look-up that comes during a commit waits for its end, and with it for
//! another connection that writes; that is as long as SQLite waits, and then the commit fails.

use sqlx::sqlite::SqliteConnection;
use tokio::sync::mpsc;

use super::reader::{self, Reader};
use super::writer::{self, Writer};

/// How many of each kind may wait. Beyond that a look-up waits for a place, and a write is told of the overload.
pub(super) const QUEUE: usize = 4096;

/// How often look-ups are answered before the writes that wait have their turn.
const ROUNDS: usize = 2;

/// Where jobs come from.
pub(super) struct Queues {
    pub(super) look_ups: mpsc::Receiver<reader::Job>,
    pub(super) writes: mpsc::Receiver<writer::Job>,
}

/// What has come and waits for its turn.
#[derive(Default)]
struct Waiting {
    look_ups: Vec<reader::Job>,
    writes: Vec<writer::Job>,
}

impl Waiting {
    /// Waits for something to do; false when nothing can come any more.
    async fn is_given_work(&mut self, queues: &mut Queues) -> bool {
        if !self.look_ups.is_empty() || !self.writes.is_empty() {
            return true;
        }
        tokio::select! {
            Some(job) = queues.look_ups.recv() => self.look_ups.push(job),
            Some(job) = queues.writes.recv() => self.writes.push(job),
            else => return false,
        }
        true
    }

    /// Takes what is there, and what whoever is ready at this moment still brings: a round trip with many costs little
    /// more than one with few.
    async fn take(&mut self, queues: &mut Queues) {
        tokio::task::yield_now().await;
        take(&mut queues.look_ups, &mut self.look_ups, reader::BATCH);
        take(&mut queues.writes, &mut self.writes, writer::BATCH);
    }
}

fn take<T>(queue: &mut mpsc::Receiver<T>, waiting: &mut Vec<T>, most: usize) {
    while waiting.len() < most
        && let Ok(job) = queue.try_recv()
    {
        waiting.push(job);
    }
}

/// Runs until every handle of the store is gone and everything is committed; gives the connection back to be closed.
pub(super) async fn run(
    mut connection: SqliteConnection,
    mut queues: Queues,
    reader: Reader,
    mut writer: Writer,
) -> SqliteConnection {
    let mut waiting = Waiting::default();
    while waiting.is_given_work(&mut queues).await {
        waiting.take(&mut queues).await;
        for _ in 0..ROUNDS {
            if waiting.look_ups.is_empty() {
                break;
            }
            reader
                .answer(&mut connection, std::mem::take(&mut waiting.look_ups))
                .await;
            waiting.take(&mut queues).await;
        }
        if !waiting.writes.is_empty() {
            #[cfg(debug_assertions)]
            let has_webhook = waiting.writes.iter().any(writer::Job::is_of_webhook);
            writer
                .commit(&mut connection, std::mem::take(&mut waiting.writes))
                .await;
            #[cfg(debug_assertions)]
            if has_webhook {
                crate::fault::panic_once("store-panics");
            }
        }
    }
    connection
}

#[cfg(test)]
mod tests {
    use super::super::{Lost, OpenError, Store, StoreError, Use, writer};
    use crate::chance::Chance;
    use crate::clock::Clock;
    use crate::domain::Span;
    use crate::domain::quota::Limit;

    /// A panic in one decision ends the task for everybody; whoever watches it hears so, also when they look later.
    #[tokio::test]
    async fn a_decision_that_panics_is_told_to_whoever_watches() {
        let folder = std::env::temp_dir().join(format!("relatch-panic-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let limit = Limit {
            resets: 5,
            window: Span::hours(24),
        };
        let mut rng = Chance::System.rng().unwrap();
        let path = folder.join("relatch.db");
        let (store, tasks) = Store::open(&path, Use::Serve, Clock::System, limit, &mut rng)
            .await
            .unwrap();
        let (mut watch, mut later) = (tasks.watch(), tasks.watch());
        assert!(store.is_writable().await);
        let panicked = store
            .write(writer::Keys::default(), |_, _| {
                panic!("a mistake in a decision")
            })
            .await;
        assert_eq!(panicked, Err::<(), _>(StoreError::Unavailable));
        assert_eq!(watch.task_ended().await, Lost::Task);
        assert!(!store.is_writable().await);
        assert_eq!(later.task_ended().await, Lost::Task);
        // The pool still works, so nobody else may begin.
        let again = Store::open(&path, Use::Serve, Clock::System, limit, &mut rng).await;
        assert!(matches!(again, Err(OpenError::Locked)));
        drop(store);
        tasks.finish().await;
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
