//! The settings of a realm.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::Keycloak;
use crate::directory::config::{DirectoryConfig, DirectoryParts, NameAndDomains};
use crate::domain::{EmailAddress, Span};
use crate::net::TlsError;
use crate::settings::{SecretForm, Section, with_slash};

/// The settings of a realm.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) common: NameAndDomains,
    /// The server, with a slash at its end.
    pub(super) url: Url,
    pub(super) realm: String,
    /// The client with the service account.
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    /// The CA of the server's certificate, where it is not one of the machine's.
    pub(super) ca_file: Option<PathBuf>,
    /// The attribute with the mobile phone.
    pub(super) phone_attribute: String,
    /// The attribute with the private e-mail; none by default.
    pub(super) personal_email_attribute: Option<String>,
    /// The attribute with the department.
    pub(super) department_attribute: String,
    /// Roles whose holders are not reset from here: of the realm, or `client/role`. Where none are named, the realm role
    /// `admin`, which need not exist.
    pub(super) protected_roles: Option<Vec<String>>,
    /// Roles of primary administrators, where `admins.source` is "directory".
    pub(super) primary_admin_roles: Vec<String>,
    /// Roles of administrators with "Member and Department", likewise.
    pub(super) member_and_department_roles: Vec<String>,
    /// How long the link of Keycloak's own e-mail works.
    pub(super) link_lifetime: Span,
    /// The account that `relatch check` looks up.
    pub(super) check_account: Option<EmailAddress>,
}

impl DirectoryConfig for Config {
    type Opened = Keycloak;

    fn read(mut section: Section<'_>, is_alone: bool) -> Option<Self> {
        let common = NameAndDomains::read(&mut section, is_alone, "Keycloak");
        let url = section.url("url").map(with_slash);
        if url.is_none() {
            section.missing("url");
        }
        let (realm, client_id) = (section.required("realm"), section.required("client_id"));
        let client_secret =
            section.required_secret("client_secret", "client_secret_file", SecretForm::Strong);
        let ca_file = section.ca_file();
        let mut text_or = |key, default: &str| {
            let text = section.text(key);
            text.unwrap_or_else(|| default.to_owned())
        };
        let phone_attribute = text_or("phone_attribute", "phoneNumber");
        let department_attribute = text_or("department_attribute", "department");
        let personal_email_attribute = section.text("personal_email_attribute");
        let protected_roles = section.list("protected_roles");
        let mut roles = |key| section.list(key).unwrap_or_default();
        let primary_admin_roles = roles("primary_admin_roles");
        let member_and_department_roles = roles("member_and_department_roles");
        let link_lifetime = section.parsed("link_lifetime").unwrap_or(Span::hours(1));
        if link_lifetime < Span::minutes(1) || link_lifetime > Span::hours(24) {
            section.problem("link_lifetime", "must be from 1m to 24h");
        }
        let check_account = section.parsed("check_account");
        section.end();
        Some(Self {
            common,
            url: url?,
            realm: realm?,
            client_id: client_id?,
            client_secret: client_secret?,
            ca_file,
            phone_attribute,
            personal_email_attribute,
            department_attribute,
            protected_roles,
            primary_admin_roles,
            member_and_department_roles,
            link_lifetime,
            check_account,
        })
    }

    fn name(&self) -> &str {
        &self.common.name
    }

    fn domains(&self) -> &[String] {
        &self.common.domains
    }

    fn check_account(&self) -> Option<&EmailAddress> {
        self.check_account.as_ref()
    }

    fn names_administrators(&self) -> bool {
        !self.primary_admin_roles.is_empty() || !self.member_and_department_roles.is_empty()
    }

    fn open(self, parts: &DirectoryParts) -> Result<Keycloak, TlsError> {
        Keycloak::new(self, parts.clock.clone(), parts.default_country)
    }
}
