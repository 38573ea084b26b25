//! Lark's shapes, as far as they are read.

use serde::Deserialize;

/// What is posted when an encrypt key is set, and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    pub(super) encrypt: String,
}

/// An event or a callback (schema 2.0), or the challenge of a new address.
#[derive(Debug, Deserialize)]
pub(super) struct Sent {
    #[serde(default)]
    pub(super) header: Option<Header>,
    #[serde(default)]
    pub(super) event: serde_json::Value,
    #[serde(rename = "type", default)]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) challenge: Option<String>,
    #[serde(default)]
    pub(super) token: Option<String>,
}

/// What every event carries.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    pub(super) event_id: String,
    pub(super) event_type: String,
    /// Milliseconds, as text.
    pub(super) create_time: String,
    pub(super) token: String,
    pub(super) app_id: String,
    pub(super) tenant_key: String,
}

/// `im.message.receive_v1`.
#[derive(Debug, Deserialize)]
pub(super) struct Received {
    pub(super) sender: Sender,
    pub(super) message: Written,
}

#[derive(Debug, Deserialize)]
pub(super) struct Sender {
    #[serde(rename = "sender_id")]
    pub(super) ids: Ids,
    #[serde(rename = "sender_type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) tenant_key: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Ids {
    #[serde(default)]
    pub(super) open_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Written {
    #[serde(default)]
    pub(super) chat_id: String,
    #[serde(default)]
    pub(super) chat_type: String,
    #[serde(default)]
    pub(super) message_type: String,
    /// JSON in a text.
    #[serde(default)]
    pub(super) content: String,
    #[serde(default)]
    pub(super) mentions: Vec<Mentioned>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Mentioned {
    pub(super) key: String,
    pub(super) id: Ids,
}

/// `application.bot.menu_v6`.
#[derive(Debug, Deserialize)]
pub(super) struct Chosen {
    pub(super) operator: MenuOperator,
    #[serde(default)]
    pub(super) event_key: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct MenuOperator {
    pub(super) operator_id: Ids,
}

/// `card.action.trigger`.
#[derive(Debug, Deserialize)]
pub(super) struct Pressed {
    pub(super) operator: Operator,
    /// With it the card can be changed.
    #[serde(default)]
    pub(super) token: String,
    pub(super) action: Pushed,
    #[serde(default)]
    pub(super) context: Place,
}

#[derive(Debug, Deserialize)]
pub(super) struct Operator {
    #[serde(default)]
    pub(super) open_id: String,
    #[serde(default)]
    pub(super) tenant_key: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pushed {
    #[serde(default)]
    pub(super) value: OurValue,
    #[serde(default)]
    pub(super) form_value: serde_json::Map<String, serde_json::Value>,
}

/// What we put behind a button.
#[derive(Debug, Default, Deserialize)]
pub(super) struct OurValue {
    #[serde(default)]
    pub(super) action: Option<String>,
    #[serde(default)]
    pub(super) form: Option<String>,
    #[serde(default)]
    pub(super) value: String,
    /// The group in which the card stands, and is ephemeral.
    #[serde(default)]
    pub(super) group: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Place {
    #[serde(default)]
    pub(super) open_message_id: String,
    #[serde(default)]
    pub(super) open_chat_id: String,
}

/// A user of the directory ("Get single user information"). What is missing is taken for the careful value.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) open_id: String,
    #[serde(default)]
    pub(super) enterprise_email: Option<String>,
    #[serde(default)]
    pub(super) is_tenant_manager: bool,
    #[serde(default)]
    pub(super) status: Status,
}

#[derive(Debug, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    pub(super) is_frozen: bool,
    #[serde(default)]
    pub(super) is_resigned: bool,
    #[serde(default)]
    pub(super) is_exited: bool,
}

impl Default for Status {
    /// Of an account without any status nobody knows whether it is in use.
    fn default() -> Self {
        Self {
            is_frozen: true,
            is_resigned: true,
            is_exited: true,
        }
    }
}
