//! How a reset ended, as text. It is read from the record, and never claims more than was recorded.

use super::messages::ContactAdder;
use super::other_admins::{self, OfReset};
use super::reply::{tell, unseal, uses_left};
use super::{card, contacts, messages, steps};
use crate::app::App;
use crate::chat::{Adapter, Chat, Message, Placement};
use crate::directory::{Backend, By, Down, Match};
use crate::domain::contacts::Methods;
use crate::domain::{Member, Moment, Quota, ResetId, SecondFactors, State, Step, StepOutcome};
use crate::store::{OwnLink, ResetRow, StepRow};

/// The quota of a reset's administrator. Where the record does not answer, the store has logged it.
pub(super) async fn quota_now(app: &App, id: ResetId) -> Option<Quota> {
    let present = app.store.present_card(id).await.ok().flatten();
    present.map(|present| present.quota)
}

/// The result of a reset, with the quota as it is now where none is given. `retry_for` is the member, where the password can
/// still be delivered another way.
#[tracing::instrument(level = "debug", skip_all)]
pub(super) async fn ending(
    app: &App,
    row: &ResetRow,
    quota: Option<Quota>,
    retry_for: Option<&Member>,
) -> Message {
    let steps = steps::of_reset(app, row.reset_id).await;
    let observed = if row.state == State::Unknown {
        observe(app, row).await
    } else {
        None
    };
    let (codes, adder) = codes_of(app, row, retry_for).await;
    let factors = factors_of(app, row);
    let own_link = own_link_of(app, row).await;
    let is_private = match app.chat(row.platform) {
        Some(chat) => chat.assurance().await.is_private(),
        None => false,
    };
    let quota = match quota {
        Some(quota) => Some(quota),
        None => quota_now(app, row.reset_id).await,
    };
    let value = app.keys.button_value(row.reset_id);
    messages::result(&messages::Ending {
        quota,
        observed,
        retry_for,
        retry_until: retry_for.and_then(|_| app.held.until(row.reset_id, app.clock.now())),
        is_private,
        codes: codes.as_ref(),
        adder,
        second_factors: factors.as_ref(),
        own_link: own_link.as_ref(),
        ..parts(app, row, steps.as_deref(), &value)
    })
}

/// What the result needs that shows the password itself.
pub(super) struct PasswordResult<'a> {
    /// What was done so far; it is not recorded yet. None where what was recorded before cannot be read.
    pub(super) steps: Option<&'a [StepRow]>,
    pub(super) member: &'a Member,
    pub(super) quota: Option<Quota>,
    /// True where the message is replaced after a while.
    pub(super) hides_itself: bool,
}

/// The result in the one message that shows the password.
#[tracing::instrument(name = "ending", level = "debug", skip_all)]
pub(super) async fn with_password(app: &App, row: &ResetRow, shown: PasswordResult<'_>) -> Message {
    let (codes, adder) = codes_of(app, row, Some(shown.member)).await;
    let factors = factors_of(app, row);
    let own_link = own_link_of(app, row).await;
    let value = app.keys.button_value(row.reset_id);
    messages::result(&messages::Ending {
        quota: shown.quota,
        shows_password: Some(shown.hides_itself),
        codes: codes.as_ref(),
        adder,
        second_factors: factors.as_ref(),
        own_link: own_link.as_ref(),
        ..parts(app, row, shown.steps, &value)
    })
}

/// The parts that every result has.
fn parts<'a>(
    app: &'a App,
    row: &'a ResetRow,
    steps: Option<&'a [StepRow]>,
    value: &'a str,
) -> messages::Ending<'a> {
    messages::Ending {
        row,
        steps: steps.unwrap_or_default(),
        are_steps_known: steps.is_some(),
        quota: None,
        lifetime: app.organization.password_lifetime,
        capabilities: app.directories.describe(&row.member_id).capabilities,
        observed: None,
        shows_password: None,
        retry_for: None,
        retry_until: None,
        is_updated: is_updated(app, row),
        is_private: true,
        codes: None,
        adder: ContactAdder::default(),
        second_factors: None,
        own_link: None,
        channels: &app.deliveries,
        value,
        zone: &app.zone,
        now: app.clock.now(),
    }
}

/// True where the message of this result can be replaced once more, when what is still to do is done.
fn is_updated(app: &App, row: &ResetRow) -> bool {
    let can_replace = app.chat(row.platform).is_some_and(Adapter::can_replace);
    let uses = || unseal(app, row).map_or(0, |to| uses_left(app, row.platform, &to));
    // One use for this result, one for the next, and one that is kept.
    can_replace && uses() > 2
}

/// Draws a result again that said of these steps that they are still to do, once one of them is done. A visible password stays
/// visible: what replaces it later is drawn from the record, too.
pub(super) async fn tell_what_is_done(app: &App, id: ResetId, were_pending: &[Step]) {
    let _lock = app.card_locks.lock(id).await;
    // Where the record does not answer, the store has logged it.
    let Ok(Some(present)) = app.store.present_card(id).await else {
        return;
    };
    let row = &present.row;
    let is_told = row.told_at.is_some() && row.hide_at.is_none() && row.proposed.is_none();
    let (Some(chat), true) = (app.chat(row.platform), is_told && !row.state.is_active()) else {
        return;
    };
    let Some(to) = unseal(app, row).filter(|to| chat.can_replace() && chat.uses_left(to) > 1)
    else {
        return;
    };
    let steps = steps::of_reset(app, id).await.unwrap_or_default();
    let is_done = |step: &StepRow| {
        were_pending.contains(&step.step)
            && (step.outcome != StepOutcome::Pending || step.detail.is_some())
    };
    if !steps.iter().any(is_done) {
        return;
    }
    let member = if row.is_waiting_for_another_way() {
        member_of(app, row).await
    } else {
        None
    };
    let retry_for = retry_for(app, row, member.as_ref());
    let told = ending(app, row, Some(present.quota), retry_for).await;
    tell(chat, Some(&to), &told, Placement::Replace).await;
}

/// Sends the result through the reset's own follow-up address. True if the platform accepted it.
pub(super) async fn tell_ending(app: &App, chat: &Chat, row: &ResetRow) -> bool {
    let member = if row.is_waiting_for_another_way() {
        member_of(app, row).await
    } else {
        None
    };
    let told = ending(app, row, None, retry_for(app, row, member.as_ref())).await;
    tell(chat, unseal(app, row).as_ref(), &told, Placement::Replace).await
}

/// The member, where an undelivered password can still be delivered another way.
pub(super) fn retry_for<'a>(
    app: &App,
    row: &ResetRow,
    member: Option<&'a Member>,
) -> Option<&'a Member> {
    member
        .filter(|_| row.is_waiting_for_another_way() && app.held.has(row.reset_id, app.clock.now()))
}

/// Where the code of a changed password goes now, and who can add a contact for it. None where the result does not say it,
/// or it cannot be read.
async fn codes_of(
    app: &App,
    row: &ResetRow,
    member: Option<&Member>,
) -> (Option<Methods>, ContactAdder) {
    match methods_of_result(app, row, member).await {
        Some((methods, adder)) => (Some(methods), adder),
        None => (None, ContactAdder::default()),
    }
}

async fn methods_of_result(
    app: &App,
    row: &ResetRow,
    member: Option<&Member>,
) -> Option<(Methods, ContactAdder)> {
    // After "this wasn't me" the password opens nothing.
    let is_told = matches!(row.state, State::Delivering | State::Delivered)
        && row.changed_at.is_some()
        && row.disowned_at.is_none();
    if !is_told
        || !app
            .directories
            .describe(&row.member_id)
            .capabilities
            .has_our_pages
    {
        return None;
    }
    let found = if member.is_none() {
        member_of(app, row).await
    } else {
        None
    };
    let member = member.or(found.as_ref())?;
    // Where the record does not answer, the store has logged it.
    let methods = contacts::methods_now(app, member).await.ok()?;
    let adder = other_admins::adder(app, member, OfReset::of(row), &methods).await;
    Some((methods, adder.ok()?))
}

/// What the directory's own sign-in asked for when the password was set. None where that was not recorded.
fn factors_of(app: &App, row: &ResetRow) -> Option<SecondFactors> {
    if app
        .directories
        .describe(&row.member_id)
        .capabilities
        .signs_members_in
    {
        row.second_factors.as_deref()?.parse().ok()
    } else {
        Some(SecondFactors::default())
    }
}

/// The directory's own link that was sent before the reset and may still work. Where the record does not answer, the store
/// has logged it.
async fn own_link_of(app: &App, row: &ResetRow) -> Option<OwnLink> {
    card::own_link(app, &row.member_id).await.ok().flatten()
}

/// After an unknown end: when the directory shows a change since ours began, if it does. None if it does not answer.
async fn observe(app: &App, row: &ResetRow) -> Option<Option<Moment>> {
    let seen = app
        .directories
        .of(&row.member_id)?
        .last_change(&row.member_id)
        .await
        .ok()?;
    // Directories count in whole seconds: a change within the second in which ours began is ours.
    let is_ours = |at: &Moment| {
        row.changing_at
            .is_some_and(|begun| at.0 >= begun.0.saturating_sub(begun.0.rem_euclid(1000)))
    };
    Some(seen.filter(is_ours))
}

/// The member of a reset, as the directory has them now; none where it has them no longer or does not answer.
pub(super) async fn member_of(app: &App, row: &ResetRow) -> Option<Member> {
    find_member(app, row).await.ok().flatten()
}

/// The same, with a directory that does not answer told apart.
pub(super) async fn find_member(app: &App, row: &ResetRow) -> Result<Option<Member>, Down> {
    let mut found = app
        .directories
        .find(&[By::Id(row.member_id.clone())])
        .await?;
    Ok(match found.pop() {
        Some(Match::One(member)) => Some(*member),
        Some(Match::Nobody | Match::Several(_) | Match::Unreadable) | None => None,
    })
}
