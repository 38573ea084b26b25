//! Q3: a password that reached nobody goes another way, inside the same reset. The way is asked about once: choosing it leads
//! to a question, and the password goes out when that is confirmed.
//!
//! The record knows the way that was asked about; the password is in the memory of this process alone. What can come in
//! between has a name each: a second click ([`ClickRefused::InProgress`]), an older question ([`ClickRefused::Stale`]), and
//! an end of the password ([`ClickRefused::Wiped`]).

use std::sync::Arc;

use super::choice::{choice, choosable};
use super::messages::CodeDoubt;
use super::permit::{self, Permitted, extra_of};
use super::reaction::{Halt, Next, Reaction, Redelivery};
use super::refuse::{card_click, refusal_text, refuse};
use super::reply::{address, halt_with_refusal, in_place, seal, uses_left};
use super::wiped::gone;
use super::{card, contacts, ending, messages, steps};
use crate::app::{App, HeldPassword, Presence, Taken};
use crate::chat::interaction::CardAsk;
use crate::chat::{Message, Origin};
use crate::domain::contacts::Methods;
use crate::domain::delivery::{Refusal, Way};
use crate::domain::{Delivery, Member, Moment, Step};
use crate::store::{Choice, ClickRefused, Proposal, ResetRow, StoreError};

/// A way was chosen: asks about it. Where the question could not be shown beside the result, the password goes out at once
/// to a contact on record, whose button named it; a typed address is refused.
pub(super) async fn choose(
    app: &Arc<App>,
    origin: &Origin,
    permitted: Permitted,
    choice: Choice,
) -> Result<Reaction, Halt> {
    let row = &permitted.row;
    let until = held_until(app, origin, row).await?;
    if !can_ask(app, origin, row) {
        if choice.is_typed {
            let until = app.zone.tell(until, origin.received_at);
            let told = messages::choose_on_record(&until, &row.reset_id.reference());
            return Err(refuse(app, origin, row.reset_id, "no_more_faces", told).await);
        }
        return deliver(app, origin, permitted, None, choice).await;
    }
    let proposal = Proposal {
        delivery: choice.delivery,
        to: choice.to,
        is_typed: choice.is_typed,
    };
    let row = propose(app, origin, row, Some(proposal)).await?;
    let seen = (&permitted.pair.member.member, permitted.is_private);
    let content = question(app, &row, seen, (until, origin.received_at)).await?;
    let content = match content {
        Some(content) => content,
        None => list_of_ways(app, &row, &permitted).await,
    };
    Ok(in_place(app, origin, row, content))
}

/// Back from the question to the list of ways.
pub(super) async fn back(
    app: &Arc<App>,
    origin: &Origin,
    permitted: Permitted,
) -> Result<Reaction, Halt> {
    held_until(app, origin, &permitted.row).await?;
    let row = propose(app, origin, &permitted.row, None).await?;
    let content = list_of_ways(app, &row, &permitted).await;
    Ok(in_place(app, origin, row, content))
}

/// The question was confirmed. `edition` is that of the question which the click saw.
pub(super) async fn confirmed(
    app: &Arc<App>,
    origin: &Origin,
    permitted: Permitted,
    edition: Option<u16>,
) -> Result<Reaction, Halt> {
    let row = &permitted.row;
    let until = held_until(app, origin, row).await?;
    let edition = edition.filter(|edition| *edition == row.edition);
    let (Some(edition), Some((delivery, way))) = (edition, proposed(row)) else {
        return ask_again(app, origin, permitted, until).await;
    };
    let extra = extra_of(CardAsk::Choose(delivery));
    let carried = (row.carries, permitted.is_private);
    permit::check_extra(app, origin, row.reset_id, extra, carried).await?;
    permit::check_can_be_shown(app, origin, row, delivery == Delivery::Copy).await?;
    let member = &permitted.pair.member.member;
    if let Way::Send(to) = &way
        && !row.is_proposed_typed
        && !contacts::is_on_record(app, member, to, row).await?
    {
        let until = app.zone.tell(until, origin.received_at);
        let reference = row.reset_id.reference();
        let told = messages::contact_changed_since(&row.member_name, &until, &reference);
        return Err(refuse(app, origin, row.reset_id, "contact_changed", told).await);
    }
    let way = match choosable(app, &permitted, Some(way)) {
        Ok(way) => way,
        Err((code, why)) => return Err(refused(app, origin, row, &why, code).await),
    };
    let choice = choice(app, &member.id, way, row.is_proposed_typed);
    deliver(app, origin, permitted, Some(edition), choice).await
}

/// Until when the password is held. A refusal where it is not, or where another click has it.
async fn held_until(app: &Arc<App>, origin: &Origin, row: &ResetRow) -> Result<Moment, Halt> {
    let why = match app.held.look(row.reset_id, origin.received_at) {
        Presence::Here { until } => return Ok(until),
        Presence::InUse => ClickRefused::InProgress,
        Presence::Gone => gone(app, row).await?,
    };
    Err(refused(app, origin, row, &why, why.code()).await)
}

async fn refused(
    app: &Arc<App>,
    origin: &Origin,
    row: &ResetRow,
    why: &ClickRefused,
    code: &'static str,
) -> Halt {
    let told = refusal_text(app, origin, why, Some(row), &row.reset_id.reference());
    refuse(app, origin, row.reset_id, code, told).await
}

/// True where the question can be shown and one use of the reply address is left for the result.
fn can_ask(app: &App, origin: &Origin, row: &ResetRow) -> bool {
    address(app, origin, row).is_some_and(|to| uses_left(app, row.platform, &to) > 1)
}

/// The way that is asked about, if there is one.
fn proposed(row: &ResetRow) -> Option<(Delivery, Way)> {
    let delivery = row.proposed?;
    let way = match delivery.channel() {
        None => Way::Copy,
        Some(channel) => Way::Send(channel.stored(row.proposed_to.as_deref()?)?),
    };
    Some((delivery, way))
}

/// The question about the way in the record, with the end of the password.
async fn question(
    app: &App,
    row: &ResetRow,
    (member, is_private): (&Member, bool),
    (until, now): (Moment, Moment),
) -> Result<Option<Message>, StoreError> {
    let Some((delivery, way)) = proposed(row) else {
        return Ok(None);
    };
    let differing = card::differing(app, member).await?;
    let choice = choice(app, &member.id, way.clone(), row.is_proposed_typed);
    let codes = codes_then(app, member, row, &choice).await;
    let doubt = match &codes {
        Some(codes) => doubt_about(app, member, row, codes).await,
        None => None,
    };
    let to = match &way {
        Way::Copy => None,
        Way::Send(to) => Some(to),
    };
    Ok(Some(messages::another_way(&messages::AnotherWay {
        row,
        delivery,
        to,
        is_typed: row.is_proposed_typed,
        differing: &differing,
        is_private,
        carries: choice.carries,
        codes: codes.as_ref(),
        doubt,
        until,
        zone: &app.zone,
        now,
        value: &app.keys.button_value(row.reset_id),
        confirm_value: &app.keys.confirm_value(row.reset_id, row.edition),
    })))
}

/// Where the code will go if the password goes this way. None where no code is asked for, or where it cannot be read: the
/// question is shown without it.
async fn codes_then(
    app: &App,
    member: &Member,
    row: &ResetRow,
    choice: &Choice,
) -> Option<Methods> {
    let capabilities = app.directories.describe(&member.id).capabilities;
    if !capabilities.has_our_pages {
        return None;
    }
    let then = row.on_another_way(choice);
    // Where the record does not answer, the store has logged it.
    let methods = contacts::methods_on_another_way(app, member, then).await;
    methods.ok()
}

/// Why the code may not arrive either, by what the last delivery came to.
async fn doubt_about(
    app: &App,
    member: &Member,
    row: &ResetRow,
    codes: &Methods,
) -> Option<CodeDoubt> {
    let code_to = &codes.usable.first()?.to;
    let steps = steps::of_reset(app, row.reset_id).await?;
    let delivery = steps.iter().find(|step| step.step == Step::Deliver)?;
    let is_same_contact =
        row.carried_to() == Some(contacts::digest(app, &member.id, code_to).as_str());
    let is_same_channel = row.delivery?.channel() == Some(code_to.channel());
    match Refusal::of_code(delivery.detail.as_deref()?)? {
        Refusal::Address | Refusal::OptedOut => is_same_contact.then_some(CodeDoubt::Contact),
        Refusal::Unreachable | Refusal::Later => is_same_channel.then_some(CodeDoubt::Server),
        Refusal::Credentials | Refusal::SetUp | Refusal::Tls => {
            is_same_channel.then_some(CodeDoubt::SetUp)
        }
        // The message with the code has another text.
        Refusal::Message => None,
    }
}

/// The result with the ways that are left.
async fn list_of_ways(app: &App, row: &ResetRow, permitted: &Permitted) -> Message {
    let member = Some(&permitted.pair.member.member);
    let retry_for = ending::retry_for(app, row, member);
    ending::ending(app, row, None, retry_for).await
}

/// A question that is out of date was confirmed: what is asked now is shown again.
async fn ask_again(
    app: &Arc<App>,
    origin: &Origin,
    permitted: Permitted,
    until: Moment,
) -> Result<Reaction, Halt> {
    let id = permitted.row.reset_id;
    let reply = seal(app, id, origin.reply.as_ref())?;
    let clicked = app
        .store
        .record_click(card_click(origin, id, reply), ClickRefused::Stale.code());
    let row = match clicked.await {
        Ok(row) => row,
        Err(error) => {
            let why = error.refusal()?;
            return Err(halt_with_refusal(
                app,
                origin,
                id,
                &why,
                Some(&permitted.row),
            ));
        }
    };
    let seen = (&permitted.pair.member.member, permitted.is_private);
    let content = match question(app, &row, seen, (until, origin.received_at)).await? {
        Some(content) => content,
        None => list_of_ways(app, &row, &permitted).await,
    };
    Ok(in_place(app, origin, row, messages::asked_again(content)))
}

/// Notes the way that is asked about, or that none is.
async fn propose(
    app: &Arc<App>,
    origin: &Origin,
    row: &ResetRow,
    proposal: Option<Proposal>,
) -> Result<ResetRow, Halt> {
    let id = row.reset_id;
    let reply = seal(app, id, origin.reply.as_ref())?;
    match app
        .store
        .propose(card_click(origin, id, reply), proposal)
        .await
    {
        Ok(row) => Ok(row),
        Err(error) => {
            let why = error.refusal()?;
            Err(halt_with_refusal(app, origin, id, &why, Some(row)))
        }
    }
}

/// Takes the password and sends it. `edition` is that of the question that was confirmed.
async fn deliver(
    app: &Arc<App>,
    origin: &Origin,
    permitted: Permitted,
    edition: Option<u16>,
    choice: Choice,
) -> Result<Reaction, Halt> {
    let row = &permitted.row;
    let why = match app.held.take(row.reset_id, origin.received_at) {
        Taken::Yes(held) => {
            return deliver_held(app, origin, permitted, (edition, choice), held).await;
        }
        Taken::InUse => ClickRefused::InProgress,
        Taken::No => gone(app, row).await?,
    };
    Err(refused(app, origin, row, &why, why.code()).await)
}

/// The same with the password in hand. It goes back to its place unless the record says that it goes out.
async fn deliver_held(
    app: &Arc<App>,
    origin: &Origin,
    permitted: Permitted,
    (edition, choice): (Option<u16>, Choice),
    held: HeldPassword,
) -> Result<Reaction, Halt> {
    let row = &permitted.row;
    let id = row.reset_id;
    let moved = async {
        let reply = seal(app, id, origin.reply.as_ref())?;
        let click = card_click(origin, id, reply);
        let moved = app
            .store
            .deliver_again(&held.reservation, click, edition, choice);
        match moved.await {
            Ok(row) => Ok(row),
            Err(error) => {
                let why = error.refusal()?;
                Err(halt_with_refusal(app, origin, id, &why, Some(row)))
            }
        }
    };
    match moved.await {
        Ok(row) => {
            let reply = address(app, origin, &row);
            let redelivery = Redelivery {
                held,
                row,
                member: permitted.pair.member.member,
                reply,
            };
            Ok(Reaction::Work(Next::Redeliver(Box::new(redelivery))))
        }
        Err(halt) => {
            if !app.held.put(held) {
                tracing::info!("an undelivered password was replaced meanwhile, and wiped");
            }
            Err(halt)
        }
    }
}
