//! The pretend Mattermost: requests with a command's token and a trigger that the server signs, and what becomes of their
//! answers.
//!
//! Sources: `app/command.go`, `app/integration_action.go` and `model/integration_action.go` of Mattermost's server.

pub(super) mod api;
mod rules;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::error::{ActionRefused, no_reader};
use super::people::{APP_NAME, DemoPerson, PEOPLE};
use super::signers::MATTERMOST_COMMAND_TOKEN;
use super::state::Reply;
use super::workspace::{Workspace, actor};
use crate::chat::mattermost::{ACTIONS_ROUTE, COMMAND_NAME, COMMANDS_ROUTE, DIALOGS_ROUTE};
use crate::domain::Platform;
use crate::form::MEDIA_TYPE;

const CHANNEL: &str = "itdesk00000000000000000000";
const TEAM: &str = "acme0000000000000000000000";

/// The id of something new, from a serial of the workspace.
fn made_id(letter: char, serial: &str) -> String {
    let digits = serial.trim_start_matches(|c: char| !c.is_ascii_digit());
    format!("{letter}{digits:0>25}")
}

impl Workspace {
    /// A person sends a command.
    pub(super) async fn mattermost_say(&self, user: &str, text: &str) -> Result<(), ActionRefused> {
        let person = actor(user)?;
        let text = text.trim();
        let rest = text
            .strip_prefix(COMMAND_NAME)
            .filter(|rest| rest.is_empty() || rest.starts_with(' '))
            .ok_or_else(|| no_reader(COMMAND_NAME))?;
        let now = self.clock.now();
        self.state(|state| {
            state.version += 1;
            state.show(
                Platform::Mattermost,
                user,
                user,
                json!({ "text": text }),
                now,
            );
        });
        let trigger = self.new_trigger(person, None)?;
        let hook = self.state(|state| state.next_id('h'));
        let response_url = format!(
            "{}/mattermost/hooks/commands/{}",
            self.base,
            made_id('h', &hook)
        );
        let (typed, mentions) = mentioned(rest.trim());
        let body = format!(
            "channel_id={CHANNEL}&channel_name=it-desk&command=%2Freset-password&response_url={}&root_id=&team_domain=acme&team_id={TEAM}&text={}&token={MATTERMOST_COMMAND_TOKEN}&trigger_id={}&user_id={}{mentions}&user_name={}",
            encode(&response_url),
            encode(&typed),
            encode(&trigger),
            person.mattermost_id(),
            person.handle(),
        );
        let mut headers = headers(MEDIA_TYPE);
        headers.push(("authorization", format!("Token {MATTERMOST_COMMAND_TOKEN}")));
        let answer = self
            .post("Slash command", COMMANDS_ROUTE, headers, body)
            .await?;
        let answer: &Value = &serde_json::from_str(&answer).unwrap_or_default();
        // `HandleCommandResponsePost`: without a text or attachments there is no post.
        if *answer != json!({}) {
            self.state(|state| {
                for rule in rules::of_answer(answer) {
                    state.broke(Platform::Mattermost, rule, now);
                }
                state.show(Platform::Mattermost, user, APP_NAME, answer.clone(), now);
            });
        }
        Ok(())
    }

    /// A person presses a button of a post that they see.
    pub(super) async fn mattermost_click(
        &self,
        user: &str,
        message: &str,
        action: &str,
    ) -> Result<(), ActionRefused> {
        let person = actor(user)?;
        let now = self.clock.now();
        let said = self.message(user, message).ok_or("This message is gone.")?;
        let button = rules::actions(&said.message)
            .find(|one| one["id"] == action)
            .ok_or("This button is gone.")?;
        let body = json!({
            "user_id": person.mattermost_id(), "user_name": person.handle(), "channel_id": CHANNEL, "channel_name": "it-desk",
            "team_id": TEAM, "team_domain": "acme", "post_id": made_id('p', message),
            "trigger_id": self.new_trigger(person, Some(message.to_owned()))?, "type": "button", "data_source": "",
            "context": button.pointer("/integration/context"),
        });
        let answer = self
            .post(
                "Click",
                ACTIONS_ROUTE,
                headers("application/json"),
                body.to_string(),
            )
            .await?;
        let answer: &Value = &serde_json::from_str(&answer).unwrap_or_default();
        // `DoPostActionWithCookie`: `update` fails for a post that is in no database.
        self.state(|state| {
            for rule in rules::of_click(answer) {
                state.broke(Platform::Mattermost, rule, now);
            }
            if !answer["ephemeral_text"].is_null() {
                state.version += 1;
                state.show(Platform::Mattermost, user, APP_NAME, answer.clone(), now);
            }
        });
        Ok(())
    }

    /// A person sends the dialog that is open. It stays open where the answer is an error.
    pub(super) async fn mattermost_submit(
        &self,
        user: &str,
        view: &str,
        values: &Value,
    ) -> Result<(), ActionRefused> {
        let person = actor(user)?;
        let now = self.clock.now();
        let key = (Platform::Mattermost, user.to_owned());
        let opened =
            self.state(|state| state.views.get(&key).filter(|one| one.id == view).cloned());
        let shown = &opened.ok_or("This form is closed.")?.view;
        let body = json!({
            "type": "dialog_submission", "callback_id": shown["callback_id"], "state": shown["state"],
            "user_id": person.mattermost_id(), "channel_id": CHANNEL, "team_id": TEAM, "submission": values, "cancelled": false,
        });
        let answer = self
            .post(
                "Form",
                DIALOGS_ROUTE,
                headers("application/json"),
                body.to_string(),
            )
            .await?;
        let answer: &Value = &serde_json::from_str(&answer).unwrap_or_default();
        self.state(|state| {
            state.version += 1;
            let errors = match (&answer["errors"], answer["error"].as_str()) {
                (errors @ Value::Object(_), _) => {
                    serde_json::from_value(errors.clone()).unwrap_or_default()
                }
                (_, Some(error)) => [(String::new(), error.to_owned())].into(),
                _ => {
                    if *answer != json!({}) {
                        state.broke(
                            Platform::Mattermost,
                            "the answer to a dialog is none that fits",
                            now,
                        );
                    }
                    state.close(&key, view);
                    return;
                }
            };
            if let Some(opened) = state.views.get_mut(&key) {
                opened.errors = errors;
            }
        });
        Ok(())
    }

    /// A trigger of this person, which the server knows again.
    fn new_trigger(
        &self,
        person: &DemoPerson,
        message: Option<String>,
    ) -> Result<String, ActionRefused> {
        let now = self.clock.now();
        let serial = self.state(|state| state.next_id('t'));
        let trigger = self.mattermost.trigger(
            serial.trim_start_matches('t'),
            &person.mattermost_id(),
            now,
        )?;
        self.state(|state| {
            state.keep_token(trigger.clone(), Reply::new(person.id(), message, now));
        });
        Ok(trigger)
    }
}

/// `DoCommandRequest`, `DoActionRequest`.
fn headers(media: &str) -> Vec<(&'static str, String)> {
    vec![
        ("accept", "application/json".to_owned()),
        ("content-type", media.to_owned()),
        ("user-agent", "Mattermost-Bot/1.1".to_owned()),
    ]
}

/// The text with names in place of people, and the fields that say who is named (`UserMentionMap.ToURLValues`).
fn mentioned(text: &str) -> (String, String) {
    let mut text = text.to_owned();
    let (mut names, mut ids) = (String::new(), String::new());
    for person in &PEOPLE {
        let (before, name) = (text.clone(), format!("@{}", person.handle()));
        text = text.replace(&format!("@{}", person.name), &name);
        if text != before {
            names.extend(["&user_mentions=", person.handle()]);
            ids.extend(["&user_mentions_ids=", &person.mattermost_id()]);
        }
    }
    (text, names + &ids)
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
