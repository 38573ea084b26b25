//! The link of a notice: this was not me.

use axum::http::StatusCode;
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::{Span, State};
use relatch::surface::secret::Link;
use relatch::surface::store::HistoryFilter;

use super::{JO, KIM, MINA};
use crate::support::slack::{button_value, text_of, user_id};
use crate::support::{Left, OWN, TestBot};

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
                && page.text.contains("Jo Lim reset your password (Mina Park)"),
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

    let page = browser.press(&link).await;
    assert!(
        page.status == StatusCode::OK && page.text.contains("The new password is blocked"),
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
            .contains("Mina Park says they did not ask for this")
            && bot
                .slack
                .last_text()
                .contains("the security team is being told"),
        "{}",
        bot.slack.last_text()
    );
    let sent = bot.outbox.take();
    assert_eq!(
        sent.iter().map(|sent| sent.to.as_str()).collect::<Vec<_>>(),
        [JO, "security@acme.example"],
        "Jo is a primary administrator"
    );
    browser.press(&link).await;
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
    let page = browser.press(&link).await;
    assert_eq!(page.status, StatusCode::GONE);
    assert_eq!(bot.browser().sign_in(MINA, &again).await.to(), "/verify");
}

/// The page asks, and its button says what it does. Opened again it says when that was done, as long as that is true.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_and_then_says_when_it_blocked() {
    for kind in ["reset", "code"] {
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "the alarms");
        let link = if kind == "reset" {
            bot.reset_by_copy(JO, MINA).await;
            not_me(&bot)
        } else {
            super::forgotten::set_by_a_code(&bot).await;
            not_me(&bot)
        };
        let (browser, other) = (bot.browser(), bot.browser());
        let csrf = other.open(&link).await.csrf();
        let page = browser.open(&link).await.text;
        let asked = if kind == "reset" {
            "<h1>Did you ask for a new password?</h1>"
        } else {
            "<h1>Did you ask for this code?</h1>"
        };
        for part in [
            asked,
            ">No, block it</button>",
            "<strong>Yes?</strong> Close this page.",
            if kind == "reset" {
                "Nothing is deleted."
            } else {
                "are taken off; nothing else is deleted."
            },
            if kind == "reset" {
                "href=\"/signin\""
            } else {
                ""
            },
        ] {
            assert!(page.contains(part), "{kind}, {part}: {page}");
        }
        let page = browser.press(&link).await.text;
        assert!(page.contains("Blocked at 10:0"), "{kind}: {page}");
        bot.clock.advance(Span::minutes(41));
        // A second window had the page open all the time.
        let late = other.post(&link, &[("csrf", &csrf)]).await;
        for again in [browser.open(&link).await, late] {
            assert!(
                again.text.contains("Already blocked at 10:0")
                    && !again.text.contains("<button")
                    && again
                        .text
                        .contains("Need a new password? Ask your IT team: <a href=\"https://help"),
                "{kind}: {}",
                again.text
            );
        }
        bot.clock.advance(Span::hours(24));
        let page = browser.open(&link).await.text;
        assert!(
            page.contains("Already blocked at 23 Nov 10:0"),
            "{kind}: {page}"
        );
        // An operator opens the account again.
        bot.set_password(MINA, OWN).await;
        let page = browser.open(&link).await;
        assert_eq!(page.status, StatusCode::GONE, "{kind}: {}", page.text);
    }
}

/// A lock by wrong passwords becomes the member's own, which no code and no known browser lifts.
#[tokio::test(flavor = "multi_thread")]
async fn this_was_not_me_closes_what_wrong_passwords_had_locked() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the alarm to the security address");
    let temporary = bot.reset_by_copy(JO, MINA).await;
    let link = not_me(&bot);
    bot.execute(
        "update member set locked_at = credential_set_at, locked_by = 'passwords'
        where member_id = 'id-mina.park'",
    )
    .await;
    assert_eq!(
        bot.browser().sign_in(MINA, &temporary).await.to(),
        "/verify",
        "a code opens it"
    );
    let browser = bot.browser();
    browser.press(&link).await;
    let page = bot.browser().sign_in(MINA, &temporary).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{}", page.text);
}

/// The link of an older reset closes nothing, also where nobody has used it before.
#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_an_older_reset_is_outdated() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices and the code that was sent");
    bot.reset_by_copy(JO, MINA).await;
    let link = not_me(&bot);
    let old = bot.browser();
    let csrf = old.open(&link).await.csrf();
    let temporary = bot.reset_by_copy(KIM, MINA).await;
    for page in [
        bot.browser().open(&link).await,
        old.post(&link, &[("csrf", &csrf)]).await,
    ] {
        assert_eq!(page.status, StatusCode::GONE, "{}", page.text);
    }
    assert_eq!(
        bot.browser().sign_in(MINA, &temporary).await.to(),
        "/verify"
    );
}

/// An operator who sets a password afterwards opens the account again, so the old link must not say that it is closed.
#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_not_me_is_outdated_after_an_operator_set_a_password() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices and the code that was sent");
    bot.reset_by_copy(JO, MINA).await;
    let link = not_me(&bot);
    let browser = bot.browser();
    browser.press(&link).await;
    let page = browser.press(&link).await;
    assert!(
        page.text.contains("The new password is blocked"),
        "{}",
        page.text
    );
    bot.clock.advance(Span::minutes(5));
    bot.set_password(MINA, OWN).await;

    let page = browser.press(&link).await;
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
    browser.press(&link).await;
    bot.settle().await;
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
    let page = browser.press(&link).await;
    assert!(
        page.text.contains("The new password is blocked"),
        "{}",
        page.text
    );
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
            .all(|sent| [JO, "security@acme.example"].contains(&sent.to.as_str()))
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
    browser.press(&link).await;
    bot.settle().await;
    bot.outbox.take();
    bot.click(JO, &waiting, "deliver_email").await;
    assert!(
        bot.slack
            .last_text()
            .contains("did not ask for your last reset"),
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
        .next_reset(relatch::surface::directory::NextReset::ChangeAndLoseTheAnswer);
    bot.reset(JO, MINA, "deliver_phone").await;
    let link = not_me(&bot);
    let browser = bot.browser();
    let page = browser.press(&link).await;
    assert!(
        page.text.contains("The new password is blocked"),
        "{}",
        page.text
    );
    let refused = bot.command(JO, MINA).await.text();
    assert!(
        refused.contains("did not ask for your last reset"),
        "{refused}"
    );
    assert!(
        bot.command("kim@acme.example", MINA)
            .await
            .text()
            .contains("'s password?")
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

/// The same where the member speaks up while the password is on its way: what nobody accepted then is not kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_disowned_on_its_way_is_not_kept() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the alarm to the security address");
    let ready = bot.last_look(JO, MINA, "deliver_copy").await;
    let confirm = button_value(&ready, "confirm").unwrap();
    bot.slack.answer_replies_with(Some(404));
    bot.slack
        .delay_acknowledgements(std::time::Duration::from_millis(1500));
    bot.click_and_go(JO, "confirm", &confirm).await;
    let row = loop {
        let past = bot.app.store.history(&HistoryFilter::default()).await;
        let row = past.unwrap().remove(0).reset;
        if row.state == State::Delivering {
            break row;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    let token = bot.app.keys.link_token(Link::NotMe, row.reset_id);
    let link = format!("/not-me/{token}");
    let page = bot.browser().press(&link).await;
    assert!(
        page.text.contains("The new password is blocked"),
        "{}",
        page.text
    );
    bot.slack.answer_replies_with(None);
    bot.settle().await;
    let row = bot.app.store.reset(row.reset_id).await.unwrap().unwrap();
    assert_eq!(row.state, State::Undelivered);
    assert!(!bot.app.held.has(row.reset_id, bot.app.clock.now()));
    assert!(row.finished_at.is_some(), "nothing follows");
    let told = bot.slack.last();
    assert!(
        button_value(&told, "deliver_email").is_none(),
        "no other way is offered: {told:#}"
    );
}

/// "This wasn't me" about a code is seen like that about a reset: on the next card and last look, in `why` and `log`, by
/// primary administrators at their next command, and by mail again where a server did not take it.
#[tokio::test(flavor = "multi_thread")]
async fn a_disowned_code_is_seen_by_everybody_it_concerns() {
    const LEE: &str = "lee@acme.example";
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the alarm, and the messages of the code");
    let browser = bot.signed_in(MINA).await;
    bot.outbox.take();
    let forgotten = [("forgotten", "1")];
    browser
        .submit("/account", "/account/password", &forgotten)
        .await;
    let (typed, _) = super::code(&bot);
    let fields = [
        ("code", typed.as_str()),
        ("password", "and yet another one"),
    ];
    browser
        .submit("/account", "/account/password", &fields)
        .await;
    bot.settle().await;
    let link = super::not_me_link(&bot);
    let open = bot.last_look(KIM, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    let page = bot.browser().press(&link).await;
    assert!(page.text.contains(" is blocked<"), "{}", page.text);
    bot.settle().await;
    assert_eq!(bot.outbox.take().len(), 1, "one of two was put off");
    bot.clock.advance(Span::minutes(6));
    bot.sweep().await;
    let again = bot.outbox.take();
    assert!(
        again.len() == 1 && again[0].subject.contains("this wasn't me"),
        "{}",
        again.len()
    );

    // A last look from before does not tell of it.
    bot.click(KIM, &open, "confirm").await;
    assert_eq!(bot.count("reset where claimed_at is not null").await, 0);
    let said = "Mina Park said of the code that was used at 10:00: this wasn't me.";
    let mention = format!("<@{}|someone>", user_id(MINA));
    let log = bot.command_with_news(JO, &format!("log {mention}")).await;
    assert!(
        log.contains(said) && log.contains("Their account is closed."),
        "the primary administrator hears it first: {log}"
    );
    assert!(
        log.contains("Mina Park said of a code that was used: \"this wasn't me\""),
        "{log}"
    );
    let why = bot.command(KIM, &format!("why {mention}")).await.text();
    assert!(why.contains(said), "{why}");
    let contact = format!("contact {mention} mina@mail.example");
    let added = bot.command(JO, &contact).await.text();
    assert!(added.contains(said), "{added}");
    let card = bot.card(KIM, MINA).await;
    assert!(text_of(&card).contains(said), "{}", text_of(&card));
    let look = bot.last_look(KIM, MINA, "deliver_phone").await;
    assert!(text_of(&look).contains(said), "{}", text_of(&look));
    bot.click(KIM, &look, "confirm").await;
    let card = bot.card(JO, MINA).await;
    assert!(
        !text_of(&card).contains(said),
        "a new password is set: {}",
        text_of(&card)
    );
    // Who hears it only now is not told that the account is closed; the member does not hear what they said themselves.
    for who in [LEE, MINA] {
        bot.alter(who, "role", "primary_admin").await;
    }
    let log = bot.command_with_news(LEE, "log").await;
    assert!(
        log.contains("this wasn't me. A password was set since then.")
            && !log.contains("account is closed"),
        "{log}"
    );
    let log = bot.command(MINA, "log").await.text();
    assert!(!log.contains("Mina Park said of the code"), "{log}");
}
