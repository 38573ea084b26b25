//! After a failed delivery: another way is asked about once, and what can come between the question and its answer.

use std::time::Duration;

use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::{Span, State};
use serde_json::Value;

use super::{JO, KIM, MINA, NOTHING, states, used};
use crate::support::slack::{button_value, shown_password, text_of};
use crate::support::{Left, TestBot};

const EMAIL: &str = "mina@mail.example";
const EMAIL_MASK: &str = "m···@mail.example";

/// A reset whose SMS was refused, and the message that says so.
async fn undelivered() -> (TestBot, Value) {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let failed = bot.slack.last();
    bot.outbox.take();
    (bot, failed)
}

/// The addresses to which a password went.
fn passwords_to(bot: &TestBot) -> Vec<String> {
    let sent = bot.outbox.take().into_iter();
    sent.filter(|sent| sent.text.contains("assword") && !sent.text.contains("was reset by"))
        .map(|sent| sent.to)
        .collect()
}

#[track_caller]
fn assert_told(bot: &TestBot, parts: &[&str]) {
    let told = bot.slack.last_text();
    for part in parts {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains(NOTHING), "{told}");
}

/// The failed delivery says until when, and each way is asked about before the password goes out.
async fn another_way_is_asked_about_once() {
    let (bot, failed) = undelivered().await;
    let until = "Choose another way by 10:10; after that the password is wiped.";
    assert!(text_of(&failed).contains(until), "{}", text_of(&failed));
    // What is told later counts from the failed delivery, too.
    bot.clock.advance(Span::minutes(3));
    bot.click(JO, &failed, "deliver_email").await;
    let question = bot.slack.last();
    assert_told(&bot, &["Email it to m···@mail.example?", "by 10:10"]);
    for way in ["deliver_email", "deliver_copy", "cancel"] {
        assert!(button_value(&question, way).is_none(), "{question:#}");
    }
    assert_eq!(passwords_to(&bot), Vec::<String>::new());
    assert_eq!(states(&bot).await, [State::Undelivered]);
    bot.click(JO, &question, "back").await;
    let list = bot.slack.last();
    assert_told(
        &bot,
        &[
            "The password was changed, but the SMS was not accepted",
            until,
        ],
    );
    assert_eq!(passwords_to(&bot), Vec::<String>::new());
    bot.click(JO, &list, "deliver_email").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert_told(&bot, &["Done: "]);
    assert_eq!(passwords_to(&bot), [EMAIL]);
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Delivered], 1)
    );
}

/// The administrator may choose the way by where the code goes, so each question says it.
async fn the_question_tells_where_the_code_will_go() {
    let (bot, failed) = undelivered().await;
    let phone = "Code at sign-in: +82 ··· ··42";
    let doubtful = "⚠ The code goes to +82 ··· ··42, where the SMS failed.";
    for (way, next) in [
        ("deliver_email", "If they can't receive it there, press"),
        (
            "deliver_copy",
            "They can have it sent to m···@mail.example instead.",
        ),
    ] {
        bot.click(JO, &failed, way).await;
        assert_told(&bot, &[phone, doubtful, next]);
        bot.click(JO, &bot.slack.last(), "back").await;
    }
    bot.click(JO, &failed, "deliver_phone").await;
    assert_told(&bot, &[&format!("Code at sign-in: {EMAIL_MASK}")]);
    assert!(!bot.slack.last_text().contains("where the SMS failed"));
}

/// What has just failed and sends the code too may fail again, whichever contact it was.
async fn the_question_doubts_a_code_that_takes_the_way_which_failed() {
    let failed = "⚠ The code at sign-in goes by SMS, which has just failed.";
    for (why, next) in [
        (Refusal::Later, "Have them wait a few minutes"),
        (Refusal::Credentials, "Tell whoever runs relatch."),
    ] {
        let bot = TestBot::new().await;
        let card = bot.card(JO, MINA).await;
        bot.click(JO, &card, "deliver_other").await;
        bot.submit(JO, "+82 10 5555 6666").await;
        bot.outbox.end_next_send(Outcome::Refused(why));
        bot.click(JO, &bot.slack.last(), "confirm").await;
        let list = bot.slack.last();
        bot.click(JO, &list, "deliver_email").await;
        assert_told(&bot, &[failed, next]);
        bot.click(JO, &bot.slack.last(), "back").await;
        bot.click(JO, &bot.slack.last(), "deliver_phone").await;
        assert!(!bot.slack.last_text().contains("has just failed"));
    }
}

/// The result names the contact that the question named, and an address that was typed and failed is none.
async fn the_code_goes_where_the_question_said() {
    for (way, code, result) in [
        (
            "deliver_email",
            "+82 ··· ··42",
            "a code by SMS (+82 ··· ··42)",
        ),
        (
            "deliver_phone",
            EMAIL_MASK,
            "a code by email (m···@mail.example)",
        ),
    ] {
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "the password that was sent");
        let card = bot.card(JO, MINA).await;
        bot.click(JO, &card, "deliver_other").await;
        bot.submit(JO, "friend@mail.example").await;
        bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
        bot.click(JO, &bot.slack.last(), "confirm").await;
        bot.click(JO, &bot.slack.last(), way).await;
        assert_told(&bot, &[&format!("Code at sign-in: {code}")]);
        let asked = bot.slack.last_text();
        assert!(!asked.contains("failed"), "{asked}");
        bot.click(JO, &bot.slack.last(), "confirm").await;
        assert_told(&bot, &["Done: ", result]);
    }
}

/// Copy is asked about as well: whoever looks over the shoulder sees it.
async fn a_copy_is_asked_about_too() {
    let (bot, failed) = undelivered().await;
    bot.click(JO, &failed, "deliver_copy").await;
    assert_told(&bot, &["Show it to you here?"]);
    assert_eq!(shown_password(&bot.slack.last()), None);
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(shown_password(&bot.slack.last()).is_some());
}

/// A typing error is seen before the password goes there; afterwards the address is kept masked.
async fn a_typed_way_is_asked_about_in_full() {
    let (bot, failed) = undelivered().await;
    for (typed, asked) in [
        (
            "+82 10 5555 6666",
            "Text it to +82 10 5555 6666, not on record?",
        ),
        (
            "friend@mail.example",
            "Email it to friend@mail.example, not on record?",
        ),
    ] {
        bot.click(JO, &failed, "deliver_other").await;
        bot.submit(JO, typed).await;
        assert_told(&bot, &[asked]);
        assert_eq!(passwords_to(&bot), Vec::<String>::new());
    }
    let kept = "reset where proposed_to = 'friend@mail.example'";
    assert_eq!(bot.count(kept).await, 1);
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert_told(&bot, &["Done: "]);
    let told = bot.slack.last_text();
    assert!(!told.contains("friend@mail.example"), "{told}");
    assert_eq!(passwords_to(&bot), ["friend@mail.example"]);
    let left = "reset where proposed_to is not null or destination is not null";
    assert_eq!(bot.count(left).await, 0);
}

/// A finger that presses twice sends once.
async fn a_double_click_sends_once() {
    let (bot, failed) = undelivered().await;
    bot.click(JO, &failed, "deliver_email").await;
    let value = button_value(&bot.slack.last(), "confirm").unwrap();
    bot.outbox.slow_down(EMAIL, Duration::from_millis(300));
    bot.click_and_go(JO, "confirm", &value).await;
    let said = bot.slack.said().len();
    bot.click_and_go(JO, "confirm", &value).await;
    bot.settle().await;
    let told: Vec<String> = bot.slack.said()[said..].iter().map(text_of).collect();
    assert!(
        told.iter().any(|told| told.contains("still working")),
        "{told:?}"
    );
    assert!(told.iter().any(|told| told.contains("Done: ")), "{told:?}");
    assert_eq!(passwords_to(&bot), [EMAIL]);
    bot.click_value(JO, "confirm", &value).await;
    assert_told(&bot, &["Already done: you reset Mina Park"]);
    assert_eq!(passwords_to(&bot), Vec::<String>::new());
}

/// An older question confirms nothing: what is asked now is shown again. Nor does the last look from before the act.
async fn an_older_question_sends_nothing() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let failed = bot.slack.last();
    bot.outbox.take();
    bot.click(JO, &failed, "deliver_email").await;
    let older = bot.slack.last();
    bot.click(JO, &failed, "deliver_phone").await;
    for button in [&older, &ready] {
        bot.click(JO, button, "confirm").await;
        let asked = "Text it to +82 ··· ··42?";
        assert_told(&bot, &["was out of date", "Nothing was sent.", asked]);
    }
    assert_eq!(passwords_to(&bot), Vec::<String>::new());
    let newest = bot.slack.last();
    bot.click(JO, &newest, "back").await;
    bot.click(JO, &newest, "confirm").await;
    assert_told(&bot, &["was out of date", "Choose another way by"]);
    assert_eq!(passwords_to(&bot), Vec::<String>::new());
    bot.another_way(JO, &bot.slack.last(), "deliver_phone")
        .await;
    assert_told(&bot, &["Done: "]);
    assert_eq!(passwords_to(&bot), ["+821012345642"]);
}

/// The password is wiped while the question waits: every button of it and of the list says so, before the sweep and after it.
async fn a_question_outlives_its_password() {
    let (bot, failed) = undelivered().await;
    bot.click(JO, &failed, "deliver_email").await;
    let question = bot.slack.last();
    bot.clock.advance(Span::minutes(10));
    for _ in 0..2 {
        for (message, button) in [
            (&question, "confirm"),
            (&question, "back"),
            (&failed, "deliver_phone"),
            (&failed, "deliver_copy"),
        ] {
            bot.click(JO, message, button).await;
            let why = "was wiped, because no other way was confirmed in time.";
            assert_told(&bot, &[why, "Nothing was sent.", "Run the command again."]);
        }
        bot.sweep().await;
    }
    assert_eq!(passwords_to(&bot), Vec::<String>::new());
    assert_eq!(bot.count("reset where proposed is not null").await, 0);
}

/// The password is in memory only. After a restart the question leads nowhere, and says why.
async fn a_question_outlives_a_restart() {
    let (bot, failed) = undelivered().await;
    bot.click(JO, &failed, "deliver_email").await;
    let question = bot.slack.last();
    let bot = bot.restart().await;
    for is_swept in [false, true] {
        for (message, button) in [(&question, "confirm"), (&failed, "deliver_phone")] {
            bot.click(JO, message, button).await;
            let why = "was lost, because relatch was restarted.";
            assert_told(&bot, &[why, "Nothing was sent.", "Run the command again."]);
        }
        if !is_swept {
            bot.sweep().await;
        }
    }
    assert_eq!(passwords_to(&bot), Vec::<String>::new());
}

/// Somebody else resets the member while the question waits: its password is not the newest any more.
async fn a_question_outlives_another_reset() {
    let (bot, failed) = undelivered().await;
    bot.leaves(Left::Messages, "the other reset's");
    bot.click(JO, &failed, "deliver_email").await;
    let question = bot.slack.last();
    bot.clock.advance(Span::seconds(1));
    bot.reset(KIM, MINA, "deliver_copy").await;
    bot.outbox.take();
    bot.click(JO, &question, "confirm").await;
    let why = "was wiped, because they were reset once more.";
    assert_told(&bot, &[why, "Nothing was sent."]);
    assert_eq!(passwords_to(&bot), Vec::<String>::new());
}

/// A contact that leaves the record between the question and its answer gets nothing.
async fn a_contact_that_left_the_record_meanwhile_gets_nothing() {
    let (bot, failed) = undelivered().await;
    bot.click(JO, &failed, "deliver_email").await;
    let question = bot.slack.last();
    bot.alter(MINA, "personal_email", "other@mail.example")
        .await;
    bot.click(JO, &question, "confirm").await;
    let next = "Go back and choose another way by 10:10. This click sent nothing.";
    assert_told(&bot, &["was changed after you chose it", next]);
    assert!(!bot.slack.last_text().contains("Run the command again"));
    assert_eq!(passwords_to(&bot), Vec::<String>::new());
    bot.click(JO, &question, "back").await;
    bot.another_way(JO, &bot.slack.last(), "deliver_email")
        .await;
    assert_eq!(passwords_to(&bot), ["other@mail.example"]);
}

/// A failed delivery that was not told is told at the next command, with what to do while the password waits. Whoever has
/// read the question before another way knows it.
async fn a_failure_is_news_until_another_way_is_asked_about() {
    // Whether another way was chosen, and whether its question was shown.
    for (is_chosen, is_shown) in [(false, false), (true, false), (true, true)] {
        let bot = TestBot::new().await;
        let ready = bot.last_look(JO, MINA, "deliver_phone").await;
        let value = button_value(&ready, "cancel").unwrap();
        bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
        bot.slack.answer_replies_with(Some(404));
        bot.click(JO, &ready, "confirm").await;
        if is_shown {
            bot.slack.answer_replies_with(None);
        }
        if is_chosen {
            bot.click_value(JO, "deliver_email", &value).await;
        }
        bot.slack.answer_replies_with(None);
        let news = bot.news_beside(JO, "noa@acme.example").await;
        if is_shown {
            assert_eq!(news, None);
        } else {
            let news = news.unwrap_or_default();
            assert!(
                news.contains("choose another way below its result"),
                "{news}"
            );
        }
        bot.outbox.take();
    }
}

hold! {
    slack_alone on Slack:
    a_failure_is_news_until_another_way_is_asked_about,
}

on_every_platform! {
    another_way_is_asked_about_once,
    the_question_tells_where_the_code_will_go,
    the_question_doubts_a_code_that_takes_the_way_which_failed,
    the_code_goes_where_the_question_said,
    a_copy_is_asked_about_too,
    a_typed_way_is_asked_about_in_full,
    a_double_click_sends_once,
    an_older_question_sends_nothing,
    a_question_outlives_its_password,
    a_question_outlives_a_restart,
    a_question_outlives_another_reset,
    a_contact_that_left_the_record_meanwhile_gets_nothing,
}
