//! Clicks on cards: whose card it is, whether it is still open, and why a click does nothing.

use super::engine::{Tx, WriteError};
use super::wipe::MEMBER_GONE;
use super::{AuditRow, ReplayKey, ResetRow, StoreError, audit, replays, resets};
use crate::domain::{ChatUser, Denied, LogLine, Moment, ResetId, State};

/// A follow-up address of the chat, sealed with our key.
#[derive(Clone, Debug)]
pub struct SealedReply {
    pub sealed: String,
    /// When the platform stops accepting it.
    pub until: Moment,
}

/// A click or a submitted form, as the store needs to know it.
#[derive(Clone, Debug)]
pub struct CardClick {
    /// The card; its reset has the same id.
    pub reset_id: ResetId,
    /// The key of the signed request.
    pub replay: ReplayKey,
    /// Must be the account that the card was made for.
    pub clicker: ChatUser,
    /// Where follow-ups go from now on: the newest address has the most uses and the most time left.
    pub follow_up: Option<SealedReply>,
}

/// Why a click does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClickRefused {
    /// The same bytes were seen before.
    Replayed,
    /// No card has this id, or not any more.
    NoSuchCard,
    /// The card belongs to another administrator.
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
    /// Its member, or its administrator, was removed, or somebody else has their address now.
    MemberGone,
    /// The reset has begun and has not ended.
    InProgress,
    /// The reset ended before this click.
    AlreadyDone {
        /// The state that it ended in.
        state: State,
        /// When the password was changed, if it was.
        changed_at: Option<Moment>,
    },
    /// S22: no way of delivery was chosen.
    NothingChosen,
    /// The card was changed after it was shown with this button.
    Stale,
    /// Another reset of the member changed the password, or may have, after the last look was drawn.
    Overtaken,
    /// The password reached nobody and was wiped, so it cannot go another way.
    Wiped(Wiped),
    /// S10: no contact is known, and the administrator has not said that they can reach the member.
    NotReachable,
    /// Another administrator was asked then already to add a contact.
    ContactAsked(Moment),
    /// Another administrator was about to be asked a moment ago, and how that ended is not known.
    ContactBeingAsked,
    /// S6: the member was sent the guide a short time ago.
    Guided {
        /// When it was sent.
        at: Moment,
        /// The full name of whoever sent it.
        admin_name: String,
    },
    /// Forbidden by what is on record: the limit, another reset of the member, or a disowned one.
    Denied(Denied),
}

/// Why a password that reached nobody is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiped {
    /// Nobody chose another way in time.
    InTime,
    /// It was in the memory of a process that has ended.
    WithProcess,
    /// Another reset of the member replaced it.
    Replaced,
}

impl ClickRefused {
    /// True where a password reached nobody and was wiped. Why it was, [`Store::why_wiped`](super::Store::why_wiped) says.
    pub fn is_of_wiped(&self) -> bool {
        let undelivered = State::Undelivered;
        matches!(self, Self::AlreadyDone { state, .. } if *state == undelivered)
    }

    /// A short fixed word for the audit.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Replayed => "replayed",
            Self::NoSuchCard => "no_such_card",
            Self::NotYours { .. } => "not_yours",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
            Self::MemberGone => MEMBER_GONE,
            Self::InProgress => "in_progress",
            Self::AlreadyDone { .. } => "already_done",
            Self::NothingChosen => "nothing_chosen",
            Self::Stale => "stale",
            Self::Overtaken => "overtaken",
            Self::Wiped(_) => "wiped",
            Self::NotReachable => "not_reachable",
            Self::ContactAsked(_) => "contact_asked",
            Self::ContactBeingAsked => "contact_being_asked",
            Self::Guided { .. } => "guided",
            Self::Denied(denied) => denied.code(),
        }
    }
}

/// Why a click came to nothing: it was refused, or the record failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClickError {
    /// It was refused. That is on record, unless the same bytes came before.
    #[error("the click was refused")]
    Refused(ClickRefused),
    /// Nothing was recorded.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ClickRefused> for ClickError {
    fn from(refused: ClickRefused) -> Self {
        Self::Refused(refused)
    }
}

impl ClickError {
    /// The refusal; an error where the record failed.
    pub fn refusal(self) -> Result<ClickRefused, StoreError> {
        match self {
            Self::Refused(refused) => Ok(refused),
            Self::Store(error) => Err(error),
        }
    }
}

impl WriteError for ClickError {
    fn failure(&self) -> Option<StoreError> {
        match self {
            Self::Refused(_) => None,
            Self::Store(error) => Some(*error),
        }
    }
}

/// Finds the card of a click that is new and comes from the administrator whose card it is. A refusal is recorded here, but for
/// a replay, and frees the key of a form.
pub(super) async fn known_card(
    tx: &mut Tx,
    click: &CardClick,
    event: &'static str,
) -> Result<ResetRow, ClickError> {
    let clicker = &click.clicker;
    if !replays::take(tx, &click.replay).await? {
        return Err(ClickRefused::Replayed.into());
    }
    let Some(row) = resets::find(tx, click.reset_id).await? else {
        let refused = ClickRefused::NoSuchCard;
        let line = AuditRow::of_chat(event, refused.code(), clicker, tx.now());
        tx.insert(&line.in_log(LogLine::Refused)).await?;
        replays::free(tx, &click.replay).await?;
        return Err(refused.into());
    };
    if !row.is_of(clicker) {
        let refused = ClickRefused::NotYours {
            admin_name: row.admin_name,
        };
        // The administrator of the line is whoever clicked, of whom only the chat account is known here.
        let line = AuditRow {
            reset_id: Some(row.reset_id),
            reference: Some(row.reset_id.reference().to_string()),
            member_id: Some(row.member_id),
            member_name: Some(row.member_name),
            member_email: Some(row.member_email),
            log_line: Some(LogLine::Refused),
            ..AuditRow::of_chat(event, refused.code(), clicker, tx.now())
        };
        tx.insert(&line).await?;
        replays::free(tx, &click.replay).await?;
        return Err(refused.into());
    }
    Ok(row)
}

/// Like [`known_card`], and the card is still open or waits for another way of delivery.
pub(super) async fn clickable_card(
    tx: &mut Tx,
    click: &CardClick,
    event: &'static str,
) -> Result<ResetRow, ClickError> {
    let row = known_card(tx, click, event).await?;
    if row.is_waiting_for_another_way() {
        return Ok(row);
    }
    still_open(tx, click, row, event).await
}

/// Like [`known_card`], and the card is still open.
pub(super) async fn open_card(
    tx: &mut Tx,
    click: &CardClick,
    event: &'static str,
) -> Result<ResetRow, ClickError> {
    let row = known_card(tx, click, event).await?;
    still_open(tx, click, row, event).await
}

async fn still_open(
    tx: &mut Tx,
    click: &CardClick,
    row: ResetRow,
    event: &'static str,
) -> Result<ResetRow, ClickError> {
    let is_over = row.expires_at <= tx.now();
    let refused = closed(&row).or_else(|| is_over.then_some(ClickRefused::Expired));
    match refused {
        None => Ok(row),
        Some(refused) => {
            audit::note_refused(tx, &row, event, refused.code()).await?;
            replays::free(tx, &click.replay).await?;
            Err(refused.into())
        }
    }
}

/// Why a card is no longer open, by its state.
pub(super) fn closed(row: &ResetRow) -> Option<ClickRefused> {
    match row.state {
        State::Offered => None,
        State::Expired => Some(ClickRefused::Expired),
        State::Superseded => Some(ClickRefused::Superseded),
        State::Cancelled if row.failure.as_deref() == Some(MEMBER_GONE) => {
            Some(ClickRefused::MemberGone)
        }
        State::Cancelled => Some(ClickRefused::Cancelled),
        State::Claimed | State::Changing | State::Changed | State::Delivering => {
            Some(ClickRefused::InProgress)
        }
        State::Delivered
        | State::Undelivered
        | State::DeliveryUnknown
        | State::Refused
        | State::Unknown
        | State::Lost => Some(ClickRefused::AlreadyDone {
            state: row.state,
            changed_at: row.changed_at,
        }),
    }
}

/// Writes a card after an accepted click, with the newest follow-up address.
pub(super) async fn save_accepted(
    tx: &mut Tx,
    click: &CardClick,
    mut row: ResetRow,
    event: &str,
) -> Result<ResetRow, ClickError> {
    set_reply(&mut row, click.follow_up.as_ref());
    audit::note(tx, &row, event, "done").await?;
    tx.put(&row).await?;
    Ok(row)
}

pub(super) fn set_reply(row: &mut ResetRow, follow_up: Option<&SealedReply>) {
    if let Some(reply) = follow_up {
        (row.reply, row.reply_until) = (Some(reply.sealed.clone()), Some(reply.until));
    }
}
