//! The idle connections to one server, kept for the next question.
//!
//! Crates for pools were weighed: none says which server a connection goes to, which a reset must know; `deadpool` has no
//! idle limit, and `bb8` starts tasks of its own, which would outlive the stop. What is needed is a list and a guard.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::session::LdapSession;

/// How many idle connections are kept: about as many as there are workers for resets.
const MOST_IDLE: usize = 4;

/// How long a connection may be idle. Firewalls and load balancers forget one after some minutes.
const IDLE_LIMIT: Duration = Duration::from_mins(1);

/// How long one is used at all: relatch's account may have another password or other rights by then.
const AGE_LIMIT: Duration = Duration::from_mins(10);

/// A connection that was idle for longer has to answer a question quickly before it is believed.
const DOUBT_AFTER: Duration = Duration::from_secs(5);

/// Idle connections, all bound as relatch's own account, and each with all its answers received.
pub(super) struct Pool {
    /// Its number among the servers of the directory.
    server: usize,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    session: Arc<LdapSession>,
    opened_at: Instant,
    since: Instant,
}

impl Idle {
    fn is_young(&self) -> bool {
        self.since.elapsed() < IDLE_LIMIT && self.opened_at.elapsed() < AGE_LIMIT
    }
}

impl Pool {
    pub(super) fn new(server: usize) -> Self {
        Self {
            server,
            idle: Mutex::default(),
        }
    }

    /// The connection that was used last, if one is open.
    pub(super) fn take(self: &Arc<Self>) -> Option<PooledSession> {
        let mut all = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(idle) = all.pop() {
            if idle.is_young() && idle.session.is_sound() {
                if idle.since.elapsed() >= DOUBT_AFTER {
                    idle.session.doubt();
                }
                return Some(PooledSession {
                    session: idle.session,
                    opened_at: idle.opened_at,
                    is_reused: true,
                    pool: Arc::clone(self),
                });
            }
        }
        None
    }

    /// A connection that was just opened and bound.
    pub(super) fn new_session(self: &Arc<Self>, session: LdapSession) -> PooledSession {
        PooledSession {
            session: Arc::new(session),
            opened_at: Instant::now(),
            is_reused: false,
            pool: Arc::clone(self),
        }
    }

    fn put(&self, idle: Idle) {
        let mut all = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST_IDLE && idle.is_young() {
            all.push(idle);
        }
    }

    /// Closes what has been idle for too long.
    pub(super) fn close_idle(&self) {
        let mut all = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(Idle::is_young);
    }
}

/// A connection in use by one question or one change. It goes back when it is dropped, and is closed instead where an
/// operation on it has no answer or was refused for want of a right.
pub(in crate::directory) struct PooledSession {
    session: Arc<LdapSession>,
    opened_at: Instant,
    /// It was idle before.
    pub(super) is_reused: bool,
    pool: Arc<Pool>,
}

impl PooledSession {
    pub(super) fn server(&self) -> usize {
        self.pool.server
    }

    /// Closes all idle connections to this server: where one is of no use, the others are likely to be of none.
    pub(super) fn clear_pool(&self) {
        let mut all = self
            .pool
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.clear();
    }
}

impl Deref for PooledSession {
    type Target = LdapSession;

    fn deref(&self) -> &LdapSession {
        &self.session
    }
}

impl Drop for PooledSession {
    fn drop(&mut self) {
        if self.session.lacks_rights() {
            // The idle ones were bound at about the same time.
            self.clear_pool();
        } else if self.session.is_sound() && !std::thread::panicking() {
            self.pool.put(Idle {
                session: Arc::clone(&self.session),
                opened_at: self.opened_at,
                since: Instant::now(),
            });
        }
    }
}
