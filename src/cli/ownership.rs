//! Whose the folder and the file of the record are, and what to do where another user would need them.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Why no file can be made or written in a folder, and what to do.
pub(super) fn no_room(folder: &Path, kind: ErrorKind) -> String {
    let folder = folder.display();
    if matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        format!("the disk of {folder} is full; free some room, or choose another folder")
    } else if kind == ErrorKind::NotFound {
        format!("the folder {folder} is not there; make it for the user who runs relatch")
    } else if kind == ErrorKind::PermissionDenied {
        format!(
            "this user may make no file in {folder}; run this as the user who runs serve, or give them the folder"
        )
    } else if kind == ErrorKind::ReadOnlyFilesystem {
        format!("{folder} is on a file system that cannot be written; choose another folder")
    } else {
        format!("no file can be written in {folder}: {kind}")
    }
}

/// Why a database that is there cannot be opened by this user, and what to do.
pub(super) fn not_ours(database: &Path, key_file: &Path) -> String {
    format!(
        "this user may not read and write it; run this as the user who runs serve. If root made it, run {}",
        chown(database, key_file)
    )
}

/// What root has to do with a database that it made in the folder of the service's user, who could not open it.
pub(super) fn given_to_owner(database: &Path, folder: &Path, key_file: &Path) -> Option<String> {
    let (file, place) = (
        database.metadata().ok()?.uid(),
        folder.metadata().ok()?.uid(),
    );
    (file == 0 && place != 0).then(|| {
        format!(
            "belongs to root, and its folder to the user {place}: if serve runs as that user, it cannot open it until {}",
            chown(database, key_file)
        )
    })
}

/// The command that gives the database to the owner of its folder, and the key file too where it is root's. `chown -h` changes
/// links themselves: the folder is another user's, who may have put links into it that root must not follow.
fn chown(database: &Path, key_file: &Path) -> String {
    let key_file = std::path::absolute(key_file).unwrap_or_else(|_| key_file.to_owned());
    let is_roots = key_file.metadata().is_ok_and(|file| file.uid() == 0);
    let key = if is_roots {
        format!(" {}", quoted(&key_file))
    } else {
        String::new()
    };
    let folder = folder_of(database).join(".");
    format!(
        "chown -h --reference={} {}*{key}",
        quoted(&folder),
        quoted(database)
    )
}

/// As a shell reads it as one word.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "/._-+@:,=".contains(one);
    if path.chars().all(is_plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

pub(super) fn folder_of(database: &Path) -> &Path {
    match database.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::not_ours;

    #[test]
    fn a_path_with_blanks_is_one_word() {
        let told = not_ours(Path::new("/srv/it's here/relatch.db"), Path::new("/no/key"));
        let command = r"chown -h --reference='/srv/it'\''s here/.' '/srv/it'\''s here/relatch.db'*";
        assert!(told.ends_with(command), "{told}");
    }

    #[test]
    fn the_key_file_is_named_where_it_is_roots() {
        let told = not_ours(Path::new("/srv/relatch.db"), Path::new("/etc/passwd"));
        let command = "chown -h --reference=/srv/. /srv/relatch.db* /etc/passwd";
        assert!(told.ends_with(command), "{told}");
    }
}
