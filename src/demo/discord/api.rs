//! The REST API of the pretend Discord: server members, chats with the bot, and messages by the token of an interaction.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use serde_json::{Value, json};

use super::{TOKEN_LIFE, rules};
use crate::demo::api::{ApiState, JSON, is_of, record};
use crate::demo::people::{APP_NAME, DemoPerson, PEOPLE};
use crate::demo::signers::{APPLICATION, DISCORD_TOKEN, GUILD};
use crate::demo::workspace::Workspace;
use crate::domain::Platform;

pub(in crate::demo) fn router(workspace: Arc<Workspace>) -> Router {
    Router::new()
        .route("/discord/guilds/{guild}/members/{user}", get(member))
        .route("/discord/users/@me/channels", post(create_dm))
        .route("/discord/channels/{id}/messages", post(create_message))
        .route("/discord/webhooks/{application}/{token}", post(follow_up))
        .route(
            "/discord/webhooks/{application}/{token}/messages/@original",
            patch(edit),
        )
        .with_state(workspace)
}

fn person(id: &str) -> Option<&'static DemoPerson> {
    PEOPLE.iter().find(|person| person.snowflake() == id)
}

/// The chat of the bot with a person: their id with another first digit.
fn chat_of(id: &str) -> String {
    format!("6{}", id.get(1..).unwrap_or_default())
}

/// One call of the bot: checks its token and its user agent, and records it (Discord, "API Reference").
fn called(
    workspace: &Workspace,
    (title, line): (&'static str, String),
    headers: &HeaderMap,
    body: String,
    answer: impl FnOnce(&Workspace, &str) -> (u16, Value),
) -> Response {
    let header = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let is_bot = header(header::AUTHORIZATION) == format!("Bot {DISCORD_TOKEN}");
    let (status, answer) = if is_bot && header(header::USER_AGENT).starts_with("DiscordBot (") {
        no_json(workspace, title, headers, &body).unwrap_or_else(|| answer(workspace, &body))
    } else {
        let now = workspace.clock.now();
        let rule = format!("{title} was called without the bot's token or its user agent");
        workspace.state(|state| state.broke(Platform::Discord, rule, now));
        (401, json!({ "code": 0, "message": "401: Unauthorized" }))
    };
    finish(workspace, (title, line), headers, body, (status, answer))
}

/// What a body that is not sent as JSON is answered with (Discord, "JSON Error Codes": 50109).
fn no_json(
    workspace: &Workspace,
    title: &str,
    headers: &HeaderMap,
    body: &str,
) -> Option<(u16, Value)> {
    if body.is_empty() || is_of(headers, JSON) {
        return None;
    }
    let (now, rule) = (workspace.clock.now(), format!("{title} takes {JSON}"));
    workspace.state(|state| state.broke(Platform::Discord, rule, now));
    let told = json!({ "code": 50109, "message": "The request body contains invalid JSON." });
    Some((400, told))
}

fn finish(
    workspace: &Workspace,
    what: (&'static str, String),
    headers: &HeaderMap,
    body: String,
    (status, answer): (u16, Value),
) -> Response {
    let text = answer.to_string();
    record(workspace, what, headers, body, status, &text);
    let status = StatusCode::from_u16(status).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, JSON)], text).into_response()
}

/// "Get Guild Member"; 10007 is an unknown member ("Opcodes and Status Codes"). A guest is still in the server's screening.
async fn member(
    State(workspace): ApiState,
    Path((guild, user)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let line = format!("GET /discord/guilds/{guild}/members/{user}");
    called(
        &workspace,
        ("Get Guild Member", line),
        &headers,
        String::new(),
        |_, _| match person(&user).filter(|_| guild == GUILD) {
            Some(person) => {
                let user =
                    json!({ "id": user, "username": person.handle(), "global_name": person.name });
                (
                    200,
                    json!({ "user": user, "roles": [], "pending": person.is_guest }),
                )
            }
            None => (404, json!({ "code": 10007, "message": "Unknown Member" })),
        },
    )
}

/// "Create DM".
async fn create_dm(State(workspace): ApiState, headers: HeaderMap, body: String) -> Response {
    let what = ("Create DM", "POST /discord/users/@me/channels".to_owned());
    called(&workspace, what, &headers, body, |_, body| {
        let asked: Value = serde_json::from_str(body).unwrap_or_default();
        let user = asked
            .get("recipient_id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        match person(user) {
            Some(_) => (
                200,
                json!({ "id": chat_of(user), "type": 1, "recipients": [{ "id": user }] }),
            ),
            None => (
                400,
                json!({ "code": 50033, "message": "Invalid Recipient(s)" }),
            ),
        }
    })
}

/// "Create Message", in the chat of the bot with one person.
async fn create_message(
    State(workspace): ApiState,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let what = (
        "Create Message",
        format!("POST /discord/channels/{id}/messages"),
    );
    called(&workspace, what, &headers, body, |workspace, body| {
        let to = PEOPLE
            .iter()
            .find(|person| chat_of(&person.snowflake()) == id);
        let Some(to) = to else {
            return (404, json!({ "code": 10003, "message": "Unknown Channel" }));
        };
        let said: Value = serde_json::from_str(body).unwrap_or_default();
        let now = workspace.clock.now();
        workspace.state(|state| {
            for rule in rules::of_message(&said, false) {
                state.broke(Platform::Discord, rule, now);
            }
            let id = state.show(Platform::Discord, &to.id(), APP_NAME, said, now);
            state.stays(&id);
        });
        (200, json!({ "id": "800000000000000008" }))
    })
}

/// "Create Followup Message" and "Edit Original Interaction Response". Before the interaction is answered, and after fifteen
/// minutes, there is no such webhook.
fn by_token(workspace: &Workspace, token: &str, body: &str, is_edit: bool) -> (u16, Value) {
    let said: Value = serde_json::from_str(body).unwrap_or_default();
    let now = workspace.clock.now();
    workspace.state(|state| {
        state.version += 1;
        let Some(reply) = state.token(token).filter(|reply| reply.is_answered) else {
            return (404, json!({ "code": 10015, "message": "Unknown Webhook" }));
        };
        if now - reply.made_at > TOKEN_LIFE {
            state.broke(Platform::Discord, "a token was used after 15 minutes", now);
            return (
                401,
                json!({ "code": 50027, "message": "Invalid Webhook Token" }),
            );
        }
        for rule in rules::of_message(&said, !is_edit) {
            state.broke(Platform::Discord, rule, now);
        }
        if !is_edit {
            state.show(Platform::Discord, &reply.user, APP_NAME, said, now);
        } else if !reply.message.is_some_and(|id| state.edit(&id, said)) {
            state.broke(
                Platform::Discord,
                "a message was edited that is not there",
                now,
            );
            return (404, json!({ "code": 10008, "message": "Unknown Message" }));
        }
        (200, json!({ "id": "800000000000000008" }))
    })
}

async fn follow_up(
    State(workspace): ApiState,
    Path((application, token)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let what = (
        "Follow-up",
        format!("POST /discord/webhooks/{application}/{token}"),
    );
    let answer = no_json(&workspace, what.0, &headers, &body)
        .unwrap_or_else(|| said(&workspace, (&application, &token), &body, false));
    finish(&workspace, what, &headers, body, answer)
}

async fn edit(
    State(workspace): ApiState,
    Path((application, token)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let line = format!("PATCH /discord/webhooks/{application}/{token}/messages/@original");
    let what = ("Edit of the answer", line);
    let answer = no_json(&workspace, what.0, &headers, &body)
        .unwrap_or_else(|| said(&workspace, (&application, &token), &body, true));
    finish(&workspace, what, &headers, body, answer)
}

fn said(
    workspace: &Workspace,
    (application, token): (&str, &str),
    body: &str,
    is_edit: bool,
) -> (u16, Value) {
    if application == APPLICATION {
        by_token(workspace, token, body, is_edit)
    } else {
        (404, json!({ "code": 10015, "message": "Unknown Webhook" }))
    }
}
