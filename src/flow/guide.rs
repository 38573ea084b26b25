//! Where the guide leads a member (S6): to their pages here, else to the page that the settings name.

use super::messages::Guide;
use crate::app::App;
use crate::domain::MemberId;

/// The guide for a member; none where there is no page to lead to.
pub(super) fn of(app: &App, member: &MemberId) -> Option<Guide> {
    let organization = &app.organization;
    let capabilities = app.directories.describe(member).capabilities;
    if let (true, Some(base)) = (capabilities.has_our_pages, &organization.public_url) {
        let page = |path: &str| format!("{}/{path}", base.as_str().trim_end_matches('/'));
        return Some(Guide::OurPages {
            account: page("account"),
            sign_in: organization.code_sign_in.then(|| page("signin")),
        });
    }
    let help = organization.help_url.as_ref()?;
    Some(Guide::HelpPage(help.to_string()))
}
