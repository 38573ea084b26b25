//! A session that begins.

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngExt;

use super::session::key_of;
use super::visit::Visit;
use crate::domain::sign_in::Stage;
use crate::domain::{MemberId, Span};
use crate::store::SessionRow;

/// The token of a new session.
pub(super) fn new_token(visit: &Visit<'_>) -> Result<String, Response> {
    let mut rng = visit
        .portal
        .app
        .chance
        .rng()
        .map_err(|error| visit.unavailable(&error))?;
    Ok(URL_SAFE_NO_PAD.encode(rng.random::<[u8; 32]>()))
}

/// A session that begins now in this browser.
pub(super) fn new_session(
    visit: &Visit<'_>,
    token: &str,
    member_id: MemberId,
    stage: Stage,
    life: Span,
) -> SessionRow {
    let now = visit.portal.app.clock.now();
    let agent = visit.agent.clone();
    SessionRow::new(key_of(token), member_id, stage, agent, (now, life))
}
