//! Whether the record and the key can be used: with what is there now, and with what `serve` will make.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rand::RngExt;

use super::report::{CheckReport, Level};
use crate::chance::Chance;
use crate::cli::ownership::{given_to_owner, no_room};
use crate::cli::{Failure, build};
use crate::config::Settings;
use crate::store::{OpenError, Store, StoreTasks};

/// More than a commit and its log take.
const ROOM: usize = 256 * 1024;

/// Why no file can be made or written somewhere.
type NoRoom = String;

/// What there is of the record.
pub(super) enum Record {
    Open(Box<Store>, Box<StoreTasks>),
    /// The first `serve` or import makes it.
    NotYet,
    /// It is there, or may be, and cannot be opened. The fingerprint of its key, where that can be read.
    Closed(Option<String>),
}

/// Tries the folders, the database and the key, and returns what there is of the record. Leaves nothing behind.
pub(super) async fn try_files(settings: &Settings, report: &mut CheckReport) -> Record {
    let (database, key_file) = (&settings.database, &settings.key_file);
    let folder = folder_of(database);
    if let Err(told) = try_folder(&folder) {
        report.add_unsound("database", told);
        return Record::Closed(None);
    }
    if let Some(told) = other_user(settings, &folder) {
        report.add(Level::Warn, "database", told);
    }
    let opened = build::open_for_check(settings).await;
    let record = match opened {
        Ok(Some((store, tasks))) => {
            if store.is_writable().await {
                report.add(Level::Ok, "database", "can be written");
            } else {
                let told =
                    "cannot be written; the log says why. Is the disk full, or the file read-only?";
                report.add_unsound("database", told);
            }
            Record::Open(Box::new(store), Box::new(tasks))
        }
        Ok(None) => {
            report.add(Level::Ok, "database", "there is none yet; serve makes it");
            Record::NotYet
        }
        Err(Failure::Open {
            error: error @ OpenError::Older,
            ..
        }) => {
            let told = format!("{error}. Until then nobody can say here who is in it");
            report.add(Level::Warn, "database", told);
            Record::Closed(fingerprint_of_older(settings, report).await)
        }
        Err(failure) if failure.is_of_files() => {
            report.add_unsound("database", failure.in_full());
            Record::Closed(None)
        }
        Err(failure) => {
            report.add(Level::Fail, "database", failure.in_full());
            Record::Closed(None)
        }
    };
    try_key(key_file, &folder, &record, report).await;
    record
}

async fn fingerprint_of_older(settings: &Settings, report: &mut CheckReport) -> Option<String> {
    match Store::fingerprint_of_older(&settings.database).await {
        Ok(fingerprint) => fingerprint,
        Err(error) => {
            let failure = Failure::open(&settings.database, &settings.key_file, error);
            report.add(Level::Fail, "database", failure.in_full());
            None
        }
    }
}

/// A key file that is not there yet is made by `serve`, beside other files or alone.
async fn try_key(key_file: &Path, tried: &Path, record: &Record, report: &mut CheckReport) {
    let key = match record {
        Record::Open(store, _) => build::try_key(key_file, Some(store.as_ref())).await,
        Record::NotYet => build::try_key(key_file, None).await,
        Record::Closed(known) => build::try_key_of(key_file, known.as_deref()),
    };
    let folder = folder_of(key_file);
    match key {
        Err(failure) if failure.is_of_files() => {
            report.add_unsound("key_file", failure.in_full());
        }
        Err(failure) => report.add(Level::Fail, "key_file", failure.in_full()),
        Ok(()) if key_file.try_exists().unwrap_or(true) => {
            let told = if matches!(record, Record::Closed(None)) {
                "can be read; whether it is the database's own is not known until the database can be opened"
            } else {
                "can be read"
            };
            report.add(Level::Ok, "key_file", told);
        }
        Ok(()) if folder == tried => {}
        Ok(()) => {
            if let Err(told) = try_folder(&folder) {
                report.add_unsound("key_file", told);
            }
        }
    }
}

/// The folder that a file is in, or will be.
fn folder_of(file: &Path) -> PathBuf {
    let real = file
        .canonicalize()
        .unwrap_or_else(|_not_there| file.to_owned());
    match real.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Writes a file there, as large as a commit may become. It loses its name before it is written, so that nothing is left
/// however this ends.
fn try_folder(folder: &Path) -> Result<(), NoRoom> {
    let mut rng = Chance::System.rng().map_err(|error| error.to_string())?;
    let name = format!(".relatch-check-{:016x}", rng.random::<u64>());
    // Random, so that no file system stores it in less.
    let mut bytes = vec![0; ROOM];
    rng.fill(bytes.as_mut_slice());
    let path = folder.join(name);
    let tried = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| {
            std::fs::remove_file(&path)?;
            file.write_all(&bytes)?;
            file.sync_all()
        });
    tried.map_err(|error| no_room(folder, error.kind()))
}

/// What another user may do says nothing about the one who runs `serve`.
fn other_user(settings: &Settings, folder: &Path) -> Option<String> {
    let database = settings.database.as_path();
    let is_there = database.try_exists().unwrap_or(false);
    let place = if is_there { database } else { folder };
    let (owner, own) = (
        place.metadata().ok()?.uid(),
        rustix::process::geteuid().as_raw(),
    );
    if is_there && owner == own {
        return given_to_owner(database, folder, &settings.key_file);
    }
    // The folder is ours and root made the database: the line about the file says what to do.
    if is_there && owner == 0 && folder.metadata().ok()?.uid() == own {
        return None;
    }
    // Whoever may write in the folder of somebody else makes a database of their own there.
    let says_nothing = owner != own && (is_there || own == 0);
    says_nothing.then(|| {
        format!(
            "{} belongs to the user {owner}, and check runs as {own}; run it as the user who runs serve",
            place.display()
        )
    })
}
