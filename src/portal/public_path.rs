//! Redirects lead to the path of `public_url`, below which browsers find the pages.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::state::PortalState;

/// Completes the address of a redirect: [`super::page::redirect`] names the route alone.
pub(super) async fn complete_redirect(
    State(portal): PortalState,
    mut response: Response,
) -> Response {
    let path = portal.app.organization.public_path();
    let route = response.headers().get(header::LOCATION);
    let whole = route
        .filter(|route| route.as_bytes().starts_with(b"/"))
        .map(|route| [path.as_bytes(), route.as_bytes()].concat());
    if let Some(Ok(whole)) = whole.as_deref().map(HeaderValue::from_bytes) {
        response.headers_mut().insert(header::LOCATION, whole);
    }
    response
}
