//! The buttons of the ways of delivery, on a card and after a failed delivery.

use super::words::button;
use crate::chat::{Action, Button, Style};
use crate::delivery::Deliveries;
use crate::domain::{Channel, Delivery, Member};

/// The buttons of the ways of delivery that this member has: the contacts on record first, and the other ways in a row of
/// their own. The first contact is the usual choice.
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
    let on_record = has.iter().filter_map(|channel| {
        let to = channel.on_record(member)?;
        let label = format!("{} {}", channel.facts().send_to, to.masked());
        let action = Action::Choose(channel.delivery());
        Some(button(action, label, value, Style::Plain))
    });
    let mut buttons: Vec<Button> = on_record.collect();
    if let Some(first) = buttons.first_mut() {
        first.style = Style::Primary;
    }
    let copy = may_know.then_some((Action::Choose(Delivery::Copy), "Copy: I tell them myself"));
    let other =
        (may_know && !has.is_empty()).then_some((Action::DeliverOther, "Another phone or email …"));
    let others = copy.into_iter().chain(other);
    let others = others.map(|(action, label)| button(action, label, value, Style::Plain));
    buttons.extend(in_own_row(others.collect()));
    buttons
}

/// The same buttons, beginning a row.
pub(super) fn in_own_row(mut buttons: Vec<Button>) -> Vec<Button> {
    if let Some(first) = buttons.first_mut() {
        first.starts_row = true;
    }
    buttons
}
