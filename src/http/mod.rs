//! The web server: an accept loop with deadlines and limits, and the webhooks behind it.

mod webhook;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::task::TaskTracker;

pub(crate) use self::webhook::read_body;
use crate::app::App;
use crate::flow::{pins, sweep};
use crate::portal;
use crate::store::StoreError;

/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 1024;

/// How long the head of a request may take, and how long a connection may stay idle.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);

/// How long a connection may be used again and again.
const CONNECTION_LIFE: Duration = Duration::from_mins(2);

/// How long the last answer may take after that: longer than an open page of a member listens.
const LAST_ANSWER: Duration = Duration::from_secs(100);

/// The most headers of a request.
const HEADERS: usize = 100;

/// The largest head of a request, in bytes.
const HEAD_SIZE: usize = 16 * 1024;

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
    webhook::router(app).merge(portal::router(app))
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
    pub async fn start(app: Arc<App>, listener: TcpListener) -> std::io::Result<Self> {
        Self::start_with(app, listener, Router::new()).await
    }

    /// The same with more routes; those of the demo.
    pub async fn start_with(app: Arc<App>, listener: TcpListener, more: Router) -> std::io::Result<Self> {
        let addr = listener.local_addr()?;
        if let Err(error) = sweep::name(&app).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "recovery could not be finished; the sweep goes on with it"
            );
        }
        let (stop, stopped) = watch::channel(false);
        let routes = routes(&app).merge(more).layer(axum::middleware::map_response(close_after_refusal));
        app.tasks.spawn(accept(listener, routes, app.tasks.clone(), stopped.clone()));
        // Side by side, because what waits for a directory or a mail server must keep no password in sight or in memory.
        app.tasks.spawn(every(SWEEP_EVERY, stopped.clone(), Arc::clone(&app), sweep::keep_time));
        app.tasks.spawn(every(SWEEP_EVERY, stopped.clone(), Arc::clone(&app), sweep::hide));
        app.tasks.spawn(every(TELL_EVERY, stopped.clone(), Arc::clone(&app), sweep::tell));
        app.tasks.spawn(every(PURGE_EVERY, stopped.clone(), Arc::clone(&app), sweep::purge));
        app.tasks.spawn(pins::keep(Arc::clone(&app), stopped.clone()));
        app.tasks.spawn(catch_up(Arc::clone(&app), stopped));
        Ok(Self { addr, app, stop })
    }

    /// Stops accepting, turns away who waits for a turn, lets the work at hand finish for twenty seconds, and ends.
    /// What is unfinished then is named by recovery at the next start. True when everything was finished.
    pub async fn stop(self) -> bool {
        if self.stop.send(true).is_err() {
            tracing::debug!("the accept loop has ended before");
        }
        self.app.at_work.close();
        self.app.tasks.close();
        tokio::time::timeout(DRAIN, self.app.tasks.wait()).await.is_ok()
    }
}

/// Whoever is refused unread does not keep their connection.
async fn close_after_refusal(mut response: Response) -> Response {
    if response.status().is_client_error() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn accept(listener: TcpListener, routes: Router, tasks: TaskTracker, mut stopped: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok((stream, _peer)) => {
                let connection = connection(stream, routes.clone(), stopped.clone());
                tasks.spawn(async move {
                    connection.await;
                    drop(slot);
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: waiting is all that helps.
                tracing::warn!(error = &error as &dyn std::error::Error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, routes: Router, mut stopped: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = &error as &dyn std::error::Error, "could not set nodelay");
    }
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE).max_headers(HEADERS).max_buf_size(HEAD_SIZE);
    let serving = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut serving = std::pin::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        _ = stopped.changed() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
        () = tokio::time::sleep(CONNECTION_LIFE) => {
            serving.as_mut().graceful_shutdown();
            // No request takes as long as this; whoever is still here sends or reads a byte now and then.
            match tokio::time::timeout(LAST_ANSWER, serving).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended early");
    }
}

/// Does what a dead process left to do, and from then on what is left to do now and then.
async fn catch_up(app: Arc<App>, stopped: watch::Receiver<bool>) {
    if let Err(error) = sweep::catch_up(&app).await {
        tracing::error!(error = &error as &dyn std::error::Error, "could not catch up with what was left to do");
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
        if let Err(error) = round(&app).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a round of the sweep failed");
        }
    }
}
