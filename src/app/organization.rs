//! What the settings say about the organization: names, addresses, lifetimes and who is who.

use url::Url;

use super::admins::Admins;
use crate::domain::contacts::ContactRules;
use crate::domain::phone::HelpPhone;
use crate::domain::{CompanyDomains, EmailAddress, Span};

/// The organization's decisions that texts and rules depend on.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one key of the settings, or one fact about them"
)]
#[derive(Clone)]
pub struct Organization {
    /// Stands in texts, and in the subjects of e-mails.
    pub name: String,
    /// Its e-mail domains, as far as the settings name them.
    pub company: CompanyDomains,
    /// "Set or change your login password" (S7).
    pub help_url: Option<Url>,
    /// The phone of those who help people with their accounts.
    pub help_phone: Option<HelpPhone>,
    /// Where members sign in whose directory is not ours.
    pub sign_in_url: Option<Url>,
    /// Whom a member tells when they did not expect a reset. Alarms go there too.
    pub security_email: Option<EmailAddress>,
    /// The public address of the member's pages.
    pub public_url: Option<Url>,
    /// True in the demo, whose own page shows the member's pages in a frame.
    pub is_framed: bool,
    /// The minimum length of a password that a member sets.
    pub own_password_least: usize,
    /// The length of generated passwords.
    pub password_length: u8,
    /// Whether they have a symbol, for directories that ask for one.
    pub password_symbols: bool,
    /// The lifetime of a generated password (Q10).
    pub password_lifetime: Span,
    /// The lifetime of a card.
    pub offer_lifetime: Span,
    /// Where the right to reset comes from.
    pub admins: Admins,
    /// How a chat account is matched with a directory account.
    pub identity: Identity,
    /// When a contact counts, and whether code and password need two.
    pub contact_rules: ContactRules,
    /// Whether a member's manager is told of a reset (`policy.notify_manager`).
    pub notify_manager: bool,
    /// True where a code alone lets members in to set a new password (`policy.code_sign_in`).
    pub code_sign_in: bool,
}

impl Organization {
    /// The path of `public_url`, without a slash at its end. Empty where the pages have a host of their own.
    pub(crate) fn public_path(&self) -> &str {
        let url = self.public_url.as_ref();
        url.map_or("", |url| url.path().trim_end_matches('/'))
    }
}

/// How a chat account is matched with a directory account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The platform's confirmed e-mail is the directory's business e-mail.
    Email,
    /// Only accounts that the operator linked with `relatch link`.
    Linked,
}
