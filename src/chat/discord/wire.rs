//! Discord's shapes, as far as they are read. Discord's own examples leave fields out, so what may be missing is optional.

use std::collections::HashMap;

use serde::Deserialize;

/// An interaction (Discord, "Interaction object").
#[derive(Debug, Deserialize)]
pub(super) struct Sent {
    #[serde(rename = "type")]
    pub(super) kind: u8,
    #[serde(default)]
    pub(super) id: String,
    pub(super) application_id: Option<String>,
    #[serde(default)]
    pub(super) token: String,
    pub(super) guild_id: Option<String>,
    pub(super) context: Option<u8>,
    pub(super) authorizing_integration_owners: Option<HashMap<String, serde_json::Value>>,
    pub(super) member: Option<Member>,
    pub(super) data: Option<Data>,
}

/// A member of a server.
#[derive(Debug, Deserialize)]
pub(super) struct Member {
    pub(super) user: User,
    #[serde(default)]
    pub(super) pending: bool,
}

/// An account.
#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
    #[serde(default)]
    pub(super) bot: bool,
    #[serde(default)]
    pub(super) system: bool,
}

/// What a command, a button or a modal carries.
#[derive(Debug, Deserialize)]
pub(super) struct Data {
    #[serde(rename = "type")]
    pub(super) kind: Option<u8>,
    pub(super) name: Option<String>,
    pub(super) target_id: Option<String>,
    #[serde(default)]
    pub(super) options: Vec<Chosen>,
    pub(super) custom_id: Option<String>,
    #[serde(default)]
    pub(super) components: Vec<Part>,
}

/// An option of a command. A value that is no text is none of ours.
#[derive(Debug, Deserialize)]
pub(super) struct Chosen {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: serde_json::Value,
}

/// A part of a modal: a label around one input, or a row of them.
#[derive(Debug, Deserialize)]
pub(super) struct Part {
    pub(super) component: Option<Input>,
    #[serde(default)]
    pub(super) components: Vec<Input>,
}

/// A text input with what was typed.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    pub(super) custom_id: Option<String>,
    pub(super) value: Option<String>,
}
