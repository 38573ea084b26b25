//! Lark's requests as it sends them, and requests that must be refused.

use std::time::Duration;

use aes::Aes256;
use axum::http::{HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use sha2::{Digest, Sha256};

use super::account::profile_of;
use super::verify::decrypt;
use super::*;
use crate::chat::hostile_names::hostile_names;
use crate::chat::{AccountKind, Action, Ask, Command, FormKind, NamedMember};
use crate::domain::Role;
use crate::lark_api::LarkApis;
use crate::net;
use crate::secret::Keys;

const NOW: Moment = Moment(1_795_428_000_000);
const JO: &str = "ou_jo";
const KEY: &str = "canary-lark-encrypt-key-01";
const TOKEN: &str = "canary-lark-verification-01";

fn lark() -> Lark {
    let config = Config {
        app_id: "cli_a".to_owned(),
        app_secret: "canary-lark-app-secret-0001".to_owned().into(),
        encrypt_key: KEY.to_owned().into(),
        verification_token: TOKEN.to_owned().into(),
        tenant_key: "acme".to_owned(),
        api_url: "https://open.larksuite.com/open-apis/".parse().unwrap(),
    };
    let parts = ChatParts {
        keys: Keys::from_master(&[7; 32]).unwrap(),
        http: net::client(Duration::from_secs(1)).unwrap(),
        clock: Clock::fixed(NOW),
        lark: LarkApis::default(),
    };
    Lark::open(config, &parts).unwrap()
}

fn event(kind: &str, event: &Value) -> Value {
    json!({
        "schema": "2.0",
        "header": {
            "event_id": "e1", "event_type": kind, "create_time": NOW.0.to_string(), "token": TOKEN, "app_id": "cli_a",
            "tenant_key": "acme",
        },
        "event": event,
    })
}

fn typed(text: &str, chat_type: &str) -> Value {
    let mentions = json!([
        { "key": "@_user_1", "id": { "open_id": "ou_bot" }, "name": "relatch", "tenant_key": "acme" },
        { "key": "@_user_10", "id": { "open_id": "ou_mina" }, "name": "Mina", "tenant_key": "acme" },
        { "key": "@_user_2", "id": { "open_id": "ou_noa" }, "name": "Noa", "tenant_key": "acme" },
    ]);
    event(
        MESSAGE_EVENT,
        &json!({
            "sender": { "sender_id": { "open_id": JO }, "sender_type": "user", "tenant_key": "acme" },
            "message": {
                "chat_id": "oc_1", "chat_type": chat_type, "message_type": "text",
                "content": json!({ "text": text }).to_string(), "mentions": mentions,
            },
        }),
    )
}

fn encrypt(text: &str) -> Vec<u8> {
    let key = Sha256::digest(KEY.as_bytes());
    let mut buffer = vec![0; text.len() + 16];
    buffer[..text.len()].copy_from_slice(text.as_bytes());
    let cipher = cbc::Encryptor::<Aes256>::new_from_slices(&key, &[9; 16]).unwrap();
    [
        &[9; 16],
        cipher
            .encrypt_padded::<Pkcs7>(&mut buffer, text.len())
            .unwrap(),
    ]
    .concat()
}

fn sealed(event: &Value) -> String {
    json!({ "encrypt": STANDARD.encode(encrypt(&event.to_string())) }).to_string()
}

fn headers(timestamp: &str, nonce: &str, body: &str) -> HeaderMap {
    let signature = hex::encode(Sha256::digest([timestamp, nonce, KEY, body].concat()));
    let mut headers = plain_headers();
    for (name, value) in [
        ("x-lark-request-timestamp", timestamp),
        ("x-lark-request-nonce", nonce),
        ("x-lark-signature", signature.as_str()),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    headers
}

fn plain_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        "content-type",
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    headers
}

fn receive(headers: &HeaderMap, body: &str) -> Result<Interaction, NotVerified> {
    lark()
        .read_request(headers, body.as_bytes(), NOW)
        .map(Verified::into_inner)
}

fn receive_event(event: &Value) -> Result<Interaction, NotVerified> {
    let body = sealed(event);
    receive(&headers("1795428000", "n1", &body), &body)
}

fn ask(text: &str) -> Option<Ask> {
    let Interaction::Command(command) = receive_event(&typed(text, "group")).unwrap() else {
        return None;
    };
    Some(command.ask)
}

/// The example of Lark's page "Encrypt key".
#[test]
fn the_published_vector_is_read() {
    assert_eq!(
        decrypt("test key", "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=").unwrap(),
        b"hello world"
    );
    // Lark's own example of an encrypted event, with the key of its page.
    let example = include_bytes!("../../../tests/fixtures/vendors/lark/encrypted.json");
    let sealed: wire::EncryptedBody = serde_json::from_slice(example).unwrap();
    let opened: wire::LarkEvent =
        serde_json::from_slice(&decrypt("kudryavka", &sealed.encrypt).unwrap()).unwrap();
    assert_eq!(opened.kind.as_deref(), Some("event_callback"));
    assert!(decrypt("test key", "").is_none() && decrypt("test key", "AAAA").is_none());
}

#[test]
fn the_command_is_found_in_what_people_type() {
    let reset = |id: &str, reason: Option<&str>| {
        Some(Ask::Reset(
            NamedMember::Mention(id.to_owned()),
            reason.map(str::to_owned),
        ))
    };
    assert_eq!(
        ask("@_user_1 /reset-password @_user_10 "),
        reset("ou_mina", None)
    );
    assert_eq!(
        ask("/reset-password\u{3000}@_user_2"),
        reset("ou_noa", None),
        "a full-width space"
    );
    assert_eq!(
        ask("@_user_1 /Reset-Password @_user_10, lost it"),
        reset("ou_mina", Some("lost it"))
    );
    assert_eq!(
        ask("@_user_1 /reset-password @_user_1x"),
        Some(Ask::Unclear("@_user_1x".to_owned()))
    );
    assert_eq!(
        ask("@_user_1 /reset-password @_all"),
        Some(Ask::Group("@all".to_owned()))
    );
    assert_eq!(
        ask("@_user_1 /reset-password @_user_2 @_user_10"),
        Some(Ask::Several)
    );
    assert_eq!(
        ask("@_user_1 /reset-password why @_user_2"),
        Some(Ask::Why(NamedMember::Mention("ou_noa".to_owned())))
    );
    let mina = NamedMember::Email("mina@acme.example".parse().unwrap());
    assert_eq!(
        ask("/reset-password mina@acme.example"),
        Some(Ask::Reset(mina, None))
    );
    assert_eq!(ask("@_user_1 /reset-password"), Some(Ask::Help));
    // In a group, messages without the command are ignored; in the 1:1 chat with the bot they are answered.
    assert_eq!(ask("@_user_1 good morning"), None);
    assert_eq!(ask("how does /reset-password @_user_2 work?"), None);
    let alone = receive_event(&typed("good morning", "p2p")).unwrap();
    assert!(matches!(
        alone,
        Interaction::Command(Command { ask: Ask::Help, .. })
    ));
}

#[test]
fn bots_other_kinds_of_message_and_other_events_are_passed_over() {
    for (path, value) in [
        ("/event/sender/sender_type", "app"),
        ("/event/message/message_type", "image"),
        ("/event/message/chat_type", "topic"),
        ("/header/event_type", "im.chat.updated_v1"),
    ] {
        let mut event = typed("/reset-password @_user_2", "group");
        *event.pointer_mut(path).unwrap() = value.into();
        assert!(
            matches!(receive_event(&event), Ok(Interaction::Ping)),
            "{path}"
        );
    }
}

/// Checked: signature, time, token, app and tenant.
#[test]
fn only_our_app_s_events_in_our_tenant_and_in_time_count() {
    let good = typed("/reset-password help", "p2p");
    assert!(matches!(receive_event(&good), Ok(Interaction::Command(_))));
    let unsigned = |event: &Value| {
        matches!(
            receive_event(event),
            Err(NotVerified::Unsigned(_) | NotVerified::Stale { .. })
        )
    };
    for (path, value) in [
        ("/header/token", "canary-lark-verification-02"),
        ("/header/app_id", "cli_b"),
        ("/header/tenant_key", "other"),
        ("/header/create_time", "1795427699000"),
        ("/header/create_time", "1795428301000"),
        ("/header/create_time", "soon"),
        ("/header/create_time", "-1795428000000"),
        ("/header/create_time", "1795427699000000"),
    ] {
        let mut event = good.clone();
        *event.pointer_mut(path).unwrap() = value.into();
        assert!(unsigned(&event), "{path} {value}");
    }
    let mut callback = good.clone();
    callback["header"]["create_time"] = "1795428000000000".into();
    assert!(
        receive_event(&callback).is_ok(),
        "callbacks of cards come with microseconds"
    );
    let body = sealed(&good);
    let refused = |headers: &HeaderMap, body: &str| {
        matches!(
            receive(headers, body),
            Err(NotVerified::Unsigned(_) | NotVerified::Stale { .. })
        )
    };
    for timestamp in ["1795427699", "1795428301", "1", "17954280000"] {
        assert!(
            refused(&headers(timestamp, "n1", &body), &body),
            "{timestamp}"
        );
    }
    // A digit or a letter moved from one part to the next, with the same signature.
    for (timestamp, nonce) in [("179542800", "0n1"), ("1795428000n", "1")] {
        let mut moved = headers("1795428000", "n1", &body);
        moved.insert("x-lark-request-timestamp", timestamp.parse().unwrap());
        moved.insert("x-lark-request-nonce", nonce.parse().unwrap());
        assert!(refused(&moved, &body), "{timestamp} {nonce}");
    }
    for name in [
        "x-lark-request-timestamp",
        "x-lark-request-nonce",
        "x-lark-signature",
    ] {
        let mut less = headers("1795428000", "n1", &body);
        less.remove(name);
        assert!(refused(&less, &body), "without {name}");
        let mut twice = headers("1795428000", "n1", &body);
        let again = twice[name].clone();
        twice.append(name, again);
        assert!(refused(&twice, &body), "{name} twice");
    }
    let mut upper = headers("1795428000", "n1", &body);
    let signature = upper["x-lark-signature"].to_str().unwrap().to_uppercase();
    upper.insert("x-lark-signature", signature.parse().unwrap());
    assert!(refused(&upper, &body));
    assert!(refused(&headers("1795428000", "n1", "x"), &body));
    // Correctly signed, but with other content.
    for body in [
        "{}",
        "[]",
        "x",
        &good.to_string(),
        &format!("{body} x"),
        "{\"encrypt\":\"AAAA\"}",
    ] {
        assert!(refused(&headers("1795428000", "n1", body), body), "{body}");
    }
    let doubled = body.replacen('{', "{\"encrypt\":\"\",", 1);
    assert!(
        refused(&headers("1795428000", "n1", &doubled), &doubled),
        "a key twice"
    );
}

/// Every byte of the padding is checked; some libraries check only the last one.
#[test]
fn padding_is_held_to_the_standard() {
    let text = typed("/reset-password help", "p2p").to_string();
    let text = format!("{text}{}", " ".repeat(15 - text.len() % 16 + 8));
    for (wrong, is_taken) in [(None, true), (Some(2), false), (Some(8), false)] {
        let key = Sha256::digest(KEY.as_bytes());
        let length = 16 - text.len() % 16;
        let mut padded = text.clone().into_bytes();
        padded.extend(std::iter::repeat_n(u8::try_from(length).unwrap(), length));
        if let Some(at) = wrong {
            let place = padded.len() - at.min(length);
            padded[place] ^= 1;
        }
        let cipher = cbc::Encryptor::<Aes256>::new_from_slices(&key, &[9; 16]).unwrap();
        let whole = padded.len();
        let sealed = cipher
            .encrypt_padded::<cbc::cipher::block_padding::NoPadding>(&mut padded, whole)
            .unwrap();
        let body = json!({ "encrypt": STANDARD.encode([&[9; 16], sealed].concat()) }).to_string();
        assert_eq!(
            receive(&headers("1795428000", "n1", &body), &body).is_ok(),
            is_taken,
            "{wrong:?}"
        );
    }
}

/// A challenge is answered only if it is encrypted and has the token, never in plain text.
#[test]
fn a_challenge_is_answered_only_when_it_is_encrypted() {
    let challenge = json!({ "challenge": "c1", "token": TOKEN, "type": "url_verification" });
    let is_taken = |body: &str| matches!(receive(&plain_headers(), body), Ok(Interaction::Challenge(text)) if text == "c1");
    assert!(is_taken(&sealed(&challenge)));
    assert!(!is_taken(&challenge.to_string()), "plain text");
    for (name, value) in [
        ("token", "canary-lark-verification-02"),
        ("type", "x"),
        ("challenge", ""),
    ] {
        let mut wrong = challenge.clone();
        wrong[name] = value.into();
        assert!(!is_taken(&sealed(&wrong)), "{name}");
    }
}

/// Somebody who saw one event knows the app, the tenant and the verification token, and still cannot forge another.
#[test]
fn an_event_that_is_not_encrypted_and_signed_is_refused() {
    let event = typed("/reset-password help", "p2p");
    for body in [event.to_string(), sealed(&event)] {
        assert!(
            matches!(
                receive(&plain_headers(), &body),
                Err(NotVerified::Unsigned(_))
            ),
            "{body}"
        );
    }
    // A plain body, signed with the right key. Lark does not send that.
    let plain = event.to_string();
    assert!(matches!(
        receive(&headers("1795428000", "n1", &plain), &plain),
        Err(NotVerified::Unsigned(_))
    ));
}

fn pressed(value: &Value, form: &Value) -> Value {
    event(
        CARD_EVENT,
        &json!({
            "operator": { "open_id": JO, "tenant_key": "acme" }, "token": "c-1",
            "action": { "tag": "button", "value": value, "form_value": form },
            "context": { "open_message_id": "om_1", "open_chat_id": "oc_1" },
        }),
    )
}

#[test]
fn clicks_and_forms_are_read() {
    let click = pressed(
        &json!({ "action": "deliver_copy", "value": "v", "group": "oc_1" }),
        &json!({}),
    );
    let Ok(Interaction::Click(read)) = receive_event(&click) else {
        panic!("no click")
    };
    assert_eq!(
        (read.action, read.value.as_str()),
        (Action::Choose(crate::domain::Delivery::Copy), "v")
    );
    let place: LarkReply = serde_json::from_str(read.origin.reply.unwrap().expose()).unwrap();
    assert_eq!(
        (
            place.is_group,
            place.token.as_deref(),
            place.card.as_deref()
        ),
        (true, Some("c-1"), Some("om_1"))
    );
    let form = pressed(
        &json!({ "form": "deliver_other", "value": "v" }),
        &json!({ "destination": "+82" }),
    );
    let Ok(Interaction::Form(read)) = receive_event(&form) else {
        panic!("no form")
    };
    assert_eq!(
        (read.kind, read.typed.as_str()),
        (FormKind::Destination, "+82")
    );

    for (value, form) in [
        (json!({ "action": "rm", "value": "v" }), json!({})),
        (
            json!({ "action": "cancel", "form": "deliver_other", "value": "v" }),
            json!({ "destination": "x" }),
        ),
        (json!({ "form": "deliver_other", "value": "v" }), json!({})),
        (
            json!({ "form": "deliver_other", "value": "v" }),
            json!({ "destination": 5 }),
        ),
        (json!({}), json!({})),
        (json!("v"), json!({})),
    ] {
        assert!(
            matches!(
                receive_event(&pressed(&value, &form)),
                Err(NotVerified::Malformed(_))
            ),
            "{value} {form}"
        );
    }
    let mut strange = click;
    // Lark sends an event again that gets no 200, so whoever is of another tenant is refused by who they are.
    strange["event"]["operator"]["tenant_key"] = "other".into();
    let Ok(Interaction::Click(click)) = receive_event(&strange) else {
        panic!("a click of another tenant is read")
    };
    assert_eq!(click.origin.user.tenant, "other");
    strange["event"]["operator"] = json!({ "tenant_key": "acme", "open_id": "ou_../../x" });
    assert!(matches!(
        receive_event(&strange),
        Err(NotVerified::Malformed(_))
    ));
}

/// The same event with another nonce is the same request, and so are its retries.
#[test]
fn a_retry_is_the_same_request() {
    let body = sealed(&typed("/reset-password help", "p2p"));
    let key = |timestamp: &str, nonce: &str| {
        let Ok(Interaction::Command(command)) = receive(&headers(timestamp, nonce, &body), &body)
        else {
            panic!()
        };
        command.origin.replay
    };
    assert_eq!(key("1795428000", "n1"), key("1795428015", "n2"));
}

#[test]
fn accounts_are_judged_by_what_lark_says() {
    let judged = |account: Value| profile_of(&serde_json::from_value(account).unwrap());
    let plain = judged(json!({ "open_id": JO, "email": "jo@acme.example", "status": {} }));
    assert!(
        plain.confirmed_email.is_none(),
        "an address that somebody typed into the profile proves nothing"
    );
    assert_eq!(
        (plain.kind, plain.role),
        (AccountKind::Member, Role::Member)
    );
    let known = judged(
        json!({ "open_id": JO, "enterprise_email": "jo@acme.example", "is_tenant_manager": true, "status": {} }),
    );
    assert_eq!(
        (known.confirmed_email.is_some(), known.role),
        (true, Role::PrimaryAdmin)
    );
    assert_eq!(
        judged(json!({ "open_id": JO })).kind,
        AccountKind::Deleted,
        "nobody says that it is in use"
    );
    for gone in ["is_frozen", "is_resigned", "is_exited"] {
        assert_eq!(
            judged(json!({ "open_id": JO, "status": { gone: true } })).kind,
            AccountKind::Deleted
        );
    }
}

/// Names are in plain texts, which have no markup, and nowhere else.
#[test]
fn hostile_names_stay_names() {
    fn texts<'a>(part: &'a Value, found: &mut Vec<&'a str>) {
        match part {
            Value::Object(fields) => {
                if let Some(text) = fields.get("content") {
                    assert_eq!(fields["tag"], "plain_text");
                    found.extend(text.as_str());
                }
                fields.values().for_each(|part| texts(part, found));
            }
            Value::Array(parts) => parts.iter().for_each(|part| texts(part, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    for name in hostile_names() {
        let button = crate::chat::Button {
            action: Action::Cancel,
            label: name.clone(),
            value: "v".to_owned(),
            style: crate::chat::Style::Plain,
            starts_row: false,
        };
        let message = Message {
            title: name.clone(),
            facts: vec![name.clone()],
            lines: vec![name.clone()],
            buttons: vec![button.clone()],
            aside: Some(crate::chat::Aside {
                question: name.clone(),
                button,
            }),
            small_print: vec![name.clone()],
            ..Message::default()
        };
        let card = render::message(&message, None, Some("oc_1"));
        let mut found = Vec::new();
        texts(&card, &mut found);
        assert_eq!(found, [name.as_str(); 7]);
    }
}
