//! `relatch register PLATFORM`: writes the commands of the manifest through the platform's API, and shows what changes.

use std::time::Duration;

use clap::{Args, ValueEnum};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{Failure, say};
use crate::chat::discord::Discord;
use crate::chat::mattermost::{self, Mattermost};
use crate::clock::Clock;
use crate::config::Settings;
use crate::net;
use crate::secret::Keys;

/// What to register.
#[derive(Args)]
pub(super) struct Options {
    /// The platform.
    platform: Name,
    /// Mattermost: the id of the team that gets the command.
    #[arg(long)]
    team: Option<String>,
    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    Discord,
    Lark,
    Mattermost,
}

/// Shows the difference, and writes it.
pub(super) async fn run(settings: Settings, options: Options) -> Result<(), Failure> {
    match options.platform {
        Name::Discord => discord(settings, options.dry_run).await,
        Name::Mattermost => mattermost(settings, options).await,
        Name::Lark => Err(Failure::NotBuilt("this platform is not built yet; nothing was done".to_owned())),
    }
}

async fn mattermost(settings: Settings, options: Options) -> Result<(), Failure> {
    let said = |error: &dyn std::fmt::Display| Failure::Said(format!("Mattermost: {error}; nothing was changed"));
    let config = settings.mattermost.ok_or_else(|| Failure::Said("the settings have no [mattermost]".to_owned()))?;
    let team = options.team.filter(|team| mattermost::is_team(team));
    let team =
        team.ok_or_else(|| Failure::Said("--team must be the id of a team, 26 letters and digits".to_owned()))?;
    let http = net::client(Duration::from_secs(10)).map_err(|error| said(&error))?;
    // No value is made here, so any key does.
    let keys = Keys::from_master(&[0; 32]).map_err(|error| said(&error))?;
    let mattermost = Mattermost::new(config, keys, http, Clock::System);
    let (wanted, present) =
        (mattermost.command(&team), mattermost.registered(&team).await.map_err(|error| said(&error))?);
    let fields = present.as_ref().map(|present| changed_fields(&wanted, present));
    match &fields {
        None => say("+ reset-password")?,
        Some(fields) if fields.is_empty() => return say("= reset-password\nnothing to do"),
        Some(fields) => say(&format!("~ reset-password: {}", fields.join(", ")))?,
    }
    if options.dry_run {
        return say("not written: --dry-run");
    }
    let token = mattermost.register(&wanted, present.as_ref()).await.map_err(|error| said(&error))?;
    say("written")?;
    // Told once, to the operator who has to write it down; a changed command keeps the token that it has.
    if present.is_none() { say(&format!("its token, for command_tokens: {}", token.expose_secret())) } else { Ok(()) }
}

async fn discord(settings: Settings, dry_run: bool) -> Result<(), Failure> {
    let said = |error: &dyn std::fmt::Display| Failure::Said(format!("Discord: {error}; nothing was changed"));
    let config = settings.discord.ok_or_else(|| Failure::Said("the settings have no [discord]".to_owned()))?;
    let http = net::client(Duration::from_secs(10)).map_err(|error| said(&error))?;
    let discord = Discord::new(config, http, Clock::System);
    let (wanted, present) = (Discord::commands(), discord.registered().await.map_err(|error| said(&error))?);
    let lines = difference(&wanted, &present);
    for line in &lines {
        say(line)?;
    }
    if lines.iter().all(|line| line.starts_with('=')) {
        return say("nothing to do");
    }
    if dry_run {
        return say("not written: --dry-run");
    }
    discord.register(&wanted).await.map_err(|error| said(&error))?;
    say("written")
}

/// `+` new, `~` changed with the fields that are, `=` as it is, `-` goes.
fn difference(wanted: &[Value], present: &[Value]) -> Vec<String> {
    let is_same = |one: &Value, other: &Value| one["name"] == other["name"] && one["type"] == other["type"];
    let named = |command: &Value| command["name"].as_str().unwrap_or_default().to_owned();
    let mut lines: Vec<String> = wanted
        .iter()
        .map(|command| match present.iter().find(|other| is_same(command, other)) {
            None => format!("+ {}", named(command)),
            Some(other) => match changed_fields(command, other) {
                fields if fields.is_empty() => format!("= {}", named(command)),
                fields => format!("~ {}: {}", named(command), fields.join(", ")),
            },
        })
        .collect();
    let gone = present.iter().filter(|other| !wanted.iter().any(|command| is_same(command, other)));
    lines.extend(gone.map(|other| format!("- {}", named(other))));
    lines
}

/// The fields that are not as they shall be. Discord adds fields of its own, which do not count.
fn changed_fields(wanted: &Value, present: &Value) -> Vec<String> {
    let fields = wanted.as_object().into_iter().flatten();
    fields.filter(|(name, value)| !covers(&present[name.as_str()], value)).map(|(name, _)| name.clone()).collect()
}

/// True when everything that is wanted is there.
fn covers(present: &Value, wanted: &Value) -> bool {
    match (present, wanted) {
        (Value::Object(present), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| present.get(name).is_some_and(|present| covers(present, value)))
        }
        (Value::Array(present), Value::Array(wanted)) => {
            present.len() == wanted.len() && present.iter().zip(wanted).all(|(present, wanted)| covers(present, wanted))
        }
        // Numbers in quotes and without: the documentation and the schema of Discord differ about permissions.
        (Value::Number(number), Value::String(text)) | (Value::String(text), Value::Number(number)) => {
            number.to_string() == *text
        }
        (present, wanted) => present == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_different_is_told() {
        let wanted = [json!({ "type": 1, "name": "a", "description": "x", "default_member_permissions": "0" })];
        let same = json!({ "type": 1, "name": "a", "description": "x", "default_member_permissions": 0, "id": "1" });
        assert_eq!(difference(&wanted, std::slice::from_ref(&same)), ["= a"]);
        let mut other = same.clone();
        other["description"] = "y".into();
        assert_eq!(difference(&wanted, &[other, json!({ "type": 2, "name": "b" })]), ["~ a: description", "- b"]);
        assert_eq!(difference(&wanted, &[]), ["+ a"]);
    }
}
