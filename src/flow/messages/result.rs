//! How a reset ended, told from what was recorded; the log, the rules and the help.

use super::contacts::code_goes;
use super::{NO_RESET_USED, NOTHING_CHANGED, button, card, count, message};
use crate::chat::{Action, Button, Message, Style};
use crate::clock::Zone;
use crate::delivery::Deliveries;
use crate::directory::Capabilities;
use crate::domain::contacts::Methods;
use crate::domain::policy::Rule;
use crate::domain::{
    Carries, Delivery, Denied, Member, Moment, Quota, Span, State, Step, StepOutcome,
};
use crate::store::{Past, ResetRow, StepRow};

/// What the text of an ending is made of.
pub struct Ending<'a> {
    /// The reset as it was recorded.
    pub row: &'a ResetRow,
    /// Its steps.
    pub steps: &'a [StepRow],
    /// Where the administrator stands, if that is known.
    pub quota: Option<Quota>,
    /// Life of the password.
    pub lifetime: Span,
    /// What the member's directory can enforce.
    pub capabilities: Capabilities,
    /// After an unknown end: when the directory shows a change, if it does. None: it was not looked at.
    pub observed: Option<Option<Moment>>,
    /// In the one message that shows the password: whether it goes away by itself.
    pub shows_password: Option<bool>,
    /// The member, where another way of delivery can still be chosen.
    pub retry_for: Option<&'a Member>,
    /// True where nobody but the administrator reads this.
    pub is_private: bool,
    /// Where the code goes; none where the directory asks for none, or the record did not answer.
    pub codes: Option<&'a Methods>,
    /// Whether the channels have settings.
    pub channels: &'a Deliveries,
    /// The opaque value of the buttons.
    pub value: &'a str,
    /// The time zone of texts.
    pub zone: &'a Zone,
    /// The present.
    pub now: Moment,
}

/// How it ended. Never claims more than was recorded (P4).
pub fn result(ending: &Ending<'_>) -> Message {
    let Ending { row, zone, now, .. } = ending;
    let (member, reference) = (&row.member_name, row.reset_id.reference());
    let at = |at: Option<Moment>| zone.tell(at.unwrap_or(*now), *now);
    let mut told = match row.state {
        State::Delivered | State::Delivering if failed_outputs(ending).is_empty() => {
            let title = format!("Done. {member}'s password was reset at {}. (ref {reference})", at(row.changed_at));
            message(title, done_lines(ending))
        }
        State::Delivered | State::Delivering => {
            let title = format!(
                "{member}'s password was reset at {}, but {}. (ref {reference})",
                at(row.changed_at),
                failed_outputs(ending).join(" and ")
            );
            message(title, done_lines(ending))
        }
        State::Undelivered => undelivered(ending),
        State::DeliveryUnknown => message(
            format!(
                "{member}'s password was changed at {}, but nobody can say whether it arrived. (ref {reference})",
                at(row.changed_at)
            ),
            [steps_line(ending), format!("Ask {member}. If it did not arrive, run the command again.")],
        ),
        State::Unknown => unknown(ending),
        State::Lost => message(
            format!("{member}'s password was changed at {}, but not delivered. (ref {reference})", at(row.changed_at)),
            ["The old password no longer works and nobody has the new one. Run the command again.".to_owned()],
        ),
        State::Refused => message(
            format!("The reset of {member} was stopped before anything happened."),
            [format!("{NOTHING_CHANGED} {NO_RESET_USED} Run the command again. (ref {reference})")],
        ),
        State::Offered
        | State::Claimed
        | State::Changing
        | State::Changed
        | State::Cancelled
        | State::Expired
        | State::Superseded => message(format!("I'm still working on the reset of {member}. (ref {reference})"), []),
    };
    told.buttons.extend(ending_buttons(ending));
    told
}

fn done_lines(ending: &Ending<'_>) -> Vec<String> {
    let Ending { row, zone, now, .. } = ending;
    let mut lines = vec![steps_line(ending)];
    if let Some(goes_away) = ending.shows_password {
        let how_long = if goes_away {
            "This is shown once and goes away in 2 minutes."
        } else {
            "This is shown once. Close this message when you are done."
        };
        lines.push(format!(
            "Tell {} outside this chat. {how_long}",
            row.member_name
        ));
    }
    if let Some(changed_at) = row.changed_at {
        let until = zone.tell(changed_at + ending.lifetime, *now);
        lines.push(if row.carries == Carries::Link {
            format!(
                "The link works once, until {until}. {} proves who they are with a code; nobody knows the password.",
                row.member_name
            )
        } else if ending.capabilities.has_our_pages {
            format!("It works until {until}.")
        } else {
            format!(
                "Nothing ends it by itself, and no code is asked for: {} should sign in with it now.",
                row.member_name
            )
        });
    }
    let is_strict = ending.channels.ways.is_strict;
    lines.extend(
        ending
            .codes
            .map(|codes| code_goes(row, codes, is_strict, zone, *now)),
    );
    lines.extend(ending.quota.map(|quota| format!("{}.", count(quota))));
    lines
}

fn steps_line(ending: &Ending<'_>) -> String {
    let is_asked = ending
        .steps
        .iter()
        .find(|step| step.step == Step::MustChange);
    let words = of_this_way(ending).filter_map(|step| match step.step {
        Step::Change if step.outcome == StepOutcome::Done => Some(changed(is_asked)),
        // Told together with the change.
        Step::MustChange => None,
        Step::Change
        | Step::SignOut
        | Step::Deliver
        | Step::CopyToSelf
        | Step::Show
        | Step::Notice => step_words(step, ending.row),
    });
    words.collect::<Vec<_>>().join("  ")
}

/// The steps of the way that was chosen last: with Copy, nothing is shown besides.
fn of_this_way<'a>(ending: &Ending<'a>) -> impl Iterator<Item = &'a StepRow> + use<'a> {
    let is_copy = ending.row.delivery == Some(Delivery::Copy);
    ending
        .steps
        .iter()
        .filter(move |step| !(is_copy && step.step == Step::Show))
}

/// The change, and whether a new password is asked for at the next sign-in: only what was read back is claimed.
fn changed(must_change: Option<&StepRow>) -> String {
    let Some(step) = must_change else {
        return "✓ password changed".to_owned();
    };
    let why = match (step.outcome, step.detail.as_deref()) {
        (StepOutcome::Done, _) => return "✓ password changed, must set a new one".to_owned(),
        (StepOutcome::Failed, Some("never_expires")) => {
            "not enforced, the account's password never expires"
        }
        (StepOutcome::Failed, _) => "not enforced by the directory",
        (StepOutcome::Impossible, _) => "this directory can't enforce it",
        (StepOutcome::Unknown | StepOutcome::Pending, _) => "nobody can say whether it is enforced",
    };
    format!("✓ password changed  ✗ must set a new one: {why}")
}

fn step_words(step: &StepRow, row: &ResetRow) -> Option<String> {
    let member = &row.member_name;
    let way = |yes: &str, no: &str| match step.outcome {
        StepOutcome::Done => Some(format!("✓ {yes}")),
        StepOutcome::Failed | StepOutcome::Impossible => Some(format!("✗ {no}")),
        StepOutcome::Unknown => Some(format!("? {yes}: nobody can say")),
        StepOutcome::Pending => Some(format!("… {yes}: still to do")),
    };
    match step.step {
        Step::Change => way("password changed", "password not changed"),
        Step::MustChange => None,
        Step::SignOut if step.outcome == StepOutcome::Impossible => Some(
            "– this directory can't sign people out: open sessions end by themselves".to_owned(),
        ),
        Step::SignOut => way(
            "signed out everywhere",
            "signing out failed, open sessions may live on",
        ),
        Step::Deliver => match row.delivery {
            Some(Delivery::Phone) => way("SMS accepted", "SMS not accepted"),
            Some(Delivery::Email) => way("email accepted", "email not accepted"),
            Some(Delivery::Copy) | None => None,
        },
        Step::CopyToSelf => way("copy sent to you", "copy not sent to you"),
        Step::Show => way("shown to you", "not shown to you"),
        Step::Notice => match step.outcome {
            StepOutcome::Impossible => Some(format!("– no other contact to tell {member}")),
            StepOutcome::Done
            | StepOutcome::Failed
            | StepOutcome::Unknown
            | StepOutcome::Pending => way(
                &format!("{member} told"),
                &format!("{member} could not be told"),
            ),
        },
    }
}

/// The outputs that were not surely accepted, as parts of a title.
fn failed_outputs(ending: &Ending<'_>) -> Vec<&'static str> {
    let part = |step: &StepRow| {
        let is_unknown = match step.outcome {
            StepOutcome::Done | StepOutcome::Pending => return None,
            StepOutcome::Unknown => true,
            StepOutcome::Failed | StepOutcome::Impossible => false,
        };
        Some(match (step.step, is_unknown) {
            (Step::Deliver, false) => "the delivery to them did not go through",
            (Step::Deliver, true) => "nobody can say whether it reached them",
            (Step::CopyToSelf, false) => "your copy did not go through",
            (Step::CopyToSelf, true) => "nobody can say whether your copy arrived",
            (Step::Show, false) => "it could not be shown to you",
            (Step::Show, true) => "nobody can say whether it was shown to you",
            // That it cannot be done was said on the card.
            (Step::SignOut, _) if step.outcome == StepOutcome::Impossible => return None,
            (Step::SignOut, _) => "signing out failed",
            (Step::Change | Step::MustChange | Step::Notice, _) => return None,
        })
    };
    of_this_way(ending).filter_map(part).collect()
}

fn undelivered(ending: &Ending<'_>) -> Message {
    let row = ending.row;
    let (member, reference) = (&row.member_name, row.reset_id.reference());
    let failed = |wanted: Step| ending.steps.iter().find(|step| step.step == wanted);
    let is_kept_back =
        failed(Step::Deliver).is_some_and(|step| step.detail.as_deref() == Some("kept_back"));
    let (carrier, step) = match row.delivery {
        Some(_) if is_kept_back => ("your copy cannot be sent, so nothing was", Step::CopyToSelf),
        Some(Delivery::Phone) => ("the SMS was not accepted", Step::Deliver),
        Some(Delivery::Email) => ("the email was not accepted", Step::Deliver),
        Some(Delivery::Copy) | None => ("it could not be shown", Step::Deliver),
    };
    let why = failed(step).and_then(|step| step.detail.as_deref());
    let why = why
        .map(|code| format!(" ({})", refusal_words(code)))
        .unwrap_or_default();
    let next = if ending.retry_for.is_some() {
        "Choose another way now; this uses no extra reset."
    } else {
        "The old password no longer works. Run the command again."
    };
    message(
        format!("The password was changed, but {carrier}{why}. (ref {reference})"),
        [
            format!("{member} has no password yet. {next}"),
            steps_line(ending),
        ],
    )
}

fn refusal_words(code: &str) -> &'static str {
    match code {
        "unreachable" => "no answer",
        "address" => "not reachable there",
        "later" => "it asks to wait",
        "credentials" => "it refuses relatch's credentials",
        "tls" => "no safe connection",
        "not_allowed" => "not allowed",
        _ => "it refuses the message",
    }
}

fn unknown(ending: &Ending<'_>) -> Message {
    let Ending { row, zone, now, .. } = ending;
    let (member, reference) = (&row.member_name, row.reset_id.reference());
    let seen = match ending.observed {
        Some(Some(at)) => {
            format!(
                "The directory shows a change at {}; nobody has the new password.",
                zone.tell(at, *now)
            )
        }
        Some(None) => format!(
            "No change is seen as of {}, but it may still come.",
            zone.tell(*now, *now)
        ),
        None => "The password may have been changed; nobody has the new one.".to_owned(),
    };
    let how = if row.failure.as_deref() == Some("process_died") {
        "relatch was interrupted"
    } else {
        "The directory stopped answering"
    };
    message(
        format!("{how} half-way through the reset of {member}. (ref {reference})"),
        [seen, "Run the command again to be sure.".to_owned()],
    )
}

fn ending_buttons(ending: &Ending<'_>) -> Vec<Button> {
    let mut buttons = Vec::new();
    if let Some(member) = ending.retry_for {
        buttons.extend(card::delivery_buttons(
            member,
            ending.channels,
            ending.is_private,
            ending.value,
        ));
    }
    if ending.shows_password == Some(true) {
        buttons.push(button(
            Action::Done,
            "Done, hide it",
            ending.value,
            Style::Primary,
        ));
    }
    let sign_out_failed = |step: &StepRow| {
        step.step == Step::SignOut
            && matches!(step.outcome, StepOutcome::Failed | StepOutcome::Unknown)
    };
    if ending.steps.iter().any(sign_out_failed) {
        buttons.push(button(
            Action::RetrySignOut,
            "Try again to sign out",
            ending.value,
            Style::Plain,
        ));
    }
    buttons
}

/// A line about an earlier reset whose end the administrator has not heard.
pub fn untold(row: &ResetRow, zone: &Zone, now: Moment) -> String {
    let (member, reference) = (&row.member_name, row.reset_id.reference());
    let when = zone.tell(row.claimed_at.unwrap_or(row.offered_at), now);
    let what = match row.state {
        State::Delivered if row.failure.is_some() => {
            "it was changed, but not every output was accepted; ask them whether they have it, and if not run the command again"
        }
        State::Delivered => "it was changed and delivered",
        State::Undelivered | State::Lost => {
            "it was changed but not delivered, and the old password no longer works; run the command again"
        }
        State::DeliveryUnknown => {
            "it was changed, but nobody can say whether it arrived; ask them, and if not run the command again"
        }
        State::Unknown => {
            "nobody can say whether it was changed, and nobody has a new one; run the command again to be sure"
        }
        State::Refused => "nothing was changed and no reset was used",
        State::Offered
        | State::Claimed
        | State::Changing
        | State::Changed
        | State::Delivering
        | State::Cancelled
        | State::Expired
        | State::Superseded => "it is not finished",
    };
    format!("About your reset of {member} at {when}: {what}. (ref {reference})")
}

/// The member signed in with the password of a reset and set one of their own.
pub fn used(row: &ResetRow, zone: &Zone, now: Moment) -> Message {
    let title = format!(
        "{} signed in and set a new password at {}.",
        row.member_name,
        zone.tell(now, now)
    );
    message(
        title,
        [format!(
            "Nothing left to do. (ref {})",
            row.reset_id.reference()
        )],
    )
}

/// The member said that they did not ask for a reset.
pub fn disowned(row: &ResetRow, is_security_told: bool) -> Message {
    let (member, reference) = (&row.member_name, row.reset_id.reference());
    let security = if is_security_told {
        ", and security was told"
    } else {
        ""
    };
    message(
        format!("{member} says they did not ask for this. (ref {reference})"),
        [format!(
            "The password is blocked{security}. Talk to {member}; another admin has to make the next reset."
        )],
    )
}

/// `/reset-password` alone, or `help`.
pub fn help(offer_lifetime: Span, resets: u32, window: Span) -> Message {
    message(
        "Reset a member's login password",
        [
            "/reset-password @member, or their work email, then anything as a reason: shows a card; nothing changes before you confirm."
                .to_owned(),
            "/reset-password why @member: which rules would hold, without changing anything.".to_owned(),
            "/reset-password log, or log @member: what happened.".to_owned(),
            "/reset-password contact @member, then a phone or private email: where codes for them may go.".to_owned(),
            format!("You can make {resets} resets in {window}. A card works for {offer_lifetime}. Passwords are shown or sent once."),
        ],
    )
}

/// `/reset-password log`.
pub fn history(past: &[Past], of: Option<&str>, zone: &Zone, now: Moment) -> Message {
    let title = of.map_or_else(
        || "Resets".to_owned(),
        |member| format!("Resets of {member}"),
    );
    if past.is_empty() {
        return message(title, ["None so far.".to_owned()]);
    }
    let line = |past: &Past| {
        let row = &past.reset;
        let when = zone.tell(row.claimed_at.unwrap_or(row.offered_at), now);
        let way = row
            .delivery
            .map(|way| format!(" by {way}"))
            .unwrap_or_default();
        let slot = if past.is_slot_returned {
            ", no reset used"
        } else {
            ""
        };
        let state = row.state.as_str().replace('_', " ");
        let link = match row.link_used_at {
            Some(at) => format!(", link used {}", zone.tell(at, now)),
            None if row.carries == Carries::Link && row.delivering_at.is_some() => {
                ", link not used".to_owned()
            }
            None => String::new(),
        };
        format!(
            "{when}  {} by {}{way}: {state}{link}{slot} (ref {})",
            row.member_name,
            row.admin_name,
            row.reset_id.reference()
        )
    };
    message(title, past.iter().map(line))
}

/// `/reset-password why @member`: every rule with pass or fail.
pub fn rules(
    member_name: &str,
    outcomes: &[(Rule, Result<(), Denied>)],
    quota: Quota,
    busy: Option<&str>,
    reference: &crate::domain::Reference,
) -> Message {
    let mark = |holds: bool| if holds { "✓" } else { "✗" };
    let name = |rule: Rule| match rule {
        Rule::CallerMayReset => "you may reset passwords".to_owned(),
        Rule::NotOneself => format!("{member_name} is not you"),
        Rule::RankSuffices => format!("{member_name} is no primary admin, or you are one"),
        Rule::LoginMethod => format!("{member_name} signs in with a business email"),
        Rule::Status => "the account is Active or Inactive".to_owned(),
        Rule::Unguarded => "the directory lets the account be reset from here".to_owned(),
    };
    let mut lines: Vec<String> = outcomes
        .iter()
        .map(|(rule, outcome)| format!("{} {}", mark(outcome.is_ok()), name(*rule)))
        .collect();
    lines.push(format!("{} {}", mark(quota.left > 0), count(quota)));
    lines.push(match busy {
        Some(admin) => format!("✗ {admin} is resetting them right now"),
        None => "✓ nobody else is resetting them".to_owned(),
    });
    lines.push(format!("{NOTHING_CHANGED} (ref {reference})"));
    message(format!("Could you reset {member_name}?"), lines)
}
