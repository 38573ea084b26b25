//! Renders messages and forms in Slack's Block Kit, within its limits. Every untrusted text is in a `plain_text` object or
//! a text of a `rich_text` block, where Slack reads no markup.

mod layout;

use std::collections::BTreeMap;

use serde::Serialize;

use self::layout::blocks;
use crate::chat::texts::CLOSE;
use crate::chat::{Form, FormKind, Message, Placement, ShownPassword};
use crate::domain::shorten::shorten;

/// Longest text of a section (Slack, "Section block").
const SECTION: usize = 3000;
/// Longest title and button of a modal (Slack, "Modal views").
const MODAL_TITLE: usize = 24;
/// Longest label and hint of an input (Slack, "Input block").
const INPUT_LABEL: usize = 2000;
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
#[derive(Clone, Serialize)]
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
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<Text>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        fields: Vec<Text>,
        /// Without it Slack folds a long text behind "See more".
        #[serde(skip_serializing_if = "Option::is_none")]
        expand: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        accessory: Option<Element>,
    },
    RichText {
        elements: [RichPart; 1],
    },
    Actions {
        /// Comes back with a click on a checkbox, which has no value of its own.
        #[serde(skip_serializing_if = "Option::is_none")]
        block_id: Option<String>,
        elements: Vec<Element>,
    },
    Context {
        elements: [Text; 1],
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
    Checkboxes {
        action_id: &'static str,
        options: [CheckboxOption; 1],
        /// What is ticked; Slack refuses an empty list.
        #[serde(skip_serializing_if = "Option::is_none")]
        initial_options: Option<[CheckboxOption; 1]>,
    },
    PlainTextInput {
        action_id: &'static str,
        max_length: u16,
    },
}

/// The one option of a checkbox (Slack, "Option object").
#[derive(Clone, Serialize)]
pub(super) struct CheckboxOption {
    text: Text,
    value: &'static str,
}

/// A part of a rich text (Slack, "Rich text block").
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum RichPart {
    RichTextSection { elements: Vec<RichText> },
}

/// A text in which Slack reads no markup, with its style.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum RichText {
    Text {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        style: Option<RichStyle>,
    },
}

/// The style of a text (Slack, "Rich text block").
#[derive(Serialize)]
pub(super) struct RichStyle {
    bold: bool,
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
mod tests;
