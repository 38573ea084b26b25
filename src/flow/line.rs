//! Turns: confirmed resets wait in a line, and a few hands work on them in order of arrival. An undelivered password that
//! goes another way ([`Again`](super::Again)) does not stand in the line: it takes the next free hand.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::issue;
use crate::app::{App, QueuedReset, WORKERS};
use crate::domain::Platform;

/// How often the line is looked after: who should hear "Working …", and whose patience is over.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How many refusals wait for the record at once; it writes them together.
const REFUSALS: usize = 64;

/// Takes a confirmed reset into the line.
pub(super) fn join(app: &Arc<App>, ticket: QueuedReset) {
    if app.queue.push(ticket) {
        let keeper = Arc::clone(app);
        app.tasks.spawn(async move {
            // Without somebody who hands out turns, all would wait for ever.
            while let Err(error) = keeper.tasks.spawn(keep(Arc::clone(&keeper))).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "handing out turns stopped half-way; it goes on"
                );
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
    }
}

/// Hands out turns until nobody waits any more.
async fn keep(app: Arc<App>) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        let mut hand = std::pin::pin!(app.queue.worker());
        let hand = loop {
            tokio::select! {
                hand = &mut hand => break hand,
                _ = looks.tick() => look_after(&app),
            }
            if app.queue.dispatcher_may_stop() {
                return;
            }
        };
        match app.queue.pop() {
            Some(ticket) => {
                let worker = serving(&app, ticket.platform);
                app.tasks.spawn(async move {
                    if let Some(chat) = worker.chat(ticket.platform) {
                        issue::issue_in_turn(&worker, chat, ticket).await;
                    }
                    drop(hand);
                });
            }
            // Closed: who waits is turned away.
            None => look_after(&app),
        }
        if app.queue.dispatcher_may_stop() {
            return;
        }
    }
}

/// The settings of now, for a reset that has not begun. Those from before, where they alone have its platform: what was
/// confirmed there must still end and be told.
fn serving(app: &Arc<App>, platform: Platform) -> Arc<App> {
    let present = app.present();
    if present.chat(platform).is_some() {
        present
    } else {
        Arc::clone(app)
    }
}

fn look_after(app: &Arc<App>) {
    let out = app.queue.take_timed_out();
    if !out.is_empty() {
        app.tasks.spawn(turn_away(Arc::clone(app), out));
    }
    while let Some(voice) = app.queue.try_notice()
        && let Some((platform, reply, heard)) = app.queue.next_to_notify()
    {
        let worker = serving(app, platform);
        app.tasks.spawn(async move {
            if let Some(chat) = worker.chat(platform) {
                issue::say_working(chat, Some(&reply), &heard).await;
            }
            drop(voice);
        });
    }
}

/// First all slots come back, however slow the chat is; then everybody is told, each in a task of its own.
async fn turn_away(app: Arc<App>, out: Vec<QueuedReset>) {
    let refusals = futures_util::stream::iter(out).map(|ticket| issue::refuse_turn(&app, ticket));
    let refused: Vec<_> = refusals
        .buffered(REFUSALS)
        .filter_map(std::future::ready)
        .collect()
        .await;
    let tell = async |refused: issue::TurnedAway| {
        let teller = serving(&app, refused.platform());
        let told = app.tasks.spawn(async move {
            if let Some(chat) = teller.chat(refused.platform()) {
                issue::tell_turned_away(&teller, chat, refused).await;
            }
        });
        if let Err(error) = told.await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "could not tell that a turn did not come"
            );
        }
    };
    futures_util::stream::iter(refused)
        .for_each_concurrent(WORKERS, tell)
        .await;
}
