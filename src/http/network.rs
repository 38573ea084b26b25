//! Ranges of IP addresses, and as what an address counts where requests or connections are counted.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses in CIDR notation, such as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpNetwork {
    first: u128,
    /// The length of the prefix in 128 bits; IPv4 lies behind `::ffff:0:0/96`.
    bits: u32,
}

/// Why a text is no range of addresses that can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotANetwork {
    /// It is not in CIDR notation.
    #[error("is no network; write one as \"10.0.0.0/8\", \"fd00::/8\" or \"10.0.0.5\"")]
    Malformed,
    /// Bits behind the prefix are set, so either the address or the prefix is mistyped.
    #[error(
        "has more bits set than its prefix covers; write \"10.0.0.0/8\", or \"10.0.0.5\" for one address"
    )]
    HostBits,
    /// With this prefix every peer could claim any address.
    #[error("trusts everybody; name the proxy's own addresses, such as \"10.0.0.5\"")]
    Everybody,
}

impl IpNetwork {
    /// The loopback addresses of both families.
    pub(super) const LOOPBACK: [Self; 2] = [
        Self {
            first: 0xffff_7f00_0000,
            bits: 96 + 8,
        },
        Self {
            first: Ipv6Addr::LOCALHOST.to_bits(),
            bits: 128,
        },
    ];

    /// True for an address of the range.
    pub fn has(&self, address: IpAddr) -> bool {
        bits_of(address) & mask(self.bits) == self.first
    }
}

impl FromStr for IpNetwork {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        // The parser says only that it is no address, which `Malformed` says with an example.
        let address: IpAddr = address.parse().map_err(|_| NotANetwork::Malformed)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            // Rust parses "+8" as a number, but it is no prefix.
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

/// As what a client is counted: IPv4 by its address, IPv6 by its /64, which one customer has to themselves.
pub(super) fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask(64))),
        address @ IpAddr::V4(_) => address,
    }
}

/// An address as 128 bits; IPv4 as its IPv4-mapped IPv6 address.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_are_read_and_hold_what_they_say() {
        let network = |text: &str| text.parse::<IpNetwork>();
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
    fn a_customer_of_ipv6_counts_once() {
        assert_eq!(counted_as(ip("2001:db8:1:2:3::4")), ip("2001:db8:1:2::"));
        assert_eq!(counted_as(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }
}
