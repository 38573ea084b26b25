//! Looks members up: what a card needs, and what a change needs right before it.

use std::sync::Arc;

use super::ActiveDirectory;
use super::protection::{self, RoleAndProtection, Unclear};
use crate::directory::ldap::{
    LdapEntry, LdapFailure, LdapSession, NOT_TOLD, OneEntry, PooledSession, Which,
};
use crate::directory::{AccountFault, By, Match, ResetFailed, Unavailable, WhyRefused};
use crate::domain::{MemberId, Status};

impl ActiveDirectory {
    pub(super) async fn one(
        &self,
        session: &LdapSession,
        by: &By,
    ) -> Result<OneEntry, LdapFailure> {
        let Some(filter) = self.filter(by) else {
            return Ok(OneEntry::Not(Match::Nobody));
        };
        let attributes = self.attributes();
        self.tree.one(session, by, &filter, &attributes).await
    }

    /// An entry and what protects it. The groups of an entry that is known are asked for together with it.
    pub(super) async fn with_protection(
        &self,
        session: &LdapSession,
        by: &By,
    ) -> Result<(OneEntry, Result<RoleAndProtection, Unclear>), LdapFailure> {
        let (found, guess) = match self.known.get(by) {
            Some(known) => {
                let (found, protection) = tokio::join!(
                    self.one(session, by),
                    protection::read(&self.tree, session, &known)
                );
                (found?, Some((known, protection)))
            }
            None => (self.one(session, by).await?, None),
        };
        let OneEntry::Found(entry) = &found else {
            return Ok((found, Err(Unclear::Unreadable)));
        };
        let names = entry.only(&protection::OWN);
        let protection = match guess {
            Some((known, protection)) if *known == names => protection,
            Some(_) | None => protection::read(&self.tree, session, &names).await,
        };
        if let Some(guid) = entry.first_bytes("objectGUID") {
            self.known
                .insert(by, &self.tree.id(&hex::encode(guid)), names);
        }
        Ok((found, protection))
    }

    pub(super) async fn match_of(
        &self,
        session: &LdapSession,
        by: &By,
    ) -> Result<Match, LdapFailure> {
        let (found, protection) = self.with_protection(session, by).await?;
        let entry = match found {
            OneEntry::Found(entry) => entry,
            OneEntry::Not(other) => return Ok(other),
        };
        let protection = match protection {
            Ok(protection) => protection,
            Err(Unclear::Failed(failure)) => return Err(failure),
            Err(Unclear::Unreadable) => return Ok(Match::Unreadable),
        };
        let flags = self.account_flags(&entry, protection.is_protected);
        let member = entry.first_bytes("objectGUID").and_then(|guid| {
            self.tree
                .member(by, &hex::encode(guid), &entry, protection.role, &flags)
        });
        Ok(member.map_or(Match::Nobody, |member| Match::One(Box::new(member))))
    }

    /// The entry of a member, after a change.
    pub(super) async fn read(
        &self,
        which: Which,
        member: &MemberId,
    ) -> Result<LdapEntry, Unavailable> {
        let by = By::Id(member.clone());
        let by = &by;
        let asked = self
            .servers
            .ask(which, |session| async move { self.one(&session, by).await });
        let asked = asked.await;
        let (_, found) = asked.map_err(|failure| self.tree.unavailable(&failure))?;
        found.found().ok_or(NOT_TOLD)
    }

    /// A connection and the entry of a member, right before the change: an account that was disabled or put into a protected
    /// group since the card was drawn is refused.
    pub(super) async fn open_for_change(
        &self,
        member: &MemberId,
    ) -> Result<(Arc<PooledSession>, LdapEntry), ResetFailed> {
        let by = By::Id(member.clone());
        let by = &by;
        let which = self.servers.for_change(member);
        let asked = self.servers.ask(which, |session| async move {
            match self.with_protection(&session, by).await? {
                (OneEntry::Found(_), Err(Unclear::Failed(failure))) => Err(failure),
                read => Ok(read),
            }
        });
        let asked = asked.await;
        let (session, (found, protection)) =
            asked.map_err(|failure| self.tree.unavailable(&failure))?;
        let entry = found.found().ok_or_else(ResetFailed::gone)?;
        let protection = protection.map_err(|unclear| match unclear {
            Unclear::Failed(failure) => self.tree.unavailable(&failure).into(),
            Unclear::Unreadable => {
                ResetFailed::Refused(WhyRefused::Account(AccountFault::ProtectionUnreadable))
            }
        })?;
        let flags = self.account_flags(&entry, protection.is_protected);
        if flags.status == Status::Suspended || flags.guard.is_some() {
            let fault = AccountFault::DisabledOrProtected;
            return Err(ResetFailed::Refused(WhyRefused::Account(fault)));
        }
        Ok((session, entry))
    }
}
