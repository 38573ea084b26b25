//! Rows: what a query returns, and `table!`, which makes a Rust type of a table.

use super::value::{Param, Row, Scalar};

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
    T::from_column(row, at).map_err(|source| sqlx::Error::ColumnDecode {
        index: format!("{table}.{}", row.column(at)),
        source,
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

/// The rows of several tables that one query returns side by side, so as they are at one moment.
pub(in crate::store) struct Joined<Rows>(pub Rows);

impl<A: Table, B: Table> FromRow for Joined<(A, B)> {
    fn from_row(row: &Row) -> Result<Self, sqlx::Error> {
        Ok(Self((A::read(row, 0)?, B::read(row, A::WIDTH)?)))
    }
}

impl<A: Table, B: Table, C: Table> FromRow for Joined<(A, B, C)> {
    fn from_row(row: &Row) -> Result<Self, sqlx::Error> {
        let (b, c) = (A::WIDTH, A::WIDTH + B::WIDTH);
        Ok(Self((A::read(row, 0)?, B::read(row, b)?, C::read(row, c)?)))
    }
}

/// The type of a table's rows, with statements made from its list of columns.
pub(in crate::store) trait Table: FromRow {
    /// The columns with commas, for a `select`.
    const COLUMNS: &str;
    /// The same with the name of the table, for a `select` from several.
    const QUALIFIED: &str;
    const WIDTH: usize;
    /// Inserts a row; one of the same key is an error.
    const INSERT: &str;
    /// Inserts a row, unless there is one of the same key.
    const INSERT_NEW: &str;
    /// Inserts a row, or updates the `changing` columns of the one of the same key.
    const PUT: &str;
    /// Updates the `changing` columns of the row of the same key, for a type that has a part of the columns only. Its values
    /// are [`Table::update_params`].
    const UPDATE: &str;

    /// Reads the columns from this one on.
    fn read(row: &Row, first: usize) -> Result<Self, sqlx::Error>;

    /// The values in the order of [`Table::COLUMNS`].
    fn params(&self) -> Vec<Param>;

    /// The key and then the `changing` columns.
    fn update_params(&self) -> Vec<Param>;
}

/// Declares the type of a table's rows. `key` is the primary key. `fixed` columns are written once: an update leaves
/// them and their indexes alone. `changing` columns are written by every [`Table::PUT`] and [`Table::UPDATE`]. A statement
/// that needs a key, or columns that change, cannot be used with a table that has none: the build fails.
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
            fn from_row(row: &$crate::store::engine::Row) -> Result<Self, sqlx::Error> {
                <Self as $crate::store::engine::Table>::read(row, 0)
            }
        }

        impl $crate::store::engine::Table for $row {
            const COLUMNS: &str = $crate::store::engine::sql::without_comma($crate::store::engine::sql!(
                $(stringify!($key), ", ",)* $(stringify!($fixed), ", ",)* $(stringify!($changing), ", ",)*
            ));
            const QUALIFIED: &str = $crate::store::engine::sql::without_comma($crate::store::engine::sql!(
                $($table, ".", stringify!($key), ", ",)* $($table, ".", stringify!($fixed), ", ",)*
                $($table, ".", stringify!($changing), ", ",)*
            ));
            const WIDTH: usize = [$(stringify!($key),)* $(stringify!($fixed),)* $(stringify!($changing),)*].len();
            const INSERT: &str = $crate::store::engine::sql!(
                "insert into ", $table, " (", <$row as $crate::store::engine::Table>::COLUMNS, ") values (",
                $crate::store::engine::sql::placeholders(<$row as $crate::store::engine::Table>::WIDTH),
                ")"
            );
            const INSERT_NEW: &str = $crate::store::engine::sql::naming(&[$(stringify!($key)),*], $crate::store::engine::sql!(
                <$row as $crate::store::engine::Table>::INSERT, " on conflict (",
                $crate::store::engine::sql::without_comma($crate::store::engine::sql!("", $(stringify!($key), ", ",)*)),
                ") do nothing"
            ));
            const PUT: &str = $crate::store::engine::sql::naming(&[$(stringify!($changing)),*], $crate::store::engine::sql!(
                <$row as $crate::store::engine::Table>::INSERT, " on conflict (",
                $crate::store::engine::sql::without_comma($crate::store::engine::sql!("", $(stringify!($key), ", ",)*)),
                ") do update set ",
                $crate::store::engine::sql::without_comma($crate::store::engine::sql!(
                    "", $(stringify!($changing), " = excluded.", stringify!($changing), ", ",)*
                )),
            ));
            const UPDATE: &str = $crate::store::engine::sql::naming(&[$(stringify!($changing)),*], {
                const KEYS: &[&str] = &[$(stringify!($key)),*];
                const CHANGING: &[&str] = &[$(stringify!($changing)),*];
                // For PostgreSQL parentheses make a row, which has two columns or more.
                const BRACKETS: (&str, &str) = if CHANGING.len() == 1 { ("", "") } else { ("(", ")") };
                $crate::store::engine::sql!(
                    "update ", $table, " set ", BRACKETS.0,
                    $crate::store::engine::sql::without_comma($crate::store::engine::sql!(
                        "", $(stringify!($changing), ", ",)*
                    )),
                    BRACKETS.1, " = ", BRACKETS.0,
                    $crate::store::engine::sql::placeholders_after(KEYS.len(), CHANGING.len()),
                    BRACKETS.1, " where (",
                    $crate::store::engine::sql::without_comma($crate::store::engine::sql!("", $(stringify!($key), ", ",)*)),
                    ") = (",
                    $crate::store::engine::sql::placeholders(KEYS.len()),
                    ")"
                )
            });

            #[expect(unused_assignments, reason = "the last column is counted too")]
            fn read(row: &$crate::store::engine::Row, first: usize) -> Result<Self, sqlx::Error> {
                let mut at = first;
                $(let $key = $crate::store::engine::row::read_column(row, at, $table)?; at += 1;)*
                $(let $fixed = $crate::store::engine::row::read_column(row, at, $table)?; at += 1;)*
                $(let $changing = $crate::store::engine::row::read_column(row, at, $table)?; at += 1;)*
                Ok(Self { $($key,)* $($fixed,)* $($changing,)* })
            }

            fn params(&self) -> Vec<$crate::store::engine::Param> {
                $crate::store::engine::params![$(self.$key,)* $(self.$fixed,)* $(self.$changing,)*]
            }

            fn update_params(&self) -> Vec<$crate::store::engine::Param> {
                $crate::store::engine::params![$(self.$key,)* $(self.$changing,)*]
            }
        }
    };
}
pub(in crate::store) use table;

#[cfg(test)]
mod tests {
    use super::Table;

    table! {
        struct OneRow in "one" {
            key { id: i64 }
            fixed {}
            changing { state: String }
        }
    }

    table! {
        struct TwoRow in "two" {
            key { id: i64, part: i64 }
            fixed { made_at: i64 }
            changing { state: String, ended_at: Option<i64> }
        }
    }

    /// PostgreSQL, "UPDATE": parentheses around the values make a row, which has two columns or more.
    #[test]
    fn an_update_of_one_column_sets_no_row() {
        assert_eq!(
            OneRow::UPDATE,
            "update one set state = $2 where (id) = ($1)"
        );
        assert_eq!(
            TwoRow::UPDATE,
            "update two set (state, ended_at) = ($3, $4) where (id, part) = ($1, $2)"
        );
    }
}
