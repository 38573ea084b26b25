//! `/reset-password log`: a delegated administrator sees their own resets, a primary one all.

use std::sync::Arc;

use super::identity::{self, Known};
use super::{Failure, Reaction, messages, offer};
use crate::app::App;
use crate::chat::interaction::Member as Named;
use crate::chat::{Chat, Freshness, Origin};
use crate::domain::{Denied, MemberId, Reference, Role};
use crate::store::HistoryFilter;

/// How many are shown in a chat; the rest is `relatch resets`.
const SHOWN: u32 = 10;

/// Answers `log` and `log @member`.
pub(super) async fn log(
    app: &Arc<App>,
    chat: &Chat,
    origin: Origin,
    named: Option<Named>,
    reference: &Reference,
) -> Result<Reaction, Failure> {
    let found = match &named {
        None => identity::caller(app, chat, &origin.user, Freshness::Cached).await.map(|admin| Ok((admin, None))),
        Some(named) => identity::pair(app, chat, &origin.user, named, Freshness::Cached)
            .await
            .map(|pair| pair.map(|pair| (pair.admin, Some(pair.member)))),
    };
    let (admin, member) = match found {
        Ok(Ok(found)) => found,
        Ok(Err(unresolved)) => return offer::unresolved_told(app, &origin, &unresolved, false, reference).await,
        Err(unresolved) => return offer::unresolved_told(app, &origin, &unresolved, true, reference).await,
    };
    let now = origin.received_at;
    let member = member.map(|Known { member, .. }| member);
    if !admin.person().may_administer() {
        let told = messages::denied(&Denied::NotAdmin, "", &app.house, &app.zone, now, reference);
        return offer::note(app, &origin, "log", "not_admin", (Some(&admin.member), None), reference, told).await;
    }
    let own: Option<MemberId> = (admin.role != Role::PrimaryAdmin).then(|| admin.member.id.clone());
    let filter = HistoryFilter {
        admin: own,
        member: member.as_ref().map(|member| member.id.clone()),
        limit: Some(SHOWN),
        ..HistoryFilter::default()
    };
    let past = app.store.history(&filter).await?;
    let told = messages::history(&past, member.as_ref().map(|member| member.name.as_str()), &app.zone, now);
    offer::note(app, &origin, "log", "done", (Some(&admin.member), member.as_ref()), reference, told).await
}
