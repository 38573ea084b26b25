//! How a pretend realm of Keycloak is set up, what its password policy says, and how slow it is.

use std::time::Duration;

use serde_json::{Value, json};

/// The realm of [`super::web::Fake`].
pub(crate) struct Realm {
    /// As the Admin REST API has it.
    pub(crate) policy: String,
    /// The required action `UPDATE_PASSWORD` is on.
    pub(crate) asks: bool,
    /// It has a mail server; else `smtpServer` is empty.
    pub(crate) has_mail: bool,
    /// A fine answer of the Admin REST API takes this long.
    pub(crate) delay: Duration,
    /// So long an application that hangs keeps the answer to a logout, and the sessions (run on 26.7.3: both end once the
    /// server has given the application up).
    pub(crate) logout_takes: Duration,
    /// So long lifting a lock takes.
    pub(crate) unlock_takes: Duration,
    /// Lifting a lock fails so.
    pub(crate) unlock_refusal: Option<u16>,
    /// Applications refresh their offline tokens all the time: one that is ended is there again.
    pub(crate) keeps_offline_tokens: bool,
    /// Every call of the Admin REST API is answered so, whatever the token.
    pub(crate) refusal: Option<u16>,
    /// How many seconds a token lives.
    pub(crate) token_life: u32,
    /// How many other roles everybody has.
    pub(crate) roles_beside: usize,
    /// The calls so far, by method and path.
    pub(crate) asked: Vec<String>,
}

impl Default for Realm {
    fn default() -> Self {
        Self {
            policy: "length(8)".to_owned(),
            asks: true,
            has_mail: true,
            delay: Duration::ZERO,
            logout_takes: Duration::ZERO,
            unlock_takes: Duration::ZERO,
            unlock_refusal: None,
            keeps_offline_tokens: false,
            refusal: None,
            token_life: 300,
            roles_beside: 0,
            asked: Vec::new(),
        }
    }
}

impl Realm {
    /// How long the answer to this call takes.
    pub(super) fn takes(&self, method: &str, path: &str) -> Duration {
        if path.ends_with("/logout") {
            self.logout_takes.max(self.delay)
        } else if method == "DELETE" && path.contains("/brute-force/") {
            self.unlock_takes.max(self.delay)
        } else {
            self.delay
        }
    }

    /// The answer to a password that the policy refuses, in the words of 26.7.3. None where it fits.
    pub(super) fn refusal_of(&self, password: &str) -> Option<Value> {
        let count = |kind: fn(&char) -> bool| password.chars().filter(kind).count();
        for rule in self.policy.split(" and ") {
            let (name, value) = rule.split_once('(').unwrap();
            let value = value.strip_suffix(')').unwrap();
            let number = || value.parse::<usize>().unwrap();
            let (has_failed, error, told) = match name {
                "length" => (
                    password.len() < number(),
                    "MinLength",
                    format!("minimum length {value}."),
                ),
                "maxLength" => (
                    password.len() > number(),
                    "MaxLength",
                    format!("maximum length {value}."),
                ),
                "digits" => (
                    count(char::is_ascii_digit) < number(),
                    "MinDigits",
                    format!("must contain at least {value} numerical digits."),
                ),
                "upperCase" => (
                    count(char::is_ascii_uppercase) < number(),
                    "MinUpperCaseChars",
                    format!("must contain at least {value} upper case characters."),
                ),
                "lowerCase" => (
                    count(char::is_ascii_lowercase) < number(),
                    "MinLowerCaseChars",
                    format!("must contain at least {value} lower case characters."),
                ),
                "specialChars" => (
                    count(|c| !c.is_alphanumeric()) < number(),
                    "MinSpecialChars",
                    format!("must contain at least {value} special characters."),
                ),
                // No generated password fits any that a test has.
                "regexPattern" => (
                    true,
                    "RegexPattern",
                    "fails to match regex pattern(s).".to_owned(),
                ),
                _ => (false, "", String::new()),
            };
            if has_failed {
                return Some(json!({ "error": format!("invalidPassword{error}Message"),
                    "error_description": format!("Invalid password: {told}") }));
            }
        }
        None
    }
}
