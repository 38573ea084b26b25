//! `log`: resets with what came of them, contacts that were added, and tries that were refused.

use super::words::{in_heading, message};
use crate::chat::Message;
use crate::clock::Zone;
use crate::domain::shorten::shorten;
use crate::domain::{Carries, LogLine, Moment, State};
use crate::store::{LogLineRow, Past, REMOVED_BY_NOT_ME};

/// How many characters of a reason stand in a line of the log.
const LONGEST_REASON: usize = 60;

/// The answer to `log`: the latest resets, added contacts and codes that were disowned, of one member or of all, the newest
/// first.
pub fn history(
    past: &[Past],
    noted: &[LogLineRow],
    of: Option<&str>,
    zone: &Zone,
    now: Moment,
) -> Message {
    let title = of.map_or_else(
        || "Resets".to_owned(),
        |member| format!("Resets of {}", in_heading(member)),
    );
    let resets = past.iter().map(|past| {
        let row = &past.reset;
        let at = row.claimed_at.unwrap_or(row.offered_at);
        (at, reset_line(past, zone, now))
    });
    let noted = noted
        .iter()
        .map(|row| (row.noted_at, noted_line(row, zone, now)));
    newest_first(title, resets.chain(noted).collect())
}

/// The answer to `log refused`: the latest tries that were refused and the latest added contacts.
pub fn refused(lines: &[LogLineRow], of: Option<&str>, zone: &Zone, now: Moment) -> Message {
    let title = of.map_or_else(
        || "Refused tries, and added contacts".to_owned(),
        |member| format!("Refused, and contacts added: {}", in_heading(member)),
    );
    let lines = lines
        .iter()
        .map(|row| (row.noted_at, noted_line(row, zone, now)));
    newest_first(title, lines.collect())
}

fn newest_first(title: String, mut lines: Vec<(Moment, String)>) -> Message {
    if lines.is_empty() {
        return message(title, ["None so far.".to_owned()]);
    }
    lines.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    message(title, lines.into_iter().map(|(_, line)| line))
}

fn reset_line(past: &Past, zone: &Zone, now: Moment) -> String {
    let row = &past.reset;
    let when = zone.tell(row.claimed_at.unwrap_or(row.offered_at), now);
    let way = row
        .delivery
        .map(|way| format!(" by {way}"))
        .unwrap_or_default();
    let slot = if past.is_slot_returned {
        ", no reset used"
    } else {
        ""
    };
    let state = state(row.state);
    let link = match row.link_used_at {
        Some(at) => format!(", link used {}", zone.tell(at, now)),
        None if row.carries == Carries::Link && row.delivering_at.is_some() => {
            ", link not used".to_owned()
        }
        None => String::new(),
    };
    let again = row
        .set_again_at
        .map(|at| format!(", set again {}", zone.tell(at, now)));
    let again = again.unwrap_or_default();
    let not_me = row
        .disowned_at
        .map(|at| format!(", \"this wasn't me\" {}", zone.tell(at, now)));
    let not_me = not_me.unwrap_or_default();
    let reason = reason(row.reason.as_deref());
    format!(
        "{when}  {} by {}{way}: {state}{not_me}{link}{again}{slot}{reason} (ref {})",
        row.member_name,
        row.admin_name,
        row.reset_id.reference()
    )
}

fn reason(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| {
        format!(", reason {}", shorten(reason, LONGEST_REASON))
    })
}

fn noted_line(row: &LogLineRow, zone: &Zone, now: Moment) -> String {
    let when = zone.tell(row.noted_at, now);
    let who = match (&row.admin_name, row.platform, &row.chat_user) {
        (Some(name), _, _) => name.clone(),
        (None, Some(platform), Some(user)) => format!("{platform} account {user}"),
        (None, _, _) => "somebody".to_owned(),
    };
    let reference = row.reference.as_deref();
    let reference = reference.map_or_else(String::new, |reference| format!(" (ref {reference})"));
    let member = row.member_name.as_deref();
    match row.log_line {
        LogLine::Refused => {
            let about = member.map_or_else(String::new, |member| format!(" about {member}"));
            let reason = reason(row.reason.as_deref());
            format!(
                "{when}  {who}, {}{about}: refused, {}{reason}{reference}",
                words(&row.event),
                words(&row.outcome)
            )
        }
        LogLine::NotMe => {
            let member = member.unwrap_or("a member");
            format!("{when}  {member} said of a code that was used: \"this wasn't me\"")
        }
        LogLine::Contact if row.outcome == REMOVED_BY_NOT_ME => {
            let contact = row.detail.as_deref().unwrap_or_default();
            let member = member.unwrap_or("a member");
            format!(
                "{when}  \"this wasn't me\" took the contact {contact} off the account of {member}"
            )
        }
        LogLine::Contact => {
            let contact = row.detail.as_deref().unwrap_or_default();
            let member = member.unwrap_or("a member");
            format!("{when}  {who} added the contact {contact} for {member}{reference}")
        }
    }
}

/// A code of the audit, as words.
fn words(code: &str) -> String {
    code.replace('_', " ")
}

/// How a reset stands, in a line of the log.
fn state(state: State) -> &'static str {
    match state {
        State::Offered => "offered",
        State::Claimed => "claimed",
        State::Changing => "changing",
        State::Changed => "changed",
        State::Delivering => "delivering",
        State::Delivered => "delivered",
        State::Undelivered => "undelivered",
        State::DeliveryUnknown => "delivery unknown",
        State::Refused => "refused",
        State::Cancelled => "cancelled",
        State::Expired => "expired",
        State::Superseded => "superseded",
        State::Unknown => "unknown",
        State::Lost => "lost",
    }
}
