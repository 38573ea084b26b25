//! By which names a member is in a group: the DN, and the user names that groups of Unix list (RFC 2307).

use ldap3::{Scope, ldap_escape};

use super::LdapDirectory;
use super::entry::LdapEntry;
use super::groups::MembershipFilters;
use super::session::LdapSession;
use crate::directory::Unavailable;
use crate::domain::Role;

/// How many user names of one entry are looked up for a role.
const USER_NAMES: usize = 8;

impl LdapDirectory {
    /// The member's role, and whether a group protects the account.
    pub(super) async fn role_and_protection(
        &self,
        session: &mut LdapSession,
        entry: &LdapEntry,
    ) -> Result<(Role, bool), Unavailable> {
        let own = self.own_user_names(session, entry).await?;
        let filters = MembershipFilters {
            protecting: &membership(entry, entry.all("uid").iter().map(String::as_str)),
            giving_a_role: &membership(entry, own),
        };
        self.tree.role_and_protection(session, filters).await
    }

    /// The user names of the entry that no other entry has: whoever writes somebody else's name into their own entry gets no
    /// role by it. Nothing is asked where no group gives a role.
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
        // Each costs a search, and a member may be able to write as many as they like.
        if entry.all("uid").len() > USER_NAMES {
            tracing::warn!(
                directory = settings.name(),
                dn = entry.dn,
                "so many user names give no role"
            );
            return Ok(own);
        }
        for uid in entry.all("uid") {
            let filter = format!("(uid={})", ldap_escape(uid.as_str()));
            let found = session
                .search(&settings.base, Scope::Subtree, &filter, &["1.1"], 2)
                .await;
            let found = found.map_err(|failure| self.tree.unavailable(&failure))?;
            let is_own = matches!(&*found.entries, [only] if only.dn == entry.dn) && !found.is_cut;
            if is_own {
                own.push(uid.as_str());
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
