//! Draws a card's content: the ways of delivery, and the last look before the confirming click.

use super::other_admins::{self, OfReset};
use super::people::ResetPair;
use super::reaction::ReactError;
use super::{contacts, guide, messages, not_me, steps};
use crate::app::App;
use crate::chat::Message;
use crate::domain::{Channel, Destination, Member, MemberId, Moment, ResetId};
use crate::store::{Amended, OwnLink, ResetRow, StoreError};

/// What a card says about the member's contacts.
pub(super) async fn about_contacts(
    app: &App,
    row: &ResetRow,
    member: &Member,
) -> Result<messages::AboutContacts, StoreError> {
    let admin = OfReset::of(row);
    let from = Some(row.contacts_from());
    let methods = contacts::methods_for_next(app, member, admin.id, from).await?;
    let adder = other_admins::adder(app, member, admin, &methods).await?;
    Ok(messages::AboutContacts {
        adder,
        methods,
        differing: differing(app, member).await?,
    })
}

/// The directory's contacts that differ from those on an earlier card, with the time of that card.
pub(super) async fn differing(
    app: &App,
    member: &Member,
) -> Result<Vec<(Destination, Moment)>, StoreError> {
    let present = contacts::present(app, member);
    let differing = app.store.see_contacts(&member.id, present).await?;
    Ok(contacts::differing(member, &differing))
}

/// The parts that every drawing of the same card shares.
pub(super) fn parts<'a>(
    app: &'a App,
    member: &'a Member,
    is_reachable: bool,
    about: &'a messages::AboutContacts,
    (id, until, now): (ResetId, Moment, Moment),
) -> messages::Card<'a> {
    let home = app.directories.describe(&member.id);
    let (directory, capabilities) = (home.name, home.capabilities);
    messages::Card {
        member,
        capabilities,
        directory,
        quota: None,
        earlier: None,
        reason: None,
        own_link: None,
        channels: &app.deliveries,
        is_private: true,
        contacts: about,
        is_reachable,
        has_guide: guide::has_page(app, &member.id),
        until,
        reset_id: id,
        value: "",
        zone: &app.zone,
        now,
    }
}

/// The card with its ways of delivery, drawn again after a change.
pub(super) fn ways(
    app: &App,
    member: &Member,
    amended: &Amended,
    is_private: bool,
    (about, own_link): (&messages::AboutContacts, Option<&OwnLink>),
    now: Moment,
) -> Message {
    let is_reachable = member.has_outside_contact() || amended.row.reachable_at.is_some();
    let card = (amended.row.reset_id, amended.row.expires_at, now);
    messages::offer_card(&messages::Card {
        value: &app.keys.button_value(amended.row.reset_id),
        earlier: amended.earlier.as_ref(),
        quota: Some(amended.quota),
        reason: amended.row.reason.as_deref(),
        own_link,
        is_private,
        ..parts(app, member, is_reachable, about, card)
    })
}

/// The last look: exactly what the confirming click will do.
pub(super) async fn last_look(
    app: &App,
    amended: &Amended,
    pair: &ResetPair,
    is_private: bool,
) -> Result<Message, ReactError> {
    let (row, now) = (&amended.row, app.clock.now());
    let own = &pair.admin.member.business_email;
    let masked = row.copy_address.as_ref().filter(|_| !is_private);
    let masked = masked.and_then(|typed| Some(Channel::Email.stored(typed)?.masked()));
    let copy_to = masked
        .as_deref()
        .or(row.copy_to_self.as_deref())
        .or(row.copy_address.as_deref())
        .unwrap_or(own.as_str());
    let capabilities = app.directories.describe(&row.member_id).capabilities;
    let member = &pair.member.member;
    let codes = if capabilities.has_our_pages {
        Some(contacts::methods_of(app, member, row).await?)
    } else {
        None
    };
    let adder = match &codes {
        Some(methods) => other_admins::adder(app, member, OfReset::of(row), methods).await?,
        None => messages::ContactAdder::default(),
    };
    let own_link = own_link(app, &row.member_id).await?;
    let differing = differing(app, member).await?;
    let look = messages::last_look(&messages::LastLook {
        row,
        earlier: amended.earlier.as_ref(),
        own_link: own_link.as_ref(),
        differing: &differing,
        quota: Some(amended.quota),
        capabilities,
        length: steps::makeup(app, &row.member_id).length(),
        copy_to: Some(copy_to),
        can_mail: app.deliveries.has(Channel::Email),
        is_private,
        codes: codes.as_ref(),
        adder,
        zone: &app.zone,
        now,
        value: &app.keys.button_value(row.reset_id),
        confirm_value: &app.keys.confirm_value(row.reset_id, row.edition),
    });
    Ok(with_code_warning(app, member, look).await?)
}

/// Puts first that the member disowned a code, because a platform may leave out the end of a long card. No warning is added
/// after it, so whether a button is marked is decided here.
pub(super) async fn with_code_warning(
    app: &App,
    member: &Member,
    mut card: Message,
) -> Result<Message, StoreError> {
    let warning = not_me::code_warning(app, member, app.clock.now()).await?;
    card.warnings.splice(0..0, warning);
    Ok(card.unmarked_if_it_warns())
}

/// The directory's own link that was sent to the member before and may still work.
pub(super) async fn own_link(app: &App, member: &MemberId) -> Result<Option<OwnLink>, StoreError> {
    if app
        .directories
        .describe(member)
        .capabilities
        .signs_members_in
    {
        app.store.own_link(member).await
    } else {
        Ok(None)
    }
}
