//! The Web API of the pretend Slack: `users.info`, `users.lookupByEmail`, `views.open`, `chat.postMessage`, and the response
//! URLs.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::exchange::{HttpExchange, ShownAnswer, ShownRequest, time_of_day};
use super::page::local_only;
use super::people::PEOPLE;
use super::workspace::{TEAM, TOKEN, Workspace};
use crate::domain::Platform;
use crate::form::{self, Fields};

pub(super) type ApiState = State<Arc<Workspace>>;

pub(super) const JSON: &str = "application/json";

pub(super) fn router(workspace: Arc<Workspace>) -> Router {
    Router::new()
        .route("/api/users.info", post(users_info))
        .route("/api/users.lookupByEmail", post(users_by_email))
        .route("/api/views.open", post(views_open))
        .route("/api/chat.postMessage", post(post_message))
        .route("/reply/{key}/{id}", post(reply))
        .with_state(workspace)
}

pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let router = router.layer(axum::middleware::from_fn(local_only));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (service, stop) = (TowerToHyperService::new(router.clone()), stop.clone());
        tasks.spawn(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                ended = connection => drop(ended.ok()),
                () = stop.cancelled() => {}
            }
        });
    }
}

async fn users_info(State(workspace): ApiState, headers: HeaderMap, body: String) -> Response {
    let id = field(&body, "user");
    let found = PEOPLE
        .iter()
        .find(|person| person.id() == id)
        .map(|person| person.account(TEAM));
    let answer = found.map_or_else(
        || json!({ "ok": false, "error": "user_not_found" }),
        |user| json!({ "ok": true, "user": user }),
    );
    called(
        &workspace,
        "users.info",
        form::MEDIA_TYPE,
        &headers,
        body,
        |_| answer,
    )
}

async fn users_by_email(State(workspace): ApiState, headers: HeaderMap, body: String) -> Response {
    let email = field(&body, "email");
    let found = PEOPLE
        .iter()
        .find(|person| person.email == email)
        .map(|person| person.account(TEAM));
    let answer = found.map_or_else(
        || json!({ "ok": false, "error": "users_not_found" }),
        |user| json!({ "ok": true, "user": user }),
    );
    called(
        &workspace,
        "users.lookupByEmail",
        form::MEDIA_TYPE,
        &headers,
        body,
        |_| answer,
    )
}

async fn views_open(State(workspace): ApiState, headers: HeaderMap, body: String) -> Response {
    let asked: Value = serde_json::from_str(&body).unwrap_or_default();
    let part = |name: &str| asked.get(name).cloned().unwrap_or_default();
    called(
        &workspace,
        "views.open",
        JSON,
        &headers,
        body,
        |workspace| {
            let (trigger, now) = (part("trigger_id"), workspace.clock.now());
            match workspace
                .state(|state| state.open(trigger.as_str().unwrap_or_default(), part("view"), now))
            {
                Ok(()) => json!({ "ok": true }),
                Err(word) => json!({ "ok": false, "error": word }),
            }
        },
    )
}

async fn post_message(State(workspace): ApiState, headers: HeaderMap, body: String) -> Response {
    let mut message: Value = serde_json::from_str(&body).unwrap_or_default();
    let channel = message
        .as_object_mut()
        .and_then(|fields| fields.remove("channel"))
        .unwrap_or_default();
    called(
        &workspace,
        "chat.postMessage",
        JSON,
        &headers,
        body,
        |workspace| {
            let (user, now) = (channel.as_str().unwrap_or_default(), workspace.clock.now());
            match workspace.state(|state| state.write_to(user, message, now)) {
                Ok(()) => json!({ "ok": true }),
                Err(word) => json!({ "ok": false, "error": word }),
            }
        },
    )
}

async fn reply(
    State(workspace): ApiState,
    Path((key, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let now = workspace.clock.now();
    if key != workspace.reply_key {
        return (StatusCode::NOT_FOUND, "expired_url").into_response();
    }
    let status = match serde_json::from_str(&body) {
        Ok(message) if is_of(&headers, JSON) => {
            workspace.state(|state| state.follow_up(&id, message, now))
        }
        Ok(_) | Err(_) => {
            workspace.state(|state| state.broke(Platform::Slack, "a follow-up is no JSON", now));
            400
        }
    };
    let answer = if status == 200 { "ok" } else { "expired_url" };
    record(
        &workspace,
        ("Follow-up", format!("POST /reply/{key}/{id}")),
        &headers,
        body,
        status,
        answer,
    );
    (StatusCode::from_u16(status).unwrap_or_default(), answer).into_response()
}

/// One call of a method: checks the token and the media type, then answers.
fn called(
    workspace: &Workspace,
    method: &'static str,
    media: &str,
    headers: &HeaderMap,
    body: String,
    answer: impl FnOnce(&Workspace) -> Value,
) -> Response {
    let now = workspace.clock.now();
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let answer = if bearer != Some(&format!("Bearer {TOKEN}")) {
        workspace.state(|state| {
            state.broke(
                Platform::Slack,
                format!("{method} was called without the token"),
                now,
            );
        });
        json!({ "ok": false, "error": "invalid_auth" })
    } else if is_of(headers, media) {
        answer(workspace)
    } else {
        workspace
            .state(|state| state.broke(Platform::Slack, format!("{method} takes {media}"), now));
        json!({ "ok": false, "error": "invalid_arguments" })
    };
    let text = answer.to_string();
    record(
        workspace,
        (method, format!("POST /api/{method}")),
        headers,
        body,
        200,
        &text,
    );
    ([(header::CONTENT_TYPE, JSON)], text).into_response()
}

/// True for a body of this media type.
pub(super) fn is_of(headers: &HeaderMap, media: &str) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim() == media
}

/// Records a call for the page.
pub(super) fn record(
    workspace: &Workspace,
    (title, line): (&'static str, String),
    headers: &HeaderMap,
    body: String,
    status: u16,
    answer: &str,
) {
    let shown = ["content-type", "authorization", "user-agent"];
    let headers = shown
        .iter()
        .filter_map(|name| {
            Some((
                (*name).to_owned(),
                headers.get(*name)?.to_str().ok()?.to_owned(),
            ))
        })
        .collect();
    let at = time_of_day(workspace.clock.now());
    workspace.state(|state| {
        let exchange = HttpExchange {
            id: state.next_id('w'),
            at,
            direction: "from relatch",
            title,
            request: ShownRequest {
                line,
                headers,
                body,
            },
            answer: ShownAnswer {
                status,
                ms: 0,
                body: answer.to_owned(),
            },
        };
        state.record(exchange);
    });
}

fn field(body: &str, name: &str) -> String {
    Fields::read(body.as_bytes())
        .map_or_else(|_| String::new(), |fields| fields.text(name).to_owned())
}
