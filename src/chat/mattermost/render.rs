//! Messages and dialogs in Mattermost's shapes, inside its limits, with every text escaped.

use serde_json::{Value, json};

use crate::chat::common::fit;
use crate::chat::{Button, Form, Message, Style};
use crate::domain::Password;

/// Longest post (Mattermost, "Posts": 16383), with room for what surrounds the text.
const POST: usize = 12_000;
/// Longest title of a dialog, and of an element (Mattermost, "Interactive dialogs").
const TITLE: usize = 24;
/// Longest help text.
const HELP: usize = 150;
/// Longest input that we ask for; Mattermost allows 150 of them in a line of text.
const TYPED: u16 = 150;

/// The name of a dialog's input.
pub(super) const INPUT: &str = "destination";

/// Takes the meaning from everything that Markdown is made of by a backslash, and from mentions and addresses, which know
/// no backslash, by a character without width behind what begins them.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 4);
    for character in text.chars() {
        match character {
            '@' | ':' | '/' => {
                escaped.push(character);
                escaped.push('\u{200b}');
            }
            _ => {
                if character.is_ascii_punctuation() {
                    escaped.push('\\');
                }
                escaped.push(character);
            }
        }
    }
    escaped
}

/// The text of a message, for where there can be no buttons.
pub(super) fn text(message: &Message) -> String {
    with_password(message, None)
}

fn with_password(message: &Message, password: Option<&Password>) -> String {
    let mut text = format!("**{}**", escape(&fit(&message.title, 300)));
    if let Some(password) = password {
        // Letters and digits of our own making: nothing in it can be markup.
        for part in [
            "\n\n`",
            password.expose(),
            "`\n\nSay it: ",
            &escape(password.spoken().as_str()),
        ] {
            text.push_str(part);
        }
    }
    for line in &message.lines {
        let line = escape(line);
        if text.len() + line.len() > POST {
            text.push_str("\n\n…");
            break;
        }
        text.push_str("\n\n");
        text.push_str(&line);
    }
    text
}

/// The answer of a command, or what goes to its response address; its buttons post to `actions`.
pub(super) fn message(message: &Message, actions: &str) -> Value {
    let mut rendered =
        json!({ "response_type": "ephemeral", "text": text(message), "skip_slack_parsing": true });
    if let Some(fields) = rendered.as_object_mut() {
        fields.extend(
            attachments(message, actions).map(|buttons| ("attachments".to_owned(), buttons)),
        );
    }
    rendered
}

/// The `post` of `POST /api/v4/posts/ephemeral` (`model.PostEphemeral`): nothing in it is parsed as Slack's markup.
pub(super) fn post(
    message: &Message,
    password: Option<&Password>,
    actions: &str,
    channel: &str,
) -> Value {
    let mut props = json!({});
    if let Some(fields) = props.as_object_mut() {
        fields.extend(
            attachments(message, actions).map(|buttons| ("attachments".to_owned(), buttons)),
        );
    }
    json!({ "channel_id": channel, "message": with_password(message, password), "props": props })
}

fn attachments(message: &Message, actions: &str) -> Option<Value> {
    let buttons: Vec<Value> = message
        .buttons
        .iter()
        .map(|one| button(one, actions))
        .collect();
    (!buttons.is_empty()).then(|| json!([{ "fallback": "buttons", "actions": buttons }]))
}

fn button(button: &Button, actions: &str) -> Value {
    let style = match button.style {
        Style::Plain => "default",
        Style::Primary => "primary",
        Style::Danger => "danger",
    };
    // An id takes letters and digits only.
    let id: String = button
        .action
        .as_str()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    json!({
        "id": id,
        "type": "button",
        "name": fit(&button.label, 80),
        "style": style,
        "integration": {
            "url": actions,
            "context": { "action": button.action.as_str(), "value": button.value },
        },
    })
}

/// A dialog with one input.
pub(super) fn dialog(form: &Form, state: &str) -> Value {
    json!({
        "callback_id": form.kind.as_str(),
        "title": fit(&form.title, TITLE),
        "submit_label": fit(&form.submit, TITLE),
        "state": state,
        "elements": [{
            "display_name": fit(&form.label, TITLE),
            "name": INPUT,
            "type": "text",
            "max_length": TYPED,
            "help_text": fit(&form.hint, HELP),
        }],
    })
}
