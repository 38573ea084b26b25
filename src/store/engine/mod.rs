//! How the record is read and written: statements, rows, and one task that does every write.
//!
//! A read takes a [`Session`] from a small pool: it sees the last commit and does not wait for writes. A write is an async
//! function over [`Tx`], see [`writer`]. Statements are constants that SQLite and PostgreSQL both understand; only this
//! folder knows which of the two runs them.

mod row;
mod sql;
mod tx;
mod value;
mod writer;

pub(super) use self::row::{FromRow, Row, Table, table};
pub(super) use self::sql::sql;
pub(super) use self::tx::{Session, Tx};
pub(super) use self::value::{Param, Scalar, ToParam, params};
#[cfg(test)]
pub(super) use self::writer::commit;
pub(super) use self::writer::{QUEUE, Refusal, Write, WriteFn, run, write};

/// What the macros expand to.
pub(super) mod parts {
    pub(in crate::store) use super::row::read_column;
    pub(in crate::store) use super::sql::{joined, length, placeholders, text, without_comma};
}
