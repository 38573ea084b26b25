//! Set-ups with one mistake each, as people make them: `check` names every one with its key and what to do.

use super::fakes::{Slack, TEAM, TOKEN, mail_server, whole, with_ldap};
use super::set_up::{MEMBERS, SetUp};
use crate::support::SECRET;
use crate::support::directories::openldap::{self, SetUpAs};

/// What is said of a mistake: the exit code, the key, and what stands in its line.
struct Said(i32, &'static str, &'static [&'static str]);

struct Mistake {
    name: &'static str,
    set_up: SetUp,
    said: Said,
}

fn mistake(name: &'static str, set_up: SetUp, said: Said) -> Mistake {
    Mistake { name, set_up, said }
}

/// In the chat's section.
async fn of_slack() -> Vec<Mistake> {
    let settings = whole(Slack::good()).await;
    let good = || SetUp::of(settings.as_str());
    let lacking = Slack {
        scopes: "commands,users:read,chat:write",
        ..Slack::good()
    };
    let elsewhere = Slack {
        team: "T0OTHER",
        ..Slack::good()
    };
    vec![
        mistake(
            "the manifest was pasted without a scope",
            SetUp::of(whole(lacking).await),
            Said(1, "slack.bot_token", &["users:read.email", "reinstall"]),
        ),
        mistake(
            "the id is of another workspace",
            SetUp::of(whole(elsewhere).await),
            Said(1, "slack.team_id", &[TEAM, "T0OTHER", "correct team_id"]),
        ),
        mistake(
            "the app-level token is given as signing secret",
            good().with(SECRET, "xapp-1-A0123456789-canary"),
            Said(78, "slack.signing_secret", &["Basic Information"]),
        ),
        mistake(
            "the user's token is given instead of the bot's",
            good().with(TOKEN, "xoxp-canary-of-a-user-123"),
            Said(78, "slack.bot_token", &["xoxb-", "Bot User OAuth Token"]),
        ),
        mistake(
            "the token was revoked",
            good().with(TOKEN, "xoxb-canary-that-was-revoked"),
            Said(1, "slack.bot_token", &["invalid_auth", "copy the Bot User"]),
        ),
        mistake(
            "the file of the token is an environment file",
            good()
                .with(
                    &format!("bot_token = \"{TOKEN}\""),
                    "bot_token_file = \"token\"",
                )
                .with_file("token", format!("SLACK_BOT_TOKEN={TOKEN}\n")),
            Said(
                78,
                "slack.bot_token_file",
                &["token looks like name=value", "the value alone"],
            ),
        ),
        mistake(
            "the token stands in quotes in its file",
            good()
                .with(
                    &format!("bot_token = \"{TOKEN}\""),
                    "bot_token_file = \"token\"",
                )
                .with_file("token", format!("\"{TOKEN}\"\n")),
            Said(
                78,
                "slack.bot_token_file",
                &["token holds a quote", "without quotes"],
            ),
        ),
        mistake(
            "two secrets are in one file",
            good()
                .with(
                    &format!("bot_token = \"{TOKEN}\""),
                    "bot_token_file = \"token\"",
                )
                .with_file("token", format!("{TOKEN}\n{SECRET}\n")),
            Said(78, "slack.bot_token_file", &["a line end", "on one line"]),
        ),
    ]
}

/// In names and syntax.
async fn of_writing() -> Vec<Mistake> {
    let settings = whole(Slack::good()).await;
    let good = || SetUp::of(settings.as_str());
    vec![
        mistake(
            "a section is misspelled",
            good().with("[email]", "[emial]"),
            Said(78, "emial", &["did you mean email?"]),
        ),
        mistake(
            "a key is written with a dash",
            good().with("team_id =", "team-id ="),
            Said(78, "slack.team-id", &["did you mean team_id?"]),
        ),
        mistake(
            "a variable has one underscore instead of two",
            good().with_variable("RELATCH_POLICY_WINDOW", "12h"),
            Said(
                78,
                "policy_window (RELATCH_POLICY_WINDOW)",
                &["did you mean RELATCH_POLICY__WINDOW?"],
            ),
        ),
        mistake(
            "a variable has a value of another form",
            good().with_variable("RELATCH_POLICY__WINDOW", "one day"),
            Said(
                78,
                "policy.window (RELATCH_POLICY__WINDOW)",
                &["\"one day\"", "24h"],
            ),
        ),
        mistake(
            "a text has no quotes",
            good().with("organization = \"Acme\"", "organization = Acme"),
            Said(78, "relatch.toml, line 3", &["organization = \"Acme\""]),
        ),
        mistake(
            "an address has no port",
            good().with("listen = \"127.0.0.1:0\"", "listen = \"127.0.0.1\""),
            Said(78, "listen", &["write it like 127.0.0.1:8080"]),
        ),
    ]
}

/// In what relatch needs around it.
async fn of_surroundings() -> Vec<Mistake> {
    let settings = whole(Slack::good()).await;
    let good = || SetUp::of(settings.as_str());
    let public_url = "public_url = \"https://reset.acme.example\"\n";
    let mail = mail_server("553 5.7.1 not owned by user").await;
    let from = settings
        .lines()
        .find(|line| line.starts_with("smtp_url"))
        .unwrap();
    vec![
        mistake(
            "the mail server refuses the sender",
            good().with(from, &format!("smtp_url = \"smtp://{mail}\"")),
            Said(1, "email.from", &["refuses the sender", "553 5.7.1"]),
        ),
        mistake(
            "one-time links lead nowhere",
            good().with(public_url, "").with("[admins]", "[policy]\nsend = \"link\"\n[admins]"),
            Said(78, "public_url", &["one-time links", "such as https://"]),
        ),
        mistake(
            "Mattermost has nowhere to post to",
            good().with(public_url, "").with(
                "[email]",
                "[mattermost]\nurl = \"https://chat.acme.example\"\nbot_token = \"canarybotsecretofthemmost1\"\n[email]",
            ),
            Said(78, "public_url", &["Mattermost posts clicks", "such as https://"]),
        ),
        mistake(
            "the pages are reached from elsewhere without an address",
            good().with(public_url, "").with("127.0.0.1:0", "0.0.0.0:8080"),
            Said(78, "public_url", &["beyond this machine", "such as https://"]),
        ),
        mistake(
            "the disk is full",
            SetUp {
                has_full_disk: true,
                ..good().with(
                    "organization =",
                    "database = \"sqlite://full/relatch.db\"\norganization =",
                )
            },
            Said(78, "database", &["is full", "free some room"]),
        ),
        mistake(
            "the disk has filled up since",
            SetUp {
                has_full_disk: true,
                ..good().with(
                    "organization =",
                    "database = \"sqlite://full/relatch.db\"\norganization =",
                )
            }
            .with_file("before.toml", "database = \"sqlite://full/relatch.db\"\n")
            .with_file("members.csv", MEMBERS),
            Said(78, "database", &["is full", "free some room"]),
        ),
        mistake(
            "the folder of the database was not made",
            good().with(
                "organization =",
                "database = \"sqlite://data/relatch.db\"\norganization =",
            ),
            Said(78, "database", &["the folder data is not there", "make it"]),
        ),
        mistake(
            "it is run in another folder than that of its settings",
            SetUp::default(),
            Said(78, "settings", &["nothing to serve", "relatch config"]),
        ),
        mistake(
            "others may write the settings",
            SetUp {
                is_exposed: true,
                ..good()
            },
            Said(78, "relatch.toml", &["chmod go-w"]),
        ),
    ]
}

/// In the directory.
async fn of_directories() -> Vec<Mistake> {
    let ldap = async |how| SetUp::of(with_ldap(openldap::start(how).await).await);
    let settings = whole(Slack::good()).await;
    vec![
        mistake(
            "an administrator's address is misspelled",
            SetUp {
                has_members: true,
                ..SetUp::of(settings).with("jo@acme.example", "joe@acme.example")
            },
            Said(
                1,
                "admins.primary",
                &["joe@acme.example", "nobody", "correct it"],
            ),
        ),
        mistake(
            "the protected group is misspelled",
            ldap(SetUpAs::Writable)
                .await
                .with("cn=guarded", "cn=gaurded"),
            Said(
                1,
                "directory.protected_groups",
                &["cn=gaurded", "correct the name"],
            ),
        ),
        mistake(
            "the password of the account is wrong",
            ldap(SetUpAs::Writable)
                .await
                .with("Service-account-1", "canary-password"),
            Said(1, "directory.bind_dn", &["code 49", "is wrong"]),
        ),
        mistake(
            "the directory is read-only",
            ldap(SetUpAs::ReadOnly).await,
            Said(1, "directory.url", &["read-only", "can be written"]),
        ),
        mistake(
            "the server is a copy of the directory",
            ldap(SetUpAs::Copy).await,
            Said(1, "directory.url", &["read-only copy", "another server"]),
        ),
        mistake(
            "an Active Directory is taken for an LDAP server",
            ldap(SetUpAs::ActiveDirectory).await,
            Said(1, "directory.kind", &["kind = \"active-directory\""]),
        ),
        mistake(
            "the domain controller is read-only",
            ldap(SetUpAs::ReadOnlyController)
                .await
                .with("kind = \"ldap\"", "kind = \"active-directory\""),
            Said(
                1,
                "directory.url",
                &["read-only domain controller", "a writable one"],
            ),
        ),
        mistake(
            "the Global Catalog is asked to change passwords",
            SetUp::of(with_ldap("127.0.0.1:3268".parse().unwrap()).await)
                .with("kind = \"ldap\"", "kind = \"active-directory\""),
            Said(
                78,
                "directory.url",
                &["Global Catalog", "ldaps://dc1.acme.example"],
            ),
        ),
        mistake(
            "the guide leads members of another directory nowhere",
            ldap(SetUpAs::Writable)
                .await
                .with("help_url = \"https://help.acme.example\"\n", ""),
            Said(78, "help_url", &["guide", "change their password"]),
        ),
        mistake(
            "a key of one directory is misspelled",
            ldap(SetUpAs::Writable).await.with("bind_dn", "bind_nd"),
            Said(78, "directory.bind_nd", &["did you mean bind_dn?"]),
        ),
    ]
}

/// Each is named before anybody reads a log, and nothing else is. No secret is told, and no file is left.
#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_named_with_its_key_and_what_to_do() {
    let mut all = of_slack().await;
    all.extend(of_writing().await);
    all.extend(of_surroundings().await);
    all.extend(of_directories().await);
    assert!(all.len() >= 20);
    for Mistake { name, set_up, said } in all {
        let Said(code, key, parts) = said;
        let checked = set_up.check().await;
        let told = format!("{name}: {} {}", checked.out, checked.err);
        let failed = checked.lines("fail");
        let (own, others): (Vec<_>, Vec<_>) = failed.iter().partition(|(own, _)| own == key);
        assert!(!own.is_empty(), "{key} is not named: {told}");
        for part in parts {
            let is_there = own.iter().any(|(_, text)| text.contains(part));
            assert!(is_there, "{part} is not in the line: {told}");
        }
        for (_, text) in &failed {
            assert!(text.chars().count() <= 350, "too long: {text}");
        }
        // A misspelled key is missing under its right name as well.
        let is_missing = |text: &str| text.starts_with("is missing");
        let others: Vec<_> = others
            .iter()
            .filter(|(_, text)| !is_missing(text))
            .collect();
        assert!(others.is_empty(), "more than the mistake is named: {told}");
        assert_eq!(checked.code, Some(code), "{told}");
        assert!(!told.contains("canary"), "a secret is told: {told}");
        assert!(checked.left.is_empty(), "{name} leaves {:?}", checked.left);
    }
}
