//! Kannel's `sendsms` (Kannel, "User's Guide", chapter "Using SMS Box").

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::by_status;
use crate::domain::PhoneNumber;
use crate::domain::delivery::{Outcome, Refusal};
use crate::net::Answer;
use crate::settings::{SecretForm, Section};

pub(super) struct Kannel {
    /// The whole address, such as `http://127.0.0.1:13013/cgi-bin/sendsms`.
    pub(super) url: Url,
    pub(super) username: String,
    pub(super) password: SecretString,
}

impl Kannel {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let url = section.required_url("url");
        let username = section.required("username");
        let password = section.required_secret("password", "password_file", SecretForm::Password);
        Some(Self {
            url: url?,
            username: username?,
            password: password?,
        })
    }

    pub(super) fn request(
        &self,
        http: &reqwest::Client,
        to: &PhoneNumber,
        text: &str,
    ) -> reqwest::RequestBuilder {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("username", &self.username)
            .append_pair("password", self.password.expose_secret())
            .append_pair("to", to.as_str())
            .append_pair("text", text);
        if !text.is_ascii() {
            url.query_pairs_mut()
                .append_pair("coding", "2")
                .append_pair("charset", "UTF-8");
        }
        http.get(url)
    }
}

pub(super) fn outcome(answer: &Answer) -> Outcome {
    match (answer.status, answer.body.first()) {
        // "3: Queued for later" counts too: Kannel sends it as soon as the operator is reachable.
        (202, Some(b'0' | b'3')) => Outcome::Accepted,
        (503, _) => Outcome::Refused(Refusal::Later),
        // Of its answers with this status only "Number(s) has/have been denied by white- and/or black-lists." is about the
        // number; others are such as "Sender missing and no global set" (Kannel, `gw/smsbox.c`, `smsbox_req_handle`).
        (400, _) if !answer.body.starts_with(b"Number") => Outcome::Refused(Refusal::SetUp),
        (status, _) => match by_status(status) {
            // Kannel documents no other 2xx answer.
            Outcome::Accepted | Outcome::Unknown => Outcome::Unknown,
            outcome @ Outcome::Refused(_) => outcome,
        },
    }
}
