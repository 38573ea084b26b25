//! Log lines of a running `serve` for an address, a method or a clock that is set wrongly.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use relatch::surface::clock::Clock;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::reload::Serving;
use super::*;

const SETTINGS: &str = r#"listen = "127.0.0.1:0"
organization = "Acme"
public_url = "https://reset.acme.example"
[slack]
signing_secret = "0123456789abcdef0123456789abcdef"
team_id = "TACME"
bot_token = "xoxb-canary-bot-token-01"
[mattermost]
url = "https://chat.acme.example"
bot_token = "canarybotsecretofthemmost1"
command_tokens = ["canaryttokenofthecommand02"]
[lark]
app_id = "cli_a"
app_secret = "canary-lark-app-secret-0001"
encrypt_key = "canary-lark-encrypt-key-01"
verification_token = "canary-lark-verification-01"
tenant_key = "acme"
[discord]
application_id = "100000000000000001"
public_key = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
bot_token = "canary-discord-bot-token-01"
guild_id = "200000000000000002"
"#;

/// An event of schema 1.0 as Lark sends it.
fn old_event() -> String {
    json!({
        "uuid": "371e9629c20131842fd245dc99a266a6", "token": "canary-lark-verification-01", "ts": "1630045346.370087",
        "type": "event_callback",
        "event": { "app_id": "cli_a", "tenant_key": "acme", "type": "message", "text_without_at_bot": " canary" },
    })
    .to_string()
}

/// Lark, "Encrypt key": AES-256-CBC with the SHA-256 of the key, the vector before it.
fn seal(event: &str) -> String {
    let key = Sha256::digest(b"canary-lark-encrypt-key-01");
    let mut buffer = vec![0; event.len() + 16];
    buffer[..event.len()].copy_from_slice(event.as_bytes());
    let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key, &[7; 16]).unwrap();
    let sealed = cipher
        .encrypt_padded::<Pkcs7>(&mut buffer, event.len())
        .unwrap();
    json!({ "encrypt": STANDARD.encode([&[7; 16][..], sealed].concat()) }).to_string()
}

/// A line of this kind is written once a second at most.
const PAUSE: Duration = Duration::from_millis(1100);

/// Sends a request without a body; the status of the answer.
fn send(serving: &Serving, request_line: &str, headers: &[(&str, &str)]) -> u16 {
    send_body(serving, request_line, headers, "")
}

fn send_body(serving: &Serving, request_line: &str, headers: &[(&str, &str)], body: &str) -> u16 {
    let mut stream = TcpStream::connect(&serving.addr).unwrap();
    let mut request = format!(
        "{request_line} HTTP/1.1\r\nhost: reset.acme.example\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request = [request.as_str(), name, ": ", value, "\r\n"].concat();
    }
    stream
        .write_all((request + "\r\n" + body).as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap();
    status.parse().unwrap()
}

fn no_secret_in(line: &Value) {
    let line = line.to_string();
    assert!(!line.contains("canary") && !line.contains('?'), "{line}");
}

/// The address or the method was set wrongly on the platform: the log says what to set, and nothing of what came.
#[test]
fn a_request_beside_a_webhook_is_told_in_the_log() {
    let place = Place::new(SETTINGS);
    let mut serving = Serving::start(&place);
    for (request, status, message, platform) in [
        (
            "GET /mattermost/commands?token=canaryttokenofthecommand02&text=canary",
            405,
            "GET /mattermost/commands: set the command's request method to POST",
            "mattermost",
        ),
        (
            "PUT /slack/interactions",
            405,
            "PUT /slack/interactions: only POST is answered",
            "slack",
        ),
        (
            "POST /slack/command/xoxb-canary-bot-token-01?x=canary",
            404,
            "POST below /slack: there is only /slack/commands, /slack/interactions",
            "slack",
        ),
        (
            "CANARY /mattermost",
            404,
            "a request below /mattermost: there is only /mattermost/commands, /mattermost/actions, /mattermost/dialogs",
            "mattermost",
        ),
        (
            "GET /slack/commands/",
            404,
            "GET below /slack: there is only /slack/commands, /slack/interactions",
            "slack",
        ),
        (
            "GET /lark/events?challenge=canary",
            405,
            "GET /lark/events: only POST is answered",
            "lark",
        ),
        (
            "POST /lark/event",
            404,
            "POST below /lark: there is only /lark/events",
            "lark",
        ),
        (
            "GET /discord/interactions",
            405,
            "GET /discord/interactions: only POST is answered",
            "discord",
        ),
        (
            "POST /discord",
            404,
            "POST below /discord: there is only /discord/interactions",
            "discord",
        ),
    ] {
        assert_eq!(send(&serving, request, &[]), status, "{request}");
        let line = serving.hears(message);
        assert_eq!(
            (&line["message"], &line["platform"]),
            (&message.into(), &platform.into())
        );
        no_secret_in(&line);
        std::thread::sleep(PAUSE);
    }
}

/// What has to be set on the platform has the path of `public_url`, whether the proxy keeps it or not.
#[test]
fn the_log_names_addresses_with_the_path_of_public_url() {
    let place = Place::new(&SETTINGS.replace("reset.acme.example", "acme.example/reset"));
    let mut serving = Serving::start(&place);
    for (request, status, message) in [
        (
            "GET /reset/mattermost/commands",
            405,
            "GET /reset/mattermost/commands: set the command's request method to POST",
        ),
        (
            "POST /lark/event",
            404,
            "POST below /reset/lark: there is only /reset/lark/events",
        ),
    ] {
        assert_eq!(send(&serving, request, &[]), status, "{request}");
        assert_eq!(serving.hears(message)["message"], message);
        std::thread::sleep(PAUSE);
    }
}

/// Anybody can send such requests, so they do not fill the log.
#[test]
fn a_flood_beside_a_webhook_is_told_once_a_second() {
    let place = Place::new(SETTINGS);
    let mut serving = Serving::start(&place);
    let begun = Instant::now();
    for _ in 0..40 {
        assert_eq!(send(&serving, "GET /slack/commands", &[]), 405);
    }
    let seconds = begun.elapsed().as_secs();
    std::thread::sleep(PAUSE);
    send(&serving, "DELETE /slack/commands", &[]);
    let mut lines = 0;
    while !serving.hears("")["message"]
        .as_str()
        .unwrap()
        .starts_with("DELETE")
    {
        lines += 1;
    }
    assert!(
        (1..=seconds + 2).contains(&lines),
        "{lines} lines in {seconds} s"
    );
}

/// The usual cause is a clock, so the line says how far it is off.
#[test]
fn the_line_about_a_stale_request_tells_how_far_the_clocks_differ() {
    let place = Place::new(SETTINGS);
    let mut serving = Serving::start(&place);
    let signature = "0".repeat(128);
    // The time stands in a header of each platform's own.
    let requests = [
        (
            "slack",
            "POST /slack/commands",
            "application/x-www-form-urlencoded",
            [
                ("x-slack-request-timestamp", ""),
                ("x-slack-signature", "v0=canary"),
                ("x-slack-retry-num", "1"),
            ],
        ),
        (
            "lark",
            "POST /lark/events",
            "application/json",
            [
                ("x-lark-request-timestamp", ""),
                ("x-lark-request-nonce", "n1"),
                ("x-lark-signature", &signature[..64]),
            ],
        ),
        (
            "discord",
            "POST /discord/interactions",
            "application/json",
            [
                ("x-signature-timestamp", ""),
                ("x-signature-ed25519", signature.as_str()),
                ("x-canary", "canary"),
            ],
        ),
    ];
    for (platform, request, content_type, signed) in requests {
        for (behind, side) in [(400, "behind"), (-400, "ahead of")] {
            let time = (Clock::System.now().unix_seconds() - behind).to_string();
            let mut headers = vec![("content-type", content_type)];
            headers.extend(signed);
            headers[1].1 = &time;
            assert_eq!(send(&serving, request, &headers), 401, "{platform}");
            let line = serving.hears("refused a stale request");
            let told = line["clock.behind_s"].as_i64().unwrap();
            assert!((behind..behind + 60).contains(&told), "{line}");
            let message = line["message"].as_str().unwrap();
            let difference = format!("its time is {} s {side} this machine's clock", told.abs());
            assert!(message.contains(&difference), "{line}");
            assert_eq!(
                (&line["platform"], &line["reason"]),
                (&platform.into(), &"stale".into())
            );
            no_secret_in(&line);
            std::thread::sleep(PAUSE);
        }
    }
}

/// Nothing answers a command that comes in the old schema, so the log says what to switch on in its place.
#[test]
fn the_line_about_an_old_event_of_lark_tells_what_to_switch_on() {
    let place = Place::new(SETTINGS);
    let mut serving = Serving::start(&place);
    let body = seal(&old_event());
    let time = Clock::System.now().unix_seconds().to_string();
    let signed = [&*time, "n1", "canary-lark-encrypt-key-01", &*body].concat();
    let signature = hex::encode(Sha256::digest(signed));
    let headers = [
        ("content-type", "application/json"),
        ("x-lark-request-timestamp", &*time),
        ("x-lark-request-nonce", "n1"),
        ("x-lark-signature", &*signature),
    ];
    for _ in 0..2 {
        assert_eq!(
            send_body(&serving, "POST /lark/events", &headers, &body),
            200
        );
    }
    let line = serving.hears("Lark sent an event of schema 1.0");
    let message = line["message"].as_str().unwrap();
    assert!(
        message.contains("add the event im.message.receive_v1"),
        "{line}"
    );
    no_secret_in(&line);
    // A forged one is not told as one of Lark's.
    assert_eq!(
        send_body(&serving, "POST /lark/events", &headers[..1], &body),
        401
    );
    assert_eq!(serving.hears("")["message"], "refused an unsigned request");
}

/// The Request URL leads past every route, where nothing says of which platform a request is but its signature's header.
#[test]
fn a_request_that_a_platform_signed_is_told_wherever_it_came() {
    let place = Place::new(&SETTINGS.replace("reset.acme.example", "acme.example/reset"));
    let mut serving = Serving::start(&place);
    for (request, header, status, message) in [
        (
            "POST /",
            "x-slack-signature",
            405,
            "POST outside of /reset/slack: there is only /reset/slack/commands, /reset/slack/interactions",
        ),
        (
            "POST /reset/canary?canary",
            "x-slack-signature",
            404,
            "POST outside of /reset/slack: there is only /reset/slack/commands, /reset/slack/interactions",
        ),
        (
            "POST /slackcanary",
            "x-signature-ed25519",
            404,
            "POST outside of /reset/discord: there is only /reset/discord/interactions",
        ),
        (
            "POST /signin/canary",
            "x-lark-signature",
            404,
            "POST outside of /reset/lark: there is only /reset/lark/events",
        ),
    ] {
        let headers = [(header, "canary")];
        assert_eq!(send(&serving, request, &headers), status, "{request}");
        let line = serving.hears("POST");
        assert_eq!(line["message"], message);
        no_secret_in(&line);
        std::thread::sleep(PAUSE);
    }
}

/// The headers with which Slack signs a body (Slack, "Verifying requests from Slack").
fn signed_by_slack(secret: &str, body: &str) -> [(&'static str, String); 3] {
    let at = Clock::System.now().unix_seconds().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{at}:{body}").as_bytes());
    let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    let form = "application/x-www-form-urlencoded".to_owned();
    [
        ("content-type", form),
        ("x-slack-request-timestamp", at),
        ("x-slack-signature", signature),
    ]
}

/// The set-up at Slack and the settings differ: the log says which of the two to correct.
#[test]
fn what_slack_signs_and_is_refused_is_told_with_what_to_set() {
    const OWN: &str = "0123456789abcdef0123456789abcdef";
    let command = "team_id=TACME&user_id=UJO&command=%2Freset-password&text=canary";
    let elsewhere = command.replace("TACME", "TELSE");
    let click = "payload=%7B%22type%22%3A%22canary%22%7D";
    let (commands, interactions) = ("POST /slack/commands", "POST /slack/interactions");
    let place = Place::new(SETTINGS);
    let mut serving = Serving::start(&place);
    for (request, secret, body, status, advice) in [
        (
            commands,
            "canary-secret-of-another-app",
            command,
            401,
            "refused an unsigned request; if that is so with every request, copy slack.signing_secret again",
        ),
        (
            commands,
            OWN,
            elsewhere.as_str(),
            401,
            "refused an unsigned request; if that is so with every request, correct slack.team_id",
        ),
        (
            interactions,
            OWN,
            command,
            400,
            "refused a request at another address than its own: set Slash Commands, Request URL",
        ),
        (
            commands,
            OWN,
            click,
            400,
            "refused a request at another address than its own: set Interactivity & Shortcuts, Request URL",
        ),
    ] {
        let headers = signed_by_slack(secret, body);
        let headers = headers
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        assert_eq!(
            send_body(&serving, request, &headers, body),
            status,
            "{advice}"
        );
        let line = serving.hears("refused");
        let message = line["message"].as_str().unwrap();
        assert!(message.starts_with(advice), "{line}");
        no_secret_in(&line);
        std::thread::sleep(PAUSE);
    }
}
