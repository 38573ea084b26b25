//! Signed requests of the last minutes, in memory: the first, fast check for replays.

use std::sync::Mutex;

use sha2::{Digest, Sha256};

use crate::domain::{Moment, Span};
use crate::recent::Recent;
use crate::store::ReplayKey;

/// How long a request is surely remembered here. The record remembers it for nine hours.
const REMEMBER_FOR: Span = Span::minutes(11);

/// How many requests one generation of the memory holds. Beyond that only the record remembers.
const CAPACITY: usize = 50_000;

/// Requests that this process has received. It answers at once when the same bytes come again while the first request is
/// still handled. After a restart, and between replicas, only the record detects a replay.
pub struct RecentRequests(Mutex<Recent<Fingerprint, ()>>);

/// The first half of a digest: enough to tell requests apart, at a fifth of the key's size.
type Fingerprint = [u8; 16];

impl Default for RecentRequests {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(REMEMBER_FOR, CAPACITY)))
    }
}

impl RecentRequests {
    /// Remembers a request. True the first time.
    pub fn is_new(&self, key: &ReplayKey, now: Moment) -> bool {
        let Ok(mut recent) = self.0.lock() else {
            return true;
        };
        let key = fingerprint(key);
        let is_new = recent.get(&key).is_none();
        if is_new {
            recent.insert(key, (), now);
        }
        is_new
    }
}

fn fingerprint(key: &ReplayKey) -> Fingerprint {
    let digest: [u8; 32] = Sha256::digest(key.as_str()).into();
    let mut half = Fingerprint::default();
    half.copy_from_slice(digest.split_at(16).0);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_remembered_for_eleven_minutes_at_least() {
        let recent = RecentRequests::default();
        let key = |text: &str| ReplayKey::new(text.to_owned());
        assert!(recent.is_new(&key("a"), Moment(0)));
        assert!(!recent.is_new(&key("a"), Moment(1)));
        assert!(recent.is_new(&key("b"), Moment(0) + REMEMBER_FOR));
        assert!(!recent.is_new(&key("a"), Moment(0) + REMEMBER_FOR));
    }
}
