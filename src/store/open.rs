//! Opens the database, applies missing migrations, and starts the writer's task.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::{CryptoRng, RngExt};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::sync::mpsc;

use super::engine::{self, CLOSE_WAIT, Closing, GiveUp, NoReader, Opening, Readers};
use super::file::{Absent, DatabaseFile};
use super::migrations::{is_outdated, migrate};
use super::open_error::{OLDEST_SQLITE, OpenError};
use super::{Store, Watch, own_log};
use crate::clock::Clock;
use crate::domain::quota::Limit;

/// How many connections read for requests. Slow reads have a connection of their own.
const READERS: u32 = 4;

/// More than there are statements, so that each is prepared once.
const STATEMENTS: usize = 256;

/// The page cache of the connection that writes; a negative number counts KiB.
const WRITER_CACHE: &str = "-2048";

/// The page cache of a connection that reads. It is emptied whenever another connection commits, so more would be lost.
const READER_CACHE: &str = "-1024";

/// The writer's task and the connections of an open record. They end when every [`Store`] is dropped.
#[derive(Debug)]
pub struct StoreTasks {
    writer: tokio::task::JoinHandle<(Option<SqliteConnection>, Arc<DatabaseFile>)>,
    readers: [Readers; 2],
    /// Ends with the readers.
    closing: tokio::task::JoinHandle<()>,
    watch: Watch,
    was_brought_up_to_date: bool,
    /// Held here too, because a panic of the task must not give up the lock while others still read.
    file: Arc<DatabaseFile>,
}

impl StoreTasks {
    /// Notices when nothing can be recorded any more.
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// True where an older record was brought to this version when it was opened.
    pub(crate) fn was_brought_up_to_date(&self) -> bool {
        self.was_brought_up_to_date
    }

    /// Waits until everything that was queued is committed, and closes the database. Drop every [`Store`] first. The last
    /// connection of all to be closed moves what is in the log into the file, and the next start has nothing to recover.
    /// A read that does not end is left alone after a while: then the log stays, and the next start reads it.
    pub async fn finish(self) {
        let written = self.writer.await;
        for readers in self.readers {
            log_if_failed(readers.close().await);
        }
        match tokio::time::timeout(CLOSE_WAIT, self.closing).await {
            Ok(closing) => {
                log_if_failed(closing.map_err(|error| sqlx::Error::AnyDriverError(error.into())));
            }
            // Its task goes on to hold the lock until the process ends.
            Err(_elapsed) => {
                tracing::warn!("a read has not ended; the database is closed beside it");
            }
        }
        let closed = match written {
            Ok((Some(connection), _file)) => connection.close().await,
            Ok((None, _file)) => Ok(()),
            Err(error) => Err(sqlx::Error::AnyDriverError(error.into())),
        };
        log_if_failed(closed);
        drop(self.file);
    }
}

fn log_if_failed(closed: Result<(), sqlx::Error>) {
    if let Err(error) = closed {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the database was not closed well"
        );
    }
}

/// How a process means to use the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// `serve` and `demo`: one at a time, they own the life of resets.
    Serve,
    /// All other commands: beside a running `serve`.
    Beside,
    /// `check` and dry runs: the same, and nothing is left behind: no migration is made, no file, and the journal mode stays.
    Look,
}

impl Store {
    /// Opens the file, makes it if it is missing, and brings it up to date; never under another process that holds it.
    pub async fn open(
        path: &Path,
        how: Use,
        clock: Clock,
        limit: Limit,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, StoreTasks), OpenError> {
        Self::open_as(path, how, Absent::Begin, clock, limit, rng).await
    }

    /// Like [`Store::open`], but a record that is missing or empty is an error and stays as it is.
    pub async fn open_existing(
        path: &Path,
        how: Use,
        clock: Clock,
        limit: Limit,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, StoreTasks), OpenError> {
        Self::open_as(path, how, Absent::Refuse, clock, limit, rng).await
    }

    /// A record that is not there yet: every read and every write fails. For `check`, which makes none.
    pub fn absent(clock: Clock, limit: Limit) -> Self {
        let (writes, _) = mpsc::channel(1);
        let readers = Readers::closed();
        Self {
            writes,
            readers: readers.clone(),
            slow_readers: readers,
            owner: "".into(),
            clock,
            limit,
        }
    }

    /// True where the file is there and holds our tables.
    pub async fn has_record(path: &Path) -> Result<bool, OpenError> {
        own_log::check(path)?;
        if path.try_exists()? {
            has_record(path).await
        } else {
            Ok(false)
        }
    }

    /// The fingerprint of the key of a database that is too old to be opened. Its file was looked at before.
    pub(crate) async fn fingerprint_of_older(path: &Path) -> Result<Option<String>, OpenError> {
        let mut connection = plain(path).connect().await?;
        let fingerprint = super::key::fingerprint_in(&mut connection).await?;
        connection.close().await?;
        Ok(fingerprint)
    }

    async fn open_as(
        path: &Path,
        how: Use,
        absent: Absent,
        clock: Clock,
        limit: Limit,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, StoreTasks), OpenError> {
        // Before an empty file is made, and before this process holds the lock.
        own_log::check(path)?;
        // Before SQLite opens the file, and until after it has closed it.
        let mut file = take_file(path, how, absent).await?;
        let mut options = options(path);
        if how != Use::Look {
            options = options.journal_mode(SqliteJournalMode::Wal);
        }
        let writing = options.clone().pragma("cache_size", WRITER_CACHE);
        let mut connection = writing.connect().await?;
        check_version(&mut connection).await?;
        let mut was_brought_up_to_date = false;
        if how == Use::Look {
            connection = closed_if_older(connection).await?;
        } else {
            was_brought_up_to_date = bring_up_to_date(&mut connection, &mut file, how).await?;
        }
        if file.is_new {
            keep_name(path)?;
        }
        let (give_up, closing) = Closing::new();
        let (slow_readers, readers) = open_readers(options, path, &file, &give_up).await?;
        let (running, task) = tokio::sync::watch::channel(());
        // After the last connection, so that all of them are to one file.
        let watch = Watch::new(path, task)?;
        if watch.opened() != file.identity()? {
            return Err(OpenError::Exchanged);
        }
        if how != Use::Look {
            file.note_log();
        }
        let (writes, queue) = mpsc::channel(engine::QUEUE);
        let writing_clock = clock.clone();
        let file = Arc::new(file);
        let held = Arc::clone(&file);
        let tasks = StoreTasks {
            writer: spawn(async move {
                // Dropped by a panic too, and then `watch` tells that the task has ended.
                let _running = running;
                // Another process may take over once everything is committed and this connection is closed.
                (engine::run(connection, queue, &writing_clock).await, held)
            }),
            readers: [slow_readers.clone(), readers.clone()],
            closing: spawn(close_given_up(closing, Arc::clone(&file))),
            watch,
            was_brought_up_to_date,
            file,
        };
        let store = Self {
            writes,
            readers,
            slow_readers,
            owner: hex::encode(rng.random::<[u8; 8]>()).into(),
            clock,
            limit,
        };
        Ok((store, tasks))
    }
}

/// Opens the connections for reads: the one for slow reads, and the others.
async fn open_readers(
    options: SqliteConnectOptions,
    path: &Path,
    file: &DatabaseFile,
    give_up: &GiveUp,
) -> Result<(Readers, Readers), OpenError> {
    let opening = Arc::new(Opening {
        options: options
            .pragma("cache_size", READER_CACHE)
            .pragma("query_only", "on"),
        file: path.to_owned(),
        opened: file.identity()?,
    });
    let slow_readers = Readers::open(1, &opening, give_up).await?;
    let readers = Readers::open(READERS, &opening, give_up).await?;
    Ok((slow_readers, readers))
}

/// Opens the file and locks it for `serve`. One that two names lead to is refused, and an empty one unless it is to be new.
async fn take_file(path: &Path, how: Use, absent: Absent) -> Result<DatabaseFile, OpenError> {
    let mut file = DatabaseFile::open(path, absent)?;
    if how == Use::Serve {
        file.lock()?;
    }
    // After the lock, so that another process on the second name is reported first.
    file.check_single_name()?;
    if absent == Absent::Refuse && !has_record(path).await? {
        return Err(OpenError::Empty);
    }
    Ok(file)
}

impl From<NoReader> for OpenError {
    fn from(error: NoReader) -> Self {
        match error {
            NoReader::Replaced => Self::Exchanged,
            NoReader::Io(error) => error.into(),
            NoReader::Sqlite(error) => error.into(),
            // None was in use or closed: they were just made.
            NoReader::Busy | NoReader::Closed => sqlx::Error::PoolClosed.into(),
        }
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        // It was made before, so one that is missing was deleted meanwhile.
        .create_if_missing(false)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        // What a statement would need to undo itself stays in memory, not in a file that is made each time.
        .pragma("temp_store", "memory")
        // What is erased is overwritten.
        .pragma("secure_delete", "on")
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging()
}

/// Applies the migrations that are missing; never under another process that holds the file. True where there were some.
async fn bring_up_to_date(
    connection: &mut SqliteConnection,
    file: &mut DatabaseFile,
    how: Use,
) -> Result<bool, OpenError> {
    let is_outdated = is_outdated(connection).await?;
    let locks_for_it = how == Use::Beside && is_outdated;
    if locks_for_it {
        file.lock().map_err(OpenError::when_outdated)?;
    }
    migrate(connection).await?;
    if locks_for_it {
        file.unlock()?;
    }
    Ok(is_outdated)
}

/// The connection to a database of this version. One of another version is closed, so that SQLite removes its files again.
async fn closed_if_older(mut connection: SqliteConnection) -> Result<SqliteConnection, OpenError> {
    let fits = match is_outdated(&mut connection).await {
        Ok(true) => Err(OpenError::Older),
        // Compares what was applied, and applies nothing.
        Ok(false) => migrate(&mut connection).await,
        Err(error) => Err(error),
    };
    match fits {
        Ok(()) => Ok(connection),
        Err(error) => {
            connection.close().await?;
            Err(error)
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the store's task ends with its last handle and is awaited in StoreTasks"
)]
fn spawn<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    tokio::spawn(task)
}

/// Closes the reads that were given up. While one of them still runs, the file stays open: to close it would take SQLite's
/// locks from it.
async fn close_given_up(closing: Closing, file: Arc<DatabaseFile>) {
    closing.run().await;
    drop(file);
}

/// The name of a new file is on disk before anything is made that counts on it, such as the key file.
fn keep_name(path: &Path) -> Result<(), OpenError> {
    let real = path.canonicalize()?;
    if let Some(folder) = real.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// True where the file holds our tables. A file that holds nothing is not touched.
async fn has_record(path: &Path) -> Result<bool, OpenError> {
    if path.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut connection = plain(path).connect().await?;
    let ours = "select 1 from sqlite_schema where type = 'table' and name in ('member', 'reset', 'slot', 'audit') limit 1";
    let found = sqlx::query(ours).fetch_optional(&mut connection).await?;
    connection.close().await?;
    Ok(found.is_some())
}

/// For a single read, which changes nothing of the file.
fn plain(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .disable_statement_logging()
}

async fn check_version(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let version: String = sqlx::query("select sqlite_version()")
        .fetch_one(connection)
        .await?
        .try_get(0)?;
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if [next(), next(), next()] < OLDEST_SQLITE {
        Err(OpenError::OldSqlite(version))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
