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
/// Most fields of a section.
const FIELDS: usize = 10;
const FIELD: usize = 2000;
/// Most options of a checkbox group, and the longest text and value of one ("Checkboxes element", "Option object").
const OPTIONS: usize = 10;
const OPTION_TEXT: usize = 75;
const OPTION_VALUE: usize = 150;
const BUTTON: usize = 75;
const BUTTON_VALUE: usize = 2000;
const IDENTIFIER: usize = 255;
const LABEL: usize = 2000;
const MODAL_TITLE: usize = 24;
const METADATA: usize = 3000;
const FALLBACK: usize = 40_000;

/// The rule that a message breaks if others in the channel can read it.
pub(super) const NOT_EPHEMERAL: &str = "a message is not ephemeral";

/// What is wrong with a message; empty if Slack would take it.
pub(super) fn of_message(message: &Value) -> Vec<String> {
    let mut broken = BrokenRules::default();
    if !matches!(message["response_type"].as_str(), None | Some("ephemeral")) {
        broken.note(NOT_EPHEMERAL);
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
                "rich_text" => self.rich_text(block),
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
        let fields = self.list(&block["fields"], FIELDS, "a section");
        if fields.is_empty() || !block["text"].is_null() {
            self.text(&block["text"], SECTION, "a section", false);
        }
        for field in fields {
            self.text(field, FIELD, "a field", false);
        }
        if !block["expand"].is_null() && !block["expand"].is_boolean() {
            self.note("expand of a section is neither true nor false");
        }
        if !block["accessory"].is_null() {
            self.element(&block["accessory"]);
        }
    }

    /// Slack, "Rich text block": sections of text elements, whose words are never markup.
    fn rich_text(&mut self, block: &Value) {
        let sections = self.list(&block["elements"], BLOCKS, "a rich text");
        if sections.is_empty() {
            self.note("a rich text has no elements");
        }
        for section in sections {
            if section["type"] != "rich_text_section" {
                self.note("only sections are used in a rich text here");
            }
            let parts = self.list(&section["elements"], SECTION, "a section of a rich text");
            if parts.is_empty() {
                self.note("a section of a rich text has no elements");
            }
            for part in parts {
                if part["type"] != "text" || part["text"].as_str().is_none_or(str::is_empty) {
                    self.note("a part of a rich text is no text");
                }
                let styles = part["style"].as_object().into_iter().flatten();
                for (style, is_on) in styles {
                    let is_known = ["bold", "italic", "strike", "code"].contains(&style.as_str());
                    if !is_known || !is_on.is_boolean() {
                        self.note(format!("a rich text has no style \"{style}\""));
                    }
                }
            }
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
            if !ids.insert(id) {
                self.note(format!("the action_id \"{id}\" is used twice in a block"));
            }
            self.element(element);
        }
    }

    /// An interactive element: a button, or boxes to tick.
    fn element(&mut self, element: &Value) {
        let id = element["action_id"].as_str().unwrap_or_default();
        if id.is_empty() {
            self.note("an action_id is missing");
        }
        self.length(id, IDENTIFIER, "action_id");
        match element["type"].as_str() {
            Some("button") => self.button(element),
            Some("checkboxes") => self.checkboxes(element),
            _ => self.note("only buttons and checkboxes are used here"),
        }
    }

    fn button(&mut self, element: &Value) {
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

    fn checkboxes(&mut self, element: &Value) {
        let options = self.list(&element["options"], OPTIONS, "a checkbox group");
        if options.is_empty() {
            self.note("a checkbox group has no options");
        }
        let mut values = HashSet::new();
        for option in options {
            self.text(&option["text"], OPTION_TEXT, "a checkbox", false);
            if !option["description"].is_null() {
                let what = "the description of a checkbox";
                self.text(&option["description"], OPTION_TEXT, what, false);
            }
            let value = option["value"].as_str().unwrap_or_default();
            self.length(value, OPTION_VALUE, "the value of a checkbox");
            if value.is_empty() || !values.insert(value) {
                self.note("the value of a checkbox is missing or used twice in a group");
            }
        }
        if !element["initial_options"].is_null() {
            let ticked = self.list(&element["initial_options"], OPTIONS, "initial_options");
            // Slack refuses an empty list ("Checkboxes element": one or more of the options, exactly as they stand there).
            if ticked.is_empty() || ticked.iter().any(|one| !options.contains(one)) {
                self.note("initial_options are not some of the options");
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

    /// An actions block with one box, and these ticks.
    fn boxes(ticked: &Value) -> Value {
        json!([{ "type": "actions", "block_id": "a", "elements": [{
            "type": "checkboxes", "action_id": "a", "options": [{ "text": plain(75), "value": "v" }],
            "initial_options": ticked,
        }]}])
    }

    #[test]
    fn a_message_inside_the_limits_is_taken() {
        let button = |id: &str| json!({ "type": "button", "action_id": id, "value": "v", "text": plain(75) });
        let fits = json!([
            { "type": "header", "text": plain(150) },
            { "type": "section", "text": plain(3000) },
            { "type": "section", "text": { "type": "mrkdwn", "text": "`x` &lt;" } },
            { "type": "section", "fields": [plain(2000)], "text": plain(1), "expand": true, "accessory": button("c") },
            { "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [
                { "type": "text", "text": "*x* <!channel>", "style": { "bold": true } }, { "type": "text", "text": "y" },
            ]}]},
            { "type": "actions", "elements": [button("a"), button("b")] },
        ]);
        assert_eq!(of_message(&message(&fits)), Vec::<String>::new());
        let fits = boxes(&json!([{ "text": plain(75), "value": "v" }]));
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
                json!([{ "type": "section", "text": plain(1), "accessory": { "type": "overflow", "action_id": "a" } }]),
                "only buttons and checkboxes",
            ),
            (
                json!([{ "type": "section", "fields": vec![plain(1); 11] }]),
                "11 parts",
            ),
            (
                json!([{ "type": "section", "text": plain(1), "expand": "yes" }]),
                "neither true nor false",
            ),
            (boxes(&json!([])), "initial_options are not some"),
            (
                boxes(&json!([{ "text": plain(2), "value": "v" }])),
                "initial_options are not some",
            ),
            (
                json!([{ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [
                    { "type": "text", "text": "x", "style": { "loud": true } },
                ]}]}]),
                "no style \"loud\"",
            ),
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
