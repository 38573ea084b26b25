//! `relatch register PLATFORM`: registers the commands of the manifest by the platform's API, and prints what changes.

use std::time::Duration;

use clap::Args;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::{Failure, build, say};
use crate::chat::{Adapter, ApiError, PlannedCommand, RegisterError};
use crate::config::Settings;
use crate::domain::Platform;
use crate::net;

/// What to register.
#[derive(Args)]
pub(super) struct RegisterOptions {
    /// discord, lark or mattermost.
    platform: Platform,
    /// Mattermost: the id of the team that gets the command.
    #[arg(long)]
    team: Option<String>,
    /// Only show what would change.
    #[arg(long)]
    dry_run: bool,
}

/// Prints the differences and writes them. There is nothing to do only where the settings have the command's secret too.
pub(super) async fn run(settings: Settings, options: RegisterOptions) -> Result<(), Failure> {
    let platform = options.platform;
    let said = |error: &dyn std::fmt::Display| {
        Failure::Said(format!("{platform}: {error}; nothing was changed"))
    };
    let config = settings
        .chats
        .into_iter()
        .find(|config| config.platform() == platform);
    let config = config.ok_or_else(|| said(&format!("the settings have no [{platform}]")))?;
    let http = net::client(Duration::from_secs(10)).map_err(|error| said(&error))?;
    let chat = config
        .open(&build::trial_parts(http)?)
        .map_err(|error| said(&error))?;
    let planned = chat
        .planned_commands(options.team.as_deref())
        .await
        .map_err(|error| said(&error))?;
    let lines: Vec<String> = planned.iter().map(difference).collect();
    for line in &lines {
        say(line)?;
    }
    let missing = planned.iter().find_map(|one| one.missing_secret.clone());
    let is_same = lines.iter().all(|line| line.starts_with('='));
    let token = match (is_same, options.dry_run, missing) {
        (true, _, None) => return say("nothing to do"),
        (true, true, Some(_)) => return say("its token is not in command_tokens"),
        (false, true, _) => return say("not written: --dry-run"),
        (true, false, missing) => missing,
        (false, false, _) => {
            let made = chat.register_commands(&planned).await;
            let made = made.map_err(|error| {
                if matches!(error, RegisterError::Api(ApiError::Unavailable)) {
                    Failure::Said(format!(
                        "{platform}: {error}; it may have been written, which --dry-run shows"
                    ))
                } else {
                    said(&error)
                }
            })?;
            say("written")?;
            made
        }
    };
    // The operator puts it into the settings.
    match token {
        Some(token) => say(&format!(
            "its token, for command_tokens: {}",
            token.expose_secret()
        )),
        None => Ok(()),
    }
}

/// One line: `+` new, `~` changed, with the changed fields, `=` unchanged, `-` removed.
fn difference(planned: &PlannedCommand) -> String {
    let name = &planned.name;
    match (&planned.wanted, &planned.present) {
        (None, _) => format!("- {name}"),
        (Some(_), None) => format!("+ {name}"),
        (Some(wanted), Some(present)) => match changed_fields(wanted, present) {
            fields if fields.is_empty() => format!("= {name}"),
            fields => format!("~ {name}: {}", fields.join(", ")),
        },
    }
}

/// The fields that differ. Fields that the platform adds are ignored.
fn changed_fields(wanted: &Value, present: &Value) -> Vec<String> {
    let fields = wanted.as_object().into_iter().flatten();
    fields
        .filter(|(name, value)| !covers(&present[name.as_str()], value))
        .map(|(name, _)| name.clone())
        .collect()
}

/// True if `present` has everything of `wanted`.
fn covers(present: &Value, wanted: &Value) -> bool {
    match (present, wanted) {
        (Value::Object(present), Value::Object(wanted)) => wanted.iter().all(|(name, value)| {
            present
                .get(name)
                .is_some_and(|present| covers(present, value))
        }),
        (Value::Array(present), Value::Array(wanted)) => {
            present.len() == wanted.len()
                && present
                    .iter()
                    .zip(wanted)
                    .all(|(present, wanted)| covers(present, wanted))
        }
        // A number may be quoted or not: the documentation and the schema of Discord differ about permissions.
        (Value::Number(number), Value::String(text))
        | (Value::String(text), Value::Number(number)) => number.to_string() == *text,
        (present, wanted) => present == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_different_is_told() {
        let wanted = json!({ "type": 1, "name": "a", "description": "x", "default_member_permissions": "0" });
        let same = json!({ "type": 1, "name": "a", "description": "x", "default_member_permissions": 0, "id": "1" });
        let mut other = same.clone();
        other["description"] = "y".into();
        let told = |wanted: Option<&Value>, present: Option<&Value>| {
            difference(&PlannedCommand {
                name: "a".to_owned(),
                wanted: wanted.cloned(),
                present: present.cloned(),
                missing_secret: None,
            })
        };
        assert_eq!(told(Some(&wanted), Some(&same)), "= a");
        assert_eq!(told(Some(&wanted), Some(&other)), "~ a: description");
        assert_eq!(
            (
                told(None, Some(&other)).as_str(),
                told(Some(&wanted), None).as_str()
            ),
            ("- a", "+ a")
        );
    }
}
