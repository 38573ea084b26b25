//! Who a request comes from and whom it is about, where two answers are close together: the right one is given, and a
//! refusal is on record.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use relatch::surface::app::{Admins, Identity};
use relatch::surface::domain::delivery::{Outcome, Refusal};
use relatch::surface::domain::quota::Limit;
use relatch::surface::domain::{Platform, Span};
use serde_json::json;

use crate::support::directories::web::{self, Fake};
use crate::support::mattermost::id_of;
use crate::support::slack::{button_value, click_body, text_of, user_id};
use crate::support::{Left, OWN, TestBot};

const JO: &str = "jo@acme.example";
const KIM: &str = "kim@acme.example";
const MINA: &str = "mina.park@acme.example";
const NOA: &str = "noa@acme.example";
const NUMBER: &str = "+82 10 1234 5699";

const ANN: &str = "ann@corp.example";
const ELI: &str = "eli@corp.example";
const MAL: &str = "mal@corp.example";
/// A second address of Ann.
const TOP: &str = "top@corp.example";

/// A bot before a Lark in which Ann has a second address, which is listed too: Ann is a delegated administrator by the
/// first and a primary one by the second; Mal is a primary one.
async fn bot_of_two_addresses(fake: &Fake) -> TestBot {
    let read = |email: &str| email.parse().unwrap();
    let admins = Admins::List {
        primary: vec![read(TOP), read(MAL)],
        member_and_department: vec![read(ANN)],
    };
    let bot = TestBot::with_directory_and_admins(&fake.own_settings(), admins).await;
    bot.leaves(Left::Messages, "what the security address hears of pins");
    for email in [ANN, MAL] {
        bot.slack.know(email);
    }
    bot
}

/// True where Ann gets a card for them.
async fn may_reset(bot: &TestBot, who: &str) -> bool {
    let told = bot.command(ANN, who).await.json();
    button_value(&told, "cancel").is_some()
}

/// An address that gives no right takes none away that another address gives.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_a_pin_takes_no_right_away() {
    let fake = Fake::start(web::Kind::Lark).await;
    fake.find_mailboxes();
    let bot = bot_of_two_addresses(&fake).await;
    fake.set_second_email("ann", TOP);
    assert!(may_reset(&bot, ELI).await);
    assert!(!may_reset(&bot, MAL).await, "nobody has accepted it");
}

/// The administrator's own mailbox gets no copy where it is the member's too, and the refusal says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_does_not_go_to_a_mailbox_of_the_member() {
    let fake = Fake::start(web::Kind::Lark).await;
    let bot = bot_of_two_addresses(&fake).await;
    let card = bot.command(ANN, ELI).await.json();
    bot.click(ANN, &card, "deliver_phone").await;
    let look = bot.slack.last();
    fake.set_second_email("eli", ANN);
    bot.clock.advance(Span::minutes(1));
    bot.click(ANN, &look, "copy_to_self").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("business email") && told.contains("Nothing was changed."),
        "{told}"
    );
    // Slack shows the tick that was refused until the boxes are new ones.
    let present = bot.slack.last();
    assert_ne!(
        button_value(&present, "copy_to_self"),
        button_value(&look, "copy_to_self")
    );
    bot.click(ANN, &present, "confirm").await;
    assert!(!bot.slack.last_text().contains("was out of date"));
}

/// The same at the act: the mailbox became the member's after the box was ticked.
#[tokio::test(flavor = "multi_thread")]
async fn a_ticked_copy_does_not_go_to_what_became_a_mailbox_of_the_member() {
    let fake = Fake::start(web::Kind::Lark).await;
    let bot = bot_of_two_addresses(&fake).await;
    let card = bot.command(ANN, ELI).await.json();
    bot.click(ANN, &card, "deliver_phone").await;
    bot.click(ANN, &bot.slack.last(), "copy_to_self").await;
    let look = bot.slack.last();
    fake.set_second_email("eli", ANN);
    bot.click(ANN, &look, "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("business email") && told.contains("Nothing was changed."),
        "{told}"
    );
    assert_eq!(bot.outbox.take().len(), 0);
}

/// A question that was asked for one person is no answer for another who has the account or the address since.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_by_and_for_those_it_was_asked_for() {
    for changed in [JO, NOA] {
        let bot = TestBot::new().await;
        let add = format!("contact {NOA} {NUMBER}");
        let asked = bot.on(Platform::Mattermost).command(JO, &add).await.json();
        let value = button_value(&asked, "contact_add").expect("the question");
        bot.replace_id(changed, "id-of-a-new-person").await;
        bot.clock.advance(Span::minutes(1));
        bot.click_value(JO, "contact_add", &value).await;
        let told = bot.slack.last_text().replace('\n', " ");
        assert!(
            told.contains("This question is answered, too old, or not yours."),
            "{changed}: {told}"
        );
        assert_eq!(bot.count("contact").await, 0, "{changed}");
    }
}

/// Somebody else's contact is an unknown card to a colleague, an own one that is too old says so, and both are on record.
#[tokio::test(flavor = "multi_thread")]
async fn a_contact_of_somebody_else_is_an_unknown_card() {
    let bot = TestBot::new().await;
    bot.leaves(Left::Messages, "the notices of the added contact");
    let told = bot.command(KIM, &format!("contact {NOA} {NUMBER}")).await;
    bot.settle().await;
    let value = button_value(&told.json(), "contact_code").unwrap();
    bot.click_value(JO, "contact_code", &value).await;
    let told = bot.slack.last_text();
    assert!(told.contains("I don't know this card."), "{told}");
    bot.clock.advance(Span::minutes(10));
    bot.click_value(KIM, "contact_code", &value).await;
    let told = bot.slack.last_text();
    assert!(told.contains("This card is older than 10 min"), "{told}");
    assert_eq!(bot.audited("contact_code").await, "no_such_card expired");
}

/// A forged click is written down, and the same bytes again are a replay.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_click_is_on_record_once() {
    let bot = TestBot::new().await;
    let reply = bot.slack.reply_url(999);
    let body = click_body(&user_id(JO), "confirm", &"A".repeat(43), &reply, 999);
    let first = bot.post("/slack/interactions", &body).await;
    bot.settle().await;
    // What was in memory is gone; the record knows it.
    let bot = bot.restart().await;
    let again = bot.post("/slack/interactions", &body).await;
    assert_eq!(
        (first.status, again.status),
        (StatusCode::OK, StatusCode::CONFLICT)
    );
    assert_eq!(bot.audited("click").await, "forged_value");
}

/// Where the chat tells e-mails, a caller whom nobody knows hears of theirs; links are for where it does not.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_caller_hears_what_counts_on_their_platform() {
    let of_email = "check its confirmed email";
    let bot = TestBot::new().await;
    bot.slack.change(JO, "is_email_confirmed", json!(false));
    let told = bot.command(JO, MINA).await.text();
    assert!(told.contains(of_email), "{told}");
    bot.execute("delete from link where platform = 'discord'")
        .await;
    let told = bot.on(Platform::Discord).command(JO, MINA).await.text();
    assert!(
        told.contains("relatch link discord") && !told.contains(of_email),
        "{told}"
    );
}

/// Only the mail server tells which typed addresses exist, so a number can be typed above the limit.
#[tokio::test(flavor = "multi_thread")]
async fn above_the_limit_an_undelivered_password_goes_to_a_typed_number() {
    let bot = TestBot::new().await;
    let look = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.outbox.end_next_send(Outcome::Refused(Refusal::Address));
    bot.click(JO, &look, "confirm").await;
    let failed = bot.slack.last();
    for _ in 0..30 {
        bot.command(JO, &format!("why {MINA}")).await;
    }
    bot.outbox.take();
    bot.click(JO, &failed, "deliver_other").await;
    bot.submit(JO, NUMBER).await;
    bot.click(JO, &bot.slack.last(), "confirm").await;
    assert!(
        bot.slack.last_text().contains("Done: "),
        "{}",
        bot.slack.last_text()
    );
    let sent: BTreeSet<String> = bot.outbox.take().into_iter().map(|sent| sent.to).collect();
    assert!(sent.contains("+821012345699"), "{sent:?}");
}

/// A copy that the mail server refuses counts where its address was typed, and not where it is the administrator's own.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_copy_to_ones_own_address_is_no_guess() {
    let bot = TestBot::new().await;
    let look = bot.last_look(JO, MINA, "deliver_phone").await;
    bot.click(JO, &look, "copy_to_self").await;
    bot.outbox.fail_next_prepare(Refusal::Address);
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("refuses j···@acme.example for your copy"),
        "{told}"
    );
    let refused = "look_up where tried = 'refused_click'";
    assert_eq!(bot.count(refused).await, 0);
}

/// `log` shows the last ten.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_shows_the_last_ten() {
    let bot = TestBot::with_limit(Limit {
        resets: 20,
        window: Span::hours(24),
    })
    .await;
    for _ in 0..11 {
        bot.reset_by_copy(JO, MINA).await;
    }
    let told = text_of(&bot.command(JO, "log").await.json());
    assert_eq!(told.matches("Mina Park by Jo Lim").count(), 10, "{told}");
}

/// The oldest of a member's browsers makes room for the twenty-first.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_has_twenty_known_browsers() {
    let bot = TestBot::new().await;
    let first = bot.signed_in(MINA).await;
    let began_at = bot.clock.now().0;
    drop(first);
    for _ in 0..20 {
        bot.clock.advance(Span::minutes(1));
        let page = bot.browser().sign_in(MINA, OWN).await;
        assert_eq!(page.to(), "/account");
    }
    assert_eq!(bot.count("device").await, 20);
    let oldest = format!("device where began_at <= {began_at}");
    assert_eq!(bot.count(&oldest).await, 0);
}

/// Where links are enough, a bot that may not look people up by e-mail finds them by their links.
#[tokio::test(flavor = "multi_thread")]
async fn links_are_enough_for_a_bot_that_sees_no_emails() {
    let bot = TestBot::identified_by(Identity::Linked, Admins::Chat).await;
    let link = |email: &str| (Platform::Mattermost, id_of(email), email.to_owned());
    bot.app
        .store
        .link([JO, MINA].map(link).to_vec())
        .await
        .unwrap();
    bot.slack.change(JO, "is_owner", json!(true));
    let server = &bot.slack.memory.mattermost;
    server.lock().unwrap().sees_members = false;
    let told = bot.on(Platform::Mattermost).command(JO, MINA).await.text();
    assert!(told.contains("Reset Mina Park's password?"), "{told}");
}
