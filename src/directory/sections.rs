//! The `[[directory]]` sections of the settings: what they must not share, and how they are opened.

use super::{Config, DirectoryParts, ResilientDirectory, builtin};
use crate::domain::EmailAddress;
use crate::net::TlsError;
use crate::settings::{Problem, Problems, Section};

impl Config {
    /// The built-in directory for every e-mail domain.
    pub fn builtin() -> Self {
        Self::Builtin(builtin::Config::default())
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
    pub fn open(self, parts: &DirectoryParts) -> Result<ResilientDirectory, TlsError> {
        let domains = self.domains().to_vec();
        let directory = self.connect(parts)?;
        Ok(if directory.as_builtin().is_some() {
            ResilientDirectory::builtin(directory, domains)
        } else {
            ResilientDirectory::remote(
                directory,
                domains,
                parts.clock.clone(),
                parts.chance.clone(),
            )
        })
    }
}

/// Notes what several directories must not share: a name, an e-mail domain, or being the one for all other domains.
pub(crate) fn conflicts(configs: &[Config], problems: &mut Vec<Problem>) {
    let mut problem = |key: &str, text: String| {
        problems.push(Problem::new(format!("directory.{key}"), text));
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
        // It would answer for every address before the later ones are asked.
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
        Some(config) if problems.iter().all(|problem| problem.is_warning) => Ok(config),
        _ => Err(Problems(problems)),
    }
}
