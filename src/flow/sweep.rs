//! The sweep: recovery after a crash, expiry, hiding of shown passwords, pending steps, and looks after a reset.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use tracing::Instrument;

use super::reply::unseal;
use super::trace::sweep_span;
use super::{aftermath, code_uses, ending, looks, not_me};
use crate::app::{App, ProgressTold, WORKERS};
use crate::domain::Span;
use crate::store::{NotMe, ResetRow, StoreError};

/// How old a pending step must be before the sweep does it: longer than any reset is in progress.
const STEP_GRACE: Span = Span::minutes(3);

/// How long the worker of a reset has to tell its result: longer than any reset is in progress.
const TELL_GRACE: Span = Span::seconds(150);

/// How long after its end a result is tried again: as long as the password can still go another way.
const TELL_FOR: Span = Span::minutes(10);

/// How many moves are recorded at once. The record writes them in one transaction.
const MOVES: usize = 64;

/// Recovery, first half: ends every reset that a dead process left behind. It asks nothing outside the record.
pub async fn end_left_behind(app: &Arc<App>) -> Result<(), StoreError> {
    while !end_some_left_behind(app).await?.is_empty() {}
    Ok(())
}

/// Recovery, second half: does the pending steps and tells the results.
pub async fn catch_up(app: &Arc<App>) -> Result<(), StoreError> {
    let mut left = app.store.with_pending_steps(Span(0)).await?;
    // Our own are in progress.
    left.retain(|row| row.owner.as_deref() != Some(app.store.owner()));
    finish_all(app, left, Span(0)).await;
    // A result that cannot be sent is tried again later, and is told at the next command.
    loop {
        let mut untold = app.store.to_tell(Span(0)).await?;
        untold.retain(|row| row.owner.as_deref() != Some(app.store.owner()));
        if tell_all(app, untold).await? == 0 {
            return Ok(());
        }
    }
}

/// Sends results that could not be sent at once, for a while. After that the next command tells them.
pub async fn tell_again(app: &Arc<App>) -> Result<(), StoreError> {
    let mut untold = app.store.to_tell(TELL_GRACE).await?;
    let now = app.clock.now();
    untold.retain(|row| {
        row.finished_at
            .or(row.delivering_at)
            .is_some_and(|at| now - at < TELL_FOR)
    });
    tell_all(app, untold).await.map(drop)
}

/// Tells contacts of codes that took the place of a password, where that was left undone.
pub async fn tell_of_codes(app: &Arc<App>) -> Result<(), StoreError> {
    code_uses::tell_all(app).await
}

/// Ends resets that were left behind, as many as the store returns at once.
async fn end_some_left_behind(app: &Arc<App>) -> Result<Vec<ResetRow>, StoreError> {
    let left = futures_util::stream::iter(app.store.left_behind().await?);
    let ended: Vec<Option<ResetRow>> = left
        .map(|row| app.store.recover(row.reset_id))
        .buffered(MOVES)
        .try_collect()
        .await?;
    let ended: Vec<ResetRow> = ended.into_iter().flatten().collect();
    for row in &ended {
        sweep_span(row).in_scope(|| tracing::warn!(state = %row.state, "a reset was left behind"));
        // It may get no worker any more, and no "Working …" after its result.
        if let Some(queued) = app.queue.remove(row.reset_id) {
            *queued.told.lock().await = ProgressTold::Result;
        }
    }
    Ok(ended)
}

/// Wipes old passwords, ends left-behind resets, expires cards, forgets reply addresses.
pub async fn end_what_is_due(app: &Arc<App>) -> Result<(), StoreError> {
    #[cfg(debug_assertions)]
    crate::fault::panic_once("sweep-panics");
    let now = app.clock.now();
    // Wiped before the record is asked: a password must not outlive its time because the record is slow.
    for id in app.held.wipe(now) {
        tracing::info!(reset.id = %id, "an undelivered password was wiped");
        if let Err(error) = app.store.give_up_delivery(id).await {
            tracing::error!(reset.id = %id, error = &error as &dyn std::error::Error, "could not record that an undelivered password was wiped");
        }
    }
    // This includes our own resets whose record failed half-way.
    let ended = end_some_left_behind(app).await?;
    if !ended.is_empty() {
        let teller = Arc::clone(app);
        app.tasks.spawn(async move {
            if let Err(error) = tell_all(&teller, ended).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not record which results were told"
                );
            }
        });
    }
    let expired = futures_util::stream::iter(app.store.expired_offers().await?.into_iter().map(Ok));
    expired
        .try_for_each_concurrent(MOVES, async |row| app.store.expire(row.reset_id).await)
        .await?;
    let stale = futures_util::stream::iter(app.store.stale_replies().await?.into_iter().map(Ok));
    stale
        .try_for_each_concurrent(MOVES, async |row| {
            app.store.forget_reply(row.reset_id).await
        })
        .await
}

/// Hides passwords that were visible for long enough.
pub async fn hide(app: &Arc<App>) -> Result<(), StoreError> {
    let shown = futures_util::stream::iter(app.store.to_hide().await?.into_iter().map(Ok));
    let hide = async |row: ResetRow| {
        match (app.chat(row.platform), unseal(app, &row)) {
            (Some(chat), Some(to)) => {
                aftermath::hide(app, chat, row.reset_id, Some(&to))
                    .instrument(sweep_span(&row))
                    .await;
            }
            // The message cannot be reached any more.
            (None, _) | (_, None) => app.store.hidden(row.reset_id).await?,
        }
        Ok(())
    };
    shown.try_for_each_concurrent(WORKERS, hide).await
}

/// Does pending sign-outs and notices.
pub async fn finish(app: &Arc<App>) -> Result<(), StoreError> {
    let rows = app.store.with_pending_steps(STEP_GRACE).await?;
    finish_all(app, rows, STEP_GRACE).await;
    Ok(())
}

/// Looks whether passwords were set again after a reset.
pub async fn look(app: &Arc<App>) -> Result<(), StoreError> {
    let due = app.store.to_look().await?;
    let look = async |row: ResetRow| {
        looks::look(app, &row).instrument(sweep_span(&row)).await;
    };
    futures_util::stream::iter(due)
        .for_each_concurrent(WORKERS, look)
        .await;
    Ok(())
}

/// Sends alarms of "this wasn't me" to those who do not have them yet.
pub async fn alarm(app: &Arc<App>) -> Result<(), StoreError> {
    for alarm in app.store.due_alarms().await? {
        let span = match &alarm.about {
            NotMe::Reset(row) => sweep_span(row),
            NotMe::Code(_) => tracing::Span::current(),
        };
        not_me::send_alarm(app, alarm).instrument(span).await?;
    }
    Ok(())
}

/// Deletes what is past its retention.
pub(crate) async fn purge(app: &Arc<App>) -> Result<(), StoreError> {
    app.store.purge().await.map(drop)
}

async fn finish_all(app: &App, rows: Vec<ResetRow>, age: Span) {
    let finish = async |row: ResetRow| {
        aftermath::finish_steps(app, &row, age)
            .instrument(sweep_span(&row))
            .await;
    };
    futures_util::stream::iter(rows)
        .for_each_concurrent(WORKERS, finish)
        .await;
}

/// P4: sends results through the follow-up address, if it still works; else the next command tells them. Returns how many
/// were sent.
async fn tell_all(app: &App, rows: Vec<ResetRow>) -> Result<usize, StoreError> {
    let tell = async |picked: ResetRow| {
        // It may have moved on, or been told, in the meantime.
        let present = app.store.reset(picked.reset_id).await?;
        let still = |row: &ResetRow| {
            row.told_at.is_none() && (row.state, row.edition) == (picked.state, picked.edition)
        };
        let Some(row) = present.filter(still) else {
            return Ok(0);
        };
        let is_told = match app.chat(row.platform) {
            Some(chat) => {
                ending::tell_ending(app, chat, &row)
                    .instrument(sweep_span(&row))
                    .await
            }
            None => false,
        };
        if is_told {
            app.store.told_as(&row).await?;
        }
        Ok(usize::from(is_told))
    };
    let told = futures_util::stream::iter(rows)
        .map(tell)
        .buffer_unordered(WORKERS);
    told.try_fold(0, |all, one| std::future::ready(Ok(all + one)))
        .await
}
