//! Team chats: one file a platform, all behind [`Chat`].
//!
//! To add a platform: write `chat/NAME.rs` with its own `Config`, limits, wire types, rendering and tests, implement
//! [`Adapter`], add a variant here, and follow the compiler. A request becomes [`Verified`] only in this folder.

mod form;
pub mod interaction;
mod signature;
pub mod slack;

use axum::http::HeaderMap;

pub use self::interaction::{
    Action, Ask, Button, Click, Command, FormKind, FormSubmitted, Interaction, Member, Message, Origin, ReplyAddress,
    Style, Verified,
};
use crate::domain::delivery::Outcome;
use crate::domain::{ChatUser, EmailAddress, Moment, Password, Platform, Role, Span};

/// Why a request was not taken. None of it tells the sender what would have been right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// The content type is not the platform's, or the body is compressed: 415.
    #[error("wrong content type")]
    ContentType,
    /// No signature, a wrong one, a stale one, or another app or workspace: 401.
    #[error("not signed by our app and workspace: {0}")]
    Unsigned(&'static str),
    /// Signed, but not a request that the platform makes: 400.
    #[error("not a request that the platform makes: {0}")]
    Malformed(&'static str),
}

/// What the platform knows about an account.
#[derive(Clone, Debug)]
pub struct Profile {
    /// What kind of account it is; only a full member of our workspace may go on.
    pub standing: Standing,
    /// The e-mail, only when the platform says that it is confirmed.
    pub confirmed_email: Option<EmailAddress>,
    /// What the platform's own roles are worth, for `admins.source = "chat"`.
    pub role: Role,
}

/// What kind of account somebody has in the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A full member of our workspace.
    Member,
    /// A guest.
    Guest,
    /// A bot or an app.
    Bot,
    /// Deactivated.
    Deleted,
    /// Of another workspace, through a shared channel.
    Stranger,
}

/// Why the platform did not tell who somebody is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhoError {
    /// No such account, or not visible to us.
    #[error("no such account")]
    NotFound,
    /// Too many calls; try again after this time.
    #[error("the platform asks to wait {0}")]
    RateLimited(Span),
    /// The app lacks a permission; the operator has to add it.
    #[error("the app lacks the permission {0}")]
    MissingScope(String),
    /// The bot token is wrong or was revoked; the operator has to look.
    #[error("the platform refuses our token: {0}")]
    Refused(String),
    /// No answer, or one that makes no sense.
    #[error("the platform does not answer")]
    Unavailable,
}

/// How fresh a profile must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// A few seconds old is good enough for a card.
    Cached,
    /// Asked now, past every cache: for the act.
    Now,
}

/// How a follow-up meets the message that was clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Takes its place.
    Replace,
    /// Comes beside it.
    Add,
}

/// A form with one input, as it is to be opened.
#[derive(Clone, Debug)]
pub struct Form {
    /// Which.
    pub kind: FormKind,
    /// The opaque value that leads back to the reset.
    pub value: String,
    /// The heading.
    pub title: String,
    /// What the input is.
    pub label: String,
    /// A line below the input.
    pub hint: String,
    /// The button that sends it.
    pub submit: String,
}

/// What every platform does.
pub trait Adapter {
    /// Which platform.
    fn platform(&self) -> Platform;

    /// Asks who an account is.
    fn profile(&self, user: &ChatUser, freshness: Freshness) -> impl Future<Output = Result<Profile, WhoError>> + Send;

    /// The account with this confirmed e-mail, its id and who it is; none where nobody has it. Never from a cache.
    fn profile_by_email(
        &self,
        email: &EmailAddress,
    ) -> impl Future<Output = Result<Option<(String, Profile)>, WhoError>> + Send;

    /// The body of an immediate answer: an ephemeral message.
    fn answer(&self, message: &Message) -> Vec<u8>;

    /// Sends a message through a follow-up address.
    fn follow_up(
        &self,
        to: &ReplyAddress,
        message: &Message,
        placement: Placement,
    ) -> impl Future<Output = Outcome> + Send;

    /// The same with the password in it: the only call of a chat that carries one, and always ephemeral (S11, S23).
    fn show(&self, to: &ReplyAddress, message: &Message, password: &Password) -> impl Future<Output = Outcome> + Send;

    /// Opens a form; `trigger` is the permission that came with the click.
    fn open_form(
        &self,
        trigger: &interaction::Trigger,
        form: &Form,
    ) -> impl Future<Output = Result<(), WhoError>> + Send;

    /// The body of the answer to a form that cannot be accepted: the text stands at the input.
    fn form_error(&self, text: &str) -> Vec<u8>;

    /// For `relatch check`: one call that shows whether the token works. The error is a sentence for the operator.
    fn probe(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// The platforms that exist.
pub enum Chat {
    /// Slack.
    Slack(slack::Slack),
}

/// A webhook's route: one platform may have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Slack's slash commands.
    SlackCommands,
    /// Slack's clicks and forms.
    SlackInteractions,
}

impl Route {
    /// The path under our own address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::SlackCommands => slack::COMMANDS_ROUTE,
            Self::SlackInteractions => slack::INTERACTIONS_ROUTE,
        }
    }
}

impl Chat {
    /// The routes that the platform posts to.
    pub fn routes(&self) -> &'static [Route] {
        match self {
            Self::Slack(_) => &[Route::SlackCommands, Route::SlackInteractions],
        }
    }

    /// Verifies a request and reads it. The only way to a [`Verified`] interaction.
    pub fn receive(
        &self,
        route: Route,
        headers: &HeaderMap,
        body: &[u8],
        now: Moment,
    ) -> Result<Verified<Interaction>, NotVerified> {
        match self {
            Self::Slack(slack) => slack.receive(route, headers, body, now),
        }
    }
}

impl Adapter for Chat {
    fn platform(&self) -> Platform {
        match self {
            Self::Slack(slack) => slack.platform(),
        }
    }

    async fn profile(&self, user: &ChatUser, freshness: Freshness) -> Result<Profile, WhoError> {
        match self {
            Self::Slack(slack) => slack.profile(user, freshness).await,
        }
    }

    async fn profile_by_email(&self, email: &EmailAddress) -> Result<Option<(String, Profile)>, WhoError> {
        match self {
            Self::Slack(slack) => slack.profile_by_email(email).await,
        }
    }

    fn answer(&self, message: &Message) -> Vec<u8> {
        match self {
            Self::Slack(slack) => slack.answer(message),
        }
    }

    async fn follow_up(&self, to: &ReplyAddress, message: &Message, placement: Placement) -> Outcome {
        match self {
            Self::Slack(slack) => slack.follow_up(to, message, placement).await,
        }
    }

    async fn show(&self, to: &ReplyAddress, message: &Message, password: &Password) -> Outcome {
        match self {
            Self::Slack(slack) => slack.show(to, message, password).await,
        }
    }

    async fn open_form(&self, trigger: &interaction::Trigger, form: &Form) -> Result<(), WhoError> {
        match self {
            Self::Slack(slack) => slack.open_form(trigger, form).await,
        }
    }

    fn form_error(&self, text: &str) -> Vec<u8> {
        match self {
            Self::Slack(slack) => slack.form_error(text),
        }
    }

    async fn probe(&self) -> Result<(), String> {
        match self {
            Self::Slack(slack) => slack.probe().await,
        }
    }
}
