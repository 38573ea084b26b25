//! Sending cards: where a conversation goes on, and how a card replaces the one that was clicked.

use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Lark, render};
use crate::chat::{Message, Placement, ReplyAddress, ShownPassword};
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{Moment, Span};
use crate::lark_api::LarkError;

/// How long the token of a click can change its card (Lark: 30 minutes), less a minute as a margin.
const TOKEN_LIFE: Span = Span::minutes(29);
/// How often the token of a click can change its card.
const TOKEN_USES: u32 = 2;
/// Lark's client undoes a change that arrives before the answer to the click, so changes wait this long.
const AFTER_ANSWER: Duration = Duration::from_millis(300);

/// Where a conversation goes on. It is sealed as the follow-up address of a reset.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LarkReply {
    pub(super) user: String,
    /// The chat; none after the bot's menu.
    pub(super) chat: Option<String>,
    /// True in a group, where cards are ephemeral.
    pub(super) is_group: bool,
    /// The card that was clicked.
    pub(super) card: Option<String>,
    /// The token that can change that card.
    pub(super) token: Option<String>,
    /// When the click came, in Unix milliseconds.
    pub(super) at: i64,
}

impl LarkReply {
    /// Reads what a follow-up address holds.
    pub(super) fn read(to: &ReplyAddress) -> Option<Self> {
        serde_json::from_str(to.expose()).ok()
    }

    /// The group, if it is one.
    pub(super) fn group(&self) -> Option<&str> {
        self.chat.as_deref().filter(|_| self.is_group)
    }
}

fn outcome(end: &Result<(), LarkError>) -> Outcome {
    match end {
        Ok(()) => Outcome::Accepted,
        Err(LarkError::NotSent | LarkError::Untrusted(_)) => Outcome::Refused(Refusal::Unreachable),
        Err(LarkError::Limited(_)) => Outcome::Refused(Refusal::Later),
        Err(LarkError::MissingScope(_) | LarkError::NoToken(_) | LarkError::Refused(_)) => {
            Outcome::Refused(Refusal::Message)
        }
        Err(LarkError::NoAnswer) => Outcome::Unknown,
    }
}

struct Content<'a> {
    message: &'a Message,
    password: Option<&'a ShownPassword<'a>>,
}

impl Content<'_> {
    /// The card for a group, or for the 1:1 chat.
    fn card(&self, group: Option<&str>) -> Value {
        render::message(self.message, self.password, group)
    }
}

impl Lark {
    /// Sends a message to a follow-up address.
    pub(super) async fn tell(
        &self,
        to: &ReplyAddress,
        message: &Message,
        password: Option<&ShownPassword<'_>>,
        placement: Placement,
    ) -> Outcome {
        let Some(reply) = LarkReply::read(to).filter(|_| self.clock.now() <= to.until) else {
            return Outcome::Refused(Refusal::Unreachable);
        };
        let content = Content { message, password };
        let end = match placement {
            Placement::Replace => self.replace(&reply, &content).await,
            Placement::Add => self.send(&reply, &content).await,
        };
        outcome(&end)
    }

    /// Writes to a user in their 1:1 chat with the bot.
    pub(super) async fn write_to(&self, user: &str, message: &Message) -> Outcome {
        let content = Content {
            message,
            password: None,
        };
        outcome(&self.send_to(("open_id", user), &content).await)
    }

    /// Sends a new card. In a group it is for one person alone. Where Lark refuses that, as in a group in topic mode, the
    /// 1:1 chat takes the place of the group.
    async fn send(&self, reply: &LarkReply, content: &Content<'_>) -> Result<(), LarkError> {
        if let Some(group) = reply.group() {
            let card = content.card(Some(group));
            let body = json!({ "chat_id": group, "open_id": reply.user, "msg_type": "interactive", "card": card });
            let end = self
                .api
                .call(Method::POST, "ephemeral/v1/send", Some(&body))
                .await;
            let Err(LarkError::Refused(code)) = end else {
                return end.map(drop);
            };
            tracing::info!(
                platform = "lark",
                code,
                "this group takes no card for one person alone; it goes to the 1:1 chat"
            );
        }
        let to = match reply.chat.as_ref().filter(|_| !reply.is_group) {
            Some(chat) => ("chat_id", chat.as_str()),
            None => ("open_id", reply.user.as_str()),
        };
        self.send_to(to, content).await
    }

    /// Sends a new card to a 1:1 chat, or to a user, whose chat it is.
    async fn send_to(
        &self,
        (kind, to): (&str, &str),
        content: &Content<'_>,
    ) -> Result<(), LarkError> {
        let card = content.card(None).to_string();
        let body = json!({ "receive_id": to, "msg_type": "interactive", "content": card });
        let path = format!("im/v1/messages?receive_id_type={kind}");
        self.api
            .call(Method::POST, &path, Some(&body))
            .await
            .map(drop)
    }

    /// Replaces the card that was clicked: with the token of the click while it works, else by the id of the card. An
    /// ephemeral card cannot be changed by its id, so it is deleted and sent again.
    async fn replace(&self, reply: &LarkReply, content: &Content<'_>) -> Result<(), LarkError> {
        let card = content.card(reply.group());
        if let Some(token) = reply
            .token
            .as_deref()
            .filter(|token| self.takes_use(token, reply.at))
        {
            tokio::time::sleep(AFTER_ANSWER).await;
            let body = json!({ "token": token, "card": card });
            match self
                .api
                .call(Method::POST, "interactive/v1/card/update", Some(&body))
                .await
            {
                Err(LarkError::Refused(code)) => {
                    tracing::warn!(platform = "lark", code, "a card was not changed");
                }
                end => return end.map(drop),
            }
        }
        let Some(id) = &reply.card else {
            return self.send(reply, content).await;
        };
        if reply.is_group {
            let body = json!({ "message_id": id });
            let gone = self
                .api
                .call(Method::POST, "ephemeral/v1/delete", Some(&body))
                .await;
            if let Err(error) = gone {
                tracing::warn!(
                    platform = "lark",
                    error = &error as &dyn std::error::Error,
                    "a card was not taken away"
                );
            }
            return self.send(reply, content).await;
        }
        let body = json!({ "content": card.to_string() });
        self.api
            .call(Method::PATCH, &format!("im/v1/messages/{id}"), Some(&body))
            .await
            .map(drop)
    }

    /// Takes one of the uses of a click's token, if one is left.
    fn takes_use(&self, token: &str, at: i64) -> bool {
        let (now, until) = (self.clock.now(), Moment(at) + TOKEN_LIFE);
        now < until && self.used.take(token, until, now) <= TOKEN_USES
    }
}
