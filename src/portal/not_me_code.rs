//! "This wasn't me" about a code that took the place of the password, below `/not-me/{token}`. Its button blocks the account.

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
use crate::domain::{Channel, CodeUseId, Moment};
use crate::flow;
use crate::store::{CodeDisowned, CodeLink, CodeUseRow, DisownedCode, NotMe};

#[derive(Template)]
#[template(path = "not_me_code.html")]
struct NotMePage {
    frame: Frame,
    member: String,
    at: String,
    is_sign_in: bool,
    has_security: bool,
    has_newer_password: bool,
}

/// `GET`: changes nothing, because mail programs open links by themselves.
pub(super) async fn page(visit: &Visit<'_>, id: CodeUseId) -> Result<Response, Response> {
    let (row, member) = use_of(visit, id).await?;
    let app = &visit.portal.app;
    let link = app.store.code_link(&row).await;
    let has_newer_password = match link.map_err(|error| visit.unavailable(&error))? {
        CodeLink::Closes => false,
        CodeLink::Notes => true,
        CodeLink::Before(at) => return Ok(blocked_before(visit, at)),
        CodeLink::Outdated => return Ok(outdated(visit)),
    };
    let page = NotMePage {
        frame: visit.frame(),
        member,
        at: visit.portal.app.zone.tell_with_zone(row.used_at),
        is_sign_in: row.kind == CodeUse::SignIn,
        has_security: has_security(visit.portal),
        has_newer_password,
    };
    Ok(visit.page(StatusCode::OK, &page))
}

/// `POST`, after the form was checked.
pub(super) async fn submit(visit: &Visit<'_>, id: CodeUseId) -> Result<Response, Response> {
    use_of(visit, id).await?;
    block(visit, id).await
}

/// Blocks the account, once. Says when that was done, as long as it is true.
async fn block(visit: &Visit<'_>, id: CodeUseId) -> Result<Response, Response> {
    let app = &visit.portal.app;
    let disowned = app.store.disown_code_use(id).await;
    let tell = |disowned: Box<DisownedCode>| {
        let teller = Arc::clone(app);
        let telling = async move { flow::tell_of_disowned(&teller, NotMe::Code(disowned)).await };
        app.tasks.spawn(telling.in_current_span());
    };
    let said_at = |code: &CodeUseRow| {
        let at = code.disowned_at.unwrap_or_else(|| app.clock.now());
        told_at(visit, at)
    };
    let has_security = has_security(visit.portal);
    let text = match disowned.map_err(|error| visit.unavailable(&error))? {
        CodeDisowned::Now(disowned) => {
            let at = said_at(&disowned.code);
            tell(disowned);
            let text = texts::account_blocked(&at, has_security);
            return Ok(visit.plain_after_the_end(text));
        }
        CodeDisowned::Noted(disowned) => {
            let at = said_at(&disowned.code);
            tell(disowned);
            texts::code_disowned(&at, has_security)
        }
        CodeDisowned::Before(at) => return Ok(blocked_before(visit, at)),
        CodeDisowned::Outdated => return Ok(outdated(visit)),
    };
    Ok(visit.plain(StatusCode::OK, text))
}

fn blocked_before(visit: &Visit<'_>, at: Moment) -> Response {
    let text = texts::account_blocked_before(&told_at(visit, at));
    visit.plain(StatusCode::OK, text)
}

/// Where another password was set since then, and nothing is left to do.
pub(super) fn outdated(visit: &Visit<'_>) -> Response {
    let text = texts::not_me_link_outdated();
    visit.plain(StatusCode::GONE, text)
}

/// The code of a link that works, with the name of its member.
async fn use_of(visit: &Visit<'_>, id: CodeUseId) -> Result<(CodeUseRow, String), Response> {
    let app = &visit.portal.app;
    let unknown = || {
        let text = texts::not_me_link_unknown();
        visit.plain(StatusCode::NOT_FOUND, text)
    };
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

/// A moment, as a page tells it.
pub(super) fn told_at(visit: &Visit<'_>, at: Moment) -> String {
    let app = &visit.portal.app;
    app.zone.tell(at, app.clock.now())
}

/// True if a security team is set and can be told.
pub(super) fn has_security(portal: &Portal) -> bool {
    portal.app.organization.security_email.is_some() && portal.app.deliveries.has(Channel::Email)
}
