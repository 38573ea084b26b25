//! Renders messages and dialogs for Mattermost, within its limits, with every text escaped.

use serde_json::{Value, json};

use super::markdown::escape;
use crate::chat::texts::BUTTONS;
use crate::chat::{Button, Form, Message, ShownPassword, Style};
use crate::domain::shorten::{shorten, shorten_bytes};

/// Longest text of a post (Mattermost, "Posts": 16383 for the whole post).
const POST: usize = 12_000;
/// Longest title of a dialog and label of an input, in bytes (`Dialog.IsValid` in `model/integration_action.go`).
const TITLE: usize = 24;
/// Longest help text, in bytes.
const HELP: usize = 150;
/// Longest input in characters (Mattermost: 150 in a field of type `text`).
const TYPED: u16 = 150;

/// The name of a dialog's input.
pub(super) const INPUT: &str = "destination";

/// The text of a message without its buttons in one line, where nothing in it can become markup.
pub(super) fn plain(message: &Message) -> String {
    let all: Vec<String> = std::iter::once(message.title.clone())
        .chain(message.paragraphs())
        .collect();
    shorten(&all.join(" ").replace(['\n', '\r'], " "), POST)
}

/// The text of a message without its buttons.
pub(super) fn text(message: &Message) -> String {
    with_password(message, None)
}

fn with_password(message: &Message, password: Option<&ShownPassword<'_>>) -> String {
    let mut text = format!("**{}**", escape(&shorten(&message.title, 300)));
    if let Some(password) = password {
        // A password has only letters, digits and - # + =, and the label is our own text: neither can end the code span.
        for part in [
            "\n\n`",
            password.password.expose(),
            "`\n\n",
            password.spoken_label,
            &escape(&password.password.spoken()),
        ] {
            text.push_str(part);
        }
    }
    for line in message.paragraphs() {
        let line = escape(&line);
        if text.len() + line.len() > POST {
            text.push_str("\n\n…");
            break;
        }
        text.push_str("\n\n");
        text.push_str(&line);
    }
    text
}

/// The answer to a command, or a message to its response address. The buttons post to `actions`.
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

/// The `post` of `POST /api/v4/posts/ephemeral` (`model.PostEphemeral`), which the server does not parse as Slack's markup.
pub(super) fn post(
    message: &Message,
    password: Option<&ShownPassword<'_>>,
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
        .rows_without_boxes(usize::MAX)
        .iter()
        .flatten()
        .map(|one| button(one, actions))
        .collect();
    (!buttons.is_empty()).then(|| json!([{ "fallback": BUTTONS, "actions": buttons }]))
}

fn button(button: &Button, actions: &str) -> Value {
    let style = match button.style {
        Style::Plain => "default",
        Style::Primary => "primary",
        Style::Danger => "danger",
    };
    // An id must have only letters and digits.
    let id: String = button
        .action
        .as_str()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    json!({
        "id": id,
        "type": "button",
        "name": shorten(&button.label, 80),
        "style": style,
        "integration": {
            "url": actions,
            "context": { "action": button.action.as_str(), "value": button.value },
        },
    })
}

/// A dialog with one input. A label that is cut, which has a name in it, stands whole above the input.
pub(super) fn dialog(form: &Form, state: &str) -> Value {
    let label = shorten_bytes(&form.label, TITLE);
    let introduction = if label == form.label {
        String::new()
    } else {
        escape(&form.label)
    };
    json!({
        "callback_id": form.kind.as_str(),
        "title": shorten_bytes(&form.title, TITLE),
        "introduction_text": introduction,
        "submit_label": shorten_bytes(&form.submit, TITLE),
        "state": state,
        "elements": [{
            "display_name": label,
            "name": INPUT,
            "type": "text",
            "max_length": TYPED,
            "help_text": shorten_bytes(&form.hint, HELP),
        }],
    })
}
