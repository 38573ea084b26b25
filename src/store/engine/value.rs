//! Parameters and columns: each is text or an integer.

use std::error::Error;
use std::str::FromStr;

use sqlx::sqlite::SqliteRow;
use sqlx::{Column, Row as _};

use crate::domain::code_alone::CodeUse;
use crate::domain::contacts::AddedAs;
use crate::domain::look_up::Tried;
use crate::domain::sign_in::{CodePurpose, LockedBy, Stage};
use crate::domain::{
    Carries, Channel, CheckId, CodeUseId, Delivery, LogLine, MemberId, Moment, Platform, ResetId,
    State, Step, StepOutcome,
};

/// A row of SQLite; no other file but this and `tx.rs` knows its type.
pub(in crate::store) struct Row(pub(super) SqliteRow);

impl Row {
    /// Reads a column that holds text.
    fn text(&self, at: usize) -> Result<Option<&str>, sqlx::Error> {
        self.0.try_get(at)
    }

    /// Reads a column that holds an integer.
    fn int(&self, at: usize) -> Result<Option<i64>, sqlx::Error> {
        self.0.try_get(at)
    }

    /// The name of a column.
    pub(super) fn column(&self, at: usize) -> &str {
        self.0.columns().get(at).map_or("?", Column::name)
    }
}

/// A parameter of a statement. A null has a type too, because PostgreSQL asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Param {
    Text(Option<String>),
    /// A number, a moment or a flag.
    Int(Option<i64>),
}

/// A type that one column holds.
pub(in crate::store) trait Scalar: Sized {
    /// The value of a column; none for null.
    fn read(row: &Row, at: usize) -> Result<Option<Self>, Box<dyn Error + Send + Sync>>;

    /// The parameter that writes it; null for none.
    fn param(value: Option<&Self>) -> Param;
}

/// Whatever can be passed to a statement.
pub(in crate::store) trait ToParam {
    fn to_param(&self) -> Param;
}

impl<T: Scalar> ToParam for T {
    fn to_param(&self) -> Param {
        T::param(Some(self))
    }
}

impl<T: Scalar> ToParam for Option<T> {
    fn to_param(&self) -> Param {
        T::param(self.as_ref())
    }
}

impl ToParam for str {
    fn to_param(&self) -> Param {
        Param::Text(Some(self.to_owned()))
    }
}

/// The parameters of a statement, in order.
macro_rules! params {
    () => { Vec::new() };
    ($($value:expr),+ $(,)?) => {{
        use $crate::store::engine::ToParam as _;
        vec![$($value.to_param()),+]
    }};
}
pub(in crate::store) use params;

/// A type that is kept in its written form.
pub(in crate::store) trait Written: FromStr + ToString {}

impl<T> Scalar for T
where
    T: Written<Err: Error + Send + Sync + 'static>,
{
    fn read(row: &Row, at: usize) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
        Ok(row.text(at)?.map(T::from_str).transpose()?)
    }

    fn param(value: Option<&Self>) -> Param {
        Param::Text(value.map(ToString::to_string))
    }
}

macro_rules! text {
    ($($type:ty),+ $(,)?) => { $(impl Written for $type {})+ };
}

text! {
    String, MemberId, ResetId, CheckId, Platform, State, Delivery, Carries, Step, StepOutcome, Channel, AddedAs, Tried, LockedBy,
    Stage, LogLine, CodePurpose, CodeUse, CodeUseId,
}

macro_rules! int {
    ($($type:ty),+ $(,)?) => {$(
        impl Scalar for $type {
            fn read(row: &Row, at: usize) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
                Ok(row.int(at)?.map(<$type>::try_from).transpose()?)
            }

            fn param(value: Option<&Self>) -> Param {
                Param::Int(value.map(|value| i64::from(*value)))
            }
        }
    )+};
}

int!(i64, u32, u16);

impl Scalar for Moment {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
        Ok(row.int(at)?.map(Moment))
    }

    fn param(value: Option<&Self>) -> Param {
        Param::Int(value.map(|moment| moment.0))
    }
}

/// A flag is a number, because SQLite has no other type for it.
impl Scalar for bool {
    fn read(row: &Row, at: usize) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
        Ok(row.int(at)?.map(|flag| flag != 0))
    }

    fn param(value: Option<&Self>) -> Param {
        Param::Int(value.map(|flag| i64::from(*flag)))
    }
}
