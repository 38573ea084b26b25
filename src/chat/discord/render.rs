//! Renders messages and modals for Discord, within its limits, with every text escaped and no mention allowed.

use serde_json::{Value, json};

use crate::chat::{Button, Form, Message, ShownPassword, Style};
use crate::domain::shorten::shorten;

/// The flag of a message that only one person sees (Discord, "Message flags").
pub(super) const EPHEMERAL: u32 = 1 << 6;

/// Longest content of a message (Discord, "Create Message").
const CONTENT: usize = 2000;
/// Most buttons in a row, and rows of a message (Discord, "Action Row").
const ROW: usize = 5;
const ROWS: usize = 5;
/// Longest label of a button (Discord, "Button").
const BUTTON: usize = 80;
/// Longest title of a modal (Discord, "Modal").
const TITLE: usize = 45;
/// Longest label, and its description (Discord, "Label").
const LABEL: usize = 45;
const DESCRIPTION: usize = 100;
/// Longest input that we accept; an e-mail address has at most 254 characters.
const TYPED: u16 = 300;

/// The name of a form's input.
pub(super) const INPUT: &str = "value";

/// Escapes Markdown, mentions and links: a backslash before a punctuation mark stands for the mark itself, and a link
/// with backslashes in it is not recognized.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 4);
    for character in text.chars() {
        if character.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A message. Lines that exceed the limit are dropped; the password comes first, so it always fits.
pub(super) fn message(message: &Message, password: Option<&ShownPassword<'_>>) -> Value {
    let mut content = format!("**{}**", escape(&shorten(&message.title, 300)));
    if let Some(password) = password {
        // A password has only letters, digits and - # + =, so it cannot end the code span.
        for part in [
            "\n`",
            password.password.expose(),
            "`\n",
            &escape(&password.spoken_line()),
        ] {
            content.push_str(part);
        }
    }
    for line in message.paragraphs() {
        let line = escape(&line);
        if content.chars().count() + line.chars().count() + 3 > CONTENT {
            content.push_str("\n…");
            break;
        }
        content.push('\n');
        content.push_str(&line);
    }
    let rows: Vec<Value> = message
        .rows_without_boxes(ROW)
        .iter()
        .take(ROWS)
        .map(|row| json!({ "type": 1, "components": row.iter().map(button).collect::<Vec<_>>() }))
        .collect();
    json!({ "content": content, "components": rows, "allowed_mentions": { "parse": [] } })
}

/// The same, visible to one person only.
pub(super) fn ephemeral(mut message: Value) -> Value {
    if let Some(fields) = message.as_object_mut() {
        fields.insert("flags".to_owned(), EPHEMERAL.into());
    }
    message
}

fn button(button: &Button) -> Value {
    let style = match button.style {
        Style::Primary => 1,
        Style::Plain => 2,
        Style::Danger => 4,
    };
    json!({
        "type": 2,
        "style": style,
        "label": shorten(&button.label, BUTTON),
        "custom_id": format!("{}:{}", button.action, button.value),
    })
}

/// A modal with one input.
pub(super) fn modal(form: &Form) -> Value {
    json!({
        "custom_id": format!("{}:{}", form.kind, form.value),
        "title": shorten(&form.title, TITLE),
        "components": [{
            "type": 18,
            "label": shorten(&form.label, LABEL),
            "description": shorten(&form.hint, DESCRIPTION),
            "component": { "type": 4, "custom_id": INPUT, "style": 1, "required": true, "max_length": TYPED },
        }],
    })
}
