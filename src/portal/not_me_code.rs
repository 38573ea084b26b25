//! "This wasn't me" about a code that took the place of the password, below `/not-me/{token}`. Its button closes the account.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tracing::Instrument;

use super::page::Frame;
use super::state::Portal;
use super::texts;
use super::visit::Visit;
use crate::domain::code_alone::{CODE_LINK_LIFE, CodeUse};
use crate::domain::{Channel, CodeUseId};
use crate::flow;
use crate::store::{CodeDisowned, CodeUseRow, NotMe};

#[derive(Template)]
#[template(path = "not_me_code.html")]
struct NotMePage {
    frame: Frame,
    member: String,
    at: String,
    is_sign_in: bool,
    has_security: bool,
}

/// `GET`: changes nothing, because mail programs open links by themselves.
pub(super) async fn page(visit: &Visit<'_>, id: CodeUseId) -> Result<Response, Response> {
    let (row, member) = use_of(visit, id).await?;
    let page = NotMePage {
        frame: visit.frame(),
        member,
        at: visit.portal.app.zone.tell_with_date(row.used_at),
        is_sign_in: row.kind == CodeUse::SignIn,
        has_security: has_security(visit.portal),
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// `POST`, after the form was checked.
pub(super) async fn submit(visit: &Visit<'_>, id: CodeUseId) -> Result<Response, Response> {
    use_of(visit, id).await?;
    let app = &visit.portal.app;
    let disowned = app.store.disown_code_use(id).await;
    match disowned.map_err(|error| visit.unavailable(&error))? {
        CodeDisowned::Now(disowned) => {
            let about = NotMe::Code(disowned);
            let teller = Arc::clone(app);
            let telling = async move { flow::tell_of_disowned(&teller, about).await };
            app.tasks.spawn(telling.in_current_span());
        }
        CodeDisowned::Before => {}
        CodeDisowned::Outdated => {
            return Ok(visit.plain(StatusCode::GONE, texts::not_me_link_outdated()));
        }
    }
    let text = texts::account_closed_after_code(has_security(visit.portal));
    Ok(visit.plain(StatusCode::OK, text))
}

/// The code of a link that works, with the name of its member.
async fn use_of(visit: &Visit<'_>, id: CodeUseId) -> Result<(CodeUseRow, String), Response> {
    let app = &visit.portal.app;
    let unknown = || visit.plain(StatusCode::NOT_FOUND, texts::not_me_link_unknown());
    let row = app.store.code_use(id).await;
    let row = row.map_err(|error| visit.unavailable(&error))?;
    let now = app.clock.now();
    let row = row
        .filter(|row| now - row.used_at < CODE_LINK_LIFE)
        .ok_or_else(unknown)?;
    let member = app.store.account_of(&row.member_id).await;
    let member = member.map_err(|error| visit.unavailable(&error))?;
    let (member, _) = member.ok_or_else(unknown)?;
    Ok((row, member.name))
}

/// True if a security team is set and can be told.
fn has_security(portal: &Portal) -> bool {
    portal.app.organization.security_email.is_some() && portal.app.deliveries.has(Channel::Email)
}
