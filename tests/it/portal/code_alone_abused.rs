//! What whoever has a member's phone, or many networks, gets from signing in by a code alone, and what is done about it.

use axum::http::StatusCode;
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::{MemberId, Span};

use super::code_sign_in::{NEXT, NOBODY, another, ask, said, type_code};
use super::{JO, MINA, NOA, code};
use crate::support::browser::Browser;
use crate::support::slack::user_id;
use crate::support::{Left, OWN, TestBot};

/// Whatever an operator can mend is tried again, for a day; what is refused for good is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_can_be_mended_keeps_nobody_in_the_dark() {
    for (why, is_told_again) in [
        (Refusal::Later, true),
        (Refusal::Unreachable, true),
        (Refusal::Tls, true),
        (Refusal::Credentials, true),
        (Refusal::SetUp, true),
        (Refusal::Address, false),
        (Refusal::OptedOut, false),
    ] {
        let bot = TestBot::with_code_sign_in().await;
        bot.set_password(MINA, OWN).await;
        let browser = bot.browser();
        ask(&bot, &browser, MINA).await;
        let (sent, _) = code(&bot);
        bot.outbox.end_next_send(Outcome::Refused(why.clone()));
        type_code(&browser, &sent).await;
        bot.settle().await;
        assert_eq!(bot.outbox.take().len(), 2, "{why:?}");
        for hours in [1, 3, 13, 30] {
            bot.clock.advance(Span::hours(hours));
            if is_told_again && hours < 30 {
                bot.outbox.end_next_send(Outcome::Refused(why.clone()));
            }
            relatch::surface::flow::sweep::tell_of_codes(&bot.app)
                .await
                .unwrap();
            let told: Vec<String> = bot.outbox.take().into_iter().map(|sent| sent.to).collect();
            let expected: &[&str] = if is_told_again && hours == 30 {
                &["+821012345642"]
            } else {
                &[]
            };
            assert_eq!(told, expected, "{why:?} {hours}");
        }
    }
}

/// Signs in by a code alone, sets a password and adds a contact, as whoever has the member's phone would.
async fn take_over(bot: &TestBot, thief: &Browser, own: &str) -> String {
    ask(bot, thief, MINA).await;
    let (sent, _) = code(bot);
    assert_eq!(type_code(thief, &sent).await.to(), "/new-password");
    let fields = [("password", NEXT)];
    let page = thief
        .submit("/new-password", "/new-password", &fields)
        .await;
    assert_eq!(page.to(), "/account", "{}", page.text);
    bot.settle().await;
    let link = super::not_me_link(bot);
    bot.clock.advance(Span::minutes(1));
    let wanted = [("value", own), ("password", NEXT)];
    thief.submit("/contacts", "/contacts", &wanted).await;
    let (sent, to) = code(bot);
    assert_eq!(to, own);
    let wanted = [("value", own), ("code", sent.as_str())];
    let page = thief.submit("/contacts", "/contacts", &wanted).await;
    assert_eq!(page.to(), "/contacts", "{}", page.text);
    bot.settle().await;
    bot.outbox.take();
    link
}

/// Runs `relatch members` with one word and the member, as the operator.
fn operator(bot: &TestBot, words: &[&str]) {
    let ran = bot.relatch(&[&["members"], words].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
}

/// One stolen contact is not made two: what is added in a session that a code alone opened waits like any other, and "this
/// wasn't me" takes it back.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_alone_vouches_for_no_further_contact() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    let thief = bot.browser();
    let link = take_over(&bot, &thief, "eve@mail.example").await;
    assert_eq!(bot.count("contact where added_as = 'proven'").await, 0);
    bot.clock.advance(Span::hours(100));
    bot.sql(
        "update member set phone = null, personal_email = null where member_id = 'id-mina.park'",
    )
    .await;
    ask(&bot, &bot.browser(), MINA).await;
    assert!(bot.codes().is_empty(), "it never gets a code alone");

    let mail = bot.browser();
    let page = mail.press(&link).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    bot.settle().await;
    bot.outbox.take();
    assert_eq!(bot.count("contact").await, 0);
    assert_eq!(
        bot.count("audit where event = 'contact' and outcome = 'removed_by_not_me'")
            .await,
        1
    );
}

/// Nor by the way round: where wrong passwords have locked the account, a code opens it beside the password that the thief
/// set by a code alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_by_a_code_alone_vouches_for_no_further_contact() {
    let bot = TestBot::with_code_sign_in().await;
    bot.leaves(Left::Messages, "what the contacts are told");
    bot.set_password(MINA, OWN).await;
    let thief = bot.browser();
    take_over(&bot, &thief, "eve@mail.example").await;
    bot.sql("update member set locked_at = credential_set_at, locked_by = 'passwords' where member_id = 'id-mina.park'")
        .await;
    bot.clock.advance(Span::hours(1));
    let again = bot.browser();
    assert_eq!(again.sign_in(MINA, NEXT).await.to(), "/verify");
    let (sent, _) = code(&bot);
    let page = again.submit("/verify", "/verify", &[("code", &sent)]).await;
    assert_eq!(page.to(), "/account", "{}", page.text);
    bot.clock.advance(Span::minutes(1));
    let own = "eve2@mail.example";
    let wanted = [("value", own), ("password", NEXT)];
    again.submit("/contacts", "/contacts", &wanted).await;
    let (sent, to) = code(&bot);
    assert_eq!(to, own);
    let wanted = [("value", own), ("code", sent.as_str())];
    let page = again.submit("/contacts", "/contacts", &wanted).await;
    assert_eq!(page.to(), "/contacts", "{}", page.text);
    assert_eq!(bot.count("contact where added_as = 'proven'").await, 0);
    assert_eq!(bot.count("contact").await, 2);
}

/// What counts already is not made younger, or less, by whoever types it again in a session of a code alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_typed_again_counts_as_before() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    let own = "mina2@mail.example";
    bot.sql(
        "insert into contact (member_id, channel, address, added_by, added_at, added_as, added_by_name, answered_at)
        values ('id-mina.park', 'email', 'mina2@mail.example', 'id-mina.park', 7, 'proven', 'Mina Park', 7)",
    )
    .await;
    take_over(&bot, &bot.browser(), own).await;
    let as_before = "contact where added_as = 'proven' and added_at = 7";
    assert_eq!(bot.count(as_before).await, 1);
}

/// A contact whose code the member did not use gets none alone any more, also after the next reset or password, until
/// whoever runs relatch names it, or it changes. The member's other contact does.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_whose_code_was_disowned_gets_no_code_alone() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    let thief = bot.browser();
    ask(&bot, &thief, MINA).await;
    let (sent, to) = code(&bot);
    assert_eq!(to, "+821012345642");
    type_code(&thief, &sent).await;
    bot.settle().await;
    let link = super::not_me_link(&bot);
    let mail = bot.browser();
    mail.press(&link).await;
    bot.settle().await;
    bot.outbox.take();
    bot.set_password(MINA, OWN).await;
    let asked = async || {
        bot.clock.advance(Span::hours(1));
        ask(&bot, &bot.browser(), MINA).await;
        bot.codes()
            .into_iter()
            .map(|(_, to)| to)
            .collect::<Vec<_>>()
    };
    assert_eq!(asked().await, ["mina@mail.example"]);
    bot.sql("update member set personal_email = null where member_id = 'id-mina.park'")
        .await;
    assert_eq!(asked().await, [""; 0]);
    let window = bot.signed_in(MINA).await;
    let forgotten = [("forgotten", "1")];
    let page = window
        .submit("/account", "/account/password", &forgotten)
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);

    // An import that changes the phone, even if it changes it back, is the word of the directory.
    let now = bot.clock.now().0;
    bot.sql(&format!("update member set phone_since = {now}"))
        .await;
    assert_eq!(asked().await, [""; 0], "too young");
    bot.clock.advance(Span::hours(72));
    assert_eq!(asked().await, ["+821012345642"]);
    bot.sql("update member set phone_since = null").await;
    assert_eq!(asked().await, [""; 0]);

    bot.write_settings(
        "default_country = \"KR\"\n[sms]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\ntoken = \"a-token-of-16-bytes\"\n",
    );
    operator(&bot, &["contact", MINA, "+821012345642"]);
    // The command goes by the machine's clock.
    bot.sql(&format!("update contact set added_at = {now}"))
        .await;
    assert_eq!(asked().await, ["+821012345642"]);
    bot.outbox.take();
}

/// After another key nobody can tell which contact it was, so none gets a code alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_nobody_can_name_any_more_is_every_contact() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    bot.sql(
        "insert into code_use (use_id, member_id, used_at, kind, told, to_digest, to_key, disowned_at)
        values ('00000000000000000000000000000001', 'id-mina.park', 1, 'sign_in', '', 'x', 'another key', 2)",
    )
    .await;
    ask(&bot, &bot.browser(), MINA).await;
    assert!(bot.codes().is_empty());
}

/// One "this wasn't me" is about every code before it: an older link undoes no repair of the operator.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_link_undoes_no_repair() {
    let bot = TestBot::with_code_sign_in().await;
    bot.leaves(Left::Messages, "the alarms");
    bot.set_password(MINA, OWN).await;
    let mut links = Vec::new();
    for _ in 0..2 {
        let thief = bot.browser();
        ask(&bot, &thief, MINA).await;
        let (sent, _) = code(&bot);
        type_code(&thief, &sent).await;
        bot.settle().await;
        links.push(super::not_me_link(&bot));
        bot.clock.advance(Span::hours(1));
    }
    let mail = bot.browser();
    let page = mail.press(&links[1]).await;
    assert!(page.text.contains(" is blocked<"), "{}", page.text);
    let disowned = "code_use where disowned_at is not null";
    assert_eq!(bot.count(disowned).await, 1, "only what was said");
    bot.clock.advance(Span::seconds(1));
    bot.set_password(MINA, NEXT).await;
    let page = mail.press(&links[0]).await;
    assert!(
        page.text
            .contains("The password that was set since then stays."),
        "{}",
        page.text
    );
    assert_eq!(bot.count(disowned).await, 2);
    for link in &links {
        let page = mail.press(link).await;
        assert_eq!(page.status, StatusCode::GONE, "{}", page.text);
    }
    bot.settle().await;
    assert!(bot.signs_in(MINA, NEXT).await);
}

/// What is said after a reset, or after an operator has set a password, is not thrown away: the thief's contact goes, and
/// everybody hears of it. The newer password stays.
#[tokio::test(flavor = "multi_thread")]
async fn not_me_after_a_newer_password_is_noted() {
    for is_reset in [true, false] {
        let bot = TestBot::with_code_sign_in().await;
        bot.leaves(Left::Messages, "the code of the sign-in");
        bot.set_password(MINA, OWN).await;
        let thief = bot.browser();
        let link = take_over(&bot, &thief, "eve@mail.example").await;
        bot.clock.advance(Span::minutes(5));
        let temporary = if is_reset {
            bot.reset_by_copy(JO, MINA).await
        } else {
            let id = MemberId("id-mina.park".to_owned());
            let phc = bot.app.store.credential(&id).await.unwrap().unwrap();
            bot.app.store.set_password(&id, phc).await.unwrap();
            NEXT.to_owned()
        };
        bot.clock.advance(Span::minutes(5));
        bot.settle().await;
        bot.outbox.take();
        let mail = bot.browser();
        let page = mail.open(&link).await;
        assert!(
            page.text.contains("A password was set since then."),
            "{}",
            page.text
        );
        let page = mail.press(&link).await;
        assert!(
            page.status == StatusCode::OK
                && page
                    .text
                    .contains("The password that was set since then stays."),
            "{}",
            page.text
        );
        bot.settle().await;
        let alarms = bot.outbox.take();
        assert!(
            alarms.len() == 2
                && alarms
                    .iter()
                    .all(|sent| sent.text.contains("their account was not closed.")),
            "{} alarms",
            alarms.len()
        );
        assert_eq!(bot.count("contact").await, 0, "{is_reset}");
        let shown = "audit where outcome = 'removed_by_not_me' and log_line = 'contact'";
        assert_eq!(bot.count(shown).await, 1, "{is_reset}");
        let disowned = "code_use where disowned_at is not null";
        assert_eq!(bot.count(disowned).await, 1, "{is_reset}");
        let log = format!("log <@{}>", user_id(MINA));
        let told = bot.command_with_news(JO, &log).await;
        assert!(
            told.contains("A password was set since then. Talk to them"),
            "{told}"
        );
        let page = mail.open(&link).await;
        assert_eq!(page.status, StatusCode::GONE, "{}", page.text);
        let page = bot.browser().sign_in(MINA, &temporary).await;
        let to = if is_reset { "/verify" } else { "/account" };
        assert_eq!(page.to(), to, "{}", page.text);
        bot.settle().await;
    }
}

/// Networks of one customer are one: IPv6 by 48 bits. Whoever fills the limit of all networks does not lock out a browser
/// that the account knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_networks_locks_no_known_browser_out() {
    let bot = TestBot::with_code_sign_in().await;
    let known = bot.signed_in(MINA).await;
    known
        .submit("/account", "/account/sessions", &[("end", "this")])
        .await;
    let other = bot.signed_in(NOA).await;
    other
        .submit("/account", "/account/sessions", &[("end", "this")])
        .await;
    bot.outbox.take();
    let flood = bot.browser();
    let csrf = flood.open("/signin").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("email", NOBODY), ("with", "code")];
    let mut begun = 0;
    for network in 0..6 {
        let from = format!("2001:db8:7:{network}00::1");
        let page = flood.at(&from).post("/signin", &fields).await;
        begun += usize::from(page.to() == "/verify");
    }
    assert_eq!(begun, 5);
    for network in 0..595 {
        let from = format!("2001:db8:{:x}::1", 1000 + network);
        let page = flood.at(&from).post("/signin", &fields).await;
        assert_eq!(page.to(), "/verify", "{network}: {}", page.text);
    }
    bot.settle().await;
    // The same pages, because each browser of a test has pages of its own.
    let ask_as = async |cookies: &Browser, address: &str| {
        let cookies = cookies.cookies.lock().unwrap().clone();
        *flood.cookies.lock().unwrap() = cookies;
        ask(&bot, flood.at(address), MINA).await
    };
    for (browser, address) in [(&other, "192.0.2.1"), (&bot.browser(), "198.51.100.1")] {
        let page = ask_as(browser, address).await;
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{address}");
    }
    assert_eq!(ask_as(&known, "203.0.113.1").await.to(), "/verify");
    assert_eq!(bot.codes().len(), 1);
}

/// A wrong code is answered before it is counted, so the answer takes as long where no code was sent: it comes even while
/// nothing can be counted.
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_wrong_code_waits_for_no_count() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    let mut pages = Vec::new();
    for email in [MINA, NOBODY] {
        let browser = bot.browser();
        ask(&bot, &browser, email).await;
        let sent = bot.codes();
        let wrong = sent.first().map_or("000000", |(code, _)| another(code));
        let csrf = browser.open("/verify").await.csrf();
        bot.sql(
            "create trigger no_count before update of wrong_sign_in_codes on member
            begin select raise(abort, 'no'); end",
        )
        .await;
        let fields = [("csrf", csrf.as_str()), ("code", wrong)];
        pages.push(said(&browser.post("/verify", &fields).await));
        bot.settle().await;
        bot.sql("drop trigger no_count").await;
        bot.clock.advance(Span::minutes(1));
    }
    assert!(pages[0].2.contains("Wrong code. 4 tries left."));
    assert_eq!(pages[0], pages[1]);
}

/// Strangers fill no audit: a refusal is noted once an hour for an account, and wrong codes too.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_write_one_line_an_hour() {
    let bot = TestBot::with_code_sign_in().await;
    bot.set_password(MINA, OWN).await;
    for host in 1..=4 {
        let stranger = bot.browser();
        ask(&bot, stranger.at(&format!("10.0.{host}.1")), MINA).await;
        if let Some((sent, _)) = bot.codes().pop() {
            for _ in 0..5 {
                type_code(&stranger, another(&sent)).await;
            }
            bot.settle().await;
        }
        bot.clock.advance(Span::minutes(1));
    }
    assert_eq!(bot.audited("code_sign_in").await, "sent wrong too_many");
    bot.clock.advance(Span::minutes(58));
    let stranger = bot.browser();
    ask(&bot, stranger.at("10.0.9.1"), MINA).await;
    let stranger = bot.browser();
    ask(&bot, stranger.at("10.0.10.1"), MINA).await;
    assert!(bot.codes().len() <= 1);
    let noted = bot.audited("code_sign_in").await;
    assert!(noted.split(' ').count() <= 5, "{noted}");
}

/// Whoever came by a code alone does not know the old password, and learns nothing about it: it is not compared.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_alone_tells_nothing_of_the_old_password() {
    let bot = TestBot::with_code_sign_in().await;
    bot.leaves(Left::Messages, "what the contacts are told");
    bot.set_password(MINA, OWN).await;
    let browser = bot.browser();
    ask(&bot, &browser, MINA).await;
    let (sent, _) = code(&bot);
    type_code(&browser, &sent).await;
    let fields = [("password", OWN)];
    let page = browser
        .submit("/new-password", "/new-password", &fields)
        .await;
    assert_eq!(page.to(), "/account", "{}", page.text);
}
