//! Why a command fails, what the operator reads then, and the exit code.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::ownership::{folder_of, no_room, not_ours};
use crate::demo::{DemoError, NotOpened, UnusableFiles};
use crate::secret::KeyError;
use crate::settings::Problems;
use crate::store::{Lost, OpenError, StoreError};

/// A part of the program failed, and only a restart helps (`EX_SOFTWARE` of sysexits).
const SOFTWARE: u8 = 70;
/// Another process uses the database (`EX_TEMPFAIL` of sysexits).
const BUSY: u8 = 75;
/// The settings cannot be used (`EX_CONFIG` of sysexits).
const SETTINGS: u8 = 78;

/// Why a command failed; each kind has its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Every problem of the settings, a line each.
    #[error("the settings cannot be used:\n{0}")]
    Settings(#[from] Problems),
    /// The command is documented but not built yet.
    #[error("{0}")]
    NotBuilt(String),
    /// The record cannot be opened.
    #[error("{}: {error}", database.display())]
    Open {
        /// The file, with its whole path.
        database: PathBuf,
        /// The file of our own key, with its whole path.
        key_file: PathBuf,
        /// What is wrong with the database.
        error: OpenError,
    },
    /// Our own key cannot be used.
    #[error("{}: {error}", key_file.display())]
    Key {
        /// The file, with its whole path.
        key_file: PathBuf,
        /// What is wrong with it.
        error: KeyError,
    },
    /// The open record cannot be read or written.
    #[error("{}{error}", database.as_ref().map_or(String::new(), |path| format!("{}: ", path.display())))]
    Record {
        /// The file, with its whole path, once it is known.
        database: Option<PathBuf>,
        /// What is wrong with it.
        error: StoreError,
    },
    /// The key file shows that there was a record, but there is none.
    #[error(
        "the database {} is missing or has none of our tables, but the key file {} is there, so there was a record. \
        Nothing was changed. Restore the database from a backup, or correct `database` / `key_file`, or run `relatch new-database` to begin an \
        empty one",
        database.display(), key_file.display()
    )]
    NoRecord {
        /// Where the database should be.
        database: PathBuf,
        /// The key file that exists.
        key_file: PathBuf,
    },
    /// The database belongs to a key, and the key file is missing.
    #[error("the key of this database is gone: {} is missing. No key was made. {}", .0.display(), KEY_IS_GONE)]
    LostKey(PathBuf),
    /// The database belongs to another key.
    #[error("the key of this database is gone: {} is not the one that belongs to this database. {}", .0.display(), KEY_IS_GONE)]
    OtherKey(PathBuf),
    /// The files of the demo do not belong together.
    #[error(transparent)]
    Unusable(UnusableFiles),
    /// The running server cannot write to its record any more. The log says so already.
    #[error("{0}")]
    Lost(Lost),
    /// What `check` found to be wrong in itself, not at a service that it needs.
    #[error("{0}")]
    Unsound(String),
    /// Any other failure, as a sentence.
    #[error("{0}")]
    Said(String),
    /// The exit code alone is the answer.
    #[error("no")]
    No,
}

/// What to do without the key.
const KEY_IS_GONE: &str = "Restore it from a backup, or correct `database` / `key_file`; or run `relatch new-key`, which \
    accepts that all cards and links die";

impl Failure {
    /// A record that cannot be opened.
    pub(super) fn open(database: &Path, key_file: &Path, error: OpenError) -> Self {
        Self::Open {
            database: whole(database),
            key_file: whole(key_file),
            error,
        }
    }

    /// A key file that cannot be used.
    pub(super) fn key(key_file: &Path, error: KeyError) -> Self {
        Self::Key {
            key_file: whole(key_file),
            error,
        }
    }

    /// A database that belongs to a key, without the key file.
    pub(super) fn lost_key(key_file: &Path) -> Self {
        Self::LostKey(whole(key_file))
    }

    /// A database that belongs to another key.
    pub(super) fn other_key(key_file: &Path) -> Self {
        Self::OtherKey(whole(key_file))
    }

    /// The same with the database named, where it is about the open record.
    pub(super) fn of_database(self, path: &Path) -> Self {
        if let Self::Record { error, .. } = self {
            let database = Some(whole(path));
            return Self::Record { database, error };
        }
        self
    }

    /// Gives the demo the exit code that `serve` would have.
    pub(super) fn of_demo(stop: DemoError) -> Self {
        let stop = match stop.downcast::<NotOpened>() {
            Ok(stop) => return Self::open(&stop.database, &stop.key_file, stop.error),
            Err(stop) => stop,
        };
        let stop = match stop.downcast::<Lost>() {
            Ok(lost) => return Self::Lost(*lost),
            Err(stop) => stop,
        };
        stop.downcast::<UnusableFiles>().map_or_else(
            |stop| Self::Said(stop.to_string()),
            |unusable| Self::Unusable(*unusable),
        )
    }

    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Settings(_)
            | Self::NotBuilt(_)
            | Self::Key {
                error: KeyError::Exposed | KeyError::Malformed,
                ..
            }
            | Self::NoRecord { .. }
            | Self::LostKey(_)
            | Self::OtherKey(_)
            | Self::Unusable(_)
            | Self::Unsound(_)
            | Self::Open {
                error:
                    OpenError::Newer
                    | OpenError::OldSqlite(_)
                    | OpenError::Exposed
                    | OpenError::Linked
                    | OpenError::OtherLog
                    | OpenError::LostBesideLog
                    | OpenError::Missing
                    | OpenError::Empty,
                ..
            } => SETTINGS,
            Self::Lost(lost) => lost_code(*lost),
            Self::Open {
                error:
                    OpenError::Locked
                    | OpenError::Outdated
                    | OpenError::Older
                    | OpenError::Exchanged
                    | OpenError::NotServed,
                ..
            } => BUSY,
            Self::Open {
                error: OpenError::Migration(_) | OpenError::Io(_) | OpenError::Sqlite(_),
                ..
            }
            | Self::Key {
                error: KeyError::Io(_),
                ..
            }
            | Self::Record { .. }
            | Self::Said(_)
            | Self::No => 1,
        }
    }

    /// True where the database or the key file is at fault, and another try changes nothing.
    pub(super) fn is_of_files(&self) -> bool {
        match self {
            Self::Open { error, .. } => error.is_of_file() || self.code() == SETTINGS,
            Self::Key { .. } => true,
            Self::Record { .. }
            | Self::Settings(_)
            | Self::NotBuilt(_)
            | Self::NoRecord { .. }
            | Self::LostKey(_)
            | Self::OtherKey(_)
            | Self::Unusable(_)
            | Self::Unsound(_)
            | Self::Lost(_)
            | Self::Said(_)
            | Self::No => self.code() == SETTINGS,
        }
    }

    /// The text for the operator. For a file that cannot be used it includes the cause.
    pub(super) fn in_full(&self) -> String {
        if let Self::Open {
            database,
            key_file,
            error: OpenError::Io(error),
        } = self
            && let Some(advice) = advice_on_files(database, key_file, error.kind())
        {
            return format!("{}: {advice}", database.display());
        }
        let cause = match self {
            Self::Open { error, .. } => error.source(),
            Self::Key { error, .. } => error.source(),
            Self::Record { .. }
            | Self::Settings(_)
            | Self::NotBuilt(_)
            | Self::NoRecord { .. }
            | Self::LostKey(_)
            | Self::OtherKey(_)
            | Self::Unusable(_)
            | Self::Unsound(_)
            | Self::Lost(_)
            | Self::Said(_)
            | Self::No => None,
        };
        cause.map_or(self.to_string(), |cause| format!("{self}: {cause}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Said(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Record {
            database: None,
            error,
        }
    }
}

/// What to do where the file of the database, or its folder, is not this user's.
fn advice_on_files(database: &Path, key_file: &Path, kind: ErrorKind) -> Option<String> {
    let is_there = database.try_exists().unwrap_or(true);
    let folder = folder_of(database);
    if kind == ErrorKind::PermissionDenied && is_there {
        Some(not_ours(database, key_file))
    } else if kind == ErrorKind::PermissionDenied || !folder.try_exists().unwrap_or(true) {
        Some(no_room(folder, kind))
    } else {
        None
    }
}

/// The exit code if nothing can be recorded any more. A restart helps if a task ended (`EX_SOFTWARE`), but not if the
/// database is gone (`EX_CONFIG`).
pub(super) fn lost_code(lost: Lost) -> u8 {
    match lost {
        Lost::Task => SOFTWARE,
        Lost::Deleted | Lost::Replaced => SETTINGS,
    }
}

/// A path that says the same in every folder.
fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
