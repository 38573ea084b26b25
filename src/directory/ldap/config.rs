//! The settings of a directory that speaks LDAP, shared with Active Directory.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::LdapDirectory;
use crate::directory::config::{DirectoryConfig, DirectoryParts, NameAndDomains};
use crate::domain::EmailAddress;
use crate::net::{self, TlsError};
use crate::settings::{SecretForm, Section};

/// The country of an entry: by its two letters, and by its number in Active Directory.
pub(super) const COUNTRY: [&str; 2] = ["c", "countryCode"];

#[derive(Clone, Debug)]
pub(in crate::directory) struct Attributes {
    pub(in crate::directory) email: String,
    pub(in crate::directory) name: String,
    pub(in crate::directory) phone: String,
    /// The private e-mail; none by default.
    pub(in crate::directory) personal_email: Option<String>,
    pub(in crate::directory) department: String,
}

/// What is assumed where the settings name nothing, different for each kind of server.
pub(in crate::directory) struct Defaults {
    pub(in crate::directory) name: &'static str,
    pub(in crate::directory) filter: &'static str,
    pub(in crate::directory) name_attribute: &'static str,
    pub(in crate::directory) department_attribute: &'static str,
    /// Ports on which such a server only answers questions.
    pub(in crate::directory) read_only_ports: &'static [u16],
}

/// Groups that give a role or protect an account, by their DNs.
#[derive(Clone, Debug)]
pub(in crate::directory) struct Groups {
    /// Their members are not reset from here.
    pub(in crate::directory) protected: Vec<String>,
    /// Primary administrators, where `admins.source` is "directory".
    pub(in crate::directory) primary_admin: Vec<String>,
    /// Administrators with "Member and Department", likewise.
    pub(in crate::directory) member_and_department: Vec<String>,
}

impl Groups {
    fn read(section: &mut Section<'_>) -> Self {
        let mut list = |key| section.list(key).unwrap_or_default();
        Self {
            protected: list("protected_groups"),
            primary_admin: list("primary_admin_groups"),
            member_and_department: list("member_and_department_groups"),
        }
    }

    /// Those whose members are administrators.
    pub(in crate::directory) fn giving_a_role(&self) -> impl Iterator<Item = &str> {
        [&self.primary_admin, &self.member_and_department]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    pub(in crate::directory) fn all(&self) -> impl Iterator<Item = &str> {
        self.with_keys().map(|(_, group)| group)
    }

    /// Each with the key that names it.
    pub(super) fn with_keys(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let lists = [
            ("protected_groups", &self.protected),
            ("primary_admin_groups", &self.primary_admin),
            ("member_and_department_groups", &self.member_and_department),
        ];
        lists
            .into_iter()
            .flat_map(|(key, groups)| groups.iter().map(move |group| (key, group.as_str())))
    }
}

/// The settings of a directory that speaks LDAP.
#[derive(Clone, Debug)]
pub(in crate::directory) struct LdapSettings {
    pub(in crate::directory) common: NameAndDomains,
    /// `ldaps://`, or `ldap://` with StartTLS; in the order in which they are tried.
    pub(super) urls: Vec<Url>,
    /// False only for a server on this machine.
    pub(super) is_encrypted: bool,
    /// The CA of the server's certificate, where it is not one of the machine's.
    pub(super) ca_file: Option<PathBuf>,
    /// relatch's own account.
    pub(super) bind_dn: String,
    pub(super) password: SecretString,
    /// The entry below which members are.
    pub(in crate::directory) base: String,
    /// What makes an entry a member.
    pub(super) filter: String,
    pub(in crate::directory) attributes: Attributes,
    pub(in crate::directory) groups: Groups,
    /// The account that `relatch check` looks up.
    pub(in crate::directory) check_account: Option<EmailAddress>,
}

impl LdapSettings {
    /// Reads the section; what is wrong is noted there.
    pub(in crate::directory) fn read(
        mut section: Section<'_>,
        is_alone: bool,
        defaults: &Defaults,
    ) -> Option<Self> {
        let common = NameAndDomains::read(&mut section, is_alone, defaults.name);
        let urls = read_urls(&mut section, defaults.read_only_ports);
        let is_encrypted = read_tls(&mut section, urls.as_deref());
        let ca_file = section.ca_file();
        let bind_dn = section.required("bind_dn");
        let password = section.required_secret("password", "password_file", SecretForm::Password);
        let base = section.required("base");
        let filter = read_filter(&mut section, defaults);
        let attributes = Attributes::read(&mut section, defaults);
        let groups = Groups::read(&mut section);
        let check_account = section.parsed("check_account");
        section.end();
        Some(Self {
            common,
            urls: urls?,
            is_encrypted,
            ca_file,
            bind_dn: bind_dn?,
            password: password?,
            base: base?,
            filter,
            attributes,
            groups,
            check_account,
        })
    }

    pub(in crate::directory) fn name(&self) -> &str {
        &self.common.name
    }
}

/// One server, or several that are tried in order.
fn read_urls(section: &mut Section<'_>, read_only_ports: &[u16]) -> Option<Vec<Url>> {
    let (key, texts) = match section.list("urls") {
        None => ("url", vec![section.required("url")?]),
        Some(texts) => {
            if section.text("url").is_some() {
                section.problem("url", "stands beside urls; name every server in urls");
            }
            ("urls", texts)
        }
    };
    let server = |text: &String| {
        let url = Url::parse(text).ok()?;
        let has_host = url.host_str().is_some_and(|host| !host.is_empty());
        (matches!(url.scheme(), "ldap" | "ldaps") && has_host).then_some(url)
    };
    let urls: Option<Vec<Url>> = texts.iter().map(server).collect();
    let urls = urls.filter(|urls| !urls.is_empty());
    if urls.is_none() {
        section.problem(
            key,
            "must be ldaps://HOST, or ldap://HOST for StartTLS, such as ldaps://ldap.acme.example",
        );
    }
    let is_read_only = |url: &Url| {
        url.port()
            .is_some_and(|port| read_only_ports.contains(&port))
    };
    if urls.iter().flatten().any(is_read_only) {
        section.problem(
            key,
            "is a Global Catalog (port 3268 or 3269), which takes no change; use a domain controller's own port, such as \
            ldaps://dc1.acme.example",
        );
    }
    urls
}

fn read_tls(section: &mut Section<'_>, urls: Option<&[Url]>) -> bool {
    match section.text("tls").as_deref() {
        None | Some("required") => true,
        Some("none") => {
            let is_local = |url: &Url| url.scheme() == "ldap" && net::is_this_machine(url);
            let is_here = urls.is_some_and(|urls| urls.iter().all(is_local));
            if !is_here {
                section.problem(
                    "tls",
                    "may be \"none\" only for an ldap:// server on this machine",
                );
            }
            false
        }
        Some(_) => {
            section.problem(
                "tls",
                "must be \"required\", or \"none\" for a server on this machine",
            );
            true
        }
    }
}

fn read_filter(section: &mut Section<'_>, defaults: &Defaults) -> String {
    let filter = section
        .text("filter")
        .unwrap_or_else(|| defaults.filter.to_owned());
    if !filter.starts_with('(') || ldap3::parse_filter(&filter).is_err() {
        section.problem(
            "filter",
            "must be an LDAP filter in parentheses, such as (objectClass=inetOrgPerson)",
        );
    }
    filter
}

impl Attributes {
    /// Those that relatch trusts: who somebody is, and where passwords and codes go. The country of an entry is added to a
    /// phone without a country code.
    pub(in crate::directory) fn trusted(&self) -> Vec<&str> {
        let mut all = vec![self.email.as_str(), &self.phone];
        all.extend(self.personal_email.as_deref());
        all.extend(COUNTRY);
        all
    }

    fn read(section: &mut Section<'_>, defaults: &Defaults) -> Self {
        let mut attribute = |key: &'static str| {
            let name = section.text(key)?;
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if !is_name {
                section.problem(key, "must be the name of an attribute");
            }
            Some(name)
        };
        let personal_email = attribute("personal_email_attribute");
        let mut or = |key, default: &str| attribute(key).unwrap_or_else(|| default.to_owned());
        Self {
            email: or("email_attribute", "mail"),
            name: or("name_attribute", defaults.name_attribute),
            phone: or("phone_attribute", "mobile"),
            personal_email,
            department: or("department_attribute", defaults.department_attribute),
        }
    }
}

/// The settings of an LDAP server.
#[derive(Clone, Debug)]
pub struct Config(LdapSettings);

impl DirectoryConfig for Config {
    type Opened = LdapDirectory;

    fn read(section: Section<'_>, is_alone: bool) -> Option<Self> {
        const DEFAULTS: Defaults = Defaults {
            name: "LDAP directory",
            // The second is what 389 Directory Server's own tools make.
            filter: "(|(objectClass=inetOrgPerson)(objectClass=nsPerson))",
            name_attribute: "cn",
            department_attribute: "departmentNumber",
            read_only_ports: &[],
        };
        LdapSettings::read(section, is_alone, &DEFAULTS).map(Self)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn domains(&self) -> &[String] {
        &self.0.common.domains
    }

    fn check_account(&self) -> Option<&EmailAddress> {
        self.0.check_account.as_ref()
    }

    fn names_administrators(&self) -> bool {
        self.0.groups.giving_a_role().next().is_some()
    }

    fn open(self, parts: &DirectoryParts) -> Result<LdapDirectory, TlsError> {
        LdapDirectory::new(self.0, parts.clock.clone(), parts.default_country)
    }
}
