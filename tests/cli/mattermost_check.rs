//! `relatch check` before a pretend Mattermost server.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::*;

const TOKEN: &str = "canaryttokenofthecommand01";
const OWN: &str = "https://reset.acme.example/mattermost/commands";
const BOT: &str = "canary-of-mattermost-bot-01";

/// The P-256 public key of the pretend server (PKIX DER, base64).
const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGhAaUfdl7V586lHKj94zu7oDVExG0YB2hXD2MzlGN+/JHgGEdSA6AWwyb3JWonsh6eZOSDJYP1Mdbx1FZpoBIA==";

/// How the pretend server is set up.
#[derive(Clone)]
struct Server {
    permissions: Vec<&'static str>,
    /// The client configuration with a session, beside the key.
    config: Value,
    /// `ServiceSettings.AllowedUntrustedInternalConnections`.
    allowed: &'static str,
    /// Commands by team.
    commands: Vec<(&'static str, Value)>,
    /// Jo's account.
    account: Value,
    /// True where the token is a person's without MFA, and MFA is enforced.
    wants_mfa: bool,
}

impl Server {
    /// A server on which everything is right.
    fn good() -> Self {
        let command = json!({ "id": "c".repeat(26), "token": TOKEN, "trigger": "reset-password", "method": "P", "url": OWN });
        Self {
            permissions: vec![
                "manage_system",
                "create_post_ephemeral",
                "manage_own_slash_commands",
            ],
            config: json!({
                "RequireEmailVerification": "true", "EnableCommands": "true", "EnablePostUsernameOverride": "true",
                "EnableSignUpWithGitLab": "false", "EnableSignUpWithGoogle": "false",
                "EnableSignUpWithOffice365": "false", "EnableSignUpWithOpenId": "false",
            }),
            allowed: "",
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

struct Answers(Arc<Mutex<Server>>, String);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let server = self.0.lock().unwrap().clone();
        let ok = |answer: Value| ResponseTemplate::new(200).set_body_json(answer);
        let path = request.url.path().trim_start_matches("/api/v4/");
        let query: std::collections::HashMap<_, _> = request.url.query_pairs().collect();
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
        let is_admin = server.permissions.contains(&"manage_system");
        match path {
            "users/me" => ok(json!({ "id": "b".repeat(26), "roles": "system_user it_bots" })),
            "roles/names" => ok(json!([{ "name": "it_bots", "permissions": server.permissions }])),
            "config/client" => {
                let mut config = server.config;
                config["AsymmetricSigningPublicKey"] = KEY.into();
                if config["SiteURL"].is_null() {
                    config["SiteURL"] = self.1.as_str().into();
                }
                ok(config)
            }
            // `getConfig` (`api4/config.go`).
            "config" if is_admin => ok(
                json!({ "ServiceSettings": { "AllowedUntrustedInternalConnections": server.allowed } }),
            ),
            // `getAllTeams`, and `getTeamsForUser` (`api4/team.go`).
            "teams" if is_admin => ok(teams(&server)),
            "users/me/teams" => ok(teams(&server)),
            // `listCommands` (`api4/command.go`), and `ListTeamCommandsByUser` (`app/command.go`).
            "commands" if server.config["EnableCommands"] == "false" => {
                refused(501, "api.command.disabled.app_error")
            }
            "commands" if !server.permissions.contains(&"manage_own_slash_commands") => {
                refused(403, "api.context.permissions.app_error")
            }
            "commands" => {
                let of_team = server
                    .commands
                    .iter()
                    .filter(|(team, _)| team_id(team) == query["team_id"])
                    .map(|(_, command)| command.clone());
                ok(of_team.collect())
            }
            "users/email/jo@acme.example" => {
                let mut account = server.account;
                if !is_admin {
                    account["auth_service"] = "".into();
                }
                ok(account)
            }
            path if path.starts_with("users/email/") => {
                refused(404, "app.user.missing_account.const")
            }
            _ => refused(403, "api.context.permissions.app_error"),
        }
    }
}

fn team_id(name: &str) -> String {
    format!("{name:t<26}")
}

fn teams(server: &Server) -> Value {
    let named = |name: &str| json!({ "id": team_id(name), "name": name });
    server
        .commands
        .iter()
        .map(|(team, _)| named(team))
        .collect()
}

/// The exit code and the lines of `check` before a server like this, with these settings before and in `[mattermost]`.
fn check_with(server: Server, settings: &str, section: &str) -> (i32, String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fake = runtime.block_on(async {
        let fake = MockServer::start().await;
        let answers = Answers(Arc::new(Mutex::new(server)), fake.uri());
        Mock::given(any()).respond_with(answers).mount(&fake).await;
        fake
    });
    let public = if settings.contains("public_url") {
        ""
    } else {
        "public_url = \"https://reset.acme.example\"\n"
    };
    let place = Place::new(&format!(
        "{public}{settings}[mattermost]\nurl = \"{}\"\nbot_token = \"{BOT}\"\ncommand_tokens = [\"{TOKEN}\"]\n{section}",
        fake.uri(),
    ));
    let ran = place.run(&["check"]);
    for told in [&ran.out, &ran.err] {
        assert!(!told.contains("canary"), "a secret: {told}");
    }
    (ran.code, ran.out)
}

fn check(server: Server, settings: &str) -> (i32, String) {
    check_with(server, settings, "")
}

/// What is said of a good server changed in one way: the exit code, and a line that begins so.
fn assert_said(change: impl FnOnce(&mut Server), settings: &str, code: i32, line: &str) {
    let mut server = Server::good();
    change(&mut server);
    let (ended, told) = check(server, settings);
    assert!(
        told.lines().any(|told| told.starts_with(line)),
        "{line} is not in:\n{told}"
    );
    assert_eq!(ended, code, "{told}");
}

const JO: &str = "[[directory]]\nkind = \"builtin\"\ncheck_account = \"jo@acme.example\"\n";
const LINKED: &str = "[identity]\nmatch = \"linked\"\n[[directory]]\nkind = \"builtin\"\ncheck_account = \"jo@acme.example\"\n";

/// What holds of the account to look at: recognised by e-mail, by what, and if not, why.
#[test]
fn check_says_whom_an_email_makes_known() {
    let (code, told) = check(Server::good(), JO);
    for line in [
        "ok      mattermost\n",
        "ok      mattermost: accounts with a password of this server are recognised by e-mail",
        "ok      mattermost: j···@acme.example is recognised by e-mail: has a password of this server",
    ] {
        assert!(told.contains(line), "{line} is not in:\n{told}");
    }
    assert!(code == 0 && !told.contains("warning mattermost"), "{told}");

    let by = |service: &'static str| {
        move |server: &mut Server| server.account["auth_service"] = service.into()
    };
    let unverified =
        |server: &mut Server| server.config["RequireEmailVerification"] = "false".into();
    assert_said(
        unverified,
        JO,
        1,
        "failed  mattermost: j···@acme.example is not recognised by e-mail: has a password",
    );
    assert_said(
        unverified,
        "",
        0,
        "warning mattermost: accounts with a password of this server are not recognised by e-mail, because RequireEmailVerification is off; turn it on and then revoke all sessions and personal access tokens",
    );
    for service in ["ldap", "saml"] {
        let line = format!(
            "ok      mattermost: j···@acme.example is recognised by e-mail: signs in by {service}"
        );
        assert_said(by(service), JO, 0, &line);
    }
    assert_said(
        by("gitlab"),
        JO,
        1,
        "failed  mattermost: j···@acme.example is not recognised by e-mail: signs in by gitlab",
    );
    let gone = |server: &mut Server| server.account["delete_at"] = 5.into();
    assert_said(
        gone,
        JO,
        1,
        "failed  mattermost: j···@acme.example is not recognised by e-mail: the account is no full member",
    );
    let other = JO.replace("jo@", "noa@");
    assert_said(
        |_| {},
        &other,
        0,
        "warning mattermost: no account here has the e-mail of n···@acme.example",
    );
    let plain = |server: &mut Server| server.permissions.retain(|held| *held != "manage_system");
    assert_said(
        plain,
        JO,
        1,
        "failed  mattermost: the bot lacks the permission manage_system",
    );
}

/// A service in which people may claim an address makes passwords of the server's own worth nothing.
#[test]
fn check_says_that_a_service_is_not_trusted() {
    for (key, service) in [
        ("EnableSignUpWithGitLab", "gitlab"),
        ("EnableSignUpWithGoogle", "google"),
        ("EnableSignUpWithOffice365", "office365"),
        ("EnableSignUpWithOpenId", "openid"),
    ] {
        let on = |server: &mut Server| server.config[key] = "true".into();
        let general = format!(
            "warning mattermost: accounts with a password of this server are not recognised by e-mail, because {key} is not off and trusted_auth_services does not name {service}: "
        );
        assert_said(on, "", 0, &general);
        let of_jo = format!(
            "failed  mattermost: j···@acme.example is not recognised by e-mail: has a password of this server, and {key} is not off"
        );
        assert_said(on, JO, 1, &of_jo);
        let mut server = Server::good();
        on(&mut server);
        let (code, told) = check_with(
            server,
            JO,
            &format!("trusted_auth_services = [\"{service}\"]\n"),
        );
        assert!(
            code == 0 && told.contains("by e-mail: has a password of this server"),
            "{told}"
        );
    }
}

/// Trusting a service is a risk that `check` names.
#[test]
fn check_says_what_a_trusted_service_trusts() {
    let mut server = Server::good();
    server.account["auth_service"] = "gitlab".into();
    let (code, told) = check_with(server, JO, "trusted_auth_services = [\"gitlab\"]\n");
    for line in [
        "warning mattermost: trusted_auth_services names gitlab: whoever can give their account there the e-mail of an administrator",
        "ok      mattermost: j···@acme.example is recognised by e-mail: signs in by gitlab",
    ] {
        assert!(told.contains(line), "{line} is not in:\n{told}");
    }
    assert_eq!(code, 0, "{told}");
}

/// With links alone neither the service nor `manage_system` is needed, and the user id is told.
#[test]
fn check_says_that_links_are_needed() {
    let plain = |server: &mut Server| {
        server.permissions.retain(|held| *held != "manage_system");
        server.config["RequireEmailVerification"] = "false".into();
    };
    for line in [
        "ok      mattermost: people are recognised by `relatch link mattermost USER_ID EMAIL` alone",
        &format!(
            "ok      mattermost: the user id of j···@acme.example is {}",
            "j".repeat(26)
        ),
    ] {
        assert_said(plain, LINKED, 0, line);
    }
}

/// What stops commands is found, and named.
#[test]
fn check_finds_what_stops_commands() {
    let command = |field: &'static str, value: &'static str| {
        move |server: &mut Server| server.commands[0].1[field] = value.into()
    };
    for (change, line) in [
        (
            Box::new(command("token", "another-token-of-the-command"))
                as Box<dyn FnOnce(&mut Server)>,
            "failed  mattermost: the token of the command of the team acme is not in command_tokens",
        ),
        (
            Box::new(command("token", "another-token-of-the-command")),
            "failed  mattermost: 1 of 1 command_tokens belong to no command any more",
        ),
        (
            Box::new(command("trigger", "another")),
            "failed  mattermost: 1 of 1 command_tokens belong to no command any more",
        ),
        (
            Box::new(command(
                "url",
                "https://old.acme.example/hooks/canary?key=canary",
            )),
            "failed  mattermost: the command of the team acme posts to another address than https://reset.acme.example/mattermost/commands, on https://old.acme.example;",
        ),
        (
            Box::new(command("method", "G")),
            "failed  mattermost: the command of the team acme has the request method GET",
        ),
        (
            Box::new(|server: &mut Server| server.config["EnableCommands"] = "false".into()),
            "failed  mattermost: slash commands are off on the server",
        ),
        (
            Box::new(|server: &mut Server| server.config["SiteURL"] = "".into()),
            "failed  mattermost: the server has no SiteURL",
        ),
        (
            Box::new(|server: &mut Server| server.wants_mfa = true),
            "failed  mattermost: bot_token belongs to a person, and the server wants MFA of people",
        ),
        (
            Box::new(|server: &mut Server| {
                server
                    .permissions
                    .retain(|held| *held != "create_post_ephemeral");
            }),
            "failed  mattermost: the bot lacks the permission create_post_ephemeral",
        ),
        (
            Box::new(|server: &mut Server| {
                server
                    .permissions
                    .retain(|held| *held != "manage_own_slash_commands");
            }),
            "failed  mattermost: the bot lacks the permission manage_own_slash_commands in the team acme",
        ),
    ] {
        assert_said(change, "", 1, line);
    }
}

/// What works in part, or only with a setting of the server.
#[test]
fn check_warns_of_settings_of_the_server() {
    for (key, value, line) in [
        (
            "SiteURL",
            "https://chat.acme.example",
            "warning mattermost: the server's SiteURL is https://chat.acme.example, and mattermost.url is http://127.0.0.1:",
        ),
        (
            "EnablePostUsernameOverride",
            "false",
            "warning mattermost: EnablePostUsernameOverride is off",
        ),
    ] {
        assert_said(|server| server.config[key] = value.into(), "", 0, line);
    }
    let second = |server: &mut Server| {
        server
            .commands
            .push(("sales", json!({ "trigger": "other" })));
    };
    assert_said(
        second,
        "",
        0,
        "ok      mattermost: /reset-password is not there for the teams sales",
    );

    let loopback = "public_url = \"http://127.0.0.1:8080\"\n";
    let here = |allowed: &'static str| {
        let mut server = Server::good();
        server.commands[0].1["url"] = "http://127.0.0.1:8080/mattermost/commands".into();
        server.allowed = allowed;
        check(server, loopback).1
    };
    let warned = "warning mattermost: 127.0.0.1 (public_url) is an internal address";
    for allowed in ["", "10.0.0.0/8 chat.acme.example"] {
        assert!(here(allowed).contains(warned), "{allowed}");
    }
    for allowed in [
        "127.0.0.1",
        "10.0.0.0/8,127.0.0.0/8",
        "localhost 127.0.0.1/32",
    ] {
        assert!(!here(allowed).contains("internal address"), "{allowed}");
    }
}
