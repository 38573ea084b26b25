//! What is told of a code that took the place of a password.

use super::help::{calls, not_asked, whom_to_call};
use super::sms::{first_that_fits, fits_one_sms, short};
use crate::app::Organization;
use crate::clock::Zone;
use crate::delivery::Note;
use crate::domain::Moment;
use crate::domain::code_alone::{CodeUse, WRONG_CODES_OF_STRANGERS};

/// To a contact of the member, as an e-mail.
pub fn code_use_mail(
    organization: &Organization,
    kind: CodeUse,
    at: Moment,
    link: Option<&str>,
    zone: &Zone,
) -> Note {
    let name = &organization.name;
    let at = zone.tell_with_zone(at);
    let (subject, what) = match kind {
        CodeUse::SignIn => (
            format!("A code was used to sign in to your {name} account"),
            format!(
                "On {at} somebody signed in to your {name} account with a code from a phone or email of yours, and without \
                the password. They can set a new password.\n"
            ),
        ),
        CodeUse::NewPassword => (
            format!("Your {name} password was changed"),
            format!(
                "On {at} your {name} password was changed on your account page, with a code from a phone or email of yours in \
                place of the old password. You are still signed in wherever you were.\n"
            ),
        ),
    };
    let what_to_do = match link {
        Some(link) => format!(
            "\nDidn't ask for this code? Block your account: {link}\nThat also takes off \
            contacts that were added on your pages since then, and deletes nothing else.\n\n\
            Did ask? Ignore this link.\n\nUnsure? {}\n",
            whom_to_call(organization)
        ),
        None => not_asked(organization),
    };
    Note::new(subject, format!("{what}{what_to_do}"))
}

/// The same as an SMS of 160 characters at most.
pub fn code_use_sms(
    organization: &Organization,
    kind: CodeUse,
    at: Moment,
    link: Option<&str>,
    zone: &Zone,
) -> Note {
    let name = short(&organization.name, 12);
    let what = |at: &str| match kind {
        CodeUse::SignIn => format!("Sign-in to {name} with a code on {at}."),
        CodeUse::NewPassword => format!("Your {name} password was changed with a code on {at}."),
    };
    let shorter = match kind {
        CodeUse::SignIn => "Sign-in with a code.",
        CodeUse::NewPassword => "Password changed.",
    };
    let texts = [
        what(&zone.tell_with_zone(at)),
        what(&zone.tell_with_date(at)),
        shorter.to_owned(),
    ];
    // The link is worth more than the date.
    let with_link = link
        .map(|link| {
            first_that_fits(
                texts
                    .clone()
                    .map(|what| format!("{what} Not you? Block it: {link}")),
            )
        })
        .filter(|text| fits_one_sms(text));
    let text = with_link.unwrap_or_else(|| {
        let calls = calls(organization);
        let of = |call: &String| texts.clone().map(|what| format!("{what} Not you? {call}"));
        first_that_fits(calls.iter().flat_map(of))
    });
    Note::new(String::new(), text)
}

/// To the security address: a member says that a code was not used by them. `has_closed` is false where a newer password was
/// set before they said it.
pub fn code_use_alarm(
    organization: &Organization,
    (member_name, kind, has_closed): (&str, CodeUse, bool),
    at: Moment,
    zone: &Zone,
) -> Note {
    let at = zone.tell_with_zone(at);
    let what = match kind {
        CodeUse::SignIn => "use a code to sign in",
        CodeUse::NewPassword => "use a code to set a new password",
    };
    let what_now = if has_closed {
        "That closed their account: its password opened nothing any more, and every session ended. Before an \
        administrator resets the password, check"
    } else {
        "A password was set since then, so their account was not closed. Now check"
    };
    let text = format!(
        "{member_name} says that they did not {what} on {at}. Somebody else may read their phone or private email.\n\
        {what_now} the contacts on record of {member_name}: the next code goes there too.\n"
    );
    Note::new(
        format!("{}: \"this wasn't me\" after a code", organization.name),
        text,
    )
}

/// Strangers typed so many wrong codes at sign-ins by a code alone that they are sent no further one.
pub fn guessed_codes_alarm(
    organization: &Organization,
    member_name: &str,
    at: Moment,
    zone: &Zone,
) -> Note {
    let text = format!(
        "Until {} strangers typed {WRONG_CODES_OF_STRANGERS} wrong codes to sign in to the account of {member_name} by a code alone.\n\
        Browsers that the account does not know are sent no further code, until an administrator resets the password or the member \
        signs in a week after the last wrong code. Nobody is locked out: the password and known browsers work.\n",
        zone.tell_with_zone(at)
    );
    Note::new(
        format!("{}: somebody guesses codes", organization.name),
        text,
    )
}
