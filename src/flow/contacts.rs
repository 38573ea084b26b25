//! Contacts for codes: where the code of a reset can go, adding one for a member, and telling of every change.

use std::sync::Arc;

use super::{Failure, Reaction, contact_code, messages, tell_security};
use crate::app::App;
use crate::chat::Origin as CameFrom;
use crate::delivery::Note;
use crate::domain::contacts::{self, AddedAs, AddedContact, CodeContext, Methods, PasswordOrigin};
use crate::domain::{Destination, Member, MemberId, Moment, Reference, ResetId, Span};
use crate::store::{AuditRow, ContactAdded, ContactRow, ResetRow, StoreError};

/// How long it is told at least that a contact of the directory is another one.
const DIFFERENCE_TOLD_FOR: Span = Span::hours(72);

/// The keyed digest of a contact of a member: kept where the address itself must not be.
pub fn digest(app: &App, member: &MemberId, to: &Destination) -> String {
    hex::encode(
        app.keys
            .tag(&[b"contact address", member.0.as_bytes(), to.key().as_bytes()]),
    )
}

/// Where the code for the password that is set now can go.
pub async fn methods_now(app: &App, member: &Member) -> Result<Methods, StoreError> {
    let last = app.store.last_changes(&member.id).await?;
    let origin = PasswordOrigin {
        began_at: last.iter().filter_map(|row| row.changing_at).max(),
        typed: last.iter().flat_map(ResetRow::typed_addresses).collect(),
        typed_masks: last.iter().flat_map(ResetRow::typed_masks).collect(),
        carried: last
            .iter()
            .filter_map(|row| row.carried_to().map(str::to_owned))
            .collect(),
        carried_masks: last
            .iter()
            .filter_map(|row| row.carried_mask().map(str::to_owned))
            .collect(),
        admins: last.into_iter().map(|row| row.admin_id).collect(),
    };
    methods(app, member, &origin).await
}

/// Where the code could go for a reset that this administrator has not begun yet.
pub(super) async fn methods_for_next(
    app: &App,
    member: &Member,
    admin: &MemberId,
) -> Result<Methods, StoreError> {
    methods(
        app,
        member,
        &PasswordOrigin {
            admins: vec![admin.clone()],
            ..PasswordOrigin::default()
        },
    )
    .await
}

/// Where the code will go for a reset that is delivered as this row says.
pub(super) async fn methods_of(
    app: &App,
    member: &Member,
    row: &ResetRow,
) -> Result<Methods, StoreError> {
    let origin = PasswordOrigin {
        admins: vec![row.admin_id.clone()],
        began_at: row.changing_at,
        typed: row.typed_addresses(),
        typed_masks: row.typed_masks(),
        carried: row.carried_to().map(str::to_owned).into_iter().collect(),
        carried_masks: row.carried_mask().map(str::to_owned).into_iter().collect(),
    };
    methods(app, member, &origin).await
}

/// How many contacts there are for password and code together, when the reset is delivered as this row says.
pub(super) async fn count_for(
    app: &App,
    member: &Member,
    row: &ResetRow,
) -> Result<usize, StoreError> {
    let admins = vec![row.admin_id.clone()];
    let origin = PasswordOrigin {
        admins,
        typed: row.typed_addresses(),
        typed_masks: row.typed_masks(),
        ..PasswordOrigin::default()
    };
    Ok(methods(app, member, &origin).await?.counting())
}

async fn methods(
    app: &App,
    member: &Member,
    origin: &PasswordOrigin,
) -> Result<Methods, StoreError> {
    // Other directories ask for no code, and nobody can add a contact there.
    if !app.directories.told(&member.id).1.has_our_pages {
        return Ok(Methods::default());
    }
    // The settings may name other countries than when a number was added; the operator's counts like the import.
    let is_allowed = |added: &AddedContact| {
        added.added_as == AddedAs::Operator || app.deliveries.check_typed(&added.to, member).is_ok()
    };
    let added = app.store.contacts(&member.id).await?;
    let added: Vec<AddedContact> = added
        .iter()
        .filter_map(ContactRow::added)
        .filter(is_allowed)
        .collect();
    let around = CodeContext {
        company: &app.organization.company,
        rules: app.organization.contact_rules,
        is_strict: app.deliveries.ways.is_strict,
        has: &|channel| app.deliveries.has(channel),
        digest: &|to| digest(app, &member.id, to),
        now: app.clock.now(),
    };
    Ok(contacts::methods(member, &added, origin, &around))
}

/// Is this refused because code and password need two contacts, and there is one?
pub(super) async fn lacks_a_second(
    app: &App,
    member: &Member,
    admin: &MemberId,
) -> Result<Option<usize>, StoreError> {
    if !app.organization.contact_rules.needs_two
        || !app.directories.told(&member.id).1.has_our_pages
    {
        return Ok(None);
    }
    Ok(Some(methods_for_next(app, member, admin).await?.counting()).filter(|count| *count < 2))
}

/// The contacts of the directory that differ from what was seen at an earlier card, each with when that was.
pub(super) async fn differing(
    app: &App,
    member: &Member,
) -> Result<Vec<(Destination, Moment)>, StoreError> {
    let present = contacts::of_directory(member);
    let seen = present
        .iter()
        .map(|to| (to.channel(), digest(app, &member.id, to)))
        .collect();
    let differing = app
        .store
        .see_contacts(
            &member.id,
            seen,
            DIFFERENCE_TOLD_FOR.max(app.organization.contact_rules.age),
        )
        .await?;
    let at = |to: &Destination| {
        differing
            .iter()
            .find(|(channel, _)| *channel == to.channel())
            .map(|(_, at)| *at)
    };
    Ok(present
        .into_iter()
        .filter_map(|to| at(&to).map(|at| (to, at)))
        .collect())
}

/// S42, Q7: adds a contact for codes, for an administrator whose rights were read a moment ago.
pub(super) async fn add_contact(
    app: &Arc<App>,
    origin: &CameFrom,
    (admin, member): (&Member, &Member),
    to: &Destination,
    reference: &Reference,
) -> Result<Reaction, Failure> {
    let row = ContactRow {
        member_id: member.id.clone(),
        channel: to.channel(),
        address: to.full().to_owned(),
        added_by: admin.id.clone(),
        added_at: origin.received_at,
        added_as: AddedAs::Administrator,
        added_by_name: admin.name.clone(),
        answered_at: None,
    };
    let audit = AuditRow {
        reference: Some(reference.to_string()),
        admin_id: Some(admin.id.clone()),
        member_id: Some(member.id.clone()),
        detail: Some(to.masked()),
        ..AuditRow::of_chat("contact", "added", &origin.user, origin.received_at)
    };
    let before = known(app, member).await?;
    let told = match app
        .store
        .add_contact(origin.replay.clone(), row, audit)
        .await?
    {
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
            let now = app.clock.now();
            let from = app.zone.tell(now + app.organization.contact_rules.age, now);
            let (mask, is_strict) = (to.masked(), app.deliveries.ways.is_strict);
            // The contact is on record, whether its code can be offered or not.
            let value = contact_code::offer(app, origin, (admin, member), &stored)
                .await
                .ok();
            messages::contact_added(
                &member.name,
                &mask,
                &from,
                is_strict,
                reference,
                value.as_deref(),
            )
        }
    };
    Ok(Reaction::Say(told))
}

/// A contact outside the business mailbox that is on record: whoever hears of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The contact.
    pub to: Destination,
    /// False for an added one that has not answered a code: it may be nobody's.
    pub counts: bool,
}

/// Every one of them.
pub async fn known(app: &App, member: &Member) -> Result<Vec<Known>, StoreError> {
    Ok(known_of(member, &app.store.contacts(&member.id).await?))
}

/// The same from rows that were read.
pub fn known_of(member: &Member, added: &[ContactRow]) -> Vec<Known> {
    let of_directory = contacts::of_directory(member)
        .into_iter()
        .map(|to| Known { to, counts: true });
    let mut known: Vec<Known> = of_directory.collect();
    for one in added.iter().filter_map(ContactRow::added) {
        let counts = one.counts();
        match known.iter_mut().find(|other| other.to.is_same(&one.to)) {
            Some(other) => other.counts |= counts,
            None => known.push(Known { to: one.to, counts }),
        }
    }
    known
}

/// The member hears of it at every contact that was there before, and so does the security address.
pub fn tell_of_contact(
    app: &Arc<App>,
    added_by: &str,
    member: &Member,
    added: &Destination,
    before: &[Known],
) {
    let organization = &app.organization.name;
    let note = messages::contact_notice(organization, added_by, &added.masked());
    let others = before
        .iter()
        .filter(|known| !known.to.is_same(added))
        .cloned()
        .collect();
    let alarm = messages::contact_alarm(organization, added_by, member, &added.masked(), true);
    tell_all(app, member, others, note, alarm);
}

/// The same of a contact that was taken away; that one is told too.
pub fn tell_of_removed_contact(
    app: &Arc<App>,
    member: &Member,
    removed: &Destination,
    before: Vec<Known>,
) {
    let organization = &app.organization.name;
    let note = messages::contact_removed(organization);
    let alarm =
        messages::contact_alarm(organization, &member.name, member, &removed.masked(), false);
    tell_all(app, member, before, note, alarm);
}

/// The same of a contact that went because there was no room for another one.
fn tell_of_dropped_contact(
    app: &Arc<App>,
    who: &str,
    member: &Member,
    dropped: &Destination,
    before: Vec<Known>,
) {
    let organization = &app.organization.name;
    let note = messages::contact_dropped(organization, who, &dropped.masked());
    let alarm = messages::contact_alarm(organization, who, member, &dropped.masked(), false);
    tell_all(app, member, before, note, alarm);
}

/// Who is told of a change of contacts: those there were before, as far as there is a channel, and the business address
/// where none of them is sure to be the member's.
pub fn told_of_change(
    before: Vec<Known>,
    member: &Member,
    has: impl Fn(&Destination) -> bool,
) -> Vec<Destination> {
    let reachable: Vec<Known> = before.into_iter().filter(|known| has(&known.to)).collect();
    let is_sure = reachable.iter().any(|known| known.counts);
    let business =
        Some(Destination::Email(member.business_email.clone())).filter(|to| !is_sure && has(to));
    reachable
        .into_iter()
        .map(|known| known.to)
        .chain(business)
        .collect()
}

fn tell_all(app: &Arc<App>, member: &Member, before: Vec<Known>, note: Note, alarm: Note) {
    let to = told_of_change(before, member, |to| app.deliveries.has(to.channel()));
    // A gateway may drop what it takes for a repetition, so every notice has a name of its own.
    let Ok(name) = app
        .chance
        .rng()
        .map(|mut rng| ResetId::draw(&mut rng, app.clock.now()))
    else {
        return;
    };
    let worker = Arc::clone(app);
    app.tasks.spawn(async move {
        for (at, to) in to.iter().enumerate() {
            worker
                .deliveries
                .tell(to, &note, &format!("contact-{name}-{at}"))
                .await;
        }
        tell_security(&worker, &alarm, &format!("contact-{name}")).await;
    });
}
