//! What an administrator is shown: a message with its buttons, and the password in it.

use zeroize::Zeroizing;

use super::Action;
use crate::domain::{MemberId, Password, ResetId};

/// A message to one administrator. Its texts are plain: renderers must not let a platform read markup in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The first line, shown as a heading.
    pub title: String,
    /// The text below the heading, a paragraph each.
    pub lines: Vec<String>,
    /// In the order in which they are shown.
    pub buttons: Vec<Button>,
    /// Earlier resets whose results these lines tell: if the message is not sent, they are told again.
    pub results: Vec<ResetId>,
    /// Resets of which these lines tell that the member said "this wasn't me", each with the administrator who reads it: the
    /// same.
    pub heard: Vec<(ResetId, MemberId)>,
    /// Set in a refusal. Its text is in `title` and `lines` already; where more is known of the reset, it is written anew
    /// from these parts.
    pub refused: Option<Box<RefusedParts>>,
}

/// What a refusal says in its first line after the sentence about what was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedParts {
    /// What to do, where the text does not say it before.
    pub next: String,
    pub reference: String,
    /// The line says that no slot was used either.
    pub is_slot_told: bool,
}

/// The password in a message, with the text that introduces how it is said aloud.
#[derive(Clone, Copy)]
pub struct ShownPassword<'a> {
    /// Borrowed: whoever shows it may not keep it.
    pub password: &'a Password,
    /// Stands before the spoken form. It is our own text, without markup.
    pub spoken_label: &'static str,
}

impl ShownPassword<'_> {
    /// The line that says how the password is said aloud.
    pub fn spoken_line(&self) -> Zeroizing<String> {
        let spoken = self.password.spoken();
        let mut line = Zeroizing::new(String::with_capacity(
            self.spoken_label.len() + spoken.len(),
        ));
        line.push_str(self.spoken_label);
        line.push_str(&spoken);
        line
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    pub action: Action,
    pub label: String,
    /// The opaque value that leads back to the reset.
    pub value: String,
    pub style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    /// The usual choice.
    Primary,
    /// It changes something for good.
    Danger,
}
