//! The guide on the card (S6, S7): where it leads, and how often it is sent.

use relatch::surface::domain::Span;

use crate::support::TestBot;
use crate::support::slack::button_value;

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";

/// A member of the built-in directory is led to their own page, and to the sign-in by a code only where there is one.
#[tokio::test(flavor = "multi_thread")]
async fn the_guide_of_the_built_in_directory_leads_to_the_account() {
    for has_code in [false, true] {
        let bot = if has_code {
            TestBot::with_code_sign_in().await
        } else {
            TestBot::new().await
        };
        let card = bot.card(JO, MINA).await;
        bot.click(JO, &card, "send_guide").await;
        let mail = bot.outbox.take().pop().unwrap().text;
        assert!(
            mail.contains("Open http://127.0.0.1/account there."),
            "{mail}"
        );
        assert!(mail.contains("I don't remember my password"), "{mail}");
        assert!(!mail.contains("Account Security Center"), "{mail}");
        assert_eq!(mail.contains("http://127.0.0.1/signin"), has_code, "{mail}");
    }
}

/// Where no page is known the guide is not offered.
#[tokio::test(flavor = "multi_thread")]
async fn no_guide_is_offered_that_leads_nowhere() {
    let bot = TestBot::without_pages(None, Some("security@acme.example")).await;
    let card = bot.card(JO, MINA).await;
    assert_eq!(button_value(&card, "send_guide"), None);
    // A button of before the settings changed does nothing.
    let value = button_value(&card, "cancel").unwrap();
    bot.click_value(JO, "send_guide", &value).await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("There is no page that the guide could lead to.")
            && told.contains("Nothing was changed."),
        "{told}"
    );
    assert!(bot.outbox.take().is_empty());
}

/// One guide a member an hour, over all administrators. The second is told whose was the first; the card stays open.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_gets_one_guide_an_hour() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "send_guide").await;
    assert_eq!(bot.outbox.take().len(), 1);
    bot.clock.advance(Span::minutes(59));
    for who in [JO, KIM] {
        let card = bot.card(who, MINA).await;
        bot.click(who, &card, "send_guide").await;
        let told = bot.slack.last_text();
        for part in [
            "Jo Lim sent Mina Park the guide at 10:00.",
            "can be sent at 11:00.",
            "Nothing was changed.",
            "(ref ",
        ] {
            assert!(told.contains(part), "{told}");
        }
        assert!(bot.outbox.take().is_empty());
        bot.click(who, &card, "cancel").await;
        assert!(
            bot.slack.last_text().contains("Cancelled."),
            "the card stays open"
        );
    }
    // Another member is another matter.
    bot.alter("lee@acme.example", "phone", "+821012345699")
        .await;
    let other = bot.card(KIM, "lee@acme.example").await;
    bot.click(KIM, &other, "send_guide").await;
    assert_eq!(bot.outbox.take().len(), 1);
    bot.clock.advance(Span::minutes(1));
    let card = bot.card(KIM, MINA).await;
    bot.click(KIM, &card, "send_guide").await;
    assert_eq!(bot.outbox.take().len(), 1);
}

/// A guide that the mail server refused does not count; one that may have arrived does.
#[tokio::test(flavor = "multi_thread")]
async fn a_guide_that_was_not_sent_does_not_count() {
    use relatch::surface::domain::delivery::{Outcome, Refusal};

    let bot = TestBot::new().await;
    for (outcome, told) in [
        (Outcome::Refused(Refusal::Later), "could not be sent"),
        (Outcome::Unknown, "Another guide can go out at 11:00."),
        (Outcome::Accepted, "sent Mina Park the guide at"),
    ] {
        bot.outbox.end_next_send(outcome);
        let card = bot.card(JO, MINA).await;
        bot.click(JO, &card, "send_guide").await;
        assert!(
            bot.slack.last_text().contains(told),
            "{}",
            bot.slack.last_text()
        );
    }
    assert!(bot.outbox.take().is_empty());
}

/// Two clicks at once send one guide.
#[tokio::test(flavor = "multi_thread")]
async fn two_guides_at_once_are_one() {
    let bot = TestBot::new().await;
    let (one, other) = (bot.card(JO, MINA).await, bot.card(KIM, MINA).await);
    let value = |card| button_value(card, "send_guide").unwrap();
    let (one, other) = (value(&one), value(&other));
    tokio::join!(
        bot.click_and_go(JO, "send_guide", &one),
        bot.click_and_go(KIM, "send_guide", &other)
    );
    bot.settle().await;
    assert_eq!(bot.outbox.take().len(), 1);
}

/// The guide promises a code only where one can come. Where none can, the administrator is told what is missing.
#[tokio::test(flavor = "multi_thread")]
async fn the_guide_promises_no_code_that_cannot_come() {
    let bot = TestBot::with_code_sign_in().await;
    let card = bot.card(JO, "noa@acme.example").await;
    bot.click(JO, &card, "send_guide").await;
    let told = bot.slack.last_text();
    for part in [
        "No code can reach Noa",
        "needs a phone or private email on record",
        "Nothing was changed.",
        "(ref ",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert!(bot.outbox.take().is_empty());
    // An administrator's contact serves in an open session, and never alone.
    let at = bot.clock.now().0 - 1_000_000_000;
    bot.sql(&format!(
        "insert into contact (member_id, channel, address, added_by, added_at, added_as, added_by_name, answered_at)
        values ('id-noa', 'sms', '+821012345699', 'x', {at}, 'administrator', 'X', {at})"
    ))
    .await;
    bot.click(JO, &card, "send_guide").await;
    let mail = bot.outbox.take().pop().unwrap().text;
    assert!(mail.contains("/account there."), "{mail}");
    assert!(!mail.contains("/signin"), "{mail}");
}

/// Where nothing but a reset lets the member in, the guide is refused, and no wrong password is enough for that.
#[tokio::test(flavor = "multi_thread")]
async fn no_guide_is_sent_where_only_a_reset_helps() {
    let bot = TestBot::with_code_sign_in().await;
    for (locked_by, temporary_until) in [
        ("'codes'", "null"),
        ("'member'", "null"),
        ("null", "99999999999999"),
    ] {
        bot.sql(&format!(
            "update member set locked_at = iif({locked_by} is null, null, 1), locked_by = {locked_by},
                temporary_until = {temporary_until} where member_id = 'id-mina.park'"
        ))
        .await;
        let card = bot.card(JO, MINA).await;
        bot.click(JO, &card, "send_guide").await;
        let told = bot.slack.last_text();
        for part in [
            "The guide would not help Mina Park",
            "Nothing was changed.",
            "Reset the password with another button of the card.",
        ] {
            assert!(told.contains(part), "{locked_by}: {told}");
        }
        assert!(bot.outbox.take().is_empty(), "{locked_by}");
    }
    bot.sql(
        "update member set locked_at = 1, locked_by = 'passwords', temporary_until = null where member_id = 'id-mina.park'",
    )
    .await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "send_guide").await;
    let mail = bot.outbox.take().pop().unwrap().text;
    assert!(
        mail.contains("/account there.") && !mail.contains("/signin"),
        "{mail}"
    );
}
