//! The administrators beside one: who else may add a contact for the code of a reset (Q7).

use super::contacts;
use super::messages::ContactAdder;
use crate::app::{Admins, App};
use crate::chat::{Adapter, Assurance};
use crate::directory::to_member;
use crate::domain::contacts::Methods;
use crate::domain::{EmailAddress, Member, MemberId, Platform, Role};
use crate::store::{MemberKey, Pins, ResetRow, StoreError};

/// The administrator of a reset.
#[derive(Clone, Copy)]
pub(super) struct OfReset<'a> {
    pub(super) id: &'a MemberId,
    /// The chat in which the others would add the contact.
    pub(super) platform: Platform,
    /// True where another administrator was asked already; a card asks once.
    pub(super) has_asked: bool,
}

impl<'a> OfReset<'a> {
    /// Before its card is made.
    pub(super) fn to_come(admin: &'a Member, platform: Platform) -> Self {
        Self {
            id: &admin.id,
            platform,
            has_asked: false,
        }
    }

    pub(super) fn of(row: &'a ResetRow) -> Self {
        Self {
            id: &row.admin_id,
            platform: row.platform,
            has_asked: row.contact_sent_at.is_some(),
        }
    }
}

/// Who else may add a contact for the member, by their business e-mail.
pub(super) struct OtherAdmins {
    pub(super) emails: Vec<EmailAddress>,
    /// True where there may be others, whom relatch can't list.
    may_be_more: bool,
}

/// Those whom the built-in directory or the settings name. Whether they have an account in the chat is not asked here.
pub(super) async fn of_member(
    app: &App,
    member: &Member,
    admin: OfReset<'_>,
) -> Result<OtherAdmins, StoreError> {
    let admins = &app.organization.admins;
    let member_role = admins.role_of_member(member, &Pins::default(), []);
    // Q8.
    let outranks = |role: Role| role == Role::PrimaryAdmin || member_role != Role::PrimaryAdmin;
    // Q7: whoever made the last reset can add none before there is another one.
    let last = app.store.last_changes(&member.id).await?;
    let may_add = |id: &MemberId| {
        let is_another = id != admin.id && *id != member.id;
        is_another && !last.iter().any(|row| row.admin_id == *id)
    };
    match admins {
        Admins::Chat => Ok(OtherAdmins {
            emails: Vec::new(),
            may_be_more: true,
        }),
        Admins::List { .. } => {
            let mut emails = Vec::new();
            for (email, role, id) in listed(app).await? {
                if may_add(&id) && outranks(role) {
                    emails.push(email);
                }
            }
            Ok(OtherAdmins {
                emails,
                may_be_more: false,
            })
        }
        Admins::Directory => {
            let rows = app.store.administrators().await?;
            let known = rows
                .iter()
                .filter_map(|row| to_member(row, &app.organization.company).ok());
            let others =
                known.filter(|one| may_add(&one.id) && one.is_in_use() && outranks(one.role));
            Ok(OtherAdmins {
                emails: others.map(|one| one.business_email).collect(),
                may_be_more: app.directories.remote().next().is_some(),
            })
        }
    }
}

/// The addresses of the settings that stand for an entry, each with that entry. Of another directory nothing is asked
/// here; an entry of the built-in one must be in use.
async fn listed(app: &App) -> Result<Vec<(EmailAddress, Role, MemberId)>, StoreError> {
    let admins = &app.organization.admins;
    let keys: Vec<String> = admins.listed().map(|(email, _)| email.key()).collect();
    let pins = app.store.pins_of(&keys).await?;
    let pinned: Vec<(EmailAddress, Role, MemberId)> = admins
        .listed()
        .filter_map(|(email, role)| Some((email.clone(), role, pins.of(email)?.clone())))
        .collect();
    let ids: Vec<MemberKey> = pinned
        .iter()
        .map(|(_, _, id)| MemberKey::Id(id.clone()))
        .collect();
    let rows = app.store.find_members(&ids).await?;
    let is_in_use = |email: &EmailAddress, row: &Option<_>| match row {
        Some(row) => to_member(row, &app.organization.company).is_ok_and(|one| one.is_in_use()),
        None => !app.directories.is_builtin(email),
    };
    Ok(pinned
        .into_iter()
        .zip(rows)
        .filter(|((email, _, _), row)| is_in_use(email, row))
        .map(|(one, _)| one)
        .collect())
}

/// Who can add a contact for the code, where one is needed.
pub(super) async fn adder(
    app: &App,
    member: &Member,
    admin: OfReset<'_>,
    methods: &Methods,
) -> Result<ContactAdder, StoreError> {
    if !contacts::are_lacking(app, member, methods) {
        return Ok(ContactAdder::Operator);
    }
    // What an administrator adds counts at once only outside of "strict", and the command `contact` is refused where somebody
    // else may read the replies. In both cases the delivery needs a contact on record too.
    let is_private = match app.chat(admin.platform) {
        Some(chat) => chat.assurance().await != Assurance::PersonOnly,
        None => false,
    };
    if app.deliveries.ways.is_strict || !is_private {
        return Ok(if member.has_outside_contact() {
            ContactAdder::Operator
        } else {
            ContactAdder::Import
        });
    }
    let others = of_member(app, member, admin).await?;
    Ok(match (others.emails.is_empty(), others.may_be_more) {
        (false, _) if !admin.has_asked => ContactAdder::AskedAdmin,
        (false, _) | (true, true) => ContactAdder::SomeAdmin,
        (true, false) => ContactAdder::Operator,
    })
}
