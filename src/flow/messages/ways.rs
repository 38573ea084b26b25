//! The buttons of the ways of delivery, on a card and after a failed delivery.

use super::words::button;
use crate::chat::{Action, Button, Style};
use crate::delivery::Deliveries;
use crate::domain::{Channel, Delivery, Member};

/// The buttons of the ways of delivery that this member has.
pub(super) fn delivery_buttons(
    member: &Member,
    channels: &Deliveries,
    is_private: bool,
    value: &str,
) -> Vec<Button> {
    let may_know = is_private && !channels.ways.is_strict;
    let has: Vec<Channel> = Channel::ALL
        .iter()
        .copied()
        .filter(|channel| channels.has(*channel))
        .collect();
    let plain = |action, label: String| button(action, label, value, Style::Plain);
    let copy = may_know.then(|| {
        let copy = Action::Choose(Delivery::Copy);
        plain(copy, "Copy: I tell them myself".to_owned())
    });
    let on_record = has.iter().filter_map(|channel| {
        let to = channel.on_record(member)?;
        let label = format!("{} {}", channel.facts().label, to.masked());
        Some(plain(Action::Choose(channel.delivery()), label))
    });
    let other = (may_know && !has.is_empty()).then(|| {
        let label = "Another phone or email …".to_owned();
        plain(Action::DeliverOther, label)
    });
    copy.into_iter().chain(on_record).chain(other).collect()
}
