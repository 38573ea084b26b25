//! Clicks on the message about a finished reset: sign the member out once more, hide the password.

use std::sync::Arc;

use super::permit;
use super::reaction::{Halt, Next, Reaction};
use super::refuse::card_click;
use super::reply::{address, answer_refusal, beside, seal};
use super::{messages, trace};
use crate::app::App;
use crate::chat::{Chat, Freshness, Origin, ReplyAddress};
use crate::domain::{ResetId, Span, Step, StepOutcome};
use crate::store::ResetRow;

/// How long a failed sign-out can be tried again.
const RETRY_FOR: Span = Span::hours(24);

/// The sign-out once more, where it failed. It is an act, so rights are read past every cache.
pub(super) async fn sign_out(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    id: ResetId,
) -> Result<Reaction, Halt> {
    let now = origin.received_at;
    let Some(row) = retryable(app, origin, id).await? else {
        let nothing = |_, to| Next::NothingToDo(to);
        return record_click(app, origin, id, "retry_sign_out", nothing).await;
    };
    trace::record_admin(&row.admin_id);
    let how = (Freshness::Now, now);
    let Err(refused) = permit::of_card(app, chat, &origin.user, &row, how).await else {
        return record_click(app, origin, id, "retry_sign_out", Next::SignOut).await;
    };
    let click = card_click(origin, id, None);
    match app
        .store
        .refuse_after_change(click, "retry_sign_out", refused.code)
        .await
    {
        Ok(row) => {
            let told = messages::after_change(refused.told, &row, &app.zone, now);
            Ok(beside(origin, told))
        }
        Err(error) => Ok(answer_refusal(
            app,
            origin,
            id,
            &error.refusal()?,
            Some(&row),
        )),
    }
}

/// Their own reset, if its sign-out failed and it is recent.
async fn retryable(app: &Arc<App>, origin: &Origin, id: ResetId) -> Result<Option<ResetRow>, Halt> {
    let row = app.store.reset(id).await?;
    let steps = app.store.steps(id).await?;
    let has_failed = steps.iter().any(|step| {
        matches!(step.step, Step::SignOut | Step::Unlock)
            && matches!(step.outcome, StepOutcome::Failed | StepOutcome::Unknown)
    });
    Ok(row.filter(|row| {
        let is_recent = row
            .changing_at
            .is_some_and(|at| origin.received_at - at < RETRY_FOR);
        row.is_of(&origin.user) && has_failed && is_recent
    }))
}

/// Hides the password that a message shows.
pub(super) async fn hide(app: &Arc<App>, origin: &Origin, id: ResetId) -> Result<Reaction, Halt> {
    record_click(app, origin, id, "done", Next::Hide).await
}

/// Records the click, and goes on.
async fn record_click(
    app: &Arc<App>,
    origin: &Origin,
    id: ResetId,
    event: &'static str,
    next: fn(ResetId, Option<ReplyAddress>) -> Next,
) -> Result<Reaction, Halt> {
    let reply = seal(app, id, origin.reply.as_ref())?;
    let click = card_click(origin, id, reply);
    match app.store.record_click(click, event).await {
        Ok(row) => Ok(Reaction::Work(next(id, address(app, origin, &row)))),
        Err(error) => Ok(answer_refusal(app, origin, id, &error.refusal()?, None)),
    }
}
