//! The reason of a reset, refused tries and added contacts: where they are shown.

use relatch::surface::domain::{Platform, Span};

use crate::support::slack::{text_of, user_id};
use crate::support::{Left, TestBot};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const LEE: &str = "lee@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";

fn mention(email: &str) -> String {
    format!("<@{}|someone>", user_id(email))
}

/// It is on the card, also when the card is drawn again, on the last look, on the result and in the log: in every chat.
#[tokio::test(flavor = "multi_thread")]
async fn the_reason_is_shown_from_card_to_log() {
    for &platform in Platform::ALL {
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "the SMS with the password");
        let shows = |what: &str, text: &str| {
            assert!(
                text.to_lowercase().contains("reason: inc-2041 lost phone")
                    || text.contains("reason INC-2041 lost phone"),
                "{platform} {what}: {text}"
            );
        };
        let command = format!("{} INC-2041 lost phone", mention(MINA));
        let card = bot.on(platform).command(JO, &command).await.json();
        shows("card", &text_of(&card));
        bot.click(JO, &card, "deliver_email").await;
        shows("last look", &bot.slack.last_text());
        bot.click(JO, &bot.slack.last(), "back").await;
        shows("card again", &bot.slack.last_text());
        bot.click(JO, &bot.slack.last(), "deliver_phone").await;
        bot.click(JO, &bot.slack.last(), "confirm").await;
        shows("result", &bot.slack.last_text());
        let log = bot.command(JO, "log").await.text();
        assert!(
            log.contains("delivered, reason INC-2041 lost phone (ref"),
            "{platform}: {log}"
        );
    }
}

/// A long reason is shortened between two words where many stand below each other.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_reason_is_shortened_in_the_log_between_words() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the SMS with the password");
    let reason = "they called from the number on record and gave their employee number INC-2041";
    let card = bot
        .command(JO, &format!("{} {reason}", mention(MINA)))
        .await
        .json();
    assert!(text_of(&card).contains(reason));
    bot.click(JO, &card, "deliver_phone").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let log = bot.command(JO, "log").await.text();
    assert!(
        log.contains("reason they called from the number on record and gave their… (ref"),
        "{log}"
    );
}

/// The audit has it in every line of the reset.
#[tokio::test(flavor = "multi_thread")]
async fn the_audit_has_the_reason() {
    let bot = TestBot::new().await;
    let card = bot
        .command(JO, &format!("{} INC-2041", mention(MINA)))
        .await
        .json();
    bot.click(JO, &card, "cancel").await;
    assert_eq!(bot.count("audit where reason = 'INC-2041'").await, 2);
}

/// `log refused` shows who tried what and why it was refused. A delegated administrator sees their own tries alone.
#[tokio::test(flavor = "multi_thread")]
async fn log_refused_shows_what_was_refused() {
    for &platform in Platform::ALL {
        let bot = TestBot::new().await;
        bot.on(platform);
        let empty = bot.command(JO, "log refused").await.text();
        assert!(empty.contains("None so far."), "{platform}: {empty}");
        bot.command(KIM, &mention(JO)).await;
        bot.command(JO, &mention("sam@acme.example")).await;
        bot.command(LEE, &mention(MINA)).await;
        bot.command(JO, "nobody@acme.example").await;
        let card = bot.card(JO, MINA).await;
        bot.click(LEE, &card, "deliver_phone").await;
        bot.click(JO, &card, "cancel").await;

        let all = bot.command(JO, "log refused").await.text();
        for line in [
            "Kim Cho, command about Jo Lim: refused, outranked",
            "Jo Lim, command about Sam Suspended: refused, status",
            "Lee Han, command: refused, not admin",
            "Jo Lim, command: refused, no such member",
            "about Mina Park: refused, not yours",
        ] {
            assert!(all.contains(line), "{platform}: {line} is not in {all}");
        }
        let own = bot.command(KIM, "log refused").await.text();
        assert!(
            own.contains("Kim Cho, command about Jo Lim"),
            "{platform}: {own}"
        );
        for other in ["Sam Suspended", "Lee Han", "Mina Park"] {
            assert!(!own.contains(other), "{platform}: {own}");
        }
        let of_jo = bot
            .command(JO, &format!("log refused {}", mention("sam@acme.example")))
            .await
            .text();
        assert!(
            of_jo.contains("about Sam Suspended") && !of_jo.contains("Kim Cho"),
            "{platform}: {of_jo}"
        );
        let denied = bot.command(LEE, "log refused").await.text();
        assert!(
            denied.contains("You can't reset passwords.")
                && denied.contains("Nothing was changed."),
            "{platform}: {denied}"
        );
    }
}

/// Contacts that were added stand in the log with whoever added them, beside the resets and beside the refusals.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_shows_added_contacts_and_by_whom() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices about the contact");
    bot.command(JO, &format!("contact {} +82 10 1234 5699", mention(NOA)))
        .await;
    bot.clock.advance(Span::minutes(1));
    let line = "10:00  Jo Lim added the contact +82 ··· ··99 for Noa Bae (ref";
    for command in [
        "log".to_owned(),
        "log refused".to_owned(),
        format!("log {}", mention(NOA)),
        format!("log refused {}", mention(NOA)),
    ] {
        let log = bot.command(JO, &command).await.text();
        assert!(log.contains(line), "{command}: {log}");
    }
    let other = bot
        .command(JO, &format!("log {}", mention(MINA)))
        .await
        .text();
    assert!(other.contains("None so far."), "{other}");
    let own = bot.command(KIM, "log").await.text();
    assert!(own.contains("None so far."), "{own}");
}

/// A refused command keeps its reason: in the audit and in the log, whichever rule refused it.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_keeps_its_reason() {
    for &platform in Platform::ALL {
        let bot = TestBot::new().await;
        bot.on(platform);
        for (who, whom) in [
            (KIM, mention(JO)),
            (JO, mention("sam@acme.example")),
            (JO, "nobody@acme.example".to_owned()),
        ] {
            bot.command(who, &format!("{whom} INC-2041")).await;
        }
        let all = bot.command(JO, "log refused").await.text();
        for line in ["outranked", "status", "no such member"] {
            let line = format!("refused, {line}, reason INC-2041");
            assert!(all.contains(&line), "{platform}: {line} is not in {all}");
        }
        assert_eq!(bot.count("audit where reason = 'INC-2041'").await, 3);
    }
}

/// What could not be asked was not refused.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_no_refusal() {
    let bot = TestBot::new().await;
    bot.slack
        .answer_who_with(Some((503, serde_json::Value::Null)));
    bot.command(JO, &mention(MINA)).await;
    bot.slack.answer_who_with(None);
    assert_eq!(
        bot.count("audit where outcome = 'chat_unavailable'").await,
        1
    );
    let all = bot.command(JO, "log refused").await.text();
    assert!(all.contains("None so far."), "{all}");
}

/// No column begins a formula in a spreadsheet.
#[tokio::test(flavor = "multi_thread")]
async fn no_column_of_the_csv_is_a_formula() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_email").await;
    bot.outbox.take();
    bot.sql(
        "update reset set admin_email = '=jo@acme.example', member_email = '+mina@acme.example'",
    )
    .await;
    bot.write_settings("");
    let ran = bot.relatch(&["resets", "--format", "csv"]);
    for guarded in [",'=jo@acme.example,", ",'+mina@acme.example,"] {
        assert!(ran.out.contains(guarded), "{}{}", ran.out, ran.err);
    }
}
