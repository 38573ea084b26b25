//! Renders messages as Lark's cards (JSON 1.0, which ephemeral cards need), within its limits. Every text is `plain_text`,
//! in which Lark reads no markup, no mention and no link.

use serde_json::{Value, json};

use crate::chat::texts::BACK;
use crate::chat::{Action, Button, Form, Message, ShownPassword, Style};
use crate::domain::shorten::shorten;

/// Longest body of a call in bytes (Lark, "Update the message card sent by the app": 30 KB), less what stands around a card.
const BODY: usize = 30 * 1024 - 512;
/// What the lines of a shown password take at most. They are not measured, because that copies them.
const PASSWORD: usize = 4096;
const TITLE: usize = 300;
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

fn card(title: &str, elements: &[Value]) -> Value {
    json!({
        // A card cannot be forwarded, and it can be changed after it was sent.
        "config": { "wide_screen_mode": true, "enable_forward": false, "update_multi": true },
        "header": { "title": plain(&shorten(title, TITLE)) },
        "elements": elements,
    })
}

/// A message. The value of each button carries the group that the card is sent to.
pub(super) fn message(
    message: &Message,
    password: Option<&ShownPassword<'_>>,
    group: Option<&str>,
) -> Value {
    let rows: Vec<Value> = message
        .rows_without_boxes(ROW)
        .iter()
        .map(|buttons| row(buttons, group))
        .collect();
    let mut elements = Vec::new();
    let mut left = BODY.saturating_sub(size(&card(&message.title, &rows)));
    if let Some(password) = password {
        elements.push(line(password.password.expose()));
        elements.push(line(&password.spoken_line()));
        left = left.saturating_sub(PASSWORD);
    }
    for text in message.paragraphs() {
        let line_of_text = line(&text);
        let taken = size(&line_of_text);
        if taken > left {
            elements.push(line("…"));
            break;
        }
        left -= taken;
        elements.push(line_of_text);
    }
    elements.extend(rows);
    card(&message.title, &elements)
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
    card(&form.title, &elements)
}

#[cfg(test)]
mod tests {
    use super::*;

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
                buttons: vec![button.clone(); 12],
                ..Message::default()
            };
            let card = super::message(&message, None, Some("oc_1"));
            let body = json!({ "content": card.to_string() }).to_string();
            assert!(body.len() <= 30 * 1024, "{} bytes", body.len());
            let last = card["elements"][card["elements"].as_array().unwrap().len() - 1].clone();
            assert_eq!(last["tag"], "action", "the buttons stay");
        }
    }
}
