//! Our own key: tags that make button values unforgeable, and sealing for what must not lie in the database in the clear.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rand::{CryptoRng, RngExt};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::domain::{MemberId, ResetId};

/// HMAC-SHA256, keyed once and cloned for each use.
pub type HmacSha256 = Hmac<Sha256>;

/// What a key file can be wrong in.
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

/// The tagging and the sealing key, both derived from the one in the key file.
#[derive(Clone)]
pub struct Keys {
    tagging: HmacSha256,
    sealing: std::sync::Arc<LessSafeKey>,
}

/// A sealed text was not made by this key for this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value cannot be opened with this key")]
pub struct NotSealed;

impl Keys {
    /// Derives both keys from 32 random bytes.
    pub fn from_master(master: &[u8; 32]) -> Result<Self, KeyError> {
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
            sealing: std::sync::Arc::new(LessSafeKey::new(sealing)),
        })
    }

    /// Reads the key file, or makes one that only its owner can read.
    pub fn load_or_create(path: &Path, rng: &mut impl CryptoRng) -> Result<Self, KeyError> {
        if !path.try_exists()? {
            Self::create(path, rng)?;
        }
        Self::load(path)
    }

    /// Writes the whole key beside its place and links it there, so that nobody ever finds half of one. Whoever is
    /// first wins.
    fn create(path: &Path, rng: &mut impl CryptoRng) -> Result<(), KeyError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(format!(".{:016x}", rng.random::<u64>()));
        let beside = Path::new(&beside);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(beside)?;
        let master = Zeroizing::new(rng.random::<[u8; 32]>());
        file.write_all(Zeroizing::new(hex::encode(master.as_slice())).as_bytes())?;
        file.sync_all()?;
        let linked = std::fs::hard_link(beside, path);
        std::fs::remove_file(beside)?;
        match linked {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Reads the key file.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        use std::os::unix::fs::MetadataExt;

        let mut file = File::open(path)?;
        if file.metadata()?.mode() & 0o077 != 0 {
            return Err(KeyError::Exposed);
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text)?;
        let mut master = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), master.as_mut_slice())
            .map_err(|_| KeyError::Malformed)?;
        Self::from_master(&master)
    }

    /// Tells this key from others, and nothing about it.
    pub fn fingerprint(&self) -> String {
        hex::encode(self.tag(&[b"fingerprint of the key file"]))
    }

    /// A tag over the parts, each with its length, so that no byte can move from one to the next.
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 16] {
        let full: [u8; 32] = self.feed(parts).finalize().into_bytes().into();
        let mut tag = [0; 16];
        tag.copy_from_slice(full.split_at(16).0);
        tag
    }

    fn feed(&self, parts: &[&[u8]]) -> HmacSha256 {
        let mut mac = self.tagging.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }

    /// The value of a button: 43 characters that lead to one reset and that nobody else can make.
    pub fn button_value(&self, id: ResetId) -> String {
        let mut bytes = id.0.to_vec();
        bytes.extend_from_slice(&self.tag(&[b"button", &id.0]));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The token of a link about one reset: only we can make one, and it is worth nothing as a link of another kind.
    pub fn link_token(&self, link: Link, id: ResetId) -> String {
        let mut bytes = id.0.to_vec();
        bytes.extend_from_slice(&self.tag(&[link.path().as_bytes(), &id.0]));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads it back; none for anything that [`Keys::link_token`] did not make for this kind of link.
    pub fn read_link_token(&self, link: Link, token: &str) -> Option<ResetId> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        let (id, tag) = bytes.split_at(16);
        self.feed(&[link.path().as_bytes(), id])
            .verify_truncated_left(tag)
            .ok()?;
        id.try_into().ok().map(ResetId)
    }

    /// The cookie of a browser that signed in as this member: a random id, which only we can bind to them.
    pub fn device_token(&self, member: &MemberId, id: [u8; 16]) -> String {
        let mut bytes = id.to_vec();
        bytes.extend_from_slice(&self.tag(&[b"device", member.0.as_bytes(), &id]));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// True for what [`Keys::device_token`] made for this member.
    pub fn is_device_token(&self, member: &MemberId, token: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else {
            return false;
        };
        let Some((id, tag)) = bytes
            .split_at_checked(16)
            .filter(|(_, tag)| tag.len() == 16)
        else {
            return false;
        };
        self.feed(&[b"device", member.0.as_bytes(), id])
            .verify_truncated_left(tag)
            .is_ok()
    }

    /// The value of the confirming button: it also names the edition of the card that it stands on, so that nobody
    /// confirms what they have not seen.
    pub fn confirm_value(&self, id: ResetId, edition: u16) -> String {
        let mut bytes = [id.0.as_slice(), &edition.to_be_bytes()].concat();
        bytes.extend_from_slice(&self.tag(&[b"confirm", &bytes]));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a button value back, with the edition where it names one; none for anything that [`Keys::button_value`]
    /// and [`Keys::confirm_value`] did not make.
    pub fn read_button_value(&self, value: &str) -> Option<(ResetId, Option<u16>)> {
        let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        let purpose: &[u8] = match bytes.len() {
            32 => b"button",
            34 => b"confirm",
            _ => return None,
        };
        let (named, tag) = bytes.split_at_checked(bytes.len().checked_sub(16)?)?;
        self.feed(&[purpose, named])
            .verify_truncated_left(tag)
            .ok()?;
        let (id, edition) = named.split_at_checked(16)?;
        Some((
            ResetId(id.try_into().ok()?),
            edition.try_into().ok().map(u16::from_be_bytes),
        ))
    }

    /// Encrypts `text` for one place, named by `place`; it opens nowhere else.
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

/// The links that members get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// "This wasn't me".
    NotMe,
    /// The one-time link with which they set a new password.
    Claim,
}

impl Link {
    /// The page it leads to.
    pub fn path(self) -> &'static str {
        match self {
            Self::NotMe => "not-me",
            Self::Claim => "claim",
        }
    }
}

/// What must never be accepted as a secret: too short, blank, or the placeholder of an example.
pub fn is_weak_secret(secret: &str) -> bool {
    const PLACEHOLDERS: [&str; 7] = [
        "changeme",
        "change-me",
        "placeholder",
        "your-",
        "example",
        "secret-here",
        "xxxx",
    ];
    let lower = secret.to_ascii_lowercase();
    secret.trim().len() < 16
        || PLACEHOLDERS.iter().any(|word| lower.contains(word))
        || secret.contains('…')
        || secret.bytes().all(|b| Some(b) == secret.bytes().next())
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn keys() -> Keys {
        Keys::from_master(&[7; 32]).unwrap()
    }

    #[test]
    fn button_values_cannot_be_forged() {
        let value = keys().button_value(ResetId([1; 16]));
        assert_eq!(value.len(), 43);
        assert_eq!(
            keys().read_button_value(&value),
            Some((ResetId([1; 16]), None))
        );
        let confirm = keys().confirm_value(ResetId([1; 16]), 3);
        assert_eq!(
            keys().read_button_value(&confirm),
            Some((ResetId([1; 16]), Some(3)))
        );
        assert_ne!(confirm, keys().confirm_value(ResetId([1; 16]), 4));
        for at in 0..value.len() - 1 {
            let mut forged = value.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                keys().read_button_value(std::str::from_utf8(&forged).unwrap()),
                None,
                "{at}"
            );
        }
        assert_eq!(
            Keys::from_master(&[8; 32])
                .unwrap()
                .read_button_value(&value),
            None
        );
    }

    /// authentik CVE-2023-26481: a link is bound to its reset and to its purpose.
    #[test]
    fn a_link_is_worth_nothing_as_another() {
        let token = keys().link_token(Link::Claim, ResetId([1; 16]));
        assert_eq!(
            keys().read_link_token(Link::Claim, &token),
            Some(ResetId([1; 16]))
        );
        assert_eq!(keys().read_link_token(Link::NotMe, &token), None);
        assert_eq!(keys().read_button_value(&token), None);
        assert_eq!(
            keys().read_link_token(Link::Claim, &keys().button_value(ResetId([1; 16]))),
            None
        );
    }

    #[test]
    fn a_device_belongs_to_one_member() {
        let member = |name: &str| MemberId(name.to_owned());
        let token = keys().device_token(&member("mina"), [1; 16]);
        assert!(keys().is_device_token(&member("mina"), &token));
        assert!(!keys().is_device_token(&member("kim"), &token));
        assert!(!keys().is_device_token(
            &member("mina"),
            &keys().device_token(&member("kim"), [1; 16])
        ));
        assert!(
            !Keys::from_master(&[8; 32])
                .unwrap()
                .is_device_token(&member("mina"), &token)
        );
        // A tag that was cut off is none.
        for length in 0..token.len() {
            assert!(
                !keys().is_device_token(&member("mina"), &token[..length]),
                "{length}"
            );
        }
    }

    /// O9: what is sealed for one place opens in no other and shows nothing of itself.
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

    #[test]
    fn the_key_file_is_made_once_and_kept_private() {
        use std::os::unix::fs::PermissionsExt;

        let folder = std::env::temp_dir().join(format!("relatch-key-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("relatch.key");
        let mut rng = StdRng::seed_from_u64(1);
        let first = Keys::load_or_create(&path, &mut rng).unwrap();
        let second = Keys::load_or_create(&path, &mut rng).unwrap();
        assert_eq!(first.tag(&[b"x"]), second.tag(&[b"x"]));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            Keys::load_or_create(&path, &mut rng),
            Err(KeyError::Exposed)
        ));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    /// W2.
    #[test]
    fn weak_secrets_are_recognised() {
        for weak in [
            "",
            "                  ",
            "short",
            "changeme-changeme-changeme",
            "aaaaaaaaaaaaaaaaaaaa",
            "xoxb-…………………………………",
        ] {
            assert!(is_weak_secret(weak), "{weak:?}");
        }
        assert!(!is_weak_secret("8f742231b10e8888abcd99yyyzzz85a5"));
    }
}
