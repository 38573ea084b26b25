//! Mattermost's side of a conversation: requests as its server sends them, and the part of its API that the bot calls.
//!
//! Each rule names the file and the function of Mattermost's server that it comes from; paths begin at
//! `server/channels/`, those of `model/` at `server/public/`.

mod answers;
pub(crate) mod commands;
pub(crate) mod markdown;
mod mentions;

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use relatch::surface::clock::Clock;
use relatch::surface::domain::Moment;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use serde_json::{Value, json};

pub(crate) use self::answers::note_request;
use self::answers::{app_error, hook, refused};
use super::Answer;
use super::slack::{Memory, direct, user_id};

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
/// The team of every conversation.
pub(crate) const TEAM: &str = "acmeteam000000000000000000";
/// The bot's own account.
pub(crate) const BOT: &str = "bot00000000000000000000000";

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

/// The services of `GetSSOService` (`model/config.go`), as the names of their settings begin.
const SERVICES: [&str; 4] = ["GitLab", "Google", "Office365", "OpenId"];

/// The permission of system administrators (`IsSystemAdmin`, `web/context.go`).
const MANAGE_SYSTEM: &str = "manage_system";

/// How the pretend server is set up, and what it was asked.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting or a permission of its own"
)]
pub(crate) struct Server {
    /// What `AsymmetricSigningPublicKey` tells; none on a server without a key.
    pub(crate) key: Option<String>,
    /// True where the bot has the permission `create_post_ephemeral`.
    pub(crate) may_post_ephemeral: bool,
    /// True where the bot has the permission `view_members`, and sees accounts outside its own teams.
    pub(crate) sees_members: bool,
    /// `ShowEmailAddress`.
    pub(crate) shows_emails: bool,
    /// True where the bot is a member of the team.
    pub(crate) is_in_team: bool,
    /// What the bot may no longer do once it has listed the team's commands.
    pub(crate) lost_after_list: Option<&'static str>,
    /// True where the roles can be asked for.
    pub(crate) tells_roles: bool,
    /// What the bot may do beside posting to one user alone.
    pub(crate) permissions: Vec<&'static str>,
    /// `RequireEmailVerification`; the client configuration has texts only.
    pub(crate) requires_verification: &'static str,
    /// The services that people may sign in by (`Enable` of `GitLabSettings` and the like), as the client configuration
    /// names them.
    pub(crate) sign_up_services: Vec<&'static str>,
    /// False on a server without a licence, whose client configuration calls most services off.
    pub(crate) has_licence: bool,
    /// What accounts are called now, by id, where it is not their first name.
    pub(crate) usernames: HashMap<String, String>,
    /// How long an answer with the key takes.
    pub(crate) key_delay: std::time::Duration,
    /// How often the key was asked for.
    pub(crate) key_asked: u32,
    /// How often the bot's own account was asked for, which is read for its rights.
    pub(crate) rights_asked: u32,
    /// The bot's clock, by which the age of a trigger and of a response address is told.
    pub(crate) clock: Option<Clock>,
    /// Set where every request is over the rate limit, for so many seconds.
    pub(crate) limited_for: Option<u32>,
    /// The response addresses of the commands that were sent: when each was made, and how often it was used.
    pub(crate) hooks: HashMap<String, (Moment, u32)>,
    /// `EnableCommands`.
    pub(crate) enable_commands: bool,
    /// The slash commands of all teams, as the server keeps them.
    pub(crate) commands: Vec<Value>,
    /// What a dialog is refused with that is otherwise in order.
    pub(crate) dialog_refusal: Option<(u16, &'static str)>,
    /// When the team was archived; 0 for one that is not.
    pub(crate) team_deleted_at: i64,
}

impl Default for Server {
    fn default() -> Self {
        let key = Some(SigningKey::of_server().public());
        Self {
            key,
            may_post_ephemeral: true,
            sees_members: true,
            shows_emails: true,
            is_in_team: true,
            lost_after_list: None,
            tells_roles: true,
            permissions: vec![MANAGE_SYSTEM, commands::OWN, commands::OTHERS],
            requires_verification: "true",
            sign_up_services: Vec::new(),
            has_licence: true,
            usernames: HashMap::new(),
            key_delay: std::time::Duration::ZERO,
            key_asked: 0,
            rights_asked: 0,
            clock: None,
            limited_for: None,
            hooks: HashMap::new(),
            enable_commands: true,
            commands: Vec::new(),
            dialog_refusal: None,
            team_deleted_at: 0,
        }
    }
}

/// What Go's `url.QueryEscape` writes as it is, beside letters and digits.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Go's `url.QueryEscape`.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN)
        .to_string()
        .replace("%20", "+")
}

/// The command, from the text that Slack would be sent: mentions become names with the ids beside them. As
/// `tryExecuteCustomCommand` in `app/command.go` writes it: keys sorted (`url.Values.Encode`), lists repeated, all names
/// before all ids (`UserMentionMap.ToURLValues`), of members of the command's team alone. A name that stands there as
/// `@name` is of nobody in the team.
pub(crate) fn command_body(who: &str, text: &str, reply: &str, serial: u32, now: Moment) -> String {
    let (typed, mentions) = mentions::listed(text, id);
    format!(
        "channel_id={CHANNEL}&channel_name=it&command=%2Freset-password&response_url={}&root_id=&team_domain=acme&team_id={TEAM}&text={}&token={TOKEN}&trigger_id={}&user_id={who}{mentions}&user_name={}",
        encode(reply),
        encode(&typed),
        encode(&trigger(who, serial, now)),
        name_of(who),
    )
}

/// `ujo00000000000000000000000` → `ujo`.
fn name_of(id: &str) -> &str {
    id.trim_end_matches('0')
}

/// The headers of a request: `DoCommandRequest` in `app/command.go`, `DoActionRequest` in `app/integration_action.go`.
pub(crate) fn headers(route: &str) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("Accept", "application/json".to_owned()),
        ("Accept-Encoding", "gzip".to_owned()),
        ("User-Agent", "Mattermost-Bot/1.1".to_owned()),
    ];
    if route.ends_with("/commands") {
        headers.push((
            "Content-Type",
            "application/x-www-form-urlencoded".to_owned(),
        ));
        headers.push(("Authorization", format!("Token {TOKEN}")));
    } else {
        headers.push(("Content-Type", "application/json".to_owned()));
    }
    headers
}

/// `PostActionIntegrationRequest` in `model/integration_action.go`; of an ephemeral post the id is in no database.
pub(crate) fn click_body(who: &str, action: &str, value: &str, serial: u32, now: Moment) -> String {
    json!({
        "user_id": who, "user_name": name_of(who), "channel_id": CHANNEL, "channel_name": "it", "team_id": TEAM,
        "team_domain": "acme", "post_id": format!("post{serial:022}"), "trigger_id": trigger(who, serial, now),
        "type": "button", "data_source": "", "context": { "action": action, "value": value },
    })
    .to_string()
}

/// `SubmitDialogRequest` in `model/integration_action.go`.
pub(crate) fn form_body(who: &str, view: &Value, typed: &str) -> String {
    json!({
        "type": "dialog_submission", "callback_id": view["callback_id"], "state": view["state"], "user_id": who,
        "channel_id": CHANNEL, "team_id": TEAM, "submission": { "destination": typed }, "cancelled": false,
    })
    .to_string()
}

/// What a request was answered with, in the tests' own shape.
pub(crate) fn read_answer(memory: &Memory, route: &str, answer: Answer) -> Answer {
    let Ok(read) = serde_json::from_slice::<Value>(&answer.body) else {
        return answer;
    };
    let body = if route.ends_with("/commands") {
        read_command_answer(memory, &read)
    } else if route.ends_with("/actions") {
        read_click_answer(memory, &read)
    } else {
        read_dialog_answer(memory, &read)
    };
    Answer { body, ..answer }
}

/// `HandleCommandResponsePost` in `app/command.go`; without a text or attachments there is no post.
fn read_command_answer(memory: &Memory, answer: &Value) -> Vec<u8> {
    if *answer == json!({}) {
        return Vec::new();
    }
    memory.note_broken(rules(answer));
    neutral(answer).to_string().into_bytes()
}

/// `DoPostActionWithCookie` in `app/integration_action.go`; `update` fails for posts that are in no database.
fn read_click_answer(memory: &Memory, answer: &Value) -> Vec<u8> {
    unread_fields(memory, answer, &["ephemeral_text", "skip_slack_parsing"]);
    if let Some(text) = answer["ephemeral_text"].as_str() {
        let hold = answer["skip_slack_parsing"] == true;
        let (_, mut broken) = markdown::read(text);
        if !hold {
            broken.push(format!("a text that is parsed: {answer}"));
        }
        memory.note_broken(broken);
        let mut said = neutral(&json!({ "text": text }));
        said["replace_original"] = false.into();
        memory.say(said);
    }
    Vec::new()
}

/// `SubmitInteractiveDialog` in `app/integration_action.go`, `SubmitDialogResponse` in `model/integration_action.go`: an
/// error at an input, or one of the whole dialog, which stays open then. Clients show both as they are, with no markup in
/// them.
fn read_dialog_answer(memory: &Memory, answer: &Value) -> Vec<u8> {
    unread_fields(memory, answer, &["error", "errors", "type", "form"]);
    if answer["errors"].is_object() {
        return json!({ "response_action": "errors", "errors": answer["errors"] })
            .to_string()
            .into_bytes();
    }
    if let Some(error) = answer["error"].as_str() {
        let is_read = !error.is_empty() && !error.contains(['\n', '\r']);
        memory.note_broken(if is_read {
            vec![]
        } else {
            vec![format!("an error that is no line: {answer}")]
        });
        let text = json!({ "type": "plain_text", "text": error });
        return json!({ "blocks": [{ "type": "section", "text": text }] })
            .to_string()
            .into_bytes();
    }
    assert_eq!(*answer, json!({}), "an answer that the tests do not know");
    Vec::new()
}

/// The server reads no other field, so what stands in one is lost.
fn unread_fields(memory: &Memory, answer: &Value, read: &[&str]) {
    let fields = answer.as_object().unwrap().keys();
    let unread = fields.filter(|name| !read.contains(&name.as_str()));
    memory.note_broken(
        unread
            .map(|name| format!("nobody reads {name} of {answer}"))
            .collect(),
    );
}

/// What Mattermost would refuse, or would make of a name.
fn rules(message: &Value) -> Vec<String> {
    let (_, mut broken) = markdown::read(message["text"].as_str().unwrap_or_default());
    broken.extend(attachments(message).flat_map(rules_of_attachment));
    let mut hold = |holds: bool, rule: &str| {
        if !holds {
            broken.push(format!("{rule}: {message}"));
        }
    };
    // `Post.IsValid` (`model/post.go`) counts characters. An ephemeral post is not held against it, but clients show no
    // longer one, and the password's message goes the same way.
    hold(
        message["text"]
            .as_str()
            .is_some_and(|text| (1..=16_383).contains(&text.chars().count())),
        "a post of 16383 at most",
    );
    // `CreateCommandPost` (`app/command.go`): `in_channel` is for everybody; what has neither name is not posted at all.
    hold(
        message["response_type"] == "ephemeral",
        "only the one who asked sees it",
    );
    // `HandleCommandResponsePost` (`app/command.go`): else `<!here>`, `<@id>` and links in text and attachments are rewritten.
    hold(
        message["skip_slack_parsing"] == true,
        "no text is parsed as Slack's",
    );
    let mut ids = HashSet::new();
    for action in attachments(message).flat_map(actions) {
        let id = action["id"].as_str().unwrap_or_default();
        hold(
            !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "ids of letters and digits",
        );
        // `Post.GetAction` (`model/integration_action.go`) takes the first with this id.
        hold(ids.insert(id.to_owned()), "ids that differ");
        hold(
            action["integration"]["url"] == "http://127.0.0.1/mattermost/actions",
            "clicks come to us",
        );
        // `PostAction.IsValid` in `model/integration_action.go`.
        hold(
            ["default", "primary", "danger"].contains(&action["style"].as_str().unwrap()),
            "a style that there is",
        );
        hold(action["type"] == "button", "a button is called one");
        hold(
            action["name"].as_str().is_some_and(|name| !name.is_empty()),
            "a button has a name",
        );
    }
    broken
}

fn attachments(message: &Value) -> impl Iterator<Item = &Value> {
    message["attachments"].as_array().into_iter().flatten()
}

fn actions(attachment: &Value) -> impl Iterator<Item = &Value> {
    attachment["actions"].as_array().into_iter().flatten()
}

/// `MessageAttachment.IsValid` (`model/message_attachment.go`), and what the clients show of one: phones cut a `footer` after
/// a line, and the web client leaves fields without a title out, so neither is used.
fn rules_of_attachment(attachment: &Value) -> Vec<String> {
    let known = ["fallback", "color", "text", "actions"];
    let fields = attachment.as_object().unwrap();
    let is_color = attachment["color"].as_str().is_none_or(|color| {
        let digits = color.strip_prefix('#').unwrap_or_default();
        ["good", "warning", "danger"].contains(&color)
            || digits.len() == 6 && digits.bytes().all(|c| c.is_ascii_hexdigit())
    });
    let shows = attachment["text"]
        .as_str()
        .is_some_and(|text| !text.is_empty())
        || actions(attachment).next().is_some();
    let is_right = fields.keys().all(|key| known.contains(&key.as_str())) && is_color && shows;
    let mut broken = markdown::read(&shown_text(attachment)).1;
    if !is_right {
        broken.push(format!("an attachment outside the rules: {attachment}"));
    }
    broken
}

/// The text of an attachment. The server makes links of `<address|text>` in it (`ParseSlackLinksToMarkdown`,
/// `model/message_attachment.go`), whatever `skip_slack_parsing` says.
fn shown_text(attachment: &Value) -> String {
    let mut text = attachment["text"].as_str().unwrap_or_default().to_owned();
    while let Some((before, rest)) = text.split_once('<')
        && let Some((address, rest)) = rest.split_once('|')
        && let Some((name, rest)) = rest.split_once('>')
    {
        text = format!("{before}[{name}]({address}){rest}");
    }
    text
}

/// The message in the one shape in which the tests read them.
fn neutral(message: &Value) -> Value {
    let mut blocks = Vec::new();
    let (paragraphs, _) = markdown::read(message["text"].as_str().unwrap_or_default());
    for (at, paragraph) in paragraphs.into_iter().enumerate() {
        // A line of the card may be an address and nothing else.
        let is_password = paragraph.is_code && !paragraph.shown.contains(['@', '/', ' ']);
        let (kind, text) = if is_password {
            ("mrkdwn", format!("`{}`", paragraph.shown))
        } else {
            ("plain_text", paragraph.shown)
        };
        blocks.push(
            json!({ "type": if at == 0 { "header" } else { "section" }, "text": { "type": kind, "text": text } }),
        );
    }
    for attachment in attachments(message) {
        if attachment["text"].is_string() {
            for paragraph in markdown::read(&shown_text(attachment)).0 {
                let text = json!({ "type": "plain_text", "text": paragraph.shown });
                blocks.push(json!({ "type": "section", "text": text }));
            }
        }
        let elements: Vec<Value> = actions(attachment)
            .map(|action| {
                let context = &action["integration"]["context"];
                json!({ "action_id": context["action"], "value": context["value"], "text": { "text": action["name"] } })
            })
            .collect();
        if !elements.is_empty() {
            blocks.push(json!({ "type": "actions", "elements": elements }));
        }
    }
    json!({ "blocks": blocks, "response_type": message["response_type"] })
}

#[test]
fn the_rules_of_an_attachment_have_teeth() {
    let good = json!({ "fallback": "x", "color": "#E67E22", "text": "x", "actions": [] });
    assert_eq!(rules_of_attachment(&good), Vec::<String>::new());
    for (name, value) in [
        ("color", json!("#12345")),
        ("color", json!("orange")),
        ("footer", json!("x")),
        ("fields", json!([])),
        ("text", json!("")),
        ("text", json!("a *b*")),
        ("text", json!("<https://evil.example|x>")),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert_ne!(rules_of_attachment(&bad), Vec::<String>::new(), "{bad}");
    }
}

/// The part of the server that the bot calls.
pub(crate) fn router(memory: &Memory) -> Router<Memory> {
    let limits = axum::middleware::from_fn_with_state(memory.clone(), answers::limits);
    Router::new()
        .route("/mm/api/v4/config", get(whole_config))
        .route("/mm/api/v4/config/client", get(client_config))
        .route("/mm/api/v4/users/me", get(me))
        .route("/mm/api/v4/roles/names", post(roles))
        .route("/mm/api/v4/posts/ephemeral", post(ephemeral))
        .route("/mm/api/v4/channels/direct", post(create_direct))
        .route("/mm/api/v4/posts", post(create_post))
        .route("/mm/api/v4/users/{id}", get(user))
        .route("/mm/api/v4/users/username/{name}", get(user_by_name))
        .route("/mm/api/v4/users/email/{email}", get(user_by_email))
        .route("/mm/api/v4/actions/dialogs/open", post(open))
        .route(
            "/mm/api/v4/commands",
            get(commands::list).post(commands::create),
        )
        .route("/mm/api/v4/commands/{id}", put(commands::update))
        .route("/mm/api/v4/teams/{id}", get(commands::team))
        .route("/mm/hooks/commands/{id}", post(hook))
        .layer(limits)
}

/// `APISessionRequired` in `api4/handlers.go`.
fn is_bot(headers: &HeaderMap) {
    assert_eq!(
        headers["authorization"],
        format!("Bearer {}", super::BOT_TOKEN).as_str()
    );
}

async fn user(
    State(memory): State<Memory>,
    Path(wanted): Path<String>,
    headers: HeaderMap,
) -> Response {
    tokio::time::sleep(memory.who_delay()).await;
    if let Some((status, answer)) = memory.who_answer() {
        return refused(StatusCode::from_u16(status).unwrap(), &answer);
    }
    // `RequireUserId` in `web/context.go`, `IsValidId` in `model/utils.go`.
    if wanted.len() != 26 || !wanted.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return app_error(
            StatusCode::BAD_REQUEST,
            "api.context.invalid_url_param.app_error",
        );
    }
    tell(&memory, &headers, |slack_id, _| id(slack_id) == wanted)
}

/// `getUserByUsername` in `api4/user.go`: 400 for a name that nobody can have (`RequireUsername` in `web/context.go`,
/// `IsValidUsername` and `restrictedUsernames` in `model/user.go`).
async fn user_by_name(
    State(memory): State<Memory>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let is_restricted = ["all", "channel", "matterbot", "system"].contains(&name.as_str());
    let is_plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
    };
    let fits = (1..=64).contains(&name.len()) && name.bytes().all(is_plain);
    if is_restricted || !fits {
        return app_error(
            StatusCode::BAD_REQUEST,
            "api.context.invalid_body_param.app_error",
        );
    }
    let usernames = server(&memory).usernames.clone();
    tell(&memory, &headers, |slack_id, _| {
        usernames
            .get(&id(slack_id))
            .map_or_else(|| slack_id.to_lowercase(), String::clone)
            == name
    })
}

/// `getUserByEmail` in `api4/user.go`: looked for in lower case (`SanitizeEmail` in `web/context.go`, and 400 for what is no
/// address), 403 where e-mails are shown to system administrators alone (`GetSanitizeOptions` in `app/user.go`), and 403 for a
/// bot that may not see all accounts, whether or not there is one (`GetViewUsersRestrictions` in
/// `app/user.go`).
async fn user_by_email(
    State(memory): State<Memory>,
    Path(email): Path<String>,
    headers: HeaderMap,
) -> Response {
    is_bot(&headers);
    let email = email.to_lowercase();
    let parts: Vec<&str> = email.split('@').collect();
    if parts.len() != 2 || parts.contains(&"") {
        return app_error(
            StatusCode::BAD_REQUEST,
            "api.context.invalid_url_param.app_error",
        );
    }
    let is_admin = server(&memory).permissions.contains(&MANAGE_SYSTEM);
    if !server(&memory).shows_emails && !is_admin {
        return app_error(
            StatusCode::FORBIDDEN,
            "api.user.get_user_by_email.permissions.app_error",
        );
    }
    if !server(&memory).sees_members {
        return app_error(StatusCode::FORBIDDEN, "api.context.permissions.app_error");
    }
    tell(&memory, &headers, |_, user| {
        let known = user["profile"]["email"].as_str().unwrap_or_default();
        known.to_lowercase() == email
    })
}

/// An account as others see it (`SanitizeProfile`, `app/user.go` and `model/user.go`): never `email_verified`, which
/// `ClearNonProfileFields` clears, and `auth_service` for system administrators alone (`GetSanitizeOptions`); for others it
/// is empty, like that of a password of the server's own. What may be left out is left out where it is empty.
fn tell(memory: &Memory, headers: &HeaderMap, is_meant: impl Fn(&str, &Value) -> bool) -> Response {
    is_bot(headers);
    let Some(user) = memory.any_user(is_meant) else {
        return app_error(StatusCode::NOT_FOUND, "app.user.missing_account.const");
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
    let slack_id = user["id"].as_str().unwrap();
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
        "id": id(slack_id), "create_at": 1, "update_at": 1, "delete_at": i64::from(is("deleted")),
        "username": slack_id.to_lowercase(), "auth_service": auth_service, "email": user["profile"]["email"], "nickname": "",
        "first_name": user["profile"]["real_name"].as_str().unwrap_or_default(), "last_name": "", "position": "", "roles": roles.join(" "), "locale": "en", "timezone": {},
        "disable_welcome_email": false,
    });
    if is("is_bot") {
        answer["is_bot"] = true.into();
    }
    if let Some(remote) = user["remote_id"].as_str() {
        answer["remote_id"] = remote.into();
    }
    answer.to_string().into_response()
}

/// `getClientConfig` (`api4/config.go`): 501 without `format`, 400 for another than `old`; the limited form, without a
/// session, has the key and the services, and no `RequireEmailVerification` (`GenerateLimitedClientConfig`,
/// `config/client.go`). Without a licence every service but GitLab is `"false"` there, although `getSSOProvider`
/// (`app/oauth.go`) looks at `Enable` and at no licence.
async fn client_config(
    State(memory): State<Memory>,
    Query(asked): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let delay = server(&memory).key_delay;
    tokio::time::sleep(delay).await;
    let mut server = server(&memory);
    server.key_asked += 1;
    let mut told = json!({ "BuildNumber": "11.1.0", "SiteName": "Acme" });
    for service in SERVICES {
        let is_told = service == "GitLab" || server.has_licence;
        let is_on = is_told && server.sign_up_services.contains(&service);
        told[format!("EnableSignUpWith{service}")] = is_on.to_string().into();
    }
    if let Some(key) = &server.key {
        told["AsymmetricSigningPublicKey"] = key.as_str().into();
    }
    if headers.contains_key("authorization") {
        told["RequireEmailVerification"] = server.requires_verification.into();
    }
    match asked.get("format").map(String::as_str) {
        None => app_error(
            StatusCode::NOT_IMPLEMENTED,
            "api.config.client.old_format.app_error",
        ),
        Some("old") => told.to_string().into_response(),
        // `SetInvalidParam` (`web/context.go`).
        Some(_) => app_error(
            StatusCode::BAD_REQUEST,
            "api.context.invalid_body_param.app_error",
        ),
    }
}

/// `getConfig` (`api4/config.go`): the settings that the caller may read, which for system administrators are all.
async fn whole_config(State(memory): State<Memory>, headers: HeaderMap) -> Response {
    is_bot(&headers);
    let server = server(&memory);
    if !server.permissions.contains(&MANAGE_SYSTEM) {
        return app_error(StatusCode::FORBIDDEN, "api.context.permissions.app_error");
    }
    let mut told = json!({ "ServiceSettings": { "EnableCommands": server.enable_commands } });
    for service in SERVICES {
        let is_on = server.sign_up_services.contains(&service);
        told[format!("{service}Settings")] = json!({ "Enable": is_on, "Scope": "" });
    }
    told.to_string().into_response()
}

fn server(memory: &Memory) -> std::sync::MutexGuard<'_, Server> {
    memory
        .mattermost
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// `getUser` in `api4/user.go`, of one's own account: `User.Sanitize` (`model/user.go`) keeps all but secrets, so here
/// `email_verified` is told.
async fn me(State(memory): State<Memory>, headers: HeaderMap) -> Response {
    is_bot(&headers);
    server(&memory).rights_asked += 1;
    if !server(&memory).tells_roles {
        return app_error(StatusCode::INTERNAL_SERVER_ERROR, "app.user.get.app_error");
    }
    let account = json!({
        "id": BOT, "create_at": 1, "update_at": 1, "delete_at": 0, "username": "relatch", "auth_data": "",
        "auth_service": "", "email": "relatch@localhost", "email_verified": true, "nickname": "", "first_name": "",
        "last_name": "", "position": "", "roles": "system_user bots_of_it", "notify_props": {}, "locale": "en",
        "timezone": {}, "is_bot": true, "disable_welcome_email": false,
    });
    account.to_string().into_response()
}

/// `getRolesByNames` (`api4/role.go`): a list of names; each role with its permissions (`Role` in `model/role.go`).
async fn roles(State(memory): State<Memory>, headers: HeaderMap, body: String) -> String {
    is_bot(&headers);
    let names: Vec<String> = serde_json::from_str(&body).unwrap();
    assert_eq!(names, ["system_user", "bots_of_it"]);
    let server = server(&memory);
    let mut held = server.permissions.clone();
    if server.sees_members {
        held.push("view_members");
    }
    if server.may_post_ephemeral {
        held.push("create_post_ephemeral");
    }
    json!([
        { "name": "system_user", "permissions": ["create_direct_channel"] },
        { "name": "bots_of_it", "permissions": held },
    ])
    .to_string()
}

/// `createEphemeralPost` (`api4/post.go`): the permission is held against the whole system, not against the channel, and
/// nobody asks whether the user is in the channel; `SendEphemeralPost` sends it to that user's own connections only.
async fn ephemeral(State(memory): State<Memory>, headers: HeaderMap, body: String) -> Response {
    is_bot(&headers);
    let asked: Value = serde_json::from_str(&body).unwrap();
    let (to, post) = (
        asked["user_id"].as_str().unwrap().to_owned(),
        &asked["post"],
    );
    if !server(&memory).may_post_ephemeral {
        return app_error(StatusCode::FORBIDDEN, "api.context.permissions.app_error");
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
    match memory.take(format!("post to {to}"), said).await {
        StatusCode::OK => {
            let made = json!({ "id": "post0000000000000000000000" });
            (StatusCode::CREATED, made.to_string()).into_response()
        }
        status => refused(status, &Value::Null),
    }
}

/// The direct channel of the bot and an account.
fn direct_channel(user: &str) -> String {
    format!("d{}", &user[..25])
}

/// `createDirectChannel` (`api4/channel.go`): two ids, of which one is the caller's; 403 where the caller may not see the
/// other account.
async fn create_direct(State(memory): State<Memory>, headers: HeaderMap, body: String) -> Response {
    is_bot(&headers);
    let ids: Vec<String> = serde_json::from_str(&body).unwrap();
    let [me, other] = ids.as_slice() else {
        return app_error(
            StatusCode::BAD_REQUEST,
            "api.context.invalid_body_param.app_error",
        );
    };
    let is_known = memory.user(|slack_id| id(slack_id) == *other).is_some();
    if me != BOT || !is_known || !server(&memory).sees_members {
        return app_error(StatusCode::FORBIDDEN, "api.context.permissions.app_error");
    }
    let channel = json!({ "id": direct_channel(other), "type": "D", "team_id": "" });
    (StatusCode::CREATED, channel.to_string()).into_response()
}

/// `createPost` (`api4/post.go`). Everybody in the channel sees it, so it may only stand in a direct one: our own rule.
async fn create_post(State(memory): State<Memory>, headers: HeaderMap, body: String) -> Response {
    is_bot(&headers);
    let post: Value = serde_json::from_str(&body).unwrap();
    let channel = post["channel_id"].as_str().unwrap();
    let message = json!({
        "text": post["message"], "response_type": "ephemeral", "skip_slack_parsing": true,
    });
    let mut broken = rules(&message);
    let to = memory.user(|slack_id| direct_channel(&id(slack_id)) == channel);
    let fields = post.as_object().unwrap().keys();
    if to.is_none() || fields.count() != 2 {
        broken.push(format!("no post to one person alone: {post}"));
    }
    memory.note_broken(broken);
    let place = to.map_or_else(String::new, |user| id(user["id"].as_str().unwrap()));
    match memory.take(direct(&place), neutral(&message)).await {
        StatusCode::OK => {
            let made = json!({ "id": "post0000000000000000000000" });
            (StatusCode::CREATED, made.to_string()).into_response()
        }
        status => refused(status, &Value::Null),
    }
}

/// `DecodeAndVerifyTriggerId` in `model/integration_action.go`: younger than `OutgoingIntegrationRequestsTimeout`, 30 s, and
/// signed by the server. The error that it is refused with.
fn refusal_of_trigger(server: &Server, trigger: &str) -> Option<&'static str> {
    let decoded = String::from_utf8(STANDARD.decode(trigger).unwrap()).unwrap();
    let at: i64 = decoded.split(':').nth(2).unwrap().parse().unwrap();
    if let Some(clock) = &server.clock
        && clock.now().0 - at > 30_000
    {
        return Some("interactive_message.decode_trigger_id.expired");
    }
    let (text, signature) = decoded.rsplit_once(':').unwrap();
    let key = STANDARD.decode(server.key.as_ref().unwrap()).unwrap();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key[PKIX.len()..]);
    let signed = key.verify(
        format!("{text}:").as_bytes(),
        &STANDARD.decode(signature).unwrap(),
    );
    signed
        .is_err()
        .then_some("interactive_message.decode_trigger_id.verify_signature_failed")
}

/// `Dialog.IsValid` and `DialogElement.IsValid` in `model/integration_action.go`, which count *bytes* (Go's `len`). The
/// server only logs what is longer, and opens the dialog all the same.
fn rules_of_dialog(asked: &Value) -> Vec<String> {
    let (dialog, element) = (&asked["dialog"], &asked["dialog"]["elements"][0]);
    let bytes = |text: &Value| text.as_str().unwrap_or_default().len();
    let fits = (1..=24).contains(&bytes(&dialog["title"]))
        && (1..=24).contains(&bytes(&element["display_name"]))
        && (1..=300).contains(&bytes(&element["name"]))
        && bytes(&element["help_text"]) <= 150
        && element["max_length"]
            .as_u64()
            .is_some_and(|most| most <= 150)
        && element["type"] == "text"
        && bytes(&dialog["submit_label"]) > 0
        && asked["url"] == "http://127.0.0.1/mattermost/dialogs";
    if fits {
        vec![]
    } else {
        vec![format!("a dialog outside the limits: {asked}")]
    }
}

/// `openDialog` in `api4/integration_action.go`: it needs no session, because the trigger names the user.
async fn open(State(memory): State<Memory>, body: String) -> Response {
    let asked: Value = serde_json::from_str(&body).unwrap();
    let refusal = refusal_of_trigger(&server(&memory), asked["trigger_id"].as_str().unwrap());
    if let Some(id) = refusal {
        return app_error(StatusCode::BAD_REQUEST, id);
    }
    memory.note_broken(rules_of_dialog(&asked));
    let above = asked["dialog"]["introduction_text"].as_str();
    memory.note_broken(markdown::read(above.unwrap_or_default()).1);
    let refusal = server(&memory).dialog_refusal;
    if let Some((status, id)) = refusal {
        return refused(StatusCode::from_u16(status).unwrap(), &json!({ "id": id }));
    }
    let (dialog, element) = (&asked["dialog"], &asked["dialog"]["elements"][0]);
    let label = json!({ "text": element["display_name"], "above": dialog["introduction_text"] });
    memory.open(
        json!({ "callback_id": dialog["callback_id"], "state": dialog["state"], "blocks": [{ "label": label }] }),
    );
    json!({ "status": "OK" }).to_string().into_response()
}
