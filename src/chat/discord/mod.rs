//! Discord: Ed25519-signed interactions, slash and context-menu commands, buttons and modals.
//!
//! Sources: Discord's pages "Interactions: Overview", "Receiving and Responding", "Component Reference", "Application
//! Commands". Discord tells no e-mails, so its accounts belong to people only by `relatch link`.

mod api;
mod commands;
mod config;
mod render;
mod request;
mod wire;

use axum::http::HeaderMap;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

pub use self::config::Config;
use super::account::{AccountIds, ProfileCache};
use super::interaction::Trigger;
use super::{
    Adapter, ApiError, Asking, ChatParts, EmptySecret, Form, Freshness, Immediate, Interaction,
    InteractionKind, Message, NotVerified, Placement, PlannedCommand, Profile, RegisterError,
    ReplyAddress, ShownPassword, Verified,
};
use crate::clock::Clock;
use crate::domain::delivery::Outcome;
use crate::domain::{ChatUser, EmailAddress, Moment, Platform};
use crate::settings::Finding;

/// Where Discord posts commands, clicks and forms alike.
pub const INTERACTIONS_ROUTE: &str = "/discord/interactions";
/// The routes that are served.
pub(super) const ROUTES: &[&str] = &[INTERACTIONS_ROUTE];
/// Discord tells no e-mails.
pub(super) const TELLS_EMAILS: bool = false;
/// A spreadsheet shows a long number as 1.23E+17 and forgets its last digits.
pub(super) const ACCOUNT_IDS: AccountIds = AccountIds {
    is_one: config::is_snowflake,
    form: "15 to 20 digits, such as 80351110224678912",
};
/// The slash command in the manifest.
pub const COMMAND_NAME: &str = "reset-password";
/// The context-menu command in the manifest.
pub const MENU_NAME: &str = "Reset password";
/// The commands, with a placeholder for our address.
pub const MANIFEST: &str = include_str!("../../../manifests/discord.json");

/// The adapter of one Discord server, which the settings name.
pub struct Discord {
    config: Config,
    http: reqwest::Client,
    clock: Clock,
    profiles: ProfileCache,
}

impl Discord {
    /// The adapter for one server.
    pub fn new(config: Config, http: reqwest::Client, clock: Clock) -> Self {
        Self {
            config,
            http,
            clock,
            profiles: ProfileCache::default(),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "same signature on all platforms")]
    pub(super) fn open(config: Config, parts: &ChatParts) -> Result<Self, EmptySecret> {
        Ok(Self::new(config, parts.http.clone(), parts.clock.clone()))
    }
}

impl Adapter for Discord {
    fn platform(&self) -> Platform {
        Platform::Discord
    }

    async fn receive(
        &self,
        _route: &str,
        headers: &HeaderMap,
        body: &[u8],
        (now, _asking): (Moment, Asking),
    ) -> Result<Verified<Interaction>, NotVerified> {
        self.read_request(headers, body, now)
    }

    fn signature_header(&self) -> Option<&'static str> {
        Some("x-signature-ed25519")
    }

    fn advice_on_refusal(&self, reason: &str) -> Option<&'static str> {
        match reason {
            // Discord itself sends some that are signed wrongly.
            "signature" => Some("correct discord.public_key, which is another application's"),
            "app" => Some("correct discord.application_id, which is another application"),
            "guild" => Some("correct discord.guild_id: they come from another server"),
            _ => None,
        }
    }

    fn own_account(&self, id: &str) -> ChatUser {
        ChatUser {
            platform: Platform::Discord,
            tenant: self.config.guild_id.clone(),
            user: id.to_owned(),
        }
    }

    async fn profile(&self, user: &ChatUser, freshness: Freshness) -> Result<Profile, ApiError> {
        let now = self.clock.now();
        if freshness == Freshness::Cached
            && let Some(profile) = self.profiles.get(&user.user, now)
        {
            return Ok(profile);
        }
        let profile = self.account(&user.user).await?;
        self.profiles.keep(&user.user, &profile, now);
        Ok(profile)
    }

    async fn profile_by_email(
        &self,
        _email: &EmailAddress,
    ) -> Result<Option<(String, Profile)>, ApiError> {
        Ok(None)
    }

    fn tells_emails(&self) -> bool {
        TELLS_EMAILS
    }

    fn immediate(&self, kind: InteractionKind, answer: Immediate<'_>) -> Vec<u8> {
        let answer = match (kind, answer) {
            (InteractionKind::Ping, _) | (_, Immediate::Challenge(_)) => json!({ "type": 1 }),
            (InteractionKind::Command, Immediate::Taken | Immediate::Working(_)) => {
                json!({ "type": 5, "data": { "flags": render::EPHEMERAL } })
            }
            (
                InteractionKind::Click | InteractionKind::Form(_),
                Immediate::Taken | Immediate::Working(_),
            ) => {
                json!({ "type": 6 })
            }
            (_, Immediate::Say(message)) => {
                json!({ "type": 4, "data": render::ephemeral(render::message(message, None)) })
            }
            (_, Immediate::Open(form, _)) => json!({ "type": 9, "data": render::modal(form) }),
            (_, Immediate::FormError(text)) => {
                let message = Message {
                    title: text.to_owned(),
                    ..Message::default()
                };
                json!({ "type": 4, "data": render::ephemeral(render::message(&message, None)) })
            }
        };
        answer.to_string().into_bytes()
    }

    /// The deferred answer is a placeholder that the message replaces.
    fn late_placement(&self) -> Placement {
        Placement::Replace
    }

    fn opens_forms_at_once(&self) -> bool {
        true
    }

    fn can_replace(&self) -> bool {
        true
    }

    async fn follow_up(
        &self,
        to: &ReplyAddress,
        message: &Message,
        placement: Placement,
    ) -> Outcome {
        self.post(to, render::message(message, None), placement)
            .await
    }

    /// Into the chat of the bot and the user, which is made or found first (Discord, "Create DM", "Create Message").
    async fn send_direct(&self, user: &str, message: &Message) -> Outcome {
        self.write_to(user, render::message(message, None)).await
    }

    async fn show(
        &self,
        to: &ReplyAddress,
        message: &Message,
        password: &ShownPassword<'_>,
    ) -> Outcome {
        self.post(
            to,
            render::message(message, Some(password)),
            Placement::Replace,
        )
        .await
    }

    /// Not called, because the answer opens the form.
    async fn open_form(&self, _trigger: &Trigger, _form: &Form) -> Result<(), ApiError> {
        Err(ApiError::Unavailable)
    }

    async fn planned_commands(
        &self,
        _team: Option<&str>,
    ) -> Result<Vec<PlannedCommand>, RegisterError> {
        self.plan().await
    }

    async fn register_commands(
        &self,
        planned: &[PlannedCommand],
    ) -> Result<Option<SecretString>, RegisterError> {
        self.write_commands(planned).await?;
        Ok(None)
    }

    async fn probe(&self) -> Result<(), Finding> {
        let answer = self
            .api(Method::GET, "applications/@me", None)
            .await
            .map_err(|error| Finding::of("bot_token", error.to_string()))?;
        let part = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        let key = part("verify_key");
        if part("id") != self.config.application_id {
            let told = "the bot token belongs to another application; take both from the same one";
            Err(Finding::of("application_id", told))
        } else if key == hex::encode(self.config.public_key) {
            Ok(())
        } else {
            let told =
                "public_key is not that of this application; copy it from General Information";
            Err(Finding::of("public_key", told))
        }
    }
}

#[cfg(test)]
mod tests;
