//! What people get by e-mail and SMS besides the password and the notice of a reset: codes and changes of contacts.

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

/// Q7: tells the member that a contact was added.
pub fn contact_notice(organization: &str, admin_name: &str, to: &str) -> Note {
    let said = |name: &str, who: &str, to: &str| {
        format!(
            "{name}: {who} added {to} for your sign-in codes. Not expected? Tell your security team."
        )
    };
    let (name, who) = (short(organization, 20), short_admin(admin_name, 24));
    let sms = masks_of_sms(to).map(|to| said(&name, &who, &to));
    Note {
        short: Some(first_that_fits(sms).into()),
        ..Note::new(
            format!("A contact was added to your {organization} account"),
            said(organization, admin_name, to),
        )
    }
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
pub fn contact_imported(organization: &str, what: &str) -> Note {
    let text = format!(
        "{}: an import of members changed your {what} on record. Not expected? Tell your security team.",
        short(organization, 20)
    );
    Note::new(
        format!("Your contacts on record at {organization} were changed"),
        text,
    )
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
pub fn contact_removed(organization: &str) -> Note {
    let text = format!(
        "{}: a contact for your sign-in codes was removed on your account page. Not you? Tell your security team.",
        short(organization, 20)
    );
    removed(organization, text)
}

fn removed(organization: &str, text: String) -> Note {
    Note::new(
        format!("A contact was removed from your {organization} account"),
        text,
    )
}

/// Tells the member that a contact was removed to make room for another.
pub fn contact_dropped(organization: &str, who: &str, to: &str) -> Note {
    let said = |name: &str, who: &str, to: &str| {
        format!(
            "{name}: {who} added a contact, so {to} was removed from your sign-in codes. Not expected? Tell security."
        )
    };
    let (name, short_who) = (short(organization, 20), short_admin(who, 24));
    let [masked, in_ascii, _] = masks_of_sms(to);
    let sms = [masked, in_ascii, "another".to_owned()].map(|to| said(&name, &short_who, &to));
    Note {
        short: Some(first_that_fits(sms).into()),
        ..removed(organization, said(organization, who, to))
    }
}

/// S40: the code that proves the person.
pub fn code(organization: &Organization, code: &str) -> Note {
    let name = short(&organization.name, 20);
    let pages = organization.public_url.as_ref();
    let with = |address: &str| {
        format!("{name} code: {code} (for 10 minutes). Type it{address}. Tell nobody, not even IT.")
    };
    let address = pages.map_or_else(String::new, |url| {
        format!(" at {} only", url.as_str().trim_end_matches('/'))
    });
    Note::new(
        format!("Your {} code", organization.name),
        first_that_fits([with(&address), with(" at the sign-in")]),
    )
}
