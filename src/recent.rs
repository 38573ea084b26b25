//! A bounded map that forgets old entries. It has two generations: when the young one is full or old, it replaces the old one.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use crate::domain::{Moment, Span};

/// Remembers each entry for at least its lifetime. If so many come that a generation is full, it remembers at least as many
/// further entries as a generation holds.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    since: Option<Moment>,
    life: Span,
    size: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// An empty map; `size` is how many entries a generation holds.
    pub(crate) fn new(life: Span, size: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            since: None,
            life,
            size,
        }
    }

    /// The newest value of the key.
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Adds an entry, or replaces the value of its key.
    pub(crate) fn insert(&mut self, key: K, value: V, now: Moment) {
        let since = *self.since.get_or_insert(now);
        if now - since >= self.life || self.young.len() >= self.size {
            self.old = std::mem::take(&mut self.young);
            self.since = Some(now);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_stays_for_its_life_and_for_a_generation_of_others() {
        let mut recent = Recent::new(Span::seconds(30), 3);
        recent.insert("a", 1, Moment(0));
        recent.insert("b", 2, Moment(0) + Span::seconds(30));
        assert_eq!((recent.get("a"), recent.get("b")), (Some(&1), Some(&2)));
        recent.insert("a", 3, Moment(0) + Span::seconds(31));
        assert_eq!(recent.get("a"), Some(&3), "the newer one counts");
        recent.insert("c", 4, Moment(0) + Span::seconds(60));
        recent.insert("d", 5, Moment(0) + Span::seconds(90));
        assert_eq!((recent.get("a"), recent.get("c")), (None, Some(&4)));

        let mut recent = Recent::new(Span::hours(1), 3);
        for n in 0..7 {
            recent.insert(n, (), Moment(0));
            assert!(
                (0..=n)
                    .rev()
                    .take(4)
                    .all(|known| recent.get(&known).is_some()),
                "{n}"
            );
        }
        assert_eq!(recent.get(&2), None, "and it stays small");
    }
}
