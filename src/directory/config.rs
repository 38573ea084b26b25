//! The settings of the directories, `[[directory]]`, and what they open.

use super::builtin::NAME as BUILTIN_NAME;
use super::{Builtin, Directory, Home, LdapConfig, active_directory, keycloak, lark, ldap};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::domain::EmailAddress;
use crate::domain::written_enum;
use crate::lark_api::LarkApis;
use crate::net::TlsError;
use crate::settings::{Problem, Problems, Section};

written_enum! {
    /// The kinds that a `[[directory]]` can have.
    Kind {
        /// Our own database.
        Builtin = "builtin",
        /// OpenLDAP, 389 Directory Server, FreeIPA, and others.
        Ldap = "ldap",
        /// Active Directory.
        ActiveDirectory = "active-directory",
        /// Keycloak.
        Keycloak = "keycloak",
        /// Lark and Feishu.
        Lark = "lark",
    }
}

impl Kind {
    /// The name that a directory of this kind has where the settings give none.
    fn default_name(self) -> &'static str {
        match self {
            Self::Builtin => BUILTIN_NAME,
            Self::Ldap => ldap::DEFAULT_NAME,
            Self::ActiveDirectory => active_directory::DEFAULT_NAME,
            Self::Keycloak => keycloak::DEFAULT_NAME,
            Self::Lark => lark::DEFAULT_NAME,
        }
    }
}

/// One `[[directory]]`.
#[derive(Clone, Debug)]
pub enum Config {
    /// The built-in directory, for these e-mail domains; for every other one where none are given.
    Builtin(Vec<String>),
    /// An LDAP server.
    Ldap(LdapConfig),
    /// A domain of Active Directory.
    ActiveDirectory(LdapConfig),
    /// A realm of Keycloak.
    Keycloak(keycloak::Config),
    /// A tenant of Lark or Feishu.
    Lark(lark::Config),
}

/// What directories stand on.
pub struct DirectoryParts {
    /// The built-in one.
    pub builtin: Builtin,
    /// Outgoing HTTP.
    pub http: reqwest::Client,
    /// The time.
    pub clock: Clock,
    /// Chance.
    pub chance: Chance,
    /// The apps of Lark that are spoken to.
    pub lark: LarkApis,
}

impl Config {
    /// Reads one section; `is_alone` where there is no other.
    pub(crate) fn read(mut section: Section<'_>, is_alone: bool) -> Option<Self> {
        let text = section.required("kind")?;
        let kind: Kind = text
            .parse()
            .map_err(|error| section.problem("kind", format!("\"{text}\" {error}")))
            .ok()?;
        let domains = section.list("domains").map(|domains| {
            let is_domain = |domain: &str| format!("a@{domain}").parse::<EmailAddress>().is_ok();
            if domains.is_empty() || !domains.iter().all(|domain| is_domain(domain)) {
                section.problem(
                    "domains",
                    "must be a list of e-mail domains, such as [\"acme.example\"]",
                );
            }
            domains
                .iter()
                .map(|domain| domain.to_ascii_lowercase())
                .collect::<Vec<String>>()
        });
        if kind == Kind::Builtin {
            section.end();
            return Some(Self::Builtin(domains.unwrap_or_default()));
        }
        if domains.is_none() && !is_alone {
            section.problem(
                "domains",
                "is missing; with several directories each has its e-mail domains",
            );
        }
        let name = section
            .text("name")
            .unwrap_or_else(|| kind.default_name().to_owned());
        let is_name = !name.trim().is_empty() && name.len() <= 40 && !name.contains('/');
        if !is_name || name.chars().any(char::is_control) {
            section.problem("name", "must be 1 to 40 characters without \"/\"");
        }
        let domains = domains.unwrap_or_default();
        match kind {
            Kind::Builtin => Some(Self::Builtin(domains)),
            Kind::Ldap => ldap::read(section, name, domains).map(Self::Ldap),
            Kind::ActiveDirectory => {
                active_directory::read(section, name, domains).map(Self::ActiveDirectory)
            }
            Kind::Keycloak => keycloak::read(section, name, domains).map(Self::Keycloak),
            Kind::Lark => lark::read(section, name, domains).map(Self::Lark),
        }
    }

    /// The name that administrators know it by.
    fn name(&self) -> &str {
        match self {
            Self::Builtin(_) => BUILTIN_NAME,
            Self::Ldap(config) | Self::ActiveDirectory(config) => &config.name,
            Self::Keycloak(config) => &config.name,
            Self::Lark(config) => &config.name,
        }
    }

    fn domains(&self) -> &[String] {
        match self {
            Self::Builtin(domains) => domains,
            Self::Ldap(config) | Self::ActiveDirectory(config) => &config.domains,
            Self::Keycloak(config) => &config.domains,
            Self::Lark(config) => &config.domains,
        }
    }

    /// True where it is the built-in one, whose members have pages here.
    pub fn is_builtin(&self) -> bool {
        matches!(self, Self::Builtin(_))
    }

    /// True where a person with this address would be a member of the built-in one of these.
    pub fn is_builtin_for(configs: &[Self], email: &EmailAddress) -> bool {
        let has_domain = |config: &&Self| {
            config.domains().is_empty() || config.domains().contains(&email.domain())
        };
        configs
            .iter()
            .find(has_domain)
            .is_some_and(Self::is_builtin)
    }

    /// Opens the directory. Nothing is asked yet.
    pub fn open(self, parts: &DirectoryParts) -> Result<Home, TlsError> {
        let domains = self.domains().to_vec();
        let directory = match self {
            Self::Builtin(_) => {
                return Ok(Home::builtin(
                    Directory::Builtin(parts.builtin.clone()),
                    domains,
                ));
            }
            Self::Ldap(config) => Directory::Ldap(Box::new(ldap::Ldap::new(config)?)),
            Self::ActiveDirectory(config) => Directory::ActiveDirectory(Box::new(
                active_directory::ActiveDirectory::new(config, parts.clock.clone())?,
            )),
            Self::Keycloak(config) => Directory::Keycloak(Box::new(keycloak::Keycloak::new(
                config,
                parts.clock.clone(),
            )?)),
            Self::Lark(config) => {
                let lark::Config {
                    api_url,
                    app_id,
                    app_secret,
                    ..
                } = &config;
                let api = parts
                    .lark
                    .app(api_url, app_id, app_secret, &parts.http, &parts.clock);
                Directory::Lark(Box::new(lark::LarkDirectory::new(config, api)))
            }
        };
        Ok(Home::elsewhere(
            directory,
            domains,
            parts.clock.clone(),
            parts.chance.clone(),
        ))
    }
}

/// What several directories must not share: a name, an e-mail domain, or the place of the one for everybody else.
pub(crate) fn conflicts(configs: &[Config], problems: &mut Vec<Problem>) {
    let mut problem = |key: &str, text: String| {
        problems.push(Problem {
            key: format!("directory.{key}"),
            text,
        })
    };
    for (at, config) in configs.iter().enumerate() {
        for earlier in configs.iter().take(at) {
            if earlier.name() == config.name() {
                problem(
                    "name",
                    format!("\"{}\" is given to two directories", config.name()),
                );
            }
            if let Some(domain) = config
                .domains()
                .iter()
                .find(|domain| earlier.domains().contains(domain))
            {
                problem("domains", format!("{domain} is given to two directories"));
            }
        }
    }
    if configs
        .iter()
        .rev()
        .skip(1)
        .any(|config| config.domains().is_empty())
    {
        // It would take everybody before the later ones are asked.
        problem(
            "domains",
            "is missing; only the last directory may be the one for everybody else".to_owned(),
        );
    }
}

/// Reads one section on its own, for tests of a directory.
pub fn read_text(text: &str) -> Result<Config, Problems> {
    let mut problems = Vec::new();
    let table = text.parse().unwrap_or_default();
    let config = Config::read(Section::new("directory", table, &mut problems), true);
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(Problems(problems)),
    }
}
