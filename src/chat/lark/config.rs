//! The settings of a Lark tenant: the section `[lark]`.

use secrecy::SecretString;
use url::Url;

use crate::settings::{SecretForm, Section};

/// Why nothing starts without the key, and where to make it.
const NO_ENCRYPT_KEY: &str = "is missing; without it anyone who has seen one event can forge others. Make an Encrypt Key \
    in the Lark developer console (your app, Events & Callbacks, Encryption Strategy) and give it here or as \
    encrypt_key_file";

/// The settings of a Lark tenant.
#[derive(Debug)]
pub struct Config {
    /// The custom app that calls are made for.
    pub app_id: String,
    /// With it the app gets its tenant token.
    pub app_secret: SecretString,
    /// Encrypts and signs events. Without it Lark proves an event only by the verification token, which is in every event,
    /// so anybody who saw one event could forge others.
    pub encrypt_key: SecretString,
    /// In the body of every event, so it proves nothing by itself.
    pub verification_token: SecretString,
    /// The one tenant that is served.
    pub tenant_key: String,
    /// The Open API of the cloud: Lark's or Feishu's.
    pub api_url: Url,
}

impl Config {
    pub(in crate::chat) fn read(mut section: Section<'_>, _own_url: Option<&Url>) -> Option<Self> {
        let app_id = section.required("app_id");
        let app_secret =
            section.required_secret("app_secret", "app_secret_file", SecretForm::Strong);
        let problems = section.problem_count();
        let encrypt_key = section.secret("encrypt_key", "encrypt_key_file", SecretForm::Strong);
        if encrypt_key.is_none() && section.problem_count() == problems {
            section.problem("encrypt_key", NO_ENCRYPT_KEY);
        }
        let verification_token = section.required_secret(
            "verification_token",
            "verification_token_file",
            SecretForm::Strong,
        );
        let tenant_key = section.required("tenant_key");
        let api_url = section.api_url("https://open.larksuite.com/open-apis/");
        section.end();
        Some(Self {
            app_id: app_id?,
            app_secret: app_secret?,
            encrypt_key: encrypt_key?,
            verification_token: verification_token?,
            tenant_key: tenant_key?,
            api_url: api_url?,
        })
    }
}
