//! The reservation: the slot and the intent of a reset, taken in one transaction before anything is done outside.

use super::around::RelatedResets;
use super::clicks::{open_card, set_reply};
use super::earlier::{is_disowned, note_if_overtaken};
use super::engine::Tx;
use super::resets::enter;
use super::{CardClick, ClickError, ClickRefused, ResetRow, Store, audit, slots};
use crate::domain::quota::Limit;
use crate::domain::{Denied, MemberId, Permit, Quota, ResetId, Span, State};

/// The deadline of a reset; after it, another process may take the one that owns it for dead.
pub(super) const WORK_DEADLINE: Span = Span::seconds(120);

/// Proof that the slot is taken and the intent is on disk. Only [`Store::reserve`] makes one.
#[derive(Debug)]
pub struct Reservation {
    pub(super) reset_id: ResetId,
    pub(super) owner: String,
    admin: MemberId,
    member: MemberId,
}

impl Reservation {
    /// The reset it was taken for.
    pub fn reset_id(&self) -> ResetId {
        self.reset_id
    }

    /// The administrator whose slot was taken.
    pub fn admin(&self) -> &MemberId {
        &self.admin
    }

    /// The only member whose password may be changed with it.
    pub fn member(&self) -> &MemberId {
        &self.member
    }

    /// One that no store knows, for tests of what carries it about.
    #[cfg(test)]
    pub(crate) fn sample(reset_id: ResetId) -> Self {
        let [admin, member] = ["admin", "member"].map(|id| MemberId(id.to_owned()));
        Self {
            reset_id,
            owner: "nobody".to_owned(),
            admin,
            member,
        }
    }
}

impl Store {
    /// The confirming click: replay key, requester, age, limit, no other reset of the member, slot, audit — in one
    /// transaction. After it the click may be acknowledged (P1, P2). `edition` is that of the last look that was confirmed;
    /// none where it said something else than the record.
    pub async fn reserve(
        &self,
        permit: Permit,
        edition: Option<u16>,
        click: CardClick,
    ) -> Result<(Reservation, ResetRow, Quota), ClickError> {
        let owner = self.owner().to_owned();
        self.write((permit, edition, click, owner, self.limit), reserve)
            .await
    }
}

async fn reserve(
    tx: &mut Tx,
    (permit, edition, click, owner, limit): &(Permit, Option<u16>, CardClick, String, Limit),
) -> Result<(Reservation, ResetRow, Quota), ClickError> {
    let mut row = open_card(tx, click, "confirm").await?;
    let mut taken = slots::taken(tx, &row.admin_id, *limit).await?;
    let quota = limit.measure(&taken, tx.now());
    let around = RelatedResets::of(tx, &row).await?;
    let newest = around.newest_change();
    let is_stale = *edition != Some(row.edition);
    let refused = may_start(&row, permit, &around, quota)
        .err()
        .or_else(|| note_if_overtaken(newest, &mut row).then_some(ClickRefused::Overtaken))
        .or_else(|| is_stale.then_some(ClickRefused::Stale));
    if let Some(refused) = refused {
        // What is answered with a new last look is no refusal.
        if matches!(refused, ClickRefused::Overtaken | ClickRefused::Stale) {
            audit::note(tx, &row, "confirm", refused.code()).await?;
        } else {
            audit::note_refused(tx, &row, "confirm", refused.code()).await?;
        }
        let is_seen_otherwise = refused == ClickRefused::Stale && edition.is_none();
        if is_seen_otherwise {
            // The new last look is one with boxes of its own: Slack keeps what was ticked in those of an edition.
            row.edition = row.edition.saturating_add(1);
        }
        if is_seen_otherwise || refused == ClickRefused::Overtaken {
            set_reply(&mut row, click.follow_up.as_ref());
            tx.put(&row).await?;
        }
        return Err(refused.into());
    }
    enter(&mut row, State::Claimed, tx.now());
    row.owner = Some(owner.clone());
    row.deadline_at = Some(tx.now() + WORK_DEADLINE);
    set_reply(&mut row, click.follow_up.as_ref());
    slots::take(tx, &row).await?;
    taken.push(tx.now());
    audit::note(tx, &row, "confirm", "claimed").await?;
    tx.put(&row).await?;
    let reservation = Reservation {
        reset_id: row.reset_id,
        owner: owner.clone(),
        admin: row.admin_id.clone(),
        member: row.member_id.clone(),
    };
    Ok((reservation, row, limit.measure(&taken, tx.now())))
}

/// Refuses by the first rule that is against starting, asked in the same transaction.
fn may_start(
    row: &ResetRow,
    permit: &Permit,
    around: &RelatedResets,
    quota: Quota,
) -> Result<(), ClickRefused> {
    if *permit.admin() != row.admin_id || *permit.member() != row.member_id {
        return Err(ClickRefused::NoSuchCard);
    }
    if row.delivery.is_none() {
        return Err(ClickRefused::NothingChosen);
    }
    if let Some(admin_name) = around.active_admin() {
        return Err(ClickRefused::Denied(Denied::Busy { admin_name }));
    }
    if is_disowned(around.newest_change(), &row.admin_id) {
        return Err(ClickRefused::Denied(Denied::Disowned));
    }
    if quota.left == 0 {
        return Err(ClickRefused::Denied(Denied::Limit(quota)));
    }
    Ok(())
}
