//! How often Keycloak is asked, and what becomes of a reset where it is slow.

use std::time::Duration;

use relatch::surface::app::Admins;
use relatch::surface::domain::{Span, State, Step, StepOutcome};
use relatch::surface::store::HistoryFilter;

use super::super::{JO, NOTHING, card_text, email, ended, reset};
use crate::support::TestBot;
use crate::support::directories::web::{Fake, Kind, default_flow};
use crate::support::directories::{OLD, SignIn, World};
use crate::support::slack::{button_value, text_of};

/// Ann administers in Keycloak itself, by a role of the realm.
async fn bot_of_ann(fake: &Fake) -> TestBot {
    bot_of_ann_with(fake, "").await
}

/// The same with a setting more.
async fn bot_of_ann_with(fake: &Fake, setting: &str) -> TestBot {
    fake.set_role("ann", "it-admins", true);
    let settings = format!(
        "{}\nprimary_admin_roles = [\"it-admins\"]\n{setting}",
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
    assert!(told.contains("tell them now"), "{told}");
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
    was_done(&fake, &reset_by_ann(&bot, "eli").await).await;
}

async fn was_done(fake: &Fake, told: &str) {
    assert!(
        told.contains("tell them now")
            && told.contains("must set a new one")
            && !told.contains("✗"),
        "{told}"
    );
    assert_eq!(
        fake.sign_in("eli", OLD).await,
        SignIn::Refused,
        "the old password works"
    );
}

/// The same where people sign in by a flow of the realm's own, whose name is read before it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reset_works_with_a_flow_of_its_own() {
    works_at_a_second_an_answer(Some("our own"), "").await;
}

/// The same where a client is named whose role has to be there.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reset_works_with_a_role_of_a_client() {
    let role = "protected_roles = [\"realm-management/manage-users\"]";
    works_at_a_second_an_answer(None, role).await;
}

/// Both, and a protected role of the realm.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reset_works_with_everything_named() {
    let roles = "protected_roles = [\"realm-management/manage-users\", \"admin\"]";
    works_at_a_second_an_answer(Some("our own"), roles).await;
}

/// Jo is in another directory, so that the member's look-up is the first that Keycloak sees.
async fn works_at_a_second_an_answer(flow: Option<&'static str>, setting: &str) {
    let fake = Fake::start(Kind::Keycloak).await;
    if let Some(flow) = flow {
        fake.set_flow(flow, default_flow());
    }
    fake.set_realm(|realm| realm.delay = Duration::from_secs(1));
    let bot = bot_of_ann_with(&fake, setting).await;
    was_done(&fake, &text_of(&reset(&bot, "eli").await)).await;
}

/// The flow that the realm had when it was last read is asked for beside its settings, and no other one.
#[tokio::test(flavor = "multi_thread")]
async fn the_flow_that_is_known_is_asked_for_first() {
    let fake = Fake::start(Kind::Keycloak).await;
    fake.set_flow("our own", default_flow());
    let bot = fake.bot().await;
    card_text(&bot, "eli").await;
    bot.clock.advance(Span::minutes(2));
    fake.asked();
    let told = card_text(&bot, "otp").await;
    let flows: Vec<String> = fake
        .asked()
        .into_iter()
        .filter(|call| call.ends_with("/executions"))
        .collect();
    let own = "GET /admin/realms/corp/authentication/flows/our%20own/executions";
    assert_eq!(flows, [own], "{told}");
    // It is another one since.
    fake.set_flow("newer", default_flow());
    bot.clock.advance(Span::minutes(2));
    card_text(&bot, "otp").await;
    let asked = fake.asked();
    assert!(
        asked.iter().any(|call| call.ends_with("/newer/executions")),
        "{asked:#?}"
    );
}

/// Half of a short life is its margin: one token for look-ups within 3 seconds, another one after 5.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_a_short_life_is_kept_for_half_of_it() {
    let fake = Fake::start(Kind::Keycloak).await;
    fake.set_realm(|realm| realm.token_life = 8);
    let bot = fake.bot().await;
    let tokens = || {
        let asked = fake.asked();
        asked.iter().filter(|call| call.ends_with("/token")).count()
    };
    card_text(&bot, "eli").await;
    bot.clock.advance(Span::seconds(3));
    card_text(&bot, "loc").await;
    assert_eq!(tokens(), 1);
    bot.clock.advance(Span::seconds(2));
    card_text(&bot, "pol").await;
    assert_eq!(tokens(), 1);
}

/// An answer with 3,000 roles is longer than what is read of other vendors.
#[tokio::test(flavor = "multi_thread")]
async fn many_roles_are_read() {
    let fake = Fake::start(Kind::Keycloak).await;
    fake.set_realm(|realm| realm.roles_beside = 3_000);
    let bot = fake.bot().await;
    let card = bot.command(JO, &email("eli")).await.json();
    assert!(
        button_value(&card, "deliver_copy").is_some(),
        "{}",
        text_of(&card)
    );
    // The one that protects is the first of them.
    let told = card_text(&bot, "pri").await;
    assert!(told.contains("is protected"), "{told}");
}

/// A logout without an answer may have its effect yet, and Keycloak waits for each application anew at a second one.
#[tokio::test(flavor = "multi_thread")]
async fn a_logout_without_an_answer_is_sent_once() {
    let fake = Fake::start(Kind::Keycloak).await;
    fake.set_realm(|realm| realm.logout_takes = Duration::from_secs(30));
    let told = text_of(&reset(&fake.bot().await, "eli").await);
    assert!(
        told.contains(" ✓") && told.contains("signing out failed, open sessions may live on ✗"),
        "{told}"
    );
    let asked = fake.asked();
    let logouts = asked.iter().filter(|call| call.ends_with("/logout"));
    assert_eq!(logouts.count(), 1, "{asked:#?}");
}

/// Connections are kept, to Keycloak and to the chat; and who clicks is looked up once. Questions that are asked at once
/// need a connection each.
#[tokio::test(flavor = "multi_thread")]
async fn connections_and_profiles_are_kept() {
    let fake = Fake::start(Kind::Keycloak).await;
    let bot = bot_of_ann(&fake).await;
    let look = last_look(&bot, "eli").await;
    // The command asked; the clicks since did not.
    assert_eq!(bot.slack.who_asked(&email("ann")), 1);
    bot.click(&email("ann"), &look, "confirm").await;
    let told = text_of(&bot.slack.last());
    assert!(told.contains("tell them now"), "{told}");
    // The act reads past what is kept.
    assert_eq!(bot.slack.who_asked(&email("ann")), 2);
    assert!(bot.slack.connections() <= 2, "{}", bot.slack.connections());
    let (opened, asked) = (fake.connections(), fake.asked().len());
    assert!(opened <= 8 && 2 * opened < asked, "{opened} for {asked}");
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
    assert!(told.contains("signed out ✓"), "{told}");
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
        told.contains("signed out ✓") && told.contains("lock of failed sign-ins"),
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
