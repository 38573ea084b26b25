//! Listens at an address and accepts connections until the stop.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::connection::{self, ServerContext};
use super::limits::ConnectionSettings;

/// Connections that may wait in the kernel until they are accepted, as far as the machine allows (`net.core.somaxconn`).
/// A client whose connection found no room tries again after one second, then after three: too late for a webhook.
const BACKLOG: u32 = 4096;

/// The backoff after errors of `accept`: the first pause, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// At most one log line about such errors in this time.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// Listens at an address. What fails here fails before anything is served.
pub(crate) fn listen(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restart takes its port again while old connections are still in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Raises the limit of open files at once; the returned future accepts connections and serves each in a task of its own.
pub(crate) fn serve(
    listener: TcpListener,
    routes: Router,
    settings: ConnectionSettings,
    tasks: TaskTracker,
    stopped: watch::Receiver<bool>,
) -> impl Future<Output = ()> {
    let context = ServerContext::new(settings);
    accept(listener, routes, context, tasks, stopped)
}

async fn accept(
    listener: TcpListener,
    routes: Router,
    context: ServerContext,
    tasks: TaskTracker,
    mut stopped: watch::Receiver<bool>,
) {
    let mut errors = AcceptErrors::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                errors.reset();
                let peer = peer.ip().to_canonical();
                spawn_connection(stream, peer, &routes, &context, &tasks, &stopped);
            }
            Err(error) => {
                if let Some(count) = errors.note(Instant::now()) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        count,
                        "could not accept a connection"
                    );
                }
                if is_of_one_connection(&error) {
                    continue;
                }
                // Most likely there are no file descriptors left, so only waiting helps.
                tokio::select! {
                    () = tokio::time::sleep(errors.back_off()) => {}
                    _ = stopped.changed() => return,
                }
            }
        }
    }
}

fn spawn_connection(
    stream: TcpStream,
    peer: IpAddr,
    routes: &Router,
    context: &ServerContext,
    tasks: &TaskTracker,
    stopped: &watch::Receiver<bool>,
) {
    let is_trusted = context.settings.trusted_proxies.has(peer);
    let Some(lease) = context.connections.admit(peer, is_trusted) else {
        tracing::debug!(%peer, "refused a connection: every connection that could be closed for it is busy");
        return;
    };
    let peer = connection::Peer {
        address: peer,
        is_trusted,
        lease,
    };
    tasks.spawn(connection::serve(
        stream,
        peer,
        routes.clone(),
        context.clone(),
        stopped.clone(),
    ));
}

/// True for errors of one connection that has gone already: the next one can be accepted at once (accept(2), "Error
/// handling").
fn is_of_one_connection(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

/// Errors of `accept`, which come in bursts: limits their log lines, and backs off.
struct AcceptErrors {
    pause: Duration,
    unlogged: u64,
    logged_at: Option<Instant>,
}

impl AcceptErrors {
    fn new() -> Self {
        Self {
            pause: BACKOFF.0,
            unlogged: 0,
            logged_at: None,
        }
    }

    /// Counts one error. Returns how many there were since the last log line, if the next line is due.
    fn note(&mut self, now: Instant) -> Option<u64> {
        self.unlogged = self.unlogged.saturating_add(1);
        if self
            .logged_at
            .is_some_and(|at| now.saturating_duration_since(at) < LOG_INTERVAL)
        {
            return None;
        }
        self.logged_at = Some(now);
        Some(std::mem::take(&mut self.unlogged))
    }

    /// The pause after this error; each is twice as long as the one before.
    fn back_off(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = pause.saturating_mul(2).min(BACKOFF.1);
        pause
    }

    /// Begins the backoff anew, once a connection was accepted.
    fn reset(&mut self) {
        self.pause = BACKOFF.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_logged_once_a_second_and_waited_for_longer_each_time() {
        let mut errors = AcceptErrors::new();
        let now = Instant::now();
        assert_eq!(errors.note(now), Some(1));
        assert_eq!(errors.note(now + Duration::from_millis(999)), None);
        assert_eq!(errors.note(now + Duration::from_secs(1)), Some(2));
        let pauses: Vec<u128> = (0..9).map(|_| errors.back_off().as_millis()).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        errors.reset();
        assert_eq!(errors.back_off(), Duration::from_millis(10));
    }
}
