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
use super::profile::Profile;
use super::story::COMMAND;
use super::workspace::Workspace;
use crate::clock::{Zone, rfc3339};
use crate::domain::{Platform, Span};

/// A ready command: who types it, what it shows, and its text.
struct Suggestion(&'static str, &'static str, &'static str);

const SUGGESTIONS: [Suggestion; 12] = [
    Suggestion("UJO", "a whole reset", COMMAND),
    Suggestion("UJO", "no outside contact", "/reset-password @Noa Bae"),
    Suggestion("UJO", "business email only", "/reset-password @Ari Seo"),
    Suggestion("UJO", "suspended", "/reset-password @Sam Oh"),
    Suggestion("UJO", "single sign-on", "/reset-password @Sol Yun"),
    Suggestion("UJO", "a guest", "/reset-password @Gus Ray"),
    Suggestion("UJO", "what happened?", "/reset-password log"),
    Suggestion("UKIM", "reset a member", "/reset-password @Dee Ma"),
    Suggestion("UKIM", "a primary admin", "/reset-password @Jo Lim"),
    Suggestion(
        "UKIM",
        "which rules hold?",
        "/reset-password why @Mina Park",
    ),
    Suggestion("ULEE", "no administrator", "/reset-password @Mina Park"),
    Suggestion("UGUS", "a guest tries", "/reset-password @Mina Park"),
];

/// The files of the page, each with its media type.
const ASSETS: [(&str, &str, &str); 11] = [
    ("/demo", HTML, include_str!("pages/demo.html")),
    ("/demo/demo.css", "text/css", include_str!("pages/demo.css")),
    (
        "/demo/icon.svg",
        "image/svg+xml",
        include_str!("pages/icon.svg"),
    ),
    ("/demo/demo.js", JS, include_str!("pages/demo.js")),
    ("/demo/make.js", JS, include_str!("pages/make.js")),
    ("/demo/complete.js", JS, include_str!("pages/complete.js")),
    ("/demo/discord.js", JS, include_str!("pages/discord.js")),
    ("/demo/lark.js", JS, include_str!("pages/lark.js")),
    ("/demo/markdown.js", JS, include_str!("pages/markdown.js")),
    (
        "/demo/mattermost.js",
        JS,
        include_str!("pages/mattermost.js"),
    ),
    ("/demo/slack.js", JS, include_str!("pages/slack.js")),
];

const HTML: &str = "text/html; charset=utf-8";
const JS: &str = "text/javascript";

/// The chats that the page offers.
const CHATS: [(Platform, &str); 4] = [
    (Platform::Slack, "Slack"),
    (Platform::Discord, "Discord"),
    (Platform::Lark, "Lark"),
    (Platform::Mattermost, "Mattermost"),
];

/// The furthest that one press moves the clock, in minutes.
const FURTHEST: i64 = 7 * 24 * 60;

type PageState = State<Arc<Workspace>>;

/// The page, its assets, and what its script calls.
pub(super) fn router(workspace: Arc<Workspace>) -> Router {
    let files = ASSETS
        .into_iter()
        .fold(Router::new(), |router, (path, kind, text)| {
            router.route(path, get(async move || asset(kind, text)))
        });
    files
        .route("/demo/state", get(read_state))
        .route("/demo/say", post(say))
        .route("/demo/click", post(click))
        .route("/demo/submit", post(submit))
        .route("/demo/close", post(close))
        .route("/demo/clock", post(forward))
        .route("/demo/restart", post(restart))
        .layer(axum::middleware::from_fn(with_headers))
        .layer(axum::middleware::from_fn(local_only))
        .with_state(workspace)
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

/// Answers only requests for this machine by name, so that no other site can lead here by DNS rebinding.
pub(super) async fn local_only(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if !matches!(name, "127.0.0.1" | "localhost" | "[::1]") {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    next.run(request).await
}

async fn with_headers(request: Request, next: Next) -> Response {
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
    /// The start of the workspace to which `seen` belongs.
    #[serde(default)]
    run: String,
}

async fn read_state(
    State(workspace): PageState,
    Query(StateQuery { seen, run }): Query<StateQuery>,
) -> Response {
    let now = workspace.clock.now();
    let told = workspace.state(|state| {
        state.set_time(now);
        if state.version == seen && run == workspace.run.to_string() {
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
            "run": workspace.run,
            "version": state.version,
            "is_kept": state.is_kept,
            "profile": workspace.profile.word(),
            "profiles": Profile::ALL.map(|one| json!({ "id": one.word(), "label": one.label(), "about": one.about() })),
            "chats": CHATS.map(|(chat, name)| json!({ "id": chat, "name": name })),
            "now": Zone::utc().tell(now, now),
            "date": rfc3339(now).chars().take(10).collect::<String>(),
            "zone": "UTC",
            "moved": moved(workspace.clock.moved()),
            "people": people(),
            "member": { "name": "Mina Park", "email": MINA, "password": OLD_PASSWORD },
            "suggestions": suggestions(),
            "messages": state.messages,
            "views": state.views_as_json(),
            "toasts": state.toasts_as_json(),
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

fn suggestions() -> Vec<Value> {
    let shown = |Suggestion(user, label, text): Suggestion| {
        let person = PEOPLE.iter().find(|person| person.id() == user);
        let who = person.and_then(|person| person.name.split(' ').next());
        json!({ "as": user, "who": who, "label": label, "text": text })
    };
    SUGGESTIONS.into_iter().map(shown).collect()
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

/// The chat of a request that names none.
fn first_chat() -> Platform {
    Platform::Slack
}

#[derive(Deserialize)]
struct SayBody {
    #[serde(rename = "as")]
    user: String,
    #[serde(default = "first_chat")]
    chat: Platform,
    text: String,
}

async fn say(
    State(workspace): PageState,
    Json(SayBody { user, chat, text }): Json<SayBody>,
) -> Response {
    answer(match chat {
        Platform::Discord => workspace.discord_say(&user, &text).await,
        Platform::Lark => workspace.lark_say(&user, &text).await,
        Platform::Mattermost => workspace.mattermost_say(&user, &text).await,
        Platform::Slack => workspace.say(&user, &text).await,
    })
}

#[derive(Deserialize)]
struct ClickBody {
    #[serde(rename = "as")]
    user: String,
    #[serde(default = "first_chat")]
    chat: Platform,
    message: String,
    action_id: String,
    /// The values that are ticked, where boxes were pressed.
    #[serde(default)]
    selected: Vec<String>,
}

async fn click(State(workspace): PageState, Json(pressed): Json<ClickBody>) -> Response {
    let ClickBody {
        user,
        chat,
        message,
        action_id,
        selected,
    } = pressed;
    answer(match chat {
        Platform::Discord => workspace.discord_click(&user, &message, &action_id).await,
        Platform::Lark => workspace.lark_click(&user, &message, &action_id).await,
        Platform::Mattermost => {
            workspace
                .mattermost_click(&user, &message, &action_id)
                .await
        }
        Platform::Slack => {
            workspace
                .click(&user, &message, &action_id, &selected)
                .await
        }
    })
}

#[derive(Deserialize)]
struct SubmitBody {
    #[serde(rename = "as")]
    user: String,
    #[serde(default = "first_chat")]
    chat: Platform,
    view: String,
    values: Value,
}

async fn submit(State(workspace): PageState, Json(sent): Json<SubmitBody>) -> Response {
    let SubmitBody {
        user,
        chat,
        view,
        values,
    } = sent;
    answer(match chat {
        Platform::Discord => workspace.discord_submit(&user, &view, &values).await,
        Platform::Lark => workspace.lark_submit(&user, &view, &values).await,
        Platform::Mattermost => workspace.mattermost_submit(&user, &view, &values).await,
        Platform::Slack => workspace.submit(&user, &view, &values).await,
    })
}

#[derive(Deserialize)]
struct CloseBody {
    #[serde(rename = "as")]
    user: String,
    #[serde(default = "first_chat")]
    chat: Platform,
}

async fn close(
    State(workspace): PageState,
    Json(CloseBody { user, chat }): Json<CloseBody>,
) -> Response {
    workspace.close(chat, &user);
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

#[derive(Deserialize)]
struct RestartBody {
    profile: Profile,
}

async fn restart(
    State(workspace): PageState,
    Json(RestartBody { profile }): Json<RestartBody>,
) -> Response {
    workspace.ask_to_restart(profile);
    answer(Ok(()))
}
