//! The guide: how a member sets a new password without a reset, where their directory lets them.

use super::sms::{first_that_fits, short_it};
use crate::app::Organization;
use crate::delivery::Note;

/// Where the guide leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guide {
    /// To the member's pages, where a code takes the place of the old password.
    OurPages {
        /// The address of `/account`.
        account: String,
        /// That of `/signin`, where a code alone lets members in.
        sign_in: Option<String>,
    },
    /// To `help_url`, because the directory has pages of its own or none.
    HelpPage(String),
}

/// S6, S7: the guide as an e-mail.
pub fn guide(organization: &Organization, member_name: &str, guide: &Guide) -> Note {
    let name = &organization.name;
    let text = match guide {
        Guide::OurPages { account, sign_in } => {
            let elsewhere = sign_in
                .as_ref()
                .map(|url| {
                    format!(
                        "Signed in nowhere? Open {url} and choose \"Sign in with a code instead\".\n"
                    )
                })
                .unwrap_or_default();
            let help = organization
                .help_url
                .as_ref()
                .map(|url| format!("\nStep by step: {url}\n"))
                .unwrap_or_default();
            format!(
                "Hello {member_name},\n\nYou can set a new {name} password without the old one wherever you are still signed in:\n\n\
                1. Open {account} there.\n\
                2. Press \"I don't remember my password\". A code goes to a phone or private email on record for you.\n\
                3. Type the code and a new password.\n\n\
                You stay signed in everywhere.\n{elsewhere}{help}"
            )
        }
        Guide::HelpPage(url) => format!(
            "Hello {member_name},\n\nYou can change your {name} password yourself as long as you can still sign in. This page says how:\n\n    {url}\n\n\
            Your password was not reset.\n"
        ),
    };
    Note::new(format!("How to change your {name} password"), text)
}

/// The guide as an SMS. An address that is too long for one is left out.
pub fn guide_sms(organization: &Organization, guide: &Guide) -> Note {
    let it = short_it(&organization.name, 20);
    let (text, without) = match guide {
        Guide::OurPages { account, .. } => (
            format!("{it}: set a new password where you are still signed in: {account}"),
            format!(
                "{it}: set a new password where you are still signed in, on your account page."
            ),
        ),
        Guide::HelpPage(url) => (
            format!("{it}: how to change your password while you can still sign in: {url}"),
            format!("{it}: you can change your password while you can still sign in. Ask IT how."),
        ),
    };
    Note::new(String::new(), first_that_fits([text, without]))
}
