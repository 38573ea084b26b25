//! Characters that show nothing are ignored in commands and in typed addresses, on every platform and on the member's pages,
//! unless they change the order in which the others are seen.

use relatch::surface::domain::{EmailAddress, Platform};

use crate::support::slack::user_id;
use crate::support::{OWN, TestBot};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";
/// Marks after which letters or digits are seen from right to left (Unicode Standard Annex #9).
const REVERSING: [char; 4] = ['\u{200f}', '\u{202b}', '\u{202e}', '\u{2067}'];

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
                told.contains("Reset Mina Park's password?"),
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
    assert!(told.contains("Reset Mina Park's password?"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typed_destination_is_read_as_it_is_seen() {
    let bot = TestBot::new().await;
    for &platform in Platform::ALL {
        for (typed, to) in [
            (
                "mina\u{200b}@home.example",
                "Goes to: email mina@home.example, not on record",
            ),
            (
                "\u{202a}+82 10 8765 4321\u{202c}",
                "Goes to: SMS +82 10 8765 4321, not on record",
            ),
        ] {
            let card = bot.on(platform).card(JO, MINA).await;
            bot.click(JO, &card, "deliver_other").await;
            bot.submit(JO, typed).await;
            let look = bot.slack.last_text();
            assert!(
                look.contains("Reset Mina Park now?") && look.contains(to),
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

/// What is read is Mina's address; what is seen is its letters in another order.
#[tokio::test(flavor = "multi_thread")]
async fn a_reversed_address_names_nobody() {
    let bot = TestBot::new().await;
    for &platform in Platform::ALL {
        for mark in REVERSING {
            for text in [
                format!("{mark}{MINA}\u{202c}"),
                format!("m{mark}ina.park\u{202c}@acme.example"),
            ] {
                let told = bot.on(platform).command(JO, &text).await.text();
                assert!(
                    told.contains("exactly one account") && told.contains("Nothing was changed."),
                    "{platform} {mark:?}: {told}"
                );
                assert!(!told.contains(mark), "{platform} {mark:?}: {told:?}");
            }
        }
    }
    assert_eq!(bot.count("reset").await, 0);
}

/// `@` and a reversed name is seen as another name; so is a name with reversed letters behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reversed_mention_of_mattermost_names_nobody() {
    let bot = TestBot::new().await;
    let mina = user_id(MINA).to_lowercase();
    for mark in REVERSING.into_iter().chain(['\u{200e}', '\u{2066}']) {
        for text in [format!("@{mark}{mina}"), format!("@{mina}{mark}.krap")] {
            let told = bot.on(Platform::Mattermost).command(JO, &text).await.text();
            assert!(
                told.contains("exactly one account") && told.contains("Nothing was changed."),
                "{mark:?}: {told}"
            );
            assert!(!told.contains(mark), "{mark:?}: {told:?}");
        }
    }
}

/// `m`, a mark and `krap.ani@mail.example` is seen as `mina.park@mail.example` and belongs to somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_reversed_destination_is_refused() {
    for &platform in Platform::ALL {
        let bot = TestBot::new().await;
        let card = bot.on(platform).card(JO, MINA).await;
        for mark in REVERSING {
            for (typed, refusal) in [
                (
                    format!("m{mark}krap.ani\u{202c}@home.example"),
                    "not a complete email",
                ),
                (
                    format!("+82 10 {mark}8765 4321\u{202c}"),
                    "not a complete phone number",
                ),
            ] {
                bot.click(JO, &card, "deliver_other").await;
                let told = bot.submit(JO, &typed).await.refusal_of_form();
                assert!(told.contains(refusal), "{platform} {mark:?}: {told}");
                let mina = user_id(MINA);
                let added = bot
                    .command(JO, &format!("contact <@{mina}> {typed}"))
                    .await
                    .text();
                assert!(added.contains(refusal), "{platform} {mark:?}: {added}");
            }
        }
        bot.click(JO, &card, "cancel").await;
        assert_eq!(bot.outbox.take().len(), 0);
    }
}

/// A reason is not acted upon. It is kept without the marks, because cards and lists show it among other text.
#[tokio::test(flavor = "multi_thread")]
async fn a_reason_changes_no_order() {
    let bot = TestBot::new().await;
    let card = bot
        .command(
            JO,
            &format!("{MINA} lost\u{202e} the\u{2067} \u{200f}phone"),
        )
        .await
        .text();
    assert!(card.contains("'s password?"), "{card}");
    let rows = bot.rows("reset", &[]).await.join("\n");
    assert!(rows.contains("'lost the phone'"), "{rows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reversed_address_signs_nobody_in() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, OWN).await;
    let page = bot.browser().sign_in(&format!("\u{202e}{MINA}"), OWN).await;
    assert!(page.text.contains("do not match"), "{}", page.text);
    let ran = bot.relatch(&["members", "show", &format!("\u{202e}{MINA}")]);
    assert!(ran.code != 0, "{}", ran.out);
}
