//! Looks whether a password was set again after a reset: when one is due, and what it saw.

use super::engine::{Table, Tx, params, sql};
use super::resets::{self, begun_at, newest_change};
use super::{RETRY_BUDGET, ResetRow, Store, StoreError, audit};
use crate::domain::looks::{look_again, next_look};
use crate::domain::{Moment, ResetId, SecondFactors, State};

pub(super) const DUE: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where look_at is not null
        and look_at <= $1
    limit 200"
);

/// What a look saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// The password of the reset, or none.
    Same,
    /// Another one, which was set then.
    SetAgain(Moment),
    /// The directory does not answer.
    NoAnswer,
    /// The directory is no longer in the settings.
    NoDirectory,
}

impl Store {
    /// Notes what the directory's own sign-in asks for, and when it set the password of this reset, if it says that: then
    /// the password is looked at.
    pub(crate) async fn note_own_sign_in(
        &self,
        id: ResetId,
        factors: &SecondFactors,
        set_at: Option<Moment>,
    ) -> Result<(), StoreError> {
        let factors = factors.to_string();
        self.write_again(RETRY_BUDGET, (id, factors, set_at), note_own_sign_in)
            .await
    }

    /// Resets whose password is to be looked at now.
    pub(crate) async fn to_look(&self) -> Result<Vec<ResetRow>, StoreError> {
        let mut connection = self.slow_reader().await?;
        let now = connection.now();
        connection.all(DUE, params![now]).await
    }

    /// Notes what a look saw. Returns the row if the administrator has to be told of a new password; until then it counts as
    /// untold. Looks that end without an answer count as untold too. Nothing is noted while the reset runs, and a newer reset
    /// ends the looks.
    pub(crate) async fn note_look(
        &self,
        looked: &ResetRow,
        look: Look,
    ) -> Result<Option<ResetRow>, StoreError> {
        self.write((looked.reset_id, looked.look_at, look), note_look)
            .await
    }
}

async fn note_own_sign_in(
    tx: &mut Tx,
    (id, factors, set_at): &(ResetId, String, Option<Moment>),
) -> Result<(), StoreError> {
    let Some(mut row) = resets::find(tx, *id).await? else {
        return Ok(());
    };
    row.second_factors = Some(factors.clone());
    row.password_set_at = *set_at;
    row.look_at = set_at
        .and(row.changed_at)
        .and_then(|at| next_look(at, tx.now()));
    tx.put(&row).await
}

async fn note_look(
    tx: &mut Tx,
    (id, due, look): &(ResetId, Option<Moment>, Look),
) -> Result<Option<ResetRow>, StoreError> {
    let found = resets::find(tx, *id).await?;
    let is_due = |row: &ResetRow| row.look_at == *due && !row.state.is_active();
    let Some(mut row) = found.filter(is_due) else {
        return Ok(None);
    };
    let (now, changed_at) = (tx.now(), row.changed_at);
    let newest = newest_change(tx, &row).await?;
    if let Some(newer) = newest.filter(|newest| begun_at(newest) > row.changing_at) {
        // While it is being tried, this password may stay.
        let is_tried = newer.state == State::Changing;
        row.look_at = changed_at
            .filter(|_| is_tried)
            .and_then(|at| look_again(at, now));
        tx.put(&row).await?;
        return Ok(None);
    }
    row.look_at = match look {
        // Another new password may follow, so the remaining looks take place.
        Look::Same | Look::SetAgain(_) => changed_at.and_then(|at| next_look(at, now)),
        Look::NoAnswer => changed_at.and_then(|at| look_again(at, now)),
        Look::NoDirectory => None,
    };
    let mut to_tell = None;
    match look {
        Look::SetAgain(at) => {
            (row.set_again_at, row.password_set_at) = (Some(*at), Some(*at));
            audit::note(tx, &row, "password", "set_again").await?;
            to_tell = Some(row.clone());
            row.told_at = None;
        }
        Look::NoAnswer | Look::NoDirectory if row.look_at.is_none() => {
            row.password_set_at = None;
            audit::note(tx, &row, "password", "not_looked").await?;
            row.told_at = None;
        }
        Look::Same | Look::NoAnswer | Look::NoDirectory => {}
    }
    tx.put(&row).await?;
    Ok(to_tell)
}
