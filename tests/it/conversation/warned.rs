//! What every message of a card says anew: warnings, the limit, and a typed address in full.

use super::{JO, KIM, MINA, NOA};
use crate::support::slack::{button_value, text_of};
use crate::support::{Left, TestBot};
use relatch::surface::domain::Span;
use serde_json::Value;

/// The names of a message's buttons, in their order. Boxes stand above them.
fn buttons(message: &Value) -> Vec<String> {
    let blocks = message["blocks"].as_array().unwrap();
    let elements = blocks
        .iter()
        .filter_map(|block| block["elements"].as_array());
    elements
        .flatten()
        .filter_map(|element| element["action_id"].as_str().map(str::to_owned))
        .filter(|name| !["copy_to_self", "also_show"].contains(&name.as_str()))
        .collect()
}

/// Presses buttons one after the other, each on the message that the one before led to; every message says this.
async fn assert_each_says(bot: &TestBot, card: &Value, steps: &[&str], parts: &[&str]) {
    let mut message = card.clone();
    for step in std::iter::once(&"").chain(steps) {
        match *step {
            "" => {}
            typed if typed.contains(' ') || typed.contains('@') => {
                bot.submit(JO, typed).await;
                message = bot.slack.last();
            }
            "deliver_other" | "copy_to_self_change" => {
                bot.click(JO, &message, step).await;
                continue;
            }
            button => {
                bot.click(JO, &message, button).await;
                message = bot.slack.last();
            }
        }
        for part in parts {
            let told = text_of(&message);
            assert!(told.contains(part), "{step}: {part}: {told}");
        }
    }
}

/// Every message that a card can turn into before the act.
const EVERYWHERE: [&str; 12] = [
    "deliver_phone",
    "copy_to_self",
    "copy_to_self",
    "also_show",
    "copy_to_self_change",
    "jo.private@home.example",
    "back",
    "deliver_other",
    "+82 10 5555 6666",
    "also_show",
    "back",
    "deliver_copy",
];

/// An earlier reset and the limit stand in every message of the card, not in the first alone.
async fn every_message_of_a_card_warns() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    bot.reset(KIM, MINA, "deliver_phone").await;
    bot.clock.advance(Span::minutes(1));
    let card = bot.card(JO, MINA).await;
    let warning =
        "⚠ Kim Cho reset Mina Park today at 10:00; if you go on, that password stops working.";
    let parts = [warning, "5 of 5 resets left"];
    assert_each_says(&bot, &card, &EVERYWHERE, &parts).await;
}

/// The usual choice is marked, but not under a warning: it would say "press me" there.
async fn under_a_warning_no_button_is_the_usual_choice() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let is_marked = |card: &Value| card.to_string().contains(r#""style":"primary""#);
    assert!(is_marked(&bot.card(KIM, MINA).await));
    bot.reset(KIM, MINA, "deliver_phone").await;
    bot.clock.advance(Span::minutes(1));
    let card = bot.card(JO, MINA).await;
    assert!(!is_marked(&card), "{card:#}");
    bot.click(JO, &card, "deliver_phone").await;
    bot.click(JO, &bot.slack.last(), "back").await;
    assert!(!is_marked(&bot.slack.last()), "{:#}", bot.slack.last());
}

/// What the member said of the last reset does not go away with the first message either.
async fn every_message_of_a_card_says_that_a_reset_was_disowned() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    bot.reset(KIM, MINA, "deliver_phone").await;
    bot.execute("update reset set disowned_at = changed_at")
        .await;
    bot.clock.advance(Span::minutes(1));
    let card = bot.card(JO, MINA).await;
    let warning = "⚠ Mina Park said of Kim Cho's reset at 10:00: this wasn't me.";
    assert_each_says(&bot, &card, &EVERYWHERE, &[warning]).await;
}

/// Somebody else was quicker: the last look says so first, and Cancel comes before going on.
async fn a_last_look_says_that_somebody_was_quicker() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the passwords that were sent");
    let look = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.clock.advance(Span::minutes(1));
    bot.reset(KIM, MINA, "deliver_phone").await;
    bot.click(JO, &look, "copy_to_self").await;
    let warned = bot.slack.last();
    let told = text_of(&warned);
    assert!(
        told.contains(
            "⚠ Kim Cho reset Mina Park at 10:01, after you opened this card. Going on makes that password useless."
        ),
        "{told}"
    );
    assert_eq!(buttons(&warned)[..2], ["cancel", "confirm"], "{warned:#}");
    assert!(warned.to_string().contains("Reset again"), "{warned:#}");
    bot.click(JO, &warned, "confirm").await;
    assert!(
        bot.slack.last_text().contains("Done: "),
        "{}",
        bot.slack.last_text()
    );
}

/// The limit is that of now: it is counted again for each message.
async fn the_limit_is_counted_anew() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the passwords that were sent");
    for _ in 0..3 {
        bot.reset_by_copy(JO, NOA).await;
    }
    let card = bot.card(JO, MINA).await;
    assert!(
        text_of(&card).contains("2 of 5 resets left"),
        "{}",
        text_of(&card)
    );
    bot.reset_by_copy(JO, NOA).await;
    bot.click(JO, &card, "deliver_phone").await;
    let look = bot.slack.last();
    let told = text_of(&look);
    assert!(
        told.contains("⚠ You have 1 reset left. One more comes back tomorrow at 10:00."),
        "{told}"
    );
    bot.reset_by_copy(JO, NOA).await;
    bot.click(JO, &look, "back").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("⚠ You have no reset left until tomorrow 10:00."),
        "{told}"
    );
}

/// A typed address stands in full until it is used, so that a typing error is seen.
async fn a_typed_address_stands_in_full_until_it_is_used() {
    for (typed, shown) in [
        ("+821055556666", "+82 10 5555 6666, not on record"),
        ("friend@mail.example", "friend@mail.example, not on record"),
    ] {
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "the password that was sent");
        let card = bot.card(JO, MINA).await;
        bot.click(JO, &card, "deliver_other").await;
        bot.submit(JO, typed).await;
        let look = bot.slack.last();
        assert_each_says(&bot, &look, &["copy_to_self", "also_show"], &[shown]).await;
        bot.click(JO, &bot.slack.last(), "confirm").await;
        let done = bot.slack.last_text();
        assert!(!done.contains(typed) && !done.contains("5555"), "{done}");
        let log = bot.command(JO, "log").await.text();
        assert!(!log.contains(typed) && !log.contains("5555"), "{log}");
        assert_eq!(bot.count("reset where destination is not null").await, 0);
        // One on record stays masked.
        let look = bot.last_look(JO, MINA, "deliver_phone").await;
        assert!(text_of(&look).contains("+82 ··· ··42"));
        assert!(button_value(&look, "confirm").is_some());
    }
}

hold! {
    slack_alone on Slack:
    under_a_warning_no_button_is_the_usual_choice,
}

on_every_platform! {
    every_message_of_a_card_warns,
    every_message_of_a_card_says_that_a_reset_was_disowned,
    a_last_look_says_that_somebody_was_quicker,
    the_limit_is_counted_anew,
    a_typed_address_stands_in_full_until_it_is_used,
}
