//! A `trigger_id`: the user, the time and the id that Mattermost's server signed.
//!
//! Source: `GenerateTriggerId` and `DecodeAndVerifyTriggerId` in `server/public/model/integration_action.go`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use super::{is_id, reply};
use crate::chat::NotVerified;
use crate::chat::signature::{check_fresh, replay_key};
use crate::domain::{Moment, Platform};
use crate::store::ReplayKey;

/// The bytes before the point in the PKIX form of a P-256 key (RFC 5480): algorithm, curve, and a bit string of 66
/// bytes. Keys of other types or forms begin with other bytes.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The server's key as its uncompressed point. Each verification checks that the point lies on the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SigningKey([u8; 65]);

impl SigningKey {
    /// Reads `AsymmetricSigningPublicKey`: base64 of PKIX DER.
    pub(super) fn read(text: &str) -> Option<Self> {
        let der = STANDARD.decode(text).ok()?;
        let point: [u8; 65] = der.strip_prefix(&P256)?.try_into().ok()?;
        point.starts_with(&[4]).then_some(Self(point))
    }
}

/// A parsed trigger. [`SignedTrigger::is_signed_by`] verifies it.
#[derive(Clone, Debug)]
pub(super) struct SignedTrigger {
    /// The server's own id of this request, 26 characters.
    pub(super) id: String,
    /// The user who made it.
    pub(super) user: String,
    pub(super) at: Moment,
    text: String,
    signature: Vec<u8>,
}

impl SignedTrigger {
    /// Parses a trigger. Only the form in which the server writes it is accepted.
    pub(super) fn read(trigger: &str) -> Result<Self, NotVerified> {
        Self::parse(trigger).ok_or(NotVerified::Unsigned("trigger"))
    }

    fn parse(trigger: &str) -> Option<Self> {
        let decoded = String::from_utf8(STANDARD.decode(trigger).ok()?).ok()?;
        let mut parts = decoded.split(':');
        let (id, user, at, signature) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !is_id(id) || !is_id(user) {
            return None;
        }
        let (at, signature) = (reply::millis(at)?, STANDARD.decode(signature).ok()?);
        let text = decoded.get(..decoded.rfind(':')? + 1)?.to_owned();
        Some(Self {
            id: id.to_owned(),
            user: user.to_owned(),
            at,
            text,
            signature,
        })
    }

    /// Checks that the signed time is within the window.
    pub(super) fn check_time(&self, now: Moment) -> Result<(), NotVerified> {
        check_fresh(self.at.unix_seconds(), now)
    }

    /// True if the server's key signed id, user and time.
    pub(super) fn is_signed_by(&self, key: &SigningKey) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.0)
            .verify(self.text.as_bytes(), &self.signature)
            .is_ok()
    }

    /// The replay key. It is made from the signed id, because base64 and ECDSA allow several valid forms of the same
    /// trigger.
    pub(super) fn replay(&self) -> ReplayKey {
        replay_key(
            Platform::Mattermost,
            self.at.unix_seconds(),
            &[b"trigger", self.id.as_bytes()],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any other curve, form or length is no key.
    #[test]
    fn only_an_uncompressed_p256_key_is_read() {
        let good = [P256.as_slice(), &[4], &[7; 64]].concat();
        let reads = |der: &[u8]| SigningKey::read(&STANDARD.encode(der)).is_some();
        assert!(reads(&good));
        for at in 0..P256.len() {
            let mut other = good.clone();
            other[at] ^= 1;
            assert!(!reads(&other), "{at}");
        }
        let compressed = [P256.as_slice(), &[2], &[7; 64]].concat();
        assert!(
            !reads(&compressed)
                && !reads(&good[..90])
                && !reads(&[&good[..], &[0]].concat())
                && !reads(&[])
        );
        assert!(SigningKey::read("no base64!").is_none() && SigningKey::read("").is_none());
    }

    #[test]
    fn only_the_server_s_own_form_is_read() {
        let (id, user) = ("i".repeat(26), "u".repeat(26));
        let reads = |text: &str| SignedTrigger::read(&STANDARD.encode(text)).is_ok();
        assert!(reads(&format!("{id}:{user}:1795428000000:c2ln")));
        for wrong in [
            format!("{id}:{user}:1795428000000"),
            format!("{id}:{user}:1795428000000:c2ln:"),
            format!("{id}:{user}:+795428000000:c2ln"),
            format!("{id}:{user}:179542800000:c2ln"),
            format!("{id}:{user}:17954280000000000000000:c2ln"),
            format!("{id}:{user}:1795428000000:c2lnX"),
            format!("abc:{user}:1795428000000:c2ln"),
            format!("{id}:U123:1795428000000:c2ln"),
            String::new(),
        ] {
            assert!(!reads(&wrong), "{wrong}");
        }
        let canonical = STANDARD.encode(format!("{id}:{user}:1795428000000:c2lnbg=="));
        for changed in [
            format!("{canonical}\n"),
            format!(" {canonical}"),
            format!("{canonical}="),
            canonical[1..].to_owned(),
        ] {
            assert!(
                SignedTrigger::read(&canonical).is_ok() && SignedTrigger::read(&changed).is_err(),
                "{changed:?}"
            );
        }
    }
}
