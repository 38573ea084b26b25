//! Commands that make no card: what is written down of them, and what the administrator has not heard yet.

use super::engine::{Table, Tx, params, sql};
use super::tries::Tries;
use super::{
    AuditRow, Earlier, ReplayKey, ResetRow, Store, StoreError, not_me, replays, resets, slots, told,
};
use crate::domain::look_up::{TooMany, Tried, may_command};
use crate::domain::quota::Limit;
use crate::domain::{LogLine, MemberId, Quota, ResetId};

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

pub(super) const SET_UNTOLD: &str = "
    update reset
    set told_at = null
    where reset_id = $1";

/// Results, what members said with who heard it, and a line for the audit.
type Untold = (Vec<ResetId>, Vec<(ResetId, MemberId)>, Option<AuditRow>);

/// What an administrator is told of a member whom they could reset.
#[derive(Clone, Debug)]
pub struct Why {
    /// The administrator's own.
    pub quota: Quota,
    /// The full name of another administrator who is resetting the member.
    pub busy: Option<String>,
    /// The member's last reset, if they said that they did not ask for it; and whether this administrator made it.
    pub disowned: Option<(Earlier, bool)>,
}

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

    /// A message with these results was not accepted: they are told at the next command, or sooner. The same for what
    /// members said of these resets.
    pub async fn untell(
        &self,
        results: &[ResetId],
        heard: &[(ResetId, MemberId)],
        audit: Option<AuditRow>,
    ) -> Result<(), StoreError> {
        self.write(
            (results.to_vec(), heard.to_vec(), audit),
            async |tx: &mut Tx, (results, heard, audit): &Untold| {
                for id in results {
                    tx.run(SET_UNTOLD, params![id]).await?;
                }
                for (id, person) in heard {
                    tx.run(not_me::FORGET_HEARD, params![id, person]).await?;
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

    /// Writes down that somebody asks for their quota of resets, and tells it, with what else stands against a reset of this
    /// member. It counts as a look-up.
    pub async fn record_why(
        &self,
        replay: ReplayKey,
        audit: AuditRow,
        admin: &MemberId,
        member: &MemberId,
    ) -> Result<Noted<Why>, StoreError> {
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
            tx.insert(&audit.in_log(LogLine::Refused)).await?;
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
) -> Result<Noted<Why>, StoreError> {
    Ok(match note(tx, replay, audit, Some(Tried::LookUp)).await? {
        Noted::Replayed => Noted::Replayed,
        Noted::TooMany { too_many, untold } => Noted::TooMany { too_many, untold },
        Noted::Done { found: (), untold } => {
            let taken = slots::taken(tx, admin, *limit).await?;
            let quota = limit.measure(&taken, tx.now());
            let busy = resets::active_admin(tx, member, None).await?;
            let disowned = disowned_reset(tx, admin, member).await?;
            let found = Why {
                quota,
                busy,
                disowned,
            };
            Noted::Done { found, untold }
        }
    })
}

/// The member's last reset, if they said that they did not ask for it, and whether this administrator made it.
async fn disowned_reset(
    tx: &mut Tx,
    admin: &MemberId,
    member: &MemberId,
) -> Result<Option<(Earlier, bool)>, StoreError> {
    let newest: Option<ResetRow> = tx.maybe(resets::NEWEST_CHANGE, params![member, ""]).await?;
    let disowned = newest.filter(|row| row.disowned_at.is_some());
    Ok(disowned.and_then(|row| Some((Earlier::of(&row, admin, None)?, row.admin_id == *admin))))
}

/// Resets whose end the administrator has not heard, or that wait for another way without their knowing; they are told
/// in this answer.
async fn take_untold(tx: &mut Tx, admin: &MemberId) -> Result<Vec<ResetRow>, StoreError> {
    let untold: Vec<ResetRow> = tx.all(UNTOLD, params![admin]).await?;
    set_told(tx, &untold).await?;
    Ok(untold)
}

/// Marks these as told. One that waits for another way stays untold until a message with its buttons was accepted.
pub(super) async fn set_told(tx: &mut Tx, untold: &[ResetRow]) -> Result<(), StoreError> {
    for row in untold.iter().filter(|row| row.finished_at.is_some()) {
        let now = tx.now();
        tx.run(told::SET_TOLD, params![row.reset_id, now]).await?;
    }
    Ok(())
}
