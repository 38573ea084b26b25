//! The Open API of the pretend Lark: tokens, contacts, and cards that are sent, changed and deleted.
//!
//! A call with a field, a query or an id that Lark does not know breaks a rule. Sources: the page of each call, and "Server
//! error codes".

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use serde_json::{Value, json};

use super::{GROUP, lark_message, of_lark, private_chat, rules};
use crate::demo::api::{ApiState, JSON, record};
use crate::demo::people::{APP_NAME, DemoPerson, PEOPLE};
use crate::demo::signers::LarkApp;
use crate::demo::workspace::Workspace;
use crate::domain::{Platform, Span};

/// How long, and how often, the token of a click changes its card ("Delay update message card").
const TOKEN_LIFE: Span = Span::minutes(30);
const TOKEN_USES: u32 = 2;

pub(in crate::demo) fn router(workspace: Arc<Workspace>) -> Router {
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
        .route("/lark/im/v1/messages/{id}", patch(change))
        .route("/lark/interactive/v1/card/update", post(update))
        .with_state(workspace)
}

/// What a call is answered with.
type Told = (u16, Value);

fn done(data: &Value) -> Told {
    (200, json!({ "code": 0, "msg": "success", "data": data }))
}

/// Refusals come with status 400 and a code.
fn refused(code: i64, msg: &str) -> Told {
    (400, json!({ "code": code, "msg": msg }))
}

/// A call: its title, its method, and where it goes.
type Called<'a> = (&'static str, &'static str, &'a Uri);

/// Answers and records one call. Without the tenant's token it is refused (99991663), except where a token is asked for.
fn called(
    workspace: &Workspace,
    (title, method, uri): Called<'_>,
    headers: &HeaderMap,
    body: String,
    answer: impl FnOnce(&Workspace, &Value) -> Told,
) -> Response {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let is_ours = bearer == Some(&format!("Bearer {}", LarkApp::TOKEN));
    let (status, told) = if is_ours || uri.path().ends_with("/internal") {
        // "Send message", "Delay update message card": a body of 30 KB at most.
        hold(
            workspace,
            body.len() <= rules::SIZE,
            "a call has more than 30 KB",
        );
        answer(workspace, &serde_json::from_str(&body).unwrap_or_default())
    } else {
        let rule = format!("{title} was called without the tenant's token");
        hold(workspace, false, &rule);
        refused(99_991_663, "Invalid access token for authorization.")
    };
    let text = told.to_string();
    record(
        workspace,
        (title, format!("{method} {uri}")),
        headers,
        body,
        status,
        &text,
    );
    let status = StatusCode::from_u16(status).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, JSON)], text).into_response()
}

/// Records that a rule was broken, where it does not hold.
fn hold(workspace: &Workspace, holds: bool, rule: &str) {
    if !holds {
        let now = workspace.clock.now();
        workspace.state(|state| state.broke(Platform::Lark, rule, now));
    }
}

/// Exactly these fields are in a body.
fn hold_fields(workspace: &Workspace, asked: &Value, known: &[&str]) {
    let is_whole = known.iter().all(|name| asked.get(name).is_some());
    hold(
        workspace,
        is_whole && rules::has_only(asked, known),
        &format!("a call has not the fields {}", known.join(", ")),
    );
}

/// "Get custom app tenant access token".
async fn token_of_tenant(
    State(workspace): ApiState,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let call = ("Token", "POST", &uri);
    called(&workspace, call, &headers, body, |_, asked| {
        if *asked == json!({ "app_id": LarkApp::ID, "app_secret": LarkApp::SECRET }) {
            let told = json!({ "code": 0, "msg": "ok", "tenant_access_token": LarkApp::TOKEN, "expire": 7200 });
            return (200, told);
        }
        refused(10_014, "app secret invalid")
    })
}

/// "Obtain single user's information". An id that the app may not see, such as one of another tenant, is refused (41050).
async fn user(
    State(workspace): ApiState,
    Path(wanted): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let call = ("User", "GET", &uri);
    called(&workspace, call, &headers, String::new(), |workspace, _| {
        hold(
            workspace,
            uri.query() == Some("user_id_type=open_id"),
            "a user is asked for with another query",
        );
        let found = PEOPLE
            .iter()
            .find(|person| !person.is_guest && person.lark_id() == wanted);
        let Some(person) = found else {
            return refused(41_050, "no user authority");
        };
        done(&json!({ "user": {
            "open_id": wanted, "name": person.name, "email": person.email, "enterprise_email": person.email,
            "is_tenant_manager": false,
            "status": { "is_frozen": false, "is_resigned": false, "is_activated": true, "is_exited": false },
        } }))
    })
}

/// "Obtain user ID via email or mobile number": without an id where nobody is found.
async fn id_by_email(
    State(workspace): ApiState,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let call = ("User by email", "POST", &uri);
    called(&workspace, call, &headers, body, |workspace, asked| {
        hold_fields(workspace, asked, &["emails", "include_resigned"]);
        let wanted = asked["emails"].as_array().into_iter().flatten();
        let found: Vec<Value> = wanted
            .map(|email| {
                let person = PEOPLE
                    .iter()
                    .find(|person| !person.is_guest && email == person.email);
                person.map_or_else(
                    || json!({ "email": email }),
                    |person| json!({ "email": email, "user_id": person.lark_id() }),
                )
            })
            .collect();
        done(&json!({ "user_list": found }))
    })
}

/// Shows a new card to a person. In a group it is for this person alone.
fn show(workspace: &Workspace, to: Option<&DemoPerson>, card: &Value, is_group: bool) -> Told {
    let Some(to) = to else {
        return refused(
            230_001,
            "Your request contains an invalid request parameter.",
        );
    };
    let now = workspace.clock.now();
    let id = workspace.state(|state| {
        state.version += 1;
        for rule in rules::of_card(card, is_group) {
            state.broke(Platform::Lark, rule, now);
        }
        let id = state.show(Platform::Lark, &to.id(), APP_NAME, card.clone(), now);
        if !is_group {
            state.stays(&id);
        }
        id
    });
    done(&json!({ "message_id": lark_message(&id) }))
}

/// "Send message cards that are only visible to certain people": in groups alone.
async fn send_ephemeral(
    State(workspace): ApiState,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let call = ("Card for one person", "POST", &uri);
    called(&workspace, call, &headers, body, |workspace, asked| {
        hold_fields(
            workspace,
            asked,
            &["chat_id", "open_id", "msg_type", "card"],
        );
        hold(
            workspace,
            asked["msg_type"] == "interactive",
            "a message is no card",
        );
        let to = PEOPLE
            .iter()
            .find(|person| asked["open_id"] == person.lark_id());
        let to = to.filter(|_| asked["chat_id"] == GROUP);
        show(workspace, to, &asked["card"], true)
    })
}

/// "Delete message cards that are only visible to certain people": by the id of such a card.
async fn delete_ephemeral(
    State(workspace): ApiState,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let call = ("Deletion of a card", "POST", &uri);
    called(&workspace, call, &headers, body, |workspace, asked| {
        hold_fields(workspace, asked, &["message_id"]);
        let id = asked["message_id"].as_str().unwrap_or_default();
        let id = of_lark(id).unwrap_or_default();
        let is_gone = workspace.state(|state| state.delete(id));
        hold(
            workspace,
            is_gone,
            "a card was deleted that is not there, or not for one person alone",
        );
        (200, json!({ "code": 0, "msg": "ok" }))
    })
}

/// A card that is JSON within JSON.
fn inner(asked: &Value) -> Value {
    let content = asked["content"].as_str().unwrap_or_default();
    serde_json::from_str(content).unwrap_or_default()
}

/// "Send message". Everybody in the chat sees the card, so it may only stand in a chat of two: our own rule.
async fn send(State(workspace): ApiState, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let call = ("Card", "POST", &uri);
    called(&workspace, call, &headers, body, |workspace, asked| {
        hold_fields(workspace, asked, &["receive_id", "msg_type", "content"]);
        hold(
            workspace,
            asked["msg_type"] == "interactive" && asked["receive_id"] != GROUP,
            "a message is no card, or one that others see",
        );
        let is_meant = |person: &&DemoPerson| match uri.query() {
            // A person of another tenant has no chat with the bot.
            _ if person.is_guest => false,
            Some("receive_id_type=chat_id") => asked["receive_id"] == private_chat(person),
            Some("receive_id_type=open_id") => asked["receive_id"] == person.lark_id(),
            _ => false,
        };
        show(
            workspace,
            PEOPLE.iter().find(is_meant),
            &inner(asked),
            false,
        )
    })
}

/// "Update the message card sent by the app": none that is visible to certain people only.
async fn change(
    State(workspace): ApiState,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let call = ("Change of a card", "PATCH", &uri);
    called(&workspace, call, &headers, body, |workspace, asked| {
        hold_fields(workspace, asked, &["content"]);
        let (card, now) = (inner(asked), workspace.clock.now());
        let id = of_lark(&id).unwrap_or_default();
        let is_changed = workspace.state(|state| {
            state.version += 1;
            for rule in rules::of_card(&card, false) {
                state.broke(Platform::Lark, rule, now);
            }
            !state.is_ephemeral(id) && state.edit(id, card)
        });
        hold(
            workspace,
            is_changed,
            "a card was changed that is not there, or for one person alone",
        );
        done(&json!({}))
    })
}

/// "Delay update message card": by the token of a click, and never before the click was answered: the answer would undo it.
async fn update(
    State(workspace): ApiState,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let call = ("Update of a card", "POST", &uri);
    called(&workspace, call, &headers, body, |workspace, asked| {
        hold_fields(workspace, asked, &["token", "card"]);
        let now = workspace.clock.now();
        let token = asked["token"].as_str().unwrap_or_default();
        workspace.state(|state| {
            state.version += 1;
            let reply = state.token(token);
            let uses = state.use_token(token);
            let (Some(reply), Some(uses)) = (reply, uses) else {
                state.broke(
                    Platform::Lark,
                    "a card was changed by a token of nobody",
                    now,
                );
                return refused(300_302, "token is invalid");
            };
            if !reply.is_answered {
                let rule = "a card was changed before its click was answered";
                state.broke(Platform::Lark, rule, now);
            }
            if uses > TOKEN_USES || now - reply.made_at > TOKEN_LIFE {
                let rule = "a token was used more than twice, or after 30 minutes";
                state.broke(Platform::Lark, rule, now);
                return refused(300_302, "token is invalid");
            }
            let id = reply.message.unwrap_or_default();
            for rule in rules::of_card(&asked["card"], state.is_ephemeral(&id)) {
                state.broke(Platform::Lark, rule, now);
            }
            if state.edit(&id, asked["card"].clone()) {
                done(&json!({}))
            } else {
                state.broke(Platform::Lark, "a card was changed that is not there", now);
                refused(300_302, "token is invalid")
            }
        })
    })
}
