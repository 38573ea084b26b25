//! By which names a member is in a group: the DN, and the user names that groups of Unix list (RFC 2307).

use ldap3::{Scope, ldap_escape};

use super::entry::LdapEntry;
use super::groups::MembershipFilters;
use super::session::LdapSession;
use super::{LdapDirectory, rdn};
use crate::directory::Unavailable;
use crate::domain::Role;

/// How many user names of one entry are looked up for a role.
const USER_NAMES: usize = 8;

/// How many entries with the same user name are looked at. Where there are more, the name gives nobody a role.
const NAMESAKES: usize = 100;

impl LdapDirectory {
    /// The member's role, and whether a group protects the account.
    pub(super) async fn role_and_protection(
        &self,
        session: &mut LdapSession,
        entry: &LdapEntry,
    ) -> Result<(Role, bool), Unavailable> {
        let own = self.own_user_names(session, entry).await?;
        let filters = MembershipFilters {
            protecting: &membership(entry, user_names(entry).iter().map(String::as_str)),
            giving_a_role: &membership(entry, own),
        };
        self.tree.role_and_protection(session, filters).await
    }

    /// The user names that can give the entry a role: those in its RDN, unless another entry below the base has the same name
    /// in its RDN. Other values that a member writes into `uid` give no role: neither the name of somebody who left, nor
    /// that of a colleague, who keeps the role. Nothing is asked where no group gives one.
    async fn own_user_names<'a>(
        &self,
        session: &mut LdapSession,
        entry: &'a LdapEntry,
    ) -> Result<Vec<&'a str>, Unavailable> {
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
                "so many user names give no role"
            );
            return Ok(own);
        }
        for uid in named {
            let filter = format!("(uid={})", ldap_escape(uid));
            let found = session
                .search(&settings.base, Scope::Subtree, &filter, &["1.1"], NAMESAKES)
                .await;
            let found = found.map_err(|failure| self.tree.unavailable(&failure))?;
            let (itself, others): (Vec<&LdapEntry>, Vec<&LdapEntry>) =
                found.entries.iter().partition(|found| found.dn == entry.dn);
            // An entry that has the name only in `uid` does not count; one whose RDN cannot be read might have it there.
            let has_namesake = others
                .iter()
                .any(|other| rdn::user_names(&other.dn).is_none() || is_named(other, uid));
            if !itself.is_empty() && !has_namesake && !found.is_cut {
                own.push(uid);
            } else {
                tracing::warn!(
                    directory = settings.name(),
                    dn = entry.dn,
                    "a user name that others have gives no role"
                );
            }
        }
        Ok(own)
    }

    /// For `relatch check`: where a group gives a role by user names, but the RDNs of entries hold none.
    pub(super) async fn warnings_of_names(
        &self,
        session: &mut LdapSession,
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
