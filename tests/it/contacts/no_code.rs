//! What is said where no code can come, or where the password is blocked: nothing promises that it works.

use axum::http::StatusCode;
use relatch::surface::domain::delivery::Ways;
use relatch::surface::domain::{Carries, Span};

use super::{JO, KIM, MINA, NOA, NUMBER, PLATFORMS, disown};
use crate::support::slack::text_of;
use crate::support::{TestBot, on};

const PRIVATE: &str = "noa@mail.example";

/// A reset of Noa, to a typed address that gets no code.
async fn to_typed(bot: &TestBot, address: &str) {
    let card = bot.card(JO, NOA).await;
    bot.click(JO, &card, "reachable").await;
    bot.click(JO, &bot.slack.last(), "deliver_other").await;
    bot.submit(JO, address).await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
}

fn mail_to(bot: &TestBot, address: &str) -> String {
    let sent = bot.outbox.take();
    let mail = sent.iter().find(|sent| sent.to == address).expect("a mail");
    mail.text.clone()
}

/// The mail with the password, and the one with the link, say what is missing. With a contact they promise the code.
#[tokio::test(flavor = "multi_thread")]
async fn the_mail_to_the_member_promises_no_code_that_cannot_come() {
    const PROMISE: &str = "You will be asked for a code";
    const MISSING: &str = "a phone or private email for a code must be on record for you";
    for carries in [Carries::Password, Carries::Link] {
        let bot = TestBot::with_ways(Ways {
            is_strict: false,
            carries,
        })
        .await;
        to_typed(&bot, PRIVATE).await;
        let mail = mail_to(&bot, PRIVATE);
        assert!(mail.contains(MISSING) && !mail.contains(PROMISE), "{mail}");
        if let Some(at) = mail.find("/claim/") {
            let link = mail[at..].split_whitespace().next().unwrap();
            let page = bot.browser().open(link).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN);
            assert!(
                page.text.contains("One more thing is needed")
                    && !page.text.contains("First we send a code"),
                "{}",
                page.text
            );
            bot.alter(NOA, "phone", NUMBER).await;
            let page = bot.browser().open(link).await;
            assert!(page.text.contains("First we send a code"), "{}", page.text);
        }
        bot.alter(NOA, "phone", NUMBER).await;
        bot.clock.advance(Span::minutes(1));
        let card = bot.card(JO, NOA).await;
        bot.click(JO, &card, "deliver_other").await;
        bot.submit(JO, "noa@other.example").await;
        bot.click(JO, &bot.slack.last(), "confirm").await;
        let mail = mail_to(&bot, "noa@other.example");
        assert!(mail.contains(PROMISE) && !mail.contains(MISSING), "{mail}");
    }
}

/// In "strict" the link needs a contact on record. One that is added for codes does not help, so the card does not name
/// that command beside the right one.
#[tokio::test(flavor = "multi_thread")]
async fn strict_names_the_way_that_helps_alone() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::with_ways(Ways {
                is_strict: true,
                carries: Carries::Link,
            })
            .await;
            let told = text_of(&bot.card(JO, NOA).await);
            assert!(
                told.contains("relatch members import")
                    && told.contains("No contact can receive the code at sign-in yet.")
                    && !told.contains("members contact"),
                "{platform}: {told}"
            );
        })
        .await;
    }
}

/// After "this wasn't me" the result, drawn again, does not say that the password works, or what its sign-in asks for.
#[tokio::test(flavor = "multi_thread")]
async fn the_result_of_a_disowned_reset_promises_nothing() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            bot.directory.fail_sign_outs(2);
            let card = bot.card(JO, MINA).await;
            bot.click(JO, &card, "deliver_email").await;
            bot.click(JO, &bot.slack.last(), "confirm").await;
            let result = bot.slack.last();
            assert!(
                text_of(&result).contains("Next: they sign in by"),
                "{platform}"
            );
            disown(&bot).await;
            bot.alter(KIM, "role", "member").await;
            bot.click(JO, &result, "retry_sign_out").await;
            let told = bot.slack.last_text();
            assert!(
                told.contains("said of this reset: this wasn't me."),
                "{platform}: {told}"
            );
            for promise in ["they sign in by", "Next: ", "Ask an admin"] {
                assert!(!told.contains(promise), "{platform}: {told}");
            }
            bot.outbox.take();
        })
        .await;
    }
}
