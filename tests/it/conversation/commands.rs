//! The next command and the texts of help, log and why.

use serde_json::json;

use super::{JO, KIM, LEE, MINA, NOA, NOTHING};
use crate::support::slack::{button_value, shown_password, text_of, user_id};
use crate::support::{Left, NEWS, TestBot, one_try_of_three};

/// A result that could not be told comes beside the answer to the next command, as a message of its own.
async fn what_could_not_be_told_is_told_at_the_next_command() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let noa = format!("<@{}>", user_id(NOA));
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.slack.answer_replies_with(Some(404));
    bot.click(JO, &ready, "confirm").await;
    bot.slack.answer_replies_with(None);
    let next = bot.command(JO, "help").await.text();
    assert!(
        !next.contains("About your reset"),
        "help names nobody: {next}"
    );
    let before = bot.slack.said().len();
    let card = bot.card(JO, NOA).await;
    bot.settle().await;
    assert!(!text_of(&card).contains("Mina Park"), "{}", text_of(&card));
    let after = bot.slack.said().split_off(before);
    let news = after.last().expect("a message beside the card");
    assert!(
        text_of(news).starts_with(NEWS)
            && text_of(news)
                .contains("About your reset of Mina Park at 10:00: it was changed and delivered."),
        "{}",
        text_of(news)
    );
    assert_ne!(news["replace_original"], json!(true));
    // The card is untouched.
    bot.click(JO, &card, "cancel").await;
    assert!(bot.slack.last_text().contains("Cancelled"));
    assert_eq!(bot.news_beside(JO, &noa).await, None, "told twice");
    // A command without a card tells it too.
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.slack.answer_replies_with(Some(404));
    bot.click(JO, &ready, "confirm").await;
    bot.slack.answer_replies_with(None);
    let next = bot.news_beside(JO, "sam@acme.example").await.unwrap();
    assert!(
        next.contains("About your reset of Mina Park at 10:00"),
        "{next}"
    );
}

/// What was not taken beside an answer is told at the next command.
async fn news_that_was_refused_is_told_again() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let noa = format!("<@{}>", user_id(NOA));
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.slack.answer_replies_with(Some(404));
    bot.click(JO, &ready, "confirm").await;
    bot.command(JO, &noa).await;
    bot.settle().await;
    bot.slack.answer_replies_with(None);
    let next = bot.news_beside(JO, &noa).await.unwrap_or_default();
    assert!(next.contains("About your reset of Mina Park"), "{next}");
    assert_eq!(bot.news_beside(JO, &noa).await, None, "told twice");
}

/// A command that lacks something says what, and a mistyped one what was probably meant.
async fn a_wrong_command_says_what_is_right() {
    let bot = TestBot::new().await;
    let noa = format!("<@{}>", user_id(NOA));
    for (typed, told) in [
        (
            "contact".to_owned(),
            "Whom? /reset-password contact @member +82…",
        ),
        ("why".to_owned(), "Whom? /reset-password why @member"),
        (format!("contact {noa}"), "Add a phone or a private email."),
        (
            format!("contact {noa}"),
            "/reset-password contact @member +82 10 1234 5678",
        ),
        (
            "lgo".to_owned(),
            "I don't know \"lgo\". Did you mean \"log\"?",
        ),
        ("log refuesd".to_owned(), "Did you mean \"log refused\"?"),
        // The help stands below.
        ("hlep".to_owned(), "You can make 5 resets in 24 h."),
    ] {
        let answer = bot.command(JO, &typed).await.text();
        assert!(answer.contains(told), "{typed}: {answer}");
        assert_eq!(answer.matches(NOTHING).count(), 1, "{typed}: {answer}");
        assert!(answer.contains("(ref "), "{typed}: {answer}");
    }
    assert_eq!(bot.count("contact").await, 0);
}

/// The same before a member: nothing is taken for a reset.
async fn a_mistyped_command_about_a_member_is_no_reset() {
    let bot = TestBot::new().await;
    let noa = format!("<@{}>", user_id(NOA));
    for (typed, told) in [
        (format!("wyh {noa}"), "Did you mean \"why\"?"),
        (
            format!("cotnact {noa} +821012345699"),
            "Did you mean \"contact\"?",
        ),
        (
            format!("log refuesd {noa}"),
            "Did you mean \"log refused\"?",
        ),
    ] {
        let answer = bot.command(JO, &typed).await.text();
        assert!(answer.contains(told), "{typed}: {answer}");
        assert_eq!(answer.matches(NOTHING).count(), 1, "{typed}: {answer}");
    }
    assert_eq!(bot.count("contact").await + bot.count("reset").await, 0);
}

/// Whoever is named and is no full member is named, whatever they call themselves, and called what they are.
async fn guests_and_bots_are_named() {
    let bot = TestBot::new().await;
    for (who, what, name, told) in [
        (
            MINA,
            "is_restricted",
            "Gus *Ray* <@UJO>",
            "is a guest of this workspace.",
        ),
        (NOA, "is_bot", "Build Bot", "Build Bot is a bot."),
    ] {
        bot.slack.change(who, what, json!(true));
        bot.slack
            .change(who, "profile", json!({ "email": who, "real_name": name }));
        let answer = bot.command(JO, &format!("<@{}>", user_id(who))).await;
        let text = answer.text();
        assert!(text.contains(told), "{text}");
        assert!(
            text.contains("Nothing was changed.") && text.contains("(ref "),
            "{text}"
        );
        // Whoever may not reset learns nothing of them.
        let text = bot
            .command(LEE, &format!("<@{}>", user_id(who)))
            .await
            .text();
        assert!(
            text.contains("You can't reset passwords") && !text.contains(told),
            "{text}"
        );
    }
}

/// Two administrators, one member.
async fn the_same_member_again_is_told_with_care() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_copy").await;
    let card = text_of(&bot.card(KIM, MINA).await);
    assert!(
        card.contains(
            "⚠ Jo Lim reset Mina Park today at 10:00; if you go on, that password stops working."
        ),
        "{card}"
    );
}

/// Help, log and why change nothing; a delegated administrator sees their own resets only.
async fn help_log_and_why() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    assert!(
        bot.command(JO, "")
            .await
            .text()
            .contains("You can make 5 resets in 24 h.")
    );
    bot.reset(JO, MINA, "deliver_phone").await;
    assert!(
        bot.command(JO, "log")
            .await
            .text()
            .contains("Mina Park by Jo Lim by phone: delivered (ref ")
    );
    assert!(
        bot.command(JO, "log <@UNOA>")
            .await
            .text()
            .contains("None so far.")
    );
    assert!(
        bot.command(KIM, "log <@UMINAPARK>")
            .await
            .text()
            .contains("None so far.")
    );
    assert!(
        bot.command(LEE, "log")
            .await
            .text()
            .contains("You can't reset passwords")
    );
    let why = bot.command(KIM, "why <@UJO>").await.text();
    assert!(
        why.contains("✗ Jo Lim is no primary admin, or you are one")
            && why.contains("✓ you may reset passwords"),
        "{why}"
    );
    assert_eq!(why.matches(NOTHING).count(), 1);
    assert!(
        bot.command(LEE, "why <@UMINAPARK>")
            .await
            .text()
            .contains("You can't reset passwords")
    );
}

/// The message that shows a password goes out before its end is on disk; who reads it fast is not told to wait.
async fn the_next_command_may_come_as_soon_as_the_password_is_read() {
    one_try_of_three(async || {
        let bot = TestBot::new().await;
        let ready = bot.last_look(JO, MINA, "deliver_copy").await;
        let before = bot.slack.said().len();
        bot.slack
            .delay_acknowledgements(std::time::Duration::from_millis(300));
        bot.click_and_go(JO, "confirm", &button_value(&ready, "confirm").unwrap())
            .await;
        bot.wait_until_said(before, |said| shown_password(said).is_some())
            .await;
        let next = bot.command(JO, "<@UMINAPARK>").await.text();
        bot.settle().await;
        if next.contains(
            "⚠ You reset Mina Park today at 10:00; if you go on, that password stops working.",
        ) {
            Ok(())
        } else {
            Err(next)
        }
    })
    .await;
}

on_every_platform! {
    help_log_and_why,
    the_same_member_again_is_told_with_care,
    what_could_not_be_told_is_told_at_the_next_command,
    news_that_was_refused_is_told_again,
    a_wrong_command_says_what_is_right,
    the_next_command_may_come_as_soon_as_the_password_is_read,
}

// On Discord the member is an option of the command, and other commands than a reset are chosen from a list. Lark has no
// guests and no bots among its accounts.
hold! {
    on_slack on Slack:
    a_mistyped_command_about_a_member_is_no_reset,
    guests_and_bots_are_named,
}

hold! {
    on_discord on Discord:
    guests_and_bots_are_named,
}

hold! {
    on_lark on Lark:
    a_mistyped_command_about_a_member_is_no_reset,
}

hold! {
    on_mattermost on Mattermost:
    a_mistyped_command_about_a_member_is_no_reset,
    guests_and_bots_are_named,
}
