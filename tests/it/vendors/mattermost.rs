//! Mattermost, by the examples of its developer documentation, its `OpenAPI` file and its server's own types.

use relatch::surface::chat::AccountKind;
use relatch::surface::domain::{Platform, Role};
use serde_json::{Value, json};

use super::{chat, example_with, form_with, profile, relatch, text, vendor};
use crate::support::TestBot;
use crate::support::mattermost::{CHANNEL, TOKEN, hook_id, id_of, trigger};
use crate::support::slack::button_value;

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";
/// The account and the team of the examples.
const SOMEBODY: &str = "4xp9fdt77pncbef59f4k1qe83o";
pub(super) const TEAM: &str = "GET /api/v4/teams/5xxzt146eax4tul69409opqjlf";

/// The only element of an example's list.
pub(super) fn one_of(name: &str) -> String {
    super::example(name)[0].to_string()
}

pub(super) fn section(base: &str) -> String {
    section_with(base, TOKEN)
}

fn section_with(base: &str, token: &str) -> String {
    format!(
        "[mattermost]\nurl = \"{base}\"\ncommand_tokens = [\"{token}\"]\nbot_token = \"of-the-documents-1234\"\n"
    )
}

/// What `check` asks for, each answered with its whole example.
pub(super) fn answers_to_check() -> Vec<(&'static str, u16, String)> {
    vec![
        (
            "GET /api/v4/config/client",
            200,
            text("mattermost/config-client.json"),
        ),
        ("GET /api/v4/config", 200, text("mattermost/config.json")),
        ("GET /api/v4/users/me", 200, text("mattermost/user.json")),
        (
            "POST /api/v4/roles/names",
            200,
            text("mattermost/roles.json"),
        ),
        ("GET /api/v4/teams", 200, text("mattermost/teams.json")),
        (
            "GET /api/v4/commands",
            200,
            format!("[{}]", text("mattermost/command.json")),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_mattermost_succeeds() {
    let base = vendor(answers_to_check()).await;
    let command = super::example("mattermost/command.json");
    let token = command["token"].as_str().unwrap();
    let ran = relatch(&section_with(&base, token), &["check"]).await;
    let told: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| line.contains("mattermost"))
        .collect();
    let is_wrong = |line: &&&str| !line.starts_with("ok ");
    // The example's SiteURL is another server than the one of this test.
    let wrong: Vec<&&str> = told.iter().filter(is_wrong).collect();
    assert!(
        told.contains(&"ok    mattermost")
            && wrong.len() == 1
            && wrong[0].contains("the server's SiteURL is https://chat.acme.example"),
        "{}{}",
        ran.out,
        ran.err
    );
    for line in [
        "accounts with a password of this server are recognised by e-mail",
        "accounts of ldap and saml are recognised by e-mail",
    ] {
        assert!(ran.out.contains(line), "{line}: {}", ran.out);
    }
}

/// Each thing that `check` reads in these answers is found where its example has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_reads_the_whole_answers_of_mattermost() {
    let with =
        |name: &'static str, changes: &[(&str, Value)]| example_with(name, changes).to_string();
    let client = "mattermost/config-client.json";
    let off = json!("false");
    let cases = [
        (
            "GET /api/v4/config/client",
            with(client, &[("/EnableCommands", off.clone())]),
            "slash commands are off on the server",
        ),
        (
            "GET /api/v4/config/client",
            with(client, &[("/EnablePostUsernameOverride", off.clone())]),
            "EnablePostUsernameOverride is off",
        ),
        (
            "GET /api/v4/config/client",
            with(client, &[("/RequireEmailVerification", off)]),
            "RequireEmailVerification is off",
        ),
        (
            "GET /api/v4/config",
            with(
                "mattermost/config.json",
                &[("/OpenIdSettings/Enable", json!(true))],
            ),
            "OpenIdSettings.Enable is not off",
        ),
        (
            "GET /api/v4/commands",
            format!(
                "[{}]",
                with("mattermost/command.json", &[("/method", json!("G"))])
            ),
            "the command of the team acme has the request method GET",
        ),
        (
            "POST /api/v4/roles/names",
            with(
                "mattermost/roles.json",
                &[("/1/permissions", json!(["manage_system"]))],
            ),
            "the bot lacks the permission create_post_ephemeral",
        ),
    ];
    for (asked, body, line) in cases {
        let mut answers = answers_to_check();
        answers.retain(|(known, ..)| *known != asked);
        answers.push((asked, 200, body));
        let ran = relatch(&section(&vendor(answers).await), &["check"]).await;
        assert!(ran.out.contains(line), "{line}: {}{}", ran.out, ran.err);
    }
}

/// As others see an account, and as the `OpenAPI` file has it. One of another server stands for nobody here.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_mattermost_is_read() {
    for (name, expected) in [
        (
            "mattermost/user.json",
            (AccountKind::Member, Role::PrimaryAdmin),
        ),
        (
            "mattermost/user-of-others.json",
            (AccountKind::Member, Role::PrimaryAdmin),
        ),
        (
            "mattermost/user-of-another-server.json",
            (AccountKind::Stranger, Role::Member),
        ),
    ] {
        let path = "GET /api/v4/users/4xp9fdt77pncbef59f4k1qe83o";
        let base = vendor(vec![
            (path, 200, text(name)),
            (
                "GET /api/v4/config/client",
                200,
                text("mattermost/config-client.json"),
            ),
            ("GET /api/v4/config", 200, text("mattermost/config.json")),
            ("GET /api/v4/users/me", 200, text("mattermost/user.json")),
            (
                "POST /api/v4/roles/names",
                200,
                text("mattermost/roles.json"),
            ),
        ])
        .await;
        let account = profile(&chat(&section(&base)), SOMEBODY).await.unwrap();
        assert_eq!((account.kind, account.role), expected, "{name}");
    }
}

/// The command of the example is changed where it differs from ours, and keeps its token.
#[tokio::test(flavor = "multi_thread")]
async fn commands_of_mattermost_are_read() {
    const WORDS: &[&str] = &[
        "register",
        "mattermost",
        "--team",
        "5xxzt146eax4tul69409opqjlf",
        "--dry-run",
    ];
    let list = Value::from(vec![super::example("mattermost/command.json")]);
    let base = vendor(vec![
        (TEAM, 200, one_of("mattermost/teams.json")),
        ("GET /api/v4/commands", 200, list.to_string()),
    ])
    .await;
    let ran = relatch(&section(&base), WORDS).await;
    let changed = "~ reset-password: auto_complete_desc, auto_complete_hint";
    assert!(ran.out.contains(changed), "{}{}", ran.out, ran.err);
}

/// A refusal of the server's API does not pass for an answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_mattermost_is_read() {
    const WORDS: &[&str] = &[
        "register",
        "mattermost",
        "--team",
        "5xxzt146eax4tul69409opqjlf",
    ];
    let base = vendor(vec![
        (TEAM, 200, one_of("mattermost/teams.json")),
        ("GET /api/v4/commands", 200, "[]".to_owned()),
        ("POST /api/v4/commands", 400, text("mattermost/error.json")),
    ])
    .await;
    let ran = relatch(&section(&base), WORDS).await;
    assert!(
        ran.code == 1 && ran.err.contains("nothing was changed"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_mattermost_is_read() {
    let bot = TestBot::new().await;
    let jo = id_of(JO);
    let reply = format!("{}/mm/hooks/commands/{}", bot.slack.base, hook_id(1));
    let trigger = trigger(&jo, 1, bot.clock.now());
    let ours = [
        ("response_url", reply.as_str()),
        ("text", "help"),
        ("token", TOKEN),
        ("trigger_id", &trigger),
        ("user_id", &jo),
    ];
    let body = form_with("mattermost/slash-command.form", &ours);
    let told = bot
        .post_to_mattermost("/mattermost/commands", body)
        .await
        .text();
    assert!(told.contains("/reset-password"), "{told}");
}

/// The documentation leaves out what the server sends as well, the trigger among it.
#[tokio::test(flavor = "multi_thread")]
async fn a_click_and_a_dialog_of_mattermost_are_read() {
    for name in [
        "mattermost/action.json",
        "mattermost/action-every-field.json",
    ] {
        let bot = TestBot::new().await;
        let card = bot.on(Platform::Mattermost).card(JO, MINA).await;
        let (jo, value) = (id_of(JO), button_value(&card, "deliver_other").unwrap());
        let ours = [
            ("/user_id", json!(jo)),
            ("/channel_id", json!(CHANNEL)),
            ("/trigger_id", json!(trigger(&jo, 2, bot.clock.now()))),
            ("/context/action", json!("deliver_other")),
            ("/context/value", json!(value)),
        ];
        let pressed = example_with(name, &ours).to_string();
        bot.post_to_mattermost("/mattermost/actions", pressed).await;
        bot.settle().await;
        let view = bot.slack.last_view();
        let ours = [
            ("/state", view["state"].clone()),
            ("/user_id", json!(jo)),
            ("/submission/destination", json!("x")),
        ];
        let sent = example_with("mattermost/dialog-submission.json", &ours).to_string();
        let answer = bot.post_to_mattermost("/mattermost/dialogs", sent).await;
        bot.settle().await;
        let refusal = answer.refusal_of_form();
        assert!(
            refusal.contains("Nothing was changed."),
            "{name}: {refusal}"
        );
    }
}

/// A dialog that was cancelled: the server's map of what was typed is nil, which is `null` in JSON.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_dialog_of_mattermost_is_read() {
    let bot = TestBot::new().await;
    let card = bot.on(Platform::Mattermost).card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    let view = bot.slack.last_view();
    let ours = [
        ("/state", view["state"].clone()),
        ("/user_id", json!(id_of(JO))),
        ("/submission", Value::Null),
        ("/cancelled", json!(true)),
    ];
    let sent = example_with("mattermost/dialog-submission.json", &ours).to_string();
    let answer = bot.post_to_mattermost("/mattermost/dialogs", sent).await;
    assert_eq!(answer.status, axum::http::StatusCode::OK);
}
