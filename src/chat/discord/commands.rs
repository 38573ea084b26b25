//! Registering the commands with Discord (Discord, "Application Commands"). The application has no others in our server.

use reqwest::Method;
use serde_json::Value;

use super::{Discord, MANIFEST};
use crate::chat::commands::of_manifest;
use crate::chat::{ApiError, PlannedCommand, RegisterError};

impl Discord {
    fn commands_path(&self) -> String {
        format!(
            "applications/{}/guilds/{}/commands",
            self.config.application_id, self.config.guild_id
        )
    }

    /// The commands of the manifest beside those that the server has.
    pub(super) async fn plan(&self) -> Result<Vec<PlannedCommand>, RegisterError> {
        let answer = self.api(Method::GET, &self.commands_path(), None).await?;
        let mut present = answer.as_array().cloned().ok_or(ApiError::Unavailable)?;
        let name = |command: &Value| command["name"].as_str().unwrap_or_default().to_owned();
        let mut planned: Vec<PlannedCommand> = of_manifest(MANIFEST)
            .into_iter()
            .map(|wanted| {
                let is_same = |other: &Value| {
                    ["name", "type"]
                        .iter()
                        .all(|key| other.get(key) == wanted.get(key))
                };
                let at = present.iter().position(is_same);
                PlannedCommand {
                    name: name(&wanted),
                    present: at.map(|at| present.remove(at)),
                    wanted: Some(wanted),
                    missing_secret: None,
                }
            })
            .collect();
        planned.extend(present.into_iter().map(|one| PlannedCommand {
            name: name(&one),
            wanted: None,
            present: Some(one),
            missing_secret: None,
        }));
        Ok(planned)
    }

    /// Replaces all commands of the application in our server.
    pub(super) async fn write_commands(
        &self,
        planned: &[PlannedCommand],
    ) -> Result<(), RegisterError> {
        let commands: Value = planned
            .iter()
            .filter_map(|one| one.wanted.clone())
            .collect();
        self.api(Method::PUT, &self.commands_path(), Some(&commands))
            .await?;
        Ok(())
    }
}
