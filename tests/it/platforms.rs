//! Several platforms beside each other, and what each asks for in its own way.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::{Platform, Span};
use serde_json::{Value, json};

use crate::support::discord::{self, id_of, menu_body};
use crate::support::slack::{button_value, command_body, shown_password, text_of, user_id};
use crate::support::{Answer, TestBot, lark, mattermost, on};

const PLATFORMS: &[Platform] = Platform::ALL;
const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";

/// S37: one person's resets count together, wherever they were made; the sixth is refused on every platform.
#[tokio::test(flavor = "multi_thread")]
async fn the_limit_counts_the_person_across_platforms() {
    let bot = TestBot::new().await;
    for count in 0..5 {
        let platform = PLATFORMS[count % 4];
        bot.on(platform).reset(JO, MINA, "deliver_phone").await;
        assert!(
            bot.slack
                .last_text()
                .contains(&format!("{} of 5 resets left", 4 - count)),
            "{count}"
        );
        bot.clock.advance(Span::minutes(1));
    }
    bot.outbox.take();
    for &platform in PLATFORMS {
        let refused = bot
            .on(platform)
            .command(JO, &format!("<@{}>", user_id(MINA)))
            .await
            .text();
        assert!(
            refused.contains("used all 5 resets") && refused.contains("Nothing was changed."),
            "{refused}"
        );
    }
}

/// What is right for one platform is nothing to another, whichever route it is sent to.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_one_platform_is_refused_by_the_others() {
    let bot = TestBot::new().await;
    let before = bot.count("audit").await;
    let form = command_body("UJO", "help", &bot.slack.reply_url(1));
    let json = discord::command_body(&id_of(JO), "help", 1);
    let timestamp = bot.clock.now().unix_seconds().to_string();
    let slack = |body: &str| {
        let [first, second] = bot.sign(body);
        [
            first,
            second,
            (
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            ),
        ]
    };
    let discords = |body: &str| {
        let signature = discord::sign(&timestamp, body.as_bytes());
        [
            ("x-signature-ed25519", signature),
            ("x-signature-timestamp", timestamp.clone()),
            ("content-type", "application/json".to_owned()),
        ]
    };
    let hook = format!(
        "{}/mm/hooks/commands/{}",
        bot.slack.base,
        mattermost::hook_id(1)
    );
    let mattermosts =
        mattermost::command_body(&mattermost::id_of(JO), "help", &hook, 1, bot.clock.now());
    let click = mattermost::click_body(
        &mattermost::id_of(JO),
        "cancel",
        &"A".repeat(43),
        2,
        bot.clock.now(),
    );
    let event = lark::seal(&lark::command_body(
        &lark::id_of(JO),
        "help",
        true,
        3,
        bot.clock.now(),
    ));
    let senders = [
        ("slack", &form, slack(&form).to_vec()),
        ("discord", &json, discords(&json).to_vec()),
        ("mattermost", &mattermosts, Vec::new()),
        ("mattermost", &click, Vec::new()),
        (
            "lark",
            &event,
            lark::sign(&timestamp, "n1", &event).to_vec(),
        ),
    ];
    let routes = [
        ("slack", "/slack/commands"),
        ("slack", "/slack/interactions"),
        ("discord", discord::ROUTE),
        ("mattermost", "/mattermost/commands"),
        ("mattermost", "/mattermost/actions"),
        ("mattermost", "/mattermost/dialogs"),
        ("lark", lark::ROUTE),
    ];
    for (sender, body, headers) in &senders {
        for (platform, route) in routes.iter().filter(|(platform, _)| platform != sender) {
            // As it is, and dressed up in the other's content type.
            for kind in ["application/x-www-form-urlencoded", "application/json"] {
                let mut request = Request::post(*route);
                for (name, value) in headers.iter().filter(|(name, _)| *name != "content-type") {
                    request = request.header(*name, value);
                }
                let request = request
                    .header("content-type", kind)
                    .body(Body::from((*body).clone()))
                    .unwrap();
                let status = bot.send(request).await.status;
                // 400: what is no request at all is not worth a look for its proof.
                let refused = [
                    StatusCode::UNAUTHORIZED,
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    StatusCode::BAD_REQUEST,
                ];
                assert!(
                    refused.contains(&status),
                    "{sender} at {platform}: {status}"
                );
            }
        }
    }
    assert_eq!(bot.count("audit").await, before, "nothing was written");
}

/// Discord, "Setting Up an Endpoint": a ping is answered, and its own probes with bad signatures get 401.
#[tokio::test(flavor = "multi_thread")]
async fn discord_s_ping_and_its_probes_are_answered() {
    let bot = TestBot::new().await;
    let pong = bot.post_to_discord(json!({ "type": 1 }).to_string()).await;
    assert_eq!(
        (pong.status, pong.json()),
        (StatusCode::OK, json!({ "type": 1 }))
    );
    let probe = |signature: String| {
        Request::post(discord::ROUTE)
            .header("content-type", "application/json")
            .header("x-signature-ed25519", signature)
            .header(
                "x-signature-timestamp",
                bot.clock.now().unix_seconds().to_string(),
            )
            .body(Body::from(json!({ "type": 1 }).to_string()))
            .unwrap()
    };
    for wrong in ["0".repeat(128), "f".repeat(128), String::new()] {
        let answer = bot.send(probe(wrong)).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::UNAUTHORIZED, 0)
        );
    }
}

/// The context menu of a member is the command with that member.
#[tokio::test(flavor = "multi_thread")]
async fn the_context_menu_offers_a_reset() {
    let bot = TestBot::new().await;
    let card = bot
        .post_to_discord(menu_body(&id_of(JO), &id_of(MINA), 1))
        .await;
    assert!(
        card.text().contains("Reset Mina Park's password?"),
        "{}",
        card.text()
    );
    assert!(button_value(&card.json(), "deliver_phone").is_some());
}

/// The same bytes again have no effect.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_interaction_has_one_effect() {
    let bot = TestBot::new().await;
    let body = menu_body(&id_of(JO), &id_of(MINA), 1);
    assert_eq!(
        bot.post_to_discord(body.clone()).await.status,
        StatusCode::OK
    );
    let again = bot.post_to_discord(body).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::CONFLICT, 0));
}

/// Who is not linked stands for nobody, and who left the server, a bot or somebody in its waiting room for even less.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_discord_that_stand_for_nobody_are_refused() {
    for (field, told, told_of_member) in [
        ("deleted", "another workspace", "exactly one account"),
        ("is_bot", "a bot", "x is a bot."),
        (
            "is_restricted",
            "a guest account",
            "x is a guest of this workspace.",
        ),
    ] {
        let bot = TestBot::new().await;
        bot.slack.change(JO, field, json!(true));
        let text = bot.on(Platform::Discord).command(JO, MINA).await.text();
        assert!(
            text.contains(told) && text.contains("Nothing was changed."),
            "{field}: {text}"
        );
        let bot = TestBot::new().await;
        bot.slack.change(MINA, field, json!(true));
        let text = bot
            .on(Platform::Discord)
            .command(JO, &format!("<@{}>", user_id(MINA)))
            .await
            .text();
        assert!(
            text.contains(told_of_member) && text.contains("Nothing was changed."),
            "{field}: {text}"
        );
    }
    let bot = TestBot::new().await;
    assert!(
        bot.app
            .store
            .unlink(Platform::Discord, &id_of(JO))
            .await
            .unwrap()
    );
    let text = bot.on(Platform::Discord).command(JO, MINA).await.text();
    assert!(text.contains("I can't tell who you are"), "{text}");
}

/// Discord's own failures have texts of their own.
#[tokio::test(flavor = "multi_thread")]
async fn failures_of_discord_are_told() {
    for (status, told) in [
        (429, "asks me to slow down"),
        (401, "refuses relatch's token"),
        (403, "lacks the permission bot in this server"),
        (500, "doesn't answer"),
    ] {
        let bot = TestBot::new().await;
        bot.slack
            .answer_who_with(Some((status, json!({ "message": "x" }))));
        let text = bot.on(Platform::Discord).command(JO, MINA).await.text();
        assert!(
            text.contains(told) && text.contains("Nothing was changed."),
            "{status}: {text}"
        );
    }
}

/// An answer that takes longer than Discord waits fills the place that was deferred.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_fills_the_deferred_place() {
    let bot = TestBot::new().await;
    bot.slack.delay_who(Duration::from_secs(2));
    let raw = |body: String| async {
        let Answer { status, body } = bot.on(Platform::Discord).post_to_discord(body).await;
        (status, body)
    };
    // Two look-ups one after the other take longer than two and a half seconds.
    let (status, body) = raw(menu_body(&id_of(JO), &id_of(MINA), 1)).await;
    assert_eq!((status, body.len()), (StatusCode::OK, 0), "deferred");
    bot.settle().await;
    let said = bot.slack.said();
    assert_eq!(said.len(), 1);
    assert!(text_of(&said[0]).contains("Reset Mina Park's password?"));
    assert_ne!(
        said[0]["replace_original"],
        Value::Bool(false),
        "it takes the deferred place"
    );
}

/// A follow-up that overtakes its own answer is tried again until there is something to follow.
#[tokio::test(flavor = "multi_thread")]
async fn a_follow_up_that_comes_too_early_is_tried_again() {
    on(Platform::Discord, async {
        let bot = TestBot::new().await;
        let card = bot.card(JO, MINA).await;
        bot.slack.answer_replies_with(Some(404));
        let value = button_value(&card, "deliver_phone").unwrap();
        bot.click_and_go(JO, "deliver_phone", &value).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        bot.slack.answer_replies_with(None);
        bot.settle().await;
        assert!(
            bot.slack.last_text().contains(" now?"),
            "{}",
            bot.slack.last_text()
        );
    })
    .await;
}

/// Mattermost cannot change what only one person sees: a shown password stays until it is closed, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_mattermost_shows_stays_until_it_is_closed() {
    let bot = TestBot::new().await;
    let shown = bot
        .on(Platform::Mattermost)
        .reset(JO, MINA, "deliver_copy")
        .await;
    let text = text_of(&shown);
    assert!(
        text.contains("This is shown once. Close this message when you are done."),
        "{text}"
    );
    assert!(shown_password(&shown).is_some() && button_value(&shown, "done").is_none());
    bot.clock.advance(Span::minutes(3));
    let before = bot.slack.said().len();
    bot.sweep().await;
    assert_eq!(
        bot.slack.said().len(),
        before,
        "nothing is hidden that cannot be"
    );
}

/// A bot that Mattermost does not let write to one user alone.
async fn without_private_replies() -> TestBot {
    let bot = TestBot::new().await;
    bot.slack
        .memory
        .mattermost
        .lock()
        .unwrap()
        .may_post_ephemeral = false;
    bot.on(Platform::Mattermost);
    bot
}

/// Five messages to one response address are all there are: the last is kept for the end, and more is said to be
/// impossible.
#[tokio::test(flavor = "multi_thread")]
async fn mattermost_s_five_answers_are_kept_for_the_end() {
    let bot = without_private_replies().await;
    let card = bot.card(JO, MINA).await;
    for _ in 0..4 {
        bot.click(JO, &card, "deliver_phone").await;
        assert!(bot.slack.last_text().contains(" now?"));
    }
    let ready = bot.slack.last();
    bot.click(JO, &ready, "copy_to_self").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("does not let me show this card once more")
            && told.contains("Nothing was changed."),
        "{told}"
    );
    // What could not be shown was not switched on either.
    bot.click(JO, &ready, "confirm").await;
    assert!(
        bot.slack.last_text().contains("Done: "),
        "{}",
        bot.slack.last_text()
    );
    assert!(bot.outbox.take().iter().all(|sent| sent.to != JO));
}

/// Whatever is drawn again offers no way that others could read.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_drawn_again_still_offers_no_copy() {
    let bot = without_private_replies().await;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_phone").await;
    bot.click(JO, &bot.slack.last(), "back").await;
    let drawn = bot.slack.last();
    assert!(button_value(&drawn, "deliver_email").is_some(), "{drawn:#}");
    for way in ["deliver_copy", "deliver_other"] {
        assert!(button_value(&drawn, way).is_none(), "{drawn:#}");
    }
}

/// A password that waits for another way goes it although no answer is left; the next command tells how it went.
#[tokio::test(flavor = "multi_thread")]
async fn mattermost_s_answers_may_be_over_before_the_password_is_delivered() {
    let bot = without_private_replies().await;
    let card = bot.card(JO, MINA).await;
    for _ in 0..4 {
        bot.click(JO, &card, "deliver_phone").await;
    }
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let waiting = bot.slack.last();
    assert!(
        text_of(&waiting).contains("the SMS was not accepted"),
        "{}",
        text_of(&waiting)
    );
    assert!(
        button_value(&waiting, "deliver_copy").is_none(),
        "{waiting:#}"
    );
    bot.outbox.take();
    bot.click(JO, &waiting, "deliver_email").await;
    assert_eq!(bot.outbox.take()[0].to, "mina@mail.example");
    let next = bot.command(JO, "noa@acme.example").await.text();
    assert!(next.contains("it was changed and delivered"), "{next}");
}

/// Nor is the last one spent on "Working …", or the end could not be told any more.
#[tokio::test(flavor = "multi_thread")]
async fn mattermost_s_last_answer_is_not_spent_on_waiting() {
    let bot = without_private_replies().await;
    let card = bot.card(JO, MINA).await;
    for _ in 0..4 {
        bot.click(JO, &card, "deliver_phone").await;
        assert!(bot.slack.last_text().contains(" now?"));
    }
    let ready = bot.slack.last();
    bot.slack.delay_who(Duration::from_millis(1500));
    bot.click(JO, &ready, "confirm").await;
    assert!(
        bot.slack.last_text().contains("Done: "),
        "{}",
        bot.slack.last_text()
    );
    assert!(
        !bot.slack
            .said()
            .iter()
            .any(|said| text_of(said).contains("Working"))
    );
    bot.outbox.take();
}

/// Posts to one user have no such limit.
#[tokio::test(flavor = "multi_thread")]
async fn mattermost_s_private_replies_have_no_limit() {
    let bot = TestBot::new().await;
    let card = bot.on(Platform::Mattermost).card(JO, MINA).await;
    for _ in 0..8 {
        bot.click(JO, &card, "deliver_copy").await;
        assert!(bot.slack.last_text().contains(" now?"));
    }
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(
        shown_password(&bot.slack.last()).is_some(),
        "{}",
        bot.slack.last_text()
    );
}

/// A request of Mattermost counts once, and one that names another person, team or time does not count at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_mattermost_counts_once() {
    let bot = TestBot::new().await;
    let card = bot.on(Platform::Mattermost).card(JO, MINA).await;
    let value = button_value(&card, "deliver_phone").unwrap();
    let body = mattermost::click_body(
        &mattermost::id_of(JO),
        "deliver_phone",
        &value,
        77,
        bot.clock.now(),
    );
    assert_eq!(
        bot.post_to_mattermost("/mattermost/actions", body.clone())
            .await
            .status,
        StatusCode::OK
    );
    bot.settle().await;
    let again = bot
        .post_to_mattermost("/mattermost/actions", body.clone())
        .await;
    assert_eq!((again.status, again.body.len()), (StatusCode::CONFLICT, 0));
    bot.clock.advance(Span::minutes(6));
    assert_eq!(
        bot.post_to_mattermost("/mattermost/actions", body)
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    let other = mattermost::click_body(
        &mattermost::id_of(KIM),
        "deliver_phone",
        &value,
        78,
        bot.clock.now(),
    );
    bot.post_to_mattermost("/mattermost/actions", other).await;
    bot.settle().await;
    assert!(
        bot.slack
            .last_text()
            .contains("This card belongs to Jo Lim."),
        "{}",
        bot.slack.last_text()
    );
}

/// Guests, bots, those who left, and accounts whose e-mail nobody confirmed.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_mattermost_that_stand_for_nobody_are_refused() {
    for (field, value, told) in [
        ("is_restricted", true, "a guest account"),
        ("is_bot", true, "a bot"),
        ("deleted", true, "a deactivated account"),
        ("is_email_confirmed", false, "I can't tell who you are"),
    ] {
        let bot = TestBot::new().await;
        bot.slack.change(JO, field, json!(value));
        let text = bot.on(Platform::Mattermost).command(JO, MINA).await.text();
        assert!(
            text.contains(told) && text.contains("Nothing was changed."),
            "{field}: {text}"
        );
    }
}

/// Lark, "Request URL configuration": the challenge comes back, encrypted on its way in.
#[tokio::test(flavor = "multi_thread")]
async fn lark_s_challenge_is_answered() {
    let bot = TestBot::new().await;
    let challenge =
        json!({ "challenge": "c-\"1", "token": lark::VERIFICATION, "type": "url_verification" });
    let post = |body: String| {
        Request::post(lark::ROUTE)
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap()
    };
    let answer = bot.send(post(lark::seal(&challenge.to_string()))).await;
    assert_eq!(
        (answer.status, answer.json()),
        (StatusCode::OK, json!({ "challenge": "c-\"1" }))
    );
    let plain = bot.send(post(challenge.to_string())).await;
    assert_eq!(
        (plain.status, plain.body.len()),
        (StatusCode::UNAUTHORIZED, 0),
        "plain text"
    );
}

/// Whoever has seen one event knows everything in it, the verification token too; without the encrypt key that is not
/// enough to send another, in plain text or with a made-up signature.
#[tokio::test(flavor = "multi_thread")]
async fn lark_s_events_cannot_be_forged_from_one_that_was_seen() {
    let bot = TestBot::new().await;
    let now = bot.clock.now();
    let event = lark::command_body(
        &lark::id_of(JO),
        &format!("<@{}>", user_id(MINA)),
        true,
        1,
        now,
    );
    let said = bot.slack.said().len();
    let time = (now.0 / 1000).to_string();
    for (body, is_signed) in [
        (event.clone(), false),
        (event.clone(), true),
        (lark::seal(&event), false),
    ] {
        let mut request = Request::post(lark::ROUTE).header("content-type", "application/json");
        if is_signed {
            request = request
                .header("x-lark-request-timestamp", &time)
                .header("x-lark-request-nonce", "n1")
                .header("x-lark-signature", "0".repeat(64));
        }
        let answer = bot.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (StatusCode::UNAUTHORIZED, 0)
        );
    }
    bot.settle().await;
    assert_eq!(bot.slack.said().len(), said, "a forged event was answered");
    assert!(
        bot.post_to_lark(&event)
            .await
            .text()
            .contains("Reset Mina Park's password?")
    );
}

/// Lark sends again what was not answered: after 15 s, 5 min, 1 h and 6 h. Each time it hears 200, and there is one card.
#[tokio::test(flavor = "multi_thread")]
async fn lark_s_retries_have_one_effect() {
    let bot = TestBot::new().await;
    let event = lark::command_body(
        &lark::id_of(JO),
        &format!("<@{}>", user_id(MINA)),
        true,
        1,
        bot.clock.now(),
    );
    let first = bot.post_to_lark(&event).await;
    assert!(
        first.text().contains("Reset Mina Park's password?"),
        "{}",
        first.text()
    );
    let said = bot.slack.said().len();
    bot.clock.advance(Span::seconds(15));
    let again = bot.post_to_lark(&event).await;
    assert_eq!(
        (again.status, bot.slack.said().len()),
        (StatusCode::OK, said),
        "taken, and without effect"
    );
    for later in [Span::minutes(5), Span::hours(1), Span::hours(6)] {
        bot.clock.advance(later);
        let late = bot.send_to_lark(&event).await;
        bot.settle().await;
        // Hours later it is no longer what the administrator waits for.
        assert_eq!(
            (late.status, bot.slack.said().len()),
            (StatusCode::UNAUTHORIZED, said),
            "{later}"
        );
    }
}

/// What people say in a group stays theirs; to the bot alone, and by its menu, there is help.
#[tokio::test(flavor = "multi_thread")]
async fn lark_s_bot_speaks_when_it_is_spoken_to() {
    let bot = TestBot::new().await;
    let (jo, now) = (lark::id_of(JO), bot.clock.now());
    let said = |text: &str, is_group, serial| {
        lark::event(
            "im.message.receive_v1",
            serial,
            now,
            &lark::message(&jo, text, &json!([]), is_group),
        )
    };
    let silent = bot.post_to_lark(&said("good morning", true, 1)).await;
    assert_eq!((silent.status, bot.slack.said().len()), (StatusCode::OK, 0));
    let help = bot.post_to_lark(&said("good morning", false, 2)).await;
    assert!(
        help.text().contains("/reset-password @member"),
        "{}",
        help.text()
    );
    let menu = |key: &str, serial| {
        let chosen = json!({ "operator": { "operator_id": { "open_id": jo } }, "event_key": key, "timestamp": 1 });
        lark::event("application.bot.menu_v6", serial, now, &chosen)
    };
    let help = bot.post_to_lark(&menu("help", 3)).await;
    assert!(
        help.text().contains("/reset-password @member"),
        "{}",
        help.text()
    );
    let said = bot.slack.said().len();
    bot.post_to_lark(&menu("other", 4)).await;
    assert_eq!(bot.slack.said().len(), said);
}

/// Where the token of a click is used up, the card is changed by its own id.
#[tokio::test(flavor = "multi_thread")]
async fn lark_s_card_changes_after_its_token_is_used_up() {
    let bot = TestBot::new().await;
    bot.on(Platform::Lark).reset(JO, MINA, "deliver_copy").await;
    assert!(shown_password(&bot.slack.last()).is_some());
    // Half an hour later the token works no more, and the password has long been hidden.
    bot.clock.advance(Span::minutes(31));
    bot.sweep().await;
    assert_eq!(
        shown_password(&bot.slack.last()),
        None,
        "{}",
        bot.slack.last_text()
    );
}

/// Lark's own failures have texts of their own.
#[tokio::test(flavor = "multi_thread")]
async fn failures_of_lark_are_told() {
    let scope = "Access denied. One of: [contact:user.base:readonly]";
    for (status, answer, told) in [
        (429, json!({}), "asks me to slow down"),
        (
            400,
            json!({ "code": 99_991_400, "msg": "x" }),
            "asks me to slow down",
        ),
        (
            400,
            json!({ "code": 99_991_672, "msg": scope }),
            "lacks the permission contact:user.base:readonly",
        ),
        (
            400,
            json!({ "code": 10_014, "msg": "x" }),
            "refuses relatch's token",
        ),
        (500, json!({}), "doesn't answer"),
        (
            200,
            json!({ "code": 0, "data": { "user": { "open_id": "ou_another" } } }),
            "doesn't answer",
        ),
    ] {
        let bot = TestBot::new().await;
        bot.slack.answer_who_with(Some((status, answer)));
        let text = bot.on(Platform::Lark).command(JO, MINA).await.text();
        assert!(
            text.contains(told) && text.contains("Nothing was changed."),
            "{status}: {text}"
        );
    }
}

/// Those who left, and accounts without a mailbox of the organization.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_lark_that_stand_for_nobody_are_refused() {
    for (field, value, told) in [
        ("deleted", true, "a deactivated account"),
        ("is_email_confirmed", false, "I can't tell who you are"),
    ] {
        let bot = TestBot::new().await;
        bot.slack.change(JO, field, json!(value));
        let text = bot.on(Platform::Lark).command(JO, MINA).await.text();
        assert!(
            text.contains(told) && text.contains("Nothing was changed."),
            "{field}: {text}"
        );
    }
}
