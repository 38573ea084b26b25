//! Registering the slash command with a team (Mattermost, "Custom slash commands").

use reqwest::Method;
use secrecy::SecretString;
use serde_json::Value;

use super::{COMMAND_NAME, MANIFEST, Mattermost, is_id};
use crate::chat::{PlannedCommand, RegisterError};

impl Mattermost {
    /// The command of the manifest beside the one that the team has.
    pub(super) async fn plan(
        &self,
        team: Option<&str>,
    ) -> Result<Vec<PlannedCommand>, RegisterError> {
        let team = team.filter(|team| is_id(team));
        let team = team.ok_or(RegisterError::Instead(
            "--team must be the id of a team, 26 letters and digits",
        ))?;
        let answer = self
            .api(
                Method::GET,
                &format!("commands?team_id={team}&custom_only=true"),
                None,
            )
            .await?;
        let trigger = COMMAND_NAME.trim_start_matches('/');
        let present = answer
            .as_array()
            .into_iter()
            .flatten()
            .find(|command| command["trigger"] == trigger)
            .cloned();
        Ok(vec![PlannedCommand {
            name: trigger.to_owned(),
            wanted: Some(self.command(team)),
            present,
        }])
    }

    /// Makes the command and returns its token, or changes the present one, which keeps its token.
    pub(super) async fn write_commands(
        &self,
        planned: &[PlannedCommand],
    ) -> Result<Option<SecretString>, RegisterError> {
        let [
            PlannedCommand {
                wanted: Some(wanted),
                present,
                ..
            },
        ] = planned
        else {
            return Ok(None);
        };
        let Some((present, id)) = present
            .as_ref()
            .and_then(|present| Some((present, present["id"].as_str()?)))
        else {
            let answer = self.api(Method::POST, "commands", Some(wanted)).await?;
            return Ok(answer
                .get("token")
                .and_then(Value::as_str)
                .map(|token| token.to_owned().into()));
        };
        let mut changed = present.clone();
        if let (Some(fields), Some(wanted)) = (changed.as_object_mut(), wanted.as_object()) {
            fields.extend(wanted.clone());
        }
        self.api(Method::PUT, &format!("commands/{id}"), Some(&changed))
            .await?;
        Ok(None)
    }

    /// The command of the manifest for a team, with our own address.
    fn command(&self, team: &str) -> Value {
        let own = self.config.own_url.as_str().trim_end_matches('/');
        let mut command: Value =
            serde_json::from_str(&MANIFEST.replace("https://relatch.example", own))
                .unwrap_or_default();
        if let Some(fields) = command.as_object_mut() {
            fields.insert("team_id".to_owned(), team.into());
        }
        command
    }
}
