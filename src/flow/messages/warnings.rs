//! What has to be read before a button of a card is pressed. Cards and last looks warn of it in every message, as it is then.

use super::not_me::{before_next, said, said_of_code};
use super::open_ways::{OPEN_PAGE, link_still_works};
use crate::chat::Warning;
use crate::clock::Zone;
use crate::directory::Capabilities;
use crate::domain::{Moment, Quota};
use crate::store::{Earlier, OwnLink};

/// What a card warns of.
pub(super) struct WarnedOf<'a> {
    pub(super) member_name: &'a str,
    /// What the member's directory can enforce.
    pub(super) directory: Capabilities,
    /// The member's last reset.
    pub(super) earlier: Option<&'a Earlier>,
    /// The directory's own link that was sent before and may still work.
    pub(super) own_link: Option<&'a OwnLink>,
    /// How many resets the administrator has left; it is warned of where it is nearly used up.
    pub(super) quota: Option<Quota>,
    pub(super) zone: &'a Zone,
    pub(super) now: Moment,
}

/// The warnings of a card, the worst first: a platform may leave out the end of a long card.
pub(super) fn warnings(of: &WarnedOf<'_>) -> Vec<Warning> {
    let (zone, now) = (of.zone, of.now);
    let about = (of.member_name, of.directory);
    let earlier = of
        .earlier
        .map(|earlier| earlier_reset(earlier, about, zone, now));
    let own_link = of.own_link.map(|link| link_still_works(link, zone, now));
    let limit = of.quota.and_then(|quota| limit(quota, zone, now));
    earlier.into_iter().chain(own_link).chain(limit).collect()
}

/// The member's last reset, if it was a short time ago, or if they said that they did not ask for it.
pub fn earlier_reset(
    earlier: &Earlier,
    (member_name, directory): (&str, Capabilities),
    zone: &Zone,
    now: Moment,
) -> Warning {
    let when = zone.tell_at(earlier.changed_at, now);
    if earlier.is_disowned {
        return disowned_reset(member_name, earlier, zone, now);
    }
    let who = if earlier.is_own {
        "You"
    } else {
        earlier.admin_name.as_str()
    };
    let since = if earlier.is_since_card {
        ", after you opened this card"
    } else {
        ""
    };
    let (bold, rest) = match (earlier.is_certain, earlier.is_since_card) {
        (true, true) => (
            format!("{who} reset {member_name} {when}{since}."),
            "Going on makes that password useless.",
        ),
        (true, false) => (
            format!(
                "{who} reset {member_name} {};",
                zone.tell_past(earlier.changed_at, now)
            ),
            "if you go on, that password stops working.",
        ),
        (false, _) => (
            format!("{who} tried to reset {member_name} {when}{since}."),
            "If the password changed, that one stops working when you go on.",
        ),
    };
    if directory.signs_members_in {
        Warning::new(bold, format!("{rest} {OPEN_PAGE}"))
    } else {
        Warning::new(bold, rest)
    }
}

/// What a member said of their last reset.
fn disowned_reset(member_name: &str, earlier: &Earlier, zone: &Zone, now: Moment) -> Warning {
    let whose = if earlier.is_own {
        "your".to_owned()
    } else {
        format!("{}'s", earlier.admin_name)
    };
    let when = zone.tell(earlier.changed_at, now);
    Warning::new(said(member_name, &whose, &when), before_next(member_name))
}

/// What a member said of a code that took the place of their password.
pub fn disowned_code(member_name: &str, used_at: Moment, zone: &Zone, now: Moment) -> Warning {
    Warning::new(
        said_of_code(member_name, used_at, zone, now),
        "Check with them which contacts on record are theirs: the next code goes there too.",
    )
}

/// The end of the administrator's quota, where it is near. A limit of one reset is no news.
pub fn limit(quota: Quota, zone: &Zone, now: Moment) -> Option<Warning> {
    let next_at = quota.next_at?;
    match quota.left {
        0 => Some(Warning::new(
            format!("You have no reset left until {}.", zone.tell(next_at, now)),
            "This card can reset nobody before that.",
        )),
        1 => Some(Warning::new(
            "You have 1 reset left.".to_owned(),
            format!("One more comes back {}.", zone.tell_at(next_at, now)),
        )),
        _ => None,
    }
}
