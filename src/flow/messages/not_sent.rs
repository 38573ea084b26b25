//! Why a channel takes no message, and what to do instead. Only what may pass by itself is a reason to wait.

use super::words::{refusal, refusal_without_slot};
use crate::chat::Message;
use crate::domain::delivery::Refusal;
use crate::domain::{Channel, Reference};

/// The fault as a clause at the start of a sentence. `to` names the address, masked, and whose it is;
/// none for "this address".
pub(super) fn fault(why: &Refusal, channel: Channel, to: Option<&str>) -> String {
    let facts = channel.facts();
    let server = facts.server;
    let to = to.map_or_else(|| format!("this {}", facts.address), str::to_owned);
    match why {
        Refusal::Unreachable => format!("{server} doesn't answer"),
        Refusal::Address => format!("{server} refuses {to}"),
        Refusal::Later => format!("{server} asks to wait before it takes {to}"),
        Refusal::OptedOut => {
            format!(
                "{server} may send nothing to {to}: its owner answered STOP, and START undoes that"
            )
        }
        Refusal::Credentials | Refusal::SetUp | Refusal::Message | Refusal::Tls => {
            format!("relatch can't use {} as it is set up", facts.server_name)
        }
    }
}

/// What to do about a message that was not sent.
fn next(why: &Refusal, again: &str, otherwise: &str) -> String {
    match why {
        Refusal::Unreachable | Refusal::Later => format!("{again} in a few minutes."),
        Refusal::Address | Refusal::OptedOut => otherwise.to_owned(),
        Refusal::Credentials | Refusal::SetUp | Refusal::Message | Refusal::Tls => {
            format!("Tell whoever runs relatch. {otherwise}")
        }
    }
}

/// What to do before a reset that did not begin. `is_copy` where only the administrator's copy stood in the way: the card that
/// takes over goes without it.
pub(super) fn instead_of_channel(why: &Refusal, is_copy: bool) -> String {
    if is_copy {
        let without = "Choose a way: it goes without your copy.";
        return next(why, &format!("{without} For a copy, try again"), without);
    }
    next(
        why,
        "Choose another way, or try again",
        "Choose another way.",
    )
}

/// S6: the guide was not sent. Without a reason there is nowhere to send it to.
pub fn guide_failed(
    member_name: &str,
    why: Option<(&Refusal, Channel)>,
    reference: &Reference,
) -> Message {
    let sorry = format!("The guide could not be sent to {member_name}");
    let Some((why, channel)) = why else {
        return refusal_without_slot(&format!("{sorry}."), "Tell them yourself.", reference);
    };
    refusal_without_slot(
        &format!("{sorry}: {}.", fault(why, channel, None)),
        &next(
            why,
            "Tell them yourself, or run the command again",
            "Tell them yourself.",
        ),
        reference,
    )
}

/// The code of a contact was refused.
pub fn contact_code_not_sent(
    member_name: &str,
    to: &str,
    (why, channel): (&Refusal, Channel),
    reference: &Reference,
) -> Message {
    refusal(
        &format!(
            "No code could be sent to {to} of {member_name}: {}.",
            fault(why, channel, None)
        ),
        &next(why, "Press the button again", "Add another contact."),
        reference,
    )
}
