//! Lists the migrations, so that a new one is a file and nothing else; and has the linker pack relocations.
//!
//! Relocations are the addresses that are put right at every start. Where the C library of this machine can read packed
//! ones, half a megabyte becomes a few kilobytes.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Where the migrations of SQLite are.
const MIGRATIONS: &str = "migrations/sqlite";

/// glibc reads packed addresses since this version; with an older one, a program that has them does not start.
const SINCE: (u32, u32) = (2, 36);

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script everything so"
)]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={MIGRATIONS}");
    let told = |name: &str| std::env::var(name).unwrap_or_default();
    let list = migrations(&Path::new(&told("CARGO_MANIFEST_DIR")).join(MIGRATIONS));
    std::fs::write(Path::new(&told("OUT_DIR")).join("migrations.rs"), list).unwrap();
    let is_for_this_machine = told("TARGET") == told("HOST");
    let is_glibc = told("CARGO_CFG_TARGET_OS") == "linux" && told("CARGO_CFG_TARGET_ENV") == "gnu";
    if is_for_this_machine && is_glibc && glibc().is_some_and(|version| version >= SINCE) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// A Rust expression: version, name and text of each file `0001_start.sql`, in order. Any other file, and a version that
/// two files have, ends the build.
fn migrations(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut list = "[\n".to_owned();
    let mut newest = 0;
    for file in files {
        let path = file.to_str().unwrap();
        let ending = file.extension().and_then(|ending| ending.to_str());
        assert_eq!(ending, Some("sql"), "{path} is no migration");
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let (version, name) = stem.split_once('_').unwrap();
        let version: i64 = version.parse().unwrap();
        assert!(version > newest, "{path}: the version does not rise");
        newest = version;
        writeln!(list, "    ({version}, {name:?}, include_str!({path:?})),").unwrap();
    }
    list + "]"
}

/// The version of glibc here, as `getconf` tells it: "glibc 2.36".
fn glibc() -> Option<(u32, u32)> {
    let told = Command::new("getconf")
        .arg("GNU_LIBC_VERSION")
        .output()
        .ok()?;
    let told = String::from_utf8(told.stdout).ok()?;
    let (major, minor) = told.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
