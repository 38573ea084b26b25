//! What follows the act: the member's notice, another sign-out, hiding a shown password, and steps that a dead process
//! left pending. All of it is harmless when it is done twice.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::contacts::ContactOnRecord;
use super::reply::tell;
use super::steps::{self, note, outcome_note};
use super::{contacts, ending, messages, pages};
use crate::app::App;
use crate::chat::{Chat, Placement, ReplyAddress};
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{Destination, Member, Moment, ResetId, Span, Step, StepOutcome};
use crate::secret::Link;
use crate::store::{NoticeRow, ResetRow, StepNote, StepRow, StoreError};

/// How long the channel of a notice may take.
const NOTICE_DEADLINE: Duration = Duration::from_secs(40);

/// How long the other sends of a notice wait for one answer to be recorded.
const NOTE_WAIT: Duration = Duration::from_secs(2);

/// How long a notice is tried again that was not accepted for the moment.
const NOTICE_RETRY_FOR: Span = Span::hours(24);

/// The detail of a notice that one contact accepted and another is to be asked again for.
const TOLD: &str = "told";

/// Tells the member about the reset at these contacts, never with the password. After an earlier attempt only those are
/// asked that refused it for the moment.
pub(super) async fn send_notice(
    app: &App,
    row: &ResetRow,
    to: &[Destination],
    was_signed_out: bool,
    earlier: Vec<NoticeRow>,
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
        has_our_pages: app
            .directories
            .describe(&row.member_id)
            .capabilities
            .has_our_pages,
        link: link.as_deref(),
        zone: &app.zone,
    };
    let to_try: Vec<(&Destination, String)> = to
        .iter()
        .map(|to| (to, contacts::digest(app, &row.member_id, to)))
        .filter(|(_, recipient)| earlier.is_empty() || is_to_try(&earlier, recipient))
        .collect();
    let contacts = before_asking(earlier, &to_try);
    let send = async |(to, recipient): (&Destination, String)| {
        let text = if to.channel().facts().is_short {
            notice.sms()
        } else {
            notice.mail()
        };
        // The same recipient has the same id at the next attempt, whoever else is told then.
        let id = format!("notice-{}-{recipient}", row.reset_id);
        let sent = tokio::time::timeout(NOTICE_DEADLINE, app.deliveries.tell(to, &text, &id));
        let outcome = sent.await.unwrap_or(Outcome::Unknown);
        if outcome != Outcome::Accepted {
            tracing::warn!(to = %to.masked(), ?outcome, "a notice was not accepted");
        }
        (recipient, outcome)
    };
    let sends = to_try.into_iter().map(send).collect();
    note_answers(app, row.reset_id, at, contacts, sends).await
}

/// Notes how each contact took the notice about a change at this moment, while the others are still being asked.
async fn note_answers(
    app: &App,
    id: ResetId,
    at: Moment,
    mut contacts: BTreeMap<String, StepOutcome>,
    mut sends: FuturesUnordered<impl Future<Output = (String, Outcome)>>,
) -> Result<(), StoreError> {
    let mut last = None;
    while let Some((recipient, outcome)) = sends.next().await {
        let may_ask_again = app.clock.now() - at < NOTICE_RETRY_FOR;
        contacts.insert(recipient, taken(&outcome, may_ask_again));
        last = Some(outcome);
        if !sends.is_empty() {
            // The other sends wait meanwhile, and the write is in its queue already.
            let noted = note_so_far(app, id, &contacts);
            drop(tokio::time::timeout(NOTE_WAIT, noted).await);
        }
    }
    let noted = together(&contacts, last.as_ref());
    if noted.outcome != StepOutcome::Pending {
        contacts.clear();
    }
    app.store.note_told(id, vec![noted], contacts).await
}

/// A restart while the others are being asked does not tell those again who have answered.
async fn note_so_far(app: &App, id: ResetId, contacts: &BTreeMap<String, StepOutcome>) {
    let so_far = vec![together(contacts, None)];
    let noted = app.store.note_notices(id, so_far, contacts.clone()).await;
    log_failed(noted, "could not record how a contact took a notice");
}

/// How the contacts stand before these are asked.
fn before_asking(
    earlier: Vec<NoticeRow>,
    asked: &[(&Destination, String)],
) -> BTreeMap<String, StepOutcome> {
    let ended = earlier
        .into_iter()
        .filter(|row| row.outcome != StepOutcome::Pending)
        .map(|row| (row.recipient, row.outcome));
    let asked = asked
        .iter()
        .map(|(_, recipient)| (recipient.clone(), StepOutcome::Pending));
    ended.chain(asked).collect()
}

fn is_to_try(earlier: &[NoticeRow], recipient: &str) -> bool {
    earlier
        .iter()
        .any(|row| row.recipient == recipient && row.outcome == StepOutcome::Pending)
}

/// How a contact took the notice. A mail server with greylisting refuses the first attempt, and the operator can mend a
/// certificate or a password within a day; the sweep tries again. `SetUp` is not among them: gateways say it of one number.
fn taken(outcome: &Outcome, may_ask_again: bool) -> StepOutcome {
    match outcome {
        Outcome::Accepted => StepOutcome::Done,
        Outcome::Refused(
            Refusal::Later | Refusal::Unreachable | Refusal::Tls | Refusal::Credentials,
        ) if may_ask_again => StepOutcome::Pending,
        Outcome::Refused(_) => StepOutcome::Failed,
        Outcome::Unknown => StepOutcome::Unknown,
    }
}

/// What the notices came to together: pending while one is to be sent again, else accepted by one, else unknown, else
/// refused by all.
fn together(contacts: &BTreeMap<String, StepOutcome>, last: Option<&Outcome>) -> StepNote {
    let has = |wanted| contacts.values().any(|outcome| *outcome == wanted);
    if has(StepOutcome::Pending) {
        return StepNote {
            detail: has(StepOutcome::Done).then_some(TOLD.into()),
            ..note(Step::Notice, StepOutcome::Pending)
        };
    }
    for outcome in [StepOutcome::Done, StepOutcome::Unknown] {
        if has(outcome) {
            return note(Step::Notice, outcome);
        }
    }
    // All refused it, or the last one that was to be asked again left the record.
    match last {
        Some(refused) => outcome_note(Step::Notice, refused),
        None => note(Step::Notice, StepOutcome::Failed),
    }
}

/// Where the notice goes: every contact on record that counts and did not carry the password, and the business address if
/// none of them is surely the member's.
pub(super) fn notice_destinations(
    app: &App,
    row: &ResetRow,
    member: &Member,
    known: Vec<ContactOnRecord>,
) -> Vec<Destination> {
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
    if is_pending(Step::Notice) {
        let sent = notify_again(app, row, &member, was_signed_out).await;
        log_failed(sent, "could not record a notice");
    }
}

/// True for a notice that one contact accepted already.
fn was_told(step: &StepRow) -> bool {
    step.step == Step::Notice && step.detail.as_deref() == Some(TOLD)
}

/// Sends a notice that was not sent, or again to the contacts that refused it for the moment. Where it is not known who
/// those are, nobody is told twice: the sweep asks again later.
async fn notify_again(
    app: &App,
    row: &ResetRow,
    member: &Member,
    was_signed_out: bool,
) -> Result<(), StoreError> {
    let earlier = app.store.notices(row.reset_id).await?;
    let known = contacts::known(app, member).await?;
    let to = notice_destinations(app, row, member, known);
    if to.is_empty() && earlier.is_empty() {
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

fn log_failed(recorded: Result<(), StoreError>, failure: &'static str) {
    if let Err(error) = recorded {
        tracing::error!(error = &error as &dyn std::error::Error, "{failure}");
    }
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
