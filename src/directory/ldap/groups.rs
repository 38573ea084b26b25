//! Role and protection by the groups of the settings.

use futures_util::future::try_join_all;

use super::code;
use super::failure::LdapFailure;
use super::session::LdapSession;
use super::tree::Tree;
use crate::domain::Role;

/// Finds a group whose members can be read, of whatever kind it is (RFC 4519, RFC 2307).
pub(super) const HAS_MEMBERS: &str = "(|(member=*)(uniqueMember=*)(memberUid=*))";

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

/// True where a group that is there matches the filter. lldap answers `noSuchObject` to a base search whose filter does
/// not match; of an entry that is there, that means the same as no result.
async fn is_member(session: &LdapSession, group: &str, filter: &str) -> Result<bool, LdapFailure> {
    let not_there = LdapFailure::Refused {
        code: code::NO_SUCH_OBJECT,
    };
    match session.matches(group, filter).await {
        Err(failure) if failure == not_there => Ok(false),
        answer => answer,
    }
}

impl Tree {
    /// True where one of the groups matches the filter. All are asked at once. A group of the settings that cannot be read
    /// makes the directory useless: nobody can say whom it would have protected.
    pub(super) async fn is_in_any(
        &self,
        session: &LdapSession,
        groups: &[String],
        is_group: &str,
        filter: &str,
    ) -> Result<bool, LdapFailure> {
        let each = groups
            .iter()
            .map(|group| self.is_in(session, group, is_group, filter));
        Ok(try_join_all(each).await?.contains(&true))
    }

    async fn is_in(
        &self,
        session: &LdapSession,
        group: &str,
        is_group: &str,
        filter: &str,
    ) -> Result<bool, LdapFailure> {
        let (is_group, is_in) = tokio::join!(
            session.matches(group, is_group),
            is_member(session, group, filter)
        );
        let is_in = match is_group {
            Ok(true) => is_in,
            Ok(false) => Err(LdapFailure::NoGroup),
            Err(failure) => Err(failure),
        };
        is_in.inspect_err(|_| self.log_unreadable_group(group))
    }

    pub(in crate::directory) fn log_unreadable_group(&self, group: &str) {
        tracing::error!(
            directory = self.settings.name(),
            group,
            "a group of the settings, or who is in it, cannot be read"
        );
    }
}
