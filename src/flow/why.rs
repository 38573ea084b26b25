//! `/reset-password why`: which rules would allow a reset, without changing anything.

use std::sync::Arc;

use super::answer::{self, Attempt};
use super::permit::{self, LookUpLimits};
use super::reaction::{Halt, Reaction};
use super::{card, messages};
use crate::app::App;
use crate::chat::interaction::NamedMember;
use crate::chat::{Chat, Freshness, Origin};
use crate::domain::{Denied, Reference, policy};
use crate::store::Noted;

/// Answers `why @member` with every rule and whether it holds. It counts as a look-up.
pub(super) async fn why(
    app: &Arc<App>,
    chat: &Chat,
    origin: Origin,
    named: &NamedMember,
    reference: &Reference,
) -> Result<Reaction, Halt> {
    let how = (Freshness::Cached, LookUpLimits::Apply);
    let pair = permit::pair_of_command(app, chat, &origin, named, how, (reference, None)).await?;
    let (admin, member) = (&pair.admin.member, &pair.member.member);
    let now = origin.received_at;
    let attempt = Attempt {
        admin: Some(admin),
        role: pair.admin.role,
        ..Attempt::new("why", "done", reference)
    };
    if !pair.admin.person().may_administer() {
        let denied = Denied::NotAdmin;
        let told = messages::denied(&denied, "", &app.organization, &app.zone, now, reference);
        return Ok(answer::answer(app, &origin, attempt.refused("not_admin"), told).await?);
    }
    let attempt = Attempt {
        member: Some(member),
        ..attempt
    };
    let outcomes: Vec<_> = policy::Rule::ALL
        .iter()
        .map(|rule| (*rule, pair.case().check(*rule)))
        .collect();
    let noted = app
        .store
        .record_why(
            origin.replay.clone(),
            attempt.audit(&origin),
            &admin.id,
            &member.id,
        )
        .await?;
    let (told, untold) = match noted {
        Noted::Replayed => return Ok(Reaction::Replayed),
        Noted::Done { found, untold } => {
            let told =
                messages::rules(&member.name, &outcomes, &found, (&app.zone, now), reference);
            (card::with_code_warning(app, member, told).await?, untold)
        }
        Noted::TooMany { too_many, untold } => {
            let told = messages::too_many_look_ups(too_many, &app.zone, now, reference);
            (told, untold)
        }
    };
    Ok(answer::with_untold(app, &origin, told, &untold, attempt.hearer()).await)
}
