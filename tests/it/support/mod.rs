//! A bot in a box: the real router over a real database, a fixed clock, a seeded generator, memory delivery, and a
//! Slack that signs, tells who is who and keeps every follow-up.

pub(crate) mod browser;
mod build;
pub(crate) mod directories;
pub(crate) mod discord;
mod fresh_folder;
pub(crate) mod lark;
mod left;
pub(crate) mod mattermost;
pub(crate) mod mime;
mod people;
mod post;
pub(crate) mod published;
mod record;
pub(crate) mod sent;
pub(crate) mod slack;
mod start;
mod talk;

use std::sync::Arc;
use std::time::Duration;

use relatch::surface::app::App;
use relatch::surface::chat::slack::Slack;
use relatch::surface::clock::Clock;
use relatch::surface::delivery::Outbox;
use relatch::surface::directory::{Builtin, ScriptedDirectory};
use relatch::surface::domain::{Moment, Platform};
use relatch::surface::flow::sweep;

pub(crate) use self::fresh_folder::fresh_folder;
pub(crate) use self::left::Left;
pub(crate) use self::people::PEOPLE;
pub(crate) use self::post::Answer;
pub(crate) use self::record::Ran;
use self::start::BotParts;
pub(crate) use self::talk::{NEWS, one_try_of_three};

pub(crate) const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
pub(crate) const BOT_TOKEN: &str = "xoxb-canary-bot-token-1234567890";
pub(crate) const TEAM: &str = "T1DC2JH3J";

/// The origin of the response addresses in the fixtures; what goes there arrives at the pretend Slack.
pub(crate) const RECORDED_ORIGIN: &str = "http://127.0.0.1:9";

/// Monday, 2026-11-23 10:00 UTC.
pub(crate) const START: Moment = Moment(1_795_428_000_000);

/// What members set for themselves.
pub(crate) const OWN: &str = "seven quiet herons dance";

/// Lets a pretend server go on beside a test.
#[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(work));
}

tokio::task_local! {
    /// On which platform a conversation is held.
    static PLATFORM: Platform;
    /// In Lark: with the bot alone, and not in a group.
    static IS_PRIVATE: bool;
}

/// Holds a conversation of Lark with the bot alone.
pub(crate) async fn in_private(platform: Platform, conversation: impl Future<Output = ()>) {
    IS_PRIVATE.scope(true, on(platform, conversation)).await;
}

/// Whether Lark's people are in a group.
fn is_group() -> bool {
    !IS_PRIVATE
        .try_with(|is_private| *is_private)
        .unwrap_or_default()
}

/// Holds a conversation on a platform.
pub(crate) async fn on(platform: Platform, conversation: impl Future<Output = ()>) {
    PLATFORM.scope(platform, conversation).await;
}

/// The bot, its surroundings, and the people of Acme.
pub(crate) struct TestBot {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) directory: ScriptedDirectory,
    pub(crate) builtin: Builtin,
    pub(crate) slack: slack::FakeSlack,
    /// On which platform the people of this test are.
    platform: std::sync::Mutex<Platform>,
    signer: Slack,
    parts: BotParts,
    serial: std::sync::atomic::AtomicU32,
    /// What the test means to leave behind.
    left: std::sync::Mutex<Vec<Left>>,
}

impl TestBot {
    /// A fresh browser at the member's pages.
    pub(crate) fn browser(&self) -> browser::Browser {
        browser::Browser::new(
            relatch::surface::server::routes(&self.app),
            self.clock.clone(),
        )
    }

    /// Waits until nothing is at work.
    pub(crate) async fn settle(&self) {
        self.app.tasks.close();
        let settled = tokio::time::timeout(Duration::from_mins(2), self.app.tasks.wait()).await;
        settled.expect("something is at work for ever");
        self.app.tasks.reopen();
    }

    /// One round of everything that the sweep does.
    pub(crate) async fn sweep(&self) {
        sweep::end_what_is_due(&self.app).await.unwrap();
        sweep::hide(&self.app).await.unwrap();
        sweep::tell_again(&self.app).await.unwrap();
        sweep::alarm(&self.app).await.unwrap();
        sweep::finish(&self.app).await.unwrap();
        sweep::look(&self.app).await.unwrap();
        self.settle().await;
    }

    /// The codes that were sent since, each with its address.
    pub(crate) fn codes(&self) -> Vec<(String, String)> {
        let code = |sent: relatch::surface::delivery::Delivered| {
            Some((
                sent.text.split_once(" code: ")?.1.chars().take(6).collect(),
                sent.to,
            ))
        };
        self.outbox.take().into_iter().filter_map(code).collect()
    }
}
