//! What people get by e-mail and SMS: the password, the copy, the notice, the guide. An SMS fits 160 characters.

use zeroize::Zeroizing;

use crate::app::Organization;
use crate::clock::Zone;
use crate::delivery::Note;
use crate::domain::{Member, Moment, Password};

/// The maximum length of one SMS, in characters (GSM 03.38).
const SMS: usize = 160;

/// What signing in with the password of a reset asks for.
const ASKED_FOR_CODE: &str = "You will be asked for a code, then for a new password of your own.";

/// Of a password or a code.
const NEVER_TELL: &str = "Never tell it to anyone, also not to IT.";

/// A name cut to fit into an SMS, in letters that every phone shows.
fn short(name: &str, limit: usize) -> String {
    name.chars()
        .filter(char::is_ascii)
        .take(limit)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// The same for an administrator. A name without such letters becomes "an admin".
fn short_admin(name: &str, limit: usize) -> String {
    Some(short(name, limit))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "an admin".to_owned())
}

/// The SMS with the password. `until` is when it expires; none where the directory does not end it.
pub fn password_sms(
    organization: &Organization,
    password: &Password,
    until: Option<Moment>,
    zone: &Zone,
) -> Zeroizing<String> {
    let begin = format!(
        "{} IT: your new sign-in password is ",
        short(&organization.name, 20)
    );
    let when = until.map_or_else(
        || "now".to_owned(),
        |until| format!("before {}", zone.tell_with_date(until)),
    );
    let end = format!(". Use it {when}, then set your own. Tell nobody, also not IT.");
    around(&begin, password, &end)
}

/// The e-mail with the password.
pub fn password_mail(
    organization: &Organization,
    member_name: &str,
    password: &Password,
    until: Option<Moment>,
    zone: &Zone,
) -> Note {
    let begin = format!(
        "Hello {member_name},\n\n{} IT has reset your sign-in password. Your new one is:\n\n    ",
        organization.name
    );
    let how = match until {
        Some(until) => format!(
            "Use it before {}. {ASKED_FOR_CODE}",
            zone.tell_with_date(until)
        ),
        None => "Sign in with it now and set a new password of your own, even if you are not asked for one.".to_owned(),
    };
    let end = format!("\n\n{how}\n{NEVER_TELL}\n{}", not_expected(organization));
    Note {
        subject: format!("Your new {} sign-in password", organization.name),
        text: around(&begin, password, &end),
    }
}

/// The SMS with the one-time link.
pub fn link_sms(
    organization: &Organization,
    link: &str,
    until: Moment,
    zone: &Zone,
) -> Zeroizing<String> {
    let name = short(&organization.name, 12);
    let until = zone.tell_with_date(until);
    let whole = format!("{name} IT: set your new password before {until}: {link} Tell nobody.");
    Zeroizing::new(if whole.len() <= SMS {
        whole
    } else {
        format!("{name}: set your new password: {link}")
    })
}

/// The e-mail with the one-time link.
pub fn link_mail(
    organization: &Organization,
    member_name: &str,
    link: &str,
    until: Moment,
    zone: &Zone,
) -> Note {
    let text = format!(
        "Hello {member_name},\n\n{} IT has reset your sign-in password. Set a new one here:\n\n    {link}\n\n\
        The link works once, until {}. {ASKED_FOR_CODE}\n\
        Never pass it on, also not to IT.\n{}",
        organization.name,
        zone.tell_with_date(until),
        not_expected(organization)
    );
    Note {
        subject: format!("Set your new {} sign-in password", organization.name),
        text: text.into(),
    }
}

/// S27: the copy for the administrator, with the password in it.
pub fn copy_to_self(
    organization: &Organization,
    member_name: &str,
    password: &Password,
    until: Option<Moment>,
    zone: &Zone,
) -> Note {
    let begin = format!("Your copy of the password that you just set for {member_name}:\n\n    ");
    let life = until
        .map(|until| format!("It works until {}. ", zone.tell_with_date(until)))
        .unwrap_or_default();
    let end = format!(
        "\n\n{life}Tell it to nobody but {member_name}, outside the chat, and delete this message.\n"
    );
    Note {
        subject: format!("{} password reset: your copy", organization.name),
        text: around(&begin, password, &end),
    }
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

/// The notice to the member. It never carries a password, and says only what was recorded.
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

impl Notice<'_> {
    /// As an e-mail, which has room for what to do.
    pub fn mail(&self) -> Note {
        let organization = &self.organization.name;
        let was = if self.is_certain {
            "was"
        } else {
            "may have been"
        };
        let text = format!(
            "Your {organization} password {was} reset by {} (IT) on {}{}.\n{}{}{}",
            self.admin_name,
            self.zone.tell_with_date(self.at),
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
        Note {
            subject: format!("Your {organization} password {was} reset"),
            text: text.into(),
        }
    }

    /// As an SMS of 160 characters at most.
    pub fn sms(&self) -> Note {
        let with_link = self.link.map(|link| {
            format!(
                "Your {} password {} reset by {} on {}. Not you? {link}",
                short(&self.organization.name, 12),
                if self.is_certain {
                    "was"
                } else {
                    "may have been"
                },
                short_admin(self.admin_name, 12),
                self.zone.tell_with_date(self.at),
            )
        });
        if let Some(text) = with_link.filter(|text| text.len() <= SMS) {
            return Note {
                subject: String::new(),
                text: text.into(),
            };
        }
        let with_names_of = |letters: usize| {
            format!(
                "Your {} password {} reset by {} (IT) on {}{}.{} Not you? Tell security.",
                short(&self.organization.name, letters),
                if self.is_certain {
                    "was"
                } else {
                    "may have been"
                },
                short_admin(self.admin_name, letters),
                self.zone.tell_with_date(self.at),
                if self.was_signed_out {
                    ", you are signed out"
                } else {
                    ""
                },
                if self.has_our_pages {
                    " Verify yourself to sign in."
                } else {
                    ""
                },
            )
        };
        let text = Some(with_names_of(20))
            .filter(|text| text.len() <= SMS)
            .unwrap_or_else(|| with_names_of(12));
        Note {
            subject: String::new(),
            text: text.into(),
        }
    }
}

/// To the security address: a member says that they did not ask for a reset.
pub fn alarm(
    organization: &Organization,
    member_name: &str,
    admin_name: &str,
    at: Moment,
    zone: &Zone,
    reference: &str,
) -> Note {
    let text = format!(
        "{member_name} says that they did not ask for the reset that {admin_name} made on {} (ref {reference}).\n\
        The password is blocked and every session has ended. {admin_name} cannot make the next reset of {member_name}.\n",
        zone.tell_with_date(at)
    );
    Note {
        subject: format!("{} password reset: \"this wasn't me\"", organization.name),
        text: text.into(),
    }
}

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
    // An SMS has no room for the dots of a mask.
    let to = to.replace('·', ".");
    let text = format!(
        "{}: {} added {to} for your sign-in codes. Not expected? Tell your security team.",
        short(organization, 20),
        short_admin(admin_name, 24)
    );
    Note {
        subject: format!("A contact was added to your {organization} account"),
        text: text.into(),
    }
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
    Note {
        subject: format!("{organization} password reset: a contact was {what}"),
        text: text.into(),
    }
}

/// Tells the member that an import changed contacts. `what` names them.
pub fn contact_imported(organization: &str, what: &str) -> Note {
    let text = format!(
        "{}: an import of members changed your {what} on record. Not expected? Tell your security team.",
        short(organization, 20)
    );
    Note {
        subject: format!("Your contacts on record at {organization} were changed"),
        text: text.into(),
    }
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
    Note {
        subject: format!("{organization} password reset: an import changed contacts{which}"),
        text: text.into(),
    }
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
    Note {
        subject: format!("A contact was removed from your {organization} account"),
        text: text.into(),
    }
}

/// Tells the member that a contact was removed to make room for another.
pub fn contact_dropped(organization: &str, who: &str, to: &str) -> Note {
    let text = format!(
        "{}: {} added a contact, so {} was removed from your sign-in codes. Not expected? Tell security.",
        short(organization, 20),
        short_admin(who, 24),
        to.replace('·', ".")
    );
    removed(organization, text)
}

/// S40: the code that proves the person.
pub fn code(organization: &Organization, code: &str) -> Note {
    let text = format!(
        "{} code: {code}. It works for 10 minutes. {NEVER_TELL}",
        short(&organization.name, 20)
    );
    Note {
        subject: format!("Your {} code", organization.name),
        text: text.into(),
    }
}

/// S6, S7: the guide, how to change one's own password.
pub fn guide(organization: &Organization, member_name: &str) -> Note {
    let link = organization
        .help_url
        .as_ref()
        .map(|url| format!("\nStep by step: {url}\n"))
        .unwrap_or_default();
    let text = format!(
        "Hello {member_name},\n\nYou can change your {} password yourself while you can still sign in with a verification code: open the Account Security Center, choose \"Change password\" and set a new one. You stay signed in.\n{link}",
        organization.name
    );
    Note {
        subject: format!("How to change your {} password", organization.name),
        text: text.into(),
    }
}

/// The guide as an SMS.
pub fn guide_sms(organization: &Organization) -> Note {
    let name = short(&organization.name, 20);
    let with_page = organization.help_url.as_ref().map(|url| {
        format!("{name} IT: change your password yourself in the Account Security Center: {url}")
    });
    let text = with_page
        .filter(|text| text.len() <= SMS)
        .unwrap_or_else(|| {
            format!(
                "{name} IT: you can change your password yourself in the Account Security Center."
            )
        });
    Note {
        subject: String::new(),
        text: text.into(),
    }
}

fn not_expected(organization: &Organization) -> String {
    organization.security_email.as_ref().map_or_else(
        || "\nNot expected? Tell your security team at once.\n".to_owned(),
        |email| format!("\nNot expected? Tell {email} at once.\n"),
    )
}
