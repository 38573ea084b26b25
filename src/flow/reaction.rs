//! What comes of an interaction: the answer, the work that follows it, and why neither could be decided.

use crate::app::{HeldPassword, QueuedReset};
use crate::chat::interaction::Trigger;
use crate::chat::{Form, Message, Placement, ReplyAddress};
use crate::domain::{Member, ResetId};
use crate::store::{ResetRow, StoreError};

/// The answer to an interaction.
pub(crate) enum Reaction {
    /// The same bytes came before. No effect, and no body, because the first body could hold a secret.
    Replayed,
    /// An empty acknowledgement; nothing follows, or it comes by itself.
    Acknowledged,
    /// An ephemeral message: the answer to a command.
    Say(Message),
    /// A form that the answer itself opens, and the address of later messages.
    Open(Form, Option<ReplyAddress>),
    /// The platform's own text back.
    Challenge(String),
    /// A text at the form's input.
    FormError(String),
    /// An empty acknowledgement; then this work.
    Work(Next),
}

/// Work that follows the acknowledgement. It is data, so that it can be logged, tested and queued.
pub(crate) enum Next {
    /// Send a message through a follow-up address.
    Tell {
        /// Where the platform takes messages about the interaction.
        to: ReplyAddress,
        /// May hold results of earlier resets, which are told again if it is refused.
        message: Message,
        /// In place of the card, or beside it.
        placement: Placement,
    },
    /// Draw a card in its place, as it is in the row.
    DrawCard {
        /// The record as it was when the content was made. Newer content is not overwritten.
        row: Box<ResetRow>,
        to: ReplyAddress,
        /// What the card shows for this row.
        content: Message,
    },
    /// Open a form by a call of its own, or by the answer to the click where the platform wants that.
    Open {
        /// The permission that came with the click.
        trigger: Trigger,
        /// With the value that leads back to the card.
        form: Form,
        /// Where to report that it could not be opened.
        to: Option<ReplyAddress>,
        /// The reset that the form is about, if any.
        about: Option<Box<ResetRow>>,
    },
    /// Queue a confirmed reset; its slot is taken and its intent recorded.
    Reset(Box<QueuedReset>),
    /// Deliver an undelivered password another way.
    Redeliver(Box<Redelivery>),
    /// Sign the member out once more.
    SignOut(ResetId, Option<ReplyAddress>),
    /// Say that nothing is left to do.
    NothingToDo(Option<ReplyAddress>),
    /// Replace the message that shows the password.
    Hide(ResetId, Option<ReplyAddress>),
    /// S42: ask another administrator to add a contact.
    AskContact(Box<ResetRow>, Option<ReplyAddress>),
    /// S6: send the member the guide; no reset is made.
    Guide(Box<ResetRow>, Option<ReplyAddress>),
    /// Let the directory send its own link.
    DirectoryLink(Box<ResetRow>, Option<ReplyAddress>),
}

/// An undelivered password that is to be delivered another way.
pub(crate) struct Redelivery {
    /// The password and the right to continue.
    pub(super) held: HeldPassword,
    /// The reset, already moved to `delivering`.
    pub(super) row: ResetRow,
    /// As the click read them.
    pub(super) member: Member,
    /// Where to send the result.
    pub(super) reply: Option<ReplyAddress>,
}

/// Why nothing could be decided. Nothing was done outside; after [`StoreError::Unavailable`] nobody knows what is on
/// record.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReactError {
    /// The record does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system gave no randomness.
    #[error(transparent)]
    Chance(#[from] crate::chance::NoEntropy),
    /// A reply address or a question could not be sealed for the record.
    #[error(transparent)]
    Seal(#[from] crate::secret::NotSealed),
}

/// Why a click, a form or a command goes no further. Handlers return it with `?`; the entry points turn it into the
/// reaction that fits a click or a form.
pub(super) enum Halt {
    /// The same bytes came before.
    Replayed,
    /// Refused, and recorded. The message says why.
    Refused(Message),
    Answered(Reaction),
    /// The record, randomness or sealing failed; the answer apologizes.
    Failed(ReactError),
}

impl<E: Into<ReactError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Reaction> for Halt {
    fn from(reaction: Reaction) -> Self {
        Self::Answered(reaction)
    }
}
