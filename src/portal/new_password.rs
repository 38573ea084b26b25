//! `/new-password`: the member replaces the password of a reset with their own.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tracing::Instrument;

use super::done::Done;
use super::own_password::{PasswordChange, change_password};
use super::page::Frame;
use super::state::PortalState;
use super::texts;
use super::visit::Visit;
use crate::domain::sign_in::Stage;
use crate::flow;
use crate::store::SignedIn;

#[derive(Template)]
#[template(path = "new_password.html")]
struct NewPasswordPage {
    frame: Frame,
    email: String,
    least: usize,
    /// Until when the page works.
    until: String,
}

/// `GET /new-password`.
pub(super) async fn page(
    State(portal): PortalState,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::NewPassword)?;
    Ok(show(&visit, found, StatusCode::OK, visit.frame()))
}

/// `POST /new-password`.
pub(super) async fn submit(
    State(portal): PortalState,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let found = visit.at(Stage::NewPassword)?;
    let fields = visit.form(&headers, &body)?;
    if !fields.text("leave").is_empty() {
        return visit.leave(found).await;
    }
    let member = &found.session.member_id;
    match change_password(&visit, found, fields.text("password"), false).await? {
        PasswordChange::Done(token) => {
            // After a sign-in by a code alone there is none.
            if found.account.temporary_until.is_some() {
                let (app, used_by) = (Arc::clone(&portal.app), member.clone());
                portal.app.tasks.spawn(
                    async move { flow::tell_that_it_was_used(&app, &used_by).await }
                        .in_current_span(),
                );
            }
            let mut response =
                visit.redirect_done_with_session("/account", &token, Done::PasswordSet);
            visit.remember_device(&mut response, member, &token).await;
            Ok(response)
        }
        PasswordChange::Denied(denied) => {
            let frame = visit.frame_with(texts::password_denied(denied));
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(show(&visit, found, status, frame))
        }
    }
}

fn show(visit: &Visit<'_>, found: &SignedIn, status: StatusCode, frame: Frame) -> Response {
    let app = &visit.portal.app;
    let expires_at = found.session.expires_at;
    let until = found
        .account
        .temporary_until
        .map_or(expires_at, |until| until.min(expires_at));
    let page = NewPasswordPage {
        frame,
        email: found.member.business_email.clone(),
        least: app.organization.own_password_least,
        until: app.zone.tell_with_zone(until),
    };
    visit.page(status, &page)
}
