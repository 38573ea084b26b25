//! Commands that make no card: what is written down of them, and what the administrator has not heard yet.

use super::engine::{Table, Tx, params, sql};
use super::tries::Tries;
use super::{AuditRow, ReplayKey, ResetRow, Store, StoreError, replays, resets, slots};
use crate::domain::look_up::{TooMany, Tried, may_command};
use crate::domain::quota::Limit;
use crate::domain::{MemberId, Quota, ResetId};

/// Resets of an administrator that ended, or wait for another way, and that they were not told of.
pub(super) const UNTOLD: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where admin_id = $1
        and told_at is null
        and claimed_at is not null
        and (finished_at is not null or state = 'undelivered')"
);

pub(super) const SET_TOLD: &str = "
    update reset
    set told_at = $2
    where reset_id = $1";

pub(super) const SET_UNTOLD: &str = "
    update reset
    set told_at = null
    where reset_id = $1";

/// What became of a command that makes no card.
#[derive(Clone, Debug)]
pub enum Noted<T> {
    /// The same bytes were seen before.
    Replayed,
    /// It was a look-up too many, and is written down as that.
    TooMany {
        too_many: TooMany,
        /// See [`Noted::Done`].
        untold: Vec<ResetRow>,
    },
    Done {
        found: T,
        /// Earlier resets of this administrator whose end they have not heard yet; now marked as told.
        untold: Vec<ResetRow>,
    },
}

impl<T> Noted<T> {
    /// True where the same bytes were seen before.
    pub fn is_replayed(&self) -> bool {
        matches!(self, Self::Replayed)
    }
}

impl Store {
    /// Writes down that a click or a form was refused and no card is known. It frees the key of a form. False for a replay.
    pub async fn note_refusal(
        &self,
        replay: ReplayKey,
        audit: AuditRow,
    ) -> Result<bool, StoreError> {
        self.write(
            (replay, audit),
            async |tx: &mut Tx, (replay, audit): &(ReplayKey, AuditRow)| {
                let noted = note(tx, replay, audit, None).await?;
                if !noted.is_replayed() {
                    replays::free(tx, replay).await?;
                }
                Ok::<_, StoreError>(!noted.is_replayed())
            },
        )
        .await
    }

    /// Writes down a command that makes no card: a refusal, a help text, a look into the log. As a look-up it counts for
    /// the administrator of the audit line.
    pub async fn note(
        &self,
        replay: ReplayKey,
        audit: AuditRow,
        tried: Option<Tried>,
    ) -> Result<Noted<()>, StoreError> {
        self.write(
            (replay, audit, tried),
            async |tx: &mut Tx, (replay, audit, tried): &(ReplayKey, AuditRow, Option<Tried>)| {
                note(tx, replay, audit, *tried).await
            },
        )
        .await
    }

    /// A message with these results was not accepted: they are told at the next command, or sooner.
    pub async fn untell(
        &self,
        results: &[ResetId],
        audit: Option<AuditRow>,
    ) -> Result<(), StoreError> {
        self.write(
            (results.to_vec(), audit),
            async |tx: &mut Tx, (results, audit): &(Vec<ResetId>, Option<AuditRow>)| {
                for id in results {
                    tx.run(SET_UNTOLD, params![id]).await?;
                }
                if let Some(audit) = audit {
                    let line = AuditRow {
                        noted_at: tx.now(),
                        ..audit.clone()
                    };
                    tx.insert(&line).await?;
                }
                Ok::<_, StoreError>(())
            },
        )
        .await
    }

    /// Writes down that somebody asks for their quota of resets, and tells it, with who else is resetting this member. It
    /// counts as a look-up.
    pub async fn note_standing(
        &self,
        replay: ReplayKey,
        audit: AuditRow,
        admin: &MemberId,
        member: &MemberId,
    ) -> Result<Noted<(Quota, Option<String>)>, StoreError> {
        let audit = AuditRow {
            admin_id: Some(admin.clone()),
            ..audit
        };
        self.write(
            (replay, audit, admin.clone(), member.clone(), self.limit),
            note_with_quota,
        )
        .await
    }
}

async fn note(
    tx: &mut Tx,
    replay: &ReplayKey,
    audit: &AuditRow,
    tried: Option<Tried>,
) -> Result<Noted<()>, StoreError> {
    if !replays::take(tx, replay).await? {
        return Ok(Noted::Replayed);
    }
    let mut audit = AuditRow {
        noted_at: tx.now(),
        ..audit.clone()
    };
    let Some(admin) = audit.admin_id.clone() else {
        tx.insert(&audit).await?;
        return Ok(Noted::Done {
            found: (),
            untold: Vec::new(),
        });
    };
    let untold = take_untold(tx, &admin).await?;
    if let Some(tried) = tried {
        let mut tries = Tries::of(tx, &admin).await?;
        if let Err(too_many) = may_command(&tries.list(), tx.now()) {
            too_many.code().clone_into(&mut audit.outcome);
            tx.insert(&audit).await?;
            return Ok(Noted::TooMany { too_many, untold });
        }
        tries.count(tx, replay.counted_as(), tried).await?;
    }
    tx.insert(&audit).await?;
    Ok(Noted::Done { found: (), untold })
}

async fn note_with_quota(
    tx: &mut Tx,
    (replay, audit, admin, member, limit): &(ReplayKey, AuditRow, MemberId, MemberId, Limit),
) -> Result<Noted<(Quota, Option<String>)>, StoreError> {
    Ok(match note(tx, replay, audit, Some(Tried::LookUp)).await? {
        Noted::Replayed => Noted::Replayed,
        Noted::TooMany { too_many, untold } => Noted::TooMany { too_many, untold },
        Noted::Done { found: (), untold } => {
            let taken = slots::taken(tx, admin, *limit).await?;
            let quota = limit.measure(&taken, tx.now());
            let at_work = resets::at_work(tx, member, None).await?;
            Noted::Done {
                found: (quota, at_work),
                untold,
            }
        }
    })
}

/// Resets whose end the administrator has not heard, or that wait for another way without their knowing; they are told
/// in this answer.
async fn take_untold(tx: &mut Tx, admin: &MemberId) -> Result<Vec<ResetRow>, StoreError> {
    let untold: Vec<ResetRow> = tx.all(UNTOLD, params![admin]).await?;
    set_told(tx, &untold).await?;
    Ok(untold)
}

/// Marks these as told. Whose password still waits hears of it again, until its buttons have come.
pub(super) async fn set_told(tx: &mut Tx, untold: &[ResetRow]) -> Result<(), StoreError> {
    for row in untold.iter().filter(|row| row.finished_at.is_some()) {
        let now = tx.now();
        tx.run(SET_TOLD, params![row.reset_id, now]).await?;
    }
    Ok(())
}
