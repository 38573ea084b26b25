//! What the server says of a call that it refuses: the `id` of its error (`AppError` in `model/utils.go`).

use serde_json::Value;

use crate::net::Answer;

/// A trigger is too old to open a dialog (`DecodeAndVerifyTriggerId` in `model/integration_action.go`: 30 s).
pub(super) const TRIGGER_EXPIRED: &str = "interactive_message.decode_trigger_id.expired";

/// `EnableCommands` is off (`ListTeamCommandsByUser` and `CreateCommand` in `app/command.go`).
pub(super) const COMMANDS_OFF: &str = "api.command.disabled.app_error";

/// Another command of the team has this name (`validateCommandTriggerUniqueness` in `app/command.go`).
pub(super) const DUPLICATE_TRIGGER: &str = "api.command.duplicate_trigger.app_error";

/// The server demands a second factor, which a person has and a bot does not need (`MfaRequired` in `web/context.go`).
pub(super) const MFA_REQUIRED: &str = "api.context.mfa_required.app_error";

/// E-mails are shown to system administrators alone, because `ShowEmailAddress` is off (`getUserByEmail` in `api4/user.go`).
pub(super) const EMAILS_HIDDEN: &str = "api.user.get_user_by_email.permissions.app_error";

/// The id of the error in an answer; empty where the answer is not in that form, as one over the rate limit.
pub(super) fn error_id(answer: &Answer) -> String {
    serde_json::from_slice(&answer.body)
        .ok()
        .and_then(|error: Value| error.get("id")?.as_str().map(str::to_owned))
        .unwrap_or_default()
}
