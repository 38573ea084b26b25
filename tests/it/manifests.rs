//! The manifests against the code: commands, routes and scopes are the same, and the platform's limits are kept.

use std::collections::BTreeSet;
use std::path::Path;

use relatch::surface::chat::slack::{COMMAND_NAME, COMMANDS_ROUTE, INTERACTIONS_ROUTE};
use relatch::surface::chat::{Adapter, Message, discord, lark, mattermost};
use relatch::surface::domain::Platform;
use relatch::surface::domain::delivery::Outcome;
use serde_json::json;

use crate::support::TestBot;
use crate::support::slack::{METHODS, granted_scopes};

const SLACK: &str = include_str!("../../manifests/slack.yaml");

/// The values of a key, in order, without quotes. Our manifest has one key a line.
fn values(key: &str) -> Vec<&'static str> {
    let value = |line: &'static str| {
        line.trim()
            .trim_start_matches("- ")
            .strip_prefix(key)?
            .strip_prefix(": ")
    };
    SLACK
        .lines()
        .filter_map(value)
        .map(|value| value.trim_matches('"'))
        .collect()
}

#[test]
fn slacks_manifest_names_what_the_code_serves() {
    assert_eq!(values("command"), [COMMAND_NAME]);
    assert_eq!(
        values("url"),
        [format!("https://relatch.example{COMMANDS_ROUTE}")]
    );
    assert_eq!(
        values("request_url"),
        [format!("https://relatch.example{INTERACTIONS_ROUTE}")]
    );
    // Without it mentions arrive as text, and anybody could be named like somebody else.
    assert_eq!(values("should_escape"), ["true"]);
}

/// The method names that stand in quotes in the adapter's source, tests and comments left out.
fn slack_methods_in_source() -> BTreeSet<String> {
    const FAMILIES: [&str; 10] = [
        "api",
        "apps",
        "auth",
        "chat",
        "conversations",
        "im",
        "team",
        "usergroups",
        "users",
        "views",
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/chat/slack");
    let mut methods = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() || path.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for literal in code.flat_map(|line| line.split('"').skip(1).step_by(2)) {
            if let Some((family, name)) = literal.split_once('.')
                && FAMILIES.contains(&family)
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphabetic() || byte == b'.')
            {
                methods.insert(literal.to_owned());
            }
        }
    }
    methods
}

/// The manifest asks for the scopes of the methods that the program calls, and for no other: every method is called here,
/// the pretend Slack refuses one without its scope, and no further method stands in the source.
#[tokio::test(flavor = "multi_thread")]
async fn slacks_scopes_are_those_of_the_methods_that_are_called() {
    let bot = TestBot::with_admins_of_the_chat().await;
    bot.slack.change("jo@acme.example", "is_owner", json!(true));
    // A command needs `commands`; this one asks who has an email, and opens a form.
    let card = bot
        .command("jo@acme.example", "mina.park@acme.example")
        .await
        .json();
    bot.click("jo@acme.example", &card, "deliver_other").await;
    bot.slack.last_view();
    let chat = bot.app.chat(Platform::Slack).unwrap();
    assert_eq!(chat.probe().await, Ok(()));
    let told = Message {
        title: "x".to_owned(),
        ..Message::default()
    };
    assert_eq!(chat.send_direct("UJO", &told).await, Outcome::Accepted);

    let methods: BTreeSet<String> = METHODS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        bot.slack.called().into_iter().collect::<BTreeSet<_>>(),
        methods
    );
    assert_eq!(slack_methods_in_source(), methods);
    let needed: BTreeSet<&str> = METHODS
        .iter()
        .flat_map(|(_, scopes)| scopes.iter().copied())
        .chain(["commands"])
        .collect();
    assert_eq!(
        granted_scopes().into_iter().collect::<BTreeSet<_>>(),
        needed
    );
}

/// Discord, "Application Commands": names, routes and limits.
#[test]
fn discords_manifest_names_what_the_code_serves() {
    let manifest: serde_json::Value = serde_json::from_str(discord::MANIFEST).unwrap();
    let url = manifest["interactions_endpoint_url"].as_str().unwrap();
    assert_eq!(
        url,
        format!("https://relatch.example{}", discord::INTERACTIONS_ROUTE)
    );
    let commands = manifest["commands"].as_array().unwrap();
    let names: Vec<_> = commands
        .iter()
        .map(|command| (command["type"].as_u64(), command["name"].as_str()))
        .collect();
    assert_eq!(
        names,
        [
            (Some(1), Some(discord::COMMAND_NAME)),
            (Some(2), Some(discord::MENU_NAME))
        ]
    );
    for command in commands {
        // Only administrators of the server see them at first; who may is decided by relatch alone.
        assert_eq!(command["default_member_permissions"], "0");
        // Fields of global commands only; ours are registered in one server, and are nowhere else.
        assert_eq!(
            (command.get("contexts"), command.get("integration_types")),
            (None, None)
        );
        let length = |text: &serde_json::Value| text.as_str().unwrap_or_default().chars().count();
        assert!(
            (1..=32).contains(&length(&command["name"])) && length(&command["description"]) <= 100
        );
        assert_eq!(
            length(&command["description"]) > 0,
            command["type"] == 1,
            "a menu has no description"
        );
        for option in command["options"].as_array().into_iter().flatten() {
            let name = option["name"].as_str().unwrap();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()) && name.len() <= 32);
            assert!(
                (1..=100).contains(&length(&option["description"])),
                "{name}"
            );
            for choice in option["choices"].as_array().into_iter().flatten() {
                assert!(
                    (1..=100).contains(&length(&choice["name"]))
                        && (1..=100).contains(&length(&choice["value"]))
                );
            }
        }
    }
}

/// Lark, "Slash commands", "Request URL configuration", and what each call needs.
#[test]
fn larks_manifest_names_what_the_code_serves() {
    let manifest: serde_json::Value = serde_json::from_str(lark::MANIFEST).unwrap();
    assert_eq!(
        manifest["request_url"],
        format!("https://relatch.example{}", lark::EVENTS_ROUTE)
    );
    let events = manifest["events"]
        .as_array()
        .unwrap()
        .iter()
        .chain(manifest["callbacks"].as_array().unwrap());
    let answered = [lark::MESSAGE_EVENT, lark::MENU_EVENT, lark::CARD_EVENT];
    assert_eq!(events.collect::<Vec<_>>(), answered);
    let [command] = manifest["commands"].as_array().unwrap().as_slice() else {
        panic!("one command")
    };
    assert_eq!(
        format!("/{}", command["command"].as_str().unwrap()),
        lark::COMMAND_NAME
    );
    assert!(
        command["description"]["default_value"]
            .as_str()
            .unwrap()
            .chars()
            .count()
            <= 100
    );
    assert_eq!(manifest["bot_menu"][0]["event_key"], "help");
    let scopes: Vec<&str> = manifest["scopes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    for needed in [
        "im:message:send_as_bot",
        "contact:user.email:readonly",
        "application:app_slash_command:write",
    ] {
        assert!(scopes.contains(&needed), "{needed}");
    }
}

/// Mattermost, "Custom slash commands".
#[test]
fn mattermosts_manifest_names_what_the_code_serves() {
    let manifest: serde_json::Value = serde_json::from_str(mattermost::MANIFEST).unwrap();
    let url = format!("https://relatch.example{}", mattermost::COMMANDS_ROUTE);
    assert_eq!(
        (&manifest["url"], &manifest["method"]),
        (&json!(url), &json!("P")),
        "GET would put the token into the URL"
    );
    assert_eq!(
        format!("/{}", manifest["trigger"].as_str().unwrap()),
        mattermost::COMMAND_NAME
    );
}

/// Slack, "App manifest": the longest name, descriptions and hint, in characters.
#[test]
fn slacks_manifest_keeps_slacks_limits() {
    let [name, command] = values("description").try_into().unwrap();
    for (text, limit) in [
        (values("name")[0], 35),
        (name, 140),
        (values("display_name")[0], 80),
        (command, 2000),
        (values("usage_hint")[0], 1000),
        (COMMAND_NAME, 32),
    ] {
        assert!(!text.is_empty() && text.chars().count() <= limit, "{text}");
    }
    assert!(values("background_color")[0].starts_with('#'));
}

/// Where the chat shows what may follow the command, every subcommand is named.
#[test]
fn every_usage_hint_names_every_subcommand() {
    let manifests = [
        (include_str!("../../manifests/slack.yaml"), "usage_hint"),
        (
            include_str!("../../manifests/mattermost.json"),
            "auto_complete_hint",
        ),
        (include_str!("../../manifests/lark.json"), "default_value"),
    ];
    for (manifest, key) in manifests {
        let hint = manifest.lines().find(|line| line.contains(key)).unwrap();
        for word in ["@member", "help", "log", "why @member", "contact @member"] {
            assert!(hint.contains(word), "{word}: {hint}");
        }
    }
    let discord = include_str!("../../manifests/discord.json");
    for word in ["help", "log", "why", "contact"] {
        assert!(
            discord.contains(&format!("\"value\": \"{word}\"")),
            "{word}"
        );
    }
}
