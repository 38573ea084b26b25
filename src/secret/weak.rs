//! Secrets in the settings that are too weak to be accepted.

/// True for what the settings must not accept as a secret: too short, blank, or a placeholder from an example.
pub(crate) fn is_weak_secret(secret: &str) -> bool {
    const PLACEHOLDERS: [&str; 7] = [
        "changeme",
        "change-me",
        "placeholder",
        "your-",
        "example",
        "secret-here",
        "xxxx",
    ];
    let lower = secret.to_ascii_lowercase();
    secret.trim().len() < 16
        || PLACEHOLDERS.iter().any(|word| lower.contains(word))
        || secret.contains('…')
        || secret.bytes().all(|b| Some(b) == secret.bytes().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_secrets_are_recognised() {
        for weak in [
            "",
            "                  ",
            "short",
            "changeme-changeme-changeme",
            "aaaaaaaaaaaaaaaaaaaa",
            "xoxb-…………………………………",
        ] {
            assert!(is_weak_secret(weak), "{weak:?}");
        }
        assert!(!is_weak_secret("8f742231b10e8888abcd99yyyzzz85a5"));
    }
}
