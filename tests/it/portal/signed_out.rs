//! What a member reads who is signed out: on the open page, and at the sign-in.

use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use relatch::surface::domain::Span;

use super::{JO, KIM, MINA, code};
use crate::support::browser::Browser;
use crate::support::{Left, OWN, TestBot};

const RESET: &str =
    "Your password was reset by an administrator. Please verify your identity to sign in again.";

/// What the sign-in page says of the session that the browser had.
async fn why(browser: &Browser) -> String {
    let page = browser.open("/signin").await;
    assert_eq!(page.status, StatusCode::OK);
    let notice = page.text.split_once("role=\"status\">");
    notice.map_or_else(String::new, |(_, rest)| {
        rest.split('<').next().unwrap().to_owned()
    })
}

/// From the password of a reset to the page for one of their own.
async fn proven(bot: &TestBot, temporary: &str) -> Browser {
    let browser = bot.browser();
    assert_eq!(browser.sign_in(MINA, temporary).await.to(), "/verify");
    let (code, _) = code(bot);
    let page = browser
        .submit("/verify", "/verify", &[("code", &code)])
        .await;
    assert_eq!(page.to(), "/new-password");
    browser
}

/// Who types the bare address is led to the sign-in, and from there to where they are.
#[tokio::test(flavor = "multi_thread")]
async fn the_bare_address_leads_to_the_sign_in() {
    let bot = TestBot::new().await;
    assert_eq!(bot.browser().open("/").await.to(), "/signin");
    let browser = bot.signed_in(MINA).await;
    assert_eq!(browser.open("/").await.to(), "/signin");
    assert_eq!(browser.open("/signin").await.to(), "/account");
}

/// S29, S30: a page that was closed, or reloaded, or sent a form tells it too: after the redirect the sign-in page says why.
#[tokio::test(flavor = "multi_thread")]
async fn the_sign_in_page_says_why_the_session_ended() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "codes, and the alarm");
    let stranger = bot.browser();
    let (one, other) = (bot.signed_in(MINA).await, bot.browser());
    other.sign_in(MINA, OWN).await;
    bot.clock.advance(Span::seconds(1));
    other
        .submit("/account", "/account/sessions", &[("end", "others")])
        .await;
    assert_eq!(one.open("/account").await.to(), "/signin");
    assert_eq!(
        why(&one).await,
        "This session has ended. Please sign in again."
    );

    let csrf = other.open("/account").await.csrf();
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let fields = [("csrf", csrf.as_str()), ("current", OWN), ("password", OWN)];
    assert_eq!(
        other.post("/account/password", &fields).await.to(),
        "/signin"
    );
    assert_eq!(why(&other).await, RESET);
    // A wrong password does not hide the form, and the reason is no hint to others.
    let page = other.sign_in(MINA, "wrong").await;
    assert!(!page.text.contains("administrator. Please verify"));
    assert_eq!(why(&stranger).await, "");

    let slow = proven(&bot, &temporary).await;
    bot.clock.advance(Span::minutes(30));
    assert_eq!(slow.open("/new-password").await.to(), "/signin");
    assert_eq!(
        why(&slow).await,
        "That took more than 30 minutes. Sign in again with the new password."
    );

    let overtaken = proven(&bot, &temporary).await;
    bot.reset_by_copy(KIM, MINA).await;
    assert_eq!(overtaken.open("/new-password").await.to(), "/signin");
    assert_eq!(why(&overtaken).await, RESET);

    bot.set_password(MINA, OWN).await;
    assert!(
        why(&overtaken)
            .await
            .starts_with("Your password was replaced")
    );
    bot.clock.advance(Span::seconds(1));
    let long = bot.browser();
    long.sign_in(MINA, OWN).await;
    bot.clock.advance(Span::hours(12));
    assert_eq!(long.open("/account").await.to(), "/signin");
    assert!(why(&long).await.starts_with("A session lasts 12 h"));
}

/// Who blocked the account reads that at the sign-in, and not that an administrator did something.
#[tokio::test(flavor = "multi_thread")]
async fn the_sign_in_page_says_that_the_account_is_blocked() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the alarm to the security address");
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let notices = bot.outbox.take();
    let (_, link) = notices[0].text.split_once("http://127.0.0.1").unwrap();
    let link = link.split_whitespace().next().unwrap();
    let half = bot.browser();
    assert_eq!(half.sign_in(MINA, &temporary).await.to(), "/verify");
    bot.browser().submit(link, link, &[]).await;
    assert_eq!(half.open("/verify").await.to(), "/signin");
    let said = why(&half).await;
    assert!(
        said.starts_with("The account was blocked with")
            && said.contains("Ask an administrator to reset it"),
        "{said}"
    );
}

/// A member who signs out themselves is told that it is done, and nothing of an end that they did not expect.
#[tokio::test(flavor = "multi_thread")]
async fn who_signs_out_is_told_that_it_is_done() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    let page = browser
        .submit("/account", "/account/sessions", &[("end", "this")])
        .await;
    assert_eq!(page.to(), "/signin");
    let done = "<strong>You are signed out.</strong> You can close this page.";
    let page = browser.open("/signin").await;
    assert!(page.text.contains(done), "{}", page.text);
    assert_eq!(why(&browser).await, "");
}

/// The stream that a page listens to; empty where it listens to none.
fn stream_of(page: &str) -> String {
    assert!(page.contains("src=\"/portal.js\""), "{page}");
    let stream = page.split_once("data-events=\"");
    stream.map_or_else(String::new, |(_, rest)| {
        rest.split('"').next().unwrap().to_owned()
    })
}

/// S29: every page of a signed-in member listens, whatever it is, and the pages of one who has come only half the way do too.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_a_session_listens_for_its_end() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the code that was sent");
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let notices = bot.outbox.take();
    let (_, link) = notices[0].text.split_once("http://127.0.0.1").unwrap();
    let not_me = link.split_whitespace().next().unwrap();

    let half = bot.browser();
    half.sign_in(MINA, &temporary).await;
    assert_eq!(
        stream_of(&half.open("/verify").await.text),
        "/verify/events"
    );
    bot.clock.advance(Span::seconds(31));
    bot.outbox.take();
    let further = proven(&bot, &temporary).await;
    let page = further.open("/new-password").await;
    assert_eq!(stream_of(&page.text), "/new-password/events");
    let page = further
        .submit("/new-password", "/new-password", &[("password", OWN)])
        .await;
    assert_eq!(page.to(), "/account");
    bot.settle().await;
    for path in ["/account", "/contacts", not_me, "/not-me/x", "/claim/x"] {
        let page = further.open(path).await;
        assert_eq!(stream_of(&page.text), "/account/events", "{path}");
    }
    let forged = further.post("/account/sessions", &[("end", "this")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert_eq!(stream_of(&forged.text), "/account/events");
    for path in ["/signin", not_me, "/not-me/x"] {
        assert_eq!(
            stream_of(&bot.browser().open(path).await.text),
            "",
            "{path}"
        );
    }
}

/// S29–S31: a page half the way hears of a newer reset too, and its stream is for its own stage alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_half_the_way_hears_of_a_newer_reset() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    let further = proven(&bot, &temporary).await;
    bot.clock.advance(Span::seconds(31));
    let half = bot.browser();
    assert_eq!(half.sign_in(MINA, &temporary).await.to(), "/verify");
    bot.codes();
    assert_eq!(half.open("/new-password/events").await.to(), "/verify");
    assert_eq!(half.open("/account/events").await.to(), "/verify");
    let mut streams = Vec::new();
    for (browser, path) in [
        (&half, "/verify/events"),
        (&further, "/new-password/events"),
    ] {
        let answer = browser.send(Request::get(path), String::new()).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let mut events = answer.into_body();
        events
            .frame()
            .await
            .expect("how soon to come back")
            .unwrap();
        streams.push(events);
    }
    bot.clock.advance(Span::seconds(1));
    bot.reset_by_copy(KIM, MINA).await;
    for events in streams {
        let told = tokio::time::timeout(std::time::Duration::from_secs(10), events.collect()).await;
        let told = told.expect("an end").unwrap().to_bytes();
        let told = String::from_utf8_lossy(&told).into_owned();
        assert!(
            told.contains("event: reset") && told.contains(RESET),
            "{told}"
        );
    }
}

/// Q10: that the password of a reset has ended is said before anybody types a new one, and the page says until when it works.
#[tokio::test(flavor = "multi_thread")]
async fn an_ended_password_is_told_before_a_new_one_is_typed() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    bot.clock.advance(Span::minutes(24 * 60 - 10));
    let half = bot.browser();
    let further = proven(&bot, &temporary).await;
    bot.clock.advance(Span::seconds(31));
    half.sign_in(MINA, &temporary).await;
    bot.codes();
    let page = further.open("/new-password").await;
    assert!(
        page.text.contains("this page works until ") && page.text.contains(" 10:00 "),
        "{}",
        page.text
    );
    let events = further
        .send(Request::get("/new-password/events"), String::new())
        .await
        .into_body();
    bot.clock.advance(Span::minutes(10));
    let told = tokio::time::timeout(std::time::Duration::from_secs(10), events.collect()).await;
    let told = told.expect("an end").unwrap().to_bytes();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(told.contains("stopped working at 10:00"), "{told}");
    for (browser, path) in [(&half, "/verify"), (&further, "/new-password")] {
        assert_eq!(browser.open(path).await.to(), "/signin", "{path}");
        let said = why(browser).await;
        assert!(
            said.contains("stopped working at 10:00. Ask an administrator for a new one."),
            "{path}: {said}"
        );
    }
}

/// Where wrong codes have locked the account, no page asks for more of them: the sign-in page says what to do.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_codes_have_locked_is_told() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    let further = proven(&bot, &temporary).await;
    bot.clock.advance(Span::seconds(31));
    let half = bot.browser();
    half.sign_in(MINA, &temporary).await;
    bot.codes();
    bot.execute(
        "update member set locked_at = 1, locked_by = 'codes' where member_id = 'id-mina.park'",
    )
    .await;
    for (browser, path) in [(&half, "/verify"), (&further, "/new-password")] {
        assert_eq!(browser.open(path).await.to(), "/signin", "{path}");
        let said = why(browser).await;
        assert!(
            said.contains("Too many wrong codes") && said.contains("Ask an administrator"),
            "{path}: {said}"
        );
    }
    // The lock holds, whatever else ended the sessions: the password of the reset would open nothing.
    bot.execute("update member set signed_out_at = (select max(began_at) from session)")
        .await;
    for browser in [&half, &further] {
        let said = why(browser).await;
        assert!(said.contains("Too many wrong codes"), "{said}");
    }
}
