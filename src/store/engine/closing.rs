//! Connections that somebody gave up while they still answered: each is closed, and its permit is kept until then.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// A connection whose thread may still run a statement. SQLite does not stop because nobody waits.
#[derive(Debug)]
pub(in crate::store) struct GivenUp {
    pub(super) connection: SqliteConnection,
    pub(super) permit: OwnedSemaphorePermit,
}

/// Where connections are given up.
pub(in crate::store) type GiveUp = mpsc::UnboundedSender<GivenUp>;

/// Closes what is given up. There are never more of them than permits.
#[derive(Debug)]
pub(in crate::store) struct Closing(mpsc::UnboundedReceiver<GivenUp>);

impl Closing {
    pub(in crate::store) fn new() -> (GiveUp, Self) {
        let (give_up, given_up) = mpsc::unbounded_channel();
        (give_up, Self(given_up))
    }

    /// Runs until everything that can give a connection up is gone.
    pub(in crate::store) async fn run(mut self) {
        let mut closing = FuturesUnordered::new();
        loop {
            tokio::select! {
                given_up = self.0.recv() => match given_up {
                    Some(given_up) => closing.push(close(given_up)),
                    None => return,
                },
                Some(()) = closing.next() => {}
            }
        }
    }
}

/// Waits for the end of the statement. A thread that has ended is known at once.
async fn close(GivenUp { connection, permit }: GivenUp) {
    if let Err(error) = connection.close().await {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "a connection that was given up was not closed well"
        );
    }
    drop(permit);
}
