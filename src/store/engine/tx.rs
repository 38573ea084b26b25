//! A connection to read on, and the transaction of a write.

use std::io::ErrorKind;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use futures_util::TryFutureExt;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Executor, Sqlite};
use tokio::time::{Instant, timeout};

use super::readers::{NoReader, Reader, Readers};
use super::row::{FromRow, Table};
use super::value::{Param, Row};
use crate::domain::Moment;
use crate::store::StoreError;

/// A statement that takes longer than this is logged.
const SLOW: Duration = Duration::from_secs(2);

/// How long a reader may take to answer. A thread of sqlx that ended does not answer what was sent to it before.
const ANSWER: Duration = Duration::from_mins(1);

/// A connection that runs queries. Outside of a [`Tx`], each of them sees the last commit.
pub(in crate::store) struct Connection {
    opened: Opened,
    now: Moment,
    /// Set when a statement fails: the transaction must not be committed then.
    failure: Option<StoreError>,
}

enum Opened {
    Writer(SqliteConnection),
    Reader(Reader),
}

impl Connection {
    /// One of the connections that read, when one is free.
    pub(in crate::store) async fn reader(
        readers: &Readers,
        now: Moment,
    ) -> Result<Self, StoreError> {
        let reader = readers.get().await.map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "no connection can read the record"
            );
            match error {
                NoReader::Busy => StoreError::Overloaded,
                NoReader::Replaced | NoReader::Closed | NoReader::Io(_) | NoReader::Sqlite(_) => {
                    StoreError::Unavailable
                }
            }
        })?;
        Ok(Self {
            opened: Opened::Reader(reader),
            now,
            failure: None,
        })
    }

    /// The time of this read or write: the clock is asked once for each.
    pub(in crate::store) fn now(&self) -> Moment {
        self.now
    }

    /// The first row; an error where there is none.
    pub(in crate::store) async fn one<T: FromRow>(
        &mut self,
        sql: &'static str,
        params: Vec<Param>,
    ) -> Result<T, StoreError> {
        let rows = self.all(sql, params).await?;
        match rows.into_iter().next() {
            Some(row) => Ok(row),
            None => Err(self.failed(sql, &sqlx::Error::RowNotFound)),
        }
    }

    /// The first row, if there is one.
    pub(in crate::store) async fn maybe<T: FromRow>(
        &mut self,
        sql: &'static str,
        params: Vec<Param>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(sql, params).await?.into_iter().next())
    }

    pub(in crate::store) async fn all<T: FromRow>(
        &mut self,
        sql: &'static str,
        params: Vec<Param>,
    ) -> Result<Vec<T>, StoreError> {
        self.check_open()?;
        let began = Instant::now();
        let found = self.fetch(query(sql, params)).await;
        log_if_slow(sql, began);
        let rows = found.and_then(|rows| {
            rows.into_iter()
                .map(|row| T::from_row(&Row(row)))
                .collect::<Result<_, _>>()
        });
        rows.map_err(|error| self.failed(sql, &error))
    }

    /// A reader that does not answer, or fails, is replaced. The writer holds the lock of its transaction, and stays.
    async fn fetch(
        &mut self,
        query: Query<'static, Sqlite, SqliteArguments>,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let reader = match &mut self.opened {
            Opened::Writer(connection) => return connection.fetch_all(query).await,
            Opened::Reader(reader) => reader,
        };
        reader.set_asked(true);
        let answered = timeout(ANSWER, reader.connection()?.fetch_all(query)).await;
        let Ok(found) = answered else {
            // It stays asked, and keeps its permit until it has answered or its thread has ended.
            return Err(std::io::Error::from(ErrorKind::TimedOut).into());
        };
        reader.set_asked(false);
        if found.is_err() {
            reader.discard();
        }
        found
    }

    /// Begins a transaction of a reader: what is read until [`Connection::end_read`] is of one moment. A connection that is
    /// dropped in between is closed.
    pub(in crate::store) async fn begin_read(&mut self) -> Result<(), StoreError> {
        self.set_in_transaction(true);
        self.control_read("begin").await
    }

    /// Ends the transaction.
    pub(in crate::store) async fn end_read(&mut self) -> Result<(), StoreError> {
        self.control_read("commit").await?;
        self.set_in_transaction(false);
        Ok(())
    }

    async fn control_read(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.check_open()?;
        let done = self.fetch(query(sql, Vec::new())).await;
        done.map(drop).map_err(|error| self.failed(sql, &error))
    }

    async fn control(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        let connection = self.sqlite()?;
        connection.execute(query(sql, Vec::new())).await.map(drop)
    }

    fn set_in_transaction(&mut self, is_in_transaction: bool) {
        match &mut self.opened {
            Opened::Writer(_) => {}
            Opened::Reader(reader) => reader.set_in_transaction(is_in_transaction),
        }
    }

    fn sqlite(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        match &mut self.opened {
            Opened::Writer(connection) => Ok(connection),
            Opened::Reader(reader) => reader.connection(),
        }
    }

    /// After a failed statement nothing more is run: SQLite may have rolled back by itself, and what followed would be
    /// committed alone.
    fn check_open(&self) -> Result<(), StoreError> {
        self.failure.map_or(Ok(()), Err)
    }

    fn failed(&mut self, sql: &'static str, error: &sqlx::Error) -> StoreError {
        tracing::error!(
            error = error as &dyn std::error::Error,
            statement = sql,
            "a statement failed"
        );
        self.failure = Some(StoreError::Unavailable);
        StoreError::Unavailable
    }
}

/// The transaction of a write. Only the writer's task begins and ends one.
pub(in crate::store) struct Tx {
    connection: Connection,
    /// See [`Tx::mark_webhook`].
    #[cfg(debug_assertions)]
    is_of_webhook: bool,
}

impl Deref for Tx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Tx {
    /// Takes the one connection that writes.
    pub(in crate::store) fn of_writer(connection: SqliteConnection) -> Self {
        Self {
            connection: Connection {
                opened: Opened::Writer(connection),
                now: Moment(0),
                failure: None,
            },
            #[cfg(debug_assertions)]
            is_of_webhook: false,
        }
    }

    /// Remembers that a signed webhook asked for this write, and not the start or the sweep.
    #[cfg(debug_assertions)]
    pub(in crate::store) fn mark_webhook(&mut self) {
        self.is_of_webhook = true;
    }

    /// True where [`Tx::mark_webhook`] was called since the last call of this function.
    #[cfg(debug_assertions)]
    pub(super) fn take_webhook_mark(&mut self) -> bool {
        std::mem::take(&mut self.is_of_webhook)
    }

    /// Runs a statement that returns no rows; gives how many rows it changed.
    pub(in crate::store) async fn run(
        &mut self,
        sql: &'static str,
        params: Vec<Param>,
    ) -> Result<u64, StoreError> {
        self.check_open()?;
        let began = Instant::now();
        let done = match self.sqlite() {
            Ok(connection) => connection.execute(query(sql, params)).await,
            Err(error) => Err(error),
        };
        log_if_slow(sql, began);
        match done {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(self.failed(sql, &error)),
        }
    }

    pub(in crate::store) async fn insert<T: Table>(&mut self, row: &T) -> Result<(), StoreError> {
        self.run(T::INSERT, row.params()).await.map(drop)
    }

    /// Inserts a row, unless there is one of the same key; false if there is.
    pub(in crate::store) async fn insert_new<T: Table>(
        &mut self,
        row: &T,
    ) -> Result<bool, StoreError> {
        Ok(self.run(T::INSERT_NEW, row.params()).await? > 0)
    }

    /// Inserts a row, or updates the one of the same key.
    pub(in crate::store) async fn put<T: Table>(&mut self, row: &T) -> Result<(), StoreError> {
        self.run(T::PUT, row.params()).await.map(drop)
    }

    /// Takes SQLite's write lock at once, so that no other process can write in between.
    pub(in crate::store) async fn begin(&mut self, now: Moment) -> Result<(), StoreError> {
        self.connection.now = now;
        self.connection.failure = None;
        self.control("begin immediate")
            .map_err(|error| {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not begin; nothing was recorded"
                );
                StoreError::NotBegun
            })
            .await
    }

    /// Commits; after it everything is on disk.
    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        self.control("commit")
            .map_err(|error| {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not commit; nothing was recorded"
                );
                StoreError::Unavailable
            })
            .await
    }

    /// Rolls back. It fails where SQLite has done so already, which is as good.
    pub(super) async fn roll_back(&mut self) {
        self.connection.failure = None;
        if let Err(error) = self.control("rollback").await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "nothing to roll back"
            );
        }
    }

    /// The failure of a statement since [`Tx::begin`].
    pub(super) fn failure(&self) -> Option<StoreError> {
        self.connection.failure
    }

    /// Gives the connection back to be closed.
    pub(in crate::store) fn into_connection(self) -> Option<SqliteConnection> {
        match self.connection.opened {
            Opened::Writer(connection) => Some(connection),
            Opened::Reader(_) => None,
        }
    }
}

fn query(sql: &'static str, params: Vec<Param>) -> Query<'static, Sqlite, SqliteArguments> {
    params
        .into_iter()
        .fold(sqlx::query(sql), |query, param| match param {
            Param::Text(text) => query.bind(text),
            Param::Int(int) => query.bind(int),
        })
}

fn log_if_slow(sql: &'static str, began: Instant) {
    let took = began.elapsed();
    if took > SLOW {
        tracing::warn!(
            statement = sql,
            took_ms = took.as_millis(),
            "a statement was slow"
        );
    }
}
