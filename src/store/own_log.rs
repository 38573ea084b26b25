//! Guards against another database's write-ahead log. SQLite finds the log by its name alone and writes it into whatever
//! database is there ("How To Corrupt An SQLite Database File"): also into a backup that was moved to the place of a
//! database whose process was killed.
//!
//! The lock file tells which database and which log were open together last, by inode and time of birth. A database that
//! was exchanged since, with that log still beside it, is refused. A log that is not known there is taken for the
//! database's own, because a database can be copied together with its log. What cannot be told: a backup that is copied
//! *over* the file, which stays the same file.

use std::fs::{File, Metadata, TryLockError};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::open_error::OpenError;

/// A file that is not another one of the same name, nor one that got its inode later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Birth {
    inode: u64,
    /// In nanoseconds since 1970; zero where the file system does not tell it.
    created: u128,
}

impl Birth {
    fn of(metadata: &Metadata) -> Self {
        let created = metadata.created().ok();
        let since = created.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Self {
            inode: metadata.ino(),
            created: since.map_or(0, |since| since.as_nanos()),
        }
    }

    /// One file system does not tell the time of birth, and another one, or a later version of it, does.
    fn is_of_same_file(self, other: Self) -> bool {
        let is_told = self.created != 0 && other.created != 0;
        self.inode == other.inode && (self.created == other.created || !is_told)
    }
}

/// A database and the log that was open with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pair {
    database: Birth,
    log: Birth,
}

impl Pair {
    fn line(&self) -> String {
        let Self { database, log } = self;
        format!(
            "database {} {} log {} {}\n",
            database.inode, database.created, log.inode, log.created
        )
    }

    /// None for anything else, as versions up to 0.1.0 left it: empty.
    fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.strip_suffix('\n')?.split(' ').collect();
        let ["database", inode, created, "log", log_inode, log_created] = words.as_slice() else {
            return None;
        };
        let birth = |inode: &str, created: &str| {
            Some(Birth {
                inode: inode.parse().ok()?,
                created: created.parse().ok()?,
            })
        };
        Some(Self {
            database: birth(inode, created)?,
            log: birth(log_inode, log_created)?,
        })
    }
}

/// The log of a database, which SQLite names after the real file, also where it is opened by a symbolic link.
pub(super) fn log_of(database: &Path) -> std::io::Result<PathBuf> {
    beside(database, "-wal")
}

/// The index of the log.
pub(super) fn index_of(database: &Path) -> std::io::Result<PathBuf> {
    beside(database, "-shm")
}

/// The file that a running `serve` keeps locked.
pub(super) fn lock_of(database: &Path) -> std::io::Result<PathBuf> {
    beside(database, ".lock")
}

fn beside(database: &Path, ending: &str) -> std::io::Result<PathBuf> {
    let mut name = database.canonicalize()?.into_os_string();
    name.push(ending);
    Ok(name.into())
}

/// Refuses a database whose log is another one's, and one that was put in the place of the one that is being served. It
/// opens neither of them. Where there is no database, one that is made would be given the log.
pub(super) fn check(database: &Path) -> Result<(), OpenError> {
    let Some(here) = found(database)? else {
        let mut log = end_of_links(database).into_os_string();
        log.push("-wal");
        let is_left = found(Path::new(&log))?.is_some_and(|log| log.len() > 0);
        return if is_left {
            Err(OpenError::LostBesideLog)
        } else {
            Ok(())
        };
    };
    let here = (Birth::of(&here), here.len());
    let lock = noted(&lock_of(database)?)?;
    if let Some((file, Some(noted))) = &lock
        && !noted.database.is_of_same_file(here.0)
        && is_held(file)?
    {
        return Err(OpenError::NotServed);
    }
    let Some(log) = found(&log_of(database)?)?.filter(|log| log.len() > 0) else {
        return Ok(());
    };
    let is_of_another = lock.and_then(|(_, noted)| noted).is_some_and(|noted| {
        noted.log.is_of_same_file(Birth::of(&log)) && !noted.database.is_of_same_file(here.0)
    });
    match here.1 {
        // SQLite would delete the log beside an empty file.
        0 => Err(OpenError::LostBesideLog),
        _ if is_of_another => Err(OpenError::OtherLog),
        _ => Ok(()),
    }
}

/// Where a database would be made: links are followed to their end, which is not there.
fn end_of_links(database: &Path) -> PathBuf {
    let mut end = database.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        let Ok(target) = end.read_link() else { break };
        end = match end.parent() {
            Some(folder) => folder.join(target),
            None => target,
        };
    }
    end
}

/// Forgets the pair in this lock file, whose lock is held, unless it is of this database. [`check`] has passed, so the other
/// one's log is not here, and nobody serves it. Else a command would take this process for one that does.
pub(super) fn forget_other(name: &Path, lock: &File, database: &File) -> std::io::Result<()> {
    let here = Birth::of(&database.metadata()?);
    let noted = read(name)?.and_then(|text| Pair::parse(&text));
    if noted.is_some_and(|noted| !noted.database.is_of_same_file(here)) {
        lock.set_len(0)?;
    }
    Ok(())
}

/// Notes that this log is the database's own, once SQLite has opened both. `lock` is the lock file.
pub(super) fn note(database: &Path, lock: &File) -> std::io::Result<()> {
    let (Some(here), Some(log)) = (found(database)?, found(&log_of(database)?)?) else {
        return Ok(());
    };
    let pair = Pair {
        database: Birth::of(&here),
        log: Birth::of(&log),
    };
    if read(&lock_of(database)?)?.as_deref() == Some(pair.line().as_str()) {
        return Ok(());
    }
    lock.write_all_at(pair.line().as_bytes(), 0)?;
    lock.set_len(pair.line().len().try_into().unwrap_or(u64::MAX))?;
    lock.sync_all()
}

fn found(path: &Path) -> std::io::Result<Option<Metadata>> {
    none_if_missing(path.metadata())
}

/// The lock file, and what it tells.
fn noted(lock: &Path) -> std::io::Result<Option<(File, Option<Pair>)>> {
    let Some(file) = none_if_missing(File::open(lock))? else {
        return Ok(None);
    };
    let noted = read(lock)?.and_then(|text| Pair::parse(&text));
    Ok(Some((file, noted)))
}

/// The text of the lock file, which is short.
fn read(lock: &Path) -> std::io::Result<Option<String>> {
    let Some(file) = none_if_missing(File::open(lock))? else {
        return Ok(None);
    };
    let mut text = Vec::new();
    file.take(200).read_to_end(&mut text)?;
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

/// True where another process holds the lock.
fn is_held(lock: &File) -> std::io::Result<bool> {
    match lock.try_lock_shared() {
        Ok(()) => lock.unlock().map(|()| false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn none_if_missing<T>(opened: std::io::Result<T>) -> std::io::Result<Option<T>> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::{Absent, DatabaseFile};
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let pair = Pair {
            database: Birth {
                inode: 1,
                created: 1_764_388_800_123_456_789,
            },
            log: Birth {
                inode: u64::MAX,
                created: 0,
            },
        };
        assert_eq!(Pair::parse(&pair.line()), Some(pair));
        for cut in 0..pair.line().len() {
            assert_eq!(Pair::parse(&pair.line()[..cut]), None);
        }
        assert_eq!(Pair::parse(&format!("{} ", pair.line())), None);
    }

    #[test]
    fn a_file_without_a_time_of_birth_is_known_by_its_inode() {
        let birth = |inode, created| Birth { inode, created };
        for (other, is_same) in [
            (birth(1, 2), true),
            (birth(1, 0), true),
            (birth(1, 3), false),
            (birth(2, 2), false),
            (birth(2, 0), false),
        ] {
            assert_eq!(birth(1, 2).is_of_same_file(other), is_same, "{other:?}");
            assert_eq!(other.is_of_same_file(birth(1, 2)), is_same, "{other:?}");
        }
    }

    /// A backup was put back while nobody served. A `serve` that starts on it is not one that serves the database before.
    #[test]
    fn a_start_after_a_restore_is_not_taken_for_one_before_it() {
        let folder = std::env::temp_dir().join(format!("relatch-restored-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let [database, backup, log] =
            ["relatch.db", "backup.db", "relatch.db-wal"].map(|name| folder.join(name));
        let mut before = DatabaseFile::open(&database, Absent::Begin).unwrap();
        for name in [&database, &log] {
            std::fs::write(name, "in use").unwrap();
        }
        before.lock().unwrap();
        before.note_log();
        drop(DatabaseFile::open(&backup, Absent::Begin).unwrap());
        std::fs::rename(&backup, &database).unwrap();
        assert!(matches!(check(&database), Err(OpenError::NotServed)));
        drop(before);
        std::fs::remove_file(&log).unwrap();
        check(&database).unwrap();
        let mut starting = DatabaseFile::open(&database, Absent::Begin).unwrap();
        starting.lock().unwrap();
        check(&database).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
