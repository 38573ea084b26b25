//! The password policy control: why a server refused a password, or wants it changed.
//!
//! Sources: draft-behera-ldap-password-policy-10.

use ldap3::LdapResult;
use ldap3::controls::RawControl;

use super::ber::element;
use super::outcome::code;

pub(super) const PPOLICY_CONTROL: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// The error that means: the password is right and has to be changed first.
pub(super) const CHANGE_AFTER_RESET: u8 = 2;

/// Asks the server to add the policy's own error to its answer (section 6.1).
pub(super) fn ask_for_policy() -> RawControl {
    RawControl {
        ctype: PPOLICY_CONTROL.to_owned(),
        crit: false,
        val: None,
    }
}

/// The policy's own error in an answer.
pub(super) fn error_of_policy(result: &LdapResult) -> Option<u8> {
    let control = result
        .ctrls
        .iter()
        .find(|control| control.1.ctype == PPOLICY_CONTROL)?;
    policy_error(control.1.val.as_deref()?)
}

/// The server's refusal in words: by the policy's error, else by the result code.
pub(super) fn policy_refusal(result: &LdapResult) -> Option<String> {
    // 389 Directory Server reports a missing right as "change not allowed" in its control.
    if result.rc == code::INSUFFICIENT_ACCESS {
        return None;
    }
    let words = match error_of_policy(result) {
        Some(5) => "the generated password is not strong enough for its password policy",
        Some(6) => {
            "the generated password is too short for its password policy; policy.password_length can be raised"
        }
        Some(7) => "its password policy does not allow another change so soon",
        Some(8) => "the generated password was used before",
        Some(3) => "its password policy does not allow the password to be changed",
        Some(1) => "the account is locked",
        Some(_) | None if result.rc == code::CONSTRAINT_VIOLATION => {
            "the generated password does not fit its password policy; policy.password_length can be raised"
        }
        Some(_) | None => return None,
    };
    Some(words.to_owned())
}

/// The error of a password policy response control (section 6.2):
/// `SEQUENCE { warning [0] OPTIONAL, error [1] ENUMERATED OPTIONAL }`. OpenLDAP writes its lengths in the short form, 389
/// Directory Server in the long one.
fn policy_error(value: &[u8]) -> Option<u8> {
    let (tag, mut inner, _) = element(value)?;
    if tag != 0x30 {
        return None;
    }
    while let Some((tag, content, rest)) = element(inner) {
        match (tag, content) {
            (0x81, [error]) => return Some(*error),
            _ => inner = rest,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both forms were seen on real servers.
    #[test]
    fn the_policy_control_is_read_in_short_and_long_form() {
        assert_eq!(policy_error(&[0x30, 0x03, 0x81, 0x01, 0x06]), Some(6));
        assert_eq!(
            policy_error(&[0x30, 0x84, 0, 0, 0, 3, 0x81, 0x01, 0x05]),
            Some(5)
        );
        let warned = [0x30, 0x08, 0xa0, 0x03, 0x80, 0x01, 0x05, 0x81, 0x01, 0x02];
        assert_eq!(policy_error(&warned), Some(2));
        assert_eq!(policy_error(&[0x30, 0x00]), None);
    }

    #[test]
    fn broken_controls_are_no_error() {
        for broken in [
            &[][..],
            &[0x30],
            &[0x30, 0x05, 0x81],
            &[0x30, 0x80],
            &[0x30, 0x85, 0, 0, 0, 0, 1, 0],
            &[0x31, 0],
        ] {
            assert_eq!(policy_error(broken), None, "{broken:?}");
        }
        let whole = [0x30, 0x84, 0, 0, 0, 3, 0x81, 0x01, 0x05];
        for cut in 0..whole.len() {
            assert_eq!(policy_error(&whole[..cut]), None);
        }
    }
}
