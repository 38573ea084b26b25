//! The forms of a card: opening one, and what was typed into it (S24, S25, S28).

use std::sync::Arc;

use super::amend::amend_last_look;
use super::choose::choose;
use super::permit::{self, extra_of};
use super::reaction::{Halt, Next, ReactError, Reaction};
use super::refuse::{card_click, forged, refuse, refuse_and_count};
use super::reply::{address, answer_refusal, seal};
use super::{contact_code, contacts, messages, wiped};
use crate::app::App;
use crate::chat::interaction::{CardAsk, CardForm};
use crate::chat::{Chat, Click, FormKind, FormSubmitted, Freshness, Origin};
use crate::domain::channel::DestinationDenied;
use crate::domain::delivery::Way;
use crate::domain::{Destination, EmailAddress, Member, ResetId};
use crate::store::{Amend, LookUpRefused, ResetRow};

/// Opens a form. Nothing is looked up before: the permission to open it lives for three seconds.
pub(super) async fn open(
    app: &Arc<App>,
    click: Click,
    id: ResetId,
    form: CardForm,
) -> Result<Reaction, Halt> {
    let Click {
        origin,
        trigger,
        value,
        ..
    } = click;
    let reply = seal(app, id, origin.reply.as_ref())?;
    let opened = app.store.open_form(card_click(&origin, id, reply)).await;
    match opened {
        Ok(row) => Ok(Reaction::Work(Next::Open {
            trigger,
            form: messages::typed_form(form.kind(), &row.member_name, value),
            to: address(app, &origin, &row),
            about: Some(Box::new(row)),
        })),
        Err(error) => {
            let why = error.refusal()?;
            let row = app.store.reset(id).await?;
            let why = match row.as_ref().filter(|_| why.is_of_wiped()) {
                Some(row) => wiped::gone(app, row).await?,
                None => why,
            };
            Ok(answer_refusal(app, &origin, id, &why, row.as_ref()))
        }
    }
}

/// Answers a submitted form: a refusal at its input. One that was accepted does nothing when it is sent again, whatever
/// would be said of it now.
pub(super) async fn submitted(
    app: &Arc<App>,
    chat: &Chat,
    form: FormSubmitted,
) -> Result<Reaction, ReactError> {
    let replay = &form.origin.replay;
    if replay.is_freed_by_refusal() && app.store.has_seen(replay).await? {
        return Ok(Reaction::Replayed);
    }
    let reacted = match form.kind {
        FormKind::ContactCode => contact_code::submitted(app, chat, form).await,
        FormKind::Destination => typed(app, chat, form, CardForm::Destination).await,
        FormKind::CopyAddress => typed(app, chat, form, CardForm::CopyAddress).await,
    };
    match reacted {
        Ok(reaction) => Ok(reaction),
        Err(halt) => halt.of_form(),
    }
}

/// What was typed into a form.
enum Typed {
    Destination(Destination),
    CopyAddress(EmailAddress),
}

impl Typed {
    fn read(
        app: &App,
        form: CardForm,
        typed: &str,
        member: &Member,
    ) -> Result<Self, DestinationDenied> {
        let company = &app.organization.company;
        match form {
            CardForm::Destination => {
                let to = Destination::typed(typed, member, company)?;
                app.deliveries.check_typed(&to, member)?;
                Ok(Self::Destination(to))
            }
            CardForm::CopyAddress => {
                Destination::typed_email(typed, member, company).map(Self::CopyAddress)
            }
        }
    }

    /// True where the answer of the receiving server tells whether the address exists.
    fn tells_whether_it_exists(&self) -> bool {
        match self {
            Self::Destination(to) => to.channel().facts().tells_which_exist,
            Self::CopyAddress(_) => true,
        }
    }
}

/// An address was typed. Rights and member are read past every cache.
async fn typed(
    app: &Arc<App>,
    chat: &Chat,
    submitted: FormSubmitted,
    form: CardForm,
) -> Result<Reaction, Halt> {
    let FormSubmitted {
        origin,
        value,
        typed,
        ..
    } = submitted;
    let Some((id, _)) = app.keys.read_button_value(&value) else {
        return Err(forged(app, &origin).await);
    };
    let permitted = permit::of_click(app, chat, &origin, id, Freshness::Now).await?;
    let row = &permitted.row;
    let carried = (row.carries, permitted.is_private);
    permit::check_extra(app, &origin, id, extra_of(CardAsk::OpenForm(form)), carried).await?;
    let member = &permitted.pair.member.member;
    let typed = match Typed::read(app, form, &typed, member) {
        Ok(typed) => typed,
        Err(denied) => {
            let told = messages::destination_refused(&denied, &member.name, &id.reference());
            return Err(refuse_and_count(app, &origin, row, "destination", told).await);
        }
    };
    permit::check_can_be_shown(app, &origin, row, false).await?;
    if typed.tells_whether_it_exists() {
        count_typed(app, &origin, row).await?;
    }
    match typed {
        Typed::Destination(to) => {
            // Another spelling of a contact on record is replaced by the address on record.
            let known = contacts::counted_before_card(app, member, &to, row).await?;
            let is_typed = known.is_none();
            let way = Way::Send(known.unwrap_or(to));
            choose(app, &origin, permitted, Some(way), is_typed).await
        }
        Typed::CopyAddress(to) => {
            let destination = Destination::Email(to.clone());
            let digest = contacts::digest(app, &row.member_id, &destination);
            amend_last_look(app, &origin, &permitted, Amend::CopyTo(to, digest)).await
        }
    }
}

/// Refuses an administrator who typed too many addresses: the mail server's answers tell which addresses exist. A
/// password that is set already can still be delivered to contacts on record, to phones and by Copy.
async fn count_typed(app: &Arc<App>, origin: &Origin, row: &ResetRow) -> Result<(), Halt> {
    match app.store.count_typed(&row.admin_id, &origin.replay).await {
        Ok(()) => Ok(()),
        Err(LookUpRefused::Store(error)) => Err(error.into()),
        Err(LookUpRefused::TooMany(too_many)) => {
            let now = origin.received_at;
            let reference = row.reset_id.reference();
            let told = messages::too_many_typed(too_many, &app.zone, now, &reference);
            Err(refuse(app, origin, row.reset_id, too_many.code(), told).await)
        }
    }
}
