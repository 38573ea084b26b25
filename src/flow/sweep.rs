//! What time and dead processes leave behind: recovery at the start, expiry, hidden passwords, unfinished steps.

use std::sync::Arc;

use super::issue;
use crate::app::App;
use crate::domain::Span;
use crate::store::{ResetRow, StoreError};

/// How long a step may stay to do before the sweep does it; longer than any reset is at work.
const STEP_PATIENCE: Span = Span::minutes(3);

/// Recovery (section 3), first half: names what a dead process left. Nothing outside the record is asked.
pub async fn name(app: &Arc<App>) -> Result<(), StoreError> {
    name_left_behind(app).await.map(drop)
}

/// Recovery, second half: does what is left to do, and tells what happened.
pub async fn catch_up(app: &Arc<App>) -> Result<(), StoreError> {
    for row in app.store.with_pending_steps(Span(0)).await? {
        // Our own are at work.
        if row.owner.as_deref() != Some(app.store.owner()) {
            issue::finish_steps(app, &row).await;
        }
    }
    for row in app.store.to_tell().await? {
        tell(app, &row).await?;
    }
    Ok(())
}

async fn name_left_behind(app: &Arc<App>) -> Result<Vec<ResetRow>, StoreError> {
    let mut named = Vec::new();
    for row in app.store.left_behind().await? {
        if let Some(row) = app.store.recover(row.reset_id).await? {
            tracing::warn!(reset.id = %row.reset_id, state = %row.state, "a reset was left behind");
            named.push(row);
        }
    }
    Ok(named)
}

/// One round, every other second.
pub async fn round(app: &Arc<App>) -> Result<(), StoreError> {
    let now = app.clock.now();
    // All are wiped before the record is asked, so that nothing keeps a password longer than its time.
    for id in app.held.wipe(now) {
        tracing::info!(reset.id = %id, "an undelivered password was wiped");
        if let Err(error) = app.store.give_up_delivery(id).await {
            tracing::error!(reset.id = %id, error = &error as &dyn std::error::Error, "could not note that nothing follows");
        }
    }
    // A reset of our own whose record failed half-way is past its deadline like any other.
    for row in name_left_behind(app).await? {
        tell(app, &row).await?;
    }
    for row in app.store.expired_offers().await? {
        app.store.expire(row.reset_id).await?;
    }
    for row in app.store.to_hide().await? {
        hide(app, &row).await?;
    }
    for row in app.store.stale_replies().await? {
        app.store.forget_reply(row.reset_id).await?;
    }
    for row in app.store.with_pending_steps(STEP_PATIENCE).await? {
        issue::finish_steps(app, &row).await;
    }
    Ok(())
}

async fn hide(app: &Arc<App>, row: &ResetRow) -> Result<(), StoreError> {
    match (app.chat(row.platform), super::unseal(app, row)) {
        (Some(chat), Some(to)) => issue::hide(app, chat, row.reset_id, Some(&to)).await,
        // Without a way to the message there is nothing left to try.
        (None, _) | (_, None) => app.store.hidden(row.reset_id).await?,
    }
    Ok(())
}

/// P4: tells what nobody has heard, through the follow-up address while it lives; else the next command tells it.
async fn tell(app: &Arc<App>, row: &ResetRow) -> Result<(), StoreError> {
    if let Some(chat) = app.chat(row.platform)
        && issue::tell_ending(app, chat, row).await
    {
        app.store.told(row.reset_id).await?;
    }
    Ok(())
}
