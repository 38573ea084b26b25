//! The few texts that belong to a platform's own dialogs.
//!
//! All other sentences come from `flow/messages/`, inside the [`Message`](super::Message) or the
//! [`Form`](super::Form) that an adapter renders. What operators read in `relatch check` and `register` is in the
//! adapter itself, because it names the platform's own settings.

/// Closes a dialog without an answer.
pub(super) const CLOSE: &str = "Close";

/// Goes back from a form that has replaced its card.
pub(super) const BACK: &str = "Back";

/// Shown by clients that cannot show buttons.
pub(super) const BUTTONS: &str = "buttons";

/// The same for what stands below the buttons.
pub(super) const SMALL_PRINT: &str = "small print";
