//! Registering the slash command with a team (Mattermost, "Custom slash commands").

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::refusal::{self, error_id};
use super::{COMMAND_NAME, MANIFEST, Mattermost, is_id};
use crate::chat::api::read_rest;
use crate::chat::{PlannedCommand, RegisterError};
use crate::net::Answer;

/// What is asked of the server. What a refusal means depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Team,
    List,
    Create,
    Update,
}

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
        self.check_team(team).await?;
        let path = format!("commands?team_id={team}&custom_only=true");
        let listed = self.ask(Request::List, Method::GET, &path, None).await?;
        let trigger = COMMAND_NAME.trim_start_matches('/');
        let present = listed
            .as_array()
            .into_iter()
            .flatten()
            .find(|command| command["trigger"] == trigger)
            .cloned();
        let missing_secret = match &present {
            Some(present) => self.missing_token(present)?,
            None => None,
        };
        Ok(vec![PlannedCommand {
            name: trigger.to_owned(),
            wanted: Some(self.command(team)),
            present,
            missing_secret,
        }])
    }

    /// The server does not look at the team of a command that a System Admin makes, so it is looked up.
    async fn check_team(&self, team: &str) -> Result<(), RegisterError> {
        let path = format!("teams/{team}");
        let found = self.ask(Request::Team, Method::GET, &path, None).await?;
        match found.get("delete_at").and_then(Value::as_i64) {
            Some(at) if at > 0 => Err(RegisterError::Instead("this team is archived")),
            Some(_) | None => Ok(()),
        }
    }

    /// The token of the team's command, if the settings do not have it.
    fn missing_token(&self, present: &Value) -> Result<Option<SecretString>, RegisterError> {
        let token = present
            .get("token")
            .and_then(Value::as_str)
            .filter(|token| !token.is_empty())
            .ok_or(RegisterError::Instead(
                "the server does not tell the token of the command; take it from Integrations, Slash Commands",
            ))?;
        let mut known = self.config.command_tokens.iter();
        let is_known = known.any(|known| known.expose_secret() == token);
        Ok((!is_known).then(|| token.to_owned().into()))
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
                missing_secret,
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
            let made = self
                .ask(Request::Create, Method::POST, "commands", Some(wanted))
                .await?;
            return Ok(made
                .get("token")
                .and_then(Value::as_str)
                .map(|token| token.to_owned().into()));
        };
        let mut changed = present.clone();
        if let (Some(fields), Some(wanted)) = (changed.as_object_mut(), wanted.as_object()) {
            fields.extend(wanted.clone());
        }
        let path = format!("commands/{id}");
        self.ask(Request::Update, Method::PUT, &path, Some(&changed))
            .await?;
        Ok(missing_secret.clone())
    }

    async fn ask(
        &self,
        request: Request,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, RegisterError> {
        let answer = self.api_answer(method, path, body).await?;
        match answer.status {
            200 | 201 => Ok(read_rest(&answer, "none")?),
            _ => Err(refused(&answer, request)),
        }
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

/// What the operator has to do about a refusal. It is looked for by the server's own id of the error, then by the status.
fn refused(answer: &Answer, request: Request) -> RegisterError {
    let id = error_id(answer);
    let instead = match (id.as_str(), answer.status, request) {
        (refusal::COMMANDS_OFF, ..) => {
            "slash commands are off on the server; set EnableCommands (System Console, Integrations)"
        }
        (refusal::DUPLICATE_TRIGGER, ..) => {
            "the team has a command of this name that the bot may not see; remove it, or give the bot the permission manage_others_slash_commands"
        }
        (refusal::MFA_REQUIRED, ..) => {
            "the server demands a second factor of the token's owner; use the token of a bot account"
        }
        (_, 403, Request::Team) => {
            "the bot may not see this team; add it to the team, or make it a System Admin"
        }
        (_, 403, Request::List | Request::Create) => {
            "the bot lacks the permission manage_own_slash_commands; make it a System Admin"
        }
        (_, 403, Request::Update) => {
            "the command is somebody else's, and the bot lacks the permission manage_others_slash_commands; make it a System Admin"
        }
        (_, 404, Request::Team) => "no team has this id",
        (_, 404, Request::Update) => {
            "the command is gone, or the bot may no longer change it; run this again"
        }
        (_, 400, _) => return RegisterError::Refused(id),
        _ => {
            return match read_rest(answer, "none") {
                Ok(_) => RegisterError::Refused(id),
                Err(error) => error.into(),
            };
        }
    };
    RegisterError::Instead(instead)
}
