//! "I don't remember my password" in an open session: a code takes the place of the old password, and no session ends.

use axum::http::StatusCode;
use relatch::surface::domain::Span;
use relatch::surface::domain::delivery::{Outcome, Refusal};

use super::{JO, KIM, MINA, NOA, code};
use crate::support::browser::{Browser, Page};
use crate::support::slack::user_id;
use crate::support::{Left, OWN, TestBot};

const NEXT: &str = "nine loud otters sleep";

/// Presses the button.
async fn ask(browser: &Browser) -> Page {
    browser
        .submit("/account", "/account/password", &[("forgotten", "1")])
        .await
}

/// Types a code and a new password.
async fn set(browser: &Browser, code: &str, password: &str) -> Page {
    let fields = [("code", code), ("password", password)];
    browser
        .submit("/account", "/account/password", &fields)
        .await
}

/// A code that is not this one.
fn another(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// S6: whoever is still signed in sets a new password without the old one. Every session goes on, the old password is
/// dead, and every contact and the business address hear of it, with a link.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_takes_the_place_of_the_old_password() {
    let bot = TestBot::new().await;
    let (browser, other) = (bot.signed_in(MINA).await, bot.browser());
    assert_eq!(other.sign_in(MINA, OWN).await.to(), "/account");
    let page = browser.open("/account").await;
    assert!(
        page.text.contains("I don't remember my password"),
        "{}",
        page.text
    );
    let page = ask(&browser).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("+82 ··· ··42"), "{}", page.text);
    let (sent, to) = code(&bot);
    assert_eq!(to, "+821012345642");

    let page = set(&browser, &sent, NEXT).await;
    assert_eq!(page.to(), "/account", "{}", page.text);
    for browser in [&browser, &other] {
        assert_eq!(browser.open("/account").await.status, StatusCode::OK);
    }
    assert!(bot.signs_in(MINA, NEXT).await && !bot.signs_in(MINA, OWN).await);
    bot.settle().await;
    let told = bot.outbox.take();
    let to: Vec<&str> = told.iter().map(|sent| sent.to.as_str()).collect();
    assert_eq!(to, ["+821012345642", "mina@mail.example", MINA]);
    for sent in told {
        assert!(
            sent.text.contains("http://127.0.0.1/not-me/"),
            "{}",
            sent.text
        );
    }
    assert_eq!(bot.count("reset").await, 0);
    // The code is used up.
    let page = set(&browser, &sent, "another long password here").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.text.contains("This code no longer works."),
        "{}",
        page.text
    );
}

/// A refused password costs no code; a wrong code costs a try, and twenty lock the account.
#[tokio::test(flavor = "multi_thread")]
async fn codes_and_passwords_are_checked() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "codes that nobody typed");
    let browser = bot.signed_in(MINA).await;
    ask(&browser).await;
    let (sent, _) = code(&bot);
    let page = set(&browser, another(&sent), NEXT).await;
    assert!(
        page.text.contains("Wrong code. 4 tries left."),
        "{}",
        page.text
    );
    for (password, told) in [
        ("short", "Too short"),
        ("mina.park@acme.example", "Too easy to guess"),
    ] {
        let page = set(&browser, &sent, password).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.text.contains(told), "{password}: {}", page.text);
        assert!(page.text.contains("Code sent to"), "it can be typed again");
    }
    assert_eq!(set(&browser, &sent, NEXT).await.to(), "/account");
    bot.settle().await;
    bot.outbox.take();

    for round in 0..4 {
        bot.clock.advance(Span::minutes(11));
        ask(&browser).await;
        let (sent, _) = code(&bot);
        for _ in 0..5 {
            set(&browser, another(&sent), "yet another long one").await;
        }
        let page = set(&browser, &sent, "yet another long one").await;
        let expected = if round == 3 {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        assert_eq!(page.status, expected, "{round}");
    }
    bot.clock.advance(Span::minutes(61));
    let page = ask(&browser).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(
        page.text.contains("locked after too many wrong codes"),
        "{}",
        page.text
    );
    assert!(bot.outbox.take().is_empty() && bot.signs_in(MINA, NEXT).await);
}

/// A code is sent to contacts that count: none that an administrator added a short time ago, none that nobody has answered
/// from, and not the business address.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_contact_that_counts_gets_the_code() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "what is told of contacts");
    let browser = bot.signed_in(NOA).await;
    let refused = |page: Page| {
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.text
                .contains("No contact of yours can receive a code now."),
            "{}",
            page.text
        );
    };
    refused(ask(&browser).await);
    let noa = format!("<@{}>", user_id(NOA));
    bot.command(JO, &format!("contact {noa} +82 10 1234 5699"))
        .await;
    bot.settle().await;
    refused(ask(&browser).await);
    // Even if a code was answered from there, it waits.
    bot.sql("update contact set answered_at = added_at").await;
    refused(ask(&browser).await);
    // In a reset another administrator's new contact may serve; here it may not.
    bot.reset_by_copy(KIM, NOA).await;
    bot.command(JO, &format!("contact {noa} +82 10 1234 5698"))
        .await;
    bot.settle().await;
    bot.sql("update contact set answered_at = added_at").await;
    bot.set_password(NOA, OWN).await;
    let browser = bot.signed_in(NOA).await;
    bot.outbox.take();
    refused(ask(&browser).await);
    bot.clock.advance(Span::hours(72));
    let browser = bot.signed_in(NOA).await;
    bot.outbox.take();
    assert_eq!(ask(&browser).await.status, StatusCode::OK);
    assert!(code(&bot).1.starts_with("+8210123456"));
}

/// The code of one member, of one session and of one purpose is worth nothing for another.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_belongs_to_one_session_and_one_purpose() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the code for a contact");
    let (mina, window) = (bot.signed_in(MINA).await, bot.browser());
    window.sign_in(MINA, OWN).await;
    ask(&mina).await;
    let (sent, _) = code(&bot);
    // Another window of the same member has asked for none.
    let page = set(&window, &sent, NEXT).await;
    assert!(page.text.contains("no longer works"), "{}", page.text);
    // A code for a contact takes its place, and is none for a password: it is neither shown nor counted there.
    bot.clock.advance(Span::minutes(1));
    let wanted = [("value", "+82 10 1234 5699"), ("password", OWN)];
    mina.submit("/contacts", "/contacts", &wanted).await;
    let (of_contact, _) = code(&bot);
    for typed in [&of_contact, &sent] {
        let page = set(&mina, typed, NEXT).await;
        assert!(page.text.contains("no longer works"), "{}", page.text);
        assert!(!page.text.contains("Code sent to"), "{}", page.text);
    }
    // Another contact needs no pause. The next one does, and then no code for a password is on its way.
    assert_eq!(ask(&mina).await.status, StatusCode::OK);
    let other = [("value", "+82 10 1234 5698"), ("password", OWN)];
    mina.submit("/contacts", "/contacts", &other).await;
    let page = ask(&mina).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!page.text.contains("Code sent to"), "{}", page.text);
    assert_eq!(bot.count("member where wrong_codes > 0").await, 0);
    // The other way round too.
    bot.clock.advance(Span::minutes(1));
    ask(&mina).await;
    let (sent, _) = code(&bot);
    let typed = [("value", "+82 10 1234 5699"), ("code", sent.as_str())];
    let page = mina.submit("/contacts", "/contacts", &typed).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!page.text.contains("Wrong code"), "{}", page.text);
    assert_eq!(set(&mina, &sent, NEXT).await.to(), "/account");
    bot.settle().await;
    assert!(bot.signs_in(MINA, NEXT).await);
}

/// Nobody without an open session gets there: not with the password of a reset, and not after one.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_it() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "codes and notices");
    let browser = bot.signed_in(MINA).await;
    let csrf = browser.open("/account").await.csrf();
    ask(&browser).await;
    let (sent, _) = code(&bot);
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let fields = [("csrf", csrf.as_str()), ("code", &sent), ("password", NEXT)];
    let page = browser.post("/account/password", &fields).await;
    assert_eq!(page.to(), "/signin");
    let half = bot.browser();
    assert_eq!(half.sign_in(MINA, &temporary).await.to(), "/verify");
    let csrf = half.open("/verify").await.csrf();
    let asked = [("csrf", csrf.as_str()), ("forgotten", "1")];
    assert_eq!(half.post("/account/password", &asked).await.to(), "/verify");
    assert!(bot.signs_in(MINA, &temporary).await);
}

/// A session that somebody else has half open with the old password or with a code alone ends: only open ones go on.
#[tokio::test(flavor = "multi_thread")]
async fn half_open_sessions_end() {
    let bot = TestBot::with_code_sign_in().await;
    bot.leaves(Left::Messages, "what the contacts are told");
    let (mina, thief) = (bot.signed_in(MINA).await, bot.browser());
    let fields = [("email", MINA), ("password", ""), ("with", "code")];
    thief.submit("/signin", "/signin", &fields).await;
    bot.settle().await;
    let (sent, _) = code(&bot);
    let page = thief.submit("/verify", "/verify", &[("code", &sent)]).await;
    assert_eq!(page.to(), "/new-password");
    bot.settle().await;
    bot.outbox.take();
    bot.clock.advance(Span::minutes(1));
    ask(&mina).await;
    let (sent, _) = code(&bot);
    assert_eq!(set(&mina, &sent, NEXT).await.to(), "/account");
    assert_eq!(thief.open("/new-password").await.to(), "/signin");
    assert_eq!(mina.open("/account").await.status, StatusCode::OK);
}

/// Whoever has a code does not know the old password, and learns nothing about it: it is not compared.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_code_tells_nothing_of_the_old_password() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "what the contacts are told");
    let browser = bot.signed_in(MINA).await;
    ask(&browser).await;
    let (sent, _) = code(&bot);
    assert_eq!(set(&browser, &sent, OWN).await.to(), "/account");
}

/// Too soon, and refused by the gateway: the page says so, and nothing is changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_cannot_be_sent_is_told() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    ask(&browser).await;
    let (sent, _) = code(&bot);
    let page = ask(&browser).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(
        page.text.contains("Ask for the next one in"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("Code sent to"),
        "the first one still works"
    );
    bot.clock.advance(Span::seconds(30));
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    let page = ask(&browser).await;
    assert!(
        page.text.contains("Earlier ones no longer work"),
        "{}",
        page.text
    );
    let page = set(&browser, &sent, NEXT).await;
    assert!(
        page.text.contains("This code no longer works."),
        "{}",
        page.text
    );
    assert!(bot.outbox.take().is_empty() && bot.signs_in(MINA, OWN).await);
}

/// The link in the message closes the account, also after the password was changed once more; a later reset outdates it.
#[tokio::test(flavor = "multi_thread")]
async fn this_was_not_me_after_a_code() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    ask(&browser).await;
    let (sent, _) = code(&bot);
    set(&browser, &sent, NEXT).await;
    bot.settle().await;
    let link = super::not_me_link(&bot);
    bot.clock.advance(Span::seconds(1));
    let fields = [("current", NEXT), ("password", "and yet another one")];
    browser
        .submit("/account", "/account/password", &fields)
        .await;
    let mail = bot.browser();
    for _ in 0..2 {
        let page = mail.open(&link).await;
        assert!(
            page.text
                .contains("to set a new password for your account (Mina Park)"),
            "{}",
            page.text
        );
    }
    assert_eq!(mail.post(&link, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.open("/account").await.status, StatusCode::OK);
    let page = mail.press(&link).await;
    assert!(
        page.text.contains("The account is blocked"),
        "{}",
        page.text
    );
    bot.settle().await;
    let mut told = bot.outbox.take();
    told.sort_by(|one, other| one.to.cmp(&other.to));
    assert_eq!(
        told.iter().map(|sent| sent.to.as_str()).collect::<Vec<_>>(),
        [JO, "security@acme.example"],
        "the alarm"
    );
    for sent in &told {
        assert!(sent.text.contains("Mina Park says"), "the alarm");
    }
    assert_eq!(browser.open("/account").await.to(), "/signin");
    let page = bot.browser().sign_in(MINA, "and yet another one").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let ran = bot.relatch(&["members", "unlock", MINA]);
    assert_ne!(ran.code, 0, "the password may be known: {}", ran.out);
    assert_eq!(mail.press(&link).await.status, StatusCode::OK);

    // Jo hears of it beside the next answer.
    assert!(bot.news_beside(JO, "log").await.is_some());
    bot.clock.advance(Span::seconds(1));
    let temporary = bot.reset_by_copy(JO, MINA).await;
    assert_eq!(mail.press(&link).await.status, StatusCode::GONE);
    assert!(bot.signs_in(MINA, &temporary).await);
    bot.clock.advance(Span::hours(7 * 24));
    assert_eq!(mail.open(&link).await.status, StatusCode::NOT_FOUND);
    bot.settle().await;
    bot.outbox.take();
}

/// Lets Mina set a password by a code, which all her contacts are told.
pub(super) async fn set_by_a_code(bot: &TestBot) {
    let browser = bot.signed_in(MINA).await;
    ask(&browser).await;
    let (sent, _) = code(bot);
    set(&browser, &sent, NEXT).await;
    bot.settle().await;
}
