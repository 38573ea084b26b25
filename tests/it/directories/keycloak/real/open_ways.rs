//! What can still set a password at Keycloak itself after a reset, and what it asks for beside the password.

use axum::http::Method;
use relatch::surface::domain::Span;
use serde_json::{Value, json};

use super::{JO, card_text, email, reset};
use crate::support::TestBot;
use crate::support::directories::keycloak::Keycloak;
use crate::support::directories::mail::Mailbox;
use crate::support::directories::{CHOSEN, OLD, SignIn, World};
use crate::support::slack::{shown_password, text_of};

const LOOKS: &str = "I look 1, 10 and 60 minutes after the reset";

/// A minute later relatch looks; what it says then.
async fn after_a_look(bot: &TestBot) -> String {
    bot.clock.advance(Span::minutes(1));
    bot.sweep().await;
    // It goes on to look: somebody else may set another.
    assert_eq!(bot.count("reset where look_at is not null").await, 1);
    bot.slack.last_text()
}

/// A link that was sent before a reset sets a password after it: it is told before, and seen.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_link_outlives_a_reset_and_its_use_is_seen() {
    let server = Keycloak::start().await;
    let (address, mailbox) = Mailbox::start().await;
    let mail = json!({ "host": "127.0.0.1", "port": address.port().to_string(), "from": "it@corp.example" });
    server.set_realm(json!({ "smtpServer": mail })).await;
    let bot = server.bot().await;
    let card = bot.command(JO, &email("eli")).await.json();
    bot.click(JO, &card, "deliver_directory_link").await;
    let told = bot.slack.last_text();
    assert!(told.contains("sends eli Corp its own link"), "{told}");
    let card = card_text(&bot, "eli").await;
    assert!(
        card.contains("A link sent at ") && card.contains("still works until"),
        "{card}"
    );
    let result = text_of(&reset(&bot, "eli").await);
    assert!(
        result.contains("still works until") && result.contains(LOOKS),
        "{result}"
    );
    let mut browser = server.browser("openid").await;
    browser.follow(&mailbox.link()).await;
    browser.set_password(CHOSEN).await;
    assert_eq!(
        server.sign_in("eli", CHOSEN).await,
        SignIn::In,
        "the link is dead"
    );
    let told = after_a_look(&bot).await;
    assert!(
        told.contains("eli Corp set a new password at") && told.contains("run the command again"),
        "{told}"
    );
}

/// Who is locked after failed sign-ins and sets a password by the link can sign in at once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_link_lifts_the_lock() {
    let server = Keycloak::start().await;
    let (address, mailbox) = Mailbox::start().await;
    let mail = json!({ "host": "127.0.0.1", "port": address.port().to_string(), "from": "it@corp.example" });
    server.set_realm(json!({ "smtpServer": mail })).await;
    server.lock("loc").await;
    assert_eq!(server.sign_in("loc", OLD).await, SignIn::Refused);
    let bot = server.bot().await;
    let card = bot.command(JO, &email("loc")).await.json();
    bot.click(JO, &card, "deliver_directory_link").await;
    let told = bot.slack.last_text();
    assert!(told.contains("sends loc Corp its own link"), "{told}");
    assert_eq!(server.sign_in("loc", OLD).await, SignIn::In, "locked");
    let mut browser = server.browser("openid").await;
    browser.follow(&mailbox.link()).await;
    browser.set_password(CHOSEN).await;
    assert_eq!(server.sign_in("loc", CHOSEN).await, SignIn::In);
}

/// A page that was opened with the password of one reset sets another after the next reset.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn an_open_page_outlives_a_reset_and_its_use_is_seen() {
    let server = Keycloak::start().await;
    let bot = server.bot().await;
    let first = shown_password(&reset(&bot, "ann").await).expect("a password");
    let mut browser = server.browser("openid").await;
    browser
        .submit(&[("username", "ann"), ("password", &first)])
        .await;
    bot.clock.advance(Span::seconds(30));
    let card = card_text(&bot, "ann").await;
    assert!(
        card.contains("A page that was opened with it can still set a new one"),
        "{card}"
    );
    let second = shown_password(&reset(&bot, "ann").await).expect("a password");
    browser.set_password(CHOSEN).await;
    assert_eq!(
        server.sign_in("ann", CHOSEN).await,
        SignIn::In,
        "the page is dead"
    );
    assert_eq!(server.sign_in("ann", &second).await, SignIn::Refused);
    let told = after_a_look(&bot).await;
    assert!(told.contains("ann Corp set a new password at"), "{told}");
}

/// The member does what they are asked to.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn a_password_that_the_member_sets_is_seen_once() {
    let server = Keycloak::start().await;
    let bot = server.bot().await;
    let password = shown_password(&reset(&bot, "eli").await).expect("a password");
    bot.clock.advance(Span::minutes(1));
    bot.sweep().await;
    assert_eq!(bot.count("reset where set_again_at is not null").await, 0);
    server.change_own("eli", &password).await;
    bot.clock.advance(Span::minutes(9));
    bot.sweep().await;
    let told = bot.slack.last_text();
    assert!(told.contains("they did what they were asked"), "{told}");
    let said = bot.slack.said().len();
    bot.clock.advance(Span::minutes(51));
    bot.sweep().await;
    assert_eq!(bot.slack.said().len(), said);
}

/// What is said of a second factor is what the sign-in does.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Keycloak"]
async fn second_factors_are_told_as_they_are() {
    let server = Keycloak::start().await;
    let alone = "the password alone lets anybody in";
    for (name, told, in_result, sign_in) in [
        ("eli", alone, "no code is asked for", SignIn::MustChange),
        (
            "otp",
            "also asks them for a one-time code",
            "is asked for a one-time code too",
            SignIn::AsksForCode,
        ),
        ("key", alone, "no code is asked for", SignIn::MustChange),
        (
            "psk",
            "They have a passkey.",
            "They have a passkey.",
            SignIn::MustChange,
        ),
    ] {
        let bot = server.bot().await;
        let card = card_text(&bot, name).await;
        assert!(card.contains(told), "{name}: {card}");
        assert_eq!(card.contains(alone), name != "otp", "{name}: {card}");
        let result = reset(&bot, name).await;
        assert!(text_of(&result).contains(in_result), "{}", text_of(&result));
        let password = shown_password(&result).expect("a password");
        assert_eq!(server.sign_in(name, &password).await, sign_in, "{name}");
    }
    use_a_flow_without_a_code(&server).await;
    let bot = server.bot().await;
    let card = card_text(&bot, "otp").await;
    assert!(
        card.contains("does not ask for it") && card.contains(alone),
        "{card}"
    );
    let password = shown_password(&reset(&bot, "otp").await).expect("a password");
    assert_eq!(server.sign_in("otp", &password).await, SignIn::MustChange);
}

/// A copy of the browser flow that asks for no code, as the realm's own.
async fn use_a_flow_without_a_code(server: &Keycloak) {
    let copy = json!({ "newName": "without a code" });
    let path = "corp/authentication/flows/browser/copy";
    server.admin(Method::POST, path, Some(copy)).await;
    let path = "corp/authentication/flows/without%20a%20code/executions";
    let executions = server.admin(Method::GET, path, None).await;
    let all = executions.as_array().unwrap();
    let is_second = |one: &&Value| {
        let name = one["displayName"].as_str();
        name.is_some_and(|name| name.ends_with("Conditional 2FA"))
    };
    let mut second = all.iter().find(is_second).unwrap().clone();
    second["requirement"] = json!("DISABLED");
    server.admin(Method::PUT, path, Some(second)).await;
    server
        .set_realm(json!({ "browserFlow": "without a code" }))
        .await;
}
