//! What the settings of every directory have in common: the contract of a `Config`, name and domains.

use super::{Backend, Hasher};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::domain::country::Country;
use crate::domain::{CompanyDomains, EmailAddress};
use crate::lark_api::{LarkApis, LarkAppSettings};
use crate::net::TlsError;
use crate::settings::Section;
use crate::store::Store;

/// What opened directories are built from.
pub struct DirectoryParts {
    /// The record, where the built-in one has its members.
    pub store: Store,
    /// For the passwords of the built-in one.
    pub hasher: Hasher,
    /// The e-mail domains of the organization.
    pub company: CompanyDomains,
    /// The client for calls without a `ca_file` of their own.
    pub http: reqwest::Client,
    /// The clock of the program.
    pub clock: Clock,
    /// The randomness of the program.
    pub chance: Chance,
    /// The country of phones that have no country code, where their entry names none.
    pub default_country: Option<Country>,
    /// The apps of Lark in use.
    pub lark: LarkApis,
}

/// The settings of one kind of directory.
pub(crate) trait DirectoryConfig: Sized {
    type Opened: Backend;

    /// Reads the section, whose `kind` was taken out; what is wrong is noted there. `is_alone` where there is no other
    /// directory.
    fn read(section: Section<'_>, is_alone: bool) -> Option<Self>;

    /// The name that administrators know it by.
    fn name(&self) -> &str;

    /// The e-mail domains of its members.
    fn domains(&self) -> &[String];

    /// True where the directory can tell who is an administrator, as it is set up.
    fn names_administrators(&self) -> bool;

    /// The account that `relatch check` looks up, if one is set.
    fn check_account(&self) -> Option<&EmailAddress>;

    /// The app of Lark that it uses, if any.
    fn lark_app(&self) -> Option<LarkAppSettings<'_>> {
        None
    }

    /// The directory with these settings. Nothing is asked yet.
    fn open(self, parts: &DirectoryParts) -> Result<Self::Opened, TlsError>;
}

/// Name and domains, which every directory but the built-in one has.
#[derive(Clone, Debug)]
pub(super) struct NameAndDomains {
    pub(super) name: String,
    pub(super) domains: Vec<String>,
}

impl NameAndDomains {
    /// Reads both; `default_name` where the settings give no name.
    pub(super) fn read(section: &mut Section<'_>, is_alone: bool, default_name: &str) -> Self {
        let domains = read_domains(section);
        if domains.is_none() && !is_alone {
            section.problem(
                "domains",
                "is missing; with several directories each has its e-mail domains",
            );
        }
        let name = section
            .text("name")
            .unwrap_or_else(|| default_name.to_owned());
        let is_name = !name.trim().is_empty() && name.len() <= 40 && !name.contains('/');
        if !is_name || name.chars().any(char::is_control) {
            section.problem("name", "must be 1 to 40 characters without \"/\"");
        }
        Self {
            name,
            domains: domains.unwrap_or_default(),
        }
    }

    /// True for an address in one of the domains.
    pub(super) fn has(&self, email: &EmailAddress) -> bool {
        self.domains.contains(&email.domain())
    }
}

pub(super) fn read_domains(section: &mut Section<'_>) -> Option<Vec<String>> {
    let domains = section.list("domains")?;
    // In the form that addresses have.
    let read = |domain: &String| format!("a@{domain}").parse::<EmailAddress>();
    let known: Vec<String> = domains
        .iter()
        .filter_map(|domain| Some(read(domain).ok()?.domain()))
        .collect();
    if known.is_empty() || known.len() < domains.len() {
        section.problem(
            "domains",
            "must be a list of e-mail domains, such as [\"acme.example\"]",
        );
    }
    Some(known)
}
