//! What a member's own pages report about a reset: the password was used, or the member did not ask for it.

use super::reply::{tell, unseal};
use super::{messages, security};
use crate::app::App;
use crate::chat::Placement;
use crate::domain::MemberId;
use crate::store::ResetRow;

/// Tells the administrator of the member's last reset that the member has set a password of their own.
pub(crate) async fn tell_that_it_was_used(app: &App, member: &MemberId) {
    if let Ok(Some(row)) = app
        .store
        .last_changes(member)
        .await
        .map(|rows| rows.into_iter().next())
        && let Some(chat) = app.chat(row.platform)
    {
        let message = messages::used(&row, &app.zone, app.clock.now());
        tell(chat, unseal(app, &row).as_ref(), &message, Placement::Add).await;
    }
}

/// Tells the administrator and the security address that the member did not ask for a reset.
pub(crate) async fn tell_of_disowned(app: &App, row: &ResetRow) {
    app.held.forget(&row.member_id);
    let at = row.changed_at.or(row.changing_at).unwrap_or(row.offered_at);
    let reference = row.reset_id.reference().to_string();
    tracing::warn!(reset.id = %row.reset_id, admin.id = %row.admin_id, member.id = %row.member_id, "a member did not ask for a reset");
    let note = messages::alarm(
        &app.organization,
        &row.member_name,
        &row.admin_name,
        at,
        &app.zone,
        &reference,
    );
    let is_security_told = security::alarm(app, &note, &format!("not-me-{}", row.reset_id)).await;
    if let Some(chat) = app.chat(row.platform) {
        let message = messages::disowned(row, is_security_told);
        tell(chat, unseal(app, row).as_ref(), &message, Placement::Add).await;
    }
}
