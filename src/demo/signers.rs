//! What the pretend Discord, Lark and Mattermost sign with, and the adapters that trust it.

use aes::Aes256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use rand::RngExt;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256};
use url::Url;

use super::error::{ActionRefused, DemoError};
use crate::chance::Chance;
use crate::chat::discord::Discord;
use crate::chat::lark::Lark;
use crate::chat::mattermost::Mattermost;
use crate::chat::{ChatParts, discord, lark, mattermost};
use crate::clock::Clock;
use crate::domain::Moment;
use crate::lark_api::LarkApis;
use crate::secret::Keys;

/// Discord's ids of the app and of the server, and the bot's token.
pub(super) const APPLICATION: &str = "100000000000000001";
pub(super) const GUILD: &str = "200000000000000002";
pub(super) const DISCORD_TOKEN: &str = "demo-discord-token.0123456789";

/// The token of the command in Mattermost's team, and the bot's account and token.
pub(super) const MATTERMOST_COMMAND_TOKEN: &str = "demo7commandtoken0123456789";
pub(super) const MATTERMOST_BOT: &str = "relatch0000000000000000000";
pub(super) const MATTERMOST_TOKEN: &str = "demo7bottoken0123456789abcd";

/// What stands before the point of a P-256 key in PKIX DER (RFC 5480).
const PKIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Discord's own key, by which relatch knows it.
pub(super) struct DiscordKey(Ed25519KeyPair);

impl DiscordKey {
    pub(super) fn new() -> Result<Self, DemoError> {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let pair = made
            .ok()
            .and_then(|made| Ed25519KeyPair::from_pkcs8(made.as_ref()).ok());
        pair.map(Self)
            .ok_or_else(|| "no key could be made for the pretend Discord".into())
    }

    /// The adapter that trusts this key, with the API at this address.
    pub(super) fn adapter(
        &self,
        base: &str,
        http: reqwest::Client,
        clock: Clock,
    ) -> Result<Discord, DemoError> {
        let config = discord::Config {
            application_id: APPLICATION.to_owned(),
            public_key: self.0.public_key().as_ref().try_into()?,
            bot_token: DISCORD_TOKEN.to_owned().into(),
            guild_id: GUILD.to_owned(),
            api_url: format!("{base}/discord/").parse()?,
        };
        Ok(Discord::new(config, http, clock))
    }

    /// The headers of a request with this body.
    pub(super) fn headers(&self, body: &str, now: Moment) -> Vec<(&'static str, String)> {
        let timestamp = now.unix_seconds().to_string();
        let signed = [timestamp.as_bytes(), body.as_bytes()].concat();
        let agent = "Discord-Interactions/1.0 (+https://discord.com)";
        vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", agent.to_owned()),
            ("x-signature-ed25519", hex::encode(self.0.sign(&signed))),
            ("x-signature-timestamp", timestamp),
        ]
    }
}

/// The app of Lark's tenant, by whose keys relatch knows what Lark sends.
pub(super) struct LarkApp;

impl LarkApp {
    pub(super) const ID: &str = "cli_demoapp000000001";
    pub(super) const SECRET: &str = "demo-lark-app-secret-0123456789ab";
    pub(super) const VERIFICATION: &str = "demo-lark-verification-0123456789";
    pub(super) const TENANT: &str = "acme0tenant0key";
    /// The tenant's token, which every call to the API must carry.
    pub(super) const TOKEN: &str = "t-demo-0123456789abcdef";
    const ENCRYPT_KEY: &str = "demo-lark-encrypt-key-0123456789a";

    /// The adapter of this app, with the API at this address.
    pub(super) fn adapter(
        base: &str,
        keys: Keys,
        http: reqwest::Client,
        clock: Clock,
    ) -> Result<Lark, DemoError> {
        let config = lark::Config {
            app_id: Self::ID.to_owned(),
            app_secret: Self::SECRET.to_owned().into(),
            encrypt_key: Self::ENCRYPT_KEY.to_owned().into(),
            verification_token: Self::VERIFICATION.to_owned().into(),
            tenant_key: Self::TENANT.to_owned(),
            api_url: format!("{base}/lark/").parse()?,
        };
        let parts = ChatParts {
            keys,
            http,
            clock,
            lark: LarkApis::default(),
        };
        Ok(Lark::open(config, &parts)?)
    }

    /// The envelope of an event: AES-256-CBC by the SHA-256 of the key, after a new vector (Lark, "Encrypt key").
    pub(super) fn seal(event: &str) -> Result<String, ActionRefused> {
        // The errors of the cipher carry no reason of their own.
        let not_sealed = || "The event could not be encrypted.".to_owned();
        let mut rng = Chance::System.rng().map_err(|_| not_sealed())?;
        let vector: [u8; 16] = rng.random();
        let key = Sha256::digest(Self::ENCRYPT_KEY.as_bytes());
        let mut buffer = event.as_bytes().to_vec();
        // Room for the padding.
        buffer.resize(event.len() + 16, 0);
        let cipher =
            cbc::Encryptor::<Aes256>::new_from_slices(&key, &vector).map_err(|_| not_sealed())?;
        let sealed = cipher
            .encrypt_padded::<Pkcs7>(&mut buffer, event.len())
            .map_err(|_| not_sealed())?;
        let envelope = STANDARD.encode([vector.as_slice(), sealed].concat());
        Ok(serde_json::json!({ "encrypt": envelope }).to_string())
    }

    /// The headers of a request with this body: SHA-256 over time, nonce, key and body (Lark, "Encrypt key").
    pub(super) fn headers(body: &str, nonce: &str, now: Moment) -> Vec<(&'static str, String)> {
        let timestamp = now.unix_seconds().to_string();
        let digest = Sha256::digest([&timestamp, nonce, Self::ENCRYPT_KEY, body].concat());
        vec![
            ("content-type", "application/json; charset=utf-8".to_owned()),
            ("x-lark-request-timestamp", timestamp),
            ("x-lark-request-nonce", nonce.to_owned()),
            ("x-lark-signature", hex::encode(digest)),
        ]
    }
}

/// The key with which Mattermost's server signs triggers.
pub(super) struct TriggerKey(EcdsaKeyPair);

impl TriggerKey {
    pub(super) fn new() -> Result<Self, DemoError> {
        let (kind, random) = (&ECDSA_P256_SHA256_ASN1_SIGNING, SystemRandom::new());
        let made = EcdsaKeyPair::generate_pkcs8(kind, &random)
            .ok()
            .and_then(|made| EcdsaKeyPair::from_pkcs8(kind, made.as_ref(), &random).ok());
        made.map(Self)
            .ok_or_else(|| "no key could be made for the pretend Mattermost".into())
    }

    /// The adapter that trusts the pretend server at this address; clicks come to `own_url`.
    pub(super) fn adapter(
        base: &str,
        own_url: Url,
        keys: Keys,
        (http, clock): (reqwest::Client, Clock),
    ) -> Result<Mattermost, DemoError> {
        let config = mattermost::Config {
            url: format!("{base}/mattermost/").parse()?,
            command_tokens: vec![MATTERMOST_COMMAND_TOKEN.to_owned().into()],
            bot_token: MATTERMOST_TOKEN.to_owned().into(),
            trusted_auth_services: Vec::new(),
            own_url,
        };
        Ok(Mattermost::new(config, keys, http, clock))
    }

    /// As `AsymmetricSigningPublicKey` tells it.
    pub(super) fn public(&self) -> String {
        STANDARD.encode([&PKIX, self.0.public_key().as_ref()].concat())
    }

    /// `GenerateTriggerId`: base64 of `id:user:milliseconds:` and the base64 of its signature.
    pub(super) fn trigger(
        &self,
        serial: &str,
        user: &str,
        now: Moment,
    ) -> Result<String, ActionRefused> {
        let text = format!("id{serial:0>24}:{user}:{}:", now.0);
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes());
        // The error of a signature carries no reason of its own.
        let signature = signature.map_err(|_| "The trigger could not be signed.")?;
        Ok(STANDARD.encode(text + &STANDARD.encode(signature)))
    }
}
