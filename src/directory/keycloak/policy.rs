//! The realm's password policy: what it asks of a generated password, and what of it nobody can foresee.
//!
//! Source: "Server Administration Guide", "Password policies", and how the server itself reads the one line that the Admin
//! REST API has (`PasswordPolicy.parse`): rules are joined by " and ", and each is a name with its value in parentheses.

use crate::domain::makeup::PasswordNeeds;

/// Rules that concern the account, the history or the hash. A random password breaks them by a rare accident at most.
const OTHERS: [&str; 11] = [
    "forceExpiredPasswordChange",
    "hashAlgorithm",
    "hashIterations",
    "maxAuthAge",
    "notContainsUsername",
    "notEmail",
    "notUsername",
    "passwordAge",
    "passwordBlacklist",
    "passwordHistory",
    "recoveryCodesWarningThreshold",
];

/// A realm's password policy, as far as it concerns a generated password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RealmPolicy {
    pub(super) needs: PasswordNeeds,
    /// The names of rules that a generated password meets or does not; relatch cannot say in advance.
    pub(super) unforeseen: Vec<String>,
}

impl RealmPolicy {
    pub(super) fn read(text: &str) -> Self {
        let mut policy = Self::default();
        for rule in text.split(" and ").map(str::trim) {
            let (name, value) = match rule.split_once('(') {
                Some((name, value)) => (name.trim(), value.strip_suffix(')').unwrap_or(value)),
                None => (rule, ""),
            };
            if !name.is_empty() {
                policy.add(name, value.trim().parse().ok());
            }
        }
        policy
    }

    /// Without a value each rule has the server's default: 8 for the least length, 64 for the most, else one.
    fn add(&mut self, name: &str, value: Option<u32>) {
        let needs = &mut self.needs;
        match name {
            "length" => needs.least_length = value.unwrap_or(8),
            "maxLength" => needs.most_length = Some(value.unwrap_or(64)),
            "digits" => needs.digits = value.unwrap_or(1),
            "upperCase" => needs.upper = value.unwrap_or(1),
            "lowerCase" => needs.lower = value.unwrap_or(1),
            "specialChars" => needs.symbols = value.unwrap_or(1),
            name if OTHERS.contains(&name) => {}
            // A part of an expression with " and " in it has no name.
            name if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                self.unforeseen.push(name.to_owned());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_as_the_server_writes_them() {
        let read = RealmPolicy::read(
            "length(12) and maxLength(64) and digits(2) and upperCase(undefined) and lowerCase and specialChars(1) and \
             notUsername(undefined) and hashIterations(210000) and regexPattern(^[a-z](x and y)$) and ourOwn(3)",
        );
        let needs = PasswordNeeds {
            least_length: 12,
            most_length: Some(64),
            lower: 1,
            upper: 1,
            digits: 2,
            symbols: 1,
        };
        assert_eq!(read.needs, needs);
        assert_eq!(read.unforeseen, ["regexPattern", "ourOwn"]);
        assert_eq!(RealmPolicy::read(""), RealmPolicy::default());
    }
}
