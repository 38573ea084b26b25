//! Alarms to the security address of the settings.

use crate::app::App;
use crate::delivery::Note;
use crate::domain::delivery::Outcome;
use crate::domain::{Channel, Destination, EmailAddress};

/// Sends an alarm. True if the mail server accepted it. Gateways that drop repeated messages recognize it by `id`.
pub(super) async fn alarm(app: &App, note: &Note, id: &str) -> bool {
    send_alarm(app, note, id).await == Some(Outcome::Accepted)
}

/// The same with the mail server's answer; none without a security address or without e-mail.
pub(super) async fn send_alarm(app: &App, note: &Note, id: &str) -> Option<Outcome> {
    let security = address(app)?;
    let sent = app
        .deliveries
        .tell(&Destination::Email(security), note, id)
        .await;
    if sent != Outcome::Accepted {
        tracing::error!(alarm = id, ?sent, "the security address could not be told");
    }
    Some(sent)
}

/// The security address, where e-mail can be sent.
pub(super) fn address(app: &App) -> Option<EmailAddress> {
    app.organization
        .security_email
        .clone()
        .filter(|_| app.deliveries.has(Channel::Email))
}
