//! What can still set a password after a reset: pages and links that were opened before it.

use super::words::{in_heading, message, with_reference};
use crate::chat::{Message, Warning};
use crate::clock::Zone;
use crate::directory::Capabilities;
use crate::domain::{Moment, State, Step};
use crate::store::{OwnLink, ResetRow, StepRow};

/// Stands where a page that was opened with an earlier password can outlive it.
pub(super) const OPEN_PAGE: &str = "A page that was opened with it can still set a new one.";

/// The directory's own link that was sent before.
pub fn link_still_works(link: &OwnLink, zone: &Zone, now: Moment) -> Warning {
    let (sent, until) = (zone.tell(link.sent_at, now), zone.tell(link.until, now));
    if link.is_certain {
        Warning::new(
            format!("A link sent at {sent} still works until {until}, unless it was used:"),
            "whoever has it can set a password after a reset too.",
        )
    } else {
        Warning::new(
            format!("A link may have been sent at {sent}."),
            format!(
                "It would work until {until}, and whoever has it could set a password after a reset too."
            ),
        )
    }
}

/// The same in a result, where nobody has set a password since.
pub(super) fn link_after_reset(
    row: &ResetRow,
    capabilities: Capabilities,
    link: Option<&OwnLink>,
    (zone, now): (&Zone, Moment),
) -> Option<Warning> {
    let may_work =
        capabilities.signs_members_in && row.changed_at.is_some() && row.set_again_at.is_none();
    link.filter(|_| may_work)
        .map(|link| link_still_works(link, zone, now))
}

/// What a result says of it: what was seen, else what is still possible and whether it is looked at.
pub(super) fn after_reset(
    (row, steps): (&ResetRow, &[StepRow]),
    capabilities: Capabilities,
    zone: &Zone,
    now: Moment,
) -> Vec<String> {
    if !capabilities.signs_members_in || row.changed_at.is_none() {
        return Vec::new();
    }
    let member = &row.member_name;
    let looks = match (row.set_again_at, row.password_set_at, row.look_at) {
        (Some(at), newest, _) => {
            let not_looked = newest.is_none().then(|| not_looked("another", member));
            Some(format!(
                "{} {}{}",
                was_set(member, at, zone, now),
                what_now(member),
                not_looked.unwrap_or_default()
            ))
        }
        (None, Some(_), Some(_)) => Some(
            "A page or a link from before can still set a password. I look 1, 10 and 60 minutes after the reset, and tell \
            you of a new one."
                .to_owned(),
        ),
        // All three times there was none.
        (None, Some(_), None) => None,
        (None, None, _) => Some(format!(
            "A page or a link from before can still set a password, and I can't look for one. Ask {member} later whether \
            theirs works."
        )),
    };
    let same_moment = (capabilities.must_change && has_lost_mark(steps)).then(|| {
        "Somebody may have set a password at the same moment: run the command again.".to_owned()
    });
    looks.into_iter().chain(same_moment).collect()
}

/// The change set a mark that asks for a new password, and it was gone at once: whoever sets one takes it away. Then the
/// time that later ones are compared with may be that of theirs.
fn has_lost_mark(steps: &[StepRow]) -> bool {
    let is_lost = |step: &StepRow| {
        step.step == Step::MustChange && step.detail.as_deref() == Some("not_in_force")
    };
    steps.iter().any(is_lost)
}

/// What the next command says of it: a new password, and looks that ended without an answer.
pub(super) fn since(row: &ResetRow, zone: &Zone, now: Moment) -> String {
    let member = &row.member_name;
    let again = row.set_again_at.map(|at| {
        format!(
            " {member} set a new password at {}; if it was not them, run the command again.",
            zone.tell(at, now)
        )
    });
    // In other states nobody has the password, and the command is to be run again anyhow.
    let may_have_it = matches!(row.state, State::Delivered | State::DeliveryUnknown);
    let what = if again.is_some() {
        "another"
    } else {
        "a password"
    };
    let not_looked = (may_have_it && was_not_looked_at(row)).then(|| not_looked(what, member));
    [again, not_looked].into_iter().flatten().collect()
}

/// True where the looks ended without an answer, or never began. What the sign-in asks for is noted for directories that
/// are looked at, and for no others.
fn was_not_looked_at(row: &ResetRow) -> bool {
    row.second_factors.is_some() && row.password_set_at.is_none()
}

fn not_looked(what: &str, member: &str) -> String {
    format!(" I could not look whether {what} was set since; ask {member} whether theirs works.")
}

/// A password was set after the reset: by the member, as they were asked to, or by somebody else.
pub fn set_again(row: &ResetRow, zone: &Zone, now: Moment) -> Message {
    let member = &row.member_name;
    let title = format!("{} set a new password", in_heading(member));
    let was_set = was_set(member, row.set_again_at.unwrap_or(now), zone, now);
    with_reference(
        &row.reset_id.reference(),
        message(title, [was_set, what_now(member)]),
    )
}

fn was_set(member: &str, at: Moment, zone: &Zone, now: Moment) -> String {
    format!("{member} set a new password at {}.", zone.tell(at, now))
}

fn what_now(member: &str) -> String {
    format!(
        "If it was {member}, they did what they were asked, and nothing is left to do. If not, somebody used a page or a \
        link from before: run the command again."
    )
}
