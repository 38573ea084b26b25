//! Role and protection by the groups of the settings.

use super::config::Groups;
use super::failure::LdapFailure;
use super::outcome::code;
use super::session::{ANY, LdapSession};
use super::tree::Tree;
use crate::directory::Unavailable;
use crate::domain::Role;

/// Finds a group whose members can be read, of whatever kind it is (RFC 4519, RFC 2307).
const HAS_MEMBERS: &str = "(|(member=*)(uniqueMember=*)(memberUid=*))";

/// The filters that a group matches if the member is in it.
#[derive(Clone, Copy)]
pub(super) struct MembershipFilters<'a> {
    /// For groups that protect: by every user name that the entry has.
    pub(super) protecting: &'a str,
    /// For groups that give a role: by user names that are surely the member's own.
    pub(super) giving_a_role: &'a str,
}

/// The role that groups give.
pub(in crate::directory) fn role_of(is_primary: bool, is_delegated: bool) -> Role {
    if is_primary {
        Role::PrimaryAdmin
    } else if is_delegated {
        Role::MemberAndDepartment
    } else {
        Role::Member
    }
}

/// True where a group that was just found matches the filter. lldap answers `noSuchObject` to a base search whose filter does
/// not match; of an entry that is there, that means the same as no result.
async fn is_member(
    session: &mut LdapSession,
    group: &str,
    filter: &str,
) -> Result<bool, LdapFailure> {
    let not_there = LdapFailure::Refused {
        code: code::NO_SUCH_OBJECT,
    };
    match session.matches(group, filter).await {
        Err(failure) if failure == not_there => Ok(false),
        answer => answer,
    }
}

impl Tree {
    /// The member's role, and whether a group protects the account.
    pub(super) async fn role_and_protection(
        &self,
        session: &mut LdapSession,
        filters: MembershipFilters<'_>,
    ) -> Result<(Role, bool), Unavailable> {
        let Groups {
            protected,
            primary_admin,
            member_and_department,
        } = &self.settings.groups;
        let MembershipFilters {
            protecting,
            giving_a_role,
        } = filters;
        let is_protected = self
            .is_in_any(session, protected, HAS_MEMBERS, protecting)
            .await?;
        let (mut roles, mut is_unclear) = ([false; 2], false);
        for (has_role, groups) in roles.iter_mut().zip([primary_admin, member_and_department]) {
            *has_role = self.is_in_any(session, groups, ANY, giving_a_role).await?;
            // Somebody who copies an administrator's user name gets no role by it. The real administrator would lose theirs,
            // and with it the rule that keeps delegated administrators from resetting them: so both are protected.
            if protecting != giving_a_role && !*has_role {
                is_unclear |= self.is_in_any(session, groups, ANY, protecting).await?;
            }
        }
        let [is_primary, is_delegated] = roles;
        Ok((
            role_of(is_primary, is_delegated),
            is_protected || is_unclear,
        ))
    }

    /// True where one of the groups matches the filter. A group of the settings that cannot be read makes the directory
    /// unavailable: nobody can say whom it would have protected.
    async fn is_in_any(
        &self,
        session: &mut LdapSession,
        groups: &[String],
        is_group: &str,
        filter: &str,
    ) -> Result<bool, Unavailable> {
        let mut is_in_one = false;
        for group in groups {
            let is_in = match session.matches(group, is_group).await {
                Ok(true) => is_member(session, group, filter).await,
                Ok(false) => {
                    self.log_unreadable_group(group);
                    return Err(Unavailable::ForNow);
                }
                Err(failure) => Err(failure),
            };
            is_in_one |= is_in.map_err(|failure| {
                self.log_unreadable_group(group);
                self.unavailable(&failure)
            })?;
        }
        Ok(is_in_one)
    }

    pub(in crate::directory) fn log_unreadable_group(&self, group: &str) {
        tracing::error!(
            directory = self.settings.name(),
            group,
            "a group of the settings, or who is in it, cannot be read"
        );
    }
}
