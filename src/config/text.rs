//! From file, environment and defaults to one table.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use toml::{Table, Value};

use crate::settings::{NOT_UTF8, Problem, WRITABLE_BY_OTHERS, why_not_read};

/// Why the settings file was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotRead {
    #[error("{}", WRITABLE_BY_OTHERS)]
    Exposed,
    #[error("{}", NOT_UTF8)]
    NotUtf8,
    #[error("{}", why_not_read(.0))]
    Io(#[source] std::io::Error),
}

impl From<std::io::Error> for NotRead {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::InvalidData {
            Self::NotUtf8
        } else {
            Self::Io(error)
        }
    }
}

/// Reads a file that only its owner may write: anybody else who could write it could name a directory and administrators of
/// their own.
pub(super) fn read_file(path: &Path) -> Result<String, NotRead> {
    let mut file = File::open(path)?;
    if file.metadata()?.mode() & 0o022 != 0 {
        return Err(NotRead::Exposed);
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// Parses a text of settings; an editor may have put a byte order mark before it.
pub(super) fn parse(text: &str) -> Result<Table, Problem> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.parse::<Table>().map_err(|error| {
        let before = error
            .span()
            .and_then(|span| text.get(..span.start))
            .unwrap_or_default();
        let line = before
            .matches('\n')
            .count()
            .saturating_add(1)
            .min(text.lines().count())
            .max(1);
        let told = format!("is not TOML: {}", syntax_advice(error.message()));
        Problem::new(format!("line {line}"), told)
    })
}

/// What to write instead. The parser's own message may quote the line, which may hold a secret, so it only decides which
/// sentence is told.
fn syntax_advice(message: &str) -> &'static str {
    if message.starts_with("duplicate key") {
        "this key stands in the section twice; remove one of the two"
    } else if message.starts_with("string values must be quoted") {
        "a text stands in quotes, such as organization = \"Acme\""
    } else if message.starts_with("unclosed table") {
        "the name of a section stands in brackets, such as [policy]"
    } else {
        "write a line as log = \"info\", a section as [policy], a list as [\"one\", \"two\"]"
    }
}

/// Values of `over` replace those of `base`; sections are merged key by key.
pub(super) fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// True for a variable that Kubernetes sets for a service named `relatch` in every pod of its namespace (Kubernetes,
/// "Service", "Environment variables").
fn is_of_kubernetes(name: &str) -> bool {
    matches!(
        name,
        "RELATCH_SERVICE_HOST" | "RELATCH_SERVICE_PORT" | "RELATCH_PORT"
    ) || name.starts_with("RELATCH_SERVICE_PORT_")
        || name.starts_with("RELATCH_PORT_")
}

/// Sets what an environment variable names, and returns the key: `RELATCH_POLICY__WINDOW=1h` is `policy.window = "1h"`, and
/// `RELATCH_DIRECTORY__1__PASSWORD=…` is `password` of the first `[[directory]]`.
pub(super) fn overlay(
    table: &mut Table,
    name: &str,
    value: &str,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    if is_of_kubernetes(name) {
        return None;
    }
    let path = name.strip_prefix("RELATCH_").map(str::to_ascii_lowercase)?;
    let value = Value::String(value.to_owned());
    match path.split_once("__") {
        None => {
            table.insert(path.clone(), value);
            Some(path)
        }
        Some(("directory", key)) => {
            let set = set_in_directory(table, key, value);
            if set.is_none() {
                let told = "names no [[directory]]; RELATCH_DIRECTORY__1__PASSWORD is the password of the first one in the file";
                problems.push(Problem::new(name, told));
            }
            set
        }
        Some((section, key)) => {
            let place = table
                .entry(section.to_owned())
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(place) = place {
                place.insert(key.to_owned(), value);
                return Some(format!("{section}.{key}"));
            }
            let told = "names no section; RELATCH_POLICY__WINDOW is the key window of [policy]";
            problems.push(Problem::new(name, told));
            None
        }
    }
}

/// Sets `NUMBER__KEY` of the directories; None where there is no such directory.
fn set_in_directory(table: &mut Table, place: &str, value: Value) -> Option<String> {
    let (number, key) = place.split_once("__")?;
    let number: usize = number.parse().ok()?;
    let list = table.get_mut("directory")?.as_array_mut()?;
    let is_alone = list.len() == 1;
    let one = list.get_mut(number.checked_sub(1)?)?.as_table_mut()?;
    one.insert(key.to_owned(), value);
    Some(format!("{}.{key}", directory_name(is_alone, number)))
}

/// The name of the directory with this number, as problems have it.
pub(super) fn directory_name(is_alone: bool, number: usize) -> String {
    if is_alone {
        "directory".to_owned()
    } else {
        format!("directory[{number}]")
    }
}
