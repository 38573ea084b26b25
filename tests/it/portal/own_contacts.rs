//! Contacts for codes at the member's pages.

use axum::http::StatusCode;
use relatch::surface::domain::Span;

use super::{JO, KIM, MINA, NOA, code};
use crate::support::slack::user_id;
use crate::support::{Left, OWN, TestBot};

/// S42, S43, Q7: another administrator adds a contact, and the code goes there; the one who made the reset cannot, nor
/// does a contact count that they added before.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_added_by_another_administrator() {
    let bot = TestBot::new().await;
    let noa = format!("<@{}>", user_id(NOA));
    // Kim prepares a way in, and it is worth nothing for a reset of Kim's own.
    let told = bot
        .command(KIM, &format!("contact {noa} kim.private@home.example"))
        .await
        .text();
    assert!(
        told.contains("k···@home.example was added for codes of Noa Bae"),
        "{told}"
    );
    bot.settle().await;
    let sent = bot.outbox.take();
    assert!(
        sent[0].to == NOA && sent[0].text.contains("Kim Cho added k···@home.example"),
        "the member hears of it"
    );
    let temporary = bot.reset_by_copy(KIM, NOA).await;
    bot.outbox.take();
    assert_eq!(
        bot.browser().sign_in(NOA, &temporary).await.status,
        StatusCode::FORBIDDEN
    );
    let told = bot
        .command(KIM, &format!("contact {noa} +82 10 1234 5699"))
        .await
        .text();
    assert!(
        told.contains("You made the last reset") && told.contains("Nothing was changed."),
        "{told}"
    );
    assert_eq!(
        bot.browser().sign_in(NOA, &temporary).await.status,
        StatusCode::FORBIDDEN
    );

    let told = bot
        .command(JO, &format!("contact {noa} +82 10 1234 5699"))
        .await
        .text();
    assert!(
        told.contains("+82 ··· ··99 was added for codes of Noa Bae"),
        "{told}"
    );
    bot.settle().await;
    bot.outbox.take();
    let browser = bot.browser();
    assert_eq!(browser.sign_in(NOA, &temporary).await.to(), "/verify");
    let (code, to) = code(&bot);
    assert_eq!(to, "+821012345699");
    assert_eq!(
        browser
            .submit("/verify", "/verify", &[("code", &code)])
            .await
            .to(),
        "/new-password"
    );
}

/// A contact is checked like a destination, by somebody who has the right, for one member.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_checked() {
    let bot = TestBot::new().await;
    let noa = format!("<@{}>", user_id(NOA));
    for (who, words, told) in [
        (
            "lee@acme.example",
            format!("contact {noa} noa@mail.example"),
            "You can't reset passwords",
        ),
        (
            JO,
            format!("contact {noa} noa@acme.example"),
            "business email",
        ),
        (
            JO,
            format!("contact {noa} Noa+x@acme.example"),
            "business email",
        ),
        (
            JO,
            format!("contact {noa} 12"),
            "not a complete phone number",
        ),
        (
            JO,
            format!("contact {noa}"),
            "Add a phone or a private email.",
        ),
        (
            JO,
            "contact".to_owned(),
            "Whom? /reset-password contact @member +82…",
        ),
        (
            JO,
            format!("contact {noa} <@UMINAPARK> +821012345699"),
            "one member at a time",
        ),
        (
            JO,
            format!("contact <@{}> jo@home.example", user_id(JO)),
            "your own",
        ),
    ] {
        let answer = bot.command(who, &words).await.text();
        assert!(
            answer.contains(told) && answer.contains("Nothing was changed."),
            "{words}: {answer}"
        );
    }
    assert_eq!(bot.count("contact").await, 0);
}

/// Q7: a member adds a contact in a live session, with a code that was sent to it; then the code of a reset goes there.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_adds_a_contact_of_their_own() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(NOA).await;
    let wanted = [("value", "+82 10 1234 5699"), ("password", OWN)];
    let page = browser.submit("/contacts", "/contacts", &wanted).await;
    assert!(
        page.text
            .contains("The code that was sent to +821012345699"),
        "{}",
        page.text
    );
    let (sent, to) = code(&bot);
    assert_eq!(to, "+821012345699");
    let csrf = page.csrf();
    let csrf = ("csrf", csrf.as_str());
    let wrong = if sent == "000000" { "000001" } else { "000000" };
    for (value, typed) in [("+821012345699", wrong), ("+821012345698", sent.as_str())] {
        let page = browser
            .post("/contacts", &[csrf, ("value", value), ("code", typed)])
            .await;
        assert!(page.text.contains("Wrong code"), "{value}: {}", page.text);
    }
    assert_eq!(bot.count("contact").await, 0);
    let right = [csrf, ("value", "+821012345699"), ("code", sent.as_str())];
    assert_eq!(browser.post("/contacts", &right).await.to(), "/contacts");
    assert!(
        browser
            .open("/contacts")
            .await
            .text
            .contains("+82 ··· ··99")
    );
    bot.settle().await;
    let told = bot.outbox.take();
    assert!(
        told.len() == 2 && told[0].to == NOA && told[0].text.contains("added +82 ··· ··99"),
        "the notice"
    );
    assert_eq!(told[1].to, "security@acme.example");
    assert!(
        browser
            .post("/contacts", &right)
            .await
            .text
            .contains("no longer works"),
        "a code works once"
    );

    bot.clock.advance(Span::hours(72));
    let temporary = bot.reset_by_copy(JO, NOA).await;
    bot.outbox.take();
    assert_eq!(bot.browser().sign_in(NOA, &temporary).await.to(), "/verify");
    assert_eq!(code(&bot).1, "+821012345699");
}

/// What is no contact is refused, and nobody without a session gets there.
#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_checked_and_need_a_session() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the code that was sent");
    let browser = bot.signed_in(NOA).await;
    for (value, told) in [
        ("Noa+x@acme.example", "That is your work email"),
        ("12", "not a complete phone number"),
        ("noa@", "not a complete email address"),
    ] {
        let page = browser
            .submit(
                "/contacts",
                "/contacts",
                &[("value", value), ("password", OWN)],
            )
            .await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.text.contains(told) && page.text.contains("Nothing was changed."),
            "{value}: {}",
            page.text
        );
    }
    assert!(bot.outbox.take().is_empty());
    assert_eq!(bot.browser().open("/contacts").await.to(), "/signin");
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let half = bot.browser();
    half.sign_in(MINA, &temporary).await;
    assert_eq!(half.open("/contacts").await.to(), "/verify");
}

/// Who has the most contacts that may be added is told so, and what to do.
#[tokio::test(flavor = "multi_thread")]
async fn one_contact_too_many_is_refused_at_the_page() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(NOA).await;
    let wanted = [("value", "+82 10 1234 5699"), ("password", OWN)];
    browser.submit("/contacts", "/contacts", &wanted).await;
    let (sent, _) = code(&bot);
    bot.execute(
        "insert into contact (member_id, channel, address, added_by, added_at, added_as, added_by_name, answered_at)
        select 'id-noa', 'sms', '+82101234568' || value, 'id-noa', 1, 'member', 'Noa Bae', 1
        from json_each('[0, 1, 2, 3, 4]')",
    )
    .await;
    let right = [("value", "+82 10 1234 5699"), ("code", sent.as_str())];
    let page = browser.submit("/contacts", "/contacts", &right).await;
    assert!(
        page.text
            .contains("You have 5 added contacts already. Nothing was changed. Remove one first."),
        "{}",
        page.text
    );
    assert_eq!(bot.count("contact").await, 5);
}
