//! What became of each step of a reset, as the facts of its result, and what failed, as its warnings.

use super::ending::Ending;
use crate::domain::{Delivery, Step, StepOutcome};
use crate::flow::steps::{NOT_ASKED, OFFLINE};
use crate::store::{ResetRow, StepRow};

/// The steps as facts, in the order of [`ORDER`].
pub(super) fn facts(ending: &Ending<'_>) -> Vec<String> {
    if !ending.are_steps_known {
        let at = ending.row.changed_at;
        let at = at.map(|at| ending.zone.tell(at, ending.now));
        return at.map(|at| format!("changed {at} ✓")).into_iter().collect();
    }
    let steps: Vec<&StepRow> = of_this_way(ending).collect();
    ORDER
        .iter()
        .flat_map(|wanted| steps.iter().filter(move |step| step.step == *wanted))
        .filter_map(|step| step_words(step, ending))
        .collect()
}

/// The order of the steps in every result.
const ORDER: [Step; 9] = [
    Step::Change,
    Step::MustChange,
    Step::SignOut,
    Step::Unlock,
    Step::Deliver,
    Step::CopyToSelf,
    Step::Show,
    Step::Notice,
    Step::ManagerNotice,
];

/// The steps of the way that was chosen last. With Copy the password is not shown a second time.
fn of_this_way<'a>(ending: &Ending<'a>) -> impl Iterator<Item = &'a StepRow> + use<'a> {
    let is_copy = ending.row.delivery == Some(Delivery::Copy);
    ending
        .steps
        .iter()
        .filter(move |step| !(is_copy && step.step == Step::Show))
}

/// Whether a new password is asked for at the next sign-in. Only what was read back is claimed.
fn must_change(step: &StepRow) -> String {
    let why = match (step.outcome, step.detail.as_deref()) {
        (StepOutcome::Done, _) => return "must set a new one ✓".to_owned(),
        (StepOutcome::Failed | StepOutcome::Impossible, Some(NOT_ASKED)) => {
            "the directory does not ask for a new one"
        }
        (StepOutcome::Failed, Some("never_expires")) => {
            "not enforced, the account's password never expires"
        }
        (StepOutcome::Failed, Some("set_again")) => {
            "not enforced, the password may have been set again since (the directory has another time for it)"
        }
        (StepOutcome::Failed, Some("other_time")) => {
            "not enforced, the directory's time for it does not fit this reset: check the clocks"
        }
        (StepOutcome::Failed, _) => "not enforced by the directory",
        (StepOutcome::Impossible, _) => "this directory can't enforce it",
        (StepOutcome::Unknown | StepOutcome::Pending, _) => {
            return "must set a new one: nobody can say whether it is enforced ?".to_owned();
        }
    };
    format!("must set a new one: {why} ✗")
}

fn step_words(step: &StepRow, ending: &Ending<'_>) -> Option<String> {
    let row = ending.row;
    let way = |yes: &str, no: &str, asked: &str, to_do: &str| {
        Some(match step.outcome {
            StepOutcome::Done => format!("{yes} ✓"),
            StepOutcome::Failed | StepOutcome::Impossible => format!("{no} ✗"),
            StepOutcome::Unknown => format!("{asked} ?"),
            StepOutcome::Pending => format!("{to_do} …"),
        })
    };
    // Nothing follows this message that could say that it is done.
    let will_be_told = step.outcome == StepOutcome::Pending && !ending.is_updated;
    match step.step {
        Step::Change => {
            let at = row.changed_at.unwrap_or(ending.now);
            let at = ending.zone.tell(at, ending.now);
            way(
                &format!("changed {at}"),
                "password not changed",
                "nobody can say whether it was changed",
                "not changed yet",
            )
        }
        Step::MustChange => Some(must_change(step)),
        Step::SignOut if step.outcome == StepOutcome::Impossible => Some(
            "this directory can't sign people out: open sessions end by themselves –".to_owned(),
        ),
        Step::SignOut => {
            let failed = match applications_left(step) {
                Some(left) => format!("signed out, but {left} may live on (offline tokens)"),
                None => "signing out failed, open sessions may live on".to_owned(),
            };
            way(
                "signed out",
                &failed,
                "nobody can say whether they were signed out",
                "not signed out yet",
            )
        }
        // Nothing to say where there was no lock, which the directory does not tell apart.
        Step::Unlock if step.outcome == StepOutcome::Done => None,
        Step::Unlock => way(
            "",
            "a lock of failed sign-ins may still be there",
            "nobody can say whether a lock of failed sign-ins was lifted",
            "a lock of failed sign-ins is not lifted yet",
        ),
        Step::Deliver | Step::CopyToSelf | Step::Show => output_words(step, row, way),
        Step::ManagerNotice if will_be_told => Some("the manager will be told …".to_owned()),
        Step::ManagerNotice => way(
            "manager told",
            "the manager could not be told",
            "nobody can say whether the manager was told",
            "manager told: still to do",
        ),
        Step::Notice => notice_words(step, &row.member_name, will_be_told, way),
    }
}

/// Whether what carries the password went out.
fn output_words(
    step: &StepRow,
    row: &ResetRow,
    way: impl Fn(&str, &str, &str, &str) -> Option<String>,
) -> Option<String> {
    let sent = match step.step {
        Step::Deliver => row
            .delivery?
            .channel()
            .map(|channel| channel.facts().message),
        Step::CopyToSelf => {
            return way(
                "copy sent to you",
                "copy not sent to you",
                "nobody can say whether your copy was sent",
                "copy not sent to you yet",
            );
        }
        Step::Change
        | Step::MustChange
        | Step::SignOut
        | Step::Unlock
        | Step::Show
        | Step::Notice
        | Step::ManagerNotice => None,
    };
    match sent {
        Some(message) => way(
            &format!("{message} accepted"),
            &format!("{message} not accepted"),
            &format!("{message}: nobody can say whether it was accepted"),
            &format!("{message} not sent yet"),
        ),
        None => way(
            "shown to you",
            "not shown to you",
            "shown to you: nobody can say",
            "not shown to you yet",
        ),
    }
}

/// Whether the member was told of the reset.
fn notice_words(
    step: &StepRow,
    member: &str,
    will_be_told: bool,
    way: impl Fn(&str, &str, &str, &str) -> Option<String>,
) -> Option<String> {
    match step.outcome {
        StepOutcome::Impossible => Some(format!("no other contact to tell {member} –")),
        // One contact accepted it, and another is asked again.
        StepOutcome::Pending if step.detail.is_some() => Some("notice accepted ✓".to_owned()),
        StepOutcome::Pending if will_be_told => Some(format!("{member} will be told …")),
        StepOutcome::Pending | StepOutcome::Done | StepOutcome::Failed | StepOutcome::Unknown => {
            way(
                "notice accepted",
                &format!("{member} could not be told"),
                "notice: nobody can say whether it was accepted",
                &format!("{member} told: still to do"),
            )
        }
    }
}

/// The applications that a sign-out left signed in.
fn applications_left(step: &StepRow) -> Option<&str> {
    step.detail.as_deref()?.strip_prefix(OFFLINE)
}

/// A sentence for each step that failed or is not certain, without the change, the forced change and the notices, which
/// have texts of their own.
pub(super) fn failed_outputs(ending: &Ending<'_>) -> Vec<&'static str> {
    let part = |step: &StepRow| {
        let is_unknown = match step.outcome {
            StepOutcome::Done | StepOutcome::Pending => return None,
            StepOutcome::Unknown => true,
            StepOutcome::Failed | StepOutcome::Impossible => false,
        };
        Some(match (step.step, is_unknown) {
            (Step::Deliver, false) => "The delivery to them did not go through.",
            (Step::Deliver, true) => "Nobody can say whether it reached them.",
            (Step::CopyToSelf, false) => "Your copy did not go through.",
            (Step::CopyToSelf, true) => "Nobody can say whether your copy arrived.",
            (Step::Show, false) => "It could not be shown to you.",
            (Step::Show, true) => "Nobody can say whether it was shown to you.",
            // The card said that it is impossible.
            (Step::SignOut, _) if step.outcome == StepOutcome::Impossible => return None,
            (Step::SignOut, _) if applications_left(step).is_some() => {
                "Applications may stay signed in."
            }
            (Step::SignOut, _) => "Signing out failed.",
            (Step::Unlock, _) => "A lock may remain.",
            (Step::Change | Step::MustChange | Step::Notice | Step::ManagerNotice, _) => {
                return None;
            }
        })
    };
    of_this_way(ending).filter_map(part).collect()
}
