//! `relatch resets`: lists resets as a table, JSON or CSV.

use clap::Args;
use serde::Serialize;

use super::formats::{in_spreadsheet, print_json};
use super::table::TextTable;
use super::{Failure, build, print, refused, say};
use crate::clock::{Clock, rfc3339};
use crate::config::Settings;
use crate::domain::{EmailAddress, Moment, Span};
use crate::store::{HistoryFilter, Past, Store, Use};

const LISTED: TextTable<9> = TextTable([
    ("ref", 4),
    ("confirmed", 24),
    ("administrator", 28),
    ("member", 28),
    ("way", 6),
    ("state", 16),
    ("slot", 8),
    ("\"this wasn't me\"", 24),
    ("reason", 0),
]);

/// Which resets, and how.
#[derive(Args)]
pub(super) struct ResetsOptions {
    /// By this administrator.
    #[arg(long, value_name = "EMAIL", value_parser = EmailAddress::typed)]
    admin: Option<EmailAddress>,
    /// Of this member.
    #[arg(long, value_name = "EMAIL", value_parser = EmailAddress::typed)]
    member: Option<EmailAddress>,
    /// Within this time, such as 24h.
    #[arg(long)]
    since: Option<Span>,
    /// Tries that were refused, and contacts that were added, instead.
    #[arg(long)]
    refused: bool,
    /// table, json or csv.
    #[arg(long, default_value = "table", value_parser = ["table", "json", "csv"])]
    format: String,
}

impl ResetsOptions {
    fn asks_for_all(&self) -> bool {
        self.admin.is_none() && self.member.is_none() && self.since.is_none()
    }
}

#[derive(Serialize)]
struct ResetJson {
    #[serde(rename = "ref")]
    reference: String,
    id: String,
    admin: String,
    member: String,
    platform: &'static str,
    delivery: Option<&'static str>,
    state: &'static str,
    reserved_at: Option<String>,
    changed_at: Option<String>,
    slot: &'static str,
    carries: &'static str,
    link_used_at: Option<String>,
    /// What the administrator wrote behind the member's name.
    reason: Option<String>,
    /// When the member said "this wasn't me".
    disowned_at: Option<String>,
    steps: Vec<StepJson>,
}

#[derive(Serialize)]
struct StepJson {
    step: &'static str,
    outcome: &'static str,
    detail: Option<String>,
    at: String,
}

impl ResetJson {
    fn of(past: Past) -> Self {
        let Past {
            reset,
            steps,
            is_slot_returned,
        } = past;
        Self {
            reference: reset.reset_id.reference().to_string(),
            id: reset.reset_id.to_string(),
            admin: reset.admin_email,
            member: reset.member_email,
            platform: reset.platform.as_str(),
            delivery: reset.delivery.map(crate::domain::Delivery::as_str),
            state: reset.state.as_str(),
            reserved_at: reset.claimed_at.map(rfc3339),
            changed_at: reset.changed_at.map(rfc3339),
            slot: if is_slot_returned { "returned" } else { "used" },
            carries: reset.carries.as_str(),
            link_used_at: reset.link_used_at.map(rfc3339),
            reason: reset.reason,
            disowned_at: reset.disowned_at.map(rfc3339),
            steps: steps
                .into_iter()
                .map(|step| StepJson {
                    step: step.step.as_str(),
                    outcome: step.outcome.as_str(),
                    detail: step.detail,
                    at: rfc3339(step.noted_at),
                })
                .collect(),
        }
    }
}

/// Lists the resets, newest first. They are read and printed page by page, so that a long history does not fill the memory
/// or slow down a running `serve`.
pub(super) async fn run(settings: Settings, options: ResetsOptions) -> Result<(), Failure> {
    let (store, tasks) = build::open_store(&settings, Use::Beside).await?;
    let since = options.since.map(|span| Clock::System.now() - span);
    let printed = if options.refused {
        let whose = (options.admin.as_ref(), options.member.as_ref());
        refused::print_all(&store, whose, since, &options.format).await
    } else {
        print_all(&store, &options, since).await
    };
    drop(store);
    tasks.finish().await;
    printed
}

async fn print_all(
    store: &Store,
    options: &ResetsOptions,
    since: Option<Moment>,
) -> Result<(), Failure> {
    let mut filter = HistoryFilter {
        admin_email: options.admin.as_ref().map(EmailAddress::key),
        member_email: options.member.as_ref().map(EmailAddress::key),
        since,
        ..HistoryFilter::default()
    };
    let mut is_first = true;
    loop {
        let past = store.history(&filter).await?;
        filter.before = past
            .last()
            .and_then(|past| Some((past.reset.claimed_at?, past.reset.reset_id)));
        let shown: Vec<ResetJson> = past.into_iter().map(ResetJson::of).collect();
        match options.format.as_str() {
            "json" => print_json(&shown, is_first)?,
            "csv" => print_csv(&shown, is_first)?,
            _ => print_table(&shown, is_first, options)?,
        }
        if filter.before.is_none() {
            return Ok(());
        }
        is_first = false;
    }
}

/// Prints one page of the table. The first one begins with the header.
fn print_table(rows: &[ResetJson], is_first: bool, options: &ResetsOptions) -> Result<(), Failure> {
    if is_first && rows.is_empty() {
        return say(if options.asks_for_all() {
            "No reset is on record."
        } else {
            "No reset on record fits these options."
        });
    }
    if is_first {
        say(&LISTED.header())?;
    }
    rows.iter().try_for_each(|row| {
        say(&LISTED.row([
            &row.reference,
            row.reserved_at.as_deref().unwrap_or("–"),
            &row.admin,
            &row.member,
            row.delivery.unwrap_or("–"),
            row.state,
            row.slot,
            row.disowned_at.as_deref().unwrap_or_default(),
            row.reason.as_deref().unwrap_or_default(),
        ]))
    })
}

fn print_csv(rows: &[ResetJson], is_first: bool) -> Result<(), Failure> {
    let said = |error: &dyn std::error::Error| Failure::Said(error.to_string());
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = [
        "ref",
        "id",
        "admin",
        "member",
        "platform",
        "delivery",
        "state",
        "reserved_at",
        "changed_at",
        "slot",
        "steps",
        "reason",
        "disowned_at",
    ];
    if is_first {
        writer.write_record(header).map_err(|error| said(&error))?;
    }
    for row in rows {
        let steps: Vec<String> = row
            .steps
            .iter()
            .map(|step| format!("{}={}", step.step, step.outcome))
            .collect();
        let steps = steps.join(" ");
        let fields = [
            &row.reference,
            &row.id,
            &row.admin,
            &row.member,
            row.platform,
            row.delivery.unwrap_or_default(),
            row.state,
            row.reserved_at.as_deref().unwrap_or_default(),
            row.changed_at.as_deref().unwrap_or_default(),
            row.slot,
            steps.as_str(),
            row.reason.as_deref().unwrap_or_default(),
            row.disowned_at.as_deref().unwrap_or_default(),
        ]
        .map(in_spreadsheet);
        writer
            .write_record(fields.iter().map(AsRef::as_ref))
            .map_err(|error| said(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| said(&error))?;
    print(&String::from_utf8(bytes).map_err(|error| said(&error))?)
}
