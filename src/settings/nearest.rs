//! The known key that is nearest to a mistyped one.

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
    let distances = known.iter().map(|known| (distance(known, &key), *known));
    let (_, nearest) = distances.filter(|(far, _)| *far <= most).min()?;
    Some(nearest)
}

/// Edit distance of two words. Our own: `strsim` would save these lines for one more crate.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(other.bytes()) {
            let above = *cell;
            left = (corner + usize::from(a != b)).min(above + 1).min(left + 1);
            corner = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_near() {
        assert_eq!(distance("window", "windwo"), 2);
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
