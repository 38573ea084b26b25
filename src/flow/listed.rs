//! Administrators from the list in the settings: which entry a caller with a listed address is, and whether they have the
//! right.
//!
//! An address alone proves nothing. Some directories let members write a second address into their own entry, and the
//! address of an administrator who left may be given to somebody new. So the right belongs to the entry that the address
//! is pinned to ([`pins`]), as long as the address leads to that entry.

use super::people::{KnownPerson, find, one};
use super::pins;
use super::unresolved::{NoMatch, NotPinned};
use crate::app::App;
use crate::directory::{By, Match};
use crate::domain::{EmailAddress, Member, MemberId, Role};
use crate::store::Pins;

/// The caller whose chat account has this address. `found` is what the address found in the directory.
pub(super) async fn caller(
    app: &App,
    pins: &Pins,
    email: &EmailAddress,
    found: Match,
) -> Result<KnownPerson, NoMatch> {
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
        Match::Several(_) | Match::Nobody | Match::Unreadable => return Err(NoMatch::Unknown),
    };
    let (role, refused) = right(app, pins, &member, email).await?;
    let is_in_use = member.is_in_use();
    match refused {
        Some(email) if role == Role::Member && is_in_use => {
            Err(NoMatch::NotPinned(Box::new(NotPinned { member, email })))
        }
        Some(_) | None => Ok(KnownPerson { member, role }),
    }
}

/// Of several entries with a listed address, the pinned one. So nobody can lock an administrator out by adding the
/// administrator's address to another entry.
async fn pinned_among_several(
    app: &App,
    pins: &Pins,
    email: &EmailAddress,
) -> Result<Member, NoMatch> {
    let id = pins.of(email).ok_or(NoMatch::Unknown)?;
    let mut member = find(app, &[By::Id(id.clone())])
        .await?
        .pop()
        .and_then(one)
        .ok_or(NoMatch::Unknown)?;
    if !member.business_email.is_same(email) {
        // As if the address had found the entry: the administrator's copy goes to this address.
        let asked = member
            .aliases
            .iter_mut()
            .find(|own| own.is_same(email))
            .ok_or(NoMatch::Unknown)?;
        std::mem::swap(asked, &mut member.business_email);
    }
    Ok(member)
}

/// The highest role that the member's listed addresses give to this entry, and one of their listed addresses that gives
/// none. `asked` is the address that led to the entry.
async fn right(
    app: &App,
    pins: &Pins,
    member: &Member,
    asked: &EmailAddress,
) -> Result<(Role, Option<EmailAddress>), NoMatch> {
    let (mut role, mut refused) = (Role::Member, None);
    for (email, given) in app.organization.admins.listed() {
        if !member.business_emails().any(|own| own.is_same(email)) {
            continue;
        }
        let is_pinned = pins.of(email) == Some(&member.id);
        // `asked` found this entry alone, or several of which this one is pinned.
        let leads_there = if is_pinned && email.is_same(asked) {
            true
        } else {
            leads_to(app, pins, member, email).await?
        };
        if leads_there && is_pinned {
            role = role.max(given);
        } else {
            refused.get_or_insert_with(|| email.clone());
        }
    }
    Ok((role, refused))
}

/// True where the address finds this member's entry alone, or several of which this one is pinned. Anything else raises
/// an alarm.
async fn leads_to(
    app: &App,
    pins: &Pins,
    member: &Member,
    email: &EmailAddress,
) -> Result<bool, NoMatch> {
    let pinned = pins.of(email);
    let found = find(app, &[By::Email(email.clone())]).await?.pop();
    match &found {
        Some(Match::One(found)) => pins::alarm_of_another(app, email, pinned, found).await,
        Some(Match::Several(entries)) => {
            pins::alarm_of_several(app, email, pinned, entries).await;
        }
        // Lark does not find people by a second address.
        Some(Match::Nobody | Match::Unreadable) | None => {
            pins::alarm_of_another(app, email, pinned, member).await;
        }
    }
    Ok(is_theirs(found.as_ref(), pinned, &member.id))
}

/// The same from what the address found.
fn is_theirs(found: Option<&Match>, pinned: Option<&MemberId>, member: &MemberId) -> bool {
    match found {
        Some(Match::One(found)) => found.id == *member,
        Some(Match::Several(_)) => pinned == Some(member),
        Some(Match::Nobody | Match::Unreadable) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LoginMethod, SecondFactors, Status};

    fn entry(id: &str) -> Member {
        Member {
            id: MemberId(id.to_owned()),
            name: id.to_owned(),
            business_email: format!("{id}@corp.example").parse().unwrap(),
            aliases: Vec::new(),
            login_method: LoginMethod::BusinessEmail,
            status: Status::Active,
            phone: None,
            personal_email: None,
            role: Role::Member,
            department: None,
            manager_email: None,
            guard: None,
            phone_remarks: Vec::new(),
            never_expires: false,
            has_other_password: false,
            second_factors: SecondFactors::default(),
        }
    }

    #[test]
    fn an_address_is_theirs_while_it_finds_them() {
        let [ann, mal] = ["ann", "mal"].map(|id| MemberId(id.to_owned()));
        let one = |id| Match::One(Box::new(entry(id)));
        assert!(is_theirs(Some(&one("ann")), Some(&ann), &ann));
        assert!(
            !is_theirs(Some(&one("mal")), Some(&ann), &ann),
            "somebody else has it now"
        );
        let several = Match::Several(Vec::new());
        assert!(is_theirs(Some(&several), Some(&ann), &ann));
        assert!(!is_theirs(Some(&several), Some(&mal), &ann));
        assert!(!is_theirs(Some(&several), None, &ann));
        for nobody in [Some(&Match::Nobody), Some(&Match::Unreadable), None] {
            assert!(!is_theirs(nobody, Some(&ann), &ann));
        }
    }
}
