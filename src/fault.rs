//! Faults that a test asks of the debug program, by [`VARIABLE`]. A release build has nothing of this file.

use std::sync::atomic::{AtomicBool, Ordering};

/// The environment variable that names the fault. It does not begin with `RELATCH_`, so it is no setting.
const VARIABLE: &str = "FAULT_IN_RELATCH";

/// Panics the first time it is called with the fault that is asked for: `store-panics`, `sweep-panics` or `hasher-panics`.
pub(crate) fn panic_once(fault: &str) {
    static HAS_PANICKED: AtomicBool = AtomicBool::new(false);

    let is_asked_for = std::env::var_os(VARIABLE).is_some_and(|asked| asked == fault);
    // The log must not show what a panic says, so a test looks for this name in it.
    assert!(
        !is_asked_for || HAS_PANICKED.swap(true, Ordering::Relaxed),
        "{VARIABLE}"
    );
}
