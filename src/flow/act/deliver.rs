//! The delivery of a password that is set: every output of the plan, its end in the record, and the result.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::channels::ReadyChannels;
use super::reporter::Reporter;
use crate::app::{App, HOLD_FOR, HeldPassword};
use crate::chat::Adapter;
use crate::domain::delivery::Way;
use crate::domain::{
    Carries, Destination, Member, Moment, Password, Plan, Quota, Span, State, Step, StepOutcome,
};
use crate::flow::ending::PasswordResult;
use crate::flow::notices::NoticeAddresses;
use crate::flow::steps::{note, outcome_note};
use crate::flow::{contacts, ending, manager_notice, messages, notices, pages};
use crate::secret::Link;
use crate::store::{self, MoveRefused, Reservation, ResetRow, StepNote, StepRow};

/// How long the result waits for the member's notice, so that it can say how that ended.
const NOTICE_WAIT: Duration = Duration::from_secs(3);

/// How long a shown password stays visible.
const SHOWN_FOR: Span = Span::minutes(2);

/// A password that is set, and what its delivery needs.
pub(super) struct SetPassword<'a> {
    pub(super) reservation: Reservation,
    pub(super) password: Password,
    pub(super) channels: ReadyChannels<'a>,
    pub(super) plan: Plan,
    pub(super) row: ResetRow,
    pub(super) member: &'a Member,
    /// The notes of the change and the sign-out, which the result shows too. None where they cannot be read.
    pub(super) steps: Option<Vec<StepRow>>,
    /// The administrator's quota.
    pub(super) quota: Option<Quota>,
    /// Set for another way of delivery: until when the password is kept.
    pub(super) held_until: Option<Moment>,
}

/// Who is told of the reset beside the administrator.
#[derive(Default)]
struct NoticeRecipients {
    /// Where the member is told.
    member: NoticeAddresses,
    /// The address of the member's manager.
    manager: Option<Destination>,
}

/// How the outputs ended, taken together.
struct Outputs {
    notes: Vec<StepNote>,
    state: State,
    /// The first output that was not accepted, in a word.
    failure: Option<&'static str>,
    /// How the message that shows the password ended, if the plan has one.
    shown: Option<StepOutcome>,
}

/// Delivers the password. It is dropped at the end, and kept for another way only where every output was
/// certainly refused.
pub(super) async fn deliver(
    app: &Arc<App>,
    reporter: &Reporter<'_>,
    set: SetPassword<'_>,
) -> Result<(), MoveRefused> {
    let SetPassword {
        reservation,
        password,
        channels,
        plan,
        row,
        member,
        steps,
        quota,
        held_until,
    } = set;
    let was_signed_out = is_done(steps.as_deref().unwrap_or_default(), Step::SignOut);
    let is_first = held_until.is_none();
    let until = held_until.unwrap_or_else(|| app.clock.now() + HOLD_FOR);
    // Before it is sent: a member who disowns the reset meanwhile removes the place.
    if is_first {
        app.held.make_place(row.reset_id, &row.member_id, until);
    }
    let result = ShownResult {
        row: &row,
        member,
        steps,
        quota,
    };
    let mut outputs = send_outputs(app, reporter, &password, channels, &plan, result).await;
    let notice_to = if is_first {
        notice_recipients(app, &row, member, &mut outputs.notes).await
    } else {
        NoticeRecipients::default()
    };
    let was_shown = outputs.shown == Some(StepOutcome::Done);
    let held = HeldPassword {
        password,
        reservation,
        until,
    };
    let row = record_and_keep(app, reporter, held, outputs).await?;
    tracing::info!(member.id = %row.member_id, state = %row.state, "a reset ended");
    let notice = notify(app, &row, &notice_to, was_signed_out);
    let mut notice = std::pin::pin!(notice);
    let is_noticed = tokio::time::timeout(NOTICE_WAIT, &mut notice).await.is_ok();
    let told = if was_shown {
        Ok(())
    } else {
        let retry_for = ending::retry_for(app, &row, Some(member));
        let told = ending::ending(app, &row, quota, retry_for).await;
        reporter.tell_ended(app, &row, &told).await
    };
    if !is_noticed {
        notice.await;
    }
    // The message that showed the password may be hidden already.
    if !is_noticed || was_shown {
        let were_pending = [Step::Notice, Step::ManagerNotice];
        ending::tell_what_is_done(app, row.reset_id, &were_pending).await;
    }
    told
}

/// Makes every output of the plan. E-mail and SMS go first, so that the message with the password can say how they ended.
async fn send_outputs(
    app: &App,
    reporter: &Reporter<'_>,
    password: &Password,
    channels: ReadyChannels<'_>,
    plan: &Plan,
    result: ShownResult<'_>,
) -> Outputs {
    let mut notes = send(app, password, channels, (result.row, result.member)).await;
    if plan.shows() {
        let is_copy = plan.way == Way::Copy;
        notes.push(show(app, reporter, password, result, &notes, is_copy).await);
    }
    Outputs::of(notes, plan.shows())
}

/// Who is told of the reset. If the member can be told nowhere, the step is noted as impossible, else as pending.
async fn notice_recipients(
    app: &App,
    row: &ResetRow,
    member: &Member,
    notes: &mut Vec<StepNote>,
) -> NoticeRecipients {
    let known = match contacts::known(app, member).await {
        Ok(known) => known,
        // The store has logged it. The contacts of the directory are known without it.
        Err(_) => contacts::known_of(member, &[]),
    };
    let delivered = notes.iter().find(|note| note.step == Step::Deliver);
    let delivered = delivered.map(|note| note.outcome);
    let found = notices::notice_destinations(app, row, member, known, delivered);
    // Pending from now on: the sweep leaves it alone while it is sent, however long the reset took up to here.
    let outcome = if found.first.is_empty() {
        StepOutcome::Impossible
    } else {
        StepOutcome::Pending
    };
    notes.push(note(Step::Notice, outcome));
    let manager = manager_notice::destination(app, member);
    if manager.is_some() {
        notes.push(note(Step::ManagerNotice, StepOutcome::Pending));
    }
    NoticeRecipients {
        member: found,
        manager,
    }
}

/// Records the end. The password is kept if it was certainly not delivered, else wiped.
async fn record_and_keep(
    app: &App,
    reporter: &Reporter<'_>,
    held: HeldPassword,
    outputs: Outputs,
) -> Result<ResetRow, MoveRefused> {
    let is_undelivered = outputs.state == State::Undelivered;
    let recorded = record_end(app, reporter, &held.reservation, outputs).await;
    if is_undelivered && recorded.is_ok() {
        keep(app, held).await;
    } else {
        app.held.give_up_place(held.reservation.reset_id());
        drop(held);
    }
    recorded
}

/// Keeps an undelivered password for another way. If it was replaced or disowned meanwhile it is wiped, and nothing
/// follows.
pub(super) async fn keep(app: &App, held: HeldPassword) {
    let id = held.reservation.reset_id();
    if app.held.put(held) {
        return;
    }
    if let Err(error) = app.store.give_up_delivery(id).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not record that a delivery was given up"
        );
    }
}

impl Outputs {
    fn of(notes: Vec<StepNote>, shows: bool) -> Self {
        let has = |wanted: StepOutcome| notes.iter().any(|note| note.outcome == wanted);
        let state = if has(StepOutcome::Done) {
            State::Delivered
        } else if has(StepOutcome::Unknown) {
            State::DeliveryUnknown
        } else {
            State::Undelivered
        };
        let failure = notes
            .iter()
            .find(|note| note.outcome != StepOutcome::Done)
            .map(|note| match note.detail {
                Some(Cow::Borrowed(code)) => code,
                Some(Cow::Owned(_)) | None => "unknown",
            });
        let shown = notes.last().filter(|_| shows).map(|note| note.outcome);
        Self {
            notes,
            state,
            failure,
            shown,
        }
    }
}

/// Records the end; of a shown password also when it is to be hidden.
async fn record_end(
    app: &App,
    reporter: &Reporter<'_>,
    reservation: &Reservation,
    outputs: Outputs,
) -> Result<ResetRow, MoveRefused> {
    let Outputs {
        notes,
        state,
        failure,
        shown,
    } = outputs;
    match shown {
        Some(outcome @ (StepOutcome::Done | StepOutcome::Unknown)) => {
            let hide_at = reporter
                .chat
                .can_replace()
                .then(|| app.clock.now() + SHOWN_FOR);
            let shown = store::Shown {
                hide_at,
                is_certain: outcome == StepOutcome::Done,
            };
            app.store
                .advance_shown(reservation, state, failure, notes, shown)
                .await
        }
        Some(StepOutcome::Failed | StepOutcome::Impossible | StepOutcome::Pending) | None => {
            app.store.advance(reservation, state, failure, notes).await
        }
    }
}

/// Tells the member at every contact, and the manager.
async fn notify(app: &App, row: &ResetRow, to: &NoticeRecipients, was_signed_out: bool) {
    let to_member = async {
        if !to.member.first.is_empty() {
            let sent = notices::send_notice(app, row, &to.member, was_signed_out, Vec::new()).await;
            notices::log_failed(sent, "could not record the notice of a reset");
        }
    };
    let to_manager = async {
        if let Some(to) = &to.manager {
            manager_notice::send(app, row, to).await;
        }
    };
    tokio::join!(to_member, to_manager);
}

/// Sends everything that goes by e-mail and SMS.
async fn send(
    app: &App,
    password: &Password,
    channels: ReadyChannels<'_>,
    (row, member): (&ResetRow, &Member),
) -> Vec<StepNote> {
    let until =
        row.changed_at.unwrap_or_else(|| app.clock.now()) + app.organization.password_lifetime;
    let (organization, zone) = (&app.organization, &app.zone);
    let capabilities = app.directories.describe(&row.member_id).capabilities;
    let sign_in_at = pages::sign_in(app, &row.member_id);
    // Where the record does not answer, the store has logged it.
    let methods = contacts::methods_now(app, member).await;
    let has_code = methods.ok().map(|methods| !methods.usable.is_empty());
    let handover = messages::Handover {
        organization,
        member_name: &row.member_name,
        until: capabilities.has_our_pages.then_some(until),
        sign_in_at: sign_in_at.as_deref(),
        has_code,
        zone,
    };
    let (mail, sms) = if row.carries == Carries::Link {
        let link = pages::link(app, Link::Claim, row).unwrap_or_default();
        (
            messages::link_mail(
                organization,
                &row.member_name,
                &link,
                (until, zone),
                has_code,
            ),
            messages::link_sms(organization, &link, until, zone),
        )
    } else {
        (handover.mail(password), handover.sms(password))
    };
    let copy = handover.copy_to_self(password);
    // Each attempt has an id of its own: a gateway that knows the first one's would drop the next.
    let id = format!("{}-{}", row.reset_id, row.edition);
    let sent = channels.send(&mail, &sms, &copy, &id).await;
    sent.iter()
        .map(|(step, outcome)| outcome_note(*step, outcome))
        .collect()
}

/// What the message that shows the password is made of.
struct ShownResult<'a> {
    row: &'a ResetRow,
    member: &'a Member,
    /// What was done before the delivery. None where it cannot be read.
    steps: Option<Vec<StepRow>>,
    quota: Option<Quota>,
}

/// Sends the one message that shows the password: the result, as far as it is known now.
async fn show(
    app: &App,
    reporter: &Reporter<'_>,
    password: &Password,
    output: ShownResult<'_>,
    notes: &[StepNote],
    is_copy: bool,
) -> StepNote {
    let ShownResult {
        row,
        member,
        steps,
        quota,
    } = output;
    let step = if is_copy { Step::Deliver } else { Step::Show };
    let now = app.clock.now();
    // Drop notes of an earlier way, and the note that the password is shown: the reader sees it.
    let steps = steps.map(|steps| {
        steps
            .into_iter()
            .filter(|done| done.step != step && notes.iter().all(|note| note.step != done.step))
            .chain(notes.iter().map(|note| note.row(row.reset_id, now)))
            .collect::<Vec<StepRow>>()
    });
    let shown = PasswordResult {
        steps: steps.as_deref(),
        member,
        quota,
        hides_itself: reporter.chat.can_replace(),
    };
    let message = ending::with_password(app, row, shown).await;
    outcome_note(step, &reporter.show(&message, password).await)
}

fn is_done(steps: &[StepRow], step: Step) -> bool {
    steps
        .iter()
        .any(|row| row.step == step && row.outcome == StepOutcome::Done)
}
