//! `relatch new-database`: accepts that the old record is lost, and creates an empty one for the existing key.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use super::{Failure, build, say};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Settings;
use crate::store::{Store, Use};

/// Makes the database, unless there is a record.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    let (database, key_file) = (&settings.database, &settings.key_file);
    let not_opened = |error| Failure::open(database, key_file, error);
    let has_key = build::has_key(key_file)?;
    let has_record = Store::has_record(database).await.map_err(not_opened)?;
    if has_record && !has_key {
        let text = "the database is there but its key is missing. Nothing was changed. Restore the key, or run \
            `relatch new-key`; or move the database away too, with its -wal and -shm, and `relatch serve` makes both";
        return Err(Failure::Said(text.to_owned()));
    }
    if !has_key {
        let text = "there is no key file, so nothing was there before. Nothing was changed. `relatch serve` makes both";
        return Err(Failure::Said(text.to_owned()));
    }
    if has_record {
        let text = "the database is there and has a record in it. Nothing was changed. To begin a new one, move it away, \
            with its -wal and -shm";
        return Err(Failure::Said(text.to_owned()));
    }
    // A key that cannot be used fails before anything is made.
    build::load_key(key_file)?;
    make_for_owner_of(key_file, database)?;
    let mut rng = Chance::System
        .rng()
        .map_err(|error| Failure::Said(error.to_string()))?;
    let (store, tasks) = Store::open(
        database,
        Use::Serve,
        Clock::System,
        settings.limit,
        &mut rng,
    )
    .await
    .map_err(not_opened)?;
    let made = async {
        build::keys(key_file, &store).await?;
        Ok::<(), Failure>(
            store
                .note_operation("new_database", "done", String::new())
                .await?,
        )
    }
    .await;
    drop(store);
    tasks.finish().await;
    made?;
    say(&format!(
        "{} is new and empty: import the members again and link chat accounts again, which are gone; every administrator has \
        all resets, and listed administrators are pinned anew at the next start",
        database.display()
    ))
}

/// Makes the file and gives it to the owner of the key, who runs `serve` and must be able to open it. An existing empty
/// file is used if it belongs to that user.
fn make_for_owner_of(key_file: &Path, database: &Path) -> Result<(), Failure> {
    let owner = key_file.metadata()?;
    // `create_new` follows no link, so no other file can change its owner.
    let opened = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(database);
    let (made, is_new) = match opened {
        Ok(file) => (file, true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            (OpenOptions::new().write(true).open(database)?, false)
        }
        Err(error) => return Err(error.into()),
    };
    if made.metadata()?.uid() == owner.uid() {
        return Ok(());
    }
    let folder = database
        .canonicalize()?
        .parent()
        .map(Path::metadata)
        .transpose()?;
    // The owner of the folder could have made the file there themselves.
    if is_new && folder.is_some_and(|folder| folder.uid() == owner.uid()) {
        return Ok(fchown(&made, Some(owner.uid()), Some(owner.gid()))?);
    }
    if is_new {
        std::fs::remove_file(database)?;
    }
    let text = "the key file belongs to another user than the database or its folder would. Nothing was changed. Run \
        this as the user who owns the key file";
    Err(Failure::Said(text.to_owned()))
}
