//! The confirming click. When it returns, the slot is taken and the intent is recorded, or nothing was changed.

use std::sync::Arc;

use tokio::time::Instant;
use tracing::Instrument;

use super::people::ResetPair;
use super::permit::{self, Permitted};
use super::reaction::{Halt, Next, Reaction};
use super::refuse::{card_click, refuse};
use super::reply::{address, answer_refusal, in_place, seal};
use super::{another_way, card, choose, messages};
use crate::app::{App, QueuedReset};
use crate::chat::{Adapter, Boxes, Chat, Freshness, Origin};
use crate::domain::{Carries, Channel, ResetId, State};
use crate::store::{ClickRefused, ResetRow};

/// Takes a slot for the reset and queues it. `edition` is that of the last look which the click saw, and `boxes` is what was
/// ticked on it.
pub(super) async fn confirm(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    id: ResetId,
    (edition, boxes): (Option<u16>, Boxes),
) -> Result<Reaction, Halt> {
    let permitted = permit::of_click(app, chat, origin, id, Freshness::Cached).await?;
    if permitted.row.state == State::Undelivered {
        return Box::pin(another_way::confirmed(app, origin, permitted, edition)).await;
    }
    let Permitted {
        is_private,
        row,
        pair,
        permit,
    } = permitted;
    if !pair.member.member.has_outside_contact() && row.reachable_at.is_none() {
        let told = choose::not_reachable(app, origin, &row, is_private);
        return Err(refuse(app, origin, id, "not_reachable", told).await);
    }
    let reply = seal(app, id, origin.reply.as_ref())?;
    // If the boxes differ from the record, or one is missing, a tick was lost: the click counts as stale.
    let edition = edition.filter(|_| {
        boxes.agree_with(row.copy_to_self.is_some(), row.also_show)
            && (!chat.has_boxes() || has_every_box(app, &row, boxes, is_private))
    });
    let reserved = app
        .store
        .reserve(permit, edition, card_click(origin, id, reply))
        .instrument(tracing::debug_span!("reservation"))
        .await;
    let refusal = match reserved {
        Ok((reservation, row, quota)) => {
            let queued = QueuedReset {
                reservation,
                platform: row.platform,
                quota,
                reply: address(app, origin, &row),
                since: Instant::now(),
                told: Arc::default(),
                span: tracing::Span::current(),
            };
            return Ok(Reaction::Work(Next::Reset(Box::new(queued))));
        }
        Err(error) => error.refusal()?,
    };
    if matches!(refusal, ClickRefused::Stale | ClickRefused::Overtaken) {
        return Box::pin(last_look_again(app, origin, row, (&pair, is_private))).await;
    }
    Ok(answer_refusal(app, origin, id, &refusal, Some(&row)))
}

/// True where the click tells of every box that the last look has.
fn has_every_box(app: &App, row: &ResetRow, boxes: Boxes, is_private: bool) -> bool {
    let is_password = row.carries == Carries::Password;
    let is_sent = row
        .delivery
        .is_some_and(|delivery| delivery.channel().is_some());
    let has_copy_box = is_password && app.deliveries.has(Channel::Email);
    let has_show_box = is_password && is_sent && is_private;
    (!has_copy_box || boxes.copy_to_self.is_some()) && (!has_show_box || boxes.also_show.is_some())
}

/// The last look that was confirmed is out of date: it is drawn again, as things are now.
async fn last_look_again(
    app: &Arc<App>,
    origin: &Origin,
    seen: ResetRow,
    (pair, is_private): (&ResetPair, bool),
) -> Result<Reaction, Halt> {
    let id = seen.reset_id;
    let Some(present) = app.store.present_card(id).await? else {
        let unknown = ClickRefused::NoSuchCard;
        return Ok(answer_refusal(app, origin, id, &unknown, Some(&seen)));
    };
    let content = card::last_look(app, &present, pair, is_private).await?;
    let content = messages::stale(content, &id.reference());
    Ok(in_place(app, origin, present.row, content))
}
