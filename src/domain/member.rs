//! A member of the organization as a directory knows them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::phone::PhoneRemark;
use super::shorten::shorten;
use super::visible::is_invisible;
use super::{EmailAddress, Moment, PhoneNumber, SecondFactors, written_enum};

/// The directory's immutable id of a member. Never the e-mail, because an e-mail can be given to another person.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberId(pub String);

impl FromStr for MemberId {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a reset needs to know about one person. Names are untrusted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The directory's immutable id, never the e-mail.
    pub id: MemberId,
    /// Full name, cleaned by [`clean_name`].
    pub name: String,
    /// The address at the organization. Members who sign in with an e-mail use this one.
    pub business_email: EmailAddress,
    /// Further addresses of this member at the organization. The same password opens their mailbox.
    pub aliases: Vec<EmailAddress>,
    /// What the member signs in with.
    pub login_method: LoginMethod,
    /// Whether the account is in use.
    pub status: Status,
    /// The mobile phone on record, in full.
    pub phone: Option<PhoneNumber>,
    /// What has to be known of how the phone is written there.
    pub phone_remarks: Vec<PhoneRemark>,
    /// The private address on record.
    pub personal_email: Option<EmailAddress>,
    /// What the directory lets the member do to other members.
    pub role: Role,
    /// Department, so that the administrator recognizes the person.
    pub department: Option<String>,
    /// The e-mail of the member's manager.
    pub manager_email: Option<EmailAddress>,
    /// Why this account must not be reset from here; none if it may.
    pub guard: Option<Guard>,
    /// True if the account's password never expires. Then the directory cannot ask for a new one at the next sign-in.
    pub never_expires: bool,
    /// True if another system keeps a password of its own beside the one that a reset sets.
    pub has_other_password: bool,
    /// What the directory's own sign-in asks for after the password, as far as the directory tells.
    pub second_factors: SecondFactors,
}

impl Member {
    /// True for an account that may be used now: neither its status, nor its dates, nor a lock for good forbid it (S16).
    pub fn is_in_use(&self) -> bool {
        let is_shut = matches!(
            self.guard,
            Some(Guard::Locked | Guard::Expired(_) | Guard::NotYetValid(_))
        );
        matches!(self.status, Status::Active | Status::Inactive) && !is_shut
    }

    /// True if a contact outside the chat and outside the business mailbox is on record (S10, S43).
    pub fn has_outside_contact(&self) -> bool {
        self.phone.is_some() || self.outside_email().is_some()
    }

    /// All addresses of this member at the organization.
    pub fn business_emails(&self) -> impl Iterator<Item = &EmailAddress> {
        std::iter::once(&self.business_email).chain(&self.aliases)
    }

    /// True if the member's password opens this mailbox.
    pub fn has_mailbox(&self, email: &EmailAddress) -> bool {
        self.business_emails().any(|own| own.is_same_mailbox(email))
    }

    /// The personal e-mail, unless it is at the organization: an administrator could give such an address to somebody else
    /// (S43).
    pub fn outside_email(&self) -> Option<&EmailAddress> {
        self.personal_email.as_ref().filter(|personal| {
            !self
                .business_emails()
                .any(|own| personal.is_within(&own.domain()))
        })
    }
}

/// Shortens a name to 64 characters and removes control and direction characters, so that it cannot change the text around it.
pub fn clean_name(name: &str) -> String {
    let cleaned: String = name
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    shorten(cleaned.trim(), 64)
}
written_enum! {
    /// Whether an account is in use. Only `Active` and `Inactive` accounts can be reset (S16, Q6).
    pub Status {
        /// In use.
        Active = "active",
        /// Created and not used yet.
        Inactive = "inactive",
        /// Stopped by an administrator.
        Suspended = "suspended",
        /// Invited and not joined yet.
        Pending = "pending",
        /// Left the organization.
        Resigned = "resigned",
    }
}

/// Why an account must not be reset from here, whoever the administrator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// It is an account of those who run the directory.
    Protected,
    /// Another system manages its password.
    ManagedElsewhere,
    /// It signs in with a smart card.
    SmartCard,
    /// Too many failed sign-ins have locked it until somebody unlocks it.
    Locked,
    /// It is the account of an application.
    ServiceAccount,
    /// It was valid until then.
    Expired(Moment),
    /// It will be valid from then on.
    NotYetValid(Moment),
}

impl Guard {
    /// The word in the audit and in logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::ManagedElsewhere => "managed_elsewhere",
            Self::SmartCard => "smart_card",
            Self::Locked => "locked",
            Self::ServiceAccount => "service_account",
            Self::Expired(_) => "expired",
            Self::NotYetValid(_) => "not_yet_valid",
        }
    }
}

written_enum! {
    /// What a member signs in with. Only a business e-mail has a password that can be reset here (S8, S9).
    pub LoginMethod {
        /// Business e-mail and password.
        BusinessEmail = "business_email",
        /// Personal e-mail and a code.
        PersonalEmail = "personal_email",
        /// Phone and a code.
        Phone = "phone",
        /// The organization's single sign-on.
        Sso = "sso",
    }
}

written_enum! {
    /// What a person may do to other accounts (S1, S2).
    pub Role {
        /// Nothing: the role of everybody who is no administrator.
        Member = "member",
        /// An administrator with the permission "Member and Department".
        MemberAndDepartment = "member_and_department",
        /// May reset everybody but themselves.
        PrimaryAdmin = "primary_admin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn names_lose_what_could_disturb_a_text() {
        assert_eq!(
            clean_name(" Mina\n\u{202e}\u{2067}\u{61c}Park\u{0} "),
            "Mina Park"
        );
        assert_eq!(clean_name(&"x".repeat(100)).chars().count(), 64);
    }
}
