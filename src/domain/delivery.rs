//! Where a password may go: the ways, the destinations, and the plan of one reset.

use super::member::{NotAPhone, written_enum};
use super::{EmailAddress, Member, PhoneNumber};

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
    /// What carries a message out of the house.
    Channel {
        /// SMS.
        Sms = "sms",
        /// E-mail.
        Email = "email",
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
    /// Neither a phone number nor an e-mail address.
    NotAnEmail,
    /// Not a number that an SMS reaches.
    NotAPhone(NotAPhone),
    /// An e-mail is needed here, and a number was typed.
    EmailNeeded,
    /// This channel has no settings.
    ChannelOff(Channel),
}

impl Destination {
    /// Reads what an administrator typed. With an `@` it is an e-mail, else a phone number.
    pub fn typed(text: &str, member: &Member) -> Result<Self, DestinationDenied> {
        if text.contains('@') {
            return Self::typed_email(text, member).map(Self::Email);
        }
        text.parse().map(Self::Phone).map_err(DestinationDenied::NotAPhone)
    }

    /// Reads a typed e-mail; never the business e-mail being reset (S11, S28).
    pub fn typed_email(text: &str, member: &Member) -> Result<EmailAddress, DestinationDenied> {
        if !text.contains('@') {
            return Err(DestinationDenied::EmailNeeded);
        }
        let email: EmailAddress = text.parse().map_err(|_| DestinationDenied::NotAnEmail)?;
        if email.is_same_mailbox(&member.business_email) { Err(DestinationDenied::BusinessEmail) } else { Ok(email) }
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
}

impl Plan {
    /// True when the administrator is shown the password in the chat.
    pub fn shows(&self) -> bool {
        self.also_show || self.way == Way::Copy
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
        }
    }

    /// S11, S24, S25.
    #[test]
    fn typed_destinations() {
        use DestinationDenied::{BusinessEmail, EmailNeeded, NotAPhone as Bad, NotAnEmail};

        let typed = |text: &str| Destination::typed(text, &mina()).map(|d| d.masked());
        assert_eq!(typed(" mina@mail.example "), Ok("m···@mail.example".to_owned()));
        assert_eq!(typed("+82 10 1234 5678"), Ok("+82 ··· ··78".to_owned()));
        assert_eq!(typed("MINA.park+x@acme.example"), Err(BusinessEmail));
        assert_eq!(typed("mina@"), Err(NotAnEmail));
        assert_eq!(typed("+82 12"), Err(Bad(NotAPhone::Incomplete)));
        assert_eq!(typed("+442079460000"), Err(Bad(NotAPhone::NotMobile)));
        assert_eq!(Destination::typed_email("+82 10 1234 5678", &mina()), Err(EmailNeeded));
    }

    /// S43: the business mailbox written a second time is no outside contact.
    #[test]
    fn the_business_mailbox_is_no_outside_contact() {
        assert!(!mina().has_outside_contact());
    }
}
