//! The notice of a reset to the member: where it goes, what it says, and how each contact took it. Sending it twice is harmless.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::contacts::ContactOnRecord;
use super::steps::{note, outcome_note};
use super::{contacts, messages, pages};
use crate::app::App;
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{Destination, Member, Moment, ResetId, Span, Step, StepOutcome};
use crate::secret::Link;
use crate::store::{NoticeRow, ResetRow, StepNote, StepRow, StoreError};

/// How long the channel of a notice may take.
pub(super) const NOTICE_DEADLINE: Duration = Duration::from_secs(40);

/// How long the other sends of a notice wait for one answer to be recorded.
const NOTE_WAIT: Duration = Duration::from_secs(2);

/// How long a notice is tried again that was not accepted for the moment.
const NOTICE_RETRY_FOR: Span = Span::hours(24);

/// The detail of a notice that one contact accepted and another is to be asked again for.
const TOLD: &str = "told";

/// Where the notice of a reset goes.
#[derive(Default)]
pub(super) struct NoticeAddresses {
    pub(super) first: Vec<Destination>,
    /// The business address: told where none of the first took the notice.
    last: Option<Destination>,
    /// The keyed digests of the contacts that carried the password. That one of them was told counts for nothing.
    carried: Vec<String>,
}

/// Tells the member about the reset at these addresses, never with the password. After an earlier attempt only those are
/// asked that refused it for the moment, or were not asked then.
pub(super) async fn send_notice(
    app: &App,
    row: &ResetRow,
    to: &NoticeAddresses,
    was_signed_out: bool,
    earlier: Vec<NoticeRow>,
) -> Result<(), StoreError> {
    let link = pages::link(app, Link::NotMe, row);
    let notice = notice_of(app, row, was_signed_out, link.as_deref());
    let with_digest = |to| (to, contacts::digest(app, &row.member_id, to));
    let to_try: Vec<(&Destination, String)> = to
        .first
        .iter()
        .map(with_digest)
        .filter(|(_, recipient)| is_to_try(&earlier, recipient))
        .collect();
    let mut answers = before_asking(earlier, &to_try);
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
    let mut last = note_answers(app, row, &mut answers, sends).await;
    let unasked = to.last.as_ref().map(with_digest);
    let unasked = unasked.filter(|(_, recipient)| !answers.contains_key(recipient));
    if let Some(business) = unasked.filter(|_| is_left_untold(&answers, &to.carried)) {
        let sends = [send(business)].into_iter().collect();
        last = note_answers(app, row, &mut answers, sends).await;
    }
    let noted = together(&answers, last.as_ref());
    if noted.outcome != StepOutcome::Pending {
        answers.clear();
    }
    app.store
        .note_told(row.reset_id, vec![noted], answers)
        .await
}

/// True where no contact but one that carried the password has the notice, or may yet get it.
fn is_left_untold(answers: &BTreeMap<String, StepOutcome>, carried: &[String]) -> bool {
    !answers.iter().any(|(recipient, outcome)| {
        matches!(outcome, StepOutcome::Done | StepOutcome::Pending) && !carried.contains(recipient)
    })
}

/// When the password was changed, or was about to be.
fn changed_at(app: &App, row: &ResetRow) -> Moment {
    row.changed_at
        .or(row.changing_at)
        .unwrap_or_else(|| app.clock.now())
}

/// What a notice of this reset says.
pub(super) fn notice_of<'a>(
    app: &'a App,
    row: &'a ResetRow,
    was_signed_out: bool,
    link: Option<&'a str>,
) -> messages::Notice<'a> {
    messages::Notice {
        organization: &app.organization,
        admin_name: &row.admin_name,
        at: changed_at(app, row),
        is_certain: row.changed_at.is_some(),
        was_signed_out,
        has_our_pages: app
            .directories
            .describe(&row.member_id)
            .capabilities
            .has_our_pages,
        link,
        sign_in_at: pages::sign_in(app, &row.member_id),
        zone: &app.zone,
    }
}

/// True while what refused a notice of this reset for the moment is asked again.
pub(super) fn may_tell_again(app: &App, row: &ResetRow) -> bool {
    app.clock.now() - changed_at(app, row) < NOTICE_RETRY_FOR
}

/// Notes how each contact took the notice, while the others are still being asked; gives back the last answer.
async fn note_answers(
    app: &App,
    row: &ResetRow,
    answers: &mut BTreeMap<String, StepOutcome>,
    mut sends: FuturesUnordered<impl Future<Output = (String, Outcome)>>,
) -> Option<Outcome> {
    let mut last = None;
    while let Some((recipient, outcome)) = sends.next().await {
        answers.insert(recipient, taken(&outcome, may_tell_again(app, row)));
        last = Some(outcome);
        if !sends.is_empty() {
            // The other sends wait meanwhile, and the write is in its queue already.
            let noted = note_so_far(app, row.reset_id, answers);
            drop(tokio::time::timeout(NOTE_WAIT, noted).await);
        }
    }
    last
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
    let mut asked = earlier.iter().filter(|row| row.recipient == recipient);
    asked.all(|row| row.outcome == StepOutcome::Pending)
}

/// How a contact took the notice. A mail server with greylisting refuses the first attempt, and the operator can mend a
/// certificate or a password within a day; the sweep tries again. `SetUp` is not among them: gateways say it of one number.
pub(super) fn taken(outcome: &Outcome, may_ask_again: bool) -> StepOutcome {
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
/// none of the others is surely the member's. `delivered` is how the delivery ended, as far as it is known: one that was
/// refused carried nothing, so the contact is told; and then no contact stands for the others, because a second way may carry
/// the password to the only one that takes the notice.
pub(super) fn notice_destinations(
    app: &App,
    row: &ResetRow,
    member: &Member,
    known: Vec<ContactOnRecord>,
    delivered: Option<StepOutcome>,
) -> NoticeAddresses {
    // A typed address is not the contact on record, even if both look alike when they are masked.
    let was_chosen = |to: &Destination, digest: &String| {
        row.destination_digest.as_ref() == Some(digest)
            || row.carried_mask() == Some(to.masked().as_str())
    };
    let is_delivered = delivered == Some(StepOutcome::Done);
    let is_refused = delivered == Some(StepOutcome::Failed);
    let has_channel = |to: &Destination| app.deliveries.has(to.channel());
    let (mut others, mut carried) = (Vec::new(), Vec::new());
    for known in known.into_iter().filter(|known| has_channel(&known.to)) {
        let digest = contacts::digest(app, &member.id, &known.to);
        let is_chosen = was_chosen(&known.to, &digest);
        if is_chosen && is_delivered {
            carried.push(digest);
        } else if known.counts {
            others.push(ContactOnRecord {
                is_surely_theirs: known.is_surely_theirs && !is_chosen && !is_refused,
                ..known
            });
        }
    }
    let business = Destination::Email(member.business_email.clone());
    NoticeAddresses {
        first: contacts::with_business_address(others, member, has_channel),
        last: Some(business).filter(has_channel),
        carried,
    }
}

/// True for a notice that one contact accepted already.
pub(super) fn was_told(step: &StepRow) -> bool {
    step.step == Step::Notice && step.detail.as_deref() == Some(TOLD)
}

pub(super) fn log_failed(recorded: Result<(), StoreError>, failure: &'static str) {
    if let Err(error) = recorded {
        tracing::error!(error = &error as &dyn std::error::Error, "{failure}");
    }
}
