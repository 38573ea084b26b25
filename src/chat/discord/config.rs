//! The settings of a Discord server: the section `[discord]`.

use secrecy::SecretString;
use url::Url;

use crate::settings::{SecretForm, Section};

/// Public keys of small order, under which anybody can make a signature for any message. They are refused once, when the
/// settings are read. Together with ring, which accepts only canonical scalars (RFC 8032, 5.1.7), this makes verification
/// as strict as `verify_strict` of ed25519-dalek.
pub(super) const WEAK_KEYS: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];
/// The settings of a Discord server.
#[derive(Debug)]
pub struct Config {
    /// The application that requests must name.
    pub application_id: String,
    /// Verifies every request; not one of [`WEAK_KEYS`].
    pub public_key: [u8; 32],
    /// Authorizes calls of the REST API.
    pub bot_token: SecretString,
    /// The one server (guild) that is served.
    pub guild_id: String,
    /// The REST API, with its version.
    pub api_url: Url,
}

impl Config {
    pub(in crate::chat) fn read(mut section: Section<'_>, _own_url: Option<&Url>) -> Option<Self> {
        let snowflake = |section: &mut Section<'_>, key: &'static str| {
            let id = section.required(key)?;
            if is_snowflake(&id) {
                return Some(id);
            }
            section.problem(
                key,
                "must be an id of Discord: 15 to 20 digits, such as 290926798626357999",
            );
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
        let bot_token = section.required_secret("bot_token", "bot_token_file", SecretForm::TOKEN);
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

/// Parses the public key of the developer portal: 64 hexadecimal digits of a point that is not of small order.
pub(crate) fn public_key(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).ok()?;
    let mut unsigned = key;
    // The highest bit is a sign, and such a point is of small order with both signs.
    if let Some(last) = unsigned.last_mut() {
        *last &= 0x7f;
    }
    (!WEAK_KEYS.contains(&hex::encode(unsigned).as_str())).then_some(key)
}

/// True for an id of Discord: an integer of 64 bits (Discord, "API Reference", section "Snowflakes").
pub(crate) fn is_snowflake(id: &str) -> bool {
    (15..=20).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_digit())
        && id.parse::<u64>().is_ok()
}
