//! Notices that the database is no longer the one that was opened: its task ended, or its files were deleted or replaced.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tokio::sync::watch;

use super::file::FileIdentity;
use super::own_log;
use crate::domain::Moment;

/// Why nothing can be recorded any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The task that speaks to the database ended by a panic.
    #[error("the store's task ended unexpectedly, so nothing can be recorded")]
    Task,
    /// The file is not where it was opened.
    #[error(
        "the database was deleted or moved while relatch was running, so resets would go on without a record"
    )]
    Deleted,
    /// There is another file in its place.
    #[error(
        "the database was replaced while relatch was running, so resets would go into a file that is no longer there"
    )]
    Replaced,
}

/// The files of an open database. It asks for their names only: to open and close one of them would take SQLite's own
/// locks away (POSIX locks belong to the process).
#[derive(Clone, Debug)]
pub struct Watch {
    file: PathBuf,
    /// The same without symbolic links: the log lies beside this one, wherever the links lead later.
    real: PathBuf,
    opened: FileIdentity,
    /// The write-ahead log, which is there once the database was read; what is not seen yet is none.
    log: (PathBuf, Option<FileIdentity>),
    /// The index of the log.
    index: (PathBuf, Option<FileIdentity>),
    task: watch::Receiver<()>,
}

impl Watch {
    /// Of the database at `file`, which is open, and whose task keeps the other half of `task`.
    pub(super) fn new(file: &Path, task: watch::Receiver<()>) -> std::io::Result<Self> {
        let opened = FileIdentity::of(&file.metadata()?);
        let with_identity = |path: PathBuf| {
            let metadata = path.metadata().ok();
            (path, metadata.map(|metadata| FileIdentity::of(&metadata)))
        };
        Ok(Self {
            file: file.to_owned(),
            real: file.canonicalize()?,
            opened,
            log: with_identity(own_log::log_of(file)?),
            index: with_identity(own_log::index_of(file)?),
            task,
        })
    }

    /// Renames the log and its index, where another database is in the place of the one that was opened: the next start
    /// would write this log into that one. Only the files that this process has open are renamed. Gives the new names.
    ///
    /// A database that a link no longer leads to still lies beside its log, and needs it.
    pub(crate) fn move_log_aside(&self, now: Moment) -> std::io::Result<Vec<PathBuf>> {
        let mut kept = Vec::new();
        match self.real.metadata() {
            Ok(there) if FileIdentity::of(&there) != self.opened => {}
            Ok(_) => return Ok(kept),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(kept),
            Err(error) => return Err(error),
        }
        for (path, opened) in [&self.log, &self.index] {
            let present = path
                .metadata()
                .ok()
                .map(|metadata| FileIdentity::of(&metadata));
            if present.is_none() || present != *opened {
                continue;
            }
            let mut name = path.clone().into_os_string();
            name.push(format!(".replaced-{}", now.0));
            std::fs::rename(path, &name)?;
            kept.push(name.into());
        }
        Ok(kept)
    }

    /// The file that was opened.
    pub(super) fn opened(&self) -> FileIdentity {
        self.opened
    }

    /// Ends when the store's task has ended.
    pub async fn task_ended(&mut self) -> Lost {
        // Nothing is ever sent; the other half is gone when the task is.
        while self.task.changed().await.is_ok() {}
        Lost::Task
    }

    /// Looks whether the files are those that were opened.
    pub fn look(&mut self) -> Result<(), Lost> {
        let (log, seen) = &mut self.log;
        look_at(&self.file, Some(self.opened))?;
        *seen = look_at(log, *seen)?.or(*seen);
        Ok(())
    }
}

/// What is there now; an error if it is not what was there before.
fn look_at(path: &Path, before: Option<FileIdentity>) -> Result<Option<FileIdentity>, Lost> {
    match (
        path.metadata().map(|metadata| FileIdentity::of(&metadata)),
        before,
    ) {
        (Ok(now), Some(before)) if now != before => Err(Lost::Replaced),
        (Ok(now), Some(_) | None) => Ok(Some(now)),
        (Err(error), Some(_))
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
        {
            Err(Lost::Deleted)
        }
        (Err(error), before) => {
            // Not there yet, or a folder that may not be read for a while; the open file itself still works.
            if before.is_some() {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "could not look at the database's files"
                );
            }
            Ok(before)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(name: &str) -> (PathBuf, Watch) {
        let folder =
            std::env::temp_dir().join(format!("relatch-watch-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for file in ["relatch.db", "relatch.db-wal"] {
            std::fs::write(folder.join(file), "opened").unwrap();
        }
        let (_, task) = watch::channel(());
        let watch = Watch::new(&folder.join("relatch.db"), task).unwrap();
        (folder, watch)
    }

    /// Whether the database or its log is touched, by its own name.
    #[test]
    fn deleted_and_replaced_files_are_noticed() {
        for file in ["relatch.db", "relatch.db-wal"] {
            let (folder, mut watch) = opened(file);
            let path = folder.join(file);
            std::fs::write(&path, "written to").unwrap();
            assert_eq!(watch.look(), Ok(()));
            std::fs::rename(&path, folder.join("moved")).unwrap();
            assert_eq!(watch.look(), Err(Lost::Deleted), "{file}");
            std::fs::write(&path, "another").unwrap();
            assert_eq!(watch.look(), Err(Lost::Replaced), "{file}");
            std::fs::remove_dir_all(&folder).unwrap();
            assert_eq!(watch.look(), Err(Lost::Deleted), "{file}");
        }
    }

    /// The open file still works where its name cannot be looked at for a while.
    #[test]
    fn what_cannot_be_looked_at_is_not_taken_for_deleted() {
        let (folder, mut watch) = opened("unreadable");
        let path = folder.join("relatch.db");
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&path, &path).unwrap();
        assert_eq!(watch.look(), Ok(()), "too many links are no missing file");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(watch.look(), Err(Lost::Deleted));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
