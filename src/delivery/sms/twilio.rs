//! Twilio's Messages resource.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::by_status;
use crate::domain::PhoneNumber;
use crate::domain::delivery::{Outcome, Refusal};
use crate::net::Answer;
use crate::settings::{SecretForm, Section};

const TWILIOS_API: &str = "https://api.twilio.com/";

pub(super) struct Twilio {
    pub(super) account_sid: String,
    pub(super) auth_token: SecretString,
    /// Our number or sender name.
    pub(super) from: String,
    pub(super) api_url: Url,
}

impl Twilio {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let account_sid = section.required("account_sid");
        let auth_token =
            section.required_secret("auth_token", "auth_token_file", SecretForm::TOKEN);
        let from = section.required("from");
        let api_url = section
            .url("api_url")
            .or_else(|| Url::parse(TWILIOS_API).ok());
        Some(Self {
            account_sid: account_sid?,
            auth_token: auth_token?,
            from: from?,
            api_url: api_url?,
        })
    }

    pub(super) fn request(
        &self,
        http: &reqwest::Client,
        to: &PhoneNumber,
        text: &str,
    ) -> reqwest::RequestBuilder {
        let mut url = self.api_url.clone();
        url.set_path(&format!(
            "/2010-04-01/Accounts/{}/Messages.json",
            self.account_sid
        ));
        http.post(url)
            .basic_auth(&self.account_sid, Some(self.auth_token.expose_secret()))
            .form(&[("To", to.as_str()), ("From", &self.from), ("Body", text)])
    }
}

/// What is read of a message that was accepted (Twilio, "Message resource").
#[derive(Deserialize)]
struct TwilioMessage {
    status: String,
    error_code: Option<u32>,
}

/// A refusal (Twilio, "Error and Warning Dictionary").
#[derive(Deserialize)]
struct TwilioError {
    code: u32,
}

pub(super) fn outcome(answer: &Answer) -> Outcome {
    let by_status = by_status(answer.status);
    match by_status {
        Outcome::Accepted => accepted(&answer.body),
        Outcome::Refused(Refusal::Later) | Outcome::Unknown => by_status,
        Outcome::Refused(_) => match serde_json::from_slice::<TwilioError>(&answer.body) {
            Ok(error) => Outcome::Refused(refusal(error.code)),
            // Not in Twilio's words: its own answers tell of each refusal by a code.
            Err(_) if by_status == Outcome::Refused(Refusal::Address) => {
                Outcome::Refused(Refusal::SetUp)
            }
            Err(_) => by_status,
        },
    }
}

/// A message that was taken can have failed already.
fn accepted(body: &[u8]) -> Outcome {
    match serde_json::from_slice::<TwilioMessage>(body) {
        Ok(message) if matches!(message.status.as_str(), "failed" | "undelivered") => {
            Outcome::Refused(message.error_code.map_or(Refusal::Message, refusal))
        }
        Ok(_) => Outcome::Accepted,
        Err(_) => Outcome::Unknown,
    }
}

/// What a code says (Twilio, "Error and Warning Dictionary"). Whatever is not listed is told to whoever runs relatch.
fn refusal(code: u32) -> Refusal {
    let why = match code {
        // No valid number, no mobile number, a landline; later a handset that cannot be reached, is unknown, or is none.
        21211 | 21614 | 21635 | 30003 | 30005 | 30006 => Refusal::Address,
        21610 => Refusal::OptedOut,
        20003 => Refusal::Credentials,
        // Too many requests or messages at a time; an internal error, after which it asks to send again.
        20429 | 21611 | 30001 | 30500 => Refusal::Later,
        // Among them 21408 and 21608: a region or a number that the account may not write to.
        _ => Refusal::SetUp,
    };
    tracing::warn!(
        twilio.code = code,
        why = why.code(),
        "Twilio refused a message"
    );
    why
}
