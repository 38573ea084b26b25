//! The audit: one line for everything that was tried. Contacts are masked, secrets never enter.

use super::StoreError;
use super::engine::{Tx, table};
use super::resets::ResetRow;
use crate::domain::{Carries, ChatUser, Delivery, MemberId, Moment, Platform, Reference, ResetId};

table! {
    /// One line of the audit. Contacts are masked, secrets never enter.
    pub struct AuditRow in "audit" {
        key {}
        fixed {
            noted_at: Moment,
            event: String,
            outcome: String,
            /// The short name told in the message.
            reference: Option<String>,
            platform: Option<Platform>,
            /// The workspace, guild or tenant.
            tenant: Option<String>,
            chat_user: Option<String>,
            admin_id: Option<MemberId>,
            member_id: Option<MemberId>,
            reset_id: Option<ResetId>,
            detail: Option<String>,
        }
        changing {}
    }
}

/// Adds a line about a reset, under its own reference.
pub(super) async fn note(
    tx: &mut Tx,
    row: &ResetRow,
    event: &str,
    outcome: &str,
) -> Result<(), StoreError> {
    tx.insert(&line(row, event, outcome, None, tx.now())).await
}

/// A line about a reset.
pub(super) fn line(
    row: &ResetRow,
    event: &str,
    outcome: &str,
    reference: Option<&Reference>,
    now: Moment,
) -> AuditRow {
    AuditRow {
        noted_at: now,
        event: event.to_owned(),
        outcome: outcome.to_owned(),
        reference: Some(
            reference.map_or_else(|| row.reset_id.reference().to_string(), ToString::to_string),
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
            .or_else(|| row.delivery.map(|way| described(row, way))),
    }
}

/// The way of delivery, and whether it went where the record says or where somebody typed.
fn described(row: &ResetRow, way: Delivery) -> String {
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
