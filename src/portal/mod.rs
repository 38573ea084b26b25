//! The member's pages: sign in, prove who you are, set a password of your own.
//!
//! Nothing here trusts the password of a reset alone (S39): it opens a session at the stage "code", from which
//! only the code on record leads on. Every page asks for the stage that it belongs to and answers with a redirect to the
//! one that is allowed. To add a page: a template in `pages/`, a handler, its route and its stage.

#![expect(
    clippy::result_large_err,
    reason = "an early answer is as large as a late one"
)]

mod account;
mod check;
mod claim;
mod contacts;
mod not_me;
mod sign_in;
mod tries;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRef, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use zeroize::Zeroizing;

use self::tries::{Throttle, UnderWay};
use crate::app::App;
use crate::directory::Builtin;
use crate::http::{Pool, read_body};

/// The largest form, in bytes.
const FORM_LIMIT: usize = 16 * 1024;

/// How long a page may wait for a place.
const PLACE_DEADLINE: Duration = Duration::from_secs(5);

/// What every page needs.
#[derive(Clone)]
struct Portal {
    app: Arc<App>,
    builtin: Builtin,
    throttle: Arc<Throttle>,
    under_way: UnderWay,
    /// Places for open pages that wait for the notice of a reset.
    listeners: Arc<Pool>,
    /// Places for requests that are at work.
    places: Arc<Pool>,
    /// The turn to have a new password judged: one at a time, so that a core is left for those who are answered.
    judge: Arc<Semaphore>,
    /// False only where the pages are served on this machine itself, without TLS.
    is_secure: bool,
    /// The names of the cookies of a session and a device have the prefix `__Host-`.
    has_prefix: bool,
}

impl Portal {
    /// True for the origin of our own pages, as far as it is known.
    fn is_own_origin(&self, origin: &str) -> bool {
        let own = self.app.organization.public_url.as_ref();
        own.is_none_or(|own| own.origin().ascii_serialization() == origin)
    }
}

type Shared = State<Arc<Portal>>;

/// The pages by the settings of the start; each request sees them by those of now.
#[derive(Clone)]
struct Pages(Arc<Portal>);

impl FromRef<Pages> for Arc<Portal> {
    fn from_ref(pages: &Pages) -> Self {
        let Pages(first) = pages;
        let app = first.app.present();
        if Arc::ptr_eq(&app, &first.app) {
            return Arc::clone(first);
        }
        // Where the built-in directory left the settings, its pages stay until the restart.
        let builtin = app.directories.builtin().unwrap_or(&first.builtin).clone();
        let (is_secure, has_prefix) = (is_secure(&app), has_prefix(&app));
        Arc::new(Portal {
            app,
            builtin,
            is_secure,
            has_prefix,
            ..Portal::clone(first)
        })
    }
}

/// False only where the pages are served on this machine itself, without TLS.
fn is_secure(app: &App) -> bool {
    app.organization
        .public_url
        .as_ref()
        .is_none_or(|url| url.scheme() != "http")
}

/// The prefix `__Host-` wants `Secure` and the path `/` (RFC 6265bis, section 4.1.3.2).
fn has_prefix(app: &App) -> bool {
    let has_path = app
        .organization
        .public_url
        .as_ref()
        .is_some_and(|url| !url.path().trim_matches('/').is_empty());
    is_secure(app) && !has_path
}

/// The routes of the member's pages; none where no built-in directory is served.
pub fn router(app: &Arc<App>) -> Router {
    let Some(builtin) = app.directories.builtin() else {
        return Router::new();
    };
    let portal = Portal {
        app: Arc::clone(app),
        builtin: builtin.clone(),
        throttle: Arc::default(),
        under_way: UnderWay::default(),
        listeners: Pool::of_listeners(),
        places: Pool::of_pages(),
        judge: Arc::new(Semaphore::new(1)),
        is_secure: is_secure(app),
        has_prefix: has_prefix(app),
    };
    let portal = Pages(Arc::new(portal));
    Router::new()
        .route("/signin", get(sign_in::form).post(sign_in::sign_in))
        .route("/verify", get(sign_in::code_form).post(sign_in::verify))
        .route(
            "/new-password",
            get(sign_in::password_form).post(sign_in::new_password),
        )
        .route("/account", get(account::page))
        .route("/account/events", get(account::events))
        .route("/account/password", post(account::password))
        .route("/account/sessions", post(account::sessions))
        .route("/contacts", get(contacts::page).post(contacts::add))
        .route("/claim/{token}", get(claim::page).post(claim::claim))
        .route("/not-me/{token}", get(not_me::page).post(not_me::close))
        .route(
            "/portal.css",
            get(async || {
                (
                    [(header::CONTENT_TYPE, "text/css")],
                    include_str!("pages/portal.css"),
                )
            }),
        )
        .route("/portal.js", get(script))
        .layer(axum::middleware::from_fn_with_state(
            portal.clone(),
            visit::renamed,
        ))
        .layer(axum::middleware::from_fn_with_state(
            portal.clone(),
            with_place,
        ))
        .layer(axum::middleware::from_fn(read_whole))
        .layer(axum::middleware::map_response_with_state(
            portal.clone(),
            visit::guarded,
        ))
        .with_state(portal)
}

/// Reads the form before anything else, within its limit and its deadline. Its memory is wiped when the request is done,
/// because it may hold a password; what the connection itself read belongs to the web server.
async fn read_whole(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match read_body(&parts, body, FORM_LIMIT).await {
        Ok(body) => {
            let body = Bytes::from_owner(Zeroizing::new(body));
            next.run(Request::from_parts(parts, Body::from(body))).await
        }
        Err(status) => status.into_response(),
    }
}

/// Takes a place for a request that was read, until its answer is there. An open page that listens needs none then: it
/// has one of its own.
async fn with_place(State(portal): Shared, request: Request, next: Next) -> Response {
    let until = Instant::now() + PLACE_DEADLINE;
    let Some(_place) = portal.places.take(request.extensions(), until).await else {
        tracing::warn!("refused a page: all places for pages are taken");
        return visit::unavailable(&portal);
    };
    next.run(request).await
}

async fn script() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/javascript")],
        include_str!("pages/portal.js"),
    )
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    /// Reads a piece of this process's memory. A read that fails is an error, because it would show nothing.
    fn read_memory(into: &mut [u8], at: u64) {
        File::open("/proc/self/mem")
            .unwrap()
            .read_exact_at(into, at)
            .unwrap();
    }

    fn count(memory: &[u8]) -> usize {
        memory
            .windows(5)
            .filter(|window| window == b"loud+")
            .count()
    }

    /// Where a form lay in memory there is nothing of it left when the request is done. While it is being answered the
    /// same read finds the form.
    #[cfg_attr(not(target_os = "linux"), ignore = "only Linux has /proc/self/mem")]
    #[tokio::test]
    async fn a_form_leaves_nothing_behind_in_memory() {
        // Made first, so that it does not take the place of the form.
        let mut memory = vec![0; 6400];
        let tell_where = post(async |body: Bytes| {
            let mut seen = vec![0; body.len()];
            let at = u64::try_from(body.as_ptr().addr()).unwrap();
            read_memory(&mut seen, at);
            format!("{at} {} {}", body.len(), count(&seen))
        });
        let routes = Router::new()
            .route("/", tell_where)
            .layer(axum::middleware::from_fn(read_whole));
        let form = Body::from("password=nine+loud+otters+sleep&".repeat(200));
        let answer = routes
            .oneshot(Request::post("/").body(form).unwrap())
            .await
            .unwrap();
        let told = answer.into_body().collect().await.unwrap().to_bytes();
        let told = String::from_utf8(told.to_vec()).unwrap();
        let numbers: Vec<u64> = told
            .split(' ')
            .map(|number| number.parse().unwrap())
            .collect();
        assert_eq!(
            numbers[1..],
            [6400, 200],
            "the form is found while it is there"
        );
        read_memory(&mut memory, numbers[0]);
        assert_eq!(count(&memory), 0);
    }
}
