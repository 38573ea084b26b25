//! `/reset-password log`: a delegated administrator sees their own resets, a primary one all.

use std::sync::Arc;

use super::identity::{self, Known, Limits};
use super::{Failure, Reaction, messages, offer};
use crate::app::App;
use crate::chat::interaction::NamedMember as Named;
use crate::chat::{Chat, Freshness, Origin};
use crate::domain::look_up::Tried;
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
        None => identity::caller(app, chat, &origin.user, Freshness::Cached)
            .await
            .map(|admin| (admin, None)),
        Some(named) => identity::pair_within(
            app,
            chat,
            &origin.user,
            named,
            Freshness::Cached,
            Limits::Yes,
        )
        .await
        .map(|asked| (asked.admin, Some(asked.member))),
    };
    let (admin, member) = match found {
        Ok((admin, None)) => (admin, None),
        Ok((admin, Some(Ok((member, _))))) => (admin, Some(member)),
        Ok((admin, Some(Err(why)))) => {
            return offer::member_unresolved(app, &origin, &admin.member, &why, reference).await;
        }
        Err(why) => return offer::caller_unresolved(app, &origin, &why, reference).await,
    };
    let now = origin.received_at;
    let member = member.map(|Known { member, .. }| member);
    if !admin.person().may_administer() {
        let told = messages::denied(
            &Denied::NotAdmin,
            "",
            &app.organization,
            &app.zone,
            now,
            reference,
        );
        return offer::note(
            app,
            &origin,
            ("log", "not_admin"),
            (Some(&admin.member), None),
            reference,
            None,
            told,
        )
        .await;
    }
    let own: Option<MemberId> = (admin.role != Role::PrimaryAdmin).then(|| admin.member.id.clone());
    let filter = HistoryFilter {
        admin: own,
        member: member.as_ref().map(|member| member.id.clone()),
        limit: Some(SHOWN),
        ..HistoryFilter::default()
    };
    let past = app.store.history(&filter).await?;
    let told = messages::history(
        &past,
        member.as_ref().map(|member| member.name.as_str()),
        &app.zone,
        now,
    );
    let about = (Some(&admin.member), member.as_ref());
    let tried = member.is_some().then_some(Tried::LookUp);
    offer::note(app, &origin, ("log", "done"), about, reference, tried, told).await
}
