//! Where the guide leads a member (S6): to their pages here, else to the page that the settings name.

use super::messages::Guide;
use super::{contacts, pages};
use crate::app::App;
use crate::domain::code_alone::may_sign_in_by_code;
use crate::domain::sign_in::{AccountState, LockedBy};
use crate::domain::{Member, MemberId};
use crate::store::{AccountRow, StoreError};

/// The guide for one member.
pub(super) enum FoundGuide {
    Ready(Guide),
    /// No page is known that it could lead to.
    NoPage,
    /// It leads to their pages, and none of their contacts can receive the code that they need there.
    NoContact,
    /// It leads to their pages, and nothing but a reset lets them in there.
    NeedsReset,
}

/// True where there is a page to lead to.
pub(super) fn has_page(app: &App, member: &MemberId) -> bool {
    account_page(app, member).is_some() || app.organization.help_url.is_some()
}

/// The guide for a member as their account and their contacts are now: it promises no code that cannot come.
pub(super) async fn find(app: &App, member: &Member) -> Result<FoundGuide, StoreError> {
    let Some(account) = account_page(app, &member.id) else {
        let help = app.organization.help_url.as_ref();
        return Ok(help.map_or(FoundGuide::NoPage, |help| {
            FoundGuide::Ready(Guide::HelpPage(help.to_string()))
        }));
    };
    let found = app.store.account_of(&member.id).await?;
    let account_row = found.map(|(_, account)| account);
    let since = account_row.as_ref().map(AccountRow::on_record_since);
    let since = since.unwrap_or_default();
    let state = AccountState {
        temporary_until: account_row.as_ref().and_then(|one| one.temporary_until),
        lock: account_row.as_ref().and_then(AccountRow::lock),
    };
    if state.temporary_until.is_some()
        || matches!(state.lock, Some(LockedBy::Codes | LockedBy::Member))
    {
        return Ok(FoundGuide::NeedsReset);
    }
    if contacts::destination_in_session(app, member, since)
        .await?
        .is_none()
    {
        return Ok(FoundGuide::NoContact);
    }
    let may_sign_in = app.organization.code_sign_in
        && may_sign_in_by_code(member.status, member.login_method, state).is_ok();
    let alone = if may_sign_in {
        contacts::destination_of_code_alone(app, member, since).await?
    } else {
        None
    };
    let sign_in = alone.and_then(|_| pages::page(app, "signin"));
    Ok(FoundGuide::Ready(Guide::OurPages { account, sign_in }))
}

fn account_page(app: &App, member: &MemberId) -> Option<String> {
    let capabilities = app.directories.describe(member).capabilities;
    pages::page(app, "account").filter(|_| capabilities.has_our_pages)
}
