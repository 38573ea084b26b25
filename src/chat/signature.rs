//! Proof of who sent a webhook: exactly one of each header, strict forms, a two-sided window, constant time.

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::NotVerified;
use crate::domain::{Moment, Platform};
use crate::secret::HmacSha256;
use crate::store::ReplayKey;

/// How far a timestamp may lie from our clock, on both sides, in seconds; the edge itself is accepted.
pub(super) const WINDOW: i64 = 300;

/// The one value of a header that must stand exactly once.
pub(super) fn only_header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, NotVerified> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| NotVerified::Unsigned("header")),
        (None, _) => Err(NotVerified::Unsigned("missing")),
        (Some(_), Some(_)) => Err(NotVerified::Unsigned("twice")),
    }
}

/// Reads a timestamp of exactly ten decimal digits and holds it against the window.
pub(super) fn fresh_timestamp(text: &str, now: Moment) -> Result<i64, NotVerified> {
    if text.len() != 10 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotVerified::Unsigned("timestamp"));
    }
    let seconds: i64 = text
        .parse()
        .map_err(|_| NotVerified::Unsigned("timestamp"))?;
    let distance = now.unix_seconds() - seconds;
    if distance.abs() <= WINDOW {
        Ok(seconds)
    } else {
        Err(NotVerified::Unsigned("stale"))
    }
}

/// The settings cannot make a verifier.
#[derive(Debug, thiserror::Error)]
#[error("the signing secret is empty")]
pub struct EmptySecret;

/// The signing secrets of an HMAC platform: the present one, and the previous one while it is being rotated.
pub(super) struct SigningSecrets {
    keyed: Vec<HmacSha256>,
}

impl SigningSecrets {
    /// Keys the MACs once; each request clones them.
    pub(super) fn new(
        present: &SecretString,
        previous: Option<&SecretString>,
    ) -> Result<Self, EmptySecret> {
        let key = |secret: &SecretString| {
            let bytes = secret.expose_secret().as_bytes();
            if bytes.is_empty() {
                None
            } else {
                HmacSha256::new_from_slice(bytes).ok()
            }
        };
        let keyed = [Some(present), previous]
            .into_iter()
            .flatten()
            .map(key)
            .collect::<Option<Vec<_>>>();
        keyed.map(|keyed| Self { keyed }).ok_or(EmptySecret)
    }

    /// Compares the 32 bytes of a signature with every secret, always all of them, each in constant time.
    pub(super) fn verify(&self, parts: &[&[u8]], signature: &[u8; 32]) -> Result<(), NotVerified> {
        let mut fits = false;
        for keyed in &self.keyed {
            let mut mac = keyed.clone();
            for part in parts {
                mac.update(part);
            }
            fits |= mac.verify_slice(signature).is_ok();
        }
        if fits {
            Ok(())
        } else {
            Err(NotVerified::Unsigned("signature"))
        }
    }

    /// Signs with the present secret, for `relatch replay` and the demo, which play the platform.
    pub(super) fn sign(&self, parts: &[&[u8]]) -> Option<[u8; 32]> {
        let mut mac = self.keyed.first()?.clone();
        for part in parts {
            mac.update(part);
        }
        Some(mac.finalize().into_bytes().into())
    }
}

/// The key under which these signed bytes are remembered. It does not depend on which secret signed them, so the
/// same bytes stay the same request through a rotation. It begins with the time that was signed, so that new keys lie
/// side by side on disk.
pub(super) fn replay_key(platform: Platform, signed_at: i64, parts: &[&[u8]]) -> ReplayKey {
    let mut digest = Sha256::new();
    digest.update(platform.as_str());
    for part in parts {
        digest.update(part);
    }
    let digest: [u8; 32] = digest.finalize().into();
    // 96 bits tell any two requests apart, and keep short what every commit writes.
    let (short, _) = digest.split_at(12);
    ReplayKey(format!("{signed_at:010}-{}", URL_SAFE_NO_PAD.encode(short)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W4.
    #[test]
    fn timestamps_are_ten_digits_within_the_window() {
        let now = Moment::from_unix_seconds(1_531_420_618);
        for (text, fits) in [
            ("1531420618", true),
            ("1531420318", true),
            ("1531420918", true),
            ("1531420317", false),
            ("1531420919", false),
            ("153142061", false),
            ("15314206180", false),
            ("+531420618", false),
            (" 531420618", false),
            ("-531420618", false),
            ("１５３１", false),
            ("", false),
            ("9223372036854775807", false),
        ] {
            assert_eq!(fresh_timestamp(text, now).is_ok(), fits, "{text:?}");
        }
    }

    /// W2.
    #[test]
    fn an_empty_secret_makes_no_verifier() {
        assert!(SigningSecrets::new(&String::new().into(), None).is_err());
        assert!(SigningSecrets::new(&"x".repeat(32).into(), Some(&String::new().into())).is_err());
    }
}
