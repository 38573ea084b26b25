//! The administrators beside one: who else may add a contact for the code of a reset (Q7).

use super::contacts;
use super::messages::ContactAdder;
use crate::app::{Admins, App};
use crate::directory::to_member;
use crate::domain::contacts::Methods;
use crate::domain::{EmailAddress, Member, MemberId, Role};
use crate::store::{Pins, ResetRow, StoreError};

/// The administrator of a reset.
#[derive(Clone, Copy)]
pub(super) struct OfReset<'a> {
    pub(super) id: &'a MemberId,
    /// Their business e-mail.
    pub(super) email: &'a str,
    /// True where another administrator was asked already; a card asks once.
    pub(super) has_asked: bool,
}

impl<'a> OfReset<'a> {
    /// Before its card is made.
    pub(super) fn to_come(admin: &'a Member) -> Self {
        Self {
            id: &admin.id,
            email: admin.business_email.as_str(),
            has_asked: false,
        }
    }

    pub(super) fn of(row: &'a ResetRow) -> Self {
        Self {
            id: &row.admin_id,
            email: &row.admin_email,
            has_asked: row.contact_asked_at.is_some(),
        }
    }
}

/// Who else may reset the member, by their business e-mail.
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
    match admins {
        Admins::Chat => Ok(OtherAdmins {
            emails: Vec::new(),
            may_be_more: true,
        }),
        Admins::List { .. } => {
            let others = admins.listed().filter(|(email, role)| {
                let is_member = member.business_emails().any(|own| own.is_same(email));
                !is_member && email.as_str() != admin.email && outranks(*role)
            });
            Ok(OtherAdmins {
                emails: others.map(|(email, _)| email.clone()).collect(),
                may_be_more: false,
            })
        }
        Admins::Directory => {
            let rows = app.store.administrators().await?;
            let known = rows
                .iter()
                .filter_map(|row| to_member(row, &app.organization.company).ok());
            let others = known.filter(|one| {
                let is_another = one.id != *admin.id && one.id != member.id;
                is_another && one.is_in_use() && outranks(one.role)
            });
            Ok(OtherAdmins {
                emails: others.map(|one| one.business_email).collect(),
                may_be_more: app.directories.remote().next().is_some(),
            })
        }
    }
}

/// Who can add a contact for the code, where one is needed.
pub(super) async fn adder(
    app: &App,
    member: &Member,
    admin: OfReset<'_>,
    methods: &Methods,
) -> Result<ContactAdder, StoreError> {
    // What an administrator adds counts at once only outside of "strict".
    if app.deliveries.ways.is_strict || !contacts::are_lacking(app, member, methods) {
        return Ok(ContactAdder::Operator);
    }
    let others = of_member(app, member, admin).await?;
    Ok(match (others.emails.is_empty(), others.may_be_more) {
        (false, _) if !admin.has_asked => ContactAdder::AskedAdmin,
        (false, _) | (true, true) => ContactAdder::SomeAdmin,
        (true, false) => ContactAdder::Operator,
    })
}
