//! Verifying webhooks: exactly one of each header, strict forms, a time window on both sides, comparison in constant time.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::NotVerified;
use crate::domain::{Moment, Platform};
use crate::secret::HmacSha256;
use crate::store::ReplayKey;

/// The largest accepted difference between a timestamp and our clock, in seconds, in both directions.
const WINDOW: i64 = 300;

/// Why a signed request makes no sense: its type is none of those that our commands and buttons bring.
pub(super) const UNASKED_TYPE: &str = "a type that we never ask for";

/// The same for a form.
pub(super) const NO_INPUT: &str = "a form without its input";

/// Checks that there is one content type, the expected one, and no compression.
pub(super) fn check_content_type(headers: &HeaderMap, media: &str) -> Result<(), NotVerified> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return Err(NotVerified::ContentType);
    };
    let given = only
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if given.eq_ignore_ascii_case(media) && !headers.contains_key(header::CONTENT_ENCODING) {
        Ok(())
    } else {
        Err(NotVerified::ContentType)
    }
}

/// The value of a header that must appear exactly once.
pub(super) fn only_header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, NotVerified> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(NotVerified::unsigned("header")),
        (None, _) => Err(NotVerified::Unsigned("missing")),
        (Some(_), Some(_)) => Err(NotVerified::Unsigned("twice")),
    }
}

/// Checks that a time in Unix seconds is within the window.
pub(super) fn check_fresh(at: i64, now: Moment) -> Result<(), NotVerified> {
    let behind = now.unix_seconds().saturating_sub(at);
    if behind.saturating_abs() <= WINDOW {
        Ok(())
    } else {
        Err(NotVerified::Stale { behind })
    }
}

/// Parses a timestamp of exactly ten decimal digits and checks that it is within the window.
pub(super) fn fresh_timestamp(text: &str, now: Moment) -> Result<i64, NotVerified> {
    if text.len() != 10 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotVerified::Unsigned("timestamp"));
    }
    let seconds: i64 = text.parse().map_err(NotVerified::unsigned("timestamp"))?;
    check_fresh(seconds, now)?;
    Ok(seconds)
}

/// The settings are well-formed, but a verifier cannot be made from them.
#[derive(Debug, thiserror::Error)]
#[error("the signing secret is empty")]
pub struct EmptySecret;

/// The signing secrets of a platform that signs by HMAC: the present one, and during a rotation the previous one.
pub(super) struct SigningSecrets {
    keyed: Vec<HmacSha256>,
}

impl SigningSecrets {
    /// Prepares a MAC for each secret once; each request clones them.
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

    /// Compares a signature with every secret: always with all of them, each in constant time.
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

    /// Signs with the present secret, for `relatch replay` and the demo, which send requests as the platform does.
    pub(super) fn sign(&self, parts: &[&[u8]]) -> Option<[u8; 32]> {
        let mut mac = self.keyed.first()?.clone();
        for part in parts {
            mac.update(part);
        }
        Some(mac.finalize().into_bytes().into())
    }
}

/// The replay key of these signed bytes. It does not depend on the secret that signed them, so the same bytes stay the
/// same request during a rotation. It begins with the signed time, so that new keys are neighbours on disk.
pub(super) fn replay_key(platform: Platform, signed_at: i64, parts: &[&[u8]]) -> ReplayKey {
    let mut digest = Sha256::new();
    digest.update(platform.as_str());
    for part in parts {
        digest.update(part);
    }
    let digest: [u8; 32] = digest.finalize().into();
    // 96 bits are enough to tell requests apart, and a short key makes each commit smaller.
    let (short, _) = digest.split_at(12);
    ReplayKey::new(format!("{signed_at:010}-{}", URL_SAFE_NO_PAD.encode(short)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_ten_digits_within_the_window() {
        let now = Moment(1_531_420_618_000);
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

    #[test]
    fn an_empty_secret_makes_no_verifier() {
        assert!(SigningSecrets::new(&String::new().into(), None).is_err());
        assert!(SigningSecrets::new(&"x".repeat(32).into(), Some(&String::new().into())).is_err());
    }
}
