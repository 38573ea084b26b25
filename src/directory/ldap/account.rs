//! The account that relatch binds as, and what protects it from being locked.
//!
//! Sources: RFC 4513 (simple bind).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
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

/// A bind that was given up earlier had no time to be answered.
const SILENT_AFTER: Duration = Duration::from_secs(1);

/// For so long a server is sent no bind after one without an answer: it may have counted that one as refused.
const PAUSE_AFTER_SILENCE: Duration = Duration::from_secs(10);

/// When a server last left a bind of the account without an answer.
#[derive(Default)]
pub(super) struct Silence(Mutex<Option<Instant>>);

impl Silence {
    pub(super) fn may_bind(&self) -> Result<(), LdapFailure> {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if since.is_some_and(|since| since.elapsed() < PAUSE_AFTER_SILENCE) {
            return Err(LdapFailure::NotReached(
                "the server did not answer a bind a few seconds ago and was not asked again"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// A bind that was sent. Where it is dropped before it has its answer, it was given up.
struct SentBind<'a> {
    account: &'a ServiceAccount,
    silence: &'a Silence,
    sent_at: Instant,
    is_answered: bool,
}

impl Drop for SentBind<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            // Its password may be wrong: the next binds are made one at a time again.
            self.account.has_bound.store(false, Ordering::Relaxed);
            if self.sent_at.elapsed() >= SILENT_AFTER {
                self.silence.note();
            }
        }
    }
}

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

    pub(super) async fn bind(
        &self,
        session: &LdapSession,
        silence: &Silence,
    ) -> Result<(), LdapFailure> {
        let mut sent = SentBind {
            account: self,
            silence,
            sent_at: Instant::now(),
            is_answered: false,
        };
        let bound = session.bind(&self.dn, &self.password, Vec::new()).await;
        sent.is_answered = bound.is_ok();
        match bound {
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
