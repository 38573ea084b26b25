//! Calls to Slack's Web API and to response addresses, and who an account is.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;

use super::{Slack, blocks, wire};
use crate::chat::account::shown_name;
use crate::chat::api::{follow_up_outcome, retry_after};
use crate::chat::{AccountKind, Adapter, ApiError, Profile, ReplyAddress};
use crate::domain::Role;
use crate::domain::delivery::{Outcome, Refusal};
use crate::net;

/// The deadline of a call of the Web API.
const API_DEADLINE: Duration = Duration::from_secs(5);
/// The method that writes to somebody. Its refusals have words that say of no other method what they say of this one.
pub(super) const POST_MESSAGE: &str = "chat.postMessage";
/// The deadline of a follow-up.
const FOLLOW_UP_DEADLINE: Duration = Duration::from_secs(5);

impl Slack {
    /// Sends a message to a response address.
    pub(super) async fn post(&self, to: &ReplyAddress, body: &blocks::SlackMessage) -> Outcome {
        let is_over = self.clock.now() > to.until || self.uses_left(to) == 0;
        if is_over || !self.is_allowed(to.expose()) {
            return Outcome::Refused(Refusal::Unreachable);
        }
        let request = self
            .http
            .post(to.expose())
            .timeout(FOLLOW_UP_DEADLINE)
            .json(body);
        self.used.take(to.expose(), to.until, self.clock.now());
        let end = follow_up_outcome(&net::call(request).await);
        if end == Outcome::Refused(Refusal::Unreachable) {
            self.used.give_back(to.expose());
        }
        end
    }

    /// Calls a method of the Web API as the bot. `request` adds the arguments. What `T` reads differs from method to method:
    /// the same field has another form in another one's answer.
    pub(super) async fn api<T: DeserializeOwned>(
        &self,
        method: &str,
        request: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<T, ApiError> {
        let (answer, _) = self.api_with_scopes(method, request).await?;
        Ok(answer)
    }

    /// The same, with the scopes of the token, which Slack tells with every answer.
    pub(super) async fn api_with_scopes<T: DeserializeOwned>(
        &self,
        method: &str,
        request: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<(T, Option<String>), ApiError> {
        let url = self.config.api_url.join(method).map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "slack.api_url makes no address"
            );
            ApiError::Unavailable
        })?;
        let call = request(
            self.http
                .post(url)
                .bearer_auth(self.config.bot_token.expose_secret())
                .timeout(API_DEADLINE),
        );
        let answer = net::call(call).await.map_err(|error| {
            tracing::warn!(
                platform = "slack",
                method,
                error = &error as &dyn std::error::Error,
                "Slack could not be asked"
            );
            ApiError::Unavailable
        })?;
        if answer.status == 429 {
            return Err(ApiError::RateLimited(retry_after(answer.retry_after)));
        }
        let malformed = |error: serde_json::Error| {
            tracing::warn!(
                platform = "slack",
                method,
                status = answer.status,
                line = error.line(),
                column = error.column(),
                "Slack's answer could not be understood"
            );
            ApiError::Unavailable
        };
        let verdict: wire::ApiVerdict = serde_json::from_slice(&answer.body).map_err(malformed)?;
        if verdict.ok {
            let read = serde_json::from_slice(&answer.body).map_err(malformed)?;
            return Ok((read, answer.scopes));
        }
        let error = verdict.error.unwrap_or_default();
        tracing::warn!(platform = "slack", method, slack.error = %error, "Slack refused a call");
        Err(match error.as_str() {
            "user_not_found" | "user_not_visible" | "users_not_found" => ApiError::NotFound,
            "missing_scope" => ApiError::MissingScope(verdict.needed.unwrap_or_default()),
            // Here and below: Slack, "chat.postMessage method", "Errors".
            "channel_not_found" | "not_in_channel" | "is_archived" if method == POST_MESSAGE => {
                ApiError::NotFound
            }
            // The app or the workspace is set up so that the bot writes to nobody.
            "messages_tab_disabled"
            | "restricted_action"
            | "no_permission"
            | "ekm_access_denied"
                if method == POST_MESSAGE =>
            {
                ApiError::MissingScope(error)
            }
            "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
                ApiError::RateLimited(retry_after(answer.retry_after))
            }
            "invalid_auth" | "not_authed" | "token_revoked" | "token_expired"
            | "account_inactive" => ApiError::Refused(error),
            // Slack, "views.open", "Errors".
            "expired_trigger_id" | "exchanged_trigger_id" => ApiError::TooLate,
            _ => ApiError::Unavailable,
        })
    }

    /// What an account's fields mean.
    pub(super) fn profile_of(&self, account: &wire::SlackAccount) -> Profile {
        let enterprise = account.enterprise_user.as_ref();
        // In an Enterprise organization an account names its workspaces itself, and no `team_id` or another one.
        let is_ours = account.team_id.as_deref() == Some(self.config.team_id.as_str())
            || enterprise.is_some_and(|user| {
                let pinned = &self.config.enterprise_id;
                (pinned.is_none() || user.enterprise_id == *pinned)
                    && user.teams.contains(&self.config.team_id)
            });
        let kind = if account.deleted {
            AccountKind::Deleted
        } else if account.is_bot || account.id == "USLACKBOT" {
            AccountKind::Bot
        } else if account.is_stranger || !is_ours {
            AccountKind::Stranger
        } else if account.is_restricted || account.is_ultra_restricted {
            AccountKind::Guest
        } else {
            AccountKind::Member
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
        let profile = &account.profile;
        let confirmed = profile
            .email
            .as_deref()
            .filter(|_| account.is_email_confirmed);
        Profile {
            kind,
            shown_name: shown_name([
                profile.display_name.as_deref(),
                profile.real_name.as_deref(),
            ]),
            confirmed_email: confirmed.and_then(|email| email.parse().ok()),
            role,
        }
    }
}
