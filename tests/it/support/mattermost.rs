//! Mattermost's side of a conversation: requests as its server sends them, and the part of its API that the bot calls.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use relatch::domain::Moment;
use serde_json::{Value, json};

use super::slack::{Memory, user_id};

/// The token of our command in the team.
pub(crate) const TOKEN: &str = "canaryttokenofthecommand01";

/// `UJO` → 26 lower-case letters and digits.
pub(crate) fn id(slack_id: &str) -> String {
    format!("{:0<26}", slack_id.to_lowercase())
}

/// Whom a work e-mail stands for here.
pub(crate) fn id_of(email: &str) -> String {
    id(&user_id(email))
}

/// What Mattermost makes anew for every request.
pub(crate) fn trigger(user: &str, serial: u32, now: Moment) -> String {
    STANDARD.encode(format!("id{serial:024}:{user}:{}:c2lnbmF0dXJl", now.0))
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The command, from the text that Slack would be sent: mentions become names with the ids beside them.
pub(crate) fn command_body(who: &str, text: &str, reply: &str, serial: u32, now: Moment) -> String {
    let (mut words, mut mentions) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        match word.strip_prefix("<@").and_then(|word| word.strip_suffix('>')) {
            Some(mention) => {
                let slack_id = mention.split('|').next().unwrap();
                let name = slack_id.to_lowercase();
                for part in ["&user_mentions=", &name, "&user_mentions_ids=", &id(slack_id)] {
                    mentions.push_str(part);
                }
                words.push(format!("@{name}"));
            }
            None => words.push(word.to_owned()),
        }
    }
    format!(
        "channel_id=c&channel_name=it&command=%2Freset-password&response_url={}&team_domain=acme&team_id=t&text={}&token={TOKEN}&trigger_id={}&user_id={who}&user_name=x{mentions}",
        encode(reply),
        encode(&words.join(" ")),
        encode(&trigger(who, serial, now)),
    )
}

pub(crate) fn click_body(who: &str, action: &str, value: &str, serial: u32, now: Moment) -> String {
    json!({
        "user_id": who, "user_name": "x", "channel_id": "c", "channel_name": "it", "team_id": "t", "team_domain": "acme",
        "post_id": "p", "trigger_id": trigger(who, serial, now), "type": "", "data_source": "",
        "context": { "action": action, "value": value },
    })
    .to_string()
}

pub(crate) fn form_body(who: &str, view: &Value, typed: &str) -> String {
    json!({
        "type": "dialog_submission", "callback_id": view["callback_id"], "state": view["state"], "user_id": who,
        "channel_id": "c", "team_id": "t", "submission": { "destination": typed }, "cancelled": false,
    })
    .to_string()
}

/// What a request was answered with, in the tests' own shape.
pub(crate) fn read_answer(memory: &Memory, body: &[u8]) -> Vec<u8> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return body.to_vec() };
    if answer["response_type"].is_string() {
        memory.note_broken(rules(&answer));
        return neutral(&answer).to_string().into_bytes();
    }
    if let Some(text) = answer["ephemeral_text"].as_str() {
        let hold = answer["skip_slack_parsing"] == true;
        memory.note_broken(if hold { vec![] } else { vec![format!("a text that is parsed: {answer}")] });
        let mut said = neutral(&json!({ "text": text }));
        said["replace_original"] = false.into();
        memory.say(said);
        return Vec::new();
    }
    if answer["errors"].is_object() {
        return json!({ "response_action": "errors", "errors": answer["errors"] }).to_string().into_bytes();
    }
    assert_eq!(answer, json!({}), "an answer that Mattermost does not know");
    Vec::new()
}

/// What Mattermost would refuse, or would make of a name.
fn rules(message: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    let mut hold = |holds: bool, rule: &str| {
        if !holds {
            broken.push(format!("{rule}: {message}"));
        }
    };
    hold(message["text"].as_str().is_some_and(|text| text.chars().count() <= 16_383), "a post of 16383 at most");
    hold(message["response_type"] == "ephemeral", "only the one who asked sees it");
    hold(message["skip_slack_parsing"] == true, "no text is parsed as Slack's");
    for action in actions(message) {
        let id = action["id"].as_str().unwrap_or_default();
        hold(!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "ids of letters and digits");
        hold(action["integration"]["url"] == "http://127.0.0.1/mattermost/actions", "clicks come to us");
        hold(["default", "primary", "danger"].contains(&action["style"].as_str().unwrap()), "a style that there is");
    }
    broken
}

fn actions(message: &Value) -> Vec<Value> {
    message["attachments"][0]["actions"].as_array().cloned().unwrap_or_default()
}

/// The message in the one shape in which the tests read them.
fn neutral(message: &Value) -> Value {
    let mut blocks = Vec::new();
    for (at, line) in message["text"].as_str().unwrap_or_default().split("\n\n").enumerate() {
        let is_password = line.starts_with('`') && line.ends_with('`');
        let text = if is_password { line.to_owned() } else { unescape(line) };
        let text = if at == 0 { text.trim_matches('*').to_owned() } else { text };
        let kind = if is_password { "mrkdwn" } else { "plain_text" };
        blocks.push(
            json!({ "type": if at == 0 { "header" } else { "section" }, "text": { "type": kind, "text": text } }),
        );
    }
    let elements: Vec<Value> = actions(message)
        .iter()
        .map(|action| {
            let context = &action["integration"]["context"];
            json!({ "action_id": context["action"], "value": context["value"], "text": { "text": action["name"] } })
        })
        .collect();
    if !elements.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": elements }));
    }
    json!({ "blocks": blocks, "response_type": message["response_type"] })
}

/// What Mattermost shows.
fn unescape(text: &str) -> String {
    let mut shown = String::new();
    let mut characters = text.chars().filter(|character| *character != '\u{200b}');
    while let Some(character) = characters.next() {
        shown.push(if character == '\\' { characters.next().unwrap() } else { character });
    }
    shown
}

/// The part of the server that the bot calls.
pub(crate) fn router() -> Router<Memory> {
    Router::new()
        .route("/mm/api/v4/users/{id}", get(user))
        .route("/mm/api/v4/users/username/{name}", get(user_by_name))
        .route("/mm/api/v4/users/email/{email}", get(user_by_email))
        .route("/mm/api/v4/actions/dialogs/open", post(open))
        .route("/mm/hooks/commands/{id}", post(hook))
}

async fn user(State(memory): State<Memory>, Path(wanted): Path<String>, headers: HeaderMap) -> impl IntoResponse {
    tokio::time::sleep(memory.who_delay()).await;
    if let Some((status, answer)) = memory.who_answer() {
        return (StatusCode::from_u16(status).unwrap(), answer.to_string());
    }
    tell(&memory, &headers, |slack_id, _| id(slack_id) == wanted)
}

async fn user_by_name(State(memory): State<Memory>, Path(name): Path<String>, headers: HeaderMap) -> impl IntoResponse {
    tell(&memory, &headers, |slack_id, _| slack_id.to_lowercase() == name)
}

async fn user_by_email(
    State(memory): State<Memory>,
    Path(email): Path<String>,
    headers: HeaderMap,
) -> impl IntoResponse {
    tell(&memory, &headers, |_, user| user["profile"]["email"] == email.as_str())
}

fn tell(memory: &Memory, headers: &HeaderMap, is_meant: impl Fn(&str, &Value) -> bool) -> (StatusCode, String) {
    assert_eq!(headers["authorization"], format!("Bearer {}", super::BOT_TOKEN).as_str());
    let Some(user) = memory.any_user(is_meant) else {
        return (StatusCode::NOT_FOUND, json!({ "id": "app.user.missing_account.const" }).to_string());
    };
    let is = |name: &str| user[name] == true;
    let mut roles = vec!["system_user"];
    if is("is_restricted") {
        roles = vec!["system_guest"];
    }
    if is("is_owner") || is("is_admin") {
        roles.push(if is("is_owner") { "system_admin" } else { "system_user_manager" });
    }
    let answer = json!({
        "id": id(user["id"].as_str().unwrap()), "username": "x", "auth_service": "", "roles": roles.join(" "),
        "email": user["profile"]["email"], "email_verified": user["is_email_confirmed"],
        "delete_at": i64::from(is("deleted")), "is_bot": is("is_bot"),
    });
    (StatusCode::OK, answer.to_string())
}

async fn open(State(memory): State<Memory>, body: String) -> StatusCode {
    let asked: Value = serde_json::from_str(&body).unwrap();
    let (dialog, element) = (&asked["dialog"], &asked["dialog"]["elements"][0]);
    let short = |text: &Value, limit| text.as_str().is_some_and(|text| (1..=limit).contains(&text.chars().count()));
    let fits = short(&dialog["title"], 24)
        && short(&dialog["submit_label"], 24)
        && short(&element["display_name"], 24)
        && short(&element["help_text"], 150)
        && asked["url"] == "http://127.0.0.1/mattermost/dialogs"
        && asked["trigger_id"].is_string();
    memory.note_broken(if fits { vec![] } else { vec![format!("a dialog outside the limits: {asked}")] });
    let label = json!({ "text": element["display_name"] });
    memory.open(
        json!({ "callback_id": dialog["callback_id"], "state": dialog["state"], "blocks": [{ "label": label }] }),
    );
    StatusCode::OK
}

async fn hook(State(memory): State<Memory>, Path(id): Path<String>, body: String) -> StatusCode {
    let message: Value = serde_json::from_str(&body).unwrap();
    memory.note_broken(rules(&message));
    memory.note_use(&id);
    memory.take(id, neutral(&message)).await
}
