//! `relatch check` before a pretend Mattermost server.

use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use super::mattermost_server::{Answers, BOT, SECTIONS, Server, TOKEN};
use super::*;

/// The exit code and the lines of `check` before a server like this, with these settings before and in `[mattermost]`.
fn check_with(server: Server, settings: &str, section: &str) -> (i32, String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fake = runtime.block_on(async {
        let fake = MockServer::start().await;
        let answers = Answers(server, fake.uri());
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
        "ok    mattermost\n",
        "ok    mattermost: accounts with a password of this server are recognised by e-mail",
        "ok    mattermost: j···@acme.example is recognised by e-mail: has a password of this server",
    ] {
        assert!(told.contains(line), "{line} is not in:\n{told}");
    }
    assert!(code == 0 && !told.contains("warn  mattermost"), "{told}");

    let by = |service: &'static str| {
        move |server: &mut Server| server.account["auth_service"] = service.into()
    };
    let unverified =
        |server: &mut Server| server.config["RequireEmailVerification"] = "false".into();
    assert_said(
        unverified,
        JO,
        1,
        "fail  mattermost: j···@acme.example is not recognised by e-mail: has a password",
    );
    assert_said(
        unverified,
        "",
        0,
        "warn  mattermost: accounts with a password of this server are not recognised by e-mail, because RequireEmailVerification is off; turn it on and then revoke all sessions and personal access tokens",
    );
    for service in ["ldap", "saml"] {
        let line = format!(
            "ok    mattermost: j···@acme.example is recognised by e-mail: signs in by {service}"
        );
        assert_said(by(service), JO, 0, &line);
    }
    assert_said(
        by("gitlab"),
        JO,
        1,
        "fail  mattermost: j···@acme.example is not recognised by e-mail: signs in by gitlab",
    );
    let gone = |server: &mut Server| server.account["delete_at"] = 5.into();
    assert_said(
        gone,
        JO,
        1,
        "fail  mattermost: j···@acme.example is not recognised by e-mail: the account is no full member",
    );
    let other = JO.replace("jo@", "noa@");
    assert_said(
        |_| {},
        &other,
        0,
        "warn  mattermost: no account here has the e-mail of n···@acme.example",
    );
    let plain = |server: &mut Server| server.permissions.retain(|held| *held != "manage_system");
    assert_said(
        plain,
        JO,
        1,
        "fail  mattermost.bot_token: the bot lacks the permission manage_system",
    );
}

/// A service in which people may claim an address makes passwords of the server's own worth nothing.
#[test]
fn check_says_that_a_service_is_not_trusted() {
    for (section, service) in SECTIONS
        .into_iter()
        .zip(["gitlab", "google", "office365", "openid"])
    {
        let on = |server: &mut Server| server.services.push(section);
        let general = format!(
            "warn  mattermost: accounts with a password of this server are not recognised by e-mail, because {section}.Enable is not off and trusted_auth_services does not name {service}: "
        );
        assert_said(on, "", 0, &general);
        let of_jo = format!(
            "fail  mattermost: j···@acme.example is not recognised by e-mail: has a password of this server, and {section}.Enable is not off"
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
        "warn  mattermost.trusted_auth_services: trusted_auth_services names gitlab: whoever can give their account there the e-mail of an administrator",
        "ok    mattermost: j···@acme.example is recognised by e-mail: signs in by gitlab",
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
        "ok    mattermost: people are recognised by `relatch link mattermost USER_ID EMAIL` alone",
        &format!(
            "ok    mattermost: the user id of j···@acme.example is {}",
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
            "fail  mattermost.command_tokens: the token of the command of the team acme is not in command_tokens",
        ),
        (
            Box::new(command("token", "another-token-of-the-command")),
            "fail  mattermost.command_tokens: 1 of 1 command_tokens belong to no command any more",
        ),
        (
            Box::new(command("trigger", "another")),
            "fail  mattermost.command_tokens: 1 of 1 command_tokens belong to no command any more",
        ),
        (
            Box::new(command(
                "url",
                "https://old.acme.example/hooks/canary?key=canary",
            )),
            "fail  mattermost: the command of the team acme posts to another address than https://reset.acme.example/mattermost/commands, on https://old.acme.example;",
        ),
        (
            Box::new(command("method", "G")),
            "fail  mattermost: the command of the team acme has the request method GET",
        ),
        (
            Box::new(|server: &mut Server| server.config["EnableCommands"] = "false".into()),
            "fail  mattermost: slash commands are off on the server",
        ),
        (
            Box::new(|server: &mut Server| server.config["SiteURL"] = "".into()),
            "fail  mattermost.url: the server has no SiteURL",
        ),
        (
            Box::new(|server: &mut Server| server.wants_mfa = true),
            "fail  mattermost: bot_token belongs to a person, and the server wants MFA of people",
        ),
        (
            Box::new(|server: &mut Server| {
                server
                    .permissions
                    .retain(|held| *held != "create_post_ephemeral");
            }),
            "fail  mattermost.bot_token: the bot lacks the permission create_post_ephemeral",
        ),
        (
            Box::new(|server: &mut Server| {
                server
                    .permissions
                    .retain(|held| *held != "manage_own_slash_commands");
            }),
            "fail  mattermost.bot_token: the bot lacks the permission manage_own_slash_commands in the team acme",
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
            "warn  mattermost.url: the server's SiteURL is https://chat.acme.example, and mattermost.url is http://127.0.0.1:",
        ),
        (
            "EnablePostUsernameOverride",
            "false",
            "warn  mattermost: EnablePostUsernameOverride is off",
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
        "ok    mattermost: /reset-password is not there for the teams sales",
    );
}

/// The server refuses to post to an internal address that its settings do not name, by host or as a range.
#[test]
fn check_warns_of_an_internal_address() {
    let here = |host: &str, allowed: &'static str| {
        let mut server = Server::good();
        server.commands[0].1["url"] = format!("http://{host}:8080/mattermost/commands").into();
        server.allowed = allowed;
        check(server, &format!("public_url = \"http://{host}:8080\"\n")).1
    };
    for (host, allowed) in [
        ("127.0.0.1", ""),
        ("127.0.0.1", "10.0.0.0/8 chat.acme.example"),
        // The server looks for the name as it stands in the address.
        ("127.0.0.1", "localhost"),
        ("localhost", ""),
        ("localhost", "127.0.0.1"),
        ("localhost", "10.0.0.0/8,LOCALHOST"),
    ] {
        let warned = format!("warn  mattermost: {host} (public_url) is an internal address");
        let told = here(host, allowed);
        assert!(told.contains(&warned), "{host} {allowed}: {told}");
    }
    for (host, allowed) in [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "10.0.0.0/8,127.0.0.0/8"),
        ("127.0.0.1", "localhost 127.0.0.1/32"),
        ("localhost", "localhost"),
        // One address that the server may connect to is enough, also where the name has another one.
        ("localhost", "127.0.0.0/8"),
    ] {
        let told = here(host, allowed);
        assert!(
            !told.contains("internal address"),
            "{host} {allowed}: {told}"
        );
    }
}

/// A bot that is no system administrator sees only its own commands, so a token may be that of another one.
#[test]
fn a_stale_token_is_a_warning_where_the_bot_sees_only_its_own_commands() {
    let plain = |server: &mut Server| {
        server.permissions.retain(|held| *held != "manage_system");
        server.commands[0].1["trigger"] = "another".into();
    };
    assert_said(
        plain,
        LINKED,
        0,
        "warn  mattermost.command_tokens: 1 of 1 command_tokens belong to no command that the bot may see",
    );
}

/// An own role may hold `manage_system` alone: then the bot sees every team, and of the commands only its own.
#[test]
fn a_stale_token_is_a_warning_where_the_bot_sees_every_team_and_not_every_command() {
    let plain = |server: &mut Server| {
        server
            .permissions
            .retain(|held| *held != "manage_others_slash_commands");
        server.commands[0].1["creator_id"] = "j".repeat(26).into();
    };
    assert_said(
        plain,
        "",
        0,
        "warn  mattermost.command_tokens: 1 of 1 command_tokens belong to no command that the bot may see",
    );
}

/// The server lists archived teams to a System Admin: nothing is wrong with their commands, and their tokens open nothing.
#[test]
fn a_command_of_an_archived_team_does_not_count() {
    let old = json!({
        "token": "canaryttokenthatwasremoved", "trigger": "reset-password", "method": "P",
        "url": "https://old.acme.example/", "creator_id": "b".repeat(26),
    });
    let mut server = Server::good();
    server.commands.push(("gone", old));
    server.archived.push("gone");
    let (code, told) = check(server, "");
    assert!(code == 0 && !told.contains("gone"), "{told}");
    assert_said(
        |server| server.archived.push("acme"),
        "",
        1,
        "fail  mattermost.command_tokens: 1 of 1 command_tokens belong to no command any more",
    );
}

/// The permission that the look-up of an account lacks, or the setting that hides e-mails, is named.
#[test]
fn check_names_what_hides_an_account() {
    let line = "fail  mattermost: the account of j···@acme.example could not be read: the app lacks the permission ";
    let unseen = |server: &mut Server| server.permissions.retain(|held| *held != "view_members");
    assert_said(unseen, JO, 1, &format!("{line}view_members"));
    let hidden = |server: &mut Server| {
        server.permissions.retain(|held| *held != "manage_system");
        server.shows_emails = false;
    };
    let setting = "manage_system (or the server's setting ShowEmailAddress)";
    assert_said(hidden, JO, 1, &format!("{line}{setting}"));
}

/// The settings of a server have those of all its plugins.
#[test]
fn check_reads_long_settings() {
    let line = "ok    mattermost: j···@acme.example is recognised by e-mail";
    assert_said(|server| server.plugin_settings = 1 << 20, JO, 0, line);
}

/// The server tells 200 teams a page at most, so more are asked for page by page.
#[test]
fn check_looks_at_every_team() {
    let many = |server: &mut Server| {
        let other = json!({ "trigger": "other" });
        let command = std::mem::take(&mut server.commands);
        let before = (0..200).map(|number| {
            let name: &'static str = Box::leak(format!("team{number}x").into_boxed_str());
            (name, other.clone())
        });
        server.commands = before.chain(command).collect();
    };
    let mut server = Server::good();
    many(&mut server);
    let (code, told) = check(server, "");
    assert!(
        code == 0 && !told.contains("belong to no command") && told.contains("team199x"),
        "{told}"
    );
    // The command of the last page is looked at as well.
    let elsewhere = |server: &mut Server| {
        many(server);
        server.commands[200].1["url"] = "https://old.acme.example/x".into();
    };
    assert_said(
        elsewhere,
        "",
        1,
        "fail  mattermost: the command of the team acme posts to another address",
    );
}
