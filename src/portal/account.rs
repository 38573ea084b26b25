//! The page of somebody who is signed in: their sessions, a change of the password, and the live notice of a reset.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};

use super::check::confirm;
use super::sign_in::{denied_words, set_own};
use super::visit::{Frame, Visit, go, is_in_use, named_session};
use super::{Portal, Shared};
use crate::domain::sign_in::Stage;
use crate::store::SignedIn;

/// How often an open page looks whether its session still stands; the notice is promised within two seconds (S31).
const LOOK_EVERY: Duration = Duration::from_millis(700);

/// How long one connection listens; then the browser comes back by itself (HTML, "Server-sent events").
const LISTEN_FOR: Duration = Duration::from_secs(90);

/// How often a comment line goes out, so that neither a proxy nor our own deadlines take it for dead.
const SIGN_OF_LIFE_EVERY: Duration = Duration::from_secs(20);

/// How soon it comes back, so that the notice still keeps its two seconds.
const COME_BACK_AFTER: Duration = Duration::from_millis(500);

/// When a page asks again that found no place to wait.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(1500);

/// S29, S30: what an open page says when its session ended.
const ENDED: &str =
    "Your password was reset by an administrator. Please verify your identity to sign in again.";

/// The same where it ended in another way.
const OVER: &str = "This session has ended. Please sign in again.";

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    name: String,
    email: String,
    sessions: Vec<Shown>,
    least: usize,
}

struct Shown {
    agent: String,
    since: String,
    is_this: bool,
}

async fn show(
    visit: &Visit<'_>,
    found: &SignedIn,
    status: StatusCode,
    frame: Frame,
) -> Result<Response, Response> {
    let app = &visit.portal.app;
    let now = app.clock.now();
    let sessions = app
        .store
        .sessions(&found.session.member_id)
        .await
        .map_err(|_| visit.unavailable())?;
    let sessions = sessions
        .into_iter()
        .filter(|session| session.stage == Stage::Open)
        .map(|session| Shown {
            is_this: session.session_key == found.session.session_key,
            since: app.zone.tell(session.began_at, now),
            agent: session
                .agent
                .unwrap_or_else(|| "A browser without a name".to_owned()),
        })
        .collect();
    let page = AccountPage {
        frame,
        name: found.member.name.clone(),
        email: found.member.business_email.clone(),
        sessions,
        least: app.organization.own_password_least,
    };
    Ok(visit.page(status, &page))
}

/// `GET /account`.
pub(super) async fn page(State(portal): Shared, headers: HeaderMap) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::Open)?;
    show(&visit, found, StatusCode::OK, visit.frame()).await
}

/// `POST /account/password`: the present password is asked for, and this session goes on.
pub(super) async fn password(
    State(portal): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::Open)?;
    let fields = visit.form(&headers, &body)?;
    let passes_lock = match confirm(&visit, found, fields.get("current")).await? {
        Ok(passes_lock) => passes_lock,
        Err((status, why)) => return show(&visit, found, status, visit.frame_with(why)).await,
    };
    match set_own(&visit, found, &fields, passes_lock).await? {
        Ok(token) => Ok(visit.go_with("/account", &token)),
        Err(denied) => {
            show(
                &visit,
                found,
                StatusCode::UNPROCESSABLE_ENTITY,
                visit.frame_with(denied_words(denied)),
            )
            .await
        }
    }
}

/// `POST /account/sessions`: ends this session, or all others.
pub(super) async fn sessions(
    State(portal): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::Open)?;
    let fields = visit.form(&headers, &body)?;
    let others = match fields.get("end") {
        "others" => true,
        "this" => false,
        _ => return Ok(StatusCode::BAD_REQUEST.into_response()),
    };
    let (member, this) = (&found.session.member_id, found.session.session_key.clone());
    if others {
        // First, so that nothing is left half done where it fails.
        let own = visit.device_key(member);
        portal
            .app
            .store
            .forget_devices(member, own.as_deref())
            .await
            .map_err(|_| visit.unavailable())?;
    }
    portal
        .app
        .store
        .end_sessions(member, this, others)
        .await
        .map_err(|_| visit.unavailable())?;
    Ok(if others {
        go("/account")
    } else {
        visit.go_with("/signin", "")
    })
}

/// `GET /account/events`: one event when the session ends, within two seconds of a reset (S29–S31).
pub(super) async fn events(
    State(portal): Shared,
    extensions: Extensions,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let place = portal.listeners.take_now(&extensions).await;
    // Whoever was away while it happened hears of it when they come back.
    let key = match visit.at(Stage::Open) {
        // A browser gives up for good on an error, so a page without a place comes back in a while.
        Ok(_) if place.is_none() => {
            let later = stream::once(async {
                Ok::<_, Infallible>(Event::default().retry(ASK_AGAIN_AFTER))
            });
            return Ok(Sse::new(later).into_response());
        }
        Ok(found) => found.session.session_key.clone(),
        Err(elsewhere) => match named_session(&portal, &headers).await? {
            Some((key, _))
                if portal
                    .app
                    .store
                    .was_signed_out(&key)
                    .await
                    .map_err(|_| visit.unavailable())? =>
            {
                key
            }
            Some(_) | None => return Err(elsewhere),
        },
    };
    let ended = stream::unfold(Some((Arc::clone(&portal), key, place)), |state| async {
        let (portal, key, _place) = state?;
        let heard = tokio::time::timeout(LISTEN_FOR, wait_for_end(&portal, &key))
            .await
            .unwrap_or(false);
        if !heard {
            return None;
        }
        // A session that ended from outside was ended by a reset; the member ends their own in other ways.
        let was_reset = portal.app.store.was_signed_out(&key).await.unwrap_or(true);
        let (event, text) = if was_reset {
            ("reset", ENDED)
        } else {
            ("ended", OVER)
        };
        Some((
            Ok::<_, Infallible>(Event::default().event(event).data(text)),
            None,
        ))
    });
    let soon = stream::once(async { Ok(Event::default().retry(COME_BACK_AFTER)) });
    let alive = KeepAlive::new().interval(SIGN_OF_LIFE_EVERY);
    Ok(Sse::new(soon.chain(ended))
        .keep_alive(alive)
        .into_response())
}

/// True when the session ended; false when the program stops first.
async fn wait_for_end(portal: &Portal, key: &str) -> bool {
    loop {
        match portal.app.store.session(key).await {
            Ok(Some(found)) if is_in_use(&found.member) => {}
            Ok(Some(_) | None) => return true,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an open page could not be looked after"
                );
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
        if portal.app.tasks.is_closed() {
            return false;
        }
    }
}
