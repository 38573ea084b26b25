//! `/not-me/{token}`: "This wasn't me", the link in every notice. Opening it changes nothing, because mail programs open
//! links by themselves; its button blocks the new password.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tracing::Instrument;

use super::not_me_code::{self, has_security, outdated, told_at};
use super::page::Frame;
use super::state::PortalState;
use super::texts;
use super::visit::Visit;
use crate::domain::Span;
use crate::flow;
use crate::secret::Link;
use crate::store::{Disowned, NotMe, ResetRow};

/// How long the link works.
const LINK_LIFE: Span = Span::hours(7 * 24);

#[derive(Template)]
#[template(path = "not_me.html")]
struct NotMePage {
    frame: Frame,
    admin: String,
    member: String,
    at: String,
    /// Who will be told, with their verb.
    told: String,
}

/// `GET /not-me/{token}`.
pub(super) async fn page(
    State(portal): PortalState,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    if let Some(id) = portal.app.keys.read_code_use_token(&token) {
        return not_me_code::page(&visit, id).await;
    }
    let row = reset_of(&visit, &token).await?;
    let answer = portal.app.store.disown_answer(&row).await;
    if let Some(answer) = answer.map_err(|error| visit.unavailable(&error))? {
        return Ok(tell(&visit, answer));
    }
    let at = row.changed_at.or(row.changing_at).unwrap_or(row.offered_at);
    let page = NotMePage {
        frame: visit.frame(),
        at: portal.app.zone.tell_with_zone(at),
        told: texts::who_will_be_told(&row.admin_name, has_security(&portal)),
        admin: row.admin_name,
        member: row.member_name,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// `POST /not-me/{token}`.
pub(super) async fn submit(
    State(portal): PortalState,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    visit.form(&headers, &body)?;
    if let Some(id) = portal.app.keys.read_code_use_token(&token) {
        return not_me_code::submit(&visit, id).await;
    }
    let row = reset_of(&visit, &token).await?;
    block(&visit, &row).await
}

/// Blocks the new password, once. Says when that was done, as long as it is true.
async fn block(visit: &Visit<'_>, row: &ResetRow) -> Result<Response, Response> {
    let disowned = visit.portal.app.store.disown(row).await;
    let disowned = disowned.map_err(|error| visit.unavailable(&error))?;
    Ok(tell(visit, disowned))
}

fn tell(visit: &Visit<'_>, disowned: Disowned) -> Response {
    let (portal, app) = (visit.portal, &visit.portal.app);
    let text = match disowned {
        Disowned::Now(row) => {
            let at = row.disowned_at.unwrap_or_else(|| app.clock.now());
            let teller = Arc::clone(app);
            let about = NotMe::Reset(row);
            let telling = async move { flow::tell_of_disowned(&teller, about).await };
            app.tasks.spawn(telling.in_current_span());
            let text = texts::password_blocked(&told_at(visit, at), has_security(portal));
            return visit.plain_after_the_end(text);
        }
        Disowned::Before(at) => texts::password_blocked_before(&told_at(visit, at)),
        Disowned::Outdated => return outdated(visit),
    };
    visit.plain(StatusCode::OK, text)
}

/// The reset of a link that works.
async fn reset_of(visit: &Visit<'_>, token: &str) -> Result<ResetRow, Response> {
    let unknown = || visit.plain(StatusCode::NOT_FOUND, texts::not_me_link_unknown());
    let app = &visit.portal.app;
    let id = app.keys.read_link_token(Link::NotMe, token);
    let row = app.store.reset(id.ok_or_else(unknown)?).await;
    let row = row.map_err(|error| visit.unavailable(&error))?;
    let now = app.clock.now();
    row.filter(|row| row.changing_at.is_some_and(|at| now - at < LINK_LIFE))
        .ok_or_else(unknown)
}
