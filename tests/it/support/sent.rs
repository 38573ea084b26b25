//! Holds what the bot sends against the published limits, and keeps it for the validators that the platforms publish:
//! `tests/e2e/test_validators.py` reads it.
//!
//! Nothing is kept unless `SENT_BY_RELATCH_DIR` names a folder, which `tests/run.sh` makes and takes away.

use std::path::PathBuf;
use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};

use super::published;

#[expect(
    clippy::disallowed_methods,
    reason = "a setting of the tests, not of the product"
)]
static FOLDER: LazyLock<Option<PathBuf>> =
    LazyLock::new(|| Some(std::env::var("SENT_BY_RELATCH_DIR").ok()?.into()));

/// What is sent where: the end of our own answers' routes, and of the platforms' addresses.
const KINDS: &[(&str, &str, &str)] = &[
    ("POST", "/slack/commands", "slack-answer"),
    ("POST", "/slack/interactions", "slack-form_error"),
    ("POST", "/reply/", "slack-follow_up"),
    ("POST", "/api/views.open", "slack-view"),
    ("POST", "/discord/interactions", "discord-answer"),
    ("PATCH", "/discord/webhooks/", "discord-edit"),
    ("POST", "/discord/webhooks/", "discord-follow_up"),
    ("POST", "/mattermost/commands", "mattermost-answer"),
    ("POST", "/mattermost/actions", "mattermost-click"),
    ("POST", "/mattermost/dialogs", "mattermost-dialog_answer"),
    ("POST", "/mm/hooks/", "mattermost-follow_up"),
    ("POST", "/mm/api/v4/posts/ephemeral", "mattermost-ephemeral"),
    (
        "POST",
        "/mm/api/v4/actions/dialogs/open",
        "mattermost-dialog",
    ),
];

/// The password in an SMS to a member.
pub(crate) fn password_in_sms(text: &str) -> Option<String> {
    let (before, _) = text.split_once(" is your new password")?;
    before.rsplit(' ').next().map(str::to_owned)
}

/// The kind of what is sent there, if it is held against anything.
fn kind_of(method: &str, path: &str) -> Option<&'static str> {
    let mut kinds = KINDS.iter();
    let found = kinds.find(|(by, begin, _)| *by == method && path.starts_with(begin));
    found.map(|(_, _, kind)| *kind)
}

/// Holds a body against the published limits. One that is outside ends the test, or the call that brings it.
pub(crate) fn hold(method: &str, path: &str, body: &[u8]) {
    if let Some(kind) = kind_of(method, path).filter(|_| !body.is_empty()) {
        let broken = published::broken(kind, body);
        assert!(
            broken.is_empty(),
            "a published limit was broken: {broken:#?}"
        );
    }
}

/// Does the same, and keeps the body under its kind, once.
pub(crate) fn keep(method: &str, path: &str, body: &[u8]) {
    hold(method, path, body);
    let kind = kind_of(method, path);
    if let (Some(folder), Some(kind), false) = (FOLDER.as_ref(), kind, body.is_empty()) {
        let name = format!("{kind}-{}.json", hex::encode(&Sha256::digest(body)[..12]));
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(name), body).unwrap();
    }
}

/// Keeps what arrives at the pretend platforms.
pub(crate) async fn arrives(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    keep(parts.method.as_str(), parts.uri.path(), &body);
    next.run(Request::from_parts(parts, Body::from(body))).await
}
