//! Whole conversations through the public surface: a signed webhook in, messages and deliveries out.

use axum::http::StatusCode;
use relatch::directory::{NextReset, ResetFailed};
use relatch::domain::delivery::{Outcome, Refusal};
use relatch::domain::quota::Limit;
use relatch::domain::{Channel, Platform, Span, State, Step, StepOutcome};
use relatch::store::HistoryFilter;
use serde_json::json;

use crate::support::slack::{button_value, shown_password, text_of, user_id};
use crate::support::{Left, TestBot, in_private, on};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const LEE: &str = "lee@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";
const NOTHING: &str = "Nothing was changed.";

/// The password in an SMS of the outbox.
fn password_in(text: &str) -> String {
    let (_, rest) = text.split_once("password is ").expect("a password");
    rest.chars().take(8).collect()
}

async fn states(bot: &TestBot) -> Vec<State> {
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    past.into_iter().map(|past| past.reset.state).collect()
}

async fn used(bot: &TestBot) -> usize {
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    past.iter().filter(|past| !past.is_slot_returned).count()
}

/// The rules for every refusal that changed nothing: says so once, has a reference, is short.
fn assert_refusal(text: &str) {
    assert_eq!(text.matches(NOTHING).count(), 1, "{text}");
    assert!(text.contains("ref "), "{text}");
    assert!(
        text.chars().count() <= 350,
        "{} characters: {text}",
        text.chars().count()
    );
}

/// S1, S2, S12, S22, S23, S32: Copy shows a working password once, and the old one is dead.
async fn copy_shows_a_working_password_to_the_administrator_alone() {
    for admin in [JO, KIM] {
        let bot = TestBot::new().await;
        bot.set_password(MINA, "old-password").await;
        let ended = bot.reset(admin, MINA, "deliver_copy").await;
        let password = shown_password(&ended).expect("the password is shown");
        assert!(
            text_of(&ended).contains("Say it: ") && text_of(&ended).contains("outside this chat")
        );
        assert!(bot.signs_in(MINA, &password).await);
        assert!(!bot.signs_in(MINA, "old-password").await);
        let with_password = bot
            .slack
            .said()
            .iter()
            .filter(|said| said.to_string().contains(&password))
            .count();
        assert_eq!(with_password, 1);
        assert!(
            bot.outbox
                .take()
                .iter()
                .all(|sent| !sent.text.contains(&password))
        );
        assert_eq!(states(&bot).await, [State::Delivered]);

        // Hidden by the button; clicking again shows nothing again.
        bot.click(admin, &ended, "done").await;
        assert_eq!(shown_password(&bot.slack.last()), None);
    }
}

/// The message with a password goes away by itself, also after a restart would have.
async fn a_shown_password_goes_away_after_two_minutes() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_copy").await;
    bot.clock.advance(Span::seconds(119));
    bot.sweep().await;
    assert!(shown_password(&bot.slack.last()).is_some());
    bot.clock.advance(Span::seconds(1));
    bot.sweep().await;
    assert_eq!(shown_password(&bot.slack.last()), None);
}

/// S10, S24, S30: the SMS goes to the phone on record, the notice to the other contact, without the password.
async fn an_sms_carries_a_working_password_and_the_notice_does_not() {
    let bot = TestBot::new().await;
    let ended = text_of(&bot.reset(JO, MINA, "deliver_phone").await);
    assert!(
        ended.contains("Done. Mina Park's password was reset at 10:00."),
        "{ended}"
    );
    let sent = bot.outbox.take();
    let (sms, notice) = (&sent[0], &sent[1]);
    assert_eq!(
        (sms.channel, sms.to.as_str()),
        (Channel::Sms, "+821012345642")
    );
    assert!(sms.text.len() <= 160, "{}", sms.text);
    assert!(bot.signs_in(MINA, &password_in(&sms.text)).await);
    assert_eq!(
        (notice.channel, notice.to.as_str()),
        (Channel::Email, "mina@mail.example")
    );
    assert!(!notice.text.contains(&password_in(&sms.text)));
    assert_eq!(sent.len(), 2);
}

/// S27, S28, S38: one reset, three outputs, one slot; the copy's address for this reset only.
async fn a_reset_can_be_sent_copied_and_shown_at_once() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_email").await;
    bot.click(JO, &ready, "copy_to_self").await;
    bot.click(JO, &ready, "copy_to_self_change").await;
    assert_eq!(bot.submit(JO, "jo@home.example").await.body, b"");
    assert!(bot.slack.last_text().contains("a copy to jo@home.example"));
    bot.click(JO, &ready, "also_show").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let password = shown_password(&bot.slack.last()).unwrap();
    let carrying: Vec<String> = bot
        .outbox
        .take()
        .into_iter()
        .filter(|sent| sent.text.contains(&password))
        .map(|sent| sent.to)
        .collect();
    assert_eq!(carrying, ["mina@mail.example", "jo@home.example"]);
    assert_eq!(used(&bot).await, 1);

    // The stored default is unchanged.
    let ready = bot.last_look(JO, MINA, "deliver_email").await;
    assert!(
        text_of(&ready).contains("copy to jo@acme.example"),
        "{}",
        text_of(&ready)
    );
}

/// S26: nobody confirms a way that they have not seen: the older face confirms nothing, and the present one is shown.
async fn an_older_last_look_confirms_nothing() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_email").await;
    let by_email = bot.slack.last();
    bot.click(JO, &card, "deliver_phone").await;
    bot.click(JO, &by_email, "confirm").await;
    let present = bot.slack.last();
    assert!(
        text_of(&present).contains("changed meanwhile") && text_of(&present).contains("by SMS")
    );
    assert_eq!(text_of(&present).matches(NOTHING).count(), 1);
    assert_eq!((used(&bot).await, bot.outbox.take().len()), (0, 0));
    bot.click(JO, &present, "confirm").await;
    assert_eq!(bot.outbox.take()[0].to, "+821012345642");
}

/// Nor does a face on which a copy or showing was switched otherwise.
async fn what_was_switched_meanwhile_is_not_confirmed() {
    let bot = TestBot::new().await;
    for switch in ["copy_to_self", "also_show"] {
        let older = bot.last_look(JO, MINA, "deliver_phone").await;
        bot.click(JO, &older, switch).await;
        bot.click(JO, &older, "confirm").await;
        let present = bot.slack.last();
        assert!(
            text_of(&present).contains("changed meanwhile"),
            "{switch}: {}",
            text_of(&present)
        );
        assert_eq!(
            (used(&bot).await, bot.outbox.take().len()),
            (0, 0),
            "{switch}"
        );
        bot.click(JO, &present, "cancel").await;
    }
}

/// Editions of one card come one after the other, and the last one is what will be done.
async fn the_last_face_is_the_present_one() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_email").await;
    bot.slack
        .delay_acknowledgements(std::time::Duration::from_millis(100));
    for action in [
        "copy_to_self",
        "also_show",
        "copy_to_self",
        "also_show",
        "also_show",
    ] {
        bot.click_and_go(JO, action, &button_value(&ready, action).unwrap())
            .await;
    }
    bot.settle().await;
    let last = bot.slack.last_text();
    assert!(
        last.contains("☐ Also send a copy") && last.contains("☑ Also show it here"),
        "{last}"
    );
}

/// S11, S24, S25: a typed destination is checked, and never the business e-mail.
async fn a_typed_destination_is_checked() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    for (typed, told) in [
        ("+82 12", "not a complete phone number"),
        ("+442079460000", "can't receive an SMS"),
        ("mina@", "not a complete email"),
        ("Mina.Park+x@ACME.example", "business email"),
        ("a@b.example,c@d.example", "not a complete email"),
    ] {
        let text = bot.submit(JO, typed).await.refusal_of_form();
        assert!(
            text.contains(told) && text.contains(NOTHING),
            "{typed}: {text}"
        );
    }
    bot.submit(JO, "+82 10 9999 8877").await;
    let ready = bot.slack.last();
    assert!(text_of(&ready).contains("by SMS to +82 ··· ··77"));
    assert_eq!(used(&bot).await, 0);
    bot.click(JO, &ready, "confirm").await;
    assert_eq!(bot.outbox.take()[0].to, "+821099998877");
}

/// S3, S9, S15, S16, Q8, Q9 and who is who: every refusal of the command.
async fn every_refusal_says_what_holds() {
    let bot = TestBot::new().await;
    let mention = |email: &str| format!("<@{}>", user_id(email));
    for (who, text, told) in [
        (LEE, mention(MINA), "You can't reset passwords"),
        (
            LEE,
            mention("nobody@acme.example"),
            "You can't reset passwords",
        ),
        (JO, mention(JO), "your own password"),
        (KIM, mention(JO), "Only another primary admin"),
        (JO, mention("sam@acme.example"), "is Suspended"),
        (JO, mention("pia@acme.example"), "is Pending"),
        (JO, mention("ria@acme.example"), "is Resigned"),
        (JO, mention("sol@acme.example"), "single sign-on"),
        (JO, mention("fon@acme.example"), "phone and a code"),
        (JO, mention("nobody@acme.example"), "exactly one account"),
        (
            JO,
            "nobody@acme.example".to_owned(),
            "exactly one account for \"nobody@acme.example\"",
        ),
        (JO, "mina".to_owned(), "exactly one account for \"mina\""),
        (JO, "UMINAPARK".to_owned(), "exactly one account"),
        (
            JO,
            format!("{} {}", mention(MINA), mention(NOA)),
            "one member at a time",
        ),
        (
            JO,
            "contact <@UMINAPARK> +82".to_owned(),
            "not a complete phone number",
        ),
    ] {
        let answer = bot.command(who, &text).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.text().contains(told), "{text}: {}", answer.text());
        assert_refusal(&answer.text());
        assert!(
            !answer.text().contains("mina.park@acme.example") || text.contains("mina"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(used(&bot).await, 0);
}

/// Guests, bots, strangers and accounts without a confirmed e-mail, as caller and as member.
async fn accounts_that_stand_for_nobody_are_refused() {
    for (field, value) in [
        ("is_restricted", json!(true)),
        ("is_ultra_restricted", json!(true)),
        ("is_bot", json!(true)),
        ("deleted", json!(true)),
        ("is_stranger", json!(true)),
        ("team_id", json!("T9")),
        ("is_email_confirmed", json!(false)),
    ] {
        for who in [JO, MINA] {
            let bot = TestBot::new().await;
            bot.slack.change(who, field, value.clone());
            let answer = bot.command(JO, "<@UMINAPARK>").await;
            assert_refusal(&answer.text());
            assert!(
                !answer.text().contains("Mina Park"),
                "{field} {who}: {}",
                answer.text()
            );
        }
    }
}

/// The chat's own failures have texts of their own.
async fn failures_of_slack_are_told() {
    let bot = TestBot::new().await;
    for (status, body, told) in [
        (429, json!({}), "in 7 s"),
        (
            200,
            json!({ "ok": false, "error": "missing_scope", "needed": "users:read.email" }),
            "users:read.email",
        ),
        (
            200,
            json!({ "ok": false, "error": "token_revoked" }),
            "refuses relatch's token",
        ),
        (500, json!({}), "doesn't answer"),
    ] {
        bot.slack.answer_who_with(Some((status, body)));
        let answer = bot.command(JO, "<@UMINAPARK>").await;
        assert!(answer.text().contains(told), "{}", answer.text());
        assert_refusal(&answer.text());
    }
}

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
        .filter(|sent| sent.text.contains("password is"))
        .count();
    assert_eq!(passwords, 1);
}

/// S34: a second click after the end is told so, and nothing is sent again.
async fn a_used_button_does_nothing_again() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.click(JO, &ready, "confirm").await;
    bot.outbox.take();
    let answer = bot.click(JO, &ready, "confirm").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert!(
        bot.slack
            .last_text()
            .contains("Already done: you reset Mina Park at 10:00"),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(bot.slack.last()["replace_original"], false);
    assert!(bot.outbox.take().is_empty());
}

/// W5: the same bytes again are answered 409, without effect and without a body.
async fn the_same_bytes_have_one_effect() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_copy").await;
    let value = button_value(&ready, "confirm").unwrap();
    let body =
        crate::support::slack::click_body("UJO", "confirm", &value, &bot.slack.reply_url(999), 999);
    assert_eq!(
        bot.post("/slack/interactions", &body).await.status,
        StatusCode::OK
    );
    bot.settle().await;
    let again = bot.post("/slack/interactions", &body).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::CONFLICT, 0));
    bot.settle().await;
    assert_eq!(states(&bot).await.len(), 1);
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

/// A confirmed reset whose turn does not come is refused; its slot comes back.
async fn a_reset_whose_turn_does_not_come_is_refused() {
    let bot = TestBot::with_workers(0, std::time::Duration::from_millis(50)).await;
    bot.set_password(MINA, "old-password").await;
    bot.reset(JO, MINA, "deliver_phone").await;
    let text = bot.slack.last_text();
    assert!(text.contains("Too many resets are being done"), "{text}");
    assert_refusal(&text);
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Refused], 0)
    );
    assert!(bot.signs_in(MINA, "old-password").await && bot.outbox.take().is_empty());
}

/// Another administrator's card.
async fn a_card_belongs_to_one_administrator() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    for action in ["confirm", "cancel", "back", "copy_to_self", "also_show"] {
        bot.click(KIM, &ready, action).await;
        assert!(
            bot.slack
                .last_text()
                .contains("This card belongs to Jo Lim."),
            "{}",
            bot.slack.last_text()
        );
        assert_refusal(&bot.slack.last_text());
    }
    assert_eq!(used(&bot).await, 0);
}

/// Forged, stale and superseded cards.
async fn forged_and_old_cards_do_nothing() {
    let bot = TestBot::new().await;
    // Where the value alone proves a click, a forged one is no request at all.
    if bot.click_value(JO, "confirm", &"A".repeat(43)).await.status == StatusCode::OK {
        assert!(bot.slack.last_text().contains("I don't know this card"));
        assert_refusal(&bot.slack.last_text());
    }

    let first = bot.last_look(JO, MINA, "deliver_copy").await;
    let second = bot.last_look(JO, MINA, "deliver_copy").await;
    bot.click(JO, &first, "confirm").await;
    assert!(bot.slack.last_text().contains("newer card"));
    bot.clock.advance(Span::minutes(10));
    bot.click(JO, &second, "confirm").await;
    assert!(
        bot.slack.last_text().contains("older than 10 min"),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(used(&bot).await, 0);
}

/// S22, S26: nothing is confirmed without a choice, and choosing changes nothing.
async fn a_choice_comes_first() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click_value(JO, "confirm", &button_value(&card, "cancel").unwrap())
        .await;
    assert!(
        bot.slack
            .last_text()
            .contains("No way of delivery was chosen.")
    );
    assert_refusal(&bot.slack.last_text());
}

/// S10: without an outside contact the administrator says first that they can reach the member.
async fn a_member_without_contacts_needs_a_word() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, NOA).await;
    assert!(button_value(&card, "deliver_copy").is_none());
    let value = button_value(&card, "reachable").unwrap();
    bot.click_value(JO, "deliver_copy", &value).await;
    assert!(bot.slack.last_text().contains("no phone or private email"));
    assert_refusal(&bot.slack.last_text());
    bot.click(JO, &card, "reachable").await;
    let card = bot.slack.last();
    bot.click(JO, &card, "deliver_copy").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(shown_password(&bot.slack.last()).is_some());
}

/// S6, S7: the guide goes out, nothing is reset, no slot is used.
async fn the_guide_changes_nothing() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, "old-password").await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "send_guide").await;
    assert!(
        bot.slack
            .last_text()
            .contains("Guide sent to Mina Park (m···@mail.example).")
    );
    assert!(
        bot.outbox.take()[0]
            .text
            .contains("https://help.acme.example/password")
    );
    assert!(bot.signs_in(MINA, "old-password").await);
    assert_eq!(
        (used(&bot).await, bot.audited("guide").await),
        (0, "done sent".to_owned())
    );
    bot.click(JO, &card, "deliver_copy").await;
    assert!(bot.slack.last_text().contains("This card was closed."));

    // What came of one that was not accepted stands beside it.
    let card = bot.card(JO, MINA).await;
    bot.outbox.end_next_send(Outcome::Unknown);
    bot.click(JO, &card, "send_guide").await;
    assert_eq!(bot.audited("guide").await, "done sent done unknown");
}

/// A channel that is not ready stops the reset before anything happens, and offers another way at once.
async fn a_channel_that_is_not_ready_changes_nothing() {
    for (why, told) in [
        (Refusal::Unreachable, "The mail server doesn't answer"),
        (Refusal::Address, "refuses this email address"),
        (Refusal::Later, "asks to wait"),
        (Refusal::Credentials, "refuses relatch's credentials"),
        (Refusal::Tls, "no safe connection"),
    ] {
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "the password that was sent");
        bot.set_password(MINA, "old-password").await;
        let ready = bot.last_look(JO, MINA, "deliver_email").await;
        bot.outbox.fail_next_prepare(why);
        bot.click(JO, &ready, "confirm").await;
        let refused = bot.slack.last();
        assert!(
            text_of(&refused).contains(told) && text_of(&refused).contains("No reset was used."),
            "{}",
            text_of(&refused)
        );
        assert_eq!(text_of(&refused).matches(NOTHING).count(), 1);
        assert!(bot.signs_in(MINA, "old-password").await);
        assert_eq!(
            (states(&bot).await, used(&bot).await),
            (vec![State::Refused], 0)
        );
        // The successor card works.
        bot.click(JO, &refused, "deliver_phone").await;
        bot.click(JO, &bot.slack.last(), "confirm").await;
        assert!(
            bot.slack.last_text().contains("Done."),
            "{}",
            bot.slack.last_text()
        );
    }
}

/// Q3: a failed delivery offers another way inside the same reset, once; then never again.
async fn an_undelivered_password_goes_another_way_inside_the_same_reset() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let failed = bot.slack.last();
    assert!(
        text_of(&failed).contains("The password was changed, but the SMS was not accepted"),
        "{}",
        text_of(&failed)
    );
    assert!(!text_of(&failed).contains(NOTHING));
    assert_eq!(states(&bot).await, [State::Undelivered]);
    bot.outbox.take();
    bot.click(JO, &failed, "deliver_email").await;
    assert!(
        bot.slack.last_text().contains("Done."),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Delivered], 1)
    );
    assert_eq!(bot.outbox.take()[0].to, "mina@mail.example");
    bot.click(JO, &failed, "deliver_copy").await;
    assert!(
        bot.slack.last_text().contains("Already done"),
        "{}",
        bot.slack.last_text()
    );
}

/// What the first way came to is not told of the second.
async fn another_way_is_told_as_it_went() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    bot.click(JO, &bot.slack.last(), "deliver_copy").await;
    let told = bot.slack.last();
    assert!(shown_password(&told).is_some(), "{}", text_of(&told));
    assert!(
        text_of(&told).contains("Done.") && !text_of(&told).contains('✗'),
        "{}",
        text_of(&told)
    );
    bot.clock.advance(Span::minutes(2));
    bot.sweep().await;
    let hidden = bot.slack.last_text();
    assert!(
        hidden.contains("Done.") && !hidden.contains('✗'),
        "{hidden}"
    );
}

/// An end that the platform did not take is told later, with the buttons that belong to it.
async fn what_could_not_be_told_is_told_later() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.slack.answer_replies_with(Some(500));
    bot.click(JO, &ready, "confirm").await;
    bot.slack.answer_replies_with(None);
    let before = bot.slack.said().len();
    bot.clock.advance(Span::seconds(150));
    bot.sweep().await;
    assert_eq!(bot.slack.said().len(), before + 1);
    let told = bot.slack.last();
    assert!(
        text_of(&told).contains("the SMS was not accepted"),
        "{}",
        text_of(&told)
    );
    bot.clock.advance(Span::seconds(61));
    bot.sweep().await;
    assert_eq!(bot.slack.said().len(), before + 1, "once is enough");
    bot.click(JO, &told, "deliver_email").await;
    assert!(
        bot.slack.last_text().contains("Done."),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(used(&bot).await, 1);
}

/// S30: a mail server that asks for patience is asked again; the member hears of the reset all the same.
async fn a_notice_that_is_put_off_is_sent_later() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Accepted);
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.click(JO, &ready, "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("Done.") && told.contains("… Mina Park told: still to do"),
        "{told}"
    );
    bot.outbox.take();
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    let notices = bot.outbox.take();
    assert_eq!(
        notices
            .iter()
            .map(|sent| sent.to.as_str())
            .collect::<Vec<_>>(),
        ["mina@mail.example"]
    );
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert!(bot.outbox.take().is_empty(), "it was sent twice");
}

/// What the directory could not be asked about may be typed once more.
async fn the_same_may_be_typed_again() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    for _ in 0..2 {
        bot.click(JO, &card, "deliver_other").await;
        bot.submit(JO, "friend@mail.example").await;
        assert!(
            bot.slack.last_text().contains("Ready to reset"),
            "{}",
            bot.slack.last_text()
        );
    }
}

/// However the mailbox on record is typed, it is the address on record that is used.
async fn the_mailbox_on_record_is_known_however_it_is_typed() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.submit(JO, "Mina+x@Mail.Example").await;
    let ready = bot.slack.last();
    assert!(
        text_of(&ready).contains("Ready to reset"),
        "{}",
        text_of(&ready)
    );
    bot.click(JO, &ready, "confirm").await;
    assert!(
        bot.slack.last_text().contains("Done."),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(bot.outbox.take()[0].to, "mina@mail.example");
}

/// Whatever takes too long to be refused at once is refused all the same, by a click as by a form.
async fn a_late_refusal_is_told() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.slack.delay_who(std::time::Duration::from_millis(2800));
    let before = bot.slack.said().len();
    bot.submit(JO, MINA).await;
    assert_eq!(bot.slack.said().len(), before + 1);
    assert!(
        bot.slack.last_text().contains("business email"),
        "{}",
        bot.slack.last_text()
    );
    assert_ne!(
        bot.slack.last()["replace_original"],
        json!(true),
        "the card is gone"
    );
    bot.alter(JO, "role", "member").await;
    bot.click(JO, &card, "deliver_phone").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("You can't reset passwords") && told.contains(NOTHING),
        "{told}"
    );
}

/// Whose account it is that is out of use, is said right.
async fn a_member_who_left_the_chat_is_not_taken_for_the_administrator() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.slack.change(MINA, "deleted", json!(true));
    bot.clock.advance(Span::seconds(31));
    bot.click(JO, &card, "deliver_phone").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("I can't find exactly one account") && told.contains(NOTHING),
        "{told}"
    );
}

/// After ten minutes the password is wiped, and another way is no longer possible.
async fn an_undelivered_password_is_wiped_after_ten_minutes() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.click(JO, &ready, "confirm").await;
    let failed = bot.slack.last();
    bot.clock.advance(Span::minutes(10));
    // A click that is quicker than the sweep gets nothing, and leaves nothing undone.
    for _ in 0..2 {
        bot.click(JO, &failed, "deliver_copy").await;
        assert!(
            bot.slack.last_text().contains("Already done"),
            "{}",
            bot.slack.last_text()
        );
        bot.sweep().await;
    }
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    assert_eq!(past[0].reset.state, State::Undelivered);
    assert!(past[0].reset.finished_at.is_some() && past[0].reset.destination.is_none());
    assert_eq!(bot.audited("delivery").await, "given_up");
}

/// A typed destination also works as the other way.
async fn another_way_can_be_typed() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.click(JO, &ready, "confirm").await;
    bot.click(JO, &bot.slack.last(), "deliver_other").await;
    let refused = bot.submit(JO, MINA).await.refusal_of_form();
    assert!(refused.contains("business email"), "{refused}");
    bot.submit(JO, "friend@mail.example").await;
    assert!(
        bot.slack.last_text().contains("Done."),
        "{}",
        bot.slack.last_text()
    );
}

/// P5, S35: the next reset of a member takes the earlier password out of the world, wherever it waits.
async fn an_undelivered_password_dies_with_the_next_reset() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let waiting = bot.slack.last();
    bot.clock.advance(Span::seconds(1));
    let newer = shown_password(&bot.reset(KIM, MINA, "deliver_copy").await).unwrap();
    bot.outbox.take();
    let said = bot.slack.said().len();
    bot.click(JO, &waiting, "deliver_email").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("Already done") && !told.contains("Done. "),
        "{told}"
    );
    assert!(
        bot.slack.said()[said..]
            .iter()
            .all(|said| shown_password(said).is_none())
    );
    assert!(bot.outbox.take().is_empty() && bot.signs_in(MINA, &newer).await);
    assert_eq!(states(&bot).await, [State::Delivered, State::Undelivered]);
}

/// Two acts for one member never overlap, and what cannot be is refused before it reaches the disk.
async fn another_way_waits_while_the_member_is_being_reset() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let waiting = bot.slack.last();
    bot.clock.advance(Span::seconds(1));
    let second = bot.last_look(KIM, MINA, "deliver_copy").await;
    bot.slack
        .delay_acknowledgements(std::time::Duration::from_millis(700));
    let value = button_value(&second, "confirm").unwrap();
    bot.click_and_go(KIM, "confirm", &value).await;
    let email = button_value(&waiting, "deliver_email").unwrap();
    bot.click_and_go(JO, "deliver_email", &email).await;
    bot.settle().await;
    bot.slack.delay_acknowledgements(std::time::Duration::ZERO);
    assert_eq!(states(&bot).await, [State::Delivered, State::Undelivered]);
    assert!(
        bot.outbox
            .take()
            .iter()
            .all(|sent| !sent.text.contains("password is"))
    );
}

/// P4: whatever refuses a click on a password that was changed, it does not say that nothing was.
async fn after_a_change_no_refusal_says_that_nothing_was_changed() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    let waiting = bot.slack.last();
    bot.slack
        .answer_who_with(Some((429, json!({ "ok": false, "error": "ratelimited" }))));
    bot.click(JO, &waiting, "deliver_email").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("slow down") && told.contains("the password was changed at 10:00"),
        "{told}"
    );
    assert!(
        !told.contains(NOTHING) && !told.contains("No reset was used"),
        "{told}"
    );
    bot.slack.answer_who_with(None);
    bot.click(JO, &waiting, "deliver_other").await;
    let refused = bot.submit(JO, MINA).await.json().to_string();
    assert!(
        refused.contains("the password was changed") && !refused.contains(NOTHING),
        "{refused}"
    );
    bot.alter(JO, "role", "member").await;
    bot.click(JO, &waiting, "deliver_email").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("You can't reset passwords") && !told.contains(NOTHING),
        "{told}"
    );
    assert!(
        bot.outbox
            .take()
            .iter()
            .all(|sent| !sent.text.contains("password is"))
    );
}

/// P4, P5: an unknown delivery is told as unknown, and keeps the slot.
async fn an_unknown_delivery_is_not_called_done() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Unknown);
    bot.click(JO, &ready, "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("nobody can say whether it arrived") && !told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::DeliveryUnknown], 1)
    );
}

/// The directory's three bad ends.
async fn ends_of_the_directory_are_told_apart() {
    for (next, told, state, slots, is_unchanged) in [
        (
            NextReset::Fail(ResetFailed::Refused("it wants 12 characters".into())),
            "it wants 12",
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
        // Where nobody can say, the member is signed out and told all the same; no password was ever sent.
        let sent = bot.outbox.take();
        assert_eq!(
            sent.iter()
                .filter(|sent| sent.text.contains("may have been reset"))
                .count(),
            slots
        );
        assert_eq!(sent.len(), slots);
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
        text_of(&half).contains("but signing out failed"),
        "{}",
        text_of(&half)
    );
    bot.click(JO, &half, "retry_sign_out").await;
    assert!(
        bot.slack.last_text().contains("✓ signed out everywhere"),
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
        text_of(&told).contains("✓ signed out everywhere"),
        "{}",
        text_of(&told)
    );
    assert_ne!(told["replace_original"], json!(true));

    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.directory.fail_sign_outs(1);
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &ready, "confirm").await;
    bot.click(JO, &bot.slack.last(), "retry_sign_out").await;
    bot.click(JO, &bot.slack.last(), "deliver_email").await;
    assert!(
        bot.slack.last_text().contains("Done."),
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

/// Q8: where the chat says how high people stand, an owner is protected however they are named.
async fn an_owner_of_the_chat_is_protected_by_every_name() {
    let bot = TestBot::with_admins_of_the_chat().await;
    bot.slack.change(KIM, "is_admin", json!(true));
    bot.slack.change(JO, "is_owner", json!(true));
    for named in [format!("<@{}>", user_id(JO)), JO.to_owned()] {
        let told = text_of(&bot.command(KIM, &named).await.json());
        assert!(told.contains("is a primary admin"), "{named}: {told}");
    }
    // Somebody who becomes an owner between card and click is protected too.
    let ready = bot.last_look(KIM, MINA, "deliver_phone").await;
    bot.slack.change(MINA, "is_owner", json!(true));
    bot.click(KIM, &ready, "confirm").await;
    assert!(
        bot.slack.last_text().contains("is a primary admin"),
        "{}",
        bot.slack.last_text()
    );
    assert_refusal(&bot.slack.last_text());
    assert_eq!(used(&bot).await, 0);
}

/// S24: a contact that left the record after it was chosen gets nothing.
async fn a_contact_that_left_the_record_gets_nothing() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.alter(MINA, "phone", "+821099990000").await;
    bot.click(JO, &ready, "confirm").await;
    assert!(
        bot.slack
            .last_text()
            .contains("was changed after you chose it"),
        "{}",
        bot.slack.last_text()
    );
    assert_refusal(&bot.slack.last_text());
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Refused], 0)
    );
    assert!(bot.outbox.take().is_empty());
}

/// A typed address that looks like the one on record once both are masked does not keep the notice from the member.
async fn a_look_alike_does_not_keep_the_notice_away() {
    let bot = TestBot::new().await;
    bot.alter(MINA, "phone", "").await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.submit(JO, "mallory@mail.example").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let sent: Vec<(String, bool)> = bot
        .outbox
        .take()
        .into_iter()
        .map(|sent| (sent.to, sent.text.contains("was reset by Jo Lim")))
        .collect();
    assert_eq!(
        sent,
        [
            ("mallory@mail.example".to_owned(), false),
            ("mina@mail.example".to_owned(), true)
        ]
    );
}

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
}

/// Two administrators, one member.
async fn the_same_member_again_is_told_with_care() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_copy").await;
    let card = text_of(&bot.card(KIM, MINA).await);
    assert!(
        card.contains("Careful: Mina Park was reset at 10:00 by Jo Lim."),
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
            .contains("Mina Park by Jo Lim by phone: delivered")
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
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_copy").await;
    let before = bot.slack.said().len();
    bot.slack
        .delay_acknowledgements(std::time::Duration::from_millis(300));
    bot.click_and_go(JO, "confirm", &button_value(&ready, "confirm").unwrap())
        .await;
    while bot.slack.said().len() == before {
        tokio::task::yield_now().await;
    }
    let next = bot.command(JO, "<@UMINAPARK>").await.text();
    assert!(
        next.contains("Careful: Mina Park was reset at 10:00 by Jo Lim."),
        "{next}"
    );
    bot.settle().await;
}

/// "Working …" comes after a second, and before the result.
async fn whoever_waits_is_told_so_before_the_result() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    let before = bot.slack.said().len();
    bot.slack.delay_who(std::time::Duration::from_millis(1500));
    bot.click(JO, &ready, "confirm").await;
    let said: Vec<String> = bot.slack.said()[before..].iter().map(text_of).collect();
    let [working, done] = said.as_slice() else {
        panic!("{said:#?}")
    };
    assert!(
        working.contains("Working") && done.contains("Done."),
        "{said:#?}"
    );
}

/// Two administrators confirm at once, and what comes of it when one hand does both and the platform is slow.
async fn confirmed_at_once(bot: &TestBot) -> Vec<String> {
    let first = bot.last_look(JO, MINA, "deliver_phone").await;
    let card = bot.card(KIM, LEE).await;
    bot.click(KIM, &card, "reachable").await;
    bot.click(KIM, &bot.slack.last(), "deliver_copy").await;
    let second = bot.slack.last();
    let before = bot.slack.said().len();
    bot.slack.delay_who(std::time::Duration::from_millis(1500));
    let [first, second] = [first, second].map(|ready| button_value(&ready, "confirm").unwrap());
    tokio::join!(
        bot.click_and_go(JO, "confirm", &first),
        bot.click_and_go(KIM, "confirm", &second)
    );
    bot.settle().await;
    bot.slack.said()[before..].iter().map(text_of).collect()
}

/// Whoever waits for their turn hears so while they wait, and gets it.
async fn whoever_waits_in_the_line_hears_so_and_gets_their_turn() {
    let bot = TestBot::with_workers(1, std::time::Duration::from_secs(20)).await;
    bot.leaves(Left::Messages, "the password that was sent");
    let said = confirmed_at_once(&bot).await;
    let [one, other, done, also_done] = said.as_slice() else {
        panic!("{said:#?}")
    };
    assert!(
        one.contains("Working") && other.contains("Working"),
        "{said:#?}"
    );
    assert!(
        done.contains("Done.") && also_done.contains("Done."),
        "{said:#?}"
    );
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Delivered; 2], 2)
    );
}

/// Whoever waits for too long is refused while the other goes on.
async fn whoever_waits_in_the_line_for_too_long_is_refused() {
    let bot = TestBot::with_workers(1, std::time::Duration::from_millis(300)).await;
    bot.leaves(Left::Messages, "the password that was sent");
    let said = confirmed_at_once(&bot).await;
    let [refused, working, done] = said.as_slice() else {
        panic!("{said:#?}")
    };
    assert!(
        refused.contains("Too many resets are being done"),
        "{said:#?}"
    );
    assert_refusal(refused);
    assert!(
        working.contains("Working") && done.contains("Done."),
        "{said:#?}"
    );
    let mut ends = states(&bot).await;
    ends.sort_by_key(|state| *state == State::Delivered);
    assert_eq!(
        (ends, used(&bot).await),
        (vec![State::Refused, State::Delivered], 1)
    );
}

/// A stop turns away who waits for their turn: nobody is left in the middle when the program ends.
async fn a_stop_turns_away_who_waits_for_their_turn() {
    let bot = TestBot::with_workers(0, std::time::Duration::from_secs(20)).await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    let before = bot.slack.said().len();
    bot.click_and_go(JO, "confirm", &button_value(&ready, "confirm").unwrap())
        .await;
    bot.app.queue.close();
    bot.settle().await;
    let said: Vec<String> = bot.slack.said()[before..].iter().map(text_of).collect();
    let [refused] = said.as_slice() else {
        panic!("{said:#?}")
    };
    assert!(
        refused.contains("is being stopped or started again"),
        "{refused}"
    );
    assert_refusal(refused);
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Refused], 0)
    );
}

/// P6: where the intent cannot be recorded, nothing is begun; the slot comes back as soon as that can be recorded.
async fn a_record_that_is_busy_before_the_change_stops_the_reset() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.slack.delay_who(std::time::Duration::from_secs(1));
    bot.click_and_go(JO, "confirm", &button_value(&ready, "confirm").unwrap())
        .await;
    // Longer than SQLite itself waits, from before the change.
    bot.keep_the_record_busy(std::time::Duration::from_secs(7))
        .await;
    bot.settle().await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("I can't record this reset, so I don't do it."),
        "{told}"
    );
    assert!(
        told.contains("Nothing was changed. No reset was used."),
        "{told}"
    );
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Refused], 0)
    );
    assert!(bot.outbox.take().is_empty());
}

/// What recovery has named and told gets no turn, and nothing is said over its end.
async fn a_reset_that_recovery_has_named_leaves_the_line() {
    let bot = TestBot::with_workers(0, std::time::Duration::from_secs(3)).await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    let before = bot.slack.said().len();
    bot.click_and_go(JO, "confirm", &button_value(&ready, "confirm").unwrap())
        .await;
    bot.clock.advance(Span::seconds(150));
    bot.sweep().await;
    let said: Vec<String> = bot.slack.said()[before..].iter().map(text_of).collect();
    let [named] = said.as_slice() else {
        panic!("{said:#?}")
    };
    assert!(
        named.contains("was stopped before anything happened"),
        "{named}"
    );
    assert_refusal(named);
    assert_eq!(
        (states(&bot).await, used(&bot).await),
        (vec![State::Refused], 0)
    );
}

/// However long the platform takes to accept the result, nothing is said over it.
async fn the_result_is_the_last_word() {
    for way in ["deliver_phone", "deliver_copy"] {
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "the password that was sent");
        let ready = bot.last_look(JO, MINA, way).await;
        bot.slack
            .delay_acknowledgements(std::time::Duration::from_millis(1500));
        bot.click(JO, &ready, "confirm").await;
        bot.slack.delay_acknowledgements(std::time::Duration::ZERO);
        assert!(
            bot.slack.last_text().contains("Done."),
            "{way}: {}",
            bot.slack.last_text()
        );
        assert!(
            !bot.slack
                .said()
                .iter()
                .any(|said| text_of(said).contains("Working")),
            "{way}"
        );
    }
}

/// Cancel closes the card.
async fn a_cancelled_card_is_closed() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "cancel").await;
    assert_refusal(&bot.slack.last_text());
    bot.click(JO, &card, "deliver_copy").await;
    assert!(bot.slack.last_text().contains("This card was closed."));
}

/// Makes a test of each conversation on a platform.
macro_rules! hold {
    ($module:ident on $platform:ident: $($conversation:ident),+ $(,)?) => {
        hold!($module on $platform by on: $($conversation),+);
    };
    ($module:ident on $platform:ident by $on:ident: $($conversation:ident),+) => {
        mod $module {
            use super::{Platform, $on};

            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $conversation() {
                    $on(Platform::$platform, super::$conversation()).await;
                }
            )+
        }
    };
}

/// The list: each of these is held on every platform. A platform that is added is added here.
macro_rules! on_every_platform {
    ($($conversation:ident),+ $(,)?) => {
        hold!(slack on Slack: $($conversation),+);
        hold!(discord on Discord: $($conversation),+);
        hold!(lark on Lark: $($conversation),+);
        hold!(lark_in_private on Lark by in_private: $($conversation),+);
        hold!(mattermost on Mattermost: $($conversation),+);

        /// A platform that is not on the list does not compile.
        const fn is_on_the_list(platform: Platform) -> bool {
            match platform {
                Platform::Slack | Platform::Discord | Platform::Lark | Platform::Mattermost => true,
            }
        }
        const _: () = assert!(is_on_the_list(Platform::Slack));
    };
}

on_every_platform! {
    the_same_may_be_typed_again,
    another_way_is_told_as_it_went,
    what_could_not_be_told_is_told_later,
    a_notice_that_is_put_off_is_sent_later,
    the_mailbox_on_record_is_known_however_it_is_typed,
    a_late_refusal_is_told,
    what_was_switched_meanwhile_is_not_confirmed,
    an_sms_carries_a_working_password_and_the_notice_does_not,
    a_reset_can_be_sent_copied_and_shown_at_once,
    an_older_last_look_confirms_nothing,
    the_last_face_is_the_present_one,
    a_typed_destination_is_checked,
    every_refusal_says_what_holds,
    the_sixth_reset_waits_for_the_oldest_slot,
    sixty_four_clicks_at_once_give_one_reset,
    a_used_button_does_nothing_again,
    what_changed_between_card_and_click_counts,
    a_caller_who_became_a_guest_is_refused_at_the_act,
    a_reset_whose_turn_does_not_come_is_refused,
    a_card_belongs_to_one_administrator,
    forged_and_old_cards_do_nothing,
    a_choice_comes_first,
    a_member_without_contacts_needs_a_word,
    the_guide_changes_nothing,
    a_channel_that_is_not_ready_changes_nothing,
    an_undelivered_password_goes_another_way_inside_the_same_reset,
    an_undelivered_password_is_wiped_after_ten_minutes,
    another_way_can_be_typed,
    an_undelivered_password_dies_with_the_next_reset,
    another_way_waits_while_the_member_is_being_reset,
    after_a_change_no_refusal_says_that_nothing_was_changed,
    an_unknown_delivery_is_not_called_done,
    ends_of_the_directory_are_told_apart,
    a_failed_sign_out_is_told_and_tried_again,
    a_sign_out_is_not_to_be_had_without_the_right,
    a_contact_that_left_the_record_gets_nothing,
    a_look_alike_does_not_keep_the_notice_away,
    what_could_not_be_told_is_told_at_the_next_command,
    the_same_member_again_is_told_with_care,
    help_log_and_why,
    the_next_command_may_come_as_soon_as_the_password_is_read,
    a_cancelled_card_is_closed,
}

/// Where a message can take the place of another.
macro_rules! where_messages_are_replaced {
    ($($conversation:ident),+ $(,)?) => {
        hold!(replacing_on_slack on Slack: $($conversation),+);
        hold!(replacing_on_discord on Discord: $($conversation),+);
        hold!(replacing_on_lark on Lark: $($conversation),+);
        hold!(replacing_on_lark_in_private on Lark by in_private: $($conversation),+);
    };
}

where_messages_are_replaced! {
    copy_shows_a_working_password_to_the_administrator_alone,
    a_shown_password_goes_away_after_two_minutes,
}

// What only Slack can be asked.
hold! {
    slack_alone on Slack:
    accounts_that_stand_for_nobody_are_refused,
    failures_of_slack_are_told,
    the_same_bytes_have_one_effect,
    an_owner_of_the_chat_is_protected_by_every_name,
    whoever_waits_is_told_so_before_the_result,
    a_sign_out_takes_no_password_away,
    a_member_who_left_the_chat_is_not_taken_for_the_administrator,
    whoever_waits_in_the_line_hears_so_and_gets_their_turn,
    whoever_waits_in_the_line_for_too_long_is_refused,
    a_record_that_is_busy_before_the_change_stops_the_reset,
    a_stop_turns_away_who_waits_for_their_turn,
    a_reset_that_recovery_has_named_leaves_the_line,
    the_result_is_the_last_word,
}
