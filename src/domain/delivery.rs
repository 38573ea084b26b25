//! Where a password may go: the ways, the destinations, and the plan of one reset.

use super::country::NotThisCountry;
use super::phone::NotAPhone;
use super::written_enum;
use super::{CompanyDomains, EmailAddress, Member, PhoneNumber};

written_enum! {
    /// The ways an administrator can choose; exactly one must be chosen (S22).
    Delivery {
        /// Shown once to the administrator, who tells the member.
        Copy = "copy",
        /// An SMS to the member.
        Phone = "phone",
        /// An e-mail to the member.
        Email = "email",
    }
}

written_enum! {
    /// A delivery channel of ours: e-mail or SMS.
    Channel {
        /// SMS.
        Sms = "sms",
        /// E-mail.
        Email = "email",
    }
}

written_enum! {
    /// What an SMS or an e-mail to the member carries.
    Carries {
        /// The new password.
        Password = "password",
        /// A link that works once, with which the member sets their own (Q4).
        Link = "link",
    }
}

/// An output that puts the password, or where it goes, into the administrator's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// The administrator is shown it and tells it.
    Copy,
    /// It goes to an address that the administrator types.
    Typed,
    /// A copy goes to the administrator's registered address.
    CopyToSelf,
    /// A copy goes to an address that the administrator types.
    CopyElsewhere,
    /// The administrator is shown it besides.
    Show,
}

/// Why an output is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtraDenied {
    /// The profile is "strict".
    Strict,
    /// What goes out is a link, so there is no password to show or copy.
    WithLink,
    /// Somebody else may read what the chat shows, and may have typed what it sends.
    NotPrivate,
}

impl ExtraDenied {
    /// A short fixed word for the record.
    pub fn code(self) -> &'static str {
        match self {
            Self::Strict | Self::WithLink => "profile",
            Self::NotPrivate => "not_private",
        }
    }
}

impl Extra {
    /// True where the output is only as safe as the chat: it is shown there, or goes where somebody said there.
    pub fn needs_private_replies(self) -> bool {
        match self {
            Self::Copy | Self::Typed | Self::CopyElsewhere | Self::Show => true,
            Self::CopyToSelf => false,
        }
    }
}

/// What the organisation lets out (`policy.profile`, `policy.send`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// Links to contacts on record are the only way (OWASP ASVS 5.0, 6.4.6: an administrator must not know the password).
    pub is_strict: bool,
    /// What an SMS or an e-mail to the member carries.
    pub carries: Carries,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            is_strict: false,
            carries: Carries::Password,
        }
    }
}

impl Ways {
    /// What the chosen way carries.
    pub fn carried_by(self, delivery: Delivery) -> Carries {
        match delivery {
            Delivery::Copy => Carries::Password,
            Delivery::Phone | Delivery::Email => self.carries,
        }
    }

    /// May this be had beside, or as, a way that carries this?
    pub fn allow(self, extra: Extra, carried: Carries) -> Result<(), ExtraDenied> {
        match (extra, carried) {
            _ if self.is_strict => Err(ExtraDenied::Strict),
            (Extra::CopyToSelf | Extra::CopyElsewhere | Extra::Show, Carries::Link) => {
                Err(ExtraDenied::WithLink)
            }
            (Extra::Copy | Extra::Typed, _)
            | (Extra::CopyToSelf | Extra::CopyElsewhere | Extra::Show, Carries::Password) => Ok(()),
        }
    }
}

/// One address outside the chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A phone that receives an SMS.
    Phone(PhoneNumber),
    /// A mailbox.
    Email(EmailAddress),
}

/// A destination that was typed is not allowed, or cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DestinationDenied {
    /// S11: the mailbox of the member who is locked out of it.
    BusinessEmail,
    /// S43: an address of the company, where a contact for codes is asked for.
    BusinessDomain,
    /// A mailbox of the organisation, where a destination for a password is asked for: whoever runs the mail can open it.
    Organization,
    /// Neither a phone number nor an e-mail address.
    NotAnEmail,
    /// Not a number that an SMS reaches.
    NotAPhone(NotAPhone),
    /// No SMS goes to the country of the number.
    Country(NotThisCountry),
    /// An e-mail is needed here, and a number was typed.
    EmailNeeded,
    /// This channel has no settings.
    ChannelOff(Channel),
}

impl Destination {
    /// Reads what an administrator typed as a destination. With an `@` it is an e-mail, else a phone number.
    pub fn typed(
        text: &str,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<Self, DestinationDenied> {
        if text.contains('@') {
            let to = Self::Email(Self::typed_email(text, member, company)?);
            return to.outside(member, company);
        }
        text.parse()
            .map(Self::Phone)
            .map_err(DestinationDenied::NotAPhone)
    }

    /// The same destination, unless it is a mailbox of the organisation: no password and no code goes there.
    pub fn outside(
        self,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<Self, DestinationDenied> {
        match &self {
            Self::Email(email) if company.has_for(member, email) => {
                Err(DestinationDenied::Organization)
            }
            Self::Email(_) | Self::Phone(_) => Ok(self),
        }
    }

    /// True for two spellings of one phone or mailbox.
    pub fn is_same(&self, other: &Self) -> bool {
        self.key() == other.key()
    }

    /// What all spellings of one phone or mailbox share.
    pub fn key(&self) -> String {
        match self {
            Self::Phone(phone) => phone.as_str().to_owned(),
            Self::Email(email) => email.mailbox(),
        }
    }

    /// Reads a typed e-mail for the administrator's own copy; never the business e-mail being reset (S11, S28).
    pub fn typed_email(
        text: &str,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<EmailAddress, DestinationDenied> {
        if !text.contains('@') {
            return Err(DestinationDenied::EmailNeeded);
        }
        let email: EmailAddress = text.parse().map_err(|_| DestinationDenied::NotAnEmail)?;
        if company.has_mailbox_of(member, &email) {
            Err(DestinationDenied::BusinessEmail)
        } else {
            Ok(email)
        }
    }

    /// Reads a contact for codes: an address of the company does not count, because an administrator can move it (S43).
    pub fn contact(
        text: &str,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<Self, DestinationDenied> {
        let of_code = |denied| {
            if denied == DestinationDenied::Organization {
                DestinationDenied::BusinessDomain
            } else {
                denied
            }
        };
        Self::typed(text, member, company).map_err(of_code)
    }

    /// What carries a message to it.
    pub fn channel(&self) -> Channel {
        match self {
            Self::Phone(_) => Channel::Sms,
            Self::Email(_) => Channel::Email,
        }
    }

    /// For cards, results, logs and the record.
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(phone) => phone.masked(),
            Self::Email(email) => email.masked(),
        }
    }

    /// The whole address, for the adapter that sends to it and for the row of a reset that is not finished.
    pub fn full(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_str(),
            Self::Email(email) => email.as_str(),
        }
    }
}

/// How the password reaches the member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The administrator is shown the password and tells it.
    Copy,
    /// It is sent.
    Send(Destination),
}

impl Way {
    /// The kind of way, for the record.
    pub fn delivery(&self) -> Delivery {
        match self {
            Self::Copy => Delivery::Copy,
            Self::Send(Destination::Phone(_)) => Delivery::Phone,
            Self::Send(Destination::Email(_)) => Delivery::Email,
        }
    }
}

/// All outputs of one reset (S38): the way, and up to two extras for the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How the member gets it.
    pub way: Way,
    /// S27, S28: an e-mail with a copy to the administrator.
    pub copy_to_self: Option<EmailAddress>,
    /// S38: also show it to the administrator.
    pub also_show: bool,
    /// What goes to the member.
    pub carries: Carries,
}

impl Plan {
    /// True when the administrator is shown the password in the chat.
    pub fn shows(&self) -> bool {
        self.also_show || self.way == Way::Copy
    }

    /// Is every output still to be had, as the settings are now?
    pub fn fits(&self, ways: Ways, is_typed: bool) -> Result<(), ExtraDenied> {
        let wanted = [
            (self.way == Way::Copy).then_some(Extra::Copy),
            is_typed.then_some(Extra::Typed),
            self.copy_to_self.is_some().then_some(Extra::CopyToSelf),
            self.also_show.then_some(Extra::Show),
        ];
        if ways.is_strict && self.carries == Carries::Password {
            return Err(ExtraDenied::Strict);
        }
        wanted
            .into_iter()
            .flatten()
            .try_for_each(|extra| ways.allow(extra, self.carries))
    }
}

/// How one output ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The next hop took it.
    Accepted,
    /// Surely not sent; says why, in words for the administrator.
    Refused(Refusal),
    /// Nobody can say.
    Unknown,
}

/// Why an output was surely not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody answers there.
    Unreachable,
    /// The next hop does not know or refuses the address (SMTP 550, SMS 4xx).
    Address,
    /// It asks to wait: greylisting (SMTP 4xx) or too many messages (429).
    Later,
    /// It refuses us: bad credentials or rights. The operator has to look.
    Credentials,
    /// It refuses the message.
    Message,
    /// No encrypted connection could be made.
    Tls,
}

impl Refusal {
    /// A short fixed word for the record and for logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Address => "address",
            Self::Later => "later",
            Self::Credentials => "credentials",
            Self::Message => "message",
            Self::Tls => "tls",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LoginMethod, MemberId, Role, Status};

    fn mina() -> Member {
        Member {
            id: MemberId("m".to_owned()),
            name: "Mina Park".to_owned(),
            business_email: "mina.park@acme.example".parse().unwrap(),
            login_method: LoginMethod::BusinessEmail,
            status: Status::Active,
            phone: None,
            personal_email: Some("Mina.Park@acme.example".parse().unwrap()),
            role: Role::Member,
            department: None,
            manager_email: None,
            aliases: Vec::new(),
            guard: None,
            never_expires: false,
        }
    }

    /// S11, S24, S25.
    #[test]
    fn typed_destinations() {
        use DestinationDenied::{BusinessEmail, EmailNeeded, NotAPhone as Bad, NotAnEmail};

        let company = CompanyDomains::new(["acme.example", "acme.co"].map(str::to_owned));
        let typed = |text: &str| Destination::typed(text, &mina(), &company).map(|d| d.masked());
        assert_eq!(
            typed(" mina@mail.example "),
            Ok("m···@mail.example".to_owned())
        );
        assert_eq!(typed("+82 10 1234 5678"), Ok("+82 ··· ··78".to_owned()));
        assert_eq!(typed("MINA.park+x@acme.example"), Err(BusinessEmail));
        assert_eq!(typed("mina@"), Err(NotAnEmail));
        assert_eq!(typed("+82 12"), Err(Bad(NotAPhone::Incomplete)));
        assert_eq!(typed("+442079460000"), Err(Bad(NotAPhone::NotMobile)));
        assert_eq!(typed("Mina.Park+x@acme.co"), Err(BusinessEmail));
        assert_eq!(typed("kim@acme.co"), Err(DestinationDenied::Organization));
        assert_eq!(
            typed("kim@mail.acme.example"),
            Err(DestinationDenied::Organization)
        );
        let copy =
            Destination::typed_email("kim@acme.co", &mina(), &company).map(|email| email.masked());
        assert_eq!(copy, Ok("k···@acme.co".to_owned()));
        assert_eq!(
            Destination::typed_email("+82 10 1234 5678", &mina(), &company),
            Err(EmailNeeded)
        );
        let contact =
            |text: &str| Destination::contact(text, &mina(), &company).map(|d| d.masked());
        assert_eq!(
            contact("kim@Acme.CO"),
            Err(DestinationDenied::BusinessDomain)
        );
        assert_eq!(
            contact("kim@ACME.example"),
            Err(DestinationDenied::BusinessDomain)
        );
        assert_eq!(
            contact("kim@mail.example"),
            Ok("k···@mail.example".to_owned())
        );
    }

    /// Profile "strict": whatever shows, copies or redirects a password is refused; a link to a contact on record goes.
    #[test]
    fn strict_leaves_links_to_contacts_on_record_alone() {
        let strict = Ways {
            is_strict: true,
            carries: Carries::Link,
        };
        let to: Destination = "mina@mail.example".parse().map(Destination::Email).unwrap();
        let plan = |way, carries| Plan {
            way,
            copy_to_self: None,
            also_show: false,
            carries,
        };
        let link = plan(Way::Send(to.clone()), Carries::Link);
        assert_eq!(link.fits(strict, false), Ok(()));
        assert_eq!(link.fits(strict, true), Err(ExtraDenied::Strict));
        assert_eq!(
            plan(Way::Send(to.clone()), Carries::Password).fits(strict, false),
            Err(ExtraDenied::Strict)
        );
        assert_eq!(
            plan(Way::Copy, Carries::Password).fits(strict, false),
            Err(ExtraDenied::Strict)
        );
        assert_eq!(
            plan(Way::Copy, Carries::Password).fits(Ways::default(), false),
            Ok(())
        );
        let shown = Plan {
            also_show: true,
            ..link
        };
        assert_eq!(shown.fits(strict, false), Err(ExtraDenied::Strict));
        assert_eq!(
            shown.fits(
                Ways {
                    is_strict: false,
                    ..strict
                },
                false
            ),
            Err(ExtraDenied::WithLink)
        );
        let copied = Plan {
            copy_to_self: Some("jo@acme.example".parse().unwrap()),
            also_show: false,
            ..shown
        };
        assert_eq!(
            copied.fits(
                Ways {
                    is_strict: false,
                    ..strict
                },
                false
            ),
            Err(ExtraDenied::WithLink)
        );
    }

    /// S43: the business mailbox written a second time is no outside contact.
    #[test]
    fn the_business_mailbox_is_no_outside_contact() {
        assert!(!mina().has_outside_contact());
    }
}
