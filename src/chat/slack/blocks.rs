//! Messages and forms in Slack's Block Kit, inside its limits, with every untrusted text in a `plain_text` object.

use serde_json::{Value, json};

use crate::chat::common::fit;
use crate::chat::{Button, Form, Message, Style};
use crate::domain::Password;

/// Longest text of a header block (Slack, "Header block").
const HEADER: usize = 150;
/// Longest text of a section (Slack, "Section block").
const SECTION: usize = 3000;
/// Longest text on a button (Slack, "Button element").
const BUTTON: usize = 75;
/// Longest title and button of a modal (Slack, "Modal views").
const MODAL_TITLE: usize = 24;
/// Longest label and hint of an input (Slack, "Input block").
const INPUT_LABEL: usize = 2000;
/// Most elements of an actions block (Slack, "Actions block").
const ACTIONS: usize = 25;
/// Longest input that we ask for; an e-mail address has at most 254 characters.
const TYPED: u16 = 300;

/// The block of the form's input (outside contract).
pub(super) const INPUT_BLOCK: &str = "destination";
/// The action of the form's input (outside contract).
pub(super) const INPUT_ACTION: &str = "value";

fn plain(text: &str, limit: usize) -> Value {
    // Without `emoji: false` a name like ":skull:" would become a picture.
    json!({ "type": "plain_text", "text": fit(text, limit), "emoji": false })
}

/// The fallback text for notifications and screen readers. It is markup to Slack, so `& < >` are escaped; without a
/// raw `<` there is no mention and no link.
fn fallback(message: &Message) -> String {
    let mut text = message.title.clone();
    if !message.lines.is_empty() {
        text.push(' ');
        text.push_str(&message.lines.join("\n"));
    }
    fit(&text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"), SECTION)
}

/// The blocks of a message; the password, where there is one, stands in a block of its own and nowhere else.
fn blocks(message: &Message, password: Option<&Password>) -> Vec<Value> {
    let mut blocks = Vec::new();
    if message.title.chars().count() <= HEADER {
        blocks.push(json!({ "type": "header", "text": plain(&message.title, HEADER) }));
    } else {
        blocks.push(json!({ "type": "section", "text": plain(&message.title, SECTION) }));
    }
    if let Some(password) = password {
        // Letters and digits of our own making: nothing in it can be markup.
        blocks.push(json!({
            "type": "section",
            "text": { "type": "mrkdwn", "text": format!("`{}`", password.expose()), "verbatim": true },
        }));
        blocks.push(
            json!({ "type": "section", "text": plain(&format!("Say it: {}", password.spoken().as_str()), SECTION) }),
        );
    }
    if !message.lines.is_empty() {
        blocks.push(json!({ "type": "section", "text": plain(&message.lines.join("\n"), SECTION) }));
    }
    if !message.buttons.is_empty() {
        let elements: Vec<Value> = message.buttons.iter().take(ACTIONS).map(button).collect();
        blocks.push(json!({ "type": "actions", "elements": elements }));
    }
    blocks
}

fn button(button: &Button) -> Value {
    let mut element = json!({
        "type": "button",
        "action_id": button.action.as_str(),
        "text": plain(&button.label, BUTTON),
        "value": button.value,
    });
    let style = match button.style {
        Style::Plain => return element,
        Style::Primary => "primary",
        Style::Danger => "danger",
    };
    if let Some(fields) = element.as_object_mut() {
        fields.insert("style".to_owned(), style.into());
    }
    element
}

/// A whole ephemeral message.
pub(super) fn message(message: &Message, password: Option<&Password>) -> Value {
    json!({
        "response_type": "ephemeral",
        "text": fallback(message),
        "mrkdwn": false,
        "unfurl_links": false,
        "blocks": blocks(message, password),
    })
}

/// A modal with one input (Slack, "views.open").
pub(super) fn modal(form: &Form) -> Value {
    json!({
        "type": "modal",
        "callback_id": form.kind.as_str(),
        "private_metadata": form.value,
        "title": plain(&form.title, MODAL_TITLE),
        "submit": plain(&form.submit, MODAL_TITLE),
        "close": plain("Close", MODAL_TITLE),
        "blocks": [{
            "type": "input",
            "block_id": INPUT_BLOCK,
            "label": plain(&form.label, INPUT_LABEL),
            "hint": plain(&form.hint, INPUT_LABEL),
            "element": { "type": "plain_text_input", "action_id": INPUT_ACTION, "max_length": TYPED },
        }],
    })
}

/// The answer that puts a text at the form's input.
pub(super) fn form_error(text: &str) -> Value {
    json!({ "response_action": "errors", "errors": { INPUT_BLOCK: fit(text, INPUT_LABEL) } })
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;
    use crate::chat::Action;
    use crate::chat::common::hostile_names;

    fn hostile() -> Message {
        let name = "<!channel> *x* :skull: [a](http://b) `c` <@U1>";
        Message {
            title: format!("Reset the login password of {name}?"),
            lines: vec![name.repeat(200)],
            buttons: (0..30)
                .map(|_| Button {
                    action: Action::Confirm,
                    label: name.repeat(5),
                    value: "v".to_owned(),
                    style: Style::Danger,
                })
                .collect(),
        }
    }

    fn walk(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
        match value {
            Value::Object(fields) => {
                visit(fields);
                fields.values().for_each(|value| walk(value, visit));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, visit)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// O2: names stand in plain text only, without emoji, and cannot mention anybody in the fallback.
    #[test]
    fn untrusted_names_cannot_become_markup() {
        let named = |name: String| Message { title: name.clone(), lines: vec![name], ..Message::default() };
        for hostile in hostile_names().into_iter().map(named).chain([hostile()]) {
            let sent = message(&hostile, None);
            walk(&sent, &mut |fields| {
                assert_ne!(fields.get("type"), Some(&"mrkdwn".into()), "markup without a password");
                if fields.get("type") == Some(&"plain_text".into()) {
                    assert_eq!(fields["emoji"], false);
                }
            });
            assert!(!sent["text"].as_str().unwrap().contains(['<', '>']));
        }
    }

    /// The limits of Block Kit.
    #[test]
    fn long_texts_are_cut_to_the_limits() {
        let sent = message(&hostile(), None);
        let blocks = sent["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50);
        let length = |value: &Value| value.as_str().unwrap().chars().count();
        for block in blocks {
            match block["type"].as_str().unwrap() {
                "header" => assert!(length(&block["text"]["text"]) <= HEADER),
                "section" => assert!(length(&block["text"]["text"]) <= SECTION),
                "actions" => {
                    let elements = block["elements"].as_array().unwrap();
                    assert!(elements.len() <= ACTIONS);
                    assert!(elements.iter().all(|element| length(&element["text"]["text"]) <= BUTTON));
                }
                other => panic!("{other}"),
            }
        }
    }

    /// S23: one block holds the password, and the fallback text does not.
    #[test]
    fn the_password_stands_in_one_block() {
        let password = Password::generate(&mut StdRng::seed_from_u64(1), 8);
        let sent =
            message(&Message { title: "New password for Mina".to_owned(), ..Message::default() }, Some(&password));
        assert_eq!(sent.to_string().matches(password.expose()).count(), 1);
        assert!(!sent["text"].as_str().unwrap().contains(password.expose()));
    }
}
