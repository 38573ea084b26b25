//! Contacts for codes: where the code of a reset can go.

pub(crate) use super::contact_notices::{
    ContactOnRecord, known, known_of, tell_of_contact, tell_of_removed_contact, told_of_change,
    with_business_address,
};
use crate::app::App;
use crate::domain::code_alone::{
    self, CodeAloneContext, DisownedContact, DisownedContacts, OnRecordSince,
};
use crate::domain::contacts::{
    self, AddedAs, AddedContact, CodeContext, Method, Methods, PasswordOrigin,
};
use crate::domain::{Channel, Destination, Member, MemberId, Moment, Span};
use crate::store::{CodeUseRow, ContactRow, PresentContacts, PresentDigest, ResetRow, StoreError};

/// The minimum time for which cards say that a contact of the directory has changed.
const CHANGE_TOLD_FOR: Span = Span::hours(72);

/// The keyed digest of a member's contact. It is stored where the address itself must not be.
pub(crate) fn digest(app: &App, member: &MemberId, to: &Destination) -> String {
    hex::encode(
        app.keys
            .tag(&[b"contact address", member.0.as_bytes(), to.key().as_bytes()]),
    )
}

/// Digest of the whole address: some servers deliver `+tag` addresses elsewhere.
fn whole_digest(app: &App, member: &MemberId, to: &Destination) -> String {
    let address = to.full().to_ascii_lowercase();
    hex::encode(app.keys.tag(&[
        b"whole contact address",
        member.0.as_bytes(),
        address.as_bytes(),
    ]))
}

/// Where the code for the member's present password can go.
pub(crate) async fn methods_now(app: &App, member: &Member) -> Result<Methods, StoreError> {
    let last = app.store.last_changes(&member.id).await?;
    methods_after(app, member, last).await
}

/// Where the code can go if this reset's password is sent another way. `row` is the record as it would be then.
pub(super) async fn methods_on_another_way(
    app: &App,
    member: &Member,
    row: ResetRow,
) -> Result<Methods, StoreError> {
    let mut last = app.store.last_changes(&member.id).await?;
    if let Some(present) = last.iter_mut().find(|one| one.reset_id == row.reset_id) {
        *present = row;
    }
    methods_after(app, member, last).await
}

/// Where the code can go for a password that comes from one of these resets.
async fn methods_after(
    app: &App,
    member: &Member,
    last: Vec<ResetRow>,
) -> Result<Methods, StoreError> {
    let origin = PasswordOrigin {
        contacts_from: last.iter().map(ResetRow::contacts_from).max(),
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

/// Where the code could go for a reset that this administrator is about to begin. `contacts_from` as in
/// [`PasswordOrigin`].
pub(super) async fn methods_for_next(
    app: &App,
    member: &Member,
    admin: &MemberId,
    contacts_from: Option<Moment>,
) -> Result<Methods, StoreError> {
    methods(
        app,
        member,
        &PasswordOrigin {
            admins: vec![admin.clone()],
            contacts_from,
            ..PasswordOrigin::default()
        },
    )
    .await
}

/// Where the code will go for a reset with the delivery of this row.
pub(super) async fn methods_of(
    app: &App,
    member: &Member,
    row: &ResetRow,
) -> Result<Methods, StoreError> {
    let origin = PasswordOrigin {
        admins: vec![row.admin_id.clone()],
        contacts_from: Some(row.contacts_from()),
        typed: row.typed_addresses(),
        typed_masks: row.typed_masks(),
        carried: row.carried_to().map(str::to_owned).into_iter().collect(),
        carried_masks: row.carried_mask().map(str::to_owned).into_iter().collect(),
    };
    methods(app, member, &origin).await
}

/// How many contacts there are for password and code together, with the delivery of this row.
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

/// Where a code goes that takes the place of the old password in an open session: to the first contact that counts and
/// need not wait.
pub(crate) async fn destination_in_session(
    app: &App,
    member: &Member,
    since: OnRecordSince,
) -> Result<Option<Destination>, StoreError> {
    let methods = methods_now(app, member).await?;
    let now = app.clock.now();
    let added = allowed_contacts(app, member).await?;
    let all = disowned(app, member).await?;
    let disowned = DisownedContacts {
        all: &all,
        digest: &|to| digest(app, &member.id, to),
    };
    let is_old = |method: &Method| {
        let rules = app.organization.contact_rules;
        method
            .added
            .as_ref()
            .is_none_or(|added| added.waits_until(rules, now).is_none())
    };
    let mut usable = methods.usable.iter();
    let first = usable.find(|method| {
        method.counts
            && is_old(method)
            && !disowned.is_without_new_word(&method.to, member, since, &added)
    });
    Ok(first.map(|method| method.to.clone()))
}

/// Where a code goes that lets the member in by itself.
pub(crate) async fn destination_of_code_alone(
    app: &App,
    member: &Member,
    since: OnRecordSince,
) -> Result<Option<Destination>, StoreError> {
    let added = allowed_contacts(app, member).await?;
    let disowned = disowned(app, member).await?;
    let context = CodeAloneContext {
        company: &app.organization.company,
        age: app.organization.contact_rules.age,
        has: &|channel| app.deliveries.has(channel),
        disowned: DisownedContacts {
            all: &disowned,
            digest: &|to| digest(app, &member.id, to),
        },
        now: app.clock.now(),
    };
    Ok(code_alone::destination_of_code_alone(
        member, since, &added, &context,
    ))
}

/// The contacts of which the member said "this wasn't me" when a code had gone there.
async fn disowned(app: &App, member: &Member) -> Result<Vec<DisownedContact>, StoreError> {
    let uses = app.store.disowned_code_uses(&member.id).await?;
    let fingerprint = app.keys.fingerprint();
    let of_use = |row: CodeUseRow| {
        let at = row.disowned_at?;
        let digest = row.to_digest.filter(|_| row.to_key == fingerprint);
        Some(DisownedContact { digest, at })
    };
    Ok(uses.into_iter().filter_map(of_use).collect())
}

/// The added contacts to which an SMS may go. The allowed countries may have changed since a number was added. What the
/// operator added is always allowed, like an import.
async fn allowed_contacts(app: &App, member: &Member) -> Result<Vec<AddedContact>, StoreError> {
    let is_allowed = |added: &AddedContact| {
        added.added_as == AddedAs::Operator || app.deliveries.check_typed(&added.to, member).is_ok()
    };
    let added = app.store.contacts(&member.id).await?;
    Ok(added
        .iter()
        .filter_map(ContactRow::added)
        .filter(is_allowed)
        .collect())
}

async fn methods(
    app: &App,
    member: &Member,
    origin: &PasswordOrigin,
) -> Result<Methods, StoreError> {
    // Only members with pages here are asked for a code.
    if !app
        .directories
        .describe(&member.id)
        .capabilities
        .has_our_pages
    {
        return Ok(Methods::default());
    }
    let added = allowed_contacts(app, member).await?;
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

/// The contacts that were added for a member. The allowed countries may have changed since a number was added. What the
/// operator added is always allowed, like an import.
async fn added(app: &App, member: &Member) -> Result<Vec<AddedContact>, StoreError> {
    let is_allowed = |added: &AddedContact| {
        added.added_as == AddedAs::Operator || app.deliveries.check_typed(&added.to, member).is_ok()
    };
    let added = app.store.contacts(&member.id).await?;
    let added = added.iter().filter_map(ContactRow::added);
    Ok(added.filter(is_allowed).collect())
}

/// The contact that a typed address is, as it is on record, if it was a method before the card was made. Then it counts as
/// chosen from the record; anything else that was typed never gets a code (S41). Digests are compared: two addresses can
/// have the same mask.
pub(super) async fn counted_before_card(
    app: &App,
    member: &Member,
    typed: &Destination,
    row: &ResetRow,
) -> Result<Option<Destination>, StoreError> {
    if let Some(known) = typed.on_record(member) {
        let seen = app
            .store
            .had_contact(
                &member.id,
                present_digest(app, member, &known),
                row.offered_at,
            )
            .await?;
        if seen {
            return Ok(Some(known));
        }
    }
    added_before_card(app, member, typed, row).await
}

/// The same among the contacts that were added for codes.
async fn added_before_card(
    app: &App,
    member: &Member,
    to: &Destination,
    row: &ResetRow,
) -> Result<Option<Destination>, StoreError> {
    let wanted = digest(app, &member.id, to);
    let rules = app.organization.contact_rules;
    let added = added(app, member).await?.into_iter();
    let mut counted = added.filter(|one| {
        digest(app, &member.id, &one.to) == wanted
            && one.counted_before(row.offered_at, &row.admin_id, rules)
    });
    Ok(counted.next().map(|one| one.to))
}

/// True where a destination that was chosen from the record is still on record.
pub(super) async fn is_on_record(
    app: &App,
    member: &Member,
    chosen: &Destination,
    row: &ResetRow,
) -> Result<bool, StoreError> {
    if chosen.channel().on_record(member).as_ref() == Some(chosen) {
        return Ok(true);
    }
    // A link of the profile "strict" goes to contacts of the directory alone.
    if app.deliveries.ways.is_strict {
        return Ok(false);
    }
    // Some servers deliver `+tag` addresses elsewhere, so it must be the same to the letter.
    let found = added_before_card(app, member, chosen, row).await?;
    Ok(found.as_ref() == Some(chosen))
}

/// True where a code is asked for at sign-in and no contact surely receives it.
pub(super) fn are_lacking(app: &App, member: &Member, methods: &Methods) -> bool {
    let home = app.directories.describe(&member.id);
    home.capabilities.has_our_pages && methods.counting() == 0
}

/// The number of contacts, where code and password need two and there are fewer.
pub(super) async fn lacks_a_second(
    app: &App,
    member: &Member,
    admin: &MemberId,
) -> Result<Option<usize>, StoreError> {
    if !app.organization.contact_rules.needs_two
        || !app
            .directories
            .describe(&member.id)
            .capabilities
            .has_our_pages
    {
        return Ok(None);
    }
    Ok(
        Some(methods_for_next(app, member, admin, None).await?.counting())
            .filter(|count| *count < 2),
    )
}

/// The contacts that the directory has of a member, for the store to compare with those at earlier cards.
pub(super) fn present(app: &App, member: &Member) -> PresentContacts {
    PresentContacts {
        digests: contacts::of_directory(member)
            .iter()
            .map(|to| present_digest(app, member, to))
            .collect(),
        key_fingerprint: app.keys.fingerprint(),
        told_for: CHANGE_TOLD_FOR.max(app.organization.contact_rules.age),
    }
}

fn present_digest(app: &App, member: &Member, to: &Destination) -> PresentDigest {
    PresentDigest {
        channel: to.channel(),
        digest: whole_digest(app, &member.id, to),
        without_tag: digest(app, &member.id, to),
    }
}

/// The contacts of the directory in the channels that differ from an earlier card, each with when that was.
pub(super) fn differing(
    member: &Member,
    channels: &[(Channel, Moment)],
) -> Vec<(Destination, Moment)> {
    let at = |to: &Destination| {
        channels
            .iter()
            .find(|(channel, _)| *channel == to.channel())
            .map(|(_, at)| *at)
    };
    contacts::of_directory(member)
        .into_iter()
        .filter_map(|to| at(&to).map(|at| (to, at)))
        .collect()
}
