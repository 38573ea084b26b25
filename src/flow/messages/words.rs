//! The parts that messages share: the frame of a refusal, buttons, and the names of things.

use crate::chat::{Action, Button, Message, RefusedParts, Style};
use crate::domain::{LoginMethod, Quota, Reference, Status};

/// Stands in every refusal after which nothing has changed; tests check that.
pub const NOTHING_CHANGED: &str = "Nothing was changed.";

/// Stands beside it where no slot was used either.
pub const NO_RESET_USED: &str = "No reset was used.";

/// What to do where the next try may go well at once.
pub(super) const RUN_AGAIN: &str = "Run the command again.";

/// The same where too much is going on.
pub(super) const RUN_AGAIN_LATER: &str = "Wait a minute and run the command again.";

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
        label: label.into(),
        value: value.to_owned(),
        style,
        starts_row: false,
    }
}

/// The reason that the administrator gave, as a line.
pub(super) fn reason(given: Option<&str>) -> Option<String> {
    given.map(|given| format!("Reason: {given}"))
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
