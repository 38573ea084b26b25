//! Choosing a way of delivery (S22–S25). Before the act it only leads to the last look. After an undelivered act it leads to
//! a question, and what is confirmed there delivers the password.

use std::sync::Arc;

use super::amend::amend_last_look;
use super::choice::{choice, choosable};
use super::permit::{self, Permitted, extra_of};
use super::reaction::{Halt, Reaction};
use super::refuse::{refusal_text, refuse};
use super::{another_way, messages};
use crate::app::App;
use crate::chat::interaction::CardAsk;
use crate::chat::{Chat, Freshness, Message, Origin};
use crate::domain::delivery::{ExtraDenied, Way};
use crate::domain::{Delivery, ResetId, State};
use crate::store::{Amend, ClickRefused, ResetRow};

/// A click on a way of delivery: Copy, or a contact on record.
pub(super) async fn on_record(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    id: ResetId,
    delivery: Delivery,
) -> Result<Reaction, Halt> {
    let permitted = permit::of_click(app, chat, origin, id, Freshness::Cached).await?;
    let row = &permitted.row;
    let extra = extra_of(CardAsk::Choose(delivery));
    let carried = (row.carries, permitted.is_private);
    permit::check_extra(app, origin, id, extra, carried).await?;
    permit::check_can_be_shown(app, origin, row, delivery == Delivery::Copy).await?;
    let member = &permitted.pair.member.member;
    let way = match delivery.channel() {
        Some(channel) => channel.on_record(member).map(Way::Send),
        None => Some(Way::Copy),
    };
    choose(app, origin, permitted, way, false).await
}

/// Chooses a way of delivery; none where the contact has left the record. `is_typed` is true for an address that was typed
/// and does not count as one on record.
pub(super) async fn choose(
    app: &Arc<App>,
    origin: &Origin,
    permitted: Permitted,
    way: Option<Way>,
    is_typed: bool,
) -> Result<Reaction, Halt> {
    let row = &permitted.row;
    let way = match choosable(app, &permitted, way) {
        Ok(way) => way,
        Err((code, why)) => {
            let told = if why == ClickRefused::NotReachable {
                not_reachable(app, origin, row, permitted.is_private)
            } else {
                refusal_text(app, origin, &why, Some(row), &row.reset_id.reference())
            };
            return Err(refuse(app, origin, row.reset_id, code, told).await);
        }
    };
    let choice = choice(app, &permitted.pair.member.member.id, way, is_typed);
    if row.state == State::Undelivered {
        Box::pin(another_way::choose(app, origin, permitted, choice)).await
    } else {
        amend_last_look(app, origin, &permitted, Amend::Choose(choice)).await
    }
}

/// S10: no contact is on record. What to do then depends on what the settings and the chat allow.
pub(super) fn not_reachable(
    app: &App,
    origin: &Origin,
    row: &ResetRow,
    is_private: bool,
) -> Message {
    let reference = row.reset_id.reference();
    // Saying that they can be reached is of no use where no other way is allowed.
    let denied = if app.deliveries.ways.is_strict {
        Some(ExtraDenied::Strict)
    } else {
        (!is_private).then_some(ExtraDenied::NotPrivate)
    };
    denied.map_or_else(
        || {
            refusal_text(
                app,
                origin,
                &ClickRefused::NotReachable,
                Some(row),
                &reference,
            )
        },
        |denied| messages::extra_denied(denied, &reference),
    )
}
