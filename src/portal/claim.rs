//! `/claim/{token}`: the one-time link. Its button asks for the code, after which the member sets their own password.
//!
//! Opening the link changes nothing, because mail programs and chats open links by themselves (Discourse CVE-2019-1020018:
//! scanners used the links up). Pressing the button uses it up, and the session that begins still needs the code. In the
//! browser that has this session the link goes on to lead there; everywhere else it was used.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::code;
use super::new_session::{new_session, new_token};
use super::page::Frame;
use super::state::PortalState;
use super::texts;
use super::visit::Visit;
use crate::directory::to_member;
use crate::domain::sign_in::{AccountState, Admission, PROVING_LIFE, Stage, admit};
use crate::domain::{Carries, Destination};
use crate::flow::contacts;
use crate::secret::Link;
use crate::store::{LinkUse, ResetRow};

#[derive(Template)]
#[template(path = "claim.html")]
struct ClaimPage {
    frame: Frame,
    admin: String,
    until: String,
}

/// `GET /claim/{token}`.
pub(super) async fn page(
    State(portal): PortalState,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let row = reset_of(&visit, &token).await?;
    // The page promises the code.
    code_destination(&visit, &row).await?;
    Ok(show(&visit, row, StatusCode::OK, visit.frame()))
}

fn show(visit: &Visit<'_>, row: ResetRow, status: StatusCode, frame: Frame) -> Response {
    let app = &visit.portal.app;
    let changed_at = row.changed_at.unwrap_or(row.offered_at);
    let until = changed_at + app.organization.password_lifetime;
    let page = ClaimPage {
        frame,
        admin: row.admin_name,
        until: app.zone.tell_with_zone(until),
    };
    visit.page(status, &page)
}

/// `POST /claim/{token}`.
pub(super) async fn submit(
    State(portal): PortalState,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    visit.form(&headers, &body)?;
    let row = reset_of(&visit, &token).await?;
    let to = code_destination(&visit, &row).await?;
    let token = new_token(&visit)?;
    let member = row.member_id.clone();
    let session = new_session(&visit, &token, member, Stage::Code, PROVING_LIFE);
    let to_digest = contacts::digest(&portal.app, &row.member_id, &to);
    let store = &portal.app.store;
    let outcome = store.use_link(&row, session.clone(), to_digest).await;
    match outcome.map_err(|error| visit.unavailable(&error))? {
        LinkUse::Before => Err(used(&visit, &row)),
        LinkUse::Dead => Err(dead(&visit)),
        LinkUse::Wait(until) => {
            let why = texts::next_code_in(until - portal.app.clock.now());
            let (status, frame) = (StatusCode::TOO_MANY_REQUESTS, visit.frame_with(why));
            Ok(show(&visit, row, status, frame))
        }
        LinkUse::Now => {
            let next = code::send_first(&portal, &session, &to).await?;
            Ok(visit.redirect_with_kept_session(next, &token))
        }
    }
}

/// The reset of a link that works, or the page that says why it does not.
async fn reset_of(visit: &Visit<'_>, token: &str) -> Result<ResetRow, Response> {
    let app = &visit.portal.app;
    let id = app.keys.read_link_token(Link::Claim, token);
    let row = app.store.reset(id.ok_or_else(|| dead(visit))?).await;
    let row = row.map_err(|error| visit.unavailable(&error))?;
    let (now, life) = (app.clock.now(), app.organization.password_lifetime);
    let works = |row: &ResetRow| {
        row.carries == Carries::Link
            && row.disowned_at.is_none()
            && row
                .changed_at
                .is_some_and(|changed_at| now < changed_at + life)
    };
    let row = row.filter(works).ok_or_else(|| dead(visit))?;
    if row.link_used_at.is_some() {
        Err(used(visit, &row))
    } else {
        Ok(row)
    }
}

/// Where the code goes. If it cannot go anywhere the link is not used up: a contact may be added while it works.
async fn code_destination(visit: &Visit<'_>, row: &ResetRow) -> Result<Destination, Response> {
    let store = &visit.portal.app.store;
    let (member, account) = store
        .account_of(&row.member_id)
        .await
        .map_err(|error| visit.unavailable(&error))?
        .ok_or_else(|| dead(visit))?;
    let app = &visit.portal.app;
    let member =
        to_member(&member, &app.organization.company).map_err(|error| visit.unavailable(&error))?;
    let state = AccountState {
        temporary_until: account.temporary_until,
        lock: account.lock(),
    };
    let destinations = code::destinations(visit, &member).await?;
    match admit(&member, state, &destinations, app.clock.now()) {
        Admission::Code(to) => Ok(to),
        Admission::NoMethod => Err(code::no_destination(visit)),
        Admission::Open | Admission::Ended(_) | Admission::Refused => Err(dead(visit)),
    }
}

fn dead(visit: &Visit<'_>) -> Response {
    visit.plain(StatusCode::GONE, texts::claim_link_dead())
}

/// Where a used link leads. The browser's own session decides: the link alone opens nothing a second time, and the session
/// would lead there without it.
fn used(visit: &Visit<'_>, row: &ResetRow) -> Response {
    let goes_on = visit
        .signed_in
        .as_ref()
        .is_some_and(|found| found.session.member_id == row.member_id);
    if goes_on {
        return visit.redirect_to_allowed();
    }
    let app = &visit.portal.app;
    let now = app.clock.now();
    let until = row.link_used_at.map(|at| at + PROVING_LIFE);
    let until = until.filter(|until| *until > now);
    let until = until.map(|until| app.zone.tell(until, now));
    visit.plain(StatusCode::GONE, texts::claim_link_used(until.as_deref()))
}
