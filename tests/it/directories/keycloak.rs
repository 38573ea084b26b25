//! What only Keycloak does.

mod factors;
mod nginx;
mod open_ways;
mod policies;
mod real;
mod requests;
mod rights;

use relatch::surface::directory::Backend;
use relatch::surface::store::HistoryFilter;

use super::{JO, NOTHING, all, card_text, email, reset, sessions_are_ended};
use crate::logs::Log;
use crate::support::TestBot;
use crate::support::directories::web::{Blind, Fake};
use crate::support::directories::{OLD, SignIn, World, web};
use crate::support::slack::{button_value, text_of};

const NOT_ASKED: &str = "must set a new one: the directory does not ask for a new one";

#[tokio::test(flavor = "multi_thread")]
async fn keycloak() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    a_password_kept_elsewhere_is_refused_with_where_to_go(&fake).await;
    who_administers_the_realm_by_a_group_is_protected(&fake).await;
    a_realm_made_anew_is_found_again(&fake).await;
    a_password_of_its_own_is_reset_here(&fake).await;
    sessions_are_ended(&fake).await;
    assert_eq!(fake.offline("inj"), 0, "offline tokens live on");
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
        Blind::GoneBeforeRealmRoles,
        Blind::GoneBeforeClientRoles,
    ] {
        let fake = Fake::start(web::Kind::Keycloak).await;
        fake.make_blind(blind);
        let bot = fake.bot().await;
        let told = card_text(&bot, "eli").await;
        let is_gone = matches!(
            blind,
            Blind::GoneBeforeRealmRoles | Blind::GoneBeforeClientRoles
        );
        let words = if is_gone {
            "Corp directory doesn't answer."
        } else {
            "can't use Corp directory as it is set up."
        };
        assert!(
            told.contains(words) && told.contains(NOTHING),
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

/// Up to 26.2 an account that is locked for a while looks disabled once it is asked for by id.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_for_a_while_is_no_suspension_in_older_versions() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    fake.make_old();
    fake.lock("loc").await;
    let told = text_of(&reset(&fake.bot().await, "loc").await);
    assert!(told.contains("tell them now"), "{told}");
    // One that somebody disabled stays so.
    assert!(
        card_text(&fake.bot().await, "adm")
            .await
            .contains("is Suspended")
    );
}

/// A definite no is told as no: nothing was sent.
#[tokio::test]
async fn a_link_that_was_not_sent_is_told() {
    for (status, message, why) in [
        (
            500,
            "Failed to send execute actions email: Error when attempting to send the email",
            "mail server does not take the mail",
        ),
        (400, "User is disabled", "the account is disabled"),
        (400, "User email missing", "has no e-mail there"),
        (
            400,
            "Provided invalid required actions",
            "answers with status 400",
        ),
    ] {
        let (log, _guard) = Log::start();
        let fake = Fake::start(web::Kind::Keycloak).await;
        fake.refuse_links(status, message);
        let bot = fake.bot().await;
        let card = bot.command(JO, &email("eli")).await.json();
        bot.click(JO, &card, "deliver_directory_link").await;
        let told = bot.slack.last_text();
        assert!(
            told.contains(why) && told.contains(NOTHING),
            "{message}: {told}"
        );
        assert_eq!(log.lines_with(message).len(), 1, "{message}");
    }
}

/// Applications whose offline tokens could not be ended are named, beside the sessions, which ended.
#[tokio::test(flavor = "multi_thread")]
async fn applications_that_live_on_are_named() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    fake.set_realm(|realm| realm.keeps_offline_tokens = true);
    let bot = fake.bot().await;
    let result = reset(&bot, "inj").await;
    let told = text_of(&result);
    assert_eq!((fake.sessions("inj"), fake.offline("inj")), (0, 2));
    assert!(
        told.contains("signed out, but mail-app, drive-app may live on (offline tokens) ✗")
            && told.contains("Applications may stay signed in."),
        "{told}"
    );
    assert!(!told.contains("signing out failed"), "{told}");
    // The same button tries it again.
    fake.set_realm(|realm| realm.keeps_offline_tokens = false);
    bot.click(JO, &result, "retry_sign_out").await;
    let told = bot.slack.last_text();
    assert!(told.contains("signed out ✓"), "{told}");
    assert_eq!(fake.offline("inj"), 0);
}

/// Why a change was refused is in the log, also where the chat has words of its own for it.
#[tokio::test]
async fn why_a_password_was_refused_is_in_the_log() {
    let (log, _guard) = Log::start();
    let fake = Fake::start(web::Kind::Keycloak).await;
    fake.set_realm(|realm| realm.policy = "regexPattern(^x$)".to_owned());
    let result = reset(&fake.bot().await, "eli").await;
    assert!(text_of(&result).contains(NOTHING), "{}", text_of(&result));
    let lines = log.lines_with("invalidPasswordRegexPatternMessage");
    assert_eq!(lines.len(), 1, "{lines:?}");
}

/// A realm that asks nobody for a new password could; that it does not is told before and after.
#[tokio::test(flavor = "multi_thread")]
async fn a_realm_that_does_not_ask_is_told_as_that() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    fake.set_realm(|realm| realm.asks = false);
    let bot = fake.bot().await;
    let told = card_text(&bot, "eli").await;
    assert!(
        told.contains("does not ask them to set a new password") && !told.contains("can't make"),
        "{told}"
    );
    let told = text_of(&reset(&bot, "eli").await);
    assert!(told.contains(NOT_ASKED), "{told}");
    // The same where it is switched off between the card and the change.
    fake.set_realm(|realm| realm.asks = true);
    let bot = fake.bot().await;
    card_text(&bot, "ann").await;
    fake.set_realm(|realm| realm.asks = false);
    let told = text_of(&reset(&bot, "ann").await);
    assert!(told.contains(NOT_ASKED), "{told}");
}

/// Each fault of the token has words of its own in `relatch check`.
#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_token_are_told_apart() {
    const BAD: &str = "Invalid client or Invalid client credentials";
    for (status, error, described, why) in [
        (401, "unauthorized_client", BAD, "refuses client_secret"),
        (
            401,
            "invalid_client",
            BAD,
            "no client of the name in client_id",
        ),
        (
            401,
            "unauthorized_client",
            "Client not enabled to retrieve service account",
            "has no service account",
        ),
        (
            404,
            "Realm does not exist",
            "",
            "no realm of the name in realm",
        ),
        (
            403,
            "access_denied",
            "Realm not enabled",
            "the realm is disabled",
        ),
        (403, "invalid_request", "HTTPS required", "asks for https"),
        (404, "HTTP 404 Not Found", "", "is not Keycloak"),
        (301, "", "", "leads elsewhere"),
        (308, "", "", "leads elsewhere"),
    ] {
        let fake = Fake::start(web::Kind::Keycloak).await;
        fake.refuse_tokens(status, error, described);
        let bot = fake.bot().await;
        let checked = bot.app.directories.remote().next().unwrap().probe().await;
        assert!(
            checked.as_ref().is_err_and(|told| told.text.contains(why)),
            "{error}: {checked:?}"
        );
    }
}

/// An account of another system has a password of this realm once somebody has set one in the mode UNSYNCED.
async fn a_password_of_its_own_is_reset_here(fake: &Fake) {
    let bot = fake.bot().await;
    let told = card_text(&bot, "uns").await;
    assert!(
        told.contains("counts in Corp directory only; another system keeps its own"),
        "{told}"
    );
    let told = text_of(&reset(&bot, "uns").await);
    assert!(told.contains("tell them now"), "{told}");
    assert!(
        told.contains("counts in this directory only; another system keeps its own"),
        "{told}"
    );
    for told in [
        card_text(&bot, "eli").await,
        text_of(&reset(&bot, "psk").await),
    ] {
        assert!(!told.contains("another system"), "{told}");
    }
}

/// S9: whose password lies in another system, or who has none.
async fn a_password_kept_elsewhere_is_refused_with_where_to_go(fake: &Fake) {
    let bot = fake.bot().await;
    let told = card_text(&bot, "fed").await;
    assert!(
        told.contains("kept by another system") && told.contains("Reset it where it is kept"),
        "{told}"
    );
    // In the modes UNSYNCED and WRITABLE Keycloak would take a password.
    assert!(!told.contains("follows it"), "{told}");
    let told = card_text(&bot, "idp").await;
    assert!(
        told.contains("single sign-on") && told.contains(NOTHING),
        "{told}"
    );
}

/// A phone that is written without its country code is read with `default_country` where it fits, which is told, and is told
/// where it does not: on the card and by `relatch check`.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_without_a_country_code_is_told() {
    let fake = Fake::start(web::Kind::Keycloak).await;
    for (name, phone, button, told) in [
        ("eli", "+82 10-1234-5699", Some("+82 ··· ··99"), None),
        (
            "ann",
            "010-1234-5688",
            Some("+82 ··· ··88"),
            Some("Their phone has no country code in Corp directory. I read it as a number of KR."),
        ),
        (
            "mal",
            "0151 23456789",
            None,
            Some("Their phone 0151… has no country code and is no number of KR."),
        ),
        (
            "loc",
            "+49 30 123456",
            None,
            Some("Their phone +493… cannot receive an SMS."),
        ),
    ] {
        fake.set_phone(name, phone);
        let bot = fake.bot().await;
        let card = bot.command(JO, &email(name)).await.json();
        let text = text_of(&card);
        assert!(button_value(&card, "cancel").is_some(), "{text}");
        assert_eq!(
            button_value(&card, "deliver_phone").is_some(),
            button.is_some(),
            "{text}"
        );
        if let Some(masked) = button {
            assert!(text.contains(masked), "{text}");
        }
        match told {
            Some(told) => assert!(text.contains(told), "{text}"),
            None => assert!(!text.contains("Their phone"), "{text}"),
        }
        let settings = fake.own_settings();
        let settings: Vec<String> = settings
            .lines()
            .map(|line| match line.split_once(" = ") {
                Some(("check_account", _)) => format!("check_account = \"{}\"", email(name)),
                _ => line.to_owned(),
            })
            .collect();
        let bot = TestBot::with_directory(&settings.join("\n")).await;
        let warnings = bot
            .app
            .directories
            .remote()
            .next()
            .unwrap()
            .warnings()
            .await;
        let warns = warnings
            .iter()
            .any(|text| text.contains("has no country code") || text.contains("no SMS can reach"));
        assert_eq!(warns, told.is_some(), "{name}: {warnings:?}");
    }
}
