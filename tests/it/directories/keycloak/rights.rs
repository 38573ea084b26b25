//! What relatch's client may do in Keycloak: told as lasting in chat, and tried by `relatch check` before anybody needs it.

use relatch::surface::directory::Backend;
use relatch::surface::domain::State;

use super::super::{JO, NOTHING, card_text, email, ended, reset};
use crate::support::TestBot;
use crate::support::directories::web::{Fake, Kind};
use crate::support::directories::{OLD, SignIn, World};
use crate::support::slack::text_of;

/// The settings without the account that `relatch check` looks up.
fn without_account(settings: &str) -> String {
    let lines = settings.lines();
    let other: Vec<&str> = lines
        .filter(|line| !line.starts_with("check_account"))
        .collect();
    other.join("\n")
}

async fn probed(settings: &str) -> Result<(), String> {
    let bot = TestBot::with_directory(settings).await;
    let probed = bot.app.directories.remote().next().unwrap().probe().await;
    probed.map_err(|found| found.text)
}

/// A 401 that a fresh token does not end, and a 403, stay until somebody changes something; a 500 may pass.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_stays_is_told_as_that() {
    for (status, words) in [
        (401, "can't use Corp directory as it is set up."),
        (403, "can't use Corp directory as it is set up."),
        // A proxy in front of it that knows the server by another address.
        (302, "can't use Corp directory as it is set up."),
        (503, "Corp directory doesn't answer."),
    ] {
        let fake = Fake::start(Kind::Keycloak).await;
        fake.set_realm(|realm| realm.refusal = Some(status));
        let bot = fake.bot().await;
        // However often: the directory is not given up for a while, which would be told as a passing fault.
        for _ in 0..4 {
            let told = card_text(&bot, "eli").await;
            assert!(
                told.contains(words) && told.contains(NOTHING) && told.contains("(ref "),
                "{status}: {told}"
            );
            assert!(told.chars().count() <= 350, "{told}");
        }
        if status == 401 {
            let tokens = fake.asked();
            let fresh = tokens.iter().filter(|call| call.ends_with("/token"));
            assert!(fresh.count() >= 2, "no fresh token was tried: {tokens:#?}");
        }
    }
}

/// The same where it begins between the card and the change.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_stays_stops_the_act() {
    let fake = Fake::start(Kind::Keycloak).await;
    let bot = fake.bot().await;
    let card = bot.command(JO, &email("eli")).await.json();
    bot.click(JO, &card, "deliver_copy").await;
    let look = bot.slack.last();
    fake.set_realm(|realm| realm.refusal = Some(401));
    bot.click(JO, &look, "confirm").await;
    let told = text_of(&bot.slack.last());
    assert!(
        told.contains("can't use Corp directory as it is set up.") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(ended(&bot).await, (State::Refused, true));
    assert_eq!(fake.sign_in("eli", OLD).await, SignIn::In);
}

/// A redirect may come after the change: then nobody says that nothing was changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_at_the_change_is_no_definite_no() {
    let fake = Fake::start(Kind::Keycloak).await;
    let bot = fake.bot().await;
    fake.redirect_after_change();
    let told = text_of(&reset(&bot, "eli").await);
    assert!(!told.contains(NOTHING), "{told}");
    assert_eq!(ended(&bot).await, (State::Unknown, false));
    assert_ne!(fake.sign_in("eli", OLD).await, SignIn::In);
}

/// A refused token is lasting where somebody has to put it right, and passing where the server is not up.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_told_as_what_it_is() {
    for (status, error, told, is_lasting) in [
        (
            401,
            "unauthorized_client",
            "Invalid client or Invalid client credentials",
            true,
        ),
        (404, "Realm does not exist", "", true),
        (403, "access_denied", "Realm not enabled", true),
        (301, "", "", true),
        (307, "", "", true),
        (503, "unknown_error", "", false),
        (429, "unknown_error", "", false),
    ] {
        let fake = Fake::start(Kind::Keycloak).await;
        fake.refuse_tokens(status, error, told);
        let shown = card_text(&fake.bot().await, "eli").await;
        assert_eq!(
            shown.contains("can't use Corp directory as it is set up."),
            is_lasting,
            "{status}: {shown}"
        );
        assert_eq!(
            shown.contains("Try again in a few minutes."),
            !is_lasting,
            "{status}: {shown}"
        );
    }
}

/// Also where no account is named: the rights to reset, to sign out and to lift the lock are tried.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_tries_the_rights_without_an_account() {
    let fake = Fake::start(Kind::Keycloak).await;
    assert_eq!(probed(&without_account(&fake.own_settings())).await, Ok(()));
    let told = probed(&without_account(&fake.weak_settings()))
        .await
        .unwrap_err();
    assert!(told.contains("manage-users"), "{told}");
    assert_eq!(fake.changes().await, 0);
    assert_eq!(fake.sessions("eli"), 2, "somebody was signed out");
}

/// No connection comes about: each reason has words of its own in `relatch check`, and in chat a certificate is lasting,
/// while a server that is not up may come.
#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_connection_are_told_apart() {
    let fake = Fake::start(Kind::Keycloak).await;
    let settings = fake.own_settings();
    let closed = settings.lines().map(|line| match line.split_once(" = ") {
        Some(("url", _)) => "url = \"http://127.0.0.1:1\"",
        _ => line,
    });
    let closed = closed.collect::<Vec<_>>().join("\n");
    // The port of the fake has no TLS.
    let plain = settings.replacen("url = \"http://", "url = \"https://", 1);
    for (settings, why, is_lasting) in [
        (closed, "nothing listens there", false),
        (plain, "no TLS", true),
        (
            fake.settings_with_certificate("unknown").await,
            "no authority that is trusted signed its certificate",
            true,
        ),
        (
            fake.settings_with_certificate("other-name").await,
            "its certificate is for another name",
            true,
        ),
        (
            fake.settings_with_certificate("expired").await,
            "its certificate has expired",
            true,
        ),
    ] {
        let told = probed(&settings).await.unwrap_err();
        assert!(told.contains(why), "{why}: {told}");
        let shown = card_text(&TestBot::with_directory(&settings).await, "eli").await;
        assert_eq!(
            shown.contains("can't use Corp directory as it is set up."),
            is_lasting,
            "{why}: {shown}"
        );
        assert!(shown.contains(NOTHING), "{why}: {shown}");
    }
}
