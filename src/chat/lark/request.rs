//! Parsing what Lark posts: messages to the bot, its menu, clicks and forms of cards.

use std::collections::HashMap;

use axum::http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::reply::LarkReply;
use super::{CARD_EVENT, COMMAND_NAME, Lark, MENU_EVENT, MESSAGE_EVENT, is_id, render, wire};
use crate::chat::interaction::{Ask, Trigger, Word};
use crate::chat::signature::{check_content_type, replay_key};
use crate::chat::{
    Click, Command, FormSubmitted, Interaction, NamedMember, NotVerified, Origin, ReplyAddress,
    Verified,
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
        let header = sent.header.ok_or(NotVerified::Unsigned("header"))?;
        self.check_header(&header, now)?;
        // A repeated event has another nonce and the same id.
        let replay = replay_key(Platform::Lark, 0, &[header.event_id.as_bytes()]);
        Ok(Verified::new(match header.event_type.as_str() {
            MESSAGE_EVENT => self.read_message(&sent.event, replay, now)?,
            MENU_EVENT => self.read_menu(&sent.event, replay, now)?,
            CARD_EVENT => self.read_card(&sent.event, replay, now)?,
            // An event that somebody else uses the app for.
            _ => Interaction::Ping,
        }))
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
        &self,
        event: &Value,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let received: wire::MessageEvent = parse(event)?;
        let wire::MessageEvent { sender, message } = received;
        // Messages of other bots do not concern us.
        if sender.kind != "user" || message.message_type != "text" {
            return Ok(Interaction::Ping);
        }
        if sender.tenant_key != self.config.tenant_key {
            return Err(NotVerified::Unsigned("tenant"));
        }
        let is_group = match message.chat_type.as_str() {
            "p2p" => false,
            "group" => true,
            _ => return Ok(Interaction::Ping),
        };
        let user = self.user(&sender.ids.open_id)?;
        if !is_id(&message.chat_id, "oc_") {
            return Err(NotVerified::Malformed("a chat"));
        }
        let content: Value =
            serde_json::from_str(&message.content).map_err(|_| NotVerified::Malformed("a text"))?;
        let text = content
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let ask = match read_command(text, &message.mentions) {
            Some(ask) => ask,
            // In the 1:1 chat every message is for us; in a group only the command is.
            None if is_group => return Ok(Interaction::Ping),
            None => Ask::Help,
        };
        let reply = LarkReply {
            user: user.user.clone(),
            chat: Some(message.chat_id),
            is_group,
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
        let user = self.user(&chosen.operator.operator_id.open_id)?;
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
        &self,
        event: &Value,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let pressed: wire::CardEvent = parse(event)?;
        if pressed.operator.tenant_key != self.config.tenant_key {
            return Err(NotVerified::Unsigned("tenant"));
        }
        let user = self.user(&pressed.operator.open_id)?;
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

    fn user(&self, id: &str) -> Result<ChatUser, NotVerified> {
        if !is_id(id, "ou_") {
            return Err(NotVerified::Malformed("a user id"));
        }
        Ok(ChatUser {
            platform: Platform::Lark,
            tenant: self.config.tenant_key.clone(),
            user: id.to_owned(),
        })
    }
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
                .map_err(|_| NotVerified::Malformed("an unknown action"))?,
            value: value.value,
            // Forms are opened by the answer, so no permission of the platform is needed.
            trigger: Some(Trigger::new(String::new())),
        })),
        (None, Some(form)) => {
            let kind = form
                .parse()
                .map_err(|_| NotVerified::Malformed("an unknown form"))?;
            let Some(Value::String(typed)) = form_value.remove(render::INPUT) else {
                return Err(NotVerified::Malformed("a form without its input"));
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
    T::deserialize(event).map_err(|_| NotVerified::Malformed("the event"))
}

/// The words after the command, or none if there is no command. Mentions of the bot may come before it.
fn read_command(text: &str, mentions: &[wire::Mention]) -> Option<Ask> {
    let mentions: HashMap<&str, &str> = mentions
        .iter()
        .map(|mentioned| (mentioned.key.as_str(), mentioned.id.open_id.as_str()))
        .collect();
    let mut words = text
        .split_whitespace()
        .skip_while(|word| mentions.contains_key(word));
    words
        .next()
        .filter(|word| word.eq_ignore_ascii_case(COMMAND_NAME))?;
    let words: Vec<Word> = words.map(|word| read_word(word, &mentions)).collect();
    Some(Ask::read(&words))
}

/// Parses one word. A mention such as `@_user_1` must match as a whole, because `@_user_10` begins with it.
fn read_word(word: &str, mentions: &HashMap<&str, &str>) -> Word {
    let trimmed = word.trim_end_matches([',', '.', ';', ':', '!', '?']);
    for name in [word, trimmed] {
        if let Some(id) = mentions.get(name).filter(|id| is_id(id, "ou_")) {
            return Word::Member(NamedMember::Mention((*id).to_owned()));
        }
    }
    word.parse().map_or_else(
        |_| Word::Text(word.to_owned()),
        |email| Word::Member(NamedMember::Email(email)),
    )
}
