//! The layers of the crate: a file may use its own floor and those below, never one above.
//!
//! The check reads `crate::…` and `super::…` paths out of the source text, so it needs no compiler. It is tried on
//! planted violations first, because a check that finds nothing may be one that looks at nothing.

use std::path::{Path, PathBuf};

/// Every module at the root of the crate, by floor.
const FLOORS: [&[&str]; 8] = [
    &["domain"],
    &[
        "chance",
        "clock",
        "fault",
        "lark_api",
        "net",
        "recent",
        "secret",
        "settings",
        "telemetry",
    ],
    &["chat", "delivery", "directory", "store"],
    &["app"],
    &["flow"],
    &["http", "portal"],
    &["demo"],
    &["cli", "config", "lib", "main"],
];

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

/// The code without comments and string literals; line breaks stay.
fn bare(source: &str) -> String {
    let mut bare = String::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '"' {
            end_of_string(rest)
        } else {
            bare.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        bare.extend(
            rest[..skipped]
                .chars()
                .filter(|character| *character == '\n'),
        );
        rest = &rest[skipped..];
    }
    bare
}

fn end_of_string(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !is_escaped => return at + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// The first names behind a path prefix: one, or all of a `{…}` group at its own height.
fn names_behind(rest: &str) -> Vec<String> {
    let name = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let Some(group) = rest.trim_start().strip_prefix('{') else {
        return vec![name(rest.trim_start())];
    };
    let (mut depth, mut names, mut is_start) = (0, Vec::new(), true);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_start = true,
            c if is_start && (c.is_alphanumeric() || c == '_') => {
                names.push(name(&group[at..]));
                is_start = false;
            }
            _ => {}
        }
    }
    names
}

/// The root modules that a file uses. `depth` is how far its module lies below the root.
fn uses(source: &str, depth: usize) -> Vec<String> {
    let bare = bare(source);
    let starts_word =
        |at: usize| !bare[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    let mut found: Vec<String> = bare
        .match_indices("crate::")
        .filter(|(at, _)| starts_word(*at) || bare[..*at].ends_with('$'))
        .flat_map(|(at, prefix)| names_behind(&bare[at + prefix.len()..]))
        .collect();
    for (at, _) in bare
        .match_indices("super::")
        .filter(|(at, _)| starts_word(*at))
    {
        let chain = &bare[at..];
        let steps = std::iter::successors(chain.strip_prefix("super::"), |rest| {
            rest.strip_prefix("super::")
        })
        .count();
        if steps >= depth {
            found.extend(names_behind(&chain[steps * 7..]));
        }
    }
    found
}

/// What is wrong in one file, given by its path below `src`.
fn violations(path: &Path, source: &str) -> Vec<String> {
    let mut parts: Vec<&str> = path.iter().filter_map(|part| part.to_str()).collect();
    let file = parts.pop().unwrap_or_default().trim_end_matches(".rs");
    if file != "mod" {
        parts.push(file);
    }
    let module = parts[0];
    let shown = path.display();
    let mut wrong = Vec::new();
    if !source.starts_with("//! ") {
        wrong.push(format!(
            "{shown} does not open with a sentence about itself"
        ));
    }
    let Some(floor) = floor_of(module) else {
        wrong.push(format!("{shown} stands on no floor"));
        return wrong;
    };
    for used in uses(source, parts.len()) {
        if floor_of(&used).is_some_and(|other| other > floor) {
            wrong.push(format!(
                "{shown} is on floor {floor} and uses {used} above it"
            ));
        }
    }
    wrong
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_file_uses_its_own_floor_and_those_below() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root);
    assert!(files.len() > 50, "only {} files were found", files.len());
    let wrong: Vec<String> = files
        .iter()
        .flat_map(|path| {
            violations(
                path.strip_prefix(&root).unwrap(),
                &std::fs::read_to_string(path).unwrap(),
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn planted_violations_are_found() {
    for (path, line) in [
        ("domain/policy.rs", "use crate::store::Store;"),
        ("domain/policy.rs", "use super::super::store::Store;"),
        ("domain/mod.rs", "use super::clock;"),
        ("clock.rs", "fn f() { crate::chat::slack::Slack::new() }"),
        (
            "store/mod.rs",
            "use crate::{clock::Clock, domain::{Member, Role}, app::App};",
        ),
        ("store/mod.rs", "use crate::{\n    app,\n};"),
        ("store/mod.rs", "use crate::\n    flow::react;"),
        ("chat/slack/mod.rs", "use super::super::flow;"),
        ("flow/offer.rs", "pub(in crate::http) fn f() {}"),
        ("http/mod.rs", "use crate::demo;"),
        ("attic.rs", "use std::fs;"),
    ] {
        let wrong = violations(Path::new(path), &format!("//! Planted.\n{line}\n"));
        assert_eq!(wrong.len(), 1, "{path}: {line}: {wrong:?}");
    }
    assert_eq!(violations(Path::new("clock.rs"), "use std::fs;\n").len(), 1);
}

#[test]
fn what_only_looks_like_a_violation_is_none() {
    for (path, line) in [
        (
            "domain/policy.rs",
            "/// See [`crate::store`].\nuse super::Member; // crate::app",
        ),
        (
            "domain/policy.rs",
            "const TEXT: &str = \"crate::app \\\" crate::flow\";",
        ),
        (
            "flow/offer.rs",
            "use super::messages; use crate::app::App; use crate::domain::{self, policy};",
        ),
        (
            "chat/slack/mod.rs",
            "use super::form::Fields; use super::super::store::ReplayKey;",
        ),
        ("store/mod.rs", "use my_crate::app::App;"),
    ] {
        let wrong = violations(Path::new(path), &format!("//! Planted.\n{line}\n"));
        assert!(wrong.is_empty(), "{path}: {line}: {wrong:?}");
    }
}
