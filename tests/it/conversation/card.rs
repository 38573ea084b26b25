//! The card: whose it is, what is chosen on it, and which of its buttons still does something.

use axum::http::StatusCode;
use relatch::surface::domain::delivery::Outcome;
use relatch::surface::domain::{Platform, Span};

use super::{JO, KIM, MINA, NOA, NOTHING, assert_refusal, states, used};
use crate::support::TestBot;
use crate::support::slack::{
    button_value, click_body, click_with_boxes_body, shown_password, text_of, user_id,
};

/// S26: nobody confirms a way that they have not seen: the older face confirms nothing, and the present one is shown.
async fn an_older_last_look_confirms_nothing() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_email").await;
    let by_email = bot.slack.last();
    bot.click(JO, &card, "deliver_phone").await;
    bot.click(JO, &by_email, "confirm").await;
    let present = bot.slack.last();
    assert!(
        text_of(&present).contains("was out of date") && text_of(&present).contains("Goes to: SMS")
    );
    assert_eq!(text_of(&present).matches(NOTHING).count(), 1);
    assert_eq!((used(&bot).await, bot.outbox.take().len()), (0, 0));
    bot.click(JO, &present, "confirm").await;
    assert_eq!(bot.outbox.take()[0].to, "+821012345642");
}

/// Nor does a face on which a copy or showing was switched otherwise.
async fn what_was_switched_meanwhile_is_not_confirmed() {
    let bot = TestBot::new().await;
    for switch in ["copy_to_self", "also_show"] {
        let older = bot.last_look(JO, MINA, "deliver_phone").await;
        bot.click(JO, &older, switch).await;
        bot.click(JO, &older, "confirm").await;
        let present = bot.slack.last();
        assert!(
            text_of(&present).contains("was out of date"),
            "{switch}: {}",
            text_of(&present)
        );
        assert_eq!(
            (used(&bot).await, bot.outbox.take().len()),
            (0, 0),
            "{switch}"
        );
        bot.click(JO, &present, "cancel").await;
    }
}

/// Clicks on one last look come one after the other. Where a click only changes a box over, those after the first did not see
/// what it is now, and change nothing.
async fn the_last_face_is_the_present_one() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_email").await;
    bot.slack
        .delay_acknowledgements(std::time::Duration::from_millis(100));
    for action in [
        "copy_to_self",
        "also_show",
        "copy_to_self",
        "also_show",
        "also_show",
    ] {
        bot.click_and_go(JO, action, &button_value(&ready, action).unwrap())
            .await;
    }
    bot.settle().await;
    let [copy, shown] = if bot.platform() == Platform::Slack {
        ["☐ Email me a copy", "☑ Also show it here"]
    } else {
        ["☑ Email me a copy", "☐ Also show it here"]
    };
    let last = bot.slack.last_text();
    assert!(last.contains(copy) && last.contains(shown), "{last}");
}

/// On Slack a box is set to what it says, however often that arrives. Elsewhere its button changes over.
async fn a_box_is_set_to_what_it_says() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_email").await;
    bot.slack.memory.tick(&ready, "copy_to_self");
    for _ in 0..2 {
        bot.slack.memory.tick(&ready, "copy_to_self");
        bot.click(JO, &ready, "copy_to_self").await;
        let told = bot.slack.last_text();
        assert!(
            told.contains("☑ Email me a copy (jo@acme.example)")
                && told.contains("Copy to you: jo@acme.example"),
            "{told}"
        );
    }
    let ticked = bot.slack.last();
    assert_ne!(
        button_value(&ready, "copy_to_self"),
        button_value(&ticked, "copy_to_self"),
        "Slack keeps what was ticked in a block whose id stays"
    );
    bot.click(JO, &ticked, "copy_to_self").await;
    assert!(bot.slack.last_text().contains("☐ Email me a copy"));
    assert_eq!((used(&bot).await, bot.outbox.take().len()), (0, 0));
}

/// A tick that did not arrive: what the confirming click saw is not what would be done, so it does nothing.
async fn a_confirm_whose_boxes_say_otherwise_does_nothing() {
    let bot = TestBot::new().await;
    let seen = bot.last_look(JO, MINA, "deliver_email").await;
    bot.slack.memory.tick(&seen, "copy_to_self");
    bot.click(JO, &seen, "confirm").await;
    let present = bot.slack.last();
    let told = text_of(&present);
    assert!(
        told.contains("was out of date.") && told.contains("☐ Email me a copy"),
        "{told}"
    );
    assert_eq!((used(&bot).await, bot.outbox.take().len()), (0, 0));
    // The boxes are new ones, in which Slack keeps nothing: what is seen now is what is confirmed.
    bot.click(JO, &present, "confirm").await;
    assert_eq!(used(&bot).await, 1);
    bot.outbox.take();
}

/// Slack tells of every box with every click: one that tells of none has not seen what would be done.
async fn a_confirm_that_tells_of_no_box_does_nothing() {
    let bot = TestBot::new().await;
    let seen = bot.last_look(JO, MINA, "deliver_email").await;
    let value = button_value(&seen, "confirm").unwrap();
    let body = click_body(
        &user_id(JO),
        "confirm",
        &value,
        &bot.slack.reply_url(999),
        999,
    );
    bot.post("/slack/interactions", &body).await;
    bot.settle().await;
    let told = bot.slack.last_text();
    assert!(told.contains("was out of date"), "{told}");
    assert_eq!((used(&bot).await, bot.outbox.take().len()), (0, 0));
}

/// S34: a second click after the end is told so, and nothing is sent again.
async fn a_used_button_does_nothing_again() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.click(JO, &ready, "confirm").await;
    bot.outbox.take();
    let answer = bot.click(JO, &ready, "confirm").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert!(
        bot.slack
            .last_text()
            .contains("Already done: you reset Mina Park"),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(bot.slack.last()["replace_original"], false);
    assert!(bot.outbox.take().is_empty());
}

/// The same bytes again are answered 409, without effect and without a body.
async fn the_same_bytes_have_one_effect() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_copy").await;
    let value = button_value(&ready, "confirm").unwrap();
    let pressed = ("confirm", value.as_str());
    let reply = bot.slack.reply_url(999);
    let body = click_with_boxes_body(&bot.slack.memory, "UJO", pressed, &reply, 999);
    assert_eq!(
        bot.post("/slack/interactions", &body).await.status,
        StatusCode::OK
    );
    bot.settle().await;
    let again = bot.post("/slack/interactions", &body).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::CONFLICT, 0));
    bot.settle().await;
    assert_eq!(states(&bot).await.len(), 1);
}

/// Another administrator's card.
async fn a_card_belongs_to_one_administrator() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    for action in ["confirm", "cancel", "back", "copy_to_self", "also_show"] {
        bot.click(KIM, &ready, action).await;
        assert!(
            bot.slack
                .last_text()
                .contains("This card belongs to Jo Lim."),
            "{}",
            bot.slack.last_text()
        );
        assert_refusal(&bot.slack.last_text());
    }
    assert_eq!(used(&bot).await, 0);
}

/// Forged, stale and superseded cards.
async fn forged_and_old_cards_do_nothing() {
    let bot = TestBot::new().await;
    // Where the value alone proves a click, a forged one is no request at all.
    if bot.click_value(JO, "confirm", &"A".repeat(43)).await.status == StatusCode::OK {
        assert!(bot.slack.last_text().contains("I don't know this card"));
        assert_refusal(&bot.slack.last_text());
    }

    let first = bot.last_look(JO, MINA, "deliver_copy").await;
    let second = bot.last_look(JO, MINA, "deliver_copy").await;
    bot.click(JO, &first, "confirm").await;
    assert!(bot.slack.last_text().contains("newer card"));
    bot.clock.advance(Span::minutes(10));
    bot.click(JO, &second, "confirm").await;
    assert!(
        bot.slack.last_text().contains("older than 10 min"),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(used(&bot).await, 0);
}

/// S22, S26: nothing is confirmed without a choice, and choosing changes nothing.
async fn a_choice_comes_first() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click_value(JO, "confirm", &button_value(&card, "cancel").unwrap())
        .await;
    assert!(
        bot.slack
            .last_text()
            .contains("No way of delivery was chosen.")
    );
    assert_refusal(&bot.slack.last_text());
}

/// S10: without an outside contact the administrator says first that they can reach the member.
async fn a_member_without_contacts_needs_a_word() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, NOA).await;
    assert!(button_value(&card, "deliver_copy").is_none());
    let value = button_value(&card, "reachable").unwrap();
    bot.click_value(JO, "deliver_copy", &value).await;
    assert!(bot.slack.last_text().contains("no phone or private email"));
    assert_refusal(&bot.slack.last_text());
    bot.click(JO, &card, "reachable").await;
    let card = bot.slack.last();
    bot.click(JO, &card, "deliver_copy").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(shown_password(&bot.slack.last()).is_some());
}

/// S6, S7: the guide goes out, nothing is reset, no slot is used.
async fn the_guide_changes_nothing() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, "old-password").await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "send_guide").await;
    assert!(
        bot.slack
            .last_text()
            .contains("It went to m···@mail.example. Mina Park keeps their sessions.")
    );
    assert!(
        bot.outbox.take()[0]
            .text
            .contains("https://help.acme.example/password")
    );
    assert!(bot.signs_in(MINA, "old-password").await);
    assert_eq!(
        (used(&bot).await, bot.audited("guide").await),
        (0, "done sent".to_owned())
    );
    bot.click(JO, &card, "deliver_copy").await;
    assert!(bot.slack.last_text().contains("This card was closed."));

    // What came of one that was not accepted stands beside it.
    bot.clock.advance(Span::hours(1));
    let card = bot.card(JO, MINA).await;
    bot.outbox.end_next_send(Outcome::Unknown);
    bot.click(JO, &card, "send_guide").await;
    assert_eq!(bot.audited("guide").await, "done sent done unknown");
}

/// Cancel closes the card.
async fn a_cancelled_card_is_closed() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "cancel").await;
    assert_refusal(&bot.slack.last_text());
    bot.click(JO, &card, "deliver_copy").await;
    assert!(bot.slack.last_text().contains("This card was closed."));
}

/// S10: once the administrator has said that they can reach the member, no card asks for it again.
async fn an_answered_question_is_not_asked_again() {
    const QUESTION: &str = "Can you reach them another way?";
    let bot = TestBot::new().await;
    let card = bot.card(JO, NOA).await;
    assert!(text_of(&card).contains(QUESTION), "{}", text_of(&card));
    bot.click(JO, &card, "reachable").await;
    let answered = bot.slack.last();
    bot.click(JO, &answered, "deliver_copy").await;
    bot.click(JO, &bot.slack.last(), "back").await;
    for card in [answered, bot.slack.last()] {
        let told = text_of(&card);
        assert!(
            !told.contains(QUESTION)
                && told.contains("You said that you can reach them another way."),
            "{told}"
        );
    }
}

on_every_platform! {
    an_answered_question_is_not_asked_again,
    an_older_last_look_confirms_nothing,
    what_was_switched_meanwhile_is_not_confirmed,
    the_last_face_is_the_present_one,
    a_used_button_does_nothing_again,
    a_card_belongs_to_one_administrator,
    forged_and_old_cards_do_nothing,
    a_choice_comes_first,
    a_member_without_contacts_needs_a_word,
    a_cancelled_card_is_closed,
    the_guide_changes_nothing,
}

// What only Slack can be asked.
hold! {
    slack_alone on Slack:
    the_same_bytes_have_one_effect,
    a_box_is_set_to_what_it_says,
    a_confirm_whose_boxes_say_otherwise_does_nothing,
    a_confirm_that_tells_of_no_box_does_nothing,
}
