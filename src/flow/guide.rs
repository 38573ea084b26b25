//! Where the guide leads a member (S6): to their pages here, else to the page that the settings name.

use super::messages::Guide;
use super::pages;
use crate::app::App;
use crate::domain::MemberId;

/// The guide for a member; none where there is no page to lead to.
pub(super) fn of(app: &App, member: &MemberId) -> Option<Guide> {
    let organization = &app.organization;
    let capabilities = app.directories.describe(member).capabilities;
    let account = pages::page(app, "account").filter(|_| capabilities.has_our_pages);
    if let Some(account) = account {
        let sign_in = pages::page(app, "signin").filter(|_| organization.code_sign_in);
        return Some(Guide::OurPages { account, sign_in });
    }
    let help = organization.help_url.as_ref()?;
    Some(Guide::HelpPage(help.to_string()))
}
