//! The dispatcher: hands queued resets to free workers in order of arrival, sends "Working …" to those that wait, and
//! refuses those that time out. An undelivered password that goes another way does not queue; it takes the next free
//! worker.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tracing::Instrument;

use super::act;
use crate::app::{App, QueuedReset, WORKERS};
use crate::domain::Platform;

/// How often the queue is checked for notices and timeouts.
const CHECK_EVERY: Duration = Duration::from_millis(100);

/// How many refusals are recorded at once. The record writes them in one transaction.
const REFUSALS: usize = 64;

/// Queues a confirmed reset, and starts the dispatcher if none is running.
pub(super) fn queue(app: &Arc<App>, queued: QueuedReset) {
    if app.queue.push(queued) {
        app.tasks.spawn(supervise(Arc::clone(app)));
    }
}

/// Runs the dispatcher, and starts it again after a panic: without one the queue would wait for ever.
async fn supervise(app: Arc<App>) {
    while let Err(error) = app.tasks.spawn(run(Arc::clone(&app))).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the dispatcher stopped half-way; it starts again"
        );
        tokio::time::sleep(CHECK_EVERY).await;
    }
}

/// Dispatches until the queue is empty.
async fn run(app: Arc<App>) {
    let mut checks = tokio::time::interval(CHECK_EVERY);
    loop {
        let mut worker = std::pin::pin!(app.queue.worker());
        let worker = loop {
            tokio::select! {
                worker = &mut worker => break worker,
                _ = checks.tick() => check(&app),
            }
            if app.queue.stop_if_empty() {
                return;
            }
        };
        match app.queue.pop() {
            Some(queued) => {
                let app = serving(&app, queued.platform);
                let tasks = app.tasks.clone();
                let span = queued.span.clone();
                let reset = async move {
                    if let Some(chat) = app.chat(queued.platform) {
                        act::run_queued(&app, chat, queued).await;
                    }
                    drop(worker);
                };
                tasks.spawn(reset.instrument(span));
            }
            // The queue is closed: all that wait are refused.
            None => check(&app),
        }
        if app.queue.stop_if_empty() {
            return;
        }
    }
}

/// The settings of now, for a reset that has not begun. If they no longer have its platform, those from before a reload:
/// what was confirmed there must still end and be told.
fn serving(app: &Arc<App>, platform: Platform) -> Arc<App> {
    let present = app.present();
    if present.chat(platform).is_some() {
        present
    } else {
        Arc::clone(app)
    }
}

fn check(app: &Arc<App>) {
    let timed_out = app.queue.take_timed_out();
    if !timed_out.is_empty() {
        app.tasks.spawn(end_timed_out(Arc::clone(app), timed_out));
    }
    while let Some(notice) = app.queue.try_notice()
        && let Some((platform, reply, told, span)) = app.queue.next_to_notify()
    {
        let worker = serving(app, platform);
        let say = async move {
            if let Some(chat) = worker.chat(platform) {
                act::say_working(chat, Some(&reply), &told).await;
            }
            drop(notice);
        };
        app.tasks.spawn(say.instrument(span));
    }
}

/// First all slots are returned, however slow the chat is. Then everybody is told, each in a task of its own.
async fn end_timed_out(app: Arc<App>, timed_out: Vec<QueuedReset>) {
    let refused: Vec<_> = futures_util::stream::iter(timed_out)
        .map(|queued| {
            let span = queued.span.clone();
            act::refuse_timed_out(&app, queued).instrument(span)
        })
        .buffered(REFUSALS)
        .filter_map(std::future::ready)
        .collect()
        .await;
    let tell = async |refused: act::TimedOut| {
        let teller = serving(&app, refused.platform());
        let span = refused.span();
        let telling = async move {
            if let Some(chat) = teller.chat(refused.platform()) {
                act::tell_timed_out(&teller, chat, refused).await;
            }
        };
        if let Err(error) = app.tasks.spawn(telling.instrument(span)).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "could not tell that a reset timed out in the queue"
            );
        }
    };
    futures_util::stream::iter(refused)
        .for_each_concurrent(WORKERS, tell)
        .await;
}
