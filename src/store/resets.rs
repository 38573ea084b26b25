//! The life of a reset on disk: every move is one decision of the writer, with its audit line beside it.

use super::rows::{AuditRow, ResetRow, StepRow};
use super::writer::{CAREFUL_FOR, Keys, Page};
use super::{Store, StoreError};
use crate::domain::reset::SlotAfter;
use crate::domain::{
    ChatUser, Delivery, Denied, Destination, EmailAddress, Member, MemberId, Moment, Permit, Quota, Reference, ResetId,
    Span, State, Step, StepOutcome,
};

/// How long one process may be at work on a reset; after that another replica may take it for dead.
const WORK_DEADLINE: Span = Span::seconds(120);

/// The key under which a signed request is remembered: the same bytes again have the same key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReplayKey(pub String);

/// A sealed follow-up address and how long it works.
#[derive(Clone, Debug)]
pub struct SealedReply {
    /// What only our key opens.
    pub sealed: String,
    /// When the platform stops accepting it.
    pub until: Moment,
}

/// What a new card is made of.
#[derive(Clone, Debug)]
pub struct NewOffer {
    /// A fresh random id.
    pub reset_id: ResetId,
    /// Who asked, in the chat.
    pub requester: ChatUser,
    /// Who asked, in the directory.
    pub admin: Member,
    /// Whose password.
    pub member: Member,
    /// The member's account in the chat, where they were named by a mention.
    pub member_chat_user: Option<String>,
    /// What was written behind the name.
    pub reason: Option<String>,
    /// Where follow-ups go.
    pub reply: Option<SealedReply>,
    /// How long the card works.
    pub lifetime: Span,
}

/// A card was recorded.
#[derive(Clone, Debug)]
pub struct Offered {
    /// When it stops working.
    pub expires_at: Moment,
    /// Where the administrator stands.
    pub quota: Quota,
    /// The member's last reset of the past 24 h.
    pub earlier: Option<Earlier>,
}

/// A reset of the same member not long ago.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// When the password was changed.
    pub changed_at: Moment,
    /// By whom.
    pub admin_name: String,
}

/// What the store answers to a try that has no card: whether it counts, and what is still to be told.
#[derive(Clone, Debug)]
pub struct Noted<T> {
    /// The decision.
    pub decided: T,
    /// Earlier resets of this administrator whose end they have not heard yet; now marked as told.
    pub untold: Vec<ResetRow>,
}

/// Why a click does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClickRefused {
    /// The same bytes were seen before.
    Replayed,
    /// No such card.
    NoSuchCard,
    /// Somebody else's card.
    NotYours {
        /// The full name of its owner.
        admin_name: String,
    },
    /// The card is too old.
    Expired,
    /// A newer card took its place.
    Superseded,
    /// It was cancelled, or the guide was sent.
    Cancelled,
    /// It is being worked on.
    InProgress,
    /// It ended before.
    AlreadyDone {
        /// How.
        state: State,
        /// When the password was changed, if it was.
        changed_at: Option<Moment>,
    },
    /// S22: no way of delivery was chosen.
    NothingChosen,
    /// S10: no contact is known, and the administrator has not said that they can reach the member.
    NotReachable,
    /// A rule.
    Denied(Denied),
}

impl ClickRefused {
    /// A short fixed word for the audit.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Replayed => "replayed",
            Self::NoSuchCard => "no_such_card",
            Self::NotYours { .. } => "not_yours",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
            Self::InProgress => "in_progress",
            Self::AlreadyDone { .. } => "already_done",
            Self::NothingChosen => "nothing_chosen",
            Self::NotReachable => "not_reachable",
            Self::Denied(denied) => denied.code(),
        }
    }
}

/// A change to a card that does nothing outside.
#[derive(Clone, Debug)]
pub enum Amend {
    /// S10: the member can be reached.
    Reachable,
    /// S22: the way; a destination for phone and e-mail.
    Choose(Delivery, Option<Destination>),
    /// Back to the choice.
    Back,
    /// S27: switch the copy on or off; the address is used where none was typed.
    ToggleCopy(EmailAddress),
    /// S28: another address for the copy, for this reset only.
    CopyTo(EmailAddress),
    /// S38: switch showing on or off.
    ToggleShow,
    /// Given up.
    Cancel,
    /// S6: the guide goes out instead of a reset.
    Guide,
}

impl Amend {
    fn event(&self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Choose(..) => "choose",
            Self::Back => "back",
            Self::ToggleCopy(_) | Self::CopyTo(_) => "copy_to_self",
            Self::ToggleShow => "also_show",
            Self::Cancel => "cancel",
            Self::Guide => "guide",
        }
    }

    fn apply(self, row: &mut ResetRow, now: Moment) {
        match self {
            Self::Reachable => row.reachable_at = Some(now),
            Self::Choose(delivery, destination) => choose(row, delivery, destination.as_ref()),
            Self::Back => (row.delivery, row.destination, row.destination_mask) = (None, None, None),
            Self::ToggleCopy(address) => {
                row.copy_to_self = match row.copy_to_self {
                    Some(_) => None,
                    None => Some(row.copy_address.clone().unwrap_or_else(|| address.to_string())),
                }
            }
            Self::CopyTo(address) => {
                row.copy_address = Some(address.to_string());
                row.copy_to_self = Some(address.to_string());
            }
            Self::ToggleShow => row.also_show = !row.also_show,
            Self::Cancel | Self::Guide => enter(row, State::Cancelled, now),
        }
    }
}

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
    /// Nothing could be recorded.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Records a new card, unless the limit or another reset of the member is in the way. A newer card of the same
    /// administrator for the same member takes the place of the older.
    pub async fn offer(
        &self,
        offer: NewOffer,
        replay: ReplayKey,
        reference: Reference,
    ) -> Result<Noted<Result<Offered, ClickRefused>>, StoreError> {
        let keys = Keys {
            replay: Some(replay.0.clone()),
            person: Some(offer.admin.id.clone()),
            member: Some(offer.member.id.clone()),
            ..Keys::default()
        };
        self.write(keys, move |page, now| {
            if !page.is_new_request(&replay.0, now) {
                return Noted { decided: Err(ClickRefused::Replayed), untold: Vec::new() };
            }
            let row = offered_row(&offer, now);
            let quota = page.quota(&row.admin_id, now);
            let busy = at_work(page, &row.member_id, row.reset_id);
            let refused = match busy {
                Some(admin_name) => Some(Denied::Busy { admin_name }),
                None => (quota.left == 0).then_some(Denied::Limit(quota)),
            };
            if let Some(denied) = refused {
                page.audit(line(&row, "command", denied.code(), Some(reference), now));
                return Noted {
                    untold: take_untold(page, &row.admin_id, now),
                    decided: Err(ClickRefused::Denied(denied)),
                };
            }
            supersede(page, &row, now);
            let earlier = page
                .resets()
                .filter(|other| other.member_id == row.member_id)
                .filter_map(|other| {
                    Some(Earlier { changed_at: other.changed_at?, admin_name: other.admin_name.clone() })
                })
                .filter(|earlier| now - earlier.changed_at < CAREFUL_FOR)
                .max_by_key(|earlier| earlier.changed_at);
            let offered = Offered { expires_at: row.expires_at, quota, earlier };
            page.audit(line(&row, "command", "offered", None, now));
            let untold = take_untold(page, &row.admin_id, now);
            page.put(row);
            Noted { decided: Ok(offered), untold }
        })
        .await
    }

    /// Writes down a try that ends without a card: a refusal, a help text, a look into the log. False if the same
    /// bytes were seen before.
    pub async fn note(&self, replay: ReplayKey, mut audit: AuditRow) -> Result<Noted<bool>, StoreError> {
        let keys = Keys { replay: Some(replay.0.clone()), person: audit.admin_id.clone(), ..Keys::default() };
        self.write(keys, move |page, now| {
            if !page.is_new_request(&replay.0, now) {
                return Noted { decided: false, untold: Vec::new() };
            }
            audit.noted_at = now;
            let untold = audit.admin_id.clone().map(|admin| take_untold(page, &admin, now)).unwrap_or_default();
            page.audit(audit);
            Noted { decided: true, untold }
        })
        .await
    }

    /// Where a person stands, without writing anything.
    pub async fn standing(&self, admin: &MemberId, member: &MemberId) -> Result<(Quota, Option<String>), StoreError> {
        let keys = Keys { person: Some(admin.clone()), member: Some(member.clone()), ..Keys::default() };
        let (admin, member) = (admin.clone(), member.clone());
        self.write(keys, move |page, now| (page.quota(&admin, now), at_work(page, &member, ResetId([0; 16])))).await
    }

    /// Changes a card that is still open. The row after the change, or why nothing happened.
    pub async fn amend(
        &self,
        id: ResetId,
        replay: ReplayKey,
        clicker: ChatUser,
        amend: Amend,
        follow_up: Option<SealedReply>,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        let keys = Keys { replay: Some(replay.0.clone()), reset: Some(id), ..Keys::default() };
        self.write(keys, move |page, now| {
            let event = amend.event();
            let mut row = open_card(page, id, &replay, &clicker, event, now)?;
            amend.apply(&mut row, now);
            // The newest address has the most uses and the most time left.
            answer_at(&mut row, follow_up);
            page.audit(line(&row, event, "done", None, now));
            page.put(row.clone());
            Ok(row)
        })
        .await
    }

    /// A click on a message about a finished reset, such as "hide it": new bytes, and the clicker's own.
    pub async fn visit(
        &self,
        id: ResetId,
        replay: ReplayKey,
        clicker: ChatUser,
        event: &'static str,
        follow_up: Option<SealedReply>,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        let keys = Keys { replay: Some(replay.0.clone()), reset: Some(id), ..Keys::default() };
        self.write(keys, move |page, now| {
            let mut row = known_card(page, id, &replay, &clicker, event, now)?;
            answer_at(&mut row, follow_up);
            page.audit(line(&row, event, "done", None, now));
            page.put(row.clone());
            Ok(row)
        })
        .await
    }

    /// A form is about to be opened: nothing changes but where its answer will be told.
    pub async fn open_form(
        &self,
        id: ResetId,
        replay: ReplayKey,
        clicker: ChatUser,
        follow_up: Option<SealedReply>,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        let keys = Keys { replay: Some(replay.0.clone()), reset: Some(id), ..Keys::default() };
        self.write(keys, move |page, now| {
            let mut row = clickable_card(page, id, &replay, &clicker, "open_form", now)?;
            answer_at(&mut row, follow_up);
            page.audit(line(&row, "open_form", "done", None, now));
            page.put(row.clone());
            Ok(row)
        })
        .await
    }

    /// Writes down that a click was refused for a reason found outside the store.
    pub async fn refuse_click(
        &self,
        id: ResetId,
        replay: ReplayKey,
        clicker: ChatUser,
        code: &'static str,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        let keys = Keys { replay: Some(replay.0.clone()), reset: Some(id), ..Keys::default() };
        self.write(keys, move |page, now| {
            let row = clickable_card(page, id, &replay, &clicker, "click", now)?;
            page.audit(line(&row, "click", code, None, now));
            Ok(row)
        })
        .await
    }

    /// The confirming click: replay key, requester, age, limit, no other reset of the member, slot, audit — in one
    /// transaction. After it the click may be acknowledged (P1, P2).
    pub async fn reserve(
        &self,
        permit: Permit,
        id: ResetId,
        replay: ReplayKey,
        clicker: ChatUser,
        follow_up: Option<SealedReply>,
    ) -> Result<Result<(Reservation, ResetRow, Quota), ClickRefused>, StoreError> {
        let keys = Keys {
            replay: Some(replay.0.clone()),
            reset: Some(id),
            person: Some(permit.admin().clone()),
            member: Some(permit.member().clone()),
        };
        let owner = self.owner().to_owned();
        self.write(keys, move |page, now| {
            let mut row = open_card(page, id, &replay, &clicker, "confirm", now)?;
            let quota = page.quota(&row.admin_id, now);
            if let Some(refused) = may_not_start(page, &row, &permit, quota) {
                page.audit(line(&row, "confirm", refused.code(), None, now));
                return Err(refused);
            }
            enter(&mut row, State::Claimed, now);
            (row.owner, row.deadline_at) = (Some(owner.clone()), Some(now + WORK_DEADLINE));
            answer_at(&mut row, follow_up);
            page.take_slot(id, row.admin_id.clone(), now);
            page.audit(line(&row, "confirm", "claimed", None, now));
            page.put(row.clone());
            let reservation =
                Reservation { reset_id: id, owner, admin: row.admin_id.clone(), member: row.member_id.clone() };
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

    /// The same where the administrator was told with the delivery itself, in a message that shows the password and is
    /// to be replaced at `hide_at`.
    pub async fn advance_shown(
        &self,
        reservation: &Reservation,
        to: State,
        failure: Option<&'static str>,
        steps: Vec<StepNote>,
        hide_at: Moment,
    ) -> Result<ResetRow, MoveRefused> {
        self.step_to(reservation, to, failure, steps, Some(hide_at)).await
    }

    async fn step_to(
        &self,
        reservation: &Reservation,
        to: State,
        failure: Option<&'static str>,
        steps: Vec<StepNote>,
        hide_at: Option<Moment>,
    ) -> Result<ResetRow, MoveRefused> {
        let (id, owner) = (reservation.reset_id, reservation.owner.clone());
        let keys = Keys { reset: Some(id), ..Keys::default() };
        let moved = self
            .write(keys, move |page, now| {
                let mut row = ours(page, id, &owner, to)?;
                enter(&mut row, to, now);
                row.failure = failure.map(str::to_owned);
                if hide_at.is_some() {
                    (row.told_at, row.hide_at) = (Some(now), hide_at);
                }
                note_steps(page, id, steps, now);
                page.audit(line(&row, "reset", to.as_str(), None, now));
                page.put(row.clone());
                Some(row)
            })
            .await?;
        moved.ok_or(MoveRefused::Fenced)
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
        self.give_back(reservation, failure, Vec::new(), successor).await
    }

    async fn give_back(
        &self,
        reservation: &Reservation,
        failure: &'static str,
        steps: Vec<StepNote>,
        successor: Option<Successor>,
    ) -> Result<(), MoveRefused> {
        let (id, owner) = (reservation.reset_id, reservation.owner.clone());
        let keys = Keys { reset: Some(id), ..Keys::default() };
        let moved = self
            .write(keys, move |page, now| {
                let mut row = ours(page, id, &owner, State::Refused)?;
                if let Some(successor) = successor {
                    let next = successor_row(&row, successor, now);
                    page.audit(line(&next, "successor", "offered", None, now));
                    page.put(next);
                }
                enter(&mut row, State::Refused, now);
                row.failure = Some(failure.to_owned());
                page.return_slot(&row, now);
                note_steps(page, id, steps, now);
                page.audit(line(&row, "reset", "refused", None, now));
                page.put(row);
                Some(())
            })
            .await?;
        moved.ok_or(MoveRefused::Fenced)
    }

    /// Undelivered → delivering by another way, inside the same reset (Q3): no second slot.
    pub async fn deliver_again(
        &self,
        reservation: &Reservation,
        replay: ReplayKey,
        clicker: ChatUser,
        delivery: Delivery,
        destination: Option<Destination>,
        follow_up: Option<SealedReply>,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        let (id, owner) = (reservation.reset_id, reservation.owner.clone());
        let keys = Keys { replay: Some(replay.0.clone()), reset: Some(id), ..Keys::default() };
        self.write(keys, move |page, now| {
            let mut row = known_card(page, id, &replay, &clicker, "deliver_again", now)?;
            if row.owner.as_ref() != Some(&owner) || row.state != State::Undelivered || row.finished_at.is_some() {
                let refused = closed(&row).unwrap_or(ClickRefused::InProgress);
                page.audit(line(&row, "deliver_again", refused.code(), None, now));
                return Err(refused);
            }
            enter(&mut row, State::Delivering, now);
            row.deadline_at = Some(now + WORK_DEADLINE);
            row.failure = None;
            choose(&mut row, delivery, destination.as_ref());
            answer_at(&mut row, follow_up);
            page.audit(line(&row, "deliver_again", "delivering", None, now));
            page.put(row.clone());
            Ok(row)
        })
        .await
    }

    /// Recovery (section 3): what a dead process left behind gets its name. The row after it, if it was moved.
    pub async fn recover(&self, id: ResetId) -> Result<Option<ResetRow>, StoreError> {
        let keys = Keys { reset: Some(id), ..Keys::default() };
        self.write(keys, move |page, now| {
            let mut row = page.reset(id)?;
            match row.state.recovered() {
                Some((state, slot)) => {
                    enter(&mut row, state, now);
                    row.failure = Some("process_died".to_owned());
                    if slot == SlotAfter::Returned {
                        page.return_slot(&row, now);
                    }
                    page.audit(line(&row, "recovery", state.as_str(), None, now));
                }
                // The password that could have been delivered another way died with the process.
                None if row.state == State::Undelivered && row.finished_at.is_none() => finish(&mut row, now),
                None => return None,
            }
            page.put(row.clone());
            Some(row)
        })
        .await
    }

    /// Offered → expired, when its time has come.
    pub async fn expire(&self, id: ResetId) -> Result<(), StoreError> {
        let keys = Keys { reset: Some(id), ..Keys::default() };
        self.write(keys, move |page, now| {
            if let Some(mut row) = page.reset(id).filter(|row| row.state == State::Offered && row.expires_at <= now) {
                enter(&mut row, State::Expired, now);
                page.audit(line(&row, "expiry", "expired", None, now));
                page.put(row);
            }
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

    /// Outcomes of steps that follow the reset, such as the sign-out and the notice.
    pub async fn note_steps(&self, id: ResetId, steps: Vec<StepNote>) -> Result<(), StoreError> {
        self.write(Keys::default(), move |page, now| note_steps(page, id, steps, now)).await
    }

    /// The administrator was told how it ended.
    pub async fn told(&self, id: ResetId) -> Result<(), StoreError> {
        self.touch(id, |row, now| row.told_at = Some(now)).await
    }

    /// The message that showed the password was replaced, or can no longer be.
    pub async fn hidden(&self, id: ResetId) -> Result<(), StoreError> {
        self.touch(id, |row, _| row.hide_at = None).await
    }

    /// Erases the sealed follow-up address.
    pub async fn forget_reply(&self, id: ResetId) -> Result<(), StoreError> {
        self.touch(id, |row, _| (row.reply, row.reply_until) = (None, None)).await
    }

    async fn touch(
        &self,
        id: ResetId,
        change: impl FnOnce(&mut ResetRow, Moment) + Send + 'static,
    ) -> Result<(), StoreError> {
        let keys = Keys { reset: Some(id), ..Keys::default() };
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
    page.reset(id).filter(|row| row.owner.as_deref() == Some(owner) && row.state.may_become(to))
}

/// Sets the state and its time; a state that nothing follows also erases the address.
fn enter(row: &mut ResetRow, state: State, now: Moment) {
    row.state = state;
    match state {
        State::Claimed => row.claimed_at = Some(now),
        State::Changing => row.changing_at = Some(now),
        State::Changed => row.changed_at = Some(now),
        State::Delivering => row.delivering_at = Some(now),
        State::Offered | State::Undelivered => {}
        State::Delivered
        | State::DeliveryUnknown
        | State::Cancelled
        | State::Expired
        | State::Superseded
        | State::Refused
        | State::Unknown
        | State::Lost => finish(row, now),
    }
}

fn answer_at(row: &mut ResetRow, follow_up: Option<SealedReply>) {
    if let Some(reply) = follow_up {
        (row.reply, row.reply_until) = (Some(reply.sealed), Some(reply.until));
    }
}

fn finish(row: &mut ResetRow, now: Moment) {
    row.finished_at = Some(now);
    (row.destination, row.copy_to_self, row.copy_address) = (None, None, None);
}

fn choose(row: &mut ResetRow, delivery: Delivery, destination: Option<&Destination>) {
    row.delivery = Some(delivery);
    row.destination = destination.map(|destination| destination.full().to_owned());
    row.destination_mask = destination.map(Destination::masked);
}

/// The card behind a click: known, new bytes, and the clicker's own. A refusal is written down here.
fn known_card(
    page: &mut Page,
    id: ResetId,
    replay: &ReplayKey,
    clicker: &ChatUser,
    event: &'static str,
    now: Moment,
) -> Result<ResetRow, ClickRefused> {
    if !page.is_new_request(&replay.0, now) {
        return Err(ClickRefused::Replayed);
    }
    let Some(row) = page.reset(id) else {
        page.audit(AuditRow::of_chat(event, ClickRefused::NoSuchCard.code(), clicker, now));
        return Err(ClickRefused::NoSuchCard);
    };
    let owner = (row.platform, row.tenant.as_str(), row.chat_user.as_str());
    if owner != (clicker.platform, clicker.tenant.as_str(), clicker.user.as_str()) {
        let mut audit = AuditRow::of_chat(event, "not_yours", clicker, now);
        audit.reset_id = Some(id);
        page.audit(audit);
        return Err(ClickRefused::NotYours { admin_name: row.admin_name });
    }
    Ok(row)
}

/// The same, and still open, or waiting for another way of delivery.
fn clickable_card(
    page: &mut Page,
    id: ResetId,
    replay: &ReplayKey,
    clicker: &ChatUser,
    event: &'static str,
    now: Moment,
) -> Result<ResetRow, ClickRefused> {
    let waits = |row: &ResetRow| row.state == State::Undelivered && row.finished_at.is_none();
    match page.reset(id) {
        Some(row) if waits(&row) => known_card(page, id, replay, clicker, event, now),
        _ => open_card(page, id, replay, clicker, event, now),
    }
}

/// The same, and still open.
fn open_card(
    page: &mut Page,
    id: ResetId,
    replay: &ReplayKey,
    clicker: &ChatUser,
    event: &'static str,
    now: Moment,
) -> Result<ResetRow, ClickRefused> {
    let row = known_card(page, id, replay, clicker, event, now)?;
    let refused = closed(&row).or_else(|| (row.expires_at <= now).then_some(ClickRefused::Expired));
    match refused {
        None => Ok(row),
        Some(refused) => {
            page.audit(line(&row, event, refused.code(), None, now));
            Err(refused)
        }
    }
}

/// Why a card is no longer open, by its state.
fn closed(row: &ResetRow) -> Option<ClickRefused> {
    match row.state {
        State::Offered => None,
        State::Expired => Some(ClickRefused::Expired),
        State::Superseded => Some(ClickRefused::Superseded),
        State::Cancelled => Some(ClickRefused::Cancelled),
        State::Claimed | State::Changing | State::Changed | State::Delivering => Some(ClickRefused::InProgress),
        State::Delivered
        | State::Undelivered
        | State::DeliveryUnknown
        | State::Refused
        | State::Unknown
        | State::Lost => Some(ClickRefused::AlreadyDone { state: row.state, changed_at: row.changed_at }),
    }
}

/// What stands against starting, asked under the writer's lock.
fn may_not_start(page: &Page, row: &ResetRow, permit: &Permit, quota: Quota) -> Option<ClickRefused> {
    if *permit.admin() != row.admin_id || *permit.member() != row.member_id {
        return Some(ClickRefused::NoSuchCard);
    }
    if row.delivery.is_none() {
        return Some(ClickRefused::NothingChosen);
    }
    if let Some(admin_name) = at_work(page, &row.member_id, row.reset_id) {
        return Some(ClickRefused::Denied(Denied::Busy { admin_name }));
    }
    (quota.left == 0).then_some(ClickRefused::Denied(Denied::Limit(quota)))
}

/// The administrator who is in the middle of another reset of the member.
fn at_work(page: &Page, member: &MemberId, except: ResetId) -> Option<String> {
    page.resets()
        .find(|other| other.member_id == *member && other.reset_id != except && other.state.is_active())
        .map(|other| other.admin_name.clone())
}

fn supersede(page: &mut Page, newer: &ResetRow, now: Moment) {
    let older: Vec<ResetRow> = page
        .resets()
        .filter(|row| row.state == State::Offered && row.admin_id == newer.admin_id && row.member_id == newer.member_id)
        .cloned()
        .collect();
    for mut row in older {
        enter(&mut row, State::Superseded, now);
        page.put(row);
    }
}

/// Finished resets whose end the administrator has not heard; they are told in this answer.
fn take_untold(page: &mut Page, admin: &MemberId, now: Moment) -> Vec<ResetRow> {
    let untold: Vec<ResetRow> = page
        .resets()
        .filter(|row| {
            row.admin_id == *admin && row.claimed_at.is_some() && row.finished_at.is_some() && row.told_at.is_none()
        })
        .cloned()
        .collect();
    for row in &untold {
        page.put(ResetRow { told_at: Some(now), ..row.clone() });
    }
    untold
}

fn note_steps(page: &mut Page, reset_id: ResetId, steps: Vec<StepNote>, noted_at: Moment) {
    for StepNote { step, outcome, detail } in steps {
        page.note_step(StepRow { reset_id, step, outcome, detail: detail.map(str::to_owned), noted_at });
    }
}

fn offered_row(offer: &NewOffer, now: Moment) -> ResetRow {
    let NewOffer { requester, admin, member, .. } = offer;
    ResetRow {
        reset_id: offer.reset_id,
        platform: requester.platform,
        tenant: requester.tenant.clone(),
        chat_user: requester.user.clone(),
        admin_id: admin.id.clone(),
        admin_name: admin.name.clone(),
        admin_email: admin.business_email.to_string(),
        member_id: member.id.clone(),
        member_name: member.name.clone(),
        member_email: member.business_email.to_string(),
        member_chat_user: offer.member_chat_user.clone(),
        reason: offer.reason.clone(),
        state: State::Offered,
        delivery: None,
        destination: None,
        destination_mask: None,
        copy_to_self: None,
        copy_address: None,
        also_show: false,
        reachable_at: None,
        reply: offer.reply.as_ref().map(|reply| reply.sealed.clone()),
        reply_until: offer.reply.as_ref().map(|reply| reply.until),
        owner: None,
        deadline_at: None,
        failure: None,
        offered_at: now,
        expires_at: now + offer.lifetime,
        claimed_at: None,
        changing_at: None,
        changed_at: None,
        delivering_at: None,
        finished_at: None,
        told_at: None,
        hide_at: None,
    }
}

fn successor_row(row: &ResetRow, successor: Successor, now: Moment) -> ResetRow {
    let Successor { reset_id, reply, lifetime } = successor;
    ResetRow {
        reset_id,
        state: State::Offered,
        delivery: None,
        destination: None,
        destination_mask: None,
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
        ..row.clone()
    }
}

/// A line of the audit about a reset.
fn line(row: &ResetRow, event: &'static str, outcome: &str, reference: Option<Reference>, now: Moment) -> AuditRow {
    AuditRow {
        noted_at: now,
        event: event.to_owned(),
        outcome: outcome.to_owned(),
        reference: Some(reference.unwrap_or_else(|| row.reset_id.reference()).to_string()),
        platform: Some(row.platform),
        tenant: Some(row.tenant.clone()),
        chat_user: Some(row.chat_user.clone()),
        admin_id: Some(row.admin_id.clone()),
        member_id: Some(row.member_id.clone()),
        reset_id: Some(row.reset_id),
        detail: row.failure.clone().or_else(|| row.delivery.map(|way| way.to_string())),
    }
}

impl AuditRow {
    /// A line about a chat account, before anything else is known.
    pub fn of_chat(event: &str, outcome: &str, user: &ChatUser, now: Moment) -> Self {
        Self {
            noted_at: now,
            event: event.to_owned(),
            outcome: outcome.to_owned(),
            reference: None,
            platform: Some(user.platform),
            tenant: Some(user.tenant.clone()),
            chat_user: Some(user.user.clone()),
            admin_id: None,
            member_id: None,
            reset_id: None,
            detail: None,
        }
    }
}
