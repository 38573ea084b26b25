//! The connections that read: opened at the start, to the file that was opened then, and kept while the database is open.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};

use crate::store::file::Identity;

/// A connection that reads, until it is dropped.
pub(super) type Reader = OwnedMappedMutexGuard<Option<SqliteConnection>, SqliteConnection>;

/// Why no connection can read.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum NoReader {
    /// What is read there would be taken for the record.
    #[error("another file is in the place of the database")]
    Replaced,
    /// Its file cannot be looked at.
    #[error("the database file cannot be looked at")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Sqlite(#[from] sqlx::Error),
}

/// A few connections that read. A clone is cheap.
///
/// sqlx has a pool too. It asks the connection's thread once more after each use whether it still works, and it opens
/// connections by the path again and again. A file that was put there meanwhile would be read, and worse: SQLite finds the
/// log of the open database beside it, by name, and moves it into that file.
#[derive(Clone, Debug)]
pub(in crate::store) struct Readers {
    connections: Arc<[Arc<Mutex<Option<SqliteConnection>>>]>,
    /// Which one is waited for next when all are in use.
    turn: Arc<AtomicUsize>,
}

/// How a connection is opened, and to which file.
#[derive(Debug)]
pub(in crate::store) struct Opening {
    pub(in crate::store) options: SqliteConnectOptions,
    pub(in crate::store) file: PathBuf,
    /// What the file was when it was opened to be written.
    pub(in crate::store) opened: Identity,
}

impl Readers {
    pub(in crate::store) async fn open(count: usize, opening: &Opening) -> Result<Self, NoReader> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            let connection = opening.open().await?;
            connections.push(Arc::new(Mutex::new(Some(connection))));
        }
        Ok(Self {
            connections: connections.into(),
            turn: Arc::default(),
        })
    }

    /// A connection that no one else uses.
    pub(super) async fn get(&self) -> Result<Reader, NoReader> {
        OwnedMutexGuard::try_map(self.unused().await?, Option::as_mut)
            .map_err(|_none| NoReader::Sqlite(sqlx::Error::PoolClosed))
    }

    /// The first that is free.
    async fn unused(&self) -> Result<OwnedMutexGuard<Option<SqliteConnection>>, NoReader> {
        let mut all = self.connections.iter();
        if let Some(free) = all.find_map(|one| Arc::clone(one).try_lock_owned().ok()) {
            return Ok(free);
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.connections.len().max(1);
        match self.connections.get(turn) {
            Some(one) => Ok(Arc::clone(one).lock_owned().await),
            None => Err(sqlx::Error::PoolClosed.into()),
        }
    }

    /// Closes all connections, once nobody else has them. Gives the first error.
    pub(in crate::store) async fn close(self) -> Result<(), sqlx::Error> {
        let mut closed = Ok(());
        for connection in self.connections.iter() {
            if let Some(open) = connection.lock().await.take() {
                closed = closed.and(open.close().await);
            }
        }
        closed
    }
}

impl Opening {
    /// Opens one. The file is looked at before too, because to connect to another one and close it changes both.
    async fn open(&self) -> Result<SqliteConnection, NoReader> {
        self.check()?;
        let connection = self.options.connect().await?;
        self.check()?;
        Ok(connection)
    }

    fn check(&self) -> Result<(), NoReader> {
        if Identity::of(&self.file.metadata()?) == self.opened {
            Ok(())
        } else {
            Err(NoReader::Replaced)
        }
    }
}
