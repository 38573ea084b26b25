//! The settings of a Mattermost server: the section `[mattermost]`.

use secrecy::SecretString;
use url::Url;

use crate::secret::is_weak_secret;
use crate::settings::{SecretForm, Section, foreign_to_tokens, with_slash};

/// The settings of a Mattermost server.
#[derive(Debug)]
pub struct Config {
    /// Its address, as its users know it.
    pub url: Url,
    /// The tokens of our slash command, one for each team that has it.
    pub command_tokens: Vec<SecretString>,
    /// The token of a bot that may read users with their e-mails.
    pub bot_token: SecretString,
    /// Services of which an account's e-mail counts as confirmed, beside LDAP and SAML (`auth_service`).
    pub trusted_auth_services: Vec<String>,
    /// Our own address, as Mattermost reaches it.
    pub own_url: Url,
}

impl Config {
    /// Reads the section `[mattermost]`; clicks are posted to `own_url`. That it is missing is noted elsewhere.
    pub(in crate::chat) fn read(mut section: Section<'_>, own_url: Option<&Url>) -> Option<Self> {
        let url = section.required_url("url").map(with_slash);
        // It may be empty: `relatch register mattermost` makes the command and prints its token.
        let tokens = section.list("command_tokens").unwrap_or_default();
        let foreign = tokens.iter().find_map(|token| foreign_to_tokens(token));
        if let Some(wrong) = foreign {
            section.problem("command_tokens", format!("one of them {wrong}"));
        } else if tokens.iter().any(|token| is_weak_secret(token)) {
            section.problem(
                "command_tokens",
                "holds a token that is too short, or a placeholder",
            );
        }
        let bot_token = section.required_secret("bot_token", "bot_token_file", SecretForm::TOKEN);
        let trusted = section.list("trusted_auth_services").unwrap_or_default();
        if trusted.iter().any(|name| !is_service_name(name)) {
            section.problem(
                "trusted_auth_services",
                "must be a list of names such as [\"gitlab\"], as the server gives them in auth_service",
            );
        }
        section.end();
        Some(Self {
            url: url?,
            command_tokens: tokens.into_iter().map(SecretString::from).collect(),
            bot_token: bot_token?,
            trusted_auth_services: trusted,
            own_url: own_url?.clone(),
        })
    }
}

/// True for a name of a service: an empty one would be a password of the server's own.
fn is_service_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
