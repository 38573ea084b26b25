//! What is sent instead of a reset: the guide, or the directory's own link.

use super::words::{
    NO_RESET_USED, NOTHING_CHANGED, in_heading, message, refusal, refusal_without_slot,
    with_reference,
};
use crate::chat::Message;
use crate::domain::{Member, Reference};

/// S6: the guide was sent instead of a reset.
pub fn guide_sent(member_name: &str, to: &str) -> Message {
    message(
        format!("Guide sent to {}", in_heading(member_name)),
        [format!(
            "It went to {to}. {member_name} keeps their sessions. {NOTHING_CHANGED} {NO_RESET_USED}"
        )],
    )
}

/// S6: the button was drawn before the settings changed.
pub fn guide_leads_nowhere(reference: &Reference) -> Message {
    refusal_without_slot(
        "There is no page that the guide could lead to.",
        "Choose another way, and tell whoever runs relatch that help_url is missing.",
        reference,
    )
}

/// S6: the guide leads to a page that asks for a code, and none of the member's contacts can receive one there.
pub fn guide_without_code(member: &Member, reference: &Reference) -> Message {
    refusal_without_slot(
        &format!(
            "No code can reach {}, so the guide would not help: it needs a phone or private email on record that counts.",
            member.name
        ),
        &format!(
            "Choose another way, or have whoever runs relatch add one: relatch members contact {} ADDRESS",
            member.business_email
        ),
        reference,
    )
}

/// S6: the account is locked by codes or by the member, or the password of a reset waits for its first use.
pub fn guide_needs_reset(member_name: &str, reference: &Reference) -> Message {
    refusal_without_slot(
        &format!(
            "The guide would not help {member_name}: the account is blocked, or the password of a reset is still to be replaced."
        ),
        "Reset the password with another button of the card.",
        reference,
    )
}

/// S6: the guide may not have arrived.
pub fn guide_unknown(member_name: &str, to: &str, next: &str, reference: &Reference) -> Message {
    refusal_without_slot(
        &format!("Nobody can say whether the guide reached {member_name} ({to})."),
        &format!("Ask them. Another guide can go out at {next}."),
        reference,
    )
}

/// The directory accepted the order to send its own link.
pub fn directory_link_sent(
    directory: &str,
    member_name: &str,
    until: &str,
    reference: &Reference,
) -> Message {
    with_reference(
        reference,
        message(
            format!("A link is sent to {}", in_heading(member_name)),
            [
                format!("{directory} sends {member_name} its own link to set a new password."),
                format!(
                    "It goes to the email that {directory} has and works until {until}, also after a reset. The old password works until they use it. {NOTHING_CHANGED} {NO_RESET_USED}"
                ),
            ],
        ),
    )
}

/// The directory can send none, since its settings or ours were changed.
pub fn directory_link_gone(directory: &str, reference: &Reference) -> Message {
    refusal(
        &format!("{directory} sends no link now."),
        "Choose another way.",
        reference,
    )
}

/// The directory did not say whether it sends its link.
pub fn directory_link_unknown(
    directory: &str,
    member_name: &str,
    reference: &Reference,
) -> Message {
    with_reference(
        reference,
        message(
            "Nobody can say whether a link is sent",
            [
                format!("Nobody can say whether {directory} sends {member_name} its own link."),
                format!("Ask {member_name}. The old password still works. {NO_RESET_USED}"),
            ],
        ),
    )
}
