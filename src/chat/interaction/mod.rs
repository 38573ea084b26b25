//! What people do in a chat and what they are shown, in types that no platform shapes.

mod ask;
mod buttons;
mod message;

use secrecy::{ExposeSecret, SecretString};

pub use self::ask::MemberCommand;
pub(crate) use self::ask::{Ask, NamedMember, Word};
pub use self::buttons::{Action, FormKind};
pub(crate) use self::buttons::{
    AfterAct, ButtonAsk, CONTACT_QUESTION, CardAct, CardAsk, CardChange, CardForm, ContactAsk,
};
pub use self::message::{Aside, Button, Message, ShownPassword, Style, Tick, Warning};
pub(crate) use self::message::{BUTTON, RefusedParts};
use crate::domain::{ChatUser, Moment};
use crate::store::ReplayKey;

/// Proof that a platform signed the request for our app and workspace, and that it is not stale. Only `chat/` can make
/// one.
#[derive(Debug)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(in crate::chat) fn new(inner: T) -> Self {
        Self(inner)
    }

    /// The signed content.
    pub fn inner(&self) -> &T {
        &self.0
    }

    /// The content without the proof.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// What a person did in the chat, or a question of the platform itself.
#[derive(Debug)]
pub enum Interaction {
    /// The platform checks that we answer.
    Ping,
    /// The platform wants this text back, to verify that the address is ours.
    Challenge(String),
    /// A typed command.
    Command(Command),
    /// A pressed button.
    Click(Click),
    /// A submitted form.
    Form(FormSubmitted),
}

/// Where an interaction came from.
#[derive(Clone, Debug)]
pub struct Origin {
    pub user: ChatUser,
    /// The key of the signed bytes.
    pub replay: ReplayKey,
    /// The address of follow-ups, if the platform sent one.
    pub reply: Option<ReplyAddress>,
    /// By our clock, not the platform's.
    pub received_at: Moment,
}

/// The address of follow-ups. Anybody who has it can write to the administrator, so it is a secret.
#[derive(Clone, Debug)]
pub struct ReplyAddress {
    url: SecretString,
    /// When the platform stops accepting it.
    pub until: Moment,
}

impl ReplyAddress {
    /// Wraps an address that the adapter has checked against its allow-list.
    pub fn new(url: String, until: Moment) -> Self {
        Self {
            url: url.into(),
            until,
        }
    }

    /// The address, for the one expression that calls or seals it.
    pub fn expose(&self) -> &str {
        self.url.expose_secret()
    }
}

/// A platform's permission to open a form. It comes with a click, lives for seconds and works once.
#[derive(Clone, Debug)]
pub struct Trigger(SecretString);

impl Trigger {
    /// Wraps the platform's text.
    pub fn new(text: String) -> Self {
        Self(text.into())
    }

    /// The text, for the one expression that sends it back.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[derive(Debug)]
pub struct Command {
    pub origin: Origin,
    pub ask: Ask,
}

#[derive(Debug)]
pub struct Click {
    pub origin: Origin,
    pub action: Action,
    /// The opaque value that the button carried.
    pub value: String,
    /// What the boxes of the message say, after the click.
    pub boxes: Boxes,
    /// The permission to open a form. Every platform sends one, or opens the form in the answer to the click.
    pub trigger: Trigger,
}

/// What the boxes of a message say. None where the message has no such box, or the platform has buttons in place of boxes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Boxes {
    /// S27: the administrator's copy.
    pub copy_to_self: Option<bool>,
    /// S38: showing the password as well.
    pub also_show: Option<bool>,
}

impl Boxes {
    /// Notes what a box says. False where no box has this name.
    pub(crate) fn note(&mut self, action: Action, is_ticked: bool) -> bool {
        let the_box = if action == Action::CopyToSelf {
            &mut self.copy_to_self
        } else if action == Action::AlsoShow {
            &mut self.also_show
        } else {
            return false;
        };
        *the_box = Some(is_ticked);
        true
    }

    /// True where every box says what is on record.
    pub(crate) fn agree_with(self, has_copy: bool, is_shown: bool) -> bool {
        self.copy_to_self.is_none_or(|says| says == has_copy)
            && self.also_show.is_none_or(|says| says == is_shown)
    }
}

#[derive(Debug)]
pub struct FormSubmitted {
    pub origin: Origin,
    pub kind: FormKind,
    /// The opaque value that the form carried.
    pub value: String,
    pub typed: String,
}
