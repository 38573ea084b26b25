//! Passwords that are being checked now. They count against the budget of an account or device before the database has
//! them, so that many tries at once cannot exceed it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// How many tries run, by account or device.
#[derive(Clone, Default)]
pub(super) struct RunningTries(Arc<Mutex<HashMap<String, u32>>>);

/// One of them, until it is dropped.
pub(super) struct RunningTry {
    all: RunningTries,
    key: String,
    /// How many run with this one.
    pub(super) count: u32,
}

impl RunningTries {
    /// Counts one more. Call it before the database is read: a try that ends in between is then counted twice, and never
    /// missed.
    pub(super) fn begin(&self, key: String) -> RunningTry {
        let count = self.0.lock().map_or(u32::MAX, |mut all| {
            let count = all.entry(key.clone()).or_insert(0);
            *count = count.saturating_add(1);
            *count
        });
        RunningTry {
            all: self.clone(),
            key,
            count,
        }
    }
}

impl Drop for RunningTry {
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

    #[test]
    fn what_is_under_way_is_counted_until_it_ends() {
        let all = RunningTries::default();
        let (one, two) = (all.begin("a".to_owned()), all.begin("a".to_owned()));
        assert_eq!(
            (one.count, two.count, all.begin("b".to_owned()).count),
            (1, 2, 1)
        );
        drop((one, two));
        assert_eq!(all.begin("a".to_owned()).count, 1);
        assert!(all.0.lock().unwrap().is_empty());
    }
}
