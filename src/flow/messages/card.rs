//! The card, the last look, and the forms: what an administrator sees before anything changes.

use super::contacts::{AboutContacts, code_goes, code_on_card, contact_of_record};
use super::{button, count, login_method, message, status};
use crate::chat::{Action, Button, Form, FormKind, Message, Style};
use crate::clock::Zone;
use crate::delivery::Deliveries;
use crate::directory::Capabilities;
use crate::domain::contacts::{Methods, of_directory};
use crate::domain::{Carries, Channel, Delivery, Member, Moment, Quota, Reference};
use crate::store::{Earlier, ResetRow};

/// What a card is made of.
pub struct Card<'a> {
    /// Whose password.
    pub member: &'a Member,
    /// What the directory can enforce.
    pub capabilities: Capabilities,
    /// How the directory is called.
    pub directory: &'a str,
    /// Where the administrator stands; none on later faces of the card.
    pub quota: Option<Quota>,
    /// The member's last reset of the past 24 h.
    pub earlier: Option<&'a Earlier>,
    /// Whether the channels have settings.
    pub channels: &'a Deliveries,
    /// True where nobody but the administrator reads the last look and what follows.
    pub is_private: bool,
    /// Where codes can go, and what changed of the member's contacts.
    pub contacts: &'a AboutContacts,
    /// True when a contact is on record, or the administrator said that they can reach the member.
    pub is_reachable: bool,
    /// The opaque value of the buttons.
    pub value: &'a str,
    /// The time zone of texts.
    pub zone: &'a Zone,
    /// The present.
    pub now: Moment,
}

/// The card: who it is, what will happen, and the ways of delivery (S10, S12, S22).
pub fn offer_card(card: &Card<'_>) -> Message {
    let Card {
        member, zone, now, ..
    } = card;
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
    if card.capabilities.has_our_pages {
        lines.extend(code_on_card(card));
    }
    if member.never_expires {
        lines.push(
            "This account's password never expires, so they can't be made to set a new one."
                .to_owned(),
        );
    } else if !card.capabilities.must_change {
        lines.push("This directory can't make them set a new password of their own.".to_owned());
    }
    if !card.capabilities.has_our_pages {
        lines.push(
            "This directory does not ask them for a code at sign-in: the password alone lets anybody in.".to_owned(),
        );
    }
    if !card.is_private {
        lines.push(
            "I can't write to you alone here, so only contacts on record can be used. Whoever runs relatch can change that: the bot needs the permission create_post_ephemeral."
                .to_owned(),
        );
    }
    lines.extend(
        card.earlier
            .map(|earlier| careful(earlier, &member.name, zone, *now)),
    );
    if let Some(quota) = card.quota {
        let next = quota
            .next_at
            .map(|at| format!(" (next one comes back {})", zone.tell(at, *now)))
            .unwrap_or_default();
        lines.push(format!("You have {}{next}.", count(quota)));
    }
    let title = format!("Reset the login password of {}?", member.name);
    Message {
        buttons: card_buttons(card),
        ..message(title, lines)
    }
}

/// The warning that somebody reset this member not long ago.
pub fn careful(earlier: &Earlier, member_name: &str, zone: &Zone, now: Moment) -> String {
    let (when, who) = (zone.tell(earlier.changed_at, now), &earlier.admin_name);
    if earlier.is_certain {
        format!(
            "Careful: {member_name} was reset at {when} by {who}. The password from then stops working if you go on."
        )
    } else {
        format!(
            "Careful: {who} tried to reset {member_name} at {when}, and the password may have changed. It stops working \
            if you go on."
        )
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
            format!("A one-time link needs one: {}.", on_record(card))
        } else if !card.is_private {
            format!("A password needs one: {}.", on_record(card))
        } else {
            "Can you reach them another way?".to_owned()
        };
        format!(
            "I know no phone or private email for {}. {what_next}",
            member.name
        )
    } else {
        format!("Reach them outside this chat: {}", known.join(", "))
    }
}

/// How a contact comes on record to which a password or a link may go; one that was added for codes is none.
fn on_record(card: &Card<'_>) -> String {
    if card.capabilities.has_our_pages {
        "whoever runs relatch adds a phone or private email with relatch members import".to_owned()
    } else {
        format!("add a phone or private email in {}", card.directory)
    }
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
    if card.capabilities.sends_own_link {
        let label = format!("Let {} send its own link", card.directory);
        buttons.push(button(Action::DirectoryLink, label, value, Style::Plain));
    }
    buttons.push(button(
        Action::SendGuide,
        "They can still sign in: send the guide",
        value,
        Style::Plain,
    ));
    buttons.push(button(Action::Cancel, "Cancel", value, Style::Plain));
    buttons
}

/// The ways of delivery that there are for this member.
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

/// What a last look is made of.
#[derive(Clone, Copy)]
pub struct LastLook<'a> {
    /// The card with what was chosen.
    pub row: &'a ResetRow,
    /// The length of the password.
    pub length: u8,
    /// Where the administrator's copy goes, or would go.
    pub copy_to: Option<&'a str>,
    /// True where there is a mail server.
    pub can_mail: bool,
    /// True where nobody but the administrator reads it.
    pub is_private: bool,
    /// Where the code will go; none where the directory asks for none.
    pub codes: Option<&'a Methods>,
    /// True for the profile "strict".
    pub is_strict: bool,
    /// The time zone of texts.
    pub zone: &'a Zone,
    /// The present.
    pub now: Moment,
    /// The opaque value of the buttons.
    pub value: &'a str,
    /// That of the confirming one.
    pub confirm_value: &'a str,
}

/// The last look: one button changes something, all others do not (S26–S28, S38).
pub fn last_look(look: &LastLook<'_>) -> Message {
    let LastLook {
        row,
        length,
        copy_to,
        can_mail,
        is_private,
        value,
        confirm_value,
        ..
    } = *look;
    let to = row.destination_mask.as_deref().unwrap_or_default();
    let way = match row.delivery {
        Some(Delivery::Phone) => format!("by SMS to {to}"),
        Some(Delivery::Email) => format!("by email to {to}"),
        Some(Delivery::Copy) | None => "shown to you here, once".to_owned(),
    };
    let copy = copy_to
        .filter(|_| row.copy_to_self.is_some())
        .map(|to| format!(", a copy to {to}"))
        .unwrap_or_default();
    let sends = matches!(row.delivery, Some(Delivery::Phone | Delivery::Email));
    let show = if row.also_show && sends {
        ", also shown to you here"
    } else {
        ""
    };
    let is_link = row.carries == Carries::Link;
    let mut lines = if is_link {
        vec![
            format!(
                "A one-time link {way}, with which {} sets a new password after a code.",
                row.member_name
            ),
            format!(
                "{} is signed out at once. The old password stops working.",
                row.member_name
            ),
        ]
    } else {
        vec![
            format!("New {length}-character password {way}{copy}{show}."),
            format!(
                "{} is signed out at once. This password cannot be sent a second time.",
                row.member_name
            ),
        ]
    };
    lines.extend(
        look.codes
            .map(|codes| code_goes(row, codes, look.is_strict, look.zone, look.now)),
    );
    let mark = |on: bool| if on { "☑" } else { "☐" };
    let confirm = if sends {
        "Reset and send"
    } else {
        "Reset and show"
    };
    let mut buttons = vec![button(
        Action::Confirm,
        confirm,
        confirm_value,
        Style::Danger,
    )];
    if let Some(to) = copy_to.filter(|_| can_mail && !is_link) {
        let label = format!(
            "{} Also send a copy to {to}",
            mark(row.copy_to_self.is_some())
        );
        buttons.push(button(Action::CopyToSelf, label, value, Style::Plain));
        if is_private {
            buttons.push(button(
                Action::CopyToSelfChange,
                "Copy to another address …",
                value,
                Style::Plain,
            ));
        }
    }
    if sends && !is_link && is_private {
        buttons.push(button(
            Action::AlsoShow,
            format!("{} Also show it here", mark(row.also_show)),
            value,
            Style::Plain,
        ));
    }
    buttons.push(button(Action::Back, "Back", value, Style::Plain));
    buttons.push(button(Action::Cancel, "Cancel", value, Style::Plain));
    Message {
        buttons,
        ..message(format!("Ready to reset {}.", row.member_name), lines)
    }
}

/// The last look once more, because it changed after the button that was pressed was shown.
pub fn stale(mut face: Message, reference: &Reference) -> Message {
    face.lines.insert(
        0,
        format!(
            "This changed meanwhile. Please look at it again. {} (ref {reference})",
            super::NOTHING_CHANGED
        ),
    );
    face
}

/// The form in which a phone or an e-mail is typed (S24, S25, S28).
pub fn typed_form(kind: FormKind, member_name: &str, value: String) -> Form {
    let (title, label, hint, submit) = match kind {
        FormKind::Destination => (
            "Another way",
            format!("Phone or email of {member_name}"),
            "A mobile number with its country code, such as +82 10 1234 5678, or a private email. Never their business email.",
            "Continue",
        ),
        FormKind::CopyAddress => (
            "Copy to me",
            "Email for your copy".to_owned(),
            "For this reset only; your registered address stays as it is.",
            "Continue",
        ),
        FormKind::ContactCode => (
            "Code of the contact",
            format!("The code that {member_name} reads out"),
            "Six digits. It shows that the contact works, and opens nothing.",
            "Check",
        ),
    };
    Form {
        kind,
        value,
        title: title.to_owned(),
        label,
        hint: hint.to_owned(),
        submit: submit.to_owned(),
    }
}

/// Shown when the end takes longer than a second.
pub fn working() -> Message {
    message(
        "Working …",
        ["The result appears here. Please don't run the command again.".to_owned()],
    )
}

/// A command that came while too many others were at work.
pub fn busy() -> Message {
    message(
        "relatch is busy at this moment.",
        [format!(
            "{} Wait a minute and run the command again.",
            super::NOTHING_CHANGED
        )],
    )
}

/// The same for a form, under its input.
pub fn busy_form() -> String {
    format!(
        "relatch is busy at this moment. {} Wait a minute and try again.",
        super::NOTHING_CHANGED
    )
}

/// The directory took the order to send its own link.
pub fn directory_link_sent(directory: &str, member_name: &str, reference: &Reference) -> Message {
    message(
        format!("{directory} sends {member_name} its own link to set a new password."),
        [format!(
            "It goes to the email that {directory} has. The old password works until they use it. {} {} (ref {reference})",
            super::NOTHING_CHANGED,
            super::NO_RESET_USED
        )],
    )
}

/// Nobody can say whether the directory sends its link.
pub fn directory_link_unknown(
    directory: &str,
    member_name: &str,
    reference: &Reference,
) -> Message {
    message(
        format!("Nobody can say whether {directory} sends {member_name} its own link."),
        [format!(
            "Ask {member_name}. The old password still works. {} (ref {reference})",
            super::NO_RESET_USED
        )],
    )
}

/// S6: the guide went out instead of a reset.
pub fn guide_sent(member_name: &str, to: &str) -> Message {
    message(
        format!("Guide sent to {member_name} ({to})."),
        [format!(
            "They keep their sessions. {} {}",
            super::NOTHING_CHANGED,
            super::NO_RESET_USED
        )],
    )
}

/// Takes the place of a message that showed a password, when the record of its reset cannot be read.
pub fn hidden() -> Message {
    message(
        "The password is hidden.",
        ["It was shown once and cannot be shown again.".to_owned()],
    )
}
