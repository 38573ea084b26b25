//! Tells a member and the security address that a contact was added or removed.

use std::sync::Arc;

use tracing::Instrument;

use super::{messages, security};
use crate::app::App;
use crate::delivery::Note;
use crate::domain::contacts::{self, AddedAs};
use crate::domain::{Destination, Member, draw_id};
use crate::store::{ContactRow, StoreError};

/// A contact on record outside the business mailbox. It is told of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContactOnRecord {
    /// A phone or a private e-mail, never the business address.
    pub to: Destination,
    /// False for an added contact that has not answered a code: it may be nobody's.
    pub counts: bool,
    /// False where an administrator added it, or somebody who knew the member's password and no more: it may be theirs,
    /// even if they answered a code.
    pub is_surely_theirs: bool,
}

/// Every contact on record of a member.
pub(crate) async fn known(app: &App, member: &Member) -> Result<Vec<ContactOnRecord>, StoreError> {
    Ok(known_of(member, &app.store.contacts(&member.id).await?))
}

/// The same from the member's added contacts.
pub(crate) fn known_of(member: &Member, added: &[ContactRow]) -> Vec<ContactOnRecord> {
    let of_directory = contacts::of_directory(member)
        .into_iter()
        .map(|to| ContactOnRecord {
            to,
            counts: true,
            is_surely_theirs: true,
        });
    let mut known: Vec<ContactOnRecord> = of_directory.collect();
    for one in added.iter().filter_map(ContactRow::added) {
        let counts = one.counts();
        let is_surely_theirs = match one.added_as {
            AddedAs::Operator | AddedAs::Proven => counts,
            AddedAs::Member | AddedAs::Administrator => false,
        };
        match known.iter_mut().find(|other| other.to.is_same(&one.to)) {
            Some(other) => {
                other.counts |= counts;
                other.is_surely_theirs |= is_surely_theirs;
            }
            None => known.push(ContactOnRecord {
                to: one.to,
                counts,
                is_surely_theirs,
            }),
        }
    }
    known
}

/// These contacts, and the business address if none of them is surely the member's.
pub(crate) fn with_business_address(
    known: Vec<ContactOnRecord>,
    member: &Member,
    has: impl Fn(&Destination) -> bool,
) -> Vec<Destination> {
    let is_sure = known.iter().any(|known| known.is_surely_theirs);
    // A contact can have become the business address after it was added.
    let is_known = |to: &Destination| known.iter().any(|known| known.to.is_same(to));
    let business = Some(Destination::Email(member.business_email.clone()))
        .filter(|to| !is_sure && has(to) && !is_known(to));
    known
        .into_iter()
        .map(|known| known.to)
        .chain(business)
        .collect()
}

/// Tells the member, at every contact that was on record before, and the security address that a contact was added.
pub(crate) fn tell_of_contact(
    app: &Arc<App>,
    added_by: &str,
    member: &Member,
    added: &Destination,
    before: &[ContactOnRecord],
) {
    let organization = &app.organization;
    let note = messages::contact_notice(organization, added_by, &added.masked());
    let others = before
        .iter()
        .filter(|known| !known.to.is_same(added))
        .cloned()
        .collect();
    let alarm =
        messages::contact_alarm(&organization.name, added_by, member, &added.masked(), true);
    tell_all(app, member, others, note, alarm);
}

/// The same for a contact that the member removed. The removed contact is told too.
pub(crate) fn tell_of_removed_contact(
    app: &Arc<App>,
    member: &Member,
    removed: &Destination,
    before: Vec<ContactOnRecord>,
) {
    let organization = &app.organization;
    let note = messages::contact_removed(organization);
    let alarm = messages::contact_alarm(
        &organization.name,
        &member.name,
        member,
        &removed.masked(),
        false,
    );
    tell_all(app, member, before, note, alarm);
}

/// The same for a contact that was removed to make room for another.
pub(super) fn tell_of_dropped_contact(
    app: &Arc<App>,
    who: &str,
    member: &Member,
    dropped: &Destination,
    before: Vec<ContactOnRecord>,
) {
    let organization = &app.organization;
    let note = messages::contact_dropped(organization, who, &dropped.masked());
    let alarm = messages::contact_alarm(&organization.name, who, member, &dropped.masked(), false);
    tell_all(app, member, before, note, alarm);
}

/// Who is told of a change of contacts: the earlier contacts that have a channel, and the business address if none of
/// them is surely the member's.
pub(crate) fn told_of_change(
    before: Vec<ContactOnRecord>,
    member: &Member,
    has: impl Fn(&Destination) -> bool,
) -> Vec<Destination> {
    let reachable = before.into_iter().filter(|known| has(&known.to)).collect();
    with_business_address(reachable, member, has)
}

fn tell_all(
    app: &Arc<App>,
    member: &Member,
    before: Vec<ContactOnRecord>,
    note: Note,
    alarm: Note,
) {
    let to = told_of_change(before, member, |to| app.deliveries.has(to.channel()));
    // A gateway may drop repeated messages, so each notice has its own id.
    let Ok(name) = app
        .chance
        .rng()
        .map(|mut rng| draw_id(&mut rng, app.clock.now()))
    else {
        return;
    };
    let worker = Arc::clone(app);
    let telling = async move {
        for (at, to) in to.iter().enumerate() {
            worker
                .deliveries
                .tell(to, &note, &format!("contact-{name}-{at}"))
                .await;
        }
        security::alarm(&worker, &alarm, &format!("contact-{name}")).await;
    };
    app.tasks.spawn(telling.in_current_span());
}
