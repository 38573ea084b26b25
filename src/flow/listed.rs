//! Administrators by the list of the settings: who a caller with a listed address is, and whether the right is theirs.
//!
//! An address proves nothing alone. A member may be able to write a second one into their own entry, and the address of an
//! administrator who left may be given to somebody new. So a right belongs to the entry that an address is pinned to
//! ([`pins`]), as long as the address leads to it.

use super::identity::{Known, NotPinned, Unresolved, find, one};
use super::pins;
use crate::app::App;
use crate::directory::{By, Match};
use crate::domain::{EmailAddress, Member, Role, Status};
use crate::store::Pins;

/// The caller whose chat account has this address, which found this in the directory.
pub(super) async fn caller(
    app: &App,
    pins: &Pins,
    email: &EmailAddress,
    found: Match,
) -> Result<Known, Unresolved> {
    let is_listed = app
        .organization
        .admins
        .listed()
        .any(|(listed, _)| listed.is_same(email));
    let member = match found {
        Match::One(member) => *member,
        Match::Several(entries) if is_listed => {
            pins::alarm_of_several(app, email, pins.of(email), &entries).await;
            pinned_among_several(app, pins, email).await?
        }
        Match::Several(_) | Match::Nobody | Match::Unreadable => return Err(Unresolved::Unknown),
    };
    let (role, refused) = right(app, pins, &member, email).await?;
    let is_in_use = matches!(member.status, Status::Active | Status::Inactive);
    match refused {
        Some(email) if role == Role::Member && is_in_use => {
            Err(Unresolved::NotPinned(Box::new(NotPinned { member, email })))
        }
        Some(_) | None => Ok(Known { member, role }),
    }
}

/// Of several entries with a listed address, the pinned one: whoever takes an administrator's address as well does not shut
/// the administrator out.
async fn pinned_among_several(
    app: &App,
    pins: &Pins,
    email: &EmailAddress,
) -> Result<Member, Unresolved> {
    let id = pins.of(email).ok_or(Unresolved::Unknown)?;
    let mut member = find(app, &[By::Id(id.clone())])
        .await?
        .pop()
        .and_then(one)
        .ok_or(Unresolved::Unknown)?;
    if !member.business_email.is_same(email) {
        // As if the entry had been found by the address: that is the one to which a copy goes.
        let asked = member
            .aliases
            .iter_mut()
            .find(|own| own.is_same(email))
            .ok_or(Unresolved::Unknown)?;
        std::mem::swap(asked, &mut member.business_email);
    }
    Ok(member)
}

/// The highest role that a listed address of this member gives to this entry, and an address of theirs that gives them none.
/// `asked` is the address that led to the entry.
async fn right(
    app: &App,
    pins: &Pins,
    member: &Member,
    asked: &EmailAddress,
) -> Result<(Role, Option<EmailAddress>), Unresolved> {
    let (mut role, mut refused) = (Role::Member, None);
    for (email, given) in app.organization.admins.listed() {
        if !member.business_emails().any(|own| own.is_same(email)) {
            continue;
        }
        let is_pinned = pins.of(email) == Some(&member.id);
        // What `asked` found is known: this entry alone, or several of which this one is pinned.
        let is_theirs = if is_pinned && email.is_same(asked) {
            true
        } else {
            leads_to(app, pins, member, email).await?
        };
        if is_theirs && is_pinned {
            role = role.max(given);
        } else {
            refused.get_or_insert_with(|| email.clone());
        }
    }
    Ok((role, refused))
}

/// True where the address alone finds this member's entry, or several of which it is pinned to this one. What is not as it
/// should be is told to the security address.
async fn leads_to(
    app: &App,
    pins: &Pins,
    member: &Member,
    email: &EmailAddress,
) -> Result<bool, Unresolved> {
    let pinned = pins.of(email);
    match find(app, &[By::Email(email.clone())]).await?.pop() {
        Some(Match::One(found)) => {
            pins::alarm_of_another(app, email, pinned, &found).await;
            Ok(found.id == member.id)
        }
        Some(Match::Several(entries)) => {
            pins::alarm_of_several(app, email, pinned, &entries).await;
            Ok(pinned == Some(&member.id))
        }
        // A second address in Lark finds nobody.
        Some(Match::Nobody | Match::Unreadable) | None => {
            pins::alarm_of_another(app, email, pinned, member).await;
            Ok(false)
        }
    }
}
