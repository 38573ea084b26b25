//! What a definite no of Keycloak means.

use serde_json::Value;

use crate::directory::{
    AccountFault, MissingRight, PasswordFault, RuleHelp, ServerFault, WhyRefused,
};
use crate::domain::makeup::{DEFAULT_LENGTH, MAX_LENGTH};
use crate::domain::member::clean_name;
use crate::domain::shorten::shorten;
use crate::net::Answer;

/// Keycloak's own word for a refusal, for the log. Only the error: a description may repeat what was sent.
pub(super) fn reason(answer: &Answer) -> String {
    const LONGEST: usize = 300;
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = told.get("errorMessage").or_else(|| told.get("error"));
    let error = error.and_then(Value::as_str).unwrap_or_default();
    shorten(error, LONGEST)
}

/// The role without which Keycloak refuses both changes.
const MANAGE_USERS: &str = "manage-users";

/// Why a password was refused; None where nobody can say whether it was set.
pub(super) fn of_change(answer: &Answer) -> Option<WhyRefused> {
    if !(400..500).contains(&answer.status) {
        return None;
    }
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = told
        .get("error")
        .or_else(|| told.get("errorMessage"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    Some(match (answer.status, error) {
        (403, _) => WhyRefused::NoRight(MissingRight::RoleToReset(MANAGE_USERS)),
        (404, _) => WhyRefused::Gone,
        (_, error) if error.starts_with("invalidPassword") => {
            WhyRefused::Password(policy_says(error, &told))
        }
        (400, _) => WhyRefused::Server(ServerFault::TakesNoChange),
        (status, _) => WhyRefused::Status(status),
    })
}

/// A rule of the password policy in Keycloak's own words, and who or what can help.
fn policy_says(error: &str, told: &Value) -> PasswordFault {
    let described = told.get("error_description").and_then(Value::as_str);
    let rule = described.map(|rule| {
        let rule = rule.strip_prefix("Invalid password: ").unwrap_or(rule);
        clean_name(rule).trim_end_matches('.').to_owned()
    });
    let help = help(error, rule.as_deref().unwrap_or_default());
    PasswordFault::Says { rule, help }
}

/// What helps against a rule that a generated password did not meet. relatch meets most of them by itself where its client
/// may read the policy.
fn help(error: &str, rule: &str) -> RuleHelp {
    let number = rule
        .split(|c: char| !c.is_ascii_digit())
        .find_map(|digits| digits.parse().ok());
    let can_have = |length: &u8| (DEFAULT_LENGTH..=MAX_LENGTH).contains(length);
    match (error, number.filter(can_have)) {
        ("invalidPasswordMinLengthMessage", Some(least)) => RuleHelp::RaiseLength(least),
        ("invalidPasswordMaxLengthMessage", Some(most)) => RuleHelp::LowerLength(most),
        ("invalidPasswordMinSpecialCharsMessage", _) => RuleHelp::AddSymbols,
        (
            "invalidPasswordMinDigitsMessage"
            | "invalidPasswordMinUpperCaseCharsMessage"
            | "invalidPasswordMinLowerCaseCharsMessage",
            _,
        ) => RuleHelp::ReadPolicy,
        (
            "invalidPasswordHistoryMessage"
            | "invalidPasswordBlacklistedMessage"
            | "invalidPasswordNotUsernameMessage"
            | "invalidPasswordNotEmailMessage"
            | "invalidPasswordNotContainsUsernameMessage",
            _,
        ) => RuleHelp::RunAgain,
        _ => RuleHelp::Operator,
    }
}

/// Why a link was not sent; None where nobody can say whether it was. Keycloak answers 500 with a reason
/// where it could not hand the mail over.
pub(super) fn of_link(answer: &Answer) -> Option<WhyRefused> {
    let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let reason = told.get("errorMessage").and_then(Value::as_str);
    Some(match (answer.status, reason) {
        (500, Some(_)) => WhyRefused::Server(ServerFault::MailNotTaken),
        (400, Some("User is disabled")) => WhyRefused::Account(AccountFault::Disabled),
        (400, Some("User email missing")) => WhyRefused::Account(AccountFault::WithoutEmail),
        (403, _) => WhyRefused::NoRight(MissingRight::RoleToSendLink(MANAGE_USERS)),
        (404, _) => WhyRefused::Gone,
        (status @ 400..=499, _) => WhyRefused::Status(status),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The texts are those of `messages_en.properties` in the theme `base/admin`; the one for the most characters is a real
    /// server's.
    #[test]
    fn what_helps_depends_on_the_rule() {
        for (error, described, help) in [
            (
                "invalidPasswordMinLengthMessage",
                "Invalid password: minimum length 12.",
                RuleHelp::RaiseLength(12),
            ),
            (
                "invalidPasswordMinLengthMessage",
                "Invalid password: minimum length 40.",
                RuleHelp::Operator,
            ),
            (
                "invalidPasswordMaxLengthMessage",
                "Invalid password: maximum length 10.",
                RuleHelp::LowerLength(10),
            ),
            (
                "invalidPasswordMinSpecialCharsMessage",
                "Invalid password: must contain at least 1 special characters.",
                RuleHelp::AddSymbols,
            ),
            (
                "invalidPasswordMinDigitsMessage",
                "Invalid password: must contain at least 9 numerical digits.",
                RuleHelp::ReadPolicy,
            ),
            (
                "invalidPasswordBlacklistedMessage",
                "Invalid password: password is blacklisted.",
                RuleHelp::RunAgain,
            ),
            (
                "invalidPasswordRegexPatternMessage",
                "Invalid password: fails to match regex pattern(s).",
                RuleHelp::Operator,
            ),
        ] {
            let rule = described.trim_start_matches("Invalid password: ");
            let rule = Some(rule.trim_end_matches('.').to_owned());
            let told = policy_says(error, &json!({ "error_description": described }));
            assert_eq!(told, PasswordFault::Says { rule, help }, "{error}");
        }
        let (rule, help) = (None, RuleHelp::Operator);
        let told = policy_says("invalidPasswordGenericMessage", &json!({}));
        assert_eq!(told, PasswordFault::Says { rule, help });
    }
}
