//! Team chats and their accounts.

use super::written_enum;

/// The one list of chat platforms. It is handed to the macro `$make`: [`Platform`] is made of it here, and `chat` makes of
/// it what names every adapter. The word of a platform is the name of its module in `chat`, too.
macro_rules! every_platform {
    ($make:ident) => {
        $make! {
            /// Slack.
            Slack in slack;
            /// Discord.
            Discord in discord;
            /// Lark and Feishu.
            Lark in lark;
            /// Mattermost.
            Mattermost in mattermost;
        }
    };
}
pub(crate) use every_platform;

macro_rules! words_of_platforms {
    ($($(#[$doc:meta])* $name:ident in $module:ident;)+) => {
        written_enum! {
            /// The chat platforms. The names stand in settings, routes and the record.
            pub Platform { $($(#[$doc])* $name = stringify!($module)),+ }
        }
    };
}
every_platform!(words_of_platforms);

/// An account in a team chat. A directory decides which person it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChatUser {
    /// The chat.
    pub platform: Platform,
    /// The workspace, guild or tenant.
    pub tenant: String,
    /// The platform's id of the account.
    pub user: String,
}
