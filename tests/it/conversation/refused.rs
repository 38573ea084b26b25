//! What the command and the forms refuse, and the words for it.

use axum::http::StatusCode;
use relatch::surface::domain::Span;
use serde_json::json;

use super::{JO, KIM, LEE, MINA, NOA, NOTHING, assert_refusal, used};
use crate::support::TestBot;
use crate::support::slack::{text_of, user_id};

/// S11, S24, S25: a typed destination is checked, and never the business e-mail.
async fn a_typed_destination_is_checked() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    for (typed, told) in [
        ("+82 12", "not a complete phone number"),
        ("+442079460000", "can't receive an SMS"),
        ("mina@", "not a complete email"),
        ("Mina.Park+x@ACME.example", "business email"),
        ("a@b.example,c@d.example", "not a complete email"),
    ] {
        let text = bot.submit(JO, typed).await.refusal_of_form();
        assert!(
            text.contains(told) && text.contains(NOTHING),
            "{typed}: {text}"
        );
    }
    bot.submit(JO, "+82 10 9999 8877").await;
    let ready = bot.slack.last();
    assert!(text_of(&ready).contains("Goes to: SMS +82 10 9999 8877, not on record"));
    assert_eq!(used(&bot).await, 0);
    bot.click(JO, &ready, "confirm").await;
    assert_eq!(bot.outbox.take()[0].to, "+821099998877");
}

/// S3, S9, S15, S16, Q8, Q9 and who is who: every refusal of the command.
async fn every_refusal_says_what_holds() {
    let bot = TestBot::new().await;
    let mention = |email: &str| format!("<@{}>", user_id(email));
    for (who, text, told) in [
        (LEE, mention(MINA), "You can't reset passwords"),
        (
            LEE,
            mention("nobody@acme.example"),
            "You can't reset passwords",
        ),
        (JO, mention(JO), "your own password"),
        (KIM, mention(JO), "Only another primary admin"),
        (JO, mention("sam@acme.example"), "is Suspended"),
        (JO, mention("pia@acme.example"), "is Pending"),
        (JO, mention("ria@acme.example"), "is Resigned"),
        (JO, mention("sol@acme.example"), "single sign-on"),
        (JO, mention("fon@acme.example"), "phone and a code"),
        (JO, mention("nobody@acme.example"), "exactly one account"),
        (
            JO,
            "nobody@acme.example".to_owned(),
            "exactly one account for \"nobody@acme.example\"",
        ),
        (JO, "mina".to_owned(), "exactly one account for \"mina\""),
        (JO, "UMINAPARK".to_owned(), "exactly one account"),
        (
            JO,
            format!("{} {}", mention(MINA), mention(NOA)),
            "one member at a time",
        ),
        (
            JO,
            "contact <@UMINAPARK> +82".to_owned(),
            "not a complete phone number",
        ),
    ] {
        let answer = bot.command(who, &text).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text().contains(told), "{text}: {}", answer.text());
        assert_refusal(&answer.text());
        assert!(
            !answer.text().contains("mina.park@acme.example") || text.contains("mina"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(used(&bot).await, 0);
}

/// Guests, bots, strangers and accounts without a confirmed e-mail, as caller and as member.
async fn accounts_that_stand_for_nobody_are_refused() {
    for (field, value) in [
        ("is_restricted", json!(true)),
        ("is_ultra_restricted", json!(true)),
        ("is_bot", json!(true)),
        ("deleted", json!(true)),
        ("is_stranger", json!(true)),
        ("team_id", json!("T9")),
        ("is_email_confirmed", json!(false)),
    ] {
        for who in [JO, MINA] {
            let bot = TestBot::new().await;
            bot.slack.change(who, field, value.clone());
            let answer = bot.command(JO, "<@UMINAPARK>").await;
            assert_refusal(&answer.text());
            assert!(
                !answer.text().contains("Mina Park"),
                "{field} {who}: {}",
                answer.text()
            );
        }
    }
}

/// The chat's own failures have texts of their own.
async fn failures_of_slack_are_told() {
    let bot = TestBot::new().await;
    for (status, body, told) in [
        (429, json!({}), "in 7 s"),
        (
            200,
            json!({ "ok": false, "error": "missing_scope", "needed": "users:read.email" }),
            "users:read.email",
        ),
        (
            200,
            json!({ "ok": false, "error": "token_revoked" }),
            "refuses relatch's token",
        ),
        (500, json!({}), "doesn't answer"),
    ] {
        bot.slack.answer_who_with(Some((status, body)));
        let answer = bot.command(JO, "<@UMINAPARK>").await;
        assert!(answer.text().contains(told), "{}", answer.text());
        assert_refusal(&answer.text());
    }
}

/// What the directory could not be asked about may be typed once more.
async fn the_same_may_be_typed_again() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    for _ in 0..2 {
        bot.click(JO, &card, "deliver_other").await;
        bot.submit(JO, "friend@mail.example").await;
        assert!(
            bot.slack.last_text().contains(" now?"),
            "{}",
            bot.slack.last_text()
        );
    }
}

/// Whatever takes too long to be refused at once is refused all the same, by a click as by a form.
async fn a_late_refusal_is_told() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.slack.delay_who(std::time::Duration::from_millis(3800));
    let before = bot.slack.said().len();
    bot.submit(JO, MINA).await;
    assert_eq!(bot.slack.said().len(), before + 1);
    assert!(
        bot.slack.last_text().contains("business email"),
        "{}",
        bot.slack.last_text()
    );
    assert_ne!(
        bot.slack.last()["replace_original"],
        json!(true),
        "the card is gone"
    );
    bot.alter(JO, "role", "member").await;
    bot.click(JO, &card, "deliver_phone").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("You can't reset passwords") && told.contains(NOTHING),
        "{told}"
    );
}

/// Whose account it is that is out of use, is said right.
async fn a_member_who_left_the_chat_is_not_taken_for_the_administrator() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.slack.change(MINA, "deleted", json!(true));
    bot.clock.advance(Span::seconds(31));
    bot.click(JO, &card, "deliver_phone").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("has a deactivated chat account.")
            && !told.contains("this is a deactivated")
            && told.contains(NOTHING),
        "{told}"
    );
}

/// Q8: where the chat says how high people stand, an owner is protected however they are named.
async fn an_owner_of_the_chat_is_protected_by_every_name() {
    let bot = TestBot::with_admins_of_the_chat().await;
    bot.slack.change(KIM, "is_admin", json!(true));
    bot.slack.change(JO, "is_owner", json!(true));
    for named in [format!("<@{}>", user_id(JO)), JO.to_owned()] {
        let told = text_of(&bot.command(KIM, &named).await.json());
        assert!(told.contains("is a primary admin"), "{named}: {told}");
    }
    // Somebody who becomes an owner between card and click is protected too.
    let ready = bot.last_look(KIM, MINA, "deliver_phone").await;
    bot.slack.change(MINA, "is_owner", json!(true));
    bot.click(KIM, &ready, "confirm").await;
    assert!(
        bot.slack.last_text().contains("is a primary admin"),
        "{}",
        bot.slack.last_text()
    );
    assert_refusal(&bot.slack.last_text());
    assert_eq!(used(&bot).await, 0);
}

on_every_platform! {
    a_typed_destination_is_checked,
    every_refusal_says_what_holds,
    a_late_refusal_is_told,
    the_same_may_be_typed_again,
}

// What only Slack can be asked.
hold! {
    slack_alone on Slack:
    accounts_that_stand_for_nobody_are_refused,
    failures_of_slack_are_told,
    a_member_who_left_the_chat_is_not_taken_for_the_administrator,
    an_owner_of_the_chat_is_protected_by_every_name,
}
