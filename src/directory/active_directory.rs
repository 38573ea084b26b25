//! Active Directory, of Windows or Samba.
//!
//! A reset is one Modify over TLS: `unicodePwd`, `pwdLastSet=0`, `lockoutTime=0`. All three are needed: without the second
//! the previous password goes on working for a while, without the third a locked account stays locked. A disabled account
//! would be reset as well, so it is refused before.
//!
//! Whoever administers the domain is refused too, on the card and again right before the change (`protection`).
//!
//! Sources: [MS-ADTS] 3.1.1.3.1.5 (password modify operations), [MS-ADTS] 2.2.16 (userAccountControl bits), 3.1.1.4.5.17
//! (msDS-User-Account-Control-Computed), [MS-SAMR] 3.1.1.8; the data codes of a refused bind are those of Windows' SSPI.

mod descriptor;
mod own_rights;
mod protection;
mod sid;

use std::time::Duration;

use ldap3::{LdapResult, Scope};
use secrecy::SecretString;
use zeroize::Zeroizing;

use self::protection::Unclear;
use super::ldap::generalized_time;
use super::ldap_common::{
    Config, Entry, Server, Session, Standing, Tree, Trouble, code, ended, found_one,
};
use super::{Backend, By, Capabilities, Enforced, Match, ResetFailed, Unavailable};
use crate::clock::Clock;
use crate::domain::{Guard, MemberId, Moment, Password, Status};
use crate::net::TlsError;
use crate::settings::Section;
use crate::store::Reservation;

/// The name that a directory has where the settings give none.
pub const DEFAULT_NAME: &str = "Active Directory";

const DISABLED: i64 = 0x2;
const NEVER_EXPIRES: i64 = 0x1_0000;
const SMART_CARD: i64 = 0x4_0000;
/// In the computed flags.
const EXPIRED_PASSWORD: i64 = 0x80_0000;

/// `accountExpires` of an account that does not.
const NEVER: [i64; 2] = [0, i64::MAX];

/// Between 1601 and 1970, in milliseconds: Windows counts from the first.
const EPOCHS_APART: i64 = 11_644_473_600_000;

/// In the text of a refused bind: the password is right and has to be changed first.
const RIGHT_BUT_MUST_CHANGE: &str = "data 773";

/// In the text of a refused change: the password policy.
const POLICY: &str = "0000052D";

/// How long everything before a change may take; together with the change it stays below the deadline of both.
const PREPARE_DEADLINE: Duration = Duration::from_secs(6);

const OWN: &[&str] = &[
    "objectGUID",
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "accountExpires",
    "pwdLastSet",
    "lastLogonTimestamp",
    "whenChanged",
];

/// Reads the settings of this kind.
pub(crate) fn read(section: Section<'_>, name: String, domains: Vec<String>) -> Option<Config> {
    let mut config = Config::read(
        section,
        name,
        domains,
        "(&(objectCategory=person)(objectClass=user))",
        "displayName",
    )?;
    if config.attributes.department == "departmentNumber" {
        "department".clone_into(&mut config.attributes.department);
    }
    Some(config)
}

/// One domain.
pub struct ActiveDirectory {
    server: Server,
    tree: Tree,
    clock: Clock,
}

impl ActiveDirectory {
    /// The domain of these settings. It is first asked when somebody is looked up.
    pub fn new(config: Config, clock: Clock) -> Result<Self, TlsError> {
        Ok(Self {
            server: Server::new(&config)?,
            tree: Tree { config },
            clock,
        })
    }

    async fn open(&self) -> Result<Session, Trouble> {
        self.server.open().await
    }

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

    async fn entry(
        &self,
        session: &mut Session,
        member: &MemberId,
    ) -> Result<Option<Entry>, Unavailable> {
        let by = By::Id(member.clone());
        let Some(filter) = self.filter(&by) else {
            return Ok(None);
        };
        Ok(self
            .tree
            .one(session, &by, &filter, &self.attributes())
            .await?
            .ok())
    }

    /// A session and the entry of a member, right before the change: whoever was put out of use or into a protected group
    /// since the card was drawn is refused.
    async fn open_for_change(&self, member: &MemberId) -> Result<(Session, Entry), ResetFailed> {
        let asked = async {
            let mut session = self
                .open()
                .await
                .map_err(|trouble| self.tree.unavailable(&trouble))?;
            let Some(entry) = self.entry(&mut session, member).await? else {
                return Ok(None);
            };
            let belonging = protection::read(&self.tree, &mut session, &entry).await?;
            let standing = self.standing(&entry, belonging.is_protected);
            Ok(Some((session, entry, standing)))
        };
        let found = asked.await.map_err(|unclear| match unclear {
            Unclear::Unavailable => ResetFailed::NotSent,
            Unclear::Unreadable => {
                ResetFailed::Refused("what protects the account cannot be read any more".to_owned())
            }
        })?;
        let (session, entry, standing) =
            found.ok_or_else(|| ResetFailed::Refused("the account is gone".to_owned()))?;
        if standing.status == Status::Suspended || standing.guard.is_some() {
            return Err(ResetFailed::Refused(
                "the account was disabled or protected meanwhile".to_owned(),
            ));
        }
        Ok((session, entry))
    }

    /// A disabled or expired account is out of use; a lock after failed sign-ins is lifted by the reset (Q13).
    fn standing(&self, entry: &Entry, is_protected: bool) -> Standing {
        let control = entry.number("userAccountControl").unwrap_or_default();
        let has = |flag: i64| control & flag != 0;
        let expires = entry
            .number("accountExpires")
            .filter(|ticks| !NEVER.contains(ticks));
        let has_expired = expires.is_some_and(|ticks| moment(ticks) <= self.clock.now());
        let status = if has(DISABLED) || has_expired || entry.first("userAccountControl").is_none()
        {
            Status::Suspended
        } else if entry.first("lastLogonTimestamp").is_some() {
            Status::Active
        } else {
            Status::Inactive
        };
        let guard = if is_protected {
            Some(Guard::Protected)
        } else {
            has(SMART_CARD).then_some(Guard::SmartCard)
        };
        Standing {
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

/// The password as `unicodePwd` wants it: in quotes, in UTF-16 with the low byte first.
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

fn refusal(result: &LdapResult) -> Option<String> {
    let words = if result.text.contains(POLICY) {
        "the generated password does not fit the domain's password policy; policy.password_length can be raised"
    } else if result.rc == code::INSUFFICIENT_ACCESS {
        "relatch's account there has no right to reset this member, who may be protected"
    } else {
        return None;
    };
    Some(words.to_owned())
}

impl Backend for ActiveDirectory {
    fn name(&self) -> &str {
        &self.tree.config.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            can_sign_out: false,
            must_change: true,
            has_our_pages: false,
            sends_own_link: false,
        }
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        let mut session = self
            .open()
            .await
            .map_err(|trouble| self.tree.unavailable(&trouble))?;
        let mut found = Vec::with_capacity(by.len());
        for by in by {
            let Some(filter) = self.filter(by) else {
                found.push(Match::Nobody);
                continue;
            };
            let entry = match self
                .tree
                .one(&mut session, by, &filter, &self.attributes())
                .await?
            {
                Ok(entry) => entry,
                Err(other) => {
                    found.push(other);
                    continue;
                }
            };
            let belonging = match protection::read(&self.tree, &mut session, &entry).await {
                Ok(belonging) => belonging,
                Err(Unclear::Unavailable) => return Err(Unavailable),
                Err(Unclear::Unreadable) => {
                    found.push(Match::Unreadable);
                    continue;
                }
            };
            let standing = self.standing(&entry, belonging.is_protected);
            let member = entry.first_bytes("objectGUID").and_then(|guid| {
                self.tree
                    .member(by, &hex::encode(guid), &entry, belonging.role, &standing)
            });
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
        let prepared =
            tokio::time::timeout(PREPARE_DEADLINE, self.open_for_change(reservation.member()))
                .await;
        let (mut session, entry) = prepared.unwrap_or(Err(ResetFailed::NotSent))?;
        let secret = unicode_pwd(password);
        let changes = [
            ("unicodePwd", secret.as_slice()),
            ("pwdLastSet", b"0"),
            ("lockoutTime", b"0"),
        ];
        ended(
            session.modify(&entry.dn, &changes, Vec::new()).await,
            password,
            refusal,
        )
    }

    /// The flags of the account, and the proof: a bind with the new password is refused because it has to be changed,
    /// which the server says only of the right one. Nobody is signed in by that.
    async fn enforced(
        &self,
        member: &MemberId,
        password: &Password,
    ) -> Result<Enforced, Unavailable> {
        let mut session = self
            .open()
            .await
            .map_err(|trouble| self.tree.unavailable(&trouble))?;
        let entry = self.entry(&mut session, member).await?.ok_or(Unavailable)?;
        if self.standing(&entry, false).never_expires {
            return Ok(Enforced::NeverExpires);
        }
        let computed = entry
            .number("msDS-User-Account-Control-Computed")
            .unwrap_or_default();
        if entry.number("pwdLastSet") != Some(0) || computed & EXPIRED_PASSWORD == 0 {
            return Ok(Enforced::NotInForce);
        }
        let password = SecretString::from(password.expose().to_owned());
        let bound = self.server.bind_as(&entry.dn, &password, Vec::new()).await;
        let bound = bound.map_err(|trouble| self.tree.unavailable(&trouble))?;
        if bound.rc == code::INVALID_CREDENTIALS && bound.text.contains(RIGHT_BUT_MUST_CHANGE) {
            return Ok(Enforced::MustChange);
        }
        tracing::warn!(
            directory = self.name(),
            code = bound.rc,
            "the new password could not be proved"
        );
        if bound.rc == code::SUCCESS {
            Ok(Enforced::NotInForce)
        } else {
            Err(Unavailable)
        }
    }

    /// `pwdLastSet` is 0 after a reset; the entry's own time of change stands for it then.
    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        let mut session = self
            .open()
            .await
            .map_err(|trouble| self.tree.unavailable(&trouble))?;
        let Some(entry) = self.entry(&mut session, member).await? else {
            return Ok(None);
        };
        Ok(match entry.number("pwdLastSet") {
            Some(0) => entry.first("whenChanged").and_then(generalized_time),
            Some(ticks) => Some(moment(ticks)),
            None => None,
        })
    }

    async fn sign_out(&self, _member: &MemberId) -> Result<(), Unavailable> {
        // Kerberos tickets live on until they end; nobody calls this, because the capabilities say so.
        Err(Unavailable)
    }

    /// The right to force a change is told by the server for a named account; the right to set a password is not, but is
    /// given together with it.
    async fn probe(&self) -> Result<(), String> {
        let mut session = self.open().await.map_err(|trouble| trouble.to_string())?;
        self.tree.probe_base(&mut session).await?;
        let Some(email) = &self.tree.config.check_account else {
            return Ok(());
        };
        let by = By::Email(email.clone());
        let filter = self.filter(&by).unwrap_or_default();
        if let Ok(Ok(entry)) = self
            .tree
            .one(&mut session, &by, &filter, &self.attributes())
            .await
        {
            let tokens = protection::token_groups(&self.tree, &mut session, &entry).await;
            tokens.map_err(|_| {
                format!(
                    "the groups (tokenGroups) of {} cannot be read: {}",
                    email.masked(),
                    protection::TOKEN_RIGHT
                )
            })?;
        }
        found_one(self.find(std::slice::from_ref(&by)).await, email)?;
        let wanted = ["allowedAttributesEffective"];
        let found = session
            .search(&self.tree.config.base, Scope::Subtree, &filter, &wanted, 2)
            .await;
        let found = found.map_err(|trouble| trouble.to_string())?;
        let may = |name: &str| {
            let mut rights = found
                .entries
                .iter()
                .flat_map(|entry| entry.all("allowedAttributesEffective"));
            rights.any(|own| own.eq_ignore_ascii_case(name))
        };
        let missing: Vec<&str> = ["pwdLastSet", "lockoutTime"]
            .into_iter()
            .filter(|name| !may(name))
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "relatch's account may not write {} of {}",
                missing.join(" and "),
                email.masked()
            ))
        }
    }

    async fn warnings(&self) -> Vec<String> {
        own_rights::warnings(self).await
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

    #[test]
    fn windows_times_are_read() {
        assert_eq!(moment(116_444_736_000_000_000), Moment(0));
        assert_eq!(moment(i64::MAX).0, 910_692_730_085_477);
    }
}
