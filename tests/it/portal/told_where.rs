//! Where to sign in stands in every message that carries a password.

use relatch::surface::domain::Channel;

use super::{JO, MINA};
use crate::support::TestBot;
use crate::support::directories::web::{Fake, Kind};
use crate::support::sent::password_in_sms;

/// In the SMS, in the e-mail and in the administrator's copy, each with the end of the password in the zone of the texts.
#[tokio::test(flavor = "multi_thread")]
async fn every_message_with_a_password_says_where_to_sign_in() {
    let bot = TestBot::new().await;
    bot.reset(JO, MINA, "deliver_phone").await;
    let sms = bot.outbox.take().remove(0);
    let password = password_in_sms(&sms.text).expect("a password");
    assert_eq!(
        sms.text,
        format!(
            "Acme IT: {password} is your new password (until 24 Nov 10:00 UTC). Sign in at http://127.0.0.1/signin and \
            set your own. Tell nobody, not even IT."
        )
    );
    let ready = bot.last_look(JO, MINA, "deliver_email").await;
    bot.click(JO, &ready, "copy_to_self").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let sent = bot.outbox.take();
    for (to, wanted) in [
        (
            "mina@mail.example",
            "Sign in with it at http://127.0.0.1/signin before 24 Nov 10:00 UTC.",
        ),
        (JO, "They sign in with it at http://127.0.0.1/signin\n"),
    ] {
        let mail = sent.iter().find(|sent| sent.to == to).expect("a mail");
        assert!(mail.text.contains(wanted), "{}", mail.text);
    }
}

/// The pages have a path where the proxy serves something else beside them.
#[tokio::test(flavor = "multi_thread")]
async fn the_address_has_the_path_of_the_pages() {
    let bot = TestBot::with_public_url("https://acme.example/reset/").await;
    bot.reset(JO, MINA, "deliver_phone").await;
    let sms = bot.outbox.take().remove(0);
    assert!(
        sms.text
            .contains("Sign in at https://acme.example/reset/signin and"),
        "{}",
        sms.text
    );
}

/// Without public pages no address is claimed.
#[tokio::test(flavor = "multi_thread")]
async fn without_public_pages_no_address_is_named() {
    let bot = TestBot::without_pages(None, None).await;
    bot.reset(JO, MINA, "deliver_phone").await;
    let sms = bot.outbox.take().remove(0);
    assert!(
        sms.text.contains("Sign in and set your own.") && !sms.text.contains("http"),
        "{}",
        sms.text
    );
}

/// Where the directory is not ours, `sign_in_url` says where; never our own pages, at which nobody of it can sign in.
#[tokio::test(flavor = "multi_thread")]
async fn people_of_another_directory_are_told_its_own_address() {
    let fake = Fake::start(Kind::Lark).await;
    let bot =
        TestBot::with_directory_and_sign_in(&fake.own_settings(), "https://login.corp.example/")
            .await;
    for (typed, channel) in [
        ("+821099998888", Channel::Sms),
        ("eli@home.example", Channel::Email),
    ] {
        let card = bot.command(JO, "eli@corp.example").await.json();
        bot.click(JO, &card, "deliver_other").await;
        bot.submit(JO, typed).await;
        bot.click(JO, &bot.slack.last(), "confirm").await;
        let sent = bot.outbox.take();
        let sent = sent
            .iter()
            .find(|sent| sent.channel == channel && sent.text.contains("new password"))
            .expect("a password");
        assert!(
            sent.text.contains("at https://login.corp.example/ ") && !sent.text.contains("/signin"),
            "{}",
            sent.text
        );
    }
}

/// A code says where it is typed: at our own pages alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_says_where_it_is_typed() {
    let bot = TestBot::new().await;
    let temporary = bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    bot.browser().sign_in(MINA, &temporary).await;
    let sms = bot.outbox.take().remove(0);
    let (_, told) = sms.text.split_once(". ").expect("a code");
    assert_eq!(
        told,
        "Type it at http://127.0.0.1 only. Tell nobody, not even IT."
    );
}
