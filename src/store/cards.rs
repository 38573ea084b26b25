//! Cards: each offers the reset of one member to one administrator, and warns of an earlier reset.

use super::around::RelatedResets;
use super::earlier::{Earlier, earlier, is_disowned};
use super::engine::Tx;
use super::notes::set_told;
use super::resets::{self, Named, enter};
use super::tries::Tries;
use super::{
    PresentContacts, ReplayKey, ResetRow, SealedReply, Store, StoreError, audit, replays,
    seen_contacts, slots,
};
use crate::domain::look_up::{Tried, may_command};
use crate::domain::quota::Limit;
use crate::domain::{
    Channel, ChatUser, Denied, Member, Moment, Quota, Reference, ResetId, Span, State,
};

/// A card to be made.
#[derive(Clone, Debug)]
pub struct NewOffer {
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
    /// What [`Store::contacts_since`] says.
    pub contacts_since: Option<Moment>,
}

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
        denied: Denied,
        /// See [`Noted::Done`](crate::store::Noted::Done).
        untold: Vec<ResetRow>,
    },
    /// The card is on record.
    Made {
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
    let around = RelatedResets::of(tx, &row).await?;
    let newest = around.newest_change();
    let mut tries = Tries::of(tx, &row.admin_id).await?;
    let denied = may_offer(&row, &tries, &around, quota, tx.now()).err();
    let tried = match denied {
        None => Some(Tried::LookUp),
        Some(Denied::TooMany(_)) => None,
        Some(_) => Some(Tried::RefusedLookUp),
    };
    if let Some(tried) = tried {
        tries.count(tx, replay.counted_as(), tried).await?;
    }
    if let Some(denied) = denied {
        let line = audit::line(&row, "command", denied.code(), Some(reference), tx.now());
        tx.insert(&line.refused_for(&row)).await?;
        let untold = around.untold();
        set_told(tx, &untold).await?;
        return Ok(OfferOutcome::Denied { denied, untold });
    }
    supersede(tx, around.open()).await?;
    // After the refusals, because only an administrator who gets a card is told of a difference.
    let differing = seen_contacts::see(tx, &offer.member.id, &offer.contacts).await?;
    // The command has just been typed: no reset is younger than its card.
    let earlier = earlier(newest, &row, tx.now()).map(|earlier| Earlier {
        is_since_card: false,
        ..earlier
    });
    let offered = Offered {
        quota,
        earlier,
        differing,
    };
    row.seen_reset_id = newest.map(|newest| newest.reset_id);
    audit::note(tx, &row, "command", "offered").await?;
    let untold = around.untold();
    set_told(tx, &untold).await?;
    tx.insert(&row).await?;
    Ok(OfferOutcome::Made { offered, untold })
}

/// Refuses by the first rule that forbids a new card.
fn may_offer(
    row: &ResetRow,
    tries: &Tries,
    around: &RelatedResets,
    quota: Quota,
    now: Moment,
) -> Result<(), Denied> {
    may_command(&tries.list(), now).map_err(Denied::TooMany)?;
    if let Some(admin_name) = around.active_admin() {
        return Err(Denied::Busy { admin_name });
    }
    if is_disowned(around.newest_change(), &row.admin_id) {
        return Err(Denied::Disowned);
    }
    if quota.left == 0 {
        return Err(Denied::Limit(quota));
    }
    Ok(())
}

/// Closes the older cards of a pair that gets a new one.
async fn supersede(tx: &mut Tx, older: impl Iterator<Item = &ResetRow>) -> Result<(), StoreError> {
    for row in older {
        let mut row = row.clone();
        enter(&mut row, State::Superseded, tx.now());
        audit::note(tx, &row, "card", "superseded").await?;
        tx.put(&row).await?;
    }
    Ok(())
}

fn offered_row(offer: &NewOffer, now: Moment) -> ResetRow {
    ResetRow {
        member_chat_user: offer.member_chat_user.clone(),
        reason: offer.reason.clone(),
        contacts_since: offer.contacts_since,
        reply: offer.reply.as_ref().map(|reply| reply.sealed.clone()),
        reply_until: offer.reply.as_ref().map(|reply| reply.until),
        ..ResetRow::offered(
            offer.reset_id,
            offer.requester.clone(),
            (Named::new(&offer.admin), Named::new(&offer.member)),
            (now, now + offer.lifetime),
        )
    }
}
