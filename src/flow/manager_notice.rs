//! The notice of a reset to the member's manager (`policy.notify_manager`), by e-mail and without the password.

use super::notices::{NOTICE_DEADLINE, log_failed, may_tell_again, notice_of, taken};
use super::steps::note;
use crate::app::App;
use crate::domain::delivery::Outcome;
use crate::domain::{Channel, Destination, EmailAddress, Member, Step, StepOutcome};
use crate::store::ResetRow;

/// Where the manager is told; none where nobody is on record, or the settings do not say so. No business address and no
/// personal e-mail of the member is a manager's.
pub(super) fn destination(app: &App, member: &Member) -> Option<Destination> {
    let is_personal = |manager: &EmailAddress| {
        member
            .outside_email()
            .is_some_and(|personal| personal.is_same_mailbox(manager))
    };
    member
        .manager_email
        .clone()
        .filter(|manager| {
            app.organization.notify_manager
                && app.deliveries.has(Channel::Email)
                && !member.has_mailbox(manager)
                && !is_personal(manager)
        })
        .map(Destination::Email)
}

/// Tells the manager, and notes how that ended. What was put off is tried again by the sweep, for as long as a notice to the
/// member.
pub(super) async fn send(app: &App, row: &ResetRow, to: &Destination) {
    let text = notice_of(app, row, false, None).to_manager(&row.member_name);
    let id = format!("manager-{}", row.reset_id);
    let sent = tokio::time::timeout(NOTICE_DEADLINE, app.deliveries.tell(to, &text, &id)).await;
    let outcome = sent.unwrap_or(Outcome::Unknown);
    if outcome != Outcome::Accepted {
        tracing::warn!(to = %to.masked(), ?outcome, "a notice to a manager was not accepted");
    }
    record(app, row, taken(&outcome, may_tell_again(app, row))).await;
}

/// The same for a notice that is noted as pending: a dead process left it, or it was put off.
pub(super) async fn send_again(app: &App, row: &ResetRow, member: &Member) {
    match destination(app, member) {
        Some(to) => send(app, row, &to).await,
        None => record(app, row, StepOutcome::Impossible).await,
    }
}

async fn record(app: &App, row: &ResetRow, outcome: StepOutcome) {
    let noted = vec![note(Step::ManagerNotice, outcome)];
    let recorded = app.store.note_steps(row.reset_id, noted).await;
    log_failed(recorded, "could not record a notice to a manager");
}
