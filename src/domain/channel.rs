//! The delivery channels: by what a message leaves, to which address of a member, and how texts name it.

mod address;
mod denied;
mod typed;

use self::address::ChannelAddress;
pub use self::denied::DestinationDenied;
use super::sms_countries::{NotThisCountry, SmsCountries};
use super::written_enum;
use super::{CompanyDomains, EmailAddress, Member, PhoneNumber};

/// What a channel can carry, and how texts name it.
#[derive(Debug)]
pub struct ChannelFacts {
    /// True where a message has no subject and at most 160 characters.
    pub is_short: bool,
    /// True where the receiving server's answers tell which addresses exist, so that typed ones are counted.
    pub tells_which_exist: bool,
    /// One message: "SMS".
    pub message: &'static str,
    /// What its button does, before the address: "Text it to".
    pub send_to: &'static str,
    /// The same without an address, inside a sentence: "text it".
    pub send: &'static str,
    /// The same inside a sentence: "phone".
    pub contact: &'static str,
    /// The contact on record as one of several columns of a list: "phone number".
    pub field: &'static str,
    /// Where the member reads the message: "phone".
    pub inbox: &'static str,
    /// One address: "number".
    pub address: &'static str,
    /// A request for another address: "a phone number".
    pub an_address: &'static str,
    /// What takes our messages, at the start of a sentence: "The SMS gateway".
    pub server: &'static str,
    /// What sends, inside a sentence.
    pub server_name: &'static str,
}

/// Makes [`Channel`], [`Delivery`] and [`Destination`] from the one list below.
macro_rules! words_of_channels {
    ($($(#[$doc:meta])* $channel:ident in $module:ident, $delivery:ident($address:ty) = $word:literal, $facts:expr;)+) => {
        written_enum! {
            /// What carries a message; its word is that of its section in the settings.
            pub Channel { $($(#[$doc])* $channel = stringify!($module)),+ }
        }

        written_enum! {
            /// The ways an administrator can choose; exactly one must be chosen (S22).
            pub Delivery {
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
                    $(Self::$channel => <$address as ChannelAddress>::on_record(member).cloned().map(Destination::$delivery)),+
                }
            }

            /// Reads an address of the database, which may be older than today's checks.
            pub fn stored(self, address: &str) -> Option<Destination> {
                match self {
                    $(Self::$channel => <$address as ChannelAddress>::stored(address).map(Destination::$delivery)),+
                }
            }
        }

        impl Delivery {
            /// The name of its button in the outside contract.
            pub const fn button(self) -> &'static str {
                match self {
                    Self::Copy => "deliver_copy",
                    $(Self::$delivery => concat!("deliver_", $word)),+
                }
            }

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
                $(if <$address as ChannelAddress>::looks_like(text) {
                    return <$address as ChannelAddress>::typed(text, member, company).map(Self::$delivery);
                })+
                Err(DestinationDenied::NotAnEmail)
            }

            /// The same destination, unless the organization can open it: no password and no code goes there.
            pub fn outside(
                self,
                member: &Member,
                company: &CompanyDomains,
            ) -> Result<Self, DestinationDenied> {
                match &self {
                    $(Self::$delivery(address) => ChannelAddress::check_outside(address, member, company)?),+
                }
                Ok(self)
            }

            /// True where nothing may be sent, whoever put the address on record.
            pub fn is_costly(&self) -> bool {
                match self { $(Self::$delivery(address) => ChannelAddress::is_costly(address)),+ }
            }

            /// Checks that the settings allow messages to the country of a typed address.
            pub fn check_country(
                &self,
                countries: &SmsCountries,
                member: &Member,
            ) -> Result<(), NotThisCountry> {
                match self {
                    $(Self::$delivery(address) => ChannelAddress::check_country(address, countries, member)),+
                }
            }

            /// What all spellings of one phone or mailbox share.
            pub fn key(&self) -> String {
                match self { $(Self::$delivery(address) => ChannelAddress::key(address)),+ }
            }

            /// For cards, results, logs and the record.
            pub fn masked(&self) -> String {
                match self { $(Self::$delivery(address) => ChannelAddress::masked(address)),+ }
            }

            /// The whole address, for the adapter that sends to it and for the row of a reset that is not finished.
            pub fn full(&self) -> &str {
                match self { $(Self::$delivery(address) => ChannelAddress::full(address)),+ }
            }
        }
    };
}

/// The one list of channels. It is handed to the macro `$make`: the words of channels are made of it here, and `delivery`
/// makes of it what names every sender. The word of a channel is the name of its module in `delivery`, too.
macro_rules! every_channel {
    ($make:ident) => {
        $make! {
            /// SMS to a mobile phone.
            Sms in sms, Phone(PhoneNumber) = "phone", ChannelFacts {
                is_short: true,
                tells_which_exist: false,
                message: "SMS",
                send_to: "Text it to",
                send: "text it",
                contact: "phone",
                field: "phone number",
                inbox: "phone",
                address: "number",
                an_address: "a phone number",
                server: "The SMS gateway",
                server_name: "the SMS gateway",
            };
            /// E-mail to a mailbox.
            Email in email, Email(EmailAddress) = "email", ChannelFacts {
                is_short: false,
                tells_which_exist: true,
                message: "email",
                send_to: "Email it to",
                send: "email it",
                contact: "email",
                field: "private email",
                inbox: "mailbox",
                address: "email address",
                an_address: "an email",
                server: "The mail server",
                server_name: "the mail server",
            };
        }
    };
}
pub(crate) use every_channel;

every_channel!(words_of_channels);

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
}
