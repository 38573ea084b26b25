//! Slack's side of a conversation: bodies as Slack sends them, and a server that answers and remembers.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use relatch::surface::domain::Moment;
use serde_json::{Value, json};

/// The methods of Slack's Web API that the bot calls, each with the scopes that its page lists for bot tokens (Slack, "Web
/// API methods", "Required scopes"). A call of another method breaks a rule of the platform.
pub(crate) const METHODS: [(&str, &[&str]); 5] = [
    ("auth.test", &[]),
    ("chat.postMessage", &["chat:write"]),
    ("users.info", &["users:read"]),
    ("users.lookupByEmail", &["users:read.email"]),
    ("views.open", &[]),
];

/// What the app is allowed when it was made from our manifest.
pub(crate) fn granted_scopes() -> Vec<&'static str> {
    include_str!("../../../manifests/slack.yaml")
        .lines()
        .skip_while(|line| line.trim() != "bot:")
        .skip(1)
        .map_while(|line| line.trim().strip_prefix("- "))
        .collect()
}

/// A follow-up as it arrived.
pub(crate) type Said = (String, Value);

/// Why a message to one person alone is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DirectError {
    /// By this error of "chat.postMessage".
    Slack(&'static str),
    /// By "Create DM", with this code.
    DiscordChat(u32),
    /// By "Create Message", with this code.
    DiscordMessage(u32),
}

/// What a pretend platform knows and heard.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    users: Arc<Mutex<HashMap<String, Value>>>,
    said: Arc<Mutex<Vec<Said>>>,
    views: Arc<Mutex<Vec<Value>>>,
    reply_status: Arc<Mutex<Option<u16>>>,
    who_status: Arc<Mutex<Option<(u16, Value)>>>,
    uses: Arc<Mutex<HashMap<String, u32>>>,
    who_delay: Arc<Mutex<std::time::Duration>>,
    reply_delay: Arc<Mutex<std::time::Duration>>,
    broken: Arc<Mutex<Vec<String>>>,
    answered: Arc<Mutex<std::collections::HashSet<String>>>,
    called: Arc<Mutex<BTreeSet<String>>>,
    /// About whom `users.info` was asked.
    who_asked: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
    /// What `views.open` is refused with.
    form_error: Arc<Mutex<Option<&'static str>>>,
    /// What people ticked, by the id of the block and the box: Slack keeps it while both stay (Slack, "Updating messages").
    ticked: Arc<Mutex<HashMap<(String, String), Value>>>,
    /// What a message to one person alone is refused with.
    pub(super) direct_error: Arc<Mutex<Option<DirectError>>>,
    pub(crate) mattermost: Arc<Mutex<super::mattermost::Server>>,
    /// The tokens of Discord's interactions, and when each was made.
    pub(super) tokens: Arc<Mutex<HashMap<String, Moment>>>,
}

impl Memory {
    /// Rules of the platform that the bot broke; a test with any of them fails.
    pub(crate) fn note_broken(&self, rules: Vec<String>) {
        self.broken.lock().unwrap().extend(rules);
    }

    /// A form was opened.
    pub(crate) fn open(&self, view: Value) {
        self.views.lock().unwrap().push(view);
    }

    pub(crate) fn who_delay(&self) -> std::time::Duration {
        *self.who_delay.lock().unwrap()
    }

    pub(crate) fn who_answer(&self) -> Option<(u16, Value)> {
        self.who_status.lock().unwrap().clone()
    }

    /// The account with this id.
    pub(crate) fn user(&self, is_meant: impl Fn(&str) -> bool) -> Option<Value> {
        self.users
            .lock()
            .unwrap()
            .iter()
            .find(|(id, _)| is_meant(id))
            .map(|(_, user)| user.clone())
    }

    /// The account that is meant.
    pub(crate) fn any_user(&self, is_meant: impl Fn(&str, &Value) -> bool) -> Option<Value> {
        self.users
            .lock()
            .unwrap()
            .iter()
            .find(|(id, user)| is_meant(id, user))
            .map(|(_, user)| user.clone())
    }

    /// Something is said in the answer itself.
    pub(crate) fn say(&self, said: Value) {
        self.said.lock().unwrap().push(("answer".to_owned(), said));
    }

    /// A click was answered; from now on its token changes the card.
    pub(crate) fn note_answered(&self, token: String) {
        self.answered.lock().unwrap().insert(token);
    }

    pub(crate) fn is_answered(&self, token: &str) -> bool {
        self.answered.lock().unwrap().contains(token)
    }

    /// A response address is used: five times at most.
    pub(crate) fn note_use(&self, id: &str) {
        self.note_use_of(id, 5);
    }

    /// What follows something up is used, so often at most.
    pub(crate) fn note_use_of(&self, id: &str, most: u32) {
        let uses = {
            let mut all = self.uses.lock().unwrap();
            let uses = all.entry(id.to_owned()).or_default();
            *uses += 1;
            *uses
        };
        self.note_broken(if uses > most {
            vec![format!("{id} was used {uses} times")]
        } else {
            vec![]
        });
    }

    /// A follow-up arrives.
    pub(crate) async fn take(&self, id: String, said: Value) -> StatusCode {
        let delay = *self.reply_delay.lock().unwrap();
        let refused = *self.reply_status.lock().unwrap();
        if refused.is_none() {
            self.said.lock().unwrap().push((id, said));
        }
        tokio::time::sleep(delay).await;
        refused.map_or(StatusCode::OK, |status| {
            StatusCode::from_u16(status).unwrap()
        })
    }
}

/// A pretend Slack on a port of its own.
#[derive(Clone)]
pub(crate) struct FakeSlack {
    pub(crate) base: String,
    pub(crate) memory: Memory,
}

impl FakeSlack {
    pub(crate) async fn start() -> Self {
        let memory = Memory::default();
        let router = Router::new()
            .route("/api/{method}", post(api))
            .route("/reply/{id}", post(reply))
            .merge(super::discord::router())
            .merge(super::lark::router())
            .merge(super::mattermost::router(&memory))
            .layer(axum::middleware::from_fn(super::sent::arrives))
            .with_state(memory.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::clone(&memory.connections);
        #[expect(clippy::disallowed_methods, reason = "a server of a test ends with it")]
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *connections.lock().unwrap() += 1;
                let service = hyper_util::service::TowerToHyperService::new(router.clone());
                let io = hyper_util::rt::TokioIo::new(stream);
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a connection of a test ends with it"
                )]
                tokio::spawn(async move {
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(io, service)
                        .await
                        .ok();
                });
            }
        });
        Self { base, memory }
    }

    /// A client whose every call arrives here, also one to the address that fixtures name.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one client of the product takes no proxy"
    )]
    pub(crate) fn client(&self) -> reqwest::Client {
        let tls = relatch::surface::net::tls_config(None).unwrap();
        let builder = reqwest::Client::builder().tls_backend_preconfigured(tls);
        builder
            .proxy(reqwest::Proxy::all(&self.base).unwrap())
            .build()
            .unwrap()
    }

    pub(crate) fn know(&self, email: &str) {
        let user = json!({
            "id": user_id(email), "team_id": super::TEAM, "is_email_confirmed": true, "profile": { "email": email },
        });
        self.memory
            .users
            .lock()
            .unwrap()
            .insert(user_id(email), user);
    }

    pub(crate) fn change(&self, email: &str, field: &str, value: Value) {
        if let Some(user) = self.memory.users.lock().unwrap().get_mut(&user_id(email)) {
            user[field] = value;
        }
    }

    /// Makes an account one of an Enterprise organization: it has no `team_id`, and says of which workspaces it is
    /// (Slack, "User object", "Enterprise Grid user objects"; answers of `users.info` in public bug reports have no
    /// `team_id` there).
    pub(crate) fn move_to_grid(&self, email: &str, teams: &[&str]) {
        if let Some(user) = self.memory.users.lock().unwrap().get_mut(&user_id(email)) {
            let user = user.as_object_mut().unwrap();
            user.remove("team_id");
            user.insert(
                "enterprise_user".to_owned(),
                json!({
                    "id": user_id(email), "enterprise_id": "E0ACME", "enterprise_name": "Acme", "is_admin": false,
                    "is_owner": false, "teams": teams,
                }),
            );
        }
    }

    pub(crate) fn reply_url(&self, serial: u32) -> String {
        format!("{}/reply/{serial}", self.base)
    }

    /// What every follow-up answers from now on.
    pub(crate) fn answer_replies_with(&self, status: Option<u16>) {
        *self.memory.reply_status.lock().unwrap() = status;
    }

    /// What `views.open` is refused with from now on (Slack, "views.open", "Errors").
    pub(crate) fn refuse_forms_with(&self, error: &'static str) {
        *self.memory.form_error.lock().unwrap() = Some(error);
    }

    /// What a message to one person alone is refused with from now on.
    pub(crate) fn refuse_direct_with(&self, error: DirectError) {
        *self.memory.direct_error.lock().unwrap() = Some(error);
    }

    /// What `users.info` answers from now on.
    pub(crate) fn answer_who_with(&self, answer: Option<(u16, Value)>) {
        *self.memory.who_status.lock().unwrap() = answer;
    }

    /// How long `users.info` takes from now on.
    pub(crate) fn delay_who(&self, delay: std::time::Duration) {
        *self.memory.who_delay.lock().unwrap() = delay;
    }

    /// How long a follow-up that can already be read takes to be acknowledged from now on.
    pub(crate) fn delay_acknowledgements(&self, delay: std::time::Duration) {
        *self.memory.reply_delay.lock().unwrap() = delay;
    }

    pub(crate) fn said(&self) -> Vec<Value> {
        self.memory
            .said
            .lock()
            .unwrap()
            .iter()
            .map(|(_, said)| said.clone())
            .collect()
    }

    /// What arrived at one address.
    pub(crate) fn said_at(&self, place: &str) -> Vec<Value> {
        let said = self.memory.said.lock().unwrap();
        said.iter()
            .filter(|(at, _)| at == place)
            .map(|(_, said)| said.clone())
            .collect()
    }

    /// The methods of Slack's Web API that were called.
    pub(crate) fn called(&self) -> Vec<String> {
        self.memory.called.lock().unwrap().iter().cloned().collect()
    }

    /// How often `users.info` was asked about somebody.
    pub(crate) fn who_asked(&self, email: &str) -> usize {
        let asked = self.memory.who_asked.lock().unwrap();
        asked.iter().filter(|id| **id == user_id(email)).count()
    }

    /// How many connections were accepted.
    pub(crate) fn connections(&self) -> usize {
        *self.memory.connections.lock().unwrap()
    }

    /// The platform's rules that were broken so far.
    pub(crate) fn broken(&self) -> Vec<String> {
        self.memory.broken.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Value {
        self.said().pop().expect("nothing was said")
    }

    pub(crate) fn last_text(&self) -> String {
        text_of(&self.last())
    }

    pub(crate) fn last_view(&self) -> Value {
        self.memory
            .views
            .lock()
            .unwrap()
            .last()
            .cloned()
            .expect("no form was opened")
    }
}

/// A method of the Web API: refused without the scopes that it needs, with `missing_scope`, `needed` and `provided` (Slack,
/// "Web API methods", the errors of each method's page; `OpenAPI` file of the Web API).
async fn api(State(memory): State<Memory>, Path(method): Path<String>, body: String) -> Response {
    memory.called.lock().unwrap().insert(method.clone());
    let needed = METHODS.iter().find(|(name, _)| *name == method);
    let granted = granted_scopes();
    match needed {
        None => memory.note_broken(vec![format!("{method} is not in the table of methods")]),
        Some((_, scopes)) => {
            if let Some(needed) = scopes.iter().find(|scope| !granted.contains(scope)) {
                let refused = json!({ "ok": false, "error": "missing_scope", "needed": needed, "provided": granted.join(",") });
                return refused.to_string().into_response();
            }
        }
    }
    match method.as_str() {
        "users.info" => users_info(&memory, &body).await.into_response(),
        "users.lookupByEmail" => users_by_email(&memory, &body).into_response(),
        "views.open" => views_open(&memory, &body).into_response(),
        // The scopes are in a header of every answer (Slack's Node SDK, `buildResult` of `WebClient.ts`).
        "auth.test" => ([("x-oauth-scopes", granted.join(","))], auth_test()).into_response(),
        "chat.postMessage" => post_message(&memory, &body).await.into_response(),
        _ => json!({ "ok": false, "error": "unknown_method" })
            .to_string()
            .into_response(),
    }
}

/// "auth.test": here `user` is a text, the name of the bot's user (Slack, "auth.test method").
fn auth_test() -> String {
    json!({
        "ok": true, "url": "https://acme.slack.com/", "team": "Acme", "user": "relatch", "team_id": super::TEAM,
        "user_id": "U0RELATCH", "bot_id": "B0RELATCH", "is_enterprise_install": false,
    })
    .to_string()
}

/// "chat.postMessage": a channel, or the id of a user, whose chat with the app it goes to; `channel_not_found` for one that
/// is not there, or another of the method's own errors (Slack, "chat.postMessage method", "Channels", "Errors"). What the bot
/// writes by itself has no buttons: our own rule, because a click on one is a request of somebody else.
async fn post_message(memory: &Memory, body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    let to = body["channel"].as_str().unwrap_or_default();
    if memory.user(|known| known == to).is_none() {
        return json!({ "ok": false, "error": "channel_not_found" }).to_string();
    }
    if let Some(DirectError::Slack(error)) = *memory.direct_error.lock().unwrap() {
        return json!({ "ok": false, "error": error }).to_string();
    }
    let has_buttons = elements(&body).next().is_some();
    let has_text = body["text"].as_str().is_some_and(|text| !text.is_empty());
    if has_buttons || !has_text {
        memory.note_broken(vec![format!("a message that nobody asked for: {body}")]);
    }
    memory.take(direct(to), body.clone()).await;
    json!({ "ok": true, "channel": "D0DIRECT", "ts": "1503435956.000247", "message": {} })
        .to_string()
}

/// Where a message to one person alone is kept.
pub(crate) fn direct(id: &str) -> String {
    format!("direct {id}")
}

/// Everything in a message that can be pressed, with its block.
fn elements(message: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let blocks = message["blocks"].as_array().into_iter().flatten();
    blocks.flat_map(|block| {
        let elements = block["elements"].as_array().into_iter().flatten();
        let accessory = block.get("accessory");
        let all = elements
            .chain(accessory)
            .map(move |element| (block, element));
        all.filter(|(_, element)| element["action_id"].is_string())
    })
}

impl Memory {
    /// A box of a message is pressed: it changes over, and stays so while the ids of its block and its own stay.
    pub(crate) fn tick(&self, message: &Value, action: &str) {
        let (block, element) = elements(message)
            .find(|(_, element)| element["action_id"] == action)
            .unwrap();
        let id = block["block_id"].as_str().unwrap().to_owned();
        let is_ticked = self.boxes(message)[&id][action]["selected_options"] != json!([]);
        let selected = if is_ticked {
            json!([])
        } else {
            element["options"].clone()
        };
        let mut ticked = self.ticked.lock().unwrap();
        ticked.insert((id, action.to_owned()), selected);
    }

    /// The last message with boxes in a block of this id.
    fn last_with_boxes(&self, id: &str) -> Option<Value> {
        let said = self.said.lock().unwrap().clone();
        let mut all = said.into_iter().rev().map(|(_, message)| message);
        all.find(|message| boxes_at_first(message).contains_key(id))
    }

    /// What every box says, by the id of its block and its own (Slack, "Block actions payload", "state"): at first what the
    /// message says, then what was ticked.
    fn boxes(&self, message: &Value) -> serde_json::Map<String, Value> {
        let mut values = boxes_at_first(message);
        for ((block, action), selected) in self.ticked.lock().unwrap().iter() {
            if let Some(state) = values
                .get_mut(block)
                .and_then(|block| block.get_mut(action))
            {
                state["selected_options"] = selected.clone();
            }
        }
        values
    }
}

fn boxes_at_first(message: &Value) -> serde_json::Map<String, Value> {
    let mut values = serde_json::Map::new();
    let boxes = elements(message).filter(|(_, element)| element["type"] == "checkboxes");
    for (block, element) in boxes {
        let (block, action) = (block["block_id"].as_str(), element["action_id"].as_str());
        let selected = element.get("initial_options").cloned().unwrap_or(json!([]));
        let state = values.entry(block.unwrap()).or_insert_with(|| json!({}));
        state[action.unwrap()] = json!({ "type": "checkboxes", "selected_options": selected });
    }
    values
}

/// "users.info": `user` is required; an account that is not there is `user_not_found`; over the rate limit 429 with
/// `Retry-After` (Slack, "users.info method", "Rate limits").
async fn users_info(memory: &Memory, body: &str) -> impl IntoResponse + use<> {
    let id = body.strip_prefix("user=").unwrap_or_default();
    memory.who_asked.lock().unwrap().push(id.to_owned());
    let delay = memory.who_delay();
    tokio::time::sleep(delay).await;
    if let Some((status, answer)) = memory.who_answer() {
        return (
            StatusCode::from_u16(status).unwrap(),
            [("retry-after", "7")],
            answer.to_string(),
        );
    }
    let answer = match memory.user(|known| known == id) {
        Some(user) => json!({ "ok": true, "user": as_granted(user) }),
        None => json!({ "ok": false, "error": "user_not_found" }),
    };
    (StatusCode::OK, [("retry-after", "0")], answer.to_string())
}

/// An account without its email, where the app may not read it (Slack, "users:read.email").
fn as_granted(mut user: Value) -> Value {
    if !granted_scopes().contains(&"users:read.email")
        && let Some(profile) = user["profile"].as_object_mut()
    {
        profile.remove("email");
    }
    user
}

/// "users.lookupByEmail": one account, or `users_not_found`, which a deactivated account is too (Slack,
/// "users.lookupByEmail method").
fn users_by_email(memory: &Memory, body: &str) -> String {
    let email =
        percent_encoding::percent_decode_str(body.strip_prefix("email=").unwrap_or_default());
    let email = email.decode_utf8().unwrap().into_owned();
    let is_meant = |_: &str, user: &Value| {
        user["profile"]["email"] == email.as_str() && user["deleted"] != true
    };
    let answer = match memory.any_user(is_meant) {
        Some(user) => json!({ "ok": true, "user": as_granted(user) }),
        None => json!({ "ok": false, "error": "users_not_found" }),
    };
    answer.to_string()
}

/// "views.open": a trigger and a view, which the answer brings back with what Slack adds (Slack, "views.open method"). A
/// view has a title and labels of 24 characters, 100 blocks and 3000 characters of `private_metadata` at most, and one with
/// an input needs a `submit` (Slack, "View object", "Modal views").
fn views_open(memory: &Memory, body: &str) -> String {
    if let Some(error) = *memory.form_error.lock().unwrap() {
        return json!({ "ok": false, "error": error }).to_string();
    }
    let body: Value = serde_json::from_str(body).unwrap();
    let view = &body["view"];
    let length = |text: &Value| text.as_str().unwrap_or_default().chars().count();
    let blocks = view["blocks"].as_array().cloned().unwrap_or_default();
    let has_input = blocks.iter().any(|block| block["type"] == "input");
    let texts = ["title", "submit", "close"].map(|name| &view[name]);
    let fits = body["trigger_id"].as_str().is_some_and(|id| !id.is_empty())
        && view["type"] == "modal"
        && length(&view["title"]["text"]) > 0
        && texts
            .iter()
            .all(|text| text.is_null() || text["type"] == "plain_text")
        && texts.iter().all(|text| length(&text["text"]) <= 24)
        && (1..=100).contains(&blocks.len())
        && (!has_input || length(&view["submit"]["text"]) > 0)
        && length(&view["private_metadata"]) <= 3000
        && length(&view["callback_id"]) <= 255;
    if !fits {
        memory.note_broken(vec![format!("a view that Slack refuses: {body}")]);
        return json!({ "ok": false, "error": "invalid_arguments" }).to_string();
    }
    let mut opened = view.clone();
    opened["id"] = "V1".into();
    opened["team_id"] = super::TEAM.into();
    opened["state"] = json!({ "values": {} });
    opened["hash"] = "156772938.1827394".into();
    memory.views.lock().unwrap().push(view.clone());
    json!({ "ok": true, "view": opened }).to_string()
}

/// A response address works five times in 30 minutes, takes JSON, and says `ok` (Slack, "Handling user interaction").
async fn reply(
    State(memory): State<Memory>,
    Path(id): Path<String>,
    headers: axum::http::HeaderMap,
    body: String,
) -> (StatusCode, &'static str) {
    memory.note_use(&id);
    let is_json = headers
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !is_json {
        memory.note_broken(vec!["a reply that is no JSON".to_owned()]);
    }
    match memory.take(id, serde_json::from_str(&body).unwrap()).await {
        StatusCode::OK => (StatusCode::OK, "ok"),
        status => (status, ""),
    }
}

/// `jo@acme.example` → `UJO`.
pub(crate) fn user_id(email: &str) -> String {
    let name = email.split('@').next().unwrap_or_default();
    format!("U{}", name.replace(['.', '-'], "").to_uppercase())
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// What Slack makes of a typed text where the command has `should_escape`: `&`, `<` and `>` become entities, an e-mail
/// and a phone number become links (Slack, "Formatting message text"; that it links phone numbers with `tel:` is in
/// public bug reports only). What stands in angle brackets already is left alone.
pub(crate) fn escaped(text: &str) -> String {
    let entities = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let is_number = |word: &str| {
        let digits = word.trim_start_matches('+');
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if let Some((before, rest)) = text.split_once('<')
        && let Some((inside, after)) = rest.split_once('>')
    {
        return format!("{}<{inside}>{}", escaped(before), escaped(after));
    }
    let words: Vec<&str> = text.split(' ').collect();
    let mut written = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let more = words[at..]
            .iter()
            .take_while(|word| is_number(word))
            .count();
        let number = words[at..at + more].join(" ");
        let digits = number.replace(' ', "");
        if word.starts_with('+') && digits.len() >= 10 {
            written.push(format!("<tel:{digits}|{number}>"));
            at += more;
            continue;
        }
        // `|` separates the parts of a link, so an address with it is none.
        let is_email = !word.contains('|')
            && word
                .split_once('@')
                .is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'));
        let word = entities(word);
        written.push(if is_email {
            format!("<mailto:{word}|{word}>")
        } else {
            word
        });
        at += 1;
    }
    written.join(" ")
}

/// Slack, "Implementing slash commands".
pub(crate) fn command_body(user: &str, text: &str, reply: &str) -> String {
    format!(
        "token=x&team_id={}&team_domain=acme&channel_id=C1&channel_name=it&user_id={user}&user_name=x&command=%2Freset-password&text={}&api_app_id=A1&is_enterprise_install=false&response_url={}&trigger_id=1.2.3",
        super::TEAM,
        encode(text),
        encode(reply)
    )
}

/// Slack, "`block_actions` payload".
pub(crate) fn click_body(
    user: &str,
    action: &str,
    value: &str,
    reply: &str,
    serial: u32,
) -> String {
    let pressed = json!({ "action_id": action, "block_id": "b", "type": "button", "value": value, "action_ts": "1" });
    pressed_body(user, &pressed, &json!({}), reply, serial)
}

/// The same with what the boxes say of the last look to which the value belongs. One of those boxes changes over.
pub(crate) fn click_with_boxes_body(
    memory: &Memory,
    user: &str,
    (action, value): (&str, &str),
    reply: &str,
    serial: u32,
) -> String {
    let look = memory.last_with_boxes(value);
    let boxes = look.as_ref().map(|look| memory.boxes(look));
    let values = Value::Object(boxes.unwrap_or_default());
    if let Some(look) = look.filter(|_| values[value].get(action).is_some()) {
        return click_on_body(memory, user, &look, action, (reply, serial));
    }
    let pressed = json!({ "action_id": action, "block_id": "b", "type": "button", "value": value, "action_ts": "1" });
    pressed_body(user, &pressed, &values, reply, serial)
}

/// The same of what stands in a message: a button is pressed, a box changes over. Slack sends what all boxes of the message
/// say with every click.
pub(crate) fn click_on_body(
    memory: &Memory,
    user: &str,
    message: &Value,
    action: &str,
    (reply, serial): (&str, u32),
) -> String {
    let is_meant = |element: &Value| element["action_id"] == action;
    let (block, element) = elements(message)
        .find(|(_, element)| is_meant(element))
        .unwrap_or_else(|| panic!("no {action} in {message:#}"));
    if element["type"] != "checkboxes" {
        let values = Value::Object(memory.boxes(message));
        let value = element["value"].as_str().unwrap();
        let pressed = json!({ "action_id": action, "block_id": "b", "type": "button", "value": value, "action_ts": "1" });
        return pressed_body(user, &pressed, &values, reply, serial);
    }
    memory.tick(message, action);
    let values = Value::Object(memory.boxes(message));
    let id = block["block_id"].as_str().unwrap();
    let pressed = json!({
        "action_id": action, "block_id": id, "type": "checkboxes",
        "selected_options": values[id][action]["selected_options"], "action_ts": "1",
    });
    pressed_body(user, &pressed, &values, reply, serial)
}

fn pressed_body(user: &str, pressed: &Value, values: &Value, reply: &str, serial: u32) -> String {
    let payload = json!({
        "type": "block_actions",
        "user": { "id": user, "username": "x", "team_id": super::TEAM },
        "team": { "id": super::TEAM, "domain": "acme" },
        "api_app_id": "A1",
        "container": { "type": "message", "is_ephemeral": true },
        "trigger_id": format!("{serial}.trigger"),
        "response_url": reply,
        "state": { "values": values },
        "actions": [pressed],
    });
    format!("payload={}", encode(&payload.to_string()))
}

/// Slack, "View interaction payloads".
pub(crate) fn form_body(user: &str, view: &Value, typed: &str, serial: u32) -> String {
    let input = &view["blocks"][0];
    let (block, action) = (
        input["block_id"].as_str().unwrap_or("destination"),
        input["element"]["action_id"].as_str().unwrap_or("value"),
    );
    let payload = json!({
        "type": "view_submission",
        "user": { "id": user, "team_id": super::TEAM },
        "team": { "id": super::TEAM },
        "trigger_id": format!("{serial}.form"),
        "view": {
            "id": "V1", "callback_id": view["callback_id"], "private_metadata": view["private_metadata"],
            "state": { "values": { block: { action: { "type": "plain_text_input", "value": typed } } } },
        },
        "response_urls": [],
    });
    format!("payload={}", encode(&payload.to_string()))
}

/// All texts of a message, a line each, in the order in which they are read. What can be pressed is in brackets.
pub(crate) fn text_of(message: &Value) -> String {
    let blocks = message["blocks"].as_array().into_iter().flatten();
    blocks.flat_map(texts_of).collect::<Vec<_>>().join("\n")
}

fn texts_of(block: &Value) -> Vec<String> {
    let all = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let text = |of: &Value| of["text"].as_str().map(str::to_owned);
    if block["type"] == "rich_text" {
        let parts = all(&block["elements"][0]["elements"]);
        return vec![parts.iter().filter_map(text).collect()];
    }
    let fields = all(&block["fields"]);
    let mut elements = all(&block["elements"]);
    elements.extend(block.get("accessory").cloned());
    let own = text(&block["text"]).into_iter();
    let elements = elements.iter().filter_map(|element| {
        if element["type"] == "checkboxes" {
            let is_ticked = element.get("initial_options").is_some();
            let mark = if is_ticked { "☑" } else { "☐" };
            return Some(format!(
                "[{mark} {}]",
                text(&element["options"][0]["text"])?
            ));
        }
        match text(&element["text"]) {
            Some(label) => Some(format!("[{label}]")),
            None => text(element),
        }
    });
    own.chain(fields.iter().filter_map(text))
        .chain(elements)
        .collect()
}

/// What leads back to the reset: the value of a button, or the id of the block of a box.
pub(crate) fn button_value(message: &Value, action: &str) -> Option<String> {
    let is_meant = |element: &Value| element["action_id"] == action;
    let (block, element) = elements(message).find(|(_, element)| is_meant(element))?;
    let value = element.get("value").or_else(|| block.get("block_id"));
    value?.as_str().map(str::to_owned)
}

/// The password in a message that shows one: what stands alone between backticks.
pub(crate) fn shown_password(message: &Value) -> Option<String> {
    message["blocks"].as_array()?.iter().find_map(|block| {
        let text = block["text"]["text"]
            .as_str()
            .filter(|_| block["text"]["type"] == "mrkdwn")?;
        Some(text.trim_matches('`').to_owned())
    })
}
