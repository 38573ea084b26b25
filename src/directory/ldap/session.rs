//! A bound connection, on which several operations may wait for their answers at once, each with a deadline.
//!
//! Sources: RFC 4511 (protocol), RFC 3062 (password modify).

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapConnAsync, LdapResult, Mod, Scope, SearchEntry, SearchOptions};
use secrecy::{ExposeSecret, SecretString};

use super::code;
use super::entry::{LdapEntry, SearchAnswer};
use super::failure::{LdapFailure, plain};

/// How long a bind or a search may take.
const ASK_DEADLINE: Duration = Duration::from_secs(3);

/// How long the first search may take on a connection that was idle: it may be dead, and there is another one to be made.
const HEALTH_DEADLINE: Duration = Duration::from_millis(1500);

/// How long a modification may take; together with what goes before it stays below the deadline of a change.
const MODIFY_DEADLINE: Duration = Duration::from_secs(6);

/// The filter that every entry matches.
pub(in crate::directory) const ANY: &str = "(objectClass=*)";

/// A connection. It ends when it is dropped.
pub(in crate::directory) struct LdapSession {
    ldap: Ldap,
    /// The LDAP library wants somebody to poll it while operations wait: each operation that waits does. It ends with the
    /// connection.
    driver: Shared<BoxFuture<'static, ()>>,
    /// Operations without an answer: those that wait, timed out, or were given up.
    unanswered: AtomicUsize,
    /// False from when it was idle until it has answered again.
    has_answered: AtomicBool,
    lacks_rights: AtomicBool,
}

impl LdapSession {
    pub(super) fn new(ldap: Ldap, connection: LdapConnAsync) -> Self {
        let driver = async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(error = plain(&error), "an LDAP connection broke off");
            }
        };
        Self {
            ldap,
            driver: driver.boxed().shared(),
            unanswered: AtomicUsize::default(),
            has_answered: AtomicBool::new(true),
            lacks_rights: AtomicBool::default(),
        }
    }

    /// True where it is open and everything on it was answered: the answer to an operation that timed out or was given up
    /// must not come to whoever uses the connection next.
    pub(super) fn is_sound(&self) -> bool {
        self.unanswered.load(Ordering::SeqCst) == 0 && !self.is_closed()
    }

    /// True where it was refused for want of a right. Active Directory looks at an account's groups when it binds, so a right
    /// that was given since counts on a new connection only.
    pub(super) fn lacks_rights(&self) -> bool {
        self.lacks_rights.load(Ordering::SeqCst)
    }

    fn note_code(&self, code: u32) {
        // Active Directory answers an operations error as well where the bind does not count.
        if matches!(code, code::INSUFFICIENT_ACCESS | code::OPERATIONS_ERROR) {
            self.lacks_rights.store(true, Ordering::SeqCst);
        }
    }

    /// Looks without waiting.
    fn is_closed(&self) -> bool {
        self.driver.clone().now_or_never().is_some()
    }

    /// To be called when it was idle for long.
    pub(super) fn doubt(&self) {
        self.has_answered.store(false, Ordering::SeqCst);
    }

    fn ask_deadline(&self) -> Duration {
        if self.has_answered.load(Ordering::SeqCst) {
            ASK_DEADLINE
        } else {
            HEALTH_DEADLINE
        }
    }

    /// Polls an operation and the connection side by side until the operation has its answer.
    async fn drive<T>(
        &self,
        deadline: Duration,
        operation: impl Future<Output = ldap3::result::Result<T>>,
    ) -> Result<T, LdapFailure> {
        // Where this future is dropped while it waits, the operation stays counted.
        self.unanswered.fetch_add(1, Ordering::SeqCst);
        let mut operation = pin!(operation);
        let ended = tokio::time::timeout(deadline, async {
            tokio::select! {
                biased;
                answer = &mut operation => Some(answer),
                // The last answer may have come together with the end of the connection.
                () = self.driver.clone() => operation.now_or_never(),
            }
        });
        match ended.await {
            Ok(Some(Ok(answer))) => {
                self.unanswered.fetch_sub(1, Ordering::SeqCst);
                self.has_answered.store(true, Ordering::SeqCst);
                Ok(answer)
            }
            Ok(Some(Err(error))) => {
                tracing::debug!(error = plain(&error), "an LDAP operation failed");
                Err(LdapFailure::NoAnswer)
            }
            Ok(None) | Err(_) => Err(LdapFailure::NoAnswer),
        }
    }

    /// A handle for one operation.
    fn operation(&self, controls: Vec<RawControl>) -> Ldap {
        let mut ldap = self.ldap.clone();
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        ldap
    }

    pub(super) async fn bind(
        &self,
        dn: &str,
        password: &SecretString,
        controls: Vec<RawControl>,
    ) -> Result<LdapResult, LdapFailure> {
        let mut ldap = self.operation(controls);
        let bind = ldap.simple_bind(dn, password.expose_secret());
        self.drive(ASK_DEADLINE, bind).await
    }

    /// Searches for at most `most` entries. A server that has more answers [`code::SIZE_LIMIT`], with or without entries.
    pub(in crate::directory) async fn search(
        &self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
        most: usize,
    ) -> Result<SearchAnswer, LdapFailure> {
        let place = (base, scope, filter);
        self.search_as(Vec::new(), place, attributes, most).await
    }

    async fn search_as(
        &self,
        controls: Vec<RawControl>,
        (base, scope, filter): (&str, Scope, &str),
        attributes: &[&str],
        most: usize,
    ) -> Result<SearchAnswer, LdapFailure> {
        let mut ldap = self.operation(controls);
        let limit = i32::try_from(most).unwrap_or(i32::MAX);
        ldap.with_search_options(SearchOptions::new().sizelimit(limit).timelimit(3));
        let search = ldap.search(base, scope, filter, attributes);
        let found = self.drive(self.ask_deadline(), search).await?;
        self.note_code(found.1.rc);
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
        &self,
        (name, value): (&str, Vec<u8>),
        place: (&str, Scope, &str),
        attributes: &[&str],
        most: usize,
    ) -> Result<SearchAnswer, LdapFailure> {
        let control = RawControl {
            ctype: name.to_owned(),
            crit: true,
            val: Some(value),
        };
        self.search_as(vec![control], place, attributes, most).await
    }

    /// True where the entry exists, is visible to relatch's account, and matches the filter.
    pub(in crate::directory) async fn matches(
        &self,
        dn: &str,
        filter: &str,
    ) -> Result<bool, LdapFailure> {
        let found = self.search(dn, Scope::Base, filter, &["1.1"], 1).await?;
        Ok(!found.entries.is_empty())
    }

    /// Changes an entry, once. The copies of the values that the LDAP library makes are not wiped from memory.
    pub(in crate::directory) async fn modify(
        &self,
        dn: &str,
        changes: &[(&str, &[u8])],
        controls: Vec<RawControl>,
    ) -> Result<LdapResult, LdapFailure> {
        let mut ldap = self.operation(controls);
        let mods = changes
            .iter()
            .map(|(name, value)| Mod::Replace(name.as_bytes(), [*value].into()))
            .collect();
        let changed = self.drive(MODIFY_DEADLINE, ldap.modify(dn, mods)).await?;
        self.note_code(changed.rc);
        Ok(changed)
    }

    /// Changes a password by the extended operation of RFC 3062, once.
    pub(super) async fn change_password(
        &self,
        dn: &str,
        password: &str,
        controls: Vec<RawControl>,
    ) -> Result<LdapResult, LdapFailure> {
        let mut ldap = self.operation(controls);
        let change = ldap3::exop::PasswordModify {
            user_id: Some(dn),
            old_pass: None,
            new_pass: Some(password),
        };
        let changed = self.drive(MODIFY_DEADLINE, ldap.extended(change)).await?.1;
        self.note_code(changed.rc);
        Ok(changed)
    }
}
