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
        Some(9) => TOO_LONG,
        Some(3) => "its password policy does not allow the password to be changed",
        Some(1) => "the account is locked",
        Some(_) | None => return None,
    };
    Some(words.to_owned())
}

const OLD_PASSWORD: &str = "its password policy asks for the old password too (pwdSafeModify TRUE), which nobody can tell \
    relatch; whoever runs the directory has to set it to FALSE";
const TOO_SHORT: &str = "the generated password is too short for its password policy; policy.password_length can be raised";
const SYMBOLS: &str = "its password policy asks for symbols or more kinds of characters; policy.password_symbols = true adds \
    one symbol, not more. If it is on, whoever runs the directory has to change that";
const TOO_LONG: &str = "the generated password is too long for its password policy (pwdMaxLength); lower \
    policy.password_length, which is at least 8, or whoever runs the directory has to allow more";
const TOO_YOUNG: &str = "its password policy does not allow another change so soon";
const IN_HISTORY: &str = "the generated password was used before";
const NOT_ASCII: &str = "its password policy asks for characters outside ASCII, which relatch does not make; whoever runs the \
    directory has to change that";
const MORE_OF_A_CLASS: &str = "its password policy asks for more characters of one class; with a higher \
    policy.password_length there are usually more, and policy.password_symbols = true adds one symbol";
const CLASS_IN_A_ROW: &str = "the generated password has too many characters of one class in a row (passwordMaxClassChars in \
    389-DS); run the command again, or whoever runs the directory has to allow more";
const FORBIDDEN: &str = "the generated password has a character that its password policy forbids; run the command again";
const BY_CHANCE: &str = "the generated password has a word, a sequence or a part of the member's entry in it by chance, which \
    its password policy refuses; run the command again";
const REPEATS: &str = "the generated password repeats a character more often than its password policy allows; run the command \
    again";

/// What a server names in its text alone, in lower case; the first that fits counts. The texts are those of 389 Directory
/// Server (`pw.c`), slapo-ppolicy (`ppolicy.c`, `ppolicy_modify`) and OpenLDAP's modules `ppm` and `check_password`.
const IN_TEXT: &[(&[&str], &str)] = &[
    (
        &[
            "special characters",
            "character categories",
            "strength checks",
        ],
        SYMBOLS,
    ),
    (&["8-bit characters"], NOT_ASCII),
    (&["minimum number of characters"], MORE_OF_A_CLASS),
    (
        &["same character class", "maximum number of characters"],
        CLASS_IN_A_ROW,
    ),
    (&["forbidden characters"], FORBIDDEN),
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
        BY_CHANCE,
    ),
    (&["characters long", "is too short"], TOO_SHORT),
    (&["cannot be repeated", "repeated characters"], REPEATS),
    (&["minimum age", "too young"], TOO_YOUNG),
    (&["in history"], IN_HISTORY),
];

fn rule_in_text(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let kinds = ["digit", "alphabetic", "uppercase", "lowercase"];
    let mut kinds = kinds.into_iter();
    if let Some(kind) = kinds.find(|kind| text.contains(&format!("{kind} characters"))) {
        return Some(format!(
            "its password policy asks for more {kind} characters; with a higher policy.password_length there are usually more"
        ));
    }
    let is_said = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    let (_, words) = IN_TEXT.iter().find(|(parts, _)| is_said(parts))?;
    Some((*words).to_owned())
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
            (
                "invalid password syntax - password has too many repeated characters from the same character class",
                "passwordMaxClassChars",
            ),
            (
                "invalid password syntax - Password failed dictionary check",
                "by chance",
            ),
            (
                "invalid password syntax - password is a palindrome",
                "by chance",
            ),
            (
                "invalid password syntax - Password contains a restricted word",
                "by chance",
            ),
            (
                "invalid password syntax - Password contains a monotonic sequence",
                "by chance",
            ),
            (
                "invalid password syntax - Password contains repeated identical sequences",
                "by chance",
            ),
            (
                "invalid password syntax - password based off of user entry",
                "by chance",
            ),
        ] {
            let words = rule_in_text(text).unwrap_or_default();
            assert!(words.contains(told), "{text}: {words}");
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
                "password_symbols",
            ),
            (
                "has not reached the minimum number of characters (2) for class upperCase",
                "more characters of one class",
            ),
            (
                "has reached the maximum number of characters (2) for class lowerCase",
                "in a row",
            ),
            ("contains 1 forbidden characters in xyz", "forbids"),
            ("contains tokens from the RDN", "by chance"),
            (
                "is too simple: it contains part of an attribute",
                "by chance",
            ),
            ("is too weak", "by chance"),
            ("is too short (5/6)", "too short"),
        ] {
            let text = format!("Password for dn=\"uid=mina,dc=corp,dc=example\" {text}");
            let words = weak(&text).unwrap_or_default();
            assert!(words.contains(told), "{text}: {words}");
        }
        let quality = weak("Password fails quality checking policy").unwrap_or_default();
        assert!(quality.contains("not strong enough"), "{quality}");
        // What nobody named gets no advice.
        for (error, text) in [(None, ""), (Some(200), "Password is not as I like it")] {
            assert_eq!(refused(code::CONSTRAINT_VIOLATION, error, text), None);
        }
        let long = refused(code::CONSTRAINT_VIOLATION, Some(9), "").unwrap_or_default();
        assert!(long.contains("pwdMaxLength"), "{long}");
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
