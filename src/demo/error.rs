//! What goes wrong in the demo.

use std::path::{Path, PathBuf};

use crate::store::OpenError;

/// What ends the demo: a sentence.
pub(crate) type DemoError = Box<dyn std::error::Error + Send + Sync>;

/// Why a person cannot do what they tried: a sentence for the visitor.
pub(super) type ActionRefused = String;

/// The demo's database cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", database.display())]
pub(crate) struct NotOpened {
    pub(crate) database: PathBuf,
    pub(crate) key_file: PathBuf,
    pub(crate) error: OpenError,
}

/// The files of the demo do not belong together: a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnusableFiles(String);

impl UnusableFiles {
    pub(super) fn without_database(database: &Path, key_file: &Path) -> Self {
        Self(format!(
            "the demo's database {} is missing or empty, but its key file is there. Nothing was changed. Restore the \
            database, or remove {} to begin a new demo",
            database.display(),
            key_file.display()
        ))
    }

    pub(super) fn without_key(key_file: &Path) -> Self {
        Self(format!(
            "the key file {} is missing, but the demo's database is there and was used with one; no key was made; restore the key \
            file, or remove the database to begin a new demo",
            key_file.display()
        ))
    }

    pub(super) fn with_another_key(key_file: &Path) -> Self {
        Self(format!(
            "the key file {} is not the one that belongs to the demo's database; restore it, or remove both to begin a new \
            demo",
            key_file.display()
        ))
    }
}

/// Why a text that is no command does nothing.
pub(super) fn no_reader(command: &str) -> String {
    format!("Nobody reads messages here. Type {command} and a member.")
}
