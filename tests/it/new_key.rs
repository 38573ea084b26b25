//! After `relatch new-key`: what only the old key could make or tell counts no more.

use relatch::surface::domain::Span;
use relatch::surface::domain::delivery::{Outcome, Refusal};

use crate::support::TestBot;

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";

/// Nobody can tell who had an alarm that still goes out, so it goes to everybody again.
#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_is_still_to_be_sent_goes_to_all_under_another_key() {
    let bot = TestBot::new().await;
    bot.reset_by_copy(JO, MINA).await;
    let sent = bot.outbox.take();
    let link = sent
        .iter()
        .find_map(|sent| sent.text.split_once("http://127.0.0.1/not-me/"));
    let token = link.expect("a link").1.split_whitespace().next().unwrap();
    let link = format!("/not-me/{token}");
    // The security address has it, and the primary administrator is asked to wait, or the other way round.
    for outcome in [Outcome::Accepted, Outcome::Refused(Refusal::Later)] {
        bot.outbox.end_next_send(outcome);
    }
    let page = bot.browser().press(&link).await;
    assert!(page.text.contains(" is blocked<"), "{}", page.text);
    bot.settle().await;
    let had_it = bot.outbox.take().len();
    assert_eq!((had_it, bot.count("not_me where told <> ''").await), (1, 1));
    bot.app.store.replace_key("another").await.unwrap();
    assert_eq!(bot.count("not_me where told <> ''").await, 0);
    let bot = bot.restart_with_another_key().await;
    bot.clock.advance(Span::minutes(6));
    bot.sweep().await;
    assert_eq!(bot.outbox.take().len(), 2);
}
