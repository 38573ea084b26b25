//! What sections of the settings mean together: problems that no section has by itself.

use secrecy::ExposeSecret;
use url::Url;

use crate::app::{Admins, Identity};
use crate::settings::Problem;
use crate::{chat, directory};

/// The longest `public_url` with which a one-time link still fits into one SMS of 160 characters.
const LONGEST_LINK_BASE: usize = 64;

/// Whether one-time links can be sent and followed: `can_send` where there is a section for e-mail or SMS.
pub(super) fn links(
    directories: &[directory::Config],
    public_url: Option<&Url>,
    can_send: bool,
    problems: &mut Vec<Problem>,
) {
    let mut problem = |key: &str, text: &str| {
        problems.push(Problem {
            key: key.to_owned(),
            text: text.to_owned(),
        })
    };
    if directories.iter().any(|directory| !directory.is_builtin()) {
        let text = "must be \"password\" (profile \"standard\"): one-time links need the pages of the built-in directory, \
            and there is another";
        problem("policy.send", text);
    }
    match public_url {
        None => problem(
            "public_url",
            "is missing; one-time links lead to the pages there",
        ),
        Some(url) if url.as_str().len() > LONGEST_LINK_BASE => {
            problem(
                "public_url",
                "is too long for a one-time link in an SMS; 64 characters are the most",
            );
        }
        Some(_) => {}
    }
    if !can_send {
        problem(
            "policy.send",
            "is \"link\", and there is neither [email] nor [sms] to send one",
        );
    }
}

/// Whether the source of administrators can name one. `are_all_directories_read` is false where one of them has
/// problems of its own: what it would name nobody knows then.
pub(super) fn administrators(
    admins: Option<&Admins>,
    identity: Option<Identity>,
    chats: &[chat::Config],
    directories: &[directory::Config],
    are_all_directories_read: bool,
    problems: &mut Vec<Problem>,
) {
    let mut problem = |text: String| {
        problems.push(Problem {
            key: "admins.source".to_owned(),
            text,
        })
    };
    match admins {
        Some(Admins::Chat) => {
            for chat in chats.iter().filter(|chat| !chat.tells_emails()) {
                // Its accounts stand for people by links alone, which cannot be followed back to the account whose rank
                // counts.
                problem(format!(
                    "must be \"directory\" or \"list\" where [{}] is set",
                    chat.platform()
                ));
            }
            if identity == Some(Identity::Linked) {
                // Who was named by an e-mail could not be traced to the account whose rank counts.
                problem(
                    "must be \"directory\" or \"list\" where identity.match is \"linked\""
                        .to_owned(),
                );
            }
        }
        Some(Admins::Directory) => {
            if are_all_directories_read && !directories.iter().any(names_administrators) {
                let text = "is \"directory\", and no directory names an administrator, so everybody would be \
                    refused; set primary_admin_groups (of Keycloak: primary_admin_roles) in a [[directory]], or use \
                    source = \"list\"";
                problem(text.to_owned());
            }
        }
        Some(Admins::List { .. }) | None => {}
    }
}

/// True where the directory can tell who is an administrator.
fn names_administrators(directory: &directory::Config) -> bool {
    match directory {
        // The first says so in `members import`, the second by its super administrators.
        directory::Config::Builtin(_) | directory::Config::Lark(_) => true,
        directory::Config::Ldap(config) | directory::Config::ActiveDirectory(config) => {
            !config.groups.primary_admin.is_empty()
                || !config.groups.member_and_department.is_empty()
        }
        directory::Config::Keycloak(config) => {
            !config.primary_admin_roles.is_empty() || !config.member_and_department_roles.is_empty()
        }
    }
}

/// One app of Lark has one secret, wherever it is given: all who speak to the app share its token.
pub(super) fn lark_apps(
    chats: &[chat::Config],
    directories: &[directory::Config],
    problems: &mut Vec<Problem>,
) {
    let of_chats = chats.iter().filter_map(|chat| match chat {
        chat::Config::Lark(lark) => Some((&lark.api_url, &lark.app_id, &lark.app_secret)),
        chat::Config::Slack(_) | chat::Config::Discord(_) | chat::Config::Mattermost(_) => None,
    });
    let of_directories = directories.iter().filter_map(|directory| match directory {
        directory::Config::Lark(lark) => Some((&lark.api_url, &lark.app_id, &lark.app_secret)),
        directory::Config::Builtin(_)
        | directory::Config::Ldap(_)
        | directory::Config::ActiveDirectory(_)
        | directory::Config::Keycloak(_) => None,
    });
    let apps: Vec<_> = of_chats.chain(of_directories).collect();
    let is_other = |(at, (url, id, secret)): (usize, &(_, &String, &secrecy::SecretString))| {
        let mut earlier = apps.iter().take(at);
        earlier.any(|one| {
            (one.0, one.1) == (*url, *id) && one.2.expose_secret() != secret.expose_secret()
        })
    };
    if apps.iter().enumerate().any(is_other) {
        let text = "is not the same everywhere for one app; all who speak to it share its token";
        problems.push(Problem {
            key: "lark.app_secret".to_owned(),
            text: text.to_owned(),
        });
    }
}
