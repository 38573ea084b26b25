//! What bounds an administrator besides the five resets: last looks that grew old, and look-ups.

use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::{Platform, Span, State};
use relatch::surface::store::HistoryFilter;

use crate::support::slack::{button_value, text_of};
use crate::support::{Left, TestBot, on};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOTHING: &str = "Nothing was changed.";

/// The resets that changed a password.
async fn changed(bot: &TestBot) -> usize {
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    past.iter()
        .filter(|past| past.reset.changed_at.is_some())
        .count()
}

/// Jo stands at the last look, Kim resets Mina, Jo confirms: a second password would make the first one useless before it
/// was read. The click does nothing, the new last look warns, and only that one can be confirmed.
#[tokio::test(flavor = "multi_thread")]
async fn a_last_look_from_before_another_reset_is_out_of_date() {
    for platform in Platform::ALL {
        on(*platform, async {
            let bot = TestBot::new().await;
            bot.leaves(Left::Messages, "the password that was sent");
            let old = bot.last_look(JO, MINA, "deliver_phone").await;
            bot.reset(KIM, MINA, "deliver_phone").await;
            bot.outbox.take();
            bot.click(JO, &old, "confirm").await;
            let new = bot.slack.last();
            let told = text_of(&new);
            assert!(
                told.contains("Kim Cho reset Mina Park at 10:00, after you opened this card.")
                    && told.contains("Going on makes that password useless."),
                "{platform}: {told}"
            );
            assert_eq!(told.matches(NOTHING).count(), 1, "{platform}: {told}");
            assert!(told.contains("ref "), "{platform}: {told}");
            assert_eq!(
                (changed(&bot).await, bot.outbox.take().len()),
                (1, 0),
                "{platform}"
            );
            // The button of the old last look stays out of date, and what it draws warns too; the newest one goes on.
            bot.click(JO, &old, "confirm").await;
            assert_eq!(changed(&bot).await, 1, "{platform}");
            assert!(
                bot.slack.last_text().contains("after you opened this card"),
                "{platform}: {}",
                bot.slack.last_text()
            );
            assert!(
                button_value(&new, "confirm") != button_value(&old, "confirm"),
                "{platform}"
            );
            bot.click(JO, &new, "confirm").await;
            assert_eq!(changed(&bot).await, 2, "{platform}");
        })
        .await;
    }
}

/// What is pressed on an older face of the card shows the warning, and does not make an older last look good again.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_face_does_not_renew_an_older_last_look() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, "noa@acme.example").await;
    bot.click(JO, &card, "reachable").await;
    bot.click(JO, &bot.slack.last(), "deliver_copy").await;
    let old = bot.slack.last();
    bot.reset_by_copy(KIM, "noa@acme.example").await;
    bot.click(JO, &card, "reachable").await;
    assert!(
        bot.slack.last_text().contains("⚠ Kim Cho reset Noa Bae"),
        "{}",
        bot.slack.last_text()
    );
    bot.click(JO, &old, "confirm").await;
    assert_eq!(changed(&bot).await, 1);
    assert!(
        bot.slack.last_text().contains("⚠ Kim Cho reset Noa Bae"),
        "{}",
        bot.slack.last_text()
    );
}

/// A last look that is drawn after the other reset warns at once and is not refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_last_look_from_after_another_reset_warns() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let card = bot.card(JO, MINA).await;
    bot.reset(KIM, MINA, "deliver_phone").await;
    bot.click(JO, &card, "deliver_phone").await;
    let look = bot.slack.last();
    assert!(
        text_of(&look).contains("Kim Cho reset Mina Park at 10:00, after you opened this card."),
        "{}",
        text_of(&look)
    );
    bot.click(JO, &look, "confirm").await;
    assert_eq!(changed(&bot).await, 2);
}

/// What the administrator is told of a look-up too many: nothing of the member.
fn assert_refusal(text: &str, what: &str) {
    assert!(text.contains(what), "{text}");
    assert_eq!(text.matches(NOTHING).count(), 1, "{text}");
    assert!(
        text.contains("ref ") && text.chars().count() <= 350,
        "{text}"
    );
    assert!(
        !text.contains("Mina") && !text.contains("nobody@"),
        "{text}"
    );
}

/// Thirty look-ups in ten minutes, whatever their command and whether or not they found somebody.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_looks_up_thirty_members_in_ten_minutes() {
    for platform in Platform::ALL {
        on(*platform, async {
            let bot = TestBot::new().await;
            for round in 0..10 {
                bot.card(JO, MINA).await;
                bot.command(JO, "why mina.park@acme.example").await;
                // Refused look-ups are kept under those that pause.
                let third = if round < 5 {
                    "nobody@acme.example"
                } else {
                    "log mina.park@acme.example"
                };
                bot.command(JO, third).await;
            }
            let told = "You looked up 30 members in 10 minutes.";
            let commands = [
                "mina.park@acme.example",
                "nobody@acme.example",
                "why mina.park@acme.example",
            ];
            for text in commands.into_iter().chain([
                "log mina.park@acme.example",
                "contact nobody@acme.example +8210",
            ]) {
                let answer = bot.command(JO, text).await.text();
                assert_refusal(&answer, told);
                assert!(answer.contains("You can go on at 10:10."), "{answer}");
            }
            let contact = bot
                .command(JO, "contact mina.park@acme.example +82 10 5555 0199")
                .await
                .text();
            assert!(
                contact.contains(told) && contact.contains(NOTHING),
                "{contact}"
            );
            assert_eq!(bot.count("contact").await, 0);
            // What names nobody, and another administrator, go on.
            assert!(
                bot.command(JO, "log").await.text().contains("None so far."),
                "{platform}"
            );
            assert!(
                text_of(&bot.card(KIM, MINA).await).contains("'s password?"),
                "{platform}"
            );
            bot.clock.advance(Span::minutes(10));
            assert!(
                text_of(&bot.card(JO, MINA).await).contains("'s password?"),
                "{platform}"
            );
        })
        .await;
    }
}

/// A hundred and twenty a day.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_looks_up_a_hundred_and_twenty_members_a_day() {
    let bot = TestBot::new().await;
    for _ in 0..4 {
        for _ in 0..30 {
            bot.command(JO, "why mina.park@acme.example").await;
        }
        bot.clock.advance(Span::minutes(11));
    }
    let answer = bot.command(JO, "mina.park@acme.example").await.text();
    assert_refusal(&answer, "You looked up 120 members in 24 hours.");
    assert!(answer.contains("You can go on tomorrow 10:00."), "{answer}");
    bot.clock.advance(Span::hours(24));
    assert!(text_of(&bot.card(JO, MINA).await).contains("'s password?"));
}

/// Twenty refusals pause new commands alone: an open card is confirmed, an undelivered password goes another way, and a
/// shown one is hidden. Stale clicks and repeated bytes are no refusals.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_refusals_pause_new_commands_alone() {
    let bot = TestBot::new().await;
    let closed = bot.card(JO, MINA).await;
    bot.click(JO, &closed, "cancel").await;
    let look = bot.last_look(JO, MINA, "deliver_copy").await;
    for _ in 0..19 {
        bot.command(JO, "nobody@acme.example").await;
    }
    bot.click(JO, &closed, "deliver_phone").await;
    assert_eq!(bot.audited("pause").await, "");
    bot.command(JO, "nobody@acme.example").await;
    assert_eq!(bot.audited("pause").await, "too_many_refusals");
    assert_eq!(
        bot.count("audit where event = 'pause' and admin_id = 'id-jo'")
            .await,
        1
    );
    let answer = bot.command(JO, "mina.park@acme.example").await.text();
    assert_refusal(
        &answer,
        "20 of your tries were refused in 10 minutes, so I take no new commands.",
    );
    assert!(answer.contains("You can go on at 10:15."), "{answer}");
    bot.click(JO, &look, "confirm").await;
    let shown = bot.slack.last();
    assert!(text_of(&shown).contains("Say it: "), "{}", text_of(&shown));
    bot.click(JO, &shown, "done").await;
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    assert!(past.iter().any(|past| past.reset.state == State::Delivered));
    bot.clock.advance(Span::minutes(15));
    assert!(text_of(&bot.card(JO, "noa@acme.example").await).contains("'s password?"));
}

/// A typed number of another country is refused at the form and in `contact`; numbers on record always get their SMS.
#[tokio::test(flavor = "multi_thread")]
async fn typed_numbers_are_of_the_listed_countries() {
    for platform in Platform::ALL {
        on(*platform, async {
            let bot = TestBot::with_sms_countries(&["JP"]).await;
            let card = bot.card(JO, MINA).await;
            bot.click(JO, &card, "deliver_other").await;
            let refused = bot.submit(JO, "+1 876 210 1234").await.refusal_of_form();
            assert!(
                refused.contains("only to JP and to the phone on record"),
                "{platform}: {refused}"
            );
            assert!(
                refused.contains(NOTHING) && refused.chars().count() <= 350,
                "{refused}"
            );
            let contact = bot
                .command(JO, "contact mina.park@acme.example +1 876 210 1234")
                .await
                .text();
            assert!(
                contact.contains("only to JP") && contact.contains(NOTHING),
                "{platform}: {contact}"
            );
            assert_eq!(bot.count("contact").await, 0);
            bot.reset(JO, MINA, "deliver_phone").await;
            assert_eq!(
                bot.outbox.take().first().map(|sent| sent.to.clone()),
                Some("+821012345642".to_owned())
            );
            let card = bot.card(JO, MINA).await;
            bot.click(JO, &card, "deliver_other").await;
            bot.submit(JO, "+81 90 1234 5678").await;
            assert!(
                bot.slack.last_text().contains("Goes to: SMS +81"),
                "{platform}: {}",
                bot.slack.last_text()
            );
        })
        .await;
    }
}

/// The countries may have changed since a number was typed: it is checked again before anything happens.
#[tokio::test(flavor = "multi_thread")]
async fn a_typed_number_is_checked_again_at_the_act() {
    let bot = TestBot::with_sms_countries(&["JP"]).await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.submit(JO, "+81 90 1234 5678").await;
    let ready = bot.slack.last();
    bot.execute("update reset set destination = '+18762101234'")
        .await;
    bot.click(JO, &ready, "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("only to JP") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(bot.count("slot where returned_at is null").await, 0);
}

/// The gateway is named where it is a number that cannot be reached.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_too_dear_is_refused_by_the_name_of_its_channel() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    bot.submit(JO, "+82 10 1234 5699").await;
    let ready = bot.slack.last();
    bot.execute("update reset set destination = '+447012345678'")
        .await;
    bot.click(JO, &ready, "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("The SMS gateway refuses +44 ··· ··78, so I stopped."),
        "{told}"
    );
    assert!(told.contains(NOTHING), "{told}");
}

/// An import of an older version took satellite phones. No SMS goes there, and the member is found all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_satellite_phone_on_record_is_passed_by() {
    let bot = TestBot::new().await;
    bot.execute("update member set phone = '+881612345678' where business_email_key = 'mina.park@acme.example'").await;
    let card = bot.card(JO, MINA).await;
    assert!(
        text_of(&card).contains("Reset Mina Park's password?"),
        "{}",
        text_of(&card)
    );
    assert!(
        text_of(&card).contains("Their phone +881… cannot receive an SMS."),
        "{}",
        text_of(&card)
    );
    assert_eq!(
        (
            button_value(&card, "deliver_phone"),
            button_value(&card, "deliver_email").is_some()
        ),
        (None, true)
    );
}

/// The mail server tells which typed addresses exist: one that it refuses counts, for the member as for the copy, and also
/// when an undelivered password goes another way.
#[tokio::test(flavor = "multi_thread")]
async fn a_typed_address_that_is_refused_counts_as_a_refusal() {
    let bot = TestBot::new().await;
    let refused = "look_up where tried = 'refused_click'";
    let look = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.click(JO, &look, "copy_to_self_change").await;
    bot.submit(JO, "guess@mail.example").await;
    bot.outbox.fail_next_prepare(Refusal::Address);
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(
        bot.slack.last_text().contains(NOTHING),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(bot.count(refused).await, 1);
    let look = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &look, "confirm").await;
    let failed = bot.slack.last();
    // A server that does not know an address can say so by a rule of its own.
    for (count, why) in [(2, Refusal::Address), (3, Refusal::SetUp)] {
        bot.click(JO, &failed, "deliver_other").await;
        bot.submit(JO, "guess@mail.example").await;
        bot.outbox.fail_next_prepare(why);
        bot.click(JO, &bot.slack.last(), "confirm").await;
        assert_eq!(bot.count(refused).await, count);
    }
}

/// Above the limit an undelivered password goes to no typed address, and every other way is open.
#[tokio::test(flavor = "multi_thread")]
async fn an_undelivered_password_tries_no_addresses_above_the_limit() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password that was sent");
    let look = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &look, "confirm").await;
    let failed = bot.slack.last();
    for _ in 0..30 {
        bot.command(JO, "why mina.park@acme.example").await;
    }
    bot.click(JO, &failed, "deliver_other").await;
    let told = bot.submit(JO, "guess@mail.example").await.refusal_of_form();
    for part in [
        "You looked up 30 members",
        "This click did nothing",
        "Contacts on record, phone numbers and Copy",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert!(
        !told.contains(NOTHING) && told.chars().count() <= 350,
        "{told}"
    );
    bot.another_way(JO, &failed, "deliver_email").await;
    assert!(
        bot.slack.last_text().contains("Done: "),
        "{}",
        bot.slack.last_text()
    );
}

/// Above the limit nobody is looked up: the chat is asked for the administrator alone.
#[tokio::test(flavor = "multi_thread")]
async fn above_the_limit_nobody_is_asked_for_the_member() {
    let bot = TestBot::new().await;
    for _ in 0..30 {
        bot.command(JO, "why mina.park@acme.example").await;
    }
    // Whoever is not in the chat would be refused for that.
    let answer = bot.command(JO, "<@UNOBODYHERE|x>").await.text();
    assert_refusal(&answer, "You looked up 30 members in 10 minutes.");
    assert_eq!(
        bot.count("look_up where tried = 'refused_look_up'").await,
        0
    );
    assert!(bot.audited("command").await.contains("too_many_look_ups"));
    let named = "audit where outcome = 'too_many_look_ups' and admin_id = 'id-jo'";
    assert!(bot.count(named).await > 0, "the record says who it was");
}

/// A contact that is added says as much of the member as a card: it counts as a look-up.
#[tokio::test(flavor = "multi_thread")]
async fn an_added_contact_counts_as_a_look_up() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contact");
    bot.command(JO, "contact mina.park@acme.example +821012345699")
        .await;
    bot.settle().await;
    assert_eq!(bot.audited("contact").await, "added");
    assert_eq!(bot.count("look_up").await, 1);
}

/// A refusal at a click counts where it tells something of the member, and not where the chat did not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_click_counts_where_it_tells_of_the_member() {
    let bot = TestBot::new().await;
    let refused = "look_up where tried = 'refused_click'";
    let look = bot.last_look(JO, MINA, "deliver_phone").await;
    let down = serde_json::json!({ "ok": false, "error": "internal_error" });
    // Longer than a profile is kept.
    bot.clock.advance(Span::seconds(31));
    bot.slack.answer_who_with(Some((500, down)));
    bot.click(JO, &look, "confirm").await;
    assert_eq!(bot.count(refused).await, 0);
    bot.slack.answer_who_with(None);
    bot.alter(MINA, "status", "suspended").await;
    bot.click(JO, &look, "confirm").await;
    let told = bot.slack.last_text();
    assert!(told.contains("Only Active or Inactive accounts"), "{told}");
    assert_eq!((bot.count(refused).await, changed(&bot).await), (1, 0));
}

/// A command that is refused for a rule about the member counts as a refusal; one of somebody who is no administrator says
/// nothing of the member, and nothing is noted of the member.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_counts_where_it_tells_of_the_member() {
    let bot = TestBot::new().await;
    let refused = "look_up where tried = 'refused_look_up'";
    let of_member = "audit where event = 'command' and member_id is not null";
    let told = bot.command("lee@acme.example", MINA).await.text();
    assert!(told.contains("You can't reset passwords."), "{told}");
    assert_eq!(
        (bot.count(refused).await, bot.count(of_member).await),
        (0, 0)
    );
    bot.alter(MINA, "status", "suspended").await;
    let told = bot.command(JO, MINA).await.text();
    assert!(told.contains("Only Active or Inactive accounts"), "{told}");
    assert_eq!(
        (bot.count(refused).await, bot.count(of_member).await),
        (1, 1)
    );
}
