//! Sets a password that the member chose, if it is long enough, not easy to guess and not the current one.

use std::sync::Arc;

use axum::response::Response;

use super::guessable::{self, KnownWords, rated_part};
use super::new_session::new_token;
use super::page::redirect;
use super::password_check::as_compared;
use super::session::key_of;
use super::state::Portal;
use super::visit::Visit;
use crate::directory::{Caller, Unavailable, to_member};
use crate::domain::sign_in::{PasswordDenied, Stage, choose_password};
use crate::domain::{Member, OwnPassword};
use crate::store::SignedIn;

/// The result of a change.
pub(super) enum PasswordChange {
    /// It is set. The session goes on with this token; all others have ended.
    Done(String),
    /// A rule forbids the password, so nothing was changed.
    Denied(PasswordDenied),
}

/// A typed password that the rules have looked at.
pub(super) enum NewPassword {
    /// Its hash, as a PHC string.
    Hashed(String),
    Denied(PasswordDenied),
}

/// Whether a new password is compared with the present one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    Yes,
    /// Whoever comes by a code need not know the present one, and could find it out by trying.
    No,
}

/// Checks a password and sets it. `passes_lock`: a lock after wrong passwords does not hold for this browser.
pub(super) async fn change_password(
    visit: &Visit<'_>,
    found: &SignedIn,
    typed: &str,
    passes_lock: bool,
) -> Result<PasswordChange, Response> {
    // Without the password of a reset, only a code alone leads to the page for a new one.
    let is_by_code_alone =
        found.session.stage == Stage::NewPassword && found.account.temporary_until.is_none();
    let compared = if is_by_code_alone {
        Compared::No
    } else {
        Compared::Yes
    };
    let hash = match hash_if_allowed(visit, found, typed, compared).await? {
        NewPassword::Hashed(hash) => hash,
        NewPassword::Denied(denied) => return Ok(PasswordChange::Denied(denied)),
    };
    let (member, session_key) = (&found.session.member_id, &found.session.session_key);
    let current = found.account.credential.clone();
    let token = new_token(visit)?;
    let (old_key, new_key) = (session_key.clone(), key_of(&token));
    let is_set = visit
        .portal
        .app
        .store
        .set_own_password(member, old_key, current, hash, new_key, passes_lock)
        .await;
    if is_set.map_err(|error| visit.unavailable(&error))? {
        Ok(PasswordChange::Done(token))
    } else {
        Err(redirect("/signin"))
    }
}

/// Checks a password by every rule, and hashes it.
pub(super) async fn hash_if_allowed(
    visit: &Visit<'_>,
    found: &SignedIn,
    typed: &str,
    compared: Compared,
) -> Result<NewPassword, Response> {
    let portal = visit.portal;
    let unavailable = |error: Unavailable| visit.unavailable(&error);
    let organization = &portal.app.organization;
    let member = to_member(&found.member, &organization.company).map_err(unavailable)?;
    let password = match choose_password(typed, organization.own_password_least) {
        Ok(password) => password,
        Err(denied) => return Ok(NewPassword::Denied(denied)),
    };
    let is_guessable = is_guessable(portal, &password, &member).await;
    if is_guessable.map_err(unavailable)? {
        return Ok(NewPassword::Denied(PasswordDenied::Common));
    }
    if compared == Compared::Yes {
        let caller = Caller::Known(&found.session.session_key);
        let current = found.account.credential.as_deref();
        let typed = as_compared(&found.account, typed);
        let present = portal.builtin.check(caller, typed, current).await;
        if present.map_err(unavailable)?.is_right() {
            return Ok(NewPassword::Denied(PasswordDenied::Same));
        }
    }
    let hash = portal.builtin.hash(&password).await.map_err(unavailable)?;
    Ok(NewPassword::Hashed(hash))
}

/// Rates the password on a blocking thread, because that takes long, one at a time, with a turn at the hasher.
async fn is_guessable(
    portal: &Portal,
    password: &OwnPassword,
    member: &Member,
) -> Result<bool, Unavailable> {
    // In this order, so that a request that waits for the rating keeps no turn at the hasher from those who sign in.
    let rating = Arc::clone(&portal.rating)
        .acquire_owned()
        .await
        .map_err(|_closed| Unavailable::ForNow)?;
    let turn = portal.builtin.turn(Caller::Known(&member.id.0)).await?;
    let password = rated_part(password);
    let known = KnownWords {
        name: member.name.clone(),
        business_email: member.business_email.to_string(),
        organization: portal.app.organization.name.clone(),
    };
    let rated = portal.app.tasks.spawn_blocking(move || {
        // Held until the rating ends, even if the request is gone before.
        let _held = (turn, rating);
        guessable::is_guessable(&password, &known)
    });
    rated.await.map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "rating a password failed"
        );
        Unavailable::ForNow
    })
}
