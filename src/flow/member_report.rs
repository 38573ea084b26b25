//! What a member's own pages report about a reset: the password was used, or the member did not ask for it.

use super::reply::{tell, unseal};
use super::{messages, not_me};
use crate::app::App;
use crate::chat::Placement;
use crate::domain::MemberId;
use crate::store::{DueAlarm, ResetRow};

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

/// Tells the administrator, the security address and the primary administrators that the member did not ask for a reset.
/// Whom this does not reach hears it at the next command, and the alarm goes out again.
pub(crate) async fn tell_of_disowned(app: &App, row: &ResetRow) {
    app.held.forget(&row.member_id);
    tracing::warn!(reset.id = %row.reset_id, admin.id = %row.admin_id, member.id = %row.member_id, "a member did not ask for a reset");
    let alarm = DueAlarm {
        reset: row.clone(),
        said_at: row.disowned_at.unwrap_or_else(|| app.clock.now()),
        told: Vec::new(),
    };
    let is_security_told = match not_me::send_alarm(app, alarm).await {
        Ok(is_told) => is_told,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "could not record who was told of \"this wasn't me\""
            );
            false
        }
    };
    if let Some(chat) = app.chat(row.platform) {
        let message = messages::disowned(row, is_security_told);
        let to = unseal(app, row);
        if tell(chat, to.as_ref(), &message, Placement::Add).await {
            let heard = vec![(row.reset_id, row.admin_id.clone())];
            if let Err(error) = app.store.note_heard(heard).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not record that \"this wasn't me\" was told"
                );
            }
        }
    }
}
