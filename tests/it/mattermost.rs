//! Mattermost under attack: what a stolen command token and a harvested trigger are worth, and what is off without
//! private replies.

use axum::http::StatusCode;
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::{Platform, Span};
use serde_json::Value;

use crate::support::mattermost::{
    SigningKey, click_body, command_body, form_body, hook_id, id_of, trigger,
};
use crate::support::slack::{button_value, shown_password, text_of, user_id};
use crate::support::{Answer, Left, TestBot, mattermost};

const JO: &str = "jo@acme.example";

const KIM: &str = "kim@acme.example";
const NOA: &str = "noa@acme.example";
const MINA: &str = "mina.park@acme.example";

/// What the server has not signed.
fn unsigned(user: &str, serial: u32, bot: &TestBot) -> String {
    SigningKey::fresh().trigger(&mattermost::trigger_id(serial), user, bot.clock.now().0)
}

/// A command as an attacker makes it, who knows the token: Jo's id, a trigger, and the attacker's own hook.
async fn attack_by_command(bot: &TestBot, text: &str, serial: u32, trigger: &str) -> Answer {
    let (jo, hook) = (
        id_of(JO),
        format!("{}/mm/hooks/commands/{}", bot.slack.base, hook_id(9)),
    );
    let honest = command_body(&jo, text, &hook, serial, bot.clock.now());
    let (before, rest) = honest.split_once("&trigger_id=").unwrap();
    let (_, after) = rest.split_once('&').unwrap();
    let trigger =
        percent_encoding::utf8_percent_encode(trigger, percent_encoding::NON_ALPHANUMERIC);
    let answer = bot
        .post_to_mattermost(
            "/mattermost/commands",
            format!("{before}&trigger_id={trigger}&{after}"),
        )
        .await;
    bot.settle().await;
    answer
}

async fn attack_by_click(bot: &TestBot, action: &str, value: &str, trigger: &str) -> Answer {
    let mut body: Value =
        serde_json::from_str(&click_body(&id_of(JO), action, value, 1, bot.clock.now())).unwrap();
    body["trigger_id"] = trigger.into();
    let answer = bot
        .post_to_mattermost("/mattermost/actions", body.to_string())
        .await;
    bot.settle().await;
    answer
}

/// What the attacker sees beside the answers to their own requests.
fn seen(bot: &TestBot) -> Vec<Value> {
    [bot.slack.said_at(&hook_id(9)), bot.slack.said_at("answer")].concat()
}

/// What Jo alone sees.
fn seen_by_jo(bot: &TestBot) -> Vec<Value> {
    bot.slack.said_at(&format!("post to {}", id_of(JO)))
}

fn mention(email: &str) -> String {
    format!("<@{}>", user_id(email))
}

/// From the command to Copy as Jo, each request with what `trigger` makes. The password, if the attacker sees it.
async fn play(bot: &TestBot, trigger: impl Fn(u32) -> String) -> Option<String> {
    let card = attack_by_command(bot, &mention(MINA), 1, &trigger(1)).await;
    let copy = button_value(&card.json(), "deliver_copy")?;
    attack_by_click(bot, "deliver_copy", &copy, &trigger(2)).await;
    let find = |action: &str| {
        seen(bot)
            .iter()
            .rev()
            .find_map(|said| button_value(said, action))
    };
    // Without the value on the last look, the one on the card is tried.
    let confirm = find("confirm").unwrap_or(copy);
    attack_by_click(bot, "confirm", &confirm, &trigger(3)).await;
    seen(bot).iter().find_map(shown_password)
}

/// The command's token alone, which every administrator of the team can read: nothing comes of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_the_command_makes_nobody_an_administrator() {
    let bot = TestBot::new().await;
    let before = bot.trace().await;
    assert_eq!(
        play(&bot, |serial| unsigned(&id_of(JO), serial, &bot)).await,
        None
    );
    let refused = attack_by_command(&bot, &mention(MINA), 4, &unsigned(&id_of(JO), 4, &bot)).await;
    assert_eq!(
        (refused.status, refused.body.len()),
        (StatusCode::UNAUTHORIZED, 0)
    );
    assert_eq!((bot.trace().await, bot.slack.said().len()), (before, 0));
}

/// With the token and with triggers that other integrations received from Jo, the card is seen, and nothing behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_harvested_trigger_shows_no_last_look_and_no_password() {
    let bot = TestBot::new().await;
    let harvested = |serial| trigger(&id_of(JO), serial, bot.clock.now());
    assert_eq!(play(&bot, harvested).await, None);
    assert!(seen(&bot).is_empty(), "{:#?}", seen(&bot));
    let to_jo = seen_by_jo(&bot);
    assert!(
        to_jo
            .iter()
            .any(|said| text_of(said).contains("Reset Mina Park now?")),
        "{to_jo:#?}"
    );
    assert_eq!((bot.count("slot").await, bot.outbox.take().len()), (0, 0));
}

/// A harvested trigger and the token do not add a contact: the button for it goes to Jo alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_harvested_trigger_adds_no_contact() {
    let bot = TestBot::new().await;
    let text = format!("contact {} +82 10 7777 6666", mention(MINA));
    attack_by_command(&bot, &text, 1, &trigger(&id_of(JO), 1, bot.clock.now())).await;
    assert_eq!((bot.count("contact").await, seen(&bot).len()), (0, 0));
}

/// A button's value is no state of a dialog: with it, anybody's user id and no trigger at all, nothing is chosen.
#[tokio::test(flavor = "multi_thread")]
async fn a_button_s_value_opens_no_dialog_by_itself() {
    let bot = TestBot::new().await;
    let card = bot.on(Platform::Mattermost).card(JO, MINA).await;
    let value = button_value(&card, "deliver_other").unwrap();
    let view = serde_json::json!({ "callback_id": "deliver_other", "state": format!("deliver_other:{value}:0") });
    let sent = bot
        .post_to_mattermost(
            "/mattermost/dialogs",
            form_body(&id_of(JO), &view, "+82 10 7777 6666"),
        )
        .await;
    bot.settle().await;
    assert_eq!(
        (sent.status, sent.body.len()),
        (StatusCode::UNAUTHORIZED, 0)
    );
    assert_eq!(bot.slack.said().len(), 0);
}

/// A command says who asks, and a harvested trigger fits any command: a contact is added by the button that Jo alone got,
/// once, in time, and for whom it was asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_added_by_a_button() {
    let bot = TestBot::new().await;
    let add = format!("contact {} +82 10 7777 6666", mention(NOA));
    let asked = bot.on(Platform::Mattermost).command(JO, &add).await.json();
    let question = "Add +821077776666 for the codes of Noa Bae (noa@acme.example)?";
    assert!(text_of(&asked).contains(question), "{}", text_of(&asked));
    assert_eq!((bot.count("contact").await, seen_by_jo(&bot).len()), (0, 1));
    let value = button_value(&asked, "contact_add").unwrap();
    let over = "This question is answered, too old, or not yours. Nothing was changed.";
    let told = |bot: &TestBot| bot.slack.last_text().replace('\n', " ");
    bot.click_value(KIM, "contact_add", &value).await;
    assert!(told(&bot).contains(over), "{}", told(&bot));
    assert_eq!(bot.count("contact").await, 0);
    bot.click_value(JO, "contact_add", &value).await;
    assert!(
        told(&bot).contains("+82 ··· ··66 was added for codes of Noa Bae."),
        "{}",
        told(&bot)
    );
    assert_eq!(bot.count("contact").await, 1);
    bot.outbox.take();
    bot.click_value(JO, "contact_add", &value).await;
    assert!(told(&bot).contains(over), "{}", told(&bot));
    let late = button_value(&bot.command(JO, &add).await.json(), "contact_add").unwrap();
    bot.clock.advance(Span::minutes(10));
    bot.click_value(JO, "contact_add", &late).await;
    assert!(told(&bot).contains(over), "{}", told(&bot));
    assert_eq!(
        (bot.count("contact").await, bot.outbox.take().len()),
        (1, 0)
    );
    assert_eq!(
        bot.audited("contact").await,
        "asked question_over pressed added pressed asked question_over"
    );
}

/// Two addresses can have one mask, and somebody else may have sent the command: the question shows the whole address.
#[tokio::test(flavor = "multi_thread")]
async fn the_question_shows_the_whole_address() {
    let bot = TestBot::new().await;
    bot.on(Platform::Mattermost);
    for address in ["noa@mail.example", "nina@mail.example"] {
        let asked = bot
            .command(JO, &format!("contact {} {address}", mention(NOA)))
            .await
            .json();
        let question = format!("Add {address} for the codes of Noa Bae (noa@acme.example)?");
        assert!(text_of(&asked).contains(&question), "{}", text_of(&asked));
    }
}

/// Rights are read again when the button is pressed, and what is no value of ours is no request.
#[tokio::test(flavor = "multi_thread")]
async fn the_button_of_a_contact_proves_no_right() {
    let bot = TestBot::new().await;
    let add = format!("contact {} +82 10 7777 6666", mention(NOA));
    let asked = bot.on(Platform::Mattermost).command(KIM, &add).await.json();
    let value = button_value(&asked, "contact_add").unwrap();
    bot.alter(KIM, "role", "member").await;
    bot.click_value(KIM, "contact_add", &value).await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("You can't reset passwords") && told.contains("Nothing was changed."),
        "{told}"
    );
    for forged in [value.to_lowercase(), "A".repeat(value.len())] {
        assert_eq!(
            bot.click_value(JO, "contact_add", &forged).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    let card = bot.card(JO, MINA).await;
    bot.click_value(JO, "contact_add", &button_value(&card, "cancel").unwrap())
        .await;
    assert!(
        bot.slack
            .last_text()
            .contains("This question is answered, too old"),
        "{}",
        bot.slack.last_text()
    );
    assert_eq!(bot.count("contact").await, 0);
}

async fn submit(bot: &TestBot, who: &str, view: &Value, typed: &str) -> Answer {
    let answer = bot
        .post_to_mattermost("/mattermost/dialogs", form_body(&id_of(who), view, typed))
        .await;
    bot.settle().await;
    answer
}

/// A dialog counts for who opened it, for thirty minutes, and acts once; a refusal is told as often as it is earned.
#[tokio::test(flavor = "multi_thread")]
async fn a_dialog_acts_once_for_who_opened_it() {
    let bot = TestBot::new().await;
    let card = bot.on(Platform::Mattermost).card(JO, MINA).await;
    bot.click(JO, &card, "deliver_other").await;
    let view = bot.slack.last_view();
    let before = bot.trace().await;
    for (who, state) in [(KIM, view["state"].clone()), (JO, "".into())] {
        let mut other = view.clone();
        other["state"] = state;
        assert_eq!(
            submit(&bot, who, &other, "+82 10 9999 8877").await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(bot.trace().await, before);
    let refused = submit(&bot, JO, &view, "+82 12").await.refusal_of_form();
    assert!(
        refused.contains("not a complete phone number") && refused.contains("Nothing was changed."),
        "{refused}"
    );
    assert_eq!(
        submit(&bot, JO, &view, "+82 12").await.refusal_of_form(),
        refused,
        "the same again"
    );
    assert_eq!(
        submit(&bot, JO, &view, "+82 10 9999 8877").await.status,
        StatusCode::OK
    );
    assert!(
        bot.slack
            .last_text()
            .contains("Goes to: SMS +82 10 9999 8877, not on record"),
        "{}",
        bot.slack.last_text()
    );
    let (trace, said) = (bot.trace().await, bot.slack.said().len());
    for typed in ["+82 10 9999 8877", "+82 10 1111 2222"] {
        let again = submit(&bot, JO, &view, typed).await;
        assert_eq!(
            (again.status, again.body.len()),
            (StatusCode::OK, 0),
            "{typed}"
        );
    }
    assert_eq!(
        (bot.trace().await, bot.slack.said().len()),
        (trace, said),
        "used once"
    );
    bot.clock.advance(Span::minutes(30));
    assert_eq!(
        submit(&bot, JO, &view, "+82 10 1111 2222").await.status,
        StatusCode::UNAUTHORIZED
    );
}

/// The server counts bytes: a label is cut, and the whole name stands above the input.
#[tokio::test(flavor = "multi_thread")]
async fn a_dialog_keeps_to_its_bytes_and_names_the_member() {
    for name in [
        "Mina Park",
        "박미나 (서울 본사 인사팀)",
        "Ēriks Ķēniņš-Žagars",
    ] {
        let bot = TestBot::new().await;
        bot.alter(MINA, "name", name).await;
        let card = bot.on(Platform::Mattermost).card(JO, MINA).await;
        bot.click(JO, &card, "deliver_other").await;
        let label = &bot.slack.last_view()["blocks"][0]["label"];
        let (shown, above) = (
            label["text"].as_str().unwrap(),
            label["above"].as_str().unwrap(),
        );
        assert!(shown.len() <= 24, "{shown}");
        let plain = above.replace(['\\', '\u{200b}'], "");
        assert_eq!(plain, format!("Phone or email of {name}"));
    }
}

/// The server's rule for dialogs: a trigger older than 30 s opens none, and the administrator is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_dialog_that_cannot_be_opened_is_told() {
    let bot = TestBot::new().await;
    let card = bot.on(Platform::Mattermost).card(JO, MINA).await;
    let value = button_value(&card, "deliver_other").unwrap();
    let old = trigger(&id_of(JO), 77, bot.clock.now());
    bot.clock.advance(Span::seconds(31));
    attack_by_click(&bot, "deliver_other", &value, &old).await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("Nothing was changed. Press the button again."),
        "{told}"
    );
}

/// A key that the server has made anew is learned from the server; on a server that tells none, nobody is believed.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_learned_and_no_key_is_no_proof() {
    let bot = TestBot::new().await;
    assert_eq!(
        bot.on(Platform::Mattermost)
            .command(JO, "help")
            .await
            .status,
        StatusCode::OK
    );
    let new = SigningKey::fresh();
    bot.slack.memory.mattermost.lock().unwrap().key = Some(new.public());
    let by = |key: &SigningKey, serial: u32| {
        key.trigger(
            &mattermost::trigger_id(serial),
            &id_of(JO),
            bot.clock.now().0,
        )
    };
    bot.clock.advance(Span::minutes(1));
    assert_eq!(
        attack_by_command(&bot, "help", 71, &by(&new, 71))
            .await
            .status,
        StatusCode::OK
    );
    let old = attack_by_command(&bot, "help", 72, &by(&SigningKey::of_server(), 72)).await;
    assert_eq!((old.status, old.body.len()), (StatusCode::UNAUTHORIZED, 0));
    assert_eq!(
        bot.slack.memory.mattermost.lock().unwrap().key_asked,
        2,
        "at the start, and once for both"
    );

    let bot = TestBot::new().await;
    bot.slack.memory.mattermost.lock().unwrap().key = None;
    let refused = bot.on(Platform::Mattermost).command(JO, "help").await;
    assert_eq!(
        (refused.status, refused.body.len()),
        (StatusCode::UNAUTHORIZED, 0)
    );
}

/// The server hangs when it is asked for its key, and requests with wrong signatures make relatch ask: one of them waits,
/// its place is free again in time, and the other chats are answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_does_not_stop_the_other_chats() {
    let bot = TestBot::new().await;
    assert_eq!(
        bot.on(Platform::Mattermost)
            .command(JO, "help")
            .await
            .status,
        StatusCode::OK
    );
    bot.slack.memory.mattermost.lock().unwrap().key_delay = std::time::Duration::from_secs(30);
    bot.clock.advance(Span::minutes(1));
    let (key, jo, now) = (SigningKey::fresh(), id_of(JO), bot.clock.now());
    let forged = |serial: u32| {
        let trigger = key.trigger(&mattermost::trigger_id(serial), &jo, now.0);
        let trigger =
            percent_encoding::utf8_percent_encode(&trigger, percent_encoding::NON_ALPHANUMERIC);
        let body = format!(
            "token={}&user_id={jo}&trigger_id={trigger}",
            mattermost::TOKEN
        );
        bot.post_to_mattermost("/mattermost/commands", body)
    };
    let flood = futures_util::future::join_all((0..600).map(forged));
    let slack = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        bot.on(Platform::Slack).command(KIM, "help").await.text()
    };
    let (flood, told) = tokio::join!(flood, slack);
    assert!(told.contains("/reset-password"), "{told}");
    let of = |status: StatusCode| {
        flood
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!(
        (
            of(StatusCode::SERVICE_UNAVAILABLE),
            of(StatusCode::UNAUTHORIZED)
        ),
        (1, 599)
    );
    assert!(flood.iter().all(|answer| answer.body.is_empty()));
}

/// A bot that may not write to one user alone.
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

/// Without private replies a reset goes to contacts on record only; the card says so, and forged buttons are refused.
#[tokio::test(flavor = "multi_thread")]
async fn without_private_replies_only_contacts_on_record_are_left() {
    let bot = without_private_replies().await;
    let card = bot.card(JO, MINA).await;
    assert!(
        text_of(&card).contains("I can't write to you alone here"),
        "{}",
        text_of(&card)
    );
    assert!(
        button_value(&card, "deliver_copy").is_none()
            && button_value(&card, "deliver_other").is_none()
    );
    let value = button_value(&card, "deliver_phone").unwrap();
    let off = "Copy, showing and typed addresses are off.";
    for action in [
        "deliver_copy",
        "deliver_other",
        "also_show",
        "copy_to_self_change",
        "reachable",
    ] {
        let answer = bot.click_value(JO, action, &value).await;
        let told = [answer.text(), bot.slack.last_text()].concat();
        assert!(
            told.contains(off) && told.contains("Nothing was changed."),
            "{action}: {told}"
        );
    }
    bot.click(JO, &card, "deliver_phone").await;
    let ready = bot.slack.last();
    assert!(
        button_value(&ready, "also_show").is_none()
            && button_value(&ready, "copy_to_self_change").is_none()
    );
    bot.click(JO, &ready, "copy_to_self").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(
        bot.slack.last_text().contains("Done: "),
        "{}",
        bot.slack.last_text()
    );
    let sent: Vec<String> = bot.outbox.take().into_iter().map(|sent| sent.to).collect();
    assert!(
        sent.contains(&"+821012345642".to_owned()) && sent.contains(&JO.to_owned()),
        "{sent:?}"
    );
    assert_eq!(shown_password(&bot.slack.last()), None);
}

/// Nobody can be reached without a contact, and none is added from here: the operator is named.
#[tokio::test(flavor = "multi_thread")]
async fn without_private_replies_a_contact_is_added_by_the_operator() {
    let bot = without_private_replies().await;
    let card = bot.card(JO, NOA).await;
    assert!(
        button_value(&card, "reachable").is_none(),
        "{}",
        text_of(&card)
    );
    let told = bot
        .command(JO, &format!("contact {} +82 10 7777 6666", mention(NOA)))
        .await
        .text();
    for part in [
        "Nothing was changed.",
        "relatch members contact noa@acme.example",
        "can't be added from this chat",
    ] {
        assert!(told.contains(part), "{told}");
    }
    assert!(told.chars().count() <= 350);
    assert_eq!(
        (bot.count("contact").await, bot.audited("contact").await),
        (0, "not_private".to_owned())
    );
}

/// The server counts the uses of a response address itself, and forgets the address after half an hour. What could not be
/// told there is told by the next command.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_response_address_no_longer_takes_is_told_later() {
    for is_gone in [false, true] {
        let bot = without_private_replies().await;
        bot.leaves(Left::Messages, "the password of the reset");
        let ready = bot.last_look(JO, MINA, "deliver_phone").await;
        {
            let mut server = bot.slack.memory.mattermost.lock().unwrap();
            if is_gone {
                server.hooks.clear();
            } else {
                server.hooks.values_mut().for_each(|(_, uses)| *uses = 5);
            }
        }
        bot.click(JO, &ready, "confirm").await;
        let next = bot.command(JO, NOA).await.text();
        assert!(next.contains("About your reset of Mina Park"), "{next}");
    }
}

/// A name that nobody can have is answered 400, which is no silence of the server.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_can_have_is_nobody() {
    let bot = TestBot::new().await;
    let mattermost = bot.on(Platform::Mattermost);
    let told = mattermost.command(JO, "@matterbot").await.text();
    assert!(
        told.contains("I can't find exactly one account") && !told.contains("doesn't answer"),
        "{told}"
    );
}

/// Over the rate limit the server answers in plain text, and says how long to wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_told_with_its_time() {
    let bot = TestBot::new().await;
    bot.on(Platform::Mattermost).command(JO, "help").await;
    bot.slack.memory.mattermost.lock().unwrap().limited_for = Some(9);
    let told = bot.command(JO, NOA).await.text();
    assert!(
        told.contains("The chat asks me to slow down.") && told.contains("Try again in 9 s."),
        "{told}"
    );
}

/// The roles say yes and the server says no: the question goes nowhere, least of all to a hook that somebody else named. The
/// answer of the command says why, and what was not told yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_is_refused_is_not_asked_elsewhere() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the password of the reset");
    let ready = bot
        .on(Platform::Mattermost)
        .last_look(JO, MINA, "deliver_phone")
        .await;
    bot.slack.answer_replies_with(Some(404));
    bot.click(JO, &ready, "confirm").await;
    bot.slack.answer_replies_with(None);
    // The roles were read a moment ago.
    bot.slack
        .memory
        .mattermost
        .lock()
        .unwrap()
        .may_post_ephemeral = false;
    let text = format!("contact {} +82 10 7777 6666", mention(NOA));
    let answer =
        attack_by_command(&bot, &text, 90, &trigger(&id_of(JO), 90, bot.clock.now())).await;
    let told = answer.text();
    assert!(
        told.contains("can't be added from this chat") && told.contains("Nothing was changed."),
        "{told}"
    );
    assert!(told.contains("About your reset of Mina Park"), "{told}");
    assert!(
        !told.contains("7777") && button_value(&answer.json(), "contact_add").is_none(),
        "{told}"
    );
    assert!(seen(&bot).is_empty(), "{:#?}", seen(&bot));
    assert!(
        !bot.command(JO, NOA)
            .await
            .text()
            .contains("About your reset"),
        "told twice"
    );
}

/// The private post fails for another reason: the answer of the command says so, without the contact, and without what is
/// for the signed user alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_could_not_be_sent_is_said() {
    for status in [404, 500] {
        let bot = TestBot::new().await;
        bot.leaves(Left::Messages, "the password of the reset");
        let ready = bot
            .on(Platform::Mattermost)
            .last_look(JO, MINA, "deliver_phone")
            .await;
        bot.slack.answer_replies_with(Some(status));
        bot.click(JO, &ready, "confirm").await;
        let answer = bot
            .command(JO, &format!("contact {} +82 10 7777 6666", mention(NOA)))
            .await;
        let told = answer.text();
        assert!(
            told.contains("I could not send you a private message"),
            "{status}: {told}"
        );
        assert!(
            told.contains("Nothing was changed.") && told.contains("(ref "),
            "{told}"
        );
        assert!(
            !told.contains("7777") && button_value(&answer.json(), "contact_add").is_none(),
            "{told}"
        );
        assert!(
            !told.contains("Mina") && told.chars().count() <= 350,
            "{told}"
        );
        assert_eq!(bot.count("contact").await, 0);
        // What the question would have told, the next command tells, where it surely was not sent.
        if status == 404 {
            assert_eq!(bot.audited("contact").await, "asked not_sent");
            bot.slack.answer_replies_with(None);
            let next = bot.news_beside(JO, NOA).await.unwrap();
            assert!(next.contains("About your reset of Mina Park"), "{next}");
        }
    }
}

/// Whether the bot may post is not believed for ever: after the permission went, a click is answered at the card's address.
#[tokio::test(flavor = "multi_thread")]
async fn a_click_asks_again_whether_the_bot_may_post() {
    let bot = TestBot::new().await;
    let card = bot.on(Platform::Mattermost).card(JO, MINA).await;
    bot.slack
        .memory
        .mattermost
        .lock()
        .unwrap()
        .may_post_ephemeral = false;
    // The server is asked again after a minute.
    bot.clock.advance(Span::minutes(1));
    bot.click(JO, &card, "deliver_phone").await;
    assert!(
        bot.slack.last_text().contains("Reset Mina Park now?"),
        "{}",
        bot.slack.last_text()
    );
}

/// What was chosen while replies were private is not done when they no longer are: no password, and no reset used.
#[tokio::test(flavor = "multi_thread")]
async fn replies_that_are_no_longer_private_stop_the_act() {
    for (action, typed) in [
        ("deliver_copy", None),
        ("deliver_other", Some("+82 10 9999 8877")),
    ] {
        let bot = TestBot::new().await;
        let card = bot.on(Platform::Mattermost).card(JO, MINA).await;
        bot.click(JO, &card, action).await;
        if let Some(typed) = typed {
            bot.submit(JO, typed).await;
        }
        let ready = bot.slack.last();
        bot.slack
            .memory
            .mattermost
            .lock()
            .unwrap()
            .may_post_ephemeral = false;
        // The server is asked again after a minute.
        bot.clock.advance(Span::minutes(1));
        bot.click(JO, &ready, "confirm").await;
        assert_eq!(bot.audited("confirm").await, "claimed", "{action}");
        assert_eq!(
            bot.count("reset where state = 'refused' and failure = 'not_private'")
                .await,
            1,
            "{action}"
        );
        let next = bot.command(JO, NOA).await.text();
        assert!(next.contains("About your reset of Mina Park"), "{next}");
        assert_eq!(
            bot.count("slot where returned_at is null").await,
            0,
            "{action}"
        );
        assert!(
            bot.outbox.take().is_empty()
                && bot
                    .slack
                    .said()
                    .iter()
                    .all(|said| shown_password(said).is_none())
        );
    }
}

/// A typed address stands in full for the administrator alone: at the address of the command, which anybody may have made, it
/// is masked.
#[tokio::test(flavor = "multi_thread")]
async fn a_typed_address_is_masked_where_replies_are_no_longer_private() {
    const TYPED: &str = "friend@mail.example";
    let bot = TestBot::new().await;
    let look = bot
        .on(Platform::Mattermost)
        .last_look(JO, MINA, "deliver_phone")
        .await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &look, "confirm").await;
    let failed = bot.slack.last();
    bot.outbox.take();
    let mut questions = Vec::new();
    for _ in 0..2 {
        bot.click(JO, &failed, "deliver_other").await;
        bot.submit(JO, TYPED).await;
        questions.push(bot.slack.last());
    }
    assert!(text_of(&questions[1]).contains(TYPED));
    bot.slack
        .memory
        .mattermost
        .lock()
        .unwrap()
        .may_post_ephemeral = false;
    // The server is asked again after a minute.
    bot.clock.advance(Span::minutes(1));
    let before = bot.slack.said().len();
    bot.click(JO, &questions[0], "confirm").await;
    let said = bot.slack.said().split_off(before);
    assert!(!said.is_empty());
    let told: String = said.iter().map(text_of).collect();
    assert!(
        told.contains("was out of date") && !told.contains(TYPED),
        "{told}"
    );
    assert!(bot.outbox.take().is_empty());
}

/// Of these accounts the e-mail counts whatever the bot may see.
fn sign_in_by_ldap(bot: &TestBot) {
    for who in [JO, MINA] {
        bot.slack.change(who, "auth_service", "ldap".into());
    }
}

/// Where the server does not say which permissions the bot has, a post is tried, and its refusal is remembered.
#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_nobody_tells_is_tried() {
    let bot = TestBot::new().await;
    sign_in_by_ldap(&bot);
    bot.slack.memory.mattermost.lock().unwrap().tells_roles = false;
    bot.on(Platform::Mattermost)
        .reset(JO, MINA, "deliver_copy")
        .await;
    assert!(
        shown_password(&bot.slack.last()).is_some(),
        "{}",
        bot.slack.last_text()
    );

    let bot = without_private_replies().await;
    sign_in_by_ldap(&bot);
    bot.slack.memory.mattermost.lock().unwrap().tells_roles = false;
    let card = bot.card(JO, MINA).await;
    bot.click(JO, &card, "deliver_copy").await;
    assert!(
        bot.slack.last_text().contains(" now?"),
        "by the response address: {}",
        bot.slack.last_text()
    );
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("typed addresses are off") && told.contains("No reset was used."),
        "{told}"
    );
    assert!(
        bot.slack
            .said()
            .iter()
            .all(|said| shown_password(said).is_none())
    );
}
