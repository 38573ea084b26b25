//! The connections that read: opened when they are needed, kept while the database is open, and only to the file that was
//! opened at the start.

use std::path::{Path, PathBuf};
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
    /// SQLite cannot open it.
    #[error(transparent)]
    Sqlite(#[from] sqlx::Error),
}

/// A few connections that read. A clone is cheap.
///
/// sqlx has a pool too. It asks the connection's thread once more after each use whether it still works, and it opens
/// connections by the path again and again, so it could read a file that was put there meanwhile.
#[derive(Clone, Debug)]
pub(in crate::store) struct Readers {
    connections: Arc<[Arc<Mutex<Option<SqliteConnection>>>]>,
    /// Which one is waited for next when all are in use.
    turn: Arc<AtomicUsize>,
    opening: Arc<Opening>,
}

/// How a connection is opened, and to which file.
#[derive(Debug)]
struct Opening {
    options: SqliteConnectOptions,
    file: PathBuf,
    opened: Identity,
}

impl Readers {
    /// So many connections, to the file that was opened.
    pub(in crate::store) fn new(
        count: usize,
        options: SqliteConnectOptions,
        file: &Path,
        opened: Identity,
    ) -> Self {
        Self {
            connections: (0..count).map(|_| Arc::default()).collect(),
            turn: Arc::default(),
            opening: Arc::new(Opening {
                options,
                file: file.to_owned(),
                opened,
            }),
        }
    }

    /// A connection that no one else uses.
    pub(super) async fn get(&self) -> Result<Reader, NoReader> {
        let mut connection = self.unused().await?;
        if connection.is_none() {
            *connection = Some(self.opening.open().await?);
        }
        OwnedMutexGuard::try_map(connection, Option::as_mut)
            .map_err(|_none| NoReader::Sqlite(sqlx::Error::PoolClosed))
    }

    /// The first that is free, so that no more are opened than are needed at once.
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

    /// Closes the connections, once nobody else has them.
    pub(in crate::store) async fn close(self) -> Result<(), sqlx::Error> {
        for connection in self.connections.iter() {
            if let Some(open) = connection.lock().await.take() {
                open.close().await?;
            }
        }
        Ok(())
    }
}

impl Opening {
    async fn open(&self) -> Result<SqliteConnection, NoReader> {
        let connection = self.options.connect().await?;
        let metadata = self.file.metadata();
        if metadata.is_ok_and(|metadata| Identity::of(&metadata) == self.opened) {
            Ok(connection)
        } else {
            connection.close().await?;
            Err(NoReader::Replaced)
        }
    }
}
