//! What Discord refuses: messages and modals outside its limits.
//!
//! Sources: Discord, "Component Reference", "Message Resource", "Webhook Resource", "Receiving and Responding".

use std::collections::HashSet;

use serde_json::{Value, json};

use super::EPHEMERAL;
use crate::demo::rules::NOT_EPHEMERAL;

/// The flag of a message that is made of components (Discord, "Message flags").
const COMPONENTS: u64 = 1 << 15;
/// Longest `content` (Discord, "Execute Webhook").
const CONTENT: usize = 2000;
/// Longest text of all texts together, and most components, of a message that is made of components.
const TEXTS: usize = 4000;
const MOST: usize = 40;
/// Most rows of another message ("Legacy Message Component Behavior"), and most buttons of a row ("Action Row").
const ROWS: usize = 5;
const WIDTH: usize = 5;
const BUTTON: usize = 80;
const CUSTOM_ID: usize = 100;
const TITLE: usize = 45;
const DESCRIPTION: usize = 100;

/// What is wrong with the answer to an interaction.
pub(super) fn of_answer(answer: &Value, is_click: bool, has_message: bool) -> Vec<String> {
    let said = &answer["data"];
    match answer["type"].as_u64() {
        Some(4) => of_message(said, true),
        Some(5) if is_private(said) => Vec::new(),
        Some(6) if is_click || has_message => Vec::new(),
        Some(9) => of_modal(said),
        _ => vec!["an answer to an interaction is none that fits".to_owned()],
    }
}

fn is_private(message: &Value) -> bool {
    message["flags"].as_u64().unwrap_or_default() & EPHEMERAL != 0
}

/// What is wrong with a message. Only a new one says who sees it.
pub(super) fn of_message(message: &Value, is_new: bool) -> Vec<String> {
    let mut broken = Broken::default();
    let flags = message["flags"].as_u64().unwrap_or_default();
    let content = message["content"].as_str().unwrap_or_default();
    broken.hold(!is_new || is_private(message), NOT_EPHEMERAL);
    broken.hold(
        message["allowed_mentions"] == json!({ "parse": [] }),
        "a message may mention somebody",
    );
    let parts = list(&message["components"]);
    if flags & COMPONENTS == 0 {
        let length = content.chars().count();
        broken.hold(
            (1..=CONTENT).contains(&length),
            "content has no 1 to 2000 characters",
        );
        broken.hold(parts.len() <= ROWS, "a message has more than five rows");
        broken.hold(parts.iter().all(|part| part["type"] == 1), "a row is none");
    } else {
        let is_alone = content.is_empty() && message["embeds"].is_null();
        broken.hold(is_alone, "a message of components has content or embeds");
        broken.hold(!parts.is_empty(), "a message has no components");
    }
    for part in parts {
        broken.component(part, true);
    }
    broken.hold(
        broken.components <= MOST,
        "a message has more than 40 components",
    );
    broken.hold(
        broken.characters <= TEXTS,
        "a message has more than 4000 characters",
    );
    broken.rules
}

fn of_modal(modal: &Value) -> Vec<String> {
    let mut broken = Broken::default();
    broken.length(&modal["title"], TITLE, "the title of a modal");
    broken.length(&modal["custom_id"], CUSTOM_ID, "the custom_id of a modal");
    let parts = list(&modal["components"]);
    broken.hold(
        (1..=5).contains(&parts.len()),
        "a modal has no 1 to 5 components",
    );
    for part in parts {
        let input = &part["component"];
        broken.hold(part["type"] == 18, "a part of a modal is no label");
        broken.length(&part["label"], TITLE, "a label");
        broken.hold(
            part["description"]
                .as_str()
                .unwrap_or_default()
                .chars()
                .count()
                <= DESCRIPTION,
            "the description of a label is too long",
        );
        broken.hold(input["type"] == 4, "a label has no text input");
        broken.length(&input["custom_id"], CUSTOM_ID, "the custom_id of an input");
    }
    broken.rules
}

fn is_button(part: &Value) -> bool {
    part["type"] == 2
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[derive(Default)]
struct Broken {
    rules: Vec<String>,
    components: usize,
    characters: usize,
    ids: HashSet<String>,
}

impl Broken {
    fn hold(&mut self, holds: bool, rule: &str) {
        if !holds {
            self.rules.push(rule.to_owned());
        }
    }

    fn length(&mut self, text: &Value, limit: usize, what: &str) {
        let length = text.as_str().unwrap_or_default().chars().count();
        self.hold(
            (1..=limit).contains(&length),
            &format!("{what} has {length} characters, 1 to {limit} are allowed"),
        );
    }

    /// One component of a message and what is in it (Discord, "Component types").
    fn component(&mut self, part: &Value, is_on_top: bool) {
        self.components += 1;
        let parts = list(&part["components"]);
        match part["type"].as_u64() {
            Some(1) => {
                self.hold(
                    (1..=WIDTH).contains(&parts.len()),
                    "a row has no 1 to 5 buttons",
                );
                self.hold(
                    parts.iter().all(|one| one["type"] == 2),
                    "a row holds more than buttons",
                );
            }
            Some(2) => self.button(part),
            Some(9) => {
                self.hold(
                    (1..=3).contains(&parts.len()),
                    "a section has no 1 to 3 texts",
                );
                self.hold(
                    parts.iter().all(|one| one["type"] == 10),
                    "a section holds more than texts",
                );
                self.hold(
                    is_button(&part["accessory"]),
                    "a section has no button beside it",
                );
                self.component(&part["accessory"], false);
            }
            Some(10) => {
                let text = part["content"].as_str().unwrap_or_default();
                self.hold(!text.is_empty(), "a text is empty");
                self.characters += text.chars().count();
            }
            Some(14) => {}
            Some(17) => {
                self.hold(
                    is_on_top && !parts.is_empty(),
                    "a container is empty or in another",
                );
                let color = &part["accent_color"];
                self.hold(
                    color.is_null() || color.as_u64().is_some_and(|color| color <= 0x00FF_FFFF),
                    "the colour of a container is none",
                );
            }
            _ => self.hold(false, "a component of this type does not fit here"),
        }
        for part in parts {
            self.component(part, false);
        }
    }

    fn button(&mut self, button: &Value) {
        self.length(&button["label"], BUTTON, "a button");
        self.length(&button["custom_id"], CUSTOM_ID, "the custom_id of a button");
        let id = button["custom_id"].as_str().unwrap_or_default().to_owned();
        let is_new = self.ids.insert(id);
        self.hold(is_new, "two buttons have one custom_id");
        let style = button["style"].as_u64().unwrap_or_default();
        self.hold(
            (1..=4).contains(&style),
            "a button has a style that Discord does not know",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(flags: u64, components: &Value) -> Value {
        json!({ "flags": flags, "components": components, "allowed_mentions": { "parse": [] } })
    }

    fn button(id: &str) -> Value {
        json!({ "type": 2, "style": 1, "label": "Go", "custom_id": id })
    }

    #[test]
    fn a_message_inside_the_limits_is_taken() {
        let text = json!({ "type": 10, "content": "x" });
        let parts = json!([{ "type": 17, "accent_color": 0, "components": [
            text, { "type": 1, "components": [button("a"), button("b")] },
            { "type": 9, "components": [text], "accessory": button("c") },
        ]}]);
        assert_eq!(
            of_message(&message(EPHEMERAL | COMPONENTS, &parts), true),
            Vec::<String>::new()
        );
        let older = json!({ "flags": EPHEMERAL, "content": "x", "allowed_mentions": { "parse": [] },
            "components": [{ "type": 1, "components": [button("a")] }] });
        assert_eq!(of_message(&older, true), Vec::<String>::new());
        assert_eq!(
            of_answer(&json!({ "type": 6 }), true, true),
            Vec::<String>::new()
        );
    }

    #[test]
    fn every_broken_rule_is_told() {
        let both = EPHEMERAL | COMPONENTS;
        let row = json!({ "type": 1, "components": [button("a"), button("a")] });
        let long = json!({ "type": 10, "content": "x".repeat(4001) });
        for (broken, told) in [
            (message(COMPONENTS, &json!([long])), "not ephemeral"),
            (message(both, &json!([long])), "4000 characters"),
            (message(both, &json!([row])), "one custom_id"),
            (
                message(both, &json!(vec![json!({ "type": 14 }); 41])),
                "40 components",
            ),
            (message(both, &json!([{ "type": 3 }])), "does not fit"),
            (
                message(both, &json!([{ "type": 17, "components": [] }])),
                "is empty",
            ),
            (message(EPHEMERAL, &json!([])), "1 to 2000"),
            (
                json!({ "flags": both, "components": [long] }),
                "mention somebody",
            ),
        ] {
            let rules = of_message(&broken, true);
            assert!(
                rules.iter().any(|rule| rule.contains(told)),
                "{told}: {rules:?}"
            );
        }
        assert_eq!(of_answer(&json!({ "type": 6 }), false, false).len(), 1);
        assert_eq!(
            of_answer(&json!({ "type": 5, "data": {} }), false, false).len(),
            1
        );
        let modal = json!({ "title": "x".repeat(46), "custom_id": "a", "components": [] });
        assert_eq!(
            of_answer(&json!({ "type": 9, "data": modal }), true, true).len(),
            2
        );
    }
}
