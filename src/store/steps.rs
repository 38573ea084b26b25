//! Steps: the effects of a reset, and how each ended.

use std::borrow::Cow;

use super::engine::{Table, Tx, params, sql, table};
use super::{RETRY_BUDGET, Store, StoreError};
use crate::domain::{Moment, ResetId, Span, Step, StepOutcome};

table! {
    /// One effect of a reset and how it ended.
    pub struct StepRow in "step" {
        key {
            /// The reset that the effect belongs to.
            reset_id: ResetId,
            /// Each effect of a reset has one row.
            step: Step,
        }
        fixed {}
        changing {
            /// As far as is known.
            outcome: StepOutcome,
            /// A short word for why.
            detail: Option<String>,
            /// When the outcome was known.
            noted_at: Moment,
        }
    }
}

pub(super) const OF_RESET: &str = sql!(
    "select ",
    StepRow::COLUMNS,
    "
    from step
    where reset_id = $1"
);

pub(super) const NOTE_AGAIN: &str = "
    update step
    set noted_at = $2
    where reset_id = $1
        and outcome = 'pending'
        and noted_at <= $3";

/// The steps of a reset, some of which are to be done again.
#[derive(Clone, Debug)]
pub(crate) struct ClaimedSteps {
    /// The pending ones that were claimed.
    pub(crate) pending: Vec<StepRow>,
    pub(crate) others: Vec<StepRow>,
}

/// How one step ended, to be recorded.
#[derive(Clone, Debug)]
pub struct StepNote {
    /// A later note about the same effect replaces this one.
    pub step: Step,
    /// How it ended, as far as is known.
    pub outcome: StepOutcome,
    /// A short word for why.
    pub detail: Option<Cow<'static, str>>,
}

impl StepNote {
    /// The row that it is recorded as.
    pub fn row(&self, reset_id: ResetId, noted_at: Moment) -> StepRow {
        StepRow {
            reset_id,
            step: self.step,
            outcome: self.outcome,
            detail: self.detail.as_deref().map(str::to_owned),
            noted_at,
        }
    }
}

impl Store {
    /// Outcomes of steps that follow the reset, such as the sign-out and the notice. It is tried again for a while: what is
    /// not noted is done again.
    pub async fn note_steps(&self, id: ResetId, steps: Vec<StepNote>) -> Result<(), StoreError> {
        self.write_again(RETRY_BUDGET, (id, steps), note_each).await
    }

    /// Claims the pending steps of a reset that are this old, to do them again: until they are as old once more, nobody else
    /// claims them. One that has ended meanwhile stays ended. It is tried once: what cannot be noted is not done.
    pub(crate) async fn claim_pending(
        &self,
        id: ResetId,
        age: Span,
    ) -> Result<ClaimedSteps, StoreError> {
        self.write((id, age), claim_pending).await
    }

    /// The steps of a reset, the oldest first.
    pub async fn steps(&self, id: ResetId) -> Result<Vec<StepRow>, StoreError> {
        let mut connection = self.reader().await?;
        let mut steps: Vec<StepRow> = connection.all(OF_RESET, params![id]).await?;
        steps.sort_by_key(|row| (row.noted_at, row.step.as_str()));
        Ok(steps)
    }
}

/// What is still to do for the member after a password was changed, or may have been.
pub(crate) fn after_change() -> Vec<StepNote> {
    let pending = |step| StepNote {
        step,
        outcome: StepOutcome::Pending,
        detail: None,
    };
    vec![pending(Step::SignOut), pending(Step::Notice)]
}

async fn note_each(tx: &mut Tx, (id, steps): &(ResetId, Vec<StepNote>)) -> Result<(), StoreError> {
    note(tx, *id, steps).await
}

async fn claim_pending(
    tx: &mut Tx,
    (id, age): &(ResetId, Span),
) -> Result<ClaimedSteps, StoreError> {
    let (now, until) = (tx.now(), tx.now() - *age);
    let steps: Vec<StepRow> = tx.all(OF_RESET, params![id]).await?;
    let is_claimed = |row: &StepRow| row.outcome == StepOutcome::Pending && row.noted_at <= until;
    let (pending, others) = steps.into_iter().partition(is_claimed);
    tx.run(NOTE_AGAIN, params![id, now, until]).await?;
    Ok(ClaimedSteps { pending, others })
}

/// Notes how these steps ended, or that they are still to do.
pub(super) async fn note(
    tx: &mut Tx,
    reset_id: ResetId,
    steps: &[StepNote],
) -> Result<(), StoreError> {
    for note in steps {
        let row = note.row(reset_id, tx.now());
        tx.put(&row).await?;
    }
    Ok(())
}
