//! Slack as it really is: accounts of an Enterprise organization, links in a command's text, and commands that lack a word.

use axum::http::StatusCode;
use relatch::surface::domain::Platform;
use serde_json::json;

use crate::support::slack::{command_body, text_of, user_id};
use crate::support::{TEAM, TestBot};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

/// A text as Slack passes it on.
async fn typed(bot: &TestBot, text: &str) -> String {
    let body = command_body(&user_id(JO), text, &bot.slack.reply_url(900));
    let answer = bot.post("/slack/commands", &body).await;
    assert_eq!(answer.status, StatusCode::OK);
    bot.settle().await;
    answer.text()
}

/// The account says itself of which workspaces it is; the settings need not name the organization.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_our_workspace_of_an_organization_is_one_of_us() {
    let bot = TestBot::new().await;
    for email in [JO, MINA] {
        bot.slack.move_to_grid(email, &["T0ANOTHER", TEAM]);
    }
    let card = text_of(&bot.card(JO, MINA).await);
    assert!(card.contains("Reset Mina Park's password?"), "{card}");

    // Of the organization, but not of our workspace.
    bot.clock
        .advance(relatch::surface::domain::Span::minutes(1));
    bot.slack.move_to_grid(MINA, &["T0ANOTHER"]);
    let told = text_of(&bot.card(JO, MINA).await);
    assert!(
        told.contains("exactly one account") && told.contains("Nothing was changed."),
        "{told}"
    );
    for teams in [&["T0ANOTHER"][..], &[]] {
        bot.slack.move_to_grid(JO, teams);
        bot.clock
            .advance(relatch::surface::domain::Span::minutes(1));
        let told = text_of(&bot.card(JO, NOA).await);
        assert!(told.contains("another workspace"), "{told}");
    }
    // A stranger stays one, whatever else their account says.
    bot.slack.move_to_grid(JO, &[TEAM]);
    bot.slack.change(JO, "is_stranger", json!(true));
    bot.clock
        .advance(relatch::surface::domain::Span::minutes(1));
    let told = text_of(&bot.card(JO, NOA).await);
    assert!(told.contains("another workspace"), "{told}");
}

/// Slack writes a typed phone number and e-mail as a link, with entities in it.
#[tokio::test(flavor = "multi_thread")]
async fn links_in_a_command_are_what_was_typed() {
    let bot = TestBot::new().await;
    let noa = format!("<@{}>", user_id(NOA));
    let added = typed(
        &bot,
        &format!("contact {noa} <tel:+821077776666|+82 10 7777 6666>"),
    )
    .await;
    assert!(added.contains("66 was added"), "{added}");
    let added = typed(
        &bot,
        &format!("contact {noa} <mailto:n&amp;oa@mail.example|n&amp;oa@mail.example>"),
    )
    .await;
    assert!(
        !added.contains("not a complete") && added.contains("@mail.example"),
        "{added}"
    );
    bot.outbox.take();
    let card = typed(
        &bot,
        "<mailto:mina.park@acme.example|mina.park@acme.example> called from <tel:+82255501000|+82 2 5550 1000>",
    )
    .await;
    assert!(card.contains("Reset Mina Park's password?"), "{card}");
    let reasons = bot.rows("reset", &[]).await.join("\n");
    assert!(reasons.contains("called from +82255501000"), "{reasons}");
    let card = typed(
        &bot,
        "<mailto:noa@acme.example|noa@acme.example> called from <tel:+82255501000&amp;2|+82255501000&amp;2>",
    )
    .await;
    assert!(card.contains("Reset Noa Bae's password?"), "{card}");
    let reasons = bot.rows("reset", &[]).await.join("\n");
    assert!(
        reasons.contains("called from +82255501000&2") && !reasons.contains("tel:"),
        "{reasons}"
    );
    // What is no address is told as it was typed.
    let told = typed(&bot, "contact <mailto:mina&amp;x|mina&amp;x> 1").await;
    assert!(told.contains("\"mina&x\""), "{told}");
}

/// Of a link people see the label. What it leads to counts only where the label says the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_reads_otherwise_than_it_leads_is_refused() {
    let bot = TestBot::new().await;
    let noa = format!("<@{}>", user_id(NOA));
    for address in [
        "<tel:+821077776666|+82 10 1234 5678>",
        "<tel:+821077776666|call Noa>",
        "<tel:+821077776666|>",
        "<tel:+821077776666|\u{202e}+82 10 7777 6666>",
        "<tel:+821077776666|+82 10 7777\u{202e} 6666>",
        "<mailto:other@mail.example|noa@mail.example>",
        "<mailto:other@mail.example|Noa>",
    ] {
        let told = typed(&bot, &format!("contact {noa} {address}")).await;
        assert!(
            told.contains("not a complete") && told.contains("Nothing was changed."),
            "{address}: {told}"
        );
    }
    let told = typed(&bot, "<mailto:mina.park@acme.example|noa@acme.example>").await;
    assert!(
        told.contains("exactly one account") && told.contains("Nothing was changed."),
        "{told}"
    );
    assert_eq!((bot.count("reset").await, bot.outbox.take().len()), (0, 0));
    // The same in other letters or with other signs between the digits, and a link without a label.
    for same in [
        "<mailto:mina.park@acme.example|Mina.Park@ACME.example>",
        "<mailto:mina.park@acme.example>",
    ] {
        let card = typed(&bot, same).await;
        assert!(
            card.contains("Reset Mina Park's password?"),
            "{same}: {card}"
        );
    }
    for same in [
        "<tel:+821077776666|+82 (10) 7777-6666>",
        "<tel:+821077776666|\u{202a}+82 10 7777 6666\u{202c}>",
        "<tel:+821077776666>",
    ] {
        let added = typed(&bot, &format!("contact {noa} {same}")).await;
        assert!(!added.contains("not a complete"), "{same}: {added}");
        bot.outbox.take();
    }
}

/// Without `should_escape` Slack passes on a bare name, which may belong to several people or to nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_bare_name_is_told_how_to_be_escaped() {
    let bot = TestBot::new().await;
    let before = bot.count("reset").await;
    for text in [
        "@mina",
        "why @mina",
        "contact @mina +82 10 7777 6666",
        "log @mina",
    ] {
        let told = bot.command(JO, text).await.text();
        for part in [
            "\"@mina\"",
            "should_escape",
            "work email",
            "Nothing was changed.",
            "(ref ",
        ] {
            assert!(told.contains(part), "{text}: {told}");
        }
        assert!(told.chars().count() <= 350, "{told}");
    }
    let longest = bot
        .command(JO, &format!("@{}", "m".repeat(300)))
        .await
        .text();
    assert!(longest.chars().count() <= 350, "{longest}");
    assert_eq!(bot.count("reset").await, before);
    // Elsewhere a bare name has other reasons.
    for platform in [Platform::Discord, Platform::Lark] {
        let told = bot.on(platform).command(JO, "@mina").await.text();
        assert!(!told.contains("should_escape"), "{platform}: {told}");
    }
}

/// A word of ours without a member gets the form that it needs.
#[tokio::test(flavor = "multi_thread")]
async fn why_and_contact_alone_are_told_their_form() {
    let bot = TestBot::new().await;
    for &platform in Platform::ALL {
        for (text, form) in [
            ("why", "/reset-password why @member"),
            ("contact", "Whom? /reset-password contact @member +82…"),
            ("CONTACT ", "Whom? /reset-password contact @member +82…"),
        ] {
            let told = bot.on(platform).command(JO, text).await.text();
            assert!(
                told.contains(form)
                    && told.contains("Nothing was changed.")
                    && told.contains("(ref "),
                "{platform}: {told}"
            );
            assert!(
                !told.contains("\"\"") && told.chars().count() <= 350,
                "{platform}: {told}"
            );
        }
    }
}
