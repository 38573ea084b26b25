//! Writes a text so that Mattermost's clients show it as it is: no markup, no mention, no link.
//!
//! Three parsers read a post: on web and desktop the server's fork of marked (`lib/marked.js`), then the web client's search
//! for mentions, addresses and emoticons (`utils/text_formatting.tsx`, `utils/emoticons.tsx`); on phones its fork of
//! commonmark.js (`lib/inlines.js`). Where a text comes from does not matter here: what looks like an address or a command
//! stands in a code span, in which nothing is read further, and everything else is escaped.

/// The characters that a backslash escapes (`inline.escape` in `lib/marked.js`). Before any other it is shown.
const ESCAPED: &str = "`*{}[]()#+-.!_>|~";

/// Shows nothing, and ends what would be a mention, a link or a picture. It stands only where there is no escape.
pub(super) const ZERO_WIDTH: char = '\u{200b}';

/// What the parser turns into a line break or spaces before it begins (`Lexer.prototype.lex` in `lib/marked.js`). A block could
/// begin after it.
const BREAKS: [char; 5] = ['\n', '\r', '\t', '\u{a0}', '\u{2424}'];

/// The commands in our texts, each with the words that may follow. People copy them.
const COMMANDS: [(&str, &[&str]); 2] = [
    ("/reset-password", &["contact", "help", "log", "why"]),
    (
        "relatch",
        &["accept", "admins", "check", "contact", "import", "members"],
    ),
];

/// One line that is shown as it is.
pub(super) fn escape(text: &str) -> String {
    let line = text.replace(BREAKS, " ");
    let line = line.trim();
    let mut written = String::with_capacity(line.len() + line.len() / 4);
    let mut at = 0;
    while let (before, rest) = line.split_at(at)
        && let Some(character) = rest.chars().next()
    {
        if let Some(length) = code_length(line, at) {
            let (code, _) = rest.split_at(length);
            if written.ends_with('`') {
                // Two fences side by side would be one longer fence.
                written.push(ZERO_WIDTH);
            }
            for part in ["`", code, "`"] {
                written.push_str(part);
            }
            at += length;
        } else {
            at += character.len_utf8();
            let (_, after) = line.split_at(at);
            if ESCAPED.contains(character) || character == '\\' && !is_shown(after, line, at) {
                written.push('\\');
            }
            written.push(character);
            if means_something(before, character, after) {
                written.push(ZERO_WIDTH);
            }
        }
    }
    written
}

/// True if a backslash before this is shown: `\\` stands for one only where no letter or digit follows.
fn is_shown(after: &str, line: &str, at: usize) -> bool {
    after.starts_with(|next: char| next.is_ascii_alphanumeric()) && code_length(line, at).is_none()
}

/// True if the character begins something with what follows, and no backslash prevents that.
fn means_something(before: &str, character: char, after: &str) -> bool {
    let next = after.chars().next();
    match character {
        '@' | '~' => next.is_some_and(|next| next.is_alphanumeric() || ".-_".contains(next)),
        '#' => next.is_some_and(char::is_alphabetic),
        '&' => names_a_character(after),
        ':' => next.is_some_and(|next| !next.is_whitespace()) && !is_time(before, after),
        ';' => after.starts_with([')', '-']),
        // "x-d" is a picture, "Max-Dieter" is not.
        '-' => is_letter_alone(before.chars().rev(), 'x') && is_letter_alone(after.chars(), 'd'),
        _ => false,
    }
}

/// `amp;`, `#64;`
fn names_a_character(after: &str) -> bool {
    let name = after.strip_prefix('#').unwrap_or(after);
    let end = name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    end.len() < name.len() && end.starts_with(';')
}

/// `10:05`
fn is_time(before: &str, after: &str) -> bool {
    let hours = before
        .rsplit(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or_default();
    let is_number = !hours.is_empty() && hours.bytes().all(|c| c.is_ascii_digit());
    is_number && after.starts_with(|c: char| c.is_ascii_digit())
}

fn is_letter_alone(mut characters: impl Iterator<Item = char>, letter: char) -> bool {
    let is_letter = characters
        .next()
        .is_some_and(|first| first.eq_ignore_ascii_case(&letter));
    is_letter
        && !characters
            .next()
            .is_some_and(|second| second.is_ascii_alphanumeric() || second == '_')
}

/// The length of what stands in a code span from here on. It never has a backtick in it.
fn code_length(line: &str, at: usize) -> Option<usize> {
    let (before, rest) = line.split_at(at);
    command_length(before, rest)
        .or_else(|| {
            let is_inside = before.ends_with(is_in_address);
            let length = address_length(rest).or_else(|| link_length(rest));
            length.filter(|_| !is_inside)
        })
        .or_else(|| {
            // `<a@b>` is a link and `$x$` a formula, whatever of width zero stands in them; only a code span prevents that.
            let length = |mark| rest.len() - rest.trim_start_matches(mark).len();
            let (angles, dollars) = (length('<'), length('$'));
            let (_, behind) = rest.split_at(angles);
            let begins = angles > 0 && !behind.starts_with(' ') && !behind.is_empty();
            let is_formula = dollars > 0 && line.matches('$').count() > 1;
            (begins || is_formula).then_some(angles + dollars)
        })
}

fn command_length(before: &str, rest: &str) -> Option<usize> {
    let begins_word = before
        .chars()
        .next_back()
        .is_none_or(|c| c.is_whitespace() || "(\"".contains(c));
    COMMANDS
        .iter()
        .filter(|_| begins_word)
        .find_map(|(name, words)| {
            let mut arguments = rest.strip_prefix(name)?;
            let mut length = name.len();
            while let Some(after) = arguments.strip_prefix(' ') {
                let (argument, others) = after.split_at(after.find(' ').unwrap_or(after.len()));
                let word = argument.trim_end_matches([',', '.', ':', ';', '?', ')', '"']);
                if !is_argument(word, words) {
                    break;
                }
                length += 1 + word.len();
                if word.len() < argument.len() {
                    break;
                }
                arguments = others;
            }
            let is_whole = name.starts_with('/') && !arguments.starts_with(is_in_name);
            (is_whole || length > name.len()).then_some(length)
        })
}

fn is_in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

fn is_argument(word: &str, words: &[&str]) -> bool {
    let is_phone = word
        .strip_prefix('+')
        .is_some_and(|digits| digits.chars().all(|c| c.is_ascii_digit() || c == '…'));
    words.contains(&word)
        || ["@member", "EMAIL", "…"].contains(&word)
        || is_phone
        || address_length(word) == Some(word.len())
}

/// No asterisk: the parser looks for the end of bold before it looks for code.
fn is_in_address(c: char) -> bool {
    c.is_alphanumeric() || "·.!#$%&'+-/=?^_{|}~".contains(c)
}

/// The length of the address at the beginning; also of a masked one, `m···@mail.example`.
fn address_length(rest: &str) -> Option<usize> {
    let (name, after) = rest.split_once('@')?;
    let end = after
        .find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '.'))
        .unwrap_or(after.len());
    let (domain, _) = after.split_at(end);
    let domain = domain.trim_end_matches(['-', '.']);
    let is_address = !name.is_empty() && name.chars().all(is_in_address) && domain.contains('.');
    is_address.then_some(name.len() + 1 + domain.len())
}

/// The length of the link at the beginning, `https://…`. The parser takes any word with a colon in it for one, so that is the
/// length of `users:read.email` too.
fn link_length(rest: &str) -> Option<usize> {
    let (scheme, after) = rest.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let end = after
        .find(|c: char| c.is_whitespace() || "`*<>\"".contains(c))
        .unwrap_or(after.len());
    let (target, _) = after.split_at(end);
    let target = target.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
    (is_scheme && !target.is_empty()).then_some(scheme.len() + 1 + target.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_parser_knows_gets_a_backslash() {
        for (text, written) in [
            (
                "Reset the login password of Mina Park?",
                "Reset the login password of Mina Park?",
            ),
            (
                "Done. (ref 7F3K) at 10:05",
                "Done\\. \\(ref 7F3K\\) at 10:05",
            ),
            ("a*b_c#1+2", "a\\*b\\_c\\#1\\+2"),
            (
                "\"O'Hara\" & Sons, 50% = $5; x^y",
                "\"O'Hara\" & Sons, 50% = $5; x^y",
            ),
            ("a\\b \\? \\", "a\\b \\\\? \\\\"),
            ("\\jo@a.example", "\\\\`jo@a.example`"),
            ("Max-Dieter", "Max\\-Dieter"),
            (" a\n# b\t1. c ", "a \\# b 1\\. c"),
        ] {
            assert_eq!(escape(text), written, "{text}");
        }
    }

    #[test]
    fn what_has_no_escape_is_broken() {
        for (text, written) in [
            ("<a@b.example>", "`<`\u{200b}`a@b.example`\\>"),
            ("@channel", "@\u{200b}channel"),
            ("~town-square", "\\~\u{200b}town\\-square"),
            ("#urgent", "\\#\u{200b}urgent"),
            (":skull: :)", ":\u{200b}skull: :\u{200b}\\)"),
            ("&lt;b", "&\u{200b}lt;b"),
            ("x-d ;)", "x\\-\u{200b}d ;\u{200b}\\)"),
            ("$x$", "`$`x`$`"),
            ("a**b@c.example", "a\\*\\*`b@c.example`"),
            ("x:a**b", "`x:a`\\*\\*b"),
            ("<\u{2003}@b>", "`<`\u{2003}@\u{200b}b\\>"),
            ("a < b", "a < b"),
        ] {
            assert_eq!(escape(text), written, "{text}");
        }
    }

    #[test]
    fn addresses_and_commands_are_copied_as_they_are() {
        for (text, written) in [
            ("jo@acme.example · IT", "`jo@acme.example` · IT"),
            ("to m···@mail.example.", "to `m···@mail.example`\\."),
            (
                "Run /reset-password again.",
                "Run `/reset-password` again\\.",
            ),
            (
                "/reset-password why @member: which",
                "`/reset-password why @member`: which",
            ),
            (
                "email: /reset-password mina@a.example (ref",
                "email: `/reset-password mina@a.example` \\(ref",
            ),
            (
                "one: relatch members contact mina@a.example +82…",
                "one: `relatch members contact mina@a.example +82…`",
            ),
            (
                "whoever runs relatch to check",
                "whoever runs relatch to check",
            ),
            ("jo@a.example$ $", "`jo@a.example`\u{200b}`$` `$`"),
            ("/reset-passwords", "/reset\\-passwords"),
            (
                "account: https://help.acme.example/a. (ref",
                "account: `https://help.acme.example/a`\\. \\(ref",
            ),
            ("[x](users:read.email)", "\\[x\\]\\(`users:read.email`\\)"),
        ] {
            assert_eq!(escape(text), written, "{text}");
        }
    }
}
