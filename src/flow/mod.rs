//! The conversation: command → card → choice → last look → act → result, and everything that can go wrong between.
//!
//! [`react`] decides quickly what to answer; what takes longer is given back as [`Next`], which the web server runs
//! in the background with [`carry_out`]. To add a step: an [`Action`](crate::chat::Action), its arm in `choose.rs`, its sentence in
//! `messages/`.

mod choose;
mod contact_code;
pub mod contacts;
mod history;
mod identity;
mod issue;
mod line;
mod listed;
pub mod messages;
mod offer;
pub mod pins;
mod question;
pub mod sweep;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rand::CryptoRng;

use crate::app::{App, Ticket};
use crate::chat::interaction::Trigger;
use crate::chat::{
    Adapter, Chat, Form, Interaction, Message, Origin, Placement, ReplyAddress, Verified,
};
use crate::delivery::Note;
use crate::domain::delivery::Outcome;
use crate::domain::{
    Channel, ChatUser, Destination, MemberId, Moment, Platform, Reference, ResetId,
};
use crate::store::{ClickRefused, ResetRow, SealedReply, StoreError};

pub use self::issue::Again;

/// What the platform is answered at once, and what follows.
pub enum Reaction {
    /// These bytes were seen before: no effect, and no body that could hold a secret (W6).
    Replayed,
    /// Taken; nothing to say.
    Taken,
    /// An ephemeral message: the answer of a command.
    Say(Message),
    /// A form that the answer itself opens, and where the conversation goes on.
    Open(Form, Option<ReplyAddress>),
    /// The platform's own text back.
    Challenge(String),
    /// The text stands at the form's input.
    FormError(String),
    /// Taken, and this follows.
    Then(Next),
}

/// Work that follows an acknowledged click. It is data, so that it can be logged, tested and found again.
pub enum Next {
    /// Send a message through a follow-up address.
    Tell {
        /// Where to.
        to: ReplyAddress,
        /// What.
        message: Message,
        /// In place of the card, or beside it.
        placement: Placement,
    },
    /// Show a card in its place, as it is in the row.
    Face {
        /// The card.
        row: Box<ResetRow>,
        /// Where to.
        to: ReplyAddress,
        /// Its face.
        message: Message,
    },
    /// Open a form.
    Open {
        /// The permission that came with the click.
        trigger: Trigger,
        /// The form.
        form: Form,
        /// Where to say that it could not be opened.
        to: Option<ReplyAddress>,
        /// The reset that it is about, if it is about one.
        about: Option<Box<ResetRow>>,
    },
    /// Go on with a claimed reset when its turn comes.
    Issue(Box<Ticket>),
    /// Deliver an undelivered one another way.
    Again(Box<Again>),
    /// Try again to sign the member out.
    SignOut(ResetId, Option<ReplyAddress>),
    /// Say that nothing is left to do.
    Nothing(Option<ReplyAddress>),
    /// Replace the message that shows the password.
    Hide(ResetId, Option<ReplyAddress>),
    /// Send the guide (S6).
    Guide(Box<ResetRow>, Option<ReplyAddress>),
    /// Let the directory send its own link.
    DirectoryLink(Box<ResetRow>, Option<ReplyAddress>),
}

/// Reads what somebody did and decides. Everything that must be on disk before the answer is on disk when it returns.
pub async fn react(app: &Arc<App>, chat: &Chat, interaction: Verified<Interaction>) -> Reaction {
    let interaction = interaction.into_inner();
    // A click or a form may stand on a reset that has gone further than a card.
    let is_on_card = matches!(interaction, Interaction::Click(_) | Interaction::Form(_));
    let is_form = matches!(interaction, Interaction::Form(_));
    let (origin, decided) = match interaction {
        Interaction::Ping => return Reaction::Taken,
        Interaction::Challenge(text) => return Reaction::Challenge(text),
        Interaction::Command(command) => {
            if !app
                .seen
                .is_new(&command.origin.replay, command.origin.received_at)
            {
                return Reaction::Replayed;
            }
            (
                command.origin.clone(),
                Box::pin(offer::command(app, chat, command)).await,
            )
        }
        Interaction::Click(click) => {
            if !app
                .seen
                .is_new(&click.origin.replay, click.origin.received_at)
            {
                return Reaction::Replayed;
            }
            (
                click.origin.clone(),
                Box::pin(choose::click(app, chat, click)).await,
            )
        }
        Interaction::Form(form) => {
            // One that may be sent again after a refusal gets its reason again; the record knows what it did.
            if form.once.is_none()
                && !app
                    .seen
                    .is_new(&form.origin.replay, form.origin.received_at)
            {
                return Reaction::Replayed;
            }
            (
                form.origin.clone(),
                Box::pin(choose::form(app, chat, form)).await,
            )
        }
    };
    let reaction = decided.unwrap_or_else(|failure| failed(app, &origin, is_on_card, &failure));
    // Whoever sent a form looks at its input.
    if is_form && let Reaction::Say(message) = reaction {
        at_input(message)
    } else {
        reaction
    }
}

/// A message as a text at the input of a form.
fn at_input(message: Message) -> Reaction {
    Reaction::FormError([vec![message.title], message.lines].concat().join(" "))
}

/// Why nothing could be decided. Nothing was changed (P6).
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The record does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system gave no randomness.
    #[error(transparent)]
    Chance(#[from] crate::chance::NoEntropy),
    /// The key cannot seal.
    #[error(transparent)]
    Seal(#[from] crate::secret::NotSealed),
}

fn failed(app: &App, origin: &Origin, is_on_card: bool, failure: &Failure) -> Reaction {
    tracing::error!(platform = %origin.user.platform, error = failure as &dyn std::error::Error, "could not react; nothing was changed");
    let reference = app.chance.rng().map_or_else(
        |_| ResetId([0; 16]).reference(),
        |mut rng| Reference::draw(&mut rng),
    );
    // A command can be sure that nothing was changed.
    let told = if is_on_card {
        messages::click_failed(&reference)
    } else {
        messages::store_down(&reference)
    };
    beside(origin, told)
}

/// Runs what follows, to its end; a claimed reset waits in the line and goes on from there.
pub fn carry_out<'a>(app: &'a Arc<App>, chat: &'a Chat, next: Next) -> BoxFuture<'a, ()> {
    match next {
        Next::Tell {
            to,
            message,
            placement,
        } => Box::pin(async move {
            tell(chat, Some(&to), &message, placement).await;
        }),
        Next::Face { row, to, message } => Box::pin(show_face(app, chat, row, to, message)),
        Next::Nothing(to) => Box::pin(async move {
            tell(
                chat,
                to.as_ref(),
                &messages::nothing_to_do(),
                Placement::Add,
            )
            .await;
        }),
        Next::Open {
            trigger,
            form,
            to,
            about,
        } => Box::pin(async move {
            if let Err(error) = chat.open_form(&trigger, &form).await
                && let Ok(mut rng) = app.chance.rng()
            {
                let message = messages::who_failed(&error, &Reference::draw(&mut rng));
                let message = match &about {
                    Some(about) => {
                        messages::after_change(message, about, &app.zone, app.clock.now())
                    }
                    None => message,
                };
                tell_by_the_way(chat, to.as_ref(), &message, Placement::Add).await;
            }
        }),
        Next::Issue(ticket) => {
            line::join(app, *ticket);
            Box::pin(std::future::ready(()))
        }
        Next::Again(again) => Box::pin(issue::issue_again(app, chat, *again)),
        Next::SignOut(id, to) => Box::pin(issue::sign_out_again(app, chat, id, to)),
        Next::Hide(id, to) => {
            Box::pin(async move { issue::hide(app, chat, id, to.as_ref()).await })
        }
        Next::DirectoryLink(row, to) => {
            Box::pin(async move { choose::send_directory_link(app, chat, &row, to.as_ref()).await })
        }
        Next::Guide(row, to) => {
            Box::pin(async move { choose::send_guide(app, chat, &row, to.as_ref()).await })
        }
    }
}

/// Shows a card in its place: one after the other, and never an older face over a newer one, because what stands there is
/// what will be done.
async fn show_face(app: &App, chat: &Chat, row: Box<ResetRow>, to: ReplyAddress, message: Message) {
    let _turn = app.card_locks.turn(row.reset_id).await;
    // In boxes, because most who are here wait for their turn.
    let is_present = match Box::pin(app.store.reset(row.reset_id)).await {
        Ok(Some(present)) => present.has_face_of(&row),
        Ok(None) | Err(_) => true,
    };
    if is_present {
        // Several clicks at once may all have found an answer left for their face.
        Box::pin(tell_by_the_way(
            chat,
            Some(&to),
            &message,
            Placement::Replace,
        ))
        .await;
    }
}

/// Tells the administrator of the member's last reset that the password did its work, where the chat still takes it.
pub async fn tell_that_it_was_used(app: &App, member: &MemberId) {
    if let Ok(Some(row)) = app
        .store
        .last_changes(member)
        .await
        .map(|rows| rows.into_iter().next())
        && let Some(chat) = app.chat(row.platform)
    {
        let message = messages::used(&row, &app.zone, app.clock.now());
        tell(chat, unseal(app, &row).as_ref(), &message, Placement::Add).await;
    }
}

/// Tells the administrator and the security address that a member did not ask for a reset.
pub async fn tell_of_disowned(app: &App, row: &ResetRow) {
    app.held.forget(&row.member_id);
    let at = row.changed_at.or(row.changing_at).unwrap_or(row.offered_at);
    let reference = row.reset_id.reference().to_string();
    tracing::warn!(reset.id = %row.reset_id, admin.id = %row.admin_id, member.id = %row.member_id, "a member did not ask for a reset");
    let note = messages::alarm(
        &app.organization,
        &row.member_name,
        &row.admin_name,
        at,
        &app.zone,
        &reference,
    );
    let is_security_told = tell_security(app, &note, &format!("not-me-{}", row.reset_id)).await;
    if let Some(chat) = app.chat(row.platform) {
        let message = messages::disowned(row, is_security_told);
        tell(chat, unseal(app, row).as_ref(), &message, Placement::Add).await;
    }
}

/// Sends an alarm to the security address, where the settings name one; true if the mail server took it. `id` names the
/// message to gateways that drop repetitions.
pub async fn tell_security(app: &App, note: &Note, id: &str) -> bool {
    send_security(app, note, id).await == Some(Outcome::Accepted)
}

/// The same, with what the mail server said; None where there is no address or no e-mail.
async fn send_security(app: &App, note: &Note, id: &str) -> Option<Outcome> {
    let security = app
        .organization
        .security_email
        .clone()
        .filter(|_| app.deliveries.has(Channel::Email))?;
    let sent = app
        .deliveries
        .tell(&Destination::Email(security), note, id)
        .await;
    if sent != Outcome::Accepted {
        tracing::error!(alarm = id, ?sent, "the security address could not be told");
    }
    Some(sent)
}

/// Sends a message where there is an address for it; true if the platform took it.
async fn tell(
    chat: &Chat,
    to: Option<&ReplyAddress>,
    message: &Message,
    placement: Placement,
) -> bool {
    let Some(to) = to else { return false };
    match chat.follow_up(to, message, placement).await {
        Outcome::Accepted => true,
        outcome @ (Outcome::Refused(_) | Outcome::Unknown) => {
            tracing::warn!(platform = %chat.platform(), ?outcome, "a follow-up was not accepted");
            false
        }
    }
}

/// The same, where the last use of the address is kept for the end of the reset.
async fn tell_by_the_way(
    chat: &Chat,
    to: Option<&ReplyAddress>,
    message: &Message,
    placement: Placement,
) {
    if let Some(to) = to.filter(|to| chat.uses_left(to) > 1) {
        tell(chat, Some(to), message, placement).await;
    }
}

/// The answer to a click that ends here: beside the card, so that a result or another card is never overwritten.
fn beside(origin: &Origin, message: Message) -> Reaction {
    match &origin.reply {
        Some(to) => Reaction::Then(Next::Tell {
            to: to.clone(),
            message,
            placement: Placement::Add,
        }),
        None => Reaction::Say(message),
    }
}

/// The answer to a click that moves the card on: in its place.
fn in_place(app: &App, origin: &Origin, row: ResetRow, message: Message) -> Reaction {
    let Some(to) = origin.reply.clone().or_else(|| unseal(app, &row)) else {
        return Reaction::Taken;
    };
    // The last use is kept for the end of the reset, and where none follows, as after Cancel, it is said right here.
    if uses_left(app, origin.user.platform, &to) <= 1 {
        return Reaction::Say(message);
    }
    Reaction::Then(Next::Face {
        row: Box::new(row),
        to,
        message,
    })
}

/// How often a follow-up address can still be used.
fn uses_left(app: &App, platform: Platform, to: &ReplyAddress) -> u32 {
    app.chat(platform).map_or(0, |chat| chat.uses_left(to))
}

/// Answers somebody whose click or form brought no address of its own: beside the card that it was about, if that is
/// theirs.
pub async fn tell_beside_card(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    value: &str,
    message: &Message,
) {
    let Some((id, _)) = app.keys.read_button_value(value) else {
        return;
    };
    if let Ok(Some(row)) = app.store.reset(id).await
        && row.is_of(user)
    {
        let to = unseal(app, &row);
        // Of what has ended there is no end left to keep the last use for.
        if row.finished_at.is_some() {
            tell(chat, to.as_ref(), message, Placement::Add).await;
        } else {
            tell_by_the_way(chat, to.as_ref(), message, Placement::Add).await;
        }
    }
}

/// Seals the follow-up address of an interaction for its reset.
fn seal(
    app: &App,
    id: ResetId,
    reply: Option<&ReplyAddress>,
) -> Result<Option<SealedReply>, Failure> {
    seal_by(app, id, reply, &mut app.chance.rng()?)
}

/// The same, by a generator that is at hand: a fresh one costs a call to the operating system.
fn seal_by(
    app: &App,
    id: ResetId,
    reply: Option<&ReplyAddress>,
    rng: &mut impl CryptoRng,
) -> Result<Option<SealedReply>, Failure> {
    let Some(reply) = reply else { return Ok(None) };
    let sealed = app.keys.seal(reply.expose(), &format!("reply {id}"), rng)?;
    Ok(Some(SealedReply {
        sealed,
        until: reply.until,
    }))
}

/// Opens the follow-up address of a reset, while it works.
fn unseal(app: &App, row: &ResetRow) -> Option<ReplyAddress> {
    let (sealed, until) = (row.reply.as_deref()?, row.reply_until?);
    if until <= app.clock.now() {
        return None;
    }
    let url = app
        .keys
        .open(sealed, &format!("reply {}", row.reset_id))
        .ok()?;
    Some(ReplyAddress::new(url.to_string(), until))
}

/// A click that the store refused: told beside the card, or not at all when the same bytes came again.
fn refused(
    app: &App,
    origin: &Origin,
    id: ResetId,
    refused: &ClickRefused,
    row: Option<&ResetRow>,
    now: Moment,
) -> Reaction {
    if *refused == ClickRefused::Replayed {
        return Reaction::Replayed;
    }
    let told = messages::click_refused(
        refused,
        row,
        &app.organization,
        &app.zone,
        now,
        &id.reference(),
    );
    let told = match row {
        Some(row) => messages::after_change(told, row, &app.zone, now),
        None => told,
    };
    beside(origin, told)
}
