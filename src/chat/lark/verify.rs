//! Verifying and decrypting what Lark posts ("Encrypt key", "Request URL configuration").

use aes::Aes256;
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Lark, wire};
use crate::chat::NotVerified;
use crate::chat::signature::{check_fresh, fresh_timestamp, only_header};
use crate::domain::Moment;

impl Lark {
    /// Decrypts a body, and tells if it was signed. Everything that fails before the signature is verified gives the same
    /// kind of error.
    pub(super) fn decrypt_event(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<(wire::LarkEvent, bool), NotVerified> {
        let key = &self.config.encrypt_key;
        let is_signed = headers.contains_key("x-lark-signature");
        if is_signed {
            verify(headers, body, key, now)?;
        }
        let encrypted: wire::EncryptedBody =
            serde_json::from_slice(body).map_err(NotVerified::unsigned("not encrypted"))?;
        let decrypted = decrypt(key.expose_secret(), &encrypted.encrypt)
            .ok_or(NotVerified::Unsigned("encryption"))?;
        let event = serde_json::from_slice(&decrypted).map_err(NotVerified::unsigned("form"))?;
        Ok((event, is_signed))
    }

    /// Checks token, app, tenant and time of a signed event.
    pub(super) fn check_header(
        &self,
        header: &wire::EventHeader,
        now: Moment,
    ) -> Result<(), NotVerified> {
        self.check_token(&header.token)?;
        if header.app_id != self.config.app_id || header.tenant_key != self.config.tenant_key {
            return Err(NotVerified::Unsigned("app or tenant"));
        }
        // Lark repeats an event for hours until it gets a 200. One that was not accepted in time is too late for a reset.
        let created_at = seconds(&header.create_time).ok_or(NotVerified::Unsigned("time"))?;
        check_fresh(created_at, now)
    }

    pub(super) fn check_token(&self, token: &str) -> Result<(), NotVerified> {
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
}

/// Checks the signature: SHA-256 over timestamp, nonce, key and the body as received ("Encrypt key"). This is no HMAC, so
/// each part must have its own strict form: ten digits, then letters and digits, then one JSON object and nothing else.
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

/// Decrypts AES-256-CBC with the SHA-256 of the key. The first block is the initialization vector, and all of the padding
/// is checked.
pub(super) fn decrypt(key: &str, sealed: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(sealed).ok()?;
    let (vector, sealed) = bytes.split_at_checked(16)?;
    let key = Sha256::digest(key.as_bytes());
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(&key, vector).ok()?;
    let mut opened = sealed.to_vec();
    let length = cipher.decrypt_padded::<Pkcs7>(&mut opened).ok()?.len();
    opened.truncate(length);
    Some(opened)
}

/// Parses the time of an event: milliseconds in events, microseconds in card callbacks, as in Lark's own examples.
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
