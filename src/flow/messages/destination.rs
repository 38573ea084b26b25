//! Destinations and outputs that are not allowed.

use super::words::{NOTHING_CHANGED, refusal};
use crate::chat::Message;
use crate::domain::channel::DestinationDenied;
use crate::domain::country::Country;
use crate::domain::delivery::ExtraDenied;
use crate::domain::phone::NotAPhone;
use crate::domain::{Channel, Delivery, Destination, Reference};
use crate::store::ResetRow;

/// A typed destination is not allowed (S11, S24, S25), in one line for the command line and the member's pages.
pub fn destination_denied(denied: &DestinationDenied, member_name: &str) -> String {
    format!("{} {NOTHING_CHANGED}", why_denied(denied, member_name))
}

/// The same for a member who typed a contact of their own.
pub fn own_destination_denied(denied: &DestinationDenied) -> String {
    let why = match denied {
        DestinationDenied::BusinessEmail => {
            "That is your work email. You can't read it while you are locked out. Type a private address or a mobile number."
                .to_owned()
        }
        DestinationDenied::BusinessDomain => {
            "A work email doesn't count, because your administrators can move it. Type a private one, or a mobile number."
                .to_owned()
        }
        DestinationDenied::Organization => {
            "That mailbox belongs to your organization, so others may open it. Type a private one."
                .to_owned()
        }
        DestinationDenied::Country(not_there) => format!(
            "No SMS goes to the country of your number from here, only to {}. Type another number or a private email.",
            listed(&not_there.allowed)
        ),
        DestinationDenied::NotAnEmail
        | DestinationDenied::MixedScripts
        | DestinationDenied::NotAPhone(_)
        | DestinationDenied::EmailNeeded
        | DestinationDenied::ChannelOff(_) => why_denied(denied, ""),
    };
    format!("{why} {NOTHING_CHANGED}")
}

/// The same in chat.
pub fn destination_refused(
    denied: &DestinationDenied,
    member_name: &str,
    reference: &Reference,
) -> Message {
    refusal(&why_denied(denied, member_name), "", reference)
}

/// Why a destination is not allowed, and what to do instead.
pub(super) fn why_denied(denied: &DestinationDenied, member_name: &str) -> String {
    let why = match denied {
        DestinationDenied::BusinessEmail => {
            return format!(
                "That is {member_name}'s business email. They can't read it while locked out. Choose another."
            );
        }
        DestinationDenied::BusinessDomain => {
            "A business email doesn't count, because an administrator can move it. Choose a private one, or a phone."
        }
        DestinationDenied::Organization => {
            "That mailbox belongs to the organization, so others may open it. Type a private address or choose Copy."
        }
        DestinationDenied::NotAnEmail => {
            "This is not a complete email address. Example: mina@mail.example."
        }
        DestinationDenied::MixedScripts => {
            "This domain mixes letters of several scripts, as forged ones do. Type another address."
        }
        DestinationDenied::NotAPhone(NotAPhone::Incomplete) => {
            "This is not a complete phone number. Example: +82 10 1234 5678."
        }
        DestinationDenied::NotAPhone(NotAPhone::NotMobile) => {
            "This number can't receive an SMS. A mobile number is needed."
        }
        DestinationDenied::Country(not_there) => {
            let allowed = listed(&not_there.allowed);
            return format!(
                "No SMS goes to the country of this number from here, only to {allowed} and to the phone on record. Type another number or an email, or ask whoever runs relatch."
            );
        }
        DestinationDenied::EmailNeeded => "An email address is needed here.",
        DestinationDenied::ChannelOff(off) => {
            let others: Vec<&str> = Channel::ALL
                .iter()
                .filter(|channel| *channel != off)
                .map(|channel| channel.facts().an_address)
                .collect();
            return format!(
                "I can't send {} here. Type {}.",
                off.facts().message,
                others.join(" or ")
            );
        }
    };
    why.to_owned()
}

fn listed(countries: &[Country]) -> String {
    let names: Vec<_> = countries.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// The settings or the chat forbid this output.
pub fn extra_denied(denied: ExtraDenied, reference: &Reference) -> Message {
    match denied {
        ExtraDenied::Strict => refusal(
            "Passwords are not shown, copied or sent to typed addresses here.",
            "Choose a contact on record: a one-time link goes there. Where there is none, add a phone or private email in the directory (built-in: relatch members import), then run the command again.",
            reference,
        ),
        ExtraDenied::WithLink => refusal(
            "A one-time link goes to the member, so there is no password to show or copy.",
            "Confirm, or go back.",
            reference,
        ),
        ExtraDenied::NotPrivate => refusal(
            "I can't write to you alone here, so Copy, showing and typed addresses are off.",
            "Choose a contact on record, or ask whoever runs relatch to give the bot the permission create_post_ephemeral.",
            reference,
        ),
    }
}

/// Where a chosen password goes: to a contact on record, which is masked, or to a typed address, which stands in full until it
/// is used, so that a typing error is seen. Where others could read it, that is masked as well.
pub(super) fn goes_to(row: &ResetRow, is_private: bool) -> String {
    let typed = || {
        let channel = row.delivery.and_then(Delivery::channel)?;
        let to = channel.stored(row.destination.as_deref()?)?;
        Some(typed_address(&to, is_private))
    };
    let typed = if row.is_typed { typed() } else { None };
    typed
        .or_else(|| row.destination_mask.clone())
        .unwrap_or_default()
}

/// A typed address before it is used.
pub(super) fn typed_address(to: &Destination, is_private: bool) -> String {
    let address = match to {
        _ if !is_private => to.masked(),
        Destination::Phone(phone) => phone.in_groups(),
        Destination::Email(email) => email.unmasked(),
    };
    format!("{address}, not on record")
}
