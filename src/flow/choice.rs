//! The way of delivery that a click chose: whether it can be chosen and how it is recorded.

use super::contacts;
use super::permit::Permitted;
use crate::app::App;
use crate::domain::delivery::Way;
use crate::domain::{Delivery, MemberId};
use crate::store::{Choice, ClickRefused};

/// The way, or why it cannot be chosen, with the word for the audit: the member is not reachable, or there is no contact
/// or no channel.
pub(super) fn choosable(
    app: &App,
    permitted: &Permitted,
    way: Option<Way>,
) -> Result<Way, (&'static str, ClickRefused)> {
    let (row, member) = (&permitted.row, &permitted.pair.member.member);
    if !member.has_outside_contact() && row.reachable_at.is_none() {
        return Err(("not_reachable", ClickRefused::NotReachable));
    }
    match way {
        None => Err(("nothing_chosen", ClickRefused::NothingChosen)),
        Some(Way::Send(to)) if !app.deliveries.has(to.channel()) => {
            Err(("channel_off", ClickRefused::NothingChosen))
        }
        Some(way) => Ok(way),
    }
}

/// The choice as it is recorded.
pub(super) fn choice(app: &App, member: &MemberId, way: Way, is_typed: bool) -> Choice {
    let (delivery, to) = match way {
        Way::Copy => (Delivery::Copy, None),
        Way::Send(to) => (to.delivery(), Some(to)),
    };
    let digest = to.as_ref().map(|to| contacts::digest(app, member, to));
    Choice {
        delivery,
        to,
        is_typed,
        carries: app.deliveries.ways.carried_by(delivery),
        digest,
    }
}
