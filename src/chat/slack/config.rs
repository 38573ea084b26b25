//! The settings of a Slack workspace: the section `[slack]`.

use secrecy::SecretString;
use url::Url;

use crate::net;
use crate::settings::{SecretForm, Section};

/// The settings of a Slack workspace.
#[derive(Debug)]
pub struct Config {
    /// With it Slack signs what it posts.
    pub signing_secret: SecretString,
    /// The previous one, during a rotation.
    pub previous_signing_secret: Option<SecretString>,
    /// Authorizes calls of the Web API.
    pub bot_token: SecretString,
    /// The one workspace that is served.
    pub team_id: String,
    /// The one organization, on Enterprise Grid.
    pub enterprise_id: Option<String>,
    /// Where set, requests of another app of the workspace are refused.
    pub app_id: Option<String>,
    /// The Web API, with a slash at its end.
    pub api_url: Url,
    /// The allow-list of follow-up addresses: scheme, host and port.
    pub response_origins: Vec<Url>,
}

impl Config {
    pub(in crate::chat) fn read(mut section: Section<'_>, _own_url: Option<&Url>) -> Option<Self> {
        let signing = SecretForm::Token(not_a_signing_secret);
        let signing_secret =
            section.required_secret("signing_secret", "signing_secret_file", signing);
        let previous_signing_secret = section.secret(
            "previous_signing_secret",
            "previous_signing_secret_file",
            signing,
        );
        let bot = SecretForm::Token(not_a_bot_token);
        let bot_token = section.required_secret("bot_token", "bot_token_file", bot);
        let team_id = section
            .required("team_id")
            .filter(|id| is_own_id(&mut section, "team_id", id, 'T'));
        let enterprise_id = section
            .text("enterprise_id")
            .filter(|id| is_own_id(&mut section, "enterprise_id", id, 'E'));
        let app_id = section
            .text("app_id")
            .filter(|id| is_own_id(&mut section, "app_id", id, 'A'));
        let api_url = section.api_url("https://slack.com/api/");
        let response_origins = read_origins(&mut section);
        section.end();
        Some(Self {
            signing_secret: signing_secret?,
            previous_signing_secret,
            bot_token: bot_token?,
            team_id: team_id?,
            enterprise_id,
            app_id,
            api_url: api_url?,
            response_origins,
        })
    }
}

/// Tokens begin with `xox` or `xapp` (Slack, "Token types"); a signing secret does not.
fn not_a_signing_secret(secret: &str) -> Option<&'static str> {
    (secret.starts_with("xox") || secret.starts_with("xapp")).then_some(
        "is a token, not a signing secret, which is under Basic Information, App Credentials",
    )
}

/// Of the tokens only a bot's can do what relatch does (Slack, "Token types").
fn not_a_bot_token(token: &str) -> Option<&'static str> {
    (!token.starts_with("xoxb-")).then_some(
        "does not begin with xoxb-, so it is another of Slack's secrets; use the Bot User OAuth Token, which is under OAuth & \
        Permissions",
    )
}

fn read_origins(section: &mut Section<'_>) -> Vec<Url> {
    let origins = section
        .list("response_origins")
        .unwrap_or_else(|| vec!["https://hooks.slack.com".to_owned()]);
    let mut read = Vec::new();
    for origin in origins {
        match Url::parse(&origin) {
            Ok(url) if is_origin(&url) => read.push(url),
            _ => {
                section.problem(
                    "response_origins",
                    "each must be scheme, host and port only, https or this machine",
                );
            }
        }
    }
    read
}

/// True for a scheme, a host and a port, and nothing else.
fn is_origin(url: &Url) -> bool {
    net::is_acceptable_url(url)
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

fn is_own_id(section: &mut Section<'_>, key: &str, id: &str, first: char) -> bool {
    let fits = id.starts_with(first)
        && id.len() > 1
        && id
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !fits {
        section.problem(
            key,
            format!("must be an id of Slack that begins with {first}, such as {first}0123ABCDEF"),
        );
    }
    fits
}
