//! Warnings of `relatch check` about members who can write the attributes that relatch trusts.
//!
//! A member who can write their own e-mail can be taken for somebody else. One who can write their own phone or private
//! e-mail chooses where a password and its code go; so does one who can write their country, where phones have no country
//! code. One who can write a group's members can leave or join the group.

use crate::domain::EmailAddress;

/// The reason where the settings name no account to look at.
pub(super) const NOBODY_NAMED: &str = "no check_account is set";

/// The reason where the directory says nothing of it.
pub(super) const NOT_TOLD: &str = "this directory does not tell";

/// The reason where the directory has no such account.
pub(super) const NOT_FOUND: &str = "the account to be looked at is not found";

/// The warning where it cannot be found out.
pub(super) fn unknown(why: &str) -> String {
    format!(
        "unknown whether members can write their own e-mail, phone, country or groups ({why}). Make sure that they cannot; the \
        README lists the attributes"
    )
}

/// What was found about one account.
pub(super) struct Report {
    account: String,
    warnings: Vec<String>,
}

impl Report {
    pub(super) fn new(account: &EmailAddress) -> Self {
        Self {
            account: account.masked(),
            warnings: Vec::new(),
        }
    }

    /// Notes which attributes of its own entry the account may write, or why that is unknown.
    pub(super) fn note_entry(&mut self, told: Result<Vec<String>, String>) {
        match told {
            Ok(writable) if writable.is_empty() => {}
            Ok(writable) => self.warnings.push(format!(
                "{} may write {} of their own entry, and relatch trusts it: an e-mail says who somebody is, a phone or \
                private e-mail gets passwords and codes, a country completes a phone. Take this right from members",
                self.account,
                writable.join(" and "),
            )),
            Err(why) => self.warnings.push(unknown(&why)),
        }
    }

    /// Notes the same for a group of the settings.
    pub(super) fn note_group(&mut self, group: &str, told: Result<Vec<String>, String>) {
        match told {
            Ok(writable) if writable.is_empty() => {}
            Ok(writable) => self.warnings.push(format!(
                "{} may write {} of {group}, by which relatch tells who is an administrator or protected. Take this right \
                from members",
                self.account,
                writable.join(" and "),
            )),
            Err(why) => self.warnings.push(format!(
                "unknown whether members can write the members of {group} ({why}). Make sure that they cannot"
            )),
        }
    }

    pub(super) fn warnings(self) -> Vec<String> {
        self.warnings
    }
}
