//! Links to the member's pages.

use crate::app::App;
use crate::domain::CodeUseId;
use crate::secret::Link;
use crate::store::ResetRow;

/// A link to a page about this reset; none where the member has no pages here, or the pages have no public address.
pub(super) fn link(app: &App, link: Link, row: &ResetRow) -> Option<String> {
    if !app
        .directories
        .describe(&row.member_id)
        .capabilities
        .has_our_pages
    {
        return None;
    }
    let base = app.organization.public_url.as_ref()?.as_str();
    Some(format!(
        "{}/{}/{}",
        base.trim_end_matches('/'),
        link.path(),
        app.keys.link_token(link, row.reset_id)
    ))
}

/// The link "this wasn't me" of a message about a code; none where the pages have no public address.
pub(super) fn link_of_code_use(app: &App, id: CodeUseId) -> Option<String> {
    let base = app.organization.public_url.as_ref()?.as_str();
    Some(format!(
        "{}/{}/{}",
        base.trim_end_matches('/'),
        Link::NotMe.path(),
        app.keys.code_use_token(id)
    ))
}
