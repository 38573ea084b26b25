//! Tags, which prove that we made a value, and seals, for what must not be in the database in the clear.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rand::{CryptoRng, RngExt};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;
use zeroize::Zeroizing;

/// HMAC-SHA256, keyed once and cloned for each use.
pub(crate) type HmacSha256 = Hmac<Sha256>;

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read or made.
    #[error("the key file cannot be read or made")]
    Io(#[from] std::io::Error),
    /// It does not hold 64 hexadecimal digits.
    #[error("the key file does not hold 64 hexadecimal digits")]
    Malformed,
    /// Others than its owner may read it.
    #[error("the key file may be read by others; run chmod 600 on it")]
    Exposed,
}

/// The keys for tags and seals, both derived from the one in the key file.
#[derive(Clone)]
pub struct Keys {
    tagging: HmacSha256,
    sealing: Arc<LessSafeKey>,
}

/// A sealed text was not made with this key for this place. It has no cause: the cipher tells none, and the decoder's
/// would quote what was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value cannot be opened with this key")]
pub struct NotSealed;

impl Keys {
    /// Derives both keys from 32 random bytes.
    pub fn from_master(master: &[u8; 32]) -> Result<Self, KeyError> {
        // HMAC takes keys of any length and ring's key has 32 bytes, so none of this fails.
        let derive = |purpose: &[u8]| -> Result<[u8; 32], KeyError> {
            let mac = HmacSha256::new_from_slice(master).map_err(|_| KeyError::Malformed)?;
            Ok(mac.chain_update(purpose).finalize().into_bytes().into())
        };
        let tagging = HmacSha256::new_from_slice(&derive(b"relatch tagging 1")?)
            .map_err(|_| KeyError::Malformed)?;
        let sealing = UnboundKey::new(&CHACHA20_POLY1305, &derive(b"relatch sealing 1")?)
            .map_err(|_| KeyError::Malformed)?;
        Ok(Self {
            tagging,
            sealing: Arc::new(LessSafeKey::new(sealing)),
        })
    }

    /// Identifies the key, and tells nothing about it.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.tag(&[b"fingerprint of the key file"]))
    }

    /// A tag over the parts. Each goes in with its length, so that no byte can move from one part to the next.
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 16] {
        let full: [u8; 32] = self.feed(parts).finalize().into_bytes().into();
        let mut tag = [0; 16];
        tag.copy_from_slice(full.split_at(16).0);
        tag
    }

    /// The MAC over the parts, for [`Keys::tag`] and to verify a tag.
    pub(super) fn feed(&self, parts: &[&[u8]]) -> HmacSha256 {
        let mut mac = self.tagging.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }

    /// Encrypts a text for one place, such as a column of one row; it opens nowhere else.
    pub fn seal(
        &self,
        text: &str,
        place: &str,
        rng: &mut impl CryptoRng,
    ) -> Result<String, NotSealed> {
        let nonce: [u8; NONCE_LEN] = rng.random();
        let mut bytes = text.as_bytes().to_vec();
        self.sealing
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut bytes,
            )
            .map_err(|_| NotSealed)?;
        let mut sealed = nonce.to_vec();
        sealed.append(&mut bytes);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Decrypts what [`Keys::seal`] made for the same place.
    pub fn open(&self, sealed: &str, place: &str) -> Result<Zeroizing<String>, NotSealed> {
        let mut bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(sealed).map_err(|_| NotSealed)?);
        let (nonce, rest) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(NotSealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotSealed)?;
        let plain = self
            .sealing
            .open_in_place(nonce, Aad::from(place.as_bytes()), rest)
            .map_err(|_| NotSealed)?;
        String::from_utf8(plain.to_vec())
            .map(Zeroizing::new)
            .map_err(|_| NotSealed)
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn keys() -> Keys {
        Keys::from_master(&[7; 32]).unwrap()
    }

    /// A sealed text shows nothing of itself.
    #[test]
    fn sealed_texts_open_only_in_their_place() {
        let mut rng = StdRng::seed_from_u64(1);
        let sealed = keys()
            .seal("https://hooks.slack.com/x", "reply 1", &mut rng)
            .unwrap();
        assert!(!sealed.contains("hooks"));
        assert_eq!(
            keys().open(&sealed, "reply 1").unwrap().as_str(),
            "https://hooks.slack.com/x"
        );
        assert_eq!(keys().open(&sealed, "reply 2").unwrap_err(), NotSealed);
        assert_eq!(keys().open("AAAA", "reply 1").unwrap_err(), NotSealed);
    }
}
