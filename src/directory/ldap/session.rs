//! A bound connection, on which one operation is made after the other, each with a deadline.
//!
//! Sources: RFC 4511 (protocol), RFC 3062 (password modify).

use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Fuse;
use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapConnAsync, LdapResult, Mod, Scope, SearchEntry, SearchOptions};
use secrecy::{ExposeSecret, SecretString};

use super::entry::{LdapEntry, SearchAnswer};
use super::failure::{LdapFailure, plain};
use super::outcome::code;

/// How long a bind or a search may take.
const ASK_DEADLINE: Duration = Duration::from_secs(3);

/// How long a modification may take; together with what goes before it stays below the deadline of a change.
const MODIFY_DEADLINE: Duration = Duration::from_secs(6);

/// The filter that every entry matches.
pub(in crate::directory) const ANY: &str = "(objectClass=*)";

/// Drives the connection: the LDAP library wants somebody to poll it while operations wait.
type Driver = Pin<Box<dyn Future<Output = ldap3::result::Result<()>> + Send>>;

/// A connection. It ends when it is dropped.
pub(in crate::directory) struct LdapSession {
    ldap: Ldap,
    driver: Fuse<Driver>,
}

impl LdapSession {
    pub(super) fn new(ldap: Ldap, connection: LdapConnAsync) -> Self {
        let driver: Driver = Box::pin(async move { connection.drive().await });
        Self {
            ldap,
            driver: driver.fuse(),
        }
    }

    /// Polls an operation and the connection side by side until the operation has its answer.
    async fn drive<T>(
        driver: &mut Fuse<Driver>,
        deadline: Duration,
        operation: impl Future<Output = ldap3::result::Result<T>>,
    ) -> Result<T, LdapFailure> {
        let mut operation = pin!(operation);
        let ended = tokio::time::timeout(deadline, async {
            tokio::select! {
                biased;
                answer = &mut operation => Some(answer),
                // The last answer may have come together with the end of the connection.
                _ended = driver => operation.now_or_never(),
            }
        });
        match ended.await {
            Ok(Some(Ok(answer))) => Ok(answer),
            Ok(Some(Err(error))) => {
                tracing::debug!(error = plain(&error), "an LDAP operation failed");
                Err(LdapFailure::NoAnswer)
            }
            Ok(None) | Err(_) => Err(LdapFailure::NoAnswer),
        }
    }

    pub(super) async fn bind(
        &mut self,
        dn: &str,
        password: &SecretString,
        controls: Vec<RawControl>,
    ) -> Result<LdapResult, LdapFailure> {
        let Self { ldap, driver } = self;
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        let bind = ldap.simple_bind(dn, password.expose_secret());
        Self::drive(driver, ASK_DEADLINE, bind).await
    }

    /// Searches for at most `most` entries. A server that has more answers [`code::SIZE_LIMIT`], with or without entries.
    pub(in crate::directory) async fn search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
        most: usize,
    ) -> Result<SearchAnswer, LdapFailure> {
        let Self { ldap, driver } = self;
        let limit = i32::try_from(most).unwrap_or(i32::MAX);
        ldap.with_search_options(SearchOptions::new().sizelimit(limit).timelimit(3));
        let search = ldap.search(base, scope, filter, attributes);
        let found = Self::drive(driver, ASK_DEADLINE, search).await?;
        let is_cut = found.1.rc == code::SIZE_LIMIT;
        if !is_cut && found.1.rc != code::SUCCESS {
            return Err(LdapFailure::Refused { code: found.1.rc });
        }
        let entries = found
            .0
            .into_iter()
            .map(|one| LdapEntry::from(SearchEntry::construct(one)))
            .collect();
        Ok(SearchAnswer { entries, is_cut })
    }

    /// The same with a control that the server has to understand.
    pub(in crate::directory) async fn search_with(
        &mut self,
        control: (&str, Vec<u8>),
        (base, scope, filter): (&str, Scope, &str),
        attributes: &[&str],
        most: usize,
    ) -> Result<SearchAnswer, LdapFailure> {
        let (name, value) = control;
        self.ldap.with_controls(vec![RawControl {
            ctype: name.to_owned(),
            crit: true,
            val: Some(value),
        }]);
        self.search(base, scope, filter, attributes, most).await
    }

    /// True where the entry exists, is visible to relatch's account, and matches the filter.
    pub(in crate::directory) async fn matches(
        &mut self,
        dn: &str,
        filter: &str,
    ) -> Result<bool, LdapFailure> {
        let found = self.search(dn, Scope::Base, filter, &["1.1"], 1).await?;
        Ok(!found.entries.is_empty())
    }

    /// Changes an entry, once. The copies of the values that the LDAP library makes are not wiped from memory.
    pub(in crate::directory) async fn modify(
        &mut self,
        dn: &str,
        changes: &[(&str, &[u8])],
        controls: Vec<RawControl>,
    ) -> Result<LdapResult, LdapFailure> {
        let Self { ldap, driver } = self;
        let mods = changes
            .iter()
            .map(|(name, value)| Mod::Replace(name.as_bytes(), [*value].into()))
            .collect();
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        Self::drive(driver, MODIFY_DEADLINE, ldap.modify(dn, mods)).await
    }

    /// Changes a password by the extended operation of RFC 3062, once.
    pub(super) async fn change_password(
        &mut self,
        dn: &str,
        password: &str,
        controls: Vec<RawControl>,
    ) -> Result<LdapResult, LdapFailure> {
        let Self { ldap, driver } = self;
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        let change = ldap3::exop::PasswordModify {
            user_id: Some(dn),
            old_pass: None,
            new_pass: Some(password),
        };
        Self::drive(driver, MODIFY_DEADLINE, ldap.extended(change))
            .await
            .map(|answer| answer.1)
    }
}
