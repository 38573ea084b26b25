//! What ends by itself: cards, reply addresses, and the steps of a member who is gone.

use std::collections::BTreeSet;

use relatch::surface::domain::Span;
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::flow::sweep;

use crate::support::{Left, TestBot};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

/// A card expires when its ten minutes are over and not before, and the reply address goes when the chat takes it no more.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_card_expires_and_its_reply_address_is_forgotten() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_phone").await;
    let replies = "reset where reply is not null or reply_until is not null";
    bot.clock.advance(Span::seconds(599));
    bot.sweep().await;
    assert_eq!(bot.audited("expiry").await, "");
    bot.clock.advance(Span::seconds(1));
    bot.sweep().await;
    bot.sweep().await;
    assert_eq!(bot.audited("expiry").await, "expired");
    assert_eq!(bot.count("reset where state = 'expired'").await, 1);
    assert_eq!(bot.count(replies).await, 1);
    bot.clock.advance(Span::minutes(20));
    bot.sweep().await;
    assert_eq!(bot.count(replies).await, 0);
}

/// A reply address is sealed for its own reset: whoever moves it to another row of the record leads no message there.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_address_does_not_serve_another_reset() {
    for (is_moved, more) in [(false, 1), (true, 0)] {
        let bot = TestBot::new().await;
        bot.reset(JO, MINA, "deliver_copy").await;
        bot.card(KIM, NOA).await;
        if is_moved {
            bot.execute(
                "update reset set reply = (select reply from reset where state = 'offered') where state = 'delivered'",
            )
            .await;
        }
        let said = bot.slack.said().len();
        bot.clock.advance(Span::minutes(5));
        sweep::hide(&bot.app).await.unwrap();
        assert_eq!(bot.slack.said().len(), said + more, "{is_moved}");
    }
}

/// A notice that is still to do when the member leaves the directory is given up, and what was done stays as it was.
#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_a_member_who_is_gone_are_given_up() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let look = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Accepted);
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.click(JO, &look, "confirm").await;
    let notice = |outcome: &str| format!("step where step = 'notice' and outcome = '{outcome}'");
    assert_eq!(bot.count(&notice("pending")).await, 1);
    let done = bot.count("step where outcome = 'done'").await;
    assert!(done > 0);
    bot.replace_id(MINA, "somebody-else").await;
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(bot.count(&notice("impossible")).await, 1);
    assert_eq!(bot.count("step where outcome = 'done'").await, done);
}

/// The same where one contact was told before the member left: they were told, and the record says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_was_told_and_left_was_told() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notice that was sent");
    bot.outbox.end_next_send(Outcome::Accepted);
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.reset_by_copy(JO, MINA).await;
    let notice = |outcome: &str| format!("step where step = 'notice' and outcome = '{outcome}'");
    assert_eq!(bot.count(&notice("pending")).await, 1);
    bot.replace_id(MINA, "somebody-else").await;
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(bot.count(&notice("done")).await, 1);
}

/// A notice that somebody else sends at this moment is not sent again: whoever sends it claims it first.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_two_want_to_send_is_sent_once() {
    let bot = TestBot::new().await;
    for _ in 0..2 {
        bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    }
    bot.reset_by_copy(JO, MINA).await;
    assert!(bot.outbox.take().is_empty());
    bot.clock.advance(Span::minutes(3));
    let (one, other) = tokio::join!(sweep::finish(&bot.app), sweep::finish(&bot.app));
    one.and(other).unwrap();
    let sent: Vec<String> = bot.outbox.take().into_iter().map(|sent| sent.to).collect();
    let once: BTreeSet<&String> = sent.iter().collect();
    assert_eq!(once.len(), 2, "{sent:?}");
    assert_eq!(sent.len(), once.len(), "{sent:?}");
}
