//! Q3: an undelivered password goes another way, inside the same reset.

use std::sync::Arc;

use super::checks::make_ready_again;
use super::deliver::{SetPassword, deliver, keep};
use super::reporter::Reporter;
use super::stop::{Obstacle, StopReason, count_typed_refusal};
use crate::app::{App, HeldPassword};
use crate::delivery::NotReady;
use crate::domain::delivery::Outcome;
use crate::domain::{Member, State, Step, StepOutcome};
use crate::flow::steps::{note, outcome_note};
use crate::flow::{ending, messages, steps};
use crate::store::{MoveRefused, ResetRow, StepNote};

/// Undelivered → delivering → an end.
pub(super) async fn redeliver(
    app: &Arc<App>,
    reporter: &Reporter<'_>,
    held: HeldPassword,
    row: ResetRow,
    member: Member,
) -> Result<(), MoveRefused> {
    match make_ready_again(app, reporter.chat, &row, &member).await {
        Ok((plan, channels)) => {
            let HeldPassword {
                password,
                reservation,
                until,
            } = held;
            let steps = steps::of_reset(app, row.reset_id).await;
            let quota = ending::quota_now(app, row.reset_id).await;
            let set = SetPassword {
                reservation,
                password,
                channels,
                plan,
                row,
                member: &member,
                steps,
                quota,
                held_until: Some(until),
            };
            Box::pin(deliver(app, reporter, set)).await
        }
        Err(obstacle) => not_sent(app, reporter, held, (&row, &member), obstacle).await,
    }
}

/// The password cannot go that way. It stays undelivered, and is kept for another try.
async fn not_sent(
    app: &Arc<App>,
    reporter: &Reporter<'_>,
    held: HeldPassword,
    (row, member): (&ResetRow, &Member),
    obstacle: Obstacle,
) -> Result<(), MoveRefused> {
    let outputs = row.outputs().into_iter();
    let (failure, notes, told) = match obstacle {
        Obstacle::NotReady(NotReady { step, why, .. }) => {
            count_typed_refusal(app, row, step, &why).await;
            // One channel that is not ready keeps all outputs back.
            let notes = outputs.map(|output| {
                if output == step {
                    outcome_note(step, &Outcome::Refused(why.clone()))
                } else {
                    failed(output, "kept_back")
                }
            });
            (why.code(), notes.collect(), None)
        }
        Obstacle::Refused(StopReason { code, told }) => {
            let notes = outputs.map(|output| failed(output, "not_allowed"));
            (code, notes.collect(), Some(told))
        }
    };
    let moved = app
        .store
        .advance(&held.reservation, State::Undelivered, Some(failure), notes)
        .await;
    if moved.is_err() {
        app.held.give_up_place(row.reset_id);
    }
    let row = moved?;
    keep(app, held).await;
    let retry_for = ending::retry_for(app, &row, Some(member));
    let mut end = ending::ending(app, &row, None, retry_for).await;
    if let Some(why) = told {
        let why = messages::after_change(*why, &row, &app.zone, app.clock.now());
        end.lines.insert(0, why.title);
    }
    reporter.tell_ended(app, &row, &end).await
}

fn failed(output: Step, detail: &'static str) -> StepNote {
    StepNote {
        detail: Some(detail.into()),
        ..note(output, StepOutcome::Failed)
    }
}
