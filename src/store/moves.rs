//! What every move of a reset has in common: its state and times, where it is answered, and its line in the audit.

use super::cards::{Choice, SealedReply};
use super::rows::{AuditRow, ResetRow};
use crate::domain::{
    Carries, ChatUser, Delivery, Destination, EmailAddress, MemberId, Moment, Reference, State,
};

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

pub(super) fn answer_at(row: &mut ResetRow, follow_up: Option<SealedReply>) {
    if let Some(reply) = follow_up {
        (row.reply, row.reply_until) = (Some(reply.sealed), Some(reply.until));
    }
}

pub(super) fn finish(row: &mut ResetRow, now: Moment) {
    row.finished_at = Some(now);
    row.copy_mask = copy_mask(row).or(row.copy_mask.take());
    (row.destination, row.copy_to_self, row.copy_address) = (None, None, None);
}

/// Where the copy goes, masked.
fn copy_mask(row: &ResetRow) -> Option<String> {
    row.copy_to_self
        .as_deref()?
        .parse()
        .ok()
        .map(|copy: EmailAddress| copy.masked())
}

/// A typed address that was tried gets no code, also when another way is chosen after it (S41).
pub(super) fn note_typed(row: &mut ResetRow) {
    if let Some(digest) = row.destination_digest.as_ref().filter(|_| row.is_typed) {
        let earlier = row
            .typed_digests
            .take()
            .map(|earlier| format!("{earlier} "))
            .unwrap_or_default();
        row.typed_digests = Some(format!("{earlier}{digest}"));
    }
}

impl ResetRow {
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

    /// The same as masks, as far as no digest was kept: of resets that were made by an older version.
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

    /// The same as a mask, as far as no digest was kept.
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

pub(super) fn choose(row: &mut ResetRow, choice: &Choice) {
    row.edition = row.edition.saturating_add(1);
    row.delivery = Some(choice.delivery);
    row.destination = choice.to.as_ref().map(|to| to.full().to_owned());
    row.destination_mask = choice.to.as_ref().map(Destination::masked);
    row.is_typed = choice.is_typed;
    row.destination_digest.clone_from(&choice.digest);
    row.carries = choice.carries;
    if row.carries == Carries::Link {
        // What was switched on for a password that is shown: beside a link there is none to copy.
        (row.copy_to_self, row.also_show) = (None, false);
    }
}

/// A line of the audit about a reset.
pub(super) fn line(
    row: &ResetRow,
    event: &'static str,
    outcome: &str,
    reference: Option<Reference>,
    now: Moment,
) -> AuditRow {
    AuditRow {
        noted_at: now,
        event: event.to_owned(),
        outcome: outcome.to_owned(),
        reference: Some(
            reference
                .unwrap_or_else(|| row.reset_id.reference())
                .to_string(),
        ),
        platform: Some(row.platform),
        tenant: Some(row.tenant.clone()),
        chat_user: Some(row.chat_user.clone()),
        admin_id: Some(row.admin_id.clone()),
        member_id: Some(row.member_id.clone()),
        reset_id: Some(row.reset_id),
        detail: row
            .failure
            .clone()
            .or_else(|| row.delivery.map(|way| told_way(row, way))),
    }
}

/// The way, and whether it went where the record says or where somebody typed.
fn told_way(row: &ResetRow, way: Delivery) -> String {
    let link = if row.carries == Carries::Link {
        ", link"
    } else {
        ""
    };
    match &row.destination_mask {
        Some(mask) if row.is_typed => format!("{way}{link}, typed: {mask}"),
        Some(mask) => format!("{way}{link}: {mask}"),
        None => way.to_string(),
    }
}

impl AuditRow {
    /// A line about what an operator did, before anything else is known.
    pub(super) fn of_operator(event: &str, outcome: &str, now: Moment) -> Self {
        Self {
            noted_at: now,
            event: event.to_owned(),
            outcome: outcome.to_owned(),
            reference: None,
            platform: None,
            tenant: None,
            chat_user: None,
            admin_id: None,
            member_id: None,
            reset_id: None,
            detail: None,
        }
    }

    /// A line about a member at their own pages.
    pub fn of_member(event: &str, outcome: &str, member: &MemberId, now: Moment) -> Self {
        Self {
            member_id: Some(member.clone()),
            ..Self::of_operator(event, outcome, now)
        }
    }

    /// A line about a chat account, before anything else is known.
    pub fn of_chat(event: &str, outcome: &str, user: &ChatUser, now: Moment) -> Self {
        Self {
            platform: Some(user.platform),
            tenant: Some(user.tenant.clone()),
            chat_user: Some(user.user.clone()),
            ..Self::of_operator(event, outcome, now)
        }
    }
}
