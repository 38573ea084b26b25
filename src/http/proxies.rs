//! Trusted proxies, and the client behind a request of theirs.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use super::network::IpNetwork;
use crate::net::ClientAddress;

/// The header in which proxies name their client: each appends the address that it saw.
pub(super) const FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies in front of this server, whose `X-Forwarded-For` counts.
#[derive(Clone, Debug)]
pub struct TrustedProxies(pub Vec<IpNetwork>);

impl Default for TrustedProxies {
    /// The proxies on this machine itself.
    fn default() -> Self {
        Self(IpNetwork::LOOPBACK.to_vec())
    }
}

impl TrustedProxies {
    /// True for an address of one of them.
    pub fn has(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.has(address))
    }

    /// The client of a request. A peer that is no trusted proxy is the client itself. Else it is the right-most forwarded
    /// address that is no trusted proxy, because anybody can write what stands to its left; where all are trusted, it is
    /// the left-most.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        if !self.has(peer) {
            return ClientAddress(Some(peer));
        }
        let mut nearest = None;
        // Several headers count as one list, in their order (RFC 9110, section 5.3).
        for hop in headers
            .get_all(FORWARDED_FOR)
            .iter()
            .rev()
            .flat_map(|value| value.as_bytes().rsplit(|b| *b == b','))
        {
            match address_of(hop) {
                Some(address) if self.has(address) => nearest = Some(address),
                Some(address) => return ClientAddress(Some(address)),
                // The proxy to the right wrote no address, so the client behind it is unknown.
                None => break,
            }
        }
        ClientAddress(nearest)
    }
}

/// One entry of the header: an address, which may be in brackets or quotes and may have a port.
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
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
}
