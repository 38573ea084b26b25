//! The blocks of a message, in the order of every platform: title, warnings, shown password, facts, lines, boxes, buttons in
//! rows, the way out beside them, small print.

use super::{Block, CheckboxOption, Element, RichPart, RichStyle, RichText, SECTION, Text, plain};
use crate::chat::interaction::{Aside, Tick, Warning};
use crate::chat::{Button, Message, ShownPassword, Style};
use crate::domain::shorten::{shorten, shorten_longest_word};

/// Longest title that is a header: a longer one would fill a phone with large letters. Slack takes 150 characters (Slack,
/// "Header block").
const HEADER: usize = 60;
/// Most fields of a section (Slack, "Section block", "fields").
const FIELDS: usize = 10;
/// Longest text of a field (Slack, "Section block", "fields").
const FIELD: usize = 2000;
/// Most elements of an actions block (Slack, "Actions block").
const ACTIONS: usize = 25;
/// Longest text on a button (Slack, "Button element").
const BUTTON: usize = 75;
/// Longest text of a checkbox (Slack, "Option object").
const OPTION: usize = 75;
/// Longest small print. A text object takes 3000 characters (Slack, "Text object").
const SMALL_PRINT: usize = 2000;
/// The value of the one option of a checkbox.
const TICKED: &str = "on";

/// The blocks of a message. The password is in a block of its own and nowhere else.
pub(super) fn blocks(message: &Message, password: Option<&ShownPassword<'_>>) -> Vec<Block> {
    let mut blocks = vec![title(&message.title)];
    blocks.extend(message.warnings.iter().map(warning));
    blocks.extend(password.into_iter().flat_map(shown));
    blocks.extend(message.facts.chunks(FIELDS).map(fields));
    blocks.extend(packed(&message.lines).iter().map(|text| section(text)));
    blocks.extend(boxes(&message.ticks));
    for row in message.button_rows() {
        blocks.extend(row.chunks(ACTIONS).map(|row| Block::Actions {
            block_id: None,
            elements: row.iter().map(button).collect(),
        }));
    }
    blocks.extend(message.aside.as_ref().map(aside));
    if !message.small_print.is_empty() {
        let text = message.small_print.join(" · ");
        blocks.push(Block::Context {
            elements: [plain(&text, SMALL_PRINT)],
        });
    }
    blocks
}

fn title(text: &str) -> Block {
    if text.chars().count() <= HEADER {
        let text = plain(text, HEADER);
        Block::Header { text }
    } else {
        rich(vec![bold(shorten(text, SECTION))])
    }
}

fn warning(warning: &Warning) -> Block {
    let mut texts = vec![
        unstyled("⚠ ".to_owned()),
        bold(shorten(&warning.bold, SECTION)),
    ];
    if !warning.rest.is_empty() {
        texts.push(unstyled(shorten(&format!(" {}", warning.rest), SECTION)));
    }
    rich(texts)
}

fn rich(elements: Vec<RichText>) -> Block {
    let elements = [RichPart::RichTextSection { elements }];
    Block::RichText { elements }
}

fn unstyled(text: String) -> RichText {
    RichText::Text { text, style: None }
}

fn bold(text: String) -> RichText {
    let style = Some(RichStyle { bold: true });
    RichText::Text { text, style }
}

fn shown(password: &ShownPassword<'_>) -> [Block; 2] {
    // A password has only letters, digits and - # + =, so it cannot end the code span.
    let text = Text::Mrkdwn {
        text: format!("`{}`", password.password.expose()),
        verbatim: true,
    };
    [
        Block::Section {
            text: Some(text),
            fields: Vec::new(),
            expand: None,
            accessory: None,
        },
        section(&password.spoken_line()),
    ]
}

fn section(text: &str) -> Block {
    Block::Section {
        text: Some(plain(text, SECTION)),
        fields: Vec::new(),
        expand: Some(true),
        accessory: None,
    }
}

fn fields(facts: &[String]) -> Block {
    Block::Section {
        text: None,
        fields: facts.iter().map(|fact| plain(fact, FIELD)).collect(),
        expand: None,
        accessory: None,
    }
}

/// The lines in as few sections as hold them.
fn packed(lines: &[String]) -> Vec<String> {
    let mut sections: Vec<String> = Vec::new();
    for line in lines {
        match sections.last_mut() {
            Some(last) if last.chars().count() + 1 + line.chars().count() <= SECTION => {
                last.push('\n');
                last.push_str(line);
            }
            _ => sections.push(line.clone()),
        }
    }
    sections
}

/// All boxes in one block. Its id is the opaque value, which is new with each edition: Slack keeps what was ticked in a block
/// whose id stays.
fn boxes(ticks: &[Tick]) -> Option<Block> {
    let first = ticks.first()?;
    Some(Block::Actions {
        block_id: Some(first.value.clone()),
        elements: ticks.iter().map(checkbox).collect(),
    })
}

fn checkbox(tick: &Tick) -> Element {
    let option = CheckboxOption {
        text: plain(&shorten_longest_word(&tick.label, OPTION), OPTION),
        value: TICKED,
    };
    Element::Checkboxes {
        action_id: tick.action.as_str(),
        initial_options: tick.is_ticked.then(|| [option.clone()]),
        options: [option],
    }
}

fn aside(aside: &Aside) -> Block {
    Block::Section {
        text: Some(plain(&aside.question, SECTION)),
        fields: Vec::new(),
        expand: Some(true),
        accessory: Some(button(&aside.button)),
    }
}

fn button(button: &Button) -> Element {
    Element::Button {
        action_id: button.action.as_str(),
        text: plain(&button.label, BUTTON),
        value: button.value.clone(),
        style: match button.style {
            Style::Plain => None,
            Style::Primary => Some("primary"),
            Style::Danger => Some("danger"),
        },
    }
}
