//! Lark as a directory, by the examples of its open platform's documents.

use relatch::surface::directory::{Backend, By, Match};
use relatch::surface::domain::Status;
use serde_json::json;

use super::lark::{ZHANG, answers};
use super::{example_with, relatch, text, vendor};
use crate::support::TestBot;
use crate::support::lark::{APP, APP_SECRET};
use crate::support::slack::shown_password;

const JO: &str = "jo@acme.example";
/// The business e-mail of the examples.
const DEMO: &str = "demo@mail.com";

/// Where a member is looked up by the e-mail of the example.
fn directory(base: &str) -> String {
    format!(
        "[[directory]]\nkind = \"lark\"\nname = \"Lark\"\ndomains = [\"mail.com\"]\napi_url = \"{base}/open-apis/\"\n\
         app_id = \"{APP}\"\napp_secret = \"{APP_SECRET}\"\ncheck_account = \"{DEMO}\"\n"
    )
}

async fn bot(base: &str) -> TestBot {
    TestBot::with_directory(directory(base).trim_start_matches("[[directory]]\n")).await
}

/// A cloud that answers a reset as its documents show it.
async fn cloud(more: &[(&str, u16, &str)]) -> String {
    let mut answers = answers();
    for (asked, status, name) in more {
        let (method, path) = asked.split_once(' ').unwrap();
        answers.push((format!("{method} /open-apis/{path}"), *status, text(name)));
    }
    vendor(answers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_lark_as_a_directory_succeeds() {
    let base = vendor(answers()).await;
    let ran = relatch(&directory(&base), &["check"]).await;
    assert!(
        ran.out.contains("ok    directory: Lark"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_lark_is_read() {
    let base = vendor(answers()).await;
    let bot = bot(&base).await;
    let home = bot.app.directories.remote().next().unwrap();
    let by = [By::Email(DEMO.parse().unwrap())];
    let Some(Match::One(member)) = home.find(&by).await.unwrap().pop() else {
        panic!("nobody is found")
    };
    assert!(member.id.0.ends_with(ZHANG), "{}", member.id.0);
    assert_eq!(
        (member.status, member.business_email.as_str()),
        (Status::Active, DEMO)
    );
}

/// One e-mail that stands for several people stands for nobody, and neither does one whom the app may not see.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_of_lark_is_told() {
    let mut several = answers();
    several[3].2 = text("lark/batch-get-id.json");
    let mut hidden = answers();
    (hidden[2].1, hidden[2].2) = (400, text("lark/user-refused.json"));
    for (answers, told) in [
        (several, "stands for several entries"),
        (hidden, "is not found"),
    ] {
        let ran = relatch(&directory(&vendor(answers).await), &["check"]).await;
        assert!(ran.out.contains(told), "{}{}", ran.out, ran.err);
    }
}

/// Lark's newer call, and the older one where the app may not make the newer. Both end the member's sessions.
#[tokio::test(flavor = "multi_thread")]
async fn lark_sets_a_password_and_ends_sessions() {
    let out = (
        "POST passport/v1/sessions/logout",
        200,
        "lark/session-ended.json",
    );
    let older = (
        "POST admin/v1/password/reset",
        200,
        "lark/password-reset.json",
    );
    for (newer, enforced) in [
        ((200, "lark/password-set.json"), "must set a new one ✓"),
        (
            (400, "lark/scope-missing.json"),
            "must set a new one: not enforced by the directory ✗",
        ),
    ] {
        let (status, name) = newer;
        let base = cloud(&[("PUT passport/v1/password", status, name), older, out]).await;
        let bot = bot(&base).await;
        let card = bot.command(JO, DEMO).await.json();
        bot.click(JO, &card, "deliver_copy").await;
        bot.click(JO, &bot.slack.last(), "confirm").await;
        let (result, told) = (bot.slack.last(), bot.slack.last_text());
        assert!(shown_password(&result).is_some(), "{told}");
        assert!(
            told.contains(enforced) && told.contains("signed out ✓"),
            "{told}"
        );
    }
}

/// A definite no changes nothing, and the card says why.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_lark_s_passwords_are_read() {
    let ours = |code: i64, msg: &str| {
        let ours = [("/code", json!(code)), ("/msg", json!(msg))];
        example_with("lark/password-refused.json", &ours).to_string()
    };
    for (told, why) in [
        (
            text("lark/password-refused.json"),
            "does not fit its password policy",
        ),
        (
            ours(1_082_003, "reach reset password num limit"),
            "its own limit of resets is reached",
        ),
        (
            ours(1_089_004, "identity status is abnormal"),
            "the state of the account does not allow it",
        ),
        (
            ours(1_084_005, "param is invalid"),
            "answers with code 1084005",
        ),
        (text("lark/user-refused.json"), "answers with code 41050"),
    ] {
        let mut answers = answers();
        answers.push(("PUT /open-apis/passport/v1/password".to_owned(), 400, told));
        let bot = bot(&vendor(answers).await).await;
        let card = bot.command(JO, DEMO).await.json();
        bot.click(JO, &card, "deliver_copy").await;
        bot.click(JO, &bot.slack.last(), "confirm").await;
        let told = bot.slack.last_text();
        assert!(
            told.contains(why) && told.contains("Nothing was changed."),
            "{told}"
        );
    }
}
