//! The known word that is nearest to a mistyped one.

use std::collections::BTreeSet;

/// The known key that somebody probably meant. A dash counts as an underscore, and capitals do not count.
pub(super) fn nearest(known: &BTreeSet<&'static str>, key: &str) -> Option<&'static str> {
    let key = key.to_lowercase().replace('-', "_");
    // In a short word two other letters make another word.
    let most = match key.len() {
        0..=3 => 1,
        4..=8 => 2,
        _ => 3,
    };
    nearest_within(known.iter().copied(), &key, most)
}

/// The known word from which this one differs least, and in at most so many places.
pub(crate) fn nearest_within(
    known: impl IntoIterator<Item = &'static str>,
    word: &str,
    most: usize,
) -> Option<&'static str> {
    let distances = known
        .into_iter()
        .map(|known| (distance(known, word), known));
    let (_, nearest) = distances.filter(|(far, _)| *far <= most).min()?;
    Some(nearest)
}

/// In how many places two words differ: a letter too many, too few or another one, or two neighbours in the other order
/// ("optimal string alignment"). Our own: `strsim` would save these lines for one more crate.
fn distance(one: &str, other: &str) -> usize {
    let first: Vec<usize> = (0..=other.len()).collect();
    let mut rows = (Vec::new(), first);
    let mut before = None;
    for (i, a) in one.bytes().enumerate() {
        let next = next_row(&rows, (before, a), i + 1, other);
        rows = (rows.1, next);
        before = Some(a);
    }
    rows.1.last().copied().unwrap_or_default()
}

/// The distances of the first `length` letters of one word, which end in `a` after `before`, from each beginning of the
/// other. `above` has the rows of two letters less and of one.
fn next_row(
    (second_above, above): &(Vec<usize>, Vec<usize>),
    (before, a): (Option<u8>, u8),
    length: usize,
    other: &str,
) -> Vec<usize> {
    let at = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX - 1);
    let mut row = vec![length];
    let mut left = length;
    let mut b_before = None;
    for (j, b) in other.bytes().enumerate() {
        let changed = at(above, j) + usize::from(a != b);
        let mut least = changed.min(at(above, j + 1) + 1).min(left + 1);
        if b_before == Some(a) && before == Some(b) && j > 0 {
            least = least.min(at(second_above, j - 1) + 1);
        }
        row.push(least);
        left = least;
        b_before = Some(b);
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_near() {
        assert_eq!(distance("window", "windwo"), 1);
        assert_eq!(distance("log", "lgo"), 1);
        assert_eq!(distance("contact", "contract"), 1);
        assert_eq!(distance("ca", "abc"), 3);
        assert_eq!(distance("why", ""), 3);
        assert_eq!(distance("window", "window"), 0);
        assert_eq!(distance("", "abc"), 3);
        assert!(distance("bot_token", "signing_secret") > 2);
    }

    #[test]
    fn the_nearest_is_taken_and_nothing_that_is_far() {
        let known = BTreeSet::from(["bot_token", "email", "log", "sms", "url", "urls"]);
        for (key, meant) in [
            ("emial", Some("email")),
            ("urll", Some("url")),
            ("botToken", Some("bot_token")),
            ("bot-token", Some("bot_token")),
            ("smz", Some("sms")),
            ("foo", None),
            ("lag_of_all", None),
        ] {
            assert_eq!(nearest(&known, key), meant, "{key}");
        }
    }
}
