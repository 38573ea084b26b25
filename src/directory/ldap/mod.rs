//! OpenLDAP, 389 Directory Server (and FreeIPA), and other LDAP servers.
//!
//! The root DSE tells which of them it is. They differ in what a reset does:
//! - OpenLDAP stores what a Modify writes as it is, unless its policy hashes it, which the server does not show. So the
//!   password is set by the extended operation of RFC 3062, which hashes it and is bound by the policy as well. A change is
//!   forced only if the policy requires one (`pwdMustChange`) and `pwdReset` is set; setting a password clears `pwdReset`,
//!   so it is written after it. A reset lifts even a lock that an administrator set, so such accounts are refused before.
//! - 389 Directory Server forces a change only where `passwordMustChange` is on and the reset is made by its password
//!   administrator (`passwordAdminDN`), whom its policy does not bind. It accepts a reset of an inactivated account.
//! - Other servers may force nothing. A password is set by the same operation or not at all, and nothing more is claimed.
//!
//! Sources: RFC 3062 (password modify), draft-behera-ldap-password-policy-10 (its control and attributes), slapo-ppolicy(5),
//! "Account policy" of the 389 Directory Server documentation.

mod account;
mod ber;
pub(super) mod code;
mod config;
mod entry;
mod failure;
mod features;
mod groups;
mod known;
mod look_up;
mod outcome;
mod password_policy;
mod pool;
mod prepare;
mod pwd_reset;
mod rdn;
mod rights;
mod servers;
mod session;
mod time;
mod tree;
mod user_names;
mod validity;
mod writable;

use std::ops::RangeInclusive;

use futures_util::future::try_join_all;
use secrecy::SecretString;

pub(super) use self::config::Config;
pub(super) use self::config::{Defaults, Groups, LdapSettings};
pub(super) use self::entry::LdapEntry;
pub(super) use self::failure::LdapFailure;
use self::features::{PasswordWrite, Product, ServerFeatures};
pub(super) use self::groups::role_of;
pub(super) use self::known::KnownEntries;
use self::look_up::{ReadyForChange, account_flags};
pub(super) use self::outcome::{NOT_TOLD, ended, unproved, warn_of_bind};
use self::password_policy::{CHANGE_AFTER_RESET, ask_for_policy, error_of_policy, policy_refusal};
pub(super) use self::pool::PooledSession;
pub(super) use self::prepare::prepared;
pub(super) use self::servers::{LdapServers, Which};
pub(super) use self::session::{ANY, LdapSession};
pub(super) use self::time::generalized_time;
pub(super) use self::tree::{AccountFlags, OneEntry, Tree};
pub(super) use self::writable::capabilities;
use self::writable::takes_changes;
use super::check_account::found_one;
use super::phones;
use super::{
    AccountFault, Backend, By, Capabilities, Enforced, ForcedChange, Match, ResetFailed,
    ServerFault, Unavailable, WOULD_KEEP_READABLE, WhyRefused,
};
use crate::clock::Clock;
use crate::domain::country::Country;
use crate::domain::{MemberId, Moment, Password, Status};
use crate::net::TlsError;
use crate::settings::Finding;
use crate::store::Reservation;

/// What 389 Directory Server sets so that a password has expired already. One second later means that it never expires.
const EXPIRED_ALREADY: &str = "19700101000000Z";

pub struct LdapDirectory {
    servers: LdapServers,
    tree: Tree,
    known: KnownEntries,
    clock: Clock,
}

impl LdapDirectory {
    /// The servers of these settings. They are asked when the first member is looked up.
    fn new(
        settings: LdapSettings,
        clock: Clock,
        default_country: Option<Country>,
    ) -> Result<Self, TlsError> {
        Ok(Self {
            servers: LdapServers::new(&settings, clock.clone())?,
            tree: Tree {
                settings,
                default_country,
            },
            known: KnownEntries::new(clock.clone()),
            clock,
        })
    }

    async fn force_change_at(
        &self,
        which: Which,
        member: &MemberId,
        set_within: Option<RangeInclusive<Moment>>,
    ) -> Result<ForcedChange, ResetFailed> {
        let ReadyForChange { session, entry, .. } = self.prepared(which, member).await?;
        pwd_reset::write(&session, &entry, set_within).await
    }

    async fn probe_server(&self, which: Which) -> Result<(), Finding> {
        let asked = self.servers.ask(which, |session| async move {
            let features = self.servers.features(&session).await?;
            Ok((features, capabilities(&session).await?))
        });
        let (session, (features, capabilities)) = asked.await?;
        if capabilities.is_active_directory() {
            let told = "the server is an Active Directory; set kind = \"active-directory\"";
            return Err(Finding::of("kind", told));
        }
        self.tree.probe_places(&session).await?;
        let write = features.password_write();
        let write = write.ok_or_else(|| Finding::of("url", WOULD_KEEP_READABLE))?;
        takes_changes(&session, write, &self.tree.settings.base).await
    }

    /// Binds as the member with the new password: the server's answer tells whether a change is required. Nobody is signed
    /// in by that.
    async fn proved_by_bind(
        &self,
        which: Which,
        dn: &str,
        password: &Password,
    ) -> Result<Enforced, Unavailable> {
        let password = SecretString::from(password.expose().to_owned());
        let bound = self
            .servers
            .bind_as(which, dn, &password, vec![ask_for_policy()])
            .await;
        let bound = bound.map_err(|failure| self.tree.unavailable(&failure))?;
        if bound.rc != code::SUCCESS {
            warn_of_bind(self.name(), bound.rc);
            // Asked again, it would count once more towards the member's own lockout.
            return Err(unproved(bound.rc));
        }
        Ok(Enforced::if_asked(
            error_of_policy(&bound) == Some(CHANGE_AFTER_RESET),
        ))
    }
}

/// True where somebody else set the password and the member has to replace it.
fn has_been_reset(entry: &LdapEntry) -> bool {
    entry.is_true("pwdReset") || entry.first("passwordExpirationTime") == Some(EXPIRED_ALREADY)
}

/// When the password was set. An entry without any time proves nothing: the server may keep none, or show relatch's account
/// none.
fn set_at(entry: &LdapEntry) -> Result<Moment, Unavailable> {
    let told = ["pwdChangedTime", "pwdUpdateTime", "krbLastPwdChange"]
        .iter()
        .find_map(|name| entry.first(name));
    // 389 Directory Server keeps no time of its own by default. A password that was reset and not yet replaced was set
    // at the latest when the entry was last modified.
    let is_reset = has_been_reset(entry);
    let told = told.or_else(|| entry.first("modifyTimestamp").filter(|_| is_reset));
    told.and_then(generalized_time).ok_or(NOT_TOLD)
}

impl Backend for LdapDirectory {
    fn name(&self) -> &str {
        self.tree.settings.name()
    }

    /// Nothing is claimed before a server was first asked.
    fn capabilities(&self) -> Capabilities {
        let known = |has: fn(ServerFeatures) -> bool| {
            let mut features = self.servers.known_features(Which::Any);
            features.any(has)
        };
        Capabilities {
            must_change: known(ServerFeatures::must_change),
            asks_nobody: false,
            forces_change_apart: known(ServerFeatures::takes_pwd_reset),
            ..Capabilities::default()
        }
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        let which = self.servers.for_look_up(by);
        let asked = self.servers.ask(which, |session| async move {
            let each = by.iter().map(|by| self.match_of(&session, by));
            let (_, found) = tokio::try_join!(self.servers.features(&session), try_join_all(each))?;
            Ok(found)
        });
        let found = asked.await.map(|(_, found)| found);
        found.map_err(|failure| self.tree.unavailable(&failure))
    }

    async fn reset(
        &self,
        reservation: &Reservation,
        password: &Password,
        _until: Moment,
    ) -> Result<(), ResetFailed> {
        let member = reservation.member();
        let ReadyForChange {
            session,
            features,
            entry,
        } = self
            .prepared(self.servers.for_change(member), member)
            .await?;
        // Checked again, because the change itself would lift such a lock.
        let flags = account_flags(&entry, false, self.clock.now());
        if !flags.is_ok_and(|flags| flags.status == Status::Active && flags.guard.is_none()) {
            let fault = AccountFault::LockedOrOutOfDate;
            return Err(ResetFailed::Refused(WhyRefused::Account(fault)));
        }
        let readable = || ResetFailed::Refused(WhyRefused::Server(ServerFault::WouldKeepReadable));
        let policy = features.has_ppolicy.then(ask_for_policy);
        let controls = policy.into_iter().collect();
        let write = features.password_write().ok_or_else(readable)?;
        self.servers.note_change(member, &session);
        let answer = match write {
            PasswordWrite::ExtendedOperation => {
                session
                    .change_password(&entry.dn, password.expose(), controls)
                    .await
            }
            PasswordWrite::Modify => {
                let changes = [("userPassword", password.expose().as_bytes())];
                session.modify(&entry.dn, &changes, controls).await
            }
        };
        let ended = ended(answer, password, policy_refusal);
        self.servers.settle(member, &ended);
        ended
    }

    async fn force_change(
        &self,
        member: &MemberId,
        set_within: Option<RangeInclusive<Moment>>,
    ) -> Result<ForcedChange, ResetFailed> {
        let mut ended = None;
        for which in self.servers.all_after_change(member) {
            let one = self
                .force_change_at(which, member, set_within.clone())
                .await;
            if matches!(one, Ok(ForcedChange::Sent | ForcedChange::SetAgain)) {
                return one;
            }
            ended = Some(pwd_reset::keep_retryable(ended, one));
        }
        ended.unwrap_or(Err(ResetFailed::NotSent))
    }

    async fn enforced(
        &self,
        member: &MemberId,
        password: &Password,
    ) -> Result<Enforced, Unavailable> {
        let which = self.servers.after_change(member);
        let is_told_by_bind = self
            .servers
            .known_features(which)
            .next()
            .is_some_and(ServerFeatures::takes_pwd_reset);
        // The entry was read a moment ago, when the change was forced.
        let known = self.known.get(&By::Id(member.clone()));
        if let Some(names) = known.filter(|_| is_told_by_bind) {
            return self.proved_by_bind(which, &names.dn, password).await;
        }
        let (session, entry) = self.read(which, member).await?;
        let entry = entry.ok_or(NOT_TOLD)?;
        let features = self.servers.features(&session).await;
        if features.is_ok_and(ServerFeatures::takes_pwd_reset) {
            return self.proved_by_bind(which, &entry.dn, password).await;
        }
        let has_expired = validity::password_has_expired(&entry, self.clock.now());
        Ok(Enforced::if_asked(has_been_reset(&entry) || has_expired))
    }

    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        let all = self.servers.all_after_change(member).into_iter();
        let each = all.map(|which| async move {
            let (_, entry) = self.read(which, member).await?;
            set_at(&entry.ok_or(NOT_TOLD)?)
        });
        // Fails if one server is silent: it may be the only one with the change.
        Ok(try_join_all(each).await?.into_iter().max())
    }

    async fn sign_out(&self, _member: &MemberId) -> Result<Vec<String>, Unavailable> {
        // LDAP has no sessions to end; the capabilities say so, so nobody calls this.
        Err(Unavailable::ForNow)
    }

    fn close_idle(&self) {
        self.servers.close_idle();
    }

    /// Only 389 Directory Server tells whether relatch's account may set a password.
    async fn probe(&self) -> Result<(), Finding> {
        for (which, url) in self.servers.each() {
            let probed = self.probe_server(which).await;
            probed.map_err(|found| Finding::of(found.key, format!("{url}: {}", found.text)))?;
        }
        let settings = &self.tree.settings;
        let Some(email) = &settings.check_account else {
            return Ok(());
        };
        let by = By::Email(email.clone());
        found_one(self.find(std::slice::from_ref(&by)).await, email)?;
        let asked = self.servers.ask(Which::Any, |session| async move {
            self.servers.features(&session).await
        });
        let (session, features) = asked.await?;
        if features.product != Product::Server389 {
            return Ok(());
        }
        let filter = self
            .filter(&by, features.id_attribute())
            .unwrap_or_default();
        let (base, own) = (&settings.base, &settings.bind_dn);
        match rights::may_write(&session, base, &filter, own, "userPassword").await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let told = format!(
                    "relatch's account may not write userPassword of {}; let it",
                    email.masked()
                );
                Err(Finding::of("bind_dn", told))
            }
            Err(failure) => {
                let told = format!("the rights of relatch's account cannot be read: {failure}");
                Err(Finding::of("bind_dn", told))
            }
        }
    }

    async fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings_of_check_account().await;
        if let Some(email) = &self.tree.settings.check_account {
            let by = [By::Email(email.clone())];
            warnings.extend(phones::warnings(self.name(), self.find(&by).await, email));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use ldap3::SearchEntry;

    use super::*;

    fn told(attributes: &[(&str, &str)]) -> Result<Moment, Unavailable> {
        let one = |(name, value): &(&str, &str)| ((*name).to_owned(), vec![(*value).to_owned()]);
        set_at(&LdapEntry::from(SearchEntry {
            dn: "uid=eli,dc=corp,dc=example".to_owned(),
            attrs: attributes.iter().map(one).collect(),
            bin_attrs: std::collections::HashMap::new(),
        }))
    }

    /// OpenLDAP with the policy's module and no policy, and 389 Directory Server with `passwordMustChange` off, set a password
    /// and keep neither a time nor a mark of it.
    #[test]
    fn an_entry_without_a_time_proves_nothing() {
        let modified = ("modifyTimestamp", "20260102100000Z");
        for attributes in [
            &[][..],
            &[modified],
            &[("pwdChangedTime", "yesterday"), modified],
        ] {
            assert_eq!(told(attributes), Err(Unavailable::Misconfigured));
        }
        let at = Ok(generalized_time(modified.1).unwrap());
        for (name, value) in [
            ("pwdReset", "TRUE"),
            ("passwordExpirationTime", EXPIRED_ALREADY),
            ("pwdChangedTime", modified.1),
        ] {
            assert_eq!(told(&[(name, value), modified]), at, "{name}");
        }
    }
}
