//! The part of Lark's API that the bot calls. A call with a field, a query or an id that Lark does not know breaks a rule.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, patch, post};
use serde_json::{Value, json};

use super::cards::{SIZE, placed, rules};
use super::{APP, APP_SECRET, EPHEMERAL, GROUP, TENANT_TOKEN, TOPICS, id};
use crate::support::slack::{Memory, direct};

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
        .route("/lark/im/v1/messages/{id}", patch(change))
        .route("/lark/interactive/v1/card/update", post(update))
}

type Told = (StatusCode, String);
type Asked = Query<Vec<(String, String)>>;

fn told(answer: &Value) -> Told {
    (StatusCode::OK, answer.to_string())
}

/// "Server error codes", and each page's own table: refusals come with status 400.
fn refused(code: i64, msg: &str) -> Told {
    let answer = json!({ "code": code, "msg": msg }).to_string();
    (StatusCode::BAD_REQUEST, answer)
}

fn is_ours(headers: &HeaderMap) {
    assert_eq!(
        headers["authorization"],
        format!("Bearer {TENANT_TOKEN}").as_str()
    );
}

/// The body, with exactly these fields.
fn fields(memory: &Memory, body: &str, known: &[&str]) -> Value {
    let body: Value = serde_json::from_str(body).unwrap();
    let asked = body.as_object().unwrap();
    let is_whole = asked.len() == known.len() && known.iter().all(|name| asked.contains_key(*name));
    hold(
        memory,
        is_whole,
        &format!("not the fields {known:?}: {body}"),
    );
    body
}

fn hold(memory: &Memory, holds: bool, rule: &str) {
    memory.note_broken(if holds { vec![] } else { vec![rule.to_owned()] });
}

/// "Send message", "Update the message card sent by the app": the body of a card has 30 KB at most; for the older calls "Server
/// error codes" says so (19036).
fn hold_size(memory: &Memory, body: &str) {
    let rule = format!("a body of {} bytes", body.len());
    hold(memory, body.len() <= SIZE, &rule);
}

/// "Get custom app tenant access token". For a wrong secret "Server error codes" has 10015, "wrong app secret"; the code and
/// the words here are the ones that public reports quote.
async fn token_of_tenant(State(memory): State<Memory>, body: String) -> Told {
    let asked = fields(&memory, &body, &["app_id", "app_secret"]);
    if asked != json!({ "app_id": APP, "app_secret": APP_SECRET }) {
        return refused(10_014, "app secret invalid");
    }
    told(&json!({ "code": 0, "msg": "ok", "tenant_access_token": TENANT_TOKEN, "expire": 7200 }))
}

/// "Obtain single user's information". Lark knows no guests: who is not of the tenant has left it. An id that the app may not
/// see is refused with 41050, as the page's table has it; that an unknown one is refused with the same code is assumed.
async fn user(
    State(memory): State<Memory>,
    Path(wanted): Path<String>,
    Query(query): Asked,
    headers: HeaderMap,
) -> Told {
    is_ours(&headers);
    let is_asked = query == [("user_id_type".to_owned(), "open_id".to_owned())];
    hold(&memory, is_asked, &format!("another query: {query:?}"));
    tokio::time::sleep(memory.who_delay()).await;
    if let Some((status, answer)) = memory.who_answer() {
        return (StatusCode::from_u16(status).unwrap(), answer.to_string());
    }
    let Some(user) = memory.any_user(|slack_id, _| id(slack_id) == wanted) else {
        return refused(41_050, "no user authority");
    };
    let is = |name: &str| user[name] == true;
    let email = user["profile"]["email"].as_str().unwrap();
    told(&json!({ "code": 0, "msg": "success", "data": { "user": {
        "open_id": wanted, "name": user["profile"]["real_name"].as_str().unwrap_or("x"), "email": email,
        "enterprise_email": if is("is_email_confirmed") { email } else { "" },
        "is_tenant_manager": is("is_owner"),
        "status": { "is_frozen": is("deleted"), "is_resigned": false, "is_activated": true, "is_exited": is("is_restricted") },
    } } }))
}

/// "Obtain user ID via email or mobile number": without an id where nobody is found.
async fn id_by_email(State(memory): State<Memory>, headers: HeaderMap, body: String) -> Told {
    is_ours(&headers);
    let asked = fields(&memory, &body, &["emails", "include_resigned"]);
    let email = asked["emails"][0].as_str().unwrap();
    let found = memory.any_user(|_, user| user["profile"]["email"] == email);
    let found = found.map_or(
        json!({ "email": email }),
        |user| json!({ "email": email, "user_id": id(user["id"].as_str().unwrap()) }),
    );
    told(&json!({ "code": 0, "msg": "success", "data": { "user_list": [found] } }))
}

/// What a test lets Lark answer to a card: taken, or a status. The tables of "Send message" and of "Update the message card
/// sent by the app" begin with 230001 and its words; for the other calls the same is assumed.
fn end(status: StatusCode) -> Told {
    match status.as_u16() {
        200 => told(&json!({ "code": 0, "msg": "success", "data": { "message_id": "om_sent" } })),
        400..500 => refused(
            230_001,
            "Your request contains an invalid request parameter.",
        ),
        _ => (status, String::new()),
    }
}

/// "Send message cards that are only visible to certain people": in groups alone.
async fn send_ephemeral(State(memory): State<Memory>, headers: HeaderMap, body: String) -> Told {
    is_ours(&headers);
    hold_size(&memory, &body);
    let asked = fields(&memory, &body, &["chat_id", "open_id", "msg_type", "card"]);
    // A group in topic mode: 18053 of "Server error codes", with the words that public bots report.
    if asked["chat_id"] == TOPICS {
        return refused(18_053, "chat can not be thread");
    }
    let is_for_one = asked["chat_id"] == GROUP
        && asked["msg_type"] == "interactive"
        && asked["open_id"]
            .as_str()
            .is_some_and(|id| id.starts_with("ou_"));
    hold(&memory, is_for_one, &format!("no ephemeral card: {asked}"));
    memory.note_broken(rules(&asked["card"], Some(true)));
    end(memory
        .take("ephemeral".to_owned(), placed(&asked["card"], false))
        .await)
}

/// "Delete message cards that are only visible to certain people": by the id of such a card. That another card is refused is
/// assumed.
async fn delete_ephemeral(State(memory): State<Memory>, headers: HeaderMap, body: String) -> Told {
    is_ours(&headers);
    let asked = fields(&memory, &body, &["message_id"]);
    let id = asked["message_id"].as_str().unwrap_or_default();
    hold(
        &memory,
        id.starts_with(EPHEMERAL),
        &format!("{id} is no ephemeral card"),
    );
    told(&json!({ "code": 0, "msg": "ok" }))
}

/// "Send message". Everybody in the chat sees the card, so it may only stand in a chat of two: our own rule.
async fn send(
    State(memory): State<Memory>,
    Query(query): Asked,
    headers: HeaderMap,
    body: String,
) -> Told {
    is_ours(&headers);
    hold_size(&memory, &body);
    let asked = fields(&memory, &body, &["receive_id", "msg_type", "content"]);
    let to = asked["receive_id"].as_str().unwrap_or_default();
    let by: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let is_private = match by.as_slice() {
        [("receive_id_type", "chat_id")] => to.starts_with("oc_private_"),
        [("receive_id_type", "open_id")] => to.starts_with("ou_"),
        _ => false,
    };
    let is_card = asked["msg_type"] == "interactive";
    hold(
        &memory,
        is_private && is_card,
        &format!("no card, or one that others see: {asked}"),
    );
    let card: Value = serde_json::from_str(asked["content"].as_str().unwrap()).unwrap();
    memory.note_broken(rules(&card, Some(false)));
    // To the chat of a conversation, or to a person, whom a conversation may be with as well.
    let place = match by.as_slice() {
        [("receive_id_type", "open_id")] => direct(to),
        _ => "message".to_owned(),
    };
    end(memory.take(place, placed(&card, false)).await)
}

/// "Update the message card sent by the app": none that is visible to certain people only.
async fn change(
    State(memory): State<Memory>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Told {
    is_ours(&headers);
    hold_size(&memory, &body);
    let is_changeable = id.starts_with("om_") && !id.starts_with(EPHEMERAL);
    hold(&memory, is_changeable, &format!("{id} cannot be changed"));
    let asked = fields(&memory, &body, &["content"]);
    let card: Value = serde_json::from_str(asked["content"].as_str().unwrap()).unwrap();
    memory.note_broken(rules(&card, Some(false)));
    end(memory.take(id, placed(&card, true)).await)
}

/// "Delay update message card": by the token of a click, `c-…`, twice at most, and never before the click was answered: the
/// answer would undo it.
async fn update(State(memory): State<Memory>, headers: HeaderMap, body: String) -> Told {
    is_ours(&headers);
    hold_size(&memory, &body);
    let asked = fields(&memory, &body, &["token", "card"]);
    let token = asked["token"].as_str().unwrap_or_default();
    hold(
        &memory,
        token.starts_with("c-"),
        &format!("no token: {token}"),
    );
    memory.note_use_of(token, 2);
    hold(
        &memory,
        memory.is_answered(token),
        &format!("{token} was used before its click was answered"),
    );
    memory.note_broken(rules(&asked["card"], Some(token.starts_with("c-group"))));
    end(memory
        .take(token.to_owned(), placed(&asked["card"], true))
        .await)
}
