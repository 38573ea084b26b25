//! A password on its way to the member, and the notice of the reset.

use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::{Channel, Platform, Span, State};
use serde_json::json;

use super::{JO, KIM, MINA, NOA, assert_refusal, states, used};
use crate::support::sent::password_in_sms;
use crate::support::slack::{shown_password, text_of};
use crate::support::{Left, TestBot};

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
        // Nothing follows this message, so it says all.
        for part in [
            "4 of 5 resets left",
            "they sign in by tomorrow 10:00 with that password and a code by SMS (+82 ··· ··42)",
        ] {
            assert!(text_of(&ended).contains(part), "{}", text_of(&ended));
        }
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
        assert!(bot.slack.last_text().contains("4 of 5 resets left"));
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
    // The administrator has read it, so nothing says it once more.
    let said = bot.slack.said().len();
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(bot.slack.said().len(), said);
    let next = text_of(&bot.card(JO, NOA).await);
    assert!(!next.contains("About your reset"), "{next}");
}

/// S10, S24, S30: the SMS goes to the phone on record, the notice to the other contact, without the password.
async fn an_sms_carries_a_working_password_and_the_notice_does_not() {
    let bot = TestBot::new().await;
    let ended = text_of(&bot.reset(JO, MINA, "deliver_phone").await);
    assert!(
        ended.contains("Done: Mina Park has a new password"),
        "{ended}"
    );
    let sent = bot.outbox.take();
    let (sms, notice) = (&sent[0], &sent[1]);
    assert_eq!(
        (sms.channel, sms.to.as_str()),
        (Channel::Sms, "+821012345642")
    );
    assert!(sms.text.len() <= 160, "{}", sms.text);
    assert!(sms.text.contains("(until 24 Nov 10:00"), "{}", sms.text);
    let password = password_in_sms(&sms.text).expect("a password");
    assert!(bot.signs_in(MINA, &password).await);
    assert_eq!(
        (notice.channel, notice.to.as_str()),
        (Channel::Email, "mina@mail.example")
    );
    assert!(!notice.text.contains(&password));
    assert_eq!(sent.len(), 2);
}

/// S27, S28, S38: one reset, three outputs, one slot; the copy's address for this reset only.
async fn a_reset_can_be_sent_copied_and_shown_at_once() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_email").await;
    bot.click(JO, &ready, "copy_to_self").await;
    bot.click(JO, &ready, "copy_to_self_change").await;
    assert_eq!(bot.submit(JO, "jo@home.example").await.body, b"");
    assert!(
        bot.slack
            .last_text()
            .contains("Copy to you: jo@home.example")
    );
    bot.click(JO, &bot.slack.last(), "also_show").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let told = text_of(&bot.slack.last());
    for done in ["changed 10:00 ✓", "signed out ✓", "email accepted ✓"] {
        assert!(told.contains(done), "{told}");
    }
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
        text_of(&ready).contains("Email me a copy (jo@"),
        "{}",
        text_of(&ready)
    );
}

/// S30: a mail server that asks for patience is asked again; the member hears of the reset all the same.
async fn a_notice_that_is_put_off_is_sent_later() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Accepted);
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    bot.click(JO, &ready, "confirm").await;
    let told = bot.slack.last_text();
    let is_replaced = can_replace(&bot);
    let pending = if is_replaced {
        "Mina Park told: still to do …"
    } else {
        "Mina Park will be told …"
    };
    assert!(told.contains("Done: ") && told.contains(pending), "{told}");
    bot.outbox.take();
    let said = bot.slack.said().len();
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(bot.slack.said().len(), said + usize::from(is_replaced));
    if is_replaced {
        let told = bot.slack.last_text();
        assert!(
            told.contains("Done: ") && told.contains("notice accepted ✓"),
            "{told}"
        );
        assert_ne!(bot.slack.last()["replace_original"], json!(false));
    }
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

/// Mattermost cannot change what only one person sees.
fn can_replace(bot: &TestBot) -> bool {
    bot.platform() != Platform::Mattermost
}

/// A mail server that takes its time: the result does not wait for the notice, and is drawn again when it was sent.
async fn a_slow_notice_is_told_when_it_is_sent() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password and the notice");
    bot.outbox
        .slow_down("mina@mail.example", std::time::Duration::from_secs(4));
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    let before = bot.slack.said().len();
    bot.click(JO, &ready, "confirm").await;
    let said: Vec<String> = bot.slack.said()[before..].iter().map(text_of).collect();
    let done: Vec<&String> = said.iter().filter(|said| said.contains("Done: ")).collect();
    if can_replace(&bot) {
        let [first, second] = done[..] else {
            panic!("{said:#?}");
        };
        assert!(first.contains("Mina Park told: still to do …"), "{first}");
        assert!(second.contains("notice accepted ✓"), "{second}");
        assert!(second.contains("4 of 5 resets left"), "{second}");
    } else {
        let [only] = done[..] else {
            panic!("{said:#?}");
        };
        assert!(only.contains("Mina Park will be told …"), "{only}");
    }
}

/// The same where the password was shown: it stays visible meanwhile, and once it is hidden the message tells the rest.
async fn a_notice_after_the_password_was_hidden_is_told() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notice");
    let ready = bot.last_look(JO, MINA, "deliver_copy").await;
    for _ in 0..2 {
        bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    }
    bot.click(JO, &ready, "confirm").await;
    let shown = bot.slack.last();
    assert!(shown_password(&shown).is_some(), "{}", text_of(&shown));
    bot.click(JO, &shown, "done").await;
    let hidden = bot.slack.last();
    assert!(shown_password(&hidden).is_none());
    assert!(
        text_of(&hidden).contains("Mina Park told: still to do …"),
        "{}",
        text_of(&hidden)
    );
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("you have the password") && told.contains("notice accepted ✓"),
        "{told}"
    );
}

/// A visible password is not replaced because the notice was sent; the message that hides it tells of the notice.
async fn a_visible_password_stays_when_the_notice_is_sent() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notice");
    bot.outbox
        .slow_down("mina@mail.example", std::time::Duration::from_secs(4));
    let shown = bot.reset(JO, MINA, "deliver_copy").await;
    assert!(shown_password(&shown).is_some(), "{}", text_of(&shown));
    bot.click(JO, &shown, "done").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("you have the password") && told.contains("notice accepted ✓"),
        "{told}"
    );
}

/// However the mailbox on record is typed, it is the address on record that is used.
async fn the_mailbox_on_record_is_known_however_it_is_typed() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.submit(JO, "Mina+x@Mail.Example").await;
    let ready = bot.slack.last();
    assert!(text_of(&ready).contains(" now?"), "{}", text_of(&ready));
    bot.click(JO, &ready, "confirm").await;
    assert!(
        bot.slack.last_text().contains("Done: "),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(bot.outbox.take()[0].to, "mina@mail.example");
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

on_every_platform! {
    an_sms_carries_a_working_password_and_the_notice_does_not,
    a_reset_can_be_sent_copied_and_shown_at_once,
    the_mailbox_on_record_is_known_however_it_is_typed,
    a_contact_that_left_the_record_gets_nothing,
    a_look_alike_does_not_keep_the_notice_away,
    a_notice_that_is_put_off_is_sent_later,
    a_slow_notice_is_told_when_it_is_sent,
}

where_messages_are_replaced! {
    copy_shows_a_working_password_to_the_administrator_alone,
    a_shown_password_goes_away_after_two_minutes,
    a_notice_after_the_password_was_hidden_is_told,
    a_visible_password_stays_when_the_notice_is_sent,
}
