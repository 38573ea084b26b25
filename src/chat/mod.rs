//! Team chats: one file a platform, all behind [`Chat`].
//!
//! To add a platform: write `chat/NAME.rs` with its own `Config` and how it is read, its routes, manifest, limits, wire
//! types, rendering and tests, implement [`Adapter`], and add a line to the one list, `platforms!` below. A request
//! becomes [`Verified`] only in this folder. In `tests/it` the new platform gets its simulator in `support/` and a line
//! in `on_every_platform!`, which runs every conversation on it.

mod common;
pub mod discord;
pub mod interaction;
pub mod lark;
pub mod mattermost;
mod signature;
pub mod slack;

use axum::http::HeaderMap;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

pub use self::interaction::{
    Action, Ask, Button, Click, Command, FormKind, FormSubmitted, Interaction, Message,
    NamedMember, Origin, ReplyAddress, Style, Verified,
};
use crate::clock::Clock;
use crate::domain::delivery::Outcome;
use crate::domain::{ChatUser, EmailAddress, Moment, Password, Platform, Role, Span};
use crate::form::FormError;
use crate::lark_api::{LarkApis, LarkAppSettings};
use crate::secret::Keys;
use crate::settings::Section;

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

impl From<FormError> for NotVerified {
    fn from(error: FormError) -> Self {
        Self::Malformed(error.reason())
    }
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

/// May the verification of a request ask the platform for something?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Yes. The caller sets a deadline.
    Allowed,
    /// No: what is known must do.
    No,
}

/// How a follow-up meets the message that was clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Takes its place.
    Replace,
    /// Comes beside it.
    Add,
}

/// What a platform proves of a request, and who can read what we reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assurance {
    /// It signs the whole request, so the reply goes to whoever asked.
    WholeRequest,
    /// It proves only who asks, but messages can be sent to that person alone. What changes something at once is asked
    /// there first.
    PrivateReply,
    /// It proves only who asks, and somebody else may read the replies.
    PersonOnly,
}

impl Assurance {
    /// True where nobody but the proven person reads the last look and what follows it.
    pub fn is_private(self) -> bool {
        match self {
            Self::WholeRequest | Self::PrivateReply => true,
            Self::PersonOnly => false,
        }
    }
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
    Form(FormKind),
}

impl Kind {
    /// What an interaction is.
    pub fn of(interaction: &Interaction) -> Self {
        match interaction {
            Interaction::Ping | Interaction::Challenge(_) => Self::Ping,
            Interaction::Command(_) => Self::Command,
            Interaction::Click(_) => Self::Click,
            Interaction::Form(form) => Self::Form(form.kind),
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
    /// A form, where the platform opens them with its answer, and where the conversation goes on.
    Open(&'a Form, Option<&'a ReplyAddress>),
    /// The platform asks for its own text back, to see that the address is ours.
    Challenge(&'a str),
    /// What was typed cannot be accepted.
    FormError(&'a str),
}

/// What every platform does.
pub trait Adapter {
    /// Which platform.
    fn platform(&self) -> Platform;

    /// Asks who an account is.
    fn profile(
        &self,
        user: &ChatUser,
        freshness: Freshness,
    ) -> impl Future<Output = Result<Profile, WhoError>> + Send;

    /// The account with this confirmed e-mail, its id and who it is; none where nobody has it. Never from a cache.
    fn profile_by_email(
        &self,
        email: &EmailAddress,
    ) -> impl Future<Output = Result<Option<(String, Profile)>, WhoError>> + Send;

    /// True where the platform gives out confirmed e-mails; else an account stands for a person only by a link.
    fn tells_emails(&self) -> bool;

    /// The body of the immediate answer, as JSON; empty for a bare acknowledgement. Every message in it is ephemeral.
    fn immediate(&self, kind: Kind, answer: Immediate<'_>) -> Vec<u8>;

    /// True where the answer to a request can say something; else it is said through the follow-up address.
    fn says_at_once(&self) -> bool {
        true
    }

    /// True where the same bytes again are answered like the first time, without effect: a platform that sends again until
    /// it hears 200. Else they are told apart (409).
    fn answers_replays(&self, _kind: Kind) -> bool {
        false
    }

    /// What the platform's proof covers, and who sees our replies.
    fn assurance(&self) -> impl Future<Output = Assurance> + Send {
        std::future::ready(Assurance::WholeRequest)
    }

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

    /// The same to the proven person alone or not at all: refused for want of rights where the platform does not let us.
    fn follow_up_alone(
        &self,
        to: &ReplyAddress,
        message: &Message,
    ) -> impl Future<Output = Outcome> + Send {
        self.follow_up(to, message, Placement::Add)
    }

    /// The same with the password in it: the only call of a chat that carries one, and always ephemeral (S11, S23).
    fn show(
        &self,
        to: &ReplyAddress,
        message: &Message,
        password: &Password,
    ) -> impl Future<Output = Outcome> + Send;

    /// Opens a form; `trigger` is the permission that came with the click.
    fn open_form(
        &self,
        trigger: &interaction::Trigger,
        form: &Form,
    ) -> impl Future<Output = Result<(), WhoError>> + Send;

    /// The commands of the manifest beside those that the platform has now; `team` is where, on a platform with several.
    fn planned(
        &self,
        team: Option<&str>,
    ) -> impl Future<Output = Result<Vec<Planned>, RegisterError>> + Send;

    /// Writes what [`Adapter::planned`] found. A secret that the platform made for us is given back, to be told once.
    fn register(
        &self,
        planned: &[Planned],
    ) -> impl Future<Output = Result<Option<SecretString>, RegisterError>> + Send;

    /// For `relatch check`: one call that shows whether the token works. The error is a sentence for the operator.
    fn probe(&self) -> impl Future<Output = Result<(), String>> + Send;

    /// For `relatch check`, after a good probe: what works less well than it could, each a sentence for the operator.
    fn caveats(&self) -> impl Future<Output = Vec<String>> + Send {
        std::future::ready(Vec::new())
    }
}

/// What an adapter stands on.
#[derive(Clone)]
pub struct ChatParts {
    /// Our own keys, for what a platform gives back to us unsigned.
    pub keys: Keys,
    /// Outgoing HTTP.
    pub http: reqwest::Client,
    /// The time.
    pub clock: Clock,
    /// The apps of Lark that are spoken to.
    pub lark: LarkApis,
}

/// The settings are well-formed, and still make no adapter.
pub use self::signature::EmptySecret;

/// A command as it shall be at the platform, and as it is there.
#[derive(Debug)]
pub struct Planned {
    /// Its name.
    pub name: String,
    /// As it shall be; none where it is to go.
    pub wanted: Option<Value>,
    /// As it is; none where there is none.
    pub present: Option<Value>,
}

/// Why commands cannot be registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The platform does not do it.
    #[error(transparent)]
    Who(#[from] WhoError),
    /// What the operator has to do instead, or first.
    #[error("{0}")]
    Said(&'static str),
}

/// The one list of platforms: everything else that names them all is an exhaustive `match` in this file.
macro_rules! platforms {
    ($($(#[$doc:meta])* $name:ident in $module:ident, $has_links_only:literal;)+) => {
        /// The platforms that exist.
        pub enum Chat {
            $($(#[$doc])* $name($module::$name)),+
        }

        /// The settings of a platform.
        #[derive(Debug)]
        pub enum Config {
            $($(#[$doc])* $name($module::Config)),+
        }

        impl Config {
            /// Reads a platform's section; what is wrong is noted there.
            pub fn read(platform: Platform, section: Section<'_>, own_url: Option<&Url>) -> Option<Self> {
                match platform {
                    $(Platform::$name => $module::Config::read(section, own_url).map(Self::$name)),+
                }
            }

            /// Whose they are.
            pub const fn platform(&self) -> Platform {
                match self {
                    $(Self::$name(_) => Platform::$name),+
                }
            }

            /// True where the platform gives out confirmed e-mails; else an account stands for a person only by a link.
            pub const fn tells_emails(&self) -> bool {
                match self {
                    $(Self::$name(_) => !$has_links_only),+
                }
            }

            /// The adapter with these settings.
            pub fn open(self, parts: &ChatParts) -> Result<Chat, EmptySecret> {
                Ok(match self {
                    $(Self::$name(config) => Chat::$name($module::$name::open(config, parts)?)),+
                })
            }
        }

        /// The set-up of a platform's app, with a stand-in for our address.
        pub const fn manifest(platform: Platform) -> &'static str {
            match platform {
                $(Platform::$name => $module::MANIFEST),+
            }
        }

        impl Chat {
            /// The routes that the platform posts to.
            pub const fn routes(&self) -> &'static [&'static str] {
                match self {
                    $(Self::$name(_) => $module::ROUTES),+
                }
            }
        }

        /// The same call to whichever platform it is.
        macro_rules! each {
            ($chat:expr, $one:ident => $call:expr) => {
                match $chat {
                    $(Chat::$name($one) => $call),+
                }
            };
        }
    };
}

platforms! {
    /// Slack.
    Slack in slack, false;
    /// Discord.
    Discord in discord, true;
    /// Lark and Feishu.
    Lark in lark, false;
    /// Mattermost.
    Mattermost in mattermost, false;
}

impl Config {
    /// The app of Lark that it uses, if any.
    pub fn lark_app(&self) -> Option<LarkAppSettings<'_>> {
        if let Self::Lark(config) = self {
            Some(LarkAppSettings {
                api_url: &config.api_url,
                app_id: &config.app_id,
                app_secret: &config.app_secret,
            })
        } else {
            None
        }
    }

    /// Slack's own, for `relatch replay`, which plays Slack.
    pub fn into_slack(self) -> Option<slack::Config> {
        if let Self::Slack(config) = self {
            Some(config)
        } else {
            None
        }
    }
}

impl Chat {
    /// Goes on with what the adapter of before has learned and counted, when the settings are read again.
    pub fn go_on_from(&mut self, old: &Self) {
        match (self, old) {
            (Self::Mattermost(new), Self::Mattermost(old)) => new.go_on_from(old),
            (Self::Lark(new), Self::Lark(old)) => new.go_on_from(old),
            (Self::Slack(_) | Self::Discord(_) | Self::Lark(_) | Self::Mattermost(_), _) => {}
        }
    }

    /// Verifies a request that came to one of [`Chat::routes`] and reads it. The only way to a [`Verified`] interaction.
    #[tracing::instrument(name = "verified", level = "debug", skip_all)]
    pub async fn receive(
        &self,
        route: &str,
        headers: &HeaderMap,
        body: &[u8],
        (now, asking): (Moment, Asking),
    ) -> Result<Verified<Interaction>, NotVerified> {
        match self {
            Self::Slack(one) => one.receive(route, headers, body, now),
            Self::Discord(one) => one.receive(route, headers, body, now),
            Self::Lark(one) => one.receive(route, headers, body, now),
            // Its server may have to be asked for its key.
            Self::Mattermost(one) => one.receive(route, headers, body, (now, asking)).await,
        }
    }
}

impl Adapter for Chat {
    fn platform(&self) -> Platform {
        each!(self, one => one.platform())
    }

    async fn profile(&self, user: &ChatUser, freshness: Freshness) -> Result<Profile, WhoError> {
        each!(self, one => one.profile(user, freshness).await)
    }

    async fn profile_by_email(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<(String, Profile)>, WhoError> {
        each!(self, one => one.profile_by_email(email).await)
    }

    fn tells_emails(&self) -> bool {
        each!(self, one => one.tells_emails())
    }

    fn immediate(&self, kind: Kind, answer: Immediate<'_>) -> Vec<u8> {
        each!(self, one => one.immediate(kind, answer))
    }

    fn says_at_once(&self) -> bool {
        each!(self, one => one.says_at_once())
    }

    fn answers_replays(&self, kind: Kind) -> bool {
        each!(self, one => one.answers_replays(kind))
    }

    async fn assurance(&self) -> Assurance {
        each!(self, one => one.assurance().await)
    }

    fn late_placement(&self) -> Placement {
        each!(self, one => one.late_placement())
    }

    fn opens_forms_at_once(&self) -> bool {
        each!(self, one => one.opens_forms_at_once())
    }

    fn can_replace(&self) -> bool {
        each!(self, one => one.can_replace())
    }

    fn uses_left(&self, to: &ReplyAddress) -> u32 {
        each!(self, one => one.uses_left(to))
    }

    async fn follow_up(
        &self,
        to: &ReplyAddress,
        message: &Message,
        placement: Placement,
    ) -> Outcome {
        each!(self, one => one.follow_up(to, message, placement).await)
    }

    async fn follow_up_alone(&self, to: &ReplyAddress, message: &Message) -> Outcome {
        each!(self, one => one.follow_up_alone(to, message).await)
    }

    async fn show(&self, to: &ReplyAddress, message: &Message, password: &Password) -> Outcome {
        each!(self, one => one.show(to, message, password).await)
    }

    async fn open_form(&self, trigger: &interaction::Trigger, form: &Form) -> Result<(), WhoError> {
        each!(self, one => one.open_form(trigger, form).await)
    }

    async fn planned(&self, team: Option<&str>) -> Result<Vec<Planned>, RegisterError> {
        each!(self, one => one.planned(team).await)
    }

    async fn register(&self, planned: &[Planned]) -> Result<Option<SecretString>, RegisterError> {
        each!(self, one => one.register(planned).await)
    }

    async fn probe(&self) -> Result<(), String> {
        each!(self, one => one.probe().await)
    }

    async fn caveats(&self) -> Vec<String> {
        each!(self, one => one.caveats().await)
    }
}
