//! The life of a reset on disk, from the slot to its end: every move is one decision of the writer, with its audit line
//! beside it.

use std::sync::Arc;
use std::time::Duration;

use super::cards::{
    CardClick, Choice, ClickRefused, SealedReply, at_work, closed, earlier, is_disowned,
    known_card, open_card, overtaken,
};
use super::moves::{answer_at, choose, enter, finish, line, note_typed};
use super::rows::{ResetRow, StepRow};
use super::writer::{Keys, Page};
use super::{MOVE_PATIENCE, Store, StoreError};
use crate::domain::reset::SlotAfter;
use crate::domain::{
    Carries, Denied, MemberId, Moment, Permit, Quota, ResetId, Span, State, Step, StepOutcome,
};

/// How long one process may be at work on a reset; after that another replica may take it for dead.
const WORK_DEADLINE: Span = Span::seconds(120);

/// Proof that the slot is taken and the intent is on disk. Only [`Store::reserve`] makes one.
#[derive(Debug)]
pub struct Reservation {
    reset_id: ResetId,
    owner: String,
    admin: MemberId,
    member: MemberId,
}

impl Reservation {
    /// The reset.
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

/// How one step ended, to be recorded.
#[derive(Clone, Debug)]
pub struct StepNote {
    /// Which.
    pub step: Step,
    /// How.
    pub outcome: StepOutcome,
    /// A short word for why.
    pub detail: Option<&'static str>,
}

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
    /// Its fresh id.
    pub reset_id: ResetId,
    /// The follow-up address, sealed for that id.
    pub reply: Option<SealedReply>,
    /// How long it works.
    pub lifetime: Span,
}

/// Why a move was not made. In every case: drop the secret and stop.
#[derive(Debug, thiserror::Error)]
pub enum MoveRefused {
    /// Somebody else has moved it, or this process was taken for dead.
    #[error("the reset is no longer ours to move")]
    Fenced,
    /// The member has disowned a reset of the same administrator meanwhile: it is refused, and its slot came back.
    #[error("the member has disowned a reset of the same administrator")]
    Disowned,
    /// Nothing could be recorded.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// The confirming click: replay key, requester, age, limit, no other reset of the member, slot, audit — in one
    /// transaction. After it the click may be acknowledged (P1, P2).
    pub async fn reserve(
        &self,
        permit: Permit,
        edition: Option<u16>,
        click: CardClick,
    ) -> Result<Result<(Reservation, ResetRow, Quota), ClickRefused>, StoreError> {
        let (person, member) = (Some(permit.admin().clone()), Some(permit.member().clone()));
        let keys = Keys {
            person,
            member,
            ..click.keys()
        };
        let owner = self.owner().to_owned();
        self.write(keys, move |page, now| {
            let mut row = open_card(page, &click, "confirm", now)?;
            let id = row.reset_id;
            let quota = page.quota(&row.admin_id, now);
            let is_stale = edition != Some(row.edition);
            let refused = may_not_start(page, &row, &permit, quota)
                .or_else(|| overtaken(page, &mut row).map(ClickRefused::Overtaken))
                .or_else(|| is_stale.then(|| ClickRefused::Stale(earlier(page, &row, now))));
            if let Some(refused) = refused {
                page.audit(line(&row, "confirm", refused.code(), None, now));
                if matches!(refused, ClickRefused::Overtaken(_)) {
                    answer_at(&mut row, click.follow_up);
                    page.put(row);
                }
                return Err(refused);
            }
            enter(&mut row, State::Claimed, now);
            (row.owner, row.deadline_at) = (Some(owner.clone()), Some(now + WORK_DEADLINE));
            answer_at(&mut row, click.follow_up);
            page.take_slot(id, row.admin_id.clone(), now);
            page.audit(line(&row, "confirm", "claimed", None, now));
            page.put(row.clone());
            let reservation = Reservation {
                reset_id: id,
                owner,
                admin: row.admin_id.clone(),
                member: row.member_id.clone(),
            };
            let after = page.quota(&row.admin_id, now);
            Ok((reservation, row, after))
        })
        .await
    }

    /// Moves a reset on, with the outcomes that are known at that moment.
    pub async fn advance(
        &self,
        reservation: &Reservation,
        to: State,
        failure: Option<&'static str>,
        steps: Vec<StepNote>,
    ) -> Result<ResetRow, MoveRefused> {
        self.step_to(reservation, to, failure, steps, None).await
    }

    /// The same where the administrator was told with the delivery itself, in a message that shows the password.
    pub async fn advance_shown(
        &self,
        reservation: &Reservation,
        to: State,
        failure: Option<&'static str>,
        steps: Vec<StepNote>,
        shown: Shown,
    ) -> Result<ResetRow, MoveRefused> {
        self.step_to(reservation, to, failure, steps, Some(shown))
            .await
    }

    async fn step_to(
        &self,
        reservation: &Reservation,
        to: State,
        failure: Option<&'static str>,
        steps: Vec<StepNote>,
        shown: Option<Shown>,
    ) -> Result<ResetRow, MoveRefused> {
        let (id, owner) = (reservation.reset_id, reservation.owner.clone());
        let member = (to == State::Changing).then(|| reservation.member.clone());
        let keys = || Keys {
            reset: Some(id),
            member: member.clone(),
            ..Keys::default()
        };
        // Before the change nothing has happened outside, and what was read a moment ago would grow old.
        let patience = if to == State::Changing {
            Duration::ZERO
        } else {
            MOVE_PATIENCE
        };
        self.write_move(patience, keys, move |page, now| {
            let mut row = ours(page, id, &owner, to).ok_or(MoveRefused::Fenced)?;
            if to == State::Changing && is_disowned(page, &row) {
                give_slot_back(page, row, "disowned", now);
                return Err(MoveRefused::Disowned);
            }
            enter(&mut row, to, now);
            row.failure = failure.map(str::to_owned);
            if to == State::Changing {
                replace_earlier(page, &row, now);
            }
            if let Some(Shown {
                hide_at,
                is_certain,
            }) = shown
            {
                row.hide_at = hide_at;
                row.told_at = is_certain.then_some(now);
            }
            note_steps(page, id, steps, now);
            page.audit(line(&row, "reset", to.as_str(), None, now));
            page.put(row.clone());
            Ok(row)
        })
        .await?
    }

    /// Claimed or changing → refused: surely nothing was changed, and the slot comes back.
    pub async fn refuse(
        &self,
        reservation: &Reservation,
        failure: &'static str,
        steps: Vec<StepNote>,
    ) -> Result<(), MoveRefused> {
        self.give_back(reservation, failure, steps, None).await
    }

    /// The same where a channel was not ready: a successor card under a new id takes over, so that another way can be
    /// chosen in the same message (section 3).
    pub async fn refuse_for_another(
        &self,
        reservation: &Reservation,
        failure: &'static str,
        successor: Option<Successor>,
    ) -> Result<(), MoveRefused> {
        self.give_back(reservation, failure, Vec::new(), successor)
            .await
    }

    async fn give_back(
        &self,
        reservation: &Reservation,
        failure: &'static str,
        steps: Vec<StepNote>,
        successor: Option<Successor>,
    ) -> Result<(), MoveRefused> {
        let (id, owner) = (reservation.reset_id, reservation.owner.clone());
        let admin = reservation.admin.clone();
        let keys = || Keys {
            reset: Some(id),
            person: Some(admin.clone()),
            ..Keys::default()
        };
        let moved = self
            .write_move(MOVE_PATIENCE, keys, move |page, now| {
                let row = ours(page, id, &owner, State::Refused)?;
                if let Some(successor) = successor {
                    let next = successor_row(&row, successor, now);
                    page.audit(line(&next, "successor", "offered", None, now));
                    page.put(next);
                }
                note_steps(page, id, steps, now);
                give_slot_back(page, row, failure, now);
                Some(())
            })
            .await?;
        moved.ok_or(MoveRefused::Fenced)
    }

    /// Undelivered → delivering by another way, inside the same reset (Q3): no second slot.
    pub async fn deliver_again(
        &self,
        reservation: &Reservation,
        click: CardClick,
        choice: Choice,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        let (id, owner) = (reservation.reset_id, reservation.owner.clone());
        let keys = Keys {
            member: Some(reservation.member.clone()),
            ..click.keys()
        };
        self.write(keys, move |page, now| {
            let mut row = known_card(page, &click, "deliver_again", now)?;
            if let Some(admin_name) = at_work(page, &row.member_id, id) {
                let refused = ClickRefused::Denied(Denied::Busy { admin_name });
                page.audit(line(&row, "deliver_again", refused.code(), None, now));
                return Err(refused);
            }
            if row.reset_id != id
                || row.owner.as_ref() != Some(&owner)
                || row.state != State::Undelivered
                || row.finished_at.is_some()
            {
                let refused = closed(&row).unwrap_or(ClickRefused::InProgress);
                page.audit(line(&row, "deliver_again", refused.code(), None, now));
                return Err(refused);
            }
            if row.disowned_at.is_some() {
                let refused = ClickRefused::Denied(Denied::Disowned);
                page.audit(line(&row, "deliver_again", refused.code(), None, now));
                return Err(refused);
            }
            enter(&mut row, State::Delivering, now);
            row.deadline_at = Some(now + WORK_DEADLINE);
            (row.failure, row.told_at) = (None, None);
            note_typed(&mut row);
            choose(&mut row, &choice);
            // What the first way came to says nothing of this one.
            let unknown = |step| StepNote {
                step,
                outcome: StepOutcome::Unknown,
                detail: None,
            };
            note_steps(
                page,
                id,
                row.outputs().into_iter().map(unknown).collect(),
                now,
            );
            answer_at(&mut row, click.follow_up);
            page.audit(line(&row, "deliver_again", "delivering", None, now));
            page.put(row.clone());
            Ok(row)
        })
        .await
    }

    /// Recovery (section 3): what a dead process left behind gets its name. The row after it, if it was moved.
    pub async fn recover(&self, id: ResetId) -> Result<Option<ResetRow>, StoreError> {
        let keys = Keys {
            reset: Some(id),
            ..Keys::default()
        };
        let us = Arc::clone(&self.owner);
        self.write(keys, move |page, now| {
            let mut row = page.reset(id)?;
            let is_given_up = row.state.is_active() && row.is_given_up(now);
            match row.state.recovered() {
                // It went on since somebody saw it left behind.
                _ if row.owner.as_deref() == Some(&us) && !is_given_up => return None,
                Some((state, slot)) => {
                    enter(&mut row, state, now);
                    row.failure = Some("process_died".to_owned());
                    if slot == SlotAfter::Returned {
                        page.return_slot(&row, now);
                    }
                    if state == State::Unknown {
                        note_steps(page, id, after_change(), now);
                    }
                    page.audit(line(&row, "recovery", state.as_str(), None, now));
                }
                // The password that could have been delivered another way died with the process.
                None if row.is_waiting_for_another_way() => finish(&mut row, now),
                None => return None,
            }
            page.put(row.clone());
            Some(row)
        })
        .await
    }

    /// Undelivered, and the password was wiped: nothing follows.
    pub async fn give_up_delivery(&self, id: ResetId) -> Result<(), StoreError> {
        self.touch(id, |row, now| {
            if row.state == State::Undelivered {
                finish(row, now);
            }
        })
        .await
    }

    /// What came of something that was done instead of a reset, such as the guide.
    pub async fn note_outcome(
        &self,
        id: ResetId,
        event: &'static str,
        outcome: &'static str,
    ) -> Result<(), StoreError> {
        let keys = Keys {
            reset: Some(id),
            ..Keys::default()
        };
        self.write(keys, move |page, now| {
            if let Some(row) = page.reset(id) {
                page.audit(line(&row, event, outcome, None, now));
            }
        })
        .await
    }

    /// Outcomes of steps that follow the reset, such as the sign-out and the notice.
    pub async fn note_steps(&self, id: ResetId, steps: Vec<StepNote>) -> Result<(), StoreError> {
        self.write(Keys::default(), move |page, now| {
            note_steps(page, id, steps, now)
        })
        .await
    }

    /// The administrator was told how it ended.
    pub async fn told(&self, id: ResetId) -> Result<(), StoreError> {
        self.touch(id, |row, now| row.told_at = Some(now)).await
    }

    /// The message that showed the password was replaced, or can no longer be.
    pub async fn hidden(&self, id: ResetId) -> Result<(), StoreError> {
        self.touch(id, |row, _| row.hide_at = None).await
    }

    /// The administrator has heard of a reset as it stood in this row; what became of it since is not told by that.
    pub async fn told_as(&self, told: &ResetRow) -> Result<(), StoreError> {
        let (state, edition) = (told.state, told.edition);
        self.touch(told.reset_id, move |row, now| {
            if (row.state, row.edition) == (state, edition) {
                row.told_at = Some(now);
            }
        })
        .await
    }

    /// Erases the sealed follow-up address.
    pub async fn forget_reply(&self, id: ResetId) -> Result<(), StoreError> {
        self.touch(id, |row, _| (row.reply, row.reply_until) = (None, None))
            .await
    }

    async fn touch(
        &self,
        id: ResetId,
        change: impl FnOnce(&mut ResetRow, Moment) + Send + 'static,
    ) -> Result<(), StoreError> {
        let keys = Keys {
            reset: Some(id),
            ..Keys::default()
        };
        self.write(keys, move |page, now| {
            if let Some(mut row) = page.reset(id) {
                change(&mut row, now);
                page.put(row);
            }
        })
        .await
    }
}

/// The compare of compare-and-set: state and owner must be what the mover believes.
fn ours(page: &Page, id: ResetId, owner: &str, to: State) -> Option<ResetRow> {
    page.reset(id)
        .filter(|row| row.owner.as_deref() == Some(owner) && row.state.may_become(to))
}

/// What stands against starting, asked under the writer's lock.
fn may_not_start(
    page: &Page,
    row: &ResetRow,
    permit: &Permit,
    quota: Quota,
) -> Option<ClickRefused> {
    if *permit.admin() != row.admin_id || *permit.member() != row.member_id {
        return Some(ClickRefused::NoSuchCard);
    }
    if row.delivery.is_none() {
        return Some(ClickRefused::NothingChosen);
    }
    if let Some(admin_name) = at_work(page, &row.member_id, row.reset_id) {
        return Some(ClickRefused::Denied(Denied::Busy { admin_name }));
    }
    if is_disowned(page, row) {
        return Some(ClickRefused::Denied(Denied::Disowned));
    }
    (quota.left == 0).then_some(ClickRefused::Denied(Denied::Limit(quota)))
}

/// The password of an earlier reset that is still waiting for another way is about to die: it must not be delivered.
fn replace_earlier(page: &mut Page, newer: &ResetRow, now: Moment) {
    let waits = |row: &&ResetRow| {
        row.member_id == newer.member_id
            && row.reset_id != newer.reset_id
            && row.is_waiting_for_another_way()
    };
    let earlier: Vec<ResetRow> = page.resets().filter(waits).cloned().collect();
    for mut row in earlier {
        finish(&mut row, now);
        page.audit(line(&row, "replaced", row.state.as_str(), None, now));
        page.put(row);
    }
}

/// Refused, with the slot given back.
fn give_slot_back(page: &mut Page, mut row: ResetRow, failure: &str, now: Moment) {
    enter(&mut row, State::Refused, now);
    row.failure = Some(failure.to_owned());
    page.return_slot(&row, now);
    page.audit(line(&row, "reset", "refused", None, now));
    page.put(row);
}

/// What is still to do for the member after a password was changed, or may have been.
pub fn after_change() -> Vec<StepNote> {
    let pending = |step| StepNote {
        step,
        outcome: StepOutcome::Pending,
        detail: None,
    };
    vec![pending(Step::SignOut), pending(Step::Notice)]
}

fn note_steps(page: &mut Page, reset_id: ResetId, steps: Vec<StepNote>, noted_at: Moment) {
    for StepNote {
        step,
        outcome,
        detail,
    } in steps
    {
        page.note_step(StepRow {
            reset_id,
            step,
            outcome,
            detail: detail.map(str::to_owned),
            noted_at,
        });
    }
}

fn successor_row(row: &ResetRow, successor: Successor, now: Moment) -> ResetRow {
    let Successor {
        reset_id,
        reply,
        lifetime,
    } = successor;
    ResetRow {
        reset_id,
        state: State::Offered,
        edition: 0,
        delivery: None,
        destination: None,
        destination_mask: None,
        is_typed: false,
        carries: Carries::Password,
        // S27, S38: off at first, also on a card that follows another.
        copy_to_self: None,
        also_show: false,
        reply_until: reply.as_ref().map(|reply| reply.until),
        reply: reply.map(|reply| reply.sealed),
        owner: None,
        deadline_at: None,
        failure: None,
        offered_at: now,
        expires_at: now + lifetime,
        claimed_at: None,
        changing_at: None,
        told_at: None,
        disowned_at: None,
        link_used_at: None,
        copy_mask: None,
        seen_reset_id: row.seen_reset_id,
        destination_digest: None,
        typed_digests: None,
        ..row.clone()
    }
}
