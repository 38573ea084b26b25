//! A password that did not arrive: another way, its end, and an end that nobody knows.

use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::{Platform, Span, State};
use relatch::surface::store::HistoryFilter;
use serde_json::json;

use super::{JO, KIM, MINA, NOA, NOTHING, states, used};
use crate::support::slack::{button_value, shown_password, text_of};
use crate::support::{Left, TestBot};

/// What was refused is named, and an address that was typed takes no contact on record out of the choice.
async fn a_refused_address_is_named_and_no_other_way_is_lost() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.submit(JO, "friend@mail.example").await;
    bot.outbox.fail_next_prepare(Refusal::Address);
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let told = bot.slack.last();
    let text = text_of(&told);
    assert!(text.contains("refuses f···@mail.example, so"), "{text}");
    assert!(!text.contains("can't go there either"), "{text}");
    for way in ["deliver_phone", "deliver_email", "deliver_copy"] {
        assert!(button_value(&told, way).is_some(), "{way}: {told:#}");
    }
}

/// A channel that is not ready stops the reset before anything happens, and offers another way at once.
async fn a_channel_that_is_not_ready_changes_nothing() {
    for (why, told) in [
        (Refusal::Unreachable, "The mail server doesn't answer"),
        (Refusal::Address, "refuses m···@mail.example"),
        (Refusal::Later, "asks to wait"),
        (
            Refusal::Credentials,
            "can't use the mail server as it is set up",
        ),
        (Refusal::SetUp, "can't use the mail server as it is set up"),
        (Refusal::Tls, "can't use the mail server as it is set up"),
        (Refusal::OptedOut, "its owner answered STOP"),
    ] {
        let is_lasting = told.contains("as it is set up");
        let is_in_vain = matches!(why, Refusal::Address | Refusal::OptedOut);
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "the password that was sent");
        bot.set_password(MINA, "old-password").await;
        let ready = bot.last_look(JO, MINA, "deliver_email").await;
        bot.outbox.fail_next_prepare(why);
        bot.click(JO, &ready, "confirm").await;
        let refused = bot.slack.last();
        assert!(
            text_of(&refused).contains(told) && text_of(&refused).contains("No reset was used."),
            "{}",
            text_of(&refused)
        );
        assert_eq!(
            text_of(&refused).contains("Tell whoever runs relatch"),
            is_lasting,
            "{}",
            text_of(&refused)
        );
        assert!(!(is_lasting && text_of(&refused).contains("few minutes")));
        assert_eq!(text_of(&refused).matches(NOTHING).count(), 1);
        let shown = text_of(&refused).to_lowercase();
        assert!(shown.contains("this card works until"), "{shown}");
        assert_eq!(shown.matches("ref ").count(), 1, "{shown}");
        assert!(bot.signs_in(MINA, "old-password").await);
        assert_eq!(
            (states(&bot).await, used(&bot).await),
            (vec![State::Refused], 0)
        );
        // Its end was told, so the next command does not tell it.
        let next = bot.command(JO, NOA).await.text();
        assert!(!next.contains("About your reset"), "{next}");
        // What would be refused again is not offered again.
        let again = button_value(&refused, "deliver_email");
        assert_eq!(again.is_none(), is_in_vain, "{refused:#}");
        let no_code = text_of(&refused).contains("The code at sign-in can't go there either.");
        assert_eq!(no_code, is_in_vain, "{}", text_of(&refused));
        // The successor card works.
        bot.click(JO, &refused, "deliver_phone").await;
        bot.click(JO, &bot.slack.last(), "confirm").await;
        let told = bot.slack.last_text();
        assert!(
            told.contains("Done: ") && told.contains("4 of 5 resets left"),
            "{told}"
        );
    }
}

/// Q3: a failed delivery offers another way inside the same reset, once; then never again.
async fn an_undelivered_password_goes_another_way_inside_the_same_reset() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let failed = bot.slack.last();
    assert!(
        text_of(&failed).contains("The password was changed, but the SMS was not accepted"),
        "{}",
        text_of(&failed)
    );
    assert!(!text_of(&failed).contains(NOTHING));
    assert_eq!(states(&bot).await, [State::Undelivered]);
    bot.outbox.take();
    // The first other way is not ready: the result says which one, and why.
    bot.outbox.fail_next_prepare(Refusal::Unreachable);
    bot.another_way(JO, &failed, "deliver_email").await;
    let failed = bot.slack.last();
    assert!(
        text_of(&failed).contains("The email was not accepted (no answer)"),
        "{}",
        text_of(&failed)
    );
    assert!(bot.outbox.take().is_empty());
    bot.another_way(JO, &failed, "deliver_email").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("Done: ") && told.contains("4 of 5 resets left"),
        "{told}"
    );
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Delivered], 1)
    );
    assert_eq!(bot.outbox.take()[0].to, "mina@mail.example");
    bot.click(JO, &failed, "deliver_copy").await;
    assert!(
        bot.slack
            .last_text()
            .contains("Already done: you reset Mina Park"),
        "{}",
        bot.slack.last_text()
    );
}

/// The mail server dies: the copy that was refused with the first way does not keep the next one back.
async fn a_refused_copy_keeps_no_other_way_back() {
    let bot = TestBot::new().await;
    let look = bot.last_look(JO, MINA, "deliver_email").await;
    bot.click(JO, &look, "copy_to_self").await;
    for _ in 0..2 {
        bot.outbox
            .end_next_send(Outcome::Refused(Refusal::Unreachable));
    }
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert_eq!(states(&bot).await, [State::Undelivered]);
    bot.outbox.take();
    bot.outbox.fail_next_prepare(Refusal::Unreachable);
    bot.another_way(JO, &bot.slack.last(), "deliver_phone")
        .await;
    assert_eq!(states(&bot).await, [State::Delivered]);
    let sent: Vec<String> = bot.outbox.take().into_iter().map(|sent| sent.to).collect();
    assert_eq!(sent, ["+821012345642"]);
    let told = bot.slack.last_text();
    assert!(
        told.contains("SMS accepted ✓") && told.contains("Your copy did not go through."),
        "{told}"
    );
}

/// What the first way came to is not told of the second.
async fn another_way_is_told_as_it_went() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    bot.another_way(JO, &bot.slack.last(), "deliver_copy").await;
    let told = bot.slack.last();
    assert!(shown_password(&told).is_some(), "{}", text_of(&told));
    assert!(
        text_of(&told).contains("tell them now") && !text_of(&told).contains('✗'),
        "{}",
        text_of(&told)
    );
    bot.clock.advance(Span::minutes(2));
    bot.sweep().await;
    let hidden = bot.slack.last_text();
    let title = if bot.platform() == Platform::Mattermost {
        // A post there is replaced by nothing.
        "tell them now"
    } else {
        "you have the password"
    };
    assert!(hidden.contains(title) && !hidden.contains('✗'), "{hidden}");
}

/// An end that the platform did not take is told later, with the buttons that belong to it.
async fn what_could_not_be_told_is_told_later() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.slack.answer_replies_with(Some(500));
    bot.click(JO, &ready, "confirm").await;
    bot.slack.answer_replies_with(None);
    let before = bot.slack.said().len();
    bot.clock.advance(Span::seconds(150));
    bot.sweep().await;
    assert_eq!(bot.slack.said().len(), before + 1);
    let told = bot.slack.last();
    assert!(
        text_of(&told).contains("the SMS was not accepted"),
        "{}",
        text_of(&told)
    );
    bot.clock.advance(Span::seconds(61));
    bot.sweep().await;
    assert_eq!(bot.slack.said().len(), before + 1, "once is enough");
    bot.another_way(JO, &told, "deliver_email").await;
    assert!(
        bot.slack.last_text().contains("Done: "),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(used(&bot).await, 1);
}

/// After ten minutes the password is wiped, and another way is no longer possible.
async fn an_undelivered_password_is_wiped_after_ten_minutes() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.click(JO, &ready, "confirm").await;
    let failed = bot.slack.last();
    bot.clock.advance(Span::minutes(10));
    // A click that is quicker than the sweep gets nothing, and leaves nothing undone.
    for _ in 0..2 {
        bot.click(JO, &failed, "deliver_copy").await;
        assert!(
            bot.slack
                .last_text()
                .contains("was wiped, because no other way was confirmed in time"),
            "{}",
            bot.slack.last_text()
        );
        bot.sweep().await;
    }
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    assert_eq!(past[0].reset.state, State::Undelivered);
    assert!(past[0].reset.finished_at.is_some() && past[0].reset.destination.is_none());
    assert_eq!(bot.audited("delivery").await, "given_up");
}

/// A typed destination also works as the other way.
async fn another_way_can_be_typed() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.click(JO, &ready, "confirm").await;
    bot.click(JO, &bot.slack.last(), "deliver_other").await;
    let refused = bot.submit(JO, MINA).await.refusal_of_form();
    assert!(refused.contains("business email"), "{refused}");
    bot.submit(JO, "friend@mail.example").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(
        bot.slack.last_text().contains("Done: "),
        "{}",
        bot.slack.last_text()
    );
}

/// P5, S35: the next reset of a member takes the earlier password out of the world, wherever it waits.
async fn an_undelivered_password_dies_with_the_next_reset() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let waiting = bot.slack.last();
    bot.clock.advance(Span::seconds(1));
    let newer = shown_password(&bot.reset(KIM, MINA, "deliver_copy").await).unwrap();
    bot.outbox.take();
    let said = bot.slack.said().len();
    bot.click(JO, &waiting, "deliver_email").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("was wiped, because they were reset once more") && !told.contains("Done: "),
        "{told}"
    );
    assert!(
        bot.slack.said()[said..]
            .iter()
            .all(|said| shown_password(said).is_none())
    );
    assert!(bot.outbox.take().is_empty() && bot.signs_in(MINA, &newer).await);
    assert_eq!(states(&bot).await, [State::Delivered, State::Undelivered]);
    assert_eq!(bot.audited("replaced").await, "undelivered");
    assert_eq!(bot.count("reset where finished_at is null").await, 0);
}

/// Two acts for one member never overlap, and what cannot be is refused before it reaches the disk.
async fn another_way_waits_while_the_member_is_being_reset() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    bot.click(JO, &bot.slack.last(), "deliver_email").await;
    let waiting = bot.slack.last();
    bot.clock.advance(Span::seconds(1));
    let second = bot.last_look(KIM, MINA, "deliver_copy").await;
    bot.slack
        .delay_acknowledgements(std::time::Duration::from_millis(700));
    let value = button_value(&second, "confirm").unwrap();
    bot.click_and_go(KIM, "confirm", &value).await;
    let email = button_value(&waiting, "confirm").unwrap();
    bot.click_and_go(JO, "confirm", &email).await;
    bot.settle().await;
    bot.slack.delay_acknowledgements(std::time::Duration::ZERO);
    assert_eq!(states(&bot).await, [State::Delivered, State::Undelivered]);
    assert!(
        bot.outbox
            .take()
            .iter()
            .all(|sent| !sent.text.contains(" is your new password"))
    );
}

/// P4: whatever refuses a click on a password that was changed, it does not say that nothing was.
async fn after_a_change_no_refusal_says_that_nothing_was_changed() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let waiting = bot.slack.last();
    bot.slack
        .answer_who_with(Some((429, json!({ "ok": false, "error": "ratelimited" }))));
    bot.click(JO, &waiting, "deliver_email").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("slow down") && told.contains("the password was changed at 10:00"),
        "{told}"
    );
    assert!(
        !told.contains(NOTHING) && !told.contains("No reset was used"),
        "{told}"
    );
    bot.slack.answer_who_with(None);
    bot.click(JO, &waiting, "deliver_other").await;
    let refused = bot.submit(JO, MINA).await.json().to_string();
    assert!(
        refused.contains("the password was changed") && !refused.contains(NOTHING),
        "{refused}"
    );
    bot.alter(JO, "role", "member").await;
    bot.click(JO, &waiting, "deliver_email").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("You can't reset passwords") && !told.contains(NOTHING),
        "{told}"
    );
    assert!(
        bot.outbox
            .take()
            .iter()
            .all(|sent| !sent.text.contains(" is your new password"))
    );
}

/// P4, P5: an unknown delivery is told as unknown, and keeps the slot.
async fn an_unknown_delivery_is_not_called_done() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Unknown);
    bot.click(JO, &ready, "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("nobody can say whether it arrived") && !told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::DeliveryUnknown], 1)
    );
}

on_every_platform! {
    a_refused_address_is_named_and_no_other_way_is_lost,
    a_channel_that_is_not_ready_changes_nothing,
    an_undelivered_password_goes_another_way_inside_the_same_reset,
    another_way_is_told_as_it_went,
    a_refused_copy_keeps_no_other_way_back,
    what_could_not_be_told_is_told_later,
    an_undelivered_password_is_wiped_after_ten_minutes,
    another_way_can_be_typed,
    an_undelivered_password_dies_with_the_next_reset,
    another_way_waits_while_the_member_is_being_reset,
    after_a_change_no_refusal_says_that_nothing_was_changed,
    an_unknown_delivery_is_not_called_done,
}
