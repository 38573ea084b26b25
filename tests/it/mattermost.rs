//! Mattermost under attack: what a stolen command token and a harvested trigger are worth, and what is off without
//! private replies.

use axum::http::StatusCode;
use relatch::domain::Platform;
use serde_json::Value;

use crate::support::mattermost::{SigningKey, click_body, command_body, form_body, hook_id, id_of, trigger};
use crate::support::slack::{button_value, shown_password, text_of, user_id};
use crate::support::{Answer, TestBot, mattermost};

const JO: &str = "jo@acme.example";

const MINA: &str = "mina.park@acme.example";

/// What the server has not signed.
fn unsigned(user: &str, serial: u32, bot: &TestBot) -> String {
    SigningKey::fresh().trigger(&mattermost::trigger_id(serial), user, bot.clock.now().0)
}

/// A command as an attacker makes it, who knows the token: Jo's id, a trigger, and the attacker's own hook.
async fn attack_by_command(bot: &TestBot, text: &str, serial: u32, trigger: &str) -> Answer {
    let (jo, hook) = (id_of(JO), format!("{}/mm/hooks/commands/{}", bot.slack.base, hook_id(9)));
    let honest = command_body(&jo, text, &hook, serial, bot.clock.now());
    let (before, rest) = honest.split_once("&trigger_id=").unwrap();
    let (_, after) = rest.split_once('&').unwrap();
    let trigger = percent_encoding::utf8_percent_encode(trigger, percent_encoding::NON_ALPHANUMERIC);
    let answer = bot.post_to_mattermost("/mattermost/commands", format!("{before}&trigger_id={trigger}&{after}")).await;
    bot.settle().await;
    answer
}

async fn attack_by_click(bot: &TestBot, action: &str, value: &str, trigger: &str) -> Answer {
    let mut body: Value = serde_json::from_str(&click_body(&id_of(JO), action, value, 1, bot.clock.now())).unwrap();
    body["trigger_id"] = trigger.into();
    let answer = bot.post_to_mattermost("/mattermost/actions", body.to_string()).await;
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
    let find = |action: &str| seen(bot).iter().rev().find_map(|said| button_value(said, action));
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
    assert_eq!(play(&bot, |serial| unsigned(&id_of(JO), serial, &bot)).await, None);
    let refused = attack_by_command(&bot, &mention(MINA), 4, &unsigned(&id_of(JO), 4, &bot)).await;
    assert_eq!((refused.status, refused.body.len()), (StatusCode::UNAUTHORIZED, 0));
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
    assert!(to_jo.iter().any(|said| text_of(said).contains("Ready to reset Mina Park")), "{to_jo:#?}");
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
    let sent = bot.post_to_mattermost("/mattermost/dialogs", form_body(&id_of(JO), &view, "+82 10 7777 6666")).await;
    bot.settle().await;
    assert_eq!((sent.status, sent.body.len()), (StatusCode::UNAUTHORIZED, 0));
    assert_eq!(bot.slack.said().len(), 0);
}
