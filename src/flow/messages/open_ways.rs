//! What can still set a password after a reset: pages and links that were opened before it.

use super::words::message;
use crate::chat::Message;
use crate::clock::Zone;
use crate::directory::Capabilities;
use crate::domain::Moment;
use crate::store::{OwnLink, ResetRow};

/// Stands where a page that was opened with an earlier password can outlive it.
pub(super) const OPEN_PAGE: &str = "A page that was opened with it can still set a new one.";

/// The directory's own link that was sent before.
pub fn link_still_works(link: &OwnLink, zone: &Zone, now: Moment) -> String {
    let (sent, until) = (zone.tell(link.sent_at, now), zone.tell(link.until, now));
    if link.is_certain {
        format!(
            "A link sent at {sent} still works until {until}, unless it was used: whoever has it can set a password after \
            a reset too."
        )
    } else {
        format!(
            "A link may have been sent at {sent}. It would work until {until}, and whoever has it could set a password \
            after a reset too."
        )
    }
}

/// What a result says of it: what was seen, else what is still possible and whether it is looked at.
pub(super) fn after_reset(
    row: &ResetRow,
    capabilities: Capabilities,
    link: Option<&OwnLink>,
    zone: &Zone,
    now: Moment,
) -> Vec<String> {
    if !capabilities.signs_members_in || row.changed_at.is_none() {
        return Vec::new();
    }
    let member = &row.member_name;
    let looks = match (row.set_again_at, row.password_set_at, row.look_at) {
        (Some(at), ..) => Some(format!(
            "{member} set a new password at {}. {}",
            zone.tell(at, now),
            what_now(member)
        )),
        (None, Some(_), Some(_)) => Some(
            "A page or a link from before can still set a password. I look 1, 10 and 60 minutes after the reset, and tell \
            you of a new one."
                .to_owned(),
        ),
        // The last look saw none.
        (None, Some(_), None) => None,
        (None, None, _) => Some(format!(
            "A page or a link from before can still set a password, and I can't look for one. Ask {member} later whether \
            theirs works."
        )),
    };
    let link = link
        .filter(|_| row.set_again_at.is_none())
        .map(|link| link_still_works(link, zone, now));
    link.into_iter().chain(looks).collect()
}

/// A password was set after the reset: by the member, as they were asked to, or by somebody else.
pub fn set_again(row: &ResetRow, zone: &Zone, now: Moment) -> Message {
    let member = &row.member_name;
    let at = zone.tell(row.set_again_at.unwrap_or(now), now);
    message(
        format!("{member} set a new password at {at}."),
        [format!(
            "{} (ref {})",
            what_now(member),
            row.reset_id.reference()
        )],
    )
}

fn what_now(member: &str) -> String {
    format!(
        "If it was {member}, they did what they were asked, and nothing is left to do. If not, somebody used a page or a \
        link from before: run the command again."
    )
}
