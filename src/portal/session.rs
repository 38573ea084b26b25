//! The session of a browser: the token in its cookie, and the key under which it is stored.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};

use super::cookies::{self, SESSION, SetCookie};
use super::page;
use super::state::{Portal, PortalState};
use crate::domain::Status;
use crate::store::{MemberRow, StoreError};

/// The token in a browser's cookie. Its session may have ended.
pub(super) struct SessionToken {
    pub(super) token: String,
    /// It came in the cookie without the prefix.
    pub(super) is_unprefixed: bool,
}

impl SessionToken {
    pub(super) fn key(&self) -> String {
        key_of(&self.token)
    }
}

/// Reads the token. Where cookies have the prefix, the cookie without it counts only if the browser sends no other, and
/// only for sessions that began under it: a neighbouring host can set that cookie.
pub(super) async fn token_of(
    portal: &Portal,
    headers: &HeaderMap,
) -> Result<Option<SessionToken>, StoreError> {
    let read = |name, is_unprefixed| {
        cookies::read(headers, name).map(|token| SessionToken {
            token,
            is_unprefixed,
        })
    };
    if !portal.has_prefix {
        return Ok(read(SESSION.plain, false));
    }
    if cookies::is_sent(headers, SESSION.prefixed) {
        return Ok(read(SESSION.prefixed, false));
    }
    match read(SESSION.plain, true) {
        Some(token) if portal.app.store.has_old_cookie(&token.key()).await? => Ok(Some(token)),
        Some(_) | None => Ok(None),
    }
}

/// Renames the cookie of a session that began under the name without the prefix, unless the answer replaces the session
/// anyway.
pub(super) async fn rename_cookie(
    State(portal): PortalState,
    request: Request,
    next: Next,
) -> Response {
    let token = match token_of(&portal, request.headers()).await {
        Ok(Some(SessionToken {
            token,
            is_unprefixed: true,
        })) => token,
        Ok(_) => return next.run(request).await,
        Err(error) => return page::unavailable_for(&portal, &error),
    };
    let mut response = next.run(request).await;
    let mut set = response.headers().get_all(header::SET_COOKIE).iter();
    if !set.any(|cookie| cookie.as_bytes().starts_with(SESSION.prefixed.as_bytes())) {
        for cookie in [
            SetCookie::lax(SESSION.prefixed, &token),
            SetCookie::removal(SESSION.plain),
        ] {
            cookie.add_to(&mut response, &portal);
        }
    }
    response
}

/// The digest of a token: a session is stored under it, so that the database holds nothing that signs anybody in.
pub(super) fn key_of(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

/// True for a member who may have a session: active or inactive.
pub(super) fn is_in_use(member: &MemberRow) -> bool {
    member
        .status
        .parse()
        .is_ok_and(|status| matches!(status, Status::Active | Status::Inactive))
}
