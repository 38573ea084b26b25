//! After a failed delivery: the way that is asked about before the password goes out by it, and why none is left.

use super::clicks::{Wiped, closed, known_card, save_accepted};
use super::engine::Tx;
use super::resets::{begun_at, forget_proposed, newest_change};
use super::{CardClick, ClickError, ClickRefused, ResetRow, Store, StoreError, audit, replays};
use crate::domain::{Delivery, Destination};

/// Another way of delivery, as it is asked about.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Copy, or the channel.
    pub delivery: Delivery,
    /// Where to; none for Copy.
    pub to: Option<Destination>,
    /// True where the address was typed and is not the one on record.
    pub is_typed: bool,
}

impl Store {
    /// Notes the way that the administrator is asked about; none where they went back to the list. Nothing is sent.
    pub async fn propose(
        &self,
        click: CardClick,
        proposal: Option<Proposal>,
    ) -> Result<ResetRow, ClickError> {
        self.write((click, proposal), propose).await
    }

    /// Why the password of an undelivered reset is not in memory any more.
    pub async fn why_wiped(&self, row: &ResetRow) -> Result<Wiped, StoreError> {
        let newest = newest_change(&mut self.reader().await?, row).await?;
        let is_replaced = newest.is_some_and(|newest| begun_at(&newest) > begun_at(row));
        Ok(if is_replaced {
            Wiped::Replaced
        } else if row.owner.as_deref() == Some(self.owner()) {
            Wiped::InTime
        } else {
            Wiped::WithProcess
        })
    }
}

async fn propose(
    tx: &mut Tx,
    (click, proposal): &(CardClick, Option<Proposal>),
) -> Result<ResetRow, ClickError> {
    let event = if proposal.is_some() {
        "propose"
    } else {
        "back"
    };
    let mut row = known_card(tx, click, event).await?;
    if !row.is_waiting_for_another_way() {
        let refused = closed(&row).unwrap_or(ClickRefused::InProgress);
        audit::note_refused(tx, &row, event, refused.code()).await?;
        replays::free(tx, &click.replay).await?;
        return Err(refused.into());
    }
    // An older question confirms nothing.
    row.edition = row.edition.saturating_add(1);
    forget_proposed(&mut row);
    if let Some(proposal) = proposal {
        row.proposed = Some(proposal.delivery);
        row.proposed_to = proposal.to.as_ref().map(|to| to.full().to_owned());
        row.is_proposed_typed = proposal.is_typed;
    }
    save_accepted(tx, click, row, event).await
}
