//! Lark and Feishu: encrypted events, commands typed to the bot, cards with buttons and forms.
//!
//! Sources: Lark's pages "Request URL configuration", "Encrypt key", "Receive message", "Card callback", "Delayed update of
//! cards", "Send ephemeral message cards", and the event dispatcher of lark-oapi for what it verifies. This is stricter in
//! three points: a timestamp must be fresh, its digits cannot move into the nonce, and with a key a challenge in plain text
//! is refused.
//!
//! In a group, cards are ephemeral. The 1:1 chat has no ephemeral cards, so there ordinary ones are sent and replaced. A
//! group in topic mode has none either, so the 1:1 chat takes its place.

mod account;
mod commands;
mod config;
mod guests;
mod render;
mod reply;
mod request;
mod text;
mod verify;
mod wire;

use std::sync::Arc;

use axum::http::HeaderMap;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

pub use self::config::Config;
use self::guests::Guests;
use self::reply::LarkReply;
use super::account::{AccountIds, ProfileCache};
use super::interaction::Trigger;
use super::use_counts::UseCounts;
use super::{
    Adapter, ApiError, Asking, ChatParts, EmptySecret, Form, Freshness, Immediate, Interaction,
    InteractionKind, Message, NotVerified, Placement, PlannedCommand, Profile, RegisterError,
    ReplyAddress, ShownPassword, Verified,
};
use crate::clock::Clock;
use crate::domain::delivery::Outcome;
use crate::domain::{ChatUser, EmailAddress, Moment, Platform};
use crate::lark_api::LarkApi;
use crate::settings::Finding;
use crate::telemetry::LogSampler;

/// Where Lark posts messages, menu clicks and card clicks alike.
pub const EVENTS_ROUTE: &str = "/lark/events";
/// The routes that are served.
pub(super) const ROUTES: &[&str] = &[EVENTS_ROUTE];
/// Lark tells confirmed e-mails.
pub(super) const TELLS_EMAILS: bool = true;
/// Of the ids that a person has, the one for our app.
pub(super) const ACCOUNT_IDS: AccountIds = AccountIds {
    is_one: is_open_id,
    form: "the open_id, such as ou_7dab8a3d3cdcc9da365777c7ad535d62",
};
/// The command, as people type it.
pub const COMMAND_NAME: &str = "/reset-password";
/// Permissions, events and commands of the app.
pub const MANIFEST: &str = include_str!("../../../manifests/lark.json");
/// A message to the bot, which may be a command.
pub const MESSAGE_EVENT: &str = "im.message.receive_v1";
/// A press in the bot's menu.
pub const MENU_EVENT: &str = "application.bot.menu_v6";
/// A press in a card, or a form of one.
pub const CARD_EVENT: &str = "card.action.trigger";

/// The adapter of one Lark tenant, which the settings name.
pub struct Lark {
    config: Config,
    api: Arc<LarkApi>,
    clock: Clock,
    profiles: ProfileCache,
    /// How often the token of each click was used.
    used: Arc<UseCounts>,
    /// People of other tenants who were answered.
    guests: Arc<Guests>,
    old_events: LogSampler,
}

impl Lark {
    /// The adapter with the client of its app that other parts may share. The signature is that of all platforms.
    pub fn open(config: Config, parts: &ChatParts) -> Result<Self, EmptySecret> {
        let ChatParts {
            http, clock, lark, ..
        } = parts;
        let api = lark.app(
            &config.api_url,
            &config.app_id,
            &config.app_secret,
            http,
            clock,
        );
        Ok(Self {
            config,
            api,
            clock: clock.clone(),
            profiles: ProfileCache::default(),
            used: Arc::default(),
            guests: Arc::default(),
            old_events: LogSampler::default(),
        })
    }
}

impl Adapter for Lark {
    fn platform(&self) -> Platform {
        Platform::Lark
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

    /// Keeps the count of token uses, and who was answered, for the same app.
    fn take_state_from(&mut self, previous: &Self) {
        if self.config.app_id == previous.config.app_id {
            self.used = Arc::clone(&previous.used);
            self.guests = Arc::clone(&previous.guests);
        }
    }

    fn signature_header(&self) -> Option<&'static str> {
        Some("x-lark-signature")
    }

    fn advice_on_refusal(&self, reason: &str) -> Option<&'static str> {
        match reason {
            "not encrypted" => {
                Some("set an Encrypt Key under Events & Callbacks, Encryption Strategy")
            }
            "signature" => {
                Some("copy lark.encrypt_key again: it is another app's, or an older one")
            }
            "token" => {
                Some("copy lark.verification_token again: it is another app's, or an older one")
            }
            "app or tenant" => Some("correct lark.app_id or lark.tenant_key, which is another one"),
            _ => None,
        }
    }

    fn own_account(&self, id: &str) -> ChatUser {
        ChatUser {
            platform: Platform::Lark,
            tenant: self.config.tenant_key.clone(),
            user: id.to_owned(),
        }
    }

    async fn profile(&self, user: &ChatUser, freshness: Freshness) -> Result<Profile, ApiError> {
        // Our app does not see the accounts of other tenants.
        if user.tenant != self.config.tenant_key {
            return Ok(Profile::of_stranger());
        }
        let now = self.clock.now();
        if freshness == Freshness::Cached
            && let Some(profile) = self.profiles.get(&user.user, now)
        {
            return Ok(profile);
        }
        if !is_open_id(&user.user) {
            return Err(ApiError::NotFound);
        }
        let profile = self.account(&user.user).await?;
        self.profiles.keep(&user.user, &profile, now);
        Ok(profile)
    }

    async fn profile_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<(String, Profile)>, ApiError> {
        self.account_by_email(email).await
    }

    fn tells_emails(&self) -> bool {
        TELLS_EMAILS
    }

    fn immediate(&self, _kind: InteractionKind, answer: Immediate<'_>) -> Vec<u8> {
        let answer = match answer {
            // Nobody sees the answer to an event.
            Immediate::Taken | Immediate::Working(_) => json!({}),
            Immediate::Challenge(text) => json!({ "challenge": text }),
            Immediate::Say(message) => {
                json!({ "toast": { "type": "info", "content": message.title } })
            }
            Immediate::FormError(text) => json!({ "toast": { "type": "error", "content": text } }),
            Immediate::Open(form, to) => {
                let reply = to.and_then(LarkReply::read);
                let group = reply.as_ref().and_then(LarkReply::group);
                json!({ "card": { "type": "raw", "data": render::form(form, group) } })
            }
        };
        answer.to_string().into_bytes()
    }

    /// Only the toast of a click could, and it disappears after seconds.
    fn says_at_once(&self) -> bool {
        false
    }

    /// Lark repeats a request until it gets a 200: after 15 s, 5 min, 1 h and 6 h.
    fn answers_replays(&self, _kind: InteractionKind) -> bool {
        true
    }

    fn late_placement(&self) -> Placement {
        Placement::Add
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
        self.tell(to, message, None, placement).await
    }

    /// Into the 1:1 chat of the bot and the user (Lark, "Send message").
    async fn send_direct(&self, user: &str, message: &Message) -> Outcome {
        self.write_to(user, message).await
    }

    async fn show(
        &self,
        to: &ReplyAddress,
        message: &Message,
        password: &ShownPassword<'_>,
    ) -> Outcome {
        self.tell(to, message, Some(password), Placement::Replace)
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
            .api
            .call(Method::GET, "bot/v3/info", None)
            .await
            .map_err(|error| Finding::from(error.to_string()))?;
        if answer
            .pointer("/bot/open_id")
            .and_then(Value::as_str)
            .is_some()
        {
            Ok(())
        } else {
            Err(Finding::of(
                "app_id",
                "the app has no bot; add the bot ability",
            ))
        }
    }
}

fn is_open_id(id: &str) -> bool {
    is_id(id, "ou_")
}

/// True for an id of Lark: a prefix, then letters, digits, `-` and `_`. Ids become parts of addresses.
fn is_id(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|rest| {
        (1..=96).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

#[cfg(test)]
mod tests;
