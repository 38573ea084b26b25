//! Renders messages as Lark's cards (JSON 1.0, which ephemeral cards need), within its limits. Every text is `plain_text`,
//! in which Lark reads no markup, no mention and no link; therefore nothing is bold.
//!
//! Facts are the fields of a `div`, two beside each other; an aside is a `div` with its button as `extra`; small print is a
//! `note` (Lark, "Common components and elements").

use serde_json::{Value, json};

use crate::chat::texts::BACK;
use crate::chat::{Action, Button, Form, Message, ShownPassword, Style};
use crate::domain::shorten::shorten;

/// Longest body of a call in bytes (Lark, "Update the message card sent by the app": 30 KB), less what stands around a card.
const BODY: usize = 30 * 1024 - 512;
/// What the lines of a shown password take at most. They are not measured, because that copies them.
const PASSWORD: usize = 4096;
const TITLE: usize = 300;
/// Longest question beside a button, and small print: our own limits, so that the rest of a card has room.
const QUESTION: usize = 300;
const SMALL_PRINT: usize = 600;
/// Colours of the header (Lark, "Title", `template`).
const USUAL: &str = "blue";
const WARNING: &str = "orange";
/// Longest label of a button.
const BUTTON: usize = 80;
/// Most buttons in a row.
const ROW: usize = 5;
/// Longest placeholder of an input (Lark, "Input").
const PLACEHOLDER: usize = 100;
/// Longest input that we accept; Lark allows 1000.
const TYPED: u16 = 300;

/// The name of a form's input.
pub(super) const INPUT: &str = "destination";

fn plain(text: &str) -> Value {
    json!({ "tag": "plain_text", "content": text })
}

fn line(text: &str) -> Value {
    json!({ "tag": "div", "text": plain(text) })
}

fn card(title: &str, color: &str, elements: &[Value]) -> Value {
    json!({
        // A card cannot be forwarded, and it can be changed after it was sent.
        "config": { "wide_screen_mode": true, "enable_forward": false, "update_multi": true },
        "header": { "title": plain(&shorten(title, TITLE)), "template": color },
        "elements": elements,
    })
}

/// A message. The value of each button carries the group that the card is sent to. Texts that exceed the limit are dropped;
/// title, password, buttons and small print always fit.
pub(super) fn message(
    message: &Message,
    password: Option<&ShownPassword<'_>>,
    group: Option<&str>,
) -> Value {
    let color = if message.warnings.is_empty() {
        USUAL
    } else {
        WARNING
    };
    let last = last_elements(message, group);
    let mut left = BODY.saturating_sub(size(&card(&message.title, color, &last)));
    if password.is_some() {
        left = left.saturating_sub(PASSWORD);
    }
    let mut elements = Vec::new();
    let warnings = message.warnings.iter().map(|warning| line(&warning.text()));
    let mut is_full = !add(&mut elements, &mut left, warnings);
    if let Some(password) = password {
        elements.push(line(password.password.expose()));
        elements.push(line(&password.spoken_line()));
    }
    let lines = message.lines.iter().filter(|text| !text.is_empty());
    let texts = facts(message)
        .into_iter()
        .chain(lines.map(|text| line(text)));
    if !is_full {
        is_full = !add(&mut elements, &mut left, texts);
    }
    if is_full {
        elements.push(line("…"));
    }
    elements.extend(last);
    card(&message.title, color, &elements)
}

/// Adds these elements as far as they fit. False if one did not.
fn add(elements: &mut Vec<Value>, left: &mut usize, mut more: impl Iterator<Item = Value>) -> bool {
    more.all(|element| {
        let Some(rest) = left.checked_sub(size(&element)) else {
            return false;
        };
        *left = rest;
        elements.push(element);
        true
    })
}

/// Facts, two beside each other.
fn facts(message: &Message) -> Option<Value> {
    let fields: Vec<Value> = message
        .facts
        .iter()
        .filter(|fact| !fact.is_empty())
        .map(|fact| json!({ "is_short": true, "text": plain(fact) }))
        .collect();
    (!fields.is_empty()).then(|| json!({ "tag": "div", "fields": fields }))
}

/// What follows the texts: rows of buttons, the aside, and small print.
fn last_elements(message: &Message, group: Option<&str>) -> Vec<Value> {
    let rows = message.rows_above_aside(ROW);
    let aside = message.aside.iter().map(|aside| {
        let question = shorten(&aside.question, QUESTION);
        json!({ "tag": "div", "text": plain(&question), "extra": button(&aside.button, group) })
    });
    let small_print = (!message.small_print.is_empty()).then(|| {
        let text = shorten(&message.small_print.join(" · "), SMALL_PRINT);
        json!({ "tag": "note", "elements": [plain(&text)] })
    });
    let rows = rows.iter().map(|buttons| row(buttons, group));
    rows.chain(aside).chain(small_print).collect()
}

/// What a part of a card takes in a body. There a card is JSON within JSON, so a quotation mark takes four bytes.
fn size(part: &Value) -> usize {
    Value::from(part.to_string()).to_string().len()
}

fn row(buttons: &[Button], group: Option<&str>) -> Value {
    let actions: Vec<Value> = buttons.iter().map(|one| button(one, group)).collect();
    json!({ "tag": "action", "actions": actions })
}

fn button(button: &Button, group: Option<&str>) -> Value {
    let kind = match button.style {
        Style::Plain => "default",
        Style::Primary => "primary",
        Style::Danger => "danger",
    };
    json!({
        "tag": "button",
        "text": plain(&shorten(&button.label, BUTTON)),
        "type": kind,
        "value": { "action": button.action.as_str(), "value": button.value, "group": group },
    })
}

/// A card with one input and a button that goes back.
pub(super) fn form(form: &Form, group: Option<&str>) -> Value {
    let back = Button {
        action: Action::Back,
        label: BACK.to_owned(),
        value: form.value.clone(),
        style: Style::Plain,
        starts_row: false,
    };
    let input = json!({
        "tag": "input",
        "name": INPUT,
        "required": true,
        "max_length": TYPED,
        "label": plain(&form.label),
        "placeholder": plain(&shorten(&form.label, PLACEHOLDER)),
    });
    let submit = json!({
        "tag": "button",
        "name": "submit",
        "action_type": "form_submit",
        "type": "primary",
        "text": plain(&shorten(&form.submit, BUTTON)),
        "value": { "form": form.kind.as_str(), "value": form.value, "group": group },
    });
    let elements = vec![
        line(&form.hint),
        json!({ "tag": "form", "name": "form", "elements": [input, submit] }),
        row(std::slice::from_ref(&back), group),
    ];
    card(&form.title, USUAL, &elements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Aside;

    /// Lark counts the body of a call, in which a card is JSON within JSON (Lark, "Update the message card sent by the app").
    #[test]
    fn the_longest_card_fits_its_body() {
        let button = Button {
            action: Action::Cancel,
            label: "\"".repeat(200),
            value: "v".repeat(46),
            style: Style::Plain,
            starts_row: false,
        };
        for lines in [
            vec!["\"\\".repeat(100); 100],
            vec!["x".to_owned(); 1000],
            vec!["x".repeat(40_000)],
        ] {
            let message = Message {
                title: "\"".repeat(1000),
                lines,
                facts: vec!["\"".repeat(300); 10],
                buttons: vec![button.clone(); 25],
                aside: Some(Aside {
                    question: "\"".repeat(1000),
                    button: button.clone(),
                }),
                small_print: vec!["\"".repeat(1000)],
                ..Message::default()
            };
            let card = super::message(&message, None, Some("oc_1"));
            let body = json!({ "content": card.to_string() }).to_string();
            assert!(body.len() <= 30 * 1024, "{} bytes", body.len());
            let elements = card["elements"].as_array().unwrap();
            let tags: Vec<&str> = elements
                .iter()
                .filter_map(|one| one["tag"].as_str())
                .collect();
            assert!(
                tags.ends_with(&["action", "div", "note"]),
                "buttons, aside and small print stay: {tags:?}"
            );
            let rows = tags.iter().filter(|tag| **tag == "action");
            assert_eq!(rows.count(), 5);
        }
    }
}
