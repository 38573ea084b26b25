//! What only Keycloak does.

mod real;

use relatch::surface::directory::Backend;
use relatch::surface::store::HistoryFilter;

use super::{JO, NOTHING, all, card_text, email, sessions_are_ended};
use crate::support::TestBot;
use crate::support::directories::web::{Blind, Fake};
use crate::support::directories::{OLD, SignIn, World, web};
use crate::support::slack::button_value;

#[tokio::test(flavor = "multi_thread")]
async fn keycloak() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    a_password_kept_elsewhere_is_refused_with_where_to_go(&fake).await;
    who_administers_the_realm_by_a_group_is_protected(&fake).await;
    a_realm_made_anew_is_found_again(&fake).await;
    sessions_are_ended(&fake).await;
    all(fake).await;
}

async fn who_administers_the_realm_by_a_group_is_protected(fake: &Fake) {
    let told = card_text(&fake.bot().await, "grp").await;
    assert!(
        told.contains("is protected") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(
        (fake.changes().await, fake.sign_in("grp", OLD).await),
        (0, SignIn::In)
    );
}

/// The id of the client that administers a realm is kept, and is another one in a realm that was imported again.
async fn a_realm_made_anew_is_found_again(fake: &Fake) {
    let bot = fake.bot().await;
    assert!(card_text(&bot, "grp").await.contains("is protected"));
    fake.make_realm_anew();
    assert!(card_text(&bot, "grp").await.contains("is protected"));
}

/// Also where nobody is named whom it could look up.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_that_keycloaks_clients_cannot_be_seen() {
    for (blind, is_fine) in [
        (None, true),
        (Some(Blind::Clients), false),
        (Some(Blind::ViewOfClients), false),
    ] {
        let fake = Fake::start(web::Kind::Keycloak).await;
        if let Some(blind) = blind {
            fake.make_blind(blind);
        }
        let settings = fake.own_settings();
        let unnamed: Vec<&str> = settings
            .lines()
            .filter(|line| !line.starts_with("check_account"))
            .collect();
        let bot = TestBot::with_directory(&unnamed.join("\n")).await;
        let checked = bot.app.directories.remote().next().unwrap().probe().await;
        assert_eq!(checked.is_ok(), is_fine, "{blind:?}: {checked:?}");
    }
}

/// Roles that cannot be seen are not taken for none: they might protect the account.
#[tokio::test(flavor = "multi_thread")]
async fn keycloak_without_its_roles_is_no_directory() {
    for blind in [
        Blind::Clients,
        Blind::ViewOfClients,
        Blind::RealmRoles,
        Blind::GoneBeforeRealmRoles,
        Blind::GoneBeforeClientRoles,
    ] {
        let fake = Fake::start(web::Kind::Keycloak).await;
        fake.make_blind(blind);
        let bot = fake.bot().await;
        let told = card_text(&bot, "eli").await;
        assert!(
            told.contains("Corp directory doesn't answer.") && told.contains(NOTHING),
            "{blind:?}: {told}"
        );
        assert_eq!(
            (fake.changes().await, fake.sign_in("eli", OLD).await),
            (0, SignIn::In),
            "{blind:?}"
        );
        assert!(
            bot.app
                .directories
                .remote()
                .next()
                .unwrap()
                .probe()
                .await
                .is_err(),
            "{blind:?}"
        );
    }
}

/// Keycloak sends its own link: nobody knows a password, nothing is changed, and the button works once.
#[tokio::test(flavor = "multi_thread")]
async fn keycloak_sends_its_own_link() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    let bot = fake.bot().await;
    let card = bot.command(JO, &email("eli")).await.json();
    bot.click(JO, &card, "deliver_directory_link").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("Corp directory sends eli Corp its own link") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(fake.links(), ["eli"]);
    assert_eq!(fake.sign_in("eli", OLD).await, SignIn::In);
    bot.click(JO, &card, "deliver_directory_link").await;
    assert_eq!(fake.links(), ["eli"], "a second link was sent");
    assert!(
        bot.app
            .store
            .history(&HistoryFilter::default())
            .await
            .unwrap()
            .is_empty(),
        "a reset was counted"
    );
    // The others' cards do not have it.
    let card = bot.command(JO, "mina.park@acme.example").await.json();
    assert!(button_value(&card, "deliver_directory_link").is_none());
    // Nor can the button of one card be pressed on another's.
    let value = button_value(&card, "cancel").unwrap();
    bot.click_value(JO, "deliver_directory_link", &value).await;
    assert_eq!(fake.links(), ["eli"]);
}

/// S9: whose password lies in another system, or who has none.
async fn a_password_kept_elsewhere_is_refused_with_where_to_go(fake: &Fake) {
    let bot = fake.bot().await;
    let told = card_text(&bot, "fed").await;
    assert!(
        told.contains("kept by another system") && told.contains("Reset it where it is kept"),
        "{told}"
    );
    let told = card_text(&bot, "idp").await;
    assert!(
        told.contains("single sign-on") && told.contains(NOTHING),
        "{told}"
    );
}
