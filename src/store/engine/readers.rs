//! The connections that read: opened at the start, to the file that was opened then. One that failed is replaced.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::closing::{GiveUp, GivenUp};
use crate::store::file::FileIdentity;

/// How long a read waits for a connection.
const WAIT: Duration = Duration::from_secs(30);

/// How long the end waits for reads that were given up.
pub(in crate::store) const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// A connection that reads, until it is dropped.
#[derive(Debug)]
pub(super) struct Reader {
    /// None once it failed: whoever comes next opens another one.
    connection: Option<SqliteConnection>,
    is_in_transaction: bool,
    is_asked: bool,
    unused: Arc<Mutex<Vec<SqliteConnection>>>,
    give_up: GiveUp,
    /// Given back after the connection.
    permit: Option<OwnedSemaphorePermit>,
}

impl Reader {
    /// The connection; an error once it failed.
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    /// The connection is not used again, because nobody can say what state it is in.
    pub(super) fn discard(&mut self) {
        self.connection = None;
    }

    /// A transaction begins or has ended. A connection that is given back inside of one would go on to read the past.
    pub(super) fn set_in_transaction(&mut self, is_in_transaction: bool) {
        self.is_in_transaction = is_in_transaction;
    }

    /// A statement begins or was answered. Whoever is given a connection whose thread still runs the statement of somebody
    /// who gave up would wait for that one too.
    pub(super) fn set_asked(&mut self, is_asked: bool) {
        self.is_asked = is_asked;
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let is_idle = !self.is_in_transaction && !self.is_asked;
        let Some(connection) = self.connection.take() else {
            return;
        };
        if is_idle {
            lock(&self.unused).push(connection);
        } else if let Some(permit) = self.permit.take() {
            // Where the program ends, nobody closes it any more, and it is dropped here.
            let given_up = GivenUp { connection, permit };
            drop(self.give_up.send(given_up));
        }
    }
}

/// Why no connection can read.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum NoReader {
    /// What is read there would be taken for the record.
    #[error("another file is in the place of the database")]
    Replaced,
    /// All were in use for [`WAIT`], or another one could not be opened in that time.
    #[error("no connection that reads could be had in time")]
    Busy,
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
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
    /// A permit for each connection that may be in use at once.
    permits: Arc<Semaphore>,
    count: u32,
    /// Those that nobody uses. There are fewer than free permits where some failed.
    unused: Arc<Mutex<Vec<SqliteConnection>>>,
    opening: Arc<Opening>,
    give_up: GiveUp,
    wait: Duration,
}

/// How a connection is opened, and to which file.
#[derive(Debug)]
pub(in crate::store) struct Opening {
    pub(in crate::store) options: SqliteConnectOptions,
    pub(in crate::store) file: PathBuf,
    /// What the file was when it was opened to be written.
    pub(in crate::store) opened: FileIdentity,
}

impl Readers {
    pub(in crate::store) async fn open(
        count: u32,
        opening: &Arc<Opening>,
        give_up: &GiveUp,
    ) -> Result<Self, NoReader> {
        let mut unused = Vec::new();
        for _ in 0..count {
            unused.push(opening.open().await?);
        }
        Ok(Self {
            permits: Arc::new(Semaphore::new(unused.len())),
            count,
            unused: Arc::new(Mutex::new(unused)),
            opening: Arc::clone(opening),
            give_up: give_up.clone(),
            wait: WAIT,
        })
    }

    /// None, to no file.
    pub(in crate::store) fn closed() -> Self {
        let permits = Semaphore::new(0);
        permits.close();
        let (give_up, _) = super::Closing::new();
        Self {
            permits: Arc::new(permits),
            count: 0,
            unused: Arc::default(),
            opening: Arc::new(Opening {
                options: SqliteConnectOptions::new(),
                file: PathBuf::new(),
                opened: FileIdentity::default(),
            }),
            give_up,
            wait: WAIT,
        }
    }

    /// A connection that no one else uses. Whoever asks first is served first.
    pub(super) async fn get(&self) -> Result<Reader, NoReader> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = match timeout(self.wait, permit).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_closed)) => return Err(NoReader::Closed),
            Err(_elapsed) => return Err(NoReader::Busy),
        };
        let unused = lock(&self.unused).pop();
        let connection = match unused {
            Some(connection) => connection,
            None => timeout(self.wait, self.opening.open())
                .await
                .unwrap_or(Err(NoReader::Busy))?,
        };
        Ok(Reader {
            connection: Some(connection),
            is_in_transaction: false,
            is_asked: false,
            unused: Arc::clone(&self.unused),
            give_up: self.give_up.clone(),
            permit: Some(permit),
        })
    }

    /// Closes all connections, once nobody else has them; none can be had after that. Gives the first error. A statement
    /// that nobody waits for any more is waited for up to [`CLOSE_WAIT`].
    pub(in crate::store) async fn close(self) -> Result<(), sqlx::Error> {
        let all = timeout(CLOSE_WAIT, self.permits.acquire_many(self.count)).await;
        self.permits.close();
        let unused = std::mem::take(&mut *lock(&self.unused));
        let mut closed = Ok(());
        for connection in unused {
            closed = closed.and(connection.close().await);
        }
        drop(all);
        closed
    }
}

/// Each change of the list is one step, so a panic elsewhere leaves it whole.
fn lock(unused: &Mutex<Vec<SqliteConnection>>) -> MutexGuard<'_, Vec<SqliteConnection>> {
    unused.lock().unwrap_or_else(PoisonError::into_inner)
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
        if FileIdentity::of(&self.file.metadata()?) == self.opened {
            Ok(())
        } else {
            Err(NoReader::Replaced)
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::domain::Moment;
    use crate::store::StoreError;
    use crate::store::engine::{Closing, Connection as Queries, params};

    /// An empty database in a folder of its own, with so many connections that read.
    async fn opened(name: &str, count: u32) -> (PathBuf, Readers) {
        let folder =
            std::env::temp_dir().join(format!("relatch-readers-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("relatch.db");
        std::fs::write(&file, "").unwrap();
        let opening = Arc::new(Opening {
            options: SqliteConnectOptions::new().filename(&file),
            opened: FileIdentity::of(&file.metadata().unwrap()),
            file,
        });
        let (give_up, closing) = Closing::new();
        #[expect(clippy::disallowed_methods, reason = "it ends with the readers")]
        drop(tokio::spawn(closing.run()));
        let readers = Readers::open(count, &opening, &give_up).await;
        (folder, readers.unwrap())
    }

    async fn read(readers: &Readers) -> Result<(i64,), StoreError> {
        let mut queries = Queries::reader(readers, Moment(0)).await?;
        queries.one("select 1", params![]).await
    }

    #[tokio::test]
    async fn a_connection_that_failed_is_replaced() {
        let (folder, readers) = opened("failed", 1).await;
        let mut queries = Queries::reader(&readers, Moment(0)).await.unwrap();
        let failed: Result<(i64,), _> = queries.one("select nonsense", params![]).await;
        assert_eq!(failed, Err(StoreError::Unavailable));
        drop(queries);
        assert!(lock(&readers.unused).is_empty());
        assert_eq!(read(&readers).await, Ok((1,)));
        assert_eq!(lock(&readers.unused).len(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn none_is_opened_to_another_file_but_again_to_its_own() {
        let (folder, readers) = opened("another", 1).await;
        readers.get().await.unwrap().discard();
        let [own, other, away] =
            ["relatch.db", "other.db", "away.db"].map(|name| folder.join(name));
        std::fs::write(&other, "").unwrap();
        std::fs::rename(&own, &away).unwrap();
        std::fs::rename(&other, &own).unwrap();
        assert!(matches!(readers.get().await, Err(NoReader::Replaced)));
        assert_eq!(read(&readers).await, Err(StoreError::Unavailable));
        std::fs::rename(&away, &own).unwrap();
        assert_eq!(read(&readers).await, Ok((1,)), "its own file is back");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn a_read_waits_for_whichever_connection_is_free_first() {
        let (folder, readers) = opened("first", 2).await;
        for freed in [0, 1] {
            let mut held = vec![readers.get().await.unwrap(), readers.get().await.unwrap()];
            let mut waiting = Box::pin(read(&readers));
            assert_eq!((&mut waiting).now_or_never(), None);
            drop(held.remove(freed));
            let waited = timeout(Duration::from_secs(10), waiting).await;
            assert_eq!(waited.expect("another one is free"), Ok((1,)));
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn a_read_does_not_wait_for_ever() {
        let (folder, mut readers) = opened("busy", 1).await;
        readers.wait = Duration::from_millis(20);
        let busy = readers.get().await.unwrap();
        let refused = timeout(Duration::from_secs(10), read(&readers)).await;
        assert_eq!(refused.expect("an end"), Err(StoreError::Overloaded));
        drop(busy);
        assert_eq!(read(&readers).await, Ok((1,)));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn a_connection_in_a_transaction_is_not_given_back() {
        let (folder, readers) = opened("transaction", 1).await;
        let mut cancelled = Queries::reader(&readers, Moment(0)).await.unwrap();
        cancelled.begin_read().await.unwrap();
        drop(cancelled);
        assert!(lock(&readers.unused).is_empty());
        let mut ended = Queries::reader(&readers, Moment(0)).await.unwrap();
        ended.begin_read().await.unwrap();
        ended.end_read().await.unwrap();
        drop(ended);
        assert_eq!(lock(&readers.unused).len(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn a_connection_that_still_answers_somebody_who_gave_up_is_not_given_back() {
        let (folder, readers) = opened("gave-up", 1).await;
        let mut cancelled = Queries::reader(&readers, Moment(0)).await.unwrap();
        let long =
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 300000)
            select count(*) from n";
        let asked = cancelled.one::<(i64,)>(long, params![]).now_or_never();
        assert_eq!(asked, None);
        drop(cancelled);
        assert!(lock(&readers.unused).is_empty());
        assert_eq!(read(&readers).await, Ok((1,)));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// Else whoever asks and gives up again and again has any number of statements running.
    #[tokio::test]
    async fn a_read_that_was_given_up_keeps_its_permit_until_its_statement_has_ended() {
        let (folder, readers) = opened("permit", 1).await;
        let mut cancelled = Queries::reader(&readers, Moment(0)).await.unwrap();
        let long =
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000000)
            select count(*) from n";
        let asked = cancelled.one::<(i64,)>(long, params![]).now_or_never();
        assert_eq!(asked, None);
        drop(cancelled);
        assert_eq!(readers.permits.available_permits(), 0);
        assert_eq!(read(&readers).await, Ok((1,)), "after it has ended");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn all_are_closed_and_none_is_opened_again() {
        let (folder, readers) = opened("closed", 3).await;
        let used = readers.get().await.unwrap();
        let mut closing = Box::pin(readers.clone().close());
        assert!((&mut closing).now_or_never().is_none());
        drop(used);
        closing.await.unwrap();
        assert!(lock(&readers.unused).is_empty());
        assert!(matches!(readers.get().await, Err(NoReader::Closed)));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
