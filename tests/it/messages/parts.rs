//! Every part of a message on every platform: the order in which people see the parts, and the limits when all are there.

use rand::{SeedableRng, rngs::StdRng};
use relatch::surface::chat::{
    Action, Adapter, Aside, Button, Chat, Immediate, InteractionKind, Message, Placement,
    ShownPassword, Style, Tick, Warning,
};
use relatch::surface::domain::delivery::Outcome;
use relatch::surface::domain::{Password, Platform};
use relatch::surface::flow::messages::SAY_IT;

use super::{Sender, Told, names};
use crate::support::TestBot;
use crate::support::slack::text_of;

fn button(action: Action, label: &str, value: &str) -> Button {
    Button {
        action,
        label: label.to_owned(),
        value: value.to_owned(),
        style: Style::Plain,
        starts_row: action == Action::Cancel,
    }
}

/// The opaque value of a button, which is always as long.
fn value() -> String {
    "v".repeat(46)
}

fn tick(action: Action, label: &str, is_ticked: bool) -> Tick {
    Tick {
        action,
        label: label.to_owned(),
        is_ticked,
        value: value(),
    }
}

/// A message with every part.
fn full() -> Message {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Message {
        title: "Reset Mina Park now?".to_owned(),
        warnings: vec![Warning {
            bold: "Kim Adm reset her at 23:28.".to_owned(),
            rest: "Going on makes that password useless.".to_owned(),
        }],
        facts: texts(&[
            "Goes to: SMS",
            "Signed out: at once",
            "Code at sign-in: mail",
        ]),
        lines: texts(&["The password does not expire.", "Nothing else changes."]),
        ticks: vec![
            tick(Action::CopyToSelf, "Email me a copy", false),
            tick(Action::AlsoShow, "Also show it here", true),
        ],
        buttons: vec![
            button(Action::Confirm, "Reset and text it", &value()),
            button(Action::Cancel, "Cancel", &value()),
        ],
        aside: Some(Aside {
            question: "Still signed in somewhere? They may need no reset.".to_owned(),
            button: button(Action::SendGuide, "Send them the how-to", &value()),
        }),
        small_print: texts(&["Reason: INC-2041", "ref 8BEV"]),
        ..Message::default()
    }
}

/// What is shown of it, in order, and the texts that the password adds behind the warning.
const WARNING: &str = "⚠ Kim Adm reset her at 23:28. Going on makes that password useless.";
const BELOW: [&str; 12] = [
    "Goes to: SMS",
    "Signed out: at once",
    "Code at sign-in: mail",
    "The password does not expire.",
    "Nothing else changes.",
    "[☐ Email me a copy]",
    "[☑ Also show it here]",
    "[Reset and text it]",
    "[Cancel]",
    "Still signed in somewhere? They may need no reset.",
    "[Send them the how-to]",
    "Reason: INC-2041 · ref 8BEV",
];

/// Slack has real boxes and fields, so its form has tests of its own.
fn others(bot: &TestBot) -> impl Iterator<Item = &Chat> {
    let chats = bot.app.chats.iter();
    chats.filter(|chat| chat.platform() != Platform::Slack)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_arrives_in_its_order() {
    let bot = TestBot::new().await;
    let mut sender = Sender {
        bot: &bot,
        serial: 0,
        goes_whole_way: true,
    };
    let mut rng = StdRng::seed_from_u64(1);
    let password = Password::generate(&mut rng, 8);
    let shown = ShownPassword {
        password: &password,
        spoken_label: SAY_IT,
    };
    let spoken = shown.spoken_line();
    let code = format!("`{}`", password.expose());
    for chat in others(&bot) {
        sender.serial += 1;
        let told = chat
            .follow_up(&sender.reply(chat), &full(), Placement::Add)
            .await;
        assert_eq!(told, Outcome::Accepted);
        let head = ["Reset Mina Park now?", WARNING];
        let expected = [&head[..], &BELOW].concat().join("\n");
        assert_eq!(bot.slack.last_text(), expected, "{:?}", chat.platform());

        sender.serial += 1;
        let told = chat.show(&sender.reply(chat), &full(), &shown).await;
        assert_eq!(told, Outcome::Accepted);
        // Lark shows a password as it is.
        let is_code = chat.platform() != Platform::Lark;
        let password = if is_code { &code } else { password.expose() };
        let expected = [&head[..], &[password, &spoken], &BELOW]
            .concat()
            .join("\n");
        assert_eq!(
            text_of(&bot.slack.last()),
            expected,
            "{:?}",
            chat.platform()
        );
    }
    assert_eq!(bot.slack.broken(), Vec::<String>::new());
}

/// A message to one person alone is written without buttons by the flow; what it says arrives in the same order.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_buttons_has_its_small_print_last() {
    let bot = TestBot::new().await;
    let mut sender = Sender {
        bot: &bot,
        serial: 0,
        goes_whole_way: true,
    };
    let message = Message {
        ticks: Vec::new(),
        buttons: Vec::new(),
        aside: None,
        ..full()
    };
    let below = [&BELOW[..5], &BELOW[11..]].concat();
    let expected = [&["Reset Mina Park now?", WARNING][..], &below]
        .concat()
        .join("\n");
    for chat in others(&bot) {
        sender.serial += 1;
        chat.follow_up(&sender.reply(chat), &message, Placement::Add)
            .await;
        assert_eq!(bot.slack.last_text(), expected, "{:?}", chat.platform());
        let to = crate::support::mattermost::id_of(super::JO);
        if chat.platform() == Platform::Mattermost {
            let told = chat.send_direct(&to, &message).await;
            assert_eq!(told, Outcome::Accepted);
            assert_eq!(bot.slack.last_text(), expected);
        }
    }
    assert_eq!(bot.slack.broken(), Vec::<String>::new());
}

/// Every part filled with a name, in each of the texts that it can stand in.
fn filled(name: &str, times: usize) -> Message {
    let text = vec![name; times].join(" ");
    let full = full();
    let actions = Action::all().filter(|action| {
        ![Action::CopyToSelf, Action::AlsoShow, Action::SendGuide].contains(action)
    });
    Message {
        title: text.clone(),
        warnings: vec![
            Warning {
                bold: text.clone(),
                rest: text.clone(),
            };
            2
        ],
        facts: vec![text.clone(); 8],
        lines: vec![text.clone(); 6],
        ticks: full
            .ticks
            .into_iter()
            .map(|tick| Tick {
                label: text.clone(),
                ..tick
            })
            .collect(),
        buttons: actions
            .map(|action| button(action, &text, &value()))
            .collect(),
        aside: Some(Aside {
            question: text.clone(),
            button: button(Action::SendGuide, &text, &value()),
        }),
        small_print: vec![text.clone(), text],
        ..Message::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_every_part_keeps_the_rules_of_every_platform() {
    let bot = TestBot::new().await;
    let mut sender = Sender {
        bot: &bot,
        serial: 0,
        goes_whole_way: true,
    };
    for (name, _) in names() {
        for times in [1, 4, 40] {
            let message = filled(&name, times);
            let told = Told::Message(message.clone());
            for chat in others(&bot) {
                sender.send(chat, &told).await;
                // All buttons stay, whatever has to be left out.
                let kind = InteractionKind::Command;
                let body = chat.immediate(kind, Immediate::Say(&message));
                let body = String::from_utf8(body).unwrap();
                let is_shown = chat.platform() != Platform::Lark;
                for action in Action::all().filter(|_| is_shown) {
                    assert!(body.contains(&action.to_string()), "{action}: {body}");
                }
            }
        }
    }
    assert_eq!(bot.slack.broken(), Vec::<String>::new());
}
