//! The connections that are open: how many in all and of each address, and which one is closed when there are too many.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::proxies::counted_as;

/// Stands for "at work" where otherwise the time stands since which a connection is quiet.
const BUSY: u64 = u64::MAX;

/// All open connections.
pub(super) struct Connections {
    most: usize,
    most_of_one: usize,
    began_at: Instant,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    open: HashMap<u64, Entry>,
    /// How many each address has that is no trusted proxy.
    of_one: HashMap<IpAddr, usize>,
    next: u64,
}

struct Entry {
    owner: IpAddr,
    is_trusted: bool,
    shared: Arc<Shared>,
}

/// What a connection and the table both look at.
struct Shared {
    /// Milliseconds since the start of the server, or [`BUSY`].
    quiet_since: AtomicU64,
    close: Notify,
}

/// The place of one open connection in the table, until the last clone is dropped.
#[derive(Clone)]
pub(super) struct Seat(Arc<Held>);

struct Held {
    all: Arc<Connections>,
    number: u64,
    shared: Arc<Shared>,
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seat({})", self.0.number)
    }
}

impl Table {
    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.open.remove(&number)?;
        if !entry.is_trusted
            && let Some(count) = self.of_one.get_mut(&entry.owner)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.of_one.remove(&entry.owner);
            }
        }
        Some(entry)
    }

    /// Closes the connection that is quiet for the longest time, a trusted proxy's last. False where all are at work.
    fn close_one(&mut self, may_close: impl Fn(&Entry) -> bool) -> bool {
        let quiet = self
            .open
            .iter()
            .filter(|(_, entry)| may_close(entry))
            .filter_map(|(number, entry)| {
                let since = entry.shared.quiet_since.load(Ordering::Relaxed);
                (since != BUSY).then_some((entry.is_trusted, since, *number))
            });
        let Some((.., number)) = quiet.min() else {
            return false;
        };
        if let Some(entry) = self.remove(number) {
            entry.shared.close.notify_one();
        }
        true
    }
}

impl Connections {
    pub(super) fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_of_one,
            began_at: Instant::now(),
            table: Mutex::default(),
        })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began_at.elapsed().as_millis()).unwrap_or(BUSY - 1)
    }

    /// Takes a new connection in, if need be in the place of a quiet one: one of the same address where that has too many,
    /// else any. None where all of those are at work.
    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr, is_trusted: bool) -> Option<Seat> {
        let owner = counted_as(peer);
        let shared = Arc::new(Shared {
            quiet_since: AtomicU64::new(self.now()),
            close: Notify::new(),
        });
        let mut table = self.table();
        let is_one_full = !is_trusted
            && table
                .of_one
                .get(&owner)
                .is_some_and(|count| *count >= self.most_of_one);
        if is_one_full && !table.close_one(|entry| !entry.is_trusted && entry.owner == owner) {
            return None;
        }
        if table.open.len() >= self.most && !table.close_one(|_| true) {
            return None;
        }
        let number = table.next;
        table.next = number.wrapping_add(1);
        if !is_trusted {
            let count = table.of_one.entry(owner).or_default();
            *count = count.saturating_add(1);
        }
        table.open.insert(
            number,
            Entry {
                owner,
                is_trusted,
                shared: Arc::clone(&shared),
            },
        );
        Some(Seat(Arc::new(Held {
            all: Arc::clone(self),
            number,
            shared,
        })))
    }
}

impl Seat {
    /// A request is at work: the connection is not closed for another one.
    pub(super) fn is_busy(&self) {
        self.0.shared.quiet_since.store(BUSY, Ordering::Relaxed);
    }

    /// Nothing is at work.
    pub(super) fn is_quiet(&self) {
        self.0
            .shared
            .quiet_since
            .store(self.0.all.now(), Ordering::Relaxed);
    }

    /// Waits until the place is given to another connection.
    pub(super) async fn lost(&self) {
        self.0.shared.close.notified().await;
    }
}

impl Drop for Held {
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

    fn is_lost(seat: &Seat) -> bool {
        let lost = std::pin::pin!(seat.lost());
        lost.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
            .is_ready()
    }

    async fn pass() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    #[tokio::test]
    async fn at_the_cap_the_one_that_is_idle_longest_goes_and_a_proxys_last() {
        let all = Connections::new(3, 3);
        let proxy = all.enter(ip("127.0.0.1"), true).unwrap();
        pass().await;
        let first = all.enter(ip("192.0.2.1"), false).unwrap();
        pass().await;
        let second = all.enter(ip("192.0.2.2"), false).unwrap();
        pass().await;
        // Its request is over now, so the second one is idle for longer.
        first.is_busy();
        first.is_quiet();
        let third = all.enter(ip("192.0.2.3"), false).unwrap();
        assert!(is_lost(&second) && !is_lost(&first) && !is_lost(&proxy));
        first.is_busy();
        third.is_busy();
        let fourth = all.enter(ip("192.0.2.4"), false).unwrap();
        assert!(is_lost(&proxy));
        fourth.is_busy();
        assert!(all.enter(ip("192.0.2.5"), false).is_none());
        drop(first);
        assert!(all.enter(ip("192.0.2.5"), false).is_some());
    }

    #[tokio::test]
    async fn an_address_with_too_many_loses_its_own() {
        let all = Connections::new(100, 2);
        let other = all.enter(ip("192.0.2.9"), false).unwrap();
        let ones: Vec<Seat> = ["2001:db8::1", "2001:db8::2"]
            .map(|one| all.enter(ip(one), false).unwrap())
            .to_vec();
        pass().await;
        ones[1].is_quiet();
        let third = all.enter(ip("2001:db8::3"), false).unwrap();
        assert!(is_lost(&ones[0]) && !is_lost(&ones[1]) && !is_lost(&other));
        ones[1].is_busy();
        third.is_busy();
        assert!(all.enter(ip("2001:db8::4"), false).is_none());
        assert!(all.enter(ip("2001:db8:0:1::4"), false).is_some());
    }

    #[tokio::test]
    async fn a_trusted_proxy_has_no_cap_of_its_own() {
        let all = Connections::new(100, 2);
        let ones: Vec<Seat> = (0..10)
            .map(|_| all.enter(ip("127.0.0.1"), true).unwrap())
            .collect();
        assert!(!ones.iter().any(is_lost));
    }
}
