//! Lark as it really is: groups in topic mode, rich text, people of other tenants, and events of the old schema.

use axum::http::StatusCode;
use relatch::surface::domain::{Moment, Platform};
use serde_json::{Value, json};

use crate::support::slack::{direct, shown_password, text_of};
use crate::support::{Answer, TestBot, in_private, lark};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";
const GROUP: (&str, &str) = ("oc_helpdesk", "group");

/// A message of Jo's that mentions the bot and Mina.
fn message(chat: (&str, &str), content: &(&str, Value), serial: u32, now: Moment) -> String {
    let sent = lark::message_in(chat, &lark::id_of(JO), content, &lark::mentions(&[MINA]));
    lark::event("im.message.receive_v1", serial, now, &sent)
}

async fn says(bot: &TestBot, chat: (&str, &str), content: &(&str, Value), serial: u32) -> Answer {
    bot.on(Platform::Lark)
        .post_to_lark(&message(chat, content, serial, bot.clock.now()))
        .await
}

/// In a group in topic mode nothing can be shown to one person alone. The answer comes in the 1:1 chat, where the whole
/// reset goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_in_a_topic_group_is_answered_in_the_private_chat() {
    for chat_type in ["topic_group", "group"] {
        in_private(
            Platform::Lark,
            Box::pin(async {
                let bot = TestBot::new().await;
                let text = (
                    "text",
                    json!({ "text": "@_user_1 /reset-password @_user_2" }),
                );
                let card = says(&bot, (lark::TOPICS, chat_type), &text, 1).await;
                assert!(
                    card.text().contains("Reset Mina Park's password?"),
                    "{chat_type}: {}",
                    card.text()
                );
                let own = direct(&lark::id_of(JO));
                assert_eq!(bot.slack.said_at(&own).len(), 1, "{chat_type}");
                assert_eq!(bot.slack.said_at("ephemeral").len(), 0, "{chat_type}");
                bot.click(JO, &card.json(), "deliver_copy").await;
                bot.click(JO, &bot.slack.last(), "confirm").await;
                assert!(
                    shown_password(&bot.slack.last()).is_some(),
                    "{}",
                    bot.slack.last_text()
                );
                // What is no command stays unanswered there, as in any group.
                let said = bot.slack.said().len();
                let talk = ("text", json!({ "text": "@_user_1 good morning" }));
                assert_eq!(
                    says(&bot, (lark::TOPICS, chat_type), &talk, 2).await.status,
                    StatusCode::OK
                );
                assert_eq!(bot.slack.said().len(), said);
            }),
        )
        .await;
    }
}

/// Rich text is what Lark sends for a message with formatting, a list, a line of its own or a picture.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_in_rich_text_is_a_command() {
    let bot = TestBot::new().await;
    let at = |key: &str| json!({ "tag": "at", "user_id": key, "user_name": "x", "style": [] });
    let text = |text: &str| json!({ "tag": "text", "text": text, "style": ["bold"] });
    let link = |text: &str, href: &str| json!({ "tag": "a", "text": text, "href": href });
    let picture = json!({ "tag": "img", "image_key": "img_1", "width": 1, "height": 1 });
    for (paragraphs, reason) in [
        (
            json!([[
                at("@_user_1"),
                text(" /reset-password "),
                at("@_user_2"),
                text(" ")
            ]]),
            None,
        ),
        // Elements stand beside each other without a space.
        (
            json!([
                [
                    at("@_user_1"),
                    text("/reset-password"),
                    at("@_user_2"),
                    text("lost"),
                    text(" it")
                ],
                [picture.clone()]
            ]),
            Some("lost it"),
        ),
        (
            json!([
                [text("/reset-password")],
                [at("@_user_2")],
                [],
                [text("ticket "), link("INC-1", "https://help.example/1")]
            ]),
            Some("ticket INC-1"),
        ),
        (
            json!([[
                text("/reset-password "),
                link(MINA, "mailto:mina.park@acme.example")
            ]]),
            None,
        ),
    ]
    .into_iter()
    .collect::<Vec<(Value, Option<&str>)>>()
    {
        let serial = bot.slack.said().len();
        let card = says(
            &bot,
            GROUP,
            &lark::rich_text(&paragraphs),
            u32::try_from(serial).unwrap() + 10,
        )
        .await;
        assert!(
            card.text().contains("Reset Mina Park's password?"),
            "{paragraphs}"
        );
        if let Some(reason) = reason {
            let rows = bot.rows("reset", &[]).await.join("\n");
            assert!(rows.contains(&format!("'{reason}'")), "{reason}: {rows}");
        }
        bot.clock
            .advance(relatch::surface::domain::Span::minutes(11));
    }
    // A link that reads otherwise than it leads names nobody.
    let trap = json!([[
        text("/reset-password "),
        link("noa@acme.example.org", "mailto:mina.park@acme.example")
    ]]);
    let told = says(&bot, GROUP, &lark::rich_text(&trap), 90).await.text();
    assert!(
        told.contains("exactly one account") && told.contains("noa@acme.example.org"),
        "{told}"
    );
    // Rich text without a command is answered in the 1:1 chat only.
    let said = bot.slack.said().len();
    let talk = lark::rich_text(&json!([
        [text("how does /reset-password work?")],
        [picture]
    ]));
    says(&bot, GROUP, &talk, 91).await;
    assert_eq!(bot.slack.said().len(), said);
    let chat = format!("oc_private_{}", lark::id_of(JO));
    let help = says(&bot, (&chat, "p2p"), &talk, 92).await.text();
    assert!(help.contains("/reset-password @member"), "{help}");
    // What is not rich text at all has no effect.
    for broken in [
        json!({}),
        json!({ "content": "x" }),
        json!({ "content": [[1], "x", [{ "tag": "at" }]] }),
        json!([]),
    ] {
        let answer = says(&bot, GROUP, &("post", broken), 93).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

/// A link to a work e-mail in a plain text (Lark, "Received message content": `[text](mailto:address)`).
#[tokio::test(flavor = "multi_thread")]
async fn a_linked_work_email_in_a_text_names_a_member() {
    let bot = TestBot::new().await;
    let text = json!({ "text": format!("@_user_1 /reset-password [{MINA}](mailto:{MINA}) see [INC-1](https://help.example/1)") });
    let card = says(&bot, GROUP, &("text", text), 1).await.text();
    assert!(card.contains("Reset Mina Park's password?"), "{card}");
}

/// Somebody of another tenant in a shared group is told so. Lark repeats what is not answered with 200.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_of_another_tenant_is_told_so() {
    let bot = TestBot::new().await;
    let text = (
        "text",
        json!({ "text": "@_user_1 /reset-password @_user_2" }),
    );
    let mut command = lark::message_in(GROUP, "ou_guest", &text, &lark::mentions(&[MINA]));
    command["sender"]["tenant_key"] = lark::OTHER_TENANT.into();
    let now = bot.clock.now();
    let event = lark::event("im.message.receive_v1", 1, now, &command);
    let answer = bot.on(Platform::Lark).post_to_lark(&event).await;
    assert_eq!(answer.status, StatusCode::OK);
    let told = answer.text();
    assert!(
        told.contains("only for members of Acme")
            && told.contains("another workspace")
            && told.contains("Nothing was changed."),
        "{told}"
    );
    assert_eq!(bot.count("reset").await, 0);

    // The same id of another tenant is somebody else: it neither gets Jo's rights nor presses Jo's buttons.
    let card = bot.card(JO, MINA).await;
    let mut same_id = lark::message_in(GROUP, &lark::id_of(JO), &text, &lark::mentions(&[MINA]));
    same_id["sender"]["tenant_key"] = lark::OTHER_TENANT.into();
    let event = lark::event("im.message.receive_v1", 2, now, &same_id);
    let told = bot.post_to_lark(&event).await.text();
    assert!(told.contains("another workspace"), "{told}");
    let value = crate::support::slack::button_value(&card, "deliver_phone").unwrap();
    // They are answered once in five minutes.
    bot.clock
        .advance(relatch::surface::domain::Span::minutes(5));
    let now = bot.clock.now();
    let click = lark::click_body(&lark::id_of(JO), "deliver_phone", &value, true, 3, now);
    let mut click: Value = serde_json::from_str(&click).unwrap();
    click["event"]["operator"]["tenant_key"] = lark::OTHER_TENANT.into();
    let answer = bot.post_to_lark(&click.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let told = text_of(&bot.slack.last());
    assert!(told.contains("This card belongs to Jo Lim."), "{told}");
    // An event for another tenant is none of ours at all.
    let mut elsewhere: Value = serde_json::from_str(&event).unwrap();
    elsewhere["header"]["tenant_key"] = lark::OTHER_TENANT.into();
    let refused = bot.send_to_lark(&elsewhere.to_string()).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

/// Whoever is of another tenant is told so once in some minutes: our sends and the record are not theirs to use up.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_of_another_tenant_is_answered_once_in_some_minutes() {
    let bot = TestBot::new().await;
    let text = ("text", json!({ "text": "@_user_1 /reset-password" }));
    let says = async |who: &str, tenant: &str, serial: u32| {
        let mut command = lark::message_in(GROUP, who, &text, &lark::mentions(&[]));
        command["sender"]["tenant_key"] = tenant.into();
        let event = lark::event("im.message.receive_v1", serial, bot.clock.now(), &command);
        let answer = bot.on(Platform::Lark).post_to_lark(&event).await;
        assert_eq!(answer.status, StatusCode::OK);
        bot.slack.said().len()
    };
    let first = says("ou_guest", lark::OTHER_TENANT, 1).await;
    assert!(first > 0);
    let trace = bot.trace().await;
    for serial in 2..12 {
        assert_eq!(says("ou_guest", lark::OTHER_TENANT, serial).await, first);
    }
    assert_eq!(
        bot.trace().await,
        trace,
        "and the record has no further row"
    );

    // Somebody else is told, and those of our tenant are answered always.
    let second = says("ou_guest_too", lark::OTHER_TENANT, 12).await;
    assert!(second > first);
    let mut said = second;
    for serial in 13..16 {
        let now = says(&lark::id_of(JO), lark::TENANT, serial).await;
        assert!(now > said, "{serial}");
        said = now;
    }
    bot.clock
        .advance(relatch::surface::domain::Span::minutes(5));
    assert!(says("ou_guest", lark::OTHER_TENANT, 16).await > said);
}

/// Lark may push one message as two events, so the message counts (Lark, "Receive message": tell them apart by `message_id`,
/// not by `event_id`).
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_as_two_events_is_one_command() {
    let bot = TestBot::new().await;
    let text = (
        "text",
        json!({ "text": "@_user_1 /reset-password @_user_2" }),
    );
    let event = message(GROUP, &text, 1, bot.clock.now());
    bot.on(Platform::Lark).post_to_lark(&event).await;
    let (said, trace) = (bot.slack.said().len(), bot.trace().await);
    let mut again: Value = serde_json::from_str(&event).unwrap();
    again["header"]["event_id"] = "event-of-the-second-push".into();
    let answer = bot.post_to_lark(&again.to_string()).await;
    assert_eq!(
        (answer.status, bot.slack.said().len()),
        (StatusCode::OK, said)
    );
    assert_eq!(bot.trace().await, trace);
    // The same words typed again are another message.
    again["event"]["message"]["message_id"] = "om_typed_again".into();
    again["header"]["event_id"] = "event-of-another-message".into();
    bot.post_to_lark(&again.to_string()).await;
    assert!(bot.slack.said().len() > said);
}

/// Lark repeats an event of the old schema too until it is answered with 200. It has no effect.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_the_old_schema_is_taken_without_effect() {
    let bot = TestBot::new().await;
    let before = bot.trace().await;
    let answer = bot.post_to_lark(&lark::old_event(lark::VERIFICATION)).await;
    assert_eq!((answer.status, bot.slack.said().len()), (StatusCode::OK, 0));
    let forged = bot
        .post_to_lark(&lark::old_event("canary-lark-verification-02"))
        .await;
    assert_eq!(forged.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bot.trace().await, before);
}

/// In rich text the mention of everybody is `@_all`, and `all` in Lark's pages ("Structure of message content").
#[tokio::test(flavor = "multi_thread")]
async fn everybody_in_rich_text_is_no_member() {
    for (serial, everybody) in (1..).zip(["@_all", "all"]) {
        let bot = TestBot::new().await;
        let at = json!({ "tag": "at", "user_id": everybody, "user_name": "x", "style": [] });
        let text = json!({ "tag": "text", "text": "/reset-password ", "style": [] });
        let content = ("post", json!({ "title": "", "content": [[text, at]] }));
        let told = says(&bot, GROUP, &content, serial).await.text();
        assert!(
            told.contains("@all is not a member."),
            "{everybody}: {told}"
        );
    }
}
