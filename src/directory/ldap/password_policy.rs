//! The password policy control: why a server refused a password, or wants it changed.
//!
//! Sources: draft-behera-ldap-password-policy-10.

use ldap3::LdapResult;
use ldap3::controls::RawControl;

use super::ber::element;
use super::code;
use crate::directory::{AccountFault, CharacterKind, PasswordFault, WhyRefused};

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

/// Why the server refused: by the policy's error, by what it says in its text alone, else by the result code.
pub(super) fn policy_refusal(result: &LdapResult) -> Option<WhyRefused> {
    // slapo-ppolicy answers like a missing right here (ppolicy.c, ppolicy_modify).
    if error_of_policy(result) == Some(4) || result.text.starts_with("Must supply old password") {
        return Some(WhyRefused::Password(PasswordFault::WantsOld));
    }
    // 389 Directory Server reports a missing right as "change not allowed" in its control.
    if result.rc == code::INSUFFICIENT_ACCESS {
        return None;
    }
    if let Some(fault) = rule_in_text(&result.text) {
        return Some(WhyRefused::Password(fault));
    }
    let fault = match error_of_policy(result) {
        Some(5) => PasswordFault::Weak,
        Some(6) => PasswordFault::TooShort,
        Some(7) => PasswordFault::TooSoon,
        Some(8) => PasswordFault::InHistory,
        Some(9) => PasswordFault::TooLong,
        Some(3) => PasswordFault::Fixed,
        Some(1) => return Some(WhyRefused::Account(AccountFault::Locked)),
        Some(_) | None => return None,
    };
    Some(WhyRefused::Password(fault))
}

/// What a server names in its text alone, in lower case; the first that fits counts. The texts are those of 389 Directory
/// Server (`pw.c`), slapo-ppolicy (`ppolicy.c`, `ppolicy_modify`) and OpenLDAP's modules `ppm` and `check_password`.
const IN_TEXT: &[(&[&str], PasswordFault)] = &[
    (
        &["digit characters"],
        PasswordFault::NeedsMoreOf(CharacterKind::Digit),
    ),
    (
        &["alphabetic characters"],
        PasswordFault::NeedsMoreOf(CharacterKind::Alphabetic),
    ),
    (
        &["uppercase characters"],
        PasswordFault::NeedsMoreOf(CharacterKind::Uppercase),
    ),
    (
        &["lowercase characters"],
        PasswordFault::NeedsMoreOf(CharacterKind::Lowercase),
    ),
    (
        &[
            "special characters",
            "character categories",
            "strength checks",
        ],
        PasswordFault::NeedsSymbols,
    ),
    (&["8-bit characters"], PasswordFault::NeedsBeyondAscii),
    (
        &["minimum number of characters"],
        PasswordFault::NeedsMoreOfOneKind,
    ),
    (
        &["same character class", "maximum number of characters"],
        PasswordFault::TooManyInARow,
    ),
    (&["forbidden characters"], PasswordFault::ForbiddenCharacter),
    (
        &[
            "dictionary",
            "palindrome",
            "restricted word",
            "monotonic sequence",
            "identical sequences",
            "based off of user entry",
            "tokens from the rdn",
            "part of an attribute",
            "is too weak",
        ],
        PasswordFault::Guessable,
    ),
    (
        &["characters long", "is too short"],
        PasswordFault::TooShort,
    ),
    (
        &["cannot be repeated", "repeated characters"],
        PasswordFault::Repeats,
    ),
    (&["minimum age", "too young"], PasswordFault::TooSoon),
    (&["in history"], PasswordFault::InHistory),
];

fn rule_in_text(text: &str) -> Option<PasswordFault> {
    let text = text.to_ascii_lowercase();
    let is_said = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    let (_, fault) = IN_TEXT.iter().find(|(parts, _)| is_said(parts))?;
    Some(fault.clone())
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

    /// Each as a server writes it.
    #[test]
    fn rules_are_read_in_the_text() {
        for (text, told) in [
            (
                "invalid password syntax - password must contain at least 1 special characters",
                PasswordFault::NeedsSymbols,
            ),
            (
                "Invalid password syntax - password must contain at least 2 digit characters",
                PasswordFault::NeedsMoreOf(CharacterKind::Digit),
            ),
            (
                "invalid password syntax - password must contain at least 1 8-bit characters",
                PasswordFault::NeedsBeyondAscii,
            ),
            (
                "invalid password syntax - password must be at least 14 characters long",
                PasswordFault::TooShort,
            ),
            (
                "invalid password syntax - a character cannot be repeated more than 1 times",
                PasswordFault::Repeats,
            ),
            ("within password minimum age", PasswordFault::TooSoon),
            ("password in history", PasswordFault::InHistory),
            (
                "Password is in history of old passwords",
                PasswordFault::InHistory,
            ),
            (
                "invalid password syntax - password must contain at least 4 character categories (valid categories are \
                 digit, uppercase, lowercase, special, and 8-bit characters)",
                PasswordFault::NeedsSymbols,
            ),
            (
                "invalid password syntax - password has too many repeated characters from the same character class",
                PasswordFault::TooManyInARow,
            ),
            (
                "invalid password syntax - Password failed dictionary check",
                PasswordFault::Guessable,
            ),
            (
                "invalid password syntax - password is a palindrome",
                PasswordFault::Guessable,
            ),
            (
                "invalid password syntax - Password contains a restricted word",
                PasswordFault::Guessable,
            ),
            (
                "invalid password syntax - Password contains a monotonic sequence",
                PasswordFault::Guessable,
            ),
            (
                "invalid password syntax - Password contains repeated identical sequences",
                PasswordFault::Guessable,
            ),
            (
                "invalid password syntax - password based off of user entry",
                PasswordFault::Guessable,
            ),
        ] {
            assert_eq!(rule_in_text(text), Some(told), "{text}");
        }
        assert_eq!(rule_in_text("Password fails quality checking policy"), None);
        assert_eq!(rule_in_text(""), None);
    }

    /// With these modules the control says only that the quality is insufficient.
    #[test]
    fn a_rule_in_the_text_goes_before_the_control() {
        let refused = |rc, error: Option<u8>, text: &str| {
            let control = |error| RawControl {
                ctype: PPOLICY_CONTROL.to_owned(),
                crit: false,
                val: Some(vec![0x30, 0x03, 0x81, 0x01, error]),
            };
            policy_refusal(&LdapResult {
                rc,
                matched: String::new(),
                text: text.to_owned(),
                refs: Vec::new(),
                ctrls: error
                    .map(|error| ldap3::controls::Control(None, control(error)))
                    .into_iter()
                    .collect(),
            })
        };
        let weak = |text: &str| refused(code::CONSTRAINT_VIOLATION, Some(5), text);
        for (text, told) in [
            (
                "does not pass required number of strength checks (2 of 3)",
                PasswordFault::NeedsSymbols,
            ),
            (
                "has not reached the minimum number of characters (2) for class upperCase",
                PasswordFault::NeedsMoreOfOneKind,
            ),
            (
                "has reached the maximum number of characters (2) for class lowerCase",
                PasswordFault::TooManyInARow,
            ),
            (
                "contains 1 forbidden characters in xyz",
                PasswordFault::ForbiddenCharacter,
            ),
            ("contains tokens from the RDN", PasswordFault::Guessable),
            (
                "is too simple: it contains part of an attribute",
                PasswordFault::Guessable,
            ),
            ("is too weak", PasswordFault::Guessable),
            ("is too short (5/6)", PasswordFault::TooShort),
        ] {
            let text = format!("Password for dn=\"uid=mina,dc=corp,dc=example\" {text}");
            assert_eq!(weak(&text), Some(WhyRefused::Password(told)), "{text}");
        }
        let quality = weak("Password fails quality checking policy");
        assert_eq!(quality, Some(WhyRefused::Password(PasswordFault::Weak)));
        // What nobody named gets no advice.
        for (error, text) in [(None, ""), (Some(200), "Password is not as I like it")] {
            assert_eq!(refused(code::CONSTRAINT_VIOLATION, error, text), None);
        }
        for (error, why) in [
            (1, WhyRefused::Account(AccountFault::Locked)),
            (3, WhyRefused::Password(PasswordFault::Fixed)),
            (4, WhyRefused::Password(PasswordFault::WantsOld)),
            (6, WhyRefused::Password(PasswordFault::TooShort)),
            (7, WhyRefused::Password(PasswordFault::TooSoon)),
            (8, WhyRefused::Password(PasswordFault::InHistory)),
            (9, WhyRefused::Password(PasswordFault::TooLong)),
        ] {
            let told = refused(code::CONSTRAINT_VIOLATION, Some(error), "");
            assert_eq!(told, Some(why), "{error}");
        }
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
