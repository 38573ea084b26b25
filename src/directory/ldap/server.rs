//! The LDAP server, the account that relatch binds as, and what protects that account from being locked.
//!
//! Sources: RFC 4513 (StartTLS, simple bind).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ldap3::controls::RawControl;
use ldap3::{LdapConnAsync, LdapConnSettings, LdapResult};
use secrecy::SecretString;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};
use tokio::time::Instant;
use url::Url;

use super::config::LdapSettings;
use super::failure::{LdapFailure, plain};
use super::outcome::code;
use super::session::LdapSession;
use crate::net;

/// How long a connection with its TLS handshake may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

/// After an invalid password the server is not asked again for so long: each attempt may count towards a lockout of
/// relatch's account.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_mins(1);

/// An LDAP server and the account that relatch binds as.
pub(in crate::directory) struct LdapServer {
    url: Url,
    is_encrypted: bool,
    tls: Arc<rustls::ClientConfig>,
    bind_dn: String,
    password: SecretString,
    /// When the server last refused the password.
    refused_at: Mutex<Option<Instant>>,
    /// True from the first successful bind until a refused one. While it is false, binds are made one at a time: several
    /// refused ones at once could lock the account.
    has_bound: AtomicBool,
    first_bind: AsyncMutex<()>,
}

impl LdapServer {
    pub(in crate::directory) fn new(settings: &LdapSettings) -> Result<Self, net::TlsError> {
        Ok(Self {
            url: settings.url.clone(),
            is_encrypted: settings.is_encrypted,
            tls: Arc::new(net::tls_config(settings.ca_file.as_deref())?),
            bind_dn: settings.bind_dn.clone(),
            password: settings.password.clone(),
            refused_at: Mutex::default(),
            has_bound: AtomicBool::default(),
            first_bind: AsyncMutex::default(),
        })
    }

    async fn connect(&self) -> Result<LdapSession, LdapFailure> {
        let settings = LdapConnSettings::new()
            .set_conn_timeout(CONNECT_DEADLINE)
            .set_config(Arc::clone(&self.tls))
            .set_starttls(self.is_encrypted && self.url.scheme() == "ldap");
        let (connection, ldap) = LdapConnAsync::from_url_with_settings(settings, &self.url)
            .await
            .map_err(|error| {
                LdapFailure::NotReached(format!("no safe connection: {}", plain(&error)))
            })?;
        Ok(LdapSession::new(ldap, connection))
    }

    /// A session as relatch's own account.
    pub(in crate::directory) async fn open(&self) -> Result<LdapSession, LdapFailure> {
        let _alone = if self.has_bound.load(Ordering::Relaxed) {
            None
        } else {
            self.wait_for_first_bind().await?
        };
        if self.was_refused_lately() {
            return Err(LdapFailure::NotReached(format!(
                "the server refused the account {} less than a minute ago and was not asked again",
                self.bind_dn
            )));
        }
        let mut session = self.connect().await?;
        let bound = session
            .bind(&self.bind_dn, &self.password, Vec::new())
            .await;
        match bound {
            Ok(result) if result.rc == code::SUCCESS => {
                self.has_bound.store(true, Ordering::Relaxed);
                Ok(session)
            }
            Ok(result) => {
                if result.rc == code::INVALID_CREDENTIALS {
                    self.note_refusal();
                }
                Err(LdapFailure::NotReached(format!(
                    "the server refuses the account {} with code {}",
                    self.bind_dn, result.rc
                )))
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
        let waited = tokio::time::timeout(CONNECT_DEADLINE, self.first_bind.lock()).await;
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

    fn was_refused_lately(&self) -> bool {
        let refused_at = self.refused_at.lock().ok().and_then(|at| *at);
        refused_at.is_some_and(|at| at.elapsed() < PAUSE_AFTER_REFUSAL)
    }

    /// The result of a bind as another account.
    pub(in crate::directory) async fn bind_as(
        &self,
        dn: &str,
        password: &SecretString,
        controls: Vec<RawControl>,
    ) -> Result<LdapResult, LdapFailure> {
        self.connect().await?.bind(dn, password, controls).await
    }
}
