//! The audit: one line for everything that was tried. Contacts are masked, secrets never enter.

use super::engine::{Tx, table};
use super::{ResetRow, Store, StoreError};
use crate::domain::{
    Carries, ChatUser, Delivery, LogLine, Member, MemberId, Moment, Platform, Reference, ResetId,
};

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
            /// The reason that the administrator gave for the reset.
            reason: Option<String>,
            /// Where `log` and `relatch resets --refused` show the line. Only then it has names.
            log_line: Option<LogLine>,
            admin_name: Option<String>,
            admin_email: Option<String>,
            member_name: Option<String>,
            member_email: Option<String>,
        }
        changing {}
    }
}

impl Store {
    /// Writes down what an operator did to the whole program, such as reading the settings again. `detail` holds no
    /// values of settings.
    pub async fn note_operation(
        &self,
        event: &'static str,
        outcome: &'static str,
        detail: String,
    ) -> Result<(), StoreError> {
        self.write(
            (event, outcome, detail),
            async |tx: &mut Tx, (event, outcome, detail): &(&'static str, &'static str, String)| {
                let line = AuditRow {
                    detail: Some(detail.clone()).filter(|detail| !detail.is_empty()),
                    ..AuditRow::of_operator(event, outcome, tx.now())
                };
                tx.insert(&line).await
            },
        )
        .await
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

/// Adds a line about a try that was refused, under the reset's own reference.
pub(super) async fn note_refused(
    tx: &mut Tx,
    row: &ResetRow,
    event: &str,
    outcome: &str,
) -> Result<(), StoreError> {
    let line = line(row, event, outcome, None, tx.now()).refused_for(row);
    tx.insert(&line).await
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
        reason: row.reason.clone(),
        ..AuditRow::of_operator(event, outcome, now)
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

/// What failed, so that another try may end otherwise: nobody was refused.
const OUTAGES: [&str; 4] = [
    "chat_unavailable",
    "directory_down",
    "directory_misconfigured",
    "store_down",
];

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
            reason: None,
            log_line: None,
            admin_name: None,
            admin_email: None,
            member_name: None,
            member_email: None,
        }
    }

    /// The same, shown by `log` and `relatch resets --refused`. An outage is no refusal.
    #[must_use]
    pub fn in_log(self, log_line: LogLine) -> Self {
        let is_outage = OUTAGES.contains(&self.outcome.as_str());
        Self {
            log_line: (log_line != LogLine::Refused || !is_outage).then_some(log_line),
            ..self
        }
    }

    /// The same with the name of an administrator.
    #[must_use]
    pub fn by(self, admin: &Member) -> Self {
        Self {
            admin_id: Some(admin.id.clone()),
            admin_name: Some(admin.name.clone()),
            admin_email: Some(admin.business_email.to_string()),
            ..self
        }
    }

    /// The same with the name of the member whom it is about.
    #[must_use]
    pub fn about(self, member: &Member) -> Self {
        Self {
            member_id: Some(member.id.clone()),
            member_name: Some(member.name.clone()),
            member_email: Some(member.business_email.to_string()),
            ..self
        }
    }

    /// The same for a try that was refused, with the names that its card has.
    pub(super) fn refused_for(self, card: &ResetRow) -> Self {
        Self {
            admin_name: Some(card.admin_name.clone()),
            admin_email: Some(card.admin_email.clone()),
            member_name: Some(card.member_name.clone()),
            member_email: Some(card.member_email.clone()),
            ..self
        }
        .in_log(LogLine::Refused)
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
