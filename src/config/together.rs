//! Checks across sections of the settings: problems that no section has by itself.

use secrecy::ExposeSecret;
use url::Url;

use crate::app::Admins;
use crate::flow::messages::longest_sign_in_address;
use crate::lark_api::LarkAppSettings;
use crate::settings::Problem;
use crate::{chat, directory};

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
        problems.push(Problem::new(key, text));
    };
    if directories.iter().any(|directory| !directory.is_builtin()) {
        let text = "must be \"password\" (profile \"standard\"): one-time links need the pages of the built-in directory, \
            and there is another";
        problem("policy.send", text);
    }
    match public_url {
        None => problem(
            "public_url",
            "is missing; one-time links lead to the pages there; set their address, such as https://reset.acme.example",
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

/// Checks that the SMS with a password has room for the address of the sign-in. Where it has none the SMS goes without, so
/// nothing stops but `check`.
pub(super) fn sign_in_by_sms(
    directories: &[directory::Config],
    public_url: Option<&Url>,
    password_length: u8,
    problems: &mut Vec<Problem>,
) {
    let Some(url) = public_url.filter(|_| directories.iter().any(directory::Config::is_builtin))
    else {
        return;
    };
    let longest = longest_sign_in_address(password_length).saturating_sub("/signin".len());
    let url = url.as_str().trim_end_matches('/');
    // A tilde takes two places of an SMS.
    if url.len() + url.matches('~').count() > longest {
        let told = format!(
            "is too long for the SMS with a password of {password_length} characters, which leaves it out; {longest} \
            characters are the most"
        );
        problems.push(Problem {
            is_warning: true,
            fails_check: true,
            ..Problem::new("public_url", told)
        });
    }
}

/// Notes that Mattermost needs `public_url`, unless something is wrong with the one that is given.
pub(super) fn mattermost(problems: &mut Vec<Problem>) {
    if !problems.iter().any(|problem| problem.key == "public_url") {
        let told = "is missing; Mattermost posts clicks there; set the address under which it reaches relatch, such as \
            https://reset.acme.example";
        problems.push(Problem::new("public_url", told));
    }
}

/// Checks that a manager can be known and told. `are_all_directories_read` as in [`administrators`].
pub(super) fn managers(
    directories: &[directory::Config],
    are_all_directories_read: bool,
    has_email: bool,
    problems: &mut Vec<Problem>,
) {
    let mut problem = |text: &str| problems.push(Problem::new("policy.notify_manager", text));
    if are_all_directories_read && !directories.iter().any(directory::Config::is_builtin) {
        problem("must be false: only the built-in directory names managers, and there is none");
    }
    if !has_email {
        problem("is true, and there is no [email] to tell a manager");
    }
}

/// Checks that the guide leads somewhere: a directory that is not ours has no page here. Without one the button is not drawn,
/// so nothing stops but `check`.
pub(super) fn guide(
    directories: &[directory::Config],
    help_url: Option<&Url>,
    problems: &mut Vec<Problem>,
) {
    let needs_page = directories.iter().any(|directory| !directory.is_builtin());
    // One that cannot be read was told already.
    let is_told = problems.iter().any(|problem| problem.key == "help_url");
    if needs_page && help_url.is_none() && !is_told {
        let told = "is missing, so no card offers the guide to members of a directory that is not the built-in one; set it \
            to the page that says how they change their password";
        problems.push(Problem {
            is_warning: true,
            fails_check: true,
            ..Problem::new("help_url", told)
        });
    }
}

/// Checks that members can sign in by a code alone, and can be told of it.
pub(super) fn code_sign_in(
    directories: &[directory::Config],
    public_url: Option<&Url>,
    can_send: bool,
    problems: &mut Vec<Problem>,
) {
    let mut problem = |key: &str, text: &str| problems.push(Problem::new(key, text));
    if !directories.iter().any(directory::Config::is_builtin) {
        problem(
            "policy.code_sign_in",
            "must be false where no directory is the built-in one: only its members sign in here",
        );
    }
    if public_url.is_none() {
        problem(
            "public_url",
            "is missing; with policy.code_sign_in every contact is sent a link there that closes the account",
        );
    }
    if !can_send {
        problem(
            "policy.code_sign_in",
            "is true, and there is neither [email] nor [sms] to send a code",
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
        problems.push(Problem::new("admins.source", text));
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
        problems.push(Problem::new("lark.app_secret", text));
    }
}
