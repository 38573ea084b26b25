//! What is promised about the code of a member who has no contact for it: card, last look and result say who adds one
//! first, and then the code comes.

use axum::http::StatusCode;
use relatch::surface::app::Admins;
use relatch::surface::domain::{Platform, Span};

use super::{JO, KIM, NOA, NUMBER, PLATFORMS, add, assert_refused, code_goes_to, sent_password};
use crate::support::slack::{DirectError, button_value, direct, shown_password, text_of, user_id};
use crate::support::{TestBot, discord, lark, mattermost, on};

const ON_CARD: &str = "No contact can receive the code at sign-in yet.";
const LACKS: &str = "Noa Bae has no phone or private email that may receive the code.";
const ANOTHER: &str = "another administrator adds one";
const OPERATOR: &str =
    "whoever runs relatch adds one: relatch members contact noa@acme.example ADDRESS";

/// Where the pretend platform keeps what was written to this person alone.
fn direct_to(platform: Platform, who: &str) -> String {
    let id = match platform {
        Platform::Slack => user_id(who),
        Platform::Discord => discord::id_of(who),
        Platform::Lark => lark::id_of(who),
        Platform::Mattermost => mattermost::id_of(who),
    };
    direct(&id)
}

fn has_button(message: &serde_json::Value) -> bool {
    button_value(message, "ask_contact").is_some()
}

/// From the card, by Copy, to the last look.
async fn last_look(bot: &TestBot, card: &serde_json::Value) -> serde_json::Value {
    bot.click(JO, card, "reachable").await;
    bot.click(JO, &bot.slack.last(), "deliver_copy").await;
    bot.slack.last()
}

/// S42: nothing promises a code that cannot come; each message says what to do first, and has the button for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_a_contact_is_promised_no_code() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            let card = bot.card(JO, NOA).await;
            let told = text_of(&card);
            assert!(
                told.contains(ON_CARD) && told.contains(ANOTHER) && has_button(&card),
                "{platform}: {told}"
            );
            let look = last_look(&bot, &card).await;
            let told = text_of(&look);
            assert!(
                told.contains(LACKS) && told.contains(ANOTHER) && has_button(&look),
                "{platform}: {told}"
            );
            bot.click(JO, &look, "confirm").await;
            let result = bot.slack.last();
            let told = text_of(&result);
            assert!(
                told.contains(LACKS) && told.contains(ANOTHER) && has_button(&result),
                "{platform}: {told}"
            );
            let password = shown_password(&result).expect("the password is shown");
            bot.clock.advance(Span::seconds(1));
            let page = bot.browser().sign_in(NOA, &password).await;
            assert!(
                page.status == StatusCode::FORBIDDEN && page.text.contains("One more thing"),
                "{}",
                page.text
            );
        })
        .await;
    }
}

/// The button asks another administrator, in a message to them alone. What they add counts for this card at once.
#[tokio::test(flavor = "multi_thread")]
async fn another_administrator_is_asked_and_the_code_comes() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            let card = bot.card(JO, NOA).await;
            bot.click(JO, &card, "ask_contact").await;
            let told = bot.slack.last_text();
            assert!(
                told.contains("Kim Cho was asked to add a contact for Noa Bae."),
                "{platform}: {told}"
            );
            let asked = bot.slack.said_at(&direct_to(platform, KIM));
            assert_eq!(asked.len(), 1, "{platform}");
            let asked = text_of(&asked[0]);
            for part in [
                "Jo Lim asks you to add a contact for Noa Bae (noa@acme.example).",
                "not from Jo Lim",
                "/reset-password contact noa@acme.example",
            ] {
                assert!(asked.contains(part), "{platform}: {asked}");
            }
            assert_eq!(bot.count("reset where changing_at is not null").await, 0);

            bot.clock.advance(Span::seconds(1));
            add(&bot, KIM, NOA, NUMBER).await;
            let look = last_look(&bot, &card).await;
            let told = text_of(&look);
            assert!(
                told.contains("+82 ··· ··99, where the code goes, was added by Kim Cho on 23 Nov")
                    && !has_button(&look),
                "{platform}: {told}"
            );
            bot.click(JO, &look, "confirm").await;
            let password = shown_password(&bot.slack.last()).expect("the password is shown");
            assert_eq!(
                code_goes_to(&bot, NOA, &password).await.as_deref(),
                Some(NUMBER),
                "{platform}"
            );
        })
        .await;
    }
}

/// The card, drawn again, knows of a contact that was added meanwhile; one from before the card still waits.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_added_after_the_card_counts_at_once() {
    let bot = TestBot::new().await;
    add(&bot, KIM, NOA, "+821012345698").await;
    bot.clock.advance(Span::seconds(1));
    let card = bot.card(JO, NOA).await;
    let told = text_of(&card);
    assert!(
        told.contains(ON_CARD) && told.contains("does not count before"),
        "{told}"
    );
    bot.clock.advance(Span::seconds(1));
    add(&bot, KIM, NOA, NUMBER).await;
    bot.click(JO, &card, "reachable").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("The code at sign-in goes to +82 ··· ··99 (added by Kim Cho on 23 Nov)"),
        "{told}"
    );
    bot.click(JO, &bot.slack.last(), "deliver_copy").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let password = shown_password(&bot.slack.last()).expect("the password is shown");
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(NUMBER)
    );
}

/// After the reset the same button asks, once, and claims nothing about the password.
#[tokio::test(flavor = "multi_thread")]
async fn after_the_reset_another_administrator_can_be_asked_once() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            let card = bot.card(JO, NOA).await;
            let look = last_look(&bot, &card).await;
            bot.click(JO, &look, "confirm").await;
            let result = bot.slack.last();
            bot.click(JO, &result, "ask_contact").await;
            let told = bot.slack.last_text();
            assert!(
                told.contains("Kim Cho was asked") && !told.contains("Nothing was changed."),
                "{platform}: {told}"
            );
            bot.click(JO, &result, "ask_contact").await;
            let told = bot.slack.last_text();
            assert!(
                told.contains("was asked for a contact of Noa Bae at 10:00 already.")
                    && told.contains("This click did nothing; the password was changed at 10:00.")
                    && told.contains("(ref "),
                "{platform}: {told}"
            );
            assert_eq!(bot.slack.said_at(&direct_to(platform, KIM)).len(), 1);
            assert_eq!(bot.audited("ask_contact").await, "done sent contact_asked");
        })
        .await;
    }
}

/// Where nobody can be written to, that is said, with another way, and the button can be pressed again.
#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_be_asked_that_is_said() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            let card = bot.card(JO, NOA).await;
            bot.slack.change(KIM, "deleted", true.into());
            bot.click(JO, &card, "ask_contact").await;
            let told = bot.slack.last_text();
            assert_refused(&told, "No other administrator could be asked here.");
            assert!(
                told.contains("relatch members contact noa@acme.example ADDRESS"),
                "{platform}: {told}"
            );
            bot.slack.change(KIM, "deleted", false.into());
            bot.click(JO, &card, "ask_contact").await;
            assert!(
                bot.slack.last_text().contains("Kim Cho was asked"),
                "{platform}"
            );
        })
        .await;
    }
}

/// A refusal of the chat's own is certain: nobody was asked, and nobody is said to have been asked perhaps.
#[tokio::test(flavor = "multi_thread")]
async fn where_the_chat_refuses_the_message_nobody_was_asked() {
    let slack = [
        "messages_tab_disabled",
        "restricted_action",
        "not_in_channel",
        "is_archived",
        "rate_limited",
        "message_limit_exceeded",
        "no_permission",
        "ekm_access_denied",
        "missing_scope",
    ];
    let slack = slack.map(|error| (Platform::Slack, DirectError::Slack(error)));
    let discord = [
        DirectError::DiscordChat(50033),
        DirectError::DiscordMessage(50007),
    ];
    let discord = discord.map(|error| (Platform::Discord, error));
    for (platform, error) in slack.into_iter().chain(discord) {
        on(platform, async {
            let bot = TestBot::new().await;
            let card = bot.card(JO, NOA).await;
            bot.slack.refuse_direct_with(error);
            bot.click(JO, &card, "ask_contact").await;
            let told = bot.slack.last_text();
            assert!(
                told.contains("No other administrator could be asked here."),
                "{error:?}: {told}"
            );
            assert_refused(&told, "No other administrator could be asked here.");
        })
        .await;
    }
}

/// S3: who has lost the right asks nobody. Who has a contact by now needs none.
#[tokio::test(flavor = "multi_thread")]
async fn the_button_reads_right_and_contacts_anew() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            let card = bot.card(JO, NOA).await;
            bot.alter(JO, "role", "member").await;
            bot.click(JO, &card, "ask_contact").await;
            assert_refused(&bot.slack.last_text(), "You can't reset passwords.");
            bot.alter(JO, "role", "primary_admin").await;
            bot.alter(NOA, "phone", NUMBER).await;
            bot.click(JO, &card, "ask_contact").await;
            assert_refused(
                &bot.slack.last_text(),
                "A code for Noa Bae can go to +82 ··· ··99 now.",
            );
            assert!(bot.slack.said_at(&direct_to(platform, KIM)).is_empty());
        })
        .await;
    }
}

/// With one administrator only, whoever runs relatch adds the contact; and it counts at once.
#[tokio::test(flavor = "multi_thread")]
async fn one_administrator_alone_is_led_to_whoever_runs_relatch() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            bot.alter(KIM, "role", "member").await;
            let card = bot.card(JO, NOA).await;
            let look = last_look(&bot, &card).await;
            bot.click(JO, &look, "confirm").await;
            let result = bot.slack.last();
            for message in [&card, &look, &result] {
                let told = text_of(message);
                assert!(
                    told.contains(OPERATOR) && !told.contains(ANOTHER) && !has_button(message),
                    "{platform}: {told}"
                );
            }
            bot.write_settings("default_country = \"KR\"\n[sms]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\ntoken = \"a-token-of-16-bytes\"\n");
            let ran = bot.relatch(&["members", "contact", NOA, NUMBER]);
            assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
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

/// Who may not reset the member may not add a contact either, so they are not asked.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_reset_the_member_is_not_asked() {
    let bot = TestBot::new().await;
    bot.alter("lee@acme.example", "role", "primary_admin").await;
    let card = bot.card(JO, "lee@acme.example").await;
    let told = text_of(&card);
    assert!(
        told.contains("relatch members contact lee@acme.example ADDRESS") && !has_button(&card),
        "{told}"
    );
}

/// A list in the settings names the others too. Where the chat says who is one, nobody can list them.
#[tokio::test(flavor = "multi_thread")]
async fn administrators_of_the_settings_and_of_the_chat() {
    let bot = TestBot::with_admins(Admins::List {
        primary: vec![JO.parse().unwrap()],
        member_and_department: vec![KIM.parse().unwrap()],
    })
    .await;
    let card = bot.card(JO, NOA).await;
    bot.click(JO, &card, "ask_contact").await;
    assert!(bot.slack.last_text().contains("Kim Cho was asked"));
    assert_eq!(bot.slack.said_at(&direct_to(Platform::Slack, KIM)).len(), 1);

    let bot = TestBot::with_admins_of_the_chat().await;
    bot.slack.change(JO, "is_owner", true.into());
    let card = bot.card(JO, NOA).await;
    let told = text_of(&card);
    assert!(
        told.contains(ANOTHER)
            && told.contains("relatch members contact noa@acme.example ADDRESS")
            && !has_button(&card),
        "{told}"
    );
}

/// The same with a one-time link.
#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_link_promises_no_code_that_cannot_come() {
    use relatch::surface::domain::Carries;
    use relatch::surface::domain::delivery::Ways;

    let bot = TestBot::with_ways(Ways {
        is_strict: false,
        carries: Carries::Link,
    })
    .await;
    let card = bot.card(JO, NOA).await;
    bot.click(JO, &card, "reachable").await;
    bot.click(JO, &bot.slack.last(), "deliver_other").await;
    bot.submit(JO, NUMBER).await;
    let look = bot.slack.last();
    let told = text_of(&look);
    assert!(
        told.contains(LACKS) && !told.contains("after a code"),
        "{told}"
    );
    bot.click(JO, &look, "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains(LACKS) && !told.contains("proves who they are with a code"),
        "{told}"
    );
    bot.outbox.take();
}

/// S41: text that equals a contact which counted before the card was made is chosen from the record.
#[tokio::test(flavor = "multi_thread")]
async fn a_typed_contact_that_counted_before_is_chosen_from_the_record() {
    for platform in PLATFORMS {
        on(platform, async {
            let bot = TestBot::new().await;
            contact(&bot, NUMBER, ("operator", "operator"), "1", "null").await;
            let look = typed(&bot, "+82 10-1234-5699").await;
            let told = text_of(&look);
            assert!(
                told.contains("password and code go to the same phone"),
                "{platform}: {told}"
            );
            bot.click(JO, &look, "confirm").await;
            let password = sent_password(&bot, NUMBER);
            assert_eq!(
                code_goes_to(&bot, NOA, &password).await.as_deref(),
                Some(NUMBER),
                "{platform}"
            );

            // With a second contact, the code takes the other way.
            contact(&bot, "+821012345677", ("operator", "operator"), "1", "null").await;
            bot.clock.advance(Span::seconds(1));
            let look = typed(&bot, NUMBER).await;
            bot.click(JO, &look, "confirm").await;
            let password = sent_password(&bot, NUMBER);
            assert_eq!(
                code_goes_to(&bot, NOA, &password).await.as_deref(),
                Some("+821012345677"),
                "{platform}"
            );
        })
        .await;
    }
}

/// Anything else that was typed never gets a code: a contact that the administrator added, one that has not answered, one
/// that counts only since the card, and one that only looks the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_count_before_the_card_stays_typed() {
    let own = ("id-jo", "administrator");
    let others = ("id-kim", "administrator");
    for (by, added_at, answered_at) in [
        (own, "1", "1"),
        (others, "1", "null"),
        (("operator", "operator"), "1795428000500", "null"),
        (("id-noa", "proven"), "1", "1795428000500"),
    ] {
        let bot = TestBot::new().await;
        let card = bot.card(JO, NOA).await;
        bot.clock.advance(Span::seconds(1));
        contact(&bot, NUMBER, by, added_at, answered_at).await;
        let look = typed_on(&bot, &card, NUMBER).await;
        let told = text_of(&look);
        assert!(
            told.contains(LACKS),
            "{by:?} {added_at} {answered_at}: {told}"
        );
        bot.click(JO, &look, "confirm").await;
        let password = sent_password(&bot, NUMBER);
        assert_eq!(code_goes_to(&bot, NOA, &password).await, None, "{by:?}");
    }
    let bot = TestBot::new().await;
    let other = "+821099995699";
    contact(&bot, other, ("operator", "operator"), "1", "null").await;
    let look = typed(&bot, NUMBER).await;
    bot.click(JO, &look, "confirm").await;
    assert_eq!(bot.count("reset where is_typed = 1").await, 1);
    let password = sent_password(&bot, NUMBER);
    assert_eq!(
        code_goes_to(&bot, NOA, &password).await.as_deref(),
        Some(other)
    );
}

/// The same of a contact that the directory has only since the card.
#[tokio::test(flavor = "multi_thread")]
async fn a_typed_contact_that_the_directory_has_since_the_card_stays_typed() {
    let bot = TestBot::new().await;
    let card = bot.card(JO, NOA).await;
    bot.clock.advance(Span::seconds(1));
    bot.alter(NOA, "phone", NUMBER).await;
    let look = typed_on(&bot, &card, NUMBER).await;
    assert!(text_of(&look).contains(LACKS), "{}", text_of(&look));
    bot.click(JO, &look, "confirm").await;
    let password = sent_password(&bot, NUMBER);
    assert_eq!(code_goes_to(&bot, NOA, &password).await, None);

    // It was there before the next card.
    bot.clock.advance(Span::seconds(1));
    let look = typed(&bot, NUMBER).await;
    assert!(
        text_of(&look).contains("password and code go to the same phone"),
        "{}",
        text_of(&look)
    );
}

async fn contact(bot: &TestBot, to: &str, (by, added_as): (&str, &str), at: &str, answered: &str) {
    bot.sql(&format!(
        "insert into contact (member_id, channel, address, added_by, added_at, added_as, added_by_name, answered_at)
        values ('id-noa', 'sms', '{to}', '{by}', {at}, '{added_as}', 'Somebody Else', {answered})"
    ))
    .await;
}

/// A new card for Noa, and the last look after an address was typed.
async fn typed(bot: &TestBot, address: &str) -> serde_json::Value {
    let card = bot.card(JO, NOA).await;
    typed_on(bot, &card, address).await
}

async fn typed_on(bot: &TestBot, card: &serde_json::Value, address: &str) -> serde_json::Value {
    let ways = if button_value(card, "deliver_other").is_some() {
        card.clone()
    } else {
        bot.click(JO, card, "reachable").await;
        bot.slack.last()
    };
    bot.click(JO, &ways, "deliver_other").await;
    bot.submit(JO, address).await;
    bot.slack.last()
}
