//! OpenLDAP, 389 Directory Server (and FreeIPA), and other LDAP servers.
//!
//! Which of them it is, the root DSE tells. They differ in what a reset does by itself:
//! - OpenLDAP forces a change only if its policy wants one (`pwdMustChange`) and `pwdReset` is set in the same operation,
//!   and a reset lifts even a lock that an administrator set; so such accounts are refused before. Without the policy
//!   overlay it would keep what a Modify writes as it is, readable; there the extended operation of RFC 3062 hashes it.
//! - 389 Directory Server forces a change only where `passwordMustChange` is on and whoever resets is its password
//!   administrator (`passwordAdminDN`), whom its policy does not bind; and it takes a reset of an inactivated account.
//! - Others may know neither; a password is then set by the same operation, and no more is claimed.
//!
//! Sources: RFC 3062 (password modify), draft-behera-ldap-password-policy-10 (its control and attributes), slapo-ppolicy(5),
//! "Account policy" of the 389 Directory Server documentation.

mod rdn;

use ldap3::controls::RawControl;
use ldap3::{LdapResult, Scope, ldap_escape};
use secrecy::SecretString;
use tokio::sync::OnceCell;

use super::ldap_common::{
    ANY, Config, Entry, MemberOf, Server, Session, Standing, Tree, Trouble, code, ended, found_one,
};
use super::{Backend, By, Capabilities, Enforced, Match, ResetFailed, Unavailable, self_write};
use crate::domain::{MemberId, Moment, Password, Role, Status};
use crate::net::TlsError;
use crate::settings::Section;
use crate::store::Reservation;

/// How many user names of one entry are looked at for a role.
const USER_NAMES: usize = 8;

/// How many entries with the same user name are looked at. Nobody has a role by it where there are more.
const NAMESAKES: usize = 100;

/// The name that a directory has where the settings give none.
pub const DEFAULT_NAME: &str = "LDAP directory";

/// Why an OpenLDAP server is of no use that shows neither its policy nor the operation that sets a password.
const READABLE: &str = "the server would keep the password readable";

const PPOLICY_CONTROL: &str = "1.3.6.1.4.1.42.2.27.8.5.1";
const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";

/// The error of the password policy control that says: the password is right and has to be changed first.
const CHANGE_AFTER_RESET: u8 = 2;

/// Finds a group whose members can be read, of whatever kind it is (RFC 4519, RFC 2307).
const HAS_MEMBERS: &str = "(|(member=*)(uniqueMember=*)(memberUid=*))";

/// Where the members of a group are.
const MEMBER_LISTS: [&str; 3] = ["member", "uniqueMember", "memberUid"];

/// The value of `pwdAccountLockedTime` by which an administrator locks for good (slapo-ppolicy(5)).
const LOCKED_FOR_GOOD: &str = "000001010000Z";

/// What 389 Directory Server sets so that a password has ended already. One second later means that it never ends.
const ENDED_ALREADY: &str = "19700101000000Z";

/// What is read besides the common attributes.
const OWN: &[&str] = &[
    "uid",
    "entryUUID",
    "nsUniqueId",
    "pwdAccountLockedTime",
    "pwdReset",
    "pwdChangedTime",
    "pwdUpdateTime",
    "nsAccountLock",
    "passwordExpirationTime",
    "krbPasswordExpiration",
    "krbLastPwdChange",
    "modifyTimestamp",
];

/// Reads the settings of this kind.
pub(crate) fn read(section: Section<'_>, name: String, domains: Vec<String>) -> Option<Config> {
    Config::read(section, name, domains, "(objectClass=inetOrgPerson)", "cn")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavor {
    OpenLdap,
    /// 389 Directory Server, and FreeIPA which is built on it.
    Server389,
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Kind {
    flavor: Flavor,
    has_ppolicy: bool,
    can_modify_password: bool,
}

impl Kind {
    /// The attribute that holds the id that never changes.
    fn id(self) -> &'static str {
        if self.flavor == Flavor::Server389 {
            "nsUniqueId"
        } else {
            "entryUUID"
        }
    }

    fn must_change(self) -> bool {
        match self.flavor {
            Flavor::OpenLdap => self.has_ppolicy,
            Flavor::Server389 => true,
            Flavor::Other => false,
        }
    }

    /// How a password is set so that the server keeps no readable one; None where there is no such way.
    fn way(self) -> Option<Way> {
        match self.flavor {
            Flavor::OpenLdap if self.takes_pwd_reset() => Some(Way::Modify),
            Flavor::OpenLdap | Flavor::Other if self.can_modify_password => Some(Way::Operation),
            Flavor::OpenLdap => None,
            Flavor::Server389 | Flavor::Other => Some(Way::Modify),
        }
    }

    /// True where relatch writes `pwdReset` itself, so that reading it back proves nothing.
    fn takes_pwd_reset(self) -> bool {
        self.flavor == Flavor::OpenLdap && self.has_ppolicy
    }
}

/// By which operation a password is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A Modify of `userPassword`.
    Modify,
    /// The extended operation of RFC 3062.
    Operation,
}

/// One LDAP server.
pub struct Ldap {
    server: Server,
    tree: Tree,
    kind: OnceCell<Kind>,
}

impl Ldap {
    /// The server of these settings. It is first asked when somebody is looked up.
    pub fn new(config: Config) -> Result<Self, TlsError> {
        Ok(Self {
            server: Server::new(&config)?,
            tree: Tree { config },
            kind: OnceCell::new(),
        })
    }

    async fn open(&self) -> Result<(Session, Kind), Trouble> {
        let mut session = self.server.open().await?;
        let kind = self.kind.get_or_try_init(|| detect(&mut session)).await;
        let kind = *kind?;
        Ok((session, kind))
    }

    /// The entry of a member with the session in which it was found.
    async fn entry(&self, member: &MemberId) -> Result<Option<Entry>, Unavailable> {
        let (mut session, kind) = self
            .open()
            .await
            .map_err(|trouble| self.tree.unavailable(&trouble))?;
        let by = By::Id(member.clone());
        let Some(filter) = self.filter(&by, kind) else {
            return Ok(None);
        };
        Ok(self
            .tree
            .one(&mut session, &by, &filter, &self.tree.attributes(OWN))
            .await?
            .ok())
    }

    fn filter(&self, by: &By, kind: Kind) -> Option<String> {
        self.tree.filter(by, |native| {
            Some(format!("({}={})", kind.id(), ldap_escape(native)))
        })
    }

    /// The user names that can give the entry a role: those it is named by, where no other entry below the base is named so.
    /// Whatever else a member writes into `uid` gives nothing: neither the name of somebody who left, nor that of a
    /// colleague, who keeps the role. Nothing is asked where no group gives one.
    async fn own_user_names<'a>(
        &self,
        session: &mut Session,
        entry: &'a Entry,
    ) -> Result<Vec<&'a str>, Unavailable> {
        let Config { base, groups, .. } = &self.tree.config;
        let mut own = Vec::new();
        if groups.giving_a_role().next().is_none() {
            return Ok(own);
        }
        let named: Vec<&str> = entry
            .all("uid")
            .iter()
            .map(String::as_str)
            .filter(|uid| is_named(entry, uid))
            .collect();
        // Each costs a search.
        if named.len() > USER_NAMES {
            tracing::warn!(
                directory = self.name(),
                dn = entry.dn,
                "so many user names give no role"
            );
            return Ok(own);
        }
        for uid in named {
            let filter = format!("(uid={})", ldap_escape(uid));
            let found = session
                .search(base, Scope::Subtree, &filter, &["1.1"], NAMESAKES)
                .await;
            let found = found.map_err(|trouble| self.tree.unavailable(&trouble))?;
            let (itself, others): (Vec<&Entry>, Vec<&Entry>) =
                found.entries.iter().partition(|found| found.dn == entry.dn);
            // Who only wrote the name does not count; one whose name cannot be read might have it.
            let has_namesake = others
                .iter()
                .any(|other| rdn::user_names(&other.dn).is_none() || is_named(other, uid));
            if !itself.is_empty() && !has_namesake && !found.is_cut {
                own.push(uid);
            } else {
                tracing::warn!(
                    directory = self.name(),
                    dn = entry.dn,
                    "a user name that others have gives no role"
                );
            }
        }
        Ok(own)
    }

    /// What `relatch check` says where a group gives a role by user names, and entries are not named by them.
    async fn warnings_of_names(
        &self,
        session: &mut Session,
        entry: &Entry,
        account: &str,
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        if rdn::user_names(&entry.dn).is_some_and(|names| !names.is_empty()) {
            return warnings;
        }
        for group in self.tree.config.groups.giving_a_role() {
            let found = session
                .search(group, Scope::Base, "(memberUid=*)", &["1.1"], 1)
                .await;
            if found.is_ok_and(|found| !found.entries.is_empty()) {
                warnings.push(format!(
                    "memberUid of {group} gives no role to an entry whose DN does not begin with uid=, such as that of \
                    {account}. Use member or uniqueMember"
                ));
            }
        }
        warnings
    }

    /// What the server says to the member who comes with the new password. Nobody is signed in by that.
    async fn proved_by_bind(&self, dn: &str, password: &Password) -> Result<Enforced, Unavailable> {
        let password = SecretString::from(password.expose().to_owned());
        let bound = self
            .server
            .bind_as(dn, &password, vec![ask_for_policy()])
            .await;
        let bound = bound.map_err(|trouble| self.tree.unavailable(&trouble))?;
        if bound.rc != code::SUCCESS {
            tracing::warn!(
                directory = self.name(),
                code = bound.rc,
                "the new password could not be proved"
            );
            return Err(Unavailable);
        }
        let is_asked = error_of_policy(&bound) == Some(CHANGE_AFTER_RESET);
        Ok(if is_asked {
            Enforced::MustChange
        } else {
            Enforced::NotInForce
        })
    }
}

/// True where the name of the entry has this user name in it.
fn is_named(entry: &Entry, uid: &str) -> bool {
    rdn::user_names(&entry.dn).is_some_and(|names| names.iter().any(|name| rdn::is_same(name, uid)))
}

/// All user names that can protect the entry, those it is named by as well where `uid` cannot be read.
fn user_names(entry: &Entry) -> Vec<String> {
    let mut names = entry.all("uid").to_vec();
    for name in rdn::user_names(&entry.dn).unwrap_or_default() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Asks for the reason in the password policy's own words (draft-behera-10, section 6.1).
fn ask_for_policy() -> RawControl {
    RawControl {
        ctype: PPOLICY_CONTROL.to_owned(),
        crit: false,
        val: None,
    }
}

/// The password policy's own reason in an answer.
fn error_of_policy(result: &LdapResult) -> Option<u8> {
    let control = result
        .ctrls
        .iter()
        .find(|control| control.1.ctype == PPOLICY_CONTROL)?;
    policy_error(control.1.val.as_deref()?)
}

/// Finds a group of which the entry is a member: by its DN, or by one of these user names as groups of Unix have it.
fn membership<'a>(entry: &Entry, user_names: impl IntoIterator<Item = &'a str>) -> String {
    let dn = ldap_escape(entry.dn.as_str());
    let mut any = vec![format!("(member={dn})"), format!("(uniqueMember={dn})")];
    any.extend(
        user_names
            .into_iter()
            .map(|uid| format!("(memberUid={})", ldap_escape(uid))),
    );
    format!("(|{})", any.concat())
}

async fn detect(session: &mut Session) -> Result<Kind, Trouble> {
    let wanted = [
        "objectClass",
        "vendorName",
        "supportedControl",
        "supportedExtension",
    ];
    let found = session.search("", Scope::Base, ANY, &wanted, 1).await?;
    // How a password is set safely depends on it.
    if found.entries.is_empty() {
        return Err(Trouble::NotReached(
            "the server does not show its root DSE to relatch's account".to_owned(),
        ));
    }
    let has = |name: &str, value: &str| {
        found.entries.iter().any(|root| {
            root.all(name)
                .iter()
                .any(|own| own.eq_ignore_ascii_case(value))
        })
    };
    let vendor = found
        .entries
        .first()
        .and_then(|root| root.first("vendorName"))
        .unwrap_or_default();
    let flavor = if has("objectClass", "OpenLDAProotDSE") {
        Flavor::OpenLdap
    } else if vendor.starts_with("389") {
        Flavor::Server389
    } else {
        Flavor::Other
    };
    let has_ppolicy = has("supportedControl", PPOLICY_CONTROL);
    Ok(Kind {
        flavor,
        has_ppolicy,
        can_modify_password: has("supportedExtension", PASSWORD_MODIFY),
    })
}

/// What the account's own attributes say. A lock after failed sign-ins is no reason to refuse: the reset lifts it (Q13).
fn standing(entry: &Entry, is_protected: bool) -> Standing {
    let is_locked = entry.first("pwdAccountLockedTime") == Some(LOCKED_FOR_GOOD)
        || entry.is_true("nsAccountLock");
    Standing {
        status: if is_locked {
            Status::Suspended
        } else {
            Status::Active
        },
        guard: is_protected.then_some(crate::domain::Guard::Protected),
        never_expires: false,
    }
}

/// True where somebody else set the password and the member has to replace it.
fn has_been_reset(entry: &Entry) -> bool {
    let has_ended = entry
        .first("passwordExpirationTime")
        .is_some_and(|end| end == ENDED_ALREADY);
    entry.is_true("pwdReset") || has_ended
}

impl Backend for Ldap {
    fn name(&self) -> &str {
        &self.tree.config.name
    }

    /// Before the server was first asked nothing is claimed.
    fn capabilities(&self) -> Capabilities {
        let must_change = self.kind.get().is_some_and(|kind| kind.must_change());
        Capabilities {
            can_sign_out: false,
            must_change,
            has_our_pages: false,
            sends_own_link: false,
        }
    }

    async fn find(&self, by: &[By]) -> Result<Vec<Match>, Unavailable> {
        let (mut session, kind) = self
            .open()
            .await
            .map_err(|trouble| self.tree.unavailable(&trouble))?;
        let mut found = Vec::with_capacity(by.len());
        for by in by {
            let Some(filter) = self.filter(by, kind) else {
                found.push(Match::Nobody);
                continue;
            };
            let entry = match self
                .tree
                .one(&mut session, by, &filter, &self.tree.attributes(OWN))
                .await?
            {
                Ok(entry) => entry,
                Err(other) => {
                    found.push(other);
                    continue;
                }
            };
            let own = self.own_user_names(&mut session, &entry).await?;
            let member_of = MemberOf {
                protecting: &membership(&entry, user_names(&entry).iter().map(String::as_str)),
                giving_a_role: &membership(&entry, own),
            };
            let (role, is_protected): (Role, bool) = self
                .tree
                .groups(&mut session, HAS_MEMBERS, member_of)
                .await?;
            let member = entry.first(kind.id()).and_then(|native| {
                self.tree
                    .member(by, native, &entry, role, &standing(&entry, is_protected))
            });
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
        let by = By::Id(reservation.member().clone());
        let not_sent = |trouble: &Trouble| {
            self.tree.unavailable(trouble);
            ResetFailed::NotSent
        };
        let (mut session, kind) = self.open().await.map_err(|trouble| not_sent(&trouble))?;
        let gone = || ResetFailed::Refused("the account is gone".to_owned());
        let filter = self.filter(&by, kind).ok_or_else(gone)?;
        let attributes = self.tree.attributes(OWN);
        let found = self.tree.one(&mut session, &by, &filter, &attributes).await;
        let entry = found
            .map_err(|Unavailable| ResetFailed::NotSent)?
            .map_err(|_| gone())?;
        // Once more, because the change itself would lift such a lock.
        if standing(&entry, false).status != Status::Active {
            return Err(ResetFailed::Refused(
                "the account was locked by an administrator".to_owned(),
            ));
        }
        let readable = || ResetFailed::Refused(READABLE.to_owned());
        let answer = match kind.way().ok_or_else(readable)? {
            Way::Operation => session.change_password(&entry.dn, password.expose()).await,
            Way::Modify => {
                let mut changes = vec![("userPassword", password.expose().as_bytes())];
                if kind.takes_pwd_reset() {
                    changes.push(("pwdReset", b"TRUE"));
                }
                let controls = if kind.has_ppolicy {
                    vec![ask_for_policy()]
                } else {
                    Vec::new()
                };
                session.modify(&entry.dn, &changes, controls).await
            }
        };
        ended(answer, password, policy_refusal)
    }

    async fn enforced(
        &self,
        member: &MemberId,
        password: &Password,
    ) -> Result<Enforced, Unavailable> {
        let entry = self.entry(member).await?.ok_or(Unavailable)?;
        if self.kind.get().is_some_and(|kind| kind.takes_pwd_reset()) {
            return self.proved_by_bind(&entry.dn, password).await;
        }
        // FreeIPA ends a password that somebody else set in the moment in which it is set.
        let is_freeipa = entry.first("krbPasswordExpiration").is_some()
            && entry.first("krbPasswordExpiration") <= entry.first("krbLastPwdChange");
        let is_asked = has_been_reset(&entry) || is_freeipa;
        Ok(if is_asked {
            Enforced::MustChange
        } else {
            Enforced::NotInForce
        })
    }

    async fn last_change(&self, member: &MemberId) -> Result<Option<Moment>, Unavailable> {
        let Some(entry) = self.entry(member).await? else {
            return Ok(None);
        };
        let told = ["pwdChangedTime", "pwdUpdateTime", "krbLastPwdChange"]
            .iter()
            .find_map(|name| entry.first(name));
        // 389 Directory Server keeps no time of its own by default; a password that was reset and not yet replaced was
        // set at the latest when the entry was last touched.
        let is_reset = has_been_reset(&entry);
        let told = told.or_else(|| entry.first("modifyTimestamp").filter(|_| is_reset));
        Ok(told.and_then(generalized_time))
    }

    async fn sign_out(&self, _member: &MemberId) -> Result<(), Unavailable> {
        // LDAP has no sessions to end; nobody calls this, because the capabilities say so.
        Err(Unavailable)
    }

    /// The right to set a password is told by 389 Directory Server alone.
    async fn probe(&self) -> Result<(), String> {
        let (mut session, kind) = self.open().await.map_err(|trouble| trouble.to_string())?;
        self.tree.probe_base(&mut session).await?;
        if kind.way().is_none() {
            return Err(READABLE.to_owned());
        }
        let Config {
            base,
            bind_dn,
            check_account: Some(email),
            ..
        } = &self.tree.config
        else {
            return Ok(());
        };
        let by = By::Email(email.clone());
        found_one(self.find(std::slice::from_ref(&by)).await, email)?;
        if kind.flavor != Flavor::Server389 {
            return Ok(());
        }
        let filter = self.filter(&by, kind).unwrap_or_default();
        match session
            .may_write(base, &filter, bind_dn, "userPassword")
            .await
        {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!(
                "relatch's account may not write userPassword of {}",
                email.masked()
            )),
            Err(trouble) => Err(format!(
                "the rights of relatch's account cannot be read: {trouble}"
            )),
        }
    }

    /// Who may write what only 389 Directory Server tells.
    async fn warnings(&self) -> Vec<String> {
        let Config {
            check_account: Some(email),
            attributes,
            groups,
            ..
        } = &self.tree.config
        else {
            return vec![self_write::unknown(self_write::NOBODY_NAMED)];
        };
        let cannot = |trouble: &Trouble| vec![self_write::unknown(&trouble.to_string())];
        let (mut session, kind) = match self.open().await {
            Ok(opened) => opened,
            Err(trouble) => return cannot(&trouble),
        };
        let by = By::Email(email.clone());
        let filter = self.filter(&by, kind).unwrap_or_default();
        let Ok(Ok(entry)) = self
            .tree
            .one(&mut session, &by, &filter, &self.tree.attributes(OWN))
            .await
        else {
            return vec![self_write::unknown(
                "the account to be looked at is not found",
            )];
        };
        let mut warnings = self
            .warnings_of_names(&mut session, &entry, &email.masked())
            .await;
        if kind.flavor != Flavor::Server389 {
            warnings.push(self_write::unknown("this server does not tell"));
            return warnings;
        }
        let mut report = self_write::Report::new(email);
        let own = (entry.dn.as_str(), Scope::Base, ANY);
        let mut trusted = self_write::trusted(attributes);
        // By it `memberUid` says who is in a group, and on this server whoever may write it may rename the entry.
        trusted.push("uid");
        report.note_entry(told_by_rights(
            session.effective_rights(own, &entry.dn, &trusted).await,
            &trusted,
        ));
        for group in groups.all() {
            let place = (group, Scope::Base, ANY);
            let rights = session
                .effective_rights(place, &entry.dn, &MEMBER_LISTS)
                .await;
            report.note_group(group, told_by_rights(rights, &MEMBER_LISTS));
        }
        warnings.extend(report.warnings());
        warnings
    }
}

/// Which of these attributes can be written: `w` is a value of choice, `W` adds or removes one's own DN.
fn told_by_rights(
    rights: Result<Option<Vec<(String, String)>>, Trouble>,
    attributes: &[&str],
) -> Result<Vec<String>, String> {
    // Seen on 2.3.1: code 50 for every other account, also with the right to read `aci`.
    let needed = "389 Directory Server tells the rights of others only to its Directory Manager, who can ask for them with \
        ldapsearch and the control 1.3.6.1.4.1.42.2.27.9.5.2";
    let rights = match rights {
        Ok(Some(rights)) => rights,
        Ok(None) => return Err(format!("the server tells no rights; {needed}")),
        Err(trouble) => return Err(format!("{trouble}; {needed}")),
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

/// The server's reason in words: from the password policy control, else from the result.
fn policy_refusal(result: &LdapResult) -> Option<String> {
    // 389 Directory Server calls a missing right "change not allowed" in its control as well.
    if result.rc == code::INSUFFICIENT_ACCESS {
        return None;
    }
    let words = match error_of_policy(result) {
        Some(5) => "the generated password is not strong enough for its password policy",
        Some(6) => {
            "the generated password is too short for its password policy; policy.password_length can be raised"
        }
        Some(7) => "its password policy does not allow another change so soon",
        Some(8) => "the generated password was used before",
        Some(3) => "its password policy does not allow the password to be changed",
        Some(1) => "the account is locked",
        Some(_) | None if result.rc == code::CONSTRAINT_VIOLATION => {
            "the generated password does not fit its password policy; policy.password_length can be raised"
        }
        Some(_) | None => return None,
    };
    Some(words.to_owned())
}

/// The error of a password policy response control (draft-behera-10, section 6.2):
/// `SEQUENCE { warning [0] OPTIONAL, error [1] ENUMERATED OPTIONAL }`. OpenLDAP writes its lengths in the short form, 389
/// Directory Server in the long one.
fn policy_error(value: &[u8]) -> Option<u8> {
    let (tag, mut inner, _) = element(value)?;
    if tag != 0x30 {
        return None;
    }
    while let Some((tag, content, rest)) = element(inner) {
        match (tag, content) {
            (0x81, [error]) => return Some(*error),
            _ => inner = rest,
        }
    }
    None
}

/// One BER element: its tag, its content, and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            (
                length
                    .iter()
                    .fold(0_usize, |all, byte| all << 8 | usize::from(*byte)),
                rest,
            )
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// A `GeneralizedTime` (RFC 4517, 3.3.13) in UTC, with or without a fraction.
pub(super) fn generalized_time(text: &str) -> Option<Moment> {
    let digits = text.strip_suffix('Z')?;
    let whole = digits.split(['.', ',']).next()?;
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", whole).ok()?;
    Some(Moment(
        time.to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_millisecond(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both forms were seen on real servers.
    #[test]
    fn the_policy_control_is_read_in_short_and_long_form() {
        assert_eq!(policy_error(&[0x30, 0x03, 0x81, 0x01, 0x06]), Some(6));
        assert_eq!(
            policy_error(&[0x30, 0x84, 0, 0, 0, 3, 0x81, 0x01, 0x05]),
            Some(5)
        );
        let warned = [0x30, 0x08, 0xa0, 0x03, 0x80, 0x01, 0x05, 0x81, 0x01, 0x02];
        assert_eq!(policy_error(&warned), Some(2));
        assert_eq!(policy_error(&[0x30, 0x00]), None);
    }

    #[test]
    fn broken_controls_are_no_error() {
        for broken in [
            &[][..],
            &[0x30],
            &[0x30, 0x05, 0x81],
            &[0x30, 0x80],
            &[0x30, 0x85, 0, 0, 0, 0, 1, 0],
            &[0x31, 0],
        ] {
            assert_eq!(policy_error(broken), None, "{broken:?}");
        }
        let whole = [0x30, 0x84, 0, 0, 0, 3, 0x81, 0x01, 0x05];
        for cut in 0..whole.len() {
            assert_eq!(policy_error(&whole[..cut]), None);
        }
    }

    /// OpenLDAP without its policy hashes only what comes by the operation; 389 Directory Server hashes everything.
    #[test]
    fn no_password_is_left_readable() {
        let way = |flavor, has_ppolicy, can_modify_password| {
            Kind {
                flavor,
                has_ppolicy,
                can_modify_password,
            }
            .way()
        };
        for can_modify_password in [true, false] {
            assert_eq!(
                way(Flavor::OpenLdap, true, can_modify_password),
                Some(Way::Modify)
            );
            assert_eq!(
                way(Flavor::Server389, true, can_modify_password),
                Some(Way::Modify)
            );
        }
        assert_eq!(way(Flavor::OpenLdap, false, true), Some(Way::Operation));
        assert_eq!(way(Flavor::OpenLdap, false, false), None);
        assert_eq!(way(Flavor::Other, true, true), Some(Way::Operation));
        assert_eq!(way(Flavor::Other, false, false), Some(Way::Modify));
    }

    #[test]
    fn times_are_read() {
        assert_eq!(
            generalized_time("20261123100000Z"),
            Some(Moment(1_795_428_000_000))
        );
        assert_eq!(
            generalized_time("20261123100000.123456Z"),
            Some(Moment(1_795_428_000_000))
        );
        for wrong in [
            "",
            "Z",
            "20261123100000",
            "20261399100000Z",
            "000001010000Z",
        ] {
            assert_eq!(generalized_time(wrong), None, "{wrong}");
        }
    }
}
