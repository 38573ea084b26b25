//! What LDAP directories and Active Directory share: a safe connection, sessions with deadlines, escaping, and finding
//! exactly one entry.
//!
//! Sources: RFC 4511 (protocol), RFC 4513 (StartTLS, simple bind), RFC 4515 (filters).

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Fuse;
use ldap3::controls::RawControl;
use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope, SearchEntry,
    SearchOptions, ldap_escape,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;

use super::homes::id_prefix;
use super::{By, Match, Unavailable};
use crate::domain::member::clean_name;
use crate::domain::{
    EmailAddress, Guard, LoginMethod, Member, MemberId, Password, PhoneNumber, Role, Status,
};
use crate::net;
use crate::settings::Section;

/// How long a connection, with its TLS handshake, may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

/// How long a bind or a search may take.
const ASK_DEADLINE: Duration = Duration::from_secs(3);

/// How long a modification may take; together with what goes before it stays below the deadline of a change.
const MODIFY_DEADLINE: Duration = Duration::from_secs(6);

/// A server that refused relatch's account is not asked to let it in again for so long: every wrong password may count
/// towards a lock of that account.
const REST_AFTER_REFUSAL: Duration = Duration::from_mins(1);

/// Every entry.
pub(super) const ANY: &str = "(objectClass=*)";

/// "Get effective rights" of 389 Directory Server.
const EFFECTIVE_RIGHTS: &str = "1.3.6.1.4.1.42.2.27.9.5.2";

/// Result codes (RFC 4511, appendix A).
pub(super) mod code {
    pub(crate) const SUCCESS: u32 = 0;
    pub(crate) const OPERATIONS_ERROR: u32 = 1;
    pub(crate) const TIME_LIMIT: u32 = 3;
    pub(crate) const SIZE_LIMIT: u32 = 4;
    pub(crate) const REFERRAL: u32 = 10;
    pub(crate) const UNDEFINED_ATTRIBUTE: u32 = 17;
    pub(crate) const CONSTRAINT_VIOLATION: u32 = 19;
    pub(crate) const NO_SUCH_OBJECT: u32 = 32;
    pub(crate) const INVALID_CREDENTIALS: u32 = 49;
    pub(crate) const INSUFFICIENT_ACCESS: u32 = 50;
    pub(crate) const BUSY: u32 = 51;
    pub(crate) const UNAVAILABLE: u32 = 52;
    pub(crate) const OTHER: u32 = 80;
}

/// Which attribute holds what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The business e-mail.
    pub email: String,
    /// The full name.
    pub name: String,
    /// The mobile phone.
    pub phone: String,
    /// The private e-mail; none by default.
    pub personal_email: Option<String>,
    /// The department.
    pub department: String,
}

/// Groups that give a right or take an account out of reach, by their DNs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// Nobody in them is reset from here.
    pub protected: Vec<String>,
    /// Primary administrators, where `admins.source` is "directory".
    pub primary_admin: Vec<String>,
    /// Administrators with "Member and Department", likewise.
    pub member_and_department: Vec<String>,
}

impl Groups {
    /// Those whose members are administrators.
    pub(super) fn giving_a_role(&self) -> impl Iterator<Item = &str> {
        [&self.primary_admin, &self.member_and_department]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        let Self {
            protected,
            primary_admin,
            member_and_department,
        } = self;
        [protected, primary_admin, member_and_department]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

/// The settings of a directory that speaks LDAP.
#[derive(Clone, Debug)]
pub struct Config {
    /// As administrators know it.
    pub name: String,
    /// `ldaps://`, or `ldap://` with StartTLS.
    pub url: Url,
    /// False only for a server on this machine.
    pub is_encrypted: bool,
    /// The CA that signed the server's certificate, where it is none of the machine's.
    pub ca_file: Option<PathBuf>,
    /// The account that relatch works with.
    pub bind_dn: String,
    /// Its password.
    pub password: SecretString,
    /// Below which members are.
    pub base: String,
    /// What makes an entry a member.
    pub filter: String,
    /// Which attribute holds what.
    pub attributes: Attributes,
    /// Groups.
    pub groups: Groups,
    /// The e-mail domains of the directory.
    pub domains: Vec<String>,
    /// Whom `relatch check` looks up.
    pub check_account: Option<EmailAddress>,
}

impl Config {
    /// Reads the section of a directory. `filter` and `phone` are the kind's own defaults.
    pub(crate) fn read(
        mut section: Section<'_>,
        name: String,
        domains: Vec<String>,
        filter: &str,
        attribute_of_name: &str,
    ) -> Option<Self> {
        let url = section.required("url").and_then(|text| {
            let url = Url::parse(&text).ok().filter(|url| {
                matches!(url.scheme(), "ldap" | "ldaps")
                    && url.host_str().is_some_and(|host| !host.is_empty())
            });
            if url.is_none() {
                section.problem("url", "must be ldaps://HOST, or ldap://HOST for StartTLS");
            }
            url
        });
        let is_encrypted = match section.text("tls").as_deref() {
            None | Some("required") => true,
            Some("none") => {
                let is_here = url
                    .as_ref()
                    .is_some_and(|url| url.scheme() == "ldap" && net::is_this_machine(url));
                if !is_here {
                    section.problem(
                        "tls",
                        "may be \"none\" only for an ldap:// server on this machine",
                    );
                }
                false
            }
            Some(_) => {
                section.problem(
                    "tls",
                    "must be \"required\", or \"none\" for a server on this machine",
                );
                true
            }
        };
        let ca_file = section.path("ca_file");
        if let Some(path) = &ca_file
            && let Err(error) = net::tls_config(Some(path))
        {
            section.problem("ca_file", error.to_string());
        }
        let bind_dn = section.required("bind_dn");
        let password = section.required_secret("password", "password_file", false);
        let base = section.required("base");
        let filter = section.text("filter").unwrap_or_else(|| filter.to_owned());
        if !filter.starts_with('(') || ldap3::parse_filter(&filter).is_err() {
            section.problem(
                "filter",
                "must be an LDAP filter in parentheses, such as (objectClass=inetOrgPerson)",
            );
        }
        let mut attribute = |key: &'static str| {
            let name = section.text(key)?;
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if !is_name {
                section.problem(key, "must be the name of an attribute");
            }
            Some(name)
        };
        let attributes = Attributes {
            email: attribute("email_attribute").unwrap_or_else(|| "mail".to_owned()),
            name: attribute("name_attribute").unwrap_or_else(|| attribute_of_name.to_owned()),
            phone: attribute("phone_attribute").unwrap_or_else(|| "mobile".to_owned()),
            personal_email: attribute("personal_email_attribute"),
            department: attribute("department_attribute")
                .unwrap_or_else(|| "departmentNumber".to_owned()),
        };
        let groups = Groups {
            protected: section.list("protected_groups").unwrap_or_default(),
            primary_admin: section.list("primary_admin_groups").unwrap_or_default(),
            member_and_department: section
                .list("member_and_department_groups")
                .unwrap_or_default(),
        };
        let check_account = section.parsed("check_account");
        section.end();
        Some(Self {
            name,
            url: url?,
            is_encrypted,
            ca_file,
            bind_dn: bind_dn?,
            password: password?,
            base: base?,
            filter,
            attributes,
            groups,
            domains,
            check_account,
        })
    }
}

/// Why the server was of no use. The texts are for operators and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    /// No connection, no safe connection, or the server does not know relatch's account: nothing was asked.
    #[error("{0}")]
    NotReached(String),
    /// It was asked, and did not answer.
    #[error("the server broke off or did not answer in time")]
    NoAnswer,
    /// It said no.
    #[error("the server refuses with code {code}")]
    Refused {
        /// The result code.
        code: u32,
        /// Its diagnostic text.
        text: String,
    },
}

impl Trouble {
    fn of(result: LdapResult) -> Self {
        Self::Refused {
            code: result.rc,
            text: result.text,
        }
    }
}

/// An LDAP server and the account with which it is spoken to.
pub(super) struct Server {
    url: Url,
    is_encrypted: bool,
    tls: Arc<rustls::ClientConfig>,
    bind_dn: String,
    password: SecretString,
    /// When it last took the account's password for a wrong one.
    refused_at: Mutex<Option<Instant>>,
    /// True after the server took the account, until it refuses it; while it is not, binds are tried one after the other,
    /// because several refused ones at once would lock the account.
    is_taken: AtomicBool,
    turn: tokio::sync::Mutex<()>,
}

impl Server {
    pub(super) fn new(config: &Config) -> Result<Self, net::TlsError> {
        let tls = Arc::new(net::tls_config(config.ca_file.as_deref())?);
        let (bind_dn, password) = (config.bind_dn.clone(), config.password.clone());
        let (url, is_encrypted, refused_at) =
            (config.url.clone(), config.is_encrypted, Mutex::default());
        let (is_taken, turn) = (AtomicBool::default(), tokio::sync::Mutex::default());
        Ok(Self {
            url,
            is_encrypted,
            tls,
            bind_dn,
            password,
            refused_at,
            is_taken,
            turn,
        })
    }

    async fn connect(&self) -> Result<Session, Trouble> {
        let settings = LdapConnSettings::new()
            .set_conn_timeout(CONNECT_DEADLINE)
            .set_config(Arc::clone(&self.tls))
            .set_starttls(self.is_encrypted && self.url.scheme() == "ldap");
        let (connection, ldap) = LdapConnAsync::from_url_with_settings(settings, &self.url)
            .await
            .map_err(|error| {
                Trouble::NotReached(format!("no safe connection: {}", plain(&error)))
            })?;
        let driver: Driver = Box::pin(async move { connection.drive().await });
        Ok(Session {
            ldap,
            driver: driver.fuse(),
        })
    }

    /// A session as relatch's own account.
    pub(super) async fn open(&self) -> Result<Session, Trouble> {
        let _turn = if self.is_taken.load(Ordering::Relaxed) {
            None
        } else {
            self.turn().await?
        };
        if self.has_refused_lately() {
            return Err(Trouble::NotReached(format!(
                "the server refused the account {} less than a minute ago and was not asked again",
                self.bind_dn
            )));
        }
        let mut session = self.connect().await?;
        let bound = session
            .bind(&self.bind_dn, &self.password, Vec::new())
            .await;
        match bound {
            Ok(result) if result.rc == code::SUCCESS => {
                self.is_taken.store(true, Ordering::Relaxed);
                Ok(session)
            }
            Ok(result) => {
                if result.rc == code::INVALID_CREDENTIALS {
                    self.is_taken.store(false, Ordering::Relaxed);
                    if let Ok(mut refused_at) = self.refused_at.lock() {
                        *refused_at = Some(Instant::now());
                    }
                }
                Err(Trouble::NotReached(format!(
                    "the server refuses the account {} with code {}",
                    self.bind_dn, result.rc
                )))
            }
            // Nothing was asked for yet but to be let in.
            Err(_) => Err(Trouble::NotReached(
                "the server did not answer the bind".to_owned(),
            )),
        }
    }

    /// The turn to try a bind, until one was taken. A server that hangs is not waited for by everybody in turn.
    async fn turn(&self) -> Result<Option<tokio::sync::MutexGuard<'_, ()>>, Trouble> {
        let waited = tokio::time::timeout(CONNECT_DEADLINE, self.turn.lock()).await;
        let turn = waited.map_err(|_| {
            Trouble::NotReached("the server has not taken relatch's account yet".to_owned())
        })?;
        Ok(Some(turn).filter(|_| !self.is_taken.load(Ordering::Relaxed)))
    }

    fn has_refused_lately(&self) -> bool {
        let refused_at = self
            .refused_at
            .lock()
            .ok()
            .and_then(|refused_at| *refused_at);
        refused_at.is_some_and(|at| at.elapsed() < REST_AFTER_REFUSAL)
    }

    /// How the server answers to a bind as somebody else.
    pub(super) async fn bind_as(
        &self,
        dn: &str,
        password: &SecretString,
        controls: Vec<RawControl>,
    ) -> Result<LdapResult, Trouble> {
        self.connect().await?.bind(dn, password, controls).await
    }
}

/// The text of an error of the connection, which never holds what was sent.
fn plain(error: &LdapError) -> String {
    if let LdapError::Io { source } = error {
        source.to_string()
    } else if let LdapError::LdapResult { result } = error {
        format!("the server refuses StartTLS with code {}", result.rc)
    } else {
        "no answer in time, or the connection broke off".to_owned()
    }
}

type Driver = Pin<Box<dyn Future<Output = ldap3::result::Result<()>> + Send>>;

/// A connection on which one thing is done after the other. It ends when it is dropped.
pub(super) struct Session {
    ldap: Ldap,
    driver: Fuse<Driver>,
}

impl Session {
    /// Lets an operation and the connection go on side by side, until the operation has its answer.
    async fn drive<T>(
        driver: &mut Fuse<Driver>,
        deadline: Duration,
        operation: impl Future<Output = ldap3::result::Result<T>>,
    ) -> Result<T, Trouble> {
        let mut operation = pin!(operation);
        let ended = tokio::time::timeout(deadline, async {
            tokio::select! {
                biased;
                answer = &mut operation => Some(answer),
                // The last answer may have come together with the end of the connection.
                _ended = driver => operation.now_or_never(),
            }
        });
        match ended.await {
            Ok(Some(Ok(answer))) => Ok(answer),
            Ok(Some(Err(_)) | None) | Err(_) => Err(Trouble::NoAnswer),
        }
    }

    async fn bind(
        &mut self,
        dn: &str,
        password: &SecretString,
        controls: Vec<RawControl>,
    ) -> Result<LdapResult, Trouble> {
        let Self { ldap, driver } = self;
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        Self::drive(
            driver,
            ASK_DEADLINE,
            ldap.simple_bind(dn, password.expose_secret()),
        )
        .await
    }

    /// Searches for at most `most` entries. A server that has more says so with [`code::SIZE_LIMIT`], and may give some.
    pub(super) async fn search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
        most: usize,
    ) -> Result<Found, Trouble> {
        let Self { ldap, driver } = self;
        let limit = i32::try_from(most).unwrap_or(i32::MAX);
        ldap.with_search_options(SearchOptions::new().sizelimit(limit).timelimit(3));
        let found = Self::drive(
            driver,
            ASK_DEADLINE,
            ldap.search(base, scope, filter, attributes),
        )
        .await?;
        let is_cut = found.1.rc == code::SIZE_LIMIT;
        if !is_cut && found.1.rc != code::SUCCESS {
            return Err(Trouble::of(found.1));
        }
        let entries = found
            .0
            .into_iter()
            .map(|one| Entry::from(SearchEntry::construct(one)))
            .collect();
        Ok(Found { entries, is_cut })
    }

    /// The same with a control that the server has to understand.
    pub(super) async fn search_with(
        &mut self,
        control: (&str, Vec<u8>),
        (base, scope, filter): (&str, Scope, &str),
        attributes: &[&str],
        most: usize,
    ) -> Result<Found, Trouble> {
        let (name, value) = control;
        self.ldap.with_controls(vec![RawControl {
            ctype: name.to_owned(),
            crit: true,
            val: Some(value),
        }]);
        self.search(base, scope, filter, attributes, most).await
    }

    /// What somebody may do with attributes of one entry, where the server tells: 389 Directory Server's control "get
    /// effective rights" (draft-ietf-ldapext-acl-model). The letters of each attribute that it names, such as `rscw`; None
    /// where it names none at all.
    pub(super) async fn effective_rights(
        &mut self,
        place: (&str, Scope, &str),
        somebody: &str,
        attributes: &[&str],
    ) -> Result<Option<Vec<(String, String)>>, Trouble> {
        let control = (EFFECTIVE_RIGHTS, format!("dn:{somebody}").into_bytes());
        let found = self.search_with(control, place, attributes, 2).await?;
        // One entry is asked about; of several nobody knows which is told.
        let told = found
            .entries
            .iter()
            .filter(|_| !found.is_cut)
            .flat_map(|entry| entry.all("attributeLevelRights"));
        let rights: Vec<(String, String)> = told
            .flat_map(|all| all.split(", "))
            .filter_map(|one| one.split_once(':'))
            .map(|(name, letters)| (name.to_owned(), letters.to_owned()))
            .collect();
        Ok(Some(rights).filter(|rights| !rights.is_empty()))
    }

    /// Whether an account may write an attribute of one entry, as the control tells.
    pub(super) async fn may_write(
        &mut self,
        base: &str,
        filter: &str,
        own: &str,
        attribute: &str,
    ) -> Result<bool, Trouble> {
        let rights = self
            .effective_rights((base, Scope::Subtree, filter), own, &[attribute])
            .await?;
        let mut own_rights = rights
            .iter()
            .flatten()
            .filter(|(name, _)| name == attribute);
        Ok(own_rights.any(|(_, letters)| letters != "none" && letters.contains('w')))
    }

    /// Changes an entry, once. The copies of the values that the LDAP library makes are not wiped from memory.
    pub(super) async fn modify(
        &mut self,
        dn: &str,
        changes: &[(&str, &[u8])],
        controls: Vec<RawControl>,
    ) -> Result<LdapResult, Trouble> {
        let Self { ldap, driver } = self;
        let mods = changes
            .iter()
            .map(|(name, value)| Mod::Replace(name.as_bytes(), [*value].into()))
            .collect();
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        Self::drive(driver, MODIFY_DEADLINE, ldap.modify(dn, mods)).await
    }

    /// Changes a password by the extended operation of RFC 3062, once.
    pub(super) async fn change_password(
        &mut self,
        dn: &str,
        password: &str,
    ) -> Result<LdapResult, Trouble> {
        let Self { ldap, driver } = self;
        let change = ldap3::exop::PasswordModify {
            user_id: Some(dn),
            old_pass: None,
            new_pass: Some(password),
        };
        Self::drive(driver, MODIFY_DEADLINE, ldap.extended(change))
            .await
            .map(|answer| answer.1)
    }
}

/// What a search found.
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// True where the server had more than were asked for.
    pub(super) is_cut: bool,
}

/// An entry, whose attributes are found whatever the case of their names.
pub(super) struct Entry {
    pub(super) dn: String,
    texts: HashMap<String, Vec<String>>,
    bytes: HashMap<String, Vec<Vec<u8>>>,
}

impl From<SearchEntry> for Entry {
    fn from(entry: SearchEntry) -> Self {
        let lower = |name: String| name.to_ascii_lowercase();
        Self {
            dn: entry.dn,
            texts: entry
                .attrs
                .into_iter()
                .map(|(name, values)| (lower(name), values))
                .collect(),
            bytes: entry
                .bin_attrs
                .into_iter()
                .map(|(name, values)| (lower(name), values))
                .collect(),
        }
    }
}

impl Entry {
    /// All values that are texts.
    pub(super) fn all(&self, name: &str) -> &[String] {
        self.texts
            .get(&name.to_ascii_lowercase())
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The first value.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// The first value as a number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.first(name)?.parse().ok()
    }

    /// The first value as bytes; some bytes happen to be text.
    pub(super) fn first_bytes(&self, name: &str) -> Option<&[u8]> {
        let bytes = self
            .bytes
            .get(&name.to_ascii_lowercase())
            .and_then(|values| values.first());
        bytes
            .map(Vec::as_slice)
            .or_else(|| self.first(name).map(str::as_bytes))
    }

    /// All values as bytes.
    pub(super) fn all_bytes(&self, name: &str) -> Vec<&[u8]> {
        let bytes = self
            .bytes
            .get(&name.to_ascii_lowercase())
            .into_iter()
            .flatten()
            .map(Vec::as_slice);
        bytes
            .chain(self.all(name).iter().map(String::as_bytes))
            .collect()
    }

    /// True where the first value is the word TRUE, in any case.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.first(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

/// The role that groups give.
pub(super) fn role_of(is_primary: bool, is_delegated: bool) -> Role {
    if is_primary {
        Role::PrimaryAdmin
    } else if is_delegated {
        Role::MemberAndDepartment
    } else {
        Role::Member
    }
}

/// What a kind of directory knows beyond the common attributes.
pub(super) struct Standing {
    pub(super) status: Status,
    pub(super) guard: Option<Guard>,
    pub(super) never_expires: bool,
}

/// Where members are in a server's tree.
pub(super) struct Tree {
    pub(super) config: Config,
}

/// The filters that find a group of which a member is one.
#[derive(Clone, Copy)]
pub(super) struct MemberOf<'a> {
    /// For groups whose members are protected.
    pub(super) protecting: &'a str,
    /// For groups whose members are administrators.
    pub(super) giving_a_role: &'a str,
}

impl Tree {
    /// The filter that finds a member, with everything that was given from outside escaped. `id` writes the directory's
    /// own id into a filter; None where the id is not one of this directory.
    pub(super) fn filter(&self, by: &By, id: impl Fn(&str) -> Option<String>) -> Option<String> {
        let Config {
            filter, attributes, ..
        } = &self.config;
        match by {
            By::Email(email) => Some(format!(
                "(&{filter}({}={}))",
                attributes.email,
                ldap_escape(email.key())
            )),
            By::Id(member) => Some(format!("(&{filter}{})", id(self.native(member)?)?)),
        }
    }

    /// The directory's own part of an id.
    pub(super) fn native<'a>(&self, id: &'a MemberId) -> Option<&'a str> {
        id.0.strip_prefix(&id_prefix(&self.config.name))
    }

    /// The attributes that every kind needs.
    pub(super) fn attributes<'a>(&'a self, own: &[&'a str]) -> Vec<&'a str> {
        let Attributes {
            email,
            name,
            phone,
            personal_email,
            department,
        } = &self.config.attributes;
        let mut all = vec![email.as_str(), name, phone, department];
        all.extend(personal_email.as_deref());
        all.extend(own);
        all
    }

    /// The one entry that fits. More than one, or one whose e-mail is not what was asked for, is not narrowed down.
    pub(super) async fn one(
        &self,
        session: &mut Session,
        by: &By,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Result<Entry, Match>, Unavailable> {
        let found = session
            .search(&self.config.base, Scope::Subtree, filter, attributes, 2)
            .await;
        let mut found = found.map_err(|trouble| self.unavailable(&trouble))?;
        if found.is_cut || found.entries.len() > 1 {
            return Ok(Err(Match::Several(
                found.entries.into_iter().map(|entry| entry.dn).collect(),
            )));
        }
        let Some(entry) = found.entries.pop() else {
            return Ok(Err(Match::Nobody));
        };
        let is_asked = match by {
            By::Email(email) => self.emails(&entry).any(|own| own.key() == email.key()),
            By::Id(_) => true,
        };
        Ok(if is_asked {
            Ok(entry)
        } else {
            Err(Match::Nobody)
        })
    }

    fn emails(&self, entry: &Entry) -> impl Iterator<Item = EmailAddress> {
        entry
            .all(&self.config.attributes.email)
            .iter()
            .filter_map(|text| text.parse().ok())
    }

    fn is_own_domain(&self, email: &EmailAddress) -> bool {
        self.config.domains.is_empty() || self.config.domains.contains(&email.domain())
    }

    /// The member that an entry stands for; None where it has no e-mail in the directory's domains.
    pub(super) fn member(
        &self,
        by: &By,
        native: &str,
        entry: &Entry,
        role: Role,
        standing: &Standing,
    ) -> Option<Member> {
        let business_email = match by {
            By::Email(email) => self.emails(entry).find(|own| own.key() == email.key()),
            By::Id(_) => self.emails(entry).find(|own| self.is_own_domain(own)),
        }?;
        let Attributes {
            name,
            phone,
            personal_email,
            department,
            ..
        } = &self.config.attributes;
        let text = |key: &str| {
            entry
                .first(key)
                .map(clean_name)
                .filter(|text| !text.is_empty())
        };
        let personal_email = personal_email.as_deref().and_then(|key| {
            let mut own = entry
                .all(key)
                .iter()
                .filter_map(|text| text.parse::<EmailAddress>().ok());
            // A second mailbox of the organisation is opened by the same password.
            own.find(|email| self.config.domains.is_empty() || !self.is_own_domain(email))
        });
        Some(Member {
            id: MemberId(format!("{}{native}", id_prefix(&self.config.name))),
            name: text(name).unwrap_or_else(|| business_email.to_string()),
            login_method: LoginMethod::BusinessEmail,
            status: standing.status,
            phone: entry
                .all(phone)
                .iter()
                .find_map(|text| text.parse::<PhoneNumber>().ok()),
            personal_email,
            role,
            department: text(department),
            manager_email: None,
            aliases: self
                .emails(entry)
                .filter(|own| *own != business_email)
                .collect(),
            guard: standing.guard,
            never_expires: standing.never_expires,
            business_email,
        })
    }

    /// Role and protection by the configured groups. `protecting` finds a group that can protect somebody; one that gives
    /// a role has only to be there. `member_of` makes the filter that finds a group exactly if the member is in it: one for
    /// groups that protect, one for those that give a role.
    pub(super) async fn groups(
        &self,
        session: &mut Session,
        protecting: &str,
        member_of: MemberOf<'_>,
    ) -> Result<(Role, bool), Unavailable> {
        let Groups {
            protected,
            primary_admin,
            member_and_department,
        } = &self.config.groups;
        let (none, is_in_doubt) = (Vec::new(), member_of.protecting != member_of.giving_a_role);
        let of_settings = [
            (protected, protecting, member_of.protecting),
            (primary_admin, ANY, member_of.giving_a_role),
            (member_and_department, ANY, member_of.giving_a_role),
            // Who would have a role by what does not count for one is looked at only where that makes a difference.
            (
                if is_in_doubt { primary_admin } else { &none },
                ANY,
                member_of.protecting,
            ),
            (
                if is_in_doubt {
                    member_and_department
                } else {
                    &none
                },
                ANY,
                member_of.protecting,
            ),
        ];
        let mut belongs = [false; 5];
        for (place, (groups, is_group, filter)) in belongs.iter_mut().zip(of_settings) {
            for group in groups {
                let unreadable = || {
                    tracing::error!(
                        directory = self.config.name,
                        group,
                        "a group of the settings, or who is in it, cannot be read"
                    );
                };
                let there = session
                    .search(group, Scope::Base, is_group, &["1.1"], 1)
                    .await;
                let found = match there {
                    Ok(there) if !there.entries.is_empty() => {
                        session
                            .search(group, Scope::Base, filter, &["1.1"], 1)
                            .await
                    }
                    // A group that cannot be read, or has no members to be seen, protects nobody, so nobody is reset.
                    Ok(_) => {
                        unreadable();
                        return Err(Unavailable);
                    }
                    Err(trouble) => Err(trouble),
                };
                let found = found.map_err(|trouble| {
                    unreadable();
                    self.unavailable(&trouble)
                })?;
                *place |= !found.entries.is_empty();
            }
        }
        let [
            is_protected,
            is_primary,
            is_delegated,
            may_be_primary,
            may_be_delegated,
        ] = belongs;
        // Else whoever copies an administrator's user name would take the administrator's role, and with it what keeps
        // delegated administrators from resetting them.
        let is_unclear = (may_be_primary && !is_primary) || (may_be_delegated && !is_delegated);
        Ok((
            role_of(is_primary, is_delegated),
            is_protected || is_unclear,
        ))
    }

    /// Says to the operator why the directory is of no use now.
    pub(super) fn unavailable(&self, trouble: &Trouble) -> Unavailable {
        tracing::error!(
            directory = self.config.name,
            error = trouble as &dyn std::error::Error,
            "the directory could not be asked"
        );
        Unavailable
    }
}

impl Tree {
    /// The base that members are below has to be there and to be readable.
    pub(super) async fn probe_base(&self, session: &mut Session) -> Result<(), String> {
        let base = &self.config.base;
        let found = session.search(base, Scope::Base, ANY, &["1.1"], 1).await;
        match found {
            Ok(found) if !found.entries.is_empty() => Ok(()),
            Ok(_) => Err(format!("relatch's account cannot see the base {base}")),
            Err(trouble) => Err(format!("the base {base} cannot be read: {trouble}")),
        }
    }
}

/// How the look-up of the named account went, for `relatch check`.
pub(super) fn found_one(
    found: Result<Vec<Match>, Unavailable>,
    email: &EmailAddress,
) -> Result<(), String> {
    let why = match found.map(|mut found| found.pop()) {
        Ok(Some(Match::One(_))) => return Ok(()),
        Ok(Some(Match::Several(_))) => "stands for several entries",
        Ok(Some(Match::Nobody) | None) => "is not found",
        Ok(Some(Match::Unreadable)) => "cannot be read in full",
        Err(Unavailable) => "could not be looked up",
    };
    Err(format!("the account {} {why}", email.masked()))
}

/// The end of a modification in the words of a reset. `refused` is the kind's own reading of a definite no.
pub(super) fn ended(
    answer: Result<LdapResult, Trouble>,
    password: &Password,
    refused: impl Fn(&LdapResult) -> Option<String>,
) -> Result<(), super::ResetFailed> {
    use super::ResetFailed::{NotSent, Refused, Unknown};

    let result = answer.map_err(|trouble| match trouble {
        Trouble::NotReached(_) => NotSent,
        Trouble::NoAnswer | Trouble::Refused { .. } => Unknown,
    })?;
    if result.rc == code::SUCCESS {
        return Ok(());
    }
    // A server may repeat in its text what it was sent.
    let text = if result.text.contains(password.expose()) {
        ""
    } else {
        result.text.as_str()
    };
    tracing::warn!(code = result.rc, text, "the directory refused a change");
    Err(match result.rc {
        code::BUSY => NotSent,
        // These may stand for a change that was made, or that a proxy passed on and heard no more of.
        code::OPERATIONS_ERROR | code::TIME_LIMIT | code::UNAVAILABLE | code::OTHER => Unknown,
        _ => Refused(refused(&result).unwrap_or_else(|| sentence(result.rc))),
    })
}

fn sentence(code: u32) -> String {
    match code {
        code::REFERRAL => {
            "this server is a read-only copy; relatch has to be pointed at one that takes changes"
                .to_owned()
        }
        code::UNDEFINED_ATTRIBUTE => {
            "the server does not know an attribute of the change".to_owned()
        }
        code::NO_SUCH_OBJECT => "the account is gone".to_owned(),
        code::INSUFFICIENT_ACCESS => {
            "relatch's account there has no right to reset this member".to_owned()
        }
        code::CONSTRAINT_VIOLATION => {
            "the generated password does not fit its password policy".to_owned()
        }
        code => format!("it answers with code {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::ResetFailed;

    /// Only what is surely a no is told as one.
    #[test]
    fn codes_are_definite_or_not() {
        let mut rng = crate::chance::Chance::seeded(1).rng().unwrap();
        let password = Password::generate(&mut rng, 8);
        let result = |rc: u32| LdapResult {
            rc,
            matched: String::new(),
            text: String::new(),
            refs: Vec::new(),
            ctrls: Vec::new(),
        };
        let told = |rc: u32| ended(Ok(result(rc)), &password, |_| None);
        assert_eq!(told(code::SUCCESS), Ok(()));
        assert_eq!(told(code::BUSY), Err(ResetFailed::NotSent));
        for unsure in [
            code::OPERATIONS_ERROR,
            code::TIME_LIMIT,
            code::UNAVAILABLE,
            code::OTHER,
        ] {
            assert_eq!(told(unsure), Err(ResetFailed::Unknown), "{unsure}");
        }
        for no in [10, 17, 19, 32, 50, 53] {
            assert!(matches!(told(no), Err(ResetFailed::Refused(_))), "{no}");
        }
        assert_eq!(
            ended(Err(Trouble::NoAnswer), &password, |_| None),
            Err(ResetFailed::Unknown)
        );
        assert_eq!(
            ended(Err(Trouble::NotReached(String::new())), &password, |_| None),
            Err(ResetFailed::NotSent)
        );
    }
}
