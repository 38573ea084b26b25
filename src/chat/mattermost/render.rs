//! Renders messages and dialogs for Mattermost, within its limits, with every text escaped.

use serde_json::{Value, json};

use super::markdown::{ZERO_WIDTH, escape};
use crate::chat::texts::{BUTTONS, SMALL_PRINT};
use crate::chat::{Button, Form, Message, ShownPassword, Style, Warning};
use crate::domain::shorten::{shorten, shorten_bytes};

/// Longest text of a post (Mattermost, "Posts": 16383 for the whole post).
const POST: usize = 12_000;
/// Longest text of an attachment, and name of a button: our own limits. The web client folds an attachment's text at 200
/// pixels (`message_attachment.tsx`).
const ATTACHED: usize = 600;
const NAME: usize = 40;
/// The bar at the side of the buttons of a message with a warning: orange.
const WARNING_COLOR: &str = "#E67E22";
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
    let last = aside_question(message).into_iter();
    let last = last.chain(small_print(message)).map(|one| escape(&one));
    texts(message, None, last)
}

/// A post's own text. Where there are buttons, what stands below them is in the attachments.
fn text_above(message: &Message, password: Option<&ShownPassword<'_>>) -> String {
    let small_print = small_print(message).filter(|_| !has_buttons(message));
    let last = small_print.into_iter().map(|one| escape(&one));
    texts(message, password, last)
}

fn has_buttons(message: &Message) -> bool {
    !(message.buttons.is_empty() && message.ticks.is_empty() && message.aside.is_none())
}

fn aside_question(message: &Message) -> Option<String> {
    let aside = message.aside.as_ref();
    aside.map(|aside| shorten(&aside.question, ATTACHED))
}

fn small_print(message: &Message) -> Option<String> {
    (!message.small_print.is_empty()).then(|| shorten(&message.small_print.join(" · "), ATTACHED))
}

/// Paragraphs in the order of all platforms. Those that exceed the limit are dropped; the password always fits.
fn texts(
    message: &Message,
    password: Option<&ShownPassword<'_>>,
    last: impl Iterator<Item = String>,
) -> String {
    let mut text = format!("**{}**", escape(&shorten(&message.title, 300)));
    let warnings = message.warnings.iter().map(warning);
    let is_whole = add(&mut text, warnings);
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
    let facts = facts(message).into_iter();
    let lines = message.lines.iter().map(|line| escape(line));
    if !is_whole || !add(&mut text, facts.chain(lines).chain(last)) {
        text.push_str("\n\n…");
    }
    text
}

/// Adds these paragraphs as far as they fit. False if one did not.
fn add(text: &mut String, mut paragraphs: impl Iterator<Item = String>) -> bool {
    paragraphs.all(|paragraph| {
        let fits = text.len() + paragraph.len() <= POST;
        if fits {
            text.push_str("\n\n");
            text.push_str(&paragraph);
        }
        fits
    })
}

fn warning(warning: &Warning) -> String {
    let text = format!("⚠ **{}** {}", escape(&warning.bold), escape(&warning.rest));
    text.trim_end().to_owned()
}

/// Facts, one a line. They have no titles, and the web client leaves fields without a title out (`parseAttachmentFields` in
/// its `translate_attachments.ts`), so they are not the fields of an attachment.
fn facts(message: &Message) -> Option<String> {
    let facts: Vec<String> = message.facts.iter().map(|fact| fact_line(fact)).collect();
    (!facts.is_empty()).then(|| facts.join("  \n"))
}

/// A line of signs of equality would make a heading of the line above (`block.lheading` in `lib/marked.js`).
fn fact_line(fact: &str) -> String {
    let line = escape(fact);
    if line.starts_with('=') {
        format!("{ZERO_WIDTH}{line}")
    } else {
        line
    }
}

/// The answer to a command, or a message to its response address. The buttons post to `actions`.
pub(super) fn message(message: &Message, actions: &str) -> Value {
    let text = text_above(message, None);
    let mut rendered =
        json!({ "response_type": "ephemeral", "text": text, "skip_slack_parsing": true });
    add_attachments(&mut rendered, message, actions);
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
    add_attachments(&mut props, message, actions);
    json!({ "channel_id": channel, "message": text_above(message, password), "props": props })
}

fn add_attachments(to: &mut Value, message: &Message, actions: &str) {
    let attachments = attachments(message, actions);
    if let Some(fields) = to.as_object_mut().filter(|_| !attachments.is_empty()) {
        fields.insert("attachments".to_owned(), attachments.into());
    }
}

/// The buttons, the aside, and small print, each a box below the one before. Within a box the clients show the texts first
/// and the buttons last (`message_attachment.tsx`).
///
/// Small print is the text of a box, and no `footer`: phones show one line of a footer (`attachment_footer.tsx`), and the
/// web client reads Markdown in it in one version and none in another, so a reason could not be escaped.
fn attachments(message: &Message, actions: &str) -> Vec<Value> {
    if !has_buttons(message) {
        return Vec::new();
    }
    let rows = message.rows_above_aside(usize::MAX);
    let buttons: Vec<Value> = rows
        .iter()
        .flatten()
        .map(|one| button(one, actions))
        .collect();
    let mut attachments = Vec::new();
    if !buttons.is_empty() {
        let mut box_of_buttons = json!({ "fallback": BUTTONS, "actions": buttons });
        if let Some(fields) = box_of_buttons
            .as_object_mut()
            .filter(|_| !message.warnings.is_empty())
        {
            fields.insert("color".to_owned(), WARNING_COLOR.into());
        }
        attachments.push(box_of_buttons);
    }
    if let (Some(aside), Some(question)) = (&message.aside, aside_question(message)) {
        let actions = [button(&aside.button, actions)];
        let text = attached(&question);
        attachments.push(json!({ "fallback": BUTTONS, "text": text, "actions": actions }));
    }
    if let Some(small_print) = small_print(message) {
        attachments.push(json!({ "fallback": SMALL_PRINT, "text": attached(&small_print) }));
    }
    attachments
}

/// The text of an attachment. There the server always makes a link of `<address|text>` (`ParseSlackLinksToMarkdown` in
/// `model/slack_attachment.go`), so a bar between angle brackets becomes a broken bar.
fn attached(text: &str) -> String {
    let inside = text
        .split_once('<')
        .and_then(|(_, rest)| rest.rsplit_once('>'));
    if inside.is_some_and(|(inside, _)| inside.contains('|')) {
        escape(&text.replace('|', "¦"))
    } else {
        escape(text)
    }
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
        "name": shorten(&button.label, NAME),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::hostile_names::hostile_names;
    use crate::chat::{Action, Aside};

    fn plain_button(label: &str) -> Button {
        Button {
            action: Action::Cancel,
            label: label.to_owned(),
            value: "v".to_owned(),
            style: Style::Plain,
            starts_row: false,
        }
    }

    /// The server's `<([^<\|]+)\|([^>]+)>` (`model/message_attachment.go`) finds nothing in the text of an attachment.
    #[test]
    fn no_name_becomes_a_link_in_an_attachment() {
        assert_eq!(
            attached("<https://evil.example|x>"),
            escape("<https://evil.example¦x>")
        );
        assert_eq!(attached("a|b <c>"), escape("a|b <c>"));
        for name in hostile_names() {
            let text = attached(&name);
            let after = text.split_once('<').map(|(_, rest)| rest);
            let is_link = after
                .and_then(|rest| rest.split_once('|'))
                .is_some_and(|(_, rest)| rest.contains('>'));
            assert!(!is_link, "{text}");
        }
    }

    #[test]
    fn small_print_and_aside_stand_below_the_buttons() {
        let message = Message {
            title: "T".to_owned(),
            warnings: vec![Warning {
                bold: "Careful".to_owned(),
                rest: "now".to_owned(),
            }],
            facts: vec!["a".to_owned(), "=".to_owned()],
            lines: vec!["l".to_owned()],
            buttons: vec![plain_button("x")],
            aside: Some(Aside {
                question: "Q?".to_owned(),
                button: plain_button(&"y ".repeat(40)),
            }),
            small_print: vec!["s".to_owned(), "t".to_owned()],
            ..Message::default()
        };
        let rendered = super::message(&message, "https://reset.example/x");
        assert_eq!(
            rendered["text"],
            "**T**\n\n⚠ **Careful** now\n\na  \n\u{200b}=\n\nl"
        );
        let [buttons, aside, small_print] = rendered["attachments"].as_array().unwrap().as_slice()
        else {
            panic!("{rendered}")
        };
        assert_eq!(buttons["color"], WARNING_COLOR);
        assert_eq!(buttons["actions"][0]["name"], "x");
        assert_eq!(aside["text"], "Q?");
        let name = aside["actions"][0]["name"].as_str().unwrap();
        assert!(
            name.chars().count() <= NAME && name.ends_with('…'),
            "{name}"
        );
        assert_eq!(small_print["text"], "s · t");
    }

    #[test]
    fn a_long_message_keeps_its_buttons_and_its_end() {
        let message = Message {
            title: "*".repeat(1000),
            facts: vec!["*".repeat(300); 10],
            lines: vec!["*".repeat(5000); 5],
            buttons: vec![plain_button("x"); 25],
            small_print: vec!["*".repeat(1000)],
            ..Message::default()
        };
        let rendered = super::message(&message, "https://reset.example/x");
        let text = rendered["text"].as_str().unwrap();
        assert!(text.len() <= POST + 8 && text.ends_with("\n\n…"));
        let attachments = rendered["attachments"].as_array().unwrap();
        assert_eq!(attachments[0]["actions"].as_array().unwrap().len(), 25);
        assert_eq!(attachments.len(), 2);
    }
}
