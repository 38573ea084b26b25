//! Limits how many requests run at once: one pool for webhooks and one for pages, and a share of each for every client.
//! A request takes its permit once it was read.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::Extensions;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::network::counted_as;
use crate::net::ClientAddress;

/// Webhooks that run at once, and those of one client: platforms send from few addresses.
const WEBHOOKS: (usize, usize) = (512, 256);

/// Pages that run at once, and those of one client: several people can share an address.
const PAGES: (usize, usize) = (256, 64);

/// Open pages that wait for the notice of a reset, and those of one client.
const LISTENERS: (usize, usize) = (256, 64);

/// A limited number of permits.
pub(crate) struct RequestPool {
    all: Arc<Semaphore>,
    size: usize,
    share: usize,
    shares: Arc<SharesByClient>,
}

type SharesByClient = Mutex<HashMap<Option<IpAddr>, Arc<Semaphore>>>;

/// The right of one request to run, until it is dropped.
pub(crate) struct RequestPermit {
    _of_pool: OwnedSemaphorePermit,
    _of_client: ClientPermit,
}

/// The part of a request in its client's share. It counts from the moment the request waits for its permit.
struct ClientPermit {
    permit: Option<OwnedSemaphorePermit>,
    client: Option<IpAddr>,
    share: Arc<Semaphore>,
    shares: Arc<SharesByClient>,
}

impl RequestPool {
    /// So many permits, and so many of them for one client.
    fn new((size, share): (usize, usize)) -> Arc<Self> {
        Arc::new(Self {
            all: Arc::new(Semaphore::new(size)),
            size,
            share,
            shares: Arc::default(),
        })
    }

    pub(crate) fn of_webhooks() -> Arc<Self> {
        Self::new(WEBHOOKS)
    }

    pub(crate) fn of_pages() -> Arc<Self> {
        Self::new(PAGES)
    }

    pub(crate) fn of_listeners() -> Arc<Self> {
        Self::new(LISTENERS)
    }

    /// Waits for a permit until the deadline. A client that uses its whole share waits for a permit of its own and keeps
    /// none from others. At most as many of its requests wait as may run; more are refused at once, because each of them
    /// keeps a connection open.
    pub(crate) async fn acquire(
        &self,
        request: &Extensions,
        until: Instant,
    ) -> Option<RequestPermit> {
        let of_client = self.join(client_of(request))?.acquired(until).await?;
        let of_pool = timeout_at(until, Arc::clone(&self.all).acquire_owned())
            .await
            .ok()?
            .ok()?;
        Some(RequestPermit {
            _of_pool: of_pool,
            _of_client: of_client,
        })
    }

    /// A permit, if one is free now.
    pub(crate) async fn acquire_now(&self, request: &Extensions) -> Option<RequestPermit> {
        self.acquire(request, Instant::now()).await
    }

    /// Counts one more request of a client. Where the client is unknown, its share is the whole pool. None where enough of
    /// its requests wait already.
    fn join(&self, client: Option<IpAddr>) -> Option<ClientPermit> {
        let size = if client.is_some() {
            self.share
        } else {
            self.size
        };
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let share = Arc::clone(
            shares
                .entry(client)
                .or_insert_with(|| Arc::new(Semaphore::new(size))),
        );
        // The table holds one reference, this variable another. Each request holds two, its own and one in the permit that
        // it has or waits for, and twice as many requests may be here as have a permit.
        if Arc::strong_count(&share) > size.saturating_mul(4).saturating_add(1) {
            return None;
        }
        Some(ClientPermit {
            permit: None,
            client,
            share,
            shares: Arc::clone(&self.shares),
        })
    }
}

/// Who counts for a request; nobody behind a proxy that does not name its clients.
fn client_of(request: &Extensions) -> Option<IpAddr> {
    request
        .get::<ClientAddress>()
        .and_then(|client| client.0)
        .map(counted_as)
}

impl ClientPermit {
    async fn acquired(mut self, until: Instant) -> Option<Self> {
        let permit = timeout_at(until, Arc::clone(&self.share).acquire_owned())
            .await
            .ok()?
            .ok()?;
        self.permit = Some(permit);
        Some(self)
    }
}

impl Drop for ClientPermit {
    /// Removes the share of a client without requests from the table.
    fn drop(&mut self) {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.permit.take());
        // The table's reference and this one; a permit would hold a third.
        if Arc::strong_count(&self.share) <= 2 {
            shares.remove(&self.client);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn from(address: Option<&str>) -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(ClientAddress(
            address.map(|address| address.parse().unwrap()),
        ));
        extensions
    }

    #[tokio::test]
    async fn nobody_takes_more_than_their_share_and_others_find_a_place() {
        let pool = RequestPool::new((4, 2));
        let (greedy, other, unknown) =
            (from(Some("192.0.2.1")), from(Some("192.0.2.2")), from(None));
        let taken = [
            pool.acquire_now(&greedy).await.unwrap(),
            pool.acquire_now(&greedy).await.unwrap(),
        ];
        assert!(pool.acquire_now(&greedy).await.is_none());
        let others = [
            pool.acquire_now(&other).await.unwrap(),
            pool.acquire_now(&unknown).await.unwrap(),
        ];
        assert!(pool.acquire_now(&unknown).await.is_none());
        drop(others);
        // Behind a proxy that does not name its clients, everybody shares the whole pool.
        let rest = [
            pool.acquire_now(&unknown).await.unwrap(),
            pool.acquire_now(&unknown).await.unwrap(),
        ];
        drop((taken, rest));
        assert!(pool.shares.lock().unwrap().is_empty());
        assert!(pool.acquire_now(&greedy).await.is_some());
    }

    #[tokio::test]
    async fn a_place_is_waited_for_until_the_deadline() {
        let pool = RequestPool::new((2, 1));
        let one = from(Some("192.0.2.1"));
        let permit = pool.acquire_now(&one).await.unwrap();
        let until = Instant::now() + Duration::from_millis(20);
        assert!(pool.acquire(&one, until).await.is_none());
        assert!(Instant::now() >= until);
        let waiting = pool.acquire(&one, until + Duration::from_secs(20));
        let later = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(permit);
        };
        let (permit, ()) = tokio::join!(waiting, later);
        assert!(permit.is_some());
        drop(permit);
        assert!(pool.shares.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn no_more_wait_than_there_are_places_in_the_share() {
        let pool = RequestPool::new((4, 1));
        let one = from(Some("192.0.2.1"));
        let permit = pool.acquire_now(&one).await.unwrap();
        let began = Instant::now();
        let until = began + Duration::from_millis(200);
        let refused = async {
            assert!(pool.acquire(&one, until).await.is_none());
            assert!(Instant::now() < until, "it waited");
        };
        let (waited, ()) = tokio::join!(pool.acquire(&one, until), refused);
        assert!(waited.is_none());
        drop(permit);
        assert!(pool.shares.lock().unwrap().is_empty() && pool.acquire_now(&one).await.is_some());
    }
}
