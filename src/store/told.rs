//! What the administrator was told of a reset, and where follow-ups went.

use super::engine::{Tx, params};
use super::{ResetRow, Store, StoreError, audit, resets};
use crate::domain::ResetId;

pub(super) const SET_TOLD: &str = "
    update reset
    set told_at = $2
    where reset_id = $1";

/// Marks a reset as told, unless it changed after the text was made: its state, its edition, or what a look saw of its
/// password.
pub(super) const SET_TOLD_AS: &str = "
    update reset
    set told_at = $4
    where reset_id = $1
        and state = $2
        and edition = $3
        and set_again_at is not distinct from $5
        and password_set_at is not distinct from $6";

pub(super) const SET_HIDDEN: &str = "
    update reset
    set hide_at = null
    where reset_id = $1";

pub(super) const FORGET_REPLY: &str = "
    update reset
    set reply = null,
        reply_until = null
    where reset_id = $1";

pub(super) const FORGET_GUIDE: &str = "
    update reset
    set guided_at = null
    where reset_id = $1";

impl Store {
    /// What came of a guide that was to be sent instead of a reset. One that was not sent does not count.
    pub async fn note_guide(
        &self,
        id: ResetId,
        outcome: &'static str,
        is_sent: bool,
    ) -> Result<(), StoreError> {
        self.write((id, outcome, is_sent), note_guide).await
    }

    /// The administrator was told how it ended.
    pub async fn told(&self, id: ResetId) -> Result<(), StoreError> {
        self.write(id, async |tx: &mut Tx, id: &ResetId| {
            let now = tx.now();
            tx.run(SET_TOLD, params![id, now]).await.map(drop)
        })
        .await
    }

    /// Marks a reset as told, if it is still as in this row, from which the text was made. A look may have seen a new
    /// password since: that was not in it.
    pub async fn told_as(&self, told: &ResetRow) -> Result<(), StoreError> {
        self.write(told.clone(), async |tx: &mut Tx, told: &ResetRow| {
            let now = tx.now();
            let values = params![
                told.reset_id,
                told.state,
                told.edition,
                now,
                told.set_again_at,
                told.password_set_at
            ];
            tx.run(SET_TOLD_AS, values).await.map(drop)
        })
        .await
    }

    /// The message that showed the password was replaced, or can no longer be.
    pub async fn hidden(&self, id: ResetId) -> Result<(), StoreError> {
        self.write(id, async |tx: &mut Tx, id: &ResetId| {
            tx.run(SET_HIDDEN, params![id]).await.map(drop)
        })
        .await
    }

    /// Erases the sealed follow-up address.
    pub async fn forget_reply(&self, id: ResetId) -> Result<(), StoreError> {
        self.write(id, async |tx: &mut Tx, id: &ResetId| {
            tx.run(FORGET_REPLY, params![id]).await.map(drop)
        })
        .await
    }
}

async fn note_guide(
    tx: &mut Tx,
    (id, outcome, is_sent): &(ResetId, &'static str, bool),
) -> Result<(), StoreError> {
    if !is_sent {
        tx.run(FORGET_GUIDE, params![id]).await?;
    }
    match resets::find(tx, *id).await? {
        Some(row) => audit::note(tx, &row, "guide", outcome).await,
        None => Ok(()),
    }
}
