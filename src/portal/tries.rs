//! Slows down guessing: by account and network, and the same for every address, whether somebody has it or not.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use crate::domain::{Moment, Span};
use crate::net::ClientAddress;
use crate::recent::Recent;

/// Tries that cost nothing.
const FREE: u32 = 3;

/// The longest pause between two tries for an account from one network.
const LONGEST: Span = Span::minutes(15);

/// How many pairs a generation remembers: some megabytes in all. The lock of the account stays when a pair is forgotten.
const SIZE: usize = 50_000;

/// How long a pair is remembered.
const LIFE: Span = Span::hours(24);

/// The network of a client: IPv4 by 24 bits, IPv6 by 56, which is what a customer gets (RIPE-690, 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network(Option<IpAddr>);

impl Network {
    pub(super) fn of(client: ClientAddress) -> Self {
        Self(client.0.map(|address| match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4((address.to_bits() & (u32::MAX << 8)).into()),
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() & (u128::MAX << 72)).into()),
        }))
    }

    /// Its name; none where the client's address is unknown.
    pub(super) fn name(self) -> Option<String> {
        self.0.map(|address| address.to_string())
    }
}

/// Who is slowed down: a digest of the account and of where the try comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair(pub(super) [u8; 16]);

/// Tries since the last right one, and when the last was.
type Count = (u32, Moment);

/// A try that was counted, and what the count was before.
#[derive(Debug)]
pub(super) struct Taken {
    pair: Pair,
    at: Moment,
    before: Option<Count>,
}

/// The tries of each pair.
pub(super) struct Throttle(Mutex<Recent<[u8; 16], Count>>);

impl Default for Throttle {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(LIFE, SIZE)))
    }
}

impl Throttle {
    /// Counts a try before its password is looked at, so that many at once are as slow as one after the other. The error
    /// is when the next try is allowed.
    pub(super) fn take(&self, pair: Pair, now: Moment) -> Result<Taken, Moment> {
        let Ok(mut all) = self.0.lock() else {
            return Ok(Taken {
                pair,
                at: now,
                before: None,
            });
        };
        let before = all.get(&pair.0).copied();
        let (tries, last) = before.unwrap_or((0, now));
        if let Some(doublings) = tries.checked_sub(FREE) {
            let until = last + Span::seconds(1 << doublings.min(16)).min(LONGEST);
            if until > now {
                return Err(until);
            }
        }
        all.insert(pair.0, (tries.saturating_add(1), now), now);
        Ok(Taken {
            pair,
            at: now,
            before,
        })
    }

    /// Forgets a pair whose password was right.
    pub(super) fn succeeded(&self, taken: &Taken) {
        if let Ok(mut all) = self.0.lock() {
            all.insert(taken.pair.0, (0, taken.at), taken.at);
        }
    }

    /// Takes back a try whose password was not looked at.
    pub(super) fn give_back(&self, taken: &Taken) {
        let Ok(mut all) = self.0.lock() else { return };
        let Some((tries, last)) = all.get(&taken.pair.0).copied() else {
            return;
        };
        let before = taken.before.unwrap_or((0, last));
        // Another try came meanwhile: its pause stays.
        let count = if last == taken.at && tries == before.0 + 1 {
            before
        } else {
            (tries.saturating_sub(1), last)
        };
        all.insert(taken.pair.0, count, taken.at);
    }
}

/// Tries that are being looked at, by account or device: they count against the budget before they are in the record.
#[derive(Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<HashMap<String, u32>>>);

/// One of them, until it is dropped.
pub(super) struct Counted {
    all: UnderWay,
    key: String,
    /// How many there are with this one.
    pub(super) count: u32,
}

impl UnderWay {
    /// Counts one more. Take it before the record is read: then a try that ended meanwhile is counted in one or the other.
    pub(super) fn count(&self, key: String) -> Counted {
        let count = self.0.lock().map_or(u32::MAX, |mut all| {
            let count = all.entry(key.clone()).or_insert(0);
            *count = count.saturating_add(1);
            *count
        });
        Counted {
            all: self.clone(),
            key,
            count,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Ok(mut all) = self.all.0.lock() else {
            return;
        };
        if let Some(count) = all.get_mut(&self.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                all.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Pair = Pair([1; 16]);

    #[test]
    fn the_pause_doubles_after_three_tries() {
        let throttle = Throttle::default();
        let mut now = Moment(0);
        for pause in [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            let until = now + Span::seconds(pause);
            if pause > 0 {
                assert_eq!(throttle.take(ONE, now).unwrap_err(), until);
            }
            now = until;
            assert!(throttle.take(ONE, now).is_ok());
        }
        assert!(throttle.take(Pair([2; 16]), now).is_ok());
        let taken = throttle.take(ONE, now + LONGEST).unwrap();
        throttle.succeeded(&taken);
        assert!(throttle.take(ONE, now + LONGEST).is_ok());
    }

    #[test]
    fn a_try_that_was_not_looked_at_is_taken_back() {
        let throttle = Throttle::default();
        for _ in 0..20 {
            let taken = throttle.take(ONE, Moment(0)).unwrap();
            throttle.give_back(&taken);
        }
        for _ in 0..3 {
            assert!(throttle.take(ONE, Moment(0)).is_ok());
        }
        assert!(throttle.take(ONE, Moment(0)).is_err());
    }

    #[test]
    fn neighbours_share_a_network() {
        let of = |text: &str| Network::of(ClientAddress(Some(text.parse().unwrap())));
        assert_eq!(of("192.0.2.1"), of("192.0.2.254"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.7"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_eq!(of("2001:db8:0:1234::1"), of("2001:db8:0:12ff:ffff::9"));
        assert_ne!(of("2001:db8:0:1234::1"), of("2001:db8:0:1300::1"));
        assert_eq!(of("2001:db8::1").name().as_deref(), Some("2001:db8::"));
        assert_eq!(Network::of(ClientAddress(None)).name(), None);
    }

    #[test]
    fn what_is_under_way_is_counted_until_it_ends() {
        let all = UnderWay::default();
        let (one, two) = (all.count("a".to_owned()), all.count("a".to_owned()));
        assert_eq!(
            (one.count, two.count, all.count("b".to_owned()).count),
            (1, 2, 1)
        );
        drop((one, two));
        assert_eq!(all.count("a".to_owned()).count, 1);
        assert!(all.0.lock().unwrap().is_empty());
    }
}
