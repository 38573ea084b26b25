//! The life of a reset, from the reservation to its end: each move is one write, with its audit line beside it.

use std::sync::Arc;

use super::amend::choose;
use super::ask_contact::contacts_earliest;
use super::clicks::{closed, known_card, set_reply};
use super::earlier::is_disowned;
use super::engine::{Tx, WriteError};
use super::reserve::WORK_DEADLINE;
use super::resets::{self, enter, finish, forget_proposed, newest_change};
use super::steps::{self, StepNote, after_change};
use super::{
    CardClick, Choice, ClickError, ClickRefused, RETRY_BUDGET, Reservation, ResetRow, SealedReply,
    Store, StoreError, audit, replays, slots,
};
use crate::domain::reset::SlotAfter;
use crate::domain::{Denied, Moment, ResetId, Span, State, StepOutcome};

/// A message that shows the password went out.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// When it is to be replaced; none where the platform cannot replace it.
    pub hide_at: Option<Moment>,
    /// False where nobody can say whether it arrived.
    pub is_certain: bool,
}

/// A card that takes over from one whose channel was not ready.
#[derive(Clone, Debug)]
pub struct Successor {
    pub reset_id: ResetId,
    /// The follow-up address, sealed for that id.
    pub reply: Option<SealedReply>,
    pub lifetime: Span,
}

/// Why a move was not made. The caller drops the secret and does nothing more outside.
#[derive(Debug, thiserror::Error)]
pub enum MoveRefused {
    /// Somebody else has moved it, or this process was taken for dead.
    #[error("the reset is no longer ours to move")]
    Fenced,
    /// Nothing could be recorded.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WriteError for MoveRefused {
    fn failure(&self) -> Option<StoreError> {
        match self {
            Self::Fenced => None,
            Self::Store(error) => Some(*error),
        }
    }
}

/// Why the change was not begun. The caller still refuses the reset and tells the administrator.
#[derive(Debug, thiserror::Error)]
pub enum BeginRefused {
    /// The member has disowned a reset of the same administrator meanwhile: it is refused, and its slot came back.
    #[error("the member has disowned a reset of the same administrator")]
    Disowned,
    #[error(transparent)]
    Move(#[from] MoveRefused),
}

impl From<StoreError> for BeginRefused {
    fn from(error: StoreError) -> Self {
        Self::Move(error.into())
    }
}

impl WriteError for BeginRefused {
    fn failure(&self) -> Option<StoreError> {
        match self {
            Self::Disowned => None,
            Self::Move(refused) => refused.failure(),
        }
    }
}

/// A move of a reset by the process that owns it.
#[derive(Clone)]
struct Move {
    id: ResetId,
    owner: String,
    to: State,
    failure: Option<&'static str>,
    steps: Vec<StepNote>,
    shown: Option<Shown>,
    successor: Option<Successor>,
}

impl Move {
    fn new(reservation: &Reservation, to: State, failure: Option<&'static str>) -> Self {
        Self {
            id: reservation.reset_id,
            owner: reservation.owner.clone(),
            to,
            failure,
            steps: Vec::new(),
            shown: None,
            successor: None,
        }
    }

    /// The compare of compare-and-set: state and owner must be what the mover believes.
    async fn row(&self, tx: &mut Tx) -> Result<ResetRow, MoveRefused> {
        resets::find(tx, self.id)
            .await?
            .filter(|row| row.owner.as_ref() == Some(&self.owner))
            .filter(|row| row.state.may_become(self.to))
            .ok_or(MoveRefused::Fenced)
    }
}

impl Store {
    /// Claimed → changing: from now on the password may change. It is tried once, because what was read a moment ago would
    /// grow old.
    pub async fn begin_change(&self, reservation: &Reservation) -> Result<ResetRow, BeginRefused> {
        let next = Move::new(reservation, State::Changing, None);
        self.write(next, begin_change).await
    }

    /// Moves a reset on once its change has begun, with the outcomes that are known at that moment.
    pub async fn advance(
        &self,
        reservation: &Reservation,
        to: State,
        failure: Option<&'static str>,
        steps: Vec<StepNote>,
    ) -> Result<ResetRow, MoveRefused> {
        let next = Move {
            steps,
            ..Move::new(reservation, to, failure)
        };
        self.write_again(RETRY_BUDGET, next, advance).await
    }

    /// Like [`Store::advance`], where a message that shows the password has told the administrator already.
    pub async fn advance_shown(
        &self,
        reservation: &Reservation,
        to: State,
        failure: Option<&'static str>,
        steps: Vec<StepNote>,
        shown: Shown,
    ) -> Result<ResetRow, MoveRefused> {
        let next = Move {
            steps,
            shown: Some(shown),
            ..Move::new(reservation, to, failure)
        };
        self.write_again(RETRY_BUDGET, next, advance).await
    }

    /// Claimed or changing → refused: surely nothing was changed, and the slot comes back.
    pub async fn refuse(
        &self,
        reservation: &Reservation,
        failure: &'static str,
        steps: Vec<StepNote>,
    ) -> Result<(), MoveRefused> {
        let refused = Move {
            steps,
            ..Move::new(reservation, State::Refused, Some(failure))
        };
        self.write_again(RETRY_BUDGET, refused, refuse).await
    }

    /// Like [`Store::refuse`], where a channel was not ready: a successor card under a new id takes over, and another way
    /// can be chosen in the same message.
    pub async fn refuse_for_another(
        &self,
        reservation: &Reservation,
        failure: &'static str,
        successor: Option<Successor>,
    ) -> Result<(), MoveRefused> {
        let refused = Move {
            successor,
            ..Move::new(reservation, State::Refused, Some(failure))
        };
        self.write_again(RETRY_BUDGET, refused, refuse).await
    }

    /// Undelivered → delivering by another way, inside the same reset (Q3): no second slot. `edition` is that of the question
    /// which the click confirms; none where the way was not asked about.
    pub async fn deliver_again(
        &self,
        reservation: &Reservation,
        click: CardClick,
        edition: Option<u16>,
        choice: Choice,
    ) -> Result<ResetRow, ClickError> {
        let next = NextDelivery {
            id: reservation.reset_id,
            owner: reservation.owner.clone(),
            click,
            edition,
            choice,
        };
        self.write(next, deliver_again).await
    }

    /// Recovery: what a dead process left behind gets its name. The row after it, if it was moved.
    pub async fn recover(&self, id: ResetId) -> Result<Option<ResetRow>, StoreError> {
        self.write((id, Arc::clone(&self.owner)), recover).await
    }

    /// Undelivered, and the password was wiped: nothing follows.
    pub async fn give_up_delivery(&self, id: ResetId) -> Result<(), StoreError> {
        self.write(id, async |tx: &mut Tx, id: &ResetId| {
            let found = resets::find(tx, *id).await?;
            if let Some(mut row) = found.filter(ResetRow::is_waiting_for_another_way) {
                finish(&mut row, tx.now());
                audit::note(tx, &row, "delivery", "given_up").await?;
                tx.put(&row).await?;
            }
            Ok::<_, StoreError>(())
        })
        .await
    }
}

async fn begin_change(tx: &mut Tx, next: &Move) -> Result<ResetRow, BeginRefused> {
    let row = next.row(tx).await?;
    let newest = newest_change(tx, &row).await?;
    if is_disowned(newest.as_ref(), &row.admin_id) {
        give_slot_back(tx, row, "disowned").await?;
        return Err(BeginRefused::Disowned);
    }
    replace_earlier(tx, &row).await?;
    Ok(record(tx, next, row).await?)
}

async fn advance(tx: &mut Tx, next: &Move) -> Result<ResetRow, MoveRefused> {
    let row = next.row(tx).await?;
    // A change that has not begun is begun by `begin_change`, which asks first whether the member said no.
    if row.changing_at.is_none() {
        return Err(MoveRefused::Fenced);
    }
    Ok(record(tx, next, row).await?)
}

/// Writes the move.
async fn record(tx: &mut Tx, next: &Move, mut row: ResetRow) -> Result<ResetRow, StoreError> {
    enter(&mut row, next.to, tx.now());
    row.failure = next.failure.map(str::to_owned);
    if let Some(Shown {
        hide_at,
        is_certain,
    }) = next.shown
    {
        row.hide_at = hide_at;
        row.told_at = is_certain.then_some(tx.now());
    }
    if next.to == State::Undelivered {
        drop_copy(&mut row);
    }
    steps::note(tx, next.id, &next.steps).await?;
    audit::note(tx, &row, "reset", next.to.as_str()).await?;
    tx.put(&row).await?;
    Ok(row)
}

/// The copy was refused, too. It is not tried again: it would keep back every other way while the mail server is down.
fn drop_copy(row: &mut ResetRow) {
    if row.copy_to_self.take().is_some()
        && let Some(digest) = row.copy_digest.take()
    {
        keep_typed(row, &digest);
    }
    row.copy_address = None;
}

async fn refuse(tx: &mut Tx, refused: &Move) -> Result<(), MoveRefused> {
    let row = refused.row(tx).await?;
    if let Some(successor) = &refused.successor {
        let earliest = contacts_earliest(tx, &row.member_id).await?;
        let next = successor_row(&row, successor, earliest, tx.now());
        audit::note(tx, &next, "successor", "offered").await?;
        tx.insert(&next).await?;
    }
    steps::note(tx, refused.id, &refused.steps).await?;
    give_slot_back(tx, row, refused.failure.unwrap_or_default()).await?;
    Ok(())
}

/// A delivery by another way.
struct NextDelivery {
    id: ResetId,
    owner: String,
    click: CardClick,
    edition: Option<u16>,
    choice: Choice,
}

async fn deliver_again(tx: &mut Tx, next: &NextDelivery) -> Result<ResetRow, ClickError> {
    let NextDelivery {
        id,
        owner,
        click,
        edition,
        choice,
    } = next;
    let mut row = known_card(tx, click, "deliver_again").await?;
    let is_ours = row.reset_id == *id
        && row.owner.as_ref() == Some(owner)
        && row.is_waiting_for_another_way();
    let active_admin = resets::active_admin(tx, &row.member_id, Some(*id)).await?;
    let refused = if let Some(admin_name) = active_admin {
        Some(ClickRefused::Denied(Denied::Busy { admin_name }))
    } else if !is_ours {
        Some(closed(&row).unwrap_or(ClickRefused::InProgress))
    } else if row.disowned_at.is_some() {
        Some(ClickRefused::Denied(Denied::Disowned))
    } else {
        // Another way was asked about since.
        edition
            .filter(|edition| *edition != row.edition || row.proposed.is_none())
            .map(|_| ClickRefused::Stale)
    };
    if let Some(refused) = refused {
        audit::note_refused(tx, &row, "deliver_again", refused.code()).await?;
        replays::free(tx, &click.replay).await?;
        return Err(refused.into());
    }
    enter(&mut row, State::Delivering, tx.now());
    row.deadline_at = Some(tx.now() + WORK_DEADLINE);
    (row.failure, row.told_at) = (None, None);
    go_another_way(&mut row, choice);
    forget_proposed(&mut row);
    // What the first way came to says nothing of this one.
    let unknown = |step| StepNote {
        step,
        outcome: StepOutcome::Unknown,
        detail: None,
    };
    let outputs: Vec<StepNote> = row.outputs().into_iter().map(unknown).collect();
    steps::note(tx, *id, &outputs).await?;
    set_reply(&mut row, click.follow_up.as_ref());
    audit::note(tx, &row, "deliver_again", "delivering").await?;
    tx.put(&row).await?;
    Ok(row)
}

async fn recover(
    tx: &mut Tx,
    (id, us): &(ResetId, Arc<str>),
) -> Result<Option<ResetRow>, StoreError> {
    let Some(mut row) = resets::find(tx, *id).await? else {
        return Ok(None);
    };
    let is_given_up = row.state.is_active() && row.is_given_up(tx.now());
    match row.state.recovered() {
        // It went on since somebody saw it left behind.
        _ if row.owner.as_deref() == Some(us) && !is_given_up => return Ok(None),
        Some((state, slot)) => {
            enter(&mut row, state, tx.now());
            row.failure = Some("process_died".to_owned());
            if slot == SlotAfter::Returned {
                slots::give_back(tx, &row).await?;
            }
            if state == State::Unknown {
                steps::note(tx, *id, &after_change()).await?;
            }
        }
        // The password that could have been delivered another way died with the process.
        None if row.is_waiting_for_another_way() => finish(&mut row, tx.now()),
        None => return Ok(None),
    }
    audit::note(tx, &row, "recovery", row.state.as_str()).await?;
    tx.put(&row).await?;
    Ok(Some(row))
}

/// The password of an earlier reset that is still waiting for another way is about to die: it must not be delivered.
async fn replace_earlier(tx: &mut Tx, newer: &ResetRow) -> Result<(), StoreError> {
    let earlier = resets::waiting(tx, &newer.member_id).await?;
    for mut row in earlier {
        finish(&mut row, tx.now());
        audit::note(tx, &row, "replaced", row.state.as_str()).await?;
        tx.put(&row).await?;
    }
    Ok(())
}

/// Refused, with the slot given back.
async fn give_slot_back(tx: &mut Tx, mut row: ResetRow, failure: &str) -> Result<(), StoreError> {
    enter(&mut row, State::Refused, tx.now());
    row.failure = Some(failure.to_owned());
    slots::give_back(tx, &row).await?;
    audit::note(tx, &row, "reset", "refused").await?;
    tx.put(&row).await
}

impl ResetRow {
    /// The record as it will be if the password goes this way, after one that failed.
    #[must_use]
    pub fn on_another_way(&self, choice: &Choice) -> Self {
        let mut row = self.clone();
        go_another_way(&mut row, choice);
        row
    }
}

/// Sets the next way, after a delivery that failed.
fn go_another_way(row: &mut ResetRow, choice: &Choice) {
    note_typed(row);
    choose(row, choice);
}

/// A typed address that was tried gets no code, also when another way is chosen after it (S41).
fn note_typed(row: &mut ResetRow) {
    if row.is_typed
        && let Some(digest) = row.destination_digest.clone()
    {
        keep_typed(row, &digest);
    }
}

/// Keeps the digest of an address of an earlier way.
fn keep_typed(row: &mut ResetRow, digest: &str) {
    let earlier = row
        .typed_digests
        .take()
        .map(|earlier| format!("{earlier} "))
        .unwrap_or_default();
    row.typed_digests = Some(format!("{earlier}{digest}"));
}

/// A new card for the same member. What belongs to the reset of the old one is not taken over, and the copy and the showing
/// are off at first (S27, S38). No contact from before `earliest` counts at once.
fn successor_row(row: &ResetRow, successor: &Successor, earliest: Moment, now: Moment) -> ResetRow {
    let reply = successor.reply.as_ref();
    ResetRow {
        member_chat_user: row.member_chat_user.clone(),
        reason: row.reason.clone(),
        copy_address: row.copy_address.clone(),
        copy_digest: row.copy_digest.clone(),
        reachable_at: row.reachable_at,
        seen_reset_id: row.seen_reset_id,
        contacts_since: Some(row.contacts_from().max(earliest)),
        reply: reply.map(|reply| reply.sealed.clone()),
        reply_until: reply.map(|reply| reply.until),
        ..ResetRow::offered(
            successor.reset_id,
            row.requester(),
            (row.admin(), row.member()),
            (now, now + successor.lifetime),
        )
    }
}
