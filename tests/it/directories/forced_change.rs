//! OpenLDAP: the password is hashed however the policy is set up, and the forced change is a step of its own after it.

use relatch::surface::domain::{Span, State, Step, StepOutcome};
use relatch::surface::flow::sweep;
use relatch::surface::store::{HistoryFilter, StepNote};

use super::{JO, a_refusal_by_policy_changes_nothing, all, email, ended, reset};
use crate::support::TestBot;
use crate::support::directories::ldap::{Kind, Server};
use crate::support::directories::{CHOSEN, OLD, SignIn, Trouble, World};
use crate::support::slack::{button_value, shown_password, text_of};

const MUST: &str = "must set a new one ✓";
const NOT_ENFORCED: &str = "must set a new one: not enforced by the directory";

/// `ppolicy_hash_cleartext` is off by default.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn openldap_with_a_policy_that_does_not_hash() {
    let server = Server::start(Kind::UnhashedOpenLdap).await;
    a_password_is_kept_hashed(&server).await;
    a_refusal_by_policy_changes_nothing(&server).await;
    a_missing_right_to_force_is_told(&server).await;
    a_forced_change_without_an_answer_is_read_back(&server).await;
    a_forced_change_is_made_up_for_after_a_crash(&server).await;
    a_forced_change_is_made_up_for_later(&server).await;
    what_the_member_set_since_is_left_alone(&server).await;
    all(server).await;
}

/// Then the server shows the policy's control and applies none.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs slapd"]
async fn openldap_with_the_module_of_the_policy_alone() {
    let server = Server::start(Kind::OpenLdapModule).await;
    let result = a_password_is_kept_hashed(&server).await;
    assert!(
        text_of(&result).contains(NOT_ENFORCED),
        "{}",
        text_of(&result)
    );
    // It would begin to count on the day on which the overlay is set up.
    assert_eq!(server.value_of("ali", "pwdReset").await, None);
    all(server).await;
}

async fn a_password_is_kept_hashed(server: &Server) -> serde_json::Value {
    let result = reset(&server.bot().await, "ali").await;
    let password = shown_password(&result).expect("a password");
    let kept = server.kept_password("ali").await;
    assert!(
        kept.starts_with("{ARGON2}") && !kept.contains(&password),
        "the password is kept readable"
    );
    assert_ne!(server.sign_in("ali", &password).await, SignIn::Refused);
    result
}

/// The password is set all the same, and the result says what is not in force.
async fn a_missing_right_to_force_is_told(server: &Server) {
    let bot = TestBot::with_directory(&server.settings_as("half")).await;
    let result = reset(&bot, "ann").await;
    let (password, told) = (
        shown_password(&result).expect("a password"),
        text_of(&result),
    );
    assert!(told.contains(NOT_ENFORCED), "{told}");
    assert_eq!(ended(&bot).await, (State::Delivered, false));
    assert_eq!(server.sign_in("ann", &password).await, SignIn::In);
}

/// It is sent once more, and what was read back is told.
async fn a_forced_change_without_an_answer_is_read_back(server: &Server) {
    for (name, trouble) in [
        ("hlp", Trouble::HangBefore),
        ("mal", Trouble::HangAfter),
        ("ger", Trouble::Die),
    ] {
        let (bot, before) = (server.bot().await, server.changes().await);
        server.seen.second_change(trouble);
        let result = reset(&bot, name).await;
        let told = text_of(&result);
        assert!(told.contains(MUST), "{trouble:?}: {told}");
        assert_eq!(ended(&bot).await, (State::Delivered, false), "{trouble:?}");
        let password = shown_password(&result).expect("a password");
        assert_eq!(
            server.sign_in(name, &password).await,
            SignIn::MustChange,
            "{trouble:?}"
        );
        let sent = 2 + usize::from(trouble != Trouble::HangBefore);
        assert_eq!(server.changes().await - before, sent, "{trouble:?}");
    }
}

/// A reset of this member that is delivered, with its forced change still to be made.
async fn left_half_way(server: &Server, name: &str) -> (TestBot, String) {
    let bot = TestBot::with_directory_in_real_time(&server.own_settings()).await;
    let password = shown_password(&reset(&bot, name).await).expect("a password");
    server.set(&server.dn(name), "pwdReset", None).await;
    let pending = StepNote {
        step: Step::MustChange,
        outcome: StepOutcome::Pending,
        detail: None,
    };
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    let id = past[0].reset.reset_id;
    bot.app.store.note_steps(id, vec![pending]).await.unwrap();
    (bot, password)
}

/// What the record says of the forced change, after the next start.
async fn after_the_next_start(bot: TestBot) -> (StepOutcome, Option<String>) {
    let bot = bot.restart().await;
    bot.clock.advance(Span::minutes(4));
    sweep::catch_up(&bot.app).await.unwrap();
    recorded(&bot).await
}

async fn recorded_state(bot: &TestBot) -> State {
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    past[0].reset.state
}

async fn recorded(bot: &TestBot) -> (StepOutcome, Option<String>) {
    let past = bot
        .app
        .store
        .history(&HistoryFilter::default())
        .await
        .unwrap();
    let steps = bot.app.store.steps(past[0].reset.reset_id).await.unwrap();
    let forced = steps.into_iter().find(|step| step.step == Step::MustChange);
    let forced = forced.unwrap();
    (forced.outcome, forced.detail)
}

/// The process dies while it waits for the answer to the second change, which never came to the server.
async fn a_forced_change_is_made_up_for_after_a_crash(server: &Server) {
    let bot = TestBot::with_directory_in_real_time(&server.own_settings()).await;
    let card = bot.command(JO, &email("tel")).await.json();
    bot.click(JO, &card, "deliver_copy").await;
    let confirm = button_value(&bot.slack.last(), "confirm").unwrap();
    server.seen.second_change(Trouble::HangBefore);
    // What the click begins runs here, and ends with it at whatever it waits for.
    let process = tokio::runtime::Runtime::new().unwrap();
    let clicked = process.spawn(async move {
        bot.click_and_go(JO, "confirm", &confirm).await;
        bot
    });
    let bot = clicked.await.unwrap();
    while recorded_state(&bot).await != State::Changed {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(recorded(&bot).await, (StepOutcome::Pending, None));
    assert_eq!(server.value_of("tel", "pwdReset").await, None);

    process.shutdown_background();
    let bot = bot.restart().await;
    bot.clock.advance(Span::minutes(4));
    sweep::end_what_is_due(&bot.app).await.unwrap();
    sweep::catch_up(&bot.app).await.unwrap();
    // The password is lost with the process, so nothing can be proved by it.
    assert_eq!(recorded(&bot).await, (StepOutcome::Unknown, None));
    assert_eq!(recorded_state(&bot).await, State::Lost);
    let is_reset = server.value_of("tel", "pwdReset").await;
    assert_eq!(is_reset.as_deref(), Some("TRUE"));
    assert_eq!(server.sign_in("tel", OLD).await, SignIn::Refused);
}

/// A fault that may pass is none of the answers: the sweep does it later.
async fn a_forced_change_is_made_up_for_later(server: &Server) {
    let (bot, password) = left_half_way(server, "lat").await;
    let bot = bot.restart().await;
    server.seen.next_change(Trouble::HangBefore);
    sweep::catch_up(&bot.app).await.unwrap();
    assert_eq!(recorded(&bot).await, (StepOutcome::Pending, None));
    assert_eq!(server.sign_in("lat", &password).await, SignIn::In);
    bot.clock.advance(Span::minutes(4));
    sweep::finish(&bot.app).await.unwrap();
    assert_eq!(recorded(&bot).await, (StepOutcome::Unknown, None));
    assert_eq!(server.sign_in("lat", &password).await, SignIn::MustChange);
}

async fn what_the_member_set_since_is_left_alone(server: &Server) {
    let (bot, password) = left_half_way(server, "inj").await;
    // Times are counted in seconds.
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    server.change_own("inj", &password).await;
    let set_again = Some("set_again".to_owned());
    assert_eq!(
        after_the_next_start(bot).await,
        (StepOutcome::Failed, set_again)
    );
    assert_eq!(server.sign_in("inj", CHOSEN).await, SignIn::In);
}
