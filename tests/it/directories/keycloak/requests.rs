//! How often Keycloak is asked, and what becomes of a reset where it is slow.

use std::time::Duration;

use relatch::surface::app::Admins;
use relatch::surface::domain::{State, Step, StepOutcome};
use relatch::surface::store::HistoryFilter;

use super::super::{JO, NOTHING, card_text, email, ended, reset};
use crate::support::TestBot;
use crate::support::directories::web::{Fake, Kind};
use crate::support::directories::{OLD, SignIn, World};
use crate::support::slack::{button_value, text_of};

/// Ann administers in Keycloak itself, by a role of the realm.
async fn bot_of_ann(fake: &Fake) -> TestBot {
    fake.set_role("ann", "it-admins", true);
    let settings = format!(
        "{}\nprimary_admin_roles = [\"it-admins\"]",
        fake.own_settings()
    );
    let bot = TestBot::with_directory_and_admins(&settings, Admins::Directory).await;
    bot.slack.know(&email("ann"));
    bot
}

/// From the command to the last look, with Copy.
async fn last_look(bot: &TestBot, name: &str) -> serde_json::Value {
    let ann = email("ann");
    let mut card = bot.command(&ann, &email(name)).await.json();
    assert!(
        button_value(&card, "cancel").is_some(),
        "no card: {}",
        text_of(&card)
    );
    if button_value(&card, "deliver_copy").is_none() {
        bot.click(&ann, &card, "reachable").await;
        card = bot.slack.last();
    }
    bot.click(&ann, &card, "deliver_copy").await;
    bot.slack.last()
}

async fn reset_by_ann(bot: &TestBot, name: &str) -> String {
    let look = last_look(bot, name).await;
    bot.click(&email("ann"), &look, "confirm").await;
    text_of(&bot.slack.last())
}

/// From a cold start, with token and realm, the administrator in Keycloak too.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_takes_at_most_24_requests() {
    let fake = Fake::start(Kind::Keycloak).await;
    let bot = bot_of_ann(&fake).await;
    let told = reset_by_ann(&bot, "eli").await;
    let asked = fake.asked();
    assert!(told.contains("Done."), "{told}");
    assert!(asked.len() <= 24, "{} requests: {asked:#?}", asked.len());
    // Rights are read past everything kept before the change.
    let change = asked
        .iter()
        .position(|call| call.contains("reset-password"));
    let roles = asked.iter().take(change.unwrap()).rev().take(6);
    let of_ann = format!("users/{}/role-mappings/realm", fake.id("ann"));
    assert!(
        roles.clone().any(|call| call.contains(&of_ann)),
        "{asked:#?}"
    );
}

/// A second for each answer, from a cold start.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_works_where_each_answer_takes_a_second() {
    let fake = Fake::start(Kind::Keycloak).await;
    fake.set_realm(|realm| realm.delay = Duration::from_secs(1));
    let bot = bot_of_ann(&fake).await;
    let told = reset_by_ann(&bot, "eli").await;
    assert!(told.contains("Done."), "{told}");
    assert!(
        told.contains("must set a new one") && !told.contains("✗"),
        "{told}"
    );
}

/// What is kept for clicks decides nothing: the act reads both people anew, and gives the slot back.
#[tokio::test(flavor = "multi_thread")]
async fn what_changed_after_the_card_stops_the_act() {
    for (change, refusal) in [
        (
            (|fake: &Fake| fake.set_role("ann", "it-admins", false)) as fn(&Fake),
            "You no longer have this permission",
        ),
        (
            |fake| fake.disable("ann"),
            "You no longer have this permission",
        ),
        (|fake| fake.disable("eli"), "is Suspended"),
        (|fake| fake.set_role("eli", "admin", true), "is protected"),
    ] {
        let fake = Fake::start(Kind::Keycloak).await;
        let bot = bot_of_ann(&fake).await;
        let look = last_look(&bot, "eli").await;
        change(&fake);
        bot.click(&email("ann"), &look, "confirm").await;
        let told = text_of(&bot.slack.last());
        assert!(
            (told.contains(refusal) || told.contains("can't reset passwords"))
                && told.contains(NOTHING),
            "{refusal}: {told}"
        );
        assert_eq!(fake.changes().await, 0, "{refusal}");
        assert_eq!(ended(&bot).await, (State::Refused, true), "{refusal}");
    }
}

/// Four look somebody up at the same moment: the realm is read once.
#[tokio::test(flavor = "multi_thread")]
async fn the_realm_is_read_once_for_all_who_ask_at_once() {
    let fake = Fake::start(Kind::Keycloak).await;
    fake.set_realm(|realm| realm.delay = Duration::from_millis(100));
    let bot = fake.bot().await;
    let told = tokio::join!(
        card_text(&bot, "eli"),
        card_text(&bot, "loc"),
        card_text(&bot, "pol"),
        card_text(&bot, "hung"),
    );
    for told in [told.0, told.1, told.2, told.3] {
        assert!(told.contains("Corp"), "{told}");
    }
    let asked = fake.asked();
    let of_realm = asked
        .iter()
        .filter(|call| call.ends_with("/required-actions/UPDATE_PASSWORD"));
    assert_eq!(of_realm.count(), 1, "{asked:#?}");
    assert_eq!(
        asked.iter().filter(|call| call.ends_with("/token")).count(),
        1
    );
}

/// The required action was switched off after the card: the result says what is in force now.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_force_is_read_after_the_change() {
    let fake = Fake::start(Kind::Keycloak).await;
    let bot = fake.bot().await;
    card_text(&bot, "ann").await;
    fake.set_realm(|realm| realm.asks = false);
    let told = text_of(&reset(&bot, "eli").await);
    assert!(told.contains("the directory does not ask"), "{told}");
}

/// Two applications hang, each for five seconds: the sessions end with the logout, which is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_end_late_are_ended() {
    let fake = Fake::start(Kind::Keycloak).await;
    fake.set_realm(|realm| realm.logout_takes = Duration::from_secs(11));
    let told = text_of(&reset(&fake.bot().await, "eli").await);
    assert!(told.contains("✓ signed out everywhere"), "{told}");
    assert_eq!(fake.sessions("eli"), 0);
}

/// A lock that could not be lifted is told as that. The sign-out is another step, and it was done.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_stays_is_told_as_a_lock() {
    let fake = Fake::start(Kind::Keycloak).await;
    fake.set_realm(|realm| realm.unlock_refusal = Some(500));
    let bot = fake.bot().await;
    let result = reset(&bot, "eli").await;
    let told = text_of(&result);
    assert!(
        told.contains("✓ signed out everywhere") && told.contains("lock of failed sign-ins"),
        "{told}"
    );
    assert!(!told.contains("signing out failed"), "{told}");
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    let steps = bot.app.store.steps(past[0].reset.reset_id).await.unwrap();
    let outcome = |step| {
        let row = steps.iter().find(|row| row.step == step);
        row.map(|row| row.outcome)
    };
    assert_eq!(outcome(Step::SignOut), Some(StepOutcome::Done));
    assert_eq!(outcome(Step::Unlock), Some(StepOutcome::Failed));
    // The same button tries it again.
    assert!(button_value(&result, "retry_sign_out").is_some(), "{told}");
    fake.set_realm(|realm| realm.unlock_refusal = None);
    fake.asked();
    bot.click(JO, &result, "retry_sign_out").await;
    // Sessions that began since are the member's own.
    let asked = fake.asked();
    assert!(
        !asked.iter().any(|call| call.ends_with("/logout")),
        "{asked:#?}"
    );
    let steps = bot.app.store.steps(past[0].reset.reset_id).await.unwrap();
    let unlock = steps.iter().find(|row| row.step == Step::Unlock).unwrap();
    assert_eq!(unlock.outcome, StepOutcome::Done);
}

/// The link was sent; that the lock takes long does not make it unknown.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_sent_though_the_lock_takes_long() {
    let fake = Fake::start(Kind::Keycloak).await;
    let bot = fake.bot().await;
    let card = bot.command(JO, &email("eli")).await.json();
    fake.set_realm(|realm| {
        realm.delay = Duration::from_secs(3);
        realm.unlock_takes = Duration::from_secs(20);
    });
    bot.click(JO, &card, "deliver_directory_link").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("sends eli Corp its own link") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(fake.links(), ["eli"]);
    assert_eq!(fake.sign_in("eli", OLD).await, SignIn::In);
}
