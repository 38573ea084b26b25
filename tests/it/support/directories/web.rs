//! Keycloak and Lark as strict pretend servers: a path, a field, a scope or a state that the real one does not know is
//! written down and fails the test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde_json::{Value, json};

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
    /// The secret of Lark's app is replaced when the next password is set.
    loses_secret_at_change: bool,
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

    /// From now on the app lacks this scope.
    pub(crate) fn take_scope(&self, scope: &'static str) {
        self.memory.lock().unwrap().missing.push(scope);
    }

    /// From now on the client does not see this.
    pub(crate) fn make_blind(&self, blind: Blind) {
        self.memory.lock().unwrap().blind = Some(blind);
    }

    /// It sees everything again.
    pub(crate) fn make_see(&self) {
        self.memory.lock().unwrap().blind = None;
    }

    /// Makes the realm anew: its clients have other ids.
    pub(crate) fn make_realm_anew(&self) {
        self.memory.lock().unwrap().administration = "5d2c0002-cccc-dddd";
    }

    /// It is a Keycloak up to 26.2.
    pub(crate) fn make_old(&self) {
        self.memory.lock().unwrap().tells_locked_as_disabled = true;
    }

    /// From now on Keycloak's own link is refused so.
    pub(crate) fn refuse_links(&self, status: u16, message: &'static str) {
        self.memory.lock().unwrap().link_refusal = Some((status, message));
    }

    /// From now on a token is refused so.
    pub(crate) fn refuse_tokens(&self, status: u16, error: &'static str, told: &'static str) {
        self.memory.lock().unwrap().token_refusal = Some((status, error, told));
    }

    /// From now on Lark gives no token, with this code.
    pub(crate) fn refuse_app(&self, code: i64) {
        self.memory.lock().unwrap().codes.0 = Some(code);
    }

    /// From now on Lark answers every call with this code, but that for a token.
    pub(crate) fn refuse_calls(&self, code: i64) {
        self.memory.lock().unwrap().codes.1 = Some(code);
    }

    /// The next password is refused for its token, and no other token is given from then on.
    pub(crate) fn lose_secret_at_change(&self) {
        self.memory.lock().unwrap().loses_secret_at_change = true;
    }

    /// How many connections were accepted.
    pub(crate) fn connections(&self) -> usize {
        self.memory.lock().unwrap().connections
    }

    /// Changes how the realm is set up.
    pub(crate) fn set_realm(&self, change: impl FnOnce(&mut Realm)) {
        change(&mut self.memory.lock().unwrap().realm);
    }

    /// The calls since the last question, by method and path, with those for a token.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.memory.lock().unwrap().realm.asked)
    }

    /// Somebody has this realm role from now on, or has it no more.
    pub(crate) fn set_role(&self, name: &str, role: &'static str, has_it: bool) {
        self.with(name, |person| {
            person.realm_roles.retain(|own| *own != role);
            person.realm_roles.extend(has_it.then_some(role));
        });
    }

    /// Somebody disables an account.
    pub(crate) fn disable(&self, name: &str) {
        self.with(name, |person| person.is_enabled = false);
    }

    /// From now on people sign in by this flow.
    pub(crate) fn set_flow(&self, name: &'static str, executions: Value) {
        self.memory.lock().unwrap().flow = Some((name, executions));
    }

    /// How often credentials were asked for.
    pub(crate) fn credentials_asked(&self) -> usize {
        self.memory.lock().unwrap().credentials_asked
    }

    /// Somebody sets a password of their own past the generated one: by a page that was opened before, or by a link.
    pub(crate) fn set_by_an_open_page(&self, name: &str, password: &str) {
        self.with(name, |person| {
            password.clone_into(&mut person.password);
            person.must_change = false;
            person.set_at = next_time(person.set_at);
        });
    }

    /// From now on somebody does so right after each reset.
    pub(crate) fn set_own_after_reset(&self, password: &'static str) {
        self.memory.lock().unwrap().own_after_reset = Some(password);
    }

    /// Which applications hold an offline token.
    pub(crate) fn offline(&self, name: &str) -> usize {
        self.memory.lock().unwrap().people[name].offline.len()
    }

    /// To whom Keycloak sent its own link.
    pub(crate) fn links(&self) -> Vec<String> {
        self.memory.lock().unwrap().links.clone()
    }

    /// Somebody's id in Keycloak.
    pub(crate) fn id(&self, name: &str) -> String {
        self.with(name, |person| person.id.clone())
    }

    /// Somebody's id in Lark.
    pub(crate) fn outward(&self, name: &str) -> String {
        outward(&self.id(name))
    }

    /// Somebody has another e-mail from now on.
    pub(crate) fn set_email(&self, name: &str, email: &str) {
        self.with(name, |person| email.clone_into(&mut person.email));
    }

    /// From now on Lark finds people by their mailbox too. Its page says that it does not; no right may rest on that.
    pub(crate) fn find_mailboxes(&self) {
        self.memory.lock().unwrap().finds_mailboxes = true;
    }

    /// Somebody gives themselves a second e-mail; Lark's people can.
    pub(crate) fn set_second_email(&self, name: &str, email: &str) {
        self.with(name, |person| person.second_email = Some(email.to_owned()));
    }

    /// Somebody's phone is written like this from now on.
    pub(crate) fn set_phone(&self, name: &str, phone: &str) {
        self.with(name, |person| phone.clone_into(&mut person.phone));
    }

    /// Somebody leaves, and their account with them.
    pub(crate) fn remove(&self, name: &str) {
        self.memory.lock().unwrap().people.remove(name);
    }

    /// Somebody new, with the e-mail that their name makes.
    pub(crate) fn hire(&self, name: &str) {
        let mut memory = self.memory.lock().unwrap();
        let person = Person {
            id: format!("0b1c9{:03}-aaaa-bbbb", memory.people.len()),
            email: format!("{name}@corp.example"),
            second_email: None,
            ..memory.people["eli"].clone()
        };
        memory.people.insert(name.to_owned(), person);
    }

    pub(crate) fn sessions(&self, name: &str) -> usize {
        self.memory.lock().unwrap().people[name].sessions
    }

    fn with<T>(&self, name: &str, change: impl FnOnce(&mut Person) -> T) -> T {
        change(self.memory.lock().unwrap().people.get_mut(name).unwrap())
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

#[expect(clippy::too_many_lines, reason = "one match of the vendor's routes")]
fn keycloak(memory: &mut Memory, asked: &Asked) -> Response {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    if path == ["realms", "corp", "protocol", "openid-connect", "token"] {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(&asked.body)
            .into_owned()
            .collect();
        let is_known =
            [CLIENT, WEAK].contains(&(form["client_id"].as_str(), form["client_secret"].as_str()));
        if let Some((status, error, told)) = memory.token_refusal {
            let told = json!({ "error": error, "error_description": told });
            return (StatusCode::from_u16(status).unwrap(), Json(told)).into_response();
        }
        if form["grant_type"] != "client_credentials" || !is_known {
            let told = json!({ "error": "unauthorized_client",
                "error_description": "Invalid client or Invalid client credentials" });
            return (StatusCode::UNAUTHORIZED, Json(told)).into_response();
        }
        let token = format!("token-of-{}", form["client_id"]);
        return Json(
            json!({ "access_token": token, "expires_in": memory.realm.token_life, "refresh_expires_in": 0,
            "token_type": "Bearer", "not-before-policy": 0, "scope": "profile email" }),
        )
        .into_response();
    }
    let may_manage = match asked.token.as_deref() {
        Some("token-of-relatch") => true,
        Some("token-of-weak") => false,
        _ => return told(401, "HTTP 401 Unauthorized"),
    };
    let ["admin", "realms", "corp", rest @ ..] = path.as_slice() else {
        return refuse(memory, "no such path");
    };
    match memory.realm.refusal {
        Some(401) => return told(401, "HTTP 401 Unauthorized"),
        Some(403) => return told(403, "HTTP 403 Forbidden"),
        Some(status) => return told(status, "unknown_error"),
        None => {}
    }
    let method = asked.method.as_str();
    if let ("GET", ["users"]) = (method, rest) {
        return users(memory, asked, may_manage);
    }
    if let ("GET", ["users", "profile"]) = (method, rest) {
        return Json(json!({ "attributes": [{ "name": "phoneNumber", "permissions": { "view": ["admin"], "edit": ["admin"] } }], "groups": [] }))
            .into_response();
    }
    if let ("GET", ["users", "count"]) = (method, rest) {
        return Json(memory.people.len()).into_response();
    }
    if let ("GET", ["clients"]) = (method, rest) {
        return clients(memory, asked);
    }
    if let ("GET", ["clients", client, "roles", name]) = (method, rest) {
        if *client != memory.administration || !["manage-users", "query-users"].contains(name) {
            return told(404, "Could not find role");
        }
        return Json(json!({ "id": name, "name": name, "clientRole": true })).into_response();
    }
    if let ("GET", []) = (method, rest) {
        if memory.blind == Some(Blind::Realm) {
            return Json(json!({ "realm": "corp", "bruteForceProtected": true })).into_response();
        }
        let flow = memory.flow.as_ref().map_or("browser", |(name, _)| name);
        let mail = if memory.realm.has_mail {
            json!({ "host": "mail.corp.example" })
        } else {
            json!({})
        };
        return Json(json!({ "realm": "corp", "smtpServer": mail,
            "passwordPolicy": memory.realm.policy, "browserFlow": flow }))
        .into_response();
    }
    if let ("GET", ["authentication", "flows", name, "executions"]) = (method, rest) {
        return match &memory.flow {
            _ if memory.blind == Some(Blind::Realm) => told(403, "HTTP 403 Forbidden"),
            Some((own, executions)) if *own == name.replace("%20", " ") => {
                Json(executions.clone()).into_response()
            }
            _ if *name == "browser" => Json(default_flow()).into_response(),
            _ => told(404, "Flow not found"),
        };
    }
    if let ("GET", ["authentication", "required-actions", "UPDATE_PASSWORD"]) = (method, rest) {
        if memory.blind == Some(Blind::Realm) {
            return told(403, "HTTP 403 Forbidden");
        }
        return Json(json!({ "alias": "UPDATE_PASSWORD", "enabled": memory.realm.asks }))
            .into_response();
    }
    // Ours, so that a realm with many roles is not read in full.
    let is_role_list = matches!(
        rest,
        ["roles"] | ["users", _, "role-mappings", .., "composite"]
    );
    if is_role_list && asked.query.get("briefRepresentation").map(String::as_str) != Some("true") {
        return refuse(memory, "roles with all their attributes");
    }
    if let ("GET", ["roles"]) = (method, rest) {
        return roles(&["default-roles-corp"]);
    }
    if let ("GET", ["roles", name]) = (method, rest) {
        if !["admin", "default-roles-corp", "it-admins"].contains(name) {
            return told(404, "Could not find role");
        }
        return Json(json!({ "id": name, "name": name })).into_response();
    }
    if let (method, ["attack-detection", "brute-force", "users", id]) = (method, rest) {
        let person = memory.people.values_mut().find(|person| person.id == *id);
        return match method {
            "GET" => {
                let is_locked = person.is_some_and(|person| person.failures >= 3);
                Json(json!({ "numFailures": 3, "disabled": is_locked })).into_response()
            }
            "DELETE" if memory.realm.unlock_refusal.is_some() => {
                told(memory.realm.unlock_refusal.unwrap_or(500), "unknown_error")
            }
            "DELETE" if may_manage => {
                // Nobody there is no error.
                if let Some(person) = person {
                    person.failures = 0;
                }
                StatusCode::NO_CONTENT.into_response()
            }
            "DELETE" => told(403, "HTTP 403 Forbidden"),
            _ => refuse(memory, "no such path"),
        };
    }
    let ["users", id, rest @ ..] = rest else {
        return refuse(memory, "no such path");
    };
    let known = memory.people.iter().find(|(_, person)| person.id == *id);
    let Some((name, mut person)) = known.map(|(name, person)| (name.clone(), person.clone()))
    else {
        return told(404, "User not found");
    };
    let name = name.as_str();
    match (method, rest) {
        ("GET", []) => {
            if memory.tells_locked_as_disabled && person.failures >= 3 {
                person.is_enabled = false;
            }
            Json(user(name, &person, may_manage, true)).into_response()
        }
        ("GET", ["credentials"]) => {
            memory.credentials_asked += 1;
            if memory.blind == Some(Blind::CredentialsAfterReset) && person.must_change {
                return StatusCode::BAD_GATEWAY.into_response();
            }
            // One that was set here stands beside the other system's (run on 26.7.3 with a directory in the mode UNSYNCED).
            let elsewhere = person.federation.map(
                |link| json!({ "type": "password", "createdDate": -1, "federationLink": link }),
            );
            let has_own = person.has_own_password && person.providers.is_empty();
            let own = has_own
                .then(|| json!({ "id": "c1", "type": "password", "createdDate": person.set_at }));
            let factor = |kind: &&str| json!({ "id": "c2", "type": kind, "createdDate": 1_700_000_000_000_i64 });
            let passwords = own.into_iter().chain(elsewhere);
            let factors = person.factors.iter().map(factor);
            Json(passwords.chain(factors).collect::<Vec<_>>()).into_response()
        }
        ("GET", ["federated-identity"]) => {
            let one = |provider: &&str| json!({ "identityProvider": provider, "userId": "1", "userName": "x" });
            Json(person.providers.iter().map(one).collect::<Vec<_>>()).into_response()
        }
        ("GET", ["role-mappings", "realm", "composite"]) => match memory.blind {
            Some(Blind::GoneBeforeRealmRoles) => told(404, "User not found"),
            _ if memory.realm.roles_beside > 0 => {
                many_roles(&person.realm_roles, memory.realm.roles_beside)
            }
            _ => roles(&person.realm_roles),
        },
        ("GET", ["role-mappings", "clients", client, "composite"]) => match memory.blind {
            Some(Blind::GoneBeforeClientRoles) => told(404, "User not found"),
            Some(Blind::Clients | Blind::ViewOfClients) => told(403, "HTTP 403 Forbidden"),
            _ if *client != memory.administration => told(404, "Client not found"),
            _ => roles(&person.client_roles),
        },
        ("PUT", ["reset-password"]) => {
            let Some(body) = asked.fields(&["type", "value", "temporary"]) else {
                return refuse(memory, "fields");
            };
            if !may_manage {
                return told(403, "HTTP 403 Forbidden");
            }
            if body["type"] != "password" || !person.has_own_password {
                return refuse(memory, "a password that is not Keycloak's own");
            }
            let password = body["value"].as_str().unwrap();
            if let Some(told) = memory.realm.refusal_of(password) {
                return (StatusCode::BAD_REQUEST, Json(told)).into_response();
            }
            set(memory, id, password, body["temporary"] == true);
            if let Some(own) = memory.own_after_reset {
                // As `set_by_an_open_page`, and before anything else is asked.
                set(memory, id, own, false);
            }
            StatusCode::NO_CONTENT.into_response()
        }
        ("PUT", ["execute-actions-email"]) if may_manage => {
            if asked.json() != json!(["UPDATE_PASSWORD"])
                || asked.query.len() != 1
                || asked.query["lifespan"] != "3600"
            {
                return refuse(memory, "another action");
            }
            if let Some((status, message)) = memory.link_refusal {
                let told = Json(json!({ "errorMessage": message }));
                return (StatusCode::from_u16(status).unwrap(), told).into_response();
            }
            memory.links.push(name.to_owned());
            StatusCode::NO_CONTENT.into_response()
        }
        // Offline tokens survive it.
        ("POST", ["logout"]) if may_manage => {
            memory.people.get_mut(name).unwrap().sessions = 0;
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET", ["sessions"]) => Json(vec![json!({ "id": "s1" }); person.sessions]).into_response(),
        ("POST", ["logout"]) => told(403, "HTTP 403 Forbidden"),
        ("GET", ["consents"]) => {
            let one = |client: &&str| {
                json!({ "clientId": client, "grantedClientScopes": [],
                "additionalGrants": [{ "client": "0b7f1a52", "key": "Offline Token" }] })
            };
            Json(person.offline.iter().map(one).collect::<Vec<_>>()).into_response()
        }
        ("DELETE", ["consents", client]) if may_manage => {
            if !memory.realm.keeps_offline_tokens {
                let own = memory.people.get_mut(name).unwrap();
                own.offline.retain(|held| held != client);
            }
            StatusCode::NO_CONTENT.into_response()
        }
        _ => refuse(memory, "no such path"),
    }
}

/// The default browser flow, as 26.7.3 answered it.
pub(crate) fn default_flow() -> Value {
    let file = "tests/fixtures/vendors/keycloak/executions.json";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// An error of the Admin REST API, as 26.7.3 answers it.
fn told(status: u16, error: &str) -> Response {
    let told = Json(json!({ "error": error }));
    (StatusCode::from_u16(status).unwrap(), told).into_response()
}

fn users(memory: &mut Memory, asked: &Asked, may_manage: bool) -> Response {
    // A page of all ("Get users"): `first` and `max` alone.
    if asked.query.len() == 2 && asked.query.contains_key("first") {
        let most = asked.query["max"].parse().unwrap();
        let all = memory.people.iter().take(most);
        let all: Vec<Value> = all
            .map(|(name, person)| user(name, person, may_manage, false))
            .collect();
        return Json(all).into_response();
    }
    let known = ["email", "exact", "max", "briefRepresentation"];
    if !asked.query.keys().all(|key| known.contains(&key.as_str()))
        || asked.query["exact"] != "true"
    {
        return refuse(memory, "unknown or loose query");
    }
    let email = &asked.query["email"];
    let found: Vec<Value> = memory
        .people
        .iter()
        .filter(|(_, person)| person.email.to_lowercase() == email.to_lowercase())
        .map(|(name, person)| user(name, person, may_manage, false))
        .collect();
    Json(found).into_response()
}

fn clients(memory: &mut Memory, asked: &Asked) -> Response {
    let asked: Vec<(&str, &str)> = asked
        .query
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    if asked != [("clientId", "realm-management"), ("viewableOnly", "true")] {
        return refuse(memory, "unknown or loose query");
    }
    let own =
        json!({ "id": memory.administration, "clientId": "realm-management", "enabled": true });
    match memory.blind {
        Some(Blind::Clients) => told(403, "HTTP 403 Forbidden"),
        Some(Blind::ViewOfClients) => Json(json!([])).into_response(),
        _ => Json(json!([own])).into_response(),
    }
}

fn roles(names: &[&str]) -> Response {
    Json(
        names
            .iter()
            .map(|role| json!({ "id": role, "name": role }))
            .collect::<Vec<_>>(),
    )
    .into_response()
}

/// The same with others that say nothing, each with the fields of a brief answer ("Admin REST API", `RoleRepresentation`).
fn many_roles(names: &[&str], others: usize) -> Response {
    let others = (0..others).map(|number| format!("team-{number:05}"));
    let all = names.iter().map(|name| (*name).to_owned()).chain(others);
    let one = |name: String| {
        json!({ "id": format!("7a1e0000-0000-4000-8000-{name}"), "name": name, "description": "${role}",
            "composite": false, "clientRole": false, "containerId": "corp" })
    };
    Json(all.map(one).collect::<Vec<_>>()).into_response()
}

/// By id there is more in it than in a list.
fn user(name: &str, person: &Person, may_manage: bool, is_by_id: bool) -> Value {
    let mut told = json!({
        "id": person.id, "username": name, "email": person.email.to_lowercase(), "emailVerified": true, "firstName": name,
        "lastName": "Corp", "enabled": person.is_enabled, "createdTimestamp": 1_600_000_000_000_i64, "totp": false,
        "requiredActions": if person.must_change { vec!["UPDATE_PASSWORD"] } else { Vec::new() },
        "attributes": { "phoneNumber": [person.phone] }, "notBefore": 0,
        "access": { "manage": may_manage },
    });
    if is_by_id {
        told["access"] = json!({ "manageGroupMembership": may_manage, "resetPassword": may_manage, "view": true,
            "mapRoles": may_manage, "impersonate": false, "manage": may_manage });
    }
    if let Some(link) = person.federation {
        told["federationLink"] = json!(link);
    }
    told
}

/// Lark's answer with a code of its own, and status 400, as the tables of its pages have it. Where a page has no code, the one
/// here is assumed: 99991663 and 99991672 (the gateway's, as public reports quote them), 10014 (the same), and 1050001.
fn coded(code: i64, msg: &str) -> Response {
    (
        StatusCode::BAD_REQUEST,
        Json(json!({ "code": code, "msg": msg })),
    )
        .into_response()
}

fn outward(id: &str) -> String {
    format!("ou_{}", id.replace('-', ""))
}

/// "Get custom app tenant access token", "Obtain user ID via email or mobile number", "Obtain single user's information"
/// (41012), "Reset login password" (1082003, 1084005, 1088002, 1089004), "Password reset API" (1050022), "Log out" (1080001, 1084002).
#[expect(clippy::too_many_lines, reason = "one match of the vendor's routes")]
fn lark(memory: &mut Memory, asked: &Asked) -> Response {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let ["open-apis", rest @ ..] = path.as_slice() else {
        return refuse(memory, "no such path");
    };
    if rest == ["auth", "v3", "tenant_access_token", "internal"] {
        let Some(body) = asked.fields(&["app_id", "app_secret"]) else {
            return refuse(memory, "fields");
        };
        let app = (
            body["app_id"].as_str().unwrap(),
            body["app_secret"].as_str().unwrap(),
        );
        if let Some(code) = memory.codes.0 {
            return coded(code, "refused");
        }
        if ![CLIENT, WEAK].contains(&app) {
            return coded(10_014, "app secret invalid");
        }
        let token = format!("t-{}", app.0);
        return Json(
            json!({ "code": 0, "msg": "ok", "tenant_access_token": token, "expire": 7200 }),
        )
        .into_response();
    }
    let is_weak = match asked.token.as_deref() {
        Some("t-relatch") => false,
        Some("t-weak") => true,
        _ => return coded(99_991_663, "token invalid"),
    };
    if memory.loses_secret_at_change && rest == ["passport", "v1", "password"] {
        memory.codes.0 = Some(10_014);
        return coded(99_991_663, "token invalid");
    }
    if let Some(code) = memory.codes.1 {
        return coded(code, "refused");
    }
    if asked.query.len() != 1 || asked.query["user_id_type"] != "open_id" {
        return refuse(memory, "user_id_type is missing or not alone");
    }
    let done =
        |data: Value| Json(json!({ "code": 0, "msg": "success", "data": data })).into_response();
    let needs = |scope: &'static str, memory: &Memory| {
        (is_weak || memory.missing.contains(&scope))
            .then(|| coded(99_991_672, &format!("one of: [{scope}]")))
    };
    let person_of = |memory: &Memory, id: &Value| {
        memory
            .people
            .iter()
            .find(|(_, person)| Some(outward(&person.id).as_str()) == id.as_str())
            .map(|(name, person)| (name.clone(), person.clone()))
    };
    match (asked.method.as_str(), rest) {
        ("POST", ["contact", "v3", "users", "batch_get_id"]) => {
            let Some(body) = asked.fields(&["emails", "include_resigned"]) else {
                return refuse(memory, "fields");
            };
            let email = body["emails"][0].as_str().unwrap();
            let mut found: Vec<Value> = memory
                .people
                .values()
                // By the profile's e-mail, never by the mailbox ("Obtain user ID via email or mobile number", `emails`).
                .filter(|person| {
                    person.second_email.as_ref().unwrap_or(&person.email) == email
                        || memory.finds_mailboxes && person.email == email
                })
                .map(|person| json!({ "email": email, "user_id": outward(&person.id) }))
                .collect();
            if found.is_empty() {
                found.push(json!({ "email": email }));
            }
            done(json!({ "user_list": found }))
        }
        ("GET", ["contact", "v3", "users", id]) => match person_of(memory, &json!(id)) {
            Some((name, person)) => done(json!({ "user": {
                "open_id": id, "name": format!("{name} Corp"), "enterprise_email": person.email,
                "email": person.second_email.as_ref().unwrap_or(&person.email),
                "mobile": person.phone, "is_tenant_manager": false,
                "status": { "is_frozen": !person.is_enabled, "is_resigned": false, "is_activated": true, "is_exited": false,
                    "is_unjoin": false },
            } })),
            None => coded(41_012, "user id invalid"),
        },
        ("PUT", ["passport", "v1", "password"]) => {
            let Some(body) = asked.fields(&["user_id", "password", "require_reset"]) else {
                return refuse(memory, "fields");
            };
            if let Some(refusal) = needs("passport:password:full", memory) {
                return refusal;
            }
            let Some((_, person)) = person_of(memory, &body["user_id"]) else {
                return coded(1_084_005, "user");
            };
            let password = body["password"].as_str().unwrap();
            if password.len() < memory.least_length {
                return coded(1_088_002, "password format");
            }
            set(memory, &person.id, password, body["require_reset"] == true);
            done(json!({}))
        }
        ("POST", ["admin", "v1", "password", "reset"]) => {
            let Some(body) = asked.fields(&["user_id", "password"]) else {
                return refuse(memory, "fields");
            };
            if let Some(refusal) = needs("admin:ent_email_password", memory) {
                return refusal;
            }
            let Some((_, person)) = person_of(memory, &body["user_id"]) else {
                return coded(1_050_001, "user");
            };
            let password = body["password"]["ent_email_password"].as_str().unwrap();
            if password.len() < memory.least_length {
                return coded(1_050_022, "format");
            }
            set(memory, &person.id, password, false);
            done(json!({}))
        }
        ("POST", ["passport", "v1", "sessions", "logout"]) => {
            let Some(body) = asked.fields(&["logout_type", "user_id", "logout_reason"]) else {
                return refuse(memory, "fields");
            };
            if body["logout_type"] != 1 || body["logout_reason"] != 34 {
                return coded(1_084_002, "reason");
            }
            let Some((name, _)) = person_of(memory, &body["user_id"]) else {
                return coded(1_080_001, "user");
            };
            memory.people.get_mut(&name).unwrap().sessions = 0;
            done(json!({}))
        }
        _ => refuse(memory, "no such path"),
    }
}
