//! The database's file: kept private, and locked against a second `serve`, by whichever name it is opened.
//!
//! The lock lies on the file itself, so it holds for symbolic and hard links. It is one of flock(2), which knows nothing of
//! the locks of fcntl(2) that SQLite takes. But closing any descriptor of the file would drop SQLite's locks in this process
//! ("How To Corrupt An SQLite Database File", section 2.2): the file is opened before SQLite opens it, and closed after.

use std::fs::{File, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::OpenError;

/// The open file. Dropping it gives up the lock; drop it after the last connection of this process.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    file: File,
    /// What versions up to 0.1.0 lock instead; without it one of them could run beside this one.
    beside: PathBuf,
    locked_beside: Option<File>,
}

impl DatabaseFile {
    /// Opens the file, or makes it for its owner alone, before SQLite does; SQLite gives its other files the same mode.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let file = File::options().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
        let for_others = file.metadata()?.mode() & 0o077;
        if for_others != 0 {
            return Err(OpenError::Exposed);
        }
        let mut beside = path.canonicalize()?.into_os_string();
        beside.push(".lock");
        Ok(Self { file, beside: beside.into(), locked_beside: None })
    }

    /// Takes the lock that only one process has.
    pub(super) fn lock(&mut self) -> Result<(), OpenError> {
        try_lock(&self.file)?;
        let beside = File::options().create(true).truncate(false).write(true).mode(0o600).open(&self.beside)?;
        let locked = try_lock(&beside);
        if locked.is_err() {
            self.file.unlock()?;
        }
        self.locked_beside = locked.map(|()| Some(beside))?;
        Ok(())
    }

    /// Gives the lock up and keeps the file open.
    pub(super) fn unlock(&mut self) -> Result<(), OpenError> {
        self.locked_beside = None;
        self.file.unlock().map_err(OpenError::from)
    }
}

fn try_lock(file: &File) -> Result<(), OpenError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => OpenError::Locked,
        TryLockError::Error(error) => error.into(),
    })
}
