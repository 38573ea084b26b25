//! The reservation: the slot and the intent of a reset, taken in one transaction before anything is done outside.

use super::clicks::{answer_at, open_card};
use super::earlier::{earlier, is_disowned, overtaken};
use super::engine::Tx;
use super::resets::{self, enter, newest_change};
use super::{CardClick, ClickError, ClickRefused, ResetRow, Store, StoreError, audit, slots};
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
    /// transaction. After it the click may be acknowledged (P1, P2).
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
    let newest = newest_change(tx, &row).await?;
    let is_stale = *edition != Some(row.edition);
    let refused = may_not_start(tx, &row, permit, newest.as_ref(), quota)
        .await?
        .or_else(|| overtaken(newest.as_ref(), &mut row).map(ClickRefused::Overtaken))
        .or_else(|| is_stale.then(|| ClickRefused::Stale(earlier(newest.as_ref(), tx.now()))));
    if let Some(refused) = refused {
        audit::note(tx, &row, "confirm", refused.code()).await?;
        if matches!(refused, ClickRefused::Overtaken(_)) {
            answer_at(&mut row, click.follow_up.as_ref());
            tx.put(&row).await?;
        }
        return Err(refused.into());
    }
    enter(&mut row, State::Claimed, tx.now());
    row.owner = Some(owner.clone());
    row.deadline_at = Some(tx.now() + WORK_DEADLINE);
    answer_at(&mut row, click.follow_up.as_ref());
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

/// What is against starting, asked in the same transaction.
async fn may_not_start(
    tx: &mut Tx,
    row: &ResetRow,
    permit: &Permit,
    newest: Option<&ResetRow>,
    quota: Quota,
) -> Result<Option<ClickRefused>, StoreError> {
    if *permit.admin() != row.admin_id || *permit.member() != row.member_id {
        return Ok(Some(ClickRefused::NoSuchCard));
    }
    if row.delivery.is_none() {
        return Ok(Some(ClickRefused::NothingChosen));
    }
    let at_work = resets::at_work(tx, &row.member_id, Some(row.reset_id)).await?;
    if let Some(admin_name) = at_work {
        return Ok(Some(ClickRefused::Denied(Denied::Busy { admin_name })));
    }
    if is_disowned(newest, &row.admin_id) {
        return Ok(Some(ClickRefused::Denied(Denied::Disowned)));
    }
    Ok((quota.left == 0).then_some(ClickRefused::Denied(Denied::Limit(quota))))
}
