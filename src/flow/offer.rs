//! `/reset-password @member`: the card that offers a reset.

use std::sync::Arc;
use std::time::Duration;

use rand::CryptoRng;

use super::answer::{self, Attempt};
use super::not_me::Hearer;
use super::other_admins::{self, OfReset};
use super::people::ResetPair;
use super::permit::{self, LookUpLimits};
use super::reaction::{Halt, Reaction};
use super::reply::seal_with;
use super::{card, contacts, messages, trace};
use crate::app::App;
use crate::chat::interaction::NamedMember;
use crate::chat::{Adapter, Chat, Freshness, Message, Origin};
use crate::domain::look_up::Tried;
use crate::domain::phone::PhoneRemark;
use crate::domain::{Denied, Member, Reference, ResetId};
use crate::store::{NewOffer, OfferOutcome, SealedReply};

/// How long a command waits for the administrator's own reset of the same member to end.
const OWN_RESET_TIMEOUT: Duration = Duration::from_secs(1);

/// Answers `/reset-password @member`: with a card, or with the reason for none.
pub(super) async fn reset(
    app: &Arc<App>,
    chat: &Chat,
    origin: Origin,
    (named, reason): (&NamedMember, Option<String>),
    reference: Reference,
    mut rng: impl CryptoRng,
) -> Result<Reaction, Halt> {
    let how = (Freshness::Cached, LookUpLimits::Apply);
    let asked = (&reference, reason.as_deref());
    let pair = permit::of_command(app, chat, &origin, named, how, asked).await?;
    let (admin, member) = (&pair.admin.member, &pair.member.member);
    check_second_contact(app, &origin, &pair, asked).await?;
    let contacts_since = app.store.contacts_since(&admin.id, &member.id).await?;
    let methods = contacts::methods_for_next(app, member, &admin.id, contacts_since).await?;
    let of_reset = OfReset::to_come(admin, origin.user.platform);
    let adder = other_admins::adder(app, member, of_reset, &methods).await?;
    let own_link = card::own_link(app, &member.id).await?;
    let reset_id = ResetId::draw(&mut rng, origin.received_at);
    trace::record_reset(reset_id);
    let given = reason.clone();
    let reply = seal_with(app, reset_id, origin.reply.as_ref(), &mut rng)?;
    let offer = NewOffer {
        contacts_since,
        ..new_offer(app, &origin, &pair, (reset_id, reason), reply)
    };
    app.queue
        .finished(&admin.id, &member.id, OWN_RESET_TIMEOUT)
        .await;
    let outcome = app
        .store
        .offer(offer, origin.replay.clone(), reference.clone())
        .await?;
    let (message, untold) = match outcome {
        OfferOutcome::Replayed => return Ok(Reaction::Replayed),
        OfferOutcome::Made { offered, untold } => {
            warn_of_phone(app, member);
            let about = messages::AboutContacts {
                adder,
                methods,
                differing: contacts::differing(member, &offered.differing),
            };
            let is_reachable = member.has_outside_contact();
            let now = origin.received_at;
            let until = now + app.organization.offer_lifetime;
            let card = messages::offer_card(&messages::Card {
                quota: Some(offered.quota),
                earlier: offered.earlier.as_ref(),
                reason: given.as_deref(),
                own_link: own_link.as_ref(),
                value: &app.keys.button_value(reset_id),
                is_private: chat.assurance().await.is_private(),
                ..card::parts(app, member, is_reachable, &about, (reset_id, until, now))
            });
            (card::with_code_warning(app, member, card).await?, untold)
        }
        OfferOutcome::Denied { denied, untold } => {
            tracing::info!(refused = denied.code(), "a command was refused");
            (
                told_denied(app, &origin, &denied, member, &reference),
                untold,
            )
        }
    };
    let hearer = Hearer {
        id: &admin.id,
        role: pair.admin.role,
    };
    Ok(answer::with_untold(app, &origin, message, &untold, Some(hearer)).await)
}

fn new_offer(
    app: &App,
    origin: &Origin,
    pair: &ResetPair,
    (reset_id, reason): (ResetId, Option<String>),
    reply: Option<SealedReply>,
) -> NewOffer {
    let (admin, member) = (&pair.admin.member, &pair.member.member);
    NewOffer {
        reset_id,
        requester: origin.user.clone(),
        admin: admin.clone(),
        member: member.clone(),
        member_chat_user: pair.member_chat_user.clone(),
        reason,
        reply,
        lifetime: app.organization.offer_lifetime,
        contacts: contacts::present(app, member),
        contacts_since: None,
    }
}

fn told_denied(
    app: &App,
    origin: &Origin,
    denied: &Denied,
    member: &Member,
    reference: &Reference,
) -> Message {
    let (organization, zone) = (&app.organization, &app.zone);
    let now = origin.received_at;
    messages::denied(denied, &member.name, organization, zone, now, reference)
}

/// Refuses where the settings want two contacts, one for the password and one for the code, and the member has fewer.
async fn check_second_contact(
    app: &Arc<App>,
    origin: &Origin,
    pair: &ResetPair,
    (reference, reason): (&Reference, Option<&str>),
) -> Result<(), Halt> {
    let (admin, member) = (&pair.admin.member, &pair.member.member);
    let Some(count) = contacts::lacks_a_second(app, member, &admin.id).await? else {
        return Ok(());
    };
    let told =
        messages::two_contacts_needed(member, count, app.deliveries.ways.is_strict, reference);
    let attempt = Attempt {
        admin: Some(admin),
        role: pair.admin.role,
        member: Some(member),
        counts_as: Some(Tried::RefusedLookUp),
        reason,
        ..Attempt::new("command", "one_contact", reference).refused("one_contact")
    };
    Err(answer::halt(app, origin, attempt, told).await)
}

fn warn_of_phone(app: &App, member: &Member) {
    let directory = app.directories.describe(&member.id).name;
    for why in member
        .phone_remarks
        .iter()
        .filter_map(PhoneRemark::unreadable)
    {
        tracing::warn!(directory, member.id = %member.id, %why, "a member's phone cannot be used");
    }
}
