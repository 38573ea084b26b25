//! Active Directory, of Windows or Samba.
//!
//! A reset is one Modify over TLS: `unicodePwd`, `pwdLastSet=0`, `lockoutTime=0`. All three are needed: without the second
//! the previous password keeps working for a while, without the third a locked account stays locked. The server would also
//! reset a disabled account, so such an account is refused before.
//!
//! Accounts that administer the domain are refused too, on the card and again right before the change (`protection`).
//!
//! Sources: [MS-ADTS] 3.1.1.3.1.5 (password modify operations), [MS-ADTS] 2.2.16 (userAccountControl bits), 3.1.1.4.5.17
//! (msDS-User-Account-Control-Computed), [MS-SAMR] 3.1.1.8; the data codes of a refused bind are those of Windows' SSPI.

mod check;
mod descriptor;
mod look_up;
mod own_rights;
mod protection;
mod sid;

use futures_util::future::try_join_all;
use ldap3::LdapResult;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::config::{DirectoryConfig, DirectoryParts};
use super::ldap::{
    AccountFlags, Defaults, KnownEntries, LdapEntry, LdapServers, LdapSettings, NOT_TOLD, Tree,
    code, ended, generalized_time, prepared, unproved, warn_of_bind,
};
use super::phones;
use super::{
    Backend, By, Capabilities, Enforced, Match, MissingRight, PasswordFault, ResetFailed,
    Unavailable, WhyRefused,
};
use crate::clock::Clock;
use crate::domain::{EmailAddress, Guard, MemberId, Moment, Password, Status};
use crate::net::TlsError;
use crate::settings::{Finding, Section};
use crate::store::Reservation;

const DISABLED: i64 = 0x2;
const NEVER_EXPIRES: i64 = 0x1_0000;
const SMART_CARD: i64 = 0x4_0000;
/// In the computed flags.
const EXPIRED_PASSWORD: i64 = 0x80_0000;

/// `accountExpires` of an account that never expires.
const NEVER: [i64; 2] = [0, i64::MAX];

/// Milliseconds between 1601, from which Windows counts, and 1970.
const EPOCHS_APART: i64 = 11_644_473_600_000;

/// Part of the text of a refused bind: the password is right and has to be changed first.
const RIGHT_BUT_MUST_CHANGE: &str = "data 773";

/// Part of the text of a change that the password policy refuses.
const POLICY: &str = "0000052D";

const OWN: &[&str] = &[
    "objectGUID",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "accountExpires",
    "pwdLastSet",
    "lastLogonTimestamp",
    "whenChanged",
];

/// The settings of a domain.
#[derive(Clone, Debug)]
pub struct Config(LdapSettings);

impl DirectoryConfig for Config {
    type Opened = ActiveDirectory;

    fn read(section: Section<'_>, is_alone: bool) -> Option<Self> {
        const DEFAULTS: Defaults = Defaults {
            name: "Active Directory",
            filter: "(&(objectCategory=person)(objectClass=user))",
            name_attribute: "displayName",
            department_attribute: "department",
            // The Global Catalog's.
            read_only_ports: &[3268, 3269],
        };
        LdapSettings::read(section, is_alone, &DEFAULTS).map(Self)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn domains(&self) -> &[String] {
        &self.0.common.domains
    }

    fn check_account(&self) -> Option<&EmailAddress> {
        self.0.check_account.as_ref()
    }

    fn names_administrators(&self) -> bool {
        self.0.groups.giving_a_role().next().is_some()
    }

    fn open(self, parts: &DirectoryParts) -> Result<ActiveDirectory, TlsError> {
        Ok(ActiveDirectory {
            servers: LdapServers::new(&self.0, parts.clock.clone())?,
            known: KnownEntries::new(parts.clock.clone()),
            tree: Tree {
                settings: self.0,
                default_country: parts.default_country,
            },
            clock: parts.clock.clone(),
        })
    }
}

pub struct ActiveDirectory {
    servers: LdapServers,
    tree: Tree,
    known: KnownEntries,
    clock: Clock,
}

impl ActiveDirectory {
    fn filter(&self, by: &By) -> Option<String> {
        self.tree.filter(by, |native| {
            let mut guid = [0; 16];
            hex::decode_to_slice(native, &mut guid).ok()?;
            Some(format!(
                "(objectGUID={})",
                guid.map(|byte| format!("\\{byte:02x}")).concat()
            ))
        })
    }

    /// Everything that is read of a member's entry.
    fn attributes(&self) -> Vec<&str> {
        let mut all = self.tree.attributes(OWN);
        all.extend(protection::OWN);
        all
    }

    /// Reads the account's state. A disabled account is suspended; a lock after failed sign-ins is not, because
    /// the reset lifts it (Q13).
    fn account_flags(&self, entry: &LdapEntry, is_protected: bool) -> AccountFlags {
        let control = entry.number("userAccountControl").unwrap_or_default();
        let has = |flag: i64| control & flag != 0;
        let expires = entry
            .number("accountExpires")
            .filter(|ticks| !NEVER.contains(ticks));
        let expired_at = expires
            .map(moment)
            .filter(|expires_at| *expires_at <= self.clock.now());
        let status = if has(DISABLED) || entry.first("userAccountControl").is_none() {
            Status::Suspended
        } else if entry.first("lastLogonTimestamp").is_some() {
            Status::Active
        } else {
            Status::Inactive
        };
        // A protected administrator who has expired administers nobody, so the date goes first.
        let guard = expired_at
            .map(Guard::Expired)
            .or(is_protected.then_some(Guard::Protected))
            .or(has(SMART_CARD).then_some(Guard::SmartCard));
        AccountFlags {
            status,
            guard,
            never_expires: has(NEVER_EXPIRES),
        }
    }
}

/// Windows' count of 100 nanoseconds since 1601.
fn moment(ticks: i64) -> Moment {
    Moment((ticks / 10_000).saturating_sub(EPOCHS_APART))
}

/// The password as `unicodePwd` requires it: in quotes, in UTF-16 with the low byte first.
fn unicode_pwd(password: &Password) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * (password.expose().len() + 2)));
    for unit in std::iter::once(u16::from(b'"'))
        .chain(password.expose().encode_utf16())
        .chain([u16::from(b'"')])
    {
        bytes.extend_from_slice(&unit.to_le_bytes());
    }
    bytes
}

fn refusal(result: &LdapResult) -> Option<WhyRefused> {
    if result.text.contains(POLICY) {
        Some(WhyRefused::Password(password_fault(&result.text)))
    } else if result.rc == code::INSUFFICIENT_ACCESS {
        Some(WhyRefused::NoRight(MissingRight::ResetOfProtected))
    } else {
        None
    }
}

/// What the domain's policy refuses. Samba names the rule (`check_password_restrictions`); Windows names none.
fn password_fault(text: &str) -> PasswordFault {
    if text.contains("complexity criteria") {
        PasswordFault::TooSimple
    } else if text.contains("in history") {
        PasswordFault::InHistory
    } else if text.contains("too short") {
        PasswordFault::TooShortForDomain
    } else {
        PasswordFault::UnfitForDomain
    }
}

impl Backend for ActiveDirectory {
    fn name(&self) -> &str {
        self.tree.settings.name()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            must_change: true,
            asks_nobody: false,
            ..Capabilities::default()
        }
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        let which = self.servers.for_look_up(by);
        let asked = self.servers.ask(which, |session| async move {
            try_join_all(by.iter().map(|by| self.match_of(&session, by))).await
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
        let look_up = Box::pin(self.open_for_change(reservation.member()));
        let (session, entry) = prepared(self.name(), look_up).await?;
        self.servers.note_change(reservation.member(), &session);
        let secret = unicode_pwd(password);
        let changes = [
            ("unicodePwd", secret.as_slice()),
            ("pwdLastSet", b"0"),
            ("lockoutTime", b"0"),
        ];
        let answer = session.modify(&entry.dn, &changes, Vec::new()).await;
        let ended = ended(answer, password, refusal);
        self.servers.settle(reservation.member(), &ended);
        ended
    }

    /// Reads the flags of the account, then proves them: the server refuses a bind with the new password because it has to be
    /// changed, which it says only of the right password. Nobody is signed in by that.
    async fn enforced(
        &self,
        member: &MemberId,
        password: &Password,
    ) -> Result<Enforced, Unavailable> {
        let which = self.servers.after_change(member);
        let entry = self.read(which, member).await?;
        if self.account_flags(&entry, false).never_expires {
            return Ok(Enforced::NeverExpires);
        }
        let computed = entry
            .number("msDS-User-Account-Control-Computed")
            .unwrap_or_default();
        if entry.number("pwdLastSet") != Some(0) || computed & EXPIRED_PASSWORD == 0 {
            return Ok(Enforced::NotInForce);
        }
        let password = SecretString::from(password.expose().to_owned());
        let bound = self
            .servers
            .bind_as(which, &entry.dn, &password, Vec::new())
            .await;
        let bound = bound.map_err(|failure| self.tree.unavailable(&failure))?;
        if bound.rc == code::INVALID_CREDENTIALS && bound.text.contains(RIGHT_BUT_MUST_CHANGE) {
            return Ok(Enforced::MustChange);
        }
        warn_of_bind(self.name(), bound.rc);
        if bound.rc == code::SUCCESS {
            Ok(Enforced::NotInForce)
        } else {
            Err(unproved(bound.rc))
        }
    }

    /// `pwdLastSet` is 0 after a reset; then the time of the entry's last modification is used.
    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        let all = self.servers.all_after_change(member).into_iter();
        let each = all.map(|which| async move {
            let entry = self.read(which, member).await?;
            let told = match entry.number("pwdLastSet") {
                Some(0) => entry.first("whenChanged").and_then(generalized_time),
                Some(ticks) => Some(moment(ticks)),
                None => None,
            };
            told.ok_or(NOT_TOLD)
        });
        // Fails if one server is silent: it may be the only one with the change.
        Ok(try_join_all(each).await?.into_iter().max())
    }

    async fn sign_out(&self, _member: &MemberId) -> Result<Vec<String>, Unavailable> {
        // Kerberos tickets are valid until they expire; the capabilities say so, so nobody calls this.
        Err(Unavailable::ForNow)
    }

    fn close_idle(&self) {
        self.servers.close_idle();
    }

    async fn probe(&self) -> Result<(), Finding> {
        check::probe(self).await
    }

    async fn warnings(&self) -> Vec<String> {
        let mut warnings = check::warnings(self).await;
        if let Some(email) = &self.tree.settings.check_account {
            let by = [By::Email(email.clone())];
            warnings.extend(phones::warnings(self.name(), self.find(&by).await, email));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_quoted_and_has_its_low_bytes_first() {
        let mut rng = crate::chance::Chance::seeded(1).rng().unwrap();
        let password = Password::generate(&mut rng, 8);
        let bytes = unicode_pwd(&password);
        assert_eq!(bytes.len(), 20);
        assert_eq!((&bytes[..2], &bytes[18..]), (&b"\"\0"[..], &b"\"\0"[..]));
        assert_eq!(bytes[2], password.expose().as_bytes()[0]);
    }

    /// As Samba writes them, and Windows, which names no rule.
    #[test]
    fn what_the_policy_refuses_is_read_in_the_text() {
        const TEXTS: [(&str, PasswordFault); 4] = [
            (
                "0000052D: Constraint violation - check_password_restrictions: the password is too short. It should be equal to \
                 or longer than 14 characters!",
                PasswordFault::TooShortForDomain,
            ),
            (
                "0000052D: Constraint violation - check_password_restrictions: the password does not meet the complexity \
                 criteria!",
                PasswordFault::TooSimple,
            ),
            (
                "0000052D: Constraint violation - check_password_restrictions: the password was already used (in history)!",
                PasswordFault::InHistory,
            ),
            (
                "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0",
                PasswordFault::UnfitForDomain,
            ),
        ];
        for (text, fault) in TEXTS {
            let result = LdapResult {
                rc: code::CONSTRAINT_VIOLATION,
                matched: String::new(),
                text: text.to_owned(),
                refs: Vec::new(),
                ctrls: Vec::new(),
            };
            let told = refusal(&result);
            assert_eq!(told, Some(WhyRefused::Password(fault)), "{text}");
        }
    }

    #[test]
    fn windows_times_are_read() {
        assert_eq!(moment(116_444_736_000_000_000), Moment(0));
        assert_eq!(moment(i64::MAX).0, 910_692_730_085_477);
    }
}
