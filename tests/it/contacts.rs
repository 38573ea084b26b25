//! Where codes go: never to a contact that whoever knows the password has a hand in, while there is another one.

mod added;
mod answered;
mod asked;
mod changed;
mod no_code;
mod promised;
mod strict_ways;
mod two_ways;

use relatch::surface::domain::{Platform, Span};

use crate::support::TestBot;
use crate::support::sent::password_in_sms;
use crate::support::slack::{button_value, text_of, user_id};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";
const PHONE: &str = "+821012345642";
const EMAIL: &str = "mina@mail.example";
const NUMBER: &str = "+821012345699";

/// The password out of what was sent to an address, and nothing else left unread.
fn sent_password(bot: &TestBot, to: &str) -> String {
    let sent = bot.outbox.take();
    let text = sent
        .iter()
        .find(|sent| sent.to == to && sent.text.contains(" is your new password"))
        .expect("the password");
    password_in_sms(&text.text).expect("a password")
}

/// Where the code for this password goes; none where there is no way in.
async fn code_goes_to(bot: &TestBot, member: &str, password: &str) -> Option<String> {
    bot.clock.advance(Span::seconds(31));
    bot.outbox.take();
    match bot.browser().sign_in(member, password).await.to() {
        "/verify" => Some(bot.codes().pop().expect("a code").1),
        _ => None,
    }
}

async fn add(bot: &TestBot, who: &str, member: &str, address: &str) -> String {
    text_of(
        &added(
            bot,
            who,
            &format!("contact <@{}> {address}", user_id(member)),
        )
        .await,
    )
}

/// What comes of the command that adds a contact. Mattermost asks by a button first.
async fn added(bot: &TestBot, who: &str, words: &str) -> serde_json::Value {
    let told = bot.command(who, words).await.json();
    bot.settle().await;
    let Some(value) = button_value(&told, "contact_add") else {
        return told;
    };
    bot.click_value(who, "contact_add", &value).await;
    bot.slack.last()
}

/// Presses "this wasn't me" on the page of the last notice.
async fn disown(bot: &TestBot) {
    let sent = bot.outbox.take();
    let notice = sent.iter().rfind(|sent| sent.text.contains("/not-me/"));
    let text = &notice.expect("a notice").text;
    let path = text.split("http://127.0.0.1").nth(1).unwrap();
    let link = path.split_whitespace().next().unwrap();
    let page = bot.browser().press(link).await;
    assert!(page.text.contains(" is blocked<"), "{}", page.text);
    bot.settle().await;
}

fn assert_refused(told: &str, what: &str) {
    assert!(
        told.contains(what) && told.contains("Nothing was changed.") && told.contains("(ref "),
        "{told}"
    );
    assert!(
        told.chars().count() <= 350,
        "{} characters: {told}",
        told.chars().count()
    );
}

const PLATFORMS: [Platform; 4] = [
    Platform::Slack,
    Platform::Discord,
    Platform::Lark,
    Platform::Mattermost,
];
