//! Turns: confirmed resets wait in a line, and a few hands work on them in order of arrival.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::issue;
use crate::app::{App, HANDS, Ticket};

/// How often the line is looked after: who should hear "Working …", and whose patience is over.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Takes a confirmed reset into the line.
pub(super) fn join(app: &Arc<App>, ticket: Ticket) {
    if app.at_work.join(ticket) {
        let keeper = Arc::clone(app);
        app.tasks.spawn(async move { keep(&keeper).await });
    }
}

/// Hands out turns until nobody waits any more.
async fn keep(app: &Arc<App>) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        let mut hand = std::pin::pin!(app.at_work.hand());
        let hand = loop {
            tokio::select! {
                hand = &mut hand => break hand,
                _ = looks.tick() => look_after(app),
            }
            if app.at_work.is_line_over() {
                return;
            }
        };
        if let Some(ticket) = app.at_work.next() {
            let worker = Arc::clone(app);
            app.tasks.spawn(async move {
                if let Some(chat) = worker.chat(ticket.platform) {
                    issue::issue_in_turn(&worker, chat, ticket).await;
                }
                drop(hand);
            });
        }
        if app.at_work.is_line_over() {
            return;
        }
    }
}

fn look_after(app: &Arc<App>) {
    let out = app.at_work.out_of_patience();
    if !out.is_empty() {
        let worker = Arc::clone(app);
        app.tasks.spawn(async move {
            let turn_away = async |ticket: Ticket| {
                if let Some(chat) = worker.chat(ticket.platform) {
                    issue::turn_away(&worker, chat, ticket).await;
                }
            };
            futures_util::stream::iter(out).for_each_concurrent(HANDS, turn_away).await;
        });
    }
    while let Some(voice) = app.at_work.free_voice()
        && let Some((platform, reply, heard)) = app.at_work.unheard()
    {
        let worker = Arc::clone(app);
        app.tasks.spawn(async move {
            if let Some(chat) = worker.chat(platform) {
                issue::say_working(chat, Some(&reply), &heard).await;
            }
            drop(voice);
        });
    }
}
