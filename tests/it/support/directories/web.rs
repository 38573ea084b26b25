//! Keycloak and Lark as strict pretend servers: a path, a field, a scope or a state that the real one does not know is
//! written down and fails the test.

mod keycloak;
mod lark;
mod set_up;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use serde_json::Value;

pub(crate) use self::keycloak::default_flow;
use self::keycloak::keycloak;
use self::lark::lark;
use super::proxy::{self, Seen};
use super::realm::Realm;
use super::{CHOSEN, OLD, SignIn, TestBot, Traits, Trouble, World};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Keycloak,
    Lark,
}

/// What Keycloak's client may not see, or sees no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blind {
    /// It may not ask for clients.
    Clients,
    /// It may list clients and view none, which are left out then.
    ViewOfClients,
    /// The account is gone when its realm roles are asked for.
    GoneBeforeRealmRoles,
    /// The account is gone when its client roles are asked for.
    GoneBeforeClientRoles,
    /// It lacks `view-realm`: of the realm it sees the name alone, and nothing of how people sign in.
    Realm,
    /// A server between them fails where it is asked for credentials after a reset.
    CredentialsAfterReset,
}

#[derive(Clone, Debug)]
struct Person {
    id: String,
    email: String,
    /// What Lark calls `email`, where it is not the mailbox: the member may set it, and people are found by it alone
    /// ("Obtain user ID via email or mobile number", `emails`).
    second_email: Option<String>,
    /// As somebody wrote it there.
    phone: String,
    password: String,
    must_change: bool,
    is_enabled: bool,
    failures: usize,
    sessions: usize,
    set_at: i64,
    /// Effective ones, as the next.
    realm_roles: Vec<&'static str>,
    /// Those of `realm-management`.
    client_roles: Vec<&'static str>,
    federation: Option<&'static str>,
    /// True where a password lies in this realm too, as after a reset in the mode UNSYNCED.
    has_own_password: bool,
    /// Applications with an offline token.
    offline: Vec<&'static str>,
    providers: Vec<&'static str>,
    /// Credentials beside the password, by their types.
    factors: Vec<&'static str>,
}

/// What happens besides when a password is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtChange {
    /// Lark refuses it, because the secret of its app was replaced.
    LoseSecret,
    /// A proxy redirects in place of Keycloak's answer (nginx, `ngx_http_core_module`: `error_page` with an address sends
    /// 302).
    Redirect,
}

#[derive(Default)]
struct Memory {
    people: BTreeMap<String, Person>,
    least_length: usize,
    next: Option<Trouble>,
    changes: usize,
    broken: Vec<String>,
    /// To whom its own link was sent.
    links: Vec<String>,
    /// Scopes that the app lacks.
    missing: Vec<&'static str>,
    /// Lark finds people by their mailbox too, against its own page.
    finds_mailboxes: bool,
    blind: Option<Blind>,
    /// The id of Keycloak's client `realm-management`.
    administration: &'static str,
    /// Until Keycloak 26.2 an account that is locked for a while is disabled where it is asked for by id.
    tells_locked_as_disabled: bool,
    /// What Keycloak answers to the order to send its own link: a status and a message.
    link_refusal: Option<(u16, &'static str)>,
    /// What it answers when it is asked for a token.
    token_refusal: Option<(u16, &'static str, &'static str)>,
    /// The code with which Lark answers when it is asked for a token, and that for every other call.
    codes: (Option<i64>, Option<i64>),
    /// What happens besides when the next password is set.
    at_change: Option<AtChange>,
    /// Connections that were accepted.
    connections: usize,
    realm: Realm,
    /// The realm's browser flow, where it is not the default one: its name and its executions.
    flow: Option<(&'static str, Value)>,
    /// How often credentials were asked for.
    credentials_asked: usize,
    /// What somebody who has a page open sets as soon as an administrator has set a password.
    own_after_reset: Option<&'static str>,
}

type Shared = Arc<Mutex<Memory>>;

/// A pretend server.
pub(crate) struct Fake {
    kind: Kind,
    base: String,
    memory: Shared,
}

const CLIENT: (&str, &str) = ("relatch", "canary-client-secret-0001");
const WEAK: (&str, &str) = ("weak", "canary-client-secret-0002");

impl Fake {
    pub(crate) async fn start(kind: Kind) -> Self {
        let memory = Shared::default();
        {
            let mut memory = memory.lock().unwrap();
            memory.least_length = 8;
            memory.administration = "5d2c0001-cccc-dddd";
            let names = [
                "eli", "adm", "loc", "pol", "hung", "died", "lost", "cert", "auth", "inj", "pri",
                "grp", "fed", "uns", "idp", "ann", "mal", "otp", "key", "psk",
            ];
            for (number, (name, email)) in names
                .into_iter()
                .map(|name| (name, name))
                .chain([("two1", "two"), ("two2", "two")])
                .enumerate()
            {
                let person = Person {
                    id: format!("0b1c{number:04}-aaaa-bbbb"),
                    email: format!("{email}@corp.example"),
                    second_email: None,
                    phone: "+821012345699".to_owned(),
                    password: OLD.to_owned(),
                    must_change: false,
                    is_enabled: name != "adm",
                    failures: 0,
                    sessions: 2,
                    set_at: 1_600_000_000_000,
                    realm_roles: if name == "pri" {
                        vec!["default-roles-corp", "admin"]
                    } else {
                        vec!["default-roles-corp"]
                    },
                    // By a group, so that no list of direct roles has it.
                    client_roles: if name == "grp" {
                        vec!["manage-users", "query-users"]
                    } else {
                        Vec::new()
                    },
                    federation: ["fed", "uns"].contains(&name).then_some("company-ldap"),
                    has_own_password: name != "fed",
                    offline: if name == "inj" {
                        vec!["mail-app", "drive-app"]
                    } else {
                        Vec::new()
                    },
                    providers: if name == "idp" {
                        vec!["google"]
                    } else {
                        Vec::new()
                    },
                    factors: match name {
                        "otp" => vec!["otp"],
                        "key" => vec!["webauthn"],
                        "psk" => vec!["webauthn-passwordless"],
                        _ => Vec::new(),
                    },
                };
                memory.people.insert(name.to_owned(), person);
            }
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .fallback(answer)
            .with_state((kind, Arc::clone(&memory)));
        let shared = Arc::clone(&memory);
        let listener = listener.tap_io(move |_| shared.lock().unwrap().connections += 1);
        super::super::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { kind, base, memory }
    }

    /// The README's, at this address and as this client.
    fn settings(&self, base: &str, (client, secret): (&str, &str)) -> String {
        let example = super::example(if self.kind == Kind::Keycloak {
            "keycloak"
        } else {
            "lark"
        });
        let line = |line: &str| match line.split_once(" = ") {
            Some(("url", _)) => format!("url = \"{base}\""),
            Some(("api_url", _)) => format!("api_url = \"{base}/open-apis/\""),
            Some((key @ ("client_id" | "app_id"), _)) => format!("{key} = \"{client}\""),
            Some((key @ ("client_secret_file" | "app_secret_file"), _)) => {
                format!("{} = \"{secret}\"", key.trim_end_matches("_file"))
            }
            _ => line.to_owned(),
        };
        example.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The settings that the bot works with.
    pub(crate) fn own_settings(&self) -> String {
        self.settings(&self.base, CLIENT)
    }

    /// The same as a client that may read and not manage.
    pub(crate) fn weak_settings(&self) -> String {
        self.settings(&self.base, WEAK)
    }

    /// The settings for a server with this certificate of `tests/fixtures/tls`, whose `ours-ca.pem` they trust.
    pub(crate) async fn settings_with_certificate(&self, name: &str) -> String {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls");
        let (address, _) = proxy::start(&folder, name, "127.0.0.1:1".parse().unwrap()).await;
        let settings = self.settings(&format!("https://localhost:{}", address.port()), CLIENT);
        let ca_file = folder.join("ours-ca.pem");
        format!("{settings}\nca_file = \"{}\"", ca_file.display())
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let broken = std::mem::take(&mut self.memory.lock().unwrap().broken);
        if !std::thread::panicking() {
            assert!(
                broken.is_empty(),
                "{:?} was asked what it does not know: {broken:#?}",
                self.kind
            );
        }
    }
}

impl World for Fake {
    fn traits(&self) -> Traits {
        let is_keycloak = self.kind == Kind::Keycloak;
        Traits {
            name: "Corp directory",
            must_change: true,
            can_sign_out: true,
            locks: is_keycloak,
            has_never_expires: false,
            has_protected: is_keycloak,
            can_hold_two: true,
            tells_changes: is_keycloak,
            tells_rights: is_keycloak,
            has_policy: true,
        }
    }

    async fn bot(&self) -> TestBot {
        TestBot::with_directory(&self.own_settings()).await
    }

    async fn bot_without_right(&self) -> Option<TestBot> {
        Some(TestBot::with_directory(&self.settings(&self.base, WEAK)).await)
    }

    async fn bot_with_wrong_certificate(&self) -> Option<(TestBot, Seen)> {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stranger");
        let (address, seen) =
            proxy::start(&folder, "stranger", "127.0.0.1:1".parse().unwrap()).await;
        let settings = self.settings(&format!("https://localhost:{}", address.port()), CLIENT);
        Some((TestBot::with_directory(&settings).await, seen))
    }

    async fn bot_without_encryption(&self) -> Option<(TestBot, Seen)> {
        let settings = self.settings("http://keycloak.corp.example", CLIENT);
        assert!(
            relatch::surface::directory::read_text(&settings).is_err(),
            "http to another machine was taken"
        );
        None
    }

    async fn sign_in(&self, name: &str, password: &str) -> SignIn {
        let locks = self.traits().locks;
        self.with(name, |person| {
            if !person.is_enabled || locks && person.failures >= 3 {
                return SignIn::Refused;
            }
            if person.password != password {
                person.failures += 1;
                return SignIn::Refused;
            }
            if person.factors.contains(&"otp") {
                SignIn::AsksForCode
            } else if person.must_change {
                SignIn::MustChange
            } else {
                SignIn::In
            }
        })
    }

    async fn change_own(&self, name: &str, password: &str) {
        assert_eq!(self.sign_in(name, password).await, SignIn::MustChange);
        self.with(name, |person| {
            CHOSEN.clone_into(&mut person.password);
            person.must_change = false;
            person.set_at = next_time(person.set_at);
        });
    }

    async fn set_least_length(&self, length: usize) {
        let mut memory = self.memory.lock().unwrap();
        memory.least_length = length;
        // relatch reads a realm's policy and meets it, up to 24 characters.
        let least = if length > 8 { length + 16 } else { length };
        memory.realm.policy = format!("length({least})");
    }

    fn next_change(&self, trouble: Trouble) {
        self.memory.lock().unwrap().next = Some(trouble);
    }

    async fn changes(&self) -> usize {
        self.memory.lock().unwrap().changes
    }
}

/// What stands in a request.
struct Asked {
    method: Method,
    path: Vec<String>,
    query: BTreeMap<String, String>,
    token: Option<String>,
    body: Bytes,
}

impl Asked {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body, if it has exactly these fields.
    fn fields(&self, wanted: &[&str]) -> Option<Value> {
        let body = self.json();
        let mut own: Vec<&str> = body.as_object()?.keys().map(String::as_str).collect();
        let mut wanted = wanted.to_vec();
        own.sort_unstable();
        wanted.sort_unstable();
        (own == wanted).then_some(body)
    }
}

async fn answer(
    State((kind, memory)): State<(Kind, Shared)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect();
    let token = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .map(str::to_owned);
    let path = uri.path().split('/').skip(1).map(str::to_owned).collect();
    let asked = Asked {
        method,
        path,
        query,
        token,
        body,
    };
    if kind == Kind::Keycloak {
        take_time(&memory, &asked.method, uri.path()).await;
    }
    let (response, trouble) = {
        let mut memory = memory.lock().unwrap();
        let is_change = matches!(
            asked.path.last().map(String::as_str),
            Some("reset-password" | "password")
        );
        let trouble = if is_change { memory.next.take() } else { None };
        if trouble == Some(Trouble::HangBefore) {
            (None, trouble)
        } else {
            let before = memory.broken.len();
            let response = match kind {
                Kind::Keycloak => keycloak(&mut memory, &asked),
                Kind::Lark => lark(&mut memory, &asked),
            };
            if memory.broken.len() > before {
                let text = format!(
                    "{} {uri} {}",
                    asked.method,
                    String::from_utf8_lossy(&asked.body)
                );
                memory.broken.push(text);
            }
            (Some(response), trouble)
        }
    };
    match (response, trouble) {
        (None, _) | (_, Some(Trouble::HangBefore | Trouble::HangAfter)) => {
            std::future::pending().await
        }
        (_, Some(Trouble::Die)) => StatusCode::BAD_GATEWAY.into_response(),
        (Some(response), None) => response,
    }
}

/// Writes the call down, and waits as long as the realm takes for it. The sessions of a logout end whether or not the caller
/// waits for the answer.
async fn take_time(memory: &Shared, method: &Method, path: &str) {
    let (takes, ends) = {
        let mut memory = memory.lock().unwrap();
        memory.realm.asked.push(format!("{method} {path}"));
        let hangs = path.ends_with("/logout") && !memory.realm.logout_takes.is_zero();
        let takes = memory.realm.takes(method.as_str(), path);
        (takes, hangs.then(|| path.to_owned()))
    };
    if let Some(path) = ends {
        let memory = Arc::clone(memory);
        super::super::spawn(async move {
            tokio::time::sleep(takes).await;
            let mut memory = memory.lock().unwrap();
            for person in memory.people.values_mut() {
                if path.contains(&person.id) {
                    person.sessions = 0;
                }
            }
        });
    }
    tokio::time::sleep(takes).await;
}

fn refuse(memory: &mut Memory, why: &str) -> Response {
    memory.broken.push(why.to_owned());
    StatusCode::BAD_REQUEST.into_response()
}

/// The present, and later than the last time: whoever sets a password sets `createdDate` too (as 26.7.3 does).
fn next_time(last: i64) -> i64 {
    relatch::surface::clock::Clock::System
        .now()
        .0
        .max(last.saturating_add(1))
}

/// A password is set by an administrator.
fn set(memory: &mut Memory, id: &str, password: &str, must_change: bool) {
    memory.changes += 1;
    let person = memory
        .people
        .values_mut()
        .find(|person| person.id == id)
        .unwrap();
    password.clone_into(&mut person.password);
    person.must_change = must_change;
    person.set_at = next_time(person.set_at);
}
