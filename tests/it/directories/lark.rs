//! What only Lark does.

use relatch::surface::domain::State;

use super::{JO, NOTHING, all, card_text, email, ended, reset, sessions_are_ended};
use crate::support::directories::web::Fake;
use crate::support::directories::{OLD, SignIn, World, web};
use crate::support::slack::{shown_password, text_of};

#[tokio::test(flavor = "multi_thread")]
async fn lark() {
    let fake = Fake::start(web::Kind::Lark).await;
    sessions_are_ended(&fake).await;
    all(fake).await;
}

/// Where the app may not use Lark's newer call, the older one sets a password that need not be changed; that is told.
#[tokio::test(flavor = "multi_thread")]
async fn larks_older_call_is_told_for_what_it_is() {
    let fake = Fake::start(web::Kind::Lark).await;
    fake.take_scope("passport:password:full");
    let result = reset(&fake.bot().await, "eli").await;
    assert!(
        text_of(&result).contains("must set a new one: not enforced by the directory"),
        "{}",
        text_of(&result)
    );
    assert_eq!(
        fake.sign_in("eli", &shown_password(&result).unwrap()).await,
        SignIn::In
    );
}

/// Lark looks nobody up by the mailbox. Whose profile has another e-mail is not found, and nothing is changed.
#[tokio::test(flavor = "multi_thread")]
async fn whose_profile_has_another_email_is_not_found() {
    let fake = Fake::start(web::Kind::Lark).await;
    fake.set_second_email("eli", "eli@elsewhere.example");
    let told = fake
        .bot()
        .await
        .command("jo@acme.example", "eli@corp.example")
        .await;
    let told = told.text();
    assert!(
        told.contains("exactly one account") && told.contains("Nothing was changed."),
        "{told}"
    );
}

/// What somebody has to put right, in Lark's console or in the settings, is lasting. A limit and a fault of Lark's own pass.
#[tokio::test(flavor = "multi_thread")]
async fn faults_that_stay_are_told_apart_from_those_that_pass() {
    // The app is unknown, its secret is wrong, it lacks a scope or is switched off; a limit; an expired token; a wrong
    // parameter; an error of no meaning.
    for (of_app, code, is_lasting) in [
        (true, 10_003, true),
        (true, 10_014, true),
        (false, 99_991_672, true),
        (false, 99_991_662, true),
        (true, 99_991_400, false),
        (false, 99_991_400, false),
        (false, 99_991_663, false),
        (false, 10_003, false),
        (false, 1_500, false),
    ] {
        let fake = Fake::start(web::Kind::Lark).await;
        if of_app {
            fake.refuse_app(code);
        } else {
            fake.refuse_calls(code);
        }
        let bot = fake.bot().await;
        // However often: the directory is not given up for a while, which would be told as a passing fault.
        for _ in 0..4 {
            let told = card_text(&bot, "eli").await;
            assert_eq!(
                told.contains("can't use Corp directory as it is set up."),
                is_lasting,
                "{code}: {told}"
            );
            assert_eq!(
                told.contains("Try again in a few minutes."),
                !is_lasting,
                "{code}: {told}"
            );
            assert!(
                told.contains(NOTHING) && told.contains("(ref ") && told.chars().count() <= 350,
                "{code}: {told}"
            );
        }
    }
}

/// The secret was replaced between the card and the change: no token, so nothing was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_refused_at_the_act_changes_nothing() {
    let fake = Fake::start(web::Kind::Lark).await;
    let bot = fake.bot().await;
    let card = bot.command(JO, &email("eli")).await.json();
    bot.click(JO, &card, "deliver_copy").await;
    let look = bot.slack.last();
    fake.lose_secret_at_change();
    bot.click(JO, &look, "confirm").await;
    let told = bot.slack.last_text();
    assert!(
        told.contains("can't use Corp directory as it is set up.") && told.contains(NOTHING),
        "{told}"
    );
    assert_eq!(ended(&bot).await, (State::Refused, true));
    assert_eq!(fake.sign_in("eli", OLD).await, SignIn::In);
}
