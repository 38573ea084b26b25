//! "I don't remember my password" at `/account`: in an open session a code takes the place of the old password (S6).
//!
//! The session alone is not enough, because a browser may have been left open: the code goes to a contact that neither the
//! session nor an administrator could have added a short time ago. Open sessions stay, half-open ones end,
//! and every contact is told.

use axum::http::StatusCode;
use axum::response::Response;

use super::code::{self, CodeFor, CodeNotSent};
use super::own_password::{Compared, NewPassword, hash_if_allowed};
use super::page::redirect;
use super::texts;
use super::visit::Visit;
use crate::directory::to_member;
use crate::domain::sign_in::{CodePurpose, LockedBy};
use crate::domain::{CodeUseId, ResetId};
use crate::flow::{code_uses, contacts, messages};
use crate::store::{ForgottenPassword, Proof, SignedIn};

const PURPOSE: CodeFor<'_> = CodeFor(CodePurpose::NewPassword, "forgotten password");

/// What came of a step. The page is shown again unless the password is set.
pub(super) enum Forgotten {
    /// A code is on its way to this masked contact.
    Sent { mask: String, notice: &'static str },
    /// The new password is set.
    Set,
    /// Nothing was changed, and no code can be typed.
    NotSent(StatusCode, String),
    /// Nothing was changed. An earlier code may still be typed.
    Refused(StatusCode, String),
}

/// Sends a code.
pub(super) async fn send_code(visit: &Visit<'_>, found: &SignedIn) -> Result<Forgotten, Response> {
    if let Some(locked) = locked(found) {
        return Ok(locked);
    }
    let app = &visit.portal.app;
    let member = to_member(&found.member, &app.organization.company)
        .map_err(|error| visit.unavailable(&error))?;
    let to = contacts::destination_in_session(app, &member, found.account.on_record_since())
        .await
        .map_err(|error| visit.unavailable(&error))?;
    let Some(to) = to else {
        let told = texts::NO_CONTACT_NOW.to_owned();
        return Ok(Forgotten::NotSent(StatusCode::UNPROCESSABLE_ENTITY, told));
    };
    let status = StatusCode::TOO_MANY_REQUESTS;
    let sent = code::send(visit.portal, &found.session, &to, PURPOSE).await;
    let notice = match sent {
        Ok(sent) => sent.notice(&found.session),
        Err(CodeNotSent::NoSession) => return Err(redirect("/signin")),
        Err(CodeNotSent::NotMade(why)) => return Ok(Forgotten::Refused(status, why)),
        Err(CodeNotSent::Refused(why)) => {
            let told = texts::code_refused(&why).to_owned();
            return Ok(Forgotten::NotSent(status, told));
        }
    };
    let mask = to.masked();
    Ok(Forgotten::Sent { mask, notice })
}

/// Sets the new password, if the code is right and the rules allow the password. The code is looked at first, so that a
/// wrong one has nothing hashed; it is used up with the change, so that a refused password does not cost it.
pub(super) async fn set(
    visit: &Visit<'_>,
    found: &SignedIn,
    (typed_code, password): (&str, &str),
) -> Result<Forgotten, Response> {
    if let Some(locked) = locked(found) {
        return Ok(locked);
    }
    let app = &visit.portal.app;
    let (member, session_key) = (&found.session.member_id, &found.session.session_key);
    let digest = code::digest(visit.portal, session_key, PURPOSE.1, typed_code);
    let looked_at = app
        .store
        .look_at_code(member, session_key.clone(), digest.clone())
        .await
        .map_err(|error| visit.unavailable(&error))?;
    if let Some(refused) = refusal(looked_at)? {
        return Ok(refused);
    }
    let phc = match hash_if_allowed(visit, found, password, Compared::No).await? {
        NewPassword::Hashed(phc) => phc,
        NewPassword::Denied(denied) => {
            let told = texts::password_denied(denied);
            return Ok(Forgotten::Refused(StatusCode::UNPROCESSABLE_ENTITY, told));
        }
    };
    let use_id = {
        let rng = app.chance.rng();
        let mut rng = rng.map_err(|error| visit.unavailable(&error))?;
        CodeUseId(ResetId::draw(&mut rng, app.clock.now()))
    };
    let forgotten = ForgottenPassword {
        member: member.clone(),
        session_key: session_key.clone(),
        digest,
        phc,
        use_id,
        key_fingerprint: app.keys.fingerprint(),
    };
    let set = app.store.set_forgotten_password(forgotten).await;
    if let Some(refused) = refusal(set.map_err(|error| visit.unavailable(&error))?)? {
        return Ok(refused);
    }
    code_uses::tell_soon(app, use_id);
    Ok(Forgotten::Set)
}

/// What is said where the account is closed to codes.
fn locked(found: &SignedIn) -> Option<Forgotten> {
    match found.account.lock() {
        Some(LockedBy::Codes | LockedBy::Member) => Some(Forgotten::NotSent(
            StatusCode::FORBIDDEN,
            texts::LOCKED_FOR_CODES.to_owned(),
        )),
        Some(LockedBy::Passwords) | None => None,
    }
}

/// What is said of a code; none of a right one.
fn refusal(proof: Proof) -> Result<Option<Forgotten>, Response> {
    let told = match proof {
        Proof::Right => return Ok(None),
        Proof::NoSession => return Err(redirect("/signin")),
        Proof::Wrong(left) => messages::wrong_code(left),
        Proof::Over | Proof::TooMany => texts::CODE_OVER.to_owned(),
    };
    Ok(Some(Forgotten::Refused(
        StatusCode::UNPROCESSABLE_ENTITY,
        told,
    )))
}
