//! Addresses of the member's pages, and where members sign in.

use url::Url;

use crate::app::App;
use crate::domain::{CodeUseId, MemberId};
use crate::secret::Link;
use crate::store::ResetRow;

/// A link to a page about this reset; none where the member has no pages here, or the pages have no public address.
pub(super) fn link(app: &App, link: Link, row: &ResetRow) -> Option<String> {
    let token = app.keys.link_token(link, row.reset_id);
    has_our_pages(app, &row.member_id)
        .then(|| page(app, &format!("{}/{token}", link.path())))
        .flatten()
}

/// The link "this wasn't me" of a message about a code; none where the pages have no public address.
pub(super) fn link_of_code_use(app: &App, id: CodeUseId) -> Option<String> {
    let token = app.keys.code_use_token(id);
    page(app, &format!("{}/{token}", Link::NotMe.path()))
}

/// The address where a member signs in; none where the settings do not tell.
pub(super) fn sign_in(app: &App, member: &MemberId) -> Option<String> {
    if has_our_pages(app, member) {
        page(app, "signin")
    } else {
        app.organization.sign_in_url.as_ref().map(Url::to_string)
    }
}

fn has_our_pages(app: &App, member: &MemberId) -> bool {
    app.directories.describe(member).capabilities.has_our_pages
}

/// The public address of a page of ours.
pub(super) fn page(app: &App, path: &str) -> Option<String> {
    let base = app.organization.public_url.as_ref()?.as_str();
    Some(format!("{}/{path}", base.trim_end_matches('/')))
}
