//! `/account`: the sessions of the signed-in member, and a change of the password, by the current one or by a code.

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::code;
use super::done::Done;
use super::forgotten::{self, Forgotten};
use super::own_password::{PasswordChange, change_password};
use super::page::Frame;
use super::password_check::{Confirmation, confirm};
use super::state::PortalState;
use super::texts;
use super::visit::Visit;
use crate::domain::sign_in::{CodePurpose, Stage};
use crate::store::SignedIn;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    name: String,
    email: String,
    sessions: Vec<ListedSession>,
    least: usize,
    /// Where the code went that takes the place of the current password, masked; empty where none was sent.
    code_mask: String,
    /// True where the page says that the password has just been set.
    is_password_new: bool,
}

struct ListedSession {
    agent: String,
    since: String,
    is_this: bool,
}

/// `GET /account`.
pub(super) async fn page(
    State(portal): PortalState,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::Open)?;
    show(&visit, found, StatusCode::OK, visit.frame_with_done()).await
}

/// `POST /account/password`: asks for the current password, and this session goes on. `forgotten` sends a code, and `code`
/// stands in place of the current password.
pub(super) async fn change(
    State(portal): PortalState,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::Open)?;
    let fields = visit.form(&headers, &body)?;
    let typed_code = code::digits(fields.text("code"));
    if !fields.text("forgotten").is_empty() {
        let outcome = forgotten::send_code(&visit, found).await?;
        return show_forgotten(&visit, found, outcome).await;
    }
    if !typed_code.is_empty() {
        let typed = (typed_code.as_str(), fields.text("password"));
        let outcome = forgotten::set(&visit, found, typed).await?;
        return show_forgotten(&visit, found, outcome).await;
    }
    let passes_lock = match confirm(&visit, found, fields.text("current")).await? {
        Confirmation::Right { passes_lock } => passes_lock,
        Confirmation::Refused(status, why) => {
            return show(&visit, found, status, visit.frame_with(why)).await;
        }
    };
    match change_password(&visit, found, fields.text("password"), passes_lock).await? {
        PasswordChange::Done(token) => {
            Ok(visit.redirect_done_with_session("/account", &token, Done::PasswordChanged))
        }
        PasswordChange::Denied(denied) => {
            let frame = visit.frame_with(texts::password_denied(denied));
            show(&visit, found, StatusCode::UNPROCESSABLE_ENTITY, frame).await
        }
    }
}

/// `POST /account/sessions`: ends this session, or all others.
pub(super) async fn end_sessions(
    State(portal): PortalState,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::Open)?;
    let fields = visit.form(&headers, &body)?;
    let others = match fields.text("end") {
        "others" => true,
        "this" => false,
        _ => return Ok(StatusCode::BAD_REQUEST.into_response()),
    };
    let (member, store) = (&found.session.member_id, &portal.app.store);
    if others {
        // Before the sessions: if it fails, nothing was changed yet.
        let own = visit.device_key(member);
        store
            .forget_devices(member, own.as_deref())
            .await
            .map_err(|error| visit.unavailable(&error))?;
    }
    store
        .end_sessions(member, found.session.session_key.clone(), others)
        .await
        .map_err(|error| visit.unavailable(&error))?;
    Ok(if others {
        visit.redirect_done("/account", Done::OthersSignedOut)
    } else {
        visit.redirect_signed_out()
    })
}

/// The page after a step without the current password, with the form for the code while one may be typed.
async fn show_forgotten(
    visit: &Visit<'_>,
    found: &SignedIn,
    outcome: Forgotten,
) -> Result<Response, Response> {
    let (status, frame, mask) = match outcome {
        Forgotten::Set => {
            return Ok(visit.redirect_done("/account", Done::PasswordChangedByCode));
        }
        Forgotten::Sent { mask, notice } => {
            let notice = notice.to_owned();
            let frame = Frame {
                notice,
                ..visit.frame()
            };
            (StatusCode::OK, frame, mask)
        }
        Forgotten::NotSent(status, why) => (status, visit.frame_with(why), String::new()),
        Forgotten::Refused(status, why) => {
            // Another page may have sent the last code, for something else.
            let mask = found
                .session
                .code_mask
                .clone()
                .filter(|_| found.session.code_purpose == Some(CodePurpose::NewPassword));
            (status, visit.frame_with(why), mask.unwrap_or_default())
        }
    };
    show_with_code(visit, found, status, frame, mask).await
}

async fn show(
    visit: &Visit<'_>,
    found: &SignedIn,
    status: StatusCode,
    frame: Frame,
) -> Result<Response, Response> {
    show_with_code(visit, found, status, frame, String::new()).await
}

async fn show_with_code(
    visit: &Visit<'_>,
    found: &SignedIn,
    status: StatusCode,
    frame: Frame,
    code_mask: String,
) -> Result<Response, Response> {
    let app = &visit.portal.app;
    let now = app.clock.now();
    let sessions = app
        .store
        .sessions(&found.session.member_id)
        .await
        .map_err(|error| visit.unavailable(&error))?;
    let sessions = sessions
        .into_iter()
        .filter(|session| session.stage == Stage::Open)
        .map(|session| ListedSession {
            is_this: session.session_key == found.session.session_key,
            since: app.zone.tell(session.began_at, now),
            agent: session
                .agent
                .unwrap_or_else(|| texts::UNNAMED_BROWSER.to_owned()),
        })
        .collect();
    let page = AccountPage {
        is_password_new: !frame.done.is_empty() && visit.has_new_password(),
        frame,
        name: found.member.name.clone(),
        email: found.member.business_email.clone(),
        sessions,
        least: app.organization.own_password_least,
        code_mask,
    };
    Ok(visit.page(status, &page))
}
