//! `/reset-password log` and `log refused`: a delegated administrator sees what they did themselves, a primary one all.

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
use crate::domain::{Denied, LogLine, Member, Reference, Role};
use crate::store::{HistoryFilter, WhoseLines};

/// How many resets, or refused tries, are shown in a chat. `relatch resets` shows the rest.
const LIMIT: u32 = 10;

/// How many added contacts are shown beside them.
const CONTACTS: u32 = 5;

/// Answers `log` and `log @member`.
pub(super) async fn log(
    app: &Arc<App>,
    chat: &Chat,
    origin: Origin,
    named: Option<NamedMember>,
    reference: &Reference,
) -> Result<Reaction, Halt> {
    let asking = may_look(app, chat, &origin, named, "log", reference).await?;
    let whose = asking.whose();
    let filter = HistoryFilter {
        admin: whose.admin.clone(),
        member: whose.member.clone(),
        limit: Some(LIMIT),
        ..HistoryFilter::default()
    };
    let past = app.store.history(&filter).await?;
    let mut noted = app
        .store
        .log_lines(LogLine::Contact, &whose, CONTACTS)
        .await?;
    noted.extend(
        app.store
            .log_lines(LogLine::NotMe, &whose, CONTACTS)
            .await?,
    );
    let of = asking.member.as_ref().map(|member| member.name.as_str());
    let told = messages::history(&past, &noted, of, &app.zone, origin.received_at);
    Ok(answer::answer(app, &origin, asking.attempt("log", reference), told).await?)
}

/// Answers `log refused` and `log refused @member`.
pub(super) async fn refused(
    app: &Arc<App>,
    chat: &Chat,
    origin: Origin,
    named: Option<NamedMember>,
    reference: &Reference,
) -> Result<Reaction, Halt> {
    let asking = may_look(app, chat, &origin, named, "log_refused", reference).await?;
    let whose = asking.whose();
    let mut lines = app.store.log_lines(LogLine::Refused, &whose, LIMIT).await?;
    lines.extend(
        app.store
            .log_lines(LogLine::Contact, &whose, CONTACTS)
            .await?,
    );
    let of = asking.member.as_ref().map(|member| member.name.as_str());
    let told = messages::refused(&lines, of, &app.zone, origin.received_at);
    Ok(answer::answer(app, &origin, asking.attempt("log_refused", reference), told).await?)
}

/// An administrator who may look into the log, and the member they ask about.
struct Asking {
    admin: KnownPerson,
    member: Option<Member>,
}

impl Asking {
    fn whose(&self) -> WhoseLines {
        WhoseLines {
            admin: (self.admin.role != Role::PrimaryAdmin).then(|| self.admin.member.id.clone()),
            member: self.member.as_ref().map(|member| member.id.clone()),
        }
    }

    fn attempt<'a>(&'a self, event: &'static str, reference: &'a Reference) -> Attempt<'a> {
        Attempt {
            admin: Some(&self.admin.member),
            role: self.admin.role,
            member: self.member.as_ref(),
            counts_as: self.member.is_some().then_some(Tried::LookUp),
            ..Attempt::new(event, "done", reference)
        }
    }
}

/// Refuses whoever is no administrator.
async fn may_look(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    named: Option<NamedMember>,
    event: &'static str,
    reference: &Reference,
) -> Result<Asking, Halt> {
    let (admin, member) = people(app, chat, origin, named, reference).await?;
    if admin.person().may_administer() {
        return Ok(Asking { admin, member });
    }
    let denied = Denied::NotAdmin;
    let now = origin.received_at;
    let told = messages::denied(&denied, "", &app.organization, &app.zone, now, reference);
    let attempt = Attempt {
        admin: Some(&admin.member),
        ..Attempt::new(event, "done", reference).refused("not_admin")
    };
    Err(answer::halt(app, origin, attempt, told).await)
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
        let pair =
            permit::pair_of_command(app, chat, origin, &named, how, (reference, None)).await?;
        return Ok((pair.admin, Some(pair.member.member)));
    }
    match identity::caller(app, chat, &origin.user, Freshness::Cached).await {
        Ok(admin) => {
            trace::record_admin(&admin.member.id);
            Ok((admin, None))
        }
        Err(unresolved) => {
            Err(answer::unresolved(app, origin, &unresolved, (reference, None)).await)
        }
    }
}
