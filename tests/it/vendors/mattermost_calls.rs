//! Mattermost: what else the bot calls, each call answered with an example of what the server sends.

use relatch::surface::chat::interaction::{FormKind, Trigger};
use relatch::surface::chat::{AccountKind, Adapter, ApiError, Form, Freshness};
use relatch::surface::domain::{Moment, Span};
use serde_json::{Value, json};

use super::mattermost::{TEAM, answers_to_check, one_of, section};
use super::{chat, example_with, profile, relatch, text, vendor};
use crate::support::mattermost::trigger;

/// The account of the examples.
const SOMEBODY: &str = "4xp9fdt77pncbef59f4k1qe83o";
const REGISTER: &[&str] = &[
    "register",
    "mattermost",
    "--team",
    "5xxzt146eax4tul69409opqjlf",
];
const TOKEN: &str = "ie1asd97pn6xq1ibepry4o5otk";

/// A command that the server has made, with status 201, and one that it has changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_written_command_of_mattermost_is_read() {
    let command = text("mattermost/command.json");
    let made = (
        "[]".to_owned(),
        ("POST /api/v4/commands", 201),
        "+ reset-password\n",
    );
    let changed = (
        format!("[{command}]"),
        ("PUT /api/v4/commands/ke4uhgz97pn6xq1ibepry4o5oc", 200),
        "~ reset-password: auto_complete_desc, auto_complete_hint",
    );
    for (listed, (asked, status), begins) in [made, changed] {
        let base = vendor(vec![
            (TEAM, 200, one_of("mattermost/teams.json")),
            ("GET /api/v4/commands", 200, listed),
            (asked, status, command.clone()),
        ])
        .await;
        let ran = relatch(&section(&base), REGISTER).await;
        let ends = format!("\nwritten\nits token, for command_tokens: {TOKEN}\n");
        assert!(
            ran.code == 0 && ran.out.starts_with(begins) && ran.out.ends_with(&ends),
            "{asked}: {}{}",
            ran.out,
            ran.err
        );
    }
}

/// The account of `check_account`, by its e-mail.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_mattermost_is_found_by_email() {
    let mut answers = answers_to_check();
    answers.push((
        "GET /api/v4/users/email/jo@acme.example",
        200,
        text("mattermost/user-of-others.json"),
    ));
    let base = vendor(answers).await;
    let directory = "[[directory]]\nkind = \"builtin\"\ncheck_account = \"jo@acme.example\"\n";
    let ran = relatch(&format!("{}{directory}", section(&base)), &["check"]).await;
    let line = "j···@acme.example is recognised by e-mail";
    assert!(ran.out.contains(line), "{}{}", ran.out, ran.err);
}

/// What a bot that is no system administrator is answered: no settings, and the teams that it is in.
#[tokio::test(flavor = "multi_thread")]
async fn a_plain_bot_of_mattermost_is_answered() {
    let rights = json!(["create_post_ephemeral", "manage_own_slash_commands"]);
    let changed = [
        (
            "GET /api/v4/users/me",
            200,
            example_with(
                "mattermost/user.json",
                &[("/roles", json!("system_user it_bots"))],
            ),
        ),
        (
            "POST /api/v4/roles/names",
            200,
            example_with(
                "mattermost/roles.json",
                &[("/1/name", json!("it_bots")), ("/1/permissions", rights)],
            ),
        ),
        (
            "GET /api/v4/config",
            403,
            example_with(
                "mattermost/error.json",
                &[
                    ("/id", json!("api.context.permissions.app_error")),
                    ("/status_code", json!(403)),
                ],
            ),
        ),
    ];
    let mut answers = answers_to_check();
    answers.retain(|(known, ..)| {
        *known != "GET /api/v4/teams" && changed.iter().all(|(asked, ..)| asked != known)
    });
    answers.extend(changed.map(|(asked, status, body)| (asked, status, body.to_string())));
    answers.push((
        "GET /api/v4/users/me/teams",
        200,
        text("mattermost/teams.json"),
    ));
    let settings = format!(
        "{}[identity]\nmatch = \"linked\"\n",
        section(&vendor(answers).await)
    );
    let ran = relatch(&settings, &["check"]).await;
    for line in [
        "ok    mattermost: people are recognised by `relatch link mattermost USER_ID EMAIL` alone",
        "the token of the command of the team acme is not in command_tokens",
        "1 of 1 command_tokens belong to no command that the bot may see",
    ] {
        assert!(ran.out.contains(line), "{line}: {}{}", ran.out, ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_mattermost_is_found_by_name() {
    let mut answers = answers_to_check();
    answers.push((
        "GET /api/v4/users/username/jo",
        200,
        text("mattermost/user-of-others.json"),
    ));
    let chat = chat(&section(&vendor(answers).await));
    let found = chat.profile_by_name("jo", Freshness::Now).await.unwrap();
    let (id, account) = found.unwrap();
    assert_eq!((id.as_str(), account.kind), (SOMEBODY, AccountKind::Member));
}

/// A trigger that is older than the server takes, and a dialog that it does not open for another reason.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_dialog_of_mattermost_is_read() {
    let form = Form {
        kind: FormKind::Destination,
        value: "v".to_owned(),
        title: "Another address".to_owned(),
        label: "Phone or e-mail".to_owned(),
        hint: "h".to_owned(),
        submit: "Next".to_owned(),
    };
    let expired = json!("interactive_message.decode_trigger_id.expired");
    let cases: [(&[(&str, Value)], ApiError); 2] = [
        (&[("/id", expired)], ApiError::TooLate),
        (&[], ApiError::Unavailable),
    ];
    for (changes, expected) in cases {
        let told = example_with("mattermost/error.json", changes).to_string();
        let base = vendor(vec![("POST /api/v4/actions/dialogs/open", 400, told)]).await;
        let pressed = Trigger::new(trigger(SOMEBODY, 1, Moment(1_795_428_000_000)));
        let opened = chat(&section(&base)).open_form(&pressed, &form).await;
        assert_eq!(opened, Err(expected));
    }
}

/// Over the rate limit the server answers in plain text, before any route.
#[tokio::test(flavor = "multi_thread")]
async fn the_rate_limit_of_mattermost_is_read() {
    let path = format!("GET /api/v4/users/{SOMEBODY}");
    let told = text("mattermost/rate-limit.txt");
    let base = vendor(vec![(path, 429, told)]).await;
    let limited = profile(&chat(&section(&base)), SOMEBODY).await.unwrap_err();
    assert_eq!(limited, ApiError::RateLimited(Span::seconds(30)));
}
