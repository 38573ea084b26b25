//! Mattermost: slash commands with a token of their team, buttons and dialogs with a value that only we can make.
//!
//! Sources: Mattermost's pages "Custom slash commands", "Interactive messages", "Interactive dialogs", and its server's
//! `app/command.go`, `app/integration_action.go`. Nothing here is signed and nothing carries a time except `trigger_id`,
//! so a request counts by a token (commands) or by a value under our own key (clicks and dialogs), once, and in time.

mod render;
mod wire;

use std::collections::HashMap;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use url::Url;

use super::common::{Profiles, Uses, check_content_type, end_of_follow_up, read_rest};
use super::form::Fields;
use super::interaction::{Ask, Member, Trigger, Word};
use super::signature::{WINDOW, replay_key};
use super::{
    Adapter, Click, Command, EmptySecret, Form, FormSubmitted, Freshness, Ground, Immediate, Interaction, Kind,
    Message, NotVerified, Origin, Placement, Planned, Profile, RegisterError, ReplyAddress, Standing, Verified,
    WhoError,
};
use crate::clock::Clock;
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{ChatUser, EmailAddress, Moment, Password, Platform, Role, Span};
use crate::net;
use crate::secret::{Keys, is_weak_secret};
use crate::settings::{Section, with_slash};
use crate::store::ReplayKey;

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

/// How long a response address works (Mattermost, "Custom slash commands": 30 minutes), less a minute for the way.
const REPLY_LIFE: Span = Span::minutes(29);
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
            section.problem("command_tokens", "holds a token that is too short, or a placeholder");
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
    used: Uses,
}

impl Mattermost {
    /// The adapter for one server.
    pub fn new(config: Config, keys: Keys, http: reqwest::Client, clock: Clock) -> Self {
        Self { config, keys, http, clock, profiles: Profiles::default(), used: Uses::default() }
    }

    #[expect(clippy::unnecessary_wraps, reason = "one shape for all platforms")]
    pub(super) fn open(config: Config, ground: &Ground) -> Result<Self, EmptySecret> {
        if config.command_tokens.is_empty() {
            tracing::warn!(
                "mattermost.command_tokens is empty, so no command is taken; run `relatch register mattermost`"
            );
        }
        Ok(Self::new(config, ground.keys.clone(), ground.http.clone(), ground.clock.clone()))
    }

    /// Verifies and reads one request.
    pub(super) fn receive(
        &self,
        route: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<Verified<Interaction>, NotVerified> {
        let is_command = route == COMMANDS_ROUTE;
        let media = if is_command { "application/x-www-form-urlencoded" } else { "application/json" };
        check_content_type(headers, media)?;
        let interaction = match route {
            COMMANDS_ROUTE => self.read_command(headers, body, now)?,
            ACTIONS_ROUTE => self.read_click(body, now)?,
            DIALOGS_ROUTE => self.read_dialog(body, now)?,
            _ => return Err(NotVerified::Unsigned("route")),
        };
        Ok(Verified::new(interaction))
    }

    fn read_command(&self, headers: &HeaderMap, body: &[u8], now: Moment) -> Result<Interaction, NotVerified> {
        let fields = Fields::read_with_lists(
            body,
            &["user_mentions", "user_mentions_ids", "channel_mentions", "channel_mentions_ids"],
        )?;
        self.check_token(fields.required("token").map_err(|_| NotVerified::Unsigned("token"))?)?;
        // Where an outgoing connection puts a bearer of its own there, the form's token alone counts.
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(token) = bearer.and_then(|value| value.strip_prefix("Token ")) {
            self.check_token(token)?;
        }
        let user = fields.required("user_id")?;
        let replay = check_trigger(fields.required("trigger_id")?, user, now)?;
        let url = fields.required("response_url")?;
        if !self.is_allowed(url) {
            return Err(NotVerified::Malformed("a response address of somebody else"));
        }
        let reply = Some(ReplyAddress::new(url.to_owned(), now + REPLY_LIFE));
        let names = || fields.list("user_mentions");
        let mentions: HashMap<&str, &str> = names().zip(fields.list("user_mentions_ids")).collect();
        let words: Vec<Word> = fields
            .get("text")
            .unwrap_or_default()
            .split_whitespace()
            .map(|word| read_word(word, &mentions))
            .collect::<Result<_, _>>()?;
        let origin = Origin { user: self.user(user)?, replay, reply, received_at: now };
        Ok(Interaction::Command(Command { origin, ask: Ask::read(&words) }))
    }

    fn read_click(&self, body: &[u8], now: Moment) -> Result<Interaction, NotVerified> {
        let pressed: wire::Pressed = parse(body)?;
        self.check_value(&pressed.context.value)?;
        let replay = check_trigger(&pressed.trigger_id, &pressed.user_id, now)?;
        let origin = Origin { user: self.user(&pressed.user_id)?, replay, reply: None, received_at: now };
        let action = pressed.context.action.parse().map_err(|_| NotVerified::Malformed("an unknown action"))?;
        let trigger = Some(Trigger::new(pressed.trigger_id));
        Ok(Interaction::Click(Click { origin, action, value: pressed.context.value, trigger }))
    }

    /// Everything in a dialog but the user comes from the client, so nothing counts without the state that we made.
    fn read_dialog(&self, body: &[u8], now: Moment) -> Result<Interaction, NotVerified> {
        let sent: wire::Dialog = parse(body)?;
        // The third part only makes the requests of two dialogs two requests.
        let mut parts = sent.state.splitn(3, ':');
        let (Some(kind), Some(value)) = (parts.next(), parts.next()) else {
            return Err(NotVerified::Unsigned("state"));
        };
        self.check_value(value)?;
        if sent.cancelled {
            return Ok(Interaction::Ping);
        }
        let typed = sent.submission.get(render::INPUT).and_then(Value::as_str).unwrap_or_default();
        // A dialog has no name of its own: the same text in the same dialog is the same request.
        let replay = replay_key(Platform::Mattermost, now.unix_seconds() / 86_400, &[body]);
        Ok(Interaction::Form(FormSubmitted {
            origin: Origin { user: self.user(&sent.user_id)?, replay, reply: None, received_at: now },
            kind: kind.parse().map_err(|_| NotVerified::Malformed("an unknown form"))?,
            value: value.to_owned(),
            typed: typed.to_owned(),
        }))
    }

    fn check_token(&self, token: &str) -> Result<(), NotVerified> {
        let mut fits = false;
        for known in &self.config.command_tokens {
            fits |= bool::from(known.expose_secret().as_bytes().ct_eq(token.as_bytes()));
        }
        if fits { Ok(()) } else { Err(NotVerified::Unsigned("token")) }
    }

    /// Only who was given a value by us, through Mattermost, has one.
    fn check_value(&self, value: &str) -> Result<(), NotVerified> {
        self.keys.read_button_value(value).map(drop).ok_or(NotVerified::Unsigned("value"))
    }

    fn user(&self, id: &str) -> Result<ChatUser, NotVerified> {
        if !is_id(id) {
            return Err(NotVerified::Malformed("a user id"));
        }
        let tenant = self.config.url.host_str().unwrap_or_default().to_owned();
        Ok(ChatUser { platform: Platform::Mattermost, tenant, user: id.to_owned() })
    }

    /// O1: follow-ups go to our server's own hooks and nowhere else.
    fn is_allowed(&self, url: &str) -> bool {
        let hooks = self.config.url.join("hooks/commands/");
        Url::parse(url).is_ok_and(|url| {
            hooks.is_ok_and(|hooks| hooks.origin() == url.origin() && url.path().starts_with(hooks.path()))
                && url.username().is_empty()
                && url.password().is_none()
                && net::is_acceptable_url(&url)
        })
    }

    async fn post(&self, to: &ReplyAddress, body: &Value) -> Outcome {
        let is_usable = self.is_allowed(to.expose()) && self.clock.now() <= to.until && self.uses_left(to) > 0;
        if !is_usable {
            return Outcome::Refused(Refusal::Unreachable);
        }
        self.used.take(to.expose(), to.until, self.clock.now());
        let end = end_of_follow_up(&net::call(self.http.post(to.expose()).timeout(CALL_DEADLINE).json(body)).await);
        if end == Outcome::Refused(Refusal::Unreachable) {
            self.used.give_back(to.expose());
        }
        end
    }

    /// The command of the manifest, with our own address, for a team.
    fn command(&self, team: &str) -> Value {
        let own = self.config.own_url.as_str().trim_end_matches('/');
        let mut command: Value =
            serde_json::from_str(&MANIFEST.replace("https://relatch.example", own)).unwrap_or_default();
        if let Some(fields) = command.as_object_mut() {
            fields.insert("team_id".to_owned(), team.into());
        }
        command
    }

    async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, WhoError> {
        let url = self.config.url.join(&format!("api/v4/{path}")).map_err(|_| WhoError::Unavailable)?;
        let call = self.http.request(method, url).timeout(CALL_DEADLINE);
        let mut call = call.bearer_auth(self.config.bot_token.expose_secret());
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = net::call(call).await.map_err(|error| {
            tracing::warn!(
                platform = "mattermost",
                error = &error as &dyn std::error::Error,
                "Mattermost could not be asked"
            );
            WhoError::Unavailable
        })?;
        read_rest(&answer, "view_members")
    }

    async fn ask(&self, path: &str) -> Result<(String, Profile), WhoError> {
        let account: wire::Account =
            serde_json::from_value(self.api(Method::GET, path, None).await?).map_err(|_| WhoError::Unavailable)?;
        Ok((account.id.clone(), judge(&account)))
    }

    fn own(&self, route: &str) -> String {
        format!("{}{route}", self.config.own_url.as_str().trim_end_matches('/'))
    }

    fn render(&self, message: &Message, password: Option<&Password>) -> Value {
        render::message(message, password, &self.own(ACTIONS_ROUTE))
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
        let by_name = user.user.strip_prefix('@').map(|name| format!("users/username/{name}"));
        let is_by_name = by_name.is_some();
        let (id, profile) = self.ask(&by_name.unwrap_or_else(|| format!("users/{}", user.user))).await?;
        if !is_by_name && id != user.user {
            return Err(WhoError::Unavailable);
        }
        self.profiles.keep(&user.user, &profile, now);
        Ok(profile)
    }

    async fn profile_by_email(&self, email: &EmailAddress) -> Result<Option<(String, Profile)>, WhoError> {
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
            (Kind::Command, Immediate::Say(message) | Immediate::Working(message)) => self.render(message, None),
            (_, Immediate::Say(message)) => {
                json!({ "ephemeral_text": render::text(message), "skip_slack_parsing": true })
            }
            (Kind::Form(_), Immediate::FormError(text)) => json!({ "errors": { render::INPUT: text } }),
            (_, Immediate::FormError(text)) => json!({ "ephemeral_text": text, "skip_slack_parsing": true }),
            // An `update` would be sought among the posts that everybody sees; an ephemeral one is not there.
            (_, Immediate::Taken | Immediate::Working(_) | Immediate::Open(..) | Immediate::Challenge(_)) => json!({}),
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

    /// Clicks bring no address, so that of the command has to do for all of them.
    fn uses_left(&self, to: &ReplyAddress) -> u32 {
        REPLY_USES.saturating_sub(self.used.count(to.expose()))
    }

    async fn follow_up(&self, to: &ReplyAddress, message: &Message, _placement: Placement) -> Outcome {
        self.post(to, &self.render(message, None)).await
    }

    async fn show(&self, to: &ReplyAddress, message: &Message, password: &Password) -> Outcome {
        self.post(to, &self.render(message, Some(password))).await
    }

    async fn open_form(&self, trigger: &Trigger, form: &Form) -> Result<(), WhoError> {
        let url = self.config.url.join("api/v4/actions/dialogs/open").map_err(|_| WhoError::Unavailable)?;
        let body = json!({
            "trigger_id": trigger.expose(), "url": self.own(DIALOGS_ROUTE), "dialog": render::dialog(form, trigger),
        });
        let call = self.http.post(url).timeout(CALL_DEADLINE).json(&body);
        match net::call(call).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(_) | Err(_) => Err(WhoError::Unavailable),
        }
    }

    async fn planned(&self, team: Option<&str>) -> Result<Vec<Planned>, RegisterError> {
        let team = team.filter(|team| is_id(team));
        let team = team.ok_or(RegisterError::Said("--team must be the id of a team, 26 letters and digits"))?;
        let answer = self.api(Method::GET, &format!("commands?team_id={team}&custom_only=true"), None).await?;
        let trigger = COMMAND_NAME.trim_start_matches('/');
        let present = answer.as_array().into_iter().flatten().find(|command| command["trigger"] == trigger).cloned();
        Ok(vec![Planned { name: trigger.to_owned(), wanted: Some(self.command(team)), present }])
    }

    /// Makes the command, or changes the one that is there, which keeps its token; that of a new one is given back.
    async fn register(&self, planned: &[Planned]) -> Result<Option<SecretString>, RegisterError> {
        let [Planned { wanted: Some(wanted), present, .. }] = planned else { return Ok(None) };
        let Some((present, id)) = present.as_ref().and_then(|present| Some((present, present["id"].as_str()?))) else {
            let answer = self.api(Method::POST, "commands", Some(wanted)).await?;
            return Ok(answer.get("token").and_then(Value::as_str).map(|token| token.to_owned().into()));
        };
        let mut changed = present.clone();
        if let (Some(fields), Some(wanted)) = (changed.as_object_mut(), wanted.as_object()) {
            fields.extend(wanted.clone());
        }
        self.api(Method::PUT, &format!("commands/{id}"), Some(&changed)).await?;
        Ok(None)
    }

    async fn probe(&self) -> Result<(), String> {
        if self.config.command_tokens.is_empty() {
            return Err("command_tokens is empty; run `relatch register mattermost`".to_owned());
        }
        self.api(Method::GET, "users/me", None).await.map(drop).map_err(|error| error.to_string())
    }
}

/// `trigger_id` is made anew for every request: base64 of `id:user:milliseconds:signature`. We cannot check the
/// signature, but a request is held to its time and its user, and the same one counts once.
fn check_trigger(trigger: &str, user: &str, now: Moment) -> Result<ReplayKey, NotVerified> {
    let decoded = STANDARD.decode(trigger).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or(NotVerified::Unsigned("trigger"))?;
    let mut parts = decoded.splitn(4, ':');
    let (_id, whose, at) = (parts.next(), parts.next(), parts.next());
    let at: i64 = at.and_then(|at| at.parse().ok()).ok_or(NotVerified::Unsigned("trigger"))?;
    if whose != Some(user) {
        return Err(NotVerified::Unsigned("user"));
    }
    let seconds = at / 1000;
    if (now.unix_seconds() - seconds).abs() > WINDOW {
        return Err(NotVerified::Unsigned("stale"));
    }
    Ok(replay_key(Platform::Mattermost, seconds, &[trigger.as_bytes()]))
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
    Profile { standing, confirmed_email: email.and_then(|email| email.parse().ok()), role }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, NotVerified> {
    serde_json::from_slice(body).map_err(|_| NotVerified::Malformed("the request"))
}

/// Mattermost's ids: 26 lower-case letters and digits.
fn is_id(id: &str) -> bool {
    id.len() == 26 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// A user name (Mattermost, "User names": lower case, digits, `.`, `-`, `_`).
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_'))
}

/// `@mina` is whom Mattermost says it is; a name that it did not resolve is looked up.
fn read_word(word: &str, mentions: &HashMap<&str, &str>) -> Result<Word, NotVerified> {
    let Some(name) = word.strip_prefix('@') else {
        return Ok(word
            .parse()
            .map_or_else(|_| Word::Text(word.to_owned()), |email| Word::Member(Member::Email(email))));
    };
    // Punctuation behind a name belongs to the sentence.
    let trimmed = name.trim_end_matches(['.', ',', ';', ':', '!', '?', '-', '_']);
    let [name, trimmed] = [name, trimmed].map(str::to_lowercase);
    for name in [&name, &trimmed] {
        if let Some(id) = mentions.get(name.as_str()) {
            return if is_id(id) {
                Ok(Word::Member(Member::Mention((*id).to_owned())))
            } else {
                Err(NotVerified::Malformed("a user id"))
            };
        }
    }
    Ok(if is_name(&name) { Word::Member(Member::Mention(format!("@{name}"))) } else { Word::Text(word.to_owned()) })
}

#[cfg(test)]
mod tests;
