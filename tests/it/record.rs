//! Makes the requests in `tests/fixtures/lark` and `tests/fixtures/mattermost`: what these platforms would post, with the
//! keys of the tests. Run it with `cargo test --test it record -- --ignored` after a change of the table, then
//! `INSTA_UPDATE=always cargo test --test it fixtures`, and read what changed.

use std::path::Path;

use axum::body::Body;
use axum::http::Request;
use relatch::surface::domain::{Moment, Platform, Span};
use serde_json::Value;

use crate::support::slack::{button_value, user_id};
use crate::support::{Left, RECORDED_ORIGIN, START, TestBot, lark, mattermost};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const LEE: &str = "lee@acme.example";
const MINA: &str = "mina.park@acme.example";

/// What somebody does. A click is one of the last message, a form the one that was opened last.
#[derive(Clone, Copy)]
enum Does {
    Types(&'static str),
    Mentions(&'static str, &'static str),
    Clicks(&'static str),
    Forges(&'static str),
    Sends(&'static str),
}

use Does::{Clicks, Forges, Mentions, Sends, Types};

/// Name, what came before, who, does what. What comes before stands above.
type Case = (&'static str, &'static [&'static str], &'static str, Does);

const CASES: &[Case] = &[
    ("help", &[], JO, Types("help")),
    ("alone", &[], JO, Types("")),
    ("log", &[], JO, Types("log")),
    ("reset", &[], JO, Mentions("", MINA)),
    (
        "reset-with-reason",
        &[],
        JO,
        Mentions("", "mina.park@acme.example ticket INC-2041"),
    ),
    ("reset-by-email", &[], JO, Types("mina.park@acme.example")),
    ("why", &[], JO, Mentions("why", MINA)),
    ("reset-oneself", &[], JO, Mentions("", JO)),
    ("reset-primary-by-delegated", &[], KIM, Mentions("", JO)),
    ("reset-without-right", &[], LEE, Mentions("", MINA)),
    (
        "reset-stranger",
        &[],
        JO,
        Mentions("", "nobody@acme.example"),
    ),
    (
        "reset-two-members",
        &[],
        JO,
        Mentions(MINA, "noa@acme.example"),
    ),
    ("reset-suspended", &[], JO, Mentions("", "sam@acme.example")),
    ("choose-phone", &["reset"], JO, Clicks("deliver_phone")),
    ("other", &["reset"], JO, Clicks("deliver_other")),
    ("cancel", &["reset"], JO, Clicks("cancel")),
    ("card-of-another", &["reset"], KIM, Clicks("deliver_phone")),
    ("forged-value", &["reset"], JO, Forges("deliver_phone")),
    ("typed-bad", &["reset", "other"], JO, Sends("mina@")),
    (
        "typed-phone",
        &["reset", "other"],
        JO,
        Sends("+82 10 9999 8877"),
    ),
    (
        "also-show",
        &["reset", "choose-phone"],
        JO,
        Clicks("also_show"),
    ),
    ("confirm", &["reset", "choose-phone"], JO, Clicks("confirm")),
    (
        "confirm-twice",
        &["reset", "choose-phone", "confirm"],
        JO,
        Clicks("confirm"),
    ),
];

/// A request: path, headers, body.
type Made = (&'static str, Vec<(String, String)>, String);

fn make(
    platform: Platform,
    bot: &TestBot,
    card: &Value,
    at: (u32, Moment),
    who: &str,
    does: Does,
) -> Made {
    let (serial, now) = at;
    // Of the last message that has the button, which may be an older one.
    let said = bot.slack.said();
    let value = |action: &str| {
        let mut messages = std::iter::once(card).chain(said.iter().rev());
        messages
            .find_map(|message| button_value(message, action))
            .unwrap_or_else(|| panic!("no {action} in {card:#}"))
    };
    let text = match does {
        Types(text) => text.to_owned(),
        Mentions(before, member) => {
            let mention = |email: &str| format!("<@{}>", user_id(email));
            let (member, rest) = member.split_once(' ').unwrap_or((member, ""));
            let before = if before.contains('@') {
                mention(before)
            } else {
                before.to_owned()
            };
            format!("{before} {} {rest}", mention(member))
                .trim()
                .to_owned()
        }
        Clicks(_) | Forges(_) | Sends(_) => String::new(),
    };
    if platform == Platform::Lark {
        let who = lark::id_of(who);
        let event = match does {
            Types(_) | Mentions(..) => lark::command_body(&who, &text, true, serial, now),
            Clicks(action) => lark::click_body(&who, action, &value(action), true, serial, now),
            Forges(action) => lark::click_body(&who, action, &"A".repeat(43), true, serial, now),
            Sends(typed) => lark::form_body(&who, &bot.slack.last_view(), typed, true, serial, now),
        };
        let body = lark::seal(&event);
        let headers = lark::sign(
            &now.unix_seconds().to_string(),
            &format!("nonce{serial}"),
            &body,
        );
        let name = |name: &str| match name {
            "x-lark-request-timestamp" => "X-Lark-Request-Timestamp".to_owned(),
            "x-lark-request-nonce" => "X-Lark-Request-Nonce".to_owned(),
            _ => "X-Lark-Signature".to_owned(),
        };
        let mut all = vec![(
            "Content-Type".to_owned(),
            "application/json; charset=utf-8".to_owned(),
        )];
        all.extend(
            headers
                .into_iter()
                .map(|(header, value)| (name(header), value)),
        );
        return (lark::ROUTE, all, body);
    }
    let who = mattermost::id_of(who);
    let reply = format!(
        "{RECORDED_ORIGIN}/mm/hooks/commands/{}",
        mattermost::hook_id(serial)
    );
    let (path, body) = match does {
        Types(_) | Mentions(..) => (
            "/mattermost/commands",
            mattermost::command_body(&who, &text, &reply, serial, now),
        ),
        Clicks(action) => (
            "/mattermost/actions",
            mattermost::click_body(&who, action, &value(action), serial, now),
        ),
        Forges(action) => (
            "/mattermost/actions",
            mattermost::click_body(&who, action, &"A".repeat(43), serial, now),
        ),
        Sends(typed) => (
            "/mattermost/dialogs",
            mattermost::form_body(&who, &bot.slack.last_view(), typed),
        ),
    };
    let mut headers: Vec<(String, String)> = mattermost::headers(path)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    headers.push(("X-At".to_owned(), now.unix_seconds().to_string()));
    (path, headers, body)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes tests/fixtures anew"]
async fn record() {
    for platform in [Platform::Lark, Platform::Mattermost] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(platform.as_str());
        std::fs::create_dir_all(&folder).unwrap();
        for (name, after, who, does) in CASES {
            // Mattermost's mentions have names of their own, and a forged value is no request there.
            if platform == Platform::Mattermost && matches!(does, Forges(_)) {
                continue;
            }
            let place = |name: &str| {
                let at = CASES.iter().position(|case| case.0 == name).unwrap();
                (
                    u32::try_from(at).unwrap() + 1,
                    START + Span::seconds(10 * i64::try_from(at).unwrap()),
                )
            };
            let before: Vec<&Case> = after
                .iter()
                .map(|name| CASES.iter().find(|case| case.0 == *name).unwrap())
                .collect();
            let first = before.first().map_or(*name, |case| case.0);
            let bot = TestBot::recorded(place(first).1).await;
            bot.leaves(Left::Messages, "only the request is kept");
            let mut card = Value::Null;
            for (earlier, _, who, does) in before {
                bot.clock.advance(place(earlier).1 - bot.clock.now());
                let (path, headers, body) = make(platform, &bot, &card, place(earlier), who, *does);
                let mut request = Request::post(path);
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                let answer = bot.send(request.body(Body::from(body)).unwrap()).await;
                let read = match platform {
                    Platform::Lark => {
                        bot.slack
                            .memory
                            .note_answered(lark::token(true, place(earlier).0));
                        lark::read_answer(&bot.slack.memory, &answer.body)
                    }
                    Platform::Slack | Platform::Discord | Platform::Mattermost => {
                        mattermost::read_answer(&bot.slack.memory, path, answer).body
                    }
                };
                bot.settle().await;
                card = serde_json::from_slice(&read)
                    .ok()
                    .or_else(|| bot.slack.said().pop())
                    .unwrap_or(card);
            }
            let (path, headers, body) = make(platform, &bot, &card, place(name), who, *does);
            let mut text = format!("POST {path} HTTP/1.1\nHost: reset.acme.example\n");
            for (name, value) in headers {
                text.extend([&name, ": ", &value, "\n"]);
            }
            if !after.is_empty() {
                text.extend(["X-After: ", &after.join(", "), "\n"]);
            }
            std::fs::write(
                folder.join(format!("{name}.http")),
                format!("{text}\n{body}\n"),
            )
            .unwrap();
        }
    }
}
