//! Clicks on the message about a finished reset: sign the member out once more, hide the password.

use std::sync::Arc;

use super::permit;
use super::reaction::{Halt, Next, Reaction};
use super::refuse::card_click;
use super::reply::{address, beside, refused, seal};
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
        return visit(app, origin, id, "retry_sign_out", nothing).await;
    };
    trace::record_admin(&row.admin_id);
    let how = (Freshness::Now, now);
    let Err(not) = permit::of_card(app, chat, &origin.user, &row, how).await else {
        return visit(app, origin, id, "retry_sign_out", Next::SignOut).await;
    };
    let reply = seal(app, id, origin.reply.as_ref())?;
    let click = card_click(origin, id, reply);
    match app.store.visit(click, "retry_sign_out_refused").await {
        Ok(row) => {
            let told = messages::after_change(not.told, &row, &app.zone, now);
            Ok(beside(origin, told))
        }
        Err(error) => Ok(refused(app, origin, id, &error.refusal()?, Some(&row))),
    }
}

/// Their own reset, if its sign-out failed and it is recent.
async fn retryable(app: &Arc<App>, origin: &Origin, id: ResetId) -> Result<Option<ResetRow>, Halt> {
    let row = app.store.reset(id).await?;
    let steps = app.store.steps(id).await?;
    let has_failed = steps.iter().any(|step| {
        step.step == Step::SignOut
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
    visit(app, origin, id, "done", Next::Hide).await
}

/// Records the click, and goes on.
async fn visit(
    app: &Arc<App>,
    origin: &Origin,
    id: ResetId,
    event: &'static str,
    next: fn(ResetId, Option<ReplyAddress>) -> Next,
) -> Result<Reaction, Halt> {
    let reply = seal(app, id, origin.reply.as_ref())?;
    let click = card_click(origin, id, reply);
    match app.store.visit(click, event).await {
        Ok(row) => Ok(Reaction::Then(next(id, address(app, origin, &row)))),
        Err(error) => Ok(refused(app, origin, id, &error.refusal()?, None)),
    }
}
