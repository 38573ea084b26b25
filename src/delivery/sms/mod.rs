//! SMS through HTTP gateways, one file a gateway. Each message is one request and is never sent again by itself.

mod kannel;
#[cfg(test)]
mod tests;
mod twilio;
mod webhook;

use futures_util::future::BoxFuture;
use std::error::Error;
use std::time::Duration;

use url::Url;

use self::kannel::Kannel;
use self::twilio::Twilio;
use self::webhook::Webhook;
use super::OutgoingText;
use crate::domain::PhoneNumber;
use crate::domain::country::Country;
use crate::domain::delivery::{Outcome, Refusal};
use crate::net::{self, Answer, CallError, Unreachable};
use crate::settings::{Finding, Section};

/// How long a gateway may take to answer; after that the outcome is unknown.
const DEADLINE: Duration = Duration::from_secs(15);

/// The gateways that exist; `kind` in the settings names one.
enum SmsGateway {
    Webhook(Webhook),
    Twilio(Twilio),
    Kannel(Kannel),
}

impl SmsGateway {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        match section.required("kind")?.as_str() {
            "webhook" => Webhook::read(section).map(Self::Webhook),
            "twilio" => Twilio::read(section).map(Self::Twilio),
            "kannel" => Kannel::read(section).map(Self::Kannel),
            _ => {
                section.problem("kind", "must be webhook, twilio or kannel");
                None
            }
        }
    }

    fn url(&self) -> &Url {
        match self {
            Self::Webhook(webhook) => &webhook.url,
            Self::Twilio(twilio) => &twilio.api_url,
            Self::Kannel(kannel) => &kannel.url,
        }
    }

    /// The key of the settings that names the address.
    fn url_key(&self) -> &'static str {
        match self {
            Self::Webhook(_) | Self::Kannel(_) => "url",
            Self::Twilio(_) => "api_url",
        }
    }

    fn request(
        &self,
        http: &reqwest::Client,
        to: &PhoneNumber,
        text: &str,
        id: &str,
    ) -> reqwest::RequestBuilder {
        match self {
            Self::Webhook(webhook) => webhook.request(http, to, text, id),
            Self::Twilio(twilio) => twilio.request(http, to, text),
            Self::Kannel(kannel) => kannel.request(http, to, text),
        }
    }

    fn outcome(&self, answer: &Answer) -> Outcome {
        match self {
            Self::Webhook(_) => by_status(answer.status),
            Self::Twilio(_) => twilio::outcome(answer),
            Self::Kannel(_) => kannel::outcome(answer),
        }
    }
}

pub struct Config {
    gateway: SmsGateway,
    countries: Vec<Country>,
}

impl Config {
    /// Reads the section; what is wrong is noted there.
    pub(super) fn read(mut section: Section<'_>) -> Option<Self> {
        let countries = section.parsed_list("countries").unwrap_or_default();
        let gateway = SmsGateway::read(&mut section);
        section.end();
        Some(Self {
            gateway: gateway?,
            countries,
        })
    }

    /// The countries that typed numbers may belong to; all where none is named.
    pub(super) fn countries(&self) -> &[Country] {
        &self.countries
    }
}

pub(crate) struct Sender {
    gateway: SmsGateway,
    http: reqwest::Client,
    deadline: Duration,
}

/// A number that will get one SMS. Nothing is asked of the gateway before.
pub(crate) struct Ready<'a> {
    sender: &'a Sender,
    to: PhoneNumber,
}

impl Sender {
    /// The adapter with these settings.
    pub(super) fn open(config: Config, http: &reqwest::Client) -> Self {
        Self {
            gateway: config.gateway,
            http: http.clone(),
            deadline: DEADLINE,
        }
    }

    #[expect(clippy::unused_async, reason = "other channels have to connect here")]
    pub(super) async fn prepare(&self, to: &PhoneNumber) -> Result<Ready<'_>, Refusal> {
        Ok(Ready {
            sender: self,
            to: to.clone(),
        })
    }

    /// For `relatch check`: connects to the gateway and sends nothing.
    pub(super) async fn probe(&self) -> Result<(), Finding> {
        let url = self.gateway.url();
        let host = url
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let connect = tokio::net::TcpStream::connect((host, port));
        if let Ok(Ok(_)) = tokio::time::timeout(net::CONNECT_DEADLINE, connect).await {
            return Ok(());
        }
        let told = "the SMS gateway does not answer; look at the address, and whether this machine may connect to it";
        Err(Finding::of(self.gateway.url_key(), told))
    }
}

impl Ready<'_> {
    /// Submits the SMS, once. A gateway that knows `id` already can tell that it was sent before.
    pub(super) async fn send(self, text: OutgoingText<'_>) -> Outcome {
        let Self { sender, to } = self;
        let request = sender
            .gateway
            .request(&sender.http, &to, text.body, text.id)
            .timeout(sender.deadline);
        let (outcome, status) = match net::call(request).await {
            Ok(answer) => (sender.gateway.outcome(&answer), Some(answer.status)),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn Error,
                    "the SMS gateway gave no answer"
                );
                (no_answer(&error), None)
            }
        };
        if outcome != Outcome::Accepted {
            tracing::warn!(
                to = %to.masked(),
                ?outcome,
                http.status = status,
                "the SMS gateway did not accept a message"
            );
        }
        outcome
    }

    /// Nothing is open.
    #[expect(clippy::unused_self, reason = "other channels have to disconnect here")]
    pub(super) fn closing(self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What no answer tells of the message. A certificate that is not trusted, or a port without TLS, does not mend itself.
fn no_answer(error: &CallError) -> Outcome {
    match error {
        CallError::NotSent(cause) if Unreachable::of(cause).is_lasting() => {
            Outcome::Refused(Refusal::Tls)
        }
        CallError::NotSent(_) => Outcome::Refused(Refusal::Unreachable),
        CallError::NoAnswer(_) | CallError::TooLong(_) | CallError::Malformed => Outcome::Unknown,
    }
}

/// 2xx: accepted; 401 and 403: our credentials; 402, 404, 405 and 415: how relatch is set up there, such as a wrong path;
/// 429: rate limit; any other 4xx: the number. A redirect, a conflict ("this id was sent before"), a timeout and everything
/// else do not tell what became of the message.
fn by_status(status: u16) -> Outcome {
    match status {
        200..=299 => Outcome::Accepted,
        401 | 403 => Outcome::Refused(Refusal::Credentials),
        402 | 404 | 405 | 415 => Outcome::Refused(Refusal::SetUp),
        429 => Outcome::Refused(Refusal::Later),
        300..=399 | 408 | 409 | 425 => Outcome::Unknown,
        400..=499 => Outcome::Refused(Refusal::Address),
        _ => Outcome::Unknown,
    }
}
