//! Every sentence of the program goes through these rules: chat, pages, e-mail, SMS, command line and log.

#[path = "sentences/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::{Kind, Text};

/// From so many words on a whole text stands once, so that it is changed in one place.
const WORDS_OF_TEXT: usize = 5;

/// The same for a sentence inside a longer text. Shorter ones are stock phrases: "Run the command again."
const WORDS_OF_SENTENCE: usize = 7;

/// The longest text for people, as the platforms' cards show it without folding.
const LONGEST: usize = 350;

/// The longest line of a log, and of an error.
const LONGEST_LINE: usize = 450;

/// What begins a statement of SQL or a part of one.
const SQL: [&str; 14] = [
    "select", "insert", "update", "delete", "with", "create", "pragma", "begin", "from", "where",
    "order", "and", "on", "join",
];

/// How a text says that nothing happened. Another wording would be another promise.
const UNCHANGED: &str = "nothing was changed";

fn is_sql(text: &str) -> bool {
    let is_statement = text.starts_with('\n') || text.contains(" = $1");
    let first = text.split_whitespace().next().unwrap_or_default();
    is_statement && SQL.contains(&first)
        || text.trim_start().starts_with("select ")
        || text.contains("$1")
}

/// The texts that are sentences or parts of sentences, not names, keys or statements.
fn said() -> Vec<Text> {
    let mut texts = source::texts();
    texts.retain(|text| words(&text.said) > 1 && !is_sql(&text.said));
    texts
}

fn words(text: &str) -> usize {
    text.split_whitespace()
        .filter(|word| word.contains(char::is_lowercase))
        .count()
}

/// What of a text may stand once only: the whole of it, and each longer sentence.
fn units(text: &str) -> BTreeSet<String> {
    let text = text.to_lowercase();
    let bare = |part: &str| {
        part.trim_matches(|c: char| c.is_whitespace() || ".!?:;,(){}".contains(c))
            .to_owned()
    };
    let whole = Some(bare(&text)).filter(|text| words(text) >= WORDS_OF_TEXT);
    let mut split = text.clone();
    for end in [". ", "! ", "? "] {
        split = split.replace(end, "\n");
    }
    split
        .split('\n')
        .map(bare)
        .filter(|part| words(part) >= WORDS_OF_SENTENCE)
        .chain(whole)
        .collect()
}

fn fail(found: &[String]) {
    assert!(
        found.is_empty(),
        "{}\n{} in all",
        found.join("\n"),
        found.len()
    );
}

#[test]
fn no_sentence_stands_twice_in_the_source() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // Commands have options in common, and each has its own help.
    for text in said().into_iter().filter(|text| text.kind != Kind::Help) {
        for sentence in units(&text.said) {
            let places = places.entry(sentence).or_default();
            // A page has its title twice: in the tab, and as its heading.
            let is_title = text.is_of_page() && places.contains(&text.place);
            if !is_title {
                places.push(text.place.clone());
            }
        }
    }
    let twice: Vec<String> = places
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(sentence, places)| format!("\"{sentence}\" in {}", places.join(", ")))
        .collect();
    fail(&twice);
}

#[test]
fn no_text_is_longer_than_people_read() {
    let long: Vec<String> = said()
        .into_iter()
        .filter(|text| {
            let limit = if text.kind == Kind::People {
                LONGEST
            } else {
                LONGEST_LINE
            };
            text.said.chars().count() > limit
        })
        .map(|text| format!("{}: {} characters", text.place, text.said.chars().count()))
        .collect();
    fail(&long);
}

/// "Nothing was changed." is a promise, so it always has the same words.
#[test]
fn that_nothing_was_changed_is_said_in_the_same_words() {
    let mut found = Vec::new();
    for text in said() {
        let lower = text.said.to_lowercase();
        let promises = lower.matches("nothing ").count();
        if promises == 0 {
            continue;
        }
        for (at, _) in lower.match_indices("nothing ") {
            let rest = &lower[at..];
            let is_other = [
                "nothing changed",
                "nothing has changed",
                "nothing was done",
                "nothing happened",
                "nothing has been",
                "nothing was written",
            ]
            .iter()
            .any(|other| rest.starts_with(other));
            if is_other {
                found.push(format!("{}: {}", text.place, text.said));
            }
            let is_sentence = text.said[at..].starts_with('N');
            let after = rest
                .strip_prefix(UNCHANGED)
                .and_then(|rest| rest.chars().next());
            if rest.starts_with(UNCHANGED) && is_sentence && after != Some('.') {
                found.push(format!("{}: {}", text.place, text.said));
            }
        }
    }
    fail(&found);
}

/// Each text of the member's pages, and whether it says that nothing was changed. It does after a form or a link that was
/// refused with no effect at all.
const PAGES: &[(&str, bool)] = &[
    // Whom to ask, and what a form has changed.
    ("of", false),
    ("asked", false),
    ("NOT_ASKED", false),
    ("NOT_ASKED_EITHER", false),
    ("PASSWORD_NEEDED", false),
    ("done", false),
    ("PASSWORD_SET", false),
    ("OTHERS_OUT", false),
    ("CLOSE_PAGE", false),
    // An unknown address asks for no change.
    ("no_page", false),
    ("form_not_taken", true),
    ("unavailable", false),
    ("foreign_form", true),
    // Signing in asks for no change.
    ("NOT_SIGNED_IN", false),
    ("too_many_tries", true),
    ("NO_CODE_SIGN_IN", true),
    ("too_many_code_sign_ins", true),
    // Each wrong code has cost a try.
    ("SIGN_IN_CODE_OVER", false),
    ("ASK_FOR_NEW", false),
    ("password_ended", false),
    ("password_stopped", false),
    ("no_contact_for_code", false),
    ("NO_CODE", false),
    ("FIRST_CODE_SENT", false),
    ("CODE_SENT", false),
    ("CODE_PERHAPS_SENT", false),
    ("CODE_FAILED", true),
    // The code itself was used up.
    ("CODE_OVER", false),
    ("cannot_use", false),
    ("CONTACT_CODE_OVER", true),
    ("NO_CONTACT_NOW", true),
    // Earlier codes no longer work.
    ("code_refused", false),
    ("next_code_in", true),
    ("password_denied", true),
    ("NOT_CONFIRMED", true),
    ("UNNAMED_BROWSER", false),
    ("LOCKED_FOR_CODES", true),
    ("session_ended", false),
    ("took_too_long", false),
    ("page_outdated", false),
    ("DEAD_LINK", false),
    ("claim_link_dead", true),
    // Its first use had its effect.
    ("claim_link_used", false),
    ("not_me_link_unknown", true),
    ("not_me_link_outdated", true),
    ("who_will_be_told", false),
    ("security_told", false),
    ("code_disowned", false),
    ("PASSWORD_BLOCKED", false),
    ("password_blocked", false),
    ("ACCOUNT_BLOCKED", false),
    ("account_blocked", false),
    ("blocked_before", false),
];

#[test]
fn pages_say_that_nothing_was_changed_exactly_where_it_is_true() {
    let mut said_of: BTreeMap<String, bool> = BTreeMap::new();
    for text in source::texts() {
        if let Some(item) = text.place.strip_prefix("src/portal/texts.rs: ") {
            let says = text.said.contains("Nothing was changed.");
            *said_of.entry(item.to_owned()).or_default() |= says;
        }
    }
    said_of.remove("browser_on");
    let expected: BTreeMap<String, bool> = PAGES
        .iter()
        .map(|(item, says)| ((*item).to_owned(), *says))
        .collect();
    assert_eq!(
        said_of, expected,
        "a text is new, or says something else: correct it or PAGES"
    );
}

/// A log line and an error begin in lower case and have no full stop, because both stand inside other lines.
#[test]
fn log_lines_and_errors_have_one_form() {
    let mut found = Vec::new();
    for text in said() {
        if !matches!(text.kind, Kind::Log | Kind::Error) {
            continue;
        }
        let first = text.said.split_whitespace().next().unwrap_or_default();
        let begins_like_a_sentence = first.chars().next().is_some_and(char::is_uppercase)
            && first.chars().skip(1).all(char::is_lowercase)
            && !NAMES.contains(&first);
        if begins_like_a_sentence || text.said.ends_with('.') {
            found.push(format!("{:?} {}: {}", text.kind, text.place, text.said));
        }
    }
    fail(&found);
}

/// Names of products, which are written so everywhere.
const NAMES: [&str; 7] = [
    "Discord",
    "Keycloak",
    "Lark",
    "Mattermost",
    "Slack",
    "Twilio",
    "Kannel",
];

/// Parts were joined with one space, and none before a stop.
#[test]
fn no_text_has_a_gap_or_a_stray_stop() {
    let mut found = Vec::new();
    for text in said() {
        let letters: Vec<char> = text.said.chars().collect();
        let has_stray_stop = letters.windows(4).any(
            |part| matches!(part, [before, ' ', '.' | ',' | ';', ' '] if before.is_alphabetic()),
        );
        let has_gap = letters.windows(4).any(|part| {
            matches!(part, [before, ' ', ' ', after] if before.is_alphabetic() && after.is_alphabetic())
        });
        // The columns of a table are no gaps.
        let is_sentence = matches!(text.kind, Kind::People | Kind::Log | Kind::Error);
        if has_stray_stop || has_gap && is_sentence {
            found.push(format!("{}: {:?}", text.place, text.said));
        }
    }
    fail(&found);
}

#[test]
fn help_texts_are_short_sentences() {
    let mut found = Vec::new();
    let mut count = 0;
    for text in said().into_iter().filter(|text| text.kind == Kind::Help) {
        count += 1;
        let first = text.said.chars().next();
        if text.said.chars().count() > 200 || first.is_some_and(char::is_whitespace) {
            found.push(format!("{}: {}", text.place, text.said));
        }
    }
    assert!(count > 30, "only {count} help texts were found");
    fail(&found);
}

#[test]
fn all_kinds_of_texts_are_found() {
    let said = said();
    let count = |kind| said.iter().filter(|text| text.kind == kind).count();
    for (kind, least) in [
        (Kind::People, 300),
        (Kind::Log, 150),
        (Kind::Error, 60),
        (Kind::Help, 30),
        (Kind::Other, 300),
    ] {
        assert!(count(kind) > least, "{kind:?}: {}", count(kind));
    }
    let pages = said.iter().filter(|text| text.is_of_page()).count();
    assert!(pages > 20, "{pages}");
}

#[test]
fn texts_are_read_as_they_are_said() {
    let source = r#"
        #[derive(clap::Args)]
        struct Options {
            /// What it does to you.
            #[arg(long)]
            one: String,
        }
        #[derive(thiserror::Error)]
        enum Fault {
            /// Not said.
            #[error("the file {0} is \"gone\"")]
            Gone(String),
        }
        fn say() {
            tracing::warn!(error = "of a field", "could not {verb} it");
            let text = format!("One {a:?} and \
                two.");
        }
        #[cfg(test)]
        mod tests { fn f() { panic!("not said at all"); } }
    "#;
    let found: Vec<(Kind, String)> = source::of_source("src/a.rs", source)
        .into_iter()
        .map(|text| (text.kind, text.said))
        .collect();
    let expected = [
        (Kind::Help, "What it does to you."),
        (Kind::Error, "the file {} is \"gone\""),
        (Kind::Other, "of a field"),
        (Kind::Log, "could not {} it"),
        (Kind::Other, "One {} and two."),
    ];
    let expected: Vec<(Kind, String)> = expected.map(|(kind, text)| (kind, text.to_owned())).into();
    assert_eq!(found, expected);
    let page = "<p>A code goes to <strong>{{ mask }}</strong>.\nIt works{% if a %} once{% endif %}.</p><b>x</b>";
    let found: Vec<String> = source::of_page("a.html", page)
        .into_iter()
        .map(|text| text.said)
        .collect();
    assert_eq!(found, ["A code goes to {}. It works once.", "x"]);
    let expected = [
        "run it. then tell whoever runs the whole of it",
        "then tell whoever runs the whole of it",
    ];
    let found = units("Run it. Then tell whoever runs the whole of it: {}.");
    assert_eq!(found, expected.map(str::to_owned).into());
    assert_eq!(units("{}. Nothing was changed."), BTreeSet::new());
}
