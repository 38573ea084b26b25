//! Log lines of a running `serve` for an address, a method or a clock that is set wrongly.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use relatch::clock::Clock;
use serde_json::Value;

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
"#;

/// A line of this kind is written once a second at most.
const PAUSE: Duration = Duration::from_millis(1100);

/// Sends a request without a body; the status of the answer.
fn send(serving: &Serving, request_line: &str, headers: &[(&str, &str)]) -> u16 {
    let mut stream = TcpStream::connect(&serving.addr).unwrap();
    let mut request = format!(
        "{request_line} HTTP/1.1\r\nhost: reset.acme.example\r\nconnection: close\r\ncontent-length: 0\r\n"
    );
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    stream.write_all((request + "\r\n").as_bytes()).unwrap();
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
    for (behind, side) in [(400, "behind"), (-400, "ahead of")] {
        let time = (Clock::System.now().unix_seconds() - behind).to_string();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-slack-request-timestamp", &time),
            ("x-slack-signature", "v0=canary"),
        ];
        assert_eq!(send(&serving, "POST /slack/commands", &headers), 401);
        let line = serving.hears("refused a stale request");
        let told = line["clock.behind_s"].as_i64().unwrap();
        assert!((behind..behind + 60).contains(&told), "{line}");
        let message = line["message"].as_str().unwrap();
        let difference = format!("its time is {} s {side} this machine's clock", told.abs());
        assert!(message.contains(&difference), "{line}");
        assert_eq!(
            (&line["platform"], &line["reason"]),
            (&"slack".into(), &"stale".into())
        );
        no_secret_in(&line);
        std::thread::sleep(PAUSE);
    }
}
