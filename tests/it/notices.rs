//! Who is told of a reset besides the administrator: the member at every contact that did not carry the password, and their
//! manager; and what they can do if nobody asked for it.

use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::{Channel, Span};

use crate::support::directories::web::{Fake, Kind};
use crate::support::sent::password_in_sms;
use crate::support::slack::text_of;
use crate::support::{Left, TestBot};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const PHONE: &str = "+821012345642";
const EMAIL: &str = "mina@mail.example";

/// Where the notice of a reset went, in the order of the alphabet.
fn told(bot: &TestBot) -> Vec<String> {
    let sent = bot.outbox.take();
    let notices = sent
        .into_iter()
        .filter(|sent| sent.text.starts_with("Your Acme password was reset by "));
    let mut to: Vec<String> = notices.map(|sent| sent.to).collect();
    to.sort_unstable();
    to
}

/// A contact that was chosen and got nothing did not carry the password: it is told like every other one.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_refused_the_password_gets_the_notice() {
    let refused = || Outcome::Refused(Refusal::Address);
    for (outcome, private, wanted) in [
        // Another way may carry the password to either contact.
        (refused(), EMAIL, vec![PHONE, MINA, EMAIL]),
        // Nothing follows, and the other contact surely did not carry it.
        (Outcome::Unknown, EMAIL, vec![PHONE, EMAIL]),
        // The only contact is not enough: the password may have arrived there, or may go there yet.
        (refused(), MINA, vec![PHONE, MINA]),
        (Outcome::Unknown, MINA, vec![PHONE, MINA]),
    ] {
        let bot = TestBot::new().await;
        bot.alter(MINA, "personal_email", private).await;
        let ready = bot.last_look(JO, MINA, "deliver_phone").await;
        bot.outbox.end_next_send(outcome.clone());
        bot.click(JO, &ready, "confirm").await;
        assert_eq!(told(&bot), wanted, "{outcome:?}, {private}");
    }
}

/// A second try carries the password to the only contact, which may be the only one that was told: the business address is
/// told too.
#[tokio::test(flavor = "multi_thread")]
async fn the_only_contact_is_not_told_alone_where_a_second_try_reaches_it() {
    for refused in [Refusal::Address, Refusal::Later] {
        for is_put_off in [false, true] {
            let bot = TestBot::new().await;
            bot.alter(MINA, "personal_email", MINA).await;
            let ready = bot.last_look(JO, MINA, "deliver_phone").await;
            bot.outbox.end_next_send(Outcome::Refused(refused.clone()));
            for _ in 0..2 {
                bot.outbox.end_next_send(if is_put_off {
                    Outcome::Refused(Refusal::Later)
                } else {
                    Outcome::Accepted
                });
            }
            bot.click(JO, &ready, "confirm").await;
            let mut told_of_it = told(&bot);
            bot.another_way(JO, &bot.slack.last(), "deliver_phone")
                .await;
            let done = bot.slack.last_text();
            assert!(done.contains("Done: "), "{done}");
            let sent = bot.outbox.take();
            assert!(
                sent.iter()
                    .any(|sent| password_in_sms(&sent.text).is_some())
            );
            bot.clock.advance(Span::minutes(3));
            bot.sweep().await;
            told_of_it.extend(told(&bot));
            assert!(
                told_of_it.iter().any(|to| to == MINA),
                "{refused:?}, {is_put_off}: {told_of_it:?}"
            );
        }
    }
}

/// A contact that left the record before it could be told leaves the business address, which was put off too.
#[tokio::test(flavor = "multi_thread")]
async fn the_business_address_is_told_where_the_other_contact_left_the_record() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    for why in [
        Refusal::Address,
        Refusal::Later,
        Refusal::Later,
        Refusal::Later,
    ] {
        bot.outbox.end_next_send(Outcome::Refused(why));
    }
    bot.click(JO, &ready, "confirm").await;
    bot.alter(MINA, "personal_email", MINA).await;
    bot.another_way(JO, &bot.slack.last(), "deliver_phone")
        .await;
    let sent = bot.outbox.take();
    assert!(
        sent.iter()
            .any(|sent| password_in_sms(&sent.text).is_some())
    );
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(told(&bot), [MINA]);
}

/// The same where the administrator's copy went out, so that the reset counts as delivered.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_to_the_administrator_carries_nothing_to_the_member() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the copy");
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.click(JO, &ready, "copy_to_self").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert_eq!(told(&bot), [PHONE, MINA, EMAIL]);
}

/// The same where the notice itself was put off, and the sweep sends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_notice_goes_to_the_contact_that_refused_the_password() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    for why in [
        Refusal::Address,
        Refusal::Later,
        Refusal::Later,
        Refusal::Later,
    ] {
        bot.outbox.end_next_send(Outcome::Refused(why));
    }
    bot.click(JO, &ready, "confirm").await;
    assert!(told(&bot).is_empty());
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(told(&bot), [PHONE, MINA, EMAIL]);
}

/// The second way carries the password to the one contact that was told: the business address hears of it too.
#[tokio::test(flavor = "multi_thread")]
async fn who_carries_the_password_on_the_second_way_is_not_told_alone() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    for _ in ["the password", "the notice"] {
        bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    }
    bot.click(JO, &ready, "confirm").await;
    let mut told_of_it = told(&bot);
    bot.another_way(JO, &bot.slack.last(), "deliver_email")
        .await;
    let done = bot.slack.last_text();
    assert!(done.contains("Done: "), "{done}");
    let carried = bot.outbox.take();
    assert!(carried.iter().any(|sent| sent.to == EMAIL));
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    told_of_it.extend(told(&bot));
    assert_eq!(told_of_it, [MINA, EMAIL]);
}

/// The same where the others were put off: what the contact heard before it carried the password does not count.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_told_before_it_carried_the_password_does_not_stand_for_the_others() {
    let bot = TestBot::new().await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    for outcome in [
        // The password, and then the notices to the phone, the e-mail and the business address.
        Outcome::Refused(Refusal::Address),
        Outcome::Refused(Refusal::Later),
        Outcome::Accepted,
        Outcome::Refused(Refusal::Later),
    ] {
        bot.outbox.end_next_send(outcome);
    }
    bot.click(JO, &ready, "confirm").await;
    assert_eq!(told(&bot), [EMAIL]);
    bot.another_way(JO, &bot.slack.last(), "deliver_email")
        .await;
    let carried = bot.outbox.take();
    assert!(carried.iter().any(|sent| sent.to == EMAIL));
    bot.clock.advance(Span::minutes(3));
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.sweep().await;
    assert_eq!(told(&bot), [MINA]);
}

/// A contact that refuses the notice for good, or perhaps has it, is not enough either, whatever way the password went.
#[tokio::test(flavor = "multi_thread")]
async fn the_business_address_is_told_where_the_others_did_not_take_the_notice() {
    for refused in [Outcome::Refused(Refusal::Address), Outcome::Unknown] {
        let bot = TestBot::new().await;
        let ready = bot.last_look(JO, MINA, "deliver_phone").await;
        for outcome in [Outcome::Accepted, refused.clone()] {
            bot.outbox.end_next_send(outcome);
        }
        bot.click(JO, &ready, "confirm").await;
        bot.settle().await;
        let told = told(&bot);
        assert!(told.iter().any(|to| to == MINA), "{refused:?}: {told:?}");
        let done = "step where step = 'notice' and outcome = 'done'";
        assert_eq!(bot.count(done).await, 1);
    }
}

/// Where the only contact carried the password, the business address is told.
#[tokio::test(flavor = "multi_thread")]
async fn the_business_address_is_told_where_no_other_contact_is_left() {
    let bot = TestBot::new().await;
    bot.alter(MINA, "phone", "").await;
    bot.reset(JO, MINA, "deliver_email").await;
    assert_eq!(told(&bot), [MINA]);
}

/// Who did not ask blocks the new password; who did signs in.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_says_how_to_block_it_and_where_to_sign_in() {
    let bot = TestBot::new().await;
    bot.reset_by_copy(JO, MINA).await;
    let [sms, mail] = bot.outbox.take().try_into().ok().expect("two notices");
    let (_, link) = mail.text.split_once("http://").expect("a link");
    let link = format!("http://{}", link.split_whitespace().next().unwrap());
    assert_eq!(
        mail.text,
        format!(
            "Your Acme password was reset by Jo Lim (IT) on 23 Nov 10:00 UTC and you were signed out.\n\n\
            Didn't ask for this? Block the new password: {link}\n\
            Nothing is deleted.\n\n\
            Did ask? Ignore this link and sign in at http://127.0.0.1/signin\n\
            To sign in you need to verify that it is you.\n\n\
            Not sure? Get help at https://help.acme.example/password\n"
        )
    );
    assert_eq!(
        sms.text,
        format!(
            "Your Acme password was reset by Jo Lim on 23 Nov 10:00 UTC. Didn't ask? Block it: {link}"
        )
    );
}

/// The link is for our own directory, where we can block. Elsewhere the notice names whom to call, and the directory's own
/// sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_of_another_directory_names_whom_to_call() {
    let fake = Fake::start(Kind::Lark).await;
    let settings = fake.own_settings();
    let bot = TestBot::with_directory_and_sign_in(&settings, "https://login.corp.example/").await;
    let card = bot.command(JO, "eli@corp.example").await.json();
    bot.click(JO, &card, "deliver_other").await;
    bot.submit(JO, "+821099998888").await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let sent = bot.outbox.take();
    let notices = sent
        .iter()
        .filter(|sent| sent.text.starts_with("Your Acme"));
    let mut channels = Vec::new();
    for notice in notices {
        channels.push(notice.channel);
        let parts = if notice.channel == Channel::Sms {
            [
                " Sign in at https://login.corp.example/ ",
                " Didn't ask? Get help at https://help.acme.example/password",
            ]
        } else {
            [
                "\n\nDid ask? Sign in at https://login.corp.example/\n",
                "\n\nDidn't ask for this? Get help at https://help.acme.example/password\n",
            ]
        };
        for part in parts {
            assert!(notice.text.contains(part), "{part}: {}", notice.text);
        }
        assert!(!notice.text.contains("/not-me/"), "{}", notice.text);
    }
    assert!(!channels.is_empty(), "nobody was told");
}

/// NIST SP 800-63B-4, 4.6: every notice says what to do, with contact information, also where there is no link: the phone
/// first, then the page, then the security address.
#[tokio::test(flavor = "multi_thread")]
async fn every_notice_names_whom_to_call() {
    let (help, security) = (
        "https://help.acme.example/password",
        "security@acme.example",
    );
    let phone = "+82 2 555 0100";
    for (help_phone, help_url, security_email, todo) in [
        (
            Some(phone),
            Some(help),
            Some(security),
            format!("Call {phone}."),
        ),
        (
            None,
            Some(help),
            Some(security),
            format!("Get help at {help}"),
        ),
        (
            None,
            None,
            Some(security),
            format!("Write to {security} at once."),
        ),
        (None, None, None, "Call your IT team.".to_owned()),
    ] {
        let bot = match help_phone {
            Some(phone) => TestBot::with_help_phone(phone).await,
            None => TestBot::without_pages(help_url, security_email).await,
        };
        bot.reset_by_copy(JO, MINA).await;
        let sent = bot.outbox.take();
        let channels: Vec<Channel> = sent.iter().map(|sent| sent.channel).collect();
        assert_eq!(channels, [Channel::Sms, Channel::Email]);
        for notice in sent {
            let asked = if notice.channel == Channel::Sms {
                "Didn't ask?"
            } else {
                "Didn't ask for this?"
            };
            let wanted = format!("{asked} {todo}");
            assert!(notice.text.contains(&wanted), "{}", notice.text);
            assert!(
                notice.channel != Channel::Sms || notice.text.len() <= 160,
                "{}",
                notice.text
            );
        }
    }
}

/// The messages that a manager got.
fn to_manager(bot: &TestBot) -> Vec<String> {
    let sent = bot.outbox.take();
    let to_kim = sent.into_iter().filter(|sent| sent.to == KIM);
    to_kim
        .map(|sent| format!("{}\n{}", sent.subject, sent.text))
        .collect()
}

/// The manager is told who reset whose password, with no password and no link of the member's in it, and the administrator
/// reads that they were.
#[tokio::test(flavor = "multi_thread")]
async fn the_manager_is_told_where_the_settings_say_so() {
    let bot = TestBot::with_managers().await;
    bot.alter(MINA, "manager_email", KIM).await;
    let ended = text_of(&bot.reset(JO, MINA, "deliver_phone").await);
    assert!(ended.contains("manager told ✓"), "{ended}");
    let sent = bot.outbox.take();
    let password = password_in_sms(&sent[0].text).expect("a password");
    let mail = sent
        .iter()
        .find(|sent| sent.to == KIM)
        .expect("a mail to the manager");
    assert_eq!(mail.subject, "The Acme password of Mina Park was reset");
    assert!(
        mail.text.starts_with(
            "The Acme password of Mina Park was reset by Jo Lim (IT) on 23 Nov 10:00 UTC."
        ),
        "{}",
        mail.text
    );
    for whom in [
        "ask Mina Park",
        "Still in doubt? Get help at https://help.acme.example/password",
    ] {
        assert!(mail.text.contains(whom), "{}", mail.text);
    }
    assert!(
        !mail.text.contains(&password) && !mail.text.contains("/not-me/"),
        "{}",
        mail.text
    );
}

/// Nobody is told where the settings do not say so, where nobody is on record, or where the member is on record as their own
/// manager.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_told() {
    let bot = TestBot::new().await;
    bot.alter(MINA, "manager_email", KIM).await;
    bot.reset_by_copy(JO, MINA).await;
    assert!(to_manager(&bot).is_empty());
    let bot = TestBot::with_managers().await;
    for manager in ["", MINA, "Mina.Park+x@acme.example", "Mina+x@mail.example"] {
        if !manager.is_empty() {
            bot.alter(MINA, "manager_email", manager).await;
        }
        let ended = bot.reset_by_copy(JO, MINA).await;
        assert!(!ended.is_empty());
        let sent = bot.outbox.take();
        assert!(
            sent.iter()
                .all(|sent| [PHONE, EMAIL].contains(&sent.to.as_str())),
            "{manager}"
        );
        assert_eq!(bot.count("step where step = 'manager_notice'").await, 0);
    }
}

/// A mail server that asks for patience is asked again by the sweep, also after a restart, and the manager is told once.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_to_a_manager_that_is_put_off_is_sent_later() {
    let bot = TestBot::with_managers().await;
    bot.leaves(Left::Messages, "the password that was sent");
    bot.alter(MINA, "manager_email", KIM).await;
    let ready = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Accepted);
    for _ in 0..2 {
        bot.outbox.end_next_send(Outcome::Refused(Refusal::Later));
    }
    bot.click(JO, &ready, "confirm").await;
    let ended = bot.slack.last_text();
    assert!(ended.contains("manager told: still to do …"), "{ended}");
    assert!(to_manager(&bot).is_empty());
    let bot = bot.restart().await;
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(to_manager(&bot).len(), 1);
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert!(to_manager(&bot).is_empty(), "told twice");
    let done = "step where step = 'manager_notice' and outcome = 'done'";
    assert_eq!(bot.count(done).await, 1);
}

/// A reset that a crash cut off before the manager was noted tells them all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_does_not_keep_the_manager_uninformed() {
    let bot = TestBot::with_managers().await;
    bot.alter(MINA, "manager_email", KIM).await;
    bot.reset_by_copy(JO, MINA).await;
    bot.outbox.take();
    // As the record is between the change and the delivery.
    bot.execute("delete from step where step = 'manager_notice'")
        .await;
    bot.execute("update step set outcome = 'pending' where step = 'notice'")
        .await;
    bot.clock.advance(Span::minutes(3));
    bot.sweep().await;
    assert_eq!(to_manager(&bot).len(), 1);
}
