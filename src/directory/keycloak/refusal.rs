//! A definite no of Keycloak in words.

use serde_json::Value;

use crate::domain::makeup::{DEFAULT_LENGTH, MAX_LENGTH};
use crate::domain::member::clean_name;
use crate::net::Answer;

/// Keycloak's own word for a refusal, for the log. Only the error: a description may repeat what was sent.
pub(super) fn reason(answer: &Answer) -> String {
    const LONGEST: usize = 300;
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = told.get("errorMessage").or_else(|| told.get("error"));
    let error = error.and_then(Value::as_str).unwrap_or_default();
    error.chars().take(LONGEST).collect()
}

/// The sentence for a refused password; None where nobody can say whether it was set.
pub(super) fn of_change(answer: &Answer) -> Option<String> {
    if !(400..500).contains(&answer.status) {
        return None;
    }
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = told
        .get("error")
        .or_else(|| told.get("errorMessage"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let words = match (answer.status, error) {
        (403, _) => {
            "relatch's client there has no right to reset this member: it lacks the role manage-users"
        }
        (404, _) => "the account is gone",
        (_, error) if error.starts_with("invalidPassword") => {
            return Some(policy_says(error, &told));
        }
        (400, _) => "it does not accept this change, as where another system keeps the password",
        (status, _) => return Some(format!("it answers with status {status}")),
    };
    Some(words.to_owned())
}

/// A rule of the password policy in Keycloak's own words, and who or what can help.
fn policy_says(error: &str, told: &Value) -> String {
    let described = told.get("error_description").and_then(Value::as_str);
    let rule = described.unwrap_or("the generated password does not fit");
    let rule = rule.strip_prefix("Invalid password: ").unwrap_or(rule);
    let rule = clean_name(rule);
    let rule = rule.trim_end_matches('.');
    format!("its password policy says: {rule}; {}", help(error, rule))
}

/// What helps against a rule that a generated password did not meet. relatch meets most of them by itself where its client
/// may read the policy.
fn help(error: &str, rule: &str) -> String {
    const REALM: &str = "only whoever runs Keycloak can change that";
    let number = rule
        .split(|c: char| !c.is_ascii_digit())
        .find_map(|digits| digits.parse().ok());
    let can_have = |length: &u8| (DEFAULT_LENGTH..=MAX_LENGTH).contains(length);
    match (error, number.filter(can_have)) {
        ("invalidPasswordMinLengthMessage", Some(least)) => {
            format!("policy.password_length can be raised to {least}")
        }
        ("invalidPasswordMaxLengthMessage", Some(most)) => {
            format!("policy.password_length can be lowered to {most}")
        }
        ("invalidPasswordMinSpecialCharsMessage", _) => {
            "policy.password_symbols = true adds symbols".to_owned()
        }
        (
            "invalidPasswordMinDigitsMessage"
            | "invalidPasswordMinUpperCaseCharsMessage"
            | "invalidPasswordMinLowerCaseCharsMessage",
            _,
        ) => format!(
            "relatch meets that where its client may read the policy (role view-realm) and {MAX_LENGTH} characters are enough"
        ),
        (
            "invalidPasswordHistoryMessage"
            | "invalidPasswordBlacklistedMessage"
            | "invalidPasswordNotUsernameMessage"
            | "invalidPasswordNotEmailMessage"
            | "invalidPasswordNotContainsUsernameMessage",
            _,
        ) => "another generated password will do, so run the command again".to_owned(),
        _ => REALM.to_owned(),
    }
}

/// The sentence for a link that was not sent; None where nobody can say whether it was. Keycloak answers 500 with a reason
/// where it could not hand the mail over.
pub(super) fn of_link(answer: &Answer) -> Option<String> {
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let reason = told.get("errorMessage").and_then(Value::as_str);
    let words = match (answer.status, reason) {
        (500, Some(_)) => "its mail server does not take the mail with the link; the log says why",
        (400, Some("User is disabled")) => "the account is disabled",
        (400, Some("User email missing")) => "the account has no e-mail there",
        (403, _) => {
            "relatch's client there has no right to send a link: it lacks the role manage-users"
        }
        (404, _) => "the account is gone",
        (status @ 400..=499, _) => return Some(format!("it answers with status {status}")),
        _ => return None,
    };
    Some(words.to_owned())
}
