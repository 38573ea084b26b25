//! Every sentence of the pages' own. Those that are shared with the chat are in [`flow::messages`](crate::flow::messages).
//! `pages/`.

use super::done::Done;
use crate::app::Organization;
use crate::clock::Zone;
use crate::domain::delivery::Refusal;
use crate::domain::sign_in::{LONGEST_PASSWORD, PROVING_LIFE, PasswordDenied, SESSION_LIFE, Stage};
use crate::domain::{Moment, Span};
use crate::store::SessionEnd;

/// A page that says one thing.
pub(super) struct PageText {
    pub(super) title: &'static str,
    pub(super) text: String,
    /// What the help desk is asked about, where it is something else than help.
    pub(super) question: Option<&'static str>,
}

impl PageText {
    fn new(title: &'static str, text: impl Into<String>) -> Self {
        Self {
            title,
            text: text.into(),
            question: None,
        }
    }

    fn asking(self, question: &'static str) -> Self {
        Self {
            question: Some(question),
            ..self
        }
    }
}

/// Whom members ask for help, as the pages name them.
#[derive(Default)]
pub(super) struct HelpDesk {
    /// What it is asked about.
    pub(super) question: &'static str,
    pub(super) lead: &'static str,
    /// Where the name leads; empty where the settings name nobody.
    pub(super) link: String,
    pub(super) name: String,
}

impl HelpDesk {
    pub(super) fn of(organization: &Organization) -> Self {
        let question = "Need help?";
        let call = "Call your IT team";
        match (&organization.help_phone, &organization.help_url) {
            (Some(phone), _) => {
                let name = phone.to_string();
                let is_dialled = |c: &char| *c == '+' || c.is_ascii_digit();
                let number: String = name.chars().filter(is_dialled).collect();
                Self {
                    question,
                    lead: call,
                    link: format!("tel:{number}"),
                    name,
                }
            }
            (None, Some(url)) => Self {
                question,
                lead: "Ask your IT team",
                link: url.to_string(),
                name: url.to_string(),
            },
            (None, None) => Self {
                question,
                lead: call,
                ..Self::default()
            },
        }
    }

    /// The same for this question, which the security team answers where no help desk is named.
    pub(super) fn asked(organization: &Organization, question: &'static str) -> Self {
        let desk = Self {
            question,
            ..Self::of(organization)
        };
        match &organization.security_email {
            Some(email) if desk.link.is_empty() => Self {
                lead: "Write to your security team",
                link: format!("mailto:{email}"),
                name: email.to_string(),
                ..desk
            },
            _ => desk,
        }
    }
}

/// Whom to ask where somebody else may have made the password.
const NOT_ASKED: &str = "Didn't ask for a new password?";
const NOT_ASKED_EITHER: &str = "Didn't ask for that one either?";
const PASSWORD_NEEDED: &str = "Need a new password?";

/// What a form has changed: the fact, and what follows from it.
pub(super) const fn done(done: Done) -> (&'static str, &'static str) {
    match done {
        Done::PasswordSet => (PASSWORD_SET, CLOSE_PAGE),
        Done::PasswordChanged => (PASSWORD_SET, OTHERS_OUT),
        Done::PasswordChangedByCode => (PASSWORD_SET, "You are still signed in everywhere."),
        Done::OthersSignedOut => (OTHERS_OUT, ""),
        Done::SignedOut => ("You are signed out.", CLOSE_PAGE),
        Done::ContactAdded => ("The contact is added.", ""),
        Done::ContactRemoved => ("The contact is removed.", ""),
    }
}

const PASSWORD_SET: &str = "Your new password is set.";
const OTHERS_OUT: &str = "All other browsers were signed out.";
const CLOSE_PAGE: &str = "You can close this page.";

// Every page.

/// An address that is none of ours.
pub(super) fn no_page() -> PageText {
    PageText::new(
        "There is no such page",
        "The address has a mistake, or the link was cut off. Open the link again, or type its whole address.",
    )
}

/// A request that no form of ours sends.
pub(super) fn form_not_taken() -> PageText {
    PageText::new(
        "That did not work",
        "The page could not read what was sent. Nothing was changed. Go back and fill in the form again.",
    )
}

/// The store or the directory does not answer, or too much is going on.
pub(super) fn unavailable() -> PageText {
    PageText::new(
        "Not available",
        "This page can't be served at the moment. Try again in a few minutes.",
    )
}

/// The form has no valid CSRF token, or another site sent it.
pub(super) fn foreign_form() -> PageText {
    PageText::new(
        "Please try again",
        "This form is too old, or it came from somewhere else. Nothing was changed. Open the page again.",
    )
}

// Signing in.

/// What to do where a password or a link no longer works.
const ASK_FOR_NEW: &str = "Ask an administrator for a new one.";

/// The same words for a wrong password, an unknown address, a locked account and one that is not in use: nobody learns
/// which accounts there are.
pub(super) const NOT_SIGNED_IN: &str = "That email and password do not match, or the account can't be used. After many wrong \
    tries the right password needs a code too. If you get no further, ask an administrator.";

pub(super) fn too_many_tries(wait: Span) -> String {
    format!("Too many tries. Nothing was changed. Wait {wait} and try again.")
}

/// The setting is off, or was switched off after the page was drawn.
pub(super) const NO_CODE_SIGN_IN: &str =
    "Nobody can sign in with a code alone here. Nothing was changed. Use your password.";

/// From this network, or from all together, whatever the addresses.
pub(super) fn too_many_code_sign_ins(wait: Span) -> String {
    format!("Too many codes were asked for. Nothing was changed. Wait {wait} and try again.")
}

/// The same where no code was sent.
pub(super) const SIGN_IN_CODE_OVER: &str =
    "No code works here any more. Go back to the sign-in to begin anew.";

pub(super) fn password_ended(at: &str) -> PageText {
    PageText::new("This password has ended", password_stopped(at))
}

fn password_stopped(at: &str) -> String {
    format!("The password that an administrator set for you stopped working at {at}. {ASK_FOR_NEW}")
}

/// S42: no contact may receive the code.
pub(super) fn no_contact_for_code(contact_age: Span, is_strict: bool) -> PageText {
    let who = if is_strict {
        "Ask whoever runs this service to add it."
    } else {
        "Another administrator than the one who reset it, or whoever runs this service, can add it: ask your IT team."
    };
    PageText::new(
        "One more thing is needed",
        format!(
            "Before you can use this password, a phone or a private email must be on record for you, to check \
            that it is you. Your work email does not count, because an administrator can move it, nor does a contact \
            that an administrator added in the {contact_age} before the reset was asked for, nor an address to which the \
            password or a copy was sent. {who}"
        ),
    )
}

// Codes.

pub(super) const NO_CODE: &str = "No code is on its way. Ask for one below.";
pub(super) const FIRST_CODE_SENT: &str = "A code is on its way.";
pub(super) const CODE_SENT: &str = "A new code is on its way. Earlier ones no longer work.";
/// Nobody knows whether it was accepted.
pub(super) const CODE_PERHAPS_SENT: &str = "A new code may be on its way. Earlier ones no longer work. If none arrives, ask \
    for another one below.";
/// What the page for the code says to whoever cannot use these contacts.
pub(super) const fn cannot_use(contacts: usize) -> &'static str {
    match contacts {
        0 | 1 => "Can't use it?",
        2 => "Can't use either?",
        _ => "Can't use any of them?",
    }
}

pub(super) const CODE_FAILED: &str =
    "No code could be sent at the moment. Nothing was changed. Try again in a few minutes.";
pub(super) const CODE_OVER: &str = "This code no longer works. Ask for another one below.";
pub(super) const CONTACT_CODE_OVER: &str =
    "This code no longer works. Ask for another one. Nothing was changed.";
pub(super) const NO_CONTACT_NOW: &str =
    "No contact of yours can receive a code now. Nothing was changed. Ask an administrator.";

/// The mail server or gateway refused a code.
pub(super) fn code_refused(why: &Refusal) -> &'static str {
    match why {
        Refusal::Unreachable | Refusal::Later => {
            "No code could be sent. Earlier ones no longer work. Try again in a few minutes."
        }
        Refusal::OptedOut => {
            "No code could be sent: an SMS from here was answered with STOP. Earlier ones no longer work. Answer START to it, \
            then ask for another code."
        }
        Refusal::Address => {
            "No code could be sent: this contact was refused. Earlier ones no longer work. Check it, or ask an administrator."
        }
        Refusal::Credentials | Refusal::SetUp | Refusal::Tls | Refusal::Message => {
            "No code can be sent at present: something is set up wrongly here. Earlier ones no longer work. Tell an \
            administrator."
        }
    }
}

pub(super) fn next_code_in(wait: Span) -> String {
    format!("No further code can be sent yet. Nothing was changed. Ask for the next one in {wait}.")
}

// A new password.

pub(super) fn password_denied(denied: PasswordDenied) -> String {
    let why = match denied {
        PasswordDenied::TooShort(least) => {
            format!("Too short: {least} characters or more are needed.")
        }
        PasswordDenied::TooLong => format!("Too long: {LONGEST_PASSWORD} characters are the most."),
        PasswordDenied::ControlCharacter => {
            "It has a control character, such as a tab. Leave it out.".to_owned()
        }
        PasswordDenied::Common => {
            "Too easy to guess: it is common, or made of your name. Several unusual words are better."
                .to_owned()
        }
        PasswordDenied::Same => {
            "This is the password that you have now. Choose another one.".to_owned()
        }
    };
    format!("{why} Nothing was changed.")
}

/// The same words where the account is locked: nobody learns that a guess was right.
pub(super) const NOT_CONFIRMED: &str = "That is not your current password, or the account is locked after too many wrong tries. \
    Nothing was changed. If you are sure of it, sign out and sign in again.";

// The account.

pub(super) const UNNAMED_BROWSER: &str = "A browser without a name";

pub(super) fn browser_on(browser: &str, system: &str) -> String {
    format!("{browser} on {system}")
}

/// A code in place of the old password cannot be asked for.
pub(super) const LOCKED_FOR_CODES: &str = "Your account is locked after too many wrong codes. Nothing was changed. Ask an \
    administrator to reset your password.";

/// S29, S30: what an open page says when its session ends, and the sign-in page after it.
pub(super) fn session_ended(end: SessionEnd, zone: &Zone, now: Moment) -> String {
    match end {
        SessionEnd::Reset => {
            "Your password was reset by an administrator. Please verify your identity to sign in again.".to_owned()
        }
        SessionEnd::PasswordEnded(at) => password_stopped(&zone.tell(at, now)),
        SessionEnd::Disowned => {
            "The account was blocked with the link of a message to you, so no password opens it. Ask an administrator to reset \
            it. If you did not ask for the last reset, ask another administrator than the one who made it."
                .to_owned()
        }
        SessionEnd::Locked => {
            "Too many wrong codes were typed for your account, so it is locked. Ask an administrator for a new password."
                .to_owned()
        }
        SessionEnd::OtherPassword => {
            "Your password was replaced, so you were signed out. Please sign in with the new one.".to_owned()
        }
        SessionEnd::Expired(Stage::Open) => {
            format!("A session lasts {SESSION_LIFE}, and yours has ended. Please sign in again.")
        }
        SessionEnd::Expired(Stage::Code | Stage::NewPassword) => took_too_long("Please sign in again."),
        SessionEnd::ResetExpired => took_too_long("Sign in again with the new password."),
        SessionEnd::LinkExpired => took_too_long("Ask an administrator for a new link."),
        SessionEnd::CodeSignInExpired => took_too_long("Ask for another code."),
        SessionEnd::PasswordSet => {
            "A new password was set for your account. Sign in with it. If you did not set it, tell your IT team at once.".to_owned()
        }
        SessionEnd::Other => "This session has ended. Please sign in again.".to_owned(),
    }
}

fn took_too_long(what_now: &str) -> String {
    let minutes = PROVING_LIFE.0 / Span::minutes(1).0;
    format!("That took more than {minutes} minutes. {what_now}")
}

/// What an open page says whose session ended. The browser may have a newer session by then, and then the page's link leads
/// there.
pub(super) fn page_outdated(end: SessionEnd, zone: &Zone, now: Moment) -> String {
    if matches!(end, SessionEnd::Other | SessionEnd::PasswordSet) {
        return "This page is out of date: the session has ended, or went on in another window."
            .to_owned();
    }
    session_ended(end, zone, now)
}

// The one-time link.

const DEAD_LINK: &str = "This link does not work";

pub(super) fn claim_link_dead() -> PageText {
    PageText::new(
        DEAD_LINK,
        format!(
            "It is not known, too old, or it was replaced by a newer reset. Nothing was changed. {ASK_FOR_NEW}"
        ),
    )
}

/// Until `until` the session that the link began may wait for its code; none after that, when only a right code has carried it
/// on.
pub(super) fn claim_link_used(until: Option<&str>) -> PageText {
    let go_on = until.map_or_else(String::new, |until| {
        format!("If you began in another browser or app, go on there until {until}. ")
    });
    PageText::new(
        "This link was used",
        format!(
            "It works once. {go_on}If you did not finish, ask an administrator for a new one; if it was not you who used it, \
            tell your security team at once."
        ),
    )
}

// "This wasn't me".

pub(super) fn not_me_link_unknown() -> PageText {
    PageText::new(
        DEAD_LINK,
        "This link is not known, or it is too old. Nothing was changed.",
    )
    .asking(NOT_ASKED)
}

pub(super) fn not_me_link_outdated() -> PageText {
    PageText::new(
        "This link is outdated",
        "The password has been set again since then. Nothing was changed. Use the link in the newest message.",
    )
    .asking(NOT_ASKED_EITHER)
}

/// Who will be told, with the verb of "… told".
pub(super) fn who_will_be_told(admin: &str, has_security: bool) -> String {
    if has_security {
        format!("{admin} and the security team are")
    } else {
        format!("{admin} is")
    }
}

const PASSWORD_BLOCKED: &str = "The new password is blocked";

pub(super) fn password_blocked(at: &str, has_security: bool) -> PageText {
    let told = if has_security {
        "The administrator and the security team are being told."
    } else {
        "The administrator is being told; tell your security team."
    };
    PageText::new(
        PASSWORD_BLOCKED,
        format!(
            "Blocked at {at}: it opens nothing any more, and every session has ended. Nothing was deleted. {told} Another \
            administrator can reset the password when you have spoken to them."
        ),
    )
}

/// The same link again.
pub(super) fn password_blocked_before(at: &str) -> PageText {
    PageText::new(PASSWORD_BLOCKED, blocked_before(at)).asking(PASSWORD_NEEDED)
}

const ACCOUNT_BLOCKED: &str = "The account is blocked";

const fn security_told(has_security: bool) -> &'static str {
    if has_security {
        "The security team is being told."
    } else {
        "Tell your security team."
    }
}

/// After a code that took the place of the password, where another password was set before the member said it.
pub(super) fn code_disowned(at: &str, has_security: bool) -> PageText {
    let told = security_told(has_security);
    PageText::new(
        "Your answer is noted",
        format!(
            "Noted at {at}. Contacts that were added on your pages since the code are taken off. The password that was set \
            since then stays. {told}"
        ),
    )
    .asking(NOT_ASKED_EITHER)
}

/// After a code that took the place of the password: no administrator is told, because none was part of it.
pub(super) fn account_blocked(at: &str, has_security: bool) -> PageText {
    let told = security_told(has_security);
    PageText::new(
        ACCOUNT_BLOCKED,
        format!(
            "Blocked at {at}: no password opens it, and no session is left. Contacts that were added on your pages since the \
            code are taken off; nothing else was deleted. {told} Ask an administrator to reset the password, and say that \
            somebody else may read your phone or private email."
        ),
    )
}

/// The same link again.
pub(super) fn account_blocked_before(at: &str) -> PageText {
    PageText::new(ACCOUNT_BLOCKED, blocked_before(at)).asking(PASSWORD_NEEDED)
}

fn blocked_before(at: &str) -> String {
    format!("Already blocked at {at}.")
}
