//! Registering our commands with a platform: what it should have beside what it has.

use secrecy::SecretString;
use serde_json::Value;

use super::ApiError;

/// A command as the platform should have it, and as it has it.
#[derive(Debug)]
pub struct PlannedCommand {
    pub name: String,
    /// The wanted form; none if the command is to be removed.
    pub wanted: Option<Value>,
    /// The present form; none if the platform does not have it.
    pub present: Option<Value>,
    /// The secret of the present command, where the settings do not have it.
    pub missing_secret: Option<SecretString>,
}

/// Why commands cannot be registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// A call to the platform failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The platform refuses the command itself; its own word for the reason.
    #[error("the platform refuses the command: {0}")]
    Refused(String),
    /// What the operator has to do instead, or first.
    #[error("{0}")]
    Instead(&'static str),
}

/// The commands of a manifest in JSON, which has them in `commands`.
pub(super) fn of_manifest(manifest: &str) -> Vec<Value> {
    let manifest: Value = serde_json::from_str(manifest).unwrap_or_default();
    manifest
        .get("commands")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}
