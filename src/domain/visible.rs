//! What people type and paste: characters that show nothing are left out.

/// True for a character that shows nothing: no width, or a direction. Chats and contact lists put them around what people
/// copy.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A typed text as people see it. What a directory or a chat tells is not read like this: there, two addresses that look
/// alike are two addresses.
pub fn visible(text: &str) -> String {
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
        assert_eq!(visible("박 é 🔑"), "박 é 🔑");
    }
}
