//! Team chats: one folder a platform, all behind [`Adapter`].
//!
//! To add a platform, one new folder and one line:
//!
//! 1. Write `chat/NAME/` (or `chat/NAME.rs`) with its `Config` and how it is read, `ROUTES`, `MANIFEST`, `TELLS_EMAILS`,
//!    `ACCOUNT_IDS`,
//!    limits, wire types, rendering and tests, and implement [`Adapter`] for a type that opens with that `Config`.
//! 2. Add its line to the list in [`crate::domain::platform`]; it declares the module, too.
//!
//! Routes, settings, `check`, `manifest` and `register` follow from the list. A request becomes [`Verified`] only in this
//! folder. In `tests/it` the platform gets a simulator in `support/` and a line in `on_every_platform!`, which runs every
//! conversation on it. Name the module in `tests/format.rs`, so that `cargo fmt` finds it.

mod account;
mod adapter;
mod api;
mod commands;
mod examination;
#[cfg(test)]
mod hostile_names;
pub(crate) mod interaction;
mod signature;
mod texts;
mod use_counts;

use url::Url;

pub(crate) use self::account::AccountIds;
pub use self::account::{AccountKind, Freshness, Profile};
pub use self::adapter::{Adapter, Asking, Form, Immediate, InteractionKind, Placement};
pub(crate) use self::adapter::{Assurance, NotVerified};
pub use self::api::ApiError;
pub(crate) use self::commands::{PlannedCommand, RegisterError};
pub(crate) use self::examination::{Examination, Matching};
pub use self::interaction::{
    Action, Aside, Button, FormKind, Interaction, Message, ReplyAddress, ShownPassword, Style,
    Tick, Verified, Warning,
};
pub(crate) use self::interaction::{
    Ask, BUTTON, Boxes, Click, Command, FormSubmitted, NamedMember, Origin, RefusedParts,
};
pub(crate) use self::signature::EmptySecret;
use crate::clock::Clock;
use crate::domain::Platform;
use crate::domain::platform::every_platform;
use crate::lark_api::{LarkApis, LarkAppSettings};
use crate::secret::Keys;
use crate::settings::Section;

/// What an adapter is built from, besides its settings.
#[derive(Clone)]
pub struct ChatParts {
    /// Our own keys, for values that a platform returns to us unsigned.
    pub keys: Keys,
    /// The client for all calls of the platforms.
    pub http: reqwest::Client,
    /// The clock of the program.
    pub clock: Clock,
    /// Clients of Lark's API, one for each app.
    pub lark: LarkApis,
}

/// Makes everything that names all adapters from the one list of platforms.
macro_rules! platforms {
    ($($(#[$doc:meta])* $name:ident in $module:ident;)+) => {
        $(pub(crate) mod $module;)+

        /// The adapter of a platform.
        pub enum Chat {
            $($(#[$doc])* $name($module::$name)),+
        }

        /// The settings of a platform.
        #[derive(Debug)]
        pub enum Config {
            $($(#[$doc])* $name($module::Config)),+
        }

        impl Config {
            /// Reads a platform's section and notes its problems there.
            pub fn read(platform: Platform, section: Section<'_>, own_url: Option<&Url>) -> Option<Self> {
                match platform {
                    $(Platform::$name => $module::Config::read(section, own_url).map(Self::$name)),+
                }
            }

            pub const fn platform(&self) -> Platform {
                match self {
                    $(Self::$name(_) => Platform::$name),+
                }
            }

            /// True if the platform tells confirmed e-mails. Else an account belongs to a person only by `relatch link`.
            pub const fn tells_emails(&self) -> bool {
                match self {
                    $(Self::$name(_) => $module::TELLS_EMAILS),+
                }
            }

            /// The adapter with these settings.
            pub fn open(self, parts: &ChatParts) -> Result<Chat, EmptySecret> {
                Ok(match self {
                    $(Self::$name(config) => Chat::$name($module::$name::open(config, parts)?)),+
                })
            }
        }

        /// How the platform writes the ids of accounts.
        pub(crate) const fn account_ids(platform: Platform) -> AccountIds {
            match platform {
                $(Platform::$name => $module::ACCOUNT_IDS),+
            }
        }

        /// The platform's app manifest, with a placeholder for our address.
        pub(crate) const fn manifest(platform: Platform) -> &'static str {
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

        /// Makes the same call to whichever adapter it is.
        macro_rules! each {
            ($chat:expr, $one:ident => $call:expr) => {
                match $chat {
                    $(Chat::$name($one) => $call),+
                }
            };
        }

        /// Makes a call to two adapters of the same platform.
        macro_rules! each_pair {
            ($pair:expr, ($one:ident, $other:ident) => $call:expr) => {
                match $pair {
                    $((Chat::$name($one), Chat::$name($other)) => $call,)+
                    _ => {}
                }
            };
        }
    };
}

every_platform!(platforms);

// Below the list, because it uses the macros that the list makes.
mod dispatch;

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

    /// Slack's settings, for `relatch replay`, which signs as Slack does.
    pub fn into_slack(self) -> Option<slack::Config> {
        if let Self::Slack(config) = self {
            Some(config)
        } else {
            None
        }
    }
}
