//! Lark's JSON, only the fields that are read.

use serde::Deserialize;

/// The body of every request when an encrypt key is set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EncryptedBody {
    pub(super) encrypt: String,
}

/// A decrypted event or callback (schema 2.0), or the challenge of a new address.
#[derive(Debug, Deserialize)]
pub(super) struct LarkEvent {
    #[serde(default)]
    pub(super) header: Option<EventHeader>,
    #[serde(default)]
    pub(super) event: serde_json::Value,
    #[serde(rename = "type", default)]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) challenge: Option<String>,
    #[serde(default)]
    pub(super) token: Option<String>,
}

/// The header of every event.
#[derive(Debug, Deserialize)]
pub(super) struct EventHeader {
    pub(super) event_id: String,
    pub(super) event_type: String,
    /// Milliseconds or microseconds, as text.
    pub(super) create_time: String,
    pub(super) token: String,
    pub(super) app_id: String,
    pub(super) tenant_key: String,
}

/// `im.message.receive_v1`.
#[derive(Debug, Deserialize)]
pub(super) struct MessageEvent {
    pub(super) sender: MessageSender,
    pub(super) message: LarkMessage,
}

#[derive(Debug, Deserialize)]
pub(super) struct MessageSender {
    #[serde(rename = "sender_id")]
    pub(super) ids: LarkIds,
    #[serde(rename = "sender_type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) tenant_key: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct LarkIds {
    #[serde(default)]
    pub(super) open_id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct LarkMessage {
    #[serde(default)]
    pub(super) message_id: String,
    #[serde(default)]
    pub(super) chat_id: String,
    #[serde(default)]
    pub(super) chat_type: String,
    #[serde(default)]
    pub(super) message_type: String,
    /// JSON, as text.
    #[serde(default)]
    pub(super) content: String,
    #[serde(default)]
    pub(super) mentions: Vec<Mention>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Mention {
    pub(super) key: String,
    pub(super) id: LarkIds,
}

/// `application.bot.menu_v6`.
#[derive(Debug, Deserialize)]
pub(super) struct MenuEvent {
    pub(super) operator: MenuOperator,
    #[serde(default)]
    pub(super) event_key: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct MenuOperator {
    pub(super) operator_id: LarkIds,
}

/// `card.action.trigger`.
#[derive(Debug, Deserialize)]
pub(super) struct CardEvent {
    pub(super) operator: CardOperator,
    /// The token that can change the card.
    #[serde(default)]
    pub(super) token: String,
    pub(super) action: CardAction,
    #[serde(default)]
    pub(super) context: CardContext,
}

#[derive(Debug, Deserialize)]
pub(super) struct CardOperator {
    #[serde(default)]
    pub(super) open_id: String,
    #[serde(default)]
    pub(super) tenant_key: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct CardAction {
    #[serde(default)]
    pub(super) value: ButtonValue,
    #[serde(default)]
    pub(super) form_value: serde_json::Map<String, serde_json::Value>,
}

/// The value that we gave a button.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ButtonValue {
    #[serde(default)]
    pub(super) action: Option<String>,
    #[serde(default)]
    pub(super) form: Option<String>,
    #[serde(default)]
    pub(super) value: String,
    /// The group that the card was sent to, where it is ephemeral.
    #[serde(default)]
    pub(super) group: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct CardContext {
    #[serde(default)]
    pub(super) open_message_id: String,
    #[serde(default)]
    pub(super) open_chat_id: String,
}

/// A user ("Get single user information"). A missing field counts as the value that grants less.
#[derive(Debug, Deserialize)]
pub(super) struct LarkAccount {
    pub(super) open_id: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) enterprise_email: Option<String>,
    #[serde(default)]
    pub(super) is_tenant_manager: bool,
    #[serde(default)]
    pub(super) status: LarkAccountStatus,
}

#[derive(Debug, Deserialize)]
pub(super) struct LarkAccountStatus {
    #[serde(default)]
    pub(super) is_frozen: bool,
    #[serde(default)]
    pub(super) is_resigned: bool,
    #[serde(default)]
    pub(super) is_exited: bool,
}

impl Default for LarkAccountStatus {
    /// An account without a status may not be in use, so it counts as gone.
    fn default() -> Self {
        Self {
            is_frozen: true,
            is_resigned: true,
            is_exited: true,
        }
    }
}
