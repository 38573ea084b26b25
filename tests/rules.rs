//! The rules of `docs/rules.md`: every rule that the code names is there, and what the page names exists.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// S, Q or P and a number of one or two digits: `S7`, and nothing like `PS7` or `S256`.
fn as_rule(word: &str) -> Option<(char, u8)> {
    let kind = word.chars().next().filter(|kind| "SQP".contains(*kind))?;
    let digits = &word[1..];
    let is_number = (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some((kind, digits.parse().ok()?))
}

/// A capital letter and a number, as lists of other pages number their points: `R3`, `S123`.
fn is_code(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let is_number = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number && word.len() == digits.len() + 1
}

/// What the comments name that looks like a rule and is none: names of other people's things.
const NO_RULES: &[&str] = &["P256"];

/// The words of the comments, with those in strings that look like a comment.
fn words_of_comments(source: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '–';
    source
        .lines()
        .filter_map(|line| Some(line.split_once("//")?.1))
        .flat_map(move |comment| comment.split(move |c| !is_part(c)))
}

/// The rules that the comments of a source name, the ones inside a range (`S22–S25`) too.
fn rules_named(source: &str) -> BTreeSet<(char, u8)> {
    let mut found = BTreeSet::new();
    for word in words_of_comments(source) {
        let ends: Vec<_> = word.split('–').filter_map(as_rule).collect();
        match ends[..] {
            [(kind, first), (_, last)] => found.extend((first..=last).map(|n| (kind, n))),
            _ => found.extend(ends),
        }
    }
    found
}

/// What looks like a rule in the comments of a source, and has no place among the rules.
fn codes_of_no_rule(source: &str) -> BTreeSet<String> {
    words_of_comments(source)
        .flat_map(|word| word.split('–'))
        .filter(|word| is_code(word) && as_rule(word).is_none() && !NO_RULES.contains(word))
        .map(str::to_owned)
        .collect()
}

/// The rows of the tables, each with its rule and its cells.
fn rows() -> Vec<((char, u8), Vec<String>)> {
    read("docs/rules.md")
        .lines()
        .filter_map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let rule = as_rule(cells.next()?)?;
            Some((rule, cells.map(str::to_owned).collect()))
        })
        .collect()
}

#[test]
fn every_rule_stands_once() {
    let mut rules: Vec<(char, u8)> = rows().into_iter().map(|(rule, _)| rule).collect();
    rules.sort_unstable();
    let numbered = |kind, last| (1..=last).map(move |number| (kind, number));
    let expected: Vec<_> = numbered('P', 6)
        .chain(numbered('Q', 13))
        .chain(numbered('S', 44))
        .collect();
    assert_eq!(rules, expected);
}

#[test]
fn every_rule_that_the_code_names_is_in_the_page() {
    let known: BTreeSet<(char, u8)> = rows().into_iter().map(|(rule, _)| rule).collect();
    let files = [
        files_below(&root().join("src")),
        files_below(&root().join("tests")),
    ]
    .concat();
    let mut named = 0;
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        let rules = rules_named(&source);
        named += rules.len();
        let unknown: Vec<_> = rules.difference(&known).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", file.display());
        let codes = codes_of_no_rule(&source);
        // This file says below what is refused, and a user of Slack is called like a rule in a name that means mischief.
        let is_sample = file.ends_with("tests/rules.rs") || file.ends_with("slack/blocks/tests.rs");
        assert!(
            codes.is_empty() || is_sample,
            "{}: {codes:?}",
            file.display()
        );
    }
    assert!(named > 100, "only {named} rules are named");
}

#[test]
fn files_and_tests_that_the_page_names_exist() {
    let quoted = |cell: &str| -> Vec<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let mut wrong = Vec::new();
    for ((kind, number), cells) in rows() {
        let [rule, enforced, shown] = &cells[..] else {
            panic!("{kind}{number} has {} cells", cells.len());
        };
        assert!(rule.len() > 20, "{kind}{number} says nothing");
        let names = [quoted(enforced), quoted(shown)].concat();
        let (paths, tests): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|name| name.contains('.'));
        wrong.extend(
            paths
                .iter()
                .filter(|path| !root().join(path).exists())
                .map(|path| format!("{kind}{number}: {path} is not there")),
        );
        // A test without a file is in the files of the rule or the tests beside them.
        let sources: String = paths
            .iter()
            .filter(|path| root().join(path).exists())
            .map(|path| module(path))
            .chain([all_unit_tests()])
            .collect();
        wrong.extend(
            tests
                .iter()
                .filter(|test| !sources.contains(&format!("fn {test}(")))
                .map(|test| format!("{kind}{number}: the test {test} is not there")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The source of a module, with those of the modules in its folder.
fn module(path: &str) -> String {
    let folder = root().join(path.trim_end_matches(".rs"));
    let inner = if folder.is_dir() {
        files_below(&folder)
    } else {
        Vec::new()
    };
    [root().join(path)]
        .iter()
        .chain(&inner)
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// The sources below `src`, where tests are named without their file.
fn all_unit_tests() -> String {
    files_below(&root().join("src"))
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// S44.
#[test]
fn documents_name_one_edition_of_the_rules() {
    for path in ["README.md", "docs/rules.md", "src/domain/policy.rs"] {
        let text = read(path).replace("//! ", "").replace('\n', " ");
        assert!(text.contains("edition of 2025-01-23"), "{path}");
        assert!(
            text.contains("\"Admin | Reset member passwords\""),
            "{path}"
        );
    }
}

#[test]
fn rules_are_read_from_comments() {
    let source = "/// S22–S25: a way (Q3).\nlet p = P256; // P1, P256, S256, A9\nlet s = \"S44\";";
    let expected = [
        ('P', 1),
        ('Q', 3),
        ('S', 22),
        ('S', 23),
        ('S', 24),
        ('S', 25),
    ];
    assert_eq!(rules_named(source), BTreeSet::from(expected));
    let no_rules = ["A9", "S256"].map(str::to_owned);
    assert_eq!(codes_of_no_rule(source), BTreeSet::from(no_rules));
}
