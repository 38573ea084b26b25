//! The card that offers a reset.

use super::contacts::{AboutContacts, code_on_card, contact_of_record};
use super::second_factors;
use super::warnings::{WarnedOf, warnings};
use super::ways::delivery_buttons;
use super::words::{button, count, login_method, message, no_contact_known, reason, status};
use crate::chat::{Action, Button, Message, Style};
use crate::clock::Zone;
use crate::delivery::Deliveries;
use crate::directory::Capabilities;
use crate::domain::contacts::of_directory;
use crate::domain::phone::PhoneRemark;
use crate::domain::{Member, Moment, Quota};
use crate::store::{Earlier, OwnLink};

/// What a card is made of.
pub struct Card<'a> {
    /// The member whose password would be reset.
    pub member: &'a Member,
    /// What the directory can enforce.
    pub capabilities: Capabilities,
    /// The directory's name in texts.
    pub directory: &'a str,
    /// The administrator's quota.
    pub quota: Option<Quota>,
    /// The member's last reset of the past 24 h.
    pub earlier: Option<&'a Earlier>,
    /// The reason that the administrator gave.
    pub reason: Option<&'a str>,
    /// The directory's own link that was sent before and may still work.
    pub own_link: Option<&'a OwnLink>,
    /// The channels that have settings.
    pub channels: &'a Deliveries,
    /// True where nobody else can read the last look and what follows.
    pub is_private: bool,
    /// Where codes can go, and which contacts have changed.
    pub contacts: &'a AboutContacts,
    /// True if a contact is on record, or the administrator said that they can reach the member.
    pub is_reachable: bool,
    /// True where the guide leads somewhere.
    pub has_guide: bool,
    /// The opaque value of the buttons.
    pub value: &'a str,
    /// The time zone of texts.
    pub zone: &'a Zone,
    /// Times are told relative to it.
    pub now: Moment,
}

/// The card: who it is, what will happen, and the ways of delivery (S10, S12, S22).
pub fn offer_card(card: &Card<'_>) -> Message {
    let Card {
        member, zone, now, ..
    } = card;
    let mut lines: Vec<String> = about_member(card);
    lines.extend(reason(card.reason));
    if card.capabilities.has_our_pages {
        lines.extend(code_on_card(member, card.contacts, zone, *now));
    }
    lines.extend(limits_of_directory(card));
    if !card.is_private {
        lines.push(
            "I can't write to you alone here, so only contacts on record can be used. Whoever runs relatch can change that: the bot needs the permission create_post_ephemeral."
                .to_owned(),
        );
    }
    if let Some(quota) = card.quota {
        let next = quota
            .next_at
            .map(|at| format!(" (next one comes back {})", zone.tell(at, *now)))
            .unwrap_or_default();
        lines.push(format!("You have {}{next}.", count(quota)));
    }
    let title = format!("Reset the login password of {}?", member.name);
    Message {
        warnings: warnings(&WarnedOf {
            member_name: &member.name,
            directory: card.capabilities,
            earlier: card.earlier,
            own_link: card.own_link,
            quota: card.quota,
            zone,
            now: *now,
        }),
        buttons: card_buttons(card),
        ..message(title, lines)
    }
}

fn about_member(card: &Card<'_>) -> Vec<String> {
    let member = card.member;
    let mut lines = vec![
        match &member.department {
            Some(department) => format!("{} · {department}", member.business_email),
            None => member.business_email.to_string(),
        },
        format!(
            "{} · signs in with {} · {}",
            status(member.status),
            login_method(member.login_method),
            card.directory
        ),
        if card.capabilities.can_sign_out {
            "They will be signed out everywhere at once. The old password stops working.".to_owned()
        } else {
            "The old password stops working. This directory can't sign people out: open sessions end by themselves."
                .to_owned()
        },
        contacts(card),
    ];
    lines.extend(
        card.member
            .phone_remarks
            .iter()
            .map(|remark| phone_remark(remark, card.directory)),
    );
    lines
}

/// What the administrator has to know before they send to the phone on record, or why they cannot.
fn phone_remark(remark: &PhoneRemark, directory: &str) -> String {
    match remark {
        PhoneRemark::CountryAdded(country) => format!(
            "Their phone has no country code in {directory}. I read it as a number of {country}."
        ),
        PhoneRemark::ZerosRead(code) => {
            format!("Their phone begins with 00 in {directory}. I read that as +{code}.")
        }
        PhoneRemark::Unreadable(unreadable) => {
            format!("Their {unreadable}. Whoever manages {directory} can correct it.")
        }
    }
}

fn contacts(card: &Card<'_>) -> String {
    let Card { member, zone, .. } = card;
    let known: Vec<String> = of_directory(member)
        .iter()
        .map(|to| contact_of_record(to, card.contacts, zone))
        .collect();
    if known.is_empty() {
        let what_next = if card.channels.ways.is_strict {
            format!(
                "A one-time link needs one: {}; then run the command again.",
                on_record(card)
            )
        } else if !card.is_private {
            format!(
                "A password needs one: {}; then run the command again.",
                on_record(card)
            )
        } else if card.is_reachable {
            "You said that you can reach them another way.".to_owned()
        } else {
            "Can you reach them another way?".to_owned()
        };
        let name = &member.name;
        if member
            .phone_remarks
            .iter()
            .any(|remark| remark.unreadable().is_some())
        {
            format!("I can use no phone or private email of {name}. {what_next}")
        } else {
            format!("{} {what_next}", no_contact_known(name))
        }
    } else {
        format!("Reach them outside this chat: {}", known.join(", "))
    }
}

/// How to get a contact on record to which a password or a link may go. A contact that was added for codes does not count.
fn on_record(card: &Card<'_>) -> String {
    if card.capabilities.has_our_pages {
        "whoever runs relatch adds a phone or private email with relatch members import".to_owned()
    } else {
        format!("add a phone or private email in {}", card.directory)
    }
}

/// What the directory cannot enforce.
fn limits_of_directory(card: &Card<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if card.member.has_other_password {
        lines.push(format!(
            "Their new password counts in {} only; another system keeps its own.",
            card.directory
        ));
    }
    if card.member.never_expires {
        lines.push(
            "This account's password never expires, so they can't be made to set a new one."
                .to_owned(),
        );
    } else if card.capabilities.asks_nobody {
        lines.push(
            "This directory does not ask them to set a new password of their own.".to_owned(),
        );
    } else if !card.capabilities.must_change {
        lines.push("This directory can't make them set a new password of their own.".to_owned());
    }
    if !card.capabilities.has_our_pages {
        let factors = &card.member.second_factors;
        lines.extend(second_factors::on_card(factors, card.directory));
    }
    lines
}

fn card_buttons(card: &Card<'_>) -> Vec<Button> {
    let value = card.value;
    let mut buttons = Vec::new();
    if card.is_reachable {
        buttons.extend(delivery_buttons(
            card.member,
            card.channels,
            card.is_private,
            value,
        ));
    } else if card.is_private && !card.channels.ways.is_strict {
        buttons.push(button(
            Action::Reachable,
            "Yes, I can reach them",
            value,
            Style::Primary,
        ));
    }
    if card.capabilities.own_link.is_some() {
        let label = format!("Let {} send its own link", card.directory);
        buttons.push(button(Action::DirectoryLink, label, value, Style::Plain));
    }
    if card.capabilities.has_our_pages {
        let about = card.contacts;
        buttons.extend(about.adder.button(&about.methods, value));
    }
    if card.has_guide {
        buttons.push(button(
            Action::SendGuide,
            "They can still sign in: send the guide",
            value,
            Style::Plain,
        ));
    }
    buttons.push(button(Action::Cancel, "Cancel", value, Style::Plain));
    buttons
}
