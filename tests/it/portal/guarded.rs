//! Guesses, forged forms, sessions and headers.

use axum::http::{Request, StatusCode};
use relatch::surface::domain::Span;

use super::MINA;
use crate::support::{OWN, TestBot};

/// Guessing is slowed down, and whoever does not exist is answered alike.
#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let browser = bot.browser();
    browser.at("10.1.0.1");
    let mut answers = Vec::new();
    for email in [MINA, "nobody@acme.example"] {
        let mut tries = Vec::new();
        for _ in 0..4 {
            let page = browser.sign_in(email, "wrong").await;
            tries.push((
                page.status,
                page.text
                    .replace(email, "…")
                    .split("csrf")
                    .next()
                    .unwrap()
                    .to_owned(),
            ));
        }
        assert_eq!(tries[0].0, StatusCode::UNAUTHORIZED);
        assert_eq!(tries[3].0, StatusCode::TOO_MANY_REQUESTS);
        answers.push(tries);
    }
    assert_eq!(answers[0], answers[1]);
}

/// Many tries at once are not more than a few one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_side_by_side_are_counted() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let browser = std::sync::Arc::new(bot.browser());
    let csrf = browser.at("10.1.0.1").open("/signin").await.csrf();
    let guesses: Vec<_> = (0..20)
        .map(|_| {
            let (browser, csrf) = (std::sync::Arc::clone(&browser), csrf.clone());
            bot.app.tasks.spawn(async move {
                browser
                    .post(
                        "/signin",
                        &[("csrf", &csrf), ("email", MINA), ("password", "wrong")],
                    )
                    .await
                    .status
            })
        })
        .collect();
    let mut looked_at = 0;
    for guess in guesses {
        looked_at += usize::from(guess.await.unwrap() == StatusCode::UNAUTHORIZED);
    }
    assert_eq!(looked_at, 3);
}

/// Somebody who is suspended has no pages any more, whatever they had open.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_member_is_out() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    bot.alter(MINA, "status", "suspended").await;
    assert_eq!(browser.open("/account").await.to(), "/signin");
    assert_eq!(browser.open("/account/events").await.to(), "/signin");
}

/// Accounts that are not in use do not sign in, whatever their password.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_are_not_in_use_do_not_sign_in() {
    let bot = TestBot::new().await;
    for email in ["sam@acme.example", "pia@acme.example", "ria@acme.example"] {
        bot.set_password(email, OWN).await;
        let page = bot.browser().sign_in(email, OWN).await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{email}");
    }
}

/// A form counts only from our own page in the same browser.
#[tokio::test(flavor = "multi_thread")]
async fn forged_forms_do_nothing() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let (browser, other) = (bot.browser(), bot.browser());
    let csrf = browser.open("/signin").await.csrf();
    let foreign = other.open("/signin").await.csrf();
    let fields = [("email", MINA), ("password", OWN)];
    for csrf in ["", "0", foreign.as_str()] {
        let page = browser
            .post("/signin", &[&[("csrf", csrf)], fields.as_slice()].concat())
            .await;
        assert!(
            page.status == StatusCode::FORBIDDEN && page.text.contains("Nothing was changed."),
            "{csrf}"
        );
    }
    assert_eq!(
        bot.browser()
            .post(
                "/signin",
                &[&[("csrf", csrf.as_str())], fields.as_slice()].concat()
            )
            .await
            .status,
        403
    );
    let twice = [("csrf", csrf.as_str()), ("csrf", csrf.as_str())];
    assert_eq!(
        browser
            .post("/signin", &[&twice, fields.as_slice()].concat())
            .await
            .status,
        400
    );
    let cross = Request::post("/signin")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site");
    let body = format!(
        "csrf={csrf}&email=mina.park%40acme.example&password={}",
        OWN.replace(' ', "+")
    );
    assert_eq!(browser.send(cross, body).await.status(), 403);
    let large = browser
        .post(
            "/signin",
            &[("csrf", &csrf), ("email", &"x".repeat(20_000))],
        )
        .await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// Signing out ends one session, or the others.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_seen_and_ended() {
    let bot = TestBot::new().await;
    let (one, two) = (bot.signed_in(MINA).await, bot.browser());
    two.sign_in(MINA, OWN).await;
    assert_eq!(
        one.submit("/account", "/account/sessions", &[("end", "others")])
            .await
            .to(),
        "/account"
    );
    assert_eq!(two.open("/account").await.to(), "/signin");
    assert_eq!(one.open("/account").await.status, StatusCode::OK);
    let token = one.cookies.lock().unwrap()["relatch_session"].clone();
    assert_eq!(
        one.submit("/account", "/account/sessions", &[("end", "this")])
            .await
            .to(),
        "/signin"
    );
    let thief = bot.browser();
    thief
        .cookies
        .lock()
        .unwrap()
        .insert("relatch_session".to_owned(), token.clone());
    assert_eq!(thief.open("/account").await.to(), "/signin");
    let on_disk = bot.bytes_on_disk();
    assert!(
        !on_disk
            .windows(token.len())
            .any(|bytes| bytes == token.as_bytes()),
        "a token lies on disk"
    );
}

/// Cookies and headers are as careful as they can be.
#[tokio::test(flavor = "multi_thread")]
async fn pages_carry_careful_headers() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let browser = bot.browser();
    let page = browser.open("/signin").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(
        !policy.contains("unsafe-inline")
            && !page.text.contains("style=")
            && !page.text.contains("onclick")
    );
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(page.headers[name], value);
    }
    for label in [
        "for=\"email\"",
        "for=\"password\"",
        "lang=\"en\"",
        "<title>Sign in",
        "width=device-width",
    ] {
        assert!(page.text.contains(label), "{label}");
    }
    let cookie = browser.sign_in(MINA, OWN).await.headers["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"),
        "{cookie}"
    );
    for asset in ["/portal.css", "/portal.js"] {
        assert_eq!(browser.open(asset).await.status, StatusCode::OK);
    }
}

/// An international domain is on record in its ASCII form. Its people type it as they know it.
#[tokio::test(flavor = "multi_thread")]
async fn an_international_address_is_typed_as_people_know_it() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    bot.clock.advance(Span::seconds(1));
    bot.execute(
        "update member
        set business_email = 'Mina@xn--bcher-kva.example', business_email_key = 'mina@xn--bcher-kva.example'
        where member_id = 'id-mina.park'",
    )
    .await;
    for typed in [
        "mina@bücher.example",
        " Mina@BÜCHER.example ",
        "mina@xn--bcher-kva.example",
        "MINA@XN--BCHER-KVA.EXAMPLE",
    ] {
        assert_eq!(
            bot.browser().sign_in(typed, OWN).await.to(),
            "/account",
            "{typed}"
        );
    }
    // One that is older than the check of its letters is still found.
    bot.execute("update member set business_email_key = 'mina@xn--pypal-4ve.example' where member_id = 'id-mina.park'")
        .await;
    let page = bot
        .browser()
        .sign_in("mina@xn--pypal-4ve.example", OWN)
        .await;
    assert_eq!(page.to(), "/account");
}
