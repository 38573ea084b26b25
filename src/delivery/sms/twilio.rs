//! Twilio's Messages resource.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::by_status;
use crate::domain::PhoneNumber;
use crate::domain::delivery::{Outcome, Refusal};
use crate::net::Answer;
use crate::settings::Section;

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
        let auth_token = section.required_secret("auth_token", "auth_token_file", true);
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

pub(super) fn outcome(answer: &Answer) -> Outcome {
    match by_status(answer.status) {
        Outcome::Refused(Refusal::Address) => Outcome::Refused(refusal(&answer.body)),
        outcome @ (Outcome::Accepted | Outcome::Refused(_) | Outcome::Unknown) => outcome,
    }
}

/// Reads the code of a refusal (Twilio, "Error and Warning Dictionary").
fn refusal(body: &[u8]) -> Refusal {
    #[derive(Deserialize)]
    struct TwilioError {
        code: u32,
    }
    match serde_json::from_slice::<TwilioError>(body).map(|error| error.code) {
        Ok(20003 | 21606) => Refusal::Credentials,
        Ok(20429) => Refusal::Later,
        _ => Refusal::Address,
    }
}
