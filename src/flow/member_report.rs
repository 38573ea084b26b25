//! What a member's own pages report about a reset: the password was used, or the reset or a code was not the member's.

use super::reply::{tell, unseal};
use super::{messages, not_me, security};
use crate::app::App;
use crate::chat::Placement;
use crate::domain::MemberId;
use crate::store::{DueAlarm, NotMe, ResetRow};

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

/// Tells the security address, the primary administrators, and of a reset its administrator, that it was not the member.
/// Whom this does not reach hears it at the next command, and the alarm goes out again.
pub(crate) async fn tell_of_disowned(app: &App, about: NotMe) {
    // A password that was set after the code stays, also while it waits for another way.
    let is_closed = match &about {
        NotMe::Reset(_) => true,
        NotMe::Code(disowned) => disowned.has_closed(),
    };
    if is_closed {
        app.held.forget(about.member_id());
    }
    let said_at = match &about {
        NotMe::Reset(row) => {
            tracing::warn!(reset.id = %row.reset_id, admin.id = %row.admin_id, member.id = %row.member_id, "a member did not ask for a reset");
            row.disowned_at
        }
        NotMe::Code(disowned) => {
            let code = &disowned.code;
            tracing::warn!(member.id = %code.member_id, kind = %code.kind, "a member did not use the code that took the place of their password");
            code.disowned_at
        }
    };
    let alarm = DueAlarm {
        about: about.clone(),
        said_at: said_at.unwrap_or_else(|| app.clock.now()),
        told: Vec::new(),
    };
    let to_admin = async {
        if let NotMe::Reset(row) = &about {
            tell_admin(app, row).await;
        }
    };
    // A mail server may take minutes, so the administrator does not wait for the mails.
    let ((), alarmed) = tokio::join!(to_admin, not_me::send_alarm(app, alarm));
    if let Err(error) = alarmed {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not record who was told of \"this wasn't me\""
        );
    }
}

/// Tells the administrator of a reset in chat that the member did not ask for it.
async fn tell_admin(app: &App, row: &ResetRow) {
    let Some(chat) = app.chat(row.platform) else {
        return;
    };
    let message = messages::disowned(row, security::address(app).is_some());
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
