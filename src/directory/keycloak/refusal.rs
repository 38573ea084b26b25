//! A definite no of Keycloak in words.

use serde_json::Value;

use crate::net::Answer;

/// The sentence for an answer with a 4xx status.
pub(super) fn refusal(answer: &Answer) -> String {
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
        (_, error) if error.starts_with("invalidPassword") => {
            "the generated password does not fit its password policy; policy.password_length can be raised"
        }
        (400, _) => "it does not accept this change, as where another system keeps the password",
        (status, _) => return format!("it answers with status {status}"),
    };
    words.to_owned()
}
