//! Mattermost: slash commands with the token of their team, buttons and dialogs with a value that only we can make.
//!
//! Sources: Mattermost's pages "Custom slash commands", "Interactive messages", "Interactive dialogs", and its server's
//! `app/command.go`, `app/integration_action.go`, `api4/post.go`.
//!
//! Of a request the server signs only the user and the time, in `trigger_id`. A trigger that another integration received
//! is valid here too, so anybody who knows the command's token can send a command in that user's name. Therefore commands
//! that change something, and messages that nobody else may see, go to the signed user alone.

mod account;
mod check;
mod check_commands;
mod commands;
mod config;
mod dialog;
mod markdown;
mod mention;
mod permission;
mod refusal;
mod render;
mod reply;
mod request;
mod server;
mod server_fact;
mod trigger;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use self::account::EmailSettings;
pub use self::config::Config;
use self::dialog::DialogState;
use self::permission::PostPermission;
use self::reply::MattermostReply;
use self::server::{BotRights, bad_address, not_answered};
use self::server_fact::ServerFact;
use self::trigger::{SignedTrigger, SigningKey};
use super::account::{AccountIds, ProfileCache};
use super::adapter::ONLY_POST;
use super::api::{read_rest, sent_outcome};
use super::interaction::Trigger;
use super::use_counts::UseCounts;
use super::{
    Adapter, ApiError, Asking, Assurance, ChatParts, EmptySecret, Examination, Form, Freshness,
    Immediate, Interaction, InteractionKind, Matching, Message, NotVerified, Placement,
    PlannedCommand, Profile, RegisterError, ReplyAddress, ShownPassword, Verified,
};
use crate::clock::Clock;
use crate::domain::delivery::Outcome;
use crate::domain::{ChatUser, EmailAddress, Moment, Platform, Span};
use crate::net;
use crate::secret::Keys;
use crate::settings::Finding;
use crate::telemetry::LogSampler;

/// Where Mattermost posts slash commands.
pub const COMMANDS_ROUTE: &str = "/mattermost/commands";
pub(crate) const ACTIONS_ROUTE: &str = "/mattermost/actions";
pub(crate) const DIALOGS_ROUTE: &str = "/mattermost/dialogs";
/// The routes that are served.
pub(super) const ROUTES: &[&str] = &[COMMANDS_ROUTE, ACTIONS_ROUTE, DIALOGS_ROUTE];
/// Mattermost tells e-mails, and how an account signs in, which tells whether its e-mail is confirmed.
pub(super) const TELLS_EMAILS: bool = true;
/// They stand in the System Console under "Users".
pub(super) const ACCOUNT_IDS: AccountIds = AccountIds {
    is_one: is_id,
    form: "26 lower-case letters and digits, such as 4xp9fdt77pncbef59f4k1qe83o",
};
/// The command in the manifest.
pub const COMMAND_NAME: &str = "/reset-password";
/// The command, with a placeholder for our address.
pub const MANIFEST: &str = include_str!("../../../manifests/mattermost.json");
/// How long an administrator is told about a reset.
const REPLY_LIFE: Span = Span::hours(24);
/// How long a response address works (Mattermost, "Custom slash commands": 30 minutes), less a minute as a margin.
const HOOK_LIFE: Span = Span::minutes(29);
/// How often a response address works.
const REPLY_USES: u32 = 5;
/// The deadline of a call.
const CALL_DEADLINE: Duration = Duration::from_secs(5);
/// The adapter of one Mattermost server, which the settings name.
pub struct Mattermost {
    config: Config,
    keys: Keys,
    http: reqwest::Client,
    clock: Clock,
    profiles: ProfileCache,
    /// How often each response address was used.
    used: Arc<UseCounts>,
    /// The key with which the server signs triggers; `None` inside if the server has no such key.
    signing_key: Arc<ServerFact<Option<SigningKey>>>,
    /// Whether the bot may send a message to one user alone.
    may_post: Arc<PostPermission>,
    /// What the bot may do.
    rights: Arc<ServerFact<BotRights>>,
    /// What the server says about the e-mails of accounts.
    email_settings: Arc<ServerFact<EmailSettings>>,
    other_hooks: LogSampler,
}

impl Mattermost {
    /// The adapter for one server.
    pub fn new(config: Config, keys: Keys, http: reqwest::Client, clock: Clock) -> Self {
        let (profiles, used) = (ProfileCache::default(), Arc::default());
        let (signing_key, may_post) = (Arc::default(), Arc::default());
        Self {
            config,
            keys,
            http,
            clock,
            profiles,
            used,
            signing_key,
            may_post,
            rights: Arc::default(),
            email_settings: Arc::default(),
            other_hooks: LogSampler::default(),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "same signature on all platforms")]
    pub(super) fn open(config: Config, parts: &ChatParts) -> Result<Self, EmptySecret> {
        if config.command_tokens.is_empty() {
            tracing::warn!(
                "mattermost.command_tokens is empty, so no command is taken; run `relatch register mattermost`"
            );
        }
        Ok(Self::new(
            config,
            parts.keys.clone(),
            parts.http.clone(),
            parts.clock.clone(),
        ))
    }

    /// The address of one of our routes.
    fn own(&self, route: &str) -> String {
        format!(
            "{}{route}",
            self.config.own_url.as_str().trim_end_matches('/')
        )
    }
}

impl Adapter for Mattermost {
    fn platform(&self) -> Platform {
        Platform::Mattermost
    }

    async fn receive(
        &self,
        route: &str,
        headers: &HeaderMap,
        body: &[u8],
        when: (Moment, Asking),
    ) -> Result<Verified<Interaction>, NotVerified> {
        self.read_request(route, headers, body, when).await
    }

    /// A command is sent by GET if it is set up so, with its token in the address.
    fn advice_on_method(&self, route: &str) -> &'static str {
        if route == COMMANDS_ROUTE {
            "set the command's request method to POST"
        } else {
            ONLY_POST
        }
    }

    /// Keeps what is known of the server. With another server or another bot it starts empty.
    fn take_state_from(&mut self, previous: &Self) {
        if self.config.url != previous.config.url {
            return;
        }
        self.used = Arc::clone(&previous.used);
        self.signing_key = Arc::clone(&previous.signing_key);
        if self.config.bot_token.expose_secret() == previous.config.bot_token.expose_secret() {
            self.may_post = Arc::clone(&previous.may_post);
            self.rights = Arc::clone(&previous.rights);
            self.email_settings = Arc::clone(&previous.email_settings);
        }
    }

    fn advice_on_refusal(&self, reason: &str) -> Option<&'static str> {
        match reason {
            "token" => Some("put the command's token into mattermost.command_tokens"),
            "trigger signature" => Some("see whether mattermost.url is the server that sends them"),
            _ => None,
        }
    }

    fn own_account(&self, id: &str) -> ChatUser {
        self.user(id)
    }

    async fn profile(&self, user: &ChatUser, freshness: Freshness) -> Result<Profile, ApiError> {
        let now = self.clock.now();
        if freshness == Freshness::Cached
            && let Some(profile) = self.profiles.get(&user.user, now)
        {
            return Ok(profile);
        }
        if !is_id(&user.user) {
            return Err(ApiError::NotFound);
        }
        let path = format!("users/{}", user.user);
        let found = self.account(&path, freshness).await?;
        let (id, profile) = found.ok_or(ApiError::NotFound)?;
        if id != user.user {
            return Err(ApiError::Unavailable);
        }
        self.profiles.keep(&user.user, &profile, now);
        Ok(profile)
    }

    async fn profile_by_name(
        &self,
        name: &str,
        freshness: Freshness,
    ) -> Result<Option<(String, Profile)>, ApiError> {
        self.account_by_name(name, freshness).await
    }

    async fn profile_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<(String, Profile)>, ApiError> {
        self.account_by_email(email, Freshness::Now).await
    }

    fn tells_emails(&self) -> bool {
        TELLS_EMAILS
    }

    fn immediate(&self, kind: InteractionKind, answer: Immediate<'_>) -> Vec<u8> {
        let answer = match (kind, answer) {
            (InteractionKind::Command, Immediate::Say(message) | Immediate::Working(message)) => {
                render::message(message, &self.own(ACTIONS_ROUTE))
            }
            // Of the answer to a dialog the server reads no other text (`SubmitDialogResponse` in `model/integration_action.go`),
            // and clients show it as it is.
            (InteractionKind::Form(_), Immediate::Say(message)) => {
                json!({ "error": render::plain(message) })
            }
            (_, Immediate::Say(message)) => {
                json!({ "ephemeral_text": render::text(message), "skip_slack_parsing": true })
            }
            (InteractionKind::Form(_), Immediate::FormError(text)) => {
                json!({ "errors": { render::INPUT: text } })
            }
            (_, Immediate::FormError(text)) => {
                json!({ "ephemeral_text": markdown::escape(text), "skip_slack_parsing": true })
            }
            // An `update` applies only to posts that everybody sees, and ours are ephemeral.
            (
                _,
                Immediate::Taken
                | Immediate::Working(_)
                | Immediate::Open(..)
                | Immediate::Challenge(_),
            ) => json!({}),
        };
        answer.to_string().into_bytes()
    }

    fn late_placement(&self) -> Placement {
        Placement::Add
    }

    fn opens_forms_at_once(&self) -> bool {
        false
    }

    /// Ephemeral posts cannot be changed.
    fn can_replace(&self) -> bool {
        false
    }

    /// Unlimited if the bot may post to the user alone; else the uses of the command's response address.
    fn uses_left(&self, to: &ReplyAddress) -> u32 {
        if self.may_post.get() != Some(false) {
            return u32::MAX;
        }
        MattermostReply::read(to.expose())
            .and_then(|reply| self.hook_uses_left(&reply))
            .unwrap_or(0)
    }

    /// A repeated dialog is acknowledged like the first one, because the client shows any other status as an error.
    fn answers_replays(&self, kind: InteractionKind) -> bool {
        matches!(kind, InteractionKind::Form(_))
    }

    async fn assurance(&self) -> Assurance {
        if self.may_post_to_one().await {
            Assurance::PrivateReply
        } else {
            Assurance::PersonOnly
        }
    }

    async fn follow_up(
        &self,
        to: &ReplyAddress,
        message: &Message,
        _placement: Placement,
    ) -> Outcome {
        self.send(to, message, None).await
    }

    async fn follow_up_alone(&self, to: &ReplyAddress, message: &Message) -> Outcome {
        self.send_alone(to, message).await
    }

    /// As a post in the direct channel of the bot and the user.
    async fn send_direct(&self, user: &str, message: &Message) -> Outcome {
        sent_outcome(&self.post_directly(user, message).await)
    }

    async fn show(
        &self,
        to: &ReplyAddress,
        message: &Message,
        password: &ShownPassword<'_>,
    ) -> Outcome {
        self.send(to, message, Some(password)).await
    }

    async fn open_form(&self, trigger: &Trigger, form: &Form) -> Result<(), ApiError> {
        let url = self
            .config
            .url
            .join("api/v4/actions/dialogs/open")
            .map_err(bad_address)?;
        // The trigger was verified when the click came in.
        let opened_by = SignedTrigger::read(trigger.expose()).map_err(|_| ApiError::Unavailable)?;
        let state = DialogState::new(form, &opened_by).write(&self.keys);
        let body = json!({
            "trigger_id": trigger.expose(), "url": self.own(DIALOGS_ROUTE), "dialog": render::dialog(form, &state),
        });
        let call = self.http.post(url).timeout(CALL_DEADLINE).json(&body);
        let answer = net::call(call)
            .await
            .map_err(|error| not_answered(&error))?;
        match refusal::error_id(&answer).as_str() {
            refusal::TRIGGER_EXPIRED => Err(ApiError::TooLate),
            id if answer.status != 200 => {
                tracing::warn!(
                    platform = "mattermost",
                    status = answer.status,
                    mattermost.error = id,
                    "Mattermost did not open a dialog"
                );
                match read_rest(&answer, "none") {
                    Err(limited @ ApiError::RateLimited(_)) => Err(limited),
                    Ok(_) | Err(_) => Err(ApiError::Unavailable),
                }
            }
            _ => Ok(()),
        }
    }

    async fn planned_commands(
        &self,
        team: Option<&str>,
    ) -> Result<Vec<PlannedCommand>, RegisterError> {
        self.plan(team).await
    }

    async fn register_commands(
        &self,
        planned: &[PlannedCommand],
    ) -> Result<Option<SecretString>, RegisterError> {
        self.write_commands(planned).await
    }

    async fn probe(&self) -> Result<(), Finding> {
        match self.rights.ask(&self.clock, self.fetch_rights()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Finding::from(error.to_string())),
        }
    }

    async fn examine(&self, matching: &Matching) -> Examination {
        self.examine_server(matching).await
    }
}

/// True for an id of Mattermost: 26 lower-case letters and digits.
fn is_id(id: &str) -> bool {
    id.len() == 26
        && id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
