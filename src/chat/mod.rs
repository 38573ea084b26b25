//! Team chats: one file a platform, all behind [`Chat`].
//!
//! To add a platform: write `chat/NAME.rs` with its own `Config`, limits, wire types, rendering and tests, implement
//! [`Adapter`], add a variant here, and follow the compiler. A request becomes [`Verified`] only in this folder.

mod common;
pub mod discord;
mod form;
pub mod interaction;
pub mod mattermost;
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

/// What somebody did, as far as its immediate answer depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing; the platform asks whether we are there.
    Ping,
    /// Typed a command.
    Command,
    /// Pressed a button.
    Click,
    /// Sent a form.
    Form,
}

impl Kind {
    /// What an interaction is.
    pub fn of(interaction: &Interaction) -> Self {
        match interaction {
            Interaction::Ping => Self::Ping,
            Interaction::Command(_) => Self::Command,
            Interaction::Click(_) => Self::Click,
            Interaction::Form(_) => Self::Form,
        }
    }
}

/// What is answered within the platform's patience.
#[derive(Clone, Copy, Debug)]
pub enum Immediate<'a> {
    /// Taken; what follows comes through the follow-up address.
    Taken,
    /// It takes longer than the platform waits. The message says so, where one can be shown.
    Working(&'a Message),
    /// A message for the one who asked.
    Say(&'a Message),
    /// A form, where the platform opens them with its answer.
    Open(&'a Form),
    /// What was typed cannot be accepted.
    FormError(&'a str),
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

    /// True where the platform gives out confirmed e-mails; else an account stands for a person only by a link.
    fn tells_emails(&self) -> bool;

    /// The body of the immediate answer, as JSON; empty for a bare acknowledgement. Every message in it is ephemeral.
    fn immediate(&self, kind: Kind, answer: Immediate<'_>) -> Vec<u8>;

    /// How a message meets what was shown when the platform's patience was over.
    fn late_placement(&self) -> Placement;

    /// True where a form is opened by the answer to the click, and not by a call of its own.
    fn opens_forms_at_once(&self) -> bool;

    /// True where a message can take the place of another; else it comes below, and what was shown stays until whoever
    /// sees it closes it.
    fn can_replace(&self) -> bool;

    /// How often this follow-up address can still be used, as far as this process knows.
    fn uses_left(&self, to: &ReplyAddress) -> u32;

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

    /// For `relatch check`: one call that shows whether the token works. The error is a sentence for the operator.
    fn probe(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// The platforms that exist.
pub enum Chat {
    /// Slack.
    Slack(slack::Slack),
    /// Discord.
    Discord(discord::Discord),
    /// Mattermost.
    Mattermost(mattermost::Mattermost),
}

/// A webhook's route: one platform may have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Slack's slash commands.
    SlackCommands,
    /// Slack's clicks and forms.
    SlackInteractions,
    /// Everything from Discord.
    Discord,
    /// Mattermost's slash commands.
    MattermostCommands,
    /// Mattermost's clicks.
    MattermostActions,
    /// Mattermost's dialogs.
    MattermostDialogs,
}

impl Route {
    /// The path under our own address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::SlackCommands => slack::COMMANDS_ROUTE,
            Self::SlackInteractions => slack::INTERACTIONS_ROUTE,
            Self::Discord => discord::INTERACTIONS_ROUTE,
            Self::MattermostCommands => mattermost::COMMANDS_ROUTE,
            Self::MattermostActions => mattermost::ACTIONS_ROUTE,
            Self::MattermostDialogs => mattermost::DIALOGS_ROUTE,
        }
    }
}

impl Chat {
    /// The routes that the platform posts to.
    pub fn routes(&self) -> &'static [Route] {
        match self {
            Self::Slack(_) => &[Route::SlackCommands, Route::SlackInteractions],
            Self::Discord(_) => &[Route::Discord],
            Self::Mattermost(_) => &[Route::MattermostCommands, Route::MattermostActions, Route::MattermostDialogs],
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
            Self::Discord(discord) => discord.receive(route, headers, body, now),
            Self::Mattermost(mattermost) => mattermost.receive(route, headers, body, now),
        }
    }
}

impl Adapter for Chat {
    fn platform(&self) -> Platform {
        match self {
            Self::Slack(slack) => slack.platform(),
            Self::Discord(discord) => discord.platform(),
            Self::Mattermost(mattermost) => mattermost.platform(),
        }
    }

    async fn profile(&self, user: &ChatUser, freshness: Freshness) -> Result<Profile, WhoError> {
        match self {
            Self::Slack(slack) => slack.profile(user, freshness).await,
            Self::Discord(discord) => discord.profile(user, freshness).await,
            Self::Mattermost(mattermost) => mattermost.profile(user, freshness).await,
        }
    }

    async fn profile_by_email(&self, email: &EmailAddress) -> Result<Option<(String, Profile)>, WhoError> {
        match self {
            Self::Slack(slack) => slack.profile_by_email(email).await,
            Self::Discord(discord) => discord.profile_by_email(email).await,
            Self::Mattermost(mattermost) => mattermost.profile_by_email(email).await,
        }
    }

    fn tells_emails(&self) -> bool {
        match self {
            Self::Slack(slack) => slack.tells_emails(),
            Self::Discord(discord) => discord.tells_emails(),
            Self::Mattermost(mattermost) => mattermost.tells_emails(),
        }
    }

    fn immediate(&self, kind: Kind, answer: Immediate<'_>) -> Vec<u8> {
        match self {
            Self::Slack(slack) => slack.immediate(kind, answer),
            Self::Discord(discord) => discord.immediate(kind, answer),
            Self::Mattermost(mattermost) => mattermost.immediate(kind, answer),
        }
    }

    fn late_placement(&self) -> Placement {
        match self {
            Self::Slack(slack) => slack.late_placement(),
            Self::Discord(discord) => discord.late_placement(),
            Self::Mattermost(mattermost) => mattermost.late_placement(),
        }
    }

    fn opens_forms_at_once(&self) -> bool {
        match self {
            Self::Slack(slack) => slack.opens_forms_at_once(),
            Self::Discord(discord) => discord.opens_forms_at_once(),
            Self::Mattermost(mattermost) => mattermost.opens_forms_at_once(),
        }
    }

    fn can_replace(&self) -> bool {
        match self {
            Self::Slack(slack) => slack.can_replace(),
            Self::Discord(discord) => discord.can_replace(),
            Self::Mattermost(mattermost) => mattermost.can_replace(),
        }
    }

    fn uses_left(&self, to: &ReplyAddress) -> u32 {
        match self {
            Self::Slack(slack) => slack.uses_left(to),
            Self::Discord(discord) => discord.uses_left(to),
            Self::Mattermost(mattermost) => mattermost.uses_left(to),
        }
    }

    async fn follow_up(&self, to: &ReplyAddress, message: &Message, placement: Placement) -> Outcome {
        match self {
            Self::Slack(slack) => slack.follow_up(to, message, placement).await,
            Self::Discord(discord) => discord.follow_up(to, message, placement).await,
            Self::Mattermost(mattermost) => mattermost.follow_up(to, message, placement).await,
        }
    }

    async fn show(&self, to: &ReplyAddress, message: &Message, password: &Password) -> Outcome {
        match self {
            Self::Slack(slack) => slack.show(to, message, password).await,
            Self::Discord(discord) => discord.show(to, message, password).await,
            Self::Mattermost(mattermost) => mattermost.show(to, message, password).await,
        }
    }

    async fn open_form(&self, trigger: &interaction::Trigger, form: &Form) -> Result<(), WhoError> {
        match self {
            Self::Slack(slack) => slack.open_form(trigger, form).await,
            Self::Discord(discord) => discord.open_form(trigger, form).await,
            Self::Mattermost(mattermost) => mattermost.open_form(trigger, form).await,
        }
    }

    async fn probe(&self) -> Result<(), String> {
        match self {
            Self::Slack(slack) => slack.probe().await,
            Self::Discord(discord) => discord.probe().await,
            Self::Mattermost(mattermost) => mattermost.probe().await,
        }
    }
}
