//! What follows the act: the member's notice, another sign-out, hiding a shown password, and steps that a dead process
//! left pending. All of it is harmless when it is done twice.

use std::time::Duration;

use futures_util::future::join_all;

use super::reply::tell;
use super::steps::{self, note, outcome_note};
use super::{contacts, ending, messages, pages};
use crate::app::App;
use crate::chat::{Chat, Placement, ReplyAddress};
use crate::directory::Down;
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{Destination, Member, ResetId, Span, Step, StepOutcome};
use crate::secret::Link;
use crate::store::{ResetRow, StepNote, StepRow, StoreError};

/// How long the channel of a notice may take.
const NOTICE_DEADLINE: Duration = Duration::from_secs(40);

/// How long a notice is tried again that was not accepted for the moment.
const NOTICE_RETRY_FOR: Span = Span::hours(24);

/// Tells the member about the reset at these contacts, never with the password. It is done if one of them accepted it.
pub(super) async fn send_notice(
    app: &App,
    row: &ResetRow,
    to: &[Destination],
    was_signed_out: bool,
) -> Result<(), StoreError> {
    let at = row
        .changed_at
        .or(row.changing_at)
        .unwrap_or_else(|| app.clock.now());
    let link = pages::link(app, Link::NotMe, row);
    let notice = messages::Notice {
        organization: &app.organization,
        admin_name: &row.admin_name,
        at,
        is_certain: row.changed_at.is_some(),
        was_signed_out,
        has_our_pages: app.directories.told(&row.member_id).1.has_our_pages,
        link: link.as_deref(),
        zone: &app.zone,
    };
    let sends = to.iter().map(async |to| {
        let text = if to.channel().facts().is_short {
            notice.sms()
        } else {
            notice.mail()
        };
        // The same recipient has the same id at the next attempt, whoever else is told then.
        let recipient = contacts::digest(app, &row.member_id, to);
        let id = format!("notice-{}-{recipient}", row.reset_id);
        let sent = tokio::time::timeout(NOTICE_DEADLINE, app.deliveries.tell(to, &text, &id));
        let outcome = sent.await.unwrap_or(Outcome::Unknown);
        if outcome != Outcome::Accepted {
            tracing::warn!(to = %to.masked(), ?outcome, "a notice was not accepted");
        }
        outcome
    });
    let noted = match best(join_all(sends).await) {
        // A mail server with greylisting refuses the first attempt. The sweep tries again.
        Outcome::Refused(Refusal::Later | Refusal::Unreachable)
            if app.clock.now() - at < NOTICE_RETRY_FOR =>
        {
            note(Step::Notice, StepOutcome::Pending)
        }
        outcome @ (Outcome::Accepted | Outcome::Refused(_) | Outcome::Unknown) => {
            outcome_note(Step::Notice, &outcome)
        }
    };
    app.store.note_steps(row.reset_id, vec![noted]).await
}

/// What the notices came to together: accepted by one, else worth another try, else unknown, else refused by all.
fn best(outcomes: Vec<Outcome>) -> Outcome {
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Accepted => 0,
        Outcome::Refused(Refusal::Later | Refusal::Unreachable) => 1,
        Outcome::Unknown => 2,
        Outcome::Refused(_) => 3,
    };
    outcomes
        .into_iter()
        .min_by_key(rank)
        .unwrap_or(Outcome::Unknown)
}

/// Where the notice goes: every contact on record that counts and did not carry the password, and the business address if
/// none of them is surely the member's.
pub(super) async fn notice_destinations(
    app: &App,
    row: &ResetRow,
    member: &Member,
) -> Vec<Destination> {
    let known = match contacts::known(app, member).await {
        Ok(known) => known,
        // The store has logged it. The contacts of the directory are known without it.
        Err(_) => contacts::known_of(member, &[]),
    };
    // A typed address is not the contact on record, even if both look alike when they are masked.
    let has_carried = |to: &Destination| {
        let digest = contacts::digest(app, &member.id, to);
        row.destination_digest.as_ref() == Some(&digest)
            || row.carried_mask() == Some(to.masked().as_str())
    };
    let has_channel = |to: &Destination| app.deliveries.has(to.channel());
    let others = known
        .into_iter()
        .filter(|known| known.counts && has_channel(&known.to) && !has_carried(&known.to))
        .collect();
    contacts::with_business_address(others, member, has_channel)
}

/// Does the steps that a dead process left pending.
pub(super) async fn finish_steps(app: &App, row: &ResetRow) {
    let steps = steps::of_reset(app, row.reset_id).await;
    let member = match ending::find_member(app, row).await {
        Ok(Some(member)) => member,
        Ok(None) => {
            give_up(app, row.reset_id, &steps).await;
            return;
        }
        // The sweep asks again later.
        Err(Down(_)) => return,
    };
    let has = |step: Step, outcome: StepOutcome| {
        steps
            .iter()
            .any(|row| row.step == step && row.outcome == outcome)
    };
    if has(Step::MustChange, StepOutcome::Pending) {
        let noted = vec![steps::force_change_late(app, row).await];
        note_steps(app, row.reset_id, noted, "could not record a forced change").await;
    }
    let mut was_signed_out = has(Step::SignOut, StepOutcome::Done);
    if has(Step::SignOut, StepOutcome::Pending) {
        let noted = steps::sign_out(app, &member).await;
        was_signed_out = noted.outcome == StepOutcome::Done;
        note_steps(
            app,
            row.reset_id,
            vec![noted],
            "could not record a sign-out",
        )
        .await;
    }
    if has(Step::Notice, StepOutcome::Pending) {
        let to = notice_destinations(app, row, &member).await;
        if to.is_empty() {
            let impossible = vec![note(Step::Notice, StepOutcome::Impossible)];
            note_steps(app, row.reset_id, impossible, "could not record a notice").await;
        } else {
            let sent = send_notice(app, row, &to, was_signed_out).await;
            log_failed(sent, "could not record a notice");
        }
    }
}

/// The member is gone: nobody is left to be signed out or told.
async fn give_up(app: &App, id: ResetId, steps: &[StepRow]) {
    let noted = steps
        .iter()
        .filter(|step| step.outcome == StepOutcome::Pending)
        .map(|step| note(step.step, StepOutcome::Impossible))
        .collect();
    note_steps(app, id, noted, "could not record that a member is gone").await;
}

async fn note_steps(app: &App, id: ResetId, noted: Vec<StepNote>, failure: &'static str) {
    log_failed(app.store.note_steps(id, noted).await, failure);
}

fn log_failed(recorded: Result<(), StoreError>, failure: &'static str) {
    if let Err(error) = recorded {
        tracing::error!(error = &error as &dyn std::error::Error, "{failure}");
    }
}

/// Signs the member out once more, for the administrator who asked for it.
pub(super) async fn sign_out_again(app: &App, chat: &Chat, id: ResetId, to: Option<ReplyAddress>) {
    let Ok(Some(row)) = app.store.reset(id).await else {
        return;
    };
    let Some(member) = ending::member_of(app, &row).await else {
        return;
    };
    let noted = steps::sign_out(app, &member).await;
    note_steps(app, id, vec![noted], "could not record a sign-out").await;
    // Meanwhile the password may be on another way. Then its end is told when it comes.
    let Ok(Some(row)) = app.store.reset(id).await else {
        return;
    };
    if row.state.is_active() {
        return;
    }
    // A visible password stays visible.
    let placement = if row.hide_at.is_some() {
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
    let told = match app.store.reset(id).await {
        Ok(Some(row)) => ending::ending(app, &row, None, None).await,
        Ok(None) | Err(_) => messages::hidden(),
    };
    if tell(chat, to, &told, Placement::Replace).await {
        let hidden = app.store.hidden(id).await;
        log_failed(hidden, "could not record that a password is hidden");
    }
}
