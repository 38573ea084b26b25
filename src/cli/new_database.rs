//! `relatch new-database`: accepts that the old record is gone, and begins an empty one for the key that is there.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

use super::{Failure, house, say};
use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Settings;
use crate::secret::KeyError;
use crate::store::{Store, Use};

/// Makes the database, unless there is a record.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    let (database, key_file) = (&settings.database, &settings.key_file);
    if !key_file.try_exists().map_err(KeyError::Io)? {
        let text = "there is no key file, so nothing was there before. Nothing was changed. `relatch serve` makes both";
        return Err(Failure::Said(text.to_owned()));
    }
    if Store::has_record(database).await? {
        let text = "the database is there and has a record in it. Nothing was changed. To begin a new one, move it away, \
            with its -wal and -shm";
        return Err(Failure::Said(text.to_owned()));
    }
    make_for_owner_of(key_file, database)?;
    let mut rng = Chance::System.rng().map_err(|error| Failure::Said(error.to_string()))?;
    let (store, tasks) = Store::open(database, Use::Serve, Clock::System, settings.limit, &mut rng).await?;
    let made = async {
        house::keys(key_file, &store).await?;
        Ok::<(), Failure>(store.note_operation("new_database", "done", String::new()).await?)
    }
    .await;
    drop(store);
    tasks.finish().await;
    made?;
    say(&format!(
        "{} is new and empty: import the members again; every administrator has all resets",
        database.display()
    ))
}

/// Whoever owns the key runs `serve`, and must be able to open the database.
fn make_for_owner_of(key_file: &Path, database: &Path) -> Result<(), Failure> {
    let owner = key_file.metadata()?;
    let file: File = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(database)?;
    let made = file.metadata()?;
    if (made.uid(), made.gid()) != (owner.uid(), owner.gid()) {
        fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}
