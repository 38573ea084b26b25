//! The page `/demo`: what the people of the workspace see and do, and a button that moves the clock forward.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ActionRefused;
use super::people::{DemoPerson, MINA, OLD_PASSWORD, PEOPLE};
use super::story::COMMAND;
use super::workspace::Workspace;
use crate::clock::{Zone, rfc3339};
use crate::domain::Span;

/// Ready commands, each with what it shows.
const SUGGESTIONS: [(&str, &str); 9] = [
    ("A whole reset", COMMAND),
    ("No outside contact", "/reset-password @Noa Bae"),
    ("Business email only", "/reset-password @Ari Seo"),
    ("Suspended", "/reset-password @Sam Oh"),
    ("Single sign-on", "/reset-password @Sol Yun"),
    ("An administrator", "/reset-password @Jo Lim"),
    ("A guest", "/reset-password @Gus Ray"),
    ("Which rules hold?", "/reset-password why @Mina Park"),
    ("What happened?", "/reset-password log"),
];

/// The furthest that one press moves the clock, in minutes.
const FURTHEST: i64 = 7 * 24 * 60;

type PageState = State<Arc<Workspace>>;

/// The page, its assets, and what its script calls.
pub(super) fn router(workspace: Arc<Workspace>) -> Router {
    Router::new()
        .route(
            "/demo",
            get(async || asset("text/html; charset=utf-8", include_str!("pages/demo.html"))),
        )
        .route(
            "/demo/demo.css",
            get(async || asset("text/css", include_str!("pages/demo.css"))),
        )
        .route(
            "/demo/demo.js",
            get(async || asset("text/javascript", include_str!("pages/demo.js"))),
        )
        .route("/demo/state", get(read_state))
        .route("/demo/say", post(say))
        .route("/demo/click", post(click))
        .route("/demo/submit", post(submit))
        .route("/demo/close", post(close))
        .route("/demo/clock", post(forward))
        .layer(axum::middleware::from_fn(guard))
        .with_state(workspace)
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

/// Answers only requests for this machine by name, so that no other site can lead here by DNS rebinding.
async fn guard(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !matches!(name, "127.0.0.1" | "localhost" | "[::1]") {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    let mut response = next.run(request).await;
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; \
            img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[derive(Deserialize)]
struct StateQuery {
    #[serde(default)]
    seen: u64,
}

async fn read_state(
    State(workspace): PageState,
    Query(StateQuery { seen }): Query<StateQuery>,
) -> Response {
    let now = workspace.clock.now();
    let told = workspace.state(|state| {
        state.set_time(now);
        if state.version == seen {
            return None;
        }
        let inbox = |is_short| {
            state
                .inbox
                .iter()
                .filter(|one| one.channel.facts().is_short == is_short)
                .collect::<Vec<_>>()
        };
        Some(json!({
            "version": state.version,
            "now": Zone::utc().tell(now, now),
            "date": rfc3339(now).chars().take(10).collect::<String>(),
            "zone": "UTC",
            "moved": moved(workspace.clock.moved()),
            "people": people(),
            "member": { "email": MINA, "password": OLD_PASSWORD },
            "suggestions": SUGGESTIONS.map(|(label, text)| json!({ "label": label, "text": text })),
            "messages": state.messages,
            "views": state.views,
            "phone": inbox(true),
            "mail": inbox(false),
            "wire": state.exchanges,
            "broken": state.broken_as_json(),
        }))
    });
    told.map_or_else(
        || StatusCode::NO_CONTENT.into_response(),
        |told| Json(told).into_response(),
    )
}

fn moved(span: Span) -> String {
    if span == Span(0) {
        String::new()
    } else {
        span.to_string()
    }
}

fn people() -> Vec<Value> {
    let shown = |person: &DemoPerson| {
        json!({
            "id": person.id(), "name": person.name, "handle": person.handle(), "email": person.email,
            "role": person.plays, "can_act": !person.plays.is_empty(), "about": person.about,
        })
    };
    PEOPLE.iter().map(shown).collect()
}

fn answer(done: Result<(), ActionRefused>) -> Response {
    match done {
        Ok(()) => Json(json!({ "ok": true })).into_response(),
        Err(why) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Json(json!({ "error": why })),
        )
            .into_response(),
    }
}

#[derive(Deserialize)]
struct SayBody {
    #[serde(rename = "as")]
    user: String,
    text: String,
}

async fn say(State(workspace): PageState, Json(SayBody { user, text }): Json<SayBody>) -> Response {
    answer(workspace.say(&user, &text).await)
}

#[derive(Deserialize)]
struct ClickBody {
    #[serde(rename = "as")]
    user: String,
    message: String,
    action_id: String,
}

async fn click(
    State(workspace): PageState,
    Json(ClickBody {
        user,
        message,
        action_id,
    }): Json<ClickBody>,
) -> Response {
    answer(workspace.click(&user, &message, &action_id).await)
}

#[derive(Deserialize)]
struct SubmitBody {
    #[serde(rename = "as")]
    user: String,
    view: String,
    values: Value,
}

async fn submit(
    State(workspace): PageState,
    Json(SubmitBody { user, view, values }): Json<SubmitBody>,
) -> Response {
    answer(workspace.submit(&user, &view, &values).await)
}

#[derive(Deserialize)]
struct CloseBody {
    #[serde(rename = "as")]
    user: String,
}

async fn close(State(workspace): PageState, Json(CloseBody { user }): Json<CloseBody>) -> Response {
    workspace.close(&user);
    answer(Ok(()))
}

#[derive(Deserialize)]
struct ForwardBody {
    minutes: i64,
}

async fn forward(
    State(workspace): PageState,
    Json(ForwardBody { minutes }): Json<ForwardBody>,
) -> Response {
    if !(1..=FURTHEST).contains(&minutes) {
        return answer(Err(
            "The clock moves forward by a minute to a week.".to_owned()
        ));
    }
    workspace.clock.advance(Span::minutes(minutes));
    workspace.state(|state| state.version += 1);
    answer(Ok(()))
}
