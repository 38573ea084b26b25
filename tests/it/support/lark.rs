//! Lark's side of a conversation: encrypted events as Lark sends them, and the part of its API that the bot calls.
//!
//! What the bot sends is held against Lark's rules, and kept in the one shape in which the tests read messages.

use aes::Aes256;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use relatch::surface::domain::Moment;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::slack::{Memory, user_id};

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
        "context": { "open_message_id": format!("om_card{serial}"), "open_chat_id": chat(who, is_group) },
    })
}

/// What changes the card of a click.
pub(crate) fn token(is_group: bool, serial: u32) -> String {
    format!("c-{}-{serial}", if is_group { "group" } else { "private" })
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

/// What a callback was answered with, in the tests' own shape; a form is kept as one that was opened.
pub(crate) fn read_answer(memory: &Memory, body: &[u8]) -> Vec<u8> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return body.to_vec();
    };
    if let Some(text) = answer["toast"]["content"].as_str() {
        return json!({ "response_action": "errors", "errors": { "destination": text } })
            .to_string()
            .into_bytes();
    }
    if answer["card"].is_object() {
        let card = &answer["card"]["data"];
        memory.note_broken(rules(card, None));
        let form = card["elements"]
            .as_array()
            .unwrap()
            .iter()
            .find(|element| element["tag"] == "form")
            .unwrap();
        let (input, submit) = (&form["elements"][0], &form["elements"][1]);
        let fits = answer["card"]["type"] == "raw"
            && input["tag"] == "input"
            && input["name"] == "destination"
            && input["max_length"].as_u64().unwrap() <= 1000
            && submit["action_type"] == "form_submit"
            && submit["name"].is_string();
        memory.note_broken(if fits {
            vec![]
        } else {
            vec![format!("a form that Lark does not know: {card}")]
        });
        let label = json!({ "text": input["label"]["content"] });
        let value = &submit["value"];
        memory.open(
            json!({ "callback_id": value["form"], "private_metadata": value["value"], "blocks": [{ "label": label }] }),
        );
        return Vec::new();
    }
    if answer["challenge"].is_string() {
        return body.to_vec();
    }
    assert_eq!(answer, json!({}), "an answer that Lark does not know");
    Vec::new()
}

/// What Lark would refuse, or would make of a name.
fn rules(card: &Value, is_group: Option<bool>) -> Vec<String> {
    let mut broken = Vec::new();
    let mut hold = |holds: bool, rule: &str| {
        if !holds {
            broken.push(format!("{rule}: {card}"));
        }
    };
    hold(
        card.to_string().len() <= 30 * 1024,
        "a card of 30 KB at most",
    );
    hold(
        card["config"]["enable_forward"] == false,
        "a card that nobody passes on",
    );
    hold(
        card["config"]["update_multi"] == true,
        "a card that can be changed",
    );
    hold(
        card["header"]["title"]["tag"] == "plain_text",
        "plain titles",
    );
    for element in card["elements"].as_array().unwrap() {
        match element["tag"].as_str().unwrap() {
            "div" => hold(element["text"]["tag"] == "plain_text", "plain texts"),
            "action" => {
                for button in element["actions"].as_array().unwrap() {
                    let kind = button["type"].as_str().unwrap();
                    hold(
                        ["default", "primary", "danger"].contains(&kind),
                        "a kind of button that there is",
                    );
                    hold(button["text"]["tag"] == "plain_text", "plain labels");
                    let stands_in = button["value"]["group"] == GROUP;
                    hold(
                        is_group.is_none_or(|is_group| stands_in == is_group),
                        "a button knows where it stands",
                    );
                }
            }
            "form" => {}
            other => hold(false, other),
        }
    }
    broken
}

/// The card in the one shape in which the tests read messages.
fn neutral(card: &Value) -> Value {
    let title = &card["header"]["title"]["content"];
    let mut blocks =
        vec![json!({ "type": "header", "text": { "type": "plain_text", "text": title } })];
    let elements = card["elements"].as_array().unwrap();
    let shows = elements.iter().any(|one| {
        one["text"]["content"]
            .as_str()
            .unwrap_or_default()
            .starts_with("Say it: ")
    });
    for (at, element) in elements.iter().enumerate() {
        if element["tag"] == "action" {
            let buttons: Vec<Value> = element["actions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|button| {
                    let (value, label) = (&button["value"], &button["text"]["content"]);
                    json!({ "action_id": value["action"], "value": value["value"], "text": { "text": label } })
                })
                .collect();
            blocks.push(json!({ "type": "actions", "elements": buttons }));
        } else if element["tag"] == "div" {
            let is_password = shows && at == 0;
            let kind = if is_password { "mrkdwn" } else { "plain_text" };
            blocks.push(json!({ "type": "section", "text": { "type": kind, "text": element["text"]["content"] } }));
        }
    }
    json!({ "blocks": blocks, "response_type": "ephemeral" })
}

/// A card that takes the place of another, or of none.
fn placed(card: &Value, replaces: bool) -> Value {
    let mut said = neutral(card);
    said["replace_original"] = replaces.into();
    said
}

/// The part of the API that the bot calls.
pub(crate) fn router() -> Router<Memory> {
    Router::new()
        .route(
            "/lark/auth/v3/tenant_access_token/internal",
            post(token_of_tenant),
        )
        .route("/lark/contact/v3/users/{id}", get(user))
        .route("/lark/contact/v3/users/batch_get_id", post(id_by_email))
        .route("/lark/ephemeral/v1/send", post(send_ephemeral))
        .route("/lark/ephemeral/v1/delete", post(delete_ephemeral))
        .route("/lark/im/v1/messages", post(send))
        .route("/lark/im/v1/messages/{id}", axum::routing::patch(change))
        .route("/lark/interactive/v1/card/update", post(update))
}

type Told = (StatusCode, String);

fn told(answer: &Value) -> Told {
    (StatusCode::OK, answer.to_string())
}

fn is_ours(headers: &HeaderMap) {
    assert_eq!(
        headers["authorization"],
        format!("Bearer {TENANT_TOKEN}").as_str()
    );
}

async fn token_of_tenant(body: String) -> Told {
    let asked: Value = serde_json::from_str(&body).unwrap();
    if asked != json!({ "app_id": APP, "app_secret": APP_SECRET }) {
        return told(&json!({ "code": 10_014, "msg": "app secret invalid" }));
    }
    told(&json!({ "code": 0, "msg": "ok", "tenant_access_token": TENANT_TOKEN, "expire": 7200 }))
}

/// Lark knows no guests: who is not of the tenant has left it.
async fn user(
    State(memory): State<Memory>,
    Path(wanted): Path<String>,
    headers: HeaderMap,
) -> Told {
    is_ours(&headers);
    tokio::time::sleep(memory.who_delay()).await;
    if let Some((status, answer)) = memory.who_answer() {
        return (StatusCode::from_u16(status).unwrap(), answer.to_string());
    }
    let Some(user) = memory.any_user(|slack_id, _| id(slack_id) == wanted) else {
        return (
            StatusCode::BAD_REQUEST,
            json!({ "code": 41_050, "msg": "no user authority error" }).to_string(),
        );
    };
    let is = |name: &str| user[name] == true;
    let email = user["profile"]["email"].as_str().unwrap();
    told(&json!({ "code": 0, "msg": "success", "data": { "user": {
        "open_id": wanted, "name": "x", "email": email,
        "enterprise_email": if is("is_email_confirmed") { email } else { "" },
        "is_tenant_manager": is("is_owner"),
        "status": { "is_frozen": is("deleted"), "is_resigned": false, "is_activated": true, "is_exited": is("is_restricted") },
    } } }))
}

async fn id_by_email(State(memory): State<Memory>, headers: HeaderMap, body: String) -> Told {
    is_ours(&headers);
    let asked: Value = serde_json::from_str(&body).unwrap();
    let email = asked["emails"][0].as_str().unwrap();
    let found = memory.any_user(|_, user| user["profile"]["email"] == email);
    // "Obtain user ID via email or mobile number": without an id where nobody is found.
    let found = found.map_or(
        json!({ "email": email }),
        |user| json!({ "email": email, "user_id": id(user["id"].as_str().unwrap()) }),
    );
    told(&json!({ "code": 0, "msg": "success", "data": { "user_list": [found] } }))
}

/// Lark's answer to a message that was taken or not.
fn end(status: StatusCode) -> Told {
    match status.as_u16() {
        200 => told(&json!({ "code": 0, "msg": "success", "data": { "message_id": "om_sent" } })),
        400..500 => (
            status,
            json!({ "code": 230_001, "msg": "refused" }).to_string(),
        ),
        _ => (status, String::new()),
    }
}

async fn send_ephemeral(State(memory): State<Memory>, headers: HeaderMap, body: String) -> Told {
    is_ours(&headers);
    let asked: Value = serde_json::from_str(&body).unwrap();
    // Lark, "Send message cards that are only visible to certain people": not in groups of topic mode. The code and its
    // words are the ones that public bots report.
    if asked["chat_id"] == TOPICS {
        let refused = json!({ "code": 18_053, "msg": "chat can not be thread" });
        return (StatusCode::BAD_REQUEST, refused.to_string());
    }
    let is_whole = asked["chat_id"] == GROUP
        && asked["msg_type"] == "interactive"
        && asked["open_id"].is_string();
    memory.note_broken(if is_whole {
        vec![]
    } else {
        vec![format!("no ephemeral card: {asked}")]
    });
    memory.note_broken(rules(&asked["card"], Some(true)));
    end(memory
        .take("ephemeral".to_owned(), placed(&asked["card"], false))
        .await)
}

async fn delete_ephemeral(headers: HeaderMap, body: String) -> Told {
    is_ours(&headers);
    let asked: Value = serde_json::from_str(&body).unwrap();
    assert!(asked["message_id"].as_str().unwrap().starts_with("om_"));
    told(&json!({ "code": 0 }))
}

/// An ordinary card: everybody in the chat sees it, so it may only stand in a chat of two.
async fn send(
    State(memory): State<Memory>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    body: String,
) -> Told {
    is_ours(&headers);
    let asked: Value = serde_json::from_str(&body).unwrap();
    let to = asked["receive_id"].as_str().unwrap();
    let is_private = match query[0].1.as_str() {
        "chat_id" => to.starts_with("oc_private_"),
        "open_id" => to.starts_with("ou_"),
        _ => false,
    };
    memory.note_broken(if is_private {
        vec![]
    } else {
        vec![format!("a card that others see: {asked}")]
    });
    let card: Value = serde_json::from_str(asked["content"].as_str().unwrap()).unwrap();
    memory.note_broken(rules(&card, Some(false)));
    end(memory
        .take("message".to_owned(), placed(&card, false))
        .await)
}

async fn change(
    State(memory): State<Memory>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Told {
    is_ours(&headers);
    assert!(id.starts_with("om_"), "{id}");
    let asked: Value = serde_json::from_str(&body).unwrap();
    let card: Value = serde_json::from_str(asked["content"].as_str().unwrap()).unwrap();
    memory.note_broken(rules(&card, Some(false)));
    end(memory.take(id, placed(&card, true)).await)
}

/// Twice at most, and never before the click was answered: the answer would undo it.
async fn update(State(memory): State<Memory>, headers: HeaderMap, body: String) -> Told {
    is_ours(&headers);
    let asked: Value = serde_json::from_str(&body).unwrap();
    let token = asked["token"].as_str().unwrap();
    memory.note_use_of(token, 2);
    if !memory.is_answered(token) {
        memory.note_broken(vec![format!(
            "{token} was used before its click was answered"
        )]);
    }
    memory.note_broken(rules(&asked["card"], Some(token.starts_with("c-group"))));
    end(memory
        .take(token.to_owned(), placed(&asked["card"], true))
        .await)
}
