//! Slack's JSON, only the fields that are read.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// The `payload` of a click or a form (Slack, "Interaction payloads").
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Payload {
    BlockActions(BlockActions),
    ViewSubmission(ViewSubmission),
    /// A payload that we never ask for.
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct BlockActions {
    pub(super) user: SlackUser,
    pub(super) team: Option<SlackTeam>,
    pub(super) enterprise: Option<SlackEnterprise>,
    pub(super) api_app_id: Option<String>,
    pub(super) trigger_id: String,
    pub(super) response_url: Option<String>,
    pub(super) actions: Vec<BlockAction>,
    /// What every box of the message says.
    pub(super) state: Option<ViewState>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ViewSubmission {
    pub(super) user: SlackUser,
    pub(super) team: Option<SlackTeam>,
    pub(super) enterprise: Option<SlackEnterprise>,
    pub(super) api_app_id: Option<String>,
    pub(super) view: SlackView,
}

#[derive(Debug, Deserialize)]
pub(super) struct SlackUser {
    pub(super) id: String,
    pub(super) team_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SlackTeam {
    pub(super) id: String,
    pub(super) enterprise_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SlackEnterprise {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct BlockAction {
    pub(super) action_id: String,
    /// Of a button.
    pub(super) value: Option<String>,
    pub(super) block_id: Option<String>,
    /// Of a checkbox (Slack, "Checkbox group").
    pub(super) selected_options: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SlackView {
    pub(super) callback_id: String,
    pub(super) private_metadata: String,
    pub(super) state: ViewState,
}

#[derive(Debug, Deserialize)]
pub(super) struct ViewState {
    pub(super) values: HashMap<String, HashMap<String, SlackInput>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SlackInput {
    pub(super) value: Option<String>,
    /// Of a checkbox.
    pub(super) selected_options: Option<Vec<IgnoredAny>>,
}

/// What every answer of the Web API has.
#[derive(Debug, Deserialize)]
pub(super) struct ApiVerdict {
    pub(super) ok: bool,
    pub(super) error: Option<String>,
    pub(super) needed: Option<String>,
}

/// The answer of `auth.test`: whose token it is. One of a whole organization names no workspace.
#[derive(Debug, Deserialize)]
pub(super) struct TokenOwner {
    pub(super) team_id: Option<String>,
    pub(super) enterprise_id: Option<String>,
    pub(super) is_enterprise_install: Option<bool>,
}

/// The answer of `users.info` and `users.lookupByEmail`.
#[derive(Debug, Deserialize)]
pub(super) struct UserAnswer {
    pub(super) user: SlackAccount,
}

/// A user of `users.info`. A missing flag counts as the value that grants less.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "these are Slack's own flags")]
pub(super) struct SlackAccount {
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
    pub(super) profile: SlackProfile,
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
pub(super) struct SlackProfile {
    pub(super) email: Option<String>,
    /// The name that others see; empty where the account has chosen none.
    pub(super) display_name: Option<String>,
    pub(super) real_name: Option<String>,
}
