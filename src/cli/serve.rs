//! `relatch serve`: listens until a signal, then finishes the work in progress.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::failure::lost_code;
use super::reload::{Running, Source, tell_warnings};
use super::{Failure, NOTHING_SET, build};
use crate::clock::Clock;
use crate::directory::Hasher;
use crate::flow::pins;
use crate::http;
use crate::server::Server;
use crate::store::{Lost, StoreTasks, Watch};
use crate::telemetry::{self, Terminal};

/// How often the files of the database and the terminal are checked.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long the start waits until listed administrators are looked up.
const PINNING: Duration = Duration::from_secs(10);

/// How long work in progress may take if nothing can be recorded any more.
const SHORT_DRAIN: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or Ctrl-C; a second signal ends it at once. SIGHUP reads the settings again.
pub(super) async fn run(mut source: Source) -> Result<(), Failure> {
    // First of all, because without a handler SIGHUP would end the process.
    let mut hangup = signal(SignalKind::hangup())?;
    source.settle();
    let settings = source.load()?;
    if !settings.is_anything_set {
        return Err(Failure::Unsound(format!("settings: {NOTHING_SET}")));
    }
    telemetry::start(settings.log);
    telemetry::log_panics();
    let mut terminal = Terminal::at_start();
    tell_warnings(&settings.warnings);
    if settings.chats.is_empty() {
        tracing::warn!("no chat has settings; only the member's pages are served");
    }
    let (listen, reading, front) = (
        settings.listen,
        settings.reading.clone(),
        settings.front.clone(),
    );
    let hasher = Hasher::start()?;
    let database = settings.database.clone();
    let (app, tasks) = build::app(settings, hasher.clone())
        .await
        .map_err(|failure| failure.of_database(&database))?;
    // Before the first request. Only addresses that are new in the list are looked up. A directory that does not answer
    // delays the start only for a while: it is asked again later.
    if tokio::time::timeout(PINNING, pins::pin_listed(&app))
        .await
        .is_err()
    {
        tracing::warn!(
            "listed administrators could not all be looked up yet; until then they have no right"
        );
    }
    let listener =
        http::listen(listen).map_err(|error| Failure::Said(why_not_listening(listen, &error)))?;
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
    match ended {
        Some(lost) => Err(stop_lost(lost, server, running, tasks).await),
        None => finish(server, running, tasks).await,
    }
}

/// What is wrong with `listen`, and what to do.
fn why_not_listening(listen: SocketAddr, error: &std::io::Error) -> String {
    let kind = error.kind();
    if kind == ErrorKind::AddrInUse {
        format!("listen: another program uses {listen}; stop it, or choose another port")
    } else if kind == ErrorKind::PermissionDenied {
        let port = listen.port();
        format!(
            "listen: this user may not use port {port}; choose one above 1023, and let the proxy in front have {port}"
        )
    } else if kind == ErrorKind::AddrNotAvailable {
        format!(
            "listen: {} is no address of this machine; behind a proxy on it write 127.0.0.1:{}",
            listen.ip(),
            listen.port()
        )
    } else {
        format!("listen: {listen} cannot be used: {error}")
    }
}

/// Stops soon, because nothing can be recorded any more.
async fn stop_lost(lost: Lost, server: Server, running: Running, tasks: StoreTasks) -> Failure {
    tracing::error!(exit_code = lost_code(lost), "{lost}; relatch ends");
    let is_drained = server.stop_within(SHORT_DRAIN).await;
    drop(running);
    let watch = tasks.watch();
    // If only the WAL was deleted, closing moves its content into the database, so nothing is lost. SQLite does not touch
    // files that are not the ones it opened.
    if is_drained && lost == Lost::Deleted {
        tasks.finish().await;
    }
    if lost == Lost::Replaced {
        move_log_aside(&watch);
    }
    Failure::Lost(lost)
}

/// Keeps the log of the database that was replaced out of the one that is in its place now, while the lock still keeps
/// others from opening it.
fn move_log_aside(watch: &Watch) {
    match watch.move_log_aside(Clock::System.now()) {
        Ok(kept) if kept.is_empty() => {}
        Ok(kept) => tracing::warn!(
            ?kept,
            "the log of the database that was replaced was moved aside, so that it does not get into the new one"
        ),
        Err(error) => tracing::error!(
            error = &error as &dyn std::error::Error,
            "the log of the database that was replaced is still beside the new one; move the files ending in -wal and -shm away"
        ),
    }
}

/// Finishes the work in progress, unless a second signal ends it.
async fn finish(server: Server, running: Running, tasks: StoreTasks) -> Result<(), Failure> {
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

/// Logs once that the terminal was closed.
fn tell_of_closed(terminal: &mut Terminal) {
    if terminal.has_gone() {
        let pid = std::process::id();
        tracing::warn!(
            pid,
            "the terminal was closed; relatch goes on without it; `kill {pid}` stops it"
        );
    }
}

/// Catches SIGTERM and Ctrl-C from now on; the returned future waits for one of them.
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

    /// systemd restarts after 70 and does not after 78.
    #[test]
    fn a_lost_record_ends_with_a_code_that_says_whether_a_restart_helps() {
        for (lost, code) in [(Lost::Task, 70), (Lost::Deleted, 78), (Lost::Replaced, 78)] {
            assert_eq!(Failure::Lost(lost).code(), code, "{lost}");
        }
    }
}
