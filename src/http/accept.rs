//! Accepts connections until the stop.

use std::io::ErrorKind;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::connection::{self, Shared};

/// How long to wait after the first error, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// How often errors are logged at most.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// Errors of `accept`, which come in crowds: how many since the last line, and how long to wait.
struct Errors {
    wait: Duration,
    unlogged: u64,
    logged_at: Option<Instant>,
}

impl Errors {
    fn new() -> Self {
        Self {
            wait: BACKOFF.0,
            unlogged: 0,
            logged_at: None,
        }
    }

    /// Notes one. How many there were since the last line, where a line is due.
    fn note(&mut self, now: Instant) -> Option<u64> {
        self.unlogged = self.unlogged.saturating_add(1);
        if self
            .logged_at
            .is_some_and(|at| now.saturating_duration_since(at) < LOG_EVERY)
        {
            return None;
        }
        self.logged_at = Some(now);
        Some(std::mem::take(&mut self.unlogged))
    }

    /// How long to wait after one.
    fn back_off(&mut self) -> Duration {
        let wait = self.wait;
        self.wait = wait.saturating_mul(2).min(BACKOFF.1);
        wait
    }

    /// One was accepted.
    fn are_over(&mut self) {
        self.wait = BACKOFF.0;
    }
}

/// True for errors of one connection that is gone already; the next one can be accepted at once (accept(2), "Error
/// handling").
fn is_of_one_connection(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

pub(super) async fn run(
    listener: TcpListener,
    routes: Router,
    shared: Shared,
    tasks: TaskTracker,
    mut stopped: watch::Receiver<bool>,
) {
    let mut errors = Errors::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                errors.are_over();
                begin(
                    stream,
                    peer.ip().to_canonical(),
                    &routes,
                    &shared,
                    &tasks,
                    &stopped,
                );
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
                // Out of file descriptors, most likely: waiting is all that helps.
                tokio::select! {
                    () = tokio::time::sleep(errors.back_off()) => {}
                    _ = stopped.changed() => return,
                }
            }
        }
    }
}

fn begin(
    stream: TcpStream,
    peer: std::net::IpAddr,
    routes: &Router,
    shared: &Shared,
    tasks: &TaskTracker,
    stopped: &watch::Receiver<bool>,
) {
    let is_trusted = shared.front.trusted_proxies.has(peer);
    let Some(seat) = shared.connections.enter(peer, is_trusted) else {
        tracing::debug!(%peer, "refused a connection: all that could be closed for it are at work");
        return;
    };
    let peer = connection::Peer {
        address: peer,
        is_trusted,
        seat,
    };
    tasks.spawn(connection::serve(
        stream,
        peer,
        routes.clone(),
        shared.clone(),
        stopped.clone(),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_logged_once_a_second_and_waited_for_longer_each_time() {
        let mut errors = Errors::new();
        let now = Instant::now();
        assert_eq!(errors.note(now), Some(1));
        assert_eq!(errors.note(now + Duration::from_millis(999)), None);
        assert_eq!(errors.note(now + Duration::from_secs(1)), Some(2));
        let waits: Vec<u128> = (0..9).map(|_| errors.back_off().as_millis()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        errors.are_over();
        assert_eq!(errors.back_off(), Duration::from_millis(10));
    }
}
