//! "This wasn't me": what a member said of a reset, on cards, in answers to commands, in results and by e-mail.

use crate::app::Organization;
use crate::clock::Zone;
use crate::delivery::Note;
use crate::domain::Moment;
use crate::store::{Earlier, ResetRow};

/// To the security address and the primary administrators: a member says that they did not ask for a reset.
pub fn alarm(organization: &Organization, reset: &ResetRow, zone: &Zone) -> Note {
    let (member, admin) = (&reset.member_name, &reset.admin_name);
    let at = reset
        .changed_at
        .or(reset.changing_at)
        .unwrap_or(reset.offered_at);
    let reason = match &reset.reason {
        Some(reason) => format!("The reason that {admin} gave: {reason}"),
        None => format!("{admin} gave no reason."),
    };
    let text = format!(
        "{member} says that they did not ask for the reset that {admin} made on {} (ref {}).\n{reason}\n\
        The password is blocked and every session has ended. {admin} cannot make the next reset of {member}.\n\
        Talk to both before anybody resets {member} again.\n",
        zone.tell_with_zone(at),
        reset.reset_id.reference()
    );
    Note::new(
        format!("{} password reset: \"this wasn't me\"", organization.name),
        text,
    )
}

/// What a member said of their last reset, on cards and last looks.
pub fn not_me_warning(member_name: &str, earlier: &Earlier, zone: &Zone, now: Moment) -> String {
    let whose = format!("{}'s", earlier.admin_name);
    let said = said(member_name, &whose, &zone.tell(earlier.changed_at, now));
    format!("{said} Talk to them before any new reset.")
}

/// The same, told with the next command of an administrator who has not heard it. `is_own` where they made the reset.
pub fn not_me_line(row: &ResetRow, is_own: bool, zone: &Zone, now: Moment) -> String {
    let at = row.changed_at.or(row.changing_at).unwrap_or(row.offered_at);
    let admins = format!("{}'s", row.admin_name);
    let whose = if is_own { "your" } else { &admins };
    let said = said(&row.member_name, whose, &zone.tell(at, now));
    let what_now = if is_own {
        "Talk to them; another admin has to make the next reset."
    } else {
        "Talk to them before any new reset."
    };
    format!("{said} {what_now} (ref {})", row.reset_id.reference())
}

/// The same in `why`, where the administrator who made it may not make the next one.
pub(super) fn not_me_rule(
    member_name: &str,
    (earlier, is_own): &(Earlier, bool),
    zone: &Zone,
    now: Moment,
) -> String {
    if !is_own {
        return not_me_warning(member_name, earlier, zone, now);
    }
    let said = said(member_name, "your", &zone.tell(earlier.changed_at, now));
    format!("✗ {said} Another admin has to make the next reset.")
}

/// The same in the result of the reset itself.
pub(super) fn not_me_in_result(row: &ResetRow) -> Option<String> {
    row.disowned_at?;
    let member = &row.member_name;
    Some(format!(
        "{member} said of this reset: this wasn't me. Talk to them; another admin has to make the next one."
    ))
}

fn said(member_name: &str, whose: &str, when: &str) -> String {
    format!("{member_name} said of {whose} reset at {when}: this wasn't me.")
}
