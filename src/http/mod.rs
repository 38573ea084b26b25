//! The web server: connections within their limits, and the webhooks and pages behind them.

mod accept;
mod body;
mod connection;
mod connections;
mod front;
mod open_files;
mod places;
mod progress;
mod proxies;
mod transport;
mod webhook;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;

pub(crate) use self::body::read_body;
pub use self::front::{Front, Limits};
pub(crate) use self::places::Pool;
pub use self::proxies::{Network, NotANetwork, TrustedProxies};
use crate::app::App;
use crate::flow::{pins, sweep};
use crate::portal;
use crate::store::StoreError;

/// How long work at hand may go on after the stop was asked for.
const DRAIN: Duration = Duration::from_secs(20);

/// How often the sweep looks.
const SWEEP_EVERY: Duration = Duration::from_secs(2);

/// How often an end is told again that could not be told.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// How often what was kept long enough is purged.
const PURGE_EVERY: Duration = Duration::from_hours(1);

/// Everything that is served: the webhooks and the member's pages.
pub fn routes(app: &Arc<App>) -> Router {
    webhook::router(app, &Pool::of_webhooks()).merge(portal::router(app))
}

/// Connections that may wait in the kernel until they are accepted, as far as the machine allows (`net.core.somaxconn`).
/// Beyond that a connection is tried again only after one second, then after three: too late for a webhook.
const BACKLOG: u32 = 4096;

/// Listens at an address.
pub fn listen(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A port whose last connections are not forgotten yet can be taken again at once.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// The running server.
pub struct Server {
    /// Where it listens; the port is the real one.
    pub addr: SocketAddr,
    app: Arc<App>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Names what a dead process left behind, then listens; what is left to do and to tell follows beside it.
    pub async fn start(
        app: Arc<App>,
        listener: TcpListener,
        front: Front,
    ) -> std::io::Result<Self> {
        Self::start_with(app, listener, front, Router::new()).await
    }

    /// The same with more routes; those of the demo.
    pub async fn start_with(
        app: Arc<App>,
        listener: TcpListener,
        front: Front,
        more: Router,
    ) -> std::io::Result<Self> {
        let addr = listener.local_addr()?;
        if let Err(error) = sweep::name(&app).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "recovery could not be finished; the sweep goes on with it"
            );
        }
        let (stop, stopped) = watch::channel(false);
        let routes = routes(&app).merge(more);
        let shared = connection::Shared::new(front);
        app.tasks.spawn(accept::run(
            listener,
            routes,
            shared,
            app.tasks.clone(),
            stopped.clone(),
        ));
        // Side by side, because what waits for a directory or a mail server must keep no password in sight or in memory.
        app.tasks.spawn(every(
            SWEEP_EVERY,
            stopped.clone(),
            Arc::clone(&app),
            sweep::keep_time,
        ));
        app.tasks.spawn(every(
            SWEEP_EVERY,
            stopped.clone(),
            Arc::clone(&app),
            sweep::hide,
        ));
        app.tasks.spawn(every(
            TELL_EVERY,
            stopped.clone(),
            Arc::clone(&app),
            sweep::tell,
        ));
        app.tasks.spawn(every(
            PURGE_EVERY,
            stopped.clone(),
            Arc::clone(&app),
            sweep::purge,
        ));
        app.tasks
            .spawn(pins::keep(Arc::clone(&app), stopped.clone()));
        app.tasks.spawn(catch_up(Arc::clone(&app), stopped));
        Ok(Self { addr, app, stop })
    }

    /// Stops accepting, turns away who waits for a turn, lets the work at hand finish for twenty seconds, and ends.
    /// What is unfinished then is named by recovery at the next start. True when everything was finished.
    pub async fn stop(self) -> bool {
        self.stop_within(DRAIN).await
    }

    /// The same with another time for the work at hand.
    pub async fn stop_within(self, patience: Duration) -> bool {
        if self.stop.send(true).is_err() {
            tracing::debug!("the accept loop has ended before");
        }
        self.app.queue.close();
        self.app.tasks.close();
        tokio::time::timeout(patience, self.app.tasks.wait())
            .await
            .is_ok()
    }
}

/// Does what a dead process left to do, and from then on what is left to do now and then.
async fn catch_up(app: Arc<App>, stopped: watch::Receiver<bool>) {
    if let Ok(Err(error)) = AssertUnwindSafe(sweep::catch_up(&app)).catch_unwind().await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not catch up with what was left to do"
        );
    }
    every(SWEEP_EVERY, stopped, app, sweep::finish).await;
}

/// One round of the sweep soon after the start, and one in every span until the stop.
async fn every(
    span: Duration,
    mut stopped: watch::Receiver<bool>,
    app: Arc<App>,
    round: impl AsyncFn(&Arc<App>) -> Result<(), StoreError>,
) {
    let mut wait = SWEEP_EVERY;
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => wait = span,
            _ = stopped.changed() => return,
        }
        // A panic is in the log already; it must not end what later rounds do.
        let app = app.present();
        if let Ok(Err(error)) = AssertUnwindSafe(round(&app)).catch_unwind().await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a round of the sweep failed"
            );
        }
    }
}
