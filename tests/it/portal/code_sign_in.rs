//! Signing in by a code alone (`policy.code_sign_in`): what it opens, for whom, how often, and what it never tells.

use axum::http::StatusCode;
use relatch::surface::domain::Span;
use relatch::surface::domain::delivery::{Outcome, Refusal};

use super::{JO, KIM, MINA, NOA, code};
use crate::support::browser::{Browser, Page};
use crate::support::slack::user_id;
use crate::support::{Left, OWN, TestBot};

pub(super) const NEXT: &str = "nine loud otters sleep";
pub(super) const NOBODY: &str = "nobody@acme.example";

/// Asks for a code at the sign-in, and waits until whatever follows the answer is done.
pub(super) async fn ask(bot: &TestBot, browser: &Browser, email: &str) -> Page {
    let fields = [("email", email), ("password", ""), ("with", "code")];
    let page = browser.submit("/signin", "/signin", &fields).await;
    bot.settle().await;
    page
}

pub(super) async fn type_code(browser: &Browser, code: &str) -> Page {
    browser
        .submit("/verify", "/verify", &[("code", code)])
        .await
}

pub(super) fn another(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// A page without what differs between two browsers.
pub(super) fn said(page: &Page) -> (StatusCode, String, String) {
    let token = page
        .text
        .split_once("name=\"csrf\"")
        .map(|_| page.csrf())
        .unwrap_or_default();
    let text = page.text.replace(&token, "TOKEN");
    (page.status, page.to().to_owned(), text)
}

/// Whoever is too slow is told so, whether or not anybody has the address.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_too_slow_with_a_code_alone_is_told() {
    let bot = TestBot::with_code_sign_in().await;
    for email in [MINA, NOBODY] {
        let browser = bot.browser();
        ask(&bot, &browser, email).await;
        bot.clock.advance(Span::minutes(30));
        assert_eq!(browser.open("/verify").await.to(), "/signin", "{email}");
        let page = browser.open("/signin").await.text;
        assert!(
            page.contains("That took more than 30 minutes. Ask for another code."),
            "{email}: {page}"
        );
    }
    bot.outbox.take();
}

/// It opens the page for a new password and nothing else; then all contacts and the business address hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_alone_opens_the_page_for_a_new_password() {
    let bot = TestBot::with_code_sign_in().await;
    let elsewhere = bot.signed_in(MINA).await;
    let browser = bot.browser();
    assert!(
        browser
            .open("/signin")
            .await
            .text
            .contains("Sign in with a code instead")
    );
    let page = ask(&bot, &browser, MINA).await;
    assert_eq!((page.status, page.to()), (StatusCode::SEE_OTHER, "/verify"));
    let (sent, to) = code(&bot);
    assert_eq!(to, "+821012345642");
    assert_eq!(browser.open("/account").await.to(), "/verify");
    assert_eq!(browser.open("/new-password").await.to(), "/verify");
    let page = browser.open("/verify").await;
    assert!(!page.text.contains("··"), "no mask is shown: {}", page.text);

    let page = type_code(&browser, &sent).await;
    assert_eq!(page.to(), "/new-password", "{}", page.text);
    for path in ["/account", "/contacts", "/verify", "/signin"] {
        assert_eq!(browser.open(path).await.to(), "/new-password", "{path}");
    }
    assert_eq!(elsewhere.open("/account").await.status, StatusCode::OK);
    bot.settle().await;
    let told = bot.outbox.take();
    let to: Vec<&str> = told.iter().map(|sent| sent.to.as_str()).collect();
    assert_eq!(to, ["+821012345642", "mina@mail.example", MINA]);
    assert!(
        told.iter()
            .all(|sent| sent.text.contains("http://127.0.0.1/not-me/"))
    );

    let fields = [("password", NEXT)];
    let page = browser
        .submit("/new-password", "/new-password", &fields)
        .await;
    assert_eq!(page.to(), "/account", "{}", page.text);
    assert!(bot.signs_in(MINA, NEXT).await);
    assert_eq!(elsewhere.open("/account").await.to(), "/signin");
    bot.settle().await;
    assert!(
        bot.outbox.take().is_empty() && bot.slack.said().is_empty(),
        "no administrator is told of a reset"
    );
}

/// Off by default: the page does not offer it, and the form is refused.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_off_unless_the_settings_say_so() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let browser = bot.browser();
    assert!(!browser.open("/signin").await.text.contains("code instead"));
    let page = ask(&bot, &browser, MINA).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.text.contains("Nothing was changed."), "{}", page.text);
    assert_eq!(browser.open("/verify").await.to(), "/signin");
    assert!(bot.outbox.take().is_empty());
    assert_eq!(bot.count("code_sign_in").await, 0);
}

/// An account, an address of nobody, a suspended member, one with single sign-on, one without contacts, one that is locked,
/// and one with the password of a reset: pages, cookies, wrong codes and what is written are the same, and only the first
/// is sent anything.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_which_addresses_have_accounts() {
    let bot = TestBot::with_code_sign_in().await;
    for member in [MINA, NOA] {
        bot.set_password(member, OWN).await;
    }
    let mut seen = Vec::new();
    for email in [
        MINA,
        NOBODY,
        "sam@acme.example",
        "pia@acme.example",
        "ria@acme.example",
        "sol@acme.example",
        NOA,
        "no address",
    ] {
        let browser = bot.browser();
        let mut pages = vec![said(&ask(&bot, &browser, email).await)];
        let cookies: Vec<(String, usize)> = browser
            .cookies
            .lock()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.len()))
            .collect();
        pages.push(said(&browser.open("/verify").await));
        pages.push(said(&browser.open("/account").await));
        let sent = bot.codes();
        assert_eq!(sent.len(), usize::from(email == MINA), "{email}");
        let wrong = sent.first().map_or("000000", |(code, _)| another(code));
        for _ in 0..7 {
            pages.push(said(&type_code(&browser, wrong).await));
        }
        bot.clock.advance(Span::minutes(1));
        seen.push((email, pages, cookies));
    }
    let (_, pages, cookies) = &seen[0];
    assert!(
        pages[3].2.contains("Wrong code. 4 tries left."),
        "{:?}",
        pages[3]
    );
    assert!(
        pages[7].2.contains("No code works here any more."),
        "{:?}",
        pages[7]
    );
    for (email, others, theirs) in &seen {
        assert_eq!((others, theirs), (pages, cookies), "{email}");
    }
    assert_eq!(
        bot.count("code_sign_in").await,
        i64::try_from(seen.len()).unwrap()
    );
}

/// What depends on the address is not done before the answer: it comes even while the record of members cannot be asked.
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_waits_for_nothing_that_depends_on_the_address() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    let mut pages = Vec::new();
    for email in [MINA, NOBODY] {
        let browser = bot.browser();
        let csrf = browser.open("/signin").await.csrf();
        // Whoever looks for the member now gets an error.
        bot.sql("alter table member rename to away").await;
        let fields = [("csrf", csrf.as_str()), ("email", email), ("with", "code")];
        pages.push(said(&browser.post("/signin", &fields).await));
        bot.settle().await;
        bot.sql("alter table away rename to member").await;
    }
    assert_eq!(pages[0].1, "/verify");
    assert_eq!(pages[0], pages[1]);
    assert!(bot.outbox.take().is_empty());
}

/// S39: while the password of a reset waits, after "this wasn't me", while the account is locked in any way, and for every
/// status but active and inactive, no code is sent, and one that was sent before opens nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_closed_where_more_than_a_code_is_needed() {
    for (why, change) in [
        (
            "password_of_reset",
            "update member set temporary_until = 4000000000000",
        ),
        ("password_of_reset", "update member set temporary_until = 1"),
        (
            "locked",
            "update member set locked_at = 1, locked_by = 'passwords'",
        ),
        (
            "locked",
            "update member set locked_at = 1, locked_by = 'codes'",
        ),
        (
            "locked",
            "update member set locked_at = 1, locked_by = 'member'",
        ),
        ("status", "update member set status = 'suspended'"),
        ("status", "update member set status = 'pending'"),
        ("status", "update member set status = 'resigned'"),
        ("login_method", "update member set login_method = 'sso'"),
    ] {
        let bot = TestBot::with_code_sign_in().await;
        bot.set_password(MINA, OWN).await;
        let before = bot.browser();
        ask(&bot, &before, MINA).await;
        let (sent, _) = code(&bot);
        bot.sql(change).await;
        let page = type_code(&before, &sent).await;
        assert!(
            page.text.contains("Wrong code. 4 tries left."),
            "{change}: {}",
            page.text
        );
        bot.clock.advance(Span::hours(1));
        ask(&bot, &bot.browser(), MINA).await;
        assert!(bot.outbox.take().is_empty(), "{change}");
        assert_eq!(
            bot.audited("code_sign_in").await,
            format!("sent {why}"),
            "{change}"
        );
    }
}

/// The same by what really happens: a reset, and the link in its notice.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_and_this_was_not_me_close_it() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    let early = bot.browser();
    ask(&bot, &early, MINA).await;
    let (sent, _) = code(&bot);
    assert_eq!(type_code(&early, &sent).await.to(), "/new-password");
    bot.settle().await;
    bot.outbox.take();
    bot.clock.advance(Span::hours(1));
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let link = super::not_me_link(&bot);
    assert_eq!(
        early.open("/new-password").await.to(),
        "/signin",
        "the reset ended it"
    );
    let browser = bot.browser();
    ask(&bot, &browser, MINA).await;
    assert!(bot.outbox.take().is_empty());
    let mail = bot.browser();
    mail.press(&link).await;
    bot.settle().await;
    bot.outbox.take();
    ask(&bot, &bot.browser(), MINA).await;
    assert!(bot.outbox.take().is_empty());
    assert!(bot.signs_in(MINA, &temporary).await, "nothing else was set");
}

/// Only contacts of the directory, and those that the member added in a session that a code had opened, old enough.
#[tokio::test(flavor = "multi_thread")]
async fn only_settled_contacts_get_a_code() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(NOA, OWN).await;
    let added = |by: &str, hours: i64| {
        let at = crate::support::START.0 - hours * 3_600_000;
        format!(
            "delete from contact; insert into contact (member_id, channel, address, added_by, added_at, added_as, added_by_name, answered_at)
            values ('id-noa', 'sms', '+821012345699', 'x', {at}, '{by}', 'X', {at})"
        )
    };
    for (by, hours, is_sent) in [
        ("administrator", 24, false),
        ("administrator", 10_000, false),
        ("member", 10_000, false),
        ("proven", 71, false),
        ("operator", 71, false),
        ("proven", 73, true),
        ("operator", 73, true),
    ] {
        bot.sql("delete from code_sign_in; update member set codes_sent = null")
            .await;
        bot.sql(&added(by, hours)).await;
        ask(&bot, &bot.browser(), NOA).await;
        let to: Vec<String> = bot.codes().into_iter().map(|(_, to)| to).collect();
        let expected: &[&str] = if is_sent { &["+821012345699"] } else { &[] };
        assert_eq!(to, expected, "{by} {hours}");
        bot.clock.advance(Span::minutes(1));
    }
}

/// A phone that an import changed waits as long as a contact that somebody added; the member's other contact does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_an_import_changed_waits() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    let line = "Mina Park,mina.park@acme.example,business_email,active,+821012345600,mina@mail.example,member,Sales,";
    let ran = bot.import(&[line], &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    // The command goes by the machine's clock.
    bot.sql(&format!(
        "update member set phone_since = {} where phone_since is not null",
        bot.clock.now().0
    ))
    .await;
    ask(&bot, &bot.browser(), MINA).await;
    assert_eq!(code(&bot).1, "mina@mail.example");
    bot.clock.advance(Span::hours(72));
    ask(&bot, &bot.browser(), MINA).await;
    assert_eq!(code(&bot).1, "+821012345600");
}

/// At most one code an hour for all unknown browsers, and three for one that the account knows.
#[tokio::test(flavor = "multi_thread")]
async fn codes_are_limited_by_account_and_browser() {
    let bot = TestBot::with_code_sign_in().await;
    let known = bot.signed_in(MINA).await;
    known
        .submit("/account", "/account/sessions", &[("end", "this")])
        .await;
    let mut sent = 0;
    for network in 0..4 {
        let stranger = bot.browser();
        ask(&bot, stranger.at(&format!("10.0.{network}.1")), MINA).await;
        sent += bot.codes().len();
        bot.clock.advance(Span::minutes(1));
    }
    assert_eq!(sent, 1);
    let mut sent = 0;
    for _ in 0..5 {
        ask(&bot, &known, MINA).await;
        sent += bot.codes().len();
        bot.clock.advance(Span::minutes(1));
    }
    assert_eq!(sent, 3);
    bot.clock.advance(Span::minutes(51));
    ask(&bot, bot.browser().at("10.0.9.1"), MINA).await;
    assert_eq!(bot.codes().len(), 1, "an hour later");
    // A cookie of another member makes nobody known.
    let other = bot.signed_in(NOA).await;
    other
        .submit("/account", "/account/sessions", &[("end", "this")])
        .await;
    ask(&bot, &other, MINA).await;
    assert!(bot.codes().is_empty());
}

/// Five a minute in one network, for any addresses and browsers, and the sixth is told to wait; another network is not held
/// up.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_may_ask_five_times_a_minute() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    // One after the other, because each browser of a test has pages of its own.
    let browser = bot.browser();
    let ask = async |address: &str, email: &str| {
        browser.cookies.lock().unwrap().clear();
        ask(&bot, browser.at(address), email).await
    };
    for (host, email) in (1..=5).zip([NOBODY, "a@x.example", "b@x.example", KIM, JO]) {
        let page = ask(&format!("192.0.2.{host}"), email).await;
        assert_eq!(page.to(), "/verify", "{email}");
    }
    for email in [MINA, NOBODY] {
        let page = ask("192.0.2.77", email).await;
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{email}");
        let told = "Too many codes were asked for. Nothing was changed.";
        assert!(page.text.contains(told), "{}", page.text);
    }
    assert!(bot.codes().is_empty());
    assert_eq!(bot.count("code_sign_in").await, 5);
    assert_eq!(ask("198.51.100.1", MINA).await.to(), "/verify");
    assert_eq!(bot.codes().len(), 1);
    bot.clock.advance(Span::minutes(1));
    assert_eq!(ask("192.0.2.77", NOBODY).await.to(), "/verify");
}

/// A code belongs to the browser that asked for it, works once, and for ten minutes. A form that is sent again does
/// nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_belongs_to_one_browser_and_works_once() {
    let bot = TestBot::with_code_sign_in().await;
    bot.leaves(Left::Messages, "what the contacts are told");
    bot.set_password(MINA, OWN).await;
    bot.set_password(KIM, OWN).await;
    let (browser, thief) = (bot.browser(), bot.browser());
    ask(&bot, &browser, MINA).await;
    let (sent, _) = code(&bot);
    ask(&bot, &thief, KIM).await;
    assert_ne!(
        type_code(&thief, &sent).await.to(),
        "/new-password",
        "of another member"
    );
    ask(&bot, thief.at("10.0.0.1"), MINA).await;
    assert_ne!(
        type_code(&thief, &sent).await.to(),
        "/new-password",
        "of another browser"
    );

    let csrf = browser.open("/verify").await.csrf();
    let before = browser.cookies.lock().unwrap().clone();
    let form = [("csrf", csrf.as_str()), ("code", sent.as_str())];
    assert_eq!(browser.post("/verify", &form).await.to(), "/new-password");
    let replayed = bot.browser();
    *replayed.cookies.lock().unwrap() = before;
    assert_eq!(replayed.post("/verify", &form).await.to(), "/signin");

    bot.clock.advance(Span::hours(1));
    let late = bot.browser();
    ask(&bot, &late, MINA).await;
    let (sent, _) = bot.codes().pop().unwrap();
    bot.clock.advance(Span::minutes(10));
    let page = type_code(&late, &sent).await;
    assert!(
        page.text.contains("No code works here any more."),
        "{}",
        page.text
    );
}

/// Guessing ends at twenty wrong codes from strangers, of which the security address is told once. Nobody is locked out by it:
/// the password and a known browser still work. A sign-in gives strangers no new tries before a week is over.
#[tokio::test(flavor = "multi_thread")]
async fn guessed_codes_lock_nobody_out() {
    let bot = TestBot::with_code_sign_in().await;
    bot.leaves(Left::Messages, "codes that nobody typed");
    let known = bot.signed_in(MINA).await;
    known
        .submit("/account", "/account/sessions", &[("end", "this")])
        .await;
    let mut alarms = Vec::new();
    for _ in 0..4 {
        let stranger = bot.browser();
        ask(&bot, &stranger, MINA).await;
        let (sent, _) = code(&bot);
        for _ in 0..5 {
            type_code(&stranger, another(&sent)).await;
        }
        bot.settle().await;
        let told = bot.outbox.take().into_iter();
        alarms.extend(told.filter(|sent| sent.to == "security@acme.example"));
        bot.clock.advance(Span::hours(1));
    }
    assert_eq!(alarms.len(), 1, "{}", alarms.len());
    assert!(
        alarms[0].text.contains("Mina Park") && alarms[0].text.contains("20 wrong codes"),
        "{}",
        alarms[0].text
    );
    ask(&bot, &bot.browser(), MINA).await;
    assert!(bot.codes().is_empty());
    ask(&bot, &known, MINA).await;
    assert_eq!(bot.codes().len(), 1);
    for is_over in [false, true] {
        assert_eq!(bot.browser().sign_in(MINA, OWN).await.to(), "/account");
        bot.clock.advance(Span::hours(1));
        ask(&bot, &bot.browser(), MINA).await;
        assert_eq!(bot.codes().len(), usize::from(is_over));
        bot.clock.advance(Span::hours(7 * 24));
    }
}

/// A code that the gateway refused opens nothing, and the page is the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_code_shows_on_no_page() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    let browser = bot.browser();
    assert_eq!(ask(&bot, &browser, MINA).await.to(), "/verify");
    assert_eq!(bot.audited("code_sign_in").await, "sent not_sent");
    let page = type_code(&browser, "000000").await;
    assert!(
        page.text.contains("Wrong code. 4 tries left."),
        "{}",
        page.text
    );
    assert!(bot.outbox.take().is_empty());
}

/// The link in the message closes the account, and the session that the code has opened ends.
#[tokio::test(flavor = "multi_thread")]
async fn this_was_not_me_ends_what_a_code_has_opened() {
    let bot = TestBot::with_code_sign_in().await;
    let known = bot.signed_in(MINA).await;
    let thief = bot.browser();
    ask(&bot, &thief, MINA).await;
    let (sent, _) = code(&bot);
    assert_eq!(type_code(&thief, &sent).await.to(), "/new-password");
    bot.settle().await;
    let link = super::not_me_link(&bot);
    let csrf = thief.open("/new-password").await.csrf();
    let mail = bot.browser();
    let page = mail.open(&link).await;
    assert!(
        page.text.contains("to sign in to your account (Mina Park)"),
        "{}",
        page.text
    );
    mail.press(&link).await;
    let fields = [("csrf", csrf.as_str()), ("password", NEXT)];
    assert_eq!(thief.post("/new-password", &fields).await.to(), "/signin");
    assert_eq!(known.open("/account").await.to(), "/signin");
    assert!(!bot.signs_in(MINA, NEXT).await);
    // Neither a code nor the password opens it now, and no browser is known.
    bot.clock.advance(Span::hours(1));
    ask(&bot, &known, MINA).await;
    assert_eq!(
        known.sign_in(MINA, OWN).await.status,
        StatusCode::UNAUTHORIZED
    );
    bot.settle().await;
    let mut to: Vec<String> = bot.outbox.take().into_iter().map(|sent| sent.to).collect();
    to.sort_unstable();
    assert_eq!(to, ["jo@acme.example", "security@acme.example"]);
    assert_eq!(bot.count("device").await, 0);
}

/// What a crash left untold is told by the sweep, and what a server could not take for the moment is told again.
#[tokio::test(flavor = "multi_thread")]
async fn the_contacts_are_told_even_after_a_crash() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    let browser = bot.browser();
    ask(&bot, &browser, MINA).await;
    let (sent, _) = code(&bot);
    bot.outbox
        .end_next_send(Outcome::Refused(Refusal::Unreachable));
    type_code(&browser, &sent).await;
    bot.settle().await;
    let told = |bot: &TestBot| -> Vec<String> {
        bot.outbox.take().into_iter().map(|sent| sent.to).collect()
    };
    assert_eq!(told(&bot), ["mina@mail.example", MINA]);
    let sweep = async || {
        relatch::surface::flow::sweep::tell_of_codes(&bot.app)
            .await
            .unwrap();
    };
    sweep().await;
    assert!(told(&bot).is_empty(), "not at once");
    bot.clock.advance(Span::minutes(15));
    sweep().await;
    assert_eq!(told(&bot), ["+821012345642"], "the others have it");
    sweep().await;
    assert!(told(&bot).is_empty());
    // As if the process had died before anybody was told.
    bot.sql("update code_use set tell_at = 1, told = ''").await;
    sweep().await;
    assert_eq!(
        told(&bot),
        ["mina@mail.example", MINA],
        "the gateway knows the SMS"
    );
}

/// A code of a browser with an open session, and of one whose session has just ended, follow the same rules.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_s_new_contact_gets_no_code() {
    let bot = TestBot::with_code_sign_in().await;
    bot.leaves(Left::Messages, "what is told of the contact");
    bot.set_password(NOA, OWN).await;
    let noa = format!("<@{}>", user_id(NOA));
    bot.command(KIM, &format!("contact {noa} +82 10 1234 5699"))
        .await;
    bot.settle().await;
    bot.clock.advance(Span::hours(100));
    bot.sql("update contact set answered_at = added_at").await;
    bot.outbox.take();
    ask(&bot, &bot.browser(), NOA).await;
    assert!(bot.codes().is_empty());
    assert_eq!(bot.audited("code_sign_in").await, "no_contact");
}

/// Many requests at once are not more than a few one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_five_requests() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    let browser = std::sync::Arc::new(bot.browser());
    let csrf = browser.at("192.0.2.1").open("/signin").await.csrf();
    let requests: Vec<_> = (0..40)
        .map(|_| {
            let (browser, csrf) = (std::sync::Arc::clone(&browser), csrf.clone());
            bot.app.tasks.spawn(async move {
                let fields = [("csrf", csrf.as_str()), ("email", MINA), ("with", "code")];
                browser.post("/signin", &fields).await.status
            })
        })
        .collect();
    let mut begun = 0;
    for request in requests {
        begun += usize::from(request.await.unwrap() == StatusCode::SEE_OTHER);
    }
    bot.settle().await;
    assert_eq!((begun, bot.codes().len()), (5, 1));
    assert_eq!(bot.count("code_sign_in").await, 5);
}

/// Two windows that a code has opened: once one has set the password, the other can do nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_two_windows_sets_the_password() {
    let bot = TestBot::with_code_sign_in().await;
    bot.leaves(Left::Messages, "what the contacts are told");
    let known = bot.signed_in(MINA).await;
    known
        .submit("/account", "/account/sessions", &[("end", "this")])
        .await;
    let stranger = bot.browser();
    for browser in [&known, &stranger] {
        ask(&bot, browser, MINA).await;
        let (sent, _) = code(&bot);
        assert_eq!(type_code(browser, &sent).await.to(), "/new-password");
        bot.settle().await;
        bot.clock.advance(Span::minutes(1));
    }
    let csrf = stranger.open("/new-password").await.csrf();
    let page = known
        .submit("/new-password", "/new-password", &[("password", NEXT)])
        .await;
    assert_eq!(page.to(), "/account");
    let fields = [
        ("csrf", csrf.as_str()),
        ("password", "another long password"),
    ];
    assert_eq!(
        stranger.post("/new-password", &fields).await.to(),
        "/signin"
    );
    assert!(bot.signs_in(MINA, NEXT).await);
}

/// Who is removed, or gets another person in their place, takes codes and links along.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_takes_codes_and_links_along() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    let browser = bot.browser();
    ask(&bot, &browser, MINA).await;
    let (sent, _) = code(&bot);
    assert_eq!(type_code(&browser, &sent).await.to(), "/new-password");
    bot.settle().await;
    let link = super::not_me_link(&bot);
    bot.clock.advance(Span::hours(1));
    let waiting = bot.browser();
    ask(&bot, &waiting, MINA).await;
    let (sent, _) = code(&bot);
    let ran = bot.relatch(&["members", "remove", MINA]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        bot.count("code_sign_in where member_id is not null").await,
        0
    );
    assert_eq!(bot.count("code_use").await, 0);
    assert_eq!(browser.open("/new-password").await.to(), "/signin");
    assert_eq!(waiting.open("/verify").await.to(), "/signin");
    let csrf = waiting.open("/signin").await.csrf();
    let page = waiting
        .post("/verify", &[("csrf", &csrf), ("code", &sent)])
        .await;
    assert_eq!(page.to(), "/signin");
    assert_eq!(
        bot.browser().open(&link).await.status,
        StatusCode::NOT_FOUND
    );
}
