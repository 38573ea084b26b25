//! Rows: what a query returns, and `table!`, which makes a Rust type of a table.

use sqlx::sqlite::SqliteRow;
use sqlx::{Column, Row as _};

use super::{Param, Scalar};

/// A row of SQLite; no other file but this and `tx.rs` knows its type.
pub(in crate::store) struct Row(pub(super) SqliteRow);

impl Row {
    /// Reads a column that holds text.
    pub(super) fn text(&self, at: usize) -> Result<Option<&str>, sqlx::Error> {
        self.0.try_get(at)
    }

    /// Reads a column that holds an integer.
    pub(super) fn int(&self, at: usize) -> Result<Option<i64>, sqlx::Error> {
        self.0.try_get(at)
    }
}

/// What a row is read into: the type of a table, or a tuple of columns.
pub(in crate::store) trait FromRow: Sized {
    /// Reads the columns by their order in the query.
    fn from_row(row: &Row) -> Result<Self, sqlx::Error>;
}

/// What a column is read into: a [`Scalar`], or an `Option` of one where the column may be null.
pub(in crate::store) trait FromColumn: Sized {
    /// Reads the column; a null is an error unless the type is an `Option`.
    fn from_column(row: &Row, at: usize) -> Result<Self, Box<dyn std::error::Error + Send + Sync>>;
}

impl<T: Scalar> FromColumn for T {
    fn from_column(row: &Row, at: usize) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        T::read(row, at)?.ok_or_else(|| "unexpected null".into())
    }
}

impl<T: Scalar> FromColumn for Option<T> {
    fn from_column(row: &Row, at: usize) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        T::read(row, at)
    }
}

/// Reads a column; an error names the table and the column.
pub(in crate::store) fn read_column<T: FromColumn>(
    row: &Row,
    at: usize,
    table: &str,
) -> Result<T, sqlx::Error> {
    T::from_column(row, at).map_err(|source| {
        let column = row.0.columns().get(at).map_or("?", Column::name);
        sqlx::Error::ColumnDecode {
            index: format!("{table}.{column}"),
            source,
        }
    })
}

/// Tuples of columns, for queries that need a few.
macro_rules! tuples {
    ($(($($column:ident = $at:literal),+))+) => {$(
        impl<$($column: FromColumn),+> FromRow for ($($column,)+) {
            fn from_row(row: &Row) -> Result<Self, sqlx::Error> {
                Ok(($(read_column::<$column>(row, $at, "query")?,)+))
            }
        }
    )+};
}

tuples! {
    (A = 0)
    (A = 0, B = 1)
    (A = 0, B = 1, C = 2)
    (A = 0, B = 1, C = 2, D = 3)
}

/// The type of a table's rows, with statements made from its list of columns.
pub(in crate::store) trait Table: FromRow {
    /// The columns with commas, for a `select`.
    const COLUMNS: &str;
    /// Inserts a row; one of the same key is an error.
    const INSERT: &str;
    /// Inserts a row, unless there is one of the same key.
    const INSERT_NEW: &str;
    /// Inserts a row, or updates the `changing` columns of the one of the same key.
    const PUT: &str;

    /// The values in the order of [`Table::COLUMNS`].
    fn params(&self) -> Vec<Param>;
}

/// Declares the type of a table's rows. `key` is the primary key. `fixed` columns are written once: an update leaves
/// them and their indexes alone. `changing` columns are written by every [`Table::PUT`].
macro_rules! table {
    (
        $(#[$doc:meta])* $vis:vis struct $row:ident in $table:literal {
            key { $($(#[$key_doc:meta])* $key:ident: $key_type:ty),* $(,)? }
            fixed { $($(#[$fixed_doc:meta])* $fixed:ident: $fixed_type:ty),* $(,)? }
            changing { $($(#[$changing_doc:meta])* $changing:ident: $changing_type:ty),* $(,)? }
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        $vis struct $row {
            $($(#[$key_doc])* pub $key: $key_type,)*
            $($(#[$fixed_doc])* pub $fixed: $fixed_type,)*
            $($(#[$changing_doc])* pub $changing: $changing_type,)*
        }

        impl $crate::store::engine::FromRow for $row {
            #[expect(unused_assignments, reason = "the last column is counted too")]
            fn from_row(row: &$crate::store::engine::Row) -> Result<Self, sqlx::Error> {
                let mut at = 0;
                $(let $key = $crate::store::engine::parts::read_column(row, at, $table)?; at += 1;)*
                $(let $fixed = $crate::store::engine::parts::read_column(row, at, $table)?; at += 1;)*
                $(let $changing = $crate::store::engine::parts::read_column(row, at, $table)?; at += 1;)*
                Ok(Self { $($key,)* $($fixed,)* $($changing,)* })
            }
        }

        impl $crate::store::engine::Table for $row {
            const COLUMNS: &str = $crate::store::engine::parts::without_comma($crate::store::engine::sql!(
                $(stringify!($key), ", ",)* $(stringify!($fixed), ", ",)* $(stringify!($changing), ", ",)*
            ));
            const INSERT: &str = $crate::store::engine::sql!(
                "insert into ", $table, " (", <$row as $crate::store::engine::Table>::COLUMNS, ") values (",
                $crate::store::engine::parts::placeholders(
                    [$(stringify!($key),)* $(stringify!($fixed),)* $(stringify!($changing),)*].len()
                ),
                ")"
            );
            const INSERT_NEW: &str = $crate::store::engine::sql!(
                <$row as $crate::store::engine::Table>::INSERT, " on conflict (",
                $crate::store::engine::parts::without_comma($crate::store::engine::sql!("", $(stringify!($key), ", ",)*)),
                ") do nothing"
            );
            const PUT: &str = $crate::store::engine::sql!(
                <$row as $crate::store::engine::Table>::INSERT, " on conflict (",
                $crate::store::engine::parts::without_comma($crate::store::engine::sql!("", $(stringify!($key), ", ",)*)),
                ") do update set ",
                $crate::store::engine::parts::without_comma($crate::store::engine::sql!(
                    "", $(stringify!($changing), " = excluded.", stringify!($changing), ", ",)*
                )),
            );

            fn params(&self) -> Vec<$crate::store::engine::Param> {
                $crate::store::engine::params![$(self.$key,)* $(self.$fixed,)* $(self.$changing,)*]
            }
        }
    };
}
pub(in crate::store) use table;
