//! Cards: each offers the reset of one member to one administrator, and warns of an earlier reset.

use super::earlier::{Earlier, earlier, is_disowned};
use super::engine::{Table, Tx, params, sql};
use super::notes::take_untold;
use super::resets::{self, enter, newest_change};
use super::tries::Tries;
use super::{
    PresentContacts, ReplayKey, ResetRow, SealedReply, Store, StoreError, audit, replays,
    seen_contacts, slots,
};
use crate::domain::look_up::{Tried, may_command};
use crate::domain::quota::Limit;
use crate::domain::{
    Carries, Channel, ChatUser, Denied, Member, Moment, Quota, Reference, ResetId, Span, State,
};

pub(super) const OPEN_OF_PAIR: &str = sql!(
    "select ",
    ResetRow::COLUMNS,
    "
    from reset
    where admin_id = $1
        and member_id = $2
        and state = 'offered'"
);

/// A card to be made.
#[derive(Clone, Debug)]
pub struct NewOffer {
    /// A fresh id.
    pub reset_id: ResetId,
    /// Who asked, in the chat.
    pub requester: ChatUser,
    /// Who asked, in the directory.
    pub admin: Member,
    /// The member whose password is to be reset.
    pub member: Member,
    /// The member's account in the chat, where they were named by a mention.
    pub member_chat_user: Option<String>,
    /// The reason that was written after the name, if any.
    pub reason: Option<String>,
    /// The sealed address for follow-ups.
    pub reply: Option<SealedReply>,
    /// How long the card works.
    pub lifetime: Span,
    /// The contacts that the directory has of the member.
    pub contacts: PresentContacts,
}

/// A card was recorded.
#[derive(Clone, Debug)]
pub struct Offered {
    /// The administrator's quota of resets.
    pub quota: Quota,
    /// The member's last reset of the past 24 h.
    pub earlier: Option<Earlier>,
    /// Contacts of the directory that differ from an earlier card, and when the earlier contact was seen last.
    pub differing: Vec<(Channel, Moment)>,
}

/// What became of a command for a card.
#[derive(Clone, Debug)]
pub enum OfferOutcome {
    /// The same bytes were seen before.
    Replayed,
    /// A rule is against it.
    Denied {
        /// The rule.
        denied: Denied,
        /// See [`Noted::Done`](crate::store::Noted::Done).
        untold: Vec<ResetRow>,
    },
    /// The card is on record.
    Made {
        /// What the card says.
        offered: Offered,
        /// See [`Noted::Done`](crate::store::Noted::Done).
        untold: Vec<ResetRow>,
    },
}

impl Store {
    /// Records a new card, unless the limit or another reset of the member is in the way. It replaces the older card of
    /// the same administrator for the same member.
    pub async fn offer(
        &self,
        offer: NewOffer,
        replay: ReplayKey,
        reference: Reference,
    ) -> Result<OfferOutcome, StoreError> {
        self.write((offer, replay, reference, self.limit), offer_card)
            .await
    }

    /// Closes an offered card whose lifetime is over.
    pub async fn expire(&self, id: ResetId) -> Result<(), StoreError> {
        self.write(id, async |tx: &mut Tx, id: &ResetId| {
            let found = resets::find(tx, *id).await?;
            let now = tx.now();
            if let Some(mut row) =
                found.filter(|row| row.state == State::Offered && row.expires_at <= now)
            {
                enter(&mut row, State::Expired, now);
                audit::note(tx, &row, "expiry", "expired").await?;
                tx.put(&row).await?;
            }
            Ok::<_, StoreError>(())
        })
        .await
    }
}

pub(super) async fn offer_card(
    tx: &mut Tx,
    (offer, replay, reference, limit): &(NewOffer, ReplayKey, Reference, Limit),
) -> Result<OfferOutcome, StoreError> {
    if !replays::take(tx, replay).await? {
        return Ok(OfferOutcome::Replayed);
    }
    let mut row = offered_row(offer, tx.now());
    let taken = slots::taken(tx, &row.admin_id, *limit).await?;
    let quota = limit.measure(&taken, tx.now());
    let newest = newest_change(tx, &row).await?;
    let mut tries = Tries::of(tx, &row.admin_id).await?;
    let denied = may_offer(tx, &row, &tries, newest.as_ref(), quota).await?;
    let tried = match denied {
        None => Some(Tried::LookUp),
        Some(Denied::TooMany(_)) => None,
        Some(_) => Some(Tried::RefusedLookUp),
    };
    if let Some(tried) = tried {
        tries.count(tx, &replay.0, tried).await?;
    }
    if let Some(denied) = denied {
        let line = audit::line(&row, "command", denied.code(), Some(reference), tx.now());
        tx.insert(&line).await?;
        let untold = take_untold(tx, &row.admin_id).await?;
        return Ok(OfferOutcome::Denied { denied, untold });
    }
    supersede(tx, &row).await?;
    // After the refusals, because only an administrator who gets a card is told of a difference.
    let differing = seen_contacts::see(tx, &offer.member.id, &offer.contacts).await?;
    let offered = Offered {
        quota,
        earlier: earlier(newest.as_ref(), tx.now()),
        differing,
    };
    row.seen_reset_id = newest.map(|newest| newest.reset_id);
    audit::note(tx, &row, "command", "offered").await?;
    let untold = take_untold(tx, &row.admin_id).await?;
    tx.insert(&row).await?;
    Ok(OfferOutcome::Made { offered, untold })
}

/// The first rule that forbids a new card.
async fn may_offer(
    tx: &mut Tx,
    row: &ResetRow,
    tries: &Tries,
    newest: Option<&ResetRow>,
    quota: Quota,
) -> Result<Option<Denied>, StoreError> {
    if let Err(too_many) = may_command(&tries.list(), tx.now()) {
        return Ok(Some(Denied::TooMany(too_many)));
    }
    if let Some(admin_name) = resets::at_work(tx, &row.member_id, None).await? {
        return Ok(Some(Denied::Busy { admin_name }));
    }
    if is_disowned(newest, &row.admin_id) {
        return Ok(Some(Denied::Disowned));
    }
    Ok((quota.left == 0).then_some(Denied::Limit(quota)))
}

async fn supersede(tx: &mut Tx, newer: &ResetRow) -> Result<(), StoreError> {
    let older: Vec<ResetRow> = tx
        .all(OPEN_OF_PAIR, params![newer.admin_id, newer.member_id])
        .await?;
    for mut row in older {
        enter(&mut row, State::Superseded, tx.now());
        tx.put(&row).await?;
    }
    Ok(())
}

fn offered_row(offer: &NewOffer, now: Moment) -> ResetRow {
    let NewOffer {
        requester,
        admin,
        member,
        ..
    } = offer;
    ResetRow {
        reset_id: offer.reset_id,
        platform: requester.platform,
        tenant: requester.tenant.clone(),
        chat_user: requester.user.clone(),
        admin_id: admin.id.clone(),
        admin_name: admin.name.clone(),
        admin_email: admin.business_email.to_string(),
        member_id: member.id.clone(),
        member_name: member.name.clone(),
        member_email: member.business_email.to_string(),
        member_chat_user: offer.member_chat_user.clone(),
        reason: offer.reason.clone(),
        state: State::Offered,
        edition: 0,
        delivery: None,
        destination: None,
        destination_mask: None,
        is_typed: false,
        carries: Carries::Password,
        copy_to_self: None,
        copy_address: None,
        also_show: false,
        reachable_at: None,
        reply: offer.reply.as_ref().map(|reply| reply.sealed.clone()),
        reply_until: offer.reply.as_ref().map(|reply| reply.until),
        owner: None,
        deadline_at: None,
        failure: None,
        offered_at: now,
        expires_at: now + offer.lifetime,
        claimed_at: None,
        changing_at: None,
        changed_at: None,
        delivering_at: None,
        finished_at: None,
        told_at: None,
        hide_at: None,
        disowned_at: None,
        link_used_at: None,
        copy_mask: None,
        seen_reset_id: None,
        destination_digest: None,
        copy_digest: None,
        typed_digests: None,
    }
}
