//! Mattermost's side of a conversation: requests as its server sends them, and the part of its API that the bot calls.

use std::sync::PoisonError;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use relatch::clock::Clock;
use relatch::domain::Moment;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use serde_json::{Value, json};

use super::slack::{Memory, user_id};

/// The token of our command in the team.
pub(crate) const TOKEN: &str = "canaryttokenofthecommand01";

/// `UJO` → 26 lower-case letters and digits.
pub(crate) fn id(slack_id: &str) -> String {
    format!("{:0<26}", slack_id.to_lowercase())
}

/// Whom a work e-mail stands for here.
pub(crate) fn id_of(email: &str) -> String {
    id(&user_id(email))
}

/// The channel of every conversation.
pub(crate) const CHANNEL: &str = "itchannel00000000000000000";

/// The server's own key in these tests (PKCS #8, base64), made once by `openssl ecparam -name prime256v1 -genkey`.
const SERVER_KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgn9gyXjdyr6KrGX5Ku7AQ661p+sDMirlFqy4RUbgrAsOhRANCAAQaEBpR92XtXnzqUcqP3jO7ugNUTEbRgHaFcPYzOUY378keAYR1IDoBbDJvclaieyHp5k5IMlg/Ux1vHUVmmgEg";

/// What stands before the point of a P-256 key in PKIX DER (RFC 5480).
const PKIX: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A key that signs triggers.
pub(crate) struct SigningKey(EcdsaKeyPair);

impl SigningKey {
    /// The server's own.
    pub(crate) fn of_server() -> Self {
        Self::read(&STANDARD.decode(SERVER_KEY).unwrap())
    }

    /// A fresh one.
    pub(crate) fn fresh() -> Self {
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
                .unwrap();
        Self::read(made.as_ref())
    }

    fn read(pkcs8: &[u8]) -> Self {
        Self(
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, &SystemRandom::new())
                .unwrap(),
        )
    }

    /// As `AsymmetricSigningPublicKey` tells it (`app/platform/config.go`: base64 of `x509.MarshalPKIXPublicKey`).
    pub(crate) fn public(&self) -> String {
        STANDARD.encode([PKIX, self.0.public_key().as_ref()].concat())
    }

    /// `GenerateTriggerId` (`server/public/model/integration_action.go`): base64 of `id:user:milliseconds:` and the base64
    /// of an ASN.1 ECDSA signature over the SHA-256 of that text, last colon included.
    pub(crate) fn trigger(&self, id: &str, user: &str, millis: i64) -> String {
        let text = format!("{id}:{user}:{millis}:");
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        STANDARD.encode(text + &STANDARD.encode(signature))
    }
}

/// What Mattermost makes anew for every request.
pub(crate) fn trigger(user: &str, serial: u32, now: Moment) -> String {
    SigningKey::of_server().trigger(&trigger_id(serial), user, now.0)
}

/// The id in a trigger (`model.NewId`: 26 characters).
pub(crate) fn trigger_id(serial: u32) -> String {
    format!("id{serial:024}")
}

/// The id of a response address.
pub(crate) fn hook_id(serial: u32) -> String {
    format!("h{serial:025}")
}

/// The permission of system administrators (`IsSystemAdmin`, `web/context.go`).
const MANAGE_SYSTEM: &str = "manage_system";

/// How the pretend server is set up, and what it was asked.
pub(crate) struct Server {
    /// What `AsymmetricSigningPublicKey` tells; none on a server without a key.
    pub(crate) key: Option<String>,
    /// True where the bot has the permission `create_post_ephemeral`.
    pub(crate) may_post_ephemeral: bool,
    /// True where the roles can be asked for.
    pub(crate) tells_roles: bool,
    /// What the bot may do beside posting to one user alone.
    pub(crate) permissions: Vec<&'static str>,
    /// `RequireEmailVerification`; the client configuration has texts only.
    pub(crate) requires_verification: &'static str,
    /// What accounts are called now, by id, where it is not their first name.
    pub(crate) usernames: std::collections::HashMap<String, String>,
    /// How long an answer with the key takes.
    pub(crate) key_delay: std::time::Duration,
    /// How often the key was asked for.
    pub(crate) key_asked: u32,
    /// The bot's clock, by which the age of a trigger is told.
    pub(crate) clock: Option<Clock>,
}

impl Default for Server {
    fn default() -> Self {
        let key = Some(SigningKey::of_server().public());
        Self {
            key,
            may_post_ephemeral: true,
            tells_roles: true,
            permissions: vec![MANAGE_SYSTEM],
            requires_verification: "true",
            usernames: std::collections::HashMap::new(),
            key_delay: std::time::Duration::ZERO,
            key_asked: 0,
            clock: None,
        }
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The command, from the text that Slack would be sent: mentions become names. Beside them stand first all names, then all
/// ids (`UserMentionMap.ToURLValues`, `url.Values.Encode`), of members of the command's team alone
/// (`MentionsToTeamMembers`, `app/command.go`). A name that stands there as `@name` is of nobody in the team.
pub(crate) fn command_body(who: &str, text: &str, reply: &str, serial: u32, now: Moment) -> String {
    let (mut words, mut names, mut ids) = (Vec::new(), String::new(), String::new());
    for word in text.split_whitespace() {
        match word
            .strip_prefix("<@")
            .and_then(|word| word.strip_suffix('>'))
        {
            Some(mention) => {
                let slack_id = mention.split('|').next().unwrap();
                let name = slack_id.to_lowercase();
                names.extend(["&user_mentions=", &name]);
                ids.extend(["&user_mentions_ids=", &id(slack_id)]);
                words.push(format!("@{name}"));
            }
            None => words.push(word.to_owned()),
        }
    }
    format!(
        "channel_id={CHANNEL}&channel_name=it&command=%2Freset-password&response_url={}&team_domain=acme&team_id=t&text={}&token={TOKEN}&trigger_id={}&user_id={who}&user_name=x{names}{ids}",
        encode(reply),
        encode(&words.join(" ")),
        encode(&trigger(who, serial, now)),
    )
}

pub(crate) fn click_body(who: &str, action: &str, value: &str, serial: u32, now: Moment) -> String {
    json!({
        "user_id": who, "user_name": "x", "channel_id": CHANNEL, "channel_name": "it", "team_id": "t", "team_domain": "acme",
        "post_id": "p", "trigger_id": trigger(who, serial, now), "type": "button", "data_source": "",
        "context": { "action": action, "value": value },
    })
    .to_string()
}

pub(crate) fn form_body(who: &str, view: &Value, typed: &str) -> String {
    json!({
        "type": "dialog_submission", "callback_id": view["callback_id"], "state": view["state"], "user_id": who,
        "channel_id": CHANNEL, "team_id": "t", "submission": { "destination": typed }, "cancelled": false,
    })
    .to_string()
}

/// What a request was answered with, in the tests' own shape.
pub(crate) fn read_answer(memory: &Memory, body: &[u8]) -> Vec<u8> {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return body.to_vec();
    };
    if answer["response_type"].is_string() {
        memory.note_broken(rules(&answer));
        return neutral(&answer).to_string().into_bytes();
    }
    if let Some(text) = answer["ephemeral_text"].as_str() {
        let hold = answer["skip_slack_parsing"] == true;
        memory.note_broken(if hold {
            vec![]
        } else {
            vec![format!("a text that is parsed: {answer}")]
        });
        let mut said = neutral(&json!({ "text": text }));
        said["replace_original"] = false.into();
        memory.say(said);
        return Vec::new();
    }
    if answer["errors"].is_object() {
        return json!({ "response_action": "errors", "errors": answer["errors"] })
            .to_string()
            .into_bytes();
    }
    assert_eq!(answer, json!({}), "an answer that Mattermost does not know");
    Vec::new()
}

/// What Mattermost would refuse, or would make of a name.
fn rules(message: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    let mut hold = |holds: bool, rule: &str| {
        if !holds {
            broken.push(format!("{rule}: {message}"));
        }
    };
    hold(
        message["text"]
            .as_str()
            .is_some_and(|text| text.chars().count() <= 16_383),
        "a post of 16383 at most",
    );
    hold(
        message["response_type"] == "ephemeral",
        "only the one who asked sees it",
    );
    hold(
        message["skip_slack_parsing"] == true,
        "no text is parsed as Slack's",
    );
    for action in actions(message) {
        let id = action["id"].as_str().unwrap_or_default();
        hold(
            !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "ids of letters and digits",
        );
        hold(
            action["integration"]["url"] == "http://127.0.0.1/mattermost/actions",
            "clicks come to us",
        );
        hold(
            ["default", "primary", "danger"].contains(&action["style"].as_str().unwrap()),
            "a style that there is",
        );
    }
    broken
}

fn actions(message: &Value) -> Vec<Value> {
    message["attachments"][0]["actions"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// The message in the one shape in which the tests read them.
fn neutral(message: &Value) -> Value {
    let mut blocks = Vec::new();
    for (at, line) in message["text"]
        .as_str()
        .unwrap_or_default()
        .split("\n\n")
        .enumerate()
    {
        let is_password = line.starts_with('`') && line.ends_with('`');
        let text = if is_password {
            line.to_owned()
        } else {
            unescape(line)
        };
        let text = if at == 0 {
            text.trim_matches('*').to_owned()
        } else {
            text
        };
        let kind = if is_password { "mrkdwn" } else { "plain_text" };
        blocks.push(
            json!({ "type": if at == 0 { "header" } else { "section" }, "text": { "type": kind, "text": text } }),
        );
    }
    let elements: Vec<Value> = actions(message)
        .iter()
        .map(|action| {
            let context = &action["integration"]["context"];
            json!({ "action_id": context["action"], "value": context["value"], "text": { "text": action["name"] } })
        })
        .collect();
    if !elements.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": elements }));
    }
    json!({ "blocks": blocks, "response_type": message["response_type"] })
}

/// What Mattermost shows.
fn unescape(text: &str) -> String {
    let mut shown = String::new();
    let mut characters = text.chars().filter(|character| *character != '\u{200b}');
    while let Some(character) = characters.next() {
        shown.push(if character == '\\' {
            characters.next().unwrap()
        } else {
            character
        });
    }
    shown
}

/// The part of the server that the bot calls.
pub(crate) fn router() -> Router<Memory> {
    Router::new()
        .route("/mm/api/v4/config/client", get(config))
        .route("/mm/api/v4/users/me", get(me))
        .route("/mm/api/v4/roles/names", post(roles))
        .route("/mm/api/v4/posts/ephemeral", post(ephemeral))
        .route("/mm/api/v4/users/{id}", get(user))
        .route("/mm/api/v4/users/username/{name}", get(user_by_name))
        .route("/mm/api/v4/users/email/{email}", get(user_by_email))
        .route("/mm/api/v4/actions/dialogs/open", post(open))
        .route("/mm/hooks/commands/{id}", post(hook))
}

async fn user(
    State(memory): State<Memory>,
    Path(wanted): Path<String>,
    headers: HeaderMap,
) -> impl IntoResponse {
    tokio::time::sleep(memory.who_delay()).await;
    if let Some((status, answer)) = memory.who_answer() {
        return (StatusCode::from_u16(status).unwrap(), answer.to_string());
    }
    tell(&memory, &headers, |slack_id, _| id(slack_id) == wanted)
}

/// `getUserByUsername` (`api4/user.go`): 400 for what is no name (`IsValidUsername`, `model/user.go`), 404 for nobody's.
async fn user_by_name(
    State(memory): State<Memory>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let is_name = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'))
        && !["all", "channel", "matterbot", "system"].contains(&name.as_str());
    if !is_name {
        let wrong = json!({ "id": "api.context.invalid_body_param.app_error" });
        return (StatusCode::BAD_REQUEST, wrong.to_string());
    }
    let usernames = server(&memory).usernames.clone();
    tell(&memory, &headers, |slack_id, _| {
        usernames
            .get(&id(slack_id))
            .map_or_else(|| slack_id.to_lowercase(), String::clone)
            == name
    })
}

async fn user_by_email(
    State(memory): State<Memory>,
    Path(email): Path<String>,
    headers: HeaderMap,
) -> impl IntoResponse {
    tell(&memory, &headers, |_, user| {
        user["profile"]["email"] == email.as_str()
    })
}

/// An account as others see it (`SanitizeProfile`, `app/user.go` and `model/user.go`): never `email_verified`, which
/// `ClearNonProfileFields` clears, and `auth_service` for system administrators alone (`GetSanitizeOptions`); for others it
/// is empty, like that of a password of the server's own. `is_bot` and `remote_id` only where they are set.
fn tell(
    memory: &Memory,
    headers: &HeaderMap,
    is_meant: impl Fn(&str, &Value) -> bool,
) -> (StatusCode, String) {
    assert_eq!(
        headers["authorization"],
        format!("Bearer {}", super::BOT_TOKEN).as_str()
    );
    let Some(user) = memory.any_user(is_meant) else {
        return (
            StatusCode::NOT_FOUND,
            json!({ "id": "app.user.missing_account.const" }).to_string(),
        );
    };
    let is = |name: &str| user[name] == true;
    let mut roles = vec!["system_user"];
    if is("is_restricted") {
        roles = vec!["system_guest"];
    }
    if is("is_owner") || is("is_admin") {
        roles.push(if is("is_owner") {
            "system_admin"
        } else {
            "system_user_manager"
        });
    }
    // No e-mail counts of an account whose provider lets people claim one.
    let unconfirmed = user["is_email_confirmed"] == false;
    let auth_service =
        user["auth_service"]
            .as_str()
            .unwrap_or(if unconfirmed { "gitlab" } else { "" });
    let auth_service = if server(memory).permissions.contains(&MANAGE_SYSTEM) {
        auth_service
    } else {
        ""
    };
    let mut answer = json!({
        "id": id(user["id"].as_str().unwrap()), "create_at": 1_700_000_000_000_u64, "update_at": 1_700_000_000_000_u64,
        "delete_at": i64::from(is("deleted")), "username": "x", "auth_service": auth_service,
        "email": user["profile"]["email"], "nickname": "", "first_name": "", "last_name": "", "position": "",
        "roles": roles.join(" "), "locale": "en", "timezone": {}, "disable_welcome_email": false,
    });
    if is("is_bot") {
        answer["is_bot"] = true.into();
    }
    if let Some(remote) = user["remote_id"].as_str() {
        answer["remote_id"] = remote.into();
    }
    (StatusCode::OK, answer.to_string())
}

/// `getClientConfig` (`api4/config.go`): 501 without `format`, 400 for another than `old`; the limited form, without a
/// session, has the key too, and no `RequireEmailVerification` (`GenerateLimitedClientConfig`, `config/client.go`).
async fn config(
    State(memory): State<Memory>,
    Query(asked): Query<std::collections::HashMap<String, String>>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    let delay = server(&memory).key_delay;
    tokio::time::sleep(delay).await;
    let mut server = server(&memory);
    server.key_asked += 1;
    let mut told = json!({ "BuildNumber": "11.1.0", "SiteName": "Acme" });
    if let Some(key) = &server.key {
        told["AsymmetricSigningPublicKey"] = key.as_str().into();
    }
    if headers.contains_key("authorization") {
        told["RequireEmailVerification"] = server.requires_verification.into();
    }
    match asked.get("format").map(String::as_str) {
        None => (
            StatusCode::NOT_IMPLEMENTED,
            json!({ "id": "api.config.client.old_format.app_error" }).to_string(),
        ),
        Some("old") => (StatusCode::OK, told.to_string()),
        Some(_) => (
            StatusCode::BAD_REQUEST,
            json!({ "id": "api.context.invalid_url_param.app_error" }).to_string(),
        ),
    }
}

fn server(memory: &Memory) -> std::sync::MutexGuard<'_, Server> {
    memory
        .mattermost
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

async fn me(State(memory): State<Memory>, headers: HeaderMap) -> (StatusCode, String) {
    assert_eq!(
        headers["authorization"],
        format!("Bearer {}", super::BOT_TOKEN).as_str()
    );
    if !server(&memory).tells_roles {
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            json!({ "id": "app.user.get.app_error" }).to_string(),
        );
    }
    (
        StatusCode::OK,
        json!({ "id": "bot00000000000000000000000", "roles": "system_user bots_of_it" })
            .to_string(),
    )
}

/// `getRolesByNames` (`api4/role.go`): a list of names; each role with its permissions.
async fn roles(State(memory): State<Memory>, body: String) -> String {
    let names: Vec<String> = serde_json::from_str(&body).unwrap();
    assert_eq!(names, ["system_user", "bots_of_it"]);
    let server = server(&memory);
    let mut permissions = server.permissions.clone();
    if server.may_post_ephemeral {
        permissions.push("create_post_ephemeral");
    }
    json!([
        { "name": "system_user", "permissions": ["create_direct_channel"] },
        { "name": "bots_of_it", "permissions": permissions },
    ])
    .to_string()
}

/// `createEphemeralPost` (`api4/post.go`): the permission is held against the whole system, not against the channel, and
/// nobody asks whether the user is in the channel; `SendEphemeralPost` sends it to that user's own connections only.
async fn ephemeral(
    State(memory): State<Memory>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    assert_eq!(
        headers["authorization"],
        format!("Bearer {}", super::BOT_TOKEN).as_str()
    );
    let asked: Value = serde_json::from_str(&body).unwrap();
    let (to, post) = (
        asked["user_id"].as_str().unwrap().to_owned(),
        &asked["post"],
    );
    if !server(&memory).may_post_ephemeral {
        return (
            StatusCode::FORBIDDEN,
            json!({ "id": "api.context.permissions.app_error" }).to_string(),
        );
    }
    let message = json!({
        "text": post["message"], "response_type": "ephemeral", "skip_slack_parsing": true,
        "attachments": post["props"]["attachments"],
    });
    let mut broken = rules(&message);
    if post["channel_id"].as_str().is_none_or(|id| id.len() != 26) {
        broken.push(format!("a channel's id has 26 characters: {asked}"));
    }
    memory.note_broken(broken);
    // An earlier message cannot be changed.
    let mut said = neutral(&message);
    said["replace_original"] = false.into();
    let taken = memory.take(format!("post to {to}"), said).await;
    let status = if taken == StatusCode::OK {
        StatusCode::CREATED
    } else {
        taken
    };
    (
        status,
        json!({ "id": "post0000000000000000000000" }).to_string(),
    )
}

/// `DecodeAndVerifyTriggerId`: signed by the server, and younger than `OutgoingIntegrationRequestsTimeout`, 30 s.
fn opens(server: &Server, trigger: &str) -> bool {
    let decoded = String::from_utf8(STANDARD.decode(trigger).unwrap()).unwrap();
    let (text, signature) = decoded.rsplit_once(':').unwrap();
    let key = STANDARD.decode(server.key.as_ref().unwrap()).unwrap();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key[PKIX.len()..]);
    let is_signed = key
        .verify(
            format!("{text}:").as_bytes(),
            &STANDARD.decode(signature).unwrap(),
        )
        .is_ok();
    let at: i64 = text.split(':').nth(2).unwrap().parse().unwrap();
    is_signed
        && server
            .clock
            .as_ref()
            .is_none_or(|clock| clock.now().0 - at <= 30_000)
}

async fn open(State(memory): State<Memory>, body: String) -> (StatusCode, String) {
    let asked: Value = serde_json::from_str(&body).unwrap();
    if !opens(&server(&memory), asked["trigger_id"].as_str().unwrap()) {
        let expired = json!({ "id": "interactive_message.decode_trigger_id.expired" });
        return (StatusCode::BAD_REQUEST, expired.to_string());
    }
    let (dialog, element) = (&asked["dialog"], &asked["dialog"]["elements"][0]);
    let short = |text: &Value, limit| {
        text.as_str()
            .is_some_and(|text| (1..=limit).contains(&text.chars().count()))
    };
    let fits = short(&dialog["title"], 24)
        && short(&dialog["submit_label"], 24)
        && short(&element["display_name"], 24)
        && short(&element["help_text"], 150)
        && asked["url"] == "http://127.0.0.1/mattermost/dialogs";
    memory.note_broken(if fits {
        vec![]
    } else {
        vec![format!("a dialog outside the limits: {asked}")]
    });
    let label = json!({ "text": element["display_name"] });
    memory.open(
        json!({ "callback_id": dialog["callback_id"], "state": dialog["state"], "blocks": [{ "label": label }] }),
    );
    (StatusCode::OK, json!({ "status": "OK" }).to_string())
}

async fn hook(State(memory): State<Memory>, Path(id): Path<String>, body: String) -> StatusCode {
    let message: Value = serde_json::from_str(&body).unwrap();
    memory.note_broken(rules(&message));
    memory.note_use(&id);
    memory.take(id, neutral(&message)).await
}
