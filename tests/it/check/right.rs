//! Right set-ups: nothing of them fails.

use super::fakes::{Slack, TEAM, TOKEN, mail_server, whole, with_ldap};
use super::set_up::SetUp;
use crate::support::SECRET;
use crate::support::directories::openldap::{self, SetUpAs};

/// A right set-up, and the keys that are warned of.
type Right = (&'static str, SetUp, &'static [&'static str]);

async fn whole_with(slack: Slack) -> SetUp {
    SetUp {
        has_members: true,
        ..SetUp::of(whole(slack).await)
    }
}

/// As files and variables say it.
async fn of_writing() -> Vec<Right> {
    let good = whole_with(Slack::good()).await;
    let kubernetes = [
        "RELATCH_SERVICE_HOST",
        "RELATCH_SERVICE_PORT",
        "RELATCH_SERVICE_PORT_HTTP",
        "RELATCH_PORT",
        "RELATCH_PORT_8080_TCP",
        "RELATCH_PORT_8080_TCP_ADDR",
    ];
    let beside = kubernetes.iter().fold(good.clone(), |set_up, name| {
        set_up.with_variable(name, "tcp://10.0.0.1:8080")
    });
    let (slack, mail) = (Slack::good().start().await, mail_server("250 ok").await);
    let variables = [
        ("RELATCH_LISTEN", "127.0.0.1:0".to_owned()),
        (
            "RELATCH_PUBLIC_URL",
            "https://reset.acme.example".to_owned(),
        ),
        ("RELATCH_SECURITY_EMAIL", "security@acme.example".to_owned()),
        ("RELATCH_SLACK__SIGNING_SECRET", SECRET.to_owned()),
        ("RELATCH_SLACK__BOT_TOKEN", TOKEN.to_owned()),
        ("RELATCH_SLACK__TEAM_ID", TEAM.to_owned()),
        ("RELATCH_SLACK__API_URL", slack),
        ("RELATCH_EMAIL__SMTP_URL", format!("smtp://{mail}")),
        ("RELATCH_EMAIL__FROM", "it@acme.example".to_owned()),
    ];
    let by_variables = variables
        .into_iter()
        .fold(SetUp::default(), |set_up, (name, value)| {
            set_up.with_variable(name, value)
        });
    let token = format!("bot_token = \"{TOKEN}\"");
    let sms = "[sms]\nkind = \"kannel\"\nurl = \"http://KANNEL/cgi-bin/sendsms\"\nusername = \"it\"\n\
        password_file = \"password\"\n[email]";
    vec![
        ("a chat, mail and members", good.clone(), &[]),
        (
            "a token of an editor for Windows",
            good.clone()
                .with(&token, "bot_token_file = \"token\"")
                .with_file("token", format!("\u{feff}{TOKEN}\r\n")),
            &[],
        ),
        (
            "settings of an editor for Windows",
            good.clone()
                .with("listen", "\u{feff}listen")
                .with("\n", "\r\n"),
            &[],
        ),
        ("beside a service of Kubernetes with its name", beside, &[]),
        ("without a file of settings", by_variables, &[]),
        (
            "a password with a blank at its end",
            good.with("[email]", sms)
                .with("KANNEL", &mail.to_string())
                .with_file("password", "canary \n"),
            &["sms.password_file"],
        ),
    ]
}

/// As services and people are.
async fn of_surroundings() -> Vec<Right> {
    let good = whole_with(Slack::good()).await;
    let without_email = Slack {
        scopes: "commands, users:read, chat:write",
        ..Slack::good()
    };
    let without_messages = Slack {
        scopes: "commands,users:read,users:read.email",
        ..Slack::good()
    };
    let of_all = Slack {
        team: "E0ACME",
        enterprise: Some(("E0ACME", true)),
        ..Slack::good()
    };
    let ldap = openldap::start(SetUpAs::Writable).await;
    vec![
        (
            "before the first import",
            SetUp::of(good.settings.as_str()),
            &["admins.primary"],
        ),
        (
            "an LDAP directory",
            SetUp::of(with_ldap(ldap).await),
            &["directory"],
        ),
        (
            "an LDAP directory whose members are not told where to sign in",
            SetUp::of(with_ldap(ldap).await)
                .with("sign_in_url = \"https://sso.acme.example\"\n", ""),
            &["sign_in_url", "directory"],
        ),
        (
            "the strict profile",
            good.clone()
                .with("[admins]", "[policy]\nprofile = \"strict\"\n[admins]"),
            &[],
        ),
        (
            "people by links alone",
            whole_with(without_email)
                .await
                .with("[slack]", "[identity]\nmatch = \"linked\"\n[slack]"),
            &["slack.bot_token"],
        ),
        (
            "an app that was made before it wrote to administrators",
            whole_with(without_messages).await,
            &["slack.bot_token"],
        ),
        (
            "a token of a whole organization",
            whole_with(of_all)
                .await
                .with("api_url", "enterprise_id = \"E0ACME\"\napi_url"),
            &[],
        ),
        (
            "in a container, behind a proxy elsewhere",
            good.clone().with("127.0.0.1:0", "0.0.0.0:8080"),
            &[],
        ),
        (
            "nobody is told of alarms",
            good.with("security_email = \"security@acme.example\"\n", ""),
            &["security_email"],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_fails_of_a_right_set_up() {
    let mut all = of_writing().await;
    all.extend(of_surroundings().await);
    assert!(all.len() >= 10);
    for (name, set_up, warned) in all {
        let checked = set_up.check().await;
        let told = format!("{name}: {} {}", checked.out, checked.err);
        assert_eq!(checked.lines("fail"), [], "{told}");
        assert_eq!(checked.code, Some(0), "{told}");
        let warnings = checked.lines("warn");
        let keys: Vec<&str> = warnings.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, warned, "{told}");
        assert!(!told.contains("canary"), "a secret is told: {told}");
        assert!(checked.left.is_empty(), "{name} leaves {:?}", checked.left);
    }
}
