//! lldap, as far as a reset goes. Each rule names its place in lldap's source (commit 9cc54ab, August 2026).
//!
//! Where lldap is stricter or odder than RFC 4511, so is this: a base search that matches nothing is answered with
//! noSuchObject, DNs are cut at every comma, and there is neither a lock nor a forced change.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use relatch::surface::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::ldap_wire::{Filter, Reader, element, entry, result};
use super::proxy::{Seen, is_change, read_message};
use super::{CHOSEN, OLD, SignIn, TestBot, Traits, Trouble, World};

const BASE: &str = "dc=corp,dc=example";
const SERVICE: &str = "Service-account-1";

const SUCCESS: u8 = 0;
const NO_SUCH_OBJECT: u8 = 32;
const INVALID_DN_SYNTAX: u8 = 34;
const INAPPROPRIATE_AUTHENTICATION: u8 = 48;
const INVALID_CREDENTIALS: u8 = 49;
const INSUFFICIENT_ACCESS: u8 = 50;
const UNWILLING: u8 = 53;
const NAMING_VIOLATION: u8 = 64;
const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";

/// A code and a text.
type Refused = (u8, String);

#[derive(Clone)]
struct User {
    id: String,
    mail: String,
    password: String,
    /// As `to_generalized_time` writes it (`crates/ldap/src/core/utils.rs`).
    password_set_at: String,
    groups: Vec<&'static str>,
}

impl User {
    /// `crates/ldap/src/core/user.rs`, `get_user_attribute`; `mobile` is an attribute that the operator added.
    fn values(&self, name: &str) -> Vec<String> {
        let one = |text: &str| vec![text.to_owned()];
        match name.to_lowercase().as_str() {
            "objectclass" => ["inetOrgPerson", "posixAccount", "mailAccount", "person"]
                .map(str::to_owned)
                .to_vec(),
            "uid" => one(&self.id),
            "mail" => one(&self.mail),
            "cn" | "displayname" => vec![format!("{} Corp", self.id)],
            "entryuuid" => vec![format!(
                "00000000-0000-3000-8000-{:0>12}",
                hex::encode(&self.id)
            )],
            "pwdchangedtime" => one(&self.password_set_at),
            "mobile" => one("+821012345699"),
            _ => Vec::new(),
        }
    }
}

type Users = Arc<Mutex<Vec<User>>>;

/// A running pretend lldap.
pub(crate) struct Lldap {
    users: Users,
    pub(crate) address: SocketAddr,
    seen: Seen,
}

impl Lldap {
    pub(crate) async fn start() -> Self {
        let user = |id: &str, groups: &[&'static str]| User {
            id: id.to_owned(),
            mail: format!("{id}@corp.example"),
            password: OLD.to_owned(),
            password_set_at: "20260101000000Z".to_owned(),
            groups: groups.to_vec(),
        };
        let service = |id: &str, groups: &[&'static str]| User {
            password: SERVICE.to_owned(),
            ..user(id, groups)
        };
        let mut users = vec![
            service("relatch", &["lldap_password_manager"]),
            service("weak", &["lldap_strict_readonly"]),
            user("pri", &["guarded"]),
            user("boss", &["lldap_admin"]),
            user("ann", &["helpdesk"]),
        ];
        users.extend(["eli", "hung", "lost", "died", "auth", "mal"].map(|id| user(id, &[])));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (users, seen) = (Arc::new(Mutex::new(users)), Seen::default());
        let shared = (Arc::clone(&users), seen.clone());
        super::super::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (users, seen) = shared.clone();
                super::super::spawn(serve(stream, users, seen));
            }
        });
        Self {
            users,
            address,
            seen,
        }
    }

    /// The `[[directory]]` with which the bot works.
    pub(crate) fn settings(&self, account: &str) -> String {
        Self::settings_at(account, self.address)
    }

    /// The same at another address.
    pub(crate) fn settings_at(account: &str, address: SocketAddr) -> String {
        format!(
            "kind = \"ldap\"\nname = \"Corp directory\"\ndomains = [\"corp.example\"]\n\
             url = \"ldap://{address}\"\ntls = \"none\"\n\
             bind_dn = \"uid={account},ou=people,{BASE}\"\npassword = \"{SERVICE}\"\n\
             base = \"ou=people,{BASE}\"\ncheck_account = \"eli@corp.example\"\n\
             protected_groups = [\"cn=guarded,ou=groups,{BASE}\"]\n\
             primary_admin_groups = [\"cn=helpdesk,ou=groups,{BASE}\"]\n"
        )
    }
}

/// One connection, which is bound as somebody or nobody.
async fn serve(mut stream: TcpStream, users: Users, seen: Seen) {
    let mut bound: Option<User> = None;
    while let Some(message) = read_message(&mut stream).await {
        let mut parts = Reader(Reader(&message).next().1);
        let id = element(0x02, parts.next().1);
        let (tag, request) = parts.next();
        let trouble = if is_change(&message) {
            seen.take_trouble()
        } else {
            None
        };
        if trouble == Some(Trouble::HangBefore) {
            return std::future::pending().await;
        }
        let answers = match tag {
            0x60 => vec![bind(&users, request, &mut bound)],
            0x63 => search(&users, bound.as_ref(), request)
                .unwrap_or_else(|(code, text)| vec![result(0x65, code, &text)]),
            0x77 => {
                if is_change(&message) {
                    seen.count_change();
                }
                let (code, text) = change_password(&users, bound.as_ref(), request)
                    .err()
                    .unwrap_or_default();
                vec![result(0x78, code, &text)]
            }
            // UnbindRequest.
            0x42 => return,
            _ => panic!("an operation that relatch does not use: {tag:#x}"),
        };
        match trouble {
            Some(Trouble::Die) => return,
            Some(_) => return drop(stream.read_u8().await),
            None => {}
        }
        for answer in answers {
            let message = element(0x30, &[id.clone(), answer].concat());
            if stream.write_all(&message).await.is_err() {
                return;
            }
        }
    }
}

/// `crates/ldap/src/password.rs`, `do_bind`.
fn bind(users: &Users, request: &[u8], bound: &mut Option<User>) -> Vec<u8> {
    let mut request = Reader(request);
    request.next();
    let dn = request.text();
    let password = request.text();
    if dn.is_empty() {
        return result(
            0x61,
            INAPPROPRIATE_AUTHENTICATION,
            "Anonymous bind not allowed",
        );
    }
    let Ok(id) = user_of_dn(&dn) else {
        return result(0x61, NAMING_VIOLATION, "");
    };
    let users = users.lock().unwrap();
    let found = users
        .iter()
        .find(|user| user.id == id && user.password == password);
    match found {
        Some(user) => {
            *bound = Some(user.clone());
            result(0x61, SUCCESS, "")
        }
        None => result(0x61, INVALID_CREDENTIALS, ""),
    }
}

/// `crates/ldap/src/core/utils.rs`, `parse_distinguished_name`: nothing is unescaped.
fn parts_of_dn(dn: &str) -> Result<Vec<(String, String)>, Refused> {
    dn.to_lowercase()
        .split(',')
        .map(|part| match part.split('=').collect::<Vec<_>>()[..] {
            [name, value] => Ok((name.trim().to_owned(), value.trim().to_owned())),
            _ => Err((
                INVALID_DN_SYNTAX,
                "Too many elements in distinguished name".to_owned(),
            )),
        })
        .collect()
}

/// The name in `cn=NAME,ou=FOLDER,BASE` or `uid=NAME,ou=FOLDER,BASE` (`get_user_or_group_id_from_distinguished_name`).
fn name_in(dn: &str, folder: &str) -> Result<String, Refused> {
    let unexpected = || (INVALID_DN_SYNTAX, "Unexpected DN format".to_owned());
    let parts = parts_of_dn(dn)?;
    let [(kind, name), (ou, own), rest @ ..] = parts.as_slice() else {
        return Err(unexpected());
    };
    let is_there = ou == "ou" && own == folder && rest == parts_of_dn(BASE)?.as_slice();
    if is_there && (kind == "cn" || kind == "uid") {
        Ok(name.clone())
    } else {
        Err(unexpected())
    }
}

fn user_of_dn(dn: &str) -> Result<String, Refused> {
    name_in(dn, "people")
}

/// `crates/ldap/src/search.rs`, `do_search`; `handler.rs`, `do_search_or_dse` for the root DSE.
fn search(users: &Users, bound: Option<&User>, request: &[u8]) -> Result<Vec<Vec<u8>>, Refused> {
    let mut request = Reader(request);
    let (base, scope) = (request.text(), request.small());
    // Aliases, limits and `typesOnly` are not looked at; there is no limit of size.
    for _ in 0..4 {
        request.next();
    }
    let filter = Filter::read(request.next());
    let wanted = Reader(request.next().1).rest();
    let wanted: Vec<String> = wanted
        .iter()
        .map(|(_, name)| String::from_utf8_lossy(name).into_owned())
        .collect();
    let done = result(0x65, SUCCESS, "");
    let is_base = scope == 0;
    if base.is_empty() && is_base {
        return Ok(vec![root_dse(), done]);
    }
    let bound = bound.ok_or((INSUFFICIENT_ACCESS, "No user currently bound".to_owned()))?;
    let users = users.lock().unwrap();
    let all: Vec<User> = users
        .iter()
        .filter(|user| sees(bound, user))
        .cloned()
        .collect();
    let mut found = entries(&all, &base, is_base, &filter, &wanted)?;
    if found.is_empty() && is_base {
        return Err((NO_SUCH_OBJECT, String::new()));
    }
    found.push(done);
    Ok(found)
}

/// `search.rs`, `root_dse_response`: no control is supported.
fn root_dse() -> Vec<u8> {
    let one = |name: &str, value: &str| (name.to_owned(), vec![value.to_owned()]);
    let attributes = [
        one("objectClass", "top"),
        one("vendorName", "LLDAP"),
        one("supportedExtension", PASSWORD_MODIFY),
        one("defaultNamingContext", BASE),
    ];
    entry("", &attributes)
}

/// `crates/access-control/src/lib.rs`, `get_user_restricted_lister_handler`: others are seen by those who administer,
/// manage passwords or read.
fn sees(bound: &User, user: &User) -> bool {
    let all = [
        "lldap_admin",
        "lldap_password_manager",
        "lldap_strict_readonly",
    ];
    bound.id == user.id || bound.groups.iter().any(|group| all.contains(group))
}

/// `search.rs`, `get_search_scope` and `do_search_internal`, for the trees that relatch asks.
fn entries(
    users: &[User],
    base: &str,
    is_base: bool,
    filter: &Filter,
    wanted: &[String],
) -> Result<Vec<Vec<u8>>, Refused> {
    let parts = parts_of_dn(base)?;
    let people = parts_of_dn(&format!("ou=people,{BASE}"))?;
    if parts == people && is_base {
        let classes = vec!["top".to_owned(), "organizationalUnit".to_owned()];
        return Ok(vec![entry(base, &[("objectClass".to_owned(), classes)])]);
    }
    let mut found = Vec::new();
    if let Ok(name) = name_in(base, "groups") {
        let mut groups: Vec<&str> = users.iter().flat_map(|user| user.groups.clone()).collect();
        groups.dedup();
        for group in groups.into_iter().filter(|group| *group == name) {
            if group_matches(users, group, filter)? {
                found.push(entry(&format!("cn={group},ou=groups,{BASE}"), &[]));
            }
        }
        return Ok(found);
    }
    let one = name_in(base, "people").ok();
    if one.is_none() && parts != people {
        return Ok(found);
    }
    for user in users
        .iter()
        .filter(|user| one.as_ref().is_none_or(|id| *id == user.id))
    {
        if user_matches(user, filter)? {
            let attributes = wanted
                .iter()
                .filter(|name| *name != "1.1")
                .map(|name| (name.clone(), user.values(name)));
            let attributes: Vec<_> = attributes
                .filter(|(_, values)| !values.is_empty())
                .collect();
            found.push(entry(
                &format!("uid={},ou=people,{BASE}", user.id),
                &attributes,
            ));
        }
    }
    Ok(found)
}

/// `core/user.rs`, `convert_user_filter`: attributes that it does not know match nothing.
fn user_matches(user: &User, filter: &Filter) -> Result<bool, Refused> {
    eval(filter, &|name, value| {
        user.values(name)
            .iter()
            .any(|own| value.is_none_or(|value| own.to_lowercase() == value))
    })
}

/// `core/group.rs`, `convert_group_filter`: `member` and `uniqueMember` are one, `memberUid` is unknown, and a DN that it
/// cannot read matches nothing.
fn group_matches(users: &[User], group: &str, filter: &Filter) -> Result<bool, Refused> {
    eval(filter, &|name, value| match (name, value) {
        ("member" | "uniquemember", Some(dn)) => user_of_dn(dn).is_ok_and(|id| {
            let mut members = users.iter().filter(|user| user.groups.contains(&group));
            members.any(|user| user.id == id)
        }),
        ("objectclass", Some(class)) => ["groupofuniquenames", "groupofnames"].contains(&class),
        ("cn" | "uid", Some(own)) => own == group,
        ("member" | "uniquemember" | "objectclass" | "cn" | "uid", None) => true,
        _ => false,
    })
}

fn eval(filter: &Filter, matches: &dyn Fn(&str, Option<&str>) -> bool) -> Result<bool, Refused> {
    let each = |parts: &[Filter]| -> Result<Vec<bool>, Refused> {
        parts.iter().map(|part| eval(part, matches)).collect()
    };
    Ok(match filter {
        Filter::And(parts) => each(parts)?.into_iter().all(|one| one),
        Filter::Or(parts) => each(parts)?.into_iter().any(|one| one),
        Filter::Not(part) => !eval(part, matches)?,
        Filter::Equal(name, value) => matches(name, Some(value)),
        Filter::Present(name) => matches(name, None),
        Filter::Other => return Err((UNWILLING, "Unsupported filter".to_owned())),
    })
}

/// `crates/ldap/src/password.rs`, `do_password_modification`; `crates/auth/src/access_control.rs`, `can_change_password`.
fn change_password(users: &Users, bound: Option<&User>, request: &[u8]) -> Result<(), Refused> {
    let mut request = Reader(request);
    if request.text() != PASSWORD_MODIFY {
        return Err((UNWILLING, "Unsupported extended operation".to_owned()));
    }
    let bound = bound.ok_or((INSUFFICIENT_ACCESS, "No user currently bound".to_owned()))?;
    let parts = Reader(Reader(request.next().1).next().1).rest();
    let part = |wanted: u8| {
        let found = parts.iter().find(|(tag, _)| *tag == wanted);
        found.map(|(_, content)| String::from_utf8_lossy(content).into_owned())
    };
    let missing = || (19, "Missing either user_id or password".to_owned());
    let (dn, password) = (
        part(0x80).ok_or_else(missing)?,
        part(0x82).ok_or_else(missing)?,
    );
    let id = user_of_dn(&dn)?;
    let refused = || {
        (
            INSUFFICIENT_ACCESS,
            format!(
                "User `{}` cannot modify the password of user `{id}`",
                bound.id
            ),
        )
    };
    let mut users = users.lock().unwrap();
    let user = users
        .iter_mut()
        .find(|user| user.id == id && sees(bound, user));
    let user = user.ok_or_else(refused)?;
    let manages = bound.groups.contains(&"lldap_password_manager");
    if bound.id != id && (!manages || user.groups.contains(&"lldap_admin")) {
        return Err(refused());
    }
    user.password = password;
    user.password_set_at = now();
    Ok(())
}

fn now() -> String {
    let now = jiff::Timestamp::from_millisecond(Clock::System.now().0).unwrap();
    now.strftime("%Y%m%d%H%M%SZ").to_string()
}

impl World for Lldap {
    fn traits(&self) -> Traits {
        Traits {
            name: "Corp directory",
            must_change: false,
            can_sign_out: false,
            locks: false,
            has_never_expires: false,
            has_protected: true,
            can_hold_two: false,
            tells_rights: false,
            tells_changes: true,
            has_policy: false,
        }
    }

    async fn bot(&self) -> TestBot {
        TestBot::with_directory(&self.settings("relatch")).await
    }

    async fn bot_without_right(&self) -> Option<TestBot> {
        Some(TestBot::with_directory(&self.settings("weak")).await)
    }

    async fn bot_with_wrong_certificate(&self) -> Option<(TestBot, Seen)> {
        None
    }

    async fn bot_without_encryption(&self) -> Option<(TestBot, Seen)> {
        None
    }

    async fn sign_in(&self, name: &str, password: &str) -> SignIn {
        let users = self.users.lock().unwrap();
        let mut own = users.iter().filter(|user| user.id == name);
        if own.any(|user| user.password == password) {
            SignIn::In
        } else {
            SignIn::Refused
        }
    }

    async fn change_own(&self, name: &str, password: &str) {
        assert_eq!(self.sign_in(name, password).await, SignIn::In);
        let mut users = self.users.lock().unwrap();
        let user = users.iter_mut().find(|user| user.id == name).unwrap();
        CHOSEN.clone_into(&mut user.password);
    }

    /// It has no policy for passwords.
    async fn set_least_length(&self, _length: usize) {}

    fn next_change(&self, trouble: Trouble) {
        self.seen.next_change(trouble);
    }

    async fn changes(&self) -> usize {
        self.seen.changes()
    }
}
