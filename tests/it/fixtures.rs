//! Every request in `tests/fixtures/` through the real router, five ways: as recorded, with one bit flipped, unsigned,
//! six minutes late, and twice.
//!
//! To add a case, add a file to the folder of its platform: request line, headers, a blank line, the body, signed with
//! the secret of the tests (`record.rs` makes those of Lark and Mattermost, whose triggers it signs with the key of
//! `support/mattermost.rs`). A header `X-After` names the cases that came
//! before it in the same conversation; it is not a part of the request. To add a platform, add it to `PLATFORMS`.
//!
//! When our own values on buttons change, `cargo test --test it renew -- --ignored` puts the new ones into the requests
//! of Slack and Discord and signs them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use relatch::surface::domain::{Moment, ResetId, Span};
use serde_json::Value;

use crate::support::slack::text_of;
use crate::support::{Answer, Left, TestBot, discord, lark, mattermost};

/// A platform with recorded requests.
#[derive(Clone, Copy)]
struct Recorder {
    /// The folder.
    name: &'static str,
    timestamp: &'static str,
    proof: Proof,
    /// What the same bytes are answered with again.
    again: (StatusCode, &'static [u8]),
}

/// What proves a request.
#[derive(Clone, Copy)]
enum Proof {
    /// A header, over every byte of the body.
    Signature(&'static str),
    /// What stands in the body behind these, as far as they are there: each of it is needed.
    Within(&'static [&'static str]),
}

const CONFLICT: (StatusCode, &[u8]) = (StatusCode::CONFLICT, b"");

const PLATFORMS: [Recorder; 4] = [
    Recorder {
        name: "slack",
        timestamp: "X-Slack-Request-Timestamp",
        proof: Proof::Signature("X-Slack-Signature"),
        again: CONFLICT,
    },
    Recorder {
        name: "discord",
        timestamp: "X-Signature-Timestamp",
        proof: Proof::Signature("X-Signature-Ed25519"),
        again: CONFLICT,
    },
    // What is not answered with 200 Lark sends again.
    Recorder {
        name: "lark",
        timestamp: "X-Lark-Request-Timestamp",
        proof: Proof::Signature("X-Lark-Signature"),
        again: (StatusCode::OK, b"{}"),
    },
    // User and time are signed in `trigger_id`; a command needs a token besides, and a click our value. A dialog has its
    // state alone.
    Recorder {
        name: "mattermost",
        timestamp: "X-At",
        proof: Proof::Within(&[
            "&token=",
            "&trigger_id=",
            r#""value":""#,
            r#""trigger_id":""#,
            r#""state":"deliver_other:"#,
        ]),
        again: CONFLICT,
    },
];

/// A request as it was received.
#[derive(Clone)]
struct Recorded {
    by: Recorder,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    after: Vec<String>,
}

fn folder(by: Recorder) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(by.name)
}

fn names(by: Recorder, extension: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder(by))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let chosen = files.filter(|path| path.extension().is_some_and(|found| found == extension));
    chosen
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// All of them.
fn every_case() -> Vec<(String, Recorded)> {
    let of = |by| {
        names(by, "http")
            .into_iter()
            .map(move |name| (format!("{}/{name}", by.name), Recorded::read(by, &name)))
    };
    PLATFORMS.into_iter().flat_map(of).collect()
}

impl Recorded {
    fn read(by: Recorder, name: &str) -> Self {
        let text = std::fs::read_to_string(folder(by).join(format!("{name}.http"))).unwrap();
        let (head, body) = text
            .split_once("\n\n")
            .expect("a blank line behind the headers");
        let mut lines = head.lines();
        let path = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .expect("a request line")
            .to_owned();
        let mut recorded = Self {
            by,
            path,
            headers: Vec::new(),
            body: body.trim_end().as_bytes().to_vec(),
            after: Vec::new(),
        };
        for (name, value) in lines.map(|line| line.split_once(": ").expect("a header")) {
            match name {
                "X-After" => recorded.after = value.split(", ").map(str::to_owned).collect(),
                _ => recorded.headers.push((name.to_owned(), value.to_owned())),
            }
        }
        recorded
    }

    fn at(&self) -> Moment {
        let header = self
            .headers
            .iter()
            .find(|(name, _)| name == self.by.timestamp);
        let seconds: i64 = header.expect("a timestamp").1.parse().unwrap();
        Moment(seconds * 1000)
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::post(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Body::from(self.body.clone())).unwrap()
    }

    /// The answer, read as its platform reads it.
    async fn send_to(&self, bot: &TestBot) -> Answer {
        let memory = &bot.slack.memory;
        if self.by.name == "mattermost" {
            mattermost::note_request(memory, &self.path, &self.body);
        }
        let answer = bot.send(self.request()).await;
        match self.by.name {
            "discord" => Answer {
                body: discord::read_answer(memory, &answer.body),
                ..answer
            },
            "mattermost" => mattermost::read_answer(memory, &self.path, answer),
            "lark" => {
                // Every token of these recordings changes its card from now on.
                (0..100).for_each(|serial| memory.note_answered(lark::token(true, serial)));
                Answer {
                    body: lark::read_answer(memory, &answer.body),
                    ..answer
                }
            }
            _ => answer,
        }
    }

    /// The bytes that prove the request, where no header does.
    fn proofs(&self, behind: &[&str]) -> Vec<std::ops::Range<usize>> {
        let body = std::str::from_utf8(&self.body).unwrap();
        let proof = |part: &&str| {
            let place = body.find(part)? + part.len();
            let rest = &body[place..];
            let length = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
                .unwrap_or(rest.len());
            Some(place..place + length)
        };
        let found: Vec<_> = behind.iter().filter_map(proof).collect();
        assert!(!found.is_empty(), "a proof");
        found
    }

    /// The same without each of its proofs.
    fn unsigned(self) -> Vec<Self> {
        match self.by.proof {
            Proof::Signature(signature) => {
                let mut unsigned = self;
                unsigned.headers.retain(|(name, _)| name != signature);
                vec![unsigned]
            }
            Proof::Within(behind) => {
                let without = |proof| {
                    let mut unsigned = self.clone();
                    unsigned.body.drain(proof);
                    unsigned
                };
                self.proofs(behind).into_iter().map(without).collect()
            }
        }
    }

    /// Four bits of each proof, each of which spoils it.
    fn bits(&self) -> Vec<usize> {
        match self.by.proof {
            Proof::Signature(_) => {
                let bits = self.body.len() * 8;
                vec![0, bits / 3, bits / 2, bits - 1]
            }
            Proof::Within(behind) => {
                let bits = |proof: std::ops::Range<usize>| {
                    let (first, length) = (proof.start, proof.len());
                    [
                        first,
                        first + length / 3,
                        first + length / 2,
                        first + length - 2,
                    ]
                    .map(|byte| byte * 8)
                };
                self.proofs(behind).into_iter().flat_map(bits).collect()
            }
        }
    }

    /// What the same bytes are answered with again.
    fn again(&self, first: &Answer) -> (StatusCode, Vec<u8>) {
        match self.by.name {
            // Any other status is an error to the client, and a refusal is told again.
            "mattermost" if self.path.ends_with("/dialogs") => (StatusCode::OK, first.body.clone()),
            _ => (self.by.again.0, self.by.again.1.to_vec()),
        }
    }

    /// True for a dialog of Mattermost whose answer is a reason.
    fn is_refused(&self, first: &Answer) -> bool {
        self.path.ends_with("/dialogs") && first.body != b"{}"
    }

    /// A dialog of Mattermost carries no time; its card's life ends it.
    fn has_time(&self) -> bool {
        !self.path.ends_with("/dialogs")
    }

    fn with_flipped_bit(mut self, at: usize) -> Self {
        self.body[at / 8] ^= 1 << (at % 8);
        self
    }

    /// A bot that has seen everything that came before, at the time of this request.
    async fn bot(&self) -> TestBot {
        let before: Vec<Self> = self
            .after
            .iter()
            .map(|name| Self::read(self.by, name))
            .collect();
        let bot = TestBot::recorded(before.first().unwrap_or(self).at()).await;
        for earlier in before {
            bot.clock.advance(earlier.at() - bot.clock.now());
            assert_eq!(earlier.send_to(&bot).await.status, StatusCode::OK);
            bot.settle().await;
        }
        bot.clock.advance(self.at() - bot.clock.now());
        bot
    }
}

/// What the administrator sees, and what goes elsewhere.
fn told(status: StatusCode, answer: &Value, said: &[Value], sent: &[String]) -> String {
    let mut lines = vec![format!("{status}")];
    let message = |message: &Value| match message["errors"].as_object() {
        Some(errors) => format!(
            "{}: {:#?}",
            message["response_action"].as_str().unwrap(),
            errors
        ),
        None => text_of(message),
    };
    if !answer.is_null() {
        lines.extend(["-- answer".to_owned(), message(answer)]);
    }
    for follow_up in said {
        let how = if follow_up["replace_original"] == true {
            "replaces the message"
        } else {
            "is added"
        };
        lines.extend([format!("-- follow-up, {how}"), message(follow_up)]);
    }
    lines.extend(sent.iter().map(|sent| format!("-- sent to {sent}")));
    lines.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_answered_as_recorded() {
    for (name, recorded) in every_case() {
        let bot = recorded.bot().await;
        let before = bot.slack.said().len();
        let answer = recorded.send_to(&bot).await;
        bot.settle().await;
        let sent: Vec<String> = bot.outbox.take().into_iter().map(|sent| sent.to).collect();
        let told = told(
            answer.status,
            &answer.json(),
            &bot.slack.said()[before..],
            &sent,
        );
        insta::with_settings!({
            snapshot_path => folder(recorded.by),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!(name.split_once('/').unwrap().1, told) });
    }
    for by in PLATFORMS {
        assert_eq!(
            names(by, "http"),
            names(by, "snap"),
            "every case has one answer, and every answer its case"
        );
    }
}

/// One bit anywhere, no signature, or six minutes: 401, an empty body, and nothing else happens.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_of_a_request_that_is_not_proven() {
    for (name, recorded) in every_case() {
        let flipped: Vec<Recorded> = recorded
            .bits()
            .into_iter()
            .map(|bit| recorded.clone().with_flipped_bit(bit))
            .collect();
        let late = [Span::minutes(6), Span::minutes(-6)].map(|late| (recorded.clone(), late));
        let ways = flipped
            .into_iter()
            .chain(recorded.clone().unsigned())
            .map(|way| (way, Span(0)))
            .chain(late.into_iter().filter(|_| recorded.has_time()));
        let bot = recorded.bot().await;
        bot.leaves(Left::Messages, "the password that was sent");
        let before = (bot.trace().await, bot.slack.said().len());
        for (way, late) in ways {
            bot.clock.advance(late);
            let answer = bot.send(way.request()).await;
            bot.settle().await;
            bot.clock.advance(Span(-late.0));
            assert_eq!(
                (answer.status, answer.body.as_slice()),
                (StatusCode::UNAUTHORIZED, b"".as_slice()),
                "{name}"
            );
            assert_eq!(
                (bot.trace().await, bot.slack.said().len()),
                before,
                "{name}"
            );
        }
        // What came to nothing does not stand in the way of the real one.
        let taken = recorded.send_to(&bot).await;
        bot.settle().await;
        assert_eq!(taken.status, StatusCode::OK, "{name}");
        let now = (bot.trace().await, bot.slack.said().len());
        assert!(now != before || taken.body != recorded.by.again.1, "{name}");
    }
}

/// The same bytes again: no effect while they are remembered, and the record stands as it stood.
#[tokio::test(flavor = "multi_thread")]
async fn the_second_time_is_no_second_effect() {
    for (name, recorded) in every_case() {
        let mut bot = recorded.bot().await;
        bot.leaves(Left::Messages, "the password that was sent");
        let first = bot.send(recorded.request()).await;
        assert_eq!(first.status, StatusCode::OK, "{name}");
        bot.settle().await;
        let before = (bot.trace().await, bot.slack.said().len());
        for is_restarted in [false, true] {
            if is_restarted {
                // Now only the disk remembers.
                bot = bot.restart().await;
            }
            let again = bot.send(recorded.request()).await;
            bot.settle().await;
            assert_eq!((again.status, again.body), recorded.again(&first), "{name}");
            // A dialog that was refused is refused anew, and the record has each refusal.
            if recorded.is_refused(&first) {
                assert_eq!(bot.slack.said().len(), before.1, "{name}");
            } else {
                let now = (bot.trace().await, bot.slack.said().len());
                assert_eq!(now, before, "{name}");
            }
        }
    }
}

/// The reset that a value of ours names, and what names it now, where `bytes` have one at this place.
fn renewed(bot: &TestBot, bytes: &[u8], at: usize, id: ResetId) -> Option<(usize, String)> {
    // What the confirming button carries, and what the others carry.
    [46, 43].into_iter().find_map(|length| {
        let value = std::str::from_utf8(bytes.get(at..at + length)?).ok()?;
        let (_, edition) = bot.app.keys.read_button_value(value)?;
        let new = match edition {
            Some(edition) => bot.app.keys.confirm_value(id, edition),
            None => bot.app.keys.button_value(id),
        };
        Some((length, new))
    })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes tests/fixtures anew"]
async fn renew() {
    let by_signature = |case: &(String, Recorded)| matches!(case.1.by.name, "slack" | "discord");
    let mut cases: Vec<(String, Recorded)> =
        every_case().into_iter().filter(by_signature).collect();
    // Who comes earlier in a conversation is renewed earlier.
    cases.sort_by_key(|(_, recorded)| recorded.after.len());
    for (name, recorded) in cases {
        let Some(first) = recorded.after.first() else {
            continue;
        };
        let first = Recorded::read(recorded.by, first);
        let bot = first.bot().await;
        first.send_to(&bot).await;
        let id = bot.only_offer().await;
        let (mut body, mut at) = (Vec::new(), 0);
        while let Some(byte) = recorded.body.get(at) {
            if let Some((length, new)) = renewed(&bot, &recorded.body, at, id) {
                body.extend_from_slice(new.as_bytes());
                at += length;
            } else {
                body.push(*byte);
                at += 1;
            }
        }
        let body = String::from_utf8(body).unwrap();
        let time = recorded.at();
        bot.clock.advance(time - bot.clock.now());
        let signature = match recorded.by.name {
            "discord" => discord::sign(&time.unix_seconds().to_string(), body.as_bytes()),
            _ => bot.sign(&body)[1].1.clone(),
        };
        let file = folder(recorded.by).join(format!("{}.http", name.split_once('/').unwrap().1));
        let Proof::Signature(header) = recorded.by.proof else {
            unreachable!()
        };
        let text = std::fs::read_to_string(&file).unwrap();
        let (head, _) = text.split_once("\n\n").unwrap();
        let signed = |line: &str| {
            let is_signature = line.starts_with(&format!("{header}: "));
            if is_signature {
                format!("{header}: {signature}")
            } else {
                line.to_owned()
            }
        };
        let head: Vec<String> = head.lines().map(signed).collect();
        std::fs::write(file, format!("{}\n\n{body}\n", head.join("\n"))).unwrap();
    }
}
