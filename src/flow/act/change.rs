//! The change of the password in the directory: the one call that cannot be taken back.

use std::time::Duration;

use super::reporter::Reporter;
use crate::app::App;
use crate::directory::{Backend, ResetFailed};
use crate::domain::{Member, Password, Span, State, Step, StepOutcome};
use crate::flow::steps::{changed, note};
use crate::flow::{aftermath, ending, messages};
use crate::store::{MoveRefused, Reservation, ResetRow, after_change};

/// How long the directory may take for the change.
const CHANGE_DEADLINE: Duration = Duration::from_secs(15);

/// Changes the password. True if the directory confirmed it; else the end is recorded and told already.
pub(super) async fn change(
    app: &App,
    reporter: &Reporter<'_>,
    reservation: &Reservation,
    password: &Password,
    (row, member): (&ResetRow, &Member),
) -> Result<bool, MoveRefused> {
    let until = app.clock.now() + app.organization.password_lifetime;
    let ended = match app.directories.of(&row.member_id) {
        Some(home) => {
            let call = home.reset(reservation, password, until);
            tokio::time::timeout(CHANGE_DEADLINE, call)
                .await
                .unwrap_or(Err(ResetFailed::Unknown))
        }
        None => Err(ResetFailed::NotSent),
    };
    let name = app.directories.describe(&row.member_id).name;
    let reference = row.reset_id.reference();
    let told = match ended {
        Ok(()) => {
            let capabilities = app.directories.describe(&row.member_id).capabilities;
            let apart = capabilities
                .forces_change_apart
                .then(|| note(Step::MustChange, StepOutcome::Pending));
            let mut steps = [vec![changed(member)], after_change()].concat();
            steps.extend(apart);
            app.store
                .advance(reservation, State::Changed, None, steps)
                .await?;
            return Ok(true);
        }
        Err(ResetFailed::Unknown) => {
            end_as_unknown(app, reporter, reservation).await?;
            return Ok(false);
        }
        Err(ResetFailed::Refused(why)) => messages::directory_refused(name, &why, &reference),
        Err(ResetFailed::NotSent) => messages::directory_down(name, &reference),
        Err(ResetFailed::Misconfigured) => messages::directory_misconfigured(name, &reference),
    };
    let steps = vec![note(Step::Change, StepOutcome::Failed)];
    app.store
        .refuse(reservation, "directory_refused", steps)
        .await?;
    tracing::warn!("the directory refused; nothing was changed");
    reporter.tell_refused(app, row.reset_id, &told).await?;
    Ok(false)
}

/// Nobody can say whether the password was changed. The slot stays used, and the administrator is told what the directory
/// shows.
async fn end_as_unknown(
    app: &App,
    reporter: &Reporter<'_>,
    reservation: &Reservation,
) -> Result<(), MoveRefused> {
    // If it was changed, old sessions must end and the member must be told.
    let steps = [
        vec![note(Step::Change, StepOutcome::Unknown)],
        after_change(),
    ]
    .concat();
    let row = app
        .store
        .advance(reservation, State::Unknown, Some("no_answer"), steps)
        .await?;
    tracing::error!("the directory stopped answering half-way; the end is unknown");
    let told = ending::ending(app, &row, None, None).await;
    reporter.tell_ended(app, &row, &told).await?;
    aftermath::finish_steps(app, &row, Span(0)).await;
    Ok(())
}
