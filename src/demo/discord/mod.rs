//! The pretend Discord: interactions as Discord signs and sends them, and what becomes of their answers.
//!
//! Sources: Discord, "Interactions: Overview", "Receiving and Responding", "Component Reference".

pub(super) mod api;
mod rules;

use serde_json::{Value, json};

use super::boxes;
use super::error::{ActionRefused, no_reader};
use super::people::{APP_NAME, DemoPerson, PEOPLE};
use super::signers::{APPLICATION, GUILD};
use super::state::{OpenView, Reply};
use super::workspace::{Workspace, actor, unguessable};
use crate::chat::discord::{COMMAND_NAME, INTERACTIONS_ROUTE};
use crate::domain::{Platform, Span};

/// The token of an interaction works for fifteen minutes (Discord, "Receiving and Responding").
const TOKEN_LIFE: Span = Span::minutes(15);
/// The flag of a message that only one person sees (Discord, "Message flags").
const EPHEMERAL: u64 = 1 << 6;

/// The options of the command by their names, in which a client shows them before what is typed.
const OPTIONS: [&str; 4] = ["member", "words", "show", "email"];

/// The words that the option `show` offers.
const SHOWN: [&str; 4] = ["help", "log", "why", "contact"];

/// Types of interactions.
const COMMAND: u8 = 2;
const COMPONENT: u8 = 3;
const MODAL: u8 = 5;

impl Workspace {
    /// A person sends a command.
    pub(super) async fn discord_say(&self, user: &str, text: &str) -> Result<(), ActionRefused> {
        let person = actor(user)?;
        let text = text.trim();
        let rest = text
            .strip_prefix('/')
            .and_then(|text| text.strip_prefix(COMMAND_NAME))
            .filter(|rest| rest.is_empty() || rest.starts_with(' '))
            .ok_or_else(|| no_reader(&format!("/{COMMAND_NAME}")))?;
        let now = self.clock.now();
        self.state(|state| {
            state.version += 1;
            state.show(Platform::Discord, user, user, json!({ "text": text }), now);
        });
        let data =
            json!({ "id": "6", "type": 1, "name": COMMAND_NAME, "options": options(rest.trim()) });
        self.interact(person, ("Command", COMMAND), None, data)
            .await
    }

    /// A person presses a button of a message that they see.
    pub(super) async fn discord_click(
        &self,
        user: &str,
        message: &str,
        custom_id: &str,
    ) -> Result<(), ActionRefused> {
        let person = actor(user)?;
        let said = self.message(user, message).ok_or("This message is gone.")?;
        let is_there = buttons(&said.message).any(|button| button["custom_id"] == custom_id);
        if !is_there {
            return Err("This button is gone.".to_owned());
        }
        let data = json!({ "custom_id": custom_id, "component_type": 2, "id": 3 });
        self.interact(person, ("Click", COMPONENT), Some(message.to_owned()), data)
            .await
    }

    /// A person sends the modal that is open. Discord closes it as soon as it is answered, whatever the answer is.
    pub(super) async fn discord_submit(
        &self,
        user: &str,
        view: &str,
        values: &Value,
    ) -> Result<(), ActionRefused> {
        let person = actor(user)?;
        let key = (Platform::Discord, user.to_owned());
        let opened =
            self.state(|state| state.views.get(&key).filter(|one| one.id == view).cloned());
        let opened = opened.ok_or("This form is closed.")?;
        let parts = &opened.view;
        let custom_id = &parts["custom_id"];
        let parts = parts["components"].as_array().into_iter().flatten();
        let components: Vec<Value> = parts
            .map(|part| {
                let id = part.pointer("/component/custom_id");
                let typed = id.and_then(Value::as_str).and_then(|id| values.get(id));
                json!({ "type": 18, "id": 1, "component": { "type": 4, "id": 2, "custom_id": id, "value": typed } })
            })
            .collect();
        let data = json!({ "custom_id": custom_id, "components": components });
        self.interact(person, ("Form", MODAL), opened.message, data)
            .await?;
        self.state(|state| state.close(&key, view));
        Ok(())
    }

    /// Sends one interaction, and does what its answer says.
    async fn interact(
        &self,
        person: &DemoPerson,
        (title, kind): (&'static str, u8),
        message: Option<String>,
        data: Value,
    ) -> Result<(), ActionRefused> {
        let now = self.clock.now();
        let reply = Reply::new(person.id(), message.clone(), now);
        // Whoever has the token may speak for relatch.
        let token = unguessable().map_err(|error| error.to_string())?;
        let serial = self.state(|state| {
            state.keep_token(token.clone(), reply);
            state.next_id('r')
        });
        let id = format!("4{:0>17}", serial.trim_start_matches('r'));
        let mut body = json!({
            "type": kind, "id": id, "application_id": APPLICATION,
            "token": token, "version": 1, "guild_id": GUILD, "channel_id": "500000000000000005", "context": 0,
            "authorizing_integration_owners": { "0": GUILD },
            "member": {
                "user": { "id": person.snowflake(), "username": person.handle(), "global_name": person.name },
                "roles": [], "permissions": "0",
            },
            "locale": "en-US", "entitlements": [], "data": data,
        });
        if let Some(message) = &message {
            let told = json!({ "id": message, "flags": EPHEMERAL });
            boxes::put(&mut body, "message", told);
        }
        let body = body.to_string();
        let headers = self.discord.headers(&body, now);
        let answer = self.post(title, INTERACTIONS_ROUTE, headers, body).await?;
        let answer: &Value = &serde_json::from_str(&answer).unwrap_or_default();
        self.state(|state| {
            state.version += 1;
            let broken = rules::of_answer(answer, kind == COMPONENT, message.is_some());
            for rule in broken {
                state.broke(Platform::Discord, rule, now);
            }
            let said = &answer["data"];
            match answer["type"].as_u64() {
                // A message, or the sign that one will come.
                Some(4 | 5) => {
                    let id =
                        state.show(Platform::Discord, &person.id(), APP_NAME, said.clone(), now);
                    state.answered(&token, Some(id));
                }
                // The message with the button changes later.
                Some(6) => state.answered(&token, message),
                Some(9) => {
                    state.answered(&token, message.clone());
                    let opened = OpenView {
                        message,
                        ..OpenView::new(state.next_id('V'), said.clone())
                    };
                    state.views.insert((Platform::Discord, person.id()), opened);
                }
                _ => {}
            }
        });
        Ok(())
    }
}

/// What the options of the command hold, as the client fills them in from what is typed: with the name of an option, such as
/// `show:why`, or without.
fn options(text: &str) -> Vec<Value> {
    let mut text = text.to_owned();
    for person in &PEOPLE {
        text = text.replace(
            &format!("@{}", person.name),
            &format!("<@{}>", person.snowflake()),
        );
    }
    let mut options: Vec<Value> = Vec::new();
    let mut rest = Vec::new();
    for word in text.split_whitespace() {
        let named = word
            .split_once(':')
            .filter(|(name, _)| OPTIONS.contains(name));
        let (name, word) = named.unwrap_or(("", word));
        let mention = word
            .strip_prefix("<@")
            .and_then(|word| word.strip_suffix('>'));
        let has = |name: &str| options.iter().any(|option| option["name"] == name);
        let is_first = options.is_empty() && rest.is_empty();
        match mention {
            Some(id) if !has("member") => {
                options.push(json!({ "name": "member", "type": 6, "value": id }));
            }
            None if (name == "show" && !has("show") || is_first) && SHOWN.contains(&word) => {
                options.push(json!({ "name": "show", "type": 3, "value": word }));
            }
            None if name == "email" && !has("email") => {
                options.push(json!({ "name": "email", "type": 3, "value": word }));
            }
            _ if word.is_empty() => {}
            _ => rest.push(word),
        }
    }
    if !rest.is_empty() {
        options.push(json!({ "name": "words", "type": 3, "value": rest.join(" ") }));
    }
    options
}

/// The buttons of a message, wherever they stand in it.
fn buttons(message: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    let inside = message["components"].as_array().into_iter().flatten();
    let beside = Some(&message["accessory"]).filter(|one| !one.is_null());
    let below = inside.chain(beside).flat_map(|part| {
        let this = Some(part).filter(|part| part["type"] == 2);
        this.into_iter().chain(buttons(part))
    });
    Box::new(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_filled_in_with_their_names_or_without() {
        let mina = PEOPLE.iter().find(|person| person.name == "Mina Park");
        let mina = mina.unwrap().snowflake();
        let member = json!({ "name": "member", "type": 6, "value": mina });
        let text = |name: &str, value: &str| json!({ "name": name, "type": 3, "value": value });
        for (typed, filled) in [
            (
                "@Mina Park INC-2041",
                vec![member.clone(), text("words", "INC-2041")],
            ),
            (
                "member:@Mina Park words:INC-2041 now",
                vec![member.clone(), text("words", "INC-2041 now")],
            ),
            ("why @Mina Park", vec![text("show", "why"), member.clone()]),
            (
                "member:@Mina Park show:why",
                vec![member.clone(), text("show", "why")],
            ),
            (
                "show:log words:refused",
                vec![text("show", "log"), text("words", "refused")],
            ),
            (
                "email:mina@acme.example",
                vec![text("email", "mina@acme.example")],
            ),
            (
                "@Mina Park see: why",
                vec![member, text("words", "see: why")],
            ),
        ] {
            assert_eq!(options(typed), filled, "{typed}");
        }
    }
}
