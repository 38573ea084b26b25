//! The LDAP servers of a directory, tried in order.
//!
//! They have the same entries and accounts; one that just failed comes last. What belongs to one reset goes to the server
//! that took its change: another may not have it yet. So does the next change while nobody knows how the last one ended.
//!
//! Sources: RFC 4511, 4.14 (StartTLS).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ldap3::controls::RawControl;
use ldap3::{LdapConnAsync, LdapConnSettings, LdapResult};
use secrecy::SecretString;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use url::Url;

use super::account::{ServiceAccount, Silence};
use super::code;
use super::config::LdapSettings;
use super::failure::LdapFailure;
use super::features::ServerFeatures;
use super::pool::{Pool, PooledSession};
use super::session::LdapSession;
use crate::clock::Clock;
use crate::directory::{By, ResetFailed, Unavailable};
use crate::domain::{MemberId, Moment, Span};
use crate::net;
use crate::recent::Recent;

/// How long a connection with its TLS handshake may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

/// The same where another server is left to be tried within the deadline of a question.
const NEXT_DEADLINE: Duration = Duration::from_secs(2);

/// How long a server that failed comes after the others.
const LAST_AFTER_FAILURE: Duration = Duration::from_secs(30);

/// How long a member's reset stays with the server that took its change.
const ONE_RESET: Span = Span::minutes(15);

/// How many resets are remembered at least.
const RESETS: usize = 1000;

pub(in crate::directory) struct LdapServers {
    all: Vec<LdapServer>,
    is_encrypted: bool,
    tls: Arc<rustls::ClientConfig>,
    account: ServiceAccount,
    clock: Clock,
    /// The last change of a member.
    changes: Mutex<Recent<MemberId, Change>>,
}

#[derive(Clone, Copy)]
struct Change {
    server: usize,
    at: Moment,
    /// The server may still make it, or one before it: nobody knows how it ended.
    is_open: bool,
    /// The one before it was open.
    was_open: bool,
}

struct LdapServer {
    url: Url,
    pool: Arc<Pool>,
    failed_at: Mutex<Option<Instant>>,
    features: OnceCell<ServerFeatures>,
    silence: Silence,
}

/// Which server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::directory) enum Which {
    Any,
    /// This one, or another if it is of no use.
    First(usize),
    /// This one and no other.
    Only(usize),
}

impl LdapServers {
    pub(in crate::directory) fn new(
        settings: &LdapSettings,
        clock: Clock,
    ) -> Result<Self, net::TlsError> {
        let servers = settings.urls.iter().enumerate();
        let all = servers.map(|(number, url)| LdapServer {
            url: url.clone(),
            pool: Arc::new(Pool::new(number)),
            failed_at: Mutex::default(),
            features: OnceCell::new(),
            silence: Silence::default(),
        });
        Ok(Self {
            all: all.collect(),
            is_encrypted: settings.is_encrypted,
            tls: Arc::new(net::tls_config(settings.ca_file.as_deref())?),
            account: ServiceAccount::new(settings.bind_dn.clone(), settings.password.clone()),
            clock,
            changes: Mutex::new(Recent::new(ONE_RESET, RESETS)),
        })
    }

    /// Asks on an idle connection, or on a new one; once more on a new one where the idle one had died. Returns the
    /// connection with the answer, for a change that follows from it: that is never sent again.
    pub(in crate::directory) async fn ask<T, F>(
        &self,
        which: Which,
        question: impl Fn(Arc<PooledSession>) -> F,
    ) -> Result<(Arc<PooledSession>, T), LdapFailure>
    where
        F: Future<Output = Result<T, LdapFailure>>,
    {
        for may_be_idle in [true, false] {
            let session = Arc::new(self.session(which, may_be_idle).await?);
            match question(Arc::clone(&session)).await {
                Err(failure) if self.has_died_idle(&session, &failure) => {}
                Err(failure) => {
                    self.note_refusal(&session, &failure);
                    return Err(failure);
                }
                Ok(answer) => return Ok((session, answer)),
            }
        }
        Err(LdapFailure::NoAnswer)
    }

    /// A connection as relatch's own account.
    async fn session(&self, which: Which, may_be_idle: bool) -> Result<PooledSession, LdapFailure> {
        let mut told: Option<LdapFailure> = None;
        let mut order = self.order(which).into_iter().peekable();
        while let Some(server) = order.next() {
            if may_be_idle && let Some(idle) = server.pool.take() {
                return Ok(idle);
            }
            let deadline = if order.peek().is_some() {
                NEXT_DEADLINE
            } else {
                CONNECT_DEADLINE
            };
            match self.open(server, deadline).await {
                Ok(session) => return Ok(server.pool.new_session(session)),
                // They all have the same password.
                Err(failure) if self.account.was_refused_lately() => return Err(failure),
                Err(failure) => {
                    self.note_failure(server, &failure);
                    // Where one of them may come back, the directory may.
                    let is_told = told
                        .as_ref()
                        .is_some_and(|told| told.unavailable() == Unavailable::ForNow);
                    if !is_told {
                        told = Some(failure);
                    }
                }
            }
        }
        Err(told.unwrap_or_else(no_server))
    }

    /// Only the connection has this deadline: a bind that was sent is not cut off, because its answer has to be known.
    async fn open(
        &self,
        server: &LdapServer,
        deadline: Duration,
    ) -> Result<LdapSession, LdapFailure> {
        let _turn = self.account.turn().await?;
        server.silence.may_bind()?;
        let session = tokio::time::timeout(deadline, self.connect(server)).await;
        let late = || LdapFailure::NotReached("no connection in time".to_owned());
        let session = session.unwrap_or_else(|_elapsed| Err(late()))?;
        self.account.bind(&session, &server.silence).await?;
        Ok(session)
    }

    async fn connect(&self, server: &LdapServer) -> Result<LdapSession, LdapFailure> {
        let settings = LdapConnSettings::new()
            .set_conn_timeout(CONNECT_DEADLINE)
            .set_config(Arc::clone(&self.tls))
            .set_starttls(self.is_encrypted && server.url.scheme() == "ldap");
        let (connection, ldap) = LdapConnAsync::from_url_with_settings(settings, &server.url)
            .await
            .map_err(|error| LdapFailure::of_connection(&error))?;
        Ok(LdapSession::new(ldap, connection))
    }

    /// Every server, with its address.
    pub(in crate::directory) fn each(&self) -> impl Iterator<Item = (Which, &Url)> {
        let all = self.all.iter().enumerate();
        all.map(|(number, server)| (Which::Only(number), &server.url))
    }

    fn order(&self, which: Which) -> Vec<&LdapServer> {
        let first = match which {
            Which::Only(number) => return self.all.get(number).into_iter().collect(),
            Which::First(number) => Some(number),
            Which::Any => None,
        };
        let mut order: Vec<(usize, &LdapServer)> = self.all.iter().enumerate().collect();
        // A stable sort: otherwise they stay as in the settings.
        order.sort_by_key(|(number, server)| (server.has_failed(), first != Some(*number)));
        order.into_iter().map(|(_, server)| server).collect()
    }

    fn note_failure(&self, server: &LdapServer, failure: &LdapFailure) {
        if self.all.len() > 1 {
            tracing::warn!(
                server = %server.url,
                error = failure as &dyn std::error::Error,
                "an LDAP server is of no use now; the others are tried first"
            );
        }
        let mut failed_at = server
            .failed_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *failed_at = Some(Instant::now());
    }

    /// A server that answers and is of no use now comes after the others as well, when the question is asked again.
    fn note_refusal(&self, session: &PooledSession, failure: &LdapFailure) {
        if let LdapFailure::Refused { code } = failure
            && code::is_of_the_server(*code)
            && let Some(server) = self.all.get(session.server())
        {
            self.note_failure(server, failure);
        }
    }

    /// True where a connection may be to blame for a failure, because it was idle before; else its server is.
    fn has_died_idle(&self, session: &PooledSession, failure: &LdapFailure) -> bool {
        if *failure != LdapFailure::NoAnswer {
            return false;
        }
        if session.is_reused {
            session.clear_pool();
        } else if let Some(server) = self.all.get(session.server()) {
            self.note_failure(server, failure);
        }
        session.is_reused
    }

    /// What the server of this connection is and can do. They may differ, as while they are updated.
    pub(super) async fn features(
        &self,
        session: &PooledSession,
    ) -> Result<ServerFeatures, LdapFailure> {
        let server = self.all.get(session.server()).ok_or_else(no_server)?;
        let features = server
            .features
            .get_or_try_init(|| ServerFeatures::detect(session));
        features.await.copied()
    }

    /// The features of the servers that were asked so far. Asks none.
    pub(super) fn known_features(&self, which: Which) -> impl Iterator<Item = ServerFeatures> {
        let order = self.order(which).into_iter();
        order.filter_map(|server| server.features.get().copied())
    }

    /// To be called before a change is sent.
    pub(in crate::directory) fn note_change(&self, member: &MemberId, session: &PooledSession) {
        let before = self.of_change(member);
        let change = Change {
            server: session.server(),
            at: self.clock.now(),
            is_open: true,
            was_open: before.is_some_and(|before| before.is_open),
        };
        self.remember(member, change);
    }

    /// To be called with what became of the change. Where its future is dropped, the change stays open.
    pub(in crate::directory) fn settle(&self, member: &MemberId, ended: &Result<(), ResetFailed>) {
        let Some(change) = self.of_change(member) else {
            return;
        };
        let is_open = match ended {
            Ok(()) => false,
            Err(ResetFailed::Unknown) => true,
            // This one was surely not made. That tells nothing of one before it.
            Err(ResetFailed::Refused(_) | ResetFailed::NotSent | ResetFailed::Misconfigured) => {
                change.was_open
            }
        };
        self.remember(member, Change { is_open, ..change });
    }

    fn remember(&self, member: &MemberId, change: Change) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.insert(member.clone(), change, change.at);
    }

    /// The member's last change, where that was a short while ago.
    fn of_change(&self, member: &MemberId) -> Option<Change> {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let change = changes.get(member).copied()?;
        (self.clock.now() - change.at < ONE_RESET).then_some(change)
    }

    /// Where a change is sent. While one is open, no other server is sent a newer one: when the first goes on, its older
    /// password would come later and replace the newer one everywhere.
    pub(in crate::directory) fn for_change(&self, member: &MemberId) -> Which {
        match self.of_change(member) {
            Some(change) if change.is_open => Which::Only(change.server),
            Some(change) => Which::First(change.server),
            None => Which::Any,
        }
    }

    /// Which server is read after a change: the one that took it, because the others may lag.
    pub(in crate::directory) fn after_change(&self, member: &MemberId) -> Which {
        self.of_change(member)
            .map_or(Which::Any, |change| Which::Only(change.server))
    }

    /// The same; every server in turn where a process that was started since does not know which one it was. Some of them may
    /// not have the change yet.
    pub(in crate::directory) fn all_after_change(&self, member: &MemberId) -> Vec<Which> {
        match self.of_change(member) {
            None => self.each().map(|(which, _)| which).collect(),
            Some(change) => vec![Which::Only(change.server)],
        }
    }

    /// Where these members are looked up: whoever was just changed, where they were.
    pub(in crate::directory) fn for_look_up(&self, by: &[By]) -> Which {
        let change = by.iter().find_map(|by| match by {
            By::Id(member) => self.of_change(member),
            By::Email(_) => None,
        });
        change.map_or(Which::Any, |change| Which::First(change.server))
    }

    /// The result of a bind as another account, on a connection of its own that is closed afterwards.
    pub(in crate::directory) async fn bind_as(
        &self,
        which: Which,
        dn: &str,
        password: &SecretString,
        controls: Vec<RawControl>,
    ) -> Result<LdapResult, LdapFailure> {
        let first = self.order(which).into_iter().next();
        let session = self.connect(first.ok_or_else(no_server)?).await?;
        session.bind(dn, password, controls).await
    }

    pub(in crate::directory) fn close_idle(&self) {
        for server in &self.all {
            server.pool.close_idle();
        }
    }
}

fn no_server() -> LdapFailure {
    LdapFailure::NotReached("there is no such server".to_owned())
}

impl LdapServer {
    fn has_failed(&self) -> bool {
        let failed_at = self
            .failed_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        failed_at.is_some_and(|at| at.elapsed() < LAST_AFTER_FAILURE)
    }
}
