//! The parts that messages share: the frame of a refusal, buttons, and the names of things.

use crate::chat::{Action, BUTTON, Button, Message, RefusedParts, Style};
use crate::clock::Zone;
use crate::domain::shorten::{shorten, shorten_longest_word};
use crate::domain::{LoginMethod, Moment, Quota, Reference, Status};

/// Longest name in a heading, so that a heading fits two lines of a phone.
const NAME_IN_HEADING: usize = 24;

/// Stands in every refusal after which nothing has changed; tests check that.
pub const NOTHING_CHANGED: &str = "Nothing was changed.";

/// Stands beside it where no slot was used either.
pub const NO_RESET_USED: &str = "No reset was used.";

/// What to do where the next try may go well at once.
pub(super) const RUN_AGAIN: &str = "Run the command again.";

/// The same where too much is going on.
pub(super) const RUN_AGAIN_LATER: &str = "Wait a minute and run the command again.";

/// Where a chat takes no more messages in the place of a card.
pub(super) const NOT_ONCE_MORE: &str = "This chat does not let me show this card once more.";

/// What to do where nothing in chat helps.
pub(super) const TELL_OPERATOR: &str = "Tell whoever runs relatch.";

/// The same for relatch's own record.
pub(super) const TRY_OR_TELL: &str = "Try again in a few minutes; tell whoever runs relatch.";

/// The same for a permission that the app lacks in the chat.
pub(super) const ADD_PERMISSION: &str =
    "Whoever runs relatch has to add it and install the app again.";

/// Stands before the spoken form of a shown password.
pub const SAY_IT: &str = "Say it: ";

/// A message of a title and those lines that are not empty.
pub(super) fn message(
    title: impl Into<String>,
    lines: impl IntoIterator<Item = String>,
) -> Message {
    Message {
        title: title.into(),
        lines: lines.into_iter().filter(|line| !line.is_empty()).collect(),
        ..Message::default()
    }
}

/// A message with its reference in the small print.
pub(super) fn with_reference(reference: &Reference, told: Message) -> Message {
    Message {
        small_print: vec![format!("ref {reference}")],
        ..told
    }
}

/// The frame of every refusal: what, that nothing was changed, what to do next.
pub(super) fn refusal(what: &str, next: &str, reference: &Reference) -> Message {
    framed(what, next, reference, false)
}

/// The same where no slot was used either.
pub(super) fn refusal_without_slot(what: &str, next: &str, reference: &Reference) -> Message {
    framed(what, next, reference, true)
}

fn framed(what: &str, next: &str, reference: &Reference, is_slot_told: bool) -> Message {
    let parts = RefusedParts {
        next: next.to_owned(),
        reference: reference.to_string(),
        is_slot_told,
    };
    let unwritten = Message {
        refused: Some(Box::new(parts)),
        ..message(what, [])
    };
    written(unwritten, NOTHING_CHANGED)
}

/// Writes a refusal from its parts. `effect` says what is true of the reset.
pub(super) fn written(mut refusal: Message, effect: &str) -> Message {
    if let Some(RefusedParts {
        next,
        reference,
        is_slot_told,
    }) = refusal.refused.as_deref()
    {
        let slot = if *is_slot_told { NO_RESET_USED } else { "" };
        let sentences = [effect, slot, next.as_str()].into_iter();
        let told: Vec<&str> = sentences.filter(|part| !part.is_empty()).collect();
        let line = format!("{} (ref {reference})", told.join(" "));
        match refusal.lines.first_mut() {
            Some(first) => *first = line,
            None => refusal.lines.push(line),
        }
    }
    refusal
}

pub(super) fn button(
    action: Action,
    label: impl Into<String>,
    value: &str,
    style: Style,
) -> Button {
    Button {
        action,
        label: shorten_longest_word(&label.into(), BUTTON),
        value: value.to_owned(),
        style,
        starts_row: false,
    }
}

/// A name as headings have it.
pub(super) fn in_heading(name: &str) -> String {
    shorten(name, NAME_IN_HEADING)
}

/// The full name, where a heading has only a part of it.
pub(super) fn left_out_of_heading(name: &str) -> Option<&str> {
    (in_heading(name) != name).then_some(name)
}

/// The small print of a card: the reason that was given, how long its buttons work, and its reference.
pub(super) fn card_small_print(
    reason: Option<&str>,
    until: Moment,
    reference: &Reference,
    (zone, now): (&Zone, Moment),
) -> Vec<String> {
    let until = zone.tell(until, now);
    let (reason, works) = match reason {
        Some(reason) => (Some(format!("Reason: {reason}")), "this card works until"),
        None => (None, "This card works until"),
    };
    let rest = [format!("{works} {until}"), format!("ref {reference}")];
    reason.into_iter().chain(rest).collect()
}

/// Why a member cannot be reached outside the chat.
pub(super) fn no_contact_known(member_name: &str) -> String {
    format!("I know no phone or private email for {member_name}.")
}

pub(super) fn count(quota: Quota) -> String {
    let all = quota.used + quota.left;
    format!("{} of {all} resets left", quota.left)
}

pub(super) fn login_method(method: LoginMethod) -> &'static str {
    match method {
        LoginMethod::BusinessEmail => "business email",
        LoginMethod::PersonalEmail => "personal email and a code",
        LoginMethod::Phone => "phone and a code",
        LoginMethod::Sso => "single sign-on",
    }
}

pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Active => "Active",
        Status::Inactive => "Inactive",
        Status::Suspended => "Suspended",
        Status::Pending => "Pending",
        Status::Resigned => "Resigned",
    }
}
