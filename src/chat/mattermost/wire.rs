//! Mattermost's JSON, only the fields that are read.

use serde::Deserialize;

/// A pressed button (Mattermost, "Interactive messages").
#[derive(Debug, Deserialize)]
pub(super) struct PostAction {
    pub(super) user_id: String,
    #[serde(default)]
    pub(super) trigger_id: String,
    #[serde(default)]
    pub(super) channel_id: String,
    pub(super) context: PostActionContext,
}

/// The value that we gave the button. Mattermost does not show it to clients.
#[derive(Debug, Deserialize)]
pub(super) struct PostActionContext {
    pub(super) action: String,
    pub(super) value: String,
}

/// A submitted dialog (Mattermost, "Interactive dialogs").
#[derive(Debug, Deserialize)]
pub(super) struct DialogSubmission {
    pub(super) user_id: String,
    pub(super) state: String,
    /// None where the dialog was cancelled: a map that the server does not have is `null` in its JSON.
    pub(super) submission: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    pub(super) cancelled: bool,
}

/// A user. A missing field counts as the value that grants less.
#[derive(Debug, Deserialize)]
pub(super) struct MattermostUser {
    pub(super) id: String,
    #[serde(default)]
    pub(super) username: String,
    #[serde(default)]
    pub(super) first_name: String,
    #[serde(default)]
    pub(super) last_name: String,
    #[serde(default)]
    pub(super) nickname: String,
    #[serde(default)]
    pub(super) roles: String,
    #[serde(default)]
    pub(super) email: String,
    /// How the account signs in; empty for a password of the server's own.
    #[serde(default)]
    pub(super) auth_service: Option<String>,
    /// The other server whose account it is (shared channels).
    #[serde(default)]
    pub(super) remote_id: Option<String>,
    #[serde(default)]
    pub(super) delete_at: i64,
    #[serde(default)]
    pub(super) is_bot: bool,
}
