//! The rules of texts that people get by e-mail and SMS: what breaks one is named.

use std::collections::BTreeSet;

use crate::support::mime::Mail;

/// The longest line and the longest subject of an e-mail about people with ordinary names.
const LONGEST_LINE: usize = 350;
const LONGEST_SUBJECT: usize = 60;

/// What is wrong with a text that people get, by mail or SMS.
pub(super) fn faults_of_text(text: &str, copied: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |what: &str| faults.push(what.to_owned());
    for placeholder in ["{", "}", "None", "Some(", "\\n", "\t"] {
        if text.contains(placeholder) {
            fault(&format!("has {placeholder:?}"));
        }
    }
    if text
        .lines()
        .any(|line| line != line.trim_end() || line.trim_start().contains("  "))
    {
        fault("has blanks that nobody needs");
    }
    // An SMS has a masked address as m...@mail.example.
    let without_mask = text.replace("...@", "@");
    for marks in [" .", " ,", " ?", " :", " ;", "..", ".,", ",,", "?.", ":."] {
        if without_mask.contains(marks) {
            fault(&format!("has {marks:?}"));
        }
    }
    if text.to_lowercase().contains("nothing was changed") {
        fault("promises what only a refusal may");
    }
    let spoken = text.to_lowercase();
    for word in spoken.split(|c: char| !c.is_alphabetic()) {
        if ["he", "she", "his", "her", "him"].contains(&word) {
            fault(&format!("says {word:?} of somebody"));
        }
    }
    for part in copied {
        for (at, _) in text.match_indices(part.as_str()) {
            let before = text[..at].chars().next_back();
            let after = text[at + part.len()..].chars().next();
            let is_free = |next: Option<char>| next.is_none_or(char::is_whitespace);
            // One address may begin another.
            let goes_on = copied
                .iter()
                .any(|other| other != part && text[at..].starts_with(other.as_str()));
            if !(is_free(before) && (is_free(after) || goes_on)) {
                fault(&format!("{part} is touched by {before:?} or {after:?}"));
            }
        }
    }
    faults
}

/// The default alphabet of an SMS, and what it has behind an escape (3GPP TS 23.038, sections 6.2.1 and 6.2.1.1).
const ALPHABET: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿\
    abcdefghijklmnopqrstuvwxyzäöñüà";
const ESCAPED: &str = "\u{c}^{}\\[~]|€";

pub(super) fn faults_of_sms(text: &str) -> Vec<String> {
    let places = text.chars().map(|c| {
        if ALPHABET.contains(c) {
            Some(1)
        } else {
            ESCAPED.contains(c).then_some(2)
        }
    });
    let (length, limit) = match places.sum::<Option<usize>>() {
        Some(septets) => (septets, 160),
        None => (text.encode_utf16().count(), 70),
    };
    let mut faults = Vec::new();
    if length > limit {
        faults.push(format!("has {length} of {limit} places"));
    }
    if text.contains('\n') {
        faults.push("has several lines".to_owned());
    }
    faults
}

pub(super) fn faults_of_mail(
    mail: &Mail,
    (organization, copied): (&str, &[String]),
    is_ordinary: bool,
) -> Vec<String> {
    let mut faults = Vec::new();
    let Mail {
        subject,
        text,
        html,
    } = mail;
    if !subject.contains(organization) {
        faults.push(format!("the subject does not say whose it is: {subject}"));
    }
    if copied.iter().any(|part| subject.contains(part.as_str())) {
        faults.push(format!("the subject has a secret: {subject}"));
    }
    if is_ordinary && subject.chars().count() > LONGEST_SUBJECT {
        faults.push(format!("the subject is too long: {subject}"));
    }
    for line in text
        .lines()
        .filter(|line| is_ordinary && line.chars().count() > LONGEST_LINE)
    {
        faults.push(format!("a line has {} characters", line.chars().count()));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_time = |word: &str| {
        word.len() == 5
            && word.char_indices().all(|(at, c)| {
                if at == 2 {
                    c == ':'
                } else {
                    c.is_ascii_digit()
                }
            })
    };
    for pair in words.windows(2) {
        if is_time(pair[0].trim_matches(['(', ')', '.', ','])) && !pair[1].starts_with("KST") {
            faults.push(format!("{} has no zone", pair[0]));
        }
    }
    let links: BTreeSet<&str> = words
        .iter()
        .filter(|word| word.starts_with("http"))
        .map(|word| word.trim_end_matches(['.', ',', ')', ';']))
        .collect();
    match html {
        None if links.is_empty() => {}
        None => faults.push("a link cannot be clicked".to_owned()),
        Some(html) => faults.extend(faults_of_html(html, text, &links)),
    }
    faults
}

/// The HTML part says what the text says, and has its links and nothing else that a program could follow.
fn faults_of_html(html: &str, text: &str, links: &BTreeSet<&str>) -> Vec<String> {
    let (_, body) = html.split_once("<body").expect("a body");
    let mut shown = String::new();
    let mut followed = BTreeSet::new();
    let mut faults = Vec::new();
    for part in body.split('<').skip(1) {
        let (tag, words) = part.split_once('>').expect("a tag");
        if let Some(address) = tag.strip_prefix("a href=\"") {
            followed.insert(unescaped(address.split('"').next().unwrap()));
        } else if tag.contains("http") || tag.starts_with("img") || tag.starts_with("script") {
            faults.push(format!("the HTML has <{tag}>"));
        }
        if ["br", "p", "/p"].contains(&tag.split(' ').next().unwrap()) {
            shown.push('\n');
        }
        shown.push_str(&unescaped(words));
    }
    let same = |one: &str, other: &str| one.split_whitespace().eq(other.split_whitespace());
    if !same(&shown, text) {
        faults.push(format!("the HTML says something else: {shown}"));
    }
    if !followed
        .iter()
        .map(String::as_str)
        .eq(links.iter().copied())
    {
        faults.push(format!("the links are {followed:?}"));
    }
    faults
}

fn unescaped(html: &str) -> String {
    html.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// Words of names that were cut: a beginning of such a word that is no word of the texts themselves.
pub(super) fn cut_words(text: &str, names: &str, known: &BTreeSet<String>) -> Vec<String> {
    let names: BTreeSet<&str> = names.split_whitespace().collect();
    let is_cut = |word: &String| {
        let is_part =
            |name: &&str| name.starts_with(word.as_str()) || name.ends_with(word.as_str());
        word.chars().count() > 2
            && !known.contains(word)
            && !names.contains(word.as_str())
            && names.iter().any(is_part)
    };
    let cut = words(text).filter(is_cut);
    cut.map(|word| format!("{word} is cut")).collect()
}

pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    let bare = |word: &str| {
        word.trim_matches(['.', ',', ':', '?', '(', ')', '…'])
            .to_owned()
    };
    text.split_whitespace().map(bare)
}
