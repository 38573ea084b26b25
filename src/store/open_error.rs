//! Why a database could not be opened.

/// Older versions of SQLite can corrupt a database in WAL mode when two connections checkpoint at once.
pub(super) const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// Why the record could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another `serve` or `demo` holds it.
    #[error("another relatch is running on this database")]
    Locked,
    /// It is of an older version, and another `serve` or `demo` is running on it.
    #[error(
        "the database has to be brought up to date, and another relatch is running on it; nothing was changed; \
        restart that one with this version first"
    )]
    Outdated,
    /// It is of an older version, and whoever only looks brings nothing up to date.
    #[error(
        "the database is of an older relatch. Nothing was changed. The next `relatch serve` brings it up to date"
    )]
    Older,
    /// There is no file, and there should be one.
    #[error("the database is missing")]
    Missing,
    /// There is a file without our tables, and there should be a record.
    #[error("the database is empty")]
    Empty,
    /// The file was exchanged while it was being opened.
    #[error("the database was replaced while it was opened; start again")]
    Exchanged,
    /// Another `serve` holds the file that was in its place.
    #[error(
        "the database was replaced while relatch was serving it; nothing was changed; the running relatch ends by itself \
        within a minute, or stop it, and then start again"
    )]
    NotServed,
    /// The log beside it is another database's.
    #[error(
        "the file ending in -wal is the log of another database, and SQLite would write it into this one. Nothing was \
        changed. For a backup, move the files ending in -wal and -shm away. For a copy of the log's own database, delete the \
        one ending in .lock. Else put that database back"
    )]
    OtherLog,
    /// There is no database, and the log of one.
    #[error(
        "the database is missing or empty, but the log of one is beside its place: the file whose name ends in -wal. Nothing \
        was changed. Put that database back; or move the files ending in -wal and -shm away, and then restore a backup or \
        run `relatch new-database`"
    )]
    LostBesideLog,
    /// Others than its owner may read it.
    #[error("the database file may be read by others; run chmod 600 on it")]
    Exposed,
    /// It has a second hard link.
    #[error(
        "the database file has a second name, a hard link, and what is written under one name could be lost under the \
        other; remove one of them (a symbolic link is fine)"
    )]
    Linked,
    /// It was written by a newer version.
    #[error("the database was written by a newer relatch; use that version")]
    Newer,
    /// A migration that was applied is not the one of this program.
    #[error("the database does not match this program's migrations")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The SQLite library is too old to be safe.
    #[error("SQLite {0} is too old; {oldest} is needed", oldest = OLDEST_SQLITE.map(|part| part.to_string()).join("."))]
    OldSqlite(String),
    /// The file cannot be used.
    #[error("the database file cannot be opened")]
    Io(#[from] std::io::Error),
    /// SQLite refuses the file, as one that is locked or damaged.
    #[error("the database cannot be opened")]
    Sqlite(#[from] sqlx::Error),
}

impl OpenError {
    /// True where there is no record, and one was asked for.
    pub fn is_no_record(&self) -> bool {
        matches!(self, Self::Missing | Self::Empty)
    }

    /// True where the file itself is at fault, and another try changes nothing.
    pub fn is_of_file(&self) -> bool {
        match self {
            Self::Migration(_) | Self::Io(_) => true,
            Self::Sqlite(error) => error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code)
                .is_some_and(|code| is_damaged(&code)),
            Self::Locked
            | Self::Outdated
            | Self::Older
            | Self::Missing
            | Self::Empty
            | Self::Exchanged
            | Self::NotServed
            | Self::OtherLog
            | Self::LostBesideLog
            | Self::Exposed
            | Self::Linked
            | Self::Newer
            | Self::OldSqlite(_) => false,
        }
    }

    pub(super) fn when_outdated(self) -> Self {
        if matches!(self, Self::Locked) {
            Self::Outdated
        } else {
            self
        }
    }
}

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`. sqlx gives the extended code, whose lowest byte is the primary one ("Result and
/// Error Codes", sections 1 and 2).
fn is_damaged(code: &str) -> bool {
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 11 | 26))
}

#[cfg(test)]
mod tests {
    use super::{OpenError, is_damaged};

    #[test]
    fn a_file_that_is_in_use_is_not_at_fault() {
        let gone = std::io::Error::from(std::io::ErrorKind::NotFound);
        assert!(OpenError::Io(gone).is_of_file());
        for in_use in [OpenError::Locked, OpenError::Outdated, OpenError::Missing] {
            assert!(!in_use.is_of_file(), "{in_use}");
        }
        let busy = OpenError::Sqlite(sqlx::Error::PoolTimedOut);
        assert!(!busy.is_of_file());
    }

    #[test]
    fn a_damaged_file_is_known_by_extended_codes_too() {
        // SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CORRUPT_VTAB, _SEQUENCE and _INDEX.
        for code in ["11", "26", "267", "523", "779"] {
            assert!(is_damaged(code), "{code}");
        }
        // SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_READ, SQLITE_CANTOPEN.
        for code in ["5", "517", "266", "14", ""] {
            assert!(!is_damaged(code), "{code}");
        }
    }
}
