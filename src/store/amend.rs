//! What is chosen on a card, and every other click that does nothing outside.

use super::clicks::{clickable_card, known_card, open_card, save_accepted, set_reply};
use super::earlier::earlier;
use super::engine::{Tx, params};
use super::resets::{self, enter, newest_change};
use super::tries::Tries;
use super::{
    CardClick, ClickError, ClickRefused, Earlier, ResetRow, Store, StoreError, audit, replays,
    slots,
};
use crate::domain::code_alone::GUIDE_PAUSE;
use crate::domain::look_up::Tried;
use crate::domain::quota::Limit;
use crate::domain::{
    Carries, Delivery, Destination, EmailAddress, MemberId, Moment, Quota, ResetId, Span, State,
};

/// A card as it is now, with what it has to warn of.
#[derive(Clone, Debug)]
pub struct Amended {
    pub row: ResetRow,
    /// The member's last reset of the past 24 h.
    pub earlier: Option<Earlier>,
    /// The administrator's quota of resets.
    pub quota: Quota,
}

/// The chosen way of delivery, with where it goes and what it carries.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Copy, or the channel.
    pub delivery: Delivery,
    /// Where to; none for Copy.
    pub to: Option<Destination>,
    /// True where the address was typed and is not the one on record.
    pub is_typed: bool,
    /// The password, or a link to set one.
    pub carries: Carries,
    /// The keyed digest of the destination.
    pub digest: Option<String>,
}

/// What a click on a box asks for.
#[derive(Clone, Copy, Debug)]
pub enum Ticked {
    /// The box says so.
    Is(bool),
    /// Nothing says which: it changes over, if the last look with this edition is still the present one.
    ChangesOver(Option<u16>),
}

impl Ticked {
    /// What a box with this state says after the click.
    pub(crate) fn after(self, is_on: bool) -> bool {
        match self {
            Self::Is(says) => says,
            Self::ChangesOver(_) => !is_on,
        }
    }
}

/// A change to a card that does nothing outside.
#[derive(Clone, Debug)]
pub enum Amend {
    /// S10: the member can be reached.
    Reachable,
    /// S22: the way; a destination for phone and e-mail, and whether it was typed.
    Choose(Choice),
    Back,
    /// S27: the copy, on or off. The address is used where none was typed. With its keyed digest.
    CopyToSelf(EmailAddress, String, Ticked),
    /// S28: another address for the copy, for this reset only. With its keyed digest.
    CopyTo(EmailAddress, String),
    /// S38: showing, on or off.
    AlsoShow(Ticked),
    /// S6: the guide goes out instead of a reset.
    Guide,
    /// The directory sends its own link instead of a reset, which works for this long.
    DirectoryLink(Span),
}

impl Amend {
    fn event(&self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Choose(_) => "choose",
            Self::Back => "back",
            Self::CopyToSelf(..) | Self::CopyTo(..) => "copy_to_self",
            Self::AlsoShow(_) => "also_show",
            Self::Guide => "guide",
            Self::DirectoryLink(_) => "directory_link",
        }
    }

    /// True where a box would change over that was changed since: a second click of a double click.
    fn is_stale(&self, row: &ResetRow) -> bool {
        let (Self::CopyToSelf(_, _, ticked) | Self::AlsoShow(ticked)) = self else {
            return false;
        };
        matches!(ticked, Ticked::ChangesOver(edition) if *edition != Some(row.edition))
    }

    fn apply(&self, row: &mut ResetRow, now: Moment) {
        // What the last look shows gets a new edition with every change, so that an older button confirms nothing.
        match self {
            Self::Reachable => row.reachable_at = Some(now),
            Self::Choose(choice) => choose(row, choice),
            Self::Back => {
                row.edition = row.edition.saturating_add(1);
                (
                    row.delivery,
                    row.destination,
                    row.destination_mask,
                    row.is_typed,
                ) = (None, None, None, false);
                row.destination_digest = None;
                row.carries = Carries::Password;
            }
            Self::CopyToSelf(address, digest, says) => {
                row.edition = row.edition.saturating_add(1);
                if row.copy_address.is_none() {
                    row.copy_digest = Some(digest.clone());
                }
                let is_on = says.after(row.copy_to_self.is_some());
                let to = row.copy_address.clone();
                row.copy_to_self = is_on.then(|| to.unwrap_or_else(|| address.to_string()));
            }
            Self::CopyTo(address, digest) => {
                row.edition = row.edition.saturating_add(1);
                row.copy_digest = Some(digest.clone());
                row.copy_address = Some(address.to_string());
                row.copy_to_self = Some(address.to_string());
            }
            Self::AlsoShow(says) => {
                row.edition = row.edition.saturating_add(1);
                row.also_show = says.after(row.also_show);
            }
            Self::Guide => {
                enter(row, State::Cancelled, now);
                row.guided_at = Some(now);
            }
            Self::DirectoryLink(life) => {
                enter(row, State::Cancelled, now);
                row.own_link_until = Some(now + *life);
            }
        }
    }
}

/// The newest guide to a member, and who sent it.
pub(super) const LAST_GUIDE: &str = "
    select
        guided_at,
        admin_name
    from reset
    where member_id = $1
        and guided_at > $2
    order by guided_at desc
    limit 1";

impl Store {
    /// Changes a card that is still open. The card after the change, or why nothing happened.
    pub async fn amend(&self, click: CardClick, amend: Amend) -> Result<Amended, ClickError> {
        self.write((click, amend, self.limit), amend_card).await
    }

    /// A card as it is now. Nothing is written.
    pub async fn present_card(&self, id: ResetId) -> Result<Option<Amended>, StoreError> {
        let mut connection = self.reader().await?;
        let Some(row) = resets::find(&mut connection, id).await? else {
            return Ok(None);
        };
        let newest = newest_change(&mut connection, &row).await?;
        let taken = slots::taken(&mut connection, &row.admin_id, self.limit).await?;
        Ok(Some(Amended {
            earlier: earlier(newest.as_ref(), &row, connection.now()),
            quota: self.limit.measure(&taken, connection.now()),
            row,
        }))
    }

    /// Closes a card that is still open: the administrator gave it up.
    pub async fn cancel(&self, click: CardClick) -> Result<ResetRow, ClickError> {
        self.write(click, async |tx: &mut Tx, click: &CardClick| {
            let mut row = open_card(tx, click, "cancel").await?;
            enter(&mut row, State::Cancelled, tx.now());
            save_accepted(tx, click, row, "cancel").await
        })
        .await
    }

    /// A click on a message about a finished reset, such as "hide it": new bytes, and the clicker's own.
    pub async fn record_click(
        &self,
        click: CardClick,
        event: &'static str,
    ) -> Result<ResetRow, ClickError> {
        self.write(
            (click, event),
            async |tx: &mut Tx, (click, event): &(CardClick, &'static str)| {
                let row = known_card(tx, click, event).await?;
                save_accepted(tx, click, row, event).await
            },
        )
        .await
    }

    /// A click on a message about a finished reset was refused, for a reason found outside the store.
    pub async fn refuse_after_change(
        &self,
        click: CardClick,
        event: &'static str,
        code: &'static str,
    ) -> Result<ResetRow, ClickError> {
        self.write(
            (click, event, code),
            async |tx: &mut Tx, (click, event, code): &(CardClick, &'static str, &'static str)| {
                let row = known_card(tx, click, event).await?;
                audit::note_refused(tx, &row, event, code).await?;
                replays::free(tx, &click.replay).await?;
                Ok(row)
            },
        )
        .await
    }

    /// A form is about to be opened: nothing changes but where its answer will be told.
    pub async fn open_form(&self, click: CardClick) -> Result<ResetRow, ClickError> {
        self.write(click, async |tx: &mut Tx, click: &CardClick| {
            let row = clickable_card(tx, click, "open_form").await?;
            save_accepted(tx, click, row, "open_form").await
        })
        .await
    }

    /// Writes down that a click was refused for a reason found outside the store. It counts as a refusal for `counted`,
    /// who is the administrator of the card.
    pub async fn refuse_click(
        &self,
        click: CardClick,
        code: &'static str,
        counted: Option<MemberId>,
    ) -> Result<ResetRow, ClickError> {
        self.write((click, code, counted), refuse_click).await
    }

    /// Writes down that a box of a last look was not changed. The last look gets a new edition, because Slack keeps what was
    /// ticked in the boxes of the old one.
    pub async fn refuse_tick(
        &self,
        click: CardClick,
        code: &'static str,
    ) -> Result<Amended, ClickError> {
        self.write((click, code, self.limit), refuse_tick).await
    }
}

async fn refuse_tick(
    tx: &mut Tx,
    (click, code, limit): &(CardClick, &'static str, Limit),
) -> Result<Amended, ClickError> {
    let mut row = open_card(tx, click, "click").await?;
    audit::note_refused(tx, &row, "click", code).await?;
    row.edition = row.edition.saturating_add(1);
    set_reply(&mut row, click.follow_up.as_ref());
    tx.put(&row).await?;
    let newest = newest_change(tx, &row).await?;
    let taken = slots::taken(tx, &row.admin_id, *limit).await?;
    Ok(Amended {
        earlier: earlier(newest.as_ref(), &row, tx.now()),
        quota: limit.measure(&taken, tx.now()),
        row,
    })
}

async fn amend_card(
    tx: &mut Tx,
    (click, amend, limit): &(CardClick, Amend, Limit),
) -> Result<Amended, ClickError> {
    let event = amend.event();
    let mut row = open_card(tx, click, event).await?;
    if matches!(amend, Amend::Guide) {
        check_no_guide_yet(tx, click, &row).await?;
    }
    let is_stale = amend.is_stale(&row);
    if !is_stale {
        amend.apply(&mut row, tx.now());
    }
    let newest = newest_change(tx, &row).await?;
    if let Some(newest) = &newest
        && row.seen_reset_id != Some(newest.reset_id)
    {
        // A last look from before does not tell of that reset.
        row.seen_reset_id = Some(newest.reset_id);
        row.edition = row.edition.saturating_add(1);
    }
    let taken = slots::taken(tx, &row.admin_id, *limit).await?;
    let row = if is_stale {
        set_reply(&mut row, click.follow_up.as_ref());
        audit::note(tx, &row, event, ClickRefused::Stale.code()).await?;
        tx.put(&row).await?;
        row
    } else {
        save_accepted(tx, click, row, event).await?
    };
    Ok(Amended {
        earlier: earlier(newest.as_ref(), &row, tx.now()),
        quota: limit.measure(&taken, tx.now()),
        row,
    })
}

/// One guide an hour for each member: nobody can fill a mailbox from here. One that was not sent does not count.
async fn check_no_guide_yet(
    tx: &mut Tx,
    click: &CardClick,
    row: &ResetRow,
) -> Result<(), ClickError> {
    let since = tx.now() - GUIDE_PAUSE;
    let earlier: Option<(Moment, String)> =
        tx.maybe(LAST_GUIDE, params![row.member_id, since]).await?;
    let Some((at, admin_name)) = earlier else {
        return Ok(());
    };
    let refused = ClickRefused::Guided { at, admin_name };
    audit::note(tx, row, "guide", refused.code()).await?;
    replays::free(tx, &click.replay).await?;
    Err(refused.into())
}

async fn refuse_click(
    tx: &mut Tx,
    (click, code, counted): &(CardClick, &'static str, Option<MemberId>),
) -> Result<ResetRow, ClickError> {
    let row = clickable_card(tx, click, "click").await?;
    if let Some(admin) = counted.as_ref().filter(|admin| **admin == row.admin_id) {
        let mut tries = Tries::of(tx, admin).await?;
        tries
            .count(tx, click.replay.counted_as(), Tried::RefusedClick)
            .await?;
    }
    audit::note_refused(tx, &row, "click", code).await?;
    replays::free(tx, &click.replay).await?;
    Ok(row)
}

/// Sets the way of delivery.
pub(super) fn choose(row: &mut ResetRow, choice: &Choice) {
    row.edition = row.edition.saturating_add(1);
    row.delivery = Some(choice.delivery);
    row.destination = choice.to.as_ref().map(|to| to.full().to_owned());
    row.destination_mask = choice.to.as_ref().map(Destination::masked);
    row.is_typed = choice.is_typed;
    row.destination_digest.clone_from(&choice.digest);
    row.carries = choice.carries;
    if row.carries == Carries::Link {
        // What was switched on for a password that is shown: beside a link there is none to copy.
        (row.copy_to_self, row.also_show) = (None, false);
    }
}
