//! A new folder for each test, below one folder for the whole run; those of runs that have ended are removed.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

const RUN: &str = "relatch-tests-";

pub(crate) fn fresh_folder() -> PathBuf {
    static OF_RUN: OnceLock<PathBuf> = OnceLock::new();
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    let of_run = OF_RUN.get_or_init(|| {
        remove_ended();
        std::env::temp_dir().join(format!("{RUN}{}", std::process::id()))
    });
    let folder = of_run.join(SERIAL.fetch_add(1, Ordering::SeqCst).to_string());
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A test that fails is looked into afterwards, so a run leaves its folders until the next one begins.
fn remove_ended() {
    let entries = std::fs::read_dir(std::env::temp_dir()).unwrap();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(RUN));
        let has_ended = |pid: &str| !PathBuf::from("/proc").join(pid).exists();
        if cfg!(target_os = "linux") && pid.is_some_and(has_ended) {
            // Another run may remove it at the same time.
            std::fs::remove_dir_all(entry.path()).unwrap_or_default();
        }
    }
}
