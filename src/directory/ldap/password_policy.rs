//! The password policy control: why a server refused a password, or wants it changed.
//!
//! Sources: draft-behera-ldap-password-policy-10.

use ldap3::LdapResult;
use ldap3::controls::RawControl;

use super::ber::element;
use super::code;

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

/// The server's refusal in words: by the policy's error, by what it says in its text alone, else by the result code.
pub(super) fn policy_refusal(result: &LdapResult) -> Option<String> {
    // slapo-ppolicy answers like a missing right here (ppolicy.c, ppolicy_modify).
    if error_of_policy(result) == Some(4) || result.text.starts_with("Must supply old password") {
        return Some(OLD_PASSWORD.to_owned());
    }
    // 389 Directory Server reports a missing right as "change not allowed" in its control.
    if result.rc == code::INSUFFICIENT_ACCESS {
        return None;
    }
    if let Some(words) = rule_in_text(&result.text) {
        return Some(words);
    }
    let words = match error_of_policy(result) {
        Some(5) => "the generated password is not strong enough for its password policy",
        Some(6) => TOO_SHORT,
        Some(7) => TOO_YOUNG,
        Some(8) => IN_HISTORY,
        Some(3) => "its password policy does not allow the password to be changed",
        Some(1) => "the account is locked",
        Some(_) | None if result.rc == code::CONSTRAINT_VIOLATION => {
            "the generated password does not fit its password policy; policy.password_length can be raised"
        }
        Some(_) | None => return None,
    };
    Some(words.to_owned())
}

const OLD_PASSWORD: &str = "its password policy asks for the old password too (pwdSafeModify TRUE), which nobody can tell \
    relatch; whoever runs the directory has to set it to FALSE";
const TOO_SHORT: &str = "the generated password is too short for its password policy; policy.password_length can be raised";
const SYMBOLS: &str = "its password policy asks for symbols or more kinds of characters; policy.password_symbols = true adds \
    one symbol, not more. If it is on, whoever runs the directory has to change that";
const TOO_YOUNG: &str = "its password policy does not allow another change so soon";
const IN_HISTORY: &str = "the generated password was used before";

/// A rule that the server names in its text alone. The texts are those of 389 Directory Server (`pw.c`) and
/// slapo-ppolicy (`ppolicy.c`, `ppolicy_modify`).
fn rule_in_text(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let says = |part: &str| text.contains(part);
    let kinds = ["digit", "alphabetic", "uppercase", "lowercase"];
    let kind = kinds
        .into_iter()
        .find(|kind| says(&format!("{kind} characters")));
    let words = if says("special characters") || says("character categories") {
        SYMBOLS.to_owned()
    } else if says("8-bit characters") {
        "its password policy asks for characters outside ASCII, which relatch does not make; whoever runs the directory has \
         to change that"
            .to_owned()
    } else if let Some(kind) = kind {
        format!(
            "its password policy asks for more {kind} characters; with a higher policy.password_length there are usually more"
        )
    } else if says("characters long") {
        TOO_SHORT.to_owned()
    } else if says("cannot be repeated") || says("repeated characters") {
        "the generated password repeats a character more often than its password policy allows; run the command again"
            .to_owned()
    } else if says("minimum age") || says("too young") {
        TOO_YOUNG.to_owned()
    } else if says("in history") {
        IN_HISTORY.to_owned()
    } else {
        return None;
    };
    Some(words)
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

    /// Each as a server writes it; the names of categories are in the text of the last one.
    #[test]
    fn rules_are_read_in_the_text() {
        for (text, told) in [
            (
                "invalid password syntax - password must contain at least 1 special characters",
                "password_symbols",
            ),
            (
                "Invalid password syntax - password must contain at least 2 digit characters",
                "more digit",
            ),
            (
                "invalid password syntax - password must contain at least 1 8-bit characters",
                "outside ASCII",
            ),
            (
                "invalid password syntax - password must be at least 14 characters long",
                "too short",
            ),
            (
                "invalid password syntax - a character cannot be repeated more than 1 times",
                "repeats",
            ),
            ("within password minimum age", "so soon"),
            ("password in history", "used before"),
            ("Password is in history of old passwords", "used before"),
            (
                "invalid password syntax - password must contain at least 4 character categories (valid categories are \
                 digit, uppercase, lowercase, special, and 8-bit characters)",
                "password_symbols",
            ),
        ] {
            let words = rule_in_text(text).unwrap_or_default();
            assert!(words.contains(told), "{text}: {words}");
        }
        assert_eq!(rule_in_text("Password fails quality checking policy"), None);
        assert_eq!(rule_in_text(""), None);
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
