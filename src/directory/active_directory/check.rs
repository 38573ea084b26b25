//! For `relatch check`: whether relatch's account has the rights that a reset needs, and whether members can write what
//! relatch trusts.

use ldap3::Scope;

use super::own_rights::writable;
use super::sid::Sid;
use super::{ActiveDirectory, protection};
use crate::directory::check_account::found_one;
use crate::directory::ldap::{LdapSession, OneEntry, Which, capabilities};
use crate::directory::{Backend, By, self_write};
use crate::settings::Finding;

/// The attribute that lists the members of a group.
const MEMBER: &str = "member";

/// Tries the rights on the account of the settings. The server tells the right to force a change, but not the right to set
/// a password, which is given together with it.
pub(super) async fn probe(directory: &ActiveDirectory) -> Result<(), Finding> {
    let tree = &directory.tree;
    for (which, url) in directory.servers.each() {
        let probed = probe_server(directory, which).await;
        probed.map_err(|found| Finding::of(found.key, format!("{url}: {}", found.text)))?;
    }
    let Some(email) = &tree.settings.check_account else {
        return Ok(());
    };
    let by = By::Email(email.clone());
    let by = &by;
    let asked = directory.servers.ask(Which::Any, |session| async move {
        Ok(directory.one(&session, by).await)
    });
    let (session, found) = asked.await?;
    if let Ok(OneEntry::Found(entry)) = found {
        let tokens = protection::token_groups(&session, &entry.dn).await;
        tokens.map_err(|_logged| {
            let told = format!(
                "the groups (tokenGroups) of {} cannot be read: {}",
                email.masked(),
                protection::TOKEN_RIGHT
            );
            Finding::of("bind_dn", told)
        })?;
    }
    found_one(directory.find(std::slice::from_ref(by)).await, email)?;
    let (base, filter) = (
        &tree.settings.base,
        directory.filter(by).unwrap_or_default(),
    );
    let wanted = ["allowedAttributesEffective"];
    let found = session
        .search(base, Scope::Subtree, &filter, &wanted, 2)
        .await;
    let found = found?;
    let may_write = |name: &str| {
        let mut rights = found
            .entries
            .iter()
            .flat_map(|entry| entry.all("allowedAttributesEffective"));
        rights.any(|own| own.eq_ignore_ascii_case(name))
    };
    let missing: Vec<&str> = ["pwdLastSet", "lockoutTime"]
        .into_iter()
        .filter(|name| !may_write(name))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        let told = format!(
            "relatch's account may not write {} of {}; let it reset passwords there",
            missing.join(" and "),
            email.masked()
        );
        Err(Finding::of("bind_dn", told))
    }
}

async fn probe_server(directory: &ActiveDirectory, which: Which) -> Result<(), Finding> {
    let asked = directory
        .servers
        .ask(which, |session| async move { capabilities(&session).await });
    let (session, capabilities) = asked.await?;
    if capabilities.is_read_only_domain_controller() {
        let told = "it is a read-only domain controller, which takes no change; use a writable one";
        return Err(Finding::of("url", told));
    }
    directory.tree.probe_places(&session).await
}

/// What the account of the settings may write of its own entry and of the groups of the settings.
pub(super) async fn warnings(directory: &ActiveDirectory) -> Vec<String> {
    let settings = &directory.tree.settings;
    let Some(email) = &settings.check_account else {
        return vec![self_write::unknown(self_write::NOBODY_NAMED)];
    };
    let by = By::Email(email.clone());
    let by = &by;
    let asked = directory.servers.ask(Which::Any, |session| async move {
        directory.one(&session, by).await
    });
    let (session, entry) = match asked.await {
        Ok((session, OneEntry::Found(entry))) => (session, entry),
        Ok((_, OneEntry::Not(_))) => {
            return vec![self_write::unknown(self_write::NOT_FOUND)];
        }
        Err(failure) => return vec![self_write::unknown(&failure.to_string())],
    };
    let own = entry.first_bytes("objectSid").and_then(Sid::read);
    let tokens = protection::token_groups(&session, &entry.dn).await;
    let (Some(own), Ok(mut who)) = (own, tokens) else {
        return vec![self_write::unknown(
            "the groups of the account cannot be read",
        )];
    };
    who.extend([own, Sid::everyone(), Sid::authenticated_users()]);

    let session: &LdapSession = &session;
    let mut report = self_write::Report::new(email);
    for group in settings.groups.all() {
        report.note_group(group, writable(session, group, &who, &[MEMBER]).await);
    }
    who.push(Sid::itself());
    let trusted = settings.attributes.trusted();
    report.note_entry(writable(session, &entry.dn, &who, &trusted).await);
    report.warnings()
}
