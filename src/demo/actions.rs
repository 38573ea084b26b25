//! What people do in the pretend workspace: Slack turns each action into a signed request.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::boxes::Pressable;
use super::error::{ActionRefused, no_reader};
use super::people::{APP_NAME, PEOPLE};
use super::state::ShownMessage;
use super::workspace::{APP, TEAM, Workspace, actor};
use super::{boxes, rules};
use crate::chat::slack::{COMMAND_NAME, COMMANDS_ROUTE, INTERACTIONS_ROUTE};
use crate::domain::Platform;
use crate::form::MEDIA_TYPE;

impl Workspace {
    /// A person sends a text.
    pub(super) async fn say(&self, user: &str, text: &str) -> Result<(), ActionRefused> {
        let person = actor(user)?;
        let text = text.trim();
        let rest = text
            .strip_prefix(COMMAND_NAME)
            .filter(|rest| rest.is_empty() || rest.starts_with(' '));
        let Some(rest) = rest else {
            return Err(no_reader(COMMAND_NAME));
        };
        let now = self.clock.now();
        let (url, trigger) = self.state(|state| {
            state.version += 1;
            state.show(Platform::Slack, user, user, json!({ "text": text }), now);
            (
                state.new_response_url(user, None, now),
                state.new_trigger(user),
            )
        });
        let fields = [
            ("token", "not-used"),
            ("team_id", TEAM),
            ("team_domain", "acme"),
            ("channel_id", "C0DEMO"),
            ("channel_name", "it-desk"),
            ("user_id", user),
            ("user_name", person.handle()),
            ("command", COMMAND_NAME),
            ("text", &escaped(rest.trim())),
            ("api_app_id", APP),
            ("is_enterprise_install", "false"),
            ("response_url", &self.reply_url(&url)),
            ("trigger_id", &trigger),
        ];
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        let answer = self
            .slack_post("Slash command", COMMANDS_ROUTE, body.join("&"))
            .await?;
        if answer.is_empty() {
            return Ok(());
        }
        let Ok(message) = serde_json::from_str::<Value>(&answer) else {
            self.state(|state| {
                state.broke(Platform::Slack, "the answer to a command is no JSON", now);
            });
            return Ok(());
        };
        self.state(|state| {
            for rule in rules::of_message(&message) {
                state.broke(Platform::Slack, rule, now);
            }
            let id = state.show(Platform::Slack, user, APP_NAME, message, now);
            state.bind(&url, id);
        });
        Ok(())
    }

    /// A person presses a button of a message that they see, or ticks and unticks boxes: `selected` are the values that are
    /// ticked then.
    pub(super) async fn click(
        &self,
        user: &str,
        message: &str,
        action: &str,
        selected: &[String],
    ) -> Result<(), ActionRefused> {
        let person = actor(user)?;
        let now = self.clock.now();
        let said = self.message(user, message).ok_or("This message is gone.")?;
        let pressed = boxes::pressables(&said.message)
            .find(|one| one.element["action_id"] == action)
            .ok_or("This button is gone.")?;
        let (pressed, ticked) = self.press(&said, &pressed, selected);
        let (url, trigger) = self.state(|state| {
            (
                state.new_response_url(user, Some(message.to_owned()), now),
                state.new_trigger(user),
            )
        });
        let payload = json!({
            "type": "block_actions",
            "user": { "id": user, "username": person.handle(), "name": person.handle(), "team_id": TEAM },
            "api_app_id": APP,
            "token": "not-used",
            "container": { "type": "message", "message_ts": "0", "channel_id": "C0DEMO", "is_ephemeral": true },
            "trigger_id": trigger,
            "team": { "id": TEAM, "domain": "acme" },
            "enterprise": null,
            "is_enterprise_install": false,
            "channel": { "id": "C0DEMO", "name": "it-desk" },
            "state": { "values": ticked },
            "response_url": self.reply_url(&url),
            "actions": [pressed],
        });
        let answer = self
            .slack_post(
                "Click",
                INTERACTIONS_ROUTE,
                format!("payload={}", encode(&payload.to_string())),
            )
            .await
            .inspect_err(|_| self.state(|state| state.tick(&said.id, &said.ticked)))?;
        if !answer.is_empty() {
            // Slack, "Block actions": the answer does not replace the message.
            self.state(|state| {
                state.broke(Platform::Slack, "the answer to a click is not empty", now);
            });
        }
        Ok(())
    }

    /// The pressed element as Slack tells it, and everything that is ticked in the message then.
    fn press(
        &self,
        said: &ShownMessage,
        pressed: &Pressable<'_>,
        selected: &[String],
    ) -> (Value, Value) {
        let Pressable { block_id, element } = pressed;
        let mut told = json!({
            "action_id": element["action_id"], "block_id": block_id, "type": element["type"], "action_ts": "0",
        });
        if element["type"] != "checkboxes" {
            for name in ["text", "value"] {
                boxes::put(&mut told, name, element[name].clone());
            }
            return (told, said.ticked.clone());
        }
        let options = element["options"].as_array().into_iter().flatten();
        let is_selected = |option: &&Value| {
            let value = option["value"].as_str();
            selected.iter().any(|one| Some(one.as_str()) == value)
        };
        let options: Vec<Value> = options.filter(is_selected).cloned().collect();
        boxes::put(&mut told, "selected_options", json!(options));
        let mut ticked = said.ticked.clone();
        if let Some(action) = element["action_id"].as_str() {
            let block = ticked.get_mut(block_id.as_str());
            if let Some(block) = block {
                boxes::put(block, action, boxes::selection(&options));
            }
        }
        self.state(|state| state.tick(&said.id, &ticked));
        (told, ticked)
    }

    /// A person sends the form that is open.
    pub(super) async fn submit(
        &self,
        user: &str,
        view: &str,
        values: &Value,
    ) -> Result<(), ActionRefused> {
        actor(user)?;
        let now = self.clock.now();
        let key = (Platform::Slack, user.to_owned());
        let opened = self.state(|state| {
            state
                .views
                .get(&key)
                .filter(|opened| opened.id == view)
                .cloned()
        });
        let opened = opened.ok_or("This form is closed.")?;
        let shown = &opened.view;
        let payload = json!({
            "type": "view_submission",
            "team": { "id": TEAM, "domain": "acme" },
            "user": { "id": user, "team_id": TEAM },
            "api_app_id": APP,
            "trigger_id": self.state(|state| state.new_trigger(user)),
            "view": {
                "id": view, "type": "modal", "callback_id": shown["callback_id"],
                "private_metadata": shown["private_metadata"], "state": { "values": typed_values(shown, values) },
            },
            "response_urls": [],
        });
        let answer = self
            .slack_post(
                "Form",
                INTERACTIONS_ROUTE,
                format!("payload={}", encode(&payload.to_string())),
            )
            .await?;
        let told: Value = serde_json::from_str(&answer).unwrap_or_default();
        let errors = told.get("errors").filter(|_| {
            told.get("response_action")
                .is_some_and(|word| word == "errors")
        });
        self.state(|state| {
            state.version += 1;
            if answer.is_empty() {
                state.views.remove(&key);
            } else if let Some(errors) = errors {
                if let Some(opened) = state.views.get_mut(&key) {
                    opened.errors = serde_json::from_value(errors.clone()).unwrap_or_default();
                }
            } else {
                state.broke(
                    Platform::Slack,
                    "the answer to a form is neither empty nor a response_action",
                    now,
                );
            }
        });
        Ok(())
    }

    /// A person closes the form that is open; the chat tells nobody.
    pub(super) fn close(&self, chat: Platform, user: &str) {
        self.state(|state| {
            state.version += 1;
            state.views.remove(&(chat, user.to_owned()));
        });
    }

    /// The address that takes answers to an interaction. It asks for no token, so it must be unguessable.
    fn reply_url(&self, id: &str) -> String {
        format!("{}/reply/{}/{id}", self.base, self.reply_key)
    }

    /// Signs a form of Slack's, and posts it.
    async fn slack_post(
        &self,
        title: &'static str,
        route: &str,
        body: String,
    ) -> Result<String, ActionRefused> {
        let signature = self.slack.sign(body.as_bytes(), self.clock.now());
        let headers = [("content-type", MEDIA_TYPE.to_owned())];
        self.post(
            title,
            route,
            headers.into_iter().chain(signature).collect(),
            body,
        )
        .await
    }
}

/// The values of a form as Slack sends them, by block and action.
fn typed_values(view: &Value, values: &Value) -> Value {
    let mut typed = serde_json::Map::new();
    for block in view["blocks"].as_array().into_iter().flatten() {
        let action = block.pointer("/element/action_id").and_then(Value::as_str);
        if let Some((id, action)) = block["block_id"].as_str().zip(action) {
            let value = json!({ action: { "type": "plain_text_input", "value": values[id] } });
            typed.insert(id.to_owned(), value);
        }
    }
    Value::Object(typed)
}

/// What Slack makes of `@Mina Park` where the manifest says `should_escape`: `<@UMINAPARK|mina.park>`.
fn escaped(text: &str) -> String {
    let mut text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    for person in &PEOPLE {
        let mention = format!("<@{}|{}>", person.id(), person.handle());
        text = text.replace(&format!("@{}", person.name), &mention);
    }
    text
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
