//! Lark and Feishu, by the examples of their open platform's documents: the chat and the directory.

use axum::http::{HeaderMap, StatusCode};
use relatch::surface::chat::{
    AccountKind, Adapter, Asking, Interaction, Message, Placement, Verified,
};
use relatch::surface::clock::Clock;
use relatch::surface::directory::{Backend, By, Match};
use relatch::surface::domain::delivery::Outcome;
use relatch::surface::domain::{EmailAddress, Platform, Role, Status};
use serde_json::{Value, json};

use super::{Answers, chat, example_with, profile, relatch, text, vendor};
use crate::support::lark::{
    APP, APP_SECRET, ENCRYPT_KEY, ROUTE, TENANT, VERIFICATION, command_body, id_of, seal, sign,
};
use crate::support::slack::button_value;
use crate::support::{TestBot, in_private};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";
/// The account of the examples.
const ZHANG: &str = "ou_7dab8a3d3cdcc9da365777c7ad535d62";

fn section(base: &str) -> String {
    format!(
        "[lark]\napp_id = \"{APP}\"\napp_secret = \"{APP_SECRET}\"\nencrypt_key = \"{ENCRYPT_KEY}\"\n\
         verification_token = \"{VERIFICATION}\"\ntenant_key = \"{TENANT}\"\napi_url = \"{base}/open-apis/\"\n"
    )
}

/// Where a member is looked up by the e-mail of the example.
fn directory(base: &str) -> String {
    format!(
        "[[directory]]\nkind = \"lark\"\nname = \"Lark\"\ndomains = [\"mail.com\"]\napi_url = \"{base}/open-apis/\"\n\
         app_id = \"{APP}\"\napp_secret = \"{APP_SECRET}\"\ncheck_account = \"demo@mail.com\"\n"
    )
}

/// The example of a look-up answers for four people, and relatch asks for one.
fn one_found() -> String {
    let mut told = example_with("lark/batch-get-id.json", &[]);
    let list = told["data"]["user_list"].as_array_mut().unwrap();
    list.truncate(1);
    list[0]["user_id"] = json!(ZHANG);
    told.to_string()
}

fn answers() -> Answers {
    let found = ("POST /open-apis/contact/v3/users/batch_get_id", one_found());
    let path = format!("GET /open-apis/contact/v3/users/{ZHANG}");
    let user = (path.as_str(), text("lark/user.json"));
    let bot = ("GET /open-apis/bot/v3/info", text("lark/bot-info.json"));
    let token = (
        "POST /open-apis/auth/v3/tenant_access_token/internal",
        text("lark/tenant-token.json"),
    );
    [token, bot, user, found]
        .map(|(asked, body)| (asked.to_owned(), 200, body))
        .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_lark_succeeds() {
    let base = vendor(answers()).await;
    let sections = format!("{}{}", section(&base), directory(&base));
    let ran = relatch(&sections, &["check"]).await;
    assert!(
        ran.out.contains("ok      lark") && ran.out.contains("ok      Lark"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_lark_is_read() {
    let base = vendor(answers()).await;
    let chat = chat(&section(&base));
    let account = profile(&chat, ZHANG).await.unwrap();
    let demo: EmailAddress = "demo@mail.com".parse().unwrap();
    assert_eq!(
        (account.kind, account.role, account.confirmed_email.as_ref()),
        (AccountKind::Member, Role::Member, Some(&demo))
    );
    let (id, found) = chat.profile_by_email(&demo).await.unwrap().unwrap();
    assert_eq!((id.as_str(), found.kind), (ZHANG, AccountKind::Member));
}

/// One e-mail that stands for several people stands for nobody.
#[tokio::test(flavor = "multi_thread")]
async fn several_accounts_of_lark_are_nobody() {
    let mut answers = answers();
    answers[3].2 = text("lark/batch-get-id.json");
    let base = vendor(answers).await;
    let ran = relatch(&directory(&base), &["check"]).await;
    assert!(
        ran.out.contains("stands for several entries"),
        "{}{}",
        ran.out,
        ran.err
    );
    let demo = "demo@mail.com".parse().unwrap();
    assert!(chat(&section(&base)).profile_by_email(&demo).await.is_err());
}

/// What Lark answers to a card that it takes, for everybody in the chat and for one person in a group, and to the end of a
/// member's sessions.
#[tokio::test(flavor = "multi_thread")]
async fn lark_says_that_it_is_done() {
    let mut answers = answers();
    for (path, name) in [
        ("im/v1/messages", "lark/message-sent.json"),
        ("ephemeral/v1/send", "lark/ephemeral-sent.json"),
        ("passport/v1/sessions/logout", "lark/done.json"),
    ] {
        answers.push((format!("POST /open-apis/{path}"), 200, text(name)));
    }
    let base = vendor(answers).await;
    let chat = chat(&section(&base));
    for is_group in [false, true] {
        let now = Clock::System.now();
        let body = seal(&command_body(&id_of(JO), "help", is_group, 1, now));
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        for (name, value) in sign(&now.unix_seconds().to_string(), "n1", &body) {
            headers.insert(name, value.parse().unwrap());
        }
        let received = chat
            .receive(ROUTE, &headers, body.as_bytes(), (now, Asking::No))
            .await;
        let Ok(Interaction::Command(command)) = received.map(Verified::into_inner) else {
            panic!("no command")
        };
        let to = command.origin.reply.unwrap();
        let told = chat
            .follow_up(&to, &Message::default(), Placement::Add)
            .await;
        assert_eq!(told, Outcome::Accepted, "{is_group}");
    }
    let bot = TestBot::with_directory(directory(&base).trim_start_matches("[[directory]]\n")).await;
    let home = bot.app.directories.remote().next().unwrap();
    let by = [By::Email("demo@mail.com".parse().unwrap())];
    let Some(Match::One(member)) = home.find(&by).await.unwrap().pop() else {
        panic!("nobody is found")
    };
    assert_eq!(member.status, Status::Active);
    assert!(home.sign_out(&member.id).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_challenge_of_lark_is_answered() {
    let bot = TestBot::new().await;
    let sent = example_with(
        "lark/url-verification.json",
        &[("/token", json!(VERIFICATION))],
    );
    let answer = bot.post_to_lark(&sent.to_string()).await;
    assert_eq!(answer.json(), json!({ "challenge": sent["challenge"] }));
}

/// What of an event can only be ours.
fn ours<'a>(bot: &TestBot, event: &[(&'a str, Value)]) -> Vec<(&'a str, Value)> {
    let now = bot.clock.now().0;
    let mut ours = vec![
        ("/header/token", json!(VERIFICATION)),
        ("/header/app_id", json!(APP)),
        ("/header/tenant_key", json!(TENANT)),
        ("/header/create_time", json!(now.to_string())),
    ];
    ours.extend_from_slice(event);
    ours
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_lark_is_read() {
    let bot = TestBot::new().await;
    bot.on(Platform::Lark);
    let content = json!({ "text": "@_user_1 /reset-password help" });
    let event = [
        ("/event/sender/tenant_key", json!(TENANT)),
        ("/event/sender/sender_id/open_id", json!(id_of(JO))),
        ("/event/message/chat_id", json!("oc_helpdesk")),
        ("/event/message/content", json!(content.to_string())),
    ];
    let sent = example_with("lark/message-received.json", &ours(&bot, &event));
    let told = bot.post_to_lark(&sent.to_string()).await.text();
    assert!(told.contains("/reset-password"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_of_lark_is_read() {
    let bot = TestBot::new().await;
    bot.on(Platform::Lark);
    let event = [
        ("/event/operator/operator_id/open_id", json!(id_of(JO))),
        ("/event/event_key", json!("help")),
    ];
    let sent = example_with("lark/bot-menu.json", &ours(&bot, &event));
    let told = bot.post_to_lark(&sent.to_string()).await.text();
    assert!(told.contains("/reset-password"), "{told}");
}

/// A click and a form have one example: the form's values stay in it, beside ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_click_and_a_form_of_lark_are_read() {
    let conversation = Box::pin(async {
        let bot = TestBot::new().await;
        let card = bot.card(JO, MINA).await;
        let micros = json!((bot.clock.now().0 * 1000).to_string());
        let event = |value: Value, serial: u32| {
            [
                ("/header/create_time", micros.clone()),
                (
                    "/header/event_id",
                    json!(format!("event-{serial}-of-the-example")),
                ),
                ("/event/operator/tenant_key", json!(TENANT)),
                ("/event/operator/open_id", json!(id_of(JO))),
                ("/event/token", json!(format!("c-private-{serial}"))),
                ("/event/context/open_message_id", json!("om_card1")),
                (
                    "/event/context/open_chat_id",
                    json!(format!("oc_private_{}", id_of(JO))),
                ),
                ("/event/action/form_value/destination", json!("x")),
                ("/event/action/value", value),
            ]
        };
        let value = button_value(&card, "deliver_other").unwrap();
        let pressed = json!({ "action": "deliver_other", "value": value });
        let event_of =
            |value| example_with("lark/card-action.json", &ours(&bot, &event(value, 71)));
        let answer = bot.send_to_lark(&event_of(pressed).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK);
        let view = bot.slack.last_view();
        let value = json!({ "form": view["callback_id"], "value": view["private_metadata"] });
        let sent = example_with("lark/card-action.json", &ours(&bot, &event(value, 72)));
        let answer = bot.send_to_lark(&sent.to_string()).await;
        bot.settle().await;
        let refusal = answer.refusal_of_form();
        assert!(refusal.contains("Nothing was changed."), "{refusal}");
    });
    in_private(Platform::Lark, conversation).await;
}
