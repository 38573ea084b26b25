//! What no text may do in Slack, whatever stands in it.

use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::*;
use crate::chat::hostile_names::hostile_names;
use crate::chat::interaction::{Aside, Tick, Warning};
use crate::chat::{Action, Button, Style};
use crate::domain::Password;

fn hostile() -> Message {
    message_of("<!channel> *x* :skull: [a](http://b) `c` <@U1>")
}

/// A message with this text in every place, more of everything than a block takes.
fn message_of(name: &str) -> Message {
    let button = |starts_row| Button {
        action: Action::Confirm,
        label: name.repeat(5),
        value: "v".to_owned(),
        style: Style::Danger,
        starts_row,
    };
    let tick = |action| Tick {
        action,
        label: name.repeat(5),
        is_ticked: true,
        value: "v".to_owned(),
    };
    Message {
        title: format!("Reset {name}'s password?"),
        warnings: vec![Warning {
            bold: name.repeat(200),
            rest: name.repeat(200),
        }],
        facts: vec![name.repeat(100); 12],
        lines: vec![name.repeat(50); 3],
        ticks: vec![tick(Action::CopyToSelf), tick(Action::AlsoShow)],
        buttons: (0..30).map(|at| button(at == 28)).collect(),
        aside: Some(Aside {
            question: name.repeat(200),
            button: button(false),
        }),
        small_print: vec![name.repeat(200)],
        ..Message::default()
    }
}

fn sent(message: &Message, password: Option<&ShownPassword<'_>>) -> Value {
    serde_json::to_value(super::message(message, password, None)).unwrap()
}

fn walk(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            visit(fields);
            fields.values().for_each(|value| walk(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|value| walk(value, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Names stand in plain text only, without emoji, and cannot mention anybody in the fallback.
#[test]
fn untrusted_names_cannot_become_markup() {
    let names = hostile_names();
    let named = names.iter().map(|name| message_of(name));
    for hostile in named.chain([hostile()]) {
        let sent = sent(&hostile, None);
        walk(&sent, &mut |fields| {
            assert_ne!(
                fields.get("type"),
                Some(&"mrkdwn".into()),
                "markup without a password"
            );
            if fields.get("type") == Some(&"plain_text".into()) {
                assert_eq!(fields["emoji"], false);
            }
        });
        assert!(!sent["text"].as_str().unwrap().contains(['<', '>']));
    }
}

fn length(value: &Value) -> usize {
    value.as_str().unwrap().chars().count()
}

/// The limits of Block Kit.
#[test]
fn long_texts_are_cut_to_the_limits() {
    for name in hostile_names() {
        within_limits(&sent(&message_of(&name), None));
    }
    within_limits(&sent(&hostile(), None));
}

fn within_limits(sent: &Value) {
    let blocks = sent["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50);
    for block in blocks {
        match block["type"].as_str().unwrap() {
            "header" => assert!(length(&block["text"]["text"]) <= 60),
            "section" => {
                assert!(block["text"].is_null() || length(&block["text"]["text"]) <= SECTION);
                let fields = block["fields"].as_array().into_iter().flatten();
                assert!(fields.clone().count() <= 10);
                assert!(fields.clone().all(|field| length(&field["text"]) <= 2000));
                assert!(block["text"].is_null() != block["fields"].is_null());
            }
            "rich_text" => {
                let texts = block["elements"][0]["elements"].as_array().unwrap();
                assert!(texts.iter().all(|text| length(&text["text"]) <= SECTION));
            }
            "actions" => {
                let elements = block["elements"].as_array().unwrap();
                assert!((1..=25).contains(&elements.len()));
                let mut texts = elements.iter().map(|element| {
                    let options = &element["options"];
                    if options.is_null() {
                        &element["text"]
                    } else {
                        &options[0]["text"]
                    }
                });
                assert!(texts.all(|text| length(&text["text"]) <= 75));
            }
            "context" => assert!(length(&block["elements"][0]["text"]) <= 2000),
            other => panic!("{other}"),
        }
    }
}

/// A message as a form: each part in a block of its own, in this order.
#[test]
fn every_part_has_its_block() {
    let button = |action, label: &str, starts_row| Button {
        action,
        label: label.to_owned(),
        value: "value".to_owned(),
        style: Style::Plain,
        starts_row,
    };
    let tick = |action, label: &str, is_ticked| Tick {
        action,
        label: label.to_owned(),
        is_ticked,
        value: "edition".to_owned(),
    };
    let drawn = sent(
        &Message {
            title: "Reset Mina Park now?".to_owned(),
            warnings: vec![Warning {
                bold: "Jo Lim reset it today at 09:40".to_owned(),
                rest: "That password stops working.".to_owned(),
            }],
            facts: vec!["Signed out: at once".to_owned()],
            lines: vec!["One.".to_owned(), "Two.".to_owned()],
            ticks: vec![
                tick(Action::CopyToSelf, "Email me a copy", true),
                tick(Action::AlsoShow, "Also show it here", false),
            ],
            buttons: vec![
                button(Action::Confirm, "Reset and text it", false),
                button(Action::Cancel, "Cancel", true),
            ],
            aside: Some(Aside {
                question: "Still signed in somewhere? They may need no reset.".to_owned(),
                button: button(Action::SendGuide, "Send them the how-to", false),
            }),
            small_print: vec!["Reason: INC-1".to_owned(), "ref 8BEV".to_owned()],
            ..Message::default()
        },
        None,
    );
    let plain = |text: &str| json!({ "type": "plain_text", "text": text, "emoji": false });
    let pressed = |action: &str, label: &str| json!({ "type": "button", "action_id": action, "text": plain(label), "value": "value" });
    let option = |label: &str| json!([{ "text": plain(label), "value": "on" }]);
    let expected = json!([
        { "type": "header", "text": plain("Reset Mina Park now?") },
        { "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [
            { "type": "text", "text": "⚠ " },
            { "type": "text", "text": "Jo Lim reset it today at 09:40", "style": { "bold": true } },
            { "type": "text", "text": " That password stops working." },
        ] }] },
        { "type": "section", "fields": [plain("Signed out: at once")] },
        { "type": "section", "text": plain("One.\nTwo."), "expand": true },
        { "type": "actions", "block_id": "edition", "elements": [
            {
                "type": "checkboxes", "action_id": "copy_to_self", "options": option("Email me a copy"),
                "initial_options": option("Email me a copy"),
            },
            { "type": "checkboxes", "action_id": "also_show", "options": option("Also show it here") },
        ] },
        { "type": "actions", "elements": [pressed("confirm", "Reset and text it")] },
        { "type": "actions", "elements": [pressed("cancel", "Cancel")] },
        {
            "type": "section", "text": plain("Still signed in somewhere? They may need no reset."), "expand": true,
            "accessory": pressed("send_guide", "Send them the how-to"),
        },
        { "type": "context", "elements": [plain("Reason: INC-1 · ref 8BEV")] },
    ]);
    assert_eq!(drawn["blocks"], expected);
}

/// S23: one block holds the password, and the fallback text does not.
#[test]
fn the_password_stands_in_one_block() {
    let password = Password::generate(&mut StdRng::seed_from_u64(1), 8);
    let sent = sent(
        &Message {
            title: "New password for Mina".to_owned(),
            ..Message::default()
        },
        Some(&ShownPassword {
            password: &password,
            spoken_label: "Say it: ",
        }),
    );
    assert_eq!(sent.to_string().matches(password.expose()).count(), 1);
    assert!(!sent["text"].as_str().unwrap().contains(password.expose()));
}

/// The address on a box is shortened in its middle, as on a button: it is what the box is about.
#[test]
fn a_box_keeps_both_ends_of_its_address() {
    let address = format!("{}@mail.example", "w".repeat(90));
    let ticks = vec![Tick {
        action: Action::CopyToSelf,
        label: format!("Email me a copy ({address})"),
        is_ticked: false,
        value: "v".to_owned(),
    }];
    let drawn = sent(
        &Message {
            ticks,
            ..Message::default()
        },
        None,
    );
    let label = drawn["blocks"][1]["elements"][0]["options"][0]["text"]["text"].as_str();
    let label = label.unwrap();
    assert!(label.starts_with("Email me a copy (www"), "{label}");
    assert!(label.ends_with("@mail.example)"), "{label}");
}
