//! What Lark refuses in a card or in the answer to a callback, and cards in the one shape in which the tests read messages.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::GROUP;
use crate::support::slack::Memory;

/// "Delay update message card": a card of 30 KB at most.
pub(super) const SIZE: usize = 30 * 1024;
/// "Card JSON 2.0 structure": 200 elements at most. The page on JSON 1.0 names no number, so the same is assumed.
const ELEMENTS: usize = 200;
/// "Button", `type`.
const KINDS: [&str; 9] = [
    "default",
    "primary",
    "danger",
    "text",
    "primary_text",
    "danger_text",
    "primary_filled",
    "danger_filled",
    "laser",
];

/// "Title", `template`.
const COLORS: [&str; 13] = [
    "blue",
    "wathet",
    "turquoise",
    "green",
    "yellow",
    "orange",
    "red",
    "carmine",
    "violet",
    "purple",
    "indigo",
    "grey",
    "default",
];

/// What a callback was answered with, in the tests' own shape; a form is kept as one that was opened.
pub(crate) fn read_answer(memory: &Memory, body: &[u8]) -> Vec<u8> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return body.to_vec();
    };
    // "Card callback communication": the answer to a callback has a toast, a card, both or nothing.
    if let Some(text) = answer["toast"]["content"].as_str() {
        let kind = answer["toast"]["type"].as_str().unwrap_or_default();
        let fits = ["info", "success", "error", "warning"].contains(&kind) && !text.is_empty();
        memory.note_broken(if fits {
            vec![]
        } else {
            vec![format!("a toast that Lark does not know: {answer}")]
        });
        return json!({ "response_action": "errors", "errors": { "destination": text } })
            .to_string()
            .into_bytes();
    }
    if answer["card"].is_object() {
        let card = &answer["card"]["data"];
        memory.note_broken(rules(card, None));
        let form = elements(card).iter().find(|one| one["tag"] == "form");
        let form = form.unwrap_or(&Value::Null);
        let parts = elements(form);
        let part = |tag: &str| parts.iter().find(|one| one["tag"] == tag);
        let (Some(input), Some(submit), true) = (
            part("input"),
            part("button"),
            answer["card"]["type"] == "raw",
        ) else {
            memory.note_broken(vec![format!("no form: {answer}")]);
            return Vec::new();
        };
        let label = json!({ "text": input["label"]["content"] });
        let value = &submit["value"];
        memory.open(
            json!({ "callback_id": value["form"], "private_metadata": value["value"], "blocks": [{ "label": label }] }),
        );
        return Vec::new();
    }
    if answer["challenge"].is_string() {
        return body.to_vec();
    }
    assert_eq!(answer, json!({}), "an answer that Lark does not know");
    Vec::new()
}

fn elements(of: &Value) -> &[Value] {
    of["elements"].as_array().map_or(&[], Vec::as_slice)
}

/// What Lark would refuse in a card of JSON 1.0, or would make of a name.
pub(super) fn rules(card: &Value, is_group: Option<bool>) -> Vec<String> {
    let mut held = Held {
        card,
        names: HashSet::new(),
        count: 0,
        broken: Vec::new(),
    };
    held.hold(card.to_string().len() <= SIZE, "a card of 30 KB at most");
    // "Card JSON 1.0 structure".
    let known = ["config", "header", "elements"];
    let keys = card.as_object().into_iter().flatten();
    held.hold(
        keys.map(|(key, _)| key.as_str())
            .all(|key| known.contains(&key)),
        "fields of a card",
    );
    held.hold(
        card["config"]["enable_forward"] == false,
        "a card that nobody passes on",
    );
    // "Update the message card sent by the app": `update_multi` before and after.
    held.hold(
        card["config"]["update_multi"] == true,
        "a card that can be changed",
    );
    // "Title".
    held.plain(&card["header"]["title"], "title");
    let color = card["header"]["template"].as_str().unwrap_or_default();
    held.hold(COLORS.contains(&color), "a colour that there is");
    for element in elements(card) {
        held.element(element, is_group);
    }
    held.hold(held.count <= ELEMENTS, "200 elements at most");
    held.broken
}

/// The rules that a card broke so far.
struct Held<'a> {
    card: &'a Value,
    /// "Form container", `name`: once in a card.
    names: HashSet<&'a str>,
    count: usize,
    broken: Vec<String>,
}

impl<'a> Held<'a> {
    fn hold(&mut self, holds: bool, rule: &str) {
        if !holds {
            self.broken.push(format!("{rule}: {}", self.card));
        }
    }

    /// A text in which Lark reads no markup, no mention and no link.
    fn plain(&mut self, text: &Value, whose: &str) {
        let fits = text["tag"] == "plain_text"
            && text["content"]
                .as_str()
                .is_some_and(|text| !text.is_empty());
        self.hold(fits, &format!("a plain text as {whose}"));
    }

    fn element(&mut self, element: &'a Value, is_group: Option<bool>) {
        self.count += 1;
        match element["tag"].as_str().unwrap_or_default() {
            "div" => self.div(element, is_group),
            // The same page: a note has texts and pictures.
            "note" => {
                let texts = elements(element);
                self.hold(!texts.is_empty(), "texts in a note");
                for text in texts {
                    self.count += 1;
                    self.plain(text, "a note");
                }
            }
            // The same page: the elements at the root that can be pressed stand in an `action`.
            "action" => {
                let buttons = element["actions"].as_array().map_or(&[][..], Vec::as_slice);
                self.hold(!buttons.is_empty(), "buttons in a row");
                for button in buttons {
                    self.count += 1;
                    self.button(button, is_group);
                    self.hold(
                        button.get("action_type").is_none(),
                        "a form's button stands in the form",
                    );
                }
            }
            "form" => self.form(element, is_group),
            other => self.hold(false, &format!("no element at the root: {other:?}")),
        }
    }

    /// "Common modules and elements": a `div` has a text, or fields with a text each that may stand beside each other, and
    /// one element at its side, such as a button.
    fn div(&mut self, div: &'a Value, is_group: Option<bool>) {
        let known = ["tag", "text", "fields", "extra"];
        let mut keys = div.as_object().into_iter().flatten();
        self.hold(
            keys.all(|(key, _)| known.contains(&key.as_str())),
            "fields of a div",
        );
        let fields = div["fields"].as_array().map_or(&[][..], Vec::as_slice);
        for field in fields {
            self.count += 1;
            self.hold(field["is_short"].is_boolean(), "a field is short or not");
            self.plain(&field["text"], "a field");
        }
        if fields.is_empty() || div.get("text").is_some() {
            self.plain(&div["text"], "a line");
        }
        if let Some(extra) = div.get("extra") {
            self.count += 1;
            self.button(extra, is_group);
        }
    }

    /// "Button".
    fn button(&mut self, button: &'a Value, is_group: Option<bool>) {
        let label = button["text"]["content"].as_str().unwrap_or_default();
        self.hold(button["tag"] == "button", "a button");
        self.plain(&button["text"], "a label");
        self.hold(label.chars().count() <= 100, "labels of 100 at most");
        let kind = button["type"].as_str().unwrap_or_default();
        self.hold(KINDS.contains(&kind), "a kind of button that there is");
        self.hold(button["value"].is_object(), "a value with names");
        let stands_in = button["value"]["group"] == GROUP;
        self.hold(
            is_group.is_none_or(|is_group| stands_in == is_group),
            "a button knows where it stands",
        );
    }

    /// "Form container": at the root, with a name; what is in it has names, and one button submits it.
    fn form(&mut self, form: &'a Value, is_group: Option<bool>) {
        self.named(form);
        let parts = elements(form);
        for part in parts {
            self.count += 1;
            self.named(part);
            match part["tag"].as_str().unwrap_or_default() {
                "input" => self.input(part),
                "button" => {
                    self.button(part, is_group);
                    let does = part["action_type"].as_str().unwrap_or_default();
                    let known = ["link", "request", "multi", "form_submit", "form_reset"];
                    self.hold(known.contains(&does), "what a form's button does");
                }
                // A `div` cannot stand in it directly, and a table, a chart or a form not at all.
                other => self.hold(false, &format!("no element of a form: {other:?}")),
            }
        }
        let submits = |part: &&Value| part["action_type"] == "form_submit";
        self.hold(
            parts.iter().filter(submits).count() == 1,
            "one button that submits",
        );
    }

    fn named(&mut self, part: &'a Value) {
        let name = part["name"].as_str().unwrap_or_default();
        let is_new = !name.is_empty() && self.names.insert(name);
        self.hold(is_new, "a name in a form, once in a card");
    }

    /// "Input field".
    fn input(&mut self, input: &Value) {
        let longest = input["max_length"].as_u64().unwrap_or_default();
        self.hold((1..=1000).contains(&longest), "an input of 1 to 1000");
        self.plain(&input["label"], "an input's label");
        self.plain(&input["placeholder"], "a placeholder");
        let hint = input["placeholder"]["content"].as_str().unwrap_or_default();
        self.hold(hint.chars().count() <= 100, "placeholders of 100 at most");
        self.hold(input["required"].is_boolean(), "required or not");
        // The adapter reads this one.
        self.hold(input["name"] == "destination", "the input's own name");
    }
}

/// The card in the one shape in which the tests read messages.
fn neutral(card: &Value) -> Value {
    let title = &card["header"]["title"]["content"];
    let mut blocks =
        vec![json!({ "type": "header", "text": { "type": "plain_text", "text": title } })];
    let elements = elements(card);
    // The password stands above how it is said aloud.
    let password = elements.windows(2).position(|two| {
        let text = two[1]["text"]["content"].as_str().unwrap_or_default();
        text.starts_with("Say it: ")
    });
    for (at, element) in elements.iter().enumerate() {
        let is_password = password == Some(at);
        let kind = if is_password { "mrkdwn" } else { "plain_text" };
        for text in texts_of(element) {
            blocks.push(json!({ "type": "section", "text": { "type": kind, "text": text } }));
        }
        let row = element["actions"].as_array().map_or(&[][..], Vec::as_slice);
        let buttons: Vec<Value> = row
            .iter()
            .chain(element.get("extra"))
            .map(|button| {
                let (value, label) = (&button["value"], &button["text"]["content"]);
                json!({ "action_id": value["action"], "value": value["value"], "text": { "text": label } })
            })
            .collect();
        if !buttons.is_empty() {
            blocks.push(json!({ "type": "actions", "elements": buttons }));
        }
    }
    json!({ "blocks": blocks, "response_type": "ephemeral" })
}

/// The texts of a `div` or a note, in the order in which they are shown.
fn texts_of(element: &Value) -> Vec<&Value> {
    match element["tag"].as_str().unwrap_or_default() {
        "div" => {
            let fields = element["fields"].as_array().into_iter().flatten();
            let fields = fields.map(|field| &field["text"]);
            element
                .get("text")
                .into_iter()
                .chain(fields)
                .map(|text| &text["content"])
                .collect()
        }
        "note" => elements(element)
            .iter()
            .map(|text| &text["content"])
            .collect(),
        _ => Vec::new(),
    }
}

/// A card that takes the place of another, or of none.
pub(super) fn placed(card: &Value, replaces: bool) -> Value {
    let mut said = neutral(card);
    said["replace_original"] = replaces.into();
    said
}

#[test]
fn lark_s_rules_have_teeth() {
    let button = json!({ "tag": "button", "type": "primary", "text": { "tag": "plain_text", "content": "x" }, "value": {} });
    let input = json!({
        "tag": "input", "name": "destination", "required": true, "max_length": 300,
        "label": { "tag": "plain_text", "content": "x" }, "placeholder": { "tag": "plain_text", "content": "x" },
    });
    let mut submit = button.clone();
    submit["name"] = "submit".into();
    submit["action_type"] = "form_submit".into();
    let good = json!({
        "config": { "enable_forward": false, "update_multi": true },
        "header": { "title": { "tag": "plain_text", "content": "x" }, "template": "blue" },
        "elements": [
            { "tag": "form", "name": "form", "elements": [input, submit] },
            { "tag": "action", "actions": [button] },
            { "tag": "div", "fields": [{ "is_short": true, "text": { "tag": "plain_text", "content": "x" } }] },
            { "tag": "div", "text": { "tag": "plain_text", "content": "x" }, "extra": button },
            { "tag": "note", "elements": [{ "tag": "plain_text", "content": "x" }] },
        ],
    });
    assert_eq!(rules(&good, None), Vec::<String>::new());
    for (place, value) in [
        ("/elements/0/name", json!("submit")),
        ("/elements/0/elements/0/name", json!("")),
        ("/elements/0/elements/0/name", json!("form")),
        ("/elements/0/elements/0/max_length", json!(1001)),
        ("/elements/0/elements/0/max_length", json!(0)),
        (
            "/elements/0/elements/0/placeholder/content",
            json!("x".repeat(101)),
        ),
        ("/elements/0/elements/0/tag", json!("div")),
        ("/elements/0/elements/1/action_type", json!("request")),
        ("/elements/0/elements/1/action_type", json!("submit")),
        ("/elements/1/actions/0/value", json!("x")),
        ("/elements/1/actions/0/type", json!("warning")),
        ("/elements/1/actions/0/text/content", json!("x".repeat(101))),
        ("/elements/1/actions/0/text/tag", json!("lark_md")),
        ("/elements/1/actions", json!([])),
        ("/elements/1", json!({ "tag": "input" })),
        ("/elements/2/fields", json!([])),
        ("/elements/2/fields/0/is_short", Value::Null),
        ("/elements/2/fields/0/text/tag", json!("lark_md")),
        ("/elements/3/text/content", json!("")),
        ("/elements/3/extra/type", json!("warning")),
        ("/elements/4/elements", json!([])),
        ("/elements/4/elements/0/tag", json!("lark_md")),
        ("/header/template", json!("pink")),
        ("/config/update_multi", json!(false)),
        ("/header/title/content", json!("x".repeat(SIZE))),
        ("/elements", json!(vec![good["elements"][1].clone(); 101])),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value;
        assert_ne!(rules(&bad, None), Vec::<String>::new(), "{place}");
    }
}
