//! What Mattermost's clients make of a text: which backslashes they know, and what they would link or format.
//!
//! Sources: `inline.escape`, `inline.gfm`, `inline.inlinelatex` and `block` in `lib/marked.js` of the server's fork of marked;
//! `autolinkAtMentions`, `autolinkEmails`, `autolinkChannelMentions` and `autolinkHashtags` in the web client's
//! `utils/text_formatting.tsx`; `emoticonPatterns` and `EMOJI_PATTERN` in its `utils/emoticons.tsx`.

/// What a backslash can stand before (`inline.escape`), besides another backslash.
const ESCAPES: &str = "`*{}[]()#+-.!_>|~";

/// Texts that become pictures (`emoticonPatterns`), in lower case.
const EMOTICONS: &[&str] = &[
    ":)", ":-)", ";)", ";-)", ":o", ":-o", ":]", ":-]", ":d", ":-d", "x-d", ":p", ":-p", ":[",
    ":-[", ":@", ":-@", ":(", ":-(", ":`(", ":'(", ":’(", ":`-(", ":'-(", ":’-(", ":/", ":-/",
    ":s", ":-s", ":|", ":-|", ":$", ":-$", ":-x", "<3", "</3",
];

/// A character that shows nothing and ends a mention or a link.
pub(crate) const ZERO_WIDTH: char = '\u{200b}';

/// Ends a line within a paragraph (`inline.br`).
const BREAK: &str = "  \n";
/// The sign before a warning.
const WARNING: &str = "⚠ ";

/// A paragraph of a post.
pub(crate) struct Paragraph {
    /// What is shown, without the marks of bold and code.
    pub(crate) shown: String,
    /// It is bold.
    pub(crate) is_bold: bool,
    /// It is one code span and nothing else.
    pub(crate) is_code: bool,
}

/// The paragraphs of a post and the lines in them, and what the clients would make of it that nobody means.
pub(crate) fn read(text: &str) -> (Vec<Paragraph>, Vec<String>) {
    let mut broken = Vec::new();
    let paragraphs = text
        .split("\n\n")
        .flat_map(|paragraph| paragraph.split(BREAK).enumerate())
        .map(|(at, source)| {
            let mut say = |what: &str| broken.push(format!("{what}: {source:?}"));
            if at > 0 && source.starts_with('=') {
                say("a heading of the line above");
            }
            paragraph(source, &mut say)
        })
        .collect();
    (paragraphs, broken)
}

/// What of a paragraph is bold: all, or the first sentence of a warning.
fn bold_part(source: &str) -> Option<(&'static str, &str, &str)> {
    if let Some(warning) = source.strip_prefix(WARNING) {
        let (inside, rest) = warning.strip_prefix("**")?.split_once("**")?;
        return Some((WARNING, inside, rest));
    }
    let inside = source.strip_prefix("**")?.strip_suffix("**")?;
    Some(("", inside, ""))
}

fn paragraph(source: &str, say: &mut dyn FnMut(&str)) -> Paragraph {
    let bold = bold_part(source).filter(|(_, inside, _)| !inside.is_empty());
    if let Some(what) = block(source).filter(|_| bold.is_none()) {
        say(what);
    }
    let (before, inside, rest) = bold.unwrap_or(("", source, ""));
    if bold.is_some() && inside.contains("**") {
        say("bold that ends early");
    }
    if !rest.is_empty() && !rest.starts_with(' ') {
        say("bold that does not end");
    }
    let mut read = pieces(inside, say);
    read.extend(pieces(rest, say));
    for (text, _) in read.iter().filter(|(_, is_code)| !is_code) {
        linked(text).map(&mut *say);
    }
    let shown: String = read.iter().map(|(text, _)| text.as_str()).collect();
    Paragraph {
        shown: format!("{before}{shown}"),
        is_bold: bold.is_some(),
        is_code: matches!(read.as_slice(), [(_, true)]),
    }
}

/// What would begin at the head of a paragraph (`block`).
fn block(source: &str) -> Option<&'static str> {
    let first = source.trim_start_matches(' ');
    let number = first.trim_start_matches(|c: char| c.is_ascii_digit());
    if source.contains('\n') {
        Some("a line break, after which a block can begin")
    } else if source.starts_with("    ") {
        Some("a code block")
    } else if first.starts_with(['#', '>', '|']) {
        Some("a heading, a quotation or a table")
    } else if first.starts_with(['*', '+', '-']) || number != first && number.starts_with('.') {
        Some("a list")
    } else if first.starts_with("```") || first.starts_with("~~~") || first.starts_with("__") {
        Some("a fence or a rule")
    } else {
        None
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A paragraph as texts without their backslashes and as code spans.
fn pieces(source: &str, say: &mut dyn FnMut(&str)) -> Vec<(String, bool)> {
    let (mut pieces, mut text) = (Vec::new(), String::new());
    let mut rest = source;
    let mut before = None;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        let next = after.chars().next();
        let mut taken = character.len_utf8();
        match (character, next) {
            ('\\', Some('\\')) if !after[1..].starts_with(is_word) => {
                text.push('\\');
                taken += 1;
            }
            ('\\', Some(mark)) if ESCAPES.contains(mark) => {
                text.push(mark);
                taken += 1;
            }
            ('`', _) => {
                let ticks = rest.len() - rest.trim_start_matches('`').len();
                let (fence, inside) = rest.split_at(ticks);
                match inside.split_once(fence) {
                    Some((code, _)) if !code.is_empty() => {
                        pieces.push((std::mem::take(&mut text), false));
                        pieces.push((code.trim().to_owned(), true));
                        taken = 2 * ticks + code.len();
                    }
                    _ => say("a code span without an end"),
                }
            }
            _ => {
                raw(character, before, rest, say);
                text.push(character);
            }
        }
        before = rest[..taken].chars().last();
        rest = &rest[taken..];
    }
    pieces.push((text, false));
    pieces.retain(|(text, _)| !text.is_empty());
    pieces
}

/// What the parser would find where it stands at this character without a backslash.
fn raw(character: char, before: Option<char>, rest: &str, say: &mut dyn FnMut(&str)) {
    let after = &rest[character.len_utf8()..];
    let begins_word = !before.is_some_and(is_word);
    let next = after.chars().next();
    match character {
        '\\' if next.is_some_and(|c| c.is_ascii_punctuation()) => say("a backslash that is shown"),
        '*' | '[' => say("a mark that can begin something"),
        '_' if begins_word => say("a mark that can begin something"),
        '~' if next == Some('~') => say("a mark that can begin something"),
        '<' if is_angle_link(after) => say("a link in angle brackets"),
        '<' if next.is_some_and(|c| c.is_ascii_alphabetic() || "/!?".contains(c)) => say("a tag"),
        '$' if begins_word => {
            let inside = after.split('$').next().unwrap_or_default();
            let behind = after.get(inside.len() + 1..);
            if !inside.is_empty() && behind.is_some_and(|behind| !behind.starts_with(is_word)) {
                say("a formula");
            }
        }
        '&' => {
            let word = after.strip_prefix('#').unwrap_or(after);
            let end = word.trim_start_matches(is_word);
            if end.len() < word.len() && end.starts_with(';') {
                say("a character by its name");
            }
        }
        _ if begins_word && character.is_ascii_alphabetic() => {
            let scheme =
                rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "+-.".contains(c));
            let host = rest.trim_start_matches(|c: char| c.is_alphanumeric() || "-.".contains(c));
            let name = &rest[..rest.len() - host.len()];
            if scheme.strip_prefix(':').is_some_and(|behind| {
                behind.starts_with(|c: char| c == '/' || c == '%' || c.is_alphanumeric())
            }) || rest.starts_with("www.")
                || host.starts_with('/') && name.contains('.')
            {
                say("a link");
            }
        }
        _ => {}
    }
}

/// `inline.autolink`: nothing but a space or the end prevents it, so a backslash and a character of no width do not.
fn is_angle_link(after: &str) -> bool {
    let Some((inside, _)) = after
        .split_once('>')
        .filter(|(inside, _)| !inside.contains(' '))
    else {
        return false;
    };
    let has = |mark: &str| {
        inside
            .match_indices(mark)
            .any(|(at, _)| at > 0 && at + mark.len() < inside.len())
    };
    has("@") || has(":/") || inside.starts_with("www.")
}

/// What the web client would link in a text, or make a picture of.
fn linked(text: &str) -> Option<&'static str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    text.char_indices().find_map(|(at, character)| {
        let (head, rest) = text.split_at(at);
        let before = head.chars().next_back();
        let is_free = !before.is_some_and(is_word);
        let after = &rest[character.len_utf8()..];
        match character {
            '@' if (is_free || before == Some('_')) && after.starts_with(is_name) => {
                Some("a mention")
            }
            '@' if before.is_some_and(|c| !c.is_whitespace()) && begins_domain(after) => {
                Some("an e-mail link")
            }
            '~' if is_free && after.starts_with(is_name) => Some("a channel"),
            '#' if is_free && after.starts_with(char::is_alphabetic) => Some("a hashtag"),
            ':' | ';' | '<' | 'x' | 'X' if is_free && is_picture(rest) => Some("a picture"),
            _ => None,
        }
    })
}

fn begins_domain(after: &str) -> bool {
    let end = after.find(|c: char| !(c.is_alphanumeric() || ".-".contains(c)));
    after[..end.unwrap_or(after.len())].contains('.')
}

fn is_picture(rest: &str) -> bool {
    let emoticon = EMOTICONS.iter().any(|emoticon| {
        let (head, behind) = rest.split_at_checked(emoticon.len()).unwrap_or_default();
        head.eq_ignore_ascii_case(emoticon) && !behind.starts_with(is_word)
    });
    let named = rest.strip_prefix(':').and_then(|rest| rest.split_once(':'));
    emoticon
        || named.is_some_and(|(name, behind)| {
            !name.is_empty()
                && name.chars().all(|c| is_word(c) || "+-".contains(c))
                && !behind.starts_with(is_word)
        })
}

#[test]
fn the_reader_of_markdown_has_teeth() {
    for (text, what) in [
        ("Mina Park\\?", "a backslash that is shown"),
        ("\\@mina", "a backslash that is shown"),
        ("a \\\\b", "a backslash that is shown"),
        ("*b*", "a list"),
        ("a *b*", "a mark"),
        ("_i_", "a mark"),
        ("[x](y)", "a mark"),
        ("<a@b.example>", "a link in angle brackets"),
        ("<\u{200b}@\u{200b}b\\>", "a link in angle brackets"),
        ("<b", "a tag"),
        ("<3", "a picture"),
        ("in $x$", "a formula"),
        ("&lt;b", "a character"),
        ("see https://evil.example", "a link"),
        ("www.evil", "a link"),
        ("evil.example/x", "a link"),
        ("by @mina", "a mention"),
        ("by jo@acme\\.example", "an e-mail link"),
        ("\\~town\\-square", "a channel"),
        ("\\#urgent", "a hashtag"),
        ("oh :skull:", "a picture"),
        ("oh :\\)", "a picture"),
        ("# h", "a heading"),
        ("**Reset `a**b@c.example`?**", "bold that ends early"),
        ("1. x", "a list"),
        ("    x", "a code block"),
        ("x\ny", "a line break"),
        ("x  \n# y", "a heading"),
        ("x  \n==", "a heading of the line above"),
        ("⚠ **Careful**x", "bold that does not end"),
        ("`x", "a code span without an end"),
    ] {
        let (_, broken) = read(text);
        assert!(
            broken.iter().any(|said| said.starts_with(what)),
            "{text}: {broken:?}"
        );
    }
    let (shown, broken) =
        read("**Reset Mina \\(\\#\u{200b}1\\)?**\n\nat 10:05 \\\\? `jo@acme.example` a\\b");
    assert_eq!(broken, Vec::<String>::new());
    assert_eq!(shown[0].shown, "Reset Mina (#\u{200b}1)?");
    assert!(shown[0].is_bold && !shown[1].is_code);
    assert_eq!(shown[1].shown, "at 10:05 \\? jo@acme.example a\\b");
}
