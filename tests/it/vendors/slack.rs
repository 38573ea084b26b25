//! Slack, by the examples of its API documents.

use axum::http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use relatch::surface::chat::interaction::{FormKind, Trigger};
use relatch::surface::chat::{AccountKind, Adapter, ApiError, Form};
use relatch::surface::domain::Role;
use serde_json::{Value, json};

use super::{chat, example_with, form_with, profile, relatch, text, vendor};
use crate::support::slack::{button_value, user_id};
use crate::support::{Answer, SECRET, TEAM, TestBot};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";
/// The account and the workspace of the examples.
const SPENGLER: &str = "W012A3CDE";
const WORKSPACE: &str = "T012AB3C4";

fn section(base: &str) -> String {
    format!(
        "[slack]\nsigning_secret = \"{SECRET}\"\nbot_token = \"xoxb-of-the-documents-1234\"\n\
         team_id = \"{WORKSPACE}\"\napi_url = \"{base}/api/\"\n"
    )
}

/// `auth.test` answers with the user's name, a text, where `users.info` has the whole user.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_slack_succeeds() {
    let told = text("slack/auth.test.json");
    let base = vendor(vec![("POST /api/auth.test", 200, told)]).await;
    // The example is of another workspace than those of the other examples.
    let own = section(&base).replace(WORKSPACE, "T12345678");
    let ran = relatch(&own, &["check"]).await;
    assert!(ran.out.contains("ok    slack"), "{}{}", ran.out, ran.err);
}

/// The token of a whole organization is of no one workspace; the organization of the settings is compared.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_slack_compares_the_organization() {
    let told = text("slack/auth.test-organization.json");
    let base = vendor(vec![("POST /api/auth.test", 200, told)]).await;
    for (own, line) in [
        ("E12345678", "ok    slack\n"),
        (
            "E87654321",
            "fail  slack.enterprise_id: is E87654321, and the organization of bot_token is E12345678",
        ),
    ] {
        let section = format!("{}enterprise_id = \"{own}\"\n", section(&base));
        let ran = relatch(&section, &["check"]).await;
        assert!(ran.out.contains(line), "{}{}", ran.out, ran.err);
    }
}

/// A token that Slack refuses is named as that.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_names_slacks_refusal() {
    let told = text("slack/auth.test-refused.json");
    let base = vendor(vec![("POST /api/auth.test", 200, told)]).await;
    let ran = relatch(&section(&base), &["check"]).await;
    let refused = "fail  slack.bot_token: the platform refuses our token: invalid_auth";
    assert!(ran.out.contains(refused), "{}{}", ran.out, ran.err);
}

/// The example does not say that the e-mail is confirmed, so it does not count.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_slack_is_read() {
    let base = vendor(vec![
        ("POST /api/users.info", 200, text("slack/users.info.json")),
        (
            "POST /api/users.lookupByEmail",
            200,
            text("slack/users.lookupByEmail.json"),
        ),
    ])
    .await;
    let chat = chat(&section(&base));
    let account = profile(&chat, SPENGLER).await.unwrap();
    assert_eq!(
        (account.kind, account.role, account.confirmed_email),
        (AccountKind::Member, Role::MemberAndDepartment, None)
    );
    let email = "spengler@ghostbusters.example.com".parse().unwrap();
    let (id, found) = chat.profile_by_email(&email).await.unwrap().unwrap();
    assert_eq!((id.as_str(), found.kind), (SPENGLER, AccountKind::Member));
}

/// With every field that Slack's own Java library knows, of an account in an organization of workspaces.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_slack_with_every_field_is_read() {
    let told = example_with(
        "slack/users.info-every-field.json",
        &[
            ("/ok", true.into()),
            ("/user/team_id", WORKSPACE.into()),
            ("/user/is_email_confirmed", true.into()),
            ("/user/profile/email", JO.into()),
            ("/user/enterprise_user/is_owner", true.into()),
        ],
    );
    let base = vendor(vec![("POST /api/users.info", 200, told.to_string())]).await;
    let account = profile(&chat(&section(&base)), "U00000000").await.unwrap();
    assert_eq!(
        (account.kind, account.role, account.confirmed_email),
        (
            AccountKind::Member,
            Role::PrimaryAdmin,
            Some(JO.parse().unwrap())
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_slack_are_read() {
    let base = vendor(vec![
        (
            "POST /api/users.info",
            200,
            text("slack/users.info-refused.json"),
        ),
        (
            "POST /api/users.lookupByEmail",
            200,
            text("slack/users.lookupByEmail-refused.json"),
        ),
    ])
    .await;
    let chat = chat(&section(&base));
    let refused = profile(&chat, SPENGLER).await.unwrap_err();
    assert_eq!(refused, ApiError::NotFound);
    let found = chat.profile_by_email(&JO.parse().unwrap()).await.unwrap();
    assert!(found.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_slack_is_opened_or_refused() {
    let form = Form {
        kind: FormKind::Destination,
        value: "v".to_owned(),
        title: "Another address".to_owned(),
        label: "Phone or e-mail".to_owned(),
        hint: "h".to_owned(),
        submit: "Next".to_owned(),
    };
    for (name, opens) in [
        ("slack/views.open.json", true),
        ("slack/views.open-refused.json", false),
    ] {
        let base = vendor(vec![("POST /api/views.open", 200, text(name))]).await;
        let opened = chat(&section(&base))
            .open_form(&Trigger::new("1.2.3".to_owned()), &form)
            .await;
        assert_eq!(opened.is_ok(), opens, "{name}: {opened:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_slack_is_read() {
    let bot = TestBot::new().await;
    let reply = bot.slack.reply_url(1);
    let ours = [
        ("team_id", TEAM),
        ("user_id", &user_id(JO)),
        ("text", "help"),
        ("response_url", &reply),
    ];
    let body = form_with("slack/slash-command.form", &ours);
    let answer = bot.post("/slack/commands", &body).await;
    assert!(
        answer.text().contains("/reset-password"),
        "{}",
        answer.text()
    );
}

/// Posts an interaction as Slack does.
async fn interact(bot: &TestBot, payload: &Value) -> Answer {
    let payload = payload.to_string();
    let body = format!(
        "payload={}",
        utf8_percent_encode(&payload, NON_ALPHANUMERIC)
    );
    let answer = bot.post("/slack/interactions", &body).await;
    bot.settle().await;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_of_slack_is_read() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    let ours = [
        ("/team/id", json!(TEAM)),
        ("/user/id", json!(user_id(JO))),
        ("/user/team_id", json!(TEAM)),
        ("/response_url", json!(bot.slack.reply_url(2))),
        ("/actions/0/action_id", json!("cancel")),
        (
            "/actions/0/value",
            json!(button_value(&card, "cancel").unwrap()),
        ),
    ];
    let pressed = example_with("slack/block-actions.json", &ours);
    let answer = interact(&bot, &pressed).await;
    assert_eq!(answer.status, StatusCode::OK);
    let told = bot.slack.last_text();
    assert!(told.contains("Nothing was changed."), "{told}");
}

/// The inputs of the example stay beside ours, and one of them has no `value`.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_slack_is_read() {
    for name in [
        "slack/view-submission.json",
        "slack/view-submission-every-field.json",
    ] {
        let bot = TestBot::new().await;
        let card = bot.card(JO, MINA).await;
        bot.click(JO, &card, "deliver_other").await;
        let view = bot.slack.last_view();
        let typed = json!({ "value": { "type": "plain_text_input", "value": "x" } });
        let mut ours = vec![
            ("/type", json!("view_submission")),
            ("/team/id", json!(TEAM)),
            ("/user/id", json!(user_id(JO))),
            ("/view/callback_id", view["callback_id"].clone()),
            ("/view/private_metadata", view["private_metadata"].clone()),
            ("/view/state/values/destination", typed),
        ];
        if name.contains("every-field") {
            ours.insert(5, ("/view/state/values", json!({})));
        }
        let answer = interact(&bot, &example_with(name, &ours)).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}");
        let refusal = answer.refusal_of_form();
        assert!(
            refusal.contains("Nothing was changed."),
            "{name}: {refusal}"
        );
    }
}

/// Slack asks now and then whether our certificate is good, without a signature. It is told yes, and nothing else happens.
#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_check_of_slack_is_answered() {
    let bot = TestBot::new().await;
    let before = bot.trace().await;
    let body = text("slack/ssl-check.form").trim().to_owned();
    let request = axum::http::Request::post("/slack/commands")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from(body))
        .unwrap();
    let answer = bot.send(request).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert_eq!(bot.trace().await, before);
}
