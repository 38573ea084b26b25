//! `relatch serve`: listens until it is told to stop, then finishes what is at hand.

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, house};
use crate::config::Settings;
use crate::directory::Hasher;
use crate::flow::pins;
use crate::http::Server;
use crate::telemetry;

/// Serves until SIGTERM or Ctrl-C; a second one ends it at once.
pub(super) async fn run(settings: Settings) -> Result<(), Failure> {
    telemetry::start(settings.log);
    telemetry::log_panics();
    if settings.chats.is_empty() {
        tracing::warn!("no chat has settings; only the member's pages are served");
    }
    let listen = settings.listen;
    let (app, tasks) = house::build(settings, Hasher::start()?).await?;
    // Before anybody is answered; only addresses that are new in the list are looked up.
    pins::pin_listed(&app).await;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| Failure::Said(format!("cannot listen on {listen}: {error}")))?;
    let server = Server::start(app, listener).await?;
    tracing::info!(addr = %server.addr, "listening");
    wait_for_stop().await?;
    tracing::info!("stopping; work at hand is finished first");
    let finish = async {
        let is_drained = server.stop().await;
        if is_drained {
            tasks.finish().await;
        }
        is_drained
    };
    let is_finished = tokio::select! {
        is_finished = finish => is_finished,
        stop = wait_for_stop() => stop.map(|()| false)?,
    };
    if is_finished {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped with work unfinished; it is named at the next start");
    }
    Ok(())
}

/// Waits for SIGTERM or Ctrl-C.
pub(super) async fn wait_for_stop() -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
