//! `/not-me/{token}`: "This wasn't me", the link in every notice. Opening it changes nothing, because mail programs open
//! links by themselves; its button closes the account.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tracing::Instrument;

use super::not_me_code;
use super::page::Frame;
use super::state::{Portal, PortalState};
use super::texts;
use super::visit::Visit;
use crate::domain::{Channel, Span};
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
    let at = row.changed_at.or(row.changing_at).unwrap_or(row.offered_at);
    let page = NotMePage {
        frame: visit.frame(),
        at: portal.app.zone.tell_with_date(at),
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
    let disowned = portal.app.store.disown(&row).await;
    match disowned.map_err(|error| visit.unavailable(&error))? {
        Disowned::Now(row) => {
            let app = Arc::clone(&portal.app);
            let about = NotMe::Reset(row);
            portal
                .app
                .tasks
                .spawn(async move { flow::tell_of_disowned(&app, about).await }.in_current_span());
        }
        Disowned::Before => {}
        Disowned::Outdated => {
            return Ok(visit.plain(StatusCode::GONE, texts::not_me_link_outdated()));
        }
    }
    let text = texts::account_closed(has_security(&portal));
    Ok(visit.plain(StatusCode::OK, text))
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

/// True if a security team is set and can be told.
fn has_security(portal: &Portal) -> bool {
    portal.app.organization.security_email.is_some() && portal.app.deliveries.has(Channel::Email)
}
