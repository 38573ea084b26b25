//! A contact that somebody added: when it serves, and how many there may be.

use axum::http::StatusCode;
use relatch::surface::domain::delivery::Ways;
use relatch::surface::domain::{Carries, Span};

use super::{
    EMAIL, JO, KIM, MINA, NOA, NUMBER, PHONE, PLATFORMS, add, assert_refused, code_goes_to,
};
use crate::support::slack::{shown_password, text_of};
use crate::support::{Left, OWN, TestBot, on};

/// Kim plants a number, Jo resets: Jo is told what it is, and the code does not go there.
#[tokio::test(flavor = "multi_thread")]
async fn a_planted_contact_gets_no_code() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            add(&bot, KIM, NOA, NUMBER).await;
            bot.clock.advance(Span::hours(71));
            let card = bot.card(JO, NOA).await;
            let told = text_of(&card);
            assert!(
                told.contains(
                    "+82 ··· ··99, added by Kim Cho on 23 Nov, does not count before 10:00."
                ),
                "{told}"
            );
            bot.click(JO, &card, "reachable").await;
            bot.click(JO, &bot.slack.last(), "deliver_copy").await;
            bot.click(JO, &bot.slack.last(), "confirm").await;
            let told = bot.slack.last_text();
            assert!(
                told.contains("Noa Bae has no phone or private email that may receive the code.")
                    && !told.contains("their own"),
                "{told}"
            );
            let password = shown_password(&bot.slack.last()).expect("the password is shown");
            assert_eq!(code_goes_to(&bot, NOA, &password).await, None, "{platform}");
        })
        .await;
    }
}

/// An older contact that has never answered a code may be nobody's: it does not keep a newer one from serving. Once it has
/// answered it does.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_never_answered_keeps_no_other_one_away() {
    let bot = TestBot::new().await;
    add(&bot, KIM, NOA, "+821012345690").await;
    bot.clock.advance(Span::hours(80));
    let password = bot.reset_by_copy(JO, NOA).await;
    let told = bot.slack.last_text();
    assert!(
        told.contains(
            "has not answered a code yet. If it does not work, another administrator adds one:"
        ),
        "{told}"
    );
    let told = add(&bot, KIM, NOA, NUMBER).await;
    assert!(
        told.contains("it counts at once if no older contact counts."),
        "{told}"
    );
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );

    bot.execute("update contact set answered_at = 1 where address = '+821012345690'")
        .await;
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some("+821012345690")
    );
}

/// Where SMS go to listed countries alone, an older number of another country serves no more. What the operator added is
/// like a number on record.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_another_country_serves_where_the_operator_added_it() {
    for (added_as, by, goes_to) in [
        ("operator", "operator", Some(NUMBER)),
        ("proven", "id-noa", None),
    ] {
        let bot = TestBot::with_sms_countries(&["JP"]).await;
        let row = format!("'id-noa', 'sms', '{NUMBER}', '{by}', 1, '{added_as}', 'Noa Bae', 1");
        bot.sql(&format!(
            "insert into contact (member_id, channel, address, added_by, added_at, added_as, added_by_name, answered_at)
            values ({row})"
        ))
        .await;
        let password = bot.reset_by_copy(JO, NOA).await;
        let code = code_goes_to(&bot, NOA, &password).await;
        assert_eq!(code.as_deref(), goes_to, "{added_as}");
    }
}

/// When it is old enough it serves, and everybody is told whose it is; adding it again begins anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_of_an_administrator_serves_after_its_time() {
    let bot = TestBot::new().await;
    add(&bot, KIM, NOA, NUMBER).await;
    bot.clock.advance(Span::hours(71));
    add(&bot, KIM, NOA, NUMBER).await;
    bot.clock.advance(Span::hours(71));
    let password = bot.reset_by_copy(JO, NOA).await;
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await,
        None,
        "added again: counted from then"
    );
    bot.clock.advance(Span::hours(1));
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );
    let password = bot.reset_by_copy(JO, NOA).await;
    assert!(
        bot.slack
            .last_text()
            .contains("+82 ··· ··99, where the code goes, was added by Kim Cho on 26 Nov"),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );
    // Q7, whatever its age.
    let password = bot.reset_by_copy(KIM, NOA).await;
    assert_eq!(code_goes_to(&bot, NOA, &password).await, None);
}

/// S42: added after the reset by another administrator it serves at once, also when the same one added it before; not
/// where the member has an older method, and not in "strict".
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_added_after_the_reset_serves_it() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contact");
    add(&bot, KIM, NOA, NUMBER).await;
    let password = bot.reset_by_copy(JO, NOA).await;
    assert_eq!(code_goes_to(&bot, NOA, &password).await, None);
    add(&bot, KIM, NOA, NUMBER).await;
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );

    let password = bot.reset_by_copy(JO, MINA).await;
    add(&bot, KIM, MINA, NUMBER).await;
    assert_eq!(
        code_goes_to(&bot, MINA, &password).await.as_deref(),
        Some(PHONE)
    );
    bot.alter(MINA, "phone", "").await;
    assert_eq!(
        code_goes_to(&bot, MINA, &password).await.as_deref(),
        Some(EMAIL)
    );

    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contact");
    let password = bot.reset_by_copy(JO, NOA).await;
    let strict = Ways {
        is_strict: true,
        carries: Carries::Link,
    };
    let bot = bot.restart_with(strict).await;
    add(&bot, KIM, NOA, NUMBER).await;
    let page = bot.browser().sign_in(NOA, &password).await;
    assert!(
        page.status == StatusCode::FORBIDDEN && page.text.contains("Ask whoever runs this service"),
        "{}",
        page.text
    );
}

/// A member's own contact waits like an administrator's, unless a code had opened their session.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_from_a_session_without_a_code_waits() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(NOA).await;
    let fields = [("value", NUMBER), ("password", OWN)];
    let page = browser.submit("/contacts", "/contacts", &fields).await;
    let (code, _) = bot.codes().pop().expect("a code");
    let csrf = page.csrf();
    let right = [
        ("csrf", csrf.as_str()),
        ("value", NUMBER),
        ("code", code.as_str()),
    ];
    assert_eq!(browser.post("/contacts", &right).await.to(), "/contacts");
    let password = bot.reset_by_copy(JO, NOA).await;
    assert!(
        bot.slack
            .last_text()
            .contains("added by themselves on 23 Nov, does not count"),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(code_goes_to(&bot, NOA, &password).await, None);

    // With a code of the phone on record the session is proven, and what is added in it counts at once.
    bot.alter(NOA, "phone", "+821012345698").await;
    let browser = bot.browser();
    bot.clock.advance(Span::minutes(1));
    bot.outbox.take();
    browser.sign_in(NOA, &password).await;
    let (code, _) = bot.codes().pop().expect("a code");
    assert_eq!(
        browser
            .submit("/verify", "/verify", &[("code", &code)])
            .await
            .to(),
        "/new-password"
    );
    let own = "nine loud otters sleep";
    assert_eq!(
        browser
            .submit("/new-password", "/new-password", &[("password", own)])
            .await
            .to(),
        "/account"
    );
    bot.clock.advance(Span::minutes(1));
    let fields = [("value", "+821012345697"), ("password", own)];
    let page = browser.submit("/contacts", "/contacts", &fields).await;
    let (code, _) = bot.codes().pop().expect("a code");
    let csrf = page.csrf();
    let right = [
        ("csrf", csrf.as_str()),
        ("value", "+821012345697"),
        ("code", code.as_str()),
    ];
    assert_eq!(browser.post("/contacts", &right).await.to(), "/contacts");
    bot.alter(NOA, "phone", "").await;
    let password = bot.reset_by_copy(JO, NOA).await;
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some("+821012345697")
    );
}

/// At most five contacts a member, and ten commands an administrator a day, over all members.
#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_limited() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contacts");
    for last in 0..5 {
        let told = add(&bot, KIM, NOA, &format!("+82101234569{last}")).await;
        assert!(told.contains("was added"), "{told}");
    }
    bot.execute("update contact set answered_at = added_at")
        .await;
    let told = add(&bot, JO, NOA, NUMBER).await;
    assert_refused(&told, "Noa Bae has 5 added contacts already");
    assert!(
        told.contains("relatch members contact noa@acme.example"),
        "{told}"
    );
    bot.execute("update contact set added_as = 'member'").await;
    let told = add(&bot, JO, NOA, NUMBER).await;
    assert!(
        told.contains("They can remove one on their account page."),
        "{told}"
    );
    bot.execute("update contact set answered_at = null, added_as = 'administrator'")
        .await;
    assert!(
        add(&bot, KIM, NOA, "+821012345690")
            .await
            .contains("was added"),
        "one that is there can be added again"
    );
    for last in 0..4 {
        assert!(
            add(&bot, KIM, MINA, &format!("+82101234569{last}"))
                .await
                .contains("was added")
        );
    }
    let told = add(&bot, KIM, "lee@acme.example", NUMBER).await;
    assert_refused(&told, "You added 10 contacts in 24 hours");
    assert!(
        told.contains("The next one is possible tomorrow at 10:00."),
        "{told}"
    );
    let told = add(&bot, KIM, NOA, NUMBER).await;
    assert_refused(&told, "You added 10 contacts in 24 hours");
    assert_eq!(
        bot.count("contact").await,
        9,
        "a refused command takes nothing away"
    );
    assert!(bot.audited("contact").await.ends_with("too_often"));
    bot.clock.advance(Span::hours(24));
    assert!(
        add(&bot, KIM, "lee@acme.example", NUMBER)
            .await
            .contains("was added")
    );
}

/// One administrator cannot fill the places of a member, nor take the place of what another one added.
#[tokio::test(flavor = "multi_thread")]
async fn one_administrator_does_not_fill_the_places() {
    let bot = TestBot::new().await;
    assert!(add(&bot, JO, NOA, NUMBER).await.contains("was added"));
    for last in 0..6 {
        bot.clock.advance(Span::minutes(1));
        let told = add(&bot, KIM, NOA, &format!("+82101234568{last}")).await;
        assert!(told.contains("was added"), "{told}");
    }
    bot.outbox.take();
    let second = "+821012345677";
    assert!(add(&bot, JO, NOA, second).await.contains("was added"));
    let dropped = "+821012345682";
    let sent = bot.outbox.take();
    for to in [dropped, "security@acme.example"] {
        assert!(
            sent.iter()
                .any(|sent| sent.to == to && sent.text.contains("removed")),
            "{to}"
        );
    }
    for left in [
        second,
        "+821012345683",
        "+821012345684",
        "+821012345685",
        NUMBER,
    ] {
        assert_eq!(
            bot.count(&format!("contact where address = '{left}'"))
                .await,
            1,
            "{left}"
        );
    }
    assert!(bot.audited("contact").await.ends_with("made_room added"));
    let made_room =
        "audit where outcome = 'made_room' and member_id = 'id-noa' and detail like '+82%82'";
    assert_eq!(bot.count(made_room).await, 1);
}

/// Answered contacts count too: whoever holds the most, and has none of their own that could go, is refused. Adding another
/// administrator's contact once more gives no hold over it.
#[tokio::test(flavor = "multi_thread")]
async fn answered_contacts_push_out_nobody_else_s() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contacts");
    assert!(add(&bot, JO, NOA, NUMBER).await.contains("was added"));
    for last in 0..4 {
        assert!(
            add(&bot, KIM, NOA, &format!("+82101234568{last}"))
                .await
                .contains("was added")
        );
    }
    bot.execute("update contact set answered_at = added_at where address != '+821012345699'")
        .await;
    for attempt in ["at once", "after adding Jo's"] {
        let told = add(&bot, KIM, NOA, "+821012345677").await;
        assert_refused(&told, "Noa Bae has 5 added contacts already");
        assert!(
            told.contains("relatch members contact noa@acme.example"),
            "{told}"
        );
        assert!(
            bot.count(&format!("contact where address = '{NUMBER}'"))
                .await
                > 0,
            "{attempt}"
        );
        assert!(
            add(&bot, KIM, NOA, NUMBER).await.contains("was added"),
            "{attempt}"
        );
    }
    let second = "+821012345678";
    assert!(
        add(&bot, JO, NOA, second).await.contains("was added"),
        "Jo's own makes room"
    );
    assert_eq!(
        bot.count(&format!("contact where address = '{second}'"))
            .await,
        1
    );
}

/// Whoever added as many as another one does not push that one's contacts out, also when none of their own can go.
#[tokio::test(flavor = "multi_thread")]
async fn equal_numbers_push_nobody_out() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contacts");
    for (who, last) in [(JO, 0), (JO, 1), (JO, 2), (KIM, 3), (KIM, 4)] {
        let told = add(&bot, who, NOA, &format!("+82101234568{last}")).await;
        assert!(told.contains("was added"), "{told}");
    }
    bot.execute("update contact set answered_at = added_at where added_by = 'id-jo'")
        .await;
    bot.execute("update contact set added_by = 'id-noa', added_as = 'member' where address = '+821012345680'")
        .await;
    let told = add(&bot, JO, NOA, "+821012345677").await;
    assert_refused(&told, "Noa Bae has 5 added contacts already");
    assert_eq!(bot.count("contact where added_by = 'id-kim'").await, 2);
}

/// Who adds the contacts of another administrator once more does not close the list for that one.
#[tokio::test(flavor = "multi_thread")]
async fn adding_the_same_contacts_closes_no_list() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contacts");
    for who in [JO, KIM] {
        for last in 0..5 {
            bot.clock.advance(Span::minutes(1));
            let told = add(&bot, who, NOA, &format!("+82101234568{last}")).await;
            assert!(told.contains("was added"), "{told}");
        }
    }
    let told = add(&bot, JO, NOA, NUMBER).await;
    assert!(told.contains("was added"), "{told}");
    assert_eq!(bot.count("(select distinct address from contact)").await, 5);
}
