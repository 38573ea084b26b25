//! What people type and paste: characters that show nothing are left out, unless they can change the order of the others.

/// True for a character that shows nothing: no width, or a direction.
pub(super) fn is_invisible(c: char) -> bool {
    is_zero_width(c) || is_direction(c) || matches!(c, '\u{2065}' | '\u{206a}'..='\u{206f}')
}

/// True for a character that shows nothing and has no direction (Unicode Standard Annex #9, type "Boundary Neutral").
const fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// True for a mark of direction (Unicode Standard Annex #9, "Directional Formatting Characters").
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// True for a mark of direction that begins no text from right to left: those from left to right, the end of any, and the
/// one that takes the direction of the letters after it.
const fn is_left_to_right(c: char) -> bool {
    is_direction(c)
        && !matches!(
            c,
            '\u{61c}' | '\u{200f}' | '\u{202b}' | '\u{202e}' | '\u{2067}'
        )
}

/// A typed text as people see it, for whoever parses it: the other marks of direction stay in the text, and no address
/// and no name has one. With `\u{202e}` before it `ana@` is seen as `@ana`; without it we would act on what nobody saw.
///
/// Marks from left to right are left out around a word, where chats and contact lists put them. Inside a word they stay:
/// in a chat from right to left they change the order of digits.
///
/// What a directory or a chat tells is not read like this: there, two addresses that look alike are two addresses.
pub(crate) fn visible(text: &str) -> String {
    let seen: String = text.chars().filter(|c| !is_zero_width(*c)).collect();
    let words: Vec<&str> = seen
        .split(char::is_whitespace)
        .map(|word| word.trim_matches(is_left_to_right))
        .collect();
    words.join(" ")
}

/// True where [`visible`] left such a mark, so that the text may be seen otherwise than it is read.
pub(crate) fn has_mark(text: &str) -> bool {
    text.contains(is_invisible)
}

/// A typed text for showing and for the record, without any mark: it must not change the order of the text around it.
pub(crate) fn without_marks(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_seen_counts() {
        assert_eq!(
            visible("jo@\u{200b}acme\u{feff}.example"),
            "jo@acme.example"
        );
        assert_eq!(visible("\u{202a}+82 10\u{202c} 1"), "+82 10 1");
        assert_eq!(
            visible("\u{2068}+82\u{2069}\u{202d} 10\u{200b}\u{200e}"),
            "+82 10"
        );
        assert_eq!(visible("박 é 🔑"), "박 é 🔑");
    }

    #[test]
    fn what_can_change_the_order_stays() {
        for mark in ['\u{61c}', '\u{200f}', '\u{202b}', '\u{202e}', '\u{2067}'] {
            for text in [
                format!("{mark}ana@\u{202c}"),
                format!("an{mark}a"),
                format!("ana{mark}"),
            ] {
                assert!(has_mark(&visible(&text)), "{text:?}");
                assert!(!has_mark(&without_marks(&text)), "{text:?}");
            }
        }
        for mark in ['\u{200e}', '\u{202a}', '\u{202d}', '\u{2066}', '\u{2068}'] {
            assert!(has_mark(&visible(&format!("12{mark}34"))), "{mark:?}");
        }
    }
}
