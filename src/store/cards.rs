//! Cards on disk: an offer, what is chosen on it, and every click that ends without a reset. Each is one decision of the
//! writer, with its audit line beside it.

use super::moves::{answer_at, choose, enter, line};
use super::rows::{AuditRow, ResetRow};
use super::writer::{Keys, Page};
use super::{Store, StoreError};
use crate::domain::{
    Carries, ChatUser, Delivery, Denied, Destination, EmailAddress, Member, MemberId, Moment, Quota, Reference,
    ResetId, Span, State,
};

/// How far back a change of the same member is told on the card.
const CAREFUL_FOR: Span = Span::hours(24);

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

/// A click or a submitted form, as the store needs to know it.
#[derive(Clone, Debug)]
pub struct CardClick {
    /// The card.
    pub reset_id: ResetId,
    /// What tells its bytes from others.
    pub replay: ReplayKey,
    /// Who clicked.
    pub clicker: ChatUser,
    /// Where follow-ups go from now on: the newest address has the most uses and the most time left.
    pub follow_up: Option<SealedReply>,
}

impl CardClick {
    /// What a decision about it needs to see.
    pub(super) fn keys(&self) -> Keys {
        Keys { replay: Some(self.replay.0.clone()), reset: Some(self.reset_id), ..Keys::default() }
    }
}

/// What a new card is made of.
#[derive(Clone, Debug)]
pub struct NewOffer {
    /// A fresh id.
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
    /// The card was changed after it was shown with this button.
    Stale,
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
            Self::Stale => "stale",
            Self::NotReachable => "not_reachable",
            Self::Denied(denied) => denied.code(),
        }
    }
}

/// A way of delivery.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Which.
    pub delivery: Delivery,
    /// Where to; none for Copy.
    pub to: Option<Destination>,
    /// True where the address was typed and is not the one on record.
    pub is_typed: bool,
    /// What goes there.
    pub carries: Carries,
    /// The keyed digest of the destination.
    pub digest: Option<String>,
}

/// A change to a card that does nothing outside.
#[derive(Clone, Debug)]
pub enum Amend {
    /// S10: the member can be reached.
    Reachable,
    /// S22: the way; a destination for phone and e-mail, and whether it was typed.
    Choose(Choice),
    /// Back to the choice.
    Back,
    /// S27: switch the copy on or off; the address is used where none was typed. With its keyed digest.
    ToggleCopy(EmailAddress, String),
    /// S28: another address for the copy, for this reset only. With its keyed digest.
    CopyTo(EmailAddress, String),
    /// S38: switch showing on or off.
    ToggleShow,
    /// Given up.
    Cancel,
    /// S6: the guide goes out instead of a reset.
    Guide,
    /// The directory sends its own link instead of a reset.
    DirectoryLink,
}

impl Amend {
    fn event(&self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Choose(_) => "choose",
            Self::Back => "back",
            Self::ToggleCopy(..) | Self::CopyTo(..) => "copy_to_self",
            Self::ToggleShow => "also_show",
            Self::Cancel => "cancel",
            Self::Guide => "guide",
            Self::DirectoryLink => "directory_link",
        }
    }

    fn apply(self, row: &mut ResetRow, now: Moment) {
        // Whatever changes what would be done makes every face that was shown before a stale one.
        match self {
            Self::Reachable => row.reachable_at = Some(now),
            Self::Choose(choice) => choose(row, &choice),
            Self::Back => {
                row.edition = row.edition.saturating_add(1);
                (row.delivery, row.destination, row.destination_mask, row.is_typed) = (None, None, None, false);
                row.destination_digest = None;
                row.carries = Carries::Password;
            }
            Self::ToggleCopy(address, digest) => {
                row.edition = row.edition.saturating_add(1);
                if row.copy_address.is_none() {
                    row.copy_digest = Some(digest);
                }
                row.copy_to_self = match row.copy_to_self {
                    Some(_) => None,
                    None => Some(row.copy_address.clone().unwrap_or_else(|| address.to_string())),
                }
            }
            Self::CopyTo(address, digest) => {
                row.edition = row.edition.saturating_add(1);
                row.copy_digest = Some(digest);
                row.copy_address = Some(address.to_string());
                row.copy_to_self = Some(address.to_string());
            }
            Self::ToggleShow => {
                row.edition = row.edition.saturating_add(1);
                row.also_show = !row.also_show;
            }
            Self::Cancel | Self::Guide | Self::DirectoryLink => enter(row, State::Cancelled, now),
        }
    }
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
                None if is_disowned(page, &row) => Some(Denied::Disowned),
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
    pub async fn note(&self, replay: ReplayKey, audit: AuditRow) -> Result<Noted<bool>, StoreError> {
        let noted = self.note_and_look(replay, audit, None, |_, _| ()).await?;
        Ok(Noted { decided: noted.decided.is_some(), untold: noted.untold })
    }

    /// Writes down that somebody asks where they stand, and says it: what is left of the limit, and who else is
    /// resetting this member. None if the same bytes were seen before.
    pub async fn note_standing(
        &self,
        replay: ReplayKey,
        audit: AuditRow,
        admin: &MemberId,
        member: &MemberId,
    ) -> Result<Noted<Option<(Quota, Option<String>)>>, StoreError> {
        let (admin, of) = (admin.clone(), member.clone());
        let audit = AuditRow { admin_id: Some(admin.clone()), ..audit };
        let look = move |page: &Page, now| (page.quota(&admin, now), at_work(page, &of, ResetId([0; 16])));
        self.note_and_look(replay, audit, Some(member.clone()), look).await
    }

    async fn note_and_look<T: Send + 'static>(
        &self,
        replay: ReplayKey,
        mut audit: AuditRow,
        member: Option<MemberId>,
        look: impl FnOnce(&Page, Moment) -> T + Send + 'static,
    ) -> Result<Noted<Option<T>>, StoreError> {
        let keys = Keys { replay: Some(replay.0.clone()), person: audit.admin_id.clone(), member, ..Keys::default() };
        self.write(keys, move |page, now| {
            if !page.is_new_request(&replay.0, now) {
                return Noted { decided: None, untold: Vec::new() };
            }
            audit.noted_at = now;
            let untold = audit.admin_id.clone().map(|admin| take_untold(page, &admin, now)).unwrap_or_default();
            page.audit(audit);
            Noted { decided: Some(look(page, now)), untold }
        })
        .await
    }

    /// Changes a card that is still open. The row after the change, or why nothing happened.
    pub async fn amend(&self, click: CardClick, amend: Amend) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        self.clicked(click, open_card, amend.event(), move |row, now| amend.apply(row, now)).await
    }

    /// A click on a message about a finished reset, such as "hide it": new bytes, and the clicker's own.
    pub async fn visit(
        &self,
        click: CardClick,
        event: &'static str,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        self.clicked(click, known_card, event, |_, _| ()).await
    }

    /// A form is about to be opened: nothing changes but where its answer will be told.
    pub async fn open_form(&self, click: CardClick) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        self.clicked(click, clickable_card, "open_form", |_, _| ()).await
    }

    async fn clicked(
        &self,
        click: CardClick,
        guard: fn(&mut Page, &CardClick, &'static str, Moment) -> Result<ResetRow, ClickRefused>,
        event: &'static str,
        change: impl FnOnce(&mut ResetRow, Moment) + Send + 'static,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        self.write(click.keys(), move |page, now| {
            let mut row = guard(page, &click, event, now)?;
            change(&mut row, now);
            answer_at(&mut row, click.follow_up);
            page.audit(line(&row, event, "done", None, now));
            page.put(row.clone());
            Ok(row)
        })
        .await
    }

    /// Writes down that a click was refused for a reason found outside the store.
    pub async fn refuse_click(
        &self,
        click: CardClick,
        code: &'static str,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        self.write(click.keys(), move |page, now| {
            let row = clickable_card(page, &click, "click", now)?;
            page.audit(line(&row, "click", code, None, now));
            Ok(row)
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
}

/// The card behind a click: known, new bytes, and the clicker's own. A refusal is written down here.
pub(super) fn known_card(
    page: &mut Page,
    click: &CardClick,
    event: &'static str,
    now: Moment,
) -> Result<ResetRow, ClickRefused> {
    let clicker = &click.clicker;
    if !page.is_new_request(&click.replay.0, now) {
        return Err(ClickRefused::Replayed);
    }
    let Some(row) = page.reset(click.reset_id) else {
        page.audit(AuditRow::of_chat(event, ClickRefused::NoSuchCard.code(), clicker, now));
        return Err(ClickRefused::NoSuchCard);
    };
    let owner = (row.platform, row.tenant.as_str(), row.chat_user.as_str());
    if owner != (clicker.platform, clicker.tenant.as_str(), clicker.user.as_str()) {
        let refused = ClickRefused::NotYours { admin_name: row.admin_name };
        let mut audit = AuditRow::of_chat(event, refused.code(), clicker, now);
        audit.reset_id = Some(row.reset_id);
        page.audit(audit);
        return Err(refused);
    }
    Ok(row)
}

/// The same, and still open, or waiting for another way of delivery.
fn clickable_card(
    page: &mut Page,
    click: &CardClick,
    event: &'static str,
    now: Moment,
) -> Result<ResetRow, ClickRefused> {
    match page.reset(click.reset_id) {
        Some(row) if row.is_waiting_for_another_way() => known_card(page, click, event, now),
        _ => open_card(page, click, event, now),
    }
}

/// The same, and still open.
pub(super) fn open_card(
    page: &mut Page,
    click: &CardClick,
    event: &'static str,
    now: Moment,
) -> Result<ResetRow, ClickRefused> {
    let row = known_card(page, click, event, now)?;
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
pub(super) fn closed(row: &ResetRow) -> Option<ClickRefused> {
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

/// The administrator who is in the middle of another reset of the member.
pub(super) fn at_work(page: &Page, member: &MemberId, except: ResetId) -> Option<String> {
    page.resets()
        .find(|other| other.member_id == *member && other.reset_id != except && other.state.is_active())
        .map(|other| other.admin_name.clone())
}

/// When a reset changed the password, or may have: an unknown end counts like a change.
pub(super) fn begun_at(row: &ResetRow) -> Option<Moment> {
    row.changing_at.filter(|_| row.state != State::Refused)
}

/// The member said of their last reset that they had not asked for it, and it was the same administrator's.
pub(super) fn is_disowned(page: &Page, next: &ResetRow) -> bool {
    let of_member = page.resets().filter(|row| row.member_id == next.member_id && begun_at(row).is_some());
    let last = of_member.max_by_key(|row| begun_at(row));
    last.is_some_and(|row| row.disowned_at.is_some() && row.admin_id == next.admin_id)
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

/// Resets whose end the administrator has not heard, or that wait for another way without their knowing; they are told
/// in this answer.
fn take_untold(page: &mut Page, admin: &MemberId, now: Moment) -> Vec<ResetRow> {
    let untold: Vec<ResetRow> = page
        .resets()
        .filter(|row| {
            let has_ended = row.finished_at.is_some() || row.is_waiting_for_another_way();
            row.admin_id == *admin && row.claimed_at.is_some() && has_ended && row.told_at.is_none()
        })
        .cloned()
        .collect();
    // Whose password still waits hears of it again, until its buttons have come.
    for row in untold.iter().filter(|row| row.finished_at.is_some()) {
        page.put(ResetRow { told_at: Some(now), ..row.clone() });
    }
    untold
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
        edition: 0,
        delivery: None,
        destination: None,
        destination_mask: None,
        is_typed: false,
        carries: Carries::Password,
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
        disowned_at: None,
        link_used_at: None,
        copy_mask: None,
        destination_digest: None,
        copy_digest: None,
        typed_digests: None,
    }
}
