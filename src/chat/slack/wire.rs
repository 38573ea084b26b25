//! Slack's shapes, only the fields that are read; everything else is ignored.

use std::collections::HashMap;

use serde::Deserialize;

/// The `payload` of a click or a form (Slack, "Interaction payloads").
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Payload {
    /// A button was pressed.
    BlockActions(Pressed),
    /// A modal was sent.
    ViewSubmission(Submitted),
    /// Anything that we never asked for.
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pressed {
    pub(super) user: User,
    pub(super) team: Option<Team>,
    pub(super) enterprise: Option<Enterprise>,
    pub(super) api_app_id: Option<String>,
    pub(super) trigger_id: Option<String>,
    pub(super) response_url: Option<String>,
    pub(super) actions: Vec<PressedAction>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Submitted {
    pub(super) user: User,
    pub(super) team: Option<Team>,
    pub(super) enterprise: Option<Enterprise>,
    pub(super) api_app_id: Option<String>,
    pub(super) view: View,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) team_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Team {
    pub(super) id: String,
    pub(super) enterprise_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Enterprise {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct PressedAction {
    pub(super) action_id: String,
    pub(super) value: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct View {
    pub(super) callback_id: String,
    pub(super) private_metadata: String,
    pub(super) state: ViewState,
}

#[derive(Debug, Deserialize)]
pub(super) struct ViewState {
    pub(super) values: HashMap<String, HashMap<String, Input>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Input {
    pub(super) value: Option<String>,
}

/// The answer of any Web API method.
#[derive(Debug, Deserialize)]
pub(super) struct ApiAnswer {
    pub(super) ok: bool,
    pub(super) error: Option<String>,
    pub(super) needed: Option<String>,
    pub(super) user: Option<Account>,
}

/// A user of `users.info`. A flag that is missing is taken for the careful value.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are Slack's own flags")]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) team_id: Option<String>,
    #[serde(default)]
    pub(super) deleted: bool,
    #[serde(default)]
    pub(super) is_admin: bool,
    #[serde(default)]
    pub(super) is_owner: bool,
    #[serde(default)]
    pub(super) is_primary_owner: bool,
    #[serde(default)]
    pub(super) is_restricted: bool,
    #[serde(default)]
    pub(super) is_ultra_restricted: bool,
    #[serde(default)]
    pub(super) is_bot: bool,
    #[serde(default)]
    pub(super) is_stranger: bool,
    #[serde(default)]
    pub(super) is_email_confirmed: bool,
    pub(super) enterprise_user: Option<EnterpriseUser>,
    #[serde(default)]
    pub(super) profile: AccountProfile,
}

#[derive(Debug, Deserialize)]
pub(super) struct EnterpriseUser {
    pub(super) enterprise_id: Option<String>,
    #[serde(default)]
    pub(super) is_admin: bool,
    #[serde(default)]
    pub(super) is_owner: bool,
    #[serde(default)]
    pub(super) teams: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct AccountProfile {
    pub(super) email: Option<String>,
}
