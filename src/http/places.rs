//! Places for requests that were read and are at work: one pool for webhooks and one for pages, and a share of each for
//! every client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::Extensions;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::proxies::counted_as;
use crate::net::ClientAddress;

/// Webhooks at work at once, and how many of them one client may have. Platforms send from few addresses.
const WEBHOOKS: (usize, usize) = (512, 256);

/// Pages at work at once, and how many of them one client may have: several people can share an address.
const PAGES: (usize, usize) = (256, 64);

/// Open pages that wait for the notice of a reset, and how many of them one client may have.
const LISTENERS: (usize, usize) = (256, 64);

/// A limited number of places.
pub(crate) struct Pool {
    all: Arc<Semaphore>,
    places: usize,
    share: usize,
    shares: Arc<Shares>,
}

type Shares = Mutex<HashMap<Option<IpAddr>, Arc<Semaphore>>>;

/// One place, until it is dropped.
pub(crate) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_one: Share,
}

/// One place in the share of a client.
struct Share {
    permit: Option<OwnedSemaphorePermit>,
    client: Option<IpAddr>,
    places: Arc<Semaphore>,
    shares: Arc<Shares>,
}

impl Pool {
    /// So many places, and so many of them for one client.
    pub(crate) fn new((places, share): (usize, usize)) -> Arc<Self> {
        Arc::new(Self {
            all: Arc::new(Semaphore::new(places)),
            places,
            share,
            shares: Arc::default(),
        })
    }

    /// For webhooks.
    pub(crate) fn of_webhooks() -> Arc<Self> {
        Self::new(WEBHOOKS)
    }

    /// For the member's pages.
    pub(crate) fn of_pages() -> Arc<Self> {
        Self::new(PAGES)
    }

    /// For open pages that wait for a notice.
    pub(crate) fn of_listeners() -> Arc<Self> {
        Self::new(LISTENERS)
    }

    /// Waits for a place until the deadline. Whoever has their whole share waits for one of their own, and takes none from
    /// others meanwhile; and no more of them wait than there are places in the share, because each that waits keeps a
    /// connection open.
    pub(crate) async fn take(&self, request: &Extensions, until: Instant) -> Option<Place> {
        let of_one = self.share_of(client_of(request))?.taken(until).await?;
        let of_all = timeout_at(until, Arc::clone(&self.all).acquire_owned())
            .await
            .ok()?
            .ok()?;
        Some(Place {
            _of_all: of_all,
            _of_one: of_one,
        })
    }

    /// A place, if there is one now.
    pub(crate) async fn take_now(&self, request: &Extensions) -> Option<Place> {
        self.take(request, Instant::now()).await
    }

    /// The share of a client; where nobody knows the client, that is the whole pool.
    fn share_of(&self, client: Option<IpAddr>) -> Option<Share> {
        let share = if client.is_some() {
            self.share
        } else {
            self.places
        };
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let places = Arc::clone(
            shares
                .entry(client)
                .or_insert_with(|| Arc::new(Semaphore::new(share))),
        );
        // The table and this clone count one each; every request counts two, whether it has its place or waits for it.
        if Arc::strong_count(&places) > share.saturating_mul(4).saturating_add(1) {
            return None;
        }
        Some(Share {
            permit: None,
            client,
            places,
            shares: Arc::clone(&self.shares),
        })
    }
}

/// Who counts for a request; nobody behind a proxy that does not tell its clients.
fn client_of(request: &Extensions) -> Option<IpAddr> {
    request
        .get::<ClientAddress>()
        .and_then(|client| client.0)
        .map(counted_as)
}

impl Share {
    async fn taken(mut self, until: Instant) -> Option<Self> {
        let permit = timeout_at(until, Arc::clone(&self.places).acquire_owned())
            .await
            .ok()?
            .ok()?;
        self.permit = Some(permit);
        Some(self)
    }
}

impl Drop for Share {
    /// Forgets a client that has and wants nothing any more.
    fn drop(&mut self) {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.permit.take());
        // Counted are the table and this share; a permit would be a third.
        if Arc::strong_count(&self.places) <= 2 {
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
        let pool = Pool::new((4, 2));
        let (greedy, other, unknown) =
            (from(Some("192.0.2.1")), from(Some("192.0.2.2")), from(None));
        let taken = [
            pool.take_now(&greedy).await.unwrap(),
            pool.take_now(&greedy).await.unwrap(),
        ];
        assert!(pool.take_now(&greedy).await.is_none());
        let others = [
            pool.take_now(&other).await.unwrap(),
            pool.take_now(&unknown).await.unwrap(),
        ];
        assert!(pool.take_now(&unknown).await.is_none());
        drop(others);
        // Behind a proxy that tells nobody, everybody has the whole pool.
        let rest = [
            pool.take_now(&unknown).await.unwrap(),
            pool.take_now(&unknown).await.unwrap(),
        ];
        drop((taken, rest));
        assert!(pool.shares.lock().unwrap().is_empty());
        assert!(pool.take_now(&greedy).await.is_some());
    }

    #[tokio::test]
    async fn a_place_is_waited_for_until_the_deadline() {
        let pool = Pool::new((2, 1));
        let one = from(Some("192.0.2.1"));
        let place = pool.take_now(&one).await.unwrap();
        let until = Instant::now() + Duration::from_millis(20);
        assert!(pool.take(&one, until).await.is_none());
        assert!(Instant::now() >= until);
        let waiting = pool.take(&one, until + Duration::from_secs(20));
        let later = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            drop(place);
        };
        let (place, ()) = tokio::join!(waiting, later);
        assert!(place.is_some());
        drop(place);
        assert!(pool.shares.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn no_more_wait_than_there_are_places_in_the_share() {
        let pool = Pool::new((4, 1));
        let one = from(Some("192.0.2.1"));
        let place = pool.take_now(&one).await.unwrap();
        let began = Instant::now();
        let until = began + Duration::from_millis(200);
        let refused = async {
            assert!(pool.take(&one, until).await.is_none());
            assert!(Instant::now() < until, "it waited");
        };
        let (waited, ()) = tokio::join!(pool.take(&one, until), refused);
        assert!(waited.is_none());
        drop(place);
        assert!(pool.shares.lock().unwrap().is_empty() && pool.take_now(&one).await.is_some());
    }
}
