//! A member of the organisation as a directory knows them, and the addresses they can be reached at.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A closed set with one written form per variant, used in files, JSON and the database.
macro_rules! written_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The written form.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::member::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|v| v.as_str() == text).ok_or_else(|| {
                    $crate::domain::member::UnknownWord(Self::ALL.iter().map(|v| v.as_str()).collect::<Vec<_>>().join(", "))
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use written_enum;

/// The directory's own, never changing name of a member. Not the e-mail: e-mails are given to other people.
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

written_enum! {
    /// A team chat.
    Platform {
        /// Slack.
        Slack = "slack",
        /// Discord.
        Discord = "discord",
        /// Lark and Feishu.
        Lark = "lark",
        /// Mattermost.
        Mattermost = "mattermost",
    }
}

/// An account in a team chat. It stands for a person only after it was resolved in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChatUser {
    /// Which chat.
    pub platform: Platform,
    /// The workspace, guild or tenant.
    pub tenant: String,
    /// The platform's id of the account.
    pub user: String,
}

/// Everything a reset needs to know about one person. Names are untrusted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The directory's immutable id.
    pub id: MemberId,
    /// Full name, cleaned by [`clean_name`].
    pub name: String,
    /// The address that belongs to the organisation, and the login name of those who sign in with it.
    pub business_email: EmailAddress,
    /// Further addresses of the organisation that are this member's: they name the same person, and their mailbox is
    /// opened by the same password.
    pub aliases: Vec<EmailAddress>,
    /// What the member signs in with.
    pub login_method: LoginMethod,
    /// Whether the account is in use.
    pub status: Status,
    /// The phone on record.
    pub phone: Option<PhoneNumber>,
    /// The private address on record.
    pub personal_email: Option<EmailAddress>,
    /// What the directory lets the member do to others.
    pub role: Role,
    /// Department, for the administrator to recognise the person.
    pub department: Option<String>,
    /// The e-mail of the member's manager.
    pub manager_email: Option<EmailAddress>,
    /// Why the directory wants nobody to reset this account from here, if it does.
    pub guard: Option<Guard>,
    /// True where the account's password never expires, so that no new one can be asked for at the next sign-in.
    pub never_expires: bool,
}

impl Member {
    /// True when some contact outside the chat and outside the business mailbox is on record (S10, S43).
    pub fn has_outside_contact(&self) -> bool {
        self.phone.is_some() || self.outside_email().is_some()
    }

    /// Every address of the organisation that is this member's.
    pub fn business_emails(&self) -> impl Iterator<Item = &EmailAddress> {
        std::iter::once(&self.business_email).chain(&self.aliases)
    }

    /// True where the address is a mailbox that the member's own password opens.
    pub fn has_mailbox(&self, email: &EmailAddress) -> bool {
        self.business_emails().any(|own| own.is_same_mailbox(email))
    }

    /// The personal e-mail, unless it lies with the organisation, where an administrator could give it to somebody else
    /// (S43).
    pub fn outside_email(&self) -> Option<&EmailAddress> {
        self.personal_email.as_ref().filter(|personal| {
            !self
                .business_emails()
                .any(|own| personal.is_within(&own.domain()))
        })
    }
}

/// The e-mail domains that the organisation is known to have: an administrator can give any of their addresses to somebody
/// else (S43). A member's own domain is one of them, named here or not.
#[derive(Clone, Debug, Default)]
pub struct CompanyDomains(Arc<[String]>);

impl CompanyDomains {
    /// These; case and a dot at the end do not matter.
    pub fn new(domains: impl IntoIterator<Item = String>) -> Self {
        Self(
            domains
                .into_iter()
                .map(|domain| domain.trim_end_matches('.').to_ascii_lowercase())
                .collect(),
        )
    }

    /// True for an address of one of them, or of a sub-domain of one.
    pub fn has(&self, email: &EmailAddress) -> bool {
        self.0.iter().any(|domain| email.is_within(domain))
    }

    /// True for an address of the organisation that this member belongs to.
    pub fn has_for(&self, member: &Member, email: &EmailAddress) -> bool {
        self.has(email)
            || member
                .business_emails()
                .any(|own| email.is_within(&own.domain()))
    }

    /// True where the address is the member's own mailbox, or has its name at another domain of the organisation, which in
    /// practice is the same one.
    pub fn has_mailbox_of(&self, member: &Member, email: &EmailAddress) -> bool {
        let is_namesake = || member.business_emails().any(|own| own.is_same_name(email));
        member.has_mailbox(email) || (self.has(email) && is_namesake())
    }
}

/// Cuts a name to 64 characters and drops control and direction characters, so that it cannot disturb the text around it.
pub fn clean_name(name: &str) -> String {
    let cleaned: String = name
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| {
            !c.is_control()
                && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        })
        .take(64)
        .collect();
    cleaned.trim().to_owned()
}

/// A word outside a closed set; holds the words that are in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not one of {0}")]
pub struct UnknownWord(pub String);

written_enum! {
    /// Whether an account is in use. Only `Active` and `Inactive` accounts can be reset (S16, Q6).
    Status {
        /// In use.
        Active = "active",
        /// Made, never used yet.
        Inactive = "inactive",
        /// Stopped by an administrator.
        Suspended = "suspended",
        /// Invited, not yet joined.
        Pending = "pending",
        /// Left the organisation.
        Resigned = "resigned",
    }
}

written_enum! {
    /// Why an account of a directory must not be reset from here, whoever asks.
    Guard {
        /// It belongs to those who run the directory.
        Protected = "protected",
        /// Another system keeps its password.
        ManagedElsewhere = "managed_elsewhere",
        /// It signs in with a smart card.
        SmartCard = "smart_card",
    }
}

written_enum! {
    /// What a member signs in with. Only a business e-mail has a password that can be reset here (S8, S9).
    LoginMethod {
        /// Business e-mail and password.
        BusinessEmail = "business_email",
        /// Personal e-mail and a code.
        PersonalEmail = "personal_email",
        /// Phone and a code.
        Phone = "phone",
        /// The organisation's single sign-on.
        Sso = "sso",
    }
}

written_enum! {
    /// What a person may do to other accounts (S1, S2).
    Role {
        /// Nothing.
        Member = "member",
        /// An administrator with the permission "Member and Department".
        MemberAndDepartment = "member_and_department",
        /// A primary administrator.
        PrimaryAdmin = "primary_admin",
    }
}

/// One e-mail address: one `@`, a dotted domain, at most 254 characters, nothing that could become a second recipient.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

/// The text is not one plain e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an e-mail address such as mina@mail.example")]
pub struct NotAnEmail;

impl EmailAddress {
    /// The address as written in the directory.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the `@`, in lower case.
    pub fn domain(&self) -> String {
        self.0
            .rsplit_once('@')
            .map(|(_, domain)| domain.to_ascii_lowercase())
            .unwrap_or_default()
    }

    /// True for the same address, without regard to ASCII case.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// Compares as mail servers do in practice: without regard to ASCII case, and without `+tag` in the name.
    /// Only ASCII letters are folded, so that look-alikes of other scripts stay different people.
    pub fn is_same_mailbox(&self, other: &Self) -> bool {
        self.mailbox() == other.mailbox()
    }

    /// True where the address lies at this domain, written in lower case, or at a sub-domain of it.
    pub fn is_within(&self, domain: &str) -> bool {
        let own = self.domain();
        own.strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// Compares what stands before the `@`, as [`Self::is_same_mailbox`] does.
    fn is_same_name(&self, other: &Self) -> bool {
        let name = |address: &Self| {
            address
                .mailbox()
                .split_once('@')
                .map(|(name, _)| name.to_owned())
        };
        name(self) == name(other)
    }

    /// The key under which a directory finds the address: ASCII lower case.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// What two spellings of one mailbox share: see [`Self::is_same_mailbox`].
    pub fn mailbox(&self) -> String {
        let key = self.key();
        match key.split_once('@') {
            Some((local, domain)) => {
                let name = local.split_once('+').map_or(local, |(name, _)| name);
                format!("{name}@{domain}")
            }
            None => key,
        }
    }

    /// The first letter and the domain, for cards and logs: `m···@mail.example`.
    pub fn masked(&self) -> String {
        let first = self.0.chars().next().unwrap_or('·');
        format!("{first}···@{}", self.domain())
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EmailAddress {
    type Err = NotAnEmail;

    fn from_str(text: &str) -> Result<Self, NotAnEmail> {
        let text = text.trim();
        let (local, domain) = text.split_once('@').ok_or(NotAnEmail)?;
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let local_fits = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
        if text.len() <= 254 && local_fits && domain.contains('.') && domain.split('.').all(label) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnEmail)
        }
    }
}

/// A complete phone number in E.164 form: `+821012345678`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

/// The text is not a complete, existing phone number that an SMS can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPhone {
    /// No country code, too short, or no such number range.
    #[error("is not a complete phone number such as +82 10 1234 5678")]
    Incomplete,
    /// A landline, a pager or a premium number: no SMS gets there safely.
    #[error("cannot receive an SMS; a mobile number is needed")]
    NotMobile,
}

impl PhoneNumber {
    /// The number in E.164 form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Country code and last two digits, for cards and logs: `+82 ··· ··42`.
    pub fn masked(&self) -> String {
        let tail = self
            .0
            .get(self.0.len().saturating_sub(2)..)
            .unwrap_or_default();
        format!("+{} ··· ··{tail}", self.calling_code())
    }

    /// The country code; no country's code begins with another's (E.164, section 6.2.1).
    pub(super) fn calling_code(&self) -> &str {
        let prefix = |digits| self.0.get(1..=digits);
        let is_known = |code: &&str| {
            code.parse()
                .is_ok_and(|code: u16| phonenumber::metadata::DATABASE.by_code(&code).is_some())
        };
        (1..=3)
            .filter_map(prefix)
            .find(is_known)
            .filter(|code| !code.starts_with('0'))
            .unwrap_or("0")
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PhoneNumber {
    /// A number that was parsed before it was stored: only its form is looked at, the rules of its country are not
    /// asked again.
    pub fn stored(text: &str) -> Result<Self, NotAPhone> {
        let digits = text.strip_prefix('+').ok_or(NotAPhone::Incomplete)?;
        let is_e164 =
            (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_e164 {
            return Err(NotAPhone::Incomplete);
        }
        if GLOBAL_CODES.iter().any(|code| digits.starts_with(code)) {
            return Err(NotAPhone::NotMobile);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Codes of no country: freephone, shared cost, Inmarsat, personal numbers, satellites and other networks, relief, premium
/// rate (ITU-T, "List of ITU-T Recommendation E.164 assigned country codes").
const GLOBAL_CODES: [&str; 9] = [
    "800", "808", "870", "878", "881", "882", "883", "888", "979",
];

impl FromStr for PhoneNumber {
    type Err = NotAPhone;

    fn from_str(text: &str) -> Result<Self, NotAPhone> {
        use phonenumber::{Mode, Type};

        let text = text.trim();
        let plain = text.len() <= 32
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || b" +-().".contains(&b));
        if !plain || !text.starts_with('+') {
            return Err(NotAPhone::Incomplete);
        }
        let number = phonenumber::parse(None, text).map_err(|_| NotAPhone::Incomplete)?;
        if !number.is_valid() {
            return Err(NotAPhone::Incomplete);
        }
        if GLOBAL_CODES.contains(&number.code().value().to_string().as_str()) {
            return Err(NotAPhone::NotMobile);
        }
        match number.number_type(&phonenumber::metadata::DATABASE) {
            Type::Mobile | Type::FixedLineOrMobile => {
                Ok(Self(number.format().mode(Mode::E164).to_string()))
            }
            Type::FixedLine
            | Type::TollFree
            | Type::PremiumRate
            | Type::SharedCost
            // Follows its owner anywhere, at the price of whoever sends (E.168).
            | Type::PersonalNumber
            | Type::Voip
            | Type::Pager
            | Type::Uan
            | Type::Emergency
            | Type::Voicemail
            | Type::ShortCode
            | Type::StandardRate
            | Type::Carrier
            | Type::NoInternational
            | Type::Unknown => Err(NotAPhone::NotMobile),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing that could become a second recipient, a header or a look-alike.
    #[test]
    fn hostile_email_addresses_are_refused() {
        for wrong in [
            "",
            "mina",
            "@a.example",
            "mina@",
            "mina@localhost",
            "a@b@c.example",
            "a b@c.example",
            "a,b@c.example",
            "a;b@c.example",
            "<a@c.example>",
            "a@c.example,b@d.example",
            "a@c.example\r\nBcc: x@y.example",
            "\"a b\"@c.example",
            "a@[127.0.0.1]",
            "m\u{131}ke@c.example",
            "a@\u{441}.example",
            "a@c..example",
            ".a@c.example",
            "a@-c.example",
            "a\0@c.example",
        ] {
            assert_eq!(wrong.parse::<EmailAddress>(), Err(NotAnEmail), "{wrong:?}");
        }
        assert!(
            format!("{}@c.example", "a".repeat(65))
                .parse::<EmailAddress>()
                .is_err()
        );
        assert!(
            "mina.park+it@mail.acme.example"
                .parse::<EmailAddress>()
                .is_ok()
        );
    }

    #[test]
    fn one_mailbox_is_recognised_in_another_case_and_with_a_tag() {
        let business: EmailAddress = "mina.park@acme.example".parse().unwrap();
        assert!(
            "Mina.Park+x@ACME.example"
                .parse::<EmailAddress>()
                .unwrap()
                .is_same_mailbox(&business)
        );
        assert!(
            !"mina@acme.example"
                .parse::<EmailAddress>()
                .unwrap()
                .is_same_mailbox(&business)
        );
    }

    /// S24.
    #[test]
    fn phone_numbers_are_complete_and_mobile() {
        assert_eq!(
            "+82 10-1234-5678".parse::<PhoneNumber>().unwrap().as_str(),
            "+821012345678"
        );
        for wrong in [
            "",
            "010 1234 5678",
            "+82 12",
            "82 10 1234 5678",
            "+15550100",
            "+82 10 1234 5678 ext 3",
            "+8210123456789999",
        ] {
            assert_eq!(
                wrong.parse::<PhoneNumber>(),
                Err(NotAPhone::Incomplete),
                "{wrong:?}"
            );
        }
        assert_eq!(
            "+442079460000".parse::<PhoneNumber>(),
            Err(NotAPhone::NotMobile)
        );
    }

    /// S43: a sub-domain belongs to whoever has the domain.
    #[test]
    fn an_address_lies_within_a_domain_or_below_it() {
        let company = CompanyDomains::new(["Acme.example.".to_owned()]);
        for (address, is_ours) in [
            ("a@acme.example", true),
            ("a@ACME.example", true),
            ("a@mail.acme.example", true),
            ("a@notacme.example", false),
            ("a@acme.example.org", false),
            ("a@example.org", false),
        ] {
            assert_eq!(company.has(&address.parse().unwrap()), is_ours, "{address}");
        }
    }

    #[test]
    fn contacts_are_masked() {
        for (number, masked) in [
            ("+821012345642", "+82 ··· ··42"),
            ("+12025550123", "+1 ··· ··23"),
            ("+79161234567", "+7 ··· ··67"),
            ("+358401234567", "+358 ··· ··67"),
            ("+9990000000", "+0 ··· ··00"),
        ] {
            assert_eq!(PhoneNumber::stored(number).unwrap().masked(), masked);
        }
        assert_eq!(
            "mina@mail.example"
                .parse::<EmailAddress>()
                .unwrap()
                .masked(),
            "m···@mail.example"
        );
    }

    #[test]
    fn names_lose_what_could_disturb_a_text() {
        assert_eq!(clean_name(" Mina\n\u{202e}Park\u{0} "), "Mina Park");
        assert_eq!(clean_name(&"x".repeat(100)).len(), 64);
    }
}
