//! Changes of a card. Nothing happens outside; the card is drawn again in its place.

use std::sync::Arc;

use super::permit::{self, Permitted, extra_of};
use super::reaction::{Halt, Reaction};
use super::refuse::card_click;
use super::reply::{answer_refusal, halt_with_refusal, in_place, seal};
use super::{another_way, card, contacts, messages};
use crate::app::App;
use crate::chat::interaction::{CardAsk, CardChange};
use crate::chat::{Boxes, Chat, Freshness, Message, Origin};
use crate::domain::channel::DestinationDenied;
use crate::domain::{Destination, ResetId, State};
use crate::store::{Amend, Amended, ResetRow, Ticked};

/// A click that changes a card. `edition` is that of the last look which the click saw.
pub(super) async fn change(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    id: ResetId,
    (change, edition, boxes): (CardChange, Option<u16>, Boxes),
) -> Result<Reaction, Halt> {
    let permitted = permit::of_click(app, chat, origin, id, Freshness::Cached).await?;
    let carried = (permitted.row.carries, permitted.is_private);
    let extra = extra_of(CardAsk::Amend(change));
    permit::check_extra(app, origin, id, extra, carried).await?;
    permit::check_can_be_shown(app, origin, &permitted.row, false).await?;
    let ticked = |says: Option<bool>| says.map_or(Ticked::ChangesOver(edition), Ticked::Is);
    match change {
        CardChange::Reachable => amend_ways(app, origin, &permitted, Amend::Reachable).await,
        CardChange::Back if permitted.row.state == State::Undelivered => {
            Box::pin(another_way::back(app, origin, permitted)).await
        }
        CardChange::Back => amend_ways(app, origin, &permitted, Amend::Back).await,
        CardChange::CopyToSelf => {
            switch_copy(app, origin, &permitted, ticked(boxes.copy_to_self)).await
        }
        CardChange::AlsoShow => {
            amend_last_look(
                app,
                origin,
                &permitted,
                Amend::AlsoShow(ticked(boxes.also_show)),
            )
            .await
        }
    }
}

/// S27: the administrator's copy, on or off: what its box says, else changed over. It never goes to the mailbox that is being
/// reset.
async fn switch_copy(
    app: &Arc<App>,
    origin: &Origin,
    permitted: &Permitted,
    says: Ticked,
) -> Result<Reaction, Halt> {
    let mail = permitted.pair.admin.member.business_email.clone();
    let member = &permitted.pair.member.member;
    let row = &permitted.row;
    let is_on_then = says.after(row.copy_to_self.is_some());
    if is_on_then && row.copy_address.is_none() && member.has_mailbox(&mail) {
        let denied = DestinationDenied::BusinessEmail;
        let reference = permitted.row.reset_id.reference();
        let told = messages::destination_refused(&denied, &member.name, &reference);
        return refuse_tick(app, origin, permitted, "destination", told).await;
    }
    let digest = contacts::digest(app, &member.id, &Destination::Email(mail.clone()));
    amend_last_look(
        app,
        origin,
        permitted,
        Amend::CopyToSelf(mail, digest, says),
    )
    .await
}

/// Refuses to change a box, and draws the last look again with the reason: on Slack the box shows the tick that was refused.
async fn refuse_tick(
    app: &Arc<App>,
    origin: &Origin,
    permitted: &Permitted,
    code: &'static str,
    told: Message,
) -> Result<Reaction, Halt> {
    let id = permitted.row.reset_id;
    let reply = seal(app, id, origin.reply.as_ref())?;
    let refused = app
        .store
        .refuse_tick(card_click(origin, id, reply), code)
        .await;
    let present = match refused {
        Ok(present) => present,
        Err(error) => {
            let why = error.refusal()?;
            let row = &permitted.row;
            return Err(halt_with_refusal(app, origin, id, &why, Some(row)));
        }
    };
    let look = card::last_look(app, &present, &permitted.pair, permitted.is_private).await?;
    let look = messages::with_reason(look, told);
    Ok(in_place(app, origin, present.row, look))
}

/// Changes the card and draws its ways of delivery.
async fn amend_ways(
    app: &Arc<App>,
    origin: &Origin,
    permitted: &Permitted,
    change: Amend,
) -> Result<Reaction, Halt> {
    let member = &permitted.pair.member.member;
    let about = card::about_contacts(app, &permitted.row, member).await?;
    let own_link = card::own_link(app, &member.id).await?;
    let amended = record_change(app, origin, &permitted.row, change).await?;
    let (is_private, now) = (permitted.is_private, origin.received_at);
    let about = (&about, own_link.as_ref());
    let content = card::ways(app, member, &amended, is_private, about, now);
    let content = card::with_code_warning(app, member, content).await?;
    Ok(in_place(app, origin, amended.row, content))
}

/// Changes what would be done, and draws the last look with it.
pub(super) async fn amend_last_look(
    app: &Arc<App>,
    origin: &Origin,
    permitted: &Permitted,
    change: Amend,
) -> Result<Reaction, Halt> {
    let amended = record_change(app, origin, &permitted.row, change).await?;
    let content = card::last_look(app, &amended, &permitted.pair, permitted.is_private).await?;
    Ok(in_place(app, origin, amended.row, content))
}

/// Records a change of a card.
async fn record_change(
    app: &Arc<App>,
    origin: &Origin,
    row: &ResetRow,
    change: Amend,
) -> Result<Amended, Halt> {
    let id = row.reset_id;
    let reply = seal(app, id, origin.reply.as_ref())?;
    let click = card_click(origin, id, reply);
    match app.store.amend(click, change).await {
        Ok(amended) => Ok(amended),
        Err(error) => {
            let why = error.refusal()?;
            let present = app.store.reset(id).await?;
            Err(halt_with_refusal(app, origin, id, &why, present.as_ref()))
        }
    }
}

/// Closes the card. Everybody may close their own, so no right is read.
pub(super) async fn close(app: &Arc<App>, origin: &Origin, id: ResetId) -> Result<Reaction, Halt> {
    let reply = seal(app, id, origin.reply.as_ref())?;
    match app.store.cancel(card_click(origin, id, reply)).await {
        Ok(row) => Ok(in_place(
            app,
            origin,
            row,
            messages::cancelled(&id.reference()),
        )),
        Err(error) => {
            let why = error.refusal()?;
            let row = app.store.reset(id).await?;
            Ok(answer_refusal(app, origin, id, &why, row.as_ref()))
        }
    }
}
