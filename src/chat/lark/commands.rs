//! Registering the command with Lark's API ("App slash commands"). Other commands of the same app stay.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Lark, MANIFEST};
use crate::chat::commands::of_manifest;
use crate::chat::{ApiError, PlannedCommand, RegisterError};

const PATH: &str = "application/v7/app_slash_commands";

impl Lark {
    /// The commands of the manifest beside those that the app has.
    pub(super) async fn plan(&self) -> Result<Vec<PlannedCommand>, RegisterError> {
        let answer = self.call_commands(Method::GET, PATH, None).await?;
        let present = answer
            .pointer("/data/items")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let planned = of_manifest(MANIFEST).into_iter().map(|wanted| {
            let name = wanted.get("command").and_then(Value::as_str);
            PlannedCommand {
                name: name.unwrap_or_default().to_owned(),
                present: present
                    .iter()
                    .find(|one| one.get("command") == wanted.get("command"))
                    .cloned(),
                wanted: Some(wanted),
                missing_secret: None,
            }
        });
        Ok(planned.collect())
    }

    /// Adds new commands and changes the description of those that are there.
    pub(super) async fn write_commands(
        &self,
        planned: &[PlannedCommand],
    ) -> Result<(), RegisterError> {
        for PlannedCommand {
            wanted, present, ..
        } in planned
        {
            let Some(wanted) = wanted else { continue };
            let id = present
                .as_ref()
                .and_then(|present| present.get("command_id"))
                .and_then(Value::as_str)
                .filter(|id| is_command_id(id));
            match id {
                Some(id) => {
                    let body = json!({ "description": wanted.get("description") });
                    let path = format!("{PATH}/{id}");
                    self.call_commands(Method::PATCH, &path, Some(&body))
                        .await?
                }
                None => self.call_commands(Method::POST, PATH, Some(wanted)).await?,
            };
        }
        Ok(())
    }

    async fn call_commands(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        Ok(self.api.call(method, path, body).await?)
    }
}

/// The id becomes a part of an address.
fn is_command_id(id: &str) -> bool {
    id.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
