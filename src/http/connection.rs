//! One connection: its requests one after the other, under the deadlines of [`super::progress`].

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

use super::connections::{ConnectionLease, Connections};
use super::limits::{ConnectionLimits, ConnectionSettings};
use super::open_files::room_for_connections;
use super::progress::{AnswerGuard, ConnectionProgress, RequestProgress};
use super::proxy_warnings::ProxyWarnings;
use super::transport::Transport;

/// The most headers of a request.
const HEADERS: usize = 100;

/// The largest head of a request, in bytes.
const HEAD_SIZE: usize = 16 * 1024;

#[derive(Clone)]
pub(super) struct ServerContext {
    pub(super) settings: Arc<ConnectionSettings>,
    pub(super) connections: Arc<Connections>,
    limits: Arc<ConnectionLimits>,
    warnings: Arc<ProxyWarnings>,
}

impl ServerContext {
    pub(super) fn new(settings: ConnectionSettings) -> Self {
        let most = room_for_connections(settings.limits.connections);
        Self {
            connections: Connections::new(most, settings.limits.connections_of_one),
            limits: Arc::new(settings.limits.clone()),
            settings: Arc::new(settings),
            warnings: Arc::default(),
        }
    }
}

/// The other end of a connection: a client or a proxy.
pub(super) struct Peer {
    pub(super) address: IpAddr,
    pub(super) is_trusted: bool,
    pub(super) lease: ConnectionLease,
}

/// An extension of a webhook's answer: whether its signature was right and new.
#[derive(Clone, Copy)]
pub(super) struct IsVerified(pub(super) bool);

/// Serves one connection until the peer, a deadline, the stop or a newer connection ends it.
pub(super) async fn serve(
    stream: TcpStream,
    peer: Peer,
    routes: Router,
    context: ServerContext,
    mut stopped: watch::Receiver<bool>,
) {
    let lease = peer.lease.clone();
    let progress = ConnectionProgress::new(
        peer.lease.clone(),
        peer.is_trusted,
        context.settings.keep_alive,
        Arc::clone(&context.limits),
    );
    // A silent peer needs no buffers.
    tokio::select! {
        readable = stream.readable() => if readable.is_err() { return },
        _ = stopped.changed() => return,
        () = lease.revoked() => return,
        () = DeadlineTimer::of(&progress).overdue() => return,
    }
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "could not set nodelay"
        );
    }
    let requests = RequestService {
        inner: TowerToHyperService::new(routes),
        peer: peer.address,
        is_trusted: peer.is_trusted,
        context,
        progress: progress.clone(),
    };
    let ended = serve_requests(stream, requests, &progress, &lease, stopped).await;
    match ended {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a connection ended early"
            );
        }
        None => {
            progress.abort();
            tracing::debug!(peer = %peer.address, "closed a connection: its deadline has passed, or it was idle longest");
        }
    }
}

/// Serves the requests of a connection. None where a deadline or a newer connection ended it.
async fn serve_requests(
    stream: TcpStream,
    requests: RequestService,
    progress: &ConnectionProgress,
    lease: &ConnectionLease,
    mut stopped: watch::Receiver<bool>,
) -> Option<hyper::Result<()>> {
    let transport = TokioIo::new(Transport::new(stream, progress.clone()));
    let mut builder = hyper::server::conn::http1::Builder::new();
    // We keep our own deadline for the head: hyper's also counts the idle time before the first byte.
    builder
        .header_read_timeout(None)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_SIZE);
    let service = hyper::service::service_fn(move |request| requests.clone().answer(request));
    let mut serving = std::pin::pin!(builder.serve_connection(transport, service));
    let mut timer = DeadlineTimer::of(progress);
    let mut revoked = std::pin::pin!(lease.revoked());
    let mut stop = std::pin::pin!(stopped.changed());
    let mut is_stopping = false;
    std::future::poll_fn(|context| {
        if !is_stopping && stop.as_mut().poll(context).is_ready() {
            is_stopping = true;
            serving.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(ended) = serving.as_mut().poll(context) {
            return Poll::Ready(Some(ended));
        }
        // Polled after the server, because the server moves the deadline.
        if revoked.as_mut().poll(context).is_ready() || timer.poll(context).is_ready() {
            return Poll::Ready(None);
        }
        Poll::Pending
    })
    .await
}

/// Waits for a moving deadline. The connection's task polls it after the connection itself, because only then the deadline
/// can have moved.
struct DeadlineTimer {
    progress: ConnectionProgress,
    sleep: Pin<Box<Sleep>>,
}

impl DeadlineTimer {
    fn of(progress: &ConnectionProgress) -> Self {
        let due = progress
            .deadline()
            .unwrap_or_else(|| Instant::now() + Duration::from_hours(1));
        Self {
            progress: progress.clone(),
            sleep: Box::pin(tokio::time::sleep_until(due)),
        }
    }

    async fn overdue(mut self) {
        std::future::poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let Some(deadline) = self.progress.deadline() else {
                return Poll::Pending;
            };
            // A later deadline is read when the timer fires, which most never do: so a request costs no timer.
            if deadline < self.sleep.deadline() || self.sleep.is_elapsed() {
                self.sleep.as_mut().reset(deadline);
            }
            if self.sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            if self.sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
        }
    }
}

/// Answers the requests of one connection.
#[derive(Clone)]
struct RequestService {
    inner: TowerToHyperService<Router>,
    peer: IpAddr,
    is_trusted: bool,
    context: ServerContext,
    progress: ConnectionProgress,
}

impl RequestService {
    async fn answer(
        self,
        mut request: Request<Incoming>,
    ) -> Result<Response<TrackedBody>, Infallible> {
        std::future::poll_fn(|context| self.progress.poll_begin(context)).await;
        let context = &self.context;
        let client = context
            .settings
            .trusted_proxies
            .client(self.peer, request.headers());
        context
            .warnings
            .check(self.peer, self.is_trusted, request.headers(), client);
        request.extensions_mut().insert(client);
        request
            .extensions_mut()
            .insert(RequestProgress(self.progress.clone()));
        let mut response = self.inner.call(request).await?;
        let is_good = match response.extensions().get::<IsVerified>() {
            Some(IsVerified(is_verified)) => *is_verified,
            None => response.status().is_success() || response.status().is_redirection(),
        };
        let is_kept = self.progress.begin_answer(is_good);
        // Their body may be partly unread, and the rest would be taken for the next head.
        let is_unread = matches!(
            response.status(),
            StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE
        );
        if !is_kept || is_unread {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let guard = AnswerGuard(self.progress);
        Ok(response.map(|body| TrackedBody {
            body,
            _guard: guard,
        }))
    }
}

/// The body of an answer, which reports when the web server has all of it.
struct TrackedBody {
    body: Body,
    _guard: AnswerGuard,
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
