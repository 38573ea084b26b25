//! Replies: their address, sealed in the record between two requests; their place, beside or instead of the card; and
//! how they are sent.

use rand::CryptoRng;

use super::messages;
use super::reaction::{Halt, Next, ReactError, Reaction};
use super::refuse::refusal_text;
use crate::app::App;
use crate::chat::{Adapter, Chat, Message, Origin, Placement, ReplyAddress};
use crate::domain::delivery::Outcome;
use crate::domain::{ChatUser, Platform, ResetId};
use crate::store::{ClickRefused, ResetRow, SealedReply};

/// Seals the reply address of an interaction for its reset.
pub(super) fn seal(
    app: &App,
    id: ResetId,
    reply: Option<&ReplyAddress>,
) -> Result<Option<SealedReply>, ReactError> {
    seal_with(app, id, reply, &mut app.chance.rng()?)
}

/// The same with a generator that the caller has already: a new one costs a system call.
pub(super) fn seal_with(
    app: &App,
    id: ResetId,
    reply: Option<&ReplyAddress>,
    rng: &mut impl CryptoRng,
) -> Result<Option<SealedReply>, ReactError> {
    let Some(reply) = reply else { return Ok(None) };
    let sealed = app.keys.seal(reply.expose(), &context(id), rng)?;
    Ok(Some(SealedReply {
        sealed,
        until: reply.until,
    }))
}

/// The reply address of a reset, while the platform accepts it.
pub(super) fn unseal(app: &App, row: &ResetRow) -> Option<ReplyAddress> {
    let reply = SealedReply {
        sealed: row.reply.clone()?,
        until: row.reply_until?,
    };
    open(app, row.reset_id, &reply)
}

/// The same from the sealed address itself.
pub(super) fn open(app: &App, id: ResetId, reply: &SealedReply) -> Option<ReplyAddress> {
    if reply.until <= app.clock.now() {
        return None;
    }
    let url = app.keys.open(&reply.sealed, &context(id)).ok()?;
    Some(ReplyAddress::new(url.to_string(), reply.until))
}

/// What a reply address is sealed for, so that it opens for its own reset only.
fn context(id: ResetId) -> String {
    format!("reply {id}")
}

/// The address of the interaction, else the one that is kept with its reset.
pub(super) fn address(app: &App, origin: &Origin, row: &ResetRow) -> Option<ReplyAddress> {
    origin.reply.clone().or_else(|| unseal(app, row))
}

/// How often a reply address can still be used.
pub(super) fn uses_left(app: &App, platform: Platform, to: &ReplyAddress) -> u32 {
    app.chat(platform).map_or(0, |chat| chat.uses_left(to))
}

/// Answers beside the card, so that no result and no other card is overwritten.
pub(super) fn beside(origin: &Origin, message: Message) -> Reaction {
    match &origin.reply {
        Some(to) => Reaction::Work(Next::Tell {
            to: to.clone(),
            message,
            placement: Placement::Add,
        }),
        None => Reaction::Say(message),
    }
}

/// Answers in place of the card, which the click has changed.
pub(super) fn in_place(app: &App, origin: &Origin, row: ResetRow, content: Message) -> Reaction {
    let Some(to) = address(app, origin, &row) else {
        return Reaction::Acknowledged;
    };
    // The last use of the address is kept for the result of the reset. Where no result follows, as after Cancel, the
    // answer to the click itself carries the message.
    if uses_left(app, origin.user.platform, &to) <= 1 {
        return Reaction::Say(content);
    }
    Reaction::Work(Next::DrawCard {
        row: Box::new(row),
        to,
        content,
    })
}

/// Answers at the input of a form.
pub(super) fn at_input(message: Message) -> Reaction {
    Reaction::FormError([vec![message.title], message.lines].concat().join(" "))
}

/// Answers a click that the store refused; a replay is not answered. `row` is the card where its content may be told.
pub(super) fn answer_refusal(
    app: &App,
    origin: &Origin,
    id: ResetId,
    refused: &ClickRefused,
    row: Option<&ResetRow>,
) -> Reaction {
    match refusal_unless_replayed(app, origin, id, refused, row) {
        Some(told) => beside(origin, told),
        None => Reaction::Replayed,
    }
}

/// The same for a click or a form: where it is answered, the caller decides.
pub(super) fn halt_with_refusal(
    app: &App,
    origin: &Origin,
    id: ResetId,
    refused: &ClickRefused,
    row: Option<&ResetRow>,
) -> Halt {
    refusal_unless_replayed(app, origin, id, refused, row).map_or(Halt::Replayed, Halt::Refused)
}

/// What the administrator is told of it; nothing of a replay.
fn refusal_unless_replayed(
    app: &App,
    origin: &Origin,
    id: ResetId,
    refused: &ClickRefused,
    row: Option<&ResetRow>,
) -> Option<Message> {
    if *refused == ClickRefused::Replayed {
        return None;
    }
    let told = refusal_text(app, origin, refused, row, &id.reference());
    Some(match row {
        Some(row) => messages::after_change(told, row, &app.zone, origin.received_at),
        None => told,
    })
}

impl Halt {
    /// The reaction to a click: beside the card.
    pub(super) fn of_click(self, origin: &Origin) -> Result<Reaction, ReactError> {
        match self {
            Self::Replayed => Ok(Reaction::Replayed),
            Self::Refused(message) => Ok(beside(origin, message)),
            Self::Answered(reaction) => Ok(reaction),
            Self::Failed(error) => Err(error),
        }
    }

    /// The reaction to a form: at its input.
    pub(super) fn of_form(self) -> Result<Reaction, ReactError> {
        match self {
            Self::Replayed => Ok(Reaction::Replayed),
            Self::Refused(message) => Ok(at_input(message)),
            Self::Answered(reaction) => Ok(reaction),
            Self::Failed(error) => Err(error),
        }
    }

    /// The reaction to a command.
    pub(super) fn of_command(self) -> Result<Reaction, ReactError> {
        match self {
            Self::Replayed => Ok(Reaction::Replayed),
            Self::Refused(message) => Ok(Reaction::Say(message)),
            Self::Answered(reaction) => Ok(reaction),
            Self::Failed(error) => Err(error),
        }
    }
}

/// Sends a message if there is an address. True if the platform accepted it.
pub(super) async fn tell(
    chat: &Chat,
    to: Option<&ReplyAddress>,
    message: &Message,
    placement: Placement,
) -> bool {
    let Some(to) = to else { return false };
    was_accepted(&chat.follow_up(to, message, placement).await)
}

/// True where the platform took a follow-up; else the log says so.
fn was_accepted(outcome: &Outcome) -> bool {
    let is_accepted = *outcome == Outcome::Accepted;
    if !is_accepted {
        tracing::warn!(?outcome, "a follow-up was not accepted");
    }
    is_accepted
}

/// Sends a message that nobody but the administrator may read.
async fn tell_alone(chat: &Chat, to: &ReplyAddress, message: &Message) -> bool {
    was_accepted(&chat.follow_up_alone(to, message).await)
}

/// Sends a message that is not the result of a reset: the last use of an address is kept for that.
pub(super) async fn tell_unless_last(
    chat: &Chat,
    to: Option<&ReplyAddress>,
    message: &Message,
    placement: Placement,
) {
    if let Some(to) = to.filter(|to| chat.uses_left(to) > 1) {
        tell(chat, Some(to), message, placement).await;
    }
}

/// Draws a card in its place. Tasks that draw the same card take turns, and older content never replaces newer content:
/// what the administrator sees is what a confirming click does.
pub(super) async fn draw_card(
    app: &App,
    chat: &Chat,
    row: Box<ResetRow>,
    to: ReplyAddress,
    content: Message,
) {
    let _lock = app.card_locks.lock(row.reset_id).await;
    // Boxed, because many tasks may wait for the lock.
    let is_current = match Box::pin(app.store.reset(row.reset_id)).await {
        Ok(Some(present)) => present.has_same_content(&row),
        Ok(None) | Err(_) => true,
    };
    if is_current {
        // Checked here once more: several clicks at once may all have found a use left.
        let was_shown = chat.uses_left(&to) > 1
            && if content.is_for_one && !chat.can_replace() {
                Box::pin(tell_alone(chat, &to, &content)).await
            } else {
                Box::pin(tell(chat, Some(&to), &content, Placement::Replace)).await
            };
        if was_shown && row.told_at.is_none() && row.is_waiting_for_another_way() {
            note_failure_shown(app, &row).await;
        }
    }
}

/// The question before another way, or the list of ways, was shown: both say what failed, so it is no news any more.
async fn note_failure_shown(app: &App, row: &ResetRow) {
    if let Err(error) = app.store.told_as(row).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not record that a failure was shown"
        );
    }
}

/// Answers a click or a form that had no address of its own: beside its card, if the card is theirs.
pub(crate) async fn tell_beside_card(
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
        // After the end no result is left to keep the last use for.
        if row.finished_at.is_some() {
            tell(chat, to.as_ref(), message, Placement::Add).await;
        } else {
            tell_unless_last(chat, to.as_ref(), message, Placement::Add).await;
        }
    }
}
