//! The card that offers a reset.

use super::contacts::{AboutContacts, code_on_card, differing};
use super::second_factors;
use super::warnings::{WarnedOf, warnings};
use super::ways::{delivery_buttons, in_own_row};
use super::words::{
    button, card_small_print, count, in_heading, left_out_of_heading, no_contact_known, status,
};
use crate::chat::{Action, Aside, BUTTON, Button, Message, Style, Warning};
use crate::clock::Zone;
use crate::delivery::Deliveries;
use crate::directory::Capabilities;
use crate::domain::contacts::of_directory;
use crate::domain::phone::PhoneRemark;
use crate::domain::{Destination, Member, Moment, Quota, ResetId};
use crate::store::{Earlier, OwnLink};

/// What a card is made of.
pub struct Card<'a> {
    /// The member whose password would be reset.
    pub member: &'a Member,
    /// What the directory can enforce.
    pub capabilities: Capabilities,
    /// The directory's name in texts.
    pub directory: &'a str,
    /// How many resets the administrator has left; it is warned of where it is nearly used up.
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
    /// When its buttons stop working.
    pub until: Moment,
    /// The id of its reset.
    pub reset_id: ResetId,
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
        reset_id,
        zone,
        now,
        ..
    } = *card;
    Message {
        title: format!("Reset {}'s password?", in_heading(&card.member.name)),
        warnings: card_warnings(card),
        facts: facts(card),
        lines: lines(card),
        buttons: card_buttons(card),
        aside: card.has_guide.then(|| guide(card)),
        small_print: card_small_print(card.reason, card.until, &reset_id.reference(), (zone, now)),
        ..Message::default()
    }
}

fn card_warnings(card: &Card<'_>) -> Vec<Warning> {
    let mut all = warnings(&WarnedOf {
        member_name: &card.member.name,
        directory: card.capabilities,
        earlier: card.earlier,
        own_link: card.own_link,
        quota: card.quota,
        zone: card.zone,
        now: card.now,
    });
    all.extend(differing(card.member, card.contacts, card.zone));
    all
}

fn facts(card: &Card<'_>) -> Vec<String> {
    let member = card.member;
    let who = left_out_of_heading(&member.name)
        .into_iter()
        .chain([member.business_email.as_str()])
        .chain(member.department.as_deref());
    [
        who.collect::<Vec<_>>().join(" · "),
        format!("{} · {}", status(member.status), card.directory),
        format!("Outside this chat: {}", outside_contacts(member)),
    ]
    .into_iter()
    .chain(card.quota.map(count))
    .collect()
}

fn outside_contacts(member: &Member) -> String {
    let known: Vec<String> = of_directory(member)
        .iter()
        .map(Destination::masked)
        .collect();
    if !known.is_empty() {
        known.join(", ")
    } else if has_unreadable_phone(member) {
        "nothing that I can use".to_owned()
    } else {
        "nothing on record".to_owned()
    }
}

fn lines(card: &Card<'_>) -> Vec<String> {
    let Card {
        member, zone, now, ..
    } = *card;
    let effect = if card.capabilities.can_sign_out {
        "Signs them out everywhere at once. The old password stops working."
    } else {
        "The old password stops working."
    };
    let mut lines = vec![effect.to_owned()];
    lines.extend(
        member
            .phone_remarks
            .iter()
            .map(|remark| phone_remark(remark, card.directory)),
    );
    if card.capabilities.has_our_pages {
        lines.extend(code_on_card(member, card.contacts, zone, now));
    }
    lines.extend(limits_of_directory(card));
    if !card.is_private {
        lines.push(
            "I can't write to you alone here, so only contacts on record can be used. Whoever runs relatch can change that: the bot needs the permission create_post_ephemeral."
                .to_owned(),
        );
    }
    lines.extend(without_contact(card));
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

fn has_unreadable_phone(member: &Member) -> bool {
    let mut remarks = member.phone_remarks.iter();
    remarks.any(|remark| remark.unreadable().is_some())
}

/// What is asked, or has to be done first, where no contact is on record.
fn without_contact(card: &Card<'_>) -> Option<String> {
    let member = card.member;
    if !of_directory(member).is_empty() {
        return None;
    }
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
    Some(if has_unreadable_phone(member) {
        format!("I can use no phone or private email of {name}. {what_next}")
    } else {
        format!("{} {what_next}", no_contact_known(name))
    })
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
    if !card.capabilities.can_sign_out {
        lines.push(
            "This directory can't sign people out: open sessions end by themselves.".to_owned(),
        );
    }
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
    let plain = |action, label: &str| button(action, label, value, Style::Plain);
    let mut buttons = Vec::new();
    if card.is_reachable {
        buttons = delivery_buttons(card.member, card.channels, card.is_private, value);
    } else if card.is_private && !card.channels.ways.is_strict {
        let label = "Yes, I can reach them";
        buttons.push(button(Action::Reachable, label, value, Style::Primary));
    }
    let mut others = Vec::new();
    if card.capabilities.own_link.is_some() {
        others.push(plain(
            Action::DirectoryLink,
            &own_link_label(card.directory),
        ));
    }
    if card.capabilities.has_our_pages {
        let about = card.contacts;
        others.extend(about.adder.button(&about.methods, value));
    }
    others.push(plain(Action::Cancel, "Cancel"));
    // Beside Copy, where there is a row of other ways.
    let has_row = !card.is_reachable || buttons.iter().any(|button| button.starts_row);
    buttons.extend(if has_row { others } else { in_own_row(others) });
    buttons
}

/// A short name of the directory stands in full, and a longer one not at all.
fn own_link_label(directory: &str) -> String {
    let label = format!("Let {directory} send its own link");
    if label.chars().count() <= BUTTON {
        label
    } else {
        "Let the directory send a link".to_owned()
    }
}

/// S6: whoever can still sign in needs no reset.
fn guide(card: &Card<'_>) -> Aside {
    let has_code = card.capabilities.has_our_pages && card.contacts.methods.counting() > 0;
    let then = if has_code {
        "There they can often set a new password without the old one, and without a reset."
    } else {
        "They may need no reset."
    };
    let label = "Send them the how-to";
    Aside {
        question: format!("Still signed in somewhere? {then}"),
        button: button(Action::SendGuide, label, card.value, Style::Plain),
    }
}
