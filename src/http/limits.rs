//! How connections are treated: trusted proxies, deadlines, and how many there may be.

use std::time::Duration;

use super::proxies::TrustedProxies;

/// What the settings say about connections, and the limits that are the same everywhere.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    /// The proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: TrustedProxies,
    /// The idle timeout of a connection that carried a good request. It must be longer than the proxy's own: a proxy may
    /// not repeat a POST that it lost on a connection which was just closed.
    pub keep_alive: Duration,
    /// Deadlines, and how much one client may take.
    pub limits: ConnectionLimits,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            trusted_proxies: TrustedProxies::default(),
            keep_alive: Duration::from_secs(130),
            limits: ConnectionLimits::default(),
        }
    }
}

/// Deadlines and numbers; only tests set others than the default.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// How long the head of a request may take from its first byte on, and how long a connection that carried no good
    /// request may wait for that byte.
    pub head: Duration,
    /// How long the client may take none of the bytes that wait for it.
    pub write: Duration,
    /// The lifetime of a direct connection that carried no good request.
    pub unverified_life: Duration,
    /// A connection of this age is closed after its next answer.
    pub greatest_age: Duration,
    /// Connections at once, as far as the limit of open files allows.
    pub connections: usize,
    /// Connections of one address (IPv6: of one /64) that is no trusted proxy. It is more than one browser opens, because
    /// several people can share an address.
    pub connections_of_one: usize,
}

impl Default for ConnectionLimits {
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
