//! How many connections and answers in sequence a reset needs in a directory that speaks LDAP, and what becomes of a
//! connection that is of no use any more.

use super::{JO, NOTHING, card_text, email};
use crate::support::TestBot;
use crate::support::directories::lldap::Lldap;
use crate::support::directories::proxy::{self, Seen};
use crate::support::directories::{SignIn, World};
use crate::support::slack::{button_value, shown_password, text_of};

/// From the command of an administrator of the same directory to the password; each time what was needed so far.
pub(super) async fn what_a_reset_needs(
    bot: &TestBot,
    seen: &Seen,
    (admin, member): (&str, &str),
) -> (String, [(usize, usize); 2]) {
    bot.slack.know(&email(admin));
    seen.count_rounds();
    let (before, _) = seen.counted();
    let needed = || {
        let (connections, rounds) = seen.counted();
        (connections - before, rounds)
    };
    let card = bot.command(&email(admin), &email(member)).await.json();
    assert!(
        button_value(&card, "deliver_copy").is_some(),
        "{}",
        text_of(&card)
    );
    let for_card = needed();
    bot.click(&email(admin), &card, "deliver_copy").await;
    bot.click(&email(admin), &bot.slack.last(), "confirm").await;
    let password = shown_password(&bot.slack.last()).expect("a password");
    (password, [for_card, needed()])
}

/// With one group that protects and one that gives a role.
#[track_caller]
pub(super) fn few_are_needed([card, whole]: [(usize, usize); 2]) {
    assert!(card.1 <= 5, "{} answers in sequence for a card", card.1);
    assert!(whole.1 <= 14, "{} answers in sequence for a reset", whole.1);
    assert!(whole.0 <= 2, "{} connections for a reset", whole.0);
}

/// A proxy in front of a pretend lldap, and a bot in front of both.
async fn behind_proxy() -> (Lldap, Seen, TestBot) {
    let lldap = Lldap::start().await;
    let (proxy, seen) = proxy::start_plain(lldap.address).await;
    let bot = TestBot::with_directory(&Lldap::settings_at("relatch", proxy)).await;
    (lldap, seen, bot)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_needs_few_answers_in_sequence() {
    let (lldap, seen, bot) = behind_proxy().await;
    let (password, needed) = what_a_reset_needs(&bot, &seen, ("ann", "eli")).await;
    few_are_needed(needed);
    assert_eq!(lldap.sign_in("eli", &password).await, SignIn::In);
}

/// Servers close what is idle. That is seen before anything is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_closed_is_made_anew() {
    let (_lldap, seen, bot) = behind_proxy().await;
    for closed in 0..3 {
        let card = card_text(&bot, "eli").await;
        assert!(card.contains("eli Corp"), "{closed}: {card}");
        assert_eq!(seen.connections(), closed + 1);
        seen.hang_up();
    }
}

/// A firewall forgets an idle connection without a word: the next question has no answer, and is asked on another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_died_in_silence_is_made_anew() {
    let (lldap, seen, bot) = behind_proxy().await;
    assert!(card_text(&bot, "eli").await.contains("eli Corp"));
    seen.let_die();
    let card = bot.command(JO, &email("eli")).await.json();
    assert!(text_of(&card).contains("eli Corp"), "{}", text_of(&card));
    assert_eq!(seen.connections(), 2);

    // The same between the card and the change, which is sent once.
    bot.click(JO, &card, "deliver_copy").await;
    seen.let_die();
    bot.click(JO, &bot.slack.last(), "confirm").await;
    let password = shown_password(&bot.slack.last()).expect("a password");
    assert_eq!(lldap.sign_in("eli", &password).await, SignIn::In);
    assert_eq!(seen.changes(), 1);
}

/// What a connection still has to say after its time-out is no answer to the next question.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_too_slow_is_not_used_again() {
    let (_lldap, seen, bot) = behind_proxy().await;
    assert!(card_text(&bot, "eli").await.contains("eli Corp"));
    seen.next_change(crate::support::directories::Trouble::HangAfter);
    let told = text_of(&super::reset(&bot, "lost").await);
    assert!(
        told.contains("stopped answering half-way") && !told.contains(NOTHING),
        "{told}"
    );
    let before = seen.connections();
    assert!(before >= 2, "the silent connection was asked again");
    assert!(card_text(&bot, "eli").await.contains("eli Corp"));
    assert_eq!(seen.changes(), 1);
}
