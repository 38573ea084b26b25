//! A pretend Mattermost server, as the bot sees it in `relatch check`.
//!
//! Each rule names the file and the function of Mattermost's server that it comes from; paths begin at `server/channels/`,
//! those of `model/` at `server/public/`.

use serde_json::{Value, json};
use wiremock::{Request, Respond, ResponseTemplate};

pub(crate) const TOKEN: &str = "canaryttokenofthecommand01";
const OWN: &str = "https://reset.acme.example/mattermost/commands";
pub(crate) const BOT: &str = "canary-of-mattermost-bot-01";

/// The P-256 public key of the pretend server (PKIX DER, base64).
const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGhAaUfdl7V586lHKj94zu7oDVExG0YB2hXD2MzlGN+/JHgGEdSA6AWwyb3JWonsh6eZOSDJYP1Mdbx1FZpoBIA==";

/// The sections of the services that people can sign in by (`GetSSOService` in `model/config.go`).
pub(crate) const SECTIONS: [&str; 4] = [
    "GitLabSettings",
    "GoogleSettings",
    "Office365Settings",
    "OpenIdSettings",
];

/// What follows the `?` of an address.
type Query = std::collections::HashMap<String, String>;

/// How the pretend server is set up.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) permissions: Vec<&'static str>,
    /// The client configuration with a session, beside the key.
    pub(crate) config: Value,
    /// `ServiceSettings.AllowedUntrustedInternalConnections`.
    pub(crate) allowed: &'static str,
    /// The sections of the settings whose `Enable` lets people sign in by a service.
    pub(crate) services: Vec<&'static str>,
    /// Commands by team.
    pub(crate) commands: Vec<(&'static str, Value)>,
    /// Jo's account.
    pub(crate) account: Value,
    /// True where the token is a person's without MFA, and MFA is enforced.
    pub(crate) wants_mfa: bool,
}

impl Server {
    /// A server on which everything is right.
    pub(crate) fn good() -> Self {
        let command = json!({ "id": "c".repeat(26), "token": TOKEN, "trigger": "reset-password", "method": "P", "url": OWN });
        Self {
            permissions: vec![
                "manage_system",
                "create_post_ephemeral",
                "manage_own_slash_commands",
                "view_members",
            ],
            // Without a licence (`GenerateLimitedClientConfig` in `config/client.go`).
            config: json!({
                "RequireEmailVerification": "true", "EnableCommands": "true", "EnablePostUsernameOverride": "true",
                "EnableSignUpWithGitLab": "false", "EnableSignUpWithGoogle": "false",
                "EnableSignUpWithOffice365": "false", "EnableSignUpWithOpenId": "false",
            }),
            allowed: "",
            services: Vec::new(),
            commands: vec![("acme", command)],
            account: json!({
                "id": "j".repeat(26), "username": "jo", "auth_service": "", "email": "jo@acme.example", "roles": "system_user",
            }),
            wants_mfa: false,
        }
    }
}

fn refused(status: u16, id: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "id": id }))
}

/// The server, and its own address.
pub(crate) struct Answers(pub(crate) Server, pub(crate) String);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let server = &self.0;
        let ok = |answer: Value| ResponseTemplate::new(200).set_body_json(answer);
        let path = request.url.path().trim_start_matches("/api/v4/");
        let query: Query = request.url.query_pairs().into_owned().collect();
        let is_bot = request
            .headers
            .get("authorization")
            .is_some_and(|value| value == format!("Bearer {BOT}").as_str());
        if !is_bot {
            // `GenerateLimitedClientConfig` (`config/client.go`), without a session.
            return if path == "config/client" {
                ok(json!({ "AsymmetricSigningPublicKey": KEY, "SiteURL": self.1 }))
            } else {
                refused(401, "api.context.session_expired.app_error")
            };
        }
        // `MfaRequired` (`web/context.go`); the client configuration asks for no session (`InitConfig`, `api4/config.go`).
        if server.wants_mfa && !["users/me", "config/client"].contains(&path) {
            return refused(403, "api.context.mfa_required.app_error");
        }
        let may = |permission| server.permissions.contains(&permission);
        match path {
            "users/me" => ok(me()),
            "roles/names" => roles(server, &request.body),
            "config/client" => client_config(server, &query, &self.1),
            // `getConfig` (`api4/config.go`): a system administrator has the permissions to read the System Console.
            "config" if may("manage_system") => ok(settings_of(server)),
            // `getAllTeams` (`api4/team.go`); pages of 60, of 200 at most (`ParamsFromRequest` in `web/params.go`).
            "teams" if may("manage_system") => ok(page(teams(server), &query)),
            // `getTeamsForUser` (`api4/team.go`): all at once.
            "users/me/teams" => ok(Value::from(teams(server))),
            "commands" => commands_of(server, &query),
            path => match path.strip_prefix("users/email/") {
                Some(email) => account_of(server, email),
                None => refused(403, "api.context.permissions.app_error"),
            },
        }
    }
}

/// `getUser` (`api4/user.go`) of one's own account: `User.Sanitize` (`model/user.go`) keeps everything but secrets.
fn me() -> Value {
    json!({
        "id": "b".repeat(26), "create_at": 1, "update_at": 1, "delete_at": 0, "username": "relatch", "auth_service": "",
        "email": "relatch@localhost", "email_verified": true, "nickname": "", "first_name": "", "last_name": "",
        "position": "", "roles": "system_user it_bots", "notify_props": {}, "locale": "en", "timezone": {},
        "is_bot": true, "disable_welcome_email": false,
    })
}

/// `getRolesByNames` (`api4/role.go`): 400 for an empty list or a name that no role has (`CleanRoleNames` in
/// `model/role.go`); of the names that are asked for only those that there are.
fn roles(server: &Server, body: &[u8]) -> ResponseTemplate {
    let asked: Vec<String> = serde_json::from_slice(body).unwrap_or_default();
    let is_name = |name: &String| {
        let mut bytes = name.bytes();
        !name.is_empty() && bytes.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
    };
    if asked.is_empty() || !asked.iter().all(is_name) {
        return refused(400, "api.context.invalid_body_param.app_error");
    }
    let held = [
        ("system_user", vec!["create_direct_channel"]),
        ("it_bots", server.permissions.clone()),
    ];
    let told = held
        .into_iter()
        .filter(|(name, _)| asked.iter().any(|asked| asked == name))
        .map(|(name, permissions)| json!({ "name": name, "permissions": permissions, "scheme_id": null }));
    ResponseTemplate::new(200).set_body_json(told.collect::<Value>())
}

/// `getClientConfig` (`api4/config.go`), with a session.
fn client_config(server: &Server, query: &Query, own: &str) -> ResponseTemplate {
    match query.get("format").map(String::as_str) {
        Some("old") => {}
        Some(_) => return refused(400, "api.context.invalid_body_param.app_error"),
        None => return refused(501, "api.config.client.old_format.app_error"),
    }
    let mut config = server.config.clone();
    config["AsymmetricSigningPublicKey"] = KEY.into();
    if config["SiteURL"].is_null() {
        config["SiteURL"] = own.into();
    }
    ResponseTemplate::new(200).set_body_json(config)
}

/// What system administrators see of `Config` (`model/config.go`).
fn settings_of(server: &Server) -> Value {
    let mut settings =
        json!({ "ServiceSettings": { "AllowedUntrustedInternalConnections": server.allowed } });
    for section in SECTIONS {
        settings[section] = json!({ "Enable": server.services.contains(&section) });
    }
    settings
}

/// `listCommands` (`api4/command.go`): `view_team` comes with `manage_system` or the membership in the team;
/// `ListTeamCommandsByUser` (`app/command.go`).
fn commands_of(server: &Server, query: &Query) -> ResponseTemplate {
    let Some(team) = query.get("team_id") else {
        return refused(400, "api.context.invalid_body_param.app_error");
    };
    if !server.permissions.contains(&"manage_own_slash_commands") {
        return refused(403, "api.context.permissions.app_error");
    }
    if server.config["EnableCommands"] == "false" {
        return refused(501, "api.command.disabled.app_error");
    }
    let of_team = server
        .commands
        .iter()
        .filter(|(name, _)| team_id(name) == *team)
        .map(|(_, command)| command.clone());
    ResponseTemplate::new(200).set_body_json(of_team.collect::<Value>())
}

/// `getUserByEmail` (`api4/user.go`): 400 for what is no address (`SanitizeEmail` in `web/context.go`), 403 for an account
/// that the bot may not see (`UserCanSeeOtherUser` in `app/user.go`: `view_members`). `auth_service` is told to system
/// administrators alone (`GetSanitizeOptions` in `app/user.go`).
fn account_of(server: &Server, email: &str) -> ResponseTemplate {
    let email = percent_encoding::percent_decode_str(email)
        .decode_utf8()
        .unwrap();
    let may = |permission| server.permissions.contains(&permission);
    if email.split('@').count() != 2 {
        return refused(400, "api.context.invalid_url_param.app_error");
    }
    if !may("view_members") {
        return refused(403, "api.context.permissions.app_error");
    }
    let mut account = server.account.clone();
    if account["email"] != email.to_lowercase().as_str() {
        return refused(404, "app.user.missing_account.const");
    }
    if !may("manage_system") {
        account["auth_service"] = "".into();
    }
    ResponseTemplate::new(200).set_body_json(account)
}

/// One page of a list.
fn page(all: Vec<Value>, query: &Query) -> Value {
    let number = |name, otherwise| {
        query
            .get(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    };
    let (page, size): (usize, usize) = (number("page", 0), number("per_page", 60));
    let size = if size > 200 { 200 } else { size };
    all.into_iter().skip(page * size).take(size).collect()
}

fn team_id(name: &str) -> String {
    format!("{name:t<26}")
}

fn teams(server: &Server) -> Vec<Value> {
    let named = |name: &str| json!({ "id": team_id(name), "name": name });
    server
        .commands
        .iter()
        .map(|(team, _)| named(team))
        .collect()
}
