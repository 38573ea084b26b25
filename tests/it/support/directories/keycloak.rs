//! A real Keycloak, started on loopback, with a front that counts what relatch asks; its own pages are used as a browser does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use relatch::surface::net;
use serde_json::{Value, json};

use super::proxy::{self, Seen};
use super::{CHOSEN, SignIn, TestBot, Traits, Trouble, World};

const CLIENT: (&str, &str) = ("relatch", "canary-client-secret-0001");
const WEAK: (&str, &str) = ("weak", "canary-client-secret-0002");
const NARROW: (&str, &str) = ("narrow", "canary-client-secret-0004");

/// Where the application of the realm sends a browser back to; nobody listens there.
const BACK: &str = "http://127.0.0.1:1/back";

/// What the front saw and shall do.
#[derive(Default)]
struct Front {
    changes: AtomicUsize,
    asked: Mutex<Vec<String>>,
    next: Mutex<Option<Trouble>>,
    /// How long each answer takes.
    delay: Mutex<Duration>,
}

/// The port of the server.
const PORT: u16 = 3780;

/// One server for all tests of this process; each gets the realm anew.
static SERVER: tokio::sync::Mutex<Option<PathBuf>> = tokio::sync::Mutex::const_new(None);

/// A Keycloak with the realm of `keycloak-realm.json` as it was made.
pub(crate) struct Keycloak {
    /// The server itself.
    base: String,
    /// Where relatch is sent to.
    front: String,
    seen: Arc<Front>,
    http: reqwest::Client,
    /// One test at a time has the realm.
    _own: tokio::sync::MutexGuard<'static, Option<PathBuf>>,
}

/// Starts the server, and returns where it writes its log. The server of a process before this one may still be ending:
/// it would answer once more, and then be gone.
async fn start() -> PathBuf {
    let patience = Instant::now() + Duration::from_mins(1);
    while tokio::net::TcpStream::connect(("127.0.0.1", PORT))
        .await
        .is_ok()
    {
        assert!(Instant::now() < patience, "port {PORT} stays in use");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let log = crate::support::fresh_folder().join("keycloak.log");
    let out = std::fs::File::create(&log).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/keycloak.sh");
    // The server goes with the thread that started it, and that one lives as long as the tests.
    std::thread::spawn(move || {
        Command::new("setpriv")
            .args(["--pdeathsig", "TERM"])
            .arg(script)
            .arg(PORT.to_string())
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .status()
            .expect("setpriv of util-linux is needed");
    });
    log
}

impl Keycloak {
    pub(crate) async fn start() -> Self {
        let mut own = SERVER.lock().await;
        let log = match own.as_ref() {
            Some(log) => log.clone(),
            None => own.insert(start().await).clone(),
        };
        let http = net::client(Duration::from_secs(20)).unwrap();
        let base = format!("http://127.0.0.1:{PORT}");
        let seen = Arc::new(Front::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state((
            base.clone(),
            http.clone(),
            Arc::clone(&seen),
        ));
        super::super::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let server = Self {
            base,
            front,
            seen,
            http,
            _own: own,
        };
        // The first start also prepares the program.
        let patience = Instant::now() + Duration::from_mins(5);
        loop {
            let master = server
                .http
                .get(format!("{}/realms/master", server.base))
                .send()
                .await;
            if master.is_ok_and(|answer| answer.status() == 200) {
                break;
            }
            let log = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(
                Instant::now() < patience,
                "Keycloak did not start: {}",
                log()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        server.make_realm().await;
        server
    }

    async fn make_realm(&self) {
        let realms = self
            .admin(Method::GET, "?briefRepresentation=true", None)
            .await;
        if realms
            .as_array()
            .unwrap()
            .iter()
            .any(|realm| realm["realm"] == "corp")
        {
            self.admin(Method::DELETE, "corp", None).await;
        }
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/keycloak-realm.json");
        let realm = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        self.admin(Method::POST, "", Some(realm)).await;
    }

    fn settings(base: &str, (client, secret): (&str, &str)) -> String {
        let line = |line: &str| match line.split_once(" = ") {
            Some(("url", _)) => format!("url = \"{base}\""),
            Some(("client_id", _)) => format!("client_id = \"{client}\""),
            Some(("client_secret_file", _)) => format!("client_secret = \"{secret}\""),
            _ => line.to_owned(),
        };
        super::example("keycloak")
            .lines()
            .map(line)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The settings that the bot works with.
    pub(crate) fn own_settings(&self) -> String {
        Self::settings(&self.front, CLIENT)
    }

    /// Where the server listens, for a proxy of the test.
    pub(crate) fn host(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// A bot that reaches the realm at another address.
    pub(crate) async fn bot_at(&self, base: &str) -> TestBot {
        TestBot::with_directory(&Self::settings(base, CLIENT)).await
    }

    /// The same as a client that may read and not manage.
    pub(crate) fn weak_settings(&self) -> String {
        Self::settings(&self.front, WEAK)
    }

    /// The same as a client with `manage-users` and `query-clients` alone.
    pub(crate) fn narrow_settings(&self) -> String {
        Self::settings(&self.front, NARROW)
    }

    /// The names of the kinds of rules that a password policy can have.
    pub(crate) async fn policy_kinds(&self) -> Vec<String> {
        let info = self.admin(Method::GET, "../serverinfo", None).await;
        let kinds = info["passwordPolicies"].as_array().unwrap().iter();
        kinds
            .map(|kind| kind["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// How many calls relatch made since the last question, by method and path.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.asked.lock().unwrap())
    }

    /// Each answer takes this long from now on.
    pub(crate) fn delay(&self, delay: Duration) {
        *self.seen.delay.lock().unwrap() = delay;
    }

    /// A call of the administrator to the Admin REST API.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let form = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", "admin"),
            ("password", "admin-of-the-test-1"),
        ];
        let url = format!("{}/realms/master/protocol/openid-connect/token", self.base);
        let told = self.http.post(url).form(&form).send().await.unwrap();
        let token: Value = told.json().await.unwrap();
        let url = format!("{}/admin/realms/{path}", self.base);
        let mut call = self
            .http
            .request(method, url)
            .bearer_auth(token["access_token"].as_str().unwrap());
        if let Some(body) = body {
            call = call.json(&body);
        }
        let answer = call.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Changes settings of the realm.
    pub(crate) async fn set_realm(&self, settings: Value) {
        self.admin(Method::PUT, "corp", Some(settings)).await;
    }

    /// Somebody's id.
    pub(crate) async fn id(&self, name: &str) -> String {
        let found = self
            .admin(
                Method::GET,
                &format!("corp/users?username={name}&exact=true"),
                None,
            )
            .await;
        found[0]["id"].as_str().unwrap().to_owned()
    }

    /// The id of a client.
    pub(crate) async fn client(&self, name: &str) -> String {
        let found = self
            .admin(Method::GET, &format!("corp/clients?clientId={name}"), None)
            .await;
        found[0]["id"].as_str().unwrap().to_owned()
    }

    /// A browser at the sign-in page of the realm's application.
    pub(crate) async fn browser(&self, scope: &str) -> Browser {
        let mut browser = Browser {
            http: self.http.clone(),
            cookies: BTreeMap::new(),
            page: String::new(),
            address: String::new(),
        };
        let url = format!(
            "{}/realms/corp/protocol/openid-connect/auth?client_id=app&response_type=code&scope={scope}&redirect_uri={BACK}",
            self.base
        );
        browser.open(&url).await;
        browser
    }

    /// The tokens for the code that a browser came back with; `grant` is `authorization_code` or `refresh_token`.
    async fn tokens(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("{}/realms/corp/protocol/openid-connect/token", self.base);
        let answer = self.http.post(url).form(form).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Signs in and keeps a refresh token, one that outlives the session where `is_offline`.
    pub(crate) async fn refresh_token(
        &self,
        name: &str,
        password: &str,
        is_offline: bool,
    ) -> String {
        let scope = if is_offline {
            "openid+offline_access"
        } else {
            "openid"
        };
        let mut browser = self.browser(scope).await;
        browser
            .submit(&[("username", name), ("password", password)])
            .await;
        let code = browser.code().expect("signed in");
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("redirect_uri", BACK),
            ("code", code.as_str()),
        ];
        let (status, told) = self.tokens(&form).await;
        assert_eq!(status, 200, "{told}");
        told["refresh_token"].as_str().unwrap().to_owned()
    }

    /// True while a refresh token still gives new ones.
    pub(crate) async fn lives(&self, refresh_token: &str) -> bool {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "app"),
            ("refresh_token", refresh_token),
        ];
        self.tokens(&form).await.0 == 200
    }
}

/// A browser as far as Keycloak's own pages need one: cookies, forms and redirections.
pub(crate) struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    pub(crate) page: String,
    pub(crate) address: String,
}

impl Browser {
    async fn open(&mut self, url: &str) {
        self.go(self.http.get(url), url).await;
    }

    /// Sends a form of the page.
    pub(crate) async fn submit(&mut self, fields: &[(&str, &str)]) {
        let (_, rest) = self.page.split_once(" action=\"").expect("a form");
        let action = rest.split('"').next().unwrap().replace("&amp;", "&");
        self.go(self.http.post(&action).form(fields), &action).await;
    }

    /// Follows redirections within Keycloak; the one that leads back to the application is the last address.
    async fn go(&mut self, call: reqwest::RequestBuilder, url: &str) {
        let (mut call, mut url) = (call, url.to_owned());
        loop {
            let cookies: Vec<String> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let answer = call
                .header("cookie", cookies.join("; "))
                .send()
                .await
                .unwrap();
            for cookie in answer.headers().get_all("set-cookie") {
                let pair = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            let next = answer
                .headers()
                .get("location")
                .map(|value| value.to_str().unwrap().to_owned());
            self.address = url;
            self.page = answer.text().await.unwrap();
            let Some(next) = next else { return };
            if next.starts_with(BACK) {
                self.address = next;
                return;
            }
            call = self.http.get(&next);
            url = next;
        }
    }

    /// The code for the application, where the browser came back to it.
    pub(crate) fn code(&self) -> Option<String> {
        let url: url::Url = self.address.parse().unwrap();
        let code = url.query_pairs().find(|(name, _)| name == "code");
        code.filter(|_| self.address.starts_with(BACK))
            .map(|(_, code)| code.into_owned())
    }

    /// Opens a link of an e-mail, and goes on from the page that comes first.
    pub(crate) async fn follow(&mut self, link: &str) {
        self.open(link).await;
        if !self.asks_for_a_new_password() {
            let (_, rest) = self
                .page
                .split_once("action-token?")
                .expect("a link to go on");
            let query = rest.split('"').next().unwrap().replace("&amp;", "&");
            let (base, _) = link.split_once('?').unwrap();
            self.open(&format!("{base}?{query}")).await;
        }
    }

    /// Sets a new password on the page that asks for one.
    pub(crate) async fn set_password(&mut self, password: &str) {
        assert!(self.asks_for_a_new_password(), "{}", self.page);
        self.submit(&[("password-new", password), ("password-confirm", password)])
            .await;
    }

    /// True where the page asks for a new password.
    pub(crate) fn asks_for_a_new_password(&self) -> bool {
        self.page.contains("name=\"password-new\"")
    }
}

/// The front: passes a call on, counts it, and loses it when told to.
async fn pass(
    State((base, http, seen)): State<(String, reqwest::Client, Arc<Front>)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri
        .path_and_query()
        .map(ToString::to_string)
        .unwrap_or_default();
    seen.asked.lock().unwrap().push(format!("{method} {path}"));
    let delay = *seen.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    let is_change = method == Method::PUT && uri.path().ends_with("/reset-password");
    let trouble = if is_change {
        seen.next.lock().unwrap().take()
    } else {
        None
    };
    if trouble == Some(Trouble::HangBefore) {
        return std::future::pending().await;
    }
    let mut call = http.request(method, format!("{base}{path}")).body(body);
    for name in [header::AUTHORIZATION, header::CONTENT_TYPE] {
        if let Some(value) = headers.get(&name) {
            call = call.header(name, value);
        }
    }
    let answer = call.send().await.unwrap();
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    if is_change && status.is_success() {
        seen.changes.fetch_add(1, Ordering::SeqCst);
    }
    let body = answer.bytes().await.unwrap();
    match trouble {
        Some(Trouble::HangBefore | Trouble::HangAfter) => std::future::pending().await,
        Some(Trouble::Die) => StatusCode::BAD_GATEWAY.into_response(),
        None => (status, body).into_response(),
    }
}

impl World for Keycloak {
    fn traits(&self) -> Traits {
        Traits {
            name: "Corp directory",
            must_change: true,
            can_sign_out: true,
            locks: true,
            has_never_expires: false,
            has_protected: true,
            can_hold_two: true,
            tells_changes: true,
            tells_rights: true,
            has_policy: true,
        }
    }

    async fn bot(&self) -> TestBot {
        TestBot::with_directory(&self.own_settings()).await
    }

    async fn bot_without_right(&self) -> Option<TestBot> {
        Some(TestBot::with_directory(&Self::settings(&self.front, WEAK)).await)
    }

    async fn bot_with_wrong_certificate(&self) -> Option<(TestBot, Seen)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stranger");
        let address = self.base.trim_start_matches("http://").parse().unwrap();
        let (address, seen) = proxy::start(&folder, "stranger", address).await;
        let settings = Self::settings(&format!("https://localhost:{}", address.port()), CLIENT);
        Some((TestBot::with_directory(&settings).await, seen))
    }

    async fn bot_without_encryption(&self) -> Option<(TestBot, Seen)> {
        None
    }

    async fn sign_in(&self, name: &str, password: &str) -> SignIn {
        let mut browser = self.browser("openid").await;
        browser
            .submit(&[("username", name), ("password", password)])
            .await;
        if browser.code().is_some() {
            SignIn::In
        } else if browser.asks_for_a_new_password() {
            SignIn::MustChange
        } else if browser.page.contains("name=\"otp\"") {
            SignIn::AsksForCode
        } else {
            let is_told = ["Invalid username or password", "Account is disabled"]
                .iter()
                .any(|told| browser.page.contains(told));
            assert!(is_told, "{}", browser.page);
            SignIn::Refused
        }
    }

    async fn change_own(&self, name: &str, password: &str) {
        let mut browser = self.browser("openid").await;
        browser
            .submit(&[("username", name), ("password", password)])
            .await;
        browser
            .submit(&[("password-new", CHOSEN), ("password-confirm", CHOSEN)])
            .await;
        assert!(browser.code().is_some(), "{}", browser.page);
    }

    async fn set_least_length(&self, length: usize) {
        // relatch reads a realm's policy and meets it, up to 24 characters.
        let least = if length > 8 { length + 16 } else { length };
        self.set_realm(json!({ "passwordPolicy": format!("length({least})") }))
            .await;
    }

    fn next_change(&self, trouble: Trouble) {
        *self.seen.next.lock().unwrap() = Some(trouble);
    }

    async fn changes(&self) -> usize {
        self.seen.changes.load(Ordering::SeqCst)
    }
}
