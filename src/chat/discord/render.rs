//! Renders messages and modals for Discord, within its limits, with every text escaped and no mention allowed.
//!
//! A message is one container of components: a heading, texts, rows of buttons, and small print below them. Such a message
//! has no `content` and no embeds, and stays one when it is edited (Discord, "Component Reference", `IS_COMPONENTS_V2`).
//! Embeds would put the small print above the buttons.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::chat::{Button, Form, Message, ShownPassword, Style, Warning};
use crate::domain::shorten::shorten;

/// The flag of a message that only one person sees (Discord, "Message flags").
pub(super) const EPHEMERAL: u32 = 1 << 6;
/// The flag of a message that is made of components (Discord, "Message flags").
const COMPONENTS: u32 = 1 << 15;

/// Kinds of components (Discord, "Component types").
const ROW: u8 = 1;
const BUTTON: u8 = 2;
const SECTION: u8 = 9;
const TEXT: u8 = 10;
const CONTAINER: u8 = 17;

/// Most characters of a text, which is counted here for all texts and labels of a message together (Discord, "HTTP API",
/// `TextDisplayComponentForMessageRequest`).
const CHARACTERS: usize = 4000;
/// Most components of a message, the container and those in it included (Discord, "Component Reference").
const MOST: usize = 40;
/// Most buttons in a row (Discord, "Action Row").
const WIDTH: usize = 5;
/// Longest label of a button (Discord, "Button").
const BUTTON_LABEL: usize = 80;
/// Longest title in large letters.
const LARGE: usize = 60;
/// Longest heading, question beside a button, and small print: our own limits, so that the rest of a message has room.
const HEADING: usize = 300;
/// The bar at the side of a message with a warning: orange.
const WARNING_COLOR: u32 = 0x00E6_7E22;
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

/// A short text that stays in its one line, where a mark at the beginning of the line counts for the whole of it.
fn one_line(text: &str) -> String {
    escape(&shorten(&text.replace(['\n', '\r'], " "), HEADING))
}

fn warning(warning: &Warning) -> String {
    let text = format!("⚠ **{}** {}", escape(&warning.bold), escape(&warning.rest));
    text.trim_end().to_owned()
}

/// The first line. A sentence that would fill a phone with large letters is bold text.
fn heading(title: &str) -> String {
    let line = one_line(title);
    if title.chars().count() > LARGE {
        format!("**{line}**")
    } else {
        format!("### {line}")
    }
}

/// A message. Paragraphs that exceed the limit are dropped; heading, password, buttons and small print always fit.
pub(super) fn message(message: &Message, password: Option<&ShownPassword<'_>>) -> Value {
    let heading = heading(&message.title);
    let last = last_parts(message);
    let shown = password.map(shown_password);
    let fixed = length(&heading) + shown.as_ref().map_or(0, |shown| length(shown));
    let mut room = Room {
        characters: CHARACTERS.saturating_sub(fixed + last.characters),
        is_full: false,
    };
    let mut parts = vec![text(&heading)];
    parts.extend(room.take(message.warnings.iter().map(warning)));
    parts.extend(shown.map(|shown| text(&shown)));
    for paragraphs in [&message.facts, &message.lines] {
        parts.extend(room.take(paragraphs.iter().map(|paragraph| escape(paragraph))));
    }
    parts.extend(last.components);
    let mut container = json!({ "type": CONTAINER, "components": parts });
    if let Some(fields) = container
        .as_object_mut()
        .filter(|_| !message.warnings.is_empty())
    {
        fields.insert("accent_color".to_owned(), WARNING_COLOR.into());
    }
    json!({
        "flags": COMPONENTS,
        "components": [container],
        "allowed_mentions": { "parse": [] },
    })
}

/// The password, which comes after the warnings. It has only letters, digits and - # + =, so it cannot end the code span.
fn shown_password(password: &ShownPassword<'_>) -> Zeroizing<String> {
    let spoken = Zeroizing::new(escape(&password.spoken_line()));
    let mut shown = Zeroizing::new(String::with_capacity(spoken.len() + 64));
    for part in ["`", password.password.expose(), "`\n", &spoken] {
        shown.push_str(part);
    }
    shown
}

/// What follows the texts: rows of buttons, the aside, and small print.
struct LastParts {
    components: Vec<Value>,
    /// Of all texts and labels in them.
    characters: usize,
}

fn last_parts(message: &Message) -> LastParts {
    let aside = message.aside.as_ref().map(|aside| {
        let question = one_line(&aside.question);
        let characters = length(&question) + label_length(&aside.button);
        let section = json!({
            "type": SECTION, "components": [text(&question)], "accessory": button(&aside.button),
        });
        (section, characters)
    });
    let small_print = (!message.small_print.is_empty())
        .then(|| format!("-# {}", one_line(&message.small_print.join(" · "))));
    // The container, the heading, four texts, the aside with its text and its button, and the small print.
    let mut left = MOST - 1 - 5 - 3 - 1;
    let mut characters = 0;
    let mut components = Vec::new();
    for row in message.rows_above_aside(WIDTH) {
        if row.len() + 1 > left {
            break;
        }
        left -= row.len() + 1;
        characters += row.iter().map(label_length).sum::<usize>();
        let buttons: Vec<Value> = row.iter().map(button).collect();
        components.push(json!({ "type": ROW, "components": buttons }));
    }
    if let Some((section, of_section)) = aside {
        components.push(section);
        characters += of_section;
    }
    if let Some(line) = small_print {
        characters += length(&line);
        components.push(text(&line));
    }
    LastParts {
        components,
        characters,
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn label_length(button: &Button) -> usize {
    length(&button.label).min(BUTTON_LABEL)
}

fn text(content: &str) -> Value {
    json!({ "type": TEXT, "content": content })
}

/// How many characters the paragraphs of a message may still have.
struct Room {
    characters: usize,
    is_full: bool,
}

impl Room {
    /// One text of these paragraphs, as far as they fit; what comes after one that does not fit is dropped too.
    fn take(&mut self, paragraphs: impl Iterator<Item = String>) -> Option<Value> {
        // Of the mark that something is missing.
        const ENDING: usize = 2;
        let mut taken = Vec::new();
        for paragraph in paragraphs.filter(|paragraph| !paragraph.is_empty()) {
            let needed = length(&paragraph) + 1;
            if self.is_full {
                break;
            }
            if needed + ENDING > self.characters {
                self.is_full = true;
                taken.push("…".to_owned());
                break;
            }
            self.characters -= needed;
            taken.push(paragraph);
        }
        (!taken.is_empty()).then(|| text(&taken.join("\n")))
    }
}

/// The same, visible to one person only.
pub(super) fn ephemeral(mut message: Value) -> Value {
    if let Some(fields) = message.as_object_mut() {
        fields.insert("flags".to_owned(), (EPHEMERAL | COMPONENTS).into());
    }
    message
}

/// The same in place of an earlier message. One of an earlier version had `content`, which must go first (Discord, "Edit
/// Webhook Message", the note on `flags`).
pub(super) fn edited(mut message: Value) -> Value {
    if let Some(fields) = message.as_object_mut() {
        fields.insert("content".to_owned(), Value::Null);
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
        "type": BUTTON,
        "style": style,
        "label": shorten(&button.label, BUTTON_LABEL),
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
