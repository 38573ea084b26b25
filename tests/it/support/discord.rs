//! Discord's side of a conversation: interactions as Discord sends them, and the REST API that the bot calls.
//!
//! What the bot sends is held against Discord's rules, and kept in the one shape in which the tests read messages.

use std::collections::HashSet;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use relatch::surface::domain::{Moment, Span};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::slack::{DirectError, Memory, direct, user_id};

pub(crate) const APPLICATION: &str = "100000000000000001";
pub(crate) const GUILD: &str = "200000000000000002";
pub(crate) const ROUTE: &str = "/discord/interactions";

/// Discord's own key in the tests.
pub(crate) fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap()
}

pub(crate) fn public_key() -> [u8; 32] {
    key().public_key().as_ref().try_into().unwrap()
}

/// `UJO` → 18 digits, always the same.
pub(crate) fn snowflake(slack_id: &str) -> String {
    let number = slack_id.bytes().fold(7_u64, |number, byte| {
        (number * 31 + u64::from(byte)) % 99_999_999_999_999_999
    });
    format!("3{number:017}")
}

/// The signature of a body at a time.
pub(crate) fn sign(timestamp: &str, body: &[u8]) -> String {
    hex::encode(key().sign(&[timestamp.as_bytes(), body].concat()))
}

/// Discord, "Receiving and Responding", "Interaction Structure"; "Guild Member Object" for `member`.
fn interaction(kind: u8, who: &str, serial: u32, data: &Value) -> Value {
    json!({
        "type": kind,
        "id": format!("4{serial:017}"),
        "application_id": APPLICATION,
        "token": format!("aW50ZXJhY3Rpb246token-{serial}_x"),
        "version": 1,
        "guild_id": GUILD,
        "channel_id": "500000000000000005",
        "context": 0,
        "authorizing_integration_owners": { "0": GUILD },
        "member": { "user": { "id": who, "username": "x" }, "roles": [], "permissions": "0" },
        "locale": "en-US",
        "entitlements": [],
        "data": data,
    })
}

/// The command, from the text that Slack would be sent (Discord, "Receiving and Responding", "Application Command Data
/// Structure"; "Application Commands", "Application Command Option Type": 3 is a text, 6 a user).
pub(crate) fn command_body(who: &str, text: &str, serial: u32) -> String {
    let mut options = Vec::new();
    let mut rest = Vec::new();
    for word in text.split_whitespace() {
        let mention = word
            .strip_prefix("<@")
            .and_then(|word| word.strip_suffix('>'))
            // A role, which the option for a member does not offer (Discord, "Message formatting").
            .filter(|id| !id.starts_with('&'));
        match mention {
            Some(id)
                if !options
                    .iter()
                    .any(|option: &Value| option["name"] == "member") =>
            {
                let id = snowflake(id.split('|').next().unwrap());
                options.push(json!({ "name": "member", "type": 6, "value": id }));
            }
            _ if options.is_empty()
                && rest.is_empty()
                && ["help", "log", "why", "contact"].contains(&word) =>
            {
                options.push(json!({ "name": "show", "type": 3, "value": word }));
            }
            Some(id) => rest.push(format!("<@{}>", snowflake(id.split('|').next().unwrap()))),
            None => rest.push(word.to_owned()),
        }
    }
    if !rest.is_empty() {
        options.push(json!({ "name": "words", "type": 3, "value": rest.join(" ") }));
    }
    interaction(
        2,
        who,
        serial,
        &json!({ "id": "6", "type": 1, "name": "reset-password", "options": options }),
    )
    .to_string()
}

/// The context menu of a member (Discord, "Application Commands", "User commands": type 2, with `target_id`).
pub(crate) fn menu_body(who: &str, target: &str, serial: u32) -> String {
    interaction(
        2,
        who,
        serial,
        &json!({ "id": "7", "type": 2, "name": "Reset password", "target_id": target }),
    )
    .to_string()
}

/// Discord, "Receiving and Responding", "Message Component Data Structure": type 2 is a button.
pub(crate) fn click_body(who: &str, action: &str, value: &str, serial: u32) -> String {
    let data = json!({ "custom_id": format!("{action}:{value}"), "component_type": 2, "id": 3 });
    interaction(3, who, serial, &data).to_string()
}

/// A modal in today's shape, or in the older one (Discord, "Receiving and Responding", "Modal Submit Data Structure";
/// "Component Reference", "Component Types": 1 a row, 4 a text input, 18 a label).
pub(crate) fn form_body(
    who: &str,
    view: &Value,
    typed: &str,
    serial: u32,
    is_older: bool,
) -> String {
    let input = json!({ "type": 4, "id": 2, "custom_id": "value", "value": typed });
    let part = if is_older {
        json!({ "type": 1, "components": [input] })
    } else {
        json!({ "type": 18, "id": 1, "component": input })
    };
    let custom_id = format!(
        "{}:{}",
        view["callback_id"].as_str().unwrap(),
        view["private_metadata"].as_str().unwrap()
    );
    interaction(
        5,
        who,
        serial,
        &json!({ "custom_id": custom_id, "components": [part] }),
    )
    .to_string()
}

/// What the interaction was answered with, in the tests' own shape; a modal is kept as a form that was opened (Discord,
/// "Receiving and Responding", "Interaction Callback Type": 1 answers a ping, 4 says something, 5 that something will be
/// said, 6 that the message may change later, 9 opens a modal).
pub(crate) fn read_answer(memory: &Memory, body: &[u8]) -> Vec<u8> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return body.to_vec();
    };
    match answer["type"].as_u64() {
        Some(4) => {
            memory.note_broken(rules(&answer["data"], Made::Ephemeral));
            neutral(&answer["data"], true).to_string().into_bytes()
        }
        Some(9) => {
            let modal = &answer["data"];
            let (name, value) = modal["custom_id"]
                .as_str()
                .unwrap()
                .split_once(':')
                .unwrap();
            let part = &modal["components"][0];
            // Discord, "Receiving and Responding", "Modal": a title of up to 45 characters and 1 to 5 components; "Component
            // Reference", "Label": a label of up to 45 characters and a description of up to 100.
            let fits = modal["title"].as_str().unwrap().chars().count() <= 45
                && modal["custom_id"].as_str().unwrap().len() <= 100
                && part["type"] == 18
                && part["label"].as_str().unwrap().chars().count() <= 45
                && part["description"].as_str().unwrap().chars().count() <= 100
                && part["component"]["type"] == 4;
            memory.note_broken(if fits {
                vec![]
            } else {
                vec![format!("a modal outside the limits: {modal}")]
            });
            let label = json!({ "text": part["label"] });
            memory.open(json!({ "callback_id": name, "private_metadata": value, "blocks": [{ "label": label }] }));
            Vec::new()
        }
        Some(5) if answer["data"]["flags"] == 64 => Vec::new(),
        Some(6) => Vec::new(),
        Some(1) => body.to_vec(),
        _ => panic!("an answer that Discord does not know: {answer}"),
    }
}

/// Message flags (Discord, "Message Resource", "Message Flags").
const EPHEMERAL: u64 = 1 << 6;
const IS_COMPONENTS_V2: u64 = 1 << 15;

/// How a message comes into being.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    /// For one person alone, as the answer to an interaction or as a follow-up.
    Ephemeral,
    /// In place of an earlier one. Of the flags it can set only `IS_COMPONENTS_V2`, and `content` of the earlier one must be
    /// set to null (Discord, "Webhook Resource", "Edit Webhook Message").
    Edited,
    /// In a channel.
    Posted,
}

/// What Discord would refuse, or would make of a name. The lengths are also held against Discord's published schema, in
/// `support/published`.
fn rules(message: &Value, made: Made) -> Vec<String> {
    let mut held = Held {
        message,
        ids: HashSet::new(),
        count: 0,
        characters: 0,
        broken: Vec::new(),
    };
    // Discord, "Webhook Resource", "Execute Webhook": with the flag there is no `content` and there are no embeds.
    let flags = match made {
        Made::Ephemeral => EPHEMERAL | IS_COMPONENTS_V2,
        Made::Edited | Made::Posted => IS_COMPONENTS_V2,
    };
    held.hold(message["flags"] == flags, "the flags of its way");
    let known: &[&str] = if made == Made::Edited {
        &["flags", "components", "allowed_mentions", "content"]
    } else {
        &["flags", "components", "allowed_mentions"]
    };
    let keys = message.as_object().into_iter().flatten();
    held.hold(
        keys.map(|(key, _)| key.as_str())
            .all(|key| known.contains(&key))
            && message["content"].is_null(),
        "components and nothing else",
    );
    // Discord, "Message Resource", "Allowed Mentions Object": an empty `parse` suppresses all mentions.
    held.hold(
        message["allowed_mentions"] == json!({ "parse": [] }),
        "nobody is mentioned",
    );
    held.hold(!list(&message["components"]).is_empty(), "components");
    for component in list(&message["components"]) {
        held.component(component, false);
    }
    // Discord, "Component Reference": 40 components in all. The limit of a text is taken as one of all texts and labels.
    held.hold(held.count <= 40, "40 components at most");
    held.hold(held.characters <= 4000, "4000 characters at most");
    held.broken
}

fn list(of: &Value) -> &[Value] {
    of.as_array().map_or(&[], Vec::as_slice)
}

/// The rules that a message broke so far.
struct Held<'a> {
    message: &'a Value,
    ids: HashSet<String>,
    count: usize,
    characters: usize,
    broken: Vec<String>,
}

impl Held<'_> {
    fn hold(&mut self, holds: bool, rule: &str) {
        if !holds {
            self.broken.push(format!("{rule}: {}", self.message));
        }
    }

    /// Discord, "Component Reference": "Container" (17) has rows, sections and texts in it, and no container; "Action Row"
    /// (1) up to five buttons; "Section" (9) one to three texts and an accessory; "Text Display" (10) Markdown.
    fn component(&mut self, component: &Value, is_inside: bool) {
        self.count += 1;
        let inside = list(&component["components"]);
        match component["type"].as_u64() {
            Some(17) => {
                self.hold(!is_inside && !inside.is_empty(), "a container at the top");
                for one in inside {
                    self.component(one, true);
                }
            }
            Some(1) => {
                self.hold(
                    (1..=5).contains(&inside.len()),
                    "one to five buttons in a row",
                );
                for button in inside {
                    self.button(button);
                }
            }
            Some(9) => {
                self.hold(
                    (1..=3).contains(&inside.len()),
                    "one to three texts in a section",
                );
                for text in inside {
                    self.count += 1;
                    self.text(text);
                }
                self.button(&component["accessory"]);
            }
            Some(10) => self.text(component),
            _ => self.hold(false, "a component that there is"),
        }
    }

    fn text(&mut self, text: &Value) {
        let length = text["content"].as_str().unwrap_or_default().chars().count();
        self.characters += length;
        self.hold(text["type"] == 10 && length > 0, "a text");
    }

    /// Discord, "Component Reference", "Custom ID": 1 to 100 characters, unique in a message; "Button": a label of up to 80
    /// characters, and styles of which 5 is a link and 6 for sale.
    fn button(&mut self, button: &Value) {
        self.count += 1;
        let id = button["custom_id"].as_str().unwrap_or_default().to_owned();
        let label = button["label"].as_str().unwrap_or_default().chars().count();
        self.characters += label;
        self.hold(
            button["type"] == 2 && label > 0,
            "a button is called one, and has a label",
        );
        let is_new = (1..=100).contains(&id.len()) && self.ids.insert(id);
        self.hold(is_new, "custom ids of 100 at most, each once");
        self.hold(label <= 80, "labels of 80 at most");
        self.hold(
            [1, 2, 4].contains(&button["style"].as_u64().unwrap_or_default()),
            "a style that there is",
        );
    }
}

/// The message in the one shape in which the tests read them.
fn neutral(message: &Value, is_ephemeral: bool) -> Value {
    let mut blocks = Vec::new();
    for component in list(&message["components"]) {
        add_blocks(component, &mut blocks);
    }
    let mut neutral = json!({ "blocks": blocks });
    if is_ephemeral {
        neutral["response_type"] = "ephemeral".into();
    }
    neutral
}

fn add_blocks(component: &Value, blocks: &mut Vec<Value>) {
    let inside = list(&component["components"]);
    match component["type"].as_u64() {
        Some(1) => {
            let buttons: Vec<Value> = inside.iter().map(neutral_button).collect();
            blocks.push(json!({ "type": "actions", "elements": buttons }));
        }
        Some(10) => blocks.extend(
            component["content"]
                .as_str()
                .unwrap_or_default()
                .lines()
                .map(neutral_line),
        ),
        _ => {
            for one in inside {
                add_blocks(one, blocks);
            }
            let accessory = component.get("accessory").map(neutral_button);
            blocks.extend(accessory.map(|one| json!({ "type": "actions", "elements": [one] })));
        }
    }
}

fn neutral_button(button: &Value) -> Value {
    let (action, value) = button["custom_id"]
        .as_str()
        .unwrap()
        .split_once(':')
        .unwrap();
    json!({ "type": "button", "action_id": action, "value": value, "text": { "text": button["label"] } })
}

/// A line of Markdown: a heading, small print, a password, or a text.
fn neutral_line(line: &str) -> Value {
    let is_password = line.starts_with('`') && line.ends_with('`');
    let (block, rest) = match line.strip_prefix("### ") {
        Some(rest) => ("header", rest),
        None => ("section", line.strip_prefix("-# ").unwrap_or(line)),
    };
    let (kind, text) = if is_password {
        ("mrkdwn", line.to_owned())
    } else {
        ("plain_text", unescape(rest))
    };
    json!({ "type": block, "text": { "type": kind, "text": text } })
}

/// What Discord shows: a backslash before a mark stands for the mark, and two asterisks without one begin or end what is
/// bold.
fn unescape(text: &str) -> String {
    let mut shown = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => shown.push(characters.next().unwrap()),
            '*' => assert_eq!(characters.next(), Some('*'), "a lone mark: {text}"),
            _ => shown.push(character),
        }
    }
    shown
}

#[test]
fn discord_s_rules_have_teeth() {
    let text = |text: &str| json!({ "type": 10, "content": text });
    let button = |id: &str| json!({ "type": 2, "style": 1, "label": "x", "custom_id": id });
    let good = json!({
        "flags": EPHEMERAL | IS_COMPONENTS_V2,
        "allowed_mentions": { "parse": [] },
        "components": [{ "type": 17, "components": [
            text("x"),
            { "type": 1, "components": [button("a")] },
            { "type": 9, "components": [text("x")], "accessory": button("b") },
        ] }],
    });
    assert_eq!(rules(&good, Made::Ephemeral), Vec::<String>::new());
    let inside = "/components/0/components";
    for (place, value) in [
        ("/flags", json!(EPHEMERAL)),
        ("/flags", json!(IS_COMPONENTS_V2)),
        ("/allowed_mentions", Value::Null),
        ("/components", json!([])),
        ("/components/0/components", json!([])),
        ("/components/0/type", json!(18)),
        ("/components/0/components/0", good["components"][0].clone()),
        ("/components/0/components/0/content", json!("")),
        (
            "/components/0/components/0/content",
            json!("x".repeat(4000)),
        ),
        (
            "/components/0/components/1/components",
            json!(vec![button("c"); 6]),
        ),
        (
            "/components/0/components/1/components/0/custom_id",
            json!("b"),
        ),
        (
            "/components/0/components/1/components/0/label",
            json!("x".repeat(81)),
        ),
        ("/components/0/components/2/accessory", Value::Null),
        (
            "/components/0/components/2/components",
            json!(vec![text("x"); 4]),
        ),
        (inside, json!(vec![text("x"); 40])),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value;
        assert_ne!(
            rules(&bad, Made::Ephemeral),
            Vec::<String>::new(),
            "{place}"
        );
    }
    for (name, value) in [("content", json!("x")), ("embeds", json!([]))] {
        let mut bad = good.clone();
        bad[name] = value;
        assert_ne!(rules(&bad, Made::Ephemeral), Vec::<String>::new(), "{name}");
    }
}

/// The routes of the REST API that the bot calls.
pub(crate) fn router() -> Router<Memory> {
    Router::new()
        .route("/discord/guilds/{guild}/members/{user}", get(member))
        .route("/discord/users/@me/channels", post(create_dm))
        .route("/discord/channels/{id}/messages", post(create_message))
        .route("/discord/webhooks/{application}/{token}", post(follow_up))
        .route(
            "/discord/webhooks/{application}/{token}/messages/@original",
            patch(edit),
        )
}

/// How long the token of an interaction follows it up (Discord, "Receiving and Responding", "Followup Messages").
const TOKEN_LIFE: Span = Span::minutes(15);

/// An interaction makes a token.
pub(crate) fn note_request(memory: &Memory, now: Moment, body: &[u8]) {
    let sent: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(token) = sent["token"].as_str() {
        let mut tokens = memory.tokens.lock().unwrap();
        tokens.entry(token.to_owned()).or_insert(now);
    }
}

/// True for the token of an interaction that is too old, by the bot's clock.
fn is_expired(memory: &Memory, token: &str) -> bool {
    let made_at = memory.tokens.lock().unwrap().get(token).copied();
    let clock = memory.mattermost.lock().unwrap().clock.clone();
    made_at
        .zip(clock)
        .is_some_and(|(made_at, clock)| clock.now() - made_at >= TOKEN_LIFE)
}

/// A message by the token of an interaction; 10015 is an unknown webhook (Discord, "Opcodes and Status Codes", "JSON Error
/// Codes").
async fn said_by(memory: &Memory, token: String, said: Value) -> Response {
    if is_expired(memory, &token) {
        let refused = json!({ "code": 10015, "message": "Unknown Webhook" });
        return (StatusCode::NOT_FOUND, refused.to_string()).into_response();
    }
    memory.take(token, said).await.into_response()
}

/// "Get Guild Member" (Discord, "Guild Resource"); 10007 is an unknown member ("Opcodes and Status Codes", "JSON Error
/// Codes"); a bot's token, and a user agent that begins with `DiscordBot` ("API Reference", "Authentication", "User Agent").
async fn member(
    State(memory): State<Memory>,
    Path((guild, user)): Path<(String, String)>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let delay = memory.who_delay();
    tokio::time::sleep(delay).await;
    if let Some((status, answer)) = memory.who_answer() {
        return (
            StatusCode::from_u16(status).unwrap(),
            [("retry-after", "7")],
            answer.to_string(),
        );
    }
    let is_ours = headers["authorization"] == format!("Bot {}", super::BOT_TOKEN).as_str()
        && headers["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("DiscordBot (");
    assert!(
        is_ours && guild == GUILD,
        "a call that Discord would refuse"
    );
    let found = memory.user(|id| snowflake(id) == user);
    let answer = match found {
        Some(found) if found["deleted"] != true => {
            let user = json!({
                "id": user, "username": "x", "global_name": found["profile"]["real_name"], "bot": found["is_bot"] == true,
            });
            (
                StatusCode::OK,
                json!({ "user": user, "roles": [], "pending": found["is_restricted"] == true }),
            )
        }
        _ => (
            StatusCode::NOT_FOUND,
            json!({ "code": 10007, "message": "Unknown Member" }),
        ),
    };
    (answer.0, [("retry-after", "0")], answer.1.to_string())
}

/// The chat of the bot and a user: the user's id with another first digit.
fn chat_of(user: &str) -> String {
    format!("6{}", &user[1..])
}

/// "Create DM": makes the channel or finds it (Discord, "User Resource", "DM Channels"). 50033 is "Invalid Recipient(s)"
/// ("Opcodes and Status Codes", "JSON Error Codes").
async fn create_dm(State(memory): State<Memory>, headers: HeaderMap, body: String) -> Response {
    assert_eq!(
        headers["authorization"],
        format!("Bot {}", super::BOT_TOKEN).as_str()
    );
    let asked: Value = serde_json::from_str(&body).unwrap();
    let user = asked["recipient_id"].as_str().unwrap();
    if memory.user(|id| snowflake(id) == user).is_none() {
        let refused = json!({ "code": 10013, "message": "Unknown User" });
        return (StatusCode::NOT_FOUND, refused.to_string()).into_response();
    }
    if let Some(DirectError::DiscordChat(code)) = *memory.direct_error.lock().unwrap() {
        let refused = json!({ "code": code, "message": "Invalid Recipient(s)" });
        return (StatusCode::BAD_REQUEST, refused.to_string()).into_response();
    }
    let recipient = json!({ "id": user, "username": "x" });
    json!({ "id": chat_of(user), "type": 1, "recipients": [recipient] })
        .to_string()
        .into_response()
}

/// "Create Message" (Discord, "Message Resource"): everybody in the channel sees it, so it may only stand in a chat of two:
/// our own rule. A user may refuse such messages: 403 with 50007 ("Opcodes and Status Codes", "JSON Error Codes").
async fn create_message(
    State(memory): State<Memory>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    assert_eq!(
        headers["authorization"],
        format!("Bot {}", super::BOT_TOKEN).as_str()
    );
    let message: Value = serde_json::from_str(&body).unwrap();
    let mut broken = rules(&message, Made::Posted);
    if !id.starts_with('6') || message.to_string().contains("custom_id") {
        broken.push(format!("no message to one person alone: {message}"));
    }
    memory.note_broken(broken);
    if let Some(DirectError::DiscordMessage(code)) = *memory.direct_error.lock().unwrap() {
        let refused = json!({ "code": code, "message": "Cannot send messages to this user" });
        return (StatusCode::FORBIDDEN, refused.to_string()).into_response();
    }
    let place = direct(&format!("3{}", &id[1..]));
    memory.take(place, neutral(&message, false)).await;
    json!({ "id": "800000000000000008" })
        .to_string()
        .into_response()
}

/// "Create Followup Message" (Discord, "Receiving and Responding", "Endpoints").
async fn follow_up(
    State(memory): State<Memory>,
    Path((_, token)): Path<(String, String)>,
    body: String,
) -> Response {
    let message: Value = serde_json::from_str(&body).unwrap();
    memory.note_broken(rules(&message, Made::Ephemeral));
    let mut said = neutral(&message, true);
    said["replace_original"] = false.into();
    said_by(&memory, token, said).await
}

/// "Edit Original Interaction Response" (Discord, "Receiving and Responding", "Endpoints").
async fn edit(
    State(memory): State<Memory>,
    Path((_, token)): Path<(String, String)>,
    body: String,
) -> Response {
    let message: Value = serde_json::from_str(&body).unwrap();
    memory.note_broken(rules(&message, Made::Edited));
    // It stays as it was first: for one person only.
    let mut said = neutral(&message, true);
    said["replace_original"] = true.into();
    said_by(&memory, token, said).await
}

/// Whom a Slack id of the tests stands for here.
pub(crate) fn id_of(email: &str) -> String {
    snowflake(&user_id(email))
}
