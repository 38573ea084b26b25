//! The confirmed reset: its limit, what is read again, what the directory did, and signing out.

use axum::http::StatusCode;
use relatch::surface::directory::{NextReset, PasswordFault, ResetFailed, WhyRefused};
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::quota::Limit;
use relatch::surface::domain::{Span, State, Step, StepOutcome};
use relatch::surface::store::HistoryFilter;
use serde_json::json;

use super::{JO, KIM, MINA, NOTHING, assert_refusal, states, used};
use crate::support::slack::{button_value, shown_password, text_of};
use crate::support::{Left, TestBot};

/// S36, S37: five pass, the sixth is told when the next slot opens, and passes exactly then.
async fn the_sixth_reset_waits_for_the_oldest_slot() {
    let bot = TestBot::new().await;
    for _ in 0..5 {
        bot.reset(JO, MINA, "deliver_copy").await;
        bot.clock.advance(Span::minutes(1));
    }
    let refused = bot.command(JO, "<@UMINAPARK>").await.text();
    assert!(
        refused
            .contains("You used all 5 resets of the last 24 h. Your next one opens tomorrow 10:00 (in 23 h 55 min)."),
        "{refused}"
    );
    assert_refusal(&refused);
    // Another administrator is not concerned.
    assert!(button_value(&bot.card(KIM, MINA).await, "deliver_copy").is_some());
    bot.clock
        .advance(Span(Span::hours(24).0 - Span::minutes(5).0 - 1));
    assert!(
        bot.command(JO, "<@UMINAPARK>")
            .await
            .text()
            .contains("You used all 5")
    );
    bot.clock.advance(Span(1));
    assert!(shown_password(&bot.reset(JO, MINA, "deliver_copy").await).is_some());
}

/// P1, P2: 64 clicks at once on the last slot give one reset.
async fn sixty_four_clicks_at_once_give_one_reset() {
    let bot = std::sync::Arc::new(
        TestBot::with_limit(Limit {
            resets: 1,
            window: Span::hours(24),
        })
        .await,
    );
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    let value = button_value(&ready, "confirm").unwrap();
    let mut clicks = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (bot, value) = (std::sync::Arc::clone(&bot), value.clone());
        clicks.spawn(async move { bot.click_and_go(JO, "confirm", &value).await.status });
    }
    assert!(
        clicks
            .join_all()
            .await
            .iter()
            .all(|status| *status == StatusCode::OK)
    );
    bot.settle().await;
    assert_eq!(states(&bot).await, [State::Delivered]);
    let passwords = bot
        .outbox
        .take()
        .iter()
        .filter(|sent| sent.text.contains(" is your new password"))
        .count();
    assert_eq!(passwords, 1);
}

/// S3, S9, S16: rights, login method and status are read again at the confirming click.
async fn what_changed_between_card_and_click_counts() {
    for (who, column, value, told) in [
        (JO, "role", "member", "You can't reset passwords"),
        (MINA, "status", "suspended", "is Suspended"),
        (MINA, "login_method", "sso", "single sign-on"),
    ] {
        let bot = TestBot::new().await;
        bot.set_password(MINA, "old-password").await;
        let ready = bot.last_look(JO, MINA, "deliver_phone").await;
        bot.alter(who, column, value).await;
        bot.click(JO, &ready, "confirm").await;
        assert!(
            bot.slack.last_text().contains(told),
            "{}",
            bot.slack.last_text()
        );
        assert_refusal(&bot.slack.last_text());
        assert!(bot.signs_in(MINA, "old-password").await);
        assert_eq!(used(&bot).await, 0);
    }
}

/// What the chat says is read past the cache at the act; the slot comes back.
async fn a_caller_who_became_a_guest_is_refused_at_the_act() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.slack.change(JO, "is_restricted", json!(true));
    bot.click(JO, &ready, "confirm").await;
    assert_refusal(&bot.slack.last_text());
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Refused], 0)
    );
}

/// The directory's three bad ends.
async fn ends_of_the_directory_are_told_apart() {
    for (next, told, state, slots, is_unchanged) in [
        (
            NextReset::Fail(ResetFailed::Refused(WhyRefused::Password(
                PasswordFault::TooShort,
            ))),
            "too short for its password policy",
            State::Refused,
            0,
            true,
        ),
        (
            NextReset::Fail(ResetFailed::NotSent),
            "doesn't answer",
            State::Refused,
            0,
            true,
        ),
        (
            NextReset::Fail(ResetFailed::Unknown),
            "No change is seen as of 10:00",
            State::Unknown,
            1,
            false,
        ),
        (
            NextReset::ChangeAndLoseTheAnswer,
            "shows a change at 10:00",
            State::Unknown,
            1,
            false,
        ),
    ] {
        let bot = TestBot::new().await;
        let ready = bot.last_look(JO, MINA, "deliver_phone").await;
        bot.directory.next_reset(next);
        bot.click(JO, &ready, "confirm").await;
        let text = bot.slack.last_text();
        assert!(text.contains(told), "{text}");
        assert_eq!(text.contains(NOTHING), is_unchanged, "{text}");
        assert_eq!((states(&bot).await, used(&bot).await), (vec![state], slots));
        // Where nobody can say, the member is signed out and told all the same, at every contact: no password was ever sent.
        let contacts = 2 * slots;
        let sent = bot.outbox.take();
        assert_eq!(
            sent.iter()
                .filter(|sent| sent.text.contains("may have been reset"))
                .count(),
            contacts
        );
        assert_eq!(sent.len(), contacts);
    }
}

/// Half success: the sign-out failed, and can be tried again.
async fn a_failed_sign_out_is_told_and_tried_again() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.directory.fail_sign_outs(1);
    bot.click(JO, &ready, "confirm").await;
    let half = bot.slack.last();
    assert!(
        text_of(&half).contains("⚠ Signing out failed."),
        "{}",
        text_of(&half)
    );
    bot.click(JO, &half, "retry_sign_out").await;
    assert!(
        bot.slack.last_text().contains("signed out ✓"),
        "{}",
        bot.slack.last_text()
    );
    bot.click(JO, &half, "retry_sign_out").await;
    assert!(
        bot.slack.last_text().contains("nothing left to do"),
        "{}",
        bot.slack.last_text()
    );
}

/// A password that is in sight, or waits for another way, is not lost by signing out again.
async fn a_sign_out_takes_no_password_away() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    bot.directory.fail_sign_outs(1);
    let shown = bot.reset(JO, MINA, "deliver_copy").await;
    bot.click(JO, &shown, "retry_sign_out").await;
    let told = bot.slack.last();
    assert!(
        text_of(&told).contains("signed out ✓"),
        "{}",
        text_of(&told)
    );
    assert_ne!(told["replace_original"], json!(true));

    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.directory.fail_sign_outs(1);
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let failed = bot.slack.last();
    bot.click(JO, &failed, "deliver_email").await;
    let question = bot.slack.last();
    bot.click(JO, &failed, "retry_sign_out").await;
    let told = bot.slack.last();
    assert_ne!(told["replace_original"], json!(true), "{told:#}");
    bot.click(JO, &question, "confirm").await;
    assert!(
        bot.slack.last_text().contains("Done: "),
        "{}",
        bot.slack.last_text()
    );
}

/// S3, S26: signing out is an act: it needs the right, and a reset whose sign-out failed.
async fn a_sign_out_is_not_to_be_had_without_the_right() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let card = bot.card(JO, MINA).await;
    bot.click_value(
        JO,
        "retry_sign_out",
        &button_value(&card, "cancel").unwrap(),
    )
    .await;
    assert!(
        bot.slack.last_text().contains("nothing left to do"),
        "{}",
        bot.slack.last_text()
    );
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.directory.fail_sign_outs(1);
    bot.click(JO, &ready, "confirm").await;
    let half = bot.slack.last();
    bot.alter(JO, "role", "member").await;
    bot.click(JO, &half, "retry_sign_out").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("You can't reset passwords") && !told.contains(NOTHING),
        "{told}"
    );
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    assert!(
        past[0]
            .steps
            .iter()
            .any(|step| step.step == Step::SignOut && step.outcome == StepOutcome::Failed)
    );
}

on_every_platform! {
    the_sixth_reset_waits_for_the_oldest_slot,
    sixty_four_clicks_at_once_give_one_reset,
    what_changed_between_card_and_click_counts,
    a_caller_who_became_a_guest_is_refused_at_the_act,
    ends_of_the_directory_are_told_apart,
    a_failed_sign_out_is_told_and_tried_again,
    a_sign_out_is_not_to_be_had_without_the_right,
}

// What only Slack can be asked.
hold! {
    slack_alone on Slack:
    a_sign_out_takes_no_password_away,
}
