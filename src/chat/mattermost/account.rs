//! Who an account is, by Mattermost's API.
//!
//! The server tells nobody whether the e-mail of another account is confirmed: `ClearNonProfileFields` (`model/user.go`)
//! clears that field. How the account signs in tells it, and the server's settings.

use reqwest::Method;
use serde_json::Value;

use super::refusal::{EMAILS_HIDDEN, error_id};
use super::server::MANAGE_SYSTEM;
use super::{Mattermost, is_id, mention, wire};
use crate::chat::account::shown_name;
use crate::chat::api::{read_rest, read_value};
use crate::chat::{AccountKind, ApiError, Freshness, Profile};
use crate::domain::{EmailAddress, Role};
use crate::net::Answer;

/// The path of the client configuration. It has more for a signed-in account.
pub(super) const CLIENT_CONFIG: &str = "config/client?format=old";

/// The path of the server's settings, for system administrators (`getConfig` in `api4/config.go`).
const CONFIG: &str = "config";

/// The largest answer with settings or with a list that is read, in bytes: the settings have those of every plugin.
pub(super) const LONG_ANSWER: usize = 2 * 1024 * 1024;

/// The permission that the look-up by e-mail demands where the setting `ShowEmailAddress` is off (`getUserByEmail` in
/// `api4/user.go`).
const SEES_EMAILS: &str = "manage_system (or the server's setting ShowEmailAddress)";

/// The services beside LDAP and SAML that people can sign in by: `auth_service`, and the section of the server's settings
/// whose `Enable` lets them (`getSSOProvider` in `app/oauth.go`). The client configuration is no help: without a licence it
/// says of three of them that they are off (`GenerateLimitedClientConfig` in `config/client.go`), and `getSSOProvider` asks
/// for no licence.
const SERVICES: [Service; 4] = [
    ("gitlab", "GitLabSettings"),
    ("google", "GoogleSettings"),
    ("office365", "Office365Settings"),
    ("openid", "OpenIdSettings"),
];

/// A service as accounts name it, and its section of the server's settings.
type Service = (&'static str, &'static str);

/// What the e-mail of an account is worth, by the service that the account signs in by (`auth_service`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EmailTrust {
    /// The organization's own directory set it, or the settings trust the service.
    Confirmed,
    /// A password of the server's own, or nothing that the bot may see.
    AsServerSays,
    /// The service lets people claim an address, and the server believes it.
    Claimed,
}

/// What the server says about the e-mails of accounts with a password of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OwnPasswords {
    /// True where the bot is a system administrator. For others `auth_service` is always empty (`GetSanitizeOptions` in
    /// `app/user.go`), so an empty one says nothing.
    pub(super) are_visible: bool,
    /// `RequireEmailVerification`.
    pub(super) are_verified: bool,
    pub(super) services: ServicesOn,
}

/// What the server's settings say about the e-mails of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EmailSettings {
    /// `RequireEmailVerification`.
    are_verified: bool,
    services: ServicesOn,
}

/// Which of the services are on. Whoever signs in by one can switch to a password of the server's own, and keeps the address
/// as confirmed: `CreateOAuthUser` (`app/user.go`) sets `EmailVerified`, and `SwitchOAuthToEmail` (`app/oauth.go`) empties
/// `AuthService` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServicesOn([bool; SERVICES.len()]);

impl ServicesOn {
    /// What is not said to be off counts as on, and everything if the settings cannot be seen.
    pub(super) fn read(config: Option<&Value>) -> Self {
        let enable = |section: &str| config?.get(section)?.get("Enable")?.as_bool();
        Self(SERVICES.map(|(_, section)| enable(section) != Some(false)))
    }

    /// Those that the settings do not trust.
    pub(super) fn untrusted(self, trusted: &[String]) -> impl Iterator<Item = Service> {
        let is_untrusted = |name: &str| !trusted.iter().any(|trusted| trusted == name);
        SERVICES
            .into_iter()
            .zip(self.0)
            .filter(move |((name, _), is_on)| *is_on && is_untrusted(name))
            .map(|(service, _)| service)
    }
}

impl OwnPasswords {
    /// True where an empty `auth_service` means a confirmed e-mail, if the settings trust these services.
    pub(super) fn confirm_emails(self, trusted: &[String]) -> bool {
        self.are_visible && self.are_verified && self.services.untrusted(trusted).next().is_none()
    }
}

impl Mattermost {
    /// Reads the account at this path, with its id. None where nobody has the id, name or address, or nobody can.
    pub(super) async fn account(
        &self,
        path: &str,
        freshness: Freshness,
    ) -> Result<Option<(String, Profile)>, ApiError> {
        let answer = self.api_answer(Method::GET, path, None).await?;
        if matches!(answer.status, 400 | 404) {
            return Ok(None);
        }
        let account: wire::MattermostUser = read_value(read_rest(&answer, lacking(&answer))?)?;
        if !is_id(&account.id) {
            return Err(ApiError::Unavailable);
        }
        // Read after the account: a bot that lost its rights meanwhile has seen too little of it.
        let is_confirmed = match self.email_trust(&account) {
            EmailTrust::Confirmed => true,
            EmailTrust::AsServerSays => Box::pin(self.own_passwords(freshness))
                .await?
                .confirm_emails(&self.config.trusted_auth_services),
            EmailTrust::Claimed => false,
        };
        Ok(Some((
            account.id.clone(),
            profile_of(&account, is_confirmed),
        )))
    }

    /// Finds the account with this e-mail, with its id.
    pub(super) async fn account_by_email(
        &self,
        email: &EmailAddress,
        freshness: Freshness,
    ) -> Result<Option<(String, Profile)>, ApiError> {
        self.account(&self.path_of(email), freshness).await
    }

    /// The path of the account with this e-mail.
    pub(super) fn path_of(&self, email: &EmailAddress) -> String {
        let mut url = self.config.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(["email", email.as_str()]);
        }
        format!("users{}", url.path())
    }

    /// Finds the account with this name, with its id.
    pub(super) async fn account_by_name(
        &self,
        name: &str,
        freshness: Freshness,
    ) -> Result<Option<(String, Profile)>, ApiError> {
        for name in mention::candidates(name) {
            let path = format!("users/username/{name}");
            let found = self.account(&path, freshness).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    pub(super) fn email_trust(&self, account: &wire::MattermostUser) -> EmailTrust {
        match account.auth_service.as_deref() {
            Some("") => EmailTrust::AsServerSays,
            Some("ldap" | "saml") => EmailTrust::Confirmed,
            Some(service)
                if self
                    .config
                    .trusted_auth_services
                    .iter()
                    .any(|trusted| trusted == service) =>
            {
                EmailTrust::Confirmed
            }
            Some(_) | None => EmailTrust::Claimed,
        }
    }

    /// For a card at most a minute old; for a reset read now. After a failure what was said before does not count, because the
    /// bot may have lost its rights meanwhile.
    async fn own_passwords(&self, freshness: Freshness) -> Result<OwnPasswords, ApiError> {
        let (rights, settings) = (self.fetch_rights(), self.fetch_email_settings());
        let (rights, settings) = match freshness {
            Freshness::Now => tokio::try_join!(
                self.rights.ask(&self.clock, rights),
                self.email_settings.ask(&self.clock, settings)
            ),
            Freshness::Cached => tokio::try_join!(
                self.rights.recent(&self.clock, rights),
                self.email_settings.recent(&self.clock, settings)
            ),
        }?;
        Ok(OwnPasswords {
            are_visible: rights.is_system_admin,
            are_verified: settings.are_verified,
            services: settings.services,
        })
    }

    async fn fetch_email_settings(&self) -> Result<EmailSettings, ApiError> {
        let (client, config) = tokio::try_join!(self.client_config(), self.server_config())?;
        Ok(EmailSettings {
            are_verified: is_on(&client, "RequireEmailVerification") == Some(true),
            services: ServicesOn::read(config.as_ref()),
        })
    }

    /// The server's settings. None where the bot may not see them.
    pub(super) async fn server_config(&self) -> Result<Option<Value>, ApiError> {
        let answer = self
            .api_answer_up_to(LONG_ANSWER, (Method::GET, CONFIG), None)
            .await?;
        match answer.status {
            403 => Ok(None),
            _ => read_rest(&answer, MANAGE_SYSTEM).map(Some),
        }
    }

    /// The client configuration as a signed-in account gets it.
    async fn client_config(&self) -> Result<Value, ApiError> {
        self.api(Method::GET, CLIENT_CONFIG, None).await
    }
}

/// The permission that a refused look-up of an account lacks.
pub(super) fn lacking(answer: &Answer) -> &'static str {
    if error_id(answer) == EMAILS_HIDDEN {
        SEES_EMAILS
    } else {
        "view_members"
    }
}

/// A switch of the client configuration, whose values are all texts. None where it is missing.
pub(super) fn is_on(config: &Value, key: &str) -> Option<bool> {
    config
        .get(key)
        .and_then(Value::as_str)
        .map(|value| value == "true")
}

/// What an account's fields mean.
pub(super) fn profile_of(account: &wire::MattermostUser, is_confirmed: bool) -> Profile {
    let has = |role: &str| account.roles.split_whitespace().any(|held| held == role);
    let is_remote = account
        .remote_id
        .as_deref()
        .is_some_and(|id| !id.is_empty());
    let kind = if account.delete_at > 0 {
        AccountKind::Deleted
    } else if is_remote {
        AccountKind::Stranger
    } else if account.is_bot {
        AccountKind::Bot
    } else if has("system_guest") {
        AccountKind::Guest
    } else {
        AccountKind::Member
    };
    let role = if has("system_admin") {
        Role::PrimaryAdmin
    } else if has("system_user_manager") {
        Role::MemberAndDepartment
    } else {
        Role::Member
    };
    let email = Some(account.email.as_str()).filter(|_| is_confirmed);
    let full_name = format!("{} {}", account.first_name, account.last_name);
    let names = [&full_name, &account.nickname, &account.username];
    Profile {
        kind,
        shown_name: shown_name(names.map(|name| Some(name.as_str()))),
        confirmed_email: email.and_then(|email| email.parse().ok()),
        role,
    }
}
