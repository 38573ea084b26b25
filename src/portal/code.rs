//! Sends codes to contacts on record, and knows their digests.

use axum::http::StatusCode;
use axum::response::Response;

use super::page::redirect;
use super::state::Portal;
use super::texts;
use super::visit::Visit;
use crate::domain::delivery::Outcome;
use crate::domain::sign_in::{CodeDenied, draw_code};
use crate::domain::{Destination, Member};
use crate::flow::{contacts, messages};
use crate::store::SessionRow;

/// The purpose of a code that opens a session.
pub(super) const SIGN_IN: &str = "sign in";

/// Why no code was sent.
pub(super) enum CodeNotSent {
    /// The session has ended, so signing in begins anew.
    NoSession,
    /// The sentence for the member.
    Told(String),
}

/// Where a code can go now, for the password that is set now.
pub(super) async fn destinations(
    visit: &Visit<'_>,
    member: &Member,
) -> Result<Vec<Destination>, Response> {
    let methods = contacts::methods_now(&visit.portal.app, member)
        .await
        .map_err(|error| visit.unavailable(&error))?;
    Ok(methods.usable.into_iter().map(|method| method.to).collect())
}

/// S42: nothing opens the account before there is a contact that may receive the code.
pub(super) fn no_destination(visit: &Visit<'_>) -> Response {
    let app = &visit.portal.app;
    let age = app.organization.contact_rules.age;
    visit.plain(
        StatusCode::FORBIDDEN,
        texts::no_contact_for_code(age, app.deliveries.ways.is_strict),
    )
}

/// Sends the first code of a session that has just begun. If it cannot be sent, the session stays: its page can send
/// another.
pub(super) async fn send_first(
    portal: &Portal,
    session: &SessionRow,
    to: &Destination,
) -> Result<(), Response> {
    match send(portal, session, to, SIGN_IN).await {
        Ok(()) => Ok(()),
        Err(CodeNotSent::NoSession) => Err(redirect("/signin")),
        Err(CodeNotSent::Told(why)) => {
            tracing::info!(member.id = %session.member_id, why, "no code was sent");
            Ok(())
        }
    }
}

/// Sends a code for a purpose; it is worth nothing for another.
pub(super) async fn send(
    portal: &Portal,
    session: &SessionRow,
    to: &Destination,
    purpose: &str,
) -> Result<(), CodeNotSent> {
    let app = &portal.app;
    let failed = |error: &(dyn std::error::Error + 'static)| {
        tracing::warn!(error, "no code could be sent");
        CodeNotSent::Told(texts::CODE_FAILED.to_owned())
    };
    let mut rng = app.chance.rng().map_err(|error| failed(&error))?;
    let code = draw_code(&mut rng);
    let digest = digest(portal, &session.session_key, purpose, &code);
    // A gateway may drop what it takes for a repetition, so every code has its own id, which tells nothing about it.
    let id = hex::encode(app.keys.tag(&[b"code name", digest.as_bytes()]));
    let recorded = app.store.new_code(session, digest, to).await;
    match recorded.map_err(|error| failed(&error))? {
        Ok(()) => {}
        Err(CodeDenied::NoSession) => return Err(CodeNotSent::NoSession),
        Err(CodeDenied::Wait(until) | CodeDenied::TooMany(until)) => {
            let told = texts::next_code_in(until - app.clock.now());
            return Err(CodeNotSent::Told(told));
        }
    }
    let note = messages::code(&app.organization, &code);
    match app.deliveries.tell(to, &note, &format!("code-{id}")).await {
        Outcome::Accepted | Outcome::Unknown => Ok(()),
        Outcome::Refused(_) => Err(CodeNotSent::Told(texts::CODE_FAILED.to_owned())),
    }
}

/// What is stored of a code: a keyed digest that is worth nothing for another session or purpose.
pub(super) fn digest(portal: &Portal, session_key: &str, purpose: &str, code: &str) -> String {
    let parts = ["code", session_key, purpose, code].map(str::as_bytes);
    hex::encode(portal.app.keys.tag(&parts))
}

/// The digits of a typed code; people type spaces between them.
pub(super) fn digits(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_digit).collect()
}
