//! Renders messages as Lark's cards (JSON 1.0, which ephemeral cards need), within its limits. Every text is `plain_text`,
//! in which Lark reads no markup, no mention and no link.

use serde_json::{Value, json};

use crate::chat::texts::{BACK, fit};
use crate::chat::{Action, Button, Form, Message, ShownPassword, Style};

/// Longest text of a card in bytes (Lark, "Delayed update of cards": 30 KB for the whole card).
const CARD: usize = 20_000;
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
        "header": { "title": plain(&fit(title, TITLE)) },
        "elements": elements,
    })
}

/// A message. The value of each button carries the group that the card is sent to.
pub(super) fn message(
    message: &Message,
    password: Option<&ShownPassword<'_>>,
    group: Option<&str>,
) -> Value {
    let mut elements = Vec::new();
    if let Some(password) = password {
        elements.push(line(password.password.expose()));
        elements.push(line(&password.spoken_line()));
    }
    let mut length = 0;
    for text in &message.lines {
        length += text.len();
        if length > CARD {
            elements.push(line("…"));
            break;
        }
        elements.push(line(text));
    }
    elements.extend(
        message
            .buttons
            .chunks(ROW)
            .map(|buttons| row(buttons, group)),
    );
    card(&message.title, &elements)
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
        "text": plain(&fit(&button.label, BUTTON)),
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
    };
    let input = json!({
        "tag": "input",
        "name": INPUT,
        "required": true,
        "max_length": TYPED,
        "label": plain(&form.label),
        "placeholder": plain(&fit(&form.label, PLACEHOLDER)),
    });
    let submit = json!({
        "tag": "button",
        "name": "submit",
        "action_type": "form_submit",
        "type": "primary",
        "text": plain(&fit(&form.submit, BUTTON)),
        "value": { "form": form.kind.as_str(), "value": form.value, "group": group },
    });
    let elements = vec![
        line(&form.hint),
        json!({ "tag": "form", "name": "form", "elements": [input, submit] }),
        row(std::slice::from_ref(&back), group),
    ];
    card(&form.title, &elements)
}
