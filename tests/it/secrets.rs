//! P3: no password, no secret and no token in a log line, on disk or in a message that is not the plan's own.

use std::fmt::Debug;
use std::io::Write;
use std::sync::{Arc, Mutex};

use relatch::surface::directory::{NextReset, ResetFailed, WhyRefused};
use relatch::surface::domain::Span;
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::store::HistoryFilter;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::sent::password_in_sms;
use crate::support::slack::{button_value, shown_password};
use crate::support::{BOT_TOKEN, Left, SECRET, TestBot};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";

/// Writes down every field of every event and span. It keeps no spans, so it can be the default of the whole process: a
/// registry would panic where another thread ends a span that a test's own subscriber opened.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0.lock().unwrap(), "{field} {value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("relatch")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        attributes.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn contains(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

/// Everything that anybody logs at TRACE, libraries of ours included, while every kind of reset goes by: shown, sent,
/// refused, unknown, undelivered and delivered another way. Whatever other tests log meanwhile is heard too.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_stay_out_of_logs_and_off_the_disk() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();

    let bot = TestBot::new().await;
    let mut passwords = Vec::new();
    passwords.extend(shown_password(&bot.reset(JO, MINA, "deliver_copy").await));
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Message));
    let undelivered = bot.reset(JO, MINA, "deliver_phone").await;
    bot.another_way(JO, &undelivered, "deliver_email").await;
    for (next, outcome) in [
        (
            NextReset::Fail(ResetFailed::Refused(WhyRefused::Gone)),
            None,
        ),
        (NextReset::ChangeAndLoseTheAnswer, None),
        (NextReset::Real, Some(Outcome::Unknown)),
        (NextReset::Real, None),
    ] {
        bot.directory.next_reset(next);
        if let Some(outcome) = outcome {
            bot.outbox.end_next_send(outcome);
        }
        bot.reset(JO, MINA, "deliver_phone").await;
    }
    bot.set_password("noa@acme.example", "canary-of-noa-1")
        .await;
    let sent = bot.outbox.take();
    passwords.extend(sent.iter().filter_map(|sent| {
        password_in_sms(&sent.text).or_else(|| {
            let (_, rest) = sent.text.split_once("Your new one is:\n")?;
            Some(rest.trim().chars().take(8).collect())
        })
    }));
    assert!(
        passwords.len() >= 3,
        "only {} passwords were seen",
        passwords.len()
    );
    let reply_address = format!("{}/reply/", bot.slack.base);
    let said: Vec<u8> = bot
        .slack
        .said()
        .iter()
        .flat_map(|said| said.to_string().into_bytes())
        .collect();
    let disk = bot.bytes_on_disk();
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();

    let log = log.0.lock().unwrap().clone();
    assert!(contains(&log, "a reset ended"), "the log was not heard");
    assert!(
        past.iter()
            .any(|past| contains(&log, &past.reset.reset_id.to_string())),
        "our own was not heard"
    );
    assert!(contains(&disk, "Mina Park"), "the disk was not read");
    for secret in passwords
        .iter()
        .map(String::as_str)
        .chain([SECRET, BOT_TOKEN, "canary-of-noa-1"])
    {
        assert!(!contains(&log, secret), "{secret} is in the log");
        assert!(!contains(&disk, secret), "{secret} is on the disk");
    }
    for password in &passwords {
        let times = said
            .windows(password.len())
            .filter(|window| *window == password.as_bytes())
            .count();
        assert!(times <= 1, "a password was said {times} times");
    }
    // A reply address is a bearer token for half an hour: it lies sealed on disk, and never in a log.
    assert!(!contains(&log, &reply_address) && !contains(&disk, &reply_address));
    for contact in ["+821012345642", "mina@mail.example"] {
        assert!(!contains(&log, contact), "{contact} is in the log");
    }
}

/// A password is kept in memory while it can go another way, and no longer; the record says why it did not arrive.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_arrived_is_not_kept() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    for is_refused in [true, false] {
        let ready = bot.last_look(JO, MINA, "deliver_phone").await;
        let value = button_value(&ready, "confirm").unwrap();
        let id = bot.app.keys.read_button_value(&value).unwrap().0;
        let is_kept = || bot.app.held.has(id, bot.clock.now());
        if is_refused {
            bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
        }
        bot.click(JO, &ready, "confirm").await;
        assert_eq!(is_kept(), is_refused);
        let failed = bot.count("reset where failure = 'address'").await;
        assert_eq!(failed, i64::from(is_refused));
        if is_refused {
            bot.another_way(JO, &bot.slack.last(), "deliver_email")
                .await;
            assert!(!is_kept());
        }
        assert_eq!(bot.count("reset where failure is not null").await, 0);
        bot.clock.advance(Span::seconds(1));
    }
}
