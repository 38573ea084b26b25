//! The buttons of the ways of delivery, on a card and after a failed delivery.

use super::words::button;
use crate::chat::{Action, Button, Style};
use crate::delivery::Deliveries;
use crate::domain::{Channel, Member};

/// The buttons of the ways of delivery that this member has.
pub(super) fn delivery_buttons(
    member: &Member,
    channels: &Deliveries,
    is_private: bool,
    value: &str,
) -> Vec<Button> {
    let phone = member.phone.as_ref().filter(|_| channels.has(Channel::Sms));
    let email = member
        .outside_email()
        .filter(|_| channels.has(Channel::Email));
    let may_know = is_private && !channels.ways.is_strict;
    let other = may_know && (channels.has(Channel::Sms) || channels.has(Channel::Email));
    [
        may_know.then(|| {
            button(
                Action::DeliverCopy,
                "Copy: I tell them myself",
                value,
                Style::Plain,
            )
        }),
        phone.map(|to| {
            button(
                Action::DeliverPhone,
                format!("Phone {}", to.masked()),
                value,
                Style::Plain,
            )
        }),
        email.map(|to| {
            button(
                Action::DeliverEmail,
                format!("Email {}", to.masked()),
                value,
                Style::Plain,
            )
        }),
        other.then(|| {
            button(
                Action::DeliverOther,
                "Another phone or email …",
                value,
                Style::Plain,
            )
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
