//! How connections are treated: which proxies are trusted, how long things may take, and how many there may be.

use std::time::Duration;

use super::proxies::TrustedProxies;

/// What the operator decides about connections, and the limits that are the same everywhere.
#[derive(Clone, Debug)]
pub struct Front {
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: TrustedProxies,
    /// How long a connection that carried a good request may be idle. It has to be longer than the proxy's own limit:
    /// a proxy may not send a POST again that it lost on a connection which was just closed.
    pub keep_alive: Duration,
    /// Deadlines and numbers.
    pub limits: Limits,
}

impl Default for Front {
    fn default() -> Self {
        Self {
            trusted_proxies: TrustedProxies::default(),
            keep_alive: Duration::from_secs(130),
            limits: Limits::default(),
        }
    }
}

/// Deadlines and numbers; only tests set others than these.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long the head of a request may take from its first byte on, and how long that byte may take on a connection
    /// that carried no good request.
    pub head: Duration,
    /// How long bytes may wait without one of them being taken.
    pub write: Duration,
    /// How long a direct connection lives that carried no good request.
    pub unverified_life: Duration,
    /// After this time the next answer is the last one of its connection.
    pub greatest_age: Duration,
    /// Connections at once, where the limit of open files allows them.
    pub connections: usize,
    /// Connections of one address (IPv6: of one /64) that is no trusted proxy. Several people can share an address, so
    /// it is more than one browser opens.
    pub connections_of_one: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(5),
            write: Duration::from_secs(10),
            unverified_life: Duration::from_secs(15),
            greatest_age: Duration::from_mins(10),
            connections: 4096,
            connections_of_one: 128,
        }
    }
}
