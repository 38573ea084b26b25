//! Resets: the row of a card and of the reset that came of it, how it is found, and what a move sets in it.

use super::StoreError;
use super::engine::{Connection, Table, params, sql, table};
use crate::domain::{
    Carries, ChatUser, Delivery, EmailAddress, Member, MemberId, Moment, Platform, ResetId, Span,
    State, Step,
};

/// How long after its deadline a process is taken for dead.
pub(super) const GIVEN_UP_AFTER: Span = Span::seconds(30);

table! {
    /// One offer and the reset that came of it.
    pub struct ResetRow in "reset" {
        key {
            /// The random 128-bit id, from which the `ref` is made.
            reset_id: ResetId,
        }
        fixed {
            /// Where it was asked for.
            platform: Platform,
            /// The workspace, guild or tenant.
            tenant: String,
            /// The chat account that asked.
            chat_user: String,
            /// The administrator in the directory; the limit counts this person.
            admin_id: MemberId,
            /// Their full name at that time.
            admin_name: String,
            /// Their business e-mail at that time.
            admin_email: String,
            /// The directory's immutable id, never the e-mail.
            member_id: MemberId,
            /// Their full name at that time.
            member_name: String,
            /// Their business e-mail at that time.
            member_email: String,
            /// The member's account in the chat, where they were named by a mention.
            member_chat_user: Option<String>,
            /// What the administrator wrote behind the member's name.
            reason: Option<String>,
            /// When the card was made.
            offered_at: Moment,
            /// When its buttons stop working.
            expires_at: Moment,
            /// From when on a contact that another administrator adds counts at once; none for since the card.
            contacts_since: Option<Moment>,
        }
        changing {
            /// Of the card while it is open, then of the reset.
            state: State,
            /// Rises with what the last look of the card shows: a way, a toggle, a copy, or another reset that it has to mention.
            edition: u16,
            /// The way that was chosen.
            delivery: Option<Delivery>,
            /// The full address of the delivery; erased when the reset is finished.
            destination: Option<String>,
            /// The masked address.
            destination_mask: Option<String>,
            /// The address was typed; it is not the one on record.
            is_typed: bool,
            /// What goes to the member.
            carries: Carries,
            /// S27: where the copy goes; none while the toggle is off.
            copy_to_self: Option<String>,
            /// S28: where a copy would go, when it was changed for this reset.
            copy_address: Option<String>,
            /// S38: the password is shown to the administrator too.
            also_show: bool,
            /// S10: when the administrator said that they can reach the member.
            reachable_at: Option<Moment>,
            /// The sealed address of follow-ups.
            reply: Option<String>,
            /// How long that address works.
            reply_until: Option<Moment>,
            /// The process that carries it out.
            owner: Option<String>,
            /// When that process has surely given up.
            deadline_at: Option<Moment>,
            /// A short word for what went wrong.
            failure: Option<String>,
            /// When it was confirmed and the slot was taken.
            claimed_at: Option<Moment>,
            /// When the change was about to begin.
            changing_at: Option<Moment>,
            /// When the directory had said yes.
            changed_at: Option<Moment>,
            /// When the delivery was about to begin.
            delivering_at: Option<Moment>,
            /// When it reached a state that nothing follows.
            finished_at: Option<Moment>,
            /// When the administrator was told how it ended.
            told_at: Option<Moment>,
            /// When the message that shows the password is to be replaced.
            hide_at: Option<Moment>,
            /// When the member said that they did not ask for it.
            disowned_at: Option<Moment>,
            /// When the link that was delivered was used.
            link_used_at: Option<Moment>,
            /// The masked address of the copy, once the reset is finished.
            copy_mask: Option<String>,
            /// The member's newest reset that the administrator was told of on this card.
            seen_reset_id: Option<ResetId>,
            /// The keyed digest of the destination; stays when the address is erased.
            destination_digest: Option<String>,
            /// The keyed digest of where the copy goes, or would go.
            copy_digest: Option<String>,
            /// Digests of typed addresses that were tried before another way was chosen, with spaces.
            typed_digests: Option<String>,
            /// Until when the link works that the directory was to send instead of a reset.
            own_link_until: Option<Moment>,
            /// When the directory had confirmed that it was sent.
            own_link_sent_at: Option<Moment>,
            /// What the directory's own sign-in asked for beside the password when it was set.
            second_factors: Option<String>,
            /// When the newest password was set that is known, by the directory's clock; none where that could not be read,
            /// at the reset or when the directory was asked last.
            password_set_at: Option<Moment>,
            /// When relatch looks next whether it was set again.
            look_at: Option<Moment>,
            /// When it was set again, by the directory's clock.
            set_again_at: Option<Moment>,
            /// When another administrator was about to be asked for a contact for its code; none if nobody could be.
            contact_asked_at: Option<Moment>,
            /// When that question had reached one.
            contact_sent_at: Option<Moment>,
            /// When the guide was sent in place of this reset.
            guided_at: Option<Moment>,
            /// The way that was asked about after a failed delivery; it is used once it is confirmed.
            proposed: Option<Delivery>,
            /// Its full address; erased when the way is used or given up.
            proposed_to: Option<String>,
            /// That address was typed; it is not the one on record.
            is_proposed_typed: bool,
        }
    }
}

pub(super) const BY_ID: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where reset_id = $1"
);

/// The administrator who is in the middle of another reset of the member.
pub(super) const ACTIVE_ADMIN: &str = "
    select admin_name
    from reset
    where member_id = $1
        and reset_id <> $2
        and state in ('claimed', 'changing', 'changed', 'delivering')";

/// An unknown end counts like a change.
pub(super) const NEWEST_CHANGE: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where member_id = $1
        and reset_id <> $2
        and changing_at is not null
        and state <> 'refused'
    order by changing_at desc
    limit 1"
);

/// Resets of the member whose password reached nobody and can still be delivered another way.
pub(super) const WAITING: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where member_id = $1
        and state = 'undelivered'
        and finished_at is null"
);

/// The reset of the member that is being carried out.
pub(super) const ACTIVE: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where member_id = $1
        and state in ('claimed', 'changing', 'changed', 'delivering')"
);

pub(super) async fn find(
    connection: &mut Connection,
    id: ResetId,
) -> Result<Option<ResetRow>, StoreError> {
    connection.maybe(BY_ID, params![id]).await
}

/// The name of the administrator who is in the middle of another reset of the member.
pub(super) async fn active_admin(
    connection: &mut Connection,
    member: &MemberId,
    except: Option<ResetId>,
) -> Result<Option<String>, StoreError> {
    let except = except.map_or_else(String::new, |id| id.to_string());
    let found: Option<(String,)> = connection
        .maybe(ACTIVE_ADMIN, params![member, except])
        .await?;
    Ok(found.map(|(admin_name,)| admin_name))
}

/// The newest other reset of the member of this card that changed the password, or may have.
pub(super) async fn newest_change(
    connection: &mut Connection,
    card: &ResetRow,
) -> Result<Option<ResetRow>, StoreError> {
    connection
        .maybe(NEWEST_CHANGE, params![card.member_id, card.reset_id])
        .await
}

/// The member's resets that wait for another way of delivery.
pub(super) async fn waiting(
    connection: &mut Connection,
    member: &MemberId,
) -> Result<Vec<ResetRow>, StoreError> {
    connection.all(WAITING, params![member]).await
}

/// A reset of the member that is being carried out or waits for another way, unless its process is taken for dead.
pub(super) async fn under_way(
    connection: &mut Connection,
    member: &MemberId,
) -> Result<Option<ResetRow>, StoreError> {
    if let Some(row) = waiting(connection, member).await?.into_iter().next() {
        return Ok(Some(row));
    }
    active(connection, member).await
}

/// The reset of the member that is being carried out, unless its process is taken for dead.
pub(super) async fn active(
    connection: &mut Connection,
    member: &MemberId,
) -> Result<Option<ResetRow>, StoreError> {
    let active: Option<ResetRow> = connection.maybe(ACTIVE, params![member]).await?;
    let now = connection.now();
    Ok(active.filter(|row| !row.is_given_up(now)))
}

/// When a reset changed the password, or may have: an unknown end counts like a change.
pub(super) fn begun_at(row: &ResetRow) -> Option<Moment> {
    row.changing_at.filter(|_| row.state != State::Refused)
}

/// Sets the state and its time; a state that nothing follows also erases the address.
pub(super) fn enter(row: &mut ResetRow, state: State, now: Moment) {
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

/// Nothing follows: the addresses are erased, and of the copy the mask stays.
pub(super) fn finish(row: &mut ResetRow, now: Moment) {
    row.finished_at = Some(now);
    row.copy_mask = copy_mask(row).or(row.copy_mask.take());
    (row.destination, row.copy_to_self, row.copy_address) = (None, None, None);
    forget_proposed(row);
}

/// No way is asked about any more.
pub(super) fn forget_proposed(row: &mut ResetRow) {
    (row.proposed, row.proposed_to, row.is_proposed_typed) = (None, None, false);
}

/// Where the copy goes, masked.
fn copy_mask(row: &ResetRow) -> Option<String> {
    row.copy_to_self
        .as_deref()?
        .parse()
        .ok()
        .map(|copy: EmailAddress| copy.masked())
}

/// A person as a card names them.
pub(super) struct Named {
    id: MemberId,
    name: String,
    email: String,
}

impl Named {
    pub(super) fn new(member: &Member) -> Self {
        Self {
            id: member.id.clone(),
            name: member.name.clone(),
            email: member.business_email.to_string(),
        }
    }
}

impl ResetRow {
    /// A card on which nothing is chosen yet.
    pub(super) fn offered(
        reset_id: ResetId,
        requester: ChatUser,
        (admin, member): (Named, Named),
        (offered_at, expires_at): (Moment, Moment),
    ) -> Self {
        Self {
            reset_id,
            platform: requester.platform,
            tenant: requester.tenant,
            chat_user: requester.user,
            admin_id: admin.id,
            admin_name: admin.name,
            admin_email: admin.email,
            member_id: member.id,
            member_name: member.name,
            member_email: member.email,
            member_chat_user: None,
            reason: None,
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
            reply: None,
            reply_until: None,
            owner: None,
            deadline_at: None,
            failure: None,
            offered_at,
            expires_at,
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
            own_link_until: None,
            guided_at: None,
            own_link_sent_at: None,
            second_factors: None,
            password_set_at: None,
            look_at: None,
            set_again_at: None,
            contact_asked_at: None,
            contact_sent_at: None,
            contacts_since: None,
            proposed: None,
            proposed_to: None,
            is_proposed_typed: false,
        }
    }

    pub(super) fn requester(&self) -> ChatUser {
        ChatUser {
            platform: self.platform,
            tenant: self.tenant.clone(),
            user: self.chat_user.clone(),
        }
    }

    pub(super) fn admin(&self) -> Named {
        Named {
            id: self.admin_id.clone(),
            name: self.admin_name.clone(),
            email: self.admin_email.clone(),
        }
    }

    pub(super) fn member(&self) -> Named {
        Named {
            id: self.member_id.clone(),
            name: self.member_name.clone(),
            email: self.member_email.clone(),
        }
    }

    /// True when the card looks the same in both.
    pub fn has_same_content(&self, other: &Self) -> bool {
        let content = |row: &Self| {
            (
                row.state,
                row.edition,
                row.reachable_at,
                row.copy_to_self.clone(),
                row.copy_address.clone(),
                row.also_show,
            )
        };
        content(self) == content(other)
    }

    /// The password was set and reached nobody; another way can be chosen while it is in memory.
    pub fn is_waiting_for_another_way(&self) -> bool {
        self.state == State::Undelivered && self.finished_at.is_none()
    }

    /// True where the process that carries it out is taken for dead.
    pub(super) fn is_given_up(&self, now: Moment) -> bool {
        self.deadline_at.is_none_or(|at| at <= now - GIVEN_UP_AFTER)
    }

    /// From when on a contact that another administrator adds counts at once for its code (S42).
    pub fn contacts_from(&self) -> Moment {
        self.contacts_since.unwrap_or(self.offered_at)
    }

    /// True for the chat account that asked for it.
    pub fn is_of(&self, user: &ChatUser) -> bool {
        (self.platform, &self.tenant, &self.chat_user) == (user.platform, &user.tenant, &user.user)
    }

    /// What leaves, or is shown, when it is delivered as it was chosen.
    pub fn outputs(&self) -> Vec<Step> {
        let copies = self.copy_to_self.as_ref().map(|_| Step::CopyToSelf);
        let shows = (self.also_show && self.delivery != Some(Delivery::Copy)).then_some(Step::Show);
        [Some(Step::Deliver), copies, shows]
            .into_iter()
            .flatten()
            .collect()
    }

    /// Keyed digests of every address that the administrator of this reset typed for the password, or had a copy sent to
    /// (S41).
    pub fn typed_addresses(&self) -> Vec<String> {
        let typed = self.destination_digest.clone().filter(|_| self.is_typed);
        let copied = self
            .copy_digest
            .clone()
            .filter(|_| self.copy_to_self.is_some() || self.copy_mask.is_some());
        let earlier = self
            .typed_digests
            .iter()
            .flat_map(|digests| digests.split(' ').map(str::to_owned));
        typed.into_iter().chain(copied).chain(earlier).collect()
    }

    /// The masks of such addresses of which an older version kept no digest.
    pub fn typed_masks(&self) -> Vec<String> {
        let typed = self
            .destination_mask
            .clone()
            .filter(|_| self.is_typed && self.destination_digest.is_none());
        let copied = self
            .copy_mask
            .clone()
            .or_else(|| copy_mask(self))
            .filter(|_| self.copy_digest.is_none());
        typed.into_iter().chain(copied).collect()
    }

    /// The keyed digest of the contact on record that the password or the link goes to.
    pub fn carried_to(&self) -> Option<&str> {
        self.destination_digest
            .as_deref()
            .filter(|_| !self.is_typed)
    }

    /// Its mask, where an older version kept no digest.
    pub fn carried_mask(&self) -> Option<&str> {
        self.destination_mask
            .as_deref()
            .filter(|_| !self.is_typed && self.destination_digest.is_none())
    }

    /// True where an address was chosen by an older version, which kept no digest of it: nobody could tell later where
    /// the password went.
    pub fn lacks_digest(&self) -> bool {
        let is_without = |address: &Option<String>, digest: &Option<String>| {
            address.is_some() && digest.is_none()
        };
        is_without(&self.destination, &self.destination_digest)
            || is_without(&self.copy_to_self, &self.copy_digest)
    }
}
