//! What bounds an administrator besides the five resets: last looks that grew old, and look-ups.

use relatch::domain::Platform;
use relatch::store::HistoryFilter;

use crate::support::slack::{button_value, text_of};
use crate::support::{TestBot, on};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOTHING: &str = "Nothing was changed.";

/// The resets that changed a password.
async fn changed(bot: &TestBot) -> usize {
    let past = bot.app.store.history(&HistoryFilter::default()).await.unwrap();
    past.iter().filter(|past| past.reset.changed_at.is_some()).count()
}

/// Jo stands at the last look, Kim resets Mina, Jo confirms: a second password would make the first one useless before it
/// was read. The click does nothing, the new last look warns, and only that one can be confirmed.
#[tokio::test]
async fn a_last_look_from_before_another_reset_is_out_of_date() {
    for platform in Platform::ALL {
        on(*platform, async {
            let bot = TestBot::new().await;
            let old = bot.last_look(JO, MINA, "deliver_phone").await;
            bot.reset(KIM, MINA, "deliver_phone").await;
            bot.outbox.take();
            bot.click(JO, &old, "confirm").await;
            let new = bot.slack.last();
            let told = text_of(&new);
            assert!(told.contains("Careful: Mina Park was reset at 10:00 by Kim Cho."), "{platform}: {told}");
            assert_eq!(told.matches(NOTHING).count(), 1, "{platform}: {told}");
            assert!(told.contains("ref "), "{platform}: {told}");
            assert_eq!((changed(&bot).await, bot.outbox.take().len()), (1, 0), "{platform}");
            // The button of the old last look stays out of date; that of the new one goes on.
            bot.click(JO, &old, "confirm").await;
            assert_eq!(changed(&bot).await, 1, "{platform}");
            assert!(button_value(&new, "confirm") != button_value(&old, "confirm"), "{platform}");
            bot.click(JO, &new, "confirm").await;
            assert_eq!(changed(&bot).await, 2, "{platform}");
        })
        .await;
    }
}

/// A last look that is drawn after the other reset warns at once and is not refused.
#[tokio::test]
async fn a_last_look_from_after_another_reset_warns() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.reset(KIM, MINA, "deliver_phone").await;
    bot.click(JO, &card, "deliver_phone").await;
    let look = bot.slack.last();
    assert!(text_of(&look).contains("Careful: Mina Park was reset at 10:00 by Kim Cho."), "{}", text_of(&look));
    bot.click(JO, &look, "confirm").await;
    assert_eq!(changed(&bot).await, 2);
}
