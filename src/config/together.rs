//! Checks across sections of the settings: problems that no section has by itself.

use secrecy::ExposeSecret;
use url::Url;

use crate::app::Admins;
use crate::domain::EmailAddress;
use crate::lark_api::LarkAppSettings;
use crate::settings::Problem;
use crate::{chat, delivery, directory};

/// The longest `public_url` with which a one-time link still fits into one SMS of 160 characters.
const LONGEST_LINK_BASE: usize = 64;

/// Checks that one-time links can be sent and followed. `can_send` is true where any delivery channel has a section.
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
        });
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

/// Checks that the source of administrators can name one. `are_all_directories_read` is false where a directory has problems
/// of its own, so that it is not known whom it names.
pub(super) fn administrators(
    admins: Option<&Admins>,
    chats: &[chat::Config],
    directories: &[directory::Config],
    are_all_directories_read: bool,
    problems: &mut Vec<Problem>,
) {
    let mut problem = |text: String| {
        problems.push(Problem {
            key: "admins.source".to_owned(),
            text,
        });
    };
    match admins {
        Some(Admins::Chat) => {
            for chat in chats.iter().filter(|chat| !chat.tells_emails()) {
                // Its roles are not read either, so nobody in it would have a right.
                problem(format!(
                    "must be \"directory\" or \"list\" where [{}] is set",
                    chat.platform()
                ));
            }
        }
        Some(Admins::Directory) => {
            if are_all_directories_read
                && !directories
                    .iter()
                    .any(directory::Config::names_administrators)
            {
                let text = "is \"directory\", and no directory names an administrator, so everybody would be \
                    refused; set primary_admin_groups (of Keycloak: primary_admin_roles) in a [[directory]], or use \
                    source = \"list\"";
                problem(text.to_owned());
            }
        }
        Some(Admins::List { .. }) | None => {}
    }
}

/// What `relatch check` warns of: alarms reach nobody beside the administrators.
pub(super) fn security_warnings(
    security_email: Option<&EmailAddress>,
    channels: &[delivery::Config],
) -> Vec<String> {
    let has_email = channels
        .iter()
        .any(|channel| matches!(channel, delivery::Config::Email(_)));
    let what = match (security_email, has_email) {
        (Some(_), true) => return Vec::new(),
        (Some(_), false) => "there is no [email], so alarms cannot be sent to it",
        (None, _) => {
            "is not set, so no security team hears of \"this wasn't me\", of added contacts and of listed administrators"
        }
    };
    vec![what.to_owned()]
}

/// One app of Lark has one secret, wherever it is given: all parts that use the app share its token.
pub(super) fn lark_apps(
    chats: &[chat::Config],
    directories: &[directory::Config],
    problems: &mut Vec<Problem>,
) {
    let of_chats = chats.iter().filter_map(chat::Config::lark_app);
    let of_directories = directories.iter().filter_map(directory::Config::lark_app);
    let apps: Vec<LarkAppSettings<'_>> = of_chats.chain(of_directories).collect();
    let is_other = |(at, app): (usize, &LarkAppSettings<'_>)| {
        apps.iter().take(at).any(|earlier| {
            (earlier.api_url, earlier.app_id) == (app.api_url, app.app_id)
                && earlier.app_secret.expose_secret() != app.app_secret.expose_secret()
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
