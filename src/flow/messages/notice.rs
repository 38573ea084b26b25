//! The notice of a reset: to the member, and to their manager. It never carries a password.

use super::help::{calls, not_asked, whom_to_call};
use super::sms::{first_that_fits, fits_one_sms, short, short_admin};
use crate::app::Organization;
use crate::clock::Zone;
use crate::delivery::Note;
use crate::domain::Moment;

/// What a notice says: only what was recorded.
pub struct Notice<'a> {
    /// Its name, and whom the member can ask.
    pub organization: &'a Organization,
    /// The full name of the administrator.
    pub admin_name: &'a str,
    /// When the password was changed, or was about to be.
    pub at: Moment,
    /// False where nobody can say whether the password was changed.
    pub is_certain: bool,
    /// True if the member was signed out everywhere.
    pub was_signed_out: bool,
    /// True if the member is asked for a code at sign-in.
    pub has_our_pages: bool,
    /// The link that blocks the new password, where the member has pages here.
    pub link: Option<&'a str>,
    /// The address where the member signs in; none where it is not known.
    pub sign_in_at: Option<String>,
    /// The time zone of texts.
    pub zone: &'a Zone,
}

/// What the SMS without a link leaves out where it does not fit, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shortened {
    Nothing,
    Zone,
    SignedOut,
    PartsOfNames,
    SignIn,
    /// Only an address that is longer than an SMS has room for.
    Contact,
}

impl Notice<'_> {
    /// As an e-mail, which has room for what to do.
    pub fn mail(&self) -> Note {
        let organization = &self.organization.name;
        let was = self.was();
        let text = format!(
            "Your {organization} password {was} reset by {} (IT) on {}{}.\n{}",
            self.admin_name,
            self.zone.tell_with_zone(self.at),
            if self.was_signed_out {
                " and you were signed out"
            } else {
                ""
            },
            self.what_to_do()
        );
        Note::new(format!("Your {organization} password {was} reset"), text)
    }

    fn what_to_do(&self) -> String {
        let verify = if self.has_our_pages {
            "To sign in you need to verify that it is you.\n"
        } else {
            ""
        };
        let Some(link) = self.link else {
            let sign_in = match &self.sign_in_at {
                Some(address) => format!("\nDid ask? Sign in at {address}\n{verify}"),
                None if verify.is_empty() => String::new(),
                None => format!("\nDid ask? {verify}"),
            };
            return format!("{}{sign_in}", not_asked(self.organization));
        };
        let sign_in = match &self.sign_in_at {
            Some(address) => format!(" and sign in at {address}\n{verify}"),
            None => ".\n".to_owned(),
        };
        format!(
            "\nDidn't ask for this? Block the new password: {link}\nNothing is deleted.\n\n\
            Did ask? Ignore this link{sign_in}\nNot sure? {}\n",
            whom_to_call(self.organization)
        )
    }

    /// As an SMS: with the link, else with whom to call.
    pub fn sms(&self) -> Note {
        let shorter = [
            Shortened::Nothing,
            Shortened::Zone,
            Shortened::SignedOut,
            Shortened::PartsOfNames,
            Shortened::SignIn,
            Shortened::Contact,
        ];
        let text = self
            .link
            .map(|link| self.sms_with_link(link))
            .filter(|text| fits_one_sms(text))
            .unwrap_or_else(|| first_that_fits(shorter.map(|out| self.sms_without_link(out))));
        Note::new("", text)
    }

    /// The link is worth more than anything else. It leaves no room for the address of the sign-in, to which its page leads.
    fn sms_with_link(&self, link: &str) -> String {
        let name = short(&self.organization.name, 12);
        let (was, admin) = (self.was(), short_admin(self.admin_name, 12));
        let block = format!("Didn't ask? Block it: {link}");
        let by = |at: &str| format!("Your {name} password {was} reset by {admin} on {at}. {block}");
        let (with_zone, with_date) = (
            self.zone.tell_with_zone(self.at),
            self.zone.tell_with_date(self.at),
        );
        let perhaps = if self.is_certain { "" } else { "perhaps " };
        first_that_fits([
            by(&with_zone),
            by(&with_date),
            format!("Your {name} password {was} reset on {with_date}. {block}"),
            format!("Password {perhaps}reset. Not you? Block it: {link}"),
        ])
    }

    fn sms_without_link(&self, left_out: Shortened) -> String {
        let letters = if left_out < Shortened::PartsOfNames {
            20
        } else {
            12
        };
        let sign_in = self
            .sign_in_at
            .as_ref()
            .filter(|_| left_out < Shortened::SignIn)
            .map_or_else(String::new, |at| format!(" Sign in at {at}"));
        let [call, call_it] = calls(self.organization);
        format!(
            "Your {} password {} reset by {} (IT) on {}{}.{sign_in} Didn't ask? {}",
            short(&self.organization.name, letters),
            self.was(),
            short_admin(self.admin_name, letters),
            if left_out < Shortened::Zone {
                self.zone.tell_with_zone(self.at)
            } else {
                self.zone.tell_with_date(self.at)
            },
            if self.was_signed_out && left_out < Shortened::SignedOut {
                ", you are signed out"
            } else {
                ""
            },
            if left_out < Shortened::Contact {
                call
            } else {
                call_it
            }
        )
    }

    /// To the manager. Without the link: whoever follows it can block the password.
    pub fn to_manager(&self, member_name: &str) -> Note {
        let organization = &self.organization.name;
        let was = self.was();
        let text = format!(
            "The {organization} password of {member_name} {was} reset by {} (IT) on {}.\n\
            You are told because you are on record as the manager of {member_name}. If they asked for it, there is \
            nothing for you to do.\n\nIf you doubt that, ask {member_name} in person or by phone.\n\n\
            Still in doubt? {}\n",
            self.admin_name,
            self.zone.tell_with_zone(self.at),
            whom_to_call(self.organization)
        );
        Note::new(
            format!("The {organization} password of {member_name} {was} reset"),
            text,
        )
    }

    fn was(&self) -> &'static str {
        if self.is_certain {
            "was"
        } else {
            "may have been"
        }
    }
}
