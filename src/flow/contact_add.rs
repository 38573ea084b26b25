//! Adds a contact for codes, and tells everybody who should know of it.

use std::sync::Arc;

use super::contact_notices::{known, tell_of_contact, tell_of_dropped_contact};
use super::reaction::{ReactError, Reaction};
use super::{contact_code, messages};
use crate::app::App;
use crate::chat::{Message, Origin};
use crate::domain::contacts::AddedAs;
use crate::domain::{Destination, Member, Reference};
use crate::store::{AuditRow, ContactAdded, ContactRow};

/// S42, Q7: adds a contact for codes. The caller has just read the administrator's rights.
pub(super) async fn add_contact(
    app: &Arc<App>,
    origin: &Origin,
    (admin, member): (&Member, &Member),
    to: &Destination,
    reference: &Reference,
) -> Result<Reaction, ReactError> {
    let row = ContactRow::new(
        &member.id,
        to,
        AddedAs::Administrator,
        (&admin.id, &admin.name),
        origin.received_at,
    );
    let audit = AuditRow {
        reference: Some(reference.to_string()),
        detail: Some(to.masked()),
        ..AuditRow::of_chat("contact", "added", &origin.user, origin.received_at)
            .by(admin)
            .about(member)
    };
    let before = known(app, member).await?;
    let added = app
        .store
        .add_contact(origin.replay.clone(), row, audit)
        .await?;
    let told = match added {
        ContactAdded::Replayed => return Ok(Reaction::Replayed),
        ContactAdded::TooMany {
            has_room_for_operator,
        } => messages::too_many_contacts(
            &member.name,
            &member.business_email,
            has_room_for_operator,
            reference,
        ),
        ContactAdded::TooOften(at) => {
            messages::too_many_contact_commands(&app.zone, at, origin.received_at, reference)
        }
        ContactAdded::Yes { stored, dropped } => {
            tell_of_contact(app, &admin.name, member, to, &before);
            if let Some(dropped) = dropped {
                tell_of_dropped_contact(app, &admin.name, member, &dropped, before);
            }
            // The contact is recorded even if the check of it cannot be offered.
            let check = contact_code::offer(app, origin, (admin, member), &stored).await;
            confirmation(app, member, to, check.ok().as_deref(), reference)
        }
    };
    Ok(Reaction::Say(told))
}

/// What the administrator is told: the contact was added, and a button sends a code to it.
fn confirmation(
    app: &App,
    member: &Member,
    to: &Destination,
    check: Option<&str>,
    reference: &Reference,
) -> Message {
    let now = app.clock.now();
    let from = app.zone.tell(now + app.organization.contact_rules.age, now);
    let is_strict = app.deliveries.ways.is_strict;
    messages::contact_added(
        &member.name,
        &to.masked(),
        &from,
        is_strict,
        reference,
        check,
    )
}
