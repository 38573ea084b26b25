//! What sends messages outside the chat: one file or folder a channel, all behind [`Deliveries`].
//!
//! To add a channel, one new file or folder and one entry:
//!
//! 1. Write `delivery/NAME.rs` with its `Config` and how it is read, a `Sender`, what is `Ready` to be sent, limits and tests.
//! 2. Add its entry to the list in [`crate::domain::channel`]: words, address, and what the rules and the flow have to know
//!    of it. The list declares the module, too.
//!
//! Settings, buttons, texts, `check` and the order of contacts follow from the list. Nothing is ever sent twice by itself.
//! Name the module in `tests/format.rs`, so that `cargo fmt` finds it.

mod memory;
mod prepared;

use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

pub use self::memory::{Delivered, Outbox};
pub(crate) use self::prepared::{NotReady, Prepared};
use crate::domain::channel::{DestinationDenied, every_channel};
use crate::domain::country::Country;
use crate::domain::delivery::{Outcome, Refusal, Ways};
use crate::domain::sms_countries::SmsCountries;
use crate::domain::{Channel, Destination, Member};
use crate::settings::{Finding, Section};

/// One message. It has no `Debug`, and its text, which may hold a password, is wiped on drop.
pub struct Note {
    /// The subject of an e-mail; an SMS has none.
    pub subject: String,
    /// May hold a password or a link.
    pub text: Zeroizing<String>,
    /// What a channel for short texts carries instead, where it has no room for the text.
    pub short: Option<Zeroizing<String>>,
}

impl Note {
    /// One text for every channel.
    pub fn new(subject: impl Into<String>, text: impl Into<Zeroizing<String>>) -> Self {
        Self {
            subject: subject.into(),
            text: text.into(),
            short: None,
        }
    }

    /// The text that a channel carries.
    pub fn text_for(&self, channel: Channel) -> &str {
        let short = self.short.as_ref();
        let short = short.filter(|_| channel.facts().is_short);
        short.unwrap_or(&self.text)
    }
}

/// A message as it is handed to a channel.
#[derive(Clone, Copy)]
struct OutgoingText<'a> {
    /// Not used by channels without subjects.
    subject: &'a str,
    body: &'a str,
    /// The same for the same message, for gateways that recognise repetitions.
    id: &'a str,
}

/// Makes everything that names all senders from the one list of channels.
macro_rules! senders {
    ($($(#[$doc:meta])* $channel:ident in $module:ident, $destination:ident($address:ty) = $word:literal, $facts:expr;)+) => {
        $(pub(crate) mod $module;)+

        /// The settings of a channel.
        pub enum Config {
            $(#[doc = concat!("Those of `", stringify!($module), "`.")] $channel($module::Config)),+
        }

        impl Config {
            /// Reads a channel's section; what is wrong is noted there.
            pub(crate) fn read(channel: Channel, section: Section<'_>) -> Option<Self> {
                match channel {
                    $(Channel::$channel => $module::Config::read(section).map(Self::$channel)),+
                }
            }

            pub(crate) fn channel(&self) -> Channel {
                match self {
                    $(Self::$channel(_) => Channel::$channel),+
                }
            }

            fn open(self, http: &reqwest::Client) -> ChannelSender {
                match self {
                    $(Self::$channel(config) => ChannelSender::$channel($module::Sender::open(config, http))),+
                }
            }
        }

        /// What sends by one channel.
        enum ChannelSender {
            $($channel($module::Sender),)+
            /// Keeps messages in memory, for the demo and for tests.
            Memory(Channel, Outbox),
        }

        /// A message that only lacks its text.
        enum ReadyMessage<'a> {
            $($channel(Box<$module::Ready<'a>>),)+
            Memory(&'a Outbox, Destination),
        }

        impl ChannelSender {
            fn channel(&self) -> Channel {
                match self {
                    $(Self::$channel(_) => Channel::$channel,)+
                    Self::Memory(channel, _) => *channel,
                }
            }

            /// Does everything that can fail before the text is there, as far as the channel allows.
            async fn prepare(&self, to: &Destination) -> Result<ReadyMessage<'_>, Refusal> {
                match (self, to) {
                    $((Self::$channel(sender), Destination::$destination(to)) => {
                        sender.prepare(to).await.map(Box::new).map(ReadyMessage::$channel)
                    })+
                    (Self::Memory(_, outbox), to) => {
                        outbox.prepare(to)?;
                        Ok(ReadyMessage::Memory(outbox, to.clone()))
                    }
                    // The caller asks the sender of the destination's own channel.
                    ($(Self::$channel(_))|+, _) => Err(Refusal::Unreachable),
                }
            }

            async fn probe(&self) -> Result<(), Finding> {
                match self {
                    $(Self::$channel(sender) => sender.probe().await,)+
                    Self::Memory(..) => Ok(()),
                }
            }
        }

        impl ReadyMessage<'_> {
            async fn send(self, text: OutgoingText<'_>) -> Outcome {
                match self {
                    $(Self::$channel(ready) => ready.send(text).await,)+
                    Self::Memory(outbox, to) => outbox.send(&to, text).await,
                }
            }

            /// Ends the conversation without a message, once it is awaited.
            fn closing(self) -> BoxFuture<'static, ()> {
                match self {
                    $(Self::$channel(ready) => ready.closing(),)+
                    Self::Memory(..) => Box::pin(std::future::ready(())),
                }
            }
        }
    };
}

every_channel!(senders);

impl Config {
    /// The countries that typed numbers may belong to.
    fn countries(&self) -> &[Country] {
        if let Self::Sms(config) = self {
            config.countries()
        } else {
            &[]
        }
    }
}

/// The channels that have settings.
#[derive(Default)]
pub struct Deliveries {
    senders: Vec<ChannelSender>,
    /// What the organization allows to be sent.
    pub ways: Ways,
    /// Where SMS may go besides numbers on record.
    countries: SmsCountries,
}

impl Deliveries {
    /// The channels of these settings.
    pub fn open(
        configs: Vec<Config>,
        ways: Ways,
        default_country: Option<Country>,
        http: &reqwest::Client,
    ) -> Self {
        let countries = configs.iter().flat_map(Config::countries).copied();
        Self {
            countries: SmsCountries::new(countries.collect(), default_country),
            senders: configs
                .into_iter()
                .map(|config| config.open(http))
                .collect(),
            ways,
        }
    }

    /// Every channel, kept in memory; for the demo and for tests.
    pub fn in_memory(outbox: &Outbox, ways: Ways, countries: SmsCountries) -> Self {
        let sender = |channel: &Channel| ChannelSender::Memory(*channel, outbox.clone());
        Self {
            senders: Channel::ALL.iter().map(sender).collect(),
            ways,
            countries,
        }
    }

    fn sender(&self, channel: Channel) -> Option<&ChannelSender> {
        self.senders
            .iter()
            .find(|sender| sender.channel() == channel)
    }

    /// True when the channel has settings.
    pub fn has(&self, channel: Channel) -> bool {
        self.sender(channel).is_some()
    }

    /// Checks an address that somebody typed for the member.
    pub fn check_typed(&self, to: &Destination, member: &Member) -> Result<(), DestinationDenied> {
        if !self.has(to.channel()) {
            return Err(DestinationDenied::ChannelOff(to.channel()));
        }
        to.check_country(&self.countries, member)
            .map_err(DestinationDenied::Country)
    }

    /// Does everything for one message but send it.
    async fn ready(&self, to: &Destination) -> Result<ReadyMessage<'_>, Refusal> {
        if to.is_costly() {
            return Err(Refusal::Address);
        }
        self.sender(to.channel())
            .ok_or(Refusal::Unreachable)?
            .prepare(to)
            .await
    }

    /// Sends one message without a password to one address.
    pub async fn tell(&self, to: &Destination, note: &Note, id: &str) -> Outcome {
        let text = OutgoingText {
            subject: &note.subject,
            body: note.text_for(to.channel()),
            id,
        };
        let outcome = match self.ready(to).await {
            Ok(ready) => ready.send(text).await,
            Err(why) => Outcome::Refused(why),
        };
        if outcome != Outcome::Accepted {
            tracing::warn!(to = %to.masked(), ?outcome, "a message was not accepted");
        }
        outcome
    }

    /// Tries each channel without sending anything, for `relatch check`.
    pub async fn probe(&self) -> Vec<(Channel, Result<(), Finding>)> {
        let mut probed = Vec::new();
        for sender in &self.senders {
            probed.push((sender.channel(), sender.probe().await));
        }
        probed
    }
}
