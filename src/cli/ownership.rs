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

/// Why a database that is there cannot be opened by this user, and what to do. `chown -h` changes links themselves: the folder
/// is another user's, who may have put links into it that root must not follow.
pub(super) fn not_ours(database: &Path) -> String {
    let folder = folder_of(database);
    format!(
        "this user may not read and write it; run this as the user who runs serve. If root made it, run chown -h \
         --reference={}/. {}*",
        folder.display(),
        database.display()
    )
}

/// What root has to do with a database that it made in the folder of the service's user, who could not open it.
pub(super) fn given_to_owner(database: &Path, folder: &Path) -> Option<String> {
    let (file, place) = (
        database.metadata().ok()?.uid(),
        folder.metadata().ok()?.uid(),
    );
    (file == 0 && place != 0).then(|| {
        format!(
            "belongs to root, and its folder to the user {place}: if serve runs as that user, it cannot open it until chown -h \
             --reference={}/. {}*",
            folder.display(),
            database.display()
        )
    })
}

pub(super) fn folder_of(database: &Path) -> &Path {
    match database.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}
