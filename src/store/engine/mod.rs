//! How the record is read and written: statements, rows, and one task that does every write.
//!
//! A read takes a [`Connection`] of [`readers`]: it sees the last commit and does not wait for writes. A write is an async
//! function over [`Tx`], see [`writer`]. Statements are constants that SQLite and PostgreSQL both understand; flags are
//! integers in both. Besides this folder only `open`, `open_error` and `migrations`, which open the file, know which of the
//! two runs them.

mod closing;
mod readers;
pub(super) mod row;
pub(super) mod sql;
mod tx;
mod value;
mod writer;

pub(super) use self::closing::{Closing, GiveUp};
pub(super) use self::readers::{CLOSE_WAIT, NoReader, Opening, Readers};
pub(super) use self::row::{FromRow, Joined, Table, read_column, table};
pub(super) use self::sql::sql;
pub(super) use self::tx::{Connection, Tx};
pub(super) use self::value::{Param, Row, ToParam, Written, params};
#[cfg(test)]
pub(super) use self::writer::commit;
pub(super) use self::writer::{QUEUE, Write, WriteError, WriteFn, run, write};
