//! The manifests against the code: commands, routes and scopes are the same, and the platform's limits are kept.

use relatch::chat::slack::{COMMAND_NAME, COMMANDS_ROUTE, INTERACTIONS_ROUTE, SCOPES};

const SLACK: &str = include_str!("../../manifests/slack.yaml");

/// The values of a key, in order, without quotes. Our manifest has one key a line.
fn values(key: &str) -> Vec<&'static str> {
    let value = |line: &'static str| line.trim().trim_start_matches("- ").strip_prefix(key)?.strip_prefix(": ");
    SLACK.lines().filter_map(value).map(|value| value.trim_matches('"')).collect()
}

#[test]
fn slacks_manifest_names_what_the_code_serves() {
    assert_eq!(values("command"), [COMMAND_NAME]);
    assert_eq!(values("url"), [format!("https://relatch.example{COMMANDS_ROUTE}")]);
    assert_eq!(values("request_url"), [format!("https://relatch.example{INTERACTIONS_ROUTE}")]);
    let scopes: Vec<&str> = SLACK
        .lines()
        .skip_while(|line| line.trim() != "bot:")
        .skip(1)
        .map_while(|line| line.trim().strip_prefix("- "))
        .collect();
    assert_eq!(scopes, SCOPES);
    // Without it mentions arrive as text, and anybody could be named like somebody else.
    assert_eq!(values("should_escape"), ["true"]);
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
