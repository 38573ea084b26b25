//! The code by which an added contact answers in the chat.

use relatch::surface::domain::{Platform, Span};

use super::{
    JO, KIM, NOA, NUMBER, PLATFORMS, add, added, assert_refused, code_goes_to, sent_password,
};
use crate::support::slack::{button_value, user_id};
use crate::support::{TestBot, on};

/// The button under an added contact sends a code there; who types what the member reads out shows that it works.
#[tokio::test(flavor = "multi_thread")]
async fn an_added_contact_answers_a_code_in_the_chat() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            bot.alter(NOA, "phone", "+821012345698").await;
            let words = format!("contact <@{}> {NUMBER}", user_id(NOA));
            let told = added(&bot, KIM, &words).await;
            bot.outbox.take();
            let value = button_value(&told, "contact_code").expect("the button");
            // Somebody else's button does nothing.
            bot.click_value(JO, "contact_code", &value).await;
            assert!(bot.outbox.take().is_empty(), "{platform}");
            bot.click_value(KIM, "contact_code", &value).await;
            let sent = bot.outbox.take();
            assert!(
                sent.len() == 1
                    && sent[0].to == NUMBER
                    && sent[0].text.contains("It opens nothing."),
                "{platform}"
            );
            let code: String = sent[0]
                .text
                .split_once(" code: ")
                .unwrap()
                .1
                .chars()
                .take(6)
                .collect();
            let wrong = if code == "000000" { "000001" } else { "000000" };
            let refused = bot.submit(KIM, wrong).await.refusal_of_form();
            assert!(
                refused.contains("Wrong code. 4 tries left. Nothing was changed."),
                "{platform}: {refused}"
            );
            if platform == Platform::Mattermost {
                // The same text again is the next try, and without a reason the dialog would close.
                let again = bot.submit(KIM, wrong).await.refusal_of_form();
                assert!(again.contains("Wrong code. 3 tries left."), "{again}");
            }
            bot.submit(KIM, &code).await;
            assert!(
                bot.slack.last_text().contains("+82 ··· ··99 has answered"),
                "{}",
                bot.slack.last_text()
            );
            assert!(
                bot.audited("contact")
                    .await
                    .ends_with("code_wrong answered"),
                "{platform}"
            );
            bot.clock.advance(Span::hours(72));
            bot.reset(JO, NOA, "deliver_phone").await;
            let password = sent_password(&bot, "+821012345698");
            assert_eq!(
                code_goes_to(&bot, NOA, &password).await.as_deref(),
                Some(NUMBER),
                "{platform}"
            );
        })
        .await;
    }
}

/// What answers is the contact that is on record: as it is spelled there, and not one that was removed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_answers_only_while_it_is_on_record() {
    let bot = TestBot::new().await;
    add(&bot, JO, NOA, "noa@mail.example").await;
    let told = added(
        &bot,
        KIM,
        &format!("contact <@{}> Noa+work@mail.example", user_id(NOA)),
    )
    .await;
    let value = button_value(&told, "contact_code").expect("the button");
    bot.outbox.take();
    bot.click_value(KIM, "contact_code", &value).await;
    let (code, to) = bot.codes().pop().expect("a code");
    assert_eq!(to, "noa@mail.example");
    bot.submit(KIM, &code).await;
    assert_eq!(bot.count("contact where answered_at is not null").await, 2);

    bot.clock.advance(Span::minutes(1));
    bot.click_value(KIM, "contact_code", &value).await;
    let (code, _) = bot.codes().pop().expect("a code");
    bot.execute("delete from contact").await;
    let told = bot.submit(KIM, &code).await.refusal_of_form();
    assert_refused(&told, "is no added contact of Noa Bae any more");
    bot.clock.advance(Span::minutes(1));
    bot.click_value(KIM, "contact_code", &value).await;
    assert_refused(
        &bot.slack.last_text(),
        "is no added contact of Noa Bae any more",
    );
    assert!(
        bot.codes().is_empty()
            && bot
                .audited("contact")
                .await
                .ends_with("contact_gone contact_gone")
    );
}

/// The code of a contact is no code for signing in, is rights-checked when it is typed, and is sent with pauses.
#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_a_contact_is_guarded() {
    let bot = TestBot::new().await;
    let told = bot
        .command(KIM, &format!("contact <@{}> {NUMBER}", user_id(NOA)))
        .await
        .json();
    bot.settle().await;
    bot.outbox.take();
    let value = button_value(&told, "contact_code").unwrap();
    bot.click_value(KIM, "contact_code", &value).await;
    let (code, _) = bot.codes().pop().expect("a code");
    bot.click_value(KIM, "contact_code", &value).await;
    assert_refused(
        &bot.slack.last_text(),
        "No further code can be sent to Noa Bae yet.",
    );
    assert!(bot.outbox.take().is_empty());
    bot.alter(KIM, "role", "member").await;
    assert_refused(
        &bot.submit(KIM, &code).await.refusal_of_form(),
        "You can't reset passwords.",
    );
    bot.clock.advance(Span::minutes(1));
    bot.click_value(KIM, "contact_code", &value).await;
    assert!(
        bot.outbox.take().is_empty(),
        "no code is sent for somebody without the right"
    );
    // It counts as none, and the one that was sent before still counts.
    assert_eq!(bot.count("member where codes_sent is not null").await, 1);
    bot.clock.advance(Span::minutes(10));
    bot.click_value(KIM, "contact_code", &value).await;
    assert_refused(&bot.slack.last_text(), "This card is older than");
}

/// Where the chat does not answer, the code is not used up: the same code is taken a moment later.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_outlives_a_chat_that_does_not_answer() {
    let bot = TestBot::new().await;
    let told = added(&bot, KIM, &format!("contact <@{}> {NUMBER}", user_id(NOA))).await;
    bot.outbox.take();
    let value = button_value(&told, "contact_code").expect("the button");
    bot.click_value(KIM, "contact_code", &value).await;
    let (code, _) = bot.codes().pop().expect("a code");
    let before = bot.count("audit").await;
    let down = serde_json::json!({ "ok": false, "error": "internal_error" });
    bot.slack.answer_who_with(Some((500, down)));
    let told = bot.submit(KIM, &code).await.refusal_of_form();
    assert!(told.contains("Nothing was changed."), "{told}");
    assert_eq!(bot.count("audit").await, before);
    bot.slack.answer_who_with(None);
    bot.submit(KIM, &code).await;
    assert!(bot.audited("contact").await.ends_with("answered"));
}

/// After five wrong codes the right one is worth nothing, until another one is sent.
#[tokio::test(flavor = "multi_thread")]
async fn the_code_of_a_contact_is_not_guessed() {
    let bot = TestBot::new().await;
    let told = added(&bot, KIM, &format!("contact <@{}> {NUMBER}", user_id(NOA))).await;
    bot.outbox.take();
    let value = button_value(&told, "contact_code").expect("the button");
    bot.click_value(KIM, "contact_code", &value).await;
    let (code, _) = bot.codes().pop().expect("a code");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        bot.submit(KIM, wrong).await;
    }
    bot.submit(KIM, &code).await;
    assert!(
        bot.audited("contact")
            .await
            .ends_with("code_wrong code_over")
    );
    assert_eq!(bot.count("contact where answered_at is not null").await, 0);
    bot.clock.advance(Span::minutes(1));
    bot.click_value(KIM, "contact_code", &value).await;
    let (code, _) = bot.codes().pop().expect("another code");
    bot.submit(KIM, &code).await;
    assert_eq!(bot.count("contact where answered_at is not null").await, 1);
}

/// A contact that was removed does not answer by another one of the same kind that is still there.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_contact_does_not_answer_by_another_one() {
    let bot = TestBot::new().await;
    add(&bot, JO, NOA, "noa@mail.example").await;
    let words = format!("contact <@{}> noa.second@mail.example", user_id(NOA));
    let told = added(&bot, KIM, &words).await;
    let value = button_value(&told, "contact_code").expect("the button");
    bot.outbox.take();
    bot.click_value(KIM, "contact_code", &value).await;
    let (code, _) = bot.codes().pop().expect("a code");
    bot.execute("delete from contact where address = 'noa.second@mail.example'")
        .await;
    assert_eq!(bot.count("contact").await, 1);
    let told = bot.submit(KIM, &code).await.refusal_of_form();
    assert_refused(&told, "is no added contact of Noa Bae any more");
    assert_eq!(bot.count("contact where answered_at is not null").await, 0);
}

/// A code that the member typed at sign-in shows as well that the contact it was sent to works.
#[tokio::test(flavor = "multi_thread")]
async fn an_added_contact_answers_by_the_code_of_a_sign_in() {
    let bot = TestBot::new().await;
    add(&bot, KIM, NOA, NUMBER).await;
    bot.clock.advance(Span::hours(72));
    let password = bot.reset_by_copy(JO, NOA).await;
    bot.outbox.take();
    let browser = bot.browser();
    assert_eq!(browser.sign_in(NOA, &password).await.to(), "/verify");
    let (code, to) = bot.codes().pop().expect("a code");
    assert_eq!(to, NUMBER);
    let answered = "contact where answered_at is not null";
    assert_eq!(bot.count(answered).await, 0);
    let page = browser
        .submit("/verify", "/verify", &[("code", &code)])
        .await;
    assert_eq!(page.to(), "/new-password");
    assert_eq!(bot.count(answered).await, 1);
}
