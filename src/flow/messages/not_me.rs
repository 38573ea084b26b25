//! "This wasn't me": what a member said of a reset, on cards, in answers to commands, in results and by e-mail.

use crate::app::Organization;
use crate::chat::Warning;
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
        The password was blocked at that, and every session ended. Until another administrator has reset {member}, {admin} cannot.\n\
        Talk to both before anybody resets {member} again.\n",
        zone.tell_with_zone(at),
        reset.reset_id.reference()
    );
    Note::new(
        format!("{} password reset: \"this wasn't me\"", organization.name),
        text,
    )
}

/// What whoever reset the member last does next.
pub(super) const ANOTHER_MAKES_NEXT: &str =
    "Talk to them; another admin has to make the next reset.";
/// The same to others. Beside the administrator's name "them" would not say whom.
pub(super) fn before_next(member_name: &str) -> String {
    format!("Talk to {member_name} before any new reset.")
}

/// What a member said of their last reset, in `why`.
fn not_me_warning(member_name: &str, earlier: &Earlier, zone: &Zone, now: Moment) -> String {
    let whose = format!("{}'s", earlier.admin_name);
    let said = said(member_name, &whose, &zone.tell(earlier.changed_at, now));
    format!("{said} {}", before_next(member_name))
}

/// The same, told with the next command of an administrator who has not heard it. `is_own` where they made the reset,
/// `is_over` where there was another one since.
pub fn not_me_line(
    row: &ResetRow,
    is_own: bool,
    is_over: bool,
    zone: &Zone,
    now: Moment,
) -> String {
    let at = row.changed_at.or(row.changing_at).unwrap_or(row.offered_at);
    let admins = format!("{}'s", row.admin_name);
    let whose = if is_own { "your" } else { &admins };
    let said = said(&row.member_name, whose, &zone.tell(at, now));
    let what_now = if is_over {
        "There was another reset since.".to_owned()
    } else if is_own {
        ANOTHER_MAKES_NEXT.to_owned()
    } else {
        before_next(&row.member_name)
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
    format!("✗ {said} {ANOTHER_MAKES_NEXT}")
}

/// What a member said of a code that took the place of their password, told with the next command of a primary
/// administrator who has not heard it. `is_closed` is false where a newer
/// password was set before or after it was said.
pub fn code_not_me_line(
    (member_name, is_closed): (&str, bool),
    used_at: Moment,
    zone: &Zone,
    now: Moment,
) -> String {
    let said = said_of_code(member_name, used_at, zone, now);
    let what_now = if is_closed {
        "Their account is closed."
    } else {
        "A password was set since then."
    };
    format!("{said} {what_now} Talk to them, and look at their contacts.")
}

pub(super) fn said_of_code(member_name: &str, used_at: Moment, zone: &Zone, now: Moment) -> String {
    let when = zone.tell(used_at, now);
    format!("{member_name} said of the code that was used at {when}: this wasn't me.")
}

/// The same in the result of the reset itself.
pub(super) fn not_me_in_result(row: &ResetRow) -> Option<Warning> {
    row.disowned_at?;
    let said = said_of_this(&row.member_name);
    Some(Warning::new(said, ANOTHER_MAKES_NEXT))
}

/// What a member said of the reset that a message is about.
pub(super) fn said_of_this(member_name: &str) -> String {
    format!("{member_name} said of this reset: this wasn't me.")
}

pub(super) fn said(member_name: &str, whose: &str, when: &str) -> String {
    format!("{member_name} said of {whose} reset at {when}: this wasn't me.")
}
