//! The member's notice: how each contact took it, while one of them is still to be asked again.

use super::engine::{Table, Tx, params, sql, table};
use super::{StepNote, Store, StoreError, steps};
use crate::domain::{Moment, ResetId, StepOutcome};

table! {
    /// How one contact took the notice of a reset.
    pub(crate) struct NoticeRow in "notice" {
        key {
            /// The reset.
            reset_id: ResetId,
            /// The keyed digest of the contact's address.
            recipient: String,
        }
        fixed {}
        changing {
            /// Pending where it is to be asked again.
            outcome: StepOutcome,
            /// When that was known.
            noted_at: Moment,
        }
    }
}

pub(super) const OF_RESET: &str = sql!(
    "select ",
    NoticeRow::COLUMNS,
    "
    from notice
    where reset_id = $1"
);

pub(super) const DELETE: &str = "
    delete from notice
    where reset_id = $1";

impl Store {
    /// How the contacts took the notice of a reset; none where none of them is to be asked again.
    pub(crate) async fn notices(&self, id: ResetId) -> Result<Vec<NoticeRow>, StoreError> {
        let mut connection = self.reader().await?;
        connection.all(OF_RESET, params![id]).await
    }

    /// Notes these steps, and how each contact took the notice, in place of what was known before. `contacts` are kept only
    /// while one of them is to be asked again, so they are none for a notice that has ended.
    pub(crate) async fn note_notices(
        &self,
        id: ResetId,
        steps: Vec<StepNote>,
        contacts: Vec<(String, StepOutcome)>,
    ) -> Result<(), StoreError> {
        self.write((id, steps, contacts), note).await
    }
}

async fn note(
    tx: &mut Tx,
    (id, steps, contacts): &(ResetId, Vec<StepNote>, Vec<(String, StepOutcome)>),
) -> Result<(), StoreError> {
    tx.run(DELETE, params![id]).await?;
    for (recipient, outcome) in contacts {
        let row = NoticeRow {
            reset_id: *id,
            recipient: recipient.clone(),
            outcome: *outcome,
            noted_at: tx.now(),
        };
        tx.insert(&row).await?;
    }
    steps::note(tx, *id, steps).await
}
