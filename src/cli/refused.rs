//! `relatch resets --refused`: tries that were refused, and contacts that were added, as a table, JSON or CSV.

use serde::Serialize;

use super::formats::{in_spreadsheet, print_json};
use super::{Failure, print, say};
use crate::clock::rfc3339;
use crate::domain::{EmailAddress, Moment, Platform};
use crate::store::{LogLineFilter, LogLineRow, MemberKey, Store};

/// The columns of the CSV, and the keys of the JSON.
const COLUMNS: [&str; 11] = [
    "at",
    "kind",
    "ref",
    "event",
    "outcome",
    "admin",
    "member",
    "platform",
    "chat_user",
    "detail",
    "reason",
];

#[derive(Serialize)]
struct LineJson {
    at: String,
    /// "refused" or "contact".
    kind: &'static str,
    #[serde(rename = "ref")]
    reference: Option<String>,
    event: String,
    outcome: String,
    /// The business e-mail, else the name; none where only the chat account is known.
    admin: Option<String>,
    member: Option<String>,
    platform: Option<&'static str>,
    chat_user: Option<String>,
    /// The masked contact, or the way of delivery.
    detail: Option<String>,
    reason: Option<String>,
}

impl LineJson {
    fn of(row: LogLineRow) -> Self {
        Self {
            at: rfc3339(row.noted_at),
            kind: row.log_line.as_str(),
            reference: row.reference,
            event: row.event,
            outcome: row.outcome,
            admin: row.admin_email.or(row.admin_name),
            member: row.member_email.or(row.member_name),
            platform: row.platform.map(Platform::as_str),
            chat_user: row.chat_user,
            detail: row.detail,
            reason: row.reason,
        }
    }

    /// In the order of [`COLUMNS`].
    fn fields(&self) -> [&str; 11] {
        [
            &self.at,
            self.kind,
            self.reference.as_deref().unwrap_or_default(),
            &self.event,
            &self.outcome,
            self.admin.as_deref().unwrap_or_default(),
            self.member.as_deref().unwrap_or_default(),
            self.platform.unwrap_or_default(),
            self.chat_user.as_deref().unwrap_or_default(),
            self.detail.as_deref().unwrap_or_default(),
            self.reason.as_deref().unwrap_or_default(),
        ]
    }

    fn line(&self) -> String {
        let or_none = |field: &Option<String>| field.clone().unwrap_or_else(|| "–".to_owned());
        let account = self.platform.zip(self.chat_user.as_deref());
        let account = account.map(|(platform, user)| format!("{platform} {user}"));
        let reason = self.reason.as_deref();
        format!(
            "{} {:<7} {:<5} {:<28} {:<28} {:<13} {:<20} {} {}",
            self.at,
            self.kind,
            or_none(&self.reference),
            or_none(&self.admin.clone().or(account)),
            or_none(&self.member),
            self.event,
            self.outcome,
            self.detail.as_deref().unwrap_or_default(),
            reason.map_or_else(String::new, |reason| format!("reason: {reason}"))
        )
        .trim_end()
        .to_owned()
    }
}

/// Lists the lines, the newest first, page by page.
pub(super) async fn print_all(
    store: &Store,
    (admin, member): (Option<&EmailAddress>, Option<&EmailAddress>),
    since: Option<Moment>,
    format: &str,
) -> Result<(), Failure> {
    let mut filter = LogLineFilter {
        admin_email: admin.map(EmailAddress::key),
        member_email: member.map(EmailAddress::key),
        since,
        ..LogLineFilter::default()
    };
    if let Some(email) = member {
        // What was noted under an earlier address is theirs too.
        let found = store.find_members(&[MemberKey::Email(email.key())]).await?;
        filter.member = found.into_iter().flatten().next().map(|row| row.member_id);
    }
    let mut is_first = true;
    loop {
        let rows = store.log_line_page(&filter).await?;
        filter.before = rows.last().map(|row| row.seq);
        let shown: Vec<LineJson> = rows.into_iter().map(LineJson::of).collect();
        match format {
            "json" => print_json(&shown, is_first)?,
            "csv" => print_csv(&shown, is_first)?,
            _ => print_table(&shown, is_first)?,
        }
        if filter.before.is_none() {
            return Ok(());
        }
        is_first = false;
    }
}

fn print_table(rows: &[LineJson], is_first: bool) -> Result<(), Failure> {
    if is_first && rows.is_empty() {
        return say("no try was refused and no contact was added");
    }
    rows.iter().try_for_each(|row| say(&row.line()))
}

fn print_csv(rows: &[LineJson], is_first: bool) -> Result<(), Failure> {
    let said = |error: &dyn std::error::Error| Failure::Said(error.to_string());
    let mut writer = csv::Writer::from_writer(Vec::new());
    if is_first {
        writer.write_record(COLUMNS).map_err(|error| said(&error))?;
    }
    for row in rows {
        let fields = row.fields().map(in_spreadsheet);
        writer
            .write_record(fields.iter().map(AsRef::as_ref))
            .map_err(|error| said(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| said(&error))?;
    print(&String::from_utf8(bytes).map_err(|error| said(&error))?)
}
