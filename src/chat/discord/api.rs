//! Calls to Discord's REST API and to follow-up addresses, and who an account is.

use std::time::Duration;

use axum::http::header;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::config::is_snowflake;
use super::{Discord, render, wire};
use crate::chat::account::shown_name;
use crate::chat::api::{follow_up_outcome, read_rest, read_value, sent_outcome};
use crate::chat::{AccountKind, ApiError, Placement, Profile, ReplyAddress};
use crate::domain::Role;
use crate::domain::delivery::{Outcome, Refusal};
use crate::net;

/// The deadline of a call.
const CALL_DEADLINE: Duration = Duration::from_secs(5);
/// A follow-up that arrives before the answer to its interaction gets a 404. It is retried this often.
const EARLY_TRIES: u32 = 8;
/// The pause between the retries.
const EARLY_PAUSE: Duration = Duration::from_millis(250);

impl Discord {
    /// Sends a message to a follow-up address.
    pub(super) async fn post(
        &self,
        to: &ReplyAddress,
        message: Value,
        placement: Placement,
    ) -> Outcome {
        if self.clock.now() > to.until {
            return Outcome::Refused(Refusal::Unreachable);
        }
        let mut tries = 0;
        loop {
            let call = match placement {
                Placement::Replace => self
                    .http
                    .patch(format!("{}/messages/@original", to.expose()))
                    .json(&render::edited(message.clone())),
                Placement::Add => self
                    .http
                    .post(to.expose())
                    .json(&render::ephemeral(message.clone())),
            };
            let answer = net::call(as_bot(call)).await;
            // Our answer to the interaction may still be on its way; until it arrives there is nothing to follow.
            let is_early = answer.as_ref().is_ok_and(|answer| answer.status == 404);
            if !is_early {
                return follow_up_outcome(&answer);
            }
            if tries == EARLY_TRIES {
                return Outcome::Refused(Refusal::Unreachable);
            }
            tries += 1;
            tokio::time::sleep(EARLY_PAUSE).await;
        }
    }

    /// Calls the REST API as the bot.
    pub(super) async fn api(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let url = self.config.api_url.join(path).map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "discord.api_url makes no address"
            );
            ApiError::Unavailable
        })?;
        let token = format!("Bot {}", self.config.bot_token.expose_secret());
        let mut call = as_bot(self.http.request(method, url)).header(header::AUTHORIZATION, token);
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = net::call(call).await.map_err(|error| {
            tracing::warn!(
                platform = "discord",
                error = &error as &dyn std::error::Error,
                "Discord could not be asked"
            );
            ApiError::Unavailable
        })?;
        read_rest(&answer, "bot in this server")
    }

    /// Writes to a user alone. Where their chat with the bot cannot be opened, the message was certainly not sent. A user who
    /// takes no messages from the bot is no address (403 with 50007, "Cannot send messages to this user", in "Opcodes and
    /// Status Codes").
    pub(super) async fn write_to(&self, user: &str, message: Value) -> Outcome {
        if !is_snowflake(user) {
            return Outcome::Refused(Refusal::Address);
        }
        let asked = json!({ "recipient_id": user });
        let chat = match self
            .api(Method::POST, "users/@me/channels", Some(&asked))
            .await
        {
            Ok(chat) => chat,
            Err(ApiError::Unavailable) => return Outcome::Refused(Refusal::Unreachable),
            Err(error) => return sent_outcome::<()>(&Err(error)),
        };
        let id = chat.get("id").and_then(Value::as_str).unwrap_or_default();
        if !is_snowflake(id) {
            return Outcome::Refused(Refusal::Unreachable);
        }
        let path = format!("channels/{id}/messages");
        match self.api(Method::POST, &path, Some(&message)).await {
            Err(ApiError::MissingScope(_)) => Outcome::Refused(Refusal::Address),
            sent => sent_outcome(&sent),
        }
    }

    /// Reads an account. One that is not a member of our server is a stranger.
    pub(super) async fn account(&self, user: &str) -> Result<Profile, ApiError> {
        if !is_snowflake(user) {
            return Err(ApiError::NotFound);
        }
        let path = format!("guilds/{}/members/{user}", self.config.guild_id);
        match self.api(Method::GET, &path, None).await {
            Ok(answer) => profile_of(&read_value(answer)?, user),
            Err(ApiError::NotFound) => Ok(Profile::of_stranger()),
            Err(error) => Err(error),
        }
    }
}

/// Adds the deadline and the user agent that Discord asks for (Discord, "Reference: User Agent").
fn as_bot(call: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    const AGENT: &str = concat!(
        "DiscordBot (https://relatch.example, ",
        env!("CARGO_PKG_VERSION"),
        ")"
    );
    call.timeout(CALL_DEADLINE)
        .header(header::USER_AGENT, AGENT)
}

/// What a member's fields mean. Discord tells no e-mail and no role that counts here.
fn profile_of(member: &wire::GuildMember, user: &str) -> Result<Profile, ApiError> {
    let account = &member.user;
    if account.id != user {
        return Err(ApiError::Unavailable);
    }
    let kind = if account.bot || account.system {
        AccountKind::Bot
    } else if member.pending {
        // They have not passed the server's own screening yet.
        AccountKind::Guest
    } else {
        AccountKind::Member
    };
    Ok(Profile {
        kind,
        shown_name: shown_name([
            member.nick.as_deref(),
            account.global_name.as_deref(),
            account.username.as_deref(),
        ]),
        confirmed_email: None,
        role: Role::Member,
    })
}
