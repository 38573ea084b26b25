//! A request with its answer, as the page shows it.

use serde::Serialize;

use crate::clock::rfc3339;
use crate::domain::Moment;

/// A request with its answer, in either direction.
#[derive(Clone, Serialize)]
pub(super) struct HttpExchange {
    pub(super) id: String,
    pub(super) at: String,
    pub(super) direction: &'static str,
    pub(super) title: &'static str,
    pub(super) request: ShownRequest,
    pub(super) answer: ShownAnswer,
}

#[derive(Clone, Serialize)]
pub(super) struct ShownRequest {
    pub(super) line: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

#[derive(Clone, Serialize)]
pub(super) struct ShownAnswer {
    pub(super) status: u16,
    pub(super) ms: u128,
    pub(super) body: String,
}

pub(super) fn time_of_day(now: Moment) -> String {
    rfc3339(now).chars().skip(11).take(8).collect()
}
