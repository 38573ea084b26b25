//! Discord's side of a conversation: interactions as Discord sends them, and the REST API that the bot calls.
//!
//! What the bot sends is held against Discord's rules, and kept in the one shape in which the tests read messages.

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
            memory.note_broken(rules(&answer["data"], true));
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

/// What Discord would refuse, or would make of a name. The lengths are also held against Discord's published schema, in
/// `support/published`.
fn rules(message: &Value, must_be_ephemeral: bool) -> Vec<String> {
    let mut broken = Vec::new();
    let mut hold = |holds: bool, rule: &str| {
        if !holds {
            broken.push(format!("{rule}: {message}"));
        }
    };
    // Discord, "Webhook Resource", "Execute Webhook": `content` has up to 2000 characters, and is not empty without others.
    hold(
        message["content"]
            .as_str()
            .is_some_and(|text| (1..=2000).contains(&text.chars().count())),
        "content of 2000 at most",
    );
    // Discord, "Message Resource", "Allowed Mentions Object": an empty `parse` suppresses all mentions.
    hold(
        message["allowed_mentions"] == json!({ "parse": [] }),
        "nobody is mentioned",
    );
    // Discord, "Message Resource", "Message Flags": `EPHEMERAL` is 1 << 6.
    hold(
        !must_be_ephemeral || message["flags"] == 64,
        "only the one who asked sees it",
    );
    let rows = message["components"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    // Discord, "Component Reference", "Legacy Message Component Behavior": up to five rows; "Action Row": up to five buttons.
    hold(rows.len() <= 5, "five rows at most");
    let mut ids = std::collections::HashSet::new();
    for row in &rows {
        let buttons = row["components"].as_array().cloned().unwrap_or_default();
        hold(
            row["type"] == 1 && (1..=5).contains(&buttons.len()),
            "one to five buttons in a row",
        );
        for button in buttons {
            // Discord, "Component Reference", "Custom ID": 1 to 100 characters, unique in a message; "Button": a label of up
            // to 80 characters, and styles of which 5 is a link and 6 for sale.
            let id = button["custom_id"].as_str().unwrap_or_default().to_owned();
            hold(
                button["type"] == 2
                    && button["label"]
                        .as_str()
                        .is_some_and(|label| !label.is_empty()),
                "a button is called one, and has a label",
            );
            hold(
                (1..=100).contains(&id.len()) && ids.insert(id),
                "custom ids of 100 at most, each once",
            );
            hold(
                button["label"].as_str().unwrap_or_default().chars().count() <= 80,
                "labels of 80 at most",
            );
            hold(
                [1, 2, 4].contains(&button["style"].as_u64().unwrap_or_default()),
                "a style that there is",
            );
        }
    }
    broken
}

/// The message in the one shape in which the tests read them.
fn neutral(message: &Value, is_ephemeral: bool) -> Value {
    let mut blocks = Vec::new();
    for (at, line) in message["content"]
        .as_str()
        .unwrap_or_default()
        .lines()
        .enumerate()
    {
        let (kind, text) = match line
            .strip_prefix('`')
            .and_then(|line| line.strip_suffix('`'))
        {
            Some(_) => ("mrkdwn", line.to_owned()),
            None => ("plain_text", unescape(line)),
        };
        let text = if at == 0 {
            text.trim_matches('*').to_owned()
        } else {
            text
        };
        let block = if at == 0 { "header" } else { "section" };
        blocks.push(json!({ "type": block, "text": { "type": kind, "text": text } }));
    }
    let rows = message["components"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let elements: Vec<Value> = rows
        .iter()
        .flat_map(|row| row["components"].as_array().cloned().unwrap_or_default())
        .map(|button| {
            let (action, value) = button["custom_id"].as_str().unwrap().split_once(':').unwrap();
            json!({ "type": "button", "action_id": action, "value": value, "text": { "text": button["label"] } })
        })
        .collect();
    if !elements.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": elements }));
    }
    let mut neutral = json!({ "blocks": blocks });
    if is_ephemeral {
        neutral["response_type"] = "ephemeral".into();
    }
    neutral
}

/// What Discord shows: a backslash before a mark stands for the mark.
fn unescape(text: &str) -> String {
    let mut shown = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        shown.push(if character == '\\' {
            characters.next().unwrap()
        } else {
            character
        });
    }
    shown
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
    let mut broken = rules(&message, false);
    if !id.starts_with('6') || message["components"] != json!([]) {
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
    memory.note_broken(rules(&message, true));
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
    memory.note_broken(rules(&message, false));
    // It stays as it was first: for one person only.
    let mut said = neutral(&message, true);
    said["replace_original"] = true.into();
    said_by(&memory, token, said).await
}

/// Whom a Slack id of the tests stands for here.
pub(crate) fn id_of(email: &str) -> String {
    snowflake(&user_id(email))
}
