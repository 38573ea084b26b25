//! From file, environment and defaults to one table.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use toml::{Table, Value};

use crate::settings::Problem;

/// Why the settings file was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotRead {
    #[error("may be written by others; run chmod go-w on it")]
    Exposed,
    #[error("cannot be read: {}", .0.kind())]
    Io(#[from] std::io::Error),
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

pub(super) fn parse(text: &str) -> Result<Table, Problem> {
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
        // The parser's own message may quote the line, which may hold a secret.
        Problem {
            key: format!("line {line}"),
            text: "is not TOML".to_owned(),
        }
    })
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

/// Sets what an environment variable names: `RELATCH_POLICY__WINDOW=1h` is `policy.window = "1h"`, and `RELATCH_DIRECTORY__1__PASSWORD=…` is `password` of the first
/// `[[directory]]`.
pub(super) fn overlay(table: &mut Table, name: &str, value: &str, problems: &mut Vec<Problem>) {
    let Some(path) = name.strip_prefix("RELATCH_").map(str::to_ascii_lowercase) else {
        return;
    };
    let value = Value::String(value.to_owned());
    match path.split_once("__") {
        None => {
            table.insert(path, value);
        }
        Some(("directory", key)) => {
            let place = key
                .split_once("__")
                .and_then(|(number, key)| Some((number.parse::<usize>().ok()?, key)));
            let list = table.get_mut("directory").and_then(Value::as_array_mut);
            let one = list.zip(place).and_then(|(list, (number, key))| {
                Some((list.get_mut(number.checked_sub(1)?)?.as_table_mut()?, key))
            });
            match one {
                Some((one, key)) => {
                    one.insert(key.to_owned(), value);
                }
                None => problems.push(Problem {
                    key: name.to_owned(),
                    text: "names no [[directory]]".to_owned(),
                }),
            }
        }
        Some((section, key)) => {
            let section = table
                .entry(section.to_owned())
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                section.insert(key.to_owned(), value);
            } else {
                problems.push(Problem {
                    key: name.to_owned(),
                    text: "names no section".to_owned(),
                });
            }
        }
    }
}
