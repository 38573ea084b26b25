//! The administrators' list: refusals, and reports to the security address.

use super::words::refusal;
use crate::app::Organization;
use crate::chat::Message;
use crate::delivery::Note;
use crate::domain::{EmailAddress, MemberId, Reference};
use crate::store::{AdminPin, PinnedBy};

/// The maximum length of an address in a refusal.
const ADDRESS: usize = 80;

/// The caller has a listed address, but their entry is not the pinned one.
pub fn not_pinned(email: &EmailAddress, reference: &Reference) -> Message {
    let email = Some(email.as_str())
        .filter(|email| email.len() <= ADDRESS)
        .unwrap_or("EMAIL");
    refusal(
        "Your address is in the list of administrators, but another account of the directory, or none, is pinned to it.",
        &format!(
            "If it should be yours, ask whoever runs relatch to look with relatch check first, then: relatch admins accept {email}"
        ),
        reference,
    )
}

/// To the security address: new pins.
pub fn pinned(organization: &Organization, pins: &[AdminPin]) -> Note {
    let lines: Vec<String> = pins.iter().map(pin_line).collect();
    let text = format!(
        "relatch has pinned addresses of its list of administrators to entries of the directory. An address gives the right to \
        reset passwords only to its entry.\n\n{}\n\nIs one of them wrong? Take its address out, reload, \
        mend the directory, put it back and run relatch admins accept EMAIL\n",
        lines.join("\n")
    );
    Note::new(
        format!(
            "{} password reset: administrators pinned",
            organization.name
        ),
        text,
    )
}

/// One pin, in a line.
pub fn pin_line(pin: &AdminPin) -> String {
    let email = &pin.email_key;
    match (&pin.entry, pin.how) {
        (Some((id, name)), PinnedBy::Accepted) => {
            format!("{email}: {name} ({id}), accepted by an operator")
        }
        (Some((id, name)), PinnedBy::Import) => format!("{email}: {name} ({id}), by the import"),
        (Some((id, name)), PinnedBy::First | PinnedBy::Nobody | PinnedBy::Several) => {
            format!("{email}: {name} ({id})")
        }
        (None, PinnedBy::Several) => format!("{email}: nobody, because more than one entry has it"),
        (None, PinnedBy::First | PinnedBy::Import | PinnedBy::Accepted | PinnedBy::Nobody) => {
            format!(
                "{email}: nobody has it; whoever gets it later has no right until it is accepted"
            )
        }
    }
}

/// To the security address: a listed address does not lead to the pinned entry.
pub fn address_alarm(organization: &Organization, email: &str, what: &str) -> Note {
    let text = format!(
        "{email} is in relatch's list of administrators. {what}\n\nDid somebody write the address into their own entry? Then \
        take it out there. Is the entry right? Look with relatch check first, then run: relatch admins accept {email}\n"
    );
    Note::new(
        format!(
            "{} password reset: an administrator's address",
            organization.name
        ),
        text,
    )
}

/// In that alarm: several entries have the address.
pub fn several_entries(entries: &str, pinned: Option<&MemberId>) -> String {
    let right = match pinned {
        Some(id) => format!("The right stays with the pinned entry, {id}."),
        None => "No entry is pinned to it, so none of them has the right.".to_owned(),
    };
    format!(
        "More than one entry of the directory has it: {entries}. {right} First take the address out of the other entry."
    )
}

/// In that alarm: an entry other than the pinned one has the address.
pub fn another_entry(name: &str, id: &MemberId, pinned: Option<&MemberId>) -> String {
    let pinned = match pinned {
        Some(pinned) => format!("It is pinned to another one, {pinned}."),
        None => "No entry was pinned to it.".to_owned(),
    };
    format!("An entry without the right has it: {name} ({id}). {pinned}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However long the address is, the refusal stays short and names the command.
    #[test]
    fn a_long_address_does_not_make_the_refusal_long() {
        let reference = crate::domain::ResetId([7; 16]).reference();
        for (labels, named) in [(1, true), (30, true), (100, false)] {
            let email: EmailAddress = format!("ann@{}example", "a.".repeat(labels))
                .parse()
                .unwrap();
            let told = not_pinned(&email, &reference);
            let text = [vec![told.title], told.lines].concat().join("\n");
            assert!(
                text.chars().count() <= 350 && text.contains("relatch admins accept "),
                "{text}"
            );
            assert_eq!(text.contains(email.as_str()), named, "{text}");
        }
    }
}
