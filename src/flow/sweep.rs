//! What time and dead processes leave behind: recovery at the start, expiry, hidden passwords, unfinished steps.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};

use super::issue;
use crate::app::{App, HANDS, Heard};
use crate::domain::Span;
use crate::store::{ResetRow, StoreError};

/// How long a step may stay to do before the sweep does it; longer than any reset is at work.
const STEP_PATIENCE: Span = Span::minutes(3);

/// How long the hand that did a reset has for telling its end; longer than any reset is at work.
const TELL_PATIENCE: Span = Span::seconds(150);

/// How long after its end a reset is told again and again; as long as its password may still go another way.
const TOLD_FOR: Span = Span::minutes(10);

/// How many moves wait for the record at once; it writes them together.
const MOVES: usize = 64;

/// Recovery (section 3), first half: names everything that a dead process left. Nothing outside the record is asked.
pub async fn name(app: &Arc<App>) -> Result<(), StoreError> {
    while !name_left_behind(app).await?.is_empty() {}
    Ok(())
}

/// Recovery, second half: does what is left to do, and tells what happened.
pub async fn catch_up(app: &Arc<App>) -> Result<(), StoreError> {
    let mut left = app.store.with_pending_steps(Span(0)).await?;
    // Our own are at work.
    left.retain(|row| row.owner.as_deref() != Some(app.store.owner()));
    finish_all(app, left).await;
    // Whoever cannot be told stays untold, and hears it later or at their next command.
    loop {
        let mut untold = app.store.to_tell(Span(0)).await?;
        untold.retain(|row| row.owner.as_deref() != Some(app.store.owner()));
        if tell_all(app, untold).await? == 0 {
            return Ok(());
        }
    }
}

/// Tells what could not be told when it happened, for a while; then the next command does.
pub async fn tell(app: &Arc<App>) -> Result<(), StoreError> {
    let mut untold = app.store.to_tell(TELL_PATIENCE).await?;
    let now = app.clock.now();
    untold.retain(|row| {
        row.finished_at
            .or(row.delivering_at)
            .is_some_and(|at| now - at < TOLD_FOR)
    });
    tell_all(app, untold).await.map(drop)
}

/// As many of those that were left behind as are picked at once, after they were named.
async fn name_left_behind(app: &Arc<App>) -> Result<Vec<ResetRow>, StoreError> {
    let left = futures_util::stream::iter(app.store.left_behind().await?);
    let named: Vec<Option<ResetRow>> = left
        .map(|row| app.store.recover(row.reset_id))
        .buffered(MOVES)
        .try_collect()
        .await?;
    let named: Vec<ResetRow> = named.into_iter().flatten().collect();
    for row in &named {
        tracing::warn!(reset.id = %row.reset_id, state = %row.state, "a reset was left behind");
        // It cannot get its turn any more, and nothing is said of it but its end.
        if let Some(ticket) = app.at_work.leave(row.reset_id) {
            *ticket.heard.lock().await = Heard::End;
        }
    }
    Ok(named)
}

/// What depends on the clock and the record alone.
pub async fn keep_time(app: &Arc<App>) -> Result<(), StoreError> {
    #[cfg(debug_assertions)]
    crate::fault::panic_once("sweep-panics");
    let now = app.clock.now();
    // All are wiped before the record is asked, so that nothing keeps a password longer than its time.
    for id in app.held.wipe(now) {
        tracing::info!(reset.id = %id, "an undelivered password was wiped");
        if let Err(error) = app.store.give_up_delivery(id).await {
            tracing::error!(reset.id = %id, error = &error as &dyn std::error::Error, "could not note that nothing follows");
        }
    }
    // A reset of our own whose record failed half-way is past its deadline like any other.
    let named = name_left_behind(app).await?;
    if !named.is_empty() {
        let teller = Arc::clone(app);
        app.tasks.spawn(async move {
            if let Err(error) = tell_all(&teller, named).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not note what was told"
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

/// Hides passwords that were shown for long enough.
pub async fn hide(app: &Arc<App>) -> Result<(), StoreError> {
    let shown = futures_util::stream::iter(app.store.to_hide().await?.into_iter().map(Ok));
    let hide = async |row: ResetRow| {
        match (app.chat(row.platform), super::unseal(app, &row)) {
            (Some(chat), Some(to)) => issue::hide(app, chat, row.reset_id, Some(&to)).await,
            // Without a way to the message there is nothing left to try.
            (None, _) | (_, None) => app.store.hidden(row.reset_id).await?,
        }
        Ok(())
    };
    shown.try_for_each_concurrent(HANDS, hide).await
}

/// Does the sign-outs and notices that a reset left to do.
pub async fn finish(app: &Arc<App>) -> Result<(), StoreError> {
    finish_all(app, app.store.with_pending_steps(STEP_PATIENCE).await?).await;
    Ok(())
}

/// Deletes what was kept long enough.
pub async fn purge(app: &Arc<App>) -> Result<(), StoreError> {
    app.store.purge().await.map(drop)
}

async fn finish_all(app: &App, rows: Vec<ResetRow>) {
    let finish = async |row: ResetRow| issue::finish_steps(app, &row).await;
    futures_util::stream::iter(rows)
        .for_each_concurrent(HANDS, finish)
        .await;
}

/// P4: tells what nobody has heard, through the follow-up address if it still works; else the next command tells it. How
/// many heard it.
async fn tell_all(app: &App, rows: Vec<ResetRow>) -> Result<usize, StoreError> {
    let tell = async |picked: ResetRow| {
        // It may have gone on, or been told, while others were told.
        let present = app.store.reset(picked.reset_id).await?;
        let still = |row: &ResetRow| {
            row.told_at.is_none() && (row.state, row.edition) == (picked.state, picked.edition)
        };
        let Some(row) = present.filter(still) else {
            return Ok(0);
        };
        let is_told = match app.chat(row.platform) {
            Some(chat) => issue::tell_ending(app, chat, &row).await,
            None => false,
        };
        if is_told {
            app.store.told_as(&row).await?;
        }
        Ok(usize::from(is_told))
    };
    let told = futures_util::stream::iter(rows)
        .map(tell)
        .buffer_unordered(HANDS);
    told.try_fold(0, |all, one| std::future::ready(Ok(all + one)))
        .await
}
