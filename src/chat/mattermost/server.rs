//! Calls to the server: its signing key, the bot's permissions, and messages.

use std::time::Duration;

use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::reply::MattermostReply;
use super::trigger::{SignedTrigger, SigningKey};
use super::{CALL_DEADLINE, Mattermost, REPLY_USES, is_id, render};
use crate::chat::api::{follow_up_outcome, read_rest};
use crate::chat::{ApiError, Asking, Message, NotVerified, ReplyAddress, ShownPassword};
use crate::domain::delivery::{Outcome, Refusal};
use crate::net::{self, ANSWER_LIMIT, Answer, CallError};

/// The permission that the bot needs to send a message to one user alone.
pub(super) const POST_EPHEMERAL: &str = "create_post_ephemeral";

/// The permission that makes a system administrator (`IsSystemAdmin` in `web/context.go`).
pub(super) const MANAGE_SYSTEM: &str = "manage_system";

/// The permission to make a slash command, and to read those of one's own.
pub(super) const MANAGE_OWN_COMMANDS: &str = "manage_own_slash_commands";

/// The permission to see those of others too (`listCommands` in `api4/command.go`).
const MANAGE_OTHERS_COMMANDS: &str = "manage_others_slash_commands";

/// What the bot may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BotRights {
    pub(super) posts_to_one: bool,
    pub(super) is_system_admin: bool,
    /// True where the commands of others are told as well.
    pub(super) sees_all_commands: bool,
}

impl BotRights {
    /// Reads the permissions of the bot's roles (`SessionHasPermissionTo`: roles of the whole system only).
    pub(super) fn read(names: &[&str], roles: &Value) -> Result<Self, ApiError> {
        let roles = roles.as_array().ok_or(ApiError::Unavailable)?;
        let has = |permission: &str| {
            roles
                .iter()
                .filter_map(|role| role.get("permissions").and_then(Value::as_array))
                .any(|all| all.contains(&permission.into()))
        };
        let is_admin = names.contains(&"system_admin");
        Ok(Self {
            posts_to_one: has(POST_EPHEMERAL),
            is_system_admin: is_admin || has(MANAGE_SYSTEM),
            sees_all_commands: is_admin || has(MANAGE_OTHERS_COMMANDS),
        })
    }
}

/// The id of an account or a channel.
fn id_in(answer: &Value) -> Result<&str, ApiError> {
    let id = answer.get("id").and_then(Value::as_str);
    id.filter(|id| is_id(id)).ok_or(ApiError::Unavailable)
}

/// The names of an account's roles.
pub(super) fn role_names(account: &Value) -> Result<Vec<&str>, ApiError> {
    let held = account.get("roles").and_then(Value::as_str);
    Ok(held
        .ok_or(ApiError::Unavailable)?
        .split_whitespace()
        .collect())
}

/// The deadline of a call whose earlier answer can be used instead.
const CACHED_ANSWER_DEADLINE: Duration = Duration::from_secs(1);

impl Mattermost {
    /// Calls the API as the bot, and reads an answer that is no refusal.
    pub(super) async fn api(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let answer = self.api_answer(method, path, body).await?;
        read_rest(&answer, "view_members")
    }

    /// Calls the API as the bot.
    pub(super) async fn api_answer(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ApiError> {
        self.api_answer_up_to(ANSWER_LIMIT, (method, path), body)
            .await
    }

    /// The same, for an answer of this length at most.
    pub(super) async fn api_answer_up_to(
        &self,
        limit: usize,
        (method, path): (Method, &str),
        body: Option<&Value>,
    ) -> Result<Answer, ApiError> {
        let url = self
            .config
            .url
            .join(&format!("api/v4/{path}"))
            .map_err(bad_address)?;
        let call = self.http.request(method, url).timeout(CALL_DEADLINE);
        let mut call = call.bearer_auth(self.config.bot_token.expose_secret());
        if let Some(body) = body {
            call = call.json(body);
        }
        net::call_up_to(limit, call)
            .await
            .map_err(|error| not_answered(&error))
    }

    /// Verifies a trigger by the server's key. The key is fetched if it is unknown, and again if the signature does not
    /// match, because the server may have a new one.
    pub(super) async fn check_signature(
        &self,
        signed: &SignedTrigger,
        asking: Asking,
    ) -> Result<(), NotVerified> {
        let fits = || {
            self.signing_key
                .get()
                .flatten()
                .is_some_and(|key| signed.is_signed_by(&key))
        };
        if !fits() && asking == Asking::Allowed {
            self.refresh_signing_key().await;
        }
        if fits() {
            Ok(())
        } else {
            Err(NotVerified::Unsigned("trigger signature"))
        }
    }

    async fn refresh_signing_key(&self) {
        if let Err(error) = self
            .signing_key
            .refresh(&self.clock, self.fetch_signing_key())
            .await
        {
            tracing::error!(
                platform = "mattermost",
                error = &error as &dyn std::error::Error,
                "the server's key for triggers could not be read, so what is signed by a new key is not taken; check mattermost.url and the server"
            );
        }
    }

    /// Fetches the key with which the server signs triggers; none if the server publishes none. The client configuration
    /// that needs no sign-in has it, so a wrong bot token does not matter here.
    pub(super) async fn fetch_signing_key(&self) -> Result<Option<SigningKey>, ApiError> {
        let url = self
            .config
            .url
            .join("api/v4/config/client?format=old")
            .map_err(bad_address)?;
        let answer = net::call(self.http.get(url).timeout(CALL_DEADLINE))
            .await
            .map_err(|error| not_answered(&error))?;
        let config = read_rest(&answer, "none")?;
        let key = config
            .get("AsymmetricSigningPublicKey")
            .and_then(Value::as_str)
            .and_then(SigningKey::read);
        if key.is_none() {
            tracing::error!(
                platform = "mattermost",
                "the server tells no P-256 key for its triggers (AsymmetricSigningPublicKey), so no command and no click is taken; check mattermost.url and the server's version"
            );
        }
        Ok(key)
    }

    /// False if the server has said that the bot may not send a message to one user alone. If it is unknown, a post is
    /// tried. A refusal of the server is then remembered, and a password is never sent another way.
    pub(super) async fn may_post_to_one(&self) -> bool {
        if !self.may_post.is_refused() {
            // A failure leaves it unknown; the next post shows it.
            self.rights
                .refresh(&self.clock, self.fetch_rights())
                .await
                .ok();
        }
        self.may_post.get() != Some(false)
    }

    /// True only if the server has said so. If something is known, the wait is short, because the server waits for the
    /// answer to a click.
    pub(super) async fn surely_posts_to_one(&self) -> bool {
        let asked = self.may_post_to_one();
        if self.may_post.get().is_some() {
            tokio::time::timeout(CACHED_ANSWER_DEADLINE, asked)
                .await
                .ok();
        } else {
            asked.await;
        }
        self.may_post.get() == Some(true)
    }

    /// Reads what the bot may do, for `rights`.
    pub(super) async fn fetch_rights(&self) -> Result<BotRights, ApiError> {
        let me = self.api(Method::GET, "users/me", None).await?;
        let names = role_names(&me)?;
        let roles = self
            .api(Method::POST, "roles/names", Some(&json!(names)))
            .await?;
        let rights = BotRights::read(&names, &roles)?;
        self.may_post.set_by_roles(rights.posts_to_one);
        Ok(rights)
    }

    /// Sends a message to the signed user alone. If the bot may not do that, the message goes to the response address of
    /// the command, but never with a password.
    pub(super) async fn send(
        &self,
        to: &ReplyAddress,
        message: &Message,
        password: Option<&ShownPassword<'_>>,
    ) -> Outcome {
        let Some(reply) = self.reply(to) else {
            return Outcome::Refused(Refusal::Unreachable);
        };
        let is_tried =
            self.may_post_to_one().await || self.may_post.may_try_again(self.clock.now());
        let sent = if is_tried {
            self.send_to_one(&reply, message, password).await
        } else {
            None
        };
        match (sent, password) {
            (Some(end), _) => end,
            (None, Some(_)) => Outcome::Refused(Refusal::Credentials),
            (None, None) => self.send_to_hook(&reply, message).await,
        }
    }

    /// Sends a message to the signed user alone, never to the response address.
    pub(super) async fn send_alone(&self, to: &ReplyAddress, message: &Message) -> Outcome {
        let Some(reply) = self.reply(to) else {
            return Outcome::Refused(Refusal::Unreachable);
        };
        self.send_to_one(&reply, message, None)
            .await
            .unwrap_or(Outcome::Refused(Refusal::Credentials))
    }

    /// Posts into the direct channel of the bot and a user, which the server makes or finds. A bot that may not see the user
    /// or post there is refused (`createDirectChannel` in `api4/channel.go`, `createPost` in `api4/post.go`).
    pub(super) async fn post_directly(
        &self,
        user: &str,
        message: &Message,
    ) -> Result<(), ApiError> {
        let me = self.api(Method::GET, "users/me", None).await?;
        let channel = self
            .api(
                Method::POST,
                "channels/direct",
                Some(&json!([id_in(&me)?, user])),
            )
            .await?;
        let post = json!({ "channel_id": id_in(&channel)?, "message": render::text(message) });
        self.api(Method::POST, "posts", Some(&post)).await.map(drop)
    }

    fn reply(&self, to: &ReplyAddress) -> Option<MattermostReply> {
        MattermostReply::read(to.expose()).filter(|_| self.clock.now() <= to.until)
    }

    /// Posts to the signed user alone. None if the server says that the bot may not, which is remembered.
    async fn send_to_one(
        &self,
        reply: &MattermostReply,
        message: &Message,
        password: Option<&ShownPassword<'_>>,
    ) -> Option<Outcome> {
        let post = self.post_to_one(reply, message, password).await;
        match post.as_ref().map(|answer| answer.status) {
            Ok(201) => self.may_post.allow(),
            Ok(403) => {
                tracing::warn!(
                    platform = "mattermost",
                    "the bot lacks the permission {POST_EPHEMERAL}"
                );
                self.may_post.refuse(self.clock.now());
                return None;
            }
            Ok(_) | Err(_) => {}
        }
        Some(follow_up_outcome(&post))
    }

    async fn post_to_one(
        &self,
        reply: &MattermostReply,
        message: &Message,
        password: Option<&ShownPassword<'_>>,
    ) -> Result<Answer, CallError> {
        let url = self
            .config
            .url
            .join("api/v4/posts/ephemeral")
            .map_err(|error| {
                // Logs the cause.
                bad_address(error);
                CallError::Malformed
            })?;
        let post = render::post(
            message,
            password,
            &self.own(super::ACTIONS_ROUTE),
            &reply.channel,
        );
        let body = json!({ "user_id": reply.user, "post": post });
        let call = self.http.post(url).timeout(CALL_DEADLINE);
        net::call(
            call.bearer_auth(self.config.bot_token.expose_secret())
                .json(&body),
        )
        .await
    }

    async fn send_to_hook(&self, reply: &MattermostReply, message: &Message) -> Outcome {
        let unreachable = Outcome::Refused(Refusal::Unreachable);
        let (Some(hook), Some(left)) = (&reply.hook, self.hook_uses_left(reply)) else {
            return unreachable;
        };
        let Ok(url) = self.config.url.join(&format!("hooks/commands/{}", hook.id)) else {
            return unreachable;
        };
        if left == 0 {
            return unreachable;
        }
        self.used.take(&hook.id, hook.until, self.clock.now());
        let body = render::message(message, &self.own(super::ACTIONS_ROUTE));
        let end = follow_up_outcome(
            &net::call(self.http.post(url).timeout(CALL_DEADLINE).json(&body)).await,
        );
        if end == unreachable {
            self.used.give_back(&hook.id);
        }
        end
    }

    /// How many more messages the response address accepts; none if there is no address or it has expired.
    pub(super) fn hook_uses_left(&self, reply: &MattermostReply) -> Option<u32> {
        let hook = reply
            .hook
            .as_ref()
            .filter(|hook| self.clock.now() <= hook.until)?;
        Some(REPLY_USES.saturating_sub(self.used.count(&hook.id)))
    }
}

/// The server could not be asked, or did not answer.
pub(super) fn not_answered(error: &CallError) -> ApiError {
    tracing::warn!(
        platform = "mattermost",
        error = error as &dyn std::error::Error,
        "Mattermost could not be asked"
    );
    ApiError::Unavailable
}

/// An address of the API could not be made from `mattermost.url`.
pub(super) fn bad_address(error: url::ParseError) -> ApiError {
    tracing::error!(
        platform = "mattermost",
        error = &error as &dyn std::error::Error,
        "mattermost.url makes no address"
    );
    ApiError::Unavailable
}
