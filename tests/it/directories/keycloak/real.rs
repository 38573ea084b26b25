//! What Keycloak itself does with a reset: the real server, asked and answered as in use.

mod master;
mod open_ways;
mod rights;

use std::time::Duration;

use axum::http::Method;
use relatch::surface::app::Admins;
use relatch::surface::directory::Backend;
use serde_json::json;

use super::super::{JO, NOTHING, all, card_text, email, reset};
use crate::support::directories::keycloak::Keycloak;
use crate::support::directories::{OLD, SignIn, World, proxy};
use crate::support::slack::{button_value, shown_password, text_of};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn keycloak_itself() {
    all(Keycloak::start().await).await;
}

/// A logout leaves offline tokens alive, with which an application goes on for months.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_reset_ends_offline_tokens() {
    let server = Keycloak::start().await;
    let online = server.refresh_token("eli", OLD, false).await;
    let offline = server.refresh_token("eli", OLD, true).await;
    assert!(server.lives(&online).await && server.lives(&offline).await);
    let told = text_of(&reset(&server.bot().await, "eli").await);
    assert!(told.contains("signed out ✓"), "{told}");
    assert!(!server.lives(&online).await, "a session lives on");
    assert!(!server.lives(&offline).await, "an offline token lives on");
}

/// An application that does not answer Keycloak's backchannel logout keeps neither the lock nor the sessions.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn an_application_that_hangs_at_logout_keeps_no_lock() {
    let server = Keycloak::start().await;
    let (address, _held) = proxy::hang().await;
    let app = server.client("app").await;
    let url = format!("http://{address}/logout");
    let change = json!({ "attributes": { "backchannel.logout.url": url } });
    server
        .admin(Method::PUT, &format!("corp/clients/{app}"), Some(change))
        .await;
    let online = server.refresh_token("loc", OLD, false).await;
    server.lock("loc").await;
    assert_eq!(server.sign_in("loc", OLD).await, SignIn::Refused);
    let result = reset(&server.bot().await, "loc").await;
    let told = text_of(&result);
    let password = shown_password(&result).expect("a password");
    assert_eq!(
        server.sign_in("loc", &password).await,
        SignIn::MustChange,
        "{told}"
    );
    assert!(told.contains("signed out ✓"), "{told}");
    assert!(!server.lives(&online).await, "a session lives on");
}

/// Where the realm has switched `UPDATE_PASSWORD` off, Keycloak keeps the mark and asks nobody.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_realm_that_asks_for_no_new_password_is_told() {
    let server = Keycloak::start().await;
    let path = "corp/authentication/required-actions/UPDATE_PASSWORD";
    let mut action = server.admin(Method::GET, path, None).await;
    action["enabled"] = json!(false);
    server.admin(Method::PUT, path, Some(action)).await;
    let bot = server.bot().await;
    let card = bot.command(JO, &email("eli")).await.json();
    let told = text_of(&card);
    assert!(
        told.contains("does not ask them to set a new password"),
        "{told}"
    );
    assert!(button_value(&card, "deliver_directory_link").is_none());
    let result = reset(&bot, "eli").await;
    let told = text_of(&result);
    let password = shown_password(&result).expect("a password");
    assert_eq!(server.sign_in("eli", &password).await, SignIn::In);
    assert!(
        told.contains("the directory does not ask for a new one"),
        "{told}"
    );
}

/// Without a mail server the realm can send no link of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_link_that_cannot_be_sent_is_told_as_that() {
    let server = Keycloak::start().await;
    let bot = server.bot().await;
    let card = bot.command(JO, &email("eli")).await.json();
    assert!(
        button_value(&card, "deliver_directory_link").is_none(),
        "the button is there without a mail server"
    );
    // A mail server that hangs up is a definite no: nothing was sent.
    let (address, _seen) = proxy::hang_up().await;
    server
        .set_realm(json!({ "smtpServer": {
            "host": "127.0.0.1", "port": address.port().to_string(), "from": "it@corp.example" } }))
        .await;
    let bot = server.bot().await;
    let card = bot.command(JO, &email("eli")).await.json();
    bot.click(JO, &card, "deliver_directory_link").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("refuses this reset")
            && told.contains("mail server")
            && told.contains(NOTHING),
        "{told}"
    );
}

/// `relatch check` says why a button is missing, what is not asked, who is not seen and which attribute is not shown.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_check_tells_what_the_realm_lacks() {
    let server = Keycloak::start().await;
    let warnings = async |settings: String| {
        let bot = crate::support::TestBot::with_directory(&settings).await;
        let home = bot.app.directories.remote().next().unwrap();
        home.probe().await.unwrap();
        home.warnings().await.join("\n")
    };
    let told = warnings(server.own_settings()).await;
    assert!(told.contains("no mail server"), "{told}");
    for absent in ["Update Password", "fine-grained", "user profile"] {
        assert!(!told.contains(absent), "{told}");
    }
    let mail = json!({ "host": "127.0.0.1", "from": "it@corp.example" });
    server
        .set_realm(json!({ "smtpServer": mail, "adminPermissionsEnabled": true }))
        .await;
    let path = "corp/authentication/required-actions/UPDATE_PASSWORD";
    let mut action = server.admin(Method::GET, path, None).await;
    action["enabled"] = json!(false);
    server.admin(Method::PUT, path, Some(action)).await;
    let settings = server.own_settings();
    let other: Vec<&str> = settings
        .lines()
        .filter(|line| !line.starts_with("phone_attribute"))
        .chain(["phone_attribute = \"mobile\""])
        .collect();
    let told = warnings(other.join("\n")).await;
    for present in ["Update Password", "fine-grained", "attribute mobile"] {
        assert!(told.contains(present), "{told}");
    }
    assert!(!told.contains("no mail server"), "{told}");
}

/// What the realm asks for is met, up to a sign-in with the password at the server's own page.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_policy_that_can_be_met_is_met() {
    let server = Keycloak::start().await;
    for (name, policy) in [
        ("eli", "length(12)"),
        ("pol", "digits(4) and upperCase(2) and lowerCase(2)"),
        (
            "ann",
            "digits(7) and maxLength(9) and notUsername(undefined)",
        ),
    ] {
        server.set_realm(json!({ "passwordPolicy": policy })).await;
        let result = reset(&server.bot().await, name).await;
        let password =
            shown_password(&result).unwrap_or_else(|| panic!("{policy}: {}", text_of(&result)));
        assert_eq!(
            server.sign_in(name, &password).await,
            SignIn::MustChange,
            "{policy}"
        );
    }
    server
        .set_realm(json!({ "passwordPolicy": "length(10) and specialChars(2)" }))
        .await;
    let settings = server.own_settings();
    let bot = crate::support::TestBot::with_directory_and_symbols(&settings).await;
    let result = reset(&bot, "mal").await;
    let password = shown_password(&result).unwrap_or_else(|| panic!("{}", text_of(&result)));
    assert_eq!(server.sign_in("mal", &password).await, SignIn::MustChange);
}

/// Every kind of rule that this version has is one that relatch knows.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn the_kinds_of_rules_are_known() {
    let server = Keycloak::start().await;
    let kinds = server.policy_kinds().await;
    assert!(kinds.contains(&"specialChars".to_owned()), "{kinds:?}");
    let rules: Vec<String> = kinds
        .iter()
        .filter(|kind| {
            !["hashAlgorithm", "regexPattern", "passwordBlacklist"].contains(&kind.as_str())
        })
        .map(|kind| format!("{kind}(1)"))
        .collect();
    server
        .set_realm(json!({ "passwordPolicy": rules.join(" and ").replace("maxLength(1)", "maxLength(64)") }))
        .await;
    let bot = crate::support::TestBot::with_directory_and_symbols(&server.own_settings()).await;
    let home = bot.app.directories.remote().next().unwrap();
    home.probe().await.unwrap();
    let told = home.warnings().await.join("\n");
    assert!(!told.contains("nobody can say in advance"), "{told}");
}

/// What no generated password can meet is told in Keycloak's own words, and not as a length that can be raised.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_policy_that_cannot_be_met_is_told_as_it_is() {
    let server = Keycloak::start().await;
    for (policy, why, helps) in [
        ("maxLength(7)", "maximum length 7", "whoever runs Keycloak"),
        ("length(30)", "minimum length 30", "whoever runs Keycloak"),
        (
            "regexPattern(^x$)",
            "fails to match regex pattern",
            "whoever runs Keycloak",
        ),
        (
            "specialChars(1)",
            "must contain at least 1 special characters",
            "policy.password_symbols = true",
        ),
    ] {
        server.set_realm(json!({ "passwordPolicy": policy })).await;
        let told = text_of(&reset(&server.bot().await, "eli").await);
        assert!(
            told.contains(why) && told.contains(helps) && told.contains(NOTHING),
            "{policy}: {told}"
        );
        assert!(!told.contains("can be raised"), "{policy}: {told}");
        assert_eq!(server.sign_in("eli", OLD).await, SignIn::In, "{policy}");
    }
}

/// The rights of a reset are tried where the settings name nobody, and nothing is left behind.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_check_tries_the_rights_without_an_account() {
    let server = Keycloak::start().await;
    let online = server.refresh_token("ann", OLD, false).await;
    let probed = async |settings: String| {
        let lines = settings.lines();
        let other: Vec<&str> = lines
            .filter(|line| !line.starts_with("check_account"))
            .collect();
        let bot = crate::support::TestBot::with_directory(&other.join("\n")).await;
        bot.app.directories.remote().next().unwrap().probe().await
    };
    assert_eq!(probed(server.own_settings()).await, Ok(()));
    let told = probed(server.weak_settings()).await.unwrap_err().text;
    assert!(told.contains("manage-users"), "{told}");
    assert!(server.lives(&online).await, "somebody was signed out");
    assert_eq!(server.changes().await, 0);
}

/// An account that too many failed sign-ins have locked for good is told as that.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn an_account_locked_for_good_is_told() {
    let server = Keycloak::start().await;
    server.set_realm(json!({ "permanentLockout": true })).await;
    server.lock("loc").await;
    assert_eq!(server.sign_in("loc", OLD).await, SignIn::Refused);
    let told = card_text(&server.bot().await, "loc").await;
    assert!(
        told.contains("locked after too many failed sign-ins") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(server.changes().await, 0);
}

/// An application's own account has no password, and its e-mail may be anybody's.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_service_account_is_refused_at_the_card() {
    let server = Keycloak::start().await;
    let told = card_text(&server.bot().await, "job").await;
    assert!(
        told.contains("account of an application") && told.contains(NOTHING),
        "{told}"
    );
}

/// A misspelt role protects nobody, so nobody is reset.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_role_that_is_not_there_stops_everything() {
    let server = Keycloak::start().await;
    for key in [
        "protected_roles",
        "primary_admin_roles",
        "member_and_department_roles",
    ] {
        for role in ["amdin", "realm-management/mange-users", "nothing/at-all"] {
            let settings = format!("{}\n{key} = [\"{role}\"]", server.own_settings());
            let bot = crate::support::TestBot::with_directory(&settings).await;
            let told = card_text(&bot, "eli").await;
            assert!(
                told.contains("can't use Corp directory as it is set up.")
                    && told.contains(NOTHING),
                "{key} {role}: {told}"
            );
            let home = bot.app.directories.remote().next().unwrap();
            let checked = home.probe().await.unwrap_err().text;
            assert!(checked.contains(role), "{checked}");
        }
    }
}

/// A role of an application protects as one of the realm does.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_role_of_an_application_can_be_named() {
    let server = Keycloak::start().await;
    let app = server.client("app").await;
    let roles = format!("corp/clients/{app}/roles");
    server
        .admin(Method::POST, &roles, Some(json!({ "name": "auditor" })))
        .await;
    let role = server
        .admin(Method::GET, &format!("{roles}/auditor"), None)
        .await;
    let mappings = format!(
        "corp/users/{}/role-mappings/clients/{app}",
        server.id("ann").await
    );
    server
        .admin(Method::POST, &mappings, Some(json!([role])))
        .await;
    let settings = format!(
        "{}\nprotected_roles = [\"app/auditor\"]",
        server.own_settings()
    );
    let bot = crate::support::TestBot::with_directory(&settings).await;
    let told = card_text(&bot, "ann").await;
    assert!(
        told.contains("is protected") && told.contains(NOTHING),
        "{told}"
    );
    assert!(card_text(&bot, "eli").await.contains("eli Corp"));
}

/// From a cold start, the administrator in Keycloak too, and at a second for each answer.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_slow_server_is_asked_little_and_resets() {
    let server = Keycloak::start().await;
    server
        .admin(
            Method::POST,
            "corp/roles",
            Some(json!({ "name": "it-admins" })),
        )
        .await;
    let role = server
        .admin(Method::GET, "corp/roles/it-admins", None)
        .await;
    let mappings = format!("corp/users/{}/role-mappings/realm", server.id("ann").await);
    server
        .admin(Method::POST, &mappings, Some(json!([role])))
        .await;
    let settings = format!(
        "{}\nprimary_admin_roles = [\"it-admins\"]",
        server.own_settings()
    );
    for (name, delay) in [("eli", 0), ("pol", 1)] {
        server.delay(Duration::from_secs(delay));
        let directory = Admins::Directory;
        let bot = crate::support::TestBot::with_directory_and_admins(&settings, directory).await;
        bot.slack.know(&email("ann"));
        server.asked();
        let card = bot.command(&email("ann"), &email(name)).await.json();
        bot.click(&email("ann"), &card, "deliver_copy").await;
        bot.click(&email("ann"), &bot.slack.last(), "confirm").await;
        let told = text_of(&bot.slack.last());
        let asked = server.asked();
        assert!(told.contains("tell them now"), "{told}");
        assert!(asked.len() <= 24, "{} calls: {asked:#?}", asked.len());
    }
}
