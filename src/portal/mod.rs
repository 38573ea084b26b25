//! The member's pages: sign in, prove who you are, set a password of your own.
//!
//! Nothing here trusts the password of a reset alone (S39): it opens a session at the stage "code", from which only the
//! code sent to a contact on record leads on. Each page asks for the session stage that it belongs to; at another stage it
//! answers with a redirect to the page that is allowed. To add a page: a template in `pages/`, a file with its handlers, its
//! sentences in `texts.rs`, and its route below. Links and forms in a template begin with `{{ frame.public_path }}`.

#![expect(
    clippy::result_large_err,
    reason = "an early answer is as large as a late one"
)]

mod account;
mod claim;
mod code;
mod code_sign_in;
mod contacts;
mod cookies;
mod dead_ends;
mod done;
mod events;
mod forgotten;
mod guessable;
mod intake;
mod new_password;
mod new_session;
mod not_me;
mod not_me_code;
mod own_password;
mod page;
mod password_check;
mod public_path;
mod response_headers;
mod running_tries;
mod session;
mod sign_in;
mod state;
mod texts;
mod throttle;
mod user_agent;
mod verify;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state, map_response_with_state};
use axum::response::IntoResponse;
use axum::routing::get;

pub(crate) use self::guessable::{KnownWords, is_guessable, rated_part};
use self::state::{Portal, PortalAtStart};
use crate::app::App;

/// The routes of the pages; none without a built-in directory.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let Some(builtin) = app.directories.builtin() else {
        return Router::new();
    };
    let portal = PortalAtStart(Arc::new(Portal::new(app, builtin)));
    Router::new()
        .route("/", get(async || page::redirect("/signin")))
        .route("/signin", get(sign_in::page).post(sign_in::submit))
        .route("/verify", get(verify::page).post(verify::submit))
        .route(
            "/new-password",
            get(new_password::page).post(new_password::submit),
        )
        .route("/account", get(account::page))
        .route("/account/events", get(events::of_account))
        .route("/verify/events", get(events::of_verify))
        .route("/new-password/events", get(events::of_new_password))
        // Back and a reload open the page that has the form.
        .route(
            "/account/password",
            get(async || page::redirect("/account")).post(account::change),
        )
        .route(
            "/account/sessions",
            get(async || page::redirect("/account")).post(account::end_sessions),
        )
        .route("/contacts", get(contacts::page).post(contacts::submit))
        .route("/claim/{token}", get(claim::page).post(claim::submit))
        .route("/not-me/{token}", get(not_me::page).post(not_me::submit))
        .route("/portal.css", get(stylesheet))
        .route("/portal.js", get(script))
        // The last layer is the outermost: it sees the request first and the answer last.
        .layer(from_fn_with_state(portal.clone(), session::rename_cookie))
        .layer(from_fn_with_state(portal.clone(), intake::take_permit))
        .layer(from_fn(intake::read_whole))
        .layer(from_fn(intake::in_span))
        .layer(from_fn_with_state(portal.clone(), dead_ends::fill))
        .layer(map_response_with_state(
            portal.clone(),
            public_path::complete_redirect,
        ))
        .layer(map_response_with_state(
            portal.clone(),
            response_headers::add,
        ))
        // After the layers: whoever sends something to an unknown address has nothing read of it.
        .fallback(dead_ends::unknown)
        .with_state(portal)
}

async fn stylesheet() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css")],
        include_str!("pages/portal.css"),
    )
}

async fn script() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/javascript")],
        include_str!("pages/portal.js"),
    )
}
