//! Slots: an administrator's resets in a window, which the quota counts.

use super::StoreError;
use super::engine::{Connection, Tx, params, table};
use super::resets::ResetRow;
use crate::domain::quota::Limit;
use crate::domain::{MemberId, Moment, ResetId};

table! {
    /// One of a person's resets in a window.
    pub(super) struct SlotRow in "slot" {
        key {
            person_id: MemberId,
            taken_at: Moment,
            /// The reset that took it.
            reset_id: ResetId,
        }
        fixed {}
        changing {
            /// When it was given back, surely unused.
            returned_at: Option<Moment>,
        }
    }
}

pub(super) const TAKEN: &str = "
    select taken_at
    from slot
    where person_id = $1
        and taken_at > $2
        and returned_at is null";

pub(super) const RETURN: &str = "
    update slot
    set returned_at = $4
    where person_id = $1
        and taken_at = $2
        and reset_id = $3";

/// When an administrator took the slots that count now.
pub(super) async fn taken(
    connection: &mut Connection,
    admin: &MemberId,
    limit: Limit,
) -> Result<Vec<Moment>, StoreError> {
    let since = connection.now() - limit.window;
    let rows: Vec<(Moment,)> = connection.all(TAKEN, params![admin, since]).await?;
    Ok(rows.into_iter().map(|(taken_at,)| taken_at).collect())
}

/// Takes one for this reset.
pub(super) async fn take(tx: &mut Tx, reset: &ResetRow) -> Result<(), StoreError> {
    let slot = SlotRow {
        person_id: reset.admin_id.clone(),
        taken_at: tx.now(),
        reset_id: reset.reset_id,
        returned_at: None,
    };
    tx.insert(&slot).await
}

pub(super) async fn give_back(tx: &mut Tx, reset: &ResetRow) -> Result<(), StoreError> {
    let taken_at = reset.claimed_at.unwrap_or(tx.now());
    let now = tx.now();
    tx.run(
        RETURN,
        params![reset.admin_id, taken_at, reset.reset_id, now],
    )
    .await
    .map(drop)
}
