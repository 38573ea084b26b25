//! The account that relatch binds as, and what protects it from being locked.
//!
//! Sources: RFC 4513 (simple bind).

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};
use tokio::time::Instant;

use super::code;
use super::failure::LdapFailure;
use super::session::LdapSession;

/// After an invalid password no server is asked again for so long: each attempt may count towards a lockout.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_mins(1);

/// How long a first bind is waited for.
const FIRST_BIND_DEADLINE: Duration = Duration::from_secs(3);

/// The same on every server of a directory.
pub(super) struct ServiceAccount {
    dn: String,
    password: SecretString,
    /// When a server last refused the password.
    refused_at: Mutex<Option<Instant>>,
    /// True from the first successful bind until a refused one. While it is false, binds are made one at a time: several
    /// refused ones at once could lock the account.
    has_bound: AtomicBool,
    first_bind: AsyncMutex<()>,
}

impl ServiceAccount {
    pub(super) fn new(dn: String, password: SecretString) -> Self {
        Self {
            dn,
            password,
            refused_at: Mutex::default(),
            has_bound: AtomicBool::default(),
            first_bind: AsyncMutex::default(),
        }
    }

    /// Leave to bind: held until the bind has its answer.
    pub(super) async fn turn(&self) -> Result<Option<MutexGuard<'_, ()>>, LdapFailure> {
        let alone = if self.has_bound.load(Ordering::Relaxed) {
            None
        } else {
            self.wait_for_first_bind().await?
        };
        if self.was_refused_lately() {
            return Err(LdapFailure::Misconfigured(format!(
                "the server refused the account {} less than a minute ago and was not asked again",
                self.dn
            )));
        }
        Ok(alone)
    }

    pub(super) async fn bind(&self, session: &LdapSession) -> Result<(), LdapFailure> {
        match session.bind(&self.dn, &self.password, Vec::new()).await {
            Ok(result) if result.rc == code::SUCCESS => {
                self.has_bound.store(true, Ordering::Relaxed);
                Ok(())
            }
            Ok(result) => {
                if result.rc == code::INVALID_CREDENTIALS {
                    self.note_refusal();
                }
                Err(LdapFailure::of_bind(&self.dn, result.rc))
            }
            // A bind changes nothing, so nothing was asked.
            Err(_) => Err(LdapFailure::NotReached(
                "the server did not answer the bind".to_owned(),
            )),
        }
    }

    /// Waits until no other first bind is being made; None where one has succeeded meanwhile. The wait has a deadline, so
    /// that a server that hangs is not waited for by everybody in turn.
    async fn wait_for_first_bind(&self) -> Result<Option<MutexGuard<'_, ()>>, LdapFailure> {
        let waited = tokio::time::timeout(FIRST_BIND_DEADLINE, self.first_bind.lock()).await;
        let alone = waited.map_err(|_elapsed| {
            LdapFailure::NotReached("the server has not taken relatch's account yet".to_owned())
        })?;
        Ok(Some(alone).filter(|_| !self.has_bound.load(Ordering::Relaxed)))
    }

    fn note_refusal(&self) {
        self.has_bound.store(false, Ordering::Relaxed);
        if let Ok(mut refused_at) = self.refused_at.lock() {
            *refused_at = Some(Instant::now());
        }
    }

    pub(super) fn was_refused_lately(&self) -> bool {
        let refused_at = self.refused_at.lock().ok().and_then(|at| *at);
        refused_at.is_some_and(|at| at.elapsed() < PAUSE_AFTER_REFUSAL)
    }
}
