//! What carries the password or the one-time link: SMS and e-mail to the member, and the administrator's copy.

use zeroize::Zeroizing;

use super::help::not_asked;
use super::sms::{SEPTETS, first_that_fits, fits_one_sms, short_it};
use crate::app::Organization;
use crate::clock::Zone;
use crate::delivery::Note;
use crate::domain::{Moment, Password};

/// What signing in with the password of a reset, or opening its link, asks for.
const fn asked_for(has_code: Option<bool>) -> &'static str {
    match has_code {
        Some(true) => "You will be asked for a code, then for a new password of your own.",
        Some(false) => {
            "For that, a phone or private email for a code must be on record for you: ask IT to add one."
        }
        None => {
            "You will be asked for a code. If none can be sent to you, ask IT to add a phone or private email for it."
        }
    }
}

/// What every SMS with a password or a link says of it.
const NOBODY: &str = "Tell nobody.";

/// The messages that carry a password.
pub struct Handover<'a> {
    /// Its name, and whom the member can ask.
    pub organization: &'a Organization,
    /// The full name of the member.
    pub member_name: &'a str,
    /// When the password expires; none where the directory does not end it.
    pub until: Option<Moment>,
    /// The address where the member signs in; none where it is not known.
    pub sign_in_at: Option<&'a str>,
    /// False where no contact can receive the code at sign-in; none where that is not known.
    pub has_code: Option<bool>,
    /// The time zone of texts.
    pub zone: &'a Zone,
}

/// What the SMS leaves out where it does not fit, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum LeftOut {
    Nothing,
    Zone,
    SetYourOwn,
    NotEvenIt,
    Organization,
}

impl Handover<'_> {
    /// The SMS to the member.
    pub fn sms(&self, password: &Password) -> Zeroizing<String> {
        let all = [
            LeftOut::Nothing,
            LeftOut::Zone,
            LeftOut::SetYourOwn,
            LeftOut::NotEvenIt,
            LeftOut::Organization,
        ];
        let as_long = "x".repeat(password.expose().len());
        let fits =
            |(begin, end): &(String, String)| fits_one_sms(&format!("{begin}{as_long}{end}"));
        // The address goes last, and only where it is longer than `check` lets pass.
        let with_address = all.map(|left_out| self.around_in_sms(left_out, self.sign_in_at));
        let without = all.map(|left_out| self.around_in_sms(left_out, None));
        let found = with_address.into_iter().chain(without).find(fits);
        let (begin, end) = found.unwrap_or_else(|| self.around_in_sms(LeftOut::Organization, None));
        around(&begin, password, &end)
    }

    /// What stands before and after the password. Neither it nor an address is touched by a full stop, which people copy too.
    fn around_in_sms(&self, left_out: LeftOut, sign_in_at: Option<&str>) -> (String, String) {
        let begin = if left_out < LeftOut::Organization {
            format!("{}: ", short_it(&self.organization.name, 20))
        } else {
            String::new()
        };
        let until = self.until.map_or_else(String::new, |until| {
            until_in_sms(&if left_out < LeftOut::Zone {
                self.zone.tell_with_zone(until)
            } else {
                self.zone.tell_with_date(until)
            })
        });
        let end = end_of_sms(&until, sign_in_at, left_out);
        (begin, end)
    }

    /// The e-mail to the member.
    pub fn mail(&self, password: &Password) -> Note {
        let organization = &self.organization.name;
        let begin = format!(
            "Hello {},\n\n{organization} IT has reset your sign-in password. Your new one is:\n\n    ",
            self.member_name
        );
        let address = self
            .sign_in_at
            .map_or_else(String::new, |at| format!(" at {at}"));
        let how = match self.until {
            Some(until) => format!(
                "Sign in with it{address} before {}. {}",
                self.zone.tell_with_zone(until),
                asked_for(self.has_code)
            ),
            None => format!(
                "Sign in with it{address} now and set a new password of your own, even if you are not asked for one."
            ),
        };
        let end = format!(
            "\n\n{how}\nNever tell it to anyone, also not to IT.\n{}",
            not_asked(self.organization)
        );
        Note::new(
            format!("Your new {organization} sign-in password"),
            around(&begin, password, &end),
        )
    }

    /// S27: the copy for the administrator, with the password in it.
    pub fn copy_to_self(&self, password: &Password) -> Note {
        let member = self.member_name;
        let begin = format!("Your copy of the password that you just set for {member}:\n\n    ");
        let life = self.until.map_or_else(String::new, |until| {
            format!("It works until {}. ", self.zone.tell_with_zone(until))
        });
        let address = self
            .sign_in_at
            .map_or_else(String::new, |at| format!("They sign in with it at {at}\n"));
        let end = format!(
            "\n\n{life}Tell it to nobody but {member}, outside the chat, and delete this message.\n{address}"
        );
        Note::new(
            format!("{} password reset: your copy", self.organization.name),
            around(&begin, password, &end),
        )
    }
}

/// The SMS with the one-time link.
pub fn link_sms(
    organization: &Organization,
    link: &str,
    until: Moment,
    zone: &Zone,
) -> Zeroizing<String> {
    let it = short_it(&organization.name, 12);
    let (with_zone, with_date) = (zone.tell_with_zone(until), zone.tell_with_date(until));
    let of_it =
        |until: &str| format!("{it}: set your new password before {until}: {link} {NOBODY}");
    Zeroizing::new(first_that_fits([
        of_it(&with_zone),
        of_it(&with_date),
        format!("New password by {with_date}: {link} {NOBODY}"),
    ]))
}

fn until_in_sms(when: &str) -> String {
    format!(" (until {when})")
}

fn end_of_sms(until: &str, sign_in_at: Option<&str>, left_out: LeftOut) -> String {
    let address = sign_in_at.map_or_else(String::new, |at| format!(" at {at}"));
    let own = match (left_out < LeftOut::SetYourOwn, address.is_empty()) {
        (true, _) => " and set your own.",
        (false, true) => ".",
        (false, false) => "",
    };
    let nobody = if left_out < LeftOut::NotEvenIt {
        "Tell nobody, not even IT."
    } else {
        NOBODY
    };
    format!(" is your new password{until}. Sign in{address}{own} {nobody}")
}

/// How long the address of the sign-in can be to fit into one SMS beside a password of this length and its end.
pub fn longest_sign_in_address(password_length: u8) -> usize {
    let until = until_in_sms("30 Nov 23:59");
    let end = end_of_sms(&until, Some(""), LeftOut::Organization);
    SEPTETS
        .saturating_sub(end.len())
        .saturating_sub(usize::from(password_length))
}

/// The e-mail with the one-time link.
pub fn link_mail(
    organization: &Organization,
    member_name: &str,
    link: &str,
    (until, zone): (Moment, &Zone),
    has_code: Option<bool>,
) -> Note {
    let text = format!(
        "Hello {member_name},\n\n{} IT has reset your sign-in password. Set a new one here:\n\n    {link}\n\n\
        The link works once, until {}. {}\n\
        Never pass it on, also not to IT.\n{}",
        organization.name,
        zone.tell_with_zone(until),
        asked_for(has_code),
        not_asked(organization)
    );
    Note::new(
        format!("Set your new {} sign-in password", organization.name),
        text,
    )
}

/// A text with the password in it, in memory that is wiped on drop. It is allocated in full at once: growing it would leave
/// copies behind.
fn around(begin: &str, password: &Password, end: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(
        begin.len() + password.expose().len() + end.len(),
    ));
    for part in [begin, password.expose(), end] {
        text.push_str(part);
    }
    text
}
