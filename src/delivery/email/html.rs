//! The HTML part of an e-mail: the words of its text, with links that can be clicked.
//!
//! An empty line ends a paragraph. A line that is indented is what people copy. A line that begins with a short question
//! has it in bold. Nothing is loaded from anywhere, and no colour is set, so that dark mail programs stay dark.

use zeroize::Zeroizing;

const BEGIN: &str = "<!DOCTYPE html>\n<html lang=\"en\" style=\"color-scheme:light dark\"><head><meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\"></head>\n\
    <body style=\"margin:0;padding:24px 16px;font-family:system-ui,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.5\">\n\
    <div style=\"max-width:36em;margin:0 auto;overflow-wrap:anywhere\">\n";
const END: &str = "</div></body></html>\n";

const PARAGRAPH: &str = "<p style=\"margin:0 0 16px\">";
/// Letters of one width tell l from 1 and O from 0.
const COPIED: &str = "<p style=\"margin:0 0 16px;padding:12px 16px;border:1px solid;border-radius:8px;\
    font-family:ui-monospace,Menlo,Consolas,monospace;font-size:22px\">";

/// The longest question that is set in bold at the begin of a line.
const QUESTION: usize = 32;

/// The text as HTML. It may hold a password: the only buffer has its whole length at once, and is wiped.
pub(super) fn of(text: &str) -> Zeroizing<String> {
    let mut length = 0;
    write(text, &mut |part| length += part.len());
    let mut html = Zeroizing::new(String::with_capacity(length));
    write(text, &mut |part| html.push_str(part));
    html
}

pub(super) fn is_link(word: &str) -> bool {
    word.starts_with("https://") || word.starts_with("http://")
}

fn write(text: &str, out: &mut impl FnMut(&str)) {
    out(BEGIN);
    let mut is_open = false;
    for line in text.lines() {
        let copied = line.strip_prefix("    ").filter(|words| !is_link(words));
        let is_alone = line.is_empty() || copied.is_some();
        if is_open {
            out(if is_alone { "</p>\n" } else { "<br>\n" });
        }
        if let Some(words) = copied {
            out(COPIED);
            write_escaped(words, out);
            out("</p>\n");
        } else if !line.is_empty() {
            if !is_open {
                out(PARAGRAPH);
            }
            write_line(line.trim_start(), out);
        }
        is_open = !is_alone;
    }
    if is_open {
        out("</p>\n");
    }
    out(END);
}

fn write_line(line: &str, out: &mut impl FnMut(&str)) {
    let question = line
        .split_once("? ")
        .filter(|(question, _)| question.chars().count() < QUESTION);
    let Some((question, rest)) = question else {
        write_words(line, out);
        return;
    };
    out("<b>");
    write_escaped(question, out);
    out("?</b> ");
    write_words(rest, out);
}

fn write_words(words: &str, out: &mut impl FnMut(&str)) {
    for (at, word) in words.split(' ').enumerate() {
        if at > 0 {
            out(" ");
        }
        let link = word.trim_end_matches(['.', ',', ')', ';']);
        if !is_link(link) {
            write_escaped(word, out);
            continue;
        }
        out("<a href=\"");
        write_escaped(link, out);
        out("\">");
        write_escaped(link, out);
        out("</a>");
        write_escaped(word.strip_prefix(link).unwrap_or_default(), out);
    }
}

fn write_escaped(text: &str, out: &mut impl FnMut(&str)) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"']) {
        let (before, from) = rest.split_at(at);
        let mut letters = from.chars();
        out(before);
        match letters.next() {
            Some('&') => out("&amp;"),
            Some('<') => out("&lt;"),
            Some('>') => out("&gt;"),
            Some(_) | None => out("&quot;"),
        }
        rest = letters.as_str();
    }
    out(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> String {
        let html = of(text);
        let inside = html
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(END));
        let short = inside
            .unwrap()
            .replace(PARAGRAPH, "<p>")
            .replace(COPIED, "<p copied>");
        short.replace('\n', "")
    }

    #[test]
    fn lines_become_paragraphs_and_what_is_copied_stands_alone() {
        for (text, html) in [
            ("Hello Mina,\n\nhere:\n", "<p>Hello Mina,</p><p>here:</p>"),
            (
                "Hello\n\n    k7Rm4Tqx\n\nSign in.\nNow.",
                "<p>Hello</p><p copied>k7Rm4Tqx</p><p>Sign in.<br>Now.</p>",
            ),
            (
                "Here:\n    a\"b\nthen",
                "<p>Here:</p><p copied>a&quot;b</p><p>then</p>",
            ),
            (
                "    https://a.example/c\n",
                "<p><a href=\"https://a.example/c\">https://a.example/c</a></p>",
            ),
            (
                "Did ask? Open https://a.example.\nWhy is this question not set in bold letters? x",
                "<p><b>Did ask?</b> Open <a href=\"https://a.example\">https://a.example</a>.<br>\
                Why is this question not set in bold letters? x</p>",
            ),
            ("a & b <c>", "<p>a &amp; b &lt;c&gt;</p>"),
        ] {
            assert_eq!(body(text), html);
        }
    }

    /// A buffer that grows leaves what it held behind.
    #[test]
    fn the_buffer_never_grows() {
        let text = "\"".repeat(99) + " https://a.example/ & <x>\n\n    \"\"\"\n";
        let html = of(&text);
        assert_eq!(html.capacity(), html.len());
    }
}
