//! Guessing passwords at the member's pages: it is slowed down, it ends at a hundred, and it shuts no member out.

use std::sync::Arc;

use axum::http::StatusCode;
use relatch::surface::domain::Span;

use crate::support::browser::Page;
use crate::support::{Left, OWN, TestBot};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const LEE: &str = "lee@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";
const NEXT: &str = "nine loud otters sleep";

/// Types so many wrong passwords for an account, each from another network.
async fn guess(bot: &TestBot, email: &str, times: u8) {
    let stranger = bot.browser();
    for network in 0..times {
        stranger
            .at(&format!("10.0.{network}.1"))
            .sign_in(email, "wrong")
            .await;
    }
    bot.settle().await;
}

/// What a page says, without what differs between two forms.
fn said(page: &Page, email: &str) -> (StatusCode, String) {
    let token = page
        .text
        .split_once("name=\"csrf\"")
        .map(|_| page.csrf())
        .unwrap_or_default();
    (
        page.status,
        page.text.replace(&token, "TOKEN").replace(email, "EMAIL"),
    )
}

/// The way of the link "this wasn't me" in the last notice.
fn not_me(bot: &TestBot) -> String {
    let token = bot.outbox.take().into_iter().find_map(|sent| {
        let (_, rest) = sent.text.split_once("/not-me/")?;
        Some(rest.chars().take(43).collect::<String>())
    });
    format!("/not-me/{}", token.expect("a notice"))
}

async fn failures(bot: &TestBot, email: &str) -> u32 {
    bot.app
        .store
        .account(email)
        .await
        .unwrap()
        .unwrap()
        .1
        .failed_sign_ins
}

/// ASVS 6.1.1: whoever types wrong passwords elsewhere does not shut out the browser in which the member signed in before.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_browser_passes_the_lock_of_others() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the code that was sent");
    let known = bot.signed_in(MINA).await;
    guess(&bot, MINA, 101).await;
    bot.clock.advance(Span::hours(12));
    let page = known.sign_in(MINA, OWN).await;
    assert_eq!(page.to(), "/account", "{}", page.text);
    // That opens no second hundred for the others.
    let stranger = bot.browser();
    assert_eq!(
        stranger.at("10.9.0.1").sign_in(MINA, OWN).await.to(),
        "/verify"
    );
    // In the session the member can choose another password, which ends the lock.
    let fields = [("current", OWN), ("password", NEXT)];
    assert_eq!(
        known
            .submit("/account", "/account/password", &fields)
            .await
            .to(),
        "/account"
    );
    assert_eq!(
        bot.browser().at("10.9.1.1").sign_in(MINA, NEXT).await.to(),
        "/account"
    );
}

/// ASVS 6.3.1: ten wrong passwords lock nobody.
#[tokio::test(flavor = "multi_thread")]
async fn ten_wrong_passwords_lock_nobody() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    guess(&bot, MINA, 99).await;
    let page = bot.browser().sign_in(MINA, OWN).await;
    assert_eq!(
        (page.status, page.to()),
        (StatusCode::SEE_OTHER, "/account")
    );
}

/// Behind a proxy that names no client nobody is slowed down by others, and the lock stays where it is.
#[tokio::test(flavor = "multi_thread")]
async fn where_no_network_is_known_nobody_is_slowed_down() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the code that was sent");
    bot.set_password(MINA, OWN).await;
    for _ in 0..12 {
        assert_eq!(
            bot.browser().sign_in(MINA, "wrong").await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(bot.browser().sign_in(MINA, OWN).await.to(), "/account");
    guess(&bot, MINA, 100).await;
    assert_eq!(bot.browser().sign_in(MINA, OWN).await.to(), "/verify");
}

/// NIST SP 800-63B-4, 3.2.2: after a hundred wrong passwords in a row the right one alone opens nothing; the code does.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_wrong_passwords_lock_to_a_code() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let first = said(
        &bot.browser().at("10.1.0.1").sign_in(MINA, "wrong").await,
        MINA,
    );
    guess(&bot, MINA, 99).await;
    assert_eq!(
        bot.audited("sign_in").await.split(' ').next_back(),
        Some("locked")
    );
    let locked = said(
        &bot.browser().at("10.1.1.1").sign_in(MINA, "wrong").await,
        MINA,
    );
    let nobodys = "nobody@acme.example";
    let unknown = said(
        &bot.browser().at("10.1.1.1").sign_in(nobodys, "wrong").await,
        nobodys,
    );
    assert_eq!(
        (first.0, &first, &first),
        (StatusCode::UNAUTHORIZED, &locked, &unknown)
    );
    assert!(bot.codes().is_empty(), "a wrong password sent a code");

    let member = bot.browser();
    assert_eq!(
        member.at("10.2.0.1").sign_in(MINA, OWN).await.to(),
        "/verify"
    );
    assert!(
        member
            .open("/verify")
            .await
            .text
            .contains("too many wrong passwords")
    );
    assert_eq!(member.open("/account").await.to(), "/verify");
    let codes = bot.codes();
    let [(code, to)] = codes.as_slice() else {
        panic!("{codes:?}")
    };
    assert_eq!(to, "+821012345642");
    assert_eq!(
        member
            .submit("/verify", "/verify", &[("code", code)])
            .await
            .to(),
        "/account"
    );
    assert_eq!(member.open("/account").await.status, StatusCode::OK);
    assert_eq!(
        bot.browser().at("10.2.1.1").sign_in(MINA, OWN).await.to(),
        "/account",
        "the lock is lifted"
    );
}

/// Q13: a reset lifts that lock as well, and its password still needs its own code.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_lifts_the_lock() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    guess(&bot, MINA, 100).await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    // A lock that comes between does not take the reset from the member.
    guess(&bot, MINA, 100).await;
    let member = bot.browser();
    assert_eq!(
        member.at("10.2.0.1").sign_in(MINA, &temporary).await.to(),
        "/verify"
    );
    let (code, _) = bot.codes().pop().unwrap();
    assert_eq!(
        member
            .submit("/verify", "/verify", &[("code", &code)])
            .await
            .to(),
        "/new-password"
    );
    assert_eq!(
        member
            .submit("/new-password", "/new-password", &[("password", NEXT)])
            .await
            .to(),
        "/account"
    );
}

/// Where no code can go, the right password of a locked account looks like a wrong one, and is counted like one.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_contact_a_lock_tells_nothing() {
    let bot = TestBot::new().await;
    bot.set_password(NOA, OWN).await;
    guess(&bot, NOA, 100).await;
    let wrong = said(
        &bot.browser().at("10.2.0.1").sign_in(NOA, "wrong").await,
        NOA,
    );
    let right = said(&bot.browser().at("10.2.1.1").sign_in(NOA, OWN).await, NOA);
    assert_eq!(wrong, right);
    bot.settle().await;
    assert_eq!(failures(&bot, NOA).await, 102);
    assert!(right.1.contains("ask an administrator"), "{}", right.1);
}

/// The lock after wrong codes opens by no code, and "this wasn't me" by no password.
#[tokio::test(flavor = "multi_thread")]
async fn other_locks_open_by_no_code() {
    let bot = TestBot::new().await;
    let known = bot.signed_in(MINA).await;
    bot.reset_by_copy(JO, MINA).await;
    let link = not_me(&bot);
    known.submit(&link, &link, &[]).await;
    // Whatever the password is, the account is closed, also for the browser that was known.
    for email in [MINA, LEE] {
        bot.set_password(email, OWN).await;
    }
    bot.execute("update member set locked_at = 1, locked_by = case name when 'Lee Han' then 'codes' else 'member' end")
        .await;
    let stranger = bot.browser();
    for (browser, email) in [(&known, MINA), (&stranger, MINA), (&stranger, LEE)] {
        let page = browser.sign_in(email, OWN).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{}", page.text);
    }
    assert!(bot.codes().is_empty());
}

/// One network types for one account: it is looked at a few times, and only that network waits.
#[tokio::test(flavor = "multi_thread")]
async fn one_network_does_not_get_far() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let attacker = bot.browser();
    let csrf = attacker.open("/signin").await.csrf();
    let mut looked_at = 0;
    for number in 0..1000 {
        let browser = attacker.at(&format!("2001:db8:0:12{:02x}::{number:x}", number % 256));
        let page = browser
            .post(
                "/signin",
                &[("csrf", &csrf), ("email", MINA), ("password", "wrong")],
            )
            .await;
        looked_at += usize::from(page.status == StatusCode::UNAUTHORIZED);
        if page.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(
                page.text
                    .contains("Too many tries. Nothing was changed. Wait "),
                "{}",
                page.text
            );
        }
        bot.clock.advance(Span::seconds(1));
    }
    bot.settle().await;
    assert_eq!(failures(&bot, MINA).await as usize, looked_at);
    // Three at once, and then after 1, 2, 4 … 256 seconds; 512 more did not pass.
    assert_eq!(looked_at, 12);
    assert_eq!(
        attacker
            .at("2001:db8:0:12ff::1")
            .sign_in(MINA, OWN)
            .await
            .status,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(
        bot.browser()
            .at("2001:db8:0:1300::1")
            .sign_in(MINA, OWN)
            .await
            .to(),
        "/account"
    );
}

/// A known browser has ten wrong passwords, also over a restart; then it is a stranger.
#[tokio::test(flavor = "multi_thread")]
async fn ten_wrong_passwords_end_a_device() {
    let mut bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the code that was sent");
    let known = bot.signed_in(MINA).await;
    guess(&bot, MINA, 100).await;
    known
        .submit("/account", "/account/sessions", &[("end", "this")])
        .await;
    let jar = known.cookies.lock().unwrap().clone();
    drop(known);
    for half in 0..2 {
        let again = bot.browser();
        again.cookies.lock().unwrap().clone_from(&jar);
        for _ in 0..5 {
            bot.clock.advance(Span::minutes(16));
            assert_eq!(
                again.sign_in(MINA, "wrong").await.status,
                StatusCode::UNAUTHORIZED
            );
            bot.settle().await;
        }
        bot.clock.advance(Span::minutes(16));
        if half == 0 {
            drop(again);
            bot = bot.restart().await;
        } else {
            assert_eq!(
                again.at("10.9.0.1").sign_in(MINA, OWN).await.to(),
                "/verify"
            );
        }
    }
    assert_eq!(bot.audited("device").await, "ended");
}

/// The budget holds for tries side by side too.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_has_no_more_tries_side_by_side() {
    let bot = TestBot::new().await;
    let known = Arc::new(bot.signed_in(MINA).await);
    guess(&bot, MINA, 100).await;
    for _ in 0..4 {
        let csrf = known.open("/account").await.csrf();
        let fields = [
            ("csrf", csrf.as_str()),
            ("current", "wrong"),
            ("password", NEXT),
        ];
        futures_util::future::join_all((0..20).map(|_| known.post("/account/password", &fields)))
            .await;
        bot.settle().await;
        bot.clock.advance(Span::minutes(16));
    }
    assert!(
        failures(&bot, MINA).await < 120,
        "{}",
        failures(&bot, MINA).await
    );
}

/// A device outlives a reset. "End other sessions" ends it, and so does "this wasn't me".
#[tokio::test(flavor = "multi_thread")]
async fn a_device_ends_when_the_member_says_so() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the alarm to the security address");
    let (known, other) = (bot.signed_in(MINA).await, bot.browser());
    assert_eq!(other.sign_in(MINA, OWN).await.to(), "/account");
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    bot.set_password(MINA, OWN).await;
    guess(&bot, MINA, 100).await;
    assert_ne!(temporary, OWN);
    assert_eq!(
        other.at("10.2.0.1").sign_in(MINA, OWN).await.to(),
        "/account",
        "it survives a reset"
    );
    assert_eq!(
        known.at("10.2.1.1").sign_in(MINA, OWN).await.to(),
        "/account"
    );
    known
        .submit("/account", "/account/sessions", &[("end", "others")])
        .await;
    assert_eq!(
        other.sign_in(MINA, OWN).await.to(),
        "/verify",
        "it ends with the other sessions"
    );
    known
        .submit("/account", "/account/sessions", &[("end", "this")])
        .await;
    assert_eq!(
        known.sign_in(MINA, OWN).await.to(),
        "/account",
        "and this one stays"
    );

    bot.outbox.take();
    bot.reset_by_copy(KIM, MINA).await;
    let link = not_me(&bot);
    bot.browser().submit(&link, &link, &[]).await;
    bot.set_password(MINA, OWN).await;
    guess(&bot, MINA, 100).await;
    assert_eq!(
        known.sign_in(MINA, OWN).await.to(),
        "/verify",
        "it ends with \"this wasn't me\""
    );
}

/// A cookie belongs to one member, and to whom we gave it.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_cookie_helps_nobody_else() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the code that was sent");
    let mina = bot.signed_in(MINA).await;
    bot.set_password(LEE, OWN).await;
    let cookie = mina.cookies.lock().unwrap()["relatch_device"].clone();
    guess(&bot, LEE, 100).await;
    guess(&bot, MINA, 100).await;
    let mut forged = cookie.clone().into_bytes();
    forged[0] = if forged[0] == b'A' { b'B' } else { b'A' };
    for (email, value) in [
        (LEE, cookie.clone()),
        (MINA, String::from_utf8(forged).unwrap()),
        (MINA, "x".to_owned()),
    ] {
        let browser = bot.browser();
        browser
            .cookies
            .lock()
            .unwrap()
            .insert("relatch_device".to_owned(), value);
        assert_ne!(
            browser.at("10.2.0.1").sign_in(email, OWN).await.to(),
            "/account",
            "{email}"
        );
    }
    let on_disk = bot.bytes_on_disk();
    assert!(
        !on_disk
            .windows(cookie.len())
            .any(|bytes| bytes == cookie.as_bytes()),
        "the cookie lies on disk"
    );
}

/// Many sign in at once: a known browser gets in, and so does a stranger from a network that does not take part. A try that
/// was refused for load is not counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_shuts_out_no_member() {
    let bot = Arc::new(TestBot::new().await);
    let known = bot.signed_in(MINA).await;
    known
        .submit("/account", "/account/sessions", &[("end", "this")])
        .await;
    bot.set_password(LEE, OWN).await;
    let attacker = Arc::new(bot.browser());
    let csrf = attacker.open("/signin").await.csrf();
    let flood: Vec<_> = (0..400)
        .map(|number| {
            let (browser, csrf) = (Arc::clone(&attacker), csrf.clone());
            bot.app.tasks.spawn(async move {
                let email = format!("nobody{number}@acme.example");
                let fields = [
                    ("csrf", csrf.as_str()),
                    ("email", &email),
                    ("password", "wrong"),
                ];
                let status = browser.at("10.7.0.1").post("/signin", &fields).await.status;
                (email, status)
            })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(
        known.at("10.7.0.2").sign_in(MINA, OWN).await.to(),
        "/account",
        "a known browser in the same network"
    );
    assert_eq!(
        bot.browser().at("10.8.0.1").sign_in(LEE, OWN).await.to(),
        "/account",
        "a stranger elsewhere"
    );
    let answers = futures_util::future::join_all(flood).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.unwrap()).collect();
    let refused = answers
        .iter()
        .find(|(_, status)| *status == StatusCode::SERVICE_UNAVAILABLE);
    let (refused, _) = refused.expect("the flood was no flood");
    // What was refused for load took none of the three tries that cost nothing.
    let again = bot.browser();
    again.at("10.7.0.3");
    for _ in 0..3 {
        assert_eq!(
            again.sign_in(refused, "wrong").await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(
        again.sign_in(refused, "wrong").await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    bot.settle().await;
    assert_eq!(
        bot.audited("sign_in").await,
        "open open open",
        "no member was charged for the flood"
    );
}

/// Over TLS the cookies have the prefix with which no other host can set them.
#[tokio::test(flavor = "multi_thread")]
async fn cookies_have_the_prefix_over_tls() {
    let bot = TestBot::with_public_url("https://reset.acme.example").await;
    let browser = bot.signed_in(MINA).await;
    let jar = browser.cookies.lock().unwrap().clone();
    let names: Vec<&str> = jar.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "__Host-relatch_device",
            "__Host-relatch_form",
            "__Host-relatch_session"
        ]
    );
    let page = bot.browser().sign_in(MINA, OWN).await;
    for cookie in page.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        assert!(
            cookie.contains("; Secure")
                && cookie.contains("; HttpOnly")
                && cookie.contains("; Path=/"),
            "{cookie}"
        );
        assert!(!cookie.to_ascii_lowercase().contains("domain"), "{cookie}");
    }
    // A neighbouring host can set a cookie without the prefix: alone it opens nothing, and beside the other it counts nothing.
    let victim = bot.browser();
    let token = jar["__Host-relatch_session"].clone();
    victim
        .cookies
        .lock()
        .unwrap()
        .insert("relatch_session".to_owned(), token.clone());
    assert_eq!(victim.open("/account").await.to(), "/signin");
    bot.set_password(LEE, OWN).await;
    assert_eq!(victim.sign_in(LEE, OWN).await.to(), "/account");
    assert!(victim.open("/account").await.text.contains("Lee Han"));
    // A page under a path shares its host, and keeps the plain name.
    let below = TestBot::with_public_url("https://acme.example/reset").await;
    let browser = below.signed_in(MINA).await;
    assert!(
        browser
            .cookies
            .lock()
            .unwrap()
            .contains_key("relatch_session")
    );
}

/// A session from before goes on under its old name, and gets the new one with the first answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_from_before_gets_the_prefix() {
    let bot = TestBot::with_public_url("https://reset.acme.example").await;
    let before = bot.signed_in(MINA).await;
    let token = before
        .cookies
        .lock()
        .unwrap()
        .remove("__Host-relatch_session")
        .unwrap();
    bot.execute("update session set has_old_cookie = 1").await;
    before
        .cookies
        .lock()
        .unwrap()
        .insert("relatch_session".to_owned(), token.clone());
    let page = before.open("/account").await;
    assert!(page.text.contains("Mina Park"), "{}", page.text);
    let jar = before.cookies.lock().unwrap().clone();
    assert_eq!(jar.get("__Host-relatch_session"), Some(&token));
    assert!(!jar.contains_key("relatch_session"), "{jar:?}");
    // Beside the new name, the old one counts nothing, whatever it holds.
    before
        .cookies
        .lock()
        .unwrap()
        .insert("__Host-relatch_session".to_owned(), "x".repeat(43));
    before
        .cookies
        .lock()
        .unwrap()
        .insert("relatch_session".to_owned(), token.clone());
    assert_eq!(before.open("/account").await.to(), "/signin");
    // Signing out takes both away.
    before
        .cookies
        .lock()
        .unwrap()
        .remove("__Host-relatch_session");
    assert_eq!(
        before
            .submit("/account", "/account/sessions", &[("end", "this")])
            .await
            .to(),
        "/signin"
    );
    let names: Vec<String> = before.cookies.lock().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        [
            "__Host-relatch_device",
            // What the next page says, once.
            "__Host-relatch_done",
            "__Host-relatch_form"
        ]
    );
}
