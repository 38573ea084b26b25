//! What happens to a request before its handler: its log lines get a span, its body is read, and it waits for its permit.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::page;
use super::state::PortalState;
use crate::domain::MemberId;
use crate::http::read_body;

/// The largest form, in bytes.
const FORM_LIMIT: usize = 16 * 1024;

/// How long a request may wait for its permit.
const PERMIT_DEADLINE: Duration = Duration::from_secs(5);

/// Reads the whole form within its limit and its deadline. It is wiped when the request is done, because it may hold a
/// password; the buffers of the connection are the web server's.
pub(super) async fn read_whole(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match read_body(&parts, body, FORM_LIMIT).await {
        Ok(body) => {
            let body = Body::from(Bytes::from_owner(body));
            next.run(Request::from_parts(parts, body)).await
        }
        Err(status) => status.into_response(),
    }
}

/// The tracing span of a request: every log line below it says which page it is about and, in a session, whose. The path is
/// the pattern of the route, because the address of a page may hold a link's token.
pub(super) async fn in_span(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    // At this level the span exists whatever the level of the log is.
    let span = tracing::error_span!(
        "page",
        method = %request.method(),
        path = path.map(MatchedPath::as_str),
        member.id = Empty
    );
    next.run(request).instrument(span).await
}

/// Adds the member of the session to the span.
pub(super) fn record_member(id: &MemberId) {
    Span::current().record("member.id", tracing::field::display(id));
}

/// Holds a permit until the answer is there. An open page that listens for events keeps none after that; it has one of
/// another pool.
pub(super) async fn take_permit(
    State(portal): PortalState,
    request: Request,
    next: Next,
) -> Response {
    let until = Instant::now() + PERMIT_DEADLINE;
    let Some(permit) = portal.requests.acquire(request.extensions(), until).await else {
        tracing::warn!("refused a page: too many requests for pages are running");
        return page::unavailable(&portal);
    };
    let answer = async move {
        let _permit = permit;
        next.run(request).await
    };
    let answered = to_the_end(&portal.app.tasks, answer).await;
    answered.unwrap_or_else(|| page::unavailable(&portal))
}

/// Runs a handler in a task of its own: a browser that hangs up must not stop it between a change and the messages that
/// tell of it. None if it panicked, which is in the log.
async fn to_the_end(
    tasks: &TaskTracker,
    answer: impl Future<Output = Response> + Send + 'static,
) -> Option<Response> {
    tasks.spawn(answer.in_current_span()).await.ok()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    use axum::Router;
    use axum::routing::post;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    /// Reads a piece of this process's memory. A read that fails is an error, because it would show nothing.
    fn read_memory(into: &mut [u8], at: u64) {
        File::open("/proc/self/mem")
            .unwrap()
            .read_exact_at(into, at)
            .unwrap();
    }

    fn count(memory: &[u8]) -> usize {
        memory
            .windows(5)
            .filter(|window| window == b"loud+")
            .count()
    }

    /// A browser that hangs up does not stop what it began.
    #[tokio::test]
    async fn a_handler_runs_to_its_end_when_the_browser_hangs_up() {
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
        let (told, is_told) = tokio::sync::oneshot::channel();
        let tasks = TaskTracker::new();
        let handler = async move {
            begun.send(()).unwrap();
            may_go_on.await.unwrap();
            told.send("everybody was told").unwrap();
            Response::default()
        };
        tokio::select! {
            _ = to_the_end(&tasks, handler) => panic!("it ends later"),
            begun = has_begun => begun.unwrap(),
        }
        go_on.send(()).unwrap();
        assert_eq!(is_told.await, Ok("everybody was told"));
    }

    /// Where a form lay in memory there is nothing of it left when the request is done. While it is being answered the
    /// same read finds the form.
    #[cfg_attr(not(target_os = "linux"), ignore = "only Linux has /proc/self/mem")]
    #[tokio::test]
    async fn a_form_leaves_nothing_behind_in_memory() {
        // Made first, so that it does not take the place of the form.
        let mut memory = vec![0; 6400];
        let tell_where = post(async |body: Bytes| {
            let mut seen = vec![0; body.len()];
            let at = u64::try_from(body.as_ptr().addr()).unwrap();
            read_memory(&mut seen, at);
            format!("{at} {} {}", body.len(), count(&seen))
        });
        let routes = Router::new()
            .route("/", tell_where)
            .layer(axum::middleware::from_fn(read_whole));
        let form = Body::from("password=nine+loud+otters+sleep&".repeat(200));
        let answer = routes
            .oneshot(Request::post("/").body(form).unwrap())
            .await
            .unwrap();
        let told = answer.into_body().collect().await.unwrap().to_bytes();
        let told = String::from_utf8(told.to_vec()).unwrap();
        let numbers: Vec<u64> = told
            .split(' ')
            .map(|number| number.parse().unwrap())
            .collect();
        assert_eq!(
            numbers[1..],
            [6400, 200],
            "the form is found while it is there"
        );
        read_memory(&mut memory, numbers[0]);
        assert_eq!(count(&memory), 0);
    }
}
