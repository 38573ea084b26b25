//! Mattermost: slash commands with a token of their team, buttons and dialogs with a value that only we can make.
//!
//! Sources: Mattermost's pages "Custom slash commands", "Interactive messages", "Interactive dialogs", and its server's
//! `app/command.go`, `app/integration_action.go`, `api4/post.go`. Of a request the server signs only the user and the time,
//! in `trigger_id`. A trigger that another integration received fits too, so whoever knows the command's token can ask in
//! that user's name: what changes something, and what nobody else may see, goes to the signed user alone.

mod dialog;
mod learned;
mod permission;
mod place;
mod render;
mod request;
mod server;
mod trigger;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use self::dialog::DialogState;
use self::learned::Learned;
use self::permission::Permission;
use self::place::Place;
use self::trigger::{Signed, SigningKey};
use super::common::{Profiles, Uses};
use super::interaction::Trigger;
use super::{
    Adapter, Assurance, ChatParts, EmptySecret, Form, Freshness, Immediate, Kind, Message,
    Placement, Planned, Profile, RegisterError, ReplyAddress, Standing, WhoError,
};
use crate::clock::Clock;
use crate::domain::delivery::Outcome;
use crate::domain::{ChatUser, EmailAddress, Password, Platform, Role, Span};
use crate::net;
use crate::secret::{Keys, is_weak_secret};
use crate::settings::{Section, with_slash};

/// Where Mattermost posts slash commands.
pub const COMMANDS_ROUTE: &str = "/mattermost/commands";
/// Where it posts clicks.
pub const ACTIONS_ROUTE: &str = "/mattermost/actions";
/// Where it posts dialogs.
pub const DIALOGS_ROUTE: &str = "/mattermost/dialogs";
/// All three.
pub(super) const ROUTES: &[&str] = &[COMMANDS_ROUTE, ACTIONS_ROUTE, DIALOGS_ROUTE];
/// The command in the manifest.
pub const COMMAND_NAME: &str = "/reset-password";

/// The command as it is made, with a stand-in for our address.
pub const MANIFEST: &str = include_str!("../../../manifests/mattermost.json");

/// How long an administrator is told what becomes of a reset.
const REPLY_LIFE: Span = Span::hours(24);
/// How long a response address works (Mattermost, "Custom slash commands": 30 minutes), less a minute for the way.
const HOOK_LIFE: Span = Span::minutes(29);
/// How often it works.
const REPLY_USES: u32 = 5;
/// How long Mattermost may take for a call.
const CALL_DEADLINE: Duration = Duration::from_secs(5);

/// What relatch must know of a Mattermost server.
#[derive(Debug)]
pub struct Config {
    /// Its address, as its users know it.
    pub url: Url,
    /// The tokens of our slash command, one for each team that has it.
    pub command_tokens: Vec<SecretString>,
    /// The token of a bot that may read users with their e-mails.
    pub bot_token: SecretString,
    /// Our own address, as Mattermost reaches it.
    pub own_url: Url,
}

impl Config {
    /// Reads the section `[mattermost]`; clicks are posted to `own_url`.
    pub(super) fn read(mut section: Section<'_>, own_url: Option<&Url>) -> Option<Self> {
        let url = section.required_url("url").map(with_slash);
        // None yet: `relatch register mattermost` makes the command, and tells its token.
        let tokens = section.list("command_tokens").unwrap_or_default();
        if tokens.iter().any(|token| is_weak_secret(token)) {
            section.problem(
                "command_tokens",
                "holds a token that is too short, or a placeholder",
            );
        }
        let bot_token = section.required_secret("bot_token", "bot_token_file", true);
        if own_url.is_none() {
            section.problem("url", "needs public_url, where Mattermost posts clicks to");
        }
        section.end();
        Some(Self {
            url: url?,
            command_tokens: tokens.into_iter().map(SecretString::from).collect(),
            bot_token: bot_token?,
            own_url: own_url?.clone(),
        })
    }
}

/// One Mattermost server.
pub struct Mattermost {
    config: Config,
    keys: Keys,
    http: reqwest::Client,
    clock: Clock,
    profiles: Profiles,
    /// How often each response address was used.
    used: Arc<Uses>,
    /// With what the server signs triggers; none within where it tells no key.
    signing_key: Arc<Learned<Option<SigningKey>>>,
    /// Whether the bot may send a message to one user alone.
    may_post: Arc<Permission>,
}

impl Mattermost {
    /// The adapter for one server.
    pub fn new(config: Config, keys: Keys, http: reqwest::Client, clock: Clock) -> Self {
        let (profiles, used) = (Profiles::default(), Arc::default());
        let (signing_key, may_post) = (Arc::default(), Arc::default());
        Self {
            config,
            keys,
            http,
            clock,
            profiles,
            used,
            signing_key,
            may_post,
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "one shape for all platforms")]
    pub(super) fn open(config: Config, parts: &ChatParts) -> Result<Self, EmptySecret> {
        if config.command_tokens.is_empty() {
            tracing::warn!(
                "mattermost.command_tokens is empty, so no command is taken; run `relatch register mattermost`"
            );
        }
        Ok(Self::new(
            config,
            parts.keys.clone(),
            parts.http.clone(),
            parts.clock.clone(),
        ))
    }

    /// Goes on with what is known of the server, when the settings are read again: another server or another bot begins
    /// anew.
    pub(super) fn go_on_from(&mut self, old: &Self) {
        if self.config.url != old.config.url {
            return;
        }
        self.used = Arc::clone(&old.used);
        self.signing_key = Arc::clone(&old.signing_key);
        if self.config.bot_token.expose_secret() == old.config.bot_token.expose_secret() {
            self.may_post = Arc::clone(&old.may_post);
        }
    }

    /// The command of the manifest, with our own address, for a team.
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

    async fn ask(&self, path: &str) -> Result<(String, Profile), WhoError> {
        let account: wire::Account =
            serde_json::from_value(self.api(Method::GET, path, None).await?)
                .map_err(|_| WhoError::Unavailable)?;
        Ok((account.id.clone(), judge(&account)))
    }

    fn own(&self, route: &str) -> String {
        format!(
            "{}{route}",
            self.config.own_url.as_str().trim_end_matches('/')
        )
    }
}

impl Adapter for Mattermost {
    fn platform(&self) -> Platform {
        Platform::Mattermost
    }

    async fn profile(&self, user: &ChatUser, freshness: Freshness) -> Result<Profile, WhoError> {
        let now = self.clock.now();
        if freshness == Freshness::Cached
            && let Some(profile) = self.profiles.get(&user.user, now)
        {
            return Ok(profile);
        }
        // A name that Mattermost did not resolve, because its owner is not in the team of the channel, or an id.
        let by_name = user
            .user
            .strip_prefix('@')
            .map(|name| format!("users/username/{name}"));
        let is_by_name = by_name.is_some();
        let (id, profile) = self
            .ask(&by_name.unwrap_or_else(|| format!("users/{}", user.user)))
            .await?;
        if !is_by_name && id != user.user {
            return Err(WhoError::Unavailable);
        }
        self.profiles.keep(&user.user, &profile, now);
        Ok(profile)
    }

    async fn profile_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<(String, Profile)>, WhoError> {
        let mut url = self.config.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(["email", email.as_str()]);
        }
        match self.ask(&format!("users{}", url.path())).await {
            Ok(found) => Ok(Some(found)),
            Err(WhoError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn tells_emails(&self) -> bool {
        true
    }

    fn immediate(&self, kind: Kind, answer: Immediate<'_>) -> Vec<u8> {
        let answer = match (kind, answer) {
            (Kind::Command, Immediate::Say(message) | Immediate::Working(message)) => {
                render::message(message, &self.own(ACTIONS_ROUTE))
            }
            (_, Immediate::Say(message)) => {
                json!({ "ephemeral_text": render::text(message), "skip_slack_parsing": true })
            }
            (Kind::Form(_), Immediate::FormError(text)) => {
                json!({ "errors": { render::INPUT: text } })
            }
            (_, Immediate::FormError(text)) => {
                json!({ "ephemeral_text": text, "skip_slack_parsing": true })
            }
            // An `update` would be sought among the posts that everybody sees; an ephemeral one is not there.
            (
                _,
                Immediate::Taken
                | Immediate::Working(_)
                | Immediate::Open(..)
                | Immediate::Challenge(_),
            ) => json!({}),
        };
        answer.to_string().into_bytes()
    }

    fn late_placement(&self) -> Placement {
        Placement::Add
    }

    fn opens_forms_at_once(&self) -> bool {
        false
    }

    /// Ephemeral posts cannot be changed.
    fn can_replace(&self) -> bool {
        false
    }

    /// As many as there are where the bot may post to the user alone; else those of the command's response address.
    fn uses_left(&self, to: &ReplyAddress) -> u32 {
        if self.may_post.get() != Some(false) {
            return u32::MAX;
        }
        Place::read(to.expose())
            .and_then(|place| self.hook_uses_left(&place))
            .unwrap_or(0)
    }

    /// The same dialog again is answered like the first time: any other status is an error to the client.
    fn answers_replays(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Form(_))
    }

    async fn assurance(&self) -> Assurance {
        if self.may_post_to_one().await {
            Assurance::PrivateReply
        } else {
            Assurance::PersonOnly
        }
    }

    async fn follow_up(
        &self,
        to: &ReplyAddress,
        message: &Message,
        _placement: Placement,
    ) -> Outcome {
        self.send(to, message, None).await
    }

    async fn follow_up_alone(&self, to: &ReplyAddress, message: &Message) -> Outcome {
        self.send_alone(to, message).await
    }

    async fn show(&self, to: &ReplyAddress, message: &Message, password: &Password) -> Outcome {
        self.send(to, message, Some(password)).await
    }

    async fn open_form(&self, trigger: &Trigger, form: &Form) -> Result<(), WhoError> {
        let url = self
            .config
            .url
            .join("api/v4/actions/dialogs/open")
            .map_err(|_| WhoError::Unavailable)?;
        // The trigger was verified when the click came in.
        let opened_by = Signed::read(trigger.expose()).map_err(|_| WhoError::Unavailable)?;
        let state = DialogState::new(form, &opened_by).write(&self.keys);
        let body = json!({
            "trigger_id": trigger.expose(), "url": self.own(DIALOGS_ROUTE), "dialog": render::dialog(form, &state),
        });
        let call = self.http.post(url).timeout(CALL_DEADLINE).json(&body);
        match net::call(call).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(_) | Err(_) => Err(WhoError::Unavailable),
        }
    }

    async fn planned(&self, team: Option<&str>) -> Result<Vec<Planned>, RegisterError> {
        let team = team.filter(|team| is_id(team));
        let team = team.ok_or(RegisterError::Said(
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
        Ok(vec![Planned {
            name: trigger.to_owned(),
            wanted: Some(self.command(team)),
            present,
        }])
    }

    /// Makes the command, or changes the one that is there, which keeps its token; that of a new one is given back.
    async fn register(&self, planned: &[Planned]) -> Result<Option<SecretString>, RegisterError> {
        let [
            Planned {
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

    async fn probe(&self) -> Result<(), String> {
        if self.config.command_tokens.is_empty() {
            return Err("command_tokens is empty; run `relatch register mattermost`".to_owned());
        }
        self.api(Method::GET, "users/me", None)
            .await
            .map_err(|error| error.to_string())?;
        match self.ask_signing_key().await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err("the server tells no key (AsymmetricSigningPublicKey), so no command is taken; check mattermost.url and the server's version".to_owned()),
            Err(error) => Err(format!("its key for triggers: {error}")),
        }
    }

    async fn caveats(&self) -> Vec<String> {
        match self.ask_permission().await {
            Ok(true) => Vec::new(),
            Ok(false) => vec![format!(
                "the bot lacks the permission {}, so Copy, showing, typed addresses, the copy to another address and contact are off; make the bot a System Admin",
                server::POST_EPHEMERAL
            )],
            Err(error) => {
                vec![format!(
                    "whether the bot has the permission {} is unknown: {error}; make the bot a System Admin",
                    server::POST_EPHEMERAL
                )]
            }
        }
    }
}

/// What an account is worth. Confirmed is only what Mattermost says is confirmed.
fn judge(account: &wire::Account) -> Profile {
    let has = |role: &str| account.roles.split_whitespace().any(|held| held == role);
    let standing = if account.delete_at > 0 {
        Standing::Deleted
    } else if account.is_bot {
        Standing::Bot
    } else if has("system_guest") {
        Standing::Guest
    } else {
        Standing::Member
    };
    let role = if has("system_admin") {
        Role::PrimaryAdmin
    } else if has("system_user_manager") {
        Role::MemberAndDepartment
    } else {
        Role::Member
    };
    let email = Some(account.email.as_str()).filter(|_| account.email_verified);
    Profile {
        standing,
        confirmed_email: email.and_then(|email| email.parse().ok()),
        role,
    }
}

/// Mattermost's ids: 26 lower-case letters and digits.
fn is_id(id: &str) -> bool {
    id.len() == 26
        && id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
