//! Another administrator is asked to add a contact for the code of a reset: once for each card.

use super::clicks::{closed, known_card, save_accepted};
use super::engine::Tx;
use super::{
    CardClick, ClickError, ClickRefused, ResetRow, Store, StoreError, audit, replays, resets,
};
use crate::domain::{ResetId, State};

impl Store {
    /// Takes the one question of a card that is open, or of a reset that has changed the password.
    pub async fn ask_contact(&self, click: CardClick) -> Result<ResetRow, ClickError> {
        self.write(click, take_question).await
    }

    /// How the question ended. If nobody got it, it can be asked again.
    pub async fn note_contact_asked(
        &self,
        id: ResetId,
        outcome: &'static str,
    ) -> Result<(), StoreError> {
        self.write(
            (id, outcome),
            async |tx: &mut Tx, (id, outcome): &(ResetId, &'static str)| {
                if let Some(mut row) = resets::find(tx, *id).await? {
                    audit::note(tx, &row, EVENT, outcome).await?;
                    if *outcome == "nobody" {
                        row.contact_asked_at = None;
                        tx.put(&row).await?;
                    }
                }
                Ok::<_, StoreError>(())
            },
        )
        .await
    }
}

const EVENT: &str = "ask_contact";

async fn take_question(tx: &mut Tx, click: &CardClick) -> Result<ResetRow, ClickError> {
    let mut row = known_card(tx, click, EVENT).await?;
    let is_over = row.state == State::Offered && row.expires_at <= tx.now();
    let refused = if is_over {
        Some(ClickRefused::Expired)
    } else if row.changed_at.is_some() {
        None
    } else {
        closed(&row)
    };
    let refused = refused.or_else(|| row.contact_asked_at.map(ClickRefused::ContactAsked));
    if let Some(refused) = refused {
        audit::note_refused(tx, &row, EVENT, refused.code()).await?;
        replays::free(tx, &click.replay).await?;
        return Err(refused.into());
    }
    row.contact_asked_at = Some(tx.now());
    save_accepted(tx, click, row, EVENT).await
}
