//! The database's file: kept private, and locked against a second `serve`, by whichever name it is opened.
//!
//! The lock lies on the file itself, so it holds for symbolic and hard links. SQLite names the log after the path, so under
//! a second hard link it would write another log and not see the first: such a file is refused. The lock is one of flock(2), which knows nothing of
//! the locks of fcntl(2) that SQLite takes. But closing any descriptor of the file would drop SQLite's locks in this process
//! ("How To Corrupt An SQLite Database File", section 2.2): the file is opened before SQLite opens it, and closed after.

use std::fs::{File, Metadata, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::open_error::OpenError;
use super::own_log;

/// How often the lock beside the database is tried, and the pause after each try: 200 ms in all.
const TRIES: u32 = 20;
const TRY_PAUSE: Duration = Duration::from_millis(10);

/// Where there is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    Begin,
    /// It is an error: everybody would have all their slots again.
    Refuse,
}

/// A file, however it is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// The open file. Dropping it gives up the lock; drop it after the last connection of this process.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    file: File,
    path: PathBuf,
    /// What versions up to 0.1.0 lock instead; without it one of them could run beside this one.
    beside: PathBuf,
    locked_beside: Option<File>,
    /// True where it was made just now.
    pub(super) is_new: bool,
}

impl DatabaseFile {
    /// Opens the file, or makes it for its owner alone, before SQLite does; SQLite gives its other files the same mode.
    pub(super) fn open(path: &Path, absent: Absent) -> Result<Self, OpenError> {
        let is_new = !path.try_exists()?;
        if is_new && absent == Absent::Refuse {
            return Err(OpenError::Missing);
        }
        let may_make = absent == Absent::Begin;
        let file = File::options()
            .create(may_make)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path)?;
        let for_others = file.metadata()?.mode() & 0o077;
        if for_others != 0 {
            return Err(OpenError::Exposed);
        }
        Ok(Self {
            file,
            path: path.to_owned(),
            beside: own_log::lock_of(path)?,
            locked_beside: None,
            is_new,
        })
    }

    /// What the file is, by whatever name.
    pub(super) fn identity(&self) -> std::io::Result<FileIdentity> {
        self.file
            .metadata()
            .map(|metadata| FileIdentity::of(&metadata))
    }

    /// Refuses a file with another name: what is written under one of them is not in the log of the other, and lost later
    /// ("How To Corrupt An SQLite Database File", section 2.5).
    pub(super) fn check_single_name(&self) -> Result<(), OpenError> {
        if self.file.metadata()?.nlink() > 1 {
            Err(OpenError::Linked)
        } else {
            Ok(())
        }
    }

    /// Notes in the lock file that the log beside the database is its own. A command that may not write there leaves it.
    pub(super) fn note_log(&self) {
        let noted = match &self.locked_beside {
            Some(lock) => own_log::note(&self.path, lock),
            None => open_lock(&self.beside, &self.file)
                .and_then(|lock| own_log::note(&self.path, &lock)),
        };
        if let Err(error) = noted {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not note whose the write-ahead log is"
            );
        }
    }

    /// Takes the lock that only one process has.
    pub(super) fn lock(&mut self) -> Result<(), OpenError> {
        try_lock(&self.file)?;
        let beside = open_lock(&self.beside, &self.file)?;
        let locked = lock_with_retries(&beside).and_then(|()| {
            own_log::forget_other(&self.beside, &beside, &self.file).map_err(OpenError::from)
        });
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

/// Opens the lock beside a database, or makes it for the database's owner: what root left there alone would shut out the
/// user that serves it.
fn open_lock(lock: &Path, database: &File) -> std::io::Result<File> {
    // `create_new` follows no link, so nothing else is ever given away.
    match File::options()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(lock)
    {
        Ok(file) => {
            let (owner, folder) = (
                database.metadata()?,
                lock.parent().map(Path::metadata).transpose()?,
            );
            // Whoever owns the folder could have made the file there by themselves.
            if file.metadata()?.uid() != owner.uid()
                && folder.is_some_and(|folder| folder.uid() == owner.uid())
            {
                std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
            }
            Ok(file)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            File::options().write(true).open(lock)
        }
        Err(error) => Err(error),
    }
}

/// Takes the lock beside the database. A command that looks whether somebody holds it holds it itself for that moment, so
/// one that is taken is tried again for a while.
fn lock_with_retries(beside: &File) -> Result<(), OpenError> {
    for _ in 0..TRIES {
        match try_lock(beside) {
            Err(OpenError::Locked) => std::thread::sleep(TRY_PAUSE),
            ended => return ended,
        }
    }
    try_lock(beside)
}

fn try_lock(file: &File) -> Result<(), OpenError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => OpenError::Locked,
        TryLockError::Error(error) => error.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command looks for a moment whether somebody holds the lock beside the database, and holds it itself meanwhile.
    #[test]
    fn a_start_waits_while_a_command_looks_at_the_lock() {
        let folder = std::env::temp_dir().join(format!("relatch-probed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("relatch.db");
        let mut starting = DatabaseFile::open(&path, Absent::Begin).unwrap();
        let looked_at = open_lock(&starting.beside, &starting.file).unwrap();
        looked_at.lock_shared().unwrap();
        let command = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            drop(looked_at);
        });
        starting.lock().unwrap();
        command.join().unwrap();
        starting.unlock().unwrap();
        // One that stays is another `serve` of an older version.
        let served = open_lock(&starting.beside, &starting.file).unwrap();
        served.lock().unwrap();
        assert!(matches!(starting.lock(), Err(OpenError::Locked)));
        drop(served);
        starting.lock().unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
