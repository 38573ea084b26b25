//! Every message that relatch can make, on every platform, held against that platform's rules: with plain names, with
//! hostile ones and with the longest ones.

mod cases;
mod faults;
#[path = "../../src/chat/hostile_names.rs"]
mod hostile_names;
mod parts;
mod rendered;
mod samples;
mod sentences;
mod sms;
mod truth;

use std::collections::HashSet;

use rand::{SeedableRng, rngs::StdRng};
use relatch::surface::chat::interaction::Trigger;
use relatch::surface::chat::{
    Adapter, Chat, Form, FormKind, Immediate, InteractionKind, Message, Placement, ReplyAddress,
    ShownPassword, Warning,
};
use relatch::surface::domain::delivery::Outcome;
use relatch::surface::domain::member::clean_name;
use relatch::surface::domain::{
    EmailAddress, LoginMethod, Member, MemberId, Password, Platform, Role, SecondFactors, Span,
    Status,
};
use relatch::surface::flow::messages::SAY_IT;
use relatch::surface::store::ResetRow;

use self::samples::{Told, World};
use crate::support::mattermost::markdown::{self, ZERO_WIDTH};
use crate::support::slack::button_value;
use crate::support::{Answer, TestBot, discord, lark, mattermost, sent};

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";
/// An ordinary name with marks in it.
const PLAIN: &str = "Max-Dieter O'Hara & Söhne";

fn member() -> Member {
    Member {
        id: MemberId("id-mina".to_owned()),
        name: String::new(),
        business_email: MINA.parse().unwrap(),
        login_method: LoginMethod::BusinessEmail,
        status: Status::Active,
        phone: Some("+821012345642".parse().unwrap()),
        personal_email: Some("mina@mail.example".parse().unwrap()),
        role: Role::Member,
        department: None,
        manager_email: None,
        aliases: Vec::new(),
        guard: None,
        phone_remarks: Vec::new(),
        never_expires: false,
        has_other_password: false,
        second_factors: SecondFactors::default(),
    }
}

/// The longest address that there is: 64 and 189 characters.
fn longest_email() -> EmailAddress {
    let (name, label) = ("w".repeat(64), "w".repeat(61));
    format!("{name}@{label}.{label}.{label}.ex")
        .parse()
        .unwrap()
}

/// A card, and the opaque value of its buttons.
async fn recorded(bot: &TestBot) -> (ResetRow, String) {
    let card = bot.card(JO, MINA).await;
    let value = button_value(&card, "cancel").unwrap();
    let id = bot.only_offer().await;
    let row = bot.app.store.reset(id).await.unwrap().unwrap();
    (row, value)
}

/// Names as relatch keeps them, each with what somebody types where a member was expected. The first [`WHOLE`] of them go the
/// whole way to the platform in every message; the others differ only in what could be read as markup, so every text once is
/// enough, in the answer to a command, and on Discord, whose schema has kinds for them, in the messages that follow.
fn names() -> Vec<(String, String)> {
    let hostile = hostile_names::hostile_names();
    let parts = hostile
        .iter()
        .filter_map(|name| name.strip_suffix("@everyone"));
    let mut packed = vec![String::new()];
    for part in parts.filter(|part| !part.is_empty()) {
        if packed
            .last()
            .is_some_and(|name| name.chars().count() + part.chars().count() > 60)
        {
            packed.push(String::new());
        }
        packed.last_mut().unwrap().extend([part, " "]);
    }
    assert!(packed.len() > 4, "{packed:?}");
    let wide = ["W", "한", "🔑"].map(|part| part.repeat(64));
    let plain = ["Mina Park", PLAIN, "Al $x$ <3 <jo@a.example> a**b@c.yz"];
    let [mina, others @ ..] = plain.map(str::to_owned);
    let all = std::iter::once(mina)
        .chain(wide)
        .chain(packed)
        .chain(others);
    all.map(|name| (clean_name(&name), name)).collect()
}

/// A plain name, and the longest in letters of one, three and four bytes.
const WHOLE: usize = 4;

struct Sender<'a> {
    bot: &'a TestBot,
    serial: u32,
    /// Messages go to follow-up addresses too.
    goes_whole_way: bool,
}

impl Sender<'_> {
    /// Sends a message in each way in which it can go, and asks the platform's side what it thinks of it.
    async fn send(&mut self, chat: &Chat, told: &Told) {
        self.serial += 1;
        match told {
            Told::Message(message) => {
                self.answer(chat, InteractionKind::Command, Immediate::Say(message));
                if chat.platform() == Platform::Mattermost {
                    self.answer(chat, InteractionKind::Click, Immediate::Say(message));
                    let form = InteractionKind::Form(FormKind::ALL[0]);
                    self.answer(chat, form, Immediate::Say(message));
                }
                let is_discord = chat.platform() == Platform::Discord;
                if !self.goes_whole_way && !is_discord && chat.says_at_once() {
                    return;
                }
                let mut ways = vec![Placement::Add];
                // There a message that replaces another has a schema of its own.
                ways.extend(is_discord.then_some(Placement::Replace));
                for placement in ways {
                    let sent = chat.follow_up(&self.reply(chat), message, placement).await;
                    assert_eq!(sent, Outcome::Accepted, "{message:?}");
                }
            }
            Told::Form(form) => self.open(chat, form).await,
            Told::FormError(line) => {
                for kind in FormKind::ALL {
                    let kind = InteractionKind::Form(*kind);
                    self.answer(chat, kind, Immediate::FormError(line));
                }
            }
        }
    }

    fn answer(&self, chat: &Chat, kind: InteractionKind, answer: Immediate<'_>) {
        let body = chat.immediate(kind, answer);
        let memory = &self.bot.slack.memory;
        let route = match (chat.platform(), kind) {
            (Platform::Slack, InteractionKind::Command) => "/slack/commands",
            (Platform::Slack, _) => "/slack/interactions",
            (Platform::Discord, _) => discord::ROUTE,
            (Platform::Lark, _) => lark::ROUTE,
            (Platform::Mattermost, InteractionKind::Command) => "/mattermost/commands",
            (Platform::Mattermost, InteractionKind::Click) => "/mattermost/actions",
            (Platform::Mattermost, _) => "/mattermost/dialogs",
        };
        // Slack's are all kept: `tests/e2e/test_validators.py` asks its own models about every name.
        if self.goes_whole_way || chat.platform() == Platform::Slack {
            sent::keep("POST", route, &body);
        } else {
            sent::hold("POST", route, &body);
        }
        let status = axum::http::StatusCode::OK;
        match chat.platform() {
            Platform::Slack => {}
            Platform::Discord => drop(discord::read_answer(memory, &body)),
            Platform::Lark => drop(lark::read_answer(memory, &body)),
            Platform::Mattermost => {
                drop(mattermost::read_answer(
                    memory,
                    route,
                    Answer { status, body },
                ));
            }
        }
    }

    async fn open(&self, chat: &Chat, form: &Form) {
        if chat.opens_forms_at_once() {
            let reply = self.reply(chat);
            let opened = Immediate::Open(form, Some(&reply));
            self.answer(chat, InteractionKind::Click, opened);
        } else {
            let who = mattermost::id_of(JO);
            let trigger = mattermost::trigger(&who, self.serial, self.bot.clock.now());
            chat.open_form(&Trigger::new(trigger), form).await.unwrap();
        }
    }

    /// A follow-up address that nobody has used, as each platform's adapter writes it.
    fn reply(&self, chat: &Chat) -> ReplyAddress {
        let (base, serial) = (&self.bot.slack.base, self.serial);
        let address = match chat.platform() {
            Platform::Slack => self.bot.slack.reply_url(serial),
            Platform::Discord => {
                format!("{base}/discord/webhooks/{}/token{serial}", discord::APPLICATION)
            }
            Platform::Lark => serde_json::json!({
                "user": lark::id_of(JO), "chat": null, "is_group": false, "card": null, "token": null, "at": 0,
            })
            .to_string(),
            Platform::Mattermost => {
                format!("{}:{}:-:-", mattermost::id_of(JO), mattermost::CHANNEL)
            }
        };
        ReplyAddress::new(address, self.bot.clock.now() + Span::hours(1))
    }
}

/// Every text that a message shows, with its place: each place is drawn in its own way.
fn texts(message: &Message) -> Vec<String> {
    fn of(place: &str, texts: impl IntoIterator<Item = String>) -> Vec<String> {
        let placed = texts.into_iter().map(|text| format!("{place}: {text}"));
        placed.collect()
    }
    let labels = message.ticks.iter().map(|tick| tick.label.clone());
    let buttons = message.buttons.iter().map(|button| format!("{button:?}"));
    let asides = message.aside.iter().map(|aside| format!("{aside:?}"));
    let news = message.news.iter().flat_map(|news| texts(news));
    [
        of("title", [message.title.clone()]),
        of("warning", message.warnings.iter().map(Warning::text)),
        of("fact", message.facts.iter().cloned()),
        of("line", message.lines.iter().cloned()),
        of("box", labels),
        of("button", buttons),
        of("aside", asides),
        of("small print", [message.small_print.join(" · ")]),
        of("news", news),
    ]
    .concat()
}

/// The rules are those of `support/`. What the simulators note is compared at the end; a published limit fails at once.
#[tokio::test(flavor = "multi_thread")]
async fn every_message_keeps_the_rules_of_every_platform() {
    let bot = TestBot::new().await;
    let (row, value) = recorded(&bot).await;
    let (short, long) = (MINA.parse().unwrap(), longest_email());
    let mut sender = Sender {
        bot: &bot,
        serial: 0,
        goes_whole_way: true,
    };
    for (at, (name, typed)) in names().iter().enumerate() {
        sender.goes_whole_way = at < WHOLE;
        let email = if at % 2 == 0 { &short } else { &long };
        let about = (&member(), &row);
        let world = World::new((name, typed), email, about, &bot.app.organization, &value);
        let mut seen = HashSet::new();
        for sample in samples::of(&world) {
            fits_a_phone(&sample);
            let is_new = match &sample.told {
                // The same message is made by several functions and in several cases.
                Told::Message(message) if sender.goes_whole_way => {
                    seen.insert(format!("{message:?}"))
                }
                // The marks of a name are the same in every message that has this text in this place.
                Told::Message(message) => {
                    let texts = texts(message);
                    let is_new = texts.iter().any(|text| !seen.contains(text));
                    seen.extend(texts);
                    is_new
                }
                Told::Form(_) | Told::FormError(_) => true,
            };
            for chat in bot.app.chats.iter().filter(|_| is_new) {
                sender.send(chat, &sample.told).await;
            }
        }
    }
    assert_eq!(bot.slack.broken(), Vec::<String>::new());
}

/// The password goes through the same rules, in the message that shows it: one of letters and digits, and one with a symbol.
#[tokio::test(flavor = "multi_thread")]
async fn a_shown_password_keeps_the_rules_of_every_platform() {
    let bot = TestBot::new().await;
    let (row, value) = recorded(&bot).await;
    let email = longest_email();
    let mut sender = Sender {
        bot: &bot,
        serial: 0,
        goes_whole_way: true,
    };
    let mut rng = StdRng::seed_from_u64(1);
    for (name, typed) in &names() {
        let about = (&member(), &row);
        let world = World::new((name, typed), &email, about, &bot.app.organization, &value);
        let results = samples::of(&world)
            .into_iter()
            .filter(|sample| sample.name == "result");
        for (at, sample) in results.enumerate().filter(|(at, _)| at % 20 == 0) {
            let Told::Message(message) = &sample.told else {
                panic!("{at} is no message")
            };
            let length = if at % 40 == 0 { 8 } else { 64 };
            for password in [
                Password::generate(&mut rng, length),
                Password::with_symbol(&mut rng, length),
            ] {
                let shown = ShownPassword {
                    password: &password,
                    spoken_label: SAY_IT,
                };
                for chat in &bot.app.chats {
                    sender.serial += 1;
                    let sent = chat.show(&sender.reply(chat), message, &shown).await;
                    assert_eq!(sent, Outcome::Accepted);
                }
            }
        }
    }
    assert_eq!(bot.slack.broken(), Vec::<String>::new());
}

/// On Mattermost a message is shown as it was made. Nothing of width zero stands where people copy from, and there is none
/// at all in a message about people with plain names.
#[tokio::test(flavor = "multi_thread")]
async fn mattermost_shows_every_message_as_it_was_made() {
    let bot = TestBot::new().await;
    let (row, value) = recorded(&bot).await;
    let email = MINA.parse().unwrap();
    let chat = bot
        .app
        .chats
        .iter()
        .find(|chat| chat.platform() == Platform::Mattermost);
    for (name, typed) in &names() {
        let about = (&member(), &row);
        let world = World::new((name, typed), &email, about, &bot.app.organization, &value);
        for sample in samples::of(&world) {
            let Told::Message(message) = sample.told else {
                continue;
            };
            let body = chat
                .unwrap()
                .immediate(InteractionKind::Command, Immediate::Say(&message));
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let text = body["text"].as_str().unwrap();
            let shown: Vec<String> = markdown::read(text)
                .0
                .into_iter()
                .map(|paragraph| paragraph.shown)
                .collect();
            let shown = shown.join("\n");
            let is_plain = ["Mina Park", PLAIN].contains(&name.as_str())
                && sample.name != "unclear"
                && sample.name != "no_such_member";
            assert!(
                !is_plain || !shown.contains(ZERO_WIDTH),
                "{}: {shown:?}",
                sample.name
            );
            assert!(
                !text.contains(&format!("@{ZERO_WIDTH}acme")),
                "{}: {text}",
                sample.name
            );
            // The aside and the small print stand in boxes below the text.
            let in_text = Message {
                aside: None,
                small_print: Vec::new(),
                ..message.clone()
            };
            let below = Message {
                aside: None,
                ..message.clone()
            };
            let shown = shown.replace(ZERO_WIDTH, "");
            // Without buttons there is no box, and the small print ends the text.
            assert!(
                [plain(&in_text), plain(&below)].contains(&shown),
                "{}: {shown}",
                sample.name
            );
            // A form that is answered with the message: clients show the text as it is.
            let form = InteractionKind::Form(FormKind::ALL[0]);
            let body = chat.unwrap().immediate(form, Immediate::Say(&message));
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(
                body["error"].as_str().unwrap().replace(ZERO_WIDTH, ""),
                plain(&message).replace('\n', " "),
                "{}",
                sample.name
            );
        }
    }
}

/// What is to be read, without characters that show nothing and with one line for each part.
fn plain(message: &Message) -> String {
    let parts = std::iter::once(message.title.clone()).chain(message.paragraphs());
    let lines: Vec<String> = parts
        .map(|part| {
            part.replace(ZERO_WIDTH, "")
                .replace('\n', " ")
                .trim()
                .to_owned()
        })
        .collect();
    lines.join("\n")
}

/// No client cuts a button, and the heading of whatever is no refusal fits two lines. A refusal begins with a sentence, which
/// platforms show in bold where it is longer than a heading.
fn fits_a_phone(sample: &samples::Sample) {
    let Told::Message(message) = &sample.told else {
        return;
    };
    for button in message.rows_without_boxes(1).into_iter().flatten() {
        assert!(button.label.chars().count() <= 30, "{}", button.label);
    }
    if message.refused.is_none() {
        assert!(message.title.chars().count() <= 60, "{}", message.title);
    }
}

/// What stands on boxes and buttons.
fn labels(message: &Message) -> Vec<String> {
    let buttons = message.rows_without_boxes(1).into_iter().flatten();
    let ticks = message.ticks.iter().map(|tick| tick.label.clone());
    buttons.map(|button| button.label).chain(ticks).collect()
}

/// No text is cut inside a word: what stands before an ellipsis is a whole word of the text, or an address that is
/// shortened in its middle.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_cut_inside_a_word() {
    let bot = TestBot::new().await;
    let (row, value) = recorded(&bot).await;
    let email = MINA.parse().unwrap();
    let words = [
        "Wilhelmina",
        "Featherstonehaugh",
        "Cholmondeley",
        "Marjoribanks",
        "Beauchamp",
    ]
    .join(" ");
    let typed = format!("{words} {words} {words}");
    let about = (&member(), &row);
    let world = World::new(
        (&words, &typed),
        &email,
        about,
        &bot.app.organization,
        &value,
    );
    let mut serial = 0;
    let mut shortened = 0;
    for sample in samples::of(&world) {
        for chat in &bot.app.chats {
            serial += 1;
            let (source, sent) = match &sample.told {
                Told::Message(message) => {
                    let kind = InteractionKind::Command;
                    let body = chat.immediate(kind, Immediate::Say(message));
                    let source: Vec<String> = std::iter::once(message.title.clone())
                        .chain(message.paragraphs())
                        .chain(labels(message))
                        .collect();
                    (source.join(" "), serde_json::from_slice(&body).unwrap())
                }
                Told::Form(form) => {
                    let source = [&form.title, &form.label, &form.hint, &form.submit];
                    let source = source.map(String::as_str).join(" ");
                    (source, opened(&bot, chat, form, serial).await)
                }
                Told::FormError(_) => continue,
            };
            let mut texts = Vec::new();
            texts_in(&sent, &mut texts);
            for text in texts {
                let text = text.replace(['\\', '*', ZERO_WIDTH], "");
                for cut in text
                    .split_whitespace()
                    .filter_map(|word| word.strip_suffix('…'))
                {
                    shortened += 1;
                    let is_whole = cut.is_empty()
                        || source
                            .split_whitespace()
                            .any(|word| word.trim_end_matches('…') == cut);
                    assert!(
                        is_whole,
                        "{} on {}: {cut:?} in {text}",
                        sample.name,
                        chat.platform()
                    );
                }
            }
        }
    }
    assert!(shortened > 0, "nothing was too long");
}

/// A form as the platform is sent it.
async fn opened(bot: &TestBot, chat: &Chat, form: &Form, serial: u32) -> serde_json::Value {
    if chat.opens_forms_at_once() {
        let body = chat.immediate(InteractionKind::Click, Immediate::Open(form, None));
        return serde_json::from_slice(&body).unwrap();
    }
    let trigger = mattermost::trigger(&mattermost::id_of(JO), serial, bot.clock.now());
    chat.open_form(&Trigger::new(trigger), form).await.unwrap();
    bot.slack.last_view()
}

/// Every text in a body.
fn texts_in(value: &serde_json::Value, texts: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => texts.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| texts_in(item, texts)),
        serde_json::Value::Object(fields) => {
            fields.values().for_each(|field| texts_in(field, texts));
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}
