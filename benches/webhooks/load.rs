//! The generator: connections that stay open, requests one after the other on each, and how long every answer took.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A request that is ready to go.
pub(crate) type Ready = Request<Full<Bytes>>;

/// What was measured.
#[derive(Clone)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    /// What the server worked for one request, in microseconds of its core; not a number where nobody looked.
    pub(crate) micros: f64,
    count: usize,
    sorted: Vec<Duration>,
}

impl Measured {
    #[expect(clippy::cast_precision_loss, reason = "a figure to print")]
    pub(crate) fn of(count: usize, span: Duration, mut latencies: Vec<Duration>) -> Self {
        latencies.sort();
        Self {
            per_second: count as f64 / span.as_secs_f64(),
            micros: f64::NAN,
            count,
            sorted: latencies,
        }
    }

    /// The same, with what the server worked for all of it.
    #[expect(clippy::cast_precision_loss, reason = "a figure to print")]
    pub(crate) fn with_work(self, work: Duration) -> Self {
        Self {
            micros: work.as_secs_f64() * 1e6 / self.count as f64,
            ..self
        }
    }

    /// A quantile of the latencies in milliseconds; not a number where none were taken.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into a short list"
    )]
    pub(crate) fn millis(&self, quantile: f64) -> f64 {
        let at = ((self.sorted.len() as f64) * quantile) as usize;
        let one = self.sorted.get(at.min(self.sorted.len().saturating_sub(1)));
        one.map_or(f64::NAN, |one| one.as_secs_f64() * 1000.0)
    }
}

/// So many connections to one server.
pub(crate) struct Load {
    addr: SocketAddr,
    connections: usize,
}

impl Load {
    pub(crate) fn new(addr: SocketAddr, connections: usize) -> Self {
        Self { addr, connections }
    }

    /// As many requests as are answered in the span.
    pub(crate) async fn run(&self, span: Duration, next: impl Fn() -> Ready) -> Measured {
        let begun = Instant::now();
        let one = async || {
            let mut sender = connect(self.addr).await;
            let mut latencies = Vec::new();
            while begun.elapsed() < span {
                latencies.push(send(&mut sender, next()).await.0);
            }
            latencies
        };
        let latencies = all((0..self.connections).map(|_| one()).collect()).await;
        Measured::of(latencies.len(), begun.elapsed(), latencies)
    }

    /// All of these requests, shared among the connections.
    pub(crate) async fn run_all(&self, requests: &mut Vec<Ready>) -> Measured {
        let queue = std::cell::RefCell::new(std::mem::take(requests));
        let begun = Instant::now();
        let one = async || {
            let mut sender = connect(self.addr).await;
            let mut latencies = Vec::new();
            loop {
                let Some(request) = queue.borrow_mut().pop() else {
                    return latencies;
                };
                latencies.push(send(&mut sender, request).await.0);
            }
        };
        let latencies = all((0..self.connections).map(|_| one()).collect()).await;
        Measured::of(latencies.len(), begun.elapsed(), latencies)
    }

    /// The bodies of the answers to all of these requests, in their order.
    pub(crate) async fn ask_all(&self, requests: Vec<Ready>) -> Vec<Bytes> {
        let bodies = std::cell::RefCell::new(vec![Bytes::new(); requests.len()]);
        let queue = std::cell::RefCell::new(requests.into_iter().enumerate());
        let one = async || {
            let mut sender = connect(self.addr).await;
            loop {
                let Some((at, request)) = queue.borrow_mut().next() else {
                    return Vec::new();
                };
                let (_, body) = send(&mut sender, request).await;
                bodies.borrow_mut()[at] = body;
            }
        };
        all((0..self.connections).map(|_| one()).collect()).await;
        bodies.into_inner()
    }

    /// One request every `pace`, whether or not the earlier ones were answered; a late answer counts from when its
    /// request was due.
    pub(crate) async fn run_paced(
        &self,
        span: Duration,
        pace: Duration,
        next: impl Fn() -> Ready,
    ) -> Measured {
        let begun = Instant::now();
        let due = std::cell::Cell::new(begun);
        let one = async || {
            let mut sender = connect(self.addr).await;
            let mut latencies = Vec::new();
            loop {
                let mine = due.get();
                due.set(mine + pace);
                if mine > begun + span {
                    return latencies;
                }
                tokio::time::sleep_until(mine.into()).await;
                send(&mut sender, next()).await;
                latencies.push(mine.elapsed());
            }
        };
        let latencies = all((0..self.connections).map(|_| one()).collect()).await;
        Measured::of(latencies.len(), begun.elapsed(), latencies)
    }
}

/// Runs all side by side on this thread.
async fn all<F: Future<Output = Vec<Duration>>>(ones: Vec<F>) -> Vec<Duration> {
    let mut ones: Vec<_> = ones.into_iter().map(|one| Some(Box::pin(one))).collect();
    let mut latencies = Vec::new();
    std::future::poll_fn(|context| {
        for slot in &mut ones {
            if let Some(one) = slot
                && let std::task::Poll::Ready(done) = one.as_mut().poll(context)
            {
                latencies.extend(done);
                *slot = None;
            }
        }
        if ones.iter().all(Option::is_none) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    latencies
}

/// A connection that is driven in the background.
pub(crate) async fn connect(addr: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(addr).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "a connection of the benchmark ends with it"
    )]
    tokio::spawn(connection);
    sender
}

/// Sends one request; how long it took, and the body. Anything but 200 ends the benchmark: it would count nonsense.
pub(crate) async fn send(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Ready,
) -> (Duration, Bytes) {
    let begun = Instant::now();
    sender.ready().await.unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    (begun.elapsed(), body)
}
