//! Renders messages and forms in Slack's Block Kit, within its limits, with every untrusted text in a `plain_text` object.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::chat::texts::CLOSE;
use crate::chat::{Button, Form, FormKind, Message, Placement, ShownPassword, Style};
use crate::domain::shorten::shorten;

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
/// Longest input that we accept; an e-mail address has at most 254 characters.
const TYPED: u16 = 300;

/// The names of the block and the action of a form's input. They are part of the outside contract.
pub(super) const fn input(kind: FormKind) -> (&'static str, &'static str) {
    match kind {
        FormKind::Destination | FormKind::CopyAddress => ("destination", "value"),
        FormKind::ContactCode => ("contact", "code"),
    }
}

/// A text object (Slack, "Text object").
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Text {
    PlainText { text: String, emoji: bool },
    Mrkdwn { text: String, verbatim: bool },
}

/// A layout block (Slack, "Blocks").
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block {
    Header {
        text: Text,
    },
    Section {
        text: Text,
    },
    Actions {
        elements: Vec<Element>,
    },
    Input {
        block_id: &'static str,
        label: Text,
        hint: Text,
        element: Element,
    },
}

/// An interactive element of a block (Slack, "Block elements").
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Element {
    Button {
        action_id: &'static str,
        text: Text,
        value: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        style: Option<&'static str>,
    },
    PlainTextInput {
        action_id: &'static str,
        max_length: u16,
    },
}

/// An ephemeral message, as an answer or through a `response_url` (Slack, "Handling user interaction").
#[derive(Serialize)]
pub(super) struct SlackMessage {
    response_type: &'static str,
    text: String,
    mrkdwn: bool,
    unfurl_links: bool,
    blocks: Vec<Block>,
    /// Missing in an immediate answer, which has nothing to replace.
    #[serde(skip_serializing_if = "Option::is_none")]
    replace_original: Option<bool>,
}

/// A message that the app writes by itself (Slack, "chat.postMessage").
#[derive(Serialize)]
pub(super) struct DirectMessage<'a> {
    channel: &'a str,
    text: String,
    mrkdwn: bool,
    unfurl_links: bool,
    blocks: Vec<Block>,
}

/// A form (Slack, "Modal views").
#[derive(Serialize)]
pub(super) struct Modal<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    callback_id: &'static str,
    private_metadata: &'a str,
    title: Text,
    submit: Text,
    close: Text,
    blocks: [Block; 1],
}

/// The answer to a form that leaves it open (Slack, "Displaying errors in views").
#[derive(Serialize)]
pub(super) struct FormErrors {
    response_action: &'static str,
    errors: BTreeMap<&'static str, String>,
}

fn plain(text: &str, limit: usize) -> Text {
    // Without `emoji: false` a name such as ":skull:" would become a picture.
    Text::PlainText {
        text: shorten(text, limit),
        emoji: false,
    }
}

/// The fallback text for notifications and screen readers. Slack reads it as markup, so `& < >` are escaped: without a
/// raw `<` there is no mention and no link.
fn fallback(message: &Message) -> String {
    let mut text = message.title.clone();
    let below: Vec<String> = message.paragraphs().collect();
    if !below.is_empty() {
        text.push(' ');
        text.push_str(&below.join("\n"));
    }
    shorten(
        &text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;"),
        SECTION,
    )
}

/// The blocks of a message. The password is in a block of its own and nowhere else.
fn blocks(message: &Message, password: Option<&ShownPassword<'_>>) -> Vec<Block> {
    let section = |text: &str| Block::Section {
        text: plain(text, SECTION),
    };
    let mut blocks = Vec::new();
    if message.title.chars().count() <= HEADER {
        blocks.push(Block::Header {
            text: plain(&message.title, HEADER),
        });
    } else {
        blocks.push(section(&message.title));
    }
    if let Some(password) = password {
        // A password has only letters, digits and - # + =, so it cannot end the code span.
        let text = Text::Mrkdwn {
            text: format!("`{}`", password.password.expose()),
            verbatim: true,
        };
        blocks.push(Block::Section { text });
        blocks.push(section(&password.spoken_line()));
    }
    let below: Vec<String> = message.paragraphs().collect();
    if !below.is_empty() {
        blocks.push(section(&below.join("\n")));
    }
    for row in message.rows_without_boxes(ACTIONS) {
        blocks.push(Block::Actions {
            elements: row.into_iter().map(button).collect(),
        });
    }
    blocks
}

fn button(button: Button) -> Element {
    Element::Button {
        action_id: button.action.as_str(),
        text: plain(&button.label, BUTTON),
        value: button.value,
        style: match button.style {
            Style::Plain => None,
            Style::Primary => Some("primary"),
            Style::Danger => Some("danger"),
        },
    }
}

/// An ephemeral message. After a click it replaces the card or is added to it.
pub(super) fn message(
    message: &Message,
    password: Option<&ShownPassword<'_>>,
    placement: Option<Placement>,
) -> SlackMessage {
    SlackMessage {
        response_type: "ephemeral",
        text: fallback(message),
        mrkdwn: false,
        unfurl_links: false,
        blocks: blocks(message, password),
        replace_original: placement.map(|placement| placement == Placement::Replace),
    }
}

/// A message to one person whom nobody has to answer.
pub(super) fn direct<'a>(channel: &'a str, message: &Message) -> DirectMessage<'a> {
    DirectMessage {
        channel,
        text: fallback(message),
        mrkdwn: false,
        unfurl_links: false,
        blocks: blocks(message, None),
    }
}

/// A modal with one input (Slack, "views.open").
pub(super) fn modal(form: &Form) -> Modal<'_> {
    let (block_id, action_id) = input(form.kind);
    Modal {
        kind: "modal",
        callback_id: form.kind.as_str(),
        private_metadata: &form.value,
        title: plain(&form.title, MODAL_TITLE),
        submit: plain(&form.submit, MODAL_TITLE),
        close: plain(CLOSE, MODAL_TITLE),
        blocks: [Block::Input {
            block_id,
            label: plain(&form.label, INPUT_LABEL),
            hint: plain(&form.hint, INPUT_LABEL),
            element: Element::PlainTextInput {
                action_id,
                max_length: TYPED,
            },
        }],
    }
}

/// The answer that shows an error at the form's input.
pub(super) fn form_error(kind: FormKind, text: &str) -> FormErrors {
    let (block_id, _) = input(kind);
    FormErrors {
        response_action: "errors",
        errors: BTreeMap::from([(block_id, shorten(text, INPUT_LABEL))]),
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};
    use serde_json::Value;

    use super::*;
    use crate::chat::Action;
    use crate::chat::hostile_names::hostile_names;
    use crate::domain::Password;

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
                    starts_row: false,
                })
                .collect(),
            ..Message::default()
        }
    }

    fn sent(message: &Message, password: Option<&ShownPassword<'_>>) -> Value {
        serde_json::to_value(super::message(message, password, None)).unwrap()
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

    /// Names stand in plain text only, without emoji, and cannot mention anybody in the fallback.
    #[test]
    fn untrusted_names_cannot_become_markup() {
        let named = |name: String| Message {
            title: name.clone(),
            lines: vec![name],
            ..Message::default()
        };
        for hostile in hostile_names().into_iter().map(named).chain([hostile()]) {
            let sent = sent(&hostile, None);
            walk(&sent, &mut |fields| {
                assert_ne!(
                    fields.get("type"),
                    Some(&"mrkdwn".into()),
                    "markup without a password"
                );
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
        let sent = sent(&hostile(), None);
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
                    assert!(
                        elements
                            .iter()
                            .all(|element| length(&element["text"]["text"]) <= BUTTON)
                    );
                }
                other => panic!("{other}"),
            }
        }
    }

    /// S23: one block holds the password, and the fallback text does not.
    #[test]
    fn the_password_stands_in_one_block() {
        let password = Password::generate(&mut StdRng::seed_from_u64(1), 8);
        let sent = sent(
            &Message {
                title: "New password for Mina".to_owned(),
                ..Message::default()
            },
            Some(&ShownPassword {
                password: &password,
                spoken_label: "Say it: ",
            }),
        );
        assert_eq!(sent.to_string().matches(password.expose()).count(), 1);
        assert!(!sent["text"].as_str().unwrap().contains(password.expose()));
    }
}
