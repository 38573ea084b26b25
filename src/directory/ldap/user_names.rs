//! By which names a member is in a group: the DN, and the user names that groups of Unix list (RFC 2307).

use futures_util::future::try_join_all;
use ldap3::{Scope, ldap_escape};

use super::config::Groups;
use super::entry::LdapEntry;
use super::failure::LdapFailure;
use super::groups::{HAS_MEMBERS, role_of};
use super::session::{ANY, LdapSession};
use super::{LdapDirectory, rdn};
use crate::domain::Role;

/// How many user names of one entry are looked up for a role.
const USER_NAMES: usize = 8;

/// How many entries with the same user name are looked at. Where there are more, the name gives nobody a role.
const NAMESAKES: usize = 100;

impl LdapDirectory {
    /// The member's role, and whether a group protects the account. Everything is asked at once, but for who has a role only by
    /// a name that is not surely their own.
    pub(super) async fn role_and_protection(
        &self,
        session: &LdapSession,
        entry: &LdapEntry,
    ) -> Result<(Role, bool), LdapFailure> {
        let Groups {
            protected,
            primary_admin,
            member_and_department,
        } = &self.tree.settings.groups;
        let tree = &self.tree;
        let by_all = membership(entry, user_names(entry).iter().map(String::as_str));
        let (own, is_protected, is_primary, is_delegated) = tokio::try_join!(
            self.own_user_names(session, entry),
            tree.is_in_any(session, protected, HAS_MEMBERS, &by_all),
            tree.is_in_any(session, primary_admin, ANY, &by_all),
            tree.is_in_any(session, member_and_department, ANY, &by_all)
        )?;
        let by_own = membership(entry, own);
        if by_own == by_all || !(is_primary || is_delegated) {
            return Ok((role_of(is_primary, is_delegated), is_protected));
        }
        let (is_surely_primary, is_surely_delegated) = tokio::try_join!(
            tree.is_in_any(session, primary_admin, ANY, &by_own),
            tree.is_in_any(session, member_and_department, ANY, &by_own)
        )?;
        // Somebody who copies an administrator's user name gets no role by it. The real administrator would lose theirs, and
        // with it the rule that keeps delegated administrators from resetting them: so both are protected.
        let is_unclear =
            (is_primary && !is_surely_primary) || (is_delegated && !is_surely_delegated);
        Ok((
            role_of(is_surely_primary, is_surely_delegated),
            is_protected || is_unclear,
        ))
    }

    /// The user names that can give the entry a role: those in its RDN, unless another entry below the base has the same name
    /// in its RDN. Other values that a member writes into `uid` give no role: neither the name of somebody who left, nor
    /// that of a colleague, who keeps the role. Nothing is asked where no group gives one.
    async fn own_user_names<'a>(
        &self,
        session: &LdapSession,
        entry: &'a LdapEntry,
    ) -> Result<Vec<&'a str>, LdapFailure> {
        let settings = &self.tree.settings;
        let mut own = Vec::new();
        if settings.groups.giving_a_role().next().is_none() {
            return Ok(own);
        }
        let named: Vec<&str> = entry
            .all("uid")
            .iter()
            .map(String::as_str)
            .filter(|uid| is_named(entry, uid))
            .collect();
        // Each costs a search.
        if named.len() > USER_NAMES {
            tracing::warn!(
                directory = settings.name(),
                dn = entry.dn,
                "an entry has too many user names; none of them gives a role"
            );
            return Ok(own);
        }
        let asked = named.into_iter().map(|uid| async move {
            let is_own = self.is_nobody_elses(session, entry, uid).await?;
            Ok::<_, LdapFailure>(is_own.then_some(uid))
        });
        own.extend(try_join_all(asked).await?.into_iter().flatten());
        Ok(own)
    }

    async fn is_nobody_elses(
        &self,
        session: &LdapSession,
        entry: &LdapEntry,
        uid: &str,
    ) -> Result<bool, LdapFailure> {
        let settings = &self.tree.settings;
        let filter = format!("(uid={})", ldap_escape(uid));
        let found = session
            .search(&settings.base, Scope::Subtree, &filter, &["1.1"], NAMESAKES)
            .await?;
        let (itself, others): (Vec<&LdapEntry>, Vec<&LdapEntry>) =
            found.entries.iter().partition(|found| found.dn == entry.dn);
        // An entry that has the name only in `uid` does not count; one whose RDN cannot be read might have it there.
        let has_namesake = others
            .iter()
            .any(|other| rdn::user_names(&other.dn).is_none() || is_named(other, uid));
        let is_own = !itself.is_empty() && !has_namesake && !found.is_cut;
        if !is_own {
            tracing::warn!(
                directory = settings.name(),
                dn = entry.dn,
                "a user name that others have gives no role"
            );
        }
        Ok(is_own)
    }

    /// For `relatch check`: where a group gives a role by user names, but the RDNs of entries hold none.
    pub(super) async fn warnings_of_names(
        &self,
        session: &LdapSession,
        entry: &LdapEntry,
        account: &str,
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        if rdn::user_names(&entry.dn).is_some_and(|names| !names.is_empty()) {
            return warnings;
        }
        for group in self.tree.settings.groups.giving_a_role() {
            if session.matches(group, "(memberUid=*)").await == Ok(true) {
                warnings.push(format!(
                    "memberUid of {group} gives no role to an entry whose DN does not begin with uid=, such as that of \
                    {account}. Use member or uniqueMember"
                ));
            }
        }
        warnings
    }
}

/// True where the RDN of the entry has this user name.
fn is_named(entry: &LdapEntry, uid: &str) -> bool {
    rdn::user_names(&entry.dn).is_some_and(|names| names.iter().any(|name| rdn::is_same(name, uid)))
}

/// All user names that can protect the entry: `uid`, and those in its RDN, because `uid` may not be readable.
fn user_names(entry: &LdapEntry) -> Vec<String> {
    let mut names = entry.all("uid").to_vec();
    for name in rdn::user_names(&entry.dn).unwrap_or_default() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Finds a group of which the entry is a member: by its DN, or by one of these user names.
fn membership<'a>(entry: &LdapEntry, user_names: impl IntoIterator<Item = &'a str>) -> String {
    let dn = ldap_escape(entry.dn.as_str());
    let mut any = vec![format!("(member={dn})"), format!("(uniqueMember={dn})")];
    any.extend(
        user_names
            .into_iter()
            .map(|uid| format!("(memberUid={})", ldap_escape(uid))),
    );
    format!("(|{})", any.concat())
}
