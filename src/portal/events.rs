//! `/account/events`, and the same of each stage: tells an open page within two seconds that its session has ended (S29–S31).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};

use super::session::is_in_use;
use super::state::{Portal, PortalState};
use super::texts;
use super::visit::Visit;
use crate::domain::sign_in::Stage;
use crate::http::RequestPermit;
use crate::store::SessionEnd;

/// How often the session is read.
const POLL_INTERVAL: Duration = Duration::from_millis(700);

/// How long one connection listens; then the browser reconnects by itself (HTML, "Server-sent events").
const LISTEN_FOR: Duration = Duration::from_secs(90);

/// How often a comment is sent, so that neither a proxy nor our own deadlines take the connection for dead.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// How soon the browser reconnects, so that the notice still comes within two seconds.
const RECONNECT_AFTER: Duration = Duration::from_millis(500);

/// How soon it reconnects if there was no permit for it.
const RETRY_AFTER: Duration = Duration::from_millis(1500);

/// By default nginx holds an answer back until a buffer is full or the answer ends (nginx, "Module `ngx_http_proxy_module`",
/// `proxy_buffering`), and the browser would learn too late how soon to reconnect.
const UNBUFFERED: [(&str, &str); 1] = [("x-accel-buffering", "no")];

/// `GET /account/events`.
pub(super) async fn of_account(
    State(portal): PortalState,
    extensions: Extensions,
    headers: HeaderMap,
) -> Result<Response, Response> {
    stream_end(portal, Stage::Open, &extensions, &headers).await
}

/// `GET /verify/events`.
pub(super) async fn of_verify(
    State(portal): PortalState,
    extensions: Extensions,
    headers: HeaderMap,
) -> Result<Response, Response> {
    stream_end(portal, Stage::Code, &extensions, &headers).await
}

/// `GET /new-password/events`.
pub(super) async fn of_new_password(
    State(portal): PortalState,
    extensions: Extensions,
    headers: HeaderMap,
) -> Result<Response, Response> {
    stream_end(portal, Stage::NewPassword, &extensions, &headers).await
}

/// One event when the session ends.
async fn stream_end(
    portal: Arc<Portal>,
    stage: Stage,
    extensions: &Extensions,
    headers: &HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, headers).await?;
    let permit = portal.listeners.acquire_now(extensions).await;
    let key = match visit.at(stage) {
        // After an error a browser never reconnects, so a page without a permit gets an empty stream.
        Ok(_) if permit.is_none() => {
            return Ok((UNBUFFERED, Sse::new(retry(RETRY_AFTER))).into_response());
        }
        Ok(found) => found.session.session_key.clone(),
        // A browser that was offline when its session ended is told when it reconnects.
        Err(elsewhere) => match visit.session_end().await? {
            Some((key, _)) => key,
            None => return Err(elsewhere),
        },
    };
    let events = retry(RECONNECT_AFTER).chain(end_event(Arc::clone(&portal), key, permit));
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_INTERVAL));
    Ok((UNBUFFERED, events).into_response())
}

/// Tells the browser when to reconnect.
fn retry(after: Duration) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::once(async move { Ok(Event::default().retry(after)) })
}

/// The event when the session ends; none if it does not end in time.
fn end_event(
    portal: Arc<Portal>,
    key: String,
    permit: Option<RequestPermit>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let event = async move {
        let _permit = permit;
        let has_ended = tokio::time::timeout(LISTEN_FOR, wait_for_end(&portal, &key)).await;
        if !has_ended.unwrap_or(false) {
            return None;
        }
        // If the store does not answer, the sign-in page says why.
        let end = portal.app.store.session_end(&key).await.ok().flatten();
        let end = end.unwrap_or(SessionEnd::Other);
        let event = if end == SessionEnd::Reset {
            "reset"
        } else {
            "ended"
        };
        let text = texts::page_outdated(end, &portal.app.zone, portal.app.clock.now());
        Some(Ok(Event::default().event(event).data(text)))
    };
    stream::once(event).filter_map(std::future::ready)
}

/// True when the session has ended; false when the program stops first.
async fn wait_for_end(portal: &Portal, key: &str) -> bool {
    loop {
        match portal.app.store.session(key).await {
            Ok(Some(found)) if is_in_use(&found.member) => {}
            Ok(Some(_) | None) => return true,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the session of an open page could not be read"
                );
            }
        }
        tokio::time::sleep(POLL_INTERVAL).await;
        if portal.app.tasks.is_closed() {
            return false;
        }
    }
}
