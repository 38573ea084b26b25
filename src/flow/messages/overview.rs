//! Help and rules; and what is told about resets that have ended.

use super::not_me::not_me_rule;
use super::open_ways;
use super::words::{NOTHING_CHANGED, count, in_heading, message, with_reference};
use crate::chat::Message;
use crate::clock::Zone;
use crate::domain::policy::Rule;
use crate::domain::{Denied, Moment, Reference, Span, State};
use crate::store::{ResetRow, Why};

/// `help`, or the command alone.
pub fn help(offer_lifetime: Span, resets: u32, window: Span) -> Message {
    message(
        "Reset a member's login password",
        [
            "/reset-password @member, or their work email, then anything as a reason: shows a card; nothing changes before you confirm."
                .to_owned(),
            "/reset-password why @member: which rules would hold, without changing anything.".to_owned(),
            "/reset-password log, or /reset-password log @member: what happened; /reset-password log refused: what was not allowed."
                .to_owned(),
            "/reset-password contact @member, then a phone or private email: where codes for them may go.".to_owned(),
            format!("You can make {resets} resets in {window}. A card works for {offer_lifetime}. Passwords are shown or sent once."),
        ],
    )
}

/// `why`: every rule, and whether it holds.
pub fn rules(
    member_name: &str,
    outcomes: &[(Rule, Result<(), Denied>)],
    why: &Why,
    (zone, now): (&Zone, Moment),
    reference: &Reference,
) -> Message {
    let quota = why.quota;
    let mark = |holds: bool| if holds { "✓" } else { "✗" };
    let name = |rule: Rule| match rule {
        Rule::CallerMayReset => "you may reset passwords".to_owned(),
        Rule::NotOneself => format!("{member_name} is not you"),
        Rule::RankSuffices => format!("{member_name} is no primary admin, or you are one"),
        Rule::LoginMethod => format!("{member_name} signs in with a business email"),
        Rule::Status => "the account is Active or Inactive".to_owned(),
        Rule::Unguarded => "the directory lets the account be reset from here".to_owned(),
    };
    let mut lines: Vec<String> = outcomes
        .iter()
        .map(|(rule, outcome)| format!("{} {}", mark(outcome.is_ok()), name(*rule)))
        .collect();
    lines.push(format!("{} {}", mark(quota.left > 0), count(quota)));
    lines.push(match &why.busy {
        Some(admin) => format!("✗ {admin} is resetting them right now"),
        None => "✓ nobody else is resetting them".to_owned(),
    });
    let disowned = why.disowned.as_ref();
    lines.extend(disowned.map(|disowned| not_me_rule(member_name, disowned, zone, now)));
    lines.push(format!("{NOTHING_CHANGED} (ref {reference})"));
    message(
        format!("Could you reset {}?", in_heading(member_name)),
        lines,
    )
}

/// What an administrator has not heard yet: a message of its own beside the answer to a command. A line each.
pub fn news(lines: Vec<String>) -> Message {
    message("Since your last command", lines)
}

/// A line about an earlier reset whose result the administrator has not seen.
pub fn untold(row: &ResetRow, zone: &Zone, now: Moment) -> String {
    let (member, reference) = (&row.member_name, row.reset_id.reference());
    let when = zone.tell(row.claimed_at.unwrap_or(row.offered_at), now);
    let what = match row.state {
        State::Delivered if row.failure.is_some() => {
            "it was changed, but not every output was accepted; ask them whether they have it, and if not run the command again"
        }
        State::Delivered => "it was changed and delivered",
        State::Undelivered if row.is_waiting_for_another_way() => {
            "it was changed but not delivered, and the old password no longer works; choose another way below its result, or run the command again"
        }
        State::Undelivered | State::Lost => {
            "it was changed but not delivered, and the old password no longer works; run the command again"
        }
        State::DeliveryUnknown => {
            "it was changed, but nobody can say whether it arrived; ask them, and if not run the command again"
        }
        State::Unknown => {
            "nobody can say whether it was changed, and nobody has a new one; run the command again to be sure"
        }
        State::Refused => "nothing was changed and no reset was used",
        State::Offered
        | State::Claimed
        | State::Changing
        | State::Changed
        | State::Delivering
        | State::Cancelled
        | State::Expired
        | State::Superseded => "it is not finished",
    };
    let since = open_ways::since(row, zone, now);
    format!("About your reset of {member} at {when}: {what}.{since} (ref {reference})")
}

/// The member signed in with the password of a reset and set one of their own.
pub fn used(row: &ResetRow, zone: &Zone, now: Moment) -> Message {
    let title = format!("{} set a new password", in_heading(&row.member_name));
    let line = format!(
        "{} signed in and set a new password at {}. Nothing left to do.",
        row.member_name,
        zone.tell(now, now)
    );
    with_reference(&row.reset_id.reference(), message(title, [line]))
}

/// The member said that they did not ask for a reset.
pub fn disowned(row: &ResetRow, has_security: bool) -> Message {
    let (member, reference) = (&row.member_name, row.reset_id.reference());
    let security = if has_security {
        ", and the security team is being told"
    } else {
        ""
    };
    with_reference(
        &reference,
        message(
            format!("{} says they did not ask for this", in_heading(member)),
            [format!(
                "The password is blocked{security}. Talk to {member}; another admin has to make the next reset."
            )],
        ),
    )
}
