//! How calls to a platform's API end, in names that all platforms share.

use serde_json::Value;

use crate::domain::Span;
use crate::domain::delivery::{Outcome, Refusal};
use crate::net::{Answer, CallError};

/// Why a call to the platform's API did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No such account, or not visible to us.
    #[error("no such account")]
    NotFound,
    /// A rate limit: try again after this time.
    #[error("the platform asks to wait {0}")]
    RateLimited(Span),
    /// The app lacks a permission; the operator has to add it.
    #[error("the app lacks the permission {0}")]
    MissingScope(String),
    /// The bot token is wrong or was revoked; the operator has to look.
    #[error("the platform refuses our token: {0}")]
    Refused(String),
    /// The permission to open a form, which came with a click, is too old or was used.
    #[error("the permission to open a form is over")]
    TooLate,
    /// No answer, or one that makes no sense.
    #[error("the platform does not answer")]
    Unavailable,
}

/// The platform's `Retry-After`, or half a minute if it is missing.
pub(super) fn retry_after(seconds: Option<u64>) -> Span {
    Span::seconds(
        seconds
            .and_then(|seconds| i64::try_from(seconds).ok())
            .unwrap_or(30),
    )
}

/// Reads the answer of a REST call by its status. `scope` is the permission that a 403 means.
pub(super) fn read_rest(answer: &Answer, scope: &str) -> Result<Value, ApiError> {
    match answer.status {
        200 | 201 => read_json(&answer.body),
        404 => Err(ApiError::NotFound),
        429 => Err(ApiError::RateLimited(retry_after(answer.retry_after))),
        401 => Err(ApiError::Refused("401".to_owned())),
        403 => Err(ApiError::MissingScope(scope.to_owned())),
        _ => Err(ApiError::Unavailable),
    }
}

/// Parses an answer. One that is not of the expected form counts as no answer; its cause is logged without the body,
/// which may hold a secret.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| malformed(&error))
}

/// The same for a part of an answer.
pub(super) fn read_value<T: serde::de::DeserializeOwned>(part: Value) -> Result<T, ApiError> {
    serde_json::from_value(part).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> ApiError {
    tracing::warn!(
        // Neither the text nor the error's own words: both can quote the answer.
        line = error.line(),
        column = error.column(),
        "a platform's answer does not have the expected form"
    );
    ApiError::Unavailable
}

/// How a message ended that was sent by a call of the API. After most failures nobody can say whether it arrived.
pub(super) fn sent_outcome<T>(sent: &Result<T, ApiError>) -> Outcome {
    match sent {
        Ok(_) => Outcome::Accepted,
        Err(ApiError::NotFound) => Outcome::Refused(Refusal::Address),
        Err(ApiError::RateLimited(_)) => Outcome::Refused(Refusal::Later),
        Err(ApiError::MissingScope(_)) => Outcome::Refused(Refusal::SetUp),
        Err(ApiError::Refused(_)) => Outcome::Refused(Refusal::Credentials),
        Err(ApiError::TooLate | ApiError::Unavailable) => Outcome::Unknown,
    }
}

/// How a follow-up ended. "Certainly not sent" and "unknown" are kept apart.
pub(super) fn follow_up_outcome(answer: &Result<Answer, CallError>) -> Outcome {
    match answer {
        Ok(answer) if (200..300).contains(&answer.status) => Outcome::Accepted,
        Ok(answer) if answer.status == 429 => Outcome::Refused(Refusal::Later),
        Ok(answer) if answer.status < 500 => Outcome::Refused(Refusal::Message),
        Err(CallError::NotSent(_)) => Outcome::Refused(Refusal::Unreachable),
        Ok(_) | Err(CallError::NoAnswer(_) | CallError::TooLong(_) | CallError::Malformed) => {
            Outcome::Unknown
        }
    }
}
