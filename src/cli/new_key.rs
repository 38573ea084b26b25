//! `relatch new-key`: accepts that the key of the database is gone, and with it all cards and links.

use std::path::Path;

use super::{Failure, build, say};
use crate::chance::Chance;
use crate::config::Settings;
use crate::directory;
use crate::secret::Keys;
use crate::store::{Store, Use};

/// Makes a key, or takes the one that is in the file, unless the database has its own.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    let (database, key_file) = (&settings.database, &settings.key_file);
    let has_record = Store::has_record(database)
        .await
        .map_err(|error| Failure::open(database, key_file, error))?;
    if !has_record && !build::has_key(key_file)? {
        let text = "there is no database, so there is no key to replace. Nothing was changed. `relatch serve` makes both";
        return Err(Failure::Said(text.to_owned()));
    }
    // A running serve holds the old key, so nobody may serve meanwhile.
    let (store, tasks) = build::open_store(&settings, Use::Serve).await?;
    let was_older = tasks.was_brought_up_to_date();
    let replaced = replace(&store, database, key_file, was_older).await;
    drop(store);
    tasks.finish().await;
    let (key_file, database) = (key_file.display(), database.display());
    let key = match replaced? {
        KeySource::Made => format!("A new key was made: {key_file}"),
        KeySource::File => format!("The key was taken from the file: {key_file}"),
    };
    say(&format!(
        "{key} is the key of {database} from now on. Cards and links of relatch from before are dead, codes that were sent \
        too, and browsers that were remembered are new."
    ))?;
    unused_resets(&settings)
        .iter()
        .try_for_each(|line| say(line))
}

/// What became of resets that nobody has used yet. Only the passwords of the built-in directory can be ended here.
fn unused_resets(settings: &Settings) -> Vec<String> {
    let others: Vec<&str> = settings
        .directories
        .iter()
        .filter(|config| !config.is_builtin())
        .map(directory::Config::name)
        .collect();
    let ended = "Passwords of resets that nobody has used yet have ended";
    let goes_on = format!(
        "Passwords and links of resets that {} made go on, although nobody has used them yet: reset those members again.",
        others.join(", ")
    );
    match (others.len(), settings.directories.len()) {
        (0, _) => vec![format!("{ended}: these members need another reset.")],
        (others, all) if others == all => vec![goes_on],
        _ => vec![
            format!("{ended} in the built-in directory: these members need another reset."),
            goes_on,
        ],
    }
}

/// Where the key comes from.
enum KeySource {
    Made,
    File,
}

async fn replace(
    store: &Store,
    database: &Path,
    key_file: &Path,
    was_older: bool,
) -> Result<KeySource, Failure> {
    let what_was_done = if was_older {
        "The database was brought to this version. Its key was not changed."
    } else {
        "Nothing was changed."
    };
    let refused = |why: String| Err(Failure::Said(format!("{why} {what_was_done}")));
    let known = store.key_fingerprint().await?;
    if known.is_none() && !store.belongs_to_a_key().await? {
        return refused(
            "this database has not been served yet; the first `relatch serve` makes its key, or takes the one that is \
            there."
                .to_owned(),
        );
    }
    let has_key = build::has_key(key_file)?;
    if has_key && known.is_none() {
        return refused(format!(
            "this database knows no key yet; `relatch serve` takes {}.",
            key_file.display()
        ));
    }
    if has_key && known == Some(build::load_key(key_file)?.fingerprint()) {
        return refused(format!(
            "{} is the key of this database.",
            key_file.display()
        ));
    }
    // The file first: without the line in the database this command can be run again.
    let mut rng = Chance::System
        .rng()
        .map_err(|error| Failure::Said(error.to_string()))?;
    let keys = Keys::load_or_create_beside(key_file, database, &mut rng)
        .map_err(|error| Failure::key(key_file, error))?;
    store.replace_key(&keys.fingerprint()).await?;
    Ok(if has_key {
        KeySource::File
    } else {
        KeySource::Made
    })
}
