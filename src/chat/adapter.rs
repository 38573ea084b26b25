//! [`Adapter`]: what a platform can do, and the types of its requests and answers.

use axum::http::HeaderMap;
use secrecy::SecretString;

use super::interaction::{
    FormKind, Interaction, Message, ReplyAddress, ShownPassword, Trigger, Verified,
};
use super::{ApiError, Examination, Freshness, Matching, PlannedCommand, Profile, RegisterError};
use crate::domain::delivery::Outcome;
use crate::domain::{ChatUser, EmailAddress, Moment, Platform};
use crate::form::FormError;
use crate::settings::Finding;

/// The answer to another method, for the log.
pub(super) const ONLY_POST: &str = "only POST is answered";

/// Why a request was refused. Nothing of it tells the sender what would have been right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// The content type is not the platform's, or the body is compressed: 415.
    #[error("wrong content type")]
    ContentType,
    /// The signature is missing or wrong, or belongs to another app or workspace: 401.
    #[error("not signed by our app and workspace: {0}")]
    Unsigned(&'static str),
    /// The request's time is too far from our clock: 401.
    #[error("stale: {behind} s behind our clock")]
    Stale {
        /// How many seconds the request's time is behind our clock; negative if it is ahead.
        behind: i64,
    },
    /// Signed, but not a request that the platform makes: 400.
    #[error("not a request that the platform makes: {0}")]
    Malformed(&'static str),
    /// Signed, but posted to the address of another kind of request: 400.
    #[error("at another address than its own: {reason}")]
    Misplaced {
        /// Which kind of request came, and to which address.
        reason: &'static str,
        /// What to set on the platform.
        advice: &'static str,
    },
}

impl NotVerified {
    /// For `map_err` where a part cannot be parsed. The parser's error is dropped: it may quote the request, and nothing of
    /// that belongs in a log.
    pub(super) fn malformed<E>(part: &'static str) -> impl FnOnce(E) -> Self {
        move |_quotes_the_request| Self::Malformed(part)
    }

    /// The same where the part is needed to check the signature.
    pub(super) fn unsigned<E>(part: &'static str) -> impl FnOnce(E) -> Self {
        move |_quotes_the_request| Self::Unsigned(part)
    }
}

impl From<FormError> for NotVerified {
    fn from(error: FormError) -> Self {
        Self::Malformed(error.reason())
    }
}

/// Whether verifying a request may make a call to the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Yes. The caller sets a deadline.
    Allowed,
    /// No: only what is cached counts.
    No,
}

/// Where a follow-up goes in relation to the message that was clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It replaces that message.
    Replace,
    /// It is a message of its own.
    Add,
}

/// What a platform proves of a request, and who can read our replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assurance {
    /// It signs the whole request, so the reply goes to the person who sent it.
    WholeRequest,
    /// It proves only the person, but a message can be sent to that person alone. A command that changes something at
    /// once is confirmed there first.
    PrivateReply,
    /// It proves only the person, and somebody else may read the replies.
    PersonOnly,
}

impl Assurance {
    /// True if nobody but the proven person reads the last look and what follows it.
    pub fn is_private(self) -> bool {
        match self {
            Self::WholeRequest | Self::PrivateReply => true,
            Self::PersonOnly => false,
        }
    }
}

/// A form with one input, to be opened.
#[derive(Clone, Debug)]
pub struct Form {
    /// Decides which button opens it and what the input must be.
    pub kind: FormKind,
    /// The opaque value that leads back to the reset.
    pub value: String,
    /// The heading.
    pub title: String,
    /// The label of the input.
    pub label: String,
    /// A line below the input.
    pub hint: String,
    /// The label of the button that submits it.
    pub submit: String,
}

/// The kind of an interaction. The shape of the immediate answer depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InteractionKind {
    /// The platform checks that we answer.
    Ping,
    /// A typed command, whatever it asks.
    Command,
    /// A pressed button.
    Click,
    /// A submitted form: what is wrong in it is said in the form.
    Form(FormKind),
}

impl InteractionKind {
    /// The kind without the content.
    pub fn of(interaction: &Interaction) -> Self {
        match interaction {
            Interaction::Ping | Interaction::Challenge(_) => Self::Ping,
            Interaction::Command(_) => Self::Command,
            Interaction::Click(_) => Self::Click,
            Interaction::Form(form) => Self::Form(form.kind),
        }
    }
}

/// The answer to a request, given before the platform's deadline.
#[derive(Clone, Copy, Debug)]
pub enum Immediate<'a> {
    /// An acknowledgement; the rest comes through the follow-up address.
    Taken,
    /// The work takes longer than the platform waits. The message says so, where the platform can show one.
    Working(&'a Message),
    /// A message for the person who asked.
    Say(&'a Message),
    /// A form, on platforms that open forms with the answer, and the address where the conversation goes on.
    Open(&'a Form, Option<&'a ReplyAddress>),
    /// The platform's own text, sent back to prove that the address is ours.
    Challenge(&'a str),
    /// The reason why what was typed into a form is not accepted.
    FormError(&'a str),
}

/// What every platform does. Where a method has a default, that is what most platforms do.
pub trait Adapter {
    /// The platform that it is the adapter of.
    fn platform(&self) -> Platform;

    /// Verifies and parses a request that was posted to one of the platform's routes. This is the only way to a
    /// [`Verified`] interaction.
    fn receive(
        &self,
        route: &str,
        headers: &HeaderMap,
        body: &[u8],
        when: (Moment, Asking),
    ) -> impl Future<Output = Result<Verified<Interaction>, NotVerified>> + Send;

    /// For the log, when one of the routes was called with another method than POST: what to set on the platform.
    fn advice_on_method(&self, _route: &str) -> &'static str {
        ONLY_POST
    }

    /// The header in which the platform signs its requests, if it is in one.
    fn signature_header(&self) -> Option<&'static str> {
        None
    }

    /// For the log, when a request was refused for this reason: what to correct if every request is refused for it.
    fn advice_on_refusal(&self, _reason: &str) -> Option<&'static str> {
        None
    }

    /// Takes over what the previous adapter learned and counted, when the settings are read again.
    fn take_state_from(&mut self, _previous: &Self) {}

    /// The account with this id in the workspace, guild, server or tenant of the settings.
    fn own_account(&self, id: &str) -> ChatUser;

    /// Reads an account: its kind and, where the platform tells it, its confirmed e-mail.
    fn profile(
        &self,
        user: &ChatUser,
        freshness: Freshness,
    ) -> impl Future<Output = Result<Profile, ApiError>> + Send;

    /// The id and the profile of the account with this confirmed e-mail, if there is one. Never from a cache.
    fn profile_by_email(
        &self,
        email: &EmailAddress,
    ) -> impl Future<Output = Result<Option<(String, Profile)>, ApiError>> + Send;

    /// The id and the profile of the account with this name, on a platform that leaves names unresolved.
    fn profile_by_name(
        &self,
        _name: &str,
        _freshness: Freshness,
    ) -> impl Future<Output = Result<Option<(String, Profile)>, ApiError>> + Send {
        std::future::ready(Ok(None))
    }

    /// True if the platform tells confirmed e-mails. Else an account belongs to a person only by `relatch link`.
    fn tells_emails(&self) -> bool;

    /// The body of the immediate answer as JSON, empty for a bare acknowledgement. Messages in it are ephemeral.
    fn immediate(&self, kind: InteractionKind, answer: Immediate<'_>) -> Vec<u8>;

    /// True if the answer to a request can show a message. Else messages go to the follow-up address.
    fn says_at_once(&self) -> bool {
        true
    }

    /// True if a repeated request is acknowledged like the first one, without effect: for platforms that repeat until
    /// they get a 200. Else a repetition gets a 409.
    fn answers_replays(&self, _kind: InteractionKind) -> bool {
        false
    }

    /// What the platform's proof covers, and who can read our replies.
    fn assurance(&self) -> impl Future<Output = Assurance> + Send {
        std::future::ready(Assurance::WholeRequest)
    }

    /// Where a message goes that missed the platform's deadline.
    fn late_placement(&self) -> Placement;

    /// True if a form is opened by the answer to the click, not by a call of its own.
    fn opens_forms_at_once(&self) -> bool;

    /// True if a message can replace another. Else it comes below, and the old one stays until the reader closes it.
    fn can_replace(&self) -> bool;

    /// True if the platform has boxes to tick, and tells with every click what each box of its message says.
    fn has_boxes(&self) -> bool {
        false
    }

    /// How many more messages this follow-up address accepts, as far as this process knows.
    fn uses_left(&self, _to: &ReplyAddress) -> u32 {
        u32::MAX
    }

    /// Sends a message to a follow-up address.
    fn follow_up(
        &self,
        to: &ReplyAddress,
        message: &Message,
        placement: Placement,
    ) -> impl Future<Output = Outcome> + Send;

    /// Sends a message to the proven person alone. It is refused if the platform does not let us do that.
    fn follow_up_alone(
        &self,
        to: &ReplyAddress,
        message: &Message,
    ) -> impl Future<Output = Outcome> + Send {
        self.follow_up(to, message, Placement::Add)
    }

    /// Writes to somebody who did not ask: a message without buttons, in a chat of the bot and the account with this id.
    /// It never carries a password.
    fn send_direct(&self, user: &str, message: &Message) -> impl Future<Output = Outcome> + Send;

    /// Sends a message with the password in it. No other call of a chat carries one, and the message is always
    /// ephemeral (S11, S23).
    fn show(
        &self,
        to: &ReplyAddress,
        message: &Message,
        password: &ShownPassword<'_>,
    ) -> impl Future<Output = Outcome> + Send;

    /// Opens a form; `trigger` came with the click.
    fn open_form(
        &self,
        trigger: &Trigger,
        form: &Form,
    ) -> impl Future<Output = Result<(), ApiError>> + Send;

    /// The commands of the manifest beside those that the platform has; `team` selects one on a platform with several.
    fn planned_commands(
        &self,
        team: Option<&str>,
    ) -> impl Future<Output = Result<Vec<PlannedCommand>, RegisterError>> + Send;

    /// Writes the planned commands. Returns a secret that the platform made for us; the operator is told it once.
    fn register_commands(
        &self,
        planned: &[PlannedCommand],
    ) -> impl Future<Output = Result<Option<SecretString>, RegisterError>> + Send;

    /// For `relatch check`: makes one call that shows whether the token works.
    fn probe(&self) -> impl Future<Output = Result<(), Finding>> + Send;

    /// For `relatch check`: everything that can be found out about the platform. By default the probe.
    fn examine(&self, _matching: &Matching) -> impl Future<Output = Examination> + Send
    where
        Self: Sync,
    {
        async {
            Examination {
                failures: self.probe().await.err().into_iter().collect(),
                ..Examination::default()
            }
        }
    }
}
