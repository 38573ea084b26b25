//! Trusted proxies: which peers they are, and which client stands behind a request of theirs.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::HeaderMap;
use tokio::time::Instant;

use crate::net::ClientAddress;

/// The header in which proxies tell who asked them; each appends the address that it saw.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// How often one proxy is named in the log.
const NAME_EVERY: Duration = Duration::from_hours(1);

/// The most peers whose last line is remembered.
const NAMED: usize = 64;

/// A range of addresses, written as in CIDR: `10.0.0.0/8`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: u128,
    /// How many of the 128 bits count; IPv4 lies behind `::ffff:0:0/96`.
    bits: u32,
}

/// Why a text is no range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotANetwork {
    /// It is not written as one.
    #[error("is no network; write one as \"10.0.0.0/8\", \"fd00::/8\" or \"10.0.0.5\"")]
    Malformed,
    /// It has bits set that its prefix does not cover, so one of the two is mistyped.
    #[error(
        "has more bits set than its prefix covers; write \"10.0.0.0/8\", or \"10.0.0.5\" for one address"
    )]
    HostBits,
    /// Every peer could then claim any address.
    #[error("trusts everybody; name the proxy's own addresses, such as \"10.0.0.5\"")]
    Everybody,
}

/// An address as 128 bits; IPv4 as the IPv6 address that stands for it.
fn bits_of(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mask(bits: u32) -> u128 {
    u128::MAX
        .checked_shl(128_u32.saturating_sub(bits))
        .unwrap_or(0)
}

impl Network {
    /// True for an address of the range.
    pub fn has(&self, address: IpAddr) -> bool {
        bits_of(address) & mask(self.bits) == self.first
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork::Malformed)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            // "+8" is a number to the parser, and no prefix.
            Some(length) if length.bytes().all(|byte| byte.is_ascii_digit()) => length.parse().ok(),
            Some(_) => None,
            None => Some(most),
        };
        let length: u32 = length
            .filter(|length| *length <= most)
            .ok_or(NotANetwork::Malformed)?;
        if length == 0 {
            return Err(NotANetwork::Everybody);
        }
        let bits = length.saturating_add(128_u32.saturating_sub(most));
        let first = bits_of(address);
        if first & mask(bits) == first {
            Ok(Self { first, bits })
        } else {
            Err(NotANetwork::HostBits)
        }
    }
}

/// The proxies in front of this server, whose `X-Forwarded-For` counts.
#[derive(Clone, Debug)]
pub struct TrustedProxies(pub Vec<Network>);

impl Default for TrustedProxies {
    /// This machine itself.
    fn default() -> Self {
        let loopback = [
            IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ];
        let networks = loopback.map(|first| Network {
            first: bits_of(first),
            bits: if first.is_ipv4() { 128 - 24 } else { 128 },
        });
        Self(networks.to_vec())
    }
}

impl TrustedProxies {
    /// True for an address of one of them.
    pub fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.has(address))
    }

    /// The client of a request: the peer itself where it is no trusted proxy; else the right-most forwarded address that
    /// is none, because what stands left of it anybody can write; or the left-most where all are.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        if !self.has(peer) {
            return ClientAddress(Some(peer));
        }
        let mut nearest = None;
        // Several headers count as one, in their order (RFC 9110, section 5.3).
        for hop in headers
            .get_all(FORWARDED_FOR)
            .iter()
            .rev()
            .flat_map(|value| value.as_bytes().rsplit(|b| *b == b','))
        {
            match address_of(hop) {
                Some(address) if self.has(address) => nearest = Some(address),
                Some(address) => return ClientAddress(Some(address)),
                // The proxy to the right wrote what is no address: who is behind it nobody knows.
                None => break,
            }
        }
        ClientAddress(nearest)
    }
}

/// One entry of the header: an address, perhaps in brackets or quotes, perhaps with a port.
fn address_of(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim().trim_matches('"');
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let address: Option<IpAddr> = bare.parse().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

/// What a client counts as where requests or connections are counted: its address, of IPv6 the network of 64 bits that
/// one customer has.
pub(super) fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask(64))),
        address @ IpAddr::V4(_) => address,
    }
}

/// Names proxies in the log that are set up wrong, each at most once an hour.
#[derive(Default)]
pub(super) struct Complaints(Mutex<HashMap<IpAddr, Instant>>);

impl Complaints {
    /// Looks at one request of a peer.
    pub(super) fn look(
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
        let Ok(mut named) = self.0.lock() else {
            return false;
        };
        if named
            .get(&peer)
            .is_some_and(|at| now.saturating_duration_since(*at) < NAME_EVERY)
        {
            return false;
        }
        named.retain(|_, at| now.saturating_duration_since(*at) < NAME_EVERY);
        // Anybody can be such a peer, and the log must not fill up.
        if named.len() >= NAMED {
            return false;
        }
        named.insert(peer, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_are_read_and_hold_what_they_say() {
        let network = |text: &str| text.parse::<Network>();
        let has = |text: &str, address: &str| network(text).unwrap().has(ip(address));
        assert!(has("10.0.0.0/8", "10.255.1.2") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("192.0.2.7", "192.0.2.7") && !has("192.0.2.7", "192.0.2.6"));
        assert!(has("fd00::/8", "fdff::1") && !has("fd00::/8", "fe00::1"));
        assert!(has("::1", "::1") && !has("::1", "::2"));
        // A socket that takes both families tells IPv4 peers in this form.
        assert!(has("10.0.0.0/8", "::ffff:10.1.2.3") && !has("::1", "127.0.0.1"));
        for (text, why) in [
            ("10.0.0.1/8", NotANetwork::HostBits),
            ("fd00::1/64", NotANetwork::HostBits),
            ("0.0.0.0/0", NotANetwork::Everybody),
            ("::/0", NotANetwork::Everybody),
            ("10.0.0.0/33", NotANetwork::Malformed),
            ("10.0.0.0/+8", NotANetwork::Malformed),
            ("10.0.0.0/", NotANetwork::Malformed),
            ("proxy.acme.example", NotANetwork::Malformed),
            ("", NotANetwork::Malformed),
        ] {
            assert_eq!(network(text), Err(why), "{text}");
        }
    }

    #[test]
    fn this_machine_is_trusted_unless_told_otherwise() {
        let trusted = TrustedProxies::default();
        assert!(
            ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
                .iter()
                .all(|own| trusted.has(ip(own)))
        );
        assert!(
            !["126.255.255.255", "128.0.0.0", "::2", "10.0.0.1"]
                .iter()
                .any(|other| trusted.has(ip(other)))
        );
    }

    fn client(trusted: &[&str], peer: &str, lines: &[&str]) -> Option<String> {
        let trusted = TrustedProxies(trusted.iter().map(|text| text.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(
                FORWARDED_FOR,
                HeaderValue::from_bytes(line.as_bytes()).unwrap(),
            );
        }
        trusted
            .client(ip(peer), &headers)
            .0
            .map(|address| address.to_string())
    }

    #[test]
    fn the_client_is_the_right_most_address_that_is_no_trusted_proxy() {
        let of = |lines: &[&str]| {
            client(&["127.0.0.0/8", "10.0.0.0/8"], "127.0.0.1", lines).unwrap_or_default()
        };
        assert_eq!(of(&["192.0.2.1"]), "192.0.2.1");
        assert_eq!(of(&["192.0.2.1, 10.0.0.1, 10.0.0.2"]), "192.0.2.1");
        // What the client sent itself stands to the left of what the proxy saw.
        assert_eq!(of(&["198.51.100.9, 127.0.0.1, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(of(&["198.51.100.9", "192.0.2.1", "10.0.0.1"]), "192.0.2.1");
        assert_eq!(of(&["garbage, 192.0.2.1"]), "192.0.2.1");
        assert_eq!(of(&["10.0.0.7, 10.0.0.1"]), "10.0.0.7");
        assert_eq!(of(&["192.0.2.1, unknown, 10.0.0.1"]), "10.0.0.1");
        for (written, read) in [
            ("192.0.2.1:4711", "192.0.2.1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("\"2001:db8::1\"", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(of(&[written]), read, "{written}");
        }
    }

    #[test]
    fn without_a_header_the_client_of_a_proxy_is_unknown() {
        for lines in [&[][..], &[""], &["unknown"], &["192.0.2.1, garbage"]] {
            assert_eq!(
                client(&["127.0.0.0/8"], "127.0.0.1", lines),
                None,
                "{lines:?}"
            );
        }
    }

    #[test]
    fn nobody_else_can_name_another_address() {
        assert_eq!(
            client(&["127.0.0.0/8"], "192.0.2.1", &["198.51.100.9"]),
            Some("192.0.2.1".to_owned())
        );
        assert_eq!(
            client(&[], "127.0.0.1", &["198.51.100.9"]),
            Some("127.0.0.1".to_owned())
        );
    }

    #[test]
    fn a_customer_of_ipv6_counts_once() {
        assert_eq!(counted_as(ip("2001:db8:1:2:3::4")), ip("2001:db8:1:2::"));
        assert_eq!(counted_as(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }

    #[test]
    fn a_proxy_is_named_once_an_hour() {
        let complaints = Complaints::default();
        let now = Instant::now();
        assert!(complaints.is_due(ip("10.0.0.1"), now) && complaints.is_due(ip("10.0.0.2"), now));
        assert!(!complaints.is_due(ip("10.0.0.1"), now + NAME_EVERY - Duration::from_secs(1)));
        assert!(complaints.is_due(ip("10.0.0.1"), now + NAME_EVERY));
    }
}
