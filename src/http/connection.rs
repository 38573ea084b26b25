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

use super::connections::{Connections, Seat};
use super::front::{Front, Limits};
use super::open_files::room_for_connections;
use super::progress::{AnswerGuard, Exchange, Progress};
use super::proxies::Complaints;
use super::transport::Transport;

/// The most headers of a request.
const HEADERS: usize = 100;

/// The largest head of a request, in bytes.
const HEAD_SIZE: usize = 16 * 1024;

/// What all connections share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) front: Arc<Front>,
    pub(super) limits: Arc<Limits>,
    pub(super) connections: Arc<Connections>,
    pub(super) complaints: Arc<Complaints>,
}

impl Shared {
    pub(super) fn new(front: Front) -> Self {
        let most = room_for_connections(front.limits.connections);
        Self {
            connections: Connections::new(most, front.limits.connections_of_one),
            limits: Arc::new(front.limits.clone()),
            front: Arc::new(front),
            complaints: Arc::default(),
        }
    }
}

/// Who is at the other end.
pub(super) struct Peer {
    pub(super) address: IpAddr,
    pub(super) is_trusted: bool,
    pub(super) seat: Seat,
}

/// Whether a webhook's signature was right and new; an extension of its answer.
#[derive(Clone, Copy)]
pub(super) struct IsVerified(pub(super) bool);

/// Serves until the other side, a deadline, the stop or a newer connection ends it.
pub(super) async fn serve(
    stream: TcpStream,
    peer: Peer,
    routes: Router,
    shared: Shared,
    mut stopped: watch::Receiver<bool>,
) {
    let seat = peer.seat.clone();
    let progress = Progress::new(
        peer.seat.clone(),
        peer.is_trusted,
        shared.front.keep_alive,
        Arc::clone(&shared.limits),
    );
    // Whoever says nothing needs no buffers.
    tokio::select! {
        readable = stream.readable() => if readable.is_err() { return },
        _ = stopped.changed() => return,
        () = seat.lost() => return,
        () = Watch::of(&progress).overdue() => return,
    }
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "could not set nodelay"
        );
    }
    let requests = Requests {
        inner: TowerToHyperService::new(routes),
        peer: peer.address,
        is_trusted: peer.is_trusted,
        shared,
        progress: progress.clone(),
    };
    let transport = TokioIo::new(Transport::new(stream, progress.clone()));
    let mut builder = hyper::server::conn::http1::Builder::new();
    // Its own deadline of a head also counts the idle time before the first byte.
    builder
        .header_read_timeout(None)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_SIZE);
    let service = hyper::service::service_fn(move |request| requests.clone().answer(request));
    let mut serving = std::pin::pin!(builder.serve_connection(transport, service));
    let mut watch = Watch::of(&progress);
    let mut lost = std::pin::pin!(seat.lost());
    let mut stop = std::pin::pin!(stopped.changed());
    let mut is_stopping = false;
    let ended = std::future::poll_fn(|context| {
        if !is_stopping && stop.as_mut().poll(context).is_ready() {
            is_stopping = true;
            serving.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(ended) = serving.as_mut().poll(context) {
            return Poll::Ready(Some(ended));
        }
        // After the server, because that is what moves the deadline.
        if lost.as_mut().poll(context).is_ready() || watch.poll(context).is_ready() {
            return Poll::Ready(None);
        }
        Poll::Pending
    });
    match ended.await {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a connection ended early"
            );
        }
        None => {
            progress.cut();
            tracing::debug!(peer = %peer.address, "closed a connection that was overdue or idle longest");
        }
    }
}

/// Waits for a deadline that moves. It is asked again whenever the connection was polled, because only then it can have
/// moved.
struct Watch {
    progress: Progress,
    sleep: Pin<Box<Sleep>>,
}

impl Watch {
    fn of(progress: &Progress) -> Self {
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
            // A later one is noticed when the timer fires; most never get that far.
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
struct Requests {
    inner: TowerToHyperService<Router>,
    peer: IpAddr,
    is_trusted: bool,
    shared: Shared,
    progress: Progress,
}

impl Requests {
    async fn answer(self, mut request: Request<Incoming>) -> Result<Response<Watched>, Infallible> {
        std::future::poll_fn(|context| self.progress.poll_begin(context)).await;
        let client = self
            .shared
            .front
            .trusted_proxies
            .client(self.peer, request.headers());
        self.shared
            .complaints
            .look(self.peer, self.is_trusted, request.headers(), client);
        request.extensions_mut().insert(client);
        request
            .extensions_mut()
            .insert(Exchange(self.progress.clone()));
        let mut response = self.inner.call(request).await?;
        let is_good = match response.extensions().get::<IsVerified>() {
            Some(IsVerified(is_verified)) => *is_verified,
            None => response.status().is_success() || response.status().is_redirection(),
        };
        let is_kept = self.progress.answer(is_good);
        // Of these a part may be unread, which would be taken for the next head.
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
        Ok(response.map(|body| Watched {
            body,
            _guard: guard,
        }))
    }
}

/// The body of an answer, which tells when the web server has all of it.
struct Watched {
    body: Body,
    _guard: AnswerGuard,
}

impl HttpBody for Watched {
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
