//! After `relatch new-key`: what only the old key could make or tell counts no more.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use relatch::surface::domain::Span;
use relatch::surface::domain::delivery::{Carries, Outcome, Refusal, Ways};

use crate::support::browser::Browser;
use crate::support::{Left, OWN, TestBot};

const JO: &str = "jo@acme.example";
const LEE: &str = "lee@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";
const NUMBER: &str = "+821012345699";

const LINKS: Ways = Ways {
    is_strict: false,
    carries: Carries::Link,
};

/// What a browser keeps over a restart.
type Jar = BTreeMap<String, String>;

fn jar(browser: &Browser) -> Jar {
    browser.cookies.lock().unwrap().clone()
}

fn browser_with(bot: &TestBot, jar: Jar) -> Browser {
    let browser = bot.browser();
    *browser.cookies.lock().unwrap() = jar;
    browser
}

/// The path of Lee's link.
async fn link_of_lee(bot: &TestBot) -> String {
    bot.alter(LEE, "phone", "+821012345697").await;
    bot.reset(JO, LEE, "deliver_phone").await;
    bot.clock.advance(Span::seconds(1));
    let sent = bot.outbox.take();
    let link = sent
        .iter()
        .find_map(|sent| sent.text.split_once("http://127.0.0.1/claim/"));
    let (_, rest) = link.expect("a link");
    let token = rest.split_whitespace().next().unwrap();
    format!("/claim/{token}")
}

/// Cards, one-time links, codes and known browsers are dead, and each answer says what to do.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_old_key_made_is_refused_under_a_new_one() {
    let bot = TestBot::with_ways(LINKS).await;
    bot.leaves(Left::Messages, "the notices of the sign-ins");
    let link = link_of_lee(&bot).await;

    // A contact that waits for its code.
    let noa = bot.signed_in(NOA).await;
    let wanted = [("value", NUMBER), ("password", OWN)];
    noa.submit("/contacts", "/contacts", &wanted).await;
    let (contact_code, _) = bot.codes().pop().expect("a code");

    // A known browser of Mina's. Too many wrong passwords lock everybody else out, who needs a code.
    let known = bot.signed_in(MINA).await;
    let end = [("end", "this")];
    known.submit("/account", "/account/sessions", &end).await;
    let stranger = bot.browser();
    for network in 0..100 {
        stranger
            .at(&format!("10.0.{network}.1"))
            .sign_in(MINA, "wrong")
            .await;
    }
    bot.settle().await;
    let half = bot.browser();
    let page = half.at("10.9.0.1").sign_in(MINA, OWN).await;
    assert_eq!(page.to(), "/verify");
    let (code, _) = bot.codes().pop().expect("a code");

    let card = bot.last_look(JO, MINA, "deliver_email").await;

    bot.app.store.replace_key("another").await.unwrap();
    let jars = [&known, &half, &noa].map(jar);
    drop((known, half, noa));
    drop(stranger);
    let bot = bot.restart_with_another_key().await;
    bot.leaves(Left::Messages, "the notices of the sign-ins");
    let [known, half, noa] = jars.map(|jar| browser_with(&bot, jar));

    bot.click(JO, &card, "confirm").await;
    let told = bot.slack.last_text();
    assert!(told.contains("Nothing was changed."), "{told}");
    assert_eq!(
        bot.count("reset where claimed_at is not null").await,
        1,
        "Lee's alone"
    );
    assert_eq!(bot.browser().open(&link).await.status, StatusCode::GONE);
    let page = half.submit("/verify", "/verify", &[("code", &code)]).await;
    assert!(
        page.status == StatusCode::UNPROCESSABLE_ENTITY
            && page.text.contains("no longer works")
            && !page.text.contains("tries left"),
        "{}",
        page.text
    );
    let typed = [("value", NUMBER), ("code", contact_code.as_str())];
    let page = noa.submit("/contacts", "/contacts", &typed).await;
    assert!(page.text.contains("no longer works"), "{}", page.text);
    assert_eq!(bot.count("contact").await, 0);
    let page = known.at("10.9.0.2").sign_in(MINA, OWN).await;
    assert_eq!(page.to(), "/verify", "it is a stranger's now");
}

/// Nobody can tell who had an alarm that still goes out, so it goes to everybody again.
#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_is_still_to_be_sent_goes_to_all_under_another_key() {
    let bot = TestBot::new().await;
    bot.reset_by_copy(JO, MINA).await;
    let sent = bot.outbox.take();
    let link = sent
        .iter()
        .find_map(|sent| sent.text.split_once("http://127.0.0.1/not-me/"));
    let token = link.expect("a link").1.split_whitespace().next().unwrap();
    let link = format!("/not-me/{token}");
    // The security address has it, and the primary administrator is asked to wait, or the other way round.
    for outcome in [Outcome::Accepted, Outcome::Refused(Refusal::Later)] {
        bot.outbox.end_next_send(outcome);
    }
    let page = bot.browser().press(&link).await;
    assert!(page.text.contains(" is blocked<"), "{}", page.text);
    bot.settle().await;
    let had_it = bot.outbox.take().len();
    assert_eq!((had_it, bot.count("not_me where told <> ''").await), (1, 1));
    bot.app.store.replace_key("another").await.unwrap();
    assert_eq!(bot.count("not_me where told <> ''").await, 0);
    let bot = bot.restart_with_another_key().await;
    bot.clock.advance(Span::minutes(6));
    bot.sweep().await;
    assert_eq!(bot.outbox.take().len(), 2);
}
