//! The member's pages: sign in, prove who you are, set a password of your own.
//!
//! Nothing here trusts the password of a reset alone (S39): it opens a session at the stage "code", from which
//! only the code on record leads on. Every page asks for the stage that it belongs to and answers with a redirect to the
//! one that is allowed. To add a page: a template in `pages/`, a handler, its route and its stage.

#![expect(clippy::result_large_err, reason = "an early answer is as large as a late one")]

mod account;
mod claim;
mod contacts;
mod not_me;
mod sign_in;
mod throttle;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use tokio::sync::Semaphore;

use self::throttle::Throttle;
use crate::app::App;
use crate::directory::Builtin;
use crate::http::read_body;

/// The largest form, in bytes.
const FORM_LIMIT: usize = 16 * 1024;

/// How many open pages may wait for the notice at once; a quarter of all connections.
const LISTENERS: usize = 256;

/// What every page needs.
struct Portal {
    app: Arc<App>,
    builtin: Builtin,
    throttle: Throttle,
    /// Places for open pages that wait for the notice of a reset.
    listeners: Arc<Semaphore>,
    /// The turn to have a new password judged: one at a time, so that a core is left for those who are answered.
    judge: Arc<Semaphore>,
    /// False only where the pages are served on this machine itself, without TLS.
    is_secure: bool,
}

impl Portal {
    /// True for the origin of our own pages, as far as it is known.
    fn is_own_origin(&self, origin: &str) -> bool {
        let own = self.app.house.public_url.as_ref();
        own.is_none_or(|own| own.origin().ascii_serialization() == origin)
    }
}

type Shared = axum::extract::State<Arc<Portal>>;

/// The routes of the member's pages; none where no built-in directory is served.
pub fn router(app: &Arc<App>) -> Router {
    let Some(builtin) = app.directories.builtin() else { return Router::new() };
    let is_plain = app.house.public_url.as_ref().is_some_and(|url| url.scheme() == "http");
    let portal = Portal {
        app: Arc::clone(app),
        builtin: builtin.clone(),
        throttle: Throttle::default(),
        listeners: Arc::new(Semaphore::new(LISTENERS)),
        judge: Arc::new(Semaphore::new(1)),
        is_secure: !is_plain,
    };
    let portal = Arc::new(portal);
    Router::new()
        .route("/signin", get(sign_in::form).post(sign_in::sign_in))
        .route("/verify", get(sign_in::code_form).post(sign_in::verify))
        .route("/new-password", get(sign_in::password_form).post(sign_in::new_password))
        .route("/account", get(account::page))
        .route("/account/events", get(account::events))
        .route("/account/password", post(account::password))
        .route("/account/sessions", post(account::sessions))
        .route("/contacts", get(contacts::page).post(contacts::add))
        .route("/claim/{token}", get(claim::page).post(claim::claim))
        .route("/not-me/{token}", get(not_me::page).post(not_me::close))
        .route("/portal.css", get(async || ([(header::CONTENT_TYPE, "text/css")], include_str!("pages/portal.css"))))
        .route("/portal.js", get(script))
        .layer(axum::middleware::from_fn(read_whole))
        .layer(axum::middleware::map_response_with_state(Arc::clone(&portal), visit::guarded))
        .with_state(portal)
}

/// Reads the form before anything else, within its limit and its deadline.
async fn read_whole(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match read_body(&parts.headers, body, FORM_LIMIT).await {
        Ok(body) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(status) => status.into_response(),
    }
}

async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript")], include_str!("pages/portal.js"))
}
