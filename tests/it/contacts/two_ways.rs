//! Password and code go two ways, and two contacts can be required.

use relatch::surface::domain::Span;
use relatch::surface::domain::contacts::ContactRules;
use relatch::surface::domain::delivery::{Outcome, Refusal, Ways};

use super::{
    EMAIL, JO, KIM, MINA, NOA, NUMBER, PHONE, PLATFORMS, add, assert_refused, code_goes_to,
    sent_password,
};
use crate::support::slack::{button_value, shown_password, text_of, user_id};
use crate::support::{TestBot, on};

/// S40, S41: whoever holds the phone to which the password went does not get the code there, while the member has a private
/// email; and card, last look and result say where it goes. On every platform.
#[tokio::test(flavor = "multi_thread")]
async fn password_and_code_go_to_two_contacts() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            let card = bot.card(JO, MINA).await;
            let told = text_of(&card);
            assert!(
                told.contains(
                    "It goes to +82 ··· ··42; if the password goes there, to m···@mail.example."
                ),
                "{told}"
            );
            bot.click(JO, &card, "deliver_phone").await;
            let look = bot.slack.last_text();
            assert!(
                look.contains("Code at sign-in: m···@mail.example"),
                "{platform}: {look}"
            );
            bot.click(JO, &bot.slack.last(), "confirm").await;
            assert!(
                bot.slack
                    .last_text()
                    .contains("and a code by email (m···@mail.example)"),
                "{platform}"
            );
            let password = sent_password(&bot, PHONE);
            assert_eq!(
                code_goes_to(&bot, MINA, &password).await.as_deref(),
                Some(EMAIL),
                "{platform}"
            );
        })
        .await;
    }
}

/// A number that looks the same when it is masked is another one: the password did not go there, so the code does.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_with_the_same_mask_is_another_one() {
    const OTHER: &str = "+821099995642";
    let bot = TestBot::new().await;
    bot.alter(NOA, "phone", PHONE).await;
    add(&bot, KIM, NOA, OTHER).await;
    bot.execute("update contact set added_at = 1, answered_at = 1, added_as = 'proven'")
        .await;
    bot.reset(JO, NOA, "deliver_phone").await;
    let password = sent_password(&bot, PHONE);
    let code = code_goes_to(&bot, NOA, &password).await;
    assert_eq!(code.as_deref(), Some(OTHER));
}

/// Where there is one contact only, both go there, and everybody is told so before and after.
#[tokio::test(flavor = "multi_thread")]
async fn one_contact_gets_both_and_it_is_said() {
    let bot = TestBot::new().await;
    bot.alter(NOA, "phone", NUMBER).await;
    let card = bot.card(JO, NOA).await;
    assert!(
        text_of(&card).contains("password and code go to the same phone"),
        "{card:#}"
    );
    bot.click(JO, &card, "deliver_phone").await;
    assert!(
        bot.slack
            .last_text()
            .contains("password and code go to the same phone"),
        "{}",
        bot.slack.last_text()
    );
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(
        bot.slack
            .last_text()
            .contains("password and code go to the same phone"),
        "{}",
        bot.slack.last_text()
    );
    let password = sent_password(&bot, NUMBER);
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );
}

/// "A second phone is another method", once it has answered a code.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_phone_is_another_method_once_it_has_answered() {
    let bot = TestBot::new().await;
    bot.alter(NOA, "phone", "+821012345698").await;
    add(&bot, KIM, NOA, NUMBER).await;
    bot.clock.advance(Span::hours(72));
    bot.reset(JO, NOA, "deliver_phone").await;
    let password = sent_password(&bot, "+821012345698");
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some("+821012345698"),
        "it has not answered"
    );

    bot.alter(NOA, "phone", "").await;
    let browser = bot.browser();
    bot.clock.advance(Span::minutes(1));
    assert_eq!(browser.sign_in(NOA, &password).await.to(), "/verify");
    let (code, to) = bot.codes().pop().expect("a code");
    assert_eq!(to, NUMBER);
    assert_eq!(
        browser
            .submit("/verify", "/verify", &[("code", &code)])
            .await
            .to(),
        "/new-password"
    );
    bot.alter(NOA, "phone", "+821012345698").await;
    bot.reset(JO, NOA, "deliver_phone").await;
    assert!(
        bot.slack
            .last_text()
            .contains("+82 ··· ··99, where the code goes, was added by Kim Cho on 23 Nov"),
        "{}",
        bot.slack.last_text()
    );
    let password = sent_password(&bot, "+821012345698");
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );
}

/// S41 without exception: the contact on record gets no code where the administrator's copy went there.
#[tokio::test(flavor = "multi_thread")]
async fn no_code_follows_a_copy_to_a_contact_on_record() {
    let bot = TestBot::new().await;
    bot.alter(NOA, "personal_email", "noa@mail.example").await;
    bot.last_look(JO, NOA, "deliver_copy").await;
    bot.click(JO, &bot.slack.last(), "copy_to_self_change")
        .await;
    bot.submit(JO, "Noa+x@mail.example").await;
    assert!(
        bot.slack
            .last_text()
            .contains("has no phone or private email that may receive the code"),
        "{}",
        bot.slack.last_text()
    );
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let password = shown_password(&bot.slack.last()).expect("the password is shown");
    assert_eq!(code_goes_to(&bot, NOA, &password).await, None);
}

/// S41: nor where a typed address became the one on record later, or was tried before another way was chosen.
#[tokio::test(flavor = "multi_thread")]
async fn no_code_follows_an_address_that_was_typed() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.submit(JO, "jo.private@home.example").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &bot.slack.last(), "confirm").await;
    bot.another_way(JO, &bot.slack.last(), "deliver_email")
        .await;
    let sent = bot.outbox.take();
    let mail = sent
        .iter()
        .find(|sent| sent.to == EMAIL && sent.text.contains("new one is"))
        .expect("the password");
    let password: String = mail
        .text
        .split("\n\n    ")
        .nth(1)
        .unwrap()
        .chars()
        .take(8)
        .collect();
    bot.alter(MINA, "phone", "").await;
    let mut row = bot
        .app
        .store
        .members()
        .await
        .unwrap()
        .into_iter()
        .find(|row| row.business_email == MINA)
        .unwrap();
    (row.phone, row.personal_email) = (None, Some("jo.private@home.example".to_owned()));
    bot.app.store.import_members(vec![row]).await.unwrap();
    assert_eq!(code_goes_to(&bot, MINA, &password).await, None);
}

/// `policy.separate_code = "require"`: who has one contact is refused on the card, before any change, and a code never
/// follows the password.
#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_can_be_required() {
    for platform in PLATFORMS {
        on(platform, async {
            let rules = ContactRules {
                needs_two: true,
                ..ContactRules::default()
            };
            let bot = TestBot::with_contact_rules(Ways::default(), rules).await;
            bot.alter(NOA, "phone", NUMBER).await;
            let told = bot
                .command(JO, &format!("<@{}|someone>", user_id(NOA)))
                .await
                .text();
            assert_refused(
                &told,
                "Password and code need two contacts; Noa Bae has one.",
            );
            assert!(
                told.contains("relatch members contact noa@acme.example"),
                "{told}"
            );
            assert_eq!(
                (bot.count("reset").await, bot.audited("command").await),
                (0, "one_contact".to_owned())
            );
            let counted = "look_up where tried = 'refused_look_up'";
            let named =
                "audit where event = 'command' and admin_id = 'id-jo' and member_id = 'id-noa'";
            assert_eq!((bot.count(counted).await, bot.count(named).await), (1, 1));
            assert!(button_value(&bot.card(JO, MINA).await, "deliver_phone").is_some());
        })
        .await;
    }
}

/// The same is asked at the act: a contact that went meanwhile stops the reset, and its slot comes back.
#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_are_required_at_the_act_too() {
    let rules = ContactRules {
        needs_two: true,
        ..ContactRules::default()
    };
    let bot = TestBot::with_contact_rules(Ways::default(), rules).await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    let mut row = bot
        .app
        .store
        .members()
        .await
        .unwrap()
        .into_iter()
        .find(|row| row.business_email == MINA)
        .unwrap();
    row.personal_email = None;
    bot.app.store.import_members(vec![row]).await.unwrap();
    bot.click(JO, &ready, "confirm").await;
    let told = bot.slack.last_text();
    assert_refused(
        &told,
        "Password and code need two contacts; Mina Park has one.",
    );
    assert!(told.contains("No reset was used."), "{told}");
    assert!(bot.outbox.take().is_empty());
}

/// And before an undelivered password goes another way: it waits for one that is allowed.
#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_are_required_for_another_way_too() {
    let rules = ContactRules {
        needs_two: true,
        ..ContactRules::default()
    };
    let bot = TestBot::with_contact_rules(Ways::default(), rules).await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let failed = bot.slack.last();
    let mut row = bot
        .app
        .store
        .members()
        .await
        .unwrap()
        .into_iter()
        .find(|row| row.business_email == MINA)
        .unwrap();
    row.personal_email = None;
    bot.app.store.import_members(vec![row]).await.unwrap();
    bot.outbox.take();
    bot.another_way(JO, &failed, "deliver_phone").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("Password and code need two contacts; Mina Park has one."),
        "{told}"
    );
    assert!(
        told.contains("The password was changed, but") && !told.contains("Nothing was changed."),
        "{told}"
    );
    assert!(bot.outbox.take().is_empty());
    assert_eq!(
        bot.count("reset where state = 'undelivered' and failure = 'one_contact'")
            .await,
        1
    );
}

/// A contact that the administrator added is none of the two for their own reset, neither on the card nor at the act; nor
/// is one at which the administrator's copy goes.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_administrator_has_a_hand_in_is_none_of_two() {
    const ONE: &str = "Password and code need two contacts; Mina Park has one.";
    const ADDED: &str = "insert into contact (member_id, channel, address, added_by, added_at, added_as, added_by_name,
        answered_at) values ('id-mina.park', 'sms', '+821012345699', 'id-jo', 1, 'administrator', 'Jo Lim', 1)";
    let rules = ContactRules {
        needs_two: true,
        ..ContactRules::default()
    };
    let bot = TestBot::with_contact_rules(Ways::default(), rules).await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.execute("update member set personal_email = null where member_id = 'id-mina.park'")
        .await;
    bot.execute(ADDED).await;
    bot.click(JO, &ready, "confirm").await;
    assert_refused(&bot.slack.last_text(), ONE);
    let told = bot
        .command(JO, &format!("<@{}|someone>", user_id(MINA)))
        .await
        .text();
    assert_refused(&told, ONE);
    assert!(button_value(&bot.card(KIM, MINA).await, "deliver_phone").is_some());

    let rules = ContactRules {
        needs_two: true,
        ..ContactRules::default()
    };
    let bot = TestBot::with_contact_rules(Ways::default(), rules).await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.click(JO, &ready, "copy_to_self_change").await;
    bot.submit(JO, EMAIL).await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert_refused(&bot.slack.last_text(), ONE);
    assert!(bot.outbox.take().is_empty());
}
