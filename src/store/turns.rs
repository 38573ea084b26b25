//! The one task that speaks to SQLite for the hot path: it takes turns between look-ups and writes, on one connection.
//!
//! Look-ups go first, because the writes that follow from them then share a commit with those that wait already: few
//! commits with much in them cost less than many. A look-up that comes during a commit waits for its end, but not for
//! another process that writes. What a connection has read, its own commits do not make it read again.

use sqlx::sqlite::SqliteConnection;
use tokio::sync::mpsc;

use super::reader::{self, Reader};
use super::writer::{self, Writer};

/// How many jobs may wait. Beyond that the store is overloaded and says so.
pub(super) const QUEUE: usize = 4096;

/// Places that look-ups leave to writes: a reset at work must be able to go on.
pub(super) const KEPT: usize = 1024;

/// How often look-ups are answered before the writes that wait have their turn.
const ROUNDS: usize = 2;

/// What waits for its turn.
pub(super) enum Job {
    LookUp(reader::Job),
    Write(writer::Job),
}

/// What has come and waits, by kind.
#[derive(Default)]
struct Waiting {
    look_ups: Vec<reader::Job>,
    writes: Vec<writer::Job>,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.look_ups.is_empty() && self.writes.is_empty()
    }

    fn add(&mut self, job: Job) {
        match job {
            Job::LookUp(job) => self.look_ups.push(job),
            Job::Write(job) => self.writes.push(job),
        }
    }

    /// Takes what is there, and what whoever is ready at this moment still brings: a round trip with many costs little
    /// more than one with few.
    async fn take(&mut self, queue: &mut mpsc::Receiver<Job>) {
        tokio::task::yield_now().await;
        while self.look_ups.len() < reader::BATCH
            && self.writes.len() < writer::BATCH
            && let Ok(job) = queue.try_recv()
        {
            self.add(job);
        }
    }
}

/// Runs until every handle of the store is gone and everything is committed; gives the connection back to be closed.
pub(super) async fn run(
    mut connection: SqliteConnection,
    mut queue: mpsc::Receiver<Job>,
    reader: Reader,
    mut writer: Writer,
) -> SqliteConnection {
    let mut waiting = Waiting::default();
    loop {
        if waiting.is_empty() {
            let Some(job) = queue.recv().await else { break };
            waiting.add(job);
        }
        waiting.take(&mut queue).await;
        for _ in 0..ROUNDS {
            if waiting.look_ups.is_empty() {
                break;
            }
            reader.answer(&mut connection, std::mem::take(&mut waiting.look_ups)).await;
            waiting.take(&mut queue).await;
        }
        if !waiting.writes.is_empty() {
            waiting.writes = writer.commit(&mut connection, std::mem::take(&mut waiting.writes)).await;
        }
    }
    connection
}
