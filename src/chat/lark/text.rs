//! What people type: the words of a text or of rich text.

use std::collections::HashMap;

use serde_json::Value;

use super::{COMMAND_NAME, is_id, wire};
use crate::chat::interaction::{Ask, Word};
use crate::chat::{NamedMember, NotVerified};
use crate::domain::visible;

/// The key of a mention of everybody in the group.
const EVERYBODY: &str = "@_all";

/// The text of a message, with a mention as its key; none if it is of another kind (Lark, "Received message content").
pub(super) fn typed(kind: &str, content: &str) -> Result<Option<String>, NotVerified> {
    if !matches!(kind, "text" | "post") {
        return Ok(None);
    }
    let content: Value = serde_json::from_str(content).map_err(NotVerified::malformed("a text"))?;
    Ok(Some(if kind == "post" {
        text_of_post(&content)
    } else {
        field(&content, "text").to_owned()
    }))
}

/// Rich text: paragraphs of elements. Of a link its text counts, which is what people see.
fn text_of_post(content: &Value) -> String {
    let mut text = String::new();
    for paragraph in list(content.get("content")) {
        for element in list(Some(paragraph)) {
            match field(element, "tag") {
                "text" | "a" => text.push_str(field(element, "text")),
                // Nothing separates a mention from the text beside it.
                "at" => {
                    let key = field(element, "user_id");
                    let key = if key == "all" { EVERYBODY } else { key };
                    text.extend([" ", key, " "]);
                }
                _ => text.push(' '),
            }
        }
        text.push('\n');
    }
    text
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The words after the command, or none if there is no command. Mentions of the bot may come before it.
pub(super) fn read_command(text: &str, mentions: &[wire::Mention]) -> Option<Ask> {
    let mentions: HashMap<&str, &str> = mentions
        .iter()
        .map(|mentioned| (mentioned.key.as_str(), mentioned.id.open_id.as_str()))
        .collect();
    let text = visible(text);
    let mut words = text
        .split_whitespace()
        .skip_while(|word| mentions.contains_key(word));
    words
        .next()
        .filter(|word| word.eq_ignore_ascii_case(COMMAND_NAME))?;
    let words: Vec<Word> = words.map(|word| read_word(word, &mentions)).collect();
    Some(Ask::read(&words))
}

/// Parses one word. A mention such as `@_user_1` must match as a whole, because `@_user_10` begins with it.
fn read_word(word: &str, mentions: &HashMap<&str, &str>) -> Word {
    let trimmed = word.trim_end_matches([',', '.', ';', ':', '!', '?']);
    for name in [word, trimmed] {
        if let Some(id) = mentions.get(name).filter(|id| is_id(id, "ou_")) {
            return Word::Member(NamedMember::Mention((*id).to_owned()));
        }
    }
    if trimmed == EVERYBODY {
        return Word::Group("@all".to_owned());
    }
    let word = seen_text(word);
    word.parse().map_or_else(
        |_| Word::Text(word.to_owned()),
        |email| Word::Member(NamedMember::Email(email)),
    )
}

/// Of an e-mail that Lark made a link, `[mina@acme.example](mailto:mina@acme.example)`, the part that people see.
fn seen_text(word: &str) -> &str {
    word.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(')'))
        .and_then(|rest| rest.split_once("](mailto:"))
        .map_or(word, |(seen, _address)| seen)
}
