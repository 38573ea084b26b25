//! Looks whether a password was set again after a reset.
//!
//! Where the directory signs members in on pages of its own, a page or a link that was opened before a reset can still set a
//! password after it, and no call ends them. So relatch looks when the password was set, and tells the administrator of a
//! newer one. Other directories leave nothing open, and are not looked at: their answer would cost every reset a call.

use super::messages;
use super::reply::{tell, tell_unless_last, unseal};
use crate::app::App;
use crate::chat::Placement;
use crate::directory::Backend;
use crate::domain::{Member, ResetId};
use crate::store::{Look, ResetRow, StoreError};

/// Reads when the directory set the password that relatch has just sent it, and has it looked at later. It is the directory's
/// own time, so no clock is compared with another. What its sign-in asks for is noted for the result.
pub(super) async fn begin(app: &App, id: ResetId, member: &Member) {
    let home = app
        .directories
        .of(&member.id)
        .filter(|home| home.capabilities().signs_members_in);
    let Some(home) = home else { return };
    let set_at = home.last_change(&member.id).await.ok().flatten();
    if set_at.is_none() {
        tracing::warn!(member.id = %member.id, "the directory does not say when a password was set");
    }
    let factors = &member.second_factors;
    let noted = app.store.note_own_sign_in(id, factors, set_at).await;
    log_failed(noted, "could not record that a password is looked at");
}

/// One look that is due.
pub(super) async fn look(app: &App, row: &ResetRow) {
    // Its result comes first.
    if row.state.is_active() {
        return;
    }
    // Where theirs has left the settings, the built-in one answers for members that it does not have.
    let home = app
        .directories
        .of(&row.member_id)
        .filter(|home| home.capabilities().signs_members_in);
    let seen = match home {
        Some(home) => match home.last_change(&row.member_id).await {
            Ok(Some(at)) if Some(at) > row.password_set_at => Look::SetAgain(at),
            Ok(_) => Look::Same,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not look whether a password was set again"
                );
                Look::NoAnswer
            }
        },
        None => Look::NoDirectory,
    };
    match app.store.note_look(row, seen).await {
        Ok(Some(before)) => tell_set_again(app, before).await,
        Ok(None) => {}
        Err(error) => log_failed(Err(error), "could not record a look"),
    }
}

/// Tells the administrator. `before` is the reset with the new password, as it was before that was recorded as untold.
async fn tell_set_again(app: &App, before: ResetRow) {
    tracing::info!(member.id = %before.member_id, "a password was set again after a reset");
    let Some(chat) = app.chat(before.platform) else {
        return;
    };
    let message = messages::set_again(&before, &app.zone, app.clock.now());
    let to = unseal(app, &before);
    // The last use of an address is kept for a result that is still to come; the next command tells this too.
    if before.is_waiting_for_another_way() || before.told_at.is_none() {
        return tell_unless_last(chat, to.as_ref(), &message, Placement::Add).await;
    }
    if tell(chat, to.as_ref(), &message, Placement::Add).await {
        let told = app.store.told_as(&before).await;
        log_failed(told, "could not record that a new password was told");
    }
}

fn log_failed(recorded: Result<(), StoreError>, failure: &'static str) {
    if let Err(error) = recorded {
        tracing::error!(error = &error as &dyn std::error::Error, "{failure}");
    }
}
