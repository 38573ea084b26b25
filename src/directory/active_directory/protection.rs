//! Who must not be reset in Active Directory: by `adminCount`, by their own identifier, and by every group they are in.
//!
//! Three sources are needed, because each leaves something out:
//! - `tokenGroups` has all security groups, the primary group and nested ones included, but no distribution groups.
//! - `memberOf` with the rule "in chain" has distribution groups too, but neither the primary group nor what that is in.
//! - `adminCount` is set by Windows up to an hour late, and by Samba never.
//!
//! Sources: [MS-ADTS] 3.1.1.4.5.19 (tokenGroups), 2.2.12 (groupType), 3.1.1.3.4.4.3 (the rule
//! "in chain"),
//! 3.1.1.3.1.2.4 (names such as `<SID=S-1-5-…>`).

use ldap3::{Scope, ldap_escape};

use super::sid::Sid;
use crate::directory::Unavailable;
use crate::directory::ldap_common::{ANY, Entry, Groups, Session, Tree, Trouble, role_of};
use crate::domain::Role;

/// Members of a group, also through other groups.
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// What is read of every entry for this. `tokenGroups` is not among it: only a search of the entry itself has it.
pub(super) const OWN: [&str; 3] = ["adminCount", "objectSid", "primaryGroupID"];

/// The right that relatch's account needs for `tokenGroups`, in words for operators.
pub(super) const TOKEN_RIGHT: &str = "relatch's account needs the right to read the property tokenGroups (b7c69e6d-2cc7-11d2-854e-00a0c983f608) of users";

/// What an entry's groups give it.
pub(super) struct Belonging {
    pub(super) role: Role,
    pub(super) is_protected: bool,
}

/// Why it cannot be said what an entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclear {
    /// The server does not answer, or a group of the settings cannot be read.
    Unavailable,
    /// Something of this entry cannot be read; others may well be.
    Unreadable,
}

impl From<Unavailable> for Unclear {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// Reads what an entry belongs to. Where that cannot be seen, nobody can say that it is not protected.
pub(super) async fn read(
    tree: &Tree,
    session: &mut Session,
    entry: &Entry,
) -> Result<Belonging, Unclear> {
    let own = entry.first_bytes("objectSid").and_then(Sid::read);
    let own = own.ok_or_else(|| unreadable(tree, entry, "objectSid"))?;
    let is_marked =
        entry.number("adminCount").unwrap_or_default() > 0 || own.is_privileged_account();
    let tokens = match token_groups(tree, session, entry).await {
        Ok(tokens) => tokens,
        // Protected whatever the groups are; without them an administrator has less of a right, never more.
        Err(_) if is_marked => Vec::new(),
        Err(Unclear::Unavailable) => return Err(Unclear::Unavailable),
        Err(Unclear::Unreadable) => {
            tracing::error!(
                needed = TOKEN_RIGHT,
                "the groups of a member cannot be read"
            );
            return Err(unreadable(tree, entry, "tokenGroups"));
        }
    };
    let primary = entry
        .number("primaryGroupID")
        .and_then(|id| own.beside(u32::try_from(id).ok()?));
    let primary = primary.ok_or_else(|| unreadable(tree, entry, "primaryGroupID"))?;
    let person = Person {
        dn: &entry.dn,
        tokens: &tokens,
        primary: &primary,
    };

    let Groups {
        protected,
        primary_admin,
        member_and_department,
    } = &tree.config.groups;
    let mut belongs = [false; 3];
    for (place, groups) in belongs
        .iter_mut()
        .zip([protected, primary_admin, member_and_department])
    {
        for group in groups {
            *place |= person.is_in(tree, session, group).await?;
        }
    }
    let [is_in_protected, is_primary, is_delegated] = belongs;
    let is_protected = is_marked || is_in_protected || tokens.iter().any(Sid::is_privileged_group);
    Ok(Belonging {
        role: role_of(is_primary, is_delegated),
        is_protected,
    })
}

/// The security groups of an entry. There is always one, the primary group, so none means that they cannot be seen.
pub(super) async fn token_groups(
    tree: &Tree,
    session: &mut Session,
    entry: &Entry,
) -> Result<Vec<Sid>, Unclear> {
    let found = session
        .search(&entry.dn, Scope::Base, ANY, &["tokenGroups"], 1)
        .await;
    let found = found.map_err(|trouble| tree.unavailable(&trouble))?;
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

fn unreadable(tree: &Tree, entry: &Entry, attribute: &str) -> Unclear {
    tracing::error!(
        directory = tree.config.name,
        dn = entry.dn,
        attribute,
        "an attribute of a member cannot be read, so nobody resets them"
    );
    Unclear::Unreadable
}

/// Whose membership is looked at.
struct Person<'a> {
    dn: &'a str,
    tokens: &'a [Sid],
    primary: &'a Sid,
}

impl Person<'_> {
    /// True where the person is in a group of the settings.
    async fn is_in(
        &self,
        tree: &Tree,
        session: &mut Session,
        group: &str,
    ) -> Result<bool, Unclear> {
        let cannot = |trouble: Option<Trouble>| {
            tracing::error!(
                directory = tree.config.name,
                group,
                "a group of the settings, or who is in it, cannot be read"
            );
            trouble.map_or(Unavailable, |trouble| tree.unavailable(&trouble))
        };
        let found = session
            .search(group, Scope::Base, ANY, &["objectSid", "groupType"], 1)
            .await;
        let found = found.map_err(|trouble| cannot(Some(trouble)))?;
        let found = found.entries.first().ok_or_else(|| cannot(None))?;
        let sid = found
            .first_bytes("objectSid")
            .and_then(Sid::read)
            .ok_or_else(|| cannot(None))?;
        if self.tokens.contains(&sid) {
            return Ok(true);
        }
        let mut is_found = async |base: &str, filter: &str| {
            let found = session.search(base, Scope::Base, filter, &["1.1"], 1).await;
            found
                .map(|found| !found.entries.is_empty())
                .map_err(|trouble| cannot(Some(trouble)))
        };
        if is_found(
            self.dn,
            &format!("(memberOf:{IN_CHAIN}:={})", ldap_escape(group)),
        )
        .await?
        {
            return Ok(true);
        }
        // Bit 31 of groupType makes a security group, whose members tokenGroups names. In any other group only the lists of
        // members tell who is in it; a list that cannot be seen, or is empty, protects nobody.
        let is_security_group = found.number("groupType").is_some_and(|kind| kind < 0);
        if is_security_group {
            return Ok(false);
        }
        if !is_found(group, "(member=*)").await? {
            return Err(cannot(None).into());
        }
        let primary = session
            .search(
                &format!("<SID={}>", self.primary),
                Scope::Base,
                ANY,
                &["1.1"],
                1,
            )
            .await;
        let primary = primary.map_err(|trouble| cannot(Some(trouble)))?;
        let primary = primary.entries.first().ok_or_else(|| {
            let name = &tree.config.name;
            tracing::error!(
                directory = name,
                dn = self.dn,
                "the primary group of a member cannot be read"
            );
            Unclear::Unreadable
        })?;
        let (own, primary) = (ldap_escape(self.dn), ldap_escape(primary.dn.as_str()));
        let listed = format!("(|(member:{IN_CHAIN}:={own})(member:{IN_CHAIN}:={primary}))");
        let listed = session
            .search(group, Scope::Base, &listed, &["1.1"], 1)
            .await;
        Ok(!listed
            .map_err(|trouble| cannot(Some(trouble)))?
            .entries
            .is_empty())
    }
}
