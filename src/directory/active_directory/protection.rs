//! Which accounts of Active Directory must not be reset: by `adminCount`, by their own identifier, and by all their groups.
//!
//! Three sources are needed, because each leaves something out:
//! - `tokenGroups` has all security groups, with the primary group and nested ones, but no distribution groups.
//! - `memberOf` with the rule "in chain" has distribution groups too, but not the primary group and its own groups.
//! - `adminCount` is set by Windows up to an hour late, and by Samba never.
//!
//! Sources: [MS-ADTS] 3.1.1.4.5.19 (tokenGroups), 2.2.12 (groupType), 3.1.1.3.4.4.3 (the rule "in chain"), 3.1.1.3.1.2.4
//! (names such as `<SID=S-1-5-…>`).

use futures_util::future::try_join_all;
use ldap3::{Scope, ldap_escape};

use super::sid::Sid;
use crate::directory::ldap::{ANY, Groups, LdapEntry, LdapFailure, LdapSession, Tree, role_of};
use crate::domain::Role;

/// Members of a group, also through other groups.
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// What is read of every entry for this. `tokenGroups` is not among it: only a search with scope base returns it.
pub(super) const OWN: [&str; 3] = ["adminCount", "objectSid", "primaryGroupID"];

/// The right that relatch's account needs for `tokenGroups`, in words for operators.
pub(super) const TOKEN_RIGHT: &str = "relatch's account needs the right to read the property tokenGroups (b7c69e6d-2cc7-11d2-854e-00a0c983f608) of users";

/// What an account's groups mean for it.
pub(super) struct RoleAndProtection {
    pub(super) role: Role,
    pub(super) is_protected: bool,
}

/// Why the groups of an account are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unclear {
    /// The server does not answer, or a group of the settings cannot be read.
    Failed(LdapFailure),
    /// Something of this entry cannot be read; other entries may be readable.
    Unreadable,
}

impl From<LdapFailure> for Unclear {
    fn from(failure: LdapFailure) -> Self {
        Self::Failed(failure)
    }
}

/// Reads the groups of an account, all at once but for lists of members. Where they cannot be read, the account may be
/// protected, so this fails.
pub(super) async fn read(
    tree: &Tree,
    session: &LdapSession,
    entry: &LdapEntry,
) -> Result<RoleAndProtection, Unclear> {
    let own = entry.first_bytes("objectSid").and_then(Sid::read);
    let own = own.ok_or_else(|| unreadable(tree, entry, "objectSid"))?;
    let is_marked =
        entry.number("adminCount").unwrap_or_default() > 0 || own.is_privileged_account();
    let primary = entry
        .number("primaryGroupID")
        .and_then(|id| own.beside(u32::try_from(id).ok()?));
    let primary = primary.ok_or_else(|| unreadable(tree, entry, "primaryGroupID"))?;
    let Groups {
        protected,
        primary_admin,
        member_and_department,
    } = &tree.settings.groups;
    let facts = |groups| facts(tree, session, &entry.dn, groups);
    let (tokens, protected, primary_admin, member_and_department) = tokio::join!(
        token_groups(session, &entry.dn),
        facts(protected),
        facts(primary_admin),
        facts(member_and_department)
    );
    let tokens = match tokens {
        Ok(tokens) => tokens,
        // Protected whatever its groups are. Without them an administrator has fewer rights, never more.
        Err(_) if is_marked => Vec::new(),
        Err(Unclear::Failed(failure)) => return Err(failure.into()),
        Err(Unclear::Unreadable) => {
            tracing::error!(
                needed = TOKEN_RIGHT,
                "the groups of a member cannot be read"
            );
            return Err(unreadable(tree, entry, "tokenGroups"));
        }
    };
    let account = AccountGroups {
        dn: &entry.dn,
        tokens: &tokens,
        primary: &primary,
    };
    let (protected, primary_admin, member_and_department) =
        (protected?, primary_admin?, member_and_department?);
    let (is_in_protected, is_primary, is_delegated) = tokio::try_join!(
        account.is_in_any(tree, session, &protected),
        account.is_in_any(tree, session, &primary_admin),
        account.is_in_any(tree, session, &member_and_department)
    )?;
    Ok(RoleAndProtection {
        role: role_of(is_primary, is_delegated),
        is_protected: is_marked || is_in_protected || tokens.iter().any(Sid::is_privileged_group),
    })
}

/// The security groups of an entry. Every account has a primary group, so an empty list means that they cannot be read.
pub(super) async fn token_groups(session: &LdapSession, dn: &str) -> Result<Vec<Sid>, Unclear> {
    let found = session
        .search(dn, Scope::Base, ANY, &["tokenGroups"], 1)
        .await?;
    let values = found
        .entries
        .first()
        .map(|found| found.all_bytes("tokenGroups"))
        .unwrap_or_default();
    let tokens: Option<Vec<Sid>> = values.into_iter().map(Sid::read).collect();
    tokens
        .filter(|tokens| !tokens.is_empty())
        .ok_or(Unclear::Unreadable)
}

fn unreadable(tree: &Tree, entry: &LdapEntry, attribute: &str) -> Unclear {
    tracing::error!(
        directory = tree.settings.name(),
        dn = entry.dn,
        attribute,
        "an attribute of a member cannot be read, so nobody resets them"
    );
    Unclear::Unreadable
}

/// What is asked of a group of the settings whatever the account's other groups are.
struct GroupFacts<'a> {
    dn: &'a str,
    sid: Sid,
    is_security_group: bool,
    /// The account is in it by the rule "in chain".
    has_account: bool,
}

async fn facts<'a>(
    tree: &Tree,
    session: &LdapSession,
    account: &str,
    groups: &'a [String],
) -> Result<Vec<GroupFacts<'a>>, LdapFailure> {
    let each = groups.iter().map(|group| async move {
        let in_chain = format!("(memberOf:{IN_CHAIN}:={})", ldap_escape(group.as_str()));
        let wanted = ["objectSid", "groupType"];
        let (found, has_account) = tokio::join!(
            session.search(group, Scope::Base, ANY, &wanted, 1),
            session.matches(account, &in_chain)
        );
        let read = found.and_then(|found| {
            let found = found.entries.first().ok_or(LdapFailure::NoGroup)?;
            let sid = found.first_bytes("objectSid").and_then(Sid::read);
            // Bit 31 of groupType.
            let is_security_group = found.number("groupType").is_some_and(|kind| kind < 0);
            Ok((sid.ok_or(LdapFailure::NoGroup)?, is_security_group))
        });
        let (sid, is_security_group) = read.inspect_err(|_| tree.log_unreadable_group(group))?;
        Ok(GroupFacts {
            dn: group,
            sid,
            is_security_group,
            // An account that was moved meanwhile is not where it was, which is no fault of the group.
            has_account: has_account?,
        })
    });
    try_join_all(each).await
}

/// The groups of one account, as the server tells them.
struct AccountGroups<'a> {
    dn: &'a str,
    tokens: &'a [Sid],
    primary: &'a Sid,
}

impl AccountGroups<'_> {
    async fn is_in_any(
        &self,
        tree: &Tree,
        session: &LdapSession,
        groups: &[GroupFacts<'_>],
    ) -> Result<bool, Unclear> {
        let each = groups.iter().map(|group| self.is_in(tree, session, group));
        Ok(try_join_all(each).await?.contains(&true))
    }

    async fn is_in(
        &self,
        tree: &Tree,
        session: &LdapSession,
        group: &GroupFacts<'_>,
    ) -> Result<bool, Unclear> {
        if group.has_account || self.tokens.contains(&group.sid) {
            return Ok(true);
        }
        // `tokenGroups` names the members of security groups. In any other group only the lists of members tell who is in it.
        if group.is_security_group {
            return Ok(false);
        }
        let is_listed = self.is_listed(tree, session, group.dn).await;
        is_listed.inspect_err(|_| tree.log_unreadable_group(group.dn))
    }

    /// True where the account or its primary group is among the members. A list that cannot be read, or is empty, would
    /// protect nobody.
    async fn is_listed(
        &self,
        tree: &Tree,
        session: &LdapSession,
        group: &str,
    ) -> Result<bool, Unclear> {
        let primary = format!("<SID={}>", self.primary);
        let (has_members, primary) = tokio::try_join!(
            session.matches(group, "(member=*)"),
            session.search(&primary, Scope::Base, ANY, &["1.1"], 1)
        )?;
        if !has_members {
            return Err(LdapFailure::NoGroup.into());
        }
        let primary = primary.entries.first().ok_or_else(|| {
            tracing::error!(
                directory = tree.settings.name(),
                dn = self.dn,
                "the primary group of a member cannot be read"
            );
            Unclear::Unreadable
        })?;
        let (own, primary) = (ldap_escape(self.dn), ldap_escape(primary.dn.as_str()));
        let listed = format!("(|(member:{IN_CHAIN}:={own})(member:{IN_CHAIN}:={primary}))");
        Ok(session.matches(group, &listed).await?)
    }
}
