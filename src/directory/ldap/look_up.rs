//! Looks members up: what a card needs, and what a change needs right before it.

use std::sync::Arc;

use ldap3::ldap_escape;

use super::LdapDirectory;
use super::entry::LdapEntry;
use super::failure::LdapFailure;
use super::features::ServerFeatures;
use super::pool::PooledSession;
use super::prepare::prepared;
use super::servers::Which;
use super::tree::{AccountFlags, OneEntry};
use super::validity::{self, UnreadableTime};
use crate::directory::{Backend, By, Match, ResetFailed, Unavailable};
use crate::domain::{Guard, MemberId, Moment, Status};

/// The value of `pwdAccountLockedTime` of a lock that does not end (slapo-ppolicy(5)).
const LOCKED_FOR_GOOD: &str = "000001010000Z";

/// What is read besides the attributes of the settings.
const OWN: &[&str] = &[
    "uid",
    "entryUUID",
    "nsUniqueId",
    "pwdAccountLockedTime",
    "pwdReset",
    "pwdChangedTime",
    "pwdUpdateTime",
    "pwdStartTime",
    "pwdEndTime",
    "nsAccountLock",
    "passwordExpirationTime",
    "krbPasswordExpiration",
    "krbLastPwdChange",
    "krbPrincipalExpiration",
    "modifyTimestamp",
];

/// What groups know an entry by, besides its DN.
const NAMES: &[&str] = &["uid"];

/// Everything for a change: the connection on which the entry was read a moment ago.
pub(super) struct ReadyForChange {
    pub(super) session: Arc<PooledSession>,
    pub(super) features: ServerFeatures,
    pub(super) entry: LdapEntry,
}

impl LdapDirectory {
    pub(super) fn filter(&self, by: &By, id_attribute: &str) -> Option<String> {
        self.tree.filter(by, |native| {
            Some(format!("({id_attribute}={})", ldap_escape(native)))
        })
    }

    /// The entry that a question finds. Nothing has to be known of the server to look for an e-mail.
    pub(super) async fn one(
        &self,
        session: &PooledSession,
        by: &By,
    ) -> Result<OneEntry, LdapFailure> {
        let id_attribute = match by {
            By::Email(_) => "",
            By::Id(_) => self.servers.features(session).await?.id_attribute(),
        };
        let Some(filter) = self.filter(by, id_attribute) else {
            return Ok(OneEntry::Not(Match::Nobody));
        };
        let attributes = self.tree.attributes(OWN);
        self.tree.one(session, by, &filter, &attributes).await
    }

    /// What a question finds. The groups of an entry that is known are asked for together with it.
    pub(super) async fn match_of(
        &self,
        session: &PooledSession,
        by: &By,
    ) -> Result<Match, LdapFailure> {
        let (found, guess) = match self.known.get(by) {
            Some(names) => {
                let (found, standing) = tokio::join!(
                    self.one(session, by),
                    self.role_and_protection(session, &names)
                );
                (found?, Some((names, standing)))
            }
            None => (self.one(session, by).await?, None),
        };
        let entry = match found {
            OneEntry::Found(entry) => entry,
            OneEntry::Not(other) => return Ok(other),
        };
        let names = entry.only(NAMES);
        let (role, is_protected) = match guess {
            Some((guessed, standing)) if *guessed == names => standing?,
            Some(_) | None => self.role_and_protection(session, &names).await?,
        };
        let Ok(flags) = account_flags(&entry, is_protected, self.clock.now()) else {
            return Ok(Match::Unreadable);
        };
        let native = entry.first(self.servers.features(session).await?.id_attribute());
        let member = native.and_then(|native| self.tree.member(by, native, &entry, role, &flags));
        let Some(member) = member else {
            tracing::warn!(
                directory = self.name(),
                "an entry has no id or no e-mail that can be read"
            );
            return Ok(Match::Nobody);
        };
        self.known.insert(by, &member.id, names);
        Ok(Match::One(Box::new(member)))
    }

    /// The entry of a member, right before or after a change.
    pub(super) async fn read(
        &self,
        which: Which,
        member: &MemberId,
    ) -> Result<(Arc<PooledSession>, Option<LdapEntry>), Unavailable> {
        let by = By::Id(member.clone());
        let by = &by;
        let asked = self
            .servers
            .ask(which, |session| async move { self.one(&session, by).await });
        let (session, found) = asked
            .await
            .map_err(|failure| self.tree.unavailable(&failure))?;
        let entry = found.found();
        if let Some(entry) = &entry {
            self.known.insert(by, member, entry.only(NAMES));
        }
        Ok((session, entry))
    }

    /// Everything for a change of a member; not sent if that takes too long.
    pub(super) async fn prepared(
        &self,
        which: Which,
        member: &MemberId,
    ) -> Result<ReadyForChange, ResetFailed> {
        let look_up = async {
            let (session, entry) = self.read(which, member).await?;
            let features = self.servers.features(&session).await;
            Ok(ReadyForChange {
                features: features.map_err(|failure| self.tree.unavailable(&failure))?,
                entry: entry.ok_or_else(ResetFailed::gone)?,
                session,
            })
        };
        prepared(self.name(), Box::pin(look_up)).await
    }
}

/// Reads the account's state. A lock after failed sign-ins is no reason to refuse: the reset lifts it (Q13).
pub(super) fn account_flags(
    entry: &LdapEntry,
    is_protected: bool,
    now: Moment,
) -> Result<AccountFlags, UnreadableTime> {
    let is_locked = entry.first("pwdAccountLockedTime") == Some(LOCKED_FOR_GOOD)
        || entry.is_true("nsAccountLock");
    let out_of_date = validity::guard(entry, now)?;
    Ok(AccountFlags {
        status: if is_locked {
            Status::Suspended
        } else {
            Status::Active
        },
        // A protected administrator who has expired administers nobody, so the date goes first.
        guard: out_of_date.or(is_protected.then_some(Guard::Protected)),
        never_expires: false,
    })
}

#[cfg(test)]
mod tests {
    use ldap3::SearchEntry;

    use super::*;
    use crate::directory::ldap::generalized_time;

    /// Administrators are often in a protected group, and what protects them must not hide that they have expired.
    #[test]
    fn an_expired_account_is_expired_also_where_it_is_protected() {
        let entry = LdapEntry::from(SearchEntry {
            dn: "cn=Jo,dc=corp,dc=example".to_owned(),
            attrs: [("pwdEndTime".to_owned(), vec!["20250101000000Z".to_owned()])].into(),
            bin_attrs: std::collections::HashMap::new(),
        });
        let ended = generalized_time("20250101000000Z").unwrap();
        let guard_at = |now| account_flags(&entry, true, now).unwrap().guard;
        assert_eq!(guard_at(ended), Some(Guard::Expired(ended)));
        assert_eq!(guard_at(Moment(ended.0 - 1)), Some(Guard::Protected));
    }
}
