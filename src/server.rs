//! Starts and stops what runs: the web server with all routes, and the periodic rounds of the sweep.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::App;
use crate::flow::{pins, sweep};
use crate::http::{self, ConnectionSettings};
use crate::portal;
use crate::store::StoreError;

/// How long unfinished work may go on after the stop.
const DRAIN_DEADLINE: Duration = Duration::from_secs(20);

/// How often the sweep keeps deadlines, hides passwords and finishes resets.
const SWEEP_INTERVAL: Duration = Duration::from_secs(2);

/// How often it retries to tell the ends of resets that could not be told.
const TELL_INTERVAL: Duration = Duration::from_secs(30);

/// How often connections to directories that have not been used for a while are closed.
const IDLE_INTERVAL: Duration = Duration::from_secs(30);

/// How often it deletes what has been kept long enough.
const PURGE_INTERVAL: Duration = Duration::from_hours(1);

/// All routes: the webhooks and the member's pages.
pub fn routes(app: &Arc<App>) -> Router {
    let routes = http::webhook_routes(app).merge(portal::router(app));
    http::with_public_path(app, http::with_strays(app, routes))
}

/// The running server; it stops when [`Server::stop`] is called.
pub struct Server {
    /// Where it listens, with the real port.
    pub addr: SocketAddr,
    app: Arc<App>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Starts serving. Resets that a dead process left behind get their end first; the rest of the recovery runs beside
    /// the requests.
    pub async fn start(
        app: Arc<App>,
        listener: TcpListener,
        settings: ConnectionSettings,
    ) -> std::io::Result<Self> {
        Self::start_with(app, listener, settings, Router::new()).await
    }

    /// Starts serving more routes too: those of the demo.
    pub async fn start_with(
        app: Arc<App>,
        listener: TcpListener,
        settings: ConnectionSettings,
        more: Router,
    ) -> std::io::Result<Self> {
        let addr = listener.local_addr()?;
        if let Err(error) = sweep::end_left_behind(&app).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "recovery could not be finished; the sweep goes on with it"
            );
        }
        let (stop, stopped) = watch::channel(false);
        app.tasks.spawn(http::serve(
            listener,
            routes(&app).merge(more),
            settings,
            app.tasks.clone(),
            stopped.clone(),
        ));
        spawn_rounds(&app, &stopped);
        app.tasks
            .spawn(pins::run(Arc::clone(&app), stopped.clone()));
        app.tasks.spawn(catch_up(Arc::clone(&app), stopped));
        Ok(Self { addr, app, stop })
    }

    /// Stops accepting, refuses resets that still wait in the queue, and gives running work twenty seconds to finish.
    /// Recovery names what is unfinished then at the next start. True when everything was finished.
    pub async fn stop(self) -> bool {
        self.stop_within(DRAIN_DEADLINE).await
    }

    /// The same with another deadline for running work.
    pub async fn stop_within(self, deadline: Duration) -> bool {
        if self.stop.send(true).is_err() {
            tracing::debug!("the accept loop has ended before");
        }
        self.app.queue.close();
        self.app.tasks.close();
        tokio::time::timeout(deadline, self.app.tasks.wait())
            .await
            .is_ok()
    }
}

/// Each round in a task of its own: while one waits for a directory or a mail server, the others still hide passwords in
/// chat and wipe them from memory in time.
fn spawn_rounds(app: &Arc<App>, stopped: &watch::Receiver<bool>) {
    let tasks = &app.tasks;
    tasks.spawn(every(SWEEP_INTERVAL, app, stopped, sweep::end_what_is_due));
    tasks.spawn(every(SWEEP_INTERVAL, app, stopped, sweep::hide));
    tasks.spawn(every(SWEEP_INTERVAL, app, stopped, sweep::look));
    tasks.spawn(every(TELL_INTERVAL, app, stopped, sweep::tell_again));
    tasks.spawn(every(TELL_INTERVAL, app, stopped, sweep::alarm));
    tasks.spawn(every(TELL_INTERVAL, app, stopped, sweep::tell_of_codes));
    tasks.spawn(every(PURGE_INTERVAL, app, stopped, sweep::purge));
    tasks.spawn(every(IDLE_INTERVAL, app, stopped, async |app| {
        app.directories.close_idle();
        Ok(())
    }));
}

/// Finishes what a dead process left behind, then what is left to finish later on.
async fn catch_up(app: Arc<App>, stopped: watch::Receiver<bool>) {
    if let Ok(Err(error)) = AssertUnwindSafe(sweep::catch_up(&app)).catch_unwind().await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not catch up with what was left to do"
        );
    }
    every(SWEEP_INTERVAL, &app, &stopped, sweep::finish).await;
}

/// Runs a round of the sweep soon after the start, and then once in every interval until the stop.
fn every<R>(
    interval: Duration,
    app: &Arc<App>,
    stopped: &watch::Receiver<bool>,
    round: R,
) -> impl Future<Output = ()> + use<R>
where
    R: AsyncFn(&Arc<App>) -> Result<(), StoreError>,
{
    let (app, mut stopped) = (Arc::clone(app), stopped.clone());
    let mut pause = SWEEP_INTERVAL;
    async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = interval,
                _ = stopped.changed() => return,
            }
            // A panic is in the log already; later rounds go on.
            let app = app.present();
            if let Ok(Err(error)) = AssertUnwindSafe(round(&app)).catch_unwind().await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a round of the sweep failed"
                );
            }
        }
    }
}
