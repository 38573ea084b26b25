//! Warnings in the log about proxies that are set up wrong, at most one an hour for each.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::HeaderMap;
use tokio::time::Instant;

use super::proxies::FORWARDED_FOR;
use crate::net::ClientAddress;

/// The time between two warnings about one peer.
const WARN_INTERVAL: Duration = Duration::from_hours(1);

/// At most so many peers are warned about in that time: anybody can be such a peer, and the log must not fill up.
const MOST_PEERS: usize = 64;

/// When each peer was warned about.
#[derive(Default)]
pub(super) struct ProxyWarnings(Mutex<HashMap<IpAddr, Instant>>);

impl ProxyWarnings {
    /// Looks at one request: a trusted proxy should name its client, and nobody else should send the header.
    pub(super) fn check(
        &self,
        peer: IpAddr,
        is_trusted: bool,
        headers: &HeaderMap,
        client: ClientAddress,
    ) {
        if is_trusted && client.0.is_none() {
            if self.is_due(peer, Instant::now()) {
                tracing::warn!(
                    proxy = %peer,
                    "a trusted proxy does not tell its clients' addresses; have it send X-Forwarded-For, or take it out of \
                    trusted_proxies"
                );
            }
        } else if !is_trusted
            && headers.contains_key(FORWARDED_FOR)
            && self.is_due(peer, Instant::now())
        {
            tracing::warn!(
                peer = %peer,
                "X-Forwarded-For of a peer that is not in trusted_proxies was ignored; if it is your proxy, name it there"
            );
        }
    }

    fn is_due(&self, peer: IpAddr, now: Instant) -> bool {
        let Ok(mut warned) = self.0.lock() else {
            return false;
        };
        if warned
            .get(&peer)
            .is_some_and(|at| now.saturating_duration_since(*at) < WARN_INTERVAL)
        {
            return false;
        }
        warned.retain(|_, at| now.saturating_duration_since(*at) < WARN_INTERVAL);
        if warned.len() >= MOST_PEERS {
            return false;
        }
        warned.insert(peer, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_proxy_is_named_once_an_hour() {
        let warnings = ProxyWarnings::default();
        let now = Instant::now();
        assert!(warnings.is_due(ip("10.0.0.1"), now) && warnings.is_due(ip("10.0.0.2"), now));
        assert!(!warnings.is_due(ip("10.0.0.1"), now + WARN_INTERVAL - Duration::from_secs(1)));
        assert!(warnings.is_due(ip("10.0.0.1"), now + WARN_INTERVAL));
    }
}
