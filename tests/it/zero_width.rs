//! Characters that show nothing are ignored in commands and in typed addresses, on every platform and on the member's pages.

use relatch::domain::{EmailAddress, Platform};

use crate::support::slack::user_id;
use crate::support::{OWN, TestBot};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";

/// As an earlier version wrote an address on Mattermost, and as other programs put marks around what is copied.
#[tokio::test(flavor = "multi_thread")]
async fn a_copied_address_names_its_member() {
    let bot = TestBot::new().await;
    for &platform in Platform::ALL {
        for text in [
            "mina.park@\u{200b}acme.example",
            "\u{feff}mina.park\u{2060}@acme.example\u{200e}",
        ] {
            let told = bot.on(platform).command(JO, text).await.text();
            assert!(
                told.contains("Reset the login password of Mina Park?"),
                "{platform}: {told}"
            );
        }
        let mina = format!("<@{}>", user_id(MINA));
        let told = bot
            .on(platform)
            .command(JO, &format!("why\u{200b} {mina}"))
            .await
            .text();
        // Discord has a field of its own for the first word.
        let is_free = platform != Platform::Discord;
        assert!(
            !is_free || told.contains("Could you reset Mina Park?"),
            "{platform}: {told}"
        );
    }
}

/// The help of an earlier version wrote `@`, a character of no width and the name.
#[tokio::test(flavor = "multi_thread")]
async fn a_copied_mention_of_mattermost_names_its_member() {
    let bot = TestBot::new().await;
    let text = format!("@\u{200b}{}", user_id(MINA).to_lowercase());
    let told = bot.on(Platform::Mattermost).command(JO, &text).await.text();
    assert!(
        told.contains("Reset the login password of Mina Park?"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_destination_is_read_as_it_is_seen() {
    let bot = TestBot::new().await;
    for &platform in Platform::ALL {
        for (typed, to) in [
            ("mina\u{200b}@home.example", "m···@home.example"),
            ("\u{202a}+82 10 8765 4321\u{202c}", "+82 ··· ··21"),
        ] {
            let card = bot.on(platform).card(JO, MINA).await;
            bot.click(JO, &card, "deliver_other").await;
            bot.submit(JO, typed).await;
            let look = bot.slack.last_text();
            assert!(
                look.contains("Ready to reset Mina Park.") && look.contains(to),
                "{look}"
            );
            bot.click(JO, &bot.slack.last(), "cancel").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_signs_in_with_a_copied_address() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let page = bot
        .browser()
        .sign_in("mina.park@\u{200b}acme.example", OWN)
        .await;
    assert_eq!(page.to(), "/account", "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_copies_an_address_from_the_chat() {
    let bot = TestBot::new().await;
    let ran = bot.relatch(&["members", "show", "mina.park@\u{200b}acme.example"]);
    assert!(
        ran.code == 0 && ran.out.contains("Mina Park"),
        "{}{}",
        ran.out,
        ran.err
    );
}

/// Only what is typed: two entries of a directory that look alike stay two.
#[test]
fn an_address_of_a_directory_is_read_as_it_is() {
    assert!("jo@\u{200b}acme.example".parse::<EmailAddress>().is_err());
}
