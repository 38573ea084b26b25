//! Forms that are refused, sent again, accepted twice, or not opened at all.

use axum::http::StatusCode;
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::{Platform, Span};
use serde_json::Value;

use crate::support::mattermost::{form_body, id_of};
use crate::support::slack::{button_value, text_of, user_id};
use crate::support::{Answer, TestBot, on};

const JO: &str = "jo@acme.example";
const NOA: &str = "noa@acme.example";
const MINA: &str = "mina.park@acme.example";
const PHONE: &str = "+82 10 9999 8877";
const NUMBER: &str = "+821077776666";

/// A bot on Mattermost with the open dialog of [`MINA`]'s card.
async fn with_dialog() -> (TestBot, Value) {
    let bot = TestBot::new().await;
    let card = bot.on(Platform::Mattermost).card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    let view = bot.slack.last_view();
    (bot, view)
}

/// The same bytes are sent as often as this is called: only dialogs of Mattermost carry nothing that makes them new.
async fn submit(bot: &TestBot, view: &Value, typed: &str) -> Answer {
    let body = form_body(&id_of(JO), view, typed);
    let answer = bot.post_to_mattermost("/mattermost/dialogs", body).await;
    bot.settle().await;
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "the client shows any other as an error of the server"
    );
    answer
}

/// What has gone on may refuse what was accepted; nobody who sent it once is told that.
#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_dialog_sent_again_is_answered_without_effect() {
    let (bot, view) = with_dialog().await;
    submit(&bot, &view, PHONE).await;
    let ready = bot.slack.last();
    assert!(text_of(&ready).contains(" now?"));
    bot.click(JO, &ready, "confirm").await;
    assert!(bot.slack.last_text().contains("Done: "));
    bot.outbox.take();
    bot.alter(JO, "role", "member").await;
    for _ in 0..2 {
        let before = (bot.trace().await, bot.slack.said().len());
        let again = submit(&bot, &view, PHONE).await;
        assert_eq!(again.body.len(), 0, "{}", again.refusal_of_form());
        assert_eq!((bot.trace().await, bot.slack.said().len()), before);
    }
}

/// The reason that is told again is the one that holds now.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_dialog_gets_the_reason_that_holds_now() {
    let (bot, view) = with_dialog().await;
    let keys = bot.count("replay_key").await;
    for _ in 0..2 {
        let told = submit(&bot, &view, "+82 12").await.refusal_of_form();
        assert!(told.contains("not a complete phone number"), "{told}");
        assert_eq!(bot.count("replay_key").await, keys, "nothing is kept of it");
    }
    bot.clock.advance(Span::minutes(11));
    for _ in 0..2 {
        let told = submit(&bot, &view, "+82 12").await.refusal_of_form();
        assert!(
            told.contains("older than 10 min") && told.contains("Nothing was changed."),
            "{told}"
        );
    }
}

/// The same text counts as one refusal, however often it is sent, so that a client that repeats pauses nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_refused_again_counts_once() {
    let (bot, view) = with_dialog().await;
    let tried = bot.count("look_up where tried = 'refused_click'").await;
    for typed in ["+82 12", "+82 12", "+82 13"] {
        submit(&bot, &view, typed).await;
    }
    assert_eq!(
        bot.count("look_up where tried = 'refused_click'").await,
        tried + 2
    );
}

/// A password that waits for another way, and can no longer go any: the reason stands at the input, each time.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_no_longer_be_done_is_told_at_the_input() {
    let bot = TestBot::new().await;
    let ready = bot
        .on(Platform::Mattermost)
        .last_look(JO, MINA, "deliver_phone")
        .await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let waiting = bot.slack.last();
    bot.click(JO, &waiting, "deliver_other").await;
    let view = bot.slack.last_view();
    bot.outbox.take();
    // It is wiped after ten minutes; the sweep has not come by yet.
    bot.clock.advance(Span::minutes(10));
    let said = bot.slack.said().len();
    for _ in 0..2 {
        let told = submit(&bot, &view, PHONE).await.refusal_of_form();
        assert!(
            told.contains("was wiped, because no other way was confirmed in time"),
            "{told}"
        );
    }
    assert_eq!(bot.slack.said().len(), said, "nothing beside it");
}

/// The code of a contact: each wrong one costs a try, and what is refused is told each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_no_longer_works_is_told_as_often_as_it_is_typed() {
    let (bot, view, code) = with_code().await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for told in ["4 tries left", "3 tries left"] {
        let refused = submit(&bot, &view, wrong).await.refusal_of_form();
        assert!(refused.contains(told), "{refused}");
    }
    bot.clock.advance(Span::minutes(10));
    for typed in [wrong, wrong, code.as_str(), code.as_str()] {
        let refused = submit(&bot, &view, typed).await.refusal_of_form();
        assert!(
            refused.contains("no longer works") || refused.contains("older than"),
            "{refused}"
        );
    }
}

/// A right code works once; sent again it is no error.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_code_sent_again_is_no_error() {
    let (bot, view, code) = with_code().await;
    submit(&bot, &view, &code).await;
    assert!(
        bot.slack.last_text().contains("has answered"),
        "{}",
        bot.slack.last_text()
    );
    bot.clock.advance(Span::minutes(11));
    let before = (bot.trace().await, bot.slack.said().len());
    let again = submit(&bot, &view, &code).await;
    assert_eq!(again.body.len(), 0, "{}", again.refusal_of_form());
    assert_eq!((bot.trace().await, bot.slack.said().len()), before);
}

/// A bot on Mattermost, the open dialog for the code of a contact, and the code.
async fn with_code() -> (TestBot, Value, String) {
    let bot = TestBot::new().await;
    let add = format!("contact <@{}> {NUMBER}", user_id(NOA));
    let asked = bot.on(Platform::Mattermost).command(JO, &add).await.json();
    let value = button_value(&asked, "contact_add").unwrap();
    bot.click_value(JO, "contact_add", &value).await;
    let value = button_value(&bot.slack.last(), "contact_code").unwrap();
    bot.outbox.take();
    bot.click_value(JO, "contact_code", &value).await;
    let (code, _) = bot.codes().pop().unwrap();
    let view = bot.slack.last_view();
    (bot, view, code)
}

/// A second try, signed anew, gets the reason at its input, on every platform.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_try_gets_its_reason_on_every_platform() {
    for platform in [
        Platform::Slack,
        Platform::Discord,
        Platform::Lark,
        Platform::Mattermost,
    ] {
        on(platform, async {
            let bot = TestBot::new().await;
            let card = bot.card(JO, MINA).await;
            bot.click(JO, &card, "deliver_other").await;
            for typed in ["mina@", "mina@", "+82 12"] {
                let answer = bot.submit(JO, typed).await;
                let told = answer.refusal_of_form();
                assert!(
                    told.contains("complete") && told.contains("Nothing was changed."),
                    "{platform}: {typed}: {told}"
                );
            }
        })
        .await;
    }
}

/// What a dialog that was not opened is told, by what the server said.
async fn told_when_not_opened(fail: impl FnOnce(&TestBot)) -> String {
    let bot = TestBot::new().await;
    let card = bot.on(Platform::Mattermost).card(JO, MINA).await;
    fail(&bot);
    bot.click(JO, &card, "deliver_other").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("Nothing was changed.")
            && told.contains("(ref ")
            && told.chars().count() <= 350,
        "{told}"
    );
    assert!(!told.contains("who you are"), "{told}");
    told
}

/// The server opens no dialog for a trigger that is older than 30 s, and the administrator is told what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_dialog_that_is_not_opened_says_why() {
    let set = |status, id| {
        move |bot: &TestBot| {
            let memory = &bot.slack.memory;
            memory.mattermost.lock().unwrap().dialog_refusal = Some((status, id));
        }
    };
    let late =
        told_when_not_opened(set(400, "interactive_message.decode_trigger_id.expired")).await;
    assert!(late.contains("Press the button again."), "{late}");
    let limited = told_when_not_opened(set(429, "")).await;
    assert!(
        limited.contains("slow down") && limited.contains("in 7 s"),
        "{limited}"
    );
    for status in [400, 500] {
        let told = told_when_not_opened(set(status, "api.some.error")).await;
        assert!(
            told.contains("The chat did not open the form."),
            "{status}: {told}"
        );
    }
}

/// Slack's permission to open a form lives three seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_slack_that_is_not_opened_says_why() {
    for (error, told) in [
        ("expired_trigger_id", "Press the button again."),
        ("exchanged_trigger_id", "Press the button again."),
        ("fatal_error", "The chat did not open the form."),
    ] {
        let bot = TestBot::new().await;
        let card = bot.card(JO, MINA).await;
        bot.slack.refuse_forms_with(error);
        bot.click(JO, &card, "deliver_other").await;
        let text = bot.slack.last_text();
        assert!(
            text.contains(told) && text.contains("Nothing was changed."),
            "{error}: {text}"
        );
        assert!(!text.contains("who you are"), "{text}");
    }
}
