//! Whole conversations through the public surface: a signed webhook in, messages and deliveries out.

/// Makes a test of each conversation on a platform.
macro_rules! hold {
    ($module:ident on $platform:ident: $($conversation:ident),+ $(,)?) => {
        hold!($module on $platform by on: $($conversation),+);
    };
    ($module:ident on $platform:ident by $on:ident: $($conversation:ident),+) => {
        mod $module {
            use relatch::surface::domain::Platform;

            use crate::support::$on;

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $conversation() {
                    $on(Platform::$platform, super::$conversation()).await;
                }
            )+
        }
    };
}

/// Each of these is held on every platform. A platform that is added is added here.
macro_rules! on_every_platform {
    ($($conversation:ident),+ $(,)?) => {
        hold!(slack on Slack: $($conversation),+);
        hold!(discord on Discord: $($conversation),+);
        hold!(lark on Lark: $($conversation),+);
        hold!(lark_in_private on Lark by in_private: $($conversation),+);
        hold!(mattermost on Mattermost: $($conversation),+);
    };
}

/// Where a message can take the place of another.
macro_rules! where_messages_are_replaced {
    ($($conversation:ident),+ $(,)?) => {
        hold!(replacing_on_slack on Slack: $($conversation),+);
        hold!(replacing_on_discord on Discord: $($conversation),+);
        hold!(replacing_on_lark on Lark: $($conversation),+);
        hold!(replacing_on_lark_in_private on Lark by in_private: $($conversation),+);
    };
}

mod act;
mod another_way;
mod card;
mod commands;
mod delivered;
mod refused;
mod undelivered;
mod waiting;
mod warned;

use relatch::surface::domain::{Platform, State};
use relatch::surface::store::HistoryFilter;

use crate::support::TestBot;

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const LEE: &str = "lee@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";
const NOTHING: &str = "Nothing was changed.";

/// A platform that is not on the list above does not compile.
const fn is_on_the_list(platform: Platform) -> bool {
    match platform {
        Platform::Slack | Platform::Discord | Platform::Lark | Platform::Mattermost => true,
    }
}
const _: () = assert!(is_on_the_list(Platform::Slack));

async fn states(bot: &TestBot) -> Vec<State> {
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    past.into_iter().map(|past| past.reset.state).collect()
}

async fn used(bot: &TestBot) -> usize {
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    past.iter().filter(|past| !past.is_slot_returned).count()
}

/// The rules for every refusal that changed nothing: says so once, has a reference, is short.
fn assert_refusal(text: &str) {
    assert_eq!(text.matches(NOTHING).count(), 1, "{text}");
    assert!(text.contains("ref "), "{text}");
    assert!(
        text.chars().count() <= 350,
        "{} characters: {text}",
        text.chars().count()
    );
}
