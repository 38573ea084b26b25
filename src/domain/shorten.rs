//! Shortening a text to the room that there is: between two words, never inside one.

/// Stands for what is left out.
const ELLIPSIS: char = '…';

/// How many characters of a word have to be left beside the ellipsis, so that it is still known.
const ENDS: usize = 6;

/// The text in at most `limit` characters. A word that alone is longer, such as an address, is shortened in its middle.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    shorten_by(text, limit, |_| 1)
}

/// The same in at most `limit` bytes of UTF-8.
pub(crate) fn shorten_bytes(text: &str, limit: usize) -> String {
    shorten_by(text, limit, char::len_utf8)
}

/// The text in at most `limit` characters: the label of a button names an address and what is done with it. Where the longest
/// word alone can make up for the excess, as an address can, it is shortened in its middle.
pub(crate) fn shorten_longest_word(text: &str, limit: usize) -> String {
    let over = text.chars().count().saturating_sub(limit);
    if over == 0 {
        return text.to_owned();
    }
    let longest = text.split(' ').max_by_key(|word| word.chars().count());
    let room = |word: &str| word.chars().count().checked_sub(over + 1);
    match longest.and_then(|word| Some((word, room(word).filter(|room| *room >= ENDS)?))) {
        Some((word, room)) => {
            let shortened = without_middle(word, room, |_| 1);
            shorten(&text.replacen(word, &shortened, 1), limit)
        }
        None => shorten(text, limit),
    }
}

fn shorten_by(text: &str, limit: usize, size: impl Fn(char) -> usize) -> String {
    let size_of = |text: &str| -> usize { text.chars().map(&size).sum() };
    if size_of(text) <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub(size(ELLIPSIS));
    let mut kept = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let (before, bare) = (size_of(&kept), word.trim_end());
        let (length, gap) = (size_of(bare), size_of(word) - size_of(bare));
        if before + length <= room {
            kept.push_str(word);
        } else if length > limit {
            // No room would be enough for it.
            kept.push_str(&without_middle(bare, room.saturating_sub(before), &size));
            return kept;
        } else {
            break;
        }
        if before + length + gap > room {
            break;
        }
    }
    let mut shortened = kept.trim_end().to_owned();
    shortened.push(ELLIPSIS);
    shortened
}

/// The beginning and the end of a word, which together take at most `room`, with an ellipsis between them.
fn without_middle(word: &str, room: usize, size: impl Fn(char) -> usize) -> String {
    let fitting = |letters: &mut dyn Iterator<Item = char>, room: usize| -> String {
        let mut left = room;
        let mut kept = String::new();
        for letter in letters {
            let Some(rest) = left.checked_sub(size(letter)) else {
                break;
            };
            left = rest;
            kept.push(letter);
        }
        kept
    };
    let begin = fitting(&mut word.chars(), room.div_ceil(2));
    let taken: usize = begin.chars().map(&size).sum();
    let end = fitting(&mut word.chars().rev(), room.saturating_sub(taken));
    let end: String = end.chars().rev().collect();
    format!("{begin}{ELLIPSIS}{end}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_words_stay() {
        for (text, limit, shortened) in [
            ("Mina Park", 9, "Mina Park"),
            ("Mina Park", 8, "Mina…"),
            ("Mina Park", 5, "Mina…"),
            ("Mina  Park of Sales", 12, "Mina  Park…"),
            ("Mina", 3, "M…a"),
            (
                "Email w@averylongdomain.example",
                20,
                "Email w@avery…xample",
            ),
            ("박미나", 2, "박…"),
        ] {
            assert_eq!(shorten(text, limit), shortened, "{limit}");
        }
        for (text, limit, shortened) in [
            ("Mina Park", 8, "Mina…"),
            ("박미나", 9, "박미나"),
            ("박미나", 8, "박…"),
            ("박미나", 5, "…"),
        ] {
            assert_eq!(shorten_bytes(text, limit), shortened, "{limit}");
        }
    }

    #[test]
    fn a_label_keeps_its_verb() {
        for (text, shortened) in [
            ("Text it to +82 ··· ··42", "Text it to +82 ··· ··42"),
            (
                "Email it to m···@averylongdomain.example",
                "Email it to m···@aver….example",
            ),
            // No word alone is long enough, so none is cut inside.
            (
                "Send a code there, to see that it works",
                "Send a code there, to see…",
            ),
        ] {
            assert_eq!(shorten_longest_word(text, 30), shortened);
        }
    }

    proptest! {
        #[test]
        fn a_label_fits(text in "[a-z박@ ]{0,90}", limit in 3_usize..50) {
            prop_assert!(shorten_longest_word(&text, limit).chars().count() <= limit);
        }

        #[test]
        fn what_is_shortened_fits(text in "[a-z박 🔑é]{0,60}", limit in 3_usize..50) {
            prop_assert!(shorten(&text, limit).chars().count() <= limit);
            prop_assert!(shorten_bytes(&text, limit).len() <= limit);
        }

        /// Every part of what is left is a whole word, unless a word alone is too long.
        #[test]
        fn no_word_is_cut(text in "[a-z]{1,9}( [a-z]{1,9}){0,9}", limit in 10_usize..50) {
            let shortened = shorten(&text, limit);
            let words: Vec<&str> = text.split(' ').collect();
            for word in shortened.trim_end_matches('…').split(' ') {
                prop_assert!(words.contains(&word), "{shortened}");
            }
        }
    }
}
