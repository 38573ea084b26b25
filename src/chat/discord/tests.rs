//! Discord's requests as it sends them, and requests that must be refused.

use axum::http::header;
use ring::signature::{Ed25519KeyPair, KeyPair};

use super::config::{WEAK_KEYS, public_key};
use super::*;
use crate::chat::hostile_names::hostile_names;
use crate::chat::{Action, Aside, Ask, Button, FormKind, NamedMember, Style, Warning};
use crate::domain::Password;
use crate::net;

const NOW: Moment = Moment(1_795_428_000_000);
const APPLICATION: &str = "100000000000000001";
const GUILD: &str = "200000000000000002";
const JO: &str = "300000000000000003";
const MINA: &str = "400000000000000004";

fn key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap()
}

fn discord() -> Discord {
    let config = Config {
        application_id: APPLICATION.to_owned(),
        public_key: key().public_key().as_ref().try_into().unwrap(),
        bot_token: "canary-token-0123456789".to_owned().into(),
        guild_id: GUILD.to_owned(),
        api_url: "https://discord.com/api/v10/".parse().unwrap(),
    };
    Discord::new(
        config,
        net::client(std::time::Duration::from_secs(5)).unwrap(),
        Clock::fixed(NOW),
    )
}

fn interaction(kind: u8, data: &Value) -> Value {
    json!({
        "type": kind, "id": "500000000000000005", "application_id": APPLICATION, "token": "aW50ZXI.token_-",
        "guild_id": GUILD, "context": 0, "authorizing_integration_owners": { "0": GUILD },
        "member": { "user": { "id": JO }, "permissions": "8" }, "data": data,
    })
}

fn command(options: &Value) -> Value {
    interaction(
        2,
        &json!({ "type": 1, "name": "reset-password", "options": options }),
    )
}

fn headers(timestamp: &str, signature: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    headers.insert("x-signature-timestamp", timestamp.parse().unwrap());
    headers.insert("x-signature-ed25519", signature.parse().unwrap());
    headers
}

fn signed(timestamp: &str, body: &[u8]) -> HeaderMap {
    headers(
        timestamp,
        &hex::encode(key().sign(&[timestamp.as_bytes(), body].concat())),
    )
}

fn receive(body: &Value) -> Result<Interaction, NotVerified> {
    let body = body.to_string();
    let headers = signed("1795428000", body.as_bytes());
    discord()
        .read_request(&headers, body.as_bytes(), NOW)
        .map(Verified::into_inner)
}

fn ask(options: &Value) -> Ask {
    let Ok(Interaction::Command(command)) = receive(&command(options)) else {
        panic!("no command")
    };
    command.ask
}

#[test]
fn a_command_names_its_member_by_an_option_or_by_the_menu() {
    let mina = || NamedMember::Mention(MINA.to_owned());
    let member = json!({ "name": "member", "type": 6, "value": MINA });
    assert_eq!(ask(&json!([member])), Ask::Reset(mina(), None));
    assert_eq!(ask(&json!([])), Ask::Help);
    let words = |text: &str| json!({ "name": "words", "type": 3, "value": text });
    assert_eq!(
        ask(&json!([member, words("lost it")])),
        Ask::Reset(mina(), Some("lost it".to_owned()))
    );
    assert_eq!(
        ask(&json!([member, words(&format!("and <@!{JO}>"))])),
        Ask::Several
    );
    let role = json!({ "name": "email", "type": 3, "value": "<@&500000000000000009>" });
    assert_eq!(ask(&json!([role])), Ask::Group("a role".to_owned()));
    assert_eq!(
        ask(&json!([words("<@&x> @everyones")])),
        Ask::Unclear("<@&x>".to_owned())
    );
    let show = |word: &str| json!({ "name": "show", "type": 3, "value": word });
    assert_eq!(ask(&json!([show("why"), member])), Ask::Why(mina()));
    assert_eq!(ask(&json!([show("log")])), Ask::Log(None));
    assert_eq!(
        ask(&json!([show("contact"), member, words("+82 10")])),
        Ask::Contact(mina(), "+82 10".to_owned())
    );
    let email = json!({ "name": "email", "type": 3, "value": "mina@acme.example" });
    assert_eq!(
        ask(&json!([email])),
        Ask::Reset(
            NamedMember::Email("mina@acme.example".parse().unwrap()),
            None
        )
    );
    let menu = interaction(
        2,
        &json!({ "type": 2, "name": "Reset password", "target_id": MINA }),
    );
    let Ok(Interaction::Command(command)) = receive(&menu) else {
        panic!("no command")
    };
    assert_eq!(command.ask, Ask::Reset(mina(), None));
    for wrong in [
        command_named("reset"),
        interaction(2, &json!({ "type": 3, "name": "reset-password" })),
        interaction(
            2,
            &json!({ "type": 2, "name": "Reset password", "target_id": "../x" }),
        ),
        self::command(&json!([{ "name": "member", "type": 6, "value": "1 or 1" }])),
        self::command(&json!([member, member])),
        interaction(4, &json!({})),
        interaction(3, &json!({ "custom_id": "confirm" })),
        interaction(3, &json!({ "custom_id": "destroy:x" })),
        interaction(
            5,
            &json!({ "custom_id": "deliver_other:x", "components": [] }),
        ),
    ] {
        assert!(
            matches!(receive(&wrong), Err(NotVerified::Malformed(_))),
            "{wrong}"
        );
    }
}

fn command_named(name: &str) -> Value {
    interaction(2, &json!({ "type": 1, "name": name }))
}

/// Both forms of a modal, with exactly one input.
#[test]
fn a_form_is_read_in_both_shapes() {
    let input = json!({ "type": 4, "custom_id": "value", "value": "x" });
    for part in [
        json!({ "type": 18, "component": input }),
        json!({ "type": 1, "components": [input] }),
    ] {
        let form = interaction(
            5,
            &json!({ "custom_id": "deliver_other:abc", "components": [part] }),
        );
        let Ok(Interaction::Form(form)) = receive(&form) else {
            panic!("no form")
        };
        assert_eq!((form.value.as_str(), form.typed.as_str()), ("abc", "x"));
    }
    let two = json!([{ "type": 18, "component": input }, { "type": 18, "component": input }]);
    let form = interaction(
        5,
        &json!({ "custom_id": "deliver_other:abc", "components": two }),
    );
    assert!(matches!(receive(&form), Err(NotVerified::Malformed(_))));
}

/// Refused: unsigned, wrongly signed, stale, shifted, and for another server.
#[test]
fn only_discord_s_own_requests_for_our_server_are_taken() {
    let body = command(&json!([])).to_string();
    let try_with = |headers: &HeaderMap, body: &str| {
        discord()
            .read_request(headers, body.as_bytes(), NOW)
            .map(drop)
            .unwrap_err()
    };
    let good = signed("1795428000", body.as_bytes());
    for name in ["x-signature-timestamp", "x-signature-ed25519"] {
        let mut without = good.clone();
        without.remove(name);
        assert!(matches!(
            try_with(&without, &body),
            NotVerified::Unsigned("missing")
        ));
        let mut twice = good.clone();
        twice.append(name, good[name].clone());
        assert!(matches!(
            try_with(&twice, &body),
            NotVerified::Unsigned("twice")
        ));
    }
    assert!(matches!(
        try_with(&headers("1795428000", &"0".repeat(128)), &body),
        NotVerified::Unsigned("signature")
    ));
    assert!(matches!(
        try_with(&headers("1795428000", "zz"), &body),
        NotVerified::Unsigned("form")
    ));
    assert!(matches!(
        try_with(&good, &body.replace("reset", "Reset")),
        NotVerified::Unsigned("signature")
    ));
    for stale in ["1795427699", "1795428301"] {
        assert!(matches!(
            try_with(&signed(stale, body.as_bytes()), &body),
            NotVerified::Stale { .. }
        ));
    }
    // The same signed bytes, divided differently.
    let shifted = headers("179542800", good["x-signature-ed25519"].to_str().unwrap());
    assert!(matches!(
        try_with(&shifted, &format!("0{body}")),
        NotVerified::Unsigned("timestamp")
    ));
    let mut form = good.clone();
    form.insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    assert!(matches!(try_with(&form, &body), NotVerified::ContentType));

    for (field, value) in [
        ("guild_id", json!("999999999999999999")),
        ("guild_id", Value::Null),
        ("application_id", json!("999999999999999999")),
        ("context", json!(1)),
        ("context", json!(2)),
        ("authorizing_integration_owners", json!({ "1": JO })),
    ] {
        let mut other = command(&json!([]));
        other[field] = value;
        assert!(
            matches!(receive(&other), Err(NotVerified::Unsigned("guild" | "app"))),
            "{field}"
        );
    }
    for token in ["", "../../@me", "a/b", "a?b", "a b"] {
        let mut other = command(&json!([]));
        other["token"] = token.into();
        assert!(
            matches!(receive(&other), Err(NotVerified::Malformed(_))),
            "{token}"
        );
    }
}

/// Discord's own examples leave fields out.
#[test]
fn what_may_be_missing_may_be_missing() {
    let mut bare = command(&json!([]));
    for field in [
        "application_id",
        "context",
        "authorizing_integration_owners",
    ] {
        bare.as_object_mut().unwrap().remove(field);
    }
    assert!(matches!(receive(&bare), Ok(Interaction::Command(_))));
    assert!(matches!(
        receive(&json!({ "type": 1 })),
        Ok(Interaction::Ping)
    ));
}

#[test]
fn a_key_that_belongs_to_nobody_is_refused() {
    assert!(public_key(&hex::encode(key().public_key())).is_some());
    for weak in WEAK_KEYS {
        assert_eq!(public_key(weak), None);
    }
    assert_eq!(
        public_key(&format!("ed{}ff", "ff".repeat(30))),
        None,
        "the same point with its sign"
    );
    assert_eq!(public_key("00"), None);
}

#[test]
fn every_answer_has_the_type_that_discord_expects() {
    let (discord, message) = (
        discord(),
        Message {
            title: "x".to_owned(),
            ..Message::default()
        },
    );
    let kind = |kind, answer| {
        let answer: Value = serde_json::from_slice(&discord.immediate(kind, answer)).unwrap();
        answer["type"].as_u64().unwrap()
    };
    assert_eq!(kind(InteractionKind::Ping, Immediate::Taken), 1);
    assert_eq!(
        kind(InteractionKind::Command, Immediate::Working(&message)),
        5
    );
    assert_eq!(kind(InteractionKind::Click, Immediate::Taken), 6);
    assert_eq!(
        kind(
            InteractionKind::Form(FormKind::Destination),
            Immediate::Working(&message)
        ),
        6
    );
    for of in [
        InteractionKind::Command,
        InteractionKind::Click,
        InteractionKind::Form(FormKind::Destination),
    ] {
        assert_eq!(kind(of, Immediate::Say(&message)), 4);
    }
}

/// The texts of a message, in the order in which they are shown.
fn texts(part: &Value) -> Vec<&str> {
    let inside = part["components"].as_array().into_iter().flatten();
    let own = part["content"].as_str();
    own.into_iter().chain(inside.flat_map(texts)).collect()
}

/// 500 hostile names, and no mention, link or markup comes out.
#[test]
fn hostile_names_stay_names() {
    for name in hostile_names() {
        let text = || name.clone();
        let message = Message {
            title: text(),
            warnings: vec![Warning {
                bold: text(),
                rest: text(),
            }],
            facts: vec![text()],
            lines: vec![text()],
            small_print: vec![text()],
            ..Message::default()
        };
        let rendered = render::message(&message, None);
        let texts = texts(&rendered);
        assert_eq!(texts.len(), 5, "{rendered}");
        for (text, ours) in texts.iter().zip(["### ", "⚠ **", "", "", "-# "]) {
            let inside = text.strip_prefix(ours).unwrap().replacen("** ", " ", 1);
            // Every punctuation mark has a backslash in front of it, so none has a meaning.
            let mut characters = inside.chars().peekable();
            while let Some(character) = characters.next() {
                assert!(
                    !character.is_ascii_punctuation() || character == '\\',
                    "{name}: {text}"
                );
                if character == '\\' {
                    assert!(
                        characters.next().unwrap().is_ascii_punctuation(),
                        "{name}: {text}"
                    );
                }
            }
        }
        assert_eq!(rendered["allowed_mentions"], json!({ "parse": [] }));
    }
}

#[test]
fn a_long_message_is_cut_between_lines_and_keeps_its_password() {
    let line = "*".repeat(400);
    let message = Message {
        title: "x".repeat(5000),
        lines: vec![line; 20],
        small_print: vec!["ref 8BEV".to_owned()],
        ..Message::default()
    };
    let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(1);
    let password = Password::generate(&mut rng, 8);
    let rendered = render::message(
        &message,
        Some(&ShownPassword {
            password: &password,
            spoken_label: "Say it: ",
        }),
    );
    let texts = texts(&rendered);
    let length: usize = texts.iter().map(|text| text.chars().count()).sum();
    assert!((3000..=4000).contains(&length), "{length}");
    let [_, shown, lines, small_print] = texts.as_slice() else {
        panic!("{texts:?}")
    };
    assert!(shown.contains(&format!("`{}`", password.expose())));
    assert!(lines.ends_with("\n…"));
    assert_eq!(*small_print, "-# ref 8BEV");
}

/// Forty components: 25 buttons in five rows fit beside all other parts, and more are left out.
#[test]
fn the_buttons_of_a_message_are_as_many_as_fit() {
    fn count(part: &Value) -> usize {
        let inside = part["components"].as_array().into_iter().flatten();
        let accessory = usize::from(part.get("accessory").is_some());
        inside.map(|one| 1 + count(one)).sum::<usize>() + accessory
    }
    let button = |label: &str| Button {
        action: Action::Cancel,
        label: label.to_owned(),
        value: "v".repeat(46),
        style: Style::Plain,
        starts_row: false,
    };
    for (buttons, rows) in [(25, 5), (40, 5)] {
        let text = || vec!["x".to_owned()];
        let message = Message {
            title: "x".to_owned(),
            warnings: vec![Warning {
                bold: "x".to_owned(),
                rest: String::new(),
            }],
            facts: text(),
            lines: text(),
            buttons: vec![button(&"x".repeat(200)); buttons],
            aside: Some(Aside {
                question: "x".to_owned(),
                button: button("x"),
            }),
            small_print: text(),
            ..Message::default()
        };
        let mut rng = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(1);
        let password = Password::generate(&mut rng, 8);
        let spoken_label = "Say it: ";
        let password = ShownPassword {
            password: &password,
            spoken_label,
        };
        let rendered = render::message(&message, Some(&password));
        assert_eq!(count(&rendered), 40);
        let parts = rendered["components"][0]["components"].as_array().unwrap();
        let is_row = |part: &&Value| part["type"] == 1;
        assert_eq!(parts.iter().filter(is_row).count(), rows);
    }
}

/// A message that takes the place of one from before an update must say that its text goes.
#[test]
fn a_message_in_place_of_another_has_no_content() {
    let message = render::message(&Message::default(), None);
    assert!(message.get("content").is_none());
    assert_eq!(render::edited(message)["content"], Value::Null);
}
