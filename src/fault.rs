//! Faults that a test asks of the debug program, by [`VARIABLE`]. A release build has nothing of this file.

/// The environment variable that names the fault. It does not begin with `RELATCH_`, so it is no setting.
const VARIABLE: &str = "FAULT_IN_RELATCH";

/// Panics in the store's task, where `store-panics` is asked for.
pub(crate) fn panic_in_store() {
    let is_asked_for = std::env::var_os(VARIABLE).is_some_and(|fault| fault == "store-panics");
    // The log must not show what a panic says, so a test looks for this name in it.
    assert!(!is_asked_for, "{VARIABLE}");
}
