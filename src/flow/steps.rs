//! The steps of a reset around the change: their notes, and those that the directory does.

use std::borrow::Cow;
use std::time::Duration;

use crate::app::App;
use crate::directory::{Backend, Enforced, ForcedChange, ResetFailed, Unavailable};
use crate::domain::delivery::Outcome;
use crate::domain::makeup::Makeup;
use crate::domain::{Member, MemberId, Password, ResetId, Span, Step, StepOutcome};
use crate::store::{ResetRow, StepNote, StepRow};

/// Begins the detail of a sign-out that left applications signed in; their names follow.
pub(super) const OFFLINE: &str = "offline:";

/// The detail of a change beside which another system keeps a password of its own.
pub(super) const HERE_ONLY: &str = "here_only";

/// The detail of a forced change where the directory could ask for a new password and does not.
pub(super) const NOT_ASKED: &str = "not_asked";

/// A note without a detail.
pub(super) fn note(step: Step, outcome: StepOutcome) -> StepNote {
    StepNote {
        step,
        outcome,
        detail: None,
    }
}

/// The note about a change that the directory confirmed.
pub(super) fn changed(member: &Member) -> StepNote {
    StepNote {
        detail: member.has_other_password.then(|| HERE_ONLY.into()),
        ..note(Step::Change, StepOutcome::Done)
    }
}

/// The note about an output.
pub(super) fn outcome_note(step: Step, outcome: &Outcome) -> StepNote {
    match outcome {
        Outcome::Accepted => note(step, StepOutcome::Done),
        Outcome::Refused(why) => StepNote {
            step,
            outcome: StepOutcome::Failed,
            detail: Some(why.code().into()),
        },
        Outcome::Unknown => note(step, StepOutcome::Unknown),
    }
}

/// How a member's new password is made up. Where the directory asks for what the settings do not allow, its own refusal
/// says so.
pub(super) fn makeup(app: &App, member: &MemberId) -> Makeup {
    let organization = &app.organization;
    let (length, has_symbols) = (organization.password_length, organization.password_symbols);
    let needs = app.directories.of(member).map(Backend::password_needs);
    let made = Makeup::of(length, has_symbols, &needs.unwrap_or_default());
    made.unwrap_or_else(|unmet| {
        let directory = app.directories.describe(member).name;
        tracing::warn!(directory, %unmet, "the directory's password policy cannot be met");
        Makeup::of_settings(length, has_symbols)
    })
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

/// Ends the member's sessions, where the directory can, and lifts the lock of failed sign-ins, where that is an operation of
/// its own. Neither waits for the other.
pub(super) async fn sign_out(app: &App, member: &Member) -> Vec<StepNote> {
    let (signed_out, unlocked) = tokio::join!(end_sessions(app, member), unlock(app, member));
    [Some(signed_out), unlocked].into_iter().flatten().collect()
}

/// Does once more what of this failed, and leaves alone what was done: sessions that began since are the member's own.
pub(super) async fn sign_out_again(
    app: &App,
    member: &Member,
    recorded: &[StepRow],
) -> Vec<StepNote> {
    let has_failed = |step: Step| {
        recorded.iter().any(|row| {
            row.step == step && matches!(row.outcome, StepOutcome::Failed | StepOutcome::Unknown)
        })
    };
    let sessions = async {
        if has_failed(Step::SignOut) {
            Some(end_sessions(app, member).await)
        } else {
            None
        }
    };
    let lock = async {
        if has_failed(Step::Unlock) {
            unlock(app, member).await
        } else {
            None
        }
    };
    let (signed_out, unlocked) = tokio::join!(sessions, lock);
    [signed_out, unlocked].into_iter().flatten().collect()
}

async fn end_sessions(app: &App, member: &Member) -> StepNote {
    let home = app
        .directories
        .of(&member.id)
        .filter(|home| home.capabilities().can_sign_out);
    let Some(home) = home else {
        return note(Step::SignOut, StepOutcome::Impossible);
    };
    match home.sign_out(&member.id).await {
        Ok(left) if left.is_empty() => note(Step::SignOut, StepOutcome::Done),
        Ok(left) => {
            tracing::error!(member.id = %member.id, applications = left.join(", "), "a member was signed out, and applications keep their tokens");
            StepNote {
                detail: Some(format!("{OFFLINE}{}", a_few(&left)).into()),
                ..note(Step::SignOut, StepOutcome::Failed)
            }
        }
        Err(error) => {
            tracing::error!(member.id = %member.id, error = &error as &dyn std::error::Error, "could not sign a member out");
            StepNote {
                detail: Some("directory_down".into()),
                ..note(Step::SignOut, StepOutcome::Failed)
            }
        }
    }
}

/// The first names, and how many more there are.
fn a_few(names: &[String]) -> String {
    const TOLD: usize = 4;
    let more = names.len().saturating_sub(TOLD);
    let more = (more > 0).then(|| format!("{more} more"));
    let told = names.iter().take(TOLD).cloned().chain(more);
    told.collect::<Vec<_>>().join(", ")
}

async fn unlock(app: &App, member: &Member) -> Option<StepNote> {
    let home = app.directories.of(&member.id);
    let home = home.filter(|home| home.capabilities().unlocks_apart)?;
    Some(match home.unlock(&member.id).await {
        Ok(()) => note(Step::Unlock, StepOutcome::Done),
        Err(error) => {
            tracing::error!(member.id = %member.id, error = &error as &dyn std::error::Error, "could not lift a lock");
            StepNote {
                detail: Some("directory_down".into()),
                ..note(Step::Unlock, StepOutcome::Failed)
            }
        }
    })
}

/// How long a forced change is tried again that a dead process left.
const FORCE_FOR: Span = Span::hours(24);

/// The pause before the second try: a busy server needs a moment.
const FORCE_PAUSE: Duration = Duration::from_millis(250);

/// How forcing a change ended, where that is an operation of its own.
pub(super) struct Forced(Option<Result<ForcedChange, ResetFailed>>);

/// Has the directory ask for a new password, where that is an operation of its own. It may be done twice, so a fault that may
/// pass is tried once more. What it came to is read back after it.
pub(super) async fn force_change(app: &App, member: &Member) -> Forced {
    let home = app
        .directories
        .of(&member.id)
        .filter(|home| home.capabilities().forces_change_apart);
    let Some(home) = home else {
        return Forced(None);
    };
    let mut ended = home.force_change(&member.id, None).await;
    if let Err(ResetFailed::NotSent | ResetFailed::Unknown) = ended {
        tokio::time::sleep(FORCE_PAUSE).await;
        ended = home.force_change(&member.id, None).await;
    }
    match &ended {
        Ok(ForcedChange::Sent) => {}
        Ok(
            not_sent @ (ForcedChange::SetAgain | ForcedChange::OtherTime | ForcedChange::NoPolicy),
        ) => {
            tracing::warn!(member.id = %member.id, why = ?not_sent, "the directory was not told to ask for a new password at the next sign-in");
        }
        Err(error) => {
            log_not_forced(&member.id, error);
        }
    }
    Forced(Some(ended))
}

impl Forced {
    /// The note that was read back; where that could not be done, what the directory answered before, if it was a no.
    pub(super) fn or_else(self, read_back: StepNote) -> StepNote {
        match self.0 {
            Some(Ok(ForcedChange::NoPolicy) | Err(ResetFailed::Refused(_)))
                if read_back.outcome == StepOutcome::Unknown =>
            {
                failed("not_in_force")
            }
            Some(_) | None => read_back,
        }
    }
}

fn log_not_forced(member: &MemberId, error: &ResetFailed) {
    tracing::error!(
        member.id = %member,
        error = error as &dyn std::error::Error,
        "could not make the directory ask for a new password at the next sign-in"
    );
}

fn failed(detail: &'static str) -> StepNote {
    StepNote {
        detail: Some(detail.into()),
        ..note(Step::MustChange, StepOutcome::Failed)
    }
}

/// The same for a reset that a dead process left after the change. Its password is lost, so whether the directory asks for a
/// new one cannot be read back. A password that was set since is the member's own. Pending after a fault that may pass.
pub(super) async fn force_change_late(app: &App, row: &ResetRow) -> StepNote {
    let home = app.directories.of(&row.member_id);
    let (Some(home), Some(begun), Some(ended)) = (home, row.changing_at, row.changed_at) else {
        return note(Step::MustChange, StepOutcome::Impossible);
    };
    let forced = home.force_change(&row.member_id, Some(begun..=ended)).await;
    if let Err(error) = &forced {
        log_not_forced(&row.member_id, error);
    }
    match forced {
        Ok(ForcedChange::Sent) => note(Step::MustChange, StepOutcome::Unknown),
        Ok(ForcedChange::SetAgain) => failed("set_again"),
        Ok(ForcedChange::OtherTime) => failed("other_time"),
        Ok(ForcedChange::NoPolicy) | Err(ResetFailed::Refused(_)) => failed("not_in_force"),
        // Settings are put right as a server is.
        Err(ResetFailed::NotSent | ResetFailed::Misconfigured | ResetFailed::Unknown)
            if app.clock.now() - ended < FORCE_FOR =>
        {
            note(Step::MustChange, StepOutcome::Pending)
        }
        Err(ResetFailed::NotSent | ResetFailed::Misconfigured | ResetFailed::Unknown) => {
            failed("directory_down")
        }
    }
}

/// Reads back whether the directory asks for a new password at the next sign-in: only that is told (Q5).
pub(super) async fn read_back(app: &App, member: &Member, password: &Password) -> StepNote {
    let impossible = note(Step::MustChange, StepOutcome::Impossible);
    let Some(home) = app.directories.of(&member.id) else {
        return impossible;
    };
    let capabilities = home.capabilities();
    if !capabilities.must_change {
        let detail = capabilities.asks_nobody.then(|| NOT_ASKED.into());
        return StepNote {
            detail,
            ..impossible
        };
    }
    let (outcome, detail) = match home.enforced(&member.id, password).await {
        Ok(Enforced::MustChange) => (StepOutcome::Done, None),
        Ok(Enforced::NeverExpires) => (StepOutcome::Failed, Some("never_expires")),
        Ok(Enforced::NotAsked) => (StepOutcome::Failed, Some(NOT_ASKED)),
        Ok(Enforced::NotInForce) => (StepOutcome::Failed, Some("not_in_force")),
        Err(Unavailable::ForNow | Unavailable::Misconfigured) => (StepOutcome::Unknown, None),
    };
    if outcome != StepOutcome::Done {
        tracing::warn!(member.id = %member.id, outcome = %outcome, detail, "a new password may not be asked for at the next sign-in");
    }
    StepNote {
        step: Step::MustChange,
        outcome,
        detail: detail.map(Cow::Borrowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::WhyRefused;

    #[test]
    fn a_definite_no_counts_where_nothing_could_be_read_back() {
        let refused = || Some(Err(ResetFailed::Refused(WhyRefused::Gone)));
        let (unknown, done) = (StepOutcome::Unknown, StepOutcome::Done);
        for (forced, read_back, told) in [
            (refused(), unknown, StepOutcome::Failed),
            (
                Some(Ok(ForcedChange::NoPolicy)),
                unknown,
                StepOutcome::Failed,
            ),
            (Some(Ok(ForcedChange::Sent)), unknown, unknown),
            (Some(Err(ResetFailed::Unknown)), unknown, unknown),
            (None, unknown, unknown),
            (refused(), done, done),
        ] {
            let shown = format!("{forced:?} {read_back:?}");
            let noted = Forced(forced).or_else(note(Step::MustChange, read_back));
            assert_eq!(noted.outcome, told, "{shown}");
        }
    }
}
