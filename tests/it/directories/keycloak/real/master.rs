//! The realm `master` of the real server: who administers other realms is protected without being named.

use axum::http::Method;
use serde_json::{Value, json};

use super::super::super::{NOTHING, card_text};
use crate::support::TestBot;
use crate::support::directories::keycloak::Keycloak;

/// The members that the test makes, with the role of each: none, one of the realm, or one of a client.
const MEMBERS: [(&str, Option<&str>); 5] = [
    ("m-plain", None),
    ("m-admin", Some("admin")),
    ("m-creator", Some("create-realm")),
    ("m-viewer", Some("corp-realm/view-users")),
    ("m-events", Some("master-realm/view-events")),
];

/// What the first answer of a list is known by.
async fn id(server: &Keycloak, query: &str) -> Option<String> {
    let found = server
        .admin(Method::GET, &format!("master/{query}"), None)
        .await;
    found[0]["id"].as_str().map(str::to_owned)
}

/// Deletes what the test makes: `master` outlives the realm of the other tests.
async fn clean(server: &Keycloak) {
    let users = MEMBERS.map(|(name, _)| ("users", format!("users?username={name}&exact=true")));
    let client = ("clients", "clients?clientId=relatch".to_owned());
    for (kind, query) in users.into_iter().chain([client]) {
        if let Some(id) = id(server, &query).await {
            let path = format!("master/{kind}/{id}");
            server.admin(Method::DELETE, &path, None).await;
        }
    }
}

/// Gives a user a role, written as relatch's settings write it.
async fn give(server: &Keycloak, user: &str, role: &str) {
    let (roles, mappings) = match role.split_once('/') {
        Some((client, name)) => {
            let client = id(server, &format!("clients?clientId={client}")).await;
            let client = client.expect("a client");
            (
                format!("clients/{client}/roles/{name}"),
                format!("clients/{client}"),
            )
        }
        None => (format!("roles/{role}"), "realm".to_owned()),
    };
    let found = server
        .admin(Method::GET, &format!("master/{roles}"), None)
        .await;
    let path = format!("master/users/{user}/role-mappings/{mappings}");
    server
        .admin(Method::POST, &path, Some(json!([found])))
        .await;
}

/// relatch's client in `master`, with the rights that the README names.
async fn make_client(server: &Keycloak) {
    let client = json!({ "clientId": "relatch", "secret": "canary-client-secret-0001", "publicClient": false,
        "serviceAccountsEnabled": true, "standardFlowEnabled": false });
    server
        .admin(Method::POST, "master/clients", Some(client))
        .await;
    let client = id(server, "clients?clientId=relatch")
        .await
        .expect("a client");
    let path = format!("master/clients/{client}/service-account-user");
    let account: Value = server.admin(Method::GET, &path, None).await;
    for right in ["manage-users", "view-clients", "view-realm"] {
        let role = format!("master-realm/{right}");
        give(server, account["id"].as_str().unwrap(), &role).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn who_administers_other_realms_is_protected_in_master() {
    let server = Keycloak::start().await;
    clean(&server).await;
    make_client(&server).await;
    for (name, role) in MEMBERS {
        let member = json!({ "username": name, "email": format!("{name}@corp.example"), "enabled": true,
            "firstName": name, "lastName": "Corp",
            "credentials": [{ "type": "password", "value": "Old-pass-1234" }] });
        server
            .admin(Method::POST, "master/users", Some(member))
            .await;
        let user = id(&server, &format!("users?username={name}&exact=true")).await;
        if let Some(role) = role {
            give(&server, &user.expect("a user"), role).await;
        }
    }
    let settings = server
        .own_settings()
        .replace("realm = \"corp\"", "realm = \"master\"");
    assert!(settings.contains("master"), "{settings}");
    let bot = TestBot::with_directory(&settings).await;
    let mut cards = Vec::new();
    for (name, role) in MEMBERS {
        cards.push((role, card_text(&bot, name).await));
    }
    clean(&server).await;
    for (role, told) in cards {
        let is_protected = told.contains("is protected") && told.contains(NOTHING);
        assert_eq!(is_protected, role.is_some(), "{role:?}: {told}");
        let is_card = told.contains("'s password?");
        assert_eq!(is_card, role.is_none(), "{role:?}: {told}");
    }
}
