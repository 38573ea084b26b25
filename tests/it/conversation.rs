//! Whole conversations through the public surface: a signed webhook in, messages and deliveries out.

use crate::support::TestBot;
use crate::support::slack::{shown_password, text_of};
use relatch::domain::Channel;

const JO: &str = "jo@acme.example";
const MINA: &str = "mina.park@acme.example";

/// S1, S12, S22, S23, S32: Copy shows a working password once, and the old one is dead.
#[tokio::test(flavor = "multi_thread")]
async fn copy_shows_a_working_password_to_the_administrator_alone() {
    let bot = TestBot::new().await;
    bot.set_password(MINA, "old-password").await;
    let ended = bot.reset(JO, MINA, "deliver_copy").await;
    let password = shown_password(&ended).expect("the password is shown");
    assert!(bot.signs_in(MINA, &password).await);
    assert!(!bot.signs_in(MINA, "old-password").await);
    let with_password = bot.slack.said().iter().filter(|said| said.to_string().contains(&password)).count();
    assert_eq!(with_password, 1);
    assert!(bot.outbox.take().iter().all(|sent| !sent.text.contains(&password)));
}

/// S24: the SMS goes to the phone on record, and nothing else carries the password.
#[tokio::test(flavor = "multi_thread")]
async fn an_sms_carries_a_working_password() {
    let bot = TestBot::new().await;
    let ended = text_of(&bot.reset(JO, MINA, "deliver_phone").await);
    assert!(ended.contains("Done. Mina Park's password was reset at 10:00."), "{ended}");
    let sent = bot.outbox.take();
    let sms: Vec<_> = sent.iter().filter(|sent| sent.channel == Channel::Sms).collect();
    assert_eq!(sms.len(), 1);
    assert_eq!(sms[0].to, "+821012345642");
    assert!(sms[0].text.len() <= 160, "{}", sms[0].text);
    let password =
        sms[0].text.split(' ').find(|word| word.len() == 9 && word.ends_with('.')).unwrap().trim_end_matches('.');
    assert!(bot.signs_in(MINA, password).await);
}
