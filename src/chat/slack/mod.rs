//! Slack: signed slash commands, Block Kit, and accounts by `users.info`.
//!
//! Sources: Slack's pages "Verifying requests from Slack", "Slash commands", "Interaction payloads", "Block Kit".

mod api;
mod blocks;
mod check;
mod config;
mod request;
mod verify;
mod wire;

use std::time::Duration;

use axum::http::HeaderMap;
use secrecy::SecretString;
use serde::de::IgnoredAny;
use serde_json::json;

pub use self::config::Config;
use super::account::{AccountIds, ProfileCache};
use super::api::sent_outcome;
use super::interaction::Trigger;
use super::signature::{EmptySecret, SigningSecrets};
use super::use_counts::UseCounts;
use super::{
    Adapter, ApiError, Asking, ChatParts, Examination, Form, Freshness, Immediate, Interaction,
    InteractionKind, Matching, Message, NotVerified, Placement, PlannedCommand, Profile,
    RegisterError, ReplyAddress, ShownPassword, Verified,
};
use crate::clock::Clock;
use crate::domain::delivery::Outcome;
use crate::domain::{ChatUser, EmailAddress, Moment, Platform};
use crate::settings::Finding;

/// Where Slack posts slash commands.
pub const COMMANDS_ROUTE: &str = "/slack/commands";
/// Where Slack posts clicks and forms.
pub const INTERACTIONS_ROUTE: &str = "/slack/interactions";
/// The routes that are served.
pub(super) const ROUTES: &[&str] = &[COMMANDS_ROUTE, INTERACTIONS_ROUTE];
/// Slack tells confirmed e-mails.
pub(super) const TELLS_EMAILS: bool = true;
/// They stand in a profile under "Copy member ID".
pub(super) const ACCOUNT_IDS: AccountIds = AccountIds {
    is_one: request::is_user_id,
    form: "U or W, then capital letters and digits, such as U012AB3CD",
};
/// The command in the manifest.
pub const COMMAND_NAME: &str = "/reset-password";
/// The app manifest, with a placeholder for our address.
pub(crate) const MANIFEST: &str = include_str!("../../../manifests/slack.yaml");
/// A trigger works for 3 s (Slack, "Modals"), so opening a form may not take longer.
const FORM_DEADLINE: Duration = Duration::from_millis(2500);
/// How often a response address can be used (Slack, "Handling user interaction", "Sending a message response").
const REPLY_USES: u32 = 5;

/// The adapter of one Slack workspace, which the settings name.
pub struct Slack {
    config: Config,
    secrets: SigningSecrets,
    http: reqwest::Client,
    clock: Clock,
    profiles: ProfileCache,
    /// The uses of each response address.
    used: UseCounts,
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
            profiles: ProfileCache::default(),
            used: UseCounts::default(),
        })
    }

    pub(super) fn open(config: Config, parts: &ChatParts) -> Result<Self, EmptySecret> {
        Self::new(config, parts.http.clone(), parts.clock.clone())
    }
}

/// Writes the body of an answer. Serializing texts and flags cannot fail.
fn body(answer: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap_or_default()
}

impl Adapter for Slack {
    fn platform(&self) -> Platform {
        Platform::Slack
    }

    async fn receive(
        &self,
        route: &str,
        headers: &HeaderMap,
        body: &[u8],
        (now, _asking): (Moment, Asking),
    ) -> Result<Verified<Interaction>, NotVerified> {
        self.read_request(route, headers, body, now)
    }

    fn signature_header(&self) -> Option<&'static str> {
        Some("x-slack-signature")
    }

    fn advice_on_refusal(&self, reason: &str) -> Option<&'static str> {
        match reason {
            "signature" => Some(
                "copy slack.signing_secret again: it is the Signing Secret of another app, or an older one",
            ),
            "workspace" => Some("correct slack.team_id, which is another workspace"),
            "enterprise" => Some("correct slack.enterprise_id, which is another organization"),
            "app" => Some("correct slack.app_id, which is another app"),
            _ => None,
        }
    }

    fn own_account(&self, id: &str) -> ChatUser {
        ChatUser {
            platform: Platform::Slack,
            tenant: self.config.team_id.clone(),
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
        // `users.info` takes a form, not JSON.
        let wire::UserAnswer { user: account } = self
            .api("users.info", |call| {
                call.form(&[("user", user.user.as_str())])
            })
            .await?;
        if account.id != user.user {
            return Err(ApiError::Unavailable);
        }
        let profile = self.profile_of(&account);
        self.profiles.keep(&user.user, &profile, now);
        Ok(profile)
    }

    async fn profile_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<(String, Profile)>, ApiError> {
        match self
            .api("users.lookupByEmail", |call| {
                call.form(&[("email", email.as_str())])
            })
            .await
        {
            Ok(wire::UserAnswer { user: account }) => {
                let profile = self.profile_of(&account);
                Ok(Some((account.id, profile)))
            }
            Err(ApiError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn tells_emails(&self) -> bool {
        TELLS_EMAILS
    }

    fn immediate(&self, kind: InteractionKind, answer: Immediate<'_>) -> Vec<u8> {
        match (kind, answer) {
            // Slack shows nobody the answer to a click (Slack, "Block actions").
            (InteractionKind::Click, Immediate::Say(_)) => Vec::new(),
            (_, Immediate::Say(message))
            | (InteractionKind::Command, Immediate::Working(message)) => {
                body(&blocks::message(message, None, None))
            }
            (InteractionKind::Form(form), Immediate::FormError(text)) => {
                body(&blocks::form_error(form, text))
            }
            // The answer to a click does not replace its message (Slack, "Block actions"), and forms are opened by a call.
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

    /// "Working …" stays, and the result comes below it.
    fn late_placement(&self) -> Placement {
        Placement::Add
    }

    fn opens_forms_at_once(&self) -> bool {
        false
    }

    fn can_replace(&self) -> bool {
        true
    }

    fn has_boxes(&self) -> bool {
        true
    }

    fn uses_left(&self, to: &ReplyAddress) -> u32 {
        REPLY_USES.saturating_sub(self.used.count(to.expose()))
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

    /// `chat.postMessage` with the id of a user writes into the app's own chat with them (Slack, "chat.postMessage").
    async fn send_direct(&self, user: &str, message: &Message) -> Outcome {
        let body = blocks::direct(user, message);
        let sent: Result<IgnoredAny, ApiError> =
            self.api(api::POST_MESSAGE, |call| call.json(&body)).await;
        sent_outcome(&sent)
    }

    async fn show(
        &self,
        to: &ReplyAddress,
        message: &Message,
        password: &ShownPassword<'_>,
    ) -> Outcome {
        self.post(
            to,
            &blocks::message(message, Some(password), Some(Placement::Replace)),
        )
        .await
    }

    async fn open_form(&self, trigger: &Trigger, form: &Form) -> Result<(), ApiError> {
        let body = json!({ "trigger_id": trigger.expose(), "view": blocks::modal(form) });
        let IgnoredAny = self
            .api("views.open", |call| call.timeout(FORM_DEADLINE).json(&body))
            .await?;
        Ok(())
    }

    async fn planned_commands(
        &self,
        _team: Option<&str>,
    ) -> Result<Vec<PlannedCommand>, RegisterError> {
        Err(RegisterError::Instead(
            "Slack takes its command from the manifest: relatch manifest slack --url URL",
        ))
    }

    /// Not called, because nothing is planned.
    async fn register_commands(
        &self,
        _planned: &[PlannedCommand],
    ) -> Result<Option<SecretString>, RegisterError> {
        Ok(None)
    }

    async fn probe(&self) -> Result<(), Finding> {
        let tested: Result<IgnoredAny, ApiError> = self.api("auth.test", |call| call).await;
        tested
            .map(drop)
            .map_err(|error| Finding::from(error.to_string()))
    }

    async fn examine(&self, matching: &Matching) -> Examination {
        self.examine_token(matching).await
    }
}

#[cfg(test)]
mod tests;
