//! Discord, by the examples of its developer documentation.

use axum::http::StatusCode;
use relatch::surface::chat::{AccountKind, ApiError};
use relatch::surface::domain::{Platform, Span};
use serde_json::{Value, json};

use super::{chat, example_with, profile, relatch, text, vendor};
use crate::support::TestBot;
use crate::support::discord::{APPLICATION, GUILD, id_of, public_key};
use crate::support::slack::button_value;

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";
/// The account and the application of the examples.
const NELLY: &str = "80351110224678912";
const BABA: &str = "172150183260323840";

fn section(base: &str, application: &str) -> String {
    format!(
        "[discord]\napplication_id = \"{application}\"\nguild_id = \"{GUILD}\"\npublic_key = \"{}\"\n\
         bot_token = \"of-the-documents-1234\"\napi_url = \"{base}/api/v10/\"\n",
        hex::encode(public_key())
    )
}

/// The key of the example is no key: it has letters that are no hexadecimal digits.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_discord_succeeds() {
    let key = json!(hex::encode(public_key()));
    let told = example_with("discord/application.json", &[("/verify_key", key)]);
    let base = vendor(vec![(
        "GET /api/v10/applications/@me",
        200,
        told.to_string(),
    )])
    .await;
    let ran = relatch(&section(&base, BABA), &["check"]).await;
    assert!(ran.out.contains("ok    discord"), "{}{}", ran.out, ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_refusals_of_discord_are_read() {
    let path = format!("GET /api/v10/guilds/{GUILD}/members/{NELLY}");
    for (status, name, expected) in [
        (200, "discord/guild-member.json", Ok(AccountKind::Member)),
        (404, "discord/error.json", Ok(AccountKind::Stranger)),
        (
            401,
            "discord/error.json",
            Err(ApiError::Refused("401".to_owned())),
        ),
        (
            429,
            "discord/rate-limit.json",
            Err(ApiError::RateLimited(Span::seconds(30))),
        ),
    ] {
        let base = vendor(vec![(path.as_str(), status, text(name))]).await;
        let account = profile(&chat(&section(&base, APPLICATION)), NELLY).await;
        assert_eq!(
            account.map(|account| account.kind),
            expected,
            "{status} {name}"
        );
    }
}

/// The command of the example is not ours, so it goes, and ours comes.
#[tokio::test(flavor = "multi_thread")]
async fn commands_of_discord_are_read() {
    let path = format!("GET /api/v10/applications/{APPLICATION}/guilds/{GUILD}/commands");
    let base = vendor(vec![(path, 200, text("discord/commands.json"))]).await;
    let words = &["register", "discord", "--dry-run"];
    let ran = relatch(&section(&base, APPLICATION), words).await;
    assert!(
        ran.out.contains("- blep") && ran.out.contains("+ reset-password"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_of_discord_is_answered() {
    let bot = TestBot::new().await;
    let answer = bot.post_to_discord(text("discord/ping.json")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["type"], 1);
}

/// What of an interaction can only be ours.
fn ours<'a>(data: &[(&'a str, Value)]) -> Vec<(&'a str, Value)> {
    let mut ours = vec![
        ("/guild_id", json!(GUILD)),
        ("/application_id", json!(APPLICATION)),
        ("/member/user/id", json!(id_of(JO))),
    ];
    ours.extend_from_slice(data);
    ours
}

/// The example of a slash command does not name the application.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_discord_is_read() {
    let bot = TestBot::new().await;
    bot.on(Platform::Discord);
    let sent = example_with(
        "discord/slash-command.json",
        &[
            ("/guild_id", json!(GUILD)),
            ("/member/user/id", json!(id_of(JO))),
            ("/data/name", json!("reset-password")),
            ("/data/options/0/name", json!("words")),
            ("/data/options/0/value", json!("help")),
        ],
    );
    let told = bot.post_to_discord(sent.to_string()).await.text();
    assert!(told.contains("/reset-password"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_of_discord_is_read() {
    let bot = TestBot::new().await;
    bot.on(Platform::Discord);
    let data = [
        ("/data/name", json!("Reset password")),
        ("/data/target_id", json!(id_of(MINA))),
    ];
    let sent = example_with("discord/user-command.json", &ours(&data));
    let told = bot.post_to_discord(sent.to_string()).await.text();
    assert!(told.contains("Mina Park"), "{told}");
    bot.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_and_a_form_of_discord_are_read() {
    let bot = TestBot::new().await;
    let card = bot.on(Platform::Discord).card(JO, MINA).await;
    let value = button_value(&card, "deliver_other").unwrap();
    let id = json!(format!("deliver_other:{value}"));
    let sent = example_with("discord/button.json", &ours(&[("/data/custom_id", id)]));
    let answer = bot.post_to_discord(sent.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let view = bot.slack.last_view();
    let part = |name: &str| view[name].as_str().unwrap().to_owned();
    let id = format!("{}:{}", part("callback_id"), part("private_metadata"));
    let data = [
        ("/data/custom_id", json!(id)),
        ("/data/components/0/component/custom_id", json!("value")),
        ("/data/components/0/component/value", json!("x")),
    ];
    let sent = example_with("discord/modal-submit.json", &ours(&data));
    let answer = bot.post_to_discord(sent.to_string()).await;
    bot.settle().await;
    let refusal = answer.refusal_of_form();
    assert!(refusal.contains("Nothing was changed."), "{refusal}");
}
