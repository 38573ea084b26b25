//! The directory's own link, which is sent instead of a reset: how long it may still set a password.

use super::engine::{Table, Tx, params, sql};
use super::{RETRY_BUDGET, ResetRow, Store, StoreError, audit, resets};
use crate::domain::{MemberId, Moment, ResetId, Span};

/// The member's links that may still work, the one that works longest first. `$2` is the present.
pub(super) const OPEN: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where member_id = $1
        and own_link_until > $2
    order by own_link_until desc"
);

/// A link of the directory's own that may still work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLink {
    /// When it was sent, or was to be.
    pub sent_at: Moment,
    /// When it stops working.
    pub until: Moment,
    /// False where nobody can say whether it was sent.
    pub is_certain: bool,
}

/// What the directory made of the order to send its link.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LinkOrder {
    /// It is on its way, and works for this long.
    Sent(Span),
    /// Surely none was sent.
    NotSent,
    Unknown,
}

impl Store {
    /// The member's link that may still work: of several one that was surely sent, then the one that works longest.
    pub(crate) async fn own_link(&self, member: &MemberId) -> Result<Option<OwnLink>, StoreError> {
        let mut connection = self.reader().await?;
        let now = connection.now();
        let open: Vec<ResetRow> = connection.all(OPEN, params![member, now]).await?;
        let mut sent = open.iter().filter(|row| row.own_link_sent_at.is_some());
        Ok(sent.next().or(open.first()).and_then(|row| {
            Some(OwnLink {
                sent_at: row.own_link_sent_at.or(row.finished_at)?,
                until: row.own_link_until?,
                is_certain: row.own_link_sent_at.is_some(),
            })
        }))
    }

    /// Notes how the order ended; until then the link counts as one that may have been sent.
    pub(crate) async fn note_own_link(
        &self,
        id: ResetId,
        order: LinkOrder,
        outcome: &'static str,
    ) -> Result<(), StoreError> {
        self.write_again(RETRY_BUDGET, (id, order, outcome), note)
            .await
    }
}

async fn note(
    tx: &mut Tx,
    (id, order, outcome): &(ResetId, LinkOrder, &'static str),
) -> Result<(), StoreError> {
    let Some(mut row) = resets::find(tx, *id).await? else {
        return Ok(());
    };
    match order {
        LinkOrder::Sent(life) => {
            row.own_link_sent_at = Some(tx.now());
            row.own_link_until = Some(tx.now() + *life);
        }
        LinkOrder::NotSent => row.own_link_until = None,
        LinkOrder::Unknown => {}
    }
    audit::note(tx, &row, "directory_link", outcome).await?;
    tx.put(&row).await
}
