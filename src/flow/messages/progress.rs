//! What is said while something is in progress, or when there is no capacity for it.

use super::words::{NOTHING_CHANGED, RUN_AGAIN_LATER, message, refusal_without_slot};
use crate::chat::Message;
use crate::domain::Reference;

/// Sent when the result takes longer than a second.
pub fn working() -> Message {
    message(
        "Working …",
        ["The result appears here. Please don't run the command again.".to_owned()],
    )
}

/// The answer to a command when no capacity is left.
pub fn busy() -> Message {
    message(
        "relatch is busy at this moment.",
        [format!("{NOTHING_CHANGED} {RUN_AGAIN_LATER}")],
    )
}

/// The same at the input of a form.
pub fn busy_form() -> String {
    format!("relatch is busy at this moment. {NOTHING_CHANGED} Wait a minute and try again.")
}

/// A confirmed reset got no worker in time.
pub fn overloaded(reference: &Reference) -> Message {
    refusal_without_slot(
        "Too many resets are being done at this moment, so this one was not begun.",
        RUN_AGAIN_LATER,
        reference,
    )
}

/// A confirmed reset got no worker before shutdown.
pub fn stopping(reference: &Reference) -> Message {
    refusal_without_slot(
        "relatch is being stopped or started again, so this one was not begun.",
        RUN_AGAIN_LATER,
        reference,
    )
}

/// A click on a message that needs nothing any more.
pub fn nothing_to_do() -> Message {
    message(
        "There is nothing left to do here.",
        ["For another reset run the command again.".to_owned()],
    )
}

/// Replaces a message that showed a password when the record of its reset cannot be read.
pub fn hidden() -> Message {
    message(
        "The password is hidden.",
        ["It was shown once and cannot be shown again.".to_owned()],
    )
}
