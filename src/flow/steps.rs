//! The steps of a reset around the change: their notes, and those that the directory does.

use crate::app::App;
use crate::directory::{Backend, Enforced, ForcedChange, Unavailable};
use crate::domain::delivery::Outcome;
use crate::domain::{Member, Moment, Password, ResetId, Step, StepOutcome};
use crate::store::{ResetRow, StepNote, StepRow};

/// A note without a detail.
pub(super) fn note(step: Step, outcome: StepOutcome) -> StepNote {
    StepNote {
        step,
        outcome,
        detail: None,
    }
}

/// The note about an output.
pub(super) fn outcome_note(step: Step, outcome: &Outcome) -> StepNote {
    match outcome {
        Outcome::Accepted => note(step, StepOutcome::Done),
        Outcome::Refused(why) => StepNote {
            step,
            outcome: StepOutcome::Failed,
            detail: Some(why.code()),
        },
        Outcome::Unknown => note(step, StepOutcome::Unknown),
    }
}

/// A note as the record returns it.
pub(super) fn row_of(reset_id: ResetId, note: &StepNote, now: Moment) -> StepRow {
    StepRow {
        reset_id,
        step: note.step,
        outcome: note.outcome,
        detail: note.detail.map(str::to_owned),
        noted_at: now,
    }
}

/// The recorded steps of a reset; none if they cannot be read, which the result has to say.
pub(super) async fn of_reset(app: &App, id: ResetId) -> Option<Vec<StepRow>> {
    match app.store.steps(id).await {
        Ok(steps) => Some(steps),
        Err(error) => {
            tracing::error!(reset.id = %id, error = &error as &dyn std::error::Error, "could not read the steps of a reset");
            None
        }
    }
}

/// Ends the member's sessions, where the directory can.
pub(super) async fn sign_out(app: &App, member: &Member) -> StepNote {
    let home = app
        .directories
        .of(&member.id)
        .filter(|home| home.capabilities().can_sign_out);
    let Some(home) = home else {
        return note(Step::SignOut, StepOutcome::Impossible);
    };
    match home.sign_out(&member.id).await {
        Ok(()) => note(Step::SignOut, StepOutcome::Done),
        Err(error) => {
            tracing::error!(member.id = %member.id, error = &error as &dyn std::error::Error, "could not sign a member out");
            StepNote {
                detail: Some("directory_down"),
                ..note(Step::SignOut, StepOutcome::Failed)
            }
        }
    }
}

/// Has the directory ask for a new password, where that is an operation of its own. What it came to is read back after it.
pub(super) async fn force_change(app: &App, member: &Member) {
    let home = app
        .directories
        .of(&member.id)
        .filter(|home| home.capabilities().forces_change_apart);
    let Some(home) = home else { return };
    match home.force_change(&member.id, None).await {
        Ok(ForcedChange::Sent) => {}
        Ok(not_sent @ (ForcedChange::SetAgain | ForcedChange::NoPolicy)) => {
            tracing::warn!(member.id = %member.id, why = ?not_sent, "no change was forced");
        }
        Err(error) => {
            tracing::error!(member.id = %member.id, error = &error as &dyn std::error::Error, "could not force a change");
        }
    }
}

/// The same for a reset that a dead process left after the change. Its password is lost, so whether the directory asks for a
/// new one cannot be read back. A password that was set since is the member's own.
pub(super) async fn force_change_late(app: &App, row: &ResetRow) -> StepNote {
    let failed = |detail| StepNote {
        detail: Some(detail),
        ..note(Step::MustChange, StepOutcome::Failed)
    };
    let home = app.directories.of(&row.member_id);
    let (Some(home), Some(begun), Some(ended)) = (home, row.changing_at, row.changed_at) else {
        return note(Step::MustChange, StepOutcome::Impossible);
    };
    match home.force_change(&row.member_id, Some(begun..=ended)).await {
        Ok(ForcedChange::Sent) => note(Step::MustChange, StepOutcome::Unknown),
        Ok(ForcedChange::SetAgain) => failed("set_again"),
        Ok(ForcedChange::NoPolicy) => failed("not_in_force"),
        Err(error) => {
            tracing::error!(member.id = %row.member_id, error = &error as &dyn std::error::Error, "could not force a change");
            failed("directory_down")
        }
    }
}

/// Reads back whether the directory asks for a new password at the next sign-in: only that is told (Q5).
pub(super) async fn read_back(app: &App, member: &Member, password: &Password) -> StepNote {
    let home = app
        .directories
        .of(&member.id)
        .filter(|home| home.capabilities().must_change);
    let Some(home) = home else {
        return note(Step::MustChange, StepOutcome::Impossible);
    };
    let (outcome, detail) = match home.enforced(&member.id, password).await {
        Ok(Enforced::MustChange) => (StepOutcome::Done, None),
        Ok(Enforced::NeverExpires) => (StepOutcome::Failed, Some("never_expires")),
        Ok(Enforced::NotInForce) => (StepOutcome::Failed, Some("not_in_force")),
        Err(Unavailable) => (StepOutcome::Unknown, None),
    };
    if outcome != StepOutcome::Done {
        tracing::warn!(member.id = %member.id, outcome = %outcome, detail, "a new password may not be asked for at the next sign-in");
    }
    StepNote {
        step: Step::MustChange,
        outcome,
        detail,
    }
}
