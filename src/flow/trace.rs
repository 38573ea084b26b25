//! The tracing span of a request. Every log line below it carries the platform, the kind of interaction, the reset and
//! the administrator, so no call site adds them by hand.
//!
//! A span holds ids only: no secret, no address, no text that somebody typed.

use tracing::Span;
use tracing::field::Empty;

use crate::app::App;
use crate::chat::Interaction;
use crate::domain::{MemberId, Platform, ResetId};
use crate::store::ResetRow;

/// The span of one request.
pub(crate) fn request_span(app: &App, platform: Platform, interaction: &Interaction) -> Span {
    let (kind, value) = match interaction {
        Interaction::Ping | Interaction::Challenge(_) => ("ping", None),
        Interaction::Command(_) => ("command", None),
        Interaction::Click(click) => ("click", Some(&click.value)),
        Interaction::Form(form) => ("form", Some(&form.value)),
    };
    // At this level the span exists whatever the level of the log is.
    let span = tracing::error_span!(
        "request",
        platform = platform.as_str(),
        kind,
        reset.id = Empty,
        admin.id = Empty
    );
    if let Some((id, _)) = value.and_then(|value| app.keys.read_button_value(value)) {
        span.record("reset.id", tracing::field::display(id));
    }
    span
}

/// The span of work on a reset that no request began: recovery and the sweep.
pub(super) fn sweep_span(row: &ResetRow) -> Span {
    tracing::error_span!(
        "sweep",
        platform = row.platform.as_str(),
        kind = "sweep",
        reset.id = %row.reset_id,
        admin.id = %row.admin_id
    )
}

/// Adds the administrator to the request's span. Call it outside of the spans of single steps.
pub(super) fn record_admin(id: &MemberId) {
    Span::current().record("admin.id", tracing::field::display(id));
}

/// Adds the reset to the request's span, where the request begins it.
pub(super) fn record_reset(id: ResetId) {
    Span::current().record("reset.id", tracing::field::display(id));
}
