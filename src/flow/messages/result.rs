//! The result of a reset, from what was recorded.

use super::contacts::about_code;
use super::ending::Ending;
use super::not_me::not_me_in_result;
use super::open_ways::{after_reset, link_after_reset};
use super::result_steps::{facts, failed_outputs};
use super::second_factors::in_result;
use super::ways::delivery_buttons;
use super::words::{
    NO_RESET_USED, NOTHING_CHANGED, button, count, in_heading, left_out_of_heading, message,
};
use crate::chat::{Action, Button, Message, Style, Warning};
use crate::domain::{Carries, Delivery, State, Step, StepOutcome};
use crate::flow::steps::HERE_ONLY;
use crate::store::StepRow;

/// The result. It never claims more than was recorded (P4).
pub fn result(ending: &Ending<'_>) -> Message {
    let Ending { row, zone, now, .. } = *ending;
    let name = in_heading(&row.member_name);
    let mut told = match row.state {
        State::Delivered | State::Delivering => done(done_title(&name, ending), ending),
        State::Undelivered => undelivered(ending),
        State::DeliveryUnknown => delivery_unknown(ending),
        State::Unknown => unknown(ending),
        State::Lost => message(
            "Password changed, but not delivered",
            [format!(
                "It was changed {}: {}'s old password no longer works and nobody has the new one. Run the command again.",
                zone.tell_at(row.changed_at.unwrap_or(now), now),
                row.member_name
            )],
        ),
        State::Refused => message(
            format!("{name}'s reset was stopped before it began"),
            [format!(
                "{NOTHING_CHANGED} {NO_RESET_USED} Run the command again. (ref {})",
                row.reset_id.reference()
            )],
        ),
        State::Offered
        | State::Claimed
        | State::Changing
        | State::Changed
        | State::Cancelled
        | State::Expired
        | State::Superseded => message(format!("I'm still working on the reset of {name}"), []),
    };
    let full_name = left_out_of_heading(&row.member_name);
    told.facts.splice(0..0, full_name.map(str::to_owned));
    told.warnings.splice(0..0, not_me_in_result(row));
    let home = ending.capabilities;
    let link = link_after_reset(row, home, ending.own_link, (zone, now));
    told.warnings.extend(link);
    told.lines.extend(here_only(ending));
    let open_ways = after_reset((row, ending.steps), home, zone, now);
    told.lines.extend(open_ways);
    told.buttons.extend(ending_buttons(ending));
    told.small_print = small_print(ending);
    match ending.retry_for {
        Some(_) => told.unmarked_if_it_warns(),
        None => told,
    }
}

/// The reference, unless a refusal has it in its text, what is left of the quota, and the reason that was given.
fn small_print(ending: &Ending<'_>) -> Vec<String> {
    let row = ending.row;
    let reference = (row.state != State::Refused).then(|| row.reset_id.reference());
    let reason = row.reason.as_deref();
    reference
        .map(|reference| format!("ref {reference}"))
        .into_iter()
        .chain(ending.quota.map(count))
        .chain(reason.map(|reason| format!("reason {reason}")))
        .collect()
}

/// What was done, and no more: after a link the member has no password yet, and with Copy only the administrator has it.
fn done_title(name: &str, ending: &Ending<'_>) -> String {
    let row = ending.row;
    if row.disowned_at.is_some() {
        format!("{name}'s new password is blocked")
    } else if !ending.are_steps_known {
        format!("{name} was reset; I can't read every step")
    } else if !failed_outputs(ending).is_empty() {
        format!("{name} was reset, but not all worked")
    } else if row.carries == Carries::Link {
        format!("Done: {name} was sent a link")
    } else if row.delivery != Some(Delivery::Copy) {
        format!("Done: {name} has a new password")
    } else if ending.shows_password.is_some() {
        format!("New password for {name}: tell them now")
    } else {
        format!("{name} was reset; you have the password")
    }
}

/// The password was changed, and it went out or is on its way.
fn done(title: String, ending: &Ending<'_>) -> Message {
    Message {
        warnings: failed_outputs(ending)
            .into_iter()
            .map(|what| Warning::new(what, ""))
            .collect(),
        facts: facts(ending),
        ..message(title, done_lines(ending))
    }
}

fn done_lines(ending: &Ending<'_>) -> Vec<String> {
    let Ending { row, zone, now, .. } = *ending;
    let mut lines: Vec<String> = unread_steps(ending).into_iter().collect();
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
    lines.extend(next(ending));
    let about = ending
        .codes
        .map(|codes| about_code(row, codes, ending.adder, zone, now));
    lines.extend(about.into_iter().flatten());
    lines
}

/// What the member does next, and until when.
fn next(ending: &Ending<'_>) -> Option<String> {
    let Ending { row, zone, now, .. } = *ending;
    let changed_at = row.changed_at.filter(|_| row.disowned_at.is_none())?;
    let until = zone.tell(changed_at + ending.lifetime, now);
    let code = ending.codes.and_then(|codes| codes.usable.first());
    let code = code.map(|method| {
        let (message, to) = (method.to.channel().facts().message, method.to.masked());
        format!("a code by {message} ({to})")
    });
    let has_no_code = ending.codes.is_some() && code.is_none();
    if let Some(first) = first_hand_it_over(ending) {
        let works = ending.capabilities.has_our_pages;
        let works = works.then(|| format!("It works until {until}."));
        let code = code.map(|code| format!("They sign in with {code}."));
        let sentences = [Some(first), works, code].into_iter().flatten();
        return Some(sentences.collect::<Vec<_>>().join(" "));
    }
    Some(if row.carries == Carries::Link {
        let proof = if has_no_code {
            ""
        } else {
            ", prove who they are with a code"
        };
        format!(
            "Next: they open the link by {until}{proof} and set their own password. The link works once; nobody else knows \
            the password."
        )
    } else if !ending.capabilities.has_our_pages {
        in_result(ending.second_factors, &row.member_name).join(" ")
    } else if has_no_code {
        format!("The password works until {until}.")
    } else {
        let code = code.map(|code| format!(" with that password and {code}"));
        let code = code.unwrap_or_default();
        format!("Next: they sign in by {until}{code}, then set their own.")
    })
}

/// What comes before the member can sign in, where the delivery to them was not accepted and the administrator has the
/// password, or where nothing is known of it.
fn first_hand_it_over(ending: &Ending<'_>) -> Option<String> {
    let name = &ending.row.member_name;
    ending.row.delivery?.channel()?;
    if !ending.are_steps_known {
        return Some("Ask them whether they have it.".to_owned());
    }
    let ended = |wanted: Step| {
        let step = ending.steps.iter().find(|step| step.step == wanted);
        step.map(|step| step.outcome)
    };
    let which = if ended(Step::CopyToSelf) == Some(StepOutcome::Done) {
        "the password from your copy"
    } else {
        "the password that you were shown"
    };
    match ended(Step::Deliver)? {
        StepOutcome::Done | StepOutcome::Pending => None,
        StepOutcome::Failed | StepOutcome::Impossible => {
            Some(format!("Next: tell {name} {which}, outside this chat."))
        }
        StepOutcome::Unknown => Some(format!(
            "Next: ask {name} whether it arrived. If not, tell them {which}, outside this chat."
        )),
    }
}

/// What is said in place of the steps where the record does not answer.
fn unread_steps(ending: &Ending<'_>) -> Option<String> {
    if ending.are_steps_known {
        return None;
    }
    // Delivered means that one of the outputs was done: it can be the copy alone.
    let is_delivered = matches!(ending.row.state, State::Delivered | State::Delivering);
    let what = if is_delivered {
        "got the password, was signed out and was told"
    } else {
        "was signed out and told"
    };
    Some(format!(
        "? It is not known here whether {} {what}, and whether your copy went out. Ask whoever runs relatch: the log \
        says why.",
        ending.row.member_name
    ))
}

/// What is said of a change beside which another system keeps a password.
fn here_only(ending: &Ending<'_>) -> Option<String> {
    let is_here_only = |step: &&StepRow| {
        step.step == Step::Change
            && step.outcome == StepOutcome::Done
            && step.detail.as_deref() == Some(HERE_ONLY)
    };
    ending.steps.iter().find(is_here_only)?;
    Some("The new password counts in this directory only; another system keeps its own.".to_owned())
}

fn undelivered(ending: &Ending<'_>) -> Message {
    let row = ending.row;
    let failed = |wanted: Step| ending.steps.iter().find(|step| step.step == wanted);
    let is_kept_back =
        failed(Step::Deliver).is_some_and(|step| step.detail.as_deref() == Some("kept_back"));
    let (carrier, reason, step) = match row.delivery.and_then(Delivery::channel) {
        _ if !ending.are_steps_known => (
            "it was not delivered".to_owned(),
            String::new(),
            Step::Deliver,
        ),
        _ if is_kept_back && row.delivery.is_some() => {
            let kept = "Your copy could not be sent".to_owned();
            ("nothing was sent".to_owned(), kept, Step::CopyToSelf)
        }
        Some(channel) => {
            let message = channel.facts().message;
            let not_sent = format!("the {message} was not accepted");
            let reason = format!("The {message} was not accepted");
            (not_sent, reason, Step::Deliver)
        }
        None => {
            let not_shown = "it could not be shown".to_owned();
            (not_shown, "Showing it failed".to_owned(), Step::Deliver)
        }
    };
    let why = failed(step).and_then(|step| step.detail.as_deref());
    let why = why.map(|code| format!(" ({})", refusal_words(code)));
    let is_said = why.is_none() && !is_kept_back || reason.is_empty();
    let so = match (is_kept_back, ending.retry_for) {
        (true, Some(_)) => {
            ", so I sent nothing yet. Choose a way again: it goes without your copy."
        }
        (true, None) => ", so I sent nothing.",
        (false, _) => ".",
    };
    let reason = (!is_said).then(|| format!("{reason}{}{so}", why.unwrap_or_default()));
    let next = match ending.retry_for.and(ending.retry_until) {
        Some(until) => format!(
            "Choose another way by {}; after that the password is wiped. This uses no extra reset.",
            ending.zone.tell(until, ending.now)
        ),
        None => "The old password no longer works. Run the command again.".to_owned(),
    };
    let no_password = format!("{} has no password yet. {next}", row.member_name);
    let lines = reason
        .into_iter()
        .chain([no_password])
        .chain(unread_steps(ending));
    Message {
        facts: facts(ending),
        ..message(format!("The password was changed, but {carrier}"), lines)
    }
}

fn delivery_unknown(ending: &Ending<'_>) -> Message {
    let is_shown_here = ending
        .row
        .delivery
        .is_none_or(|way| way.channel().is_none());
    let condition = if is_shown_here {
        "If you did not see it".to_owned()
    } else {
        format!(
            "Ask {}. If it did not arrive within five minutes",
            ending.row.member_name
        )
    };
    let ask = format!("{condition}, run the command again: that is another reset.");
    Message {
        facts: facts(ending),
        ..message(
            "Password changed, but nobody can say whether it arrived",
            [ask].into_iter().chain(unread_steps(ending)),
        )
    }
}

fn refusal_words(code: &str) -> &'static str {
    match code {
        "unreachable" => "no answer",
        "address" => "not reachable there",
        "later" => "its server asks to wait",
        "credentials" | "set_up" | "tls" => {
            "relatch can't use it as it is set up; tell whoever runs relatch"
        }
        "opted_out" => "they answered STOP to it, and START undoes that",
        "not_allowed" => "not allowed",
        _ => "it refuses the message",
    }
}

fn unknown(ending: &Ending<'_>) -> Message {
    let Ending { row, zone, now, .. } = *ending;
    let seen = match ending.observed {
        Some(Some(at)) => {
            format!(
                "The directory shows a change at {}; nobody has the new password.",
                zone.tell(at, now)
            )
        }
        Some(None) => format!(
            "No change is seen as of {}, but it may still come.",
            zone.tell(now, now)
        ),
        None => "The password may have been changed; nobody has the new one.".to_owned(),
    };
    let how = if row.failure.as_deref() == Some("process_died") {
        "relatch was interrupted half-way"
    } else {
        "The directory stopped answering half-way"
    };
    let reset = format!("This was the reset of {}.", row.member_name);
    let lines = [reset, seen, "Run the command again to be sure.".to_owned()];
    message(how, lines)
}

/// The ways of delivery, of which the one that has just failed is the usual choice no more.
fn failed_way_plain(mut ways: Vec<Button>, failed: Option<Delivery>) -> Vec<Button> {
    let is_failed =
        |button: &Button| failed.is_some_and(|way| button.action == Action::Choose(way));
    let Some(place) = ways.iter().position(is_failed) else {
        return ways;
    };
    let other = ways
        .iter_mut()
        .find(|button| !is_failed(button) && matches!(button.action, Action::Choose(_)));
    if let Some(other) = other {
        other.style = Style::Primary;
        if let Some(button) = ways.get_mut(place) {
            button.style = Style::Plain;
        }
    }
    ways
}

fn ending_buttons(ending: &Ending<'_>) -> Vec<Button> {
    let mut buttons = Vec::new();
    if let Some(member) = ending.retry_for {
        let ways = delivery_buttons(member, ending.channels, ending.is_private, ending.value);
        buttons.extend(failed_way_plain(ways, ending.row.delivery));
    }
    if ending.shows_password == Some(true) {
        buttons.push(button(
            Action::Done,
            "Done, hide it",
            ending.value,
            Style::Primary,
        ));
    }
    let has_failed = |wanted: Step| {
        ending.steps.iter().any(|step| {
            step.step == wanted
                && matches!(step.outcome, StepOutcome::Failed | StepOutcome::Unknown)
        })
    };
    let again = if has_failed(Step::SignOut) {
        Some("Try again to sign out")
    } else if has_failed(Step::Unlock) {
        Some("Try again to lift the lock")
    } else {
        None
    };
    if let Some(label) = again {
        buttons.push(button(
            Action::RetrySignOut,
            label,
            ending.value,
            Style::Plain,
        ));
    }
    let codes = ending.codes;
    buttons.extend(codes.and_then(|codes| ending.adder.button(codes, ending.value)));
    buttons
}
