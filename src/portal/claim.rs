//! The one-time link: a button that asks for the code, after which the member sets a password of their own.
//!
//! Opening it changes nothing, because mail programs and chats open links by themselves (Discourse CVE-2019-1020018:
//! scanners burnt the links). Pressing the button uses it up, and the session that it begins still lacks the code.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::sign_in::{methods_of, new_session, no_method, send_first_code};
use super::visit::{Frame, Visit, key_of};
use super::{Portal, Shared};
use crate::directory::{Unavailable, to_member};
use crate::domain::Carries;
use crate::domain::sign_in::{AccountState, Admission, PROVING_LIFE, Stage, admit};
use crate::secret::Link;
use crate::store::{AccountRow, Claimed, LookUp, MemberKey, MemberRow, ResetRow, StoreError};

#[derive(Template)]
#[template(path = "claim.html")]
struct ClaimPage {
    frame: Frame,
    admin: String,
    until: String,
}

/// The reset behind a link that was not used yet and still lives, or the page that says why not.
async fn reset_of(portal: &Portal, visit: &Visit<'_>, token: &str) -> Result<ResetRow, Response> {
    let id = portal
        .app
        .keys
        .read_link_token(Link::Claim, token)
        .ok_or_else(|| dead(visit))?;
    let row = portal
        .app
        .store
        .reset(id)
        .await
        .map_err(|_| visit.unavailable())?;
    let (now, life) = (
        portal.app.clock.now(),
        portal.app.organization.password_lifetime,
    );
    let lives = |row: &ResetRow| {
        row.carries == Carries::Link
            && row.disowned_at.is_none()
            && row
                .changed_at
                .is_some_and(|changed_at| now < changed_at + life)
    };
    let row = row.filter(lives).ok_or_else(|| dead(visit))?;
    if row.link_used_at.is_some() {
        Err(used(visit))
    } else {
        Ok(row)
    }
}

fn dead(visit: &Visit<'_>) -> Response {
    let text = "It is not known, too old, or it was replaced by a newer reset. Nothing was changed. Ask an administrator \
        for a new one.";
    visit.stop(StatusCode::GONE, "This link does not work", text)
}

fn used(visit: &Visit<'_>) -> Response {
    let text = "It works once. If you did not finish, ask an administrator for a new one; if it was not you who used \
        it, tell your security team at once.";
    visit.stop(StatusCode::GONE, "This link was used", text)
}

/// `GET /claim/{token}`.
pub(super) async fn page(
    State(portal): Shared,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    let row = reset_of(&portal, &visit, &token).await?;
    let until =
        row.changed_at.unwrap_or(row.offered_at) + portal.app.organization.password_lifetime;
    let until = portal.app.zone.tell_with_date(until);
    Ok(visit.page(
        StatusCode::OK,
        &ClaimPage {
            frame: visit.frame(),
            admin: row.admin_name,
            until,
        },
    ))
}

/// The account of the member that the reset was made for, whatever their address is now.
async fn account_of(
    portal: &Portal,
    row: &ResetRow,
) -> Result<Option<(MemberRow, AccountRow)>, StoreError> {
    let members = vec![MemberKey::Id(row.member_id.clone())];
    let found = portal
        .app
        .store
        .look_up(LookUp {
            members,
            ..LookUp::default()
        })
        .await?;
    let Some(member) = found.members.into_iter().flatten().next() else {
        return Ok(None);
    };
    let found = portal.app.store.account(&member.business_email_key).await?;
    // The address may have gone to somebody else in between.
    Ok(found.filter(|(member, _)| member.member_id == row.member_id))
}

/// `POST /claim/{token}`.
pub(super) async fn claim(
    State(portal): Shared,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    let visit = Visit::of(&portal, &headers).await?;
    visit.form(&headers, &body)?;
    let row = reset_of(&portal, &visit, &token).await?;
    let (member_row, account) = account_of(&portal, &row)
        .await
        .map_err(|_| visit.unavailable())?
        .ok_or_else(|| dead(&visit))?;
    let member = to_member(&member_row, &portal.app.organization.company)
        .map_err(|Unavailable| visit.unavailable())?;
    let standing = AccountState {
        temporary_until: account.temporary_until,
        lock: account.lock(),
    };
    let to = match admit(
        &member,
        standing,
        &methods_of(&visit, &member).await?,
        portal.app.clock.now(),
    ) {
        Admission::Code(to) => to,
        // Not used up: the contact may be added while the link lives.
        Admission::NoMethod => return Ok(no_method(&visit)),
        Admission::Open | Admission::Ended(_) | Admission::Refused => return Err(dead(&visit)),
    };
    let token = visit.new_token()?;
    let session = new_session(
        &visit,
        key_of(&token),
        member.id.clone(),
        Stage::Code,
        PROVING_LIFE,
    );
    match portal
        .app
        .store
        .claim(&row, session.clone())
        .await
        .map_err(|_| visit.unavailable())?
    {
        Claimed::Before => Err(used(&visit)),
        Claimed::Dead => Err(dead(&visit)),
        Claimed::Now => {
            send_first_code(&portal, &session, &to).await?;
            Ok(visit.go_with("/verify", &token))
        }
    }
}
