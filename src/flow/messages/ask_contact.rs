//! Another administrator is asked to add a contact: what they read, and what the one who asks is told.

use super::not_me::{ANOTHER_MAKES_NEXT, said_of_this};
use super::words::{in_heading, message, refusal, with_reference};
use crate::chat::Message;
use crate::domain::Reference;
use crate::store::ResetRow;

/// To the administrator who is asked, in a message of their own. It has no button: they decide in the chat, by the command.
pub fn contact_wanted(row: &ResetRow, not_me: Vec<String>) -> Message {
    let (admin, member, email) = (&row.admin_name, &row.member_name, &row.member_email);
    let asks = format!("{admin} asks you to add a contact for {member} ({email}).");
    let told = message(
        format!("{} asks you for a contact", in_heading(admin)),
        std::iter::once(asks).chain(not_me).chain([
            format!(
                "Without a phone or private email that may receive the code, {member} can't sign in after a reset. Get the contact from {member} themselves, not from {admin}."
            ),
            format!(
                "Then type /reset-password contact {email} and the phone or private email."
            ),
        ]),
    );
    with_reference(&row.reset_id.reference(), told)
}

/// These administrators were asked.
pub fn contact_asked(names: &[String], row: &ResetRow) -> Message {
    let (member, reference) = (&row.member_name, row.reset_id.reference());
    let were = if names.len() == 1 { "was" } else { "were" };
    let next = if row.changing_at.is_some() {
        format!("As soon as it is added, {member} can sign in.")
    } else {
        "As soon as it is added, the code of this card, or of your next one within 24 hours, goes there.".to_owned()
    };
    let asked = format!(
        "{} {were} asked to add a contact for {member}.",
        names.join(" and ")
    );
    let title = format!("Asked for a contact of {}", in_heading(member));
    with_reference(&reference, message(title, [asked, next]))
}

/// The chat did not say whether they were asked.
pub fn contact_perhaps_asked(names: &[String], row: &ResetRow) -> Message {
    let told = message(
        "Nobody can say whether anybody was asked",
        [
            format!(
                "Nobody can say whether {} got your question for a contact of {}.",
                names.join(" and "),
                row.member_name
            ),
            format!(
                "Ask them yourself: they type /reset-password contact {} …",
                row.member_email
            ),
        ],
    );
    with_reference(&row.reset_id.reference(), told)
}

/// No other administrator has an account in this chat, may reset the member and can be written to.
pub fn nobody_to_ask(row: &ResetRow) -> Message {
    refusal(
        "No other administrator could be asked here.",
        &format!(
            "Whoever runs relatch can add a contact: relatch members contact {} ADDRESS",
            row.member_email
        ),
        &row.reset_id.reference(),
    )
}

/// The member did not ask for the reset.
pub fn contact_of_disowned(row: &ResetRow) -> Message {
    let said = said_of_this(&row.member_name);
    refusal(&said, ANOTHER_MAKES_NEXT, &row.reset_id.reference())
}

/// The password is that of a newer reset.
pub fn contact_of_earlier(row: &ResetRow) -> Message {
    refusal(
        &format!("{} has been reset again since.", row.member_name),
        "Whoever made that reset can ask for a contact.",
        &row.reset_id.reference(),
    )
}

/// The password of the reset no longer works.
pub fn contact_of_ended(row: &ResetRow) -> Message {
    refusal(
        "The password of this reset has ended.",
        "For a new one run /reset-password again.",
        &row.reset_id.reference(),
    )
}

/// A contact may receive the code by now, so nobody has to be asked.
pub fn contact_there(member_name: &str, to: &str, reference: &Reference) -> Message {
    refusal(
        &format!("A code for {member_name} can go to {to} now."),
        "Nobody has to add a contact.",
        reference,
    )
}
