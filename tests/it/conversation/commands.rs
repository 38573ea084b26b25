//! The next command and the texts of help, log and why.

use super::{JO, KIM, LEE, MINA, NOA, NOTHING};
use crate::support::slack::{button_value, shown_password, text_of};
use crate::support::{Left, TestBot, one_try_of_three};

/// Copy that could not be shown is undelivered, and told at the next command.
async fn what_could_not_be_told_is_told_at_the_next_command() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.slack.answer_replies_with(Some(404));
    bot.click(JO, &ready, "confirm").await;
    bot.slack.answer_replies_with(None);
    let next = bot.command(JO, "help").await.text();
    assert!(
        !next.contains("About your reset"),
        "help names nobody: {next}"
    );
    let next = text_of(&bot.card(JO, NOA).await);
    assert!(
        next.contains("About your reset of Mina Park at 10:00: it was changed and delivered."),
        "{next}"
    );
    assert!(
        !text_of(&bot.card(JO, NOA).await).contains("About your reset"),
        "told twice"
    );
    // A command without a card tells it too.
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.slack.answer_replies_with(Some(404));
    bot.click(JO, &ready, "confirm").await;
    bot.slack.answer_replies_with(None);
    let next = bot.command(JO, "sam@acme.example").await.text();
    assert!(
        next.contains("About your reset of Mina Park at 10:00"),
        "{next}"
    );
}

/// Two administrators, one member.
async fn the_same_member_again_is_told_with_care() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_copy").await;
    let card = text_of(&bot.card(KIM, MINA).await);
    assert!(card.contains("Jo Lim reset Mina Park at 10:00."), "{card}");
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
        if next.contains("You reset Mina Park at 10:00.") {
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
    the_next_command_may_come_as_soon_as_the_password_is_read,
}
