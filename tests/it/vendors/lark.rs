//! Lark and Feishu as a chat, by the examples of their open platform's documents: what is received, and who an account
//! is. What Lark answers to cards and commands is tried in `lark_cards.rs`, the directory in `lark_directory.rs`.

use axum::http::StatusCode;
use relatch::surface::chat::{AccountKind, Adapter, ApiError};
use relatch::surface::domain::{EmailAddress, Platform, Role, Span};
use serde_json::{Value, json};

use super::{Answers, chat, example, example_with, profile, relatch, text, vendor};
use crate::support::lark::{APP, APP_SECRET, ENCRYPT_KEY, TENANT, VERIFICATION, id_of};
use crate::support::slack::button_value;
use crate::support::{TestBot, in_private};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";
/// The account of the examples.
pub(super) const ZHANG: &str = "ou_7dab8a3d3cdcc9da365777c7ad535d62";

pub(super) fn section(base: &str) -> String {
    format!(
        "[lark]\napp_id = \"{APP}\"\napp_secret = \"{APP_SECRET}\"\nencrypt_key = \"{ENCRYPT_KEY}\"\n\
         verification_token = \"{VERIFICATION}\"\ntenant_key = \"{TENANT}\"\napi_url = \"{base}/open-apis/\"\n"
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

pub(super) fn answers() -> Answers {
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
    let ran = relatch(&section(&base), &["check"]).await;
    assert!(ran.out.contains("ok    lark"), "{}{}", ran.out, ran.err);
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
    let demo = "demo@mail.com".parse().unwrap();
    assert!(chat(&section(&base)).profile_by_email(&demo).await.is_err());
}

/// An account that the app may not see, and a call that it may not make.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_lark_are_read() {
    let refused = |name: &str| {
        let mut answers = answers();
        let user = answers
            .iter_mut()
            .find(|(asked, ..)| asked.ends_with(ZHANG));
        *user.unwrap() = (
            format!("GET /open-apis/contact/v3/users/{ZHANG}"),
            400,
            text(name),
        );
        answers
    };
    let base = vendor(refused("lark/user-refused.json")).await;
    let told = profile(&chat(&section(&base)), ZHANG).await;
    assert!(matches!(told, Err(ApiError::NotFound)), "{told:?}");
    // The scopes stand beside the text, and the text need not name them.
    let base = vendor(refused("lark/scope-missing.json")).await;
    let told = profile(&chat(&section(&base)), ZHANG).await;
    let Err(ApiError::MissingScope(scopes)) = told else {
        panic!("{told:?}")
    };
    assert_eq!(scopes, "im:message:send_as_bot, im:message");
}

/// A secret that is not the app's, and a call too many.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_and_a_rate_limit_of_lark_are_read() {
    let with = |status: u16, ends: &str, name: &str| {
        let mut answers = answers();
        let answer = answers.iter_mut().find(|(asked, ..)| asked.ends_with(ends));
        let answer = answer.unwrap();
        (answer.1, answer.2) = (status, text(name));
        answers
    };
    let base = vendor(with(
        400,
        "tenant_access_token/internal",
        "lark/token-refused.json",
    ))
    .await;
    let refused = profile(&chat(&section(&base)), ZHANG).await.unwrap_err();
    assert_eq!(refused, ApiError::Refused("10014".to_owned()));
    let base = vendor(with(429, ZHANG, "lark/rate-limit.json")).await;
    let limited = profile(&chat(&section(&base)), ZHANG).await.unwrap_err();
    assert_eq!(limited, ApiError::RateLimited(Span::seconds(30)));
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

/// Rich text in the envelope of a message: whole as it is, and with the command in place of its first texts.
#[tokio::test(flavor = "multi_thread")]
async fn rich_text_of_lark_is_read() {
    let bot = TestBot::new().await;
    bot.on(Platform::Lark);
    let sent = |serial: u32, chat: (&str, &str), content: &Value| {
        let event = [
            ("/header/event_id", json!(format!("event-{serial}"))),
            ("/event/sender/tenant_key", json!(TENANT)),
            ("/event/sender/sender_id/open_id", json!(id_of(JO))),
            ("/event/message/message_id", json!(format!("om_{serial}"))),
            ("/event/message/chat_id", json!(chat.0)),
            ("/event/message/chat_type", json!(chat.1)),
            ("/event/message/message_type", json!("post")),
            ("/event/message/content", json!(content.to_string())),
            ("/event/message/mentions/0/id/open_id", json!(id_of(MINA))),
        ];
        example_with("lark/message-received.json", &ours(&bot, &event)).to_string()
    };
    let content = example("lark/post-content.json");
    let alone = format!("oc_private_{}", id_of(JO));
    let told = bot
        .post_to_lark(&sent(1, (&alone, "p2p"), &content))
        .await
        .text();
    assert!(told.contains("/reset-password @member"), "{told}");
    let group = ("oc_helpdesk", "group");
    let said = bot.slack.said().len();
    let answer = bot.post_to_lark(&sent(2, group, &content)).await;
    assert_eq!(
        (answer.status, bot.slack.said().len()),
        (StatusCode::OK, said)
    );
    let ours = [
        ("/content/0/0/text", json!("/reset-password")),
        ("/content/0/1/text", json!("")),
    ];
    let command = example_with("lark/post-content.json", &ours);
    let told = bot.post_to_lark(&sent(3, group, &command)).await.text();
    assert!(told.contains("Reset Mina Park's password?"), "{told}");
    let rows = bot.rows("reset", &[]).await.join("\n");
    assert!(rows.contains("'第二行:文本测试'"), "{rows}");
}

/// An event of schema 1.0 has no effect. With another token it is none of ours.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_message_of_lark_is_taken() {
    let bot = TestBot::new().await;
    let before = bot.trace().await;
    let sent = example_with("lark/old-message.json", &[("/token", json!(VERIFICATION))]);
    let answer = bot.post_to_lark(&sent.to_string()).await;
    assert_eq!((answer.status, bot.slack.said().len()), (StatusCode::OK, 0));
    let forged = bot.post_to_lark(&text("lark/old-message.json")).await;
    assert_eq!(forged.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bot.trace().await, before);
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
