//! What Slack refuses: messages and modals outside the limits of Block Kit. Each broken rule is told in a sentence.
//!
//! Sources: Slack, "Block Kit reference" and "Modal views"; the numbers are those in the models of its Python SDK.

use std::collections::HashSet;

use serde_json::Value;

/// Most blocks of a message and of a modal.
const BLOCKS: usize = 50;
const VIEW_BLOCKS: usize = 100;
/// Most elements of an actions and of a context block.
const ACTIONS: usize = 25;
const CONTEXT: usize = 10;
const HEADER: usize = 150;
const SECTION: usize = 3000;
const FIELD: usize = 2000;
const BUTTON: usize = 75;
const BUTTON_VALUE: usize = 2000;
const IDENTIFIER: usize = 255;
const LABEL: usize = 2000;
const MODAL_TITLE: usize = 24;
const METADATA: usize = 3000;
const FALLBACK: usize = 40_000;

/// What is wrong with a message; empty if Slack would take it.
pub(super) fn of_message(message: &Value) -> Vec<String> {
    let mut broken = BrokenRules::default();
    if !matches!(message["response_type"].as_str(), None | Some("ephemeral")) {
        broken.note("a message is not ephemeral");
    }
    let blocks = broken.list(&message["blocks"], BLOCKS, "a message");
    let fallback = message["text"].as_str().unwrap_or_default();
    if fallback.is_empty() && blocks.is_empty() {
        broken.note("a message has neither text nor blocks");
    }
    let place = "the text of a message";
    broken.length(fallback, FALLBACK, place);
    broken.markup(fallback, place);
    broken.blocks(blocks, false);
    broken.0
}

/// What is wrong with a modal.
pub(super) fn of_view(view: &Value) -> Vec<String> {
    let mut broken = BrokenRules::default();
    if view["type"] != "modal" {
        broken.note("a view is no modal");
    }
    for (part, is_needed) in [("title", true), ("submit", true), ("close", false)] {
        if is_needed || !view[part].is_null() {
            broken.text(
                &view[part],
                MODAL_TITLE,
                &format!("the {part} of a modal"),
                true,
            );
        }
    }
    broken.length(
        view["private_metadata"].as_str().unwrap_or_default(),
        METADATA,
        "private_metadata",
    );
    broken.length(
        view["callback_id"].as_str().unwrap_or_default(),
        IDENTIFIER,
        "callback_id",
    );
    let blocks = broken.list(&view["blocks"], VIEW_BLOCKS, "a modal");
    if blocks.is_empty() {
        broken.note("a modal has no blocks");
    }
    broken.blocks(blocks, true);
    broken.0
}

/// The rules that were broken so far.
#[derive(Default)]
struct BrokenRules(Vec<String>);

impl BrokenRules {
    fn note(&mut self, what: impl Into<String>) {
        self.0.push(what.into());
    }

    fn length(&mut self, text: &str, limit: usize, what: &str) {
        let length = text.chars().count();
        if length > limit {
            self.note(format!(
                "{what} has {length} characters, {limit} are the most"
            ));
        }
    }

    fn list<'a>(&mut self, value: &'a Value, limit: usize, what: &str) -> &'a [Value] {
        let list = value.as_array().map_or(&[][..], Vec::as_slice);
        if list.len() > limit {
            self.note(format!(
                "{what} has {} parts, {limit} are the most",
                list.len()
            ));
        }
        list
    }

    /// A raw `<` in markup is a mention, a link or a mistake.
    fn markup(&mut self, text: &str, what: &str) {
        if text.contains(['<', '>']) {
            self.note(format!(
                "{what} holds a mention or a link that nobody meant"
            ));
        }
    }

    fn text(&mut self, text: &Value, limit: usize, what: &str, must_be_plain: bool) {
        let words = text["text"].as_str().unwrap_or_default();
        match text["type"].as_str() {
            Some("plain_text") => {}
            Some("mrkdwn") if !must_be_plain => self.markup(words, what),
            _ => self.note(format!("{what} is no text object that fits")),
        }
        if words.is_empty() {
            self.note(format!("{what} is empty"));
        }
        self.length(words, limit, what);
    }

    fn blocks(&mut self, blocks: &[Value], is_view: bool) {
        let mut ids = HashSet::new();
        for block in blocks {
            if let Some(id) = block["block_id"].as_str() {
                self.length(id, IDENTIFIER, "block_id");
                if !ids.insert(id) {
                    self.note(format!("two blocks are called {id}"));
                }
            }
            match block["type"].as_str().unwrap_or_default() {
                "header" => self.text(&block["text"], HEADER, "a header", true),
                "section" => self.section(block),
                "actions" => self.actions(block),
                "context" => {
                    for element in self.list(&block["elements"], CONTEXT, "a context") {
                        self.text(element, SECTION, "a context", false);
                    }
                }
                "divider" => {}
                "input" if is_view => self.input(block),
                other => self.note(format!("a block of the type \"{other}\" does not fit here")),
            }
        }
    }

    fn section(&mut self, block: &Value) {
        let fields = self.list(&block["fields"], 10, "a section");
        if fields.is_empty() || !block["text"].is_null() {
            self.text(&block["text"], SECTION, "a section", false);
        }
        for field in fields {
            self.text(field, FIELD, "a field", false);
        }
    }

    fn actions(&mut self, block: &Value) {
        let elements = self.list(&block["elements"], ACTIONS, "an actions block");
        if elements.is_empty() {
            self.note("an actions block has no elements");
        }
        let mut ids = HashSet::new();
        for element in elements {
            let id = element["action_id"].as_str().unwrap_or_default();
            if element["type"] != "button" {
                self.note("only buttons are used here");
            }
            if id.is_empty() || !ids.insert(id) {
                self.note(format!(
                    "the action_id \"{id}\" is missing or used twice in a block"
                ));
            }
            self.length(id, IDENTIFIER, "action_id");
            self.length(
                element["value"].as_str().unwrap_or_default(),
                BUTTON_VALUE,
                "the value of a button",
            );
            self.text(&element["text"], BUTTON, "a button", true);
            if !matches!(element["style"].as_str(), None | Some("primary" | "danger")) {
                self.note("a button has a style that Slack does not know");
            }
        }
    }

    fn input(&mut self, block: &Value) {
        self.text(&block["label"], LABEL, "a label", true);
        if !block["hint"].is_null() {
            self.text(&block["hint"], LABEL, "a hint", true);
        }
        if !matches!(
            block.pointer("/element/type").and_then(Value::as_str),
            Some("plain_text_input" | "email_text_input")
        ) {
            self.note("an input has an element that nobody can type into");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(blocks: &Value) -> Value {
        json!({ "response_type": "ephemeral", "text": "x", "blocks": blocks })
    }

    fn plain(length: usize) -> Value {
        json!({ "type": "plain_text", "text": "x".repeat(length) })
    }

    #[test]
    fn a_message_inside_the_limits_is_taken() {
        let button = |id: &str| json!({ "type": "button", "action_id": id, "value": "v", "text": plain(75) });
        let fits = json!([
            { "type": "header", "text": plain(150) },
            { "type": "section", "text": plain(3000) },
            { "type": "section", "text": { "type": "mrkdwn", "text": "`x` &lt;" } },
            { "type": "actions", "elements": [button("a"), button("b")] },
        ]);
        assert_eq!(of_message(&message(&fits)), Vec::<String>::new());
    }

    #[test]
    fn every_broken_rule_is_told() {
        let button =
            json!({ "type": "button", "action_id": "a", "style": "loud", "text": plain(76) });
        for (blocks, told) in [
            (
                json!([{ "type": "header", "text": plain(151) }]),
                "a header has 151 characters",
            ),
            (
                json!([{ "type": "header", "text": { "type": "mrkdwn", "text": "x" } }]),
                "no text object that fits",
            ),
            (json!([{ "type": "section", "text": plain(0) }]), "is empty"),
            (
                json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "<!channel>" } }]),
                "nobody meant",
            ),
            (
                json!([{ "type": "actions", "elements": [button, button] }]),
                "used twice",
            ),
            (
                json!([{ "type": "actions", "elements": [button] }]),
                "a button has 76 characters",
            ),
            (
                json!([{ "type": "actions", "elements": [button] }]),
                "a style that Slack does not know",
            ),
            (
                json!([{ "type": "actions", "elements": [] }]),
                "no elements",
            ),
            (json!([{ "type": "input" }]), "does not fit here"),
            (
                json!([{ "type": "divider", "block_id": "a" }, { "type": "divider", "block_id": "a" }]),
                "are called a",
            ),
            (json!(vec![json!({ "type": "divider" }); 51]), "51 parts"),
        ] {
            let broken = of_message(&message(&blocks));
            assert!(
                broken.iter().any(|line| line.contains(told)),
                "{told}: {broken:?}"
            );
        }
        assert_eq!(
            of_message(&json!({})),
            ["a message has neither text nor blocks"]
        );
        assert_eq!(
            of_message(&json!({ "text": "x", "response_type": "in_channel" })),
            ["a message is not ephemeral"]
        );
        assert!(
            !of_view(
                &json!({ "type": "modal", "title": plain(25), "submit": plain(1), "blocks": [] })
            )
            .is_empty()
        );
    }
}
