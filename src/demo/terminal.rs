//! What the demo prints, and the signals that end it.

use std::io::Write;

use tokio::signal::unix::{SignalKind, signal};

pub(super) fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Catches SIGTERM, Ctrl-C and the end of the terminal from now on: the demo belongs to whoever watches it. The future waits
/// for one of them.
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let [mut terminate, mut interrupt, mut hangup] = [
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
        signal(SignalKind::hangup())?,
    ];
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}
