//! A definite no of Keycloak in words.

use serde_json::Value;

use crate::domain::member::clean_name;
use crate::net::Answer;

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
        (_, "invalidPasswordMinLengthMessage") => {
            "the generated password is too short for its password policy; policy.password_length can be raised"
        }
        (_, "invalidPasswordHistoryMessage") => {
            "its password policy: the generated password was used before"
        }
        (_, "invalidPasswordMinSpecialCharsMessage") => {
            "its password policy asks for symbols; policy.password_symbols = true adds one"
        }
        (_, error) if error.starts_with("invalidPassword") => return Some(policy_says(&told)),
        (400, _) => "it does not accept this change, as where another system keeps the password",
        (status, _) => return Some(format!("it answers with status {status}")),
    };
    Some(words.to_owned())
}

/// A rule of the password policy in Keycloak's own words: only those who run the realm can change it.
fn policy_says(told: &Value) -> String {
    let described = told.get("error_description").and_then(Value::as_str);
    let rule = described.unwrap_or("the generated password does not fit");
    let rule = rule.strip_prefix("Invalid password: ").unwrap_or(rule);
    let rule = clean_name(rule);
    format!("its password policy says: {}", rule.trim_end_matches('.'))
}

/// The sentence for a link that was not sent; None where nobody can say whether it was. Keycloak answers 500 with a reason
/// where it could not hand the mail over.
pub(super) fn of_link(answer: &Answer) -> Option<String> {
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let reason = told.get("errorMessage").and_then(Value::as_str);
    let words = match (answer.status, reason) {
        (500, Some(reason)) => {
            tracing::error!(reason, "Keycloak could not send its link");
            "its mail server does not take the mail with the link; the log says why"
        }
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
