//! What can still set a password after a reset is told, and looked for.

use std::collections::BTreeSet;
use std::time::Duration;

use relatch::surface::domain::Span;
use relatch::surface::store::{HistoryFilter, ResetRow};

use super::{JO, NOTHING, card_text, email, reset};
use crate::support::TestBot;
use crate::support::directories::web::{self, Blind, Fake};
use crate::support::directories::{OLD, SignIn, Trouble, World};
use crate::support::slack::{button_value, shown_password, text_of};

const WORKS: &str = "still works until";
const MAY_WORK: &str = "A link may have been sent at";
const HEADING: &str = "eli Corp set a new password";
const AGAIN: &str = "eli Corp set a new password at";
const LOOKS: &str = "I look 1, 10 and 60 minutes after the reset";
const NOT_LOOKED: &str = "I could not look whether";
const SAME_MOMENT: &str =
    "Somebody may have set a password at the same moment: run the command again.";
const OWN: &str = "Chosen-by-somebody-1";

/// The messages about a new password of Eli's; a result that is shown again says it too.
fn said(bot: &TestBot) -> usize {
    let all = bot.slack.said().into_iter();
    all.map(|said| text_of(&said))
        .filter(|text| text.starts_with(HEADING))
        .count()
}

/// Lets the clock go on, and the sweep run.
async fn after(bot: &TestBot, minutes: i64) {
    bot.clock.advance(Span::minutes(minutes));
    bot.sweep().await;
}

/// What the next command about this person says, with the news beside it.
async fn next(bot: &TestBot, name: &str) -> String {
    bot.command_with_news(JO, &email(name)).await
}

/// How many resets are still looked at.
async fn looked_at(bot: &TestBot) -> i64 {
    bot.count("reset where look_at is not null").await
}

async fn send_link(bot: &TestBot, name: &str) {
    let card = bot.command(JO, &email(name)).await.json();
    bot.click(JO, &card, "deliver_directory_link").await;
}

/// It lives for an hour, and is told to whoever resets the member meanwhile, from the card to the result.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_sent_before_is_told() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    assert!(!card_text(&bot, "eli").await.contains("A link"));
    let (sent, until) = (bot.clock.now(), bot.clock.now() + Span::hours(1));
    send_link(&bot, "eli").await;
    bot.clock.advance(Span::minutes(5));
    let now = bot.clock.now();
    let told = format!(
        "A link sent at {} {WORKS} {}",
        bot.app.zone.tell(sent, now),
        bot.app.zone.tell(until, now)
    );
    let card = bot.command(JO, &email("eli")).await.json();
    assert!(text_of(&card).contains(&told), "{}", text_of(&card));
    bot.click(JO, &card, "deliver_copy").await;
    let look = bot.slack.last();
    assert!(text_of(&look).contains(&told), "{}", text_of(&look));
    bot.click(JO, &look, "back").await;
    assert!(bot.slack.last_text().contains(&told));
    bot.click(JO, &bot.slack.last(), "deliver_copy").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(
        bot.slack.last_text().contains(&told),
        "{}",
        bot.slack.last_text()
    );
    // It is the link of one member, and ends.
    assert!(!card_text(&bot, "ann").await.contains("A link"));
    bot.clock.advance(Span::minutes(54));
    let card = card_text(&bot, "eli").await;
    assert!(card.contains(&told), "{card}");
    bot.clock.advance(Span::minutes(1));
    assert!(!card_text(&bot, "eli").await.contains("A link"));
}

/// Who is locked after failed sign-ins can use the password that the link lets them set.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_lifts_the_lock() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    fake.lock("loc").await;
    assert_eq!(fake.sign_in("loc", OLD).await, SignIn::Refused);
    send_link(&fake.bot().await, "loc").await;
    assert_eq!(fake.links(), ["loc"]);
    assert_eq!(fake.sign_in("loc", OLD).await, SignIn::In);
}

/// Of several links the one that works longest; one that was surely not sent is none, one without an answer may be one.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_told_as_far_as_it_is_known() {
    for (status, message, told) in [
        (500, "Failed to send execute actions email", None),
        (502, "", Some(MAY_WORK)),
    ] {
        let fake = Fake::start(web::Kind::Keycloak).await;
        fake.refuse_links(status, message);
        let bot = fake.bot().await;
        send_link(&bot, "eli").await;
        let card = card_text(&bot, "eli").await;
        assert_eq!(card.contains("A link"), told.is_some(), "{card}");
        assert!(card.contains(told.unwrap_or_default()), "{card}");
        let result = text_of(&reset(&bot, "eli").await);
        assert!(result.contains(told.unwrap_or_default()), "{result}");
    }
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    send_link(&bot, "eli").await;
    bot.clock.advance(Span::minutes(50));
    send_link(&bot, "eli").await;
    bot.clock.advance(Span::minutes(50));
    let card = card_text(&bot, "eli").await;
    assert_eq!(card.matches("A link").count(), 1, "{card}");
    assert!(card.contains(WORKS), "{card}");
}

/// Whoever asked for a link knows that one was sent; a later one that may have been sent does not take that back.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_may_have_been_sent_hides_none_that_was() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    send_link(&bot, "eli").await;
    bot.clock.advance(Span::minutes(10));
    fake.refuse_links(502, "");
    send_link(&bot, "eli").await;
    let card = card_text(&bot, "eli").await;
    assert!(card.contains(WORKS) && !card.contains(MAY_WORK), "{card}");
    bot.clock.advance(Span::minutes(55));
    let card = card_text(&bot, "eli").await;
    assert!(card.contains(MAY_WORK), "{card}");
}

/// The button was drawn before somebody changed the realm.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_sent_no_more_is_told_at_its_button() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    let card = bot.command(JO, &email("eli")).await.json();
    fake.set_realm(|realm| realm.has_mail = false);
    bot.clock.advance(Span::minutes(5));
    // Whoever looks somebody up reads the realm anew.
    card_text(&bot, "ann").await;
    bot.click(JO, &card, "deliver_directory_link").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("Corp directory sends no link now.")
            && told.contains("Choose another way.")
            && told.contains(NOTHING)
            && told.contains("(ref "),
        "{told}"
    );
    assert!(fake.links().is_empty());
    // Another way goes on.
    bot.click(JO, &card, "deliver_copy").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(bot.slack.last_text().contains("tell them now"));
}

/// The time that is compared with later ones may itself be that of somebody's password. Then no mark asks for a new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_set_at_the_same_moment_is_suspected() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let told = text_of(&reset(&fake.bot().await, "eli").await);
    assert!(!told.contains(SAME_MOMENT), "{told}");
    let fake = Fake::start(web::Kind::Keycloak).await;
    fake.set_own_after_reset(OWN);
    let told = text_of(&reset(&fake.bot().await, "eli").await);
    assert!(
        told.contains("tell them now") && told.contains(SAME_MOMENT),
        "{told}"
    );
    assert_eq!(fake.sign_in("eli", OWN).await, SignIn::In);
    // Where the realm asks nobody, the missing mark says nothing.
    let fake = Fake::start(web::Kind::Keycloak).await;
    fake.set_realm(|realm| realm.asks = false);
    let told = text_of(&reset(&fake.bot().await, "eli").await);
    assert!(
        told.contains("tell them now") && !told.contains(SAME_MOMENT),
        "{told}"
    );
}

/// What was opened with the password of an earlier reset outlives that password.
#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_password_is_not_all_that_may_be_open() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    reset(&bot, "eli").await;
    bot.clock.advance(Span::minutes(5));
    let told =
        "that password stops working. A page that was opened with it can still set a new one.";
    let card = bot.command(JO, &email("eli")).await.json();
    assert!(text_of(&card).contains(told), "{}", text_of(&card));
    bot.click(JO, &card, "deliver_copy").await;
    assert!(bot.slack.last_text().contains(told));
    // Other directories have no such pages.
    bot.reset_by_copy(JO, "mina.park@acme.example").await;
    let card = bot.command(JO, "mina.park@acme.example").await.json();
    let text = text_of(&card);
    assert!(
        text.contains("that password stops working.") && !text.contains("A page"),
        "{text}"
    );
}

/// The member does what they were asked: it is told once, and the looks that are left see nothing new.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_the_member_sets_is_told_once() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    let result = reset(&bot, "eli").await;
    assert!(text_of(&result).contains(LOOKS), "{}", text_of(&result));
    after(&bot, 0).await;
    assert_eq!((said(&bot), looked_at(&bot).await), (0, 1));
    fake.change_own("eli", &shown_password(&result).unwrap())
        .await;
    after(&bot, 1).await;
    let told = bot.slack.last_text();
    assert!(
        told.contains(AGAIN)
            && told.contains("they did what they were asked")
            && told.contains("\nref "),
        "{told}"
    );
    assert_eq!((said(&bot), looked_at(&bot).await), (1, 1));
    for minutes in [9, 50] {
        after(&bot, minutes).await;
    }
    assert_eq!((said(&bot), looked_at(&bot).await), (1, 0));
    let asked = fake.credentials_asked();
    after(&bot, 600).await;
    assert_eq!(fake.credentials_asked(), asked, "it is looked at for ever");
    // Neither the message that is replaced nor a later command tells it as news.
    let card = card_text(&bot, "ann").await;
    assert!(!card.contains(AGAIN), "{card}");
}

/// Somebody who had a page open sets a password past the generated one. Looks come at 1, 10 and 60 minutes; what the chat
/// does not take any more is told at the next command, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_somebody_sets_is_told_when_it_is_seen() {
    for (set_after, pause, in_chat) in [(2, 8, true), (30, 30, false)] {
        let fake = Fake::start(web::Kind::Keycloak).await;
        let bot = fake.bot().await;
        reset(&bot, "eli").await;
        let in_flight = of_eli(&bot).await;
        for _ in 0..set_after {
            after(&bot, 1).await;
        }
        fake.set_by_an_open_page("eli", OWN);
        assert_eq!(fake.sign_in("eli", OWN).await, SignIn::In);
        after(&bot, pause - 1).await;
        assert_eq!(said(&bot), 0, "{set_after}");
        after(&bot, 1).await;
        assert_eq!(
            (said(&bot), looked_at(&bot).await),
            (usize::from(in_chat), i64::from(in_chat))
        );
        // A result that was made before is no telling of it.
        bot.app.store.told_as(&in_flight).await.unwrap();
        let told = next(&bot, "ann").await;
        assert_eq!(told.contains(AGAIN), !in_chat, "{told}");
        assert_eq!(told.contains("run the command again"), !in_chat, "{told}");
        assert!(!next(&bot, "ann").await.contains(AGAIN), "it is told twice");
        let log = text_of(&bot.command(JO, "log").await.json());
        assert!(log.contains(", set again "), "{log}");
    }
}

/// The member sets a password of their own, and somebody another one past it, by a link from before: both are told.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_set_past_the_members_own_is_told_too() {
    for (second_after, in_chat) in [(3, true), (40, false)] {
        let fake = Fake::start(web::Kind::Keycloak).await;
        let bot = fake.bot().await;
        let result = reset(&bot, "eli").await;
        fake.change_own("eli", &shown_password(&result).unwrap())
            .await;
        after(&bot, 1).await;
        assert_eq!(said(&bot), 1);
        bot.clock.advance(Span::minutes(second_after));
        fake.set_by_an_open_page("eli", OWN);
        let left = if in_chat { 9 } else { 59 } - second_after;
        after(&bot, left).await;
        assert_eq!(said(&bot), 1 + usize::from(in_chat), "{second_after}");
        let told = next(&bot, "ann").await;
        assert_eq!(told.contains(AGAIN), !in_chat, "{told}");
        let noted = bot.audited("password").await;
        assert_eq!(noted.matches("set_again").count(), 2, "{noted}");
    }
}

/// The reset of Eli's as it is in the record.
async fn of_eli(bot: &TestBot) -> ResetRow {
    let all = bot.app.store.history(&HistoryFilter::default()).await;
    all.unwrap().remove(0).reset
}

/// Where nobody sets one, the looks end by themselves and nothing is said.
#[tokio::test(flavor = "multi_thread")]
async fn looks_end_where_nothing_is_seen() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    reset(&bot, "eli").await;
    let mut looks = Vec::new();
    for minute in 0..70 {
        let before = fake.credentials_asked();
        after(&bot, 0).await;
        if fake.credentials_asked() > before {
            looks.push(minute);
        }
        bot.clock.advance(Span::minutes(1));
    }
    assert_eq!(looks, [1, 10, 60]);
    assert_eq!((said(&bot), looked_at(&bot).await), (0, 0));
    assert_eq!(bot.audited("password").await, "");
}

/// A restart loses no look; those that a stopped process missed are made as one.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_no_look() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    reset(&bot, "eli").await;
    let bot = bot.restart().await;
    bot.clock.advance(Span::minutes(200));
    fake.set_by_an_open_page("eli", OWN);
    assert_eq!(looked_at(&bot).await, 1);
    after(&bot, 0).await;
    assert_eq!(looked_at(&bot).await, 0);
    let told = next(&bot, "ann").await;
    assert!(told.contains(AGAIN), "{told}");
}

/// The next reset of the member is no news about the one before.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_reset_of_the_member_is_not_taken_for_somebody() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    reset(&bot, "eli").await;
    bot.clock.advance(Span::seconds(30));
    reset(&bot, "eli").await;
    for minutes in [1, 9, 50, 600] {
        after(&bot, minutes).await;
    }
    assert_eq!((said(&bot), looked_at(&bot).await), (0, 0));
    assert!(!next(&bot, "ann").await.contains(AGAIN));
}

/// Until a newer reset has ended, nobody knows whose password stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_that_is_being_tried_ends_no_looks() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    reset(&bot, "eli").await;
    assert_eq!(looked_at(&bot).await, 1);
    bot.clock.advance(Span::seconds(30));
    let card = bot.command(JO, &email("eli")).await.json();
    bot.click(JO, &card, "deliver_copy").await;
    let look = bot.slack.last();
    fake.next_change(Trouble::HangBefore);
    let trying = bot.click(JO, &look, "confirm");
    let looking = async {
        while bot.count("reset where state = 'changing'").await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        after(&bot, 1).await;
        assert_eq!(looked_at(&bot).await, 1, "while it is being tried");
    };
    tokio::join!(trying, looking);
    // Now the newer one may have changed the password.
    after(&bot, 2).await;
    assert_eq!((said(&bot), looked_at(&bot).await), (0, 0));
}

/// A directory that is silent is asked again, for a day.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_without_an_answer_is_made_again() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    let result = reset(&bot, "eli").await;
    fake.make_blind(Blind::CredentialsAfterReset);
    for _ in 0..3 {
        after(&bot, 1).await;
        assert_eq!((said(&bot), looked_at(&bot).await), (0, 1));
    }
    fake.make_see();
    fake.change_own("eli", &shown_password(&result).unwrap())
        .await;
    after(&bot, 1).await;
    assert_eq!((said(&bot), looked_at(&bot).await), (1, 1));
    // It is not for ever.
    let bot = fake.bot().await;
    reset(&bot, "ann").await;
    fake.make_blind(Blind::CredentialsAfterReset);
    after(&bot, 24 * 60 - 1).await;
    assert_eq!(looked_at(&bot).await, 1);
    let told = next(&bot, "eli").await;
    assert!(!told.contains(NOT_LOOKED), "{told}");
    after(&bot, 1).await;
    assert_eq!(looked_at(&bot).await, 0);
    is_told_that_nobody_looked(&bot, "ann", "a password").await;
}

/// A directory that left the settings is asked no more, also where a new password was told before.
#[tokio::test(flavor = "multi_thread")]
async fn looks_that_end_with_their_directory_are_told() {
    for (is_set_again, what) in [(false, "a password"), (true, "another")] {
        let fake = Fake::start(web::Kind::Keycloak).await;
        let bot = fake.bot().await;
        let result = reset(&bot, "eli").await;
        if is_set_again {
            fake.change_own("eli", &shown_password(&result).unwrap())
                .await;
        }
        after(&bot, 1).await;
        assert_eq!(said(&bot), usize::from(is_set_again));
        let bot = bot.restart_without_directory().await;
        after(&bot, 9).await;
        assert_eq!(looked_at(&bot).await, 0);
        is_told_that_nobody_looked(&bot, "eli", what).await;
    }
}

/// The next command tells it, once.
async fn is_told_that_nobody_looked(bot: &TestBot, name: &str, what: &str) {
    let next = async || bot.command_with_news(JO, "mina.park@acme.example").await;
    let told = next().await;
    let words = format!("{NOT_LOOKED} {what} was set since; ask {name} Corp whether theirs works.");
    assert!(told.contains(&words), "{told}");
    assert!(!next().await.contains(NOT_LOOKED), "it is told twice");
    let noted = bot.audited("password").await;
    assert!(noted.ends_with("not_looked"), "{noted}");
}

/// What cannot be looked at is not promised.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_cannot_be_read_promises_no_look() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    fake.make_blind(Blind::CredentialsAfterReset);
    let bot = fake.bot().await;
    let told = text_of(&reset(&bot, "eli").await);
    assert!(
        told.contains("tell them now") && told.contains("I can't look for one"),
        "{told}"
    );
    assert!(!told.contains(LOOKS), "{told}");
    assert_eq!(looked_at(&bot).await, 0);
}

/// Directories that sign nobody in themselves leave nothing open, and are asked nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn other_directories_are_not_looked_at() {
    let fake = Fake::start(web::Kind::Lark).await;
    let bot = fake.bot().await;
    let told: BTreeSet<bool> = [
        text_of(&reset(&bot, "eli").await),
        text_of(
            &bot.reset(JO, "mina.park@acme.example", "deliver_copy")
                .await,
        ),
    ]
    .into_iter()
    .map(|text| text.contains("can still set a password"))
    .collect();
    assert_eq!(told, BTreeSet::from([false]));
    assert_eq!(looked_at(&bot).await, 0);
    assert!(button_value(&bot.slack.last(), "deliver_directory_link").is_none());
}
