//! Cards on disk: an offer, what is chosen on it, and every click that ends without a reset. Each is one decision of the
//! writer, with its audit line beside it.

use super::gone::MEMBER_GONE;
use super::history::failed;
use super::moves::{answer_at, choose, enter, line};
use super::rows::{AuditRow, ResetRow};
use super::writer::{Keys, Page};
use super::{Store, StoreError};
use crate::domain::look_up::{COUNT_FOR, TooMany, Tried, may_command, may_look_up};
use crate::domain::{
    Carries, ChatUser, Delivery, Denied, Destination, EmailAddress, Member, MemberId, Moment,
    Quota, Reference, ResetId, Span, State,
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
        Keys {
            replay: Some(self.replay.0.clone()),
            reset: Some(self.reset_id),
            ..Keys::default()
        }
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// When the password was changed, or may have been.
    pub changed_at: Moment,
    /// By whom.
    pub admin_name: String,
    /// False where nobody can say whether the password was changed.
    pub is_certain: bool,
}

impl Earlier {
    fn of(row: &ResetRow) -> Option<Self> {
        let changed_at = row.changed_at.or(row.changing_at)?;
        Some(Self {
            changed_at,
            admin_name: row.admin_name.clone(),
            is_certain: row.changed_at.is_some(),
        })
    }
}

/// A card after a change, with what its next face has to warn of.
#[derive(Clone, Debug)]
pub struct Amended {
    /// The card.
    pub row: ResetRow,
    /// The member's last reset of the past 24 h.
    pub earlier: Option<Earlier>,
}

/// Why a try that has no card was not written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNoted {
    /// The same bytes were seen before.
    Replayed,
    /// It was a look-up too many, and is written down as that.
    TooMany(TooMany),
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
    /// Its member, or its administrator, was removed, or somebody else has their address now.
    MemberGone,
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
    /// The card was changed after it was shown with this button. The last look that is drawn instead warns of the
    /// member's last reset, if there was one.
    Stale(Option<Earlier>),
    /// Another reset of the member changed the password, or may have, after the last look was drawn.
    Overtaken(Earlier),
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
            Self::MemberGone => MEMBER_GONE,
            Self::InProgress => "in_progress",
            Self::AlreadyDone { .. } => "already_done",
            Self::NothingChosen => "nothing_chosen",
            Self::Stale(_) => "stale",
            Self::Overtaken(_) => "overtaken",
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

/// Decides from what an administrator tried whether one more look-up is allowed.
type Rule = fn(&[(Moment, Tried)], Moment) -> Result<(), TooMany>;

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
                (
                    row.delivery,
                    row.destination,
                    row.destination_mask,
                    row.is_typed,
                ) = (None, None, None, false);
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
                    None => Some(
                        row.copy_address
                            .clone()
                            .unwrap_or_else(|| address.to_string()),
                    ),
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
            Self::Guide | Self::DirectoryLink => enter(row, State::Cancelled, now),
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
                return Noted {
                    decided: Err(ClickRefused::Replayed),
                    untold: Vec::new(),
                };
            }
            let mut row = offered_row(&offer, now);
            let quota = page.quota(&row.admin_id, now);
            let denied = may_offer(page, &row, quota, now);
            let tried = if denied.is_some() {
                Tried::RefusedLookUp
            } else {
                Tried::LookUp
            };
            if !matches!(denied, Some(Denied::TooMany(_))) {
                page.count_try(&row.admin_id, &replay.0, tried, now);
            }
            if let Some(denied) = denied {
                page.audit(line(&row, "command", denied.code(), Some(reference), now));
                return Noted {
                    untold: take_untold(page, &row.admin_id, now),
                    decided: Err(ClickRefused::Denied(denied)),
                };
            }
            supersede(page, &row, now);
            let earlier = earlier(page, &row, now);
            row.seen_reset_id = newest_change(page, &row).map(|newest| newest.reset_id);
            let offered = Offered {
                expires_at: row.expires_at,
                quota,
                earlier,
            };
            page.audit(line(&row, "command", "offered", None, now));
            let untold = take_untold(page, &row.admin_id, now);
            page.put(row);
            Noted {
                decided: Ok(offered),
                untold,
            }
        })
        .await
    }

    /// Writes down a try that ends without a card: a refusal, a help text, a look into the log. As a look-up it counts
    /// for the administrator of the audit line.
    pub async fn note(
        &self,
        replay: ReplayKey,
        audit: AuditRow,
        tried: Option<Tried>,
    ) -> Result<Noted<Result<(), NotNoted>>, StoreError> {
        self.note_and_look(replay, audit, None, tried, |_, _| ())
            .await
    }

    /// Counts a command that acts at once as a look-up, before it acts.
    pub async fn count_command(
        &self,
        admin: &MemberId,
        replay: &ReplayKey,
    ) -> Result<Result<(), TooMany>, StoreError> {
        self.count(admin, replay, may_command).await
    }

    /// Counts a typed address as a look-up: the mail server tells whether it exists. Forms of open cards go on during a
    /// pause.
    pub async fn count_typed(
        &self,
        admin: &MemberId,
        replay: &ReplayKey,
    ) -> Result<Result<(), TooMany>, StoreError> {
        self.count(admin, replay, may_look_up).await
    }

    /// May this administrator look somebody up now? Nothing is counted: that follows with what came of it.
    pub async fn may_look_up_now(
        &self,
        admin: &MemberId,
    ) -> Result<Result<(), TooMany>, StoreError> {
        let now = self.clock.now();
        let sql = "select looked_at, tried from look_up where person_id = $1 and looked_at > $2";
        let asked = sqlx::query_as(sql)
            .bind(&admin.0)
            .bind((now - COUNT_FOR).0)
            .fetch_all(&self.pool)
            .await;
        let rows: Vec<(i64, String)> = asked.map_err(failed)?;
        let tried = rows
            .into_iter()
            .filter_map(|(at, tried)| Some((Moment(at), tried.parse().ok()?)));
        Ok(may_command(&tried.collect::<Vec<_>>(), now))
    }

    /// Counts that a mail server said of a typed address that it does not exist: a refusal, once for each choice.
    pub async fn count_refused_address(&self, card: &ResetRow) -> Result<(), StoreError> {
        let (admin, request) = (
            card.admin_id.clone(),
            format!("address {} {}", card.reset_id, card.edition),
        );
        let keys = Keys {
            person: Some(admin.clone()),
            ..Keys::default()
        };
        self.write(keys, move |page, now| {
            page.count_try(&admin, &request, Tried::RefusedClick, now)
        })
        .await
    }

    async fn count(
        &self,
        admin: &MemberId,
        replay: &ReplayKey,
        may: Rule,
    ) -> Result<Result<(), TooMany>, StoreError> {
        let keys = Keys {
            person: Some(admin.clone()),
            ..Keys::default()
        };
        let (admin, replay) = (admin.clone(), replay.clone());
        self.write(keys, move |page, now| {
            may(&page.tried(&admin), now)?;
            page.count_try(&admin, &replay.0, Tried::LookUp, now);
            Ok(())
        })
        .await
    }

    /// Writes down that somebody asks where they stand, and says it: what is left of the limit, and who else is
    /// resetting this member. It counts as a look-up.
    pub async fn note_standing(
        &self,
        replay: ReplayKey,
        audit: AuditRow,
        admin: &MemberId,
        member: &MemberId,
    ) -> Result<Noted<Result<(Quota, Option<String>), NotNoted>>, StoreError> {
        let (admin, of) = (admin.clone(), member.clone());
        let audit = AuditRow {
            admin_id: Some(admin.clone()),
            ..audit
        };
        let look = move |page: &Page, now| {
            (
                page.quota(&admin, now),
                at_work(page, &of, ResetId([0; 16])),
            )
        };
        self.note_and_look(
            replay,
            audit,
            Some(member.clone()),
            Some(Tried::LookUp),
            look,
        )
        .await
    }

    async fn note_and_look<T: Send + 'static>(
        &self,
        replay: ReplayKey,
        mut audit: AuditRow,
        member: Option<MemberId>,
        tried: Option<Tried>,
        look: impl FnOnce(&Page, Moment) -> T + Send + 'static,
    ) -> Result<Noted<Result<T, NotNoted>>, StoreError> {
        let keys = Keys {
            replay: Some(replay.0.clone()),
            person: audit.admin_id.clone(),
            member,
            ..Keys::default()
        };
        self.write(keys, move |page, now| {
            if !page.is_new_request(&replay.0, now) {
                return Noted {
                    decided: Err(NotNoted::Replayed),
                    untold: Vec::new(),
                };
            }
            audit.noted_at = now;
            let untold = audit
                .admin_id
                .clone()
                .map(|admin| take_untold(page, &admin, now))
                .unwrap_or_default();
            if let Some((admin, tried)) = audit.admin_id.clone().zip(tried) {
                if let Err(too_many) = may_command(&page.tried(&admin), now) {
                    page.audit(AuditRow {
                        outcome: too_many.code().to_owned(),
                        ..audit
                    });
                    return Noted {
                        decided: Err(NotNoted::TooMany(too_many)),
                        untold,
                    };
                }
                page.count_try(&admin, &replay.0, tried, now);
            }
            page.audit(audit);
            Noted {
                decided: Ok(look(page, now)),
                untold,
            }
        })
        .await
    }

    /// Changes a card of this member that is still open. The card after the change, or why nothing happened.
    pub async fn amend(
        &self,
        click: CardClick,
        member: &MemberId,
        amend: Amend,
    ) -> Result<Result<Amended, ClickRefused>, StoreError> {
        let keys = Keys {
            member: Some(member.clone()),
            ..click.keys()
        };
        self.write(keys, move |page, now| {
            let event = amend.event();
            let mut row = open_card(page, &click, event, now)?;
            amend.apply(&mut row, now);
            if note_seen(page, &mut row) {
                // A last look from before does not tell of that reset.
                row.edition = row.edition.saturating_add(1);
            }
            answer_at(&mut row, click.follow_up);
            page.audit(line(&row, event, "done", None, now));
            page.put(row.clone());
            Ok(Amended {
                earlier: earlier(page, &row, now),
                row,
            })
        })
        .await
    }

    /// Closes a card that is still open: the administrator gave it up.
    pub async fn cancel(
        &self,
        click: CardClick,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        self.write(click.keys(), move |page, now| {
            let mut row = open_card(page, &click, "cancel", now)?;
            enter(&mut row, State::Cancelled, now);
            answer_at(&mut row, click.follow_up);
            page.audit(line(&row, "cancel", "done", None, now));
            page.put(row.clone());
            Ok(row)
        })
        .await
    }

    /// A click on a message about a finished reset, such as "hide it": new bytes, and the clicker's own.
    pub async fn visit(
        &self,
        click: CardClick,
        event: &'static str,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        self.clicked(click, known_card, event).await
    }

    /// A form is about to be opened: nothing changes but where its answer will be told.
    pub async fn open_form(
        &self,
        click: CardClick,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        self.clicked(click, clickable_card, "open_form").await
    }

    async fn clicked(
        &self,
        click: CardClick,
        guard: fn(&mut Page, &CardClick, &'static str, Moment) -> Result<ResetRow, ClickRefused>,
        event: &'static str,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        self.write(click.keys(), move |page, now| {
            let mut row = guard(page, &click, event, now)?;
            answer_at(&mut row, click.follow_up);
            page.audit(line(&row, event, "done", None, now));
            page.put(row.clone());
            Ok(row)
        })
        .await
    }

    /// Writes down that a click was refused for a reason found outside the store. It counts as a refusal for `counted`,
    /// who is the administrator of the card.
    pub async fn refuse_click(
        &self,
        click: CardClick,
        code: &'static str,
        counted: Option<MemberId>,
    ) -> Result<Result<ResetRow, ClickRefused>, StoreError> {
        let keys = Keys {
            person: counted.clone(),
            ..click.keys()
        };
        self.write(keys, move |page, now| {
            let row = clickable_card(page, &click, "click", now)?;
            if let Some(admin) = counted.filter(|admin| *admin == row.admin_id) {
                page.count_try(&admin, &click.replay.0, Tried::RefusedClick, now);
            }
            page.audit(line(&row, "click", code, None, now));
            Ok(row)
        })
        .await
    }

    /// Offered → expired, when its time has come.
    pub async fn expire(&self, id: ResetId) -> Result<(), StoreError> {
        let keys = Keys {
            reset: Some(id),
            ..Keys::default()
        };
        self.write(keys, move |page, now| {
            if let Some(mut row) = page
                .reset(id)
                .filter(|row| row.state == State::Offered && row.expires_at <= now)
            {
                enter(&mut row, State::Expired, now);
                page.audit(line(&row, "expiry", "expired", None, now));
                page.put(row);
            }
        })
        .await
    }
}

/// What stands against a new card.
fn may_offer(page: &Page, row: &ResetRow, quota: Quota, now: Moment) -> Option<Denied> {
    if let Err(too_many) = may_command(&page.tried(&row.admin_id), now) {
        return Some(Denied::TooMany(too_many));
    }
    if let Some(admin_name) = at_work(page, &row.member_id, row.reset_id) {
        return Some(Denied::Busy { admin_name });
    }
    if is_disowned(page, row) {
        return Some(Denied::Disowned);
    }
    (quota.left == 0).then_some(Denied::Limit(quota))
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
        page.audit(AuditRow::of_chat(
            event,
            ClickRefused::NoSuchCard.code(),
            clicker,
            now,
        ));
        return Err(ClickRefused::NoSuchCard);
    };
    let owner = (row.platform, row.tenant.as_str(), row.chat_user.as_str());
    if owner
        != (
            clicker.platform,
            clicker.tenant.as_str(),
            clicker.user.as_str(),
        )
    {
        let refused = ClickRefused::NotYours {
            admin_name: row.admin_name,
        };
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

/// The administrator who is in the middle of another reset of the member.
pub(super) fn at_work(page: &Page, member: &MemberId, except: ResetId) -> Option<String> {
    page.resets()
        .find(|other| {
            other.member_id == *member && other.reset_id != except && other.state.is_active()
        })
        .map(|other| other.admin_name.clone())
}

/// When a reset changed the password, or may have: an unknown end counts like a change.
pub(super) fn begun_at(row: &ResetRow) -> Option<Moment> {
    row.changing_at.filter(|_| row.state != State::Refused)
}

/// The newest other reset of the member of this card that changed the password, or may have.
fn newest_change<'a>(page: &'a Page, row: &ResetRow) -> Option<&'a ResetRow> {
    let of_member = page
        .resets()
        .filter(|other| other.member_id == row.member_id && other.reset_id != row.reset_id);
    of_member
        .filter(|other| begun_at(other).is_some())
        .max_by_key(|other| (begun_at(other), other.reset_id))
}

/// What a face of this card has to warn of: the member's newest other reset, if it is not long ago.
pub(super) fn earlier(page: &Page, row: &ResetRow, now: Moment) -> Option<Earlier> {
    newest_change(page, row)
        .and_then(Earlier::of)
        .filter(|earlier| now - earlier.changed_at < CAREFUL_FOR)
}

/// The face that answers now warns of the member's newest reset. True if no face did before.
fn note_seen(page: &Page, row: &mut ResetRow) -> bool {
    let seen = newest_change(page, row)
        .map(|newest| newest.reset_id)
        .or(row.seen_reset_id);
    std::mem::replace(&mut row.seen_reset_id, seen) != seen
}

/// Another reset of the member changed the password, or may have, and this card's last look did not tell of it. The row
/// is marked, so that the next last look, which warns, can be confirmed.
pub(super) fn overtaken(page: &Page, row: &mut ResetRow) -> Option<Earlier> {
    let newest = newest_change(page, row)?;
    // One from before the card was told on it, or is older than the one that was.
    let is_told =
        row.seen_reset_id == Some(newest.reset_id) || begun_at(newest) < Some(row.offered_at);
    let told = Earlier::of(newest).filter(|_| !is_told)?;
    row.seen_reset_id = Some(newest.reset_id);
    row.edition = row.edition.saturating_add(1);
    Some(told)
}

/// The member said of their last reset that they had not asked for it, and it was the same administrator's.
pub(super) fn is_disowned(page: &Page, next: &ResetRow) -> bool {
    let of_member = page
        .resets()
        .filter(|row| row.member_id == next.member_id && begun_at(row).is_some());
    let last = of_member.max_by_key(|row| begun_at(row));
    last.is_some_and(|row| row.disowned_at.is_some() && row.admin_id == next.admin_id)
}

fn supersede(page: &mut Page, newer: &ResetRow, now: Moment) {
    let older: Vec<ResetRow> = page
        .resets()
        .filter(|row| {
            row.state == State::Offered
                && row.admin_id == newer.admin_id
                && row.member_id == newer.member_id
        })
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
        page.put(ResetRow {
            told_at: Some(now),
            ..row.clone()
        });
    }
    untold
}

fn offered_row(offer: &NewOffer, now: Moment) -> ResetRow {
    let NewOffer {
        requester,
        admin,
        member,
        ..
    } = offer;
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
        seen_reset_id: None,
        destination_digest: None,
        copy_digest: None,
        typed_digests: None,
    }
}
