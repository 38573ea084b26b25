//! Resets that wait for a worker, for the record or for the platform.

use relatch::surface::domain::{Span, State};

use super::{JO, KIM, LEE, MINA, assert_refusal, states, used};
use crate::support::slack::{button_value, text_of};
use crate::support::{Left, TestBot};

/// A confirmed reset whose turn does not come is refused; its slot comes back.
async fn a_reset_whose_turn_does_not_come_is_refused() {
    let bot = TestBot::with_workers(0, std::time::Duration::from_millis(50)).await;
    bot.set_password(MINA, "old-password").await;
    bot.reset(JO, MINA, "deliver_phone").await;
    let text = bot.slack.last_text();
    assert!(text.contains("Too many resets are being done"), "{text}");
    assert_refusal(&text);
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Refused], 0)
    );
    assert!(bot.signs_in(MINA, "old-password").await && bot.outbox.take().is_empty());
}

/// "Working …" comes after a second, and before the result.
async fn whoever_waits_is_told_so_before_the_result() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    let before = bot.slack.said().len();
    bot.slack.delay_who(std::time::Duration::from_millis(1500));
    bot.click(JO, &ready, "confirm").await;
    let said: Vec<String> = bot.slack.said()[before..].iter().map(text_of).collect();
    let [working, done] = said.as_slice() else {
        panic!("{said:#?}")
    };
    assert!(
        working.contains("Working") && done.contains("Done: "),
        "{said:#?}"
    );
}

/// Two administrators confirm at once, and what comes of it when one hand does both and the platform is slow.
async fn confirmed_at_once(bot: &TestBot) -> Vec<String> {
    let first = bot.last_look(JO, MINA, "deliver_phone").await;
    let card = bot.card(KIM, LEE).await;
    bot.click(KIM, &card, "reachable").await;
    bot.click(KIM, &bot.slack.last(), "deliver_copy").await;
    let second = bot.slack.last();
    let before = bot.slack.said().len();
    bot.slack.delay_who(std::time::Duration::from_millis(1500));
    let [first, second] = [first, second].map(|ready| button_value(&ready, "confirm").unwrap());
    tokio::join!(
        bot.click_and_go(JO, "confirm", &first),
        bot.click_and_go(KIM, "confirm", &second)
    );
    bot.settle().await;
    bot.slack.said()[before..].iter().map(text_of).collect()
}

/// Whoever waits for their turn hears so while they wait, and gets it.
async fn whoever_waits_in_the_line_hears_so_and_gets_their_turn() {
    let bot = TestBot::with_workers(1, std::time::Duration::from_secs(20)).await;
    bot.leaves(Left::Messages, "the password that was sent");
    let said = confirmed_at_once(&bot).await;
    let [one, other, done, also_done] = said.as_slice() else {
        panic!("{said:#?}")
    };
    assert!(
        one.contains("Working") && other.contains("Working"),
        "{said:#?}"
    );
    assert!(done.contains(" ✓") && also_done.contains(" ✓"), "{said:#?}");
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Delivered; 2], 2)
    );
}

/// Whoever waits for too long is refused while the other goes on.
async fn whoever_waits_in_the_line_for_too_long_is_refused() {
    let bot = TestBot::with_workers(1, std::time::Duration::from_millis(300)).await;
    bot.leaves(Left::Messages, "the password that was sent");
    let said = confirmed_at_once(&bot).await;
    let [refused, working, done] = said.as_slice() else {
        panic!("{said:#?}")
    };
    assert!(
        refused.contains("Too many resets are being done"),
        "{said:#?}"
    );
    assert_refusal(refused);
    assert!(
        working.contains("Working") && done.contains(" ✓"),
        "{said:#?}"
    );
    let mut ends = states(&bot).await;
    ends.sort_by_key(|state| *state == State::Delivered);
    assert_eq!(
        (ends, used(&bot).await),
        (vec![State::Refused, State::Delivered], 1)
    );
}

/// A stop turns away who waits for their turn: nobody is left in the middle when the program ends.
async fn a_stop_turns_away_who_waits_for_their_turn() {
    let bot = TestBot::with_workers(0, std::time::Duration::from_secs(20)).await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    let before = bot.slack.said().len();
    bot.click_and_go(JO, "confirm", &button_value(&ready, "confirm").unwrap())
        .await;
    bot.app.queue.close();
    bot.settle().await;
    let said: Vec<String> = bot.slack.said()[before..].iter().map(text_of).collect();
    let [refused] = said.as_slice() else {
        panic!("{said:#?}")
    };
    assert!(
        refused.contains("is being stopped or started again"),
        "{refused}"
    );
    assert_refusal(refused);
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Refused], 0)
    );
}

/// P6: where the intent cannot be recorded, nothing is begun; the slot comes back as soon as that can be recorded.
async fn a_record_that_is_busy_before_the_change_stops_the_reset() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.slack.delay_who(std::time::Duration::from_secs(1));
    bot.click_and_go(JO, "confirm", &button_value(&ready, "confirm").unwrap())
        .await;
    // Longer than SQLite itself waits, from before the change.
    bot.keep_the_record_busy(std::time::Duration::from_secs(7))
        .await;
    bot.settle().await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("I can't record this reset, so I don't do it."),
        "{told}"
    );
    assert!(
        told.contains("Nothing was changed. No reset was used."),
        "{told}"
    );
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Refused], 0)
    );
    assert!(bot.outbox.take().is_empty());
}

/// What recovery has named and told gets no turn, and nothing is said over its end.
async fn a_reset_that_recovery_has_named_leaves_the_line() {
    let bot = TestBot::with_workers(0, std::time::Duration::from_secs(3)).await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    let before = bot.slack.said().len();
    bot.click_and_go(JO, "confirm", &button_value(&ready, "confirm").unwrap())
        .await;
    bot.clock.advance(Span::seconds(150));
    bot.sweep().await;
    let said: Vec<String> = bot.slack.said()[before..].iter().map(text_of).collect();
    let [named] = said.as_slice() else {
        panic!("{said:#?}")
    };
    assert!(named.contains("was stopped before it began"), "{named}");
    assert_refusal(named);
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Refused], 0)
    );
}

/// However long the platform takes to accept the result, nothing is said over it.
async fn the_result_is_the_last_word() {
    for way in ["deliver_phone", "deliver_copy"] {
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "the password that was sent");
        let ready = bot.last_look(JO, MINA, way).await;
        bot.slack
            .delay_acknowledgements(std::time::Duration::from_millis(1500));
        bot.click(JO, &ready, "confirm").await;
        bot.slack.delay_acknowledgements(std::time::Duration::ZERO);
        assert!(
            bot.slack.last_text().contains(" ✓"),
            "{way}: {}",
            bot.slack.last_text()
        );
    }
}

on_every_platform! {
    a_reset_whose_turn_does_not_come_is_refused,
}

// What only Slack can be asked.
hold! {
    slack_alone on Slack:
    whoever_waits_is_told_so_before_the_result,
    whoever_waits_in_the_line_hears_so_and_gets_their_turn,
    whoever_waits_in_the_line_for_too_long_is_refused,
    a_stop_turns_away_who_waits_for_their_turn,
    a_record_that_is_busy_before_the_change_stops_the_reset,
    a_reset_that_recovery_has_named_leaves_the_line,
    the_result_is_the_last_word,
}
