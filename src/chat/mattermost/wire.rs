//! Mattermost's shapes, as far as they are read.

use serde::Deserialize;

/// A pressed button (Mattermost, "Interactive messages").
#[derive(Debug, Deserialize)]
pub(super) struct Pressed {
    pub(super) user_id: String,
    #[serde(default)]
    pub(super) trigger_id: String,
    #[serde(default)]
    pub(super) channel_id: String,
    pub(super) context: Context,
}

/// What we put behind the button; Mattermost keeps it to itself.
#[derive(Debug, Deserialize)]
pub(super) struct Context {
    pub(super) action: String,
    pub(super) value: String,
}

/// A dialog that was sent (Mattermost, "Interactive dialogs").
#[derive(Debug, Deserialize)]
pub(super) struct Dialog {
    pub(super) user_id: String,
    pub(super) state: String,
    #[serde(default)]
    pub(super) submission: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    pub(super) cancelled: bool,
}

/// A user. What is missing is taken for the careful value.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) id: String,
    #[serde(default)]
    pub(super) roles: String,
    #[serde(default)]
    pub(super) email: String,
    #[serde(default)]
    pub(super) email_verified: bool,
    #[serde(default)]
    pub(super) delete_at: i64,
    #[serde(default)]
    pub(super) is_bot: bool,
}
