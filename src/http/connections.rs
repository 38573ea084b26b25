//! All open connections: how many there are, in all and of each address, and which idle one is closed when there are too
//! many.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::network::counted_as;

/// Stored in place of the idle time while a request runs.
const BUSY: u64 = u64::MAX;

/// All open connections, and how many each client has.
pub(super) struct Connections {
    most: usize,
    most_of_one: usize,
    began_at: Instant,
    table: Mutex<ConnectionTable>,
}

#[derive(Default)]
struct ConnectionTable {
    open: HashMap<u64, OpenConnection>,
    /// How many connections each address has; trusted proxies are not counted.
    of_one: HashMap<IpAddr, usize>,
    next_number: u64,
}

struct OpenConnection {
    owner: IpAddr,
    is_trusted: bool,
    state: Arc<ConnectionState>,
}

/// Shared by the task of a connection and the table.
struct ConnectionState {
    /// Milliseconds since the start of the server, or [`BUSY`].
    idle_since: AtomicU64,
    revoked: Notify,
}

/// The right of one connection to stay open. The table revokes it when it needs room; dropping the last clone ends it.
#[derive(Clone)]
pub(super) struct ConnectionLease(Arc<LeaseInner>);

struct LeaseInner {
    all: Arc<Connections>,
    number: u64,
    state: Arc<ConnectionState>,
}

impl Connections {
    /// At most `most` connections, and `most_of_one` of each address.
    pub(super) fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_of_one,
            began_at: Instant::now(),
            table: Mutex::default(),
        })
    }

    /// Admits a new connection. Where there are too many, the longest idle one is closed for it: one of the same address
    /// if that address has too many, else any. None where all of those are busy.
    pub(super) fn admit(
        self: &Arc<Self>,
        peer: IpAddr,
        is_trusted: bool,
    ) -> Option<ConnectionLease> {
        let owner = counted_as(peer);
        let state = Arc::new(ConnectionState {
            idle_since: AtomicU64::new(self.now()),
            revoked: Notify::new(),
        });
        let mut table = self.table();
        let is_one_full = !is_trusted
            && table
                .of_one
                .get(&owner)
                .is_some_and(|count| *count >= self.most_of_one);
        let is_of_owner = |open: &OpenConnection| !open.is_trusted && open.owner == owner;
        if is_one_full && !table.close_longest_idle(is_of_owner) {
            return None;
        }
        if table.open.len() >= self.most && !table.close_longest_idle(|_| true) {
            return None;
        }
        let number = table.insert(OpenConnection {
            owner,
            is_trusted,
            state: Arc::clone(&state),
        });
        Some(ConnectionLease(Arc::new(LeaseInner {
            all: Arc::clone(self),
            number,
            state,
        })))
    }

    fn table(&self) -> MutexGuard<'_, ConnectionTable> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began_at.elapsed().as_millis()).unwrap_or(BUSY - 1)
    }
}

impl ConnectionTable {
    fn insert(&mut self, connection: OpenConnection) -> u64 {
        let number = self.next_number;
        self.next_number = number.wrapping_add(1);
        if !connection.is_trusted {
            let count = self.of_one.entry(connection.owner).or_default();
            *count = count.saturating_add(1);
        }
        self.open.insert(number, connection);
        number
    }

    fn remove(&mut self, number: u64) -> Option<OpenConnection> {
        let connection = self.open.remove(&number)?;
        if !connection.is_trusted
            && let Some(count) = self.of_one.get_mut(&connection.owner)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.of_one.remove(&connection.owner);
            }
        }
        Some(connection)
    }

    /// Closes the longest idle connection among those that `may_close`; a trusted proxy's last. False where all are busy.
    fn close_longest_idle(&mut self, may_close: impl Fn(&OpenConnection) -> bool) -> bool {
        let idle = self
            .open
            .iter()
            .filter(|(_, open)| may_close(open))
            .filter_map(|(number, open)| {
                let since = open.state.idle_since.load(Ordering::Relaxed);
                (since != BUSY).then_some((open.is_trusted, since, *number))
            });
        let Some((.., number)) = idle.min() else {
            return false;
        };
        if let Some(open) = self.remove(number) {
            open.state.revoked.notify_one();
        }
        true
    }
}

impl ConnectionLease {
    /// A request runs: the connection is not closed for another one.
    pub(super) fn set_busy(&self) {
        self.0.state.idle_since.store(BUSY, Ordering::Relaxed);
    }

    /// No request runs; the idle time begins.
    pub(super) fn set_idle(&self) {
        self.0
            .state
            .idle_since
            .store(self.0.all.now(), Ordering::Relaxed);
    }

    /// Waits until the lease is given to another connection.
    pub(super) async fn revoked(&self) {
        self.0.state.revoked.notified().await;
    }
}

impl fmt::Debug for ConnectionLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionLease({})", self.0.number)
    }
}

impl Drop for LeaseInner {
    fn drop(&mut self) {
        drop(self.all.table().remove(self.number));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn is_revoked(lease: &ConnectionLease) -> bool {
        let revoked = std::pin::pin!(lease.revoked());
        revoked
            .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
            .is_ready()
    }

    async fn pass() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    #[tokio::test]
    async fn at_the_cap_the_one_that_is_idle_longest_goes_and_a_proxys_last() {
        let all = Connections::new(3, 3);
        let proxy = all.admit(ip("127.0.0.1"), true).unwrap();
        pass().await;
        let first = all.admit(ip("192.0.2.1"), false).unwrap();
        pass().await;
        let second = all.admit(ip("192.0.2.2"), false).unwrap();
        pass().await;
        // Its request is over now, so the second one is idle for longer.
        first.set_busy();
        first.set_idle();
        let third = all.admit(ip("192.0.2.3"), false).unwrap();
        assert!(is_revoked(&second) && !is_revoked(&first) && !is_revoked(&proxy));
        first.set_busy();
        third.set_busy();
        let fourth = all.admit(ip("192.0.2.4"), false).unwrap();
        assert!(is_revoked(&proxy));
        fourth.set_busy();
        assert!(all.admit(ip("192.0.2.5"), false).is_none());
        drop(first);
        assert!(all.admit(ip("192.0.2.5"), false).is_some());
    }

    #[tokio::test]
    async fn an_address_with_too_many_loses_its_own() {
        let all = Connections::new(100, 2);
        let other = all.admit(ip("192.0.2.9"), false).unwrap();
        let ones: Vec<ConnectionLease> = ["2001:db8::1", "2001:db8::2"]
            .map(|one| all.admit(ip(one), false).unwrap())
            .to_vec();
        pass().await;
        ones[1].set_idle();
        let third = all.admit(ip("2001:db8::3"), false).unwrap();
        assert!(is_revoked(&ones[0]) && !is_revoked(&ones[1]) && !is_revoked(&other));
        ones[1].set_busy();
        third.set_busy();
        assert!(all.admit(ip("2001:db8::4"), false).is_none());
        assert!(all.admit(ip("2001:db8:0:1::4"), false).is_some());
    }

    #[tokio::test]
    async fn a_trusted_proxy_has_no_cap_of_its_own() {
        let all = Connections::new(100, 2);
        let ones: Vec<ConnectionLease> = (0..10)
            .map(|_| all.admit(ip("127.0.0.1"), true).unwrap())
            .collect();
        assert!(!ones.iter().any(is_revoked));
    }
}
