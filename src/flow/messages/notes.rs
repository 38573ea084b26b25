//! What people get by e-mail and SMS besides the password and the notice of a reset: codes and changes of contacts.

use super::help::calls;
use super::sms::{first_that_fits, short, short_admin};
use crate::app::Organization;
use crate::delivery::Note;
use crate::domain::Member;

/// A wrong code was typed.
pub fn wrong_code(left: u32) -> String {
    format!(
        "Wrong code. {} left.",
        if left == 1 {
            "1 try".to_owned()
        } else {
            format!("{left} tries")
        }
    )
}

/// What a contact is used for: each of these messages is about that.
const FOR_CODES: &str = "for your sign-in codes";

/// A message to a contact: the whole of it as an e-mail, and as much as there is room for as an SMS. `said` makes it of the
/// organization, of `what`, which an SMS may have shorter, and of whom to call.
fn to_contact(
    organization: &Organization,
    subject: String,
    (what, shorter): (&str, impl IntoIterator<Item = String>),
    said: impl Fn(&str, &str, &str) -> String,
) -> Note {
    let name = short(&organization.name, 20);
    let calls = calls(organization);
    let sms: Vec<String> = shorter
        .into_iter()
        .flat_map(|what| calls.each_ref().map(|call| said(&name, &what, call)))
        .collect();
    Note {
        short: Some(first_that_fits(sms).into()),
        ..Note::new(subject, said(&organization.name, what, &calls[0]))
    }
}

/// Q7: tells the member that a contact was added.
pub fn contact_notice(organization: &Organization, admin_name: &str, to: &str) -> Note {
    let subject = format!("A contact was added to your {} account", organization.name);
    let who = short_admin(admin_name, 24);
    let shorter = masks_of_sms(to).map(|to| format!("{who} added {to}"));
    let what = format!("{admin_name} added {to}");
    to_contact(
        organization,
        subject,
        (&what, shorter),
        |name, what, call| format!("{name}: {what} {FOR_CODES}. Not expected? {call}"),
    )
}

/// A masked contact in an SMS, the longest first: there is no room for the dots of a mask, nor always for a domain.
fn masks_of_sms(masked: &str) -> [String; 3] {
    let masked = masked.replace('·', ".");
    let in_ascii = masked.split(" (").next().unwrap_or_default().to_owned();
    [masked, in_ascii, "a contact".to_owned()]
}

/// Tells the security address that a contact was added or removed.
pub fn contact_alarm(
    organization: &str,
    who: &str,
    member: &Member,
    to: &str,
    is_added: bool,
) -> Note {
    let what = if is_added { "added" } else { "removed" };
    let text = format!(
        "{who} {what} the contact {to} for the sign-in codes of {} ({}).\nThe contacts that were on record before are told, and the business address where none of them is sure to be theirs.\n",
        member.name, member.business_email
    );
    Note::new(
        format!("{organization} password reset: a contact was {what}"),
        text,
    )
}

/// Tells the member that an import changed contacts. `what` names them.
pub fn contact_imported(organization: &Organization, what: &str) -> Note {
    let subject = format!(
        "Your contacts on record at {} were changed",
        organization.name
    );
    let whats = (what, [what.to_owned()]);
    to_contact(organization, subject, whats, |name, what, call| {
        format!(
            "{name}: an import of members changed your {what} on record. Didn't ask for that? {call}"
        )
    })
}

/// "1 member", "2 members".
pub fn members(count: usize) -> String {
    format!("{count} member{}", if count == 1 { "" } else { "s" })
}

/// Tells the security address what an import changed, after the members were told: a line a member, split over several
/// mails, with how many were told.
pub fn contacts_imported(
    organization: &str,
    lines: &[String],
    (part, parts): (usize, usize),
    (changed, told): (usize, usize),
) -> Note {
    let which = if parts == 1 {
        String::new()
    } else {
        format!(" (part {part} of {parts})")
    };
    let text = format!(
        "An import of members changed contacts on record{which}:\n{}\n\n{} in all, {told} of them told: at the contacts that were there before, and at the business address where none of them is sure to be theirs.\n",
        lines.join("\n"),
        members(changed)
    );
    Note::new(
        format!("{organization}: an import changed contacts{which}"),
        text,
    )
}

/// Tells the member that they removed a contact.
pub fn contact_removed(organization: &Organization) -> Note {
    let what = "on your account page";
    let whats = (what, [what.to_owned()]);
    to_contact(
        organization,
        removed(organization),
        whats,
        |name, what, call| {
            format!("{name}: a contact {FOR_CODES} was removed {what}. Not you? {call}")
        },
    )
}

fn removed(organization: &Organization) -> String {
    format!(
        "A contact was removed from your {} account",
        organization.name
    )
}

/// Tells the member that a contact was removed to make room for another.
pub fn contact_dropped(organization: &Organization, who: &str, to: &str) -> Note {
    let short_who = short_admin(who, 24);
    let [masked, in_ascii, _] = masks_of_sms(to);
    let of = |who: &str, to: &str| format!("{who} added a contact, so {to} was removed");
    let shorter = [masked, in_ascii, "another".to_owned()].map(|to| of(&short_who, &to));
    let what = of(who, to);
    to_contact(
        organization,
        removed(organization),
        (&what, shorter),
        |name, what, call| format!("{name}: {what}. Not expected? {call}"),
    )
}

/// Where a code is typed, if the address is not known or too long for an SMS.
const AT_SIGN_IN: &str = " at the sign-in";

/// S40: the code that proves the person.
pub fn code(organization: &Organization, code: &str) -> Note {
    let name = short(&organization.name, 20);
    let pages = organization.public_url.as_ref();
    let with = |address: &str| {
        format!("{name} code: {code} (for 10 minutes). Type it{address}. Tell nobody, not even IT.")
    };
    let address = pages.map_or_else(
        || AT_SIGN_IN.to_owned(),
        |url| format!(" at {} only", url.as_str().trim_end_matches('/')),
    );
    Note::new(
        format!("Your {} code", organization.name),
        first_that_fits([with(&address), with(AT_SIGN_IN)]),
    )
}
