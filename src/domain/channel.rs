//! The delivery channels: by what a message leaves, to which address of a member, and how texts name it.

use super::country::{NotThisCountry, SmsCountries};
use super::delivery::DestinationDenied;
use super::member::written_enum;
use super::{CompanyDomains, EmailAddress, Member, PhoneNumber};

/// What a channel can carry, and how texts name it.
#[derive(Debug)]
pub struct ChannelFacts {
    /// True where a message has no subject and at most 160 characters.
    pub is_short: bool,
    /// One message: "SMS".
    pub message: &'static str,
    /// A contact on record: "phone".
    pub contact: &'static str,
    /// Where the member reads the message: "phone".
    pub inbox: &'static str,
    /// One address: "number".
    pub address: &'static str,
    /// A request for another address: "a phone number".
    pub an_address: &'static str,
    /// What takes our messages, at the start of a sentence: "The SMS gateway".
    pub server: &'static str,
}

/// What a channel's address can do. Each kind of address has its field in [`Member`].
pub(super) trait Address: Sized {
    /// The address that the directory has of a member.
    fn on_record(member: &Member) -> Option<&Self>;

    /// True for a text that looks like an attempt to write such an address.
    fn looks_like(text: &str) -> bool;

    /// Reads what somebody typed.
    fn typed(
        text: &str,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<Self, DestinationDenied>;

    /// Reads what the database has, which may be older than today's checks.
    fn stored(text: &str) -> Option<Self>;

    /// Refuses an address that the organisation itself can open.
    fn check_outside(
        &self,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<(), DestinationDenied>;

    /// True where nothing may be sent, whoever put the address on record.
    fn is_costly(&self) -> bool;

    /// Checks the country of an address that is not the member's own.
    fn check_country(
        &self,
        countries: &SmsCountries,
        member: &Member,
    ) -> Result<(), NotThisCountry>;

    /// What all spellings of the address share.
    fn key(&self) -> String;

    fn masked(&self) -> String;

    fn full(&self) -> &str;
}

impl Address for PhoneNumber {
    fn on_record(member: &Member) -> Option<&Self> {
        member.phone.as_ref()
    }

    fn looks_like(text: &str) -> bool {
        !text.contains('@')
    }

    fn typed(text: &str, _: &Member, _: &CompanyDomains) -> Result<Self, DestinationDenied> {
        text.parse().map_err(DestinationDenied::NotAPhone)
    }

    fn stored(text: &str) -> Option<Self> {
        Self::stored(text).ok()
    }

    fn check_outside(&self, _: &Member, _: &CompanyDomains) -> Result<(), DestinationDenied> {
        Ok(())
    }

    fn is_costly(&self) -> bool {
        self.is_costly()
    }

    fn check_country(
        &self,
        countries: &SmsCountries,
        member: &Member,
    ) -> Result<(), NotThisCountry> {
        countries.check(self, member)
    }

    fn key(&self) -> String {
        self.as_str().to_owned()
    }

    fn masked(&self) -> String {
        self.masked()
    }

    fn full(&self) -> &str {
        self.as_str()
    }
}

impl Address for EmailAddress {
    fn on_record(member: &Member) -> Option<&Self> {
        member.outside_email()
    }

    fn looks_like(text: &str) -> bool {
        text.contains('@')
    }

    fn typed(
        text: &str,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<Self, DestinationDenied> {
        Destination::typed_email(text, member, company)
    }

    fn stored(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn check_outside(
        &self,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<(), DestinationDenied> {
        if company.has_for(member, self) {
            Err(DestinationDenied::Organization)
        } else {
            Ok(())
        }
    }

    fn is_costly(&self) -> bool {
        false
    }

    fn check_country(&self, _: &SmsCountries, _: &Member) -> Result<(), NotThisCountry> {
        Ok(())
    }

    fn key(&self) -> String {
        self.mailbox()
    }

    fn masked(&self) -> String {
        self.masked()
    }

    fn full(&self) -> &str {
        self.as_str()
    }
}

/// The one list of channels. From it come [`Channel`], [`Delivery`] and [`Destination`].
macro_rules! channels {
    ($($(#[$doc:meta])* $channel:ident = $key:literal, $delivery:ident($address:ty) = $word:literal, $facts:expr;)+) => {
        written_enum! {
            /// What carries a message; its word is that of its section in the settings.
            Channel { $($(#[$doc])* $channel = $key),+ }
        }

        written_enum! {
            /// The ways an administrator can choose; exactly one must be chosen (S22).
            Delivery {
                /// Shown once to the administrator, who tells the member.
                Copy = "copy",
                $($(#[$doc])* $delivery = $word),+
            }
        }

        /// One address outside the chat, and with it the channel.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Destination { $($(#[$doc])* $delivery($address)),+ }

        impl Channel {
            /// What it can carry, and how texts name it.
            pub const fn facts(self) -> &'static ChannelFacts {
                match self { $(Self::$channel => &$facts),+ }
            }

            /// The way by which an administrator chooses it.
            pub const fn delivery(self) -> Delivery {
                match self { $(Self::$channel => Delivery::$delivery),+ }
            }

            /// The contact that the directory has of a member.
            pub fn on_record(self, member: &Member) -> Option<Destination> {
                match self {
                    $(Self::$channel => <$address as Address>::on_record(member).cloned().map(Destination::$delivery)),+
                }
            }

            /// Reads an address of the database, which may be older than today's checks.
            pub fn stored(self, address: &str) -> Option<Destination> {
                match self {
                    $(Self::$channel => <$address as Address>::stored(address).map(Destination::$delivery)),+
                }
            }

            /// Reads an address with today's checks.
            pub fn parse(self, address: &str) -> Option<Destination> {
                match self {
                    $(Self::$channel => address.parse().ok().map(Destination::$delivery)),+
                }
            }
        }

        impl Delivery {
            /// The channel that sends it; none where it is shown.
            pub const fn channel(self) -> Option<Channel> {
                match self {
                    Self::Copy => None,
                    $(Self::$delivery => Some(Channel::$channel)),+
                }
            }
        }

        impl Destination {
            /// What carries a message to it.
            pub const fn channel(&self) -> Channel {
                match self { $(Self::$delivery(_) => Channel::$channel),+ }
            }

            /// Reads a typed address for the first channel that it looks like one of.
            pub(super) fn read(
                text: &str,
                member: &Member,
                company: &CompanyDomains,
            ) -> Result<Self, DestinationDenied> {
                $(if <$address as Address>::looks_like(text) {
                    return <$address as Address>::typed(text, member, company).map(Self::$delivery);
                })+
                Err(DestinationDenied::NotAnEmail)
            }

            /// The same destination, unless the organisation can open it: no password and no code goes there.
            pub fn outside(
                self,
                member: &Member,
                company: &CompanyDomains,
            ) -> Result<Self, DestinationDenied> {
                match &self {
                    $(Self::$delivery(address) => Address::check_outside(address, member, company)?),+
                }
                Ok(self)
            }

            /// True where nothing may be sent, whoever put the address on record.
            pub fn is_costly(&self) -> bool {
                match self { $(Self::$delivery(address) => Address::is_costly(address)),+ }
            }

            /// Checks that the settings allow messages to the country of a typed address.
            pub fn check_country(
                &self,
                countries: &SmsCountries,
                member: &Member,
            ) -> Result<(), NotThisCountry> {
                match self {
                    $(Self::$delivery(address) => Address::check_country(address, countries, member)),+
                }
            }

            /// What all spellings of one phone or mailbox share.
            pub fn key(&self) -> String {
                match self { $(Self::$delivery(address) => Address::key(address)),+ }
            }

            /// For cards, results, logs and the record.
            pub fn masked(&self) -> String {
                match self { $(Self::$delivery(address) => Address::masked(address)),+ }
            }

            /// The whole address, for the adapter that sends to it and for the row of a reset that is not finished.
            pub fn full(&self) -> &str {
                match self { $(Self::$delivery(address) => Address::full(address)),+ }
            }
        }
    };
}

channels! {
    /// SMS to a mobile phone.
    Sms = "sms", Phone(PhoneNumber) = "phone", ChannelFacts {
        is_short: true,
        message: "SMS",
        contact: "phone",
        inbox: "phone",
        address: "number",
        an_address: "a phone number",
        server: "The SMS gateway",
    };
    /// E-mail to a mailbox.
    Email = "email", Email(EmailAddress) = "email", ChannelFacts {
        is_short: false,
        message: "email",
        contact: "email",
        inbox: "mailbox",
        address: "email address",
        an_address: "an email",
        server: "The mail server",
    };
}

impl Destination {
    /// How an administrator chooses it.
    pub const fn delivery(&self) -> Delivery {
        self.channel().delivery()
    }

    /// True for two spellings of one phone or mailbox.
    pub fn is_same(&self, other: &Self) -> bool {
        self.key() == other.key()
    }

    /// The address as the directory has it, where it is the member's contact on record in whatever spelling.
    pub fn on_record(&self, member: &Member) -> Option<Self> {
        self.channel()
            .on_record(member)
            .filter(|known| known.is_same(self))
    }

    /// Reads what an administrator typed as a destination. With an `@` it is an e-mail, else a phone number.
    pub fn typed(
        text: &str,
        member: &Member,
        company: &CompanyDomains,
    ) -> Result<Self, DestinationDenied> {
        Self::read(text, member, company)?.outside(member, company)
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
        Self::typed(text, member, company).map_err(|denied| {
            if denied == DestinationDenied::Organization {
                DestinationDenied::BusinessDomain
            } else {
                denied
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::member::NotAPhone;
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

    /// S43: the business mailbox written a second time is no outside contact.
    #[test]
    fn the_business_mailbox_is_no_outside_contact() {
        assert!(!mina().has_outside_contact());
    }
}
