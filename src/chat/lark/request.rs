//! Parsing what Lark posts: messages to the bot, its menu, clicks and forms of cards.

use axum::http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::reply::LarkReply;
use super::{CARD_EVENT, Lark, MENU_EVENT, MESSAGE_EVENT, is_id, render, text, wire};
use crate::chat::interaction::{Ask, Boxes, Trigger};
use crate::chat::signature::{NO_INPUT, check_content_type, replay_key};
use crate::chat::{
    Click, Command, FormSubmitted, Interaction, NotVerified, Origin, ReplyAddress, Verified,
};
use crate::domain::{ChatUser, Moment, Platform, Span};
use crate::store::ReplayKey;

/// How long a chat can be written to about one command or click. Lark sets no limit; a generated password lives as long.
const REPLY_LIFE: Span = Span::hours(24);

impl Lark {
    /// Verifies and parses one request.
    pub(super) fn read_request(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<Verified<Interaction>, NotVerified> {
        check_content_type(headers, "application/json")?;
        let (sent, is_signed) = self.decrypt_event(headers, body, now)?;
        if let Some(challenge) = self.read_challenge(&sent)? {
            return Ok(Verified::new(Interaction::Challenge(challenge)));
        }
        // Only the challenge of a new address has no signature; it is encrypted too.
        if !is_signed {
            return Err(NotVerified::Unsigned("missing"));
        }
        if sent.kind.as_deref() == Some("event_callback") {
            return self.pass_over_old_event(&sent, now);
        }
        let header = sent.header.ok_or(NotVerified::Unsigned("header"))?;
        self.check_header(&header, now)?;
        // A repeated event has another nonce and the same id. A message counts by its own id.
        let replay = replay_key(Platform::Lark, 0, &[header.event_id.as_bytes()]);
        let interaction = match header.event_type.as_str() {
            MESSAGE_EVENT => Self::read_message(&sent.event, replay, now)?,
            MENU_EVENT => self.read_menu(&sent.event, replay, now)?,
            CARD_EVENT => Self::read_card(&sent.event, replay, now)?,
            // An event that somebody else uses the app for.
            _ => Interaction::Ping,
        };
        Ok(Verified::new(self.answer_guests_rarely(interaction, now)))
    }

    /// What somebody of another tenant sends soon after an answer is taken without effect: they could use up the sends
    /// that Lark allows our tenant.
    fn answer_guests_rarely(&self, interaction: Interaction, now: Moment) -> Interaction {
        let user = match &interaction {
            Interaction::Command(command) => &command.origin.user,
            Interaction::Click(click) => &click.origin.user,
            Interaction::Form(form) => &form.origin.user,
            Interaction::Ping | Interaction::Challenge(_) => return interaction,
        };
        if user.tenant == self.config.tenant_key || self.guests.take_answer(user, now) {
            interaction
        } else {
            Interaction::Ping
        }
    }

    /// An event of schema 1.0 is taken, because Lark sends again what gets no 200, and has no effect.
    fn pass_over_old_event(
        &self,
        sent: &wire::LarkEvent,
        now: Moment,
    ) -> Result<Verified<Interaction>, NotVerified> {
        self.check_token(sent.token.as_deref().unwrap_or_default())?;
        if self.old_events.is_due(now) {
            tracing::warn!(
                platform = "lark",
                "Lark sent an event of schema 1.0, which is not read: in the developer console, Events & Callbacks, add the event {MESSAGE_EVENT} (schema 2.0) and remove the old one"
            );
        }
        Ok(Verified::new(Interaction::Ping))
    }

    fn read_challenge(&self, sent: &wire::LarkEvent) -> Result<Option<String>, NotVerified> {
        if sent.kind.as_deref() != Some("url_verification") {
            return Ok(None);
        }
        self.check_token(sent.token.as_deref().unwrap_or_default())?;
        let challenge = sent
            .challenge
            .as_ref()
            .filter(|text| (1..=1024).contains(&text.len()));
        challenge
            .cloned()
            .map(Some)
            .ok_or(NotVerified::Malformed("a challenge without its text"))
    }

    fn read_message(
        event: &Value,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let received: wire::MessageEvent = parse(event)?;
        let wire::MessageEvent { sender, message } = received;
        // Messages of other bots do not concern us.
        if sender.kind != "user" {
            return Ok(Interaction::Ping);
        }
        let (is_private, is_topics) = match message.chat_type.as_str() {
            "p2p" => (true, false),
            "group" => (false, false),
            "topic_group" => (false, true),
            _ => return Ok(Interaction::Ping),
        };
        let user = user(&sender.ids.open_id, &sender.tenant_key)?;
        if !is_id(&message.chat_id, "oc_") {
            return Err(NotVerified::Malformed("a chat"));
        }
        let Some(typed) = text::typed(&message.message_type, &message.content)? else {
            return Ok(Interaction::Ping);
        };
        // Lark may push one message as two events ("Receive message": tell them apart by `message_id`).
        let replay = if is_id(&message.message_id, "om_") {
            replay_key(
                Platform::Lark,
                0,
                &[b"message ", message.message_id.as_bytes()],
            )
        } else {
            replay
        };
        let ask = match text::read_command(&typed, &message.mentions) {
            Some(ask) => ask,
            // In the 1:1 chat every message is for us; in a group only the command is.
            None if is_private => Ask::Help,
            None => return Ok(Interaction::Ping),
        };
        let reply = LarkReply {
            user: user.user.clone(),
            // In a group in topic mode nothing can be shown to one person alone.
            chat: Some(message.chat_id).filter(|_| !is_topics),
            is_group: !is_private && !is_topics,
            card: None,
            token: None,
            at: now.0,
        };
        Ok(Interaction::Command(Command {
            origin: origin(user, replay, &reply, now),
            ask,
        }))
    }

    fn read_menu(
        &self,
        event: &Value,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let chosen: wire::MenuEvent = parse(event)?;
        if chosen.event_key != "help" {
            return Ok(Interaction::Ping);
        }
        let tenant = &self.config.tenant_key;
        let user = user(&chosen.operator.operator_id.open_id, tenant)?;
        let reply = LarkReply {
            user: user.user.clone(),
            chat: None,
            is_group: false,
            card: None,
            token: None,
            at: now.0,
        };
        Ok(Interaction::Command(Command {
            origin: origin(user, replay, &reply, now),
            ask: Ask::Help,
        }))
    }

    fn read_card(
        event: &Value,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let pressed: wire::CardEvent = parse(event)?;
        let user = user(&pressed.operator.open_id, &pressed.operator.tenant_key)?;
        let wire::CardContext {
            open_message_id,
            open_chat_id,
        } = pressed.context;
        let group = pressed.action.value.group.clone();
        let reply = LarkReply {
            user: user.user.clone(),
            is_group: group.is_some(),
            // In a group the chat is the one to which we sent the card. The callback may name another.
            chat: group.or(Some(open_chat_id)).filter(|id| is_id(id, "oc_")),
            card: Some(open_message_id).filter(|id| is_id(id, "om_")),
            token: Some(pressed.token).filter(|token| (1..=512).contains(&token.len())),
            at: now.0,
        };
        read_action(origin(user, replay, &reply, now), pressed.action)
    }
}

/// Somebody in one of our chats. In a shared group they may be of another tenant. They are told so later: Lark sends an
/// event again that gets no 200.
fn user(id: &str, tenant: &str) -> Result<ChatUser, NotVerified> {
    if !is_id(id, "ou_") {
        return Err(NotVerified::Malformed("a user id"));
    }
    Ok(ChatUser {
        platform: Platform::Lark,
        tenant: tenant.to_owned(),
        user: id.to_owned(),
    })
}

/// A click or a form of one of our cards.
fn read_action(origin: Origin, pushed: wire::CardAction) -> Result<Interaction, NotVerified> {
    let wire::CardAction {
        value,
        mut form_value,
    } = pushed;
    match (value.action, value.form) {
        (Some(action), None) => Ok(Interaction::Click(Click {
            origin,
            action: action
                .parse()
                .map_err(NotVerified::malformed("an unknown action"))?,
            value: value.value,
            boxes: Boxes::default(),
            // Forms are opened by the answer, so no permission of the platform is needed.
            trigger: Trigger::new(String::new()),
        })),
        (None, Some(form)) => {
            let kind = form
                .parse()
                .map_err(NotVerified::malformed("an unknown form"))?;
            let Some(Value::String(typed)) = form_value.remove(render::INPUT) else {
                return Err(NotVerified::Malformed(NO_INPUT));
            };
            Ok(Interaction::Form(FormSubmitted {
                origin,
                kind,
                value: value.value,
                typed,
            }))
        }
        _ => Err(NotVerified::Malformed("a card that is not ours")),
    }
}

/// Where a command or a click came from.
fn origin(user: ChatUser, replay: ReplayKey, reply: &LarkReply, now: Moment) -> Origin {
    let reply = serde_json::to_string(reply)
        .ok()
        .map(|reply| ReplyAddress::new(reply, now + REPLY_LIFE));
    Origin {
        user,
        replay,
        reply,
        received_at: now,
    }
}

fn parse<T: DeserializeOwned>(event: &Value) -> Result<T, NotVerified> {
    T::deserialize(event).map_err(NotVerified::malformed("the event"))
}
