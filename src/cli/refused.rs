//! `relatch resets --refused`: tries that were refused, and contacts that were added, as a table, JSON or CSV.

use serde::Serialize;

use super::formats::{in_spreadsheet, print_json};
use super::table::TextTable;
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

const LISTED: TextTable<9> = TextTable([
    ("ref", 5),
    ("at", 24),
    ("kind", 7),
    ("administrator", 28),
    ("member", 28),
    ("event", 13),
    ("outcome", 20),
    ("detail", 20),
    ("reason", 0),
]);

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

    /// As a row of the table.
    fn line(&self) -> String {
        let account = self.platform.zip(self.chat_user.as_deref());
        let account = account.map(|(platform, user)| format!("{platform} {user}"));
        LISTED.row([
            self.reference.as_deref().unwrap_or("–"),
            &self.at,
            self.kind,
            self.admin.as_deref().or(account.as_deref()).unwrap_or("–"),
            self.member.as_deref().unwrap_or("–"),
            &self.event,
            &self.outcome,
            self.detail.as_deref().unwrap_or("–"),
            self.reason.as_deref().unwrap_or_default(),
        ])
    }
}

/// Lists the lines, the newest first, page by page.
pub(super) async fn print_all(
    store: &Store,
    (admin, member): (Option<&EmailAddress>, Option<&EmailAddress>),
    since: Option<Moment>,
    format: &str,
) -> Result<(), Failure> {
    let is_of_all = admin.is_none() && member.is_none() && since.is_none();
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
            _ => print_table(&shown, is_first, is_of_all)?,
        }
        if filter.before.is_none() {
            return Ok(());
        }
        is_first = false;
    }
}

/// Prints one page of the table. The first one begins with the header.
fn print_table(rows: &[LineJson], is_first: bool, is_of_all: bool) -> Result<(), Failure> {
    if is_first && rows.is_empty() {
        return say(if is_of_all {
            "No refused try and no added contact is on record."
        } else {
            "No refused try and no added contact on record fits these options."
        });
    }
    if is_first {
        say(&LISTED.header())?;
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
