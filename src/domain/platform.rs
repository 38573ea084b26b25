//! Team chats and their accounts.

use super::written_enum;
written_enum! {
    /// The chat platforms. The names stand in settings, routes and the record.
    pub Platform {
        /// Slack.
        Slack = "slack",
        /// Discord.
        Discord = "discord",
        /// Lark and Feishu.
        Lark = "lark",
        /// Mattermost.
        Mattermost = "mattermost",
    }
}

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
