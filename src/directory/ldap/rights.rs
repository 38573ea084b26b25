//! Who may write what, as 389 Directory Server alone tells it: for `relatch check`.
//!
//! Sources: draft-ietf-ldapext-acl-model (control "get effective rights").

use ldap3::Scope;

use super::LdapDirectory;
use super::failure::LdapFailure;
use super::features::Product;
use super::servers::Which;
use super::session::{ANY, LdapSession};
use super::tree::OneEntry;
use crate::directory::{By, self_write};

/// "Get effective rights".
const EFFECTIVE_RIGHTS: &str = "1.3.6.1.4.1.42.2.27.9.5.2";

/// The attributes that list the members of a group.
const MEMBER_LISTS: [&str; 3] = ["member", "uniqueMember", "memberUid"];

/// The rights to one attribute: its name and letters such as `rscw`.
type AttributeRights = (String, String);

/// The rights of an account to attributes of one entry; None where the server names none at all.
async fn effective_rights(
    session: &LdapSession,
    place: (&str, Scope, &str),
    account: &str,
    attributes: &[&str],
) -> Result<Option<Vec<AttributeRights>>, LdapFailure> {
    let control = (EFFECTIVE_RIGHTS, format!("dn:{account}").into_bytes());
    let found = session.search_with(control, place, attributes, 2).await?;
    // Several entries would make it unclear whose rights are told.
    let told = found
        .entries
        .iter()
        .filter(|_| !found.is_cut)
        .flat_map(|entry| entry.all("attributeLevelRights"));
    let rights: Vec<AttributeRights> = told
        .flat_map(|all| all.split(", "))
        .filter_map(|one| one.split_once(':'))
        .map(|(name, letters)| (name.to_owned(), letters.to_owned()))
        .collect();
    Ok(Some(rights).filter(|rights| !rights.is_empty()))
}

/// Whether an account may write an attribute of the entry that the filter finds.
pub(super) async fn may_write(
    session: &LdapSession,
    base: &str,
    filter: &str,
    account: &str,
    attribute: &str,
) -> Result<bool, LdapFailure> {
    let place = (base, Scope::Subtree, filter);
    let rights = effective_rights(session, place, account, &[attribute]).await?;
    let mut own_rights = rights
        .iter()
        .flatten()
        .filter(|(name, _)| name == attribute);
    Ok(own_rights.any(|(_, letters)| letters != "none" && letters.contains('w')))
}

impl LdapDirectory {
    /// What the account of the settings may write of its own entry and of the groups of the settings, and by which names it
    /// can get a role.
    pub(super) async fn warnings_of_check_account(&self) -> Vec<String> {
        let settings = &self.tree.settings;
        let Some(email) = &settings.check_account else {
            return vec![self_write::unknown(self_write::NOBODY_NAMED)];
        };
        let by = By::Email(email.clone());
        let by = &by;
        let asked = self.servers.ask(Which::Any, |session| async move {
            let features = self.servers.features(&session).await?;
            Ok((features, self.one(&session, by).await?))
        });
        let (session, features, entry) = match asked.await {
            Ok((session, (features, OneEntry::Found(entry)))) => (session, features, entry),
            Ok((_, (_, OneEntry::Not(_)))) => {
                return vec![self_write::unknown(self_write::NOT_FOUND)];
            }
            Err(failure) => return vec![self_write::unknown(&failure.to_string())],
        };
        let session: &LdapSession = &session;
        let account = email.masked();
        let mut warnings = self.warnings_of_names(session, &entry, &account).await;
        if features.product != Product::Server389 {
            warnings.push(self_write::unknown("this server does not tell"));
            return warnings;
        }
        let mut report = self_write::Report::new(email);
        let mut trusted = settings.attributes.trusted();
        // `memberUid` lists members by it, and on this server the right to write it is the right to rename the entry.
        trusted.push("uid");
        report.note_entry(writable(session, &entry.dn, &entry.dn, &trusted).await);
        for group in settings.groups.all() {
            let told = writable(session, group, &entry.dn, &MEMBER_LISTS).await;
            report.note_group(group, told);
        }
        warnings.extend(report.warnings());
        warnings
    }
}

/// Which of these attributes of an entry an account may write: `w` is the right to any value, `W` to add or remove the
/// account's own DN.
async fn writable(
    session: &LdapSession,
    dn: &str,
    account: &str,
    attributes: &[&str],
) -> Result<Vec<String>, String> {
    // Seen on 2.3.1: code 50 for every other account, also with the right to read `aci`.
    const NEEDED: &str = "389 Directory Server tells the rights of others only to its Directory Manager, who can ask for them with \
        ldapsearch and the control 1.3.6.1.4.1.42.2.27.9.5.2";
    let place = (dn, Scope::Base, ANY);
    let rights = match effective_rights(session, place, account, attributes).await {
        Ok(Some(rights)) => rights,
        Ok(None) => return Err(format!("the server tells no rights; {NEEDED}")),
        Err(failure) => return Err(format!("{failure}; {NEEDED}")),
    };
    let may_write = |name: &str| {
        let mut own = rights
            .iter()
            .filter(|(told, _)| told.eq_ignore_ascii_case(name));
        own.any(|(_, letters)| letters != "none" && letters.contains(['w', 'W']))
    };
    Ok(attributes
        .iter()
        .filter(|name| may_write(name))
        .map(|name| (*name).to_owned())
        .collect())
}
