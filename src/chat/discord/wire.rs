//! Discord's JSON, only the fields that are read. Fields that Discord's own examples leave out are optional.

use std::collections::HashMap;

use serde::Deserialize;

/// An interaction (Discord, "Interaction object").
#[derive(Debug, Deserialize)]
pub(super) struct DiscordInteraction {
    #[serde(rename = "type")]
    pub(super) kind: u8,
    pub(super) application_id: Option<String>,
    #[serde(default)]
    pub(super) token: String,
    pub(super) guild_id: Option<String>,
    pub(super) context: Option<u8>,
    pub(super) authorizing_integration_owners: Option<HashMap<String, serde_json::Value>>,
    pub(super) member: Option<GuildMember>,
    pub(super) data: Option<InteractionData>,
}

/// A member of a server.
#[derive(Debug, Deserialize)]
pub(super) struct GuildMember {
    pub(super) user: DiscordUser,
    /// Their name in this server.
    pub(super) nick: Option<String>,
    #[serde(default)]
    pub(super) pending: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct DiscordUser {
    pub(super) id: String,
    pub(super) username: Option<String>,
    /// Their name everywhere; a bot has its application's.
    pub(super) global_name: Option<String>,
    #[serde(default)]
    pub(super) bot: bool,
    #[serde(default)]
    pub(super) system: bool,
}

/// The data of a command, a button or a modal.
#[derive(Debug, Deserialize)]
pub(super) struct InteractionData {
    #[serde(rename = "type")]
    pub(super) kind: Option<u8>,
    pub(super) name: Option<String>,
    pub(super) target_id: Option<String>,
    #[serde(default)]
    pub(super) options: Vec<CommandOption>,
    pub(super) custom_id: Option<String>,
    #[serde(default)]
    pub(super) components: Vec<ModalPart>,
}

/// An option of a command. All our options are texts.
#[derive(Debug, Deserialize)]
pub(super) struct CommandOption {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: serde_json::Value,
}

/// A part of a modal: a label around one input, or a row of them.
#[derive(Debug, Deserialize)]
pub(super) struct ModalPart {
    pub(super) component: Option<ModalInput>,
    #[serde(default)]
    pub(super) components: Vec<ModalInput>,
}

/// A text input with what was typed.
#[derive(Debug, Deserialize)]
pub(super) struct ModalInput {
    pub(super) custom_id: Option<String>,
    pub(super) value: Option<String>,
}
