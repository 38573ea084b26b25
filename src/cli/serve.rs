//! `relatch serve`: listens until it is told to stop, then finishes what is at hand.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::reload::{Running, Source};
use super::{Failure, build};
use crate::directory::Hasher;
use crate::flow::pins;
use crate::http::{self, Server};
use crate::store::{Lost, Watch};
use crate::telemetry::{self, Terminal};

/// How often the database's files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long the start waits for the look-up of listed administrators.
const PINNING: Duration = Duration::from_secs(10);

/// How long work at hand may go on where nothing can be recorded any more.
const SHORT_DRAIN: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or Ctrl-C; a second one ends it at once. SIGHUP reads the settings again.
pub(super) async fn run(mut source: Source) -> Result<(), Failure> {
    // Before anything else: without a handler SIGHUP would end the process.
    let mut hangup = signal(SignalKind::hangup())?;
    source.settle();
    let settings = source.load()?;
    telemetry::start(settings.log);
    telemetry::log_panics();
    let mut terminal = Terminal::at_start();
    if settings.chats.is_empty() {
        tracing::warn!("no chat has settings; only the member's pages are served");
    }
    let (listen, reading, front) = (
        settings.listen,
        settings.reading.clone(),
        settings.front.clone(),
    );
    let hasher = Hasher::start()?;
    let (app, tasks) = build::app(settings, hasher.clone()).await?;
    // Before anybody is answered; only addresses that are new in the list are looked up.
    // A directory that is silent does not keep the others waiting: it is asked again while we serve.
    if tokio::time::timeout(PINNING, pins::pin_listed(&app))
        .await
        .is_err()
    {
        tracing::warn!(
            "listed administrators could not all be looked up yet; until then they have no right"
        );
    }
    let listener = http::listen(listen)
        .map_err(|error| Failure::Said(format!("cannot listen on {listen}: {error}")))?;
    let mut running = Running::new(source, hasher, &app, reading);
    let server = Server::start(app, listener, front).await?;
    let mut stop = std::pin::pin!(stop_signal()?);
    tracing::info!(addr = %server.addr, "listening");
    let mut lost = std::pin::pin!(wait_for_loss(tasks.watch()));
    let ended = loop {
        tokio::select! {
            () = &mut stop => break None,
            lost = &mut lost => break Some(lost),
            _ = hangup.recv() => {
                tell_of_closed(&mut terminal);
                running.reload().await;
            }
            () = tokio::time::sleep(LOOK_EVERY) => tell_of_closed(&mut terminal),
        }
    };
    if let Some(lost) = ended {
        tracing::error!(exit_code = lost_code(lost), "{lost}; relatch ends");
        let is_drained = server.stop_within(SHORT_DRAIN).await;
        drop(running);
        // Where only the log was deleted, what stands in it is moved into the database now, and so is not lost. SQLite leaves
        // files alone that are no longer those it opened.
        if is_drained && lost == Lost::Deleted {
            tasks.finish().await;
        }
        return Err(Failure::Lost(lost));
    }
    tracing::info!("stopping; work at hand is finished first");
    let finish = async {
        let is_drained = server.stop().await;
        if is_drained {
            drop(running);
            tasks.finish().await;
        }
        is_drained
    };
    let is_finished = tokio::select! {
        is_finished = finish => is_finished,
        () = stop_signal()? => false,
    };
    if is_finished {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped with work unfinished; it is named at the next start");
    }
    Ok(())
}

/// The exit code where nothing can be recorded any more: a restart mends a task that ended (`EX_SOFTWARE`), and somebody
/// has to look after a database that is gone (`EX_CONFIG`).
pub(super) fn lost_code(lost: Lost) -> u8 {
    match lost {
        Lost::Task => super::SOFTWARE,
        Lost::Deleted | Lost::Replaced => super::SETTINGS,
    }
}

/// Waits until nothing can be recorded any more.
pub(crate) async fn wait_for_loss(mut watch: Watch) -> Lost {
    let mut files = watch.clone();
    let look = async {
        loop {
            if let Err(lost) = files.look() {
                return lost;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        lost = watch.task_ended() => lost,
        lost = look => lost,
    }
}

/// Says once that the terminal was closed, wherever the log goes.
fn tell_of_closed(terminal: &mut Terminal) {
    if terminal.has_gone() {
        let pid = std::process::id();
        tracing::warn!(
            pid,
            "the terminal was closed; relatch goes on without it; `kill {pid}` stops it"
        );
    }
}

/// Catches SIGTERM and Ctrl-C from now on; what is given back waits for one of them.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// systemd starts again what ended with 70, and leaves alone what ended with 78.
    #[test]
    fn a_lost_record_ends_with_a_code_that_says_whether_a_restart_helps() {
        for (lost, code) in [(Lost::Task, 70), (Lost::Deleted, 78), (Lost::Replaced, 78)] {
            assert_eq!(Failure::Lost(lost).code(), code, "{lost}");
        }
    }
}
