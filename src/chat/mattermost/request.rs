//! Verifying and parsing requests: the command's token or our own value, and a trigger that the server signed for the user.

use axum::http::{HeaderMap, header};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use subtle::ConstantTimeEq;
use url::Url;

use super::dialog::DialogState;
use super::mention::read_words;
use super::reply::{MattermostReply, ResponseHook, hook_id};
use super::trigger::SignedTrigger;
use super::{
    ACTIONS_ROUTE, COMMANDS_ROUTE, DIALOGS_ROUTE, HOOK_LIFE, Mattermost, REPLY_LIFE, is_id, render,
    wire,
};
use crate::chat::interaction::{Ask, Boxes, CONTACT_QUESTION, Trigger};
use crate::chat::signature::check_content_type;
use crate::chat::{
    Asking, Click, Command, FormSubmitted, Interaction, NotVerified, Origin, ReplyAddress, Verified,
};
use crate::domain::shorten::shorten;
use crate::domain::{ChatUser, Moment, Platform};
use crate::form::Fields;

/// How many characters of an origin are logged.
const ORIGIN_LIMIT: usize = 100;

impl Mattermost {
    /// Verifies and parses one request. If `asking` allows it, the server may be asked for its key.
    pub(super) async fn read_request(
        &self,
        route: &str,
        headers: &HeaderMap,
        body: &[u8],
        (now, asking): (Moment, Asking),
    ) -> Result<Verified<Interaction>, NotVerified> {
        let is_command = route == COMMANDS_ROUTE;
        let media = if is_command {
            "application/x-www-form-urlencoded"
        } else {
            "application/json"
        };
        check_content_type(headers, media)?;
        let interaction = match route {
            COMMANDS_ROUTE => self.read_command(headers, body, (now, asking)).await?,
            ACTIONS_ROUTE => self.read_click(body, (now, asking)).await?,
            DIALOGS_ROUTE => self.read_dialog(body, now)?,
            _ => return Err(NotVerified::Unsigned("route")),
        };
        Ok(Verified::new(interaction))
    }

    async fn read_command(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        (now, asking): (Moment, Asking),
    ) -> Result<Interaction, NotVerified> {
        let fields = Fields::read_with_lists(
            body,
            &[
                "user_mentions",
                "user_mentions_ids",
                "channel_mentions",
                "channel_mentions_ids",
            ],
        )?;
        self.check_tokens(&fields, headers)?;
        let trigger = fields.get("trigger_id").unwrap_or_default();
        let signed = self
            .check_trigger(trigger, fields.required("user_id")?, (now, asking))
            .await?;
        let response_url = fields.required("response_url")?;
        let hook = hook_id(response_url).ok_or_else(|| {
            self.note_other_hook(response_url, now);
            NotVerified::Malformed("a response address")
        })?;
        let channel = fields.required("channel_id")?.to_owned();
        if !is_id(&channel) {
            return Err(NotVerified::Malformed("a channel id"));
        }
        let hook = Some(ResponseHook {
            id: hook.to_owned(),
            until: now + HOOK_LIFE,
        });
        let reply = MattermostReply {
            user: signed.user.clone(),
            channel,
            hook,
        };
        let reply = Some(ReplyAddress::new(reply.write(), now + REPLY_LIFE));
        let origin = Origin {
            user: self.user(&signed.user),
            replay: signed.replay(),
            reply,
            received_at: now,
        };
        Ok(Interaction::Command(Command {
            origin,
            ask: Ask::read(&read_words(&fields)?),
        }))
    }

    /// Checks the command's token in the form, and in the header where the server put it there too.
    fn check_tokens(&self, fields: &Fields<'_>, headers: &HeaderMap) -> Result<(), NotVerified> {
        let token = fields
            .required("token")
            .map_err(NotVerified::unsigned("token"))?;
        self.check_token(token)?;
        // An outgoing connection may put a bearer token of its own there; then only the form's token counts.
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        if let Some(token) = bearer.and_then(|value| value.strip_prefix("Token ")) {
            self.check_token(token)?;
        }
        Ok(())
    }

    async fn read_click(
        &self,
        body: &[u8],
        (now, asking): (Moment, Asking),
    ) -> Result<Interaction, NotVerified> {
        let pressed: wire::PostAction = parse(body)?;
        self.check_value(&pressed.context.value)?;
        let signed = self
            .check_trigger(&pressed.trigger_id, &pressed.user_id, (now, asking))
            .await?;
        let action = pressed
            .context
            .action
            .parse()
            .map_err(NotVerified::malformed("an unknown action"))?;
        // The permission may have been taken away since the last answer; the server is asked once a minute, and every 5 s
        // where it does not answer.
        let is_private = match asking {
            Asking::Allowed => self.surely_posts_to_one().await,
            Asking::No => self.may_post.get() == Some(true),
        };
        // Else follow-ups go to the address of the card, which includes the command's response address.
        let reply = if is_id(&pressed.channel_id) && is_private {
            let reply = MattermostReply {
                user: signed.user.clone(),
                channel: pressed.channel_id,
                hook: None,
            };
            Some(ReplyAddress::new(reply.write(), now + REPLY_LIFE))
        } else {
            None
        };
        let origin = Origin {
            user: self.user(&signed.user),
            replay: signed.replay(),
            reply,
            received_at: now,
        };
        let trigger = Trigger::new(pressed.trigger_id);
        Ok(Interaction::Click(Click {
            origin,
            action,
            value: pressed.context.value,
            boxes: Boxes::default(),
            trigger,
        }))
    }

    /// The user is the one in the state: the one who opened the dialog by a signed click.
    fn read_dialog(&self, body: &[u8], now: Moment) -> Result<Interaction, NotVerified> {
        let sent: wire::DialogSubmission = parse(body)?;
        let state = DialogState::read(&sent.state, &self.keys, now)?;
        if sent.user_id != state.user {
            return Err(NotVerified::Unsigned("user"));
        }
        if sent.cancelled {
            return Ok(Interaction::Ping);
        }
        let typed = sent
            .submission
            .as_ref()
            .and_then(|typed| typed.get(render::INPUT))
            .and_then(Value::as_str)
            .unwrap_or_default();
        let user = self.user(&state.user);
        Ok(Interaction::Form(FormSubmitted {
            origin: Origin {
                user,
                replay: state.replay(typed),
                reply: None,
                received_at: now,
            },
            kind: state.kind,
            typed: typed.to_owned(),
            value: state.value,
        }))
    }

    /// Logs where a response address of another form leads: a part of its origin, because the rest may be a secret.
    fn note_other_hook(&self, response_url: &str, now: Moment) {
        if !self.other_hooks.is_due(now) {
            return;
        }
        let at = response_url.parse::<Url>();
        let at = at.map_or_else(
            |_| "no address".to_owned(),
            |url| url.origin().ascii_serialization(),
        );
        let at = shorten(&at, ORIGIN_LIMIT);
        tracing::warn!(
            platform = "mattermost",
            at,
            "a command's response address is not of the form SiteURL/hooks/commands/ID; check the server's SiteURL"
        );
    }

    /// Checks user and time as the server signed them. The body must not name another user.
    async fn check_trigger(
        &self,
        trigger: &str,
        user: &str,
        (now, asking): (Moment, Asking),
    ) -> Result<SignedTrigger, NotVerified> {
        let signed = SignedTrigger::read(trigger)?;
        if signed.user != user {
            return Err(NotVerified::Unsigned("user"));
        }
        signed.check_time(now)?;
        self.check_signature(&signed, asking).await?;
        Ok(signed)
    }

    fn check_token(&self, token: &str) -> Result<(), NotVerified> {
        let mut fits = false;
        for known in &self.config.command_tokens {
            fits |= bool::from(known.expose_secret().as_bytes().ct_eq(token.as_bytes()));
        }
        if fits {
            Ok(())
        } else {
            Err(NotVerified::Unsigned("token"))
        }
    }

    /// Checks that we made the value. Only those have one who got it from us through Mattermost.
    fn check_value(&self, value: &str) -> Result<(), NotVerified> {
        let is_ours = self.keys.read_button_value(value).is_some()
            || self.keys.open(value, CONTACT_QUESTION).is_ok();
        if is_ours {
            Ok(())
        } else {
            Err(NotVerified::Unsigned("value"))
        }
    }

    pub(super) fn user(&self, id: &str) -> ChatUser {
        let tenant = self.config.url.host_str().unwrap_or_default().to_owned();
        ChatUser {
            platform: Platform::Mattermost,
            tenant,
            user: id.to_owned(),
        }
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, NotVerified> {
    serde_json::from_slice(body).map_err(NotVerified::malformed("the request"))
}
