//! The API of the pretend Mattermost server: accounts, roles, settings, posts and dialogs.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::rules;
use crate::demo::api::{ApiState, JSON, record};
use crate::demo::people::{APP_NAME, DemoPerson, PEOPLE};
use crate::demo::signers::{MATTERMOST_BOT, MATTERMOST_TOKEN};
use crate::demo::state::OpenView;
use crate::demo::workspace::Workspace;
use crate::domain::{Platform, Span};

/// A trigger opens a dialog for this long (`OutgoingIntegrationRequestsTimeout`).
const TRIGGER_LIFE: Span = Span::seconds(30);

pub(in crate::demo) fn router(workspace: Arc<Workspace>) -> Router {
    Router::new()
        .route("/mattermost/api/v4/config", get(config))
        .route("/mattermost/api/v4/config/client", get(client_config))
        .route("/mattermost/api/v4/users/{id}", get(user))
        .route(
            "/mattermost/api/v4/users/username/{name}",
            get(user_by_name),
        )
        .route("/mattermost/api/v4/users/email/{email}", get(user_by_email))
        .route("/mattermost/api/v4/roles/names", post(roles))
        .route("/mattermost/api/v4/posts/ephemeral", post(ephemeral))
        .route("/mattermost/api/v4/channels/direct", post(create_direct))
        .route("/mattermost/api/v4/posts", post(create_post))
        .route("/mattermost/api/v4/actions/dialogs/open", post(open))
        .with_state(workspace)
}

/// What a call is answered with.
type Told = (u16, Value);

fn refused(status: u16, id: &str) -> Told {
    (
        status,
        json!({ "id": id, "message": "", "status_code": status }),
    )
}

/// Answers and records one call. Without the bot's token the answer is 401, where one is needed (`APISessionRequired`).
fn called(
    workspace: &Workspace,
    (title, method, uri): (&'static str, &str, &Uri),
    headers: &HeaderMap,
    body: String,
    answer: impl FnOnce(&Workspace, &Value) -> Told,
) -> Response {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let is_bot = bearer == Some(&format!("Bearer {MATTERMOST_TOKEN}"));
    let needs_none =
        uri.path().ends_with("/config/client") || uri.path().ends_with("/dialogs/open");
    let (status, told) = if is_bot || needs_none {
        answer(workspace, &serde_json::from_str(&body).unwrap_or_default())
    } else {
        let now = workspace.clock.now();
        let rule = format!("{title} was called without the bot's token");
        workspace.state(|state| state.broke(Platform::Mattermost, rule, now));
        refused(401, "api.context.session_expired.app_error")
    };
    let text = told.to_string();
    record(
        workspace,
        (title, format!("{method} {uri}")),
        headers,
        body,
        status,
        &text,
    );
    let status = StatusCode::from_u16(status).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, JSON)], text).into_response()
}

/// `getConfig`: no service beside the server's own passwords is on.
async fn config(State(workspace): ApiState, uri: Uri, headers: HeaderMap) -> Response {
    called(
        &workspace,
        ("Settings", "GET", &uri),
        &headers,
        String::new(),
        |_, _| {
            let off = json!({ "Enable": false });
            let told = json!({
                "ServiceSettings": { "EnableCommands": true }, "GitLabSettings": off, "GoogleSettings": off,
                "Office365Settings": off, "OpenIdSettings": off,
            });
            (200, told)
        },
    )
}

/// `getClientConfig`, which needs no session for the key.
async fn client_config(State(workspace): ApiState, uri: Uri, headers: HeaderMap) -> Response {
    called(
        &workspace,
        ("Client settings", "GET", &uri),
        &headers,
        String::new(),
        |workspace, _| {
            if uri.query() != Some("format=old") {
                return refused(501, "api.config.client.old_format.app_error");
            }
            let told = json!({
                "SiteName": "Acme", "RequireEmailVerification": "true",
                "AsymmetricSigningPublicKey": workspace.mattermost.public(),
            });
            (200, told)
        },
    )
}

/// An account as others see it: never with `email_verified`.
fn account(is_meant: impl Fn(&DemoPerson) -> bool) -> Told {
    let Some(person) = PEOPLE.iter().find(|person| is_meant(person)) else {
        return refused(404, "app.user.missing_account.const");
    };
    let roles = if person.is_guest {
        "system_guest"
    } else {
        "system_user"
    };
    let told = json!({
        "id": person.mattermost_id(), "create_at": 1, "update_at": 1, "delete_at": 0, "username": person.handle(),
        "auth_service": "", "email": person.email, "nickname": "", "first_name": person.name, "last_name": "",
        "position": "", "roles": roles, "locale": "en",
    });
    (200, told)
}

async fn user(
    State(workspace): ApiState,
    Path(wanted): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    called(
        &workspace,
        ("User", "GET", &uri),
        &headers,
        String::new(),
        |_, _| {
            if wanted == "me" {
                let roles = "system_user system_admin";
                return (
                    200,
                    json!({ "id": MATTERMOST_BOT, "username": "relatch", "roles": roles, "is_bot": true }),
                );
            }
            account(|person| person.mattermost_id() == wanted)
        },
    )
}

async fn user_by_name(
    State(workspace): ApiState,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    called(
        &workspace,
        ("User by name", "GET", &uri),
        &headers,
        String::new(),
        |_, _| account(|person| person.handle() == name),
    )
}

async fn user_by_email(
    State(workspace): ApiState,
    Path(email): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    called(
        &workspace,
        ("User by email", "GET", &uri),
        &headers,
        String::new(),
        |_, _| account(|person| person.email == email.to_lowercase()),
    )
}

/// `getRolesByNames`.
async fn roles(State(workspace): ApiState, uri: Uri, headers: HeaderMap, body: String) -> Response {
    called(
        &workspace,
        ("Roles", "POST", &uri),
        &headers,
        body,
        |_, _| {
            let held = ["manage_system", "view_members", "create_post_ephemeral"];
            let told = json!([
                { "name": "system_user", "permissions": ["create_direct_channel"] },
                { "name": "system_admin", "permissions": held },
            ]);
            (200, told)
        },
    )
}

/// Shows a post to a person. Returns what the call is answered with.
fn show(workspace: &Workspace, to: Option<&DemoPerson>, post: &Value, stays: bool) -> Told {
    let Some(to) = to else {
        return refused(403, "api.context.permissions.app_error");
    };
    let now = workspace.clock.now();
    workspace.state(|state| {
        state.version += 1;
        for rule in rules::of_post(post) {
            state.broke(Platform::Mattermost, rule, now);
        }
        let shown = state.show(Platform::Mattermost, &to.id(), APP_NAME, post.clone(), now);
        if stays {
            state.stays(&shown);
        }
    });
    (201, json!({ "id": "post0000000000000000000000" }))
}

/// `createEphemeralPost`: to one user's own connections only. It can never be changed.
async fn ephemeral(
    State(workspace): ApiState,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    called(
        &workspace,
        ("Ephemeral post", "POST", &uri),
        &headers,
        body,
        |workspace, asked| {
            let to = PEOPLE
                .iter()
                .find(|person| asked["user_id"] == person.mattermost_id());
            show(workspace, to, &asked["post"], false)
        },
    )
}

/// The direct channel of the bot and an account.
fn direct_channel(person: &DemoPerson) -> String {
    format!("d{:.25}", person.mattermost_id())
}

/// `createDirectChannel`: two ids, of which one is the caller's.
async fn create_direct(
    State(workspace): ApiState,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    called(
        &workspace,
        ("Direct channel", "POST", &uri),
        &headers,
        body,
        |_, ids| {
            let other = PEOPLE
                .iter()
                .find(|person| *ids == json!([MATTERMOST_BOT, person.mattermost_id()]));
            match other {
                Some(person) => (
                    201,
                    json!({ "id": direct_channel(person), "type": "D", "team_id": "" }),
                ),
                None => refused(403, "api.context.permissions.app_error"),
            }
        },
    )
}

/// `createPost`, in a direct channel of the bot alone.
async fn create_post(
    State(workspace): ApiState,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    called(
        &workspace,
        ("Post", "POST", &uri),
        &headers,
        body,
        |workspace, post| {
            let to = PEOPLE
                .iter()
                .find(|person| post["channel_id"] == direct_channel(person));
            show(workspace, to, post, true)
        },
    )
}

/// `openDialog`: the trigger names the user. It is one that the server made less than 30 s ago.
async fn open(State(workspace): ApiState, uri: Uri, headers: HeaderMap, body: String) -> Response {
    called(
        &workspace,
        ("Open dialog", "POST", &uri),
        &headers,
        body,
        |workspace, asked| {
            let now = workspace.clock.now();
            let trigger = asked["trigger_id"].as_str().unwrap_or_default();
            workspace.state(|state| {
                let Some(reply) = state.token(trigger) else {
                    state.broke(
                        Platform::Mattermost,
                        "a dialog was opened by a trigger of nobody",
                        now,
                    );
                    return refused(
                        400,
                        "interactive_message.decode_trigger_id.verify_signature_failed",
                    );
                };
                if now - reply.made_at > TRIGGER_LIFE {
                    return refused(400, "interactive_message.decode_trigger_id.expired");
                }
                for rule in rules::of_dialog(asked) {
                    state.broke(Platform::Mattermost, rule, now);
                }
                state.version += 1;
                let view = OpenView::new(state.next_id('V'), asked["dialog"].clone());
                state.views.insert((Platform::Mattermost, reply.user), view);
                (200, json!({ "status": "OK" }))
            })
        },
    )
}
