//! Slack: signed slash commands, Block Kit, and `users.info` for who is who.
//!
//! Sources: Slack's pages "Verifying requests from Slack", "Slash commands", "Interaction payloads", "Block Kit".

mod blocks;
mod wire;

use std::time::Duration;

use axum::http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::common::{Profiles, check_content_type, end_of_follow_up, wait};
use super::interaction::{Ask, NamedMember, Trigger, Word};
use super::signature::{EmptySecret, SigningSecrets, fresh_timestamp, only_header, replay_key};
use super::{
    Adapter, ChatParts, Click, Command, Form, FormSubmitted, Freshness, Immediate, Interaction,
    Kind, Message, NotVerified, Origin, Placement, Planned, Profile, RegisterError, ReplyAddress,
    Standing, Verified, WhoError,
};
use crate::clock::Clock;
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{ChatUser, EmailAddress, Moment, Password, Platform, Role, Span};
use crate::form::Fields;
use crate::net;
use crate::settings::Section;
use crate::store::ReplayKey;

/// Where Slack posts slash commands.
pub const COMMANDS_ROUTE: &str = "/slack/commands";
/// Where Slack posts clicks and forms.
pub const INTERACTIONS_ROUTE: &str = "/slack/interactions";
/// Both.
pub(super) const ROUTES: &[&str] = &[COMMANDS_ROUTE, INTERACTIONS_ROUTE];
/// The command in the manifest.
pub const COMMAND_NAME: &str = "/reset-password";
/// The scopes in the manifest: one to get commands, two to know who is who.
pub const SCOPES: [&str; 3] = ["commands", "users:read", "users:read.email"];

/// The app as Slack takes it, with a stand-in for our address.
pub const MANIFEST: &str = include_str!("../../../manifests/slack.yaml");

/// How long a response address works (Slack, "Handling user interaction": 30 minutes), less a minute for the way.
const REPLY_LIFE: Span = Span::minutes(29);
/// A trigger lives 3 s (Slack, "Modals"), so opening a form may not take longer.
const FORM_DEADLINE: Duration = Duration::from_millis(2500);
/// How long Slack may take to say who somebody is.
const WHO_DEADLINE: Duration = Duration::from_secs(5);
/// How long Slack may take to accept a follow-up.
const FOLLOW_UP_DEADLINE: Duration = Duration::from_secs(5);

/// What relatch must know of a Slack workspace.
#[derive(Debug)]
pub struct Config {
    /// The app's signing secret.
    pub signing_secret: SecretString,
    /// The one before, while it is being rotated.
    pub previous_signing_secret: Option<SecretString>,
    /// The app's bot token.
    pub bot_token: SecretString,
    /// The one workspace that is served.
    pub team_id: String,
    /// The one organisation, on Enterprise Grid.
    pub enterprise_id: Option<String>,
    /// The one app.
    pub app_id: Option<String>,
    /// The Web API.
    pub api_url: Url,
    /// Where follow-ups may go: scheme, host and port.
    pub response_origins: Vec<Url>,
}

impl Config {
    /// Reads the section `[slack]`.
    pub(super) fn read(mut section: Section<'_>, _own_url: Option<&Url>) -> Option<Self> {
        let signing_secret = section.required_secret("signing_secret", "signing_secret_file", true);
        let previous_signing_secret = section.secret(
            "previous_signing_secret",
            "previous_signing_secret_file",
            true,
        );
        let bot_token = section.required_secret("bot_token", "bot_token_file", true);
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
        let origins = section
            .list("response_origins")
            .unwrap_or_else(|| vec!["https://hooks.slack.com".to_owned()]);
        let mut response_origins = Vec::new();
        for origin in origins {
            match Url::parse(&origin) {
                Ok(url) if is_origin(&url) => response_origins.push(url),
                _ => {
                    section.problem(
                        "response_origins",
                        "each must be scheme, host and port only, https or this machine",
                    );
                }
            }
        }
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

/// Scheme, host and port, and nothing else.
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
            format!("must be an id of Slack that begins with {first}"),
        );
    }
    fits
}

/// One Slack workspace.
pub struct Slack {
    config: Config,
    secrets: SigningSecrets,
    http: reqwest::Client,
    clock: Clock,
    profiles: Profiles,
}

impl Slack {
    /// The adapter for one workspace.
    pub fn new(config: Config, http: reqwest::Client, clock: Clock) -> Result<Self, EmptySecret> {
        let secrets = SigningSecrets::new(
            &config.signing_secret,
            config.previous_signing_secret.as_ref(),
        )?;
        Ok(Self {
            config,
            secrets,
            http,
            clock,
            profiles: Profiles::default(),
        })
    }

    pub(super) fn open(config: Config, parts: &ChatParts) -> Result<Self, EmptySecret> {
        Self::new(config, parts.http.clone(), parts.clock.clone())
    }

    /// Verifies and reads one request (Slack, "Verifying requests from Slack").
    pub(super) fn receive(
        &self,
        route: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<Verified<Interaction>, NotVerified> {
        check_content_type(headers, "application/x-www-form-urlencoded")?;
        // The certificate check is not signed. It is answered only when it is the whole request, and does nothing.
        if is_ssl_check(body) {
            return Ok(Verified::new(Interaction::Ping));
        }
        let key = self.verify(headers, body, now)?;
        let fields = Fields::read(body)?;
        let interaction = match route {
            COMMANDS_ROUTE => self.read_command(&fields, key, now)?,
            INTERACTIONS_ROUTE => self.read_payload(fields.required("payload")?, key, now)?,
            _ => return Err(NotVerified::Unsigned("route")),
        };
        Ok(Verified::new(interaction))
    }

    /// The headers with which Slack would send `body` now; `relatch replay` and the demo play Slack.
    pub fn sign(&self, body: &[u8], now: Moment) -> [(&'static str, String); 2] {
        let timestamp = now.unix_seconds().to_string();
        let signature = self
            .secrets
            .sign(&[b"v0:", timestamp.as_bytes(), b":", body])
            .map(hex::encode)
            .unwrap_or_default();
        [
            ("X-Slack-Request-Timestamp", timestamp),
            ("X-Slack-Signature", format!("v0={signature}")),
        ]
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<ReplayKey, NotVerified> {
        let timestamp = only_header(headers, "x-slack-request-timestamp")?;
        let signature = only_header(headers, "x-slack-signature")?;
        let signed_at = fresh_timestamp(timestamp, now)?;
        let digits = signature
            .strip_prefix("v0=")
            .ok_or(NotVerified::Unsigned("form"))?;
        let is_lower_hex = digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let mut bytes = [0; 32];
        if !is_lower_hex || hex::decode_to_slice(digits, &mut bytes).is_err() {
            return Err(NotVerified::Unsigned("form"));
        }
        let signed: [&[u8]; 4] = [b"v0:", timestamp.as_bytes(), b":", body];
        self.secrets.verify(&signed, &bytes)?;
        Ok(replay_key(Platform::Slack, signed_at, &signed))
    }

    fn read_command(
        &self,
        fields: &Fields<'_>,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let team = fields.required("team_id")?;
        self.check_pins(team, fields.get("enterprise_id"), fields.get("api_app_id"))?;
        let user = self.user(fields.required("user_id")?)?;
        let reply = fields
            .get("response_url")
            .map(|url| self.reply_address(url, now))
            .transpose()?;
        let words = read_words(fields.get("text").unwrap_or_default());
        let origin = Origin {
            user,
            replay,
            reply,
            received_at: now,
        };
        Ok(Interaction::Command(Command {
            origin,
            ask: Ask::read(&words),
        }))
    }

    fn read_payload(
        &self,
        payload: &str,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let payload =
            serde_json::from_str(payload).map_err(|_| NotVerified::Malformed("the payload"))?;
        match payload {
            wire::Payload::BlockActions(pressed) => self.read_click(pressed, replay, now),
            wire::Payload::ViewSubmission(submitted) => self.read_form(submitted, replay, now),
            wire::Payload::Other => Err(NotVerified::Malformed("a type that we never ask for")),
        }
    }

    fn read_click(
        &self,
        pressed: wire::Pressed,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        self.check_payload_pins(
            pressed.team.as_ref(),
            pressed.enterprise.as_ref(),
            &pressed.user,
            pressed.api_app_id.as_deref(),
        )?;
        let [action] = pressed.actions.as_slice() else {
            return Err(NotVerified::Malformed("not exactly one action"));
        };
        let origin = Origin {
            user: self.user(&pressed.user.id)?,
            replay,
            reply: pressed
                .response_url
                .as_deref()
                .map(|url| self.reply_address(url, now))
                .transpose()?,
            received_at: now,
        };
        Ok(Interaction::Click(Click {
            origin,
            action: action
                .action_id
                .parse()
                .map_err(|_| NotVerified::Malformed("an unknown action"))?,
            value: action
                .value
                .clone()
                .ok_or(NotVerified::Malformed("a button without a value"))?,
            trigger: pressed.trigger_id.map(Trigger::new),
        }))
    }

    fn read_form(
        &self,
        submitted: wire::Submitted,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let wire::Submitted {
            user,
            team,
            enterprise,
            api_app_id,
            view,
        } = submitted;
        self.check_payload_pins(
            team.as_ref(),
            enterprise.as_ref(),
            &user,
            api_app_id.as_deref(),
        )?;
        let kind = view
            .callback_id
            .parse()
            .map_err(|_| NotVerified::Malformed("an unknown form"))?;
        let (block_id, action_id) = blocks::input(kind);
        let input = view
            .state
            .values
            .get(block_id)
            .and_then(|block| block.get(action_id));
        let typed = input
            .ok_or(NotVerified::Malformed("a form without its input"))?
            .value
            .clone()
            .unwrap_or_default();
        Ok(Interaction::Form(FormSubmitted {
            origin: Origin {
                user: self.user(&user.id)?,
                replay,
                reply: None,
                received_at: now,
            },
            kind,
            once: None,
            value: view.private_metadata,
            typed,
        }))
    }

    /// W18: the request must be for our workspace, our organisation and our app, as far as they are pinned.
    fn check_pins(
        &self,
        team: &str,
        enterprise: Option<&str>,
        app: Option<&str>,
    ) -> Result<(), NotVerified> {
        let fits = |pinned: &Option<String>, given: Option<&str>| {
            pinned.is_none() || pinned.as_deref() == given
        };
        if team != self.config.team_id {
            return Err(NotVerified::Unsigned("workspace"));
        }
        if !fits(&self.config.enterprise_id, enterprise) {
            return Err(NotVerified::Unsigned("enterprise"));
        }
        if fits(&self.config.app_id, app) {
            Ok(())
        } else {
            Err(NotVerified::Unsigned("app"))
        }
    }

    fn check_payload_pins(
        &self,
        team: Option<&wire::Team>,
        enterprise: Option<&wire::Enterprise>,
        user: &wire::User,
        app: Option<&str>,
    ) -> Result<(), NotVerified> {
        // `team` is null where the app is installed for a whole organisation; then the user's own workspace counts.
        let team_id = team
            .map(|team| team.id.as_str())
            .or(user.team_id.as_deref())
            .ok_or(NotVerified::Unsigned("workspace"))?;
        let enterprise_id = team
            .and_then(|team| team.enterprise_id.as_deref())
            .or(enterprise.map(|it| it.id.as_str()));
        self.check_pins(team_id, enterprise_id, app)
    }

    fn user(&self, id: &str) -> Result<ChatUser, NotVerified> {
        if !is_user_id(id) {
            return Err(NotVerified::Malformed("a user id"));
        }
        Ok(ChatUser {
            platform: Platform::Slack,
            tenant: self.config.team_id.clone(),
            user: id.to_owned(),
        })
    }

    /// An address outside the allow-list makes the whole request malformed; nothing is ever sent there.
    fn reply_address(&self, url: &str, now: Moment) -> Result<ReplyAddress, NotVerified> {
        if self.is_allowed(url) {
            Ok(ReplyAddress::new(url.to_owned(), now + REPLY_LIFE))
        } else {
            Err(NotVerified::Malformed(
                "a response address of somebody else",
            ))
        }
    }

    fn is_allowed(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| {
            url.username().is_empty()
                && url.password().is_none()
                && net::is_acceptable_url(&url)
                && self
                    .config
                    .response_origins
                    .iter()
                    .any(|origin| origin.origin() == url.origin())
        })
    }

    async fn post(&self, to: &ReplyAddress, body: &blocks::Sent<'_>) -> Outcome {
        if !self.is_allowed(to.expose()) || self.clock.now() > to.until {
            return Outcome::Refused(Refusal::Unreachable);
        }
        let request = self
            .http
            .post(to.expose())
            .timeout(FOLLOW_UP_DEADLINE)
            .json(body);
        end_of_follow_up(&net::call(request).await)
    }

    async fn api(
        &self,
        method: &str,
        request: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<wire::ApiAnswer, WhoError> {
        let url = self
            .config
            .api_url
            .join(method)
            .map_err(|_| WhoError::Unavailable)?;
        let call = request(
            self.http
                .post(url)
                .bearer_auth(self.config.bot_token.expose_secret())
                .timeout(WHO_DEADLINE),
        );
        let answer = net::call(call).await.map_err(|error| {
            tracing::warn!(
                platform = "slack",
                method,
                error = &error as &dyn std::error::Error,
                "Slack could not be asked"
            );
            WhoError::Unavailable
        })?;
        if answer.status == 429 {
            return Err(WhoError::RateLimited(wait(answer.retry_after)));
        }
        let parsed: wire::ApiAnswer = serde_json::from_slice(&answer.body).map_err(|_| {
            tracing::warn!(
                platform = "slack",
                method,
                status = answer.status,
                "Slack's answer could not be understood"
            );
            WhoError::Unavailable
        })?;
        if parsed.ok {
            return Ok(parsed);
        }
        let error = parsed.error.unwrap_or_default();
        tracing::warn!(platform = "slack", method, slack.error = %error, "Slack refused a call");
        Err(match error.as_str() {
            "user_not_found" | "user_not_visible" | "users_not_found" => WhoError::NotFound,
            "missing_scope" => WhoError::MissingScope(parsed.needed.unwrap_or_default()),
            "ratelimited" => WhoError::RateLimited(wait(answer.retry_after)),
            "invalid_auth" | "not_authed" | "token_revoked" | "token_expired"
            | "account_inactive" => WhoError::Refused(error),
            _ => WhoError::Unavailable,
        })
    }

    fn judge(&self, account: &wire::Account) -> Profile {
        let enterprise = account.enterprise_user.as_ref();
        let is_ours = account.team_id.as_deref() == Some(self.config.team_id.as_str())
            || enterprise.is_some_and(|user| {
                self.config.enterprise_id.is_some()
                    && user.enterprise_id == self.config.enterprise_id
                    && user.teams.contains(&self.config.team_id)
            });
        let standing = if account.deleted {
            Standing::Deleted
        } else if account.is_bot || account.id == "USLACKBOT" {
            Standing::Bot
        } else if account.is_stranger || !is_ours {
            Standing::Stranger
        } else if account.is_restricted || account.is_ultra_restricted {
            Standing::Guest
        } else {
            Standing::Member
        };
        let role = if account.is_owner
            || account.is_primary_owner
            || enterprise.is_some_and(|user| user.is_owner)
        {
            Role::PrimaryAdmin
        } else if account.is_admin || enterprise.is_some_and(|user| user.is_admin) {
            Role::MemberAndDepartment
        } else {
            Role::Member
        };
        let confirmed = account
            .profile
            .email
            .as_deref()
            .filter(|_| account.is_email_confirmed);
        Profile {
            standing,
            confirmed_email: confirmed.and_then(|email| email.parse().ok()),
            role,
        }
    }
}

/// An answer's body. Texts and flags can always be written.
fn body(answer: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap_or_default()
}

impl Adapter for Slack {
    fn platform(&self) -> Platform {
        Platform::Slack
    }

    async fn profile(&self, user: &ChatUser, freshness: Freshness) -> Result<Profile, WhoError> {
        let now = self.clock.now();
        if freshness == Freshness::Cached
            && let Some(profile) = self.profiles.get(&user.user, now)
        {
            return Ok(profile);
        }
        // `users.info` takes a form, not JSON.
        let answer = self
            .api("users.info", |call| {
                call.form(&[("user", user.user.as_str())])
            })
            .await?;
        let account = answer
            .user
            .filter(|account| account.id == user.user)
            .ok_or(WhoError::Unavailable)?;
        let profile = self.judge(&account);
        self.profiles.keep(&user.user, &profile, now);
        Ok(profile)
    }

    async fn profile_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<(String, Profile)>, WhoError> {
        match self
            .api("users.lookupByEmail", |call| {
                call.form(&[("email", email.as_str())])
            })
            .await
        {
            Ok(answer) => {
                let account = answer.user.ok_or(WhoError::Unavailable)?;
                let profile = self.judge(&account);
                Ok(Some((account.id, profile)))
            }
            Err(WhoError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn tells_emails(&self) -> bool {
        true
    }

    fn immediate(&self, kind: Kind, answer: Immediate<'_>) -> Vec<u8> {
        match (kind, answer) {
            // A body would not reach anybody (Slack, "Block actions").
            (Kind::Click, Immediate::Say(_)) => Vec::new(),
            (_, Immediate::Say(message)) | (Kind::Command, Immediate::Working(message)) => {
                body(&blocks::message(message, None, None))
            }
            (Kind::Form(form), Immediate::FormError(text)) => body(&blocks::form_error(form, text)),
            // A body would not replace the message of a click (Slack, "Block actions"), and forms are opened by a call.
            (
                _,
                Immediate::Taken
                | Immediate::Working(_)
                | Immediate::Open(..)
                | Immediate::Challenge(_)
                | Immediate::FormError(_),
            ) => Vec::new(),
        }
    }

    /// "Working …" stays, and the answer comes below it.
    fn late_placement(&self) -> Placement {
        Placement::Add
    }

    fn opens_forms_at_once(&self) -> bool {
        false
    }

    fn can_replace(&self) -> bool {
        true
    }

    /// Every click brings an address of its own, so no address is used up.
    fn uses_left(&self, _to: &ReplyAddress) -> u32 {
        u32::MAX
    }

    async fn follow_up(
        &self,
        to: &ReplyAddress,
        message: &Message,
        placement: Placement,
    ) -> Outcome {
        self.post(to, &blocks::message(message, None, Some(placement)))
            .await
    }

    async fn show(&self, to: &ReplyAddress, message: &Message, password: &Password) -> Outcome {
        self.post(
            to,
            &blocks::message(message, Some(password), Some(Placement::Replace)),
        )
        .await
    }

    async fn open_form(&self, trigger: &Trigger, form: &Form) -> Result<(), WhoError> {
        let body = json!({ "trigger_id": trigger.expose(), "view": blocks::modal(form) });
        self.api("views.open", |call| call.timeout(FORM_DEADLINE).json(&body))
            .await
            .map(drop)
    }

    async fn planned(&self, _team: Option<&str>) -> Result<Vec<Planned>, RegisterError> {
        Err(RegisterError::Said(
            "Slack takes its command from the manifest: relatch manifest slack --url URL",
        ))
    }

    /// Never called: nothing is planned.
    async fn register(&self, _planned: &[Planned]) -> Result<Option<SecretString>, RegisterError> {
        Ok(None)
    }

    async fn probe(&self) -> Result<(), String> {
        self.api("auth.test", |call| call)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

/// `ssl_check=1`, alone or with the old verification token, and nothing else.
fn is_ssl_check(body: &[u8]) -> bool {
    body.len() <= 256
        && Fields::read(body).is_ok_and(|fields| {
            fields.get("ssl_check") == Some("1") && fields.has_only(&["ssl_check", "token"])
        })
}

fn is_user_id(id: &str) -> bool {
    (2..=32).contains(&id.len())
        && id.starts_with(['U', 'W'])
        && id
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Cuts a command's text into words. With `should_escape` a mention is `<@U…|name>` or `<@U…>`, an address
/// `<mailto:…|…>`, and a typed `<` is `&lt;`: so an angle bracket always comes from Slack.
fn read_words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = if rest.starts_with('<') {
            rest.find('>').map_or(rest.len(), |at| at + 1)
        } else {
            rest.find(|c: char| c.is_whitespace() || c == '<')
                .unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at(end);
        words.push(read_word(word));
        rest = after.trim_start();
    }
    words
}

fn read_word(word: &str) -> Word {
    let inside = word
        .strip_prefix('<')
        .and_then(|word| word.strip_suffix('>'));
    let target = inside.map(|inside| {
        inside
            .split_once('|')
            .map_or(inside, |(target, _label)| target)
    });
    let member = match target {
        Some(target) => match (target.strip_prefix('@'), target.strip_prefix("mailto:")) {
            (Some(id), _) if is_user_id(id) => Some(NamedMember::Mention(id.to_owned())),
            (_, Some(email)) => email.parse().ok().map(NamedMember::Email),
            _ => None,
        },
        None => unescape(word).parse().ok().map(NamedMember::Email),
    };
    member.map_or_else(|| Word::Text(unescape(word)), Word::Member)
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests;
