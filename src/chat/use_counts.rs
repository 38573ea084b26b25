//! Counts the uses of addresses that a platform accepts only a few times.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::Moment;

/// The uses of each address, until it expires.
#[derive(Default)]
pub(super) struct UseCounts(Mutex<HashMap<String, (u32, Moment)>>);

impl UseCounts {
    /// The number of uses so far.
    pub(super) fn count(&self, address: &str) -> u32 {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.get(address).map_or(0, |(count, _)| *count)
    }

    /// Gives a use back that certainly did not reach the platform.
    pub(super) fn give_back(&self, address: &str) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, _)) = used.get_mut(address) {
            *count = count.saturating_sub(1);
        }
    }

    /// Counts one more use of an address that expires at `until`, and returns the new count. Expired addresses are
    /// dropped.
    pub(super) fn take(&self, address: &str, until: Moment, now: Moment) -> u32 {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, (_, until)| *until > now);
        let (count, _) = used.entry(address.to_owned()).or_insert((0, until));
        *count += 1;
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_counted_and_what_was_not_sent_is_given_back() {
        let (uses, until) = (UseCounts::default(), Moment(1000));
        assert_eq!(
            (
                uses.take("a", until, Moment(0)),
                uses.take("a", until, Moment(1))
            ),
            (1, 2)
        );
        uses.give_back("a");
        uses.give_back("b");
        assert_eq!((uses.count("a"), uses.count("b")), (1, 0));
        assert_eq!(
            uses.take("b", until, Moment(1000)),
            1,
            "what works no longer is forgotten"
        );
        assert_eq!(uses.count("a"), 0);
    }
}
