//! One-time links instead of passwords, and the profile "strict" that allows nothing else.

use std::time::Duration;

use axum::http::StatusCode;
use relatch::surface::domain::delivery::{Carries, Outcome, Refusal, Ways};
use relatch::surface::domain::{Moment, Span};
use relatch::surface::secret::Link;

use crate::support::slack::{button_value, text_of};
use crate::support::{Left, OWN, TestBot};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

const STRICT: Ways = Ways {
    is_strict: true,
    carries: Carries::Link,
};
const LINKS: Ways = Ways {
    is_strict: false,
    carries: Carries::Link,
};

/// A reset whose link went by SMS, and a moment later: the path of the link.
async fn linked(bot: &TestBot) -> String {
    let ended = bot.reset(JO, MINA, "deliver_phone").await;
    assert!(
        text_of(&ended).contains("The link works once"),
        "{}",
        text_of(&ended)
    );
    bot.clock.advance(Span::seconds(1));
    let sent = bot
        .outbox
        .take()
        .into_iter()
        .find(|sent| sent.text.contains("/claim/"))
        .expect("a link");
    assert!(
        sent.to == "+821012345642" && sent.text.len() <= 160,
        "{}",
        sent.text
    );
    let path = sent.text.split("http://127.0.0.1").nth(1).unwrap();
    path.split_whitespace().next().unwrap().to_owned()
}

/// Q4, S39, S40: previews open links, so opening changes nothing; the button works once, and the code comes before
/// anything else.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_opened_by_previews_and_used_once() {
    let bot = TestBot::with_ways(STRICT).await;
    bot.set_password(MINA, "an older password").await;
    let link = linked(&bot).await;
    assert!(
        bot.command(JO, "log")
            .await
            .text()
            .contains("link not used")
    );
    for _ in 0..5 {
        let page = bot.browser().open(&link).await;
        assert!(
            page.status == StatusCode::OK && page.text.contains("Send me the code"),
            "{}",
            page.text
        );
        assert!(!page.text.contains("Mina") && page.headers["cache-control"] == "no-store");
    }
    assert!(bot.outbox.take().is_empty(), "a preview asked for a code");
    assert_eq!(
        bot.browser().post(&link, &[]).await.status,
        StatusCode::FORBIDDEN,
        "a form of our own is needed"
    );

    let browser = bot.browser();
    assert_eq!(browser.submit(&link, &link, &[]).await.to(), "/verify");
    for path in ["/account", "/new-password", "/contacts"] {
        assert_eq!(browser.open(path).await.to(), "/verify", "{path}");
    }
    // The member's own browser is led on, from the link and from its button.
    assert_eq!(browser.open(&link).await.to(), "/verify");
    assert_eq!(browser.submit("/verify", &link, &[]).await.to(), "/verify");
    let other = bot.browser();
    assert_eq!(
        other.submit("/signin", &link, &[]).await.status,
        StatusCode::GONE
    );
    assert_eq!(other.open(&link).await.status, StatusCode::GONE);
    assert_eq!(other.open("/verify").await.to(), "/signin");

    let (code, _) = bot.codes().pop().expect("a code");
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
    bot.settle().await;
    assert!(
        bot.slack
            .last_text()
            .contains("Mina Park signed in and set a new password"),
        "{}",
        bot.slack.last_text()
    );
    assert!(bot.command(JO, "log").await.text().contains("link used"));
    assert_eq!(
        bot.browser()
            .sign_in(MINA, "an older password")
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(bot.browser().sign_in(MINA, OWN).await.to(), "/account");
}

/// Two browsers at once: one session.
#[tokio::test(flavor = "multi_thread")]
async fn two_presses_at_once_use_a_link_once() {
    let bot = TestBot::with_ways(LINKS).await;
    bot.leaves(Left::Messages, "the code that was sent");
    let link = linked(&bot).await;
    let (one, other) = (bot.browser(), bot.browser());
    let pages = tokio::join!(
        one.submit("/signin", &link, &[]),
        other.submit("/signin", &link, &[])
    );
    let mut ends = [pages.0.status, pages.1.status];
    ends.sort();
    assert_eq!(ends, [StatusCode::SEE_OTHER, StatusCode::GONE]);
}

/// A link gave no password to sign in with, so whoever is too slow needs another one.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_too_slow_after_a_link_is_told_to_ask_for_a_new_one() {
    let bot = TestBot::with_ways(STRICT).await;
    let link = linked(&bot).await;
    let browser = bot.browser();
    assert_eq!(browser.submit(&link, &link, &[]).await.to(), "/verify");
    bot.outbox.take();
    bot.clock.advance(Span::minutes(30));
    assert_eq!(browser.open("/verify").await.to(), "/signin");
    let page = browser.open("/signin").await.text;
    assert!(
        page.contains("That took more than 30 minutes. Ask an administrator for a new link."),
        "{page}"
    );
}

/// A gateway that takes its time must not keep the browser waiting: the session comes with the answer, and the link is
/// used.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_gateway_does_not_hold_up_the_session() {
    let bot = TestBot::with_ways(LINKS).await;
    let link = linked(&bot).await;
    bot.outbox
        .slow_down("mina@mail.example", Duration::from_secs(20));
    let browser = bot.browser();
    let csrf = browser.open(&link).await.csrf();
    let fields = [("csrf", csrf.as_str())];
    let pressed = browser.post(&link, &fields);
    let answer = tokio::time::timeout(Duration::from_secs(15), pressed).await;
    assert_eq!(answer.expect("an answer").to(), "/verify");
    let page = browser.open("/verify").await.text;
    assert!(
        page.contains("Look for a code of 6 digits at <strong>m···@mail.example"),
        "{page}"
    );
    bot.settle().await;
    assert_eq!(bot.codes().len(), 1);
}

/// Where no code may be sent now the link stays unused.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_not_used_up_while_no_code_may_be_sent() {
    let bot = TestBot::with_ways(LINKS).await;
    let link = linked(&bot).await;
    let now = bot.clock.now().0;
    let sent = vec![now.to_string(); 6].join(",");
    bot.sql(&format!("update member set codes_sent = '{sent}'"))
        .await;
    bot.clock.advance(Span::minutes(1));
    let browser = bot.browser();
    let page = browser.press(&link).await;
    assert!(
        page.status == StatusCode::TOO_MANY_REQUESTS
            && page.text.contains("Nothing was changed.")
            && page.text.contains("Send me the code"),
        "{}",
        page.text
    );
    bot.clock.advance(Span::hours(1));
    assert_eq!(browser.press(&link).await.to(), "/verify");
    assert_eq!(bot.codes().len(), 1);
}

/// Where the link was used, a person who began in another browser is sent there; whoever is done is led to the account.
#[tokio::test(flavor = "multi_thread")]
async fn a_used_link_says_where_to_go_on() {
    let bot = TestBot::with_ways(LINKS).await;
    let link = linked(&bot).await;
    let (browser, other) = (bot.browser(), bot.browser());
    assert_eq!(browser.press(&link).await.to(), "/verify");
    let told = "If you began in another browser or app, go on there until 10:30.";
    let page = other.open(&link).await.text;
    assert!(page.contains(told), "{page}");
    let (code, _) = bot.codes().pop().expect("a code");
    browser
        .submit("/verify", "/verify", &[("code", &code)])
        .await;
    browser
        .submit("/new-password", "/new-password", &[("password", OWN)])
        .await;
    bot.settle().await;
    assert_eq!(browser.open(&link).await.to(), "/account");
    bot.clock.advance(Span::minutes(31));
    let page = other.open(&link).await.text;
    assert!(!page.contains("Go on there"), "{page}");
}

/// A link dies with its life, with the next reset, with "this wasn't me", and with a password of the member's own.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_dies_with_its_reset() {
    for (why, is_opened) in [
        ("life", false),
        ("newer", true),
        ("closed", false),
        ("own", false),
    ] {
        let bot = TestBot::with_ways(LINKS).await;
        bot.leaves(Left::Messages, "the link of the second reset");
        let link = linked(&bot).await;
        match why {
            "life" => bot.clock.advance(Span::hours(24)),
            "newer" => {
                bot.reset(KIM, MINA, "deliver_email").await;
            }
            "closed" => bot.alter(MINA, "status", "suspended").await,
            _ => bot.set_password(MINA, OWN).await,
        }
        let browser = bot.browser();
        let opened = browser.open(&link).await.status;
        assert_eq!(
            opened,
            if is_opened {
                StatusCode::OK
            } else {
                StatusCode::GONE
            },
            "{why}"
        );
        let pressed = browser.submit("/signin", &link, &[]).await;
        assert!(
            pressed.status == StatusCode::GONE && pressed.text.contains("Nothing was changed."),
            "{why}"
        );
        assert_eq!(browser.open("/verify").await.to(), "/signin", "{why}");
    }
}

/// A link that the gateway refused opens nothing, whoever has it all the same.
#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_an_undelivered_reset_is_dead() {
    let bot = TestBot::with_ways(LINKS).await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.reset(JO, MINA, "deliver_phone").await;
    bot.outbox.take();
    let id = bot.only_offer().await;
    let link = format!("/claim/{}", bot.app.keys.link_token(Link::Claim, id));
    let browser = bot.browser();
    let pressed = browser.submit("/signin", &link, &[]).await;
    assert_eq!(pressed.status, StatusCode::GONE, "{}", pressed.text);
    assert!(bot.codes().is_empty());
}

/// A link is bound to its reset and its purpose; nobody makes one, and a reset that sent a password has none.
#[tokio::test(flavor = "multi_thread")]
async fn links_are_not_made_by_others() {
    let bot = TestBot::with_ways(LINKS).await;
    let link = linked(&bot).await;
    let token = link.strip_prefix("/claim/").unwrap();
    for wrong in [
        format!("/claim/_{}", &token[1..]),
        format!("{link}A"),
        "/claim/x".to_owned(),
    ] {
        let page = bot.browser().open(&wrong).await;
        assert_eq!(page.status, StatusCode::GONE, "{wrong}");
    }
    assert_eq!(
        bot.browser().open(&format!("/not-me/{token}")).await.status,
        StatusCode::NOT_FOUND
    );
}

/// What is kept on disk neither holds the link nor a password that it could reveal.
#[tokio::test(flavor = "multi_thread")]
async fn the_record_reveals_no_link() {
    let bot = TestBot::with_ways(LINKS).await;
    let link = linked(&bot).await;
    let token = link.strip_prefix("/claim/").unwrap().as_bytes().to_vec();
    let bytes = bot.bytes_on_disk();
    assert!(!bytes.windows(token.len()).any(|window| window == token));
}

/// Profile "strict": neither the card nor a button that somebody makes up shows, copies or redirects a password.
#[tokio::test(flavor = "multi_thread")]
async fn strict_shows_copies_and_redirects_nothing() {
    let bot = TestBot::with_ways(STRICT).await;
    let card = bot.card(JO, MINA).await;
    for action in ["deliver_copy", "deliver_other"] {
        assert_eq!(button_value(&card, action), None, "{action}");
    }
    let value = button_value(&card, "deliver_phone").unwrap();
    for action in [
        "deliver_copy",
        "deliver_other",
        "copy_to_self",
        "copy_to_self_change",
        "also_show",
        "reachable",
    ] {
        bot.click_value(JO, action, &value).await;
        let told = bot.slack.last_text();
        assert!(
            told.contains("not shown, copied or sent to typed addresses")
                && told.contains("Nothing was changed.")
        );
    }
    bot.click(JO, &card, "deliver_phone").await;
    let ready = bot.slack.last();
    let told = text_of(&ready);
    assert!(
        told.contains("Goes to: SMS +82 ··· ··42 (on record), as a one-time link"),
        "{told}"
    );
    for action in ["copy_to_self", "copy_to_self_change", "also_show"] {
        assert_eq!(button_value(&ready, action), None, "{action}");
    }
    let bare = bot.card(JO, NOA).await;
    assert!(
        text_of(&bare).contains("A one-time link needs one"),
        "{}",
        text_of(&bare)
    );
    assert_eq!(button_value(&bare, "reachable"), None);
    bot.outbox.take();
}

/// The settings became strict while a card was open: what was chosen on it before is refused before anything happens.
#[tokio::test(flavor = "multi_thread")]
async fn a_choice_from_before_strict_is_refused() {
    let bot = TestBot::with_ways(Ways::default()).await;
    let ready = bot.last_look(JO, MINA, "deliver_copy").await;
    let value = button_value(&ready, "confirm").unwrap();
    let bot = bot.restart_with(STRICT).await;
    bot.click_value(JO, "confirm", &value).await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("not shown, copied or sent") && told.contains("Nothing was changed."),
        "{told}"
    );
    assert_eq!(bot.count("slot where returned_at is null").await, 0);
}

/// Without pages of ours a password goes out as before, and a link that was chosen while there were pages is refused.
#[tokio::test(flavor = "multi_thread")]
async fn without_our_pages_no_link_goes_out() {
    let bot = TestBot::with_public_url("").await;
    bot.leaves(Left::Messages, "the notice of the reset");
    bot.reset(JO, MINA, "deliver_phone").await;
    let told = bot.slack.last_text();
    assert!(told.contains("Done: "), "{told}");
    bot.clock.advance(Span::seconds(1));
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.execute("update reset set carries = 'link' where state = 'offered'")
        .await;
    bot.click(JO, &ready, "confirm").await;
    let told = bot.slack.last_text();
    assert!(told.contains("Nothing was changed."), "{told}");
    assert_eq!(bot.count("slot where returned_at is null").await, 1);
}

/// Links without the profile: Copy is still there, and beside a link nothing is shown or copied, even where it was
/// switched on before.
#[tokio::test(flavor = "multi_thread")]
async fn beside_a_link_nothing_is_copied() {
    let bot = TestBot::with_ways(LINKS).await;
    let ready = bot.last_look(JO, MINA, "deliver_copy").await;
    bot.click(JO, &ready, "copy_to_self").await;
    bot.click(JO, &bot.slack.last(), "back").await;
    bot.click(JO, &bot.slack.last(), "deliver_email").await;
    let ready = bot.slack.last();
    let value = button_value(&ready, "back").unwrap();
    bot.click_value(JO, "also_show", &value).await;
    assert!(
        bot.slack
            .last_text()
            .contains("there is no password to show or copy"),
        "{}",
        bot.slack.last_text()
    );
    bot.click(JO, &ready, "confirm").await;
    assert!(
        bot.slack.last_text().contains("The link works once"),
        "{}",
        bot.slack.last_text()
    );
    let sent = bot.outbox.take();
    assert!(
        sent.iter().all(|sent| !sent.to.contains("jo@")),
        "a copy went out"
    );
    assert!(
        sent.iter()
            .any(|sent| sent.to == "mina@mail.example" && sent.text.contains("/claim/"))
    );
}

/// A link keeps its promise to the millisecond.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_lives_as_long_as_its_password() {
    let bot = TestBot::with_ways(LINKS).await;
    let link = linked(&bot).await;
    let changed_at: Moment = bot.clock.now() - Span::seconds(1);
    bot.clock
        .advance(changed_at + Span::hours(24) - Span(1) - bot.clock.now());
    assert_eq!(bot.browser().open(&link).await.status, StatusCode::OK);
    bot.clock.advance(Span(1));
    assert_eq!(bot.browser().open(&link).await.status, StatusCode::GONE);
}

/// Closing the tab does not cost another reset: in the browser that used it the link leads on, as long as the session
/// lives. Every other browser is refused, whoever is signed in there.
#[tokio::test(flavor = "multi_thread")]
async fn a_used_link_leads_on_in_its_own_browser_alone() {
    let bot = TestBot::with_ways(LINKS).await;
    let stranger = bot.signed_in(NOA).await;
    let link = linked(&bot).await;
    let browser = bot.browser();
    let begun = browser.submit(&link, &link, &[]).await;
    assert_eq!(begun.to(), "/verify");
    let cookie = begun.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.contains("; Max-Age=43200"),
        "it outlives a closed browser: {cookie}"
    );
    assert_eq!(browser.open(&link).await.to(), "/verify");
    let pressed = bot.browser().submit("/signin", &link, &[]).await;
    assert_eq!(pressed.status, StatusCode::GONE, "{}", pressed.text);
    for other in [&stranger, &bot.browser()] {
        let page = other.open(&link).await;
        assert!(
            page.status == StatusCode::GONE && page.text.contains("This link was used"),
            "{}",
            page.text
        );
    }

    let (code, _) = bot.codes().pop().expect("a code");
    let fields = [("code", code.as_str())];
    let proven = browser.submit("/verify", "/verify", &fields).await;
    assert_eq!(proven.to(), "/new-password");
    let cookie = proven.headers["set-cookie"].to_str().unwrap();
    assert!(
        !cookie.contains("Max-Age"),
        "what sets a password ends with the browser: {cookie}"
    );
    assert_eq!(browser.open(&link).await.to(), "/new-password");
    bot.clock.advance(Span::minutes(31));
    assert_eq!(browser.open(&link).await.status, StatusCode::GONE);
}
