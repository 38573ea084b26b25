//! `/reset-password contact`: a contact is added, its code, and why it is not added.

use super::destination::why_denied;
use super::notes::wrong_code;
use super::sms::short;
use super::words::{NOTHING_CHANGED, button, in_heading, message, refusal, with_reference};
use crate::chat::{Action, Message, Style};
use crate::clock::Zone;
use crate::delivery::Note;
use crate::domain::channel::DestinationDenied;
use crate::domain::contacts::{CONTACTS_PER_ADMIN, CONTACTS_PER_MEMBER};
use crate::domain::{Destination, EmailAddress, Member, Moment, Reference, Span};

/// S42: a contact was added. `from` is the time from which it serves new resets.
pub fn contact_added(
    member_name: &str,
    to: &str,
    from: &str,
    is_strict: bool,
    reference: &Reference,
    code_value: Option<&str>,
) -> Message {
    let at_once = if is_strict {
        ""
    } else {
        " For a card that is open, or a reset that was made before, it counts at once if no older contact counts. If another administrator asked for it with the button of a card, the same holds for their cards within 24 hours of asking."
    };
    let told = message(
        format!("Contact added for {}", in_heading(member_name)),
        [
            format!("{to} was added for codes of {member_name}."),
            format!("It counts for resets from {from} on.{at_once}"),
            format!(
                "{member_name} is told. For a reset that you make yourself this contact does not count."
            ),
        ],
    );
    let send = |value| {
        button(
            Action::ContactCode,
            "Send a test code there",
            value,
            Style::Plain,
        )
    };
    Message {
        buttons: code_value.map(send).into_iter().collect(),
        ..with_reference(reference, told)
    }
}

/// The question before a contact is added. It is sent to one person alone, and two addresses or two members can look alike, so both are
/// written in full.
pub fn contact_question(
    member: &Member,
    to: &Destination,
    value: &str,
    reference: &Reference,
) -> Message {
    let told = message(
        format!("Add a contact for {}?", in_heading(&member.name)),
        [
            format!(
                "Add {} for the codes of {} ({})?",
                to.full(),
                member.name,
                member.business_email
            ),
            "Nothing is added before you press the button. If you did not type this command, don't press it, and tell your security team.".to_owned(),
        ],
    );
    let add = button(Action::ContactAdd, "Add this contact", value, Style::Danger);
    Message {
        buttons: vec![add],
        ..with_reference(reference, told)
    }
}

/// The question was not sent, or nobody knows whether it arrived. Somebody else may read this, so it names nobody.
pub fn question_not_sent(may_have_arrived: bool, reference: &Reference) -> Message {
    let what = if may_have_arrived {
        "I could not send you a private message, or it came without my knowing."
    } else {
        "I could not send you a private message."
    };
    refusal(
        what,
        "Without its button no contact is added. If it is not there, run the command again in a minute.",
        reference,
    )
}

/// The question's button was pressed too late, a second time, or by another person.
pub fn contact_question_over(reference: &Reference) -> Message {
    refusal(
        "This question is answered, too old, or not yours.",
        "Run /reset-password contact again.",
        reference,
    )
}

/// S42: the address cannot be a contact for codes.
pub fn contact_denied(
    denied: &DestinationDenied,
    member_name: &str,
    reference: &Reference,
) -> Message {
    refusal(
        &why_denied(denied, member_name),
        "Write /reset-password contact @member, then a mobile number or a private email.",
        reference,
    )
}

/// S42: the directory keeps its members' contacts itself.
pub fn contact_elsewhere(member_name: &str, directory: &str, reference: &Reference) -> Message {
    refusal(
        &format!(
            "The contacts of {member_name} are kept in {directory}, and no code is asked for here."
        ),
        "Add the phone or private email there.",
        reference,
    )
}

/// Somebody else may read the replies of this chat, so nothing is changed from it at once.
pub fn contact_not_private(member: &Member, reference: &Reference) -> Message {
    refusal(
        "I can't write to you alone here, so contacts can't be added from this chat.",
        &format!(
            "Whoever runs relatch can add one: relatch members contact {} …",
            member.business_email
        ),
        reference,
    )
}

/// Q7: the administrator made the member's last reset, so they may not say where its code goes.
pub fn contact_of_own_reset(member_name: &str, reference: &Reference) -> Message {
    refusal(
        &format!(
            "You made the last reset of {member_name}, so you can't add a contact for its code."
        ),
        "Another admin can.",
        reference,
    )
}

/// Password and code need two contacts, and the member has fewer.
pub fn two_contacts_needed(
    member: &Member,
    count: usize,
    is_strict: bool,
    reference: &Reference,
) -> Message {
    let (name, email) = (&member.name, &member.business_email);
    let has = if count == 0 { "none" } else { "one" };
    let next = if is_strict && !member.has_outside_contact() {
        // A contact that is added for codes would get no link.
        "Whoever runs relatch first adds a phone or private email for the link with relatch members import.".to_owned()
    } else {
        format!("Whoever runs relatch can add one: relatch members contact {email} ADDRESS")
    };
    refusal(
        &format!("Password and code need two contacts; {name} has {has}."),
        &next,
        reference,
    )
}

/// The member has the maximum number of added contacts.
pub fn too_many_contacts(
    member_name: &str,
    email: &EmailAddress,
    has_room_for_operator: bool,
    reference: &Reference,
) -> Message {
    let what_next = if has_room_for_operator {
        format!(
            "Whoever runs relatch can put one in the place of another: relatch members contact {email} …"
        )
    } else {
        // All of them are the member's own or the operator's, so the member can sign in.
        "They can remove one on their account page.".to_owned()
    };
    refusal(
        &format!(
            "{member_name} has {CONTACTS_PER_MEMBER} added contacts already, which is the most."
        ),
        &what_next,
        reference,
    )
}

/// The same on the member's own page.
pub fn too_many_own_contacts() -> String {
    format!(
        "You have {CONTACTS_PER_MEMBER} added contacts already. {NOTHING_CHANGED} Remove one first."
    )
}

/// The administrator added the maximum number of contacts.
pub fn too_many_contact_commands(
    zone: &Zone,
    next_at: Moment,
    now: Moment,
    reference: &Reference,
) -> Message {
    refusal(
        &format!("You added {CONTACTS_PER_ADMIN} contacts in 24 hours, which is the most."),
        &format!(
            "The next one is possible {}. Another admin can add one now.",
            zone.tell_at(next_at, now)
        ),
        reference,
    )
}

/// The code for an added contact. Unlike a code for signing in, it is read out.
pub fn contact_code(organization: &str, code: &str) -> Note {
    let name = short(organization, 20);
    // The purpose comes first, so that a locked screen shows it: people must not get used to reading codes out.
    let text = format!(
        "Check of a new contact for {name}, code: {code} (for 10 minutes). Read it to the administrator who added this contact. It opens nothing."
    );
    Note::new(format!("Check of a new contact for {organization}"), text)
}

/// The next code may not be sent yet.
pub fn contact_code_too_soon(member_name: &str, wait: Span, reference: &Reference) -> Message {
    refusal(
        &format!("No further code can be sent to {member_name} yet."),
        &format!("The next one can be sent in {wait}."),
        reference,
    )
}

/// The code of a contact was typed wrong.
pub fn contact_code_wrong(left: u32) -> String {
    if left == 0 {
        contact_code_over()
    } else {
        format!("{} {NOTHING_CHANGED}", wrong_code(left))
    }
}

/// The code of a contact is too old, or was typed wrong too often.
pub fn contact_code_over() -> String {
    format!("This code no longer works. {NOTHING_CHANGED} Press the button again for another one.")
}

/// The contact was removed before its code was answered.
pub fn contact_gone(member_name: &str, to: &str, reference: &Reference) -> Message {
    refusal(
        &format!("{to} is no added contact of {member_name} any more."),
        "Add it again with /reset-password contact @member …",
        reference,
    )
}

/// An added contact has answered its code.
pub fn contact_answered(member_name: &str, to: &str, reference: &Reference) -> Message {
    with_reference(
        reference,
        message(
            format!("The contact for {} works", in_heading(member_name)),
            [
                format!("{to} has answered: it works."),
                format!(
                    "It counts as a contact of {member_name} once its waiting time is over. The code does not tell whose it is."
                ),
            ],
        ),
    )
}
