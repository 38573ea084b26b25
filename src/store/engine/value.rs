//! Parameters and columns: each is text or an integer.

use std::error::Error;
use std::str::FromStr;

use super::Row;
use crate::domain::contacts::AddedAs;
use crate::domain::look_up::Tried;
use crate::domain::sign_in::{LockedBy, Stage};
use crate::domain::{
    Carries, Channel, CheckId, Delivery, MemberId, Moment, Platform, ResetId, State, Step,
    StepOutcome,
};

/// A parameter of a statement. A null has a type too, because PostgreSQL asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Param {
    /// A string.
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
    /// As a parameter.
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

/// Types that are kept in their written form.
macro_rules! text {
    ($($type:ty),+ $(,)?) => {$(
        impl Scalar for $type {
            fn read(row: &Row, at: usize) -> Result<Option<Self>, Box<dyn Error + Send + Sync>> {
                Ok(row.text(at)?.map(<$type>::from_str).transpose()?)
            }

            fn param(value: Option<&Self>) -> Param {
                Param::Text(value.map(ToString::to_string))
            }
        }
    )+};
}

text! {
    String, MemberId, ResetId, CheckId, Platform, State, Delivery, Carries, Step, StepOutcome, Channel, AddedAs, Tried, LockedBy,
    Stage, super::super::pins::PinnedBy,
}

/// Numbers.
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
