//! Reads the body of a request within its limit and its deadline.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use zeroize::Zeroizing;

use super::progress::RequestProgress;

/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(5);

/// Reads a body of at most `limit` bytes. It is wiped when it is dropped, because it may hold a password.
pub(crate) async fn read_body(
    parts: &Parts,
    body: Body,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, StatusCode> {
    // A declared length over the limit is refused before anything is read.
    let declared = parts.headers.get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    // As large as it can become from the start: a buffer that grows leaves copies behind.
    let most = body
        .size_hint()
        .upper()
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or(limit);
    let mut whole = Zeroizing::new(Vec::with_capacity(most.min(limit)));
    let read = async {
        let mut body = Limited::new(body, limit);
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                whole.extend_from_slice(&data);
            }
        }
        Ok::<_, axum::BoxError>(())
    };
    match tokio::time::timeout(BODY_DEADLINE, read).await {
        Ok(Ok(())) => {
            if let Some(progress) = parts.extensions.get::<RequestProgress>() {
                progress.body_was_read();
            }
            Ok(whole)
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(error)) => {
            tracing::debug!(error = &*error, "the body of a request broke off");
            Err(StatusCode::BAD_REQUEST)
        }
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}
