//! Discord: Ed25519-signed interactions, slash and context-menu commands, buttons and modals.
//!
//! Sources: Discord's pages "Interactions: Overview", "Receiving and Responding", "Component Reference", "Application
//! Commands". Discord tells no e-mails, so its accounts stand for people by `relatch link` alone.

mod render;
mod wire;

use std::time::Duration;

use axum::http::{HeaderMap, header};
use reqwest::Method;
use ring::signature::{ED25519, UnparsedPublicKey};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::common::{Profiles, check_content_type, end_of_follow_up, read_rest};
use super::interaction::{Ask, NamedMember, Trigger, Word};
use super::signature::{fresh_timestamp, only_header, replay_key};
use super::{
    Adapter, ChatParts, Click, Command, EmptySecret, Form, FormSubmitted, Freshness, Immediate,
    Interaction, Kind, Message, NotVerified, Origin, Placement, Planned, Profile, RegisterError,
    ReplyAddress, Standing, Verified, WhoError,
};
use crate::clock::Clock;
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{ChatUser, EmailAddress, Moment, Password, Platform, Role, Span};
use crate::net;
use crate::settings::Section;
use crate::store::ReplayKey;

/// Where Discord posts everything.
pub const INTERACTIONS_ROUTE: &str = "/discord/interactions";
/// The one.
pub(super) const ROUTES: &[&str] = &[INTERACTIONS_ROUTE];
/// The slash command in the manifest.
pub const COMMAND_NAME: &str = "reset-password";
/// The context-menu command in the manifest.
pub const MENU_NAME: &str = "Reset password";

/// The commands as they are registered, with a stand-in for our address.
pub const MANIFEST: &str = include_str!("../../../manifests/discord.json");

/// How long the token of an interaction works (Discord, "Receiving and Responding": 15 minutes), less a minute.
const REPLY_LIFE: Span = Span::minutes(14);
/// How long Discord may take to say who somebody is, and to accept a follow-up.
const CALL_DEADLINE: Duration = Duration::from_secs(5);
/// A follow-up that overtakes the answer it follows finds no message yet; so often it is tried again.
const EARLY_TRIES: u32 = 8;
/// The pause between them.
const EARLY_PAUSE: Duration = Duration::from_millis(250);

/// Discord's kinds of interactions.
const PING: u8 = 1;
const COMMAND: u8 = 2;
const COMPONENT: u8 = 3;
const MODAL: u8 = 5;
/// Kinds of commands.
const SLASH: u8 = 1;
const USER_MENU: u8 = 2;

/// Public keys that belong to nobody: points of small order, under which signatures for any message can be made. With
/// these refused once, at the start, every signature is held as strictly as `verify_strict` of ed25519-dalek does: ring
/// takes canonical scalars only (RFC 8032, 5.1.7).
const WEAK_KEYS: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

/// What relatch must know of a Discord server.
#[derive(Debug)]
pub struct Config {
    /// The application.
    pub application_id: String,
    /// Its public key.
    pub public_key: [u8; 32],
    /// Its bot token.
    pub bot_token: SecretString,
    /// The one server (guild) that is served.
    pub guild_id: String,
    /// The REST API, with its version.
    pub api_url: Url,
}

impl Config {
    /// Reads the section `[discord]`.
    pub(super) fn read(mut section: Section<'_>, _own_url: Option<&Url>) -> Option<Self> {
        let snowflake = |section: &mut Section<'_>, key: &'static str| {
            let id = section.required(key)?;
            if is_snowflake(&id) {
                return Some(id);
            }
            section.problem(key, "must be an id of Discord: 15 to 20 digits");
            None
        };
        let application_id = snowflake(&mut section, "application_id");
        let guild_id = snowflake(&mut section, "guild_id");
        let public_key = section.required("public_key").and_then(|text| {
            let key = public_key(&text);
            if key.is_none() {
                section.problem(
                    "public_key",
                    "must be the 64 hexadecimal digits of the application's public key",
                );
            }
            key
        });
        let bot_token = section.required_secret("bot_token", "bot_token_file", true);
        let api_url = section.api_url("https://discord.com/api/v10/");
        section.end();
        Some(Self {
            application_id: application_id?,
            public_key: public_key?,
            bot_token: bot_token?,
            guild_id: guild_id?,
            api_url: api_url?,
        })
    }
}

/// Reads the public key of the portal: 64 hexadecimal digits of a point that can belong to somebody.
pub fn public_key(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).ok()?;
    let mut unsigned = key;
    // The highest bit is a sign, and both signs of such a point are of small order.
    if let Some(last) = unsigned.last_mut() {
        *last &= 0x7f;
    }
    (!WEAK_KEYS.contains(&hex::encode(unsigned).as_str())).then_some(key)
}

/// True for an id of Discord's ("snowflake").
pub fn is_snowflake(id: &str) -> bool {
    (15..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// One Discord server.
pub struct Discord {
    config: Config,
    http: reqwest::Client,
    clock: Clock,
    profiles: Profiles,
}

impl Discord {
    /// The adapter for one server.
    pub fn new(config: Config, http: reqwest::Client, clock: Clock) -> Self {
        Self {
            config,
            http,
            clock,
            profiles: Profiles::default(),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "one shape for all platforms")]
    pub(super) fn open(config: Config, parts: &ChatParts) -> Result<Self, EmptySecret> {
        Ok(Self::new(config, parts.http.clone(), parts.clock.clone()))
    }

    /// Verifies and reads one request (Discord, "Interactions: Overview").
    pub(super) fn receive(
        &self,
        _route: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<Verified<Interaction>, NotVerified> {
        check_content_type(headers, "application/json")?;
        let replay = self.verify(headers, body, now)?;
        let sent: wire::Sent =
            serde_json::from_slice(body).map_err(|_| NotVerified::Malformed("the interaction"))?;
        // Discord's own probe carries nothing else.
        if sent.kind == PING {
            return Ok(Verified::new(Interaction::Ping));
        }
        self.check_pins(&sent)?;
        let origin = self.origin(&sent, replay, now)?;
        let data = sent
            .data
            .ok_or(NotVerified::Malformed("an interaction without data"))?;
        Ok(Verified::new(match sent.kind {
            COMMAND => Interaction::Command(Command {
                origin,
                ask: read_command(&data)?,
            }),
            COMPONENT => read_click(origin, &data, sent.id)?,
            MODAL => read_form(origin, data)?,
            _ => return Err(NotVerified::Malformed("a type that we never ask for")),
        }))
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<ReplayKey, NotVerified> {
        let timestamp = only_header(headers, "x-signature-timestamp")?;
        let signature = only_header(headers, "x-signature-ed25519")?;
        // Ten digits exactly: else a digit could move from the time into the body under the same signature.
        let signed_at = fresh_timestamp(timestamp, now)?;
        let mut bytes = [0; 64];
        hex::decode_to_slice(signature, &mut bytes).map_err(|_| NotVerified::Unsigned("form"))?;
        let signed = [timestamp.as_bytes(), body].concat();
        UnparsedPublicKey::new(&ED25519, &self.config.public_key)
            .verify(&signed, &bytes)
            .map_err(|_| NotVerified::Unsigned("signature"))?;
        Ok(replay_key(
            Platform::Discord,
            signed_at,
            &[timestamp.as_bytes(), body],
        ))
    }

    /// W18: our application, our server, installed there, and not in a private conversation.
    fn check_pins(&self, sent: &wire::Sent) -> Result<(), NotVerified> {
        if sent
            .application_id
            .as_ref()
            .is_some_and(|id| *id != self.config.application_id)
        {
            return Err(NotVerified::Unsigned("app"));
        }
        let is_in_guild = sent.context.is_none_or(|context| context == 0);
        let is_installed_there = sent
            .authorizing_integration_owners
            .as_ref()
            .is_none_or(|owners| owners.contains_key("0"));
        if sent.guild_id.as_ref() != Some(&self.config.guild_id)
            || !is_in_guild
            || !is_installed_there
        {
            return Err(NotVerified::Unsigned("guild"));
        }
        Ok(())
    }

    fn origin(
        &self,
        sent: &wire::Sent,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Origin, NotVerified> {
        let user = sent
            .member
            .as_ref()
            .map(|member| member.user.id.as_str())
            .unwrap_or_default();
        if !is_snowflake(user) || !is_token(&sent.token) {
            return Err(NotVerified::Malformed("a user id or a token"));
        }
        let path = format!("webhooks/{}/{}", self.config.application_id, sent.token);
        let url = self
            .config
            .api_url
            .join(&path)
            .map_err(|_| NotVerified::Malformed("a token"))?;
        Ok(Origin {
            user: ChatUser {
                platform: Platform::Discord,
                tenant: self.config.guild_id.clone(),
                user: user.to_owned(),
            },
            replay,
            reply: Some(ReplyAddress::new(url.into(), now + REPLY_LIFE)),
            received_at: now,
        })
    }

    async fn post(&self, to: &ReplyAddress, message: Value, placement: Placement) -> Outcome {
        if self.clock.now() > to.until {
            return Outcome::Refused(Refusal::Unreachable);
        }
        let mut tries = 0;
        loop {
            let call = match placement {
                Placement::Replace => self
                    .http
                    .patch(format!("{}/messages/@original", to.expose()))
                    .json(&message),
                Placement::Add => self
                    .http
                    .post(to.expose())
                    .json(&render::ephemeral(message.clone())),
            };
            let answer = net::call(as_bot(call)).await;
            // Our answer to the interaction may still be on its way, and there is nothing yet that could be followed.
            let is_early = answer.as_ref().is_ok_and(|answer| answer.status == 404);
            if !is_early {
                return end_of_follow_up(&answer);
            }
            if tries == EARLY_TRIES {
                return Outcome::Refused(Refusal::Unreachable);
            }
            tries += 1;
            tokio::time::sleep(EARLY_PAUSE).await;
        }
    }

    /// The commands of the manifest, as the API takes them.
    fn commands() -> Vec<Value> {
        let manifest: Value = serde_json::from_str(MANIFEST).unwrap_or_default();
        manifest
            .get("commands")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    }

    fn commands_path(&self) -> String {
        format!(
            "applications/{}/guilds/{}/commands",
            self.config.application_id, self.config.guild_id
        )
    }

    /// A call of the bot: its answer, or a name for why there is none.
    async fn api(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, WhoError> {
        let url = self
            .config
            .api_url
            .join(path)
            .map_err(|_| WhoError::Unavailable)?;
        let token = format!("Bot {}", self.config.bot_token.expose_secret());
        let mut call = as_bot(self.http.request(method, url)).header(header::AUTHORIZATION, token);
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = net::call(call).await.map_err(|error| {
            tracing::warn!(
                platform = "discord",
                error = &error as &dyn std::error::Error,
                "Discord could not be asked"
            );
            WhoError::Unavailable
        })?;
        read_rest(&answer, "bot in this server")
    }
}

impl Adapter for Discord {
    fn platform(&self) -> Platform {
        Platform::Discord
    }

    async fn profile(&self, user: &ChatUser, freshness: Freshness) -> Result<Profile, WhoError> {
        let now = self.clock.now();
        if freshness == Freshness::Cached
            && let Some(profile) = self.profiles.get(&user.user, now)
        {
            return Ok(profile);
        }
        if !is_snowflake(&user.user) {
            return Err(WhoError::NotFound);
        }
        let path = format!("guilds/{}/members/{}", self.config.guild_id, user.user);
        let standing = match self.api(Method::GET, &path, None).await {
            Ok(answer) => {
                let member: wire::Member =
                    serde_json::from_value(answer).map_err(|_| WhoError::Unavailable)?;
                standing_of(&member, &user.user)?
            }
            // Not in our server, whoever it is.
            Err(WhoError::NotFound) => Standing::Stranger,
            Err(error) => return Err(error),
        };
        let profile = Profile {
            standing,
            confirmed_email: None,
            role: Role::Member,
        };
        self.profiles.keep(&user.user, &profile, now);
        Ok(profile)
    }

    /// Discord tells no e-mails.
    async fn profile_by_email(
        &self,
        _email: &EmailAddress,
    ) -> Result<Option<(String, Profile)>, WhoError> {
        Ok(None)
    }

    fn tells_emails(&self) -> bool {
        false
    }

    fn immediate(&self, kind: Kind, answer: Immediate<'_>) -> Vec<u8> {
        let answer = match (kind, answer) {
            (Kind::Ping, _) | (_, Immediate::Challenge(_)) => json!({ "type": 1 }),
            (Kind::Command, Immediate::Taken | Immediate::Working(_)) => {
                json!({ "type": 5, "data": { "flags": render::EPHEMERAL } })
            }
            (Kind::Click | Kind::Form(_), Immediate::Taken | Immediate::Working(_)) => {
                json!({ "type": 6 })
            }
            (_, Immediate::Say(message)) => {
                json!({ "type": 4, "data": render::ephemeral(render::message(message, None)) })
            }
            (_, Immediate::Open(form, _)) => json!({ "type": 9, "data": render::modal(form) }),
            (_, Immediate::FormError(text)) => {
                let message = Message {
                    title: text.to_owned(),
                    ..Message::default()
                };
                json!({ "type": 4, "data": render::ephemeral(render::message(&message, None)) })
            }
        };
        answer.to_string().into_bytes()
    }

    /// The deferred answer is a place that waits to be filled.
    fn late_placement(&self) -> Placement {
        Placement::Replace
    }

    fn opens_forms_at_once(&self) -> bool {
        true
    }

    fn can_replace(&self) -> bool {
        true
    }

    /// Every click brings an address of its own, so no address is used up.
    fn uses_left(&self, _to: &ReplyAddress) -> u32 {
        u32::MAX
    }

    async fn follow_up(
        &self,
        to: &ReplyAddress,
        message: &Message,
        placement: Placement,
    ) -> Outcome {
        self.post(to, render::message(message, None), placement)
            .await
    }

    async fn show(&self, to: &ReplyAddress, message: &Message, password: &Password) -> Outcome {
        self.post(
            to,
            render::message(message, Some(password)),
            Placement::Replace,
        )
        .await
    }

    /// Never called: forms are opened by the answer.
    async fn open_form(&self, _trigger: &Trigger, _form: &Form) -> Result<(), WhoError> {
        Err(WhoError::Unavailable)
    }

    /// The server is the one of the settings.
    async fn planned(&self, _team: Option<&str>) -> Result<Vec<Planned>, RegisterError> {
        let answer = self.api(Method::GET, &self.commands_path(), None).await?;
        let mut present = answer.as_array().cloned().ok_or(WhoError::Unavailable)?;
        let name = |command: &Value| command["name"].as_str().unwrap_or_default().to_owned();
        let mut planned: Vec<Planned> = Self::commands()
            .into_iter()
            .map(|wanted| {
                let is_same = |other: &Value| {
                    ["name", "type"]
                        .iter()
                        .all(|key| other.get(key) == wanted.get(key))
                };
                let at = present.iter().position(is_same);
                Planned {
                    name: name(&wanted),
                    present: at.map(|at| present.remove(at)),
                    wanted: Some(wanted),
                }
            })
            .collect();
        planned.extend(present.into_iter().map(|one| Planned {
            name: name(&one),
            wanted: None,
            present: Some(one),
        }));
        Ok(planned)
    }

    /// Puts the commands in the place of all others of the application in our server.
    async fn register(&self, planned: &[Planned]) -> Result<Option<SecretString>, RegisterError> {
        let commands: Value = planned
            .iter()
            .filter_map(|one| one.wanted.clone())
            .collect();
        self.api(Method::PUT, &self.commands_path(), Some(&commands))
            .await?;
        Ok(None)
    }

    async fn probe(&self) -> Result<(), String> {
        let answer = self
            .api(Method::GET, "applications/@me", None)
            .await
            .map_err(|error| error.to_string())?;
        let part = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        let key = part("verify_key");
        if part("id") != self.config.application_id {
            Err("the bot token belongs to another application".to_owned())
        } else if key == hex::encode(self.config.public_key) {
            Ok(())
        } else {
            Err("public_key is not that of this application".to_owned())
        }
    }
}

/// Discord wants to know whose bot calls (Discord, "Reference: User Agent").
fn as_bot(call: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    const AGENT: &str = concat!(
        "DiscordBot (https://relatch.example, ",
        env!("CARGO_PKG_VERSION"),
        ")"
    );
    call.timeout(CALL_DEADLINE)
        .header(header::USER_AGENT, AGENT)
}

fn standing_of(member: &wire::Member, user: &str) -> Result<Standing, WhoError> {
    if member.user.id != user {
        return Err(WhoError::Unavailable);
    }
    Ok(if member.user.bot || member.user.system {
        Standing::Bot
    } else if member.pending {
        // Has not passed the server's own screening yet.
        Standing::Guest
    } else {
        Standing::Member
    })
}

/// The token becomes a part of an address, so nothing in it may lead anywhere else.
fn is_token(token: &str) -> bool {
    (1..=512).contains(&token.len())
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !token.contains("..")
}

/// The options as the words of a command: the same grammar as on every platform.
fn read_command(data: &wire::Data) -> Result<Ask, NotVerified> {
    let name = data.name.as_deref().unwrap_or_default();
    match (data.kind, name) {
        (Some(USER_MENU), MENU_NAME) => {
            let target = data.target_id.clone().filter(|id| is_snowflake(id));
            let target = target.ok_or(NotVerified::Malformed("a menu without its member"))?;
            return Ok(Ask::read(&[Word::Member(NamedMember::Mention(target))]));
        }
        (Some(SLASH) | None, COMMAND_NAME) => {}
        _ => return Err(NotVerified::Malformed("a command that is not ours")),
    }
    let option = |name: &str| {
        let mut found = data.options.iter().filter(|option| option.name == name);
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only.value.as_str()),
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err(NotVerified::Malformed("an option twice")),
        }
    };
    let mut words = Vec::new();
    words.extend(option("show")?.map(|word| Word::Text(word.to_owned())));
    if let Some(id) = option("member")? {
        if !is_snowflake(id) {
            return Err(NotVerified::Malformed("a member that is none"));
        }
        words.push(Word::Member(NamedMember::Mention(id.to_owned())));
    }
    words.extend(option("email")?.map(read_word));
    words.extend(
        option("words")?
            .unwrap_or_default()
            .split_whitespace()
            .map(read_word),
    );
    Ok(Ask::read(&words))
}

/// A mention that was typed into a text, `<@…>`, names a member like the option does.
fn read_word(word: &str) -> Word {
    let id = word
        .strip_prefix("<@")
        .and_then(|rest| rest.strip_suffix('>'));
    let id = id.map(|id| id.strip_prefix('!').unwrap_or(id));
    if let Some(id) = id.filter(|id| is_snowflake(id)) {
        return Word::Member(NamedMember::Mention(id.to_owned()));
    }
    word.parse().map_or_else(
        |_| Word::Text(word.to_owned()),
        |email| Word::Member(NamedMember::Email(email)),
    )
}

fn read_click(origin: Origin, data: &wire::Data, id: String) -> Result<Interaction, NotVerified> {
    let (action, value) = name_and_value(data)?;
    let action = action
        .parse()
        .map_err(|_| NotVerified::Malformed("an unknown action"))?;
    Ok(Interaction::Click(Click {
        origin,
        action,
        value,
        trigger: Some(Trigger::new(id)),
    }))
}

fn read_form(origin: Origin, data: wire::Data) -> Result<Interaction, NotVerified> {
    let (kind, value) = name_and_value(&data)?;
    let kind = kind
        .parse()
        .map_err(|_| NotVerified::Malformed("an unknown form"))?;
    // Today's shape is a label around the input; the older one a row of one.
    let mut typed = data
        .components
        .into_iter()
        .flat_map(|part| part.component.into_iter().chain(part.components));
    let (Some(input), None) = (typed.next(), typed.next()) else {
        return Err(NotVerified::Malformed("a form without its input"));
    };
    if input.custom_id.as_deref() != Some(render::INPUT) {
        return Err(NotVerified::Malformed("a form without its input"));
    }
    Ok(Interaction::Form(FormSubmitted {
        origin,
        kind,
        once: None,
        value,
        typed: input.value.unwrap_or_default(),
    }))
}

/// `deliver_copy:…`: what a button or a form is, and its opaque value.
fn name_and_value(data: &wire::Data) -> Result<(String, String), NotVerified> {
    let custom_id = data.custom_id.as_deref().and_then(|id| id.split_once(':'));
    let (name, value) = custom_id.ok_or(NotVerified::Malformed("a component that is not ours"))?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests;
