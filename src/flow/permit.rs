//! Who may go on: administrator and member are read anew, and every rule is checked, for all commands, clicks and forms
//! but those that only open a form, close a card or hide a password.

use std::sync::Arc;

use tracing::Instrument;

use super::people::ResetPair;
use super::reaction::Halt;
use super::refuse::{record_refusal, refuse_and_count};
use super::reply::{unseal, uses_left};
use super::unresolved::unknown_caller;
use super::{answer, identity, messages, refuse, trace};
use crate::app::App;
use crate::chat::interaction::{CardAct, CardAsk, CardChange, CardForm, NamedMember};
use crate::chat::{Adapter, Chat, Freshness, Message, Origin};
use crate::domain::delivery::{Extra, ExtraDenied};
use crate::domain::look_up::Tried;
use crate::domain::{Carries, ChatUser, Denied, Moment, Permit, Reference, ResetId, State, policy};
use crate::store::{ClickRefused, ResetRow};

pub(super) use super::identity::LookUpLimits;

/// A click or a form that may go on.
pub(super) struct Permitted {
    /// True where nobody else can read what follows.
    pub(super) is_private: bool,
    pub(super) row: ResetRow,
    pub(super) pair: ResetPair,
    pub(super) permit: Permit,
}

/// Why the administrator of a card may not go on.
pub(super) struct NotPermitted {
    /// A short fixed word for the audit.
    pub(super) code: &'static str,
    /// What the administrator is told.
    pub(super) told: Message,
    /// True where that says something about the member: such refusals are limited in number.
    pub(super) is_counted: bool,
}

/// Reads the card, administrator and member, and checks every rule. A refusal is recorded.
pub(super) async fn of_click(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    id: ResetId,
    freshness: Freshness,
) -> Result<Permitted, Halt> {
    let row = clickable(app, origin, id).await?;
    trace::record_admin(&row.admin_id);
    let permit = async {
        // What leads to a delivery is read past every cache.
        let freshness = if row.is_waiting_for_another_way() {
            Freshness::Now
        } else {
            freshness
        };
        let now = origin.received_at;
        match of_card(app, chat, &origin.user, &row, (freshness, now)).await {
            Ok((pair, permit)) => Ok(Permitted {
                is_private: chat.assurance().await.is_private(),
                row,
                pair,
                permit,
            }),
            Err(refused) if refused.is_counted => {
                Err(refuse_and_count(app, origin, &row, refused.code, refused.told).await)
            }
            Err(refused) => Err(refuse::refuse(app, origin, id, refused.code, refused.told).await),
        }
    };
    permit.instrument(tracing::debug_span!("permit")).await
}

/// The card, if it is theirs and open, or undelivered and so still open for another way.
async fn clickable(app: &Arc<App>, origin: &Origin, id: ResetId) -> Result<ResetRow, Halt> {
    let now = origin.received_at;
    let clickable = app.store.reset(id).await?.filter(|row| {
        let is_open = row.state == State::Offered && row.expires_at > now;
        row.is_of(&origin.user) && (is_open || row.state == State::Undelivered)
    });
    match clickable {
        Some(row) => Ok(row),
        None => Err(record_refusal(app, origin, id, ("closed", None), |row| {
            let why = ClickRefused::AlreadyDone {
                state: row.state,
                changed_at: row.changed_at,
            };
            messages::click_refused(
                &why,
                Some(row),
                &app.organization,
                &app.zone,
                now,
                &id.reference(),
            )
        })
        .await),
    }
}

/// Reads the administrator and the member of a card and checks every rule. Nothing is recorded.
pub(super) async fn of_card(
    app: &App,
    chat: &Chat,
    user: &ChatUser,
    row: &ResetRow,
    (freshness, now): (Freshness, Moment),
) -> Result<(ResetPair, Permit), NotPermitted> {
    let reference = row.reset_id.reference();
    let pair = match identity::pair_of_card(app, chat, user, row, freshness).await {
        Ok(pair) => pair,
        Err(unresolved) => {
            return Err(NotPermitted {
                code: unresolved.code(),
                told: unresolved.told(app, user, &reference),
                is_counted: unresolved.is_answer(),
            });
        }
    };
    if pair.admin.member.id != row.admin_id {
        // The chat account belongs to another person than when the card was made.
        return Err(NotPermitted {
            code: "another_person",
            told: unknown_caller(app, user, &reference),
            is_counted: false,
        });
    }
    match policy::approve(&pair.case()) {
        Ok(permit) => Ok((pair, permit)),
        Err(denied) => Err(NotPermitted {
            code: denied.code(),
            told: messages::denied(
                &denied,
                &row.member_name,
                &app.organization,
                &app.zone,
                now,
                &reference,
            ),
            is_counted: true,
        }),
    }
}

/// The caller and the member of a command, with every rule checked. A refusal is recorded.
pub(super) async fn of_command(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    named: &NamedMember,
    how: (Freshness, LookUpLimits),
    (reference, reason): (&Reference, Option<&str>),
) -> Result<ResetPair, Halt> {
    let pair = pair_of_command(app, chat, origin, named, how, (reference, reason)).await?;
    let now = origin.received_at;
    let Err(denied) = policy::approve(&pair.case()) else {
        return Ok(pair);
    };
    let told = messages::denied(
        &denied,
        &pair.member.member.name,
        &app.organization,
        &app.zone,
        now,
        reference,
    );
    let is_about_member = denied != Denied::NotAdmin;
    let attempt = answer::Attempt {
        admin: Some(&pair.admin.member),
        role: pair.admin.role,
        member: is_about_member.then_some(&pair.member.member),
        counts_as: is_about_member.then_some(Tried::RefusedLookUp),
        reason,
        ..answer::Attempt::new("command", denied.code(), reference).refused(denied.code())
    };
    Err(answer::halt(app, origin, attempt, told).await)
}

/// The caller and the member of a command. A refusal is recorded.
pub(super) async fn pair_of_command(
    app: &Arc<App>,
    chat: &Chat,
    origin: &Origin,
    named: &NamedMember,
    (freshness, limits): (Freshness, LookUpLimits),
    (reference, reason): (&Reference, Option<&str>),
) -> Result<ResetPair, Halt> {
    match identity::pair(app, chat, &origin.user, named, freshness, limits).await {
        Ok(pair) => {
            trace::record_admin(&pair.admin.member.id);
            Ok(pair)
        }
        Err(unresolved) => {
            Err(answer::unresolved(app, origin, &unresolved, (reference, reason)).await)
        }
    }
}

/// The output that a button asks for, where settings or the chat may forbid it.
pub(super) fn extra_of(ask: CardAsk) -> Option<Extra> {
    match ask {
        CardAsk::Choose(delivery) => delivery.channel().is_none().then_some(Extra::Copy),
        // A member without a contact can only be reached by an address that is typed or by the administrator.
        CardAsk::OpenForm(CardForm::Destination) | CardAsk::Amend(CardChange::Reachable) => {
            Some(Extra::Typed)
        }
        CardAsk::OpenForm(CardForm::CopyAddress) => Some(Extra::CopyElsewhere),
        CardAsk::Amend(CardChange::CopyToSelf) => Some(Extra::CopyToSelf),
        CardAsk::Amend(CardChange::AlsoShow) => Some(Extra::Show),
        CardAsk::Amend(CardChange::Back)
        | CardAsk::Close
        | CardAsk::Act(CardAct::Confirm | CardAct::SendGuide | CardAct::SendDirectoryLink)
        | CardAsk::After(_)
        | CardAsk::AskContact => None,
    }
}

/// Refuses an output that the settings forbid, or that needs replies which nobody else can read.
pub(super) async fn check_extra(
    app: &Arc<App>,
    origin: &Origin,
    id: ResetId,
    extra: Option<Extra>,
    (carries, is_private): (Carries, bool),
) -> Result<(), Halt> {
    let Some(extra) = extra else { return Ok(()) };
    let allowed = app.deliveries.ways.allow(extra, carries).and_then(|()| {
        if is_private || !extra.needs_private_replies() {
            Ok(())
        } else {
            Err(ExtraDenied::NotPrivate)
        }
    });
    match allowed {
        Ok(()) => Ok(()),
        Err(denied) => {
            let told = messages::extra_denied(denied, &id.reference());
            Err(refuse::refuse(app, origin, id, denied.code(), told).await)
        }
    }
}

/// Refuses a click or a form whose answer could no longer be shown: nobody should choose what they cannot see. One use
/// of the reply address is kept for the result.
///
/// A password that waits for another way is delivered all the same, unless it is to be shown: the next command reports
/// how that ended.
pub(super) async fn check_can_be_shown(
    app: &Arc<App>,
    origin: &Origin,
    row: &ResetRow,
    is_copy: bool,
) -> Result<(), Halt> {
    if row.is_waiting_for_another_way() && !is_copy && !row.also_show {
        return Ok(());
    }
    let kept = u32::from(row.state == State::Offered);
    let to = origin.reply.clone().or_else(|| unseal(app, row));
    if to.is_some_and(|to| uses_left(app, row.platform, &to) > kept) {
        return Ok(());
    }
    let (reference, now) = (row.reset_id.reference(), origin.received_at);
    let until = app.held.until(row.reset_id, now);
    let told = match until.filter(|_| row.is_waiting_for_another_way()) {
        Some(until) => messages::choose_on_record(&app.zone.tell(until, now), &reference),
        None => messages::no_more_updates(&reference),
    };
    Err(refuse::refuse(app, origin, row.reset_id, "no_more_faces", told).await)
}
