//! Who may change contacts, and who is told of a change.

use axum::http::StatusCode;
use relatch::surface::domain::{Platform, Span};

use super::{EMAIL, JO, KIM, MINA, NOA, NUMBER, PHONE, PLATFORMS, add};
use crate::support::slack::{button_value, text_of};
use crate::support::{Left, OWN, TestBot, on};

/// A session alone neither adds nor removes a contact; a wrong password counts like one at sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_changed_with_the_present_password_only() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the removed contact");
    add(&bot, KIM, NOA, NUMBER).await;
    let browser = bot.signed_in(NOA).await;
    bot.outbox.take();
    for fields in [
        vec![("value", "+821012345697")],
        vec![("value", "+821012345697"), ("password", "not this one")],
        vec![("remove", NUMBER)],
    ] {
        let page = browser.submit("/contacts", "/contacts", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(
            page.text
                .contains("That is not your current password, or the account is locked"),
            "{}",
            page.text
        );
    }
    let page = browser
        .submit("/contacts", "/contacts", &[("remove", NUMBER)])
        .await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{}", page.text);
    bot.settle().await;
    assert!(bot.outbox.take().is_empty() && bot.count("contact").await == 1);
    bot.settle().await;
    assert!(
        bot.audited("sign_in")
            .await
            .contains("wrong_password wrong_password wrong_password")
    );
    bot.clock.advance(Span::minutes(2));
    assert_eq!(
        browser
            .submit(
                "/contacts",
                "/contacts",
                &[("remove", NUMBER), ("password", OWN)]
            )
            .await
            .to(),
        "/contacts"
    );
    assert_eq!(bot.count("contact").await, 0);
}

/// No mailbox of the organization is a destination, sub-domains and other domains of it included, whatever is on record; the
/// administrator's own copy may go to one.
#[tokio::test(flavor = "multi_thread")]
async fn no_password_goes_to_a_mailbox_of_the_organization() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::with_domains(&["acme.example", "acme.co"]).await;
            for address in ["lee@acme.example", "noa@mail.acme.example", "x@sub.Acme.CO"] {
                let card = bot.card(JO, MINA).await;
                bot.click(JO, &card, "deliver_other").await;
                let told = bot.submit(JO, address).await.refusal_of_form();
                assert!(
                    told.contains("Type a private address or choose Copy.")
                        && told.contains("Nothing was changed."),
                    "{platform}, {address}: {told}"
                );
            }
            bot.alter(NOA, "personal_email", "noa@mail.acme.co").await;
            let card = bot.card(JO, NOA).await;
            assert!(
                button_value(&card, "deliver_email").is_none()
                    && button_value(&card, "reachable").is_some()
            );
            bot.last_look(JO, MINA, "deliver_copy").await;
            bot.click(JO, &bot.slack.last(), "copy_to_self_change")
                .await;
            bot.submit(JO, "helpdesk@acme.co").await;
            assert!(
                bot.slack
                    .last_text()
                    .contains("Copy to you: helpdesk@acme.co"),
                "{}",
                bot.slack.last_text()
            );
        })
        .await;
    }
}

/// A contact of the directory that is another one than at an earlier card is named as such, also at the next card.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_contact_of_the_directory_is_named() {
    let bot = TestBot::new().await;
    let told = text_of(&bot.card(JO, MINA).await);
    assert!(
        !told.contains("differs"),
        "the first sight says nothing: {told}"
    );
    bot.clock.advance(Span::hours(48));
    bot.alter(MINA, "phone", NUMBER).await;
    for _ in 0..2 {
        let told = text_of(&bot.card(JO, MINA).await);
        assert!(
            told.contains("⚠ Their phone +82 ··· ··99 differs from what was on record on 23 Nov."),
            "{told}"
        );
    }
    let look = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.click(JO, &look, "back").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("differs from what was on record on 23 Nov."),
        "{told}"
    );
    bot.clock.advance(Span::hours(72));
    assert!(!text_of(&bot.card(JO, MINA).await).contains("differs"));
    let on_disk = bot.bytes_on_disk();
    assert!(bot.count("contact_seen").await == 2 && !on_disk.is_empty());
}

/// Also minutes after the same contact was seen: it is named by its last sight, and for three days from the change.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_changes_soon_after_a_card_is_named_too() {
    let bot = TestBot::new().await;
    bot.card(JO, MINA).await;
    bot.clock.advance(Span::hours(48));
    bot.card(JO, MINA).await;
    bot.clock.advance(Span::minutes(10));
    bot.alter(MINA, "phone", NUMBER).await;
    let told = text_of(&bot.card(JO, MINA).await);
    assert!(
        told.contains("differs from what was on record ") && !told.contains("23 Nov"),
        "{told}"
    );
    bot.clock.advance(Span::minutes(72 * 60 - 1));
    let told = text_of(&bot.card(JO, MINA).await);
    assert!(told.contains("differs from what was on record "), "{told}");
    bot.clock.advance(Span::minutes(1));
    let told = text_of(&bot.card(JO, MINA).await);
    assert!(!told.contains("differs"), "{told}");
}

/// A digest of another key tells nothing about the contact, so the next card sees it for the first time.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_not_told_as_changed_because_the_key_was() {
    let bot = TestBot::new().await;
    bot.card(JO, MINA).await;
    bot.clock.advance(Span::hours(2));
    let bot = bot.restart_with_another_key().await;
    let told = text_of(&bot.card(JO, MINA).await);
    assert!(!told.contains("differs"), "{told}");
    bot.alter(MINA, "phone", NUMBER).await;
    let told = text_of(&bot.card(JO, MINA).await);
    assert!(told.contains("differs from what was on record"), "{told}");
}

/// Everybody who could be reached before hears of a change, and the security address too.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_contact_is_told_to_all_that_were_there_before() {
    let bot = TestBot::new().await;
    let told_to = |bot: &TestBot| {
        let mut to: Vec<String> = bot.outbox.take().into_iter().map(|sent| sent.to).collect();
        to.sort();
        to
    };
    add(&bot, KIM, NOA, NUMBER).await;
    assert_eq!(
        told_to(&bot),
        [NOA, "security@acme.example"],
        "nobody was there before"
    );
    add(&bot, JO, NOA, "noa.second@mail.example").await;
    assert_eq!(
        told_to(&bot),
        [NUMBER, NOA, "security@acme.example"],
        "that number may be nobody's"
    );
    add(&bot, KIM, MINA, NUMBER).await;
    assert_eq!(told_to(&bot), [PHONE, EMAIL, "security@acme.example"]);
    add(&bot, JO, MINA, "mina.second@mail.example").await;
    assert_eq!(
        told_to(&bot),
        [PHONE, NUMBER, EMAIL, "security@acme.example"]
    );
    let browser = bot.signed_in(MINA).await;
    browser
        .submit(
            "/contacts",
            "/contacts",
            &[("remove", NUMBER), ("password", OWN)],
        )
        .await;
    bot.settle().await;
    assert_eq!(
        told_to(&bot),
        [
            PHONE,
            NUMBER,
            "mina.second@mail.example",
            EMAIL,
            "security@acme.example"
        ]
    );
}

/// A contact on record that an administrator adds once more is told of others and of resets as before, and the
/// business address is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_on_record_that_is_added_too_stays_the_member_s() {
    let bot = TestBot::new().await;
    bot.alter(NOA, "phone", "+821012345698").await;
    add(&bot, KIM, NOA, "+821012345698").await;
    bot.outbox.take();
    add(&bot, KIM, NOA, NUMBER).await;
    let told: Vec<String> = bot.outbox.take().into_iter().map(|sent| sent.to).collect();
    assert!(
        told.iter().any(|to| to == "+821012345698") && told.iter().all(|to| to != NOA),
        "{told:?}"
    );
    bot.reset_by_copy(JO, NOA).await;
    let sent = bot.outbox.take();
    assert!(
        sent.iter()
            .any(|sent| sent.to == "+821012345698" && sent.text.contains("reset by Jo Lim")),
        "the notice goes there"
    );
}

/// An address on record may be older than the check of its letters. It is chosen and carries the password like all others.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_older_than_its_check_still_serves() {
    let bot = TestBot::new().await;
    bot.alter(MINA, "personal_email", "mina@xn--pypal-4ve.example")
        .await;
    bot.last_look(JO, MINA, "deliver_email").await;
    bot.outbox.take();
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let told = bot.slack.last_text();
    assert!(told.contains("Done: "), "{told}");
    let sent = bot.outbox.take();
    let to: Vec<&str> = sent.iter().map(|sent| sent.to.as_str()).collect();
    assert!(to.contains(&"mina@xn--pypal-4ve.example"), "{to:?}");
}

/// The same for the address by which a chat account is linked.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_older_than_its_check_still_leads_to_the_caller() {
    on(Platform::Discord, async {
        let bot = TestBot::new().await;
        bot.execute(
            "update member
            set business_email = 'jo@xn--pypal-4ve.example', business_email_key = 'jo@xn--pypal-4ve.example'
            where member_id = 'id-jo';
            update link set business_email_key = 'jo@xn--pypal-4ve.example' where business_email_key = 'jo@acme.example'",
        )
        .await;
        let card = bot.card(JO, MINA).await;
        assert!(button_value(&card, "deliver_email").is_some(), "{card}");
    })
    .await;
}
