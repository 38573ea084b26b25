//! What is sent to a platform, held against the limits that the platform publishes.
//!
//! Discord's stand in its `OpenAPI` file ("Discord HTTP API (Preview)", version 10); `discord.json` has the part of it that is
//! about messages with buttons and forms with one input. Slack's are those of `slack_sdk.models` (`HeaderBlock`,
//! `SectionBlock`, `ActionsBlock`, `InputBlock`, `ButtonElement`, `View`); `tests/e2e/test_validators.py` asks the models
//! themselves. Mattermost's and Lark's are in the simulators.

mod schema;

use serde_json::Value;

use self::schema::problems;

/// What is wrong with a body of this kind (`sent.rs`).
pub(crate) fn broken(kind: &str, body: &[u8]) -> Vec<String> {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Vec::new();
    };
    let found = match kind {
        "slack-answer" | "slack-follow_up" => blocks(&body["blocks"], 50),
        "slack-view" => view(&body["view"]),
        "slack-form_error" => errors(&body),
        "discord-answer" => match body["type"].as_u64() {
            Some(4 | 5) => problems("CreateMessageInteractionCallbackRequest", &body),
            Some(9) => problems("ModalInteractionCallbackRequest", &body),
            // `PongInteractionCallbackRequest` and `UpdateMessageInteractionCallbackRequest` without a message: a type alone.
            Some(1 | 6) if body.as_object().is_some_and(|answer| answer.len() == 1) => Vec::new(),
            _ => vec!["no answer to an interaction".to_owned()],
        },
        "discord-edit" => problems("IncomingWebhookUpdateRequestPartial", &body),
        "discord-follow_up" => problems("IncomingWebhookRequestPartial", &body),
        _ => Vec::new(),
    };
    found
        .into_iter()
        .map(|problem| format!("{kind}: {problem}: {body}"))
        .collect()
}

fn is_text(text: &Value, limit: usize) -> bool {
    text.as_str()
        .is_some_and(|text| (1..=limit).contains(&text.chars().count()))
}

/// The text of a plain text object, or of one with markup.
fn is_text_object(object: &Value, limit: usize) -> bool {
    ["plain_text", "mrkdwn"].contains(&object["type"].as_str().unwrap_or_default())
        && is_text(&object["text"], limit)
}

fn blocks(blocks: &Value, most: usize) -> Vec<String> {
    let Some(blocks) = blocks.as_array().filter(|blocks| blocks.len() <= most) else {
        return vec![format!("more than {most} blocks")];
    };
    let fits = |block: &&Value| match block["type"].as_str().unwrap_or_default() {
        "header" => is_text_object(&block["text"], 150) && block["text"]["type"] == "plain_text",
        "section" => is_section(block),
        // Its texts have no limit of their own in the models; ours is that of a section.
        "rich_text" => block["elements"][0]["elements"]
            .as_array()
            .is_some_and(|all| all.iter().all(|text| is_text(&text["text"], 3000))),
        "context" => block["elements"].as_array().is_some_and(|all| {
            (1..=10).contains(&all.len()) && all.iter().all(|text| is_text_object(text, 2000))
        }),
        "actions" => block["elements"].as_array().is_some_and(|all| {
            let is_known = |one: &Value| is_button(one) || is_checkbox(one);
            (1..=25).contains(&all.len()) && all.iter().all(is_known)
        }),
        "input" => {
            is_text_object(&block["label"], 2000)
                && is_text_object(&block["hint"], 2000)
                && is_text(&block["block_id"], 255)
                && block["element"]["max_length"].as_u64() <= Some(3000)
        }
        _ => false,
    };
    let wrong = blocks.iter().filter(|block| !fits(block));
    wrong
        .map(|block| format!("a block outside the limits: {block}"))
        .collect()
}

/// A text, or fields, with a button beside it at most.
fn is_section(block: &Value) -> bool {
    let fields = block["fields"].as_array();
    let has_fields = fields.is_some_and(|all| {
        (1..=10).contains(&all.len()) && all.iter().all(|field| is_text_object(field, 2000))
    });
    let has_text = is_text_object(&block["text"], 3000);
    (has_text && fields.is_none() || has_fields && block["text"].is_null())
        && block.get("accessory").is_none_or(is_button)
}

/// "Checkbox group": one option at least, and what is ticked is one of them; an empty list is refused.
fn is_checkbox(element: &Value) -> bool {
    let options = element["options"].as_array();
    let has_options = options.is_some_and(|all| {
        let is_option =
            |one: &Value| is_text_object(&one["text"], 75) && is_text(&one["value"], 150);
        (1..=10).contains(&all.len()) && all.iter().all(is_option)
    });
    let is_ticked = |all: &Vec<Value>| {
        !all.is_empty()
            && all
                .iter()
                .all(|one| options.is_some_and(|options| options.contains(one)))
    };
    element["type"] == "checkboxes"
        && is_text(&element["action_id"], 255)
        && has_options
        && element
            .get("initial_options")
            .is_none_or(|all| all.as_array().is_some_and(is_ticked))
}

/// Slack takes 75 characters on a button, and its clients cut at about 30.
fn is_button(button: &Value) -> bool {
    button["type"] == "button"
        && button["text"]["type"] == "plain_text"
        && is_text(&button["text"]["text"], 30)
        && is_text(&button["value"], 2000)
        && is_text(&button["action_id"], 255)
}

fn view(view: &Value) -> Vec<String> {
    let mut wrong = blocks(&view["blocks"], 100);
    for part in ["title", "submit", "close"] {
        if !is_text(&view[part]["text"], 24) {
            wrong.push(format!("{part} outside 24 characters"));
        }
    }
    if !is_text(&view["private_metadata"], 3000) || !is_text(&view["callback_id"], 255) {
        wrong.push("private_metadata or callback_id outside the limits".to_owned());
    }
    wrong
}

/// Slack, "Displaying errors in views": an error stands at a block.
fn errors(body: &Value) -> Vec<String> {
    let errors = body["errors"].as_object();
    let fits = errors.is_some_and(|errors| errors.values().all(|text| is_text(text, 2000)));
    if fits || body["response_action"] != "errors" {
        vec![]
    } else {
        vec!["an error outside the limits".to_owned()]
    }
}

#[test]
fn the_published_limits_have_teeth() {
    let broken_by = |kind: &str, body: Value| !broken(kind, body.to_string().as_bytes()).is_empty();
    let slack = |text: String| serde_json::json!({ "blocks": [{ "type": "header", "text": { "type": "plain_text", "text": text } }] });
    assert!(
        broken_by("slack-answer", slack("x".repeat(151)))
            && broken_by("slack-answer", slack(String::new()))
    );
    assert!(!broken_by("slack-answer", slack("x".repeat(150))));
    let element = |element: Value| serde_json::json!({ "blocks": [{ "type": "actions", "elements": [element] }] });
    let text = |text: &str| serde_json::json!({ "type": "plain_text", "text": text });
    let button = |label: &str| {
        element(
            serde_json::json!({ "type": "button", "text": text(label), "value": "v", "action_id": "a" }),
        )
    };
    assert!(!broken_by("slack-answer", button(&"x".repeat(30))));
    assert!(broken_by("slack-answer", button(&"x".repeat(31))));
    let option = serde_json::json!({ "text": text("x"), "value": "on" });
    let checkbox = |ticked: Value| {
        element(serde_json::json!({
            "type": "checkboxes", "action_id": "a", "options": [option], "initial_options": ticked,
        }))
    };
    assert!(!broken_by(
        "slack-answer",
        checkbox(serde_json::json!([option]))
    ));
    assert!(broken_by("slack-answer", checkbox(serde_json::json!([]))));
    let discord = |label: usize, style: u8| {
        serde_json::json!({ "flags": 32768, "components": [{ "type": 17, "components": [
            { "type": 1, "components": [
                { "type": 2, "style": style, "label": "x".repeat(label), "custom_id": "c" },
            ] },
        ] }] })
    };
    let text = |length: usize| serde_json::json!({ "components": [{ "type": 10, "content": "x".repeat(length) }] });
    assert!(!broken_by("discord-edit", text(4000)));
    assert!(broken_by("discord-edit", text(4001)) && broken_by("discord-follow_up", text(0)));
    assert!(!broken_by("discord-edit", discord(80, 1)));
    assert!(
        broken_by("discord-edit", discord(81, 1)) && broken_by("discord-follow_up", discord(80, 9))
    );
    let long =
        serde_json::json!({ "type": 4, "data": { "content": "x".repeat(2001), "flags": 64 } });
    assert!(broken_by("discord-answer", long));
    for answer in [
        serde_json::json!({ "type": 7 }),
        serde_json::json!({ "type": 6, "data": {} }),
        serde_json::json!({ "type": 5, "data": { "flags": "64" } }),
        serde_json::json!({}),
    ] {
        assert!(broken_by("discord-answer", answer));
    }
    let later = serde_json::json!({ "type": 5, "data": { "flags": 64 } });
    assert!(!broken_by("discord-answer", later));
    let modal = serde_json::json!({ "type": 9, "data": { "custom_id": "c", "title": "t", "components": [] } });
    assert!(broken_by("discord-answer", modal));
}
