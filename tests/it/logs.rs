//! What the log says, and how often.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use relatch::surface::domain::{Span, State};
use relatch::surface::flow::sweep;
use relatch::surface::store::HistoryFilter;
use tracing::subscriber::DefaultGuard;

use crate::support::slack::button_value;
use crate::support::{Left, TestBot, mattermost};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";

/// The lines of the log, of this thread alone.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let lines = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .finish();
        (log, tracing::subscriber::set_default(lines))
    }

    pub(crate) fn lines_with(&self, text: &str) -> Vec<String> {
        let all = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        all.lines()
            .filter(|line| line.contains(text))
            .map(str::to_owned)
            .collect()
    }
}

/// A reset that recovery ended while its worker was slow is an expected end, and no error.
#[tokio::test]
async fn a_worker_that_finds_its_reset_ended_logs_no_error() {
    let (log, _guard) = Log::start();
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.slack.delay_who(Duration::from_secs(1));
    bot.click_and_go(JO, "confirm", &button_value(&ready, "confirm").unwrap())
        .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    bot.clock.advance(Span::seconds(150));
    sweep::end_what_is_due(&bot.app).await.unwrap();
    bot.settle().await;
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    assert_eq!(past[0].reset.state, State::Refused);
    assert!(bot.outbox.take().is_empty());
    assert_eq!(log.lines_with("a reset was left behind").len(), 1);
    assert_eq!(log.lines_with(" ERROR "), [""; 0]);
    assert_eq!(log.lines_with("was ended by recovery").len(), 1);
}

/// Anybody can ask for a page, so pages that cannot be served are not a line each.
#[tokio::test]
async fn pages_that_cannot_be_served_are_not_a_line_each() {
    let (log, _guard) = Log::start();
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the code that was sent");
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let browser = bot.browser();
    browser.sign_in(MINA, &temporary).await;
    bot.execute("alter table session rename to session_away")
        .await;
    for _ in 0..5 {
        let page = browser.open("/verify").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(log.lines_with("a page could not be served").len(), 1);
    bot.clock.advance(Span::seconds(1));
    browser.open("/verify").await;
    let lines = log.lines_with("a page could not be served");
    assert!(
        lines.len() == 2 && lines[1].contains("pages.not_served=6"),
        "{lines:#?}"
    );
    bot.execute("alter table session_away rename to session")
        .await;
}

/// A line about a page says which page and whose, and never what stands in its address.
#[tokio::test]
async fn a_line_about_a_page_names_the_page_and_the_member() {
    let (log, _guard) = Log::start();
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    bot.execute("alter table contact rename to contact_away")
        .await;
    let page = browser.open("/contacts").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    bot.execute("alter table contact_away rename to contact")
        .await;
    let lines = log.lines_with("a page could not be served");
    assert!(
        lines.len() == 1
            && lines[0].contains("page{method=GET path=\"/contacts\" member.id=id-mina.park}"),
        "{lines:#?}"
    );
    bot.execute("alter table session rename to session_away")
        .await;
    bot.clock.advance(Span::seconds(1));
    let page = browser.open("/claim/canary-of-a-link").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    bot.execute("alter table session_away rename to session")
        .await;
    let lines = log.lines_with("a page could not be served");
    assert!(
        lines.len() == 2 && lines[1].contains("path=\"/claim/{token}\""),
        "{lines:#?}"
    );
    assert_eq!(log.lines_with("canary"), [""; 0]);
}

/// Whoever knows the command's token may name any response address, as often and as long as they like.
#[tokio::test]
async fn response_addresses_of_another_form_are_not_a_line_each() {
    let (log, _guard) = Log::start();
    let bot = TestBot::new().await;
    let hook = format!("https://{}.example/canary", "a".repeat(5000));
    for serial in 0..5 {
        let jo = mattermost::id_of(JO);
        let body = mattermost::command_body(&jo, "help", &hook, serial, bot.clock.now());
        let answer = bot.post_to_mattermost("/mattermost/commands", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let lines = log.lines_with("response address is not of the form");
    assert!(
        lines.len() == 1 && lines[0].len() < 600 && !lines[0].contains("canary"),
        "{lines:#?}"
    );
    assert!(lines[0].contains("https://aaaa"), "{lines:#?}");
}
