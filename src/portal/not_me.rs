//! "This wasn't me": the link in every notice. Opening it changes nothing, because mail programs open links by themselves.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::visit::{Frame, Visit};
use super::{Portal, Shared};
use crate::domain::{Channel, Span};
use crate::flow;
use crate::secret::Link;
use crate::store::{Disowned, ResetRow};

/// How long the link works.
const WORKS_FOR: Span = Span::hours(7 * 24);

#[derive(Template)]
#[template(path = "not_me.html")]
struct NotMePage {
    frame: Frame,
    admin: String,
    member: String,
    at: String,
    /// Who hears of it, with their verb.
    told: String,
}

/// The reset behind a link that still works.
async fn reset_of(portal: &Portal, visit: &Visit<'_>, token: &str) -> Result<ResetRow, Response> {
    let unknown = || {
        let text = "This link is not known, or it is too old. If you did not expect a reset, tell your security team.";
        visit.stop(StatusCode::NOT_FOUND, "This link does not work", text)
    };
    let id = portal
        .app
        .keys
        .read_link_token(Link::NotMe, token)
        .ok_or_else(unknown)?;
    let row = portal
        .app
        .store
        .reset(id)
        .await
        .map_err(|_| visit.unavailable())?;
    let now = portal.app.clock.now();
    row.filter(|row| row.changing_at.is_some_and(|at| now - at < WORKS_FOR))
        .ok_or_else(unknown)
}

/// `GET /not-me/{token}`.
pub(super) async fn page(
    State(portal): Shared,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let row = reset_of(&portal, &visit, &token).await?;
    let at = portal
        .app
        .zone
        .tell_with_date(row.changed_at.or(row.changing_at).unwrap_or(row.offered_at));
    let told = if has_security(&portal) {
        format!("{} and the security team are", row.admin_name)
    } else {
        format!("{} is", row.admin_name)
    };
    let page = NotMePage {
        frame: visit.frame(),
        admin: row.admin_name,
        member: row.member_name,
        at,
        told,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// `POST /not-me/{token}`.
pub(super) async fn close(
    State(portal): Shared,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    visit.form(&headers, &body)?;
    let row = reset_of(&portal, &visit, &token).await?;
    match portal
        .app
        .store
        .disown(&row)
        .await
        .map_err(|_| visit.unavailable())?
    {
        Disowned::Now(row) => {
            let app = Arc::clone(&portal.app);
            portal
                .app
                .tasks
                .spawn(async move { flow::tell_of_disowned(&app, &row).await });
        }
        Disowned::Before => {}
        Disowned::Outdated => {
            let text =
                "The password was reset once more since. Use the link in the newest message.";
            return Ok(visit.stop(StatusCode::GONE, "This link is outdated", text));
        }
    }
    let told = if has_security(&portal) {
        "The administrator and the security team are being told."
    } else {
        "The administrator is being told; tell your security team."
    };
    let text = format!(
        "The password no longer works, and every session has ended. {told} Another administrator can reset the password \
        when you have spoken to them."
    );
    Ok(visit.stop(StatusCode::OK, "The account is closed", &text))
}

/// True where there is somebody who answers for security, and a way to tell them.
fn has_security(portal: &Portal) -> bool {
    portal.app.organization.security_email.is_some() && portal.app.deliveries.has(Channel::Email)
}
