//! `/verify`: the code that proves the person, after the password of a reset or too many wrong passwords.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::code::{self, CodeNotSent, CodeSent, SIGN_IN};
use super::code_sign_in;
use super::new_session::new_token;
use super::page::{Frame, redirect};
use super::session::key_of;
use super::state::PortalState;
use super::texts;
use super::visit::Visit;
use crate::directory::to_member;
use crate::domain::Destination;
use crate::domain::sign_in::{AccountState, Admission, LockedBy, Stage, admit};
use crate::flow::messages;
use crate::store::{Proof, SignedIn};

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage {
    frame: Frame,
    /// Where the code goes, masked; empty where none is on its way.
    mask: String,
    /// The password of a reset was typed, and not the member's own after too many wrong ones.
    is_reset: bool,
}

/// `GET /verify`.
pub(super) async fn page(
    State(portal): PortalState,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    if visit.code_sign_in.is_some() {
        return Ok(code_sign_in::page(&visit));
    }
    let found = visit.at(Stage::Code)?;
    let frame = if mask_of(found).is_empty() {
        let refused = code::refusal_at(query.as_deref());
        visit.frame_with(refused.as_ref().map_or(texts::NO_CODE, texts::code_refused))
    } else {
        visit.frame()
    };
    Ok(show(&visit, found, StatusCode::OK, frame, mask_of(found)))
}

/// `POST /verify`: a typed code, or the request for another one.
pub(super) async fn submit(
    State(portal): PortalState,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    if let Some(row) = &visit.code_sign_in {
        let typed = code::digits(visit.form(&headers, &body)?.text("code"));
        return code_sign_in::prove(&visit, row, &typed).await;
    }
    let found = visit.at(Stage::Code)?;
    let fields = visit.form(&headers, &body)?;
    if fields.text("again").is_empty() {
        prove(&visit, found, &code::digits(fields.text("code"))).await
    } else {
        send_another(&visit, found).await
    }
}

/// Checks a typed code. A right one continues the session under a new key.
async fn prove(visit: &Visit<'_>, found: &SignedIn, typed: &str) -> Result<Response, Response> {
    let (session_key, token) = (found.session.session_key.clone(), new_token(visit)?);
    let digest = code::digest(visit.portal, &session_key, SIGN_IN.1, typed);
    let member = &found.session.member_id;
    let store = &visit.portal.app.store;
    let proof = store
        .prove(member, session_key, digest, key_of(&token))
        .await;
    let again = |problem: String| {
        let frame = visit.frame_with(problem);
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Ok(show(visit, found, status, frame, mask_of(found)))
    };
    match proof.map_err(|error| visit.unavailable(&error))? {
        Proof::Right if is_reset(found) => Ok(visit.redirect_with_session("/new-password", &token)),
        Proof::Right => {
            let mut response = visit.redirect_with_session("/account", &token);
            visit.remember_device(&mut response, member, &token).await;
            Ok(response)
        }
        Proof::Wrong(left) => again(messages::wrong_code(left)),
        Proof::Over | Proof::TooMany => again(texts::CODE_OVER.to_owned()),
        Proof::NoSession => Ok(redirect("/signin")),
    }
}

/// Sends another code, and shows the page again.
async fn send_another(visit: &Visit<'_>, found: &SignedIn) -> Result<Response, Response> {
    let not_sent = |why: &str, mask: String| {
        let (status, frame) = (StatusCode::TOO_MANY_REQUESTS, visit.frame_with(why));
        Ok(show(visit, found, status, frame, mask))
    };
    let Some(to) = destination_now(visit, found).await? else {
        return not_sent(texts::NO_CONTACT_NOW, mask_of(found));
    };
    let notice = match code::send(visit.portal, &found.session, &to, SIGN_IN).await {
        Ok(CodeSent::Accepted) => texts::CODE_SENT,
        Ok(CodeSent::Perhaps) => texts::CODE_PERHAPS_SENT,
        Err(CodeNotSent::NoSession) => return Ok(redirect("/signin")),
        Err(CodeNotSent::NotMade(why)) => return not_sent(&why, mask_of(found)),
        Err(CodeNotSent::Refused(why)) => {
            return not_sent(texts::code_refused(&why), String::new());
        }
    };
    let frame = Frame {
        notice: notice.to_owned(),
        ..visit.frame()
    };
    Ok(show(visit, found, StatusCode::OK, frame, to.masked()))
}

/// Where the next code goes; none if it can go nowhere. The contacts are read again: one that was removed meanwhile gets
/// no code.
async fn destination_now(
    visit: &Visit<'_>,
    found: &SignedIn,
) -> Result<Option<Destination>, Response> {
    let app = &visit.portal.app;
    let member = to_member(&found.member, &app.organization.company)
        .map_err(|error| visit.unavailable(&error))?;
    // If the lock was lifted meanwhile, the session still asks for the code.
    let lock = found
        .account
        .lock()
        .or((!is_reset(found)).then_some(LockedBy::Passwords));
    let state = AccountState {
        temporary_until: found.account.temporary_until,
        lock,
    };
    let destinations = code::destinations(visit, &member).await?;
    Ok(
        match admit(&member, state, &destinations, app.clock.now()) {
            Admission::Code(to) => Some(to),
            Admission::Open | Admission::NoMethod | Admission::Ended(_) | Admission::Refused => {
                None
            }
        },
    )
}

fn show(
    visit: &Visit<'_>,
    found: &SignedIn,
    status: StatusCode,
    frame: Frame,
    mask: String,
) -> Response {
    let page = VerifyPage {
        frame,
        mask,
        is_reset: is_reset(found),
    };
    visit.page(status, &page)
}

fn mask_of(found: &SignedIn) -> String {
    found.session.code_mask.clone().unwrap_or_default()
}

/// True if the password was that of a reset.
fn is_reset(found: &SignedIn) -> bool {
    found.account.temporary_until.is_some()
}
