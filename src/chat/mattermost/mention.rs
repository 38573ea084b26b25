//! The words of a command, with the mentions among them as Mattermost finds them.
//!
//! Sources: `atMentionRegexp`, `MentionsToTeamMembers` and `trimUsernameSpecialChar` in the server's `app/command.go`,
//! `IsValidUsername` in `model/user.go`.

use std::collections::HashMap;

use super::is_id;
use crate::chat::NotVerified;
use crate::chat::interaction::{NamedMember, Word};
use crate::domain::{has_mark, visible};
use crate::form::Fields;

/// Mentions of several people, or of the server. The clients offer them beside the users, so nobody is meant by them.
const GROUPS: [&str; 4] = ["all", "channel", "here", "system"];
const NAME_LIMIT: usize = 64;
/// The most look-ups of one name.
const TRIES: usize = 8;
/// Signs that are not ASCII and end a name: apostrophe, quotes, dash, dots, and the marks of Chinese and Japanese.
const ENDS: &str = "\u{2019}\u{201d}\u{bb}\u{2014}\u{2026}\u{3001}\u{3002}\u{ff0c}\u{ff01}\u{ff1f}\u{ff09}\u{ff1a}";
/// Characters after which a further word begins without a space.
const SEPARATORS: [char; 5] = [',', ';', ':', '/', '|'];

/// A mention inside a word.
struct MentionInWord<'a> {
    /// The place of its `@`.
    at: usize,
    /// The name without its `@`, with whatever of `.-_:` follows it.
    name: &'a str,
    /// The place behind it.
    end: usize,
}

/// Cuts a command's text into words.
pub(super) fn read_words(fields: &Fields<'_>) -> Result<Vec<Word>, NotVerified> {
    let names = fields.list("user_mentions");
    let mentions: HashMap<&str, &str> = names.zip(fields.list("user_mentions_ids")).collect();
    let mut words = Vec::new();
    for word in visible(fields.get("text").unwrap_or_default()).split_whitespace() {
        read_word(word, &mentions, &mut words)?;
    }
    Ok(words)
}

/// Reads what stands between two spaces: a work e-mail, a mention with what a sentence puts around it, or a plain word.
fn read_word(
    word: &str,
    mentions: &HashMap<&str, &str>,
    words: &mut Vec<Word>,
) -> Result<(), NotVerified> {
    if let Ok(email) = word.parse() {
        words.push(Word::Member(NamedMember::Email(email)));
        return Ok(());
    }
    // `@ana` with reversed letters behind it is seen as a longer name.
    if has_mark(word) {
        words.push(Word::Text(word.to_owned()));
        return Ok(());
    }
    let (mut found, mut end) = (Vec::new(), 0);
    while let Some(mention) = find_mention(word, end) {
        let before = word.get(end..mention.at).unwrap_or_default();
        found.extend(plain_word(before, end > 0));
        let is_cut = word.get(mention.end..).is_some_and(goes_on);
        let member = read_name(mention.name, mentions)?.filter(|_| !is_cut);
        let Some(member) = member else {
            words.push(Word::Text(word.to_owned()));
            return Ok(());
        };
        found.push(member);
        end = mention.end;
    }
    let rest = word.get(end..).unwrap_or_default();
    // Another `@` may be meant as a second name.
    if found.is_empty() || found.iter().any(has_at) || rest.contains('@') {
        words.push(Word::Text(word.to_owned()));
        return Ok(());
    }
    words.append(&mut found);
    words.extend(plain_word(rest, true));
    Ok(())
}

/// True for a plain word with an `@` that is part of no mention.
fn has_at(word: &Word) -> bool {
    matches!(word, Word::Text(text) if text.contains('@'))
}

/// The first mention from `start` on: an `@` that does not follow an ASCII letter, a digit or `_`, and a name.
fn find_mention(word: &str, start: usize) -> Option<MentionInWord<'_>> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    for (at, _) in word.get(start..)?.match_indices('@') {
        let at = start + at;
        let (before, rest) = (word.get(..at)?, word.get(at + 1..)?);
        let follows_word =
            before.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '_');
        if follows_word || !rest.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            continue;
        }
        let name = rest.split(|c| !is_of_name(c)).next()?;
        let end = at + 1 + name.len();
        return Some(MentionInWord { at, name, end });
    }
    None
}

/// True where people may read on in the name, although the server ends it: at a Cyrillic letter that looks like a Latin
/// one, an accent, a character that shows nothing, or a sign that looks like `-`. A name ends at ASCII, at the signs that
/// a sentence puts there, and at the particles and titles that Korean, Japanese and Chinese write there.
fn goes_on(rest: &str) -> bool {
    // Among the Hangul letters two show nothing, and one among the compatibility letters.
    let is_filler = |c: char| matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}');
    let is_east_asian = |c: char| {
        matches!(
            c,
            '\u{1100}'..='\u{11ff}' | '\u{3005}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        ) && !is_filler(c)
    };
    let ends_name = |c: char| c.is_ascii() || is_east_asian(c) || ENDS.contains(c);
    rest.starts_with(|c: char| !ends_name(c))
}

/// The word that a sentence puts before or after a mention without a space. What follows a name directly, such as `'s` or
/// a Korean particle, belongs to the name.
fn plain_word(text: &str, follows_name: bool) -> Option<Word> {
    let text = if follows_name {
        text.split_once(SEPARATORS)?.1
    } else {
        text
    };
    let text = text.trim_matches(|c: char| !c.is_alphanumeric() && c != '@');
    (!text.is_empty()).then(|| Word::Text(text.to_owned()))
}

/// Whom a name means: the account that Mattermost resolved it to, or the name itself, to be looked up. None for what is no
/// name on this server.
fn read_name(written: &str, mentions: &HashMap<&str, &str>) -> Result<Option<Word>, NotVerified> {
    let name = written.to_lowercase();
    let plain = name.trim_end_matches(['.', '-', '_', ':']);
    if GROUPS.contains(&plain) {
        return Ok(Some(Word::Group(format!("@{plain}"))));
    }
    for candidate in candidates(&name).take(TRIES) {
        if let Some(id) = mentions.get(candidate) {
            return if is_id(id) {
                Ok(Some(Word::Member(NamedMember::Mention((*id).to_owned()))))
            } else {
                Err(NotVerified::Malformed("a user id"))
            };
        }
    }
    // The server takes a colon for a part of the name, because accounts of other servers have one.
    let name = match name.split_once(':') {
        Some((_, rest)) if rest.contains(|c: char| c.is_ascii_alphanumeric()) => return Ok(None),
        Some((name, _)) => name,
        None => &name,
    };
    let is_name = name.len() <= NAME_LIMIT && candidates(name).count() <= TRIES;
    Ok(is_name.then(|| Word::Member(NamedMember::Name(name.to_owned()))))
}

/// The name, and what is left when `.`, `-` and `_` are taken from its end one by one: one of them is the account's.
pub(super) fn candidates(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.strip_suffix(['.', '-', '_']))
        .filter(|name| !name.is_empty())
}
