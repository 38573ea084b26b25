//! OpenLDAP, 389 Directory Server (and FreeIPA), and other LDAP servers.
//!
//! The root DSE tells which of them it is. They differ in what a reset does:
//! - OpenLDAP stores what a Modify writes as it is, unless its policy hashes it, which the server does not show. So the
//!   password is set by the extended operation of RFC 3062, which hashes it and is bound by the policy as well. A change is
//!   forced only if the policy requires one (`pwdMustChange`) and `pwdReset` is set; setting a password clears `pwdReset`,
//!   so it is written after it. A reset lifts even a lock that an administrator set, so such accounts are refused before.
//! - 389 Directory Server forces a change only where `passwordMustChange` is on and the reset is made by its password
//!   administrator (`passwordAdminDN`), whom its policy does not bind. It accepts a reset of an inactivated account.
//! - Other servers may know neither; a password is set by the same operation, and nothing more is claimed.
//!
//! Sources: RFC 3062 (password modify), draft-behera-ldap-password-policy-10 (its control and attributes), slapo-ppolicy(5),
//! "Account policy" of the 389 Directory Server documentation.

mod ber;
mod config;
mod entry;
mod failure;
mod features;
mod groups;
mod outcome;
mod password_policy;
mod pwd_reset;
mod rdn;
mod rights;
mod server;
mod session;
mod time;
mod tree;
mod user_names;
mod validity;

use std::ops::RangeInclusive;
use std::time::Duration;

use ldap3::ldap_escape;
use secrecy::SecretString;
use tokio::sync::OnceCell;

pub(super) use self::config::Config;
pub(super) use self::config::{Defaults, Groups, LdapSettings};
pub(super) use self::entry::LdapEntry;
pub(super) use self::failure::LdapFailure;
use self::features::{PasswordWrite, Product, ServerFeatures};
pub(super) use self::groups::role_of;
pub(super) use self::outcome::{code, ended};
use self::password_policy::{CHANGE_AFTER_RESET, ask_for_policy, error_of_policy, policy_refusal};
pub(super) use self::server::LdapServer;
pub(super) use self::session::{ANY, LdapSession};
pub(super) use self::time::generalized_time;
pub(super) use self::tree::{AccountFlags, OneEntry, Tree};
use self::validity::UnreadableTime;
use super::check_account::found_one;
use super::phones;
use super::{Backend, By, Capabilities, Enforced, ForcedChange, Match, ResetFailed, Unavailable};
use crate::clock::Clock;
use crate::domain::country::Country;
use crate::domain::{Guard, MemberId, Moment, Password, Status};
use crate::net::TlsError;
use crate::store::Reservation;

/// How long the look-up before a change may take; together with the change it stays below the deadline of a change.
const PREPARE_DEADLINE: Duration = Duration::from_secs(6);

/// Why nothing is set on an OpenLDAP server that shows neither its policy nor the operation that hashes a password.
const READABLE: &str = "the server would keep the password readable";

/// The value of `pwdAccountLockedTime` of a lock that does not end (slapo-ppolicy(5)).
const LOCKED_FOR_GOOD: &str = "000001010000Z";

/// What 389 Directory Server sets so that a password has expired already. One second later means that it never expires.
const EXPIRED_ALREADY: &str = "19700101000000Z";

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

pub struct LdapDirectory {
    server: LdapServer,
    tree: Tree,
    features: OnceCell<ServerFeatures>,
    clock: Clock,
}

impl LdapDirectory {
    /// The server of these settings. It is asked when the first member is looked up.
    fn new(
        settings: LdapSettings,
        clock: Clock,
        default_country: Option<Country>,
    ) -> Result<Self, TlsError> {
        Ok(Self {
            server: LdapServer::new(&settings)?,
            tree: Tree {
                settings,
                default_country,
            },
            features: OnceCell::new(),
            clock,
        })
    }

    async fn open(&self) -> Result<(LdapSession, ServerFeatures), LdapFailure> {
        let mut session = self.server.open().await?;
        let features = self
            .features
            .get_or_try_init(|| ServerFeatures::detect(&mut session))
            .await;
        let features = *features?;
        Ok((session, features))
    }

    fn filter(&self, by: &By, features: ServerFeatures) -> Option<String> {
        self.tree.filter(by, |native| {
            Some(format!(
                "({}={})",
                features.id_attribute(),
                ldap_escape(native)
            ))
        })
    }

    async fn one(
        &self,
        session: &mut LdapSession,
        features: ServerFeatures,
        by: &By,
    ) -> Result<OneEntry, Unavailable> {
        let Some(filter) = self.filter(by, features) else {
            return Ok(OneEntry::Not(Match::Nobody));
        };
        let attributes = self.tree.attributes(OWN);
        self.tree.one(session, by, &filter, &attributes).await
    }

    /// The entry of a member, in a session of its own.
    async fn entry(&self, member: &MemberId) -> Result<Option<LdapEntry>, Unavailable> {
        let opened = self.open().await;
        let (mut session, features) = opened.map_err(|failure| self.tree.unavailable(&failure))?;
        let by = By::Id(member.clone());
        Ok(self.one(&mut session, features, &by).await?.found())
    }

    /// A session and the entry of a member, right before a change; not sent if that takes too long.
    async fn prepared(
        &self,
        member: &MemberId,
    ) -> Result<(LdapSession, ServerFeatures, LdapEntry), ResetFailed> {
        let prepared = tokio::time::timeout(PREPARE_DEADLINE, self.open_at(member)).await;
        prepared.unwrap_or_else(|_elapsed| {
            tracing::warn!(
                directory = self.name(),
                deadline = ?PREPARE_DEADLINE,
                "the look-up before a change took too long"
            );
            Err(ResetFailed::NotSent)
        })
    }

    async fn open_at(
        &self,
        member: &MemberId,
    ) -> Result<(LdapSession, ServerFeatures, LdapEntry), ResetFailed> {
        let (mut session, features) = self.open().await.map_err(|failure| {
            self.tree.unavailable(&failure);
            ResetFailed::NotSent
        })?;
        let by = By::Id(member.clone());
        let found = self.one(&mut session, features, &by).await;
        let found = found?;
        let entry = found.found().ok_or_else(ResetFailed::gone)?;
        Ok((session, features, entry))
    }

    /// Binds as the member with the new password: the server's answer tells whether a change is required. Nobody is signed
    /// in by that.
    async fn proved_by_bind(&self, dn: &str, password: &Password) -> Result<Enforced, Unavailable> {
        let password = SecretString::from(password.expose().to_owned());
        let bound = self
            .server
            .bind_as(dn, &password, vec![ask_for_policy()])
            .await;
        let bound = bound.map_err(|failure| self.tree.unavailable(&failure))?;
        if bound.rc != code::SUCCESS {
            tracing::warn!(
                directory = self.name(),
                code = bound.rc,
                "the new password could not be proved"
            );
            return Err(Unavailable::ForNow);
        }
        Ok(Enforced::if_asked(
            error_of_policy(&bound) == Some(CHANGE_AFTER_RESET),
        ))
    }
}

/// Reads the account's state. A lock after failed sign-ins is no reason to refuse: the reset lifts it (Q13).
fn account_flags(
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

/// True where somebody else set the password and the member has to replace it.
fn has_been_reset(entry: &LdapEntry) -> bool {
    entry.is_true("pwdReset") || entry.first("passwordExpirationTime") == Some(EXPIRED_ALREADY)
}

impl Backend for LdapDirectory {
    fn name(&self) -> &str {
        self.tree.settings.name()
    }

    /// Nothing is claimed before the server was first asked.
    fn capabilities(&self) -> Capabilities {
        let features = self.features.get();
        Capabilities {
            must_change: features.is_some_and(|features| features.must_change()),
            forces_change_apart: features.is_some_and(|features| features.takes_pwd_reset()),
            ..Capabilities::default()
        }
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        let opened = self.open().await;
        let (mut session, features) = opened.map_err(|failure| self.tree.unavailable(&failure))?;
        let mut found = Vec::with_capacity(by.len());
        for by in by {
            let entry = match self.one(&mut session, features, by).await? {
                OneEntry::Found(entry) => entry,
                OneEntry::Not(other) => {
                    found.push(other);
                    continue;
                }
            };
            let (role, is_protected) = self.role_and_protection(&mut session, &entry).await?;
            let Ok(flags) = account_flags(&entry, is_protected, self.clock.now()) else {
                found.push(Match::Unreadable);
                continue;
            };
            let native = entry.first(features.id_attribute());
            let member =
                native.and_then(|native| self.tree.member(by, native, &entry, role, &flags));
            if member.is_none() {
                tracing::warn!(
                    directory = self.name(),
                    "an entry has no id or no e-mail that can be read"
                );
            }
            found.push(member.map_or(Match::Nobody, |member| Match::One(Box::new(member))));
        }
        Ok(found)
    }

    async fn reset(
        &self,
        reservation: &Reservation,
        password: &Password,
        _until: Moment,
    ) -> Result<(), ResetFailed> {
        let (mut session, features, entry) = self.prepared(reservation.member()).await?;
        // Checked again, because the change itself would lift such a lock.
        let flags = account_flags(&entry, false, self.clock.now());
        if !flags.is_ok_and(|flags| flags.status == Status::Active && flags.guard.is_none()) {
            return Err(ResetFailed::Refused(
                "the account was locked, is out of date, or has a date that cannot be read"
                    .to_owned(),
            ));
        }
        let readable = || ResetFailed::Refused(READABLE.to_owned());
        let policy = features.has_ppolicy.then(ask_for_policy);
        let controls = policy.into_iter().collect();
        let answer = match features.password_write().ok_or_else(readable)? {
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
        ended(answer, password, policy_refusal)
    }

    async fn force_change(
        &self,
        member: &MemberId,
        set_within: Option<RangeInclusive<Moment>>,
    ) -> Result<ForcedChange, ResetFailed> {
        let (mut session, _, entry) = self.prepared(member).await?;
        pwd_reset::write(&mut session, &entry, set_within).await
    }

    async fn enforced(
        &self,
        member: &MemberId,
        password: &Password,
    ) -> Result<Enforced, Unavailable> {
        let entry = self.entry(member).await?.ok_or(Unavailable::ForNow)?;
        if self.features.get().is_some_and(|one| one.takes_pwd_reset()) {
            return self.proved_by_bind(&entry.dn, password).await;
        }
        // FreeIPA lets a password that somebody else set expire at the moment it is set.
        let is_freeipa = entry.first("krbPasswordExpiration").is_some()
            && entry.first("krbPasswordExpiration") <= entry.first("krbLastPwdChange");
        Ok(Enforced::if_asked(has_been_reset(&entry) || is_freeipa))
    }

    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        let Some(entry) = self.entry(member).await? else {
            return Ok(None);
        };
        let told = ["pwdChangedTime", "pwdUpdateTime", "krbLastPwdChange"]
            .iter()
            .find_map(|name| entry.first(name));
        // 389 Directory Server keeps no time of its own by default. A password that was reset and not yet replaced was set
        // at the latest when the entry was last modified.
        let is_reset = has_been_reset(&entry);
        let told = told.or_else(|| entry.first("modifyTimestamp").filter(|_| is_reset));
        Ok(told.and_then(generalized_time))
    }

    async fn sign_out(&self, _member: &MemberId) -> Result<(), Unavailable> {
        // LDAP has no sessions to end; the capabilities say so, so nobody calls this.
        Err(Unavailable::ForNow)
    }

    /// Only 389 Directory Server tells whether relatch's account may set a password.
    async fn probe(&self) -> Result<(), String> {
        let opened = self.open().await;
        let (mut session, features) = opened.map_err(|failure| failure.to_string())?;
        self.tree.probe_base(&mut session).await?;
        if features.password_write().is_none() {
            return Err(READABLE.to_owned());
        }
        let settings = &self.tree.settings;
        let Some(email) = &settings.check_account else {
            return Ok(());
        };
        let by = By::Email(email.clone());
        found_one(self.find(std::slice::from_ref(&by)).await, email)?;
        if features.product != Product::Server389 {
            return Ok(());
        }
        let filter = self.filter(&by, features).unwrap_or_default();
        let (base, own) = (&settings.base, &settings.bind_dn);
        match rights::may_write(&mut session, base, &filter, own, "userPassword").await {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!(
                "relatch's account may not write userPassword of {}",
                email.masked()
            )),
            Err(failure) => Err(format!(
                "the rights of relatch's account cannot be read: {failure}"
            )),
        }
    }

    async fn warnings(&self) -> Vec<String> {
        let mut warnings = self.warnings_of_check_account().await;
        if let Some(email) = &self.tree.settings.check_account {
            let by = [By::Email(email.clone())];
            warnings.extend(phones::warning(self.find(&by).await, email));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use ldap3::SearchEntry;

    use super::*;

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
