//! Draws a card's content: the ways of delivery, and the last look before the confirming click.

use super::people::ResetPair;
use super::reaction::ReactError;
use super::{contacts, messages, steps};
use crate::app::App;
use crate::chat::Message;
use crate::domain::{Channel, Member, MemberId, Moment};
use crate::store::{Amended, StoreError};

/// What a card says about the member's contacts.
pub(super) async fn about_contacts(
    app: &App,
    admin: &MemberId,
    member: &Member,
) -> Result<messages::AboutContacts, StoreError> {
    let methods = contacts::methods_for_next(app, member, admin).await?;
    let present = contacts::present(app, member);
    let differing = app.store.see_contacts(&member.id, present).await?;
    Ok(messages::AboutContacts {
        methods,
        differing: contacts::differing(member, &differing),
    })
}

/// The parts that every drawing of the same card shares.
pub(super) fn parts<'a>(
    app: &'a App,
    member: &'a Member,
    is_reachable: bool,
    about: &'a messages::AboutContacts,
    now: Moment,
) -> messages::Card<'a> {
    let home = app.directories.describe(&member.id);
    let (directory, capabilities) = (home.name, home.capabilities);
    messages::Card {
        member,
        capabilities,
        directory,
        quota: None,
        earlier: None,
        channels: &app.deliveries,
        is_private: true,
        contacts: about,
        is_reachable,
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
    about: &messages::AboutContacts,
    now: Moment,
) -> Message {
    let is_reachable = member.has_outside_contact() || amended.row.reachable_at.is_some();
    messages::offer_card(&messages::Card {
        value: &app.keys.button_value(amended.row.reset_id),
        earlier: amended.earlier.as_ref(),
        is_private,
        ..parts(app, member, is_reachable, about, now)
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
    let copy_to = row
        .copy_to_self
        .as_deref()
        .or(row.copy_address.as_deref())
        .unwrap_or(own.as_str());
    let has_pages = app
        .directories
        .describe(&row.member_id)
        .capabilities
        .has_our_pages;
    let codes = if has_pages {
        Some(contacts::methods_of(app, &pair.member.member, row).await?)
    } else {
        None
    };
    let look = messages::last_look(&messages::LastLook {
        row,
        length: steps::makeup(app, &row.member_id).length(),
        copy_to: Some(copy_to),
        can_mail: app.deliveries.has(Channel::Email),
        is_private,
        codes: codes.as_ref(),
        is_strict: app.deliveries.ways.is_strict,
        zone: &app.zone,
        now,
        value: &app.keys.button_value(row.reset_id),
        confirm_value: &app.keys.confirm_value(row.reset_id, row.edition),
    });
    let warning = amended
        .earlier
        .as_ref()
        .map(|earlier| messages::careful(earlier, &row.member_name, &app.zone, now));
    Ok(Message {
        lines: warning.into_iter().chain(look.lines).collect(),
        ..look
    })
}
