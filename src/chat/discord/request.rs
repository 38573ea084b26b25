//! Verifying and parsing Discord's interactions (Discord, "Interactions: Overview").

use axum::http::HeaderMap;
use ring::signature::{ED25519, UnparsedPublicKey};

use super::config::is_snowflake;
use super::{COMMAND_NAME, Discord, MENU_NAME, render, wire};
use crate::chat::interaction::{Ask, Boxes, Trigger, Word};
use crate::chat::signature::{
    NO_INPUT, UNASKED_TYPE, check_content_type, fresh_timestamp, only_header, replay_key,
};
use crate::chat::{
    Click, Command, FormSubmitted, Interaction, NamedMember, NotVerified, Origin, ReplyAddress,
    Verified,
};
use crate::domain::{ChatUser, Moment, Platform, Span, visible};
use crate::store::ReplayKey;

/// How long the token of an interaction works (Discord, "Receiving and Responding": 15 minutes), less a minute.
const REPLY_LIFE: Span = Span::minutes(14);

// Types of interactions.
const PING: u8 = 1;
const COMMAND: u8 = 2;
const COMPONENT: u8 = 3;
const MODAL: u8 = 5;
// Types of commands.
const SLASH: u8 = 1;
const USER_MENU: u8 = 2;

impl Discord {
    /// Verifies and parses one request.
    pub(super) fn read_request(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<Verified<Interaction>, NotVerified> {
        check_content_type(headers, "application/json")?;
        let replay = self.verify(headers, body, now)?;
        let sent: wire::DiscordInteraction =
            serde_json::from_slice(body).map_err(NotVerified::malformed("the interaction"))?;
        // Discord's own probe has no other fields.
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
            COMPONENT => read_click(origin, &data)?,
            MODAL => read_form(origin, data)?,
            _ => return Err(NotVerified::Malformed(UNASKED_TYPE)),
        }))
    }

    /// Checks the signature and its time, and gives the replay key of the request.
    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<ReplayKey, NotVerified> {
        let timestamp = only_header(headers, "x-signature-timestamp")?;
        let signature = only_header(headers, "x-signature-ed25519")?;
        // Exactly ten digits. Else a digit could move from the time into the body under the same signature.
        let signed_at = fresh_timestamp(timestamp, now)?;
        let mut bytes = [0; 64];
        hex::decode_to_slice(signature, &mut bytes).map_err(NotVerified::unsigned("form"))?;
        let signed = [timestamp.as_bytes(), body].concat();
        UnparsedPublicKey::new(&ED25519, &self.config.public_key)
            .verify(&signed, &bytes)
            .map_err(NotVerified::unsigned("signature"))?;
        Ok(replay_key(
            Platform::Discord,
            signed_at,
            &[timestamp.as_bytes(), body],
        ))
    }

    /// Checks that the request is for our application, from our server and not from a private conversation, and that the
    /// application is installed there.
    fn check_pins(&self, sent: &wire::DiscordInteraction) -> Result<(), NotVerified> {
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
        sent: &wire::DiscordInteraction,
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
            .map_err(NotVerified::malformed("a token"))?;
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
}

/// The token becomes a part of an address, so it must not contain anything that leads elsewhere.
fn is_token(token: &str) -> bool {
    (1..=512).contains(&token.len())
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && !token.contains("..")
}

/// Reads the options as the words of a command, so that the grammar is the same on every platform.
fn read_command(data: &wire::InteractionData) -> Result<Ask, NotVerified> {
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

/// Parses one word. A mention that was typed into a text, `<@…>`, names a member as the option does. One of a role, `<@&…>`,
/// tells no name (Discord, "Message formatting").
fn read_word(word: &str) -> Word {
    let word = visible(word);
    let id = word
        .strip_prefix("<@")
        .and_then(|rest| rest.strip_suffix('>'));
    let id = id.map(|id| id.strip_prefix('!').unwrap_or(id));
    if let Some(id) = id.filter(|id| is_snowflake(id)) {
        return Word::Member(NamedMember::Mention(id.to_owned()));
    }
    let bare = word.trim_end_matches([',', '.', ';', ':', '!', '?']);
    let role = bare
        .strip_prefix("<@&")
        .and_then(|rest| rest.strip_suffix('>'));
    if role.is_some_and(is_snowflake) {
        return Word::Group("a role".to_owned());
    }
    if matches!(bare, "@everyone" | "@here") {
        return Word::Group(bare.to_owned());
    }
    word.parse().map_or_else(
        |_| Word::Text(word.clone()),
        |email| Word::Member(NamedMember::Email(email)),
    )
}

fn read_click(origin: Origin, data: &wire::InteractionData) -> Result<Interaction, NotVerified> {
    let (action, value) = name_and_value(data)?;
    let action = action
        .parse()
        .map_err(NotVerified::malformed("an unknown action"))?;
    Ok(Interaction::Click(Click {
        origin,
        action,
        value,
        boxes: Boxes::default(),
        // Forms are opened by the answer, so no permission of the platform is needed.
        trigger: Trigger::new(String::new()),
    }))
}

fn read_form(origin: Origin, data: wire::InteractionData) -> Result<Interaction, NotVerified> {
    let (kind, value) = name_and_value(&data)?;
    let kind = kind
        .parse()
        .map_err(NotVerified::malformed("an unknown form"))?;
    // The present form is a label around the input; the older one is a row of one.
    let mut typed = data
        .components
        .into_iter()
        .flat_map(|part| part.component.into_iter().chain(part.components));
    let (Some(input), None) = (typed.next(), typed.next()) else {
        return Err(NotVerified::Malformed(NO_INPUT));
    };
    if input.custom_id.as_deref() != Some(render::INPUT) {
        return Err(NotVerified::Malformed(NO_INPUT));
    }
    Ok(Interaction::Form(FormSubmitted {
        origin,
        kind,
        value,
        typed: input.value.unwrap_or_default(),
    }))
}

/// Splits `deliver_copy:…` into the name of a button or a form and its opaque value.
fn name_and_value(data: &wire::InteractionData) -> Result<(String, String), NotVerified> {
    let custom_id = data.custom_id.as_deref().and_then(|id| id.split_once(':'));
    let (name, value) = custom_id.ok_or(NotVerified::Malformed("a component that is not ours"))?;
    Ok((name.to_owned(), value.to_owned()))
}
