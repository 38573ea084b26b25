//! Rows: what a query gives, and the tables as Rust types.

use sqlx::sqlite::SqliteRow;
use sqlx::{Column, Row as _};

use super::{Param, Scalar};

/// A row as the engine gives it.
pub(in crate::store) struct Row(pub(super) SqliteRow);

impl Row {
    /// A column of text.
    pub(super) fn text(&self, at: usize) -> Result<Option<&str>, sqlx::Error> {
        self.0.try_get(at)
    }

    /// A column of numbers.
    pub(super) fn int(&self, at: usize) -> Result<Option<i64>, sqlx::Error> {
        self.0.try_get(at)
    }
}

/// A type that a whole row is read into: a table's, or a tuple of columns.
pub(in crate::store) trait FromRow: Sized {
    /// Reads it.
    fn from_row(row: &Row) -> Result<Self, sqlx::Error>;
}

/// A type of a column that may be null or not.
pub(in crate::store) trait FromColumn: Sized {
    /// Reads it; an error where a null may not be.
    fn from_column(row: &Row, at: usize) -> Result<Self, Box<dyn std::error::Error + Send + Sync>>;
}

impl<T: Scalar> FromColumn for T {
    fn from_column(row: &Row, at: usize) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        T::read(row, at)?.ok_or_else(|| "null where there has to be a value".into())
    }
}

impl<T: Scalar> FromColumn for Option<T> {
    fn from_column(row: &Row, at: usize) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        T::read(row, at)
    }
}

/// A column of a row. The error names it, with its table where that is known.
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

/// A number or a text alone, or several side by side.
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

/// A row of a table. The statements below are made from the list of its columns.
pub(in crate::store) trait Table: FromRow {
    /// All columns, for a `select`.
    const COLUMNS: &str;
    /// Writes one new row.
    const INSERT: &str;
    /// The same, unless there is a row of this key.
    const INSERT_NEW: &str;
    /// The same; of a row that is there, the columns that change are overwritten.
    const PUT: &str;

    /// The values of all columns, for [`Table::INSERT`] and its like.
    fn params(&self) -> Vec<Param>;
}

/// Declares a table's row type: the columns of its key, those that never change, and those that do. A statement that
/// writes a row leaves alone what never changes, and with it the indexes of those columns.
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
