//! Slows down guessing: the pause between two tries doubles, by account and network, and the same for every address,
//! whether it has an account or not.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::domain::code_alone::{
    CODE_SIGN_INS_COUNT_FOR, CODE_SIGN_INS_OF_A_NETWORK, CODE_SIGN_INS_OF_ALL,
};
use crate::domain::{Moment, Span};
use crate::net::ClientAddress;
use crate::recent::Recent;

/// How many wrong passwords cost no pause: people mistype.
const FREE_TRIES: u32 = 3;

/// The longest pause between two tries.
const LONGEST_PAUSE: Span = Span::minutes(15);

/// How many keys a generation remembers: some megabytes in all. When a key is forgotten, the lock of its account stays.
const SIZE: usize = 50_000;

/// How long a key is remembered.
const LIFE: Span = Span::hours(24);

/// The network of a client: IPv4 by 24 bits, IPv6 by 56, which is what a customer gets (RIPE-690, 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClientNetwork(Option<IpAddr>);

impl ClientNetwork {
    pub(super) fn of(client: ClientAddress) -> Self {
        Self(client.0.map(|address| match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4((address.to_bits() & (u32::MAX << 8)).into()),
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 72)).into()),
        }))
    }

    /// The network of a whole site: IPv6 by 48 bits. One who has so many has 256 networks of 56.
    pub(super) fn site(self) -> Self {
        Self(self.0.map(|address| match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 80)).into()),
        }))
    }

    /// Its name; none where the client's address is unknown.
    pub(super) fn name(self) -> Option<String> {
        self.0.map(|address| address.to_string())
    }
}

/// Who is slowed down: a digest of where the try comes from, and of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ThrottleKey(pub(super) [u8; 16]);

/// How many tries there were since the last right one, and when the last was.
type TryCount = (u32, Moment);

/// A counted try, and the count before it.
#[derive(Debug)]
pub(super) struct CountedTry {
    key: ThrottleKey,
    at: Moment,
    before: Option<TryCount>,
}

/// The tries of each key.
pub(super) struct Throttle(Mutex<Recent<[u8; 16], TryCount>>);

impl Default for Throttle {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(LIFE, SIZE)))
    }
}

impl Throttle {
    /// Counts a try, before its password is checked: many at once are as slow as one after the other. The error is when
    /// the next try is allowed.
    pub(super) fn count(&self, key: ThrottleKey, now: Moment) -> Result<CountedTry, Moment> {
        let Ok(mut all) = self.0.lock() else {
            return Ok(CountedTry {
                key,
                at: now,
                before: None,
            });
        };
        let before = all.get(&key.0).copied();
        let (tries, last) = before.unwrap_or((0, now));
        if let Some(doublings) = tries.checked_sub(FREE_TRIES) {
            let until = last + Span::seconds(1 << doublings.min(16)).min(LONGEST_PAUSE);
            if until > now {
                return Err(until);
            }
        }
        all.insert(key.0, (tries.saturating_add(1), now), now);
        Ok(CountedTry {
            key,
            at: now,
            before,
        })
    }

    /// The password was right: the count begins anew.
    pub(super) fn reset(&self, counted: &CountedTry) {
        if let Ok(mut all) = self.0.lock() {
            all.insert(counted.key.0, (0, counted.at), counted.at);
        }
    }

    /// Takes back a try whose password was not checked.
    pub(super) fn take_back(&self, counted: &CountedTry) {
        let Ok(mut all) = self.0.lock() else { return };
        let Some((tries, last)) = all.get(&counted.key.0).copied() else {
            return;
        };
        let before = counted.before.unwrap_or((0, last));
        // If another try was counted in between, its pause stays.
        let count = if last == counted.at && tries == before.0 + 1 {
            before
        } else {
            (tries.saturating_sub(1), last)
        };
        all.insert(counted.key.0, count, counted.at);
    }
}

/// Why no sign-in by a code may begin, and when the next one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeSignInsFull {
    /// Enough began in this network.
    Network(Moment),
    /// Enough began in all networks together.
    All(Moment),
}

/// How many sign-ins by a code begin in one network, and in all together, whatever the addresses. Clients whose address is
/// not known count as one network: a code may cost money.
pub(super) struct CodeSignInLimit(Mutex<BegunCodeSignIns>);

struct BegunCodeSignIns {
    of_networks: Recent<ClientNetwork, Vec<Moment>>,
    /// How many began since then, in all networks.
    of_all: (u32, Moment),
}

impl Default for CodeSignInLimit {
    fn default() -> Self {
        Self(Mutex::new(BegunCodeSignIns {
            of_networks: Recent::new(CODE_SIGN_INS_COUNT_FOR, SIZE),
            of_all: (0, Moment(0)),
        }))
    }
}

impl CodeSignInLimit {
    /// Counts one. `is_known`: of a browser that the account knows, which the others together do not hold up.
    pub(super) fn count(
        &self,
        network: ClientNetwork,
        is_known: bool,
        now: Moment,
    ) -> Result<(), CodeSignInsFull> {
        let network = network.site();
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut times = begun.of_networks.get(&network).cloned().unwrap_or_default();
        times.retain(|at| now - *at < CODE_SIGN_INS_COUNT_FOR);
        let first_that_counts = times
            .len()
            .checked_sub(CODE_SIGN_INS_OF_A_NETWORK)
            .and_then(|at| times.get(at));
        if let Some(at) = first_that_counts {
            return Err(CodeSignInsFull::Network(*at + CODE_SIGN_INS_COUNT_FOR));
        }
        let (count, since) = begun.of_all;
        let is_over = now - since >= CODE_SIGN_INS_COUNT_FOR;
        let (count, since) = if is_over { (0, now) } else { (count, since) };
        if count >= CODE_SIGN_INS_OF_ALL && !is_known {
            return Err(CodeSignInsFull::All(since + CODE_SIGN_INS_COUNT_FOR));
        }
        begun.of_all = (count.saturating_add(1), since);
        times.push(now);
        begun.of_networks.insert(network, times, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_sign_ins_by_a_code_begin_in_a_network_each_minute() {
        let limit = CodeSignInLimit::default();
        let of = |text: &str| ClientNetwork::of(ClientAddress(Some(text.parse().unwrap())));
        let count = |network, at| limit.count(network, false, at);
        let (one, other) = (of("192.0.2.1"), of("198.51.100.1"));
        for second in 0..5 {
            assert_eq!(count(one, Moment(0) + Span::seconds(second)), Ok(()));
        }
        let end = Moment(0) + Span::minutes(1);
        for _ in 0..10 {
            let full = Err(CodeSignInsFull::Network(end));
            assert_eq!(count(one, end - Span(1)), full);
            assert_eq!(limit.count(one, true, end - Span(1)), full);
        }
        assert_eq!(count(other, end - Span(1)), Ok(()));
        assert_eq!(count(one, end), Ok(()), "the refused ones do not count");
        let full = Err(CodeSignInsFull::Network(end + Span::seconds(1)));
        assert_eq!(count(one, end), full);
        let unknown = ClientNetwork::of(ClientAddress(None));
        assert!((0..5).all(|_| count(unknown, end).is_ok()));
        assert!(count(unknown, end).is_err());
        // 256 networks of one site are one.
        let of_site = |number: u32| of(&format!("2001:db8:7:{number:x}00::1"));
        assert!((0..5).all(|number| count(of_site(number), end).is_ok()));
        assert!(count(of_site(5), end).is_err());
        assert_eq!(count(of("2001:db8:8::1"), end), Ok(()));
    }

    #[test]
    fn all_networks_together_have_a_limit_too() {
        let limit = CodeSignInLimit::default();
        let of =
            |number: u32| ClientNetwork::of(ClientAddress(Some(IpAddr::V4((number << 8).into()))));
        let all = CODE_SIGN_INS_OF_ALL;
        assert!((0..all).all(|number| limit.count(of(number), false, Moment(0)).is_ok()));
        let end = Moment(0) + Span::minutes(1);
        let full = Err(CodeSignInsFull::All(end));
        assert_eq!(limit.count(of(all), false, end - Span(1)), full);
        assert_eq!(limit.count(of(all), true, end - Span(1)), Ok(()));
        assert_eq!(limit.count(of(all), false, end), Ok(()));
    }

    const ONE: ThrottleKey = ThrottleKey([1; 16]);

    #[test]
    fn the_pause_doubles_after_three_tries() {
        let throttle = Throttle::default();
        let mut now = Moment(0);
        for pause in [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            let until = now + Span::seconds(pause);
            if pause > 0 {
                assert_eq!(throttle.count(ONE, now).unwrap_err(), until);
            }
            now = until;
            assert!(throttle.count(ONE, now).is_ok());
        }
        assert!(throttle.count(ThrottleKey([2; 16]), now).is_ok());
        let counted = throttle.count(ONE, now + LONGEST_PAUSE).unwrap();
        throttle.reset(&counted);
        assert!(throttle.count(ONE, now + LONGEST_PAUSE).is_ok());
    }

    #[test]
    fn a_try_that_was_not_looked_at_is_taken_back() {
        let throttle = Throttle::default();
        for _ in 0..20 {
            let counted = throttle.count(ONE, Moment(0)).unwrap();
            throttle.take_back(&counted);
        }
        for _ in 0..3 {
            assert!(throttle.count(ONE, Moment(0)).is_ok());
        }
        assert!(throttle.count(ONE, Moment(0)).is_err());
    }

    #[test]
    fn neighbours_share_a_network() {
        let of = |text: &str| ClientNetwork::of(ClientAddress(Some(text.parse().unwrap())));
        assert_eq!(of("192.0.2.1"), of("192.0.2.254"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.7"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("2001:db8:0:1234::1"), of("2001:db8:0:12ff:ffff::9"));
        assert_ne!(of("2001:db8:0:1234::1"), of("2001:db8:0:1300::1"));
        assert_eq!(of("2001:db8::1").name().as_deref(), Some("2001:db8::"));
        assert_eq!(ClientNetwork::of(ClientAddress(None)).name(), None);
    }
}
