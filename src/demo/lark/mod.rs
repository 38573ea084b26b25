//! The pretend Lark: encrypted and signed events, and what becomes of the answers to clicks and forms of cards.
//!
//! Sources: Lark's pages "Receive message", "Received message content", "Card callback communication" and "Encrypt key".

pub(super) mod api;
mod rules;

use serde_json::{Value, json};

use super::error::{ActionRefused, no_reader};
use super::people::{APP_NAME, DemoPerson, PEOPLE};
use super::signers::LarkApp;
use super::state::{Reply, ShownMessage};
use super::workspace::{Workspace, actor};
use crate::chat::lark::{CARD_EVENT, COMMAND_NAME, EVENTS_ROUTE, MESSAGE_EVENT};
use crate::domain::Platform;

/// The group in which people type commands.
const GROUP: &str = "oc_itdesk0000000000000000000000000";
/// The bot, as people mention it.
const BOT: &str = "ou_relatch000000000000000000000000";
/// The tenant of the guest in the group.
const OTHER_TENANT: &str = "partner0tenant0key";

/// The tenant that a person belongs to.
fn tenant(person: &DemoPerson) -> &'static str {
    if person.is_guest {
        OTHER_TENANT
    } else {
        LarkApp::TENANT
    }
}

/// The 1:1 chat of the bot and a person.
fn private_chat(person: &DemoPerson) -> String {
    person.lark_id().replacen("ou_", "oc_", 1)
}

impl Workspace {
    /// A person mentions the bot in the group, with a command.
    pub(super) async fn lark_say(&self, user: &str, text: &str) -> Result<(), ActionRefused> {
        let person = actor(user)?;
        let text = text.trim();
        text.strip_prefix(COMMAND_NAME)
            .filter(|rest| rest.is_empty() || rest.starts_with(' '))
            .ok_or_else(|| no_reader(COMMAND_NAME))?;
        let now = self.clock.now();
        let text = format!("@{APP_NAME} {text}");
        let shown = self.state(|state| {
            state.version += 1;
            state.forget_toast(Platform::Lark, user);
            state.show(Platform::Lark, user, user, json!({ "text": text }), now)
        });
        let (typed, mentions) = mentioned(&text);
        let event = json!({
            "sender": {
                "sender_id": { "open_id": person.lark_id(), "union_id": "on_x" }, "sender_type": "user",
                "tenant_key": tenant(person),
            },
            "message": {
                "message_id": lark_message(&shown), "create_time": now.0.to_string(), "chat_id": GROUP,
                "chat_type": "group", "message_type": "text", "content": json!({ "text": typed }).to_string(),
                "mentions": mentions,
            },
        });
        // Nobody sees what is answered to an event.
        self.send_event("Message", MESSAGE_EVENT, &event).await?;
        Ok(())
    }

    /// A person presses a button of a card that they see.
    pub(super) async fn lark_click(
        &self,
        user: &str,
        message: &str,
        action: &str,
    ) -> Result<(), ActionRefused> {
        let person = actor(user)?;
        let said = self.message(user, message).ok_or("This message is gone.")?;
        let button = rules::buttons(&said.message)
            .find(|one| *rules::at(one, "/value/action") == action)
            .ok_or("This button is gone.")?;
        let action = json!({ "tag": "button", "value": button["value"], "timezone": "UTC" });
        self.press_in_card(person, "Click", &said, &action).await
    }

    /// A person sends the form in a card.
    pub(super) async fn lark_submit(
        &self,
        user: &str,
        message: &str,
        values: &Value,
    ) -> Result<(), ActionRefused> {
        let person = actor(user)?;
        let said = self.message(user, message).ok_or("This message is gone.")?;
        let submit = rules::submit(&said.message).ok_or("This form is closed.")?;
        let action = json!({
            "tag": "button", "name": submit["name"], "value": submit["value"], "form_value": values, "timezone": "UTC",
        });
        self.press_in_card(person, "Form", &said, &action).await
    }

    /// Sends what was pressed in a card, and does what the answer says ("Card callback communication").
    async fn press_in_card(
        &self,
        person: &DemoPerson,
        title: &'static str,
        said: &ShownMessage,
        action: &Value,
    ) -> Result<(), ActionRefused> {
        let (user, now) = (person.id(), self.clock.now());
        let token = self.state(|state| {
            state.forget_toast(Platform::Lark, &user);
            let token = format!("c-{}", state.next_id('r'));
            let reply = Reply::new(user.clone(), Some(said.id.clone()), now);
            state.keep_token(token.clone(), reply);
            token
        });
        let chat = if said.ephemeral {
            GROUP.to_owned()
        } else {
            private_chat(person)
        };
        let event = json!({
            "operator": { "tenant_key": tenant(person), "open_id": person.lark_id(), "union_id": "on_x" },
            "token": token, "action": action, "host": "im_message",
            "context": { "open_message_id": lark_message(&said.id), "open_chat_id": chat },
        });
        let answer = self.send_event(title, CARD_EVENT, &event).await?;
        self.state(|state| {
            state.version += 1;
            state.answered(&token, Some(said.id.clone()));
            for rule in rules::of_callback(&answer, said.ephemeral) {
                state.broke(Platform::Lark, rule, now);
            }
            if let Some(text) = rules::at(&answer, "/toast/content").as_str() {
                state.toast(Platform::Lark, &user, text);
            }
            let card = rules::at(&answer, "/card/data");
            if !card.is_null() {
                state.edit(&said.id, card.clone());
            }
        });
        Ok(())
    }

    /// Sends an event or a callback of schema 2.0. Returns the answer.
    async fn send_event(
        &self,
        title: &'static str,
        kind: &str,
        event: &Value,
    ) -> Result<Value, ActionRefused> {
        let now = self.clock.now();
        let serial = self.state(|state| state.next_id('n'));
        // Unlike events, callbacks of cards tell microseconds.
        let created_at = if kind == CARD_EVENT {
            now.0 * 1000
        } else {
            now.0
        };
        let event = json!({
            "schema": "2.0",
            "header": {
                "event_id": serial, "event_type": kind, "create_time": created_at.to_string(),
                "token": LarkApp::VERIFICATION, "app_id": LarkApp::ID, "tenant_key": LarkApp::TENANT,
            },
            "event": event,
        });
        let body = LarkApp::seal(&event.to_string())?;
        let headers = LarkApp::headers(&body, &serial, now);
        let answer = self.post(title, EVENTS_ROUTE, headers, body).await?;
        // The parser's error would quote the answer.
        serde_json::from_str(&answer).map_err(|_| "relatch answered no JSON.".to_owned())
    }
}

/// Lark's id of a message.
fn lark_message(id: &str) -> String {
    format!("om_{id}")
}

/// The message with this id of Lark's.
fn of_lark(id: &str) -> Option<&str> {
    id.strip_prefix("om_")
}

/// The text with a key in the place of each mention, and whom each key stands for, in order ("Received message content").
fn mentioned(text: &str) -> (String, Vec<Value>) {
    let bot = (APP_NAME, BOT.to_owned(), LarkApp::TENANT);
    let known: Vec<(&str, String, &str)> = PEOPLE
        .iter()
        .map(|person| (person.name, person.lark_id(), tenant(person)))
        .chain([bot])
        .collect();
    let (mut typed, mut mentions) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        typed += before;
        rest = after;
        let named = known
            .iter()
            .find_map(|one| Some((one, after.strip_prefix(one.0)?)));
        let Some(((name, id, tenant), behind)) = named else {
            typed.push('@');
            continue;
        };
        let key = format!("@_user_{}", mentions.len() + 1);
        typed += &key;
        rest = behind;
        mentions.push(json!({
            "key": key, "id": { "open_id": id, "union_id": "on_x", "user_id": null }, "name": name, "tenant_key": tenant,
        }));
    }
    (typed + rest, mentions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mention_has_a_key() {
        let (typed, mentions) =
            mentioned("@relatch /reset-password @Mina Park ask jo@acme.example");
        assert_eq!(
            typed,
            "@_user_1 /reset-password @_user_2 ask jo@acme.example"
        );
        let ids: Vec<&str> = mentions
            .iter()
            .filter_map(|one| one.pointer("/id/open_id")?.as_str())
            .collect();
        assert_eq!(ids, [BOT, "ou_uminapark00000000000000000000000"]);
    }
}
