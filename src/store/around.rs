//! The resets that a card depends on, read in one statement: those of its member, and those of its administrator.

use super::engine::{Table, Tx, params, sql};
use super::resets::begun_at;
use super::{ResetRow, StoreError};
use crate::domain::{MemberId, State};

/// `$1` is the member, `$2` the administrator, `$3` the card itself. An unknown end counts like a change.
pub(super) const AROUND: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where (
            member_id = $1
            and state in ('claimed', 'changing', 'changed', 'delivering')
        )
        or (
            admin_id = $2
            and member_id = $1
            and state = 'offered'
        )
        or (
            admin_id = $2
            and told_at is null
            and claimed_at is not null
            and (finished_at is not null or state = 'undelivered')
        )
        or reset_id = (
            select reset_id
            from reset
            where member_id = $1
                and reset_id <> $3
                and changing_at is not null
                and state <> 'refused'
            order by changing_at desc
            limit 1
        )"
);

/// The other resets that a card depends on.
pub(super) struct Around {
    member: MemberId,
    admin: MemberId,
    others: Vec<ResetRow>,
}

impl Around {
    pub(super) async fn of(tx: &mut Tx, card: &ResetRow) -> Result<Self, StoreError> {
        let (member, admin) = (card.member_id.clone(), card.admin_id.clone());
        let values = params![member, admin, card.reset_id];
        let mut others: Vec<ResetRow> = tx.all(AROUND, values).await?;
        others.retain(|row| row.reset_id != card.reset_id);
        Ok(Self {
            member,
            admin,
            others,
        })
    }

    /// The name of the administrator who is in the middle of another reset of the member.
    pub(super) fn at_work(&self) -> Option<String> {
        self.of_member()
            .find(|row| row.state.is_active())
            .map(|row| row.admin_name.clone())
    }

    /// The newest other reset of the member that changed the password, or may have.
    pub(super) fn newest_change(&self) -> Option<&ResetRow> {
        self.of_member()
            .filter(|row| begun_at(row).is_some())
            .max_by_key(|row| begun_at(row))
    }

    /// The open cards of the same administrator for the same member.
    pub(super) fn open(&self) -> impl Iterator<Item = &ResetRow> {
        self.of_member()
            .filter(|row| row.admin_id == self.admin && row.state == State::Offered)
    }

    /// The administrator's resets that ended, or wait for another way, and that they were not told of.
    pub(super) fn untold(&self) -> Vec<ResetRow> {
        let is_untold = |row: &&ResetRow| {
            row.admin_id == self.admin
                && row.told_at.is_none()
                && row.claimed_at.is_some()
                && (row.finished_at.is_some() || row.state == State::Undelivered)
        };
        self.others.iter().filter(is_untold).cloned().collect()
    }

    fn of_member(&self) -> impl Iterator<Item = &ResetRow> {
        self.others
            .iter()
            .filter(|row| row.member_id == self.member)
    }
}
