//! Lark and Feishu: encrypted events, commands typed to the bot, cards with buttons and forms.
//!
//! Sources: Lark's pages "Request URL configuration", "Encrypt key", "Receive message", "Card callback", "Delayed update of
//! cards", "Send ephemeral message cards", and lark-oapi's event dispatcher for what it verifies. Where that is lax (a
//! timestamp of any age, a digit moved from it into the nonce, a challenge in plain text though a key is set), this is not.
//!
//! In a group everything goes into ephemeral cards; in the 1:1 chat, which has none, into ordinary ones that are replaced.

mod render;
mod wire;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aes::Aes256;
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

use super::common::{Profiles, Uses, check_content_type};
use super::interaction::{Ask, NamedMember, Trigger, Word};
use super::signature::{EmptySecret, WINDOW, fresh_timestamp, only_header, replay_key};
use super::{
    Adapter, ChatParts, Click, Command, Form, FormSubmitted, Freshness, Immediate, Interaction,
    Kind, Message, NotVerified, Origin, Placement, Planned, Profile, RegisterError, ReplyAddress,
    Standing, Verified, WhoError,
};
use crate::clock::Clock;
use crate::domain::delivery::{Outcome, Refusal};
use crate::domain::{ChatUser, EmailAddress, Moment, Password, Platform, Role, Span};
use crate::lark_api::{LarkApi, LarkApis, LarkError};
use crate::settings::Section;
use crate::store::ReplayKey;

/// Where Lark posts everything.
pub const EVENTS_ROUTE: &str = "/lark/events";
/// The one.
pub(super) const ROUTES: &[&str] = &[EVENTS_ROUTE];
/// The command, as it is typed.
pub const COMMAND_NAME: &str = "/reset-password";
/// What the app has to be allowed, to hear and to offer.
pub const MANIFEST: &str = include_str!("../../../manifests/lark.json");
/// The events and callbacks that are answered.
pub const EVENTS: [&str; 3] = [MESSAGE, MENU, CARD];

/// Why nothing starts without the key, and where it is made.
const NO_ENCRYPT_KEY: &str = "is missing; without it anyone who has seen one event can forge others. Make an Encrypt Key \
    in the Lark developer console (your app, Events & Callbacks, Encryption Strategy) and give it here or as \
    encrypt_key_file";

const MESSAGE: &str = "im.message.receive_v1";
const MENU: &str = "application.bot.menu_v6";
const CARD: &str = "card.action.trigger";

/// How long a chat is written to about one command or click. Lark sets no end; a generated password lives as long.
const REPLY_LIFE: Span = Span::hours(24);
/// How long the token of a click changes its card (Lark: 30 minutes), less a minute for the way.
const TOKEN_LIFE: Span = Span::minutes(29);
/// How often it does.
const TOKEN_USES: u32 = 2;
/// A change that overtakes the answer to its click is undone by it.
const AFTER_ANSWER: Duration = Duration::from_millis(300);
/// The id is not one of ours, or nobody that the app may see.
const NOBODY: [i64; 4] = [41_012, 41_050, 99_992_351, 99_992_352];

/// What relatch must know of a Lark tenant.
#[derive(Debug)]
pub struct Config {
    /// The custom app.
    pub app_id: String,
    /// Its secret.
    pub app_secret: SecretString,
    /// Events are encrypted and signed with it. Without one Lark proves them by the verification token alone, which stands
    /// in every event, so whoever saw one event could forge all others.
    pub encrypt_key: SecretString,
    /// Stands in every event.
    pub verification_token: SecretString,
    /// The one tenant that is served.
    pub tenant_key: String,
    /// The Open API of the cloud: Lark's or Feishu's.
    pub api_url: Url,
}

impl Config {
    /// Reads the section `[lark]`.
    pub(super) fn read(mut section: Section<'_>, _own_url: Option<&Url>) -> Option<Self> {
        let app_id = section.required("app_id");
        let app_secret = section.required_secret("app_secret", "app_secret_file", true);
        let problems = section.problem_count();
        let encrypt_key = section.secret("encrypt_key", "encrypt_key_file", true);
        if encrypt_key.is_none() && section.problem_count() == problems {
            section.problem("encrypt_key", NO_ENCRYPT_KEY);
        }
        let verification_token =
            section.required_secret("verification_token", "verification_token_file", true);
        let tenant_key = section.required("tenant_key");
        let api_url = section.api_url("https://open.larksuite.com/open-apis/");
        section.end();
        Some(Self {
            app_id: app_id?,
            app_secret: app_secret?,
            encrypt_key: encrypt_key?,
            verification_token: verification_token?,
            tenant_key: tenant_key?,
            api_url: api_url?,
        })
    }
}

/// One Lark tenant.
pub struct Lark {
    config: Config,
    api: Arc<LarkApi>,
    clock: Clock,
    profiles: Profiles,
    /// How often the token of each click was used.
    used: Arc<Uses>,
}

/// Where a conversation goes on: sealed as the follow-up address of a reset.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    /// The person.
    user: String,
    /// The chat; none where somebody chose the bot's menu.
    chat: Option<String>,
    /// True in a group, where cards are ephemeral.
    is_group: bool,
    /// The card that was clicked.
    card: Option<String>,
    /// With it the card is changed.
    token: Option<String>,
    /// When the click came, in Unix milliseconds.
    at: i64,
}

impl Place {
    /// The group, where it is one.
    fn group(&self) -> Option<&str> {
        self.chat.as_deref().filter(|_| self.is_group)
    }
}

impl Lark {
    /// The adapter for one tenant.
    pub fn new(config: Config, http: &reqwest::Client, clock: Clock) -> Self {
        let api = LarkApis::default().app(
            &config.api_url,
            &config.app_id,
            &config.app_secret,
            http,
            &clock,
        );
        Self::with(config, api, clock)
    }

    fn with(config: Config, api: Arc<LarkApi>, clock: Clock) -> Self {
        Self {
            config,
            api,
            clock,
            profiles: Profiles::default(),
            used: Arc::default(),
        }
    }

    /// Goes on with how often the tokens of the same app's clicks were used, when the settings are read again.
    pub(super) fn go_on_from(&mut self, old: &Self) {
        if self.config.app_id == old.config.app_id {
            self.used = Arc::clone(&old.used);
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "one shape for all platforms")]
    pub(super) fn open(config: Config, parts: &ChatParts) -> Result<Self, EmptySecret> {
        let ChatParts {
            http, clock, lark, ..
        } = parts;
        let api = lark.app(
            &config.api_url,
            &config.app_id,
            &config.app_secret,
            http,
            clock,
        );
        Ok(Self::with(config, api, clock.clone()))
    }

    /// Verifies and reads one request.
    pub(super) fn receive(
        &self,
        _route: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<Verified<Interaction>, NotVerified> {
        check_content_type(headers, "application/json")?;
        let (sent, is_signed) = self.unseal(headers, body, now)?;
        if let Some(challenge) = self.read_challenge(&sent)? {
            return Ok(Verified::new(Interaction::Challenge(challenge)));
        }
        // Only the challenge of a new address comes without a signature; it is encrypted too.
        if !is_signed {
            return Err(NotVerified::Unsigned("missing"));
        }
        let header = sent.header.ok_or(NotVerified::Unsigned("header"))?;
        self.check_token(&header.token)?;
        if header.app_id != self.config.app_id || header.tenant_key != self.config.tenant_key {
            return Err(NotVerified::Unsigned("app or tenant"));
        }
        // Also what is sent again hours later, because nobody took it, comes too late for a reset.
        let created_at = seconds(&header.create_time).ok_or(NotVerified::Unsigned("time"))?;
        if (now.unix_seconds() - created_at).abs() > WINDOW {
            return Err(NotVerified::Unsigned("stale"));
        }
        // Sent again, it has another nonce and the same id.
        let replay = replay_key(Platform::Lark, 0, &[header.event_id.as_bytes()]);
        Ok(Verified::new(match header.event_type.as_str() {
            MESSAGE => self.read_message(&sent.event, replay, now)?,
            MENU => self.read_menu(&sent.event, replay, now)?,
            CARD => self.read_card(&sent.event, replay, now)?,
            // Whatever else the app subscribed to.
            _ => Interaction::Ping,
        }))
    }

    /// The event, and whether a signature held. Whatever fails before one held fails alike.
    fn unseal(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<(wire::Sent, bool), NotVerified> {
        let key = &self.config.encrypt_key;
        let is_signed = headers.contains_key("x-lark-signature");
        if is_signed {
            verify(headers, body, key, now)?;
        }
        let sealed: wire::Sealed =
            serde_json::from_slice(body).map_err(|_| NotVerified::Unsigned("not encrypted"))?;
        let opened = decrypt(key.expose_secret(), &sealed.encrypt)
            .ok_or(NotVerified::Unsigned("encryption"))?;
        let sent = serde_json::from_slice(&opened).map_err(|_| NotVerified::Unsigned("form"))?;
        Ok((sent, is_signed))
    }

    fn read_challenge(&self, sent: &wire::Sent) -> Result<Option<String>, NotVerified> {
        if sent.kind.as_deref() != Some("url_verification") {
            return Ok(None);
        }
        self.check_token(sent.token.as_deref().unwrap_or_default())?;
        let challenge = sent
            .challenge
            .as_ref()
            .filter(|text| (1..=1024).contains(&text.len()));
        challenge
            .cloned()
            .map(Some)
            .ok_or(NotVerified::Malformed("a challenge without its text"))
    }

    fn check_token(&self, token: &str) -> Result<(), NotVerified> {
        let is_ours = self
            .config
            .verification_token
            .expose_secret()
            .as_bytes()
            .ct_eq(token.as_bytes());
        if bool::from(is_ours) {
            Ok(())
        } else {
            Err(NotVerified::Unsigned("token"))
        }
    }

    fn read_message(
        &self,
        event: &Value,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let received: wire::Received = parse(event)?;
        let wire::Received { sender, message } = received;
        // Other bots talk too, and are no business of ours.
        if sender.kind != "user" || message.message_type != "text" {
            return Ok(Interaction::Ping);
        }
        if sender.tenant_key != self.config.tenant_key {
            return Err(NotVerified::Unsigned("tenant"));
        }
        let is_group = match message.chat_type.as_str() {
            "p2p" => false,
            "group" => true,
            _ => return Ok(Interaction::Ping),
        };
        let user = self.user(&sender.ids.open_id)?;
        if !is_id(&message.chat_id, "oc_") {
            return Err(NotVerified::Malformed("a chat"));
        }
        let content: Value =
            serde_json::from_str(&message.content).map_err(|_| NotVerified::Malformed("a text"))?;
        let text = content
            .get("text")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let ask = match read_command(text, &message.mentions) {
            Some(ask) => ask,
            // In the 1:1 chat everything is meant for us; in a group only the command is.
            None if is_group => return Ok(Interaction::Ping),
            None => Ask::Help,
        };
        let place = Place {
            user: user.user.clone(),
            chat: Some(message.chat_id),
            is_group,
            card: None,
            token: None,
            at: now.0,
        };
        Ok(Interaction::Command(Command {
            origin: origin(user, replay, &place, now),
            ask,
        }))
    }

    fn read_menu(
        &self,
        event: &Value,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let chosen: wire::Chosen = parse(event)?;
        if chosen.event_key != "help" {
            return Ok(Interaction::Ping);
        }
        let user = self.user(&chosen.operator.operator_id.open_id)?;
        let place = Place {
            user: user.user.clone(),
            chat: None,
            is_group: false,
            card: None,
            token: None,
            at: now.0,
        };
        Ok(Interaction::Command(Command {
            origin: origin(user, replay, &place, now),
            ask: Ask::Help,
        }))
    }

    fn read_card(
        &self,
        event: &Value,
        replay: ReplayKey,
        now: Moment,
    ) -> Result<Interaction, NotVerified> {
        let pressed: wire::Pressed = parse(event)?;
        if pressed.operator.tenant_key != self.config.tenant_key {
            return Err(NotVerified::Unsigned("tenant"));
        }
        let user = self.user(&pressed.operator.open_id)?;
        let wire::Place {
            open_message_id,
            open_chat_id,
        } = pressed.context;
        let wire::Pushed {
            value,
            mut form_value,
        } = pressed.action;
        let wire::OurValue {
            action,
            form,
            value,
            group,
        } = value;
        let place = Place {
            user: user.user.clone(),
            is_group: group.is_some(),
            // In a group the chat is the one to which we sent the card, whatever the callback says.
            chat: group.or(Some(open_chat_id)).filter(|id| is_id(id, "oc_")),
            card: Some(open_message_id).filter(|id| is_id(id, "om_")),
            token: Some(pressed.token).filter(|token| (1..=512).contains(&token.len())),
            at: now.0,
        };
        let origin = origin(user, replay, &place, now);
        match (action, form) {
            (Some(action), None) => {
                let action = action
                    .parse()
                    .map_err(|_| NotVerified::Malformed("an unknown action"))?;
                // A form is opened by the answer, and needs no permission of its own.
                let trigger = Some(Trigger::new(String::new()));
                Ok(Interaction::Click(Click {
                    origin,
                    action,
                    value,
                    trigger,
                }))
            }
            (None, Some(form)) => {
                let kind = form
                    .parse()
                    .map_err(|_| NotVerified::Malformed("an unknown form"))?;
                let Some(Value::String(typed)) = form_value.remove(render::INPUT) else {
                    return Err(NotVerified::Malformed("a form without its input"));
                };
                Ok(Interaction::Form(FormSubmitted {
                    origin,
                    kind,
                    once: None,
                    value,
                    typed,
                }))
            }
            _ => Err(NotVerified::Malformed("a card that is not ours")),
        }
    }

    fn user(&self, id: &str) -> Result<ChatUser, NotVerified> {
        if !is_id(id, "ou_") {
            return Err(NotVerified::Malformed("a user id"));
        }
        Ok(ChatUser {
            platform: Platform::Lark,
            tenant: self.config.tenant_key.clone(),
            user: id.to_owned(),
        })
    }

    /// Sends a card of its own.
    async fn send(&self, place: &Place, card: &Value) -> Result<(), LarkError> {
        if place.is_group {
            let body = json!({ "chat_id": place.chat, "open_id": place.user, "msg_type": "interactive", "card": card });
            return self
                .api
                .call(Method::POST, "ephemeral/v1/send", Some(&body))
                .await
                .map(drop);
        }
        let (kind, to) = match &place.chat {
            Some(chat) => ("chat_id", chat),
            None => ("open_id", &place.user),
        };
        let body =
            json!({ "receive_id": to, "msg_type": "interactive", "content": card.to_string() });
        let path = format!("im/v1/messages?receive_id_type={kind}");
        self.api
            .call(Method::POST, &path, Some(&body))
            .await
            .map(drop)
    }

    /// Puts a card in the place of the one that was clicked: with the token of the click while it works, else by the
    /// card's own id; an ephemeral one can then only be taken away and sent anew.
    async fn replace(&self, place: &Place, card: &Value) -> Result<(), LarkError> {
        if let Some(token) = place
            .token
            .as_deref()
            .filter(|token| self.takes_use(token, place.at))
        {
            tokio::time::sleep(AFTER_ANSWER).await;
            let body = json!({ "token": token, "card": card });
            match self
                .api
                .call(Method::POST, "interactive/v1/card/update", Some(&body))
                .await
            {
                Err(LarkError::Refused(code)) => {
                    tracing::warn!(platform = "lark", code, "a card was not changed");
                }
                end => return end.map(drop),
            }
        }
        let Some(id) = &place.card else {
            return self.send(place, card).await;
        };
        if place.is_group {
            let body = json!({ "message_id": id });
            let gone = self
                .api
                .call(Method::POST, "ephemeral/v1/delete", Some(&body))
                .await;
            if let Err(error) = gone {
                tracing::warn!(
                    platform = "lark",
                    error = &error as &dyn std::error::Error,
                    "a card was not taken away"
                );
            }
            return self.send(place, card).await;
        }
        let body = json!({ "content": card.to_string() });
        self.api
            .call(Method::PATCH, &format!("im/v1/messages/{id}"), Some(&body))
            .await
            .map(drop)
    }

    /// Takes one of the uses of a click's token, if one is left.
    fn takes_use(&self, token: &str, at: i64) -> bool {
        let (now, until) = (self.clock.now(), Moment(at) + TOKEN_LIFE);
        now < until && self.used.take(token, until, now) <= TOKEN_USES
    }

    async fn tell(
        &self,
        to: &ReplyAddress,
        message: &Message,
        password: Option<&Password>,
        placement: Placement,
    ) -> Outcome {
        let Ok(place) = serde_json::from_str::<Place>(to.expose()) else {
            return Outcome::Refused(Refusal::Unreachable);
        };
        if self.clock.now() > to.until {
            return Outcome::Refused(Refusal::Unreachable);
        }
        let card = render::message(message, password, place.group());
        let end = match placement {
            Placement::Replace => self.replace(&place, &card).await,
            Placement::Add => self.send(&place, &card).await,
        };
        match end {
            Ok(()) => Outcome::Accepted,
            Err(LarkError::NotSent) => Outcome::Refused(Refusal::Unreachable),
            Err(LarkError::Limited(_)) => Outcome::Refused(Refusal::Later),
            Err(LarkError::MissingScope(_) | LarkError::Refused(_)) => {
                Outcome::Refused(Refusal::Message)
            }
            Err(LarkError::NoAnswer) => Outcome::Unknown,
        }
    }

    async fn account(&self, user: &str) -> Result<Profile, WhoError> {
        let path = format!("contact/v3/users/{user}?user_id_type=open_id");
        let mut answer = self.api.call(Method::GET, &path, None).await.map_err(who)?;
        let account = answer
            .pointer_mut("/data/user")
            .map(Value::take)
            .unwrap_or_default();
        let account: wire::Account =
            serde_json::from_value(account).map_err(|_| WhoError::Unavailable)?;
        if account.open_id != user {
            return Err(WhoError::Unavailable);
        }
        Ok(judge(&account))
    }
}

impl Adapter for Lark {
    fn platform(&self) -> Platform {
        Platform::Lark
    }

    async fn profile(&self, user: &ChatUser, freshness: Freshness) -> Result<Profile, WhoError> {
        let now = self.clock.now();
        if freshness == Freshness::Cached
            && let Some(profile) = self.profiles.get(&user.user, now)
        {
            return Ok(profile);
        }
        if !is_id(&user.user, "ou_") {
            return Err(WhoError::NotFound);
        }
        let profile = self.account(&user.user).await?;
        self.profiles.keep(&user.user, &profile, now);
        Ok(profile)
    }

    async fn profile_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<(String, Profile)>, WhoError> {
        let body = json!({ "emails": [email.as_str()], "include_resigned": false });
        let path = "contact/v3/users/batch_get_id?user_id_type=open_id";
        let answer = self
            .api
            .call(Method::POST, path, Some(&body))
            .await
            .map_err(who)?;
        let found = answer
            .pointer("/data/user_list")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let mut ids = found
            .filter_map(|one| one.get("user_id").and_then(Value::as_str))
            .filter(|id| is_id(id, "ou_"));
        match (ids.next(), ids.next()) {
            (None, _) => Ok(None),
            (Some(id), None) => Ok(Some((id.to_owned(), self.account(id).await?))),
            (Some(_), Some(_)) => Err(WhoError::Unavailable),
        }
    }

    fn tells_emails(&self) -> bool {
        true
    }

    fn immediate(&self, _kind: Kind, answer: Immediate<'_>) -> Vec<u8> {
        let answer = match answer {
            // What an event is answered with nobody sees.
            Immediate::Taken | Immediate::Working(_) => json!({}),
            Immediate::Challenge(text) => json!({ "challenge": text }),
            Immediate::Say(message) => {
                json!({ "toast": { "type": "info", "content": message.title } })
            }
            Immediate::FormError(text) => json!({ "toast": { "type": "error", "content": text } }),
            Immediate::Open(form, to) => {
                let place = to.and_then(|to| serde_json::from_str::<Place>(to.expose()).ok());
                let group = place.as_ref().and_then(Place::group);
                json!({ "card": { "type": "raw", "data": render::form(form, group) } })
            }
        };
        answer.to_string().into_bytes()
    }

    /// Only the toast of a click could, and it is gone in seconds.
    fn says_at_once(&self) -> bool {
        false
    }

    /// What is not answered with 200 is sent again: after 15 s, 5 min, 1 h and 6 h.
    fn answers_replays(&self, _kind: Kind) -> bool {
        true
    }

    fn late_placement(&self) -> Placement {
        Placement::Add
    }

    fn opens_forms_at_once(&self) -> bool {
        true
    }

    fn can_replace(&self) -> bool {
        true
    }

    /// Where a token is used up, the card is changed by its id.
    fn uses_left(&self, _to: &ReplyAddress) -> u32 {
        u32::MAX
    }

    async fn follow_up(
        &self,
        to: &ReplyAddress,
        message: &Message,
        placement: Placement,
    ) -> Outcome {
        self.tell(to, message, None, placement).await
    }

    async fn show(&self, to: &ReplyAddress, message: &Message, password: &Password) -> Outcome {
        self.tell(to, message, Some(password), Placement::Replace)
            .await
    }

    /// Never called: forms are opened by the answer.
    async fn open_form(&self, _trigger: &Trigger, _form: &Form) -> Result<(), WhoError> {
        Err(WhoError::Unavailable)
    }

    /// Commands of others, which the same app may have, stay.
    async fn planned(&self, _team: Option<&str>) -> Result<Vec<Planned>, RegisterError> {
        let answer = self
            .api
            .call(Method::GET, "application/v7/app_slash_commands", None)
            .await
            .map_err(who)?;
        let present = answer
            .pointer("/data/items")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let manifest: Value = serde_json::from_str(MANIFEST).unwrap_or_default();
        let wanted = manifest
            .get("commands")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let name = |command: &Value| {
            command
                .get("command")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let planned = wanted.into_iter().map(|wanted| {
            let name = name(&wanted);
            let present = present
                .iter()
                .find(|one| one.get("command") == wanted.get("command"))
                .cloned();
            Planned {
                name,
                wanted: Some(wanted),
                present,
            }
        });
        Ok(planned.collect())
    }

    async fn register(&self, planned: &[Planned]) -> Result<Option<SecretString>, RegisterError> {
        const PATH: &str = "application/v7/app_slash_commands";
        for Planned {
            wanted, present, ..
        } in planned
        {
            let Some(wanted) = wanted else { continue };
            let id = present
                .as_ref()
                .and_then(|present| present.get("command_id"))
                .and_then(Value::as_str);
            let end = match id.filter(|id| {
                id.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            }) {
                Some(id) => {
                    let body = json!({ "description": wanted.get("description") });
                    self.api
                        .call(Method::PATCH, &format!("{PATH}/{id}"), Some(&body))
                        .await
                }
                None => self.api.call(Method::POST, PATH, Some(wanted)).await,
            };
            end.map_err(who)?;
        }
        Ok(None)
    }

    async fn probe(&self) -> Result<(), String> {
        let answer = self
            .api
            .call(Method::GET, "bot/v3/info", None)
            .await
            .map_err(|error| error.to_string())?;
        if answer
            .pointer("/bot/open_id")
            .and_then(Value::as_str)
            .is_some()
        {
            Ok(())
        } else {
            Err("the app has no bot; add the bot ability".to_owned())
        }
    }
}

/// SHA-256 over time, nonce, key and the body as it came ("Encrypt key"). It is no HMAC, so every part is held to its own
/// form: ten digits, then letters and digits, and a body that is one JSON object to its last byte.
fn verify(
    headers: &HeaderMap,
    body: &[u8],
    key: &SecretString,
    now: Moment,
) -> Result<(), NotVerified> {
    let timestamp = only_header(headers, "x-lark-request-timestamp")?;
    let nonce = only_header(headers, "x-lark-request-nonce")?;
    let signature = only_header(headers, "x-lark-signature")?;
    fresh_timestamp(timestamp, now)?;
    if !(1..=128).contains(&nonce.len())
        || !nonce
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    {
        return Err(NotVerified::Unsigned("nonce"));
    }
    let mut digest = Sha256::new();
    for part in [
        timestamp.as_bytes(),
        nonce.as_bytes(),
        key.expose_secret().as_bytes(),
        body,
    ] {
        digest.update(part);
    }
    let wanted = hex::encode(digest.finalize());
    if bool::from(wanted.as_bytes().ct_eq(signature.as_bytes())) {
        Ok(())
    } else {
        Err(NotVerified::Unsigned("signature"))
    }
}

/// AES-256-CBC with the SHA-256 of the key; the first block is the initial vector. All of the padding counts.
fn decrypt(key: &str, sealed: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(sealed).ok()?;
    let (vector, sealed) = bytes.split_at_checked(16)?;
    let key = Sha256::digest(key.as_bytes());
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&key, vector).ok()?;
    let mut opened = sealed.to_vec();
    let length = cipher.decrypt_padded::<Pkcs7>(&mut opened).ok()?.len();
    opened.truncate(length);
    Some(opened)
}

/// The time of an event: milliseconds for events, microseconds for callbacks of cards, as Lark's own examples have it.
fn seconds(text: &str) -> Option<i64> {
    let number: i64 = text
        .parse()
        .ok()
        .filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    match text.len() {
        10 => Some(number),
        13 => Some(number / 1_000),
        16 => Some(number / 1_000_000),
        _ => None,
    }
}

fn origin(user: ChatUser, replay: ReplayKey, place: &Place, now: Moment) -> Origin {
    let reply = serde_json::to_string(place)
        .ok()
        .map(|place| ReplyAddress::new(place, now + REPLY_LIFE));
    Origin {
        user,
        replay,
        reply,
        received_at: now,
    }
}

/// What an account is worth. Confirmed is only the mailbox that the organisation gave; anything else in the profile
/// somebody typed.
fn judge(account: &wire::Account) -> Profile {
    let status = &account.status;
    let is_gone = status.is_frozen || status.is_resigned || status.is_exited;
    let email = account
        .enterprise_email
        .as_deref()
        .filter(|email| !email.is_empty());
    Profile {
        standing: if is_gone {
            Standing::Deleted
        } else {
            Standing::Member
        },
        confirmed_email: email.and_then(|email| email.parse().ok()),
        role: if account.is_tenant_manager {
            Role::PrimaryAdmin
        } else {
            Role::Member
        },
    }
}

fn who(error: LarkError) -> WhoError {
    match error {
        LarkError::NotSent | LarkError::NoAnswer => WhoError::Unavailable,
        LarkError::Limited(wait) => WhoError::RateLimited(wait),
        LarkError::MissingScope(scope) => WhoError::MissingScope(scope),
        LarkError::Refused(code) if NOBODY.contains(&code) => WhoError::NotFound,
        LarkError::Refused(code) => WhoError::Refused(code.to_string()),
    }
}

fn parse<T: DeserializeOwned>(event: &Value) -> Result<T, NotVerified> {
    T::deserialize(event).map_err(|_| NotVerified::Malformed("the event"))
}

/// Lark's ids: a prefix, and letters, digits, `-` and `_`. They become parts of addresses.
fn is_id(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|rest| {
        (1..=96).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

/// The words behind the command, which may stand behind mentions of the bot; none where there is no command.
fn read_command(text: &str, mentions: &[wire::Mentioned]) -> Option<Ask> {
    let mentions: HashMap<&str, &str> = mentions
        .iter()
        .map(|mentioned| (mentioned.key.as_str(), mentioned.id.open_id.as_str()))
        .collect();
    let mut words = text
        .split_whitespace()
        .skip_while(|word| mentions.contains_key(word));
    words
        .next()
        .filter(|word| word.eq_ignore_ascii_case(COMMAND_NAME))?;
    let words: Vec<Word> = words.map(|word| read_word(word, &mentions)).collect();
    Some(Ask::read(&words))
}

/// `@_user_1` is whom Lark says it is, as a whole word: it is also how `@_user_10` begins.
fn read_word(word: &str, mentions: &HashMap<&str, &str>) -> Word {
    let trimmed = word.trim_end_matches([',', '.', ';', ':', '!', '?']);
    for name in [word, trimmed] {
        if let Some(id) = mentions.get(name).filter(|id| is_id(id, "ou_")) {
            return Word::Member(NamedMember::Mention((*id).to_owned()));
        }
    }
    word.parse().map_or_else(
        |_| Word::Text(word.to_owned()),
        |email| Word::Member(NamedMember::Email(email)),
    )
}

#[cfg(test)]
mod tests;
