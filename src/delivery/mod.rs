//! E-mail and SMS, one file a channel, all behind [`Deliveries`].
//!
//! To add a channel or a gateway: write its adapter with its own `Config`, limits and tests, add a variant here, and
//! follow the compiler. Every end has a name; nothing is sent twice by itself.

mod memory;
pub mod sms;
pub mod smtp;

use zeroize::Zeroizing;

pub use self::memory::{Delivered, Outbox};
use crate::domain::country::SmsCountries;
use crate::domain::delivery::{DestinationDenied, Outcome, Refusal, Way, Ways};
use crate::domain::{self, Channel, Destination, EmailAddress, PhoneNumber, Plan, Step};

/// One message. It has no `Debug`, and its text, which may hold a password, is wiped on drop.
pub struct Note {
    /// The heading of an e-mail; an SMS has none.
    pub subject: String,
    /// The text.
    pub text: Zeroizing<String>,
}

/// What sends e-mail.
pub enum EmailChannel {
    /// A mail server.
    Smtp(smtp::Smtp),
    /// Kept in memory, for the demo and for tests.
    Memory(Outbox),
}

impl EmailChannel {
    /// Opens a connection up to an accepted recipient; nothing is sent yet.
    pub async fn prepare(&self, to: &EmailAddress) -> Result<PreparedEmail, Refusal> {
        match self {
            Self::Smtp(smtp) => smtp
                .prepare(to)
                .await
                .map(|ready| PreparedEmail::Smtp(Box::new(ready))),
            Self::Memory(outbox) => {
                outbox.prepare()?;
                Ok(PreparedEmail::Memory(outbox.clone(), to.clone()))
            }
        }
    }

    /// For `relatch check`: the error is a sentence for the operator.
    pub async fn probe(&self) -> Result<(), String> {
        match self {
            Self::Smtp(smtp) => smtp.probe().await,
            Self::Memory(_) => Ok(()),
        }
    }
}

/// An e-mail that only lacks its content.
pub enum PreparedEmail {
    /// An open connection with an accepted recipient.
    Smtp(Box<smtp::Ready>),
    /// A place in memory.
    Memory(Outbox, EmailAddress),
}

impl PreparedEmail {
    /// Sends the content.
    pub async fn send(self, note: &Note) -> Outcome {
        match self {
            Self::Smtp(ready) => ready.send(note).await,
            Self::Memory(outbox, to) => {
                outbox.send(Channel::Email, to.as_str(), &note.subject, &note.text)
            }
        }
    }

    /// Closes the connection without sending anything.
    pub async fn abandon(self) {
        if let Self::Smtp(ready) = self {
            ready.abandon().await;
        }
    }
}

/// What sends SMS.
pub enum SmsChannel {
    /// A gateway over HTTP.
    Gateway(sms::Gateway),
    /// Kept in memory, for the demo and for tests.
    Memory(Outbox),
}

impl SmsChannel {
    /// Submits one SMS, once. `id` lets a gateway recognise it.
    pub async fn send(&self, to: &PhoneNumber, text: &str, id: &str) -> Outcome {
        match self {
            Self::Gateway(gateway) => gateway.send(to, text, id).await,
            Self::Memory(outbox) => outbox.send(Channel::Sms, to.as_str(), "", text),
        }
    }

    /// For `relatch check`: is anybody there? Sends no SMS.
    pub async fn probe(&self) -> Result<(), String> {
        match self {
            Self::Gateway(gateway) => gateway.probe().await,
            Self::Memory(_) => Ok(()),
        }
    }
}

/// The channels that have settings.
#[derive(Default)]
pub struct Deliveries {
    /// E-mail.
    pub email: Option<EmailChannel>,
    /// SMS.
    pub sms: Option<SmsChannel>,
    /// What the organisation lets out.
    pub ways: Ways,
    /// Where SMS may go besides numbers on record.
    pub countries: SmsCountries,
}

impl Deliveries {
    /// True when the channel has settings.
    pub fn has(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.email.is_some(),
            Channel::Sms => self.sms.is_some(),
        }
    }

    /// Can a message go to this address, which somebody typed for the member?
    pub fn check_typed(
        &self,
        to: &Destination,
        member: &domain::Member,
    ) -> Result<(), DestinationDenied> {
        if !self.has(to.channel()) {
            return Err(DestinationDenied::ChannelOff(to.channel()));
        }
        match to {
            Destination::Phone(phone) => self
                .countries
                .check(phone, member)
                .map_err(DestinationDenied::Country),
            Destination::Email(_) => Ok(()),
        }
    }

    /// Makes everything ready that the plan needs. On failure nothing stays open, and the output at fault is named.
    pub async fn prepare(&self, plan: &Plan) -> Result<Prepared<'_>, (Step, Refusal)> {
        let to_member = match &plan.way {
            Way::Copy => Member::Shown,
            Way::Send(Destination::Email(to)) => Member::Email(
                self.prepare_email(to)
                    .await
                    .map_err(|why| (Step::Deliver, why))?,
            ),
            Way::Send(Destination::Phone(to)) => {
                if to.is_costly() {
                    return Err((Step::Deliver, Refusal::Address));
                }
                let sms = self
                    .sms
                    .as_ref()
                    .ok_or((Step::Deliver, Refusal::Unreachable))?;
                Member::Sms(sms, to.clone())
            }
        };
        let to_self = match &plan.copy_to_self {
            None => None,
            Some(to) => match self.prepare_email(to).await {
                Ok(ready) => Some(ready),
                Err(why) => {
                    Prepared {
                        to_member,
                        to_self: None,
                    }
                    .abandon()
                    .await;
                    return Err((Step::CopyToSelf, why));
                }
            },
        };
        Ok(Prepared { to_member, to_self })
    }

    async fn prepare_email(&self, to: &EmailAddress) -> Result<PreparedEmail, Refusal> {
        self.email
            .as_ref()
            .ok_or(Refusal::Unreachable)?
            .prepare(to)
            .await
    }

    /// Sends one message without a password to one address.
    pub async fn tell(&self, to: &Destination, note: &Note, id: &str) -> Outcome {
        let outcome = match to {
            Destination::Email(email) => match self.prepare_email(email).await {
                Ok(ready) => ready.send(note).await,
                Err(why) => Outcome::Refused(why),
            },
            Destination::Phone(phone) if phone.is_costly() => Outcome::Refused(Refusal::Address),
            Destination::Phone(phone) => match &self.sms {
                Some(sms) => sms.send(phone, &note.text, id).await,
                None => Outcome::Refused(Refusal::Unreachable),
            },
        };
        if outcome != Outcome::Accepted {
            tracing::warn!(to = %to.masked(), ?outcome, "a message was not accepted");
        }
        outcome
    }
}

enum Member<'a> {
    Shown,
    Email(PreparedEmail),
    Sms(&'a SmsChannel, PhoneNumber),
}

/// Outputs that are ready: nothing has left yet.
pub struct Prepared<'a> {
    to_member: Member<'a>,
    to_self: Option<PreparedEmail>,
}

impl Prepared<'_> {
    /// Sends every output, whatever the others' ends, and names each end.
    pub async fn send(self, mail: &Note, sms: &str, copy: &Note, id: &str) -> Vec<(Step, Outcome)> {
        let to_member = async {
            match self.to_member {
                Member::Shown => None,
                Member::Email(ready) => Some((Step::Deliver, ready.send(mail).await)),
                Member::Sms(channel, to) => Some((Step::Deliver, channel.send(&to, sms, id).await)),
            }
        };
        let to_self = async {
            match self.to_self {
                None => None,
                Some(ready) => Some((Step::CopyToSelf, ready.send(copy).await)),
            }
        };
        let (first, second) = tokio::join!(to_member, to_self);
        [first, second].into_iter().flatten().collect()
    }

    /// Closes everything without sending.
    pub async fn abandon(self) {
        for email in self.into_open() {
            email.abandon().await;
        }
    }

    /// The open connections, for a caller that closes them in a task of its own.
    pub fn into_open(self) -> Vec<PreparedEmail> {
        let to_member = match self.to_member {
            Member::Email(ready) => Some(ready),
            Member::Shown | Member::Sms(..) => None,
        };
        to_member.into_iter().chain(self.to_self).collect()
    }
}
