//! The member's pages, over HTTP as a browser sends it.

use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use relatch::domain::delivery::{Outcome, Refusal};
use relatch::domain::{Span, State};
use relatch::store::HistoryFilter;

use crate::support::slack::{button_value, user_id};
use crate::support::{Left, OWN, TestBot};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

/// The last code that was sent, and where to.
fn code(bot: &TestBot) -> (String, String) {
    bot.codes().pop().expect("a code")
}

/// S32, S33, S39, S40: the password of a reset, the code, a password of one's own; each step once, nothing else before.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_is_used_with_a_code_and_ends_in_a_password_of_ones_own() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let browser = bot.browser();
    assert_eq!(browser.sign_in(MINA, &temporary).await.to(), "/verify");
    for path in ["/account", "/new-password", "/signin", "/account/events"] {
        assert_eq!(browser.open(path).await.to(), "/verify", "{path}");
    }
    let page = browser.open("/verify").await;
    assert!(
        page.text.contains("+82 ··· ··42") && !page.text.contains("1012345642"),
        "{}",
        page.text
    );
    let (code, to) = code(&bot);
    assert_eq!(to, "+821012345642");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let page = browser
        .submit("/verify", "/verify", &[("code", wrong)])
        .await;
    assert!(
        page.status == StatusCode::UNPROCESSABLE_ENTITY && page.text.contains("4 tries left"),
        "{}",
        page.text
    );
    let before = browser.cookies.lock().unwrap()["relatch_session"].clone();
    assert_eq!(
        browser
            .submit("/verify", "/verify", &[("code", &code)])
            .await
            .to(),
        "/new-password"
    );

    for path in ["/account", "/verify", "/signin", "/account/events"] {
        assert_eq!(browser.open(path).await.to(), "/new-password", "{path}");
    }
    for (password, why) in [
        (temporary.as_str(), "Too short"),
        ("short", "Too short"),
        ("password1234", "Too easy to guess"),
        ("mina.park@acme.example", "Too easy to guess"),
        (&"x".repeat(129), "Too long"),
    ] {
        let page = browser
            .submit("/new-password", "/new-password", &[("password", password)])
            .await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.text.contains(why) && page.text.contains("Nothing was changed."),
            "{password}: {}",
            page.text
        );
    }
    assert_eq!(
        browser
            .submit("/new-password", "/new-password", &[("password", OWN)])
            .await
            .to(),
        "/account"
    );
    let page = browser.open("/account").await;
    assert!(
        page.status == StatusCode::OK && page.text.contains("Mina Park"),
        "{}",
        page.text
    );
    bot.settle().await;
    assert!(
        bot.slack
            .last_text()
            .contains("Mina Park signed in and set a new password at 10:00."),
        "{}",
        bot.slack.last_text()
    );

    // What was worth something before is worth nothing now: the older cookie, the code, the password of the reset.
    let older = bot.browser();
    older
        .cookies
        .lock()
        .unwrap()
        .insert("relatch_session".to_owned(), before);
    assert_eq!(older.open("/account").await.to(), "/signin");
    assert_eq!(
        bot.browser().sign_in(MINA, &temporary).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(bot.browser().sign_in(MINA, OWN).await.to(), "/account");
}

/// S33: a password of the length that is asked for, and still the one of the reset.
#[tokio::test(flavor = "multi_thread")]
async fn the_present_password_is_no_new_one() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    let fields = [("current", OWN), ("password", OWN)];
    let page = browser
        .submit("/account", "/account/password", &fields)
        .await;
    assert!(
        page.text.contains("the password that you have now"),
        "{}",
        page.text
    );
    let fields = [
        ("current", "something else"),
        ("password", "nine loud otters sleep"),
    ];
    let page = browser
        .submit("/account", "/account/password", &fields)
        .await;
    assert!(
        page.text.contains("not your current password"),
        "{}",
        page.text
    );
    let fields = [("current", OWN), ("password", "nine loud otters sleep")];
    assert_eq!(
        browser
            .submit("/account", "/account/password", &fields)
            .await
            .to(),
        "/account"
    );
    assert_eq!(browser.open("/account").await.status, StatusCode::OK);
    assert_eq!(
        bot.browser().sign_in(MINA, OWN).await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// S13, S29, S30, S31: every session ends at the reset, and an open page says so within two seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_every_session_and_an_open_page_says_so() {
    let bot = TestBot::new().await;
    let (one, two) = (bot.signed_in(MINA).await, bot.browser());
    two.sign_in(MINA, OWN).await;
    assert_eq!(
        two.open("/account")
            .await
            .text
            .matches("Firefox on a test, since")
            .count(),
        2
    );
    let mut events = one
        .send(Request::get("/account/events"), String::new())
        .await
        .into_body();
    events
        .frame()
        .await
        .expect("how soon to come back")
        .unwrap();
    assert_eq!(
        bot.reset(JO, MINA, "deliver_copy").await["response_type"],
        "ephemeral"
    );
    let told = tokio::time::timeout(std::time::Duration::from_secs(2), events.frame()).await;
    let told = told
        .expect("within two seconds")
        .expect("an event")
        .unwrap()
        .into_data()
        .unwrap();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(
        told.contains("event: reset") && told.contains("reset by an administrator. Please verify"),
        "{told}"
    );
    for browser in [&one, &two] {
        assert_eq!(browser.open("/account").await.to(), "/signin");
    }
    assert_eq!(
        bot.browser().sign_in(MINA, OWN).await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// S39, S41: whoever has the password and not the code gets nothing, in any order; the code goes to the record.
#[tokio::test(flavor = "multi_thread")]
async fn the_password_alone_opens_nothing() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.submit(JO, "jo.private@home.example").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let sent = bot.outbox.take();
    let mail = sent
        .iter()
        .find(|sent| sent.to == "jo.private@home.example")
        .expect("the password");
    let password: String = mail
        .text
        .split("\n\n    ")
        .nth(1)
        .unwrap()
        .chars()
        .take(8)
        .collect();
    bot.clock.advance(Span::seconds(1));
    let admin = bot.browser();
    assert_eq!(admin.sign_in(MINA, &password).await.to(), "/verify");
    assert_eq!(code(&bot).1, "+821012345642");
    let csrf = admin.open("/verify").await.csrf();
    let csrf = ("csrf", csrf.as_str());
    for (path, fields) in [
        ("/new-password", vec![csrf, ("password", OWN)]),
        (
            "/account/password",
            vec![csrf, ("current", password.as_str()), ("password", OWN)],
        ),
        ("/account/sessions", vec![csrf, ("end", "others")]),
        ("/verify", vec![csrf, ("code", "")]),
        ("/verify", vec![csrf, ("code", "12345")]),
        ("/verify", vec![csrf]),
    ] {
        let page = admin.post(path, &fields).await;
        assert!(
            page.to() == "/verify" || page.status == StatusCode::UNPROCESSABLE_ENTITY,
            "{path}: {}",
            page.status
        );
        assert_eq!(admin.open("/account").await.to(), "/verify");
    }
    assert_eq!(bot.browser().open("/account").await.to(), "/signin");
    assert!(
        bot.signs_in(MINA, &password).await,
        "it is still the password of the reset"
    );
}

/// S40: a code works ten minutes, five times, once, for one session; another is sent with pauses.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_short_lived_and_belongs_to_one_session() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let (one, two) = (bot.browser(), bot.browser());
    one.sign_in(MINA, &temporary).await;
    let (first, _) = code(&bot);
    two.sign_in(MINA, &temporary).await;
    assert!(bot.outbox.take().is_empty(), "too soon for another code");
    assert!(
        two.open("/verify")
            .await
            .text
            .contains("No code is on its way")
    );
    // The code of one browser is nothing to the other.
    let page = two.submit("/verify", "/verify", &[("code", &first)]).await;
    assert!(page.text.contains("no longer works"), "{}", page.text);
    let page = one.submit("/verify", "/verify", &[("again", "1")]).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    bot.clock.advance(Span::seconds(30));
    assert!(
        one.submit("/verify", "/verify", &[("again", "1")])
            .await
            .text
            .contains("on its way")
    );
    let (second, _) = code(&bot);
    if first != second {
        let page = one.submit("/verify", "/verify", &[("code", &first)]).await;
        assert!(page.text.contains("Wrong code"), "{}", page.text);
    }
    bot.clock.advance(Span::minutes(10));
    let page = one.submit("/verify", "/verify", &[("code", &second)]).await;
    assert!(page.text.contains("no longer works"), "{}", page.text);

    assert!(
        one.submit("/verify", "/verify", &[("again", "1")])
            .await
            .text
            .contains("on its way")
    );
    let (third, _) = code(&bot);
    let wrong = if third == "000000" {
        "000001"
    } else {
        "000000"
    };
    for _ in 0..5 {
        one.submit("/verify", "/verify", &[("code", wrong)]).await;
    }
    let page = one.submit("/verify", "/verify", &[("code", &third)]).await;
    assert!(
        page.text.contains("no longer works"),
        "right, but after five wrong ones: {}",
        page.text
    );
    assert_eq!(one.open("/account").await.to(), "/verify");
}

/// P5, S35: what an older reset opened, a newer one closes.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_reset_ends_what_an_older_one_began() {
    let bot = TestBot::new().await;
    let older = bot.reset_by_copy(JO, MINA).await;
    let browser = bot.browser();
    browser.sign_in(MINA, &older).await;
    let (code, _) = code(&bot);
    let csrf = browser.open("/verify").await.csrf();
    bot.reset_by_copy(KIM, MINA).await;
    assert_eq!(
        browser
            .post("/verify", &[("csrf", &csrf), ("code", &code)])
            .await
            .to(),
        "/signin"
    );
    assert_eq!(
        bot.browser().sign_in(MINA, &older).await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// S42, S43: without a contact of their own the password of a reset opens nothing, and the business e-mail is none.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_second_method_there_is_no_way_in() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, NOA).await;
    bot.outbox.take();
    let browser = bot.browser();
    let page = browser.sign_in(NOA, &temporary).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(
        page.text.contains("Your business email does not count"),
        "{}",
        page.text
    );
    assert!(
        !browser
            .cookies
            .lock()
            .unwrap()
            .contains_key("relatch_session")
            && bot.outbox.take().is_empty()
    );
    bot.alter(NOA, "phone", "+821012345699").await;
    assert_eq!(browser.sign_in(NOA, &temporary).await.to(), "/verify");
    assert_eq!(code(&bot).1, "+821012345699");
}

/// Q10: the password of a reset has an end, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_a_reset_has_an_end() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.clock.advance(Span::hours(24));
    let page = bot.browser().sign_in(MINA, &temporary).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(
        page.text.contains("stopped working at") && page.text.contains("Ask an administrator"),
        "{}",
        page.text
    );
}

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

/// The link of the last notice, from the outbox.
fn not_me(bot: &TestBot) -> String {
    let sent = bot
        .outbox
        .take()
        .into_iter()
        .rfind(|sent| sent.text.contains("/not-me/"))
        .expect("a link");
    let path = sent.text.split("http://127.0.0.1").nth(1).unwrap();
    path.split_whitespace().next().unwrap().to_owned()
}

/// "This wasn't me": opening it changes nothing; saying it kills the password, ends sessions, tells everyone, and keeps
/// the same administrator from the next reset.
#[tokio::test(flavor = "multi_thread")]
async fn this_was_not_me() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the code that was sent");
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let link = not_me(&bot);
    let (browser, session) = (bot.browser(), bot.browser());
    assert_eq!(session.sign_in(MINA, &temporary).await.to(), "/verify");
    for _ in 0..5 {
        let page = browser.open(&link).await;
        assert!(
            page.status == StatusCode::OK
                && page.text.contains("Jo Lim reset the password of Mina Park"),
            "{}",
            page.text
        );
    }
    assert_eq!(browser.post(&link, &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        session.open("/account").await.to(),
        "/verify",
        "nothing happened so far"
    );
    bot.outbox.take();

    let page = browser.submit(&link, &link, &[]).await;
    assert!(
        page.status == StatusCode::OK && page.text.contains("The account is closed"),
        "{}",
        page.text
    );
    assert!(
        page.text
            .contains("The administrator and the security team are being told."),
        "{}",
        page.text
    );
    assert_eq!(session.open("/verify").await.to(), "/signin");
    assert_eq!(
        bot.browser().sign_in(MINA, &temporary).await.status,
        StatusCode::UNAUTHORIZED
    );
    bot.settle().await;
    assert!(
        bot.slack
            .last_text()
            .contains("Mina Park says they did not ask for this."),
        "{}",
        bot.slack.last_text()
    );
    let sent = bot.outbox.take();
    assert_eq!(
        sent.iter().map(|sent| sent.to.as_str()).collect::<Vec<_>>(),
        ["security@acme.example"]
    );
    browser.submit(&link, &link, &[]).await;
    bot.settle().await;
    assert!(bot.outbox.take().is_empty(), "told twice");

    let refused = bot.command(JO, MINA).await.text();
    assert!(
        refused.contains("did not ask for your last reset")
            && refused.contains("Nothing was changed."),
        "{refused}"
    );
    bot.clock.advance(Span::hours(48));
    assert!(
        bot.command(JO, MINA).await.text().contains("did not ask"),
        "it does not pass with time"
    );
    let again = bot.reset_by_copy(KIM, MINA).await;
    assert_eq!(bot.browser().sign_in(MINA, &again).await.to(), "/verify");
    assert!(
        bot.card(JO, MINA)
            .await
            .to_string()
            .contains("deliver_copy"),
        "the last reset is another one's now"
    );

    // The older link says so, and closes nothing any more.
    let page = browser.submit(&link, &link, &[]).await;
    assert_eq!(page.status, StatusCode::GONE);
    assert_eq!(bot.browser().sign_in(MINA, &again).await.to(), "/verify");
}

/// An operator who sets a password afterwards opens the account again, so the old link must not say that it is closed.
#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_not_me_is_outdated_after_an_operator_set_a_password() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices and the code that was sent");
    bot.reset_by_copy(JO, MINA).await;
    let link = not_me(&bot);
    let browser = bot.browser();
    browser.submit(&link, &link, &[]).await;
    let page = browser.submit(&link, &link, &[]).await;
    assert!(page.text.contains("The account is closed"), "{}", page.text);
    bot.clock.advance(Span::minutes(5));
    bot.set_password(MINA, OWN).await;

    let page = browser.submit(&link, &link, &[]).await;
    assert_eq!(page.status, StatusCode::GONE, "{}", page.text);
    assert_eq!(bot.browser().sign_in(MINA, OWN).await.to(), "/account");
}

/// A card that was open when the member spoke up is refused at its confirming click.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_card_is_refused_after_this_was_not_me() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the alarm to the security address");
    bot.reset_by_copy(JO, MINA).await;
    let link = not_me(&bot);
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    let browser = bot.browser();
    browser.submit(&link, &link, &[]).await;
    bot.click(JO, &ready, "confirm").await;
    assert!(
        bot.slack
            .last_text()
            .contains("did not ask for your last reset"),
        "{}",
        bot.slack.last_text()
    );
}

/// Nor does a reset go on that was confirmed before: it would open the account again.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_at_work_stops_at_this_was_not_me() {
    let bot = TestBot::new().await;
    bot.reset_by_copy(JO, MINA).await;
    let link = not_me(&bot);
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.slack.delay_who(std::time::Duration::from_millis(1500));
    bot.click_and_go(JO, "confirm", &button_value(&ready, "confirm").unwrap())
        .await;
    let browser = bot.browser();
    let page = browser.submit(&link, &link, &[]).await;
    assert!(page.text.contains("The account is closed"), "{}", page.text);
    bot.settle().await;
    let told = bot.slack.last_text();
    assert!(told.contains("did not ask for your last reset"), "{told}");
    assert!(
        told.contains("Nothing was changed. No reset was used."),
        "{told}"
    );
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    assert_eq!(past[0].reset.state, State::Refused);
    assert!(past[0].is_slot_returned);
    assert!(
        bot.outbox
            .take()
            .iter()
            .all(|sent| sent.to == "security@acme.example")
    );
}

/// And a password that waits for another way is gone.
#[tokio::test(flavor = "multi_thread")]
async fn an_undelivered_password_dies_with_this_was_not_me() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let (waiting, link) = (bot.slack.last(), not_me(&bot));
    let browser = bot.browser();
    browser.submit(&link, &link, &[]).await;
    bot.settle().await;
    bot.outbox.take();
    bot.click(JO, &waiting, "deliver_email").await;
    assert!(
        bot.slack.last_text().contains("Already done"),
        "{}",
        bot.slack.last_text()
    );
    assert!(bot.outbox.take().is_empty());
}

/// A reset of which nobody can say whether it happened counts like one that did.
#[tokio::test(flavor = "multi_thread")]
async fn this_was_not_me_holds_after_an_unknown_end() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the alarm to the security address");
    bot.directory
        .next_reset(relatch::directory::NextReset::ChangeAndLoseTheAnswer);
    bot.reset(JO, MINA, "deliver_phone").await;
    let link = not_me(&bot);
    let browser = bot.browser();
    let page = browser.submit(&link, &link, &[]).await;
    assert!(page.text.contains("The account is closed"), "{}", page.text);
    let refused = bot.command(JO, MINA).await.text();
    assert!(
        refused.contains("did not ask for your last reset"),
        "{refused}"
    );
    assert!(
        bot.command("kim@acme.example", MINA)
            .await
            .text()
            .contains("Reset the login password")
    );
}

/// Only we can make a link, and it ends after a week.
#[tokio::test(flavor = "multi_thread")]
async fn links_cannot_be_guessed_and_grow_old() {
    let bot = TestBot::new().await;
    bot.reset_by_copy(JO, MINA).await;
    let link = not_me(&bot);
    let browser = bot.browser();
    let flipped = if link.ends_with('A') { "B" } else { "A" };
    for wrong in [
        "/not-me/x".to_owned(),
        format!("{}{flipped}", &link[..link.len() - 2]),
        format!("{link}A"),
    ] {
        assert_eq!(
            browser.open(&wrong).await.status,
            StatusCode::NOT_FOUND,
            "{wrong}"
        );
    }
    bot.clock.advance(Span::hours(7 * 24));
    assert_eq!(browser.open(&link).await.status, StatusCode::NOT_FOUND);
}

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
        sent[0].to == NOA && sent[0].text.contains("Kim Cho added k...@home.example"),
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
        (JO, format!("contact {noa}"), "not a complete"),
        (JO, "contact".to_owned(), "exactly one account"),
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
        told.len() == 2 && told[0].to == NOA && told[0].text.contains("added +82 ... ..99"),
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
        ("Noa+x@acme.example", "business email"),
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
