//! What the real server says of a token and of rights: each fault as relatch tells it, and the narrowest rights that do.

use axum::http::Method;
use relatch::surface::directory::Backend;
use serde_json::json;

use super::super::super::{NOTHING, card_text, reset};
use crate::support::TestBot;
use crate::support::directories::keycloak::Keycloak;
use crate::support::directories::{SignIn, World};
use crate::support::slack::{shown_password, text_of};

async fn probed(bot: &TestBot) -> Result<(), String> {
    let probed = bot.app.directories.remote().next().unwrap().probe().await;
    probed.map_err(|found| found.text)
}

/// Each fault of the token is made in Keycloak, told by `relatch check` and in chat, and put right again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_refused_token_is_told_as_what_it_is() {
    let server = Keycloak::start().await;
    let client = format!("corp/clients/{}", server.client("relatch").await);
    let (realm, moved) = ("corp".to_owned(), "moved".to_owned());
    for (put, change, undo, back, why) in [
        (
            &client,
            json!({ "secret": "canary-client-secret-0009" }),
            &client,
            json!({ "secret": "canary-client-secret-0001" }),
            "refuses client_secret",
        ),
        (
            &client,
            json!({ "clientId": "renamed" }),
            &client,
            json!({ "clientId": "relatch" }),
            "no client of the name in client_id",
        ),
        (
            &realm,
            json!({ "realm": "moved" }),
            &moved,
            json!({ "realm": "corp" }),
            "no realm of the name in realm",
        ),
        (
            &realm,
            json!({ "enabled": false }),
            &realm,
            json!({ "enabled": true }),
            "the realm is disabled",
        ),
        (
            &realm,
            json!({ "sslRequired": "all" }),
            &realm,
            json!({ "sslRequired": "none" }),
            "asks for https",
        ),
        // Last, because the account of the client goes with it.
        (
            &client,
            json!({ "serviceAccountsEnabled": false }),
            &client,
            json!({}),
            "has no service account",
        ),
    ] {
        assert_eq!(probed(&server.bot().await).await, Ok(()), "before: {why}");
        server.admin(Method::PUT, put, Some(change)).await;
        let bot = server.bot().await;
        let checked = probed(&bot).await;
        let told = card_text(&bot, "eli").await;
        server.admin(Method::PUT, undo, Some(back)).await;
        assert!(
            checked.as_ref().is_err_and(|told| told.contains(why)),
            "{why}: {checked:?}"
        );
        assert!(
            told.contains("can't use Corp directory as it is set up.") && told.contains(NOTHING),
            "{why}: {told}"
        );
    }
    assert_eq!(server.changes().await, 0);
}

/// `manage-users`, `query-clients` and a fine-grained permission to view the client `realm-management` (Keycloak's own test
/// `ClientResourceTypePermissionTest` makes one so); without that permission nobody is reset.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn the_narrowest_rights_do() {
    let server = Keycloak::start().await;
    let bot = TestBot::with_directory(&server.narrow_settings()).await;
    let told = card_text(&bot, "eli").await;
    assert!(
        told.contains("can't use Corp directory as it is set up.") && told.contains(NOTHING),
        "{told}"
    );
    server
        .set_realm(json!({ "adminPermissionsEnabled": true }))
        .await;
    let permissions = server.client("admin-permissions").await;
    let permissions = format!("corp/clients/{permissions}/authz/resource-server");
    let account = server.id("service-account-narrow").await;
    let policy = json!({ "name": "relatch", "users": [account], "logic": "POSITIVE" });
    server
        .admin(
            Method::POST,
            &format!("{permissions}/policy/user"),
            Some(policy),
        )
        .await;
    let view = json!({ "name": "relatch views realm-management", "resourceType": "Clients", "scopes": ["view"],
        "resources": [server.client("realm-management").await], "policies": ["relatch"] });
    server
        .admin(
            Method::POST,
            &format!("{permissions}/permission/scope"),
            Some(view),
        )
        .await;
    let bot = TestBot::with_directory(&server.narrow_settings()).await;
    assert_eq!(probed(&bot).await, Ok(()));
    // Whoever administers the realm is seen.
    let told = card_text(&bot, "grp").await;
    assert!(told.contains("is protected"), "{told}");
    let result = reset(&bot, "eli").await;
    let told = text_of(&result);
    assert!(
        told.contains("tell them now") && told.contains("signed out ✓"),
        "{told}"
    );
    let password = shown_password(&result).expect("a password");
    assert_eq!(server.sign_in("eli", &password).await, SignIn::MustChange);
}
