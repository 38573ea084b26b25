//! `/reset-password log`: a delegated administrator sees their own resets, a primary one all.

use std::sync::Arc;

use super::answer::{self, Attempt};
use super::people::KnownPerson;
use super::permit::{self, LookUpLimits};
use super::reaction::{Halt, Reaction};
use super::{identity, messages, trace};
use crate::app::App;
use crate::chat::interaction::NamedMember;
use crate::chat::{Chat, Freshness, Origin};
use crate::domain::look_up::Tried;
use crate::domain::{Denied, Member, Reference, Role};
use crate::store::HistoryFilter;

/// How many resets are shown in a chat. `relatch resets` shows the rest.
const LIMIT: u32 = 10;

/// Answers `log` and `log @member`.
pub(super) async fn log(
    app: &Arc<App>,
    chat: &Chat,
    origin: Origin,
    named: Option<NamedMember>,
    reference: &Reference,
) -> Result<Reaction, Halt> {
    let (admin, member) = people(app, chat, &origin, named, reference).await?;
    let now = origin.received_at;
    let attempt = Attempt {
        admin: Some(&admin.member),
        ..Attempt::new("log", "done", reference)
    };
    if !admin.person().may_administer() {
        let denied = Denied::NotAdmin;
        let told = messages::denied(&denied, "", &app.organization, &app.zone, now, reference);
        return Ok(answer::answer(app, &origin, attempt.ended("not_admin"), told).await?);
    }
    let filter = HistoryFilter {
        admin: (admin.role != Role::PrimaryAdmin).then(|| admin.member.id.clone()),
        member: member.as_ref().map(|member| member.id.clone()),
        limit: Some(LIMIT),
        ..HistoryFilter::default()
    };
    let past = app.store.history(&filter).await?;
    let of = member.as_ref().map(|member| member.name.as_str());
    let told = messages::history(&past, of, &app.zone, now);
    let attempt = Attempt {
        member: member.as_ref(),
        counts_as: member.is_some().then_some(Tried::LookUp),
        ..attempt
    };
    Ok(answer::answer(app, &origin, attempt, told).await?)
}

/// The caller, and the member if one was named.
async fn people(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    named: Option<NamedMember>,
    reference: &Reference,
) -> Result<(KnownPerson, Option<Member>), Halt> {
    if let Some(named) = named {
        let how = (Freshness::Cached, LookUpLimits::Apply);
        let pair = permit::pair_of_command(app, chat, origin, &named, how, reference).await?;
        return Ok((pair.admin, Some(pair.member.member)));
    }
    match identity::caller(app, chat, &origin.user, Freshness::Cached).await {
        Ok(admin) => {
            trace::record_admin(&admin.member.id);
            Ok((admin, None))
        }
        Err(unresolved) => Err(answer::unresolved(app, origin, &unresolved, reference).await),
    }
}
