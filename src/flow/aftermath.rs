//! What follows the act: the member's notice, another sign-out, hiding a shown password, and steps that a dead process
//! left pending. All of it is harmless when it is done twice.

use std::time::Duration;

use super::reply::tell;
use super::steps::{self, note, outcome_note};
use super::{ending, messages, pages};
use crate::app::App;
use crate::chat::{Chat, Placement, ReplyAddress};
use crate::directory::Down;
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{Channel, Delivery, Destination, Member, ResetId, Span, Step, StepOutcome};
use crate::secret::Link;
use crate::store::{ResetRow, StepNote, StepRow, StoreError};

/// How long the channel of a notice may take.
const NOTICE_DEADLINE: Duration = Duration::from_secs(40);

/// How long a notice is tried again that was not accepted for the moment.
const NOTICE_RETRY_FOR: Span = Span::hours(24);

/// Tells the member about the reset, on a contact other than the delivery's and never with the password.
pub(super) async fn send_notice(
    app: &App,
    row: &ResetRow,
    to: &Destination,
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
    let text = if to.channel().facts().is_short {
        notice.sms()
    } else {
        notice.mail()
    };
    let id = format!("notice-{}", row.reset_id);
    let sent = tokio::time::timeout(NOTICE_DEADLINE, app.deliveries.tell(to, &text, &id)).await;
    let noted = match sent.unwrap_or(Outcome::Unknown) {
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

/// Where the notice goes: a contact that did not get the password, else the business address.
pub(super) fn notice_destination(
    app: &App,
    row: &ResetRow,
    member: &Member,
) -> Option<Destination> {
    // A private mailbox before a phone, and the contact of the way that was used last.
    let mut channels: Vec<Channel> = Channel::ALL.iter().rev().copied().collect();
    channels.sort_by_key(|channel| row.delivery == Some(channel.delivery()));
    let contacts = channels
        .iter()
        .filter_map(|channel| channel.on_record(member));
    let business = Destination::Email(member.business_email.clone());
    // A typed address is not the contact on record, even if both look alike when they are masked.
    let used = row.delivery.filter(|_| !row.is_typed);
    let used = used
        .and_then(Delivery::channel)
        .and_then(|channel| channel.on_record(member));
    // By whichever channel: a notice to the contact that got the password tells nobody else.
    let was_used = |to: &Destination| used.as_ref().is_some_and(|used| used.is_same(to));
    contacts
        .chain([business])
        .find(|to| app.deliveries.has(to.channel()) && !was_used(to))
}

/// Does the sign-out and the notice that a dead process left pending.
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
    let mut was_signed_out = has(Step::SignOut, StepOutcome::Done);
    if has(Step::SignOut, StepOutcome::Pending) {
        let noted = steps::sign_out(app, &member).await;
        was_signed_out = noted.outcome == StepOutcome::Done;
        record(
            app,
            row.reset_id,
            vec![noted],
            "could not record a sign-out",
        )
        .await;
    }
    if has(Step::Notice, StepOutcome::Pending) {
        if let Some(to) = notice_destination(app, row, &member) {
            let sent = send_notice(app, row, &to, was_signed_out).await;
            log_failed(sent, "could not record a notice");
        } else {
            let impossible = vec![note(Step::Notice, StepOutcome::Impossible)];
            record(app, row.reset_id, impossible, "could not record a notice").await;
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
    record(app, id, noted, "could not record that a member is gone").await;
}

async fn record(app: &App, id: ResetId, noted: Vec<StepNote>, failure: &'static str) {
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
    record(app, id, vec![noted], "could not record a sign-out").await;
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
