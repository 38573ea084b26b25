//! What follows the act: another sign-out, hiding a shown password, and steps that a dead process left pending. All of it is
//! harmless when it is done twice.

use std::collections::BTreeMap;

use super::notices::{log_failed, notice_destinations, send_notice, was_told};
use super::reply::tell;
use super::steps::{self, note};
use super::{contacts, ending, manager_notice, messages};
use crate::app::App;
use crate::chat::{Chat, Placement, ReplyAddress};
use crate::domain::{Member, ResetId, Span, Step, StepOutcome};
use crate::store::{ClaimedSteps, ResetRow, StepNote, StepRow, StoreError};

/// Does the steps that a dead process left pending, of those that were noted at least `age` ago.
pub(super) async fn finish_steps(app: &App, row: &ResetRow, age: Span) {
    // Another process is at work on it: recovery has ended those of dead ones.
    if row.state.is_active() {
        return;
    }
    let Ok(member) = ending::find_member(app, row).await else {
        // The sweep asks again later.
        return;
    };
    // First: else every sweep would do each step again while the record can be read and not written. What is pending is
    // read in the same write, because a step may have ended while the directory was asked.
    let steps = match app.store.claim_pending(row.reset_id, age).await {
        Ok(steps) => steps,
        Err(error) => {
            log_failed(Err(error), "could not record that steps are done again");
            return;
        }
    };
    let Some(member) = member else {
        give_up(app, row.reset_id, &steps.pending).await;
        return;
    };
    let is_pending = |step: Step| steps.pending.iter().any(|row| row.step == step);
    if is_pending(Step::MustChange) {
        let noted = vec![steps::force_change_late(app, row).await];
        note_steps(app, row.reset_id, noted, "could not record a forced change").await;
    }
    let mut was_signed_out = steps
        .others
        .iter()
        .any(|row| row.step == Step::SignOut && row.outcome == StepOutcome::Done);
    if is_pending(Step::SignOut) {
        let noted = steps::sign_out(app, &member).await;
        was_signed_out = noted
            .iter()
            .any(|note| note.step == Step::SignOut && note.outcome == StepOutcome::Done);
        note_steps(app, row.reset_id, noted, "could not record a sign-out").await;
    }
    tell_all_again(app, row, &member, was_signed_out, &steps).await;
    // Who was told already was not called "still to do".
    let were_pending = steps.pending.iter().filter(|step| !was_told(step));
    let were_pending: Vec<Step> = were_pending.map(|step| step.step).collect();
    ending::tell_what_is_done(app, row.reset_id, &were_pending).await;
}

/// Sends the notices that are pending: to the member and to the manager.
async fn tell_all_again(
    app: &App,
    row: &ResetRow,
    member: &Member,
    was_signed_out: bool,
    steps: &ClaimedSteps,
) {
    let is_pending = |step: Step| steps.pending.iter().any(|row| row.step == step);
    let other = |step: Step| steps.others.iter().find(|row| row.step == step);
    let is_notice_pending = is_pending(Step::Notice);
    let mut is_manager_pending = is_pending(Step::ManagerNotice);
    // The process may have died before it noted that the manager is to be told. It is noted before the member's notice can
    // end: nothing else would lead here again.
    let is_manager_left_out =
        is_notice_pending && !is_manager_pending && other(Step::ManagerNotice).is_none();
    if is_manager_left_out && manager_notice::destination(app, member).is_some() {
        let pending = vec![note(Step::ManagerNotice, StepOutcome::Pending)];
        if let Err(error) = app.store.note_steps(row.reset_id, pending).await {
            // The sweep asks again later.
            log_failed(Err(error), "could not record that a manager is to be told");
            return;
        }
        is_manager_pending = true;
    }
    let to_member = async {
        if is_notice_pending {
            let delivered = other(Step::Deliver).map(|row| row.outcome);
            let sent = notify_again(app, row, member, was_signed_out, delivered).await;
            log_failed(sent, "could not record a notice");
        }
    };
    let to_manager = async {
        if is_manager_pending {
            manager_notice::send_again(app, row, member).await;
        }
    };
    tokio::join!(to_member, to_manager);
}

/// Sends a notice that was not sent, or again to the contacts that refused it for the moment. Where it is not known who
/// those are, nobody is told twice: the sweep asks again later.
async fn notify_again(
    app: &App,
    row: &ResetRow,
    member: &Member,
    was_signed_out: bool,
    delivered: Option<StepOutcome>,
) -> Result<(), StoreError> {
    let earlier = app.store.notices(row.reset_id).await?;
    let known = contacts::known(app, member).await?;
    let to = notice_destinations(app, row, member, known, delivered);
    if to.first.is_empty() && earlier.is_empty() {
        let impossible = vec![note(Step::Notice, StepOutcome::Impossible)];
        return app.store.note_steps(row.reset_id, impossible).await;
    }
    send_notice(app, row, &to, was_signed_out, earlier).await
}

/// The member is gone: nobody is left to be signed out or told. Who was told already stays told.
async fn give_up(app: &App, id: ResetId, pending: &[StepRow]) {
    if pending.is_empty() {
        return;
    }
    let noted = pending
        .iter()
        .map(|step| {
            let is_done = was_told(step);
            let outcome = if is_done {
                StepOutcome::Done
            } else {
                StepOutcome::Impossible
            };
            note(step.step, outcome)
        })
        .collect();
    let noted = app.store.note_notices(id, noted, BTreeMap::new()).await;
    log_failed(noted, "could not record that a member is gone");
}

async fn note_steps(app: &App, id: ResetId, noted: Vec<StepNote>, failure: &'static str) {
    log_failed(app.store.note_steps(id, noted).await, failure);
}

/// Does once more what failed of the sign-out and of lifting the lock, for the administrator who asked for it.
pub(super) async fn sign_out_again(app: &App, chat: &Chat, id: ResetId, to: Option<ReplyAddress>) {
    let Ok(Some(row)) = app.store.reset(id).await else {
        return;
    };
    let Some(member) = ending::member_of(app, &row).await else {
        return;
    };
    let Some(recorded) = steps::of_reset(app, id).await else {
        return;
    };
    let noted = steps::sign_out_again(app, &member, &recorded).await;
    note_steps(app, id, noted, "could not record another sign-out").await;
    // Drawn in turn with whatever else changes the message.
    let _lock = app.card_locks.lock(id).await;
    // Meanwhile the password may be on another way. Then its end is told when it comes.
    let Ok(Some(row)) = app.store.reset(id).await else {
        return;
    };
    if row.state.is_active() {
        return;
    }
    // A visible password stays visible, and so does the question about another way.
    let placement = if row.hide_at.is_some() || row.proposed.is_some() {
        Placement::Add
    } else {
        Placement::Replace
    };
    // An undelivered password keeps its buttons.
    let retry_for = ending::retry_for(app, &row, Some(&member));
    let told = ending::ending(app, &row, None, retry_for).await;
    tell(chat, to.as_ref(), &told, placement).await;
}

/// Replaces the message that shows a password by the result without it.
pub(super) async fn hide(app: &App, chat: &Chat, id: ResetId, to: Option<&ReplyAddress>) {
    // What is done meanwhile is drawn after this.
    let _lock = app.card_locks.lock(id).await;
    let told = match app.store.reset(id).await {
        Ok(Some(row)) => ending::ending(app, &row, None, None).await,
        Ok(None) | Err(_) => messages::hidden(),
    };
    if tell(chat, to, &told, Placement::Replace).await {
        let hidden = app.store.hidden(id).await;
        log_failed(hidden, "could not record that a password is hidden");
    }
}
