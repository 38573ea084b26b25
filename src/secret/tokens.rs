//! Values that only we can make: of buttons, links and device cookies. Each is an id with a tag over it, and every purpose
//! has tags of its own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;

use super::keys::Keys;
use crate::domain::{CodeUseId, MemberId, ResetId};

/// The kinds of links that members get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The link "This wasn't me" in the notice of a reset.
    NotMe,
    /// The one-time link to set a new password.
    Claim,
}

impl Link {
    /// The first part of the page's path.
    pub fn path(self) -> &'static str {
        match self {
            Self::NotMe => "not-me",
            Self::Claim => "claim",
        }
    }
}

/// The purpose of a link about a code.
const CODE_USE: &[u8] = b"not-me after a code";

impl Keys {
    /// The value of a button: 43 characters that name one reset, and that nobody else can make.
    pub fn button_value(&self, id: ResetId) -> String {
        let mut bytes = id.0.to_vec();
        bytes.extend_from_slice(&self.tag(&[b"button", &id.0]));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The token of a link about one reset. Only we can make it, and it is worth nothing as a link of another kind.
    pub fn link_token(&self, link: Link, id: ResetId) -> String {
        let mut bytes = id.0.to_vec();
        bytes.extend_from_slice(&self.tag(&[link.path().as_bytes(), &id.0]));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a link token back; none for anything that [`Keys::link_token`] did not make for this kind of link.
    pub fn read_link_token(&self, link: Link, token: &str) -> Option<ResetId> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        let (id, tag) = bytes.split_at(16);
        self.feed(&[link.path().as_bytes(), id])
            .verify_truncated_left(tag)
            .ok()?;
        id.try_into().ok().map(ResetId)
    }

    /// The token of the link "this wasn't me" in a message about a code. It stands at the same path as that of a reset, and
    /// is worth nothing in its place.
    pub fn code_use_token(&self, CodeUseId(id): CodeUseId) -> String {
        let mut bytes = id.0.to_vec();
        bytes.extend_from_slice(&self.tag(&[CODE_USE, &id.0]));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads it back; none for anything that [`Keys::code_use_token`] did not make.
    pub fn read_code_use_token(&self, token: &str) -> Option<CodeUseId> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        let (id, tag) = bytes.split_at(16);
        self.feed(&[CODE_USE, id]).verify_truncated_left(tag).ok()?;
        id.try_into().ok().map(ResetId).map(CodeUseId)
    }

    /// The cookie of a browser that signed in as this member: a random id, and a tag that binds it to them.
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

    /// The value of the button that confirms. It also names the edition of its card, so that nobody confirms what they
    /// have not seen.
    pub fn confirm_value(&self, id: ResetId, edition: u16) -> String {
        let mut bytes = [id.0.as_slice(), &edition.to_be_bytes()].concat();
        bytes.extend_from_slice(&self.tag(&[b"confirm", &bytes]));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a button's value back, with the card edition if it names one; none for anything that
    /// [`Keys::button_value`] and [`Keys::confirm_value`] did not make.
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
}

#[cfg(test)]
mod tests {
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
        assert_eq!(keys().read_code_use_token(&token), None);
        let not_me = keys().link_token(Link::NotMe, ResetId([1; 16]));
        assert_eq!(keys().read_code_use_token(&not_me), None);
        let of_code = keys().code_use_token(CodeUseId(ResetId([1; 16])));
        assert_eq!(keys().read_link_token(Link::NotMe, &of_code), None);
        assert_eq!(
            keys().read_code_use_token(&of_code),
            Some(CodeUseId(ResetId([1; 16])))
        );
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
        // A truncated tag is not accepted.
        for length in 0..token.len() {
            assert!(
                !keys().is_device_token(&member("mina"), &token[..length]),
                "{length}"
            );
        }
    }
}
