//! Steps: the effects of a reset, and how each ended.

use super::StoreError;
use super::engine::{Connection, Table, Tx, params, sql, table};
use crate::domain::{Moment, ResetId, Step, StepOutcome};

table! {
    /// One effect of a reset and how it ended.
    pub struct StepRow in "step" {
        key {
            /// The reset that the effect belongs to.
            reset_id: ResetId,
            /// The effect, such as the sign-out.
            step: Step,
        }
        fixed {}
        changing {
            /// How it ended.
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

/// How one step ended, to be recorded.
#[derive(Clone, Debug)]
pub struct StepNote {
    /// The effect, such as the sign-out.
    pub step: Step,
    /// How it ended, as far as is known.
    pub outcome: StepOutcome,
    /// A short word for why.
    pub detail: Option<&'static str>,
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

/// Notes how these steps ended, or that they are still to do.
pub(super) async fn note(
    tx: &mut Tx,
    reset_id: ResetId,
    steps: &[StepNote],
) -> Result<(), StoreError> {
    for note in steps {
        let row = StepRow {
            reset_id,
            step: note.step,
            outcome: note.outcome,
            detail: note.detail.map(str::to_owned),
            noted_at: tx.now(),
        };
        tx.put(&row).await?;
    }
    Ok(())
}

/// The steps of a reset, the oldest first.
pub(super) async fn of_reset(
    connection: &mut Connection,
    id: ResetId,
) -> Result<Vec<StepRow>, StoreError> {
    let mut steps: Vec<StepRow> = connection.all(OF_RESET, params![id]).await?;
    steps.sort_by_key(|row| (row.noted_at, row.step.as_str()));
    Ok(steps)
}
