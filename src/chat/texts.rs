//! The few texts that belong to a platform's own dialogs, and cutting texts to a platform's limits.
//!
//! All other sentences come from `flow/messages/`, inside the [`Message`](super::Message) or the
//! [`Form`](super::Form) that an adapter renders. What operators read in `relatch check` and `register` is in the
//! adapter itself, because it names the platform's own settings.

/// Closes a dialog without an answer.
pub(super) const CLOSE: &str = "Close";

/// Goes back from a form that has replaced its card.
pub(super) const BACK: &str = "Back";

/// Shown by clients that cannot show buttons.
pub(super) const BUTTONS: &str = "buttons";

/// Cuts a text to `limit` characters, with an ellipsis for what is cut.
pub(super) fn fit(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(limit.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Cuts a text to `limit` bytes in UTF-8, between two characters, with an ellipsis for what is cut.
pub(super) fn fit_bytes(text: &str, limit: usize) -> String {
    const ELLIPSIS: char = '…';
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut cut = String::new();
    for character in text.chars() {
        if cut.len() + character.len_utf8() + ELLIPSIS.len_utf8() > limit {
            break;
        }
        cut.push(character);
    }
    cut.push(ELLIPSIS);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_with_the_ellipsis() {
        assert_eq!(fit_bytes("Mina Park", 9), "Mina Park");
        assert_eq!(fit_bytes("Mina Park", 8), "Mina …");
        assert_eq!(fit_bytes("박미나", 9), "박미나");
        assert_eq!(fit_bytes("박미나", 8), "박…");
        assert_eq!(fit_bytes("박미나", 5), "…");
        for limit in 3..40 {
            assert!(fit_bytes("Phone or email of 박미나", limit).len() <= limit);
        }
    }
}
