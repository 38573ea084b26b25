//! Who is asked for a contact, for how long what they add counts at once, and when nobody is asked any more.

use relatch::surface::app::Admins;
use relatch::surface::domain::{Platform, Span};

use super::{JO, KIM, NOA, NUMBER, PLATFORMS, add, assert_refused, code_goes_to, disown};
use crate::support::slack::{button_value, shown_password, text_of};
use crate::support::{TestBot, on};

const ANOTHER: &str = "another administrator adds one";
const OPERATOR: &str =
    "whoever runs relatch adds one: relatch members contact noa@acme.example ADDRESS";
const COUNTS: &str = "The code at sign-in goes to +82 ··· ··99 (added by Kim Cho on 23 Nov)";

fn has_button(message: &serde_json::Value) -> bool {
    button_value(message, "ask_contact").is_some()
}

/// What names nobody but whoever runs relatch.
fn assert_operator_alone(platform: Platform, message: &serde_json::Value) {
    let told = text_of(message);
    assert!(
        told.contains(OPERATOR) && !told.contains(ANOTHER) && !has_button(message),
        "{platform}: {told}"
    );
}

/// Confirms by Copy, from the card of Jo: the last look and the result.
async fn by_copy(
    bot: &TestBot,
    card: &serde_json::Value,
) -> (serde_json::Value, serde_json::Value) {
    if button_value(card, "reachable").is_some() {
        bot.click(JO, card, "reachable").await;
        bot.click(JO, &bot.slack.last(), "deliver_copy").await;
    } else {
        bot.click(JO, card, "deliver_copy").await;
    }
    let look = bot.slack.last();
    bot.click(JO, &look, "confirm").await;
    (look, bot.slack.last())
}

/// Q7: whoever made the member's last reset can add no contact, so nobody is sent to them before the next one.
#[tokio::test(flavor = "multi_thread")]
async fn who_made_the_last_reset_is_not_asked_before_the_next() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            bot.reset_by_copy(KIM, NOA).await;
            bot.clock.advance(Span::hours(20));
            let card = bot.card(JO, NOA).await;
            assert_operator_alone(platform, &card);
            let (look, result) = by_copy(&bot, &card).await;
            assert_operator_alone(platform, &look);
            // Now the last reset is Jo's, and Kim can add one.
            assert!(has_button(&result), "{platform}: {}", text_of(&result));
            bot.outbox.take();
        })
        .await;
    }
}

/// An entry of the settings is another administrator only if it stands for somebody else who can be one now.
#[tokio::test(flavor = "multi_thread")]
async fn entries_of_the_settings_are_people_and_not_spellings() {
    for others in [
        vec![],
        vec!["nobody@acme.example"],
        vec!["sam@acme.example"],
    ] {
        let bot = TestBot::with_admins(Admins::List {
            primary: vec!["Jo@ACME.example".parse().unwrap()],
            member_and_department: others.iter().map(|email| email.parse().unwrap()).collect(),
        })
        .await;
        assert_operator_alone(Platform::Slack, &bot.card(JO, NOA).await);
    }
}

/// Where `contact` is refused because the replies are not private, no administrator is named for it.
#[tokio::test(flavor = "multi_thread")]
async fn without_private_replies_no_administrator_is_named() {
    let bot = TestBot::new().await;
    bot.slack
        .memory
        .mattermost
        .lock()
        .unwrap()
        .may_post_ephemeral = false;
    bot.on(Platform::Mattermost);
    let card = bot.card(JO, NOA).await;
    let told = text_of(&card);
    assert!(
        told.contains("relatch members import") && !told.contains("relatch members contact"),
        "{told}"
    );
    assert!(!told.contains(ANOTHER) && !has_button(&card), "{told}");
}

/// What was asked for counts for the next card too: after the first one has expired, within 24 hours.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_counts_for_the_next_card() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            let card = bot.card(JO, NOA).await;
            bot.click(JO, &card, "ask_contact").await;
            let told = bot.slack.last_text();
            assert!(
                told.contains("the code of this card, or of your next one within 24 hours"),
                "{platform}: {told}"
            );
            bot.clock.advance(Span::minutes(15));
            let told = add(&bot, KIM, NOA, NUMBER).await;
            assert!(
                told.contains("within 24 hours of asking"),
                "{platform}: {told}"
            );
            bot.clock.advance(Span::minutes(1));
            let card = bot.card(JO, NOA).await;
            let told = text_of(&card);
            assert!(told.contains(COUNTS), "{platform}: {told}");
            let (look, result) = by_copy(&bot, &card).await;
            assert!(
                text_of(&look).contains("Code at sign-in: +82 ··· ··99"),
                "{platform}: {}",
                text_of(&look)
            );
            let password = shown_password(&result).expect("the password is shown");
            assert_eq!(
                code_goes_to(&bot, NOA, &password).await.as_deref(),
                Some(NUMBER),
                "{platform}"
            );
        })
        .await;
    }
}

/// Not for the card of anybody else, not later than 24 hours after, and not where nobody was asked.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_counts_for_the_one_who_asked_and_not_for_ever() {
    const LEE: &str = "lee@acme.example";
    for (who, is_asked, hours) in [(LEE, true, 1), (JO, true, 25), (JO, false, 1)] {
        let bot = TestBot::new().await;
        bot.alter(LEE, "role", "primary_admin").await;
        let card = bot.card(JO, NOA).await;
        if is_asked {
            bot.click(JO, &card, "ask_contact").await;
            assert!(bot.slack.last_text().contains("asked to add a contact"));
        }
        bot.clock.advance(Span::minutes(15));
        add(&bot, KIM, NOA, NUMBER).await;
        bot.clock.advance(Span::hours(hours));
        let told = text_of(&bot.card(who, NOA).await);
        assert!(
            told.contains("does not count before") && !told.contains("The code at sign-in goes to"),
            "{who} {is_asked} {hours}: {told}"
        );
        bot.outbox.take();
    }
}

/// Nor where the member said since that it was not them: what came before is worth nothing then.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_from_before_this_was_not_me_counts_at_once() {
    for is_disowned in [false, true] {
        let bot = TestBot::new().await;
        let card = bot.card(JO, NOA).await;
        bot.click(JO, &card, "ask_contact").await;
        bot.clock.advance(Span::minutes(1));
        add(&bot, KIM, NOA, NUMBER).await;
        bot.clock.advance(Span::minutes(1));
        bot.reset_by_copy(KIM, NOA).await;
        if is_disowned {
            bot.clock.advance(Span::minutes(1));
            disown(&bot).await;
        }
        bot.clock.advance(Span::minutes(15));
        let told = text_of(&bot.card(JO, NOA).await);
        assert_eq!(told.contains(COUNTS), !is_disowned, "{told}");
        bot.outbox.take();
    }
}

/// A card that takes the place of an open one keeps what was added since that one.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_in_the_place_of_an_open_one_keeps_its_time() {
    let bot = TestBot::new().await;
    bot.card(JO, NOA).await;
    bot.clock.advance(Span::minutes(1));
    add(&bot, KIM, NOA, NUMBER).await;
    bot.clock.advance(Span::minutes(1));
    let told = text_of(&bot.card(JO, NOA).await);
    assert!(told.contains(COUNTS), "{told}");
    bot.outbox.take();
}

/// The same where a card takes over because its way of delivery was not ready.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_takes_over_keeps_the_time_of_the_first() {
    use relatch::surface::domain::delivery::Refusal;

    let bot = TestBot::new().await;
    let card = bot.card(JO, NOA).await;
    bot.clock.advance(Span::minutes(1));
    add(&bot, KIM, NOA, NUMBER).await;
    bot.clock.advance(Span::minutes(1));
    bot.click(JO, &card, "reachable").await;
    bot.click(JO, &bot.slack.last(), "deliver_other").await;
    bot.submit(JO, "noa@mail.example").await;
    bot.outbox.fail_next_prepare(Refusal::Unreachable);
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let successor = bot.slack.last();
    assert!(
        text_of(&successor).contains("Nothing was changed."),
        "{}",
        text_of(&successor)
    );
    let (look, _) = by_copy(&bot, &successor).await;
    assert!(
        text_of(&look).contains("Code at sign-in: +82 ··· ··99"),
        "{}",
        text_of(&look)
    );
    bot.outbox.take();
}

/// After "this wasn't me", after another reset, and once the password has ended, nobody is asked for that reset.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_for_a_reset_that_is_over() {
    for platform in PLATFORMS {
        on(platform, async {
            for (over, why) in [
                ("disowned", "Noa Bae said of this reset: this wasn't me."),
                ("newer", "Noa Bae has been reset again since."),
                ("ended", "The password of this reset has ended."),
            ] {
                let bot = TestBot::new().await;
                let card = bot.card(JO, NOA).await;
                let (_, result) = by_copy(&bot, &card).await;
                match over {
                    "disowned" => disown(&bot).await,
                    "newer" => {
                        bot.clock.advance(Span::minutes(1));
                        bot.reset_by_copy(KIM, NOA).await;
                    }
                    _ => bot.clock.advance(Span::hours(25)),
                }
                bot.click(JO, &result, "ask_contact").await;
                let told = bot.slack.last_text();
                assert!(
                    told.contains(why)
                        && told.contains("This click did nothing; the password was changed")
                        && told.contains("(ref ")
                        && told.chars().count() <= 350,
                    "{platform} {over}: {told}"
                );
                assert_eq!(
                    bot.count("reset where contact_asked_at is not null").await,
                    0,
                    "{platform} {over}"
                );
                bot.outbox.take();
            }
        })
        .await;
    }
}

/// Whoever is asked, and whoever adds one, reads that the member did not ask for the last reset.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_member_said_stands_where_a_contact_is_added() {
    const LEE: &str = "lee@acme.example";
    for (platform, is_heard) in PLATFORMS.into_iter().zip([false, true].into_iter().cycle()) {
        on(platform, async {
            let bot = TestBot::new().await;
            bot.alter(LEE, "role", "primary_admin").await;
            bot.reset_by_copy(JO, NOA).await;
            disown(&bot).await;
            bot.outbox.take();
            // They hear it once at any command.
            if is_heard {
                bot.command(LEE, "log").await;
            }
            let said = "Noa Bae said of Jo Lim's reset at 10:00: this wasn't me.";
            let told = add(&bot, LEE, NOA, NUMBER).await;
            assert_eq!(told.matches(said).count(), 1, "{platform}: {told}");
            bot.outbox.take();
        })
        .await;
    }
}

/// A refusal after the change is a refusal in the log, with its reason.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_after_the_change_is_in_the_log() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            let card = bot.card(JO, NOA).await;
            let (_, result) = by_copy(&bot, &card).await;
            bot.alter(NOA, "phone", NUMBER).await;
            bot.click(JO, &result, "ask_contact").await;
            assert_refused_after(&bot.slack.last_text());
            let log = bot.command(JO, "log refused").await.text();
            assert!(
                log.contains("about Noa Bae: refused, contact there"),
                "{platform}: {log}"
            );
            bot.outbox.take();
        })
        .await;
    }
}

fn assert_refused_after(told: &str) {
    assert!(
        told.contains("A code for Noa Bae can go to +82 ··· ··99 now.")
            && told.contains("This click did nothing"),
        "{told}"
    );
}

/// A question that nobody knows the end of, as after a crash, can be asked again after five minutes.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_never_ended_can_be_asked_again() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, NOA).await;
    bot.sql("update reset set contact_asked_at = 1795428000000")
        .await;
    bot.click(JO, &card, "ask_contact").await;
    assert_refused(
        &bot.slack.last_text(),
        "is being asked for a contact of Noa Bae right now.",
    );
    bot.clock.advance(Span::minutes(6));
    bot.click(JO, &card, "ask_contact").await;
    assert!(
        bot.slack.last_text().contains("Kim Cho was asked"),
        "{}",
        bot.slack.last_text()
    );
}

/// Those who may add a contact are found among very many who may not, or who have left.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_add_one_is_found_among_many() {
    const LEE: &str = "lee@acme.example";
    for (role, status) in [
        ("member_and_department", "active"),
        ("primary_admin", "resigned"),
    ] {
        let bot = TestBot::new().await;
        bot.alter(LEE, "role", "primary_admin").await;
        bot.sql("update member set role = 'primary_admin', member_id = 'z-kim' where member_id = 'id-kim'")
            .await;
        bot.sql(&format!(
            "with recursive number (n) as (select 1 union all select n + 1 from number where n < 60)
            insert into member
                (member_id, name, business_email, business_email_key, login_method, status, role)
            select 'a-' || n, 'One of many', 'a' || n || '@acme.example', 'a' || n || '@acme.example',
                'business_email', '{status}', '{role}'
            from number"
        ))
        .await;
        let card = bot.card(JO, LEE).await;
        assert!(has_button(&card), "{role} {status}: {}", text_of(&card));
    }
}
