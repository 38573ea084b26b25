//! Whoever came to the end of a way in a browser reads a page, and not an empty answer: an unknown address, a method that a
//! page does not have, a form that was too large.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::page::{self, Frame, PlainPage};
use super::response_headers;
use super::state::{Portal, PortalState};
use super::texts;

/// The answer to an address that nothing else has. The page repeats nothing of the address.
pub(super) async fn unknown(
    State(portal): PortalState,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) || !wants_page(&headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let page = page_of(&portal, StatusCode::NOT_FOUND);
    response_headers::add(State(portal), page).await
}

/// Puts a page in place of an error without one.
pub(super) async fn fill(State(portal): PortalState, request: Request, next: Next) -> Response {
    let wants_page = wants_page(request.headers());
    let response = next.run(request).await;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || !wants_page || is_ours(&response) {
        return response;
    }
    let mut page = page_of(&portal, status);
    for name in [header::ALLOW, header::CONNECTION] {
        if let Some(value) = response.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    page
}

/// True for a page or a stream of events. The framework answers in plain text to a path that it cannot read.
fn is_ours(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| {
            ["text/html", "text/event-stream"]
                .iter()
                .any(|own| kind.starts_with(own))
        })
}

/// True for a browser that opens a page. Programs ask for anything, or for nothing in particular.
fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("text/html"))
}

fn page_of(portal: &Portal, status: StatusCode) -> Response {
    let text = if status == StatusCode::NOT_FOUND {
        texts::no_page()
    } else if status.is_server_error() {
        texts::unavailable()
    } else {
        texts::form_not_taken()
    };
    let frame = Frame::of(portal);
    page::html(status, &PlainPage { frame, text })
}
