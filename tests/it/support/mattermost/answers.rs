//! How Mattermost's server answers what it does not do, and how long it keeps a command's response address.

use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use relatch::surface::domain::Span;
use serde_json::{Value, json};

use super::{Memory, rules, server};

/// How often a response address is used (`HandleCommandWebhook` in `app/webhook.go`).
const HOOK_USES: u32 = 5;
/// How long it is kept (`CommandWebhookLifetime` in `model/command_webhook.go`: the server finds none that is older).
const HOOK_LIFE: Span = Span::minutes(30);

/// `AppError` in `model/utils.go`: the fields that reach a client.
pub(super) fn app_error(status: StatusCode, id: &str) -> Response {
    let error = json!({
        "id": id, "message": "A sentence in the language of the caller.", "detailed_error": "",
        "request_id": "request0000000000000000000", "status_code": status.as_u16(),
    });
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        error.to_string(),
    )
        .into_response()
}

/// `RateLimitWriter` and `setRateLimitHeaders` in `app/ratelimit.go`: no JSON, and seconds in headers.
pub(super) fn limited(seconds: u32) -> Response {
    let told = seconds.to_string();
    (
        StatusCode::TOO_MANY_REQUESTS,
        [
            ("content-type", "text/plain; charset=utf-8"),
            ("x-content-type-options", "nosniff"),
            ("x-ratelimit-limit", "101"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", &told),
            ("retry-after", &told),
        ],
        "limit exceeded\n",
    )
        .into_response()
}

/// A status that a test sets, in the form that the server gives it.
pub(super) fn refused(status: StatusCode, answer: &Value) -> Response {
    match (status, answer["id"].as_str()) {
        (StatusCode::TOO_MANY_REQUESTS, _) => limited(7),
        (_, Some(id)) => app_error(status, id),
        (_, None) => app_error(status, "app.some.error"),
    }
}

/// `RateLimitHandler` in `app/ratelimit.go`: it stands before every route.
pub(super) async fn limits(State(memory): State<Memory>, request: Request, next: Next) -> Response {
    let limited_for = server(&memory).limited_for;
    match limited_for {
        Some(seconds) => limited(seconds),
        None => next.run(request).await,
    }
}

/// `CreateCommandWebhook` in `app/webhook.go`: each command makes a response address. What is posted to our other routes
/// makes none.
pub(crate) fn note_request(memory: &Memory, route: &str, body: &[u8]) {
    if !route.ends_with("/commands") {
        return;
    }
    let url = url::form_urlencoded::parse(body)
        .find(|(name, _)| name == "response_url")
        .map(|(_, url)| url.into_owned());
    let mut server = server(memory);
    let now = server
        .clock
        .as_ref()
        .map(relatch::surface::clock::Clock::now);
    if let (Some(url), Some(now)) = (url, now)
        && let Some((_, id)) = url.rsplit_once('/')
    {
        server.hooks.entry(id.to_owned()).or_insert((now, 0));
    }
}

/// `commandWebhook` in `web/webhook.go` and `HandleCommandWebhook` in `app/webhook.go`: 404 for an address that is gone, 400
/// for the sixth use; else "ok" as plain text, whether or not the user is connected.
pub(super) async fn hook(
    State(memory): State<Memory>,
    Path(id): Path<String>,
    body: String,
) -> Response {
    let message: Value = serde_json::from_str(&body).unwrap();
    memory.note_broken(rules(&message));
    {
        let mut server = server(&memory);
        let now = server
            .clock
            .as_ref()
            .map(relatch::surface::clock::Clock::now);
        let Some((_, uses)) = server
            .hooks
            .get_mut(&id)
            .filter(|(made_at, _)| now.is_none_or(|now| now - *made_at < HOOK_LIFE))
        else {
            return app_error(StatusCode::NOT_FOUND, "app.command_webhook.get.missing");
        };
        if *uses == HOOK_USES {
            return app_error(
                StatusCode::BAD_REQUEST,
                "app.command_webhook.try_use.invalid",
            );
        }
        *uses += 1;
    }
    match memory.take(id, super::neutral(&message)).await {
        StatusCode::OK => (
            StatusCode::OK,
            [(header::CONTENT_TYPE, "text/plain")],
            "ok".to_owned(),
        )
            .into_response(),
        status => refused(status, &Value::Null),
    }
}
