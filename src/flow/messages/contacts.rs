//! What is said about contacts: where a code goes, who added that contact, and what becomes of one that is added.

use super::card::Card;
use super::refusal::refusal;
use super::{NOTHING_CHANGED, button, message};
use crate::chat::{Action, Form, FormKind, Message, Style};
use crate::clock::Zone;
use crate::delivery::Note;
use crate::domain::contacts::{
    AddedAs, AddedContact, CONTACTS_PER_ADMIN, CONTACTS_PER_MEMBER, Method, Methods,
};
use crate::domain::{Carries, Channel, Destination, EmailAddress, Moment, Reference, Span};
use crate::store::ResetRow;

/// What a card knows about the contacts of its member.
#[derive(Clone, Debug, Default)]
pub struct AboutContacts {
    /// Where the code can go.
    pub methods: Methods,
    /// Contacts of the directory that differ from those of an earlier card, with when that was.
    pub differing: Vec<(Destination, Moment)>,
}

/// A contact of the directory, and since when it is another one.
pub(super) fn contact_of_record(to: &Destination, about: &AboutContacts, zone: &Zone) -> String {
    let kind = match to {
        Destination::Phone(_) => "phone",
        Destination::Email(_) => "email",
    };
    let differs = about.differing.iter().find(|(one, _)| one == to);
    let differs =
        differs.map(|(_, at)| format!(" (differs from what was on record on {})", zone.day(*at)));
    format!("{kind} {}{}", to.masked(), differs.unwrap_or_default())
}

/// Who added a contact, and when: that it answers a code does not prove whose it is.
fn added_by(added: &AddedContact, zone: &Zone) -> String {
    let who = match added.added_as {
        AddedAs::Operator => "whoever runs relatch",
        AddedAs::Proven | AddedAs::Member => "themselves",
        AddedAs::Administrator => added.by_name.as_str(),
    };
    format!("added by {who} on {}", zone.day(added.added_at))
}

fn named(method: &Method, zone: &Zone) -> String {
    let added = method
        .added
        .as_ref()
        .map(|added| format!(" ({})", added_by(added, zone)))
        .unwrap_or_default();
    format!("{}{added}", method.to.masked())
}

fn waiting(methods: &Methods, zone: &Zone, now: Moment) -> Vec<String> {
    let line = |(added, until): &(AddedContact, Moment)| {
        let by = added_by(added, zone);
        format!(
            "{}, {by}, does not count before {}.",
            added.to.masked(),
            zone.tell(*until, now)
        )
    };
    methods.waiting.iter().map(line).collect()
}

/// The lines of a card about the code at sign-in, before a way of delivery is chosen.
pub(super) fn code_on_card(card: &Card<'_>) -> Vec<String> {
    let (methods, zone) = (&card.contacts.methods, card.zone);
    let names: Vec<String> = methods
        .usable
        .iter()
        .filter(|one| one.counts)
        .map(|one| named(one, zone))
        .collect();
    let first = match (names.as_slice(), methods.usable.first()) {
        ([], None) => "No contact can receive the code at sign-in yet.".to_owned(),
        ([], Some(one)) => {
            format!(
                "The code at sign-in goes to {}, which has not answered a code yet.",
                named(one, zone)
            )
        }
        // No password goes to a contact that was added for codes.
        ([only], Some(one)) if one.added.is_none() => format!(
            "The code at sign-in goes to {only}. If the password goes there too, password and code go to the same {}.",
            kind(&one.to)
        ),
        ([only], _) => format!("The code at sign-in goes to {only}."),
        (several, _) => {
            format!(
                "The code at sign-in goes to the first of these that does not get the password: {}.",
                several.join(", ")
            )
        }
    };
    std::iter::once(first)
        .chain(waiting(methods, zone, card.now))
        .collect()
}

fn kind(to: &Destination) -> &'static str {
    match to.channel() {
        Channel::Sms => "phone",
        Channel::Email => "mailbox",
    }
}

/// Where the code goes, once a way of delivery is chosen.
pub(super) fn code_goes(
    row: &ResetRow,
    methods: &Methods,
    is_strict: bool,
    zone: &Zone,
    now: Moment,
) -> String {
    let member = &row.member_name;
    let who = if is_strict {
        format!(
            "whoever runs relatch adds one: relatch members contact {} …",
            row.member_email
        )
    } else {
        "another administrator adds one: /reset-password contact @member …".to_owned()
    };
    let Some(first) = methods.usable.first() else {
        let none = format!(
            "{member} has no phone or private email for the code yet. Before they sign in, {who}"
        );
        return std::iter::once(none)
            .chain(waiting(methods, zone, now))
            .collect::<Vec<_>>()
            .join(" ");
    };
    let to = named(first, zone);
    if !first.counts {
        return format!(
            "At sign-in {member} is asked for a code sent to {to}, which has not answered a code yet. If it does not work, {who}"
        );
    }
    if !first.got_password {
        return format!("At sign-in {member} is asked for a code sent to {to}.");
    }
    let what = match row.carries {
        Carries::Password => "password",
        Carries::Link => "link",
    };
    let kind = kind(&first.to);
    format!(
        "At sign-in {member} is asked for a code sent to {to}: {what} and code go to the same {kind}."
    )
}

/// Code and password need two contacts, and there are fewer.
pub fn two_contacts_needed(
    member_name: &str,
    email: &EmailAddress,
    count: usize,
    reference: &Reference,
) -> Message {
    let has = if count == 0 { "none" } else { "one" };
    refusal(
        &format!("Password and code need two contacts; {member_name} has {has}."),
        &format!("Whoever runs relatch can add one: relatch members contact {email} +82…"),
        reference,
    )
}

/// S42: a contact was added. `from` is when it serves resets that begin after now.
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
        " For a reset that was made before, it counts at once if no older contact counts."
    };
    let told = message(
        format!("{to} was added for codes of {member_name}. (ref {reference})"),
        [
            format!("It counts for resets from {from} on.{at_once}"),
            format!(
                "{member_name} is told. For a reset that you make yourself this contact does not count."
            ),
        ],
    );
    let send = |value| {
        button(
            Action::ContactCode,
            "Send a code there, to see that it works",
            value,
            Style::Plain,
        )
    };
    Message {
        buttons: code_value.map(send).into_iter().collect(),
        ..told
    }
}

/// The form for the code that was sent to an added contact.
pub fn contact_code_form(member_name: &str, to: &str, value: String) -> Form {
    let form = super::typed_form(FormKind::ContactCode, member_name, value);
    Form {
        hint: format!("It was sent to {to}. {}", form.hint),
        ..form
    }
}

/// The code for an added contact: unlike one for signing in it is read out.
pub fn contact_code(organization: &str, code: &str) -> Note {
    let name: String = organization
        .chars()
        .filter(char::is_ascii)
        .take(20)
        .collect();
    // The purpose comes first, so that a locked screen shows it: a code for signing in is never read out.
    let text = format!(
        "Check of a new contact for {name}, code: {code}. Read it to the administrator who added this contact. It opens nothing."
    );
    Note {
        subject: format!("Check of a new contact for {organization}"),
        text: text.into(),
    }
}

/// An added contact has answered its code.
pub fn contact_answered(member_name: &str, to: &str, reference: &Reference) -> Message {
    message(
        format!("{to} has answered: it works. (ref {reference})"),
        [format!(
            "It counts as a contact of {member_name} once its waiting time is over. Whose it is, the code does not tell."
        )],
    )
}

/// The contact of a code was removed meanwhile.
pub fn contact_gone(member_name: &str, to: &str, reference: &Reference) -> Message {
    refusal(
        &format!("{to} is no added contact of {member_name} any more."),
        "Add it again with /reset-password contact @member …",
        reference,
    )
}

/// Another code may not be sent yet.
pub fn contact_code_too_soon(member_name: &str, wait: Span, reference: &Reference) -> Message {
    refusal(
        &format!("No further code can be sent to {member_name} yet."),
        &format!("The next one can be sent in {wait}."),
        reference,
    )
}

/// The member has as many added contacts as there may be.
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
        // All of them are the member's or the operator's, so the member can sign in.
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

/// The administrator added as many contacts as they may.
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
            zone.tell(next_at, now)
        ),
        reference,
    )
}
