//! `/account/events`: tells an open page within two seconds that its session has ended (S29–S31).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};

use super::session::{is_in_use, token_of};
use super::state::{Portal, PortalState};
use super::texts;
use super::visit::Visit;
use crate::domain::sign_in::Stage;
use crate::http::RequestPermit;

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

/// `GET /account/events`: one event when the session ends.
pub(super) async fn stream_end(
    State(portal): PortalState,
    extensions: Extensions,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let permit = portal.listeners.acquire_now(&extensions).await;
    let key = match visit.at(Stage::Open) {
        // After an error a browser never reconnects, so a page without a permit gets an empty stream.
        Ok(_) if permit.is_none() => {
            return Ok((UNBUFFERED, Sse::new(retry(RETRY_AFTER))).into_response());
        }
        Ok(found) => found.session.session_key.clone(),
        // A browser that was offline when a reset ended its session is told when it reconnects.
        Err(elsewhere) => match ended_by_reset(&visit, &headers).await? {
            Some(key) => key,
            None => return Err(elsewhere),
        },
    };
    let events = retry(RECONNECT_AFTER).chain(end_event(Arc::clone(&portal), key, permit));
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_INTERVAL));
    Ok((UNBUFFERED, events).into_response())
}

/// The key of the browser's session, if a reset ended it.
async fn ended_by_reset(
    visit: &Visit<'_>,
    headers: &HeaderMap,
) -> Result<Option<String>, Response> {
    let token = token_of(visit.portal, headers)
        .await
        .map_err(|error| visit.unavailable(&error))?;
    let Some(key) = token.map(|token| token.key()) else {
        return Ok(None);
    };
    let was_signed_out = visit.portal.app.store.was_signed_out(&key).await;
    let was_signed_out = was_signed_out.map_err(|error| visit.unavailable(&error))?;
    Ok(was_signed_out.then_some(key))
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
        // If the store does not answer: the member's own ways to end a session are rare where the page stays open.
        let was_reset = portal.app.store.was_signed_out(&key).await.unwrap_or(true);
        let (event, text) = if was_reset {
            ("reset", texts::SESSION_RESET)
        } else {
            ("ended", texts::SESSION_ENDED)
        };
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
