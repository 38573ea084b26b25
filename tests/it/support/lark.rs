//! Lark's side of a conversation: encrypted events as Lark sends them. Its API is in `api.rs`, and what it refuses in a
//! card in `cards.rs`.
//!
//! Each rule names the page of Lark's open platform that has it, or says that it is assumed.

mod api;
mod cards;

use aes::Aes256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use relatch::surface::domain::Moment;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(crate) use self::api::router;
pub(crate) use self::cards::read_answer;
use super::slack::user_id;

pub(crate) const ROUTE: &str = "/lark/events";
pub(crate) const APP: &str = "cli_canaryapp0000001";
pub(crate) const APP_SECRET: &str = "canary-lark-app-secret-0001";
pub(crate) const ENCRYPT_KEY: &str = "canary-lark-encrypt-key-01";
pub(crate) const VERIFICATION: &str = "canary-lark-verification-01";
pub(crate) const TENANT: &str = "acme0tenant0key";
const TENANT_TOKEN: &str = "t-canary-tenant-access-token";
/// The bot itself, as people mention it.
const BOT: &str = "ou_relatchbot";
const GROUP: &str = "oc_helpdesk";
/// A group in topic mode, where no card is for one person alone.
pub(crate) const TOPICS: &str = "oc_topics";
/// How the ids of ephemeral cards begin here.
const EPHEMERAL: &str = "om_ephemeral";
/// The tenant of a guest in a shared group.
pub(crate) const OTHER_TENANT: &str = "umbrella0tenant0key";

/// `UJO` → an open id.
pub(crate) fn id(slack_id: &str) -> String {
    format!("ou_{:0<32}", slack_id.to_lowercase())
}

/// Whom a work e-mail stands for here.
pub(crate) fn id_of(email: &str) -> String {
    id(&user_id(email))
}

fn chat(who: &str, is_group: bool) -> String {
    if is_group {
        GROUP.to_owned()
    } else {
        format!("oc_private_{who}")
    }
}

/// An event of the app in the tenant. A message has an id of its own, as the event has.
pub(crate) fn event(kind: &str, serial: u32, now: Moment, event: &Value) -> String {
    let mut event = event.clone();
    if let Some(id) = event.pointer_mut("/message/message_id") {
        *id = format!("om_typed{serial}").into();
    }
    // Callbacks of cards tell microseconds.
    let time = if kind == "card.action.trigger" {
        now.0 * 1000
    } else {
        now.0
    };
    json!({
        "schema": "2.0",
        "header": {
            "event_id": format!("event-{serial}"), "event_type": kind, "create_time": time.to_string(),
            "token": VERIFICATION, "app_id": APP, "tenant_key": TENANT,
        },
        "event": event,
    })
    .to_string()
}

/// A text of a person, to the bot alone or with its name before it in a group.
pub(crate) fn message(who: &str, text: &str, mentions: &Value, is_group: bool) -> Value {
    let chat_type = if is_group { "group" } else { "p2p" };
    let content = ("text", json!({ "text": text }));
    message_in((&chat(who, is_group), chat_type), who, &content, mentions)
}

/// A message of a person in a chat (Lark, "Receive message": `chat_id`, `chat_type`, `message_type`, and `content` as
/// text). A group in topic mode is a `group` or a `topic_group`; public bots meet both.
pub(crate) fn message_in(
    (chat_id, chat_type): (&str, &str),
    who: &str,
    (kind, content): &(&str, Value),
    mentions: &Value,
) -> Value {
    json!({
        "sender": { "sender_id": { "open_id": who, "union_id": "on_x" }, "sender_type": "user", "tenant_key": TENANT },
        "message": {
            "message_id": "om_typed", "create_time": "1", "chat_id": chat_id,
            "chat_type": chat_type, "message_type": kind,
            "content": content.to_string(), "mentions": mentions,
        },
    })
}

/// `@_user_1` is the bot, the others are these people, in order.
pub(crate) fn mentions(people: &[&str]) -> Value {
    let ids = [BOT.to_owned()]
        .into_iter()
        .chain(people.iter().map(|email| id_of(email)));
    ids.enumerate()
        .map(|(at, id)| {
            let key = format!("@_user_{}", at + 1);
            json!({ "key": key, "id": { "open_id": id, "union_id": "on_x", "user_id": null }, "name": "x", "tenant_key": TENANT })
        })
        .collect()
}

/// Rich text of these paragraphs, as it is received: a mention is an element with the key of its person, a link has
/// text and address, and there is no language around it (Lark, "Received message content"; the converter
/// `channel/normalize/converters/post.ts` of Lark's node-sdk).
pub(crate) fn rich_text(paragraphs: &Value) -> (&'static str, Value) {
    ("post", json!({ "title": "", "content": paragraphs }))
}

/// An event of schema 1.0: no header, and the kind of event inside (Lark, "Event subscription", the older structure).
pub(crate) fn old_event(token: &str) -> String {
    json!({
        "uuid": "371e9629c20131842fd245dc99a266a6", "token": token, "ts": "1630045346.370087", "type": "event_callback",
        "event": {
            "app_id": APP, "chat_type": "group", "employee_id": "eg69gf36", "is_mention": true, "msg_type": "text",
            "open_chat_id": GROUP, "open_id": id_of("jo@acme.example"), "open_message_id": "om_typed", "parent_id": "",
            "root_id": "", "tenant_key": TENANT, "text": "<at open_id=\"ou_relatchbot\">@relatch</at> /reset-password",
            "text_without_at_bot": " /reset-password", "type": "message",
        },
    })
    .to_string()
}

/// The command, from the text that Slack would be sent.
pub(crate) fn command_body(
    who: &str,
    text: &str,
    is_group: bool,
    serial: u32,
    now: Moment,
) -> String {
    let mut mentions = Vec::new();
    let mut mention = |open_id: &str| {
        let key = format!("@_user_{}", mentions.len() + 1);
        mentions.push(
            json!({ "key": key, "id": { "open_id": open_id }, "name": "x", "tenant_key": TENANT }),
        );
        key
    };
    let mut words = Vec::new();
    if is_group {
        words.push(mention(BOT));
    }
    words.push("/reset-password".to_owned());
    for word in text.split_whitespace() {
        match word
            .strip_prefix("<@")
            .and_then(|word| word.strip_suffix('>'))
        {
            Some(named) => words.push(mention(&id(named.split('|').next().unwrap()))),
            None => words.push(word.to_owned()),
        }
    }
    let text = words.join(" ");
    event(
        "im.message.receive_v1",
        serial,
        now,
        &message(who, &text, &Value::from(mentions), is_group),
    )
}

fn group(is_group: bool) -> Option<&'static str> {
    is_group.then_some(GROUP)
}

fn pressed(who: &str, is_group: bool, serial: u32, action: &Value) -> Value {
    json!({
        "operator": { "tenant_key": TENANT, "open_id": who, "union_id": "on_x" },
        "token": token(is_group, serial),
        "action": action,
        "host": "im_message",
        "context": { "open_message_id": card(is_group, serial), "open_chat_id": chat(who, is_group) },
    })
}

/// What changes the card of a click ("Delay update message card": `c-…`).
pub(crate) fn token(is_group: bool, serial: u32) -> String {
    format!("c-{}-{serial}", if is_group { "group" } else { "private" })
}

/// The card that was clicked. One that is for one person alone has an id of its own kind here, so that `api.rs` knows it.
fn card(is_group: bool, serial: u32) -> String {
    format!("{}{serial}", if is_group { EPHEMERAL } else { "om_card" })
}

pub(crate) fn click_body(
    who: &str,
    action: &str,
    value: &str,
    is_group: bool,
    serial: u32,
    now: Moment,
) -> String {
    let value = json!({ "action": action, "value": value, "group": group(is_group) });
    let pressed = pressed(
        who,
        is_group,
        serial,
        &json!({ "tag": "button", "value": value }),
    );
    event("card.action.trigger", serial, now, &pressed)
}

pub(crate) fn form_body(
    who: &str,
    view: &Value,
    typed: &str,
    is_group: bool,
    serial: u32,
    now: Moment,
) -> String {
    let value = json!({ "form": view["callback_id"], "value": view["private_metadata"], "group": group(is_group) });
    let action = json!({
        "tag": "button", "name": "submit", "value": value, "form_value": { "destination": typed },
    });
    event(
        "card.action.trigger",
        serial,
        now,
        &pressed(who, is_group, serial, &action),
    )
}

/// The envelope in which an event travels.
pub(crate) fn seal(event: &str) -> String {
    let vector = [7; 16];
    let key = Sha256::digest(ENCRYPT_KEY.as_bytes());
    let mut buffer = vec![0; event.len() + 16];
    buffer[..event.len()].copy_from_slice(event.as_bytes());
    let cipher = cbc::Encryptor::<Aes256>::new_from_slices(&key, &vector).unwrap();
    let sealed = cipher
        .encrypt_padded::<Pkcs7>(&mut buffer, event.len())
        .unwrap();
    json!({ "encrypt": STANDARD.encode([&vector[..], sealed].concat()) }).to_string()
}

/// The headers with which an envelope is sent.
pub(crate) fn sign(timestamp: &str, nonce: &str, body: &str) -> [(&'static str, String); 3] {
    let digest = Sha256::digest([timestamp, nonce, ENCRYPT_KEY, body].concat());
    [
        ("x-lark-request-timestamp", timestamp.to_owned()),
        ("x-lark-request-nonce", nonce.to_owned()),
        ("x-lark-signature", hex::encode(digest)),
    ]
}
