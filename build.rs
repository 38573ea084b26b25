//! One wish to the linker: addresses that are put right at every start are packed, where the C library of this machine
//! can read them. Half a megabyte of them becomes a few kilobytes.

use std::process::Command;

/// glibc reads packed addresses since this version; with an older one, a program that has them does not start.
const SINCE: (u32, u32) = (2, 36);

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells a build script everything so"
)]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let told = |name: &str| std::env::var(name).unwrap_or_default();
    let is_for_this_machine = told("TARGET") == told("HOST");
    let is_glibc = told("CARGO_CFG_TARGET_OS") == "linux" && told("CARGO_CFG_TARGET_ENV") == "gnu";
    if is_for_this_machine && is_glibc && glibc().is_some_and(|version| version >= SINCE) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
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
