//! The notice of a reset: to the member, and to their manager. It never carries a password.

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
    /// The link "this wasn't me", where the member has pages here.
    pub link: Option<&'a str>,
    /// The time zone of texts.
    pub zone: &'a Zone,
}

/// What the SMS without a link leaves out where it does not fit, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shortened {
    Nothing,
    Zone,
    PartsOfNames,
    Verify,
    SignedOut,
    /// Only an address that is longer than an SMS has room for.
    Contact,
}

impl Notice<'_> {
    /// As an e-mail, which has room for what to do.
    pub fn mail(&self) -> Note {
        let organization = &self.organization.name;
        let was = self.was();
        let text = format!(
            "Your {organization} password {was} reset by {} (IT) on {}{}.\n{}{}{}",
            self.admin_name,
            self.zone.tell_with_zone(self.at),
            if self.was_signed_out {
                " and you were signed out"
            } else {
                ""
            },
            if self.has_our_pages {
                "To sign in you need to verify that it is you.\n"
            } else {
                ""
            },
            self.link
                .map(|link| format!("\nThis wasn't you? Close your account at once: {link}\n"))
                .unwrap_or_default(),
            not_expected(self.organization)
        );
        Note::new(format!("Your {organization} password {was} reset"), text)
    }

    /// As an SMS: with the link, else with whom to tell.
    pub fn sms(&self) -> Note {
        let times = [
            self.zone.tell_with_zone(self.at),
            self.zone.tell_with_date(self.at),
        ];
        let with_link = self.link.map(|link| {
            first_that_fits(times.map(|at| {
                format!(
                    "Your {} password {} reset by {} on {at}. Not you? {link}",
                    short(&self.organization.name, 12),
                    self.was(),
                    short_admin(self.admin_name, 12),
                )
            }))
        });
        let shorter = [
            Shortened::Nothing,
            Shortened::Zone,
            Shortened::PartsOfNames,
            Shortened::Verify,
            Shortened::SignedOut,
            Shortened::Contact,
        ];
        let text = with_link
            .filter(|text| fits_one_sms(text))
            .unwrap_or_else(|| first_that_fits(shorter.map(|out| self.sms_without_link(out))));
        Note::new(String::new(), text)
    }

    fn sms_without_link(&self, left_out: Shortened) -> String {
        let letters = if left_out < Shortened::PartsOfNames {
            20
        } else {
            12
        };
        format!(
            "Your {} password {} reset by {} (IT) on {}{}.{} Not you? {}",
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
            if self.has_our_pages && left_out < Shortened::Verify {
                " Verify yourself to sign in."
            } else {
                ""
            },
            if left_out < Shortened::Contact {
                whom_to_tell(self.organization)
            } else {
                TELL_SECURITY.to_owned()
            }
        )
    }

    /// To the manager. Without the link: whoever follows it closes the account.
    pub fn to_manager(&self, member_name: &str) -> Note {
        let organization = &self.organization.name;
        let was = self.was();
        let text = format!(
            "The {organization} password of {member_name} {was} reset by {} (IT) on {}.\n\
            You are told because you are on record as the manager of {member_name}. If they asked for it, there is \
            nothing for you to do.\n\nIf you doubt that, ask {member_name} in person or by phone.\n{}",
            self.admin_name,
            self.zone.tell_with_zone(self.at),
            not_expected(self.organization)
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

/// Where nobody is named in the settings.
const TELL_SECURITY: &str = "Tell your security team.";

/// Whom somebody tells who did not ask for a reset: with contact information, as far as the settings have any (NIST SP
/// 800-63B-4, 4.6).
fn whom_to_tell(organization: &Organization) -> String {
    match (&organization.security_email, &organization.help_url) {
        (Some(email), _) => format!("Tell {email} at once."),
        // No full stop: it would be taken for a part of the address.
        (None, Some(url)) => format!("Get help at {url}"),
        (None, None) => TELL_SECURITY.to_owned(),
    }
}

pub(super) fn not_expected(organization: &Organization) -> String {
    format!("\nNot expected? {}\n", whom_to_tell(organization))
}
