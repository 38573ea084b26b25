//! What Mattermost refuses, or would make of a post that nobody meant so.
//!
//! Sources: `model/post.go`, `model/integration_action.go`, `app/command.go` and `app/integration_action.go` of its server.

use serde_json::{Value, json};

use crate::demo::rules::NOT_EPHEMERAL;

/// Longest post (`Post.IsValid`).
const POST: usize = 16_383;

/// All buttons of a post or of an answer, in all attachments.
pub(super) fn actions(message: &Value) -> impl Iterator<Item = &Value> {
    let in_post = message.pointer("/props/attachments");
    let attachments = in_post.unwrap_or(&message["attachments"]).as_array();
    let attachments = attachments.into_iter().flatten();
    attachments.flat_map(|one| one["actions"].as_array().into_iter().flatten())
}

const AS_SLACK: &str = "a text would be parsed as Slack's markup";

/// What is wrong with the length of a post.
fn wrong_length(text: &Value) -> Option<String> {
    let length = text.as_str().unwrap_or_default().chars().count();
    (!(1..=POST).contains(&length))
        .then(|| format!("a post has {length} characters, 1 to {POST} are allowed"))
}

/// What is wrong with the answer to a command.
pub(super) fn of_answer(answer: &Value) -> Vec<String> {
    let mut broken = of_buttons(answer);
    broken.extend(wrong_length(&answer["text"]));
    if answer["response_type"] != "ephemeral" {
        broken.push(NOT_EPHEMERAL.to_owned());
    }
    if answer["skip_slack_parsing"] != true {
        broken.push(AS_SLACK.to_owned());
    }
    broken
}

/// What is wrong with the answer to a click: fields that the server does not read are lost.
pub(super) fn of_click(answer: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for name in answer
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
    {
        if !["ephemeral_text", "skip_slack_parsing"].contains(&name.as_str()) {
            broken.push(format!("nobody reads {name} in the answer to a click"));
        }
    }
    if !answer["ephemeral_text"].is_null() && answer["skip_slack_parsing"] != true {
        broken.push(AS_SLACK.to_owned());
    }
    broken
}

/// What is wrong with a post.
pub(super) fn of_post(post: &Value) -> Vec<String> {
    let mut broken = of_buttons(post);
    broken.extend(wrong_length(&post["message"]));
    if post["channel_id"].as_str().is_none_or(|id| id.len() != 26) {
        broken.push("the id of a channel has no 26 characters".to_owned());
    }
    broken
}

/// `PostAction.IsValid`; an id becomes a part of an address.
fn of_buttons(message: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for action in actions(message) {
        let text = |name: &str| action[name].as_str().unwrap_or_default();
        let is_plain =
            |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_plain(text("id")) {
            broken.push("the id of a button has more than letters and digits".to_owned());
        }
        if text("type") != "button" || text("name").is_empty() {
            broken.push("a button is called none, or has no name".to_owned());
        }
        if !["default", "primary", "danger"].contains(&text("style")) {
            broken.push("a button has a style that Mattermost does not know".to_owned());
        }
        let url = action.pointer("/integration/url").and_then(Value::as_str);
        if url.is_none_or(|url| !url.ends_with(super::ACTIONS_ROUTE)) {
            broken.push("a click would not come to relatch".to_owned());
        }
    }
    broken
}

/// `Dialog.IsValid` and `DialogElement.IsValid`, which count bytes.
pub(super) fn of_dialog(asked: &Value) -> Vec<String> {
    let dialog = &asked["dialog"];
    let elements = &dialog["elements"];
    let bytes = |text: &Value| text.as_str().unwrap_or_default().len();
    let mut broken = Vec::new();
    if !(1..=24).contains(&bytes(&dialog["title"])) || bytes(&dialog["submit_label"]) == 0 {
        broken.push("the title or the button of a dialog does not fit".to_owned());
    }
    for element in elements.as_array().into_iter().flatten() {
        let fits = (1..=24).contains(&bytes(&element["display_name"]))
            && (1..=300).contains(&bytes(&element["name"]))
            && bytes(&element["help_text"]) <= 150
            && element["max_length"]
                .as_u64()
                .is_some_and(|most| most <= 150)
            && element["type"] == "text";
        if !fits {
            broken.push("an input of a dialog is outside the limits".to_owned());
        }
    }
    if *elements == json!([])
        || !asked["url"]
            .as_str()
            .is_some_and(|url| url.ends_with(super::DIALOGS_ROUTE))
    {
        broken.push("a dialog has no input, or would not come to relatch".to_owned());
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn button(id: &str, style: &str) -> Value {
        json!({ "id": id, "type": "button", "name": "Go", "style": style,
            "integration": { "url": "http://127.0.0.1:1/mattermost/actions", "context": {} } })
    }

    fn answer(actions: &Value) -> Value {
        json!({ "text": "x", "response_type": "ephemeral", "skip_slack_parsing": true,
            "attachments": [{ "actions": actions }, { "text": "y" }] })
    }

    #[test]
    fn what_fits_is_taken_and_every_broken_rule_is_told() {
        assert_eq!(
            of_answer(&answer(&json!([button("a1", "danger")]))),
            Vec::<String>::new()
        );
        assert_eq!(of_click(&json!({})), Vec::<String>::new());
        for (actions, told) in [
            (json!([button("a_1", "danger")]), "letters and digits"),
            (json!([button("a1", "loud")]), "a style"),
            (
                json!([{ "id": "a1", "type": "button", "name": "Go", "style": "default" }]),
                "come to relatch",
            ),
        ] {
            let broken = of_answer(&answer(&actions));
            assert!(
                broken.iter().any(|rule| rule.contains(told)),
                "{told}: {broken:?}"
            );
        }
        assert_eq!(of_answer(&json!({ "text": "" })).len(), 3);
        assert_eq!(
            of_click(&json!({ "update": {}, "ephemeral_text": "x" })).len(),
            2
        );
        assert_eq!(
            of_post(&json!({ "message": "x".repeat(POST + 1), "channel_id": "c" })).len(),
            2
        );
        assert_eq!(
            of_dialog(&json!({ "dialog": { "title": "x".repeat(25), "elements": [{}] } })).len(),
            3
        );
    }
}
