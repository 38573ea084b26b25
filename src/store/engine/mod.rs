//! How the record is read and written: statements, rows, and one task that does every write.
//!
//! A read takes a [`Session`] from a small pool; readers see the last commit and wait for nobody. A write is a function
//! over [`Tx`], see [`writer`]. Statements are constants that SQLite and PostgreSQL both understand; only this folder
//! knows on which of them they run.

mod row;
mod sql;
mod tx;
mod value;
mod writer;

pub(super) use self::row::{FromRow, Row, Table, table};
pub(super) use self::sql::sql;
pub(super) use self::tx::{Session, Tx};
pub(super) use self::value::{Param, Scalar, ToParam, params};
pub(super) use self::writer::{QUEUE, Refusal, Write, WriteFn, run, write};

/// What the macros need.
pub(super) mod parts {
    pub(in crate::store) use super::row::read_column;
    pub(in crate::store) use super::sql::{joined, length, placeholders, text, without_comma};
}
