//! What Lark answers to cards and to the registration of commands, by the examples of its documents.

use axum::http::HeaderMap;
use relatch::surface::chat::{
    Adapter, Asking, Chat, Interaction, Message, Placement, ReplyAddress, Verified,
};
use relatch::surface::clock::Clock;
use relatch::surface::domain::delivery::{Outcome, Refusal};
use serde_json::json;

use super::lark::{answers, section};
use super::{chat, example_with, relatch, text, vendor};
use crate::logs::Log;
use crate::support::lark::{ROUTE, click_body, command_body, id_of, seal, sign};

const JO: &str = "jo@acme.example";

/// A cloud that answers these calls as its documents show it.
async fn cloud(more: &[(&str, u16, &str)]) -> String {
    let mut answers = answers();
    for (asked, status, name) in more {
        let (method, path) = asked.split_once(' ').unwrap();
        answers.push((format!("{method} /open-apis/{path}"), *status, text(name)));
    }
    vendor(answers).await
}

/// Where a conversation goes on after this event.
async fn reply(chat: &Chat, event: &str) -> ReplyAddress {
    let (now, body) = (Clock::System.now(), seal(event));
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    for (name, value) in sign(&now.unix_seconds().to_string(), "n1", &body) {
        headers.insert(name, value.parse().unwrap());
    }
    let received = chat
        .receive(ROUTE, &headers, body.as_bytes(), (now, Asking::No))
        .await;
    match received.map(Verified::into_inner) {
        Ok(Interaction::Command(command)) => command.origin.reply.unwrap(),
        Ok(Interaction::Click(click)) => click.origin.reply.unwrap(),
        _ => panic!("neither a command nor a click"),
    }
}

async fn after_command(chat: &Chat, is_group: bool) -> ReplyAddress {
    let event = command_body(&id_of(JO), "help", is_group, 1, Clock::System.now());
    reply(chat, &event).await
}

async fn tell(chat: &Chat, to: &ReplyAddress, placement: Placement) -> Outcome {
    chat.follow_up(to, &Message::default(), placement).await
}

/// What Lark answers to a card that it takes, for everybody in the chat and for one person in a group.
#[tokio::test(flavor = "multi_thread")]
async fn lark_takes_a_card() {
    let base = cloud(&[
        ("POST im/v1/messages", 200, "lark/message-sent.json"),
        ("POST ephemeral/v1/send", 200, "lark/ephemeral-sent.json"),
    ])
    .await;
    let chat = chat(&section(&base));
    for is_group in [false, true] {
        let to = after_command(&chat, is_group).await;
        assert_eq!(
            tell(&chat, &to, Placement::Add).await,
            Outcome::Accepted,
            "{is_group}"
        );
    }
}

/// A group that takes no card for one person: the 1:1 chat takes its place. What Lark refuses there is refused.
#[tokio::test(flavor = "multi_thread")]
async fn lark_refuses_a_card() {
    let refused = ("POST ephemeral/v1/send", 400, "lark/ephemeral-refused.json");
    let base = cloud(&[
        refused,
        ("POST im/v1/messages", 200, "lark/message-sent.json"),
    ])
    .await;
    let taken = chat(&section(&base));
    let to = after_command(&taken, true).await;
    assert_eq!(tell(&taken, &to, Placement::Add).await, Outcome::Accepted);
    let base = cloud(&[
        refused,
        ("POST im/v1/messages", 400, "lark/scope-missing.json"),
    ])
    .await;
    let not_taken = chat(&section(&base));
    let to = after_command(&not_taken, true).await;
    assert_eq!(
        tell(&not_taken, &to, Placement::Add).await,
        Outcome::Refused(Refusal::Message)
    );
}

/// A card changes twice by the token of its click, then by its id; an ephemeral one is deleted and sent again.
#[tokio::test]
async fn lark_changes_a_card() {
    let (log, _guard) = Log::start();
    for is_group in [false, true] {
        let base = cloud(&[
            (
                "POST interactive/v1/card/update",
                200,
                "lark/card-updated.json",
            ),
            (
                "PATCH im/v1/messages/om_card1",
                200,
                "lark/message-changed.json",
            ),
            (
                "POST ephemeral/v1/delete",
                200,
                "lark/ephemeral-deleted.json",
            ),
            ("POST ephemeral/v1/send", 200, "lark/ephemeral-sent.json"),
        ])
        .await;
        let chat = chat(&section(&base));
        let now = Clock::System.now();
        let event = click_body(&id_of(JO), "cancel", "v", is_group, 1, now);
        let to = reply(&chat, &event).await;
        for change in 1..=3 {
            let told = tell(&chat, &to, Placement::Replace).await;
            assert_eq!(told, Outcome::Accepted, "{is_group}: change {change}");
        }
    }
    // An answer that could not be read leaves a line.
    assert_eq!(log.lines_with("WARN"), Vec::<String>::new());
}

/// Commands of others stay, and ours is told from them by its name.
#[tokio::test(flavor = "multi_thread")]
async fn commands_of_lark_are_read() {
    let path = "GET application/v7/app_slash_commands";
    let base = cloud(&[(path, 200, "lark/slash-commands.json")]).await;
    let words: &[&str] = &["register", "lark", "--dry-run"];
    let ran = relatch(&section(&base), words).await;
    assert_eq!(ran.out, "+ reset-password\nnot written: --dry-run\n");
    let own = [("/data/items/1/command", json!("reset-password"))];
    let mut answers = answers();
    answers.push((
        path.replacen("GET ", "GET /open-apis/", 1),
        200,
        example_with("lark/slash-commands.json", &own).to_string(),
    ));
    let ran = relatch(&section(&vendor(answers).await), words).await;
    assert_eq!(
        ran.out,
        "~ reset-password: description\nnot written: --dry-run\n"
    );
}
