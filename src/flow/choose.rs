//! Clicks and forms: the choice, the last look, and the confirming click. Rights and member are read at every one.

use std::sync::Arc;

use tokio::time::Instant;

use super::identity::{self, Pair};
use super::issue::{self, Again};
use super::messages::{self, Card};
use super::{
    Failure, Next, Reaction, contact_code, contacts, in_place, offer, question, refused, seal,
    tell, unseal, uses_left,
};
use crate::app::{App, Ticket};
use crate::chat::{
    Action, Adapter, Chat, Click, FormKind, FormSubmitted, Freshness, Message, Origin, Placement,
    ReplyAddress,
};
use crate::directory::{Backend, ResetFailed};
use crate::domain::delivery::{DestinationDenied, Extra, ExtraDenied, Outcome};
use crate::domain::{
    Carries, Channel, Delivery, Destination, EmailAddress, Member, MemberId, Moment, Permit,
    ResetId, Span, State, Step, StepOutcome, policy,
};
use crate::store::{
    Amend, Amended, AuditRow, CardClick, Choice, ClickRefused, Earlier, ResetRow, SealedReply,
};

/// How long a failed sign-out may be tried again from its message.
const RETRIES_FOR: Span = Span::hours(24);

/// A click or a form that may go on.
struct Allowed {
    /// True where nobody else reads what follows.
    is_private: bool,
    row: ResetRow,
    pair: Pair,
    permit: Permit,
}

/// A click or a form that may not.
enum Stop {
    /// The same bytes again; what was told of a card that is known.
    Replayed(Option<Message>),
    /// What is told.
    Told(Message),
}

impl Stop {
    /// For a click: beside the card.
    fn of_click(self, origin: &Origin) -> Reaction {
        match self {
            Self::Replayed(_) => Reaction::Replayed,
            Self::Told(message) => super::beside(origin, message),
        }
    }

    /// For a form: at its input. One that may be sent again gets its reason again.
    fn of_form(self, may_be_sent_again: bool) -> Reaction {
        match self {
            Self::Replayed(Some(message)) if may_be_sent_again => super::at_input(message),
            Self::Replayed(_) => Reaction::Replayed,
            Self::Told(message) => super::at_input(message),
        }
    }
}

/// Answers a click.
pub(super) async fn click(app: &Arc<App>, chat: &Chat, click: Click) -> Result<Reaction, Failure> {
    if click.action == Action::ContactAdd {
        return question::answer(app, chat, click.origin, &click.value).await;
    }
    if click.action == Action::ContactCode {
        return contact_code::click(app, click).await;
    }
    let Some((id, edition)) = app.keys.read_button_value(&click.value) else {
        return forged(app, &click.origin)
            .await
            .map(|stop| stop.of_click(&click.origin));
    };
    let origin = &click.origin;
    if let Some(extra) = extra_of(click.action)
        && let Err(denied) = allow(
            app,
            extra,
            Carries::Password,
            chat.assurance().await.is_private(),
        )
    {
        let told = messages::extra_denied(denied, &id.reference());
        return Ok(refuse(app, origin, id, denied.code(), told)
            .await?
            .of_click(origin));
    }
    match click.action {
        Action::Cancel => cancel(app, origin, id).await,
        Action::DeliverOther => open_form(app, click, id, FormKind::Destination).await,
        Action::CopyToSelfChange => open_form(app, click, id, FormKind::CopyAddress).await,
        Action::RetrySignOut => sign_out_again(app, chat, origin, id).await,
        Action::Done => visit(app, origin, id, "done", Next::Hide).await,
        // Answered above.
        Action::ContactAdd | Action::ContactCode => Ok(Reaction::Taken),
        Action::DeliverCopy
        | Action::DeliverPhone
        | Action::DeliverEmail
        | Action::Reachable
        | Action::CopyToSelf
        | Action::AlsoShow
        | Action::Confirm
        | Action::Back => match allowed(app, chat, origin, id, Freshness::Cached).await? {
            Ok(allowed) => go_on(app, click, edition, allowed).await,
            Err(stop) => Ok(stop.of_click(origin)),
        },
        // Nothing confirms it, so rights and member are read past every cache.
        Action::SendGuide | Action::DirectoryLink => {
            match allowed(app, chat, origin, id, Freshness::Now).await? {
                Ok(allowed) => go_on(app, click, edition, allowed).await,
                Err(stop) => Ok(stop.of_click(origin)),
            }
        }
    }
}

/// What a button asks for that the profile may not let out.
fn extra_of(action: Action) -> Option<Extra> {
    match action {
        Action::DeliverCopy => Some(Extra::Copy),
        // Who has no contact on record can only be told by the administrator.
        Action::DeliverOther | Action::Reachable => Some(Extra::Typed),
        Action::CopyToSelf => Some(Extra::CopyToSelf),
        Action::CopyToSelfChange => Some(Extra::CopyElsewhere),
        Action::AlsoShow => Some(Extra::Show),
        Action::DeliverPhone
        | Action::DeliverEmail
        | Action::SendGuide
        | Action::DirectoryLink
        | Action::Confirm
        | Action::Back
        | Action::Cancel
        | Action::RetrySignOut
        | Action::Done
        | Action::ContactAdd
        | Action::ContactCode => None,
    }
}

/// What the organisation lets out, and what this chat can keep to one person.
fn allow(app: &App, extra: Extra, carried: Carries, is_private: bool) -> Result<(), ExtraDenied> {
    app.deliveries.ways.allow(extra, carried)?;
    if is_private || !extra.needs_private_replies() {
        Ok(())
    } else {
        Err(ExtraDenied::NotPrivate)
    }
}

async fn go_on(
    app: &Arc<App>,
    click: Click,
    edition: Option<u16>,
    allowed: Allowed,
) -> Result<Reaction, Failure> {
    let (origin, id, now) = (
        &click.origin,
        allowed.row.reset_id,
        click.origin.received_at,
    );
    let (admin, member) = (&allowed.pair.admin.member, &allowed.pair.member.member);
    let is_private = allowed.is_private;
    let mail = || admin.business_email.clone();
    if let Some(extra) = extra_of(click.action)
        && let Err(denied) = allow(app, extra, allowed.row.carries, allowed.is_private)
    {
        let told = messages::extra_denied(denied, &id.reference());
        return Ok(refuse(app, origin, id, denied.code(), told)
            .await?
            .of_click(origin));
    }
    if has_face(click.action)
        && let Some(stop) = without_face(
            app,
            origin,
            &allowed.row,
            click.action == Action::DeliverCopy,
        )
        .await?
    {
        return Ok(stop.of_click(origin));
    }
    match click.action {
        Action::DeliverCopy => choose(app, origin, allowed, Delivery::Copy, None).await,
        Action::DeliverPhone => {
            let to = member.phone.clone().map(Destination::Phone);
            choose(app, origin, allowed, Delivery::Phone, to).await
        }
        Action::DeliverEmail => {
            let to = member.outside_email().cloned().map(Destination::Email);
            choose(app, origin, allowed, Delivery::Email, to).await
        }
        Action::Reachable => {
            let about = offer::about_contacts(app, &admin.id, member).await?;
            amend(
                app,
                origin,
                &allowed.row,
                Amend::Reachable,
                |app, amended| card_again(app, member, amended, (true, is_private), &about, now),
            )
            .await
        }
        Action::Back => {
            let about = offer::about_contacts(app, &admin.id, member).await?;
            amend(app, origin, &allowed.row, Amend::Back, |app, amended| {
                let is_reachable =
                    member.has_outside_contact() || amended.row.reachable_at.is_some();
                card_again(
                    app,
                    member,
                    amended,
                    (is_reachable, is_private),
                    &about,
                    now,
                )
            })
            .await
        }
        Action::CopyToSelf if member.has_mailbox(&admin.business_email) => {
            let title =
                messages::destination_denied(&DestinationDenied::BusinessEmail, &member.name);
            let told = Message {
                title,
                ..Message::default()
            };
            Ok(refuse(app, origin, id, "destination", told)
                .await?
                .of_click(origin))
        }
        Action::CopyToSelf => {
            let digest = contacts::digest(app, &member.id, &Destination::Email(mail()));
            amend_last_look(app, origin, &allowed, Amend::ToggleCopy(mail(), digest)).await
        }
        Action::AlsoShow => amend_last_look(app, origin, &allowed, Amend::ToggleShow).await,
        Action::SendGuide => match app
            .store
            .amend(card_click(origin, id, None), &member.id, Amend::Guide)
            .await?
        {
            Ok(Amended { row, .. }) => {
                let to = origin.reply.clone().or_else(|| unseal(app, &row));
                Ok(Reaction::Then(Next::Guide(Box::new(row), to)))
            }
            Err(why) => Ok(refused(app, origin, id, &why, Some(&allowed.row), now)),
        },
        Action::DirectoryLink if app.directories.told(&member.id).1.sends_own_link => {
            match app
                .store
                .amend(
                    card_click(origin, id, None),
                    &member.id,
                    Amend::DirectoryLink,
                )
                .await?
            {
                Ok(Amended { row, .. }) => {
                    let to = origin.reply.clone().or_else(|| unseal(app, &row));
                    Ok(Reaction::Then(Next::DirectoryLink(Box::new(row), to)))
                }
                Err(why) => Ok(refused(app, origin, id, &why, Some(&allowed.row), now)),
            }
        }
        Action::Confirm => confirm(app, origin, edition, allowed).await,
        // No card of a directory that cannot send its own link has that button, and the others are answered before.
        Action::DirectoryLink
        | Action::Cancel
        | Action::DeliverOther
        | Action::CopyToSelfChange
        | Action::RetrySignOut
        | Action::Done
        | Action::ContactAdd
        | Action::ContactCode => Ok(Reaction::Taken),
    }
}

/// True for a click that is answered by another face of the card.
fn has_face(action: Action) -> bool {
    match action {
        Action::DeliverCopy
        | Action::DeliverPhone
        | Action::DeliverEmail
        | Action::Reachable
        | Action::CopyToSelf
        | Action::AlsoShow
        | Action::Back => true,
        Action::DeliverOther
        | Action::CopyToSelfChange
        | Action::SendGuide
        | Action::DirectoryLink
        | Action::Confirm
        | Action::Cancel
        | Action::RetrySignOut
        | Action::Done
        | Action::ContactAdd
        | Action::ContactCode => false,
    }
}

/// The refusal where what would come of a click or a form could not be shown any more: what nobody sees is not chosen.
/// The last use of the address is kept for the end of the reset. A password that waits for another way goes it all the same
/// where it is not to be shown: the next command tells how it went.
async fn without_face(
    app: &Arc<App>,
    origin: &Origin,
    row: &ResetRow,
    is_copy: bool,
) -> Result<Option<Stop>, Failure> {
    if row.is_waiting_for_another_way() && !is_copy && !row.also_show {
        return Ok(None);
    }
    let kept = u32::from(row.state == State::Offered);
    let to = origin.reply.clone().or_else(|| unseal(app, row));
    if to.is_some_and(|to| uses_left(app, row.platform, &to) > kept) {
        return Ok(None);
    }
    let told = messages::no_more_updates(&row.reset_id.reference());
    refuse(app, origin, row.reset_id, "no_more_faces", told)
        .await
        .map(Some)
}

/// S22–S25: a way of delivery; before the act it only leads to the last look, after an undelivered act it delivers.
async fn choose(
    app: &Arc<App>,
    origin: &Origin,
    allowed: Allowed,
    delivery: Delivery,
    to: Option<Destination>,
) -> Result<Reaction, Failure> {
    let row = &allowed.row;
    if let Some(why) = not_choosable(app, &allowed, delivery, to.as_ref()) {
        return Ok(refuse(app, origin, row.reset_id, why.0, why.1)
            .await?
            .of_click(origin));
    }
    if row.state == State::Undelivered {
        return again(app, origin, allowed, delivery, to).await;
    }
    let chosen = choice(app, &allowed.pair.member.member, delivery, to);
    amend_last_look(app, origin, &allowed, Amend::Choose(chosen)).await
}

/// Changes what would be done, and shows the last look with it.
async fn amend_last_look(
    app: &Arc<App>,
    origin: &Origin,
    allowed: &Allowed,
    change: Amend,
) -> Result<Reaction, Failure> {
    let row = &allowed.row;
    let reply = seal(app, row.reset_id, origin.reply.as_ref())?;
    match app
        .store
        .amend(
            card_click(origin, row.reset_id, reply),
            &row.member_id,
            change,
        )
        .await?
    {
        Ok(amended) => {
            let message = last_look(app, &amended, &allowed.pair, allowed.is_private).await?;
            Ok(in_place(app, origin, amended.row, message))
        }
        Err(why) => {
            let present = app.store.reset(row.reset_id).await?;
            Ok(refused(
                app,
                origin,
                row.reset_id,
                &why,
                present.as_ref(),
                origin.received_at,
            ))
        }
    }
}

/// The way, marked where it leads to an address that is not on record.
fn choice(app: &App, member: &Member, delivery: Delivery, to: Option<Destination>) -> Choice {
    // However it was typed, what goes to the mailbox on record goes to its address there.
    let (to, is_on_record) = match to {
        Some(Destination::Phone(phone)) => {
            let is_on_record = member.phone.as_ref() == Some(&phone);
            (Some(Destination::Phone(phone)), is_on_record)
        }
        Some(Destination::Email(email)) => match member
            .outside_email()
            .filter(|known| known.is_same_mailbox(&email))
        {
            Some(known) => (Some(Destination::Email(known.clone())), true),
            None => (Some(Destination::Email(email)), false),
        },
        None => (None, true),
    };
    let digest = to.as_ref().map(|to| contacts::digest(app, &member.id, to));
    Choice {
        delivery,
        to,
        is_typed: !is_on_record,
        carries: app.deliveries.ways.carried_by(delivery),
        digest,
    }
}

/// Why a way cannot be chosen: not reachable, no contact, or no channel.
fn not_choosable(
    app: &App,
    allowed: &Allowed,
    delivery: Delivery,
    to: Option<&Destination>,
) -> Option<(&'static str, Message)> {
    let (row, member) = (&allowed.row, &allowed.pair.member.member);
    let reference = row.reset_id.reference();
    let refusal = |why: &ClickRefused| {
        messages::click_refused(
            why,
            Some(row),
            &app.organization,
            &app.zone,
            app.clock.now(),
            &reference,
        )
    };
    if !member.has_outside_contact() && row.reachable_at.is_none() {
        return Some(("not_reachable", refusal(&ClickRefused::NotReachable)));
    }
    match (delivery, to) {
        (Delivery::Phone | Delivery::Email, None) => {
            Some(("nothing_chosen", refusal(&ClickRefused::NothingChosen)))
        }
        (Delivery::Phone | Delivery::Email, Some(to)) if !app.deliveries.has(to.channel()) => {
            Some(("channel_off", refusal(&ClickRefused::NothingChosen)))
        }
        (Delivery::Copy, _) | (Delivery::Phone | Delivery::Email, Some(_)) => None,
    }
}

/// The confirming click. When it returns, the slot is taken and the intent is on disk, or nothing was changed.
async fn confirm(
    app: &Arc<App>,
    origin: &Origin,
    edition: Option<u16>,
    allowed: Allowed,
) -> Result<Reaction, Failure> {
    let Allowed {
        is_private,
        row,
        pair,
        permit,
    } = allowed;
    let (id, now) = (row.reset_id, origin.received_at);
    if !pair.member.member.has_outside_contact() && row.reachable_at.is_none() {
        let why = messages::click_refused(
            &ClickRefused::NotReachable,
            Some(&row),
            &app.organization,
            &app.zone,
            now,
            &id.reference(),
        );
        return Ok(refuse(app, origin, id, "not_reachable", why)
            .await?
            .of_click(origin));
    }
    let reply = seal(app, id, origin.reply.as_ref())?;
    match app
        .store
        .reserve(permit, edition, card_click(origin, id, reply))
        .await?
    {
        Ok((reservation, row, quota)) => {
            let reply = origin.reply.clone().or_else(|| unseal(app, &row));
            let platform = row.platform;
            let (since, heard) = (Instant::now(), Arc::default());
            let ticket = Ticket {
                reservation,
                platform,
                quota,
                reply,
                since,
                heard,
            };
            Ok(Reaction::Then(Next::Issue(Box::new(ticket))))
        }
        Err(ClickRefused::Stale(earlier)) => {
            last_look_again(app, origin, row, &pair, is_private, earlier).await
        }
        Err(ClickRefused::Overtaken(by)) => {
            last_look_again(app, origin, row, &pair, is_private, Some(by)).await
        }
        Err(why) => Ok(refused(app, origin, id, &why, Some(&row), now)),
    }
}

/// What was seen is not what would be done: the last look is drawn as things are now, in its place.
async fn last_look_again(
    app: &Arc<App>,
    origin: &Origin,
    seen: ResetRow,
    pair: &Pair,
    is_private: bool,
    earlier: Option<Earlier>,
) -> Result<Reaction, Failure> {
    let id = seen.reset_id;
    let row = app.store.reset(id).await?.unwrap_or(seen);
    let present = Amended { row, earlier };
    let face = last_look(app, &present, pair, is_private).await?;
    Ok(in_place(
        app,
        origin,
        present.row,
        messages::stale(face, &id.reference()),
    ))
}

/// Q3: another way inside the same reset, with the password that nobody received yet.
async fn again(
    app: &Arc<App>,
    origin: &Origin,
    allowed: Allowed,
    delivery: Delivery,
    to: Option<Destination>,
) -> Result<Reaction, Failure> {
    let (row, now) = (&allowed.row, origin.received_at);
    let id = row.reset_id;
    let Some(held) = app.held.take(id, now) else {
        // Another click has it, or its ten minutes are over.
        let why = ClickRefused::AlreadyDone {
            state: row.state,
            changed_at: row.changed_at,
        };
        let message = messages::click_refused(
            &why,
            Some(row),
            &app.organization,
            &app.zone,
            now,
            &id.reference(),
        );
        return Ok(refuse(app, origin, id, "already_done", message)
            .await?
            .of_click(origin));
    };
    let reply = seal(app, id, origin.reply.as_ref());
    let moved = match reply {
        Ok(reply) => app
            .store
            .deliver_again(
                &held.reservation,
                card_click(origin, id, reply),
                choice(app, &allowed.pair.member.member, delivery, to),
            )
            .await
            .map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    match moved {
        Ok(Ok(row)) => {
            let reply = origin.reply.clone().or_else(|| unseal(app, &row));
            let again = Again {
                held,
                row,
                member: allowed.pair.member.member,
                reply,
            };
            Ok(Reaction::Then(Next::Again(Box::new(again))))
        }
        Ok(Err(why)) => {
            app.held.keep(held);
            Ok(refused(app, origin, id, &why, Some(row), now))
        }
        Err(failure) => {
            app.held.keep(held);
            Err(failure)
        }
    }
}

/// Answers a form (S24, S25, S28).
pub(super) async fn form(
    app: &Arc<App>,
    chat: &Chat,
    form: FormSubmitted,
) -> Result<Reaction, Failure> {
    if contact_code::is_form(form.kind) {
        return contact_code::submitted(app, chat, form).await;
    }
    let FormSubmitted {
        origin,
        kind,
        once,
        value,
        typed,
    } = form;
    let may_be_sent_again = once.is_some();
    let Some((id, _)) = app.keys.read_button_value(&value) else {
        return forged(app, &origin)
            .await
            .map(|stop| stop.of_form(may_be_sent_again));
    };
    let allowed = match allowed(app, chat, &origin, id, Freshness::Now).await? {
        Ok(allowed) => allowed,
        Err(stop) => return Ok(stop.of_form(may_be_sent_again)),
    };
    let extra = match kind {
        FormKind::Destination => Extra::Typed,
        FormKind::CopyAddress | FormKind::ContactCode => Extra::CopyElsewhere,
    };
    if let Err(denied) = allow(app, extra, allowed.row.carries, allowed.is_private) {
        let told = messages::extra_denied(denied, &id.reference());
        return Ok(refuse(app, &origin, id, denied.code(), told)
            .await?
            .of_form(may_be_sent_again));
    }
    let member = &allowed.pair.member.member;
    let read = match kind {
        FormKind::Destination => Destination::typed(&typed, member, &app.organization.company)
            .and_then(|to| app.deliveries.check_typed(&to, member).map(|()| to)),
        FormKind::CopyAddress | FormKind::ContactCode => {
            Destination::typed_email(&typed, member, &app.organization.company)
                .map(Destination::Email)
        }
    };
    let to = match read {
        Ok(to) => to,
        Err(denied) => {
            let told = Message {
                title: messages::destination_denied(&denied, &member.name),
                ..Message::default()
            };
            return Ok(
                refuse_and_count(app, &origin, &allowed.row, "destination", told)
                    .await?
                    .of_form(may_be_sent_again),
            );
        }
    };
    if let Some(stop) = without_face(app, &origin, &allowed.row, false).await? {
        return Ok(stop.of_form(may_be_sent_again));
    }
    if let Some(stop) = too_many_typed(app, &origin, &allowed.row, &to).await? {
        return Ok(stop.of_form(may_be_sent_again));
    }
    // Where a form has no follow-up address of its own, that of the click which opened it was kept with the reset.
    let reply = origin.reply.clone().or_else(|| unseal(app, &allowed.row));
    // From here on it acts, and it acts once, whatever was typed.
    let origin = Origin {
        reply,
        replay: once.unwrap_or(origin.replay),
        ..origin
    };
    match (kind, to) {
        (FormKind::Destination, to) => {
            let delivery = match to {
                Destination::Phone(_) => Delivery::Phone,
                Destination::Email(_) => Delivery::Email,
            };
            choose(app, &origin, allowed, delivery, Some(to)).await
        }
        (FormKind::CopyAddress, Destination::Email(to)) => {
            let digest =
                contacts::digest(app, &allowed.row.member_id, &Destination::Email(to.clone()));
            amend_last_look(app, &origin, &allowed, Amend::CopyTo(to, digest)).await
        }
        (FormKind::CopyAddress, Destination::Phone(_)) | (FormKind::ContactCode, _) => {
            Ok(Reaction::Taken)
        }
    }
}

/// The refusal where an administrator tried too many addresses: the mail server tells which of them exist. A password that
/// was set already goes out by contacts on record, phones and Copy.
async fn too_many_typed(
    app: &Arc<App>,
    origin: &Origin,
    row: &ResetRow,
    to: &Destination,
) -> Result<Option<Stop>, Failure> {
    if matches!(to, Destination::Phone(_)) {
        return Ok(None);
    }
    match app.store.count_typed(&row.admin_id, &origin.replay).await? {
        Ok(()) => Ok(None),
        Err(too_many) => {
            let told = messages::too_many_typed(
                too_many,
                &app.zone,
                origin.received_at,
                &row.reset_id.reference(),
            );
            refuse(app, origin, row.reset_id, too_many.code(), told)
                .await
                .map(Some)
        }
    }
}

/// S6: the guide goes out instead of a reset.
pub(super) async fn send_guide(app: &App, chat: &Chat, row: &ResetRow, to: Option<&ReplyAddress>) {
    let reference = row.reset_id.reference();
    let (outcome, message) = match issue::member_of(app, row).await {
        Some(member) => match guide_destination(app, &member) {
            Some(destination) => guide_to(app, &member, &destination, &reference).await,
            None => ("nowhere", messages::guide_failed(&member.name, &reference)),
        },
        None => (
            "nobody",
            messages::guide_failed(&row.member_name, &reference),
        ),
    };
    note_outcome(app, row, "guide", outcome).await;
    tell(chat, to, &message, Placement::Replace).await;
}

/// What came of it, in the audit.
async fn note_outcome(app: &App, row: &ResetRow, event: &'static str, outcome: &'static str) {
    if let Err(error) = app.store.note_outcome(row.reset_id, event, outcome).await {
        tracing::error!(reset.id = %row.reset_id, event, outcome, error = &error as &dyn std::error::Error, "could not note what came of it");
    }
}

/// The directory sends its own link, by which the member sets a password without anybody knowing it.
pub(super) async fn send_directory_link(
    app: &App,
    chat: &Chat,
    row: &ResetRow,
    to: Option<&ReplyAddress>,
) {
    let reference = row.reset_id.reference();
    let (name, _) = app.directories.told(&row.member_id);
    let sent = match app.directories.of(&row.member_id) {
        Some(home) => {
            home.send_link(&row.member_id, app.organization.password_lifetime)
                .await
        }
        None => Err(ResetFailed::NotSent),
    };
    let (outcome, message) = match sent {
        Ok(()) => (
            "sent",
            messages::directory_link_sent(name, &row.member_name, &reference),
        ),
        Err(ResetFailed::Refused(reason)) => (
            "refused",
            messages::directory_refused(name, &reason, &reference),
        ),
        Err(ResetFailed::NotSent) => ("not_sent", messages::directory_down(name, &reference)),
        Err(ResetFailed::Unknown) => (
            "unknown",
            messages::directory_link_unknown(name, &row.member_name, &reference),
        ),
    };
    note_outcome(app, row, "directory_link", outcome).await;
    tell(chat, to, &message, Placement::Replace).await;
}

async fn guide_to(
    app: &App,
    member: &Member,
    to: &Destination,
    reference: &crate::domain::Reference,
) -> (&'static str, Message) {
    let note = match to {
        Destination::Phone(_) => messages::guide_sms(&app.organization),
        Destination::Email(_) => messages::guide(&app.organization, &member.name),
    };
    match app
        .deliveries
        .tell(to, &note, &format!("guide-{reference}"))
        .await
    {
        Outcome::Accepted => ("sent", messages::guide_sent(&member.name, &to.masked())),
        Outcome::Refused(why) => (why.code(), messages::guide_failed(&member.name, reference)),
        Outcome::Unknown => (
            "unknown",
            messages::guide_unknown(&member.name, &to.masked(), reference),
        ),
    }
}

/// The personal e-mail, else the phone, else the business e-mail.
fn guide_destination(app: &App, member: &Member) -> Option<Destination> {
    let email = |email: &EmailAddress| Destination::Email(email.clone());
    [
        member.outside_email().map(email),
        member.phone.clone().map(Destination::Phone),
        Some(email(&member.business_email)),
    ]
    .into_iter()
    .flatten()
    .find(|to| app.deliveries.has(to.channel()))
}

/// The reset, the pair and a fresh permit, or the refusal, written down.
async fn allowed(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    id: ResetId,
    freshness: Freshness,
) -> Result<Result<Allowed, Stop>, Failure> {
    let now = origin.received_at;
    let row = app.store.reset(id).await?;
    let clickable = row.filter(|row| {
        let is_open = row.state == State::Offered && row.expires_at > now;
        row.is_of(&origin.user) && (is_open || row.state == State::Undelivered)
    });
    let Some(row) = clickable else {
        return stop(app, origin, id, ("closed", None), |row| {
            let why = ClickRefused::AlreadyDone {
                state: row.state,
                changed_at: row.changed_at,
            };
            messages::click_refused(
                &why,
                Some(row),
                &app.organization,
                &app.zone,
                now,
                &id.reference(),
            )
        })
        .await
        .map(Err);
    };
    let reference = id.reference();
    // A click that delivers at once is an act, and is read past every cache.
    let freshness = if row.is_waiting_for_another_way() {
        Freshness::Now
    } else {
        freshness
    };
    let pair = match identity::pair_of_card(app, chat, &origin.user, &row, freshness).await {
        Ok(pair) => pair,
        Err(lost) => {
            let told = lost.told(app, &reference);
            let counted = lost.is_answer().then_some(&row.admin_id);
            return stop(app, origin, id, (lost.code(), counted), |_| told)
                .await
                .map(Err);
        }
    };
    if pair.admin.member.id != row.admin_id {
        // The chat account stands for somebody else than when the card was made.
        let told = messages::unresolved_caller(&reference);
        return refuse(app, origin, id, "another_person", told)
            .await
            .map(Err);
    }
    match policy::approve(&pair.case(), now) {
        Ok(permit) => {
            let is_private = chat.assurance().await.is_private();
            Ok(Ok(Allowed {
                is_private,
                row,
                pair,
                permit,
            }))
        }
        Err(denied) => {
            let told = messages::denied(
                &denied,
                &row.member_name,
                &app.organization,
                &app.zone,
                now,
                &reference,
            );
            refuse_and_count(app, origin, &row, denied.code(), told)
                .await
                .map(Err)
        }
    }
}

async fn refuse(
    app: &Arc<App>,
    origin: &Origin,
    id: ResetId,
    code: &'static str,
    told: Message,
) -> Result<Stop, Failure> {
    stop(app, origin, id, (code, None), |_| told).await
}

/// The same for a refusal that tells something of the member or of a typed address: it counts for the administrator.
async fn refuse_and_count(
    app: &Arc<App>,
    origin: &Origin,
    card: &ResetRow,
    code: &'static str,
    told: Message,
) -> Result<Stop, Failure> {
    stop(
        app,
        origin,
        card.reset_id,
        (code, Some(&card.admin_id)),
        |_| told,
    )
    .await
}

/// Writes a refusal down; what the store knows better (not yours, expired, already done) is told instead.
async fn stop(
    app: &Arc<App>,
    origin: &Origin,
    id: ResetId,
    (code, counted): (&'static str, Option<&MemberId>),
    told: impl FnOnce(&ResetRow) -> Message,
) -> Result<Stop, Failure> {
    let now = origin.received_at;
    Ok(
        match app
            .store
            .refuse_click(card_click(origin, id, None), code, counted.cloned())
            .await?
        {
            Ok(row) => {
                tracing::info!(reset.id = %id, refused = code, "a click was refused");
                Stop::Told(messages::after_change(told(&row), &row, &app.zone, now))
            }
            Err(ClickRefused::Replayed) => {
                Stop::Replayed(app.store.reset(id).await?.as_ref().map(told))
            }
            Err(why) => {
                tracing::info!(reset.id = %id, refused = why.code(), "a click was refused");
                let row = app.store.reset(id).await?;
                let row = row.filter(|_| !matches!(why, ClickRefused::NotYours { .. }));
                Stop::Told(messages::click_refused(
                    &why,
                    row.as_ref(),
                    &app.organization,
                    &app.zone,
                    now,
                    &id.reference(),
                ))
            }
        },
    )
}

/// A value that we did not make: written down, told as an unknown card.
async fn forged(app: &Arc<App>, origin: &Origin) -> Result<Stop, Failure> {
    let audit = AuditRow::of_chat("click", "forged_value", &origin.user, origin.received_at);
    if app
        .store
        .note(origin.replay.clone(), audit, None)
        .await?
        .decided
        .is_err()
    {
        return Ok(Stop::Replayed(None));
    }
    let reference = crate::domain::Reference::draw(&mut app.chance.rng()?);
    let why = ClickRefused::NoSuchCard;
    Ok(Stop::Told(messages::click_refused(
        &why,
        None,
        &app.organization,
        &app.zone,
        origin.received_at,
        &reference,
    )))
}

/// Closes the card.
async fn cancel(app: &Arc<App>, origin: &Origin, id: ResetId) -> Result<Reaction, Failure> {
    let reply = seal(app, id, origin.reply.as_ref())?;
    match app.store.cancel(card_click(origin, id, reply)).await? {
        Ok(row) => Ok(in_place(
            app,
            origin,
            row,
            messages::cancelled(&id.reference()),
        )),
        Err(why) => {
            let row = app.store.reset(id).await?;
            Ok(refused(
                app,
                origin,
                id,
                &why,
                row.as_ref(),
                origin.received_at,
            ))
        }
    }
}

/// Changes the card and shows it anew in its place.
async fn amend(
    app: &Arc<App>,
    origin: &Origin,
    card: &ResetRow,
    change: Amend,
    face: impl FnOnce(&App, &Amended) -> Message,
) -> Result<Reaction, Failure> {
    let id = card.reset_id;
    let reply = seal(app, id, origin.reply.as_ref())?;
    match app
        .store
        .amend(card_click(origin, id, reply), &card.member_id, change)
        .await?
    {
        Ok(amended) => {
            let message = face(app, &amended);
            Ok(in_place(app, origin, amended.row, message))
        }
        Err(why) => {
            let row = app.store.reset(id).await?;
            Ok(refused(
                app,
                origin,
                id,
                &why,
                row.as_ref(),
                origin.received_at,
            ))
        }
    }
}

/// The sign-out once more, where it failed: an act, so rights are read past every cache.
async fn sign_out_again(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    id: ResetId,
) -> Result<Reaction, Failure> {
    let now = origin.received_at;
    let row = app
        .store
        .reset(id)
        .await?
        .filter(|row| row.is_of(&origin.user));
    let steps = app
        .store
        .steps(&[id])
        .await?
        .remove(&id)
        .unwrap_or_default();
    let has_failed = steps.iter().any(|step| {
        step.step == Step::SignOut
            && matches!(step.outcome, StepOutcome::Failed | StepOutcome::Unknown)
    });
    let is_recent = |row: &ResetRow| row.changing_at.is_some_and(|at| now - at < RETRIES_FOR);
    let Some(row) = row.filter(|row| has_failed && is_recent(row)) else {
        return visit(app, origin, id, "retry_sign_out", |_, to| Next::Nothing(to)).await;
    };
    let reference = id.reference();
    let refusal = match identity::pair_of_card(app, chat, &origin.user, &row, Freshness::Now).await
    {
        Ok(pair) if pair.admin.member.id != row.admin_id => {
            Some(messages::unresolved_caller(&reference))
        }
        Ok(pair) => policy::approve(&pair.case(), now).err().map(|denied| {
            messages::denied(
                &denied,
                &row.member_name,
                &app.organization,
                &app.zone,
                now,
                &reference,
            )
        }),
        Err(lost) => Some(lost.told(app, &reference)),
    };
    match refusal {
        None => visit(app, origin, id, "retry_sign_out", Next::SignOut).await,
        Some(told) => {
            let reply = seal(app, id, origin.reply.as_ref())?;
            match app
                .store
                .visit(card_click(origin, id, reply), "retry_sign_out_refused")
                .await?
            {
                Ok(row) => Ok(super::beside(
                    origin,
                    messages::after_change(told, &row, &app.zone, now),
                )),
                Err(why) => Ok(refused(app, origin, id, &why, Some(&row), now)),
            }
        }
    }
}

/// A click on a message about a finished reset.
async fn visit(
    app: &Arc<App>,
    origin: &Origin,
    id: ResetId,
    event: &'static str,
    next: fn(ResetId, Option<ReplyAddress>) -> Next,
) -> Result<Reaction, Failure> {
    let reply = seal(app, id, origin.reply.as_ref())?;
    match app
        .store
        .visit(card_click(origin, id, reply), event)
        .await?
    {
        Ok(row) => Ok(Reaction::Then(next(
            id,
            origin.reply.clone().or_else(|| unseal(app, &row)),
        ))),
        Err(why) => Ok(refused(app, origin, id, &why, None, origin.received_at)),
    }
}

/// What the store needs to know of a click.
fn card_click(origin: &Origin, reset_id: ResetId, follow_up: Option<SealedReply>) -> CardClick {
    CardClick {
        reset_id,
        replay: origin.replay.clone(),
        clicker: origin.user.clone(),
        follow_up,
    }
}

/// Opens a form. No look-up comes before it: the permission lives three seconds.
async fn open_form(
    app: &Arc<App>,
    click: Click,
    id: ResetId,
    kind: FormKind,
) -> Result<Reaction, Failure> {
    let Click {
        origin,
        trigger,
        value,
        ..
    } = click;
    let reply = seal(app, id, origin.reply.as_ref())?;
    match app.store.open_form(card_click(&origin, id, reply)).await? {
        Ok(row) => match trigger {
            Some(trigger) => {
                let form = messages::typed_form(kind, &row.member_name, value);
                let to = origin.reply.or_else(|| unseal(app, &row));
                Ok(Reaction::Then(Next::Open {
                    trigger,
                    form,
                    to,
                    about: Some(Box::new(row)),
                }))
            }
            None => Ok(Reaction::Taken),
        },
        Err(why) => {
            let row = app.store.reset(id).await?;
            Ok(refused(
                app,
                &origin,
                id,
                &why,
                row.as_ref(),
                origin.received_at,
            ))
        }
    }
}

fn card_again(
    app: &App,
    member: &Member,
    amended: &Amended,
    (is_reachable, is_private): (bool, bool),
    about: &messages::AboutContacts,
    now: Moment,
) -> Message {
    let value = app.keys.button_value(amended.row.reset_id);
    let earlier = amended.earlier.as_ref();
    let card = offer::card(app, member, is_reachable, about, now);
    messages::offer_card(&Card {
        value: &value,
        earlier,
        is_private,
        ..card
    })
}

async fn last_look(
    app: &App,
    amended: &Amended,
    pair: &Pair,
    is_private: bool,
) -> Result<Message, Failure> {
    let (row, own, now) = (
        &amended.row,
        &pair.admin.member.business_email,
        app.clock.now(),
    );
    let copy_to = row
        .copy_to_self
        .as_deref()
        .or(row.copy_address.as_deref())
        .unwrap_or(own.as_str());
    let has_pages = app.directories.told(&row.member_id).1.has_our_pages;
    let codes = if has_pages {
        Some(contacts::methods_of(app, &pair.member.member, row).await?)
    } else {
        None
    };
    let look = messages::last_look(&messages::LastLook {
        row,
        length: app.organization.password_length,
        copy_to: Some(copy_to),
        can_mail: app.deliveries.has(Channel::Email),
        is_private,
        codes: codes.as_ref(),
        is_strict: app.deliveries.ways.is_strict,
        zone: &app.zone,
        now,
        value: &app.keys.button_value(row.reset_id),
        confirm_value: &app.keys.confirm_value(row.reset_id, row.edition),
    });
    let warning = amended
        .earlier
        .as_ref()
        .map(|earlier| messages::careful(earlier, &row.member_name, &app.zone, now));
    Ok(Message {
        lines: warning.into_iter().chain(look.lines).collect(),
        ..look
    })
}
