//! The generic gateway: POST JSON `{"id","to","text"}` with a bearer token.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use crate::domain::PhoneNumber;
use crate::settings::{SecretForm, Section};

pub(super) struct Webhook {
    pub(super) url: Url,
    pub(super) token: SecretString,
}

impl Webhook {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let url = section.required_url("url");
        let token = section.required_secret("token", "token_file", SecretForm::Strong);
        Some(Self {
            url: url?,
            token: token?,
        })
    }

    pub(super) fn request(
        &self,
        http: &reqwest::Client,
        to: &PhoneNumber,
        text: &str,
        id: &str,
    ) -> reqwest::RequestBuilder {
        http.post(self.url.clone())
            .bearer_auth(self.token.expose_secret())
            .json(&json!({ "id": id, "to": to.as_str(), "text": text }))
    }
}
