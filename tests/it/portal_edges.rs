//! The edges of the member's pages, one for everything that somebody found a way around.

use std::time::{Duration, Instant};

use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use relatch::surface::domain::sign_in::{CodeDenied, CodePurpose, Stage};
use relatch::surface::domain::{Destination, MemberId, Moment, Span};
use relatch::surface::store::{Begun, CodeError, MadeCode, SessionRow};

use crate::support::slack::{button_value, shown_password, user_id};
use crate::support::{Left, OWN, TestBot};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

/// The codes that were sent since.
fn codes(bot: &TestBot) -> Vec<String> {
    bot.codes().into_iter().map(|(code, _)| code).collect()
}

/// S40: six codes an hour, in one session as over many; twenty wrong ones lock the account, and a reset opens it again.
#[tokio::test(flavor = "multi_thread")]
async fn asking_for_more_codes_does_not_buy_more_guesses() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the code that was sent");
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let (browser, mut sent) = (bot.browser(), Vec::new());
    assert_eq!(browser.sign_in(MINA, &temporary).await.to(), "/verify");
    for _ in 0..20 {
        bot.clock.advance(Span::seconds(30));
        browser
            .submit("/verify", "/verify", &[("again", "1")])
            .await;
        sent.extend(codes(&bot));
    }
    assert_eq!(sent.len(), 6);
    // The next hour brings more codes, but not more guesses than twenty in all.
    let mut guesses = 0;
    for _ in 0..12 {
        bot.clock.advance(Span::minutes(10));
        let again = bot.browser();
        if again.sign_in(MINA, &temporary).await.to() != "/verify" {
            break;
        }
        let Some(right) = codes(&bot).pop() else {
            continue;
        };
        let wrong = if right == "000000" {
            "000001"
        } else {
            "000000"
        };
        for _ in 0..5 {
            guesses += 1;
            again.submit("/verify", "/verify", &[("code", wrong)]).await;
        }
    }
    assert_eq!(guesses, 20);
    assert_eq!(
        bot.browser().sign_in(MINA, &temporary).await.status,
        StatusCode::UNAUTHORIZED
    );
    bot.clock.advance(Span::hours(1));
    let fresh = bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    assert_eq!(bot.browser().sign_in(MINA, &fresh).await.to(), "/verify");
}

/// Q10: what the password of a reset opened ends with it, before the code and after.
#[tokio::test(flavor = "multi_thread")]
async fn an_ended_password_ends_what_it_began() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.clock.advance(Span::minutes(24 * 60 - 2));
    let (before, after) = (bot.browser(), bot.browser());
    after.sign_in(MINA, &temporary).await;
    let code = codes(&bot).pop().unwrap();
    assert_eq!(
        after
            .submit("/verify", "/verify", &[("code", &code)])
            .await
            .to(),
        "/new-password"
    );
    bot.clock.advance(Span::seconds(31));
    before.sign_in(MINA, &temporary).await;
    let code = codes(&bot).pop().unwrap();
    let csrf = before.open("/verify").await.csrf();
    let late = after.open("/new-password").await.csrf();
    bot.clock.advance(Span::minutes(2));
    assert_eq!(
        before
            .post("/verify", &[("csrf", &csrf), ("code", &code)])
            .await
            .to(),
        "/signin"
    );
    assert_eq!(
        after
            .post("/new-password", &[("csrf", &late), ("password", OWN)])
            .await
            .to(),
        "/signin"
    );
    assert!(!bot.signs_in(MINA, OWN).await);
}

/// S29: whoever was away when it happened hears of it when they come back; another end is told as what it is.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_page_that_was_away_hears_of_the_reset() {
    let bot = TestBot::new().await;
    let (away, other) = (bot.signed_in(MINA).await, bot.browser());
    other.sign_in(MINA, OWN).await;
    bot.clock.advance(Span::seconds(1));
    let mut events = other
        .send(Request::get("/account/events"), String::new())
        .await
        .into_body();
    events
        .frame()
        .await
        .expect("how soon to come back")
        .unwrap();
    away.submit("/account", "/account/sessions", &[("end", "others")])
        .await;
    let told = String::from_utf8(events.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(
        told.contains("event: ended") && told.contains("This page is out of date"),
        "{told}"
    );
    assert!(!told.contains("administrator"));

    bot.reset(JO, MINA, "deliver_copy").await;
    let told = away.open("/account/events").await;
    assert!(
        told.status == StatusCode::OK && told.text.contains("event: reset"),
        "{}",
        told.text
    );
    assert!(
        told.text
            .contains("reset by an administrator. Please verify your identity")
    );
    assert_eq!(bot.browser().open("/account/events").await.to(), "/signin");
}

/// A form comes from our own page: not from a neighbour under the same domain, nor from another origin.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_a_neighbour_does_nothing() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    let csrf = browser.open("/account").await.csrf();
    let form = || {
        Request::post("/account/sessions")
            .header("content-type", "application/x-www-form-urlencoded")
    };
    let body = format!("csrf={csrf}&end=others");
    for (name, value, status) in [
        ("sec-fetch-site", "same-site", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
        ("origin", "https://evil.acme.example", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "same-origin", StatusCode::SEE_OTHER),
        ("origin", "http://127.0.0.1", StatusCode::SEE_OTHER),
    ] {
        let answer = browser.send(form().header(name, value), body.clone()).await;
        assert_eq!(answer.status(), status, "{name}: {value}");
    }
}

/// S43: no address of the company counts for codes, whoever's it is.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_the_company_is_no_contact_for_codes() {
    let bot = TestBot::new().await;
    let told = bot
        .command(
            JO,
            &format!("contact <@{}> someone.else@acme.example", user_id(NOA)),
        )
        .await
        .text();
    assert!(
        told.contains("A business email doesn't count") && told.contains("Nothing was changed."),
        "{told}"
    );
    let browser = bot.signed_in(NOA).await;
    let wanted = [("value", "someone.else@acme.example"), ("password", OWN)];
    let page = browser.submit("/contacts", "/contacts", &wanted).await;
    assert!(
        page.text.contains("A work email doesn&#39;t count"),
        "{}",
        page.text
    );
    assert_eq!(bot.count("contact").await, 0);
}

/// Q7: what the administrator of a reset vouched for first counts all the same once somebody else vouches for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_counts_by_whoever_else_vouches_for_it() {
    let bot = TestBot::new().await;
    let words = format!("contact <@{}> +82 10 1234 5699", user_id(NOA));
    bot.command(KIM, &words).await;
    let temporary = bot.reset_by_copy(KIM, NOA).await;
    assert_eq!(
        bot.browser().sign_in(NOA, &temporary).await.status,
        StatusCode::FORBIDDEN
    );
    bot.command(JO, &words).await;
    bot.settle().await;
    bot.outbox.take();
    assert_eq!(bot.browser().sign_in(NOA, &temporary).await.to(), "/verify");
    codes(&bot).pop().expect("a code");
}

/// S41: a code never follows the administrator's copy.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_does_not_go_where_the_copy_went() {
    let bot = TestBot::new().await;
    bot.command(
        KIM,
        &format!("contact <@{}> shared@home.example", user_id(NOA)),
    )
    .await;
    let card = bot.card(JO, NOA).await;
    bot.click(JO, &card, "reachable").await;
    bot.click(JO, &bot.slack.last(), "deliver_copy").await;
    bot.click(JO, &bot.slack.last(), "copy_to_self_change")
        .await;
    bot.submit(JO, "shared@home.example").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let temporary = shown_password(&bot.slack.last()).expect("the password is shown");
    bot.clock.advance(Span::seconds(1));
    assert!(
        bot.outbox
            .take()
            .iter()
            .any(|sent| sent.to == "shared@home.example"),
        "the copy"
    );
    assert_eq!(
        bot.browser().sign_in(NOA, &temporary).await.status,
        StatusCode::FORBIDDEN
    );
    assert!(bot.outbox.take().is_empty());
}

/// A member takes a contact away, and hears of it elsewhere; one of the directory itself stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_taken_away_by_the_member() {
    let bot = TestBot::new().await;
    for admin in [JO, KIM] {
        bot.command(
            admin,
            &format!("contact <@{}> +82 10 1234 5699", user_id(MINA)),
        )
        .await;
    }
    bot.settle().await;
    bot.outbox.take();
    let browser = bot.signed_in(MINA).await;
    assert_eq!(
        browser
            .open("/contacts")
            .await
            .text
            .matches("<li>+82 ··· ··99")
            .count(),
        1
    );
    browser
        .submit(
            "/contacts",
            "/contacts",
            &[("remove", "+821012345642"), ("password", OWN)],
        )
        .await;
    assert_eq!(
        browser
            .submit(
                "/contacts",
                "/contacts",
                &[("remove", "+821012345699"), ("password", OWN)]
            )
            .await
            .to(),
        "/contacts"
    );
    let page = browser.open("/contacts").await.text;
    assert!(
        !page.contains("··99") && page.contains("+82 ··· ··42"),
        "{page}"
    );
    assert_eq!(bot.count("contact").await, 0);
    bot.settle().await;
    let told = bot.outbox.take();
    let told_to: Vec<&str> = told.iter().map(|sent| sent.to.as_str()).collect();
    assert_eq!(
        told_to,
        [
            "+821012345642",
            "mina@mail.example",
            "+821012345699",
            "security@acme.example"
        ]
    );
    assert!(told.iter().all(|sent| sent.text.contains("removed")));
}

/// Q13: guessing the present password in a session that somebody took over counts like guessing outside, and locks the
/// account. Its device cookie was not taken over.
#[tokio::test(flavor = "multi_thread")]
async fn guessing_inside_locks_too() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the code that was sent");
    let browser = bot.signed_in(MINA).await;
    browser.cookies.lock().unwrap().remove("relatch_device");
    bot.execute("update member set failed_sign_ins = 95").await;
    let fields = [
        ("current", "not this one"),
        ("password", "nine loud otters sleep"),
    ];
    for _ in 0..5 {
        bot.clock.advance(Span::minutes(16));
        browser
            .submit("/account", "/account/password", &fields)
            .await;
        bot.settle().await;
    }
    assert_eq!(bot.browser().sign_in(MINA, OWN).await.to(), "/verify");
    // A guess that is right at last neither opens the lock nor shows that it was right.
    bot.clock.advance(Span::minutes(16));
    let wrong = browser
        .submit("/account", "/account/password", &fields)
        .await;
    bot.clock.advance(Span::minutes(32));
    let right = browser
        .submit(
            "/account",
            "/account/password",
            &[("current", OWN), fields[1]],
        )
        .await;
    assert!(
        right.text.contains("That is not your current password"),
        "{}",
        right.text
    );
    assert_eq!(wrong.status, right.status);
    bot.settle().await;
    bot.clock.advance(Span::minutes(16));
    assert_eq!(
        bot.browser()
            .sign_in(MINA, "nine loud otters sleep")
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
}

/// A code goes only where the session that asked still stands when its sending is noted: racing the end of a session with
/// wishes for codes buys none.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_has_ended_sends_no_code() {
    let bot = TestBot::new().await;
    let browser = std::sync::Arc::new(bot.signed_in(NOA).await);
    let csrf = browser.open("/account").await.csrf();
    let ask = |path: &'static str, fields: Vec<(&'static str, &'static str)>| {
        let (browser, csrf) = (std::sync::Arc::clone(&browser), csrf.clone());
        async move {
            browser
                .post(
                    path,
                    &[&[("csrf", csrf.as_str())], fields.as_slice()].concat(),
                )
                .await
        }
    };
    let ended = ask("/account/sessions", vec![("end", "this")]);
    let wishes = (0..20).map(|_| {
        ask(
            "/contacts",
            vec![("value", "noa@mail.example"), ("password", OWN)],
        )
    });
    let (_, pages) = tokio::join!(ended, futures_util::future::join_all(wishes));
    let sent = codes(&bot).len();
    assert!(sent <= 1, "{sent} codes were sent");
    let led_away = pages.iter().filter(|page| page.to() == "/signin").count();
    assert!(
        led_away > 0 && led_away + sent <= 20,
        "{led_away} were led to the page to sign in"
    );
}

/// The same where the stage is another one by now, the password of the reset is over, or the account is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_noted_only_for_the_stage_that_asked() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    assert_eq!(
        bot.browser().sign_in(MINA, &temporary).await.to(),
        "/verify"
    );
    codes(&bot);
    bot.clock.advance(Span::minutes(1));
    let (member, account) = bot.app.store.account(MINA).await.unwrap().unwrap();
    let now = bot.clock.now();
    let session = |key: &str, stage: Stage| session(&member.member_id, key, stage, now);
    let checked = account.credential.unwrap();
    let to = Destination::Email("mina@mail.example".parse().unwrap());
    let begun = bot
        .app
        .store
        .begin_session(session("one", Stage::Code), checked, false)
        .await
        .unwrap();
    assert_eq!(begun, Begun::Yes);
    let made = MadeCode {
        digest: "digest".to_owned(),
        purpose: CodePurpose::SignIn,
        to,
        to_digest: "to".to_owned(),
    };
    let note = async |asking: SessionRow| bot.app.store.new_code(&asking, made.clone()).await;
    let lines = bot.count("audit").await;
    assert_eq!(
        note(session("one", Stage::Open)).await,
        Err(CodeError::Denied(CodeDenied::NoSession))
    );
    assert_eq!(
        note(session("none", Stage::Code)).await,
        Err(CodeError::Denied(CodeDenied::NoSession))
    );
    let nobodys = SessionRow {
        member_id: MemberId("nobody".to_owned()),
        ..session("one", Stage::Code)
    };
    assert_eq!(
        note(nobodys).await,
        Err(CodeError::Denied(CodeDenied::NoSession))
    );
    assert_eq!(bot.count("audit").await, lines);
    assert_eq!(note(session("one", Stage::Code)).await, Ok(()));
    bot.clock.advance(Span::hours(24));
    assert_eq!(
        note(session("one", Stage::Code)).await,
        Err(CodeError::Denied(CodeDenied::NoSession))
    );
}

/// A session as the portal would begin it.
fn session(member: &MemberId, key: &str, stage: Stage, now: Moment) -> SessionRow {
    let life = (now, Span::hours(48));
    SessionRow::new(key.to_owned(), member.clone(), stage, None, life)
}

/// What was found right is asked for once more when the session begins: meanwhile the password may have been reset, or the
/// account locked.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_begins_with_what_was_right_a_moment_ago() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let (member, account) = bot.app.store.account(MINA).await.unwrap().unwrap();
    let older = account.credential.unwrap();
    bot.set_password(MINA, "another one of her own").await;
    let (_, account) = bot.app.store.account(MINA).await.unwrap().unwrap();
    let present = account.credential.unwrap();
    let begun = async |checked: &str, stage: Stage| {
        let session = session(&member.member_id, checked, stage, bot.clock.now());
        let store = &bot.app.store;
        store
            .begin_session(session, checked.to_owned(), false)
            .await
            .unwrap()
    };
    assert_eq!(begun(&older, Stage::Open).await, Begun::Changed);
    bot.execute("update member set locked_at = 1, locked_by = 'codes'")
        .await;
    assert_eq!(begun(&present, Stage::Code).await, Begun::Changed);
    bot.execute("update member set locked_by = 'passwords'")
        .await;
    assert_eq!(begun(&present, Stage::Open).await, Begun::Changed);
    assert_eq!(begun(&present, Stage::Code).await, Begun::Yes);
}

/// The same for a password of one's own: not by a session whose password was replaced or whose account was locked meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn no_password_is_chosen_by_what_was_right_a_moment_ago() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let (member, account) = bot.app.store.account(MINA).await.unwrap().unwrap();
    bot.clock.advance(Span::seconds(1));
    let present = account.credential;
    let open = session(&member.member_id, "one", Stage::Open, bot.clock.now());
    let store = &bot.app.store;
    let begun = store.begin_session(open, present.clone().unwrap(), false);
    assert_eq!(begun.await.unwrap(), Begun::Yes);
    let choose = async |checked: Option<String>| {
        let key = |key: &str| key.to_owned();
        store
            .set_own_password(
                &member.member_id,
                key("one"),
                checked,
                key("phc"),
                key("two"),
                false,
            )
            .await
            .unwrap()
    };
    assert!(!choose(Some("an older one".to_owned())).await);
    bot.execute("update member set locked_at = 1, locked_by = 'passwords'")
        .await;
    assert!(!choose(present.clone()).await);
    bot.execute("update member set locked_at = null, locked_by = null")
        .await;
    assert!(choose(present.clone()).await);
}

/// Sign-ins do not pile up: twenty sessions stand at once, and the next one ends the oldest.
#[tokio::test(flavor = "multi_thread")]
async fn the_twenty_first_session_ends_the_oldest() {
    let bot = TestBot::new().await;
    let (oldest, second) = (bot.signed_in(MINA).await, bot.browser());
    bot.clock.advance(Span::seconds(1));
    second.sign_in(MINA, OWN).await;
    for _ in 0..19 {
        assert_eq!(second.open("/account").await.status, StatusCode::OK);
        bot.clock.advance(Span::seconds(1));
        assert_eq!(bot.browser().sign_in(MINA, OWN).await.to(), "/account");
    }
    assert_eq!(oldest.open("/account").await.to(), "/signin");
    let page = second.open("/account").await;
    assert_eq!(page.text.matches("Firefox on a test, since").count(), 20);
    assert_eq!(
        bot.count("audit where event = 'sign_out' and outcome = 'oldest'")
            .await,
        1
    );
}

/// Whoever has only the password of a reset cannot push out a session that has come further.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_came_least_far_make_room_first() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let proven = bot.browser();
    proven.sign_in(MINA, &temporary).await;
    let code = codes(&bot).pop().unwrap();
    assert_eq!(
        proven
            .submit("/verify", "/verify", &[("code", &code)])
            .await
            .to(),
        "/new-password"
    );
    for _ in 0..25 {
        bot.clock.advance(Span::seconds(1));
        assert_eq!(
            bot.browser().sign_in(MINA, &temporary).await.to(),
            "/verify"
        );
    }
    assert_eq!(proven.open("/new-password").await.status, StatusCode::OK);
    assert_eq!(bot.count("session where ended_at is null").await, 20);
    codes(&bot);
}

/// S13: a clock that is set back spares no session, revives none, and keeps nobody from beginning a new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_keeps_no_session_alive() {
    let bot = TestBot::new().await;
    let begun_later = bot.signed_in(MINA).await;
    bot.clock.advance(Span::minutes(-20));
    let temporary = bot.reset_by_copy(JO, MINA).await;
    assert_eq!(
        begun_later.open("/account").await.to(),
        "/signin",
        "it began after the reset, by the clock"
    );
    let browser = bot.browser();
    assert_eq!(browser.sign_in(MINA, &temporary).await.to(), "/verify");
    let code = codes(&bot).pop().unwrap();
    assert_eq!(
        browser
            .submit("/verify", "/verify", &[("code", &code)])
            .await
            .to(),
        "/new-password"
    );
    assert_eq!(
        browser
            .submit("/new-password", "/new-password", &[("password", OWN)])
            .await
            .to(),
        "/account"
    );
    assert_eq!(browser.open("/account").await.status, StatusCode::OK);
    bot.settle().await;

    let member = bot
        .app
        .store
        .account(MINA)
        .await
        .unwrap()
        .unwrap()
        .0
        .member_id;
    bot.clock.advance(Span::minutes(10));
    bot.app.store.sign_out(&member).await.unwrap();
    bot.clock.advance(Span::minutes(-30));
    bot.app.store.sign_out(&member).await.unwrap();
    assert_eq!(
        browser.open("/account").await.to(),
        "/signin",
        "an earlier sign-out revived it"
    );
}

/// S43: every domain of the company is one, not the member's own alone: for codes, for contacts, on the card, and for an
/// address that is typed.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_at_another_domain_of_the_company_is_not_private() {
    let bot = TestBot::with_domains(&["acme.example", "acme.co"]).await;
    bot.alter(NOA, "personal_email", "Noa.Bae@Acme.co").await;
    let noa = format!("<@{}>", user_id(NOA));
    let told = bot
        .command(JO, &format!("contact {noa} someone@acme.co"))
        .await
        .text();
    assert!(
        told.contains("A business email doesn't count") && told.contains("Nothing was changed."),
        "{told}"
    );

    let card = bot.card(JO, NOA).await;
    assert!(
        button_value(&card, "reachable").is_some(),
        "no outside contact is on record: {card:#}"
    );
    bot.click(JO, &card, "reachable").await;
    bot.click(JO, &bot.slack.last(), "deliver_other").await;
    let refused = bot.submit(JO, "noa+x@acme.co").await.refusal_of_form();
    assert!(
        refused.contains("That is Noa Bae's business email"),
        "{refused}"
    );

    let browser = bot.signed_in(NOA).await;
    assert!(!browser.open("/contacts").await.text.contains("acme.co"));
    let page = browser
        .submit(
            "/contacts",
            "/contacts",
            &[("value", "noa.bae@acme.co"), ("password", OWN)],
        )
        .await;
    assert!(
        page.text.contains("A work email doesn&#39;t count"),
        "{}",
        page.text
    );

    let temporary = bot.reset_by_copy(JO, NOA).await;
    bot.outbox.take();
    assert_eq!(
        bot.browser().sign_in(NOA, &temporary).await.status,
        StatusCode::FORBIDDEN
    );
    assert!(bot.outbox.take().is_empty() && bot.count("contact").await == 0);
}

/// Judging a new password takes long, and nobody else waits for it: here one thread answers everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_password_is_judged_beside_the_threads_that_answer() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    let csrf = browser.open("/account").await.csrf();
    // Each of these characters may stand for a letter, or for another one.
    let long = "4@8({[<3691!|70$5+%2".repeat(5);
    let fields = [
        ("csrf", csrf.as_str()),
        ("current", OWN),
        ("password", &long),
    ];
    let (mut longest, mut last) = (Duration::ZERO, Instant::now());
    let mut answer = std::pin::pin!(browser.post("/account/password", &fields));
    let page = loop {
        let page = tokio::select! {
            page = &mut answer => Some(page),
            () = tokio::time::sleep(Duration::from_millis(1)) => None,
        };
        longest = longest.max(last.elapsed());
        last = Instant::now();
        if let Some(page) = page {
            break page;
        }
    };
    assert_eq!(page.to(), "/account");
    assert!(
        longest < Duration::from_secs(1),
        "nobody else was answered for {longest:?}"
    );
}

/// Only the beginning of a password is judged, because it takes long; nothing that follows makes up for it.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_forty_characters_of_a_password_are_judged() {
    let bot = TestBot::new().await;
    let browser = bot.signed_in(MINA).await;
    let fields = [("current", OWN), ("password", &*("a".repeat(40) + OWN))];
    let page = browser
        .submit("/account", "/account/password", &fields)
        .await;
    assert!(
        page.text.contains("Too easy to guess") && page.text.contains("Nothing was changed."),
        "{}",
        page.text
    );
    let fields = [
        ("current", OWN),
        ("password", &*(OWN.to_owned() + &"a".repeat(40))),
    ];
    assert_eq!(
        browser
            .submit("/account", "/account/password", &fields)
            .await
            .to(),
        "/account"
    );
}
