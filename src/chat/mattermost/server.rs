//! Calls to the server: its key, the bot's permissions, and messages to the user whom it signed.

use std::time::Duration;

use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::place::Place;
use super::trigger::{Signed, SigningKey};
use super::{CALL_DEADLINE, Mattermost, REPLY_USES, render};
use crate::chat::common::{end_of_follow_up, read_rest};
use crate::chat::{Asking, Message, NotVerified, ReplyAddress, WhoError};
use crate::domain::Password;
use crate::domain::delivery::{Outcome, Refusal};
use crate::net::{self, Answer, CallError};

/// What the bot needs to send a message that the server shows to one user.
pub(super) const POST_EPHEMERAL: &str = "create_post_ephemeral";

/// How long an answer is waited for where what was known before can be used instead.
const PATIENCE_OF_WHO_KNOWS: Duration = Duration::from_secs(1);

impl Mattermost {
    /// One call of the API, as the bot.
    pub(super) async fn api(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, WhoError> {
        let url = self
            .config
            .url
            .join(&format!("api/v4/{path}"))
            .map_err(|_| WhoError::Unavailable)?;
        let call = self.http.request(method, url).timeout(CALL_DEADLINE);
        let mut call = call.bearer_auth(self.config.bot_token.expose_secret());
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = net::call(call).await.map_err(|error| {
            tracing::warn!(
                platform = "mattermost",
                error = &error as &dyn std::error::Error,
                "Mattermost could not be asked"
            );
            WhoError::Unavailable
        })?;
        read_rest(&answer, "view_members")
    }

    /// Holds a trigger against the server's key, which is asked for where there is none, and again where the signature
    /// does not fit, because the server may have a new one.
    pub(super) async fn check_signature(
        &self,
        signed: &Signed,
        asking: Asking,
    ) -> Result<(), NotVerified> {
        let fits = || {
            self.signing_key
                .get()
                .flatten()
                .is_some_and(|key| signed.is_signed_by(&key))
        };
        if !fits() && asking == Asking::Allowed {
            self.learn_signing_key().await;
        }
        if fits() {
            Ok(())
        } else {
            Err(NotVerified::Unsigned("trigger signature"))
        }
    }

    async fn learn_signing_key(&self) {
        if let Err(error) = self
            .signing_key
            .ask(&self.clock, self.ask_signing_key())
            .await
        {
            tracing::error!(
                platform = "mattermost",
                error = &error as &dyn std::error::Error,
                "the server's key for triggers could not be read, so what is signed by a new key is not taken; check mattermost.url and the server"
            );
        }
    }

    /// The key with which the server signs triggers; none on a server that tells none. The limited form has it, which
    /// needs no sign-in, so a wrong token of the bot does not stand in the way.
    pub(super) async fn ask_signing_key(&self) -> Result<Option<SigningKey>, WhoError> {
        let url = self
            .config
            .url
            .join("api/v4/config/client?format=old")
            .map_err(|_| WhoError::Unavailable)?;
        let answer = net::call(self.http.get(url).timeout(CALL_DEADLINE))
            .await
            .map_err(|_| WhoError::Unavailable)?;
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

    /// True unless the server has said that the bot may not send a message to one user alone. Where nobody can say, it is
    /// tried: the server's refusal is then remembered, and a password is never sent another way.
    pub(super) async fn may_post_to_one(&self) -> bool {
        if !self.may_post.is_refused() {
            // Where nobody can say, a post shows it.
            self.may_post
                .by_roles
                .ask(&self.clock, self.ask_permission())
                .await
                .ok();
        }
        self.may_post.get() != Some(false)
    }

    /// The same where it is known. Whoever knows something waits a short while only, because the server waits for the
    /// answer to a click.
    pub(super) async fn surely_posts_to_one(&self) -> bool {
        let asked = self.may_post_to_one();
        if self.may_post.get().is_some() {
            tokio::time::timeout(PATIENCE_OF_WHO_KNOWS, asked)
                .await
                .ok();
        } else {
            asked.await;
        }
        self.may_post.get() == Some(true)
    }

    /// Whether one of the bot's roles has the permission (`SessionHasPermissionTo`: roles of the whole system only).
    pub(super) async fn ask_permission(&self) -> Result<bool, WhoError> {
        let me = self.api(Method::GET, "users/me", None).await?;
        let held = me
            .get("roles")
            .and_then(Value::as_str)
            .ok_or(WhoError::Unavailable)?;
        let roles: Vec<&str> = held.split_whitespace().collect();
        let roles = self
            .api(Method::POST, "roles/names", Some(&json!(roles)))
            .await?;
        let has = |role: &Value| {
            let permissions = role.get("permissions").and_then(Value::as_array);
            permissions.is_some_and(|all| all.contains(&POST_EPHEMERAL.into()))
        };
        Ok(roles
            .as_array()
            .ok_or(WhoError::Unavailable)?
            .iter()
            .any(has))
    }

    /// Sends a message: to the signed user alone, and where the bot may not do that, to the response address of the
    /// command. A password is sent in the first way only.
    pub(super) async fn send(
        &self,
        to: &ReplyAddress,
        message: &Message,
        password: Option<&Password>,
    ) -> Outcome {
        let Some(place) = self.place(to) else {
            return Outcome::Refused(Refusal::Unreachable);
        };
        let is_tried =
            self.may_post_to_one().await || self.may_post.may_try_again(self.clock.now());
        let sent = if is_tried {
            self.send_to_one(&place, message, password).await
        } else {
            None
        };
        match (sent, password) {
            (Some(end), _) => end,
            (None, Some(_)) => Outcome::Refused(Refusal::Credentials),
            (None, None) => self.send_to_hook(&place, message).await,
        }
    }

    /// Sends a message to the signed user alone, or not at all.
    pub(super) async fn send_alone(&self, to: &ReplyAddress, message: &Message) -> Outcome {
        let Some(place) = self.place(to) else {
            return Outcome::Refused(Refusal::Unreachable);
        };
        self.send_to_one(&place, message, None)
            .await
            .unwrap_or(Outcome::Refused(Refusal::Credentials))
    }

    fn place(&self, to: &ReplyAddress) -> Option<Place> {
        Place::read(to.expose()).filter(|_| self.clock.now() <= to.until)
    }

    /// Sends a message to the signed user alone; none where the server says that the bot may not, which is remembered.
    async fn send_to_one(
        &self,
        place: &Place,
        message: &Message,
        password: Option<&Password>,
    ) -> Option<Outcome> {
        let post = self.post_to_one(place, message, password).await;
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
        Some(end_of_follow_up(&post))
    }

    async fn post_to_one(
        &self,
        place: &Place,
        message: &Message,
        password: Option<&Password>,
    ) -> Result<Answer, CallError> {
        let url = self
            .config
            .url
            .join("api/v4/posts/ephemeral")
            .map_err(|_| CallError::Malformed)?;
        let post = render::post(
            message,
            password,
            &self.own(super::ACTIONS_ROUTE),
            &place.channel,
        );
        let body = json!({ "user_id": place.user, "post": post });
        let call = self.http.post(url).timeout(CALL_DEADLINE);
        net::call(
            call.bearer_auth(self.config.bot_token.expose_secret())
                .json(&body),
        )
        .await
    }

    async fn send_to_hook(&self, place: &Place, message: &Message) -> Outcome {
        let unreachable = Outcome::Refused(Refusal::Unreachable);
        let (Some(hook), Some(left)) = (&place.hook, self.hook_uses_left(place)) else {
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
        let end = end_of_follow_up(
            &net::call(self.http.post(url).timeout(CALL_DEADLINE).json(&body)).await,
        );
        if end == unreachable {
            self.used.give_back(&hook.id);
        }
        end
    }

    /// How often the response address still works; none where there is none, or not any more.
    pub(super) fn hook_uses_left(&self, place: &Place) -> Option<u32> {
        let hook = place
            .hook
            .as_ref()
            .filter(|hook| self.clock.now() <= hook.until)?;
        Some(REPLY_USES.saturating_sub(self.used.count(&hook.id)))
    }
}
